//! Thresholds: what a replay must come to, for scripts that ask.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::written::with_interval;
use crate::drawing::chart::short;
use crate::scenario::results::{Means, Report};
use crate::scenario::statistics::Interval;

/// A figure of a point.
type Figure = fn(&Means) -> Option<Interval>;

/// What a threshold may be set on, by its name.
const QUANTITIES: [(&str, Figure); 9] = [
    ("utilisation", |mean| mean.utilisation),
    ("throughput", |mean| mean.throughput_per_s),
    ("makespan", |mean| mean.makespan_s),
    ("t50", |mean| mean.t50_s),
    ("t99", |mean| mean.t99_s),
    ("wait_p99", |mean| mean.schedule_to_start_p99_s),
    ("hub_us", |mean| mean.hub_cpu_us_per_task),
    ("broker_us", |mean| mean.broker_cpu_us_per_task),
    ("dollars", |mean| mean.dollars),
];

/// A condition that no point of a replay may meet.
#[derive(Clone, Copy, Debug)]
pub struct Threshold {
    name: &'static str,
    figure: Figure,
    is_below: bool,
    value: f64,
}

impl FromStr for Threshold {
    type Err = String;

    /// Reads `utilisation<0.95`.
    fn from_str(text: &str) -> Result<Self, String> {
        let names: Vec<&str> = QUANTITIES.iter().map(|(name, _)| *name).collect();
        let wanted = || {
            format!(
                "write it as 'utilisation<0.95', with one of {}",
                names.join(", ")
            )
        };
        let at = text.find(['<', '>']).ok_or_else(wanted)?;
        let (name, rest) = text.split_at(at);
        let quantity = QUANTITIES.iter().find(|(known, _)| *known == name.trim());
        let (name, figure) = *quantity.ok_or_else(wanted)?;
        let value = rest[1..].trim().parse().map_err(|_| wanted())?;
        Ok(Self {
            name,
            figure,
            is_below: rest.starts_with('<'),
            value,
        })
    }
}

impl Display for Threshold {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sign = if self.is_below { '<' } else { '>' };
        write!(f, "{}{sign}{}", self.name, short(self.value))
    }
}

impl Threshold {
    /// The points that meet it, in words; also those of which nobody can tell.
    pub fn missed(&self, report: &Report) -> Vec<String> {
        let judge = |point: &crate::scenario::results::Point| {
            let found = match (point.void(), (self.figure)(&point.mean)) {
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
                self.name, point.workers
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
