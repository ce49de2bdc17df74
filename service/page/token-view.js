// Asks for the token.

import { el } from './dom.js';

export function tokenView(_around, why, taken) {
  const input = el('input', {
    id: 'token',
    type: 'password',
    autocomplete: 'off',
    required: true,
    spellcheck: 'false',
    autocapitalize: 'off',
  });
  const form = el(
    'form',
    {
      class: 'card narrow',
      onsubmit: (event) => {
        event.preventDefault();
        if (input.value.trim()) taken(input.value);
      },
    },
    el('h1', { tabindex: '-1' }, 'Who is asking?'),
    why && el('p', { class: 'error', role: 'alert' }, why),
    el(
      'p',
      {},
      'The service prints a link with a token when it starts, and ',
      el('code', {}, 'skyscan token'),
      ' makes others. It stays in this tab only.',
    ),
    el('label', { for: 'token' }, 'Token'),
    input,
    el('div', { class: 'row' }, el('button', { class: 'main', type: 'submit' }, 'Go on')),
  );
  return { element: form, title: 'Token', place: '' };
}
