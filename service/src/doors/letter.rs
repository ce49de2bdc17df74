//! What is told of a scan.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::scan::{Contour, Scan, State};

/// Longest body of a letter. What would be longer lacks its `result`, then its `contour`, which are
/// null then: both can be fetched from the service.
pub const MOST_LETTER_BYTES: usize = 1 << 20;

/// Bytes of a letter's id, of the 32 of its hash.
const ID_BYTES: usize = 12;

/// When something is told of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Moment {
    /// There is a first contour, of a coarse round.
    Preliminary,
    /// Finer rounds are not expected to move the contour.
    Stable,
    /// The scan has ended, with a map, which may lack pixels: the scan's state says so.
    Final,
    /// The scan has ended without a map, or was cancelled: the scan's state says which.
    Failed,
}

impl Moment {
    /// The moment that a scan is at in this state, if it has ended.
    pub fn of(state: State) -> Option<Self> {
        match state {
            State::Queued | State::Running => None,
            State::Done | State::Incomplete => Some(Self::Final),
            State::Failed | State::Cancelled => Some(Self::Failed),
        }
    }

    /// The word for it, as it stands in the letter.
    pub fn word(self) -> &'static str {
        match self {
            Self::Preliminary => "preliminary",
            Self::Stable => "stable",
            Self::Final => "final",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more comes of the scan.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Final | Self::Failed)
    }
}

/// What became of a scan, for those who wait for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// The scan, as it was at that moment.
    pub scan: Scan,
    /// Why there is something to tell.
    pub moment: Moment,
    /// What is told: an object with
    ///
    /// - `moment`: `preliminary`, `stable`, `final` or `failed`;
    /// - `scan`: a [`Scan`];
    /// - `contour`: a [`Contour`], with outlines, or null if none is known;
    /// - `result`: what `skyscan scan --format json` prints, or null before the end and without a map.
    pub body: Value,
}

impl Letter {
    /// Writes a letter.
    pub fn new(
        moment: Moment,
        scan: Scan,
        contour: Option<&Contour>,
        result: Option<&Value>,
    ) -> Self {
        let mut body =
            json!({"moment": moment, "scan": &scan, "contour": contour, "result": result});
        for part in ["result", "contour"] {
            if body.to_string().len() > MOST_LETTER_BYTES {
                body[part] = Value::Null;
            }
        }
        Self { scan, moment, body }
    }

    /// Its id: the same whenever and however often the letter is written. A scan has one
    /// preliminary contour and one that is stable; it may end more than once, if it is begun again.
    pub(crate) fn id(&self) -> String {
        let mut hash = Sha256::new();
        let end = self.scan.ended.as_deref().filter(|_| self.moment.is_end());
        for part in [
            self.scan.id.0.as_str(),
            self.moment.word(),
            end.unwrap_or_default(),
        ] {
            hash.update(part);
            hash.update([0]);
        }
        hash.finalize()[..ID_BYTES]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doors::tests::scan;

    #[test]
    fn a_letter_says_what_it_is_about() {
        let letter = Letter::new(
            Moment::Final,
            scan("a"),
            None,
            Some(&json!({"complete": true})),
        );
        assert_eq!(letter.body["moment"], "final");
        assert_eq!(letter.body["scan"]["id"], "a");
        assert_eq!(letter.body["contour"], Value::Null);
        assert_eq!(letter.body["result"]["complete"], true);
    }

    #[test]
    fn a_letter_that_would_be_too_long_lacks_its_result() {
        let result = json!({"failed_pixels": "x".repeat(MOST_LETTER_BYTES)});
        let letter = Letter::new(Moment::Final, scan("a"), None, Some(&result));
        assert_eq!(letter.body["result"], Value::Null);
        assert_eq!(letter.body["scan"]["id"], "a");
    }

    #[test]
    fn an_id_is_that_of_a_moment_of_a_scan() {
        let id = |moment, scan: Scan| Letter::new(moment, scan, None, None).id();
        let first = id(Moment::Preliminary, scan("a"));
        assert_eq!(first.len(), 24);
        let later = Scan {
            ended: Some("2026-01-01T00:00:00Z".to_owned()),
            ..scan("a")
        };
        assert_eq!(first, id(Moment::Preliminary, later.clone()));
        assert_ne!(first, id(Moment::Preliminary, scan("b")));
        assert_ne!(first, id(Moment::Stable, scan("a")));
        assert_ne!(id(Moment::Failed, scan("a")), id(Moment::Failed, later));
    }
}
