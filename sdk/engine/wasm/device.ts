/** Device over the AssemblyScript module: one linear memory, one `run(plan)` a step. */

import type { DType } from '../../core/dtype.ts';
import { DeviceError, DisposedError } from '../../core/errors.ts';
import type { Held } from '../../core/node.ts';
import { C } from '../../core/scalar/bits.ts';
import { Buffer } from '../buffer.ts';
import { CLEAN, type Compiled, type Device, type Flags, type Guard } from '../device.ts';
import { Heap, type Space } from '../heap.ts';
import type { Plan } from '../kernel.ts';
import { roomFor } from '../memory.ts';
import { halves } from '../upload.ts';
import { BASE } from '../words.ts';
import type { Crew } from './crew.ts';
import { FLAG } from './layout.ts';
import { lowerPlan } from './lower.ts';

interface Kernels {
  readonly memory: WebAssembly.Memory;
  run(plan: number): number;
  admit(at: number, elements: number): number;
  registers(): number;
  heapBase(threads: number): number;
}

/** Threads are started when runs that take so many milliseconds, each, have taken so many together. */
const LONG = 2;
const WORTH = 20;

/** 32-bit addresses reach 4 GiB. */
const LIMIT = 65535 * 65536;

/** Growing detaches the views of a memory: `grown` makes new ones. */
function linear(memory: WebAssembly.Memory, grown: () => void): Space {
  return {
    get bytes() {
      return memory.buffer.byteLength;
    },
    grow(bytes) {
      try {
        memory.grow(Math.ceil((bytes - memory.buffer.byteLength) / 65536));
        grown();
        return true;
      } catch {
        return false;
      }
    },
  };
}

/** Where one binding's address goes. */
interface Patch {
  readonly words: readonly number[];
  readonly addends: readonly number[];
  address: number;
}

class WasmPlan implements Compiled {
  readonly plan: Plan;
  readonly code: Buffer;
  readonly bindings: (Patch | undefined)[] = [];
  readonly arena: Patch = { words: [], addends: [], address: -1 };
  /** Whether it has run: the first time is the engine's, which compiles the kernels that it meets. */
  warm = false;
  constructor(plan: Plan, code: Buffer) {
    this.plan = plan;
    this.code = code;
  }
  dispose(): void {
    this.code.release();
  }
}

export class WasmDevice implements Device {
  readonly backend = 'wasm';
  readonly late = false;
  readonly adapter: string;
  readonly #kernels: Kernels;
  readonly #heap: Heap;
  readonly #registers: number;
  readonly #crew: Crew | null;
  readonly lost: Promise<DeviceError>;
  #lose: (e: DeviceError) => void = () => {};
  /** Milliseconds that long runs took before threads were called for; a thread failed where there is an error. */
  #busy = 0;
  #broken: DeviceError | null = null;
  #arena: Buffer | null = null;
  #u32: Uint32Array;
  #f32: Float32Array;
  #i32: Int32Array;
  #disposed = false;

