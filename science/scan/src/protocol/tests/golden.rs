//! The bytes of each message are those of tests/golden.

use skyscan_event::detector::Detector;
use skyscan_golden::compare;
use skyscan_reco::Problem;
use skyscan_reco::synthetic::{Recipe, generate};

use super::super::{Hello, Message, Welcome};
use super::{result, task};

#[test]
fn messages_keep_their_bytes() -> Result<(), String> {
    let hello = Hello {
        slots: 8,
        recos: vec!["pandel-mpe".to_owned()],
        build: "0.1.0".to_owned(),
    };
    let welcome = Welcome {
        reco: "pandel-mpe".to_owned(),
        payload: [7; 32],
    };
    compare(&[
        ("protocol-hello", &hello.encode()),
        ("protocol-welcome", &welcome.encode()),
        ("protocol-task", &task().encode()),
        ("protocol-result", &result().encode()),
    ])
}

/// Unpacked: how well it is packed is the packer's matter, and a payload goes by its own hash.
#[test]
fn a_problem_keeps_its_bytes() -> Result<(), String> {
    let mut detector = Detector::icecube86();
    let recipe = Recipe::of(1, 1e5);
    let mut event = generate(&detector, &recipe);
    event.pulses.truncate(3);
    event.excluded.truncate(1);
    detector.ice.truncate(2);
    let doms = detector.doms.into_iter();
    detector.doms = doms.take(3).collect();
    let problem = Problem {
        event,
        detector,
        reco: "pandel-mpe".to_owned(),
        systematics: None,
    };
    compare(&[("protocol-problem", &problem.encode())])
}
