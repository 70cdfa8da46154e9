/** The page: what is asked of the worker, and what it says, shown. */

import { makeCharts } from './charts.ts';
import { makeControls } from './controls.ts';
import { makeDigitsView } from './digitsView.ts';
import { makeIrisView } from './irisView.ts';
import { makePad } from './pad.ts';
import { drawPrints } from './prints.ts';
import { drawProgress } from './progress.ts';
import type { Ask, Failure, Measure, Opened, Said } from './protocol.ts';
import { byId } from './theme.ts';

/** All that the page knows of the run. */
export interface Run extends Opened {
  losses: (number | null)[];
  measures: Measure[];
  step: number;
  perSecond: number | null;
}

const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
const ask = (what: Ask): void => worker.postMessage(what);

const charts = makeCharts();
const iris = makeIrisView();
const digits = makeDigitsView();
const pad = makePad((pixels) => ask({ kind: 'classify', pixels }), digits.sample);
const controls = makeControls(ask);
let run: Run | null = null;
let drawing = false;

function draw(): void {
  if (!run) return;
  charts.draw({ ...run, steps: run.epochs * run.stepsPerEpoch });
  drawPrints(run, run.measures);
  drawProgress(run);
}

/** At most once a frame. */
function drawSoon(): void {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    draw();
  });
}

function heard(said: Said): void {
  switch (said.kind) {
    case 'preparing':
      controls.say(`${said.what}: ${said.done} of ${said.total}.`);
      return;
    case 'opened':
      if (!controls.opened(said.run, said.imported)) {
        run = null;
        return;
      }
      run = { ...said.run, losses: [...said.run.losses], measures: [...said.run.measures], perSecond: null };
      pad.clear();
      // The form tells its state at once; what stands beside it is of the same moment.
      draw();
      return;
    case 'steps':
      if (!run) return;
      run.step = said.step;
      controls.stepped(said.step);
      run.losses.push(...said.losses);
      run.perSecond = said.perSecond ?? run.perSecond;
      break;
    case 'measured':
      if (!run) return;
      run.measures = [...run.measures.filter((m) => m.step !== said.at.step), said.at];
      byId('iris-view').hidden = said.picture.kind !== 'iris';
      byId('digits-view').hidden = said.picture.kind !== 'digits';
      if (said.picture.kind === 'iris') iris.draw(said.picture);
      else digits.draw(said.picture);
      break;
    case 'stopped':
      controls.stopped(said.step, said.finished);
      draw();
      return;
    case 'exported':
      save(said.name, said.bytes);
      controls.say(
        `Exported ${said.name}. Import it in another browser, or look into it: npx isobit inspect ${said.name}`,
      );
      return;
    case 'classified':
      pad.tell(said.probabilities);
      return;
    case 'failed':
      controls.failed(said.during);
      if (said.during === 'train' && LOST.includes(said.failure.code)) controls.open();
      alarm(said.during, said.failure);
      return;
    default:
      said satisfies never;
  }
  drawSoon();
}

function save(name: string, bytes: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type: 'application/cbor' }));
  const link = document.createElement('a');
  [link.href, link.download] = [url, name];
  link.click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The worker has let go of the run: it is opened again from its last checkpoint. */
const LOST = ['E_DEVICE_LOST', 'E_DEVICE', 'E_OOM'];

const TITLES: Partial<Record<Ask['kind'], string>> = {
  import: ' was not imported. The run in this tab is as it was.',
  open: 'The run cannot be opened.',
  train: 'Training ended. The last checkpoint is safe.',
  export: 'Nothing was exported.',
};

function alarm(during: Ask['kind'], { code, message, hint }: Failure): void {
  const title = TITLES[during] ?? 'That did not work.';
  byId('alert-title').textContent = during === 'import' ? controls.file + title : title;
  byId('alert-message').textContent = `${code}: ${message}`;
  byId('alert-hint').textContent = hint.charAt(0).toUpperCase() + hint.slice(1);
  byId('alert').hidden = false;
  byId('alert').scrollIntoView({ block: 'nearest' });
}

worker.onmessage = ({ data }: MessageEvent<Said>) => heard(data);
worker.onerror = (e) =>
  alarm('open', { code: 'E_UNEXPECTED', message: e.message || 'the worker did not start', hint: 'Reload the page.' });
byId('alert-close').addEventListener('click', () => {
  byId('alert').hidden = true;
});
byId('copy').addEventListener('click', async () => {
  await navigator.clipboard.writeText(byId('command').textContent ?? '');
  byId('copy').textContent = 'Copied';
  setTimeout(() => {
    byId('copy').textContent = 'Copy';
  }, 1500);
});
controls.open();
