//! A file with words beside it, as a form (RFC 7578).

use crate::actors::fresh_scan_id;

/// The media type and the body of a form with an event, settings and a priority.
pub(super) fn form(event: &[u8], settings: &str, priority: &str) -> (String, Vec<u8>) {
    // The chance that an event has this line is one in 2^64 a byte.
    let border = format!("skyscan-{:016x}", fresh_scan_id().0);
    let mut body = Vec::with_capacity(event.len() + 512);
    let mut part = |name: &str, more: &str, content: &[u8]| {
        let head =
            format!("--{border}\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    };
    let json = "\r\nContent-Type: application/json";
    part("settings", json, settings.as_bytes());
    part("priority", "", priority.as_bytes());
    let file = "; filename=\"event\"\r\nContent-Type: application/octet-stream";
    part("event", file, event);
    body.extend_from_slice(format!("--{border}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={border}"), body)
}
