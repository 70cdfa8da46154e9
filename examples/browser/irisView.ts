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
  context.globalAlpha = 0.17;
  const [cw, ch] = [area.w / p.columns, area.h / p.rows];
  // Runs of one species in one stroke, so that no seams show between cells.
  for (let r = 0; r < p.rows; r++) {
    const top = Math.round((EDGE.top + area.h - (r + 1) * ch) * ratio) / ratio;
    const bottom = Math.round((EDGE.top + area.h - r * ch) * ratio) / ratio;
    for (let from = 0, c = 1; c <= p.columns; c++) {
      if (c < p.columns && p.plane[r * p.columns + c] === p.plane[r * p.columns + from]) continue;
      context.fillStyle = colours[p.plane[r * p.columns + from]];
      const [left, right] = [from, c].map((i) => Math.round((EDGE.left + i * cw) * ratio) / ratio);
      context.fillRect(left, top, right - left, bottom - top);
      from = c;
    }
  }
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
