/** CBOR as a tree whose every head can be made to lie: what the fuzzer changes before it seals a file again. */

import { compareBytes, concatBytes, utf8 } from '../../../sdk/checkpoint/bytes.ts';

export interface Item {
  /** 0 to 7, as in the head. */
  major: number;
  /** The head's argument: value, length, count, tag, or float64's bits. */
  arg: bigint;
  /** Bytes of the argument where it is not in its shortest form; 0 writes an indefinite length. */
  width?: number;
  raw?: Uint8Array;
  /** Elements; keys and values in turn; what a tag stands before. */
  kids?: Item[];
}

export type Next = () => number;

/** Reads well-formed CBOR without indefinite lengths. */
export function parse(bytes: Uint8Array): Item {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const item = (): Item => {
    const first = bytes[at++];
    const [major, info] = [first >> 5, first & 31];
    let arg = BigInt(info);
    if (info >= 24) {
      const n = 1 << (info - 24);
      arg = 0n;
      for (let i = 0; i < n; i++) arg = (arg << 8n) | BigInt(view.getUint8(at++));
    }
    const out: Item = { major, arg };
    if (major === 2 || major === 3) {
      out.raw = bytes.slice(at, at + Number(arg));
      at += Number(arg);
    } else if (major >= 4 && major <= 6) {
      const n = major === 4 ? Number(arg) : major === 5 ? 2 * Number(arg) : 1;
      out.kids = Array.from({ length: n }, item);
    } else if (major === 7 && info >= 24) out.width = 1 << (info - 24);
    return out;
  };
  return item();
}

function head(major: number, arg: bigint, width: number | undefined): Uint8Array {
  const top = major << 5;
  if (width === 0) return Uint8Array.of(top | 31);
  const shortest = arg < 24n ? -1 : arg < 0x100n ? 1 : arg < 0x10000n ? 2 : arg < 0x1_0000_0000n ? 4 : 8;
  const n = width ?? shortest;
  if (n === -1) return Uint8Array.of(top | Number(arg));
  const out = new Uint8Array(1 + n);
  out[0] = top | (24 + Math.log2(n));
  for (let i = n, v = arg; i > 0; i--, v >>= 8n) out[i] = Number(v & 255n);
  return out;
}

export function serialize(item: Item): Uint8Array {
  const parts: Uint8Array[] = [];
  const walk = (i: Item) => {
    parts.push(head(i.major, i.arg, i.width));
    if (i.raw) parts.push(i.raw);
    i.kids?.forEach(walk);
    if (i.width === 0) parts.push(Uint8Array.of(0xff));
  };
  walk(item);
  return concatBytes(parts);
}

