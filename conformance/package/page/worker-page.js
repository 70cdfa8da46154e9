/**
 * A worker trains, the page draws its progress, and a button ends it. The page itself counts its frames, and presses the button
 * when enough of them showed new progress: a page that stands still never does.
 */

const FRAMES = 30;

const worker = new Worker(new URL('train.worker.js', import.meta.url), { type: 'module' });
const bar = document.querySelector('progress');
const button = document.querySelector('button');
button.onclick = () => worker.postMessage('cancel');

let [step, drawn, frames, fresh] = [0, 0, 0, 0];
const draw = () => {
  frames++;
  if (step > drawn) fresh++;
  drawn = step;
  bar.value = step;
  if (fresh === FRAMES) button.click();
  else requestAnimationFrame(draw);
};
worker.onerror = (e) => {
  document.querySelector('output').value = JSON.stringify({ error: e.message });
};
worker.onmessage = ({ data }) => {
  if (data.kind === 'progress') {
    if (step === 0) requestAnimationFrame(draw);
    step = data.step;
  } else {
    document.querySelector('output').value = JSON.stringify({ ...data, frames, fresh });
  }
};
worker.postMessage('train');
