// The page: which view the address names, who is asking, whether anybody answers.

import { get } from './api.js';
import { announce, say } from './dom.js';
import { clock } from './format.js';
import { forget, fromAddress, keep, token } from './token.js';
import { listView } from './list.js';
import { scanView } from './scan.js';
import { fleetView } from './fleet.js';
import { submitView } from './submit.js';
import { tokenView } from './token-view.js';

const main = document.getElementById('main');
const lostBanner = document.getElementById('lost');
const link = document.getElementById('link');

/** What a lost connection costs before it is told: a short gap is no news. */
const PATIENCE_MS = 2_500;

const ROLES = ['read', 'submit', 'admin'];

/** What views know of where they are. */
const around = {
  role: 'admin',
  name: '',
  status,
  quiet,
  reload: () => show(...chosen()),
  may: (role) => ROLES.indexOf(around.role) >= ROLES.indexOf(role),
};

let view = null;
let lostSince = null;
let why = '';
let telling = null;
let routes = 0;

function status(lost) {
  if (!lost) {
    clearTimeout(telling);
    telling = null;
    if (!lostBanner.hidden) announce('The connection is back.');
    lostSince = null;
    lostBanner.hidden = true;
    say(link, 'live');
    link.className = 'link live';
    return;
  }
  lostSince ??= Date.now();
  why = lost.message;
  link.className = 'link lost';
  say(link, 'lost');
  if (lostBanner.hidden) telling ??= setTimeout(tellLost, PATIENCE_MS);
  else tellLost();
}

function tellLost() {
  say(lostBanner, `Connection lost since ${clock(lostSince)} UTC. What you see may be old. ${why}.`);
  if (lostBanner.hidden) announce('Connection lost. What you see may be old.');
  lostBanner.hidden = false;
}

/** Neither well nor lost: a view without a stream, or none yet. */
function quiet() {
  clearTimeout(telling);
  telling = null;
  lostSince = null;
  lostBanner.hidden = true;
  link.className = 'link';
  say(link, '');
}

function chosen() {
  const [, name, rest] = /^#\/([^/]*)\/?(.*)$/.exec(location.hash) ?? [];
  let id = rest;
  try {
    id = decodeURIComponent(rest ?? '');
  } catch {
    // An address that somebody mistyped.
  }
  if (name === 'scan' && id) return [scanView, id];
  if (name === 'fleet') return [fleetView];
  if (name === 'submit') return [submitView];
  return [listView];
}

function show(make, ...args) {
  const isFirst = view === null;
  view?.close?.();
  quiet();
  view = make(around, ...args);
  main.replaceChildren(view.element);
  document.title = `${view.title} · skyscan`;
  for (const anchor of document.querySelectorAll('nav a')) {
    const here = anchor.dataset.view === view.place;
    if (here) anchor.setAttribute('aria-current', 'page');
    else anchor.removeAttribute('aria-current');
  }
  if (!isFirst) {
    // As a new page would: to its top, and its heading is what is read next.
    window.scrollTo(0, 0);
    main.querySelector('h1')?.focus({ preventScroll: true });
  }
}

async function whoAsks() {
  try {
    const { name, role } = await get('whoami');
    around.role = ROLES.includes(role) ? role : 'read';
    around.name = typeof name === 'string' ? name : '';
    return 'known';
  } catch (error) {
    return error.status === 401 ? 'unknown' : 'unsure';
  }
}

async function route() {
  routes += 1;
  const mine = routes;
  if (!token()) return ask();
  if (!around.known) {
    const who = await whoAsks();
    // The address has changed meanwhile: whoever came later shows what it names.
    if (mine !== routes) return undefined;
    if (who === 'unknown') return ask('That token is not known here.');
    // Where nobody answered it is asked again with the next address, and all buttons are there until then.
    around.known = who === 'known';
  }
  document.body.classList.toggle('reads', !around.may('submit'));
  say(
    document.getElementById('who'),
    [...new Set([around.name, around.known && around.role])].filter(Boolean).join(', '),
  );
  document.getElementById('leave').hidden = false;
  return show(...chosen());
}

function ask(why) {
  forget();
  around.known = false;
  document.getElementById('leave').hidden = true;
  say(document.getElementById('who'), '');
  show(tokenView, why, (typed) => {
    keep(typed);
    route();
  });
}

fromAddress();
window.addEventListener('hashchange', () => {
  fromAddress();
  route();
});
document.addEventListener('skyscan:unknown', () => {
  if (token()) ask('That token is not known here, or not any more.');
});
document.getElementById('leave').addEventListener('click', () => ask());
document.getElementById('skip').addEventListener('click', (event) => {
  // The address names the view, not a place in it.
  event.preventDefault();
  main.focus();
});
route();
