use std::{collections::HashMap, time::Duration};

use bytes::Bytes;

use super::{Grant, LeaseTable, LinkSlot, Scan};
use crate::{
    DownCause, LeaseToken, LinkId, Priority, ScanId, TaskFrame, TaskId, WorkerId, backend::Dice,
};

mod avoiding;
mod priorities;

const SCAN: ScanId = ScanId(1);
const OTHER: ScanId = ScanId(2);
const TERM: Duration = Duration::from_secs(10);
const START: Duration = Duration::ZERO;
const SOMEBODY: WorkerId = worker(0);

const fn worker(number: u8) -> WorkerId {
    WorkerId([number; 16])
}

fn table(tasks: u64) -> LeaseTable {
    let mut table = LeaseTable::new(7);
    assert!(table.add_scan(SCAN, Priority::NORMAL, 100, TERM));
    submit(&mut table, SCAN, 0..tasks);
    table
}

fn submit(table: &mut LeaseTable, scan: ScanId, tasks: impl IntoIterator<Item = u64>) {
    for task in tasks {
        assert!(table.submit(
            scan,
            TaskFrame {
                task: TaskId(task),
                body: Bytes::new(),
                lost_above: 0,
                avoid: vec![],
            }
        ));
    }
}

/// Submits a task that avoids these workers.
fn submit_avoiding(table: &mut LeaseTable, task: u64, workers: &[u8]) {
    let frame = TaskFrame {
        task: TaskId(task),
        body: Bytes::new(),
        lost_above: 0,
        avoid: workers.iter().copied().map(worker).collect(),
    };
    assert!(table.submit(SCAN, frame));
}

/// Grants what can be granted; returns who got which task.
fn grants(table: &mut LeaseTable) -> Vec<(LinkSlot, u64)> {
    let granted = grant(table, START).into_iter();
    granted
        .map(|grant| (grant.link, grant.key.task.0))
        .collect()
}

fn grant(table: &mut LeaseTable, now: Duration) -> Vec<Grant> {
    let mut grants = Vec::new();
    table.grant(now, usize::MAX, &mut grants);
    grants
}

#[test]
fn grants_no_more_than_the_credit() {
    let mut table = table(10);
    let link = table.add_link(SOMEBODY, 3);
    let grants = grant(&mut table, START);
    assert_eq!(grants.len(), 3);
    assert!(table.settle(link, grants[0].token).is_some());
    assert_eq!(grant(&mut table, START).len(), 1);
}

#[test]
fn grants_no_more_than_is_asked_for() {
    let mut table = table(10);
    for number in 0..2 {
        table.add_link(worker(number), 4);
    }
    let mut grants = Vec::new();
    assert_eq!(table.grant(START, 3, &mut grants), 3);
    assert_eq!(table.grant(START, 0, &mut grants), 0);
    assert_eq!(grants.len(), 3);
    assert_eq!(table.grant(START, 100, &mut grants), 5);
    assert_eq!(grants.len(), 8);
}

#[test]
fn links_have_small_numbers_of_their_own() {
    let mut table = table(0);
    let links = [1, 2, 3].map(|number| table.add_link(worker(number), 1));
    assert_eq!(links.map(LinkSlot::index), [0, 1, 2]);
    table.remove_link(links[1], DownCause::Closed);
    let next = table.add_link(SOMEBODY, 1);
    assert_eq!(next.index(), 1, "that of one who left");
    assert_ne!(next, links[1]);
}

#[test]
fn a_link_counts_once_however_it_waits_for_its_turn() {
    let mut table = table(10);
    let link = table.add_link(SOMEBODY, 4);
    let mut grants = Vec::new();
    table.grant(START, 3, &mut grants);
    // It had room for one more, and has an idle slot by now: two reasons for a turn.
    for held in &grants[..2] {
        assert!(table.settle(link, held.token).is_some());
    }
    assert_eq!(table.links.n_idle(false), 1);
    grant(&mut table, START);
    assert_eq!(table.n_held(link), 4);
    assert_eq!(table.links.n_idle(false), 0);
}

