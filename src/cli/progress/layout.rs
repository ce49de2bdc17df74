//! Lines of a terminal, laid out for the width that there is: where it is small, what matters least is
//! left out.

use std::time::Duration;

use super::words;
use crate::actors::progress::RoundName;
use crate::sky::Equatorial;

/// Where all lines are aligned.
const LABEL: usize = 10;
/// Cells of a bar between its brackets.
const BAR: std::ops::RangeInclusive<usize> = 8..=40;
/// Between two parts of a line.
const GAP: &str = "  ";

/// A round that runs.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) name: RoundName,
    pub(super) n_done: u64,
    pub(super) n_planned: u64,
    /// How long it still takes.
    pub(super) left: String,
    /// Who works, and how long the tail is.
    pub(super) who: String,
}

/// What is known of the source.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    pub(super) best: Option<Equatorial>,
    /// The sizes of the regions, the smallest first.
    pub(super) regions: Vec<String>,
}

/// `nside 512 [=====>      ] 812/2304  243 pixels/s  8 to 12 s left  2 slots`
pub(super) fn running(round: &Running, elapsed: Duration, width: usize) -> String {
    let label = label(round.name);
    let counts = format!("{}/{}", round.n_done, round.n_planned);
    let rate = words::rate(round.n_done, elapsed);
    // In the order in which they are shown, and how soon each is left out, the first first.
    let parts = [
        (counts.as_str(), 3),
        (rate.as_str(), 1),
        (round.left.as_str(), 2),
        (round.who.as_str(), 0),
    ];
    let room = width.saturating_sub(label.len() + " []".len() + BAR.start());
    let parts = fitting(&parts, room);
    let taken: usize = parts
        .iter()
        .map(|part| GAP.len() + part.chars().count())
        .sum();
    let free = width.saturating_sub(label.len() + " []".len() + taken);
    let line = match free < *BAR.start() {
        true => format!("{label}{GAP}{}", parts.join(GAP)),
        false => {
            let bar = bar(round, free.min(*BAR.end()));
            format!("{label} [{bar}]{GAP}{}", parts.join(GAP))
        }
    };
    cut(line, width)
}

/// `nside 512  2304 pixels in 9.4 s, 245 pixels/s`
pub(super) fn ended(round: &Running, took: Duration) -> String {
    let of_them = match round.n_done == round.n_planned {
        true => String::new(),
        false => format!(" of {}", round.n_planned),
    };
    format!(
        "{}{GAP}{}{of_them} pixels in {:.1} s, {}",
        label(round.name),
        round.n_done,
        took.as_secs_f64(),
        words::rate(round.n_done, took)
    )
}

/// `best so far RA 224.47 Dec +41.11  50 % 0.41 deg²  90 % 1.90 deg²`
pub(super) fn source(source: &Source, width: usize) -> String {
    let Some(best) = source.best else {
        return String::new();
    };
    let best = format!("{:LABEL$}{GAP}{}", "", words::best(best));
    let room = width.saturating_sub(best.chars().count());
    let n_regions = source.regions.len();
    // The largest region stays longest.
    let parts: Vec<(&str, usize)> = source
        .regions
        .iter()
        .map(String::as_str)
        .zip(0..n_regions)
        .collect();
    let parts: Vec<String> = std::iter::once(best)
        .chain(fitting(&parts, room).into_iter().map(str::to_owned))
        .collect();
    cut(parts.join(GAP), width)
}

fn label(name: RoundName) -> String {
    let text = match name.is_systematic {
        false => format!("nside {}", name.nside),
        true => "systematic".to_owned(),
    };
    format!("{text:>LABEL$}")
}

fn bar(round: &Running, cells: usize) -> String {
    let share = round.n_done as f64 / round.n_planned.max(1) as f64;
    let full = ((share * cells as f64) as usize).min(cells);
    match full < cells {
        true => format!("{}>{}", "=".repeat(full), " ".repeat(cells - full - 1)),
        false => "=".repeat(cells),
    }
}

/// The parts, without as many of them as do not fit into so many columns, the lowest number first.
fn fitting<'a>(parts: &[(&'a str, usize)], room: usize) -> Vec<&'a str> {
    let mut kept: Vec<(&str, usize)> = parts
        .iter()
        .copied()
        .filter(|(part, _)| !part.is_empty())
        .collect();
    let taken = |kept: &[(&str, usize)]| -> usize {
        kept.iter()
            .map(|(part, _)| GAP.len() + part.chars().count())
            .sum()
    };
    while taken(&kept) > room {
        let Some(least) = kept.iter().map(|(_, rank)| *rank).min() else {
            break;
        };
        kept.retain(|(_, rank)| *rank != least);
    }
    kept.into_iter().map(|(part, _)| part).collect()
}

/// A line that is longer would be wrapped, and leave its rest behind with each drawing.
fn cut(line: String, width: usize) -> String {
    match line.chars().count() > width {
        true => line.chars().take(width).collect(),
        false => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sky::Nside;

    fn round() -> Running {
        Running {
            name: RoundName {
                is_systematic: false,
                nside: Nside::try_from(512).unwrap(),
            },
            n_done: 1812,
            n_planned: 2304,
            left: "8 to 12 s left".to_owned(),
            who: "2 slots, last 3 tasks".to_owned(),
        }
    }

    #[test]
    fn a_round_fits_into_every_width_and_loses_first_what_matters_least() {
        let line = |width| running(&round(), Duration::from_secs(9), width);
        for width in 0..240 {
            assert!(
                line(width).chars().count() <= width,
                "{width}: {}",
                line(width)
            );
        }
        assert!(
            line(60).starts_with(" nside 512 [") && line(60).ends_with("1812/2304  8 to 12 s left"),
            "{}",
            line(60)
        );
        assert!(
            line(80).contains("201 pixels/s") && !line(80).contains("slots"),
            "{}",
            line(80)
        );
        assert!(
            line(120).ends_with("8 to 12 s left  2 slots, last 3 tasks"),
            "{}",
            line(120)
        );
    }

    #[test]
    fn the_largest_region_is_told_longest() {
        let known = Source {
            best: Some(Equatorial {
                ra_rad: 224.47_f64.to_radians(),
                dec_rad: 41.11_f64.to_radians(),
            }),
            regions: vec!["50 % 0.412 deg²".to_owned(), "90 % 1.90 deg²".to_owned()],
        };
        for width in 0..240 {
            assert!(source(&known, width).chars().count() <= width);
        }
        let (narrow, wide) = (source(&known, 62), source(&known, 80));
        assert!(
            narrow.ends_with("RA 224.47 Dec +41.11  90 % 1.90 deg²"),
            "{narrow}"
        );
        assert!(wide.ends_with("50 % 0.412 deg²  90 % 1.90 deg²"), "{wide}");
        assert_eq!(source(&Source::default(), 80), "");
    }

    #[test]
    fn a_round_that_has_ended_says_what_came_of_it() {
        let mut round = round();
        assert_eq!(
            ended(&round, Duration::from_secs(9)),
            " nside 512  1812 of 2304 pixels in 9.0 s, 201 pixels/s"
        );
        round.n_done = 2304;
        assert_eq!(
            ended(&round, Duration::from_secs(9)),
            " nside 512  2304 pixels in 9.0 s, 256 pixels/s"
        );
    }
}
