//! Keys of the two ends, as bytes, as text and as files.
//!
//! A key is one of Curve25519 (RFC 7748), 32 bytes, written in base64 without padding behind a word that says
//! which of the two it is, so that a secret is never taken for what may be shown.

use std::fmt::{self, Debug, Display, Formatter};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use skyscan_transport::backend::exposed;
use snow::Builder;
use zeroize::Zeroizing;

/// What they are the keys of, in Noise's words.
pub(crate) const PATTERN: &str = "Noise_IK_25519_ChaChaPoly_BLAKE2s";
/// Bytes of a key.
pub(crate) const KEY_BYTES: usize = 32;
const PUBLIC: &str = "skyscan-public-key:";
const SECRET: &str = "skyscan-secret-key:";
/// A file of a key is no longer than this.
const MOST_BYTES: u64 = 4096;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot use {path}: {source}")]
    File {
        /// Its path.
        path: PathBuf,
        /// Reason that was given.
        source: std::io::Error,
    },
    /// There is something else in it.
    #[error("{path} holds no {expected}")]
    Senseless {
        /// Path of the file.
        path: PathBuf,
        /// What should be in it.
        expected: &'static str,
    },
    /// Others can read a secret.
    #[error(
        "{path} can be read by others (mode {mode:o}): what others have read is no secret. Make new keys with \
         `skyscan keygen` (a token of a service with `skyscan token`), or, if nobody has read it, `chmod 600 {path}`"
    )]
    Exposed {
        /// Path of the file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// There is one already.
    #[error("{path} is there already: its key would be lost. Take another folder, or remove it")]
    There {
        /// Path of the file.
        path: PathBuf,
    },
    /// The folder of the other end.
    #[error(
        "{0} is the scanner's own folder; a worker takes one of a worker: `skyscan keygen {0} --worker NAME` makes \
         {0}/for-NAME"
    )]
    OfScanner(PathBuf),
    /// The folder of a worker is below.
    #[error("{0} has no keys of a worker, {1} has: name that")]
    Above(PathBuf, PathBuf),
    /// The folder of the other end.
    #[error(
        "{0} is the folder of a worker; a scanner takes its own, which `skyscan keygen DIR` makes"
    )]
    OfWorker(PathBuf),
    /// A name that would be no file of its own.
    #[error("{0:?} is no name of a worker: letters, digits, - and _, at most 64")]
    Name(String),
    /// The generator of the system failed.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
}

/// What an end shows of its key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey(pub(crate) [u8; KEY_BYTES]);

/// What an end proves to have, and never shows.
pub struct SecretKey(Zeroizing<[u8; KEY_BYTES]>);

/// Both halves of a key.
#[derive(Debug)]
pub struct KeyPair {
    /// The half that is shown.
    pub public: PublicKey,
    /// The half that is not.
    pub secret: SecretKey,
}

impl KeyPair {
    /// A new one.
    ///
    /// # Errors
    /// If the system has no random numbers.
    pub fn generate() -> Result<Self, KeyError> {
        let pattern = PATTERN.parse();
        let made = pattern.and_then(|pattern| Builder::new(pattern).generate_keypair());
        let made = made.map_err(|error| KeyError::Random(error.to_string()))?;
        let private = Zeroizing::new(made.private);
        let mut secret = Zeroizing::new([0; KEY_BYTES]);
        let mut public = [0; KEY_BYTES];
        secret.copy_from_slice(&private);
        public.copy_from_slice(&made.public);
        Ok(Self {
            public: PublicKey(public),
            secret: SecretKey(secret),
        })
    }
}

impl SecretKey {
    /// To prove with, and to be shown nowhere.
    pub fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Reads one from a file that nobody else can read.
    ///
    /// # Errors
    /// If it cannot be read, holds something else, or others can read it, too.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        refuse_exposed(path)?;
        let text = Zeroizing::new(text_of(path)?);
        let bytes = decoded(text.trim(), SECRET).ok_or_else(|| KeyError::Senseless {
            path: path.to_path_buf(),
            expected: "secret key",
        })?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    /// Writes it to a new file that nobody else can read.
    ///
    /// # Errors
    /// If the file is there already or cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), KeyError> {
        let text = Zeroizing::new(SECRET.to_owned() + &URL_SAFE_NO_PAD.encode(*self.0) + "\n");
        write_new(path, 0o600, text.as_bytes())
    }
}

impl Debug for SecretKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(not shown)")
    }
}

