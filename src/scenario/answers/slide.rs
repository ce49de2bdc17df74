//! The comparison of the talk, as one table that fits a slide.

use std::fmt::{Result, Write};

use super::known::Known;
use super::questions::master::braked;
use super::questions::{deadline, scanner, transfer, zones};
use super::reach::{Reach, reaches};
use super::say::{busy, count};
use crate::scenario::report::verdict::limit;
use crate::scenario::setup::EventForm;

/// A row: what was compared, what the talk says, what came out here.
type Row = [String; 3];

/// The table; nothing while nothing was replayed.
pub(super) fn write(page: &mut String, known: &Known) -> Result {
    let rows = rows(known);
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "\nThe comparison of the talk, for a slide:\n\n| | the talk | replayed here |\n|---|---|---|"
    )?;
    for [what, said, found] in rows {
        writeln!(page, "| {what} | {said} | {found} |")?;
    }
    Ok(())
}

fn rows(known: &Known) -> Vec<Row> {
    let mut rows = masters(
        known,
        "chep19-zmq-2000",
        "ZeroMQ",
        "cannot keep up over 2,000",
        true,
    );
    rows.extend(masters(
        known,
        "chep19-rabbit-5000",
        "RabbitMQ",
        "more than 5,000",
        false,
    ));
    for (scenario, transport) in [("rabbit-80k", "RabbitMQ"), ("zmq-80k", "ZeroMQ")] {
        if let Some(point) = known.points(scenario).first() {
            rows.push([
                format!("{transport}, {} cores", count(point.workers)),
                "open".to_owned(),
                format!("{} busy, 16 cores a connection", busy(point)),
            ]);
        }
    }
    let answered = [
        (
            scanner::QUESTION,
            "28 zones, three clouds, 80,000 cores",
            "reached in 20 min",
        ),
        (
            deadline::QUESTION,
            "3,000 core hours within ten minutes",
            "wanted",
        ),
        (
            transfer::QUESTION,
            "transfer between zones",
            "to be kept low",
        ),
        (
            zones::QUESTION,
            "more zones or more cores in an instance",
            "open",
        ),
    ];
    for (question, what, said) in answered {
        if let Some(answer) = (question.answer)(known) {
            rows.push([what.to_owned(), said.to_owned(), answer.short]);
        }
    }
    rows
}

/// A master over a transport: with what slows it, and without. The talk speaks of the one that `is_braked`.
fn masters(
    known: &Known,
    scenario: &str,
    transport: &str,
    said: &str,
    is_braked: bool,
) -> Vec<Row> {
    let Some(report) = known.counting(scenario) else {
        return Vec::new();
    };
    let reaches = reaches(report);
    let mut said = Some(said);
    let each = braked(&reaches).into_iter().filter_map(|(brakes, at)| {
        let reach = reaches.get(at)?;
        let setup = &reach.any()?.setup;
        let master_ms = 1e3 * setup.hub.service_s / setup.time_scale;
        let what = match (brakes.window, brakes.is_slow) {
            (Some(window), true) => {
                format!("window of {}, master of {master_ms:.0} ms", count(window))
            }
            (Some(window), false) => format!("window of {} alone", count(window)),
            (None, true) => format!("master of {master_ms:.0} ms alone"),
            (None, false) if setup.messages.event == EventForm::Inline => {
                "neither, as in 2019".to_owned()
            }
            (None, false) => "this design".to_owned(),
        };
        let is_slowed = brakes.window.is_some() || brakes.is_slow;
        let said = said.take_if(|_| is_slowed == is_braked).unwrap_or("");
        Some([
            format!("{transport}: {what}"),
            said.to_owned(),
            found(reach),
        ])
    });
    each.collect()
}

fn found(reach: &Reach<'_>) -> String {
    let stops = |at: &str| {
        reach.fails.map_or_else(String::new, |point| {
            format!(
                "{at}{} at {}: {}",
                busy(point),
                count(point.workers),
                limit(point)
            )
        })
    };
    match (reach.holds, reach.fails) {
        (Some(point), Some(_)) => format!("busy up to {}{}", count(point.workers), stops(", ")),
        (Some(point), None) => format!("busy at {}, the most tried", count(point.workers)),
        (None, _) => stops(""),
    }
}
