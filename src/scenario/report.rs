//! What a replay leaves behind for people: tables for a spreadsheet, charts, and one page that has
//! question, set-up, figure, answer and provenance.

mod charts;
mod page;
pub mod table;
mod tables;
pub mod verdict;

use std::path::{Path, PathBuf};

use super::results::Report;
use crate::drawing;
use crate::output::OutputError;
use crate::output::file::{make_folder, write_atomically};

/// Writes everything into a folder, which is made if need be; returns the files, the page last.
///
/// # Errors
/// If the folder or a file cannot be written or a chart not be drawn.
pub fn write_all(dir: &Path, report: &Report) -> Result<Vec<PathBuf>, OutputError> {
    make_folder(dir)?;
    let mut files = Vec::new();
    let mut pictures = Vec::new();
    for (name, figure) in charts::all(report) {
        let (png_name, svg_name) = (format!("{name}.png"), format!("{name}.svg"));
        let drawn = |path: &str| {
            let path = dir.join(path);
            move |source| OutputError::Draw { path, source }
        };
        let png = drawing::png(&figure).map_err(drawn(&png_name))?;
        let svg = drawing::svg(&figure).map_err(drawn(&svg_name))?;
        files.push(write_atomically(dir, &png_name, |out| out.write_all(&png))?);
        files.push(write_atomically(dir, &svg_name, |out| {
            out.write_all(svg.as_bytes())
        })?);
        pictures.push(svg);
    }
    let json = |out: &mut dyn std::io::Write| {
        serde_json::to_writer_pretty(out, report).map_err(std::io::Error::from)
    };
    files.push(write_atomically(dir, "report.json", json)?);
    let points = |out: &mut dyn std::io::Write| tables::points(report, out);
    files.push(write_atomically(dir, "points.csv", points)?);
    let runs = |out: &mut dyn std::io::Write| tables::runs(report, out);
    files.push(write_atomically(dir, "runs.csv", runs)?);
    let text = table::text(report);
    files.push(write_atomically(dir, "table.txt", |out| {
        out.write_all(text.as_bytes())
    })?);
    let page = page::html(report, &pictures);
    files.push(write_atomically(dir, "report.html", |out| {
        out.write_all(page.as_bytes())
    })?);
    Ok(files)
}

#[cfg(test)]
mod tests;
