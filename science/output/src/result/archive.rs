//! The same result as an npz archive, which loads faster: `skyreader` reads it too.

use std::io::{self, Cursor, Write};

use serde_json::Value as Json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{COLUMNS, failed_indices, finite_fit, fitted_rounds, metadata};
use crate::ScanRecord;
use crate::npy::{self, Kind, Value};
use skyscan_sky::Nside;

/// Reasons of failures stay in the JSON file: as arrays they would take more room than the map.
const LEFT_OUT: &str = "failed";

/// Writes the whole archive. Times of its members are not the clock's: equal maps give equal files.
pub(crate) fn write(record: &ScanRecord<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default())
        .large_file(true);
    let rounds: Vec<Nside> = fitted_rounds(record.map).collect();
    if !rounds.is_empty() {
        archive.start_file("header.npy", options)?;
        write_header(record, &rounds, &mut archive)?;
    }
    let columns: Vec<(String, Kind)> = COLUMNS
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let kind = if i == 0 { Kind::Integer } else { Kind::Real };
            ((*name).to_owned(), kind)
        })
        .collect();
    for (nside, pixels) in record.map.rounds() {
        if rounds.contains(nside) {
            archive.start_file(format!("nside-{nside}.npy"), options)?;
            let fits = || {
                let outcomes = pixels.iter();
                outcomes.filter_map(|(&index, outcome)| Some((index, finite_fit(outcome)?)))
            };
            let rows = fits().map(|(index, fit)| {
                let [x, y, z] = fit.position_m;
                let energies = [fit.energy_inside_gev, fit.energy_total_gev]
                    .map(|energy| energy.unwrap_or(f64::NAN));
                let numbers = [fit.llh, energies[0], energies[1], x, y, z, fit.time_ns];
                std::iter::once(Value::Integer(index as i64))
                    .chain(numbers.map(Value::Real))
                    .collect()
            });
            npy::write(&mut archive, &columns, fits().count(), rows)?;
        }
        let failed = failed_indices(pixels);
        if !failed.is_empty() {
            archive.start_file(format!("failed-{nside}.npy"), options)?;
            let rows = failed
                .iter()
                .map(|&index| vec![Value::Integer(index as i64)]);
            npy::write(&mut archive, &columns[..1], failed.len(), rows)?;
        }
    }
    out.write_all(&archive.finish()?.into_inner())
}

/// One record a round: what the JSON file has as metadata.
fn write_header(record: &ScanRecord<'_>, rounds: &[Nside], out: &mut dyn Write) -> io::Result<()> {
    let mut rows = Vec::new();
    for &nside in rounds {
        let Json::Object(entries) = serde_json::to_value(metadata(record, nside, rounds))? else {
            continue;
        };
        let row: Vec<(String, Value)> = entries
            .into_iter()
            .filter(|(key, _)| !key.starts_with(LEFT_OUT))
            .filter_map(|(key, entry)| Some((key, value(entry)?)))
            .collect();
        rows.push(row);
    }
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let fields: Vec<(String, Kind)> = first
        .iter()
        .enumerate()
        .map(|(i, (name, _))| {
            let kinds = rows.iter().map(|row| kind(&row[i].1));
            let widest = kinds.max_by_key(|kind| match kind {
                Kind::Text(length) => *length,
                _ => 0,
            });
            (name.clone(), widest.unwrap_or(Kind::Integer))
        })
        .collect();
    let n_rows = rows.len();
    let values = |row: Vec<(String, Value)>| row.into_iter().map(|(_, value)| value).collect();
    npy::write(out, &fields, n_rows, rows.into_iter().map(values))
}

fn value(entry: Json) -> Option<Value> {
    match entry {
        Json::Bool(flag) => Some(Value::Flag(flag)),
        Json::String(text) => Some(Value::Text(text)),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => Some(Value::Integer(whole)),
            None => number.as_f64().map(Value::Real),
        },
        _ => None,
    }
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Integer(_) => Kind::Integer,
        Value::Real(_) => Kind::Real,
        Value::Flag(_) => Kind::Flag,
        Value::Text(text) => Kind::Text(text.chars().count().max(1)),
    }
}
