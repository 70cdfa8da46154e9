/** Classes from a trained model. */

import type { Runtime } from '../sdk/core/runtime.ts';
import type { Tensor } from '../sdk/core/tensor.ts';
import type { Module } from '../sdk/nn/index.ts';
import { type Inputs, type Labelled, takeRows } from './labelled.ts';

/** Rows a call: bounds the memory, and changes no bit. */
const ROWS = 1000;

/** The class that the model finds likeliest for each row of x, or for each of its tokens. */
export async function predict(rt: Runtime, model: Module, set: Labelled<Inputs>): Promise<Int32Array> {
  const [rows] = set.y.shape;
  const each = set.y.data.length / rows;
  const found = new Int32Array(set.y.data.length);
  const classify = rt.capture((x: Tensor) => model.forward(x).argmax(-1));
  for (let from = 0; from < rows; from += ROWS) {
    const some = Array.from({ length: Math.min(ROWS, rows - from) }, (_, i) => from + i);
    const classes = await classify(takeRows(set, some).x);
    found.set(await classes.data(), from * each);
    classes.dispose();
  }
  classify.dispose();
  return found;
}

/** Share of rows whose class is predicted, 0 to 1. */
export async function accuracyOn(rt: Runtime, model: Module, set: Labelled<Inputs>): Promise<number> {
  const found = await predict(rt, model, set);
  return found.filter((c, i) => c === set.y.data[i]).length / found.length;
}
