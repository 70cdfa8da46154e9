/** Planted faults: a device whose kernels round, order or flush otherwise does not qualify. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openDevice } from '../../../wgsl/dawn.ts';
import type { Tensor } from '../../core/tensor.ts';
import { argsort, createRuntime } from '../../index.ts';
import { EngineRuntime } from '../runtime.ts';
import { WebGpuDevice, type WebGpuOptions } from '../webgpu/device.ts';
import { later } from './choose.ts';
import { qualify } from './qualify.ts';

const gpu = await openDevice();
if (!gpu && process.env.CI) throw new Error('no WebGPU device: install chromium and libvulkan1');
const skip = gpu ? false : 'no WebGPU device';
after(() => gpu?.destroy());

// What a fault leaves as it is need not be compiled again.
if (gpu) {
  const made = new Map<string, Promise<GPUComputePipeline>>();
  const codes = new WeakMap<GPUShaderModule, string>();
  const shader = gpu.createShaderModule.bind(gpu);
  const pipeline = gpu.createComputePipelineAsync.bind(gpu);
  gpu.createShaderModule = (d) => {
    const module = shader(d);
    codes.set(module, d.code);
    return module;
  };
  gpu.createComputePipelineAsync = (d) => {
    const code = codes.get(d.compute.module)!;
    if (!made.has(code)) made.set(code, pipeline(d));
    return made.get(code)!;
  };
}

/** A device that compiles changed kernels. */
function faulty(name: string, from: string | RegExp, to: To, o: WebGpuOptions = {}): WebGpuDevice {
  const rewrite = (code: string): string => code.replaceAll(from, to as string);
  return new WebGpuDevice(gpu!, `faulty: ${name}`, { ...o, borrowed: true, rewrite });
}

/** The value of a sum that is rounded toward zero: one ulp less where the error of TwoSum points back. */
const TRUNCATED = `fn op_add(a: u32, b: u32) -> u32 {
  let x = bitcast<f32>(a); let y = bitcast<f32>(b);
  let t = G(x + y); let v = G(t - x);
  let e = G(G(x - G(t - v)) + G(y - v));
  let back = (e > 0.0 && t < 0.0) || (e < 0.0 && t > 0.0);
  return S(bitcast<u32>(t) - select(0u, 1u, back));
}`;

/** a*b + c with one rounding, near enough: Dekker's product and the error of the sum. Adapters may lack a fused one. */
const FUSED = `fn fused(a: f32, b: f32, c: f32) -> f32 {
  let ca = G(a * 4097.0); let cb = G(b * 4097.0);
  let ha = G(ca - G(ca - a)); let hb = G(cb - G(cb - b));
  let la = G(a - ha); let lb = G(b - hb);
  let p = G(a * b);
  let e = G(G(G(G(G(ha * hb) - p) + G(ha * lb)) + G(la * hb)) + G(la * lb));
  let t = G(p + c); let v = G(t - p);
  return G(t + G(G(G(p - G(t - v)) + G(c - v)) + e));
}`;

type To = string | ((all: string, ...groups: string[]) => string);
const FAULTS: readonly { name: string; from: string | RegExp; to: To; caught: RegExp }[] = [
  {
    name: 'a contracted product in matmul',
    from: /G\(s(\d\d) \+ G\(a(\d) \* b(\d)\)\)|fn raise/g,
    to: (all, sum, a, b) => (sum ? `fused(a${a}, b${b}, s${sum})` : `${FUSED}\n${all}`),
    caught: /^matmul\/chunks$/,
  },
  {
    name: 'guards dropped everywhere',
    from: 'return bitcast<f32>(bitcast<u32>(x) ^ gz);',
    to: 'return x;',
    caught: /^function\/sin$/,
  },
  {
    name: 'the tree of a sum in another order',
    from: 'lanes[lane + s]',
    to: 'lanes[2u * s - 1u - lane]',
    caught: /^sum\//,
  },
  { name: 'sums over 32 lanes', from: /r \+= 64u/g, to: 'r += 128u', caught: /^sum\// },
  {
    name: 'chunks of a contraction of 512',
    from: /slice % [^;]* \* 256u|first \+ 256u, p/g,
    to: (all) => all.replace('256u', '512u'),
    caught: /^matmul\/long$/,
  },
  { name: 'a flushed operand', from: '0x0c800000u', to: '0x0d000000u', caught: /^sum\/window$/ },
  { name: 'a flushed factor', from: '0x26000000u', to: '0x26800000u', caught: /^matmul\/window$/ },
  { name: 'a sum rounded toward zero', from: /fn op_add\([^}]*\}/g, to: TRUNCATED, caught: /^arithmetic\/add$/ },
  {
    name: 'a quotient rounded up',
    from: 'select(0u, 1u, 2 * t.r > bitcast<i32>(mb))',
    to: 'select(0u, 1u, t.r > 0)',
    caught: /^arithmetic\/div$/,
  },
  { name: 'a cast that rounds half up', from: '128u - (r & 1u)', to: '127u', caught: /^cast\/[iu]32 to f32$/ },
  {
    name: 'native exp',
    from: /fn op_exp\([^}]*\}/g,
    to: 'fn op_exp(u: u32) -> u32 { return bitcast<u32>(exp(bitcast<f32>(u))); }',
    caught: /^function\/exp$/,
  },
  {
    name: 'native log',
    from: /fn op_log\([^}]*\}/g,
    to: 'fn op_log(u: u32) -> u32 { return bitcast<u32>(log(bitcast<f32>(u))); }',
    caught: /^function\/log$/,
  },
  { name: 'no snap', from: 'select(u, 0u, (u & 0x7f000000u) == 0u)', to: 'u', caught: /^arithmetic\/(add|mul)$/ },
  { name: 'NaN lost in max', from: 'select(key, 0x7fffffff, isnan(u))', to: 'key', caught: /^max\/NaN of Inf-Inf$/ },
];

