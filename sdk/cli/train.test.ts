import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openCheckpoint } from '../checkpoint/index.ts';
import { isIsobitError } from '../core/errors.ts';
import { OPTIONS, type TrainOptions } from './options.ts';
import { train } from './train.ts';

const scratch = mkdtempSync(join(tmpdir(), 'cli-'));
after(() => rmSync(scratch, { recursive: true }));
let folders = 0;
const folder = () => join(scratch, String(++folders));

/** Runs the command in this process; two epochs unless told otherwise. */
async function result(o: Partial<TrainOptions>, example = 'iris') {
  let out = '';
  const t = { out: (s: string) => (out += s), err: () => {} } as never;
  await train(example, { backend: 'wasm', epochs: 2, json: true, ...o }, t);
  return JSON.parse(out.trimEnd().split('\n').at(-1) as string);
}

async function codeOf(o: Partial<TrainOptions>, example = 'iris'): Promise<string> {
  try {
    await result(o, example);
    return 'none';
  } catch (e) {
    assert.ok(isIsobitError(e), String(e));
    assert.notEqual(e.hint, '');
    return e.code;
  }
}

test('the report: these fields, and the state that the checkpoint holds', async () => {
  const store = folder();
  const r = await result({ store });
  assert.deepEqual(Object.keys(r), [
    ...['example', 'backend', 'adapter', 'exactness', 'epochs', 'steps', 'trainAccuracy', 'testAccuracy', 'loss'],
    ...['fingerprint', 'checkpoint', 'seconds'],
  ]);
  assert.deepEqual([r.example, r.backend, r.exactness, r.epochs, r.steps], ['iris', 'wasm', 'bitwise', 2, 20]);
  const file = await openCheckpoint(readFileSync(r.checkpoint));
  assert.equal(file.fingerprint, r.fingerprint);
  assert.equal(file.tensors.filter((t) => t.name.startsWith('model/')).length, 6);
});

/** What each option must change; a new option without a case fails the test below. */
const LIVE: Record<string, () => Promise<void>> = {
  backend: async () => assert.equal(await codeOf({ backend: 'webgpu' }), 'E_NO_DEVICE'),
  seed: async () => assert.notEqual((await result({ seed: 1n })).fingerprint, (await result({})).fingerprint),
  epochs: async () =>
    assert.deepEqual([(await result({ epochs: 1 })).steps, (await result({ epochs: 3 })).steps], [10, 30]),
  store: async () => {
    const store = folder();
    assert.equal((await result({})).checkpoint, null);
    assert.ok((await result({ store })).checkpoint.startsWith(join(store, 'objects')));
    assert.equal(readdirSync(join(store, 'objects')).length, 1);
  },
  resume: async () => {
    const store = folder();
    await result({ store, epochs: 1 });
    assert.equal(await codeOf({ store }), 'E_OPTION');
    assert.equal((await result({ store, resume: true })).fingerprint, (await result({})).fingerprint);
    assert.equal(await codeOf({ resume: true }), 'E_OPTION');
  },
  'stop-at-step': async () => assert.equal((await result({ stopAtStep: 7 })).steps, 7),
  'save-async': async () => {
    const store = folder();
    const r = await result({ store, saveAsync: 'replace', epochs: 10 });
    assert.equal(r.fingerprint, (await result({ epochs: 10 })).fingerprint);
    assert.ok(readdirSync(join(store, 'commits')).length >= 1);
    assert.equal(await codeOf({ saveAsync: 'skip' }), 'E_OPTION');
  },
  holdout: async () => {
    const r = await result({ holdout: true });
    assert.deepEqual([r.steps, typeof r.testAccuracy], [16, 'number']);
    assert.equal(await codeOf({ holdout: true }, 'synthetic'), 'E_OPTION');
  },
  json: async () => {
    let out = '';
    await train('iris', { backend: 'wasm', epochs: 1 }, { out: (s: string) => (out += s), err: () => {} } as never);
    assert.match(out, /accuracy/);
    assert.throws(() => JSON.parse(out.trimEnd().split('\n').at(-1) as string));
  },
};

