//! FITS files with one binary table (FITS standard 4.0, sections 3.3, 4 and 7.3).
//!
//! Decision: FITS and npy are written by our own hands (`docs/decisions.md`).

mod cards;
mod header;
mod table;

use std::io::{self, Write};

pub(crate) use cards::Cards;
pub(super) use header::Header;
pub(crate) use table::{Cell, Table};

/// Everything in a FITS file comes in blocks of this many bytes.
const BLOCK: usize = 2880;

/// A column of a binary table: eight bytes a value, big-endian.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// `K` for integers, `D` for doubles; a number before it puts several into one row.
    pub(super) format: &'static str,
    /// Empty if it has none.
    pub(super) unit: &'static str,
}

/// Writes an empty primary unit and a table; `more` follows the cards that every table has.
/// `rows` makes eight bytes a value, `n_rows * row_bytes` altogether.
pub(super) fn write_table(
    out: &mut dyn Write,
    name: &str,
    columns: &[Column],
    (n_rows, row_bytes): (usize, usize),
    more: &Header,
    values: impl Iterator<Item = [u8; 8]>,
) -> io::Result<()> {
    let mut primary = Header::default();
    primary.flag("SIMPLE", true, "conforms to the FITS standard");
    primary.integer("BITPIX", 8, "");
    primary.integer("NAXIS", 0, "no picture here, see the table");
    primary.flag("EXTEND", true, "");
    primary.write(out)?;

    let mut table = Header::default();
    table.text("XTENSION", "BINTABLE", "binary table");
    table.integer("BITPIX", 8, "");
    table.integer("NAXIS", 2, "");
    table.integer("NAXIS1", row_bytes as u64, "bytes in a row");
    table.integer("NAXIS2", n_rows as u64, "rows");
    table.integer("PCOUNT", 0, "");
    table.integer("GCOUNT", 1, "");
    table.integer("TFIELDS", columns.len() as u64, "columns");
    for (i, column) in columns.iter().enumerate() {
        table.text(&format!("TTYPE{}", i + 1), column.name, "");
        table.text(&format!("TFORM{}", i + 1), column.format, "");
        if !column.unit.is_empty() {
            table.text(&format!("TUNIT{}", i + 1), column.unit, "");
        }
    }
    table.text("EXTNAME", name, "");
    table.append(more);
    table.write(out)?;

    let mut written = 0;
    for value in values {
        out.write_all(&value)?;
        written += value.len();
    }
    if written != n_rows * row_bytes {
        return Err(io::Error::other(
            "a table is not as long as its header says",
        ));
    }
    pad(out, written, 0)
}

fn pad(out: &mut dyn Write, written: usize, filler: u8) -> io::Result<()> {
    let missing = written.next_multiple_of(BLOCK) - written;
    out.write_all(&vec![filler; missing])
}
