/**
 * The static check of WGSL (N2) over what the WebGPU device compiles: every handwritten kernel, and what is printed for the
 * goldens, for random programs with their derivatives, fused and not, and for a training step. No GPU is needed.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trainStep } from '../bench/isobit/train.ts';
import { TINY } from '../bench/nets.ts';
import type { Held } from '../sdk/core/node.ts';
import { SCALAR_OPS } from '../sdk/core/scalar/ir.ts';
import { CLEAN, type Compiled, type Device } from '../sdk/engine/device.ts';
import type { Plan } from '../sdk/engine/kernel.ts';
import { goldenDigests } from '../sdk/engine/qualify/qualify.ts';
import { EngineRuntime } from '../sdk/engine/runtime.ts';
import { KERNELS } from '../sdk/engine/webgpu/kernels.ts';
import { lowerPlan } from '../sdk/engine/webgpu/lower.ts';
import { FUNCTIONS } from '../wgsl/functions/index.ts';
import { scan } from '../wgsl/scan.ts';
import { caseOf } from './fuzz/program.ts';
import { programOf } from './fuzz/run.ts';

const HELD: Held = {
  bytes: 0,
  retain: () => HELD,
  release: () => {},
};

/** Lowers every plan as the WebGPU device does, keeps the shaders, and computes nothing: all values are zeros. */
class Collector implements Device {
  readonly backend = 'webgpu';
  readonly adapter = 'none';
  readonly late = false;
  readonly shaders = new Set<string>();
  allocate = (): Held => HELD;
  upload = (): boolean => false;
  download = async (_: Held, elements: number): Promise<Uint32Array> => new Uint32Array(elements);
  compile(plan: Plan): Compiled {
    for (const { code } of lowerPlan(plan).dispatches) this.shaders.add(code);
    return { plan, dispose: () => {} };
  }
  run = () => CLEAN;
  memory = () => ({ live: 0, peak: 0, limit: 0 });
  dispose(): void {}
}

const GRAPHS = 300;
const collector = new Collector();

async function collect(): Promise<void> {
  await goldenDigests(collector);
  for (const fuse of [true, false]) {
    const rt = new EngineRuntime(collector, { fuse });
    for (let k = 0; k < GRAPHS; k++) {
      const { leaves, build } = caseOf(programOf(20, k));
      const args = leaves.map((v) => rt.tensor(v, undefined, undefined, { nonfinite: 'keep' }));
      const program = rt.capture((x: typeof args) => build(x).outputs);
      await program(args);
      program.dispose();
    }
    await trainStep(rt, TINY).step(0);
  }
}

test('no handwritten kernel breaks the rules of N2', () => {
  for (const [name, code] of Object.entries(KERNELS)) assert.deepEqual(scan(code), [], name);
});

test('no printed kernel does', async (t) => {
  await collect();
  for (const code of collector.shaders) assert.deepEqual(scan(code), [], code);
  t.diagnostic(`${collector.shaders.size} different shaders`);
  assert.ok(collector.shaders.size > 500);
});

test('every op of the scalar IR and every handwritten kernel is among them', () => {
  const all = [...collector.shaders];
  for (const [name, code] of Object.entries(KERNELS)) assert.ok(collector.shaders.has(code), name);
  for (const op of SCALAR_OPS) {
    // Ops without a piece of their own are plain WGSL operators.
    const own = FUNCTIONS[op].needs.at(-1)?.code;
    if (own)
      assert.ok(
        all.some((code) => code.includes(own)),
        op,
      );
  }
});

test('an unguarded kernel among them would be found', () => {
  const unguarded = KERNELS.matmul.replace(/G\(a0 \* b0\)/, '(a0 * b0)');
  assert.notEqual(unguarded, KERNELS.matmul);
  assert.match(scan(unguarded)[0].message, /a product without a guard/);
});
