/** The commands about files and runs, on a run in a directory, over HTTP, and on files of other programs. */

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fsStore } from '../../adapters/fs.ts';
import { listen } from '../../adapters/testing/browsers.ts';
import type { ServerOptions } from '../../adapters/testing/store-kinds.ts';
import { storeHandler } from '../../adapters/testing/store-server.ts';
import { encodeCheckpoint, openCheckpoint, RunStore } from '../checkpoint/index.ts';
import type { HostArray } from '../core/host.ts';
import { f32ToBf16 } from '../core/scalar/cast.ts';
import { readJson } from '../formats/json.ts';
import { readSafetensors } from '../formats/safetensors.ts';
import { array, python } from '../formats/testing.ts';
import { convert } from './convert.ts';
import { compare, diff } from './diff.ts';
import { gc, log, rollback, tag } from './history.ts';
import { inspect } from './inspect.ts';
import type { Terminal } from './program.ts';
import { repair } from './repair.ts';
import { sparkline } from './sparkline.ts';
import { content, runIn, said, serving, weights } from './testing.ts';
import { verify } from './verify.ts';

const root = mkdtempSync(join(tmpdir(), 'isobit-tools-'));
after(() => rmSync(root, { recursive: true }));
const at = (name: string) => join(root, name);

test('log, tag, rollback: the commits of a run, by text and as JSON', async () => {
  await runIn(at('history'));
  const path = at('history');
  const lines = (await said((t) => log(path, {}, t))).trimEnd().split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[0], /^ {5}3 {2}\d{4}-\d\d-\d\dT\S+ {2}step 30 {2}epoch 3 {2}[0-9a-f]{12} {2}loss 0\.033333$/);
  assert.match(await said((t) => tag(path, 'step:10', 'first', {}, t)), /'first' is step 10/);
  assert.match(
    await said((t) => rollback(path, 'first', {}, t)),
    /the latest is now step 10, [0-9a-f]{12} \(commit 5\)/,
  );
  const commits = JSON.parse(await said((t) => log(path, { json: true }, t)));
  assert.deepEqual(
    commits.map((c: { op: string; step: number }) => `${c.op} ${c.step}`),
    ['save 10', 'save 20', 'save 30', 'pin 10', 'rollback 10'],
  );
  assert.equal((await new RunStore(fsStore(path)).open())?.commit.step, 10);
  await assert.rejects(
    said((t) => tag(path, 'step:99', 'x', {}, t)),
    { code: 'E_NOT_FOUND' },
  );
  await assert.rejects(
    said((t) => rollback(at('nowhere'), 'latest', {}, t)),
    { code: 'E_NOT_FOUND' },
  );
});

