/**
 * Programs at the edges of the handwritten kernels: sizes next to those of tiles, workgroups and chunks, batches that no stride
 * joins, the greatest element at the ends of chunks, indices out of range. They are compared with another device, by their bits, what they
 * write behind their results, and the flags that they raise.
 */

import { cumsum } from '../sdk/core/functions.ts';
import type { Runtime } from '../sdk/core/runtime.ts';
import type { Tensor } from '../sdk/core/tensor.ts';
import type { Device } from '../sdk/engine/device.ts';
import { EngineRuntime } from '../sdk/engine/runtime.ts';
import { Walled } from './walled.ts';

export interface Edge {
  readonly name: string;
  /** The kernels that it is about. */
  readonly kernels: readonly string[];
  readonly build: (rt: Runtime) => Tensor;
}

const numbers = (n: number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => Math.fround(Math.sin(i * 12.9898) * 8));
const f32 = (rt: Runtime, ...shape: number[]): Tensor<'f32'> =>
  rt.tensor(numbers(shape.reduce((a, b) => a * b, 1)), shape);
const i32 = (rt: Runtime, ...shape: number[]): Tensor<'i32'> =>
  rt.tensor(
    Int32Array.from(numbers(shape.reduce((a, b) => a * b, 1)), (v) => v * 1e8),
    shape,
    'i32',
  );
const places = (rt: Runtime, n: number, v: number): Tensor<'i32'> =>
  rt.tensor(
    Int32Array.from({ length: n }, (_, i) => (i * 7919) % v),
    [n],
    'i32',
  );

const edge = (name: string, kernels: string | readonly string[], build: Edge['build']): Edge => ({
  name,
  kernels: typeof kernels === 'string' ? [kernels] : kernels,
  build,
});

