//! Bulk numbers: columns of 64-bit floating-point numbers, little-endian, a fixed number to a row.
//!
//! Decision: Numbers travel in columns (`docs/decisions.md`).

const NUMBER: usize = size_of::<f64>();

/// Packs numbers row by row.
pub(super) fn pack(numbers: impl IntoIterator<Item = f64>) -> Vec<u8> {
    numbers.into_iter().flat_map(f64::to_le_bytes).collect()
}

/// How many rows of `N` numbers the bytes are; `None` if one is cut.
pub(super) fn rows<const N: usize>(bytes: &[u8]) -> Option<usize> {
    let row = N * NUMBER;
    bytes.len().is_multiple_of(row).then(|| bytes.len() / row)
}

/// Reads rows of `N` numbers; fails with the reason.
pub(super) fn column<const N: usize>(bytes: &[u8]) -> Result<Vec<[f64; N]>, String> {
    if rows::<N>(bytes).is_none() {
        return Err("a column is cut".to_owned());
    }
    let (numbers, _) = bytes.as_chunks::<NUMBER>();
    let numbers: Vec<f64> = numbers.iter().copied().map(f64::from_le_bytes).collect();
    Ok(numbers.as_chunks::<N>().0.to_vec())
}

/// The same; every number must be finite.
pub(super) fn finite_column<const N: usize>(bytes: &[u8]) -> Result<Vec<[f64; N]>, String> {
    let rows = column::<N>(bytes)?;
    match rows.as_flattened().iter().all(|number| number.is_finite()) {
        true => Ok(rows),
        false => Err("a number is not finite".to_owned()),
    }
}
