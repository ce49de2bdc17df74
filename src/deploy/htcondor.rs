//! A submit file of HTCondor.

use super::template::fill;
use super::{Installed, PASSWORD_FILE, Workers};

/// The submit file; `condor_submit` takes it.
pub fn submit_file(workers: &Workers, installed: &Installed) -> String {
    let arguments: Vec<String> = workers
        .arguments()
        .iter()
        .map(|word| quoted(word))
        .collect();
    let password = installed.password_file.as_ref().map(|path| {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let path = escaped(&path.to_string_lossy());
        format!(
            "# The broker's password travels as a file, encrypted.\n\
             environment = \"{}\"\n\
             transfer_input_files = {path}\n\
             encrypt_input_files = {path}",
            quoted(&format!("{PASSWORD_FILE}={file}"))
        )
    });
    let more = [
        ("PROGRAM", escaped(&installed.program.to_string_lossy())),
        ("ARGUMENTS", arguments.join(" ")),
        ("PASSWORD", password.unwrap_or_default()),
    ];
    fill(include_str!("workers.sub"), &workers.words(more))
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
