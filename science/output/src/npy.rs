//! NumPy arrays of records (NEP 1, version 1.0), in and out: what an npz archive holds.
//!
//! Decision: FITS and npy are written by our own hands (`docs/decisions.md`).

use std::io::{self, Write};

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

    fn of(name: &str) -> Option<Self> {
        match name {
            "<i8" => Some(Self::Integer),
            "<f8" => Some(Self::Real),
            "|b1" => Some(Self::Flag),
            _ => {
                let length: usize = name.strip_prefix("<U")?.parse().ok()?;
                (length <= LONGEST_TEXT).then_some(Self::Text(length))
            }
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

/// Longer texts are not read.
const LONGEST_TEXT: usize = 1 << 20;

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

/// An array of records that was read.
#[derive(Debug)]
pub(super) struct Records<'a> {
    fields: Vec<(String, Kind)>,
    bytes: &'a [u8],
}

impl<'a> Records<'a> {
    /// Takes an array apart; the error says what is wrong with it.
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, String> {
        let rest = file
            .strip_prefix(MAGIC)
            .ok_or("is no NumPy array of version 1")?;
        let (length, rest) = rest.split_first_chunk().ok_or("is cut off")?;
        let length = usize::from(u16::from_le_bytes(*length));
        let (header, bytes) = rest.split_at_checked(length).ok_or("is cut off")?;
        let header = std::str::from_utf8(header).map_err(|_| "has a strange header")?;
        let fields = fields(header).ok_or("does not hold records of numbers and texts")?;
        let records = Self { fields, bytes };
        if bytes.len() % records.size() != 0 {
            return Err("is cut off".to_owned());
        }
        Ok(records)
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The values of every record, in the order of the fields.
    pub(super) fn iter(&self) -> impl Iterator<Item = Vec<Value>> + '_ {
        self.bytes.chunks_exact(self.size()).map(|record| {
            let mut rest = record;
            let fields = self.fields.iter();
            fields
                .filter_map(|(_, kind)| {
                    let (value, after) = rest.split_at_checked(kind.size())?;
                    rest = after;
                    decode(*kind, value)
                })
                .collect()
        })
    }

    fn size(&self) -> usize {
        let size: usize = self.fields.iter().map(|(_, kind)| kind.size()).sum();
        size.max(1)
    }
}

fn decode(kind: Kind, bytes: &[u8]) -> Option<Value> {
    Some(match kind {
        Kind::Integer => Value::Integer(i64::from_le_bytes(bytes.try_into().ok()?)),
        Kind::Real => Value::Real(f64::from_le_bytes(bytes.try_into().ok()?)),
        Kind::Flag => Value::Flag(bytes.first()? != &0),
        Kind::Text(_) => {
            let codes = bytes.chunks_exact(4).map(|code| {
                let code = code.try_into().map_or(0, u32::from_le_bytes);
                char::from_u32(code).unwrap_or('\u{fffd}')
            });
            Value::Text(codes.take_while(|c| *c != '\0').collect())
        }
    })
}

/// Names and kinds from `'descr': [('index', '<i8'), ...]`; None for anything else.
fn fields(header: &str) -> Option<Vec<(String, Kind)>> {
    let list = header.split_once("'descr':")?.1.trim_start();
    let list = list.strip_prefix('[')?.split_once(']')?.0;
    let mut quoted = list.split('\'');
    let mut words = Vec::new();
    // Between quoted words stands nothing but punctuation.
    while let Some(between) = quoted.next() {
        if between.contains(|c: char| !"(), ".contains(c)) {
            return None;
        }
        words.extend(quoted.next());
    }
    let pairs = words.chunks_exact(2);
    if words.is_empty() || !pairs.remainder().is_empty() {
        return None;
    }
    pairs
        .map(|pair| Some((pair[0].to_owned(), Kind::of(pair[1])?)))
        .collect()
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
        let read = Records::parse(&file).unwrap();
        assert_eq!(read.names(), ["index", "llh", "complete", "event_type"]);
        assert_eq!(read.iter().collect::<Vec<_>>(), records);
        assert_eq!((file.len() - 2 * 33) % 64, 0);
    }

    #[test]
    fn no_damage_makes_it_panic() {
        let (fields, records) = sample();
        let mut file = Vec::new();
        write(&mut file, &fields, 2, records.into_iter()).unwrap();
        for end in 0..file.len() {
            if let Ok(read) = Records::parse(&file[..end]) {
                assert!(read.iter().count() <= 2);
            }
        }
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 0x15;
            if let Ok(read) = Records::parse(&damaged) {
                assert!(read.iter().count() < 1000);
            }
        }
    }

    #[test]
    fn other_arrays_are_refused() {
        for descr in [
            "'<f8'",
            "[('a', '<f8', (2,))]",
            "[('a', '>f8')]",
            "[]",
            "[('a')]",
        ] {
            let header = format!("{{'descr': {descr}, 'shape': (1,), }}");
            assert_eq!(fields(&header), None, "{descr}");
        }
    }
}
