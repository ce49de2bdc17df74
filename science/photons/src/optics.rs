//! What depends on the colour of light: refraction, scattering and absorption, and which colours are detected.

use rand_chacha::ChaCha8Rng;

use crate::dice;
pub use skyscan_reco::light::hole_ice::HoleIce;

/// Phase index of ice, as it sets the Cherenkov angle. Wavelengths in nm.
///
/// P. B. Price, K. Woschnagg, Astropart. Phys. 15 (2001) 97, the polynomials of its section on ice.
pub(crate) fn phase_index(wavelength_nm: f64) -> f64 {
    let l = wavelength_nm * 1e-3;
    1.557_49 + l * (-1.579_88 + l * (3.999_93 + l * (-4.682_71 + l * 2.093_54)))
}

/// Group index of ice: pulses of light travel at `c / group_index`. Same source.
pub(crate) fn group_index(wavelength_nm: f64) -> f64 {
    let l = wavelength_nm * 1e-3;
    phase_index(wavelength_nm)
        * (1.0 + 0.227_106 + l * (-0.954_648 + l * (1.425_68 - l * 0.711_832)))
}

/// Wavelength at which lengths of scattering and absorption are given.
const GIVEN_NM: f64 = 400.0;
/// Scattering falls with the wavelength to this power (M. G. Aartsen et al., "Measurement of South Pole ice
/// transparency with the IceCube LED calibration system", NIM A 711 (2013) 73, arXiv:1301.5361, section 4).
const SCATTERING_POWER: f64 = 0.90;
/// So does absorption by dust. Same source.
const DUST_POWER: f64 = 1.08;
/// Absorption of pure ice is `A exp(-B / wavelength)`. Same source.
const PURE_PER_M: f64 = 6954.0;
const PURE_NM: f64 = 6618.0;

/// Absorption of pure ice at the temperature at a depth of 1,730 m.
pub(crate) fn pure_ice_per_m(wavelength_nm: f64) -> f64 {
    PURE_PER_M * libm::exp(-PURE_NM / wavelength_nm)
}

/// Absorption of pure ice where lengths are given.
pub(crate) fn given_pure_ice_per_m() -> f64 {
    pure_ice_per_m(GIVEN_NM)
}

/// Everything about light of one wavelength that a photon needs on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Color {
    /// Wavelength in ice's vacuum, nm.
    pub wavelength_nm: f64,
    /// Cosine of the Cherenkov angle.
    pub cherenkov_cosine: f64,
    /// Time per metre of path, ns.
    pub ns_per_m: f64,
    /// Scattering beside that at 400 nm.
    pub scattering: f64,
    /// Absorption by dust beside that at 400 nm.
    pub dust: f64,
    /// Absorption of pure ice, 1/m.
    pub pure_ice_per_m: f64,
}

impl Color {
    /// Light of one wavelength.
    pub(crate) fn new(wavelength_nm: f64) -> Self {
        let ratio = wavelength_nm / GIVEN_NM;
        Self {
            wavelength_nm,
            cherenkov_cosine: 1.0 / phase_index(wavelength_nm),
            ns_per_m: group_index(wavelength_nm) / skyscan_reco::light::SPEED_OF_LIGHT_M_PER_NS,
            scattering: libm::pow(ratio, -SCATTERING_POWER),
            dust: libm::pow(ratio, -DUST_POWER),
            pure_ice_per_m: pure_ice_per_m(wavelength_nm),
        }
    }
}

