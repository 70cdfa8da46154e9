/** What pages of browser stores share: bodies to write, and calls that Node's side or another thread asks for. */

import assert from 'node:assert/strict';
import type { BrowserStore, BrowserStoreOptions } from '../browser-storage.ts';
import type { StoreBody } from '../store.ts';
import { history, type Rival, rival } from './iris-run.ts';

let go: (until: number) => Promise<Rival> = () => Promise.reject(new Error('takeOver() first'));

let made = 0;
/** A name that no other test of this origin has. */
export const fresh = () => `${typeof document === 'undefined' ? 'worker' : 'page'}-${Date.now()}-${made++}`;

export const bytes = (...v: number[]) => Uint8Array.from(v);

/** Bytes that differ everywhere. */
export function noise(size: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  for (let i = 0, x = 1; i < words.length; i++) words[i] = x = Math.imul(x, 1664525) + 1013904223;
  return new Uint8Array(words.buffer, 0, size);
}

export const code = (want: string) => (e: unknown) => {
  assert.equal((e as { code?: string }).code, want, String(e));
  assert.notEqual((e as { hint?: string }).hint, '');
  return true;
};

/** A body that waits before its last chunk, so that something can happen meanwhile. */
export function paused(size: number): { body: StoreBody; reached: Promise<void>; go: () => void } {
  let [arrive, go] = [() => {}, () => {}];
  const reached = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const gate = new Promise<void>((resolve) => {
    go = resolve;
  });
  const body = {
    size,
    async *chunks() {
      yield noise(size - 1);
      arrive();
      await gate;
      yield bytes(1);
    },
  };
  return { body, reached, go };
}

/** What Node's side asks of every store; `incomplete` counts what writers have left half-written. */
export const storeCalls = (
  open: (name: string, o?: BrowserStoreOptions) => BrowserStore,
  incomplete: (name: string) => Promise<number>,
) => ({
  incomplete,

  async write(name: string, size: number): Promise<string> {
    return open(name).put('x', noise(size));
  },

  /** Null where it is not there. */
  async check(name: string, size: number): Promise<boolean | null> {
    const store = open(name);
    if ((await store.head('x')) === null) return null;
    const [got, want] = [await store.get('x'), noise(size)];
    return got.length === size && got.every((v, i) => v === want[i]);
  },

  /** Writes without end. */
  async writeForever(name: string): Promise<void> {
    const endless: StoreBody = {
      size: 2 ** 40,
      async *chunks() {
        for (;;) yield noise(4 * 2 ** 20);
      },
    };
    await open(name).put('endless', endless);
  },

  async keys(name: string): Promise<string[]> {
    const out: string[] = [];
    for await (const { key } of open(name).list('')) out.push(key);
    return out;
  },

  /** Fills the store until it refuses. */
  async fill(name: string, size: number): Promise<{ written: number; error: unknown; after: string; intact: boolean }> {
    const store = open(name);
    let written = 0;
    try {
      for (; written < 50; written++) await store.put(`fill/${written}`, noise(size));
    } catch (e) {
      const { code, message, hint, details } = e as Record<string, unknown>;
      const left = await incomplete(name);
      const [last, want] = [await store.get(`fill/${written - 1}`), noise(size)];
      const intact = left === 0 && last.every((v, i) => v === want[i]);
      await store.delete('fill/0');
      const after = await store.put('small', bytes(1, 2, 3), { ifAbsent: true });
      return { written, error: { code, message, hint, details }, after, intact };
    }
    return { written, error: null, after: '', intact: false };
  },

  /** How many of the keys this one wrote, racing with others. */
  async race(name: string, mark: number): Promise<number[]> {
    const store = open(name);
    const won: number[] = [];
    for (let i = 0; i < 50; i++) {
      if ((await store.put(`race/${i}`, bytes(mark), { ifAbsent: true })) === 'written') won.push(i);
    }
    return won;
  },

  /** Takes a run over, and with `trainOn` trains it beside others. */
  async takeOver(name: string): Promise<void> {
    go = await rival(open(name));
  },

  trainOn: (until: number): Promise<Rival> => go(until),

  commits: (name: string) => history(open(name)),

  async owners(name: string): Promise<number[]> {
    const store = open(name);
    return Promise.all(Array.from({ length: 50 }, async (_, i) => (await store.get(`race/${i}`))[0]));
  },

  /** How often the browser was asked to keep what is stored, by opening and by writing, and what the store says of it. */
  async persist(name: string, o: BrowserStoreOptions): Promise<{ asked: number[]; persisted: boolean | undefined }> {
    const storage = Object.getPrototypeOf(navigator.storage) as StorageManager;
    const { persist } = storage;
    let calls = 0;
    if (persist) {
      storage.persist = function (this: StorageManager) {
        calls++;
        return persist.call(this);
      };
    }
    try {
      const store = open(name, o);
      await store.caps();
      const asked = [calls];
      for (const key of ['x', 'y']) await store.put(key, bytes(1));
      asked.push(calls);
      return { asked, persisted: await store.persisted() };
    } finally {
      if (persist) storage.persist = persist;
    }
  },
});

/** Makes the calls ready for Node's side, and in a worker for the page, which calls them with `inWorker`. */
export function serveCalls(calls: object): void {
  const inWorker = (call: string, ...args: unknown[]): Promise<unknown> => {
    const worker = new Worker('/script.js', { type: 'module' });
    return new Promise((resolve, reject) => {
      worker.onerror = (e) => reject(new Error(e.message));
      worker.onmessage = ({ data }) => {
        worker.terminate();
        resolve(data);
      };
      worker.postMessage([call, ...args]);
    });
  };
  Object.assign(globalThis, calls, { inWorker });
  if (typeof document !== 'undefined') return;
  globalThis.onmessage = async ({ data: [call, ...args] }: MessageEvent<[string, ...unknown[]]>) => {
    const work = (calls as Record<string, (...a: unknown[]) => unknown>)[call];
    globalThis.postMessage(await work(...args));
  };
}
