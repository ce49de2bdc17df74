//! The file that keeps what was learned (format `skyscan-learned-light-1`): JSON with where it comes from, and the
//! weights as 32-bit numbers, low byte first, in base64, beside their SHA-256.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::LearnedLight;
use super::components::JITTER_NS;
use super::network::Network;
use crate::light::hole_ice::HoleIce;
use skyscan_event::detector::IceLayer;

const FORMAT: &str = "skyscan-learned-light-1";

/// Where it comes from: the same again gives the same file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    /// The program that learned.
    pub made_by: String,
    /// The telescope whose ice the photons were in.
    pub detector: String,
    /// [`ice_sha256`] of its ice.
    pub ice_sha256: String,
    /// How many photons were simulated.
    pub n_photons: u64,
    /// How many times they were seen.
    pub n_samples: u64,
    /// Seed of photons and learning.
    pub seed: u64,
    /// Steps of learning.
    pub n_steps: u64,
    /// Width of the jitter that was put on the samples, ns.
    pub jitter_ns: f64,
    /// How the DOMs of the photons took light from below and above.
    #[serde(default, skip_serializing_if = "is_usual")]
    pub hole_ice: HoleIce,
}

fn is_usual(hole_ice: &HoleIce) -> bool {
    *hole_ice == HoleIce::default()
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    provenance: Provenance,
    weights_sha256: String,
    weights: String,
}

/// Why a file is not what was learned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearnedFileError {
    /// Not of this form.
    #[error("not learned light: {0}")]
    Form(String),
    /// Its weights are not those that were written.
    #[error("the weights are damaged: their SHA-256 is {found}, {expected} was written")]
    Damaged {
        /// Of the weights that are there.
        found: String,
        /// As the file says.
        expected: String,
    },
}

/// SHA-256 of layers, as hexadecimal digits.
pub fn ice_sha256(layers: &[IceLayer]) -> String {
    let mut hash = Sha256::new();
    for layer in layers {
        for number in [
            layer.z_m,
            layer.scattering_length_m,
            layer.absorption_length_m,
        ] {
            hash.update(number.to_le_bytes());
        }
    }
    hexadecimal(&hash.finalize())
}

impl LearnedLight {
    /// What ships with the program: learned in the ice of IceCube, with holes of either kind.
    pub fn shipped(hole_ice: HoleIce) -> Self {
        let file: &[u8] = match hole_ice {
            HoleIce::H2 => include_bytes!("icecube86.json"),
            HoleIce::Older => include_bytes!("icecube86-older-holes.json"),
        };
        Self::read(file).expect("the files that ship are checked by a test")
    }

    /// Reads a file.
    ///
    /// # Errors
    /// If it has another form, or its weights are damaged or not numbers.
    pub fn read(bytes: &[u8]) -> Result<Self, LearnedFileError> {
        let (network, provenance) = decode(FORMAT, bytes)?;
        Ok(Self {
            network,
            provenance,
        })
    }

    /// The file; the weights are rounded to 32 bits.
    pub fn to_json(&self) -> String {
        encode(FORMAT, &self.network, &self.provenance)
    }
}

/// What a file of this format holds.
pub(super) fn decode<const OUTPUTS: usize>(
    format: &str,
    bytes: &[u8],
) -> Result<(Network<OUTPUTS>, Provenance), LearnedFileError> {
    let form = |text: &str| LearnedFileError::Form(text.to_owned());
    let file: File =
        serde_json::from_slice(bytes).map_err(|e| LearnedFileError::Form(e.to_string()))?;
    if file.format != format {
        return Err(form("the format is another one"));
    }
    if file.provenance.jitter_ns != JITTER_NS {
        return Err(form("it was learned with another jitter"));
    }
    let bytes = STANDARD
        .decode(&file.weights)
        .map_err(|e| LearnedFileError::Form(e.to_string()))?;
    let found = hexadecimal(&Sha256::digest(&bytes));
    if found != file.weights_sha256 {
        return Err(LearnedFileError::Damaged {
            found,
            expected: file.weights_sha256,
        });
    }
    let weights: Vec<f64> = bytes
        .chunks_exact(4)
        .map(|b| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]])))
        .collect();
    if !weights.iter().all(|weight| weight.is_finite()) {
        return Err(form("a weight is not a number"));
    }
    let network = Network::new(weights).ok_or_else(|| form("the network has another size"))?;
    Ok((network, file.provenance))
}

/// The file of a network.
pub(super) fn encode<const OUTPUTS: usize>(
    format: &str,
    network: &Network<OUTPUTS>,
    provenance: &Provenance,
) -> String {
    let weights = network.weights().iter();
    let bytes: Vec<u8> = weights.flat_map(|w| (*w as f32).to_le_bytes()).collect();
    let file = File {
        format: format.to_owned(),
        provenance: provenance.clone(),
        weights_sha256: hexadecimal(&Sha256::digest(&bytes)),
        weights: STANDARD.encode(&bytes),
    };
    let mut json = serde_json::to_string_pretty(&file).expect("numbers and texts are JSON");
    json.push('\n');
    json
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::network::layers;
    use super::*;

    fn learned() -> LearnedLight {
        let n = layers(12)[4];
        let weights = (0..n).map(|i| f64::from(i as f32 * 0.01)).collect();
        LearnedLight {
            network: Network::new(weights).unwrap(),
            provenance: Provenance {
                made_by: "a test".to_owned(),
                detector: "none".to_owned(),
                ice_sha256: ice_sha256(&[]),
                n_photons: 1,
                n_samples: 2,
                seed: 3,
                n_steps: 4,
                jitter_ns: JITTER_NS,
                hole_ice: HoleIce::Older,
            },
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let json = learned().to_json();
        assert!(json.len() < 20_000, "{}", json.len());
        assert_eq!(LearnedLight::read(json.as_bytes()).unwrap(), learned());
    }

    #[test]
    fn damage_is_told() {
        let json = learned().to_json().replace("AAAA", "AAAB");
        let error = LearnedLight::read(json.as_bytes()).unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
        let error = LearnedLight::read(b"{}").unwrap_err();
        assert!(error.to_string().contains("not learned light"), "{error}");
    }

    #[test]
    fn what_ships_was_learned_behind_the_holes_that_it_is_asked_for() {
        for hole_ice in [HoleIce::H2, HoleIce::Older] {
            let provenance = LearnedLight::shipped(hole_ice).provenance;
            assert_eq!(provenance.hole_ice, hole_ice);
        }
    }
}
