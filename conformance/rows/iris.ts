/**
 * Five epochs of iris against what node-wasm left of them: every loss, the last state, its file byte for byte, and the same end
 * when another runtime's checkpoint of step 25 is gone on with.
 */

import { memoryStore } from '../../adapters/memory.ts';
import type { Store } from '../../adapters/store.ts';
import { irisRecipe } from '../../examples/iris.ts';
import { RunStore } from '../../sdk/checkpoint/index.ts';
import type { Runtime } from '../../sdk/core/runtime.ts';
import { bitsOf } from '../../sdk/core/scalar/index.ts';
import { batches } from '../../sdk/data/index.ts';
import { crossEntropy } from '../../sdk/nn/index.ts';
import { Trainer } from '../../sdk/train/index.ts';
import type { SuiteCase } from './suite.ts';

const EPOCHS = 5;
/** In the middle of the third epoch. */
const MIDDLE = 25;

/** What a run left; bytes are in base64. */
export interface Golden {
  /** Bits of the loss of each step. */
  readonly losses: readonly string[];
  readonly fingerprint: string;
  /** Of the file. */
  readonly root: string;
  readonly file: string;
  /** Objects of the store after step 25, by key. */
  readonly middle: Readonly<Record<string, string>>;
}

const hex = (u: number, digits = 8) => u.toString(16).padStart(digits, '0');
const encode = (bytes: Uint8Array) => btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(''));
const decode = (text: string) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

async function start(rt: Runtime, store: Store) {
  const [task] = await irisRecipe.tasks({ rng: rt.rng, holdout: false, stores: [store] });
  const { x, y } = task.train;
  const model = task.model().init(rt);
  const data = batches(x, y, { size: irisRecipe.batch, shuffle: true });
  const trainer = new Trainer({ model, loss: crossEntropy, optimizer: irisRecipe.optimizer(), store });
  const run = async (until: { epochs: number } | { steps: number }) => {
    for await (const _ of trainer.run(data, until));
  };
  const dispose = () => {
    trainer.dispose();
    model.dispose();
  };
  return { trainer, run, dispose };
}

async function finish(trainer: Trainer, store: Store): Promise<Omit<Golden, 'middle'>> {
  const { root } = await trainer.save();
  const saved = await new RunStore(store).commits();
  return {
    losses: (await trainer.history('loss')).map(({ value }) => hex(bitsOf(value ?? Number.NaN))),
    fingerprint: await trainer.fingerprint(),
    root,
    file: encode(await store.get(saved[saved.length - 1].object)),
  };
}

/** One run from its first step to its last. */
async function whole(rt: Runtime): Promise<Omit<Golden, 'middle'>> {
  const store = memoryStore();
  const { trainer, run, dispose } = await start(rt, store);
  await run({ epochs: EPOCHS });
  const end = await finish(trainer, store);
  dispose();
  return end;
}

/** The golden of a runtime. */
export async function makeGolden(rt: Runtime): Promise<Golden> {
  const store = memoryStore();
  const { trainer, run, dispose } = await start(rt, store);
  await run({ steps: MIDDLE });
  await trainer.save();
  const middle: Record<string, string> = {};
  for await (const { key } of store.list('')) middle[key] = encode(await store.get(key));
  dispose();
  return { ...(await whole(rt)), middle };
}

/** What differs between two lists of bits. */
export function compare(what: string, got: readonly string[], expected: readonly string[]): string[] {
  if (got.length !== expected.length) return [`${what}: ${got.length} of them, expected ${expected.length}`];
  const i = got.findIndex((x, k) => x !== expected[k]);
  return i < 0 ? [] : [`${what}: element ${i} of [${got.length}] is ${got[i]}, expected ${expected[i]}`];
}

export const bytesOf = (bytes: Uint8Array) => Array.from(bytes, (b) => hex(b, 2));

function compareEnds(got: Omit<Golden, 'middle'>, golden: Golden): string[] {
  return [
    ...compare('losses', got.losses, golden.losses),
    ...compare('fingerprint', [got.fingerprint], [golden.fingerprint]),
    ...compare('root', [got.root], [golden.root]),
    ...compare('bytes of the file', bytesOf(decode(got.file)), bytesOf(decode(golden.file))),
  ];
}

/** Four cases of one run, and one of a run that another runtime began. */
export function irisCases(rt: Runtime, golden: Golden): SuiteCase[] {
  let run: Promise<Omit<Golden, 'middle'>> | null = null;
  const end = () => {
    run ??= whole(rt);
    return run;
  };
  const one = (name: string, wrong: (end: Omit<Golden, 'middle'>) => string[]): SuiteCase => ({
    name: `iris: ${name}`,
    run: async () => wrong(await end()),
  });
  return [
    one(`losses of ${EPOCHS} epochs`, (e) => compare('losses', e.losses, golden.losses)),
    one('fingerprint', (e) => compare('fingerprint', [e.fingerprint], [golden.fingerprint])),
    one('root', (e) => compare('root', [e.root], [golden.root])),
    one('bytes of the checkpoint', (e) => compare('bytes', bytesOf(decode(e.file)), bytesOf(decode(golden.file)))),
    { name: `iris: gone on with at step ${MIDDLE}`, run: async () => compareEnds(await resumed(rt, golden), golden) },
  ];
}

async function resumed(rt: Runtime, golden: Golden): Promise<Omit<Golden, 'middle'>> {
  const store = memoryStore();
  for (const [key, bytes] of Object.entries(golden.middle)) await store.put(key, decode(bytes));
  const { trainer, run, dispose } = await start(rt, store);
  const { step } = await trainer.resume();
  if (step !== MIDDLE) throw new Error(`resumed at step ${step}, expected ${MIDDLE}`);
  await run({ epochs: EPOCHS });
  const end = await finish(trainer, store);
  dispose();
  return end;
}
