/** `arithmetic/`: how a run computes, where that is not the default; a run of exact bits and full precision has no such root. */

import { OptionError } from '../core/errors.ts';
import type { Json } from '../core/host.ts';
import type { Runtime } from '../core/runtime.ts';
import { field, isText } from './component.ts';

/** The root that a state gets, and its number in `schema`. */
export interface Marks {
  readonly schema: Readonly<Record<string, number>>;
  readonly state: Readonly<Record<string, Json>>;
}

export class Arithmetic {
  readonly #rt: Runtime;
  /** Any step so far was taken without proof of its bits: what is made of it stays so. */
  #unverified = false;

  constructor(rt: Runtime) {
    this.#rt = rt;
  }

  save(): Marks {
    const { precision, exactness } = this.#rt;
    const unverified = this.#unverified || exactness === 'unverified';
    if (precision === 'highest' && !unverified) return { schema: {}, state: {} };
    const state = { precision, exactness: unverified ? 'unverified' : 'bitwise' };
    return { schema: { arithmetic: 1 }, state: { arithmetic: state } };
  }

  /** @throws OptionError where the run's contractions have another precision: its bits could not go on. */
  load(saved: Json | undefined): () => void {
    const read = (name: string, absent: string) =>
      saved === undefined ? absent : field('arithmetic', saved, name, isText, 'text');
    const precision = read('precision', 'highest');
    if (precision !== this.#rt.precision) {
      throw new OptionError(`resume: the run has precision '${precision}', the runtime '${this.#rt.precision}'`, {
        hint: `Create it with { precision: '${precision}' }, or take the weights alone: loadWeights().`,
        details: { option: 'precision', expected: precision, got: this.#rt.precision },
      });
    }
    const unverified = read('exactness', 'bitwise') === 'unverified';
    return () => {
      this.#unverified = unverified;
    };
  }
}
