//! What a program can do wrong, and what that costs.

use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use skyscan_free_ports::free_ports;

use crate::external_reco::program::command;
use crate::external_reco::scan::{Process, parent, result, signal, skyscan, wait_until_gone};
use crate::needs::Check;

/// The whole sky in twelve pixels.
const SCAN: [&str; 8] = [
    "scan",
    "demo/event.json",
    "--strategy",
    "direct",
    "--nside",
    "1",
    "--chunk",
    "4",
];
const FAILED: i32 = 1;
const BAD_INPUT: i32 = 2;
const INCOMPLETE: i32 = 3;
const UNFIT: i32 = 4;
/// Long enough for six starts of a program with pauses between them on a busy machine.
const FAST: Duration = Duration::from_secs(30);

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("both_framings_give_the_same_map", both_framings),
        ("what_fails_costs_its_pixel_only", || {
            one_fails("fails", "no track")
        }),
        ("nan_costs_its_pixel_only", || {
            one_fails("nan", "no finite llh")
        }),
        ("a_hanging_program_costs_its_pixel_only", || {
            one_fails(
                "hangs",
                "evaluated a task for more than 0.5 s and was ended",
            )
        }),
        ("a_dying_program_costs_its_pixel_only", || {
            one_fails(
                "dies",
                "ended while it evaluated a task (exit status: 7); it said last: \"cannot do this one\"",
            )
        }),
        ("a_stray_print_costs_its_pixel_only", || {
            one_fails("prints", "\"fitting the special one\"")
        }),
        ("too_few_fits_cost_their_pixel_only", || {
            one_fails("too-few", "0 fits for 1 pixels")
        }),
        ("a_message_without_end_costs_its_pixel_only", || {
            one_fails("endless", "longer than 16777216 bytes")
        }),
        ("a_program_that_cannot_serve_is_told_at_once", at_once),
        (
            "a_worker_with_another_program_skips_the_scan",
            another_program,
        ),
        ("an_event_that_every_program_refuses_ends_the_scan", refused),
        ("a_worker_leaves_while_its_program_hangs", leaves),
        (
            "a_killed_worker_takes_its_program_and_what_that_started_with_it",
            killed,
        ),
        (
            "a_program_that_never_answers_fails_every_pixel_in_seconds_with_its_last_words",
            never_answers,
        ),
    ]
}

fn scan(conduct: &str, format: &str) -> Result<std::process::Output, Failed> {
    let program = command(conduct);
    let limit = match conduct {
        // Sixteen megabytes take their time on a busy machine.
        "endless" => "20",
        _ => "0.5",
    };
    let local = [
        "--reco",
        "external",
        "--workers",
        "2",
        "--external-program",
        &program,
        "--external-timeout",
        limit,
        "--format",
        format,
    ];
    Ok(skyscan(&[&SCAN[..], &local].concat()).output()?)
}

fn both_framings() -> Result<(), Failed> {
    let lines = result(&scan("json", "json")?)?;
    assert_eq!(lines["reco"], "external:test-1");
    assert_eq!(lines["pixels"]["1"], 12);
    assert_eq!(lines["tasks"]["failed"], 0);
    let msgpack = result(&scan("msgpack", "json")?)?;
    assert_eq!(lines["map_sha256"], msgpack["map_sha256"]);
    Ok(())
}

/// Of the twelve pixels one fails, with a reason that has these words.
fn one_fails(conduct: &str, words: &str) -> Result<(), Failed> {
    let output = scan(conduct, "text")?;
    let told = String::from_utf8_lossy(&output.stdout);
    // Wherever its lines are folded.
    let words_told: Vec<&str> = told.split_whitespace().collect();
    let words_told = words_told.join(" ");
    let failures = words_told.split_once("FAILED 1 pixels: 1 ");
    assert!(told.contains("12 at nside 1"), "{told}");
    assert_eq!(output.status.code(), Some(INCOMPLETE), "{told}");
    assert!(
        told.starts_with("WARNING: INCOMPLETE MAP, 1 of 12 pixels failed."),
        "{told}"
    );
    match failures {
        Some((_, reason)) if reason.contains(words) => Ok(()),
        _ => Err(format!("not one failure with {words:?}: {told}").into()),
    }
}

