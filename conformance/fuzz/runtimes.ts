/** Runtimes of this process for the fuzzer, by the names of the rows of `isobit conformance`, and one of several threads. */

import { ARRAY, type DType } from '../../sdk/core/dtype.ts';
import { ofBits } from '../../sdk/core/scalar/index.ts';
import type { Shape } from '../../sdk/core/shape.ts';
import { createWasmRuntime } from '../../sdk/engine/create.ts';
import { EngineRuntime } from '../../sdk/engine/runtime.ts';
import { openWebGpu } from '../../sdk/engine/webgpu/open.ts';
import type { Value } from '../reference/value.ts';
import { vulkan } from '../rows/launch/find.ts';
import { check, type Judged } from './check.ts';
import type { Case } from './program.ts';

export const LOCAL = ['node-wasm', 'node-wasm-threads', 'node-webgpu'] as const;
export type LocalName = (typeof LOCAL)[number];

/** One that fuses, one that does not. Throws DeviceError E_NO_DEVICE where there is no GPU. */
export async function runtimesOf(name: LocalName): Promise<Judged[]> {
  if (name === 'node-wasm') {
    return [
      { name: 'fused', rt: await createWasmRuntime(), eager: true },
      { name: 'unfused', rt: await createWasmRuntime({ fuse: false }), eager: false },
    ];
  }
  if (name === 'node-wasm-threads') {
    // However small the work is, it is divided.
    return [
      { name: '3 threads, fused', rt: await createWasmRuntime({}, { threads: 3, worth: 0 }), eager: true },
      {
        name: '2 threads, unfused',
        rt: await createWasmRuntime({ fuse: false }, { threads: 2, worth: 0 }),
        eager: false,
      },
    ];
  }
  // A software adapter by name, as in the rows: a run says the same on every machine.
  Object.assign(process.env, vulkan('swiftshader'));
  const { device } = await openWebGpu();
  return [
    { name: 'fused', rt: new EngineRuntime(device), eager: true },
    { name: 'unfused', rt: new EngineRuntime(device, { fuse: false }), eager: false },
  ];
}

/** A leaf from bits, for printed cases. */
export function leaf<D extends DType>(dtype: D, shape: Shape, bits: readonly number[]): Value {
  const data = dtype === 'f32' ? Float32Array.from(bits, ofBits) : ARRAY[dtype].from(bits);
  return { data, shape, dtype };
}

/** Runs a printed case and says what differs. */
export async function report(c: Case, runtime: LocalName = 'node-wasm'): Promise<void> {
  console.log((await check(c, await runtimesOf(runtime))) ?? 'no difference');
  // A GPU's threads would keep the process.
  process.exit(0);
}
