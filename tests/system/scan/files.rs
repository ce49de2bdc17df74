//! What `--out` leaves behind, and that stdout carries the result and nothing else.

use std::path::Path;

use libtest_mimic::Failed;
use serde_json::Value;

use crate::needs::Check;
use crate::scan::command::{DEMO, empty_folder, keys, number, run, scan, stderr, text};

pub(crate) fn checks() -> Vec<(&'static str, Check)> {
    vec![
        ("out_holds_the_result_and_the_plots", out),
        ("stdout_carries_the_summary_and_nothing_else", summary_alone),
        ("out_that_is_a_file_is_told", out_is_a_file),
    ]
}

fn out() -> Result<(), Failed> {
    let folder = empty_folder("out")?;
    let deeper = folder.join("not/there/yet");
    let scan = scan(DEMO, &["--nside", "8,64", "--out", text(&deeper)?])?;
    let listed: Vec<&Path> = scan["files"]
        .as_array()
        .ok_or("files are a list")?
        .iter()
        .filter_map(Value::as_str)
        .map(Path::new)
        .collect();
    let mut present: Vec<_> = std::fs::read_dir(&deeper)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    present.sort();
    let mut sorted = listed.clone();
    sorted.sort();
    assert_eq!(sorted, present);
    let mut n_pictures = 0;
    for path in &listed {
        let bytes = std::fs::read(path)?;
        let extension = path.extension().and_then(|extension| extension.to_str());
        if extension == Some("png") {
            n_pictures += 1;
            assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.ends_with(b"IEND\xaeB`\x82"));
            assert!(bytes.len() > 20_000, "{} bytes", bytes.len());
        } else if extension == Some("svg") {
            n_pictures += 1;
            let page = String::from_utf8(bytes)?;
            assert!(page.contains("<svg") && page.trim_end().ends_with("</svg>"));
        }
    }
    assert_eq!(n_pictures, 6);
    let result: Value = serde_json::from_slice(&std::fs::read(listed[0])?)?;
    assert_eq!(keys(&result), ["nside-64", "nside-8"]);
    for nside in ["8", "64"] {
        let rows = result[format!("nside-{nside}")]["data"]
            .as_array()
            .map(Vec::len);
        assert_eq!(
            rows.map(|n| n as f64),
            Some(number(&scan["pixels"][nside])?)
        );
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

fn summary_alone() -> Result<(), Failed> {
    let output = run(&["scan", DEMO, "--nside", "4"])?;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let told = String::from_utf8(output.stdout)?;
    assert!(told.starts_with("Run "), "{told}");
    assert!(told.contains("\n  sha256  "), "{told}");
    assert!(told.ends_with('\n') && !told.contains('\u{1b}'), "{told:?}");
    Ok(())
}

fn out_is_a_file() -> Result<(), Failed> {
    let folder = empty_folder("out-is-a-file")?;
    let file = folder.join("file");
    std::fs::write(&file, "mine")?;
    let output = run(&["scan", DEMO, "--nside", "4", "--out", text(&file)?])?;
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("failed to create folder"),
        "{}",
        stderr(&output)
    );
    assert_eq!(std::fs::read(&file)?, b"mine");
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
