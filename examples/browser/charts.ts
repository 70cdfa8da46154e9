/** Loss and accuracy by step. */

import uPlot from 'uplot';
import type { Measure } from './protocol.ts';
import { byId, colour, onTheme } from './theme.ts';

const HEIGHT = 220;

type Values = (number | null)[];

/** What the page has of a run to draw. */
export interface Curves {
  readonly losses: readonly (number | null)[];
  readonly measures: readonly Measure[];
  /** Steps of the whole run. */
  readonly steps: number;
  readonly stepsPerEpoch: number;
}

export interface Charts {
  draw(curves: Curves): void;
}

export function makeCharts(): Charts {
  let steps = 1;
  const x = { time: false, range: (): [number, number] => [0, steps] };
  const loss = plot(byId('loss-plot'), {
    scales: { x, y: { range: (_, __, max) => [0, niceTop(max)] } },
    series: [{}, line('raw', 1), line('mean', 2.25)],
    values: (v) => v.toFixed(v % 0.5 === 0 ? 1 : 2),
  });
  const accuracy = plot(byId('accuracy-plot'), {
    scales: { x, y: { range: [0, 1.02] } },
    series: [{}, line('raw', 2.25, true), line('mean', 2.25, true)],
    values: (v) => `${Math.round(100 * v)} %`,
  });
  return {
    draw({ losses, measures, steps: total, stepsPerEpoch }) {
      steps = total;
      loss.setData([losses.map((_, i) => i + 1), [...losses], means(losses, stepsPerEpoch)]);
      const sorted = [...measures].sort((a, b) => a.step - b.step);
      const held = sorted.map((m) => m.heldOut);
      // Without rows held out the one curve gets the stronger colour.
      const trained = sorted.map((m) => m.trained);
      const some = held.some((v) => v !== null);
      byId('key-trained').hidden = !some;
      byId('key-held-out').textContent = some ? 'held out' : 'all flowers';
      accuracy.setData([sorted.map((m) => m.step), some ? trained : held, some ? held : trained]);
    },
  };
}

/** The mean of the last `n` values at each place. */
function means(losses: readonly (number | null)[], n: number): Values {
  const out: Values = [];
  let sum = 0;
  losses.forEach((v, i) => {
    sum += (v ?? 0) - (i >= n ? (losses[i - n] ?? 0) : 0);
    out.push(i >= n - 1 ? sum / n : null);
  });
  return out;
}

const niceTop = (max: number | null): number => Math.max(0.5, Math.ceil((max ?? 1) * 2.2) / 2);

const line = (name: string, width: number, points = false): uPlot.Series => ({
  stroke: () => colour(name),
  width,
  points: { show: points, size: 5, fill: () => colour(name), stroke: () => colour(name) },
});

function plot(
  at: HTMLElement,
  o: Pick<uPlot.Options, 'scales' | 'series'> & { values: (v: number) => string },
): { setData(data: [number[], Values, Values]): void } {
  const axis: uPlot.Axis = {
    stroke: () => colour('soft'),
    font: '12px system-ui, sans-serif',
    grid: { stroke: () => colour('faint'), width: 1 },
    ticks: { show: false },
  };
  const chart = new uPlot(
    {
      width: at.clientWidth || 400,
      height: HEIGHT,
      scales: o.scales,
      series: o.series,
      legend: { show: false },
      cursor: { show: false },
      padding: [10, 22, 0, 0],
      axes: [
        { ...axis, size: 26, gap: 4, space: 70 },
        {
          ...axis,
          size: 52,
          space: 40,
          values: (_, ticks) =>
            ticks.map((v) => (v > 1 && o.scales?.y?.range && Array.isArray(o.scales.y.range) ? '' : o.values(v))),
        },
      ],
    },
    [[], [], []],
    at,
  );
  new ResizeObserver(() => {
    if (at.clientWidth > 0 && at.clientWidth !== chart.width) chart.setSize({ width: at.clientWidth, height: HEIGHT });
  }).observe(at);
  onTheme(() => chart.redraw(false, true));
  return { setData: (data) => chart.setData(data) };
}
