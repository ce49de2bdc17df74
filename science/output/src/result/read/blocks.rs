//! The rounds of a result file, as they stand there.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::super::{COLUMNS, NAN};
use crate::npy::{Records, Value};
use skyscan_sky::Nside;

/// Number of columns that version 0 has: the first ones.
const OLD_COLUMNS: usize = 4;

/// A member of an archive may unpack to this many bytes; a direct scan of the whole sky at nside
/// 512 has 200 MB.
const LARGEST_MEMBER: u64 = 1 << 30;

/// One round.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) nside: Nside,
    pub(super) metadata: Map<String, Json>,
    /// The rows have all columns; those of version 0 lack positions and times, which are NaN here.
    pub(super) has_positions: bool,
    /// Index, then llh, energies inside and total, x, y, z, time.
    pub(super) rows: Vec<(u64, [f64; 7])>,
    /// Pixels without a row: resolution, index, reason.
    pub(super) failed: Vec<(Nside, u64, String)>,
}

impl Block {
    pub(super) fn text(&self, key: &str) -> &str {
        self.metadata.get(key).and_then(Json::as_str).unwrap_or("")
    }
}

/// All rounds of a file, JSON or npz; the error says what is wrong with it.
pub(super) fn read(file: &[u8]) -> Result<Vec<Block>, String> {
    let blocks = if file.starts_with(b"PK") {
        from_archive(file)?
    } else {
        from_json(file)?
    };
    if blocks.is_empty() {
        return Err("it has no rounds".to_owned());
    }
    Ok(blocks)
}

#[derive(Deserialize)]
struct JsonBlock {
    columns: Vec<String>,
    metadata: Map<String, Json>,
    data: Vec<Vec<Entry>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    Number(f64),
    Text(String),
    Nothing,
}

impl Entry {
    fn number(&self) -> Result<f64, String> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(text) if text == NAN => Ok(f64::NAN),
            Self::Nothing => Ok(f64::NAN),
            Self::Text(text) => Err(format!("{text:?} is no number")),
        }
    }
}

fn from_json(file: &[u8]) -> Result<Vec<Block>, String> {
    let blocks: BTreeMap<String, JsonBlock> =
        serde_json::from_slice(&without_nan(file)).map_err(|error| error.to_string())?;
    let mut read = Vec::new();
    for (key, block) in blocks {
        let has_positions = has_positions(&block.columns)?;
        let rows = block.data.iter().map(|row| {
            let numbers = row.iter().map(Entry::number);
            let numbers: Vec<f64> = numbers.collect::<Result<_, _>>()?;
            full_row(&numbers, block.columns.len())
        });
        let nside = nside_of(&key)?;
        read.push(Block {
            nside,
            has_positions,
            rows: rows.collect::<Result<_, _>>()?,
            failed: listed_failures(nside, &block.metadata)?,
            metadata: block.metadata,
        });
    }
    Ok(read)
}

/// Python writes `NaN` for what is not a number, which JSON does not know: `null` stands in for it.
fn without_nan(file: &[u8]) -> Vec<u8> {
    let mut strict = Vec::with_capacity(file.len());
    let (mut quoted, mut escaped) = (false, false);
    let mut rest = file;
    while let [byte, after @ ..] = rest {
        if !quoted && rest.starts_with(b"NaN") {
            strict.extend(b"null");
            rest = &rest[3..];
            continue;
        }
        quoted ^= *byte == b'"' && !escaped;
        escaped = quoted && *byte == b'\\' && !escaped;
        strict.push(*byte);
        rest = after;
    }
    strict
}

/// What [`super::super::failures`] wrote.
fn listed_failures(
    nside: Nside,
    metadata: &Map<String, Json>,
) -> Result<Vec<(Nside, u64, String)>, String> {
    let mut failed = Vec::new();
    for (key, value) in metadata {
        let (nside, Some(lines)) = (
            match key.strip_prefix("failed_nside_") {
                Some(number) => nside_of(&format!("nside-{number}"))?,
                None if key == "failed" => nside,
                None => continue,
            },
            value.as_str(),
        ) else {
            continue;
        };
        for line in lines.lines() {
            let (index, reason) = line.split_once(' ').unwrap_or((line, ""));
            let index = index
                .parse()
                .map_err(|_| format!("{line:?} names no failed pixel"))?;
            failed.push((nside, index, reason.to_owned()));
        }
    }
    Ok(failed)
}

