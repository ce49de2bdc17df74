//! What a DOM saw, in spans of time.
//!
//! One span before the first light, up to six that hold as much charge each and are 25 ns long at least, one after the
//! last light.

use std::ops::Range;

use skyscan_event::{DomId, ExcludedWindow, Pulse};

use crate::Problem;
use crate::hits::light_span_ns;
use crate::light::ice::Ice;
use crate::light::learned::showers::DomIce;

/// Spans of one DOM.
pub(crate) const MOST_BINS: usize = 8;
/// Those that hold light.
const MOST_BRIGHT: usize = MOST_BINS - 2;
/// A number for each span.
pub(crate) type Bins = [f64; MOST_BINS];

/// Spans that hold light are as long as this at least: what is told apart is no finer than showers are long.
const SHORTEST_NS: f64 = 25.0;
/// The first begins so long before its pulse: jitter, and light that is faster than the front.
const BEFORE_NS: f64 = 6.0;
/// The last ends so long after its pulse.
const AFTER_NS: f64 = 12.0;
/// Noise of a DOM, per ns, as `photon-mpe` has it.
const NOISE_PER_NS: f64 = 1e-6;
/// Square of the relative uncertainty of how much light there is: ice, holes, and what was learned.
const RELATIVE_VARIANCE: f64 = 0.1;
/// Photoelectrons per ns above which a photomultiplier gives a tenth less than it should (R. Abbasi et al., NIM A 618
/// (2010) 139).
const SATURATED_PER_NS: f64 = 31.0;
/// Pulses are not narrower than this.
const NARROWEST_NS: f64 = 3.0;

/// A DOM that saw light.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    pub(crate) id: DomId,
    pub(crate) position_m: [f64; 3],
    pub(crate) ice: DomIce,
    pub(crate) efficiency: f64,
    /// `w`.
    pub(crate) weight: f64,
    edges_ns: [f64; MOST_BINS + 1],
    n_bins: usize,
    /// Spans that are left out hold nothing, and nothing is expected there.
    is_counted: [bool; MOST_BINS],
    /// The charge is the least that there was.
    pub(crate) is_least: [bool; MOST_BINS],
    pub(crate) charge_pe: Bins,
    pub(crate) noise_pe: Bins,
}

/// The DOMs of an event that saw light and may be believed, in their order; none if none saw light with a neighbour.
pub(crate) fn watched(problem: &Problem, ice: &Ice) -> Option<Vec<Watched>> {
    let Problem {
        event, detector, ..
    } = problem;
    let span = light_span_ns(event, detector)?;
    let of_one_dom = event.pulses.chunk_by(|a, b| a.dom == b.dom);
    let watched = of_one_dom.filter_map(|pulses| {
        let id = pulses[0].dom;
        let dom = detector.doms.get(&id)?;
        let mut pulses: Vec<&Pulse> = pulses
            .iter()
            .filter(|pulse| pulse.charge_pe > 0.0 && span.contains(&pulse.time_ns))
            .collect();
        pulses.sort_by(|a, b| a.time_ns.total_cmp(&b.time_ns));
        let bad: Vec<&ExcludedWindow> = event
            .excluded
            .iter()
            .filter(|window| window.dom == id)
            .collect();
        let bins = spans(&pulses, &bad, &span)?;
        let charge: f64 = bins.charge_pe.iter().sum();
        Some(Watched {
            id,
            position_m: dom.position_m,
            ice: DomIce::new(ice, dom.position_m[2]),
            efficiency: dom.relative_efficiency,
            weight: 1.0 / (1.0 + RELATIVE_VARIANCE * charge),
            ..bins
        })
    });
    Some(watched.collect())
}

/// Cuts the span of an event at the pulses of a DOM; none without any.
fn spans(pulses: &[&Pulse], bad: &[&ExcludedWindow], span: &Range<f64>) -> Option<Watched> {
    let (first, last) = (pulses.first()?, pulses.last()?);
    let charge = |pulse: &Pulse| f64::from(pulse.charge_pe);
    let share = pulses.iter().map(|pulse| charge(pulse)).sum::<f64>() / MOST_BRIGHT as f64;
    let mut edges = vec![span.start, (first.time_ns - BEFORE_NS).max(span.start)];
    let mut held = 0.0;
    for pair in pulses.windows(2) {
        held += charge(pair[0]);
        let between_ns = 0.5 * (pair[0].time_ns + pair[1].time_ns);
        let is_long = between_ns - edges[edges.len() - 1] >= SHORTEST_NS;
        if held >= share && is_long && edges.len() <= MOST_BRIGHT {
            edges.push(between_ns);
            held = 0.0;
        }
    }
    let begin_ns = edges[edges.len() - 1];
    let end_ns = (last.time_ns + AFTER_NS).max(begin_ns + SHORTEST_NS);
    edges.extend([end_ns.min(span.end), span.end]);

    let n_bins = edges.len() - 1;
    let mut bins = Watched {
        id: first.dom,
        position_m: [0.0; 3],
        ice: DomIce::nowhere(),
        efficiency: 1.0,
        weight: 1.0,
        edges_ns: [span.end; MOST_BINS + 1],
        n_bins,
        is_counted: [false; MOST_BINS],
        is_least: [false; MOST_BINS],
        charge_pe: [0.0; MOST_BINS],
        noise_pe: [0.0; MOST_BINS],
    };
    bins.edges_ns[..=n_bins].copy_from_slice(&edges);
    for i in 0..n_bins {
        let (from, to) = (edges[i], edges[i + 1]);
        bins.is_counted[i] = !bad
            .iter()
            .any(|window| window.start_ns < to && window.stop_ns > from);
        if bins.is_counted[i] {
            bins.noise_pe[i] = NOISE_PER_NS * (to - from).max(1.0);
        }
    }
    for pulse in pulses {
        let after = edges.partition_point(|edge| *edge <= pulse.time_ns);
        let i = after.clamp(1, n_bins) - 1;
        if bins.is_counted[i] {
            bins.charge_pe[i] += charge(pulse);
            let width_ns = f64::from(pulse.width_ns).max(NARROWEST_NS);
            bins.is_least[i] |= charge(pulse) / width_ns > SATURATED_PER_NS;
        }
    }
    Some(bins)
}

