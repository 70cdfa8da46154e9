/**
 * `npm run mutate`: does the conformance suite notice? Every mutant of the kernels is built and run against the matrix; every
 * mutant of the derivative rules, the host functions and the reference against their tests. Each must be caught.
 *
 * `npm run mutate -- kernels`, `threads`, `rules`, `webgpu` run one part, of whose mutants a part of the name chooses, as in
 * `npm run mutate -- webgpu 'wgsl exp'` or `npm run mutate -- kernels packed.ts`.
 *
 * Kernel mutants that touch different ops share a build: each is judged by programs of its own ops alone, which no other mutant
 * of that build can reach.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';
import { KERNELS } from '../scripts/kernels.mjs';
import type { Runtime } from '../sdk/core/runtime.ts';
import { createRuntime } from '../sdk/index.ts';
import { matrix, runTrials } from './matrix.ts';
import { MUTANTS, type Mutant } from './mutants.ts';
import { RULE_MUTANTS, type RuleMutant } from './mutantsOfRules.ts';
import { judgeThreads, THREAD_MUTANTS, type ThreadMutant } from './mutation/threads.ts';
import { mutateWebGpu } from './mutation/webgpu.ts';

const ROOT = new URL('..', import.meta.url).pathname;
const whole = matrix();
const trialsOf = (op: string) => whole.trials.filter((t) => t.op === op);

type Replacement = Mutant | ThreadMutant | RuleMutant;

/** The source with one mutant in it. */
function mutated(source: string, m: Replacement): string {
  const parts = source.split(m.find);
  if (parts.length !== 2) throw new Error(`${m.file}: ${parts.length - 1} occurrences of ${m.find}`);
  return parts.join(m.replace);
}

