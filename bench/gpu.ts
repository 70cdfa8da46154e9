/** One software adapter for every library: Dawn in Node on SwiftShader, which takes the place of a browser's `navigator.gpu`. */

const ICDS = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/share/vulkan/icd.d/vk_swiftshader_icd.json'];

/** Dawn ends the process when its objects are collected. */
const kept: unknown[] = [];

let made = 0;
/** Compute pipelines that were made in this process so far, by whatever library. */
export const pipelines = (): number => made;

/** Counts the pipelines of every device that an adapter gives. */
function counting(gpu: GPU): GPU {
  const requestAdapter = gpu.requestAdapter.bind(gpu);
  gpu.requestAdapter = async (o) => {
    const adapter = await requestAdapter(o);
    if (!adapter) return adapter;
    const requestDevice = adapter.requestDevice.bind(adapter);
    adapter.requestDevice = async (d) => {
      const device = await requestDevice(d);
      for (const name of ['createComputePipeline', 'createComputePipelineAsync'] as const) {
        const make = device[name].bind(device) as (d: GPUComputePipelineDescriptor) => never;
        device[name] = (of: GPUComputePipelineDescriptor) => {
          made++;
          return make(of);
        };
      }
      return device;
    };
    return adapter;
  };
  return gpu;
}

/** Deno and browsers have their own. */
export async function provideGpu(): Promise<void> {
  if (globalThis.navigator?.gpu) return;
  // Pages load this file too.
  const { existsSync } = await import('node:fs');
  const icd = ICDS.find((path) => existsSync(path));
  if (icd && !process.env.VK_ICD_FILENAMES) process.env.VK_ICD_FILENAMES = icd;
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = counting(create([]));
  kept.push(gpu);
  const navigator = { gpu, userAgent: 'Node', hardwareConcurrency: 1 };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
}
