//! `skyscan reco check`: does an external program keep its protocol, how fast is it, and what comes back?

use std::fmt::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use crate::cli::input::DetectorArguments;
use crate::cli::{FAILED, Failure, bad_input, external, failed, print};
use crate::event::detector::Detector;
use crate::event::{DetectorDirection, Event};
use crate::reco::external::{External, Limits};
use crate::reco::{KernelError, PixelRequest, Problem, Reco, StopFlag, VertexSeed};
use crate::sky::Nside;
use crate::sky::map::{PixelFit, PixelOutcome};
use crate::synthetic::{Recipe, generate};

/// The event is the same every time: of 20 TeV, from between the pixels of nside 1.
const RECIPE: Recipe = Recipe {
    seed: 1,
    direction: Some(DetectorDirection {
        zenith_rad: 70.0 * DEG,
        azimuth_rad: 157.0 * DEG,
    }),
    energy_gev: Some(2e4),
    mjd: 60_000.0,
};
const DEG: f64 = std::f64::consts::PI / 180.0;
/// Pixels of a usual scan, to nside 512.
const PIXELS_OF_A_SCAN: f64 = 4000.0;

/// Try an external program on a small event: protocol, speed, answers
///
/// Starts the program, tells it a synthetic event of 20 TeV and asks for 13 directions: the true one, and
/// one in each pixel of nside 1. Then again in another order and one by one, since the same question must
/// get the same answer; and once more with a starting point.
///
/// Exit codes: 0 it did all that, 1 it did not, 2 usage, or it cannot be started.
///
/// Example: skyscan reco check 'python3 examples/line_fit.py'
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// The program with its arguments, as for --external-program; split into words, no shell
    #[arg(value_name = "COMMAND")]
    command: String,
    /// Longest time that it may take for a pixel
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = external::seconds)]
    timeout: Duration,
    /// Longest time that it may take to start, and to take the event
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = external::seconds)]
    start_timeout: Duration,
    #[command(flatten)]
    detector: DetectorArguments,
}

pub(in crate::cli) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let detector = arguments.detector.read()?;
    let event = generate(&detector, &RECIPE);
    let limits = Limits {
        start: arguments.start_timeout,
        pixel: arguments.timeout,
    };
    let runtime = external::runtime()?;
    let begun = Instant::now();
    let program = external::program(&arguments.command, limits)?;
    let met = runtime.block_on(External::meet(program, None));
    let met = met.map_err(bad_input)?;
    print(&format!(
        "Program   {}, started and said hello in {}",
        met.name(),
        seconds(begun.elapsed())
    ))?;
    print(&format!(
        "Event     synthetic, {} pulses, from zenith 70 and azimuth 157 deg",
        event.pulses.len()
    ))?;
    let found = runtime.block_on(ask_all(&met, event, detector));
    let found = found.map_err(|error| failed(anyhow!(error).context("it gave no answer")))?;
    let (text, is_good) = found.told();
    print(&text)?;
    Ok(if is_good { 0 } else { FAILED })
}

/// What came back, and how long it took.
#[derive(Debug)]
struct Found {
    directions: Vec<DetectorDirection>,
    outcomes: Vec<PixelOutcome>,
    /// With a start and the event, and without.
    first: Duration,
    second: Duration,
    /// The same in another order, and one by one.
    backwards: Vec<PixelOutcome>,
    one_by_one: Vec<PixelOutcome>,
    /// The true direction once more, from where it came out.
    seeded: PixelOutcome,
}

