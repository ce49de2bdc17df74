// How a running scan gets on.

import { el, fill, say } from './dom.js';
import { count, duration, figure } from './format.js';
import { isEnd } from './words.js';

export function progress() {
  const rounds = el('ul', { class: 'rounds' });
  const rates = el('dl', { class: 'figures' });
  const waiting = el('p', { class: 'note' });
  const element = el('div', {}, waiting, rates, rounds);

  function show(value, scan) {
    waiting.hidden = Boolean(value);
    say(waiting, scan.state === 'queued' ? 'It waits for its turn.' : 'Nothing is done yet.');
    fill(rounds, (value?.rounds ?? []).map(round));
    if (!value || isEnd(scan.state)) {
      fill(rates);
      return;
    }
    const isTail = value.n_waiting === 0 && value.n_out > 0;
    fill(
      rates,
      pair('Rate', `${figure(value.pixels_per_s)} pixels/s`),
      pair(
        'This round',
        value.seconds_left === undefined ? 'time left unknown' : `${duration(value.seconds_left)} left`,
      ),
      pair('Tasks out', isTail ? `${count(value.n_out)}, the tail` : count(value.n_out)),
      pair('Pixels waiting', count(value.n_waiting)),
      pair('Slots', value.n_slots === 0 ? 'none: no worker is there' : count(value.n_slots)),
    );
  }
  return { element, show };
}

const pair = (name, value) => el('div', {}, el('dt', {}, name), el('dd', {}, value));

function round({ nside, n_done: done, n_planned: planned, is_systematic: isSystematic }) {
  const name = `nside ${nside}${isSystematic ? ', systematics' : ''}`;
  return el(
    'li',
    {},
    el('span', {}, name),
    el('progress', { max: Math.max(1, planned), value: done, 'aria-label': name }),
    el('span', { class: 'number' }, `${count(done)} / ${count(planned)}`),
  );
}
