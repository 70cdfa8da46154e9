/**
 * `npm run bench [-- --quick] [--json]`: one training step beside the peers, and the kernels alone; with `--webgpu`, training steps
 * and products of matrices on WebGPU beside the peers', all on one software adapter.
 *
 * Times are CPU time of the contender's process, since other processes lengthen the clock's time but hardly this; the clock's
 * time stands beside it. Nothing here gates: a row over its target is marked, and the exit code stays 0.
 */

import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { ON_WEBGPU, OURS, PEERS, TRAINER } from './contender.ts';
import { type KernelRow, kernelRows } from './kernel-rows.ts';
import { NETS, type Net, PRODUCTS } from './nets.ts';
import { prepare } from './prepare.ts';
import { type Figures, type Pace, race } from './race.ts';

interface Row {
  readonly name: string;
  /** Microseconds of CPU time a step: ours, and of the faster peer. */
  readonly ours: number;
  readonly peer: number;
  readonly peerName: string;
  readonly ratio: number;
  readonly target: number;
  readonly over: boolean;
  /** Everyone, our Trainer's loop too. */
  readonly all: Readonly<Record<string, Figures>>;
}

const FULL: Pace = { rounds: 15, turn: 200, warmUp: 1500 };
const QUICK: Pace = { rounds: 5, turn: 80, warmUp: 500 };

async function stepRow(net: Net, built: string, pace: Pace): Promise<Row> {
  const entries = [OURS, TRAINER, ...PEERS];
  const figures = await race(net, entries, built, pace);
  const all = Object.fromEntries(entries.map((e, i) => [e.name, figures[i]]));
  const ours = all[OURS.name].cpu;
  const [best] = PEERS.map((e) => e.name).sort((a, b) => all[a].cpu - all[b].cpu);
  const peer = all[best].cpu;
  const ratio = ours / peer;
  return { name: net.name, ours, peer, peerName: best, ratio, target: net.target, over: ratio > net.target, all };
}

interface GpuRow {
  readonly name: string;
  /** Microseconds of CPU time and of the clock, by contender. */
  readonly all: Readonly<Record<string, Figures>>;
  /** Ours to each peer's, CPU time. */
  readonly ratios: Readonly<Record<string, number>>;
}

async function gpuRow(work: Net | (typeof PRODUCTS)[number], built: string, pace: Pace): Promise<GpuRow> {
  const entries = ON_WEBGPU.map((e) => ({ ...e, make: 'widths' in work ? e.step : e.product }));
  const figures = await race(work, entries, built, pace);
  const all = Object.fromEntries(entries.map((e, i) => [e.name, figures[i]]));
  const peers = entries.slice(1).map((e) => [e.name, all[OURS.name].cpu / all[e.name].cpu] as const);
  return { name: work.name, all, ratios: Object.fromEntries(peers) };
}

const gpuTable = (rows: readonly GpuRow[], where: string): string =>
  table(
    `On WebGPU (Dawn, SwiftShader): microseconds of CPU time (and of the clock), medians of interleaved rounds. ${where}`,
    ['', ...Object.keys(rows[0].all), ...Object.keys(rows[0].ratios).map((n) => `to ${n}`)],
    rows.map((r) => [r.name, ...Object.values(r.all).map(micros), ...Object.values(r.ratios).map((x) => x.toFixed(2))]),
  );

function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, c) => Math.max(...lines.map((l) => l[c].length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((s, c) => (c === 0 ? s.padEnd(widths[c]) : s.padStart(widths[c])))
      .join('  ')
      .trimEnd();
  return [title, '', ...lines.map(line), ''].join('\n');
}

const micros = ({ cpu, wall }: Figures): string => `${short(cpu)} (${short(wall)})`;
const short = (x: number): string => (x < 100 ? x.toFixed(1) : x.toFixed(0));

function stepTable(rows: readonly Row[], where: string): string {
  const names = Object.keys(rows[0].all);
  return table(
    `One training step with Adam: microseconds of CPU time (and of the clock), medians of interleaved rounds. ${where}`,
    ['net', ...names, 'faster peer', 'ratio', 'target', ''],
    rows.map((r) => [
      r.name,
      ...names.map((n) => micros(r.all[n])),
      r.peerName,
      r.ratio.toFixed(3),
      `${r.target}`,
      r.over ? 'OVER' : '',
    ]),
  );
}

const kernelTable = (rows: readonly KernelRow[]): string =>
  table(
    'Kernels alone, best of several rounds',
    ['kernel', 'rate', 'unit', 'us'],
    rows.map((r) => [r.name, `${r.rate}`, r.unit, `${r.us}`]),
  );

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { quick: { type: 'boolean' }, json: { type: 'boolean' }, webgpu: { type: 'boolean' } },
  });
  const pace = values.quick ? QUICK : FULL;
  const say = (line: string) => console.error(`bench: ${line}`);
  const built = await prepare(say);
  const where = `Node ${process.version}, ${cpus()[0].model}`;
  if (values.webgpu) {
    const rows: GpuRow[] = [];
    for (const work of [...PRODUCTS, ...NETS]) {
      say(`${work.name}: ${pace.rounds} rounds …`);
      rows.push(await gpuRow(work, built, pace));
    }
    console.log(values.json ? JSON.stringify({ where, unit: 'us', pace, rows }) : gpuTable(rows, where));
    return;
  }
  const rows: Row[] = [];
  for (const net of NETS) {
    say(`${net.name}: ${pace.rounds} rounds …`);
    rows.push(await stepRow(net, built, pace));
  }
  if (!values.json) console.log(stepTable(rows, where));
  say('kernels …');
  const kernels = kernelRows(values.quick ?? false);
  if (values.json) console.log(JSON.stringify({ where, unit: 'us', pace, rows, kernels }));
  else console.log(kernelTable(kernels));
}

main().catch((e: Error) => {
  console.error(e.message);
  process.exit(1);
});
