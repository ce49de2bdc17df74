//! What a scan does where there is a journal already.

use libtest_mimic::Failed;
use serde_json::Value;

use super::run::{Running, Site, map_of, refusal, result, skyscan};
use crate::needs::Check;
use crate::scan::command::DEMO;

pub(super) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("a_finished_scan_writes_its_results_again", finished),
        (
            "an_unfinished_scan_is_gone_on_with_by_resume_only",
            unfinished,
        ),
        (
            "a_deadline_ends_with_the_best_answer_and_can_be_gone_on_from",
            deadline,
        ),
        ("several_unfinished_scans_are_listed", several),
        ("a_scan_that_can_never_be_leaves_no_journal", vain),
        (
            "without_a_folder_nothing_is_kept_and_a_journal_may_be_anywhere",
            anywhere,
        ),
    ]
}

fn asked(site: &Site, more: &[&str]) -> std::process::Command {
    let mut command = skyscan();
    command.args([
        "scan",
        DEMO,
        "--strategy",
        "direct",
        "--reco",
        "external:test-1",
    ]);
    command
        .arg("--out")
        .arg(&site.out)
        .args(["--format", "json", "--workers", "2"]);
    command
        .arg("--external-program")
        .arg(site.program())
        .args(more);
    command
}

fn finished() -> Result<(), Failed> {
    let site = Site::new("journal-finished")?;
    let first = result(&asked(&site, &["--nside", "4"]).output()?)?;
    let n_evaluated = site.n_evaluated();
    let files = |scan: &Value| scan["files"].as_array().map_or(0, Vec::len);
    let gone = first["files"][0].as_str().ok_or("no files")?;
    std::fs::remove_file(gone)?;
    for command in [asked(&site, &["--nside", "4"]), site.scan()] {
        let mut command = command;
        let again = result(&command.output()?)?;
        assert_eq!(map_of(&again)?, map_of(&first)?);
        assert_eq!(again["regions"], first["regions"]);
        assert_eq!(again["ending"], "fulfilled");
        // All but picture and table of how it went.
        assert_eq!(files(&again) + 3, files(&first));
        assert!(std::fs::exists(gone)?);
    }
    assert_eq!(site.n_evaluated(), n_evaluated);
    let told = refusal(asked(&site, &["--nside", "8"]))?;
    assert!(told.contains("nside: 8, not 4"), "{told}");
    let told = refusal(asked(&site, &["--nside", "4", "--regions", "posterior"]))?;
    assert!(told.contains("regions: posterior, not wilks"), "{told}");
    Ok(())
}

fn unfinished() -> Result<(), Failed> {
    let site = Site::new("journal-unfinished")?;
    // Nobody comes to work.
    let place = site.out.with_extension("socket");
    let place = format!("zmq+ipc://{}", place.display());
    let mut waits = site.scan();
    waits.args(["--workers", "0", "--transport", &place]);
    let waits = Running::start(waits)?;
    waits.wait_for("no worker has come")?;
    // While it runs nobody else may.
    for beside in [site.scan_alone(), asked(&site, &["--nside", "8"])] {
        let told = refusal(beside)?;
        assert!(
            told.contains("another scanner has") && told.contains("process "),
            "{told}"
        );
    }
    waits.signal("KILL")?;
    drop(waits);
    let told = refusal(asked(&site, &["--nside", "8"]))?;
    assert!(told.contains("skyscan scan --resume"), "{told}");
    let told = refusal(asked(&site, &["--nside", "4"]))?;
    assert!(told.contains("nside: 4, not 8"), "{told}");
    let mut wrong = site.scan_alone();
    wrong.args(["--nside", "8"]);
    assert!(refusal(wrong)?.contains("cannot be used with"));
    // A program is never started because a file says so.
    let told = refusal(site.scan())?;
    assert!(told.contains("give --external-program"), "{told}");
    result(&site.scan_alone().output()?)?;
    Ok(())
}

