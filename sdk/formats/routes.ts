/** Where the tensors of an archive go under other names, and how they are turned on the way. */

import { ARRAY } from '../core/dtype.ts';
import { OptionError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import type { Shape } from '../core/shape.ts';
import { type Archive, fault } from './archive.ts';
import type { Remapped, Rule } from './remap.ts';

/** Where rules lead one name: its new name, and the names at which its matrix is turned. */
export interface Route {
  readonly to: string;
  readonly turned: readonly string[];
}

/**
 * What rules make of names: every one that matches, in order, each applied to the name that the ones before have made.
 * @throws OptionError where two would have one name
 */
export function routesOf(names: Iterable<string>, rules: readonly Rule[]): Map<string, Route> {
  return distinct(names, (name) => {
    let to = name;
    const turned: string[] = [];
    for (const { match, rename, transpose } of rules) {
      // A copy, since g and y keep a place in the name before; search() leaves it at the start.
      const part = typeof match === 'string' ? match : new RegExp(match);
      if (typeof part === 'string' ? part !== to : to.search(part) < 0) continue;
      if (transpose) turned.push(to);
      if (rename !== undefined) to = to.replace(part, rename);
    }
    return { to, turned };
  });
}

/** Where `route` leads each name. @throws OptionError where two would have one name */
export function distinct(names: Iterable<string>, route: (name: string) => Route): Map<string, Route> {
  const routes = new Map<string, Route>();
  const taken = new Set<string>();
  for (const name of names) {
    const { to, turned } = route(name);
    if (taken.has(to)) {
      throw new OptionError(`remap: ${JSON.stringify(name)} would become a second ${JSON.stringify(to)}`, {
        hint: 'Let each tensor keep a name of its own.',
        details: { from: name, to },
      });
    }
    taken.add(to);
    routes.set(name, { to, turned });
  }
  return routes;
}

/** An archive whose tensors have gone where their routes lead. */
export function along<A extends Archive>(a: A, by: ReadonlyMap<string, Route>): Remapped<A> {
  const routes = [...by];
  return {
    archive: {
      ...a,
      tensors: new Map(routes.map(([name, r]) => [r.to, turn(r, a.tensors.get(name) as HostArray)])),
    },
    renamed: routes.flatMap(([name, { to }]) => (to === name ? [] : [[name, to] as const])),
    transposed: routes.flatMap(([, { turned }]) => turned),
  };
}

/** A tensor as its route leaves it. */
export const turn = ({ turned }: Route, t: HostArray): HostArray => turned.reduce((m, name) => transposeOf(name, m), t);

/** The shape that `turn` gives. */
export const turnedShape = ({ turned }: Route, shape: Shape): Shape =>
  turned.length % 2 === 1 ? [...shape].reverse() : shape;

function transposeOf(name: string, t: HostArray): HostArray {
  if (t.shape.length !== 2) {
    throw fault('remap', `[${t.shape}] is no matrix to transpose`, {
      tensor: name,
      hint: 'Let the rule match matrices only.',
    });
  }
  const [rows, columns] = t.shape;
  const data = new ARRAY[t.dtype](t.data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) data[c * rows + r] = t.data[r * columns + c];
  return { data, shape: [columns, rows], dtype: t.dtype };
}
