/** Tables for the terminal. */

import type { Part } from './part.ts';
import type { Row } from './rows.ts';

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows];
  const widths = head.map((_, c) => Math.max(...lines.map((l) => l[c].length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((s, c) => (c === 0 ? s.padEnd(widths[c]) : s.padStart(widths[c])))
      .join('  ')
      .trimEnd();
  return lines.map(line).join('\n');
}

export const short = (x: number): string => (x < 10 ? x.toFixed(2) : x < 100 ? x.toFixed(1) : x.toFixed(0));

/** The rows of one part, and below them who is missing from which, with the reason. */
export function partTable({ title }: Part, rows: readonly Row[]): string {
  const names = [...new Set(rows.flatMap((r) => [...Object.keys(r.all), ...Object.keys(r.absent)]))];
  const cell = (r: Row, n: string) => (n in r.all ? short(r.all[n]) : n in r.absent ? 'none' : '');
  const lines = rows.map((r) => [
    r.name,
    ...names.map((n) => cell(r, n)),
    r.unit,
    r.peerName ?? '',
    r.ratio === null ? '' : r.ratio.toFixed(3),
    r.target === null ? '' : `${+r.target.toFixed(3)}`,
    r.over ? 'OVER' : '',
  ]);
  const notes = rows.flatMap((r) => [
    ...(r.note ? [`  ${r.name}: ${r.note}`] : []),
    ...Object.entries(r.absent).map(([n, why]) => `  ${r.name}: none of ${n}: ${why}`),
  ]);
  const head = ['', ...names, 'unit', 'best peer', 'ratio', 'target', ''];
  return [title, '', table(head, lines), ...(notes.length > 0 ? ['', ...notes] : []), ''].join('\n');
}
