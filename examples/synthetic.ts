/**
 * Four made-up classification sets: class means, an offset per feature, noise from a linear congruential generator, and a
 * slow wave. They depend on nothing but their parameters, and are made with the contract's arithmetic, so that the files
 * are the same bytes on every machine.
 */

import type { Store } from '../adapters/store.ts';
import { DataError } from '../sdk/core/errors.ts';
import type { HostArray } from '../sdk/core/host.ts';
import { add, cos, mul, sin, sub } from '../sdk/core/scalar/index.ts';
import { moments, readCsv, readNpy, writeCsv, writeNpy } from '../sdk/data/index.ts';
import { Linear, Normalize, relu, Sequential } from '../sdk/nn/index.ts';
import { adam } from '../sdk/optim/index.ts';
import type { Labelled } from './labelled.ts';
import type { Recipe, Task } from './recipe.ts';

export interface SyntheticSet {
  readonly name: string;
  readonly rows: number;
  readonly features: number;
  readonly classes: number;
  /** Distance between the means of neighbouring classes. */
  readonly separation: number;
  /** Full width of the noise. */
  readonly noise: number;
}

export const SYNTHETIC: readonly SyntheticSet[] = [
  { name: 'iris_like', rows: 150, features: 4, classes: 3, separation: 2.0, noise: 0.5 },
  { name: 'small_test', rows: 60, features: 3, classes: 2, separation: 1.5, noise: 0.3 },
  { name: 'large_multi', rows: 300, features: 8, classes: 5, separation: 3.0, noise: 0.8 },
  { name: 'tiny_debug', rows: 30, features: 2, classes: 3, separation: 1.0, noise: 0.2 },
];

const f = Math.fround;

/**
 * Row i has class c = i mod classes; its feature j is ((c*separation + j*0.3) + noise) + wave, where
 *
 *     noise = (q/10000 - 0.5) * width,  q = ((1000i + 100j + 10c) * 1103515245 + 12345 mod 2^64) mod 10000
 *     wave  = (sin(i*0.1 + j*0.05) + cos(i*0.07 + c)) * 0.2
 *
 * Constants are f32, every operation is rounded to f32 by itself in the order written, sin and cos are the contract's.
 */
export function makeSynthetic(set: SyntheticSet): Labelled {
  const x = new Float32Array(set.rows * set.features);
  const y = new Int32Array(set.rows);
  for (let i = 0; i < set.rows; i++) {
    const c = i % set.classes;
    y[i] = c;
    for (let j = 0; j < set.features; j++) {
      const mean = add(mul(c, f(set.separation)), mul(j, f(0.3)));
      const noise = mul(sub(f(lcg(1000 * i + 100 * j + 10 * c) / 10000), 0.5), f(set.noise));
      const wave = mul(add(sin(add(mul(i, f(0.1)), mul(j, f(0.05)))), cos(add(mul(i, f(0.07)), c))), f(0.2));
      x[i * set.features + j] = add(add(mean, noise), wave);
    }
  }
  return {
    x: { data: x, shape: [set.rows, set.features], dtype: 'f32' },
    y: { data: y, shape: [set.rows], dtype: 'i32' },
  };
}

/** One step of the generator on 64 bits, then its last four decimal digits. */
function lcg(seed: number): number {
  return Number(BigInt.asUintN(64, BigInt(seed) * 1103515245n + 12345n) % 10000n);
}

