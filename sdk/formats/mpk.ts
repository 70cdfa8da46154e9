/**
 * Burn's NamedMpk records (.mpk of Burn 0.14 to 0.21): MessagePack of {metadata, item}, where item nests by module and a parameter
 * is {id, param: {bytes, shape, dtype}}. Burn 0.22 has no recorders any more, so they are read and not written. Source:
 * burn-core's record/recorder.rs and tensor data's serde.
 */

import { decode } from '@msgpack/msgpack';
import type { Json } from '../core/host.ts';
import { bytesOf, Collector, fault, isRecord, type ReadArchive, type ReadArchiveOptions } from './archive.ts';
import { burnType } from './burnpack.ts';

const FORMAT = 'mpk';
const MAX_DEPTH = 64;

/**
 * Reads a NamedMpk record. Names are the modules' paths joined by dots, layouts stay Burn's (see `fromBurn`).
 *
 * @throws DataError (E_FORMAT) on damage, and on records of before Burn 0.14, which hold lists of numbers
 */
export function readMpk(bytes: Uint8Array, o: ReadArchiveOptions = {}): ReadArchive {
  let root: unknown;
  try {
    bound(bytes);
    root = decode(bytes, { useBigInt64: true });
  } catch (cause) {
    const gzip = bytes[0] === 0x1f && bytes[1] === 0x8b;
    throw fault(FORMAT, `not MessagePack that can be read (${String(cause)})`, {
      hint: gzip
        ? 'It is compressed: unpack it with gunzip first.'
        : 'Files of BinFileRecorder (.bin) are not read: save NamedMpk or burnpack.',
    });
  }
  if (!isRecord(root) || !isRecord(root.metadata) || !('item' in root)) {
    throw fault(FORMAT, 'no record of Burn: {metadata, item} expected');
  }
  const out = new Collector(FORMAT, o);
  const walk = (path: string, v: unknown, depth: number): void => {
    if (depth > MAX_DEPTH) throw fault(FORMAT, 'is nested deeper than any module');
    if (isRecord(v)) {
      const { param } = v;
      if ('id' in v && isRecord(param)) tensor(path, param);
      else if ('bytes' in v && 'shape' in v && 'dtype' in v) tensor(path, v);
      else for (const [k, x] of Object.entries(v)) walk(path === '' ? k : `${path}.${k}`, x, depth + 1);
    } else if (Array.isArray(v)) {
      v.forEach((x, i) => {
        walk(path === '' ? `${i}` : `${path}.${i}`, x, depth + 1);
      });
    }
  };
  const tensor = (name: string, { bytes: raw, shape, dtype }: Record<string, unknown>): void => {
    if (!(o.only?.(name) ?? true)) return;
    const dims = Array.isArray(shape) ? shape.map(Number) : null;
    if (!(raw instanceof Uint8Array) || !dims) {
      throw fault(FORMAT, 'is not {bytes, shape, dtype}', {
        tensor: name,
        hint: 'Records of before Burn 0.14 hold lists of numbers: load and save them again with Burn 0.14 to 0.16.',
      });
    }
    const type = burnType(FORMAT, name, dtype);
    const need = bytesOf(FORMAT, name, type, dims);
    if (raw.length !== need) throw fault(FORMAT, `${raw.length} bytes, expected ${need}`, { tensor: name });
    out.add(name, type, dims, raw);
  };
  walk('', root.item, 0);
  const metadata = Object.entries(root.metadata).filter(([, v]) => typeof v === 'string') as [string, Json][];
  return out.archive(Object.fromEntries(metadata));
}

/** Bytes behind the heads from 0xc0 to 0xdf; negative where they hold a length of so many bytes. */
const BEHIND = [
  0, 0, 0, 0, -1, -2, -4, -1, -2, -4, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17, -1, -2, -4, -2, -4, -2, -4,
];

/** Throws where lists and maps claim more elements than there are bytes: a decoder makes room for them before it reads any. */
function bound(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let claimed = 0;
  for (let at = 0; at < bytes.length; ) {
    const head = bytes[at++];
    let n = 0;
    const list = (head >= 0x80 && head < 0xa0) || (head >= 0xdc && head < 0xe0);
    if (head >= 0x80 && head < 0xc0) n = head & (head < 0xa0 ? 15 : 31);
    else if (head >= 0xc0 && head < 0xe0) {
      const behind = BEHIND[head - 0xc0];
      n = Math.max(0, behind);
      if (behind < 0) {
        n = behind === -1 ? view.getUint8(at) : behind === -2 ? view.getUint16(at) : view.getUint32(at);
        at -= behind;
        if (head >= 0xc7 && head <= 0xc9) n++; // an extension's type
      }
    }
    if (list) claimed += n;
    else at += n;
    if (claimed > bytes.length) throw new Error(`lists of ${claimed} elements in ${bytes.length} bytes`);
  }
}
