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
