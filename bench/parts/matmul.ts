/** Products of matrices on WASM, one thread; where a peer falls over on a transposed operand, a row against that peer alone. */

import { JAX, OURS, TFJS, WASM } from '../libraries.ts';
import type { Part } from '../part.ts';
import { inNode, race } from '../race.ts';
import { fallen, type Row, raceRow, rowOf } from '../rows.ts';
import { nameOf, product } from '../work.ts';

const LIBRARIES = [OURS, JAX, TFJS];
const SIZES = [
  [64, 64, 64],
  [256, 256, 256],
  [512, 512, 512],
  [1024, 1024, 1024],
  [2048, 2048, 2048],
  [64, 784, 128],
  [256, 784, 1024],
] as const;
/** Products of more multiplications than this take seconds in the slowest peer. */
const QUICK = 512 ** 3;

export const matmul: Part = {
  name: 'matmul',
  title:
    'Products of f32 matrices on WebAssembly, one thread; a row of its own for a peer that falls over on a transposed operand',
  leavesOut: '1024, 2048 and 256x784x1024',
  async *rows({ built, pace, quick, say }) {
    const names = LIBRARIES.map((l) => l.name);
    const racers = LIBRARIES.map((l) => inNode(l, built));
    try {
      for (const [m, k, n] of SIZES) {
        if (quick && m * k * n > QUICK) continue;
        let plain: Row | undefined;
        for (const layout of ['NN', 'TN', 'NT'] as const) {
          const work = product(m, k, n, layout);
          const o = { part: 'matmul', name: nameOf(work), ours: OURS.name, target: 0.85 };
          say(`${o.name} …`);
          const square = m === k && k === n;
          const at = { plot: layout, x: m, flops: 2 * m * k * n };
          const row = raceRow({ ...o, ...(square && { at }) }, names, await race(racers, work, WASM, pace));
          yield row;
          plain ??= row;
          const ours = row.all[OURS.name];
          for (const peer of fallen(plain, row)) {
            yield rowOf(
              { ...o, name: `${o.name} to ${peer}`, target: 0.2 },
              { [OURS.name]: ours, [peer]: row.all[peer] },
            );
          }
        }
      }
    } finally {
      for (const r of racers) r.stop();
    }
  },
};
