//! The end of a scan: its map and its counts beside the books.

use std::collections::BTreeMap;

use crate::Promise;
use crate::life::Broken;
use crate::line::Line;
use crate::scan::Scan;

/// Pixels that fail for good before a scan without any fit is hopeless.
const FEWEST_HOPELESS: usize = 10;

impl<'h> Scan<'h> {
    pub(crate) fn end(&mut self, line: &Line<'h>, broken: &mut Broken) {
        self.has_ended = true;
        let map: BTreeMap<&str, &str> = line.pairs("map").into_iter().collect();
        let how = line.get("how").unwrap_or_default();
        let is_bad = |outcome: &&str| *outcome == "bad";
        let has_bad = map.values().any(is_bad);
        match how {
            "fulfilled" => {}
            "stopped" if self.was_asked_to_stop => {}
            "hopeless" if map.len() >= FEWEST_HOPELESS && map.values().all(is_bad) => {}
            _ => broken.add(Promise::Lively, line, format!("ended by itself: {how}")),
        }
        let is_complete = how == "fulfilled" && !has_bad;
        if (line.get("complete") == Some("yes")) != is_complete {
            let what = format!("said to be complete or not, which is wrong: {how}");
            broken.add(Promise::SameMap, line, what);
        }
        self.look_at_pixels(line, &map, broken);
        self.look_at_map(line, &map, how == "fulfilled", broken);
        self.look_at_counts(line, how == "fulfilled", broken);
    }

    /// Each pixel is what some worker was the first to say of it.
    fn look_at_pixels(
        &self,
        line: &Line<'h>,
        map: &BTreeMap<&'h str, &'h str>,
        broken: &mut Broken,
    ) {
        for (name, outcome) in map {
            let Some(pixel) = self.pixels.get(name) else {
                let what = format!("{name} is in the map, unasked for");
                broken.add(Promise::NoStranger, line, what);
                continue;
            };
            let may_be_bad = pixel.n_failures >= self.fail_after || pixel.n_lost >= 20;
            if pixel.outcome == Some(outcome) || (*outcome == "bad" && may_be_bad) {
                continue;
            }
            let told = pixel.outcome.unwrap_or("nothing yet");
            let n_failures = pixel.n_failures;
            let what = format!("{name} is {outcome}, told was {told}; {n_failures} failures");
            broken.add(Promise::NoStranger, line, what);
        }
        for (name, outcome) in self.kept() {
            if self.has_journal && map.get(name).is_some_and(|in_map| in_map != outcome) {
                let what = format!("{name} is {outcome} in the journal, and not so in the map");
                broken.add(Promise::Durable, line, what);
            }
        }
    }

    /// The map is that of a calm life, as far as it goes.
    fn look_at_map(
        &self,
        line: &Line<'h>,
        map: &BTreeMap<&'h str, &'h str>,
        is_fulfilled: bool,
        broken: &mut Broken,
    ) {
        if is_fulfilled {
            let missing = self.pixels.keys().find(|name| !map.contains_key(*name));
            if let Some(name) = missing {
                broken.add(
                    Promise::Conserved,
                    line,
                    format!("{name} is not in the map"),
                );
            }
        }
        // Where a pixel was given up that is none of the bad ones, other waves may follow.
        let is_truly = |name: &str| self.truth.get(name).copied();
        let given_up = map.iter().any(|(name, outcome)| {
            *outcome == "bad" && is_truly(name).is_some_and(|truth| truth != "bad")
        });
        if given_up {
            return;
        }
        let wrong = map
            .iter()
            .find(|(name, outcome)| is_truly(name) != Some(**outcome));
        if let Some((name, outcome)) = wrong {
            let truth = is_truly(name).unwrap_or("not to be in it");
            let what = format!("{name} is {outcome}, and in a calm life {truth}");
            broken.add(Promise::SameMap, line, what);
        }
        if is_fulfilled && map.len() != self.truth.len() {
            let (n_map, n_truth) = (map.len(), self.truth.len());
            let what = format!("the map has {n_map} pixels, that of a calm life {n_truth}");
            broken.add(Promise::SameMap, line, what);
        }
    }

    fn look_at_counts(&self, line: &Line<'h>, is_fulfilled: bool, broken: &mut Broken) {
        let Some((n_duplicate, n_failed)) = self.when_fulfilled.filter(|_| is_fulfilled) else {
            return;
        };
        let count = |name| line.number(name).unwrap_or(u64::MAX);
        if count("planned") != count("accepted") {
            let (planned, accepted) = (count("planned"), count("accepted"));
            let what = format!("{accepted} of {planned} tasks are said to be accepted at the end");
            broken.add(Promise::Audited, line, what);
        }
        if self.is_unclear {
            return;
        }
        // What is asked for is asked for by the request that was foreseen. What went ahead may reach the hub when its
        // round has begun.
        let (ahead, asked_for) = (count("ahead"), count("asked_for"));
        if ahead < self.n_ahead || asked_for < self.n_adopted || asked_for > ahead {
            let (n_ahead, n_adopted) = (self.n_ahead, self.n_adopted);
            let what = format!(
                "{ahead} tasks are said to have gone ahead, {n_ahead} did; {asked_for} to be asked for, {n_adopted} were"
            );
            broken.add(Promise::Audited, line, what);
        }
        // What came while the Scanner drew its conclusions may be counted or not.
        for (name, least, most) in [
            ("duplicate", n_duplicate, self.n_duplicate),
            ("failed", n_failed, self.n_failed),
        ] {
            let told = count(name);
            if !(least..=most).contains(&told) {
                let what = format!("{told} results are said to be {name}, there were {least}");
                broken.add(Promise::Audited, line, what);
            }
        }
    }
}
