/** Runs for the modelled disk: what they save, and what must be found of them whatever befell. */

import { type FsModule, fsStore } from '../../../adapters/fs.ts';
import type { Store } from '../../../adapters/store.ts';
import {
  type CheckpointContent,
  openCheckpoint,
  RunStore,
  type RunStoreOptions,
} from '../../../sdk/checkpoint/index.ts';

/** Below directories that are not there at first. */
export const DIR = '/disk/runs/one';

/** A file of 17 KB, which takes the disk several writes. */
export const state = (step: number): CheckpointContent => ({
  kind: 'train',
  state: { step },
  tensors: new Map(
    ['a', 'b'].map((name, i) => {
      const data = Float32Array.from({ length: 2000 }, (_, k) => step + k * (i + 1));
      return [name, { data, shape: [data.length], dtype: 'f32' as const }];
    }),
  ),
});

/** What was promised: the newest commit's number and step. */
export interface Promised {
  readonly seq: number;
  readonly step: number;
}

/** Somebody who writes. */
export interface Writer {
  /** Takes over what is there, and saves; `promised` is called behind each save. */
  work(promised: (p: Promised) => void): Promise<void>;
  /** One more save by the same writer, after a fault. */
  again(): Promise<void>;
}

export interface Scenario {
  writer(fs: FsModule, name: string): Writer;
  /** What is wrong after a fault with what was promised, or null. */
  wrong(fs: FsModule, promised: Promised | undefined): Promise<string | null>;
}

/** By a clock that stands still, so that equal histories leave equal disks. */
const open = (fs: FsModule, o: RunStoreOptions = {}) => new RunStore(fsStore(DIR, { fs }), { clock: () => 0, ...o });

/** A run, and what is saved in it from a step on. */
function run(
  o: RunStoreOptions,
  work: (
    r: RunStore,
    from: number,
    save: (step: number) => Promise<void>,
    promised: (p: Promised) => void,
  ) => Promise<void>,
): Scenario {
  return {
    writer(fs, name) {
      const r = open(fs, { ...o, writer: name });
      return {
        async work(promised) {
          const from = Number((await r.resume())?.commit.step ?? 0);
          await work(
            r,
            from,
            async (step) => promised((await r.save(state(step), { step, epoch: 0 })).commit),
            promised,
          );
        },
        async again() {
          await r.save(state(50), { step: 50, epoch: 0 });
        },
      };
    },
    wrong: (fs, promised) => wrongRun(fs, promised, o),
  };
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a first run, everything kept': run({}, async (_, from, save) => {
    for (let step = from + 1; step <= 2; step++) await save(step);
  }),
  'a run with retention': run({ keepLast: 2 }, async (_, from, save) => {
    for (let step = from + 1; step <= 4; step++) await save(step);
  }),
  'an older state again, and tags': run({ keepLast: 1 }, async (r, _, save, promised) => {
    await save(1);
    promised((await r.pin('step:1', ['first'])).commit);
    await save(2);
    promised((await r.rollback('first')).commit);
    await save(2);
  }),
  'an object that is replaced': {
    writer(fs) {
      const store = fsStore(DIR, { fs });
      const put = (n: number) => store.put('x', new Uint8Array(12_000).fill(n));
      return {
        async work(promised) {
          // from what is there, so that no promise is taken back
          const from = (await store.head('x')) ? (await store.get('x'))[0] : 0;
          for (let n = from + 1; n <= from + 3; n++) {
            await put(n);
            promised({ seq: n, step: n });
          }
        },
        again: async () => void (await put(50)),
      };
    },
    async wrong(fs, promised) {
      const store = fsStore(DIR, { fs });
      if (!(await store.head('x'))) return promised ? 'it is gone' : null;
      const bytes = await store.get('x');
      if (bytes.length !== 12_000 || bytes.some((b) => b !== bytes[0])) return 'it is neither the old nor the new';
      return bytes[0] < (promised?.step ?? 1) ? `it is ${bytes[0]}, promised was ${promised?.step}` : null;
    },
  },
};

/** Every file under a final name is whole. */
async function whole(store: Store): Promise<void> {
  for await (const { key } of store.list('objects/')) {
    const { root } = await openCheckpoint({ store, key });
    if (!key.startsWith(`objects/${root}-`)) throw new Error(`${key} holds ${root}`);
  }
}

/**
 * What is wrong with a run after a fault, or null: the newest promised commit is there or a newer one, whole; so are all live ones
 * and every object; and the run goes on.
 */
async function wrongRun(fs: FsModule, promised: Promised | undefined, o: RunStoreOptions): Promise<string | null> {
  const store = fsStore(DIR, { fs });
  const run = new RunStore(store, o);
  try {
    const found = await run.resume();
    if (!found && promised) return `nothing is there, commit ${promised.seq} was promised`;
    if (found && found.skipped.length > 0) return `skipped ${found.skipped.map((e) => e.message)}`;
    const last = (await run.commits()).at(-1)?.seq ?? 0;
    if (promised && last < promised.seq) return `the log ends at ${last}, promised was ${promised.seq}`;
    if (found && found.commit.op !== 'pin' && found.file.state.step !== found.commit.step) return 'another state';
    if (found && last === promised?.seq && found.commit.step !== promised.step) return 'another step than promised';
    for await (const e of run.audit()) if (e.seq >= (found?.commit.floor ?? 0)) await e.open();
    await whole(store);
    const next = await run.save(state(99), { step: 99, epoch: 0 });
    if (next.undeleted.length > 0) return `could not remove: ${next.undeleted[0].message}`;
    const again = await open(fs).open();
    if (again?.commit.seq !== next.commit.seq || again.skipped.length > 0) return 'does not go on';
    return null;
  } catch (e) {
    return String(e);
  }
}
