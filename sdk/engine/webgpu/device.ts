/**
 * Device over WebGPU. All values live in one storage buffer, as in WASM's linear memory: a plan is then one bind group, a list
 * of (pipeline, parameters, workgroups), one command encoder and one submit a run.
 *
 * Pipelines are compiled asynchronously; what is asked of the device meanwhile waits in line, so that uploads, runs and reads
 * take effect in program order.
 */

import type { DType } from '../../core/dtype.ts';
import { DeviceError, DisposedError } from '../../core/errors.ts';
import type { Held } from '../../core/node.ts';
import { Buffer } from '../buffer.ts';
import type { Compiled, Device, Flags, Guard, Pending } from '../device.ts';
import { Heap } from '../heap.ts';
import type { Plan } from '../kernel.ts';
import { roomFor } from '../memory.ts';
import { halves } from '../upload.ts';
import { BASE } from '../words.ts';
import { GpuPlan, type Patch } from './gpu-plan.ts';
import { Line } from './line.ts';
import { DISPATCH_LIMITS, lowerPlan } from './lower.ts';
import { type PipelineOptions, Pipelines } from './pipelines.ts';
import { Readback, type Wanted } from './readback.ts';
import { FLAG, PARAMETER_WORDS } from './shader.ts';

// The WebGPU constants, which not every runtime has as globals.
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const VERTEX = 0x20;
const UNIFORM = 0x40;
const STORAGE = 0x80;
const COMPUTE = 0x4;

/** Bytes of device memory to begin with. */
const FIRST = 1 << 22;
/** Runs whose flags may wait to be read back. */
const RING = 64;

/** A run whose flags have not been read back. */
interface Untold {
  slot: number;
  resolve(f: Flags): void;
  reject(e: unknown): void;
}

export interface WebGpuOptions extends PipelineOptions {
  /** True for a device that someone else destroys: dispose() only frees what was made on it. */
  readonly borrowed?: boolean;
  /** Work of one dispatch: tests have it split early. */
  readonly work?: number;
  /** Rejects kernels that are not to run. A twin shares the device and its pipelines, and has memory and a line of its own. */
  readonly prove?: (codes: ReadonlySet<string>, twin: () => WebGpuDevice) => Promise<void>;
  readonly pipelines?: Pipelines;
}

export class WebGpuDevice implements Device {
  readonly backend = 'webgpu';
  readonly late = true;
  readonly adapter: string;
  readonly lost: Promise<DeviceError>;
  readonly #device: GPUDevice;
  readonly #layout: GPUBindGroupLayout;
  readonly #pipelines: Pipelines;
  readonly #heap: Heap;
  readonly #state: GPUBuffer;
  /** Flags of the last runs, by `slot`. */
  readonly #ring: GPUBuffer;
  readonly #readback: Readback;
  #runs = 0;
  #untold: Untold[] = [];
  /** What is to be copied out at the end of this turn. */
  #wanted: Wanted[] = [];
  #collecting = false;
  #memory: GPUBuffer;
  #arena: Buffer | null = null;
  readonly #options: WebGpuOptions;
  #failure: DeviceError | null = null;
  #disposed = false;
  readonly #line = new Line();

