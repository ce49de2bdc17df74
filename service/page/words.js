// What states and doubts are called, and what they mean: docs/analyst.md has the same for the command line.

import { el } from './dom.js';

export const STATES = ['queued', 'running', 'done', 'incomplete', 'failed', 'cancelled'];
export const PRIORITIES = ['background', 'normal', 'urgent'];

export const isEnd = (state) => state !== 'queued' && state !== 'running';

/** Whether there is anything to be fetched: what ended before it had a direction may have no map and no result. */
export const hasMap = ({ state, best }) =>
  state === 'running' || state === 'done' || state === 'incomplete' || Boolean(best);

/** Meaning of each doubt, and whether it speaks against pointing at all (`grave`) or for a second look. */
export const DOUBTS = {
  open: [
    'Open region',
    'A region reaches sky that is not known well enough: the source may lie outside of it. Scan wider, or with all of the sky.',
    true,
  ],
  incomplete: ['Incomplete', 'Planned pixels are missing: the scan ended early, or they failed.', true],
  coarse: [
    'Coarse',
    'A part of a region was not scanned at the finest nside. Scan again with the levels that you want to read.',
    false,
  ],
  grown: ['Grown', 'A region is smaller than a pixel and was grown to one. Scan again with a finer nside.', false],
  second_minimum: [
    'Second minimum',
    'The largest region has islands. Point at the second minimum, too, if you can.',
    false,
  ],
  wide: [
    'Wide',
    'The largest region is a tenth of the sky, or reaches 45° from the best fit: the event hardly names a direction.',
    true,
  ],
  failed_pixels: ['Failed pixels', 'Some pixels could not be reconstructed, wherever they are.', false],
  few_doms: ['Few DOMs', 'Fewer than 20 DOMs saw light.', false],
  saturated_light: ['Saturated light', 'DOMs were saturated, and their light then is left out.', false],
  without_systematics: [
    'Without systematics',
    'Systematics were asked for, and the scan ended before they did.',
    false,
  ],
  envelope: ['Envelope', 'The map is the envelope of systematics: its best fit is none of the event’s.', false],
  extrapolated: [
    'Extrapolated',
    'No simulated events stand behind a region: its level grows as by Wilks’ theorem.',
    false,
  ],
  uncounted: ['Uncounted', 'What the regions of this reconstruction hold was not counted on simulated events.', false],
  unsupported: [
    'Unsupported',
    'It was counted: regions of this reconstruction do not hold the truth. Vertex and energy are worth something, the region is not.',
    true,
  ],
  rough: ['Rough', 'A fast fit, 2° off in the median. Wait for a scan by photon-mpe, or submit one.', true],
};

/** A title inside of a sentence. */
export const lowered = (title) => title[0].toLowerCase() + title.slice(1);

/** Title, meaning and gravity of a doubt, also of one that a newer service has. */
export function doubt(name) {
  const [title, meaning, isGrave] = DOUBTS[name] ??
    [String(name).replaceAll('_', ' '), 'A reason to look twice that this page has no words for.', false];
  return { title, meaning, isGrave };
}

export const eventName = ({ run_id: run, event_id: event, stream }) =>
  [`Run ${run}`, `Event ${event}`, stream].filter(Boolean).join(' · ');

const MARKS = { queued: '◷', running: '▸', done: '✓', incomplete: '◐', failed: '✕', cancelled: '–' };

/** State as a word with a sign, so that colour is never all there is. */
export const stateBadge = (state) =>
  el(
    'span',
    { class: `badge ${STATES.includes(state) ? state : ''}` },
    el('span', { 'aria-hidden': 'true' }, `${MARKS[state] ?? ''} `),
    state,
  );

export const priorityBadge = (priority) =>
  priority !== 'normal' &&
  el('span', { class: `badge priority ${PRIORITIES.includes(priority) ? priority : ''}` }, priority);

/** How far an answer is to be trusted, in one sentence, with `tone`: good, wait, careful, bad or none. */
export function verdict(scan, contour) {
  const doubts = (scan.quality ?? []).map(doubt);
  const grave = doubts.filter((d) => d.isGrave);
  const has = scan.best || contour;
  switch (scan.state) {
    case 'queued':
      return { tone: 'none', title: 'Waiting', text: 'No direction yet: the scan waits for its turn.' };
    case 'running':
      if (!has) return { tone: 'none', title: 'Scanning', text: 'No direction yet.' };
      if (contour?.is_stable) {
        return { tone: 'wait', title: 'Stable', text: 'Finer rounds are not expected to move it. Not final yet.' };
      }
      return { tone: 'careful', title: 'Preliminary', text: 'Finer rounds may still move it.' };
    case 'failed':
      return { tone: 'bad', title: 'Failed', text: scan.error ?? 'There is no map.' };
    case 'cancelled':
      return {
        tone: 'bad',
        title: 'Cancelled',
        text: has ? 'What is shown is from before it was cancelled: do not rely on it.' : 'There is no map.',
      };
    default:
  }
  if (!has) return { tone: 'bad', title: 'No direction', text: scan.error ?? 'No pixel could be reconstructed.' };
  if (scan.state === 'incomplete' || grave.length) {
    const names = grave.length ? grave.map((d) => lowered(d.title)).join(', ') : 'incomplete';
    return { tone: 'bad', title: 'Do not rely on it alone', text: `Final, but: ${names}.` };
  }
  if (doubts.length) {
    return {
      tone: 'careful',
      title: 'Look twice',
      text: `Final, with reasons for doubt: ${doubts.map((d) => lowered(d.title)).join(', ')}.`,
    };
  }
  return { tone: 'good', title: 'Final', text: 'Nothing is known that speaks against it.' };
}