/** One of the builds of the kernels, with some mutants in it; less optimized, as many are made. */
async function build(mutants: readonly Replacement[], of: keyof typeof KERNELS = 'kernels'): Promise<Uint8Array> {
  let binary: Uint8Array | null = null;
  const { entry, flags: all } = KERNELS[of];
  const flags = [...all.filter((f) => f !== '-O3'), '--optimizeLevel', '1', '--shrinkLevel', '0'];
  const { error, stderr } = await asc.main([entry, '--outFile', 'kernels.wasm', ...flags], {
    readFile(name) {
      try {
        const text = readFileSync(join(ROOT, name), 'utf8');
        return mutants.filter((m) => m.file === name.replace(/^\.\//, '')).reduce(mutated, text);
      } catch (e) {
        if ((e as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw e;
      }
    },
    writeFile(name, contents) {
      if (name === 'kernels.wasm' && contents instanceof Uint8Array) binary = contents;
    },
    listFiles: () => [],
  });
  if (error || !binary) throw new Error(`asc: ${stderr.toString() || error}`);
  return binary;
}

/** What catches a mutant on a runtime; null where nothing does. */
async function caught(rt: Runtime, ops: readonly string[]): Promise<string | null> {
  for (const onlyValue of [true, false]) {
    for (const op of ops) {
      try {
        const { mismatches } = await runTrials(rt, trialsOf(op), { onlyValue, stop: true });
        if (mismatches.length > 0) return mismatches[0];
      } catch (e) {
        return `${op}: ${e instanceof Error ? e.message : e}`;
      }
    }
  }
  return null;
}

const reachOf = (m: Mutant): readonly string[] | '*' => m.reach ?? m.ops;
const meets = (ops: readonly string[], reach: readonly string[] | '*'): boolean =>
  reach === '*' || ops.some((op) => reach.includes(op));

/** Mutants in as few builds as their reach allows. */
function rounds(all: readonly Mutant[]): Mutant[][] {
  const out: Mutant[][] = [];
  for (const m of all) {
    const fits = (r: readonly Mutant[]) =>
      r.every((o) => o.find !== m.find && !meets(m.ops, reachOf(o)) && !meets(o.ops, reachOf(m)));
    const round = out.find(fits);
    if (round) round.push(m);
    else out.push([m]);
  }
  return out;
}

const show = (m: Replacement): string => `${m.file}: ${m.find.split('\n')[0]}  ->  ${m.replace.split('\n')[0]}`;

const wantedId = (id: string): boolean => id.includes(process.argv[3] ?? '');
const chosen = <M extends Replacement>(all: readonly M[]): M[] => all.filter((m) => wantedId(show(m)));

async function mutateKernels(survivors: string[]): Promise<number> {
  const all = chosen(MUTANTS);
  const start = await createRuntime({ backend: 'wasm', wasm: await build([]) });
  const wrong = await caught(start, [...new Set(all.flatMap((m) => m.ops))]);
  await start.dispose();
  if (wrong) throw new Error(`the kernels fail without any mutant: ${wrong}`);
  const builds = rounds(all);
  for (const [i, round] of builds.entries()) {
    const rt = await createRuntime({ backend: 'wasm', wasm: await build(round) });
    for (const m of round) {
      const what = await caught(rt, m.ops);
      console.log(`${what ? 'caught  ' : 'SURVIVED'} ${show(m)}${what ? `  (${what.split(':')[0]})` : ''}`);
      if (!what) survivors.push(show(m));
    }
    await rt.dispose();
    if (process.stderr.isTTY) process.stderr.write(`${i + 1} of ${builds.length} builds\n`);
  }
  return all.length;
}

async function mutateThreads(survivors: string[]): Promise<number> {
  const all = chosen(THREAD_MUTANTS);
  const wrong = await judgeThreads(await build([], 'threads'));
  if (wrong) throw new Error(`threads fail without any mutant: ${wrong}`);
  for (const m of all) {
    const what = await judgeThreads(await build([m], 'threads'));
    console.log(`${what ? 'caught  ' : 'SURVIVED'} ${show(m)}${what ? `  (${what})` : ''}`);
    if (!what) survivors.push(show(m));
  }
  return all.length;
}

/** The project's TypeScript in a folder of its own, one mutant at a time. */
function mutateRules(survivors: string[]): number {
  const all = chosen(RULE_MUTANTS);
  const scratch = mkdtempSync(join(tmpdir(), 'isobit-mutate-'));
  try {
    for (const part of ['sdk', 'wgsl', 'conformance', 'adapters', 'package.json', 'tsconfig.json', 'wasm/build']) {
      cpSync(join(ROOT, part), join(scratch, part), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(scratch, 'node_modules'));
    const passes = (tests: readonly string[]) =>
      spawnSync(process.execPath, ['--import', 'tsx', '--test', ...tests], { cwd: scratch, stdio: 'ignore' }).status ===
      0;
    if (!passes([...new Set(all.flatMap((m) => m.tests))])) throw new Error('the tests fail without any mutant');
    for (const m of all) {
      const path = join(scratch, m.file);
      const source = readFileSync(path, 'utf8');
      writeFileSync(path, mutated(source, m));
      const survived = passes(m.tests);
      writeFileSync(path, source);
      console.log(`${survived ? 'SURVIVED' : 'caught  '} ${show(m)}`);
      if (survived) survivors.push(show(m));
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return all.length;
}

const survivors: string[] = [];
const only = process.argv[2];
let count = 0;
const wanted = (part: string): boolean => only === undefined || only === part;
if (wanted('kernels')) count += await mutateKernels(survivors);
if (wanted('threads')) count += await mutateThreads(survivors);
if (wanted('rules')) count += mutateRules(survivors);
if (wanted('webgpu')) {
  const tally = await mutateWebGpu(survivors, wantedId);
  if (tally) {
    count += tally.count;
    const parts = Object.entries(tally.by).map(([by, n]) => `${by} ${n}`);
    console.log(`webgpu: ${tally.count} mutants: ${parts.join(', ')}`);
  } else {
    console.log('webgpu: this machine has no adapter: install chromium and libvulkan1');
    if (process.env.CI === 'true') survivors.push('every mutant of WebGPU: no adapter');
  }
}
console.log(`${count} mutants, ${count - survivors.length} caught`);
for (const s of survivors) console.log(`survived: ${s}`);
process.exit(survivors.length > 0 ? 1 : 0);
