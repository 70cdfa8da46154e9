/** philox words, normals, and a word as a number in [0, 1) (N8). */

import type { Attrs } from '../../sdk/core/node.ts';
import { attrNumber } from '../../sdk/core/op.ts';
import { normals, type Source, uniformOf, words } from '../../sdk/core/scalar/index.ts';
import { type Shape, sizeOf } from '../../sdk/core/shape.ts';
import type { Family } from './elementwise.ts';
import type { Value } from './value.ts';

export const RANDOM: Family = { unit: ([w]) => uniformOf(w) };

const source = (attrs: Attrs, step: Value): Source => ({
  seedLo: attrNumber(attrs, 'seedLo'),
  seedHi: attrNumber(attrs, 'seedHi'),
  stream: attrNumber(attrs, 'stream'),
  step: step.data[0],
});

export const philox = (attrs: Attrs, step: Value, shape: Shape): Value => ({
  data: words(source(attrs, step), sizeOf(shape)).slice(),
  shape,
  dtype: 'u32',
});

export const normal = (attrs: Attrs, step: Value, shape: Shape): Value => ({
  data: normals(source(attrs, step), sizeOf(shape)).slice(),
  shape,
  dtype: 'f32',
});
