// What is drawn on top of a map: lines of the sky, regions, the best fit, marks.

import { boundary } from './healpix.js';
import { degrees, ofGalactic } from './angles.js';
import { ofAround, ofFullSky } from './graticule.js';
import { FullSky } from './projection.js';
import { isDark } from './colour.js';

/** By day the map is pale around the source, by night dark. */
const INKS = {
  light: {
    accent: '#d54a00',
    halo: 'rgba(255,255,255,.9)',
    line: 'rgba(70,76,88,.38)',
    text: '#1a1d24',
    mark: '#7a1fa2',
    frame: '#1a1d24',
  },
  dark: {
    accent: '#ff8a3d',
    halo: 'rgba(10,12,18,.9)',
    line: 'rgba(200,208,224,.3)',
    text: '#eef1f6',
    mark: '#e29bff',
    frame: '#9aa3b2',
  },
};

/** How the outline of a region is dashed, by how many are smaller. */
const DASHES = [[6, 4], [], [2, 3], [8, 3, 2, 3]];

export const dashOf = (place, regions) => (regions === 1 ? [] : DASHES[Math.min(place, DASHES.length - 1)]);

export function overlay(context, projection, { contour, marks = [], second, under, cross }) {
  const ink = INKS[isDark() ? 'dark' : 'light'];
  const isFull = projection instanceof FullSky;
  const { lines, names } = isFull ? ofFullSky(projection) : ofAround(projection);
  context.save();
  context.lineJoin = 'round';
  context.strokeStyle = ink.line;
  context.lineWidth = 1;
  for (const line of lines) path(context, projection, line, false);
  if (isFull) {
    context.setLineDash([1, 4]);
    context.strokeStyle = ink.text;
    path(context, projection, Array.from({ length: 181 }, (_, i) => ofGalactic(2 * i, 0)), false);
    context.setLineDash([]);
    limb(context, projection, ink);
  }
  if (under) {
    const outline = boundary(under.nside, under.pixel, 8).map(degrees);
    context.lineWidth = 1.5;
    context.strokeStyle = ink.text;
    path(context, projection, outline, true);
  }
  const regions = contour?.regions ?? [];
  regions.forEach(({ outlines }, place) => {
    for (const outline of outlines) {
      const directions = outline.map(([ra, dec]) => ({ ra_deg: ra, dec_deg: dec }));
      for (const [colour, width, dash] of [[ink.halo, 4.5, []], [ink.accent, 2.25, dashOf(place, regions.length)]]) {
        context.strokeStyle = colour;
        context.lineWidth = isFull ? width * 0.7 : width;
        context.setLineDash(dash);
        path(context, projection, directions, true);
      }
    }
  });
  context.setLineDash([]);
  for (const { text, at, place, align, dx = 0, dy = 0 } of names) {
    const stands = place ?? projection.page(at);
    if (stands) letters(context, ink, text, stands[0] + dx, stands[1] + dy, align);
  }
  const near = isFull && contour?.best ? projection.page(contour.best) : null;
  if (second) diamond(context, projection.page(second), ink, ink.accent, 'second minimum', projection, near);
  for (const mark of marks) diamond(context, projection.page(mark), ink, ink.mark, mark.name, projection, near);
  if (contour?.best) best(context, projection.page(contour.best), ink, isFull);
  if (cross) {
    const [x, y] = [projection.width / 2, projection.height / 2];
    context.strokeStyle = ink.text;
    context.lineWidth = 1;
    strokes(context, [[x - 7, y, x + 7, y], [x, y - 7, x, y + 7]]);
  }
  if (!isFull) bar(context, projection, ink);
  context.restore();
}

function path(context, projection, directions, isClosed) {
  context.beginPath();
  let before = null;
  let first = null;
  for (const at of isClosed ? [...directions, directions[0]] : directions) {
    const place = at && projection.page(at);
    if (!place) before = null;
    else if (!before || projection.isTorn(before, place)) context.moveTo(place[0], place[1]);
    else context.lineTo(place[0], place[1]);
    before = place;
    first ??= place;
  }
  context.stroke();
}

/** The edge of the whole sky. */
function limb(context, projection, ink) {
  context.beginPath();
  context.ellipse(
    projection.width / 2,
    projection.height / 2 + projection.scale * projection.down,
    2 * Math.SQRT2 * projection.scale,
    Math.SQRT2 * projection.scale,
    0,
    0,
    2 * Math.PI,
  );
  context.strokeStyle = ink.frame;
  context.lineWidth = 1.5;
  context.stroke();
}

function letters(context, ink, text, x, y, align) {
  context.font = '12px system-ui, sans-serif';
  context.textAlign = align;
  context.textBaseline = 'middle';
  context.strokeStyle = ink.halo;
  context.lineWidth = 3.5;
  context.strokeText(text, x, y);
  context.fillStyle = ink.text;
  context.fillText(text, x, y);
}

function strokes(context, all) {
  context.beginPath();
  for (const [x1, y1, x2, y2] of all) {
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
  }
  context.stroke();
}

/** A cross that leaves its middle open; in the whole sky a ring around it, since the region is a speck there. */
function best(context, place, ink, isFull) {
  if (!place) return;
  const [x, y] = place;
  for (const [colour, width] of [[ink.halo, 5], [ink.accent, 2.5]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    strokes(context, [[x - 13, y, x - 4, y], [x + 4, y, x + 13, y], [x, y - 13, x, y - 4], [x, y + 4, x, y + 13]]);
    if (isFull) {
      context.beginPath();
      context.arc(x, y, 13, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}

function diamond(context, place, ink, colour, name, projection, best) {
  if (!place || place[0] < -20 || place[0] > projection.width + 20) return;
  const [x, y] = place;
  for (const [stroke, width] of [[ink.halo, 5], [colour, 2.25]]) {
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x, y - 7);
    context.lineTo(x + 7, y);
    context.lineTo(x, y + 7);
    context.lineTo(x - 7, y);
    context.closePath();
    context.stroke();
  }
  // In the whole sky names of what is close would be a heap.
  if (best && Math.hypot(best[0] - x, best[1] - y) < 40) return;
  const isRight = x > projection.width * 0.65;
  letters(context, ink, name, x + (isRight ? -11 : 11), y, isRight ? 'right' : 'left');
}

/** How long a degree is. */
function bar(context, projection, ink) {
  const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20];
  const perDegree = (projection.scale * Math.PI) / 180;
  const step = steps.filter((s) => s * perDegree < projection.width / 4).pop();
  if (!step) return;
  const [right, y] = [projection.width - 14, 16];
  const left = right - step * perDegree;
  for (const [colour, width] of [[ink.halo, 5], [ink.text, 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    strokes(context, [[left, y, right, y], [left, y - 4, left, y + 4], [right, y - 4, right, y + 4]]);
  }
  letters(context, ink, `${step}°`, (left + right) / 2, y + 14, 'center');
}
