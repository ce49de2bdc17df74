//! Checks the way between detector and sky against astropy, over the whole sky and twenty years.

use std::error::Error;
use std::ffi::OsStr;
use std::io::Write as _;
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use skyscan::event::DetectorDirection;
use skyscan::event::detector::Site;
use skyscan::sky::Equatorial;
use skyscan::sky::coordinates::SkyFrame;

use crate::needs::{self, Check, group};

const ARCSEC: f64 = std::f64::consts::PI / 180.0 / 3600.0;

/// Polar motion and the Sun's deflection of light are left out: 2.5 arcseconds beside the Sun.
const TOLERANCE_RAD: f64 = 3.0 * ARCSEC;

const ICECUBE: Site = Site {
    longitude_deg: -62.6081,
    latitude_deg: -89.9944,
};

/// 2012-06-30, 2015-06-30 and 2016-12-31.
const LEAP_SECOND_DAYS: [f64; 3] = [56108.0, 57203.0, 57753.0];

/// Zenith and azimuth of each (mjd, ra, dec), all in radians. UT1 = UTC as in IceCube's own
/// software; every bit of the result is kept.
const ASTROPY: &str = r#"
import sys, warnings, numpy as np, astropy.units as u
from astropy.coordinates import AltAz, EarthLocation, SkyCoord
from astropy.time import Time
from astropy.utils import iers
warnings.simplefilter("ignore"); iers.conf.auto_download = False
mjd, ra, dec = np.loadtxt(sys.stdin, unpack=True)
pole = EarthLocation(lon=-62.6081 * u.deg, lat=-89.9944 * u.deg, height=0 * u.m)
time = Time(mjd, format="mjd", scale="utc"); time.delta_ut1_utc = 0
local = SkyCoord(ra * u.rad, dec * u.rad).transform_to(AltAz(obstime=time, location=pole))
azimuth = (np.pi / 2 - local.az.rad - np.radians(-62.6081)) % (2 * np.pi)
for zenith, angle in zip(np.pi / 2 - local.alt.rad, azimuth):
    print(repr(float(zenith)), repr(float(angle)))
"#;

pub(crate) fn trials() -> Vec<Trial> {
    let always: [(&str, Check); 1] = [("agrees_with_golden_values_of_astropy", || Ok(golden()?))];
    let with_astropy: [(&str, Check); 1] = [("agrees_with_astropy", agrees)];
    let mut trials = group("sky_coordinates", None, always);
    trials.extend(group("sky_coordinates", needs::python(), with_astropy));
    trials
}

fn agrees() -> Result<(), Failed> {
    let python = std::env::var_os("SKYSCAN_PYTHON").ok_or("SKYSCAN_PYTHON names no interpreter")?;
    compare(&python).map_err(Failed::from)
}

/// Made with astropy 8.0.2 by the program above: mjd, ra, dec, zenith, azimuth in radians.
#[allow(
    clippy::approx_constant,
    reason = "golden values are kept as astropy prints them"
)]
const GOLDEN: [[f64; 5]; 25] = [
    [55197.0, 0.0, 0.0, 1.5717143567617344, 3.3232893177736385],
    [
        55197.0,
        6.283185307,
        -0.7,
        0.8716520500660367,
        3.3233348687213535,
    ],
    [
        55197.0,
        3.911631,
        0.720995,
        2.2911001438529084,
        5.695498864999359,
    ],
    [
        55197.0,
        2.0,
        1.570796,
        3.140567427672227,
        0.21258827480098552,
    ],
    [
        55197.0,
        1.0,
        -1.570796,
        0.0008285803361796074,
        3.401122252731647,
    ],
    [57754.999, 0.0, 0.0, 1.5723502077053315, 3.3378689147862817],
    [
        57754.999,
        6.283185307,
        -0.7,
        0.8722883153516153,
        3.3379658062540702,
    ],
    [
        57754.999,
        3.911631,
        0.720995,
        2.290683365396604,
        5.710501035681642,
    ],
    [
        57754.999,
        2.0,
        1.570796,
        3.1399291385953068,
        0.2504868008673642,
    ],
    [
        57754.999,
        1.0,
        -1.570796,
        0.001468554787022347,
        3.4242402699782444,
    ],
    [
        59754.675884,
        0.0,
        0.0,
        1.5729625208189373,
        4.2905229016666935,
    ],
    [
        59754.675884,
        6.283185307,
        -0.7,
        0.8730250122936646,
        4.290588475413853,
    ],
    [
        59754.675884,
        3.911631,
        0.720995,
        2.290341387048923,
        0.38018109608493655,
    ],
    [
        59754.675884,
        2.0,
        1.570796,
        3.1395240321443607,
        1.1894785441493947,
    ],
    [
        59754.675884,
        1.0,
        -1.570796,
        0.0022635003701050316,
        4.323726020219408,
    ],
    [
        60280.714168,
        0.0,
        0.0,
        1.573127549047438,
        1.0136763754095073,
    ],
    [
        60280.714168,
        6.283185307,
        -0.7,
        0.8730632776574412,
        1.0135564259613488,
    ],
    [
        60280.714168,
        3.911631,
        0.720995,
        2.2900140748065394,
        3.3867105031606703,
    ],
    [
        60280.714168,
        2.0,
        1.570796,
        3.13917775764284,
        4.113799919062441,
    ],
    [
        60280.714168,
        1.0,
        -1.570796,
        0.00222904334055829,
        0.9406616868945215,
    ],
    [62501.5, 0.0, 0.0, 1.573816804296978, 0.17131033848364186],
    [
        62501.5,
        6.283185307,
        -0.7,
        0.8737542156765713,
        0.17127894679002664,
    ],
    [
        62501.5,
        3.911631,
        0.720995,
        2.2895266802073775,
        2.5447451938365058,
    ],
    [62501.5, 2.0, 1.570796, 3.138465111181418, 3.294245375104355],
    [
        62501.5,
        1.0,
        -1.570796,
        0.002927924207361432,
        0.16184000643329166,
    ],
];