const TEXTS = [
  '',
  'w',
  'constructor',
  '__proto__',
  'toString',
  'prototype',
  '..',
  'a//b',
  'f32',
  'bool',
  'bf16',
  'f64',
  'data_offsets',
  'é',
  '\u{1f600}',
  '\uffee',
  'tensors',
  'state',
  '\ufeffx',
  'x\u0000',
  'x\u0085',
];
const NUMBERS = [
  0n,
  1n,
  2n,
  23n,
  24n,
  255n,
  256n,
  65535n,
  65536n,
  2n ** 20n,
  2n ** 20n + 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 40n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

const pick = <T>(next: Next, list: readonly T[]): T => list[next() % list.length];
export const text = (s: string): Item => {
  const raw = utf8(s);
  return { major: 3, arg: BigInt(raw.length), raw };
};

/** Any item, small. */
function some(next: Next, depth = 2): Item {
  switch (next() % (depth > 0 ? 9 : 7)) {
    case 0:
      return { major: next() % 2, arg: pick(next, NUMBERS) };
    case 1:
      return { major: 0, arg: BigInt(next() % 9) };
    case 2:
      return text(next() % 3 ? pick(next, TEXTS) : 'x'.repeat(next() % 1200));
    case 3:
      return { major: 7, arg: pick(next, [20n, 21n, 22n, 23n, 0n, 31n]) };
    case 4:
      return { major: 7, arg: (BigInt(next()) << 32n) | BigInt(next()), width: pick(next, [8, 8, 4, 2, 1]) };
    case 5:
      return { major: 2, arg: 3n, raw: Uint8Array.of(next(), next(), next()) };
    case 6:
      return text(pick(next, TEXTS));
    case 7: {
      const kids = Array.from({ length: next() % 4 }, () => some(next, depth - 1));
      return { major: 4, arg: BigInt(kids.length), kids };
    }
    default: {
      const kids = Array.from({ length: 2 * (next() % 3) }, (_, i) =>
        i % 2 ? some(next, depth - 1) : text(pick(next, TEXTS)),
      );
      return { major: 5, arg: BigInt(kids.length / 2), kids };
    }
  }
}

const copyOf = (i: Item): Item => ({ ...i, ...(i.kids && { kids: i.kids.map(copyOf) }) });

/** Keys in the canonical order, and no key twice: what hides a change of a map from who checks the spelling. */
function sort(item: Item): void {
  item.kids?.forEach(sort);
  if (item.major !== 5 || !item.kids) return;
  const pairs = new Map<string, { raw: Uint8Array; kids: Item[] }>();
  for (let i = 0; i + 1 < item.kids.length; i += 2) {
    const raw = serialize(item.kids[i]);
    pairs.set(raw.join(), { raw, kids: item.kids.slice(i, i + 2) });
  }
  const sorted = [...pairs.values()].sort((a, b) => compareBytes(a.raw, b.raw));
  item.kids = sorted.flatMap((p) => p.kids);
  item.arg = BigInt(sorted.length);
}

/** A copy with some changes; mostly put in canonical order again. */
export function mutate(root: Item, next: Next): Item {
  const out = copyOf(root);
  for (let n = 1 + (next() % 3); n > 0; n--) change(out, next);
  if (next() % 4) sort(out);
  return out;
}

function change(root: Item, next: Next): void {
  const all: Item[] = [];
  const gather = (i: Item) => {
    all.push(i);
    i.kids?.forEach(gather);
  };
  gather(root);
  const at = pick(next, all);
  const become = (i: Item) => {
    at.raw = at.kids = at.width = undefined;
    Object.assign(at, i);
  };
  switch (next() % 10) {
    case 0:
      become(some(next));
      return;
    case 1:
      become(copyOf(pick(next, all)));
      return;
    case 2:
      at.width = pick(next, [0, 1, 2, 4, 8]);
      return;
    case 3:
      at.arg = pick(next, NUMBERS);
      return;
    case 4:
      at.arg = BigInt.asUintN(64, at.arg + pick(next, [1n, -1n, 2n, 24n]));
      return;
    case 5: {
      const inner = copyOf(at);
      let wrapped = inner;
      for (let n = next() % 3 ? 1 : next() % 45; n >= 0; n--) {
        const major = pick(next, [4, 4, 5, 6]);
        wrapped = {
          major,
          arg: major === 6 ? pick(next, NUMBERS) : 1n,
          kids: major === 5 ? [text('a'), wrapped] : [wrapped],
        };
      }
      become(wrapped);
      return;
    }
    case 6:
      if (at.raw && at.raw.length > 0) {
        at.raw = at.raw.slice();
        at.raw[next() % at.raw.length] = next();
      } else at.arg = BigInt(next() % 300);
      return;
    default: {
      // elements: taken away, doubled, exchanged, added; entries of maps as pairs
      if (!at.kids || at.major === 6) {
        become(some(next));
        return;
      }
      const step = at.major === 5 ? 2 : 1;
      const n = at.kids.length / step;
      const i = n > 0 ? step * (next() % n) : 0;
      const how = next() % 4;
      if (how === 0) at.kids.splice(i, step);
      else if (how === 1) at.kids.splice(i, 0, ...at.kids.slice(i, i + step).map(copyOf));
      else if (how === 2 && n > 1) at.kids.push(...at.kids.splice(i, step));
      else at.kids.splice(i, 0, ...(step === 2 ? [text(pick(next, TEXTS))] : []), some(next));
      at.arg = BigInt(at.kids.length / step);
    }
  }
}
