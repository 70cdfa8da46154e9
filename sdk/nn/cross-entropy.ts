/** Cross-entropy, on class indices and on probabilities: two functions, because a target of the wrong kind must not pass. */

import { DataError, DTypeError, ShapeError } from '../core/errors.ts';
import { logSoftmax, mean } from '../core/functions.ts';
import type { HostArray } from '../core/host.ts';
import { type Shape, sameShape, showShape } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { needF32, sameShapes, unitRange } from './loss.ts';

const withCheck = <F extends object>(loss: F, check: (prediction: Shape, target: HostArray) => void) =>
  Object.assign(loss, { check });

function checkLabels(logits: Shape, labels: { readonly shape: Shape; readonly dtype: string }): void {
  const details = { loss: 'crossEntropy', logits, labels: labels.shape };
  if (labels.dtype !== 'i32' && labels.dtype !== 'u32') {
    throw new DTypeError(`crossEntropy: labels are ${labels.dtype}, expected class indices as i32 or u32`, {
      hint: 'Cast class indices to i32, or use crossEntropyProbabilities().',
      details: { ...details, expected: ['i32', 'u32'], got: labels.dtype },
    });
  }
  const rows = logits.slice(0, -1);
  if (rows.length === 0 || logits[rows.length] === 0) {
    throw new ShapeError(`crossEntropy: logits are ${showShape(logits)}, expected [rows, classes]`, {
      hint: 'Give rows, and classes last.',
      details,
    });
  }
  if (!sameShape(labels.shape, rows)) {
    throw new ShapeError(
      `crossEntropy: labels are ${showShape(labels.shape)} for logits ${showShape(logits)}, expected ${showShape(rows)}`,
      { hint: 'Give one class index for each row, in a flat array.', details },
    );
  }
}

/**
 * Mean over the rows of -log softmax(logits)[label] (N13), as in PyTorch; but classes are the last axis, and all before it are
 * rows, such as [batch, length].
 *
 * @param logits [..., classes]
 * @param labels [...], class indices 0 .. classes - 1
 * @throws ShapeError, DTypeError. The Trainer refuses a label out of range before the step (DataError); by itself it is a
 *   NumericError at the next read.
 * @example
 * const loss = crossEntropy(model.forward(x) as Tensor<'f32'>, y);
 */
export const crossEntropy = /* @__PURE__ */ withCheck(
  (logits: Tensor<'f32'>, labels: Tensor<'i32'> | Tensor<'u32'>): Tensor<'f32'> => {
    checkLabels(logits.shape, labels);
    const index = labels.reshape([...labels.shape, 1]) as Tensor<'i32'>;
    return mean(logSoftmax(logits).gather(index, labels.shape.length).neg());
  },
  (logits, labels) => {
    checkLabels(logits, labels);
    const classes = logits[logits.length - 1];
    const at = labels.data.findIndex((v) => !(v >= 0 && v < classes));
    if (at < 0) return;
    throw new DataError(`crossEntropy: label ${labels.data[at]} of row ${at} is no class of 0 .. ${classes - 1}`, {
      hint: 'Count classes from 0; each needs an output.',
      details: { row: at, label: labels.data[at], classes },
    });
  },
);

/** log is taken of no less than this, so that a probability of 0 costs 69.3 and has no gradient, instead of NaN (N13). */
const LEAST = 2 ** -100;

/**
 * Mean over the rows of -sum(target * log(probability)) (N13), for predictions that are probabilities already.
 *
 * @param probabilities [rows, classes], such as softmax gives
 * @param targets [rows, classes], probabilities
 */
export const crossEntropyProbabilities = /* @__PURE__ */ withCheck(
  (probabilities: Tensor<'f32'>, targets: Tensor<'f32'>): Tensor<'f32'> => {
    checkProbabilities(probabilities.shape, targets);
    return mean(targets.mul(probabilities.maximum(LEAST).log()).sum(1).neg());
  },
  (probabilities, targets) => {
    checkProbabilities(probabilities, targets);
    unitRange('crossEntropyProbabilities', targets);
  },
);

function checkProbabilities(probabilities: Shape, targets: { readonly shape: Shape; readonly dtype: string }): void {
  needF32('crossEntropyProbabilities', targets);
  sameShapes('crossEntropyProbabilities', probabilities, targets.shape);
  if (probabilities.length === 2) return;
  throw new ShapeError(
    `crossEntropyProbabilities: predictions are ${showShape(probabilities)}, expected [rows, classes]`,
    {
      hint: 'Reshape both to two axes, classes last.',
      details: { prediction: probabilities },
    },
  );
}
