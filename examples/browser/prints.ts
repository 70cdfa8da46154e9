/** The fingerprint of the run beside the golden one, and a row of the ends of all epochs. */

import golden from './fixtures/golden.json' with { type: 'json' };
import type { Measure, Opened } from './protocol.ts';
import { byId } from './theme.ts';

/** The golden fingerprint of a step, or null: there is one for each end of an epoch of a run with the golden seed. */
export function goldenOf(run: Opened, step: number): string | null {
  if (run.setup.seed !== BigInt(golden.seed) || step % run.stepsPerEpoch !== 0) return null;
  return golden[run.setup.example][step / run.stepsPerEpoch] ?? null;
}

/** How `isobit train` comes to the same state. */
export function commandOf(run: Opened, step: number): string {
  const name = run.setup.example === 'iris' ? 'iris' : 'mnist';
  const whole = step === run.epochs * run.stepsPerEpoch || step === 0;
  return `npx isobit train ${name} --seed ${run.setup.seed}${whole ? '' : ` --stop-at-step ${step}`}`;
}

export function drawPrints(run: Opened, measures: readonly Measure[]): void {
  const latest = measures.reduce<Measure | undefined>((a, m) => (a && a.step > m.step ? a : m), undefined);
  drawLadder(run, measures);
  if (!latest) {
    // What stands here may be of another run.
    for (const id of ['print-mine', 'print-golden']) byId(id).textContent = '–';
    byId('verdict').textContent = '';
    byId('print-mine-name').textContent = 'This tab';
    byId('command-line').hidden = true;
    return;
  }
  const { step, fingerprint } = latest;
  const known = goldenOf(run, step);
  const last = run.epochs * run.stepsPerEpoch;
  const goal = goldenOf(run, last);
  const shown = known ?? goal;
  const verdict = known === null ? 'none' : known === fingerprint ? 'same' : 'differs';

  const badge = byId('verdict');
  badge.dataset.verdict = verdict;
  badge.textContent =
    verdict === 'same'
      ? '✓ Same bits'
      : verdict === 'differs'
        ? '≠ Other bits'
        : shown === null
          ? `No golden for seed ${run.setup.seed}`
          : 'Between epochs';
  byId('print-mine-name').textContent = `This tab, ${whenOf(run, step)}`;
  byId('print-golden-name').textContent =
    shown === null ? 'Golden' : `Golden, ${whenOf(run, known === null ? last : step)}`;
  drawDigits(byId('print-mine'), fingerprint, known);
  byId('print-mine').dataset.is = verdict;
  if (shown === null) byId('print-golden').textContent = `only seed ${golden.seed} has one`;
  else drawDigits(byId('print-golden'), shown, null);
  byId('print-golden').dataset.is = verdict === 'same' ? 'same' : 'goal';
  byId('print-about').textContent = aboutOf(verdict, known, shown);
  byId('command-line').hidden = false;
  byId('command').textContent = commandOf(run, step);
}

const whenOf = ({ stepsPerEpoch, epochs }: Opened, step: number): string =>
  step === 0
    ? 'before training'
    : step === epochs * stepsPerEpoch
      ? 'at the end'
      : step % stepsPerEpoch === 0
        ? `epoch ${step / stepsPerEpoch}`
        : `step ${step}`;

function aboutOf(verdict: string, known: string | null, shown: string | null): string {
  const what = 'SHA-256 of the whole training state: weights, moments, step, seed, place in the data, history.';
  if (verdict === 'same') return `${what} Golden digits were made by Node on WebAssembly: every bit is equal.`;
  if (verdict === 'differs') return `${what} These are other bits than Node’s: please report this browser and adapter.`;
  if (shown === null) return `${what} For other seeds, the command below prints what must stand here.`;
  return known === null
    ? `${what} Golden digits are kept for the ends of epochs; for this step, the command below prints what must stand here.`
    : what;
}

function drawLadder(run: Opened, measures: readonly Measure[]): void {
  const ladder = byId('ladder');
  const known = new Map(measures.map((m) => [m.step, m.fingerprint]));
  const reached = Math.max(0, ...known.keys());
  if (ladder.childElementCount !== run.epochs + 1) {
    ladder.replaceChildren(...Array.from({ length: run.epochs + 1 }, () => document.createElement('li')));
    ladder.dataset.many = String(run.epochs > 12);
  }
  Array.from(ladder.children).forEach((li, epoch) => {
    const step = epoch * run.stepsPerEpoch;
    const mine = known.get(step);
    const expected = goldenOf(run, step);
    const is =
      mine === undefined
        ? step < reached
          ? 'passed'
          : 'open'
        : expected === null
          ? 'known'
          : mine === expected
            ? 'same'
            : 'differs';
    const words = {
      passed: 'not measured in this browser',
      open: 'not reached',
      known: 'reached',
      same: 'same bits as the golden run',
      differs: 'other bits than the golden run',
    }[is];
    (li as HTMLElement).dataset.is = is;
    (li as HTMLElement).title = `Epoch ${epoch}: ${words}`;
    li.setAttribute('aria-label', `Epoch ${epoch}: ${words}`);
    li.textContent = String(epoch);
  });
}

/** 64 digits in groups of eight; those that differ are marked. */
function drawDigits(at: HTMLElement, digits: string, other: string | null): void {
  at.replaceChildren(
    ...Array.from({ length: digits.length / 8 }, (_, g) => {
      const group = document.createElement('span');
      const text = digits.slice(8 * g, 8 * g + 8);
      group.textContent = text;
      if (other !== null && other.slice(8 * g, 8 * g + 8) !== text) group.className = 'off';
      return group;
    }),
  );
}
