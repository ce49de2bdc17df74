// What can be taken home. Links carry no token, so each file is fetched and handed on.

import { ask, get, scanPath } from './api.js';
import { el, fill, save, say } from './dom.js';
import { bytes } from './format.js';

export function files(id) {
  const list = el('ul', { class: 'files' });
  const note = el('p', { class: 'note' }, 'None yet.');

  async function load() {
    try {
      const answer = await get(scanPath(id, 'files'));
      say(note, answer.files.length ? '' : 'None.');
      fill(list, answer.files.map(row));
    } catch (error) {
      say(note, error.message);
    }
  }

  function row({ name, size }) {
    const state = el('span', { class: 'note', role: 'status' });
    const button = el('button', { type: 'button', 'aria-label': `Download ${name}` }, 'Download');
    button.addEventListener('click', async () => {
      button.disabled = true;
      say(state, '…');
      try {
        const response = await ask(scanPath(id, 'files', name));
        save(await response.blob(), name);
        say(state, '');
      } catch (error) {
        say(state, error.message);
      }
      button.disabled = false;
    });
    return el(
      'li',
      {},
      el('span', { class: 'file' }, name),
      el('span', { class: 'number' }, bytes(size)),
      state,
      button,
    );
  }
  return { element: el('div', {}, note, list), load };
}
