//! One line of a program that brings alerts.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;

use crate::doors::{Brought, MOST_EVENT_BYTES, Submission};
use crate::settings::{Priority, Settings};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Alert {
    path: Option<PathBuf>,
    event_base64: Option<String>,
    event: Option<Value>,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    priority: Priority,
}

/// What the line brings, or what is wrong with it.
pub(super) fn submission(line: &[u8], program: &str) -> Result<Submission, String> {
    let read = serde_json::from_slice(line);
    let alert: Alert = read.map_err(|error| format!("it is no alert ({error})"))?;
    let event = match (alert.path, alert.event_base64, alert.event) {
        (Some(path), None, None) => file(&path)?,
        (None, Some(text), None) => {
            let decoded = STANDARD.decode(text);
            Brought::Bytes(decoded.map_err(|error| format!("event_base64: {error}"))?)
        }
        (None, None, Some(event @ Value::Object(_))) => {
            Brought::Bytes(event.to_string().into_bytes())
        }
        (None, None, Some(_)) => return Err("event is no JSON object".to_owned()),
        _ => return Err("it has not exactly one of path, event_base64 and event".to_owned()),
    };
    Ok(Submission {
        event,
        settings: alert.settings,
        priority: alert.priority,
        from: format!("program {program}"),
    })
}

/// A file of the program's, which works for the operator: any that the service may read.
fn file(path: &Path) -> Result<Brought, String> {
    let about = |error: std::io::Error| format!("{}: {error}", path.display());
    let metadata = path.metadata().map_err(about)?;
    if !metadata.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    if metadata.len() > MOST_EVENT_BYTES as u64 {
        let (path, most) = (path.display(), MOST_EVENT_BYTES >> 20);
        return Err(format!(
            "{path} is longer than {most} MiB, which no alert is"
        ));
    }
    std::path::absolute(path).map(Brought::File).map_err(about)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Submission, String> {
        submission(line.as_bytes(), "listener")
    }

    #[test]
    fn an_alert_is_a_file_its_bytes_or_its_json() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let line = serde_json::json!({"path": file.path(), "priority": "urgent"});
        let brought = read(&line.to_string()).unwrap();
        assert_eq!(brought.event, Brought::File(file.path().to_owned()));
        assert_eq!(brought.priority, Priority::Urgent);
        assert_eq!(brought.from, "program listener");
        let line = r#"{"event_base64": "aGVsbG8=", "settings": {"tier": "mma"}}"#;
        let brought = read(line).unwrap();
        assert_eq!(brought.event, Brought::Bytes(b"hello".to_vec()));
        assert_eq!(brought.settings.tier.as_deref(), Some("mma"));
        let brought = read(r#"{"event": {"run": 1.25}}"#).unwrap();
        assert_eq!(brought.event, Brought::Bytes(br#"{"run":1.25}"#.to_vec()));
        assert_eq!(brought.settings, Settings::default());
        assert_eq!(brought.priority, Priority::Normal);
    }

    #[test]
    fn what_is_no_alert_is_refused_with_a_reason() {
        for (line, reason) in [
            ("starting up", "no alert"),
            ("{}", "exactly one"),
            (r#"{"event": {}, "path": "x"}"#, "exactly one"),
            (r#"{"event": 3}"#, "no JSON object"),
            (r#"{"event": {}, "webhook": "http://x"}"#, "webhook"),
            (r#"{"event": {}, "settings": {"program": "x"}}"#, "program"),
            (r#"{"event": {}, "priority": "high"}"#, "high"),
            (r#"{"event_base64": "?"}"#, "event_base64"),
            (r#"{"path": "/nowhere/at/all"}"#, "/nowhere/at/all"),
            (r#"{"path": "/tmp"}"#, "no file"),
        ] {
            let refused = read(line).unwrap_err();
            assert!(refused.contains(reason), "{line}: {refused}");
        }
    }
}
