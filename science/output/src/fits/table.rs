//! The binary tables of a FITS file, read a row at a time (FITS standard 4.0, section 7.3).
//!
//! Decision: FITS is read by our own hands (`docs/decisions.md`).
//!
//! Every number of a header is checked before it is believed: a damaged digit can neither make the
//! reader loop nor ask for memory.

use std::io::{self, Read};

use super::BLOCK;
use super::cards::Cards;

/// Bytes of a row; a row of a flat map has 8 kB.
const LONGEST_ROW: u64 = 1 << 20;
/// Columns, by the standard.
const MOST_COLUMNS: u64 = 999;
/// Units (tables, pictures) that are passed over before the table.
const MOST_UNITS: usize = 100;

/// A table whose rows are still to be read.
#[derive(Debug)]
pub(crate) struct Table<R> {
    /// What its header says.
    pub(crate) cards: Cards,
    columns: Vec<Column>,
    row: Vec<u8>,
    rows_left: u64,
    reader: R,
}

/// A column that holds numbers.
#[derive(Clone, Debug, PartialEq)]
struct Column {
    name: String,
    kind: Option<Number>,
    repeat: usize,
    offset: usize,
    /// Added to what stands there: how unsigned numbers are written.
    zero: i128,
}

/// Big-endian, and so many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    Byte,
    Short,
    Int,
    Long,
    Float,
    Double,
}

/// One value of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell {
    /// A whole number.
    Integer(i128),
    /// Any other.
    Real(f64),
}

impl Cell {
    /// The number, rounded to a double.
    pub(crate) fn real(self) -> f64 {
        match self {
            Self::Integer(number) => number as f64,
            Self::Real(number) => number,
        }
    }

    /// The number if it counts something.
    pub(crate) fn count(self) -> Option<u64> {
        match self {
            Self::Integer(number) => u64::try_from(number).ok(),
            Self::Real(_) => None,
        }
    }
}

impl<R: Read> Table<R> {
    /// Goes to the first table of a file that has a column for which `is_wanted`.
    pub(crate) fn find(mut reader: R, is_wanted: impl Fn(&str) -> bool) -> Result<Self, String> {
        let mut seen: Vec<String> = Vec::new();
        for _ in 0..MOST_UNITS {
            let Some(cards) = Cards::read(&mut reader)? else {
                break;
            };
            if cards.text("XTENSION") == "BINTABLE" {
                let (columns, row_bytes, rows_left) = layout(&cards)?;
                if columns.iter().any(|column| is_wanted(&column.name)) {
                    return Ok(Self {
                        cards,
                        columns,
                        row: vec![0; row_bytes],
                        rows_left,
                        reader,
                    });
                }
                seen.extend(columns.into_iter().map(|column| column.name));
            }
            skip(&mut reader, data_bytes(&cards)?)?;
        }
        Err(match seen.is_empty() {
            true => "it has no table".to_owned(),
            false => format!("its tables have the columns {} only", seen.join(", ")),
        })
    }

    /// Names of the columns, in capitals.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// How many rows there are.
    pub(crate) fn n_rows(&self) -> u64 {
        self.rows_left
    }

    /// How many values of a column there are in a row.
    pub(crate) fn repeat(&self, column: usize) -> usize {
        self.columns.get(column).map_or(0, |column| column.repeat)
    }

    /// The values of some columns in the next row; none after the last. A column of texts or flags has no
    /// values.
    pub(crate) fn next_row(&mut self, wanted: &[usize]) -> Result<Option<Vec<Vec<Cell>>>, String> {
        if self.rows_left == 0 {
            return Ok(None);
        }
        self.rows_left -= 1;
        self.reader
            .read_exact(&mut self.row)
            .map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => "it ends in the middle of its table".to_owned(),
                _ => error.to_string(),
            })?;
        let values = |column: &Column| -> Vec<Cell> {
            let Some(kind) = column.kind else {
                return Vec::new();
            };
            let bytes = &self.row[column.offset..column.offset + column.repeat * kind.size()];
            let cells = bytes.chunks_exact(kind.size());
            cells.map(|cell| kind.decode(cell, column.zero)).collect()
        };
        let columns = wanted.iter().filter_map(|n| self.columns.get(*n));
        Ok(Some(columns.map(values).collect()))
    }
}

impl Number {
    fn size(self) -> usize {
        match self {
            Self::Byte => 1,
            Self::Short => 2,
            Self::Int | Self::Float => 4,
            Self::Long | Self::Double => 8,
        }
    }

