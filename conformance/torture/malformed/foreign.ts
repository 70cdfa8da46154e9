/** Files of other programs, changed below what guards them: headers with the right length, members with the right sizes. */

import { Encoder } from '@msgpack/msgpack';
import { zipSync } from 'fflate';
import { concatBytes, utf8 } from '../../../sdk/checkpoint/bytes.ts';
import { readNpy, writeNpy } from '../../../sdk/data/npy.ts';
import type { ReadArchive } from '../../../sdk/formats/archive.ts';
import { readBurnpack, writeBurnpack } from '../../../sdk/formats/burnpack.ts';
import { readJson, writeJson } from '../../../sdk/formats/json.ts';
import { readMpk } from '../../../sdk/formats/mpk.ts';
import { readNpz, writeNpz } from '../../../sdk/formats/npz.ts';
import { readPyTorch } from '../../../sdk/formats/pytorch.ts';
import { readSafetensors, writeSafetensors } from '../../../sdk/formats/safetensors.ts';
import { array, CORNERS } from '../../../sdk/formats/testing.ts';
import { mutate, type Next, parse, serialize } from './cbor.ts';
import { plain, scramble } from './files.ts';

export interface Foreign {
  readonly valid: Uint8Array;
  make(next: Next): Uint8Array;
  read(bytes: Uint8Array): void;
}

const pick = <T>(next: Next, list: readonly T[]): T => list[next() % list.length];
const ODD: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1,
  2,
  1.5,
  1e308,
  2 ** 31,
  2 ** 40,
  2 ** 53,
  '',
  'F32',
  'BOOL',
  'x',
  [],
  {},
  [0, 0],
  [2 ** 26, 2 ** 26],
  { a: 1 },
];
const KEYS = [
  '__proto__',
  'constructor',
  'dtype',
  'shape',
  'data',
  'data_offsets',
  '__metadata__',
  'format_version',
  'x',
];

/** A JSON value with one place in it changed. */
function changed(v: unknown, next: Next): unknown {
  if (next() % 5 === 0 || typeof v !== 'object' || v === null) {
    return typeof v === 'number' && next() % 2 ? v + pick(next, [1, -1, 4, 256]) : pick(next, ODD);
  }
  if (Array.isArray(v)) {
    const out = [...v];
    if (out.length === 0 || next() % 4 === 0) out.splice(next() % (out.length + 1), next() % 2, pick(next, ODD));
    else {
      const i = next() % out.length;
      out[i] = changed(out[i], next);
    }
    return out;
  }
  const entries = Object.entries(v);
  if (entries.length === 0 || next() % 5 === 0) entries.push([pick(next, KEYS), pick(next, ODD)]);
  else {
    const e = entries[next() % entries.length];
    const how = next() % 8;
    if (how === 0) e[0] = pick(next, KEYS);
    else if (how === 1) entries.splice(entries.indexOf(e), 1);
    else e[1] = changed(e[1], next);
  }
  const out = {};
  for (const [key, value] of entries)
    Object.defineProperty(out, key, { value, enumerable: true, configurable: true, writable: true });
  return out;
}

/** The text of a changed JSON value; now and then nested deeper than any stack. */
function json(v: unknown, next: Next): Uint8Array {
  const text = JSON.stringify(changed(v, next));
  const deep = next() % 500 === 0 ? 10_000 : 0;
  return utf8(deep > 0 ? text.replace(/null|\d/, '['.repeat(deep) + ']'.repeat(deep)) : text);
}

const read = (f: (b: Uint8Array) => ReadArchive) => (b: Uint8Array) => {
  const { metadata, tensors } = f(b);
  plain(metadata);
  for (const t of tensors.values()) {
    if (t.data.length !== t.shape.reduce((n, d) => n * d, 1)) throw new Error('a tensor that its shape does not fit');
  }
};

const archive = { ...CORNERS, tensors: new Map([...CORNERS.tensors].filter(([, t]) => t.dtype !== 'bf16')) };

function safetensors(): Foreign {
  const valid = writeSafetensors(CORNERS);
  const length = Number(new DataView(valid.buffer).getBigUint64(0, true));
  const header: unknown = JSON.parse(new TextDecoder().decode(valid.subarray(8, 8 + length)));
  return {
    valid,
    read: read(readSafetensors),
    make(next) {
      const text = next() % 8 ? json(header, next) : scramble(valid.subarray(8, 8 + length), next);
      const size = new Uint8Array(8);
      new DataView(size.buffer).setBigUint64(
        0,
        next() % 30 ? BigInt(text.length) : BigInt(next()) << BigInt(next() % 33),
        true,
      );
      const body = valid.subarray(8 + length);
      return concatBytes([size, text, next() % 8 ? body : scramble(body, next)]);
    },
  };
}

function burnpack(): Foreign {
  const valid = writeBurnpack(CORNERS);
  const length = new DataView(valid.buffer).getUint32(6, true);
  const map = parse(valid.subarray(10, 10 + length));
  return {
    valid,
    read: read(readBurnpack),
    make(next) {
      const text = serialize(mutate(map, next));
      const start = Math.ceil((10 + text.length) / 256) * 256;
      const body = valid.subarray(Math.ceil((10 + length) / 256) * 256);
      const out = new Uint8Array(start + body.length);
      out.set(valid.subarray(0, 10));
      new DataView(out.buffer).setUint32(6, text.length, true);
      out.set(text, 10);
      out.set(body, start);
      return next() % 10 ? out : scramble(out, next);
    },
  };
}

