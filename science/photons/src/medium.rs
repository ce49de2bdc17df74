//! The medium that photons cross: flat layers of 10 m in which coefficients are constant.

use skyscan_event::detector::IceLayer;

use crate::optics::{Color, given_pure_ice_per_m};

/// Thickness of a layer.
const LAYER_M: f64 = 10.0;
/// Depth of the origin of IceCube's coordinates below the surface.
const DEPTH_OF_ORIGIN_M: f64 = 1948.07;
/// Thickness of the ice there: what a description has below or above is as warm as its ends.
const THICKNESS_M: f64 = 2820.0;
/// Where the ice has the temperature for which its pure absorption is given.
const DEPTH_OF_REFERENCE_M: f64 = 1730.0;
/// Absorption of pure ice grows by this share with each kelvin (arXiv:1301.5361, section 4).
const PER_KELVIN: f64 = 0.01;

/// Flat layers. The lowest goes on below, the topmost above.
#[derive(Clone, Debug)]
pub(crate) struct Medium {
    bottom_m: f64,
    layers: Vec<Layer>,
}

/// Coefficients of a layer, for light of 400 nm.
#[derive(Clone, Copy, Debug)]
struct Layer {
    /// Effective scattering, 1/m.
    scattering_per_m: f64,
    /// Absorption by dust, 1/m.
    dust_per_m: f64,
    /// Absorption of pure ice at this temperature, beside that at the reference.
    pure_ice: f64,
}

/// Coefficients that light of one colour finds in one layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coefficients {
    /// Effective scattering: what is left of it after the forward peak.
    pub effective_scattering_per_m: f64,
    pub absorption_per_m: f64,
}

/// Temperature of the ice minus that of the reference, K (P. B. Price et al., PNAS 99 (2002) 7844, in the form of
/// arXiv:1301.5361, section 4).
pub(crate) fn warmth_k(z_m: f64) -> f64 {
    let celsius = |depth_m: f64| depth_m * (-0.000_453_19 + depth_m * 5.822e-6);
    let depth_m = (DEPTH_OF_ORIGIN_M - z_m).clamp(0.0, THICKNESS_M);
    celsius(depth_m) - celsius(DEPTH_OF_REFERENCE_M)
}

impl Medium {
    /// The ice of a telescope: layers from the bottom up (at least one), lengths at 400 nm, of scattering the effective
    /// one. What pure ice absorbs at the temperature of a layer is taken off; the rest is dust.
    pub(crate) fn new(ice: &[IceLayer]) -> Self {
        let bottom_m = ice[0].z_m - 0.5 * LAYER_M;
        let height_m = ice[ice.len() - 1].z_m - ice[0].z_m;
        let n_layers = (height_m / LAYER_M + 1.5) as usize;
        let layer = |i: usize| {
            let z_m = bottom_m + (i as f64 + 0.5) * LAYER_M;
            let pure_ice = (1.0 + PER_KELVIN * warmth_k(z_m)).max(0.0);
            let absorption_per_m = interpolate(ice, z_m, |layer| 1.0 / layer.absorption_length_m);
            Layer {
                scattering_per_m: interpolate(ice, z_m, |layer| 1.0 / layer.scattering_length_m),
                dust_per_m: (absorption_per_m - pure_ice * given_pure_ice_per_m()).max(0.0),
                pure_ice,
            }
        };
        Self {
            bottom_m,
            layers: (0..n_layers).map(layer).collect(),
        }
    }

    /// One layer everywhere; coefficients at 400 nm, where all absorption counts as that of dust.
    #[cfg(test)]
    pub(crate) fn uniform(scattering_per_m: f64, absorption_per_m: f64) -> Self {
        Self {
            bottom_m: 0.0,
            layers: vec![Layer {
                scattering_per_m,
                dust_per_m: absorption_per_m,
                pure_ice: 0.0,
            }],
        }
    }

    /// The layer at a height.
    pub(crate) fn layer_at(&self, z_m: f64) -> usize {
        // A cast saturates: below the bottom it gives 0.
        (((z_m - self.bottom_m) / LAYER_M) as usize).min(self.layers.len() - 1)
    }

    /// Distance to the edge of a layer along a direction, and the layer that lies beyond.
    pub(crate) fn to_edge(&self, layer: usize, z_m: f64, upward: f64) -> (f64, usize) {
        let edge = |index: usize| self.bottom_m + index as f64 * LAYER_M;
        if upward > 0.0 && layer + 1 < self.layers.len() {
            (((edge(layer + 1) - z_m) / upward).max(0.0), layer + 1)
        } else if upward < 0.0 && layer > 0 {
            (((edge(layer) - z_m) / upward).max(0.0), layer - 1)
        } else {
            (f64::INFINITY, layer)
        }
    }

    pub(crate) fn coefficients(&self, layer: usize, color: &Color) -> Coefficients {
        let layer = &self.layers[layer];
        Coefficients {
            effective_scattering_per_m: layer.scattering_per_m * color.scattering,
            absorption_per_m: layer.dust_per_m * color.dust + layer.pure_ice * color.pure_ice_per_m,
        }
    }
}

fn interpolate(ice: &[IceLayer], z_m: f64, value: impl Fn(&IceLayer) -> f64) -> f64 {
    let above = ice.partition_point(|layer| layer.z_m <= z_m);
    if above == 0 {
        return value(&ice[0]);
    }
    let low = &ice[above - 1];
    let Some(high) = ice.get(above) else {
        return value(low);
    };
    let share = (z_m - low.z_m) / (high.z_m - low.z_m);
    value(low) * (1.0 - share) + value(high) * share
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyscan_event::detector::Detector;

    #[test]
    fn at_400_nm_the_ice_is_the_one_that_was_described() {
        let ice = Detector::icecube86().ice;
        let medium = Medium::new(&ice);
        let color = Color::new(400.0);
        for described in &ice {
            let found = medium.coefficients(medium.layer_at(described.z_m), &color);
            let scattering = found.effective_scattering_per_m * described.scattering_length_m;
            let absorption = found.absorption_per_m * described.absorption_length_m;
            // Layers of the description are 10.1 m apart here and there: up to half a metre of shift.
            assert!(
                (scattering - 1.0).abs() < 0.08,
                "{described:?}: {scattering}"
            );
            assert!(
                (absorption - 1.0).abs() < 0.08,
                "{described:?}: {absorption}"
            );
        }
    }

    #[test]
    fn deep_ice_is_warmer() {
        for (depth_m, kelvin) in [
            (1098.0, -10.0),
            (1725.0, 0.0),
            (2418.0, 16.5),
            (2798.0, 27.8),
        ] {
            let found = warmth_k(DEPTH_OF_ORIGIN_M - depth_m);
            assert!((found - kelvin).abs() < 0.25, "{depth_m} m: {found} K");
        }
    }

    #[test]
    fn layers_follow_one_another() {
        let medium = Medium::new(&Detector::icecube86().ice);
        let (mut z, mut layer) = (-2000.0, medium.layer_at(-2000.0));
        assert_eq!(layer, 0);
        while let (distance, beyond) = medium.to_edge(layer, z, 0.5)
            && distance.is_finite()
        {
            z += 0.5 * distance;
            assert_eq!(beyond, layer + 1);
            layer = beyond;
            assert_eq!(medium.layer_at(z + 1e-6), layer);
        }
        assert_eq!(layer, medium.layers.len() - 1);
        assert!(z > 500.0);
    }
}
