//! How an alert comes in: written down whole beside the scans, read, and handed to the clerk, who
//! moves it among them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;

use super::ScanDesk;
use super::note::Note;
use crate::clock;
use crate::digest;
use crate::disk;
use crate::doors::{Brought, MOST_EVENT_BYTES, NotTaken, Submission, Submitted};
use crate::engine::Refused;
use crate::folder::{Folder, HITS, Record};
use crate::scan::{EventName, Scan, ScanName, State};

/// Characters of the key in the shortest name.
const SHORT_KEY: usize = 8;

/// An alert that is on the disk, not yet among the scans.
#[derive(Debug)]
pub(super) struct Arrived {
    /// What is known of it.
    pub(super) record: Record,
    folder: Folder,
}

impl Arrived {
    /// Gives it another name.
    pub(super) fn rename(&mut self, id: ScanName) -> io::Result<()> {
        self.record.scan.id = id;
        self.folder.write(&self.record)
    }

    /// Gives its event to the scan that it is again: what is there may be damaged or gone. Stays once the record is
    /// written.
    pub(super) fn give_event(&self, folder: &Folder, record: &mut Record) -> io::Result<()> {
        for name in [self.record.file.as_str(), HITS] {
            fs::rename(self.folder.file(name), folder.file(name))?;
        }
        record.file.clone_from(&self.record.file);
        record.file_sha256.clone_from(&self.record.file_sha256);
        Ok(())
    }

    /// Moves it among the scans; it stays there once their folder is synced.
    pub(super) fn move_to(&self, folder: &Folder) -> io::Result<()> {
        fs::rename(self.folder.path(), folder.path())
    }
}

impl Drop for Arrived {
    fn drop(&mut self) {
        discard(self.folder.path());
    }
}

fn discard(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, "a draft of a scan stays until the next start");
        }
        _gone => {}
    }
}

/// The names that a scan may have, short to long.
pub(super) fn names(event: &EventName, key: &str) -> impl Iterator<Item = ScanName> {
    let EventName {
        run_id, event_id, ..
    } = *event;
    let lengths = [SHORT_KEY, 16, 32, 64];
    let keys = lengths.map(|length| key.get(..length).unwrap_or(key).to_owned());
    keys.into_iter()
        .map(move |key| ScanName(format!("{run_id}-{event_id}-{key}")))
}

/// Writes the alert down, reads it, and waits until it is among the scans.
pub(super) fn submit(desk: &ScanDesk, submission: Submission) -> Result<Submitted, NotTaken> {
    let stopping = || NotTaken::NotNow("the service is stopping: submit again later".to_owned());
    if !desk.is_open() {
        return Err(stopping());
    }
    if let Some(full) = desk.is_disk_full() {
        return Err(NotTaken::NotNow(full));
    }
    let most = u64::try_from(desk.shared.config.max_queued).unwrap_or(u64::MAX);
    if desk.n_queued() >= most {
        let words = format!("{most} scans are waiting, and more are not taken: submit again later");
        return Err(NotTaken::NotNow(words));
    }
    let number = desk.shared.n_incoming.fetch_add(1, Ordering::Relaxed);
    let folder = desk.shared.config.incoming().join(number.to_string());
    let arrived = write_down(desk, &folder, submission).inspect_err(|_| discard(&folder))?;
    let (answer, answered) = channel();
    let arrived = Box::new(arrived);
    let note = Note::Arrived { arrived, answer };
    desk.notes.send(note).map_err(|_gone| stopping())?;
    answered.recv().unwrap_or_else(|_gone| Err(stopping()))
}

