//! What HTCondor and Kubernetes make of the files.

use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::command::{empty_folder, written};
use super::consumer;

const FIT: &str = r#"python3 'my fit.py' "$HOME" $(X)"#;

pub(super) fn read(kind: &str, file: &Path) -> Result<Vec<Value>, Failed> {
    consumer(Command::new("env"), "deploy_read.py", |command| {
        command.arg(kind).arg(file)
    })
}

pub(crate) fn htcondor() -> Result<(), Failed> {
    let folder = empty_folder("htcondor")?;
    let password = folder.join("amqp-password");
    std::fs::write(&password, "secret\n")?;
    let (file, _) = written(
        &folder,
        &[
            "htcondor",
            "--workers",
            "12",
            "--slots",
            "4",
            "--transport",
            "amqps://me@broker:5671/v",
            "--password-file",
            "amqp-password",
            "--program",
            "/opt/skyscan",
            "--",
            "--reco",
            "external",
            "--external-program",
            FIT,
        ],
    )?;
    let jobs = read("htcondor", &file)?;
    assert_eq!(jobs.len(), 12);
    for (n, job) in jobs.iter().enumerate() {
        assert_eq!(job["ProcId"], n);
        assert_eq!(job["Cmd"], "/opt/skyscan");
        assert_eq!(
            job["Environment"],
            "SKYSCAN_AMQP_PASSWORD_FILE=amqp-password"
        );
        assert_eq!(
            job["TransferInput"].as_str().map(Path::new),
            Some(&*password.canonicalize()?)
        );
        assert_eq!(job["EncryptInputFiles"], job["TransferInput"]);
        assert_eq!(
            (&job["RequestCpus"], &job["RequestMemory"]),
            (&json!(4), &json!(512))
        );
        assert_eq!(
            (&job["KillSig"], &job["JobMaxVacateTime"]),
            (&json!("SIGTERM"), &json!(30))
        );
        // Held, removed: after 0 it is done, after 2 and 4 it waits for a person, else it starts again.
        let [done, hopeless, again] = [[false, true], [true, false], [false, false]];
        let expected =
            json!({"0": done, "1": again, "2": hopeless, "4": hopeless, "signal": again});
        assert_eq!(job["ended"], expected);
        let words = words(job["Arguments"].as_str().ok_or("no arguments")?);
        assert_eq!(
            words[..5],
            [
                "worker",
                "--transport",
                "amqps://me@broker:5671/v",
                "--slots",
                "4"
            ]
        );
        assert_eq!(
            words[5..],
            ["--reco", "external", "--external-program", FIT]
        );
    }
    assert_ne!(jobs[0]["Out"], jobs[1]["Out"]);
    Ok(())
}

/// Arguments of a job's ad: in single quotes is what a word holds of spaces, and two of them are one.
fn words(arguments: &str) -> Vec<String> {
    let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut rest = arguments.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, is_quoted) {
            ('\'', true) if rest.next_if_eq(&'\'').is_some() => word.push('\''),
            ('\'', _) => is_quoted = !is_quoted,
            (' ', false) => words.push(std::mem::take(&mut word)),
            (c, _) => word.push(c),
        }
    }
    words.push(word);
    words
}

pub(crate) fn kubernetes() -> Result<(), Failed> {
    let folder = empty_folder("kubernetes")?;
    let image = ["--image", "registry.example/skyscan:0.1.0"];
    let amqp = [
        "kubernetes",
        "--workers",
        "20",
        "--transport",
        "amqps://me@broker:5671/v",
    ];
    let more = ["--slots", "2", "--", "--external-program", FIT];
    let (file, _) = written(&folder, &[&amqp[..], &image, &more].concat())?;
    let [manifest] = &read("kubernetes", &file)?[..] else {
        return Err("not one manifest".into());
    };
    assert_eq!(manifest["spec"]["replicas"], 20);
    let pod = &manifest["spec"]["template"]["spec"];
    assert_eq!(pod["terminationGracePeriodSeconds"], 30);
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    let container = &pod["containers"][0];
    assert_eq!(
        container["resources"]["requests"],
        json!({"cpu": 2, "memory": "384Mi"})
    );
    // Kubernetes takes $$( for $(.
    let arguments = container["args"].as_array().ok_or("no arguments")?;
    assert_eq!(arguments.last(), Some(&json!(FIT.replace("$(", "$$("))));
    let password = "/run/secrets/skyscan/password";
    assert_eq!(
        container["env"],
        json!([{"name": "SKYSCAN_AMQP_PASSWORD_FILE", "value": password}])
    );
    assert_eq!(pod["volumes"][0]["secret"]["secretName"], "skyscan-amqp");

    let zmq = [
        "kubernetes",
        "--workers",
        "1",
        "--transport",
        "zmq://scanner:5555",
        "--insecure",
    ];
    let (file, _) = written(&folder, &[&zmq[..], &image].concat())?;
    let without = &read("kubernetes", &file)?[0];
    assert_eq!(without["spec"]["template"]["spec"]["volumes"], Value::Null);

    let sealed = [
        "kubernetes",
        "--workers",
        "1",
        "--transport",
        "zmqs://scanner:5555",
    ];
    let (file, _) = written(&folder, &[&sealed[..], &image].concat())?;
    let pod = &read("kubernetes", &file)?[0]["spec"]["template"]["spec"];
    let keys = "/run/secrets/skyscan-keys";
    assert_eq!(
        pod["containers"][0]["env"],
        json!([{"name": "SKYSCAN_KEYS", "value": keys}])
    );
    assert_eq!(
        pod["containers"][0]["volumeMounts"],
        json!([{"name": "keys", "mountPath": keys, "readOnly": true}])
    );
    assert_eq!(pod["volumes"][0]["secret"]["secretName"], "skyscan-keys");
    grows(&folder, &[&amqp[..], &image].concat())
}

/// With KEDA the number of workers is its to say, between none and those that were asked for.
fn grows(folder: &Path, asked: &[&str]) -> Result<(), Failed> {
    let prometheus = "http://prometheus.monitoring:9090";
    let more = ["--slots", "4", "--autoscale", prometheus];
    let (file, _) = written(folder, &[asked, &more].concat())?;
    let [workers, scaler] = &read("kubernetes", &file)?[..] else {
        return Err("not two manifests".into());
    };
    assert_eq!(workers["spec"]["replicas"], Value::Null);
    assert_eq!(scaler["kind"], "ScaledObject");
    let spec = &scaler["spec"];
    assert_eq!(spec["scaleTargetRef"]["name"], workers["metadata"]["name"]);
    assert_eq!(
        (&spec["minReplicaCount"], &spec["maxReplicaCount"]),
        (&json!(0), &json!(20))
    );
    let asks = &spec["triggers"][0]["metadata"];
    assert_eq!(asks["serverAddress"], prometheus);
    // Numbers are text there.
    assert_eq!(asks["threshold"], "4");
    let query = asks["query"].as_str().ok_or("no query")?;
    assert!(query.contains("skyscan_scan_slots_wanted"), "{query}");
    Ok(())
}
