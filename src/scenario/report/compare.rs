//! Two reports beside each other: for each point that both have, how many times as much the second one comes to.

use super::figures::{FIGURES, Figure};
use super::rows;
use super::written::{count, with_interval};
use crate::drawing::chart::short;
use crate::scenario::results::{Point, Report};
use crate::scenario::statistics::Interval;

/// The ratio of two means with its 95 % interval: the relative half widths are added in quadrature, which is right
/// where they are small and the repeats of the two independent.
pub fn ratio(first: Interval, second: Interval) -> Option<Interval> {
    if first.mean == 0.0 {
        return None;
    }
    let mean = second.mean / first.mean;
    let half = first.half_width_95.zip(second.half_width_95).map(|(a, b)| {
        // Not relative to the second mean, which may be zero.
        (mean * a / first.mean).hypot(b / first.mean)
    });
    Some(Interval {
        mean,
        half_width_95: half,
        n: first.n.min(second.n),
    })
}

/// The two as text, with what a reader has to know before comparing them. `None` if they share no point.
pub fn text(first: &Report, second: &Report) -> Option<String> {
    let mut lines = vec![
        ["variant", "N", "figure", "A", "B", "B / A", ""]
            .map(str::to_owned)
            .to_vec(),
    ];
    let mut n_shared = 0;
    for a in &first.points {
        let is_same = |b: &&Point| b.variant == a.variant && b.workers == a.workers;
        let Some(b) = second.points.iter().find(is_same) else {
            continue;
        };
        n_shared += 1;
        for Figure { head, of, .. } in FIGURES {
            let (Some(before), Some(after)) = (of(&a.mean), of(&b.mean)) else {
                continue;
            };
            let Some(ratio) = ratio(before, after) else {
                continue;
            };
            lines.push(vec![
                a.variant.clone(),
                count(a.workers),
                head.to_owned(),
                short(before.mean),
                short(after.mean),
                with_interval(ratio, 1.0),
                word(a, b, ratio).to_owned(),
            ]);
        }
    }
    if n_shared == 0 {
        return None;
    }
    let mut text = format!("A: {}\nB: {}\n", shown(first), shown(second));
    for caution in cautions(first, second, n_shared) {
        text += &format!("  {caution}\n");
    }
    Some(text + "\n" + &rows(&lines))
}

/// What may be said of a ratio.
fn word(a: &Point, b: &Point, ratio: Interval) -> &'static str {
    if a.void().is_some() || b.void().is_some() {
        return "void";
    }
    match ratio.half_width_95 {
        None => "one repeat: no interval",
        Some(half) if (ratio.mean - 1.0).abs() > half => "differs",
        Some(_) => "no difference seen",
    }
}

fn shown(report: &Report) -> String {
    let version = report
        .machine
        .as_ref()
        .map_or("", |machine| &machine.skyscan);
    format!("{} {version}", report.scenario)
        .trim_end()
        .to_owned()
}

fn cautions(first: &Report, second: &Report, n_shared: usize) -> Vec<String> {
    let mut said = Vec::new();
    if first.scenario != second.scenario {
        said.push("they are of different scenarios".to_owned());
    }
    if first.clock != second.clock {
        said.push("one is measured, the other modelled in virtual time".to_owned());
    }
    if first.is_quick || second.is_quick {
        said.push("a quick form shows that it works, not how well".to_owned());
    }
    let cores = |report: &Report| report.machine.as_ref().map(|machine| machine.cores);
    if cores(first) != cores(second) {
        said.push("they ran on machines of different sizes".to_owned());
    }
    let n_other = first.points.len() + second.points.len() - 2 * n_shared;
    if n_other > 0 {
        said.push(format!(
            "{n_other} points stand in one of them only and are left out"
        ));
    }
    let is_setup_other = first.points.iter().any(|a| {
        let mut same = second
            .points
            .iter()
            .filter(|b| b.variant == a.variant && b.workers == a.workers);
        same.next().is_some_and(|b| b.setup != a.setup)
    });
    if is_setup_other {
        said.push("what was set differs: see \"setup\" in both".to_owned());
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::results::fixture::{point, report};

    #[test]
    fn the_error_of_a_ratio_is_that_of_both_means() {
        let interval = |mean, half| Interval {
            mean,
            half_width_95: Some(half),
            n: 3,
        };
        let found = ratio(interval(100.0, 3.0), interval(200.0, 8.0)).unwrap();
        // 3 % and 4 % make 5 %.
        assert!(
            (found.mean - 2.0).abs() < 1e-12 && (found.half_width_95.unwrap() - 0.1).abs() < 1e-12
        );
        assert!(ratio(interval(0.0, 0.0), interval(1.0, 0.0)).is_none());
        let alone = Interval {
            half_width_95: None,
            ..interval(100.0, 0.0)
        };
        assert_eq!(
            ratio(alone, interval(50.0, 1.0)).unwrap().half_width_95,
            None
        );
    }

    #[test]
    fn points_that_both_have_are_compared_and_the_rest_is_told() {
        let a = report(vec![point("x", 1000, 0.8), point("y", 1000, 0.5)]);
        let b = report(vec![point("x", 1000, 0.4), point("x", 2000, 0.9)]);
        let text = text(&a, &b).unwrap();
        assert!(
            text.contains("2 points stand in one of them only"),
            "{text}"
        );
        let line = text
            .lines()
            .find(|line| line.contains("utilisation"))
            .unwrap();
        assert!(line.contains("0.5") && line.ends_with("differs"), "{line}");
        let same = super::text(&a, &a).unwrap();
        assert!(
            same.contains("no difference seen") && !same.contains("differs"),
            "{same}"
        );
        let other = report(vec![point("z", 1, 0.9)]);
        assert_eq!(super::text(&a, &other), None);
    }
}
