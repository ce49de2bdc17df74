//! The folders of keys: what a scanner or relay has, and what is given to a worker.
//!
//! ```text
//! DIR/scanner.key          the place's own, never leaves it
//! DIR/scanner.pub          what workers know the place by
//! DIR/workers/NAME.pub     who is let in
//! DIR/tokens/ID.json       with what else one is let in
//! DIR/for-NAME/            to be taken to the worker: worker.key or token, and scanner.pub
//! ```

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use crate::keys::{KeyError, KeyPair, PublicKey, SecretKey};
use crate::token::{JoinToken, TokenFile};

const SCANNER_KEY: &str = "scanner.key";
const SCANNER_PUB: &str = "scanner.pub";
const WORKER_KEY: &str = "worker.key";
const TOKEN: &str = "token";
pub(crate) const WORKERS: &str = "workers";
pub(crate) const TOKENS: &str = "tokens";
/// Longest name of a worker.
const MOST_NAME: usize = 64;

/// The keys of who listens.
#[derive(Debug)]
pub struct HubKeys {
    /// Proves that this is the place.
    pub secret: SecretKey,
    /// Where the lists of who is let in are.
    pub dir: PathBuf,
}

/// The keys of who dials.
#[derive(Debug)]
pub struct LinkKeys {
    /// Proves who it is.
    pub secret: SecretKey,
    /// The one that it wants to talk to, and nobody else.
    pub scanner: PublicKey,
    /// With what it asks to be let in, if its key is not known there.
    pub token: Option<JoinToken>,
}

impl HubKeys {
    /// Reads them from their folder.
    ///
    /// # Errors
    /// If the folder has no such keys, or others can read them.
    pub fn read(dir: &Path) -> Result<Self, KeyError> {
        if !has_keys(dir) && [WORKER_KEY, TOKEN].iter().any(|key| dir.join(key).exists()) {
            return Err(KeyError::OfWorker(dir.to_path_buf()));
        }
        Ok(Self {
            secret: SecretKey::read(&dir.join(SCANNER_KEY))?,
            dir: dir.to_path_buf(),
        })
    }

    /// The keys with which the place goes to itself.
    ///
    /// # Errors
    /// If they are gone by now.
    pub fn to_itself(&self) -> Result<LinkKeys, KeyError> {
        Ok(LinkKeys {
            secret: SecretKey::read(&self.dir.join(SCANNER_KEY))?,
            scanner: PublicKey::read(&self.dir.join(SCANNER_PUB))?,
            token: None,
        })
    }
}

impl LinkKeys {
    /// Reads them from their folder.
    ///
    /// # Errors
    /// If the folder has no such keys, or others can read them.
    pub fn read(dir: &Path) -> Result<Self, KeyError> {
        if has_keys(dir) {
            return Err(KeyError::OfScanner(dir.to_path_buf()));
        }
        if let Some(below) = of_worker_below(dir) {
            return Err(KeyError::Above(dir.to_path_buf(), below));
        }
        let scanner = PublicKey::read(&dir.join(SCANNER_PUB))?;
        let token = dir.join(TOKEN);
        let (secret, token) = match token.exists() {
            // Whoever has a token needs no key that lasts.
            true => (KeyPair::generate()?.secret, Some(JoinToken::read(&token)?)),
            false => (SecretKey::read(&dir.join(WORKER_KEY))?, None),
        };
        Ok(Self {
            secret,
            scanner,
            token,
        })
    }
}

/// The folder of a worker in one that is none, such as a copy of all that was made for workers.
fn of_worker_below(dir: &Path) -> Option<PathBuf> {
    if dir.join(SCANNER_PUB).exists() {
        return None;
    }
    let mut below: Vec<PathBuf> = fs::read_dir(dir)
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    below.sort();
    below
        .into_iter()
        .find(|below| below.join(SCANNER_PUB).exists())
}

/// Whether a folder has the keys of a place.
pub fn has_keys(dir: &Path) -> bool {
    dir.join(SCANNER_KEY).exists()
}

/// Makes the keys of a place.
///
/// # Errors
/// If the place has keys already, or a file cannot be written.
pub fn make(dir: &Path) -> Result<(), KeyError> {
    make_folder(dir)?;
    make_folder(&dir.join(WORKERS))?;
    make_folder(&dir.join(TOKENS))?;
    let pair = KeyPair::generate()?;
    pair.secret.write(&dir.join(SCANNER_KEY))?;
    pair.public.write(&dir.join(SCANNER_PUB))
}

