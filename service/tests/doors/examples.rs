//! The examples do what they say.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;

use skyscan_service::arriving::AlertProgram;
use skyscan_service::doors::{
    Brought, Desk, Moment, NotTaken, Program, Stop, Submission, Submitted, Tells,
};
use skyscan_service::engine::Refused;
use skyscan_service::leaving::{Outbox, Outgoing, Receiver as _, TellProgram};
use skyscan_service::scan::State;

use super::receiver::Receiver;
use super::{SOON, letter, scan, secret, until, webhook};

fn example(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    root.join("examples/service").join(name)
}

/// `python3 EXAMPLE`, quoted as for the service's command line.
fn command(name: &str, arguments: &[&str]) -> Program {
    let file = example(name);
    let words = ["python3", "-B", file.to_str().unwrap()];
    let words = words.iter().chain(arguments).copied();
    Program::new(&shlex::try_join(words).unwrap()).unwrap()
}

fn tell(program: Program, moment: Moment) {
    let letter = letter("scan-a", moment);
    let outgoing = Outgoing {
        id: "0123abcd".to_owned(),
        scan: letter.scan.id.0,
        moment,
        body: letter.body.to_string(),
    };
    let program = TellProgram::new(program, TellProgram::PATIENCE);
    program.hand_over(&outgoing, &Stop::default()).unwrap();
}

/// Ends it with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _status = self.0.wait();
    }
}

#[test]
fn the_receiver_checks_what_the_webhook_signs() {
    let folder = tempfile::tempdir().unwrap();
    let mut python = Command::new("python3")
        .arg(example("receiver.py"))
        .args(["--port", "0", "--secret"])
        .arg(secret(folder.path()))
        .stdout(Stdio::piped())
        .spawn()
        .map(Ended)
        .unwrap();
    let mut said = BufReader::new(python.0.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let url = said.next().unwrap().rsplit_once(' ').unwrap().1.to_owned();
    let doors = folder.path().join("doors.sqlite");
    let outbox = Outbox::open(&doors, vec![webhook(&url, folder.path())], SOON).unwrap();
    outbox.tell(letter("scan-a", Moment::Final));
    assert!(said.next().unwrap().starts_with("final scan-a done "));
    // Somebody else's secret.
    let other = tempfile::tempdir().unwrap();
    let hook = webhook(&url, other.path());
    let outgoing = Outgoing {
        id: "1".to_owned(),
        scan: "scan-b".to_owned(),
        moment: Moment::Final,
        body: letter("scan-b", Moment::Final).body.to_string(),
    };
    hook.hand_over(&outgoing, &Stop::default()).unwrap();
    assert!(said.next().unwrap().starts_with("final scan-b done 1"));
    fs::write(other.path().join("secret"), "quite another secret").unwrap();
    let secret = skyscan_service::leaving::Secret::read(&other.path().join("secret")).unwrap();
    let forged =
        skyscan_service::leaving::Webhook::new(&url, secret, TellProgram::PATIENCE).unwrap();
    let refused = forged.hand_over(&outgoing, &Stop::default());
    assert!(format!("{refused:?}").contains("401"), "{refused:?}");
}

#[test]
fn a_chat_is_told() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start([]));
    let url_file = folder.path().join("url");
    fs::write(&url_file, receiver.url()).unwrap();
    let arguments = [
        "--url-file",
        url_file.to_str().unwrap(),
        "--page",
        "https://x.org/sky/",
    ];
    tell(command("chat.py", &arguments), Moment::Stable);
    let text = receiver.requests()[0].json()["text"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        text.contains("run 130033 event 50579430: stable direction, RA 77.43, Dec +5.72"),
        "{text}"
    );
    assert!(text.contains("90 %: 1.25 square degrees"), "{text}");
    assert!(text.contains("https://x.org/sky/#/scan/scan-a"), "{text}");
    tell(command("chat.py", &arguments[..2]), Moment::Failed);
    let text = receiver.requests()[1].json()["text"].to_string();
    assert!(text.contains("the scan FAILED"), "{text}");
}

#[test]
fn a_mail_is_written() {
    let written = Command::new("python3")
        .arg("-B")
        .arg(example("mail.py"))
        .args(["--from", "skyscan@example.org", "shift@example.org"])
        .env("SKYSCAN_DELIVERY", "0123")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            let body = letter("scan-a", Moment::Final).body.to_string();
            child.stdin.take().unwrap().write_all(body.as_bytes())?;
            child.wait_with_output()
        })
        .unwrap();
    let text = String::from_utf8(written.stdout).unwrap();
    assert!(
        text.contains("Subject: [skyscan] run 130033 event 50579430: final direction"),
        "{text}"
    );
    assert!(text.contains("Message-ID: <0123@example.org>"), "{text}");
    assert!(text.contains("50 %: 0.20 square degrees"), "{text}");
}

#[test]
fn a_circular_is_drafted_of_final_directions_only() {
    let folder = tempfile::tempdir().unwrap();
    let drafts = ["--folder", folder.path().to_str().unwrap()];
    tell(command("gcn_draft.py", &drafts), Moment::Preliminary);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    tell(command("gcn_draft.py", &drafts), Moment::Final);
    let text = fs::read_to_string(folder.path().join("scan-a.txt")).unwrap();
    assert!(text.starts_with("DRAFT, NOT SENT"), "{text}");
    assert!(
        text.contains("RA: 77.43 (+0.47 -0.43 deg, 90% region's extent) J2000"),
        "{text}"
    );
    assert!(
        text.contains("Dec: +5.72 (+0.38 -0.22 deg, 90% region's extent) J2000"),
        "{text}"
    );
    let figures = fs::read(folder.path().join("scan-a.json")).unwrap();
    let figures: serde_json::Value = serde_json::from_slice(&figures).unwrap();
    assert_eq!(figures["extent_deg"]["containment"], 0.9);
}

#[derive(Debug, Default)]
struct Remembers(Mutex<Vec<String>>);

impl Desk for Remembers {
    fn submit(&self, submission: Submission) -> Result<Submitted, NotTaken> {
        let Brought::Bytes(event) = submission.event else {
            return Err(NotTaken::NotNow("no bytes".to_owned()));
        };
        let text = String::from_utf8(event).unwrap();
        self.0.lock().push(text.clone());
        if text == "{}" {
            return Err(Refused::Event("nothing in it".to_owned()).into());
        }
        Ok(Submitted {
            scan: scan(&text, State::Queued),
            is_new: true,
        })
    }
}

#[test]
fn a_file_that_grows_is_followed_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let (file, position) = (folder.path().join("alerts"), folder.path().join("position"));
    let mut alerts = fs::File::create(&file).unwrap();
    let arguments = [
        file.to_str().unwrap(),
        "--position",
        position.to_str().unwrap(),
    ];
    let desk = Arc::new(Remembers::default());
    let start = || {
        let desk: Arc<dyn Desk> = Arc::clone(&desk) as _;
        AlertProgram::run(command("follow.py", &arguments), SOON, desk).unwrap()
    };
    let brought = || desk.0.lock().clone();
    let following = start();
    alerts
        .write_all(b"{\"event\": {\"n\": 1}}\n\n{\"event\": {}}\n{\"event\": {\"n\"")
        .unwrap();
    until(|| brought().len() == 2);
    let kept = || fs::read_to_string(&position).unwrap_or_default();
    until(|| kept() == "35");
    drop(following);
    alerts.write_all(b": 2}}\n").unwrap();
    let _following = start();
    until(|| brought().len() == 3);
    assert_eq!(brought(), [r#"{"n":1}"#, "{}", r#"{"n":2}"#]);
}
