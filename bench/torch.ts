/** PyTorch as a contender: a Python that has it, given the same bytes in a file. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ADAM, batchesOf, inputOf, parametersOf, rowsOf } from './nets.ts';
import { ProcessRacer, type Racer } from './race.ts';
import type { Answer, Request } from './turns.ts';
import { operandsOf, type Work } from './work.ts';

const SCRIPT = fileURLToPath(new URL('peers/pytorch.py', import.meta.url));
const VENV = fileURLToPath(new URL('../.venv/bin/python', import.meta.url));
export const TORCH = 'PyTorch, one thread';

/** A Python that has torch, or why there is none. */
export function findTorch(): { readonly python: string } | { readonly why: string } {
  const python = process.env.BENCH_PYTHON ?? VENV;
  if (spawnSync(python, ['-c', 'import torch']).status === 0) return { python };
  return { why: `${python} has no torch; BENCH_PYTHON may name a Python that has` };
}

interface Stored {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;
}

/** Everything that a work is given: parameters and batches, or operands. */
function tensorsOf(work: Work): readonly Stored[] {
  if (work.kind === 'product') return operandsOf(work).map((m, i) => ({ name: 'ab'[i], ...m }));
  if (work.kind !== 'train' && work.kind !== 'infer') throw new Error('bench: PyTorch has no such race');
  const batches = batchesOf(work.net).flatMap(({ x, y }): Stored[] => [
    { name: 'x', shape: inputOf(work.net), data: x },
    { name: 'y', shape: [rowsOf(work.net)], data: y },
  ]);
  return [...parametersOf(work.net), ...batches];
}

export class TorchRacer implements Racer {
  readonly name = TORCH;
  readonly #process: ProcessRacer;
  readonly #folder = mkdtempSync(join(tmpdir(), 'isobit-torch-'));

  constructor(python: string) {
    this.#process = new ProcessRacer(TORCH, python, [SCRIPT]);
  }

  ask(request: Request): Promise<Answer> {
    return this.#process.ask('open' in request ? { ...request, ...this.#stored(request.open) } : request);
  }

  #stored(work: Work) {
    const file = join(this.#folder, 'tensors');
    const tensors = tensorsOf(work);
    let offset = 0;
    const entries = tensors.map(({ name, shape, data }) => {
      const entry = { name, shape, dtype: data instanceof Int32Array ? 'i32' : 'f32', offset };
      offset += data.byteLength;
      return entry;
    });
    const bytes = tensors.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    writeFileSync(file, Buffer.concat(bytes));
    return { data: { file, tensors: entries, adam: ADAM } };
  }

  stop(): void {
    this.#process.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
