// Small skies in the list: only of what is on the screen, two at a time, and not of maps that are far
// finer than a thumbnail.

import { el } from './dom.js';
import { isDark, roundUp, Scale } from './colour.js';
import { hasMap, isEnd } from './words.js';
import { mapOf } from './maps.js';
import { paintNow } from './paint.js';
import { FullSky } from './projection.js';

const WIDTH = 112;
const HEIGHT = 58;
const RATIO = 2;
/** Pixels of nside 16 are as large as four places of the thumbnail. */
const FINEST = 16;
const AT_ONCE = 2;
/** A running scan's sky is looked at again after this. */
const AGAIN_MS = 8_000;

export class Thumbnails {
  constructor() {
    this.waiting = [];
    this.busy = 0;
    this.seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        target.thumbnail.isSeen = isIntersecting;
        if (isIntersecting) this.want(target.thumbnail);
      }
    });
    this.theme = window.matchMedia('(prefers-color-scheme: dark)');
    this.all = new Set();
    this.themed = () => this.all.forEach(draw);
    this.theme.addEventListener('change', this.themed);
  }

  close() {
    this.seen.disconnect();
    this.theme.removeEventListener('change', this.themed);
    this.waiting = [];
    this.isClosed = true;
  }

  /** A canvas with `follow(scan)` and `forget()`. What it shows stands beside it in words. */
  picture() {
    const canvas = el('canvas', {
      class: 'thumb',
      width: WIDTH * RATIO,
      height: HEIGHT * RATIO,
      'aria-hidden': 'true',
    });
    const thumbnail = { canvas, at: -Infinity, etag: null, map: null, scan: null, isFinal: false };
    canvas.thumbnail = thumbnail;
    this.all.add(thumbnail);
    canvas.follow = (scan) => {
      thumbnail.scan = scan;
      draw(thumbnail);
      this.want(thumbnail);
    };
    canvas.forget = () => {
      this.seen.unobserve(canvas);
      this.all.delete(thumbnail);
      thumbnail.isSeen = false;
    };
    this.seen.observe(canvas);
    return canvas;
  }

  want(thumbnail) {
    const { scan } = thumbnail;
    if (!thumbnail.isSeen || !scan || thumbnail.isFinal || !hasMap(scan)) return;
    if (!isEnd(scan.state) && performance.now() - thumbnail.at < AGAIN_MS) return;
    if (!this.waiting.includes(thumbnail)) this.waiting.push(thumbnail);
    this.work();
  }

  work() {
    while (this.busy < AT_ONCE && this.waiting.length && !this.isClosed) {
      const thumbnail = this.waiting.shift();
      if (!thumbnail.isSeen) continue;
      this.busy += 1;
      this.load(thumbnail).finally(() => {
        this.busy -= 1;
        this.work();
      });
    }
  }

  async load(thumbnail) {
    const isFinal = isEnd(thumbnail.scan.state);
    thumbnail.at = performance.now();
    const answer = await mapOf(thumbnail.scan.id, { etag: thumbnail.etag, finest: FINEST });
    // One that was not reached is tried again when it is looked at again.
    thumbnail.isFinal = isFinal && answer.failed !== 0;
    if (!answer.map) return;
    thumbnail.map = answer.map;
    thumbnail.etag = answer.etag;
    draw(thumbnail);
  }
}

function draw({ canvas, map, scan }) {
  const context = canvas.getContext('2d');
  context.setTransform(RATIO, 0, 0, RATIO, 0, 0);
  context.clearRect(0, 0, WIDTH, HEIGHT);
  const projection = new FullSky();
  projection.fit(WIDTH, HEIGHT);
  const scale = new Scale(roundUp(Math.max(35, map?.quantiles.most ?? 0)), true);
  const { image } = paintNow({ projection, map, scale, finest: 1 / RATIO }, Infinity);
  context.putImageData(image, 0, 0);
  context.strokeStyle = isDark() ? '#9aa3b2' : '#4a5160';
  context.lineWidth = 1;
  context.beginPath();
  context.ellipse(
    WIDTH / 2,
    HEIGHT / 2,
    2 * Math.SQRT2 * projection.scale,
    Math.SQRT2 * projection.scale,
    0,
    0,
    2 * Math.PI,
  );
  context.stroke();
  if (!scan?.best) return;
  // The ring stays whole at the poles.
  const [x, place] = projection.page(scan.best);
  const y = Math.min(HEIGHT - 7, Math.max(7, place));
  for (const [colour, width] of [[isDark() ? '#0a0c12' : '#fff', 4], [isDark() ? '#ff8a3d' : '#d54a00', 2]]) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, 5, 0, 2 * Math.PI);
    context.stroke();
  }
}
