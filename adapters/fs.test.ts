import assert from 'node:assert/strict';
import * as nodeFs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type FsModule, fsStore } from './fs.ts';
import type { Store } from './store.ts';
import { storeSuite } from './suite.ts';

const made: string[] = [];
async function dir(): Promise<string> {
  const d = await nodeFs.mkdtemp(join(tmpdir(), 'isobit-fs-'));
  made.push(d);
  return d;
}
after(() => Promise.all(made.map((d) => nodeFs.rm(d, { recursive: true, force: true }))));

storeSuite('fs', async () => fsStore(join(await dir(), 'made', 'at', 'first', 'write')));

const bytes = (...v: number[]) => Uint8Array.from(v);

/** Everything on disk, temporaries too. */
async function everything(d: string): Promise<string[]> {
  return (await nodeFs.readdir(d, { recursive: true })).sort();
}

function fails(code: string, path: string) {
  return (e: unknown) => {
    const { code: got, message, hint } = e as { code: string; message: string; hint: string };
    assert.equal(got, code, message);
    assert.ok(message.includes(path), `names the path: ${message}`);
    assert.notEqual(hint, '');
    return true;
  };
}

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${code}: injected, ${syscall}`), { code, syscall, errno: -1 });
}

/** node:fs/promises with some calls replaced, and those of file handles by `handle`. */
function faulty(
  calls: Partial<FsModule>,
  handle: (h: nodeFs.FileHandle, path: string) => Partial<Record<'write' | 'sync' | 'read', unknown>> = () => ({}),
): FsModule {
  const open = (async (path: string, flags: string | number) => {
    const h = await (calls.open ?? nodeFs.open)(path, flags);
    return Object.assign(h, handle(h, path));
  }) as unknown as typeof nodeFs.open;
  return { ...nodeFs, ...calls, open };
}

test('fs: objects are plain files at the path that their key names, and nothing else stays', async () => {
  const d = await dir();
  await fsStore(d).put('a/b.bin', bytes(1, 2, 3));
  assert.deepEqual(new Uint8Array(await nodeFs.readFile(join(d, 'a', 'b.bin'))), bytes(1, 2, 3));
  assert.deepEqual(await everything(d), ['a', join('a', 'b.bin')]);
});

test('fs: a large body is flushed while it is written; a fault of that is told although the last flush goes well', async () => {
  const d = await dir();
  const MIB = 2 ** 20;
  const page = new Uint8Array(MIB);
  const body = {
    size: 72 * MIB,
    async *chunks() {
      for (let i = 0; i < 72; i++) yield page;
    },
  };
  for (const bad of [0, 1, undefined]) {
    let flushes = 0;
    let largest = 0;
    let open = 0;
    const fs = faulty({}, (h, path) => {
      if (!path.includes('.tmp-')) return {};
      const close = h.close.bind(h);
      open++;
      return {
        // the disk is left out: what is asked for is 72 MiB
        write: async (_: Uint8Array, __: number, n: number) => {
          largest = Math.max(largest, n);
          return { bytesWritten: n };
        },
        sync: async () => {
          if (flushes++ === bad) throw systemError('EIO', 'fsync');
        },
        close: async () => {
          open--;
          await close();
        },
      };
    });
    const put = fsStore(d, { fs }).put('x', body);
    if (bad === undefined) await put;
    else await assert.rejects(put, fails('E_IO', join(d, 'x')));
    assert.deepEqual([await everything(d), open], [bad === undefined ? ['x'] : [], 0], `${bad}: nothing stays`);
    if (bad === undefined) assert.equal(flushes, 3, 'after 32 MiB, 64 MiB, and at the end');
    assert.equal(largest, MIB, 'a call writes no more: Linux is slow at more');
  }
  // A body that fails while a flush fails: its own error is told.
  const torn = {
    size: 40 * MIB,
    async *chunks() {
      for (let i = 0; i < 33; i++) yield page;
      throw new Error('the tensor is gone');
    },
  };
  const fs = faulty({}, () => ({
    write: async (_: Uint8Array, __: number, n: number) => ({ bytesWritten: n }),
    sync: () => Promise.reject(systemError('EIO', 'fsync')),
  }));
  await assert.rejects(fsStore(d, { fs }).put('y', torn), { message: 'the tensor is gone' });
  assert.deepEqual(await everything(d), ['x']);
});

test('fs: order of calls: file flushed, then published, then the directory flushed, for both ways to publish', async () => {
  for (const ifAbsent of [true, false]) {
    const d = await dir();
    const log: string[] = [];
    const kind = (p: string) => (p.includes('.tmp-') ? 'temp' : p === d ? 'dir' : 'object');
    const fs = faulty(
      {
        link: async (a, b) => {
          log.push('link');
          await nodeFs.link(a, b);
        },
        rename: async (a, b) => {
          log.push('rename');
          await nodeFs.rename(a, b);
        },
        unlink: async (p) => {
          log.push('unlink');
          await nodeFs.unlink(p);
        },
      },
      (h, path) => {
        const sync = h.sync.bind(h);
        return {
          sync: async () => {
            if (path.startsWith(d)) log.push(`sync ${kind(path)}`); // the store also flushes what it lies in, once
            await sync();
          },
        };
      },
    );
    await fsStore(d, { fs }).put('x', bytes(1), { ifAbsent });
    assert.deepEqual(log, ['sync temp', ifAbsent ? 'link' : 'rename', 'sync dir', 'unlink']);
  }
});

test('fs: every new directory is flushed into its parent', async () => {
  const d = await dir();
  const synced: string[] = [];
  const fs = faulty({}, (h, path) => {
    const sync = h.sync.bind(h);
    return {
      sync: async () => {
        synced.push(path);
        await sync();
      },
    };
  });
  await fsStore(join(d, 'a', 'b'), { fs }).put('c/x', bytes(1));
  for (const p of [d, join(d, 'a'), join(d, 'a', 'b'), join(d, 'a', 'b', 'c')]) assert.ok(synced.includes(p), p);
});

test('fs: a directory that cannot be made although its parent is there, as in /proc: an error, not a loop', {
  timeout: 20_000,
}, async () => {
  const d = join(await dir(), 'new');
  const mkdir = async (p: string) => (p === d ? Promise.reject(systemError('ENOENT', 'mkdir')) : nodeFs.mkdir(p));
  const s = fsStore(d, { fs: { ...nodeFs, mkdir } as FsModule });
  await assert.rejects(s.put('x', bytes(1)), fails('E_IO', join(d, 'x')));
});

type Write = (b: Uint8Array, at: number, n: number, position: number) => Promise<{ bytesWritten: number }>;

test('fs: a full disk is E_QUOTA; the old object stays and no temporary does', async () => {
  const d = await dir();
  await fsStore(d).put('x', bytes(1));
  let left = 3;
  const fs = faulty({}, (h) => {
    const write = h.write.bind(h) as Write;
    return {
      // the disk takes three bytes, as short writes, and then no more
      write: async (b: Uint8Array, at: number, n: number, position: number) => {
        if (left === 0) throw systemError('ENOSPC', 'write');
        left--;
        return write(b, at, Math.min(n, 1), position);
      },
    };
  });
  await assert.rejects(fsStore(d, { fs }).put('x', bytes(5, 6, 7, 8)), fails('E_QUOTA', join(d, 'x')));
  assert.deepEqual(await fsStore(d).get('x'), bytes(1));
  assert.deepEqual(await everything(d), ['x']);
  left = 4;
  await fsStore(d, { fs }).put('x', bytes(5, 6, 7, 8));
  assert.deepEqual(await fsStore(d).get('x'), bytes(5, 6, 7, 8), 'short writes are carried on');
});

test('fs: a large chunk is written in slices at once, each carried on where it was cut; all have ended before a fault is told', async () => {
  const d = await dir();
  const body = Uint8Array.from({ length: 9.5 * 2 ** 20 }, (_, i) => (i * 2654435761) >>> 24);
  let [under, most, closedUnder] = [0, 0, 0];
  let broken = false;
  const fs = faulty({}, (h) => {
    const [write, close] = [h.write.bind(h) as Write, h.close.bind(h)];
    return {
      write: async (b: Uint8Array, at: number, n: number, position: number) => {
        most = Math.max(most, ++under);
        try {
          await new Promise((then) => setTimeout(then, (position >> 20) % 3));
          if (broken && position >> 20 === 1) throw systemError('EIO', 'write');
          return await write(b, at, Math.min(n, 700_000), position);
        } finally {
          under--;
        }
      },
      close: async () => {
        closedUnder += under;
        return close();
      },
    };
  });
  await fsStore(d, { fs }).put('x', body);
  assert.equal(most, 8);
  assert.equal(Buffer.compare(await fsStore(d).get('x'), body), 0);
  broken = true;
  await assert.rejects(fsStore(d, { fs }).put('y', body), fails('E_IO', join(d, 'y')));
  assert.deepEqual(await everything(d), ['x']);
  assert.equal(closedUnder, 0);
});

test('fs: a really full disk', async (t) => {
  const full = await nodeFs.open('/dev/full', 'w').catch(() => undefined);
  if (!full) return t.skip('no /dev/full here');
  await full.close();
  const d = await dir();
  const fs = faulty({
    open: ((p: string, f: string) =>
      nodeFs.open(f === 'wx' ? '/dev/full' : p, f === 'wx' ? 'w' : f)) as typeof nodeFs.open,
  });
  await assert.rejects(fsStore(d, { fs }).put('x', bytes(1)), fails('E_QUOTA', join(d, 'x')));
});

test('fs: system errors become typed errors that name the path', async () => {
  const table: [string, string][] = [
    ['EACCES', 'E_PERMISSION'],
    ['EPERM', 'E_PERMISSION'],
    ['EROFS', 'E_PERMISSION'],
    ['EDQUOT', 'E_QUOTA'],
    ['EIO', 'E_IO'],
    ['EMFILE', 'E_IO'],
  ];
  for (const [system, typed] of table) {
    const d = await dir();
    const open = (async () => {
      throw systemError(system, 'open');
    }) as typeof nodeFs.open;
    const s = fsStore(d, { fs: faulty({ open }) });
    await assert.rejects(s.put('x', bytes(1)), fails(typed, join(d, 'x')));
    await assert.rejects(s.get('x'), fails(typed, join(d, 'x')));
    const readdir = (async () => {
      throw systemError(system, 'scandir');
    }) as unknown as FsModule['readdir'];
    const listing = fsStore(d, { fs: faulty({ readdir }) });
    await assert.rejects(
      async () => {
        for await (const _ of listing.list('')) assert.fail();
      },
      fails(typed, d),
    );
  }
});

test('fs: a failing flush is an error, before and after publishing', async () => {
  const d = await dir();
  const broken = (what: 'temp' | 'dir') =>
    faulty({}, (h, path) =>
      path.includes('.tmp-') === (what === 'temp')
        ? {
            sync: async () => {
              throw systemError('EIO', 'fsync');
            },
          }
        : { sync: h.sync.bind(h) },
    );
  await assert.rejects(fsStore(d, { fs: broken('temp') }).put('x', bytes(1)), fails('E_IO', join(d, 'x')));
  assert.deepEqual(await everything(d), []);
  await assert.rejects(fsStore(d, { fs: broken('dir') }).put('x', bytes(1)), fails('E_DURABILITY', join(d, 'x')));
});

test('fs: without hard links ifAbsent is E_UNSUPPORTED, never a weaker promise', async () => {
  const d = await dir();
  const link = async () => {
    throw systemError('EPERM', 'link');
  };
  const s = fsStore(d, { fs: faulty({ link }) });
  await assert.rejects(s.put('x', bytes(1), { ifAbsent: true }), fails('E_UNSUPPORTED', join(d, 'x')));
  assert.deepEqual(await everything(d), []);
});

test('fs: a file where a directory should be', async () => {
  const d = await dir();
  await nodeFs.writeFile(join(d, 'file'), 'x');
  const s = fsStore(join(d, 'file'));
  await assert.rejects(s.put('x', bytes(1)), fails('E_PERMISSION', join(d, 'file')));
  await assert.rejects(fsStore(join(d, 'file', 'below')).put('x', bytes(1)), fails('E_PERMISSION', join(d, 'file')));
  await assert.rejects(fsStore(d).put('file/x', bytes(1)), fails('E_PERMISSION', join(d, 'file')));
  assert.equal(await fsStore(d).head('file/x'), null);
  await nodeFs.mkdir(join(d, 'sub'));
  await assert.rejects(fsStore(d).put('sub', bytes(1)), fails('E_PERMISSION', join(d, 'sub')));
  assert.equal(await nodeFs.readFile(join(d, 'file'), 'utf8'), 'x');
});

test('fs: a directory that may not be written', async (t) => {
  const d = await dir();
  await nodeFs.chmod(d, 0o500);
  // the superuser may write anywhere: be somebody else for a moment
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65534);
  try {
    const allowed = await nodeFs.writeFile(join(d, 'probe'), '').then(
      () => true,
      () => false,
    );
    if (allowed) return t.skip('permissions do not bind this user');
    await assert.rejects(fsStore(d).put('x', bytes(1)), fails('E_PERMISSION', join(d, 'x')));
    await assert.rejects(fsStore(join(d, 'run')).put('x', bytes(1)), fails('E_PERMISSION', join(d, 'run')));
  } finally {
    if (root) process.seteuid?.(0);
  }
});

test('fs: links are not followed, out of the store or within', async () => {
  const d = await dir();
  const outside = await dir();
  await nodeFs.writeFile(join(outside, 'secret'), 'secret');
  await nodeFs.symlink(outside, join(d, 'way'));
  await nodeFs.symlink(join(outside, 'secret'), join(d, 'file'));
  const s = fsStore(d);
  for (const key of ['way/secret', 'way/new', 'file']) {
    await assert.rejects(s.put(key, bytes(1)), fails('E_PERMISSION', d));
    await assert.rejects(s.get(key), fails('E_PERMISSION', d));
    await assert.rejects(s.head(key), fails('E_PERMISSION', d));
    await assert.rejects(s.delete(key), fails('E_PERMISSION', d));
    await assert.rejects(
      s.put(() => key, bytes(1)),
      fails('E_PERMISSION', d),
    );
  }
  assert.deepEqual(await list(s), []);
  assert.equal(await nodeFs.readFile(join(outside, 'secret'), 'utf8'), 'secret');
  // the directory that the user named may be a link
  await nodeFs.symlink(outside, join(d, 'root'));
  await fsStore(join(d, 'root')).put('x', bytes(1));
  assert.deepEqual(await list(fsStore(outside)), ['secret', 'x']);
});

async function list(s: Store): Promise<string[]> {
  const out: string[] = [];
  for await (const e of s.list('')) out.push(e.key);
  return out;
}

test('fs: temporaries of a killed writer are not listed, and old ones are removed', async () => {
  const d = await dir();
  await nodeFs.writeFile(join(d, '.tmp-old'), 'x');
  await nodeFs.writeFile(join(d, '.tmp-new'), 'x');
  await nodeFs.utimes(join(d, '.tmp-old'), new Date(0), new Date(0));
  const s = fsStore(d);
  assert.deepEqual(await list(s), []);
  await s.put('x', bytes(1));
  assert.deepEqual(await everything(d), ['.tmp-new', 'x']);
});

test('fs: an object that is cut short while it is read is E_RANGE', async () => {
  const d = await dir();
  await fsStore(d).put('x', bytes(1, 2, 3));
  const fs = faulty({}, (h) => {
    const read = h.read.bind(h) as (
      b: Uint8Array,
      at: number,
      n: number,
      pos: number,
    ) => Promise<{ bytesRead: number }>;
    return {
      read: (b: Uint8Array, at: number, n: number, pos: number) =>
        pos >= 2 ? { bytesRead: 0 } : read(b, at, Math.min(n, 2), pos),
    };
  });
  await assert.rejects(fsStore(d, { fs }).get('x'), fails('E_RANGE', join(d, 'x')));
});

test('fs: an answer goes to the memory that is handed in, where it fits', async () => {
  const store = fsStore(await dir());
  await store.put('a', Uint8Array.of(1, 2, 3, 4));
  const into = new Uint8Array(3);
  const part = await store.get('a', { offset: 1, length: 2, into });
  assert.equal(part.buffer, into.buffer);
  assert.deepEqual(
    [[...part], [...into]],
    [
      [2, 3],
      [2, 3, 0],
    ],
  );
  assert.deepEqual([...(await store.get('a', { into }))], [1, 2, 3, 4]);
});