  constructor(instance: WebAssembly.Instance, crew: Crew | null = null, adapter = 'wasm simd128') {
    this.#kernels = instance.exports as unknown as Kernels;
    this.#crew = crew;
    this.adapter = adapter;
    this.lost = new Promise((tell) => {
      this.#lose = tell;
    });
    const grown = () => {
      [this.#u32, this.#f32, this.#i32] = this.#views();
    };
    const base = this.#kernels.heapBase(crew?.size ?? 1) >>> 0;
    this.#heap = new Heap(linear(this.#kernels.memory, grown), base, LIMIT);
    this.#registers = this.#kernels.registers() >>> 0;
    [this.#u32, this.#f32, this.#i32] = this.#views();
  }

  #views(): [Uint32Array, Float32Array, Int32Array] {
    const b = this.#kernels.memory.buffer;
    return [new Uint32Array(b), new Float32Array(b), new Int32Array(b)];
  }

  get threads(): number {
    return this.#crew?.threads ?? 1;
  }

  allocate(elements: number): Buffer {
    if (this.#disposed) throw new DisposedError('runtime: used after dispose()', { hint: 'Create another runtime.' });
    return new Buffer(this.#heap, roomFor(elements));
  }

  upload(to: Held, data: ArrayLike<number>, dtype: DType): boolean {
    const at = (to as Buffer).at >>> 2;
    if (dtype === 'f32') {
      if (data.length === 1 && Number.isFinite(Math.fround(data[0]))) {
        this.#f32[at] = C(Math.fround(data[0]));
        return false;
      }
      this.#f32.set(data, at);
      return (this.#kernels.admit((to as Buffer).at, data.length) & FLAG.nonfinite) !== 0;
    }
    if (dtype === 'f16' || dtype === 'bf16') {
      const { words, nonfinite } = halves(data, dtype);
      this.#u32.set(words, at);
      return nonfinite;
    }
    this.#i32.set(data, at);
    return false;
  }

  download(from: Held, elements: number, into = new Uint32Array(elements)): Promise<Uint32Array> {
    const at = (from as Buffer).at >>> 2;
    into.set(this.#u32.subarray(at, at + elements));
    return Promise.resolve(into);
  }

  peek(from: Held): number {
    return this.#f32[(from as Buffer).at >>> 2];
  }

  compile(plan: Plan): WasmPlan {
    const { words, arena } = lowerPlan(plan, this.#crew?.size);
    const compiled = new WasmPlan(plan, this.allocate(words.data.length));
    if (arena > (this.#arena?.bytes ?? 0)) {
      // Where there is no room, older plans keep theirs.
      const larger = new Buffer(this.#heap, roomFor(arena / 4));
      this.#arena?.release();
      this.#arena = larger;
    }
    const at = compiled.code.at >>> 2;
    this.#u32.set(words.data, at);
    const patches = new Map<number, { words: number[]; addends: number[]; address: number }>();
    for (const { word, base, addend } of words.relocations) {
      if (base === BASE.plan) this.#u32[at + word] = compiled.code.at + addend;
      else if (base === BASE.registers) this.#u32[at + word] = this.#registers + addend;
      else {
        let p = patches.get(base);
        if (!p) {
          p =
            base === BASE.arena
              ? (compiled.arena as { words: number[]; addends: number[]; address: number })
              : { words: [], addends: [], address: -1 };
          patches.set(base, p);
        }
        p.words.push(at + word);
        p.addends.push(addend);
      }
    }
    for (const [base, p] of patches) if (base >= 0) compiled.bindings[base] = p;
    return compiled;
  }

  #patch(p: Patch | undefined, address: number): void {
    if (!p || p.address === address) return;
    p.address = address;
    const u32 = this.#u32;
    for (let i = 0; i < p.words.length; i++) u32[p.words[i]] = address + p.addends[i];
  }

  run(compiled: Compiled, inputs: readonly Held[], outputs: readonly Held[], guard?: Guard): Flags {
    const c = compiled as WasmPlan;
    for (let i = 0; i < inputs.length; i++) this.#patch(c.bindings[i], (inputs[i] as Buffer).at);
    for (let i = 0; i < outputs.length; i++) this.#patch(c.bindings[inputs.length + i], (outputs[i] as Buffer).at);
    if (this.#arena) this.#patch(c.arena, this.#arena.at);
    const flags = this.#execute(c);
    const halted = guard ? this.#keep(c.plan, outputs, guard, flags !== 0) : false;
    if (flags === 0 && !halted) return CLEAN;
    return { nonfinite: (flags & FLAG.nonfinite) !== 0, index: (flags & FLAG.index) !== 0, halted };
  }

  #execute(plan: WasmPlan): number {
    if (this.#broken) throw this.#broken;
    const { at } = plan.code;
    if (!this.#crew || this.#busy > WORTH) return this.#told(this.#kernels.run(at));
    const start = performance.now();
    const flags = this.#told(this.#kernels.run(at));
    const took = performance.now() - start;
    if (took > LONG && plan.warm) this.#busy += took;
    plan.warm = true;
    if (this.#busy > WORTH) void this.#crew.begin();
    return flags;
  }

  /** A thread that failed leaves memory that nobody may trust. */
  #told(flags: number): number {
    if ((flags & FLAG.lost) === 0) return flags;
    this.#broken = new DeviceError('E_DEVICE_LOST', 'wasm: a thread failed while it worked', {
      hint: 'Create another runtime and resume from the last checkpoint.',
    });
    this.#lose(this.#broken);
    throw this.#broken;
  }

  /** True where a run before this one had set the halt. */
  #keep({ keeps = [], outputs: sizes }: Plan, outputs: readonly Held[], guard: Guard, raised: boolean): boolean {
    const u32 = this.#u32;
    const at = (h: Held): number => (h as Buffer).at >>> 2;
    const halted = guard.halt !== null && u32[at(guard.halt)] !== 0;
    keeps.forEach((output, i) => {
      const from = at(raised || halted ? guard.old[i] : outputs[output]);
      u32.copyWithin(at(guard.to[i]), from, from + sizes[output].size);
    });
    if (raised && guard.halt) u32[at(guard.halt)] = 1;
    return halted;
  }

  memory(): { live: number; peak: number; limit: number } {
    return { live: this.#heap.live, peak: this.#heap.peak, limit: this.#heap.limit };
  }

  dispose(): void {
    this.#disposed = true;
    this.#crew?.end();
  }
}
