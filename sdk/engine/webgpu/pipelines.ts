/** Pipelines by their code, each compiled once, asynchronously: compiling is most of a WebGPU program's start. */

import { DeviceError } from '../../core/errors.ts';

export interface PipelineOptions {
  /** Changes kernels before they are compiled: tests plant faults with it. */
  readonly rewrite?: (code: string) => string;
  /** Told of each pipeline that is asked for or ready. */
  readonly onCompile?: (done: number, total: number) => void;
}

export class Pipelines {
  readonly #device: GPUDevice;
  readonly #layout: GPUPipelineLayout;
  readonly #options: PipelineOptions;
  /** Answers with the error to throw: a lost device compiles nothing, either. */
  readonly #fail: (e: DeviceError) => Promise<unknown>;
  readonly #known = new Map<string, Promise<GPUComputePipeline>>();
  #done = 0;

  constructor(
    device: GPUDevice,
    layout: GPUBindGroupLayout,
    o: PipelineOptions,
    fail: (e: DeviceError) => Promise<unknown>,
  ) {
    this.#device = device;
    this.#layout = device.createPipelineLayout({ bindGroupLayouts: [layout] });
    this.#options = o;
    this.#fail = fail;
  }

  of(code: string): Promise<GPUComputePipeline> {
    const known = this.#known.get(code);
    if (known) return known;
    const made = this.#compile(this.#options.rewrite?.(code) ?? code);
    this.#known.set(code, made);
    this.#options.onCompile?.(this.#done, this.#known.size);
    return made;
  }

  async #compile(code: string): Promise<GPUComputePipeline> {
    try {
      const module = this.#device.createShaderModule({ code });
      const compute = { module, entryPoint: 'main' };
      const pipeline = await this.#device.createComputePipelineAsync({ layout: this.#layout, compute });
      this.#options.onCompile?.(++this.#done, this.#known.size);
      return pipeline;
    } catch (cause) {
      const e = new DeviceError('E_DEVICE', `webgpu: a kernel does not compile: ${(cause as Error).message}`, {
        hint: 'Report this with the adapter and driver.',
        cause,
      });
      throw await this.#fail(e);
    }
  }
}
