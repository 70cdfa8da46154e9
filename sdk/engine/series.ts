/**
 * Several calls of a captured function as one, for loops that read nothing in between. The values of Variables go to and fro
 * between two sets of places, and Variables take them once, behind the last call; results are numbers. So a call costs its kernels
 * and the writing of its arguments.
 */

import type { Held } from '../core/node.ts';
import { bind, type Entry, faultOf, fill, leave, letGo, NONE, refuse, type Verdicts } from './call.ts';
import { CLEAN, type Flags } from './device.ts';
import type { EngineRuntime } from './runtime.ts';
import type { Leaf } from './signature.ts';

/** Calls of one program. */
class Turns {
  readonly entry: Entry;
  readonly #rt: EngineRuntime;
  readonly #sets: [Held[], Held[]] = [[], []];
  #next: 0 | 1 = 0;
  /** What the last call that stands has made. */
  #made: readonly Held[] | null = null;

  constructor(rt: EngineRuntime, entry: Entry) {
    this.#rt = rt;
    this.entry = entry;
  }

  run(): Flags {
    const { device } = this.#rt;
    const { compiled, inputs, outputSizes, carried } = this.entry;
    const outputs = this.#sets[this.#next];
    for (let i = outputs.length; i < outputSizes.length; i++) outputs.push(device.allocate(outputSizes[i]));
    const flags = device.run(compiled, inputs, outputs) as Flags;
    if (flags !== CLEAN) return flags;
    this.#made = outputs;
    this.#next = this.#next === 0 ? 1 : 0;
    for (const { input, output } of carried) inputs[input] = outputs[output];
    return flags;
  }

  /** What the call returned. */
  row(): unknown {
    const { result, outputOf } = this.entry;
    return fill(result, ({ index }) => this.#rt.device.peek!(this.#made![outputOf[index]]));
  }

  /** Variables take what was made. */
  end(): void {
    if (this.#made) {
      for (const { variable, output } of this.entry.assigned) {
        if (variable.current) this.#rt.install(variable, this.#made[output].retain(), null);
      }
    }
    for (const set of this.#sets) letGo(set);
  }
}

/**
 * @param program the program of a call's arguments, whose tensors are then in `leaves`
 * @param number that of the call
 */
export function runSeries(
  rt: EngineRuntime,
  calls: readonly (readonly unknown[])[],
  program: (args: readonly unknown[]) => Entry,
  number: () => number,
  leaves: readonly Leaf[],
  verdicts: Verdicts,
): { rows: unknown[]; refused: (() => Promise<never>) | null } {
  const rows: unknown[] = [];
  let turns: Turns | null = null;
  try {
    for (const args of calls) {
      const entry = program(args);
      const again = turns?.entry === entry;
      if (!again) {
        turns?.end();
        turns = null;
      }
      // What comes from a call that has yet to be judged is a case for a call of its own.
      if (!entry.scalars || bind(rt, entry, leaves, entry.inputs, again) !== NONE) break;
      turns ??= new Turns(rt, entry);
      const flags = turns.run();
      if (flags !== CLEAN) {
        const fault = faultOf({ rt, entry, inputs: leave(entry), number: number(), verdicts, parents: NONE }, flags)!;
        return { rows, refused: () => refuse(fault, verdicts) };
      }
      rows.push(turns.row());
    }
    return { rows, refused: null };
  } catch (e) {
    return { rows, refused: () => Promise.reject(e) };
  } finally {
    turns?.end();
  }
}
