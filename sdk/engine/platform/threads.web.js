/** Threads of browsers and Bun. Plain JavaScript, because `#threads` leads here. */

export { default as kernels } from '../../../wasm/build/threads.js';

export const cores = async () => navigator.hardwareConcurrency;

/**
 * @param {{ readonly module: object, readonly memory: object, readonly thread: number }} errand
 * @param {(why: Error) => void} onEnd
 * @returns {Promise<{ end(): void }>}
 */
export async function start(errand, onEnd) {
  // Bundlers look for just these words.
  const worker = new Worker(new URL('./thread.js', import.meta.url), { type: 'module' });
  /** @type {(e: { message?: string, preventDefault?(): void }) => Error} */
  const fault = (e) => {
    e.preventDefault?.();
    return new Error(e.message || 'thread.js cannot be loaded');
  };
  try {
    await new Promise((ready, fail) => {
      worker.onmessage = ready;
      worker.onmessageerror = () => fail(new Error('the kernels cannot be posted'));
      worker.onerror = (e) => fail(fault(e));
      worker.postMessage(errand);
    });
  } catch (e) {
    worker.terminate();
    throw e;
  }
  worker.onerror = (e) => onEnd(fault(e));
  // Of Bun.
  if ('unref' in worker && typeof worker.unref === 'function') worker.unref();
  return { end: () => worker.terminate() };
}
