/**
 * Mutants of how kernels are divided among threads, in wasm/. The build of one thread has none of these tasks: each mutant is
 * judged by work on three threads, all divided that can be and then what is worth it, against one thread.
 */

import { createWasmRuntime } from '../../sdk/engine/create.ts';
import { digests, unreported, WORK } from '../divided.ts';
import { SEED } from '../rows/suite.ts';

export interface ThreadMutant {
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
}

const of =
  (file: string) =>
  (find: string, replace: string): ThreadMutant => ({ file: `wasm/${file}`, find, replace });
const tasks = of('tasks.ts');
const packed = of('packed.ts');
const cumsum = of('cumsum.ts');
const scatter = of('scatterAdd.ts');
const rows = of('rows.ts');
const sorting = of('argsort.ts');

export const THREAD_MUTANTS: readonly ThreadMutant[] = [
  tasks('first, min(first + width, inner));', 'first, min(first + width, inner - 1));'),
  tasks('const begin = (t / across) * size;\n  const first', 'const begin = (t % across) * size;\n  const first'),
  cumsum('let src = word(r, 6) + begin * slab;', 'let src = word(r, 6);'),
  cumsum('word(r, 9) + ((begin * n * inner) << 2)', 'word(r, 9)'),
  cumsum('let from = src + (j << 2);', 'let from = src + ((j - first) << 2);'),
  tasks('min(t * x + x, word(at, 4))', 'min(t * x + x, word(at, 4) - 1)'),
  tasks('parts(v, size), size, o);', 'parts(v, size), size, 0);'),
  scatter('from != 0 ? word(scratch, from - 1) : 0', '<usize>0'),
  scatter('word(r, 8) + o * word(r, 5) * row', 'word(r, 8)'),
  scatter('word(r, 13) + o * v * row', 'word(r, 13)'),
  tasks('min(t * x + x, held(at))', 'min(t * x + x, held(at) - 1)'),
  tasks('hold(packed, b, j, batch);', 'hold(packed, b, 0, batch);'),
  tasks('packed != 0 ? word(packed, 2) : block / down', '<usize>0'),
  packed('panelAt(r, from, k0, k)', 'panelAt(r, 0, k0, k)'),
  packed('let src = b + k0 * bRow + from * bCol;', 'let src = b + k0 * bRow;'),
  packed('word(packed, 0) + word(packed, 1) * bCol', 'word(packed, 0)'),
  tasks(
    'argsortPart(at, t * x, min(t * x + x, listsOf(at)))',
    'argsortPart(at, t * x, min(t * x + x, listsOf(at) - 1))',
  ),
  sorting('word(r, 12) + thread() * word(r, 13)', 'word(r, 12)'),
  rows('begin * width, to * width', 'begin * width, to * width - 1'),
  rows('const to = min(begin + some, end);', 'const to = min(begin + some - 1, end);'),
  rows('REC_MAX) maxPart(k, begin, to, 0, 1)', 'REC_MAX) maxPart(k, begin, to - 1, 0, 1)'),
  rows('else sumPart(k, begin, to, 0, 1);', 'else sumPart(k, 0, to - begin, 0, 1);'),
  tasks('min(t * x + x, word(at, 2)))', 'min(t * x + x, word(at, 2) - 1))'),
  tasks('if (!divided(k)) perform(k);', 'divided(k);'),
  tasks('check(word(at, 2) + ((t * x) << 2)', 'check(word(at, 2)'),
  tasks('finish(word(at, 2) + ((t * x) << 2)', 'finish(word(at, 2)'),
];

/** The work whose bits differ, or what is not reported; null where all agree. */
export async function judgeThreads(wasm: Uint8Array): Promise<string | null> {
  await using one = await createWasmRuntime({ seed: SEED });
  for (const [name, work] of Object.entries(WORK)) {
    const expected = await digests(one, work);
    for (const worth of [0, undefined]) {
      await using rt = await createWasmRuntime({ seed: SEED }, { wasm, threads: 3, worth });
      try {
        const got = await digests(rt, work);
        if (got.some((d, i) => d !== expected[i])) return name;
      } catch (e) {
        return `${name}: ${e instanceof Error ? e.message : e}`;
      }
    }
  }
  await using rt = await createWasmRuntime({ seed: SEED }, { wasm, threads: 3, worth: 0 });
  return (await unreported(rt))[0] ?? null;
}
