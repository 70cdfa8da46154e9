/**
 * A disk in memory that knows what it has promised. It takes the calls of node:fs/promises that fsStore makes, and keeps them as
 * operations on files and directories; a power cut is then any choice of those that no flush has forced.
 *
 * What a flush forces is the least that POSIX says, not what ext4 does besides: fsync of a file its bytes and not its name, fsync
 * of a directory its names. All else may have reached the disk or not, in any order and in part. This is the method of ALICE
 * (Pillai et al., OSDI 2014) and of CrashMonkey (Mohan et al., OSDI 2018).
 */

import { constants } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { FsModule } from '../../../adapters/fs.ts';

type Op =
  | { readonly op: 'write'; readonly node: number; readonly at: number; readonly bytes: Uint8Array }
  /** Names of a directory that change together: a name's node, or null where it is taken away. */
  | { readonly op: 'names'; readonly node: number; readonly names: Readonly<Record<string, number | null>> }
  | { readonly op: 'sync'; readonly node: number };

type Node = { kind: 'file'; bytes: Uint8Array } | { kind: 'dir'; names: Map<string, number> };
type Image = ReadonlyMap<number, Node>;

/** How much of bytes that were not flushed is there after a power cut: only their length with 'zeros'. */
const TORN = ['none', 'half', 'zeros', 'all'] as const;
type Torn = (typeof TORN)[number];

/** No call writes more than this, so that every body is written in several. */
const MOST = 5000;

