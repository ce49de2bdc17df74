//! Studies: events with known truth are made, scanned and counted; what is left of one that was killed is
//! taken up; levels that come from one are used by scans.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::needs::{Check, group};
use crate::scan::command::{
    DEMO, empty_folder, json as json_of, number, run, scan, skyscan, stderr, text,
};
use crate::scan::systematics::SET;

/// Coarse scans of events with little light: a tenth of a second each.
const QUICK: [&str; 10] = [
    "--light",
    "density",
    "--seed",
    "5",
    "--nside",
    "2,4",
    "--energies-gev",
    "300,1000",
    "--format",
    "json",
];

pub(crate) fn trials() -> Vec<Trial> {
    let checks: [(&str, Check); 7] = [
        ("a_study_says_what_it_did", says_what_it_did),
        ("a_killed_study_goes_on_where_it_was", goes_on),
        ("an_interrupt_keeps_what_there_is", interrupted),
        ("levels_of_a_study_serve_scans", levels),
        ("levels_of_several_studies_are_tried_on_each_ice", pooled),
        (
            "answers_under_systematics_stand_beside_those_without",
            systematics,
        ),
        ("what_makes_no_sense_is_refused", refused),
    ];
    group("study", None, checks)
}

fn study(events: &str, out: &Path, more: &[&str]) -> Result<Value, Failed> {
    let mut arguments = vec!["reco", "validate", "--events", events, "--out", text(out)?];
    arguments.extend(QUICK);
    arguments.extend(more);
    json_of(&arguments)
}

/// The answers, without the time that they took.
fn answers(report: &Value) -> Result<Vec<Value>, Failed> {
    let mut answers = report["answers"].as_array().ok_or("no answers")?.clone();
    for answer in &mut answers {
        let map = answer["outcome"]["map"].as_object_mut();
        map.ok_or("no map")?.remove("busy_s");
    }
    Ok(answers)
}

fn says_what_it_did() -> Result<(), Failed> {
    let folder = empty_folder("study")?;
    let ices = [
        "--ice",
        "scattering=1.2",
        "--ice",
        "absorption=0.8",
        "--regions",
        "wilks",
    ];
    let report = study("4", &folder, &ices)?;
    let answers = answers(&report)?;
    assert_eq!(answers.len(), 4);
    for (number_of, answer) in answers.iter().enumerate() {
        assert_eq!(answer["event"], number_of);
        let expected = match number_of % 2 {
            0 => json!({"scattering": 1.2, "absorption": 1.0, "hole": "h2"}),
            _ => json!({"scattering": 1.0, "absorption": 0.8, "hole": "h2"}),
        };
        assert_eq!(answer["ice"], expected);
        assert_eq!(answer["regions_method"], "wilks");
        assert!((300.0..1000.0).contains(&number(&answer["energy_gev"])?));
        // nside 4 has pixels of fifteen degrees.
        assert!(number(&answer["angle_deg"])? < 40.0, "{answer}");
        let excess = number(&answer["excess"])?;
        let claimed = 1.0 - (-0.5 * excess.max(0.0)).exp();
        assert!((number(&answer["claimed"])? - claimed).abs() < 1e-9);
        let regions = answer["regions"].as_array().ok_or("no regions")?;
        assert_eq!(regions.len(), 2);
        for region in regions {
            assert!(number(&region["area_deg2"])? > 0.0);
        }
    }
    let all = &report["recos"][0]["groups"][0];
    assert_eq!((&all["name"], &all["n"]), (&json!("all"), &json!(4)));
    assert_eq!(all["held"][1]["n"], 4);
    for file in [
        "validation.wilks.json",
        "validation.wilks.md",
        "probabilities.wilks.svg",
        "resolution.wilks.svg",
    ] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    let table = std::fs::read_to_string(folder.join("validation.wilks.md"))?;
    assert!(table.contains("| all | 4 |"), "{table}");
    // The maps are there for whoever wants to look.
    let map = json_of(&[
        "map",
        "show",
        text(&folder.join("maps/000000.photon-mpe.npz"))?,
        "--format",
        "json",
    ])?;
    assert_eq!(map["map_sha256"], answers[0]["outcome"]["map"]["sha256"]);

    // Another transport, another folder: the same answers.
    let socket = std::env::temp_dir().join(format!("skyscan-study-{}.sock", std::process::id()));
    let url = format!("zmq+ipc://{}", text(&socket)?);
    let other = empty_folder("study-zmq")?;
    let again = study("2", &other, &[&ices[..], &["--transport", &url]].concat())?;
    assert_eq!(self::answers(&again)?, answers[..2]);
    Ok(())
}

