/** In Chromium, on WASM: products and training steps on one thread, and products on two, where pages may share memory. */

import { inChromium, prepareForBrowsers, serve } from '../chromium.ts';
import { JAX, OURS, TFJS, WASM } from '../libraries.ts';
import { LENET, MNIST, TINY } from '../nets.ts';
import type { Part, Suite } from '../part.ts';
import { inNode, type Pace, type Racer, race } from '../race.ts';
import { type Row, raceRow } from '../rows.ts';
import { nameOf, type Place, product, type Work } from '../work.ts';

const LIBRARIES = [OURS, JAX, TFJS];
const NAMES = LIBRARIES.map((l) => l.name);

const ROWS: readonly (readonly [work: Work, target: number])[] = [
  [product(256, 256, 256, 'NN'), 0.85],
  [product(512, 512, 512, 'NN'), 0.85],
  [{ kind: 'train', net: TINY }, 0.02],
  [{ kind: 'train', net: MNIST }, 0.4],
  [{ kind: 'train', net: LENET }, 0.5],
];

/** Chromium tells CPU time in ticks of 10 ms. */
const paceOf = ({ pace }: Suite): Pace => ({
  ...pace,
  checked: Math.min(pace.checked, 3),
  turn: Math.max(pace.turn, 300),
});

/** The rows of works in fresh browsers; one row that tells why where there is no browser. */
async function* rowsOf(part: string, rows: typeof ROWS, place: Place, suite: Suite): AsyncGenerator<Row> {
  await using server = await serve(place.threads > 1);
  const racers: Racer[] = [];
  try {
    await prepareForBrowsers();
    for (const l of LIBRARIES) racers.push(await inChromium(l, server.url));
    for (const [work, target] of rows) {
      const name = `${nameOf(work)} in Chromium`;
      suite.say(`${name} …`);
      const outcomes = await race(racers, work, place, paceOf(suite));
      yield raceRow({ part, name, ours: OURS.name, target }, NAMES, outcomes, place.threads > 1 ? 'wall' : 'cpu');
    }
  } catch (e) {
    const { message: error } = e as Error;
    yield raceRow({ part, name: 'Chromium', ours: OURS.name, target: 0 }, NAMES, [{ error }]);
  } finally {
    for (const r of racers) await r.stop();
  }
}

export const chromium: Part = {
  name: 'chromium',
  title: 'In Chromium on WebAssembly, one thread',
  leavesOut: 'LeNet',
  rows: (suite) => rowsOf('chromium', suite.quick ? ROWS.slice(0, -1) : ROWS, WASM, suite),
};

const TWO: Place = { device: 'wasm', threads: 2 };

export const threads: Part = {
  name: 'threads',
  title: 'Products on two threads: microseconds of the clock',
  async *rows(suite) {
    const works = (['NN', 'TN', 'NT'] as const).map((layout) => product(1024, 1024, 1024, layout));
    yield* alone(works[0], suite);
    const rows = works.slice(0, suite.quick ? 1 : 3).map((work) => [work, 0.85] as const);
    yield* rowsOf('threads', rows, TWO, suite);
  },
  leavesOut: 'TN and NT in Chromium',
};

/** Our two threads in Node beside our one: no peer has threads there. What two cores give is twice the speed at most. */
async function* alone(work: Work, { built, pace, say }: Suite): AsyncGenerator<Row> {
  say(`${nameOf(work)} on two threads in Node …`);
  const racers = [inNode(OURS, built), inNode(OURS, built)];
  try {
    const outcomes = await race(racers, work, [TWO, WASM], pace);
    const o = { part: 'threads', name: `${nameOf(work)} in Node`, ours: OURS.name, target: null };
    const note = 'beside our one thread; tfjs and jax-js have one thread in Node';
    yield raceRow({ ...o, note }, [OURS.name, 'one thread'], outcomes, 'wall');
  } finally {
    for (const r of racers) r.stop();
  }
}
