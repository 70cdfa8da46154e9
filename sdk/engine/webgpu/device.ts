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
import type { Compiled, Device, Flags } from '../device.ts';
import { Heap } from '../heap.ts';
import type { Plan } from '../kernel.ts';
import { roomFor } from '../memory.ts';
import { halves } from '../upload.ts';
import { BASE } from '../words.ts';
import { type Dispatch, lowerPlan } from './lower.ts';
import { FLAG, PARAMETER_WORDS } from './shader.ts';

// The WebGPU constants, which not every runtime has as globals.
const MAP_READ = 0x1;
const COPY_SRC = 0x4;
const COPY_DST = 0x8;
const UNIFORM = 0x40;
const STORAGE = 0x80;
const COMPUTE = 0x4;
const READ = 0x1;

/** Bytes of device memory to begin with. */
const FIRST = 1 << 22;

interface Patch {
  words: number[];
  addends: number[];
  address: number;
}

class GpuPlan implements Compiled {
  readonly plan: Plan;
  readonly dispatches: readonly Dispatch[];
  readonly parameters: Uint32Array<ArrayBuffer>;
  readonly bindings: (Patch | undefined)[] = [];
  arena: Patch | undefined;
  pipelines: GPUComputePipeline[] = [];
  uniform: GPUBuffer | null = null;
  group: GPUBindGroup | null = null;
  /** The device memory that `group` was made for. */
  memory: GPUBuffer | null = null;
  constructor(plan: Plan, dispatches: readonly Dispatch[], parameters: Uint32Array<ArrayBuffer>) {
    this.plan = plan;
    this.dispatches = dispatches;
    this.parameters = parameters;
  }
  dispose(): void {
    this.uniform?.destroy();
    this.uniform = null;
  }
}

export interface WebGpuOptions {
  /** True for a device that someone else destroys: dispose() only frees what was made on it. */
  readonly borrowed?: boolean;
  /** Changes kernels before they are compiled: tests plant faults with it. */
  readonly rewrite?: (code: string) => string;
}

export class WebGpuDevice implements Device {
  readonly backend = 'webgpu';
  readonly adapter: string;
  readonly lost: Promise<DeviceError>;
  readonly #device: GPUDevice;
  readonly #layout: GPUBindGroupLayout;
  readonly #pipelineLayout: GPUPipelineLayout;
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();
  readonly #heap: Heap;
  readonly #state: GPUBuffer;
  readonly #staging: { size: number; buffer: GPUBuffer }[] = [];
  #memory: GPUBuffer;
  #arena: Buffer | null = null;
  readonly #options: WebGpuOptions;
  #failure: DeviceError | null = null;
  #disposed = false;
  /** Work that waits for a pipeline; null when there is none. */
  #line: Promise<void> | null = null;

