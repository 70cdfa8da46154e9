/** Finding a GPU: one that was passed in, the platform's own, or Dawn in Node (the npm package `webgpu`, an optional peer). */

import { DeviceError } from '../../core/errors.ts';
import { WebGpuDevice } from './device.ts';

/** Dawn ends the process when one of its objects is collected while others live: they stay reachable here. */
const kept: unknown[] = [];

export async function openWebGpu(given?: object): Promise<WebGpuDevice> {
  if (given) {
    const device = given as GPUDevice;
    return new WebGpuDevice(device, describe(device.adapterInfo));
  }
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu ?? (await dawn());
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new DeviceError('E_NO_DEVICE', 'webgpu: no adapter', {
      hint: "Install a Vulkan, Metal or D3D12 driver (in Node also the package webgpu), or use backend 'wasm': the bits are the same.",
    });
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
  kept.push(adapter, device);
  return new WebGpuDevice(device, describe(adapter.info));
}

function describe(info: GPUAdapterInfo | undefined): string {
  const words = [info?.vendor, info?.architecture, info?.device, info?.description].filter(Boolean);
  return words.length > 0 ? words.join(' ') : 'unknown adapter';
}

/** Null outside Node, and where the package is not installed. */
async function dawn(): Promise<GPU | null> {
  if (typeof process === 'undefined' || !process.versions?.node) return null;
  const { create } = await import('webgpu').catch(() => ({ create: null }));
  const gpu = create?.([]) ?? null;
  if (gpu) kept.push(gpu);
  return gpu;
}
