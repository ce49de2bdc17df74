// DOMs that saw light, from the side: colour is when, size is how much.

import { el, fill, say, table } from './dom.js';
import { along, isDark } from './colour.js';
import { count, figure } from './format.js';

const SIDES = { 'x-z': [0, 'x'], 'y-z': [1, 'y'] };
const TABLED = 30;

export function hitsChart() {
  const canvas = el('canvas', {
    class: 'hits',
    role: 'img',
    'aria-label': 'Hit DOMs from the side; the table below has the brightest',
  });
  const note = el('p', { class: 'note' }, 'Nothing fetched yet.');
  const rows = el('div', {});
  const choices = Object.keys(SIDES).map((side) =>
    el(
      'label',
      { class: 'pill' },
      el('input', { type: 'radio', name: 'side', value: side, checked: side === 'x-z', onchange: () => turn(side) }),
      el('span', {}, side),
    )
  );
  const key = el(
    'p',
    { class: 'key', hidden: true },
    el('span', {}, 'early'),
    el('canvas', { class: 'strip', width: '64', height: '1', 'aria-hidden': 'true' }),
    el('span', {}, 'late'),
  );
  const element = el(
    'div',
    {},
    el('fieldset', { class: 'pills' }, el('legend', { class: 'unseen' }, 'Side'), choices),
    canvas,
    key,
    note,
    el('details', {}, el('summary', {}, 'The hits as a table'), rows),
  );
  let hits = [];
  let side = 'x-z';
  const sizes = new ResizeObserver(draw);
  sizes.observe(canvas);
  const theme = window.matchMedia('(prefers-color-scheme: dark)');
  theme.addEventListener('change', draw);

  function turn(to) {
    side = to;
    draw();
  }

  function show(value) {
    hits = value.filter((hit) => Array.isArray(hit.position_m));
    const charge = hits.reduce((sum, hit) => sum + hit.charge_pe, 0);
    const times = span();
    say(
      note,
      hits.length
        ? `${count(hits.length)} DOMs saw ${figure(charge)} photoelectrons, 98 % of them within ${
          figure(times[1] - times[0])
        } ns. Larger circles: more light.`
        : 'No hits.',
    );
    key.hidden = hits.length === 0;
    const brightest = [...hits].sort((a, b) => b.charge_pe - a.charge_pe).slice(0, TABLED);
    fill(
      rows,
      table(
        'The brightest DOMs',
        ['x, m', 'y, m', 'z, m', 'time, ns', 'charge, pe'],
        brightest.map((
          hit,
        ) => [...hit.position_m.map((m) => m.toFixed(1)), hit.time_ns.toFixed(0), figure(hit.charge_pe)]),
      ),
    );
    draw();
  }

  function fail(words) {
    say(note, words);
  }

  /** When most of the light came: a stray early or late pulse takes no colours. */
  function span() {
    const times = hits.map((hit) => hit.time_ns).sort((a, b) => a - b);
    return [times[Math.floor(times.length * 0.01)] ?? 0, times[Math.ceil(times.length * 0.99) - 1] ?? 1];
  }

  function draw() {
    const { clientWidth: width, clientHeight: height } = canvas;
    if (!width) return;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const context = canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const text = isDark() ? '#eef1f6' : '#1a1d24';
    const line = isDark() ? 'rgba(200,208,224,.25)' : 'rgba(70,76,88,.25)';
    const [axis, name] = SIDES[side];
    const xs = hits.map((hit) => hit.position_m[axis]);
    const zs = hits.map((hit) => hit.position_m[2]);
    const around = (values) => [Math.min(-500, ...values), Math.max(500, ...values)];
    const [[left, right], [low, high]] = [around(xs), around(zs)];
    const [l, r, t, b] = [46, 20, 26, 32];
    const scale = Math.min((width - l - r) / (right - left), (height - t - b) / (high - low));
    const x = (m) => l + (width - l - r) / 2 + (m - (left + right) / 2) * scale;
    const y = (m) => t + (height - t - b) / 2 - (m - (low + high) / 2) * scale;
    context.font = '12px system-ui, sans-serif';
    context.strokeStyle = line;
    context.fillStyle = text;
    context.lineWidth = 1;
    context.beginPath();
    const ticks = (from, to) => [-1500, -1000, -500, 0, 500, 1000, 1500].filter((m) => m >= from && m <= to);
    context.textAlign = 'center';
    for (const m of ticks(left, right)) {
      context.moveTo(x(m), t);
      context.lineTo(x(m), height - b);
      context.fillText(signed(m), x(m), height - b + 14);
    }
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (const m of ticks(low, high)) {
      context.moveTo(l, y(m));
      context.lineTo(width - r, y(m));
      context.fillText(signed(m), l - 5, y(m));
    }
    context.stroke();
    context.textBaseline = 'alphabetic';
    context.fillText(`${name}, m`, width - r, height - 4);
    context.textAlign = 'left';
    context.fillText('z, m', 2, 12);
    const [first, last] = span();
    const most = Math.max(1, ...hits.map((hit) => hit.charge_pe));
    context.strokeStyle = isDark() ? '#0a0c12' : '#fff';
    context.lineWidth = 0.75;
    for (const hit of [...hits].sort((p, q) => q.charge_pe - p.charge_pe)) {
      context.beginPath();
      context.arc(
        x(hit.position_m[axis]),
        y(hit.position_m[2]),
        2 + 10 * Math.sqrt(hit.charge_pe / most),
        0,
        2 * Math.PI,
      );
      context.fillStyle = along((hit.time_ns - first) / Math.max(1, last - first));
      context.fill();
      context.stroke();
    }
    strip();
  }

  function strip() {
    const context = key.querySelector('canvas').getContext('2d');
    for (let i = 0; i < 64; i += 1) {
      context.fillStyle = along(i / 63);
      context.fillRect(i, 0, 1, 1);
    }
  }

  return {
    element,
    show,
    fail,
    close() {
      sizes.disconnect();
      theme.removeEventListener('change', draw);
    },
  };
}

const signed = (m) => (m < 0 ? `−${-m}` : String(m));