fn from_archive(file: &[u8]) -> Result<Vec<Block>, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).map_err(|e| e.to_string())?;
    let mut members = BTreeMap::new();
    for i in 0..archive.len() {
        let member = archive.by_index(i).map_err(|e| e.to_string())?;
        let name = member.name().map_err(|e| e.to_string())?;
        let name = name.trim_end_matches(".npy").to_owned();
        let mut bytes = Vec::new();
        let read = member.take(LARGEST_MEMBER).read_to_end(&mut bytes);
        read.map_err(|error| format!("{name} {error}"))?;
        members.insert(name, bytes);
    }
    let parse =
        |name: &str, bytes| Records::parse(bytes).map_err(|what: String| format!("{name} {what}"));
    let mut metadata = BTreeMap::new();
    if let Some(bytes) = members.get("header") {
        let header = parse("header", bytes)?;
        for row in header.iter() {
            let names = header.names().into_iter().map(str::to_owned);
            let row: Map<String, Json> = names.zip(row.into_iter().map(json)).collect();
            metadata.insert(row.get("nside").and_then(Json::as_u64), row);
        }
    }
    let mut blocks = Vec::new();
    let mut failed = Vec::new();
    for (name, bytes) in &members {
        if let Some(number) = name.strip_prefix("failed-") {
            let nside = nside_of(&format!("nside-{number}"))?;
            for row in parse(name, bytes)?.iter() {
                let index = numbers(row).first().copied().unwrap_or(f64::NAN);
                failed.push((nside, index as u64, "failed".to_owned()));
            }
        } else if name != "header" {
            let records = parse(name, bytes)?;
            let nside = nside_of(name)?;
            let n_columns = records.names().len();
            let rows = records.iter().map(|row| full_row(&numbers(row), n_columns));
            blocks.push(Block {
                nside,
                has_positions: has_positions(&records.names())?,
                metadata: metadata
                    .remove(&Some(u32::from(nside).into()))
                    .unwrap_or_default(),
                rows: rows.collect::<Result<_, _>>()?,
                failed: Vec::new(),
            });
        }
    }
    if let Some(first) = blocks.first_mut() {
        first.failed = failed;
    }
    Ok(blocks)
}

fn numbers(row: Vec<Value>) -> Vec<f64> {
    row.into_iter()
        .map(|value| match value {
            Value::Integer(number) => number as f64,
            Value::Real(number) => number,
            Value::Flag(_) | Value::Text(_) => f64::NAN,
        })
        .collect()
}

fn json(value: Value) -> Json {
    match value {
        Value::Integer(number) => number.into(),
        Value::Real(number) => number.into(),
        Value::Flag(flag) => flag.into(),
        Value::Text(text) => text.into(),
    }
}

fn has_positions(columns: &[impl AsRef<str>]) -> Result<bool, String> {
    let are = |known: &[&str]| columns.iter().map(AsRef::as_ref).eq(known.iter().copied());
    if are(&COLUMNS) {
        Ok(true)
    } else if are(&COLUMNS[..OLD_COLUMNS]) {
        Ok(false)
    } else {
        Err("its columns are not those of a scan".to_owned())
    }
}

fn full_row(numbers: &[f64], n_columns: usize) -> Result<(u64, [f64; 7]), String> {
    let (Some((&index, rest)), true) = (numbers.split_first(), numbers.len() == n_columns) else {
        return Err("a row has too few or too many numbers".to_owned());
    };
    if index.fract() != 0.0 || index < 0.0 {
        return Err(format!("{index} is no pixel"));
    }
    let mut row = [f64::NAN; 7];
    for (place, number) in row.iter_mut().zip(rest) {
        *place = *number;
    }
    Ok((index as u64, row))
}

fn nside_of(key: &str) -> Result<Nside, String> {
    key.strip_prefix("nside-")
        .and_then(|number| number.parse::<u32>().ok())
        .and_then(|number| Nside::try_from(number).ok())
        .ok_or_else(|| format!("{key:?} names no round"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_is_read_as_python_writes_it() {
        let rows = br#"[[0, NaN, 1.0, "<skyreader.nan>"], [1, 2.5, NaN, NaN]]"#;
        let metadata = br#"{"run_id": 1, "reco": "a \"NaN\" name", "failed": "7 NaN"}"#;
        let file = [
            br#"{"nside-1": {"columns": ["index", "llh", "E_in", "E_tot"], "metadata": "#
                .as_slice(),
            metadata,
            br#", "data": "#,
            rows,
            b"}}",
        ]
        .concat();
        let blocks = read(&file).unwrap();
        assert_eq!(blocks[0].text("reco"), "a \"NaN\" name");
        assert_eq!(blocks[0].failed, [(blocks[0].nside, 7, "NaN".to_owned())]);
        let [(0, first), (1, second)] = blocks[0].rows[..] else {
            panic!("{blocks:?}");
        };
        assert!(first[0].is_nan() && first[1] == 1.0 && first[2].is_nan());
        assert!(second[0] == 2.5 && second[1].is_nan() && !blocks[0].has_positions);
    }

    #[test]
    fn damage_is_told_without_a_panic() {
        for file in [
            "",
            "{}",
            "PK",
            r#"{"nside-3": {"columns": [], "metadata": {}, "data": []}}"#,
            r#"{"nside-1": {"columns": ["index", "llh", "E_in", "E_tot"], "metadata": {}, "data": [[1]]}}"#,
            r#"{"nside-1": {"columns": ["index", "llh", "E_in", "E_tot"], "metadata": {}, "data": [[0.5, 1, 1, 1]]}}"#,
        ] {
            assert!(read(file.as_bytes()).is_err(), "{file}");
        }
    }
}
