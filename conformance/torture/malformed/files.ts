/** Checkpoint files and commit records that lie and yet are sealed: whoever can compute a SHA-256 can make them. */

import { createHash } from 'node:crypto';
import { concatBytes, utf8 } from '../../../sdk/checkpoint/bytes.ts';
import { type CommitRecord, decodeCommit, encodeCommit } from '../../../sdk/checkpoint/commit.ts';
import {
  DIGEST,
  frameBytes,
  LEAF,
  layOut,
  PREFIX,
  prologueBytes,
  sealHead,
  tensorsHead,
} from '../../../sdk/checkpoint/layout.ts';
import { LIMITS } from '../../../sdk/checkpoint/limits.ts';
import { decodeManifest, type Manifest } from '../../../sdk/checkpoint/manifest.ts';
import { openCheckpoint } from '../../../sdk/checkpoint/reader.ts';
import { randomContent, sampleContent } from '../../../sdk/checkpoint/sample.ts';
import { type CheckpointContent, encodeCheckpoint } from '../../../sdk/checkpoint/writer.ts';
import { type Item, mutate, type Next, parse, serialize } from './cbor.ts';

const sha = (...parts: Uint8Array[]): Uint8Array => {
  const h = createHash('sha256');
  for (const p of parts) h.update(p);
  return new Uint8Array(h.digest());
};

/** Bytes of tensors that a forged file holds at most: the rest of a claim is left out of the file. */
const ROOM = 2 ** 20;

const BOUNDS = [
  0n,
  1n,
  2n,
  112n,
  127n,
  128n,
  255n,
  256n,
  1024n,
  2n ** 16n,
  2n ** 20n,
  2n ** 24n,
  2n ** 31n,
  2n ** 32n,
  2n ** 40n,
  2n ** 44n,
  2n ** 44n + 1n,
  2n ** 53n,
  2n ** 64n - 1n,
];

/** Bytes changed, moved, cut or added anywhere. */
export function scramble(bytes: Uint8Array, next: Next): Uint8Array {
  const at = () => (bytes.length > 0 ? next() % bytes.length : 0);
  switch (next() % 5) {
    case 0:
      return bytes.slice(0, at());
    case 1:
      return concatBytes([bytes, Uint8Array.from({ length: 1 + (next() % 40) }, next)]);
    case 2: {
      const [from, to] = [at(), at()];
      return concatBytes([bytes.subarray(0, from), bytes.subarray(to)]);
    }
    default: {
      const out = bytes.slice();
      for (let n = 1 + (next() % 4); n > 0 && out.length > 0; n--)
        out[at()] = next() % 2 ? next() : out[at()] ^ (1 << (next() % 8));
      return out;
    }
  }
}

interface Base {
  readonly bytes: Uint8Array;
  readonly index: Item;
  readonly manifest: Manifest;
}

async function baseOf(content: CheckpointContent): Promise<Base> {
  const bytes = await (await encodeCheckpoint(content)).bytes();
  const length = Number(new DataView(bytes.buffer).getBigUint64(31, true));
  const index = bytes.slice(127, 127 + length);
  return { bytes, index: parse(index), manifest: decodeManifest(index, LIMITS) };
}

const small = (i: number): CheckpointContent => ({
  kind: 'weights',
  state: i === 0 ? {} : { lr: 0.1, step: 7, deep: [{ a: [1, 2, null, true] }], tags: ['x', 'y'] },
  tensors: new Map([['w', { dtype: 'f32' as const, shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }]]),
});

/** Long lists: of what has no order but that of its keys, and of tensors. */
const large = (keys: number, tensors: number): CheckpointContent => ({
  ...small(0),
  state: Object.fromEntries(Array.from({ length: keys }, (_, i) => [`key ${i}`, { a: i, b: [i / 3] }])),
  tensors: new Map(
    Array.from({ length: tensors }, (_, i) => [`t/${i}`, { dtype: 'u8' as const, shape: [1], data: Uint8Array.of(i) }]),
  ),
});

/** Valid files that others are made from, the plain ones more often, the two large ones last. */
export async function bases(): Promise<Base[]> {
  const random = Array.from({ length: 12 }, (_, i) => randomContent(i + 1));
  const contents = [small(0), small(1), small(1), sampleContent(), ...random, large(2000, 1), large(0, 500)];
  return Promise.all(contents.map(baseOf));
}

