//! Two maps of one event side by side: how far apart they put the source, how much of the sky they
//! agree on.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use serde::Serialize;

use super::summary::{self, area, percent};
use super::{Doubt, ScanFile};
use skyscan_event::names::clean;
use skyscan_sky::map::{PixelOutcome, SkyMap};
use skyscan_sky::region::{MethodNote, Region, RegionChoice};
use skyscan_sky::{Equatorial, Nside, Pixel};

/// A shared area is counted in at least so many cells.
const CELLS: f64 = 3000.0;
/// Finest cells: three arcseconds wide.
const FINEST_CELLS: u32 = 65_536;

/// Characters of a name and its folders.
const LONGEST_PATH: usize = 300;

/// Names that tell two files apart: their own, or with as many folders before as it takes.
pub fn names_of(paths: [&Path; 2]) -> [String; 2] {
    let parts = paths.map(|path| {
        let parts = path.components().rev();
        parts
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect::<Vec<_>>()
    });
    let longest = parts[0].len().max(parts[1].len());
    let named = |depth: usize| {
        parts.each_ref().map(|parts| {
            let mut taken: Vec<&str> = parts.iter().take(depth).map(String::as_str).collect();
            taken.reverse();
            taken.join("/")
        })
    };
    let apart = (1..=longest).map(named).find(|[one, other]| one != other);
    // The same file twice has but one name.
    apart.unwrap_or_else(|| named(1))
}

/// A map with what it says of the source.
#[derive(Clone, Debug)]
pub struct Side {
    /// What people call it: the file's name, with its folders where that of the other is the same.
    pub name: String,
    /// Run and event number, if the file tells.
    pub run_and_event: Option<(u32, u32)>,
    /// Name of the reconstruction; empty if unknown.
    pub reco: String,
    /// Centre of the best pixel.
    pub best: Equatorial,
    /// The smallest first.
    pub regions: Vec<Region>,
    /// How they were made.
    pub regions_made: MethodNote,
    /// What makes it doubtful.
    pub quality: Vec<Doubt>,
    /// Width of the finest pixels.
    pub pixel_rad: f64,
}

impl Side {
    /// `None` if no pixel was fitted.
    pub fn of(name: &str, file: &ScanFile, asked: &RegionChoice) -> Option<Self> {
        let (pixel, _) = file.map.best()?;
        let finest = file.map.rounds().keys().next_back()?;
        let regions = file.regions(asked);
        let method = file.region_method(asked.method());
        Some(Self {
            name: clean(name, LONGEST_PATH),
            run_and_event: file.run_and_event,
            reco: file.reco.clone(),
            best: pixel.center(),
            quality: Doubt::of_map(
                &file.map,
                &regions,
                &method,
                file.is_complete(),
                &file.event_doubts,
            ),
            regions_made: MethodNote::from(&method),
            regions,
            pixel_rad: finest.pixel_area_deg2().sqrt().to_radians(),
        })
    }
}

/// What two maps say of each other. Serialises to JSON; `Display` is the text for people.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    first: About,
    second: About,
    /// Whether both are of one event; none if one of them does not tell.
    is_same_event: Option<bool>,
    /// Between the best pixels.
    separation_deg: f64,
    regions: Vec<Overlap>,
    pixels: Pixels,
    /// The two agree in every bit.
    is_same_map: bool,
}

