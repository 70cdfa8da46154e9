/**
 * Programs at the edges of the handwritten kernels: sizes next to those of tiles, workgroups and chunks, batches that no stride
 * joins, the greatest element at the ends of chunks, indices out of range. They are compared with another device, by their bits, what they
 * write behind their results, and the flags that they raise.
 */

import { conv1d, conv2d } from '../sdk/core/convolution.ts';
import { argsort, cumsum, sort, topK } from '../sdk/core/functions.ts';
import { grad } from '../sdk/core/grad.ts';
import type { Runtime } from '../sdk/core/runtime.ts';
import { ofBits } from '../sdk/core/scalar/bits.ts';
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
const wide = [128, 135, 136, 191, 192, 193].flatMap((m) =>
  [128, 129, 164, 192].map((n) =>
    edge(`matmul ${m}x3x${n}`, ['matmulPacked', 'pack'], (rt) => f32(rt, m, 3).matmul(f32(rt, 3, n))),
  ),
);
const runs = [7, 8, 9].map((k) =>
  edge(`matmul 129x${k}x130`, ['matmulPacked', 'pack'], (rt) => f32(rt, 129, k).matmul(f32(rt, k, 130))),
);
const wideBatches = [
  edge('wide matmul of four batch axes, stretched in turn', ['matmulPacked', 'pack'], (rt) =>
    f32(rt, 2, 1, 2, 1, 129, 2).matmul(f32(rt, 1, 2, 1, 2, 2, 130)),
  ),
  edge('wide matmul, the right side shared', ['matmulPacked', 'pack'], (rt) =>
    f32(rt, 3, 2, 5, 129)
      .transpose()
      .matmul(f32(rt, 3, 1, 5, 130))
      .matmul(f32(rt, 130, 128)),
  ),
];
/** Three whole chunks and a part: where each chunk's result goes shows in how they are paired. */
const chunks = edge('scatterAdd of four chunks to one place', ['scatterSorted', 'scatterLong'], (rt) =>
  f32(rt, 2).scatterAdd(rt.tensor(new Int32Array(6244), [6244], 'i32'), rt.rng.normal('sources', [6244]), 0),
);
/** Lists of 2048 and 2049 sources that begin before, at and behind a multiple of 2048. */
const long = [0, 1, 2047, 2048, 2049].flatMap((before) =>
  [2048, 2049].map((n) =>
    edge(`scatterAdd of ${n} sources behind ${before}`, ['scatterSorted', 'scatterLong'], (rt) => {
      const to = Int32Array.from({ length: before + n + 3 }, (_, i) => (i < before ? 0 : i < before + n ? 2 : 3));
      return f32(rt, 3).scatterAdd(rt.tensor(to, [to.length], 'i32'), f32(rt, to.length), 0);
    }),
  ),
);
/** Two marks in one list, of which the second is looked at by another workgroup. */
const wideLong = edge('scatterAdd of 2049 rows of 130', 'scatterLong', (rt) => {
  const to = Int32Array.from({ length: 4100 }, (_, i) => (i < 2048 ? 0 : 1));
  return f32(rt, 2, 130).scatterAdd(rt.tensor(to, [to.length, 1], 'i32'), f32(rt, to.length, 130), 0);
});
/** What is left beside a base below the window is below 2^-125, and so +0. */
const near = edge('scatterAdd of 2100 sources to a base below the window', 'scatterLong', (rt) => {
  const source = new Float32Array(2100);
  source[7] = 2 ** -102;
  return rt
    .tensor([ofBits(0x8c7fffff)])
    .scatterAdd(rt.tensor(new Int32Array(2100), [2100], 'i32'), rt.tensor(source), 0);
});
/** Each list has an index of its own, and a place of more than 2048 sources elsewhere. */
const twoLists = edge('scatterAdd of 2100 sources in two lists', 'scatterLong', (rt) => {
  const to = Int32Array.from({ length: 4200 }, (_, i) => (i < 2100 ? Number(i >= 7) : 1 + Number(i >= 2140)));
  return f32(rt, 2, 3).scatterAdd(rt.tensor(to, [2, 2100], 'i32'), f32(rt, 2, 2100), 1);
});
/** R reads each of them as +0. */
const below = [
  [40, 3],
  [90, 3],
  [2100, 1],
].map(([n, v]) =>
  edge(`scatterAdd of ${n} sources below the window`, ['scatterFew', 'scatterSorted', 'scatterLong'], (rt) =>
    rt.tensor(new Float32Array(v)).scatterAdd(places(rt, n, v), f32(rt, n).mul(2 ** -106), 0),
  ),
);
/** Large tiles of operands as they lie: sizes next to those of tiles, and of workgroups that are as flat as the product. */
const wideTiles = [5, 8, 9, 63].flatMap((m) =>
  [7, 33, 63].flatMap((n) => {
    const batch = Math.ceil(2048 / (m * n));
    const of = (k: number, o?: { precision: 'high' }) => (rt: Runtime) =>
      f32(rt, batch, m, k).matmul(f32(rt, batch, k, n), o);
    return [
      edge(`matmul of ${batch} ${m}x5x${n}`, 'matmulWide', of(5)),
      edge(`matmul of ${batch} ${n}x5x${m} of high precision`, 'matmulWideExact', of(5, { precision: 'high' })),
    ];
  }),
);
const flatTiles = [1, 3, 5, 8, 24, 63].flatMap((m) => [
  edge(`matmul ${m}x3x600`, ['matmul', 'matmulWide'], (rt) => f32(rt, m, 3).matmul(f32(rt, 3, 600))),
  edge(`matmul 600x3x${m}`, ['matmul', 'matmulWide'], (rt) => f32(rt, 600, 3).matmul(f32(rt, 3, m))),
]);
/** Whole chunks and a rest: one, two in turn, three and more at once. */
const inChunks = [255, 256, 257, 511, 512, 513, 768, 769].flatMap((k) => [
  edge(`matmul 41x${k}x51`, ['matmulWide', 'parts'], (rt) => f32(rt, 41, k).matmul(f32(rt, k, 51))),
  edge(`matmul 41x${k}x51 of high precision`, ['matmulWideExact', 'parts'], (rt) =>
    f32(rt, 41, k).matmul(f32(rt, k, 51), { precision: 'high' }),
  ),
  edge(`matmul of two 129x${k}x130`, ['matmulPacked', 'parts'], (rt) => f32(rt, 2, 129, k).matmul(f32(rt, k, 130))),
]);
/** Windows as the right side: of one axis and of two, with what is between them, and their transposes. */
const windows = [4, 17, 128].flatMap((channels) =>
  [1, 2].flatMap((stride) => {
    const o = { stride, padding: 2, dilation: [1, 2] as const };
    const build = (of: 'value' | 'input' | 'weight', groups: number) => (rt: Runtime) => {
      const x = f32(rt, 2, 2 * groups, 11, 13);
      const w = f32(rt, channels * groups, 2, 3, 3);
      const y = conv2d(x, w, { ...o, groups });
      const [dx, dw] = grad(y.mul(y).sum(), [x, w]);
      return { value: y, input: dx, weight: dw }[of];
    };
    return (['value', 'input', 'weight'] as const).map((of) =>
      edge(`convolution to ${channels} by ${stride}: ${of}`, ['matmulWide', 'pack'], build(of, stride)),
    );
  }),
);
/**
 * Columns and terms of three dims each, whose inner two end at every place of a tile, and so that a tile has the end of the
 * middle one twice; terms of a second chunk.
 */
