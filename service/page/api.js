// Asks the service. Addresses are relative to the page, so that it works below any path of a reverse proxy.

import { token } from './token.js';

export const BASE = new URL('api/v1/', document.baseURI);

/** What went wrong, in words for people: the service's own where it has any (RFC 9457). */
export class Problem extends Error {
  constructor(status, title, detail) {
    super(detail ? `${title}: ${detail}` : title);
    this.status = status;
  }

  /** Nobody answered. */
  get isLost() {
    return this.status === 0;
  }
}

/** Asks for anything; answers with a good response or throws a `Problem`. */
export async function ask(path, options = {}) {
  const headers = new Headers(options.headers);
  if (token()) headers.set('Authorization', `Bearer ${token()}`);
  let response;
  try {
    response = await fetch(new URL(path, BASE), { ...options, headers, cache: 'no-store' });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, 'The service cannot be reached', '');
  }
  if (!response.ok) throw await problem(response);
  return response;
}

async function problem(response) {
  let told = {};
  try {
    told = await response.json();
  } catch {
    // A proxy's page rather than the service's words.
  }
  const title = typeof told.title === 'string'
    ? told.title
    : `The service answers ${response.status} ${response.statusText}`.trim();
  const error = new Problem(response.status, title, typeof told.detail === 'string' ? told.detail : '');
  if (response.status === 401) document.dispatchEvent(new CustomEvent('skyscan:unknown'));
  return error;
}

export async function get(path) {
  return (await ask(path)).json();
}

export async function send(method, path, body) {
  const options = { method };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { 'Content-Type': 'application/json' };
  }
  const response = await ask(path, options);
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

/** Path of a scan, or of something of it. */
export const scanPath = (id, ...rest) => ['scans', id, ...rest].map(encodeURIComponent).join('/');
