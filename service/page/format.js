// Numbers and times as people read them.

/** Three digits, without exponents where people do not want any. */
export function figure(value) {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  if (Math.abs(value) < 0.001) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

export const count = (value) => Number(value).toLocaleString('en');

export const area = (deg2) => `${figure(deg2)} deg²`;

/** `90 %` of 0.9, `99.73 %` of 0.9973. */
export const percent = (share) => `${Number((share * 100).toFixed(4))} %`;

/** `1 h 03 min`, `4 min 10 s`, `12 s`. */
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return '–';
  if (seconds < 9.95) return `${Math.max(0, seconds).toFixed(1)} s`;
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${String(Math.floor(s / 60) % 60).padStart(2, '0')} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

/** Time between two RFC 3339 times, in seconds. */
export const between = (from, to) => (Date.parse(to) - Date.parse(from)) / 1000;

/** How long ago something was; what has no time yet has none. */
export function ago(time, now = Date.now()) {
  const s = (now - Date.parse(time)) / 1000;
  if (!Number.isFinite(s)) return '';
  if (s < 5) return 'just now';
  if (s < 60) return `${Math.round(s)} s ago`;
  if (s < 5400) return `${Math.round(s / 60)} min ago`;
  if (s < 129_600) return `${Math.round(s / 3600)} h ago`;
  return `${Math.round(s / 86400)} days ago`;
}

/** `2022-06-24 16:13:16 UTC`. */
export function utc(time) {
  const at = new Date(time);
  return Number.isNaN(at.getTime()) ? String(time) : `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** `16:13:16`, UTC. */
export const clock = (time) => new Date(time).toISOString().slice(11, 19);

/** A modified Julian date as UTC. */
export function ofMjd(mjd) {
  // A tenth of a millisecond absorbs what a double loses of a date near 60000.
  return utc(Math.floor((mjd - 40587) * 86400 + 1e-4) * 1000);
}

/** `12.3 MB`. */
export function bytes(n) {
  if (!Number.isFinite(n)) return '';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let i = 0;
  let value = n;
  while (value >= 1000 && i < units.length - 1) {
    value /= 1000;
    i += 1;
  }
  return `${i === 0 ? value : value.toPrecision(3)} ${units[i]}`;
}
