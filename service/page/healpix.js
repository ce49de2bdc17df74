// HEALPix in RING order (Górski et al. 2005, ApJ 622, 759), as far as a picture needs it: which pixel is where, and
// its outline. Directions are z = sin(dec), s = cos(dec) and phi = right ascension in radians; s comes along because
// 1 - z has no digits left near a pole. `tests/page/healpix.py` compares all of it with healpy.

const QUARTER = Math.PI / 2;

/** Ring of the southern corner of each base cell, and its place on the ring, in half cells. */
const FACE_RING = [2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4];
const FACE_PHI = [1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7];

export const pixelCount = (nside) => 12 * nside * nside;

/** Area of a pixel in square degrees. */
export const pixelArea = (nside) => (4 * Math.PI * (180 / Math.PI) ** 2) / pixelCount(nside);

/** The pixel that a direction falls in. */
export function pixelAt(nside, z, s, phi) {
  let turn = (phi / QUARTER) % 4;
  if (turn < 0) turn += 4;
  if (turn >= 4) turn = 0;
  const height = Math.abs(z);
  if (height <= 2 / 3) {
    const along = nside * (0.5 + turn);
    const up = nside * z * 0.75;
    const rising = Math.floor(along - up);
    const falling = Math.floor(along + up);
    const ring = nside + 1 + rising - falling;
    const shift = 1 - (ring & 1);
    const place = Math.floor((rising + falling - nside + shift + 1) / 2);
    const around = 4 * nside;
    return 2 * nside * (nside - 1) + (ring - 1) * around + (((place % around) + around) % around);
  }
  const part = turn - Math.floor(turn);
  const reach = (nside * s) / Math.sqrt((1 + height) / 3);
  let rising = Math.floor(part * reach);
  let falling = Math.floor((1 - part) * reach);
  if (rising >= nside) rising = nside - 1;
  if (falling >= nside) falling = nside - 1;
  const ring = rising + falling + 1;
  const place = Math.floor(turn * ring) % (4 * ring);
  return z > 0 ? 2 * ring * (ring - 1) + place : pixelCount(nside) - 2 * ring * (ring + 1) + place;
}

/** Base cell of a pixel, and its column and row in there. */
function cell(nside, pixel) {
  const cap = 2 * nside * (nside - 1);
  const all = pixelCount(nside);
  let ring;
  let place;
  let length;
  let shift = 0;
  let face;
  if (pixel < cap) {
    ring = Math.floor((1 + Math.floor(Math.sqrt(1 + 2 * pixel))) / 2);
    place = pixel + 1 - 2 * ring * (ring - 1);
    length = ring;
    face = Math.floor((place - 1) / length);
  } else if (pixel < all - cap) {
    const above = Math.floor((pixel - cap) / (4 * nside));
    ring = above + nside;
    place = pixel - cap - 4 * nside * above + 1;
    shift = (ring + nside) & 1;
    length = nside;
    const first = above + 1;
    const second = 2 * nside + 1 - above;
    const falling = Math.floor((place - (first >> 1) + nside - 1) / nside);
    const rising = Math.floor((place - (second >> 1) + nside - 1) / nside);
    face = rising === falling ? rising | 4 : rising < falling ? rising : falling + 8;
  } else {
    const left = all - pixel;
    ring = Math.floor((1 + Math.floor(Math.sqrt(2 * left - 1))) / 2);
    place = 4 * ring + 1 - (left - 2 * ring * (ring - 1));
    length = ring;
    ring = 4 * nside - ring;
    face = 8 + Math.floor((place - 1) / length);
  }
  const down = ring - FACE_RING[face] * nside + 1;
  let across = 2 * place - FACE_PHI[face] * length - shift - 1;
  if (across >= 2 * nside) across -= 8 * nside;
  return [face, (across - down) >> 1, (-across - down) >> 1];
}

/** Direction of a place in a base cell; column and row go from 0 to 1. */
function place(face, column, row) {
  const ring = FACE_RING[face] - column - row;
  let length = 1;
  let z;
  let s;
  if (ring < 1 || ring > 3) {
    length = ring < 1 ? ring : 4 - ring;
    const below = (length * length) / 3;
    z = ring < 1 ? 1 - below : below - 1;
    s = Math.sqrt(below * (2 - below));
  } else {
    z = ((2 - ring) * 2) / 3;
    s = Math.sqrt((1 - z) * (1 + z));
  }
  let turn = FACE_PHI[face] * length + column - row;
  if (turn < 0) turn += 8;
  if (turn >= 8) turn -= 8;
  return { z, s, phi: length < 1e-15 ? 0 : (0.5 * QUARTER * turn) / length };
}

/** Middle of a pixel. */
export function centre(nside, pixel) {
  const [face, column, row] = cell(nside, pixel);
  return place(face, (column + 0.5) / nside, (row + 0.5) / nside);
}

/** Outline of a pixel, `steps` places to a side, from its northern corner westwards. */
export function boundary(nside, pixel, steps) {
  const [face, column, row] = cell(nside, pixel);
  const outline = [];
  const sides = [
    [1, 1, -1, 0],
    [0, 1, 0, -1],
    [0, 0, 1, 0],
    [1, 0, 0, 1],
  ];
  for (const [x, y, dx, dy] of sides) {
    for (let i = 0; i < steps; i += 1) {
      const along = i / steps;
      outline.push(place(face, (column + x + dx * along) / nside, (row + y + dy * along) / nside));
    }
  }
  return outline;
}
