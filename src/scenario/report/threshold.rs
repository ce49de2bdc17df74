//! Thresholds: what a replay must come to, for scripts that ask.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::figures::{FIGURES, Figure};
use super::written::with_interval;
use crate::drawing::chart::short;
use crate::scenario::results::{Point, Report};

/// A condition that no point of a replay may meet.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    figure: Figure,
    is_below: bool,
    value: f64,
}

impl FromStr for Threshold {
    type Err = String;

    /// Reads `utilisation<0.95`.
    fn from_str(text: &str) -> Result<Self, String> {
        let names: Vec<&str> = FIGURES.iter().map(|figure| figure.name).collect();
        let wanted = || {
            format!(
                "write it as 'utilisation<0.95', with one of {}",
                names.join(", ")
            )
        };
        let at = text.find(['<', '>']).ok_or_else(wanted)?;
        let (name, rest) = text.split_at(at);
        let mut known = FIGURES.into_iter();
        let figure = known.find(|figure| figure.name == name.trim());
        let figure = figure.ok_or_else(wanted)?;
        let value = rest[1..].trim().parse().ok();
        let value = value.filter(|value: &f64| value.is_finite());
        let value = value.ok_or_else(wanted)?;
        Ok(Self {
            figure,
            is_below: rest.starts_with('<'),
            value,
        })
    }
}

impl Display for Threshold {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sign = if self.is_below { '<' } else { '>' };
        write!(f, "{}{sign}{}", self.figure.name, short(self.value))
    }
}

impl Threshold {
    /// The points that meet it, in words; also those of which nobody can tell.
    pub fn missed(&self, report: &Report) -> Vec<String> {
        let judge = |point: &Point| {
            let found = match (point.void(), (self.figure.of)(&point.mean)) {
                (Some(reason), _) => format!("cannot be told, it is void: {reason}"),
                (None, None) => "cannot be told, there is no such figure".to_owned(),
                (None, Some(interval)) => {
                    let meets = match self.is_below {
                        true => interval.mean < self.value,
                        false => interval.mean > self.value,
                    };
                    if !meets {
                        return None;
                    }
                    format!("is {}", with_interval(interval, 1.0))
                }
            };
            let name = match point.variant.as_str() {
                "" => &report.scenario,
                variant => variant,
            };
            Some(format!(
                "{self}: {} of {name} with {} workers {found}",
                self.figure.name, point.workers
            ))
        };
        report.points.iter().filter_map(judge).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::results::fixture::{point, report};

    #[test]
    fn points_that_meet_it_or_cannot_be_judged_are_told() {
        let mut void = point("c", 1000, 0.99);
        void.tally.voids.push("the fleet was late".to_owned());
        let report = report(vec![point("a", 1000, 0.99), point("b", 4000, 0.5), void]);
        let below: Threshold = "utilisation<0.95".parse().unwrap();
        let missed = below.missed(&report);
        assert_eq!(missed.len(), 2, "{missed:?}");
        assert!(
            missed[0].contains("of b with 4000 workers is 0.5000 ± 0.0050"),
            "{missed:?}"
        );
        assert!(missed[1].contains("void: the fleet was late"), "{missed:?}");
        let above: Threshold = "makespan > 200".parse().unwrap();
        assert_eq!(above.missed(&report).len(), 1, "only the void one");
        let unknown: Threshold = "dollars>1".parse().unwrap();
        assert!(unknown.missed(&report)[0].contains("no such figure"));
    }

    #[test]
    fn what_is_no_threshold_is_told_with_an_example() {
        for text in [
            "utilisation",
            "speed<3",
            "utilisation<fast",
            "utilisation<nan",
            "utilisation<inf",
            "utilisation=1",
        ] {
            let error = text.parse::<Threshold>().unwrap_err();
            assert!(
                error.contains("'utilisation<0.95'") && error.contains("wait_p99"),
                "{error}"
            );
        }
    }
}