#[test]
fn whatever_is_leased_for_the_first_time_leaves_room_behind() {
    let mut table = table(5);
    assert_eq!(table.take_freed(SCAN), 0);
    table.add_link(SOMEBODY, 2);
    grant(&mut table, START);
    assert_eq!(table.take_freed(SCAN), 2);
    assert_eq!(table.take_freed(SCAN), 0, "told once");
}

#[test]
fn credit_is_that_of_all_links_that_are_there() {
    let mut table = table(10);
    let first = table.add_link(SOMEBODY, 4);
    table.add_link(worker(1), 3);
    grants(&mut table);
    assert_eq!(table.credit(), 7);
    table.remove_link(first, DownCause::Closed);
    assert_eq!(table.credit(), 3);
}

#[test]
fn spreads_few_tasks_over_all_links() {
    let mut table = table(10);
    let links: Vec<_> = (0..5).map(|_| table.add_link(SOMEBODY, 10)).collect();
    grant(&mut table, START);
    assert!(links.iter().all(|&link| table.n_held(link) == 2));
}

#[test]
fn a_link_with_an_idle_slot_comes_before_one_whose_tasks_would_wait() {
    let mut table = table(4);
    let (busy, empty) = (table.add_link(SOMEBODY, 2), table.add_link(SOMEBODY, 2));
    let grants = grant(&mut table, START);
    let settle = |table: &mut LeaseTable, link, n| {
        for held in grants.iter().filter(|grant| grant.link == link).take(n) {
            assert!(table.settle(link, held.token).is_some());
        }
    };
    // The busy one has room first, so it is first in turn; the other has an idle slot.
    settle(&mut table, busy, 1);
    settle(&mut table, empty, 2);
    submit(&mut table, SCAN, [4]);
    assert_eq!(grant(&mut table, START)[0].link, empty);
    submit(&mut table, SCAN, [5, 6]);
    assert_eq!(grant(&mut table, START).len(), 2);
    assert_eq!((table.n_held(busy), table.n_held(empty)), (2, 2));
}

#[test]
fn refuses_a_token_of_another_link_and_a_used_one() {
    let mut table = table(1);
    let (holder, stranger) = (table.add_link(SOMEBODY, 1), table.add_link(SOMEBODY, 1));
    let token = grant(&mut table, START)[0].token;
    assert_eq!(table.settle(stranger, token), None);
    assert_eq!(
        table.settle(holder, token).map(|settling| settling.attempt),
        Some(1)
    );
    assert_eq!(table.settle(holder, token), None);
    assert!(!table.release(holder, token));
}

#[test]
fn a_token_of_one_table_is_none_of_another() {
    let lease_of = |generation| {
        let mut table = LeaseTable::new(generation);
        assert!(table.add_scan(SCAN, Priority::NORMAL, 100, TERM));
        submit(&mut table, SCAN, [0]);
        let link = table.add_link(SOMEBODY, 1);
        let token = grant(&mut table, START)[0].token;
        (table, link, token)
    };
    let (mut one, link, ours) = lease_of(7);
    let (_, _, theirs) = lease_of(8);
    assert!(one.settle(link, theirs).is_none());
    assert!(one.settle(link, ours).is_some());
}

#[test]
fn expires_in_order_of_deadline_and_counts_the_attempt() {
    let mut table = table(2);
    let link = table.add_link(SOMEBODY, 2);
    let grants = grant(&mut table, START);
    assert!(table.renew(link, grants[0].token, Duration::from_secs(5)));
    assert_eq!(table.next_deadline(), Some(TERM));
    assert_eq!(table.expire(TERM), 1);
    let again = grant(&mut table, TERM);
    assert_eq!((again[0].key, again[0].attempt), (grants[1].key, 2));
    assert_eq!(table.settle(link, grants[1].token), None);
    assert!(table.settle(link, grants[0].token).is_some());
}

