/** Legs of a relay, on the runtime that they find themselves on. */

import { fetchStore } from '../../adapters/fetch.ts';
import { indexeddbStore } from '../../adapters/indexeddb.ts';
import { memoryStore } from '../../adapters/memory.ts';
import type { Store } from '../../adapters/store.ts';
import { copyRun } from '../../sdk/checkpoint/index.ts';
import type { Runtime } from '../../sdk/core/runtime.ts';
import { batches } from '../../sdk/data/index.ts';
import { crossEntropy, type Module } from '../../sdk/nn/index.ts';
import { Trainer } from '../../sdk/train/index.ts';
import type { Leg, LegEnd, Place, RelayOptions } from '../rows/report.ts';
import { taskOf } from './course.ts';

export async function runLegs(rt: Runtime, o: RelayOptions, onEnd: (end: LegEnd) => void): Promise<void> {
  for (const [i, leg] of o.legs.entries()) {
    const started = performance.now();
    const end = await runLeg(rt, o, leg);
    onEnd({ leg: i, ...end, seconds: Math.round(performance.now() - started) / 1000 });
  }
}

async function open(place: Place): Promise<Store> {
  switch (place.kind) {
    case 'memory':
      return memoryStore();
    case 'http':
      return fetchStore(place.url);
    case 'indexeddb':
      return indexeddbStore(place.name);
    case 'fs':
      // Node's modules are in no page.
      return (await import('../../adapters/fs.ts')).fsStore(place.dir);
    default:
      return place satisfies never;
  }
}

/** Copies a run, as a user would who carries it elsewhere. */
async function carry(from: Store | Place, to: Store | Place): Promise<void> {
  const isStore = (s: Store | Place): s is Store => 'put' in s;
  const source = isStore(from) ? from : await open(from);
  const target = isStore(to) ? to : await open(to);
  const { skipped } = await copyRun(source, target);
  if (skipped.length > 0) throw skipped[0];
  if (source !== from) await source.close();
  if (target !== to) await target.close();
}

async function runLeg(rt: Runtime, o: RelayOptions, leg: Leg): Promise<Omit<LegEnd, 'leg' | 'seconds'>> {
  const { recipe, task } = await taskOf(o.example, rt.rng);
  const { x, y } = task.train;
  const store = await open(leg.at);
  if (leg.from) await carry(leg.from, store);
  const model = task.model().init(rt);
  const data = batches(x, y, { size: recipe.batch, shuffle: true });
  using trainer = new Trainer({
    model,
    optimizer: recipe.optimizer(),
    loss: crossEntropy,
    store,
    checkpoint: recipe.checkpoint,
    ...(leg.fault === 'seed' ? { seed: BigInt(o.seed) + 1n } : {}),
  });
  const { step, skipped } = await trainer.resume();
  if (step !== leg.since || skipped.length > 0) {
    throw new Error(`${store.name}: a run at step ${step}, ${skipped.length} passed over; expected step ${leg.since}`);
  }
  if (leg.fault === 'bit') await flip(rt, model);
  const marks: Record<string, string> = {};
  for await (const at of trainer.run(data, { steps: leg.until })) {
    if (leg.marks.includes(at.step)) marks[at.step] = await trainer.fingerprint();
  }
  const { root } = await trainer.save();
  const fingerprint = await trainer.fingerprint();
  await store.close();
  model.dispose();
  // The store is opened anew: what is carried on is what it has kept.
  if (leg.to) await carry(leg.at, leg.to);
  const { epoch } = trainer;
  const batch = trainer.step - epoch * Math.ceil(y.data.length / recipe.batch);
  return { since: step, until: trainer.step, epoch, batch, fingerprint, root, marks };
}

/** The last bit of the first weight. */
async function flip(rt: Runtime, model: Module): Promise<void> {
  const [weight] = model.parameters().values();
  const data = await weight.value().data();
  new Uint32Array(data.buffer, data.byteOffset)[0] ^= 1;
  weight.assign(rt.tensor(data, weight.shape));
}
