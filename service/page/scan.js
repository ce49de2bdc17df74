// One scan: where to point, whether to trust it, then everything else.

import { get, scanPath } from './api.js';
import { announce, el, fill, fillTable, say } from './dom.js';
import { actions } from './actions.js';
import { answer } from './answer.js';
import { files } from './files.js';
import { hitsChart } from './hits.js';
import { mapOf } from './maps.js';
import { marks } from './marks.js';
import { moments } from './moments.js';
import { bestPixels, regionRows } from './tables.js';
import { progress } from './progress.js';
import { results } from './results.js';
import { SkyChart } from './skychart.js';
import { follow } from './stream.js';
import { doubt, eventName, hasMap, isEnd, priorityBadge, stateBadge } from './words.js';
import { dec, ra } from './angles.js';
import { ofMjd } from './format.js';

/** A live map is fetched again after this, or after three times what fetching it takes. */
const MAP_EVERY_MS = 2_000;

const section = (title, ...children) => el('section', { class: 'card' }, el('h2', {}, title), children);

export function scanView(around, id) {
  const state = { scan: null, progress: null, contour: null, result: null, map: null };
  const heading = el('h1', { tabindex: '-1' }, 'Scan');
  const badges = el('span', { class: 'badges' });
  const origin = el('p', { class: 'origin' });
  const problem = el('p', { class: 'error', hidden: true });
  const parts = {
    answer: answer(),
    progress: progress(),
    moments: moments(),
    marks: marks(id, () => draw()),
    files: files(id),
    results: results(),
    actions: actions(around, id, () => state.scan),
    hits: hitsChart(),
  };
  const zoom = new SkyChart('zoom', 'Best fit');
  const full = new SkyChart('full', 'Full sky');
  const doubts = el('ul', { class: 'doubt-list' });
  const regions = el('div', {});
  const found = el('p', {});
  const pixels = el('div', {});
  const asked = el('p', { class: 'note' });
  const doubtCard = section('Reasons for doubt', doubts);
  const progressCard = section('Progress', parts.progress.element);
  const sky = el(
    'div',
    {},
    el('div', { class: 'charts' }, zoom.element, full.element),
    el('details', { class: 'card' }, el('summary', {}, 'The map as a table'), found, pixels),
  );
  const regionCard = section('Regions', regions);
  const markCard = section('Marks', parts.marks.element);
  const resultCard = section('Result', parts.results.element);
  const filesCard = section('Files', parts.files.element);

  const element = el(
    'div',
    { class: 'scan' },
    el('div', { class: 'head' }, heading, el('div', { class: 'about' }, badges, origin)),
    problem,
    parts.answer.element,
    doubtCard,
    sky,
    el(
      'div',
      { class: 'columns' },
      el(
        'div',
        {},
        progressCard,
        regionCard,
        markCard,
        section('Moments', parts.moments.element),
        section('Settings', asked, parts.actions.element),
      ),
      el('div', {}, filesCard, section('Hit DOMs', parts.hits.element), resultCard),
    ),
  );

  let closed = false;
  let etag = null;
  let mapTimer = null;
  let mapAt = 0;
  let isMapStale = true;
  let isMapBusy = false;
  let hasEnd = false;

  const wantMap = () => {
    isMapStale = true;
    if (closed || mapTimer || isMapBusy || !state.scan || !hasMap(state.scan)) return;
    mapTimer = setTimeout(loadMap, Math.max(0, mapAt - performance.now()));
  };

  async function loadMap() {
    mapTimer = null;
    isMapBusy = true;
    isMapStale = false;
    const began = performance.now();
    const { map, etag: tag, failed } = await mapOf(id, { etag });
    isMapBusy = false;
    if (closed) return;
    mapAt = performance.now() + Math.max(MAP_EVERY_MS, 3 * (performance.now() - began));
    if (map) {
      etag = tag;
      state.map = map;
      draw();
    }
    if (isMapStale || failed === 0) wantMap();
  }

  function draw() {
    const { contour, map, result } = state;
    const level = result?.regions?.reduce((high, r) => Math.max(high, r.level ?? 0), 0) || undefined;
    const news = { map, contour, level, marks: parts.marks.all(), second: result?.second_minimum };
    zoom.show(news);
    full.show(news);
    const [words, lowest] = bestPixels(map);
    fill(found, words);
    if (lowest) fillTable(pixels, lowest);
    parts.marks.show(contour);
  }

  function show() {
    const { scan, contour, result } = state;
    if (!scan) return;
    say(heading, eventName(scan.event));
    fill(badges, stateBadge(scan.state), priorityBadge(scan.priority));
    say(origin, `${ofMjd(scan.event.mjd)}`);
    parts.answer.show(scan, contour, result);
    const quality = scan.quality ?? [];
    const warnings = scan.warnings ?? [];
    doubtCard.hidden = quality.length + warnings.length === 0;
    fill(
      doubts,
      warnings.map((words) => el('li', {}, el('strong', {}, 'The event'), ` ${words}`)),
      quality.map((name) => {
        const { title, meaning, isGrave } = doubt(name);
        return el('li', { class: isGrave ? 'grave' : '' }, el('strong', {}, title), ` ${meaning}`);
      }),
    );
    for (const part of [sky, regionCard, markCard]) part.hidden = !hasMap(scan);
    progressCard.hidden = isEnd(scan.state) && !state.progress;
    parts.progress.show(state.progress, scan);
    fillTable(regions, regionRows(contour, result));
    resultCard.hidden = !result;
    parts.results.show(result);
    filesCard.hidden = !isEnd(scan.state);
    parts.moments.scan(scan);
    parts.actions.show(scan);
    fill(asked, settingsWords(scan.settings));
    document.title = `${isEnd(scan.state) ? '' : '… '}${titled(scan)} · skyscan`;
  }

  /** After the end there is more to fetch, once. */
  async function finish() {
    if (hasEnd) return;
    hasEnd = true;
    etag = null;
    wantMap();
    parts.files.load();
    const asked = [get(scanPath(id)), hasMap(state.scan) ? get(scanPath(id, 'result')) : null];
    const [whole, result] = await Promise.allSettled(asked);
    if (closed) return;
    if (whole.status === 'fulfilled') take(whole.value);
    if (result.status === 'fulfilled') state.result = result.value;
    show();
    draw();
  }

  function take({ scan, progress: got, contour }) {
    state.scan = scan ?? state.scan;
    state.progress = got ?? state.progress;
    state.contour = contour ?? state.contour;
  }

  function heard(name, value) {
    const before = state.scan?.state;
    if (name === 'state') {
      // Begun again: what stood there is of the life before.
      if (before && isEnd(before) && !isEnd(value.state)) {
        hasEnd = false;
        state.result = null;
      }
      state.scan = value;
      if (!before && !isEnd(value.state) && state.contour) parts.moments.contour(state.contour, null);
      if (before && before !== value.state) announce(`Scan is ${value.state}.`);
      if (isEnd(value.state)) finish();
      wantMap();
    } else if (name === 'progress') {
      state.progress = value;
      wantMap();
    } else if (name === 'contour') {
      const was = state.contour;
      state.contour = value;
      if (state.scan && !isEnd(state.scan.state)) parts.moments.contour(value, was);
      if (value.is_stable && !was?.is_stable) {
        announce(`Stable: RA ${ra(value.best.ra_deg)}, Dec ${dec(value.best.dec_deg)}.`);
      }
      draw();
    }
    show();
  }

  const stop = follow(scanPath(id, 'events'), {
    heard,
    status: (lost) => {
      if (lost?.status === 404) {
        problem.hidden = false;
        say(problem, `There is no scan ${id} here.`);
        around.status(null);
        return;
      }
      around.status(state.scan && isEnd(state.scan.state) && lost && !lost.isLost ? null : lost);
    },
    isOver: () => state.scan !== null && isEnd(state.scan.state),
    over: () => around.quiet(),
  });
  get(scanPath(id))
    .then((whole) => {
      // The stream may have been faster, and knows better.
      if (closed || state.scan) return;
      take(whole);
      if (isEnd(state.scan.state)) finish();
      show();
      draw();
      wantMap();
    })
    .catch((error) => {
      if (closed || state.scan || error.isLost) return;
      problem.hidden = false;
      say(problem, error.message);
    });
  get(scanPath(id, 'hits'))
    .then((hits) => parts.hits.show(hits))
    .catch((error) => parts.hits.fail(error.message));
  draw();

  return {
    element,
    title: 'Scan',
    place: 'scans',
    close() {
      closed = true;
      clearTimeout(mapTimer);
      stop();
      zoom.close();
      full.close();
      parts.hits.close();
      parts.actions.close();
    },
  };
}

/** What a tab in the background says. */
function titled(scan) {
  const where = scan.best ? `${ra(scan.best.ra_deg, 1)} ${dec(scan.best.dec_deg, 1)}, ` : '';
  return `${where}${scan.state}, ${eventName(scan.event)}`;
}

function settingsWords(settings) {
  const words = Object.entries(settings ?? {}).map(([key, value]) =>
    `${key} ${Array.isArray(value) ? value.join(', ') : value}`
  );
  return words.length ? `Asked for: ${words.join(' · ')}` : 'Asked for: nothing but the defaults.';
}