/** The set as files by name: `<name>_features.npy` (f32), `<name>_labels.npy` (u8) and `<name>.csv` with a header. */
export function filesOf(name: string, { x, y }: Labelled): Map<string, Uint8Array> {
  const [rows, features] = x.shape;
  const table = new Float32Array(rows * (features + 1));
  for (let i = 0; i < rows; i++) {
    table.set(x.data.subarray(i * features, (i + 1) * features), i * (features + 1));
    table[i * (features + 1) + features] = y.data[i];
  }
  const columns = [...Array.from({ length: features }, (_, j) => `feature${j + 1}`), 'class'];
  const csv = writeCsv({ data: table, shape: [rows, features + 1], dtype: 'f32' }, { columns });
  return new Map([
    [`${name}_features.npy`, writeNpy(x)],
    [`${name}_labels.npy`, writeNpy({ data: Uint8Array.from(y.data), shape: y.shape, dtype: 'u8' })],
    [`${name}.csv`, new TextEncoder().encode(csv)],
  ]);
}

/** Reads a set back from both kinds of file; DataError where a file is missing or the two disagree in a bit. */
export function fromFiles(name: string, files: ReadonlyMap<string, Uint8Array>): Labelled {
  const file = (key: string): Uint8Array => {
    const bytes = files.get(key);
    if (bytes) return bytes;
    throw new DataError(`${key} is missing`, { hint: 'Remove the folder, so that the set is made again.' });
  };
  const x = readNpy(file(`${name}_features.npy`));
  const y = readNpy(file(`${name}_labels.npy`));
  if (x.dtype !== 'f32' || y.dtype !== 'u8' || x.shape.length !== 2 || x.shape[0] !== y.shape[0]) {
    throw new DataError(`${name}: features ${x.dtype} [${x.shape}] and labels ${y.dtype} [${y.shape}] make no set`, {
      hint: 'Features are f32 [rows, features], labels u8 [rows].',
    });
  }
  const text = new TextDecoder().decode(file(`${name}.csv`));
  const { columns, data } = readCsv(text, { header: true });
  const again = filesOf(name, fromTable(data, columns?.length ?? 0));
  for (const key of [`${name}_features.npy`, `${name}_labels.npy`]) {
    if (!sameBytes(again.get(key) as Uint8Array, file(key))) {
      throw new DataError(`${name}.csv and ${key} disagree`, { hint: 'One was changed: make the set again.' });
    }
  }
  return { x: x as HostArray<'f32'>, y: { data: Int32Array.from(y.data), shape: y.shape, dtype: 'i32' } };
}

function fromTable({ data, shape: [rows] }: HostArray<'f32'>, width: number): Labelled {
  const features = width - 1;
  const x = new Float32Array(rows * features);
  const y = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    x.set(data.subarray(i * width, i * width + features), i * features);
    y[i] = data[i * width + features];
  }
  return { x: { data: x, shape: [rows, features], dtype: 'f32' }, y: { data: y, shape: [rows], dtype: 'i32' } };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((v, i) => v === b[i]);
}

/** features-16-ReLU-classes on each of the four sets, all their rows, written as files and read back first. */
export const syntheticRecipe: Recipe = {
  runs: SYNTHETIC.map((set) => set.name),
  epochs: 15,
  batch: 16,
  checkpoint: { everyEpochs: 5, keepLast: 3 },
  canHoldOut: false,
  optimizer: () => adam({ lr: 3e-2 }),
  async tasks({ stores }) {
    const sets = SYNTHETIC.map(async (set, i): Promise<Task> => {
      const train = fromFiles(set.name, await throughStore(filesOf(set.name, makeSynthetic(set)), stores[i]));
      const { features, classes } = set;
      const model = () =>
        new Sequential(
          new Normalize(features, moments(train.x)),
          new Linear(features, 16),
          relu,
          new Linear(16, classes),
        );
      return { train, test: null, model };
    });
    return Promise.all(sets);
  },
};

/** The files as they come back from the store, where those that are missing are written first. */
async function throughStore(files: Map<string, Uint8Array>, store: Store): Promise<Map<string, Uint8Array>> {
  const back = new Map<string, Uint8Array>();
  for (const [name, bytes] of files) {
    await store.put(`data/${name}`, bytes, { ifAbsent: true });
    back.set(name, await store.get(`data/${name}`));
  }
  return back;
}
