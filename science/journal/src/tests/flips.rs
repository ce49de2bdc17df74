//! Bits that flip in a journal: it is refused with the batch, or holds what was put in.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fixture::*;
use crate::*;

const PIXELS_PER_BATCH: u64 = 40;

/// A finished journal, one file; and one that a Scanner left behind, with its log.
fn journals(dir: &Path) -> [Vec<Vec<u8>>; 2] {
    let desk = Arc::new(Desk::default());
    let written = |name: &str, ends: bool| {
        let path = dir.join(name);
        let mut keeper = keeper(Journal::create(&path, &asked()).unwrap());
        for number in 0..10 {
            let indices = PIXELS_PER_BATCH * number..PIXELS_PER_BATCH * (number + 1);
            keeper
                .put(desk.results(number, rows(nside(8), indices)))
                .unwrap();
            if number == 4 {
                keeper.sql("PRAGMA wal_checkpoint(TRUNCATE)");
            }
        }
        if ends {
            keeper.sql("PRAGMA journal_mode = DELETE");
            return vec![fs::read(&path).unwrap()];
        }
        let log = fs::read(lock::beside(&path, "-wal")).unwrap();
        vec![fs::read(&path).unwrap(), log]
    };
    [written("one.scan.db", true), written("two.scan.db", false)]
}

fn check(n_flips: u64) {
    let dir = folder(&format!("flips-{n_flips}"));
    let journals = journals(&dir);
    let path = dir.join("flipped.scan.db");
    let (mut n_refused, mut n_same) = (0, 0);
    for seed in 0..n_flips {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut files = journals[(seed % 2) as usize].clone();
        let file = random.random_range(0..files.len());
        let at = random.random_range(0..files[file].len());
        files[file][at] ^= 1 << random.random_range(0..8);
        for (end, bytes) in ["", "-wal"].iter().zip(&files) {
            fs::write(lock::beside(&path, end), bytes).unwrap();
        }
        match read(&path) {
            Ok(contents) => {
                let n_held = contents.atlas.len() as u64;
                assert_eq!(
                    *contents.atlas.nominal,
                    map(&rows(nside(8), 0..n_held)),
                    "seed {seed}"
                );
                // The end of a log is as good as never written.
                assert!(n_held == 400 || file == 1, "seed {seed}: {n_held}");
                assert_eq!(contents.asked, asked(), "seed {seed}");
                n_same += 1;
            }
            Err(error) => {
                let refusal = error.to_string();
                assert!(
                    refusal.contains("is damaged in batch "),
                    "seed {seed}: {refusal}"
                );
                n_refused += 1;
            }
        }
        for end in ["-wal", "-shm"] {
            let _ = fs::remove_file(lock::beside(&path, end));
        }
    }
    assert!(
        n_refused > n_flips / 4 && n_same > n_flips / 20,
        "{n_refused}, {n_same}"
    );
    fs::remove_dir_all(dir).unwrap();
}

mod long {
    use super::*;

    #[test]
    fn a_bit_that_flips_is_refused_with_its_batch_or_changes_nothing() {
        check(or_when_long(1_000, 10_000));
    }
}
