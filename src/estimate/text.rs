//! An answer for people.

use super::answer::{Answer, Meets};
use super::fleet::Fleet;
use super::range::Range;
use crate::scenario::report::rows;

/// The answer in lines of at most 80 columns.
pub fn text(answer: &Answer) -> String {
    let event = &answer.event;
    let mut text = format!(
        "Run {}  event {}  {}\n\n",
        event.run_id, event.event_id, answer.reco
    );
    text += &format!(
        "  pixels       {}   {} {} here\n",
        range(answer.pixels, count),
        count(answer.pixels_fitted as f64),
        match answer.foreseen_with {
            None => "fitted",
            Some(_) => "timed",
        }
    );
    if let Some(other) = &answer.foreseen_with {
        text += &format!(
            "               foreseen with {other}, which is not {}\n",
            answer.reco
        );
    }
    text += &format!(
        "  core time    {}   {} a pixel\n\n",
        range(answer.core_seconds, span),
        span(answer.seconds_per_pixel)
    );
    text += &table(&rounds(answer));
    if !answer.fleets.is_empty() {
        text += "\nTimes since the fleet was asked for, of 50, 90 and 100 % of the pixels;\n";
        text += "in brackets 90 % intervals.\n\n";
        text += &table(&fleets(answer));
        text += &verdict(answer);
    }
    text += &missing(answer);
    text
}

/// The fleets that were not run to their end, a line for each profile.
fn missing(answer: &Answer) -> String {
    let mut rows: Vec<(&str, Vec<String>)> = Vec::new();
    for fleet in &answer.missing {
        let cores = fleet.cores.to_string();
        match rows.last_mut().filter(|(name, _)| *name == fleet.profile) {
            Some((_, sizes)) => sizes.push(cores),
            None => rows.push((&fleet.profile, vec![cores])),
        }
    }
    let mut text = String::new();
    for (number, (name, sizes)) in rows.into_iter().enumerate() {
        if number == 0 {
            text += "\nMissing, since they were not run to their end:\n\n";
        }
        text += &format!("  {name}  {} cores\n", sizes.join(", "));
    }
    text
}

fn rounds(answer: &Answer) -> Vec<Vec<String>> {
    let head = ["nside", "pixels", "", "fitted", "a pixel"].map(str::to_owned);
    let row = |round: &super::work::RoundOfWork| {
        vec![
            u32::from(round.nside).to_string(),
            count(round.pixels.expected),
            match round.pixels.low < round.pixels.high {
                true => format!(
                    "({} to {})",
                    count(round.pixels.low),
                    count(round.pixels.high)
                ),
                false => "(known)".to_owned(),
            },
            round.fitted.to_string(),
            span(round.seconds_per_pixel),
        ]
    };
    std::iter::once(head.to_vec())
        .chain(answer.rounds.iter().map(row))
        .collect()
}

fn fleets(answer: &Answer) -> Vec<Vec<String>> {
    let head = [
        "fleet", "cores", "T50", "T90", "T100", "", "core h", "$", "",
    ]
    .map(str::to_owned);
    let row = |fleet: &Fleet| {
        vec![
            fleet.profile.clone(),
            count(fleet.cores as f64),
            span(fleet.t50_s.expected),
            span(fleet.t90_s.expected),
            span(fleet.t100_s.expected),
            format!(
                "({} to {})",
                span(fleet.t100_s.low),
                span(fleet.t100_s.high)
            ),
            three_digits(fleet.core_hours.expected),
            fleet
                .dollars
                .map_or("-".to_owned(), |dollars| format!("{:.2}", dollars.expected)),
            match (answer.limits.is_given(), answer.limits.met_by(fleet)) {
                (false, _) => String::new(),
                (true, Meets::Surely) => "meets".to_owned(),
                (true, Meets::Likely) => "may miss".to_owned(),
                (true, Meets::Not) => "misses".to_owned(),
            },
        ]
    };
    std::iter::once(head.to_vec())
        .chain(answer.fleets.iter().map(row))
        .collect()
}

fn verdict(answer: &Answer) -> String {
    if !answer.limits.is_given() {
        return String::new();
    }
    let deadline = answer
        .limits
        .deadline_s
        .map(|s| format!("within {}", span(s)));
    let budget = answer
        .limits
        .budget
        .map(|dollars| format!("for at most ${dollars}"));
    let asked: Vec<String> = deadline.into_iter().chain(budget).collect();
    let asked = asked.join(" and ");
    match answer.choice() {
        None => format!("\nNothing of this is done {asked}.\n"),
        Some((fleet, meets)) => {
            let how = match meets {
                Meets::Surely => "Done",
                Meets::Likely | Meets::Not => "Likely done",
            };
            let dollars = fleet.dollars.map_or(String::new(), |dollars| {
                format!(" for ${:.2} (up to ${:.2})", dollars.expected, dollars.high)
            });
            format!(
                "\n{how} {asked}, cheapest: {}, {} cores in {} (up to {}){dollars}.\n",
                fleet.profile,
                count(fleet.cores as f64),
                span(fleet.t100_s.expected),
                span(fleet.t100_s.high),
            )
        }
    }
}

fn range(range: Range, shown: fn(f64) -> String) -> String {
    format!(
        "{} ({} to {})",
        shown(range.expected),
        shown(range.low),
        shown(range.high)
    )
}

/// A time in words.
pub(super) fn span(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{} ms", three_digits(1e3 * s)),
        s if s < 600.0 => format!("{} s", three_digits(s)),
        s if s < 36_000.0 => format!("{} min", three_digits(s / 60.0)),
        s => format!("{} h", three_digits(s / 3600.0)),
    }
}

/// Three digits, more where there are as many before the point.
fn three_digits(value: f64) -> String {
    match value {
        v if v < 1.0 => format!("{v:.3}"),
        v if v < 10.0 => format!("{v:.2}"),
        v if v < 100.0 => format!("{v:.1}"),
        v => count(v),
    }
}

/// A count, thousands apart.
fn count(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Cells in columns, a little to the right.
fn table(cells: &[Vec<String>]) -> String {
    rows(cells)
        .lines()
        .map(|line| format!("  {line}\n"))
        .collect()
}
