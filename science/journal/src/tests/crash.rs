//! What a disk may do to what was not synced when the power goes: drop it, tear it, write it in any order.
//!
//! The disk is a model. After each step of a journal, a commit or a checkpoint, all is synced, so its files
//! are copied; what a step changed is what a crash in the middle of it may have written or not, sector
//! by sector. SQLite's file layer could be replaced instead, which takes unsafe code; this models the
//! same and nothing of SQLite has to be trusted but its syncs, which `strace` shows, and one more that is
//! inside of a step: when the log begins anew, its head is synced before anything behind it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::fixture::*;
use crate::*;

const SECTOR: usize = 512;
/// The head of SQLite's log, which it writes and syncs by itself.
const LOG_HEAD: usize = 32;
const PIXELS_PER_BATCH: u64 = 9;

/// Both files after a step, and how many batches were confirmed by then.
struct Moment {
    main: Vec<u8>,
    log: Vec<u8>,
    n_confirmed: u64,
}

fn moment(path: &Path, n_confirmed: u64) -> Moment {
    Moment {
        main: fs::read(path).unwrap(),
        log: fs::read(lock::beside(path, "-wal")).unwrap_or_default(),
        n_confirmed,
    }
}

/// A journal's life: commits, with a checkpoint after some of them.
fn life(dir: &Path, n_batches: u64) -> Vec<Moment> {
    let path = dir.join("life.scan.db");
    let desk = Arc::new(Desk::default());
    let mut keeper = keeper(Journal::create(&path, &asked()).unwrap());
    keeper.sql("PRAGMA wal_autocheckpoint = 0");
    let mut moments = vec![moment(&path, 0)];
    for number in 0..n_batches {
        let indices = PIXELS_PER_BATCH * number..PIXELS_PER_BATCH * (number + 1);
        keeper
            .put(desk.results(number, rows(nside(8), indices)))
            .unwrap();
        moments.push(moment(&path, number + 1));
        if number % 4 == 3 {
            keeper.sql("PRAGMA wal_checkpoint(PASSIVE)");
            moments.push(moment(&path, number + 1));
        }
    }
    moments
}

/// A file of which some sectors were written and others not, and one perhaps to a part.
fn torn(before: &[u8], after: &[u8], random: &mut ChaCha8Rng) -> Vec<u8> {
    let longest = before.len().max(after.len());
    let shortest = before.len().min(after.len());
    // How far the file has grown, or was cut, is written some time, too.
    let length = random.random_range(shortest..=longest);
    let share: f64 = random.random();
    let mut file = before.to_vec();
    file.resize(longest, 0);
    for at in (0..after.len()).step_by(SECTOR) {
        let end = (at + SECTOR).min(after.len());
        if random.random::<f64>() < share {
            let torn_at = match random.random_range(0..20) {
                0 => random.random_range(at..end),
                _ => end,
            };
            file[at..torn_at].copy_from_slice(&after[at..torn_at]);
        }
    }
    file.truncate(length);
    file
}

/// What the disk holds after a crash between two moments.
fn crashed(before: &Moment, after: &Moment, random: &mut ChaCha8Rng) -> (Vec<u8>, Vec<u8>) {
    let begins_anew = before.log.get(..LOG_HEAD) != after.log.get(..LOG_HEAD);
    let log = match begins_anew && before.log.len() >= LOG_HEAD {
        false => torn(&before.log, &after.log, random),
        true => {
            let mut with_head = before.log.clone();
            let head = random.random_range(0..=LOG_HEAD);
            with_head[..head].copy_from_slice(&after.log[..head]);
            match head == LOG_HEAD {
                true => torn(&with_head, &after.log, random),
                false => with_head,
            }
        }
    };
    (torn(&before.main, &after.main, random), log)
}

/// Whatever the disk did, all that was confirmed is there, and another Scanner can go on.
fn check(n_points: u64) {
    let dir = folder(&format!("crash-{n_points}"));
    let moments = life(&dir, 40);
    let n_steps = moments.len() as u64 - 1;
    let desk = Arc::new(Desk::default());
    let mut n_unconfirmed = 0;
    for seed in 0..n_points {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let step = (seed % n_steps) as usize;
        let (main, log) = crashed(&moments[step], &moments[step + 1], &mut random);
        let path: PathBuf = dir.join(format!("{seed}.scan.db"));
        fs::write(&path, main).unwrap();
        fs::write(lock::beside(&path, "-wal"), log).unwrap();
        let (journal, contents) = Journal::resume(&path)
            .unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error}"));
        let n_confirmed = moments[step].n_confirmed * PIXELS_PER_BATCH;
        let n_held = contents.atlas.len() as u64;
        let n_in_hand = moments[step + 1].n_confirmed * PIXELS_PER_BATCH;
        assert!(
            [n_confirmed, n_in_hand].contains(&n_held),
            "seed {seed}: {n_held}"
        );
        n_unconfirmed += u64::from(n_held > n_confirmed);
        assert_eq!(
            *contents.atlas.nominal,
            map(&rows(nside(8), 0..n_held)),
            "seed {seed}"
        );
        let mut keeper = keeper(journal.unwrap());
        keeper
            .put(desk.results(seed, rows(nside(8), n_held..n_held + 5)))
            .unwrap();
        drop(keeper);
        assert_eq!(
            held(&path),
            map(&rows(nside(8), 0..n_held + 5)),
            "seed {seed}"
        );
        fs::remove_file(&path).unwrap();
    }
    // The model writes enough of some steps that they count.
    assert!(n_unconfirmed > 0 && n_unconfirmed < n_points);
    fs::remove_dir_all(dir).unwrap();
}

mod long {
    use super::*;

    #[test]
    fn whatever_a_disk_does_to_what_was_not_synced_nothing_confirmed_is_lost() {
        check(or_when_long(150, 1_000));
    }
}
