// Colours of 2 (llh - llh of the best): the ramp of the project's own pictures. Lightness alone orders it, so it
// reads the same with every kind of colour vision; the hue only helps. By day the best directions are dark on pale
// sky; by night they glow on dark sky.

/** Lightness, chroma and hue (Oklab) at both ends and in between. */
const STOPS = [
  [0.2, 0.085, 285],
  [0.39, 0.115, 268],
  [0.58, 0.105, 235],
  [0.78, 0.075, 205],
  [0.97, 0.018, 95],
];

function ramp(share) {
  const place = share * (STOPS.length - 1);
  const below = Math.min(Math.floor(place), STOPS.length - 2);
  const part = place - below;
  const [l, chroma, hue] = [0, 1, 2].map((i) => STOPS[below][i] + part * (STOPS[below + 1][i] - STOPS[below][i]));
  return oklab(l, chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180));
}

function oklab(l, a, b) {
  const long = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
  ].map((part) => {
    const p = Math.min(1, Math.max(0, part));
    return Math.round(255 * (p <= 0.0031308 ? 12.92 * p : 1.055 * p ** (1 / 2.4) - 0.055));
  });
}

const RAMP = Array.from({ length: 256 }, (_, i) => ramp(i / 255));

export const isDark = () => window.matchMedia('(prefers-color-scheme: dark)').matches;

/** Sky that nobody looked at, and stripes where fits failed. */
const UNSCANNED = { light: [226, 228, 232], dark: [44, 47, 54] };
const FAILED = { light: [120, 124, 132], dark: [120, 124, 132] };

/** Colours of values up to a cap. `isRoot`: even in standard deviations, for the whole sky with its long tail. */
export class Scale {
  constructor(cap, isRoot, dark = isDark()) {
    this.cap = cap;
    this.isRoot = isRoot;
    this.dark = dark;
    const packed = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
    this.table = Uint32Array.from({ length: 256 }, (_, i) => packed(RAMP[dark ? 255 - i : i]));
    const theme = dark ? 'dark' : 'light';
    this.unscanned = packed(UNSCANNED[theme]);
    this.failed = packed(FAILED[theme]);
  }

  share(value) {
    const linear = Math.min(1, Math.max(0, value / this.cap));
    return this.isRoot ? Math.sqrt(linear) : linear;
  }

  /** Packed for an `ImageData`. */
  packed(value) {
    return this.table[(this.share(value) * 255 + 0.5) | 0];
  }

  css(value) {
    const i = Math.round(this.share(value) * 255);
    const [r, g, b] = RAMP[this.dark ? 255 - i : i];
    return `rgb(${r} ${g} ${b})`;
  }

  /** Round values for the legend. */
  ticks() {
    const shares = this.isRoot ? [0, 0.05, 0.25, 1] : [0, 0.25, 0.5, 1];
    return shares.map((share) => (share === 0 || share === 1 ? share * this.cap : roundUp(share * this.cap)));
  }
}

/** The next of 1, 1.5, 2, 3, 5, 7.5 times a power of ten. */
export function roundUp(value) {
  if (!(value > 0) || !Number.isFinite(value)) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 3, 5, 7.5, 10].find((s) => s * power >= value * 0.9999) ?? 10;
  return step * power;
}

/** The colour of a time or anything else between 0 and 1, the same ramp without its palest and darkest ends. */
export function along(share, dark = isDark()) {
  const s = Math.min(1, Math.max(0, share));
  const [r, g, b] = RAMP[Math.round(dark ? 90 + s * 165 : s * 190)];
  return `rgb(${r} ${g} ${b})`;
}
