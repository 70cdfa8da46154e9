/** The GPU for a backend that may use one: what only such a runtime loads. */

import { unguarded } from '../../wgsl/functions/guard.ts';
import type { RuntimeOptions } from './create.ts';
import { automatic, type Choice, forced, later } from './qualify/choose.ts';
import { openWebGpu } from './webgpu/open.ts';

export async function chooseGpu(backend: 'auto' | 'webgpu', o: RuntimeOptions): Promise<Choice> {
  const choose = backend === 'auto' ? automatic : forced;
  const fast = o.numerics === 'fast';
  const told =
    (phase: 'compile' | 'qualify') =>
    (done: number, total: number): void =>
      o.onProgress?.({ phase, done, total });
  const onProgress = told('qualify');
  // What has no proof to lose needs no more of it.
  let prove: ReturnType<typeof later> | undefined;
  const open = () =>
    openWebGpu(o.device, {
      onCompile: told('compile'),
      rewrite: fast ? unguarded : undefined,
      prove: async (codes, twin) => prove?.(codes, twin),
    });
  const choice = await choose(open, { fast, signal: o.signal, onProgress });
  if (choice.exactness === 'bitwise') prove = later({ onProgress });
  return choice;
}
