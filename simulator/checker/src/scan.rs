//! One scan, kept in books of our own: which pixels it wants, who was given what, and what came back.

use std::collections::{BTreeMap, BTreeSet};

use crate::Promise;
use crate::life::Broken;
use crate::line::Line;

/// A pixel is lost so often with its worker before it may be given up, ...
const LOST_FOR_GOOD: u64 = 20;
/// ... and so often before it must be where workers go anyway, ...
const LOST_TOO_OFTEN: u64 = 100;
/// ... which so many results at later attempts may show.
const MANY_LATER: u64 = 1000;
/// So often is a pixel given out without anybody having failed at it: copies of copies in ever longer
/// pauses.
const MOST_GIVEN: u64 = 24;

/// The books of one scan; those of a Scanner are begun anew with each.
#[derive(Debug, Default)]
pub(crate) struct Scan<'h> {
    pub(crate) truth: BTreeMap<&'h str, &'h str>,
    pub(crate) has_journal: bool,
    pub(crate) fail_after: u64,
    pub(crate) pixels: BTreeMap<&'h str, PixelBook<'h>>,
    tasks: BTreeMap<u64, TaskBook<'h>>,
    /// What is durable.
    kept: BTreeMap<&'h str, &'h str>,
    known: BTreeSet<&'h str>,
    /// What was foreseen at some time: it may be given out before it is asked for.
    foreseen: BTreeSet<&'h str>,
    /// Pixels that got their outcomes with each batch.
    batches: BTreeMap<u64, Vec<&'h str>>,
    /// Tasks that were given out ahead, and those of which a wave asked for all.
    pub(crate) n_ahead: u64,
    pub(crate) n_adopted: u64,
    /// Results of tasks that were lost before.
    n_later: u64,
    /// Results of which nothing was new, and those at which their workers failed.
    pub(crate) n_duplicate: u64,
    pub(crate) n_failed: u64,
    /// The same when the plan was fulfilled.
    pub(crate) when_fulfilled: Option<(u64, u64)>,
    /// Whether some pixel may have been given up, which only the Scanner knows.
    pub(crate) is_unclear: bool,
    pub(crate) was_asked_to_stop: bool,
    pub(crate) has_ended: bool,
}

#[derive(Debug, Default)]
pub(crate) struct PixelBook<'h> {
    pub(crate) outcome: Option<&'h str>,
    pub(crate) n_given: u64,
    /// Failures of this pixel alone, and at whom.
    pub(crate) n_failures: u64,
    failed_at: BTreeSet<&'h str>,
    /// Failures of whole tasks that it was in.
    n_suspected: u64,
    pub(crate) n_lost: u64,
    n_unbegun: u64,
}

#[derive(Debug)]
struct TaskBook<'h> {
    pixels: Vec<&'h str>,
    is_back: bool,
    /// It was given out before its pixels were asked for.
    ahead: Option<Ahead<'h>>,
    /// When they were, if they were after all.
    adopted_at: Option<&'h str>,
}

/// What became of a task that was given out ahead.
#[derive(Debug)]
enum Ahead<'h> {
    /// Its round has not come yet; what was said of its pixels, if that was good.
    Waits(Option<Vec<&'h str>>),
    /// Its round has come, and does not ask for all of it.
    InVain,
}

impl<'h> Scan<'h> {
    pub(crate) fn read(&mut self, line: &Line<'h>, broken: &mut Broken) {
        match line.what {
            "truth" => self.truth = line.pairs("map").into_iter().collect(),
            "begins" => self.begin(line, broken),
            "foresees" => self.foreseen.extend(line.list("pixels")),
            "wants" => self.want(line, broken),
            "gives" => self.give(line, broken),
            "hears" => self.hear(line),
            "keeps" => self.kept.extend(line.pairs("pixels")),
            "keeps-again" => {
                let pixels = line.get("pixels").unwrap_or_default();
                broken.add(Promise::Once, line, format!("kept twice: {pixels}"));
            }
            "confirms" => self.confirm(line, broken),
            "is-asked-to-stop" => self.was_asked_to_stop = true,
            "ends" => self.end(line, broken),
            "breaks" => {
                let why = line.get("why").unwrap_or_default();
                broken.add(Promise::Lively, line, format!("broke: {why}"));
                self.has_ended = true;
            }
            _ => {}
        }
    }

    /// What is still to be done, in words.
    pub(crate) fn left(&self) -> String {
        let open = self
            .pixels
            .iter()
            .filter(|(_, pixel)| pixel.outcome.is_none());
        let open: Vec<&str> = open.map(|(name, _)| *name).collect();
        let n_out = self.tasks.values().filter(|task| !task.is_back).count();
        let shown = &open[..open.len().min(5)];
        format!(
            "{} pixels are open, {shown:?} among them; {n_out} tasks are out",
            open.len()
        )
    }

