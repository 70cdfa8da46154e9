import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { add, bitsOf, erf, mul, ofBits, sigmoid as sigmoidOf, tanh as tanhOf } from '../core/scalar/index.ts';
import { createRuntime, type Runtime } from '../index.ts';
import { gelu, geluTanh, identity, leakyRelu, relu, silu, softmax } from './activations.ts';

let rt: Runtime;
before(async () => {
  rt = await createRuntime({ backend: 'wasm' });
});
after(() => rt.dispose());

const xs = Float32Array.from({ length: 4001 }, (_, i) => (i - 2000) / 250);
const K = ofBits(0x3f4c422a);
const C3 = ofBits(0x3d372713);

/** N13's sequences, one rounding an operation. */
const SEQUENCES: Record<string, (x: number) => number> = {
  relu: (x) => Math.max(x, 0),
  identity: (x) => x,
  silu: (x) => mul(x, sigmoidOf(x)),
  gelu: (x) => mul(mul(0.5, x), add(1, erf(mul(x, ofBits(0x3f3504f3))))),
  geluTanh: (x) => mul(mul(0.5, x), add(1, tanhOf(mul(K, add(x, mul(C3, mul(mul(x, x), x))))))),
  leakyRelu: (x) => (x > 0 ? x : mul(x, Math.fround(0.01))),
};

const tagged = new Map([relu, identity, silu, gelu, geluTanh, leakyRelu()].map((f) => [f.type, f]));

describe('activations', () => {
  for (const [name, sequence] of Object.entries(SEQUENCES)) {
    test(`${name} is N13's sequence, to the bit`, async () => {
      const f = tagged.get(name)!;
      assert.deepEqual(await f(rt.tensor(xs)).data(), Float32Array.from(xs, sequence));
      assert.equal(f.type, name);
    });
  }
  test('gelu has its check value', async () => {
    assert.equal(bitsOf(await gelu(rt.scalar(1.5)).item()), 0x3fb32c4b);
  });
  test('softmax sums to 1 along the last axis', async () => {
    const y = await softmax(rt.tensor(xs.subarray(0, 4000), [1000, 4])).data();
    for (let r = 0; r < 1000; r++) assert.ok(Math.abs(y.subarray(4 * r, 4 * r + 4).reduce((a, b) => a + b) - 1) < 1e-6);
  });
  test('leakyRelu takes any finite slope and nothing else', () => {
    assert.deepEqual(leakyRelu(0.2).options, { slope: 0.2 });
    assert.throws(() => leakyRelu(Number.NaN), { code: 'E_OPTION' });
  });
});
