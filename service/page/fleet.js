// Who works for this service, and what passes.

import { get } from './api.js';
import { el, fill, fillTable, say, table } from './dom.js';
import { bytes, count, duration } from './format.js';

const EVERY_MS = 3_000;

export function fleetView(around) {
  const note = el('p', { class: 'note' });
  const totals = el('dl', { class: 'figures' });
  const workers = el('div', {});
  let closed = false;
  let timer = null;

  async function load() {
    try {
      const fleet = await get('fleet');
      if (closed) return;
      around.status(null);
      show(fleet);
    } catch (error) {
      if (closed) return;
      around.status(error);
      if (!error.isLost) say(note, error.message);
    }
    timer = setTimeout(load, document.hidden ? 5 * EVERY_MS : EVERY_MS);
  }

  function show({ transport, workers: all, traffic }) {
    const aside = all.filter((w) => w.put_aside);
    const slots = all.reduce((sum, w) => sum + w.slots, 0);
    say(
      note,
      all.length
        ? `Workers come to ${transport}`
        : `No worker is there. They come to ${transport}: skyscan worker --transport ${transport}`,
    );
    fill(
      totals,
      pair('Workers', count(all.length)),
      pair('Slots', count(slots)),
      pair('Put aside', count(aside.length)),
      pair('Sent', `${count(traffic.messages_sent)} messages, ${bytes(traffic.bytes_sent)}`),
      pair('Received', `${count(traffic.messages_received)} messages, ${bytes(traffic.bytes_received)}`),
    );
    // Whoever is put aside is what somebody looks for.
    const rows = [...all]
      .sort((a, b) => Number(Boolean(b.put_aside)) - Number(Boolean(a.put_aside)) || a.worker.localeCompare(b.worker))
      .map((
        w,
      ) => [
        w.worker,
        w.put_aside ? el('span', { class: 'grave why' }, `put aside: ${w.put_aside}`) : 'works',
        count(w.slots),
        w.recos.join(', '),
        count(w.n_results),
        duration(w.since_s),
        w.build,
      ]);
    fillTable(
      workers,
      rows.length === 0
        ? el('p')
        : table('Workers', ['Worker', 'State', 'Slots', 'Reconstructions', 'Results', 'There for', 'Build'], rows),
    );
  }

  load();
  return {
    element: el(
      'div',
      {},
      el('div', { class: 'head' }, el('h1', { tabindex: '-1' }, 'Fleet')),
      el('section', { class: 'card' }, el('h2', { class: 'unseen' }, 'Totals'), note, totals),
      el('section', { class: 'card' }, el('h2', {}, 'Workers'), workers),
    ),
    title: 'Fleet',
    place: 'fleet',
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}

const pair = (name, value) => el('div', {}, el('dt', {}, name), el('dd', {}, value));
