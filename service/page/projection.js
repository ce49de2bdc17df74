// From the sky to the canvas and back. Right ascension grows to the left, as the sky is seen. Both projections keep
// areas true.

const RAD = Math.PI / 180;
const TAU = 2 * Math.PI;
const ROOT2 = Math.SQRT2;

/** The whole sky in an ellipse (Mollweide), which can be turned and magnified. */
export class FullSky {
  constructor() {
    this.reset();
  }

  reset() {
    this.middle = 180;
    this.zoom = 1;
    /** How far the picture is pushed down, in units of its radius. */
    this.down = 0;
  }

  fit(width, height) {
    this.width = width;
    this.height = height;
    this.scale = this.zoom * Math.min((width - 8) / (4 * ROOT2), (height - 8) / (2 * ROOT2));
    const most = Math.max(0, ROOT2 - (height - 8) / 2 / this.scale);
    this.down = Math.min(most, Math.max(-most, this.down));
  }

  page({ ra_deg: ra, dec_deg: dec }) {
    const t = auxiliary(dec * RAD);
    let turned = (ra - this.middle) * RAD;
    turned -= TAU * Math.round(turned / TAU);
    return [
      this.width / 2 - (this.scale * 2 * ROOT2 * turned * Math.cos(t)) / Math.PI,
      this.height / 2 + this.scale * (this.down - ROOT2 * Math.sin(t)),
    ];
  }

  /** Writes z, s and phi of a row's places into `out`, three a place; NaN outside of the sky. */
  row(y, xs, out) {
    const up = (this.height / 2 - y) / this.scale + this.down;
    const inside = Math.abs(up) <= ROOT2;
    const t = inside ? Math.asin(up / ROOT2) : 0;
    const z = Math.min(1, Math.max(-1, (2 * t + Math.sin(2 * t)) / Math.PI));
    const s = Math.sqrt((1 - z) * (1 + z));
    const reach = Math.cos(t) * 2 * ROOT2;
    for (let i = 0; i < xs.length; i += 1) {
      const turned = ((this.width / 2 - xs[i]) / this.scale / reach) * Math.PI;
      const isSky = inside && Math.abs(turned) <= Math.PI;
      out[3 * i] = isSky ? z : NaN;
      out[3 * i + 1] = s;
      out[3 * i + 2] = this.middle * RAD + turned;
    }
  }

  drag(dx, dy) {
    this.middle = (((this.middle + dx / this.scale / (2 * ROOT2) / RAD * Math.PI) % 360) + 360) % 360;
    this.down += dy / this.scale;
    this.fit(this.width, this.height);
  }

  magnify(factor, x, y) {
    const zoom = Math.min(40, Math.max(1, this.zoom * factor));
    const real = zoom / this.zoom;
    // What is under the pointer stays there, as far as a turn and a push can do that.
    this.drag((x - this.width / 2) * (1 / real - 1), 0);
    const up = (y - this.height / 2) / this.scale;
    this.zoom = zoom;
    this.down += up / real - up;
    this.fit(this.width, this.height);
  }

  /** Jumps of lines: an outline crosses the edge where it does. */
  isTorn(a, b) {
    return Math.abs(a[0] - b[0]) > this.scale;
  }
}

/** Around a direction (Lambert's azimuthal projection, tangential there). */
export class Around {
  constructor(at, radiusDeg) {
    this.set(at, radiusDeg);
  }

  set(at, radiusDeg) {
    this.at = { ...at };
    this.radius = Math.min(90, Math.max(0.01, radiusDeg));
    if (this.width) this.fit(this.width, this.height);
  }

  fit(width, height) {
    this.width = width;
    this.height = height;
    this.scale = Math.min(width, height) / 2 / (2 * Math.sin((this.radius * RAD) / 2));
    const [a, d] = [this.at.ra_deg * RAD, this.at.dec_deg * RAD];
    const [ca, sa, cd, sd] = [Math.cos(a), Math.sin(a), Math.cos(d), Math.sin(d)];
    this.ahead = [ca * cd, sa * cd, sd];
    this.east = [-sa, ca, 0];
    this.north = [-ca * sd, -sa * sd, cd];
  }

  page({ ra_deg: ra, dec_deg: dec }) {
    const [a, d] = [ra * RAD, dec * RAD];
    const v = [Math.cos(a) * Math.cos(d), Math.sin(a) * Math.cos(d), Math.sin(d)];
    const dot = (u) => u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
    const ahead = dot(this.ahead);
    if (ahead < -0.999) return null;
    const k = Math.sqrt(2 / (1 + ahead)) * this.scale;
    return [this.width / 2 - k * dot(this.east), this.height / 2 - k * dot(this.north)];
  }

  row(y, xs, out) {
    const up = (this.height / 2 - y) / this.scale;
    const [a, e, n] = [this.ahead, this.east, this.north];
    for (let i = 0; i < xs.length; i += 1) {
      const along = (this.width / 2 - xs[i]) / this.scale;
      const square = along * along + up * up;
      if (square > 4) {
        out[3 * i] = NaN;
        continue;
      }
      const k = Math.sqrt(1 - square / 4);
      const c = 1 - square / 2;
      const vx = c * a[0] + k * (along * e[0] + up * n[0]);
      const vy = c * a[1] + k * (along * e[1] + up * n[1]);
      const vz = c * a[2] + k * (along * e[2] + up * n[2]);
      out[3 * i] = vz;
      out[3 * i + 1] = Math.hypot(vx, vy);
      out[3 * i + 2] = Math.atan2(vy, vx);
    }
  }

  drag(dx, dy) {
    const to = sky(this, this.width / 2 - dx, this.height / 2 - dy);
    if (to && Math.abs(to.dec_deg) < 89.9) this.set(to, this.radius);
  }

  magnify(factor, x, y) {
    const before = [x - this.width / 2, y - this.height / 2];
    const radius = Math.min(90, Math.max(0.01, this.radius / factor));
    const real = this.radius / radius;
    this.set(this.at, radius);
    this.drag(before[0] * (1 - real), before[1] * (1 - real));
  }

  isTorn(a, b) {
    return Math.hypot(a[0] - b[0], a[1] - b[1]) > 2 * Math.max(this.width, this.height);
  }
}

const one = new Float64Array(3);

/** The direction shown at a place; null outside of the sky. */
export function sky(projection, x, y) {
  projection.row(y, [x], one);
  const [z, s, phi] = one;
  if (Number.isNaN(z)) return null;
  return { z, s, phi, ra_deg: (((phi / RAD) % 360) + 360) % 360, dec_deg: Math.atan2(z, s) / RAD };
}

/**
 * Mollweide's angle: Newton on 2t + sin 2t = pi sin(dec), from the cube-root expansion near a pole, where the slope
 * vanishes.
 */
function auxiliary(dec) {
  const wanted = Math.PI * Math.sin(Math.abs(dec));
  let t = Math.abs(dec) < 0.9
    ? (Math.abs(dec) * Math.PI) / 4
    : Math.PI / 2 - Math.cbrt((3 * Math.PI * (1 - Math.sin(Math.abs(dec)))) / 4);
  for (let i = 0; i < 12; i += 1) {
    const slope = 2 + 2 * Math.cos(2 * t);
    if (slope < 1e-9) break;
    const step = (2 * t + Math.sin(2 * t) - wanted) / slope;
    t -= step;
    if (Math.abs(step) < 1e-12) break;
  }
  return dec < 0 ? -t : t;
}