async fn ask_all(reco: &External, event: Event, detector: Detector) -> Result<Found, KernelError> {
    let problem = Problem {
        event,
        detector,
        reco: reco.name().to_owned(),
        systematics: None,
    };
    let kernel = reco.prepare(&problem)?;
    let ask = async |requests: Vec<PixelRequest>| {
        let evaluating = Arc::clone(&kernel).evaluate(requests, StopFlag::default());
        evaluating.await
    };
    let directions = directions();
    let requests: Vec<PixelRequest> = directions
        .iter()
        .map(|at| request(*at, Vec::new()))
        .collect();
    let begun = Instant::now();
    let outcomes = ask(requests.clone()).await?;
    let first = begun.elapsed();
    let begun = Instant::now();
    let mut backwards = ask(requests.iter().rev().cloned().collect()).await?;
    let second = begun.elapsed();
    backwards.reverse();
    let mut one_by_one = Vec::new();
    for request in &requests {
        one_by_one.extend(ask(vec![request.clone()]).await?);
    }
    let seeds = match &outcomes[0] {
        PixelOutcome::Fitted(fit) => vec![VertexSeed {
            position_m: fit.position_m,
            time_ns: fit.time_ns,
        }],
        PixelOutcome::Failed(_) => Vec::new(),
    };
    let seeded = ask(vec![request(directions[0], seeds)]).await?;
    let unanswered = || PixelOutcome::Failed("no answer".to_owned());
    Ok(Found {
        directions,
        outcomes,
        first,
        second,
        backwards,
        one_by_one,
        seeded: seeded.into_iter().next().unwrap_or_else(unanswered),
    })
}

/// The true one, then the middle of each pixel of nside 1.
fn directions() -> Vec<DetectorDirection> {
    let pixels = Nside::try_from(1).into_iter().flat_map(Nside::pixels);
    let elsewhere = pixels.map(|pixel| DetectorDirection {
        zenith_rad: std::f64::consts::FRAC_PI_2 - pixel.center().dec_rad,
        azimuth_rad: pixel.center().ra_rad,
    });
    RECIPE.direction.into_iter().chain(elsewhere).collect()
}

fn request(direction: DetectorDirection, seeds: Vec<VertexSeed>) -> PixelRequest {
    PixelRequest { direction, seeds }
}

impl Found {
    /// What to say of it, and whether nothing is wrong.
    fn told(&self) -> (String, bool) {
        let n = self.outcomes.len();
        let pixel_s = self.second.as_secs_f64() / n as f64;
        let mut text = format!(
            "Pixels    {n} in {}, {} each; a scan to nside 512 asks for some {PIXELS_OF_A_SCAN:.0}, about {} with one slot\n",
            seconds(self.second),
            seconds(Duration::from_secs_f64(pixel_s)),
            seconds(Duration::from_secs_f64(PIXELS_OF_A_SCAN * pixel_s)),
        );
        let start = self.first.saturating_sub(self.second);
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "Start     {} with the event, once for each slot",
            seconds(start)
        );
        let _ = writeln!(
            text,
            "\n{:>9} {:>9} {:>12}  {:<26} {:>9}",
            "zenith", "azimuth", "llh", "position m", "time ns"
        );
        for (at, outcome) in self.directions.iter().zip(&self.outcomes) {
            let (zenith, azimuth) = (at.zenith_rad.to_degrees(), at.azimuth_rad.to_degrees());
            let _ = writeln!(
                text,
                "{zenith:>9.1} {azimuth:>9.1} {}",
                outcome_text(outcome)
            );
        }
        let _ = writeln!(
            text,
            "\nThe first line is the true direction; from its own answer as a seed:"
        );
        let _ = writeln!(text, "{:>19} {}\n", "", outcome_text(&self.seeded));
        let complaints = self.complaints();
        match complaints.is_empty() {
            true => {
                text +=
                    "GOOD      every pixel has a fit, and the same question gets the same answer\n"
            }
            false => complaints.iter().for_each(|complaint| {
                let _ = writeln!(text, "WRONG     {complaint}");
            }),
        }
        if let Some(advice) = self.advice() {
            let _ = writeln!(text, "LOOK      {advice}");
        }
        (text, complaints.is_empty())
    }

    fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        let all = self.outcomes.iter().chain([&self.seeded]);
        let failed: Vec<&String> = all
            .filter_map(|outcome| match outcome {
                PixelOutcome::Failed(reason) => Some(reason),
                PixelOutcome::Fitted(_) => None,
            })
            .collect();
        if let Some(reason) = failed.first() {
            complaints.push(format!(
                "{} of {} fits failed; the first: {reason}",
                failed.len(),
                self.outcomes.len() + 1
            ));
        }
        for (others, how) in [
            (&self.backwards, "in another order"),
            (&self.one_by_one, "pixel by pixel"),
        ] {
            let n_different = self
                .outcomes
                .iter()
                .zip(others)
                .filter(|(a, b)| a != b)
                .count();
            if n_different > 0 {
                complaints.push(format!(
                    "{n_different} answers are others when it is asked {how}: no state between pixels, no random \
                     numbers without a fixed seed for each"
                ));
            }
        }
        complaints
    }

    /// What breaks no rule, and may still be a mistake.
    fn advice(&self) -> Option<String> {
        let llh = |outcome: &PixelOutcome| match outcome {
            PixelOutcome::Fitted(fit) => Some(fit.llh),
            PixelOutcome::Failed(_) => None,
        };
        let truth = llh(self.outcomes.first()?)?;
        let others: Vec<f64> = self.outcomes[1..].iter().filter_map(llh).collect();
        if others.iter().all(|other| *other == truth) && !others.is_empty() {
            return Some("llh is the same in every direction".to_owned());
        }
        let n_better = others.iter().filter(|other| **other < truth).count();
        (n_better > 0).then(|| {
            format!("{n_better} directions far from the truth have a lower llh than it: llh is -ln L, lower is better, and \
                     zenith and azimuth say where the particle comes from")
        })
    }
}

