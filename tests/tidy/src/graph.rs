//! Which file names which: every path in the code is led to the file that declares what it means,
//! through modules, through `use` and through other crates of the workspace.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Source, members, read, root, sources};

/// A path from its crate: `["skyscan", "scenario", "run"]`.
type Path = Vec<String>;

/// So many names may stand for another name, one after the other.
const MOST_ALIASES: usize = 8;

/// A file and what is known of it.
struct Module {
    file: String,
    code: String,
    /// Modules below it that are files of their own.
    children: BTreeSet<String>,
    /// What `use` brings in, by its name here.
    names: BTreeMap<String, Path>,
}

/// Every file of the workspace's crates and whom it names.
pub(crate) struct Graph {
    modules: BTreeMap<Path, Module>,
}

/// One file names another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Arrow {
    pub(crate) from: String,
    pub(crate) to: String,
    /// What it names is itself a part of.
    pub(crate) is_to_own_ancestor: bool,
}

impl Graph {
    /// Of all sources, without those that are there for tests only.
    pub(crate) fn read() -> Self {
        let mut modules = BTreeMap::new();
        for member in members() {
            let folder = match member.as_str() {
                "." => "src".to_owned(),
                member => format!("{member}/src"),
            };
            let name = crate_name(&member);
            for source in sources(&folder) {
                let mut path = vec![name.clone()];
                let inner = source.path[folder.len() + 1..].trim_end_matches(".rs");
                path.extend(inner.split('/').map(str::to_owned));
                if inner == "lib" {
                    path.truncate(1);
                }
                modules.insert(path, Module::of(source));
            }
        }
        let mut graph = Self { modules };
        graph.drop_tests();
        graph.fill_names();
        graph
    }

    /// Of these files of one crate, for tests.
    fn of(files: &[(&str, &str)]) -> Self {
        let module = |(path, code): &(&str, &str)| {
            let source = Source {
                path: (*path).to_owned(),
                code: (*code).to_owned(),
            };
            let inner = path.split('/').filter(|part| !part.is_empty());
            let path = std::iter::once("own").chain(inner).map(str::to_owned);
            (path.collect(), Module::of(source))
        };
        let mut graph = Self {
            modules: files.iter().map(module).collect(),
        };
        graph.drop_tests();
        graph.fill_names();
        graph
    }

    /// Every arrow between two files, once.
    pub(crate) fn arrows(&self) -> BTreeSet<Arrow> {
        let mut arrows = BTreeSet::new();
        for (own, module) in &self.modules {
            for named in paths(&module.code) {
                let Some(to) = self.anchored(own, &named.path).and_then(|at| self.led(at)) else {
                    continue;
                };
                if to != *own {
                    arrows.insert(Arrow {
                        from: module.file.clone(),
                        to: self.modules[&to].file.clone(),
                        is_to_own_ancestor: own.starts_with(&to),
                    });
                }
            }
        }
        arrows
    }

    /// Modules that only tests have, and all below them.
    fn drop_tests(&mut self) {
        let mut of_tests: Vec<Path> = Vec::new();
        for (own, module) in &self.modules {
            let declared = module.code.split("#[cfg(test)]").skip(1);
            let names = declared.filter_map(|rest| {
                let rest = rest.trim_start();
                let rest = rest
                    .strip_prefix("mod ")
                    .or(rest.strip_prefix("pub mod "))?;
                rest.split_once(';').map(|(name, _)| name)
            });
            of_tests.extend(names.map(|name| [own.as_slice(), &[name.to_owned()]].concat()));
        }
        self.modules
            .retain(|path, _| !of_tests.iter().any(|test| path.starts_with(test)));
    }

