//! What a file is made of: its name, its length, the hashes of its pieces.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use skyscan_transport::PayloadId;

/// Bytes of a piece; the last one of a file may have fewer.
pub(crate) const PIECE_BYTES: usize = 4 << 20;

/// All that has to be known of a file to fetch it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// Path within its folder.
    pub(crate) name: String,
    /// Length.
    pub(crate) bytes: u64,
    /// SHA-256 of each piece, in hexadecimal digits.
    pieces: Vec<String>,
}

impl Manifest {
    /// Reads a file of a folder once.
    pub(crate) fn of(folder: &Path, name: &Path) -> Result<Self> {
        let path = folder.join(name);
        let mut file = File::open(&path).with_context(|| path.display().to_string())?;
        let bytes = file.metadata()?.len();
        let mut pieces = Vec::new();
        for number in 0..bytes.div_ceil(PIECE_BYTES as u64) {
            let piece = read(&mut file, bytes, number)?;
            pieces.push(PayloadId::of(&piece).to_string());
        }
        let name = name.to_str().context("a name that is not UTF-8")?;
        Ok(Self {
            name: name.to_owned(),
            bytes,
            pieces,
        })
    }

    /// Where the file belongs in a folder, and nowhere else.
    pub(crate) fn place(&self, folder: &Path) -> Result<PathBuf> {
        let name = Path::new(&self.name);
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
        ensure!(
            name.components().all(is_plain) && name.file_name().is_some(),
            "{:?} leads out of the folder",
            self.name
        );
        Ok(folder.join(name))
    }

    /// The pieces, as they are fetched.
    pub(crate) fn pieces(&self) -> Result<Vec<PayloadId>> {
        let expected = self.bytes.div_ceil(PIECE_BYTES as u64);
        ensure!(expected == self.pieces.len() as u64, "pieces are missing");
        self.pieces.iter().map(|piece| id(piece)).collect()
    }

    /// The content of a piece, if the file still has it.
    pub(crate) fn find(&self, path: &Path, wanted: PayloadId) -> Result<Option<Bytes>> {
        let wanted_text = wanted.to_string();
        let Some(number) = self.pieces.iter().position(|piece| *piece == wanted_text) else {
            return Ok(None);
        };
        self.piece_at(path, number as u64, wanted)
    }

    /// The same of a piece whose number is known.
    pub(crate) fn piece_at(
        &self,
        path: &Path,
        number: u64,
        wanted: PayloadId,
    ) -> Result<Option<Bytes>> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        match read(&mut file, self.bytes, number) {
            Ok(piece) => Ok((PayloadId::of(&piece) == wanted).then(|| Bytes::from(piece))),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }
}

/// A piece of a file of this length.
fn read(file: &mut File, bytes: u64, number: u64) -> std::io::Result<Vec<u8>> {
    let begin = number * PIECE_BYTES as u64;
    let length = (bytes - begin).min(PIECE_BYTES as u64);
    let mut piece = vec![0; length as usize];
    file.seek(SeekFrom::Start(begin))?;
    file.read_exact(&mut piece)?;
    Ok(piece)
}

fn id(text: &str) -> Result<PayloadId> {
    ensure!(text.len() == 64 && text.is_ascii(), "{text:?} is no hash");
    let mut id = [0; 32];
    for (n, byte) in id.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * n..2 * n + 2], 16)?;
    }
    Ok(PayloadId(id))
}
