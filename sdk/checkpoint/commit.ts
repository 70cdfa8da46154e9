/**
 * A commit record: what one entry of a run's log says. One self-described CBOR item, [magic, record, seal], where the seal
 * is the SHA-256 of every byte before its own head. The clock and the writer's name live here and nowhere else.
 */

import { CheckpointError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import { sha256 } from '../core/sha256.ts';
import { concatBytes, sameBytes, utf8 } from './bytes.ts';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { DIGEST } from './layout.ts';
import type { Limits } from './limits.ts';

export interface CommitRecord {
  readonly v: 1;
  /** Position in the log, from 1. */
  readonly seq: number;
  /** The commit that this state came from: that a save went on from, that a rollback or a pin names; null where it began. */
  readonly parent: number | null;
  /** Completed steps and epochs. */
  readonly step: number;
  readonly epoch: number;
  /** Key of the object below the run's prefix, its length and its identities. */
  readonly object: string;
  readonly size: number;
  readonly root: string;
  readonly fingerprint: string;
  readonly metrics: Readonly<Record<string, number | null>>;
  readonly tags: readonly string[];
  /** Milliseconds since 1970, by the writer's clock; within what a Date can be. */
  readonly createdAt: number;
  readonly writer: string;
  /** 'save': a new state; 'rollback': an older one made the latest; 'pin': tags for an older one. */
  readonly op: 'save' | 'rollback' | 'pin';
  /** The oldest live commit when this was written; whatever is below may be gone. */
  readonly floor: number;
}

const MAGIC = 'isobit/commit/1';
const PREFIX = /* @__PURE__ */ concatBytes([
  /* @__PURE__ */ Uint8Array.of(0xd9, 0xd9, 0xf7, 0x83, 0x60 | MAGIC.length),
  /* @__PURE__ */ utf8(MAGIC),
]);
const SEAL_HEAD = /* @__PURE__ */ Uint8Array.of(0x58, DIGEST);

/** E_ENCODE where a field is not what a record holds, E_LIMIT where it grows too long. */
export async function encodeCommit(r: CommitRecord, limits: Limits): Promise<Uint8Array> {
  const fault = recordFault({ ...r });
  if (fault) {
    const path = `commit.${fault}`;
    throw new CheckpointError('E_ENCODE', `${path}: ${String(r[fault as keyof CommitRecord])} cannot be stored`, {
      path,
      hint: 'steps and sizes are whole numbers, metrics finite numbers or null',
    });
  }
  const body = concatBytes([PREFIX, encodeCanonical({ ...r }, 'commit', limits)]);
  const size = body.length + SEAL_HEAD.length + DIGEST;
  if (size > limits.commit) {
    throw new CheckpointError('E_LIMIT', `commit record of ${size} bytes, over ${limits.commit}`, {
      expected: limits.commit,
      actual: size,
      hint: 'give fewer metrics and tags',
    });
  }
  return concatBytes([body, SEAL_HEAD, await sha256(body)]);
}

/** E_LIMIT, E_MAGIC, E_TRUNCATED, E_INTEGRITY, E_NONCANONICAL or E_SCHEMA; each names the key. */
export async function decodeCommit(bytes: Uint8Array, key: string, limits: Limits): Promise<CommitRecord> {
  const fail = (code: `E_${string}`, why: string): never => {
    throw new CheckpointError(code, `${key}: ${why}`, {
      path: key,
      hint: 'an earlier commit is used instead',
    });
  };
  if (bytes.length > limits.commit) fail('E_LIMIT', `${bytes.length} bytes, over ${limits.commit}`);
  const magic = bytes.subarray(0, PREFIX.length);
  if (!sameBytes(magic, PREFIX.subarray(0, magic.length))) fail('E_MAGIC', 'not a commit record');
  const end = bytes.length - DIGEST - SEAL_HEAD.length;
  if (end <= PREFIX.length) fail('E_TRUNCATED', `${bytes.length} bytes, shorter than any commit record`);
  const sealed = sameBytes(bytes.subarray(end, end + SEAL_HEAD.length), SEAL_HEAD);
  if (!sealed || !sameBytes(await sha256(bytes.subarray(0, end)), bytes.subarray(-DIGEST))) {
    fail('E_INTEGRITY', 'the record does not match its seal');
  }
  const v = decodeCanonical(bytes.subarray(PREFIX.length, end), { limits, what: key, base: PREFIX.length });
  const fault = recordFault(v);
  if (fault) fail('E_SCHEMA', `'${fault}' is not what a commit record holds`);
  return v as unknown as CommitRecord;
}

const isCount = (v: unknown): boolean => Number.isSafeInteger(v) && (v as number) >= 0;
const isText = (v: unknown): boolean => typeof v === 'string';
/** ECMA-262, 21.4.1.1: a Date beyond this is none, and showing it throws. */
const isTime = (v: unknown): boolean => typeof v === 'number' && Math.abs(v) <= 8.64e15;
const isDigest = (v: unknown): boolean => typeof v === 'string' && /^[0-9a-f]{64}$/.test(v);

const FIELDS: { readonly [K in keyof CommitRecord]: (v: unknown) => boolean } = {
  v: (v) => v === 1,
  seq: (v) => isCount(v) && v !== 0,
  parent: (v) => v === null || isCount(v),
  step: isCount,
  epoch: isCount,
  // A key that every store takes.
  object: (v) => typeof v === 'string' && /^objects\/\w[\w.-]{0,199}$/.test(v),
  size: isCount,
  root: isDigest,
  fingerprint: isDigest,
  metrics: (v) =>
    typeof v === 'object' &&
    v !== null &&
    !Array.isArray(v) &&
    Object.values(v).every((m) => m === null || Number.isFinite(m)),
  tags: (v) => Array.isArray(v) && v.every(isText),
  createdAt: isTime,
  writer: isText,
  op: (v) => v === 'save' || v === 'rollback' || v === 'pin',
  floor: isCount,
};

/** The first field that is wrong, missing or unknown. */
function recordFault(v: Json): string | undefined {
  if (typeof v !== 'object' || v === null || Array.isArray(v)) return 'record';
  const r = v as Readonly<Record<string, unknown>>;
  for (const [k, ok] of Object.entries(FIELDS)) if (!Object.hasOwn(r, k) || !ok(r[k])) return k;
  return Object.keys(r).find((k) => !Object.hasOwn(FIELDS, k));
}
