/**
 * A thread of the kernels: an instance of its own over the memory of all. Plain JavaScript that imports nothing, because it is
 * named by its address.
 */

/**
 * Works till it is sent home.
 * @param {{ readonly module: object, readonly memory: object, readonly thread: number }} errand
 * @param {(word: string) => void} say
 */
export function serve({ module, memory, thread }, say) {
  const instance = new WebAssembly.Instance(/** @type {WebAssembly.Module} */ (module), {
    env: { memory: /** @type {WebAssembly.Memory} */ (memory) },
  });
  const { work, fail } = /** @type {{ work(thread: number): void, fail(): void }} */ (
    /** @type {unknown} */ (instance.exports)
  );
  say('ready');
  try {
    work(thread);
  } catch (e) {
    fail();
    throw e;
  }
}

globalThis.onmessage = ({ data }) => {
  serve(data, globalThis.postMessage);
  globalThis.close();
};
