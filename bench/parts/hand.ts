/** isobit on WASM beside what a careful hand writes: a chain of elementwise ops with a sum, and a call that does nothing. */

import { HAND, OURS, WASM } from '../libraries.ts';
import type { Part } from '../part.ts';
import { raceFresh } from '../race.ts';
import { raceRow } from '../rows.ts';
import { nameOf, type Work } from '../work.ts';

const ROWS: readonly (readonly [work: Work, target: number])[] = [
  [{ kind: 'chain', n: 2 ** 24 }, 1.25],
  [{ kind: 'empty', series: true }, 20],
  [{ kind: 'empty', series: false }, 20],
];

export const hand: Part = {
  name: 'hand',
  title: 'Beside hand-written WebAssembly: a fused loop of the same contract, and as many empty exported calls',
  async *rows({ built, pace, say }) {
    for (const [work, target] of ROWS) {
      say(`${nameOf(work)} …`);
      const outcomes = await raceFresh([OURS, HAND], built, work, WASM, pace);
      yield raceRow({ part: 'hand', name: nameOf(work), ours: OURS.name, target }, [OURS.name, HAND.name], outcomes);
    }
  },
};
