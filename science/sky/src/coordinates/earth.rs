//! How the Earth is turned and how fast it flies: precession, nutation, sidereal time, velocity.

use std::f64::consts::TAU;

/// Terrestrial time minus UTC in days. The leap seconds before 2017 and after are left out: none
/// of the series below moves by 1e-6 arcseconds within the few seconds that they make.
const TT_MINUS_UTC_DAYS: f64 = 69.184 / 86400.0;

/// Radians of an arcsecond.
const ARCSEC: f64 = TAU / (360.0 * 3600.0);

/// Constant of aberration (IAU 1976, in arcseconds): mean orbital speed over the speed of light.
const ABERRATION: f64 = 20.49552;

/// Nutation terms: multiples of the arguments l, l', F, D, Omega, then in units of 0.1
/// microarcseconds the coefficients of sine, t sine, cosine for the longitude, and of cosine,
/// t cosine, sine for the obliquity. The largest ones of the series IAU 2000B (McCarthy & Luzum
/// 2003, Celest. Mech. Dyn. Astron. 85, 37; IERS Conventions 2010, tables 5.3a and 5.3b).
const NUTATION: [([f64; 5], [f64; 3], [f64; 3]); 23] = [
    (
        [0., 0., 0., 0., 1.],
        [-172064161., -174666., 33386.],
        [92052331., 9086., 15377.],
    ),
    (
        [0., 0., 2., -2., 2.],
        [-13170906., -1675., -13696.],
        [5730336., -3015., -4587.],
    ),
    (
        [0., 0., 2., 0., 2.],
        [-2276413., -234., 2796.],
        [978459., -485., 1374.],
    ),
    (
        [0., 0., 0., 0., 2.],
        [2074554., 207., -698.],
        [-897492., 470., -291.],
    ),
    (
        [0., 1., 0., 0., 0.],
        [1475877., -3633., 11817.],
        [73871., -184., -1924.],
    ),
    (
        [0., 1., 2., -2., 2.],
        [-516821., 1226., -524.],
        [224386., -677., -174.],
    ),
    (
        [1., 0., 0., 0., 0.],
        [711159., 73., -872.],
        [-6750., 0., 358.],
    ),
    (
        [0., 0., 2., 0., 1.],
        [-387298., -367., 380.],
        [200728., 18., 318.],
    ),
    (
        [1., 0., 2., 0., 2.],
        [-301461., -36., 816.],
        [129025., -63., 367.],
    ),
    (
        [0., -1., 2., -2., 2.],
        [215829., -494., 111.],
        [-95929., 299., 132.],
    ),
    (
        [0., 0., 2., -2., 1.],
        [128227., 137., 181.],
        [-68982., -9., 39.],
    ),
    (
        [-1., 0., 2., 0., 2.],
        [123457., 11., 19.],
        [-53311., 32., -4.],
    ),
    (
        [-1., 0., 0., 2., 0.],
        [156994., 10., -168.],
        [-1235., 0., 82.],
    ),
    ([1., 0., 0., 0., 1.], [63110., 63., 27.], [-33228., 0., -9.]),
    (
        [-1., 0., 0., 0., 1.],
        [-57976., -63., -189.],
        [31429., 0., -75.],
    ),
    (
        [-1., 0., 2., 2., 2.],
        [-59641., -11., 149.],
        [25543., -11., 66.],
    ),
    (
        [1., 0., 2., 0., 1.],
        [-51613., -42., 129.],
        [26366., 0., 78.],
    ),
    (
        [-2., 0., 2., 0., 1.],
        [45893., 50., 31.],
        [-24236., -10., 20.],
    ),
    (
        [0., 0., 0., 2., 0.],
        [63384., 11., -150.],
        [-1220., 0., 29.],
    ),
    (
        [0., 0., 2., 2., 2.],
        [-38571., -1., 158.],
        [16452., -11., 68.],
    ),
    ([0., -2., 2., -2., 2.], [32481., 0., 0.], [-13870., 0., 0.]),
    ([-2., 0., 0., 2., 0.], [-47722., 0., -18.], [477., 0., -25.]),
    (
        [2., 0., 2., 0., 2.],
        [-31046., -1., 131.],
        [13238., -11., 59.],
    ),
];

/// The Earth at one moment. "Of date" are axes to the true equinox and the true pole.
#[derive(Debug)]
pub(super) struct Earth {
    /// Turns ICRS vectors into vectors of date.
    pub(super) of_date: [[f64; 3]; 3],
    /// Velocity of the Earth's centre around the Sun, of date, in units of the speed of light.
    pub(super) velocity: [f64; 3],
    /// Greenwich apparent sidereal time.
    pub(super) sidereal_time_rad: f64,
}

impl Earth {
    pub(super) fn at(mjd_utc: f64) -> Self {
        let days_ut = mjd_utc - 51544.5;
        let t = (days_ut + TT_MINUS_UTC_DAYS) / 36525.0;
        let obliquity = mean_obliquity_rad(t);
        let (delta_psi, delta_eps, node) = nutation(t);
        Self {
            of_date: of_date(t, obliquity, delta_psi, delta_eps),
            velocity: velocity(t, obliquity),
            sidereal_time_rad: sidereal_time_rad(days_ut, t)
                + delta_psi * libm::cos(obliquity)
                + 0.00264 * ARCSEC * libm::sin(node),
        }
    }
}

