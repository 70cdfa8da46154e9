/** A checkpoint as text that a person can read. */

import { isFloat } from '../core/dtype.ts';
import type { IO, Json } from '../core/host.ts';
import { showShape } from '../core/shape.ts';
import type { CheckpointFile, TensorInfo } from './reader.ts';
import { type Stats, statsOf } from './stats.ts';

export interface DescribeOptions extends IO {
  /** Reads every tensor and shows min, max, mean and zeros; on unless false. */
  stats?: boolean;
  /** Longest line of one state value; longer ones are cut with '…'. 100 unless given. */
  width?: number;
}

/**
 * The file as a tree: what it is, its state, and its tensors grouped by path. Tensors are read one at a time.
 *
 * @example
 *   console.log(await describeCheckpoint(await openCheckpoint(bytes)));
 */
export async function describeCheckpoint(file: CheckpointFile, o: DescribeOptions = {}): Promise<string> {
  const width = o.width ?? 100;
  const total = file.tensors.reduce((n, t) => n + t.bytes, 0);
  const schema = Object.entries(file.schema).map(([k, v]) => `${safe(k)} ${v}`);
  const lines = [
    `isobit/1  ${file.kind}  ${showBytes(file.size)}`,
    `root         ${file.root}`,
    `fingerprint  ${file.fingerprint}`,
    ...(schema.length > 0 ? [`schema       ${schema.join(', ')}`] : []),
    '',
    'state',
    ...stateLines(file.state, 1, width),
    '',
    `tensors  ${file.tensors.length}, ${showBytes(total)}`,
  ];
  lines.push(...(await tensorLines(file, o)));
  return lines.join('\n');
}

/** Text from a file must not drive a terminal: control characters are shown escaped. */
export function safe(s: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
  return s.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

function leaf(v: Json): string {
  return safe(JSON.stringify(v));
}

function stateLines(v: { readonly [k: string]: Json }, depth: number, width: number): string[] {
  const pad = '  '.repeat(depth);
  return Object.keys(v)
    .sort()
    .flatMap((k) => branch(`${pad}${safe(k)}`, v[k], depth, width));
}

/** One value: on its own line where it is short or flat, else as a branch. */
function branch(label: string, v: Json, depth: number, width: number): string[] {
  const nested = (e: Json): boolean => typeof e === 'object' && e !== null;
  if (Array.isArray(v) && v.some(nested)) {
    return [label, ...v.flatMap((e, i) => branch(`${'  '.repeat(depth + 1)}[${i}]`, e as Json, depth + 1, width))];
  }
  if (nested(v) && !Array.isArray(v) && Object.keys(v as object).length > 0) {
    return [label, ...stateLines(v as { readonly [k: string]: Json }, depth + 1, width)];
  }
  const text = leaf(v);
  return [`${label}: ${text.length > width ? `${text.slice(0, width - 1)}…` : text}`];
}

async function tensorLines(file: CheckpointFile, o: DescribeOptions): Promise<string[]> {
  const lines: string[] = [];
  const last = (t: TensorInfo) => safe(t.name.slice(t.name.lastIndexOf('/') + 1));
  const columns = [
    last,
    (t: TensorInfo) => t.dtype,
    (t: TensorInfo) => showShape(t.shape),
    (t: TensorInfo) => showBytes(t.bytes),
  ];
  const widths = columns.map((c) => file.tensors.reduce((w, t) => Math.max(w, c(t).length), 0));
  let open: string[] = [];
  for (const t of file.tensors) {
    const groups = t.name.split('/').slice(0, -1).map(safe);
    let same = 0;
    while (same < groups.length && groups[same] === open[same]) same++;
    for (let i = same; i < groups.length; i++) lines.push(`${'  '.repeat(i + 1)}${groups[i]}/`);
    open = groups;
    const cells = columns.map((c, i) => (i === 3 ? c(t).padStart(widths[i]) : c(t).padEnd(widths[i])));
    if (o.stats !== false) cells.push(showStats(t, statsOf(await file.read(t.name, { signal: o.signal }))));
    lines.push(`${'  '.repeat(groups.length + 1)}${cells.join('  ')}`.trimEnd());
  }
  return lines;
}

function showStats(t: TensorInfo, s: Stats): string {
  if (s.count === 0) return 'empty';
  if (t.dtype === 'bool') return `true ${s.count - s.zeros}  false ${s.zeros}`;
  const odd = s.nonfinite > 0 ? `  nonfinite ${s.nonfinite}` : '';
  if (Number.isNaN(s.mean)) return odd.trimStart();
  // Of integers every digit counts.
  const end = isFloat(t.dtype) ? short : String;
  return `min ${end(s.min)}  max ${end(s.max)}  mean ${short(s.mean)}  zeros ${s.zeros}${odd}`;
}

function short(v: number): string {
  return String(Number(v.toPrecision(6)));
}

function showBytes(n: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let i = 0;
  let v = n;
  while (v >= 1024 && i < units.length - 1) {
    v /= 1024;
    i++;
  }
  return `${i === 0 ? v : v.toFixed(1)} ${units[i]}`;
}
