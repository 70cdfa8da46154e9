/** Versions of what components store: one number each in a file's `schema`, and steps from one to the next. */

import { CheckpointError, OptionError } from '../core/errors.ts';
import type { HostArray, Json } from '../core/host.ts';
import { Variable } from '../core/variable.ts';
import type { Component, Migrated, Saved } from './component.ts';

/** State of the caller's own that must survive a stop. */
export interface TrainerComponent {
  readonly version: number;
  /** From version n, its key, to n + 1; from 0 where a run began without it. */
  readonly migrations?: Component['migrations'];
  /** Called between steps; what it gives is copied. */
  save(): { readonly state?: Json; readonly tensors?: Saved['tensors'] };
  /** Gets the same again. Checks it, changes nothing, and returns what applies it once all else is known to fit: that must not throw. */
  load(saved: Saved<HostArray>): () => void;
}

/**
 * A component for a Trainer's `components`, saved and resumed with the run as `callbacks/<name>`.
 *
 * @example
 * const trainer = new Trainer({ model, loss, optimizer, store, components: [component('patience', new Patience())] });
 * @throws OptionError for a name or a version that cannot be one
 */
export function component(name: string, c: TrainerComponent): Component {
  if (!/^[\w-]+$/.test(name) || !Number.isSafeInteger(c.version) || c.version < 1) {
    throw new OptionError(`component: '${name}', version ${c.version}`, {
      hint: 'Names have letters, digits, _ and -; versions are integers from 1 up.',
    });
  }
  return {
    root: `callbacks/${name}`,
    version: c.version,
    migrations: c.migrations,
    upgrade: migrate,
    save() {
      const { state = null, tensors = new Map() } = c.save();
      const copied = [...tensors].map(([k, v]) => [k, v instanceof Variable ? v : structuredClone(v)] as const);
      return { state: structuredClone(state), tensors: new Map(copied) };
    },
    load: (saved) => c.load(saved),
  };
}

/**
 * What a file says of a component, as this version of it stores it: by its migrations, one after the other.
 * @throws CheckpointError E_MIGRATION for a newer version, where a step is missing, and where one throws
 */
export function migrate(
  c: Pick<Component, 'root' | 'version' | 'migrations'>,
  from: number,
  saved: Saved<HostArray>,
  done: Migrated[],
): Saved<HostArray> {
  const { root, version, migrations = {} } = c;
  const fail = (why: string, hint: string, cause?: unknown) =>
    new CheckpointError('E_MIGRATION', `the checkpoint's ${root} ${why}`, {
      path: `schema.${root}`,
      expected: version,
      actual: from,
      hint,
      cause,
    });
  if (from > version) {
    throw fail(`is version ${from}, newer than ${version}`, 'Load it with the version that wrote it, or a later one.');
  }
  let at = saved;
  for (let n = from; n < version; n++) {
    const step = migrations[n];
    const was = n === 0 ? 'is missing' : `is version ${n}`;
    if (!step) throw fail(`${was}, and nothing leads to ${n + 1}`, `Give ${root} a migration from ${n}.`);
    try {
      at = step(at);
    } catch (e) {
      throw fail(`${was}, and its migration failed: ${String(e)}`, 'Mend the migration.', e);
    }
    if (at?.state === undefined || !(at.tensors instanceof Map)) {
      throw fail(`${was}, and its migration gave no { state, tensors }`, 'Mend the migration.');
    }
  }
  if (from < version) done.push({ component: root, from, to: version });
  return at;
}