/// Share of detected photons with wavelengths (nm) up to that of the row: the Cherenkov spectrum times glass, gel and
/// photocathode of a DOM (table `wv.dat` of the photon simulation `icecube/ppc`).
const DETECTED: [(f64, f64); 39] = [
    (0.0, 265.0),
    (0.0003, 305.0),
    (0.0016, 315.0),
    (0.0067, 325.0),
    (0.0215, 335.0),
    (0.0509, 345.0),
    (0.0980, 355.0),
    (0.1520, 365.0),
    (0.2139, 375.0),
    (0.2781, 385.0),
    (0.3429, 395.0),
    (0.4074, 405.0),
    (0.4705, 415.0),
    (0.5306, 425.0),
    (0.5864, 435.0),
    (0.6380, 445.0),
    (0.6856, 455.0),
    (0.7291, 465.0),
    (0.7679, 475.0),
    (0.8028, 485.0),
    (0.8347, 495.0),
    (0.8639, 505.0),
    (0.8906, 515.0),
    (0.9131, 525.0),
    (0.9305, 535.0),
    (0.9442, 545.0),
    (0.9556, 555.0),
    (0.9652, 565.0),
    (0.9734, 575.0),
    (0.9803, 585.0),
    (0.9858, 595.0),
    (0.9902, 605.0),
    (0.9936, 615.0),
    (0.9960, 625.0),
    (0.9977, 635.0),
    (0.9988, 645.0),
    (0.9994, 655.0),
    (0.9997, 665.0),
    (1.0, 675.0),
];

/// The colours of detected photons: this many, equally likely.
const N_COLORS: usize = 512;

/// Draws colours as a DOM would detect them.
#[derive(Clone, Debug)]
pub(crate) struct Spectrum(Vec<Color>);

impl Spectrum {
    /// What DOMs of IceCube detect of Cherenkov light.
    pub(crate) fn cherenkov() -> Self {
        let middle = |i: usize| wavelength_at((i as f64 + 0.5) / N_COLORS as f64);
        Self((0..N_COLORS).map(|i| Color::new(middle(i))).collect())
    }

    /// Light of a single wavelength.
    #[cfg(test)]
    pub(crate) fn single(wavelength_nm: f64) -> Self {
        Self(vec![Color::new(wavelength_nm)])
    }

    /// One of the colours.
    pub(crate) fn draw(&self, rng: &mut ChaCha8Rng) -> &Color {
        let index = (dice::unit(rng) * self.0.len() as f64) as usize;
        &self.0[index.min(self.0.len() - 1)]
    }
}

/// The wavelength up to which this share of photons lies.
fn wavelength_at(share: f64) -> f64 {
    let above = DETECTED.partition_point(|(up_to, _)| *up_to <= share);
    let (low, high) = (DETECTED[above - 1], DETECTED[above.min(DETECTED.len() - 1)]);
    low.1 + (high.1 - low.1) * (share - low.0) / (high.0 - low.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The group index is the phase index minus wavelength times its slope; Price and Woschnagg fit the two apart.
    #[test]
    fn the_group_index_follows_from_the_phase_index() {
        for (wavelength, phase, group) in [(400.0, 1.31943, 1.35611), (600.0, 1.3094, 1.3275)] {
            assert!((phase_index(wavelength) - phase).abs() < 5e-5);
            assert!((group_index(wavelength) - group).abs() < 5e-5);
        }
        for wavelength in [320.0, 350.0, 400.0, 450.0, 500.0, 550.0, 600.0] {
            let h = 0.01;
            let slope = (phase_index(wavelength + h) - phase_index(wavelength - h)) / (2.0 * h);
            let expected = phase_index(wavelength) - wavelength * slope;
            let ratio = group_index(wavelength) / expected;
            assert!((ratio - 1.0).abs() < 2e-3, "{wavelength} nm: {ratio}");
        }
    }

    #[test]
    fn colours_come_as_often_as_they_are_detected() {
        let spectrum = Spectrum::cherenkov();
        for (share, wavelength_nm) in DETECTED {
            let below = spectrum
                .0
                .iter()
                .filter(|c| c.wavelength_nm < wavelength_nm);
            let found = below.count() as f64 / N_COLORS as f64;
            assert!(
                (found - share).abs() < 1.5 / N_COLORS as f64,
                "{wavelength_nm} nm: {found}"
            );
        }
    }
}
