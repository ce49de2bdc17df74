//! What an alert says of its event beside the frames: fits and scores of the online systems.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::names::clean;

/// Entries of one group; real ones have twenty. More are left out.
const MOST_ENTRIES: usize = 64;
/// Characters of a text or a name; longer ones are cut.
const LONGEST_TEXT: usize = 200;
/// Groups inside groups; what is deeper is left out.
const DEEPEST: usize = 3;

/// A value that an alert came with, as it stands there.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Claim {
    /// Not given, or not a number.
    Nothing,
    /// Yes or no.
    Flag(bool),
    /// A number in the alert's own unit.
    Number(f64),
    /// A text.
    Text(String),
    /// Values by name.
    Group(BTreeMap<String, Claim>),
}

impl Claim {
    /// The values of a group by name; none of anything else.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Claim)> {
        let group = match self {
            Self::Group(group) => Some(group),
            _ => None,
        };
        let entries = group.into_iter().flatten();
        entries.map(|(name, claim)| (name.as_str(), claim))
    }

    /// A number of a group.
    pub fn number(&self, name: &str) -> Option<f64> {
        match self.entries().find(|(other, _)| *other == name)?.1 {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("none"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::Group(group) => {
                for (n, (name, claim)) in group.iter().enumerate() {
                    let comma = if n > 0 { ", " } else { "" };
                    write!(f, "{comma}{name} {claim}")?;
                }
                Ok(())
            }
        }
    }
}

impl<'de> Deserialize<'de> for Claim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Level(DEEPEST))
    }
}

/// Reads a value that may be so many groups deep.
#[derive(Clone, Copy)]
struct Level(usize);

impl<'de> serde::de::DeserializeSeed<'de> for Level {
    type Value = Claim;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Claim, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Claim;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Claim, E> {
        Ok(Claim::Nothing)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Claim, E> {
        Ok(Claim::Flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Claim, E> {
        Ok(Claim::Number(number as f64))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Claim, E> {
        Ok(Claim::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Claim, E> {
        Ok(Claim::Number(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Claim, E> {
        Ok(Claim::Text(cut(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Claim, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Claim::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claim, A::Error> {
        let mut group = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            if self.0 == 0 || group.len() == MOST_ENTRIES {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let claim = map.next_value_seed(Level(self.0 - 1))?;
            group.insert(cut(&name), claim);
        }
        Ok(Claim::Group(group))
    }
}

fn cut(text: &str) -> String {
    clean(text, LONGEST_TEXT)
}
