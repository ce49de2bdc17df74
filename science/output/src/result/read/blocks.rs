//! The rounds of a result file, as they stand there.

mod archive;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::super::{COLUMNS, NAN};
use skyscan_event::python_json;
use skyscan_sky::Nside;

/// Number of columns that version 0 has: the first ones.
const OLD_COLUMNS: usize = 4;

/// So many bytes tell an event from a map.
const LOOKED_AT: usize = 200;

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
        archive::read(file)?
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
        python_json::from_slice(file).map_err(|error| no_rounds(file, &error))?;
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

/// What a file is that holds no rounds, in words of those who gave it.
fn no_rounds(file: &[u8], error: &str) -> String {
    let begin = file.trim_ascii_start();
    let begin = String::from_utf8_lossy(&begin[..begin.len().min(LOOKED_AT)]);
    if !begin.starts_with('{') {
        return "it is neither JSON, npz nor FITS".to_owned();
    }
    if begin.contains("skyscan-event") {
        return "it is an event: `skyscan event show` tells of it, `skyscan scan` makes its map"
            .to_owned();
    }
    if !begin.contains("\"nside-") {
        return "its JSON has no rounds (\"nside-8\"): the map of a scan has a name that ends like _4_8_16.json".to_owned();
    }
    format!("its JSON has no rounds (\"nside-8\") as a scan writes them: {error}")
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
