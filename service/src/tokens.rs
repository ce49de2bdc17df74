//! Who may do what: tokens with roles, of which only hashes are kept.
//!
//! Kept beside the catalogue and not in it, because it cannot be made again from the folders.
//! Another process may add and remove tokens while the service runs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::clock;
use crate::digest::hex;
use crate::disk;
use crate::live::lock;

/// Name of the file with the token that is made at the first start.
pub const ADMIN_FILE: &str = "admin-token";
/// Name of the file of hashes.
const FILE: &str = "tokens.sqlite";
/// The name of the token in [`ADMIN_FILE`].
const ADMIN: &str = "admin";
/// Bytes of a secret.
const SECRET_BYTES: usize = 32;

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS tokens (
        name TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        hash TEXT NOT NULL UNIQUE,
        made TEXT NOT NULL
    );
";

/// What a token allows. Each allows what those before it do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// To see everything.
    Read,
    /// To submit, and to change what was submitted with the same token.
    Submit,
    /// To change everything.
    Admin,
}

impl Role {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Submit => "submit",
            Self::Admin => "admin",
        }
    }

    /// The role of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let all = [Self::Read, Self::Submit, Self::Admin];
        all.into_iter().find(|role| role.word() == word)
    }
}

/// Whose token it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// The name that it was given.
    pub name: String,
    /// What it allows.
    pub role: Role,
}

/// Why tokens cannot be had or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The files cannot be used.
    #[error("cannot keep tokens in {}", folder.display())]
    Folder {
        /// Where.
        folder: PathBuf,
        /// What went wrong.
        #[source]
        error: io::Error,
    },
    /// The hashes cannot be read or written.
    #[error(
        "cannot keep tokens: move tokens.sqlite away from --data, and make them again by skyscan token add"
    )]
    Hashes(#[from] rusqlite::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// Another one has the name.
    #[error("there is a token of the name {0}: remove it first")]
    Taken(String),
    /// It would not stand in a line of text.
    #[error("a token's name has 1 to 64 letters, digits, dots, dashes and underscores: {0:?}")]
    Name(String),
}

/// Tokens, by their hashes.
#[derive(Debug)]
pub struct Tokens {
    data: PathBuf,
    connection: Mutex<Connection>,
}

impl Tokens {
    /// Opens those of a service's folder. At the first start there is one, in [`ADMIN_FILE`], which
    /// only its owner can read.
    ///
    /// # Errors
    /// If they cannot be read or written.
    pub fn open(data: &Path) -> Result<Self, TokenError> {
        let file = data.join(FILE);
        let connection = Connection::open(&file)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;",
        )?;
        connection.execute_batch(TABLE)?;
        let tokens = Self {
            data: data.to_owned(),
            connection: Mutex::new(connection),
        };
        tokens.admit_admin(data)?;
        Ok(tokens)
    }

    /// What stands in [`ADMIN_FILE`] is a token, whatever became of the hashes; without that file
    /// there is a new one.
    fn admit_admin(&self, data: &Path) -> Result<(), TokenError> {
        let cannot = |error| TokenError::Folder {
            folder: data.to_owned(),
            error,
        };
        let secret = match fs::read_to_string(data.join(ADMIN_FILE)) {
            Ok(words) if words.trim().len() >= 2 * SECRET_BYTES => words.trim().to_owned(),
            Ok(_) => draw_and_write(data)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => draw_and_write(data)?,
            Err(error) => return Err(cannot(error)),
        };
        lock(&self.connection).execute(
            "INSERT INTO tokens VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (name) DO UPDATE SET role = ?2, hash = ?3 WHERE hash != ?3 OR role != ?2",
            params![ADMIN, Role::Admin.word(), hash(&secret), clock::now()],
        )?;
        Ok(())
    }

    /// Makes a token, and returns the words that it consists of, which are nowhere else.
    ///
    /// # Errors
    /// If the name is taken or none.
    pub fn add(&self, name: &str, role: Role) -> Result<String, TokenError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if !(1..=64).contains(&name.len()) || !name.chars().all(is_plain) {
            return Err(TokenError::Name(name.to_owned()));
        }
        let secret = draw()?;
        let n_added = lock(&self.connection).execute(
            "INSERT OR IGNORE INTO tokens VALUES (?1, ?2, ?3, ?4)",
            params![name, role.word(), hash(&secret), clock::now()],
        )?;
        match n_added {
            0 => Err(TokenError::Taken(name.to_owned())),
            _ => Ok(secret),
        }
    }

    /// Removes a token; false if there was none of this name. That of [`ADMIN_FILE`] goes with the file: whoever opens
    /// the tokens next makes another one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn remove(&self, name: &str) -> Result<bool, TokenError> {
        if name == ADMIN {
            match fs::remove_file(self.data.join(ADMIN_FILE)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(TokenError::Folder {
                        folder: self.data.clone(),
                        error,
                    });
                }
                _gone => {}
            }
        }
        let delete = "DELETE FROM tokens WHERE name = ?1";
        Ok(lock(&self.connection).execute(delete, [name])? > 0)
    }

    /// Whose tokens there are.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn list(&self) -> Result<Vec<Holder>, TokenError> {
        let connection = lock(&self.connection);
        let mut select = connection.prepare("SELECT name, role FROM tokens ORDER BY name")?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        let mut holders = Vec::new();
        for row in rows {
            let (name, role) = row?;
            holders.extend(Role::of(&role).map(|role| Holder { name, role }));
        }
        Ok(holders)
    }

    /// Whose token this is. Hashes are compared, so how long that takes says nothing of the words.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn holder(&self, secret: &str) -> Result<Option<Holder>, TokenError> {
        let connection = lock(&self.connection);
        let mut select = connection.prepare("SELECT name, role FROM tokens WHERE hash = ?1")?;
        let found = select
            .query_row([hash(secret)], |row| {
                Ok((row.get(0)?, row.get::<_, String>(1)?))
            })
            .optional()?;
        Ok(found.and_then(|(name, role)| Role::of(&role).map(|role| Holder { name, role })))
    }
}

