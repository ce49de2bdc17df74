//! A page and its blocks of commands.

use std::path::Path;

use libtest_mimic::Failed;

/// What may stand at the beginning of a command.
const PROGRAMS: [&str; 15] = [
    "skyscan",
    "cargo",
    "mkdir",
    "docker",
    "condor_submit",
    "sbatch",
    "kubectl",
    "./test",
    "deploy/base-images",
    "promtool",
    "curl",
    "sqlite3",
    "tar",
    "gcloud",
    "skyscan-workers/fleet.sh",
];
const NOT_RUN: &str = "<!-- not run: ";
const OUTPUT: &str = "<!-- output -->";
/// Examples of --help that stand in the reference, and why they are not run.
const EXAMPLES_NOT_RUN: [(&str, &str); 16] = [
    ("run.i3.zst", "needs a file of real data"),
    (
        "old.npz",
        "needs a file of IceCube's scanner from before 2023",
    ),
    (
        "skyscan replay",
        "takes minutes; tests/system/replay does it",
    ),
    (
        "skyscan reco learn",
        "takes a minute; science/photons learns a short one",
    ),
    (
        "skyscan estimate",
        "takes a minute; tests/system/estimate does it",
    ),
    (
        "skyscan reco validate",
        "takes hours; tests/system/study does a short one",
    ),
    (
        "skyscan reco levels",
        "needs studies; tests/system/study does it",
    ),
    (
        "skyscan report compare",
        "needs two reports; tests/system/replay does it",
    ),
    (
        "skyscan relay",
        "needs workers below it; tests/system/transports does it",
    ),
    (
        "skyscan serve",
        "it does not end; tests/system/service does it",
    ),
    (
        "skyscan submit",
        "needs a service; tests/system/service does it",
    ),
    (
        "skyscan status",
        "needs a service; tests/system/service does it",
    ),
    (
        "skyscan watch",
        "needs a service; tests/system/service does it",
    ),
    (
        "skyscan result",
        "needs a service; tests/system/service does it",
    ),
    (
        "skyscan cancel",
        "needs a service; tests/system/service does it",
    ),
    (
        "skyscan token",
        "needs a service; tests/system/service does it",
    ),
];

/// A page of documentation.
pub(crate) struct Page {
    /// Its path within the project.
    pub(crate) name: String,
    pub(crate) blocks: Vec<Block>,
}

/// Commands that belong together.
pub(crate) struct Block {
    /// Where it begins, from 1.
    pub(crate) line: usize,
    /// Logical lines, without comments.
    pub(crate) commands: Vec<String>,
    /// Why it is not run, if it is not.
    pub(crate) not_run: Option<String>,
}

impl Page {
    /// Reads a page; fails where a block is neither commands nor marked as something else.
    pub(crate) fn read(path: &Path) -> Result<Self, Failed> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let name = path.strip_prefix(root)?.display().to_string();
        let text = std::fs::read_to_string(path)?;
        let blocks = match name.as_str() {
            "docs/reference.md" => examples(&text),
            _ => blocks(&name, &text)?,
        };
        Ok(Self { name, blocks })
    }
}

/// Indented and fenced blocks.
fn blocks(name: &str, text: &str) -> Result<Vec<Block>, Failed> {
    let mut found = Vec::new();
    let mut mark = "";
    let mut is_fenced = false;
    let mut current: Option<(usize, Vec<&str>)> = None;
    // A last line that is in no block ends the last one.
    for (at, line) in text.lines().chain(["end"]).enumerate() {
        let fence = line.trim_start().starts_with("```");
        let inside = match is_fenced {
            true => (!fence).then_some(line),
            false => line.strip_prefix("    "),
        };
        is_fenced ^= fence;
        match (inside, &mut current) {
            (Some(inside), Some((_, lines))) => lines.push(inside),
            // A blank line does not end a block.
            (None, Some((_, lines))) if line.is_empty() && !is_fenced => lines.push(line),
            (Some(inside), None) => current = Some((at + 1, vec![inside])),
            (None, _) => {
                if let Some((line, lines)) = current.take() {
                    found.extend(block(name, line, &lines, std::mem::take(&mut mark))?);
                }
                if line.starts_with("<!--") {
                    mark = line;
                }
            }
        }
    }
    Ok(found)
}

fn block(name: &str, line: usize, lines: &[&str], mark: &str) -> Result<Option<Block>, Failed> {
    if mark == OUTPUT {
        return Ok(None);
    }
    let reason = mark
        .strip_prefix(NOT_RUN)
        .and_then(|rest| rest.strip_suffix(" -->"));
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for text in lines.iter().map(|text| text.trim()) {
        if text.is_empty() || (text.starts_with('#') && !goes_on) {
            continue;
        }
        // A comment behind a command is none of it.
        let text = text.split("  #").next().unwrap_or(text).trim();
        let piece = text.trim_end_matches('\\').trim_end();
        match commands.last_mut().filter(|_| goes_on) {
            Some(last) => *last = format!("{last} {piece}"),
            None => commands.push(piece.to_owned()),
        }
        goes_on = text.ends_with('\\');
    }
    for command in &commands {
        let mut words = command
            .split_whitespace()
            .filter(|word| !word.starts_with("SKYSCAN_"));
        let program = words.next().unwrap_or_default();
        if !PROGRAMS.contains(&program) {
            return Err(format!(
                "{name}:{line}: {program:?} is no command that is known; mark the block with \
                 {OUTPUT} or {NOT_RUN}why -->"
            )
            .into());
        }
    }
    Ok(Some(Block {
        line,
        commands,
        not_run: reason.map(str::to_owned),
    }))
}

/// The examples of `--help`.
fn examples(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut goes_on = false;
    for (at, line) in text.lines().enumerate() {
        match (line.trim().strip_prefix("Example: "), found.last_mut()) {
            (Some(command), _) => {
                found.push(Block {
                    line: at + 1,
                    commands: vec![command.to_owned()],
                    not_run: None,
                });
                goes_on = true;
            }
            // Long ones are wrapped.
            (None, Some(last)) if goes_on && !line.trim().is_empty() => {
                last.commands[0] += " ";
                last.commands[0] += line.trim();
            }
            _ => goes_on = false,
        }
    }
    for block in &mut found {
        let reason = EXAMPLES_NOT_RUN
            .iter()
            .find(|(words, _)| block.commands[0].contains(words));
        block.not_run = reason.map(|(_, why)| (*why).to_owned());
    }
    // Each once: a group of commands may have the example of one of them.
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|block| seen.insert(block.commands[0].clone()));
    found
}
