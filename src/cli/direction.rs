//! Directions on the command line, written as [`Direction`] says.

use std::str::FromStr;

use anyhow::anyhow;

use super::{Failure, bad_input};
use crate::event::Event;
use crate::event::detector::Detector;
use crate::output::Mark;
use crate::sky::Equatorial;
use crate::sky::coordinates::SkyFrame;
use crate::sky::direction::{Direction, InvalidDirection};

/// A direction with the name that it is shown by.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Marked {
    direction: Direction,
    name: String,
}

#[derive(Clone, Debug, clap::Args)]
pub(super) struct MarkArguments {
    /// Show a direction in the pictures and the DS9 regions, written as for --near; as often as wanted
    #[arg(
        long = "mark",
        value_name = "DIRECTION=NAME",
        allow_hyphen_values = true
    )]
    marks: Vec<Marked>,
}

impl FromStr for Marked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((direction, name)) if !name.trim().is_empty() => Ok(Self {
                direction: direction
                    .parse()
                    .map_err(|error: InvalidDirection| error.to_string())?,
                name: name.trim().to_owned(),
            }),
            _ => Err("write DIRECTION=NAME, for example 138.6,-0.1=blazar".to_owned()),
        }
    }
}

impl MarkArguments {
    /// Where the marks are; guesses are those of the event, if there is one.
    pub(super) fn at(&self, seen: Option<(&Event, &Detector)>) -> Result<Vec<Mark>, Failure> {
        let mark = |marked: &Marked| {
            Ok(Mark {
                name: marked.name.clone(),
                at: resolve(&marked.direction, seen)?,
            })
        };
        self.marks.iter().map(mark).collect()
    }
}

/// Where a direction points, seen from an event and its detector, if there is one.
pub(super) fn resolve(
    direction: &Direction,
    seen: Option<(&Event, &Detector)>,
) -> Result<Equatorial, Failure> {
    let name = match direction {
        Direction::At(at) => return Ok(*at),
        Direction::Seed(name) => name,
    };
    let Some((event, detector)) = seen else {
        return Err(bad_input(anyhow!(
            "seed:{name} needs an event, and a map has none: give RA,DEC, as `skyscan event show` tells it"
        )));
    };
    let pointing = || event.seeds.iter().filter(|seed| seed.direction.is_some());
    let found = pointing().find(|seed| seed.name == *name);
    match found.and_then(|seed| seed.direction) {
        Some(direction) => Ok(SkyFrame::new(event.mjd, &detector.site).to_equatorial(direction)),
        None => {
            let names: Vec<&str> = pointing().map(|seed| seed.name.as_str()).collect();
            Err(bad_input(match names.is_empty() {
                true => anyhow!("the event has no guess with a direction, so none is seed:{name}"),
                false => anyhow!("the event has no seed:{name}; it has {}", names.join(", ")),
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_a_direction_and_a_name() {
        let mark: Marked = "14:57:53.4,+41:06:48=PKS 1502+106 = best".parse().unwrap();
        assert_eq!(mark.name, "PKS 1502+106 = best");
        assert!(matches!(mark.direction, Direction::At(_)));
        for text in ["1,2", "1,2=", "1=2", "=x"] {
            assert!(text.parse::<Marked>().is_err(), "{text}");
        }
    }
}
