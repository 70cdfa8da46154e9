/** Content for tests: a small state that touches every corner of the format, and seeded random ones. */

import { ARRAY, type DType } from '../core/dtype.ts';
import type { HostArray, Json } from '../core/host.ts';
import { type Shape, sizeOf } from '../core/shape.ts';
import type { State } from './manifest.ts';
import type { CheckpointContent } from './writer.ts';

export function tensor<D extends DType>(dtype: D, shape: Shape, values: readonly number[]): HostArray<D> {
  return { dtype, shape, data: ARRAY[dtype].from(values) };
}

/** Every dtype, ranks 0 to 4, empty tensors, names beyond ASCII, numbers at every change of encoding. */
export function sampleContent(): CheckpointContent {
  const nan = new Float32Array(Uint32Array.of(0x7fc00123, 0xff800000, 0x80000000, 1).buffer);
  const f32 = [0, 1, -1, 0.5, 3.4028234663852886e38, 1.1754943508222875e-38];
  return {
    kind: 'train',
    schema: { model: 1, optim: 2, rng: 1 },
    state: {
      step: 1234,
      epoch: 7,
      nothing: null,
      flags: [true, false],
      integers: [0, 23, 24, 255, 256, 65535, 65536, 4294967295, 4294967296, Number.MAX_SAFE_INTEGER],
      negatives: [-1, -24, -25, -256, -257, -65537, -2147483649, -4294967296, -4294967297, Number.MIN_SAFE_INTEGER],
      floats: [0.1, -2.5, 5e-324, 1.7976931348623157e308, 9007199254740992, -1e300, Math.PI],
      text: ['', 'ascii', 'é', '日本語', '\u{1f600}', 'a\u0000b', 'x'.repeat(70)],
      '10': 'a key like an integer',
      '9': 'another',
      '': 'an empty key',
      ключ: { nested: { deeper: [[], {}, [[1], { a: { b: null } }]] } },
      __proto_: { hello: 'not a prototype' },
    },
    tensors: new Map<string, HostArray>([
      ['model/fc1.weight', tensor('f32', [2, 3], f32)],
      ['model/scalar', tensor('f32', [], [-0])],
      ['model/special', { dtype: 'f32', shape: [4], data: nan }],
      ['model/empty', tensor('f32', [0], [])],
      ['model/empty2', tensor('i32', [3, 0, 2], [])],
      ['model/half', tensor('f16', [3], [0x3c00, 0xfc00, 1])],
      ['model/brain', tensor('bf16', [2, 1], [0x3f80, 0xff80])],
      ['model/q8', tensor('i8', [4], [-128, -1, 0, 127])],
      ['model/bytes', tensor('u8', [5], [0, 1, 127, 128, 255])],
      ['metrics/steps', tensor('u32', [2], [0, 4294967295])],
      ['optim/i', tensor('i32', [1, 2, 1, 1], [-2147483648, 2147483647])],
      ['data/mask', tensor('bool', [2, 2], [1, 0, 0, 1])],
      ['user/\uffee', tensor('u8', [1], [1])],
      ['user/\u{1f600}', tensor('u8', [1], [2])],
    ]),
  };
}

/** Numbers in [0, 2^32) from a seed: mulberry32, which is enough to spread test cases. */
export function random(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

const TEXTS = [
  '',
  'a',
  'é',
  'z'.repeat(23),
  'z'.repeat(24),
  '\u{1f600}',
  '日本',
  'constructor',
  '__proto__',
  'toString',
  '-1',
  '42',
];

/** A random value that the profile holds, with numbers near the changes of encoding. */
export function randomJson(next: () => number, depth: number): Json {
  const pick = next() % (depth > 0 ? 9 : 6);
  const float = new Float64Array(Uint32Array.of(next(), next()).buffer)[0];
  switch (pick) {
    case 0:
      return [null, true, false][next() % 3];
    case 1:
    case 2: {
      const near = 2 ** (next() % 54) + (next() % 5) - 2;
      const v = next() % 2 ? near : -near;
      return Object.is(v, -0) ? 0 : v;
    }
    case 3:
      return Number.isFinite(float) && float !== 0 ? float : 0.5;
    case 4:
    case 5:
      return TEXTS[next() % TEXTS.length] + (next() % 3 ? '' : String(next()));
    case 6:
      return Array.from({ length: next() % 5 }, () => randomJson(next, depth - 1));
    default:
      return randomState(next, depth - 1);
  }
}

export function randomState(next: () => number, depth: number): State {
  const entries = Array.from({ length: next() % 6 }, (): [string, Json] => {
    return [TEXTS[next() % TEXTS.length] + (next() % 2 ? '' : String(next() % 100)), randomJson(next, depth)];
  });
  const out: Record<string, Json> = {};
  for (const [k, v] of entries)
    Object.defineProperty(out, k, { value: v, enumerable: true, configurable: true, writable: true });
  return out;
}

export function randomTensor(next: () => number): HostArray {
  const dtypes = Object.keys(ARRAY) as DType[];
  const dtype = dtypes[next() % dtypes.length];
  const shape = Array.from({ length: next() % 4 }, () => next() % 7);
  const n = sizeOf(shape);
  return tensor(
    dtype,
    shape,
    Array.from({ length: n }, () => (dtype === 'bool' ? next() % 2 : next())),
  );
}

export function randomContent(seed: number): CheckpointContent {
  const next = random(seed);
  const tensors = new Map<string, HostArray>();
  const roots = ['model', 'optim/m', 'user/é', 'user/\u{1f600}', 'user/\uffee', 'a-b', 'a.b', 'a'];
  for (let i = next() % 12; i > 0; i--)
    tensors.set(`${roots[next() % roots.length]}/${next() % 1000}`, randomTensor(next));
  return {
    kind: ['train', 'weights'][next() % 2],
    schema: { model: next() % 4 },
    state: randomState(next, 4),
    tensors,
  };
}
