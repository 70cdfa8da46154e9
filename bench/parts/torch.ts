/** isobit on WASM beside PyTorch on the CPU, which has native code, wider vectors and fused multiply-add; one thread each. */

import { OURS, WASM } from '../libraries.ts';
import { NETS } from '../nets.ts';
import type { Part } from '../part.ts';
import { inNode, type Racer, race } from '../race.ts';
import { raceRow } from '../rows.ts';
import { findTorch, TORCH, TorchRacer } from '../torch.ts';
import { nameOf, product, type Work } from '../work.ts';

const WORKS: readonly Work[] = [
  product(512, 512, 512, 'NN'),
  ...NETS.map((net): Work => ({ kind: 'train', net })),
  ...NETS.map((net): Work => ({ kind: 'infer', net })),
];

export const torch: Part = {
  name: 'torch',
  title: 'Beside PyTorch on the CPU, one thread each',
  leavesOut: 'inference, and the nets that take longest',
  async *rows({ built, pace, quick, say }) {
    const found = findTorch();
    if ('why' in found) {
      say(`PyTorch is left out: ${found.why}`);
      const o = { part: 'torch', name: 'PyTorch', ours: OURS.name, target: null };
      yield raceRow(o, [TORCH], [{ error: found.why }]);
      return;
    }
    for (const work of quick ? WORKS.slice(0, 3) : WORKS) {
      say(`${nameOf(work)} beside PyTorch …`);
      const racers: Racer[] = [inNode(OURS, built), new TorchRacer(found.python)];
      try {
        const outcomes = await race(racers, work, WASM, { ...pace, checked: Math.min(pace.checked, 3) });
        const o = { part: 'torch', name: nameOf(work), ours: OURS.name, target: null };
        yield raceRow(o, [OURS.name, TORCH], outcomes);
      } finally {
        for (const r of racers) r.stop();
      }
    }
  },
};
