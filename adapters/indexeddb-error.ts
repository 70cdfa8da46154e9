/** Faults of IndexedDB as typed errors that name the place and say what to do. */

import { CheckpointError, isIsobitError } from '../sdk/core/errors.ts';

interface Kind {
  code: `E_${string}`;
  why: string;
  hint: string;
  retryable?: boolean;
}

const FREE = 'remove old runs or keep fewer checkpoints (keepLast); what was saved before is intact';

/** By the name of the DOMException. */
const KINDS: Readonly<Record<string, Kind>> = {
  VersionError: {
    code: 'E_VERSION',
    why: 'it was made by a newer version',
    hint: 'reload the page, or update isobit',
  },
  SecurityError: {
    code: 'E_PERMISSION',
    why: 'this page may not store anything',
    hint: 'allow this site to store data, and serve the page over https',
  },
  InvalidStateError: {
    code: 'E_IO',
    why: 'the database was closed meanwhile',
    hint: 'try again',
    retryable: true,
  },
  AbortError: { code: 'E_IO', why: 'the browser gave the transaction up', hint: 'try again', retryable: true },
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

export function noDatabase(path: string): CheckpointError {
  return new CheckpointError('E_UNSUPPORTED', `${path}: there is no IndexedDB here`, {
    path,
    hint: 'outside a browser use fsStore or memoryStore',
  });
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

/** A typed error for what a call of IndexedDB threw; aborts by `signal` and typed errors pass through unchanged. */
export async function idbError(e: unknown, { verb, path, size, signal }: Doing): Promise<unknown> {
  if (isIsobitError(e) || (signal?.aborted === true && e === signal.reason)) return e;
  if (!(e instanceof DOMException)) return e;
  const mayBeFull = e.name === 'QuotaExceededError' || e.name === 'AbortError';
  const { usage = 0, quota = 0 } = mayBeFull ? await estimate() : {};
  const full = size !== undefined && quota > 0 && usage + size > quota;
  // A full store may also come as an abort without a reason.
  if (e.name === 'QuotaExceededError' || (e.name === 'AbortError' && full)) {
    const wanted = size === undefined ? '' : ` for ${mebibytes(size)}`;
    // Chromium states a larger quota than it grants.
    const figures = `${mebibytes(usage)}${full ? ` of ${mebibytes(quota)}` : ''} in use`;
    return new CheckpointError('E_QUOTA', `cannot ${verb} ${path}: no room${wanted} in this browser, ${figures}`, {
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

/** What the origin uses and may use, in bytes, where the browser tells. */
async function estimate(): Promise<StorageEstimate> {
  try {
    return await navigator.storage.estimate(); // absent on pages that were not served over https
  } catch {
    return {};
  }
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
