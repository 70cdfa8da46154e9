/**
 * Convolution over the last axes (N6): forward, input gradient and weight gradient. Each is linear in both operands, and the
 * derivatives of each are the other two, so any order of derivative is one of the three. All have the attributes of the forward
 * convolution, and expand to one contraction whose k is numbered as N6 says. A precision is one of them: operands are rounded
 * before they are padded and walked, and adjoints pass the rounding as they are (N12).
 *
 * x [N, C, D..], w [Co, C/groups, K..], y [N, Co, O..].
 */

import { apply } from '../build.ts';
import { type Attrs, type Node, needDType } from '../node.ts';
import { attrNumber, type Op } from '../op.ts';
import { type Shape, sizeOf } from '../shape.ts';
import { MATMUL, narrow } from './matmul.ts';
import { type PadSpec, permute, reshape } from './move.ts';
import { backSlides, frame, fromAttrs, places, type Sliding, slides, spread, toAttrs, windows } from './windows.ts';

const real = (name: string, inputs: readonly Node[], shape: Shape): ReturnType<Op['infer']> => {
  for (const n of inputs) needDType(name, n, ['f32']);
  return { shape, dtype: 'f32' };
};
const kernelOf = (axes: readonly Sliding[]) => axes.map((a) => a.kernel);
const sizesOf = (axes: readonly Sliding[]) => axes.map((a) => a.size);

/** The padded input's windows, [N, C, K.., O..]. */
const patches = (x: Node, axes: readonly Sliding[]): Node =>
  windows(
    frame(
      x,
      axes.map((a): PadSpec => [a.low, a.high]),
    ),
    slides(axes),
  );

export const CONV: Op = {
  name: 'conv',
  kind: 'composite',
  infer: (inputs, attrs) =>
    real('conv', inputs, [inputs[0].shape[0], inputs[1].shape[0], ...fromAttrs(attrs).map(places)]),
  expand(operands, attrs) {
    const [x, w] = rounded(operands, attrs);
    const axes = fromAttrs(attrs);
    const g = attrNumber(attrs, 'groups');
    const [n, co, ...out] = [x.shape[0], w.shape[0], ...axes.map(places)];
    const terms = sizeOf(w.shape.slice(1));
    const y = product(reshape(w, [g, co / g, terms]), reshape(patches(x, axes), [n, g, terms, sizeOf(out)]), attrs);
    return reshape(y, [n, co, ...out]);
  },
  vjp: (g, { inputs: [x, w], attrs }, i) =>
    i === 0 ? apply(CONV_INPUT, [g, w], attrs) : apply(CONV_WEIGHT, [x, g], attrs),
  jvp: (t, { inputs: [x, w], attrs }, i) => apply(CONV, i === 0 ? [t, w] : [x, t], attrs),
};

/** Of y's adjoint and w: x's. This is transposed convolution. */
export const CONV_INPUT: Op = {
  name: 'convInput',
  kind: 'composite',
  infer: (inputs, attrs) =>
    real('convInput', inputs, [
      inputs[0].shape[0],
      inputs[1].shape[1] * attrNumber(attrs, 'groups'),
      ...sizesOf(fromAttrs(attrs)),
    ]),
  expand(operands, attrs) {
    const [y, w] = rounded(operands, attrs);
    const axes = fromAttrs(attrs);
    const g = attrNumber(attrs, 'groups');
    const [co, c, ...kernel] = w.shape;
    const [n, terms] = [y.shape[0], (co / g) * sizeOf(kernel)];
    const turned = permute(reshape(w, [g, co / g, c, sizeOf(kernel)]), [0, 2, 1, 3]);
    const reached = windows(spread(y, axes), backSlides(axes));
    const x = product(reshape(turned, [g, c, terms]), reshape(reached, [n, g, terms, sizeOf(sizesOf(axes))]), attrs);
    return reshape(x, [n, c * g, ...sizesOf(axes)]);
  },
  vjp: (h, { inputs: [y, w], attrs }, i) => (i === 0 ? apply(CONV, [h, w], attrs) : apply(CONV_WEIGHT, [h, y], attrs)),
  jvp: (t, { inputs: [y, w], attrs }, i) => apply(CONV_INPUT, i === 0 ? [t, w] : [y, t], attrs),
};

/** Of x and y's adjoint: w's. */
export const CONV_WEIGHT: Op = {
  name: 'convWeight',
  kind: 'composite',
  infer: (inputs, attrs) =>
    real('convWeight', inputs, [
      inputs[1].shape[1],
      inputs[0].shape[1] / attrNumber(attrs, 'groups'),
      ...kernelOf(fromAttrs(attrs)),
    ]),
  expand(operands, attrs) {
    const [x, y] = rounded(operands, attrs);
    const axes = fromAttrs(attrs);
    const g = attrNumber(attrs, 'groups');
    const [n, c, co] = [x.shape[0], x.shape[1] / g, y.shape[1]];
    const [taps, out] = [sizeOf(kernelOf(axes)), sizeOf(y.shape.slice(2))];
    const left = permute(reshape(y, [n, g, co / g, out]), [1, 2, 0, 3]);
    const s = axes.length;
    const all = patches(x, axes);
    // [N, C, K.., O..] to [C, K.., N, O..]
    const right = permute(all, [
      ...Array.from({ length: s + 1 }, (_, i) => i + 1),
      0,
      ...Array.from({ length: s }, (_, i) => i + s + 2),
    ]);
    const w = product(reshape(left, [g, co / g, n * out]), reshape(right, [g, c * taps, n * out]), attrs, true);
    return reshape(w, [co, c, ...kernelOf(axes)]);
  },
  vjp: (h, { inputs: [x, y], attrs }, i) => (i === 0 ? apply(CONV_INPUT, [y, h], attrs) : apply(CONV, [x, h], attrs)),
  jvp: (t, { inputs: [x, y], attrs }, i) => apply(CONV_WEIGHT, i === 0 ? [t, y] : [x, t], attrs),
};

const rounded = (operands: readonly Node[], { precision }: Attrs): readonly Node[] =>
  precision ? operands.map((x) => narrow(x, precision as 'high' | 'medium')) : operands;

const product = (a: Node, b: Node, { precision }: Attrs, transposeB = false): Node =>
  apply(MATMUL, [a, b], { transposeA: false, transposeB, ...(precision ? { exact: true } : {}) });

/** Attributes of all three: where windows lie, groups, and the mode (`modeOf`). */
const attrsOf = (axes: readonly Sliding[], groups: number, mode: Attrs): Attrs => ({
  ...toAttrs(axes),
  groups,
  ...mode,
});

/** y of x and w, whose shapes fit the axes and groups. */
export const conv = (x: Node, w: Node, axes: readonly Sliding[], groups: number, mode: Attrs): Node =>
  apply(CONV, [x, w], attrsOf(axes, groups, mode));
/** x of y and w: the transpose of `conv` with the same axes. */
export const convTranspose = (y: Node, w: Node, axes: readonly Sliding[], groups: number, mode: Attrs): Node =>
  apply(CONV_INPUT, [y, w], attrsOf(axes, groups, mode));
