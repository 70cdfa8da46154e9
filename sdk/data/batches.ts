/** Batches of arrays in memory, in file order or shuffled by the seed. */

import { DataError, OptionError } from '../core/errors.ts';
import type { HostArray, IO } from '../core/host.ts';
import { checkOptions, count, flag, type OptionTable, oneOf, required } from '../core/options.ts';
import type { Rng } from '../core/rng.ts';
import { hex, sha256 } from '../core/sha256.ts';
import { rowsAt, rowsOf } from './rows.ts';
import type { Batch, BatchSource } from './source.ts';

export interface BatchOptions {
  /** Rows a batch, an integer from 1 up. The last batch of an epoch holds what is left. */
  size: number;
  /** A new order each epoch, by the seed (stream `shuffle`, step = epoch); default false: the rows' own order. */
  shuffle?: boolean;
  /** Leave out the last batch when it is not full; default false. */
  dropLast?: boolean;
  /** `'keep'` lets NaN and Infinity through; by default they are a DataError. */
  nonfinite?: 'throw' | 'keep';
}

export const BATCH_OPTIONS: OptionTable<BatchOptions> = {
  size: required(count),
  shuffle: flag,
  dropLast: flag,
  nonfinite: oneOf('throw', 'keep'),
};

/**
 * Batches `{ x, y }`, or `{ x }` alone. The arrays are read, not copied: leave them as they are while batches are taken.
 *
 * @param x inputs, shape [rows, …]
 * @param y targets, shape [rows, …]
 * @throws DataError for arrays without rows, different numbers of rows, and NaN or Infinity; OptionError for options
 * @example
 * const source = batches(x, y, { size: 16, shuffle: true });
 */
export function batches(x: HostArray, y: HostArray, o: BatchOptions): BatchSource;
export function batches(x: HostArray, o: BatchOptions): BatchSource;
export function batches(x: HostArray, y: HostArray | BatchOptions, o?: BatchOptions): BatchSource {
  if (o) return new Batches({ x, y: y as HostArray }, o);
  return new Batches({ x }, y as BatchOptions);
}

class Batches implements BatchSource {
  readonly batches: number;
  readonly #arrays: Readonly<Record<string, HostArray>>;
  readonly #options: Required<BatchOptions>;
  readonly #rows: number;
  #id: Promise<string> | undefined;

  constructor(arrays: Readonly<Record<string, HostArray>>, o: BatchOptions) {
    checkOptions('batches', BATCH_OPTIONS, o);
    this.#arrays = arrays;
    const { size, shuffle = false, dropLast = false, nonfinite = 'throw' } = o;
    this.#options = { size, shuffle, dropLast, nonfinite };
    const counts = Object.entries(arrays).map(([name, a]) => [name, rowsOf(`batches: ${name}`, a)] as const);
    this.#rows = counts[0][1];
    if (counts.some(([, rows]) => rows !== this.#rows)) {
      throw new DataError(`batches: rows differ: ${counts.map(([name, rows]) => `${name} has ${rows}`).join(', ')}`, {
        hint: 'Every array needs one row for each example.',
        details: Object.fromEntries(counts),
      });
    }
    if (nonfinite === 'throw') for (const [name, a] of Object.entries(arrays)) checkFinite(name, a);
    this.batches = dropLast ? Math.floor(this.#rows / size) : Math.ceil(this.#rows / size);
    if (this.batches === 0) {
      throw new DataError(
        `batches: ${this.#rows} rows make no full batch of ${size}, and dropLast leaves out the rest`,
        {
          hint: 'Use a smaller size, or keep the last batch.',
          details: { rows: this.#rows, size },
        },
      );
    }
  }

  id(): Promise<string> {
    this.#id ??= this.#digest();
    return this.#id;
  }

  async #digest(): Promise<string> {
    const { size, shuffle, dropLast } = this.#options;
    const arrays = Object.entries(this.#arrays);
    const head = { size, shuffle, dropLast, arrays: arrays.map(([name, a]) => [name, a.dtype, a.shape]) };
    const bytes = arrays.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return hex(await sha256(new TextEncoder().encode(`isobit batches 1\n${JSON.stringify(head)}\n`), ...bytes));
  }

  async *epoch(n: number, rng: Rng, from: number, o?: IO): AsyncGenerator<Batch> {
    if (!Number.isInteger(from) || from < 0 || from > this.batches) {
      throw new OptionError(`batches: an epoch has ${this.batches} batches, cannot go on from batch ${from}`, {
        details: { from, batches: this.batches },
      });
    }
    const { size, shuffle } = this.#options;
    const order = shuffle ? rng.at(n).permutation('shuffle', this.#rows) : undefined;
    const names = Object.keys(this.#arrays);
    for (let b = from; b < this.batches; b++) {
      o?.signal?.throwIfAborted();
      const start = b * size;
      const end = Math.min(start + size, this.#rows);
      const batch: Record<string, HostArray> = {};
      for (const name of names) batch[name] = rowsAt(this.#arrays[name], order, start, end);
      yield batch;
    }
  }
}

/** Exponent fields of all ones, by dtype; integer dtypes hold no Inf or NaN. */
const EXPONENT = { f16: 0x7c00, bf16: 0x7f80 } as const;

function checkFinite(name: string, a: HostArray): void {
  const mask = a.dtype === 'f16' || a.dtype === 'bf16' ? EXPONENT[a.dtype] : undefined;
  if (a.dtype !== 'f32' && mask === undefined) return;
  const at = a.data.findIndex((v) => (mask === undefined ? !Number.isFinite(v) : (v & mask) === mask));
  if (at < 0) return;
  const width = a.data.length / a.shape[0];
  const row = Math.floor(at / width);
  const value = mask === undefined ? a.data[at] : 'Inf or NaN';
  throw new DataError(`batches: ${name} holds ${value} in row ${row}, element ${at - row * width} of the row`, {
    hint: "Mend or leave out that row, or pass { nonfinite: 'keep' } to let it through.",
    details: { name, row, element: at - row * width },
  });
}
