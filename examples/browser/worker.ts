/** The worker of the page: takes what is asked one after the other, and does all the computing. */

import { indexeddbStore } from '../../adapters/indexeddb.ts';
import type { Store } from '../../adapters/store.ts';
import { DeviceError, isIsobitError } from '../../sdk/core/errors.ts';
import { Pace } from './pace.ts';
import type { Ask, Example, Failure, Say, Setup } from './protocol.ts';
import { Session } from './session.ts';
import { importRun } from './transfer.ts';

const say: Say = (said, transfer = []) => globalThis.postMessage(said, { transfer });
const storeOf = (example: Example): Store => indexeddbStore(`demo-${example}`);

const pace = new Pace();
let session: Session | null = null;
/** What was open last: after a device is lost it is opened again. */
let last: Setup | null = null;
let tail: Promise<unknown> = Promise.resolve();

async function open(setup: Setup, imported = false): Promise<Session> {
  await close();
  last = setup;
  const store = storeOf(setup.example);
  try {
    const opened = await Session.open(setup, store, pace, say);
    session = opened.session;
    say({ kind: 'opened', run: opened.run, imported });
    await session.measure();
    return session;
  } catch (e) {
    if (!session) await store.close();
    throw e;
  }
}

async function close(): Promise<void> {
  const old = session;
  session = null;
  await old?.close();
}

async function train(): Promise<void> {
  // Where the device was lost or never there: found again, and the page sees what there is to go on with.
  if (!session) return last ? void (await open(last)) : undefined;
  try {
    await session.train();
  } catch (e) {
    // What a lost device held is gone; the last checkpoint is not.
    if (e instanceof DeviceError) await close().catch(() => {});
    throw e;
  }
}

async function forget(setup: Setup): Promise<void> {
  await close();
  const store = storeOf(setup.example);
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  for (const key of keys) await store.delete(key);
  await store.close();
  await open(setup);
}

async function answer(ask: Ask): Promise<void> {
  switch (ask.kind) {
    case 'open':
      await open(ask.setup);
      break;
    case 'train':
      return train();
    case 'pace':
      pace.perSecond = ask.perSecond;
      return pace.wake();
    case 'stop':
      return session?.stop();
    case 'reset':
      return forget(ask.setup);
    case 'export': {
      const file = await session?.file();
      if (file) say({ kind: 'exported', ...file }, [file.bytes.buffer as ArrayBuffer]);
      return;
    }
    case 'import':
      await open(await importRun(new Uint8Array(await ask.file.arrayBuffer()), ask.backend, storeOf), true);
      break;
    case 'classify': {
      const row = { data: ask.pixels, shape: [1, ask.pixels.length], dtype: 'f32' } as const;
      const probabilities = await session?.classify(row);
      if (probabilities) say({ kind: 'classified', probabilities });
      return;
    }
    default:
      ask satisfies never;
  }
}

const failureOf = (e: unknown): Failure =>
  isIsobitError(e)
    ? { code: e.code, message: e.message, hint: e.hint }
    : { code: 'E_UNEXPECTED', message: e instanceof Error ? e.message : String(e), hint: 'Reload the page.' };

/** What a run that is under way must not wait for. */
const AT_ONCE: readonly Ask['kind'][] = ['stop', 'pace', 'export', 'classify'];

globalThis.onmessage = ({ data: ask }: MessageEvent<Ask>) => {
  const failed = (e: unknown) => say({ kind: 'failed', during: ask.kind, failure: failureOf(e) });
  if (AT_ONCE.includes(ask.kind)) void answer(ask).catch(failed);
  else {
    session?.stop();
    tail = tail.then(() => answer(ask)).catch(failed);
  }
};
