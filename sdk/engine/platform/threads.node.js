/** Threads of Node and Deno, whose own keep the process alive. Plain JavaScript, because `#threads` leads here. */

export { default as kernels } from '../../../wasm/build/threads.js';

export const cores = async () => (await import('node:os')).availableParallelism();

/**
 * @param {{ readonly module: object, readonly memory: object, readonly thread: number }} errand
 * @param {(why: Error) => void} onEnd
 * @returns {Promise<{ end(): void }>}
 */
export async function start(errand, onEnd) {
  const { Worker } = await import('node:worker_threads');
  // The process's own flags, such as a loader, are not for it.
  const worker = new Worker(new URL('./thread.node.js', import.meta.url), { execArgv: [] });
  worker.postMessage(errand);
  let ended = false;
  await new Promise((ready, fail) => {
    worker.once('message', ready);
    worker.once('error', fail);
    worker.once('exit', () => fail(new Error('the thread ended')));
  });
  worker.on('error', onEnd);
  worker.on('exit', () => ended || onEnd(new Error('the thread ended')));
  worker.unref();
  return {
    end() {
      ended = true;
      worker.terminate();
    },
  };
}
