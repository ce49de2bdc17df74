use super::*;

const ALL: StragglerPolicy = StragglerPolicy {
    deadlines: true,
    speculation: true,
    speculation_factor: 1.5,
    splitting: true,
    adaptive_credit: true,
    ..StragglerPolicy::OFF
};

/// Nothing is left to hand out, and nobody is idle.
const BUSY: Situation = Situation {
    n_slots: 100,
    n_idle: 0,
    n_out: 0,
    n_copies: 0,
    is_one_worker: false,
    is_all_out: true,
};

/// Twenty pixels took a second each.
fn measured(policy: StragglerPolicy) -> Stragglers {
    let mut stragglers = Stragglers::new(policy);
    for _ in 0..20 {
        stragglers.measured(1.0, 1, Duration::from_secs(1));
    }
    stragglers
}

/// Handed out a second after the one before.
fn suspect(id: u64, n_pixels: usize) -> Suspect {
    Suspect {
        id,
        handed_out: Duration::from_secs(id),
        n_pixels,
        n_open: n_pixels,
        generation: 0,
    }
}

fn idle(n_idle: usize) -> Situation {
    Situation { n_idle, ..BUSY }
}

/// What is ordered at a time in seconds: task, pieces, reason.
fn ordered(
    stragglers: &Stragglers,
    now_s: u64,
    suspects: &[Suspect],
    situation: Situation,
) -> Vec<(u64, usize, CopyReason)> {
    let orders = stragglers.orders(Duration::from_secs(now_s), suspects, situation);
    let parts = |order: CopyOrder| (order.id, order.n_pieces, order.reason);
    orders.into_iter().map(parts).collect()
}

#[test]
fn what_waits_as_long_as_all_others_is_not_late() {
    let mut stragglers = Stragglers::new(ALL);
    for _ in 0..20 {
        // A second of work after nineteen at a master that has more to do than it can.
        stragglers.measured(1.0, 1, Duration::from_secs(20));
    }
    let suspects = [suspect(0, 1)];
    assert_eq!(ordered(&stragglers, 21, &suspects, BUSY), []);
    let late = ordered(&stragglers, 60, &suspects, BUSY);
    assert_eq!(late, [(0, 1, CopyReason::Overdue)]);
}

#[test]
fn what_is_past_its_deadline_gets_a_copy_though_every_slot_is_busy() {
    let stragglers = measured(ALL);
    let suspects = [suspect(0, 1), suspect(1, 1), suspect(2, 10)];
    let situation = Situation {
        is_all_out: false,
        ..BUSY
    };
    // The floor of 5 s is above three times a second; ten pixels may take thirty.
    assert!(ordered(&stragglers, 5, &suspects, situation).is_empty());
    let overdue = [(0, 1, CopyReason::Overdue), (1, 1, CopyReason::Overdue)];
    assert_eq!(ordered(&stragglers, 7, &suspects, situation), overdue);
    assert_eq!(ordered(&stragglers, 30, &suspects, situation), overdue);
    assert_eq!(ordered(&stragglers, 37, &suspects, situation).len(), 3);
}

#[test]
fn a_few_results_say_nothing_of_deadlines_but_a_minute_is_late() {
    let mut stragglers = Stragglers::new(ALL);
    for n in 0..5 {
        assert!(
            ordered(&stragglers, 60, &[suspect(0, 1)], BUSY).is_empty(),
            "{n}"
        );
        assert_eq!(ordered(&stragglers, 61, &[suspect(0, 1)], BUSY).len(), 1);
        stragglers.measured(1.0, 1, Duration::from_secs(1));
    }
    assert_eq!(ordered(&stragglers, 60, &[suspect(0, 1)], BUSY).len(), 1);
}

#[test]
fn a_deadline_doubles_with_each_copy_up_to_a_bound() {
    let stragglers = measured(ALL);
    let allowed = |generation| stragglers.deadlines().unwrap().allowed_s(1, generation);
    assert!((allowed(3) / allowed(0) - 8.0).abs() < 1e-9);
    assert_eq!(allowed(60), allowed(MOST_DOUBLINGS));
    let off = Stragglers::new(StragglerPolicy::OFF);
    assert!(off.deadlines().is_none());
}

/// In a fleet of a few slots 5 % of them are none; yet a task that hangs must get its copy.
#[test]
fn one_copy_may_always_be_under_way() {
    let stragglers = measured(ALL);
    let few = Situation { n_slots: 8, ..BUSY };
    let suspects: Vec<Suspect> = (0..8).map(|id| suspect(id, 1)).collect();
    assert_eq!(ordered(&stragglers, 100, &suspects, few).len(), 1);
    let one_out = Situation { n_copies: 1, ..few };
    assert!(ordered(&stragglers, 100, &suspects, one_out).is_empty());
}