test('log: a tag stands where it is now; what cannot be read is told beside it; no control characters', async () => {
  const run = await runIn(at('marked'));
  const path = at('marked');
  await run.pin('step:10', ['here']);
  assert.match(await said((t) => log(path, {}, t)), /^ {5}4 .* pin {2}#here\n/);
  await run.pin('step:20', ['here']);
  await run.save(content(60), { step: 60, epoch: 6, metrics: { '\u001b[2J': 1 } });
  const text = await said((t) => log(path, {}, t));
  assert.deepEqual(
    text.match(/^.*#here$/gm)?.map((line) => line.trimStart()[0]),
    ['5'],
  );
  assert.match(text, / {2}\\u001b\[2J 1\n/);
  const file = join(path, 'commits', readdirSync(join(path, 'commits')).sort()[1]);
  writeFileSync(file, readFileSync(file).subarray(0, 40));
  for (const json of [false, true]) {
    const [out, err]: string[][] = [[], []];
    await log(path, { json }, { out: (s) => void out.push(s), err: (s) => void err.push(s) });
    assert.match(err.join(''), /^isobit: passed over: commits\/0+2\.cbor: .* \(E_\w+\)\n$/);
    if (json)
      assert.deepEqual(
        JSON.parse(out.join('')).map((c: { seq: number }) => c.seq),
        [1, 3, 4, 5, 6],
      );
    else assert.equal(out.length, 5);
  }
});

test('log: what retention has left behind below the floor is not there', async () => {
  const run = new RunStore(fsStore(at('floored')), { keepLast: 2 });
  for (const step of [1, 2, 3, 4]) await run.save(content(step), { step, epoch: 0 });
  const below = join(at('floored'), 'commits', `${'1'.padStart(20, '0')}.cbor`);
  writeFileSync(below, 'left by a kill');
  assert.deepEqual((await said((t) => log(at('floored'), {}, t))).match(/step \d/g), ['step 4', 'step 3']);
});

test('tag, rollback, gc and repair write to an address whose server keeps conditions, and to no other', async () => {
  await runIn(at('served'));
  const path = at('served');
  const by = async (o: ServerOptions, work: (address: string) => Promise<void>) => {
    await using server = await listen(storeHandler(fsStore(path), o));
    await work(server.url);
  };
  await by({}, async (address) => {
    assert.match(await said((t) => tag(address, 'step:10', 'first', {}, t)), /'first' is step 10/);
    assert.match(await said((t) => rollback(address, 'first', {}, t)), /the latest is now step 10/);
    writeFileSync(join(path, 'objects', `${'0'.repeat(64)}.cbor`), 'killed');
    assert.match(await said((t) => gc(address, { graceHours: 0 }, t)), /removed 1 objects/);
    assert.match(await said((t) => repair(address, { apply: true }, t)), /nothing is damaged/);
  });
  await by({ conditions: false }, async (address) => {
    await assert.rejects(
      said((t) => tag(address, 'step:20', 'second', {}, t)),
      { code: 'E_UNSUPPORTED' },
    );
  });
  const commits = await new RunStore(fsStore(path)).commits();
  assert.deepEqual(
    commits.map((c) => `${c.op} ${c.step}`),
    ['save 10', 'save 20', 'save 30', 'pin 10', 'rollback 10'],
  );
});

test('inspect takes a run, a reference, a file and an address; metrics are drawn', async () => {
  await runIn(at('shown'));
  const path = at('shown');
  const text = await said((t) => inspect(path, {}, t));
  assert.match(text, /commit {7}3, step 30/);
  assert.match(text, /\nmetrics\n {2}loss {2}█▄▂▁ {2}8 to 1\n/);
  const older = JSON.parse(await said((t) => inspect(`${path}#step:20`, { json: true }, t)));
  assert.deepEqual([older.state.train.step, older.commit.seq], [20, 2]);
  await serving(path, async (address) => {
    assert.match(await said((t) => inspect(`${address}/#step:10`, {}, t)), /commit {7}1, step 10/);
    assert.match(await said((t) => inspect(`${address}/${older.commit.object}`, {}, t)), /step: 20/);
  });
  assert.equal(sparkline([0, 1, Number.NaN, 4]), '▁▃ █');
  assert.equal(sparkline([1, 1]), '▁▁');
  assert.equal(
    sparkline(
      Array.from({ length: 100 }, (_, i) => i),
      8,
    ),
    '▁▂▃▄▅▆▇█',
  );
});

test('verify: a good run, then one whose state and one whose record are damaged', async () => {
  await runIn(at('checked'));
  const path = at('checked');
  const good = await said((t) => verify(path, {}, t));
  assert.match(good, /3 of 3 good, \d+ bytes verified\n$/);
  const [a, b] = [await new RunStore(fsStore(path)).open('step:20'), readdirSync(join(path, 'commits')).sort()[0]];
  const damage = (file: string) => {
    const bytes = readFileSync(file);
    bytes[bytes.length - 50] ^= 1;
    writeFileSync(file, bytes);
  };
  damage(join(path, a?.commit.object as string));
  damage(join(path, 'commits', b));
  const out: string[] = [];
  const t: Terminal = { out: (text) => void out.push(text), err: (text) => assert.fail(text) };
  await assert.rejects(verify(path, {}, t), { code: 'E_INTEGRITY', message: /2 of 3 damaged/ });
  assert.match(
    out.join(''),
    /^good {2}commit 3, step 30.*\nBAD {3}commit 2, step 20.*\n {6}.*\(E_\w+\)\nBAD {3}commit 1\n {6}.*\(E_\w+\)\n/,
  );
  out.length = 0;
  await assert.rejects(verify(path, { json: true }, t), { code: 'E_INTEGRITY' });
  assert.equal(JSON.parse(out.join('')).bad, 2);
  writeFileSync(at('one.cbor'), await (await encodeCheckpoint(content(1))).bytes());
  assert.match(await said((s) => verify(at('one.cbor'), {}, s)), /1 of 1 good/);
});

test('verify and repair: what retention removed in a store that cannot list is not told of', async () => {
  const inner = fsStore(at('sparse'));
  const store = { ...inner, caps: async () => ({ ...(await inner.caps()), list: false }) };
  const run = new RunStore(store, { keepLast: 1, keepEvery: 2 });
  for (let step = 2; step <= 7; step++) await run.save(content(step), { step, epoch: 0 });
  const [second] = await run.commits();
  const both = (address: string) =>
    said(async (t) => {
      await verify(address, {}, t);
      await repair(address, {}, t);
    });
  await serving(at('sparse'), async (address) => {
    assert.match(
      await both(address),
      /4 of 4 good, \d+ bytes verified\n.*: 4 of 4 commits good\n.*\nnothing is damaged\n$/,
    );
    const file = join(at('sparse'), second.object);
    writeFileSync(file, readFileSync(file).subarray(0, 300));
    await assert.rejects(both(address), { code: 'E_INTEGRITY', message: /1 of 4 damaged/ });
  });
});

test('repair tells what is damaged and what would mend it, and acts only when asked', async () => {
  const run = await runIn(at('broken'));
  const path = at('broken');
  const listed = () => readdirSync(join(path, 'commits')).length + readdirSync(join(path, 'objects')).length;
  assert.match(
    await said((t) => repair(path, {}, t)),
    /3 of 3 commits good\n.*commit 3, step 30.*\nnothing is damaged/,
  );
  const flip = (file: string) => {
    const bytes = readFileSync(join(path, file));
    bytes[bytes.length - 50] ^= 1;
    writeFileSync(join(path, file), bytes);
  };
  const [first, , third] = await run.commits();
  flip(first.object);
  assert.match(
    await said((t) => repair(path, {}, t)),
    /BAD {3}commit 1, its state, step 10\n.*E_INTEGRITY.*\n.*2 of 3.*\n.*\nit is the latest/,
  );
  flip(third.object);
  const before = listed();
  const out: string[] = [];
  const t: Terminal = { out: (text) => void out.push(text), err: (text) => assert.fail(text) };
  await assert.rejects(repair(path, {}, t), {
    code: 'E_INTEGRITY',
    message: /the latest state is damaged/,
    hint: /--apply/,
  });
  assert.match(out.join(''), /commit 3, its state[\s\S]*1 of 3[\s\S]*commit 2, step 20[\s\S]*--apply would append/);
  assert.equal(listed(), before, 'nothing was written');
  const told = JSON.parse(await said((s) => repair(path, { apply: true, json: true }, s)));
  assert.deepEqual(
    [told.checked, told.damaged.map((d: { seq: number }) => d.seq), told.newest.seq, told.done.seq, told.done.op],
    [3, [3, 1], 2, 4, 'rollback'],
  );
  assert.equal(listed(), before + 2, 'one record and its state more, nothing removed');
  const opened = await new RunStore(fsStore(path)).resume();
  assert.deepEqual([opened?.commit.seq, opened?.commit.step, opened?.skipped], [4, 20, []]);
  assert.match(await said((s) => repair(path, {}, s)), /2 of 4[\s\S]*commit 4, step 20[\s\S]*it is the latest/);
  for (const c of await run.commits()) if (c.step === 20) flip(c.object);
  await assert.rejects(repair(path, { apply: true }, t), { code: 'E_INTEGRITY', message: /no commit is good/ });
  await assert.rejects(repair(at('one.cbor'), {}, t), { code: 'E_NOT_FOUND', message: /is about runs/ });
});

test('repair: a damaged newest record', async () => {
  await runIn(at('record'));
  const path = at('record');
  const file = join(path, 'commits', readdirSync(join(path, 'commits')).sort()[2]);
  writeFileSync(file, readFileSync(file).subarray(0, 40));
  const told = await said((t) => repair(path, { apply: true }, t));
  assert.match(told, /BAD {3}commit 3, its record\n[\s\S]*commit 4 makes it the latest; nothing was removed/);
  assert.equal((await new RunStore(fsStore(path)).open())?.commit.step, 20);
});

test('gc removes what no commit names, once it is old enough', async () => {
  await runIn(at('swept'));
  const store = fsStore(at('swept'));
  await store.put(`objects/${'0'.repeat(64)}.cbor`, new Uint8Array(3));
  assert.match(await said((t) => gc(at('swept'), { graceHours: 24 }, t)), /removed 0 objects.*1 are too young/);
  const { utimesSync } = await import('node:fs');
  utimesSync(join(at('swept'), `objects/${'0'.repeat(64)}.cbor`), 1, 1);
  assert.match(await said((t) => gc(at('swept'), { graceHours: 1 }, t)), /removed 1 objects/);
  assert.match(await said((t) => verify(at('swept'), {}, t)), /3 of 3 good/);
});

test('diff: equal, or which values differ and by how much', async () => {
  await runIn(at('left'));
  await runIn(at('right'));
  const [a, b] = [at('left'), at('right')];
  assert.match(await said((t) => diff(a, b, {}, t)), /^equal: /);
  const text = await said((t) => diff(`${a}#step:10`, `${b}#step:20`, {}, t));
  assert.match(text, /state\.train\.step: 10 and 20/);
  // 6 + 10/1024 and 6 + 20/1024: 2^-21 apart each ulp, so 10/1024 * 2^21 of them.
  assert.match(text, /model\/fc1\.weight: 1 of 6 elements, at most 20480 ulp, 0\.009765625/);
  const open = async (tensors: Map<string, HostArray>) =>
    openCheckpoint(await (await encodeCheckpoint({ ...content(1), tensors })).bytes());
  const x = await open(
    new Map<string, HostArray>([
      ['a', array('f32', [2], [1, -1])],
      ['b', array('f16', [2], [0x0001, 0x3c00])],
      ['c', array('i32', [1], [5])],
      ['d', array('f32', [1], [0])],
      ['e', array('f32', [2], [1, 2])],
      ['ee', array('f32', [2], [1, 2 + 2 ** -10])],
      ['f', array('f32', [1], [1])],
    ]),
  );
  const y = await open(
    new Map<string, HostArray>([
      ['a', array('f32', [2], [1 + 2 ** -23, -1])],
      ['b', array('f16', [2], [0x8001, 0x3c00])],
      ['c', array('i32', [1], [-2])],
      ['d', array('f32', [1], [Number.NaN])],
      ['e', array('f32', [2, 1], [1, 2])],
      ['ee', array('bf16', [2], [0x3f80, 0x4000])],
      ['g', array('f32', [1], [1])],
    ]),
  );
  const r = await compare(x, y);
  assert.deepEqual(
    r.tensors.map((d) => [d.name, d.elements, d.ulp]),
    [
      ['a', 1, 1],
      ['b', 1, 2],
      ['c', 1, 7],
      ['d', 1, null],
    ],
  );
  assert.deepEqual(
    [r.equal, r.onlyA, r.onlyB, r.form],
    [
      false,
      ['f'],
      ['g'],
      [
        { name: 'e', a: 'f32 [2]', b: 'f32 [2, 1]' },
        { name: 'ee', a: 'f32 [2]', b: 'bf16 [2]', max: 2 ** -10 },
      ],
    ],
  );
});

test('diff: NaNs of other bits are listed, and names of a file drive no terminal', async () => {
  const open = async (f32: number[], f16: number[]) => {
    const tensors = new Map<string, HostArray>([
      ['model/\u202ea', { data: new Float32Array(Uint32Array.from(f32).buffer), shape: [2], dtype: 'f32' }],
      ['model/b', array('f16', [1], f16)],
      ['metrics/\u202ec', array('f32', [2], [1, 2])],
    ]);
    const state = { '\u001b]0;x\u0007': f32[0] };
    return (await encodeCheckpoint({ ...content(1), state, tensors })).bytes();
  };
  const files = [at('nan1.cbor'), at('nan2.cbor')];
  writeFileSync(files[0], await open([0x7fc00000, 0x7fc00000], [0x7e00]));
  writeFileSync(files[1], await open([0x7fc00001, 0x7fc00000], [0x7e01]));
  const told = JSON.parse(await said((t) => diff(files[0], files[1], { json: true }, t)));
  assert.deepEqual(told.tensors, [
    { name: 'model/b', elements: 1, of: 1, ulp: null, max: 0 },
    { name: 'model/\u202ea', elements: 1, of: 2, ulp: null, max: 0 },
  ]);
  const texts = [await said((t) => diff(files[0], files[1], {}, t)), await said((t) => inspect(files[0], {}, t))];
  assert.match(texts[0], /\n {2}state\.\\u001b\]0;x\\u0007: /);
  assert.match(texts[0], /\n {2}model\/\\u202ea: 1 of 2 elements, NaN in one or both, 0\n/);
  assert.match(texts[1], /\n {2}\\u202ec {2}▁█ /);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there
  for (const text of texts) assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u202e]/);
});

