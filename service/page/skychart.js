// A map on a canvas: full sky or around the best fit, with a legend and what is under the pointer.

import { announce, el, say } from './dom.js';
import { dec, degrees, hours, ra, separation, sexagesimal } from './angles.js';
import { centre } from './healpix.js';
import { figure } from './format.js';
import { gestures } from './gestures.js';
import { icon } from './icons.js';
import { isDark, roundUp, Scale } from './colour.js';
import { legend } from './legend.js';
import { overlay } from './overlay.js';
import { paintFinely, paintNow } from './paint.js';
import { Around, FullSky, sky } from './projection.js';
import { pixelSeen } from './lookup.js';

/** Places painted at once while things move. */
const ROUGH = 30_000;

/** The eye needs no more than this, and canvases of phones have three times as many places. */
const FINEST_RATIO = 2;

/** The zoom shows this much more than the largest region. */
const ROOM = 1.35;

/** Side of a pixel of nside 1. */
const PIXEL_DEG = 58.6;

export class SkyChart {
  /** `kind`: `full` or `zoom`. */
  constructor(kind, name) {
    this.isFull = kind === 'full';
    this.projection = this.isFull ? new FullSky() : new Around({ ra_deg: 180, dec_deg: 0 }, 60);
    this.isFree = false;
    this.shown = {};
    this.canvas = el('canvas', {
      class: 'sky',
      tabindex: '0',
      role: 'application',
      'aria-roledescription': 'sky map',
      'aria-label': `${name}. Arrow keys move, plus and minus magnify, 0 goes back. The table below has the same.`,
    });
    this.readout = el('p', { class: 'readout' });
    this.legend = legend();
    this.frame = el('div', { class: `frame ${kind}` }, this.canvas);
    this.element = el(
      'figure',
      { class: 'chart' },
      el('figcaption', {}, el('span', {}, name), this.buttons(name)),
      this.frame,
      this.readout,
      this.legend.element,
    );
    gestures(this.canvas, {
      drag: (dx, dy) => this.move(() => this.projection.drag(dx, dy)),
      magnify: (factor, x, y) => this.move(() => this.projection.magnify(factor, x, y)),
      point: (x, y) => this.point(x, y),
      home: () => this.home(),
      keyed: () => this.keyed(),
    });
    this.canvas.addEventListener('blur', () => {
      this.isKeyed = false;
      this.draw();
    });
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(this.canvas);
    this.theme = window.matchMedia('(prefers-color-scheme: dark)');
    this.themed = () => this.show({});
    this.theme.addEventListener('change', this.themed);
    this.tell();
  }

  close() {
    this.dialog?.remove();
    this.sizes.disconnect();
    this.theme.removeEventListener('change', this.themed);
    this.stop?.();
    clearTimeout(this.settling);
  }

  buttons(name) {
    const button = (label, sign, act) =>
      el(
        'button',
        { type: 'button', class: 'tool', 'aria-label': `${label}: ${name}`, title: label, onclick: act },
        icon(sign),
      );
    const middle = () => [this.projection.width / 2, this.projection.height / 2];
    this.larger = button('Enlarge', 'enlarge', () => this.enlarge());
    return el(
      'div',
      { class: 'tools' },
      button('Magnify', 'plus', () => this.move(() => this.projection.magnify(1.6, ...middle()))),
      button('Shrink', 'minus', () => this.move(() => this.projection.magnify(1 / 1.6, ...middle()))),
      button('Back to the best fit', 'target', () => this.home()),
      this.larger,
    );
  }

  /** The figure has the whole screen, and all gestures, until Escape or the button ends it. */
  enlarge() {
    if (this.dialog) {
      this.dialog.close();
      return;
    }
    const rest = document.createComment('the map is enlarged');
    this.element.replaceWith(rest);
    this.dialog = el('dialog', { class: 'enlarged', 'aria-label': 'Enlarged map' }, this.element);
    const relabel = (sign, label) => {
      this.larger.replaceChildren(icon(sign));
      this.larger.title = label;
      this.larger.setAttribute('aria-label', label);
    };
    this.dialog.addEventListener('close', () => {
      rest.replaceWith(this.element);
      this.dialog.remove();
      this.dialog = null;
      relabel('enlarge', 'Enlarge');
      this.larger.focus();
    });
    document.body.append(this.dialog);
    relabel('close', 'Back to the page');
    this.dialog.showModal();
    this.canvas.focus();
  }

  /** Something new to show: `map`, `contour`, `level` (the highest of the regions), `marks`, `second`. */
  show(news) {
    Object.assign(this.shown, news);
    const { map, level } = this.shown;
    const highest = level ?? 8.6;
    const cap = this.isFull ? Math.max(map?.quantiles.most ?? 0, 4 * highest) : 3 * highest;
    this.scale = new Scale(roundUp(cap), this.isFull, isDark());
    this.legend.show(this.scale, this.shown.contour, map);
    if (!this.isFree) this.aim();
    this.paint(false);
  }