#[test]
fn an_attempt_is_what_was_lost_and_not_what_was_given_back() {
    let mut table = table(1);
    let again = |table: &mut LeaseTable, attempt| {
        let link = table.add_link(SOMEBODY, 1);
        let grant = grant(table, START).remove(0);
        assert_eq!((grant.link, grant.attempt), (link, attempt));
        grant
    };
    let first = again(&mut table, 1);
    assert!(!first.is_again);
    table.remove_link(first.link, DownCause::Closed);
    let second = again(&mut table, 1);
    assert!(second.is_again);
    table.remove_link(second.link, DownCause::Lost);
    let third = again(&mut table, 2);
    table.drain_link(third.link);
    assert!(table.release(third.link, third.token));
    let fourth = again(&mut table, 2);
    table.drain_link(fourth.link);
    assert_eq!(table.expire(TERM), 1);
    again(&mut table, 3);
}

#[test]
fn leases_what_a_lost_link_held_before_anything_else() {
    let mut table = table(5);
    let first = table.add_link(SOMEBODY, 2);
    grant(&mut table, START);
    assert_eq!(table.remove_link(first, DownCause::Lost), 2);
    table.add_link(SOMEBODY, 2);
    let tasks: Vec<_> = grant(&mut table, START)
        .iter()
        .map(|grant| grant.key.task.0)
        .collect();
    assert_eq!(tasks, [0, 1]);
}

#[test]
fn grants_nothing_to_a_draining_link() {
    let mut table = table(2);
    let link = table.add_link(SOMEBODY, 2);
    let token = grant(&mut table, START)[0].token;
    table.drain_link(link);
    submit(&mut table, SCAN, [7]);
    assert!(table.settle(link, token).is_some());
    assert!(grant(&mut table, START).is_empty());
    // Nor to one that drains before it got anything, or before it is full.
    let idle = table.add_link(SOMEBODY, 4);
    table.drain_link(idle);
    assert!(grant(&mut table, START).is_empty());
    let half_full = table.add_link(SOMEBODY, 4);
    submit(&mut table, SCAN, 8..12);
    assert_eq!(table.grant(START, 3, &mut Vec::new()), 3);
    table.drain_link(half_full);
    assert!(grant(&mut table, START).is_empty());
}

#[test]
fn purges_what_is_ready_and_leaves_what_is_leased() {
    let mut table = table(5);
    let link = table.add_link(SOMEBODY, 2);
    let grants = grant(&mut table, START);
    assert_eq!(table.purge(SCAN), 3);
    assert_eq!((table.n_ready(), table.n_leased()), (0, 2));
    assert!(table.settle(link, grants[1].token).is_some());
}

#[test]
fn backlog_counts_only_tasks_never_leased() {
    let mut table = table(100);
    assert_eq!(table.room(SCAN), 0);
    let link = table.add_link(SOMEBODY, 10);
    let grants = grant(&mut table, START);
    assert_eq!(table.room(SCAN), 10);
    assert!(table.release(link, grants[0].token));
    assert_eq!(table.room(SCAN), 10);
}

#[test]
fn scans_share_the_links_in_turns() {
    let mut table = table(50);
    assert!(table.add_scan(OTHER, Priority::NORMAL, 100, TERM));
    assert!(!table.add_scan(OTHER, Priority::NORMAL, 100, TERM));
    submit(&mut table, OTHER, 0..50);
    let links: Vec<_> = (0..4).map(|_| table.add_link(SOMEBODY, 5)).collect();
    let grants = grant(&mut table, START);
    let n_other = grants
        .iter()
        .filter(|grant| grant.key.scan == OTHER)
        .count();
    assert_eq!((links.len(), grants.len(), n_other), (4, 20, 10));
}

