// What may be done with a scan, by whoever may.

import { scanPath, send } from './api.js';
import { el, say } from './dom.js';
import { fields } from './fields.js';
import { isEnd, PRIORITIES } from './words.js';

export function actions(around, id, scanNow) {
  const note = el('p', { class: 'note', role: 'status' });
  const buttons = el('div', { class: 'row' });
  const again = el('details', { class: 'again' }, el('summary', {}, 'Scan again with other settings'));
  const element = el('div', { class: 'writes' }, buttons, again, note);
  if (!around.may('submit')) return { element, show() {}, close() {} };
  // What others have submitted is changed by admins alone.
  const mayChange = (scan) => around.may('admin') || scan.from === `http ${around.name}`;
  let sure = null;

  async function act(words, work) {
    say(note, '…');
    try {
      await work();
      say(note, words);
    } catch (error) {
      say(note, error.message);
    }
  }

  /** One tap on a phone at night does not end a scan; a second one on the same button does. */
  function cancel(event) {
    const button = event.currentTarget;
    if (!sure) {
      say(button, 'Really cancel?');
      sure = setTimeout(() => {
        sure = null;
        say(button, 'Cancel the scan');
      }, 5000);
      return;
    }
    clearTimeout(sure);
    sure = null;
    act('It is being cancelled.', () => send('POST', scanPath(id, 'cancel')));
  }

  // They stay where they are while the scan changes, and keep the focus.
  const priorities = PRIORITIES.map((priority) =>
    el('button', {
      type: 'button',
      value: priority,
      onclick: () =>
        priority !== scanNow().priority &&
        act(`Its priority is ${priority}.`, () => send('PUT', scanPath(id, 'priority'), { priority })),
    }, priority)
  );
  const end = el('button', { type: 'button', class: 'danger', onclick: cancel }, 'Cancel the scan');
  buttons.append(...priorities, end);

  function show(scan) {
    const isOver = isEnd(scan.state);
    const isLocked = !isOver && !mayChange(scan);
    buttons.hidden = isOver || isLocked;
    for (const button of priorities) button.setAttribute('aria-pressed', String(button.value === scan.priority));
    if (isLocked) say(note, 'Somebody else submitted it: an admin may change it.');
    again.hidden = !isOver;
    if (!isOver || again.querySelector('form')) return;
    const form = fields(scan.settings, scan.priority);
    again.append(
      el(
        'form',
        {
          onsubmit: (event) => {
            event.preventDefault();
            act('', async () => {
              const answer = await send('POST', scanPath(id, 'rescan'), form.read());
              const next = (answer?.scan ?? answer)?.id;
              if (next && next !== id) location.hash = `#/scan/${encodeURIComponent(next)}`;
              // The same settings are the same scan, which is begun again if it did not end well.
              else around.reload();
            });
          },
        },
        form.element,
        el('button', { type: 'submit', class: 'main' }, 'Scan again'),
      ),
    );
  }
  return { element, show, close: () => clearTimeout(sure) };
}