#[derive(Clone, Debug, Serialize)]
struct About {
    name: String,
    reco: String,
    run_and_event: Option<(u32, u32)>,
    ra_deg: f64,
    dec_deg: f64,
    map_sha256: String,
    #[serde(flatten)]
    regions_made: MethodNote,
    quality: Vec<Doubt>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Overlap {
    containment: f64,
    first_deg2: f64,
    second_deg2: f64,
    /// Solid angle inside both.
    shared_deg2: f64,
    /// Whether scanned sky surrounds it.
    first_closed: bool,
    second_closed: bool,
    first_holds_best_of_second: bool,
    second_holds_best_of_first: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
struct Pixels {
    /// Fitted in both.
    in_both: u64,
    only_in_first: u64,
    only_in_second: u64,
    /// Of those in both, how many differ in their llh above the best one.
    different: u64,
    /// The largest such difference.
    largest_difference: f64,
}

impl Comparison {
    /// Compares two maps, each with its side.
    pub fn new(maps: [&SkyMap; 2], sides: [&Side; 2]) -> Self {
        let about = |side: &Side, map: &SkyMap| About {
            name: side.name.clone(),
            reco: side.reco.clone(),
            run_and_event: side.run_and_event,
            ra_deg: side.best.ra_rad.to_degrees(),
            dec_deg: side.best.dec_rad.to_degrees(),
            map_sha256: map.sha256_hex(),
            regions_made: side.regions_made.clone(),
            quality: side.quality.clone(),
        };
        let [first, second] = sides;
        let pairs = first.regions.iter().zip(&second.regions);
        let overlap = |(a, b): (&Region, &Region)| Overlap {
            containment: a.containment,
            first_deg2: a.area_deg2,
            second_deg2: b.area_deg2,
            shared_deg2: shared_deg2((a, first.best), (b, second.best)),
            first_closed: a.is_closed(),
            second_closed: b.is_closed(),
            first_holds_best_of_second: a.contains(second.best),
            second_holds_best_of_first: b.contains(first.best),
        };
        Self {
            first: about(first, maps[0]),
            second: about(second, maps[1]),
            is_same_event: first
                .run_and_event
                .zip(second.run_and_event)
                .map(|(one, other)| one == other),
            separation_deg: first.best.separation_rad(second.best).to_degrees(),
            regions: pairs.map(overlap).collect(),
            pixels: Pixels::of(maps),
            is_same_map: maps[0].sha256() == maps[1].sha256(),
        }
    }

    /// What must be told of two maps that are not of one event.
    pub fn warning(&self) -> Option<String> {
        let (first, second) = self.first.run_and_event.zip(self.second.run_and_event)?;
        (first != second).then(|| {
            format!(
                "the maps are of different events: run {} event {}, and run {} event {}",
                first.0, first.1, second.0, second.1
            )
        })
    }

    /// Between the best pixels.
    pub fn separation_deg(&self) -> f64 {
        self.separation_deg
    }

    /// Per containment the share of the smaller region that the larger one holds too.
    pub fn shared(&self) -> impl Iterator<Item = (f64, f64)> {
        self.regions.iter().map(|overlap| {
            let smaller = overlap.first_deg2.min(overlap.second_deg2);
            (overlap.containment, overlap.shared_deg2 / smaller)
        })
    }
}

/// Solid angle inside two regions: the cells of a grid, fine beside the smaller one, are counted.
fn shared_deg2(a: (&Region, Equatorial), b: (&Region, Equatorial)) -> f64 {
    let ((small, best), (large, _)) = match a.0.area_deg2 <= b.0.area_deg2 {
        true => (a, b),
        false => (b, a),
    };
    let mut cells = 64;
    let cell_deg2 = |nside: u32| Nside::try_from(nside).map(Nside::pixel_area_deg2);
    while cells < FINEST_CELLS && cell_deg2(cells).is_ok_and(|cell| small.area_deg2 / cell < CELLS)
    {
        cells *= 2;
    }
    let Ok(nside) = Nside::try_from(cells) else {
        return 0.0;
    };
    let corners = small.contours.iter().flat_map(|contour| &contour.points);
    let radius_rad = corners
        .map(|corner| corner.separation_rad(best))
        .fold(f64::NAN, f64::max);
    // Without a boundary it is the whole sky.
    let candidates: Vec<Pixel> = match radius_rad.is_nan() {
        true => nside.pixels().collect(),
        false => nside.within(best, radius_rad),
    };
    let is_shared = |pixel: &&Pixel| {
        let centre = pixel.center();
        small.contains(centre) && large.contains(centre)
    };
    let n_shared = candidates.iter().filter(is_shared).count();
    (n_shared as f64 * nside.pixel_area_deg2()).min(small.area_deg2)
}

impl Pixels {
    fn of([first, second]: [&SkyMap; 2]) -> Self {
        let best = |map: &SkyMap| map.best().map_or(0.0, |(_, fit)| fit.llh);
        let (best_first, best_second) = (best(first), best(second));
        let fitted = |map: &SkyMap| -> u64 { llhs(map).count() as u64 };
        let mut pixels = Self::default();
        for (pixel, llh) in llhs(first) {
            let Some(PixelOutcome::Fitted(other)) = second.get(pixel) else {
                continue;
            };
            pixels.in_both += 1;
            let difference = ((llh - best_first) - (other.llh - best_second)).abs();
            pixels.different += u64::from(difference > 0.0);
            pixels.largest_difference = pixels.largest_difference.max(difference);
        }
        pixels.only_in_first = fitted(first) - pixels.in_both;
        pixels.only_in_second = fitted(second) - pixels.in_both;
        pixels
    }
}

fn llhs(map: &SkyMap) -> impl Iterator<Item = (Pixel, f64)> {
    map.rounds().iter().flat_map(|(&nside, pixels)| {
        pixels
            .iter()
            .filter_map(move |(&index, outcome)| match outcome {
                PixelOutcome::Fitted(fit) => Some((Pixel { nside, index }, fit.llh)),
                PixelOutcome::Failed(_) => None,
            })
    })
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(warning) = self.warning() {
            writeln!(f, "WARNING: {warning}\n")?;
        }
        for (word, about) in [("First", &self.first), ("Second", &self.second)] {
            let reco = match about.reco.as_str() {
                "" => "unknown reco",
                known => known,
            };
            writeln!(f, "{word:<7} {}, {reco}", about.name)?;
            let (ra, dec) = (about.ra_deg, about.dec_deg);
            let method = &about.regions_made.name;
            writeln!(f, "        RA {ra:.3}  Dec {dec:+.3}; regions by {method}")?;
            summary::doubts(f, &about.quality)?;
        }
        writeln!(f, "\n  Apart   {:.3} deg", self.separation_deg)?;
        for overlap in &self.regions {
            let share = percent(overlap.containment);
            let of = |whole: f64| 100.0 * overlap.shared_deg2 / whole;
            writeln!(
                f,
                "  {share} %    {} and {} deg2; {} deg2 shared: {:.0} % of the first, {:.0} % of the second",
                area(overlap.first_deg2),
                area(overlap.second_deg2),
                area(overlap.shared_deg2),
                of(overlap.first_deg2),
                of(overlap.second_deg2),
            )?;
            for (is_closed, which) in [
                (overlap.first_closed, "first"),
                (overlap.second_closed, "second"),
            ] {
                if !is_closed {
                    writeln!(
                        f,
                        "          OPEN: the {which} reaches sky that is not known"
                    )?;
                }
            }
            let inside = |is_inside: bool| if is_inside { "inside" } else { "OUTSIDE" };
            writeln!(
                f,
                "          best of the second {} the first region, best of the first {} the second",
                inside(overlap.first_holds_best_of_second),
                inside(overlap.second_holds_best_of_first),
            )?;
        }
        let pixels = &self.pixels;
        write!(f, "  Pixels  {} in both", pixels.in_both)?;
        if self.is_same_map {
            return writeln!(f, "; the maps agree in every bit");
        }
        writeln!(
            f,
            ", {} only in the first, {} only in the second",
            pixels.only_in_first, pixels.only_in_second
        )?;
        writeln!(
            f,
            "          {} differ in llh above the best, by {:.3} at most",
            pixels.different, pixels.largest_difference
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use skyscan_sky::map::PixelFit;
    use skyscan_sky::region::RegionMethod;

    /// A valley around a direction, `width_deg` wide.
    fn valley(ra_deg: f64, dec_deg: f64, width_deg: f64) -> SkyMap {
        let centre = Equatorial {
            ra_rad: ra_deg.to_radians(),
            dec_rad: dec_deg.to_radians(),
        };
        let mut map = SkyMap::default();
        for pixel in Nside::try_from(64).unwrap().pixels() {
            let off = pixel.center().separation_rad(centre).to_degrees() / width_deg;
            let fit = PixelFit {
                llh: 0.5 * off * off,
                position_m: [0.0; 3],
                time_ns: 0.0,
                energy_inside_gev: None,
                energy_total_gev: None,
            };
            map.insert(pixel, PixelOutcome::Fitted(fit));
        }
        map
    }

    fn compare(first: &SkyMap, second: &SkyMap) -> Comparison {
        let side = |map: &SkyMap| Side {
            name: "a".to_owned(),
            run_and_event: None,
            reco: String::new(),
            best: map.best().unwrap().0.center(),
            regions: RegionMethod::Wilks.regions(map),
            regions_made: MethodNote::from(&RegionMethod::Wilks),
            quality: Vec::new(),
            pixel_rad: 0.01,
        };
        Comparison::new([first, second], [&side(first), &side(second)])
    }

    #[test]
    fn two_discs_share_what_geometry_says() {
        // Radius of the 90 % region: sqrt(4.605) widths. Discs of that radius, apart by it, share
        // 2/3 - sqrt(3)/(2 pi) of themselves.
        let width_deg = 3.0;
        let apart_deg = width_deg * (2.0 * std::f64::consts::LN_10).sqrt();
        let first = valley(120.0, 0.0, width_deg);
        let second = valley(120.0 + apart_deg, 0.0, width_deg);
        let comparison = compare(&first, &second);
        assert!((comparison.separation_deg - apart_deg).abs() < 1.0);
        let expected = 2.0 / 3.0 - 3f64.sqrt() / (2.0 * std::f64::consts::PI);
        let (_, shared) = comparison.shared().nth(1).unwrap();
        assert!((shared - expected).abs() < 0.02, "{shared} {expected}");
        assert!(!comparison.is_same_map);
    }

    #[test]
    fn a_map_agrees_with_itself_across_the_pole() {
        let map = valley(10.0, 89.5, 2.0);
        let comparison = compare(&map, &map);
        assert!(comparison.is_same_map);
        for (_, shared) in comparison.shared() {
            assert!((shared - 1.0).abs() < 0.02, "{shared}");
        }
        assert_eq!(comparison.pixels.different, 0);
        assert!(comparison.to_string().contains("agree in every bit"));
        let told = serde_json::to_value(&comparison).unwrap();
        for side in ["first", "second"] {
            assert_eq!(told[side]["regions_method"], "wilks");
        }
    }

    #[test]
    fn files_of_one_name_are_told_apart_by_their_folders() {
        let names = |one: &str, other: &str| names_of([Path::new(one), Path::new(other)]);
        assert_eq!(names("a/x.json", "b/y.json"), ["x.json", "y.json"]);
        assert_eq!(names("a/r/x", "b/r/x"), ["a/r/x", "b/r/x"]);
        assert_eq!(names("/x", "a/x"), ["//x", "a/x"]);
        assert_eq!(names("a/x", "a/x"), ["x", "x"]);
    }

    #[test]
    fn far_apart_they_share_nothing() {
        let comparison = compare(&valley(0.0, 0.0, 2.0), &valley(90.0, 0.0, 2.0));
        assert!(comparison.shared().all(|(_, shared)| shared == 0.0));
        assert!(comparison.to_string().contains("OUTSIDE"));
    }
}
