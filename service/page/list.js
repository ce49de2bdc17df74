// All scans, the newest first, kept up to date.

import { get } from './api.js';
import { announce, el, fill, say } from './dom.js';
import { dec, hours, ra, sexagesimal } from './angles.js';
import { ago, area, between, duration } from './format.js';
import { doubt, eventName, isEnd, lowered, priorityBadge, stateBadge, STATES } from './words.js';
import { follow } from './stream.js';
import { Thumbnails } from './thumbnails.js';
import { roving } from './roving.js';

const PAGE = 50;

export function listView(around) {
  const rows = new Map();
  const thumbnails = new Thumbnails();
  const list = el('ol', { class: 'scans', 'aria-label': 'Scans' });
  const note = el('p', { class: 'note' });
  const more = el('button', { type: 'button', hidden: true, onclick: () => load(next) }, 'More');
  let filter = sessionStorage.getItem('skyscan-filter') ?? '';
  if (!STATES.includes(filter)) filter = '';
  let next = null;
  let closed = false;
  // What was asked for earlier may be answered later: a list overwrites nothing that was heard after it was asked for.
  let moment = 0;
  let asking = 0;
  const heardAt = new Map();

  const choice = (value, label) =>
    el(
      'label',
      { class: 'pill' },
      el('input', {
        type: 'radio',
        name: 'state',
        value,
        checked: value === filter,
        onchange: () => {
          filter = value;
          sessionStorage.setItem('skyscan-filter', value);
          for (const [id, row] of rows) if (value && row.scan.state !== value) drop(id, row);
          load(null);
        },
      }),
      el('span', {}, label),
    );
  const filters = el(
    'fieldset',
    { class: 'pills' },
    el('legend', { class: 'unseen' }, 'State'),
    choice('', 'all'),
    STATES.map((state) => choice(state, state)),
  );

  async function load(before) {
    const asked = filter;
    moment += 1;
    const begun = moment;
    if (!before) asking = begun;
    const query = new URLSearchParams({ limit: PAGE });
    if (asked) query.set('state', asked);
    if (before) query.set('before', before);
    try {
      const answer = await get(`scans?${query}`);
      if (closed || asked !== filter || (!before && asking !== begun)) return;
      if (!before) {
        // Rows that stay keep their pictures, and the focus.
        const listed = new Set(answer.scans.map((scan) => scan.id));
        for (const [id, row] of rows) if (!listed.has(id) && !isNewer(id, begun)) drop(id, row);
      }
      for (const scan of answer.scans) if (!isNewer(scan.id, begun)) put(scan);
      next = answer.next ?? null;
      more.hidden = !next;
      tell();
    } catch (error) {
      if (!closed) say(note, error.message);
    }
  }

  const isNewer = (id, than) => (heardAt.get(id) ?? 0) > than;

  function tell() {
    const none = filter ? `No scan is ${filter}.` : 'No scans yet. Submit an alert, or wait for one.';
    say(note, rows.size ? '' : none);
  }

  function drop(id, row) {
    row.remove();
    rows.delete(id);
    rove.refresh();
  }

  function put(scan) {
    const before = rows.get(scan.id);
    if (filter && scan.state !== filter) {
      if (before) drop(scan.id, before);
      return;
    }
    if (before) {
      before.show(scan);
      return;
    }
    const made = row(scan, thumbnails);
    rows.set(scan.id, made);
    const older = [...list.children].find((other) => other.dataset.submitted < scan.submitted);
    list.insertBefore(made.element, older ?? null);
    rove.refresh();
  }

  const rove = roving(list, 'a');
  const stop = follow('events', {
    heard: (name, scan) => {
      if (name === 'reset') load(null);
      if (name !== 'state' || !scan?.id) return;
      const old = rows.get(scan.id)?.scan;
      moment += 1;
      heardAt.set(scan.id, moment);
      put(scan);
      tell();
      if (old && old.state !== scan.state && isEnd(scan.state)) announce(`${eventName(scan.event)}: ${scan.state}.`);
    },
    status: (lost) => {
      around.status(lost);
      // What passed while nobody listened.
      if (!lost) load(null);
    },
  });
  load(null);
  const ages = setInterval(() => rows.forEach((r) => r.age()), 10_000);

  return {
    element: el(
      'div',
      {},
      el('div', { class: 'head' }, el('h1', { tabindex: '-1' }, 'Scans'), filters),
      list,
      note,
      more,
    ),
    title: 'Scans',
    place: 'scans',
    close() {
      closed = true;
      stop();
      clearInterval(ages);
      thumbnails.close();
    },
  };
}

function row(first, thumbnails) {
  const name = el('span', { class: 'name' });
  const badges = el('span', { class: 'badges' });
  const where = el('span', { class: 'where' });
  const exact = el('span', { class: 'exact' });
  const size = el('span', { class: 'size' });
  const doubts = el('span', { class: 'doubts' });
  const when = el('span', { class: 'when' });
  const picture = thumbnails.picture();
  const anchor = el(
    'a',
    { href: `#/scan/${encodeURIComponent(first.id)}` },
    picture,
    el('span', { class: 'who' }, name, badges),
    el('span', { class: 'spot' }, where, exact),
    el('span', { class: 'trust' }, size, doubts),
    when,
  );
  const element = el('li', {}, anchor);

  const made = {
    element,
    scan: first,
    show(scan) {
      made.scan = scan;
      element.dataset.submitted = scan.submitted;
      say(name, eventName(scan.event));
      fill(badges, stateBadge(scan.state), priorityBadge(scan.priority));
      // What a failed scan had found by then is nothing to point at.
      const best = scan.state === 'failed' ? null : scan.best;
      where.classList.toggle('missing', !best || scan.state === 'cancelled');
      if (best) {
        fill(
          where,
          el('span', { class: 'axis' }, 'RA '),
          ra(scan.best.ra_deg),
          el('span', { class: 'axis' }, ' Dec'),
          ` ${dec(scan.best.dec_deg)}`,
        );
      } else fill(where, isEnd(scan.state) ? (scan.error ?? 'no direction').slice(0, 90) : 'no direction yet');
      say(exact, best ? `${hours(best.ra_deg)} ${sexagesimal(best.dec_deg)}` : '');
      const quality = scan.quality ?? [];
      // Where the chip says that it is open, nothing else has to.
      say(
        size,
        best && scan.area_deg2 !== undefined
          ? area(scan.area_deg2)
          : best && !quality.includes('open')
          ? 'region still open'
          : '',
      );
      fill(
        doubts,
        quality.map((q) => el('span', { class: `chip ${doubt(q).isGrave ? 'grave' : ''}` }, lowered(doubt(q).title))),
      );
      made.age();
      picture.follow(scan);
    },
    age() {
      const { submitted, begun, ended } = made.scan;
      fill(
        when,
        el('span', {}, ago(submitted)),
        begun && ended && el('span', {}, `took ${duration(between(begun, ended))}`),
      );
      when.title = submitted;
    },
    remove() {
      picture.forget();
      element.remove();
    },
  };
  made.show(first);
  return made;
}
