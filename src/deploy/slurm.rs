//! A batch script of Slurm: an array of jobs.

use super::template::{fill, quoted};
use super::{Installed, PASSWORD_FILE, Workers};

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
    let password = installed.password_file.as_ref().map(|path| {
        format!(
            "# The broker's password: a file that the nodes can read, and nobody else.\n\
             export {PASSWORD_FILE}={}",
            quoted(&path.to_string_lossy())
        )
    });
    let partition = partition.map(|partition| format!("#SBATCH --partition={partition}"));
    let more = [
        ("HOURS", hours.to_string()),
        ("PARTITION", partition.unwrap_or_default()),
        ("PASSWORD", password.unwrap_or_default()),
        ("COMMAND", words.join(" ")),
    ];
    fill(include_str!("workers.sh"), &workers.words(more))
}