/** A file around an index: laid out as the index says where that can be, else as it was before; digests made good. */
export function forge(base: Base, next: Next): Uint8Array {
  const index = next() % 8 === 0 ? serialize(base.index) : serialize(mutate(base.index, next));
  const minor = next() % 16 === 0 ? next() % 3 : 0;
  let specs = base.manifest.tensors;
  try {
    const read = decodeManifest(index, LIMITS, minor).tensors;
    if (layOut(index.length, read, LIMITS).fileLen < ROOM) specs = read;
  } catch {
    // the lie is told about the old tensors
  }
  const l = layOut(index.length, specs, LIMITS);
  const prologue = prologueBytes(l, sha(index));
  const view = new DataView(prologue.buffer);
  view.setUint16(2, minor, true);
  const odd = next() % 16;
  if (odd === 0) view.setBigUint64(8 * (1 + (next() % 8)), BOUNDS[next() % BOUNDS.length], true);
  else if (odd === 1) prologue[next() % prologue.length] = next();
  else if (odd === 2) {
    const field = 8 * (1 + (next() % 8));
    view.setBigUint64(field, BigInt.asUintN(64, view.getBigUint64(field, true) + BigInt((next() % 3) - 1)), true);
  }
  const parts: Uint8Array[] = [PREFIX, prologue, index, odd === 3 ? scramble(tensorsHead(l), next) : tensorsHead(l)];
  const leaves: Uint8Array[] = [];
  const victim = odd === 4 || odd === 5 ? next() % Math.max(1, l.tensors.length) : -1;
  l.tensors.forEach((t, i) => {
    const frame = frameBytes(t);
    parts.push(i === victim && odd === 4 ? scramble(frame, next) : frame);
    const fill = next();
    const data = new Uint8Array(t.bytes).map((_, k) => (t.dtype === 'bool' ? (fill >> (k % 8)) & 1 : fill + k * 7));
    if (i === victim && odd === 5 && data.length > 0) data[next() % data.length] = next();
    parts.push(data);
    for (let k = 0; k < t.leaves; k++) leaves.push(sha(data.subarray(k * LEAF, (k + 1) * LEAF)));
  });
  if (odd === 6 && leaves.length > 0) leaves[next() % leaves.length] = sha(Uint8Array.of(next()));
  if (odd === 7) leaves.push(new Uint8Array(DIGEST));
  const root = sha(utf8('isobit/1 root\0'), prologue, ...leaves);
  parts.push(odd === 8 ? scramble(sealHead(l), next) : sealHead(l), ...leaves, root);
  const file = concatBytes(parts);
  return odd === 9 ? scramble(file, next) : file;
}

/** Opens, reads all and, where it was accepted, writes it again: the same bytes, but for what a later minor adds. */
export async function readCheckpoint(bytes: Uint8Array): Promise<void> {
  const file = await openCheckpoint(bytes);
  const tensors = await file.readAll();
  plain(file.state);
  plain(file.schema);
  if (bytes[17] !== 0 || bytes[18] !== 0) return;
  const { kind, schema, state } = file;
  const again = await encodeCheckpoint({ kind, schema, state, tensors });
  if (again.root !== file.root || again.fingerprint !== file.fingerprint)
    throw new Error('written again it is another file');
  if (Buffer.compare(await again.bytes(), bytes) !== 0) throw new Error('written again it has other bytes');
}

/** Throws where a map that came from a file has another prototype than an object's own. */
export function plain(v: unknown): void {
  if (typeof v !== 'object' || v === null) return;
  if (!Array.isArray(v) && Object.getPrototypeOf(v) !== Object.prototype)
    throw new Error('a map with a prototype of its own');
}

const RECORD: CommitRecord = {
  v: 1,
  seq: 12,
  parent: 11,
  step: 120,
  epoch: 3,
  object: `objects/${'0a'.repeat(32)}.cbor`,
  size: 4096,
  root: '0a'.repeat(32),
  fingerprint: '1b'.repeat(32),
  metrics: { loss: 0.25, 'val/accuracy': null },
  tags: ['first'],
  createdAt: 1_700_000_000_000,
  writer: 'w',
  op: 'save',
  floor: 9,
};

export const validRecord = (): Promise<Uint8Array> => encodeCommit(RECORD, LIMITS);

/** A record around changed fields, sealed. */
export function forgeRecord(valid: Uint8Array, next: Next): Uint8Array {
  const start = 5 + 'isobit/commit/1'.length;
  const body = serialize(mutate(parse(valid.subarray(start, -34)), next));
  const sealed = concatBytes([valid.subarray(0, start), next() % 20 ? body : scramble(body, next)]);
  const file = concatBytes([sealed, Uint8Array.of(0x58, 32), sha(sealed)]);
  return next() % 20 ? file : scramble(file, next);
}

/** Reads a record and, where it was accepted, writes it again: the same bytes. */
export async function readRecord(bytes: Uint8Array): Promise<void> {
  const record = await decodeCommit(bytes, 'record', LIMITS);
  plain(record.metrics);
  if (Buffer.compare(await encodeCommit(record, LIMITS), bytes) !== 0)
    throw new Error('written again it has other bytes');
}
