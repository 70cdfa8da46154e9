/** `user/`: what its author says of a model or a run, such as version, description, author, accuracy, loss and tags. */

import { ownJson } from '../checkpoint/cbor.ts';
import type { Json } from '../core/host.ts';
import type { Marks } from './arithmetic-state.ts';
import { isMap } from './component.ts';

/** Whatever JSON can say, under names of one's own. */
export type Metadata = Readonly<Record<string, Json>>;

/** The root for `metadata`; none without it. @throws CheckpointError E_ENCODE for what a file cannot hold. */
export function marksOf(metadata: Metadata | undefined): Marks {
  if (metadata === undefined) return { schema: {}, state: {} };
  return { schema: { user: 1 }, state: { user: ownJson(metadata, 'metadata') } };
}

/** The metadata of a run: those that were given to it, else those of the state it goes on from. */
export class UserState {
  #marks: Marks;
  #given: boolean;

  constructor(given: Metadata | undefined) {
    this.#marks = marksOf(given);
    this.#given = given !== undefined;
  }

  get value(): Metadata | undefined {
    return this.#marks.state.user as Metadata | undefined;
  }
  set value(given: Metadata | undefined) {
    this.#marks = marksOf(given);
    this.#given = given !== undefined;
  }

  save(): Marks {
    return this.#marks;
  }

  load(saved: Json | undefined): () => void {
    const marks = marksOf(isMap(saved) ? saved : undefined);
    return () => {
      if (!this.#given) this.#marks = marks;
    };
  }
}
