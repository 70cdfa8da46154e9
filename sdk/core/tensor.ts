/**
 * Tensor: an immutable value, made by building. Methods only build the graph; reading (`data`, `item`) runs it. Primitives are
 * methods here; what has no receiver, and every composite, is a function.
 */

import type { Data, DType } from './dtype.ts';
import { DisposedError, ShapeError } from './errors.ts';
import type { IO } from './host.ts';
import type { Node, ReadOptions } from './node.ts';
import * as A from './ops/arithmetic.ts';
import * as C from './ops/compare.ts';
import type { Operand } from './ops/elementwise.ts';
import * as F from './ops/functions.ts';
import { gather, scatterAdd } from './ops/gather.ts';
import { detach } from './ops/leaf.ts';
import { type MatmulOptions, matmul } from './ops/matmul.ts';
import { broadcast, type PadSpec, pad, permute, type Range, reshape, slice } from './ops/move.ts';
import { type Axes, argmax, max, sum } from './ops/reduce.ts';
import { cast } from './ops/select.ts';
import type { Runtime } from './runtime.ts';
import { type Shape, showShape } from './shape.ts';
import { Variable } from './variable.ts';

/** An operand of dtype D: a tensor, a variable (read at this line), or a number that takes D. */
export type Like<D extends DType> = Tensor<D> | Variable<D> | number;

/** The node of an operand. */
export function nodeOf(x: Tensor | Variable): Node {
  return x instanceof Variable ? x.value().node : x.node;
}

const raw = (x: Like<never> | Tensor | Variable | number): Operand => (typeof x === 'number' ? x : nodeOf(x));

export class Tensor<D extends DType = DType> implements Disposable {
  #node: Node | null;

  /** Tensors are made by `rt.tensor()` and by ops. */
  constructor(node: Node) {
    this.#node = node;
    node.handles++;
  }

