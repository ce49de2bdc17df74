// Settings of a scan as fields of a form, for a new one and for one that is scanned again.

import { el } from './dom.js';
import { get } from './api.js';
import { PRIORITIES } from './words.js';

let made = 0;

/** `read()` answers with `{settings, priority}`, or throws what is wrong with a field, which it points at. */
export function fields(settings = {}, priority = 'normal') {
  made += 1;
  const prefix = `f${made}`;
  const field = (name, label, input, help) => {
    input.id = `${prefix}-${name}`;
    if (help) input.setAttribute('aria-describedby', `${input.id}-help`);
    return el(
      'div',
      { class: 'field' },
      el('label', { for: input.id }, label),
      input,
      help && el('span', { class: 'note', id: `${input.id}-help` }, help),
    );
  };
  const select = (value, options) =>
    el('select', {}, options.map(([key, label]) => el('option', { value: key, selected: key === value }, label)));
  const text = (value, attributes = {}) => {
    const input = el('input', { autocomplete: 'off', spellcheck: 'false', ...attributes });
    input.value = value ?? '';
    return input;
  };

  const recos = el('datalist', { id: `${prefix}-recos` });
  const inputs = {
    priority: select(priority, PRIORITIES.map((p) => [p, p])),
    tier: select(settings.tier ?? '', [['', 'as usual'], ['pole', 'pole: fastest'], ['mma', 'mma: for telescopes'], [
      'archival',
      'archival: finest',
    ]]),
    systematics: select(settings.systematics ?? '', [['', 'none'], ['quick', 'quick'], [
      'full',
      'full: takes minutes',
    ]]),
    reco: text(settings.reco, { list: `${prefix}-recos`, placeholder: 'photon-mpe' }),
    nside: text((settings.nside ?? []).join(','), { placeholder: '8,64,512' }),
    levels: text((settings.levels ?? []).join(','), { placeholder: '50,90' }),
    event: text(settings.event, { inputmode: 'numeric' }),
    pulses: text(settings.pulses),
  };
  get('fleet')
    .then(({ workers }) =>
      recos.append(...[...new Set(workers.flatMap((w) => w.recos))].map((reco) => el('option', { value: reco })))
    )
    .catch(() => {
      // Names can be typed, too.
    });

  const element = el(
    'div',
    { class: 'fields' },
    field('priority', 'Priority', inputs.priority),
    field('tier', 'Tier', inputs.tier, 'Defaults by what the answer is for'),
    field('systematics', 'Systematics', inputs.systematics),
    field('reco', 'Reconstruction', inputs.reco),
    recos,
    field('nside', 'Resolutions (nside)', inputs.nside, 'Powers of two, coarse to fine'),
    field('levels', 'Regions, %', inputs.levels),
    field('event', 'Event number', inputs.event, 'Where the file holds several'),
    field('pulses', 'Pulse series', inputs.pulses),
  );

  function wrong(name, words) {
    inputs[name].setAttribute('aria-invalid', 'true');
    inputs[name].focus();
    throw new Error(words);
  }

  function read() {
    for (const input of Object.values(inputs)) input.removeAttribute('aria-invalid');
    const asked = {};
    const value = (name) => inputs[name].value.trim();
    for (const name of ['tier', 'reco', 'systematics', 'pulses']) if (value(name)) asked[name] = value(name);
    const numbers = (name) => value(name).split(/[\s,]+/).filter(Boolean).map(Number);
    const nside = numbers('nside');
    if (nside.some((n, i) => !(Number.isInteger(Math.log2(n)) && n >= 1) || (i > 0 && n <= nside[i - 1]))) {
      wrong('nside', 'Resolutions are powers of two, from coarse to fine, such as 8,64,512.');
    }
    if (nside.length) asked.nside = nside;
    const levels = numbers('levels');
    if (levels.some((level) => !(level > 0 && level < 100))) {
      wrong('levels', 'Regions are percentages between 0 and 100, such as 50,90.');
    }
    if (levels.length) asked.levels = levels;
    if (value('event')) {
      const event = Number(value('event'));
      if (!Number.isInteger(event) || event < 0) wrong('event', 'The event number is a whole number.');
      asked.event = event;
    }
    return { settings: asked, priority: inputs.priority.value };
  }
  return { element, read };
}
