//! What may be asked of a scan by whoever submits an alert: never a program, a path or an address.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// Settings of a scan. What is left out is as `skyscan scan` has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default, remote = "Self")]
pub struct Settings {
    /// Defaults by what the answer is for: `pole`, `mma` or `archival`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// The reconstruction, such as `photon-mpe`; `external:NAME` for workers whose program has that name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reco: Option<String>,
    /// HEALPix resolutions, coarse to fine.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nside: Vec<u32>,
    /// A set of systematics that ships: `quick` or `full`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub systematics: Option<String>,
    /// Containments of the regions, in percent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<f64>,
    /// The event's number, where the file holds several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<u32>,
    /// The key of the pulse series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pulses: Option<String>,
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

/// From an object alone: what is derived takes an array for its values in order, too.
impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Map::<String, Value>::deserialize(deserializer)?;
        Self::deserialize(Value::Object(object)).map_err(D::Error::custom)
    }
}

/// Which scan gets workers first. A scan of a higher one takes the next free slot everywhere.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// When nothing else is to be done.
    Background,
    /// As they come.
    #[default]
    Normal,
    /// Before all others.
    Urgent,
}

impl Priority {
    /// All of them, the last first served.
    pub const ALL: [Self; 3] = [Self::Background, Self::Normal, Self::Urgent];

    /// Its word, as JSON has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Background => "background",
            Self::Normal => "normal",
            Self::Urgent => "urgent",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_an_object() {
        let read = |words: &str| serde_json::from_str::<Settings>(words);
        let mma = Settings {
            tier: Some("mma".to_owned()),
            ..Settings::default()
        };
        assert_eq!(read(r#"{"tier": "mma"}"#).unwrap(), mma);
        assert_eq!(serde_json::to_string(&mma).unwrap(), r#"{"tier":"mma"}"#);
        for wrong in [r#"["mma"]"#, "[]", r#""mma""#, "7", r#"{"teir": "mma"}"#] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
