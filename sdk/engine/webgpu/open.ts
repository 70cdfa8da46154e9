/** Opening a GPU: one that was passed in, or the platform's own. */

import { DeviceError } from '../../core/errors.ts';
import { WebGpuDevice, type WebGpuOptions } from './device.ts';
import { gpuEntry } from './entry.ts';

/** Dawn ends the process when one of its objects is collected while others live: they stay reachable here. */
const kept: unknown[] = [];

export interface Opened {
  readonly device: WebGpuDevice;
  /** True for an adapter that computes on the CPU. */
  readonly software: boolean;
}

/** Opens the adapter, or takes the GPUDevice given. Throws DeviceError E_NO_DEVICE. */
export async function openWebGpu(given?: object, o: Omit<WebGpuOptions, 'borrowed'> = {}): Promise<Opened> {
  if (given) {
    const device = given as GPUDevice;
    const info = device.adapterInfo;
    return { device: new WebGpuDevice(device, describe(info), { ...o, borrowed: true }), software: isSoftware(info) };
  }
  const adapter = await (await gpuEntry())?.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new DeviceError('E_NO_DEVICE', 'webgpu: no adapter', {
      hint: "Install a GPU driver (in Node also webgpu), or use 'wasm': the same bits.",
    });
  }
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } });
  kept.push(adapter, device);
  // Where it was before it became a part of the info.
  const { isFallbackAdapter } = adapter as { isFallbackAdapter?: boolean };
  return {
    device: new WebGpuDevice(device, describe(adapter.info), o),
    software: isFallbackAdapter === true || isSoftware(adapter.info),
  };
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|\bwarp\b|subzero|software|basic render/i;

/** By the platform's word, or by name: SwiftShader, Mesa's llvmpipe and lavapipe, and WARP. */
export function isSoftware(info: GPUAdapterInfo | undefined): boolean {
  return info?.isFallbackAdapter === true || SOFTWARE.test(describe(info));
}

export function describe(info: GPUAdapterInfo | undefined): string {
  const words = [info?.vendor, info?.architecture, info?.device, info?.description].filter(Boolean);
  return words.length > 0 ? words.join(' ') : 'unknown adapter';
}
