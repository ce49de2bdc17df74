// Server-sent events by fetch, since EventSource sends no Authorization. Comes back by itself.

import { ask } from './api.js';

/** Silence after which a connection counts as lost; the service breathes every 15 s. */
const SILENCE_MS = 40_000;
/**
 * A browser has six connections to an address for all of its tabs: one that nobody looks at gives its own back after
 * this...
 */
const HIDDEN_MS = 30_000;
/** ...and takes one for so long, now and then, so that its title is not too old. */
const GLANCE_MS = 3_000;

const SHORTEST_MS = 500;
const LONGEST_MS = 15_000;

/**
 * Follows a stream until it is closed. `heard(name, value)` takes events; `status(lost)` takes null when connected, and
 * why it is not otherwise. `isOver()` says that a stream that ended has nothing more to say; `over()` hears of that.
 */
export function follow(path, { heard, status, isOver = () => false, over = () => {} }) {
  let closed = false;
  let cut = new AbortController();
  let wake = null;
  let wait = SHORTEST_MS;
  let isResting = false;
  let resting = null;

  const rest = () => {
    isResting = true;
    cut.abort();
  };

  const again = () => {
    if (wake) wake();
  };

  async function once() {
    cut = new AbortController();
    isResting = false;
    clearTimeout(resting);
    if (document.hidden) resting = setTimeout(rest, GLANCE_MS);
    let watch;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => cut.abort(), SILENCE_MS);
    };
    try {
      alive();
      const response = await ask(path, { signal: cut.signal, headers: { Accept: 'text/event-stream' } });
      status(null);
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const take = parser(heard);
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return null;
        alive();
        // Only what has said something is well: a proxy that answers and hangs up is not asked twice a second.
        wait = SHORTEST_MS;
        take(value);
      }
    } catch (error) {
      return error;
    } finally {
      clearTimeout(watch);
    }
  }

  async function run() {
    while (!closed) {
      const lost = await once();
      if (closed) return;
      if (!lost && isOver()) {
        over();
        return;
      }
      if (isResting) {
        if (document.hidden) await pause(HIDDEN_MS);
        continue;
      }
      status(lost ?? new Error('The service closed the connection'));
      // Nobody is let in by asking again; a new token reloads everything.
      if (lost && (lost.status === 401 || lost.status === 403 || lost.status === 404)) return;
      await pause(wait * (0.75 + Math.random() / 2));
      wait = Math.min(2 * wait, LONGEST_MS);
    }
  }

  /** Waits, unless there is a reason to look at once. */
  async function pause(ms) {
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    wake = null;
  }

  const seen = () => {
    clearTimeout(resting);
    if (document.hidden) resting = setTimeout(rest, HIDDEN_MS);
    else again();
  };
  window.addEventListener('online', again);
  document.addEventListener('visibilitychange', seen);
  run();

  return () => {
    closed = true;
    window.removeEventListener('online', again);
    document.removeEventListener('visibilitychange', seen);
    clearTimeout(resting);
    cut.abort();
    again();
  };
}

/** Cuts text into events and hands them on; what is no JSON is passed over. */
export function parser(heard) {
  let rest = '';
  let name = 'message';
  let lines = [];
  return (text) => {
    rest += text;
    const whole = rest.split(/\r\n|\n|\r(?!$)/);
    rest = whole.pop();
    for (const line of whole) {
      if (line === '') {
        if (lines.length) hand(heard, name, lines.join('\n'));
        name = 'message';
        lines = [];
      } else if (line.startsWith('event:')) name = line.slice(6).trim();
      else if (line.startsWith('data:')) lines.push(line.slice(5).replace(/^ /, ''));
    }
  };
}

function hand(heard, name, text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return;
  }
  heard(name, value);
}