#[test]
fn a_held_scan_leases_nothing_and_stops_no_other() {
    let mut table = table(5);
    assert!(table.add_scan(OTHER, Priority::NORMAL, 100, TERM));
    submit(&mut table, OTHER, 0..5);
    table.hold(SCAN, true);
    table.add_link(SOMEBODY, 20);
    assert!(
        grant(&mut table, START)
            .iter()
            .all(|grant| grant.key.scan == OTHER)
    );
    table.hold(SCAN, false);
    assert_eq!(grant(&mut table, START).len(), 5);
}

#[test]
fn a_removed_scan_takes_its_leases_along() {
    let mut table = table(5);
    let link = table.add_link(SOMEBODY, 2);
    let token = grant(&mut table, START)[0].token;
    table.remove_scan(SCAN);
    assert_eq!(
        (table.n_ready(), table.n_leased(), table.n_held(link)),
        (0, 0, 0)
    );
    assert_eq!(table.settle(link, token), None);
    assert!(table.add_scan(SCAN, Priority::NORMAL, 1, TERM));
    submit(&mut table, SCAN, [9]);
    assert_eq!(grant(&mut table, START).len(), 1);
}

#[test]
fn who_drains_leaves_or_only_listens_is_not_waited_for() {
    let mut table = table(0);
    let bad = table.add_link(worker(1), 4);
    table.add_link(worker(3), 0);
    submit_avoiding(&mut table, 0, &[1]);
    assert_eq!(grants(&mut table), [(bad, 0)]);

    let other = table.add_link(worker(2), 1);
    submit(&mut table, SCAN, [1]);
    submit_avoiding(&mut table, 2, &[1]);
    submit_avoiding(&mut table, 3, &[1]);
    assert_eq!(grants(&mut table), [(bad, 1), (other, 2)]);
    table.drain_link(other);
    assert_eq!(grants(&mut table), [(bad, 3)]);

    let third = table.add_link(worker(3), 1);
    submit_avoiding(&mut table, 4, &[1]);
    submit_avoiding(&mut table, 5, &[1]);
    assert_eq!(grants(&mut table), [(third, 4)]);
    table.remove_link(third, DownCause::Lost);
    // Both are ready again, and there is room for one.
    assert_eq!(grants(&mut table), [(bad, 4)]);
}

/// Walks at random and compares with a model that only counts.
#[test]
fn loses_and_doubles_nothing_on_any_of_two_hundred_random_walks() {
    for seed in 0..200 {
        walk(seed);
    }
}

