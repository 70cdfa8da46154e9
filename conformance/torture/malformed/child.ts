/**
 * The process that reads what is malformed, with little heap:
 *
 *   node --max-old-space-size=256 child.mjs SEED FROM TO
 *
 * Input k depends on the seed and k alone. Says `{"fault": …}` and, now and then and at the end, how far it is.
 */

import { getHeapStatistics } from 'node:v8';
import { memoryStore } from '../../../adapters/memory.ts';
import { decodeCommit } from '../../../sdk/checkpoint/commit.ts';
import { LIMITS } from '../../../sdk/checkpoint/limits.ts';
import { RunStore } from '../../../sdk/checkpoint/run.ts';
import { random } from '../../../sdk/checkpoint/sample.ts';
import { CheckpointError, isIsobitError } from '../../../sdk/core/errors.ts';
import type { Next } from './cbor.ts';
import { bases, forge, forgeRecord, readCheckpoint, readRecord, scramble, validRecord } from './files.ts';
import { foreign } from './foreign.ts';

/** How far the child is, since its beginning. */
export interface Report {
  readonly done: number;
  /** Inputs by kind and outcome: 'read', or the error's code. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** By kind, the most that an input took beside a valid one of its size, and by how many bytes array buffers grew beyond it. */
  readonly slowest: Readonly<Record<string, number>>;
  readonly growth: Readonly<Record<string, number>>;
}

export type Word = { readonly fault: string; readonly input: number } | Report;

/** An input takes at most so many times what a valid file of its size does. */
const SLOW = 20;
/** Array buffers grow by the input's size and at most this. */
const GROWTH = 16 * 2 ** 20;

interface Kind {
  /** Of a hundred inputs. */
  readonly share: number;
  /** Files that are read in the ordinary time. */
  readonly valid: readonly Uint8Array[];
  make(next: Next): Uint8Array;
  read(bytes: Uint8Array): Promise<unknown> | unknown;
  /** Must be a CheckpointError, not any error of ours. */
  readonly own: boolean;
}

async function kinds(): Promise<Record<string, Kind>> {
  const files = await bases();
  const record = await validRecord();
  const [object] = files;
  // the larger ones are few, because they take long
  const pick = (next: Next) => {
    const lot = next() % 100;
    return files[next() % (lot === 0 ? files.length : lot < 30 ? files.length - 2 : 3)];
  };
  const valid = files.map((b) => b.bytes);
  const out: Record<string, Kind> = {
    checkpoint: { share: 52, valid, own: true, read: readCheckpoint, make: (next) => forge(pick(next), next) },
    'checkpoint, unsealed': {
      share: 6,
      valid,
      own: true,
      read: readCheckpoint,
      make: (next) => scramble(pick(next).bytes, next),
    },
    record: {
      share: 11,
      valid: [record],
      own: true,
      make: (next) => forgeRecord(record, next),
      read: (b) => readRecord(b),
    },
    run: {
      share: 3,
      valid: [record],
      own: true,
      make: (next) => forgeRecord(record, next),
      async read(bytes) {
        const store = memoryStore();
        const { object: key, seq } = await decodeCommit(record, 'record', LIMITS);
        await store.put(key, object.bytes);
        await store.put(`commits/${String(seq).padStart(20, '0')}.cbor`, bytes);
        await new RunStore(store, { keepLast: 1 }).resume();
      },
    },
  };
  for (const [name, f] of Object.entries(foreign())) {
    out[name] = { share: 4, valid: [f.valid], own: false, make: f.make, read: f.read };
  }
  return out;
}

Error.stackTraceLimit = 4;
const count = (o: object) => Reflect.ownKeys(o).length;
const PROTOTYPES = [Object, Array, Function, Map, Set, Promise, String, Number, Uint8Array, Error].map(
  (c) => c.prototype as object,
);
const BORN = PROTOTYPES.map(count);