    fn decode(self, bytes: &[u8], zero: i128) -> Cell {
        let bits = bytes
            .iter()
            .fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let integer = |number: i128| Cell::Integer(number + zero);
        match self {
            Self::Byte => integer(i128::from(bits)),
            Self::Short => integer(i128::from(bits as u16 as i16)),
            Self::Int => integer(i128::from(bits as u32 as i32)),
            Self::Long => integer(i128::from(bits as i64)),
            Self::Float => Cell::Real(f32::from_bits(bits as u32).into()),
            Self::Double => Cell::Real(f64::from_bits(bits)),
        }
    }
}

/// Columns, bytes in a row and number of rows.
fn layout(cards: &Cards) -> Result<(Vec<Column>, usize, u64), String> {
    let (row_bytes, n_columns) = (cards.needed("NAXIS1")?, cards.needed("TFIELDS")?);
    if row_bytes > LONGEST_ROW || n_columns > MOST_COLUMNS {
        return Err(format!(
            "its table has {n_columns} columns and {row_bytes} bytes a row, more than \
             {MOST_COLUMNS} and {LONGEST_ROW}"
        ));
    }
    let mut columns = Vec::new();
    let mut offset = 0;
    for n in 1..=n_columns {
        let form = cards.text(&format!("TFORM{n}"));
        let (repeat, kind, width) =
            width(form).ok_or_else(|| format!("column {n} has the format {form:?}"))?;
        let scale = cards.real(&format!("TSCAL{n}")).unwrap_or(1.0);
        let zero = cards.text(&format!("TZERO{n}"));
        let zero: i128 = match zero.trim_end_matches(".0") {
            "" => 0,
            whole => whole
                .parse()
                .map_err(|_| format!("column {n} is shifted by {whole:?}"))?,
        };
        if scale != 1.0 {
            return Err(format!("column {n} is scaled by {scale}"));
        }
        columns.push(Column {
            name: cards.text(&format!("TTYPE{n}")).to_ascii_uppercase(),
            kind,
            repeat,
            offset,
            zero,
        });
        offset += width;
    }
    match offset as u64 == row_bytes {
        true => Ok((columns, offset, cards.needed("NAXIS2")?)),
        false => Err(format!(
            "its columns take {offset} bytes, but its rows have {row_bytes}"
        )),
    }
}

/// Repeat count, kind if it is a number, and bytes of a format such as `1024D`.
fn width(form: &str) -> Option<(usize, Option<Number>, usize)> {
    let digits = form.bytes().take_while(u8::is_ascii_digit).count();
    let repeat: usize = match &form[..digits] {
        "" => 1,
        digits => digits.parse().ok()?,
    };
    if repeat as u64 > LONGEST_ROW {
        return None;
    }
    let (kind, size) = match form[digits..].chars().next()? {
        'B' => (Some(Number::Byte), 1),
        'I' => (Some(Number::Short), 2),
        'J' => (Some(Number::Int), 4),
        'K' => (Some(Number::Long), 8),
        'E' => (Some(Number::Float), 4),
        'D' => (Some(Number::Double), 8),
        'L' | 'A' => (None, 1),
        'C' | 'P' => (None, 8),
        'M' | 'Q' => (None, 16),
        'X' => return Some((repeat, None, repeat.div_ceil(8))),
        _ => return None,
    };
    Some((repeat, kind, repeat * size))
}

/// Bytes of data after a header.
fn data_bytes(cards: &Cards) -> Result<u64, String> {
    let n_axes = cards.needed("NAXIS")?;
    if n_axes == 0 {
        return Ok(0);
    }
    let bits = cards.text("BITPIX").trim_start_matches('-').parse::<u64>();
    let mut size = bits.map_err(|_| "its header has no BITPIX".to_owned())? / 8;
    let absurd = || "its header tells of more data than any file has".to_owned();
    for axis in 1..=n_axes.min(MOST_COLUMNS) {
        let length = cards.needed(&format!("NAXIS{axis}"))?;
        size = size.checked_mul(length).ok_or_else(absurd)?;
    }
    let more = cards.integer("PCOUNT").unwrap_or(0);
    size.checked_add(more).ok_or_else(absurd)
}

fn skip(reader: &mut impl Read, bytes: u64) -> Result<(), String> {
    let padded = bytes.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64);
    let skipped = io::copy(&mut reader.take(padded), &mut io::sink());
    match skipped.map_err(|error| error.to_string())? >= bytes {
        true => Ok(()),
        false => Err("it ends in the middle of its data".to_owned()),
    }
}
