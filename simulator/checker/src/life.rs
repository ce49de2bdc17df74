//! A whole history: each line goes to the scan that it is of.

use std::collections::BTreeMap;

use crate::line::Line;
use crate::scan::Scan;
use crate::{Promise, Violation};

/// What was broken so far.
#[derive(Debug, Default)]
pub(crate) struct Broken(Vec<Violation>);

impl Broken {
    pub(crate) fn add(&mut self, promise: Promise, line: &Line<'_>, what: String) {
        let at = format!("{} s, {}", line.at, line.who);
        self.0.push(Violation { promise, at, what });
    }
}

pub(crate) fn check(history: &str) -> Vec<Violation> {
    let mut broken = Broken::default();
    let mut scans: BTreeMap<&str, Scan<'_>> = BTreeMap::new();
    let mut is_over = false;
    for text in history.lines() {
        let Some(line) = Line::read(text) else {
            let at = String::new();
            let what = format!("not a line: {text}");
            broken.0.push(Violation {
                promise: Promise::Readable,
                at,
                what,
            });
            continue;
        };
        if line.who.starts_with("scan") {
            scans.entry(line.who).or_default().read(&line, &mut broken);
        } else if (line.who, line.what) == ("life", "panics") {
            let why = line.get("why").unwrap_or_default();
            broken.add(Promise::Lively, &line, format!("somebody panicked: {why}"));
        } else if (line.who, line.what) == ("life", "is-over") {
            is_over = true;
            for (name, scan) in &scans {
                if !scan.has_ended {
                    let what = format!("{name} came to no end: {}", scan.left());
                    broken.add(Promise::Lively, &line, what);
                }
            }
        }
    }
    if !is_over || scans.is_empty() {
        let what = "the history has no end, or nothing in it".to_owned();
        let at = "the end".to_owned();
        broken.0.push(Violation {
            promise: Promise::Readable,
            at,
            what,
        });
    }
    broken.0
}
