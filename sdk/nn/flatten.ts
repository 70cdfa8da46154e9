/** Neighbouring axes made one. */

import { ShapeError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import { checkOptions, type Rule } from '../core/options.ts';
import { axisOf, showShape, sizeOf } from '../core/shape.ts';
import type { Tensor } from '../core/tensor.ts';
import { Module } from './module.ts';

const axis: Rule = { expects: 'an integer', ok: Number.isSafeInteger };

/**
 * Axes startDim to endDim as one, by default all behind the first: [batch, 6, 4, 4] becomes [batch, 96]. Negative axes count
 * from the end.
 */
export class Flatten extends Module {
  static override readonly type = 'Flatten';
  readonly startDim: number;
  readonly endDim: number;

  constructor(startDim = 1, endDim = -1) {
    super();
    checkOptions('Flatten', { startDim: axis, endDim: axis }, { startDim, endDim });
    this.startDim = startDim;
    this.endDim = endDim;
  }
  /** @throws ShapeError where x has no such axes. */
  forward(x: Tensor): Tensor {
    const [from, to] = [this.startDim, this.endDim].map((d) => axisOf('Flatten', d, x.shape.length));
    const { shape } = x;
    if (to < from) {
      throw new ShapeError(
        `Flatten: endDim ${this.endDim} lies before startDim ${this.startDim} in ${showShape(shape)}`,
        {
          hint: 'Name the first and the last axis to be joined.',
          details: { shape, startDim: this.startDim, endDim: this.endDim },
        },
      );
    }
    return x.reshape([...shape.slice(0, from), sizeOf(shape.slice(from, to + 1)), ...shape.slice(to + 1)]);
  }

  override describe(): Json {
    return { type: Flatten.type, startDim: this.startDim, endDim: this.endDim };
  }
}
