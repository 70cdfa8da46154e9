/** A row of the result: our time beside the best peer's, and what may be demanded of the ratio. */

import type { Figures, Outcome } from './race.ts';

export interface Row {
  readonly part: string;
  readonly name: string;
  /** What `ours` and `peer` count. */
  readonly unit: string;
  /** null where there is none: `absent` says why. */
  readonly ours: number | null;
  readonly peer: number | null;
  readonly peerName: string | null;
  readonly ratio: number | null;
  /** Most that the ratio may be; null where the row only tells. */
  readonly target: number | null;
  /** The target is missed, or there is nothing of ours to compare. */
  readonly over: boolean;
  /** Everyone's, in the same unit. */
  readonly all: Readonly<Record<string, number>>;
  /** Why a contender has no figure: its own error. */
  readonly absent: Readonly<Record<string, string>>;
  readonly note?: string;
  /** Where it stands in a plot: the plot, the place along its axis, and the operations of one step. */
  readonly at?: Place;
  /** More of each contender that was raced. */
  readonly figures?: Readonly<Record<string, Figures>>;
}

export interface Place {
  readonly plot: string;
  readonly x: number;
  readonly flops?: number;
}

export interface RowOptions {
  readonly part: string;
  readonly name: string;
  readonly ours: string;
  readonly target: number | null;
  readonly unit?: string;
  readonly note?: string;
  readonly at?: Place;
  /** Contenders that are no peers, such as our Trainer. */
  readonly aside?: readonly string[];
}

/** The row of one number for each contender. The best peer is the one with the least. */
export function rowOf(
  o: RowOptions,
  all: Readonly<Record<string, number>>,
  absent: Readonly<Record<string, string>> = {},
): Row {
  const { part, name, target, unit = 'us', note, at, aside = [] } = o;
  const ours = all[o.ours] ?? null;
  const [best = null] = Object.keys(all)
    .filter((n) => n !== o.ours && !aside.includes(n))
    .sort((a, b) => all[a] - all[b]);
  const peer = best === null ? null : all[best];
  const ratio = ours === null || peer === null ? null : ours / peer;
  const over = target !== null && (ours === null || (ratio !== null && ratio > target));
  const more = { ...(note && { note }), ...(at && { at }) };
  return { part, name, unit, ours, peer, peerName: best, ratio, target, over, all, absent, ...more };
}

/** The row of a race, by CPU time; several threads are judged by the clock. */
export function raceRow(
  o: RowOptions,
  names: readonly string[],
  outcomes: readonly Outcome[],
  by: 'cpu' | 'wall' = 'cpu',
): Row {
  const all: Record<string, number> = {};
  const absent: Record<string, string> = {};
  const figures: Record<string, Figures> = {};
  outcomes.forEach((x, i) => {
    if ('error' in x) absent[names[i]] = x.error;
    else {
      all[names[i]] = x[by];
      figures[names[i]] = x;
    }
  });
  return { ...rowOf(o, all, absent), figures };
}

/** A peer whose time with a transposed operand is so many times that without falls over. */
const FALLS = 3;

/** The names of contenders that fall over: in `other` they take far longer than in `plain`. */
export const fallen = (plain: Row, other: Row): string[] =>
  Object.keys(other.all).filter((n) => n in plain.all && other.all[n] > FALLS * plain.all[n]);
