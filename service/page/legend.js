// What the colours and lines of a map mean.

import { el, fill } from './dom.js';
import { figure, percent } from './format.js';

export function legend() {
  const strip = el('canvas', { class: 'strip', width: '256', height: '1', 'aria-hidden': 'true' });
  const ticks = el('div', { class: 'ticks' });
  const lines = el('ul', { class: 'lines' });
  const element = el(
    'div',
    { class: 'legend' },
    el('span', { class: 'of' }, '2Δllh above the best pixel'),
    strip,
    ticks,
    lines,
  );

  function show(scale, contour, map) {
    const context = strip.getContext('2d');
    const image = context.createImageData(256, 1);
    new Uint32Array(image.data.buffer).set(scale.table);
    context.putImageData(image, 0, 0);
    const values = scale.ticks();
    fill(ticks, values.map((value, i) => tick(value, i === values.length - 1)));
    for (const [i, span] of [...ticks.children].entries()) span.style.left = `${100 * scale.share(values[i])}%`;
    const regions = contour?.regions ?? [];
    fill(
      lines,
      regions.map(({ containment }, i) =>
        el(
          'li',
          {},
          el('span', { class: `dash d${regions.length === 1 ? 1 : Math.min(i, 3)}`, 'aria-hidden': 'true' }),
          `${percent(containment)} region`,
        )
      ),
      !map?.isWhole && el('li', {}, el('span', { class: 'swatch unscanned', 'aria-hidden': 'true' }), 'not scanned'),
      map?.failed > 0 && el('li', {}, el('span', { class: 'swatch failed', 'aria-hidden': 'true' }), 'fit failed'),
    );
  }
  return { element, show };
}

const tick = (value, isLast) => el('span', {}, `${isLast ? '≥' : ''}${figure(value)}`);
