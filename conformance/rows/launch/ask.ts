/** What a launcher is asked, and how it says that this machine cannot run the row. */

import type { RequestListener } from 'node:http';
import type { RelayOptions, RowOptions, Said } from '../report.ts';

export interface Ask {
  readonly options: RowOptions | RelayOptions;
  /** Folder of the bundles that run on the other side. */
  readonly bundles: string;
  /** Answers what pages ask below `/store/`, if they do. */
  readonly stores?: RequestListener;
  readonly say: (said: Said) => void;
  /** Ends whatever was started. */
  readonly signal: AbortSignal;
}

/** Starts a runtime, passes on what it says, and ends it. Throws Unavailable, and Error where it did not end well. */
export type Launch = (ask: Ask) => Promise<void>;

/** Something that the row needs is not on this machine. */
export class Unavailable extends Error {}

/** The last word of a row: nothing comes after it. */
export const isLast = (said: Said): boolean => ['end', 'unavailable', 'failed'].includes(said.kind);
