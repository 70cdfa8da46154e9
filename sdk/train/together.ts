/** Steps that go together: several in one call, up to the next boundary at which anything may look at the state. */

import type { Batch } from '../data/source.ts';
import { INTERVAL } from './turn.ts';

/**
 * Batches in groups of at most `room()`, which is asked before each group; a group is smaller where the source ends. What came
 * before a source failed is given first, so that the state is that of the last batch which it gave.
 */
export async function* together(batches: AsyncIterable<Batch>, room: () => number): AsyncGenerator<readonly Batch[]> {
  let group: Batch[] = [];
  let size = 0;
  try {
    for await (const batch of batches) {
      if (group.length === 0) size = room();
      group.push(batch);
      if (group.length < size) continue;
      const full = group;
      group = [];
      yield full;
    }
  } catch (e) {
    if (group.length > 0) yield group;
    throw e;
  }
  if (group.length > 0) yield group;
}

/** How many steps fit between two turns of the platform, as the last ones went: many small ones, one large one. */
export class Pace {
  #steps = 1;

  /** To be called before a group; the function it gives behind it. */
  begin(): (steps: number) => void {
    const from = performance.now();
    return (steps) => {
      const each = (performance.now() - from) / steps;
      this.#steps = Math.max(1, Math.floor(INTERVAL / each));
    };
  }
  get room(): number {
    return this.#steps;
  }
}
