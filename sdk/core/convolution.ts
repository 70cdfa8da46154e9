/** Convolutions of tensors: arguments as PyTorch has them, checked, for the ops of ops/conv.ts. */

import { PRECISIONS, type Precision } from './dtype.ts';
import { OptionError, ShapeError } from './errors.ts';
import type { Node } from './node.ts';
import { conv, convTranspose } from './ops/conv.ts';
import { modeOf } from './ops/matmul.ts';
import { places, type Sliding, span } from './ops/windows.ts';
import { checkOptions, count, index, type OptionTable, type Rule } from './options.ts';
import { showShape } from './shape.ts';
import { nodeOf, Tensor } from './tensor.ts';
import type { Variable } from './variable.ts';

/** A size for every spatial axis, or one for each. */
export type Sizes = number | readonly number[];

export interface ConvOptions {
  /** Elements from one window to the next; 1 unless given. */
  stride?: Sizes;
  /** Zeros on both sides of each axis, 0 unless given; `'valid'` is 0; `'same'` keeps the size, for stride 1. */
  padding?: Sizes | 'same' | 'valid';
  /** Elements from one tap to the next; 1 unless given. */
  dilation?: Sizes;
  /** Channels fall into so many groups, which see nothing of each other; 1 unless given. */
  groups?: number;
  /** As for matmul; the runtime's unless given. */
  precision?: Precision;
}

export interface ConvTransposeOptions {
  stride?: Sizes;
  /** Elements taken away on both sides of each axis. */
  padding?: Sizes;
  /** Elements more at the end of each axis, fewer than the stride or the dilation. */
  outputPadding?: Sizes;
  dilation?: Sizes;
  groups?: number;
  precision?: Precision;
}

type F32 = Tensor<'f32'> | Variable<'f32'>;

/** A rule for one size, as a rule for one or a list of them. */
export const each = (rule: Rule): Rule => ({
  expects: `${rule.expects}, or one for each axis`,
  ok: (v) => (Array.isArray(v) ? v.every((x) => rule.ok(x)) : rule.ok(v)),
});

/** `sizes` as a list for so many axes. */
export function listOf(what: string, sizes: Sizes, axes: number): readonly number[] {
  if (typeof sizes === 'number') return new Array<number>(axes).fill(sizes);
  if (sizes.length === axes) return sizes;
  throw new OptionError(`${what}: ${sizes.length} sizes for ${axes} axes`, {
    hint: `Give one number, or ${axes}.`,
    details: { sizes },
  });
}

const precision: Rule = {
  expects: `one of ${PRECISIONS.join(', ')}`,
  ok: (v) => PRECISIONS.includes(v as Precision),
};

/** What says where windows lie; layers take the runtime's precision. */
export const CONV_OPTIONS: OptionTable<Omit<ConvOptions, 'precision'>> = {
  stride: each(count),
  padding: {
    ...each(index),
    expects: `${each(index).expects}, 'same' or 'valid'`,
    ok: (v) => v === 'same' || v === 'valid' || each(index).ok(v),
  },
  dilation: each(count),
  groups: count,
};
const CONV_TRANSPOSE: OptionTable<ConvTransposeOptions> = {
  stride: each(count),
  padding: each(index),
  outputPadding: each(index),
  dilation: each(count),
  groups: count,
  precision,
};

function refuse(name: string, x: Node, w: Node, why: string, hint: string): never {
  throw new ShapeError(`${name}: ${showShape(x.shape)} with weights ${showShape(w.shape)}: ${why}`, {
    hint,
    details: { op: name, x: x.shape, w: w.shape },
  });
}

/** Checks ranks and that the weights' kernel has taps. */
function operands(name: string, axes: number, x: F32, w: F32): [Node, Node] {
  const [a, b] = [nodeOf(x as Tensor), nodeOf(w as Tensor)];
  const spatial = axes === 1 ? 'W' : 'H, W';
  if (a.shape.length !== axes + 2 || b.shape.length !== axes + 2) {
    refuse(name, a, b, `both need ${axes + 2} axes`, `x is [N, C, ${spatial}]; give it a batch axis with reshape().`);
  }
  if (b.shape.slice(2).some((k) => k === 0))
    refuse(name, a, b, 'the kernel is empty', 'A kernel has at least one tap.');
  return [a, b];
}

