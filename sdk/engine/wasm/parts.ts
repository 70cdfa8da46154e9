/** What the WASM device is made of, and a platform brings. Not every platform's types know WebAssembly: none is named. */

/** What a thread is given: a WebAssembly.Module and the WebAssembly.Memory of all. */
export interface Errand {
  readonly module: object;
  readonly memory: object;
  readonly thread: number;
}

/**
 * Starts a thread; resolves when it is ready. `onEnd` hears of an end that nobody asked for. Threads keep no process alive.
 */
export type Start = (errand: Errand, onEnd: (why: Error) => void) => Promise<{ end(): void }>;

/** Where kernels and threads come from, in place of what package.json leads to: base64, or an address. */
export interface Parts {
  readonly kernels: string | URL;
  readonly threads: { readonly kernels: string | URL; readonly start: Start; cores(): Promise<number> };
}