/// A polynomial in arcseconds, lowest power first, in radians.
fn arcsec(coefficients: &[f64], t: f64) -> f64 {
    ARCSEC * coefficients.iter().rev().fold(0.0, |sum, c| sum * t + c)
}

/// Mean obliquity of the ecliptic, IAU 2006 (Capitaine, Wallace & Chapront 2003, A&A 412, 567).
fn mean_obliquity_rad(t: f64) -> f64 {
    arcsec(&[84381.406, -46.836769, -0.0001831, 0.0020034, -5.76e-7], t)
}

/// Nutation in longitude and obliquity, and the longitude of the Moon's node, in radians.
fn nutation(t: f64) -> (f64, f64, f64) {
    let arguments = [
        arcsec(&[485868.249036, 1717915923.2178], t),
        arcsec(&[1287104.79305, 129596581.0481], t),
        arcsec(&[335779.526232, 1739527262.8478], t),
        arcsec(&[1072260.70369, 1602961601.2090], t),
        arcsec(&[450160.398036, -6962890.5431], t),
    ];
    let (mut delta_psi, mut delta_eps) = (0.0, 0.0);
    for (multiples, psi, eps) in &NUTATION {
        let angle: f64 = multiples.iter().zip(arguments).map(|(m, a)| m * a).sum();
        let (sin, cos) = libm::sincos(angle % TAU);
        delta_psi += (psi[0] + psi[1] * t) * sin + psi[2] * cos;
        delta_eps += (eps[0] + eps[1] * t) * cos + eps[2] * sin;
    }
    let unit = 1e-7 * ARCSEC;
    // What the planets add on average, in microarcseconds, is part of IAU 2000B.
    (
        delta_psi * unit - 135e-6 * ARCSEC,
        delta_eps * unit + 388e-6 * ARCSEC,
        arguments[4],
    )
}

/// Frame bias, precession and nutation by the four Fukushima-Williams angles of IAU 2006
/// (Wallace & Capitaine 2006, A&A 459, 981).
fn of_date(t: f64, obliquity: f64, delta_psi: f64, delta_eps: f64) -> [[f64; 3]; 3] {
    let gamma = arcsec(
        &[-0.052928, 10.556378, 0.4932044, -0.00031238, -2.788e-6],
        t,
    );
    let phi = arcsec(
        &[84381.412819, -46.811016, 0.0511268, 0.00053289, -4.4e-7],
        t,
    );
    let psi = arcsec(
        &[-0.041775, 5038.481484, 1.5584175, -0.00018522, -2.6452e-5],
        t,
    );
    let mut axes = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    turn(&mut axes, 2, gamma);
    turn(&mut axes, 0, phi);
    turn(&mut axes, 2, -(psi + delta_psi));
    turn(&mut axes, 0, -(obliquity + delta_eps));
    axes
}

/// Turns a set of axes (rows) about its own axis 0, 1 or 2.
fn turn(axes: &mut [[f64; 3]; 3], about: usize, angle_rad: f64) {
    let (sin, cos) = libm::sincos(angle_rad);
    let (first, second) = ((about + 1) % 3, (about + 2) % 3);
    let (a, b) = (axes[first], axes[second]);
    axes[first] = std::array::from_fn(|i| cos * a[i] + sin * b[i]);
    axes[second] = std::array::from_fn(|i| cos * b[i] - sin * a[i]);
}

/// Greenwich mean sidereal time: Earth rotation angle plus precession of the equinox (Capitaine,
/// Wallace & McCarthy 2005, A&A 432, 355). Days count from J2000, UT1; t in TT centuries.
fn sidereal_time_rad(days_ut: f64, t: f64) -> f64 {
    let turns = 0.7790572732640 + days_ut % 1.0 + (0.00273781191135448 * days_ut) % 1.0;
    let equinox = arcsec(&[0.014506, 4612.156534, 1.3915817, -4.4e-7], t);
    (TAU * turns + equinox) % TAU
}

/// Velocity on the Kepler orbit (Meeus, Astronomical Algorithms, chapters 23 and 25), mean
/// equinox of date. What is missing, the Sun's own motion and the Moon's pull, makes 0.02
/// arcseconds of aberration.
fn velocity(t: f64, obliquity: f64) -> [f64; 3] {
    let degrees = |coefficients: &[f64]| arcsec(coefficients, t) * 3600.0;
    let mean_longitude = degrees(&[280.46646, 36000.76983, 0.0003032]);
    let anomaly = degrees(&[357.52911, 35999.05029, -0.0001537]);
    let centre = degrees(&[1.914602, -0.004817, -0.000014]) * libm::sin(anomaly)
        + degrees(&[0.019993, -0.000101]) * libm::sin(2.0 * anomaly)
        + degrees(&[0.000289]) * libm::sin(3.0 * anomaly);
    let eccentricity = 0.016708634 - 0.000042037 * t;
    let perihelion = degrees(&[102.93735, 1.71946, 0.00046]);
    let (sin_sun, cos_sun) = libm::sincos(mean_longitude + centre);
    let (sin_perihelion, cos_perihelion) = libm::sincos(perihelion);
    let speed = ABERRATION * ARCSEC;
    let x = speed * (sin_sun - eccentricity * sin_perihelion);
    let y = speed * (eccentricity * cos_perihelion - cos_sun);
    let (sin_eps, cos_eps) = libm::sincos(obliquity);
    [x, y * cos_eps, y * sin_eps]
}
