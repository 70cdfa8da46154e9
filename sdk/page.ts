/**
 * `dist/page.js`: what `isobit` offers, for pages and their workers without a bundler. A browser looks up no `#kernels` in
 * package.json, so here the kernels are the file that lies beside the bundle.
 */

import type { Runtime } from './core/runtime.ts';
import { createRuntime as create, type RuntimeOptions } from './engine/create.ts';

export * from './index.ts';

export function createRuntime(o: RuntimeOptions = {}): Promise<Runtime> {
  return create({ ...o, wasm: o.wasm ?? new URL('./kernels.wasm', import.meta.url) });
}
