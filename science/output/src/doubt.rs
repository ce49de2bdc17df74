//! What makes the answer of a scan doubtful, each kind in one sentence.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use skyscan_event::{DomId, Event};
use skyscan_sky::Equatorial;
use skyscan_sky::map::{PixelOutcome, SkyMap};
use skyscan_sky::region::{Gap, Region, RegionMethod};

/// An event seen by fewer DOMs than this is doubtful: few of them fix three coordinates and a
/// direction, and chance puts minima anywhere.
pub const FEWEST_DOMS: usize = 20;

/// A region of a tenth of the sky, or one that reaches so far from the best fit, names no direction.
const WIDE_DEG2: f64 = 4_125.3;
const FAR_DEG: f64 = 45.0;

/// A reason to look twice. A map without any has nothing to be doubted for that we know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// A region meets sky that was not scanned, or whose pixels failed.
    Open,
    /// The scan was stopped.
    Incomplete,
    /// A region reaches beyond the finest pixels.
    Coarse,
    /// A region would be smaller than a pixel.
    Grown,
    /// The largest region is in pieces.
    SecondMinimum,
    /// The largest region is a tenth of the sky, or reaches 45 degrees from the best fit.
    Wide,
    /// Some pixels have no fit, wherever they are.
    FailedPixels,
    /// Fewer than [`FEWEST_DOMS`] saw light.
    FewDoms,
    /// DOMs that saw light were saturated for a part of the time.
    SaturatedLight,
    /// Systematics were asked for, and are not in the map.
    WithoutSystematics,
    /// The map is the envelope of systematics.
    Envelope,
    /// A region claims more than what was counted on simulated events reaches.
    Extrapolated,
    /// What regions of this reconstruction hold was not counted on simulated events.
    Uncounted,
    /// It was, and they do not hold what they say, nor is the best direction near the true one often enough.
    Unsupported,
    /// A fit that is fast and takes no account of the ice.
    Rough,
}

impl Doubt {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 15] = [
        Self::Open,
        Self::Incomplete,
        Self::Coarse,
        Self::Grown,
        Self::SecondMinimum,
        Self::Wide,
        Self::FailedPixels,
        Self::FewDoms,
        Self::SaturatedLight,
        Self::WithoutSystematics,
        Self::Envelope,
        Self::Extrapolated,
        Self::Uncounted,
        Self::Unsupported,
        Self::Rough,
    ];

    /// What a reconstruction gives reason for, whose regions come from a coverage file or not.
    pub fn of_reco(reco: &str, is_counted: bool) -> Option<Self> {
        match reco {
            "segmented" if !is_counted => Some(Self::Uncounted),
            "cascade" if !is_counted => Some(Self::Unsupported),
            "linefit" => Some(Self::Rough),
            _ => None,
        }
    }

    /// What the event itself gives reason for.
    pub fn of_event(event: &Event) -> Vec<Self> {
        let hit = hit(event);
        let mut doubts = Vec::new();
        if hit.len() < FEWEST_DOMS {
            doubts.push(Self::FewDoms);
        }
        if event
            .excluded
            .iter()
            .any(|window| hit.contains(&window.dom))
        {
            doubts.push(Self::SaturatedLight);
        }
        doubts
    }

    /// What a map and its regions by this method give reason for, then what the event does.
    pub fn of_map(
        map: &SkyMap,
        regions: &[Region],
        method: &RegionMethod,
        is_complete: bool,
        event: &[Self],
    ) -> Vec<Self> {
        let mut outcomes = map.rounds().values().flat_map(|pixels| pixels.values());
        let has_failed = outcomes.any(|outcome| matches!(outcome, PixelOutcome::Failed(_)));
        let widest = widest(regions);
        let applies = |doubt: &Self| match doubt {
            Self::Open => !regions.iter().all(Region::is_closed),
            Self::Incomplete => !is_complete,
            Self::Coarse => regions.iter().any(|region| region.is_coarse),
            Self::Grown => !regions.iter().all(Region::is_resolved),
            Self::SecondMinimum => widest.is_some_and(|region| region.polygons().len() > 1),
            Self::Wide => widest.is_some_and(|region| is_wide(region, map)),
            Self::FailedPixels => has_failed,
            Self::Extrapolated => is_extrapolated(regions, method),
            Self::FewDoms
            | Self::SaturatedLight
            | Self::WithoutSystematics
            | Self::Envelope
            | Self::Uncounted
            | Self::Unsupported
            | Self::Rough => event.contains(doubt),
        };
        Self::ALL.into_iter().filter(applies).collect()
    }

    /// Whether a direction is nothing to be sent yet, or at all.
    pub(crate) fn forbids_to_send(self) -> bool {
        matches!(
            self,
            Self::Incomplete
                | Self::WithoutSystematics
                | Self::Envelope
                | Self::Unsupported
                | Self::Rough
        )
    }

    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Incomplete => "incomplete",
            Self::Coarse => "coarse",
            Self::Grown => "grown",
            Self::SecondMinimum => "second_minimum",
            Self::Wide => "wide",
            Self::FailedPixels => "failed_pixels",
            Self::FewDoms => "few_doms",
            Self::SaturatedLight => "saturated_light",
            Self::WithoutSystematics => "without_systematics",
            Self::Envelope => "envelope",
            Self::Extrapolated => "extrapolated",
            Self::Uncounted => "uncounted",
            Self::Unsupported => "unsupported",
            Self::Rough => "rough",
        }
    }

    /// What it means, without a full stop.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Open => "a region is open, so the source may lie outside of it",
            Self::Incomplete => "planned pixels are missing: the scan ended early, or they failed",
            Self::Coarse => "a part of a region was not scanned at the finest nside",
            Self::Grown => "a region is smaller than a pixel and was grown to one",
            Self::SecondMinimum => "the largest region has islands: there is a second minimum",
            Self::Wide => "the largest region is so wide that the event hardly names a direction",
            Self::FailedPixels => "some pixels could not be reconstructed",
            Self::FewDoms => "fewer than 20 DOMs saw light",
            Self::SaturatedLight => "DOMs were saturated, and their light then is left out",
            Self::WithoutSystematics => "systematics were asked for, and this is without them",
            Self::Envelope => "an envelope of systematics: its best fit is none of the event's",
            Self::Extrapolated => {
                "no simulated events stand behind a region: its level grows as by Wilks' theorem"
            }
            Self::Uncounted => "what regions of this reco hold was not counted on simulated events",
            Self::Rough => {
                "a rough direction at once, 2 degrees off in the median: scan with photon-mpe"
            }
            Self::Unsupported => "regions of this reco do not hold the truth of simulated events",
        }
    }
}

