//! Arrays of records as NumPy writes them: either byte order, numbers of any width.
//!
//! A record is read at a time, so that a file costs no more than what is kept of it.

use std::io::Read;

use super::Value;

/// Versions 1 to 3 differ in how long a header may be and in the letters of names.
const MAGIC: &[u8] = b"\x93NUMPY";
/// Bytes of a header; real ones have a few hundred.
const LONGEST_HEADER: usize = 1 << 20;
/// Bytes of a record; real ones have less than a thousand.
const LARGEST_RECORD: usize = 1 << 20;

/// What a field holds, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Field {
    kind: Kind,
    size: usize,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Signed,
    Unsigned,
    Real,
    Flag,
    /// Four bytes a character.
    Text,
    /// One byte a character.
    Bytes,
}

/// Records that are still to be read.
#[derive(Debug)]
pub(crate) struct Records<R> {
    fields: Vec<(String, Field)>,
    left: u64,
    record: Vec<u8>,
    reader: R,
}

impl<R: Read> Records<R> {
    /// Reads the header of an array; the error says what is wrong with it.
    pub(crate) fn open(mut reader: R) -> Result<Self, String> {
        let begin: [u8; 8] = array(&mut reader)?;
        let length = match (begin.starts_with(MAGIC), begin[6]) {
            (true, 1) => usize::from(u16::from_le_bytes(array(&mut reader)?)),
            (true, 2 | 3) => u32::from_le_bytes(array(&mut reader)?) as usize,
            (true, version) => return Err(format!("is a NumPy array of version {version}")),
            (false, _) => return Err("is no NumPy array".to_owned()),
        };
        if length > LONGEST_HEADER {
            return Err(format!("has a header of {length} bytes"));
        }
        let mut header = vec![0; length];
        reader.read_exact(&mut header).map_err(cut_off)?;
        let header = std::str::from_utf8(&header).map_err(|_| "has a strange header")?;
        let fields = fields(header)?;
        let size: usize = fields.iter().map(|(_, field)| field.size).sum();
        if !(1..=LARGEST_RECORD).contains(&size) {
            return Err(format!("has records of {size} bytes"));
        }
        Ok(Self {
            left: n_records(header)?,
            fields,
            record: vec![0; size],
            reader,
        })
    }

    /// Names of the fields, in the order of the values.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.fields.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// How many records there are still.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// The values of the next record; none after the last.
    pub(crate) fn next_record(&mut self) -> Result<Option<Vec<Value>>, String> {
        if self.left == 0 {
            return match self.reader.read(&mut [0]).map_err(cut_off)? {
                0 => Ok(None),
                _ => Err("goes on after the records that it tells of".to_owned()),
            };
        }
        self.left -= 1;
        self.reader.read_exact(&mut self.record).map_err(cut_off)?;
        let mut rest = self.record.as_slice();
        let values = self.fields.iter().map(|(_, field)| {
            let (value, after) = rest.split_at(field.size);
            rest = after;
            field.decode(value)
        });
        Ok(Some(values.collect()))
    }
}

fn array<const N: usize>(reader: &mut impl Read) -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes).map_err(cut_off)?;
    Ok(bytes)
}

fn cut_off(error: std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "is cut off".to_owned(),
        _ => error.to_string(),
    }
}

impl Field {
    /// From a name such as `<f8`; the error is what it holds instead of numbers and texts.
    fn of(name: &str) -> Result<Self, String> {
        let refused = || {
            Err(format!(
                "has a field of the kind {name:?}, which is not read"
            ))
        };
        let mut letters = name.chars();
        let (Some(order @ ('<' | '>' | '|' | '=')), Some(kind), Ok(size)) = (
            letters.next(),
            letters.next(),
            letters.as_str().parse::<usize>(),
        ) else {
            return match name.ends_with('O') {
                true => Err("holds Python objects, which are not read".to_owned()),
                false => refused(),
            };
        };
        let (kind, width) = match (kind, size) {
            ('i', 1 | 2 | 4 | 8) => (Kind::Signed, 1),
            ('u', 1 | 2 | 4 | 8) => (Kind::Unsigned, 1),
            ('f', 4 | 8) => (Kind::Real, 1),
            ('b', 1) => (Kind::Flag, 1),
            ('U', _) => (Kind::Text, 4),
            ('S', _) => (Kind::Bytes, 1),
            _ => return refused(),
        };
        Ok(Self {
            kind,
            size: size.saturating_mul(width).min(2 * LARGEST_RECORD),
            big_endian: order == '>',
        })
    }

    fn decode(self, bytes: &[u8]) -> Value {
        match self.kind {
            Kind::Flag => Value::Flag(bytes.iter().any(|byte| *byte != 0)),
            Kind::Bytes => text(bytes.iter().map(|byte| u32::from(*byte))),
            Kind::Text => text(bytes.chunks_exact(4).map(|code| self.bits(code) as u32)),
            Kind::Real if self.size == 4 => {
                Value::Real(f32::from_bits(self.bits(bytes) as u32).into())
            }
            Kind::Real => Value::Real(f64::from_bits(self.bits(bytes))),
            Kind::Signed => {
                // The sign is that of the highest bit there is.
                let unused = 64 - 8 * self.size.min(8) as u32;
                Value::Integer((self.bits(bytes) << unused) as i64 >> unused)
            }
            Kind::Unsigned => {
                let number = self.bits(bytes);
                i64::try_from(number).map_or(Value::Real(number as f64), Value::Integer)
            }
        }
    }

