/** Malformed input, made so that it gets behind the digests, read in a process with little heap. */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { bundle } from './bundle.ts';
import type { Report, Word } from './malformed/child.ts';
import { part } from './part.ts';

export interface MalformedOptions {
  readonly inputs: number;
  readonly seed: number;
  /** The first input's number, to repeat one. */
  readonly from: number;
  /** Megabytes of JavaScript's heap. */
  readonly heap: number;
}

/** A thousand inputs take a second or two: longer than this is a hang. */
const HANG_MS = 180_000;

export async function malformedInputs(
  o: MalformedOptions,
  say: (line: string) => void = () => {},
): Promise<{ faults: string[]; report: Report | undefined }> {
  const root = await mkdtemp(join(tmpdir(), 'isobit-malformed-'));
  const script = join(root, 'child.mjs');
  await bundle(new URL('./malformed/child.ts', import.meta.url), script);
  const faults: string[] = [];
  let report: Report | undefined;
  try {
    const args = [script, `${o.seed}`, `${o.from}`, `${o.from + o.inputs}`];
    const child = spawn(process.execPath, [`--max-old-space-size=${o.heap}`, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (t: string) => {
      stderr = (stderr + t).slice(-4000);
    });
    const hung = () => {
      faults.push(`hung after input ${o.from + (report?.done ?? 0)}`);
      child.kill('SIGKILL');
    };
    let timer = setTimeout(hung, HANG_MS);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const word = JSON.parse(line) as Word;
      if ('fault' in word)
        faults.push(`input ${word.input} (--seed ${o.seed} --from ${word.input} --inputs 1): ${word.fault}`);
      else {
        report = word;
        clearTimeout(timer);
        timer = setTimeout(hung, HANG_MS);
        if (word.done % 50_000 === 0) say(`${word.done} of ${o.inputs}, ${faults.length} faults`);
      }
    });
    const code = await new Promise((done) => child.on('close', done));
    clearTimeout(timer);
    if (code !== 0 || report?.done !== o.inputs)
      faults.push(`the process ended with ${code} after input ${o.from + (report?.done ?? 0)}: ${stderr}`);
    return { faults, report };
  } finally {
    await rm(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

export const malformed = part({ inputs: 1_000_000, seed: 1, from: 0, heap: 256 }, async (o, say) => {
  say(`malformed: seed ${o.seed}, heap ${o.heap} MB`);
  const { faults, report } = await malformedInputs(o, say);
  for (const [kind, outcomes] of Object.entries(report?.outcomes ?? {})) {
    const sorted = Object.entries(outcomes).sort((a, b) => b[1] - a[1]);
    const { slowest, growth } = report!;
    say(`${kind}: ${sorted.map(([code, n]) => `${code} ${n}`).join(', ')}`);
    say(
      `    slowest ${slowest[kind].toFixed(1)} x a valid file, array buffers at most ${(growth[kind] / 2 ** 20).toFixed(1)} MiB more`,
    );
  }
  for (const f of faults.slice(0, 20)) say(`FAULT ${f}`);
  say(`${report?.done ?? 0} inputs, ${faults.length} faults`);
  return faults.length === 0;
});
