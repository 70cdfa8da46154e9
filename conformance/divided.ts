/** What threads divide: work on shapes beside the edges of blocks, chunks and tasks, and the digests of what it gives. */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { conv2d } from '../sdk/core/convolution.ts';
import { argsort, cumsum, logSoftmax, mean, softmax } from '../sdk/core/functions.ts';
import { grad } from '../sdk/core/grad.ts';
import type { Tensor } from '../sdk/core/tensor.ts';
import type { EngineRuntime } from '../sdk/engine/runtime.ts';

export const WORK: Readonly<Record<string, (rt: EngineRuntime) => Tensor[]>> = {
  'matmul by rows, columns and batches': (rt) => {
    const of = (...shape: number[]) => rt.rng.normal(`m${shape}`, shape);
    return [
      of(130, 300).matmul(of(300, 523)),
      of(2, 300, 1030)
        .exp()
        .matmul(of(2, 530, 1030).transpose()),
      of(3, 700).matmul(of(700, 1000)),
      of(1000, 33).matmul(of(33, 5)),
      of(523, 257).transpose().matmul(of(523, 70)).relu().mul(2),
      of(7, 40, 90).matmul(of(90, 50)).add(of(50)),
      of(64, 784).exp().matmul(of(128, 784).transpose()).tanh(),
    ];
  },
  'sums of many rows, of columns, and of long lists': (rt) => {
    const of = (...shape: number[]) => rt.rng.normal(`s${shape}`, shape);
    return [
      of(1000, 130).sum([1]),
      of(300, 1000).sum([0]),
      of(300_001).exp().sum(),
      of(2, 100_003).sum([1]).mul(3),
      of(300_000, 5).mul(2).sum([0]),
      of(3, 20_000, 70).sum([1]),
      of(1000, 130).max([1]),
      of(130, 1000).argmax([0]),
      of(100, 1000).argmax([1]),
      of(200, 1001).cast('i32').sum([0]),
      of(200, 1001).cast('i32').sum([1]),
      argsort(of(90, 1001), 1),
      argsort(of(30, 9, 70), 1, { descending: true }),
      argsort(of(4, 500, 7).cast('i32'), 1),
      cumsum(of(70, 1001), 1),
      cumsum(of(300, 523), 0),
      cumsum(of(2, 300, 70).cast('i32'), 1),
    ];
  },
  'elements, moves and rows that are looked up': (rt) => {
    const of = (...shape: number[]) => rt.rng.normal(`e${shape}`, shape);
    const rows = rt.rng
      .bits('rows', [5000, 1])
      .cast('f32')
      .mul(2 ** -32)
      .mul(300)
      .floor()
      .cast('i32');
    return [
      of(333_331).tanh().mul(of(333_331)),
      of(301, 907).transpose().add(1),
      softmax(of(301, 907).add(of(907))),
      softmax(of(3, 9001)).mul(2),
      of(300, 60).gather(rows, 0),
      of(300, 60).scatterAdd(rows, of(5000, 60), 0),
      of(2, 300, 7).scatterAdd(rows.reshape([1, 5000, 1]).broadcast([2, 5000, 1]), of(2, 5000, 7), 1),
      of(100_003).cast('bf16'),
      rt.rng.bits('bits', [100_003]),
      rt.rng.uniform('uniform', [7, 10_001]).slice([1, 3], [7, 10_000]).neg(),
    ];
  },
  'a convolution and its gradients': (rt) => {
    const x = rt.rng.normal('x', [8, 3, 28, 28]);
    const w = rt.rng.normal('w', [20, 3, 5, 5]);
    const y = conv2d(x, w, { padding: 2 }).relu();
    return [y, ...grad(y.mul(y).sum(), [x, w])];
  },
  'two layers and their gradients': (rt) => {
    const x = rt.rng.normal('x', [128, 300]);
    const w = rt.rng.normal('w', [300, 256]);
    const v = rt.rng.normal('v', [256, 10]);
    const b = rt.rng.normal('b', [256]);
    const y = logSoftmax(x.matmul(w).add(b).relu().matmul(v));
    const loss = mean(y.mul(y));
    return [loss, ...grad(loss, [x, w, v, b])];
  },
};

export async function digests(rt: EngineRuntime, work: (rt: EngineRuntime) => Tensor[]): Promise<string[]> {
  const all = await Promise.all(work(rt).map((t) => t.data()));
  return all.map((d) => {
    assert.ok(d.buffer instanceof ArrayBuffer, 'what is read is memory of its own');
    return createHash('sha256')
      .update(new Uint8Array(d.buffer, d.byteOffset, d.byteLength))
      .digest('hex');
  });
}

/** Where an Inf in a result is not reported by the run itself: none, if every task of the check looks at its own elements. */
export async function unreported(rt: EngineRuntime): Promise<string[]> {
  const out: string[] = [];
  // A read would look for itself; a call that is rejected has the flag.
  const large = {
    'a program': (x: Tensor) => x.mul(2 ** 120),
    'a sum': (x: Tensor) =>
      x
        .mul(2 ** 120)
        .reshape([20_001, 1])
        .sum(1),
    f16: (x: Tensor) => x.mul(2).cast('f16'),
  };
  for (const [name, of] of Object.entries(large)) {
    const run = rt.capture(of, { onNonFinite: 'reject' });
    for (const at of [0, 10_000, 20_000]) {
      const x = new Float32Array(20_001);
      x[at] = 60_000;
      const found = await run(rt.tensor(x)).then(
        () => false,
        () => true,
      );
      if (!found) out.push(`Inf at ${at} of ${name}`);
    }
  }
  return out;
}
