//! Every command in README.md and docs/ is run; docs/reference.md is what `--help` says; papers are
//! read by those they are for.
//!
//! A page's commands run one after the other in a folder of the page's own. Scans that give no
//! `--nside` are made coarser, places that only exist on paper become ones on this machine, and
//! where a scan waits for workers elsewhere they run side by side. Blocks behind `<!-- not run: why
//! -->` show as ignored trials with the reason; what a command prints stands behind `<!-- output -->`.
//!
//! Decision: What stands in the documentation is run (`docs/decisions.md`).

#[path = "../needs/needs.rs"]
mod needs;
mod page;
mod papers;
mod places;
mod reference;
mod run;

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use needs::trial_with;
use page::{Block, Page};

fn main() {
    let mut arguments = Arguments::from_args();
    // Most commands are short, and their start and end take one core.
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(n_cores);
    let mut trials = vec![
        Trial::test("the_reference_is_current", reference::is_current),
        Trial::test(
            "manual_pages_and_completions_are_made",
            reference::others_are_made,
        ),
    ];
    trials.extend(papers::trials());
    for page in pages() {
        match page {
            Ok(page) => trials.extend(of_page(page)),
            Err(error) => trials.push(Trial::test("a_page_is_understood", move || Err(error))),
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn pages() -> Vec<Result<Page, Failed>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = std::fs::read_dir(root.join("docs"))
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .chain([root.join("README.md")])
        .collect();
    files.sort();
    assert!(files.len() > 5, "{files:?}");
    files.iter().map(|file| Page::read(file)).collect()
}

/// The blocks that run, as one trial, and those that do not, each with its reason.
fn of_page(page: Page) -> Vec<Trial> {
    let mut trials: Vec<Trial> = Vec::new();
    for block in &page.blocks {
        if let Some(reason) = &block.not_run {
            let name = format!("{}:{}", page.name, block.line);
            let reason = format!("marked as not run: {reason}");
            trials.push(Trial::ignorable_test(name, || {
                Ok(Completion::ignored_with(reason))
            }));
        }
    }
    let blocks: Vec<Block> = page
        .blocks
        .into_iter()
        .filter(|b| b.not_run.is_none())
        .collect();
    let says = |word: &str| {
        blocks
            .iter()
            .any(|block| block.commands.iter().any(|c| c.contains(word)))
    };
    let python = needs::python().filter(|_| says("python3"));
    let broker = needs::broker().filter(|_| says("--transport amqp"));
    if !blocks.is_empty() {
        let name = format!("{}: {} blocks of commands", page.name, blocks.len());
        let stem = page.name.replace(['/', '.'], "-");
        let missing = python.or(broker);
        trials.push(trial_with(missing, name, move || run::all(&stem, &blocks)));
    }
    trials
}
