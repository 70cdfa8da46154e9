/**
 * SHA-256 on threads of their own, in Node and Deno: memory goes there and comes back, without a copy. Plain JavaScript, because
 * `#hasher` leads here.
 */

/** What a thread does. As text it needs no file beside a bundle. */
const PROGRAM = `
const { parentPort } = require('node:worker_threads');
const { createHash } = require('node:crypto');
parentPort.on('message', ({ memory, parts }) => {
  const digests = new Uint8Array(parts.length * 32);
  parts.forEach(([at, length], i) => {
    digests.set(createHash('sha256').update(new Uint8Array(memory, at, length)).digest(), i * 32);
  });
  parentPort.postMessage({ memory, digests }, [memory, digests.buffer]);
});
parentPort.postMessage('ready');
`;

/** Milliseconds without work after which a thread is sent home. */
const IDLE = 10_000;

/** Threads at most: as there are processors. */
let most = 64;

/** @typedef {{ memory: ArrayBuffer, digests: Uint8Array }} Hashed */
/** @typedef {(memory: ArrayBuffer, parts: readonly (readonly [number, number])[]) => Promise<Hashed>} Hash */
/** @typedef {{ waiting: readonly unknown[], hash: Hash }} Thread */

/** @type {Set<Thread>} */
const crew = new Set();

/** @type {Promise<Thread | null> | null} The one that is being started. */
let coming = null;

/** @returns {Promise<Thread>} */
async function start() {
  const { availableParallelism } = await import('node:os');
  most = Math.min(most, availableParallelism());
  const { Worker } = await import('node:worker_threads');
  // The process's own flags, such as a loader, are not for it.
  const worker = new Worker(PROGRAM, { eval: true, execArgv: [] });
  await new Promise((ready, fail) => {
    worker.once('message', ready);
    worker.once('error', fail);
    worker.once('exit', fail);
  });
  /** @type {{ done: (h: Hashed) => void, fail: (e: unknown) => void }[]} In the order in which they were asked for. */
  const waiting = [];
  /** @type {ReturnType<typeof setTimeout>} */
  let idle;
  const end = () => {
    crew.delete(me);
    worker.terminate();
  };
  /** What waits keeps the process, the thread does not. */
  const rest = () => {
    worker.unref();
    idle = setTimeout(end, IDLE);
    idle.unref();
  };
  /** @param {unknown} e */
  const failed = (e) => {
    crew.delete(me);
    clearTimeout(idle);
    for (const { fail } of waiting.splice(0)) fail(e);
  };
  worker.on('message', (h) => {
    waiting.shift()?.done(h);
    if (waiting.length === 0) rest();
  });
  worker.on('error', failed);
  worker.on('exit', (code) => failed(new Error(`the thread ended with ${code}`)));
  /** @type {Thread} */
  const me = {
    waiting,
    hash: (memory, parts) =>
      new Promise((done, fail) => {
        if (waiting.length === 0) {
          clearTimeout(idle);
          worker.ref();
        }
        waiting.push({ done, fail });
        worker.postMessage({ memory, parts }, [memory]);
      }),
  };
  crew.add(me);
  rest();
  return me;
}

/**
 * SHA-256 of parts of some memory, 32 bytes each. The memory is gone from here, and is in the answer.
 * @param {ArrayBuffer} memory
 * @param {readonly (readonly [number, number])[]} parts where each begins, and its length
 * @param {number} threads at most
 * @returns {Promise<Hashed | null>} null where no thread can be started: nothing has happened then
 * @throws where the thread has ended, and the memory with it
 */
export async function hash(memory, parts, threads) {
  const [free] = [...crew].slice(0, threads).sort((a, b) => a.waiting.length - b.waiting.length);
  // Another one is started when each has more than one thing to do.
  if ((!free || free.waiting.length > 1) && crew.size < Math.min(threads, most)) {
    coming ??= start()
      .catch(() => {
        most = crew.size; // and is not tried again
        return null;
      })
      .finally(() => {
        coming = null;
      });
  }
  const thread = free ?? (await coming);
  return thread?.hash(memory, parts) ?? null;
}