function convolve(name: string, axes: number, x: F32, w: F32, o: ConvOptions): Tensor<'f32'> {
  checkOptions(name, { ...CONV_OPTIONS, precision }, o);
  const [a, b] = operands(name, axes, x, w);
  const { padding = 0, groups = 1 } = o;
  const [stride, dilation] = [o.stride ?? 1, o.dilation ?? 1].map((v) => listOf(name, v, axes));
  const [, c] = a.shape;
  const [co, each] = b.shape;
  if (c !== each * groups || co % groups !== 0) {
    refuse(
      name,
      a,
      b,
      `${groups} groups need weights [a multiple of ${groups}, ${c / groups}, ..]`,
      'Weights are [C out, C in / groups, ..].',
    );
  }
  if (padding === 'same' && stride.some((s) => s !== 1)) {
    throw new OptionError(`${name}: padding 'same' needs stride 1, got [${stride}]`, {
      hint: 'Give the padding as a number.',
    });
  }
  const pads = typeof padding === 'string' ? null : listOf(name, padding, axes);
  const sliding = stride.map((s, i): Sliding => {
    const [size, kernel] = [a.shape[i + 2], b.shape[i + 2]];
    const more = padding === 'same' ? dilation[i] * (kernel - 1) : 0;
    const low = pads ? pads[i] : Math.floor(more / 2);
    return { size, kernel, stride: s, dilation: dilation[i], low, high: pads ? low : more - low };
  });
  if (sliding.some((s) => places(s) < 1)) {
    refuse(
      name,
      a,
      b,
      `the kernel spans [${sliding.map(span)}], more than the padded input`,
      'Pad more, or use a smaller kernel.',
    );
  }
  return new Tensor(conv(a, b, sliding, groups, modeOf(name, a.graph, o.precision)));
}

function transpose(name: string, axes: number, y: F32, w: F32, o: ConvTransposeOptions): Tensor<'f32'> {
  checkOptions(name, CONV_TRANSPOSE, o);
  const [a, b] = operands(name, axes, y, w);
  const { groups = 1 } = o;
  const [stride, dilation, padding, more] = [o.stride ?? 1, o.dilation ?? 1, o.padding ?? 0, o.outputPadding ?? 0].map(
    (v) => listOf(name, v, axes),
  );
  if (a.shape[1] !== b.shape[0] || b.shape[0] % groups !== 0) {
    refuse(
      name,
      a,
      b,
      `${a.shape[1]} channels in ${groups} groups need weights [${a.shape[1]}, C out / ${groups}, ..]`,
      'Weights are [C in, C out / groups, ..].',
    );
  }
  const sliding = stride.map((s, i): Sliding => {
    if (more[i] >= Math.max(s, dilation[i])) {
      throw new OptionError(`${name}: outputPadding ${more[i]} must be below stride ${s} or dilation ${dilation[i]}`, {
        hint: 'It chooses among the sizes that a convolution takes to this one.',
      });
    }
    const whole = (a.shape[i + 2] - 1) * s + dilation[i] * (b.shape[i + 2] - 1) + 1;
    const [low, high] = [padding[i], padding[i] - more[i]];
    return { size: whole - low - high, kernel: b.shape[i + 2], stride: s, dilation: dilation[i], low, high };
  });
  if (sliding.some((s, i) => s.size < 1 || a.shape[i + 2] < 1)) {
    refuse(name, a, b, `padding [${padding}] leaves nothing`, 'Use less padding.');
  }
  return new Tensor(convTranspose(a, b, sliding, groups, modeOf(name, a.graph, o.precision)));
}

/**
 * Convolution of x [N, C, W] with w [C out, C / groups, KW], as PyTorch's conv1d (no kernel is flipped):
 * y[n, co, o] = sum of x[n, ci, o*stride - padding + kw*dilation] * w[co, ci, kw] over the group's ci and kw.
 * @returns [N, C out, floor((W + 2*padding - dilation*(KW - 1) - 1) / stride) + 1], summed as N6 says.
 * @throws ShapeError, OptionError, DTypeError (f32 only)
 */
export const conv1d = (x: F32, w: F32, o: ConvOptions = {}): Tensor<'f32'> => convolve('conv1d', 1, x, w, o);

/** conv1d over two axes: x [N, C, H, W] with w [C out, C / groups, KH, KW]; sizes are numbers or pairs [of H, of W]. */
export const conv2d = (x: F32, w: F32, o: ConvOptions = {}): Tensor<'f32'> => convolve('conv2d', 2, x, w, o);

/**
 * The transpose of conv1d, as PyTorch's conv_transpose1d: x [N, C, W] with w [C, C out / groups, KW] gives
 * [N, C out, (W - 1)*stride - 2*padding + dilation*(KW - 1) + outputPadding + 1].
 * @throws ShapeError, OptionError, DTypeError (f32 only)
 */
export const convTranspose1d = (x: F32, w: F32, o: ConvTransposeOptions = {}): Tensor<'f32'> =>
  transpose('convTranspose1d', 1, x, w, o);

/** convTranspose1d over two axes: x [N, C, H, W] with w [C, C out / groups, KH, KW]. */
export const convTranspose2d = (x: F32, w: F32, o: ConvTransposeOptions = {}): Tensor<'f32'> =>
  transpose('convTranspose2d', 2, x, w, o);