/// The region that holds the most.
pub(crate) fn widest(regions: &[Region]) -> Option<&Region> {
    (regions.iter()).max_by(|a, b| a.containment.total_cmp(&b.containment))
}

fn is_extrapolated(regions: &[Region], method: &RegionMethod) -> bool {
    let RegionMethod::Coverage(levels) = method else {
        return false;
    };
    let reaches = levels.reaches();
    regions.iter().any(|region| region.containment > reaches)
}

fn is_wide(region: &Region, map: &SkyMap) -> bool {
    let best = map.best().map(|(pixel, _)| pixel.center());
    let is_far = |point: &Equatorial| {
        best.is_some_and(|best| best.separation_rad(*point).to_degrees() > FAR_DEG)
    };
    let mut edge = (region.contours.iter()).flat_map(|contour| &contour.points);
    region.area_deg2 > WIDE_DEG2 || edge.any(is_far)
}

fn hit(event: &Event) -> BTreeSet<DomId> {
    event.pulses.iter().map(|pulse| pulse.dom).collect()
}

/// Number of DOMs that saw light.
pub fn hit_doms(event: &Event) -> usize {
    hit(event).len()
}

/// `open, few_doms`, as files without lists have it.
pub(crate) fn names(doubts: &[Doubt]) -> String {
    let names: Vec<&str> = doubts.iter().map(|doubt| doubt.name()).collect();
    names.join(", ")
}

/// The doubts that a text of this form names; names of other versions are passed over.
pub(crate) fn named(text: &str) -> Vec<Doubt> {
    let known = |name| Doubt::ALL.into_iter().find(|doubt| doubt.name() == name);
    text.split(", ").filter_map(known).collect()
}

/// What open regions meet, and what to do about it; none if all are closed.
pub(crate) fn opening<'a>(gaps: impl IntoIterator<Item = &'a Gap>) -> Option<String> {
    let gaps: BTreeSet<Gap> = gaps.into_iter().copied().collect();
    if gaps.is_empty() {
        return None;
    }
    let all = |of: fn(Gap) -> &'static str, between: &str| {
        let parts: Vec<&str> = gaps.iter().copied().map(of).collect();
        parts.join(between)
    };
    Some(format!(
        "OPEN REGION: it reaches {}, so the source may lie outside. {}",
        all(met, " and "),
        all(advice, "; ")
    ))
}

