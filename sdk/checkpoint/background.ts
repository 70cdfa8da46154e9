/**
 * Saving while the program goes on: a picture of the state is hashed and written in the background, one at a time. What was
 * promised is as with `RunStore.save`, only later: a save is durable when it has ended, and retention comes behind it.
 */

import { CheckpointError } from '../core/errors.ts';
import { ownJson } from './cbor.ts';
import type { Async } from './plan.ts';
import type { CommitInfo, RunStore, Saved } from './run.ts';
import type { CheckpointContent } from './writer.ts';

/** A state, and what its commit says of it. */
export interface Picture extends CommitInfo {
  /** Arrays are copied when it is taken; what a lazy tensor reads must stay as it is until `release`. */
  readonly content: CheckpointContent;
  /** Called once it is written, or given up. */
  release?(): void;
}

/**
 * Saves a run in the background. Beside what is in use, a save holds one copy of the state and at most 16 MiB; with 'replace',
 * one more copy while a picture waits.
 *
 * @example
 *   const saver = new BackgroundSaver(run, 'skip');
 *   await saver.save(() => ({ content, step: 100, epoch: 2 })); // false where one is under way still
 *   await saver.close();
 */
export class BackgroundSaver {
  readonly #run: RunStore;
  readonly #policy: Async;
  #flying: Promise<void> | undefined;
  #waiting: Picture | undefined;
  #failed: { readonly error: unknown } | undefined;
  #saved: Saved | undefined;
  #closed = false;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(run: RunStore, policy: Async) {
    this.#run = run;
    this.#policy = policy;
  }

  /** A save is under way. */
  get busy(): boolean {
    return this.#flying !== undefined;
  }
  /** The last that ended well. */
  get saved(): Saved | undefined {
    return this.#saved;
  }

  /**
   * Takes a picture and saves it behind the caller's back; `take` is called when its turn has come, at once unless 'block' has to
   * wait. False where 'skip' left it out, without calling `take`.
   * @throws what `take` throws, and the error of an earlier save, once.
   */
  save(take: () => Picture | Promise<Picture>): Promise<boolean> {
    const mine = this.#tail.then(async () => {
      if (this.#closed) {
        throw new CheckpointError('E_BUSY', 'save: this saver is closed', { hint: 'make another one' });
      }
      if (this.#policy === 'block') await this.#flying;
      this.#surface();
      if (this.#policy === 'skip' && this.#flying) return false;
      const taken = await take();
      try {
        const picture = copied(taken);
        if (this.#flying) {
          this.#waiting?.release?.();
          this.#waiting = picture;
        } else this.#fly(picture);
      } catch (e) {
        taken.release?.();
        throw e;
      }
      return true;
    });
    this.#tail = mine.catch(() => {});
    return mine;
  }

  /**
   * Waits until all that was taken is durable, and gives the last commit.
   * @throws the error of an earlier save, once.
   */
  async flush(): Promise<Saved | undefined> {
    await this.#tail;
    while (this.#flying) await this.#flying;
    this.#surface();
    return this.#saved;
  }

  /** Flushes, and takes nothing any more. */
  close(): Promise<Saved | undefined> {
    this.#closed = true;
    return this.flush();
  }

  #fly(picture: Picture): void {
    this.#flying = this.#run
      .save(picture.content, picture)
      .then(
        (saved) => {
          this.#saved = saved;
        },
        (error: unknown) => {
          this.#failed ??= { error };
        },
      )
      .then(() => {
        picture.release?.();
        const next = this.#waiting;
        this.#flying = this.#waiting = undefined;
        if (next) this.#fly(next);
      });
  }

  #surface(): void {
    const failed = this.#failed;
    this.#failed = undefined;
    if (failed) throw failed.error;
  }
}

/** The picture with arrays of its own, which are never shared memory. E_ENCODE for a state that no file can hold. */
function copied(picture: Picture): Picture {
  const { content, metrics, tags } = picture;
  const tensors = [...content.tensors].map(
    ([name, t]) => [name, 'data' in t ? { ...t, data: t.data.slice() } : t] as const,
  );
  return {
    step: picture.step,
    epoch: picture.epoch,
    metrics: { ...metrics },
    tags: tags && [...tags],
    content: {
      kind: content.kind,
      schema: { ...content.schema },
      state: ownJson(content.state, 'state'),
      tensors: new Map(tensors),
    },
    release: () => picture.release?.(),
  };
}
