/** The GPU for a backend that may use one: what only such a runtime loads. */

import { unguarded } from '../../wgsl/functions/guard.ts';
import type { RuntimeOptions } from './create.ts';
import { automatic, type Choice, forced } from './qualify/choose.ts';
import { openWebGpu } from './webgpu/open.ts';

export function chooseGpu(backend: 'auto' | 'webgpu', o: RuntimeOptions): Promise<Choice> {
  const choose = backend === 'auto' ? automatic : forced;
  const fast = o.numerics === 'fast';
  const onCompile = (done: number, total: number) => o.onProgress?.({ phase: 'compile', done, total });
  return choose(() => openWebGpu(o.device, { onCompile, rewrite: fast ? unguarded : undefined }), {
    fast,
    signal: o.signal,
    onProgress: (done, total) => o.onProgress?.({ phase: 'qualify', done, total }),
  });
}