const walked = [
  [8, 17, 3, 5],
  [40, 17, 3, 5],
  [40, 28, 3, 3],
].map(([m, a, b, c]) =>
  edge(`matmul ${m}x300 by a walk of ${a} ${b} ${c}`, ['matmul', 'matmulWide'], (rt) => {
    const x = f32(rt, 16, 5, 6, a + 1, b + 1, c + 1).slice([0, 15], [0, 4], [0, 5], [0, a], [0, b], [0, c]);
    return f32(rt, m, 300).matmul(x.reshape([300, a * b * c]));
  }),
);
/** The same of exact products: where rounding comes first only windows are walked, and a weight's gradient by three dims a side. */
const walkedExact = [
  [8, 17, 3, 5],
  [8, 17, 5, 3],
  [40, 17, 3, 5],
  [40, 17, 5, 3],
  [40, 28, 3, 3],
].map(([m, a, b, c]) =>
  edge(`gradient of a weight ${m} ${a} ${b} ${c} of high precision`, ['matmulExact', 'matmulWideExact'], (rt) => {
    const w = f32(rt, m, a, b, c);
    const y = conv2d(f32(rt, 3, a, b + 7, c + 11), w, { precision: 'high' });
    return grad(y.mul(y).sum(), [w])[0];
  }),
);
const line = edge('convolution of one axis, many terms', ['matmul', 'matmulWide', 'parts'], (rt) =>
  conv1d(f32(rt, 2, 90, 40), f32(rt, 7, 90, 9), { padding: 4 }),
);
/** Few outputs, many terms: chunks are a batch axis, the last may be short. */
const splits = [
  [1, 512, 5],
  [3, 769, 4],
  [2, 1300, 17],
].map(([m, k, n]) =>
  edge(`matmul ${m}x${k}x${n} of two batches`, 'matmul', (rt) => f32(rt, 2, m, k).matmul(f32(rt, 2, k, n))),
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
const wideExact = [128, 129, 192].map((m) =>
  edge(`matmul ${m}x300x129 of high precision`, ['matmulPackedExact', 'pack'], (rt) =>
    f32(rt, m, 300).matmul(f32(rt, 300, 129), { precision: 'high' }),
  ),
);
/** Elements that the reduction makes itself, as many as it may be and one more; kept too, by rows and by columns. */
const made = [
  [3, 70],
  [1023, 17],
  [1024, 17],
  [2, 8192],
  [2, 8193],
].flatMap(([m, n]) => {
  const of = (rt: Runtime) => f32(rt, m, n).mul(0.5);
  return [
    edge(`sum of ${m} made rows of ${n}`, 'sumF32', (rt) => of(rt).mul(of(rt)).sum(1)),
    edge(`sum of ${n} made columns of ${m}`, 'sumF32', (rt) => of(rt).sub(1).sum(0)),
    edge(`kept and summed, ${m} rows of ${n}`, 'sumF32', (rt) => {
      const x = of(rt).exp();
      return x.sub(x.sum(1, true));
    }),
    edge(`argmax of ${m} made rows of ${n}`, 'max', (rt) => of(rt).round().argmax(1)),
    edge(`max of ${m} made rows of ${n} integers`, 'max', (rt) => i32(rt, m, n).mul(3).max(1)),
    edge(`sum of ${m} made rows of ${n} integers`, 'sumInt', (rt) => i32(rt, m, n).mul(3).sum(1)),
  ];
});
const int8 = [3, 32, 33].flatMap((m) =>
  [3, 32].map((n) =>
    edge(`matmul ${m}x257x${n} of i8`, 'matmulInt8', (rt) =>
      i32(rt, m, 257)
        .cast('i8')
        .matmul(i32(rt, 257, n).cast('i8')),
    ),
  ),
);
const SCATTER = ['scatterFew', 'scatterStarts', 'scatterSorted'];
const sums = [1, 63, 64, 65, 128].flatMap((outer) => [
  edge(`sum of ${outer} rows`, 'sumF32', (rt) => f32(rt, outer, 70).sum(1)),
  edge(`sum of ${outer} rows of integers`, 'sumInt', (rt) => i32(rt, outer, 70).sum(1)),
  edge(`max of ${outer} rows`, 'max', (rt) => f32(rt, outer, 70).max(1)),
  edge(`gather of ${outer}`, 'gather', (rt) => f32(rt, 9).gather(places(rt, outer, 9), 0)),
  // With 64 sources each output looks at all.
  ...[64, 65, 90].flatMap((n) => [
    edge(`scatterAdd of ${n} to ${outer}`, SCATTER, (rt) =>
      f32(rt, outer).scatterAdd(places(rt, n, outer), f32(rt, n), 0),
    ),
    edge(`scatterAdd of ${n} integers to ${outer}`, SCATTER, (rt) =>
      i32(rt, outer).scatterAdd(places(rt, n, outer), i32(rt, n), 0),
    ),
  ]),
]);
const CUMSUM = ['cumsumPrefix', 'cumsumCarry', 'cumsumShift'];
const prefixes = [
  ...[1, 63, 64, 65].map((n) => edge(`cumsum of ${n} columns`, 'cumsumPrefix', (rt) => cumsum(f32(rt, 3, n), 0))),
  ...[255, 256, 257, 511, 512, 513].map((n) => edge(`cumsum of ${n}`, CUMSUM, (rt) => cumsum(f32(rt, 2, n, 3), 1))),
  edge('cumsum of integers, backwards', CUMSUM, (rt) => cumsum(i32(rt, 2, 700).slice(null, [null, null, -1]), 1)),
  edge('cumsum of numbers at the window', CUMSUM, (rt) => cumsum(f32(rt, 600).mul(2 ** -102), 0)),
  edge('cumsum of small integers', CUMSUM, (rt) => cumsum(rt.tensor(new Int32Array(600).fill(3), [600], 'i32'), 0)),
];
const SORT = ['sortFirst', 'sortPass'];
const orders = [
  ...[1, 2, 15, 16, 17, 127, 128, 129].map((n) => edge(`argsort of 9 x ${n}`, SORT, (rt) => argsort(f32(rt, 9, n)))),
  ...[31, 32, 33, 256, 257, 512, 513, 1024, 4097].map((n) =>
    edge(`argsort of ${n}`, SORT, (rt) => argsort(f32(rt, 2, n, 2), 1)),
  ),
  // Ties by position, in both directions, across runs.
  edge('sort of few different numbers', SORT, (rt) => argsort(f32(rt, 3000).sign(), 0, { descending: true })),
  edge('sort of integers', SORT, (rt) => sort(i32(rt, 3, 1500).slice(null, [null, null, -1]))),
  edge('sort of unsigned integers', SORT, (rt) => sort(i32(rt, 3, 1500).cast('u32'), 1, { descending: true })),
  edge('sort of NaN and Inf', SORT, (rt) => argsort(f32(rt, 1300).mul(1e38).log().div(f32(rt, 1300).round()))),
  edge('the 5 largest', SORT, (rt) => topK(f32(rt, 4, 1100), 5).indices),
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
/** Lists shared by slabs, by columns, by neither, by both; indices out of range at both ends. */
const scattered = [100, 40].flatMap((n) =>
  [
    [3, n, 5],
    [1, n, 5],
    [3, n, 1],
    [1, n, 1],
  ].map((shape) =>
    edge(`scatterAdd by [${shape}]`, SCATTER, (rt) =>
      f32(rt, 3, 7, 5).scatterAdd(
        places(rt, shape[0] * n * shape[2], 9)
          .sub(1)
          .reshape(shape) as Tensor<'i32'>,
        f32(rt, 3, n, 5),
        1,
      ),
    ),
  ),
);
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

export const EDGES: readonly Edge[] = [
  many,
  ...products,
  batches,
  turned,
  ...splits,
  ...wideTiles,
  ...flatTiles,
  ...inChunks,
  ...windows,
  twoLists,
  ...below,
  ...walked,
  ...walkedExact,
  line,
  chunks,
  ...wide,
  ...runs,
  ...wideBatches,
  ...exact,
  ...wideExact,
  ...made,
  ...int8,
  ...sums,
  ...prefixes,
  ...orders,
  ...scattered,
  ...long,
  near,
  wideLong,
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
