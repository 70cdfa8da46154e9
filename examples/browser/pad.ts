/** A pad to draw a digit on. What is drawn is brought to MNIST's form: in a box of 20, its centre of mass in the middle of 28. */

import { paintDigit, SIDE } from './digitsView.ts';
import { byId, colour, onTheme } from './theme.ts';

const BOX = 20;

export interface Pad {
  /** Shows the probability of each digit. */
  tell(probabilities: readonly number[]): void;
  clear(): void;
}

/** `classify` is handed 784 grey values at each change; `sample` gives a digit to put on the pad. */
export function makePad(classify: (pixels: Float32Array) => void, sample: () => Uint8Array | null): Pad {
  const canvas = byId<HTMLCanvasElement>('pad');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const said = byId('pad-said');
  const columns = makeColumns();
  let at: { x: number; y: number } | null = null;
  /** A sample is in MNIST's form already. */
  let whole: Uint8Array | null = null;
  let asked = false;

  const place = (e: PointerEvent) => ({
    x: (e.offsetX * canvas.width) / canvas.clientWidth,
    y: (e.offsetY * canvas.height) / canvas.clientHeight,
  });
  const ask = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      const pixels = whole ? Float32Array.from(whole, (v) => v / 255) : context && normalised(context);
      if (pixels) classify(pixels);
    });
  };
  const clear = () => {
    whole = null;
    context?.clearRect(0, 0, canvas.width, canvas.height);
    said.textContent = 'Draw with mouse, pen or finger.';
    columns.forEach(([li, bar]) => {
      li.dataset.best = 'false';
      bar.style.height = '0';
    });
  };

  canvas.addEventListener('pointerdown', (e) => {
    if (whole) clear();
    canvas.setPointerCapture(e.pointerId);
    at = place(e);
    stroke(context, at, at);
    ask();
  });
  canvas.addEventListener('pointermove', (e) => {
    if (!at) return;
    const to = place(e);
    stroke(context, at, to);
    at = to;
    ask();
  });
  for (const end of ['pointerup', 'pointercancel']) {
    canvas.addEventListener(end, () => {
      at = null;
    });
  }
  byId('pad-clear').addEventListener('click', clear);
  byId('pad-sample').addEventListener('click', () => {
    const pixels = sample();
    if (!pixels) return;
    clear();
    whole = pixels;
    paintDigit(canvas, pixels);
    ask();
  });
  onTheme(() => (whole ? paintDigit(canvas, whole) : clear()));

  return {
    tell(probabilities) {
      const best = probabilities.indexOf(Math.max(...probabilities));
      said.textContent = `Reads ${best}, ${Math.round(100 * probabilities[best])} % sure.`;
      columns.forEach(([li, bar], digit) => {
        li.dataset.best = String(digit === best);
        bar.style.height = `${100 * probabilities[digit]}%`;
      });
    },
    clear,
  };
}

/** Ten bars with their digits. */
function makeColumns(): [HTMLElement, HTMLElement][] {
  const columns = Array.from({ length: 10 }, (_, digit): [HTMLElement, HTMLElement] => {
    const li = document.createElement('li');
    const column = document.createElement('div');
    column.className = 'column';
    const bar = document.createElement('div');
    column.append(bar);
    li.append(column, String(digit));
    return [li, bar];
  });
  byId('chances').replaceChildren(...columns.map(([li]) => li));
  return columns;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

function stroke(context: CanvasRenderingContext2D | null, from: Place, to: Place): void {
  if (!context) return;
  context.strokeStyle = colour('ink');
  context.lineWidth = 22;
  context.lineCap = 'round';
  context.beginPath();
  context.moveTo(from.x, from.y);
  context.lineTo(to.x, to.y);
  context.stroke();
}

/** 784 grey values, ink = 1; null of an empty pad. */
function normalised(context: CanvasRenderingContext2D): Float32Array | null {
  const { width, height } = context.canvas;
  const { data } = context.getImageData(0, 0, width, height);
  const ink = (x: number, y: number) => data[4 * (y * width + x) + 3];
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (ink(x, y) === 0) continue;
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
    }
  }
  if (right < 0) return null;
  const scale = Math.max(right - left + 1, bottom - top + 1, width / 8) / BOX;
  const small = new Float32Array(SIDE * SIDE);
  // Each pixel of the pad falls with its share on one of the small ones, around the middle of what is drawn.
  const [middleX, middleY] = centre(ink, { left, top, right, bottom });
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const [sx, sy] = [(x - middleX) / scale + SIDE / 2, (y - middleY) / scale + SIDE / 2].map(Math.floor);
      if (sx < 0 || sy < 0 || sx >= SIDE || sy >= SIDE) continue;
      small[sy * SIDE + sx] += ink(x, y) / 255 / (scale * scale);
    }
  }
  return small.map((v) => Math.min(1, v));
}

/** The centre of mass. */
function centre(
  ink: (x: number, y: number) => number,
  box: { left: number; top: number; right: number; bottom: number },
): [number, number] {
  let [mass, mx, my] = [0, 0, 0];
  for (let y = box.top; y <= box.bottom; y++) {
    for (let x = box.left; x <= box.right; x++) {
      const m = ink(x, y);
      mass += m;
      mx += m * (x + 0.5);
      my += m * (y + 0.5);
    }
  }
  return [mx / mass, my / mass];
}
