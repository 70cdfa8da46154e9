/** Metrics: functions of predictions and targets that give one number for a batch. */

import { DTypeError, ShapeError } from '../core/errors.ts';
import { mean } from '../core/functions.ts';
import { sameShape, showShape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';

/** Gives a scalar: the mean over the batch, so that batches can be averaged by their rows. */
export type Metric = {
  // A method's parameters compare both ways, so that a metric may ask for the dtypes it takes.
  call(prediction: Tensor, target: Tensor): Tensor;
}['call'];

/**
 * Share of rows whose largest prediction is at the label.
 *
 * @param prediction [..., classes], logits or probabilities
 * @param labels [...], class indices as i32 or u32
 */
export function accuracy(prediction: Tensor<'f32'>, labels: Tensor<'i32'> | Tensor<'u32'>): Tensor<'f32'> {
  const { dtype }: Tensor = labels;
  if (dtype !== 'i32' && dtype !== 'u32') {
    throw new DTypeError(`accuracy: labels are ${dtype}, expected class indices as i32 or u32`, {
      hint: 'Cast class indices to i32.',
    });
  }
  const rows = prediction.shape.slice(0, -1);
  if (rows.length === 0 || !sameShape(rows, labels.shape)) {
    throw new ShapeError(
      `accuracy: predictions are ${showShape(prediction.shape)} and labels ${showShape(labels.shape)}, expected [..., classes] and [...]`,
      { hint: 'Give one class index for each row, in a flat array.' },
    );
  }
  return mean(prediction.argmax(-1).eq(labels.cast('i32')).cast('f32'));
}
