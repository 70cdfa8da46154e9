/**
 * PyTorch's .pt and .pth files as torch.save writes them since 1.6: a zip archive with a pickle of the structure and one member for
 * each storage. Read without executing anything (pickle.ts). Source: torch/serialization.py, torch/_utils.py.
 */

import type { Json } from '../core/host.ts';
import type { Shape } from '../core/shape.ts';
import { rowMajor } from '../core/strided.ts';
import {
  bytesOf,
  Collector,
  type Foreign,
  fault,
  type ReadArchive,
  type ReadArchiveOptions,
  scalarOf,
  widthOf,
} from './archive.ts';
import { unpickle } from './pickle.ts';
import { unzipped } from './zip.ts';

const FORMAT = 'PyTorch';

const STORAGES: Readonly<Record<string, Foreign>> = {
  'torch.FloatStorage': 'f32',
  'torch.HalfStorage': 'f16',
  'torch.BFloat16Storage': 'bf16',
  'torch.DoubleStorage': 'f64',
  'torch.LongStorage': 'i64',
  'torch.IntStorage': 'i32',
  'torch.ShortStorage': 'i16',
  'torch.CharStorage': 'i8',
  'torch.ByteStorage': 'u8',
  'torch.BoolStorage': 'bool',
};

const MAX_VALUES = 5_000_000;
const MAX_DEPTH = 64;
/** PyTorch's own limit. */
const MAX_DIMS = 64;
/** A name's, as in checkpoints; and that of all names, which hold each other's beginnings. */
const MAX_NAME = 1024;
const MAX_NAMES = 2 ** 27;
/** The shortest zip archive. */
const MIN_ZIP = 22;
/** Bytes that a tensor may take beyond its storage, where strides of 0 repeat elements. */
const MAX_REPEATED = 2 ** 26;
/** How often over all tensors may take a file's bytes: some share a storage, as tied weights do and the copies of a state dict. */
const MAX_SHARED = 16;

/** Elements in the archive: which member, of what type, and how many. */
class Storage {
  readonly type: Foreign;
  readonly key: string;
  readonly elements: number;
  constructor(type: Foreign, key: string, elements: number) {
    this.type = type;
    this.key = key;
    this.elements = elements;
  }
}

