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

use super::photons::Photons;
use crate::light::elementary::{exp, ln, softplus};

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

/// Time as the components have it, ns, and its derivative by `t`.
#[inline(always)]
pub(crate) fn bent(t_ns: f64) -> (f64, f64) {
    let (bent, by_t) = softplus((t_ns / TAU_NS).max(EARLIEST));
    (TAU_NS * bent, by_t)
}

/// What a component adds to the density of one photon at a bent time, per ns, and to the probability that it comes
/// later, with the derivatives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) density: f64,
    pub(crate) survival: f64,
    /// Derivative of the density by the bent time.
    pub(crate) density_by_time: f64,
    /// Derivatives by share, power and rate.
    pub(crate) density_by: [f64; 3],
    pub(crate) survival_by: [f64; 3],
}

impl Part {
    #[inline(always)]
    pub(crate) fn of([share, power, rate]: [f64; 3], s_ns: f64) -> Self {
        let [left, gone, ln_gone] = rest_of(rate * s_ns);
        let odds = left / gone;
        let come = exp(power * ln_gone);
        let own = power * rate * odds * come;
        let cubic = (power - 2.0) * left * (1.0 / 6.0);
        let series = power * left * (1.0 - (power - 1.0) * left * (0.5 - cubic));
        let not_come = if left < 1e-4 { series } else { 1.0 - come };
        let steep = (power - 1.0) * odds - 1.0;
        let (density, share_come) = (share * own, share * come);
        Self {
            density,
            survival: share * not_come,
            density_by_time: density * rate * steep,
            density_by: [
                own,
                density * (1.0 / power + ln_gone),
                density * (1.0 / rate + s_ns * steep),
            ],
            survival_by: [
                not_come,
                -share_come * ln_gone,
                -share_come * power * s_ns * odds,
            ],
        }
    }
}

/// `exp(-y)`, `1 - exp(-y)` and the logarithm of the latter.
#[inline(always)]
fn rest_of(y: f64) -> [f64; 3] {
    let left = exp(-y);
    let series = y * (1.0 - y * (0.5 - y * (1.0 / 6.0)));
    let gone = if y < 1e-4 { series } else { 1.0 - left };
    let series = -left * (1.0 + left * (0.5 + left * (1.0 / 3.0)));
    let ln_gone = if left < 1e-4 { series } else { ln(gone) };
    [left, gone, ln_gone]
}

/// What four components add up to.
#[inline(always)]
pub(crate) fn total(of: [f64; N_COMPONENTS]) -> f64 {
    (of[0] + of[1]) + (of[2] + of[3])
}

/// One photon at a bent time: its density by that time, per ns, and the probability that it comes later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct One {
    /// The sum of what the components add; its derivative by the bent time.
    pub(crate) density: f64,
    pub(crate) density_by_time: f64,
    /// The sum of what the components add; its derivative by the bent time is the density.
    pub(crate) survival: f64,
}

/// What [`One`] says of the first of several.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfSeveral {
    /// As in [`First`].
    pub(crate) ln_density: f64,
    pub(crate) by_time: f64,
    /// Derivatives of `ln_density` by density and survival probability of one photon.
    pub(crate) by_density: f64,
    pub(crate) by_survival: f64,
}

impl One {
    /// The first of several, where the bent time has this derivative by time.
    #[inline(always)]
    pub(crate) fn first(&self, by_t: f64, photons: Photons) -> OfSeveral {
        // No logarithm of nothing, where the density is as good as none.
        let (density, survival) = (self.density + 1e-300, self.survival + LEAST_SURVIVAL);
        let (ln_density, ln_survival) = (ln(density * by_t), ln(survival));
        let (ln_first, others) = photons.first(ln_survival);
        let (by_density, by_survival) = (1.0 / density, others / survival);
        let by_bent = self.density_by_time * by_density - density * by_survival;
        OfSeveral {
            ln_density: ln_density + ln_first,
            by_time: by_t * by_bent + (1.0 - by_t) / TAU_NS,
            by_density,
            by_survival,
        }
    }
}

impl Components {
    /// From what a network answers: the softmax of the first four, powers above 0.3 and rates as exponentials, the
    /// latter beside `1 / (3 + 3 r + 0.01 r^2)`, how fast light comes at a distance `r` (m).
    pub fn from_outputs(outputs: &[f64; N_PARAMETERS], distance_m: f64) -> Self {
        let outputs = outputs.map(|output| [output]);
        Self(parameters_of(outputs, &[distance_m]).map(|[parameter]| parameter))
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
        let (s_ns, by_t) = bent(t_ns);
        let parts: [Part; N_COMPONENTS] = std::array::from_fn(|c| Part::of(self.of(c), s_ns));
        let one = One {
            density: total(parts.map(|part| part.density)),
            density_by_time: total(parts.map(|part| part.density_by_time)),
            survival: total(parts.map(|part| part.survival)),
        };
        let found = one.first(by_t, photons);
        let by_parameter = std::array::from_fn(|i| {
            let (part, of) = (&parts[i % N_COMPONENTS], i / N_COMPONENTS);
            part.density_by[of] * found.by_density + part.survival_by[of] * found.by_survival
        });
        First {
            ln_density: found.ln_density,
            by_time: found.by_time,
            by_parameter,
        }
    }

    /// The probability that a photon has come until `t_ns` behind the front.
    pub fn come_until(&self, t_ns: f64) -> f64 {
        let s_ns = bent(t_ns).0;
        total(std::array::from_fn(|c| {
            let [share, power, rate] = self.of(c);
            share * exp(power * rest_of(rate * s_ns)[2])
        }))
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

    /// Share, power and rate of one.
    #[inline(always)]
    fn of(&self, component: usize) -> [f64; 3] {
        let of = &self.0;
        let c = component;
        [of[c], of[c + N_COMPONENTS], of[c + 2 * N_COMPONENTS]]
    }
}

/// The parameters of several, as [`Components::from_outputs`] has them of one: each of all of them.
#[inline(always)]
pub(crate) fn parameters_of<const N: usize>(
    outputs: [[f64; N]; N_PARAMETERS],
    distance_m: &[f64; N],
) -> [[f64; N]; N_PARAMETERS] {
    let mut of = outputs;
    let mut highest = of[0];
    for share in &of[1..N_COMPONENTS] {
        for n in 0..N {
            highest[n] = if share[n] > highest[n] {
                share[n]
            } else {
                highest[n]
            };
        }
    }
    for share in &mut of[..N_COMPONENTS] {
        for n in 0..N {
            share[n] -= highest[n];
        }
    }
    for x in of.as_flattened_mut() {
        *x = exp(*x);
    }
    let (mut sum, mut usual) = ([0.0; N], [0.0; N]);
    for n in 0..N {
        sum[n] = total([of[0][n], of[1][n], of[2][n], of[3][n]]);
        usual[n] = usual_rate(distance_m[n]);
    }
    for share in &mut of[..N_COMPONENTS] {
        for n in 0..N {
            share[n] /= sum[n];
        }
    }
    for power in of[N_COMPONENTS..2 * N_COMPONENTS].as_flattened_mut() {
        *power += LEAST_POWER;
    }
    for rate in &mut of[2 * N_COMPONENTS..] {
        for n in 0..N {
            rate[n] *= usual[n];
        }
    }
    of
}

/// How fast light comes at a distance, per ns: what rates are told in.
#[inline(always)]
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
