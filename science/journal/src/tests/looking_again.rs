//! A disk that failed: what of a batch is there after all.

use std::sync::Arc;

use super::fixture::*;
use crate::keeper::Keeper;
use crate::*;

fn with_a_batch(name: &str) -> (std::path::PathBuf, Keeper) {
    let dir = folder(name);
    let mut keeper = keeper(Journal::create(&dir.join("a.scan.db"), &asked()).unwrap());
    let desk = Arc::new(Desk::default());
    keeper.put(desk.results(1, rows(nside(8), 0..5))).unwrap();
    (dir, keeper)
}

#[test]
fn what_was_to_be_written_is_there_or_is_not() {
    let (dir, mut keeper) = with_a_batch("looks-again");
    let tip = keeper.journal.tip.clone();
    keeper.journal.tip.batch -= 1;
    assert!(keeper.look_again(Some(tip.clone())).unwrap());
    assert_eq!(keeper.journal.tip.batch, tip.batch);
    let other = Tip {
        sha256: [7; 32],
        ..tip.clone()
    };
    assert!(!keeper.look_again(Some(other)).unwrap());
    assert!(!keeper.look_again(None).unwrap());
    // Goes on from what is there.
    let desk = Arc::new(Desk::default());
    keeper.put(desk.results(2, rows(nside(8), 5..9))).unwrap();
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn what_nobody_of_ours_wrote_is_damage_and_what_another_scanner_did_is_not() {
    let (dir, mut keeper) = with_a_batch("strangers");
    keeper.journal.tip.sha256 = [7; 32];
    let refusal = keeper.look_again(None).unwrap_err();
    assert!(matches!(refusal, JournalError::Damaged { .. }), "{refusal}");
    // The next commit finds out who has it.
    keeper.journal.epoch += 1;
    assert!(!keeper.look_again(None).unwrap());
    std::fs::remove_dir_all(dir).unwrap();
}
