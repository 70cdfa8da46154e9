/** `isobit diff`: whether two states are equal, or what differs and by how much. */

import type { CheckpointFile } from '../checkpoint/index.ts';
import { safe } from '../checkpoint/inspect.ts';
import { fromBf16, fromF16 } from '../core/half.ts';
import type { HostArray, Json } from '../core/host.ts';
import { sameShape, showShape } from '../core/shape.ts';
import type { JsonOption } from './options.ts';
import { openAt, placeOf } from './place.ts';
import type { Terminal } from './program.ts';

/** How two tensors of one name, dtype and shape differ. */
interface Distance {
  /** Elements that differ. */
  readonly elements: number;
  readonly of: number;
  /** Greatest distance in units of the last place (integers: in value); null where one of the two is NaN, or both by other bits. */
  readonly ulp: number | null;
  /** Greatest difference of the values. */
  readonly max: number;
}

interface Report {
  readonly equal: boolean;
  /** Paths of the state whose values differ. */
  readonly state: readonly string[];
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
  /** Tensors of different dtype or shape; where only the dtype differs, also the greatest difference of the values, null for NaN. */
  readonly form: readonly {
    readonly name: string;
    readonly a: string;
    readonly b: string;
    readonly max?: number | null;
  }[];
  readonly tensors: readonly (Distance & { readonly name: string })[];
}

export async function diff(a: string, b: string, o: JsonOption, t: Terminal): Promise<void> {
  const [x, y] = [(await openAt(await placeOf(a))).file, (await openAt(await placeOf(b))).file];
  const report = await compare(x, y);
  t.out(o.json ? `${JSON.stringify(report)}\n` : `${text(report, a, b).map(safe).join('\n')}\n`);
}

/** Tensors are read one pair at a time. */
export async function compare(a: CheckpointFile, b: CheckpointFile): Promise<Report> {
  const inB = new Map(b.tensors.map((t) => [t.name, t]));
  const names = new Set(a.tensors.map((t) => t.name));
  const form: Report['form'][number][] = [];
  const tensors: (Distance & { name: string })[] = [];
  for (const t of a.tensors) {
    const other = inB.get(t.name);
    if (!other) continue;
    if (t.dtype !== other.dtype || !sameShape(t.shape, other.shape)) {
      const [from, to] = [`${t.dtype} ${showShape(t.shape)}`, `${other.dtype} ${showShape(other.shape)}`];
      const max = sameShape(t.shape, other.shape) && { max: gap(await a.read(t.name), await b.read(t.name)) };
      form.push({ name: t.name, a: from, b: to, ...max });
      continue;
    }
    const d = distance(await a.read(t.name), await b.read(t.name));
    if (d.elements > 0) tensors.push({ name: t.name, ...d });
  }
  const of = (f: CheckpointFile): Json => ({ kind: f.kind, schema: f.schema, state: f.state });
  const state = paths(of(a), of(b), '');
  const onlyA = a.tensors.map((t) => t.name).filter((n) => !inB.has(n));
  const onlyB = b.tensors.map((t) => t.name).filter((n) => !names.has(n));
  return { equal: a.fingerprint === b.fingerprint, state, onlyA, onlyB, form, tensors };
}

/** What an element's word says as a number. */
const numberOf = ({ dtype }: HostArray) => (dtype === 'f16' ? fromF16 : dtype === 'bf16' ? fromBf16 : (v: number) => v);

/** The greatest difference of values; null where one is NaN. */
function gap(a: HostArray, b: HostArray): number | null {
  const [x, y] = [numberOf(a), numberOf(b)];
  let max = 0;
  for (let i = 0; i < a.data.length; i++) {
    const [p, q] = [x(a.data[i]), y(b.data[i])];
    if (!Object.is(p, q)) max = Math.max(max, Math.abs(p - q));
  }
  return Number.isNaN(max) ? null : max;
}

/** The bits of each element as a number: states are equal by them, and a NaN has many. */
const wordsOf = ({ data }: HostArray) =>
  data instanceof Float32Array ? new Uint32Array(data.buffer, data.byteOffset, data.length) : data;

function distance(a: HostArray, b: HostArray): Distance {
  const value = numberOf(a);
  const [p, q] = [wordsOf(a), wordsOf(b)];
  let elements = 0;
  let ulp = 0;
  let max = 0;
  let nan = false;
  for (let i = 0; i < a.data.length; i++) {
    if (p[i] === q[i]) continue;
    const [x, y] = [value(a.data[i]), value(b.data[i])];
    elements++;
    if (Number.isNaN(x) || Number.isNaN(y)) nan = true;
    else {
      ulp = Math.max(ulp, Math.abs(rank(a, i) - rank(b, i)));
      max = Math.max(max, Math.abs(x - y));
    }
  }
  return { elements, of: a.data.length, ulp: nan ? null : ulp, max };
}

const word = new DataView(new ArrayBuffer(4));

/** A number that goes up by one from each float to the next, both zeros being 0; of integers the value. */
function rank({ data, dtype }: HostArray, i: number): number {
  if (dtype === 'f32') word.setFloat32(0, data[i]);
  else if (dtype === 'f16' || dtype === 'bf16') word.setInt32(0, (data[i] << 16) >> 16);
  else return data[i];
  const u = word.getInt32(0);
  const magnitude = dtype === 'f32' ? u & 0x7fffffff : u & 0x7fff;
  return u < 0 ? -magnitude : magnitude;
}

/** Where two values differ, as paths such as `state.train.step`. */
function paths(a: Json | undefined, b: Json | undefined, at: string): string[] {
  const nested = (v: Json | undefined): v is { readonly [k: string]: Json } => typeof v === 'object' && v !== null;
  if (nested(a) && nested(b) && Array.isArray(a) === Array.isArray(b)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
    return keys.flatMap((k) => paths(a[k], b[k], at === '' ? k : `${at}.${k}`));
  }
  return Object.is(a, b) ? [] : [`${at}: ${JSON.stringify(a) ?? 'absent'} and ${JSON.stringify(b) ?? 'absent'}`];
}

function text(r: Report, a: string, b: string): string[] {
  if (r.equal) return [`equal: ${a} and ${b} hold the same state`];
  return [
    `different: ${a} and ${b}`,
    ...r.state.map((s) => `  ${s}`),
    ...r.onlyA.map((n) => `  ${n}: only in ${a}`),
    ...r.onlyB.map((n) => `  ${n}: only in ${b}`),
    ...r.form.map(({ name, a, b, max }) => {
      const values = max === undefined ? '' : max === null ? ', NaN in one' : `, values at most ${max} apart`;
      return `  ${name}: ${a} and ${b}${values}`;
    }),
    ...r.tensors.map(
      (d) =>
        `  ${d.name}: ${d.elements} of ${d.of} elements, ${d.ulp === null ? 'NaN in one or both' : `at most ${d.ulp} ulp`}, ${d.max}`,
    ),
  ];
}
