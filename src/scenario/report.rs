//! What a replay leaves behind for people: tables for a spreadsheet, charts, and one page that has
//! question, set-up, figure, answer and provenance.

pub(in crate::scenario) mod charts;
pub mod compare;
mod figures;
pub mod glossary;
mod page;
pub mod table;
mod tables;
pub mod threshold;
pub mod validation;
pub mod verdict;
mod waits;
pub(in crate::scenario) mod written;

use std::path::{Path, PathBuf};

use crate::drawing::{self, Figure};
use crate::output::OutputError;
use crate::output::file::{make_folder, write_atomically};
use crate::scenario::model::validation::Validation;
use crate::scenario::results::Report;

/// Sizes that span more than this factor are drawn on an axis of equal ratios.
const WIDE: f64 = 5.0;

/// Writes everything into a folder, which is made if need be; returns the files, the page last.
///
/// # Errors
/// If the folder or a file cannot be written or a chart not be drawn.
pub fn write_all(dir: &Path, report: &Report) -> Result<Vec<PathBuf>, OutputError> {
    make_folder(dir)?;
    let mut files = Vec::new();
    let mut pictures = Vec::new();
    for (name, figure) in charts::all(report).into_iter().chain(waits::all(report)) {
        let svg = write_figure(dir, name, &figure, &mut files)?;
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
    let text = table::text(report, table::NARROW);
    files.push(write_atomically(dir, "table.txt", |out| {
        out.write_all(text.as_bytes())
    })?);
    let page = page::html(report, &pictures);
    files.push(write_atomically(dir, "report.html", |out| {
        out.write_all(page.as_bytes())
    })?);
    Ok(files)
}

/// Writes a validation into a folder, which is made if need be; returns the files, the table last.
///
/// # Errors
/// If the folder or a file cannot be written or the chart not be drawn.
pub fn write_validation(dir: &Path, validation: &Validation) -> Result<Vec<PathBuf>, OutputError> {
    make_folder(dir)?;
    let mut files = Vec::new();
    let figure = validation::figure(validation);
    write_figure(dir, "validation", &figure, &mut files)?;
    let json = |out: &mut dyn std::io::Write| {
        serde_json::to_writer_pretty(out, validation).map_err(std::io::Error::from)
    };
    files.push(write_atomically(dir, "validation.json", json)?);
    let text = validation::text(validation);
    files.push(write_atomically(dir, "validation.txt", |out| {
        out.write_all(text.as_bytes())
    })?);
    Ok(files)
}

/// Writes a picture in both forms; returns it as SVG.
fn write_figure(
    dir: &Path,
    name: &str,
    figure: &Figure,
    files: &mut Vec<PathBuf>,
) -> Result<String, OutputError> {
    let (png_name, svg_name) = (format!("{name}.png"), format!("{name}.svg"));
    let drawn = |path: &str| {
        let path = dir.join(path);
        move |source| OutputError::Draw { path, source }
    };
    let png = drawing::png(figure).map_err(drawn(&png_name))?;
    let svg = drawing::svg(figure).map_err(drawn(&svg_name))?;
    files.push(write_atomically(dir, &png_name, |out| out.write_all(&png))?);
    files.push(write_atomically(dir, &svg_name, |out| {
        out.write_all(svg.as_bytes())
    })?);
    Ok(svg)
}

/// Rows of cells in columns: the first one from the left, the others from the right.
pub(crate) fn rows(cells: &[Vec<String>]) -> String {
    let n_columns = cells.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let lengths = cells
            .iter()
            .filter_map(|row| Some(row.get(column)?.chars().count()));
        lengths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    let mut text = String::new();
    for row in cells {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            line += &match column {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
