//! Who is let in: keys that are on the list, and those that came with a token. The list is read again when it
//! changes, and the sessions of those who are no longer on it end.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::keys::PublicKey;
use crate::place::{TOKENS, WORKERS};
use crate::token::{JoinToken, TokenFile, TokenRefusal};

/// Counts who came to the door, by what became of it.
const CALLERS: &str = "skyscan_door_callers_total";

/// How often the lists are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The key is not on the list.
    Unknown,
    /// The token lets nobody in.
    Token(TokenRefusal),
    /// What came with the key is no token.
    NoToken,
}

impl Refusal {
    /// In a word, for counters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown_key",
            Self::NoToken => "no_token",
            Self::Token(TokenRefusal::Unknown) => "unknown_token",
            Self::Token(TokenRefusal::Expired) => "expired_token",
            Self::Token(TokenRefusal::UsedUp) => "used_up_token",
        }
    }

    /// For who is refused, with what to do.
    pub fn told(self) -> &'static str {
        match self {
            Self::Unknown => {
                "this key is not known here; make one with `skyscan keygen DIR --worker NAME` where the scanner's keys are, \
                 and take its folder to the worker"
            }
            Self::NoToken => "what came with the key is no join token",
            Self::Token(TokenRefusal::Unknown) => {
                "this join token is not known here, or was withdrawn"
            }
            Self::Token(TokenRefusal::Expired) => {
                "this join token has expired; make another one with `skyscan keygen DIR --token`"
            }
            Self::Token(TokenRefusal::UsedUp) => {
                "as many as may have joined with this token; make another one with `skyscan keygen DIR --token`"
            }
        }
    }
}

/// Counts somebody who came to the door of a place, by what became of it.
pub fn count_caller(outcome: &'static str) {
    metrics::counter!(CALLERS, "outcome" => outcome).increment(1);
}

/// The lists of a place.
#[derive(Debug)]
pub struct Admission {
    dir: PathBuf,
    lists: Mutex<Lists>,
    /// Raised when somebody may have been withdrawn.
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Lists {
    /// Names of the keys that are let in.
    known: HashMap<PublicKey, String>,
    /// Keys that came with a token, and its name. They come again without using it once more.
    joined: HashMap<PublicKey, String>,
    /// What the folders looked like.
    seen: Vec<(PathBuf, u64, Option<SystemTime>)>,
}

impl Admission {
    /// Of a place's folder.
    pub fn of(dir: &Path) -> Self {
        let admission = Self {
            dir: dir.to_path_buf(),
            lists: Mutex::default(),
            changed: watch::Sender::new(0),
        };
        admission.look();
        admission
    }

    /// Looks at the lists again and again; for as long as it is polled.
    pub async fn keep_looking(&self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.look();
        }
    }

    /// Told whenever the lists have changed.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Lets somebody in, or not. A token is used up by that, so this is asked once it is sure who asks.
    ///
    /// # Errors
    /// If the key is not known, and what it asks with is no token that lets it in.
    pub fn admit(&self, peer: PublicKey, request: &[u8]) -> Result<String, Refusal> {
        if let Some(name) = self.name(peer) {
            return Ok(name);
        }
        if request.is_empty() {
            return Err(Refusal::Unknown);
        }
        let token = JoinToken::parse(request).ok_or(Refusal::NoToken)?;
        // One at a time: two that come at once are two.
        let mut lists = self.lists.lock();
        TokenFile::admit(&self.dir.join(TOKENS), &token, peer).map_err(Refusal::Token)?;
        lists.joined.insert(peer, token.id().to_owned());
        Ok(token.id().to_owned())
    }

    /// The name of who is let in.
    pub fn name(&self, peer: PublicKey) -> Option<String> {
        let lists = self.lists.lock();
        lists.known.get(&peer).or(lists.joined.get(&peer)).cloned()
    }

