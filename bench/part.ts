/** A part of the suite: the rows of one question. */

import type { Pace } from './race.ts';
import type { Row } from './rows.ts';

export interface Suite {
  /** The folder of the bundles. */
  readonly built: string;
  readonly pace: Pace;
  readonly quick: boolean;
  say(line: string): void;
}

export interface Part {
  readonly name: string;
  /** Heads the table: what is timed, and in what unit. */
  readonly title: string;
  /** What `--quick` leaves out of it. */
  readonly leavesOut?: string;
  rows(suite: Suite): AsyncIterable<Row>;
}
