/** createRuntime: chooses a backend, loads it, and says why. */

import { DeviceError, OptionError } from '../core/errors.ts';
import { seedOf } from '../core/rng.ts';
import type { Runtime } from '../core/runtime.ts';
import { type EngineOptions, EngineRuntime } from './runtime.ts';
import { WasmDevice } from './wasm/device.ts';
import { instantiateKernels } from './wasm/load.ts';

export interface RuntimeOptions {
  /** `'auto'` (the default) takes the best backend that gives the contract's bits. */
  backend?: 'auto' | 'wasm' | 'webgpu';
  /** u64; 0 unless given. */
  seed?: number | bigint;
  /**
   * The kernels: a compiled WebAssembly.Module, its bytes (Uint8Array), or where they are (URL or string). Built in unless
   * given. Not every platform's types know WebAssembly, so this one does not name it.
   */
  wasm?: object | string;
  /** A GPUDevice to use with backend 'webgpu'. */
  device?: object;
  /** Traces captured functions again at every call and compares (E_IMPURE). */
  debug?: boolean;
  signal?: AbortSignal;
  onProgress?: (e: { phase: 'load' | 'qualify' | 'compile'; done: number; total: number }) => void;
}

/** Every option there is; others are refused by name. */
export const RUNTIME_OPTIONS: readonly (keyof RuntimeOptions)[] = [
  'backend',
  'seed',
  'device',
  'wasm',
  'debug',
  'signal',
  'onProgress',
];

/** Makes a runtime. Throws OptionError, and DeviceError E_NO_DEVICE when the backend asked for is not there. */
export async function createRuntime(o: RuntimeOptions = {}): Promise<Runtime> {
  for (const name of Object.keys(o)) {
    if (!(RUNTIME_OPTIONS as readonly string[]).includes(name)) {
      throw new OptionError(`createRuntime: unknown option ${name}`, {
        hint: `Options are ${RUNTIME_OPTIONS.join(', ')}.`,
      });
    }
  }
  const backend = o.backend ?? 'auto';
  if (!['auto', 'wasm', 'webgpu'].includes(backend)) {
    throw new OptionError(`createRuntime: unknown backend ${backend}`, { hint: "Use 'auto', 'wasm' or 'webgpu'." });
  }
  if (backend === 'webgpu') {
    const { openWebGpu } = await import('./webgpu/open.ts');
    const device = await openWebGpu(o.device);
    return new EngineRuntime(device, { seed: seedOf(o.seed ?? 0n), why: 'webgpu was asked for', debug: o.debug });
  }
  const why = backend === 'wasm' ? 'wasm was asked for' : 'wasm is the only backend of this version';
  return createWasmRuntime({ seed: seedOf(o.seed ?? 0n), why, debug: o.debug }, o);
}

/** A WASM runtime with the engine's own switches (`fuse: false` runs one kernel an op). */
export async function createWasmRuntime(
  engine: EngineOptions = {},
  o: Pick<RuntimeOptions, 'wasm' | 'signal' | 'onProgress'> = {},
): Promise<EngineRuntime> {
  o.signal?.throwIfAborted();
  o.onProgress?.({ phase: 'load', done: 0, total: 1 });
  const instance = await instantiateKernels(o.wasm);
  o.signal?.throwIfAborted();
  o.onProgress?.({ phase: 'load', done: 1, total: 1 });
  return new EngineRuntime(new WasmDevice(instance), engine);
}