test('convert: a checkpoint through every format that we write, and back to the same bytes', async () => {
  const bytes = await (await encodeCheckpoint(content(7))).bytes();
  writeFileSync(at('whole.cbor'), bytes);
  for (const end of ['safetensors', 'npz', 'json', 'bpk']) {
    await said((t) => convert(at('whole.cbor'), at(`x.${end}`), {}, t));
    await said((t) => convert(at(`x.${end}`), at(`${end}.cbor`), {}, t));
    assert.deepEqual(readFileSync(at(`${end}.cbor`)), Buffer.from(bytes), end);
  }
  await said((t) => convert(at('whole.cbor'), at('x.npz'), { forInference: true, force: true }, t));
  assert.match(
    python('import sys, numpy as np; print(sorted(np.load(sys.argv[1])))', at('x.npz')),
    /\['fc1\.bias', 'fc1\.weight'\]/,
  );
});

test('convert: a .npy is one tensor of its own name; of several one is chosen', async () => {
  const go = (from: string, to: string, o: object = {}) => said((t) => convert(at(from), at(to), { ...o }, t));
  python("import sys, numpy as np; np.save(sys.argv[1], np.array([[1, 2], [3, 4]], '<u2').T)", at('w0.npy'));
  assert.match(await go('w0.npy', 'w0.cbor'), /^w0: <u2 to i32\n/);
  const { tensors } = await openCheckpoint(new Uint8Array(readFileSync(at('w0.cbor'))));
  assert.deepEqual(
    tensors.map((t) => t.name),
    ['model/w0'],
  );
  await go('w0.cbor', 'w1.npy', { forInference: true });
  const print = 'import sys, numpy as np; print(np.load(sys.argv[1]).tolist())';
  assert.equal(python(print, at('w1.npy')), '[[1, 3], [2, 4]]\n');
  await assert.rejects(go('whole.cbor', 'x.npy'), { code: 'E_OPTION', message: /5 tensors, and a \.npy holds one/ });
  await go('whole.cbor', 'bias.npy', { include: ['fc1.bias'] });
  assert.equal(python(print, at('bias.npy')).slice(0, 4), '[0.1');
});

