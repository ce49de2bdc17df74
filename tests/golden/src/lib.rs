//! Bytes that do not change unnoticed: each message of the protocol and the frames of each transport
//! lie beside this as text, and the tests of their crates compare what they encode.
//!
//! Who changes them on purpose raises the version that goes with them, and says `./test accept`.

use std::fmt::Write;
use std::path::Path;

/// Bytes in a line of a golden file.
const LINE_BYTES: usize = 16;

/// Compares bytes with the golden files of their names, such as `protocol-hello`.
///
/// # Errors
/// If some differ, or if there is no such file: what was found is written beside, as
/// `NAME.hex.modified`, and the message says how to accept it.
pub fn compare(found: &[(&str, &[u8])]) -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let outcomes = found
        .iter()
        .map(|(name, bytes)| compare_in(folder, name, bytes));
    let different: Vec<String> = outcomes.filter_map(Result::err).collect();
    match different.is_empty() {
        true => Ok(()),
        false => Err(different.join("\n")),
    }
}

fn compare_in(folder: &Path, name: &str, found: &[u8]) -> Result<(), String> {
    let golden = folder.join(format!("{name}.hex"));
    let modified = folder.join(format!("{name}.hex.modified"));
    let found = dump(found);
    let is_same = std::fs::read_to_string(&golden).is_ok_and(|kept| kept == found);
    let outcome = match is_same {
        true => match std::fs::remove_file(&modified) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => return Ok(()),
        },
        false => std::fs::write(&modified, found),
    };
    Err(match outcome {
        Err(error) => format!("{}: {error}", modified.display()),
        Ok(()) => different(&golden, &modified),
    })
}

fn different(golden: &Path, modified: &Path) -> String {
    format!(
        "other bytes than in {}; compare with {}. If it is meant, raise the version and say: \
         ./test accept",
        golden.display(),
        modified.display()
    )
}

/// Offset, bytes in hex and as text, as `hexdump -C` has them.
fn dump(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (n_before, line) in bytes.chunks(LINE_BYTES).enumerate() {
        let hex = line.iter().fold(String::new(), |mut hex, byte| {
            // Writing to a string does not fail.
            let _ = write!(hex, " {byte:02x}");
            hex
        });
        let letters: String = line
            .iter()
            .map(|&byte| match byte {
                b' '..=b'~' => char::from(byte),
                _ => '.',
            })
            .collect();
        let width = 3 * LINE_BYTES;
        let _ = writeln!(
            text,
            "{:06x} {hex:width$}  |{letters}|",
            n_before * LINE_BYTES
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bytes_are_written_beside_and_the_same_ones_tidy_up() {
        let folder = std::env::temp_dir().join(format!("skyscan-golden-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let modified = folder.join("name.hex.modified");
        let told = compare_in(&folder, "name", b"one").unwrap_err();
        assert!(told.contains("./test accept"), "{told}");
        std::fs::rename(&modified, folder.join("name.hex")).unwrap();
        compare_in(&folder, "name", b"one").unwrap();
        compare_in(&folder, "name", b"two").unwrap_err();
        assert!(modified.exists());
        compare_in(&folder, "name", b"one").unwrap();
        assert!(!modified.exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn bytes_stand_as_hex_and_as_text() {
        let text = dump(b"sky\x00scan, and more");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].starts_with("000000  73 6b 79 00 73"), "{text}");
        assert!(lines[0].ends_with("  |sky.scan, and mo|"), "{text}");
        assert!(lines[1].starts_with("000010  72 65 "), "{text}");
    }
}
