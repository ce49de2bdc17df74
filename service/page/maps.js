// Asks the worker for maps.

import { BASE, scanPath } from './api.js';
import { token } from './token.js';

let worker = null;
let asked = 0;
const waiting = new Map();

function start() {
  worker = new Worker(new URL('map-worker.js', import.meta.url), { type: 'module' });
  worker.onmessage = ({ data }) => {
    waiting.get(data.number)?.(data);
    waiting.delete(data.number);
  };
  worker.onerror = () => {
    // Without a worker there is no map; everything else is there.
    for (const [number, answer] of waiting) answer({ number, failed: 0 });
    waiting.clear();
  };
}

/** Answers with `{map, etag}`, `{same}` if nothing changed since `etag`, or `{failed: status}`. `finest`: no finer rounds, and
 * nothing of a map that is too large for a picture of a hundred places. */
export function mapOf(id, { etag, finest } = {}) {
  if (!worker) start();
  asked += 1;
  const number = asked;
  const address = new URL(scanPath(id, 'map'), BASE);
  return new Promise((resolve) => {
    waiting.set(number, resolve);
    worker.postMessage({ number, address: address.href, token: token(), etag, finest });
  });
}
