//! How a scan ends: its results are written, then its state, then whoever waits is told.

use std::io;

use serde_json::Value;

use super::entry::Then;
use super::{Clerk, send};
use crate::clock;
use crate::desk::ear::area;
use crate::doors::Letter;
use crate::folder::{CONTOUR, Folder, MAP, RESULT, Record};
use crate::live::Live;
use crate::scan::{Contour, Ended, Scan, ScanName, State};

impl Clerk {
    /// A run has ended: that may be the end of the scan, or not.
    pub(super) fn ended(&mut self, id: &ScanName, run: u64, ended: Ended) {
        let Some(entry) = self.entries.get_mut(id).filter(|entry| entry.is_in(run)) else {
            return;
        };
        let then = entry.run.take().map_or(Then::Rest, |run| run.then);
        let is_done = ended.state == State::Done;
        match then {
            Then::Cancel(answers) => {
                // What was done before it could be stopped is done.
                let state = if is_done {
                    State::Done
                } else {
                    State::Cancelled
                };
                let scan = self.end(id, state, Some(ended));
                for answer in answers {
                    send(
                        &answer,
                        scan.clone().ok_or(crate::desk::Unchanged::NoSuchScan),
                    );
                }
            }
            Then::Queue if !is_done => {
                let record = entry.record.clone();
                self.enqueue(record);
            }
            // As it is on the disk it is gone on with at the next start.
            Then::Rest if !is_done && self.stopping.is_some() => {}
            Then::Rest | Then::Queue => {
                let state = ended.state;
                let _scan = self.end(id, state, Some(ended));
            }
        }
        self.count();
    }

    /// Ends a scan for good, unless it is submitted again.
    pub(super) fn end(
        &mut self,
        id: &ScanName,
        state: State,
        ended: Option<Ended>,
    ) -> Option<Scan> {
        let mut entry = self.entries.remove(id)?;
        let (record, live) = (&mut entry.record, &entry.live);
        let folder = self.shared.folder(id);
        let (result, contour, error) = ended.map_or((None, None, None), |ended| {
            (ended.result, ended.contour, ended.error)
        });
        let contour = contour.or_else(|| live.contour());
        let scan = &mut record.scan;
        scan.state = if state.is_end() { state } else { State::Failed };
        scan.error = error;
        scan.ended = Some(clock::now());
        if let Some(contour) = &contour {
            scan.best = Some(contour.best);
            scan.area_deg2 = area(contour);
        }
        scan.quality = result.as_ref().map(quality).unwrap_or_default();
        if let Err(error) = write_results(&folder, live, result.as_ref(), contour.as_ref()) {
            tracing::error!(%id, %error, "its results cannot be written");
            scan.state = State::Failed;
            scan.error = Some(format!("the results cannot be written: {error}"));
        }
        self.keep(record);
        self.tell_end(record, contour.as_ref(), result.as_ref());
        let scan = record.scan.clone();
        metrics::counter!("skyscan_service_ended_total", "state" => scan.state.word()).increment(1);
        if let Some(contour) = contour
            && live.contour().as_ref() != Some(&contour)
        {
            live.set_contour(contour);
        }
        // Whoever asks from now on reads the folder; whoever watches sees the end.
        self.shared.forget(id);
        self.shared.show(live, |shown| *shown = scan.clone());
        Some(scan)
    }

    /// Tells the end of a scan that ended just before the service did.
    pub(super) fn tell_owed(&self, mut record: Record) {
        let folder = self.shared.folder(&record.scan.id);
        let contour: Option<Contour> = folder.read_json(CONTOUR).ok();
        let result: Option<Value> = folder.read_json(RESULT).ok();
        self.tell_end(&mut record, contour.as_ref(), result.as_ref());
    }

    fn tell_end(&self, record: &mut Record, contour: Option<&Contour>, result: Option<&Value>) {
        if let Some(moment) = record.owes() {
            let scan = record.scan.clone();
            self.tells.tell(Letter::new(moment, scan, contour, result));
            record.told.push(moment);
            self.note(record);
        }
    }
}

fn write_results(
    folder: &Folder,
    live: &Live,
    result: Option<&Value>,
    contour: Option<&Contour>,
) -> io::Result<()> {
    if let Some(map) = live.map() {
        folder.put_json(MAP, &map)?;
    }
    if let Some(contour) = contour {
        folder.put_json(CONTOUR, contour)?;
    }
    if let Some(result) = result {
        folder.put_json(RESULT, result)?;
    }
    folder.sync()
}

/// Why an answer is doubtful, as the result has it.
fn quality(result: &Value) -> Vec<String> {
    let doubts = result.get("quality").and_then(Value::as_array);
    let name = |doubt: &Value| {
        let name = doubt.as_str().or_else(|| doubt.get("name")?.as_str());
        name.map(str::to_owned)
    };
    doubts.into_iter().flatten().filter_map(name).collect()
}
