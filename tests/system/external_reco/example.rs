//! The example likelihood in Python, over every transport, its programs killed meanwhile.

use std::path::PathBuf;
use std::process::Output;
use std::sync::OnceLock;

use libtest_mimic::Failed;
use serde_json::Value;
use skyscan_free_ports::free_ports;
use skyscan_rabbitmq_node::Node;

use crate::external_reco::scan::{Process, result, signal, skyscan};

const RECO: &str = "external:straight-track-1";
const SCAN: [&str; 8] = [
    "scan",
    "demo/event.json",
    "--nside",
    "4,8",
    "--chunk",
    "2",
    "--format",
    "json",
];
/// Programs are killed when so many tasks have begun: most of the scan lies ahead.
const N_BEFORE: usize = 25;

/// A Python that has numpy.
pub(crate) fn python() -> Option<PathBuf> {
    std::env::var_os("SKYSCAN_PYTHON").map(PathBuf::from)
}

fn program() -> Result<String, Failed> {
    let python = python().ok_or("SKYSCAN_PYTHON is not set: run ./test")?;
    Ok(format!("'{}' examples/straight_track.py", python.display()))
}

/// The map of a scan in one process that nobody disturbs.
fn undisturbed() -> Result<String, Failed> {
    static MAP: OnceLock<String> = OnceLock::new();
    if let Some(map) = MAP.get() {
        return Ok(map.clone());
    }
    let program = program()?;
    let local = [
        "--reco",
        "external",
        "--workers",
        "2",
        "--external-program",
        &program,
    ];
    let scan = result(&skyscan(&[&SCAN[..], &local].concat()).output()?)?;
    assert_eq!(scan["reco"], RECO);
    assert_eq!(scan["tasks"]["failed"], 0);
    // The demo event comes from zenith 97, azimuth 250 degrees; a pixel is 7 degrees wide.
    let best = |name: &str| scan["best_fit"][name].as_f64().unwrap_or(f64::NAN);
    assert!(
        (best("zenith_deg") - 97.0).abs() < 8.0,
        "{}",
        scan["best_fit"]
    );
    assert!(
        (best("azimuth_deg") - 250.0).abs() < 8.0,
        "{}",
        scan["best_fit"]
    );
    Ok(MAP.get_or_init(|| map(&scan)).clone())
}

fn map(scan: &Value) -> String {
    scan["map_sha256"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn in_memory() -> Result<(), Failed> {
    let program = program()?;
    let local = [
        "--reco",
        "external",
        "--workers",
        "4",
        "--external-program",
        &program,
    ];
    let mut scan = Process::start(&[&SCAN[..], &local].concat())?;
    kill_all_programs(&mut scan)?;
    let (output, told) = scan.finish()?;
    same(&output)?;
    restarted(&told)
}

pub(crate) fn over_zeromq() -> Result<(), Failed> {
    let [port] = free_ports::<1>()?;
    over(&format!("zmq://127.0.0.1:{port}"))
}

pub(crate) fn over_rabbitmq() -> Result<(), Failed> {
    let node = Node::start()?;
    over(&node.url())
}

/// One worker with four slots elsewhere.
fn over(url: &str) -> Result<(), Failed> {
    let program = program()?;
    let mut worker = Process::start(&[
        "worker",
        "--slots",
        "4",
        "--transport",
        url,
        "--reco",
        "external",
        "--external-program",
        &program,
    ])?;
    let scan = Process::start(
        &[
            &SCAN[..],
            &["--reco", RECO, "--workers", "0", "--transport", url],
        ]
        .concat(),
    )?;
    kill_all_programs(&mut worker)?;
    let (output, _) = scan.finish()?;
    same(&output)?;
    // It serves another scan with the programs that it has.
    let again = [
        &SCAN[..],
        &["--reco", RECO, "--workers", "0", "--transport", url],
    ]
    .concat();
    same(&skyscan(&again).output()?)?;
    signal("TERM", worker.pid())?;
    let (output, told) = worker.finish()?;
    assert!(output.status.success(), "{}", output.status);
    restarted(&told)
}

/// SIGKILL, in the middle of the scan, to all four.
fn kill_all_programs(process: &mut Process) -> Result<(), Failed> {
    process.wait_for("begins a task", N_BEFORE)?;
    let programs = process.programs();
    assert!(!programs.is_empty() && programs.len() <= 4, "{programs:?}");
    for pid in programs {
        signal("KILL", pid)?;
    }
    process.told.push(KILLED.to_owned());
    Ok(())
}

const KILLED: &str = "(here they were killed)";

fn restarted(told: &[String]) -> Result<(), Failed> {
    let after = told.iter().skip_while(|line| *line != KILLED);
    match after
        .filter(|line| line.contains("an external program is up"))
        .count()
    {
        0 => Err("no program was started again".into()),
        _ => Ok(()),
    }
}

fn same(output: &Output) -> Result<(), Failed> {
    let (found, expected) = (map(&result(output)?), undisturbed()?);
    match found == expected {
        true => Ok(()),
        false => Err(format!("map {found}, undisturbed {expected}").into()),
    }
}
