//! Whether bursts of GPUs are kept busy while they come, and when a scan would be done on one.

use super::{Answer, Chart, Question};
use crate::scenario::answers::known::Known;
use crate::scenario::answers::numbers::{
    ALL, BUSY, CORE_HOURS, DOLLARS, HALF, HUB, NEARLY_ALL, REPEATS, WORKERS,
};
use crate::scenario::answers::say::{busy, count, dollars, list, named, percent, time};
use crate::scenario::report::verdict::is_busy;
use crate::scenario::results::Point;

pub(super) const QUESTION: Question = Question {
    asked: "51,000 GPUs within two hours, 15,000 for a working day: does one Scanner keep such bursts busy, \
            and when would a scan be done on one?",
    said: "IceCube's bursts of 2019 and 2020 are the largest fleets that anybody has had for it (arXiv:2002.06667 \
           and arXiv:2004.09492); they come later than the EAGER test.",
    scenarios: &["gpu-bursts"],
    charts: &[("gpu-bursts", Chart::Ends), ("gpu-bursts", Chart::Dollars)],
    columns: &[
        WORKERS, BUSY, HUB, HALF, NEARLY_ALL, ALL, CORE_HOURS, DOLLARS, REPEATS,
    ],
    answer,
};

/// Mean times of this and more are jobs of a burst, below are pixels of a scan.
const JOBS_FROM_S: f64 = 300.0;

/// Share of the hours billed in which a result was worked at that counts, from the first machine to the last result.
fn worked(point: &Point) -> String {
    let hours = point.tally.used.core_hours;
    hours.map_or_else(String::new, |hours| {
        format!(
            ", and {} of all the hours that are billed are worked",
            percent(hours.used / hours.billed)
        )
    })
}

fn told(point: &Point) -> String {
    format!(
        "{}: {} busy from when the last one was there, {} after the first{}; done after {}, for {}",
        named(point),
        busy(point),
        time(point, point.mean.connection_s),
        worked(point),
        time(point, point.mean.makespan_s),
        dollars(point)
    )
}

fn answer(known: &Known) -> Option<Answer> {
    let is_job = |point: &&Point| {
        point.setup.workload.service.mean_s / point.setup.time_scale >= JOBS_FROM_S
    };
    let (bursts, scans): (Vec<&Point>, Vec<&Point>) =
        known.points("gpu-bursts").iter().partition(is_job);
    let are_busy = bursts.iter().all(|point| is_busy(point) == Some(true));
    let word = match are_busy && !bursts.is_empty() {
        true => "yes",
        false => "not all of them",
    };
    let each: Vec<String> = bursts
        .iter()
        .map(|point| format!("{} are {} busy", count(point.workers), busy(point)))
        .collect();
    let scanned: Vec<String> = scans
        .iter()
        .map(|point| {
            format!(
                "{} has 99 % of its results after {} and the last after {}, for {}",
                named(point),
                time(point, point.mean.t99_s),
                time(point, point.mean.makespan_s),
                dollars(point)
            )
        })
        .collect();
    let first_scan = scans.first().map_or_else(String::new, |point| {
        format!(
            "; a scan has 99 % of its results {} after provisioning begins",
            time(point, point.mean.t99_s)
        )
    });
    let told: Vec<String> = bursts.iter().map(|point| told(point)).collect();
    (!bursts.is_empty()).then(|| Answer {
        short: format!("{word}: {}{first_scan}", list(&each)),
        told: format!("{}. {}.", told.join(". "), list(&scanned)),
    })
}
