// Fetches maps and arranges them off the page's thread: three million pixels are 80 MB of JSON, and the page must not
// stand still for them.

import { arrange, buffers } from './lookup.js';

/** Bytes of a map that is not worth a thumbnail. */
const MOST_FOR_A_THUMBNAIL = 8e6;

self.onmessage = async ({ data: { number, address, token, etag, finest } }) => {
  try {
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (etag) headers['If-None-Match'] = etag;
    const response = await fetch(address, { headers, cache: 'no-store' });
    if (response.status === 304) {
      self.postMessage({ number, same: true });
      return;
    }
    if (!response.ok) {
      self.postMessage({ number, failed: response.status });
      return;
    }
    if (finest && Number(response.headers.get('Content-Length')) > MOST_FOR_A_THUMBNAIL) {
      await response.body.cancel();
      self.postMessage({ number, failed: 413 });
      return;
    }
    const { rounds } = await response.json();
    const map = arrange(finest ? rounds.filter(({ nside }) => nside <= finest) : rounds);
    self.postMessage({ number, map, etag: response.headers.get('ETag') }, map ? buffers(map) : []);
  } catch {
    self.postMessage({ number, failed: 0 });
  }
};