/** The header's text changed, and its length with it. */
function npyOf(valid: Uint8Array, next: Next): Uint8Array {
  const length = valid[8] | (valid[9] << 8);
  const header = new TextDecoder().decode(valid.subarray(10, 10 + length));
  const word = pick(next, [
    '0',
    '2',
    '99999999999',
    '1e9',
    "'<f8'",
    'True',
    '(',
    ')',
    ',',
    ' ',
    "'>f4'",
    "'|O'",
    '__proto__',
    '('.repeat(3000),
  ]);
  const at = next() % header.length;
  const text = utf8(header.slice(0, at) + word + header.slice(at + (next() % 4)));
  const out = concatBytes([valid.subarray(0, 10), text, valid.subarray(10 + length)]);
  new DataView(out.buffer).setUint16(8, text.length, true);
  return next() % 4 ? out : scramble(valid, next);
}

function npy(): Foreign {
  const valid = writeNpy(array('f32', [2, 3], [1, 2, 3, 4, 5, 6]));
  return { valid, read: (b) => void readNpy(b), make: (next) => npyOf(valid, next) };
}

function npz(): Foreign {
  const valid = writeNpz(archive);
  const member = writeNpy(array('f32', [2, 3], [1, 2, 3, 4, 5, 6]));
  return {
    valid,
    read: read(readNpz),
    make(next) {
      if (next() % 2) return scramble(valid, next);
      const name = pick(next, ['a.npy', 'b', '__proto__.npy', '../x.npy', 'constructor.npy']);
      const zip = zipSync({ [name]: npyOf(member, next), 'z.npy': member }, { level: next() % 2 ? 0 : 6 });
      return next() % 4 ? zip : scramble(zip, next);
    },
  };
}

const OPS = [...'(0NKMJGX}])taesucQRbhj\x80\x88\x89\x8a\x8c\x85\x86\x87\x93\x94\x95qr.'].map((c) => c.charCodeAt(0));

/** A pickle by hand: an OrderedDict of one tensor of four floats, as torch.save writes it. */
function pickle(): Uint8Array {
  const text = (s: string) => concatBytes([Uint8Array.of(0x58, s.length, 0, 0, 0), utf8(s)]);
  const op = (s: string) => Uint8Array.from(s, (c) => c.charCodeAt(0));
  return concatBytes([
    op('\x80\x02'),
    op('ccollections\nOrderedDict\n'),
    op(')Rq\x00('),
    text('w'),
    op('ctorch._utils\n_rebuild_tensor_v2\n'),
    op('(('),
    text('storage'),
    op('ctorch\nFloatStorage\n'),
    text('0'),
    text('cpu'),
    op('K\x04tQK\x00K\x02K\x02\x86K\x02K\x01\x86\x89ccollections\nOrderedDict\n)RtR'),
    text('n'),
    op('K\x07u.'),
  ]);
}

function pytorch(): Foreign {
  const program = pickle();
  const data = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
  const zip = (p: Uint8Array) =>
    zipSync({ 'a/data.pkl': p, 'a/data/0': data, 'a/byteorder': utf8('little') }, { level: 0 });
  const valid = zip(program);
  return {
    valid,
    read: read(readPyTorch),
    make(next) {
      if (next() % 10 === 0) return scramble(valid, next);
      let p = program;
      for (let n = 1 + (next() % 3); n > 0; n--) {
        const at = next() % p.length;
        const insert = Uint8Array.from({ length: next() % 4 }, () => (next() % 4 ? pick(next, OPS) : next()));
        p = next() % 3 ? concatBytes([p.subarray(0, at), insert, p.subarray(at + (next() % 3))]) : scramble(p, next);
      }
      if (next() % 400 === 0)
        p = concatBytes([Uint8Array.from({ length: 60_000 }, () => 0x5d), new Uint8Array(60_000).fill(0x61), p]);
      return zip(p);
    },
  };
}

function mpk(): Foreign {
  const param = { id: 'p', param: { bytes: new Uint8Array(16), shape: [2, 2], dtype: 'F32' } };
  const item = { fc1: { weight: param, bias: null }, list: [1, { bias: param }] };
  const encoder = new Encoder();
  const valid = encoder.encode({ metadata: { version: '0.16', float: 'f32' }, item });
  return {
    valid,
    read: read(readMpk),
    make(next) {
      if (next() % 2) return scramble(valid, next);
      const heads = [0xc1, 0xdd, 0xdf, 0xc6, 0xdb, 0xd9, 0xcf, 0xcb, 0x91, 0x81, 0xc7, 0xd4];
      const at = next() % valid.length;
      const lie = Uint8Array.of(pick(next, heads), next() % 3 ? 0 : 255, 0, next(), next());
      const deep = next() % 300 === 0 ? new Uint8Array(20_000).fill(0x91) : lie.subarray(0, next() % 6);
      return concatBytes([valid.subarray(0, at), deep, valid.subarray(at + (next() % 3))]);
    },
  };
}

function text(): Foreign {
  const valid = writeJson(CORNERS);
  const root: unknown = JSON.parse(new TextDecoder().decode(valid));
  return { valid, read: read(readJson), make: (next) => (next() % 4 ? json(root, next) : scramble(valid, next)) };
}

export const foreign = (): Readonly<Record<string, Foreign>> => ({
  safetensors: safetensors(),
  burnpack: burnpack(),
  npy: npy(),
  npz: npz(),
  pytorch: pytorch(),
  mpk: mpk(),
  json: text(),
});
