import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { evaluate } from '../../../conformance/reference/index.ts';
import type { Value } from '../../../conformance/reference/value.ts';
import { hostArray } from '../../core/host.ts';
import type { Node } from '../../core/node.ts';
import { SCALAR_OPS } from '../../core/scalar/ir.ts';
import { createWasmRuntime } from '../create.ts';
import { collect } from '../expr.ts';
import type { Plan, Program } from '../kernel.ts';
import { makePlan } from '../plan.ts';
import { toHost } from '../runtime.ts';
import { KERNELS } from '../webgpu/kernels.ts';
import { lowerPlan } from '../webgpu/lower.ts';
import { PREFIXES, WHOLE } from './digests.ts';
import { buildGoldens, PARTS, type Part, partOf } from './goldens.ts';
import { goldenDigests, qualify, wholeOf } from './qualify.ts';

const FIXTURE = new URL('../../../conformance/fixtures/goldens.json', import.meta.url);
const rt = await createWasmRuntime();
const { roots } = buildGoldens(rt);
const names = [...roots.keys()];
const nodes = [...roots.values()];

test('the WASM device gives the committed digests', async () => {
  const committed = new Map(Object.entries(JSON.parse(readFileSync(FIXTURE, 'utf8')) as Record<string, string>));
  assert.deepEqual(await goldenDigests(rt.device), committed);
  for (const part of PARTS) {
    const own = new Map([...committed].filter(([name]) => partOf(name) === part));
    assert.equal(WHOLE[part], await wholeOf(own));
    assert.equal(PREFIXES[part], [...own.values()].map((digest) => digest.slice(0, 2)).join(''));
  }
  assert.deepEqual(await qualify(rt.device), { pass: true, failures: [] });
});

test('the reference gives the values behind the digests', async () => {
  await rt.realise(nodes);
  const values = new Map<Node, Value>();
  for (const { node } of collect(nodes, (n) => n.inputs.length === 0).leaves) {
    const words = await rt.device.download(
      rt.heldOf(node),
      node.shape.reduce((n, d) => n * d, 1),
    );
    values.set(node, hostArray(toHost(words, node.dtype), node.shape, node.dtype));
  }
  const expected = evaluate(nodes, values);
  for (const [i, node] of nodes.entries()) {
    const got = await rt.read(node, { nonfinite: 'keep' });
    const want = expected[i].data;
    const bytes = (x: ArrayBufferView): Uint8Array => new Uint8Array(x.buffer, x.byteOffset, x.byteLength);
    assert.deepEqual(bytes(got), bytes(want), names[i]);
  }
});

/** The plan of the goldens of a part. */
async function planOf(part: Part): Promise<Plan> {
  const fresh = buildGoldens(await createWasmRuntime()).roots;
  return makePlan(collect([...fresh].flatMap(([name, node]) => (partOf(name) === part ? [node] : [])))).plan;
}

test('every op of the scalar IR is in the golden set that is tried first', async () => {
  const plan = await planOf('first');
  const used = new Set<string>();
  const note = (p: Program | null) => {
    for (const v of p?.values ?? []) if (v.kind === 'row') used.add(v.op);
  };
  for (const k of plan.kernels.flatMap((one) => (one.kind === 'rows' ? one.kernels : [one]))) {
    if (k.kind === 'map') note(k.program);
    if (k.kind === 'reduce' && 'program' in k.input) note(k.input.program);
    if (k.kind === 'matmul') note(k.prologue);
    if ('epilogue' in k) note(k.epilogue);
  }
  // Rounding an operand is a part of its products.
  assert.deepEqual(
    SCALAR_OPS.filter((op) => !used.has(op)),
    ['narrow'],
  );
});

test('every handwritten kernel is in the golden set that is tried before it runs', async () => {
  for (const part of PARTS) {
    const codes = new Set(lowerPlan(await planOf(part)).dispatches.map((d) => d.code));
    for (const [name, code] of Object.entries(KERNELS)) {
      const own = partOf(name, 1);
      // Nor does a part use what another proves, but what is tried first.
      if (own === part || own !== 'first') assert.equal(codes.has(code), own === part, `${name} in ${part}`);
    }
  }
});