test('convert: metadata go along, as what other programs read, and come back, changed where they were changed there', async () => {
  const user = { version: '1.2.0', author: 'Ada', accuracy: 0.97, loss: 0.125, tags: ['a', 'b'] };
  const saved = { ...content(7), schema: { model: 1, optim: 1, user: 1 } };
  const bytes = await (await encodeCheckpoint({ ...saved, state: { ...saved.state, user } })).bytes();
  writeFileSync(at('said.cbor'), bytes);
  const go = (from: string, to: string, o: object = {}) =>
    said((t) => convert(at(from), at(to), { force: true, ...o }, t));
  for (const end of ['json', 'safetensors', 'bpk', 'npz']) {
    await go('said.cbor', `said.${end}`);
    await go(`said.${end}`, 'returned.cbor');
    assert.deepEqual(readFileSync(at('returned.cbor')), Buffer.from(bytes), end);
  }
  const { isobit: _, ...seen } = readJson(readFileSync(at('said.json'))).metadata;
  assert.deepEqual(seen, user);
  const text = readFileSync(at('said.json'), 'utf8').replace('"version":"1.2.0"', '"version":"1.3.0"');
  writeFileSync(at('said.json'), text);
  await go('said.json', 'returned.cbor');
  const back = await openCheckpoint(new Uint8Array(readFileSync(at('returned.cbor'))));
  assert.deepEqual(back.state.user, { ...user, version: '1.3.0' });
  // Weights alone say the same, here and there.
  await go('said.cbor', 'weights.cbor', { forInference: true });
  assert.match(await said((t) => inspect(at('weights.cbor'), {}, t)), /author: "Ada"[\s\S]*version: "1.2.0"/);
  const { state, schema } = JSON.parse(await said((t) => inspect(at('weights.cbor'), { json: true }, t)));
  assert.deepEqual([state.user, schema], [user, { model: 1, user: 1 }]);
  await go('said.cbor', 'plain.json', { forInference: true });
  assert.deepEqual(readJson(readFileSync(at('plain.json'))).metadata, user);
  await go('plain.json', 'plain.cbor');
  assert.deepEqual((await openCheckpoint(new Uint8Array(readFileSync(at('plain.cbor'))))).state.user, user);
});

