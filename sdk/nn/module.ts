/**
 * Module: a model or a part of one. Parameters are the fields that hold Variables, and their names are the paths of those
 * fields, so that code and checkpoint speak of `fc1.weight` alike.
 */

import { DataError, OptionError } from '../core/errors.ts';
import type { HostArray, Json } from '../core/host.ts';
import type { Rng } from '../core/rng.ts';
import type { Runtime } from '../core/runtime.ts';
import { streamOf } from '../core/scalar/philox.ts';
import type { Shape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { Variable } from '../core/variable.ts';
import type { Initialiser } from './initialisers.ts';

/** What a forward pass knows besides its input. Without one, it is inference. */
export interface Ctx {
  readonly train: boolean;
  /** Already at this step. */
  readonly rng: Rng;
}

/** Makes the Variables of one module; `name` is that of the field which will hold the result. */
export interface Maker {
  /** A trained f32 Variable. */
  parameter(name: string, shape: Shape, init: Initialiser): Variable<'f32'>;
  /** A Variable that is saved with the model but not trained. */
  buffer(name: string, init: HostArray<'f32'>): Variable<'f32'>;

  /** The name of a random stream of this module's own, `<use>/<module>`, such as `dropout/2`. */
  stream(use: string): string;
}

/**
 * The base of layers and models. Fields that hold Modules, Variables, or arrays and plain objects of them, are part of the
 * model; fields whose name begins with `_`, and private ones, are not. Train or evaluate is an argument, never a mode.
 *
 * @example
 * class Classifier extends Module {
 *   fc1 = new Linear(784, 128);
 *   fc2 = new Linear(128, 10);
 *   forward(x: Tensor) {
 *     return this.fc2.forward(relu(this.fc1.forward(x)));
 *   }
 * }
 * const model = new Classifier().init(rt);             // fc1.weight, fc1.bias, fc2.weight, fc2.bias
 */
export abstract class Module {
  /** Names the class in descriptions; a string literal, because minifiers rename classes. */
  static readonly type: string = '';

  abstract forward(x: Tensor, ctx?: Ctx): Tensor;

  /** Makes this module's own Variables and puts them in its fields. A layer with parameters overrides it. */
  create(_make: Maker): void {}

  /**
   * Makes all Variables, of this module and of those in its fields. Random ones draw from the stream `init/<name>`, so that
   * a parameter's value depends on the seed and its name alone.
   * @throws OptionError where two names share one random stream.
   */
  init(rt: Runtime, o: { rng?: Rng } = {}): this {
    const rng = o.rng ?? rt.rng;
    const streams = new Map<number, string>();
    const claim = (stream: string, name: string): string => {
      const hash = streamOf(stream);
      const other = streams.get(hash);
      if (other !== undefined) {
        throw new OptionError(`init: ${other} and ${name} would draw the same random numbers`, {
          hint: 'Rename one of the fields.',
          details: { names: [other, name], stream: hash },
        });
      }
      streams.set(hash, name);
      return stream;
    };
    this.dispose();
    for (const { path, module } of modulesOf(this)) {
      const full = (name: string) => (path === '' ? name : `${path}.${name}`);
      module.create({
        parameter: (name, shape, init) =>
          variable(rt, init(rt, rng, claim(`init/${full(name)}`, full(name)), shape), true),
        buffer: (_, init) => variable(rt, rt.tensor(init), false),
        stream: (use) => claim(`${use}/${path}`, `${use}/${path}`),
      });
    }
    return this;
  }

  /** Trained Variables by name, in the order of the fields. A Variable that is shared stands under its first name. */
  parameters(): Map<string, Variable<'f32'>> {
    return new Map([...variablesOf(this)].filter(([, v]) => v.trainable) as [string, Variable<'f32'>][]);
  }

  /** Variables that are saved but not trained. */
  buffers(): Map<string, Variable> {
    return new Map([...variablesOf(this)].filter(([, v]) => !v.trainable));
  }

  /** What `build()` of `isobit/nn/build` makes this model again from; null where a part has no `type` of its own. */
  describe(): Json {
    return null;
  }

  /** Frees all Variables. */
  dispose(): void {
    for (const v of variablesOf(this).values()) v.dispose();
  }
}

/** Visits everything that is part of a model, in the order of its fields; what is reached twice counts once. */
function* walk(root: Module): Generator<{ path: string; item: Module | Variable }> {
  const seen = new Set<object>();
  function* visit(value: unknown, path: string): Generator<{ path: string; item: Module | Variable }> {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    const isPart = value instanceof Module || value instanceof Variable;
    if (!isPart && !Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return;
    seen.add(value);
    if (isPart) yield { path, item: value };
    if (value instanceof Variable) return;
    for (const [field, inner] of Object.entries(value)) {
      if (!field.startsWith('_')) yield* visit(inner, path === '' ? field : `${path}.${field}`);
    }
  }
  yield* visit(root, '');
}

/** Modules with their paths, inner ones first, so that a module can reach into what its parts have made. */
function modulesOf(root: Module): { path: string; module: Module }[] {
  const found: { path: string; module: Module }[] = [];
  for (const { path, item } of walk(root)) if (item instanceof Module) found.unshift({ path, module: item });
  return found;
}

function variablesOf(root: Module): Map<string, Variable> {
  const found = new Map<string, Variable>();
  for (const { path, item } of walk(root)) {
    if (!(item instanceof Variable)) continue;
    if (found.has(path)) {
      throw new OptionError(`model: two variables are named ${path}`, { hint: 'Rename one of the fields.' });
    }
    found.set(path, item);
  }
  return found;
}

/** The Variable is to be the value's only holder. */
function variable(rt: Runtime, init: Tensor<'f32'>, trainable: boolean): Variable<'f32'> {
  const v = rt.variable(init, { trainable });
  init.dispose();
  return v;
}

/** The runtime that a Variable lives on. */
export function runtimeOf(v: Variable): Runtime {
  const value = v.value();
  const { rt } = value;
  value.dispose();
  return rt;
}

/** A Variable that `init()` has made. */
export function made(layer: string, v: Variable<'f32'> | undefined): Variable<'f32'> {
  if (v) return v;
  throw new DataError(`${layer}: has no parameters yet`, { hint: 'Call model.init(rt) before.' });
}
