//! From light in a DOM to pulses: dark noise, merging, charges, local coincidence.

use std::collections::BTreeMap;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal, Poisson};

use skyscan_event::{DomId, Pulse};

/// The particle of a synthetic event is this late after the start of the readout.
pub const TRACK_TIME_NS: f64 = 10_000.0;
/// More photons than this in a DOM are drawn as this many of higher weight.
pub const MOST_DRAWN: f64 = 500.0;
/// Dark noise of a DOM, per ns (500 Hz; Aartsen et al., JINST 12 (2017) P03012, section 4).
const NOISE_PER_NS: f64 = 500e-9;
/// Noise is drawn from this long before the track reaches the centre to as long after.
const NOISE_SPAN_NS: f64 = 6_000.0;
/// Photons this close become one pulse.
pub const MERGE_NS: f64 = 10.0;
/// Coincident: light within this time in one of the two DOMs above or below.
const COINCIDENCE_NS: f64 = 1_000.0;
/// Relative width of the charge of one photoelectron.
const CHARGE_SPREAD: f64 = 0.3;

/// A photon that a DOM detects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detected {
    /// When the DOM sees it.
    pub time_ns: f64,
    /// How many it stands for.
    pub weight: f64,
}

/// The pulses of one DOM, in time: its photons and its noise.
pub fn pulses(dom: DomId, mut photons: Vec<Detected>, rng: &mut ChaCha8Rng) -> Vec<Pulse> {
    let noise = Poisson::new(NOISE_PER_NS * 2.0 * NOISE_SPAN_NS).expect("a positive mean");
    for _ in 0..noise.sample(rng) as u64 {
        photons.push(Detected {
            time_ns: TRACK_TIME_NS + rng.random_range(-NOISE_SPAN_NS..NOISE_SPAN_NS),
            weight: 1.0,
        });
    }
    merge(dom, photons, rng)
}

/// Merges photons that are close in time; charges fluctuate per photon.
fn merge(dom: DomId, mut photons: Vec<Detected>, rng: &mut ChaCha8Rng) -> Vec<Pulse> {
    photons.sort_by(|a, b| a.time_ns.total_cmp(&b.time_ns));
    let spread = Normal::new(1.0, CHARGE_SPREAD).expect("a positive width");
    let mut pulses: Vec<Pulse> = Vec::new();
    for Detected { time_ns, weight } in photons {
        let charge_pe = (weight * spread.sample(rng).max(0.1)) as f32;
        match pulses.last_mut() {
            Some(open) if time_ns - open.time_ns < MERGE_NS => open.charge_pe += charge_pe,
            _ => pulses.push(Pulse {
                dom,
                time_ns,
                charge_pe,
                width_ns: MERGE_NS as f32,
                hlc: false,
            }),
        }
    }
    pulses
}

/// Marks pulses with light in a close neighbour on the string.
pub fn mark_coincidences(pulses: &mut BTreeMap<DomId, Vec<Pulse>>) {
    let times: BTreeMap<DomId, Vec<f64>> = pulses
        .iter()
        .map(|(&id, pulses)| (id, pulses.iter().map(|pulse| pulse.time_ns).collect()))
        .collect();
    for (id, pulses) in pulses {
        let neighbours = [-2i32, -1, 1, 2].into_iter().filter_map(|step| {
            let dom = u16::try_from(i32::from(id.dom) + step).ok()?;
            times.get(&DomId {
                string: id.string,
                dom,
            })
        });
        let close: Vec<f64> = neighbours.flatten().copied().collect();
        for pulse in pulses {
            pulse.hlc = close
                .iter()
                .any(|time| (time - pulse.time_ns).abs() <= COINCIDENCE_NS);
        }
    }
}
