/** Random well-typed programs: ops, shapes with 0 and 1, broadcasts, views, derivatives, adversarial values. */

import { type DType, isFloat } from '../../sdk/core/dtype.ts';
import { castOf } from '../../sdk/core/scalar/index.ts';
import { type Shape, sizeOf, tryBroadcast } from '../../sdk/core/shape.ts';
import { positions, type Random, values } from '../values.ts';
import { Builder, LARGEST } from './builder.ts';
import type { Argument, Program } from './program.ts';

/** Most leaves are no larger. */
const USUAL = 300;

const UNARY = ['neg', 'abs', 'sign', 'exp', 'log', 'sqrt', 'rsqrt', 'tanh', 'sigmoid', 'softplus', 'sin', 'cos', 'erf'];
const ROUNDING = ['floor', 'ceil', 'trunc', 'round', 'relu', 'isFinite'];
const BINARY = ['add', 'sub', 'mul', 'maximum', 'minimum'];
const COMPARE = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];
const NUMBERS: readonly DType[] = ['f32', 'i32', 'u32'];
const STORED: readonly DType[] = ['f16', 'bf16', 'i8', 'u8'];
const ALL: readonly DType[] = [...NUMBERS, 'bool', ...STORED];

const v = (ref: number): Argument => ({ ref });

function dimension(r: Random): number {
  const k = r.below(24);
  if (k === 0) return 0;
  if (k < 5) return 1;
  if (k < 22) return r.between(2, 9);
  return r.pick([15, 16, 17, 31, 64, 65]);
}

function randomShape(r: Random): Shape {
  for (;;) {
    const shape = Array.from({ length: r.pick([0, 1, 1, 2, 2, 2, 3, 3, 4]) }, () => dimension(r));
    // Now and then an axis that crosses a block (256), a contraction chunk (256) or a chunk of a sum (2048).
    if (shape.length > 0 && r.chance(0.05))
      shape[r.below(shape.length)] = r.pick([255, 256, 257, 300, 513, 2049, 2300]);
    if (sizeOf(shape) <= (r.chance(0.1) ? LARGEST : USUAL)) return shape;
  }
}

/** A shape that broadcasts with another: leading axes gone, some axes 1. */
function narrower(r: Random, shape: Shape): Shape {
  const from = r.chance(0.6) ? 0 : r.below(shape.length + 1);
  return shape.slice(from).map((d) => (r.chance(0.25) ? 1 : d));
}

/** A finite number of a dtype, as a program would write it. */
function literal(b: Builder, dtype: DType): number {
  for (;;) {
    const n = values(b.r, 1, dtype, b.profile)[0];
    const number = isFloat(dtype) ? castOf(n, dtype, 'f32') : n;
    if (Number.isFinite(number)) return number;
  }
}

/** A value to work on: usually a late one. */
function pick(b: Builder, dtypes: readonly DType[], keep: (s: Shape) => boolean = () => true): number {
  const all = b.refs((t) => dtypes.includes(t.dtype as DType) && keep(t.shape));
  if (all.length === 0 || b.r.chance(0.08)) {
    for (let i = 0; i < 50; i++) {
      const shape = randomShape(b.r);
      if (keep(shape)) return b.leaf(shape, b.r.pick(dtypes));
    }
  }
  if (all.length === 0) return b.leaf([2, 3], b.r.pick(dtypes));
  return b.r.chance(0.6) ? all[Math.max(0, all.length - 1 - b.r.below(3))] : b.r.pick(all);
}

/** A second operand for x: itself, a number, an earlier value that fits, or a new leaf. */
function partner(b: Builder, x: number, numbers = true): Argument {
  const { shape, dtype } = b.tensor(x);
  const k = b.r.below(10);
  if (k === 0) return v(x);
  if (k < 3 && numbers) return literal(b, dtype as DType);
  const fits = b.refs((t, ref) => {
    const s = ref !== x && t.dtype === dtype ? tryBroadcast([t.shape, shape]) : null;
    return s !== null && sizeOf(s) <= LARGEST;
  });
  if (fits.length > 0 && k < 8) return v(b.r.pick(fits));
  return v(b.leaf(narrower(b.r, shape), dtype as DType));
}