const products = [3, 4, 7, 8, 16, 31, 32, 33].flatMap((m) =>
  [3, 7, 16, 32].map((n) => edge(`matmul ${m}x5x${n}`, 'matmul', (rt) => f32(rt, m, 5).matmul(f32(rt, 5, n)))),
);
const batches = edge('matmul of four batch axes, stretched in turn', 'matmul', (rt) =>
  f32(rt, 2, 1, 3, 1, 4, 5).matmul(f32(rt, 1, 3, 1, 2, 5, 3)),
);
const wide = [64, 71, 72, 127, 128, 129].flatMap((m) =>
  [64, 65, 100, 128].map((n) =>
    edge(`matmul ${m}x3x${n}`, ['matmulPacked', 'pack'], (rt) => f32(rt, m, 3).matmul(f32(rt, 3, n))),
  ),
);
const wideBatches = [
  edge('wide matmul of four batch axes, stretched in turn', ['matmulPacked', 'pack'], (rt) =>
    f32(rt, 2, 1, 2, 1, 65, 2).matmul(f32(rt, 1, 2, 1, 2, 2, 66)),
  ),
  edge('wide matmul, the right side shared', ['matmulPacked', 'pack'], (rt) =>
    f32(rt, 3, 2, 65, 2)
      .transpose()
      .matmul(f32(rt, 3, 1, 65, 70))
      .matmul(f32(rt, 70, 64)),
  ),
];
/** Three whole chunks and a part: where each chunk's result goes shows in how they are paired. */
const chunks = edge('scatterAdd of four chunks to one place', 'scatterAddF32', (rt) =>
  f32(rt, 2).scatterAdd(rt.tensor(new Int32Array(6244), [6244], 'i32'), rt.rng.normal('sources', [6244]), 0),
);
const turned = edge('matmul of four batch axes, stretched the other way', 'matmul', (rt) =>
  f32(rt, 1, 3, 1, 2, 4, 5).matmul(f32(rt, 2, 1, 3, 1, 5, 3)),
);
const exact = [3, 32, 33].flatMap((m) =>
  [3, 32].map((n) =>
    edge(`matmul ${m}x300x${n} of high precision`, 'matmulExact', (rt) =>
      f32(rt, m, 300).matmul(f32(rt, 300, n), { precision: 'high' }),
    ),
  ),
);
const wideExact = [64, 65, 128].map((m) =>
  edge(`matmul ${m}x300x65 of high precision`, ['matmulPackedExact', 'pack'], (rt) =>
    f32(rt, m, 300).matmul(f32(rt, 300, 65), { precision: 'high' }),
  ),
);
const int8 = [3, 32, 33].flatMap((m) =>
  [3, 32].map((n) =>
    edge(`matmul ${m}x257x${n} of i8`, 'matmulInt8', (rt) =>
      i32(rt, m, 257)
        .cast('i8')
        .matmul(i32(rt, 257, n).cast('i8')),
    ),
  ),
);
const sums = [1, 63, 64, 65, 128].flatMap((outer) => [
  edge(`sum of ${outer} rows`, 'sumF32', (rt) => f32(rt, outer, 70).sum(1)),
  edge(`sum of ${outer} rows of integers`, 'sumInt', (rt) => i32(rt, outer, 70).sum(1)),
  edge(`max of ${outer} rows`, 'max', (rt) => f32(rt, outer, 70).max(1)),
  edge(`gather of ${outer}`, 'gather', (rt) => f32(rt, 9).gather(places(rt, outer, 9), 0)),
  edge(`scatterAdd to ${outer}`, 'scatterAddF32', (rt) =>
    f32(rt, outer).scatterAdd(places(rt, 90, outer), f32(rt, 90), 0),
  ),
  edge(`scatterAdd of integers to ${outer}`, 'scatterAddInt', (rt) =>
    i32(rt, outer).scatterAdd(places(rt, 90, outer), i32(rt, 90), 0),
  ),
]);
const CUMSUM = ['cumsumPrefix', 'cumsumCarry', 'cumsumShift'];
const prefixes = [
  ...[1, 63, 64, 65].map((n) => edge(`cumsum of ${n} columns`, 'cumsumPrefix', (rt) => cumsum(f32(rt, 3, n), 0))),
  ...[255, 256, 257, 511, 512, 513].map((n) => edge(`cumsum of ${n}`, CUMSUM, (rt) => cumsum(f32(rt, 2, n, 3), 1))),
  edge('cumsum of integers, backwards', CUMSUM, (rt) => cumsum(i32(rt, 2, 700).slice(null, [null, null, -1]), 1)),
  edge('cumsum of numbers at the window', CUMSUM, (rt) => cumsum(f32(rt, 600).mul(2 ** -102), 0)),
  edge('cumsum of small integers', CUMSUM, (rt) => cumsum(rt.tensor(new Int32Array(600).fill(3), [600], 'i32'), 0)),
];
const greatest = [0, 2047, 2048, 4095, 4096, 4097, 4999].flatMap((at) => {
  const data = numbers(5000);
  data[at] = 100;
  return [
    edge(`max at ${at}`, 'max', (rt) => rt.tensor(data).max()),
    edge(`argmax at ${at}`, 'max', (rt) => rt.tensor(data).argmax(0)),
  ];
});
/** Two chunks end in the same greatest number: the first is meant. */
const twice = edge('argmax of a tie between chunks', 'max', (rt) => {
  const data = numbers(5000);
  data[2040] = 100;
  data[2050] = 100;
  return rt.tensor(data).argmax(0);
});
const flags = [
  edge('an index out of range, of integers', 'gather', (rt) => i32(rt, 4).gather(rt.tensor([1, 4, -1], [3], 'i32'), 0)),
  edge('an index out of range', ['gather', 'finish'], (rt) => f32(rt, 4).gather(rt.tensor([1, 4, -1], [3], 'i32'), 0)),
  edge('Inf in a product', ['matmul', 'finish'], (rt) =>
    f32(rt, 3, 3)
      .mul(1e38)
      .matmul(f32(rt, 3, 3).mul(1e38)),
  ),
  edge('Inf in the last place of a product', ['matmul', 'finish'], (rt) =>
    rt.tensor([10], [1, 1]).matmul(rt.tensor([1, 2, 3e38], [1, 3])),
  ),
  edge('Inf of a printed kernel', 'finish', (rt) => f32(rt, 5).mul(3e38)),
  edge('NaN in a sum', ['sumF32', 'finish'], (rt) => f32(rt, 2, 3).log().sum(1)),
];

/** More workgroups than one dimension of a dispatch holds. */
const many = edge('4,194,400 elements', 'linear', (rt) => rt.tensor([1.5]).broadcast([4_194_400]).add(1).sum());

/** Sources of one destination that need a third level of R, and leave the second one empty. */
const deep = edge('scatterAdd of 4,194,400 sources', 'scatterAddF32', (rt) =>
  rt.tensor([0.5]).scatterAdd(rt.tensor(new Int32Array(4_194_400), [4_194_400], 'i32'), f32(rt, 4_194_400), 0),
);

export const EDGES: readonly Edge[] = [
  many,
  deep,
  ...products,
  batches,
  turned,
  chunks,
  ...wide,
  ...wideBatches,
  ...exact,
  ...wideExact,
  ...int8,
  ...sums,
  ...prefixes,
  ...greatest,
  twice,
  ...flags,
];

/** What an edge shows on a device: its words, then its flags. Throws where it writes behind its result. */
export async function shown(device: Device, { build }: Edge): Promise<Uint32Array> {
  const walled = new Walled(device);
  const rt = new EngineRuntime(walled);
  const t = build(rt);
  const data = await t.data({ nonfinite: 'keep' });
  t.dispose();
  const words =
    data instanceof Float32Array ? new Uint32Array(data.buffer, data.byteOffset, data.length) : Uint32Array.from(data);
  const all = new Uint32Array(words.length + 2);
  all.set(words);
  all.set([Number(walled.flags.nonfinite), Number(walled.flags.index)], words.length);
  return all;
}