test('convert: for inference, a part, another dtype; each option shows', async () => {
  await runIn(at('exported'));
  const go = (to: string, o: object) => said((t) => convert(at('exported'), at(to), o, t));
  assert.match(await go('plain.safetensors', { forInference: true }), /2 tensors/);
  const plain = readSafetensors(readFileSync(at('plain.safetensors')));
  assert.deepEqual([...plain.tensors.keys()].sort(), ['fc1.bias', 'fc1.weight']);
  await go('part.cbor', { include: ['fc1.b*', 'metrics/*'] });
  const part = await openCheckpoint(new Uint8Array(readFileSync(at('part.cbor'))));
  assert.deepEqual(
    part.tensors.map((x) => x.name),
    ['metrics/loss', 'metrics/step', 'model/fc1.bias'],
  );
  await assert.rejects(go('none.cbor', { include: ['fc9'] }), { code: 'E_OPTION', message: /--include fc9/ });
  await go('brain.json', { cast: 'bf16', forInference: true });
  const brain = readJson(readFileSync(at('brain.json')));
  assert.deepEqual(brain.tensors.get('fc1.bias'), array('bf16', [2], [Math.fround(0.1), -0.25].map(f32ToBf16)));
  assert.deepEqual(brain.architecture, { type: 'linear', in: 3, out: 2 });
  await go('train.cbor', { cast: 'f16' });
  const cast = await openCheckpoint(new Uint8Array(readFileSync(at('train.cbor'))));
  assert.deepEqual(
    cast.tensors.map((x) => x.dtype),
    ['f32', 'u32', 'f16', 'f16', 'f32'],
  );
});

