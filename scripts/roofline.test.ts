import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { KERNELS } from '../sdk/engine/webgpu/kernels.ts';
import { count, roofline } from './roofline.ts';

test('docs/performance.md holds the table of the kernels as they are', () => {
  const page = readFileSync(new URL('../docs/performance.md', import.meta.url), 'utf8');
  assert.ok(page.includes(roofline()), 'node --import tsx scripts/roofline.ts prints the table anew');
});

test('operations are counted once, functions where they are called, guards by name', () => {
  const code = `fn G(x: f32) -> f32 { return bitcast<f32>(bitcast<u32>(x) ^ gz); }
    fn f(a: f32) -> f32 { return G(a * a); }
    @compute @workgroup_size(1) fn main() { let a = bitcast<f32>(mem[i + 1u]); mem[i] = select(u32(f(a)), 0u, a < 1.0); }`;
  // An address, a product with its guard, a conversion, a comparison and a select; two words.
  assert.deepEqual(count(code), { operations: 6, guards: 1, words: 2 });
});

test('an exact product has one guard less a pair', () => {
  const tile = (name: keyof typeof KERNELS) => count(KERNELS[name]).guards;
  assert.equal(tile('matmulPacked') - tile('matmulPackedExact'), 64);
  assert.equal(tile('matmul') - tile('matmulExact'), 16);
});
