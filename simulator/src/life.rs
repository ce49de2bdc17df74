//! A life, from its first moment to the end of its last scan, in virtual time on one thread.
//!
//! Decision: A life is one thread and one clock (`docs/decisions.md`).

use std::cell::RefCell;
use std::panic;
use std::sync::{Arc, Once};

use futures::future::join_all;
use tokio::time::timeout_at;

use crate::draft::{Draft, Fault};
use crate::roles;
use crate::world::World;

thread_local! {
    /// What panicked in this thread: tasks that do are no more than that to the runtime.
    static PANICS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

static HEAR_PANICS: Once = Once::new();

/// Lives a life; returns its history.
pub fn live(draft: &Draft) -> String {
    HEAR_PANICS.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            let why = panicked.to_string().replace(char::is_whitespace, "-");
            let is_of_a_life = PANICS.try_with(|panics| panics.borrow_mut().push(why));
            if is_of_a_life.is_err() {
                before(panicked);
            }
        }));
    });
    PANICS.take();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without I/O takes nothing that could be missing")
    };
    actix::System::with_tokio_rt(runtime).block_on(to_the_end(draft.clone()))
}

async fn to_the_end(draft: Draft) -> String {
    let world = World::new(draft);
    let draft = &world.draft;
    let history = Arc::clone(&world.history);
    let first = &draft.workers[0];
    let seconds_per_pixel = first.seconds_per_pixel * (1.0 + first.tail / 50.0);
    let n_pixels: usize = (0..draft.scans.len())
        .map(|number| roles::scanner::tell_truth(&world, number))
        .sum();
    let has_killers = (draft.scans.iter()).any(|scan| scan.landscape.killer_one_in > 0);
    let work_s = n_pixels as f64 * seconds_per_pixel / f64::from(first.slots);
    let (calm_s, killers) = (
        crate::draft::CALM_AFTER.as_secs(),
        if has_killers { "yes" } else { "no" },
    );
    history.note(
        "life",
        format_args!("calm={calm_s} work={work_s:.3} pixels={n_pixels} killers={killers}"),
    );
    for fault in &draft.faults {
        if matches!(
            fault,
            Fault::Rates { .. } | Fault::OneWay { .. } | Fault::Cut { .. }
        ) {
            actix::spawn(Arc::clone(&world).trouble(fault.clone()));
        }
    }
    for number in 0..draft.n_relays {
        actix::spawn(roles::relay::live(Arc::clone(&world), number));
    }
    for number in 0..draft.workers.len() {
        actix::spawn(roles::worker::live(Arc::clone(&world), number));
    }
    let scans = (0..draft.scans.len())
        .map(|number| actix::spawn(roles::scanner::live(Arc::clone(&world), number)));
    let patience = skyscan_checker::patience(work_s, n_pixels, has_killers);
    let all = join_all(scans);
    // The checker says who did not come to an end.
    let _late = timeout_at(world.calm() + patience, all).await;
    for why in PANICS.take() {
        history.note("life", format_args!("panics why={why}"));
    }
    history.note("life", format_args!("is-over"));
    history.take()
}