fn outcome_text(outcome: &PixelOutcome) -> String {
    match outcome {
        PixelOutcome::Failed(reason) => format!("{:>12}  {reason}", "FAILED"),
        PixelOutcome::Fitted(PixelFit {
            llh,
            position_m: [x, y, z],
            time_ns,
            ..
        }) => format!(
            "{llh:>12.3}  {:<26} {time_ns:>9.0}",
            format!("{x:.1} {y:.1} {z:.1}")
        ),
    }
}

fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 0.1 => format!("{:.2} ms", 1e3 * seconds),
        seconds if seconds < 120.0 => format!("{seconds:.1} s"),
        seconds if seconds < 7200.0 => format!("{:.0} min", seconds / 60.0),
        seconds => format!("{:.1} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(llh: f64) -> PixelOutcome {
        crate::sky::map::fitted(llh)
    }

    fn found(llh: &[f64]) -> Found {
        let outcomes: Vec<PixelOutcome> = llh.iter().copied().map(fitted).collect();
        Found {
            directions: directions(),
            first: Duration::from_secs(2),
            second: Duration::from_secs(1),
            backwards: outcomes.clone(),
            one_by_one: outcomes.clone(),
            seeded: outcomes[0].clone(),
            outcomes,
        }
    }

    #[test]
    fn what_keeps_the_rules_is_good_and_says_how_long_a_scan_takes() {
        let llh: Vec<f64> = (0..13).map(f64::from).collect();
        let (text, is_good) = found(&llh).told();
        assert!(
            is_good && text.contains("GOOD") && !text.contains("LOOK"),
            "{text}"
        );
        assert!(
            text.contains("13 in 1.0 s, 76.92 ms each") && text.contains("about 5 min"),
            "{text}"
        );
        assert_eq!(
            text.lines()
                .filter(|line| line.ends_with("  0.0 0.0 0.0                        0"))
                .count(),
            14,
            "{text}"
        );
    }

    #[test]
    fn other_answers_failures_and_a_turned_sign_are_told() {
        let mut found = found(&[5.0, 1.0, 7.0]);
        found.backwards[1] = fitted(2.0);
        found.outcomes[2] = PixelOutcome::Failed("no light".to_owned());
        let (text, is_good) = found.told();
        assert!(!is_good);
        assert!(
            text.contains("WRONG     1 of 4 fits failed; the first: no light"),
            "{text}"
        );
        assert!(
            text.contains("are others when it is asked in another order"),
            "{text}"
        );
        assert!(text.contains("LOOK      1 directions far from"), "{text}");
    }

    #[test]
    fn an_llh_that_knows_no_direction_is_told() {
        assert_eq!(
            found(&[3.0; 13]).advice().as_deref(),
            Some("llh is the same in every direction")
        );
    }
}
