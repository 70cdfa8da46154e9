/** What a loss is, and the checks that losses share: nothing is broadcast silently. */

import { DataError, DTypeError, ShapeError } from '../core/errors.ts';
import type { HostArray } from '../core/host.ts';
import { type Shape, sameShape, showShape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';

/**
 * A function of predictions and targets that gives a scalar. `check` sees a batch's targets on the host before a step runs,
 * and throws where they cannot belong to predictions of that shape.
 */
export type Loss = {
  // A method's parameters compare both ways, so that a loss may ask for the dtypes it takes.
  call(prediction: Tensor, target: Tensor): Tensor<'f32'>;
}['call'] & { readonly check?: (prediction: Shape, target: HostArray) => void };

/** Refuses a prediction and a target of different shapes. */
export function sameShapes(loss: string, prediction: Shape, target: Shape): void {
  if (sameShape(prediction, target)) return;
  throw new ShapeError(`${loss}: predictions are ${showShape(prediction)}, targets are ${showShape(target)}`, {
    hint: 'Give one target for each prediction, in the same shape; nothing is broadcast.',
    details: { loss, prediction, target },
  });
}

/** Refuses targets that are not f32. */
export function needF32(loss: string, target: { readonly dtype: string }): void {
  if (target.dtype === 'f32') return;
  throw new DTypeError(`${loss}: targets are ${target.dtype}, expected f32`, {
    hint: 'Give f32 targets, or use crossEntropy for class indices.',
    details: { loss, expected: 'f32', got: target.dtype },
  });
}

/** Refuses a target outside 0 .. 1. */
export function unitRange(loss: string, target: HostArray): void {
  const at = target.data.findIndex((v) => !(v >= 0 && v <= 1));
  if (at < 0) return;
  throw new DataError(`${loss}: target ${at} is ${target.data[at]}, expected a probability from 0 to 1`, {
    hint: 'Mend the targets, or use another loss.',
    details: { loss, index: at, value: target.data[at] },
  });
}
