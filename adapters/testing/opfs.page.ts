/** In a page or a worker: the shared suite over OPFS, and what is special to it. Node's side is opfs.test.ts. */

import assert from 'node:assert/strict';
import { opfsStore } from '../opfs.ts';
import { bytes, code, noise, paused, serveCalls, storeCalls } from './page-calls.ts';
import { failedPuts, pageStoreTests } from './page-store.ts';
import { runTests } from './page-test.ts';

const MIB = 2 ** 20;
const worker = typeof document === 'undefined';

const rootOf = async (name: string) => (await navigator.storage.getDirectory()).getDirectoryHandle(`isobit-${name}`);

/** Every file below a directory, read without the adapter. */
async function raw(name: string): Promise<string[]> {
  const files = async (at: FileSystemDirectoryHandle, path: string): Promise<string[]> => {
    const out: string[] = [];
    for await (const [k, h] of at.entries()) {
      if (h.kind === 'file') out.push(path + k);
      else out.push(...(await files(h as FileSystemDirectoryHandle, `${path}${k}/`)));
    }
    return out;
  };
  return (await files(await rootOf(name), '')).sort();
}

const temporaries = async (name: string) => (await raw(name)).filter((f) => f.startsWith('.tmp-'));

const it = pageStoreTests('opfs', (name) => opfsStore(name));

/** Calls of these methods, by name, while `work` runs. */
async function calls(work: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  const spied: [object, string][] = [
    [FileSystemFileHandle.prototype, 'createWritable'],
    [FileSystemFileHandle.prototype, 'move'],
  ];
  const scope = globalThis as { FileSystemSyncAccessHandle?: { prototype: object } };
  if (scope.FileSystemSyncAccessHandle) {
    for (const m of ['write', 'flush', 'close']) spied.push([scope.FileSystemSyncAccessHandle.prototype, m]);
  }
  const undo = spied.map(([on, method]) => {
    const o = on as Record<string, (...a: unknown[]) => unknown>;
    const real = o[method];
    o[method] = function (this: unknown, ...a: unknown[]) {
      seen.push(method);
      return real.apply(this, a);
    };
    return () => {
      o[method] = real;
    };
  });
  try {
    await work();
  } finally {
    for (const f of undo) f();
  }
  return seen;
}

it('says that a power cut may take back what it holds', async (s) => {
  assert.equal((await s.caps()).durable, false);
});

it('a dedicated worker flushes a SyncAccessHandle before the file gets its name; a page closes a stream', async (s) => {
  const seen = await calls(() => s.put('x', bytes(1)));
  assert.deepEqual(seen.slice(0, worker ? 3 : 1), worker ? ['write', 'flush', 'close'] : ['createWritable']);
  assert.equal(seen.at(-1), 'move');
  assert.equal(seen.includes('createWritable'), !worker);
});

it('nothing is written where it is read: every file gets its name with all its bytes', async (s, name) => {
  await s.put('d/x', bytes(1, 2, 3));
  const { body, reached, go } = paused(2 * MIB);
  const put = s.put('d/x', body);
  await reached;
  assert.deepEqual(await s.get('d/x'), bytes(1, 2, 3));
  assert.ok((await temporaries(name)).length > 0);
  go();
  assert.equal(await put, 'written');
  assert.equal((await s.head('d/x'))?.size, 2 * MIB);
  assert.deepEqual(await raw(name), ['d/x']);
});

it('temporaries of a writer that is gone are removed by the next, of one that lives they are not', async (s, name) => {
  const { body, reached, go } = paused(10);
  const put = s.put('x', body);
  await reached;
  const alive = await temporaries(name);
  const root = await rootOf(name);
  // as a killed writer leaves them; Chromium's streams have the second
  for (const dead of ['.tmp-0123456789abcdef', '.tmp-0123456789abcdef.crswap']) {
    await root.getFileHandle(dead, { create: true });
  }
  await opfsStore(name).put('y', bytes(1));
  assert.deepEqual(await temporaries(name), alive);
  go();
  assert.equal(await put, 'written');
  assert.deepEqual(await raw(name), ['x', 'y']);
});

it('failed and refused writes leave no files', async (s, name) => {
  await s.put('x', bytes(1));
  await failedPuts(s, 2 * MIB, new DOMException('the source broke', 'NotReadableError'));
  assert.deepEqual(await raw(name), ['x']);
});

it('a key that is a directory, or goes through a file, is E_PERMISSION, and nothing is lost', async (s) => {
  await s.put('a/b', bytes(1));
  for (const ifAbsent of [true, false]) {
    await assert.rejects(s.put('a', bytes(2), { ifAbsent }), code('E_PERMISSION'));
    await assert.rejects(s.put('a/b/c', bytes(2), { ifAbsent }), code('E_PERMISSION'));
  }
  assert.equal(await s.head('a'), null);
  await s.delete('a');
  await assert.rejects(s.get('a/b/c'), code('E_NOT_FOUND'));
  assert.deepEqual(await s.get('a/b'), bytes(1));
});

it('an object that is replaced while it is read is read again', async (s) => {
  const [a, b] = [noise(20 * MIB), noise(20 * MIB).fill(7)];
  await s.put('x', a);
  const proto = Blob.prototype;
  const { arrayBuffer } = proto;
  let reads = 0;
  proto.arrayBuffer = async function (this: Blob) {
    if (++reads === 2) await s.put('x', b); // between two pieces
    return arrayBuffer.call(this);
  };
  try {
    const got = await s.get('x');
    assert.ok(
      got.every((v) => v === 7),
      'all of it is the new one',
    );
  } finally {
    proto.arrayBuffer = arrayBuffer;
  }
  assert.ok(reads > 2);
});

it('names keep stores apart, whatever they are; a browser that cannot move files is refused', async (s, name) => {
  await s.put('x', bytes(1));
  for (const other of [`${name}/b`, `${name} ü%2f`, `${name}-b`]) {
    assert.equal(await opfsStore(other).head('x'), null);
    await opfsStore(other).put('x', bytes(2));
  }
  assert.deepEqual(await opfsStore(name).get('x'), bytes(1));
  const proto = FileSystemFileHandle.prototype as { move?: unknown };
  const own = Object.getOwnPropertyDescriptor(proto, 'move');
  Object.defineProperty(proto, 'move', { value: undefined, configurable: true });
  try {
    await assert.rejects(s.caps(), code('E_UNSUPPORTED'));
    await assert.rejects(s.put('x', bytes(3)), code('E_UNSUPPORTED'));
  } finally {
    delete proto.move; // Firefox has it on the prototype of that
    if (own) Object.defineProperty(proto, 'move', own);
  }
});

serveCalls({ runTests, ...storeCalls(opfsStore, async (name) => (await temporaries(name)).length) });