fn golden() -> Result<(), String> {
    for [mjd, ra_rad, dec_rad, zenith_rad, azimuth_rad] in GOLDEN {
        let sky = Equatorial { ra_rad, dec_rad };
        let theirs = DetectorDirection {
            zenith_rad,
            azimuth_rad,
        };
        let apart = difference(mjd, sky, theirs)?;
        // Polar motion, which we leave out, is the most of it.
        if apart > 0.6 * ARCSEC {
            return Err(format!("{:.3} arcsec at {mjd} {sky:?}", apart / ARCSEC));
        }
    }
    Ok(())
}

/// The larger of the disagreements of the two ways between sky and detector.
fn difference(mjd: f64, sky: Equatorial, theirs: DetectorDirection) -> Result<f64, String> {
    let frame = SkyFrame::new(mjd, &ICECUBE);
    let there = angle(frame.to_detector(sky).unit_vector(), theirs.unit_vector());
    let back = frame.to_equatorial(theirs).separation_rad(sky);
    let round_trip = frame
        .to_equatorial(frame.to_detector(sky))
        .separation_rad(sky);
    if round_trip > 1e-14 {
        return Err(format!(
            "the round trip misses by {round_trip} rad at {mjd} {sky:?}"
        ));
    }
    Ok(there.max(back))
}

fn angle(a: [f64; 3], b: [f64; 3]) -> f64 {
    let chord: f64 = a.iter().zip(b).map(|(p, q)| (p - q) * (p - q)).sum();
    2.0 * (0.5 * chord.sqrt()).min(1.0).asin()
}

fn compare(python: &OsStr) -> Result<(), Box<dyn Error>> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let questions: Vec<(f64, Equatorial)> = (0..4000)
        .map(|k| {
            // 2010-01-01 to 2030-01-01.
            let mjd = 55197.0 + 7305.0 * random.random::<f64>();
            let mut sky = Equatorial {
                ra_rad: std::f64::consts::TAU * random.random::<f64>(),
                dec_rad: (2.0 * random.random::<f64>() - 1.0).asin(),
            };
            match k % 10 {
                0 => {
                    sky.dec_rad =
                        std::f64::consts::FRAC_PI_2 * (1.0 - 1e-6 * random.random::<f64>())
                }
                1 => {
                    sky.dec_rad =
                        -std::f64::consts::FRAC_PI_2 * (1.0 - 1e-6 * random.random::<f64>())
                }
                2 => sky.ra_rad = 1e-9 * random.random::<f64>(),
                3 => sky.ra_rad = std::f64::consts::TAU - 1e-9 * random.random::<f64>(),
                _ => {}
            }
            (mjd, sky)
        })
        .collect();
    let answers = ask(python, &questions)?;
    if answers.len() != questions.len() {
        return Err(format!("{} answers to {} questions", answers.len(), questions.len()).into());
    }
    let mut worst = 0f64;
    for ((mjd, sky), theirs) in questions.iter().zip(answers) {
        let apart = difference(*mjd, *sky, theirs)?;
        if LEAP_SECOND_DAYS.contains(&mjd.floor()) {
            // Astropy spreads 86401 seconds over this day, IceCube's software and we do not: up
            // to 15 arcseconds of sidereal time.
            if apart > 15.6 * ARCSEC {
                return Err(format!("{:.2} arcsec at {mjd}", apart / ARCSEC).into());
            }
            continue;
        }
        worst = worst.max(apart);
    }
    if worst < TOLERANCE_RAD {
        Ok(())
    } else {
        Err(format!("{:.2} arcsec off astropy", worst / ARCSEC).into())
    }
}

fn ask(
    python: &OsStr,
    questions: &[(f64, Equatorial)],
) -> Result<Vec<DetectorDirection>, Box<dyn Error>> {
    let mut process = Command::new(python)
        .args(["-c", ASTROPY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = process.stdin.take().ok_or("no pipe to python")?;
    for (mjd, sky) in questions {
        writeln!(stdin, "{mjd:?} {:?} {:?}", sky.ra_rad, sky.dec_rad)?;
    }
    drop(stdin);
    let output = process.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("python ended with {}", output.status).into());
    }
    String::from_utf8(output.stdout)?
        .lines()
        .map(|line| {
            let (zenith, azimuth) = line.split_once(' ').ok_or("a short answer")?;
            Ok(DetectorDirection {
                zenith_rad: zenith.parse()?,
                azimuth_rad: azimuth.parse()?,
            })
        })
        .collect()
}