  constructor(device: GPUDevice, adapter: string, o: WebGpuOptions = {}) {
    this.#device = device;
    this.#options = o;
    this.adapter = adapter;
    const limit = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize, 0xfffffffc);
    this.#memory = this.#buffer(Math.min(FIRST, limit), STORAGE | COPY_SRC | COPY_DST);
    this.#state = this.#buffer(16, STORAGE | COPY_SRC | COPY_DST);
    let bytes = this.#memory.size;
    const grow = (to: number): boolean => {
      bytes = Math.ceil(to / 256) * 256;
      if (bytes > limit) bytes = limit;
      const size = bytes;
      void this.#inLine(() => this.#extend(size));
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
    this.#pipelineLayout = device.createPipelineLayout({ bindGroupLayouts: [this.#layout] });
    device.addEventListener('uncapturederror', this.#onError);
    this.lost = new Promise((resolve) => {
      void device.lost.then(({ message, reason }) => {
        // Its own dispose() is no loss.
        if (this.#disposed) return;
        const e = new DeviceError('E_DEVICE_LOST', `webgpu: the device was lost (${reason ?? 'unknown'}): ${message}`, {
          hint: 'Create another runtime and resume from the last checkpoint.',
        });
        this.#failure = e;
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
          hint: 'Use a smaller batch, or dispose tensors that are no longer read; then create another runtime.',
        })
      : new DeviceError('E_DEVICE', `webgpu: ${error.message}`, {
          hint: 'Report this with the adapter, the driver and the graph that made it.',
        });
  };

  #buffer(size: number, usage: number): GPUBuffer {
    return this.#device.createBuffer({ size: Math.ceil(size / 4) * 4, usage });
  }

  /** Runs now, or after what waits. */
  #inLine<T>(work: () => T | Promise<T>): T | Promise<T> {
    if (!this.#line) {
      const done = work();
      if (done instanceof Promise) this.#wait(done);
      return done;
    }
    const done = this.#line.then(work);
    this.#wait(done);
    return done;
  }
  #wait(done: Promise<unknown>): void {
    const line = done.then(
      () => {},
      () => {},
    );
    this.#line = line;
    void line.then(() => {
      if (this.#line === line) this.#line = null;
    });
  }

  #check(): void {
    if (this.#disposed) throw new DisposedError('runtime: used after dispose()', { hint: 'Create another runtime.' });
    if (this.#failure) throw this.#failure;
  }

  #extend(bytes: number): void {
    if (bytes <= this.#memory.size) return;
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
    if (words.length > 0)
      void this.#inLine(() => this.#device.queue.writeBuffer(this.#memory, (to as Buffer).at, words));
    return nonfinite;
  }

  async download(from: Held, elements: number): Promise<Uint32Array> {
    this.#check();
    if (elements === 0) return new Uint32Array(0);
    const held = (from as Buffer).retain();
    try {
      return await (await this.#inLine(() => this.#copyOut(this.#memoryAt(held), elements)))();
    } finally {
      held.release();
    }
  }
  #memoryAt(b: Buffer): { buffer: GPUBuffer; at: number } {
    return { buffer: this.#memory, at: b.at };
  }

  /** Submits a copy to a staging buffer; answers how to wait for it, so that the line goes on at once. */
  #copyOut(
    { buffer, at }: { buffer: GPUBuffer; at: number },
    elements: number,
    encoder = this.#device.createCommandEncoder(),
  ): () => Promise<Uint32Array> {
    const size = 2 ** Math.ceil(Math.log2(Math.max(elements * 4, 256)));
    const i = this.#staging.findIndex((s) => s.size === size);
    const staging = i < 0 ? { size, buffer: this.#buffer(size, MAP_READ | COPY_DST) } : this.#staging.splice(i, 1)[0];
    encoder.copyBufferToBuffer(buffer, at, staging.buffer, 0, elements * 4);
    this.#device.queue.submit([encoder.finish()]);
    const mapped = staging.buffer.mapAsync(READ, 0, elements * 4);
    // Firefox polls for completion every 100 ms; another submit makes it look at once.
    this.#device.queue.submit([]);
    return async () => {
      try {
        await mapped;
      } catch (cause) {
        // A loss is told to the read before it is told to `lost`.
        await Promise.race([this.lost, new Promise((resolve) => setTimeout(resolve, 100))]);
        this.#check();
        throw new DeviceError('E_DEVICE', 'webgpu: a read failed', { hint: 'The device may be lost.', cause });
      }
      // What an earlier error left undone reads as zeros.
      this.#check();
      const out = new Uint32Array(staging.buffer.getMappedRange(0, elements * 4).slice(0));
      staging.buffer.unmap();
      this.#staging.push(staging);
      return out;
    };
  }

  compile(plan: Plan): GpuPlan {
    this.#check();
    const { words, dispatches, arena } = lowerPlan(plan);
    const compiled = new GpuPlan(plan, dispatches, Uint32Array.from(words.data));
    if (arena > (this.#arena?.bytes ?? 0)) {
      this.#arena?.release();
      this.#arena = new Buffer(this.#heap, roomFor(arena >>> 2));
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
    const all = Promise.all(dispatches.map((d) => this.#pipeline(d.code)));
    void this.#inLine(async () => {
      compiled.pipelines = await all;
    });
    return compiled;
  }

  #pipeline(code: string): Promise<GPUComputePipeline> {
    let p = this.#pipelines.get(code);
    if (!p) {
      const module = this.#device.createShaderModule({ code: this.#options.rewrite?.(code) ?? code });
      p = this.#device
        .createComputePipelineAsync({ layout: this.#pipelineLayout, compute: { module, entryPoint: 'main' } })
        .catch((cause: unknown) => {
          this.#failure ??= new DeviceError(
            'E_DEVICE',
            `webgpu: a kernel does not compile: ${(cause as Error).message}`,
            {
              hint: 'Report this with the adapter and driver.',
              cause,
            },
          );
          throw this.#failure;
        });
      this.#pipelines.set(code, p);
    }
    return p;
  }

  async run(compiled: Compiled, inputs: readonly Held[], outputs: readonly Held[]): Promise<Flags> {
    this.#check();
    const c = compiled as GpuPlan;
    const addresses = [...inputs, ...outputs].map((h) => (h as Buffer).at);
    const arena = this.#arena?.at ?? 0;
    const flags = await (await this.#inLine(() => this.#submit(c, addresses, arena)))();
    return { nonfinite: (flags[0] & FLAG.nonfinite) !== 0, index: (flags[0] & FLAG.index) !== 0 };
  }

  #submit(c: GpuPlan, addresses: readonly number[], arena: number): () => Promise<Uint32Array> {
    this.#check();
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
    return this.#copyOut({ buffer: this.#state, at: 4 }, 1, encoder);
  }

  memory(): { live: number; peak: number; limit: number } {
    return { live: this.#heap.live, peak: this.#heap.peak, limit: this.#heap.limit };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#device.removeEventListener('uncapturederror', this.#onError);
    if (!this.#options.borrowed) {
      this.#device.destroy();
      return;
    }
    for (const b of [this.#memory, this.#state, ...this.#staging.map((s) => s.buffer)]) b.destroy();
  }
}
