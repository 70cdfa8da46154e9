import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createRuntime, grad, type Runtime, type Tensor } from '../index.ts';
import { bceWithLogits, crossEntropy, crossEntropyProbabilities, mse, softmax } from './index.ts';

let rt: Runtime;
before(async () => {
  rt = await createRuntime({ backend: 'wasm' });
});
after(() => rt.dispose());

const close = (got: ArrayLike<number>, want: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(got.length, want.length);
  Array.from(want, (w, i) => assert.ok(Math.abs(got[i] - w) <= tolerance * (1 + Math.abs(w)), `${i}: ${got[i]}, ${w}`));
};
const i32 = (...v: number[]) => rt.tensor(v, [v.length], 'i32');
const LOGITS = [2, -1, 0.5, 0, 0, 3];
const softmaxOf = (row: readonly number[]) => {
  const e = row.map((v) => Math.exp(v - Math.max(...row)));
  return e.map((v) => v / e.reduce((a, b) => a + b));
};

describe('cross-entropy on class indices', () => {
  const rows = [LOGITS.slice(0, 3), LOGITS.slice(3)];
  test('value and gradient are those of the closed form', async () => {
    const x = rt.tensor(LOGITS, [2, 3]);
    const loss = crossEntropy(x, i32(2, 0));
    const p = rows.map(softmaxOf);
    close([await loss.item()], [-(Math.log(p[0][2]) + Math.log(p[1][0])) / 2]);
    // d loss / d logits = (softmax - onehot) / rows.
    const want = [p[0][0], p[0][1], p[0][2] - 1, p[1][0] - 1, p[1][1], p[1][2]].map((v) => v / 2);
    close(await grad(loss, [x])[0].data(), want);
  });
  test('does not overflow', async () => {
    const x = rt.tensor([1e4, -1e4], [1, 2]);
    assert.equal(await crossEntropy(x, i32(0)).item(), 0);
    assert.equal(await crossEntropy(x, i32(1)).item(), 2e4);
  });
  test('a target of the wrong kind is an error, never broadcast', () => {
    const x = rt.tensor(LOGITS, [2, 3]);
    const bad = (y: Tensor, code: string) => assert.throws(() => crossEntropy(x, y as Tensor<'i32'>), { code });
    bad(rt.tensor([2, 0], [2, 1], 'i32'), 'E_SHAPE');
    bad(rt.tensor([0, 0, 1, 1, 0, 0], [2, 3], 'i32'), 'E_SHAPE');
    bad(rt.tensor([2, 0, 1], [3], 'i32'), 'E_SHAPE');
    bad(rt.tensor([2, 0]), 'E_DTYPE');
    bad(rt.tensor(LOGITS, [2, 3]), 'E_DTYPE');
    assert.throws(() => crossEntropy(rt.tensor([1, 2, 3]), i32(0)), { code: 'E_SHAPE' });
    crossEntropy(x, rt.tensor([2, 0], [2], 'u32'));
  });
  test('the host check names the row and the label', () => {
    const check = (data: Int32Array) => crossEntropy.check([2, 3], { data, shape: [2], dtype: 'i32' });
    check(Int32Array.of(0, 2));
    assert.throws(() => check(Int32Array.of(0, 3)), { code: 'E_DATA', message: /label 3 of row 1 .* 0 \.\. 2/ });
    assert.throws(() => check(Int32Array.of(-1, 0)), { code: 'E_DATA', message: /label -1 of row 0/ });
    assert.throws(() => crossEntropy.check([2, 3], { data: Uint8Array.of(0, 1), shape: [2], dtype: 'u8' }), {
      code: 'E_DTYPE',
    });
  });
});

describe('cross-entropy on probabilities', () => {
  test('after softmax, with one-hot targets, it is the one on indices', async () => {
    const x = rt.tensor(LOGITS, [2, 3]);
    const t = rt.tensor([0, 0, 1, 1, 0, 0], [2, 3]);
    const [a, b] = [crossEntropyProbabilities(softmax(x), t), crossEntropy(x, i32(2, 0))];
    close([await a.item()], [await b.item()]);
    close(await grad(a, [x])[0].data(), await grad(b, [x])[0].data());
  });
  test('a probability of 0 costs 69.3 and has no gradient', async () => {
    const p = rt.tensor([0, 1], [1, 2]);
    const loss = crossEntropyProbabilities(p, rt.tensor([1, 0], [1, 2]));
    close([await loss.item()], [100 * Math.LN2]);
    assert.deepEqual([...(await grad(loss, [p])[0].data())], [0, 0]);
  });
  test('class indices and other shapes are errors', () => {
    const p = rt.tensor([0.5, 0.5, 1, 0], [2, 2]);
    const bad = (t: Tensor, code: string) =>
      assert.throws(() => crossEntropyProbabilities(p, t as Tensor<'f32'>), { code });
    bad(i32(0, 1), 'E_DTYPE');
    bad(rt.tensor([0, 1], [2, 1]), 'E_SHAPE');
    bad(rt.tensor([0, 1], [2]), 'E_SHAPE');
    const target = (v: number) => ({ data: Float32Array.of(v, 0), shape: [1, 2], dtype: 'f32' as const });
    crossEntropyProbabilities.check([1, 2], target(1));
    assert.throws(() => crossEntropyProbabilities.check([1, 2], target(1.5)), { code: 'E_DATA' });
  });
});

describe('losses of numbers', () => {
  test('mse: value, gradient, shapes', async () => {
    const x = rt.tensor([1, 2, 3]);
    const loss = mse(x, rt.tensor([0, 4, 3.5]));
    close([await loss.item()], [(1 + 4 + 0.25) / 3]);
    close(await grad(loss, [x])[0].data(), [2 / 3, -4 / 3, -1 / 3]);
    assert.throws(() => mse(rt.tensor([1, 2], [2, 1]), rt.tensor([1, 2])), {
      code: 'E_SHAPE',
      message: /nothing|targets/,
    });
    assert.throws(() => mse(x, rt.scalar(1)), { code: 'E_SHAPE' });
    assert.throws(() => mse(x, i32(1, 2, 3) as never), { code: 'E_DTYPE' });
  });
  test('bceWithLogits: value, gradient, large logits', async () => {
    const [logits, targets] = [
      [0.5, -2, 40, -90],
      [1, 0, 1, 0.25],
    ];
    const x = rt.tensor(logits);
    const loss = bceWithLogits(x, rt.tensor(targets));
    const each = logits.map((v, i) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))) - v * targets[i]);
    close([await loss.item()], [each.reduce((a, b) => a + b) / 4]);
    close(
      await grad(loss, [x])[0].data(),
      logits.map((v, i) => (1 / (1 + Math.exp(-v)) - targets[i]) / 4),
    );
    assert.throws(() => bceWithLogits.check([1], { data: Float32Array.of(2), shape: [1], dtype: 'f32' }), {
      code: 'E_DATA',
    });
  });
});
