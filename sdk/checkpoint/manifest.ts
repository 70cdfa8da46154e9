/** The index of a file: what kind of state it is, the state itself, and the list of tensors. */

import { isDType } from '../core/dtype.ts';
import { CheckpointError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import { compareBytes, isWellFormed, utf8 } from './bytes.ts';
import { decodeCanonical, encodeCanonical } from './cbor.ts';
import { INDEX_OFF, type TensorSpec, tensorBytes } from './layout.ts';
import type { Limits } from './limits.ts';

export type State = { readonly [k: string]: Json };
export type Schema = Readonly<Record<string, number>>;

/** Everything in a file but the tensors' data. */
export interface Manifest {
  /** 'train', 'weights', … */
  readonly kind: string;
  /** Features that a reader must understand. */
  readonly requires: readonly string[];
  /** One version number a component. */
  readonly schema: Schema;
  readonly state: State;
  /** Ascending by the UTF-8 bytes of their names. */
  readonly tensors: readonly TensorSpec[];
}

/** Why a tensor's name cannot be stored, or undefined. Names are `/`-separated, and safe as keys and as file names. */
export function nameFault(name: string, limits: Limits): string | undefined {
  if (!isWellFormed(name)) return 'holds a lone surrogate';
  const bytes = utf8(name).length;
  if (bytes < 1 || bytes > limits.name) return `takes ${bytes} bytes, not 1 to ${limits.name}`;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) return 'holds a control character';
  if (name.startsWith('\uFEFF')) return 'starts with U+FEFF';
  const segments = name.split('/');
  if (segments.includes('')) return 'has an empty segment';
  if (segments.includes('..') || segments.includes('.')) return "has a segment '.' or '..'";
  return undefined;
}

/** The order of tensors in a file. JavaScript's own order of strings differs beyond U+FFFF. */
export function sortByName<T extends { readonly name: string }>(tensors: readonly T[]): T[] {
  return tensors
    .map((t) => ({ t, key: utf8(t.name) }))
    .sort((a, b) => compareBytes(a.key, b.key))
    .map((e) => e.t);
}

/** Canonical bytes. The manifest's tensors must be sorted, with good names and shapes (`checkTensors`). */
export function encodeManifest(m: Manifest, limits: Limits): Uint8Array {
  const tensors = m.tensors.map((t) => [t.name, t.dtype, [...t.shape]]);
  const bytes = encodeCanonical(
    { kind: m.kind, requires: m.requires, schema: m.schema, state: m.state, tensors },
    '',
    limits,
  );
  if (bytes.length > limits.index) {
    throw new CheckpointError('E_LIMIT', `index of ${bytes.length} bytes, over ${limits.index}`, {
      expected: limits.index,
      actual: bytes.length,
      hint: 'move long lists from the state to tensors',
    });
  }
  return bytes;
}

function isMap(v: Json | undefined): v is { readonly [k: string]: Json } {
  return typeof v === 'object' && v !== null && !Array.isArray(v);
}

const isText = (v: Json): v is string => typeof v === 'string';
const isCount = (v: Json): v is number => Number.isSafeInteger(v) && (v as number) >= 0;

/** Faults of kind, requires, schema and tensors that hold for writing and reading alike. */
export function checkManifest(m: Manifest, limits: Limits, code: 'E_SCHEMA' | 'E_ENCODE'): void {
  const fail = (path: string, why: string, hint = 'see docs/checkpoint.md, "The file"'): never => {
    throw new CheckpointError(code, `${path} ${why}`, { path, hint });
  };
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(m.kind)) fail('kind', `'${m.kind}' is not a word like 'train' or 'weights'`);
  for (const [k, v] of Object.entries(m.schema)) if (!isCount(v)) fail(`schema.${k}`, 'is not a whole number');
  if (m.tensors.length > limits.tensors) {
    throw new CheckpointError('E_LIMIT', `${m.tensors.length} tensors, over ${limits.tensors}`, {
      hint: 'join small tensors, or raise limits.tensors',
    });
  }
  let last: Uint8Array | undefined;
  for (const t of m.tensors) {
    const fault = nameFault(t.name, limits);
    const tensor = (why: string, c: `E_${string}`, hint: string): never => {
      throw new CheckpointError(c, `tensor ${JSON.stringify(t.name)}: ${why}`, { tensor: t.name, hint });
    };
    if (fault) tensor(`its name ${fault}`, code, "use names like 'model/fc1.weight'");
    if (!isDType(t.dtype)) tensor(`unknown dtype ${JSON.stringify(t.dtype)}`, 'E_DTYPE', 'read it with a newer isobit');
    if (t.shape.length > limits.rank) tensor(`rank ${t.shape.length}, over ${limits.rank}`, 'E_LIMIT', 'reshape it');
    if (!t.shape.every((d) => isCount(d)))
      tensor(`shape ${JSON.stringify(t.shape)}`, code, 'dimensions are whole numbers from 0');
    tensorBytes(t, limits);
    const key = utf8(t.name);
    if (last && compareBytes(last, key) >= 0) tensor('is repeated or out of order', code, 'give each tensor one name');
    last = key;
  }
}

const KEYS = ['kind', 'requires', 'schema', 'state', 'tensors'];

/**
 * Checks and reads an index: E_NONCANONICAL and the like for its bytes, E_SCHEMA and E_REQUIRES for what it says.
 * A later minor of the format may add keys, which are ignored: what must be understood is listed in `requires`.
 */
export function decodeManifest(bytes: Uint8Array, limits: Limits, minor = 0): Manifest {
  const fail = (path: string, why: string): never => {
    throw new CheckpointError('E_SCHEMA', `index: ${path} ${why}`, {
      path,
      hint: 'the file was not written by isobit',
    });
  };
  const v = decodeCanonical(bytes, { limits, what: 'index', base: INDEX_OFF });
  if (!isMap(v)) return fail('top', 'is not a map');
  const { kind, requires, schema, state, tensors } = v;
  for (const k of Object.keys(v)) {
    if (minor === 0 && !KEYS.includes(k)) fail(JSON.stringify(k), 'is not a known key');
  }
  if (typeof kind !== 'string') return fail('kind', 'is not text');
  if (!Array.isArray(requires) || !requires.every(isText)) return fail('requires', 'is not a list of texts');
  if (requires.length > 0) {
    throw new CheckpointError('E_REQUIRES', `needs features this reader lacks: ${requires.join(', ')}`, {
      actual: requires,
      hint: 'read it with a newer isobit',
    });
  }
  if (!isMap(schema)) return fail('schema', 'is not a map');
  if (!isMap(state)) return fail('state', 'is not a map');
  if (!Array.isArray(tensors)) return fail('tensors', 'is not a list');
  const specs = (tensors as readonly Json[]).map((t, i): TensorSpec => {
    if (!Array.isArray(t) || t.length !== 3) return fail(`tensors[${i}]`, 'is not [name, dtype, dims]');
    const [name, dtype, shape] = t as readonly Json[];
    if (!isText(name)) return fail(`tensors[${i}][0]`, 'is not text');
    if (!Array.isArray(shape)) return fail(`tensors[${i}][2]`, 'is not a list');
    return { name, dtype: dtype as TensorSpec['dtype'], shape: shape as readonly number[] };
  });
  const m: Manifest = { kind, requires: [], schema: schema as Schema, state, tensors: specs };
  checkManifest(m, limits, 'E_SCHEMA');
  return m;
}
