// The values of the result, as `skyscan scan --format json` prints them, flat.

import { el, fill, table } from './dom.js';

/** What stands elsewhere on the page, or fills it. */
const ELSEWHERE = new Set(['files', 'regions', 'files_failed']);

/** Values that matter first; the others are folded away. */
const FIRST = [
  'reco',
  'best_fit.ra_deg',
  'best_fit.dec_deg',
  'best_fit.zenith_deg',
  'best_fit.azimuth_deg',
  'best_fit.llh',
  'complete',
  'ending',
  'wall_seconds',
  'map_sha256',
];

export function results() {
  const element = el('div', {});

  function show(result) {
    if (!result) {
      fill(element);
      return;
    }
    const rows = flat(result);
    const first = FIRST.flatMap((name) => rows.filter(([key]) => key === name));
    const rest = rows.filter(([key]) => !FIRST.includes(key));
    const failed = Array.isArray(result.files_failed) ? result.files_failed : [];
    const lost = failed.length > 0 &&
      el(
        'p',
        { class: 'error' },
        `Files that could not be written: ${failed.map((f) => f.name ?? f.path ?? JSON.stringify(f)).join(', ')}`,
      );
    // An open fold stays open: only what says something else is put there.
    if (element.dataset.shown === JSON.stringify(rows)) return;
    element.dataset.shown = JSON.stringify(rows);
    fill(
      element,
      lost,
      table('Result', ['Name', 'Value'], first, 'words'),
      el(
        'details',
        {},
        el('summary', {}, `${rest.length} more values`),
        table('More values', ['Name', 'Value'], rest, 'words'),
      ),
    );
  }
  return { element, show };
}

function flat(value, prefix = '') {
  return Object.entries(value).flatMap(([key, inner]) => {
    if (!prefix && ELSEWHERE.has(key)) return [];
    const name = prefix ? `${prefix}.${key}` : key;
    if (inner !== null && typeof inner === 'object' && !Array.isArray(inner)) return flat(inner, name);
    const text = Array.isArray(inner)
      ? inner.map((x) => (typeof x === 'object' ? JSON.stringify(x) : String(x))).join(', ')
      : String(inner);
    return [[name, text]];
  });
}