#[test]
fn one_worker_gets_copies_of_its_own_tasks_only_into_idle_slots() {
    let stragglers = measured(ALL);
    let alone = Situation {
        is_one_worker: true,
        ..idle(0)
    };
    let suspects = [suspect(0, 16), suspect(1, 16)];
    assert!(ordered(&stragglers, 1000, &suspects, alone).is_empty());
    let some_idle = Situation { n_idle: 1, ..alone };
    assert_eq!(ordered(&stragglers, 1000, &suspects, some_idle).len(), 1);
    // It does not speculate either.
    assert!(ordered(&stragglers, 10, &suspects, some_idle).is_empty());
}

#[test]
fn while_every_slot_is_busy_copies_are_few() {
    let stragglers = measured(ALL);
    let suspects: Vec<Suspect> = (0..50).map(|id| suspect(id, 1)).collect();
    assert_eq!(ordered(&stragglers, 1000, &suspects, BUSY).len(), 5);
    let some_out = Situation {
        n_copies: 3,
        ..BUSY
    };
    assert_eq!(ordered(&stragglers, 1000, &suspects, some_out).len(), 2);
    assert_eq!(ordered(&stragglers, 1000, &suspects, idle(30)).len(), 35);
}

#[test]
fn idle_slots_get_what_is_out_for_longest_and_no_more_than_they_are() {
    let stragglers = measured(StragglerPolicy {
        deadlines: false,
        ..ALL
    });
    let suspects: Vec<Suspect> = (0..10).map(|id| suspect(id, 1)).collect();
    let late = |id| (id, 1, CopyReason::Late);
    assert_eq!(
        ordered(&stragglers, 10, &suspects, idle(3)),
        [0, 1, 2].map(late)
    );
    // Tasks 0 and 1 are out for half as long again as is typical.
    assert_eq!(
        ordered(&stragglers, 3, &suspects, idle(9)),
        [0, 1].map(late)
    );
    assert!(ordered(&stragglers, 10, &suspects, idle(0)).is_empty());
}

#[test]
fn nothing_is_speculated_on_while_pixels_are_left_or_most_tasks_are_out() {
    let stragglers = measured(StragglerPolicy {
        deadlines: false,
        ..ALL
    });
    let suspects = [suspect(0, 8)];
    let pixels_left = Situation {
        is_all_out: false,
        ..idle(4)
    };
    assert!(ordered(&stragglers, 100, &suspects, pixels_left).is_empty());
    let most_out = Situation {
        n_out: 21,
        ..idle(4)
    };
    assert!(ordered(&stragglers, 100, &suspects, most_out).is_empty());
}

#[test]
fn a_late_task_is_cut_into_as_many_pieces_as_slots_are_idle() {
    let stragglers = measured(ALL);
    let late = [suspect(0, 8)];
    assert_eq!(
        ordered(&stragglers, 20, &late, idle(5)),
        [(0, 5, CopyReason::Late)]
    );
    assert_eq!(
        ordered(&stragglers, 20, &late, idle(50)),
        [(0, 8, CopyReason::Late)]
    );
    let whole = measured(StragglerPolicy {
        splitting: false,
        ..ALL
    });
    assert_eq!(
        ordered(&whole, 20, &late, idle(5)),
        [(0, 1, CopyReason::Late)]
    );
}

#[test]
fn wide_tasks_are_shared_most_work_first_where_that_is_worth_it() {
    let stragglers = measured(ALL);
    let wide = [suspect(0, 16), suspect(1, 16), suspect(2, 32)];
    let shared = ordered(&stragglers, 2, &wide, idle(40));
    assert_eq!(
        shared,
        [(2, 32, CopyReason::Wide), (1, 8, CopyReason::Wide)]
    );
    // Two slots would take as long as what is left.
    assert!(ordered(&stragglers, 2, &wide, idle(2)).is_empty());
    // Nearly done: not worth it.
    assert!(ordered(&stragglers, 16, &[suspect(0, 16)], idle(40)).is_empty());
}

#[test]
fn a_small_wave_goes_by_the_times_of_the_one_before() {
    let mut stragglers = measured(ALL);
    stragglers.begin_wave();
    stragglers.measured(100.0, 1, Duration::from_secs(100));
    let late = [suspect(0, 1)];
    assert_eq!(
        ordered(&stragglers, 2, &late, idle(1)),
        [(0, 1, CopyReason::Late)]
    );
    for _ in 0..20 {
        stragglers.measured(100.0, 1, Duration::from_secs(100));
    }
    assert!(ordered(&stragglers, 2, &late, idle(1)).is_empty());
}

