/** When to save and what to keep: the options, and the pure rules behind them. */

import { OptionError } from '../core/errors.ts';

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

const COUNTS = ['everySteps', 'everyEpochs', 'keepLast', 'keepEvery'] as const;
const FLAGS = ['onImprove', 'onException', 'onSignal'] as const;
const SECONDS = ['everySeconds', 'keepInterval'] as const;
const ASYNC: readonly unknown[] = ['block', 'skip', 'replace'];

/** Every option of a plan, for tables of options and for tests that each one is live. */
export const PLAN_OPTIONS: readonly (keyof CheckpointPlan)[] = [
  ...COUNTS,
  ...FLAGS,
  ...SECONDS,
  'keepBest',
  'async',
  'clock',
];

/** The plan itself, checked: OptionError for unknown options and for values without a meaning. */
export function checkPlan(plan: CheckpointPlan): CheckpointPlan {
  const fail = (option: string, expected: string, got: unknown): never => {
    throw new OptionError(`checkpoint.${option}: expected ${expected}, got ${JSON.stringify(got) ?? String(got)}`, {
      hint: `set checkpoint.${option} to ${expected}, or leave it out`,
      details: { option: `checkpoint.${option}` },
    });
  };
  for (const k of Object.keys(plan)) {
    if (!(PLAN_OPTIONS as readonly string[]).includes(k)) {
      throw new OptionError(`checkpoint: unknown option '${k}'`, { hint: `known: ${PLAN_OPTIONS.join(', ')}` });
    }
  }
  for (const k of COUNTS) {
    const v = plan[k];
    if (v !== undefined && !(Number.isSafeInteger(v) && v >= 1)) fail(k, 'a whole number from 1', v);
  }
  for (const k of FLAGS) if (plan[k] !== undefined && typeof plan[k] !== 'boolean') fail(k, 'true or false', plan[k]);
  for (const k of SECONDS) {
    const v = plan[k];
    if (v !== undefined && !(Number.isFinite(v) && v > 0)) fail(k, 'a number of seconds above 0', v);
  }
  const { keepBest, onImprove, async, clock } = plan;
  if (async !== undefined && !ASYNC.includes(async)) fail('async', "'block', 'skip' or 'replace'", async);
  if (clock !== undefined && typeof clock !== 'function') fail('clock', 'a function that gives milliseconds', clock);
  if (keepBest !== undefined) {
    if (typeof keepBest !== 'object' || keepBest === null) fail('keepBest', '{ metric, mode, k }', keepBest);
    for (const k of Object.keys(keepBest))
      if (!['metric', 'mode', 'k'].includes(k)) fail(`keepBest.${k}`, 'no such option', k);
    if (typeof keepBest.metric !== 'string' || keepBest.metric === '') {
      fail('keepBest.metric', "a metric's name", keepBest.metric);
    }
    if (keepBest.mode !== 'min' && keepBest.mode !== 'max') fail('keepBest.mode', "'min' or 'max'", keepBest.mode);
    const k = keepBest.k ?? 1;
    if (!(Number.isSafeInteger(k) && k >= 1)) fail('keepBest.k', 'a whole number from 1', k);
  }
  if (onImprove === true && keepBest === undefined) fail('onImprove', 'a keepBest that names the metric', onImprove);
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
