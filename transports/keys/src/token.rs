//! Join tokens: for workers that nobody knew of before. A token is a secret that lets so many in until it
//! expires; the place keeps its hash, until when it holds, and how often it was used.

use std::fmt::{self, Debug, Formatter};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::keys::{KeyError, PublicKey, refuse_exposed, write_new};

const WORD: &str = "skyscan-join-token:";
const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

/// What a worker asks with.
pub struct JoinToken {
    id: String,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

/// What the place knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenFile {
    /// SHA-256 of the secret, in base64.
    hash: String,
    /// Nobody joins with it from then on, in seconds since 1970.
    expires_unix_s: u64,
    /// How many may join.
    uses: u32,
    /// The keys of those who have: they come again, after their scanner, too, and are not counted once more.
    joined: Vec<String>,
}

impl JoinToken {
    pub(crate) fn generate() -> Result<Self, KeyError> {
        let mut id = [0; ID_BYTES];
        let mut secret = Zeroizing::new([0; SECRET_BYTES]);
        let filled = getrandom::fill(&mut id).and_then(|()| getrandom::fill(secret.as_mut()));
        filled.map_err(|error| KeyError::Random(error.to_string()))?;
        let id = format!("token-{}", URL_SAFE_NO_PAD.encode(id));
        Ok(Self { id, secret })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Reads one from a file that nobody else can read.
    ///
    /// # Errors
    /// If it cannot be read, holds something else, or others can read it, too.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        refuse_exposed(path)?;
        let text = fs::read_to_string(path).map_err(|source| KeyError::File {
            path: path.to_path_buf(),
            source,
        })?;
        let text = Zeroizing::new(text);
        Self::parse(text.trim().as_bytes()).ok_or_else(|| KeyError::Senseless {
            path: path.to_path_buf(),
            expected: "join token",
        })
    }

    pub(crate) fn write(&self, path: &Path) -> Result<(), KeyError> {
        write_new(path, 0o600, &self.to_text())
    }

    /// As it stands in its file, and as it is sent under seal.
    pub fn to_text(&self) -> Zeroizing<Vec<u8>> {
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(*self.secret));
        Zeroizing::new(format!("{WORD}{}.{}", self.id, *secret).into_bytes())
    }

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let (id, secret) = text.strip_prefix(WORD)?.split_once('.')?;
        // It names a file.
        let is_id = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(secret).ok()?);
        let secret: [u8; SECRET_BYTES] = bytes.as_slice().try_into().ok()?;
        (id.len() <= 32 && id.chars().all(is_id)).then(|| Self {
            id: id.to_owned(),
            secret: Zeroizing::new(secret),
        })
    }

    fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(*self.secret))
    }
}

impl Debug for JoinToken {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "JoinToken({}, not shown)", self.id)
    }
}

/// Why a token lets nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefusal {
    /// There is none like it, or it was withdrawn.
    Unknown,
    /// Its time is over.
    Expired,
    /// As many as may have joined with it.
    UsedUp,
}

impl TokenFile {
    pub(crate) fn of(token: &JoinToken, valid_for: Duration, uses: u32) -> Self {
        Self {
            hash: token.hash(),
            expires_unix_s: unix_s().saturating_add(valid_for.as_secs()),
            uses,
            joined: Vec::new(),
        }
    }

    pub(crate) fn create(&self, tokens: &Path, id: &str) -> Result<(), KeyError> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        write_new(&tokens.join(format!("{id}.json")), 0o600, text.as_bytes())
    }

    /// Lets the owner of a key in, whom it has let in before, or one more; the file says so before this returns.
    ///
    /// # Errors
    /// If there is no such token, or it lets nobody in any more.
    pub(crate) fn admit(
        tokens: &Path,
        token: &JoinToken,
        peer: PublicKey,
    ) -> Result<(), TokenRefusal> {
        let path = tokens.join(format!("{}.json", token.id));
        let text = fs::read_to_string(&path).map_err(|_| TokenRefusal::Unknown)?;
        let mut file: Self = serde_json::from_str(&text).map_err(|_| TokenRefusal::Unknown)?;
        // Hashes are compared, so how long it takes says nothing of the secret.
        if file.hash != token.hash() {
            return Err(TokenRefusal::Unknown);
        }
        let peer = peer.to_string();
        if file.joined.contains(&peer) {
            return Ok(());
        }
        if unix_s() >= file.expires_unix_s {
            return Err(TokenRefusal::Expired);
        }
        if file.joined.len() >= file.uses as usize {
            return Err(TokenRefusal::UsedUp);
        }
        file.joined.push(peer);
        file.replace(&path).map_err(|error| {
            tracing::warn!(
                "a token's use cannot be written, so it lets nobody in: {}: {error}",
                path.display()
            );
            TokenRefusal::UsedUp
        })
    }

    fn replace(&self, path: &Path) -> std::io::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        let dir = path.parent().unwrap_or_else(|| Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a token expires by the clock on the wall; no result depends on it"
)]
fn unix_s() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyPair;

    fn peers() -> [PublicKey; 3] {
        std::array::from_fn(|_| KeyPair::generate().unwrap().public)
    }

    #[test]
    fn a_token_lets_so_many_in_and_no_more() {
        let dir = tempfile::tempdir().unwrap();
        let token = JoinToken::generate().unwrap();
        TokenFile::of(&token, Duration::from_secs(3600), 2)
            .create(dir.path(), token.id())
            .unwrap();
        let again = JoinToken::parse(&token.to_text()).unwrap();
        let [first, second, third] = peers();
        assert_eq!(TokenFile::admit(dir.path(), &again, first), Ok(()));
        assert_eq!(TokenFile::admit(dir.path(), &token, second), Ok(()));
        assert_eq!(
            TokenFile::admit(dir.path(), &token, third),
            Err(TokenRefusal::UsedUp)
        );
        // Who has joined is known to whoever reads the file.
        assert_eq!(TokenFile::admit(dir.path(), &again, first), Ok(()));
    }

    #[test]
    fn a_token_that_is_expired_guessed_or_withdrawn_lets_nobody_in() {
        let dir = tempfile::tempdir().unwrap();
        let token = JoinToken::generate().unwrap();
        TokenFile::of(&token, Duration::ZERO, 2)
            .create(dir.path(), token.id())
            .unwrap();
        assert_eq!(
            TokenFile::admit(dir.path(), &token, peers()[0]),
            Err(TokenRefusal::Expired)
        );
        let mut guessed = JoinToken::generate().unwrap();
        guessed.id = token.id.clone();
        assert_eq!(
            TokenFile::admit(dir.path(), &guessed, peers()[0]),
            Err(TokenRefusal::Unknown)
        );
        let other = JoinToken::generate().unwrap();
        assert_eq!(
            TokenFile::admit(dir.path(), &other, peers()[0]),
            Err(TokenRefusal::Unknown)
        );
    }

    #[test]
    fn what_names_another_file_is_no_token() {
        let token = JoinToken::generate().unwrap();
        let text = String::from_utf8(token.to_text().to_vec()).unwrap();
        let stranger = text.replace(token.id(), "../../etc/passwd");
        assert!(JoinToken::parse(stranger.as_bytes()).is_none());
        assert!(JoinToken::parse(&text.as_bytes()[..text.len() - 4]).is_none());
        assert!(!format!("{token:?}").contains(text.rsplit('.').next().unwrap()));
    }
}
