//! When photons come, as a sum of four components that are integrals in closed form:
//!
//! ```text
//! F(t) = sum_k w_k (1 - exp(-b_k s(t)))^a_k        s(t) = tau ln(1 + exp(t / tau))
//! ```
//!
//! `t` is the delay behind the Cherenkov front, `w` are shares, `a` powers and `b` rates. The time `s` is `t` where
//! `t` is late and never negative, so that the jitter of the readout has a place before the front: with `b = 1 /
//! tau` and `a = 1`, `F` is the logistic function, which a Gaussian of width `pi tau / sqrt(3)` is like. `F` rises
//! from 0 to 1 whatever the parameters are, so its density is one, and both cost a few exponentials.
//!
//! Decision: Arrival times are learned in closed form (`docs/decisions.md`).

use super::elementary::{Four, Real, exp, ln, softplus};
use super::photons::Photons;

/// How many components there are.
pub const N_COMPONENTS: usize = 4;
/// How many numbers they have in all, and how many a network answers.
pub const N_PARAMETERS: usize = 3 * N_COMPONENTS;

/// Width of the Gaussian that samples are smeared with before they are learned, ns.
pub const JITTER_NS: f64 = 4.0;
/// Scale of the bend of time: the logistic function has the width of the jitter.
const TAU_NS: f64 = JITTER_NS * 0.551_328_895_421_792_1;
/// Powers are above this.
const LEAST_POWER: f64 = 0.3;
/// Survival probabilities below this count as this.
const LEAST_SURVIVAL: f64 = 1e-12;
/// No earlier than this, in scales of the bend; long before, nothing is left of a density.
const EARLIEST: f64 = -60.0;

/// Shares, powers and rates (per ns) of the components, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Components(pub [f64; N_PARAMETERS]);

/// The log density of the first of several photons at a time, with its derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct First {
    /// Logarithm of the density of the first photon, per ns, but for `ln n`, which does not depend on the track.
    pub ln_density: f64,
    /// Its derivative by `t`.
    pub by_time: f64,
    /// Its derivatives by the parameters.
    pub by_parameter: [f64; N_PARAMETERS],
}

/// `exp(-y)`, `1 - exp(-y)` and the logarithm of the latter.
#[inline(always)]
fn rest_of<R: Real>(y: R) -> [R; 3] {
    let left = exp(R::all(0.0) - y);
    let series = y * (R::all(1.0) - y * (R::all(0.5) - y * R::all(1.0 / 6.0)));
    let gone = y.below(1e-4, series, R::all(1.0) - left);
    let series = left * (R::all(1.0) + left * (R::all(0.5) + left * R::all(1.0 / 3.0)));
    let ln_gone = left.below(1e-4, R::all(0.0) - series, ln(gone));
    [left, gone, ln_gone]
}

impl Components {
    /// From what a network answers: the softmax of the first four, powers above 0.3 and rates as exponentials, the
    /// latter beside `1 / (3 + 3 r + 0.01 r^2)`, how fast light comes at a distance `r` (m).
    pub fn from_outputs(outputs: &[f64; N_PARAMETERS], distance_m: f64) -> Self {
        let usual = usual_rate(distance_m);
        let highest = outputs[..N_COMPONENTS]
            .iter()
            .fold(f64::NEG_INFINITY, |a, b| a.max(*b));
        let mut sum = 0.0;
        let mut of = [0.0; N_PARAMETERS];
        for k in 0..N_COMPONENTS {
            of[k] = exp(outputs[k] - highest);
            sum += of[k];
            of[N_COMPONENTS + k] = LEAST_POWER + exp(outputs[N_COMPONENTS + k]);
            of[2 * N_COMPONENTS + k] = usual * exp(outputs[2 * N_COMPONENTS + k]);
        }
        for share in &mut of[..N_COMPONENTS] {
            *share /= sum;
        }
        Self(of)
    }