test('a device without faults qualifies', { skip }, async () => {
  const device = faulty('none', 'nothing', '');
  assert.deepEqual(await qualify(device), { pass: true, failures: [] });
  device.dispose();
});

for (const { name, from, to, caught } of FAULTS) {
  test(`caught: ${name}`, { skip }, async () => {
    const device = faulty(name, from, to);
    const { pass, failures } = await qualify(device, {}, ['first']);
    device.dispose();
    assert.equal(pass, false);
    assert.ok(
      failures.some((f) => caught.test(f)),
      `failures are ${failures.join(', ')}`,
    );
  });
}

const X = [3, 1, 2, 1, 5, 4, 9, 7, 8];
const LATE: readonly { name: string; from: string; to: string; caught: RegExp; run: (x: Tensor<'f32'>) => Tensor }[] = [
  {
    name: 'equals in another order',
    from: '((a.x == b.x) & (a.y > b.y))',
    to: '((a.x == b.x) & (a.y < b.y))',
    caught: /argsort/,
    run: (x) => argsort(x),
  },
  {
    name: 'an operand whose ties are rounded up',
    from: 'select(1u, 0u, (u & place) != 0u)',
    to: '0u',
    caught: /matmul\/.*high/,
    run: (x) => x.reshape([3, 3]).matmul(x.reshape([3, 3]), { precision: 'high' }),
  },
  {
    name: 'integer products that saturate',
    from: 's00 = s00 + a0 * b0;',
    to: 's00 = min(s00 + a0 * b0, 0x7fffffffu);',
    caught: /matmul\/int8/,
    run: (x) =>
      x
        .cast('i8')
        .reshape([3, 3])
        .matmul(x.cast('i8').reshape([3, 3])),
  },
];

for (const { name, from, to, caught, run } of LATE) {
  test(`a kernel that few need is proved before it runs, and refused: ${name}`, { skip }, async () => {
    for (const fault of [true, false]) {
      const device = faulty(`${name} ${fault}`, fault ? from : 'nothing', to, { prove: later({}) });
      const rt = new EngineRuntime(device);
      const x = rt.tensor(X);
      // What does not need it is not held up.
      assert.deepEqual(
        [...(await x.mul(2).data())],
        X.map((v) => 2 * v),
      );
      const y = run(x);
      if (fault) {
        await assert.rejects(y.data(), (e: { code: string; message: string }) => {
          assert.equal(e.code, 'E_DEVICE');
          assert.match(e.message, caught);
          return true;
        });
      } else await y.data();
      device.dispose();
    }
  });
}

test('a runtime proves each part once, when a plan first needs it', { skip }, async () => {
  const events: string[] = [];
  const rt = await createRuntime({
    backend: 'webgpu',
    device: gpu!,
    onProgress: ({ phase, done, total }) => {
      if (phase === 'qualify' && done === total) events.push('qualified');
    },
  });
  assert.equal(rt.exactness, 'bitwise');
  assert.deepEqual(events, ['qualified']);
  const x = rt.tensor(X);
  for (let i = 0; i < 2; i++) assert.deepEqual([...(await argsort(x.add(i)).data())], [1, 3, 2, 0, 5, 4, 7, 8, 6]);
  assert.deepEqual(events, ['qualified', 'qualified']);
  await rt.dispose();
});
