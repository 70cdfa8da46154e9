/** What saving costs that goes on beside the steps: the Trainer with it beside the Trainer without. */

import { SAVING, UNSAVED, WASM } from '../libraries.ts';
import { WIDE } from '../nets.ts';
import type { Part } from '../part.ts';
import { raceFresh } from '../race.ts';
import { raceRow } from '../rows.ts';

export const saving: Part = {
  name: 'saving',
  title:
    '20 steps of the Trainer on WebAssembly, one thread, saving every 10 to disk in the background: beside not saving',
  async *rows({ built, pace, quick, say }) {
    say(`saving ${WIDE.name} …`);
    const libraries = [SAVING, UNSAVED];
    const outcomes = await raceFresh(libraries, built, { kind: 'train', net: WIDE }, WASM, {
      ...pace,
      warmUp: 0, // the checked ones are
      checked: quick ? 1 : pace.checked, // a unit has two saves
    });
    const names = libraries.map((l) => l.name);
    for (const by of ['cpu', 'wall'] as const) {
      const name = `${WIDE.name}, ${by === 'cpu' ? 'CPU time of all threads' : 'by the clock'}`;
      // Who waits for a step waits by the clock; the thread that hashes and the disk are beside it.
      const target = by === 'wall' ? 1.05 : null;
      yield raceRow({ part: 'saving', name, ours: SAVING.name, target }, names, outcomes, by);
    }
  },
};
