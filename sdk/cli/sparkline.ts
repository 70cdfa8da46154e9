/** A training's metrics at a glance: a line of blocks each. */

import type { CheckpointFile } from '../checkpoint/index.ts';
import { safe } from '../checkpoint/inspect.ts';

const BLOCKS = '▁▂▃▄▅▆▇█';
const WIDTH = 48;

/** Means of equal parts of the series as blocks; a part without a finite value is a space. */
export function sparkline(values: ArrayLike<number>, width = WIDTH): string {
  const parts = Math.min(width, values.length);
  const means = Array.from({ length: parts }, (_, i) => {
    const part = Array.from(values).slice(
      Math.floor((i * values.length) / parts),
      Math.floor(((i + 1) * values.length) / parts),
    );
    const finite = part.filter(Number.isFinite);
    return finite.reduce((a, b) => a + b, 0) / finite.length;
  });
  const finite = means.filter(Number.isFinite);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const block = (v: number) => BLOCKS[high > low ? Math.round(((v - low) / (high - low)) * (BLOCKS.length - 1)) : 0];
  return means.map((v) => (Number.isFinite(v) ? block(v) : ' ')).join('');
}

/** One line for each series of `metrics/` that has at least two values. */
export async function charts(file: CheckpointFile): Promise<string[]> {
  const series = await file.readAll({ only: (t) => /^metrics\/(?!(?:val\/)?step$)/.test(t.name) && t.bytes >= 8 });
  if (series.size === 0) return [];
  const short = (v: number) => String(Number(v.toPrecision(4)));
  const names = [...series.keys()].map((n) => safe(n.slice('metrics/'.length)));
  const wide = Math.max(...names.map((n) => n.length));
  const lines = [...series.values()].map(({ data }, i) => {
    const values = Array.from(data as ArrayLike<number>);
    return `  ${names[i].padEnd(wide)}  ${sparkline(values)}  ${short(values[0])} to ${short(values[values.length - 1])}`;
  });
  return ['', 'metrics', ...lines];
}
