import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { progressBar } from './progress.ts';

/** What a bar writes to a stream that is a terminal, or is not. */
function drawn(isTTY: boolean): string {
  const stream = Object.assign(new PassThrough(), {
    isTTY,
    columns: 120,
    cursorTo() {},
    clearLine() {},
    moveCursor() {},
  });
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const bar = progressBar({ label: 'iris', total: 200, done: 0, epochs: 20 }, stream as never);
  bar?.update(200, 20, 0.25);
  bar?.stop();
  stream.read();
  return text;
}

test('a terminal gets a bar with step, epoch and loss', () => {
  assert.match(drawn(true), /iris .*100% \| step 200\/200 \| epoch 20\/20 \| loss 0\.2500/s);
});

test('anything else gets nothing', () => {
  assert.equal(drawn(false), '');
});
