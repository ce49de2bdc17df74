//! Rounds in an npz archive.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};

use serde_json::{Map, Value as Json};

use super::{Block, full_row, has_positions, nside_of};
use crate::npy::{Records, Value};
use skyscan_sky::Nside;

/// What any archive may unpack to, however small it is.
const FREE_BYTES: u64 = 16 << 20;
/// How many times its packed size beyond that; real ones unpack to ten times at most.
const MOST_RATIO: u64 = 16;
/// Members of an archive: a header, and two for each resolution there is.
const MOST_MEMBERS: usize = 64;

/// The rounds of an archive; the error says what is wrong with it.
pub(super) fn read(file: &[u8]) -> Result<Vec<Block>, String> {
    let mut archive = Archive {
        zip: zip::ZipArchive::new(Cursor::new(file)).map_err(|e| e.to_string())?,
        left: FREE_BYTES + MOST_RATIO * file.len() as u64,
    };
    let mut members = archive.members()?;
    let mut metadata = match members.remove("header") {
        Some(i) => archive.open("header", i)?.metadata()?,
        None => BTreeMap::new(),
    };
    let mut blocks = Vec::new();
    let mut failed = Vec::new();
    for (name, i) in &members {
        let mut member = archive.open(name, *i)?;
        if let Some(number) = name.strip_prefix("failed-") {
            let nside = nside_of(&format!("nside-{number}"))?;
            member.fits(nside)?;
            while let Some(row) = member.next_row()? {
                let index = row.first().copied().unwrap_or(f64::NAN);
                failed.push((nside, index as u64, "failed".to_owned()));
            }
            continue;
        }
        let nside = nside_of(name)?;
        member.fits(nside)?;
        let has_positions = has_positions(&member.records.names())?;
        let n_columns = member.records.names().len();
        let mut rows = Vec::new();
        while let Some(row) = member.next_row()? {
            rows.push(full_row(&row, n_columns)?);
        }
        blocks.push(Block {
            nside,
            has_positions,
            metadata: metadata
                .remove(&Some(u32::from(nside).into()))
                .unwrap_or_default(),
            rows,
            failed: Vec::new(),
        });
    }
    if let Some(first) = blocks.first_mut() {
        first.failed = failed;
    }
    Ok(blocks)
}

struct Archive<'a> {
    zip: zip::ZipArchive<Cursor<&'a [u8]>>,
    /// What may still be unpacked.
    left: u64,
}

impl Archive<'_> {
    /// Names of the arrays, with their places.
    fn members(&mut self) -> Result<BTreeMap<String, usize>, String> {
        if self.zip.len() > MOST_MEMBERS {
            return Err(format!("it has {} members", self.zip.len()));
        }
        let mut members = BTreeMap::new();
        for i in 0..self.zip.len() {
            let member = self.zip.by_index(i).map_err(|e| e.to_string())?;
            let name = member.name().map_err(|e| e.to_string())?;
            let name = name.trim_end_matches(".npy").to_owned();
            if members.insert(name.clone(), i).is_some() {
                return Err(format!("it has {name:?} twice"));
            }
        }
        Ok(members)
    }

    fn open<'b>(&'b mut self, name: &'b str, i: usize) -> Result<Member<'b>, String> {
        let member = self.zip.by_index(i).map_err(|e| e.to_string())?;
        let bounded: Box<dyn Read + 'b> = Box::new(Bounded {
            inner: member,
            left: &mut self.left,
        });
        match Records::open(bounded) {
            Ok(records) => Ok(Member { name, records }),
            Err(what) => Err(format!("{name} {what}")),
        }
    }
}

/// An array of the archive, whose errors begin with its name.
struct Member<'a> {
    name: &'a str,
    records: Records<Box<dyn Read + 'a>>,
}

impl Member<'_> {
    fn told(&self, what: impl std::fmt::Display) -> String {
        format!("{} {what}", self.name)
    }

    /// Refuses more rows than a resolution has pixels, before any is unpacked.
    fn fits(&self, nside: Nside) -> Result<(), String> {
        let (n, most) = (self.records.left(), nside.n_pixels());
        match n > most {
            true => Err(self.told(format_args!("has {n} rows for {most} pixels"))),
            false => Ok(()),
        }
    }

    fn next_row(&mut self) -> Result<Option<Vec<f64>>, String> {
        let record = self.records.next_record();
        let record = record.map_err(|what| self.told(what))?;
        Ok(record.map(|record| record.iter().map(number).collect()))
    }

    /// What the header says of each round.
    fn metadata(mut self) -> Result<BTreeMap<Option<u64>, Map<String, Json>>, String> {
        if self.records.left() > MOST_MEMBERS as u64 {
            return Err(self.told(format_args!("has {} rows", self.records.left())));
        }
        let names = self.records.names().into_iter().map(str::to_owned);
        let names: Vec<String> = names.collect();
        let mut metadata = BTreeMap::new();
        while let Some(record) = self.records.next_record().map_err(|what| self.told(what))? {
            let row: Map<String, Json> = names
                .iter()
                .cloned()
                .zip(record.into_iter().map(json))
                .collect();
            metadata.insert(row.get("nside").and_then(Json::as_u64), row);
        }
        Ok(metadata)
    }
}

/// Stops a decompression bomb.
struct Bounded<'a, R> {
    inner: R,
    left: &'a mut u64,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        *self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::other(format!(
                "makes the archive unpack to more than {MOST_RATIO} times its size"
            ))
        })?;
        Ok(read)
    }
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Integer(number) => *number as f64,
        Value::Real(number) => *number,
        Value::Flag(_) | Value::Text(_) => f64::NAN,
    }
}

fn json(value: Value) -> Json {
    match value {
        Value::Integer(number) => number.into(),
        Value::Real(number) => number.into(),
        Value::Flag(flag) => flag.into(),
        Value::Text(text) => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// An archive of one array.
    fn npz(name: &str, descr: &str, shape: u64, bytes: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': {descr}, 'fortran_order': False, 'shape': ({shape},), }}\n");
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(name, options).unwrap();
        archive.write_all(b"\x93NUMPY\x01\0").unwrap();
        let length = header.len() as u16;
        archive.write_all(&length.to_le_bytes()).unwrap();
        archive.write_all(header.as_bytes()).unwrap();
        archive.write_all(bytes).unwrap();
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn bombs_are_refused_before_they_are_unpacked() {
        let columns = "[('index', '<i8'), ('llh', '<f8'), ('E_in', '<f8'), ('E_tot', '<f8')]";
        let zeros = vec![0_u8; 40 << 20];
        let rows = zeros.len() as u64 / 32;
        for (file, part) in [
            (
                npz("nside-8.npy", columns, rows, &zeros),
                "nside-8 has 1310720 rows for 768 pixels",
            ),
            (
                npz("nside-8.npy", columns, 1, &zeros),
                "nside-8 goes on after the records",
            ),
            (
                npz("nside-65536.npy", columns, rows, &zeros),
                "nside-65536 makes the archive unpack to more than 16 times its size",
            ),
            (
                npz("header.npy", "[('a', '<U9999999')]", 6, &zeros),
                "header has records of",
            ),
            (
                npz("header.npy", "[('a', '<U9')]", 1 << 20, &zeros),
                "header has 1048576 rows",
            ),
            (npz("x.npy", columns, 1, &zeros), "\"x\" names no round"),
        ] {
            let told = read(&file).unwrap_err();
            assert!(told.contains(part), "{told}");
        }
    }
}