    fn fill_names(&mut self) {
        let mut names: BTreeMap<Path, BTreeMap<String, Path>> = BTreeMap::new();
        for (own, module) in &self.modules {
            let used = paths(&module.code).into_iter().filter(|path| path.is_use);
            let brought = used.filter_map(|named| {
                let at = self.anchored(own, &named.path)?;
                Some((named.name, at))
            });
            names.insert(own.clone(), brought.collect());
        }
        for (own, names) in names {
            if let Some(module) = self.modules.get_mut(&own) {
                module.names = names;
            }
        }
    }

    /// A path as it stands in a module, from its crate; `None` if it leads out of the workspace, or is
    /// that of a type.
    fn anchored(&self, own: &Path, path: &[String]) -> Option<Path> {
        let (first, rest) = path.split_first()?;
        let base = match first.as_str() {
            "crate" => own[..1].to_vec(),
            "self" => own.clone(),
            "super" => {
                let n_up = path.iter().take_while(|part| *part == "super").count();
                let kept = own.len().checked_sub(n_up).filter(|kept| *kept > 0)?;
                return Some([&own[..kept], &path[n_up..]].concat());
            }
            child if self.modules[own].children.contains(child) => {
                return Some([own.as_slice(), path].concat());
            }
            other if self.modules.contains_key(&vec![other.to_owned()]) => {
                return Some(path.to_vec());
            }
            _ => return None,
        };
        Some([base.as_slice(), rest].concat())
    }

    /// The module that declares what a path from its crate means.
    fn led(&self, mut path: Path) -> Option<Path> {
        for _ in 0..MOST_ALIASES {
            let known = |n: &usize| self.modules.contains_key(&path[..*n]);
            let n_modules = (1..=path.len()).take_while(known).last()?;
            let module = &self.modules[&path[..n_modules]];
            let alias = path
                .get(n_modules)
                .and_then(|name| module.names.get(name))
                // `use bench::{self}` and the like stand for themselves.
                .filter(|alias| **alias != path[..=n_modules]);
            match alias {
                Some(alias) => path = [alias.as_slice(), &path[n_modules + 1..]].concat(),
                None => return Some(path[..n_modules].to_vec()),
            }
        }
        None
    }
}

impl Module {
    fn of(source: Source) -> Self {
        let declared = source.code.lines().filter_map(|line| {
            let line = line.trim().strip_suffix(';')?;
            let (before, name) = line.rsplit_once("mod ")?;
            let is_visible = before.is_empty() || before.starts_with("pub");
            is_visible.then(|| name.to_owned())
        });
        Self {
            children: declared.collect(),
            file: source.path,
            code: source.code,
            names: BTreeMap::new(),
        }
    }
}

/// Name of the crate in this folder, as code writes it.
fn crate_name(member: &str) -> String {
    let manifest = read(&root().join(member).join("Cargo.toml"));
    let package = manifest.split("[package]").nth(1).unwrap();
    let name = package
        .lines()
        .find_map(|line| line.strip_prefix("name = "))
        .unwrap();
    name.trim_matches('"').replace('-', "_")
}

/// A path that stands in code.
#[derive(Debug, PartialEq)]
struct Named {
    path: Path,
    /// The name that it has here, if it is brought in.
    name: String,
    is_use: bool,
}

/// Every path of a text, those in groups (`a::{b, c::d}`) one by one.
fn paths(code: &str) -> Vec<Named> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(length) = code[at..].find("::") {
        let end = at + length;
        let begin = code[..end]
            .rfind(|c: char| !is_word(c))
            .map_or(0, |before| before + 1);
        let is_use = code[..begin].trim_end().ends_with("use");
        let n_before = found.len();
        let mut cursor = Cursor {
            code,
            at: begin,
            found: &mut found,
        };
        // What begins before the last path ended is part of it; `pub(in crate::a)` names nothing.
        let is_visibility = code[..begin].ends_with("(in ");
        if begin >= at && begin < end && !is_visibility {
            cursor.path(Vec::new());
        }
        at = cursor.at.max(end + 2);
        for named in &mut found[n_before..] {
            named.is_use = is_use;
        }
    }
    found.extend(code.split(';').filter_map(whole_crate));
    found
}

