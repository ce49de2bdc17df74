//! The decoders, one function of bytes each, with the inputs that they begin from and the memory that they may take.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context, Result};
use serde_json::json;
use skyscan::estimate::fleet::Profile;
use skyscan::event::detector::Detector;
use skyscan::event::{ReadOptions, list, survey};
use skyscan::journal;
use skyscan::output::{Declination, read_scan_file};
use skyscan::protocol::{Hello, Message, ResultBody, TaskBody, Welcome, unpack_problem};
use skyscan::reco::systematics::SystematicSet;
use skyscan::scenario::setup::file::Scenario;
use skyscan::sky::region::Coverage;
use skyscan_transport_keys::fuzz as keys;
use skyscan_transport_rabbitmq::fuzz as rabbitmq;
use skyscan_transport_sealed::fuzz as sealed;
use skyscan_transport_zeromq::fuzz as zeromq;

use crate::event_input::packing::{self, Python};
use crate::event_input::{sample, writer};

/// A decoder.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Inputs that begin as somebody wrote them.
    pub(crate) inputs: Vec<Vec<u8>>,
    pub(crate) decode: fn(&[u8]),
    /// The memory that it may take at a time.
    pub(crate) most_bytes: usize,
}

/// What comes from peers is bounded tightly: an input is of a megabyte at most.
const OF_A_MESSAGE: usize = 24 << 20;
/// A packed problem may unpack to 256 MB, of which nothing is kept that makes no sense.
const OF_A_PAYLOAD: usize = 320 << 20;
/// `science/event/src/limits.rs`: a few hundred megabytes.
const OF_AN_EVENT: usize = 400 << 20;
/// What a person opens.
const OF_A_FILE: usize = 400 << 20;

