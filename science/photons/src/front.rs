//! The light that comes first: straight, and as fast as the fastest colour that DOMs see.

use skyscan_reco::light::SPEED_OF_LIGHT_M_PER_NS;

use crate::optics::{group_index, phase_index};

/// The wavelength whose light times are measured against: in the spectrum of what is detected hardly any is faster, so
/// hardly any comes before it.
pub(crate) const FRONT_NM: f64 = 600.0;

/// When straight light arrives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Front {
    ns_per_m_away: f64,
    ns_per_m: f64,
}

impl Front {
    pub(crate) fn new() -> Self {
        let (phase, group) = (phase_index(FRONT_NM), group_index(FRONT_NM));
        let away = (phase * group - 1.0) / (phase * phase - 1.0).sqrt();
        Self {
            ns_per_m_away: away / SPEED_OF_LIGHT_M_PER_NS,
            ns_per_m: group / SPEED_OF_LIGHT_M_PER_NS,
        }
    }

    /// Light of a track, under the Cherenkov angle: after the particle has passed the origin of `along_m`.
    pub(crate) fn of_track_ns(self, along_m: f64, distance_m: f64) -> f64 {
        along_m / SPEED_OF_LIGHT_M_PER_NS + distance_m * self.ns_per_m_away
    }

    /// Light of a point, after it was emitted.
    pub(crate) fn of_point_ns(self, distance_m: f64) -> f64 {
        distance_m * self.ns_per_m
    }
}
