//! Files of the tests, below the build folder and gone afterwards.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use skyscan::event::{Event, ReadError, ReadOptions};

/// A file that is removed when dropped. Its name tells nothing about what it holds.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("event-input-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A file left over in the build folder hurts nobody.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Reads an event from bytes.
pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Event, ReadError> {
    skyscan::event::read(Scratch::new(bytes).path(), options)
}

/// Reads the first event with all defaults.
pub(crate) fn read_first(bytes: &[u8]) -> Result<Event, ReadError> {
    read(bytes, &ReadOptions::default())
}

/// The message of a failed read, which must be one line that names the file.
pub(crate) fn message(bytes: &[u8], options: &ReadOptions) -> String {
    let file = Scratch::new(bytes);
    let error = skyscan::event::read(file.path(), options).expect_err("this must not be readable");
    let line = error.to_string();
    let name = file.path().display().to_string();
    assert!(line.starts_with(&name), "{line:?} does not name the file");
    assert!(
        !line.contains(char::is_control),
        "{line:?} is not one clean line"
    );
    line[name.len()..].trim_start_matches(": ").to_owned()
}

/// Asks for an event or a series.
pub(crate) fn options(event_id: Option<u32>, pulses: Option<&str>) -> ReadOptions {
    ReadOptions {
        event_id,
        pulses: pulses.map(str::to_owned),
    }
}
