//! Commands that look at maps read journals.

use libtest_mimic::Failed;
use serde_json::Value;

use super::run::{Running, Site, refusal, result, skyscan};
use crate::needs::Check;

pub(super) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("a_journal_is_as_good_as_a_result_file", finished),
        ("a_journal_can_be_looked_at_while_its_scan_runs", running),
    ]
}

fn json(arguments: &[&std::ffi::OsStr]) -> Result<Value, Failed> {
    let mut command = skyscan();
    command
        .arg("map")
        .args(arguments)
        .args(["--format", "json"]);
    result(&command.output()?)
}

fn finished() -> Result<(), Failed> {
    let site = Site::new("journal-looks")?;
    let scan = result(&site.scan_alone().output()?)?;
    let file = scan["files"][0].as_str().ok_or("no files")?;
    let journal = site.journal()?;
    let (journal, file) = (journal.as_os_str(), std::ffi::OsStr::new(file));
    let show = std::ffi::OsStr::new("show");
    let (by_journal, by_file) = (json(&[show, journal])?, json(&[show, file])?);
    for key in ["event", "reco", "best_fit", "regions", "pixels", "quality"] {
        assert_eq!(by_journal[key], by_file[key], "{key}");
    }
    let compared = json(&[std::ffi::OsStr::new("compare"), journal, file])?;
    assert_eq!(compared["separation_deg"], 0.0);
    for how in ["plot", "convert"] {
        let out = site.out.join(how);
        let mut command = skyscan();
        command
            .args(["map", how])
            .arg(journal)
            .arg("--out")
            .arg(&out);
        let output = command.output()?;
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(std::fs::read_dir(&out)?.count() > 2);
    }
    let damaged = site.out.join("damaged.scan.db");
    let mut bytes = std::fs::read(journal)?;
    let middle = bytes.len() / 2;
    bytes.truncate(middle);
    std::fs::write(&damaged, bytes)?;
    let mut command = skyscan();
    command.arg("map").arg("show").arg(&damaged);
    let told = refusal(command)?;
    assert!(told.contains("is damaged in batch"), "{told}");
    Ok(())
}

fn running() -> Result<(), Failed> {
    let site = Site::finer("journal-running")?;
    let place = format!("zmq+ipc://{}", site.out.with_extension("socket").display());
    let mut scan = site.scan();
    scan.args(["--workers", "0", "--transport", &place]);
    let scan = Running::start(scan)?;
    let worker = Running::start(site.worker(&place))?;
    scan.wait_for_evaluated(&site, 100)?;
    worker.signal("STOP")?;
    scan.wait_for_pixels(&site, 20)?;
    let journal = site.journal()?;
    let shown = json(&[std::ffi::OsStr::new("show"), journal.as_os_str()])?;
    assert!(
        shown["pixels"]["16"].as_u64().is_some_and(|n| n >= 20),
        "{shown}"
    );
    worker.signal("CONT")?;
    result(&scan.finish()?)?;
    Ok(())
}