async function main(seed: number, from: number, to: number): Promise<void> {
  const say = (w: Word) => process.stdout.write(`${JSON.stringify(w)}\n`);
  const all = await kinds();
  const lots = Object.entries(all).flatMap(([name, k]) => Array.from({ length: k.share }, () => name));
  const outcomes: Record<string, Record<string, number>> = {};
  const slowest: Record<string, number> = {};
  const growth: Record<string, number> = {};

  /** Milliseconds of this process's CPU: other processes lengthen the clock's time. */
  const cpu = (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const time = async (k: Kind, bytes: Uint8Array): Promise<number> => {
    const start = cpu();
    try {
      await k.read(bytes);
    } catch {
      // told elsewhere
    }
    return cpu() - start;
  };
  const least = async (k: Kind, bytes: Uint8Array, n: number): Promise<number> => {
    let t = Number.POSITIVE_INFINITY;
    for (let i = 0; i < n; i++) t = Math.min(t, await time(k, bytes));
    return t;
  };
  /** Milliseconds of valid files by size. */
  const ordinary: Record<string, { size: number; ms: number }[]> = {};
  for (const [name, k] of Object.entries(all)) {
    ordinary[name] = [];
    for (const v of k.valid) {
      for (const until = performance.now() + 20; performance.now() < until; ) await time(k, v);
      ordinary[name].push({ size: v.length, ms: await least(k, v, 5) });
    }
  }
  /** What a valid file of a size takes: that of the nearest one, by the byte where it is smaller. */
  const expected = (name: string, size: number): number => {
    const near = (e: { size: number }) => Math.abs(Math.log((e.size + 1) / (size + 1)));
    const e = ordinary[name].reduce((a, b) => (near(b) < near(a) ? b : a));
    return e.ms * Math.max(1, size / e.size);
  };

  for (let k = from; k < to; k++) {
    const next = random((Math.imul(seed, 0x9e3779b1) ^ Math.imul(k + 1, 0x85ebca6b)) >>> 0);
    const name = lots[next() % lots.length];
    const kind = all[name];
    const fault = (what: string) => say({ fault: `${name}: ${what}`, input: k });
    const bytes = kind.make(next);
    const before = getHeapStatistics().external_memory;
    const start = cpu();
    let outcome = 'read';
    try {
      await kind.read(bytes);
    } catch (e) {
      outcome = isIsobitError(e) ? e.code : 'untyped';
      const typed = kind.own ? e instanceof CheckpointError : isIsobitError(e);
      if (!typed || !/^E_[A-Z_]+$/.test(outcome)) fault(e instanceof Error ? `${e.stack}` : String(e));
    }
    let ms = cpu() - start;
    const grown = getHeapStatistics().external_memory - before - bytes.length;
    growth[name] = Math.max(growth[name] ?? 0, grown);
    if (grown > GROWTH) fault(`array buffers grew by ${grown} bytes beyond the ${bytes.length} of the input`);
    const limit = expected(name, bytes.length);
    // the collector and the compiler come when they like: an input is slow if it is slow each time
    if (ms > Math.min(SLOW, slowest[name] ?? 0) * limit) ms = Math.min(ms, await least(kind, bytes, 9));
    if (ms > SLOW * limit)
      fault(`took ${ms.toFixed(2)} ms, a valid file of ${bytes.length} bytes ${limit.toFixed(3)} ms`);
    slowest[name] = Math.max(slowest[name] ?? 0, ms / limit);
    for (const [i, p] of PROTOTYPES.entries()) if (count(p) !== BORN[i]) fault('a prototype was polluted');
    outcomes[name] ??= {};
    outcomes[name][outcome] = (outcomes[name][outcome] ?? 0) + 1;
    if ((k - from) % 1000 === 999 || k === to - 1) say({ done: k + 1 - from, outcomes, slowest, growth });
  }
}

await main(Number(process.argv[2]), Number(process.argv[3]), Number(process.argv[4]));
