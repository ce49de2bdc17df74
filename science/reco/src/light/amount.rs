//! How much light a muon sends to a DOM.
//!
//! Close to the track light falls off as it spreads, `1 / (2 pi sin(theta_c) d)` per area; far away
//! it diffuses, as a line of point sources in a scattering and absorbing medium does:
//!
//! ```text
//! mu(d) = N A / (2 pi sin(theta_c)) exp(-d / l_p) / (sqrt(l_mu d) tanh(sqrt(d / l_mu)))
//! l_p   = sqrt(l_a l_e / 3),  zeta = exp(-l_e / l_a),  l_c = l_e / (3 zeta)
//! sqrt(l_mu) = l_c / sin(theta_c) sqrt(2 / (pi l_p))
//! ```
//!
//! (the interpolation of M. G. Aartsen et al., "Energy reconstruction methods in the IceCube
//! neutrino telescope", JINST 9 (2014) P03009). For `d << l_mu` the last factor tends to `1 / d`;
//! for `d >> l_mu` the integral of `exp(-r / l_p) / (4 pi l_c r)` along the track, by the
//! asymptotic form of the Bessel function `K_0`, gives the value of `l_mu`.

use std::f64::consts::PI;

use super::cherenkov::sine;

/// Detected photons per metre of a bare muon track times the area of a standard DOM averaged over
/// the angles of incidence, in m. Assumed: gives a photoelectron at some 15 m in clear ice. It
/// sets how bright synthetic events are and enters no reconstruction.
const PHOTOELECTRONS_M_PER_M: f64 = 70.0;
/// Stochastic losses per GeV relative to the bare track: `b / a` of the energy loss
/// `dE/dx = a + b E` with a = 0.26 GeV/mwe, b = 3.57e-4/mwe (D. Chirkin, W. Rhode, "Muon Monte
/// Carlo", hep-ph/0407075).
const LOSSES_PER_GEV: f64 = 3.57e-4 / 0.26;

/// Expected photoelectrons in a standard DOM at `distance_m` from a muon track.
pub fn expected_photoelectrons(
    distance_m: f64,
    energy_gev: f64,
    scattering_per_m: f64,
    absorption_per_m: f64,
) -> f64 {
    let (scattering, absorption) = (1.0 / scattering_per_m, 1.0 / absorption_per_m);
    let propagation = (absorption * scattering / 3.0).sqrt();
    let closeness = libm::exp(-scattering / absorption);
    let diffusion = scattering / (3.0 * closeness);
    let root_reach = diffusion / sine() * (2.0 / (PI * propagation)).sqrt();
    // No DOM is closer to light than its own radius.
    let distance = distance_m.max(0.17);
    let root = distance.sqrt();
    let spread = root_reach * root * libm::tanh(root / root_reach);
    let light = PHOTOELECTRONS_M_PER_M * (1.0 + LOSSES_PER_GEV * energy_gev);
    light / (2.0 * PI * sine()) * libm::exp(-distance / propagation) / spread
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAR: (f64, f64) = (1.0 / 40.0, 1.0 / 150.0);

    #[test]
    fn spreads_near_the_track() {
        let at = |d| expected_photoelectrons(d, 0.0, CLEAR.0, CLEAR.1);
        let ratio = at(1.0) / at(2.0);
        assert!((ratio - 2.0 * libm::exp(1.0 / 44.7)).abs() < 0.1, "{ratio}");
    }

    /// The far limit against the integral over point sources along the track, midpoint rule.
    #[test]
    fn diffuses_far_from_the_track() {
        let (scattering, absorption): (f64, f64) = (20.0, 100.0);
        let propagation = (absorption * scattering / 3.0).sqrt();
        let diffusion = scattering / (3.0 * (-scattering / absorption).exp());
        let d: f64 = 400.0;
        let step = 0.5;
        let integral: f64 = (-4000..4000)
            .map(|i| (f64::from(i) + 0.5) * step)
            .map(|x| (d * d + x * x).sqrt())
            .map(|r| step * (-r / propagation).exp() / (4.0 * PI * diffusion * r))
            .sum();
        let ours = expected_photoelectrons(d, 0.0, 1.0 / scattering, 1.0 / absorption);
        let ratio = ours / (PHOTOELECTRONS_M_PER_M * integral);
        assert!((ratio - 1.0).abs() < 0.02, "{ratio}");
    }

    #[test]
    fn grows_with_energy() {
        let at = |energy| expected_photoelectrons(50.0, energy, CLEAR.0, CLEAR.1);
        assert!(
            (at(1e5) / at(1e4) - (1.0 + 1e5 * LOSSES_PER_GEV) / (1.0 + 1e4 * LOSSES_PER_GEV)).abs()
                < 1e-9
        );
    }
}
