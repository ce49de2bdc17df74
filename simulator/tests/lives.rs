//! Lives: that they repeat, that what is broken is found, and that a thousand of them break nothing.

use std::thread::available_parallelism;

use skyscan_checker::{Promise, check};
use skyscan_simulator::{Draft, live, live_all, minimised};

/// Seeds from this on, where nobody has looked when the simulator was written.
const FIRST: u64 = 1_000_000;

#[test]
fn the_same_seed_is_the_same_life_byte_by_byte() {
    for seed in 0..40 {
        let draft = Draft::of(seed);
        let (once, again) = (live(&draft), live(&draft));
        let differs = once.lines().zip(again.lines()).find(|(a, b)| a != b);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(once, again, "seed {seed}");
    }
}

#[test]
fn another_seed_is_another_life() {
    assert_ne!(live(&Draft::of(1)), live(&Draft::of(2)));
}

#[test]
fn a_thousand_lives_keep_every_promise() {
    let n_threads = available_parallelism().map_or(1, usize::from);
    let tally = live_all(FIRST..FIRST + 1000, Draft::of, n_threads, 3);
    let told: Vec<String> = (tally.failures.iter())
        .flat_map(|failure| {
            let seed = failure.seed;
            let violations = failure.violations.iter();
            violations.map(move |violation| {
                format!(
                    "{violation}; cargo run --release -p skyscan-simulator -- --minimise --seed {seed}"
                )
            })
        })
        .collect();
    assert_eq!(told, [""; 0]);
    assert_eq!(tally.n_lives, 1000);
    // Lives in which nothing went wrong would prove little.
    assert!(tally.n_faults > 1000, "only {} faults", tally.n_faults);
}

/// The file is asked whenever a Scanner goes on, and must know what the model knows; a difference ends the life.
#[test]
fn a_life_whose_journals_are_real_files_is_the_same_life_byte_by_byte() {
    let mut n_went_on = 0;
    for seed in FIRST..FIRST + 200 {
        let draft = Draft::of(seed);
        let modelled = live(&draft);
        // Of the others a few will do.
        let went_on = modelled.contains("begins epoch=2 journal=yes");
        if went_on || seed < FIRST + 20 {
            assert_eq!(modelled, live(&draft.with_files()), "seed {seed}");
        }
        n_went_on += usize::from(went_on);
    }
    assert!(n_went_on > 5, "{n_went_on} Scanners went on");
}

fn keeps_every_promise(seed: u64) {
    assert_eq!(check(&live(&Draft::of(seed))), [], "seed {seed}");
}

/// Its kernel hung, its hub was gone: it renewed a lease without a term, and did nothing else any more.
#[test]
fn seed_26_a_worker_renews_nothing_that_went_with_its_hub() {
    keeps_every_promise(26);
}

/// The pixel failed at the only worker of its scan, and went to and fro at one that serves another scan.
#[test]
fn seed_140_a_task_is_not_kept_from_the_only_worker_who_can_do_it() {
    keeps_every_promise(140);
}

/// Two pixels failed at the good worker, and were kept for the one that hung.
#[test]
fn seed_297_a_worker_that_hangs_is_not_waited_for_by_what_failed_elsewhere() {
    keeps_every_promise(297);
}

/// Pixels took their workers with them, and what came between was given back by a worker that serves another
/// scan: nobody counted what was lost.
#[test]
fn seeds_84_to_942_what_was_lost_is_counted_beside_workers_that_give_back() {
    for seed in [84, 114, 448, 459, 734, 935, 942] {
        keeps_every_promise(seed);
    }
}

/// A pixel took its worker with it in the zone of a relay, over and over; the lease above was never lost, and what came
/// back unbegun counted as no loss.
#[test]
fn seeds_2003795_and_2008632_what_was_lost_in_a_zone_is_counted() {
    keeps_every_promise(2_003_795);
    keeps_every_promise(2_008_632);
}

/// Its one worker that was well had answered nobody for a while, and the other one had failed too often: neither
/// counted, so nothing was handed out by which they could have shown that they are well again.
#[test]
fn seed_1016197_a_fleet_in_which_nobody_counts_is_tried_again() {
    keeps_every_promise(1_016_197);
}

/// What avoided a worker was kept for one that hung, or gave back whatever it got: in the zone of a relay, which of
/// them held what was not known above.
#[test]
fn seeds_1002165_to_1034804_who_is_avoided_gets_what_nobody_else_takes() {
    for seed in [
        1_002_165, 1_005_409, 1_009_401, 1_017_238, 1_027_308, 1_032_807, 1_033_387, 1_034_028,
        1_034_804,
    ] {
        keeps_every_promise(seed);
    }
}

/// Workers behind a relay gave back to their zone what they could not do, and got it again.
#[test]
fn seeds_1052148_and_1084721_who_cannot_serve_says_so_to_the_scanner() {
    keeps_every_promise(1_052_148);
    keeps_every_promise(1_084_721);
}

/// One hung, one failed at everything, and the good one stood at a relay's link by which the other had its tasks.
#[test]
fn seed_1062848_who_seems_to_hang_is_tried_again_when_nothing_comes() {
    keeps_every_promise(1_062_848);
}

/// Too few fits and as many too many are the right number of fits: a plausible lie, which no worker tells.
#[test]
fn seeds_1038300_and_1068413_nobody_miscounts_in_both_directions() {
    keeps_every_promise(1_038_300);
    keeps_every_promise(1_068_413);
}

/// Without faults a life has no reason to break anything; what fails whatever is left out names none.
#[test]
fn a_life_without_its_faults_keeps_every_promise() {
    for seed in 0..20 {
        let draft = Draft::of(seed);
        let all: Vec<usize> = (0..draft.n_faults()).collect();
        let violations = check(&live(&draft.without(&all)));
        assert_eq!(violations, [], "seed {seed}");
    }
}

/// What is left out is what the fault does not need.
#[test]
fn minimising_a_life_that_keeps_its_promises_leaves_out_nothing() {
    let draft = Draft::of(3);
    assert_eq!(minimised(&draft, &[]), [0; 0]);
}

/// A history that ends too early is none, and no promise is kept in it.
#[test]
fn a_life_that_is_cut_short_is_not_called_good() {
    let history = live(&Draft::of(5));
    let half: String = (history.lines().take(history.lines().count() / 2))
        .flat_map(|line| [line, "\n"])
        .collect();
    let broken = check(&half);
    assert!(
        broken
            .iter()
            .any(|violation| violation.promise == Promise::Readable),
        "{broken:?}"
    );
}
