/** How a training step grows with the width of the model, the batch, and the length of the sequence. */

import { JAX, OURS, TFJS, WASM } from '../libraries.ts';
import { mlp, type Net, transformer } from '../nets.ts';
import type { Part } from '../part.ts';
import { raceFresh } from '../race.ts';
import { raceRow } from '../rows.ts';
import { nameOf, type Work } from '../work.ts';

const LIBRARIES = [OURS, JAX, TFJS];

const PLOTS: Readonly<Record<string, { readonly xs: readonly number[]; net(x: number): Net }>> = {
  width: { xs: [32, 128, 512, 1024], net: (w) => mlp([784, w, w, 10], 64) },
  batch: { xs: [1, 8, 64, 256], net: (b) => mlp([784, 128, 64, 10], b) },
  'sequence length': { xs: [16, 64, 256], net: (s) => transformer(2, 64, s, 4) },
};

export const growth: Part = {
  name: 'growth',
  title: 'Growth of a training step with the width of the model, the batch, and the length of the sequence',
  leavesOut: 'all of it',
  async *rows({ built, pace, quick, say }) {
    if (quick) return;
    for (const [plot, { xs, net }] of Object.entries(PLOTS)) {
      for (const x of xs) {
        const work: Work = { kind: 'train', net: net(x) };
        say(`${nameOf(work)} …`);
        const outcomes = await raceFresh(LIBRARIES, built, work, WASM, { ...pace, rounds: 3, checked: 3 });
        const o = { part: 'growth', name: nameOf(work), ours: OURS.name, target: null, at: { plot, x } };
        yield raceRow(
          o,
          LIBRARIES.map((l) => l.name),
          outcomes,
        );
      }
    }
  },
};
