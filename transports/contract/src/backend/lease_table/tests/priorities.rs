//! C16: who comes first, and how much of a link is kept for it.

use super::super::levels::enter;
use super::*;

const URGENT: ScanId = ScanId(10);
const BACKGROUND: ScanId = ScanId(11);

fn open(table: &mut LeaseTable, scan: ScanId, priority: Priority) {
    assert!(table.add_scan(scan, priority, 1000, TERM));
}

/// A table with so many tasks of a normal scan, held by a link of this credit as far as it goes.
fn full_link(tasks: u64, credit: u16) -> (LeaseTable, LinkSlot, Vec<Grant>) {
    let mut table = table(tasks);
    let link = table.add_link(SOMEBODY, credit);
    let grants = grant(&mut table, START);
    (table, link, grants)
}

fn n_of(grants: &[Grant], scan: ScanId) -> usize {
    grants.iter().filter(|grant| grant.key.scan == scan).count()
}

#[test]
fn what_becomes_free_goes_to_the_urgent_scan_though_hundreds_wait() {
    let (mut table, link, grants) = full_link(100, 4);
    open(&mut table, URGENT, Priority::URGENT);
    submit(&mut table, URGENT, 0..10);
    for held in grants {
        assert!(table.settle(link, held.token).is_some());
        let next = grant(&mut table, START);
        assert_eq!((next.len(), next[0].key.scan), (1, URGENT));
    }
}

#[test]
fn lower_scans_get_half_of_the_credit_while_a_higher_one_is_open() {
    for (credit, half) in [(1, 1), (2, 1), (3, 2), (4, 2), (9, 5)] {
        let mut table = table(100);
        open(&mut table, URGENT, Priority::URGENT);
        table.add_link(SOMEBODY, credit);
        assert_eq!(grant(&mut table, START).len(), half, "credit {credit}");
        submit(&mut table, URGENT, 0..100);
        let urgent = grant(&mut table, START);
        assert_eq!(urgent.len(), usize::from(credit) - half, "credit {credit}");
        table.remove_scan(URGENT);
        let others = grant(&mut table, START);
        assert_eq!(others.len(), urgent.len(), "credit {credit}");
    }
}

#[test]
fn what_is_given_back_for_it_comes_again_afterwards_with_the_same_attempt() {
    let (mut table, link, grants) = full_link(4, 4);
    open(&mut table, URGENT, Priority::URGENT);
    submit(&mut table, URGENT, 0..2);
    for held in &grants[2..] {
        assert!(table.release(link, held.token));
    }
    let urgent = grant(&mut table, START);
    assert_eq!((urgent.len(), n_of(&urgent, URGENT)), (2, 2));
    table.remove_scan(URGENT);
    let again = grant(&mut table, START);
    let mut tasks: Vec<u64> = again.iter().map(|grant| grant.key.task.0).collect();
    tasks.sort_unstable();
    assert_eq!(tasks, [2, 3]);
    assert!(
        again
            .iter()
            .all(|grant| grant.attempt == 1 && grant.is_again)
    );
}

/// Released ones beyond the half are not granted again at once: their link would give them back for
/// ever.
#[test]
fn what_is_given_back_stays_ready_while_its_link_has_its_half() {
    let (mut table, link, grants) = full_link(4, 4);
    open(&mut table, URGENT, Priority::URGENT);
    assert!(table.release(link, grants[3].token));
    assert!(table.release(link, grants[2].token));
    assert!(grant(&mut table, START).is_empty());
    // One that is empty takes them.
    let other = table.add_link(worker(1), 4);
    assert_eq!(grant(&mut table, START).len(), 2);
    assert_eq!(table.n_held(other), 2);
    assert!(table.settle(link, grants[0].token).is_some());
    submit(&mut table, SCAN, [7]);
    assert_eq!(grant(&mut table, START)[0].link, link);
}