    /// Derivatives by what the network answers, from those by the parameters.
    pub fn by_outputs(&self, by_parameter: &[f64; N_PARAMETERS]) -> [f64; N_PARAMETERS] {
        let mean: f64 = (0..N_COMPONENTS).map(|k| self.0[k] * by_parameter[k]).sum();
        std::array::from_fn(|i| match i / N_COMPONENTS {
            0 => self.0[i] * (by_parameter[i] - mean),
            1 => by_parameter[i] * (self.0[i] - LEAST_POWER),
            _ => by_parameter[i] * self.0[i],
        })
    }

    /// The first of several photons, `t_ns` behind the front.
    pub fn first(&self, t_ns: f64, photons: Photons) -> First {
        let [share, power, rate] = self.split();
        let (bent, by_t) = softplus((t_ns / TAU_NS).max(EARLIEST));
        let (one, s) = (Four::all(1.0), Four::all(TAU_NS * bent));
        let [left, gone, ln_gone] = rest_of(rate * s);
        let odds = left / gone;
        let come = exp(power * ln_gone);
        let own = power * rate * odds * come;
        let cubic = (power - Four::all(2.0)) * left * Four::all(1.0 / 6.0);
        let series = power * left * (one - (power - one) * left * (Four::all(0.5) - cubic));
        let not_come = left.below(1e-4, series, one - come);
        // No logarithm of nothing, where the density is as good as none.
        let density = (share * own).sum() + 1e-300;
        let survival = (share * not_come).sum() + LEAST_SURVIVAL;

        let [ln_density, ln_survival, ..] = ln(Four([density * by_t, survival, 1.0, 1.0])).0;
        let (ln_first, others) = photons.first(ln_survival);
        let (in_density, in_survival) = (Four::all(1.0 / density), Four::all(others / survival));
        let steep = (power - one) * odds - one;
        let part = share * own * in_density;
        let part_come = share * come * in_survival;
        let by_share = own * in_density + not_come * in_survival;
        let by_power = part * (one / power + ln_gone) - part_come * ln_gone;
        let by_rate = part * (one / rate + s * steep) - part_come * power * s * odds;
        let by_bent = (part * rate * steep).sum() - density * others / survival;
        First {
            ln_density: ln_density + ln_first,
            by_time: by_t * by_bent + (1.0 - by_t) / TAU_NS,
            by_parameter: join(by_share, by_power, by_rate),
        }
    }

    /// The probability that a photon has come until `t_ns` behind the front.
    pub fn come_until(&self, t_ns: f64) -> f64 {
        let [share, power, rate] = self.split();
        let s = TAU_NS * softplus((t_ns / TAU_NS).max(EARLIEST)).0;
        let [_, _, ln_gone] = rest_of(rate * Four::all(s));
        (share * exp(power * ln_gone)).sum()
    }

    /// Until when this share of the photons has come.
    pub fn quantile_ns(&self, share: f64) -> f64 {
        let (mut early, mut late) = (-100.0, 1e6);
        for _ in 0..60 {
            let middle = 0.5 * (early + late);
            if self.come_until(middle) < share {
                early = middle;
            } else {
                late = middle;
            }
        }
        0.5 * (early + late)
    }

    #[inline(always)]
    fn split(&self) -> [Four; 3] {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = self.0;
        [Four([a, b, c, d]), Four([e, f, g, h]), Four([i, j, k, l])]
    }
}

