// Directions, and how people write them.

const RAD = Math.PI / 180;

/** A direction as z, s and phi, as `healpix.js` wants it. */
export function direction(raDeg, decDeg) {
  return { z: Math.sin(decDeg * RAD), s: Math.cos(decDeg * RAD), phi: raDeg * RAD };
}

/** Right ascension and declination of a direction, in degrees. */
export function degrees({ z, s, phi }) {
  return { ra_deg: wrapped(phi / RAD), dec_deg: Math.atan2(z, s) / RAD };
}

export const wrapped = (deg) => ((deg % 360) + 360) % 360;

export function vector(raDeg, decDeg) {
  const s = Math.cos(decDeg * RAD);
  return [s * Math.cos(raDeg * RAD), s * Math.sin(raDeg * RAD), Math.sin(decDeg * RAD)];
}

/** Angle between two directions, in degrees. */
export function separation(a, b) {
  const [ax, ay, az] = vector(a.ra_deg, a.dec_deg);
  const [bx, by, bz] = vector(b.ra_deg, b.dec_deg);
  const across = Math.hypot(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx);
  return Math.atan2(across, ax * bx + ay * by + az * bz) / RAD;
}

/** Whether a direction is inside of an outline (degrees), as the number of its turns around it says. */
export function isInside(outline, at) {
  let turns = 0;
  const { ra_deg: ra0, dec_deg: dec0 } = at;
  const bearing = ([ra, dec]) => {
    const d = (ra - ra0) * RAD;
    const y = Math.sin(d) * Math.cos(dec * RAD);
    const x = Math.cos(dec0 * RAD) * Math.sin(dec * RAD) - Math.sin(dec0 * RAD) * Math.cos(dec * RAD) * Math.cos(d);
    return Math.atan2(y, x);
  };
  for (let i = 0; i < outline.length; i += 1) {
    let step = bearing(outline[(i + 1) % outline.length]) - bearing(outline[i]);
    if (step > Math.PI) step -= 2 * Math.PI;
    if (step < -Math.PI) step += 2 * Math.PI;
    turns += step;
  }
  return Math.abs(turns) > Math.PI;
}

const two = (n) => String(n).padStart(2, '0');

/** `02h 01m 38.4s`, rounded once, so that 59.96 s carries. */
export function hours(raDeg) {
  const tenths = Math.round((wrapped(raDeg) / 15) * 36000) % 864000;
  return `${two(Math.floor(tenths / 36000))}h ${two(Math.floor(tenths / 600) % 60)}m ${
    two(Math.floor(tenths / 10) % 60)
  }.${tenths % 10}s`;
}

/** `+06° 48′ 18″`. */
export function sexagesimal(decDeg) {
  const seconds = Math.round(Math.abs(decDeg) * 3600);
  const sign = decDeg < 0 && seconds > 0 ? '−' : '+';
  return `${sign}${two(Math.floor(seconds / 3600))}° ${two(Math.floor(seconds / 60) % 60)}′ ${two(seconds % 60)}″`;
}

/** `30.41°`. */
export function ra(raDeg, digits = 2) {
  const shown = wrapped(raDeg).toFixed(digits);
  return `${Number(shown) >= 360 ? (0).toFixed(digits) : shown}°`;
}

/** `+6.80°`. */
export function dec(decDeg, digits = 2) {
  const shown = Math.abs(decDeg).toFixed(digits);
  return `${decDeg < 0 && Number(shown) > 0 ? '−' : '+'}${shown}°`;
}

// J2000 galactic frame: its axes in the equatorial one.
const GALACTIC = [
  [-0.0548755604162154, -0.873437090234885, -0.4838350155487132],
  [0.4941094278755837, -0.4448296299600112, 0.7469822444972189],
  [-0.8676661490190047, -0.1980763734312015, 0.4559837761750669],
];

function ofGalactic(l, b) {
  const g = vector(l, b);
  const [x, y, z] = [0, 1, 2].map((i) => g[0] * GALACTIC[0][i] + g[1] * GALACTIC[1][i] + g[2] * GALACTIC[2][i]);
  return { ra_deg: wrapped(Math.atan2(y, x) / RAD), dec_deg: Math.atan2(z, Math.hypot(x, y)) / RAD };
}

export { ofGalactic };

/** One coordinate: plain degrees, or `h m s` / `d m s` / colons. `isHours`: what colons mean. */
function coordinate(text, isHours) {
  const plain = text.trim().replace('−', '-');
  if (/^[+-]?\d+(\.\d*)?°?$/.test(plain)) return parseFloat(plain);
  const parts = /^([+-]?)(\d+)\s*([hd°:])\s*(\d+)\s*[m′':]\s*(?:(\d+(?:\.\d*)?)\s*[s″"]?)?$/.exec(plain);
  if (!parts) return NaN;
  const [, sign, whole, unit, minutes, seconds] = parts;
  if (Number(minutes) >= 60 || Number(seconds ?? 0) >= 60) return NaN;
  const value = Number(whole) + Number(minutes) / 60 + Number(seconds ?? 0) / 3600;
  const turns = unit === 'h' || (unit === ':' && isHours) ? 15 : 1;
  return (sign === '-' ? -1 : 1) * value * turns;
}

/**
 * A direction as `skyscan scan --mark` takes it: `138.6,-0.1`, `09h14m24s,-00d06m00s`, `gal:228.9,30.4`; null if it
 * is none.
 */
export function parsed(text) {
  const galactic = /^gal:/i.test(text.trim());
  const [first, second, ...rest] = text.trim().replace(/^gal:/i, '').split(',');
  if (second === undefined || rest.length) return null;
  const along = coordinate(first, !galactic);
  const up = coordinate(second, false);
  if (!(along >= -360 && along <= 360 && Math.abs(up) <= 90)) return null;
  return galactic ? ofGalactic(along, up) : { ra_deg: wrapped(along), dec_deg: up };
}
