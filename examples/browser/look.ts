/** What the model makes of the data: accuracies, and something to draw. */

import type { Runtime } from '../../sdk/core/runtime.ts';
import type { Module } from '../../sdk/nn/index.ts';
import { type Labelled, takeRows } from '../labelled.ts';
import { accuracyOn, predict } from '../predict.ts';
import type { Task } from '../recipe.ts';
import type { DigitsPicture, Example, IrisPicture, Picture } from './protocol.ts';
import { bytesOf } from './recipes.ts';

export interface Look {
  readonly trained: number;
  readonly heldOut: number | null;
  readonly picture: Picture;
}

/** Rows of training data that are judged at each look. */
const JUDGED = 2000;
const SHOWN = 60;
const PLANE = { columns: 144, rows: 60 } as const;
/** Centimetres of empty plane around the flowers. */
const MARGIN = 0.25;

const rowsFrom = (set: Labelled, n: number): Labelled =>
  takeRows(
    set,
    Uint32Array.from({ length: Math.min(n, set.y.data.length) }, (_, i) => i),
  );

export async function lookAt(rt: Runtime, model: Module, { train, test }: Task, example: Example): Promise<Look> {
  if (example === 'iris' || !test) {
    const found = await predict(rt, model, train);
    const picture = irisPicture(train, found, await predictPlane(rt, model, train));
    return { trained: shareOf(train, found), heldOut: null, picture };
  }
  const found = await predict(rt, model, test);
  const trained = await accuracyOn(rt, model, rowsFrom(train, JUDGED));
  return { trained, heldOut: shareOf(test, found), picture: digitsPicture(test, found) };
}

const shareOf = ({ y }: Labelled, found: Int32Array): number =>
  found.filter((c, i) => c === y.data[i]).length / found.length;

/** Columns of the measures that the plane shows. */
const [LENGTH, WIDTH] = [2, 3];
const column = ({ x }: Labelled, c: number): Float32Array => x.data.filter((_, i) => i % 4 === c);
const rangeOf = (v: Float32Array): [number, number] => [Math.min(...v) - MARGIN, Math.max(...v) + MARGIN];
const along = ([from, to]: readonly [number, number], i: number, n: number): number =>
  from + ((to - from) * (i + 0.5)) / n;

/** The predicted species of flowers with middling sepals, over petal length and width. */
async function predictPlane(rt: Runtime, model: Module, all: Labelled): Promise<Int32Array> {
  const means = [0, 1].map((c) => column(all, c).reduce((a, b) => a + b, 0) / all.y.data.length);
  const [lengths, widths] = [LENGTH, WIDTH].map((c) => rangeOf(column(all, c)));
  const count = PLANE.columns * PLANE.rows;
  const data = new Float32Array(4 * count);
  for (let i = 0; i < count; i++) {
    const length = along(lengths, i % PLANE.columns, PLANE.columns);
    const width = along(widths, Math.floor(i / PLANE.columns), PLANE.rows);
    data.set([...means, length, width], 4 * i);
  }
  return predict(rt, model, {
    x: { data, shape: [count, 4], dtype: 'f32' },
    y: { data: new Int32Array(count), shape: [count], dtype: 'i32' },
  });
}

function irisPicture(all: Labelled, found: Int32Array, plane: Int32Array): IrisPicture {
  const [lengths, widths] = [column(all, LENGTH), column(all, WIDTH)];
  return {
    kind: 'iris',
    plane: Uint8Array.from(plane),
    ...PLANE,
    lengths: rangeOf(lengths),
    widths: rangeOf(widths),
    flowers: Array.from(found, (predicted, i) => ({
      length: lengths[i],
      width: widths[i],
      species: all.y.data[i],
      predicted,
    })),
  };
}

function digitsPicture(test: Labelled, found: Int32Array): DigitsPicture {
  const { x, y } = test;
  const width = x.data.length / found.length;
  return {
    kind: 'digits',
    of: found.length,
    wrong: found.filter((c, i) => c !== y.data[i]).length,
    digits: Array.from(found.subarray(0, SHOWN), (predicted, i) => ({
      pixels: bytesOf(x.data.subarray(i * width, (i + 1) * width)),
      label: y.data[i],
      predicted,
    })),
  };
}
