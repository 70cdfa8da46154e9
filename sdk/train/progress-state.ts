/** `train/`, `data/` and `rng/`: how far the run has come, where it stands in its data, and its seed. */

import { CheckpointError, DataError, OptionError } from '../core/errors.ts';
import type { HostArray, Json } from '../core/host.ts';
import type { BatchSource } from '../data/source.ts';
import { type Component, field, isCount, isTextOrNull, type Saved } from './component.ts';

const NONE: ReadonlyMap<string, HostArray> = new Map();

/** Completed steps, and how many of them were skipped because they gave Inf or NaN. */
export class Steps implements Component {
  readonly root = 'train';
  readonly version = 1;
  done = 0;
  skipped = 0;

  save(): Saved {
    return { state: { step: this.done, skipped: this.skipped }, tensors: NONE };
  }

  load({ state }: Saved<HostArray>): () => void {
    const done = field('train', state, 'step', isCount, 'a count');
    const skipped = field('train', state, 'skipped', isCount, 'a count');
    return () => Object.assign(this, { done, skipped });
  }
}

/** The place in the data: completed epochs, and batches consumed in the one that is under way. */
export class Cursor implements Component {
  readonly root = 'data';
  readonly version = 1;
  epoch = 0;
  batch = 0;
  /** The data set's own digest; null before any was seen, and until known() where the data are new. */
  id: string | null = null;
  /** Whose digest it will be: taking one reads all data, which a run that saves nothing need not wait for. */
  #data: Pick<BatchSource, 'id'> | null = null;

  /**
   * Ties the cursor to a data set; before the first batch is consumed, any will do.
   * @throws DataError E_DATA_ORDER where it belongs to another one; `allowed` starts the epoch under way anew in the new data.
   */
  async attach(data: Pick<BatchSource, 'id'>, allowed: boolean): Promise<void> {
    if (this.epoch === 0 && this.batch === 0) {
      this.#data = data;
      return;
    }
    await this.known();
    const id = await data.id();
    if (this.id !== null && this.id !== id) {
      if (!allowed) {
        throw new DataError(`run: the data are not those of this run: ${short(id)}, not ${short(this.id)}`, {
          code: 'E_DATA_ORDER',
          hint: 'Give the same data and batch options, or pass { allowNewData: true }.',
          details: { expected: this.id, got: id },
        });
      }
      this.batch = 0;
    }
    this.id = id;
  }

  /** Resolves when `id` is that of the data. */
  async known(): Promise<void> {
    if (this.#data) this.id = await this.#data.id();
    this.#data = null;
  }

  save(): Saved {
    return { state: { id: this.id, epoch: this.epoch, batch: this.batch }, tensors: NONE };
  }

  load({ state }: Saved<HostArray>): () => void {
    const id = field('data', state, 'id', isTextOrNull, 'text or null');
    const epoch = field('data', state, 'epoch', isCount, 'a count');
    const batch = field('data', state, 'batch', isCount, 'a count');
    return () => {
      this.#data = null;
      Object.assign(this, { id, epoch, batch });
    };
  }
}

const short = (id: string): string => (id.length > 12 ? `${id.slice(0, 12)}…` : id);

/** The seed, as two u32 because a checkpoint's numbers end at 2^53. */
export class Seed implements Component {
  readonly root = 'rng';
  readonly version = 1;
  value: bigint;
  readonly #explicit: boolean;

  constructor(value: bigint, explicit: boolean) {
    this.value = value;
    this.#explicit = explicit;
  }

  save(): Saved {
    const words: Json = [Number(this.value & 0xffffffffn), Number(this.value >> 32n)];
    return { state: { seed: words }, tensors: NONE };
  }

  load({ state }: Saved<HostArray>): () => void {
    const isWords = (v: Json): v is readonly number[] =>
      Array.isArray(v) && v.length === 2 && v.every((w: Json) => isCount(w) && w < 2 ** 32);
    const [lo, hi] = field('rng', state, 'seed', isWords, 'two 32-bit words');
    const saved = BigInt(lo) | (BigInt(hi) << 32n);
    if (this.#explicit && saved !== this.value) {
      throw new OptionError(`seed: the run was started with seed ${saved}, the trainer was given ${this.value}`, {
        hint: "Leave it out to go on with the run's own.",
        details: { option: 'seed', expected: saved, got: this.value },
      });
    }
    return () => {
      this.value = saved;
    };
  }
}

/**
 * A file must be of this arithmetic, and all that it holds known and of these versions; those of components that are not `fixed`
 * are for their migrations.
 * @throws CheckpointError E_VERSION, E_MIGRATION, E_UNEXPECTED
 */
export function checkVersions(
  schema: Readonly<Record<string, number>>,
  mine: Readonly<Record<string, number>>,
  fixed: readonly string[],
): void {
  const fail = (code: `E_${string}`, name: string, hint: string) =>
    new CheckpointError(
      code,
      `the checkpoint's ${name} is version ${schema[name]}, here it is ${mine[name] ?? 'unknown'}`,
      {
        path: `schema.${name}`,
        expected: mine[name],
        actual: schema[name],
        hint,
      },
    );
  const hint = 'Use the isobit version that wrote it.';
  if (schema.numerics !== mine.numerics) throw fail('E_VERSION', 'numerics', hint);
  for (const name of fixed) if (schema[name] !== mine[name]) throw fail('E_MIGRATION', name, hint);
  for (const name of Object.keys(schema)) {
    if (name in mine || name === 'arithmetic' || name === 'user') continue;
    throw fail('E_UNEXPECTED', name, 'Give the Trainer the components that the run had.');
  }
}
