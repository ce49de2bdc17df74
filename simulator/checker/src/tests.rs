//! Histories made by hand, each of which breaks one promise.

use crate::{Promise, check};

/// A scan of two pixels in one task each, by a worker that is well.
const GOOD: &str = "\
0.0 scan0 truth map=1/0:aa,1/1:bb
0.0 life work calm=600 work=1 pixels=2 killers=no
0.1 scan0 begins epoch=1 journal=yes fail_after=3 knows=-
0.1 scan0 wants pixels=1/0,1/1
0.2 scan0 gives task=0 pixels=1/0
0.2 scan0 gives task=1 pixels=1/1
0.3 scan0 hears batch=1 task=0 attempt=1 worker=w says=aa
0.4 scan0 keeps pixels=1/0:aa
0.4 scan0 confirms batch=1
0.5 scan0 hears batch=2 task=1 attempt=1 worker=w says=bb
0.6 scan0 wants pixels=-
0.6 scan0 keeps pixels=1/1:bb
0.6 scan0 confirms batch=2
0.7 scan0 ends how=fulfilled complete=yes planned=2 accepted=2 duplicate=0 failed=0 speculated=0 ahead=0 asked_for=0 map=1/0:aa,1/1:bb
0.7 life is-over
";

fn broken(from: &str, to: &str) -> Vec<Promise> {
    assert!(GOOD.contains(from), "{from}");
    let mut promises: Vec<Promise> = (check(&GOOD.replace(from, to)).into_iter())
        .map(|violation| violation.promise)
        .collect();
    promises.dedup();
    promises
}

#[test]
fn a_good_life_breaks_nothing() {
    assert_eq!(check(GOOD), []);
}

#[test]
fn a_pixel_that_is_kept_twice_is_not_counted_once() {
    let again = "0.6 scan0 keeps-again pixels=1/0\n0.6 scan0 keeps pixels=1/1:bb";
    assert_eq!(
        broken("0.6 scan0 keeps pixels=1/1:bb", again),
        [Promise::Once]
    );
}

#[test]
fn another_map_than_that_of_a_calm_life_is_found() {
    assert_eq!(
        broken("truth map=1/0:aa", "truth map=1/0:ab"),
        [Promise::SameMap]
    );
    assert_eq!(
        broken("truth map=1/0:aa,", "truth map=1/0:aa,1/2:cc,"),
        [Promise::SameMap]
    );
    assert_eq!(broken("complete=yes", "complete=no"), [Promise::SameMap]);
}

#[test]
fn a_pixel_that_nobody_told_is_a_strangers() {
    assert_eq!(
        broken("map=1/0:aa,1/1:bb\n0.7 life", "map=1/0:aa,1/1:cc\n0.7 life"),
        [Promise::NoStranger, Promise::Durable, Promise::SameMap]
    );
    assert_eq!(
        broken("gives task=1 pixels=1/1", "gives task=1 pixels=1/7"),
        [
            Promise::NoStranger,
            Promise::Conserved,
            Promise::NoStranger,
            Promise::Audited
        ]
    );
}

#[test]
fn a_pixel_that_one_worker_failed_at_is_not_given_up() {
    let life = GOOD
        .replace("says=bb", "says=bad")
        .replace("1/1:bb", "1/1:bad");
    let life = life
        .replace("complete=yes", "complete=no")
        .replace("failed=0", "failed=1");
    let promises: Vec<Promise> = check(&life).into_iter().map(|v| v.promise).collect();
    assert_eq!(promises, [Promise::Conserved, Promise::NoStranger]);
    // At three it may be.
    let others = "0.5 scan0 hears batch=2 task=1 attempt=1 worker=w says=bad
0.5 scan0 gives task=2 pixels=1/1
0.5 scan0 hears batch=2 task=2 attempt=1 worker=v says=bad
0.5 scan0 gives task=3 pixels=1/1
0.5 scan0 hears batch=2 task=3 attempt=1 worker=u says=bad";
    let life = life.replace(
        "0.5 scan0 hears batch=2 task=1 attempt=1 worker=w says=bad",
        others,
    );
    let life = life.replace("failed=1", "failed=3").replace(
        "0.0 scan0 truth map=1/0:aa,1/1:bad",
        "0.0 scan0 truth map=1/0:aa,1/1:bb",
    );
    assert_eq!(check(&life), []);
}

