import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '../core/host.ts';
import type { Archive } from './archive.ts';
import { type Content, fromArchive, toArchive } from './content.ts';
import { array } from './testing.ts';

const tensors = new Map([['model/w', array('f32', [1], [1])]]);
const content: Content = { kind: 'train', schema: { model: 1 }, state: { model: null }, tensors, metadata: {} };
const saying = (isobit: Json): Archive => ({ tensors, metadata: { isobit } });

test('a checkpoint comes back from an archive, its state as a text or as what the text says', () => {
  assert.deepEqual(fromArchive(toArchive(content, false)), content);
  const { kind, schema, state } = content;
  assert.deepEqual(fromArchive(saying({ kind, schema, state })), content);
});

test('an entry of that name by another program is refused, whatever it holds', () => {
  const { kind, schema, state } = content;
  const others: Json[] = ['hello', '{}', '5', 'null', '', [1, 2], 5, null, {}, { schema, state, kind: 1 }];
  const deep = `{"kind":"a","schema":{},"state":{"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}}`;
  for (const v of [...others, { kind, state, schema: [] }, { kind, schema, state: null }, '['.repeat(200_000), deep])
    assert.throws(() => fromArchive(saying(v)), { code: 'E_FORMAT', message: /"isobit" is not the state/ });
});

test("a user's own entry of that name is refused before a file has it", () => {
  const mine = { ...content, state: { ...content.state, user: { isobit: 'mine' } } };
  for (const plain of [true, false])
    assert.throws(() => toArchive(mine, plain), { code: 'E_OPTION', message: /"isobit"/ });
});