    fn begin(&mut self, line: &Line<'h>, broken: &mut Broken) {
        self.has_journal = line.get("journal") == Some("yes");
        self.fail_after = line.number("fail_after").unwrap_or(1);
        let knows: BTreeMap<&str, &str> = line.pairs("knows").into_iter().collect();
        if knows != self.kept {
            let (n_knows, n_kept) = (knows.len(), self.kept.len());
            let what = format!("it knows {n_knows} pixels of {n_kept} that are durable");
            broken.add(Promise::Durable, line, what);
        }
        self.known = knows.keys().copied().collect();
        self.pixels.clear();
        self.tasks.clear();
        self.foreseen.clear();
        self.batches.clear();
        (self.n_duplicate, self.n_failed) = (0, 0);
        (self.n_ahead, self.n_adopted) = (0, 0);
        self.n_later = 0;
        self.when_fulfilled = None;
        self.is_unclear = false;
    }

    fn want(&mut self, line: &Line<'h>, broken: &mut Broken) {
        let mut open = self
            .pixels
            .iter()
            .filter(|(_, pixel)| pixel.outcome.is_none());
        if let (Some((name, _)), false) = (open.next(), self.is_unclear) {
            let what = format!("the next wave was asked for while {name} had no outcome");
            broken.add(Promise::Conserved, line, what);
        }
        let pixels = line.list("pixels");
        if pixels.is_empty() {
            self.when_fulfilled = Some((self.n_duplicate, self.n_failed));
        }
        for &pixel in &pixels {
            let outcome = self
                .kept
                .get(pixel)
                .copied()
                .filter(|_| self.known.contains(pixel));
            let book = PixelBook {
                outcome,
                ..PixelBook::default()
            };
            if self.pixels.insert(pixel, book).is_some() {
                broken.add(Promise::Once, line, format!("{pixel} was asked for twice"));
            }
        }
        self.adopt(&pixels, line.at);
    }

    /// A wave begins: what was given out ahead becomes part of it, if it asks for all of it. One by which a round
    /// grows leaves what is ahead as it is.
    fn adopt(&mut self, wave: &[&'h str], at: &'h str) {
        let nside = |name: &str| name.split('/').next().and_then(|n| n.parse::<u64>().ok());
        for task in self.tasks.values_mut() {
            let is_later =
                |name: &&str| wave.first().is_some_and(|first| nside(name) > nside(first));
            let Some(Ahead::Waits(said)) = &task.ahead else {
                continue;
            };
            if task.pixels.first().is_some_and(is_later) {
                continue;
            }
            let is_open = |name: &&str| {
                let book = self.pixels.get(*name);
                wave.contains(name) && book.is_some_and(|book| book.outcome.is_none())
            };
            if (task.is_back && said.is_none()) || !task.pixels.iter().all(is_open) {
                task.ahead = Some(Ahead::InVain);
                continue;
            }
            let said = said.clone().unwrap_or_default();
            self.n_adopted += 1;
            (task.ahead, task.adopted_at) = (None, Some(at));
            for name in &task.pixels {
                if let Some(book) = self.pixels.get_mut(name) {
                    book.n_given += 1;
                }
            }
            for (name, outcome) in task.pixels.iter().zip(said) {
                if let Some(book) = self.pixels.get_mut(name) {
                    book.outcome = Some(outcome);
                }
            }
        }
    }

    fn give(&mut self, line: &Line<'h>, broken: &mut Broken) {
        let pixels = line.list("pixels");
        let is_ahead =
            |name: &&str| self.foreseen.contains(name) && !self.pixels.contains_key(name);
        let is_ahead = !pixels.is_empty() && pixels.iter().all(is_ahead);
        self.n_ahead += u64::from(is_ahead);
        for pixel in &pixels {
            if self.known.contains(pixel) {
                broken.add(
                    Promise::Durable,
                    line,
                    format!("{pixel} was durable, and is given out"),
                );
            }
            if is_ahead {
                continue;
            }
            let Some(book) = self.pixels.get_mut(pixel) else {
                broken.add(
                    Promise::NoStranger,
                    line,
                    format!("{pixel} is given out, unasked for"),
                );
                continue;
            };
            book.n_given += 1;
            let excused = book.n_failures + book.n_suspected + book.n_unbegun;
            if book.n_given > MOST_GIVEN + excused {
                let n_given = book.n_given;
                let what = format!("{pixel} is given out for the {n_given}th time");
                broken.add(Promise::LittleWaste, line, what);
            }
        }
        let Some(task) = line.number("task") else {
            return;
        };
        let book = TaskBook {
            pixels,
            is_back: false,
            ahead: is_ahead.then_some(Ahead::Waits(None)),
            adopted_at: None,
        };
        if self.tasks.insert(task, book).is_some() {
            broken.add(
                Promise::Once,
                line,
                format!("task {task} is given out twice"),
            );
        }
    }

    fn hear(&mut self, line: &Line<'h>) {
        let (Some(task), Some(batch)) = (line.number("task"), line.number("batch")) else {
            return;
        };
        // Of a task that it did not give it learns nothing.
        let Some(book) = self.tasks.get_mut(&task) else {
            return;
        };
        self.n_later += u64::from(line.number("attempt").unwrap_or(1) > 1);
        let is_open = |pixels: &BTreeMap<&str, PixelBook<'_>>, name: &str| {
            pixels
                .get(name)
                .is_some_and(|pixel| pixel.outcome.is_none())
        };
        let was_back = std::mem::replace(&mut book.is_back, true);
        match &mut book.ahead {
            Some(_) if was_back => self.n_duplicate += 1,
            Some(Ahead::Waits(said)) => *said = said_of_all(line, book.pixels.len()),
            _ => {}
        }
        if book.ahead.is_some() {
            return;
        }
        // At that very moment the Scanner may have heard it before its round began, and forgotten it.
        let is_just_adopted = book.adopted_at == Some(line.at);
        self.is_unclear |= is_just_adopted && said_of_all(line, book.pixels.len()).is_none();
        if was_back || !book.pixels.iter().any(|name| is_open(&self.pixels, name)) {
            self.n_duplicate += 1;
            return;
        }
        let names = book.pixels.clone();
        let worker = line.get("worker").unwrap_or_default();
        let said = match line.get("says") {
            Some("-") => Vec::new(),
            Some(said) => said.split(',').collect(),
            None => return,
        };
        let mut settled = Vec::new();
        let is_whole = matches!(said[..], ["failed" | "rejected" | "garbage"]);
        if let [why @ ("unbegun" | "unserved" | "lost-unserved")] = said[..] {
            // What a zone leases again is no attempt of the lease above, but a loss.
            let n_least = u64::from(why != "unserved");
            let n_lost = line
                .number("attempt")
                .unwrap_or(1)
                .saturating_sub(1)
                .max(n_least);
            for name in names {
                self.lose(name, n_lost, &mut settled);
            }
        } else if is_whole || said.len() != names.len() {
            self.n_failed += 1;
            let is_single = names.len() == 1;
            for name in names
                .into_iter()
                .filter(|name| is_open(&self.pixels, name))
                .collect::<Vec<_>>()
            {
                match is_single {
                    true => self.fail(name, worker, &mut settled),
                    false => {
                        if let Some(pixel) = self.pixels.get_mut(name) {
                            pixel.n_suspected += 1;
                        }
                    }
                }
            }
        } else {
            let mut has_failed = false;
            for (name, outcome) in names.into_iter().zip(said) {
                if !is_open(&self.pixels, name) {
                    continue;
                }
                if outcome == "bad" {
                    has_failed = true;
                    self.fail(name, worker, &mut settled);
                } else if let Some(pixel) = self.pixels.get_mut(name) {
                    pixel.outcome = Some(outcome);
                    settled.push(name);
                }
            }
            self.n_failed += u64::from(has_failed);
        }
        self.batches.entry(batch).or_default().extend(settled);
    }

