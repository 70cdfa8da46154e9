/** Training steps and inference of the five nets, each library in a fresh process for each net. */

import { JAX, type Library, ORT, OURS, TFJS, TRAINER, WASM, WEBGPU } from '../libraries.ts';
import { GPT, LENET, MNIST, NETS, type Net, TINY, WIDE } from '../nets.ts';
import type { Part } from '../part.ts';
import { type Figures, type Pace, raceFresh } from '../race.ts';
import { type Row, type RowOptions, raceRow, rowOf } from '../rows.ts';
import { nameOf, type Work } from '../work.ts';

/** Most that our step may cost, as a share of the best peer's. */
const TRAIN = new Map<Net, number>([
  [TINY, 0.02],
  [MNIST, 0.4],
  [WIDE, 0.55],
  [LENET, 0.5],
  [GPT, 0.5],
]);

/** Their step takes seconds in some contenders. */
const HEAVY: readonly Net[] = [WIDE, LENET, GPT];

/** Of heavy nets fewer steps are compared; a small one needs some thousand steps until V8 has compiled it well. */
const paceOf = (net: Net, pace: Pace): Pace =>
  HEAVY.includes(net)
    ? { ...pace, checked: Math.ceil(pace.checked / 4) }
    : { ...pace, warmUp: Math.max(pace.warmUp, 500) };

/** Where tfjs takes many times what the others take. */
const SLOW_IN_TFJS: readonly Net[] = [WIDE, GPT];

export const train: Part = {
  name: 'train',
  title: 'One training step with Adam on WebAssembly, one thread',
  leavesOut: 'tfjs at the widest net and the transformer',
  async *rows({ built, pace, quick, say }) {
    for (const net of NETS) {
      const libraries = [OURS, TRAINER, JAX, ...(quick && SLOW_IN_TFJS.includes(net) ? [] : [TFJS])];
      const work: Work = { kind: 'train', net };
      const target = TRAIN.get(net) ?? null;
      say(`${nameOf(work)} …`);
      const outcomes = await raceFresh(libraries, built, work, WASM, paceOf(net, pace));
      const o = { part: 'train', name: nameOf(work), ours: OURS.name, target, aside: [TRAINER.name] };
      yield raceRow(
        o,
        libraries.map((l) => l.name),
        outcomes,
      );
    }
  },
};

export const infer: Part = {
  name: 'infer',
  title: 'Inference of a batch on WebAssembly, one thread',
  async *rows({ built, pace, say }) {
    const libraries = [OURS, JAX, TFJS, ORT];
    for (const net of NETS) {
      const work: Work = { kind: 'infer', net };
      say(`${nameOf(work)} …`);
      const outcomes = await raceFresh(libraries, built, work, WASM, paceOf(net, pace));
      yield raceRow(
        { part: 'infer', name: nameOf(work), ours: OURS.name, target: 0.9 },
        libraries.map((l) => l.name),
        outcomes,
      );
    }
  },
};

const TO_PEER = new Map<Library, number>([
  [TFJS, 0.3],
  [JAX, 0.8],
]);

/** Their steps take up to minutes in tfjs: a few, without a turn before. */
const onGpu = (net: Net, pace: Pace): Pace =>
  HEAVY.includes(net)
    ? { rounds: 3, turn: 1, warmUp: 0, checked: 1 }
    : { ...paceOf(net, pace), rounds: Math.min(pace.rounds, 5) };

/** One race gives a row for each peer, each with a target of its own, and what comes before the first step is done. */
export const webgpu: Part = {
  name: 'webgpu',
  title: 'One training step with Adam on WebGPU: all on one software adapter, SwiftShader; the peers without guards',
  leavesOut: 'all but the two smaller nets',
  async *rows({ built, pace, quick, say }) {
    for (const net of quick ? [TINY, MNIST] : NETS) {
      const work: Work = { kind: 'train', net };
      say(`${nameOf(work)} on WebGPU …`);
      const peers = [...TO_PEER.keys()];
      const outcomes = await raceFresh([OURS, ...peers], built, work, WEBGPU, onGpu(net, pace));
      const names = [OURS, ...peers].map((l) => l.name);
      const row = { part: 'webgpu', name: `${nameOf(work)} on WebGPU`, ours: OURS.name };
      for (const [i, peer] of peers.entries()) {
        const o = { ...row, name: `${row.name} to ${peer.name}`, target: TO_PEER.get(peer) ?? null };
        yield raceRow(o, [names[0], names[i + 1]], [outcomes[0], outcomes[i + 1]]);
      }
      yield* before(row, raceRow({ ...row, target: null }, names, outcomes));
    }
  },
};

/** From a loaded library to the first result, by the clock, and the pipelines that it takes. */
function* before(row: Pick<RowOptions, 'part' | 'name' | 'ours'>, raced: Row): Generator<Row> {
  const of = (f: (x: Figures) => number) =>
    Object.fromEntries(Object.entries(raced.figures ?? {}).map(([name, x]) => [name, f(x)]));
  const o = { ...row, target: null };
  const { figures, absent } = raced;
  yield {
    ...rowOf(
      { ...o, name: `${row.name}, warm-up`, unit: 'ms' },
      of((x) => x.warmUp),
      absent,
    ),
    figures,
  };
  yield rowOf(
    { ...o, name: `${row.name}, pipelines`, unit: '' },
    of((x) => x.pipelines),
    absent,
  );
}