impl Watched {
    /// When its light begins.
    pub(crate) fn first_light_ns(&self) -> f64 {
        self.edges_ns[1] + BEFORE_NS
    }

    /// How much of light falls into each span, where this says how much has come until a time.
    pub(crate) fn shares(&self, come_until: impl Fn(f64) -> f64) -> Bins {
        let mut shares = [0.0; MOST_BINS];
        // The first span begins long before any light.
        let mut before = 0.0;
        for (i, share) in shares.iter_mut().enumerate().take(self.n_bins) {
            let until = come_until(self.edges_ns[i + 1]);
            if self.is_counted[i] {
                *share = (until - before).max(0.0);
            }
            before = until;
        }
        shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOM: DomId = DomId { string: 1, dom: 1 };

    fn pulse(time_ns: f64, charge_pe: f32) -> Pulse {
        Pulse {
            dom: DOM,
            time_ns,
            charge_pe,
            width_ns: 8.0,
            hlc: true,
        }
    }

    fn bins(pulses: &[Pulse], bad: &[(f64, f64)]) -> Watched {
        let windows: Vec<ExcludedWindow> = bad
            .iter()
            .map(|&(start_ns, stop_ns)| ExcludedWindow {
                dom: DOM,
                start_ns,
                stop_ns,
            })
            .collect();
        let pulses: Vec<&Pulse> = pulses.iter().collect();
        let windows: Vec<&ExcludedWindow> = windows.iter().collect();
        spans(&pulses, &windows, &(0.0..5_000.0)).unwrap()
    }

    #[test]
    fn light_is_between_two_dark_spans() {
        let found = bins(&[pulse(1_000.0, 2.0)], &[]);
        assert_eq!(found.n_bins, 3);
        assert_eq!(found.charge_pe[..3], [0.0, 2.0, 0.0]);
        assert_eq!(found.edges_ns[..4], [0.0, 994.0, 1_019.0, 5_000.0]);
        assert!((found.noise_pe.iter().sum::<f64>() - 5e-3).abs() < 1e-9);
    }

    #[test]
    fn much_light_is_in_six_spans_of_as_much() {
        let pulses: Vec<Pulse> = (0..60)
            .map(|i| pulse(1_000.0 + 10.0 * f64::from(i), 1.0))
            .collect();
        let found = bins(&pulses, &[]);
        assert_eq!(found.n_bins, MOST_BINS);
        assert_eq!(
            found.charge_pe,
            [0.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0, 0.0]
        );
        let dense: Vec<Pulse> = (0..60)
            .map(|i| pulse(1_000.0 + f64::from(i), 1.0))
            .collect();
        let found = bins(&dense, &[]);
        assert!(found.n_bins <= 5, "{found:?}");
        assert_eq!(found.charge_pe.iter().sum::<f64>(), 60.0);
    }

    #[test]
    fn bad_windows_are_left_out_and_the_brightest_light_is_a_least() {
        let pulses = [
            pulse(1_000.0, 500.0),
            pulse(1_100.0, 400.0),
            pulse(2_000.0, 200.0),
        ];
        let found = bins(&pulses, &[(1_050.0, 1_200.0)]);
        assert_eq!(found.n_bins, 5);
        assert_eq!(found.is_counted[..5], [true, true, false, true, true]);
        assert_eq!(found.charge_pe[..5], [0.0, 500.0, 0.0, 200.0, 0.0]);
        assert_eq!(found.is_least[..4], [false, true, false, false]);
        let shares = found.shares(|time| (time / 5_000.0).clamp(0.0, 1.0));
        assert_eq!(shares[2], 0.0);
        assert!(shares.iter().sum::<f64>() < 1.0);
    }
}