  /** The graph node behind this value. */
  get node(): Node {
    if (this.#node) return this.#node;
    throw new DisposedError('tensor: used after dispose()', { hint: 'Dispose a tensor after its last use.' });
  }

  get shape(): Shape {
    return this.node.shape;
  }
  get dtype(): D {
    return this.node.dtype as D;
  }
  get size(): number {
    return this.shape.reduce((n, d) => n * d, 1);
  }
  get rt(): Runtime {
    return this.node.graph.rt;
  }

  /** A fresh row-major copy of the elements. Throws NumericError on Inf or NaN unless `nonfinite: 'keep'`. */
  data(o?: IO & ReadOptions): Promise<Data[D]> {
    const node = this.node;
    return node.graph.read<D>(node, o);
  }

  /** The element of a tensor of size 1. */
  async item(o?: IO & ReadOptions): Promise<number> {
    if (this.size !== 1) {
      throw new ShapeError(`item: needs one element, the tensor has shape ${showShape(this.shape)}`, {
        hint: 'Reduce it first, or read data().',
        details: { shape: this.shape },
      });
    }
    return (await this.data(o))[0];
  }

  /**
   * A copy of the elements as a GPUBuffer, made on the GPU: row-major, 32 bits an element (bool 0 or 1), with the usages
   * STORAGE, VERTEX, COPY_SRC and COPY_DST. It is yours: destroy() it. It stays good when tensor and runtime are disposed of,
   * for as long as its device lives; give createRuntime a `device` of your own to use it with. Typed as object, because not
   * every platform's types know WebGPU: `(await t.gpuBuffer()) as GPUBuffer`.
   * @throws OptionError on WASM, NumericError as data() where a run has flagged Inf or NaN.
   */
  gpuBuffer(o?: IO & ReadOptions): Promise<object> {
    return this.node.graph.gpuBuffer(this.node, o);
  }

  /** The same value without its history. */
  detach(): Tensor<D> {
    return new Tensor(detach(this.node));
  }

  /** Frees the value it holds; graphs that need it keep it. Twice is fine. */
  dispose(): void {
    if (!this.#node) return;
    this.#node.graph.drop(this.#node);
    this.#node = null;
  }
  [Symbol.dispose](): void {
    this.dispose();
  }

  #to<E extends DType = D>(node: Node): Tensor<E> {
    return new Tensor<E>(node);
  }

  // Arithmetic (f32, i32, u32; integers wrap).
  neg(): Tensor<D> {
    return this.#to(A.neg(this.node));
  }
  abs(): Tensor<D> {
    return this.#to(A.abs(this.node));
  }
  sign(): Tensor<D> {
    return this.#to(A.sign(this.node));
  }
  add(b: Like<D>): Tensor<D> {
    return this.#to(A.add(this.node, raw(b)));
  }
  sub(b: Like<D>): Tensor<D> {
    return this.#to(A.sub(this.node, raw(b)));
  }
  mul(b: Like<D>): Tensor<D> {
    return this.#to(A.mul(this.node, raw(b)));
  }
  /** f32 only, correctly rounded. */
  div(b: Like<D>): Tensor<D> {
    return this.#to(A.div(this.node, raw(b)));
  }
  /** The larger of two; NaN wins. */
  maximum(b: Like<D>): Tensor<D> {
    return this.#to(A.maximum(this.node, raw(b)));
  }
  minimum(b: Like<D>): Tensor<D> {
    return this.#to(A.minimum(this.node, raw(b)));
  }
  relu(): Tensor<D> {
    return this.#to(A.relu(this.node));
  }
  clamp(low: number, high: number): Tensor<D> {
    return this.#to(A.clamp(this.node, low, high));
  }

  // Functions (f32; N5).
  exp(): Tensor<D> {
    return this.#to(F.exp(this.node));
  }
  log(): Tensor<D> {
    return this.#to(F.log(this.node));
  }
  sqrt(): Tensor<D> {
    return this.#to(F.sqrt(this.node));
  }
  rsqrt(): Tensor<D> {
    return this.#to(F.rsqrt(this.node));
  }
  tanh(): Tensor<D> {
    return this.#to(F.tanh(this.node));
  }
  sigmoid(): Tensor<D> {
    return this.#to(F.sigmoid(this.node));
  }
  softplus(): Tensor<D> {
    return this.#to(F.softplus(this.node));
  }
  sin(): Tensor<D> {
    return this.#to(F.sin(this.node));
  }
  cos(): Tensor<D> {
    return this.#to(F.cos(this.node));
  }
  erf(): Tensor<D> {
    return this.#to(F.erf(this.node));
  }
  /** x to the power of b, as exp(b log x); for integers `powi` is exact in its roundings. */
  pow(b: Like<D>): Tensor<D> {
    return this.#to(F.pow(this.node, raw(b)));
  }
  /** x to a static integer power, by repeated multiplication. */
  powi(n: number): Tensor<D> {
    return this.#to(F.powi(this.node, n));
  }
  floor(): Tensor<D> {
    return this.#to(F.floor(this.node));
  }
  ceil(): Tensor<D> {
    return this.#to(F.ceil(this.node));
  }
  trunc(): Tensor<D> {
    return this.#to(F.trunc(this.node));
  }
  /** To the nearest integer, ties to even. */
  round(): Tensor<D> {
    return this.#to(F.round(this.node));
  }

  // Comparison and logic.
  eq(b: Like<D>): Tensor<'bool'> {
    return this.#to(C.eq(this.node, raw(b)));
  }
  ne(b: Like<D>): Tensor<'bool'> {
    return this.#to(C.ne(this.node, raw(b)));
  }
  lt(b: Like<D>): Tensor<'bool'> {
    return this.#to(C.lt(this.node, raw(b)));
  }
  le(b: Like<D>): Tensor<'bool'> {
    return this.#to(C.le(this.node, raw(b)));
  }
  gt(b: Like<D>): Tensor<'bool'> {
    return this.#to(C.gt(this.node, raw(b)));
  }
  ge(b: Like<D>): Tensor<'bool'> {
    return this.#to(C.ge(this.node, raw(b)));
  }
  and(b: Like<D>): Tensor<D> {
    return this.#to(C.and(this.node, raw(b)));
  }
  or(b: Like<D>): Tensor<D> {
    return this.#to(C.or(this.node, raw(b)));
  }
  xor(b: Like<D>): Tensor<D> {
    return this.#to(C.xor(this.node, raw(b)));
  }
  not(): Tensor<D> {
    return this.#to(C.not(this.node));
  }
  isFinite(): Tensor<'bool'> {
    return this.#to(C.finite(this.node));
  }
  /** f32 to integers truncates toward zero and saturates, NaN gives 0 (N9). */
  cast<E extends DType>(dtype: E): Tensor<E> {
    return this.#to<E>(cast(this.node, dtype));
  }

  // Reduction over any axes; all of them unless named.
  sum(axes?: Axes, keepdims = false): Tensor<D> {
    return this.#to(sum(this.node, axes, keepdims));
  }
  max(axes?: Axes, keepdims = false): Tensor<D> {
    return this.#to(max(this.node, axes, keepdims));
  }
  /** Row-major position within the reduced axes of the first largest element. */
  argmax(axes?: Axes, keepdims = false): Tensor<'i32'> {
    return this.#to<'i32'>(argmax(this.node, axes, keepdims));
  }

  /** [..., m, k] by [..., k, n] gives [..., m, n]; batch axes broadcast. f32, f16 and bf16 give f32, i8 gives i32. */
  matmul(b: Tensor<D> | Variable<D>, o?: MatmulOptions): Tensor<D extends 'i8' ? 'i32' : 'f32'> {
    return this.#to(matmul(this.node, nodeOf(b as Tensor | Variable), o));
  }

  // Moves.
  reshape(...shape: [Shape] | number[]): Tensor<D> {
    return this.#to(reshape(this.node, (Array.isArray(shape[0]) ? shape[0] : shape) as Shape));
  }
  permute(...axes: number[]): Tensor<D> {
    return this.#to(permute(this.node, axes));
  }
  /** The last two axes swapped. */
  transpose(): Tensor<D> {
    const r = this.shape.length;
    const axes = this.shape.map((_, i) => (i < r - 2 ? i : 2 * r - 3 - i));
    return this.#to(permute(this.node, r < 2 ? this.shape.map((_, i) => i) : axes));
  }
  broadcast(shape: Shape): Tensor<D> {
    return this.#to(broadcast(this.node, shape));
  }
  /** NumPy slicing: `t.slice([0, -1], null, [null, null, 2])`. */
  slice(...ranges: Range[]): Tensor<D> {
    return this.#to(slice(this.node, ranges));
  }
  pad(spec: readonly PadSpec[], value = 0): Tensor<D> {
    return this.#to(pad(this.node, spec, value));
  }
  /** out[.., i, ..] = this[.., index[.., i, ..], ..] along `axis`. */
  gather(index: Tensor<'i32'> | Tensor<'u32'>, axis: number): Tensor<D> {
    return this.#to(gather(this.node, index.node, axis));
  }
  /** This plus, at each destination, the sum of its sources in ascending order. */
  scatterAdd(index: Tensor<'i32'> | Tensor<'u32'>, source: Tensor<D>, axis: number): Tensor<D> {
    return this.#to(scatterAdd(this.node, index.node, source.node, axis));
  }
}
