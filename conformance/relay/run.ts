/**
 * One training run that goes from runtime to runtime, each going on from the bytes that the one before has left, beside the
 * same run without interruption on each of them. All end in the same state and the same file, to the bit.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fsStore } from '../../adapters/fs.ts';
import { listen } from '../../adapters/testing/browsers.ts';
import { storeHandler } from '../../adapters/testing/store-server.ts';
import type { Recipe } from '../../examples/recipe.ts';
import { createRuntime } from '../../sdk/index.ts';
import { ROWS } from '../rows/launch/rows.ts';
import { bundlesOf, runRow } from '../rows/launch/run.ts';
import type { Leg, LegEnd, Place, RowReport, RuntimeName } from '../rows/report.ts';
import { handovers, taskOf } from './course.ts';

/** Directory, IndexedDB, HTTP, directory: every kind of store is on the way. */
export const ROUTE: readonly RuntimeName[] = ['node-wasm', 'chromium-webgpu', 'firefox-wasm', 'node-webgpu'];

export interface RelayRun {
  readonly example: string;
  readonly seed: bigint;
  /** Runtimes in the order of the relay; ROUTE unless given. */
  readonly route?: readonly RuntimeName[];
  /** Planted in the relay's leg of that number. */
  readonly fault?: { readonly leg: number; readonly kind: 'bit' | 'seed' };
  readonly onRun?: (run: RanOn) => void;
  readonly signal?: AbortSignal;
}

interface Trouble {
  readonly runtime: RuntimeName;
  readonly why: string;
}

/** A leg, or an uninterrupted run, and where it was run. */
export interface RanOn extends Omit<LegEnd, 'leg'> {
  readonly what: 'leg' | 'whole';
  readonly runtime: RuntimeName;
  readonly engine: string;
  readonly adapter: string;
  /** Stores of a leg, from the one it begins with to the one it ends in. */
  readonly stores: readonly string[];
  /** Its fingerprints are those of the first uninterrupted run at the same steps, and so is the root at the end. */
  readonly same: boolean;
}

export interface RelayReport {
  readonly example: string;
  /** Decimal digits. */
  readonly seed: string;
  readonly steps: number;
  readonly runs: readonly RanOn[];
  /** Runtimes that this machine cannot run, and those that failed, with the reason. */
  readonly unavailable: readonly Trouble[];
  readonly failed: readonly Trouble[];
  /** Of the run's end. */
  readonly fingerprint: string | null;
  readonly root: string | null;
  /** The same bits everywhere; a runtime that is unavailable is left out. */
  readonly same: boolean;
  readonly seconds: number;
}

