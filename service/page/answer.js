// The first screen: the direction to point at, how large the region is, whether to trust it.

import { el, fill, say } from './dom.js';
import { dec, hours, ra, sexagesimal } from './angles.js';
import { area, figure, percent } from './format.js';
import { verdict } from './words.js';

export function answer() {
  const title = el('strong', {});
  const text = el('span', {});
  const trust = el('p', { class: 'verdict' }, title, ' ', text);
  const raValue = el('b', {});
  const decValue = el('b', {});
  const raExact = el('span', { class: 'exact' });
  const decExact = el('span', { class: 'exact' });
  const raError = el('span', { class: 'errors' });
  const decError = el('span', { class: 'errors' });
  const sizes = el('ul', { class: 'sizes' });
  const copied = el('span', { class: 'copied', role: 'status' });
  let best = null;
  const copy = el('button', { type: 'button', onclick: () => write(best, copied) }, 'Copy');
  const where = el(
    'div',
    { class: 'where' },
    el('div', { class: 'coordinate' }, el('span', { class: 'axis' }, 'RA'), raValue, raError, raExact),
    el('div', { class: 'coordinate' }, el('span', { class: 'axis' }, 'Dec'), decValue, decError, decExact),
  );
  const frame = el('span', { class: 'note' });
  const foot = el('div', { class: 'foot' }, frame, copied, copy);
  const also = el('p', { class: 'also', hidden: true });
  const element = el('section', { class: 'answer card', 'aria-label': 'Answer' }, trust, where, sizes, also, foot);

  function show(scan, contour, result) {
    const { tone, title: head, text: words } = verdict(scan, contour);
    trust.className = `verdict ${tone}`;
    say(title, head);
    say(text, words);
    best = result?.best_fit ?? contour?.best ?? scan.best ?? null;
    where.hidden = !best;
    foot.hidden = !best;
    if (!best) {
      fill(sizes);
      also.hidden = true;
      return;
    }
    say(raValue, ra(best.ra_deg));
    say(decValue, dec(best.dec_deg));
    say(raExact, hours(best.ra_deg));
    say(decExact, sexagesimal(best.dec_deg));
    const widest = result?.regions?.filter((region) => Number.isFinite(region.ra_plus_deg)).at(-1);
    say(raError, widest ? `+${figure(widest.ra_plus_deg)} −${figure(widest.ra_minus_deg)}` : '');
    say(decError, widest ? `+${figure(widest.dec_plus_deg)} −${figure(widest.dec_minus_deg)}` : '');
    say(
      frame,
      widest ? `J2000. Errors in degrees, to the edge of the ${percent(widest.containment)} region.` : 'J2000.',
    );
    const regions = contour?.regions ?? [];
    fill(
      sizes,
      regions.map(({ containment, area_deg2: deg2, is_closed: isClosed }) =>
        el(
          'li',
          {},
          el('span', {}, `${percent(containment)} `),
          el('b', {}, area(deg2)),
          el(
            'span',
            { class: isClosed ? 'note' : 'note open' },
            isClosed
              ? `, about ${Number(Math.sqrt(deg2 / Math.PI).toPrecision(2))}° in radius`
              : ' OPEN: may be larger',
          ),
        )
      ),
    );
    const second = result?.second_minimum;
    also.hidden = !second;
    if (second) {
      say(
        also,
        `Second minimum: RA ${ra(second.ra_deg)} Dec ${dec(second.dec_deg)}, ${
          figure(second.separation_deg)
        }° away, 2Δllh ${figure(second.excess)}.`,
      );
    }
  }
  return { element, show };
}

/** To the clipboard, which browsers have only for secure origins; elsewhere by a selection. */
async function write(best, copied) {
  if (!best) return;
  const text = `${best.ra_deg.toFixed(4)}, ${best.dec_deg >= 0 ? '+' : ''}${best.dec_deg.toFixed(4)}`;
  try {
    await navigator.clipboard.writeText(text);
    say(copied, `Copied ${text}`);
  } catch {
    const area = el('textarea', { class: 'unseen', 'aria-label': 'Direction' });
    area.value = text;
    document.body.append(area);
    area.select();
    const isDone = document.execCommand('copy');
    area.remove();
    say(copied, isDone ? `Copied ${text}` : text);
  }
  setTimeout(() => say(copied, ''), 4000);
}
