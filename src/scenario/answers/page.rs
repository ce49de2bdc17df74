//! The page: a table of short answers, then each question with answer, chart, numbers and assumptions.

use std::fmt::{Result, Write};

use super::CHARTS;
use super::assumed::assumptions;
use super::figures;
use super::known::Known;
use super::numbers::Column;
use super::questions::{Chart, QUESTIONS, Question};
use super::say::{count, named, with_interval};
use super::slide;
use crate::scenario::model::validation::{control_name, predicted_name};
use crate::scenario::report::verdict::{HOLDS, verdicts};
use crate::scenario::results::{Point, Report};

/// The page as Markdown.
pub(super) fn markdown(known: &Known) -> String {
    let mut page = String::new();
    // Writing into a String cannot fail.
    let _ = write(&mut page, known);
    page
}

fn write(page: &mut String, known: &Known) -> Result {
    writeln!(
        page,
        "# Answers\n\n\
         *IceCube Real-time Processing in AWS* (B. Riedel, CHEP 2019) leaves questions open. Here they are \
         answered\nfrom replays of the scenarios in this folder. Every sentence, number and chart is computed \
         from the digests in\n[reports](reports) by\n\n    \
         skyscan answers scenarios/reports --out scenarios\n\n\
         and running that again changes nothing, which a test checks.\n\n\
         *Measured* is what Scanner, transport and simulated workers did on one machine. *Virtual* is what \
         follows from the\nnumbers in the scenario: the same Scanner and Workers on a clock that jumps, over \
         a modelled network. A fleet holds\nwhile its slots are busy {:.0} % of the time. What stands behind ± \
         is half of a 95 % interval of the mean over repeats\n(Student's t); what has no ± is a single run. \
         Times are in unscaled time.\n",
        100.0 * HOLDS
    )?;
    writeln!(page, "| | question | in short | from |\n|---|---|---|---|")?;
    for (at, question) in QUESTIONS.iter().enumerate() {
        let short = (question.answer)(known).map(|answer| answer.short);
        writeln!(
            page,
            "| {} | {} | {} | {} |",
            at + 1,
            question.asked,
            cell(short.as_deref().unwrap_or("not replayed yet")),
            kinds(known, question)
        )?;
    }
    slide::write(page, known)?;
    for (at, question) in QUESTIONS.iter().enumerate() {
        section(page, known, at + 1, question)?;
    }
    others(page, known)
}

/// Whether an answer rests on measured runs, on virtual ones, or on both.
fn kinds(known: &Known, question: &Question) -> String {
    let reports = question.scenarios.iter();
    let mut kinds: Vec<&str> = reports
        .filter_map(|name| known.whole(name))
        .map(|report| match report.machine {
            Some(_) => "measured",
            None => "virtual",
        })
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds.join(", ")
}

fn section(page: &mut String, known: &Known, number: usize, question: &Question) -> Result {
    writeln!(
        page,
        "\n## {number}. {}\n\n{}\n",
        question.asked, question.said
    )?;
    if let Some(answer) = (question.answer)(known) {
        writeln!(page, "**In short: {}.** {}\n", answer.short, answer.told)?;
    }
    let (there, missing): (Vec<&str>, Vec<&str>) = question
        .scenarios
        .iter()
        .partition(|name| known.whole(name).is_some());
    if !missing.is_empty() {
        let (mut files, mut reports) = (String::new(), String::new());
        for name in missing {
            write!(files, " scenarios/{name}.toml")?;
            write!(reports, " results/{name}/report.json")?;
        }
        writeln!(
            page,
            "Not replayed at full size yet:\n\n    \
             skyscan replay{files} --out results\n    \
             skyscan answers scenarios/reports --add{reports} --out scenarios\n"
        )?;
    }
    for (scenario, chart) in question.charts {
        if known.counting(scenario).is_some() {
            let file = figures::file_name(scenario, *chart);
            writeln!(page, "![{}]({CHARTS}/{file})\n", shows(*chart, scenario))?;
        }
    }
    for name in &there {
        if let Some(report) = known.whole(name) {
            numbers(page, report, question.columns)?;
        }
    }
    assumed(page, known, &there)
}

fn shows(chart: Chart, scenario: &str) -> String {
    let what = match chart {
        Chart::Busy => "Busy share of the workers",
        Chart::Ends => "When half, 99 % and all of the results were in",
        Chart::Dollars => "Dollars, and for what",
        Chart::Gigabytes => "Gigabytes moved",
    };
    format!("{what}, {scenario}")
}

