//! Who takes files: into a folder, piece by piece, each compared with its hash.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use futures::{StreamExt, TryStreamExt, stream};
use skyscan_transport::{Lease, Link, LinkConfig, LinkIncoming, PayloadId, Transport, WorkerId};
use tokio::task::{JoinSet, spawn_blocking};

use crate::PROTOCOL;
use crate::manifest::{Manifest, PIECE_BYTES};

/// Files that are taken at a time from a place.
const N_FILES: u16 = 4;
/// Pieces of a file that are on their way at a time.
const N_PIECES: usize = 2;

/// Takes files from all places, as long as they are there.
pub(crate) async fn all(places: Vec<Arc<dyn Transport>>, folder: PathBuf) -> Result<()> {
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let receiving = places.into_iter().map(|place| from(place, folder.clone()));
    try_join_all(receiving).await?;
    Ok(())
}

async fn from(place: Arc<dyn Transport>, folder: PathBuf) -> Result<()> {
    let config = LinkConfig {
        protocol: PROTOCOL,
        credit: N_FILES,
        worker: WorkerId::random(),
        hello: Bytes::new(),
    };
    let (link, mut inbox) = place.open_link(config).await?;
    // Ended with this one.
    let mut taking = JoinSet::new();
    loop {
        tokio::select! {
            incoming = inbox.next() => match incoming {
                Some(Ok(LinkIncoming::Leased(leases))) => {
                    for lease in leases {
                        taking.spawn(take(Arc::clone(&link), lease, folder.clone()));
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Ok(()),
            },
            Some(taken) = taking.join_next() => taken??,
        }
    }
}

/// Takes a file, and says so once it is on the disk; refuses one that can never be taken.
async fn take(link: Arc<dyn Link>, lease: Lease, folder: PathBuf) -> Result<()> {
    let (manifest, path) = match wanted(&lease, &folder) {
        Ok(wanted) => wanted,
        Err(error) => {
            // If the lease was lost meanwhile, others refuse it.
            let _lost = lease.reject(format!("{error:#}")).await;
            return Ok(());
        }
    };
    let pieces = manifest.pieces()?;
    let known = (manifest.clone(), pieces.clone());
    let is_there = {
        let path = path.clone();
        spawn_blocking(move || look(&known.0, &known.1, &path)).await??
    };
    match is_there {
        There::Whole => {}
        There::Another => {
            let _lost = lease
                .reject("another file of this name is there".to_owned())
                .await;
            return Ok(());
        }
        There::Nothing => {
            let fetched = fetch(&link, &lease, &manifest, &pieces, &path).await;
            if let Err(error) = fetched {
                // Its sender may be gone, or the disk full: others may take it, or this one later.
                crate::tell(&format!("{}: {error:#}", manifest.name));
                let _lost = lease.release().await;
                return Ok(());
            }
        }
    }
    let _lost = lease.complete(Bytes::new()).await;
    Ok(())
}

fn wanted(lease: &Lease, folder: &Path) -> Result<(Manifest, PathBuf)> {
    let manifest: Manifest = serde_json::from_slice(lease.body())?;
    manifest.pieces()?;
    let path = manifest.place(folder)?;
    Ok((manifest, path))
}

/// What is at a file's place already.
enum There {
    Nothing,
    Whole,
    Another,
}

fn look(manifest: &Manifest, pieces: &[PayloadId], path: &Path) -> Result<There> {
    let Ok(found) = path.metadata() else {
        return Ok(There::Nothing);
    };
    for (number, piece) in (0..).zip(pieces) {
        if manifest.piece_at(path, number, *piece)?.is_none() {
            return Ok(There::Another);
        }
    }
    Ok(match found.len() == manifest.bytes {
        true => There::Whole,
        false => There::Another,
    })
}

/// Fetches what a file lacks into one beside it, which takes its name once it is whole and durable.
async fn fetch(
    link: &Arc<dyn Link>,
    lease: &Lease,
    manifest: &Manifest,
    pieces: &[PayloadId],
    path: &Path,
) -> Result<()> {
    let name = path.file_name().context("no name")?.to_string_lossy();
    let part = path.with_file_name(format!(".{name}.part"));
    let file = {
        let (part, bytes) = (part.clone(), manifest.bytes);
        Arc::new(spawn_blocking(move || begin(&part, bytes)).await??)
    };
    let scan = lease.key().scan;
    stream::iter((0_u64..).zip(pieces.to_vec()).map(anyhow::Ok))
        .try_for_each_concurrent(N_PIECES, |(number, piece)| {
            let (file, part, manifest) = (Arc::clone(&file), part.clone(), manifest.clone());
            async move {
                // Whoever was killed in the middle has some of them.
                let here = spawn_blocking(move || manifest.piece_at(&part, number, piece));
                if here.await??.is_some() {
                    return Ok(());
                }
                let content = link.fetch(scan, piece).await?;
                lease.renew().await?;
                let at = number * PIECE_BYTES as u64;
                spawn_blocking(move || file.write_all_at(&content, at)).await??;
                Ok(())
            }
        })
        .await?;
    let path = path.to_owned();
    spawn_blocking(move || end(&file, &part, &path)).await?
}

fn begin(part: &Path, bytes: u64) -> Result<File> {
    if let Some(folder) = part.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(part)
        .with_context(|| part.display().to_string())?;
    file.set_len(bytes)?;
    Ok(file)
}

fn end(file: &File, part: &Path, path: &Path) -> Result<()> {
    file.sync_data()?;
    ensure!(!path.exists(), "another file of this name is there");
    std::fs::rename(part, path)?;
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
