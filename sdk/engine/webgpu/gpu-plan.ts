/** A plan on the device: dispatches, the words of their parameters, and which of these change with the places of values. */

import type { Compiled } from '../device.ts';
import type { Plan } from '../kernel.ts';
import type { Dispatch } from './lower.ts';

/** Where one binding's address goes. */
export interface Patch {
  words: number[];
  addends: number[];
  address: number;
}

export class GpuPlan implements Compiled {
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
  readonly #dispose: (p: GpuPlan) => void;
  constructor(
    plan: Plan,
    dispatches: readonly Dispatch[],
    parameters: Uint32Array<ArrayBuffer>,
    dispose: (p: GpuPlan) => void,
  ) {
    this.plan = plan;
    this.dispatches = dispatches;
    this.parameters = parameters;
    this.#dispose = dispose;
  }
  /** In line, behind the runs that need it. */
  dispose(): void {
    this.#dispose(this);
  }
}
