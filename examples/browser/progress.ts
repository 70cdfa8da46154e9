/** Figures of the run, and the device that computes it. */

import type { Run } from './page.ts';
import { byId } from './theme.ts';

const count = (n: number): string => n.toLocaleString('en');

/** A figure, with what it is part of in small print. */
function figure(id: string, text: string, of = ''): void {
  const small = document.createElement('small');
  small.textContent = of;
  byId(id).replaceChildren(text, ...(of === '' ? [] : [' ', small]));
}

export function drawProgress(run: Run): void {
  const steps = run.epochs * run.stepsPerEpoch;
  const bar = byId('bar');
  bar.ariaValueMax = String(steps);
  bar.ariaValueNow = String(run.step);
  bar.dataset.finished = String(run.step >= steps);
  byId('bar-fill').style.width = `${(100 * run.step) / steps}%`;

  figure('figure-step', count(run.step), `/ ${count(steps)}`);
  figure('figure-epoch', count(Math.floor(run.step / run.stepsPerEpoch)), `/ ${run.epochs}`);
  const recent = run.losses.slice(-run.stepsPerEpoch).filter((v) => v !== null);
  figure('figure-loss', recent.length === 0 ? '–' : (recent.reduce((a, b) => a + b, 0) / recent.length).toFixed(3));
  const at = run.measures.reduce<Run['measures'][number] | undefined>(
    (a, m) => (a && a.step > m.step ? a : m),
    undefined,
  );
  const share = at && (at.heldOut ?? at.trained);
  byId('figure-accuracy-name').textContent = run.setup.example === 'digits' ? 'Accuracy, held out' : 'Accuracy';
  figure('figure-accuracy', share === undefined ? '–' : `${(100 * share).toFixed(1)} %`);
  figure('figure-speed', run.perSecond === null ? '–' : count(Math.round(run.perSecond)));
  drawDevice(run);
}

const BACKENDS: Readonly<Record<string, string>> = { wasm: 'WebAssembly', webgpu: 'WebGPU' };

function drawDevice({ device: { backend, adapter, why, exactness } }: Run): void {
  byId('device-backend').textContent = BACKENDS[backend] ?? backend;
  byId('device-adapter').textContent = adapter;
  byId('device-exactness').textContent = exactness;
  byId('device-exactness').dataset.is = exactness;
  byId('device-why').textContent = why;
}
