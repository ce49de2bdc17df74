//! A batch script of Slurm: an array of jobs.

use std::path::PathBuf;

use super::template::{fill, quoted};
use super::{Installed, KEYS, PASSWORD_FILE, Workers};

/// The script; `sbatch` takes it.
pub fn batch_script(
    workers: &Workers,
    installed: &Installed,
    hours: u32,
    partition: Option<&str>,
) -> String {
    let program = installed.program.to_string_lossy().into_owned();
    let words: Vec<String> = [program]
        .iter()
        .chain(&workers.arguments())
        .map(|word| quoted(word))
        .collect();
    let export = |what: &str, variable: &str, path: Option<&PathBuf>| {
        let path = path?.to_string_lossy();
        Some(format!(
            "# {what} that the nodes can read, and nobody else.\nexport {variable}={}",
            quoted(&path)
        ))
    };
    let password = "The broker's password: a file";
    let password = export(password, PASSWORD_FILE, installed.password_file.as_ref());
    let keys = export("The workers' keys: a folder", KEYS, installed.keys.as_ref());
    let secrets: Vec<String> = password.into_iter().chain(keys).collect();
    let partition = partition.map(|partition| format!("#SBATCH --partition={partition}"));
    let more = [
        ("HOURS", hours.to_string()),
        ("PARTITION", partition.unwrap_or_default()),
        ("SECRETS", secrets.join("\n")),
        ("COMMAND", words.join(" ")),
    ];
    fill(include_str!("workers.sh"), &workers.words(more))
}
