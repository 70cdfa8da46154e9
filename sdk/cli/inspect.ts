/** `isobit inspect`: what a checkpoint holds, once every byte of it has been verified. */

import { realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fsStore } from '../../adapters/fs.ts';
import { type CheckpointFile, describeCheckpoint, openCheckpoint } from '../checkpoint/index.ts';
import { CheckpointError } from '../core/errors.ts';
import type { InspectOptions } from './options.ts';
import type { Terminal } from './program.ts';

export async function inspect(path: string, o: InspectOptions, t: Terminal): Promise<void> {
  const file = await open(path);
  t.out(
    o.json ? `${JSON.stringify(summary(file))}\n` : `${path}: every byte verified\n${await describeCheckpoint(file)}\n`,
  );
}

async function open(path: string): Promise<CheckpointFile> {
  // Stores do not follow links; a person who names one means what it leads to.
  const real = await realpath(path).catch(() => path);
  const found = await stat(real).catch(() => null);
  if (!found?.isFile()) {
    const why = found ? 'is no file' : 'not there';
    throw new CheckpointError('E_NOT_FOUND', `${path}: ${why}`, {
      path,
      hint: 'Give a checkpoint file; a run keeps its own under objects/.',
    });
  }
  return openCheckpoint({ store: fsStore(dirname(real)), key: basename(real) });
}

function summary({ size, kind, root, fingerprint, schema, state, tensors }: CheckpointFile): object {
  return { size, kind, root, fingerprint, schema, state, tensors };
}