    /// A worker failed at a pixel, of which nothing else can be the cause.
    fn fail(&mut self, name: &'h str, worker: &'h str, settled: &mut Vec<&'h str>) {
        let Some(pixel) = self.pixels.get_mut(name) else {
            return;
        };
        pixel.n_failures += 1;
        pixel.failed_at.insert(worker);
        if pixel.failed_at.len() as u64 >= self.fail_after {
            pixel.outcome = Some("bad");
            settled.push(name);
        } else if pixel.n_failures >= self.fail_after {
            // It may be given up where nobody else is there.
            self.is_unclear = true;
        }
    }

    fn lose(&mut self, name: &'h str, n_times: u64, settled: &mut Vec<&'h str>) {
        let Some(pixel) = self.pixels.get_mut(name) else {
            return;
        };
        if pixel.outcome.is_some() {
            return;
        }
        pixel.n_unbegun += 1;
        pixel.n_lost += n_times;
        let for_good = match self.n_later {
            ..MANY_LATER => LOST_FOR_GOOD,
            MANY_LATER.. => LOST_TOO_OFTEN,
        };
        if pixel.n_lost >= for_good {
            pixel.outcome = Some("bad");
            settled.push(name);
        } else if pixel.n_lost >= LOST_FOR_GOOD {
            self.is_unclear = true;
        }
    }

    fn confirm(&mut self, line: &Line<'h>, broken: &mut Broken) {
        if !self.has_journal {
            return;
        }
        let batch = line
            .number("batch")
            .and_then(|batch| self.batches.get(&batch));
        let not_kept = batch
            .into_iter()
            .flatten()
            .find(|pixel| !self.kept.contains_key(*pixel));
        if let Some(pixel) = not_kept {
            let what = format!("{pixel} was confirmed before it was durable");
            broken.add(Promise::Durable, line, what);
        }
    }

    pub(crate) fn kept(&self) -> &BTreeMap<&'h str, &'h str> {
        &self.kept
    }
}

/// What was said of so many pixels, if it is good for all of them.
fn said_of_all<'h>(line: &Line<'h>, n_pixels: usize) -> Option<Vec<&'h str>> {
    let said: Vec<&str> = line.get("says")?.split(',').collect();
    let is_outcome = |said: &&str| {
        let others = [
            "bad",
            "failed",
            "rejected",
            "garbage",
            "unbegun",
            "unserved",
            "lost-unserved",
            "-",
        ];
        !others.contains(said)
    };
    (said.len() == n_pixels && said.iter().all(is_outcome)).then_some(said)
}
