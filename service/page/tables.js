// What maps show, as tables.

import { dec, degrees, hours, ra, sexagesimal } from './angles.js';
import { centre } from './healpix.js';
import { el, table } from './dom.js';
import { area, count, figure, percent } from './format.js';

export function regionRows(contour, result) {
  if (!contour?.regions.length) return el('p', { class: 'note' }, 'None yet.');
  const heads = ['Holds', 'Area', 'Closed', 'Islands'];
  const known = result?.regions ?? [];
  if (known.length) heads.push('2Δllh below', 'RA reach', 'Dec reach');
  const rows = contour.regions.map((region) => {
    const of = known.find((r) => Math.abs(r.containment - region.containment) < 1e-9);
    const cells = [
      percent(region.containment),
      area(region.area_deg2),
      region.is_closed ? 'yes' : 'no',
      String(region.outlines.length),
    ];
    if (known.length) {
      cells.push(
        figure(of?.level),
        reach(of?.ra_plus_deg, of?.ra_minus_deg),
        reach(of?.dec_plus_deg, of?.dec_minus_deg),
      );
    }
    return cells;
  });
  return table('Regions', heads, rows);
}

const reach = (plus, minus) => (Number.isFinite(plus) ? `+${figure(plus)}° −${figure(minus)}°` : '–');

/** What the map consists of in words, and the lowest pixels as a table, if there are any. */
export function bestPixels(map) {
  if (!map) return ['Nothing is scanned yet.'];
  const rows = map.lowest.map(({ nside, pixel, value }) => {
    const at = degrees(centre(nside, pixel));
    return [
      `${ra(at.ra_deg, 3)} (${hours(at.ra_deg)})`,
      `${dec(at.dec_deg, 3)} (${sexagesimal(at.dec_deg)})`,
      value.toFixed(2),
      String(nside),
      String(pixel),
    ];
  });
  return [
    `${map.rounds.map(({ nside, n }) => `${count(n)} pixels at nside ${nside}`).join(', ')}; ${
      map.failed ? `${count(map.failed)} of them failed` : 'none of them failed'
    }. The lowest ${rows.length}:`,
    table('The lowest pixels', ['RA', 'Dec', '2Δllh', 'nside', 'pixel (RING)'], rows),
  ];
}