fn met(gap: Gap) -> &'static str {
    match gap {
        Gap::Unscanned => "sky that was not scanned",
        Gap::Failed => "pixels that failed",
        Gap::Unfinished => "sky that the stopped scan had not come to",
        Gap::Unrefined => "sky that the scan did not refine for so large a region",
    }
}

fn advice(gap: Gap) -> &'static str {
    match gap {
        Gap::Unscanned => "Scan on: with --resume if stopped, else wider, into another --out",
        Gap::Failed => "See why pixels failed and scan again",
        Gap::Unfinished => "Let the scan end",
        Gap::Unrefined => "Scan with these --levels",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyscan_sky::map::PixelFit;
    use skyscan_sky::{Equatorial, Nside};

    #[test]
    fn names_are_those_of_json_and_read_back() {
        for doubt in Doubt::ALL {
            assert_eq!(serde_json::to_value(doubt).unwrap(), doubt.name());
            assert!(!doubt.sentence().ends_with('.') && doubt.sentence().len() < 90);
        }
        assert_eq!(named(&names(&Doubt::ALL)), Doubt::ALL);
        assert_eq!(named(""), []);
        assert_eq!(named("open, of_another_version"), [Doubt::Open]);
        assert!(Doubt::FewDoms.sentence().contains(&FEWEST_DOMS.to_string()));
    }

    fn minima(ra_deg: &[f64]) -> SkyMap {
        bowls(ra_deg, 3.0)
    }

    /// Minima of this width at these right ascensions on the equator, over the whole sky.
    fn bowls(ra_deg: &[f64], width_deg: f64) -> SkyMap {
        let mut map = SkyMap::default();
        for pixel in Nside::try_from(64).unwrap().pixels() {
            let off_deg = |&ra_deg: &f64| {
                let minimum = Equatorial {
                    ra_rad: ra_deg.to_radians(),
                    dec_rad: 0.0,
                };
                pixel.center().separation_rad(minimum).to_degrees()
            };
            let off_deg = ra_deg.iter().map(off_deg).fold(f64::MAX, f64::min);
            let fit = PixelFit {
                llh: 0.5 * (off_deg / width_deg).powi(2),
                position_m: [0.0; 3],
                time_ns: 0.0,
                energy_inside_gev: None,
                energy_total_gev: None,
            };
            map.insert(pixel, PixelOutcome::Fitted(fit));
        }
        map
    }

    fn doubts(map: &SkyMap, event: &[Doubt]) -> Vec<Doubt> {
        let method = RegionMethod::Wilks;
        Doubt::of_map(map, &method.regions(map), &method, true, event)
    }

    #[test]
    fn a_map_gives_its_own_reasons() {
        let mut map = minima(&[120.0]);
        assert_eq!(doubts(&map, &[]), []);
        assert_eq!(
            doubts(&minima(&[120.0, 150.0]), &[Doubt::SaturatedLight]),
            [Doubt::SecondMinimum, Doubt::SaturatedLight]
        );
        // Doubts of the map in an old file are not taken over.
        assert_eq!(
            doubts(&map, &[Doubt::Open, Doubt::FewDoms]),
            [Doubt::FewDoms]
        );
        let far = Nside::try_from(64).unwrap().pixels().next().unwrap();
        map.insert(far, PixelOutcome::Failed("no light".to_owned()));
        assert_eq!(doubts(&map, &[]), [Doubt::FailedPixels]);
        let best = map.best().unwrap().0.neighbours()[0];
        map.insert(best, PixelOutcome::Failed("no light".to_owned()));
        assert_eq!(doubts(&map, &[]), [Doubt::Open, Doubt::FailedPixels]);
    }

    /// Of a plain, and of a ridge all around the sky, the map says nothing of where the event came from.
    #[test]
    fn what_names_no_direction_is_told() {
        let all_around: Vec<f64> = (0..120).map(|i| 3.0 * f64::from(i)).collect();
        for (ra_deg, width_deg) in [(vec![0.0], 1e6), (all_around, 3.0)] {
            let found = doubts(&bowls(&ra_deg, width_deg), &[]);
            assert!(found.contains(&Doubt::Wide), "{width_deg}: {found:?}");
        }
        assert_eq!(doubts(&bowls(&[120.0], 8.0), &[]), []);
    }

    #[test]
    fn an_opening_says_what_to_do() {
        assert_eq!(opening([]), None);
        let told = opening([&Gap::Unscanned, &Gap::Unscanned, &Gap::Failed]);
        assert_eq!(
            told.unwrap(),
            "OPEN REGION: it reaches sky that was not scanned and pixels that failed, so the source \
             may lie outside. Scan on: with --resume if stopped, else wider, into another --out; See why pixels \
             failed and scan again"
        );
    }
}
