/** What a path or URL on the command line means: a checkpoint file, or a run with a reference behind '#'. */

import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, extname, resolve } from 'node:path';
import { fetchStore } from '../../adapters/fetch.ts';
import { fsStore } from '../../adapters/fs.ts';
import type { Store } from '../../adapters/store.ts';
import { type CheckpointFile, type CommitRecord, openCheckpoint, RunStore } from '../checkpoint/index.ts';
import { CheckpointError, OptionError } from '../core/errors.ts';

export type Place =
  | { readonly kind: 'file'; readonly name: string; readonly store: Store; readonly key: string }
  | { readonly kind: 'run'; readonly name: string; readonly store: Store; readonly ref?: string };

/** A file that is open, and the commit that named it where it is a run's. */
export interface Found {
  readonly file: CheckpointFile;
  readonly commit?: CommitRecord;
  readonly skipped: readonly CheckpointError[];
}

/**
 * A server is asked what it keeps for writers only where the command `writes`.
 * @throws CheckpointError E_NOT_FOUND where there is nothing
 */
export async function placeOf(text: string, writes = false): Promise<Place> {
  return isAddress(text) ? remote(text, writes) : local(text);
}

const isAddress = (text: string): boolean => /^https?:\/\//i.test(text);

/** E_OPTION for an address that cannot be used. What may be a secret is not in the message. */
function urlOf(text: string): URL {
  try {
    const url = new URL(text);
    decodeURIComponent(url.pathname + url.hash);
    return url;
  } catch {
    const plain = text.replace(/[?#].*/s, '').replace(/\/\/[^/]*@/, '//');
    throw new OptionError(`${plain}: not an address`, { hint: 'Give one like https://example.org/runs/iris/.' });
  }
}

/** A file's own name, and the store that holds it. E_OPTION where a reference is behind it. */
function fileOf(address: URL, readOnly: boolean): { store: Store; key: string } {
  const ref = decodeURIComponent(address.hash.slice(1));
  if (ref !== '') throw oneState(address.origin + address.pathname, ref);
  const dir = new URL(address);
  dir.pathname = address.pathname.slice(0, address.pathname.lastIndexOf('/') + 1);
  return {
    store: fetchStore(dir, { readOnly }),
    key: decodeURIComponent(address.pathname.slice(dir.pathname.length)),
  };
}

/** The end of the name of a file, or of an address before its query, in small letters: '.cbor'. */
export const endOf = (text: string): string => extname(isAddress(text) ? urlOf(text).pathname : text).toLowerCase();

/** Where a file is to be written: a directory, or below an address; what is there now is `there`. */
export async function targetAt(text: string): Promise<{ store: Store; key: string; there: boolean }> {
  if (isAddress(text)) {
    const file = fileOf(urlOf(text), false);
    return { ...file, there: (await file.store.head(file.key)) !== null };
  }
  const there = await stat(text).catch(() => null);
  return { store: fsStore(dirname(resolve(text))), key: basename(text), there: there !== null };
}

/** A file of any kind. E_NOT_FOUND where there is none. */
export async function bytesAt(text: string): Promise<Uint8Array> {
  if (isAddress(text)) {
    const { store, key } = fileOf(urlOf(text), true);
    return store.get(key);
  }
  try {
    return new Uint8Array(await readFile(text));
  } catch (cause) {
    const { code } = cause as { code?: string };
    if (code === 'ERR_FS_FILE_TOO_LARGE') {
      throw new CheckpointError('E_LIMIT', `${text}: over 2 GiB, and files of other formats are read whole`, {
        path: text,
        hint: 'Divide it in smaller files with the program that wrote it.',
      });
    }
    throw new CheckpointError('E_NOT_FOUND', `${text}: cannot be read (${code})`, {
      path: text,
      hint: 'Check the name.',
    });
  }
}

function remote(text: string, writes: boolean): Place {
  const url = urlOf(text);
  const readOnly = !writes;
  const name = url.origin + url.pathname;
  if (/\.cbor$/i.test(url.pathname)) return { kind: 'file', name, ...fileOf(url, readOnly) };
  return {
    kind: 'run',
    name,
    store: fetchStore(url, { readOnly }),
    ref: decodeURIComponent(url.hash.slice(1)) || undefined,
  };
}

async function local(text: string): Promise<Place> {
  // Stores do not follow links; a person who names one means what it leads to.
  const real = async (path: string) => {
    const at = await realpath(path).catch(() => path);
    return { at, found: await stat(at).catch(() => null) };
  };
  const whole = await real(text);
  if (whole.found?.isFile()) {
    return { kind: 'file', name: text, store: fsStore(dirname(whole.at)), key: basename(whole.at) };
  }
  const hash = whole.found ? -1 : text.lastIndexOf('#');
  const path = hash < 0 ? text : text.slice(0, hash);
  const ref = hash < 0 ? undefined : text.slice(hash + 1) || undefined;
  const { at, found } = hash < 0 ? whole : await real(path);
  if (ref !== undefined && found?.isFile()) throw oneState(path, ref);
  const holdsRun = found?.isDirectory() && (await stat(`${at}/commits`).catch(() => null))?.isDirectory();
  if (!holdsRun) {
    const why = !found ? 'not there' : found.isDirectory() ? 'a directory that holds no run' : 'is no file';
    throw new CheckpointError('E_NOT_FOUND', `${path}: ${why}`, {
      path,
      hint: 'Give a checkpoint file, or the directory or address of a run, with #step:100 or another reference behind it.',
    });
  }
  return { kind: 'run', name: path, store: fsStore(at), ref };
}

const oneState = (name: string, ref: string): OptionError =>
  new OptionError(`${name}: a file holds one state, and has no '#${ref}'`, { hint: 'Leave the reference out.' });

/** Opens what a place means. Every byte is verified unless `lazy`. */
export async function openAt(place: Place, o: { lazy?: boolean } = {}): Promise<Found> {
  const verify = o.lazy ? 'lazy' : 'full';
  if (place.kind === 'file') return { file: await openFile(place, verify), skipped: [] };
  const best = /^best(?::(.+):(min|max))?$/.exec(place.ref ?? '');
  if (best && !best[1]) {
    throw new OptionError(`${place.name}: '${place.ref}' by which metric?`, {
      hint: 'Say it, and whether less or more is better: #best:val/loss:min or #best:val/accuracy:max.',
    });
  }
  const run = new RunStore(place.store, best ? { keepBest: { metric: best[1], mode: best[2] as 'min' | 'max' } } : {});
  const opened = await run.open(best ? 'best' : place.ref, { verify });
  if (opened) return opened;
  throw noCommits(place.name);
}

async function openFile(place: Place & { kind: 'file' }, verify: 'full' | 'lazy'): Promise<CheckpointFile> {
  try {
    return await openCheckpoint(place, { verify });
  } catch (e) {
    const end = endOf(place.key);
    if (!(e instanceof CheckpointError) || e.code !== 'E_MAGIC' || end === '.cbor') throw e;
    throw new CheckpointError('E_MAGIC', e.message, {
      path: place.name,
      hint: `This command takes checkpoints: make one of this ${`${end} file`.trim()} first, by isobit convert.`,
    });
  }
}

export const noCommits = (name: string): CheckpointError =>
  new CheckpointError('E_NOT_FOUND', `${name}: there are no commits`, {
    path: name,
    hint: 'Check the name: a run is the directory that was --store when it was trained, or its address.',
  });

/** What a command is about as a whole: a reference behind it would be left out of account, and is refused. */
export async function wholeAt(text: string, what: string, writes = false): Promise<Place> {
  const place = await placeOf(text, writes);
  if (place.kind === 'file' || place.ref === undefined) return place;
  throw new OptionError(`${what}: is about the whole run ${place.name}, not '#${place.ref}'`, {
    hint: 'Leave the reference out; a command that needs one takes it as an argument of its own.',
  });
}

/** The run that a place must be. */
export async function runAt(
  text: string,
  what: string,
  writes = false,
): Promise<{ run: RunStore; place: Place & { kind: 'run' } }> {
  const place = await wholeAt(text, what, writes);
  if (place.kind === 'run') return { run: new RunStore(place.store), place };
  throw new CheckpointError('E_NOT_FOUND', `${place.name}: a file, and ${what} is about runs`, {
    path: place.name,
    hint: 'Give the directory or the address of a run.',
  });
}
