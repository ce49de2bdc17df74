//! JSON as Python writes it: with `NaN`, `Infinity` and `-Infinity`, which no other reader knows.

use std::borrow::Cow;

use serde::de::DeserializeOwned;

/// What Python writes, longest first where one begins like another.
const BARE: [&str; 3] = ["-Infinity", "Infinity", "NaN"];

/// The document with `null` in place of every number that is none.
pub fn strict(json: &[u8]) -> Cow<'_, [u8]> {
    let mut strict: Vec<u8> = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    let mut quoted = false;
    while at < json.len() {
        match json[at] {
            b'"' => quoted = !quoted,
            b'\\' if quoted => at += 1,
            b'-' | b'I' | b'N' if !quoted => {
                let rest = &json[at..];
                if let Some(bare) = BARE.iter().find(|bare| rest.starts_with(bare.as_bytes())) {
                    strict.extend_from_slice(&json[copied..at]);
                    strict.extend_from_slice(b"null");
                    at += bare.len();
                    copied = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    strict.extend_from_slice(&json[copied..]);
    Cow::Owned(strict)
}

/// Reads a document that Python may have written.
///
/// # Errors
/// If it is not JSON of the right shape; where a number is needed and none stands there, the message says
/// that it may be `NaN`.
pub fn from_slice<T: DeserializeOwned>(json: &[u8]) -> Result<T, String> {
    let strict = strict(json);
    let was_changed = matches!(strict, Cow::Owned(_));
    serde_json::from_slice(&strict).map_err(|error| told(&error, was_changed))
}

/// The message of an error in a document that [`strict`] may have changed.
pub(super) fn told(error: &serde_json::Error, was_changed: bool) -> String {
    let text = error.to_string();
    match was_changed && text.contains("null") {
        true => format!("NaN, Infinity or null stands where a number is needed ({text})"),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> String {
        String::from_utf8(strict(text.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn bare_words_become_null_and_texts_stay() {
        let text = r#"{"a": NaN, "b": [-Infinity, Infinity, -1], "N\"aN": "NaN -Infinity \\"}"#;
        let strict = r#"{"a": null, "b": [null, null, -1], "N\"aN": "NaN -Infinity \\"}"#;
        assert_eq!(after(text), strict);
        assert!(matches!(super::strict(strict.as_bytes()), Cow::Borrowed(_)));
    }

    #[test]
    fn a_number_that_is_needed_is_asked_for() {
        let read = |text: &str| from_slice::<Vec<f64>>(text.as_bytes());
        assert_eq!(read("[1, 2]"), Ok(vec![1.0, 2.0]));
        let line = read("[1, NaN]").unwrap_err();
        assert!(line.starts_with("NaN, Infinity or null stands"), "{line}");
        assert!(read("[1, ").unwrap_err().starts_with("EOF"));
    }
}
