/** What an HTTP server keeps for writers who do not know of each other, found out by trying: some do not do what they answer. */

import type { CheckpointError } from '../sdk/core/errors.ts';
import { drop, faultOf, retrying, send } from './http.ts';
import { type Upload, uploadOf } from './http-body.ts';
import { askOf, type Dialect, isWritten, putOnce, unsupported } from './http-dialect.ts';
import { nonce } from './key.ts';

/** `refusal` where the server does not keep `ifAbsent`. */
export interface Writing {
  refusal?: CheckpointError;
}

export const PROBE = '.isobit-probe';
export const PROBE_TEXT = 'isobit asks whether this server obeys If-None-Match';
/** How long a server is waited for that takes one request at a time. */
const PATIENCE = 250;
const ROUNDS = 3;
/** Bytes that take some time on the way. */
const RACE = 64 * 1024;

export const HINT =
  'two writers could overwrite each other there: use another server, or say { oneWriter: true } if nobody else ever writes';

/** Not part of what is stored. */
export const isProbe = (key: string): boolean => key.startsWith(PROBE);

/** Puts the probe where nothing may be, until the server has once said that something is there. */
export async function tryWriting(
  d: Dialect,
  streams: boolean,
  read: (key: string) => Promise<Uint8Array>,
): Promise<Writing> {
  const body = await uploadOf(d.name, new TextEncoder().encode(PROBE_TEXT), false, undefined);
  let refused = false;
  for (let n = d.oneWriter ? 1 : 0; n < 2 && !refused; n++) {
    const response = await retrying(d.http, undefined, async () => {
      const answer = await putOnce(d, PROBE, body, true, {});
      if (isWritten(answer) || answer.status === 412) return answer;
      const fault = await faultOf(d.http, answer, askOf(d, 'PUT', PROBE, {}));
      if (fault.retryable) throw fault;
      return fault;
    });
    if (!(response instanceof Response)) return { refusal: response };
    await drop(response);
    refused = response.status === 412;
  }
  const found = new TextDecoder().decode(await read(PROBE).catch(ifThere));
  if (d.oneWriter) return {};
  if (!refused || found !== PROBE_TEXT.slice(7)) {
    return { refusal: unsupported(d.name, 'the server ignores If-None-Match', HINT) };
  }
  if (d.atomic || !(await bothWritten(d, streams))) return {};
  return { refusal: unsupported(d.name, 'the server obeys If-None-Match, but not when two write at once', HINT) };
}

/**
 * True where two writers of one key are both told that theirs was written: a server that looks first and writes later, as
 * Apache's mod_dav does. One body is on its way, and is held back until the other has arrived whole; more than once, because a
 * busy server may see them in the other order. Where the platform cannot hold one back, they set out together, which shows it
 * only now and then.
 */
async function bothWritten(d: Dialect, streams: boolean): Promise<boolean> {
  for (let n = 0; n < ROUNDS; n++) {
    const seen = await race(d, streams);
    if (seen !== 'one') return seen === 'both';
  }
  return false;
}

/** 'serial': the second was not answered while the first was on its way. */
async function race(d: Dialect, streams: boolean): Promise<'one' | 'both' | 'serial'> {
  const key = `${PROBE}-${nonce()}`;
  const make = (v: number) => uploadOf(d.name, new Uint8Array(RACE).fill(v), false, undefined);
  const written = (upload: Upload) =>
    putOnce(d, key, upload, true, {}).then(
      async (answer) => {
        await drop(answer);
        return isWritten(answer);
      },
      () => false, // whatever went wrong, nobody was promised anything
    );
  const [first, second] = await Promise.all([make(1), make(2)]);
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let slow: Promise<boolean> | undefined;
  if (streams) {
    await new Promise<void>((underWay) => {
      slow = written(held(first, underWay, gate));
      slow.then(() => underWay());
    });
  } else slow = written(first);
  const quick = written(second);
  let serial = false;
  const timer = setTimeout(() => {
    serial = true;
    release();
  }, PATIENCE);
  await quick;
  clearTimeout(timer);
  release();
  const both = (await slow) && (await quick);
  await send(d.http, askOf(d, 'DELETE', key, {})).then(drop, () => {}); // best effort: it is small, and in no list
  return both ? 'both' : serial ? 'serial' : 'one';
}

/** The same body as a stream, whose second half is asked for when the first is under way, and then waits. */
function held(upload: Upload, underWay: () => void, gate: Promise<void>): Upload {
  const body = () => {
    const pieces = upload.pieces(RACE / 2)[Symbol.asyncIterator]();
    let n = 0;
    return new ReadableStream<Uint8Array>(
      {
        async pull(control) {
          if (n++ > 0) {
            underWay();
            await gate;
          }
          const { done, value } = await pieces.next();
          if (done) control.close();
          else control.enqueue(value);
        },
      },
      { highWaterMark: 0 },
    );
  };
  return { ...upload, streamed: true, body };
}

/** For `catch`: what is not there has no bytes. */
function ifThere(e: unknown): Uint8Array {
  const { code } = e as CheckpointError;
  if (code === 'E_NOT_FOUND' || code === 'E_RANGE') return new Uint8Array(0);
  throw e;
}