/// Starts a study and waits until it has an answer.
fn begun(out: &Path) -> Result<std::process::Child, Failed> {
    let mut child = skyscan()
        .args(["reco", "validate", "--events", "5000", "--out", text(out)?])
        .args(QUICK)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let answers = out.join("answers.jsonl");
    while std::fs::read(&answers).map_or(0, |bytes| bytes.len()) == 0 {
        if let Some(status) = child.try_wait()? {
            return Err(format!("it ended early: {status}").into());
        }
        std::thread::yield_now();
    }
    Ok(child)
}

fn goes_on() -> Result<(), Failed> {
    let (whole, killed) = (empty_folder("study-whole")?, empty_folder("study-killed")?);
    let mut child = begun(&killed)?;
    child.kill()?;
    child.wait()?;
    // As if it had been killed in the middle of a line.
    let path: PathBuf = killed.join("answers.jsonl");
    let mut lines = std::fs::read(&path)?;
    lines.extend(b"{\"event\":3,\"seed\":");
    std::fs::write(&path, lines)?;
    let n_before = std::fs::read_to_string(&path)?.lines().count() - 1;
    let report = study("3", &killed, &[])?;
    assert_eq!(answers(&report)?, answers(&study("3", &whole, &[])?)?);
    let n_after = std::fs::read_to_string(&path)?.lines().count();
    assert!(
        n_after <= n_before + 3,
        "{n_before} answers, then {n_after}"
    );
    Ok(())
}

fn interrupted() -> Result<(), Failed> {
    let folder = empty_folder("study-interrupted")?;
    let mut child = begun(&folder)?;
    let pid = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status()?;
    assert!(sent.success());
    let mut told = String::new();
    child
        .stdout
        .take()
        .ok_or("it is piped")?
        .read_to_string(&mut told)?;
    assert_eq!(child.wait()?.code(), Some(3));
    let report: Value = serde_json::from_str(&told)?;
    let n = answers(&report)?.len();
    let lines = std::fs::read_to_string(folder.join("answers.jsonl"))?;
    assert_eq!(n, lines.lines().count());
    assert!((1..5000).contains(&n));
    Ok(())
}

