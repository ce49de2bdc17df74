//! The project as text: its files, and which words their code names.

use std::path::{Path, PathBuf};

/// A file of the project without its comments and its tests.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) code: String,
}

impl Source {
    /// Whether a word stands in the code, on its own or at the front of a path.
    pub(crate) fn names(&self, word: &str) -> bool {
        self.code.match_indices(word).any(|(at, _)| {
            let before = self.code[..at].chars().next_back();
            let after = self.code[at + word.len()..].chars().next();
            let of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let goes_on = of_word(word.chars().next_back()) && of_word(after);
            !(of_word(before) || goes_on)
        })
    }
}

/// Sources of the root package and of the crates below `science`.
pub(crate) fn ours() -> Vec<Source> {
    let mut all = sources("src");
    all.extend(sources("science"));
    all
}

/// Sources below a folder, without files and modules of tests.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    rust_files()
        .iter()
        .map(|path| (relative(path), path))
        .filter(|(name, _)| name.starts_with(&format!("{folder}/")))
        .filter(|(name, _)| !name.contains("/tests/") && !name.ends_with("/tests.rs"))
        .map(|(name, path)| Source {
            path: name,
            code: code(&read(path)),
        })
        .collect()
}

/// A text without line comments and without the module of tests that ends it.
fn code(text: &str) -> String {
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or(text);
    text.lines()
        .map(|line| line.split("//").next().unwrap_or(line))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// Paths of the files below a folder whose code names one of these crates.
pub(crate) fn naming(folder: &str, crates: &[&str]) -> Vec<String> {
    sources(folder)
        .into_iter()
        .filter(|source| crates.iter().any(|name| source.names(name)))
        .map(|source| source.path)
        .collect()
}

/// Folders of the workspace's crates.
pub(crate) fn members() -> Vec<String> {
    let manifest = read(&root().join("Cargo.toml"));
    let list = manifest
        .split_once("members = [")
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(list, _)| list)
        .unwrap();
    let members: Vec<String> = list
        .split(',')
        .map(|member| member.trim().trim_matches('"').to_owned())
        .filter(|member| !member.is_empty())
        .collect();
    assert!(members.len() > 3, "{members:?}");
    members
}

pub(crate) fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "target" && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(files.len() > 100, "only {} files were found", files.len());
    files
}

pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

pub(crate) fn relative(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}
