/** The two ways in which the benchmark trains with isobit do the same work, and each net trains. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { open, openTrainer } from './isobit/index.ts';
import { LENET, type Net, TINY, transformer } from './nets.ts';
import { type Contender, KERNEL_NAMES, nameOf, operandsOf, probesOf, product, type Train, type Work } from './work.ts';

const ON = { device: 'wasm', threads: 1 } as const;
const train = (net: Net): Train => ({ kind: 'train', net });

async function results(contender: Promise<Contender>, steps: number): Promise<(readonly number[])[]> {
  const c = await contender;
  const out: (readonly number[])[] = [];
  for (let i = 0; i < steps; i++) {
    await c.step(i);
    out.push(await c.probe());
  }
  await c.close?.();
  return out;
}

test('a captured step by hand and the Trainer give the same losses, to the bit', async () => {
  const losses = await results(open(train(TINY), ON), 12);
  assert.deepEqual(await results(openTrainer(train(TINY), ON), 12), losses);
  // The batches differ in their classes alone, so that a step that trained nothing would repeat itself.
  assert.notDeepEqual(losses[8], losses[0]);
});

test('a small net of each kind trains and infers', async () => {
  const nets: readonly Net[] = [TINY, { ...LENET, batch: 2 }, transformer(1, 32, 8, 2)];
  for (const net of nets) {
    const losses = (await results(open(train(net), ON), 9)).flat();
    assert.ok(losses.every(Number.isFinite), net.name);
    // The same batch, eight steps later.
    assert.ok(losses[8] < losses[0], `${net.name}: ${losses[8]} after ${losses[0]}`);
    const [logits] = await results(open({ kind: 'infer', net }, ON), 1);
    assert.ok(logits.every(Number.isFinite) && new Set(logits).size > 1, net.name);
  }
});

test('a product is that of its operands, in each layout', async () => {
  for (const layout of ['NN', 'TN', 'NT'] as const) {
    const work = product(3, 5, 7, layout);
    const [a, b] = operandsOf(work);
    const at = ({ data, shape }: typeof a, turned: boolean, r: number, c: number) =>
      turned ? data[c * shape[1] + r] : data[r * shape[1] + c];
    const want = Array.from({ length: 21 }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < 5; k++) {
        const x = at(a, layout === 'TN', Math.floor(i / 7), k) * at(b, layout === 'NT', k, i % 7);
        sum = Math.fround(sum + Math.fround(x));
      }
      return sum;
    });
    assert.deepEqual((await results(open(work, ON), 1))[0], probesOf(want), nameOf(work));
  }
});

test('each kernel that is timed on GPUs runs', async () => {
  for (const name of KERNEL_NAMES) {
    const work: Work = { kind: 'kernel', name };
    const [values] = await results(open(work, ON), 1);
    assert.ok(values.every(Number.isFinite), name);
  }
});