  constructor(device: GPUDevice, adapter: string, o: WebGpuOptions = {}) {
    this.#device = device;
    this.#options = o;
    this.adapter = adapter;
    const limit = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize, 0xfffffffc);
    this.#memory = this.#buffer(Math.min(FIRST, limit), STORAGE | COPY_SRC | COPY_DST);
    this.#state = this.#buffer(16, STORAGE | COPY_SRC | COPY_DST);
    this.#ring = this.#buffer(RING * 4, COPY_SRC | COPY_DST);
    this.#readback = new Readback(
      device,
      () => this.#check(),
      (cause) => this.#unread(cause),
    );
    let bytes = this.#memory.size;
    const grow = (to: number): boolean => {
      bytes = Math.ceil(to / 256) * 256;
      if (bytes > limit) bytes = limit;
      const size = bytes;
      void this.#line.run(() => this.#extend(size));
      return true;
    };
    this.#heap = new Heap(
      {
        get bytes() {
          return bytes;
        },
        grow,
      },
      0,
      limit,
    );
    this.#layout = device.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: COMPUTE, buffer: { type: 'storage' } },
        { binding: 1, visibility: COMPUTE, buffer: { type: 'uniform', hasDynamicOffset: true } },
        { binding: 2, visibility: COMPUTE, buffer: { type: 'storage' } },
      ],
    });
    this.#pipelines =
      o.pipelines ??
      new Pipelines(device, this.#layout, o, async (e) => {
        await this.#lostSoon();
        this.#failure ??= e;
        return this.#failure;
      });
    device.addEventListener('uncapturederror', this.#onError);
    this.lost = new Promise((resolve) => {
      void device.lost.then(({ message, reason }) => {
        // Its own dispose() is no loss.
        if (this.#disposed) return;
        const e = new DeviceError('E_DEVICE_LOST', `webgpu: the device was lost (${reason ?? 'unknown'}): ${message}`, {
          hint: 'Create another runtime and resume from the last checkpoint.',
        });
        this.#failure = e;
        this.#forsake(e);
        resolve(e);
      });
    });
  }

  /** Out of memory and validation errors arrive here, after the call that made them: the next one throws. */
  readonly #onError = (e: Event): void => {
    e.preventDefault();
    const { error } = e as GPUUncapturedErrorEvent;
    this.#failure ??= /OutOfMemory/.test(error.constructor.name)
      ? new DeviceError('E_OOM', `webgpu: out of memory: ${error.message}`, {
          hint: 'Use a smaller batch, or dispose tensors.',
        })
      : new DeviceError('E_DEVICE', `webgpu: ${error.message}`, {
          hint: 'Report this with the adapter and driver.',
        });
  };

  #buffer(size: number, usage: number): GPUBuffer {
    return this.#device.createBuffer({ size: Math.ceil(size / 4) * 4, usage });
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError('runtime: used after dispose()', { hint: 'Create another runtime.' });
    if (this.#failure) throw this.#failure;
  }

  #extend(bytes: number): void {
    if (bytes <= this.#memory.size || this.#disposed) return;
    const old = this.#memory;
    this.#memory = this.#buffer(bytes, STORAGE | COPY_SRC | COPY_DST);
    const encoder = this.#device.createCommandEncoder();
    encoder.copyBufferToBuffer(old, 0, this.#memory, 0, old.size);
    this.#device.queue.submit([encoder.finish()]);
    old.destroy();
  }

  allocate(elements: number): Buffer {
    this.#check();
    return new Buffer(this.#heap, roomFor(elements));
  }

  upload(to: Held, data: ArrayLike<number>, dtype: DType): boolean {
    this.#check();
    let words = new Uint32Array(data.length);
    let nonfinite = false;
    if (dtype === 'f16' || dtype === 'bf16') {
      ({ words, nonfinite } = halves(data, dtype));
    } else if (dtype === 'f32') {
      new Float32Array(words.buffer).set(data);
      for (let i = 0; i < words.length; i++) {
        const u = words[i];
        if ((u & 0x7f000000) === 0) words[i] = 0;
        else if ((u & 0x7f800000) === 0x7f800000) {
          nonfinite = true;
          if ((u & 0x7fffffff) > 0x7f800000) words[i] = 0x7fc00000;
        }
      }
    } else {
      for (let i = 0; i < words.length; i++) words[i] = data[i];
    }
    if (words.length > 0) {
      void this.#line.run(() => {
        if (!this.#disposed) this.#device.queue.writeBuffer(this.#memory, (to as Buffer).at, words);
      });
    }
    return nonfinite;
  }

  async download(from: Held, elements: number, into?: Uint32Array): Promise<Uint32Array> {
    this.#check();
    if (elements === 0) return new Uint32Array(0);
    const held = (from as Buffer).retain();
    const source = () => ({ buffer: this.#memory, at: held.at });
    try {
      return await new Promise<Uint32Array>((resolve, reject) => {
        this.#wanted.push({ source, bytes: elements * 4, into, resolve, reject });
        this.#collect();
      });
    } finally {
      held.release();
    }
  }

  async share(from: Held, elements: number): Promise<GPUBuffer> {
    this.#check();
    const held = (from as Buffer).retain();
    try {
      return await this.#line.run(() => {
        this.#check();
        const own = this.#buffer(Math.max(4, elements * 4), STORAGE | VERTEX | COPY_SRC | COPY_DST);
        const encoder = this.#device.createCommandEncoder();
        encoder.copyBufferToBuffer(this.#memory, held.at, own, 0, elements * 4);
        this.#device.queue.submit([encoder.finish()]);
        return own;
      });
    } finally {
      held.release();
    }
  }

  /** Copies out, at the end of this turn and in line, what is wanted by then, and the flags that are untold. */
  #collect(): void {
    if (this.#collecting) return;
    this.#collecting = true;
    queueMicrotask(() => {
      this.#collecting = false;
      // Not those that come while this waits in line: the runs that make them are behind it.
      const wanted = this.#wanted.splice(0);
      void this.#line.run(() => this.#copyOut(wanted));
    });
  }
  #copyOut(wanted: Wanted[]): void {
    try {
      this.#check();
    } catch (e) {
      for (const w of wanted) w.reject(e);
      return;
    }
    const untold = this.#untold.splice(0);
    if (untold.length > 0) {
      wanted.push({
        source: () => ({ buffer: this.#ring, at: 0 }),
        bytes: RING * 4,
        resolve: (words) => {
          for (const u of untold) u.resolve(flagsOf(words[u.slot]));
        },
        reject: (e) => {
          for (const u of untold) u.reject(e);
        },
      });
    }
    this.#readback.copy(wanted);
  }

  /** The error of a read that failed. */
  async #unread(cause: unknown): Promise<unknown> {
    await this.#lostSoon();
    try {
      this.#check();
    } catch (e) {
      return e;
    }
    return new DeviceError('E_DEVICE', 'webgpu: a read failed', { hint: 'The device may be lost.', cause });
  }

  /** A loss is told to reads and to the compiler before it is told to `lost`. */
  #lostSoon(): Promise<unknown> {
    return Promise.race([this.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
  }

  /** What waits for a device that answers no more. */
  #forsake(e: unknown): void {
    for (const u of this.#untold.splice(0)) u.reject(e);
    for (const w of this.#wanted.splice(0)) w.reject(e);
  }

  compile(plan: Plan): GpuPlan {
    this.#check();
    const groups = this.#device.limits.maxComputeWorkgroupsPerDimension;
    const { words, dispatches, arena } = lowerPlan(plan, { groups, work: this.#options.work ?? DISPATCH_LIMITS.work });
    const compiled = new GpuPlan(plan, dispatches, Uint32Array.from(words.data), (p) => {
      void this.#line.run(() => p.uniform?.destroy());
    });
    if (arena > (this.#arena?.bytes ?? 0)) {
      // Where there is no room, older plans keep theirs.
      const larger = new Buffer(this.#heap, roomFor(arena / 4));
      this.#arena?.release();
      this.#arena = larger;
    }
    for (const { word, base, addend } of words.relocations) {
      let patch = base === BASE.arena ? compiled.arena : compiled.bindings[base];
      if (!patch) {
        patch = { words: [], addends: [], address: -1 };
        if (base === BASE.arena) compiled.arena = patch;
        else compiled.bindings[base] = patch;
      }
      patch.words.push(word);
      patch.addends.push(addend);
    }
    const size = Math.max(256, compiled.parameters.byteLength) + PARAMETER_WORDS * 4;
    compiled.uniform = this.#buffer(size, UNIFORM | COPY_DST);
    // All pipelines at once: compiling is most of a WebGPU program's start.
    const codes = dispatches.map((d) => d.code);
    const all = Promise.all([this.#prove(codes), ...codes.map((code) => this.#pipelines.of(code))]);
    void this.#line.run(async () => {
      [, ...compiled.pipelines] = await all;
    });
    return compiled;
  }

  async #prove(codes: readonly string[]): Promise<void> {
    const twin = () => new WebGpuDevice(this.#device, this.adapter, { borrowed: true, pipelines: this.#pipelines });
    try {
      await this.#options.prove?.(new Set(codes), twin);
    } catch (e) {
      this.#failure ??= e as DeviceError;
      throw e;
    }
  }

  run(compiled: Compiled, inputs: readonly Held[], outputs: readonly Held[], guard?: Guard): Pending {
    this.#check();
    const c = compiled as GpuPlan;
    const addresses = [...inputs, ...outputs].map((h) => (h as Buffer).at);
    if (guard) {
      addresses.push(guard.halt ? (guard.halt as Buffer).at : 0);
      guard.to.forEach((to, i) => {
        addresses.push((guard.old[i] as Buffer).at, (to as Buffer).at);
      });
    }
    const arena = this.#arena?.at ?? 0;
    const flags = new Promise<Flags>((resolve, reject) => {
      void this.#line.run(() => {
        try {
          this.#submit(c, addresses, arena, { slot: 0, resolve, reject });
        } catch (e) {
          reject(e);
        }
      });
    });
    // Nobody has to ask.
    flags.catch(() => {});
    const ask = () => {
      this.#collect();
      return flags;
    };
    return { flags, ask };
  }

  #submit(c: GpuPlan, addresses: readonly number[], arena: number, told: Untold): void {
    this.#check();
    if (this.#untold.length === RING) this.#copyOut([]);
    let dirty = false;
    const patch = (p: Patch | undefined, address: number) => {
      if (!p || p.address === address) return;
      p.address = address;
      dirty = true;
      p.words.forEach((w, i) => {
        c.parameters[w] = (address + p.addends[i]) >>> 2;
      });
    };
    addresses.forEach((a, i) => patch(c.bindings[i], a));
    patch(c.arena, arena);
    const { queue } = this.#device;
    if ((dirty || !c.group) && c.parameters.length > 0) queue.writeBuffer(c.uniform!, 0, c.parameters);
    if (!c.group || c.memory !== this.#memory) {
      c.memory = this.#memory;
      c.group = this.#device.createBindGroup({
        layout: this.#layout,
        entries: [
          { binding: 0, resource: { buffer: this.#memory } },
          { binding: 1, resource: { buffer: c.uniform!, size: PARAMETER_WORDS * 4 } },
          { binding: 2, resource: { buffer: this.#state } },
        ],
      });
    }
    const encoder = this.#device.createCommandEncoder();
    encoder.clearBuffer(this.#state, 4, 4);
    const pass = encoder.beginComputePass();
    c.dispatches.forEach((d, i) => {
      pass.setPipeline(c.pipelines[i]);
      pass.setBindGroup(0, c.group, [d.parameters * 4]);
      pass.dispatchWorkgroups(...d.groups);
    });
    pass.end();
    told.slot = this.#runs++ % RING;
    encoder.copyBufferToBuffer(this.#state, 4, this.#ring, told.slot * 4, 4);
    this.#device.queue.submit([encoder.finish()]);
    this.#untold.push(told);
  }

  memory(): { live: number; peak: number; limit: number } {
    return { live: this.#heap.live, peak: this.#heap.peak, limit: this.#heap.limit };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#forsake(new DisposedError('runtime: used after dispose()', { hint: 'Create another runtime.' }));
    this.#device.removeEventListener('uncapturederror', this.#onError);
    if (!this.#options.borrowed) {
      this.#device.destroy();
      return;
    }
    this.#readback.dispose();
    for (const b of [this.#memory, this.#state, this.#ring]) b.destroy();
  }
}

function flagsOf(word: number): Flags {
  return {
    nonfinite: (word & FLAG.nonfinite) !== 0,
    index: (word & FLAG.index) !== 0,
    halted: (word & FLAG.halted) !== 0,
  };
}
