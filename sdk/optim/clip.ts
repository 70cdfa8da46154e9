/** Gradient clipping, as a wrapper of an optimiser. */

import { stack } from '../core/functions.ts';
import { div } from '../core/ops/arithmetic.ts';
import { checkOptions, positive, required } from '../core/options.ts';
import { toF32 } from '../core/scalar/host.ts';
import { Tensor } from '../core/tensor.ts';
import type { Optimizer, Tree } from './optimizer.ts';

/**
 * Scales all gradients by min(1, maxNorm / (norm + 1e-6)) before the update (N13): the norm of the gradients' norms, taken in
 * the byte order of the parameters' names, so that it does not depend on how the model lists them.
 * Pascanu et al., "On the difficulty of training recurrent neural networks", 2013; PyTorch's clip_grad_norm_.
 *
 * @example
 * clipByNorm(adam({ lr: 1e-3 }), 1);
 */
export function clipByNorm(optimizer: Optimizer, maxNorm: number): Optimizer {
  checkOptions('clipByNorm', { maxNorm: required(positive) }, { maxNorm });
  return {
    type: optimizer.type,
    slots: optimizer.slots,
    hyper: (step) => optimizer.hyper(step),
    update(p, grads, s, h) {
      if (grads.size === 0) return optimizer.update(p, grads, s, h);
      const scale = factor(grads, toF32(maxNorm));
      const clipped = new Map([...grads].map(([name, g]) => [name, g.mul(scale)]));
      return optimizer.update(p, clipped, s, h);
    },
  };
}

function factor(grads: Tree, maxNorm: number) {
  const norms = [...grads].sort(([a], [b]) => compareUtf8(a, b)).map(([, g]) => g.mul(g).sum().sqrt());
  const all = stack(norms);
  const norm = all.mul(all).sum().sqrt();
  return new Tensor<'f32'>(div(maxNorm, norm.add(1e-6).node)).minimum(1);
}

/** The order of UTF-8 bytes, which is that of code points and not of JavaScript's UTF-16 units. */
function compareUtf8(a: string, b: string): number {
  const [x, y] = [[...a], [...b]];
  for (let i = 0; i < Math.min(x.length, y.length); i++) {
    const d = (x[i].codePointAt(0) as number) - (y[i].codePointAt(0) as number);
    if (d !== 0) return d;
  }
  return x.length - y.length;
}
