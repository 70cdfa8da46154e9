/**
 * A run and its weights as a released version left them: `node --import tsx conformance/releases.ts VERSION` writes them to
 * conformance/releases/VERSION, once, when that version is released. Every later one opens them and goes on.
 */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { memoryStore } from '../adapters/memory.ts';
import type { Store } from '../adapters/store.ts';
import { encodeCheckpoint } from '../sdk/checkpoint/index.ts';
import { hex, sha256 } from '../sdk/core/sha256.ts';
import { createRuntime, type Runtime } from '../sdk/index.ts';
import { crossEntropy, LayerNorm, Linear, Sequential, tanh } from '../sdk/nn/index.ts';
import { adamw, clipByNorm, cosineDecay, ema } from '../sdk/optim/index.ts';
import { accuracy, component, Trainer, weightsOf } from '../sdk/train/index.ts';
import { drain, tinyBatches } from '../sdk/train/tiny.ts';

/** In the middle of the second epoch, and at the end of the fourth. */
export const MIDDLE = 7;
export const END = 20;

export interface Fingerprints {
  readonly middle: string;
  readonly end: string;
}

/** As much as a training state can hold: averages, metrics, validation, metadata, a component of one's own. */
export function releaseTrainer(rt: Runtime, store: Store): { trainer: Trainer; model: Sequential } {
  const model = new Sequential(new Linear(3, 8), new LayerNorm([8]), tanh, new Linear(8, 3)).init(rt);
  let seen = Float32Array.of(0.5, -3);
  const trainer = new Trainer({
    model,
    loss: crossEntropy,
    metrics: { accuracy },
    optimizer: ema(clipByNorm(adamw({ lr: cosineDecay({ lr: 0.05, steps: END }) }), 1), { decay: 0.9 }),
    validation: { data: tinyBatches({ rows: 6 }) },
    metadata: { author: 'größe \u{1f600}', tags: ['release'], accuracy: 0.5 },
    components: [
      component('seen', {
        version: 1,
        save: () => ({
          state: { big: 2 ** 53 - 1 },
          tensors: new Map([['v', { data: seen, shape: [2], dtype: 'f32' }]]),
        }),
        load: ({ tensors }) => {
          const { data } = tensors.get('v') as { data: Float32Array<ArrayBuffer> };
          return () => {
            seen = data;
          };
        },
      }),
    ],
    store,
  });
  return { trainer, model };
}

/** The files of a release by path, and the fingerprints of its run. */
export async function releaseFiles(rt: Runtime): Promise<Map<string, Uint8Array>> {
  const store = memoryStore();
  const { trainer, model } = releaseTrainer(rt, store);
  await drain(trainer.run(tinyBatches(), { steps: MIDDLE }));
  const middle = await trainer.fingerprint();
  await trainer.save({ tags: ['release'] });
  const files = new Map<string, Uint8Array>();
  for await (const { key } of store.list('')) files.set(`run/${key}`, await store.get(key));
  for (const dtype of ['f32', 'bf16', 'i8'] as const) {
    files.set(`weights-${dtype}.cbor`, await (await encodeCheckpoint(weightsOf(model, { dtype }))).bytes());
  }
  await drain(trainer.run(tinyBatches(), { steps: END }));
  const prints: Fingerprints = { middle, end: await trainer.fingerprint() };
  files.set('fingerprints.json', new TextEncoder().encode(`${JSON.stringify(prints, null, 2)}\n`));
  trainer.dispose();
  return files;
}

if (process.argv[1]?.endsWith('releases.ts')) {
  const [, , version = ''] = process.argv;
  const dir = join(import.meta.dirname, 'releases', version);
  if (!/^\d+\.\d+\.\d+$/.test(version) || existsSync(dir)) throw new Error(`no new version: '${version}'`);
  await using rt = await createRuntime({ backend: 'wasm', seed: 42n });
  const sums: string[] = [];
  for (const [path, bytes] of await releaseFiles(rt)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), bytes);
    sums.push(`${hex(await sha256(bytes))}  ${path}\n`);
  }
  writeFileSync(join(dir, 'SHA256SUMS'), sums.join(''));
  console.log(sums.join(''));
}
