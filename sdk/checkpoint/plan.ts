/** When to save and what to keep: the options, and the pure rules behind them. */

import { OptionError } from '../core/errors.ts';
import {
  callable,
  checkOptions,
  count,
  flag,
  type OptionTable,
  object,
  oneOf,
  positive,
  required,
} from '../core/options.ts';

export interface KeepBest {
  /** A metric's name, such as 'val/accuracy'. */
  metric: string;
  mode: 'min' | 'max';
  /** How many to keep; 1 unless given. */
  k?: number;
}

/** What to keep is the union of these; with none of them, everything is kept. Latest, best and tagged always stay. */
export interface Retention {
  /** The newest n states. */
  keepLast?: number;
  /** Every state whose step is a multiple of n. */
  keepEvery?: number;
  keepBest?: KeepBest;
  /** The first state of every n seconds, by the clock of the commits. */
  keepInterval?: number;
}

/** What becomes of an automatic save that comes while another is being written. */
export type Async = 'block' | 'skip' | 'replace';

export interface CheckpointPlan extends Retention {
  /** Save after every step that is a multiple of n. */
  everySteps?: number;
  /** Save at the end of every epoch whose number (counted from 1) is a multiple of n. */
  everyEpochs?: number;
  /** Save at the first step boundary at least n seconds after the last save. */
  everySeconds?: number;
  /** Save when the metric of `keepBest` is better than ever before. */
  onImprove?: boolean;
  /** Save the last good step when a step, a callback or the data throws. */
  onException?: boolean;
  /**
   * SIGTERM or SIGINT saves at the next step boundary, and ends the run with E_SIGNAL; a page that is hidden or left saves at
   * once, as far as the browser lets it, and goes on. Elsewhere, as in workers, there are no signals.
   */
  onSignal?: boolean;
  /**
   * Save while training goes on: 'block' waits for the save before, 'skip' leaves the new one out, 'replace' keeps the newest one
   * waiting. Without it each save is durable before the next step.
   */
  async?: Async;
  /** Milliseconds since 1970: for commits, `everySeconds` and `keepInterval`. */
  clock?: () => number;
}

export type Trigger = 'everySteps' | 'everyEpochs' | 'everySeconds' | 'onImprove';

/** A step boundary, as the triggers see it. */
export interface Moment {
  /** Completed steps and completed epochs, counted from the beginning of the run and not from a resume. */
  step: number;
  epoch: number;
  /** True where this step ended an epoch. */
  epochEnd: boolean;
  /** Since the last save, or since the run began or resumed. */
  seconds: number;
  /** The watched metric became better at this step. */
  improved: boolean;
}

const PLAN: OptionTable<CheckpointPlan> = {
  everySteps: count,
  everyEpochs: count,
  everySeconds: positive,
  onImprove: flag,
  onException: flag,
  onSignal: flag,
  keepLast: count,
  keepEvery: count,
  keepBest: object('{ metric, mode, k }'),
  keepInterval: positive,
  async: oneOf('block', 'skip', 'replace'),
  clock: callable('a function that gives milliseconds'),
};
const KEEP_BEST = {
  'keepBest.metric': required({ expects: "a metric's name", ok: (v) => typeof v === 'string' && v !== '' }),
  'keepBest.mode': required(oneOf('min', 'max')),
  'keepBest.k': count,
};

/** Every option of a plan, for tables of options and for tests that each one is live. */
export const PLAN_OPTIONS = Object.keys(PLAN) as readonly (keyof CheckpointPlan)[];

/** The plan itself, checked: OptionError for unknown options and for values without a meaning. */
export function checkPlan(plan: CheckpointPlan): CheckpointPlan {
  checkOptions('checkpoint', PLAN, plan);
  const best = Object.entries(plan.keepBest ?? {}).map(([name, v]) => [`keepBest.${name}`, v]);
  if (plan.keepBest) checkOptions<object>('checkpoint', KEEP_BEST, Object.fromEntries(best));
  if (plan.onImprove && !plan.keepBest) {
    throw new OptionError('checkpoint: onImprove needs a keepBest', { hint: 'Name the metric in keepBest.' });
  }
  return plan;
}

/** The triggers that fire at a step boundary. */
export function triggersAt(plan: CheckpointPlan, at: Moment): Trigger[] {
  const fired: Trigger[] = [];
  const { everySteps, everyEpochs, everySeconds } = plan;
  if (everySteps !== undefined && at.step > 0 && at.step % everySteps === 0) fired.push('everySteps');
  if (everyEpochs !== undefined && at.epochEnd && at.epoch % everyEpochs === 0) fired.push('everyEpochs');
  if (everySeconds !== undefined && at.seconds >= everySeconds) fired.push('everySeconds');
  if (plan.onImprove === true && at.improved) fired.push('onImprove');
  return fired;
}

/** How many steps may run from `step` before `everySteps` asks for a save: where several steps go in one call. */
export function stepsToSave(plan: CheckpointPlan, step: number): number {
  return plan.everySteps === undefined ? Number.POSITIVE_INFINITY : plan.everySteps - (step % plan.everySteps);
}

/** True where `value` is better than `best`. A missing or NaN value never is; any number beats a missing best. */
export function isBetter(
  value: number | null | undefined,
  best: number | null | undefined,
  mode: 'min' | 'max',
): boolean {
  if (typeof value !== 'number' || Number.isNaN(value)) return false;
  if (typeof best !== 'number' || Number.isNaN(best)) return true;
  return mode === 'min' ? value < best : value > best;
}