fn levels() -> Result<(), Failed> {
    let folder = empty_folder("study-levels")?;
    let file = folder.join("coverage.json");
    let study_in = folder.join("a");
    study("24", &study_in, &["--coverage-out", text(&file)?])?;
    let table: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    assert_eq!(table["study"]["n_events"], 24);
    let asked = format!("coverage={}", text(&file)?);

    // The same events by their own levels: as many as their ranks say.
    let report = study("24", &study_in, &["--regions", &asked])?;
    let claims = report["recos"][0]["probabilities"]
        .as_array()
        .ok_or("no claims")?;
    let held = |at: usize| (claims[at][0].clone(), claims[at][1]["n_held"].clone());
    assert_eq!(held(9), (json!(0.5), json!(13)));
    assert_eq!(held(17), (json!(0.9), json!(23)));

    let out = folder.join("scan");
    let found = scan(
        DEMO,
        &["--nside", "4,8", "--regions", &asked, "--out", text(&out)?],
    )?;
    assert_eq!(found["regions_method"], "coverage");
    let hash = found["coverage_sha256"]
        .as_str()
        .ok_or("no hash")?
        .to_owned();
    let classes = table["recos"]["photon-mpe"]["classes"]
        .as_array()
        .ok_or("no classes")?;
    let ninety = |class: &Value| {
        let rows = class["levels"].as_array().cloned().unwrap_or_default();
        rows.into_iter()
            .find(|row| row[0] == 0.9)
            .map(|row| row[1].clone())
    };
    let level = &found["regions"][1]["level"];
    let known = |class: &Value| {
        ninety(class).and_then(|known| Some((known.as_f64()? - level.as_f64()?).abs() < 1e-9))
    };
    assert!(
        classes.iter().any(|class| known(class) == Some(true)),
        "{level} in {classes:?}"
    );
    let mut n_files = 0;
    for entry in std::fs::read_dir(&out)? {
        let path = entry?.path();
        let name = path.display().to_string();
        if name.ends_with(".json") || name.ends_with(".geojson") || name.ends_with(".moc.fits") {
            let bytes = std::fs::read(&path)?;
            let tells = bytes
                .windows(hash.len())
                .any(|window| window == hash.as_bytes());
            assert!(tells, "{name} does not tell the hash");
            n_files += 1;
        }
    }
    assert!(n_files >= 6, "{n_files} files");
    // Read back, the map has the same regions.
    let npz = (std::fs::read_dir(&out)?.flatten())
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|end| end == "npz"))
        .ok_or("no npz")?;
    let shown = json_of(&[
        "map",
        "show",
        text(&npz)?,
        "--regions",
        &asked,
        "--format",
        "json",
    ])?;
    assert_eq!(shown["regions"], found["regions"]);
    assert_eq!(shown["coverage_sha256"], found["coverage_sha256"]);
    // Levels of other numerics are taken, and said to be.
    let warned = |file: &Path| -> Result<bool, Failed> {
        let asked = format!("coverage={}", text(file)?);
        let output = run(&["map", "show", text(&npz)?, "--regions", &asked])?;
        assert_eq!(output.status.code(), Some(0));
        Ok(stderr(&output).contains("numerics"))
    };
    assert!(!warned(&file)?);
    let mut older = table.clone();
    older["study"]["numerics"] = json!(1);
    std::fs::write(&file, older.to_string())?;
    assert!(warned(&file)?);
    Ok(())
}

/// Each of two studies has two ices, and each ice is judged by the levels of the others.
fn pooled() -> Result<(), Failed> {
    let folder = empty_folder("study-pooled")?;
    let (one, other) = (folder.join("one"), folder.join("other"));
    study(
        "40",
        &one,
        &["--ice", "scattering=1.2", "--ice", "absorption=0.8"],
    )?;
    let of_other = [
        "--ice",
        "scattering=0.8",
        "--ice",
        "absorption=1.2",
        "--out",
        text(&other)?,
    ];
    let seeded = QUICK.map(|word| if word == "5" { "6" } else { word });
    json_of(
        &[
            &["reco", "validate", "--events", "40"][..],
            &seeded,
            &of_other,
        ]
        .concat(),
    )?;
    let file = folder.join("coverage.json");
    let (one, other) = (text(&one)?, text(&other)?);
    let found = json_of(&[
        "reco",
        "levels",
        one,
        other,
        "--format",
        "json",
        "--out",
        text(&file)?,
    ])?;
    let rows = found.as_array().ok_or("no rows")?;
    let sizes: Vec<&Value> = rows.iter().map(|row| &row["held"][0]["n"]).collect();
    assert_eq!(sizes[0], 80);
    assert_eq!(number(sizes[1])? + number(sizes[2])?, 80.0);
    assert_eq!(sizes[3..], [20, 20, 20, 20]);
    for (at, claimed) in [0.5, 0.9].into_iter().enumerate() {
        let held = &rows[0]["held"][at];
        let (low, high) = (number(&held["low"])?, number(&held["high"])?);
        // Light that is drawn from a density knows little of ice, so that all are alike.
        assert!(low - 0.1 < claimed && claimed < high + 0.1, "{held}");
    }
    let table: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    let of = &table["study"];
    assert_eq!(
        (&of["n_events"], &of["more_seeds"]),
        (&json!(80), &json!([6]))
    );
    assert_eq!(of["ices"].as_array().map(Vec::len), Some(4));
    let asked = format!("coverage={}", text(&file)?);
    let found = scan(DEMO, &["--nside", "4,8", "--regions", &asked])?;
    assert_eq!(found["regions_method"], "coverage");
    for (words, why) in [
        (&[one, one][..], "events in common"),
        (&[one, text(&folder)?], "holds no study"),
        (&[one, "--reco", "millipede"], "no answers of millipede"),
    ] {
        let output = run(&[&["reco", "levels"][..], words].concat())?;
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(stderr(&output).contains(why), "{}", stderr(&output));
    }
    Ok(())
}