/// Its name, the golden files that it reads, and the decoder.
type OfPeers = (&'static str, &'static [&'static str], fn(&[u8]));

pub(crate) fn targets() -> Result<Vec<Target>> {
    let peers: [OfPeers; 12] = [
        ("zeromq_to_hub", &["zeromq-to-hub"], zeromq::to_hub),
        ("zeromq_to_links", &["zeromq-to-links"], zeromq::to_links),
        (
            "rabbitmq_frame",
            &["rabbitmq-frames", "rabbitmq-frames-at-a-door"],
            rabbitmq::frame,
        ),
        (
            "rabbitmq_entries",
            &["rabbitmq-entries-to-hub", "rabbitmq-entries-from-hub"],
            rabbitmq::entries,
        ),
        ("protocol_hello", &["protocol-hello"], |bytes| {
            drop(Hello::decode(bytes));
        }),
        ("protocol_welcome", &["protocol-welcome"], |bytes| {
            drop(Welcome::decode(bytes));
        }),
        ("protocol_task", &["protocol-task"], |bytes| {
            drop(TaskBody::decode(bytes))
        }),
        ("protocol_result", &["protocol-result"], |bytes| {
            drop(ResultBody::decode(bytes));
        }),
        ("sealed_stranger", &[], sealed::stranger),
        ("sealed_answer", &[], sealed::answer),
        ("sealed_texts", &[], keys::texts),
        ("sealed_message", &[], keys::message),
    ];
    let mut targets = Vec::new();
    for (name, golden, decode) in peers {
        let inputs = golden.iter().map(|name| golden_bytes(name));
        targets.push(Target {
            name,
            inputs: inputs.collect::<Result<_>>()?,
            decode,
            most_bytes: OF_A_MESSAGE,
        });
    }
    let problem = golden_bytes("protocol-problem")?;
    targets.push(Target {
        name: "payload",
        inputs: vec![packing::zlib(&problem), problem],
        decode: payload,
        most_bytes: OF_A_PAYLOAD,
    });
    targets.push(Target {
        name: "metrics_request",
        inputs: vec![
            b"GET /metrics HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer token\r\n\r\n".to_vec(),
        ],
        decode: |bytes| drop(skyscan::telemetry::answer_to(bytes)),
        most_bytes: OF_A_MESSAGE,
    });
    let formats = sample::every_format();
    let event = |name, wanted: fn(&str) -> bool, decode| Target {
        name,
        inputs: formats
            .iter()
            .filter(|(format, _)| wanted(format))
            .map(|(_, bytes)| bytes.clone())
            .collect(),
        decode,
        most_bytes: OF_AN_EVENT,
    };
    targets.extend([
        event("event_file", |_| true, event_file),
        event("event_i3", |format| format == "i3", event_file),
        event("event_json", |format| format == "own", event_file),
        event("pickle", |format| format == "pickled alert", event_file),
        Target {
            name: "event_frame",
            inputs: vec![sample::readout(), sample::physics('P')],
            decode: event_frame,
            most_bytes: OF_AN_EVENT,
        },
        Target {
            name: "event_object",
            inputs: vec![
                sample::pulse_map(),
                writer::mask(
                    "InIceDSTPulses",
                    &[true, true, true],
                    &[&[true, true], &[true], &[true]],
                ),
                writer::header(sample::RUN, sample::EVENT, ""),
                writer::particle([1.0, -2.0, 3.5], 0.5, 6.0, 950.0, 0),
            ],
            decode: event_object,
            most_bytes: OF_AN_EVENT,
        },
        Target {
            name: "detector",
            inputs: files(&top().join("detectors"))?,
            decode: |bytes| drop(Detector::from_json(bytes)),
            most_bytes: OF_A_FILE,
        },
        Target {
            name: "systematics",
            inputs: [
                SystematicSet::quick().to_json().into_bytes(),
                SystematicSet::full().to_json().into_bytes(),
            ]
            .into(),
            decode: |bytes| drop(SystematicSet::read(bytes)),
            most_bytes: OF_A_FILE,
        },
        Target {
            name: "coverage",
            inputs: files(&top().join("detectors"))?,
            decode: |bytes| drop(Coverage::from_json(bytes)),
            most_bytes: OF_A_FILE,
        },
        Target {
            name: "profile",
            inputs: files(&top().join("src/estimate/profiles"))?,
            decode: |bytes| {
                with_file("profile.toml", bytes, |path| {
                    drop(Profile::find(&path.to_string_lossy(), 2));
                });
            },
            most_bytes: OF_A_FILE,
        },
        Target {
            name: "result_file",
            inputs: corpus("result_file")?,
            decode: |bytes| {
                with_file("run1.evt2.X_2.npz", bytes, |path| {
                    drop(read_scan_file(path, Some(Declination::Standard)));
                });
            },
            most_bytes: OF_A_FILE,
        },
        Target {
            name: "journal",
            inputs: corpus("journal")?,
            decode: |bytes| with_file("fuzz.scan.db", bytes, |path| drop(journal::read(path))),
            most_bytes: OF_A_FILE,
        },
        Target {
            name: "scenario",
            inputs: [scenarios()?, corpus("scenario")?].concat(),
            decode: |bytes| {
                if let Ok(text) = std::str::from_utf8(bytes) {
                    drop(Scenario::parse(text));
                }
            },
            most_bytes: OF_A_FILE,
        },
    ]);
    Ok(targets)
}

/// A packed problem as it came, and one that is packed anew.
fn payload(bytes: &[u8]) {
    drop(unpack_problem(bytes));
    drop(unpack_problem(&packing::zlib(bytes)));
}

/// An event as it is read from a file, and how many there are.
fn event_file(bytes: &[u8]) {
    with_file("event", bytes, |path| {
        drop(list(path));
        drop(survey(path, &ReadOptions::default()));
    });
}

/// A frame inside of an alert, where its sum is compared with nothing.
fn event_frame(bytes: &[u8]) {
    let frames = [('Q', sample::readout()), ('P', bytes.to_vec())];
    let alert = json!({
        "varname": "heseEvent", "prio": 3,
        "value": {"data": packing::packed(&frames, Python::Two), "zmqnotify": {}},
    });
    event_file(alert.to_string().as_bytes());
}

/// An object inside of a frame whose sum is right, in the place of each that is read.
fn event_object(bytes: &[u8]) {
    let object = |name, other: Vec<u8>, wanted| match name == wanted {
        true => (name, bytes.to_vec()),
        false => (name, other),
    };
    for wanted in [
        "InIceDSTPulses",
        "I3EventHeader",
        "SplitUncleanedInIcePulses",
        "HESE_SPEFit2",
    ] {
        let all = [true, true, true];
        let mask = writer::mask("InIceDSTPulses", &all, &[&[true, true], &[true], &[true]]);
        let readout = writer::frame(
            'Q',
            &[object("InIceDSTPulses", sample::pulse_map(), wanted)],
        );
        let physics = writer::frame(
            'P',
            &[
                object(
                    "I3EventHeader",
                    writer::header(sample::RUN, sample::EVENT, "InIceSplit"),
                    wanted,
                ),
                object("SplitUncleanedInIcePulses", mask, wanted),
                object(
                    "HESE_SPEFit2",
                    writer::particle([1.0, -2.0, 3.5], 0.5, 6.0, 950.0, 0),
                    wanted,
                ),
            ],
        );
        event_file(&[readout, physics].concat());
    }
}

/// A file of these bytes, for as long as it is looked at. In memory where that can be had.
fn with_file(name: &str, bytes: &[u8], look: impl FnOnce(&Path)) {
    static FOLDER: LazyLock<Option<tempfile::TempDir>> = LazyLock::new(|| {
        let memory = Path::new("/dev/shm");
        let made = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
        made.ok()
    });
    if let Some(folder) = FOLDER.as_ref() {
        let path = folder.path().join(name);
        if std::fs::write(&path, bytes).is_ok() {
            look(&path);
        }
    }
}

/// Bytes that do not change unnoticed, out of their dump.
fn golden_bytes(name: &str) -> Result<Vec<u8>> {
    let path = top().join("tests/golden").join(format!("{name}.hex"));
    let text = std::fs::read_to_string(&path).with_context(|| format!("{path:?}"))?;
    let of_line = |line: &str| -> Vec<u8> {
        let words = line
            .split('|')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .skip(1);
        words
            .filter_map(|word| u8::from_str_radix(word, 16).ok())
            .collect()
    };
    Ok(text.lines().flat_map(of_line).collect())
}

fn corpus(name: &str) -> Result<Vec<Vec<u8>>> {
    files(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name),
    )
}

fn scenarios() -> Result<Vec<Vec<u8>>> {
    files(&top().join("scenarios"))
}

/// The files of a folder, by name; folders in it are left out.
fn files(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("{folder:?}"))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.sort();
    let files = paths.iter().filter(|path| path.is_file());
    files.map(|path| Ok(std::fs::read(path)?)).collect()
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
