/** What a path or an address on the command line means, and what it cannot mean. */

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { encodeCheckpoint } from '../checkpoint/index.ts';
import { isIsobitError } from '../core/errors.ts';
import { convert } from './convert.ts';
import { gc, log, rollback, tag } from './history.ts';
import { inspect } from './inspect.ts';
import type { Terminal } from './program.ts';
import { repair } from './repair.ts';
import { content, runIn, said, serving } from './testing.ts';
import { verify } from './verify.ts';

const root = mkdtempSync(join(tmpdir(), 'isobit-place-'));
after(() => rmSync(root, { recursive: true }));
const at = (name: string) => join(root, name);

test('where there is nothing, no command says that all is good', async () => {
  mkdirSync(at('empty/commits'), { recursive: true });
  const missing = { code: 'E_NOT_FOUND', hint: /Check the name/ };
  await serving(root, async (address) => {
    for (const place of [at('empty'), `${address}/nowhere/`]) {
      for (const json of [false, true]) {
        await assert.rejects(
          said((t) => verify(place, { json }, t)),
          missing,
        );
        await assert.rejects(
          said((t) => log(place, { json }, t)),
          missing,
        );
      }
    }
    await assert.rejects(
      said((t) => verify(`${address}/missing.cbor`, {}, t)),
      { code: 'E_NOT_FOUND', message: /missing\.cbor/ },
    );
  });
  await assert.rejects(
    said((t) => gc(at('empty'), { graceHours: 1 }, t)),
    missing,
  );
  mkdirSync(at('empty/objects'));
  writeFileSync(at(`empty/objects/${'0'.repeat(64)}.cbor`), 'killed');
  assert.match(await said((t) => gc(at('empty'), { graceHours: 1 }, t)), /1 are too young/);
});

test('a reference is refused where it means nothing, and nothing is done', async () => {
  const run = await runIn(at('iris'));
  const file = (await run.commits())[0].object;
  const commits = () => readdirSync(at('iris/commits')).length;
  const works: ((place: string, t: Terminal) => Promise<void>)[] = [
    (p, t) => verify(p, {}, t),
    (p, t) => log(p, {}, t),
    (p, t) => gc(p, { graceHours: 1 }, t),
    (p, t) => tag(p, 'step:10', 'x', {}, t),
    (p, t) => rollback(p, 'step:10', {}, t),
    (p, t) => repair(p, { apply: true }, t),
  ];
  for (const work of works) {
    for (const ref of ['nope', 'latest']) {
      await assert.rejects(
        said((t) => work(`${at('iris')}#${ref}`, t)),
        { code: 'E_OPTION', message: new RegExp(`#${ref}`) },
      );
    }
  }
  assert.equal(commits(), 3);
  await serving(at('iris'), async (address) => {
    for (const place of [`${address}/#nope`, `${address}/${file}#nope`]) {
      await assert.rejects(
        said((t) => verify(place, {}, t)),
        { code: 'E_OPTION', message: /#nope/ },
      );
    }
  });
  await assert.rejects(
    said((t) => inspect(`${at('iris')}/${file}#nope`, {}, t)),
    { code: 'E_OPTION', message: /#nope/ },
  );
});

test('verify: only where something is good the others can be opened', async () => {
  await runIn(at('lost'));
  const damage = (dir: string) => {
    for (const name of readdirSync(at(dir))) {
      const bytes = readFileSync(at(`${dir}/${name}`));
      bytes[bytes.length - 50] ^= 1;
      writeFileSync(at(`${dir}/${name}`), bytes);
    }
  };
  damage('lost/objects');
  const t: Terminal = { out: () => {}, err: (text) => assert.fail(text) };
  await assert.rejects(verify(at('lost'), {}, t), { code: 'E_INTEGRITY', hint: 'restore these from a copy' });
  const bytes = await (await encodeCheckpoint(content(1))).bytes();
  writeFileSync(at('one.cbor'), bytes.subarray(0, -1));
  await assert.rejects(verify(at('one.cbor'), {}, t), { code: 'E_INTEGRITY', hint: /restore/ });
  writeFileSync(at('w.safetensors'), bytes.subarray(100));
  await assert.rejects(verify(at('w.safetensors'), {}, t), { code: 'E_INTEGRITY', hint: /isobit convert/ });
});

test('the best state, by a metric that is said', async () => {
  const run = await runIn(at('ranked'));
  const state = (text: string) => JSON.parse(text).state.train.step;
  await run.save(content(40), { step: 40, epoch: 4, metrics: { 'val/loss': 0.5, loss: 9 } });
  await run.save(content(50), { step: 50, epoch: 5, metrics: { 'val/loss': 0.75 } });
  const best = (place: string) => said((t) => inspect(place, { json: true }, t));
  assert.equal(state(await best(`${at('ranked')}#best:loss:min`)), 30);
  assert.equal(state(await best(`${at('ranked')}#best:loss:max`)), 40);
  await serving(at('ranked'), async (address) => {
    assert.equal(state(await best(`${address}/#best:val/loss:max`)), 50);
  });
  for (const ref of ['best', 'best:loss', 'best:loss:most', 'best:lost:min']) {
    await assert.rejects(best(`${at('ranked')}#${ref}`), { code: ref === 'best' ? 'E_OPTION' : 'E_NOT_FOUND' }, ref);
  }
  await assert.rejects(best(`${at('ranked')}#best`), { hint: /#best:val\/accuracy:max/ });
});

test('an address that cannot be used is told as such, without what may be a secret', async () => {
  const wrong = ['http://', 'http://x:99999/a.cbor', 'http://x/%E0%A4%A.cbor', 'https://me:secret@x:99999/a?secret#%'];
  for (const place of wrong) {
    for (const work of [
      (t: Terminal) => inspect(place, {}, t),
      (t: Terminal) => verify(place, {}, t),
      (t: Terminal) => convert(`${place.replace('.cbor', '.pt')}`, at('never.cbor'), {}, t),
      (t: Terminal) => convert(at('never.pt'), place, {}, t),
    ]) {
      await assert.rejects(said(work), (e) => {
        assert.ok(isIsobitError(e) && e.code === 'E_OPTION' && e.hint !== '', String(e));
        assert.ok(!e.message.includes('secret'), e.message);
        return true;
      });
    }
  }
  await runIn(at('loud'));
  await serving(at('loud'), async (address) => {
    assert.match(await said((t) => verify(address.replace('http', 'HTTP'), {}, t)), /3 of 3 good/);
  });
});
