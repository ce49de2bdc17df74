// Signs on buttons, drawn, since fonts of phones lack some.

const SVG = 'http://www.w3.org/2000/svg';

const PATHS = {
  plus: 'M8 2.5v11M2.5 8h11',
  minus: 'M2.5 8h11',
  target: 'M8 1v4M8 11v4M1 8h4M11 8h4M8 3.5a4.5 4.5 0 1 0 .01 0',
  enlarge: 'M9.5 2.5h4v4M13.5 2.5l-4.5 4.5M6.5 13.5h-4v-4M2.5 13.5l4.5-4.5',
  close: 'M3 3l10 10M13 3L3 13',
};

export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}