test('convert: i8 with scales, which load as a model and go back to floats; addresses of any format', async () => {
  await runIn(at('small'));
  const go = (from: string, to: string, o: object) => said((t) => convert(from, at(to), { json: true, ...o }, t));
  const told = JSON.parse(await go(at('small'), 'q.safetensors', { cast: 'i8', forInference: true }));
  assert.deepEqual(told.cast, [{ name: 'model/fc1.weight', from: 'f32', to: 'i8' }]);
  const q = readSafetensors(readFileSync(at('q.safetensors')));
  assert.deepEqual([...q.tensors.keys()].sort(), ['fc1.bias', 'fc1.weight', 'fc1.weight_scale']);
  assert.equal(q.tensors.get('fc1.weight')?.dtype, 'i8');
  assert.deepEqual(q.tensors.get('fc1.weight_scale')?.shape, [2, 1]);
  await serving(root, async (address) => {
    for (const [from, to] of [
      ['q.safetensors', 'q.json'],
      ['q.json', 'q.bpk'],
      ['q.bpk', 'q.npz'],
      ['q.npz', 'q.cbor'],
    ]) {
      await go(`${address}/${from}?token=x`, to, { forInference: true });
    }
    await go(`${address}/q.cbor`, 'again.cbor', { cast: 'i8' });
    assert.deepEqual(readFileSync(at('again.cbor')), readFileSync(at('q.cbor')), 'i8 stays as it is');
    await go(`${address}/q.cbor`, 'back.cbor', { cast: 'f32', include: ['fc1.weight'] });
    await go(`${address}/small#step:10`, 'ten.cbor', { include: ['fc1.bias'] });
    await assert.rejects(go(`${address}/missing.npz`, 'no.cbor', {}), { code: 'E_NOT_FOUND' });
  });
  const back = await openCheckpoint(new Uint8Array(readFileSync(at('back.cbor'))));
  assert.deepEqual(
    back.tensors.map((x) => `${x.name} ${x.dtype}`),
    ['model/fc1.weight f32'],
  );
  const { data } = await back.read('model/fc1.weight');
  weights(30 / 1024)
    .get('model/fc1.weight')!
    .data.forEach((v, i) => {
      assert.ok(Math.abs(data[i] - v) <= (i < 3 ? 3 : 6.03) / 254, `${data[i]} for ${v}`);
    });
  const clash = new Map([...weights(0), ['model/fc1.weight_scale', array('f32', [1], [1])] as const]);
  writeFileSync(at('clash.cbor'), await (await encodeCheckpoint({ ...content(1), tensors: clash })).bytes());
  await assert.rejects(go(at('clash.cbor'), 'no.cbor', { cast: 'i8' }), { code: 'E_OPTION', message: /weight_scale/ });
});

