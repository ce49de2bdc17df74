// A map arranged for millions of look-ups: what is known of a direction is the finest pixel there.
//
// Made by the worker from JSON, used by the page: it consists of typed arrays only, which pass from one to the other
// without a copy. A pixel's value is 2 (llh - llh of the best), NaN where its fit failed.

import { centre, pixelAt, pixelCount } from './healpix.js';

/** Up to here a round is an array of all pixels of the sky, if that wastes little; beyond, a hash table. */
const MOST_DENSE = 2 ** 22;

/**
 * Every round says in which of these pixels it has anything: most of the sky has no fine one, and is not asked for
 * it.
 */
export const GUIDE = 16;

/** Values of which the quantiles are taken. */
const SAMPLE = 20_000;

/** From the rounds of `GET scans/{id}/map`. Null if nothing is fitted yet. */
export function arrange(rounds) {
  const sorted = rounds.filter((round) => round.pixels.length > 0).sort((a, b) => a.nside - b.nside);
  let best = null;
  let failed = 0;
  let fitted = 0;
  for (const { nside, pixels, llh } of sorted) {
    for (let i = 0; i < pixels.length; i += 1) {
      const value = llh[i];
      if (value === null || value === undefined) failed += 1;
      else {
        fitted += 1;
        if (best === null || value < best.llh || (value === best.llh && nside > best.nside)) {
          best = { nside, pixel: pixels[i], llh: value };
        }
      }
    }
  }
  if (best === null) return null;
  const guide = new Uint32Array(pixelCount(GUIDE));
  const arranged = sorted.map((round, number) => {
    const table = store(round, best.llh);
    point(guide, table, round.pixels, number);
    return table;
  });
  const isWhole = sorted.some((round) => round.pixels.length === pixelCount(round.nside));
  return {
    rounds: arranged,
    isWhole,
    guide,
    best,
    failed,
    fitted,
    quantiles: quantiles(sorted, best.llh),
    lowest: lowest(sorted, best.llh),
  };
}

/** The arrays of an arranged map, to be passed on. */
export const buffers = (
  map,
) => [
  map.guide.buffer,
  ...map.rounds.flatMap((round) => [round.values.buffer, ...(round.keys ? [round.keys.buffer] : [])]),
];

function store({ nside, pixels, llh }, best) {
  const all = pixelCount(nside);
  const excess = (i) => (llh[i] === null || llh[i] === undefined ? NaN : 2 * (llh[i] - best));
  if (all <= MOST_DENSE && all <= 64 * pixels.length + 4096) {
    const values = new Float32Array(all).fill(Infinity);
    for (let i = 0; i < pixels.length; i += 1) if (pixels[i] < all) values[pixels[i]] = excess(i);
    return { nside, n: pixels.length, values, keys: null, shift: 0 };
  }
  const bits = Math.max(4, Math.ceil(Math.log2(2 * pixels.length)));
  const keys = new Float64Array(2 ** bits).fill(-1);
  const values = new Float32Array(2 ** bits);
  const shift = 32 - bits;
  const mask = 2 ** bits - 1;
  for (let i = 0; i < pixels.length; i += 1) {
    let at = Math.imul(pixels[i] | 0, 0x9e3779b1) >>> shift;
    while (keys[at] !== -1 && keys[at] !== pixels[i]) at = (at + 1) & mask;
    keys[at] = pixels[i];
    values[at] = excess(i);
  }
  return { nside, n: pixels.length, values, keys, shift };
}

/** Value of a pixel of a round: Infinity where it has none. */
function valueOf(round, pixel) {
  if (!round.keys) return round.values[pixel];
  const { keys, values, shift } = round;
  const mask = keys.length - 1;
  let at = Math.imul(pixel | 0, 0x9e3779b1) >>> shift;
  for (;;) {
    const key = keys[at];
    if (key === pixel) return values[at];
    if (key === -1) return Infinity;
    at = (at + 1) & mask;
  }
}

function point(guide, round, pixels, number) {
  const bit = 1 << number;
  if (round.nside <= GUIDE) {
    for (let i = 0; i < guide.length; i += 1) {
      const { z, s, phi } = centre(GUIDE, i);
      if (valueOf(round, pixelAt(round.nside, z, s, phi)) !== Infinity) guide[i] |= bit;
    }
    return;
  }
  for (let i = 0; i < pixels.length; i += 1) {
    const { z, s, phi } = centre(round.nside, pixels[i]);
    guide[pixelAt(GUIDE, z, s, phi)] |= bit;
  }
}

/** Value at a direction: NaN where its fit failed, Infinity where nothing was scanned. */
export function valueAt(map, z, s, phi) {
  const rounds = map.guide[pixelAt(GUIDE, z, s, phi)];
  for (let i = map.rounds.length - 1; i >= 0; i -= 1) {
    if ((rounds >>> i) & 1) {
      const round = map.rounds[i];
      const value = valueOf(round, pixelAt(round.nside, z, s, phi));
      if (value !== Infinity) return value;
    }
  }
  return Infinity;
}

/** The same with the pixel that says it; null where nothing was scanned. */
export function pixelSeen(map, z, s, phi) {
  for (let i = map.rounds.length - 1; i >= 0; i -= 1) {
    const { nside } = map.rounds[i];
    const pixel = pixelAt(nside, z, s, phi);
    const value = valueOf(map.rounds[i], pixel);
    if (value !== Infinity) return { nside, pixel, value };
  }
  return null;
}

/** Values below which half and 95 % of the sky are, as the coarsest round has them. */
function quantiles(rounds, best) {
  const [{ llh }] = rounds;
  const step = Math.max(1, Math.floor(llh.length / SAMPLE));
  const sample = [];
  for (let i = 0; i < llh.length; i += step) if (llh[i] !== null) sample.push(2 * (llh[i] - best));
  const sorted = Float64Array.from(sample).sort();
  const at = (share) => (sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] : 1);
  return { half: at(0.5), most: at(0.95) };
}

/** The best pixels, for whoever reads a table instead of a picture. */
function lowest(rounds, best) {
  const few = [];
  for (const { nside, pixels, llh } of rounds) {
    for (let i = 0; i < pixels.length; i += 1) {
      if (llh[i] === null || llh[i] === undefined) continue;
      const value = 2 * (llh[i] - best);
      if (few.length < 20 || value < few[few.length - 1].value) {
        few.push({ nside, pixel: pixels[i], value });
        few.sort((a, b) => a.value - b.value);
        few.length = Math.min(few.length, 20);
      }
    }
  }
  return few;
}
