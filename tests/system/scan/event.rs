//! `skyscan event`: what it shows, and that what it generates can be had again.

use libtest_mimic::Failed;

use crate::needs::Check;
use crate::scan::command::{DEMO, empty_folder, json, run, same_keys, stderr, text};

/// Members of what `event show --format json` prints.
pub(crate) const SHOWN: [&str; 16] = [
    "run_id",
    "event_id",
    "mjd",
    "stream",
    "pulses",
    "hlc_pulses",
    "doms",
    "strings",
    "charge_pe",
    "first_ns",
    "last_ns",
    "brightest",
    "seeds",
    "pulse_series",
    "other_events",
    "warnings",
];
/// And of a synthetic event of our own format; or of an alert that came with fits and scores of its own.
const SHOWN_OWN: [&str; 2] = ["truth", "made_for"];
pub(crate) const SHOWN_ALERT: &str = "alert";
/// Members of a seed in it.
pub(crate) const SHOWN_SEED: [&str; 7] =
    ["name", "ra_deg", "dec_deg", "x_m", "y_m", "z_m", "time_ns"];

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("event::the_demo_event_is_shown", shown),
        ("event::the_demo_event_can_be_made_again", demo_made_again),
        ("event::the_same_seed_gives_the_same_event", reproducible),
        ("event::a_converted_event_is_the_same", converted),
    ]
}

fn shown() -> Result<(), Failed> {
    let view = json(&["event", "show", DEMO, "--format", "json"])?;
    same_keys(&view, &[&SHOWN[..], &SHOWN_OWN].concat())?;
    same_keys(&view["brightest"], &["string", "dom", "charge_pe"])?;
    assert_eq!(view["stream"], "SYNTHETIC");
    assert!(view["doms"].as_u64() >= Some(100), "{}", view["doms"]);
    assert!(view["hlc_pulses"].as_u64() < view["pulses"].as_u64());
    let people = run(&["event", "show", DEMO])?;
    assert_eq!(people.status.code(), Some(0));
    let told = String::from_utf8_lossy(&people.stdout).into_owned();
    assert!(
        told.contains(&format!("{} pulses", view["pulses"])),
        "{told}"
    );
    Ok(())
}

/// The command that `demo/README.md` gives.
fn demo_made_again() -> Result<(), Failed> {
    let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(top.join("demo/README.md"))?;
    let command = readme
        .lines()
        .find_map(|line| line.trim().strip_prefix("skyscan event generate "))
        .ok_or("no command in demo/README.md")?;
    let (recipe, file) = command.split_once("--output ").ok_or("no --output")?;
    assert_eq!(file, DEMO);
    let recipe: Vec<&str> = recipe.split_whitespace().collect();
    let output = run(&[&["event", "generate"], recipe.as_slice()].concat())?;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        output.stdout == std::fs::read(top.join(DEMO))?,
        "other bytes"
    );
    Ok(())
}

fn reproducible() -> Result<(), Failed> {
    let generate = |seed| {
        let output = run(&["event", "generate", "--seed", seed, "--energy-gev", "20000"])?;
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        Ok::<_, Failed>(output.stdout)
    };
    let first = generate("11")?;
    assert!(!first.is_empty());
    assert!(first == generate("11")?, "the same seed gave another event");
    assert!(first != generate("12")?, "another seed gave the same event");
    Ok(())
}

fn converted() -> Result<(), Failed> {
    let folder = empty_folder("converted")?;
    let copy = folder.join("copy.json");
    let output = run(&["event", "convert", DEMO, "--output", text(&copy)?])?;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let demo = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(DEMO);
    assert!(std::fs::read(&copy)? == std::fs::read(demo)?, "other bytes");
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