const someAxes = (r: Random, rank: number): number[] => {
  const axes = [...Array(rank).keys()].filter(() => r.chance(0.5));
  if (axes.length === 0 && rank > 0) axes.push(r.below(rank));
  return r.chance(0.3) ? axes.reverse() : axes;
};

const factorings = (r: Random, size: number): Shape => {
  const out: number[] = [];
  let n = size;
  while (n > 1 && out.length < 3) {
    const divisors = [...Array(Math.min(n, 64)).keys()].map((i) => i + 1).filter((d) => n % d === 0);
    const d = r.pick(divisors);
    out.push(d);
    n /= d;
  }
  if (n !== 1 || r.chance(0.2)) out.splice(r.below(out.length + 1), 0, n);
  return size === 0 ? [r.below(3), 0] : out;
};

/** One random step; null where it did not fit. */
type Maker = (b: Builder) => number | null;

const MAKERS: readonly Maker[] = [
  ...Array<Maker>(4).fill((b) => b.step(b.r.pick(UNARY), [v(pick(b, ['f32']))])),
  (b) => b.step(b.r.pick([...UNARY, ...ROUNDING]), [v(pick(b, ['f32']))]),
  (b) => b.step(b.r.pick(['neg', 'abs', 'sign']), [v(pick(b, NUMBERS))]),
  ...Array<Maker>(6).fill((b) => {
    const x = pick(b, ['f32']);
    return b.step(b.r.pick([...BINARY, ...BINARY, 'div', 'div', 'pow']), [v(x), partner(b, x)]);
  }),
  (b) => {
    const x = pick(b, ['i32', 'u32']);
    return b.step(b.r.pick(BINARY), [v(x), partner(b, x)]);
  },
  (b) => {
    const x = pick(b, NUMBERS);
    return b.step(b.r.pick(COMPARE), [v(x), partner(b, x)]);
  },
  (b) => {
    const x = pick(b, ['bool']);
    const call = b.r.pick(['and', 'or', 'xor', 'not', 'eq', 'ne']);
    return b.step(call, call === 'not' ? [v(x)] : [v(x), partner(b, x, false)]);
  },
  (b) => {
    const x = pick(b, ['f32', 'f32', ...ALL]);
    const other = partner(b, x);
    const shape = b.shape(x);
    const conditions = b.refs((t) => {
      const s = t.dtype === 'bool' ? tryBroadcast([t.shape, shape]) : null;
      return s !== null && sizeOf(s) <= LARGEST;
    });
    const c = conditions.length > 0 ? b.r.pick(conditions) : b.leaf(narrower(b.r, shape), 'bool');
    const branches = b.r.chance(0.5) ? [v(x), other] : [other, v(x)];
    try {
      return b.step('where', [v(c), ...branches]);
    } catch {
      return null; // three shapes that fit two by two need not fit together
    }
  },
  (b) => {
    const x = pick(b, NUMBERS.concat('bool'));
    return b.step('cast', [v(x), b.r.pick(['f32', 'f32', 'i32', 'u32', 'bool'])]);
  },
  (b) => b.step('cast', [v(pick(b, ['f32', 'f32', ...ALL])), b.r.pick(STORED)]),
  (b) => b.step('cast', [v(pick(b, STORED)), b.r.pick(['f32', 'f32', ...ALL])]),
  (b) => {
    const x = pick(b, NUMBERS);
    const [p, q] = [literal(b, b.tensor(x).dtype as DType), literal(b, b.tensor(x).dtype as DType)];
    return b.step('clamp', [v(x), Math.min(p, q), Math.max(p, q)]);
  },
  (b) => b.step('powi', [v(pick(b, ['f32'])), b.r.pick([-3, -2, -1, 0, 1, 2, 3, 4, 7, 13])]),
  ...Array<Maker>(2).fill((b) => {
    const x = pick(b, ['f32', 'f32', 'f32', 'i32', 'u32']);
    const axes = someAxes(b.r, b.shape(x).length);
    const call = b.r.pick(['sum', 'sum', 'sum', 'max', 'max', 'argmax', 'min', 'argmin']);
    if (call !== 'sum' && axes.some((a) => b.shape(x)[a] === 0)) return null;
    return b.step(call, [v(x), axes, b.r.chance(0.5)]);
  }),
  (b) => {
    const x = pick(b, ['f32'], (s) => s.length > 0 && s.every((d) => d > 0));
    const axis = b.r.below(b.shape(x).length);
    return b.r.chance(0.2)
      ? b.step('mean', [v(x), axis, true])
      : b.step(b.r.pick(['softmax', 'logSoftmax', 'logSumExp']), [v(x), axis]);
  },
  (b) => {
    const x = pick(b, ['f32', 'f32', 'i32', 'u32'], (s) => s.length > 0);
    const shape = b.shape(x);
    if (shape.length === 0) return null;
    const axis = b.r.below(shape.length);
    const way = b.r.chance(0.5);
    if (b.r.chance(0.4)) return b.step('cumsum', [v(x), axis]);
    if (b.r.chance(0.5)) return b.step(b.r.pick(['sort', 'argsort']), [v(x), axis, { descending: way }]);
    return b.step('top', [v(x), b.r.below(shape[axis] + 1), axis, { largest: way }], 2);
  },
  (b) => {
    const x = pick(b, ['f32']);
    return b.step('bce', [v(x), partner(b, x, false)]);
  },
  ...Array<Maker>(3).fill(matmulStep),
  (b) => {
    const x = pick(b, ['f32', 'i32', 'bool', 'bf16']);
    return b.step('reshape', [v(x), factorings(b.r, sizeOf(b.shape(x)))]);
  },
  ...Array<Maker>(2).fill((b) => {
    const x = pick(b, ['f32', 'f32', 'u32', 'f16'], (s) => s.length > 1);
    const axes = [...b.shape(x).keys()].sort(() => (b.r.chance(0.5) ? 1 : -1));
    return b.step('permute', [v(x), ...axes]);
  }),
  (b) => {
    const x = pick(b, ['f32', 'f32', 'i32']);
    const shape = b.shape(x).map((d) => (d === 1 ? b.r.between(0, 5) : d));
    return b.step('broadcast', [v(x), b.r.chance(0.4) ? [b.r.between(1, 4), ...shape] : shape]);
  },
  ...Array<Maker>(2).fill((b) => {
    const x = pick(b, ['f32', 'f32', 'i32', 'bool', 'i8'], (s) => s.length > 0);
    const ranges = b.shape(x).map((d): Argument => {
      if (b.r.chance(0.4)) return null;
      const end = () => (b.r.chance(0.3) ? null : b.r.between(-d - 1, d + 1));
      return [end(), end(), b.r.pick([1, 1, 1, 2, 3, -1, -1, -2])];
    });
    return b.step('slice', [v(x), ...ranges]);
  }),
  (b) => {
    const x = pick(b, ['f32', 'f32', 'u32', 'bool', 'f16', 'u8'], (s) => s.length > 0);
    const spec = b.shape(x).map(() => (b.r.chance(0.5) ? [0, 0, 0] : [b.r.below(3), b.r.below(3), b.r.below(3)]));
    const { dtype } = b.tensor(x);
    return b.step('pad', [v(x), spec, b.r.chance(0.6) ? 0 : literal(b, dtype as DType)]);
  },
  (b) => {
    const x = pick(b, ['f32', 'f32', 'i32', 'bf16'], (s) => s.length > 0);
    const { shape, dtype } = b.tensor(x);
    const axis = b.r.below(shape.length);
    const fits = b.refs(
      (t) =>
        t.dtype === dtype && t.shape.length === shape.length && t.shape.every((d, i) => i === axis || d === shape[i]),
    );
    const part = () =>
      b.r.chance(0.5)
        ? b.r.pick(fits)
        : b.leaf(
            shape.map((d, i) => (i === axis ? b.r.below(4) : d)),
            dtype as DType,
          );
    return b.step('concat', [[v(x), ...Array.from({ length: b.r.between(1, 2) }, () => v(part()))], axis]);
  },
  (b) => {
    const x = pick(b, ['f32']);
    return b.step('stack', [[v(x), v(x)], b.r.between(0, b.shape(x).length)]);
  },
  ...Array<Maker>(2).fill(indexStep),
  windowStep,
  (b) => {
    const given = b.leaf([], 'u32');
    // A computed step of a draw of one element could be taken for code of the same kernel.
    const step = b.r.chance(0.4) ? (b.step('neg', [v(given)]) ?? given) : given;
    const shape = b.r.chance(0.2) ? [] : randomShape(b.r);
    return b.step('draw', [
      b.r.pick(['bits', 'uniform', 'normal', 'normal']),
      v(step),
      b.r.pick(['a', 'init/w']),
      shape,
    ]);
  },
  (b) => (b.r.chance(0.2) ? b.step('detach', [v(pick(b, ['f32']))]) : null),
];

