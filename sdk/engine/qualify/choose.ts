/** Which GPU may be used, and what is known of its bits. */

import { DeviceError, isIsobitError } from '../../core/errors.ts';
import type { Device } from '../device.ts';
import { KERNELS } from '../webgpu/kernels.ts';
import { type Part, partOf } from './goldens.ts';
import { type QualifyOptions, qualify } from './qualify.ts';

export interface Candidate {
  readonly device: Device;
  /** True for an adapter that computes on the CPU. */
  readonly software: boolean;
}

export interface Choice {
  /** Null when WASM is to be used. */
  readonly device: Device | null;
  readonly exactness: 'bitwise' | 'unverified';
  readonly why: string;
}

export interface ChooseOptions extends QualifyOptions {
  /** Takes a GPU as it is: kernels without guards could not give the golden bits. */
  readonly fast?: boolean;
}

const FAST = "numerics 'fast': without guards and goldens";

/** Parts that adapters passed in this process; browsers do not show the driver's version, so a pass is never kept longer. */
const passed = new Set<string>();

/** A GPU that was asked for is used, whatever the goldens say. Throws what opening and running it throws. */
export async function forced(open: () => Promise<Candidate>, o: ChooseOptions = {}): Promise<Choice> {
  const { device } = await open();
  const why = 'webgpu was asked for';
  if (o.fast) return { device, exactness: 'unverified', why: `${why}; ${FAST}` };
  const failures = await tried(device, o);
  if (failures.length === 0) return { device, exactness: 'bitwise', why: `${why}; it gives the golden bits` };
  return { device, exactness: 'unverified', why: `${why}; it fails ${listed(failures)}` };
}

/** A hardware adapter that qualifies, else WASM with the reason. */
export async function automatic(open: () => Promise<Candidate>, o: ChooseOptions = {}): Promise<Choice> {
  const wasm = (why: string): Choice => ({ device: null, exactness: 'bitwise', why: `wasm: ${why}` });
  let candidate: Candidate;
  try {
    candidate = await open();
  } catch (e) {
    if (isIsobitError(e)) return wasm('there is no WebGPU adapter');
    return wasm(`WebGPU did not start (${(e as Error).message})`);
  }
  const { device, software } = candidate;
  const name = device.adapter;
  if (software) {
    device.dispose();
    return wasm(`the WebGPU adapter is software (${name}); ask for it with backend 'webgpu'`);
  }
  if (o.fast) return { device, exactness: 'unverified', why: `webgpu: a hardware adapter (${name}); ${FAST}` };
  try {
    const failures = await tried(device, o);
    if (failures.length === 0) {
      return { device, exactness: 'bitwise', why: `webgpu: a hardware adapter that gives the golden bits (${name})` };
    }
    device.dispose();
    return wasm(`the WebGPU adapter (${name}) fails ${listed(failures)}`);
  } catch (e) {
    device.dispose();
    if (!(e instanceof DeviceError)) throw e;
    return wasm(`the WebGPU adapter (${name}) failed: ${e.message}`);
  }
}

/** The goldens that a device fails, of those that are tried first. It is disposed of when they do not run to their end. */
async function tried(device: Device, o: QualifyOptions): Promise<readonly string[]> {
  try {
    return await failuresOf(device, 'first', o);
  } catch (e) {
    device.dispose();
    throw e;
  }
}

async function failuresOf(device: Device, part: Part, o: QualifyOptions): Promise<readonly string[]> {
  const key = `${part} ${device.adapter}`;
  if (passed.has(key)) return [];
  const { failures } = await qualify(device, o, [part]);
  if (failures.length === 0) passed.add(key);
  return failures;
}

/**
 * Proves what was not tried first: the parts of a plan's kernels, on a twin of its device, each once. Rejects with a DeviceError where
 * a golden comes out otherwise: the device was chosen for its bits, and has no others to give.
 */
export function later(o: QualifyOptions): (codes: ReadonlySet<string>, twin: () => Device) => Promise<void> {
  const proofs = new Map<Part, Promise<void>>([['first', Promise.resolve()]]);
  const prove = async (part: Part, device: Device): Promise<void> => {
    const failures = await failuresOf(device, part, o).finally(() => device.dispose());
    if (failures.length === 0) return;
    throw new DeviceError('E_DEVICE', `webgpu: the adapter (${device.adapter}) fails ${listed(failures)}`, {
      hint: "Use 'wasm': the same bits.",
    });
  };
  return async (codes, twin) => {
    for (const [name, code] of Object.entries(KERNELS)) {
      if (!codes.has(code)) continue;
      const part = partOf(name, 1);
      if (!proofs.has(part)) proofs.set(part, prove(part, twin()));
      await proofs.get(part);
    }
  };
}

/** Some of the names, and how many more there are. */
function listed(names: readonly string[]): string {
  const some = names.slice(0, 4).join(', ');
  const goldens = names.length === 1 ? '1 golden' : `${names.length} goldens`;
  return `${goldens}: ${some}${names.length > 4 ? ', …' : ''}`;
}
