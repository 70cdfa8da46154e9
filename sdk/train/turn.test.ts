import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRuntime } from '../index.ts';
import { drain, tinyBatches, tinyTrainer } from './tiny.ts';
import { turns } from './turn.ts';

test('a timer that aborts a run is heard between steps, though steps on WASM end no task', async () => {
  await using rt = await createRuntime({ backend: 'wasm' });
  using trainer = tinyTrainer(rt);
  const stop = new AbortController();
  const why = new Error('enough');
  setTimeout(() => stop.abort(why), 1);
  await assert.rejects(drain(trainer.run(tinyBatches(), { steps: 5000 }, { signal: stop.signal })), why);
  assert.ok(trainer.step < 5000);
});

/** True where a message that waited was heard during some turns: Node's own may be one or two late, on a busy machine more. */
async function heard(turn = turns(), Channel = MessageChannel): Promise<boolean> {
  const { port1, port2 } = new Channel();
  let said = false;
  port1.onmessage = () => {
    said = true;
    port1.close();
  };
  port2.postMessage('hello');
  for (let left = 20; !said && left > 0; ) {
    const given = turn();
    if (!given) continue;
    await given;
    left--;
  }
  port1.close();
  return said;
}

test('a message is heard in a turn, be it made of setImmediate, of a channel or of a timer', async () => {
  assert.equal(turns()(), undefined, 'none at once');
  const { setImmediate, MessageChannel } = globalThis;
  assert.equal(await heard(() => Promise.resolve()), false, 'by awaiting alone it is not');
  try {
    assert.ok(await heard());
    Object.assign(globalThis, { setImmediate: undefined });
    assert.ok(await heard());
    Object.assign(globalThis, { MessageChannel: undefined });
    assert.ok(await heard(turns(), MessageChannel));
  } finally {
    Object.assign(globalThis, { setImmediate, MessageChannel });
  }
});
