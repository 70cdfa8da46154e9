/** A device around another that leaves room behind every buffer, and sees when something is written there. */

import type { DType } from '../sdk/core/dtype.ts';
import type { Held } from '../sdk/core/node.ts';
import type { Compiled, Device, Flags, Guard, Pending } from '../sdk/engine/device.ts';
import type { Plan } from '../sdk/engine/kernel.ts';

const ROOM = 64;
/** What stands in element i: a NaN, so that a look there raises a flag, and another one everywhere, so that a copy is seen. */
const wordAt = (i: number): number => 0xffc00001 + (i & 0x3fffff);

export class Walled implements Device {
  readonly backend: Device['backend'];
  readonly adapter: string;
  readonly late: boolean;
  /** What the runs so far have raised. */
  flags = { nonfinite: false, index: false };
  readonly #inner: Device;
  constructor(inner: Device) {
    this.#inner = inner;
    this.backend = inner.backend;
    this.adapter = inner.adapter;
    this.late = inner.late;
  }

  allocate(elements: number): Held {
    const held = this.#inner.allocate(elements + ROOM);
    this.#inner.upload(
      held,
      Uint32Array.from({ length: elements + ROOM }, (_, i) => wordAt(i)),
      'u32',
    );
    return held;
  }
  upload(to: Held, data: ArrayLike<number>, dtype: DType): boolean {
    return this.#inner.upload(to, data, dtype);
  }
  /** Throws where something stands behind the elements. */
  async download(from: Held, elements: number): Promise<Uint32Array> {
    const words = await this.#inner.download(from, elements + ROOM);
    const at = words.subarray(elements).findIndex((w, i) => w !== wordAt(elements + i));
    if (at >= 0) throw new Error(`written ${at + 1} elements behind the last of ${elements}`);
    return words.subarray(0, elements);
  }
  compile(plan: Plan): Compiled {
    return this.#inner.compile(plan);
  }
  run(compiled: Compiled, inputs: readonly Held[], outputs: readonly Held[], guard?: Guard): Flags | Pending {
    const answer = this.#inner.run(compiled, inputs, outputs, guard);
    if ('ask' in answer) void answer.flags.then((flags) => this.#note(flags));
    else this.#note(answer);
    return answer;
  }
  #note(flags: Flags): void {
    this.flags = { nonfinite: this.flags.nonfinite || flags.nonfinite, index: this.flags.index || flags.index };
  }
  memory(): { live: number; peak: number; limit: number } {
    return this.#inner.memory();
  }
  dispose(): void {
    this.#inner.dispose();
  }
}