    /// Reads the lists if they look other than before.
    fn look(&self) {
        let seen = [WORKERS, TOKENS]
            .iter()
            .flat_map(|name| entries(&self.dir.join(name)));
        let mut seen: Vec<_> = seen.collect();
        seen.sort();
        let mut lists = self.lists.lock();
        if lists.seen == seen {
            return;
        }
        let mut known = HashMap::new();
        for (path, ..) in &seen {
            if path.extension().is_some_and(|extension| extension == "pub") {
                match PublicKey::read(path) {
                    Ok(key) => drop(known.insert(key, stem(path))),
                    Err(error) => tracing::warn!("a worker's key is left out: {error}"),
                }
            }
        }
        lists.known = known;
        // A token that is gone was withdrawn; one that has expired lets in whom it has let in.
        let is_there = |id: &String| {
            seen.iter()
                .any(|(path, ..)| path.starts_with(self.dir.join(TOKENS)) && stem(path) == *id)
        };
        lists.joined.retain(|_, id| is_there(id));
        lists.seen = seen;
        drop(lists);
        self.changed.send_modify(|n| *n += 1);
    }
}

fn entries(dir: &Path) -> Vec<(PathBuf, u64, Option<SystemTime>)> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let looks = |path: PathBuf| {
        let found = fs::metadata(&path).ok()?;
        Some((path, found.len(), found.modified().ok()))
    };
    entries
        .filter_map(|entry| looks(entry.ok()?.path()))
        .collect()
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::{self, LinkKeys};

    #[test]
    fn who_is_on_the_list_is_let_in_until_it_is_not() {
        let dir = tempfile::tempdir().unwrap();
        place::make(dir.path()).unwrap();
        place::add_worker(dir.path(), "a").unwrap();
        let a = PublicKey::read(&dir.path().join("workers/a.pub")).unwrap();
        let admission = Admission::of(dir.path());
        let stranger = crate::keys::KeyPair::generate().unwrap().public;
        assert_eq!(admission.admit(a, b""), Ok("a".to_owned()));
        assert_eq!(admission.admit(stranger, b""), Err(Refusal::Unknown));
        assert_eq!(admission.admit(stranger, b"please"), Err(Refusal::NoToken));
        let before = *admission.changes().borrow();
        place::add_worker(dir.path(), "b").unwrap();
        admission.look();
        assert_eq!(*admission.changes().borrow(), before + 1);
        fs::remove_file(dir.path().join("workers/a.pub")).unwrap();
        fs::write(dir.path().join("workers/c.pub"), "nonsense").unwrap();
        admission.look();
        assert_eq!(admission.admit(a, b""), Err(Refusal::Unknown));
        let b = PublicKey::read(&dir.path().join("workers/b.pub")).unwrap();
        assert_eq!(
            admission.admit(b, b""),
            Ok("b".to_owned()),
            "one bad file hurts nobody else"
        );
    }

    #[test]
    fn a_key_that_came_with_a_token_comes_again_until_the_token_is_withdrawn() {
        let dir = tempfile::tempdir().unwrap();
        place::make(dir.path()).unwrap();
        let given = place::add_token(dir.path(), Duration::from_secs(60), 1).unwrap();
        let keys = LinkKeys::read(&given).unwrap();
        let request = keys.token.unwrap().to_text();
        let admission = Admission::of(dir.path());
        let (first, second) = (
            crate::keys::KeyPair::generate().unwrap().public,
            crate::keys::KeyPair::generate().unwrap().public,
        );
        assert!(admission.admit(first, &request).is_ok());
        assert!(
            admission.admit(first, &request).is_ok(),
            "it is known by now"
        );
        assert_eq!(
            admission.admit(second, &request),
            Err(Refusal::Token(TokenRefusal::UsedUp))
        );
        for entry in fs::read_dir(dir.path().join("tokens")).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        admission.look();
        assert_eq!(admission.name(first), None);
        assert_eq!(
            admission.admit(first, &request),
            Err(Refusal::Token(TokenRefusal::Unknown))
        );
    }
}
