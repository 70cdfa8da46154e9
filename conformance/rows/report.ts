/** What a row of the conformance run is asked, and what it says, as JSON: rows are other processes, browsers and servers. */

/** Every row there is, in the order in which they are reported. */
export const RUNTIMES = [
  'node-wasm',
  'node-webgpu',
  'bun-wasm',
  'deno-wasm',
  'deno-webgpu',
  'chromium-wasm',
  'chromium-webgpu',
  'firefox-wasm',
  'firefox-webgpu',
  'workerd-wasm',
] as const;
export type RuntimeName = (typeof RUNTIMES)[number];

export interface RowOptions {
  readonly backend: 'wasm' | 'webgpu';
  /** Of the fuzzed graphs. */
  readonly seed: number;
  readonly graphs: number;
  /** Every so many programs of the matrix are run; 1 is all of them, 0 leaves only the fuzzed graphs. */
  readonly stride: number;
}

/** Where a run lies, as its row sees it. A relative address is one of the page's server. */
export type Place =
  | { readonly kind: 'memory' }
  | { readonly kind: 'fs'; readonly dir: string }
  | { readonly kind: 'http'; readonly url: string }
  | { readonly kind: 'indexeddb'; readonly name: string };

/** A part of a training run. */
export interface Leg {
  /** Whence the run is copied to `at` before; null where it is there already, or begins. */
  readonly from: Place | null;
  readonly at: Place;
  /** Whither it is copied afterwards. */
  readonly to: Place | null;
  /** Completed steps that it must find, 0 for a fresh start, and those at which it ends. */
  readonly since: number;
  readonly until: number;
  /** Steps on the way whose fingerprints are told. */
  readonly marks: readonly number[];
  /** What is done to it on purpose: one bit of a weight is flipped at its start, or it is given another seed. */
  readonly fault: 'bit' | 'seed' | null;
}

/** Legs that a row runs in place of the suite, one after the other. */
export interface RelayOptions {
  readonly backend: 'wasm' | 'webgpu';
  readonly example: string;
  /** u64 in decimal digits. */
  readonly seed: string;
  readonly legs: readonly Leg[];
}

/** What a leg ended in. */
export interface LegEnd {
  /** Its place among the row's. */
  readonly leg: number;
  readonly since: number;
  readonly until: number;
  /** Completed epochs, and batches of the one under way. */
  readonly epoch: number;
  readonly batch: number;
  /** Of the state, and of the checkpoint's file. */
  readonly fingerprint: string;
  readonly root: string;
  /** Fingerprints by step. */
  readonly marks: Readonly<Record<string, string>>;
  readonly seconds: number;
}

/** A case that went wrong: the first element that differs and both bit patterns, or what was thrown. */
export interface Mismatch {
  readonly case: string;
  readonly index: number | null;
  /** Hexadecimal. */
  readonly bits: { readonly got: string; readonly expected: string } | null;
  readonly text: string;
}

/** One line of a row. */
export type Said =
  | { readonly kind: 'begin'; readonly engine: string; readonly adapter: string; readonly cases: number }
  | { readonly kind: 'progress'; readonly done: number }
  | { readonly kind: 'mismatch'; readonly mismatch: Mismatch }
  | { readonly kind: 'leg'; readonly end: LegEnd }
  | { readonly kind: 'end'; readonly cases: number; readonly mismatches: number; readonly first: Mismatch | null }
  | { readonly kind: 'unavailable'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string };

/** What is known of a row when it is over. */
export interface RowReport {
  readonly runtime: RuntimeName;
  /** The program and its JavaScript engine. */
  readonly engine: string | null;
  readonly adapter: string | null;
  /** Cases that were run. */
  readonly cases: number;
  readonly mismatches: number;
  /** `failed` is also a row that began and did not end. */
  readonly status: 'passed' | 'failed' | 'unavailable';
  readonly first: Mismatch | null;
  /** Of a row that is unavailable or did not end. */
  readonly why: string | null;
  readonly seconds: number;
}
