/**
 * Reading back: what is wanted in one turn is copied into one staging buffer, by one submit, and mapped once. Waiting for each
 * value by itself would cost a round trip each, which is all that some browsers do in a tenth of a second.
 */

// The WebGPU constants, which not every runtime has as globals.
const MAP_READ = 0x1;
const COPY_DST = 0x8;
const READ = 0x1;

/** Free staging buffers that are kept, and the largest that are: a steady loop makes none. */
const KEPT = 4;
const KEPT_BYTES = 1 << 20;
/** Bytes of one staging buffer, unless one value is larger. */
const BATCH_BYTES = 1 << 24;

/** A range of a buffer that someone waits for. */
export interface Wanted {
  /** Where it is when the copy is made: device memory may have grown since it was asked for. */
  readonly source: () => { buffer: GPUBuffer; at: number };
  readonly bytes: number;
  /** What is filled, in place of a fresh array. */
  readonly into?: Uint32Array;
  resolve(words: Uint32Array): void;
  reject(e: unknown): void;
}

export class Readback {
  readonly #device: GPUDevice;
  /** The error of a read that could not be mapped. */
  readonly #fault: (cause: unknown) => Promise<unknown>;
  /** Throws what an earlier error left undone: it would read as zeros. */
  readonly #check: () => void;
  readonly #limit: number;
  #free: GPUBuffer[] = [];

  constructor(device: GPUDevice, check: () => void, fault: (cause: unknown) => Promise<unknown>) {
    this.#device = device;
    this.#check = check;
    this.#fault = fault;
    this.#limit = device.limits.maxBufferSize;
  }

  /** Submits the copies of all that is wanted; the answers come later. */
  copy(wanted: readonly Wanted[]): void {
    for (let from = 0; from < wanted.length; ) {
      let bytes = wanted[from].bytes;
      let to = from + 1;
      while (to < wanted.length && bytes + wanted[to].bytes <= BATCH_BYTES) bytes += wanted[to++].bytes;
      this.#batch(wanted.slice(from, to), bytes);
      from = to;
    }
  }

  #batch(wanted: readonly Wanted[], bytes: number): void {
    const { queue } = this.#device;
    const staging = this.#take(bytes);
    const encoder = this.#device.createCommandEncoder();
    let to = 0;
    for (const w of wanted) {
      const { buffer, at } = w.source();
      encoder.copyBufferToBuffer(buffer, at, staging, to, w.bytes);
      to += w.bytes;
    }
    queue.submit([encoder.finish()]);
    const mapped = staging.mapAsync(READ, 0, bytes);
    // Firefox polls for completion every 100 ms; another submit makes it look at once.
    queue.submit([]);
    mapped.then(
      () => this.#hand(wanted, staging, bytes),
      async (cause: unknown) => {
        const e = await this.#fault(cause);
        for (const w of wanted) w.reject(e);
      },
    );
  }

  #hand(wanted: readonly Wanted[], staging: GPUBuffer, bytes: number): void {
    try {
      this.#check();
      const words = new Uint32Array(staging.getMappedRange(0, bytes));
      let at = 0;
      for (const w of wanted) {
        const part = words.subarray(at, at + w.bytes / 4);
        w.into?.set(part);
        w.resolve(w.into ?? part.slice());
        at += w.bytes / 4;
      }
      staging.unmap();
      this.#give(staging);
    } catch (e) {
      for (const w of wanted) w.reject(e);
    }
  }

  #take(bytes: number): GPUBuffer {
    const size = Math.min(this.#limit, 2 ** Math.ceil(Math.log2(Math.max(bytes, 256))));
    const i = this.#free.findIndex((b) => b.size === size);
    return i < 0 ? this.#device.createBuffer({ size, usage: MAP_READ | COPY_DST }) : this.#free.splice(i, 1)[0];
  }
  #give(b: GPUBuffer): void {
    if (b.size > KEPT_BYTES) b.destroy();
    else this.#free.push(b);
    if (this.#free.length > KEPT) this.#free.shift()!.destroy();
  }

  dispose(): void {
    for (const b of this.#free) b.destroy();
    this.#free = [];
  }
}