fn join(
    Four([a, b, c, d]): Four,
    Four([e, f, g, h]): Four,
    Four([i, j, k, l]): Four,
) -> [f64; N_PARAMETERS] {
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

/// How fast light comes at a distance, per ns: what rates are told in.
pub fn usual_rate(distance_m: f64) -> f64 {
    1.0 / (3.0 + 3.0 * distance_m + 0.01 * distance_m * distance_m)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: Components = Components([
        0.1, 0.4, 0.2, 0.3, 0.8, 1.7, 6.0, 2.5, 0.4, 0.03, 0.01, 0.002,
    ]);

    const SEVERAL: Photons = Photons {
        number: 4.0,
        spread: 0.3,
    };

    #[test]
    fn the_density_is_the_slope_of_the_integral() {
        for t in [-20.0, -5.0, 0.3, 7.0, 120.0, 900.0] {
            let h = 1e-4;
            let slope = (SOME.come_until(t + h) - SOME.come_until(t - h)) / (2.0 * h);
            let density = exp(SOME.first(t, Photons::ONE).ln_density);
            assert!(
                (density / slope - 1.0).abs() < 1e-5,
                "{t}: {density} {slope}"
            );
        }
    }

    #[test]
    fn all_photons_come_and_none_goes() {
        assert!(SOME.come_until(-150.0) < 1e-9);
        assert!((SOME.come_until(1e5) - 1.0).abs() < 1e-12);
        let mut before = 0.0;
        for i in -500..20_000 {
            let now = SOME.come_until(f64::from(i) * 0.1);
            assert!(now >= before);
            before = now;
        }
    }

    /// Of one component whose power and rate are those of the readout, the first photon comes as the logistic
    /// distribution of the same mean and width has it.
    #[test]
    fn direct_light_has_the_width_of_the_jitter() {
        let direct = Components([
            1.0,
            0.0,
            0.0,
            0.0,
            1.0,
            1.0,
            1.0,
            1.0,
            1.0 / TAU_NS,
            1.0,
            1.0,
            1.0,
        ]);
        let step = 0.05;
        let variance: f64 = (-2_000..2_000)
            .map(|i| f64::from(i) * step)
            .map(|t| step * t * t * exp(direct.first(t, Photons::ONE).ln_density))
            .sum();
        assert!((variance.sqrt() - JITTER_NS).abs() < 0.01, "{variance}");
    }

    #[test]
    fn slopes_are_derivatives() {
        for t in [-300.0, -15.0, 0.0, 3.0, 60.0, 800.0, 4_000.0] {
            for (number, spread) in [(1.0, 0.0), (1.4, 0.2), (20.0, 0.0), (90.0, 0.5)] {
                let photons = Photons { number, spread };
                let at =
                    |t: f64, of: [f64; N_PARAMETERS]| Components(of).first(t, photons).ln_density;
                let found = SOME.first(t, photons);
                let close = |numeric: f64, exact: f64, what: &str| {
                    assert!(
                        (numeric - exact).abs() < 1e-5 * (1.0 + exact.abs()),
                        "{what} at {t}, {photons:?}: {numeric} {exact}"
                    );
                };
                if t > -100.0 {
                    let numeric = (at(t + 1e-4, SOME.0) - at(t - 1e-4, SOME.0)) / 2e-4;
                    close(numeric, found.by_time, "time");
                }
                for i in 0..N_PARAMETERS {
                    let h = 1e-5 * SOME.0[i];
                    let moved = |step: f64| {
                        let mut of = SOME.0;
                        of[i] += step;
                        at(t, of)
                    };
                    let numeric = (moved(h) - moved(-h)) / (2.0 * h);
                    close(
                        numeric * SOME.0[i],
                        found.by_parameter[i] * SOME.0[i],
                        &format!("{i}"),
                    );
                }
            }
        }
    }

    #[test]
    fn answers_of_a_network_become_parameters_with_their_derivatives() {
        let outputs = [
            0.3, -0.4, 1.2, 0.0, -2.0, 0.5, 3.0, 1.0, 2.0, 0.5, -0.5, -1.0,
        ];
        let value = |outputs: &[f64; N_PARAMETERS]| {
            Components::from_outputs(outputs, 40.0)
                .first(25.0, SEVERAL)
                .ln_density
        };
        let of = Components::from_outputs(&outputs, 40.0);
        assert!((of.0[..N_COMPONENTS].iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let found = of.by_outputs(&of.first(25.0, SEVERAL).by_parameter);
        for i in 0..N_PARAMETERS {
            let moved = |step: f64| {
                let mut outputs = outputs;
                outputs[i] += step;
                value(&outputs)
            };
            let numeric = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!(
                (numeric - found[i]).abs() < 1e-6,
                "{i}: {numeric} {}",
                found[i]
            );
        }
    }

    #[test]
    fn quantiles_turn_the_integral_round() {
        for share in [0.05, 0.5, 0.99] {
            assert!((SOME.come_until(SOME.quantile_ns(share)) - share).abs() < 1e-9);
        }
    }
}
