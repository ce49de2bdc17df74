//! Numbers in words.

use crate::drawing::chart::short;
pub(super) use crate::scenario::report::written::{count, with_interval};
use crate::scenario::results::Point;
use crate::scenario::statistics::Interval;

/// From here on a time is told in minutes.
const MINUTES_FROM_S: f64 = 120.0;

/// A share, told in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// Busy share of a point's workers, with its interval.
pub(super) fn busy(point: &Point) -> String {
    match point.mean.utilisation {
        Some(Interval {
            half_width_95: None,
            mean,
            ..
        }) => percent(mean),
        Some(interval) => with_interval(interval, 100.0) + " %",
        None if point.mean.connection_s.is_none() => "never all connected".to_owned(),
        None => "no steady state".to_owned(),
    }
}

/// A time of a point, in unscaled time.
pub(super) fn time(point: &Point, interval: Option<Interval>) -> String {
    let Some(interval) = interval else {
        return "no time".to_owned();
    };
    let unscale = 1.0 / point.setup.time_scale;
    match interval.mean * unscale >= MINUTES_FROM_S {
        true => with_interval(interval, unscale / 60.0) + " min",
        false => with_interval(interval, unscale) + " s",
    }
}

/// Money of a point.
pub(super) fn dollars(point: &Point) -> String {
    match point.mean.dollars {
        Some(interval) => format!("${}", with_interval(interval, 1.0)),
        None => "an unknown price".to_owned(),
    }
}

/// How a value compares with another: "2.4 times", "12 % more", "as much".
pub(super) fn beside(value: f64, other: f64) -> String {
    let ratio = value / other;
    let percents = format!("{:.0} %", 100.0 * (ratio - 1.0).abs());
    if ratio >= 2.0 {
        format!("{} times as much", short(ratio))
    } else if percents == "0 %" {
        "as much".to_owned()
    } else if ratio > 1.0 {
        format!("{percents} more")
    } else {
        format!("{percents} less")
    }
}

/// "a", "a and b", "a, b and c".
pub(super) fn list(parts: &[String]) -> String {
    match parts {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The name of a variant, as it stands in a sentence.
pub(super) fn named(point: &Point) -> String {
    match point.variant.as_str() {
        "" => format!("{} workers", count(point.workers)),
        name => format!("*{name}*"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_sets_the_digits() {
        let told = |mean, half_width_95| {
            let interval = Interval {
                mean,
                half_width_95,
                n: 3,
            };
            with_interval(interval, 1.0)
        };
        assert_eq!(told(99.8765, Some(0.0123)), "99.876 ± 0.012");
        assert_eq!(told(12_345.6, Some(234.0)), "12,346 ± 234");
        assert_eq!(told(12_345.6, None), "12,300");
        assert_eq!(told(0.5, Some(0.0)), "0.5 ± 0");
    }

    #[test]
    fn a_comparison_is_told_as_people_would() {
        assert_eq!(beside(3.0, 1.0), "3 times as much");
        assert_eq!(beside(1.1, 1.0), "10 % more");
        assert_eq!(beside(0.5, 1.0), "50 % less");
        assert_eq!(beside(1.001, 1.0), "as much");
    }

    #[test]
    fn lists_have_one_and() {
        let parts = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(list(&parts), "a, b and c");
        assert_eq!(list(&parts[..1]), "a");
    }
}