function matmulStep(b: Builder): number | null {
  const kind = b.r.pick<DType>(['f32', 'f32', 'f32', 'f32', 'f32', 'f16', 'bf16', 'i8']);
  const a = pick(b, [kind], (s) => s.length >= 2);
  const { shape, dtype } = b.tensor(a);
  if (shape.length < 2) return null;
  const [transposeA, transposeB] = [b.r.chance(0.4), b.r.chance(0.4)];
  const k = shape[shape.length - (transposeA ? 2 : 1)];
  const fits = b.refs((t) => {
    const s = t.shape;
    const batch = s.length >= 2 ? tryBroadcast([s.slice(0, -2), shape.slice(0, -2)]) : null;
    return t.dtype === dtype && batch !== null && s[s.length - (transposeB ? 1 : 2)] === k && sizeOf(batch) <= 12;
  });
  const n = dimension(b.r);
  const batch = narrower(b.r, shape.slice(0, -2));
  const right =
    fits.length > 0 && b.r.chance(0.4) ? b.r.pick(fits) : b.leaf([...batch, ...(transposeB ? [n, k] : [k, n])], dtype);
  const precision = dtype === 'f32' && b.r.chance(0.3) ? b.r.pick(['high', 'medium']) : undefined;
  return b.step('matmul', [v(a), v(right), { transposeA, transposeB, ...(precision && { precision }) }]);
}

