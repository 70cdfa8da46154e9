/** Attention. Vaswani et al., "Attention is all you need", 2017. */

import { softmax, where } from '../core/functions.ts';
import { iota } from '../core/ops/leaf.ts';
import { div, sqrt } from '../core/scalar/index.ts';
import { Tensor } from '../core/tensor.ts';

export interface AttentionOptions {
  /** True where a query may look at a key; broadcasts to [..., queries, keys]. */
  mask?: Tensor<'bool'> | undefined;
  /** Query i looks at keys 0 .. i alone; default false. */
  causal?: boolean;
  /** Factor of the scores; default 1/sqrt(size). */
  scale?: number;
  /** Applied to the weights, such as dropout. */
  weights?: (w: Tensor<'f32'>) => Tensor<'f32'>;
}

/**
 * softmax(scale q kᵀ, where masked -2^100) v (N13): PyTorch's scaled_dot_product_attention.
 *
 * @param q [..., queries, size]
 * @param k [..., keys, size]
 * @param v [..., keys, valueSize]
 * @returns [..., queries, valueSize]
 */
export function attention(
  q: Tensor<'f32'>,
  k: Tensor<'f32'>,
  v: Tensor<'f32'>,
  o: AttentionOptions = {},
): Tensor<'f32'> {
  const size = q.shape[q.shape.length - 1];
  const scores = q.matmul(k, { transposeB: true }).mul(o.scale ?? div(1, sqrt(size)));
  const [queries, keys] = scores.shape.slice(-2);
  const past = o.causal ? lowerTriangle(q, queries, keys) : undefined;
  const mask = past && o.mask ? o.mask.and(past) : (past ?? o.mask);
  const w = softmax(mask ? where(mask, scores, -(2 ** 100)) : scores);
  return (o.weights ? o.weights(w) : w).matmul(v);
}

/** True at and below the diagonal. */
function lowerTriangle(like: Tensor, rows: number, columns: number): Tensor<'bool'> {
  const count = (n: number) => new Tensor<'i32'>(iota(like.node.graph, n));
  return count(rows).reshape(rows, 1).ge(count(columns));
}
