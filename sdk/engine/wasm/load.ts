/** Loading the kernels: built in (as base64, so that no setup is needed), or given as a module, bytes or an address. */

import { DeviceError } from '../../core/errors.ts';

export async function instantiateKernels(given?: object | string): Promise<WebAssembly.Instance> {
  try {
    const source = given ?? (await builtIn());
    const bytes =
      source instanceof Uint8Array
        ? source
        : typeof source === 'string' || source instanceof URL
          ? await fetched(source)
          : null;
    if (!bytes) return new WebAssembly.Instance(source as WebAssembly.Module, IMPORTS);
    const { instance } = await WebAssembly.instantiate(bytes as Uint8Array<ArrayBuffer>, IMPORTS);
    return instance;
  } catch (cause) {
    throw new DeviceError('E_NO_DEVICE', `wasm: the kernels cannot be loaded: ${(cause as Error).message}`, {
      hint: 'WebAssembly with SIMD is needed; where compiling bytes is forbidden, pass a module: createRuntime({ wasm }).',
      cause,
    });
  }
}

const IMPORTS: WebAssembly.Imports = { env: { abort: () => {} } };

/** Base64, or a module where package.json leads to one. */
async function builtIn(): Promise<Uint8Array | object> {
  const { default: kernels } = await import('#kernels');
  if (typeof kernels !== 'string') return kernels;
  const text = atob(kernels);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function fetched(from: URL | string): Promise<Uint8Array> {
  const response = await fetch(from);
  if (!response.ok) throw new Error(`HTTP ${response.status} for the kernels`);
  return new Uint8Array(await response.arrayBuffer());
}