fn draw() -> Result<String, TokenError> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|_none| TokenError::Random)?;
    Ok(hex(&bytes))
}

fn draw_and_write(data: &Path) -> Result<String, TokenError> {
    let secret = draw()?;
    disk::write_secret(data, ADMIN_FILE, format!("{secret}\n").as_bytes()).map_err(|error| {
        TokenError::Folder {
            folder: data.to_owned(),
            error,
        }
    })?;
    Ok(secret)
}

fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admin(data: &Path) -> String {
        let words = fs::read_to_string(data.join(ADMIN_FILE)).unwrap();
        words.trim().to_owned()
    }

    #[test]
    fn a_token_is_its_holders_until_it_is_removed() {
        let data = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(data.path()).unwrap();
        let secret = tokens.add("alerts", Role::Submit).unwrap();
        let holder = tokens.holder(&secret).unwrap().unwrap();
        assert_eq!(
            (holder.name.as_str(), holder.role),
            ("alerts", Role::Submit)
        );
        assert!(matches!(
            tokens.add("alerts", Role::Read),
            Err(TokenError::Taken(_))
        ));
        assert!(matches!(
            tokens.add("<b>", Role::Read),
            Err(TokenError::Name(_))
        ));
        assert_eq!(tokens.holder("other words").unwrap(), None);
        // Another process removes it.
        let others = Tokens::open(data.path()).unwrap();
        assert!(others.remove("alerts").unwrap());
        assert_eq!(tokens.holder(&secret).unwrap(), None);
        assert_eq!(tokens.list().unwrap().len(), 1);
    }

    #[test]
    fn the_admins_token_outlives_the_hashes_and_not_its_file() {
        let data = tempfile::tempdir().unwrap();
        drop(Tokens::open(data.path()).unwrap());
        let first = admin(data.path());
        fs::remove_file(data.path().join(FILE)).unwrap();
        let tokens = Tokens::open(data.path()).unwrap();
        assert_eq!(admin(data.path()), first);
        let holder = tokens.holder(&first).unwrap().unwrap();
        assert_eq!(holder.role, Role::Admin);
        drop(tokens);
        fs::remove_file(data.path().join(ADMIN_FILE)).unwrap();
        let tokens = Tokens::open(data.path()).unwrap();
        assert_eq!(tokens.holder(&first).unwrap(), None);
        assert!(tokens.holder(&admin(data.path())).unwrap().is_some());
    }

    #[test]
    fn nothing_on_the_disk_is_a_secret_but_the_admins() {
        let data = tempfile::tempdir().unwrap();
        let tokens = Tokens::open(data.path()).unwrap();
        let secret = tokens.add("alerts", Role::Submit).unwrap();
        for file in fs::read_dir(data.path()).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            let is_in = bytes
                .windows(secret.len())
                .any(|bytes| bytes == secret.as_bytes());
            assert!(!is_in);
        }
    }
}
