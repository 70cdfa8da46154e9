/** Draws a report: ratios beside their targets, throughput, growth, memory and warm-up. */

import uPlot from 'uplot';
import type { Figures } from '../race.ts';
import type { Row } from '../rows.ts';
import type { Report } from './write.ts';

const COLORS: Readonly<Record<string, string>> = {
  isobit: '#2f7d5b',
  Trainer: '#8bc1a7',
  'jax-js': '#c07a1f',
  tfjs: '#5566b8',
  'onnxruntime-web': '#a0468c',
  'PyTorch, one thread': '#b3402e',
};

const report = JSON.parse(document.getElementById('report')?.textContent ?? '') as Report;
const main = document.querySelector('main') as HTMLElement;

function add<K extends keyof HTMLElementTagNameMap>(to: Element, tag: K, text = ''): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  e.textContent = text;
  to.append(e);
  return e;
}

const where = document.getElementById('where') as HTMLElement;
where.textContent = `${report.where}; medians of ${report.pace.rounds} interleaved rounds${report.quick ? ', --quick' : ''}`;

function ratios(rows: readonly Row[]): void {
  add(main, 'h2', 'Our time as a share of the best peer’s; the middle of each bar is the target');
  const table = add(main, 'table');
  for (const { name, peerName, ratio, target, over } of rows) {
    if (target === null) continue;
    const line = add(table, 'tr');
    line.classList.toggle('over', over);
    add(line, 'td', name);
    const bar = add(line, 'td');
    bar.className = 'bar';
    const track = add(bar, 'div');
    track.className = 'track';
    if (ratio !== null) add(track, 'span').style.width = `${Math.min(100, (ratio / target) * 50)}%`;
    add(line, 'td', ratio === null ? 'none' : `${ratio.toPrecision(2)} of ${+target.toPrecision(2)}`);
    add(line, 'td', `${peerName ?? 'no peer'}${over ? ', OVER' : ''}`);
  }
}

interface Point {
  readonly x: number;
  readonly values: Readonly<Record<string, number>>;
}

interface PlotOptions {
  readonly title: string;
  readonly unit: string;
  /** Names of the places along the axis; then points alone are drawn, not lines. */
  readonly labels?: readonly string[];
}

function plot(to: Element, { title, unit, labels }: PlotOptions, points: readonly Point[]): void {
  const names = [...new Set(points.flatMap((p) => Object.keys(p.values)))];
  const xs = points.map((p) => p.x);
  const columns = names.map((n) => points.map((p) => p.values[n] ?? null));
  const width = labels ? 150 * labels.length : 320;
  const series = names.map((label): uPlot.Series => {
    const stroke = COLORS[label] ?? '#888';
    const points = { show: true, size: 7, fill: stroke };
    return { label, stroke, width: 2, points, spanGaps: true, ...(labels && { paths: () => null }) };
  });
  const axis: uPlot.Axis = labels
    ? { splits: () => xs, values: (_, at) => at.map((i) => labels[i] ?? ''), size: 60, gap: 4 }
    : { splits: () => xs, values: (_, at) => at.map(String), label: '' };
  new uPlot(
    {
      title,
      width,
      height: 300,
      scales: {
        x: { time: false, distr: labels ? 1 : 3, log: 2, ...(labels && { range: [-0.5, labels.length - 0.5] }) },
        y: { distr: 3 },
      },
      axes: [axis, { label: unit, size: 70 }],
      series: [{ label: '' }, ...series],
    },
    [xs, ...columns],
    to as HTMLElement,
  );
}

function grid(title: string): HTMLElement {
  add(main, 'h2', title);
  const e = add(main, 'div');
  e.className = 'plots';
  return e;
}

/** The rows of a part by plot. */
function plots(part: string): [string, Row[]][] {
  const by = new Map<string, Row[]>();
  for (const r of report.rows) {
    if (r.part !== part || !r.at) continue;
    by.set(r.at.plot, [...(by.get(r.at.plot) ?? []), r]);
  }
  return [...by];
}

const mapped = (all: Readonly<Record<string, number>>, f: (x: number) => number): Record<string, number> =>
  Object.fromEntries(Object.entries(all).map(([name, x]) => [name, f(x)]));

function throughput(): void {
  const found = plots('matmul');
  if (found.length === 0) return;
  const to = grid('Throughput of products by size: m = k = n, GFLOP/s');
  for (const [layout, rows] of found) {
    const points = rows.map(({ at, all }) => ({
      x: at?.x ?? 0,
      values: mapped(all, (us) => (at?.flops ?? 0) / us / 1e3),
    }));
    plot(to, { title: layout, unit: 'GFLOP/s' }, points);
  }
}

function growth(): void {
  const found = plots('growth');
  if (found.length === 0) return;
  const to = grid('Growth of a training step');
  for (const [title, rows] of found) {
    const points = rows.map(({ at, all }) => ({ x: at?.x ?? 0, values: mapped(all, (us) => us / 1e3) }));
    plot(to, { title: `by ${title}`, unit: 'ms' }, points);
  }
}

/** One figure of every contender, at each net. */
function figures(title: string, unit: string, of: (f: Figures) => number, parts: readonly string[]): void {
  const found = parts.map(
    // On WebGPU one row of each net has the figures of all.
    (part) => [part, report.rows.filter((r) => r.part === part && r.figures && !/ to \S+$/.test(r.name))] as const,
  );
  if (found.every(([, rows]) => rows.length === 0)) return;
  const to = grid(title);
  for (const [part, rows] of found) {
    if (rows.length === 0) continue;
    const labels = rows.map((r) => r.name.replace(/^(train|infer) /, '').replace(/,.*/, ''));
    const points = rows.map((r, x) => ({
      x,
      values: Object.fromEntries(Object.entries(r.figures ?? {}).map(([name, f]) => [name, of(f)])),
    }));
    plot(to, { title: part, unit, labels }, points);
  }
}

ratios(report.rows);
throughput();
growth();
figures('Memory of the process behind the first steps', 'MB', (f) => f.memory, ['train', 'infer']);
const WARM_UP = 'Warm-up: from a loaded library to the first result, by the clock';
figures(WARM_UP, 'ms', (f) => f.warmUp, ['train', 'infer', 'webgpu']);
figures('Pipelines for the first steps', 'pipelines', (f) => f.pipelines, ['webgpu']);
