/**
 * A small model checker for tests: programs that share a store, in every order in which their calls may reach it. Calls are atomic
 * where a store has to make them so: a put when it publishes, a list when its first key comes. `head` answers at once, since what
 * follows asks again.
 *
 * A program's next step hangs on what it was answered alone, so orders that lead to the same store and the same answers are
 * followed once; each is played from the beginning.
 */

import { createHash } from 'node:crypto';
import { mock } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { memoryStore } from '../../adapters/memory.ts';
import type { Store, StoreBody } from '../../adapters/store.ts';

/** Prepares alone, and gives what then races. */
export type Program = (store: Store) => Promise<() => Promise<unknown>>;

/** Fulfilled values and errors of programs, undefined while they run. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown } | undefined;

export interface Race {
  /** What is in the store before; it counts as old. */
  readonly before: (store: Store) => Promise<void>;
  readonly programs: readonly Program[];
  /** What holds whenever all may be killed: throws what does not. */
  readonly always: (store: Store, outcomes: readonly Outcome[]) => Promise<void>;
}

export interface Explored {
  /** Different states of the store and the programs. */
  readonly states: number;
  /** Outcomes of whole orders, as text, each once. */
  readonly ends: ReadonlySet<string>;
}

const digest = (what: string | Uint8Array) => createHash('sha1').update(what).digest('base64');

/** When prepared objects were written, and those that come later, by `modified`: far apart, since who collects goes by the time of day. */
export const OLD = 0;
export const YOUNG = 1e9;

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}

const gather = async (body: Uint8Array | StoreBody): Promise<Uint8Array> =>
  body instanceof Uint8Array ? body.slice() : Buffer.concat(await all(body.chunks()));

/** One order, as far as it is played. */
class Play {
  readonly outcomes: Outcome[] = [];
  readonly store = memoryStore();
  readonly #digests = new Map<string, string>();
  readonly #young = new Set<string>();
  /** What each program has been answered. */
  readonly #traces: string[] = [];
  readonly #waiting: (() => void)[][] = [];
  #racing = false;
  #wake = () => {};
  /** Whose turn it is, and how many random numbers each has drawn. */
  #current = 0;
  readonly #drawn: number[] = [];

  async start(before: ReadonlyMap<string, Uint8Array>, programs: readonly Program[]): Promise<void> {
    for (const [key, bytes] of before) await this.#put(key, bytes);
    this.#young.clear();
    const ready: (() => Promise<unknown>)[] = [];
    for (const [i, p] of programs.entries()) {
      this.#current = i;
      [this.#traces[i], this.#waiting[i], this.#drawn[i]] = ['', [], 0];
      ready.push(await p(this.#seenBy(i)));
    }
    this.#racing = true;
    for (const [i, work] of ready.entries()) {
      this.#current = i;
      await this.#moves(() => {
        work()
          .then(
            (value) => {
              this.outcomes[i] = { value };
            },
            (error: unknown) => {
              this.outcomes[i] = { error };
            },
          )
          .then(() => this.#wake());
      });
    }
  }

  /** Programs that have a call to make. */
  enabled(): number[] {
    return this.#waiting.flatMap((w, i) => (w.length > 0 ? [i] : []));
  }

  /** One call of a program, and what it does until its next. */
  async step(i: number): Promise<void> {
    this.#current = i;
    await this.#moves(() => this.#waiting[i].shift()?.());
  }

  random(into: Uint8Array): Uint8Array {
    this.#drawn[this.#current]++;
    return into.fill(16 * this.#current + this.#drawn[this.#current]);
  }

  /** Everything in the store. */
  content(): string {
    return [...this.#digests].sort().join();
  }

  key(): string {
    return digest(`${this.content()} ${[...this.#young].sort()} ${this.#traces}`);
  }

  async #moves(work: () => void): Promise<void> {
    const moved = new Promise<void>((done) => {
      this.#wake = done;
    });
    work();
    await moved;
    await setImmediate(); // a program may make several calls at once
  }

  async #turn(i: number): Promise<void> {
    if (!this.#racing) return;
    await new Promise<void>((go) => {
      this.#waiting[i].push(go);
      this.#wake();
    });
  }

  async #put(key: string, bytes: Uint8Array, o?: { ifAbsent?: boolean }) {
    const answer = await this.store.put(key, bytes, o);
    if (answer === 'written') {
      this.#digests.set(key, digest(bytes));
      this.#young.add(key);
    }
    return answer;
  }

  #seenBy(i: number): Store {
    const { store } = this;
    const call = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      await this.#turn(i);
      const said = (what: unknown) => {
        const text = what instanceof Uint8Array ? what : (JSON.stringify(what) ?? '');
        this.#traces[i] = digest(`${this.#traces[i]} ${name} ${digest(text)}`);
      };
      try {
        const answer = await work();
        said(answer);
        return answer;
      } catch (e) {
        said(String(e));
        throw e;
      }
    };
    const listed = async (prefix: string, o: object | undefined) => {
      const found = await all(store.list(prefix, o));
      return found.map((e) => ({ ...e, modified: this.#young.has(e.key) ? YOUNG : OLD }));
    };
    return {
      ...store,
      head: (key, o) => store.head(key, o),
      get: (key, o) => call(`get ${key} ${o?.offset} ${o?.length}`, () => store.get(key, o)),
      put: async (late, body, o) => {
        const bytes = await gather(body);
        const key = typeof late === 'string' ? late : late();
        return call(`put ${key} ${digest(bytes)}`, () => this.#put(key, bytes, o));
      },
      delete: (key) =>
        call(`delete ${key}`, async () => {
          this.#digests.delete(key);
          this.#young.delete(key);
          await store.delete(key);
        }),
      list: async function* (prefix, o) {
        yield* await call(`list ${prefix}`, () => listed(prefix, o));
      },
    };
  }
}

/** Plays every order. @throws what `always` throws, with the order that leads there. */
export async function everyOrder({ before, programs, always }: Race): Promise<Explored> {
  const prepared = memoryStore();
  await before(prepared);
  const old = new Map<string, Uint8Array>();
  for await (const { key } of prepared.list('')) old.set(key, await prepared.get(key));
  let play = new Play();
  const chance = mock.method(crypto, 'getRandomValues', ((a: Uint8Array) =>
    play.random(a)) as typeof crypto.getRandomValues);
  const [seen, looked, ends] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const open: number[][] = [[]];
  try {
    for (let path = open.pop(); path; path = open.pop()) {
      play = new Play();
      await play.start(old, programs);
      for (let at = 0; ; at++) {
        if (at >= path.length) {
          const now = `${play.content()} ${play.outcomes.map((o) => o && JSON.stringify(o))}`;
          if (!looked.has(now)) {
            looked.add(now);
            await always(play.store, play.outcomes).catch((e: Error) => {
              throw new Error(`after ${path?.join('')}: ${e.message}`, { cause: e });
            });
          }
          const [first, ...others] = play.enabled();
          if (first === undefined) {
            ends.add(play.outcomes.map(told).join(', '));
            break;
          }
          const key = play.key();
          if (seen.has(key)) break;
          seen.add(key);
          for (const i of others) open.push([...path, i]);
          path.push(first);
        }
        await play.step(path[at]);
      }
    }
  } finally {
    chance.mock.restore();
  }
  return { states: seen.size, ends };
}

const told = (o: Outcome): string =>
  o && 'error' in o ? ((o.error as { code?: string }).code ?? String(o.error)) : 'ok';
