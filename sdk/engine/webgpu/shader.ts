/**
 * What every kernel shares: one storage buffer that is all of device memory (like WASM's linear memory, so a plan needs one
 * bind group), a block of parameters in a uniform buffer (so that one pipeline serves every shape), and a word of zero for the
 * guard beside the flags (N2).
 */

import { guard, include, type Wgsl } from '../../../wgsl/functions/index.ts';

/** Words of a dispatch's parameter block. */
export const PARAMETER_WORDS = 4096;
/** Bits of the flags word. */
export const FLAG = { nonfinite: 1, index: 2, halted: 4 } as const;

/** The expression of parameter `i`. */
export const parameter = (i: number): string => `params[${i >> 2}].${'xyzw'[i & 3]}`;

/** A whole module: `body` runs once an element `i` below parameter 0, or as its own index says. */
export function shader(needs: Iterable<Wgsl>, body: string, workgroup: 'linear' | 'tile' = 'linear'): string {
  const entry =
    workgroup === 'linear'
      ? `@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  gz = state.zero;
  let i = ((group.y * groups.x) + group.x) * 64u + lane;
  if (i >= ${parameter(0)}) { return; }`
      : `@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  gz = state.zero;`;
  return `struct State { zero: u32, flags: atomic<u32> }
@group(0) @binding(0) var<storage, read_write> mem: array<u32>;
@group(0) @binding(1) var<uniform> params: array<vec4<u32>, ${PARAMETER_WORDS / 4}>;
@group(0) @binding(2) var<storage, read_write> state: State;

${include([guard, ...needs])}
fn raise(flag: u32) { atomicOr(&state.flags, flag); }

${entry}
${body}
}
`;
}

/** Workgroups of 64 for `n` elements, in two dimensions where one is not enough. */
export function groupsFor(n: number, most: number): [number, number, number] {
  const groups = Math.ceil(n / 64);
  const x = Math.min(groups, most);
  return [x, Math.ceil(groups / x), 1];
}
