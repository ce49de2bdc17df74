// Paints a map place by place: the cost is that of the canvas, not of the map, however many pixels that has.

import { valueAt } from './lookup.js';

/** Milliseconds of one piece of work; a frame has 16. */
const SLICE_MS = 9;

/**
 * Colours rows `from` to where the time is over of an image whose places are `step` apart; answers with the next row.
 */
function rows(image, from, until, { projection, map, scale, step }) {
  const { width, height } = image;
  const words = new Uint32Array(image.data.buffer);
  const xs = Float64Array.from({ length: width }, (_, i) => (i + 0.5) * step);
  const at = new Float64Array(3 * width);
  for (let y = from; y < height; y += 1) {
    if ((y & 7) === 0 && performance.now() > until) return y;
    projection.row((y + 0.5) * step, xs, at);
    let word = y * width;
    for (let x = 0; x < width; x += 1, word += 1) {
      const z = at[3 * x];
      if (z !== z) continue;
      const value = map ? valueAt(map, z, at[3 * x + 1], at[3 * x + 2]) : Infinity;
      if (value === Infinity) words[word] = scale.unscanned;
      else if (value !== value) words[word] = (x + y) % 6 < 2 ? scale.failed : scale.unscanned;
      else words[word] = scale.packed(value);
    }
  }
  return height;
}

/** Paints all of it now, with at most `most` places: what is shown while things move. */
export function paintNow(picture, most) {
  const { width, height } = picture.projection;
  const step = Math.max(picture.finest, Math.sqrt((width * height) / most));
  const image = new ImageData(Math.max(1, Math.ceil(width / step)), Math.max(1, Math.ceil(height / step)));
  rows(image, 0, Infinity, { ...picture, step });
  return { image, step };
}

/** Paints all of it as fine as the screen is, a slice at a time. Answers with how to stop; `done` gets the image. */
export function paintFinely(picture, done) {
  const { width, height } = picture.projection;
  const step = picture.finest;
  const image = new ImageData(Math.max(1, Math.ceil(width / step)), Math.max(1, Math.ceil(height / step)));
  let row = 0;
  let timer = setTimeout(slice, 0);
  function slice() {
    row = rows(image, row, performance.now() + SLICE_MS, { ...picture, step });
    if (row < image.height) timer = setTimeout(slice, 0);
    else done({ image, step });
  }
  return () => clearTimeout(timer);
}
