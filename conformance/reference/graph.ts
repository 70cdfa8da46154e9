/** A Graph with no device: what is built on it is read by the reference. */

import { ARRAY, type Data, type DType, type Precision } from '../../sdk/core/dtype.ts';
import { OptionError } from '../../sdk/core/errors.ts';
import type { Graph, Node } from '../../sdk/core/node.ts';
import { dataLeaf } from '../../sdk/core/ops/leaf.ts';
import { makeRng, type Rng, seedOf } from '../../sdk/core/rng.ts';
import type { Runtime } from '../../sdk/core/runtime.ts';
import { canonicalOf } from '../../sdk/core/scalar/index.ts';
import { type Shape, sizeOf } from '../../sdk/core/shape.ts';
import { Tensor } from '../../sdk/core/tensor.ts';
import { Variable } from '../../sdk/core/variable.ts';
import { evaluate } from './evaluate.ts';
import type { Value } from './value.ts';

export class ReferenceGraph implements Graph {
  readonly precision: Precision;
  readonly values = new Map<Node, Value>();
  #ids = 0;

  constructor(precision: Precision = 'highest') {
    this.precision = precision;
  }

  get rt(): Runtime {
    throw new OptionError('the reference has no runtime', { hint: 'Build tensors with the graph itself.' });
  }
  nextId(): number {
    return this.#ids++;
  }

  /** A leaf; floats are made canonical, Inf and NaN are kept. */
  tensor<D extends DType = 'f32'>(
    data: ArrayLike<number>,
    shape: Shape = [data.length],
    dtype = 'f32' as D,
  ): Tensor<D> {
    if (sizeOf(shape) !== data.length) throw new RangeError(`${data.length} elements for the shape [${shape}]`);
    const node = dataLeaf(this, shape, dtype);
    const own = ARRAY[dtype].from(data);
    for (let i = 0; i < own.length; i++) own[i] = canonicalOf(own[i], dtype);
    this.values.set(node, { data: own, shape: node.shape, dtype });
    return new Tensor<D>(node);
  }
  scalar<D extends DType = 'f32'>(v: number, dtype = 'f32' as D): Tensor<D> {
    return this.tensor([v], [], dtype);
  }
  variable<D extends DType>(init: Tensor<D>, o: { trainable?: boolean } = {}): Variable<D> {
    return new Variable(init, o.trainable ?? true);
  }
  rng(seed: bigint | number = 0n): Rng {
    return makeRng(this, seedOf(seed));
  }

  value(t: Tensor): Value {
    return evaluate([t.node], this.values)[0];
  }
  async read<D extends DType>(node: Node): Promise<Data[D]> {
    return evaluate([node], this.values)[0].data.slice() as Data[D];
  }
  gpuBuffer(): Promise<object> {
    return Promise.reject(new OptionError('the reference has no GPU'));
  }
  readVariable(v: Variable): Node {
    if (!v.current) throw new OptionError('the variable was disposed');
    return v.current;
  }
  assignVariable(v: Variable, value: Node): void {
    v.current = value;
  }
  /** Values go with the graph. */
  drop(): void {}
}
