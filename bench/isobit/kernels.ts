/** One kernel of each kind, on arrays that are on the device. */

import { concat, type Runtime, softmax, type Tensor } from '../../sdk/index.ts';
import { geluTanh } from '../../sdk/nn/index.ts';
import { noises } from '../noise.ts';
import { type Contender, type Kernel, type KernelName, probesOf } from '../work.ts';

type F32 = Tensor<'f32'>;
type Program = { readonly shapes: readonly (readonly number[])[]; readonly fn: (...x: F32[]) => F32 };

const N = 2 ** 18;
const flat = (fn: Program['fn'], inputs = 1): Program => ({ shapes: Array.from({ length: inputs }, () => [N]), fn });
const rows = (fn: Program['fn']): Program => ({ shapes: [[256, 1024]], fn });
/** Positive, so that every function is defined there. */
const positive = (x: F32): F32 => x.abs().add(0.5);
/** Indices below 256 that meet one another, made of the values. */
const indices = (x: F32): Tensor<'i32'> => x.abs().mul(255).cast('i32');

const PROGRAMS: Readonly<Record<KernelName, Program>> = {
  'matmul 256': {
    shapes: [
      [256, 256],
      [256, 256],
    ],
    fn: (a, b) => a.matmul(b),
  },
  'matmul 64x784x128': {
    shapes: [
      [64, 784],
      [784, 128],
    ],
    fn: (a, b) => a.matmul(b),
  },
  'matmul 16x16x4': {
    shapes: [
      [16, 16],
      [16, 4],
    ],
    fn: (a, b) => a.matmul(b),
  },
  add: flat((a, b) => a.add(b), 2),
  '6 ops': flat((x, y) => x.mul(0.5).add(y).maximum(0.5).mul(x).sub(y).mul(0.5), 2),
  div: flat((a, b) => a.div(positive(b)), 2),
  sqrt: flat((x) => positive(x).sqrt()),
  exp: flat((x) => x.exp()),
  log: flat((x) => positive(x).log()),
  tanh: flat((x) => x.tanh()),
  sin: flat((x) => x.sin()),
  geluTanh: flat((x) => geluTanh(x) as F32),
  sum: flat((x) => x.sum()),
  'sum of rows': rows((x) => x.sum(1)),
  'sum of columns': rows((x) => x.sum(0)),
  'max of rows': rows((x) => x.max(1)),
  softmax: rows((x) => softmax(x, 1)),
  transpose: rows((x) => x.permute(1, 0).add(1)),
  concat: rows((x) => concat([x, x], 1)),
  gather: { shapes: [[256, 256], [1024]], fn: (x, i) => x.gather(indices(i).reshape([1024, 1]), 0) },
  scatterAdd: {
    shapes: [[256, 256], [1024], [1024, 256]],
    fn: (x, i, source) => x.scatterAdd(indices(i).reshape([1024, 1]), source, 0),
  },
};

/** Calls of a step: a GPU works on them one after another, and the last is read. */
const CALLS = 8;

export function kernel(rt: Runtime, { name }: Kernel): Contender {
  const { shapes, fn } = PROGRAMS[name];
  const args = shapes.map((shape, i) =>
    rt.tensor(
      noises(
        7 + i,
        shape.reduce((a, b) => a * b),
      ),
      shape,
    ),
  );
  const run = rt.capture((x: readonly F32[]) => fn(...x));
  let data: ArrayLike<number> = [];
  return {
    async step() {
      for (let i = 1; i < CALLS; i++) (await run(args)).dispose();
      const last = await run(args);
      data = await last.data();
      last.dispose();
    },
    probe: () => probesOf(data),
  };
}