  /** Looks where the best fit and its regions are. */
  aim() {
    const { contour, map } = this.shown;
    if (this.isFull) {
      this.projection.reset();
      if (this.projection.width) this.projection.fit(this.projection.width, this.projection.height);
    } else if (contour) {
      const { at, reach } = extent(contour);
      this.projection.set(at, Math.max(ROOM * reach, (2 * PIXEL_DEG) / (contour.nside || 8)));
    } else if (map) this.projection.set(degrees(centre(map.best.nside, map.best.pixel)), 60);
  }

  home() {
    this.isFree = false;
    this.aim();
    this.paint(true);
  }

  move(change) {
    if (!this.projection.width) return;
    this.isFree = true;
    change();
    this.paint(true);
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    this.ratio = Math.min(FINEST_RATIO, window.devicePixelRatio || 1);
    this.canvas.width = Math.round(width * this.ratio);
    this.canvas.height = Math.round(height * this.ratio);
    this.projection.fit(width, height);
    this.paint(true);
  }

  /** Roughly at once if it moves, then finely; what is there stays until it is replaced if it does not move. */
  paint(moves) {
    if (!this.projection.width || !this.scale) return;
    this.stop?.();
    clearTimeout(this.settling);
    const picture = { projection: this.projection, map: this.shown.map, scale: this.scale, finest: 1 / this.ratio };
    if (moves || !this.base) this.keep(paintNow(picture, ROUGH));
    this.settling = setTimeout(() => {
      this.stop = paintFinely(picture, (image) => {
        this.keep(image);
        this.draw();
      });
    }, moves ? 90 : 0);
    this.draw();
  }

  keep({ image, step }) {
    this.base ??= document.createElement('canvas');
    this.base.width = image.width;
    this.base.height = image.height;
    this.base.getContext('2d').putImageData(image, 0, 0);
    this.step = step;
  }

  draw() {
    if (this.drawing || !this.base) return;
    this.drawing = requestAnimationFrame(() => {
      this.drawing = null;
      const context = this.canvas.getContext('2d');
      context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
      context.clearRect(0, 0, this.projection.width, this.projection.height);
      context.imageSmoothingEnabled = false;
      context.drawImage(this.base, 0, 0, this.base.width * this.step, this.base.height * this.step);
      overlay(context, this.projection, { ...this.shown, under: this.under, cross: this.isKeyed });
    });
  }

  point(x, y) {
    this.isKeyed = false;
    const at = x === null || !this.projection.width ? null : sky(this.projection, x, y);
    this.under = at && this.shown.map ? pixelSeen(this.shown.map, at.z, at.s, at.phi) : null;
    this.tell(at);
    this.draw();
  }

  /** After keys the middle is what is pointed at, and is said once it rests. */
  keyed() {
    this.point(this.projection.width / 2, this.projection.height / 2);
    this.isKeyed = true;
    clearTimeout(this.saying);
    this.saying = setTimeout(() => announce(this.readout.textContent), 600);
  }

  tell(at) {
    if (!at) {
      say(
        this.readout,
        isTouched()
          ? 'Tap for values. Two fingers move and magnify.'
          : 'Point for values. Click, then wheel or keys magnify.',
      );
      return;
    }
    const words = [
      `RA ${ra(at.ra_deg, 3)} (${hours(at.ra_deg)})`,
      `Dec ${dec(at.dec_deg, 3)} (${sexagesimal(at.dec_deg)})`,
    ];
    if (!this.under) words.push('not scanned');
    else {
      const { value, nside } = this.under;
      words.push(
        Number.isNaN(value) ? 'fit failed' : `2Δllh ${value < 1000 ? value.toFixed(2) : figure(value)}`,
        `nside ${nside}`,
      );
    }
    const { contour } = this.shown;
    if (contour) words.push(`${figure(separation(contour.best, at))}° from the best fit`);
    say(this.readout, words.join(' · '));
  }
}

const isTouched = () => window.matchMedia('(pointer: coarse)').matches;

/** Middle and reach of what a contour has: of all its islands, and the best fit. */
function extent({ best, regions }) {
  const near = new Around(best, 90);
  near.fit(2, 2);
  const places = [
    { ra_deg: best.ra_deg, dec_deg: best.dec_deg },
    ...regions.flatMap(({ outlines }) => outlines.flat()).map(([a, d]) => ({ ra_deg: a, dec_deg: d })),
  ];
  const seen = places.map((at) => near.page(at)).filter(Boolean);
  const middle = (axis) => (Math.min(...seen.map((p) => p[axis])) + Math.max(...seen.map((p) => p[axis]))) / 2;
  const at = sky(near, middle(0), middle(1)) ?? best;
  return {
    at: { ra_deg: at.ra_deg, dec_deg: at.dec_deg },
    reach: places.reduce((far, p) => Math.max(far, separation(at, p)), 0),
  };
}