fn at_once() -> Result<(), Failed> {
    let missing = ["--external-program", "no-such-program-here"];
    let given = |conduct: &str| {
        let limit = "--external-start-timeout";
        vec![
            "--external-program".to_owned(),
            command(conduct),
            limit.to_owned(),
            "0.5".to_owned(),
        ]
    };
    let cases: [(&str, Vec<String>, &str); 12] = [
        (
            "external",
            missing.map(str::to_owned).to_vec(),
            "cannot start the external program",
        ),
        ("external", given("mute"), "started for more than 0.5 s"),
        (
            "external",
            given("wrong-version"),
            "it speaks version 2, not 1",
        ),
        (
            "external",
            given("talks-first"),
            "wrote no hello to its stdout: it printed \"loading tables ...\"; its stdout carries the \
             protocol",
        ),
        (
            "external",
            given("dies-at-once"),
            "it said last: \"no tables here\"",
        ),
        ("external", given("refuses"), "refuses the event: too dark"),
        ("external", vec![], "give --external-program"),
        ("external:test-1", vec![], "give --external-program"),
        (
            "external:",
            vec![
                "--workers".to_owned(),
                "0".to_owned(),
                "--transport".to_owned(),
                "zmq://127.0.0.1:1".to_owned(),
            ],
            "--reco external:NAME",
        ),
        (
            "external:other",
            given("json"),
            "the external program is external:test-1",
        ),
        ("pandel-mpe", given("json"), "goes with --reco external"),
        (
            "external",
            vec!["--external-program".to_owned(), "a 'b".to_owned()],
            "check its quotes",
        ),
    ];
    for (reco, more, words) in cases {
        let mut arguments = vec!["scan", "demo/event.json", "--reco", reco];
        arguments.extend(more.iter().map(String::as_str));
        let output = skyscan(&arguments).output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(BAD_INPUT) || !told.contains(words) {
            return Err(
                format!("{arguments:?}: {} without {words:?}: {told}", output.status).into(),
            );
        }
    }
    Ok(())
}

fn zeromq_url() -> Result<String, Failed> {
    let [port] = free_ports::<1>()?;
    Ok(format!("zmq://127.0.0.1:{port}"))
}

fn elsewhere<'a>(url: &'a str, reco: &'a str) -> Vec<&'a str> {
    [
        &SCAN[..],
        &["--workers", "0", "--transport", url, "--reco", reco],
    ]
    .concat()
}

fn another_program() -> Result<(), Failed> {
    let url = zeromq_url()?;
    let _scan = Process::start(&elsewhere(&url, "external:test-2"))?;
    let program = command("json");
    let worker = skyscan(&[
        "worker",
        "--transport",
        &url,
        "--reco",
        "external",
        "--external-program",
        &program,
        "--give-up",
        "3",
    ]);
    let output = { worker }.output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    let words = "it asks for reco \"external:test-2\", this worker runs only external:test-1";
    if output.status.code() != Some(UNFIT) || !told.contains(words) {
        return Err(format!("{}: {told}", output.status).into());
    }
    Ok(())
}

/// The program of a worker elsewhere is met before the event is.
fn refused() -> Result<(), Failed> {
    let url = zeromq_url()?;
    let program = command("refuses");
    let worker = Process::start(&[
        "worker",
        "--transport",
        &url,
        "--reco",
        "external",
        "--external-program",
        &program,
    ])?;
    let output = skyscan(&elsewhere(&url, "external:test-1")).output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    let expected =
        "the external program refuses the event: too dark (3 times; only 1 worker saw it)";
    assert_eq!(output.status.code(), Some(FAILED), "{told}");
    assert!(told.contains(expected), "{told}");
    worker.leave()
}

/// SIGTERM in the middle of a task that takes for ever: the worker ends well and its program is gone.
fn leaves() -> Result<(), Failed> {
    let url = zeromq_url()?;
    let program = command("hangs");
    let _scan = Process::start(&elsewhere(&url, "external:test-1"))?;
    let mut worker = Process::start(&[
        "worker",
        "--transport",
        &url,
        "--slots",
        "1",
        "--external-program",
        &program,
    ])?;
    worker.wait_for("hangs now", 1)?;
    let [pid] = worker.programs()[..] else {
        return Err(format!("{:?}", worker.programs()).into());
    };
    worker.leave()?;
    wait_until_gone(pid)
}

/// SIGKILL in the middle of a task: the program goes, and what it has started in a process group of
/// its own.
fn killed() -> Result<(), Failed> {
    let url = zeromq_url()?;
    let program = command("forks");
    let _scan = Process::start(&elsewhere(&url, "external:test-1"))?;
    let mut worker = Process::start(&[
        "worker",
        "--transport",
        &url,
        "--slots",
        "1",
        "--external-program",
        &program,
    ])?;
    worker.wait_for("started a child ", 1)?;
    let told = worker
        .told
        .last()
        .and_then(|line| line.split_once("started a child "));
    let grandchild = told.and_then(|(_, rest)| rest.split_whitespace().next());
    let grandchild: u32 = grandchild.ok_or("no line")?.parse()?;
    let [pid] = worker.programs()[..] else {
        return Err(format!("{:?}", worker.programs()).into());
    };
    assert_eq!(parent(grandchild), Some(pid));
    signal("KILL", worker.pid())?;
    wait_until_gone(pid)?;
    wait_until_gone(grandchild)
}

/// Twelve pixels, and every one of them ends the program.
fn never_answers() -> Result<(), Failed> {
    let begun = Instant::now();
    let output = scan("raises", "text")?;
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    let words = "(exit status: 1); it said last: \"ValueError: no such table\"";
    assert!(told.contains(words), "{told}");
    assert!(begun.elapsed() < FAST, "{:?}", begun.elapsed());
    Ok(())
}
