/**
 * The suite that every runtime must pass to the bit: the coverage matrix and fuzzed graphs against the plain reference, which
 * runs beside the runtime, and a checkpoint and iris against what another runtime left.
 */

import type { Runtime } from '../../sdk/core/runtime.ts';
import { type EngineOptions, EngineRuntime } from '../../sdk/engine/runtime.ts';
import { readDifference } from '../compare.ts';
import { check, expectedOf, type Judged } from '../fuzz/check.ts';
import { caseOf } from '../fuzz/program.ts';
import { programOf } from '../fuzz/run.ts';
import { matrix } from '../matrix.ts';
import { differences, MODELS } from '../models.ts';
import { checkpointCases } from './checkpoint.ts';
import { type Golden, irisCases } from './iris.ts';
import type { Mismatch, RowOptions } from './report.ts';

export interface SuiteOptions extends Pick<RowOptions, 'seed' | 'graphs' | 'stride'> {
  readonly golden: Golden;
  readonly onBegin?: (cases: number) => void;
  readonly onProgress?: (done: number) => void;
  readonly onMismatch?: (m: Mismatch) => void;
  /** Ends the run between two cases, with its reason. */
  readonly signal?: AbortSignal;
}

export interface SuiteReport {
  readonly cases: number;
  readonly mismatches: number;
  readonly first: Mismatch | null;
}

/** One case: what differs, or nothing. */
export interface SuiteCase {
  readonly name: string;
  run(): Promise<readonly string[]>;
}

/**
 * Cases under way at once. A GPU answers late, and Firefox looks for answers ten times a second only, so that waiting for each
 * would be most of a run; WASM answers at once.
 */
const WIDTH = { wasm: 1, webgpu: 64 } as const;

/** Cases between two breaks, in which a page or a server gets its turn. */
const BREAK = 16;

/** The seed of the runtime that `runSuite` is given. */
export const SEED = 42n;

/** Runs every case. What a case throws is a mismatch too. */
export async function runSuite(rt: Runtime, o: SuiteOptions): Promise<SuiteReport> {
  const graphs = fuzzCases(rt, o.seed, o.graphs);
  const cases =
    o.stride === 0
      ? graphs
      : [
          ...matrixCases(rt, o.stride),
          ...graphs,
          ...modelCases(rt),
          ...checkpointCases(rt),
          ...irisCases(besides(rt, { seed: SEED }), o.golden),
        ];
  o.onBegin?.(cases.length);
  let mismatches = 0;
  let first: Mismatch | null = null;
  const found = (name: string, text: string) => {
    const d = readDifference(text);
    const m: Mismatch = { case: name, index: d?.index ?? null, bits: d && { got: d.got, expected: d.expected }, text };
    mismatches++;
    first ??= m;
    o.onMismatch?.(m);
  };
  let next = 0;
  let done = 0;
  const worker = async () => {
    for (let i = next++; i < cases.length; i = next++) {
      o.signal?.throwIfAborted();
      const { name, run } = cases[i];
      try {
        // A case with several wrong quantities is one mismatch.
        const wrong = await run();
        if (wrong.length > 0) found(name, wrong[0]);
      } catch (e) {
        found(name, `threw ${e instanceof Error ? (e.stack ?? e.message) : e}`);
      }
      if (++done % BREAK !== 0) continue;
      o.onProgress?.(done);
      await new Promise((resume) => setTimeout(resume, 0));
    }
  };
  await Promise.all(Array.from({ length: WIDTH[rt.backend] }, worker));
  return { cases: cases.length, mismatches, first };
}

/**
 * Another runtime on the same device. What a captured call flags is thrown by the next read of its runtime, so that a run must
 * not share one with graphs that give Inf and NaN.
 */
const besides = (rt: Runtime, o: EngineOptions): Runtime =>
  rt instanceof EngineRuntime ? new EngineRuntime(rt.device, o) : rt;

function matrixCases(rt: Runtime, stride: number): SuiteCase[] {
  const trials = matrix().trials.filter((_, i) => i % stride === 0);
  return trials.map((t) => ({ name: `matrix: ${t.label}`, run: () => t.run(rt) }));
}

const modelCases = (rt: Runtime): SuiteCase[] =>
  Object.entries(MODELS).map(([name, model]) => ({ name: `model: ${name}`, run: () => differences(rt, model) }));

/** Each graph eager and captured, and captured once more with one kernel an op. */
function fuzzCases(rt: Runtime, seed: number, graphs: number): SuiteCase[] {
  const judged: Judged[] = [{ name: 'fused', rt, eager: true }];
  const unfused = besides(rt, { fuse: false });
  if (unfused !== rt) judged.push({ name: 'unfused', rt: unfused, eager: false });
  return Array.from({ length: graphs }, (_, k) => ({
    name: `fuzz: seed ${seed}, graph ${k}`,
    run: async () => {
      const c = caseOf(programOf(seed, k));
      const wrong = await check(c, judged, expectedOf(c));
      return wrong === null ? [] : [wrong];
    },
  }));
}