#[test]
fn at_the_end_of_a_wave_no_more_is_out_than_there_are_slots() {
    let stragglers = Stragglers::new(ALL);
    let most_out = |n_uncut| stragglers.most_out(100, 208, n_uncut);
    assert_eq!(
        [1000, 208, 150, 100, 10, 0].map(most_out),
        [208, 208, 150, 100, 100, 100]
    );
    let off = Stragglers::new(StragglerPolicy::OFF);
    assert_eq!(off.most_out(100, 208, 10), 208);
    // Without workers the few tasks that wait for the first one do.
    assert_eq!(stragglers.most_out(0, 8, 100), 8);
}

#[test]
fn nobody_looks_for_stragglers_in_vain() {
    assert_eq!(
        Stragglers::new(StragglerPolicy::OFF).look_again_after(),
        None
    );
    assert_eq!(Stragglers::new(ALL).look_again_after(), Some(BLIND_LOOK));
    let looks = |seconds| {
        let mut stragglers = Stragglers::new(ALL);
        stragglers.measured(seconds, 1, Duration::from_secs_f64(seconds));
        stragglers.look_again_after().unwrap()
    };
    assert_eq!(looks(1e-4), SOONEST_LOOK);
    assert_eq!(looks(1e9), LATEST_LOOK);
    let half_a_second = looks(0.5).as_secs_f64() * LOOKS_PER_TASK;
    assert!((0.5..0.6).contains(&half_a_second), "{half_a_second}");
}

#[test]
fn each_way_to_copy_asks_for_looks_by_itself() {
    let off = StragglerPolicy::OFF;
    let looks = |policy| Stragglers::new(policy).look_again_after().is_some();
    assert!(looks(StragglerPolicy {
        deadlines: true,
        ..off
    }));
    assert!(looks(StragglerPolicy {
        speculation: true,
        ..off
    }));
    assert!(looks(StragglerPolicy {
        splitting: true,
        ..off
    }));
    assert!(!looks(StragglerPolicy {
        adaptive_credit: true,
        ..off
    }));
}

#[test]
fn a_wave_goes_by_the_one_before_until_five_of_its_own_came() {
    let mut stragglers = Stragglers::new(ALL);
    let measure = |stragglers: &mut Stragglers, seconds, n| {
        for _ in 0..n {
            stragglers.measured(seconds, 1, Duration::from_secs_f64(seconds));
        }
    };
    let allowed_s = |stragglers: &Stragglers| stragglers.deadlines().unwrap().allowed_s(1, 0);
    measure(&mut stragglers, 100.0, 4);
    assert!(!stragglers.knows_times());
    measure(&mut stragglers, 100.0, 1);
    assert!(stragglers.knows_times());
    stragglers.begin_wave();
    assert!(stragglers.knows_times());
    measure(&mut stragglers, 2.0, 4);
    assert!(allowed_s(&stragglers) >= 300.0);
    measure(&mut stragglers, 2.0, 1);
    assert!((6.0..7.0).contains(&allowed_s(&stragglers)));
}

#[test]
fn a_task_of_many_pixels_tells_of_each() {
    let mut stragglers = Stragglers::new(ALL);
    for _ in 0..5 {
        stragglers.measured(20.0, 10, Duration::from_secs(20));
    }
    let allowed_s = stragglers.deadlines().unwrap().allowed_s(10, 0);
    assert!((60.0..70.0).contains(&allowed_s), "{allowed_s}");
}

#[test]
fn idle_slots_copy_a_pixel_twice_and_no_more() {
    let stragglers = measured(ALL);
    let copied = |generation| {
        let suspect = Suspect {
            generation,
            ..suspect(0, 1)
        };
        ordered(&stragglers, 9, &[suspect], idle(1))
    };
    assert_eq!(copied(1), [(0, 1, CopyReason::Late)]);
    assert_eq!(copied(2), []);
}

#[test]
fn a_wide_task_is_split_among_two_idle_slots_too() {
    let mut stragglers = Stragglers::new(ALL);
    for _ in 0..20 {
        stragglers.measured(10.0, 1, Duration::from_secs(10));
    }
    let wide = suspect(0, 10);
    let split = |n_open, n_idle| {
        let suspects = [Suspect { n_open, ..wide }];
        ordered(&stragglers, 5, &suspects, idle(n_idle))
    };
    assert_eq!(split(10, 10), [(0, 10, CopyReason::Wide)]);
    assert_eq!(split(4, 2), [(0, 2, CopyReason::Wide)]);
    assert_eq!(split(4, 1), []);
}

#[test]
fn nothing_is_overdue_before_the_shortest_deadline() {
    let deadlines = measured(ALL).deadlines().unwrap();
    assert!(deadlines.are_far(Duration::from_secs(5)));
    assert!(!deadlines.are_far(Duration::from_secs(6)));
}