for (const o of OPTIONS.filter((o) => o.commands.includes('train'))) {
  test(`--${o.name} is live`, async () => {
    assert.ok(LIVE[o.name], `no case for --${o.name}`);
    await LIVE[o.name]();
  });
}

test('held-out rows hang on the seed, also on that of a resumed run that is not named again', async () => {
  const [a, b] = [folder(), folder()];
  const whole = await result({ seed: 5n, holdout: true, store: a });
  await result({ seed: 5n, holdout: true, store: b, stopAtStep: 9 });
  assert.equal((await result({ holdout: true, store: b, resume: true })).fingerprint, whole.fingerprint);
  assert.equal(await codeOf({ seed: 6n, store: b, resume: true }), 'E_OPTION');
});

test('rows other than those of the run are refused, and the run stays as it was', async () => {
  const store = folder();
  const first = await result({ store });
  assert.equal(await codeOf({ store, resume: true, holdout: true, epochs: 4 }), 'E_DATA_ORDER');
  assert.equal((await result({ store, resume: true })).fingerprint, first.fingerprint);
});

test('synthetic: one run a set below the store, data files read back; the smallest accuracy is the report’s', async () => {
  const store = folder();
  const r = await result({ store, epochs: 1 }, 'synthetic');
  assert.deepEqual(
    r.runs.map((run: { name: string }) => run.name),
    ['iris_like', 'small_test', 'large_multi', 'tiny_debug'],
  );
  assert.equal(r.trainAccuracy, Math.min(...r.runs.map((run: { trainAccuracy: number }) => run.trainAccuracy)));
  assert.equal(r.steps, 10 + 4 + 19 + 2);
  const csv = join(store, 'tiny_debug/data/tiny_debug.csv');
  writeFileSync(csv, readFileSync(csv, 'utf8').replace('feature1', 'f1').replace(/\r\n0/, '\r\n1'));
  assert.equal(await codeOf({ store, epochs: 1, resume: true }, 'synthetic'), 'E_DATA');
});

test('a store that cannot be written: a typed error', async () => {
  const file = join(scratch, 'file');
  writeFileSync(file, '');
  assert.equal(await codeOf({ store: join(file, 'run') }), 'E_PERMISSION');
});

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
/** On WASM, since a GPU's driver may write to standard error. */
const train3 = (...args: string[]) => isobit('train', 'iris', '--backend', 'wasm', '--epochs', '3', ...args);
const isobit = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', MAIN, ...args], { encoding: 'utf8', cwd: join(MAIN, '../../..') });

test('processes: stopped, copied to another directory and resumed there, a run ends in the same bytes', () => {
  const [a, b, c] = [folder(), folder(), folder()];
  const last = (r: { stdout: string }) => JSON.parse(r.stdout.trimEnd().split('\n').at(-1) as string);
  const whole = train3('--store', a, '--json');
  assert.deepEqual([whole.status, whole.stderr], [0, '']);
  assert.equal(train3('--store', b, '--stop-at-step', '13').status, 0);
  cpSync(b, c, { recursive: true });
  const rest = train3('--store', c, '--resume', '--json');
  assert.match(rest.stderr, /^iris: going on from step 13 of 30\n$/);
  assert.equal(last(rest).fingerprint, last(whole).fingerprint);
  assert.deepEqual(readFileSync(last(rest).checkpoint), readFileSync(last(whole).checkpoint));
});

test('processes: errors go to standard error, the exit code is 1, and nothing is left behind', () => {
  const store = folder();
  for (const args of [
    ['train', 'iris', '--store', store, '--sed', '1'],
    ['train', 'iris', '--store', store, '--epochs', 'x'],
    ['inspect', join(scratch, 'missing.cbor')],
  ]) {
    const r = isobit(...args);
    assert.deepEqual([r.status, r.stdout], [1, '']);
    assert.match(r.stderr, /^isobit: .*\(E_[A-Z_]+\)\n {2}.*\n$/);
  }
  assert.ok(!existsSync(store));
});
