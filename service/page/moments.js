// What happened when: of the scan's own times, and of what was seen while this page was open.

import { el, fill } from './dom.js';
import { dec, ra, separation } from './angles.js';
import { area, clock, figure, percent } from './format.js';

const MOST = 60;

export function moments() {
  const element = el('ol', { class: 'moments' });
  let own = [];
  const seen = [];

  function scan(value) {
    own = [
      [value.submitted, `Submitted by ${value.from}`],
      [value.begun, 'Begun'],
      [value.ended, `${value.state[0].toUpperCase()}${value.state.slice(1)}${value.error ? `: ${value.error}` : ''}`],
    ].filter(([time]) => time);
    draw();
  }

  function contour(value, before) {
    const widest = value.regions.at(-1);
    const moved = before ? separation(before.best, value.best) : null;
    const isSame = before && before.nside === value.nside && before.is_stable === value.is_stable && moved < 1e-6 &&
      before.regions.at(-1)?.area_deg2 === widest?.area_deg2;
    if (isSame) return;
    const words = [
      `${value.is_stable ? 'Stable' : 'Preliminary'} at nside ${value.nside}: RA ${ra(value.best.ra_deg)} Dec ${
        dec(value.best.dec_deg)
      }`,
    ];
    if (widest) {
      words.push(`${percent(widest.containment)} ${area(widest.area_deg2)}${widest.is_closed ? '' : ', open'}`);
    }
    if (moved > 0) words.push(`moved by ${figure(moved)}°`);
    seen.push([new Date().toISOString(), words.join(', ')]);
    if (seen.length > MOST) seen.shift();
    draw();
  }

  function draw() {
    const all = [...own, ...seen].sort((a, b) => Date.parse(a[0]) - Date.parse(b[0]));
    fill(element, all.map(([time, text]) => el('li', {}, el('time', { datetime: time }, clock(time)), ` ${text}`)));
  }
  return { element, scan, contour };
}