#[test]
fn few_urgent_tasks_are_spread_over_all_links() {
    let mut table = table(100);
    open(&mut table, URGENT, Priority::URGENT);
    let links: Vec<_> = (0..5).map(|_| table.add_link(SOMEBODY, 10)).collect();
    submit(&mut table, URGENT, 0..10);
    let grants = grant(&mut table, START);
    for link in links {
        let of_link = grants.iter().filter(|grant| grant.link == link);
        let of_link: Vec<Grant> = of_link.cloned().collect();
        assert_eq!((n_of(&of_link, URGENT), n_of(&of_link, SCAN)), (2, 5));
    }
}

#[test]
fn equals_share_and_the_lowest_gets_what_is_left() {
    let mut table = table(40);
    open(&mut table, OTHER, Priority::NORMAL);
    open(&mut table, BACKGROUND, Priority::BACKGROUND);
    submit(&mut table, OTHER, 0..40);
    submit(&mut table, BACKGROUND, 0..40);
    for _ in 0..4 {
        table.add_link(SOMEBODY, 5);
    }
    let grants = grant(&mut table, START);
    assert_eq!((n_of(&grants, SCAN), n_of(&grants, OTHER)), (10, 10));
    for grant in &grants {
        assert!(table.settle(grant.link, grant.token).is_some());
    }
    assert_eq!((table.purge(SCAN), table.purge(OTHER)), (30, 30));
    // Three of five: the others may go on at any time.
    assert_eq!(n_of(&grant(&mut table, START), BACKGROUND), 12);
}

#[test]
fn an_urgent_scan_that_grants_nothing_stops_no_other() {
    let mut table = table(10);
    open(&mut table, URGENT, Priority::URGENT);
    submit(&mut table, URGENT, 0..10);
    table.hold(URGENT, true);
    table.add_link(SOMEBODY, 4);
    assert_eq!(n_of(&grant(&mut table, START), SCAN), 2);
    table.hold(URGENT, false);
    assert_eq!(n_of(&grant(&mut table, START), URGENT), 2);
}

#[test]
fn an_urgent_task_that_avoids_a_worker_leaves_that_one_to_others() {
    let mut table = table(10);
    open(&mut table, URGENT, Priority::URGENT);
    let (bad, good) = (table.add_link(worker(1), 4), table.add_link(worker(2), 4));
    let frame = TaskFrame {
        task: TaskId(0),
        body: Bytes::new(),
        lost_above: 0,
        avoid: vec![worker(1)],
    };
    assert!(table.submit(URGENT, frame));
    let grants = grant(&mut table, START);
    let urgent = grants.iter().find(|grant| grant.key.scan == URGENT);
    assert_eq!(urgent.map(|grant| grant.link), Some(good));
    assert_eq!((table.n_held(bad), table.n_held(good)), (2, 3));
}

/// What is kept free is looked at again for the urgent scan, and for the others when it has gone.
#[test]
fn no_link_is_forgotten_that_was_kept_free() {
    let (mut table, link, _) = full_link(100, 4);
    let second = table.add_link(worker(1), 4);
    open(&mut table, URGENT, Priority::URGENT);
    assert_eq!(grant(&mut table, START).len(), 2);
    for round in 0..3 {
        submit(&mut table, URGENT, [round]);
        let urgent = grant(&mut table, START);
        assert_eq!((urgent.len(), urgent[0].link), (1, second));
        assert!(table.settle(second, urgent[0].token).is_some());
        assert!(grant(&mut table, START).is_empty());
    }
    table.remove_scan(URGENT);
    assert_eq!(grant(&mut table, START).len(), 2);
    assert_eq!((table.n_held(link), table.n_held(second)), (4, 4));
}

/// Walks at random over scans of three priorities that come and go, and compares with a model.
#[test]
fn keeps_the_half_and_the_order_on_any_of_two_hundred_random_walks() {
    for seed in 0..200 {
        walk(seed);
    }
}

