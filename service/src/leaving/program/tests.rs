//! Programs that are told.

use std::fs;

use super::*;
use crate::doors::Moment;

fn letter(body: &str) -> Outgoing {
    Outgoing {
        id: "0123".to_owned(),
        scan: "scan-a".to_owned(),
        moment: Moment::Final,
        body: body.to_owned(),
    }
}

fn shell(script: &str, patience: Duration) -> TellProgram {
    let command = format!("sh -c {}", shlex::try_quote(script).unwrap());
    TellProgram::new(Program::new(&command).unwrap(), patience)
}

/// Why it was not taken.
fn refusal(script: &str, patience: Duration) -> String {
    let outcome = shell(script, patience).hand_over(&letter("{}"), &Stop::default());
    match outcome.unwrap_err() {
        NotDelivered::Now { why, wait: None } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_reads_the_letter_and_what_it_is_about() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told");
    let script = "cat >FILE; echo $SKYSCAN_SCAN $SKYSCAN_MOMENT $SKYSCAN_DELIVERY >>FILE";
    let script = script.replace("FILE", file.to_str().unwrap());
    let program = shell(&script, TellProgram::PATIENCE);
    let body = format!("{{\"x\": \"{}\"}}\n", "long".repeat(100_000));
    program.hand_over(&letter(&body), &Stop::default()).unwrap();
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        body + "scan-a final 0123\n"
    );
}

#[test]
fn a_program_that_does_not_read_takes_the_letter_too() {
    let program = shell("exit 0", TellProgram::PATIENCE);
    let body = "x".repeat(1 << 20);
    program.hand_over(&letter(&body), &Stop::default()).unwrap();
}

#[test]
fn a_program_that_fails_is_quoted() {
    let why = refusal(
        "echo going >&2; echo 'no such user' >&2; exit 3",
        TellProgram::PATIENCE,
    );
    assert!(why.contains("exit status: 3"), "{why}");
    let missing = TellProgram::new(
        Program::new("/nowhere/tell").unwrap(),
        TellProgram::PATIENCE,
    );
    let outcome = missing.hand_over(&letter("{}"), &Stop::default());
    assert!(format!("{outcome:?}").contains("/nowhere/tell cannot be started"));
}

#[test]
fn a_program_that_hangs_is_ended() {
    let begun = Instant::now();
    let why = refusal("sleep 600", Duration::from_millis(200));
    assert!(why.contains("took longer than 200ms"), "{why}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_program_is_ended_with_the_service() {
    let stop = Stop::default();
    stop.set();
    let outcome = shell("sleep 600", TellProgram::PATIENCE).hand_over(&letter("{}"), &stop);
    assert!(format!("{outcome:?}").contains("with the service"));
}
