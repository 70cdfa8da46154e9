/** createRuntime: chooses a backend, loads it, and says why. */

import { PRECISIONS, type Precision } from '../core/dtype.ts';
import { OptionError } from '../core/errors.ts';
import { callable, checkOptions, flag, type OptionTable, object, oneOf, type Rule } from '../core/options.ts';
import { seedOf } from '../core/rng.ts';
import type { Runtime } from '../core/runtime.ts';
import { type EngineOptions, EngineRuntime } from './runtime.ts';
import { WasmDevice } from './wasm/device.ts';
import { loadKernels } from './wasm/load.ts';
import type { Parts } from './wasm/parts.ts';
import { gpuEntry } from './webgpu/entry.ts';

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
  /**
   * Threads of the kernels, this one included. A number starts so many at once; `'auto'` (the default) up to 8, as there are
   * processors, when work shows that is worth it: small networks never start one. `rt.threads` tells how many run, `rt.why`
   * why there are fewer. The bits are the same.
   */
  threads?: number | 'auto';
  /**
   * `'exact'` (the default) gives the contract's bits. `'fast'` leaves out what costs time for them: on a GPU the guard around
   * each rounding, and qualification. `rt.exactness` is then `'unverified'`, on WASM too, where the bits stay the same. How
   * far results are off is the driver's affair: some ulps as a rule, more where terms cancel and in sin of large numbers.
   */
  numerics?: 'exact' | 'fast';
  /**
   * What f32 operands of contractions are rounded to first: `'highest'` (the default) nothing, `'high'` 12 bits (one more than
   * TF32), `'medium'` bf16. Each gives its own bits, the same on every device. A call's own `precision` wins.
   */
  precision?: Precision;
  /** Traces captured functions again at every call and compares (E_IMPURE). */
  debug?: boolean;
  signal?: AbortSignal;
  /**
   * 'load' counts the kernels of WASM, 'qualify' the golden graphs of a GPU, 'compile' its pipelines: those of a plan are made
   * all at once, also of plans that come after createRuntime has resolved. So are the goldens of kernels that few programs use.
   */
  onProgress?: (e: { phase: 'load' | 'qualify' | 'compile'; done: number; total: number }) => void;
}

const seed: Rule = { expects: 'a number or a bigint', ok: (v) => typeof v === 'number' || typeof v === 'bigint' };
const wasm: Rule = {
  expects: 'a module, its bytes or its address',
  ok: (v) => typeof v === 'string' || (typeof v === 'object' && v !== null),
};
const threads: Rule = {
  expects: "an integer from 1 up, or 'auto'",
  ok: (v) => v === 'auto' || (Number.isSafeInteger(v) && (v as number) >= 1),
};

export const RUNTIME_OPTIONS: OptionTable<RuntimeOptions> = {
  backend: oneOf('auto', 'wasm', 'webgpu'),
  seed,
  wasm,
  device: object('a GPUDevice'),
  threads,
  numerics: oneOf('exact', 'fast'),
  precision: oneOf(...PRECISIONS),
  debug: flag,
  signal: object('an AbortSignal'),
  onProgress: callable('a function of { phase, done, total }'),
};

/** Makes a runtime. Throws OptionError, and DeviceError E_NO_DEVICE when the backend asked for is not there. */
export function createRuntime(o: RuntimeOptions = {}): Promise<Runtime> {
  return createFrom(o);
}

/** The same, with kernels and threads from elsewhere than package.json leads to. */
export async function createFrom(o: RuntimeOptions, parts?: Parts): Promise<Runtime> {
  checkOptions('createRuntime', RUNTIME_OPTIONS, o);
  const backend = o.backend ?? 'auto';
  if (backend === 'wasm' && o.device) {
    throw new OptionError("createRuntime: a device for backend 'wasm'", { hint: "Use 'webgpu' or 'auto'." });
  }
  o.signal?.throwIfAborted();
  const engine = { seed: seedOf(o.seed ?? 0n), debug: o.debug, precision: o.precision };
  const none = backend === 'auto' && !o.device && !(await gpuEntry());
  const gpu = none || backend === 'wasm' ? null : await (await import('./gpu.ts')).chooseGpu(backend, o);
  const device = gpu?.device;
  const reasons = [gpu?.why ?? (none ? 'wasm: there is no WebGPU adapter' : 'wasm was asked for')];
  if (device && typeof o.threads === 'number' && o.threads > 1) reasons.push('threads are for WASM');
  if (device) return new EngineRuntime(device, { ...engine, exactness: gpu.exactness, why: reasons.join('; ') });
  if (o.numerics === 'fast') reasons.push("numerics 'fast' changes nothing on WASM");
  const exactness = o.numerics === 'fast' ? 'unverified' : 'bitwise';
  return createWasmRuntime(
    { ...engine, exactness, why: reasons.join('; ') },
    { ...o, threads: o.threads ?? 'auto' },
    parts,
  );
}

/** A WASM runtime with the engine's own switches (`fuse: false` runs one kernel an op, `worth: 0` divides every kernel). */
export async function createWasmRuntime(
  engine: EngineOptions = {},
  o: Pick<RuntimeOptions, 'wasm' | 'threads' | 'signal' | 'onProgress'> & { worth?: number } = {},
  parts?: Parts,
): Promise<EngineRuntime> {
  o.signal?.throwIfAborted();
  o.onProgress?.({ phase: 'load', done: 0, total: 1 });
  const wanted = o.threads ?? 1;
  const { instance, crew, alone } = await loadKernels(wanted, o.wasm, parts);
  if (crew && o.worth !== undefined) crew.worth = o.worth;
  if (wanted !== 'auto') await crew?.begin();
  if (o.signal?.aborted) crew?.end();
  o.signal?.throwIfAborted();
  o.onProgress?.({ phase: 'load', done: 1, total: 1 });
  const fewer = crew ? crew.why : alone;
  const of = wanted === 'auto' ? '1 thread' : `${crew?.threads ?? 1} of ${wanted} threads`;
  const why = [engine.why, fewer && `${of}: ${fewer}`].filter((reason) => reason).join('; ');
  return new EngineRuntime(new WasmDevice(instance, crew), { ...engine, why });
}
