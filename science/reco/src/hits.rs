//! First hits: what the earliest trustworthy light of each DOM says.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{KernelError, Problem};
use skyscan_event::detector::Detector;
use skyscan_event::{DomId, Event, Pulse};

/// The span of time that belongs to the particle, around quantiles of the charge: pulses far
/// before or after are noise, afterpulses or another particle.
const EARLY_QUANTILE: f64 = 0.10;
const BEFORE_EARLY_NS: f64 = 1_500.0;
const LATE_QUANTILE: f64 = 0.95;
const AFTER_LATE_NS: f64 = 1_000.0;
/// Charge this soon after the first pulse counts as arriving with it.
const CHARGE_WINDOW_NS: f64 = 1_500.0;

/// The first light that a DOM saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FirstHit {
    /// Where the DOM hangs.
    pub position_m: [f64; 3],
    /// When its first pulse came.
    pub time_ns: f64,
    /// Charge in the 1.5 us from then on.
    pub charge_pe: f64,
}

/// The first hit of every DOM with hard local coincidence, in the order of the DOMs.
///
/// Only pulses between 1.5 us before the 10 % and 1 us after the 95 % quantile of the coincident
/// charge count. DOMs that the detector description does not know are left out: their positions
/// are unknown.
pub fn first_hits(event: &Event, detector: &Detector) -> Vec<FirstHit> {
    let coincident = coincident(event, detector);
    let Some(span) = span_ns(&coincident) else {
        return Vec::new();
    };
    let mut by_dom: BTreeMap<DomId, Vec<&Pulse>> = BTreeMap::new();
    for pulse in coincident
        .into_iter()
        .filter(|pulse| span.contains(&pulse.time_ns))
    {
        by_dom.entry(pulse.dom).or_default().push(pulse);
    }
    let first_hit = |(dom, pulses): (&DomId, &Vec<&Pulse>)| {
        let time_ns = pulses.iter().map(|p| p.time_ns).min_by(f64::total_cmp)?;
        let with_it = pulses
            .iter()
            .filter(|p| p.time_ns <= time_ns + CHARGE_WINDOW_NS);
        let charge_pe = with_it.map(|p| f64::from(p.charge_pe)).sum();
        Some(FirstHit {
            position_m: detector.doms[dom].position_m,
            time_ns,
            charge_pe,
        })
    };
    by_dom.iter().filter_map(first_hit).collect()
}

/// The span of time that belongs to the particle, if any coincident light does.
pub(crate) fn light_span_ns(event: &Event, detector: &Detector) -> Option<Range<f64>> {
    span_ns(&coincident(event, detector))
}

fn coincident<'a>(event: &'a Event, detector: &Detector) -> Vec<&'a Pulse> {
    let counts = |pulse: &&Pulse| {
        pulse.hlc && pulse.charge_pe > 0.0 && detector.doms.contains_key(&pulse.dom)
    };
    event.pulses.iter().filter(counts).collect()
}

fn span_ns(coincident: &[&Pulse]) -> Option<Range<f64>> {
    let (early, late) = charge_quantiles(coincident)?;
    Some(early - BEFORE_EARLY_NS..late + AFTER_LATE_NS)
}

/// Fewer first hits than this say nothing about a track: it has five parameters.
const LEAST_HITS: usize = 6;

/// The first hits of an event, if they are enough for a track.
pub(crate) fn enough_first_hits(
    problem: &Problem,
    reco: &str,
) -> Result<Vec<FirstHit>, KernelError> {
    let first = first_hits(&problem.event, &problem.detector);
    if first.len() >= LEAST_HITS {
        return Ok(first);
    }
    Err(KernelError::Unusable {
        reco: reco.to_owned(),
        reason: format!(
            "only {} of the detector's DOMs have pulses with hard local coincidence, \
             {LEAST_HITS} are needed",
            first.len()
        ),
    })
}

fn charge_quantiles(pulses: &[&Pulse]) -> Option<(f64, f64)> {
    let mut in_time: Vec<(f64, f64)> = pulses
        .iter()
        .map(|pulse| (pulse.time_ns, f64::from(pulse.charge_pe)))
        .collect();
    in_time.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let total: f64 = in_time.iter().map(|(_, charge)| charge).sum();
    let quantile = |share: f64| {
        let mut sum = 0.0;
        let reached = in_time.iter().find(|(_, charge)| {
            sum += charge;
            sum >= share * total
        });
        reached.or(in_time.last()).map(|(time, _)| *time)
    };
    Some((quantile(EARLY_QUANTILE)?, quantile(LATE_QUANTILE)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(dom: u16, time_ns: f64, charge_pe: f32, hlc: bool) -> Pulse {
        Pulse {
            dom: DomId { string: 1, dom },
            time_ns,
            charge_pe,
            width_ns: 8.0,
            hlc,
        }
    }

    fn event(pulses: Vec<Pulse>) -> Event {
        Event {
            run_id: 1,
            event_id: 1,
            mjd: 60_000.0,
            stream: String::new(),
            pulse_series: "test".to_owned(),
            pulses,
            excluded: vec![],
            seeds: vec![],
            truth: None,
        }
    }

    #[test]
    fn keeps_the_first_coincident_pulse_and_the_charge_with_it() {
        let pulses = vec![
            pulse(1, 900.0, 5.0, false),
            pulse(1, 1000.0, 1.0, true),
            pulse(1, 2400.0, 2.0, true),
            pulse(1, 2600.0, 4.0, true),
            pulse(2, 1100.0, 3.0, true),
        ];
        let hits = first_hits(&event(pulses), &Detector::icecube86());
        assert_eq!(hits.len(), 2);
        assert_eq!((hits[0].time_ns, hits[0].charge_pe), (1000.0, 3.0));
        assert_eq!(hits[0].position_m, [-256.14, -521.08, 496.03]);
        assert_eq!(hits[1].time_ns, 1100.0);
    }

    #[test]
    fn drops_light_far_from_the_bulk() {
        let mut pulses: Vec<Pulse> = (1..=40)
            .map(|dom| pulse(dom, 10_000.0 + f64::from(dom), 2.0, true))
            .collect();
        pulses.push(pulse(50, 1_000.0, 1.0, true));
        pulses.push(pulse(51, 30_000.0, 1.0, true));
        assert_eq!(first_hits(&event(pulses), &Detector::icecube86()).len(), 40);
    }

    #[test]
    fn ignores_unknown_doms() {
        let mut strange = pulse(1, 1000.0, 1.0, true);
        strange.dom.string = 999;
        assert!(first_hits(&event(vec![strange]), &Detector::icecube86()).is_empty());
    }
}
