/** WebGPU for tests: in Node, Dawn on SwiftShader, the software adapter that Debian's chromium brings. */

import { existsSync } from 'node:fs';

const ICDS = ['/usr/lib/chromium/vk_swiftshader_icd.json', '/usr/share/vulkan/icd.d/vk_swiftshader_icd.json'];

/** Dawn ends the process when one of its objects is collected before the device: they stay reachable here. */
const kept: unknown[] = [];

/** A device, or null where there is no WebGPU or no adapter. Other runtimes than Node have `navigator.gpu`. */
export async function openDevice(): Promise<GPUDevice | null> {
  const gpu = globalThis.navigator?.gpu ?? (await dawn());
  const adapter = await gpu?.requestAdapter();
  if (!adapter) return null;
  const device = await adapter.requestDevice();
  kept.push(gpu, adapter, device);
  return device;
}

async function dawn(): Promise<GPU | null> {
  const icd = ICDS.find((path) => existsSync(path));
  if (icd && !process.env.VK_ICD_FILENAMES) process.env.VK_ICD_FILENAMES = icd;
  const module = await import('webgpu').catch(() => null);
  if (!module) return null;
  Object.assign(globalThis, module.globals);
  return module.create([]);
}

/** What one run needs: `main` is the body of an entry point that has `i`, the element, and writes `result[…]`. */
export interface Run {
  /** Declarations at module scope. They define `gz` (N2). */
  readonly code: string;
  readonly main: string;
  /** Read as `operands[k * n + i]`. */
  readonly operands: readonly Uint32Array[];
  /** Words of `result`. */
  readonly words: number;
}

/** Runs `main` once for each element of the operands, all of one length. */
export async function run(device: GPUDevice, { code, main, operands, words }: Run): Promise<Uint32Array> {
  const n = operands[0].length;
  const storage = (size: number, data?: Uint32Array): GPUBuffer => {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = device.createBuffer({ size, usage });
    if (data) device.queue.writeBuffer(buffer, 0, data as Uint32Array<ArrayBuffer>);
    return buffer;
  };
  const all = new Uint32Array(n * operands.length);
  operands.forEach((o, k) => all.set(o, k * n));
  const buffers = [storage(16), storage(all.byteLength, all), storage(words * 4)];
  const read = device.createBuffer({ size: words * 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const module = device.createShaderModule({
    code: `
@group(0) @binding(0) var<storage, read_write> zero: array<u32>;
@group(0) @binding(1) var<storage, read_write> operands: array<u32>;
@group(0) @binding(2) var<storage, read_write> result: array<u32>;

${code}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  gz = zero[0];
  let n = ${n}u;
  let i = id.x;
  if (i >= n) {
    return;
  }
${main}
}
`,
  });
  const errors = (await module.getCompilationInfo()).messages.filter((m) => m.type === 'error');
  if (errors.length > 0) throw new Error(errors.map((m) => `${m.lineNum}: ${m.message}`).join('\n'));
  const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
  pass.dispatchWorkgroups(Math.ceil(n / 64));
  pass.end();
  encoder.copyBufferToBuffer(buffers[2], 0, read, 0, words * 4);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const out = new Uint32Array(read.getMappedRange().slice(0));
  for (const b of [...buffers, read]) b.destroy();
  return out;
}
