//! C14: who is not to get a task, and for how long others are waited for.

use super::*;

#[test]
fn a_task_avoids_a_worker_while_another_is_up() {
    let mut table = table(0);
    let (first, second) = (table.add_link(worker(1), 4), table.add_link(worker(2), 4));
    submit_avoiding(&mut table, 0, &[1]);
    submit_avoiding(&mut table, 1, &[2, 9]);
    assert_eq!(grants(&mut table), [(first, 1), (second, 0)]);
}

#[test]
fn a_task_waits_for_another_worker_that_is_full_and_stops_nobody_meanwhile() {
    let mut table = table(0);
    let (bad, good) = (table.add_link(worker(1), 4), table.add_link(worker(2), 1));
    submit_avoiding(&mut table, 0, &[1]);
    submit_avoiding(&mut table, 1, &[1]);
    submit(&mut table, SCAN, [2, 3]);
    let granted = grant(&mut table, START);
    let of = |link| granted.iter().filter(move |grant| grant.link == link);
    assert!(of(bad).map(|grant| grant.key.task.0).eq([2, 3]));
    assert!(of(good).map(|grant| grant.key.task.0).eq([0]));
    assert!(grants(&mut table).is_empty());
    let token = of(good).map(|grant| grant.token).next();
    assert!(token.is_some_and(|token| table.settle(good, token).is_some()));
    assert_eq!(grants(&mut table), [(good, 1)]);
}

#[test]
fn nobody_who_hangs_is_waited_for_longer_than_a_lease_lives() {
    let at = Duration::from_secs;
    let mut table = table(0);
    let (avoided, full) = (table.add_link(worker(1), 4), table.add_link(worker(2), 1));
    submit_avoiding(&mut table, 0, &[1]);
    submit_avoiding(&mut table, 1, &[1]);
    submit_avoiding(&mut table, 2, &[1]);
    let first = grant(&mut table, at(3));
    assert_eq!(first.len(), 1);
    // It says that it is at it, and never ends.
    let renew = |table: &mut LeaseTable, now| assert!(table.renew(full, first[0].token, now));
    assert!(grant(&mut table, at(4)).is_empty());
    renew(&mut table, at(5));
    assert_eq!(table.next_deadline(), Some(at(14)), "before the lease ends");
    assert!(grant(&mut table, at(13)).is_empty());
    let second = grant(&mut table, at(14));
    assert_eq!((second.len(), second[0].link), (1, avoided));
    renew(&mut table, at(15));
    assert_eq!(table.next_deadline(), Some(at(19)), "half as long");
    assert!(grant(&mut table, at(18)).is_empty(), "others may come yet");
    assert_eq!(grant(&mut table, at(19)).len(), 1);
}

#[test]
fn nobody_who_gives_back_whatever_it_gets_is_waited_for_longer_either() {
    let at = Duration::from_secs;
    let mut table = table(0);
    let (avoided, idle) = (table.add_link(worker(1), 1), table.add_link(worker(2), 1));
    submit_avoiding(&mut table, 7, &[1]);
    for seconds in 0..10 {
        let granted = grant(&mut table, at(seconds));
        assert_eq!((granted.len(), granted[0].link), (1, idle), "{seconds} s");
        assert!(table.release(idle, granted[0].token));
    }
    let links: Vec<LinkSlot> = (10..12)
        .map(|seconds| {
            let granted = grant(&mut table, at(seconds));
            assert!(table.release(granted[0].link, granted[0].token));
            granted[0].link
        })
        .collect();
    assert!(links.contains(&avoided), "each in its turn");
}

#[test]
fn what_others_take_is_not_taken_from_them() {
    let at = Duration::from_secs;
    let mut table = table(0);
    let (avoided, busy) = (table.add_link(worker(1), 1), table.add_link(worker(2), 1));
    for task in 0..5 {
        submit_avoiding(&mut table, task, &[1]);
    }
    for n in 0..5 {
        let granted = grant(&mut table, at(9 * n));
        assert_eq!((granted.len(), granted[0].link), (1, busy));
        assert!(grant(&mut table, at(9 * n + 8)).is_empty());
        assert_eq!(table.n_held(avoided), 0);
        assert!(table.settle(busy, granted[0].token).is_some());
    }
}

#[test]
fn a_task_that_avoids_everybody_goes_to_anybody() {
    let mut table = table(0);
    table.add_link(worker(1), 2);
    table.add_link(worker(2), 2);
    submit_avoiding(&mut table, 0, &[1, 2]);
    assert_eq!(grants(&mut table).len(), 1);
}

#[test]
fn a_task_avoids_on_whatever_became_of_its_leases() {
    let mut table = table(0);
    let good = table.add_link(worker(2), 1);
    submit_avoiding(&mut table, 0, &[1]);
    let first = grant(&mut table, START).remove(0);
    assert_eq!(first.avoid, [worker(1)]);
    let bad = table.add_link(worker(1), 4);
    assert!(table.release(good, first.token));
    let again = grant(&mut table, START).remove(0);
    assert_eq!((again.link, again.attempt), (good, 1));
    table.remove_link(good, DownCause::Lost);
    assert_eq!(grants(&mut table), [(bad, 0)]);
}

#[test]
fn purge_and_backlog_count_tasks_that_avoid_somebody() {
    let mut table = table(0);
    assert_eq!(table.room(SCAN), 100);
    submit_avoiding(&mut table, 0, &[1]);
    submit_avoiding(&mut table, 1, &[1, 2]);
    assert_eq!((table.room(SCAN), table.n_ready()), (98, 2));
    assert_eq!(table.purge(SCAN), 2);
    assert_eq!((table.room(SCAN), table.n_ready()), (100, 0));
    assert_eq!(table.take_freed(SCAN), 2);
}

#[test]
fn a_wait_begins_when_somebody_with_room_is_passed_over_and_is_told_until_it_is_due() {
    let at = Duration::from_secs;
    let mut table = table(1);
    let full = table.add_link(worker(2), 1);
    let held = grant(&mut table, at(20))[0].token;
    let avoided = table.add_link(worker(1), 1);
    submit_avoiding(&mut table, 7, &[1]);
    assert!(grant(&mut table, at(21)).is_empty());
    assert!(table.renew(full, held, at(29)));
    assert_eq!(table.next_deadline(), Some(at(31)));
    // Meanwhile the other one is full, too: nothing can be done then, and nobody need come back at once.
    submit(&mut table, SCAN, [8]);
    assert_eq!(grant(&mut table, at(30)).len(), 1);
    assert_eq!(table.n_held(avoided), 1);
    assert!(grant(&mut table, at(31)).is_empty());
    assert_eq!(table.next_deadline(), Some(at(39)), "when a lease ends");
}