fn walk(seed: u64) {
    let mut random = Dice::seeded(seed);
    let mut table = table(0);
    let mut now = START;
    let (mut submitted, mut ended) = (0_u64, 0_u64);
    let mut links: Vec<(LinkSlot, WorkerId, usize)> = Vec::new();
    let mut leases: Vec<Grant> = Vec::new();
    let mut n_lost: HashMap<TaskId, u32> = HashMap::new();
    for step in 0..400 {
        match random.below(9) {
            0 => {
                submit(&mut table, SCAN, submitted..submitted + 5);
                submit_avoiding(&mut table, submitted + 5, &[random.below(4) as u8]);
                submit_avoiding(&mut table, submitted + 6, &[0, random.below(4) as u8]);
                submitted += 7;
            }
            1 => {
                let (worker, credit) =
                    (worker(random.below(4) as u8), 1 + random.below(6) as usize);
                links.push((table.add_link(worker, credit as u16), worker, credit));
            }
            2 if links.len() > 1 => {
                let (link, ..) = links.swap_remove(random.below(links.len() as u64) as usize);
                let cause = [DownCause::Closed, DownCause::Lost][random.below(2) as usize];
                let held = (leases.iter())
                    .filter(|lease| lease.link == link && table.lease(link, lease.token).is_some());
                if cause == DownCause::Lost {
                    held.for_each(|lease| *n_lost.entry(lease.key.task).or_default() += 1);
                }
                table.remove_link(link, cause);
            }
            3 => now += Duration::from_millis(random.below(4000)),
            4 => {
                let live: Vec<(TaskId, LinkSlot, LeaseToken)> = (leases.iter())
                    .map(|lease| (lease.key.task, lease.link, lease.token))
                    .filter(|&(_, link, token)| table.lease(link, token).is_some())
                    .collect();
                table.expire(now);
                for (task, link, token) in live {
                    let is_over = table.lease(link, token).is_none();
                    *n_lost.entry(task).or_default() += u32::from(is_over);
                }
            }
            5 | 6 if !leases.is_empty() => {
                let lease = leases.swap_remove(random.below(leases.len() as u64) as usize);
                ended += u64::from(table.settle(lease.link, lease.token).is_some());
            }
            7 if !leases.is_empty() => {
                let lease = &leases[random.below(leases.len() as u64) as usize];
                match random.below(2) {
                    0 => table.renew(lease.link, lease.token, now),
                    _ => table.release(lease.link, lease.token),
                };
            }
            _ => {
                let grants = grant(&mut table, now);
                for grant in grants {
                    let who = links.iter().find(|(link, ..)| *link == grant.link);
                    let worker = who.map(|&(_, worker, _)| worker);
                    let is_avoided = worker.is_some_and(|worker| grant.avoid.contains(&worker));
                    let is_other =
                        |(_, worker, _): &(_, WorkerId, _)| !grant.avoid.contains(worker);
                    assert!(
                        !(is_avoided && links.iter().any(is_other)) || now >= TERM,
                        "seed {seed} step {step}: an avoided worker got a task"
                    );
                    let n_lost = n_lost.get(&grant.key.task).copied().unwrap_or(0);
                    assert_eq!(grant.attempt, n_lost + 1, "seed {seed} step {step}");
                    leases.push(grant);
                }
                let idle = links
                    .iter()
                    .any(|&(link, _, credit)| table.n_held(link) < credit);
                let n_choosy = table.scans.iter().map(Scan::n_avoiding).sum::<usize>();
                assert!(
                    !idle || table.n_ready() == n_choosy,
                    "seed {seed} step {step}: left idle"
                );
            }
        }
        let held: usize = links.iter().map(|&(link, ..)| table.n_held(link)).sum();
        assert_eq!(held, table.n_leased(), "seed {seed} step {step}");
        assert!(
            links
                .iter()
                .all(|&(link, _, credit)| table.n_held(link) <= credit)
        );
        let known = table.n_ready() as u64 + table.n_leased() as u64 + ended;
        assert_eq!(known, submitted, "seed {seed} step {step}: conservation");
    }
}

#[test]
fn the_holders_of_tasks_are_told_while_their_leases_live() {
    let mut table = table(3);
    let (first, second) = (table.add_link(SOMEBODY, 1), table.add_link(worker(1), 1));
    let granted = grant(&mut table, START);
    let task = |link| {
        let granted = granted.iter().find(|grant| grant.link == link);
        granted.expect("it has credit").key.task
    };
    let tasks: Vec<TaskId> = (0..9).map(TaskId).collect();
    let name = |slot| Some(LinkId(if slot == first { 1 } else { 2 }));
    let told = |table: &LeaseTable, now| {
        let held = table.holders(SCAN, &tasks, now, name).into_iter();
        held.map(|holder| (holder.task, holder.link, holder.left))
            .collect::<Vec<_>>()
    };
    let (a, b) = (task(first), task(second));
    let mut both = told(&table, TERM / 2);
    both.sort_by_key(|(_, link, _)| *link);
    assert_eq!(both, [(a, LinkId(1), TERM / 2), (b, LinkId(2), TERM / 2)]);
    // The renewed one ends last; the other one has run out, though nobody has ended it yet.
    let token = granted[usize::from(granted[0].link != first)].token;
    assert!(table.renew(first, token, TERM / 2));
    assert_eq!(told(&table, TERM * 3 / 4)[1].1, LinkId(1));
    assert_eq!(told(&table, TERM), [(a, LinkId(1), TERM / 2)]);
    assert!(table.settle(first, token).is_some());
    assert!(told(&table, TERM).is_empty());
    assert!(table.holders(OTHER, &tasks, START, name).is_empty());
}