#[test]
fn a_wave_that_begins_too_early_is_found() {
    let early = "0.3 scan0 wants pixels=2/0\n0.3 scan0 hears batch=1 task=0";
    assert!(broken("0.3 scan0 hears batch=1 task=0", early).contains(&Promise::Conserved));
}

#[test]
fn a_scan_without_an_end_is_found() {
    let life: Vec<&str> = GOOD
        .lines()
        .filter(|line| !line.contains(" ends "))
        .collect();
    let promises: Vec<Promise> = check(&life.join("\n"))
        .into_iter()
        .map(|v| v.promise)
        .collect();
    assert_eq!(promises, [Promise::Lively]);
    assert_eq!(
        broken("how=fulfilled", "how=gave_up"),
        [Promise::Lively, Promise::SameMap]
    );
}

#[test]
fn what_is_confirmed_before_it_is_durable_is_found() {
    let early = "0.3 scan0 confirms batch=1\n0.4 scan0 keeps pixels=1/0:aa";
    assert_eq!(
        broken("0.4 scan0 keeps pixels=1/0:aa", early),
        [Promise::Durable]
    );
}

#[test]
fn what_was_durable_is_neither_forgotten_nor_done_again() {
    let dies = |knows: &str| {
        format!(
            "0.4 scan0 confirms batch=1
0.4 scan0 begins epoch=2 journal=yes fail_after=3 knows={knows}
0.4 scan0 wants pixels=1/0,1/1
0.4 scan0 gives task=11 pixels=1/1\n"
        )
    };
    let goes_on = |knows: &str| {
        let life = GOOD.replace("0.4 scan0 confirms batch=1\n", &dies(knows));
        let life = life
            .replace("batch=2 task=1", "batch=1 task=11")
            .replace("batch=2", "batch=1");
        check(&life.replace("planned=2 accepted=2", "planned=1 accepted=1"))
    };
    assert_eq!(goes_on("1/0:aa"), []);
    assert_eq!(
        goes_on("-").first().map(|v| v.promise),
        Some(Promise::Durable)
    );
    let again = "0.4 scan0 gives task=11 pixels=1/1\n0.4 scan0 gives task=12 pixels=1/0";
    let life = GOOD.replace("0.4 scan0 confirms batch=1\n", &dies("1/0:aa"));
    let life = life.replace("0.4 scan0 gives task=11 pixels=1/1", again);
    assert_eq!(
        check(&life).first().map(|v| v.promise),
        Some(Promise::Durable)
    );
}

#[test]
fn a_pixel_that_goes_out_again_and_again_is_waste() {
    let mut life = GOOD.to_owned();
    for task in 100..130 {
        let gives = format!("0.2 scan0 gives task={task} pixels=1/0\n0.2 scan0 gives task=1 ");
        life = life.replace("0.2 scan0 gives task=1 ", &gives);
    }
    assert_eq!(
        check(&life).first().map(|v| v.promise),
        Some(Promise::LittleWaste)
    );
}

#[test]
fn counts_that_are_not_what_happened_are_found() {
    assert_eq!(broken("duplicate=0", "duplicate=1"), [Promise::Audited]);
    assert_eq!(broken("failed=0", "failed=2"), [Promise::Audited]);
    assert_eq!(broken("accepted=2", "accepted=1"), [Promise::Audited]);
    // The same result once more is a duplicate, and one of no task nothing.
    let again =
        "0.5 scan0 hears batch=9 task=0 attempt=1 worker=w says=aa\n0.6 scan0 wants pixels=-";
    assert_eq!(
        broken("0.6 scan0 wants pixels=-", again),
        [Promise::Audited]
    );
    let strange = again.replace("task=0", "task=77");
    assert_eq!(broken("0.6 scan0 wants pixels=-", &strange), []);
    // One that does not fit its task is a failure.
    let wrong = "0.25 scan0 gives task=5 pixels=1/0
0.25 scan0 hears batch=9 task=5 attempt=1 worker=v says=aa,aa
0.3 scan0 hears batch=1 task=0";
    assert_eq!(
        broken("0.3 scan0 hears batch=1 task=0", wrong),
        [Promise::Audited]
    );
}

