/** Kinds of HTTP servers, and what goes wrong with real ones. */

export interface ServerOptions {
  /** False: PUT overwrites whatever If-None-Match says, as nginx does; 'early': it is obeyed before the body has come, and only then. */
  conditions?: boolean | 'early';
  /** False: the whole object is the answer to every range. */
  ranges?: boolean;
  /** False: the query is ignored, and the address answers a page, as a static server's does. */
  lists?: boolean;
  /** False: no ETag. */
  etags?: boolean;
  /** False: lengths are not told (chunked). */
  lengths?: boolean;
  /** The most entries of a listing, and the most bytes of a range. */
  page?: number;
  slice?: number;
  /** Only requests with this header are answered. */
  authorization?: string;
  /** Origins of other pages may use it. */
  cors?: boolean;
  /** What goes wrong with a request; undefined: nothing. */
  fault?: (request: { method?: string }, count: number) => Fault | undefined;
}

/**
 * A status instead of an answer; 'drop' before anything is done; 'lose' the answer after it was; 'truncate' it, and
 * 'mute' ends it early without the connection showing it, 'slow' lets its second half wait.
 */
export type Fault =
  | { status: number; headers?: Record<string, string>; body?: string }
  | 'drop'
  | 'lose'
  | 'truncate'
  | 'mute'
  | 'slow';

const MISHAPS: readonly (Fault | undefined)[] = [
  ...(['drop', undefined, { status: 503 }, undefined, 'lose', undefined] as const),
  ...([undefined, 'truncate', undefined, { status: 500 }, undefined] as const),
];

/** Attempts that outlast what 'faulty' does, with short pauses. */
export const FAULTY = { attempts: 25, ms: 2 };

/** Servers that every test of the suite is run against. */
export const KINDS: Readonly<Record<string, ServerOptions>> = {
  obedient: {},
  'ignores If-None-Match': { conditions: false },
  'ignores Range': { ranges: false },
  'does not list': { lists: false },
  'tells neither lengths nor versions': { lengths: false, etags: false, ranges: false },
  'gives little at a time': { page: 2, slice: 700_000 },
  faulty: { fault: (_, count) => MISHAPS[count % MISHAPS.length] },
};
