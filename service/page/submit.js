// A form that brings alerts.

import { ask } from './api.js';
import { announce, el, fill, say } from './dom.js';
import { bytes } from './format.js';
import { fields } from './fields.js';
import { eventName, stateBadge } from './words.js';

export function submitView(around) {
  const heading = el('h1', { tabindex: '-1' }, 'Submit');
  if (!around.may('submit')) {
    return {
      element: el('div', {}, heading, el('p', {}, 'This token may read only.')),
      title: 'Submit',
      place: 'submit',
    };
  }
  const form = fields();
  const chosen = el('ul', { class: 'chosen' });
  const error = el('p', { class: 'error', role: 'alert' });
  const outcomes = el('ul', { class: 'outcomes', 'aria-label': 'Outcomes' });
  const input = el('input', {
    type: 'file',
    id: 'event-file',
    multiple: true,
    class: 'unseen',
    onchange: () => choose(input.files),
  });
  const drop = el(
    'label',
    { class: 'drop', for: 'event-file' },
    el('strong', {}, 'Choose event files'),
    el('span', { class: 'note' }, 'or drag them here: alert JSON, .i3, or the project’s own format'),
  );
  const button = el('button', { type: 'submit', class: 'main' }, 'Submit');
  let files = [];

  function choose(list) {
    files = [...list];
    fill(chosen, files.map((file) => el('li', {}, `${file.name} `, el('span', { class: 'note' }, bytes(file.size)))));
    say(error, '');
  }

  for (const name of ['dragenter', 'dragover']) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add('over');
    });
  }
  drop.addEventListener('dragleave', () => drop.classList.remove('over'));
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    drop.classList.remove('over');
    choose(event.dataTransfer.files);
  });

  async function submit(event) {
    event.preventDefault();
    say(error, '');
    let asked;
    try {
      if (!files.length) throw new Error('Choose an event file first.');
      asked = form.read();
    } catch (wrong) {
      say(error, wrong.message);
      return;
    }
    button.disabled = true;
    const brought = await Promise.all(files.map((file) => bring(file, asked)));
    button.disabled = false;
    // One alert is what somebody wants to watch; of several there is the list.
    if (brought.length === 1 && brought[0]) location.hash = `#/scan/${encodeURIComponent(brought[0].id)}`;
  }

  async function bring(file, { settings, priority }) {
    const outcome = el('li', {}, `${file.name}: sending…`);
    outcomes.prepend(outcome);
    const body = new FormData();
    // The settings come first, so that the service knows them when the event is there.
    body.append('settings', new Blob([JSON.stringify(settings)], { type: 'application/json' }));
    body.append('priority', priority);
    body.append('event', file);
    try {
      const response = await ask('scans', { method: 'POST', body });
      const answer = await response.json();
      const scan = answer.scan ?? answer;
      fill(
        outcome,
        `${file.name}: `,
        el('a', { href: `#/scan/${encodeURIComponent(scan.id)}` }, eventName(scan.event)),
        ' ',
        stateBadge(scan.state),
        response.status === 200 ? ' was here already' : '',
      );
      announce(`${file.name} is submitted.`);
      return scan;
    } catch (wrong) {
      fill(outcome, el('span', { class: 'error' }, `${file.name}: ${wrong.message}`));
      announce(`${file.name} was not taken.`);
      return null;
    }
  }

  const element = el(
    'div',
    {},
    el('div', { class: 'head' }, heading),
    el(
      'form',
      { class: 'card', onsubmit: submit, novalidate: true },
      input,
      drop,
      chosen,
      form.element,
      error,
      el('div', { class: 'row' }, button),
    ),
    outcomes,
  );
  return { element, title: 'Submit', place: 'submit' };
}
