//! Numbers as a person writes them.

use crate::drawing::chart::short;
use crate::scenario::results::Report;
use crate::scenario::statistics::Interval;

/// Half widths below this are nothing: six digits behind the point is all that is told.
const LEAST_TOLD: f64 = 5e-7;

/// A mean, with its 95 % interval where there is one, in another unit.
pub(in crate::scenario) fn with_interval(interval: Interval, factor: f64) -> String {
    let mean = interval.mean * factor;
    match interval.half_width_95.map(|half| half * factor) {
        None => short(mean),
        Some(half) if half >= LEAST_TOLD => {
            // Two digits of what is uncertain; never more than the mean is told with.
            let digits = (1.0 - half.log10().floor()).clamp(0.0, 6.0) as usize;
            match digits {
                0 => format!("{} ± {}", whole(mean), whole(half)),
                digits => format!("{mean:.digits$} ± {half:.digits$}"),
            }
        }
        Some(_) => format!("{} ± 0", short(mean)),
    }
}

/// A count, thousands apart.
pub(in crate::scenario) fn count(n: usize) -> String {
    whole(n as f64)
}

fn whole(value: f64) -> String {
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    match value < -0.5 {
        true => format!("-{grouped}"),
        false => grouped,
    }
}

/// How the times of a report were scaled, if they were: "1/150 of real time".
pub(super) fn scale(report: &Report) -> Option<String> {
    let scale = report.points.first()?.setup.time_scale;
    if (scale - 1.0).abs() < 1e-9 {
        return None;
    }
    let inverse = 1.0 / scale;
    Some(match (inverse - inverse.round()).abs() < 1e-6 * inverse {
        true => format!("times are 1/{} of real ones", whole(inverse)),
        false => format!("times are {} of real ones", short(scale)),
    })
}

/// The sizes that ran: "52 to 208 workers".
pub(super) fn sizes(report: &Report) -> String {
    let workers = report.points.iter().map(|point| point.workers);
    match (workers.clone().min(), workers.max()) {
        (Some(least), Some(most)) if least < most => {
            format!("{} to {} workers", count(least), count(most))
        }
        (_, Some(only)) => format!("{} workers", count(only)),
        (_, None) => "nothing".to_owned(),
    }
}

/// The question of a report, with what a reader must not overlook before it.
pub(super) fn question(report: &Report) -> String {
    let mut words = String::new();
    if report.is_quick {
        words += &format!("QUICK FORM, {}: ", sizes(report));
    }
    if !report.complete {
        words += "INCOMPLETE: ";
    }
    words + &report.question
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::results::fixture::{point, report};

    #[test]
    fn an_interval_is_told_with_two_digits_of_what_is_uncertain() {
        let interval = |mean, half_width_95| Interval {
            mean,
            half_width_95,
            n: 3,
        };
        for (mean, half, expected) in [
            (0.03, None, "0.03"),
            (12_345.6, Some(120.0), "12,346 ± 120"),
            (0.98765, Some(0.0123), "0.988 ± 0.012"),
            (5.0, Some(0.0), "5 ± 0"),
            (1.0, Some(1e-12), "1 ± 0"),
        ] {
            assert_eq!(with_interval(interval(mean, half), 1.0), expected);
        }
    }

    #[test]
    fn a_scale_is_a_fraction_where_it_is_one() {
        let mut report = report(vec![point("", 52, 0.9), point("", 2080, 0.9)]);
        let mut scaled = |by: f64| {
            report.points[0].setup.time_scale = by;
            scale(&report)
        };
        assert_eq!(scaled(1.0), None);
        assert_eq!(scaled(1.0 / 150.0).unwrap(), "times are 1/150 of real ones");
        assert_eq!(scaled(0.3).unwrap(), "times are 0.3 of real ones");
        assert_eq!(sizes(&report), "52 to 2,080 workers");
    }

    #[test]
    fn a_quick_or_incomplete_report_says_so_before_its_question() {
        let mut report = report(vec![point("", 52, 0.9)]);
        assert_eq!(question(&report), report.question);
        (report.is_quick, report.complete) = (true, false);
        let said = question(&report);
        assert!(
            said.starts_with("QUICK FORM, 52 workers: INCOMPLETE: Who"),
            "{said}"
        );
    }
}
