//! Where the tasks are that nothing comes of: which link has each, and for how long, as the hub says.

use std::collections::{BTreeMap, HashMap};

use skyscan_transport::{Holder, LinkId};

use super::links::Links;

/// Links that are named; those that hold most come first.
const MOST_NAMED: usize = 5;

/// Who held the tasks that were asked for.
#[derive(Debug)]
pub(super) struct Whereabouts(HashMap<u64, Vec<Holder>>);

impl Whereabouts {
    pub(super) fn new(holders: Vec<Holder>) -> Self {
        let mut by_task: HashMap<u64, Vec<Holder>> = HashMap::new();
        for holder in holders {
            by_task.entry(holder.task.0).or_default().push(holder);
        }
        Self(by_task)
    }

    /// How many of these tasks some link held.
    pub(super) fn n_held(&self, tasks: &[u64]) -> usize {
        tasks
            .iter()
            .filter(|task| self.0.contains_key(task))
            .count()
    }

    /// Where a pixel is that is in these tasks.
    pub(super) fn of(&self, tasks: &[u64], links: &Links) -> String {
        let held = tasks.iter().filter_map(|task| self.0.get(task)).flatten();
        let named = held.map(|holder| {
            let (name, left_s) = (links.name(holder.link), holder.left.as_secs());
            format!("at {name}, for {left_s} s unless renewed")
        });
        let named: Vec<String> = named.collect();
        match (tasks.is_empty(), named.is_empty()) {
            (true, _) => "yet to go out".to_owned(),
            (false, true) => "waits for a link".to_owned(),
            (false, false) => named.join(" and "),
        }
    }

    /// The links that held any, each with how many.
    pub(super) fn links(&self, links: &Links) -> String {
        let mut n_held: BTreeMap<LinkId, usize> = BTreeMap::new();
        for holder in self.0.values().flatten() {
            *n_held.entry(holder.link).or_default() += 1;
        }
        let mut by_number: Vec<(LinkId, usize)> = n_held.into_iter().collect();
        by_number.sort_by_key(|(_, n_tasks)| std::cmp::Reverse(*n_tasks));
        let named = by_number.iter().take(MOST_NAMED);
        let mut named: Vec<String> = named
            .map(|(link, n_tasks)| format!("{}: {n_tasks}", links.name(*link)))
            .collect();
        if by_number.len() > MOST_NAMED {
            named.push(format!("{} more", by_number.len() - MOST_NAMED));
        }
        named.join(", ")
    }
}
