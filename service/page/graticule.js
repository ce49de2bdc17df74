// Lines of equal right ascension and declination, and what they are called.

import { sky } from './projection.js';
import { wrapped } from './angles.js';

const STEPS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30];
const TURNS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 45, 90];

const pick = (steps, wanted) => steps.find((step) => step >= wanted) ?? steps[steps.length - 1];

/** Digits that tell lines of a step apart. */
const digits = (step) => Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));

const decName = (deg, step) => `${deg < -1e-9 ? '−' : deg > 1e-9 ? '+' : ''}${Math.abs(deg).toFixed(digits(step))}°`;
const raName = (deg, step) => `${Number(wrapped(deg).toFixed(digits(step)) % 360).toFixed(digits(step))}°`;

/** Lines of the whole sky: paths of directions, and names with where they stand. */
export function ofFullSky(projection) {
  const wide = projection.width > 520;
  const fine = projection.zoom > 3 ? 2 : 1;
  const raStep = (wide ? 30 : 60) / fine;
  const decStep = 30 / fine;
  const lines = [];
  const names = [];
  for (let ra = 0; ra < 360; ra += raStep) {
    lines.push(range(-90, 90, 60).map((dec) => ({ ra_deg: ra, dec_deg: dec })));
    names.push({ text: raName(ra, 1), at: { ra_deg: ra, dec_deg: 0 }, align: 'center', dy: 11 });
  }
  // The limb itself has no name that could be read.
  const middle = projection.middle;
  const readable = names.filter(({ at }) => Math.abs(((at.ra_deg - middle + 540) % 360) - 180) < 165);
  for (let dec = -90 + decStep; dec < 90; dec += decStep) {
    lines.push(range(middle - 179.99, middle + 179.99, 90).map((ra) => ({ ra_deg: ra, dec_deg: dec })));
    // On a small sky they would stand on each other.
    const isNamed = Math.abs(dec) > 1e-9 && (wide || fine > 1 || Math.abs(dec) > 45);
    if (isNamed) {
      readable.push({ text: decName(dec, 1), at: { ra_deg: middle, dec_deg: dec }, align: 'left', dx: 3, dy: -7 });
    }
  }
  return { lines, names: readable };
}

/** Lines around a direction; names stand where lines cross the left and the lower edge. */
export function ofAround(projection) {
  const { width, height, radius, at } = projection;
  const edge = [];
  for (let i = 0; i <= 16; i += 1) {
    const [x, y] = [(width * i) / 16, (height * i) / 16];
    for (const [px, py] of [[x, 0], [x, height], [0, y], [width, y]]) {
      const seen = sky(projection, px, py);
      if (seen) edge.push(seen);
    }
  }
  let south = Math.min(at.dec_deg, ...edge.map((e) => e.dec_deg));
  let north = Math.max(at.dec_deg, ...edge.map((e) => e.dec_deg));
  const turn = (ra) => ((ra - at.ra_deg + 540) % 360) - 180;
  const isSeen = (dec) => {
    const place = projection.page({ ra_deg: at.ra_deg, dec_deg: dec });
    return place && place[1] >= 0 && place[1] <= height;
  };
  const hasPole = isSeen(90) || isSeen(-90);
  if (isSeen(90)) north = 90;
  if (isSeen(-90)) south = -90;
  const reach = hasPole ? 180 : Math.min(180, 1.02 * Math.max(...edge.map((e) => Math.abs(turn(e.ra_deg)))));

  const decStep = pick(STEPS, (2 * radius) / 5);
  const cos = Math.max(0.05, Math.cos((Math.min(85, Math.abs(at.dec_deg)) * Math.PI) / 180));
  const raStep = hasPole ? 30 : pick(TURNS, (2 * radius) / (width < 420 ? 4 : 5) / cos);
  const lines = [];
  const names = [];
  for (let k = Math.ceil((at.ra_deg - reach) / raStep); k * raStep <= at.ra_deg + reach; k += 1) {
    if (reach === 180 && k * raStep >= at.ra_deg + 180) break;
    const line = range(Math.max(-90, south), Math.min(90, north), 40).map((dec) => ({
      ra_deg: k * raStep,
      dec_deg: dec,
    }));
    lines.push(line);
    const x = crossing(projection, line, 1, height - 14);
    if (x !== null && x > 40 && x < width - 16) {
      names.push({ text: raName(k * raStep, raStep), place: [x, height - 8], align: 'center' });
    }
  }
  for (let k = Math.ceil(south / decStep); k * decStep <= north; k += 1) {
    if (Math.abs(k * decStep) >= 90) continue;
    const line = range(at.ra_deg - reach, at.ra_deg + reach, 60).map((ra) => ({ ra_deg: ra, dec_deg: k * decStep }));
    lines.push(line);
    const y = crossing(projection, line, 0, 4);
    if (y !== null && y > 12 && y < height - 24) {
      names.push({ text: decName(k * decStep, decStep), place: [4, y - 7], align: 'left' });
    }
  }
  return { lines, names };
}

function range(from, to, n) {
  return Array.from({ length: n + 1 }, (_, i) => from + ((to - from) * i) / n);
}

/** Where a line crosses x (axis 0) or y (axis 1) of a value, in the other coordinate; null if it does not. */
function crossing(projection, line, axis, value) {
  let before = null;
  for (const at of line) {
    const place = projection.page(at);
    if (before && place && (before[axis] - value) * (place[axis] - value) <= 0 && before[axis] !== place[axis]) {
      const part = (value - before[axis]) / (place[axis] - before[axis]);
      return before[1 - axis] + part * (place[1 - axis] - before[1 - axis]);
    }
    before = place;
  }
  return null;
}
