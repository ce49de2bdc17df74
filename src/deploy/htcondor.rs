//! A submit file of HTCondor.

use super::template::fill;
use super::{Installed, KEYS, PASSWORD_FILE, Workers};

/// The submit file; `condor_submit` takes it.
pub fn submit_file(workers: &Workers, installed: &Installed) -> String {
    let arguments: Vec<String> = workers
        .arguments()
        .iter()
        .map(|word| quoted(word))
        .collect();
    let more = [
        ("PROGRAM", escaped(&installed.program.to_string_lossy())),
        ("ARGUMENTS", arguments.join(" ")),
        ("SECRETS", secrets(installed)),
    ];
    fill(include_str!("workers.sub"), &workers.words(more))
}

/// The broker's password and the folder of keys, which are transferred into the job's own folder.
fn secrets(installed: &Installed) -> String {
    let given = [
        (PASSWORD_FILE, &installed.password_file, ""),
        (KEYS, &installed.keys, "/*"),
    ];
    let given: Vec<_> = given
        .into_iter()
        .filter_map(|(variable, path, inside)| Some((variable, path.as_ref()?, inside)))
        .collect();
    if given.is_empty() {
        return String::new();
    }
    let there = given.iter().map(|(variable, path, _)| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        quoted(&format!("{variable}={name}"))
    });
    let paths = |ending: bool| -> String {
        let paths = given.iter().map(|(_, path, inside)| {
            escaped(&path.to_string_lossy()) + if ending { inside } else { "" }
        });
        paths.collect::<Vec<_>>().join(", ")
    };
    format!(
        "# What is secret travels as files, encrypted.\n\
         environment = \"{}\"\n\
         transfer_input_files = {}\n\
         encrypt_input_files = {}",
        there.collect::<Vec<_>>().join(" "),
        paths(false),
        paths(true)
    )
}

/// A word of arguments or environment in the new syntax: in single quotes, where a quote is two,
/// inside double quotes, where one of those is two.
fn quoted(word: &str) -> String {
    let word = escaped(word).replace('"', "\"\"");
    match word.is_empty() || word.contains([' ', '\'']) {
        true => format!("'{}'", word.replace('\'', "''")),
        false => word,
    }
}

/// Without macros.
fn escaped(text: &str) -> String {
    text.replace('$', "$(DOLLAR)")
}