#[test]
fn what_is_no_history_is_not_called_good() {
    assert_eq!(check("").len(), 1);
    assert!(!check("nonsense").is_empty());
}

/// The same scan, of which the second pixel is foreseen, given out and told of before it is asked for.
const AHEAD: &str = "\
0.0 scan0 truth map=1/0:aa,2/1:bb
0.0 life work calm=600 work=1 pixels=2 killers=no
0.1 scan0 begins epoch=1 journal=no fail_after=3 knows=-
0.1 scan0 wants pixels=1/0
0.2 scan0 gives task=0 pixels=1/0
0.2 scan0 foresees pixels=2/1
0.2 scan0 gives task=1 pixels=2/1
0.3 scan0 hears batch=1 task=1 attempt=1 worker=w says=bb
0.5 scan0 hears batch=2 task=0 attempt=1 worker=w says=aa
0.6 scan0 wants pixels=2/1
0.6 scan0 wants pixels=-
0.7 scan0 ends how=fulfilled complete=yes planned=2 accepted=2 duplicate=0 failed=0 speculated=0 ahead=1 asked_for=1 map=1/0:aa,2/1:bb
0.7 life is-over
";

fn broken_ahead(from: &str, to: &str) -> Vec<Promise> {
    assert!(AHEAD.contains(from), "{from}");
    let violations = check(&AHEAD.replace(from, to)).into_iter();
    let mut promises: Vec<Promise> = violations.map(|violation| violation.promise).collect();
    promises.dedup();
    promises
}

#[test]
fn what_is_foreseen_may_go_ahead_and_counts_once_it_is_asked_for() {
    assert_eq!(check(AHEAD), []);
    // While the round grows it waits, and it may be told of when its own has begun.
    let grows = "0.55 scan0 wants pixels=1/3
0.55 scan0 gives task=2 pixels=1/3
0.56 scan0 hears batch=4 task=2 attempt=1 worker=w says=cc
0.6 scan0 wants pixels=2/1";
    let grown = AHEAD.replace("0.6 scan0 wants pixels=2/1", grows);
    let grown = grown.replace("1/0:aa,2/1:bb", "1/0:aa,1/3:cc,2/1:bb");
    assert_eq!(check(&grown.replace("=2 accepted=2", "=3 accepted=3")), []);
    let told = "0.3 scan0 hears batch=1 task=1 attempt=1 worker=w says=bb\n";
    let asked = "0.6 scan0 wants pixels=2/1\n";
    let later = AHEAD
        .replace(told, "")
        .replace(asked, &format!("{asked}{told}"));
    assert_eq!(check(&later), []);
}

#[test]
fn what_goes_ahead_unforeseen_or_is_used_though_it_failed_is_found() {
    let foresees = "0.2 scan0 foresees pixels=2/1\n";
    assert_eq!(
        broken_ahead(foresees, "").first(),
        Some(&Promise::NoStranger)
    );
    for fails in ["says=failed", "says=bad", "says=bb,bb"] {
        let both = [Promise::Conserved, Promise::NoStranger];
        assert_eq!(broken_ahead("says=bb", fails), both);
    }
    // Once more it is a duplicate, like any other.
    let told = "0.3 scan0 hears batch=1 task=1 attempt=1 worker=w says=bb\n";
    let twice = AHEAD.replace(told, &told.repeat(2));
    assert_eq!(
        check(&twice).first().map(|v| v.promise),
        Some(Promise::Audited)
    );
    assert_eq!(
        broken_ahead("asked_for=1", "asked_for=0"),
        [Promise::Audited]
    );
    // Of a round that does not ask for it nothing enters the map.
    let other = AHEAD.replace("wants pixels=2/1", "wants pixels=2/2");
    assert!(
        check(&other)
            .iter()
            .any(|v| v.promise == Promise::NoStranger)
    );
}
