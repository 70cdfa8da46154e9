/** The process that tries mutants on a GPU, one after another, as its parent asks. It may die or hang: its parent goes on. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { openDevice } from '../../wgsl/dawn.ts';
import { type Caught, Judge } from './judge.ts';
import { LOWERING_MUTANTS, type LoweringMutant } from './lowering.ts';
import { suspectsOf } from './suspects.ts';
import { wgslMutants } from './wgsl.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const gpu = await openDevice();
const all = wgslMutants();
const judge = gpu && new Judge(gpu);

/** The judge and all that it tests, with one file changed. */
async function judgeLowering(device: GPUDevice, m: LoweringMutant): Promise<Caught> {
  const scratch = mkdtempSync(join(tmpdir(), 'isobit-mutant-'));
  try {
    const outfile = join(scratch, 'judge.mjs');
    await build({
      absWorkingDir: ROOT,
      entryPoints: ['conformance/mutation/judge.ts'],
      outfile,
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'es2022',
      external: ['webgpu'],
      logLevel: 'silent',
      plugins: [
        {
          name: 'mutant',
          setup: (b) =>
            b.onLoad({ filter: /\.ts$/ }, ({ path }) => {
              if (path !== join(ROOT, m.file)) return null;
              const parts = readFileSync(path, 'utf8').split(m.find);
              if (parts.length !== 2) throw new Error(`${parts.length - 1} occurrences of ${m.find}`);
              return { contents: parts.join(m.replace), loader: 'ts' };
            }),
        },
      ],
    });
    const mutated = (await import(pathToFileURL(outfile).href)) as { Judge: typeof Judge };
    return await new mutated.Judge(device).judge(m.suspects);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

process.on('message', async ({ list, index }: { list: 'wgsl' | 'lowering'; index: number }) => {
  try {
    if (!gpu || !judge) throw new Error('no device');
    const m = all[index];
    const caught =
      list === 'lowering'
        ? await judgeLowering(gpu, LOWERING_MUTANTS[index])
        : await judge.judge(suspectsOf(m), (code) => code.split(m.code).join(m.mutated));
    process.send?.({ kind: 'judged', caught });
  } catch (e) {
    process.send?.({ kind: 'threw', what: e instanceof Error ? e.message : String(e) });
  }
});
process.send?.({ kind: gpu ? 'ready' : 'no device' });