class Tensor {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: Shape;
  readonly strides: readonly number[];
  constructor(storage: Storage, offset: number, shape: Shape, strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/**
 * Reads the tensors of a .pt file. Nested dicts and lists become names joined by dots, as in `optimizer.state.0.exp_avg`; numbers,
 * texts and booleans become metadata under such names, Inf and NaN as texts and -0 as 0.
 *
 * @throws DataError (E_FORMAT) on anything that is not made of tensors, numbers and texts, names the class that was asked for;
 *   on files of before 1.6, and on damage
 */
export function readPyTorch(bytes: Uint8Array, o: ReadArchiveOptions = {}): ReadArchive {
  const members = unzip(bytes);
  const pickleName = Object.keys(members).find((n) => n.endsWith('/data.pkl') || n === 'data.pkl');
  if (!pickleName) throw fault(FORMAT, 'the archive has no data.pkl');
  const folder = pickleName.slice(0, -'data.pkl'.length);
  const order = members[`${folder}byteorder`];
  if (order && new TextDecoder().decode(order).trim() !== 'little') {
    throw fault(FORMAT, 'its elements are big-endian', { hint: 'Save it on a little-endian machine.' });
  }
  const program = members[pickleName];
  let copied = 0;
  const root = unpickle(program, {
    format: FORMAT,
    allows: (name) => name in STORAGES || name in CALLS,
    call: (name, args) => {
      const f = CALLS[name];
      if (!f) throw fault(FORMAT, `calls ${name}`);
      // Every element has bytes of its own, but a list may be recalled for any number of calls.
      copied += Array.isArray(args[0]) ? args[0].length : 0;
      if (copied > program.length) throw fault(FORMAT, 'holds more values than any state dict');
      return f(args);
    },
    persistent: storageOf,
  });
  const out = new Collector(FORMAT, o);
  const metadata: [string, Json][] = [];
  let visits = 0;
  let letters = 0;
  let taken = 0;
  const add = (path: string, key: string, v: unknown, depth: number): void => {
    const name = path === '' ? key : `${path}.${key}`;
    letters += name.length;
    // Lists may hold each other, by which a few bytes could ask for any number of names.
    if (++visits > MAX_VALUES || depth > MAX_DEPTH || letters > MAX_NAMES) {
      throw fault(FORMAT, 'holds more values than any state dict');
    }
    if (name.length > MAX_NAME) throw fault(FORMAT, `has a name of more than ${MAX_NAME} letters`);
    if (v instanceof Tensor) {
      if (!(o.only?.(name) ?? true)) return;
      const elements = elementsOf(name, v, members, folder);
      taken += elements.length;
      if (taken > MAX_SHARED * bytes.length + MAX_REPEATED) {
        throw fault(FORMAT, `its tensors share their storages until they take more than ${MAX_SHARED} times the file`, {
          tensor: name,
          hint: 'Read some of them with `only`, or save them without those that are the same.',
        });
      }
      out.add(name, v.storage.type, v.shape, elements);
    } else if (v instanceof Map) {
      for (const [k, item] of v) {
        // A list as a key may hold itself many times over, and its text then takes forever.
        if (typeof k === 'object' || typeof k === 'symbol')
          throw fault(FORMAT, `${name} has a key that is no number or text`);
        add(name, String(k), item, depth + 1);
      }
    } else if (Array.isArray(v)) {
      v.forEach((item, i) => {
        add(name, `${i}`, item, depth + 1);
      });
    } else {
      const said = scalarOf(v);
      if (said === undefined) throw fault(FORMAT, `${name} is no tensor, number or text`);
      metadata.push([name, said]);
    }
  };
  add('', '', root, 0);
  return out.archive(Object.fromEntries(metadata)); // also '__proto__' is then a key like any other
}

function unzip(bytes: Uint8Array): Record<string, Uint8Array> {
  if (bytes[0] !== 0x50 || bytes[1] !== 0x4b || bytes.length < MIN_ZIP) {
    throw fault(FORMAT, 'not a zip archive', {
      hint: 'Files of before PyTorch 1.6 are not read: load and save them again with a newer one, or save safetensors.',
    });
  }
  return unzipped(FORMAT, bytes, ({ name, size, originalSize, compression }) => {
    // torch.save stores without compression; anything else may be a bomb.
    if (compression !== 0 || size !== originalSize) throw fault(FORMAT, `${name} is compressed`);
    return true;
  });
}

const isCount = (v: unknown): v is number => Number.isSafeInteger(v) && (v as number) >= 0;
const isCounts = (v: unknown): v is number[] => Array.isArray(v) && v.length <= MAX_DIMS && v.every(isCount);
const isPair = (v: unknown): v is readonly [unknown, unknown] => Array.isArray(v) && v.length === 2;

function storageOf(id: unknown): Storage {
  const [kind, type, key, , elements] = Array.isArray(id) ? (id as unknown[]) : [];
  const foreign = STORAGES[(type as { global?: string })?.global ?? ''];
  if (kind !== 'storage' || !foreign || typeof key !== 'string' || !isCount(elements)) {
    throw fault(FORMAT, 'refers to something that is no storage of numbers');
  }
  return new Storage(foreign, key, elements);
}

/** What the names that may be called give. */
const CALLS: Readonly<Record<string, ((args: readonly unknown[]) => unknown) | undefined>> = {
  'collections.OrderedDict': ([items = []]) => {
    if (Array.isArray(items) && items.every(isPair)) return new Map(items);
    throw fault(FORMAT, 'an OrderedDict is not made of pairs');
  },
  'torch._utils._rebuild_tensor_v2': ([storage, offset, shape, strides]) => {
    if (!(storage instanceof Storage) || !isCount(offset) || !isCounts(shape) || !isCounts(strides)) {
      throw fault(FORMAT, 'a tensor is not made of a storage, an offset, a shape and strides');
    }
    if (shape.length !== strides.length) throw fault(FORMAT, `shape [${shape}] has strides [${strides}]`);
    return new Tensor(storage, offset, shape, strides);
  },
  'torch._utils._rebuild_parameter': ([tensor]) => tensor,
  'torch.Size': ([dims]) => dims,
};

/** The tensor's elements in row-major order. */
function elementsOf(
  name: string,
  t: Tensor,
  members: Readonly<Record<string, Uint8Array>>,
  folder: string,
): Uint8Array {
  const raw = members[`${folder}data/${t.storage.key}`];
  const { type } = t.storage;
  const width = widthOf(type);
  if (!raw || raw.length < t.storage.elements * width) {
    throw fault(FORMAT, `its storage ${t.storage.key} is ${raw ? 'cut off' : 'missing'}`, { tensor: name });
  }
  const bytes = bytesOf(FORMAT, name, type, t.shape);
  if (bytes === 0) return new Uint8Array(0);
  const last = t.shape.reduce((n, d, i) => n + (d - 1) * t.strides[i], t.offset);
  if (last >= raw.length / width) throw fault(FORMAT, 'reaches beyond its storage', { tensor: name });
  if (bytes > raw.length + MAX_REPEATED) {
    throw fault(FORMAT, `[${t.shape}] is spread out from ${raw.length} bytes`, {
      tensor: name,
      hint: 'Save it with .contiguous().',
    });
  }
  if (isRowMajor(t)) return raw.subarray(t.offset * width, t.offset * width + bytes);
  return rowMajor(raw, { ...t, width });
}

function isRowMajor(t: Tensor): boolean {
  let n = 1;
  for (let d = t.shape.length - 1; d >= 0; d--) {
    if (t.shape[d] !== 1 && t.strides[d] !== n) return false;
    n *= t.shape[d];
  }
  return true;
}
