//! Spans of time in which DOMs must not be trusted.

use super::ExcludedWindow;
use super::archive::{Archive, Class, class_name};
use super::limits::MAX_TIME_NS;
use super::pulse_map::OmKey;
use super::read_error::{Cause, Fault};
use super::series::Scope;

/// Calibration known to be bad, and tubes or digitizers driven out of their range.
const KEYS: [&str; 2] = ["CalibrationErrata", "SaturationWindows"];
const WINDOWS: &str = "I3TimeWindowSeriesMap";
const SMALLEST_DOM_BYTES: usize = 13;
const WINDOW_BYTES: usize = 16;

/// Every window of in-ice DOMs, ordered by DOM, then by time.
pub(super) fn windows(scope: Scope<'_>) -> Result<Vec<ExcludedWindow>, Fault> {
    let mut windows = Vec::new();
    for key in KEYS {
        // Older files keep a plain list of DOMs under the same key.
        if let Some((frame, blob)) = scope.get(key)
            && class_name(blob) == Some(WINDOWS)
        {
            decode(blob, &mut windows).map_err(|cause| cause.at_key(key).in_frame(frame.place))?;
        }
    }
    windows.sort_by(|a: &ExcludedWindow, b| {
        a.dom
            .cmp(&b.dom)
            .then(a.start_ns.total_cmp(&b.start_ns))
            .then(a.stop_ns.total_cmp(&b.stop_ns))
    });
    Ok(windows)
}

fn decode(blob: &[u8], windows: &mut Vec<ExcludedWindow>) -> Result<(), Cause> {
    let (mut archive, version) = Archive::open(blob, WINDOWS)?;
    if version > 0 {
        return Err(Cause::ClassVersion {
            class: WINDOWS,
            version,
        });
    }
    archive.frame_object()?;
    archive.enter(Class::Map)?;
    for _ in 0..archive.count(SMALLEST_DOM_BYTES)? {
        archive.enter(Class::Pair)?;
        let key = OmKey::read(&mut archive)?;
        if archive.enter(Class::TimeWindowSeries)? > 0 {
            archive.frame_object()?;
        }
        archive.enter(Class::List)?;
        for _ in 0..archive.count(WINDOW_BYTES)? {
            if archive.enter(Class::TimeWindow)? > 0 {
                archive.frame_object()?;
            }
            let (start_ns, stop_ns) = (archive.f64()?, archive.f64()?);
            if start_ns.is_nan() || stop_ns.is_nan() {
                return Err(Cause::malformed(format!(
                    "has a window without bounds on DOM {}-{}",
                    key.string, key.om
                )));
            }
            if let Some(dom) = key.in_ice() {
                // Open ends are infinite, which JSON cannot hold.
                let cut = |time_ns: f64| time_ns.clamp(-MAX_TIME_NS, MAX_TIME_NS);
                windows.push(ExcludedWindow {
                    dom,
                    start_ns: cut(start_ns),
                    stop_ns: cut(stop_ns),
                });
            }
        }
    }
    archive.finish()
}
