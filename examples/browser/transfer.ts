/** A checkpoint file becomes the run of this browser, or an error and nothing else. */

import { memoryStore } from '../../adapters/memory.ts';
import type { Store } from '../../adapters/store.ts';
import { type CheckpointContent, type CheckpointFile, openCheckpoint, RunStore } from '../../sdk/checkpoint/index.ts';
import { CheckpointError } from '../../sdk/core/errors.ts';
import type { Json } from '../../sdk/core/host.ts';
import type { Runtime } from '../../sdk/core/runtime.ts';
import { createRuntime } from '../../sdk/index.ts';
import { savedSeed } from '../train.ts';
import { forgetMeasures } from './measures.ts';
import { Pace } from './pace.ts';
import type { Example, Setup } from './protocol.ts';
import { EXAMPLES } from './recipes.ts';
import { Session } from './session.ts';

/**
 * Checks every byte of the file, and that it is a run of one of the examples which can be gone on with; then makes it the
 * latest commit of that example's store. What the store held is not touched before.
 * @throws CheckpointError for damaged files (docs/checkpoint.md lists the codes) and other models, DataError for other data.
 */
export async function importRun(
  bytes: Uint8Array,
  backend: Setup['backend'],
  storeOf: (example: Example) => Store,
): Promise<Setup> {
  const file = await openCheckpoint(bytes);
  const seed = savedSeed(file);
  const example = await exampleOf(file, seed);
  const setup = { example, backend, seed };
  const content = await contentOf(file);
  const info = { step: countOf(file.state.train, 'step'), epoch: countOf(file.state.data, 'epoch') };

  const trial = memoryStore();
  await new RunStore(trial).save(content, info);
  const { session } = await Session.open({ ...setup, backend: 'wasm' }, trial, new Pace(), () => {});
  await session.close();

  const store = storeOf(example);
  try {
    const run = new RunStore(store);
    await run.resume();
    await run.save(content, info);
    await forgetMeasures(store);
  } finally {
    await store.close();
  }
  return setup;
}

async function contentOf(file: CheckpointFile): Promise<CheckpointContent> {
  return { kind: file.kind, schema: file.schema, state: file.state, tensors: await file.readAll() };
}

/** The example whose model the file describes. */
async function exampleOf(file: CheckpointFile, seed: bigint): Promise<Example> {
  const rt = await createRuntime({ backend: 'wasm', seed });
  try {
    const found = spelled(file.state.model);
    for (const example of ['iris', 'digits'] as const) {
      if (spelled(await modelOf(example, rt)) === found) return example;
    }
  } finally {
    await rt.dispose();
  }
  throw new CheckpointError('E_MODEL', `${file.source}: a ${file.kind} file of another model than those of this page`, {
    hint: 'Import a file that this page exported, or that isobit train iris or isobit train mnist wrote without --holdout.',
  });
}

async function modelOf(example: Example, rt: Runtime): Promise<Json> {
  const [task] = await EXAMPLES[example].tasks({ rng: rt.rng, holdout: false, stores: [memoryStore()] });
  return task.model().describe();
}

/** JSON with its keys in order: files keep another one than programs. */
const spelled = (v: Json): string =>
  JSON.stringify(v ?? null, (_, value: Json) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

function countOf(state: Json, name: string): number {
  const v = typeof state === 'object' && state !== null ? (state as { readonly [k: string]: Json })[name] : null;
  return typeof v === 'number' ? v : 0;
}
