//! One HTML page that needs no other file: question, answer, figures, set-up, provenance.

mod accounts;

use std::fmt::Write;

use super::glossary::GLOSSARY;
use super::verdict::{HOLDS, limit, verdicts};
use super::written::{count, question, scale, with_interval};
use crate::drawing::markup::escaped;
use crate::scenario::results::Report;
use crate::scenario::setup::Clock;
use crate::scenario::statistics::Interval;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:72em;margin:2em auto;\
padding:0 1em;color:#1c2028}h1{font-size:1.6em}h2{font-size:1.2em;margin-top:2em}\
table{border-collapse:collapse;font-size:.9em}td,th{padding:.25em .7em;text-align:right;\
border-bottom:1px solid #d8dce2}td:first-child,th:first-child{text-align:left}\
svg{width:100%;height:auto}.void{color:#8a5a00}.warning{color:#b00020;font-weight:600}\
pre{background:#f4f5f7;padding:1em;overflow-x:auto;font-size:.8em}";

/// The page, with these charts as SVG.
pub(super) fn html(report: &Report, charts: &[String]) -> String {
    let mut page = String::new();
    // Writing into a String cannot fail.
    let _ = write(&mut page, report, charts);
    page
}

fn write(page: &mut String, report: &Report, charts: &[String]) -> std::fmt::Result {
    let title = escaped(&report.scenario);
    writeln!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>{STYLE}</style></head><body>\n<h1>{}</h1>",
        escaped(&question(report))
    )?;
    if !report.complete {
        writeln!(
            page,
            "<p class=\"warning\">Incomplete: not every point was run to its end.</p>"
        )?;
    }
    for remark in &report.remarks {
        writeln!(page, "<p><em>{}</em></p>", escaped(remark))?;
    }
    answer(page, report)?;
    for svg in charts {
        // What stands before the root element has no place inside a page.
        let root = svg.find("<svg").map_or("", |at| &svg[at..]);
        writeln!(page, "<figure>{root}</figure>")?;
    }
    points(page, report)?;
    accounts::write(page, report)?;
    setup(page, report)?;
    glossary(page)?;
    provenance(page, report)?;
    writeln!(page, "</body></html>")
}

fn answer(page: &mut String, report: &Report) -> std::fmt::Result {
    let verdicts = verdicts(report);
    if verdicts.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "<h2>Answer</h2>\n<p>A variant holds while its workers are busy {:.0} % of the time, or, where tasks come at a rate, \
         serve as much of them.</p>\n<ul>",
        100.0 * HOLDS
    )?;
    for verdict in verdicts {
        let name = match verdict.variant.as_str() {
            "" => "It".to_owned(),
            variant => format!("<b>{}</b>", escaped(variant)),
        };
        writeln!(page, "<li>{name} {}.</li>", escaped(&verdict.to_string()))?;
    }
    writeln!(page, "</ul>")
}

fn points(page: &mut String, report: &Report) -> std::fmt::Result {
    let heading = match report.clock {
        Clock::Real => "Measured",
        Clock::Virtual => "Modelled, in virtual time",
    };
    writeln!(
        page,
        "<h2>{heading}</h2>\n<table><tr><th>variant</th><th>workers</th><th>utilisation</th><th>formula (MVA or bound)</th>\
         <th>tasks/s</th><th>waiting p99</th><th>last result</th><th>hub CPU/task</th>\
         <th>broker CPU/task</th><th>redelivered</th><th>limited by</th></tr>"
    )?;
    for point in &report.points {
        let mean = &point.mean;
        let void = match point.void() {
            Some(_) => " class=\"void\"",
            None => "",
        };
        let lost = point.tally.lost_each();
        let formula = point.theory.mva.unwrap_or(point.theory.bound);
        writeln!(
            page,
            "<tr{void}><td>{}</td><td>{}</td><td>{}</td><td>{formula:.3}</td><td>{}</td><td>{}</td>\
             <td>{}</td><td>{}</td><td>{}</td><td>{lost}</td><td>{}</td></tr>",
            escaped(&point.variant),
            count(point.workers),
            cell(mean.utilisation, ""),
            cell(mean.throughput_per_s, ""),
            cell(mean.schedule_to_start_p99_s, " s"),
            cell(mean.makespan_s, " s"),
            cell(mean.hub_cpu_us_per_task, " µs"),
            cell(mean.broker_cpu_us_per_task, " µs"),
            escaped(&limit(point).to_string()),
        )?;
    }
    writeln!(page, "</table>")?;
    for point in &report.points {
        if let Some(reason) = point.void() {
            writeln!(
                page,
                "<p class=\"void\">{} with {} workers does not count: {}.</p>",
                escaped(&point.variant),
                count(point.workers),
                escaped(reason)
            )?;
        }
    }
    Ok(())
}

fn setup(page: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(
        page,
        "<h2>Set-up</h2>\n<p>{}</p>",
        match scale(report) {
            Some(scale) => format!("As scaled: {scale}, and every rate is as much higher."),
            None => "In unscaled time.".to_owned(),
        }
    )?;
    let mut shown = "";
    for point in &report.points {
        if !shown.is_empty() && shown == point.variant {
            continue;
        }
        shown = &point.variant;
        let setup = serde_json::to_string_pretty(&point.setup).unwrap_or_default();
        writeln!(
            page,
            "<details><summary>{} ({} workers)</summary><pre>{}</pre></details>",
            escaped(&point.variant),
            point.workers,
            escaped(&setup)
        )?;
    }
    Ok(())
}

fn provenance(page: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(page, "<h2>Provenance</h2>")?;
    match &report.machine {
        Some(machine) => writeln!(
            page,
            "<p>skyscan {}, {} cores shared by hub, fleet and broker, kernel {}, load average {:.1} \
             before and {:.1} after.</p>",
            escaped(&machine.skyscan),
            machine.cores,
            escaped(&machine.kernel),
            machine.load_before,
            machine.load_after
        )?,
        None => writeln!(
            page,
            "<p>In virtual time: Scanner and Workers ran in one process on a clock that jumps, over a \
             modelled network. The figures are the same on any machine.</p>"
        )?,
    }
    writeln!(page, "<table><tr><th>number</th><th>source</th></tr>")?;
    for (key, source) in &report.sources {
        writeln!(
            page,
            "<tr><td><code>{}</code></td><td>{}</td></tr>",
            escaped(key),
            escaped(source)
        )?;
    }
    writeln!(page, "</table>")
}

/// A mean with its interval; empty where there is none.
fn cell(interval: Option<Interval>, unit: &str) -> String {
    interval.map_or_else(String::new, |interval| with_interval(interval, 1.0) + unit)
}

fn glossary(page: &mut String) -> std::fmt::Result {
    writeln!(page, "<h2>Words</h2>\n<dl>")?;
    for (word, meaning) in GLOSSARY {
        writeln!(
            page,
            "<dt>{}</dt><dd>{}</dd>",
            escaped(word),
            escaped(meaning)
        )?;
    }
    writeln!(page, "</dl>")
}