export function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: injected, ${syscall}`), { code, syscall, errno: -1 });
}

const copyOf = (n: Node): Node =>
  n.kind === 'file' ? { kind: 'file', bytes: n.bytes.slice() } : { kind: 'dir', names: new Map(n.names) };

function apply(image: Map<number, Node>, o: Op, torn: Torn): void {
  const node = image.get(o.node);
  if (o.op === 'names' && node?.kind === 'dir') {
    for (const [name, id] of Object.entries(o.names)) {
      if (id === null) node.names.delete(name);
      else node.names.set(name, id);
    }
  } else if (o.op === 'write' && node?.kind === 'file' && torn !== 'none') {
    const bytes = torn === 'half' ? o.bytes.subarray(0, o.bytes.length >> 1) : o.bytes;
    const end = o.at + bytes.length;
    if (end > node.bytes.length) {
      // appended to in place while there is room
      const { buffer, length } = node.bytes;
      const larger = end <= buffer.byteLength ? new Uint8Array(buffer) : new Uint8Array(2 * end);
      if (larger.buffer !== buffer) larger.set(node.bytes.subarray(0, length));
      node.bytes = larger.subarray(0, end);
    }
    if (torn !== 'zeros') node.bytes.set(bytes, o.at);
  }
}

export class Disk {
  /** What is there for those who run; node 1 is the root. */
  readonly #now: Map<number, Node>;
  /** What was there for certain when the log began. */
  readonly #base: Image;
  /** Files and directories as they are born. */
  readonly #born = new Map<number, 'file' | 'dir'>();
  readonly #log: Op[] = [];
  #next: number;

  constructor(image: Image = new Map([[1, { kind: 'dir', names: new Map() }]])) {
    this.#base = image;
    this.#now = new Map([...image].map(([id, n]) => [id, copyOf(n)]));
    this.#next = Math.max(...image.keys()) + 1;
  }

  /** Operations so far: a power cut may come behind each. */
  get length(): number {
    return this.#log.length;
  }

  /** Operations on names before `end` that no flush has forced. */
  loose(end: number): number[] {
    return this.#free(end).filter((i) => this.#log[i].op === 'names');
  }

  /** How bytes may have been torn: in one way where a flush has forced all of them. */
  torn(end: number): readonly Torn[] {
    return this.#free(end).some((i) => this.#log[i].op === 'write') ? TORN : ['all'];
  }

  #free(end: number): number[] {
    const synced = new Set<number>();
    const free: number[] = [];
    for (let i = end - 1; i >= 0; i--) {
      const o = this.#log[i];
      if (o.op === 'sync') synced.add(o.node);
      else if (!synced.has(o.node)) free.push(i);
    }
    return free.reverse();
  }

  /** The disk after a power cut behind `end` operations: of those not forced, names of `kept` are there, bytes by `torn`. */
  cut(end: number, kept: ReadonlySet<number>, torn: Torn): Disk {
    const image = new Map([...this.#base].map(([id, n]) => [id, copyOf(n)]));
    for (const [id, kind] of this.#born) {
      image.set(id, kind === 'file' ? { kind, bytes: new Uint8Array(0) } : { kind, names: new Map() });
    }
    const free = new Set(this.#free(end));
    for (let i = 0; i < end; i++) {
      const o = this.#log[i];
      if (o.op === 'names' && free.has(i) && !kept.has(i)) continue;
      apply(image, o, free.has(i) ? torn : 'all');
    }
    return new Disk(image);
  }

  /** Everything below the root as text, to know states that were seen before. */
  describe(digest: (bytes: Uint8Array) => string): string {
    const walk = (id: number): string => {
      const n = this.#now.get(id);
      if (n?.kind !== 'dir') return n ? digest(n.bytes) : '';
      return `{${[...n.names].sort().map(([name, child]) => `${name.startsWith('.tmp-') ? '.tmp-' : name}:${walk(child)}`)}}`;
    };
    return walk(1);
  }

  #do(o: Op): void {
    this.#log.push(o);
    apply(this.#now, o, 'all');
  }

  #bear(kind: 'file' | 'dir'): number {
    const id = this.#next++;
    this.#born.set(id, kind);
    this.#now.set(id, kind === 'file' ? { kind, bytes: new Uint8Array(0) } : { kind, names: new Map() });
    return id;
  }

  #find(path: string, syscall: string): { id: number; node: Node } {
    let id = 1;
    for (const name of path.split('/').filter((s) => s !== '')) {
      const node = this.#now.get(id)!;
      if (node.kind !== 'dir') throw systemError('ENOTDIR', syscall);
      const child = node.names.get(name);
      if (child === undefined) throw systemError('ENOENT', syscall);
      id = child;
    }
    return { id, node: this.#now.get(id)! };
  }

  #place(path: string, syscall: string): { dir: number; name: string; there: number | undefined } {
    const { id, node } = this.#find(dirname(path), syscall);
    if (node.kind !== 'dir') throw systemError('ENOTDIR', syscall);
    return { dir: id, name: basename(path), there: node.names.get(basename(path)) };
  }

  #file(id: number, syscall: string): Uint8Array {
    const node = this.#now.get(id)!;
    if (node.kind !== 'file') throw systemError('EISDIR', syscall);
    return node.bytes;
  }

  #stat(id: number) {
    const node = this.#now.get(id)!;
    return {
      size: node.kind === 'file' ? node.bytes.length : 0,
      mtimeMs: Date.now(),
      isFile: () => node.kind === 'file',
      isDirectory: () => node.kind === 'dir',
      isSymbolicLink: () => false,
    };
  }

  #handle(id: number) {
    return {
      write: async (bytes: Uint8Array, offset: number, length: number, at: number) => {
        const n = Math.min(length, MOST);
        this.#do({ op: 'write', node: id, at, bytes: bytes.slice(offset, offset + n) });
        return { bytesWritten: n };
      },
      read: async (into: Uint8Array, offset: number, length: number, position: number) => {
        const part = this.#file(id, 'read').subarray(position, position + length);
        into.set(part, offset);
        return { bytesRead: part.length };
      },
      stat: async () => this.#stat(id),
      sync: async () => this.#do({ op: 'sync', node: id }),
      close: async () => {},
    };
  }

  /** The calls that fsStore makes, each through `before`, which may throw in its place. */
  fs(before: (syscall: string) => void = () => {}): FsModule {
    const call =
      <A extends unknown[], R>(syscall: string, work: (...a: A) => R) =>
      async (...a: A): Promise<Awaited<R>> => {
        before(syscall);
        return await work(...a);
      };
    const names = (dir: number, changed: Record<string, number | null>) =>
      this.#do({ op: 'names', node: dir, names: changed });
    const fs = {
      constants,
      open: call('open', (path: string, flags: string | number) => {
        let id: number;
        if (flags === 'wx') {
          const { dir, name, there } = this.#place(path, 'open');
          if (there !== undefined) throw systemError('EEXIST', 'open');
          id = this.#bear('file');
          names(dir, { [name]: id });
        } else id = this.#find(path, 'open').id;
        const { write, read, stat, sync, close } = this.#handle(id);
        return {
          write: call('write', write),
          read: call('read', read),
          stat: call('fstat', stat),
          sync: call('fsync', sync),
          close: call('close', close),
        };
      }),
      link: call('link', (from: string, to: string) => {
        const { id } = this.#find(from, 'link');
        const { dir, name, there } = this.#place(to, 'link');
        if (there !== undefined) throw systemError('EEXIST', 'link');
        names(dir, { [name]: id });
      }),
      rename: call('rename', (from: string, to: string) => {
        const source = this.#place(from, 'rename');
        const { dir, name } = this.#place(to, 'rename');
        if (source.there === undefined) throw systemError('ENOENT', 'rename');
        if (dir !== source.dir) throw new Error('the model renames within a directory, where it is atomic');
        names(dir, { [source.name]: null, [name]: source.there });
      }),
      unlink: call('unlink', (path: string) => {
        const { dir, name, there } = this.#place(path, 'unlink');
        if (there === undefined) throw systemError('ENOENT', 'unlink');
        this.#file(there, 'unlink');
        names(dir, { [name]: null });
      }),
      mkdir: call('mkdir', (path: string) => {
        const { dir, name, there } = this.#place(path, 'mkdir');
        if (there !== undefined) throw systemError('EEXIST', 'mkdir');
        names(dir, { [name]: this.#bear('dir') });
      }),
      lstat: call('lstat', (path: string) => this.#stat(this.#find(path, 'lstat').id)),
      readdir: call('scandir', (path: string, o?: { withFileTypes?: boolean }) => {
        const { node } = this.#find(path, 'scandir');
        if (node.kind !== 'dir') throw systemError('ENOTDIR', 'scandir');
        return [...node.names].map(([name, id]) => (o?.withFileTypes ? { name, ...this.#stat(id) } : name));
      }),
    };
    return fs as unknown as FsModule;
  }
}
