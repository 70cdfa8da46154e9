/**
 * Saving while the program goes on: a picture of the state is hashed and written in the background, one at a time. What was
 * promised is as with `RunStore.save`, only later: a save is durable when it has ended, and retention comes behind it.
 */

import { CheckpointError } from '../core/errors.ts';
import type { Async } from './plan.ts';
import type { CommitInfo, RunStore, Saved } from './run.ts';
import { type CheckpointContent, type CheckpointDraft, draftCheckpoint } from './writer.ts';

/** A state, and what its commit says of it. */
export interface Picture extends CommitInfo {
  readonly content: CheckpointContent;
  /** Called once it is copied, or cannot be. */
  release?(): void;
}

/** A picture that is copied, and waits or is written. */
interface Taken {
  readonly draft: CheckpointDraft;
  readonly info: CommitInfo;
}

/**
 * Saves a run in the background. A picture is copied once, into memory that later ones take again; beside that a save holds at most
 * 16 MiB. With 'replace' there is one copy more, for the picture that waits: a newer one is copied into its memory.
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
  #waiting: Taken | undefined;
  /** Memory that the next picture may take: fresh memory costs more than the copy. */
  #spare: Uint8Array<ArrayBuffer> | undefined;
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
   * Takes a picture and resolves when it is copied, while it is saved in the background; `take` is called when its turn has come,
   * at once unless 'block' has to wait, or 'replace' for a picture with tags, which is not given up. False where 'skip' left it
   * out, without calling `take`.
   * @throws what `take` throws, and the error of an earlier save, once; with `quiet` that one is left to be told by the next call.
   */
  save(take: () => Picture | Promise<Picture>, o: { quiet?: boolean } = {}): Promise<boolean> {
    if (this.#closed) {
      return Promise.reject(new CheckpointError('E_BUSY', 'save: this saver is closed', { hint: 'make another one' }));
    }
    const mine = this.#tail.then(async () => {
      if (this.#policy === 'block' || this.#waiting?.info.tags?.length) await this.#flying;
      if (!o.quiet) this.#surface();
      if (this.#policy === 'skip' && this.#flying) return false;
      const taken = await this.#copy(await take());
      if (this.#flying) this.#waiting = taken;
      else this.#fly(taken);
      return true;
    });
    this.#tail = mine.catch(() => {});
    return mine;
  }

  /** Waits until nothing is under way; what went wrong is left to be told. */
  async settled(): Promise<void> {
    await this.#tail;
    while (this.#flying) await this.#flying;
  }

  /**
   * Waits until all that was taken is durable, and gives the last commit.
   * @throws the error of an earlier save, once.
   */
  async flush(): Promise<Saved | undefined> {
    await this.settled();
    this.#surface();
    return this.#saved;
  }

  /** Flushes; saves that are called from now on are refused (E_BUSY), those before it are carried out. */
  close(): Promise<Saved | undefined> {
    this.#closed = true;
    return this.flush();
  }

  async #copy(picture: Picture): Promise<Taken> {
    const { content, step, epoch, metrics, tags } = picture;
    const room = (bytes: number) => {
      // All is checked by now: the one that waits is given up, so that there are never three.
      const image = this.#waiting?.draft.image ?? this.#spare;
      this.#spare = this.#waiting = undefined;
      // A history grows from save to save.
      const fits = image && image.length >= bytes && image.length <= 2 * bytes;
      return fits ? image : new Uint8Array(bytes + (bytes >> 3));
    };
    try {
      const draft = await draftCheckpoint(content, { image: room });
      return { draft, info: { step, epoch, metrics: { ...metrics }, tags: [...(tags ?? [])] } };
    } finally {
      picture.release?.();
    }
  }

  #fly({ draft, info }: Taken): void {
    this.#flying = this.#run
      .save(draft, info)
      .then(
        (saved) => {
          this.#saved = saved;
        },
        (error: unknown) => {
          this.#failed ??= { error };
        },
      )
      .then(() => {
        const next = this.#waiting;
        this.#spare = draft.image;
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