fn walk(seed: u64) {
    let mut random = Dice::seeded(seed);
    let mut table = LeaseTable::new(7);
    let priorities = [Priority::BACKGROUND, Priority::NORMAL, Priority::URGENT];
    let mut scans: Vec<(ScanId, Priority)> = Vec::new();
    let mut links: Vec<(LinkSlot, usize)> = Vec::new();
    let mut leases: Vec<Grant> = Vec::new();
    let mut next = 0;
    for step in 0..400 {
        let pick = |n: usize, random: &mut Dice| random.below(n as u64) as usize;
        match random.below(8) {
            0 if scans.len() < 6 => {
                next += 1;
                let scan = (ScanId(next), priorities[pick(3, &mut random)]);
                open(&mut table, scan.0, scan.1);
                scans.push(scan);
            }
            1 if scans.len() > 1 => {
                let (scan, _) = scans.swap_remove(pick(scans.len(), &mut random));
                table.remove_scan(scan);
            }
            2 => {
                let credit = 1 + pick(6, &mut random);
                links.push((table.add_link(SOMEBODY, credit as u16), credit));
            }
            3 if links.len() > 2 => {
                let (link, _) = links.swap_remove(pick(links.len(), &mut random));
                table.remove_link(link, DownCause::Closed);
            }
            4 if !scans.is_empty() => {
                let (scan, _) = scans[pick(scans.len(), &mut random)];
                next += 5;
                submit(&mut table, scan, next - 5..next);
            }
            5 | 6 if !leases.is_empty() => {
                let lease = leases.swap_remove(pick(leases.len(), &mut random));
                match random.below(3) {
                    0 => drop(table.release(lease.link, lease.token)),
                    _ => drop(table.settle(lease.link, lease.token)),
                }
            }
            _ => {
                leases.retain(|lease| table.lease(lease.link, lease.token).is_some());
                let highest = scans.iter().map(|&(_, priority)| priority).max();
                let priority = |grant: &Grant| {
                    let mut known = scans.iter();
                    known
                        .find(|(scan, _)| *scan == grant.key.scan)
                        .map(|&(_, priority)| priority)
                };
                let n_lower = |leases: &[Grant], link: LinkSlot| {
                    let lower = leases.iter().filter(|lease| lease.link == link);
                    lower.filter(|lease| priority(lease) < highest).count()
                };
                let before: Vec<usize> = links
                    .iter()
                    .map(|&(link, _)| n_lower(&leases, link))
                    .collect();
                let granted = grant(&mut table, START);
                let order: Vec<_> = granted.iter().map(priority).collect();
                assert!(order.is_sorted_by(|a, b| a >= b), "seed {seed} step {step}");
                leases.extend(granted);
                for (&(link, credit), n_before) in links.iter().zip(before) {
                    let (n_held, n_lower) = (table.n_held(link), n_lower(&leases, link));
                    let most = credit.div_ceil(2).max(n_before);
                    assert!(
                        n_held <= credit && n_lower <= most,
                        "seed {seed} step {step}: {n_lower} of lower ones, {n_held} of {credit}"
                    );
                    // Nothing waits that this link could have.
                    let takes_any = n_held < credit && n_lower < credit.div_ceil(2);
                    let n_urgent: usize = (table.scans.iter())
                        .filter(|scan| scan.open && Some(scan.priority) == highest)
                        .map(|scan| table.levels[scan.level].n_ready)
                        .sum();
                    assert!(
                        !(takes_any && table.n_ready() > 0 || n_held < credit && n_urgent > 0),
                        "seed {seed} step {step}: left idle"
                    );
                }
                let n_ready: usize = table.levels.iter().map(|level| level.n_ready).sum();
                assert_eq!(n_ready, table.n_ready(), "seed {seed} step {step}");
            }
        }
    }
}

#[test]
fn only_a_scan_that_is_above_all_others_makes_another_level_the_highest() {
    let scan = |priority| Scan::new(SCAN, priority, 1, TERM);
    let mut scans = [
        Priority::NORMAL,
        Priority::NORMAL,
        Priority::BACKGROUND,
        Priority::URGENT,
    ]
    .map(scan);
    let mut levels = Vec::new();
    let is_new_highest = [0, 1, 2, 3].map(|number| enter(&mut levels, number, &mut scans));
    assert_eq!(is_new_highest, [true, false, false, true]);
    assert_eq!(scans.map(|scan| scan.level), [1, 1, 2, 0]);
}