/** Convolution or pooling of a value with spatial axes; sizes that do not fit are refused, and the step is left out. */
function windowStep(b: Builder): number | null {
  const fits = b.refs(
    (t) => t.dtype === 'f32' && (t.shape.length === 3 || t.shape.length === 4) && sizeOf(t.shape) > 0,
  );
  const own = [
    b.r.between(1, 3),
    b.r.pick([1, 2, 3, 4, 6]),
    ...Array.from({ length: b.r.between(1, 2) }, () => b.r.between(1, 9)),
  ];
  const x = fits.length > 0 && b.r.chance(0.6) ? b.r.pick(fits) : b.leaf(own);
  const [, c, ...spatial] = b.shape(x);
  const axes = spatial.length;
  const sizes = (low: number, high: number): number | number[] =>
    b.r.chance(0.5) ? b.r.between(low, high) : spatial.map(() => b.r.between(low, high));
  const dilation = b.r.chance(0.6) ? 1 : sizes(1, 3);
  const stride = b.r.chance(0.4) ? 1 : sizes(1, 3);
  try {
    if (b.r.chance(0.45)) {
      const kernel = b.r.chance(0.2) ? spatial.map((d) => Math.min(d, 9)) : sizes(1, 3);
      const padding = b.r.chance(0.5) ? 0 : 1;
      const given = b.r.chance(0.5) ? {} : { stride };
      return b.r.chance(0.5)
        ? b.step(`maxPool${axes}d`, [v(x), kernel, { ...given, padding, dilation }])
        : b.step(`avgPool${axes}d`, [v(x), kernel, { ...given, padding, countIncludePad: b.r.chance(0.5) }]);
    }
    const groups = b.r.pick([1, 1, 2, 3].filter((g) => c % g === 0));
    const kernel = spatial.map(() => b.r.between(1, 4));
    const outputs = groups * b.r.between(1, 3);
    const transposed = b.r.chance(0.4);
    const w = b.leaf(transposed ? [c, outputs / groups, ...kernel] : [outputs, c / groups, ...kernel]);
    const padding = sizes(0, 2);
    const mode = b.r.chance(0.3) ? { precision: b.r.pick(['high', 'medium'] as const) } : {};
    return transposed
      ? b.step(`convTranspose${axes}d`, [
          v(x),
          v(w),
          { stride, padding, dilation, groups, outputPadding: b.r.below(2), ...mode },
        ])
      : b.step(`conv${axes}d`, [
          v(x),
          v(w),
          { stride, padding: b.r.chance(0.1) ? 'same' : padding, dilation, groups, ...mode },
        ]);
  } catch {
    return null;
  }
}

