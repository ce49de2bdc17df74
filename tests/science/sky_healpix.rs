//! Checks the HEALPix geometry against healpy, on as many pixels as it takes to be sure.

use std::error::Error;
use std::io::Write as _;
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use skyscan::sky::{Equatorial, Nside, Pixel};

use crate::needs::{self, Check, group};

/// Answers one line a question; angles go through `repr` and so keep every bit.
const HEALPY: &str = r#"
import sys, healpy as hp, numpy as np
for line in sys.stdin:
    what, n, *rest = line.split(); n = int(n)
    if what == "pixel":
        p = int(rest[0])
        theta, phi = hp.pix2ang(n, p)
        near = sorted(int(q) for q in set(hp.get_all_neighbours(n, p)) if q >= 0)
        print(repr(float(phi)), repr(float(np.pi / 2 - theta)), *near)
    elif what == "point":
        ra, dec = map(float, rest)
        print(int(hp.ang2pix(n, np.pi / 2 - dec, ra)))
    else:
        ra, dec, radius = map(float, rest)
        inside = hp.query_disc(n, hp.ang2vec(np.pi / 2 - dec, ra), radius)
        print(len(inside), *(int(p) for p in inside))
"#;

pub(crate) fn trials() -> Vec<Trial> {
    let checks: [(&str, Check); 1] = [("agrees_with_healpy", agrees)];
    group("sky_healpix", needs::python(), checks)
}

fn agrees() -> Result<(), Failed> {
    let python = std::env::var_os("SKYSCAN_PYTHON").ok_or("SKYSCAN_PYTHON names no interpreter")?;
    compare(&python).map_err(Failed::from)
}

fn compare(python: &std::ffi::OsStr) -> Result<(), Box<dyn Error>> {
    let mut random = ChaCha8Rng::seed_from_u64(42);
    let mut questions = Vec::new();
    for power in 0..=16 {
        let nside = Nside::try_from(1 << power)?;
        for k in 0..300 {
            // The first and last pixels lie at the poles, where mistakes live.
            let index = match k {
                0..20 => k % nside.n_pixels(),
                20..40 => nside.n_pixels() - 1 - (k - 20) % nside.n_pixels(),
                _ => (random.random::<f64>() * nside.n_pixels() as f64) as u64,
            };
            questions.push(Question::Pixel(Pixel { nside, index }));
            questions.push(Question::Point(nside, direction(&mut random)));
        }
        for _ in 0..10 {
            let pixels = 1.0 + 20.0 * random.random::<f64>();
            let radius = (pixels * nside.radius_rad() * random.random::<f64>()).min(3.1);
            questions.push(Question::Cone(nside, direction(&mut random), radius));
        }
    }
    let answers = ask(python, &questions)?;
    if answers.len() != questions.len() {
        return Err(format!("{} answers to {} questions", answers.len(), questions.len()).into());
    }
    for (question, answer) in questions.iter().zip(&answers) {
        question.check(answer)?;
    }
    Ok(())
}

enum Question {
    Pixel(Pixel),
    Point(Nside, Equatorial),
    Cone(Nside, Equatorial, f64),
}

impl Question {
    fn line(&self) -> String {
        match self {
            Self::Pixel(pixel) => format!("pixel {} {}\n", pixel.nside, pixel.index),
            Self::Point(nside, at) => format!("point {nside} {:?} {:?}\n", at.ra_rad, at.dec_rad),
            Self::Cone(nside, at, radius) => {
                format!("cone {nside} {:?} {:?} {radius:?}\n", at.ra_rad, at.dec_rad)
            }
        }
    }

    fn check(&self, answer: &str) -> Result<(), Box<dyn Error>> {
        let ours: String = match self {
            Self::Pixel(pixel) => {
                let mut words = answer.split_whitespace();
                let mut angle = || -> Result<f64, Box<dyn Error>> {
                    Ok(words.next().ok_or("a short answer")?.parse()?)
                };
                let theirs = Equatorial {
                    ra_rad: angle()?,
                    dec_rad: angle()?,
                };
                let apart = theirs.separation_rad(pixel.center());
                if apart > 2e-15 {
                    return Err(format!("{pixel:?} is {apart} rad off healpy's").into());
                }
                let near = join(&pixel.neighbours());
                return if words.eq(near.split_whitespace()) {
                    Ok(())
                } else {
                    Err(format!("{pixel:?} has neighbours {near}, healpy: {answer}").into())
                };
            }
            Self::Point(nside, at) => nside.containing(*at).index.to_string(),
            Self::Cone(nside, at, radius) => {
                let inside = nside.within(*at, *radius);
                format!("{} {}", inside.len(), join(&inside))
            }
        };
        if ours.trim() == answer.trim() {
            Ok(())
        } else {
            Err(format!("{}: {ours}, healpy: {answer}", self.line()).into())
        }
    }
}

fn join(pixels: &[Pixel]) -> String {
    let words: Vec<String> = pixels.iter().map(|pixel| pixel.index.to_string()).collect();
    words.join(" ")
}

fn ask(python: &std::ffi::OsStr, questions: &[Question]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut process = Command::new(python)
        .args(["-c", HEALPY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut stdin = process.stdin.take().ok_or("no pipe to python")?;
    let text: String = questions.iter().map(Question::line).collect();
    // Python answers while we still ask: both pipes would fill up if one thread did both.
    let asking = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = process.wait_with_output()?;
    asking.join().map_err(|_| "the asking thread panicked")??;
    if !output.status.success() {
        return Err(format!("python ended with {}", output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?
        .lines()
        .map(str::to_owned)
        .collect())
}

/// Isotropic.
fn direction(random: &mut ChaCha8Rng) -> Equatorial {
    Equatorial {
        ra_rad: std::f64::consts::TAU * random.random::<f64>(),
        dec_rad: (2.0 * random.random::<f64>() - 1.0).asin(),
    }
}