fn deadline() -> Result<(), Failed> {
    let site = Site::new("journal-deadline")?;
    let place = format!("zmq+ipc://{}", site.out.with_extension("socket").display());
    let mut scan = site.scan();
    scan.args(["--workers", "0", "--transport", &place, "--deadline", "2s"]);
    let worker = Running::start(site.worker(&place))?;
    let output = Running::start(scan)?.finish()?;
    drop(worker);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let scan: Value = serde_json::from_slice(&output.stdout)?;
    // On a machine that is fast enough it may be done by then.
    if output.status.code() != Some(0) {
        assert_eq!(output.status.code(), Some(3), "{told}");
        assert_eq!(scan["ending"], "deadline");
        assert_eq!(scan["complete"], false);
        assert!(
            told.contains("the best answer by then") && told.contains("--resume"),
            "{told}"
        );
        assert!(
            scan["wall_seconds"]
                .as_f64()
                .is_some_and(|wall| wall < 30.0)
        );
    }
    let whole = result(&site.scan_alone().output()?)?;
    assert_eq!(whole["complete"], true);
    assert_eq!(whole["pixels"]["8"], 768);
    Ok(())
}

fn several() -> Result<(), Failed> {
    let site = Site::new("journal-several")?;
    let event = site.out.join("other.json");
    let mut generate = skyscan();
    generate
        .args(["event", "generate", "--seed", "7", "--output"])
        .arg(&event);
    assert!(generate.output()?.status.success());
    let mut both = asked(&site, &["--nside", "8", "--deadline", "0.001s"]);
    both.arg(&event);
    assert_eq!(both.output()?.status.code(), Some(3));
    let mut resume = skyscan();
    resume.arg("scan").arg("--resume").arg(&site.out);
    let told = refusal(resume)?;
    assert!(told.contains("2 scans in"), "{told}");
    assert_eq!(told.matches(".scan.db").count(), 2, "{told}");
    let nothing = site.out.join("nothing");
    std::fs::create_dir(&nothing)?;
    let mut resume = skyscan();
    resume.arg("scan").arg("--resume").arg(&nothing);
    assert!(refusal(resume)?.contains("has no journal"));
    Ok(())
}

fn vain() -> Result<(), Failed> {
    let site = Site::new("journal-vain")?;
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let place = format!("zmq://127.0.0.1:{}", taken.local_addr()?.port());
    let mut scan = site.scan();
    let output = scan
        .args(["--workers", "0", "--transport", &place])
        .output()?;
    assert_eq!(output.status.code(), Some(1));
    assert!(
        site.journal().is_err(),
        "nothing was done, nothing is to be gone on with"
    );
    Ok(())
}

fn anywhere() -> Result<(), Failed> {
    let site = Site::new("journal-anywhere")?;
    let file = site.out.join("mine");
    let mut scan = skyscan();
    scan.args([
        "scan",
        DEMO,
        "--strategy",
        "direct",
        "--nside",
        "4",
        "--format",
        "json",
    ]);
    scan.args(["--reco", "external", "--external-program"])
        .arg(site.program());
    let first = result(&scan.output()?)?;
    assert_eq!(std::fs::read_dir(&site.out)?.count(), 0);
    let mut kept = scan;
    kept.arg("--journal").arg(&file);
    let kept = result(&kept.output()?)?;
    assert_eq!(map_of(&kept)?, map_of(&first)?);
    let alone = serde_json::json!([file]);
    assert_eq!(first["files"], serde_json::json!([]));
    assert_eq!(kept["files"], alone);
    let mut again = skyscan();
    again
        .arg("scan")
        .arg("--resume")
        .arg(&file)
        .args(["--format", "json"]);
    let again = result(&again.output()?)?;
    assert_eq!(map_of(&again)?, map_of(&first)?);
    assert_eq!(again["files"], alone);
    Ok(())
}