fn write_down(desk: &ScanDesk, path: &Path, submission: Submission) -> Result<Arrived, NotTaken> {
    let cannot = |error: io::Error| NotTaken::NotNow(format!("cannot keep the event: {error}"));
    let Submission {
        event,
        settings,
        priority,
        from,
    } = submission;
    fs::create_dir(path).map_err(cannot)?;
    let file = match &event {
        Brought::File(file) => file_name(file),
        Brought::Bytes(_) => "event.dat".to_owned(),
    };
    let event_file = path.join(&file);
    write_event(&event, &event_file).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge if matches!(event, Brought::File(_)) => {
            let words = format!("it has more than {MOST_EVENT_BYTES} bytes, which no event has");
            NotTaken::Refused(Refused::Event(words))
        }
        _ => cannot(error),
    })?;
    let reading = desk.shared.engine.read(&event_file, &settings)?;
    let is_key = reading.key.len() == 64 && reading.key.bytes().all(|b| b.is_ascii_hexdigit());
    let Some(id) = names(&reading.event, &reading.key)
        .next()
        .filter(|_| is_key)
    else {
        return Err(NotTaken::NotNow("the engine gives no key".to_owned()));
    };
    let mut warnings = reading.warnings;
    if desk.shared.engine.lacks(&settings) {
        warnings.push(
            "nobody who was there when it came offers its program: it waits for workers that do"
                .to_owned(),
        );
    }
    let record = Record {
        scan: Scan {
            id,
            state: State::Queued,
            priority,
            settings,
            event: reading.event,
            from,
            submitted: clock::now(),
            begun: None,
            ended: None,
            best: None,
            area_deg2: None,
            quality: Vec::new(),
            error: None,
            warnings,
        },
        key: reading.key,
        file,
        file_sha256: digest::of_file(&event_file).map_err(cannot)?,
        told: Vec::new(),
    };
    let folder = Folder::at(path.to_owned());
    let written = File::open(&event_file)
        .and_then(|file| file.sync_all())
        .and_then(|()| folder.put_json(HITS, &reading.hits))
        .and_then(|()| folder.put(&record))
        .and_then(|()| folder.sync());
    written.map_err(cannot)?;
    Ok(Arrived { record, folder })
}

/// What an event file is called in its folder: the ending says what it is to people.
fn file_name(brought: &Path) -> String {
    let name = brought.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let ending = name.split_once('.').map_or("", |(_, ending)| ending);
    let fits = (1..=24).contains(&ending.len())
        && ending.chars().all(is_plain)
        && ending.split('.').all(|part| !part.is_empty());
    // Not as our own files end: `event.json` is what they are not called.
    match fits {
        true => format!("event.{ending}"),
        false => "event.dat".to_owned(),
    }
}

fn write_event(event: &Brought, file: &PathBuf) -> io::Result<()> {
    match event {
        Brought::Bytes(bytes) => fs::write(file, bytes),
        Brought::File(from) => {
            // Permissions of the original are not those of the copy.
            let from = File::open(from)?;
            let most = MOST_EVENT_BYTES as u64;
            let n_bytes = io::copy(&mut from.take(most + 1), &mut File::create(file)?)?;
            match n_bytes > most {
                true => Err(io::ErrorKind::FileTooLarge.into()),
                false => Ok(()),
            }
        }
    }
}

/// What makes renames in a folder stay.
pub(super) fn settle(scans: &Path) -> io::Result<()> {
    disk::sync_folder(scans)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_unless_another_scan_has_it() {
        let event = EventName {
            run_id: 138_632,
            event_id: 31_747_601,
            mjd: 0.0,
            stream: String::new(),
        };
        let key = "0123456789abcdef".repeat(4);
        let names: Vec<String> = names(&event, &key).map(|id| id.0).collect();
        assert_eq!(names[0], "138632-31747601-01234567");
        assert_eq!(names[3], format!("138632-31747601-{key}"));
    }

    #[test]
    fn an_event_file_keeps_its_ending_if_that_is_plain() {
        for (brought, kept) in [
            ("/x/Alert.I3.zst", "event.i3.zst"),
            ("event.json", "event.json"),
            ("no-ending", "event.dat"),
            ("a.<script>", "event.dat"),
            ("a..", "event.dat"),
            (".hidden", "event.hidden"),
        ] {
            assert_eq!(file_name(Path::new(brought)), kept);
        }
    }
}
