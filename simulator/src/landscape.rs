//! What there is to find: a likelihood over the sky that is a pure function of what a task asks for, so
//! that whoever computes it, and when, changes nothing.

use skyscan::event::DetectorDirection;
use skyscan::reco::{PixelRequest, VertexSeed};
use skyscan::scenario::workload::landscape::Landscape as Smooth;
use skyscan::sky::map::{PixelFit, PixelOutcome};

use crate::history::mix;

/// The sky of one scan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Landscape {
    /// Where the minimum is, and how wide.
    pub(crate) smooth: Smooth,
    /// Tells the sky of one scan from that of another.
    pub(crate) salt: u64,
    /// One pixel in so many fails at whoever tries it; none if 0.
    pub(crate) poison_one_in: u64,
    /// One pixel in so many takes whoever tries it with it; none if 0.
    pub(crate) killer_one_in: u64,
}

impl Landscape {
    /// What a pixel comes to.
    pub(crate) fn outcome(&self, request: &PixelRequest) -> PixelOutcome {
        if self.falls(request.direction, self.poison_one_in, 1) {
            return PixelOutcome::Failed("poison".to_owned());
        }
        // What is found depends on where the search began, as it does in a real likelihood.
        let mut mixed = self.drawn(request.direction, 0);
        for seed in &request.seeds {
            let VertexSeed {
                position_m: [x, ..],
                time_ns,
            } = seed;
            mixed = mix(mixed ^ x.to_bits() ^ time_ns.to_bits().rotate_left(7));
        }
        let ripple = (mixed >> 40) as f64 / (1u64 << 24) as f64;
        PixelOutcome::Fitted(PixelFit {
            llh: self.smooth.llh(request.direction) + 0.1 * ripple,
            position_m: [ripple, 0.0, 0.0],
            time_ns: ripple + 1.0,
            energy_inside_gev: None,
            energy_total_gev: None,
        })
    }

    /// Whether whoever tries this pixel is lost with it.
    pub(crate) fn kills(&self, request: &PixelRequest) -> bool {
        self.falls(request.direction, self.killer_one_in, 2)
    }

    fn falls(&self, direction: DetectorDirection, one_in: u64, kind: u64) -> bool {
        one_in > 0 && self.drawn(direction, kind).is_multiple_of(one_in)
    }

    fn drawn(&self, direction: DetectorDirection, kind: u64) -> u64 {
        let zenith = mix(self.salt ^ kind ^ direction.zenith_rad.to_bits());
        mix(zenith ^ direction.azimuth_rad.to_bits())
    }
}
