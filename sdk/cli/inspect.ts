/** `isobit inspect`: what a checkpoint holds, once every byte of it has been verified. */

import { realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fsStore } from '../../adapters/fs.ts';
import { type CheckpointFile, openCheckpoint } from '../checkpoint/index.ts';
import { CheckpointError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import { showShape } from '../core/shape.ts';
import type { InspectOptions } from './options.ts';
import type { Terminal } from './program.ts';

/** Branches of a tree: a line, and what hangs below it. */
interface Branch {
  readonly label: string;
  readonly below?: readonly Branch[];
}

/** Longer lists in the state are shown by their length. */
const INLINE = 8;

export async function inspect(path: string, o: InspectOptions, t: Terminal): Promise<void> {
  const file = await open(path);
  t.out(o.json ? `${JSON.stringify(summary(file))}\n` : `${tree(describe(path, file))}\n`);
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

function describe(path: string, file: CheckpointFile): Branch {
  const bytes = file.tensors.reduce((n, t) => n + t.bytes, 0);
  return {
    label: `${path}: ${count(file.size, 'byte')}, kind ${file.kind}, every byte verified`,
    below: [
      { label: `root ${file.root}` },
      { label: `fingerprint ${file.fingerprint}` },
      branch('schema', file.schema),
      branch('state', file.state),
      { label: `${count(file.tensors.length, 'tensor')}, ${count(bytes, 'byte')}`, below: groups(file) },
    ],
  };
}

function branch(name: string, value: Json): Branch {
  if (Array.isArray(value)) {
    if (value.every((v) => typeof v !== 'object' || v === null)) {
      const shown = value.slice(0, INLINE).map((v) => JSON.stringify(v));
      return { label: `${name}: [${shown.join(', ')}${value.length > INLINE ? `, … ${value.length} in all` : ''}]` };
    }
    return { label: name, below: value.map((v: Json, i) => branch(String(i), v)) };
  }
  if (typeof value === 'object' && value !== null) {
    return { label: name, below: Object.entries(value).map(([k, v]) => branch(k, v)) };
  }
  return { label: `${name}: ${JSON.stringify(value)}` };
}

/** Tensors under the root of their names, with columns aligned. */
function groups({ tensors }: CheckpointFile): Branch[] {
  const roots = new Map<string, CheckpointFile['tensors'][number][]>();
  for (const t of tensors) {
    const root = t.name.split('/')[0];
    roots.set(root, [...(roots.get(root) ?? []), t]);
  }
  return [...roots].map(([root, list]) => {
    const names = list.map((t) => t.name.slice(root.length + 1) || root);
    const width = Math.max(...names.map((n) => n.length));
    const below = list.map((t, i) => ({
      label: `${names[i].padEnd(width)}  ${t.dtype} ${showShape(t.shape)}, ${count(t.bytes, 'byte')}`,
    }));
    return { label: root, below };
  });
}

function count(n: number, word: string): string {
  return `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;
}

function tree({ label, below = [] }: Branch): string {
  const lines = below.map((b, i) => {
    const last = i === below.length - 1;
    return `${last ? '└─ ' : '├─ '}${tree(b).replaceAll('\n', last ? '\n   ' : '\n│  ')}`;
  });
  return [label, ...lines].join('\n');
}
