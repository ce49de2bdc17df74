//! The secret that a receiver of letters shares with the service.

use std::fmt::{self, Debug, Formatter};
use std::path::Path;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::BadWebhook;

/// Shorter ones could be guessed.
const FEWEST_BYTES: usize = 16;

/// It is shown nowhere.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

impl Secret {
    /// Reads it from a file; spaces and line ends around it do not belong to it.
    ///
    /// # Errors
    /// If it cannot be read, or is too short.
    pub fn read(file: &Path) -> Result<Self, BadWebhook> {
        let name = file.display().to_string();
        let read = std::fs::read(file);
        let bytes = read.map_err(|error| BadWebhook::Unreadable(name.clone(), error))?;
        let bytes = bytes.trim_ascii();
        if bytes.len() < FEWEST_BYTES {
            return Err(BadWebhook::Short(name, FEWEST_BYTES));
        }
        Self::new(bytes).ok_or(BadWebhook::Short(name, FEWEST_BYTES))
    }

    fn new(bytes: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(bytes).ok().map(Self)
    }

    /// The header's text: `t=SECONDS,v1=HEX`.
    pub(super) fn signature(&self, now_s: u64, body: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{now_s}.{body}").as_bytes());
        let code = mac.finalize().into_bytes();
        let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("t={now_s},v1={hex}")
    }
}

impl Debug for Secret {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn codes_are_those_of_rfc_4231() {
        let code = |key: &[u8], text: &[u8]| {
            let mut mac = Secret::new(key).unwrap().0;
            mac.update(text);
            let code = mac.finalize().into_bytes();
            code.iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        // Test cases 1, 2 and 6.
        assert_eq!(
            code(&[0x0b; 20], b"Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            code(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            code(
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            ),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn a_secret_is_shown_nowhere_and_not_too_short() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        fs::write(&file, "0123456789abcdef\n").unwrap();
        let secret = Secret::read(&file).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret");
        let bare = Secret::new(b"0123456789abcdef").unwrap();
        assert_eq!(secret.signature(7, "{}"), bare.signature(7, "{}"));
        fs::write(&file, "  0123456789abcde\n").unwrap();
        let refused = Secret::read(&file).unwrap_err().to_string();
        assert!(
            refused.contains("16 bytes") && !refused.contains("0123"),
            "{refused}"
        );
        let missing = Secret::read(&folder.path().join("none")).unwrap_err();
        assert!(missing.to_string().contains("none"));
    }
}
