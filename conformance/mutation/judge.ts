/** What the suite says of a device with one mutant in it. Bundled with mutated sources, too. */

import type { Runtime } from '../../sdk/core/runtime.ts';
import type { ScalarOp } from '../../sdk/core/scalar/ir.ts';
import { Tensor } from '../../sdk/core/tensor.ts';
import { createWasmRuntime } from '../../sdk/engine/create.ts';
import { buildGoldens } from '../../sdk/engine/qualify/goldens.ts';
import { EngineRuntime } from '../../sdk/engine/runtime.ts';
import { WebGpuDevice } from '../../sdk/engine/webgpu/device.ts';
import { EDGES, shown } from '../edges.ts';
import { check, expectedOf } from '../fuzz/check.ts';
import { caseOf } from '../fuzz/program.ts';
import { programOf } from '../fuzz/run.ts';
import { matrix, runTrials, type Trial } from '../matrix.ts';
import { valuesOf } from './operands.ts';

/** What can reach a mutant; the suite's parts are tried in this order. */
export interface Suspects {
  /** Goldens whose names begin so. */
  readonly goldens: readonly string[];
  /** Rows of the scalar IR, on many operands. */
  readonly rows: readonly ScalarOp[];
  /** Kernels with edges. */
  readonly kernels: readonly string[];
  /** Ops of the matrix. */
  readonly ops: readonly string[];
  /** Random graphs. */
  readonly graphs: number;
}

const SEED = 20;

/** Which part of the suite caught it, and with what; null where all agrees. */
export type Caught = {
  readonly by: 'goldens' | 'operands' | 'edges' | 'matrix' | 'graphs';
  readonly what: string;
} | null;

export class Judge {
  readonly #gpu: GPUDevice;
  readonly #honest: Promise<EngineRuntime>;
  readonly #expected = new Map<string, Promise<Uint32Array>>();
  readonly #trials = new Map<string, readonly Trial[]>();

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
    this.#honest = createWasmRuntime();
  }

  async judge(s: Suspects, rewrite?: (code: string) => string): Promise<Caught> {
    const device = new WebGpuDevice(this.#gpu, 'mutant', { borrowed: true, rewrite });
    const rt = new EngineRuntime(device);
    try {
      return (
        (await this.#goldens(rt, s.goldens)) ??
        (await this.#operands(s.rows, rewrite)) ??
        (await this.#edges(device, s.kernels)) ??
        (await this.#matrix(rt, s.ops)) ??
        (await this.#graphs(rt, s.graphs))
      );
    } finally {
      device.dispose();
    }
  }

  /** Null, or where the words differ from those of WASM, which the suites hold to the reference. */
  async #differs(rt: Runtime, name: string, give: (rt: Runtime) => Promise<Uint32Array>): Promise<string | null> {
    const want = this.#expected.get(name) ?? this.#honest.then(give);
    this.#expected.set(name, want);
    const expected = await want;
    const got = await give(rt);
    const at = got.findIndex((w, i) => w !== expected[i]);
    return at < 0 ? null : `${name}, element ${at}`;
  }

  async #goldens(rt: Runtime, prefixes: readonly string[]): Promise<Caught> {
    if (prefixes.length === 0) return null;
    const { roots, dispose } = buildGoldens(rt);
    const names = [...roots.keys()].filter((n) => prefixes.some((p) => n.startsWith(p)));
    try {
      for (const name of names) {
        const give = async (on: Runtime) => {
          const own = on === rt ? null : buildGoldens(on);
          const node = (own?.roots ?? roots).get(name)!;
          const words = wordsOf(await new Tensor(node).data({ nonfinite: 'keep' }));
          own?.dispose();
          return words;
        };
        const what = await this.#differs(rt, name, give);
        if (what) return { by: 'goldens', what };
      }
      return null;
    } finally {
      dispose();
    }
  }

  async #operands(rows: readonly ScalarOp[], rewrite?: (code: string) => string): Promise<Caught> {
    for (const row of rows) {
      const want = this.#expected.get(row) ?? valuesOf(this.#gpu, row);
      this.#expected.set(row, want);
      const expected = await want;
      const got = await valuesOf(this.#gpu, row, rewrite);
      const at = got.findIndex((w, i) => w !== expected[i]);
      if (at >= 0) return { by: 'operands', what: `${row}, element ${at}` };
    }
    return null;
  }

  async #edges(device: WebGpuDevice, kernels: readonly string[]): Promise<Caught> {
    const { device: wasm } = await this.#honest;
    for (const e of EDGES.filter((e) => e.kernels.some((k) => kernels.includes(k)))) {
      const want = this.#expected.get(e.name) ?? shown(wasm, e);
      this.#expected.set(e.name, want);
      const expected = await want;
      try {
        const got = await shown(device, e);
        if (got.some((w, i) => w !== expected[i])) return { by: 'edges', what: e.name };
      } catch (error) {
        return { by: 'edges', what: `${e.name}: ${(error as Error).message}` };
      }
    }
    return null;
  }

  async #matrix(rt: Runtime, ops: readonly string[]): Promise<Caught> {
    for (const op of ops) {
      const trials = this.#trials.get(op) ?? matrix((name) => name === op).trials;
      this.#trials.set(op, trials);
      // Derivatives run the same kernels.
      const { mismatches } = await runTrials(rt, trials, { onlyValue: true, stop: true });
      if (mismatches.length > 0) return { by: 'matrix', what: mismatches[0] };
    }
    return null;
  }

  async #graphs(rt: Runtime, count: number): Promise<Caught> {
    for (let k = 0; k < count; k++) {
      const c = caseOf(programOf(SEED, k));
      const what = await check(c, [{ name: 'mutant', rt, eager: true }], expectedOf(c));
      if (what) return { by: 'graphs', what: `graph ${k}: ${what.split('\n')[0]}` };
    }
    return null;
  }
}

/** The bits of what was read, element by element. */
function wordsOf(data: ArrayBufferView & ArrayLike<number>): Uint32Array {
  if (data instanceof Float32Array) return new Uint32Array(data.buffer, data.byteOffset, data.length);
  return Uint32Array.from(data as ArrayLike<number>);
}
