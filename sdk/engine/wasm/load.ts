/**
 * Loading the kernels: built in (as base64, so that no setup is needed), or given as a module, bytes or an address. There are two
 * builds: of one thread, and of several over shared memory.
 */

import { DeviceError } from '../../core/errors.ts';
import { Crew } from './crew.ts';
import type { Parts, Start } from './parts.ts';

export interface Loaded {
  readonly instance: WebAssembly.Instance;
  /** Threads that can be started, where they were wanted. */
  readonly crew: Crew | null;
  /** Why there are none. */
  readonly alone: string;
}

/** Pages of 64 KiB: the most that 32-bit addresses reach, and what to ask for where so much cannot be promised. */
const MOST = [65536, 32768, 16384];

/** For how many processors how many threads: those beyond four are often half a core each. */
export const forCores = (cores: number): number => Math.min(8, Math.max(Math.min(cores, 4), cores >> 1));

/** Loads kernels for up to so many threads. Where memory cannot be shared, and so for 1, they are those of one thread. */
export async function loadKernels(wanted: number | 'auto', given?: object | string, parts?: Parts): Promise<Loaded> {
  try {
    const platform = wanted === 1 || unshared() ? null : (parts?.threads ?? (await import('#threads')));
    const threads = wanted !== 'auto' ? wanted : platform ? forCores(await platform.cores().catch(() => 1)) : 2;
    if (given !== undefined) {
      const module = await compiled(given);
      if (!isShared(module)) return single(module, threads > 1 ? 'the kernels given are of one thread' : '');
      return await shared(module, threads, platform?.start ?? null);
    }
    let alone = threads > 1 ? unshared() : '';
    if (threads > 1 && !alone) {
      const { kernels = null, start = null } = platform ?? {};
      if (kernels) return await shared(await compiled(decoded(kernels)), threads, start);
      alone = 'this platform has no threads';
    }
    return single(await compiled(decoded(parts?.kernels ?? (await import('#kernels')).default)), alone);
  } catch (cause) {
    throw new DeviceError('E_NO_DEVICE', `wasm: the kernels cannot be loaded: ${(cause as Error).message}`, {
      hint: 'It needs SIMD; where compiling is forbidden, pass a module as { wasm }.',
      cause,
    });
  }
}

const single = (module: WebAssembly.Module, alone: string): Loaded => ({
  instance: new WebAssembly.Instance(module),
  crew: null,
  alone,
});

async function shared(module: WebAssembly.Module, threads: number, start: Start | null): Promise<Loaded> {
  const memory = sharedMemory();
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  if (start && threads > 1)
    return { instance, crew: new Crew(instance, { module, memory }, threads, start), alone: '' };
  return { instance, crew: null, alone: threads > 1 ? 'this platform has no threads' : '' };
}

/** Why memory cannot be shared here; empty where it can. */
function unshared(): string {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  if (crossOriginIsolated === false) return 'memory cannot be shared: the page is not isolated (headers COOP and COEP)';
  return typeof SharedArrayBuffer === 'undefined' ? 'memory cannot be shared here' : '';
}

function sharedMemory(): WebAssembly.Memory {
  for (const maximum of MOST) {
    try {
      return new WebAssembly.Memory({ initial: 16, maximum, shared: true });
    } catch (e) {
      if (maximum === MOST.at(-1)) throw e;
    }
  }
  throw new Error('unreachable');
}

/** Kernels over shared memory import it. */
const isShared = (module: WebAssembly.Module): boolean => WebAssembly.Module.imports(module).length > 0;

/** A module from itself, its bytes or its address. */
async function compiled(source: object | string): Promise<WebAssembly.Module> {
  const bytes =
    source instanceof Uint8Array
      ? source
      : typeof source === 'string' || source instanceof URL
        ? await fetched(source)
        : null;
  return bytes ? WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>) : (source as WebAssembly.Module);
}

/** Base64, or a module where package.json leads to one. */
function decoded(kernels: string | object): object {
  if (typeof kernels !== 'string') return kernels;
  // Where the platform decodes to bytes it takes a tenth of the time.
  const { fromBase64 } = Uint8Array as { fromBase64?: (text: string) => Uint8Array };
  const { Buffer } = globalThis as { Buffer?: { from(text: string, encoding: 'base64'): Uint8Array } };
  if (fromBase64) return fromBase64.call(Uint8Array, kernels);
  if (Buffer) return Buffer.from(kernels, 'base64');
  return Uint8Array.from(atob(kernels), (c) => c.charCodeAt(0));
}

async function fetched(from: URL | string): Promise<Uint8Array> {
  const response = await fetch(from);
  if (!response.ok) throw new Error(`HTTP ${response.status} for the kernels`);
  return new Uint8Array(await response.arrayBuffer());
}