    fn bits(self, bytes: &[u8]) -> u64 {
        let join = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
        match self.big_endian {
            true => bytes.iter().fold(0, join),
            false => bytes.iter().rev().fold(0, join),
        }
    }
}

fn text(codes: impl Iterator<Item = u32>) -> Value {
    let letters = codes.map(|code| char::from_u32(code).unwrap_or('\u{fffd}'));
    Value::Text(letters.take_while(|c| *c != '\0').collect())
}

/// Names and kinds from `'descr': [('index', '<i8'), ...]`.
fn fields(header: &str) -> Result<Vec<(String, Field)>, String> {
    let strange = || "does not hold records of numbers and texts".to_owned();
    let descr = header.split_once("'descr':").ok_or_else(strange)?.1;
    let Some(list) = descr.trim_start().strip_prefix('[') else {
        let kind = descr.split('\'').nth(1).unwrap_or_default();
        // What a plain array holds is told if it could not be read as a field either.
        Field::of(kind)?;
        return Err("is an array of plain numbers, without names of columns".to_owned());
    };
    let list = list.split_once(']').ok_or_else(strange)?.0;
    let mut quoted = list.split('\'');
    let mut words = Vec::new();
    // Between quoted words stands nothing but punctuation: digits would be the shape of a field.
    while let Some(between) = quoted.next() {
        if between.contains(|c: char| !"(), ".contains(c)) {
            return Err("has a field of several values, which is not read".to_owned());
        }
        words.extend(quoted.next());
    }
    let pairs = words.chunks_exact(2);
    if words.is_empty() || !pairs.remainder().is_empty() {
        return Err(strange());
    }
    pairs
        .map(|pair| Ok((pair[0].to_owned(), Field::of(pair[1])?)))
        .collect()
}

/// From `'shape': (48,)`. Of one dimension there is but one order, so `fortran_order` does not matter.
fn n_records(header: &str) -> Result<u64, String> {
    let shape = header
        .split_once("'shape':")
        .and_then(|(_, rest)| rest.split_once('(')?.1.split_once(')'))
        .map(|(shape, _)| shape.trim().trim_end_matches(',').trim());
    let shape = shape.ok_or("has a header without a shape")?;
    shape
        .parse()
        .map_err(|_| format!("has the shape ({shape}), not one list of records"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': {descr}, 'fortran_order': True, 'shape': {shape}, }}          \n");
        let length = header.len() as u16;
        let parts: [&[u8]; 4] = [
            b"\x93NUMPY\x01\0",
            &length.to_le_bytes(),
            header.as_bytes(),
            bytes,
        ];
        parts.concat()
    }

    fn first(descr: &str, bytes: &[u8]) -> Vec<Value> {
        let file = file(descr, "(1,)", bytes);
        let mut records = Records::open(file.as_slice()).unwrap();
        let record = records.next_record().unwrap().unwrap();
        assert_eq!(records.next_record(), Ok(None));
        record
    }

    #[test]
    fn numbers_of_any_width_and_order_are_read() {
        let bytes = [
            &(-7_i32).to_be_bytes()[..],
            &1.5_f32.to_le_bytes(),
            &2.5_f64.to_be_bytes(),
            &u64::MAX.to_le_bytes(),
            &[200, 255],
            &[0, 0, 0, 65, 0, 0, 0, 0],
            b"ab\0",
        ];
        let descr = "[('a', '>i4'), ('b', '<f4'), ('c', '>f8'), ('d', '<u8'), ('e', '|u1'), ('f', '|i1'), \
                     ('g', '>U2'), ('h', '|S3')]";
        let expected = [
            Value::Integer(-7),
            Value::Real(1.5),
            Value::Real(2.5),
            Value::Real(u64::MAX as f64),
            Value::Integer(200),
            Value::Integer(-1),
            Value::Text("A".to_owned()),
            Value::Text("ab".to_owned()),
        ];
        assert_eq!(first(descr, &bytes.concat()), expected);
    }

    #[test]
    fn what_is_not_read_is_told() {
        let refusal = |descr: &str, shape: &str| {
            let file = file(descr, shape, &[0; 8]);
            Records::open(file.as_slice()).unwrap_err()
        };
        assert!(refusal("'|O'", "(1,)").contains("Python objects"));
        assert!(refusal("[('a', '|O')]", "(1,)").contains("Python objects"));
        assert!(refusal("'<f8'", "(1,)").contains("plain numbers"));
        assert!(refusal("[('a', '<f8', (2,))]", "(1,)").contains("several values"));
        assert!(refusal("[('a', '<c16')]", "(1,)").contains("\"<c16\""));
        assert!(refusal("[('a', '<f8')]", "(1, 2)").contains("the shape (1, 2)"));
        assert!(refusal("[('a', '<U99999999999')]", "(1,)").contains("bytes"));
        assert!(refusal("[]", "(1,)").contains("does not hold records"));
    }

    #[test]
    fn more_or_fewer_bytes_than_told_are_damage() {
        let read = |shape: &str| {
            let file = file("[('a', '<i8')]", shape, &[0; 16]);
            let mut records = Records::open(file.as_slice()).unwrap();
            while records.next_record()?.is_some() {}
            Ok(())
        };
        assert_eq!(read("(2,)"), Ok(()));
        assert_eq!(read("(3,)"), Err("is cut off".to_owned()));
        assert!(read("(1,)").unwrap_err().contains("goes on"));
    }
}
