//! Runs `skyscan deploy`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;

/// The program in an empty folder of a test's own.
pub(crate) fn skyscan(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skyscan"));
    command.current_dir(folder).stdin(Stdio::null());
    command
}

pub(crate) fn empty_folder(name: &str) -> Result<PathBuf, Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("deploy")
        .join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn deploy(folder: &Path, arguments: &[&str]) -> Result<Output, Failed> {
    Ok(skyscan(folder).arg("deploy").args(arguments).output()?)
}

/// Runs it, which must succeed, and returns the text of the file that it says it wrote.
pub(crate) fn written(folder: &Path, arguments: &[&str]) -> Result<(PathBuf, String), Failed> {
    let output = deploy(folder, arguments)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let file = told
        .strip_prefix("wrote ")
        .and_then(|rest| rest.split_once(';'))
        .map(|(file, _)| folder.join(file))
        .ok_or_else(|| format!("no file in {told:?}"))?;
    let text = std::fs::read_to_string(&file)?;
    Ok((file, text))
}

const AMQP: &str = "amqps://me@broker.example:5671/vhost";

pub(crate) fn no_password() -> Result<(), Failed> {
    let folder = empty_folder("password")?;
    std::fs::write(folder.join("amqp password"), "canary-4711\n")?;
    let common = ["--workers", "3", "--transport", AMQP];
    let file = ["--password-file", "amqp password"];
    for (kind, more) in [
        ("htcondor", &file[..]),
        ("slurm", &file[..]),
        ("kubernetes", &["--image", "skyscan"][..]),
    ] {
        let (path, text) = written(&folder, &[&[kind], &common[..], more].concat())?;
        assert!(!text.contains("canary"), "{}", path.display());
        assert!(text.contains("SKYSCAN_AMQP_PASSWORD_FILE"), "{text}");
    }
    let with_password = "amqps://me:canary-4711@broker.example:5671/vhost";
    for kind in ["htcondor", "slurm"] {
        let output = deploy(
            &folder,
            &[kind, "--workers", "3", "--transport", with_password],
        )?;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(
            told.contains("leave the password out") && !told.contains("canary"),
            "{told}"
        );
    }
    Ok(())
}

pub(crate) fn refusals() -> Result<(), Failed> {
    let folder = empty_folder("refusals")?;
    let (zmq, open) = ("zmqs://scanner.example:5555", "zmq://scanner.example:5555");
    for (arguments, words) in [
        (
            ["slurm", "--workers", "1", "--transport", "memory:"],
            "cannot dial memory:",
        ),
        (
            [
                "slurm",
                "--workers",
                "1",
                "--transport",
                "zmq://0.0.0.0:5555",
            ],
            "the scanner's host",
        ),
        (
            ["slurm", "--workers", "1", "--transport", AMQP],
            "--password-file",
        ),
        (
            ["slurm", "--workers", "1", "--transport", zmq],
            "--keys DIR",
        ),
        (
            ["slurm", "--workers", "1", "--transport", open],
            "--insecure",
        ),
        (["slurm", "--workers", "0", "--transport", zmq], "--workers"),
        (
            ["kubernetes", "--workers", "1", "--transport", zmq],
            "--image",
        ),
    ] {
        let output = deploy(&folder, &arguments)?;
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(words), "{arguments:?}: {told}");
    }
    assert_eq!(
        std::fs::read_dir(&folder)?.count(),
        0,
        "something was written"
    );
    Ok(())
}

/// Words with spaces, quotes and dollars arrive as they were given.
pub(crate) fn shell() -> Result<(), Failed> {
    let folder = empty_folder("shell")?;
    let program = folder.join("sky scan");
    std::fs::write(
        &program,
        "#!/bin/sh\nfor word; do printf '%s\\n' \"$word\"; done\n",
    )?;
    Command::new("chmod").arg("+x").arg(&program).status()?;
    let program = program.to_str().ok_or("not UTF-8")?;
    let fit = r#"python3 'my fit.py' "$HOME" `id`"#;
    let (script, _) = written(
        &folder,
        &[
            "slurm",
            "--workers",
            "2",
            "--transport",
            "zmq://a:1",
            "--insecure",
            "--program",
            program,
            "--",
            "--external-program",
            fit,
        ],
    )?;
    let output = Command::new("sh").arg(script).output()?;
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let expected = [
        "worker",
        "--transport",
        "zmq://a:1",
        "--slots",
        "1",
        "--insecure",
        "--external-program",
        fit,
    ];
    assert_eq!(words.lines().collect::<Vec<_>>(), expected);
    Ok(())
}
