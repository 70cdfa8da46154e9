/** Held-out digits with what the network reads in them. */

import type { DigitsPicture } from './protocol.ts';
import { byId, colour, onTheme } from './theme.ts';

export const SIDE = 28;

export function makeDigitsView(): { draw(picture: DigitsPicture): void; sample(): Uint8Array | null } {
  let shown: DigitsPicture | undefined;
  let next = 0;
  const redraw = () => shown && paint(shown);
  onTheme(redraw);
  return {
    draw(picture) {
      shown = picture;
      redraw();
    },
    /** One of them after the other. */
    sample: () => shown?.digits[next++ % shown.digits.length].pixels ?? null,
  };
}

function paint({ digits, of, wrong }: DigitsPicture): void {
  byId('digits-about').textContent =
    `${digits.length} of ${of.toLocaleString('en')} digits that are held out, with what the network reads. It misreads ${wrong.toLocaleString('en')} of all.`;
  const gallery = byId('gallery');
  while (gallery.childElementCount < digits.length) {
    const li = document.createElement('li');
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [SIDE, SIDE];
    canvas.ariaHidden = 'true';
    li.append(canvas, document.createElement('span'), document.createElement('s'));
    gallery.append(li);
  }
  digits.forEach(({ pixels, label, predicted }, i) => {
    const li = gallery.children[i] as HTMLElement;
    const [canvas, read, truth] = li.children as unknown as [HTMLCanvasElement, HTMLElement, HTMLElement];
    paintDigit(canvas, pixels);
    li.dataset.wrong = String(predicted !== label);
    read.textContent = String(predicted);
    truth.textContent = predicted === label ? '' : `is ${label}`;
  });
}

/** Ink in the colour of the text. */
export function paintDigit(canvas: HTMLCanvasElement, pixels: Uint8Array): void {
  const small = canvas.width === SIDE ? canvas : new OffscreenCanvas(SIDE, SIDE);
  const context = small.getContext('2d') as CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;
  if (!context) return;
  context.clearRect(0, 0, SIDE, SIDE);
  context.fillStyle = colour('ink');
  pixels.forEach((ink, i) => {
    if (ink === 0) return;
    context.globalAlpha = ink / 255;
    context.fillRect(i % SIDE, Math.floor(i / SIDE), 1, 1);
  });
  context.globalAlpha = 1;
  if (small !== canvas) canvas.getContext('2d')?.drawImage(small as OffscreenCanvas, 0, 0, canvas.width, canvas.height);
}
