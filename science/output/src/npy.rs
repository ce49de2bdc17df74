//! NumPy arrays of records (NEP 1, version 1.0), in and out: what an npz archive holds.
//!
//! Decision: FITS and npy are written by our own hands (`docs/decisions.md`).

mod read;

use std::io::{self, Write};

pub(crate) use read::Records;

const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `<i8`
    Integer,
    /// `<f8`
    Real,
    /// `|b1`
    Flag,
    /// `<U` and so many characters.
    Text(usize),
}

impl Kind {
    fn name(self) -> String {
        match self {
            Self::Integer => "<i8".to_owned(),
            Self::Real => "<f8".to_owned(),
            Self::Flag => "|b1".to_owned(),
            Self::Text(length) => format!("<U{length}"),
        }
    }

    fn size(self) -> usize {
        match self {
            Self::Integer | Self::Real => 8,
            Self::Flag => 1,
            Self::Text(length) => 4 * length,
        }
    }
}

/// One value of a record.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Integer(i64),
    Real(f64),
    Flag(bool),
    Text(String),
}

/// Writes an array of records; every record has the values that `fields` name.
pub(super) fn write(
    out: &mut dyn Write,
    fields: &[(String, Kind)],
    n_records: usize,
    records: impl Iterator<Item = Vec<Value>>,
) -> io::Result<()> {
    let described: Vec<String> = fields
        .iter()
        .map(|(name, kind)| format!("('{name}', '{}')", kind.name()))
        .collect();
    let mut header = format!(
        "{{'descr': [{}], 'fortran_order': False, 'shape': ({n_records},), }}",
        described.join(", ")
    );
    // The numbers begin at a multiple of 64 bytes, after a line break.
    let begun = MAGIC.len() + 2 + header.len() + 1;
    header += &" ".repeat(begun.next_multiple_of(64) - begun);
    header.push('\n');
    let length = u16::try_from(header.len())
        .map_err(|_| io::Error::other("an array has too many fields"))?;
    out.write_all(MAGIC)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    for record in records {
        for (value, (_, kind)) in record.iter().zip(fields) {
            match (value, kind) {
                (Value::Integer(number), _) => out.write_all(&number.to_le_bytes())?,
                (Value::Real(number), _) => out.write_all(&number.to_le_bytes())?,
                (Value::Flag(flag), _) => out.write_all(&[u8::from(*flag)])?,
                (Value::Text(text), kind) => {
                    let mut codes: Vec<u8> = text
                        .chars()
                        .flat_map(|c| u32::from(c).to_le_bytes())
                        .collect();
                    codes.resize(kind.size(), 0);
                    out.write_all(&codes)?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> (Vec<(String, Kind)>, Vec<Vec<Value>>) {
        let fields = [
            ("index", Kind::Integer),
            ("llh", Kind::Real),
            ("complete", Kind::Flag),
            ("event_type", Kind::Text(4)),
        ];
        let records = [(-7, 0.1, true, "GOLD"), (1 << 40, -1e300, false, "ä")];
        (
            fields.map(|(name, kind)| (name.to_owned(), kind)).to_vec(),
            records
                .map(|(i, x, flag, text)| {
                    vec![
                        Value::Integer(i),
                        Value::Real(x),
                        Value::Flag(flag),
                        Value::Text(text.to_owned()),
                    ]
                })
                .to_vec(),
        )
    }

    #[test]
    fn what_was_written_is_read() {
        let (fields, records) = sample();
        let mut file = Vec::new();
        write(&mut file, &fields, 2, records.clone().into_iter()).unwrap();
        assert_eq!((file.len() - 2 * 33) % 64, 0);
        let mut read = Records::open(file.as_slice()).unwrap();
        assert_eq!(read.names(), ["index", "llh", "complete", "event_type"]);
        for record in records {
            assert_eq!(read.next_record().unwrap(), Some(record));
        }
        assert_eq!(read.next_record(), Ok(None));
    }

    #[test]
    fn no_damage_makes_it_panic() {
        let (fields, records) = sample();
        let mut file = Vec::new();
        write(&mut file, &fields, 2, records.into_iter()).unwrap();
        let count = |file: &[u8]| {
            let Ok(mut read) = Records::open(file) else {
                return 0;
            };
            let mut count = 0;
            while let Ok(Some(_)) = read.next_record() {
                count += 1;
            }
            count
        };
        for end in 0..file.len() {
            assert!(count(&file[..end]) <= 2);
        }
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x15;
            assert!(count(&damaged) < 1000);
        }
    }
}
