//! Who has files: a hub for each, so that what has arrived takes no memory any more.

use std::collections::HashSet;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use skyscan_transport::{
    Conclusion, HubConfig, HubIncoming, PayloadId, PayloadSource, Priority, ScanId, TaskFrame,
    TaskId, Transport, TransportError, WorkerId,
};
use tokio::task::spawn_blocking;

use crate::manifest::Manifest;
use crate::{LEASE_TERM, LIVENESS, PROTOCOL};

/// Files that are offered at a time, over all folders.
const N_AT_ONCE: usize = 8;
/// What has arrived, in the folder that it came from.
const LEDGER: &str = ".moved";
/// Between two words on how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// What became of all files.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moved {
    /// Files that arrived.
    pub(crate) files: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Files that had arrived before this sender was started.
    pub(crate) before: u64,
    /// Files that no receiver wants.
    pub(crate) refused: u64,
    seconds: f64,
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let megabytes = self.bytes as f64 / 1e6;
        let rate = megabytes / self.seconds;
        let Self { files, before, .. } = self;
        write!(
            f,
            "files: {files}, {megabytes:.0} MB, {rate:.0} MB/s; {before} had arrived before"
        )
    }
}

/// Sends all files of the folders; returns when each has arrived or was refused.
pub(crate) async fn all(
    transport: Arc<dyn Transport>,
    folders: Vec<PathBuf>,
    tell: fn(&str),
) -> Result<Moved> {
    let begun = Instant::now();
    let (mut files, mut ledgers) = (Vec::new(), Vec::new());
    for folder in folders {
        let ledger = Arc::new(Ledger::open(&folder)?);
        let names = names(&folder, Path::new(""))?;
        files.extend(
            names
                .into_iter()
                .map(|name| (folder.clone(), name, Arc::clone(&ledger))),
        );
        ledgers.push(ledger);
    }
    let n_files = files.len();
    let mut moving = stream::iter(files)
        .map(|(folder, name, ledger)| {
            let transport = Arc::clone(&transport);
            async move { one(transport, folder, name, ledger).await }
        })
        .buffer_unordered(N_AT_ONCE);
    let (mut moved, mut told) = (Moved::default(), begun);
    while let Some(ended) = moving.next().await {
        match ended? {
            Ended::Arrived(bytes) => {
                moved.files += 1;
                moved.bytes += bytes;
            }
            Ended::Before => moved.before += 1,
            Ended::Refused(reason) => {
                moved.refused += 1;
                tell(&reason);
            }
        }
        moved.seconds = begun.elapsed().as_secs_f64();
        if told.elapsed() > TELL_EVERY {
            told = Instant::now();
            tell(&format!("{moved}, of {n_files}"));
        }
    }
    Ok(moved)
}

enum Ended {
    Arrived(u64),
    Before,
    Refused(String),
}

/// Offers a file until somebody has it.
async fn one(
    transport: Arc<dyn Transport>,
    folder: PathBuf,
    name: PathBuf,
    ledger: Arc<Ledger>,
) -> Result<Ended> {
    let path = folder.join(&name);
    let manifest = spawn_blocking(move || Manifest::of(&folder, &name)).await??;
    let body = serde_json::to_vec(&manifest)?;
    // The hash of all that is known of the file: another content is another file.
    let content = PayloadId::of(&body).to_string();
    if ledger.has(&content) {
        return Ok(Ended::Before);
    }
    let (name, bytes) = (manifest.name.clone(), manifest.bytes);
    let config = HubConfig {
        scan: random_scan(),
        protocol: PROTOCOL,
        welcome: Bytes::new(),
        backlog: 1,
        liveness: LIVENESS,
        lease_term: LEASE_TERM,
        payloads: Some(Arc::new(Pieces { path, manifest })),
        priority: Priority::default(),
    };
    let (hub, mut inbox) = transport.open_hub(config).await?;
    let task = TaskFrame {
        task: TaskId(0),
        body: body.into(),
        lost_above: 0,
        avoid: vec![],
    };
    hub.submit(vec![task]).await.with_context(|| name.clone())?;
    while let Some(incoming) = inbox.next().await {
        let HubIncoming::Settled(batch) = incoming? else {
            continue;
        };
        let ended = match batch.outcomes().first().map(|outcome| &outcome.conclusion) {
            Some(Conclusion::Rejected(reason)) => Ended::Refused(format!("{name}: {reason}")),
            Some(Conclusion::Completed(_)) => {
                // Written down before it is confirmed: a sender that is killed here offers it once more at most.
                ledger.write(&content, &name)?;
                Ended::Arrived(bytes)
            }
            None => continue,
        };
        drop(batch.confirm());
        hub.close().await?;
        return Ok(ended);
    }
    bail!("{name}: the place has gone")
}

/// Hubs of one place need different names.
fn random_scan() -> ScanId {
    let WorkerId(bytes) = WorkerId::random();
    ScanId(
        bytes
            .iter()
            .take(8)
            .fold(0, |id, byte| id << 8 | u64::from(*byte)),
    )
}

/// Files of a folder and those below it, in order; those whose names begin with a dot are not moved.
fn names(folder: &Path, below: &Path) -> Result<Vec<PathBuf>> {
    let here = folder.join(below);
    let mut found = Vec::new();
    let mut entries: Vec<_> = std::fs::read_dir(&here)
        .with_context(|| here.display().to_string())?
        .collect::<Result<_, _>>()?;
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (name, kind) = (below.join(entry.file_name()), entry.file_type()?);
        match entry.file_name().as_encoded_bytes().starts_with(b".") {
            true => {}
            false if kind.is_dir() => found.extend(names(folder, &name)?),
            false if kind.is_file() => found.push(name),
            false => {}
        }
    }
    Ok(found)
}

/// Pieces of a file, read when they are asked for.
#[derive(Debug)]
struct Pieces {
    path: PathBuf,
    manifest: Manifest,
}

#[async_trait]
impl PayloadSource for Pieces {
    async fn find(&self, piece: PayloadId) -> skyscan_transport::Result<Bytes> {
        let (path, manifest) = (self.path.clone(), self.manifest.clone());
        let found = spawn_blocking(move || manifest.find(&path, piece)).await;
        match found {
            Ok(Ok(Some(content))) => Ok(content),
            // Changed, or gone: this file does not arrive.
            _ => Err(TransportError::UnknownPayload(piece)),
        }
    }
}

/// The contents that have arrived, a line each, durable.
#[derive(Debug)]
struct Ledger(Mutex<(HashSet<String>, File)>);

impl Ledger {
    fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(LEDGER);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // A line that was cut names no content, and its file is offered again.
        let arrived = text.lines().filter_map(|line| line.split_once(' '));
        let arrived = arrived.map(|(content, _)| content.to_owned()).collect();
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| path.display().to_string())?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        Ok(Self(Mutex::new((arrived, file))))
    }

    fn has(&self, content: &str) -> bool {
        let (arrived, _) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.contains(content)
    }

    fn write(&self, content: &str, name: &str) -> Result<()> {
        let (arrived, file) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("{content} {name}\n").as_bytes())?;
        file.sync_data()?;
        arrived.insert(content.to_owned());
        Ok(())
    }
}
