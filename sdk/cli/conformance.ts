/** `isobit conformance`: the same suite on every runtime that this machine has, as a table. */

import { runRows } from '../../conformance/rows/launch/run.ts';
import { type Mismatch, type RowReport, RUNTIMES, type RuntimeName, type Said } from '../../conformance/rows/report.ts';
import { DeviceError } from '../core/errors.ts';
import type { ConformanceOptions } from './options.ts';
import type { Terminal } from './program.ts';

/** The contract that the suite holds runtimes to. */
const CONTRACT = 1;
/** Of the fuzzed graphs: the same in every run, so that runs can be compared. */
const SEED = 20;
/** Between two lines of one row about its progress, in milliseconds. */
const QUIET = 10_000;

export async function conformance(o: ConformanceOptions, t: Terminal): Promise<void> {
  const rows = await untilInterrupted((signal) =>
    runRows(o.runtime ?? RUNTIMES, {
      seed: SEED,
      graphs: o.graphs,
      stride: 1,
      onSaid: progress(t),
      onEnd: (row) => t.err(`${row.runtime}: ${row.status}, ${row.seconds} s\n`),
      signal,
    }),
  );
  t.out(o.json ? `${JSON.stringify({ contract: CONTRACT, rows })}\n` : describe(rows));
  judge(rows);
}

/** Ctrl-C ends the browsers and servers that were started, too. */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const control = new AbortController();
  const stop = (name: string) => control.abort(new DeviceError('E_DEVICE', `conformance: ended by ${name}`));
  for (const name of ['SIGINT', 'SIGTERM']) process.once(name, stop);
  try {
    return await work(control.signal);
  } finally {
    for (const name of ['SIGINT', 'SIGTERM']) process.off(name, stop);
  }
}

/** Progress for people, on standard error: no row says more than one thing in ten seconds, save what is wrong. */
function progress(t: Terminal): (runtime: RuntimeName, said: Said) => void {
  const begun = new Map<RuntimeName, { cases: number; last: number }>();
  return (runtime, said) => {
    if (said.kind === 'begin') {
      begun.set(runtime, { cases: said.cases, last: performance.now() });
      t.err(`${runtime}: ${said.engine} on ${said.adapter}, ${said.cases} cases\n`);
    } else if (said.kind === 'mismatch') {
      t.err(`${runtime}: ${tell(said.mismatch)}\n`);
    } else if (said.kind === 'progress') {
      const row = begun.get(runtime);
      if (!row || performance.now() - row.last < QUIET) return;
      row.last = performance.now();
      t.err(`${runtime}: ${said.done} of ${row.cases}\n`);
    }
  };
}

/** One line: the case, and what is wrong with it. */
const tell = (m: Mismatch): string => `${m.case}: ${m.text.split('\n')[0]}`;

function describe(rows: readonly RowReport[]): string {
  const head = ['runtime', 'engine', 'adapter', 'cases', 'mismatches', 'status', 'seconds'];
  const body = rows.map((r) => [
    r.runtime,
    r.engine ?? '-',
    r.adapter ?? '-',
    r.status === 'unavailable' ? '-' : String(r.cases),
    r.status === 'unavailable' ? '-' : String(r.mismatches),
    r.status,
    r.seconds.toFixed(1),
  ]);
  const all = [head, ...body];
  const widths = head.map((_, i) => Math.max(...all.map((line) => line[i].length)));
  const table = all.map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i]))
      .join('  ')
      .trimEnd(),
  );
  const remarks = rows.flatMap((r) => [
    ...(r.why === null ? [] : [`${r.runtime}: ${r.why}`]),
    ...(r.first === null ? [] : [`${r.runtime}, first mismatch: ${tell(r.first)}`]),
  ]);
  const count = (status: RowReport['status']) => rows.filter((r) => r.status === status).length;
  const sum = `contract ${CONTRACT}: ${count('passed')} passed, ${count('failed')} failed, ${count('unavailable')} unavailable`;
  return `${[...table, ...remarks, sum].join('\n')}\n`;
}

/** Throws where a row failed; with CI=true also where one could not be run. */
export function judge(rows: readonly RowReport[]): void {
  const named = (status: RowReport['status']) => rows.filter((r) => r.status === status).map((r) => r.runtime);
  const failed = named('failed');
  if (failed.length > 0) {
    throw new DeviceError('E_UNQUALIFIED', `conformance: ${failed.join(', ')} failed`, {
      hint: 'The first mismatch of each row is told above: its case, element and both bit patterns.',
      details: { failed },
    });
  }
  const missing = named('unavailable');
  if (missing.length > 0 && process.env.CI === 'true') {
    throw new DeviceError('E_NO_DEVICE', `conformance: ${missing.join(', ')} cannot be run on this machine`, {
      hint: 'Install what is named above, or name the rows to run with --runtime.',
      details: { missing },
    });
  }
}
