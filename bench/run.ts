/**
 * `npm run bench [-- --quick] [--json] [--only <part>,…]`: isobit beside its peers, in turns on the same data.
 *
 * Times are CPU time of the contender's process unless said, since other processes lengthen the clock's time but hardly this.
 * Nothing here gates: a row over its target is marked OVER, and the exit code stays 0 unless a part fails. A peer that cannot do
 * a row stands there with its own error.
 */

import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type Report, writePage } from './page/write.ts';
import type { Part, Suite } from './part.ts';
import { chromium, threads } from './parts/chromium.ts';
import { growth } from './parts/growth.ts';
import { guards } from './parts/guards.ts';
import { hand } from './parts/hand.ts';
import { matmul } from './parts/matmul.ts';
import { memory } from './parts/memory.ts';
import { infer, train, webgpu } from './parts/nets.ts';
import { saving } from './parts/saving.ts';
import { start } from './parts/start.ts';
import { torch } from './parts/torch.ts';
import { prepare } from './prepare.ts';
import type { Pace } from './race.ts';
import type { Row } from './rows.ts';
import { partTable } from './table.ts';

const PARTS: readonly Part[] = [
  matmul,
  threads,
  train,
  infer,
  chromium,
  webgpu,
  hand,
  start,
  memory,
  saving,
  guards,
  growth,
  torch,
];

const FULL: Pace = { rounds: 9, turn: 200, warmUp: 1000, checked: 12 };
const QUICK: Pace = { rounds: 3, turn: 60, warmUp: 150, checked: 3 };

function chosen(only: string | undefined): readonly Part[] {
  if (only === undefined) return PARTS;
  return only.split(',').map((name) => {
    const part = PARTS.find((p) => p.name === name);
    if (!part) throw new Error(`bench: no part is named ${name}; there are ${PARTS.map((p) => p.name).join(', ')}`);
    return part;
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean' }, json: { type: 'boolean' }, only: { type: 'string' } },
  });
  const parts = chosen(values.only);
  const quick = values.quick ?? false;
  const say = (line: string) => console.error(`bench: ${line}`);
  const suite: Suite = { built: await prepare(say), pace: quick ? QUICK : FULL, quick, say };
  const where = `Node ${process.version}, ${cpus().length} x ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}`;
  const print = (line: string) => {
    if (!values.json) console.log(line);
  };
  print(`${where}; medians of ${suite.pace.rounds} interleaved rounds\n`);
  const rows: Row[] = [];
  for (const part of parts) {
    const mine: Row[] = [];
    try {
      for await (const row of part.rows(suite)) mine.push(row);
    } catch (e) {
      // The other parts still tell something.
      say(`${part.name} failed: ${(e as Error).message}`);
      process.exitCode = 1;
    }
    rows.push(...mine);
    if (mine.length > 0) print(partTable(part, mine));
    if (quick && part.leavesOut) print(`${part.name}: --quick leaves out ${part.leavesOut}\n`);
  }
  const over = rows.filter((r) => r.over).length;
  print(`${rows.filter((r) => r.target !== null).length} rows with a target, ${over} OVER`);
  const report: Report = { where, quick, pace: suite.pace, rows };
  say(`the page: ${await writePage(report)}`);
  if (values.json) console.log(JSON.stringify(report));
}

main().catch((e: Error) => {
  console.error(e.message);
  process.exit(1);
});