/// `use a as b`, which has no `::`.
fn whole_crate(statement: &str) -> Option<Named> {
    let (before, named) = statement.rsplit_once("use ")?;
    let is_statement = before.trim_end().is_empty() || before.ends_with(['\n', ' ', '}']);
    let (path, name) = named.split_once(" as ").unwrap_or((named, named));
    let are_words = path.chars().chain(name.chars()).all(is_word);
    (is_statement && are_words).then(|| Named {
        path: vec![path.to_owned()],
        name: name.to_owned(),
        is_use: true,
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

struct Cursor<'a> {
    code: &'a str,
    at: usize,
    found: &'a mut Vec<Named>,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        &self.code[self.at..]
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn word(&mut self) -> String {
        let word: String = self.rest().chars().take_while(|c| is_word(*c)).collect();
        self.at += word.len();
        word
    }

    /// A path that goes on after `before`, or a group of such.
    fn path(&mut self, mut before: Path) {
        loop {
            self.skip_space();
            if self.rest().starts_with('{') {
                return self.group(&before);
            }
            let word = self.word();
            if word.is_empty() {
                break;
            }
            before.push(word);
            let here = self.at;
            self.skip_space();
            if !self.rest().starts_with("::") {
                self.at = here;
                break;
            }
            self.at += 2;
        }
        if before.last().is_some_and(|last| last == "self") && before.len() > 1 {
            before.pop();
        }
        let here = self.at;
        self.skip_space();
        let alias = match self.rest().starts_with("as ") {
            true => {
                self.at += 3;
                self.word()
            }
            false => {
                self.at = here;
                before.last().cloned().unwrap_or_default()
            }
        };
        self.found.push(Named {
            path: before,
            name: alias,
            is_use: false,
        });
    }

    fn group(&mut self, before: &Path) {
        self.at += 1;
        loop {
            self.skip_space();
            match self.rest().chars().next() {
                Some('}') => break self.at += 1,
                Some(',' | '*') => self.at += 1,
                Some(c) if is_word(c) || c == '{' => self.path(before.clone()),
                // No group of paths after all.
                _ => break,
            }
        }
    }
}

#[test]
fn paths_in_groups_are_found_one_by_one() {
    let code = "use a::{self, b::{C, d as e}};\nlet x = crate::f::<super::G>(y.h);\n\
                pub use other as own;\npub(in crate::a) fn g() {}\n";
    let found: Vec<(String, String)> = paths(code)
        .into_iter()
        .map(|named| (named.path.join("::"), named.name))
        .collect();
    let expected = [
        ("a", "a"),
        ("a::b::C", "C"),
        ("a::b::d", "e"),
        ("crate::f", "f"),
        ("super::G", "G"),
        ("other", "own"),
    ];
    assert_eq!(
        found,
        expected.map(|(path, name)| (path.to_owned(), name.to_owned()))
    );
}

#[test]
fn a_name_is_led_to_the_file_that_declares_it() {
    let graph = Graph::of(&[
        ("", "mod a;\nmod b;\npub use a::Shown;\n"),
        ("a", "pub struct Shown;\n"),
        (
            "b",
            "mod c;\nuse crate::Shown;\n#[cfg(test)]\nmod sample;\n",
        ),
        ("b/c", "use super::Shown;\nfn f(x: super::Other) {}\n"),
        ("b/sample", "use crate::a::Shown;\n"),
    ]);
    let arrows: Vec<(String, String, bool)> = (graph.arrows().into_iter())
        .map(|arrow| (arrow.from, arrow.to, arrow.is_to_own_ancestor))
        .collect();
    let own = |from: &str, to: &str, up| (from.to_owned(), to.to_owned(), up);
    assert_eq!(
        arrows,
        [
            own("", "a", false),
            own("b", "a", false),
            own("b/c", "a", false),
            own("b/c", "b", true),
        ]
    );
}
