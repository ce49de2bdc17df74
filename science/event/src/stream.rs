//! Which alert stream an event belongs to.

use std::collections::BTreeMap;

use serde::de::IgnoredAny;

use super::alert::AlertNotes;
use super::archive::Archive;
use super::series::Scope;

/// The short message that went out first; its keys name the stream.
const SHORT_MESSAGE_KEY: &str = "AlertShortFollowupMsg";
/// Streams by the name that messages give them, in the order that settles an event of several.
const STREAMS: [(&str, &str); 6] = [
    ("gold", "GOLD"),
    ("bronze", "BRONZE"),
    ("hese", "HESE"),
    ("ehe", "EHE"),
    ("neutrino", "neutrino"),
    ("estres", "ESTRES"),
];
/// Objects that only one stream's filter leaves behind.
const TELLING_KEYS: [(&str, &str); 3] = [
    ("HESE_llhratio", "HESE"),
    ("Estres_p_miss", "ESTRES"),
    ("PoleEHEOphelia_ImpLF", "EHE"),
];

/// The stream as results name it; empty if nothing tells.
///
/// The frames come first because their checksum covers them, then what the alert says of itself.
pub(super) fn of(scope: Scope<'_>, notes: Option<&AlertNotes>) -> String {
    let message = scope
        .get(SHORT_MESSAGE_KEY)
        .and_then(|(_, blob)| message_keys(blob));
    let named = message.unwrap_or_default();
    let told = || {
        TELLING_KEYS
            .iter()
            .find(|(key, _)| scope.get(key).is_some())
            .map(|(_, stream)| *stream)
    };
    let streams = notes
        .map(|notes| notes.streams.as_slice())
        .unwrap_or_default();
    let topic = notes.map(|notes| notes.topic.as_str()).unwrap_or_default();
    known(|name| named.contains_key(name))
        .or_else(told)
        .or_else(|| {
            known(|name| {
                streams
                    .iter()
                    .any(|stream| stream.eq_ignore_ascii_case(name))
            })
        })
        .or_else(|| {
            known(|name| {
                topic
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with("Event"))
            })
        })
        .unwrap_or_default()
        .to_owned()
}

fn known(is_named: impl Fn(&str) -> bool) -> Option<&'static str> {
    STREAMS
        .iter()
        .find(|(name, _)| is_named(name))
        .map(|(_, stream)| *stream)
}

fn message_keys(blob: &[u8]) -> Option<BTreeMap<String, IgnoredAny>> {
    let (mut archive, _version) = Archive::open(blob, "I3String").ok()?;
    archive.frame_object().ok()?;
    serde_json::from_str(archive.string().ok()?).ok()
}
