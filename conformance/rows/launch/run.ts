/** Runs rows beside each other, and gathers what each says into a report. */

import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OptionError } from '../../../sdk/core/errors.ts';
import type { Mismatch, RelayOptions, RowOptions, RowReport, RuntimeName, Said } from '../report.ts';
import { type Ask, Unavailable } from './ask.ts';
import { ROWS, type Row } from './rows.ts';

/** A row that says nothing for so long has stopped, in milliseconds. Software GPUs compile for minutes on a busy machine. */
const SILENCE = 300_000;

export interface RunOptions extends Omit<RowOptions, 'backend'> {
  readonly onSaid?: (runtime: RuntimeName, said: Said) => void;
  readonly onEnd?: (report: RowReport) => void;
  /** Rows beside each other; the number of cores unless given, and no more than two. */
  readonly parallel?: number;
  /** Ends all rows; the run then throws its reason. */
  readonly signal?: AbortSignal;
}

/** What one row does: the suite, or legs of a relay, whose stores pages reach over HTTP. */
export interface RowTask extends Pick<RunOptions, 'onSaid' | 'signal'>, Pick<Ask, 'stores'> {
  readonly task: Omit<RowOptions, 'backend'> | Omit<RelayOptions, 'backend'>;
}

/** Reports in the order of the names. A row that cannot be run is reported, never left out. */
export async function runRows(names: readonly RuntimeName[], o: RunOptions): Promise<RowReport[]> {
  const bundles = bundlesOf();
  const reports = new Map<RuntimeName, RowReport>();
  // The long ones first, so that the last to end is a short one.
  const queue = [...names].sort((a, b) => rank(a) - rank(b));
  const worker = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const { seed, graphs, stride } = o;
      const report = await runRow(name, ROWS[name], bundles, { ...o, task: { seed, graphs, stride } });
      o.signal?.throwIfAborted();
      reports.set(name, report);
      o.onEnd?.(report);
    }
  };
  const parallel = o.parallel ?? Math.min(2, availableParallelism());
  await Promise.all(Array.from({ length: parallel }, worker));
  return names.map((name) => reports.get(name) as RowReport);
}

const rank = (name: RuntimeName): number => (ROWS[name].backend === 'webgpu' ? 0 : 1);

/** dist/rows of the package that this file is in, be it a source or a bundle. */
export function bundlesOf(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const bundles = join(folder, 'dist/rows');
    if (existsSync(bundles)) return bundles;
    if (dirname(folder) === folder) {
      throw new OptionError('conformance: dist/rows is missing', { hint: 'Build it: npm run build.' });
    }
  }
}

/** One row to its end, whatever that is. */
export async function runRow(
  runtime: RuntimeName,
  { backend, launch }: Row,
  bundles: string,
  o: RowTask,
): Promise<RowReport> {
  const started = performance.now();
  const watch = new AbortController();
  const signal = o.signal ? AbortSignal.any([o.signal, watch.signal]) : watch.signal;
  const stop = () => watch.abort(new Error(`nothing was heard for ${SILENCE / 1000} s`));
  let timer = setTimeout(stop, SILENCE);
  let [engine, adapter]: (string | null)[] = [null, null];
  let [done, mismatches] = [0, 0];
  let first: Mismatch | null = null;
  let status: RowReport['status'] = 'failed';
  let why: string | null = null;
  const say = (said: Said) => {
    clearTimeout(timer);
    timer = setTimeout(stop, SILENCE);
    switch (said.kind) {
      case 'begin':
        ({ engine, adapter } = said);
        break;
      case 'progress':
        ({ done } = said);
        break;
      case 'leg':
        done++;
        break;
      case 'mismatch':
        mismatches++;
        first ??= said.mismatch;
        break;
      case 'end':
        ({ mismatches, first } = said);
        done = said.cases;
        status = mismatches === 0 ? 'passed' : 'failed';
        break;
      case 'unavailable':
        ({ why } = said);
        status = 'unavailable';
        break;
      case 'failed':
        ({ why } = said);
        break;
      default:
        said satisfies never;
    }
    o.onSaid?.(runtime, said);
  };
  try {
    await launch({ options: { backend, ...o.task }, bundles, stores: o.stores, say, signal });
  } catch (e) {
    status = e instanceof Unavailable ? 'unavailable' : 'failed';
    const cause = watch.signal.aborted ? watch.signal.reason : e;
    why = cause instanceof Error ? cause.message : String(cause);
  } finally {
    clearTimeout(timer);
  }
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  return { runtime, engine, adapter, cases: done, mismatches, status, first, why, seconds };
}