/// A study that asks for systematics later keeps what it had, and adds to it.
fn systematics() -> Result<(), Failed> {
    let folder = empty_folder("study-systematics")?;
    let usual = ["--reco", "pandel-mpe", "--regions", "wilks"];
    let plain = answers(&study("2", &folder, &usual)?)?;
    let report = study(
        "2",
        &folder,
        &[&usual[..], &["--systematics", SET]].concat(),
    )?;
    let all = answers(&report)?;
    let (without, averaged): (Vec<Value>, Vec<Value>) =
        (all.into_iter()).partition(|answer| answer.get("systematics").is_none());
    assert_eq!(without, plain);
    for (with, plain) in averaged.iter().zip(&plain) {
        assert_eq!(with["systematics"]["name"], "three");
        assert_eq!(with["truth"], plain["truth"]);
        assert_ne!(
            with["outcome"]["map"]["sha256"],
            plain["outcome"]["map"]["sha256"]
        );
        assert!(number(&with["excess"])?.is_finite());
    }
    let makers: Vec<&Value> = (report["recos"].as_array().ok_or("no recos")?.iter())
        .map(|reco| &reco["reco"])
        .collect();
    assert_eq!(makers, ["pandel-mpe", "pandel-mpe, systematics three"]);
    assert_eq!(report["recos"][1]["groups"][0]["n"], 2);
    // Who asks for none gets none.
    assert_eq!(answers(&study("2", &folder, &usual)?)?, plain);
    Ok(())
}

fn refused() -> Result<(), Failed> {
    let folder = empty_folder("study-refused")?;
    let study_in = folder.join("study");
    study("1", &study_in, &[])?;
    let junk = folder.join("junk.json");
    std::fs::write(&junk, "{\"format\": 1}")?;
    let junk = format!("coverage={}", text(&junk)?);
    let out = text(&study_in)?;
    let usual = [
        "reco", "validate", "--events", "1", "--out", out, "--nside", "4,8",
    ];
    let cases: [(&[&str], &str); 8] = [
        (&["--seed", "6"], "holds another study"),
        (
            &["--seed", "5", "--ice", "dust=2"],
            "ice has scattering, absorption and hole",
        ),
        (&["--seed", "5", "--reco", "none"], "no reco"),
        (&["--seed", "5", "--light", "candles"], "density"),
        (
            &["--seed", "5", "--regions", &junk],
            "no coverage file that can be used",
        ),
        (&["--seed", "5", "--workers", "0"], "--workers 0"),
        (
            &[
                "--seed",
                "5",
                "--reco",
                "photon-mpe,linefit",
                "--systematics",
                "quick",
            ],
            "linefit",
        ),
        (&["--seed", "5", "--energies-gev", "1e7,1e3"], "FROM,TO"),
    ];
    for (more, expected) in cases {
        let output = run(&[&usual[..], more].concat())?;
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        let told = stderr(&output);
        assert!(told.contains(expected), "{more:?}: {told}");
    }
    let output = run(&["scan", DEMO, "--nside", "4", "--regions", &junk])?;
    assert_eq!(output.status.code(), Some(2));
    Ok(())
}