function indexStep(b: Builder): number | null {
  const x = pick(b, ['f32', 'f32', 'f32', 'f32', 'i32', 'u32', 'bf16'], (s) => s.length > 0);
  const { shape, dtype } = b.tensor(x);
  if (shape.length === 0) return null;
  const axis = b.r.below(shape.length);
  const count = b.r.pick([0, 1, 2, 3, 5, 8, 70]);
  const whole = b.r.chance(0.4);
  const at = shape.map((d, i) => (i === axis ? count : whole || b.r.chance(0.5) ? 1 : d));
  const kind = b.r.pick(['i32', 'u32'] as const);
  // Out of range is an error that NaN marks; most programs stay inside, so that their other results say something.
  const inside = b.r.chance(0.7);
  const index = b.addLeaf({ data: positions(b.r, sizeOf(at), kind, shape[axis], inside), shape: at, dtype: kind });
  if (b.r.chance(0.5) || dtype === 'bf16') return b.step('gather', [v(x), v(index), axis]);
  const need = shape.map((d, i) => (i === axis ? count : d));
  if (sizeOf(need) > LARGEST) return null;
  const fits = b.refs(
    (t) => t.dtype === dtype && t.shape.length === need.length && t.shape.every((d, i) => d === need[i]),
  );
  const source = fits.length > 0 && b.r.chance(0.4) ? b.r.pick(fits) : b.leaf(need, dtype as DType);
  return b.step('scatterAdd', [v(x), v(index), v(source), axis]);
}

/** grad, jvp or both of an f32 value by some f32 values before it. */
function differentiate(b: Builder): void {
  const y = pick(b, ['f32']);
  const older = b.refs((t, ref) => t.dtype === 'f32' && (ref < 0 || ref < y));
  if (older.length === 0 || y < 0) return;
  const leaves = older.filter((ref) => ref < 0);
  const xs = Array.from({ length: b.r.between(1, 3) }, () =>
    b.r.pick(b.r.chance(0.8) && leaves.length > 0 ? leaves : older),
  );
  const list = xs.map(v);
  if (b.r.chance(0.7)) b.step('grad', [v(y), list, { seed: v(b.leaf(b.shape(y))), unused: 'zero' }], xs.length);
  if (b.r.chance(0.5)) b.step('jvp', [v(y), list, xs.map((x) => v(b.leaf(b.shape(x))))]);
}

/** The program of a seed. */
export function generate(seed: number): Program {
  const b = new Builder(seed);
  b.leaf(randomShape(b.r));
  const rounds = b.r.chance(0.15) ? 2 : 1;
  for (let k = 0; k < rounds; k++) {
    const steps = b.r.between(2, k === 0 ? 12 : 4);
    for (let i = 0; i < steps; i++) b.r.pick(MAKERS)(b);
    if (b.r.chance(0.8)) differentiate(b);
  }
  for (let i = b.r.below(4); i > 0; i--) b.r.pick(MAKERS)(b);

  const made = b.refs((_, ref) => ref >= 0);
  if (made.length === 0) return generate(seed + 0x10000000);
  // The last values, and some inner ones, which then must be kept while others reuse their places.
  const outputs = [
    ...new Set([made[made.length - 1], ...made.slice(-4).filter(() => b.r.chance(0.6)), b.r.pick(made)]),
  ];
  const assigns: [number, number][] = [];
  for (const leaf of b.refs((_, ref) => ref < 0)) {
    if (!b.r.chance(0.3)) continue;
    const { shape, dtype } = b.tensor(leaf);
    const fits = b.refs(
      (t, ref) =>
        ref !== leaf && t.dtype === dtype && t.shape.length === shape.length && t.shape.every((d, i) => d === shape[i]),
    );
    if (fits.length > 0) assigns.push([leaf, b.r.pick(fits)]);
  }
  return b.close(outputs, assigns);
}