/** Runs the relay. What goes wrong on a runtime is in the report; an abort throws its reason. */
export async function runRelay(o: RelayRun): Promise<RelayReport> {
  const started = performance.now();
  const route = o.route ?? ROUTE;
  const { recipe, rows } = await courseOf(o.example, o.seed);
  const ends = handovers(recipe, rows, route.length);
  const total = ends[ends.length - 1];
  const folder = await mkdtemp(join(tmpdir(), 'isobit-relay-'));
  const stores = serveBelow(folder);
  await using server = await listen(stores);
  const runs: RanOn[] = [];
  const unavailable: Trouble[] = [];
  const failed: Trouble[] = [];
  const whole: Leg = { ...NOWHERE, at: { kind: 'memory' }, since: 0, until: total, marks: ends, fault: null };
  /** Where the run is now. */
  let [step, home]: [number, string | null] = [0, null];
  const legOf = (i: number, runtime: RuntimeName): Leg => ({
    ...roadOf(runtime, home, `${i + 1}-${runtime}`, folder, server.url),
    since: step,
    until: ends[i] ?? total,
    marks: [],
    fault: o.fault?.leg === i + 1 ? o.fault.kind : null,
  });

  const queue = [...route];
  try {
    for (let i = 0; i < queue.length && failed.length === 0; i++) {
      const runtime = queue[i];
      const own = legOf(i, runtime);
      const legs = i < route.length ? [whole, own] : [own];
      const { report, ended } = await runOn(runtime, legs, stores, o, (run) => {
        const what = run.until === total && run.since === 0 && run.stores.length === 0 ? 'whole' : 'leg';
        const here = { ...run, what } as const;
        runs.push({ ...here, same: isSame(here, runs[0] ?? here) });
        o.onRun?.(runs[runs.length - 1]);
      });
      if (report.status === 'unavailable') unavailable.push({ runtime, why: report.why ?? '' });
      else if (report.status === 'failed' || ended < legs.length) {
        failed.push({ runtime, why: report.why ?? 'ended early' });
      } else [step, home] = [own.until, `${i + 1}-${runtime}`];
      // Where the last runtime is missing, the first that could be run brings the run to its end.
      if (i === queue.length - 1 && step < total && runs.length > 0) queue.push(runs[0].runtime);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const last = runs.filter((r) => r.what === 'leg').at(-1);
  const end = failed.length === 0 && last?.until === total ? last : null;
  return {
    example: o.example,
    seed: String(o.seed),
    steps: total,
    runs,
    unavailable,
    failed,
    fingerprint: end?.fingerprint ?? null,
    root: end?.root ?? null,
    same: end !== null && runs.every((r) => r.same),
    seconds: Math.round((performance.now() - started) / 100) / 10,
  };
}

/** True where the report is what must be: with CI=true no runtime may be missing. */
export function isGood(r: RelayReport): boolean {
  return r.same && !(r.unavailable.length > 0 && process.env.CI === 'true');
}

const NOWHERE = { from: null, to: null } as const;

async function courseOf(example: string, seed: bigint): Promise<{ recipe: Recipe; rows: number }> {
  await using rt = await createRuntime({ backend: 'wasm', seed });
  const { recipe, task } = await taskOf(example, rt.rng);
  return { recipe, rows: task.train.y.data.length };
}

/** Legs on one runtime, and what it says of each. */
async function runOn(
  runtime: RuntimeName,
  legs: readonly Leg[],
  stores: RequestListener,
  o: RelayRun,
  onEnd: (run: Omit<RanOn, 'what' | 'same'>) => void,
): Promise<{ report: RowReport; ended: number }> {
  let [engine, adapter] = ['', ''];
  let ended = 0;
  const report = await runRow(runtime, ROWS[runtime], bundlesOf(), {
    task: { example: o.example, seed: String(o.seed), legs },
    stores,
    signal: o.signal,
    onSaid: (_, said) => {
      if (said.kind === 'begin') ({ engine, adapter } = said);
      if (said.kind !== 'leg') return;
      ended++;
      const { leg, ...end } = said.end;
      const { from, at, to } = legs[leg];
      const places = at.kind === 'memory' ? [] : [from, at, to].flatMap((p) => (p ? [p.kind] : []));
      onEnd({ runtime, engine, adapter, stores: places, ...end });
    },
  });
  o.signal?.throwIfAborted();
  return { report, ended };
}

/** `first` is an uninterrupted run, which has told its fingerprints where legs end. */
function isSame(run: Omit<RanOn, 'same'>, first: Omit<RanOn, 'same'>): boolean {
  const steps = Object.keys(first.marks);
  if (run.what === 'whole' && steps.some((step) => run.marks[step] !== first.marks[step])) return false;
  return run.fingerprint === first.marks[run.until] && (run.until !== first.until || run.root === first.root);
}

/** How a runtime gets the run, where it goes on with it, and where it leaves it: in the directory `place` in the end. */
function roadOf(runtime: RuntimeName, home: string | null, place: string, folder: string, url: string) {
  const [program] = runtime.split('-');
  const page = program === 'chromium' || program === 'firefox';
  const http = (name: string): Place => ({ kind: 'http', url: `${page ? '/' : url}store/${name}/` });
  const from = home === null ? null : http(home);
  if (program === 'chromium') return { from, at: { kind: 'indexeddb', name: 'relay' } as const, to: http(place) };
  if (program === 'firefox') return { from, at: http(place), to: null };
  return { from, at: { kind: 'fs', dir: join(folder, place) } as const, to: null };
}

/** `/store/<directory>/…` of directories of a folder, as a server that keeps files and does not list them. */
function serveBelow(folder: string): RequestListener {
  return (request, response) => {
    const m = /^\/store\/([\w-]+)(\/.*)$/.exec(request.url ?? '');
    if (!m) return void response.writeHead(404).end();
    request.url = m[2];
    storeHandler(fsStore(join(folder, m[1])), { lists: false })(request, response);
  };
}
