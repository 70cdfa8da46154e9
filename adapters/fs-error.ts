/** System errors as typed errors that name the path and say what to do. */

import { CheckpointError, isIsobitError } from '../sdk/core/errors.ts';

interface Kind {
  code: `E_${string}`;
  why: string;
  hint: string;
  retryable?: boolean;
}

const permission = (why: string, hint: string): Kind => ({ code: 'E_PERMISSION', why, hint });

const KINDS: Readonly<Record<string, Kind>> = {
  ENOSPC: { code: 'E_QUOTA', why: 'the disk is full', hint: 'free some space; what was saved before is intact' },
  EDQUOT: {
    code: 'E_QUOTA',
    why: 'the disk quota is used up',
    hint: 'free some space; what was saved before is intact',
  },
  EFBIG: { code: 'E_QUOTA', why: 'too large for this file system', hint: 'choose a directory on another file system' },
  EACCES: permission('permission denied', 'choose a directory you may use, or change its permissions'),
  EPERM: permission('not permitted', 'choose a directory you may use, or change its permissions'),
  EROFS: permission('the file system is read-only', 'choose a directory on a writable file system'),
  ENOTDIR: permission('a file is where a directory should be', 'choose another directory, or move the file away'),
  EEXIST: permission('a file is where a directory should be', 'choose another directory, or move the file away'),
  EISDIR: permission('a directory is where a file should be', 'choose another directory, or move that one away'),
  ELOOP: permission('is a symbolic link', 'stores do not follow links: replace it by a directory or file'),
  EMFILE: { code: 'E_IO', why: 'too many open files', hint: 'raise the limit (ulimit -n)', retryable: true },
  EINTR: { code: 'E_IO', why: 'interrupted', hint: 'try again', retryable: true },
  EBUSY: { code: 'E_IO', why: 'busy', hint: 'another program holds it: try again', retryable: true },
};

/** A typed error for what a file-system call threw; aborts and typed errors pass through unchanged. */
export function fsError(e: unknown, path: string, verb: string, signal?: AbortSignal): unknown {
  if (isIsobitError(e) || (signal?.aborted === true && e === signal.reason)) return e;
  const { code, syscall } = e as NodeJS.ErrnoException;
  if (typeof code !== 'string' || syscall === undefined) return e; // not the system: the body, or a fault of ours
  if (syscall === 'link' && ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'].includes(code)) {
    return new CheckpointError('E_UNSUPPORTED', `cannot write ${path}: no hard links here (${code})`, {
      path,
      cause: e,
      hint: 'choose a directory on a file system with hard links, such as ext4, xfs, APFS or NTFS',
    });
  }
  const kind = KINDS[code] ?? { code: 'E_IO', why: code, hint: 'check the disk, then try again' };
  return new CheckpointError(kind.code, `cannot ${verb} ${path}: ${kind.why} (${code})`, {
    path,
    cause: e,
    hint: kind.hint,
    retryable: kind.retryable ?? false,
  });
}