fn provenance(report: &Report) -> String {
    let scale = report.points.first().map_or(1.0, |p| p.setup.time_scale);
    let scaled = match (scale - 1.0).abs() < 1e-9 {
        true => String::new(),
        false => format!(", run with every time multiplied by {scale}"),
    };
    let seeds: Vec<u64> = report
        .points
        .iter()
        .flat_map(|point| point.tally.seeds.iter().copied())
        .collect();
    let seeds = match (seeds.iter().min(), seeds.iter().max()) {
        (Some(first), Some(last)) if first < last => format!("seeds {first} to {last}"),
        (Some(first), _) => format!("seed {first}"),
        (None, _) => "no seed".to_owned(),
    };
    let place = match &report.machine {
        Some(machine) => format!(
            "measured with skyscan {} on {} cores shared by hub, fleet and broker, load average {:.1} before \
             and {:.1} after",
            machine.skyscan, machine.cores, machine.load_before, machine.load_after
        ),
        None => "virtual".to_owned(),
    };
    format!("{place}; {seeds}{scaled}")
}

fn numbers(page: &mut String, report: &Report, columns: &[Column]) -> Result {
    let name = &report.scenario;
    writeln!(page, "[{name}]({name}.toml), {}:\n", provenance(report))?;
    let has_variants = report.points.iter().any(|point| !point.variant.is_empty());
    // What no point has is not worth a column.
    let columns: Vec<&Column> = columns
        .iter()
        .filter(|(_, cell)| report.points.iter().any(|point| !cell(point).is_empty()))
        .collect();
    let heads: Vec<&str> = columns.iter().map(|(head, _)| *head).collect();
    let variant = match has_variants {
        true => "| variant ",
        false => "",
    };
    let rules = "---|".repeat(heads.len() + usize::from(has_variants));
    writeln!(page, "{variant}| {} |\n|{rules}", heads.join(" | "))?;
    for point in &report.points {
        if has_variants {
            write!(page, "| {} ", cell(&point.variant))?;
        }
        for (_, value) in &columns {
            write!(page, "| {} ", cell(&value(point)))?;
        }
        writeln!(page, "|")?;
    }
    writeln!(page)?;
    for point in &report.points {
        if let Some(reason) = point.tally.voids.first() {
            writeln!(
                page,
                "{} of {} repeats of {} with {} workers do not count: {reason}.\n",
                point.tally.voids.len(),
                point.tally.repeats(),
                match point.variant.as_str() {
                    "" => "the point",
                    name => name,
                },
                count(point.workers)
            )?;
        }
    }
    for remark in &report.remarks {
        writeln!(page, "> {remark}\n")?;
    }
    Ok(())
}

fn assumed(page: &mut String, known: &Known, scenarios: &[&str]) -> Result {
    let assumptions = assumptions(known, scenarios);
    if assumptions.is_empty() {
        return Ok(());
    }
    writeln!(page, "Assumed, or not measured:\n")?;
    for (text, paths) in assumptions {
        let paths: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
        writeln!(page, "- {}: {text}", paths.join(", "))?;
    }
    Ok(())
}

/// Digests that no question asks for, and that are not predictions of one.
fn others(page: &mut String, known: &Known) -> Result {
    let is_asked = |name: &str| QUESTIONS.iter().any(|q| q.scenarios.contains(&name));
    let models: Vec<String> = known
        .names()
        .flat_map(|name| [predicted_name(name), control_name(name)])
        .collect();
    let is_model = |name: &str| models.iter().any(|model| model == name);
    let names = known
        .names()
        .filter(|name| !is_asked(name) && !is_model(name));
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "\n## Other replays\n\n| scenario | question | what came out |\n|---|---|---|"
    )?;
    for report in names.into_iter().filter_map(|name| known.whole(name)) {
        let name = &report.scenario;
        let verdicts = known.counting(name).map_or_else(Vec::new, verdicts);
        let told: Vec<String> = match verdicts.is_empty() {
            true => report.points.iter().map(rate).collect(),
            false => verdicts
                .iter()
                .map(|verdict| format!("{} {verdict}", verdict.variant).trim().to_owned())
                .collect(),
        };
        writeln!(
            page,
            "| [{name}]({name}.toml) | {} | {} |",
            cell(&report.question),
            cell(&told.join("; "))
        )?;
    }
    Ok(())
}

/// Where tasks take no time nobody is busy: what went through.
fn rate(point: &Point) -> String {
    let name = named(point);
    match (point.tally.voids.first(), point.mean.throughput_per_s) {
        (Some(reason), _) if point.tally.is_void() => format!("{name} cannot be judged: {reason}"),
        (_, Some(rate)) => {
            let per_s = with_interval(rate, point.setup.time_scale);
            format!("{name}: {per_s} tasks/s")
        }
        (_, None) => format!("{name}: no steady state"),
    }
}

/// Text that does not end the cell it stands in.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
