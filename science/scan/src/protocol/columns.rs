//! Bulk numbers: columns of 64-bit floating-point numbers, little-endian, a fixed number to a row.
//!
//! Decision: Numbers travel in columns (`docs/decisions.md`).

use std::borrow::Cow;

const NUMBER: usize = size_of::<f64>();

/// The bytes of a column: read, they are those of the message.
pub(super) type Column<'a> = Cow<'a, [u8]>;

/// Packs numbers row by row.
pub(super) fn packed(numbers: impl IntoIterator<Item = f64>) -> Column<'static> {
    let numbers = numbers.into_iter();
    let mut bytes = Vec::with_capacity(NUMBER * numbers.size_hint().0);
    numbers.for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
    Cow::Owned(bytes)
}

/// How many rows of `N` numbers the bytes are; `None` if one is cut.
pub(super) fn rows<const N: usize>(bytes: &[u8]) -> Option<usize> {
    let row = N * NUMBER;
    bytes.len().is_multiple_of(row).then(|| bytes.len() / row)
}

/// Reads rows of `N` numbers; fails with the reason.
pub(super) fn column<const N: usize>(
    bytes: &[u8],
) -> Result<impl ExactSizeIterator<Item = [f64; N]>, String> {
    if rows::<N>(bytes).is_none() {
        return Err("a column is cut".to_owned());
    }
    let row = |row: &[u8]| {
        let (numbers, _) = row.as_chunks::<NUMBER>();
        std::array::from_fn(|n| f64::from_le_bytes(numbers[n]))
    };
    Ok(bytes.chunks_exact(N * NUMBER).map(row))
}

/// The same; every number must be finite.
pub(super) fn finite_column<const N: usize>(
    bytes: &[u8],
) -> Result<impl ExactSizeIterator<Item = [f64; N]>, String> {
    match column::<N>(bytes)?.flatten().all(f64::is_finite) {
        true => column::<N>(bytes),
        false => Err("a number is not finite".to_owned()),
    }
}
