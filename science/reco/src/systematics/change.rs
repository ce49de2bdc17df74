//! A problem as it is under a systematic.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{Systematic, Timing, normal};
use crate::Problem;

impl Systematic {
    /// For a likelihood of times alone: whoever ignores what a systematic changes has not looked at it.
    ///
    /// # Errors
    /// If it changes how much light there is.
    pub(crate) fn without_amounts(&self, reco: &str) -> Result<(), String> {
        match self.dom_efficiency == 1.0 {
            true => Ok(()),
            false => Err(format!(
                "{reco} asks when light came, not how much: dom_efficiency changes nothing in it"
            )),
        }
    }

    /// The problem under it: other ice, other efficiencies, times moved. The refrozen holes are in no description: a
    /// reconstruction knows them.
    pub fn applied(&self, problem: &Problem) -> Problem {
        let mut changed = Problem {
            systematics: None,
            ..problem.clone()
        };
        for layer in &mut changed.detector.ice {
            let z_m = layer.z_m;
            let bands = self
                .bands
                .iter()
                .filter(|[low, high, ..]| (*low..*high).contains(&z_m));
            let start = (self.scattering, self.absorption);
            let (scattering, absorption) =
                bands.fold(start, |(s, a), band| (s * band[2], a * band[3]));
            layer.scattering_length_m /= scattering;
            layer.absorption_length_m /= absorption;
        }
        for dom in changed.detector.doms.values_mut() {
            dom.relative_efficiency *= self.dom_efficiency;
        }
        if let Some(timing) = self.timing {
            for pulse in &mut changed.event.pulses {
                pulse.time_ns += timing.offset_ns(pulse.dom.string);
            }
        }
        changed
    }
}

impl Timing {
    /// The offset of a string: the same whatever other strings there are.
    fn offset_ns(self, string: u16) -> f64 {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(u64::from(string));
        self.spread_ns * normal(&mut rng)
    }
}
