// Directions that somebody wants to compare with, such as a blazar: drawn on the maps, with how far off they are and
// which regions hold them. They are this tab's own.

import { el, fill, say } from './dom.js';
import { dec, isInside, parsed, ra, separation } from './angles.js';
import { figure, percent } from './format.js';

const MOST = 20;

export function marks(id, changed) {
  const key = `skyscan-marks-${id}`;
  let kept = read(key);
  let contour = null;
  const list = el('ul', { class: 'marks' });
  const where = el('input', {
    id: 'mark',
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: '138.6,-0.1=blazar',
    'aria-describedby': 'mark-help mark-error',
  });
  const error = el('span', { class: 'error', id: 'mark-error', role: 'alert' });
  const form = el(
    'form',
    {
      class: 'row',
      onsubmit: (event) => {
        event.preventDefault();
        add();
      },
    },
    el('label', { for: 'mark' }, 'Direction'),
    where,
    el('button', { type: 'submit' }, 'Mark'),
  );
  const help = el(
    'p',
    { class: 'note', id: 'mark-help' },
    'RA,DEC=NAME in degrees, as 09h14m24s,-00d06m00s, or as gal:228.9,30.4.',
  );

  function add() {
    const [place, ...name] = where.value.split('=');
    const at = parsed(place);
    if (!at) {
      say(error, 'That is no direction.');
      where.setAttribute('aria-invalid', 'true');
      return;
    }
    say(error, '');
    where.removeAttribute('aria-invalid');
    kept = [...kept, { ...at, name: name.join('=').trim().slice(0, 40) || `mark ${kept.length + 1}` }].slice(-MOST);
    where.value = '';
    keep();
  }

  function keep() {
    sessionStorage.setItem(key, JSON.stringify(kept));
    changed();
  }

  function show(now) {
    contour = now ?? contour;
    fill(
      list,
      kept.map((mark, i) =>
        el(
          'li',
          {},
          el(
            'span',
            {},
            el('strong', {}, mark.name),
            ` RA ${ra(mark.ra_deg)} Dec ${dec(mark.dec_deg)}`,
            el('span', { class: 'note' }, contour ? ` ${relation(mark, contour)}` : ''),
          ),
          el(
            'button',
            {
              type: 'button',
              class: 'plain',
              'aria-label': `Remove ${mark.name}`,
              onclick: () => {
                kept = kept.filter((_, k) => k !== i);
                keep();
              },
            },
            '×',
          ),
        )
      ),
    );
  }
  return { element: el('div', {}, list, form, error, help), all: () => kept, show };
}

/** How far off it is, and the smallest region that holds it. Islands count, holes do not. */
export function relation(mark, contour) {
  const far = `${figure(separation(mark, contour.best))}° from the best fit`;
  const holds = contour.regions.find(({ outlines }) =>
    outlines.filter((outline) => isInside(outline, mark)).length % 2 === 1
  );
  if (holds) return `${far}, inside the ${percent(holds.containment)} region`;
  return contour.regions.length ? `${far}, outside of all regions` : far;
}

function read(key) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(key) ?? '[]');
    return kept.filter((mark) =>
      Number.isFinite(mark.ra_deg) && Number.isFinite(mark.dec_deg) && typeof mark.name === 'string'
    );
  } catch {
    return [];
  }
}
