/** createRuntime: chooses a backend, loads it, and says why. */

import { OptionError } from '../core/errors.ts';
import { seedOf } from '../core/rng.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Choice } from './qualify/choose.ts';
import { type EngineOptions, EngineRuntime } from './runtime.ts';
import { WasmDevice } from './wasm/device.ts';
import { instantiateKernels } from './wasm/load.ts';

export interface RuntimeOptions {
  /**
   * `'auto'` (the default) takes a hardware GPU that gives the golden bits, else WASM; `rt.why` tells which and why.
   * `'webgpu'` takes any adapter: `rt.exactness` is `'unverified'` when it does not give the golden bits.
   */
  backend?: 'auto' | 'wasm' | 'webgpu';
  /** u64; 0 unless given. */
  seed?: number | bigint;
  /**
   * The kernels: a compiled WebAssembly.Module, its bytes (Uint8Array), or where they are (URL or string). Built in unless
   * given. Not every platform's types know WebAssembly, so this one does not name it.
   */
  wasm?: object | string;
  /** A GPUDevice to use in place of the platform's, for 'webgpu' and 'auto'. It stays its owner's: dispose() leaves it. */
  device?: object;
  /** Traces captured functions again at every call and compares (E_IMPURE). */
  debug?: boolean;
  signal?: AbortSignal;
  /**
   * 'load' counts the kernels of WASM, 'qualify' the golden graphs of a GPU, 'compile' its pipelines: those of a plan are made
   * all at once, also of plans that come after createRuntime has resolved.
   */
  onProgress?: (e: { phase: 'load' | 'qualify' | 'compile'; done: number; total: number }) => void;
}

/** Every option there is; others are refused by name. */
export const RUNTIME_OPTIONS: readonly (keyof RuntimeOptions)[] = [
  'backend',
  'seed',
  'device',
  'wasm',
  'device',
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
  if (backend === 'wasm' && o.device) {
    throw new OptionError("createRuntime: a device was given, and backend 'wasm'", { hint: "Use 'webgpu' or 'auto'." });
  }
  o.signal?.throwIfAborted();
  const engine = { seed: seedOf(o.seed ?? 0n), debug: o.debug };
  if (backend === 'wasm') return createWasmRuntime({ ...engine, why: 'wasm was asked for' }, o);
  const { device, exactness, why } = await chooseGpu(backend, o);
  return device ? new EngineRuntime(device, { ...engine, exactness, why }) : createWasmRuntime({ ...engine, why }, o);
}

/** The GPU for a backend that may use one. */
async function chooseGpu(backend: 'auto' | 'webgpu', o: RuntimeOptions): Promise<Choice> {
  const [{ openWebGpu }, { automatic, forced }] = await Promise.all([
    import('./webgpu/open.ts'),
    import('./qualify/choose.ts'),
  ]);
  const choose = backend === 'auto' ? automatic : forced;
  const onCompile = (done: number, total: number) => o.onProgress?.({ phase: 'compile', done, total });
  return choose(() => openWebGpu(o.device, { onCompile }), {
    signal: o.signal,
    onProgress: (done, total) => o.onProgress?.({ phase: 'qualify', done, total }),
  });
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
