/** The states of a run: immutable objects, whose names begin with their root. */

import type { Store } from '../../adapters/store.ts';
import { CheckpointError } from '../core/errors.ts';
import type { HostArray, IO } from '../core/host.ts';
import { hex } from '../core/sha256.ts';
import type { CommitRecord } from './commit.ts';
import { isDamage } from './damage.ts';
import type { Limits } from './limits.ts';
import { type CheckpointFile, type OpenOptions, openCheckpoint } from './reader.ts';
import type { TensorSource } from './tensor.ts';
import { type CheckpointContent, type CheckpointDraft, draftCheckpoint, type Seal } from './writer.ts';

const OBJECTS = 'objects/';

/** A name that nobody else has. `crypto.randomUUID` is missing on pages that are not served securely. */
export const nonce = (): string => hex(crypto.getRandomValues(new Uint8Array(16)));

/** What a file holds, to be written again; its tensors are read, and so verified, one by one. */
export function contentOf(
  file: CheckpointFile,
  read: (name: string, o?: IO) => Promise<HostArray> = (name, o) => file.read(name, o),
): CheckpointContent {
  const { kind, schema, state } = file;
  const tensors = file.tensors.map(({ name, dtype, shape }): [string, TensorSource] => [
    name,
    { dtype, shape, read: async (o) => (await read(name, o)).data },
  ]);
  return { kind, schema, state, tensors: new Map(tensors) };
}

export class ObjectStore {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #limits: Limits;

  constructor(store: Store, prefix: string, limits: Limits) {
    this.#store = store;
    this.#prefix = prefix;
    this.#limits = limits;
  }

  /** The object that was asked for, all of it verified unless `verify` asks for less. */
  async open(object: string, root: string, o: Pick<OpenOptions, 'signal' | 'verify'>): Promise<CheckpointFile> {
    const key = this.#prefix + object;
    const { signal, verify } = o;
    const file = await openCheckpoint({ store: this.#store, key }, { signal, verify, limits: this.#limits });
    if (file.root === root) return file;
    throw new CheckpointError('E_INTEGRITY', `${file.source}: holds the state ${file.root}`, {
      path: file.source,
      expected: root,
      actual: file.root,
      hint: 'the file was replaced; restore it from a copy',
    });
  }

  /**
   * Under a late name where the store can, so that the state is read once; else hashed first. The name is one that nothing had
   * before, and so one that nobody is about to remove; only the same state as `like` has its name.
   */
  async put(
    content: CheckpointContent | CheckpointDraft,
    o: IO,
    like?: Pick<CommitRecord, 'root' | 'object'>,
  ): Promise<Seal & { object: string; size: number }> {
    const draft =
      'body' in content ? content : await draftCheckpoint(content, { signal: o.signal, limits: this.#limits });
    const caps = await this.#store.caps();
    if (draft.size > caps.maxObject) {
      const most = caps.maxObject;
      throw new CheckpointError('E_LIMIT', `${this.#store.name}: takes objects of ${most} bytes, not ${draft.size}`, {
        expected: most,
        actual: draft.size,
        hint: 'use another store',
      });
    }
    if (!caps.lateKey) await draft.seal(o);
    const own = nonce();
    const object = () => {
      const { root } = draft.sealed();
      return root === like?.root ? like.object : `${OBJECTS}${root}-${own}.cbor`;
    };
    const key = () => this.#prefix + object();
    const io = { signal: o.signal };
    const answer = await this.#store.put(caps.lateKey ? key : key(), draft.body, { ...io, ifAbsent: true });
    const seal = draft.sealed();
    if (answer === 'exists') {
      // saved before: worth a look, because a commit will stand on it
      await this.open(object(), seal.root, { ...o, verify: 'fresh' }).catch(async (e) => {
        if (!isDamage(e)) throw e;
        await this.#store.put(key(), draft.body, io);
      });
    }
    return { ...seal, object: object(), size: draft.size };
  }

  async remove(object: string, o: IO): Promise<void> {
    await this.#store.delete(this.#prefix + object, { signal: o.signal });
  }

  /** Every object, with when it was written where the store knows. */
  async *list(o: IO): AsyncGenerator<{ object: string; modified: number | undefined }> {
    for await (const { key, modified } of this.#store.list(this.#prefix + OBJECTS, { signal: o.signal })) {
      yield { object: key.slice(this.#prefix.length), modified };
    }
  }
}
