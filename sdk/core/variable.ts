/** Variable: a named place whose value changes; its shape and dtype never do. */

import type { DType } from './dtype.ts';
import { DisposedError, DTypeError, OptionError, ShapeError } from './errors.ts';
import type { Held, Node } from './node.ts';
import { type Shape, sameShape, showShape } from './shape.ts';
import { Tensor } from './tensor.ts';

export class Variable<D extends DType = DType> {
  readonly shape: Shape;
  readonly dtype: D;
  readonly trainable: boolean;
  /** The leaf or graph that holds the value now; null after dispose(). For the engine. */
  current: Node | null;
  /** What a captured call assigned last, while no tensor was made of it. For the engine. */
  readonly box: { held: Held | null } = { held: null };

  /** Use `rt.variable()`. */
  constructor(init: Tensor<D>, trainable: boolean) {
    this.shape = init.shape;
    this.dtype = init.dtype;
    this.trainable = trainable;
    this.current = init.node;
    init.node.handles++;
  }

  /** The value at this line; a later assign does not change it. */
  value(): Tensor<D> {
    if (!this.current) throw disposed();
    return new Tensor<D>(this.current.graph.readVariable(this as unknown as Variable));
  }

  /** Gives the variable a new value: at once outside a capture, at the end of the call inside one. */
  assign(t: Tensor<D>): void {
    if (!this.current) throw disposed();
    if (!sameShape(t.shape, this.shape)) {
      throw new ShapeError(`assign: a variable of shape ${showShape(this.shape)} got ${showShape(t.shape)}`, {
        hint: 'Reshape the value, or make another variable.',
        details: { expected: this.shape, got: t.shape },
      });
    }
    if (t.dtype !== this.dtype) {
      throw new DTypeError(`assign: a variable of dtype ${this.dtype} got ${t.dtype}`, {
        hint: `Cast first: .cast('${this.dtype}').`,
        details: { expected: this.dtype, got: t.dtype },
      });
    }
    if (t.node.graph !== this.current.graph) {
      throw new OptionError('assign: the value belongs to another runtime', {
        hint: 'Read it and upload it to this runtime.',
      });
    }
    this.current.graph.assignVariable(this as unknown as Variable, t.node);
  }

  /** Frees its value; tensors read from it keep theirs. */
  dispose(): void {
    if (!this.current) return;
    const node = this.current;
    this.current = null;
    node.graph.drop(node);
    this.box.held?.release();
    this.box.held = null;
  }
}

const disposed = (): DisposedError =>
  new DisposedError('variable: used after dispose()', { hint: 'Keep the model or optimizer alive.' });
