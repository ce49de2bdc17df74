//! Damage: files cut short and files with a bit flipped give an error or the right event.

use libtest_mimic::Failed;
use skyscan::event::{Event, ReadOptions, list, read};
use skyscan_transport::backend::Dice;

use crate::event_input::sample::{every_format, expected, i3, packet};
use crate::event_input::scratch::{Scratch, message, read_first};
use crate::needs::Check;

/// Flips for each of the eleven formats.
const FLIPS_A_FORMAT: u64 = 1_000;

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("damage::a_file_cut_anywhere_is_an_error", cut_anywhere),
        ("damage::a_cut_names_the_frame", cut_names_the_frame),
        (
            "damage::a_flipped_bit_never_changes_the_event",
            flipped_bits,
        ),
        ("damage::a_wrong_checksum_names_the_frame", wrong_checksum),
    ]
}

/// Flips bits one after the other; returns how many ended in an error.
pub(crate) fn flip(bytes: &[u8], right: &Event, flips: u64, seed: u64) -> Result<u64, Failed> {
    let mut dice = Dice::seeded(seed);
    let mut errors = 0;
    let mut damaged = bytes.to_vec();
    for _ in 0..flips {
        let byte = dice.below(bytes.len() as u64) as usize;
        let bit = dice.below(8);
        damaged[byte] ^= 1 << bit;
        let file = Scratch::new(&damaged);
        match read(file.path(), &ReadOptions::default()) {
            Ok(event) if event == *right => {}
            Ok(_) => return Err(format!("bit {bit} of byte {byte} changed the event").into()),
            Err(error) => {
                let line = error.to_string();
                assert!(!line.contains(char::is_control), "{line:?}");
                errors += 1;
            }
        }
        // Must come to an end as well, whatever it finds.
        let _ = list(file.path());
        damaged[byte] ^= 1 << bit;
    }
    Ok(errors)
}

fn flipped_bits() -> Result<(), Failed> {
    for (seed, (name, bytes)) in every_format().into_iter().enumerate() {
        let errors = flip(&bytes, &expected(), FLIPS_A_FORMAT, seed as u64)
            .map_err(|failed| format!("{name}: {}", failed.message().unwrap_or_default()))?;
        assert!(
            errors > FLIPS_A_FORMAT / 2,
            "{name}: only {errors} flips were noticed"
        );
    }
    Ok(())
}

fn cut_anywhere() -> Result<(), Failed> {
    for (name, bytes) in every_format() {
        // Compressed streams may end in bytes that only repeat what is known already.
        let whole = bytes.len() - if name.starts_with("i3.") { 12 } else { 0 };
        let trailing = usize::from(name == "own");
        for length in 0..bytes.len() - trailing {
            match read_first(&bytes[..length]) {
                Err(_) => {}
                Ok(event) if length >= whole && event == expected() => {}
                Ok(_) => return Err(format!("{name}: cut to {length} bytes it was read").into()),
            }
        }
    }
    Ok(())
}

fn cut_names_the_frame() -> Result<(), Failed> {
    let mut start = 0;
    for (index, (stop, frame)) in packet('P').into_iter().enumerate() {
        let cut = |length: usize| message(&i3()[..start + length], &ReadOptions::default());
        let at_boundary = cut(0);
        let wanted = if index == 0 {
            "is empty"
        } else {
            "has no physics frame"
        };
        assert_eq!(at_boundary, wanted);
        let inside = cut(frame.len() - 2);
        assert_eq!(
            inside,
            format!(
                "frame {} ({stop}): ends in the middle of a frame",
                index + 1
            )
        );
        start += frame.len();
    }
    Ok(())
}

fn wrong_checksum() -> Result<(), Failed> {
    let mut file = i3();
    let last = file.len() - 1;
    file[last] ^= 1;
    let line = message(&file, &ReadOptions::default());
    assert!(line.starts_with("frame 5 (P): checksum is "), "{line}");
    // In a frame that is not kept, too.
    let mut file = i3();
    file[100] ^= 1;
    let line = message(&file, &ReadOptions::default());
    assert!(line.starts_with("frame 1 (G): checksum is "), "{line}");
    Ok(())
}