test('convert: files of PyTorch become weights; f64 only on request; nothing is replaced unasked', async () => {
  const state = join(import.meta.dirname, '../formats/fixtures/state.pt');
  await assert.rejects(
    said((t) => convert(state, at('pt.cbor'), {}, t)),
    { code: 'E_FORMAT', message: /float64/ },
  );
  assert.match(
    await said((t) => convert(state, at('pt.cbor'), { round: true }, t)),
    /double: f64 to f32\nlong: i64 to i32/,
  );
  const file = await openCheckpoint(new Uint8Array(readFileSync(at('pt.cbor'))));
  assert.equal(file.kind, 'weights');
  assert.ok(file.has('model/plain'));
  const before = readFileSync(at('pt.cbor'));
  await assert.rejects(
    said((t) => convert(state, at('pt.cbor'), { round: true }, t)),
    { code: 'E_OPTION', message: /there already/ },
  );
  assert.deepEqual(readFileSync(at('pt.cbor')), before);
  const o = { round: true, force: true, include: ['plain'], json: true };
  assert.equal(JSON.parse(await said((t) => convert(state, at('pt.cbor'), o, t))).tensors, 1);
  await assert.rejects(
    said((t) => convert(state, at('x.onnx'), {}, t)),
    { code: 'E_OPTION', message: /not written/ },
  );
  await assert.rejects(
    said((t) => convert(join(import.meta.dirname, 'tools.test.ts'), at('y.cbor'), {}, t)),
    { code: 'E_OPTION', message: /not read/ },
  );
  await assert.rejects(
    said((t) => convert(at('missing.pt'), at('y.cbor'), {}, t)),
    { code: 'E_NOT_FOUND' },
  );
});
