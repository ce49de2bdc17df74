//! What is made from the help texts.

use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;

fn skyscan(arguments: &[&str]) -> Result<Vec<u8>, Failed> {
    let output = Command::new(env!("CARGO_BIN_EXE_skyscan"))
        .args(arguments)
        .env("SKYSCAN_TRANSPORT", "zmq://not-shown:1")
        .output()?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
    }
}

pub(crate) fn is_current() -> Result<(), Failed> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    match std::fs::read(page)? == skyscan(&["reference"])? {
        true => Ok(()),
        false => Err("run: cargo run --release -- reference >docs/reference.md".into()),
    }
}

pub(crate) fn others_are_made() -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("man");
    let folder_text = folder.to_str().ok_or("not UTF-8")?;
    skyscan(&["man", folder_text])?;
    for page in ["skyscan.1", "skyscan-scan.1", "skyscan-deploy-slurm.1"] {
        let text = std::fs::read_to_string(folder.join(page))?;
        assert!(
            text.contains(".TH skyscan") && text.contains("Example"),
            "{page}"
        );
    }
    assert!(!folder.join("skyscan-fleet.1").exists());
    for (shell, words) in [
        ("bash", "complete -F _skyscan"),
        ("zsh", "#compdef skyscan"),
        ("fish", "complete -c skyscan"),
    ] {
        let script = String::from_utf8(skyscan(&["completions", shell])?)?;
        assert!(
            script.contains(words) && script.contains("external-program"),
            "{shell}"
        );
    }
    bash_completes()
}

/// Bash takes its script, and completes options with it.
fn bash_completes() -> Result<(), Failed> {
    let script = String::from_utf8(skyscan(&["completions", "bash"])?)?;
    let asks = "COMP_WORDS=(skyscan scan --exter) COMP_CWORD=2; _skyscan skyscan --exter scan; \
                printf '%s\\n' \"${COMPREPLY[@]}\"";
    let output = Command::new("bash")
        .args(["-c", &format!("{script}\n{asks}")])
        .output()?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    match told.lines().any(|line| line == "--external-program") {
        true => Ok(()),
        false => Err(format!("{told:?}, {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}
