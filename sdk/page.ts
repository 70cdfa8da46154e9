/**
 * `dist/page.js`: what `isobit` offers, for pages and their workers without a bundler. A browser looks up no `#kernels` in
 * package.json, so here the kernels, and what threads load, are files that lie beside the bundle.
 */

import type { Runtime } from './core/runtime.ts';
import { createFrom, type RuntimeOptions } from './engine/create.ts';
import { cores, start } from './engine/platform/threads.web.js';

export * from './index.ts';

export function createRuntime(o: RuntimeOptions = {}): Promise<Runtime> {
  return createFrom(o, {
    kernels: new URL('./kernels.wasm', import.meta.url),
    threads: { kernels: new URL('./threads.wasm', import.meta.url), start, cores },
  });
}
