//! An event as `skyscan event show` prints it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Claim, DetectorDirection, DomId, Event, Seed};

/// What there is to say about an event at a glance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EventView {
    /// Run number.
    pub run_id: u32,
    /// Event number within the run.
    pub event_id: u32,
    /// Start, UTC as a modified Julian date.
    pub mjd: f64,
    /// Alert stream; empty if unknown.
    pub stream: String,
    /// Number of pulses.
    pub pulses: usize,
    /// Number of pulses in hard local coincidence.
    pub hlc_pulses: usize,
    /// Number of DOMs that saw light.
    pub doms: usize,
    /// Number of strings that saw light.
    pub strings: usize,
    /// All charge, in photoelectrons.
    pub charge_pe: f64,
    /// Start of the first pulse, absent if there is none.
    pub first_ns: Option<f64>,
    /// Start of the last pulse, absent if there is none.
    pub last_ns: Option<f64>,
    /// The DOM that saw most light, absent if there is no pulse.
    pub brightest: Option<BrightestDom>,
    /// First guesses.
    pub seeds: Vec<SeedView>,
    /// What really happened, if the event was made by a simulation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truth: Option<SeedView>,
}

/// The DOM that saw most light; of several the first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BrightestDom {
    /// String number.
    pub string: u16,
    /// Number on the string.
    pub dom: u16,
    /// Its charge, in photoelectrons.
    pub charge_pe: f64,
}

/// A first guess; its direction is absent for a vertex.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeedView {
    /// Key of the guess in its source.
    pub name: String,
    /// Right ascension, J2000.
    pub ra_deg: Option<f64>,
    /// Declination, J2000.
    pub dec_deg: Option<f64>,
    /// Position east, in metres.
    pub x_m: f64,
    /// Position grid north, in metres.
    pub y_m: f64,
    /// Position up, in metres.
    pub z_m: f64,
    /// When the particle is there.
    pub time_ns: f64,
}

/// A fit of the systems that sent an alert.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClaimView {
    /// Name of the fit, for example `splinempe`.
    pub name: String,
    /// Right ascension, J2000, if the fit has `zen` and `azi`.
    pub ra_deg: Option<f64>,
    /// Declination, J2000, if the fit has `zen` and `azi`.
    pub dec_deg: Option<f64>,
    /// What the alert says of it, in its own words and units (angles in radians).
    pub values: Claim,
}

impl ClaimView {
    /// Every fit of an alert's `reco`; `to_equatorial` as for [`EventView::new`].
    pub fn of(
        reco: &Claim,
        to_equatorial: impl Fn(DetectorDirection) -> (f64, f64),
    ) -> Vec<ClaimView> {
        let fits = reco.entries().map(|(name, values)| {
            let angles = values.number("zen").zip(values.number("azi"));
            let direction = angles.map(|(zenith_rad, azimuth_rad)| DetectorDirection {
                zenith_rad,
                azimuth_rad,
            });
            let equatorial = direction.map(&to_equatorial);
            ClaimView {
                name: name.to_owned(),
                ra_deg: equatorial.map(|(ra_deg, _)| ra_deg),
                dec_deg: equatorial.map(|(_, dec_deg)| dec_deg),
                values: values.clone(),
            }
        });
        fits.collect()
    }
}

impl EventView {
    /// Sums an event up; `to_equatorial` gives right ascension and declination in degrees at the
    /// event's time.
    pub fn new(event: &Event, to_equatorial: impl Fn(DetectorDirection) -> (f64, f64)) -> Self {
        let mut charges: BTreeMap<DomId, f64> = BTreeMap::new();
        for pulse in &event.pulses {
            *charges.entry(pulse.dom).or_default() += f64::from(pulse.charge_pe);
        }
        let strings: BTreeSet<u16> = charges.keys().map(|dom| dom.string).collect();
        let brightest =
            charges
                .iter()
                .rev()
                .max_by(|a, b| a.1.total_cmp(b.1))
                .map(|(dom, charge_pe)| BrightestDom {
                    string: dom.string,
                    dom: dom.dom,
                    charge_pe: *charge_pe,
                });
        let times = || event.pulses.iter().map(|pulse| pulse.time_ns);
        let view = |seed: &Seed| {
            let equatorial = seed.direction.map(&to_equatorial);
            SeedView {
                name: seed.name.clone(),
                ra_deg: equatorial.map(|(ra_deg, _)| ra_deg),
                dec_deg: equatorial.map(|(_, dec_deg)| dec_deg),
                x_m: seed.position_m[0],
                y_m: seed.position_m[1],
                z_m: seed.position_m[2],
                time_ns: seed.time_ns,
            }
        };
        Self {
            run_id: event.run_id,
            event_id: event.event_id,
            mjd: event.mjd,
            stream: event.stream.clone(),
            pulses: event.pulses.len(),
            hlc_pulses: event.pulses.iter().filter(|pulse| pulse.hlc).count(),
            doms: charges.len(),
            strings: strings.len(),
            charge_pe: charges.values().sum(),
            first_ns: times().min_by(f64::total_cmp),
            last_ns: times().max_by(f64::total_cmp),
            brightest,
            seeds: event.seeds.iter().map(view).collect(),
            truth: event.truth.as_ref().map(view),
        }
    }
}
