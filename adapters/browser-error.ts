/** Faults of a browser's storage as typed errors that name the place and say what to do. */

import { CheckpointError, isIsobitError } from '../sdk/core/errors.ts';
import { estimate } from './browser-storage.ts';

interface Kind {
  code: `E_${string}`;
  why: string;
  hint: string;
  retryable?: boolean;
}

const FREE = 'remove old runs or keep fewer checkpoints (keepLast); what was saved before is intact';

const FORBIDDEN: Kind = {
  code: 'E_PERMISSION',
  why: 'this page may not store anything',
  hint: 'allow this site to store data, and serve the page over https',
};
const IN_THE_WAY: Kind = {
  code: 'E_PERMISSION',
  why: 'a file is where a directory should be, or a directory where a file should be',
  hint: 'use another key',
};
const CLEARED: Kind = { code: 'E_IO', why: 'it was cleared meanwhile', hint: 'try again', retryable: true };

/** By the name of the DOMException. */
const KINDS: Readonly<Record<string, Kind>> = {
  VersionError: {
    code: 'E_VERSION',
    why: 'it was made by a newer version',
    hint: 'reload the page, or update isobit',
  },
  SecurityError: FORBIDDEN,
  NotAllowedError: FORBIDDEN,
  TypeMismatchError: IN_THE_WAY,
  InvalidModificationError: IN_THE_WAY,
  NotFoundError: CLEARED,
  NotReadableError: CLEARED,
  InvalidStateError: {
    code: 'E_IO',
    why: 'it was closed meanwhile',
    hint: 'try again',
    retryable: true,
  },
  AbortError: { code: 'E_IO', why: 'the browser gave it up', hint: 'try again', retryable: true },
  UnknownError: {
    code: 'E_IO',
    why: 'the browser cannot reach its own files',
    hint: 'check that the disk is not full and not failing',
  },
};

export interface Doing {
  verb: string;
  path: string;
  /** Bytes that were to be written. */
  size?: number;
  signal?: AbortSignal;
}

export function notHere(path: string, what: string, hint: string): CheckpointError {
  return new CheckpointError('E_UNSUPPORTED', `${path}: there is no ${what} here`, { path, hint });
}

/** The entry is there and its bytes are not. */
export function lostRow(path: string, offset: number): CheckpointError {
  return new CheckpointError('E_INTEGRITY', `${path}: the browser has lost the bytes from ${offset} on`, {
    path,
    offset,
    hint: 'an earlier commit is used instead; ask for navigator.storage.persist() so that nothing is evicted',
  });
}

/** What a writer had written so far is gone: the database was deleted, or it took more than an hour between two rows. */
export function lostPlace(path: string): CheckpointError {
  return new CheckpointError('E_IO', `cannot write ${path}: the database was cleared meanwhile`, {
    path,
    hint: 'try again',
    retryable: true,
  });
}

export function olderTab(path: string): CheckpointError {
  return new CheckpointError('E_BUSY', `${path}: another tab holds an older version of it open`, {
    path,
    hint: 'close the other tabs of this site, then try again',
    retryable: true,
  });
}

/** A typed error for what the browser threw; aborts by `signal` and typed errors pass through unchanged. */
export async function browserError(e: unknown, { verb, path, size, signal }: Doing): Promise<unknown> {
  if (isIsobitError(e) || (signal?.aborted === true && e === signal.reason)) return e;
  if (!(e instanceof DOMException)) return e;
  const mayBeFull = e.name === 'QuotaExceededError' || e.name === 'AbortError';
  const { usage, quota } = mayBeFull ? await estimate() : {};
  const full = size !== undefined && usage !== undefined && quota !== undefined && quota > 0 && usage + size > quota;
  // A full store may also come as an abort without a reason.
  if (e.name === 'QuotaExceededError' || (e.name === 'AbortError' && full)) {
    const wanted = size === undefined ? '' : ` for ${mebibytes(size)}`;
    // Chromium states a larger quota than it grants.
    const figures = usage === undefined ? '' : `, ${mebibytes(usage)}${full ? ` of ${mebibytes(quota)}` : ''} in use`;
    return new CheckpointError('E_QUOTA', `cannot ${verb} ${path}: no room${wanted} in this browser${figures}`, {
      path,
      cause: e,
      details: { usage, quota, size },
      hint: FREE,
    });
  }
  const kind = KINDS[e.name] ?? { code: 'E_IO', why: e.message, hint: 'reload the page, then try again' };
  return new CheckpointError(kind.code, `cannot ${verb} ${path}: ${kind.why} (${e.name})`, {
    path,
    cause: e,
    hint: kind.hint,
    retryable: kind.retryable ?? false,
  });
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
