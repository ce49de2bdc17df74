//! How long a simulated evaluation takes: a law that draws are made from.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// The time that the evaluation of one pixel takes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceTime {
    /// Shape of the law.
    pub law: Law,
    /// Mean in seconds, before the tail is mixed in and the cap cuts.
    pub mean_s: f64,
    /// Width of a lognormal law: standard deviation of the logarithm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sigma: Option<f64>,
    /// No draw is longer than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap_s: Option<f64>,
    /// A share of draws that comes from a Pareto law instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tail: Option<ParetoTail>,
}

/// Shape of a law.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// Always the mean.
    Constant,
    /// Exponential: how long it has taken says nothing of how long it still takes.
    Exponential,
    /// Lognormal with the width `sigma`.
    Lognormal,
}

/// Draws beyond `from_s` whose probability falls with the power `alpha` of the time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParetoTail {
    /// Share of draws that come from the tail.
    pub share: f64,
    /// Power of the tail; the smaller it is, the more there are of the longest times.
    pub alpha: f64,
    /// Shortest time of the tail in seconds.
    pub from_s: f64,
}

impl ServiceTime {
    /// Says what is wrong with the numbers, if something is.
    ///
    /// # Errors
    /// A text that names the key and what is allowed.
    pub fn check(&self) -> Result<(), String> {
        let lognormal = self.law == Law::Lognormal;
        if !(self.mean_s >= 0.0 && self.mean_s.is_finite()) {
            return Err(format!("mean_s = {} is not a time >= 0", self.mean_s));
        }
        match self.sigma {
            Some(sigma) if lognormal && !(sigma > 0.0 && sigma <= 5.0) => {
                return Err(format!("sigma = {sigma} is not above 0 and at most 5"));
            }
            None if lognormal => return Err("law = \"lognormal\" needs sigma".to_owned()),
            Some(_) if !lognormal => {
                return Err("sigma goes with law = \"lognormal\" only".to_owned());
            }
            _ => {}
        }
        if let Some(cap_s) = self.cap_s
            && !(cap_s > 0.0 && cap_s.is_finite())
        {
            return Err(format!("cap_s = {cap_s} is not a time above 0"));
        }
        if let Some(tail) = self.tail {
            if !(0.0..=1.0).contains(&tail.share) {
                return Err(format!("tail.share = {} is not from 0 to 1", tail.share));
            }
            if !(tail.alpha > 0.0 && tail.from_s > 0.0) {
                return Err("tail.alpha and tail.from_s must be above 0".to_owned());
            }
            if self.cap_s.is_none() && tail.alpha <= 1.0 {
                return Err("a tail with alpha <= 1 has no mean: give cap_s".to_owned());
            }
        }
        Ok(())
    }

    /// The same law with every time multiplied.
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            mean_s: self.mean_s * factor,
            cap_s: self.cap_s.map(|cap_s| cap_s * factor),
            tail: self.tail.map(|tail| ParetoTail {
                from_s: tail.from_s * factor,
                ..tail
            }),
            ..self
        }
    }

    /// Draws a time in seconds.
    pub fn draw(&self, rng: &mut impl Rng) -> f64 {
        let seconds = match self.tail {
            Some(tail) if rng.random::<f64>() < tail.share => {
                tail.from_s * libm::pow(one_minus_uniform(rng), -1.0 / tail.alpha)
            }
            _ => self.draw_body(rng),
        };
        seconds.min(self.cap_s.unwrap_or(f64::INFINITY))
    }

    fn draw_body(&self, rng: &mut impl Rng) -> f64 {
        match (self.law, self.sigma) {
            (Law::Exponential, _) => -self.mean_s * libm::log(one_minus_uniform(rng)),
            (Law::Lognormal, Some(sigma)) => {
                let normal: f64 = StandardNormal.sample(rng);
                self.mean_s * libm::exp(sigma * normal - 0.5 * sigma * sigma)
            }
            (Law::Constant | Law::Lognormal, _) => self.mean_s,
        }
    }

    /// Mean in seconds, of 100,000 draws: a cap and a tail leave no closed form worth having.
    pub fn mean_of_draws_s(&self, rng: &mut impl Rng) -> f64 {
        const DRAWS: u32 = 100_000;
        (0..DRAWS).map(|_| self.draw(rng)).sum::<f64>() / f64::from(DRAWS)
    }
}

/// Above 0 and at most 1.
fn one_minus_uniform(rng: &mut impl Rng) -> f64 {
    1.0 - rng.random::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn mean(service: ServiceTime) -> f64 {
        service.check().unwrap();
        service.mean_of_draws_s(&mut ChaCha8Rng::seed_from_u64(1))
    }

    const CONSTANT: ServiceTime = ServiceTime {
        law: Law::Constant,
        mean_s: 30.0,
        sigma: None,
        cap_s: None,
        tail: None,
    };

    #[test]
    fn every_law_has_its_mean() {
        let exponential = ServiceTime {
            law: Law::Exponential,
            ..CONSTANT
        };
        let lognormal = ServiceTime {
            law: Law::Lognormal,
            sigma: Some(1.0),
            ..CONSTANT
        };
        assert_eq!(mean(CONSTANT), 30.0);
        assert!((mean(exponential) - 30.0).abs() < 0.5);
        assert!((mean(lognormal) - 30.0).abs() < 0.8);
        assert!((mean(lognormal.scaled(0.1)) - 3.0).abs() < 0.08);
        // A Pareto law of alpha 2 from 60 s has the mean 120 s.
        let tail = ParetoTail {
            share: 0.5,
            alpha: 2.0,
            from_s: 60.0,
        };
        let mixed = ServiceTime {
            tail: Some(tail),
            cap_s: Some(1e5),
            ..CONSTANT
        };
        assert!((mean(mixed) - 75.0).abs() < 2.0);
    }

    #[test]
    fn a_cap_cuts() {
        let capped = ServiceTime {
            cap_s: Some(10.0),
            ..CONSTANT
        };
        assert_eq!(mean(capped), 10.0);
    }

    #[test]
    fn senseless_numbers_are_named() {
        let wide = ServiceTime {
            sigma: Some(1.0),
            ..CONSTANT
        };
        let narrow = ServiceTime {
            law: Law::Lognormal,
            ..CONSTANT
        };
        for (wrong, told) in [(wide, "sigma"), (narrow, "sigma")] {
            assert!(wrong.check().unwrap_err().contains(told));
        }
        let back = ServiceTime {
            mean_s: -1.0,
            ..CONSTANT
        };
        assert!(back.check().unwrap_err().contains("mean_s"));
    }
}