/// Makes a key for a worker, or for all workers of a zone, and lets it in; returns the folder that is to be
/// taken there.
///
/// # Errors
/// If the place has no keys, the name is taken or none, or a file cannot be written.
pub fn add_worker(dir: &Path, name: &str) -> Result<PathBuf, KeyError> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > MOST_NAME || !name.chars().all(is_name) {
        return Err(KeyError::Name(name.to_owned()));
    }
    let scanner = PublicKey::read(&dir.join(SCANNER_PUB))?;
    let pair = KeyPair::generate()?;
    let given = dir.join(format!("for-{name}"));
    make_folder(&given)?;
    pair.secret.write(&given.join(WORKER_KEY))?;
    scanner.write(&given.join(SCANNER_PUB))?;
    // Last: who is let in has everything.
    make_folder(&dir.join(WORKERS))?;
    pair.public
        .write(&dir.join(WORKERS).join(format!("{name}.pub")))?;
    Ok(given)
}

/// Makes a token with which so many workers may join until it expires; returns the folder that is to be taken
/// there.
///
/// # Errors
/// If the place has no keys, or a file cannot be written.
pub fn add_token(dir: &Path, valid_for: Duration, uses: u32) -> Result<PathBuf, KeyError> {
    let scanner = PublicKey::read(&dir.join(SCANNER_PUB))?;
    let token = JoinToken::generate()?;
    let given = dir.join(format!("for-{}", token.id()));
    make_folder(&given)?;
    token.write(&given.join(TOKEN))?;
    scanner.write(&given.join(SCANNER_PUB))?;
    make_folder(&dir.join(TOKENS))?;
    TokenFile::of(&token, valid_for, uses).create(&dir.join(TOKENS), token.id())?;
    Ok(given)
}

/// Makes a folder that nobody else can enter; one that is there stays as it is.
fn make_folder(dir: &Path) -> Result<(), KeyError> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(dir).map_err(|error| KeyError::File {
        path: dir.to_path_buf(),
        source: match dir.is_file() {
            true => io::Error::new(error.kind(), "it is a file: name a folder"),
            false => error,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_gives_its_workers_what_they_need_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("place");
        make(&place).unwrap();
        let given = add_worker(&place, "zone-1").unwrap();
        let names = |dir: &Path| {
            let mut names: Vec<String> = fs::read_dir(dir)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        assert_eq!(names(&given), ["scanner.pub", "worker.key"]);
        let copy = dir.path().join("copy");
        fs::create_dir(&copy).unwrap();
        fs::rename(&given, copy.join("for-zone-1")).unwrap();
        let given = copy.join("for-zone-1");
        let refusal = LinkKeys::read(&copy).unwrap_err().to_string();
        assert!(refusal.contains("for-zone-1 has: name that"), "{refusal}");
        assert_eq!(names(&place.join(WORKERS)), ["zone-1.pub"]);
        assert!(HubKeys::read(&place).is_ok());
        assert!(LinkKeys::read(&given).unwrap().token.is_none());
        // A worker's folder opens no hub, and the place's own is no worker's.
        let told = HubKeys::read(&given).unwrap_err().to_string();
        assert!(told.contains("is the folder of a worker"), "{told}");
        let told = LinkKeys::read(&place).unwrap_err().to_string();
        assert!(told.contains("--worker NAME"), "{told}");
        let token = add_token(&place, Duration::from_secs(60), 3).unwrap();
        assert_eq!(names(&token), ["scanner.pub", "token"]);
        assert!(LinkKeys::read(&token).unwrap().token.is_some());
    }

    #[test]
    fn nothing_is_made_twice_and_a_name_is_no_path() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path()).unwrap();
        assert!(matches!(make(dir.path()), Err(KeyError::There { .. })));
        add_worker(dir.path(), "a").unwrap();
        assert!(matches!(
            add_worker(dir.path(), "a"),
            Err(KeyError::There { .. })
        ));
        for name in ["", "../a", "a/b", "a.pub", &"a".repeat(65)] {
            assert!(
                matches!(add_worker(dir.path(), name), Err(KeyError::Name(_))),
                "{name}"
            );
        }
        let nowhere = dir.path().join("nowhere");
        assert!(add_worker(&nowhere, "a").is_err() && !nowhere.exists());
    }
}
