//! Alerts come in and answers go out by real files, processes and connections.

#![expect(clippy::unwrap_used, reason = "a panic is how a check fails")]

mod examples;
mod killed;
mod latency;
mod receiver;
mod webhook;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use skyscan_service::doors::{Letter, Moment, Pace, Stop};
use skyscan_service::leaving::{Receiver, Secret, Webhook};
use skyscan_service::scan::{Contour, Direction, EventName, Region, Scan, ScanName, State};
use skyscan_service::settings::{Priority, Settings};

const SECRET: &str = "a secret of this test";

const SOON: Pace = Pace {
    first: Duration::from_millis(20),
    most: Duration::from_millis(100),
};

fn scan(id: &str, state: State) -> Scan {
    Scan {
        id: ScanName(id.to_owned()),
        state,
        priority: Priority::Normal,
        settings: Settings::default(),
        event: EventName {
            run_id: 130_033,
            event_id: 50_579_430,
            mjd: 58018.871,
            stream: "BRONZE".to_owned(),
        },
        from: "folder a.json".to_owned(),
        submitted: "2026-01-01T00:00:00Z".to_owned(),
        begun: Some("2026-01-01T00:00:01Z".to_owned()),
        ended: Moment::of(state).map(|_| "2026-01-01T00:00:09Z".to_owned()),
        best: None,
        area_deg2: None,
        quality: Vec::new(),
        error: None,
        warnings: Vec::new(),
    }
}

fn letter(id: &str, moment: Moment) -> Letter {
    let state = match moment {
        Moment::Preliminary | Moment::Stable => State::Running,
        Moment::Final => State::Done,
        Moment::Failed => State::Failed,
    };
    let region = |containment, area_deg2, is_closed| Region {
        containment,
        area_deg2,
        is_closed,
        outlines: vec![vec![[77.0, 5.5], [77.9, 5.5], [77.4, 6.1]]],
    };
    let contour = Contour {
        is_stable: moment != Moment::Preliminary,
        nside: 512,
        best: Direction {
            ra_deg: 77.43,
            dec_deg: 5.72,
        },
        regions: vec![region(0.5, 0.2, true), region(0.9, 1.25, true)],
    };
    let contour = (moment != Moment::Failed).then_some(&contour);
    Letter::new(moment, scan(id, state), contour, None)
}

/// A secret in a file.
fn secret(folder: &Path) -> PathBuf {
    let file = folder.join("secret");
    std::fs::write(&file, format!("{SECRET}\n")).unwrap();
    file
}

fn webhook(url: &str, folder: &Path) -> Box<dyn Receiver> {
    let secret = Secret::read(&secret(folder)).unwrap();
    Box::new(Webhook::new(url, secret, Duration::from_secs(2)).unwrap())
}

/// Waits until something is so.
#[track_caller]
fn until(mut is_so: impl FnMut() -> bool) {
    let late = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < late, "it did not come to that");
        Stop::default().wait(Duration::from_millis(2));
    }
}