impl PublicKey {
    /// Reads one from a file.
    ///
    /// # Errors
    /// If it cannot be read or holds something else.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let senseless = |()| KeyError::Senseless {
            path: path.to_path_buf(),
            expected: "public key",
        };
        text_of(path)?.parse().map_err(senseless)
    }

    /// Writes it to a new file.
    ///
    /// # Errors
    /// If the file is there already or cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), KeyError> {
        write_new(path, 0o644, format!("{self}\n").as_bytes())
    }
}

impl FromStr for PublicKey {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        decoded(text.trim(), PUBLIC).map(Self).ok_or(())
    }
}

impl Display for PublicKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{PUBLIC}{}", URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl Debug for PublicKey {
    /// Enough of it to tell keys apart.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", &URL_SAFE_NO_PAD.encode(self.0)[..8])
    }
}

fn decoded(text: &str, word: &str) -> Option<[u8; KEY_BYTES]> {
    let encoded = text.strip_prefix(word)?;
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(encoded).ok()?);
    bytes.as_slice().try_into().ok()
}

fn text_of(path: &Path) -> Result<String, KeyError> {
    let failed = |source| KeyError::File {
        path: path.to_path_buf(),
        source,
    };
    let length = fs::metadata(path).map_err(failed)?.len();
    if length > MOST_BYTES {
        return Err(failed(std::io::Error::other("it is too long for a key")));
    }
    fs::read_to_string(path).map_err(failed)
}

/// The first line of a file that nobody else can read: a secret that is no key.
///
/// # Errors
/// If it cannot be read, others can read it, too, or its first line is empty.
pub fn read_secret(path: &Path) -> Result<Zeroizing<String>, KeyError> {
    refuse_exposed(path)?;
    let text = Zeroizing::new(text_of(path)?);
    let line = text.lines().next().unwrap_or_default().trim();
    match line.is_empty() {
        true => Err(KeyError::Senseless {
            path: path.to_path_buf(),
            expected: "secret in its first line",
        }),
        false => Ok(Zeroizing::new(line.to_owned())),
    }
}

/// A secret that others can read is none.
pub(crate) fn refuse_exposed(path: &Path) -> Result<(), KeyError> {
    let failed = |source| KeyError::File {
        path: path.to_path_buf(),
        source,
    };
    match exposed(path).map_err(failed)? {
        None => Ok(()),
        Some(mode) => Err(KeyError::Exposed {
            path: path.to_path_buf(),
            mode,
        }),
    }
}

/// Writes a file that must not be there yet.
pub(crate) fn write_new(path: &Path, mode: u32, bytes: &[u8]) -> Result<(), KeyError> {
    let failed = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::AlreadyExists => KeyError::There {
            path: path.to_path_buf(),
        },
        _ => KeyError::File {
            path: path.to_path_buf(),
            source,
        },
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_comes_back_from_its_file_and_is_never_shown() {
        let dir = tempfile::tempdir().unwrap();
        let pair = KeyPair::generate().unwrap();
        let (secret, public) = (dir.path().join("a.key"), dir.path().join("a.pub"));
        pair.secret.write(&secret).unwrap();
        pair.public.write(&public).unwrap();
        assert_eq!(
            SecretKey::read(&secret).unwrap().bytes(),
            pair.secret.bytes()
        );
        assert_eq!(PublicKey::read(&public).unwrap(), pair.public);
        let text = fs::read_to_string(&secret).unwrap();
        let encoded = text.trim().rsplit(':').next().unwrap();
        let shown = format!("{pair:?} {}", pair.public);
        assert!(!shown.contains(encoded), "{shown}");
        // One is not taken for the other.
        assert!(PublicKey::read(&secret).is_err());
        fs::set_permissions(&public, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(SecretKey::read(&public).is_err());
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        KeyPair::generate().unwrap().secret.write(&path).unwrap();
        for mode in [0o644, 0o640, 0o604] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = SecretKey::read(&path).unwrap_err().to_string();
            assert!(
                error.contains("chmod 600") && error.contains("keygen"),
                "{error}"
            );
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(SecretKey::read(&path).is_ok());
    }

    #[test]
    fn a_file_that_is_there_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.pub");
        let (first, second) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        first.public.write(&path).unwrap();
        assert!(matches!(
            second.public.write(&path),
            Err(KeyError::There { .. })
        ));
        assert_eq!(PublicKey::read(&path).unwrap(), first.public);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let key = KeyPair::generate().unwrap().public.to_string();
        for text in [
            "",
            "skyscan-public-key:",
            &key[..key.len() - 1],
            &key.replace("public", "secret"),
            &(key.clone() + "AA"),
        ] {
            assert!(text.parse::<PublicKey>().is_err(), "{text}");
        }
        assert!(format!("  {key}\n").parse::<PublicKey>().is_ok());
    }
}
