// Elements by hand. Text goes in as text, always: nothing that a file or a peer says is ever read as markup.

/** An element with attributes, handlers (`onclick`) and children: elements, text, or nothing. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(
    ...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false),
  );
  return element;
}

/** Changes text only where it differs, so that selections and screen readers are left alone. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Children that take the place of those that are there, unless they say the same. */
export function fill(element, ...children) {
  const fresh = el('div', {}, ...children);
  if (sameTree(element, fresh)) return;
  element.replaceChildren(...fresh.childNodes);
}

/** The same for a table: where one is already it keeps its place in the page, how far it is scrolled, and the focus. */
export function fillTable(holder, fresh) {
  const old = holder.firstElementChild;
  if (!old?.matches('.scroll') || !fresh.matches('.scroll')) fill(holder, fresh);
  else if (!sameTree(old, fresh)) old.replaceChildren(...fresh.childNodes);
}

function sameTree(a, b) {
  if (a.childNodes.length !== b.childNodes.length) return false;
  for (let i = 0; i < a.childNodes.length; i += 1) {
    if (!a.childNodes[i].isEqualNode(b.childNodes[i])) return false;
  }
  return true;
}

/** A table with a caption for whoever cannot see where it stands. */
export function table(caption, heads, rows, kind) {
  return el(
    'div',
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    el(
      'table',
      { class: kind },
      el('caption', { class: 'unseen' }, caption),
      el('thead', {}, el('tr', {}, heads.map((head) => el('th', { scope: 'col' }, head)))),
      el(
        'tbody',
        {},
        rows.map((row) =>
          el('tr', {}, row.map((cell, i) => el(i === 0 ? 'th' : 'td', i === 0 ? { scope: 'row' } : {}, cell)))
        ),
      ),
    ),
  );
}

/** Tells whoever listens rather than looks, once, without moving the focus. */
export function announce(text) {
  say(document.getElementById('announcements'), text);
}

/** Saves a blob under a name. */
export function save(blob, name) {
  const href = URL.createObjectURL(blob);
  const link = el('a', { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  // The download has begun by then in every browser, and the blob would stay for as long as the page.
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
