/** Flowers by petal length and width, over what the network would call a flower there. */

import { SPECIES } from '../iris.ts';
import type { IrisPicture } from './protocol.ts';
import { byId, colour, onTheme } from './theme.ts';

/** Room for the axes, in CSS pixels. */
const EDGE = { left: 40, bottom: 36, top: 8, right: 8 } as const;

export function makeIrisView(): { draw(picture: IrisPicture): void } {
  const canvas = byId<HTMLCanvasElement>('iris-canvas');
  const legend = byId('iris-legend');
  const names = [...SPECIES, 'predicted wrongly'].map((name, i) => {
    const span = document.createElement('span');
    span.textContent = name;
    span.dataset.species = i < SPECIES.length ? String(i) : 'wrong';
    return span;
  });
  legend.replaceChildren(...names);
  let shown: IrisPicture | undefined;
  const redraw = () => shown && paint(canvas, shown);
  new ResizeObserver(redraw).observe(canvas);
  onTheme(redraw);
  return {
    draw(picture) {
      shown = picture;
      const wrong = picture.flowers.filter((f) => f.species !== f.predicted).length;
      const right = picture.flowers.length - wrong;
      canvas.ariaLabel = `Flowers by petal length and width: ${right} of ${picture.flowers.length} species predicted rightly`;
      redraw();
    },
  };
}

function paint(canvas: HTMLCanvasElement, p: IrisPicture): void {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const context = canvas.getContext('2d');
  if (!context || width === 0) return;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.scale(ratio, ratio);
  const area = { w: width - EDGE.left - EDGE.right, h: height - EDGE.top - EDGE.bottom };
  const X = (cm: number) => EDGE.left + (area.w * (cm - p.lengths[0])) / (p.lengths[1] - p.lengths[0]);
  const Y = (cm: number) => EDGE.top + area.h - (area.h * (cm - p.widths[0])) / (p.widths[1] - p.widths[0]);
  const colours = [0, 1, 2].map((c) => colour(`c${c}`));

  context.save();
  context.beginPath();
  context.roundRect(EDGE.left, EDGE.top, area.w, area.h, 8);
  context.clip();
  context.globalAlpha = 0.2;
  context.imageSmoothingQuality = 'high';
  context.drawImage(ground(p, colours), EDGE.left, EDGE.top, area.w, area.h);
  context.restore();

  for (const { length, width: w, species, predicted } of p.flowers) {
    context.beginPath();
    context.arc(X(length), Y(w), 4, 0, 2 * Math.PI);
    context.fillStyle = colours[species];
    context.fill();
    context.lineWidth = 1;
    context.strokeStyle = colour('card');
    context.stroke();
    if (species === predicted) continue;
    context.beginPath();
    context.arc(X(length), Y(w), 7, 0, 2 * Math.PI);
    context.lineWidth = 2;
    context.strokeStyle = colour('bad');
    context.stroke();
  }

  context.fillStyle = colour('soft');
  context.font = '12px system-ui, sans-serif';
  context.textAlign = 'center';
  for (let cm = Math.ceil(p.lengths[0]); cm <= p.lengths[1]; cm++) context.fillText(String(cm), X(cm), height - 20);
  context.fillText('petal length, cm', EDGE.left + area.w / 2, height - 4);
  context.textAlign = 'right';
  for (let cm = Math.ceil(p.widths[0]); cm <= p.widths[1]; cm++) context.fillText(String(cm), EDGE.left - 6, Y(cm) + 4);
  context.save();
  context.translate(12, EDGE.top + area.h / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = 'center';
  context.fillText('petal width, cm', 0, 0);
  context.restore();
}

/** The plane with a pixel a cell, so that the browser smooths its borders. */
function ground({ plane, columns, rows }: IrisPicture, colours: readonly string[]): OffscreenCanvas {
  const small = new OffscreenCanvas(columns, rows);
  const context = small.getContext('2d');
  if (!context) return small;
  for (let row = 0; row < rows; row++) {
    for (let from = 0, to = 1; to <= columns; to++) {
      const species = plane[row * columns + from];
      if (to < columns && plane[row * columns + to] === species) continue;
      context.fillStyle = colours[species];
      context.fillRect(from, rows - 1 - row, to - from, 1);
      from = to;
    }
  }
  return small;
}
