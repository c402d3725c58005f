//! The zip format of torch since 1.6.
//!
//! Source: `_save` and `_load` in torch's `serialization.py`. One folder with `data.pkl` (the object), `data/KEY` (the
//! elements of a storage) and, in newer files, `byteorder`. Torch stores its entries without compression; other tools
//! that repack an archive may deflate them.

use std::io::{Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::pickle::{self, MAX_PICKLE_BYTES, Pickle};
use super::{Failure, Outcome, Storage, StorageSource, read_exactly, shown};

/// Whether a file begins like a zip archive.
pub(super) fn looks_like(first_bytes: &[u8]) -> bool {
    first_bytes.starts_with(b"PK\x03\x04")
}

/// A checkpoint in the zip format, of which the pickle is read.
pub(super) struct Archive<R> {
    zip: ZipArchive<R>,
    /// The folder that everything lies in, with its slash.
    folder: String,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the directory and the pickle of an archive.
    ///
    /// # Errors
    /// When this is not an archive, not one that torch writes, or one from a big-endian machine.
    pub(super) fn open(stream: R) -> Outcome<(Self, Pickle)> {
        let zip = ZipArchive::new(stream).map_err(|error| failure(error, "its directory"))?;
        let mut folders = Vec::new();
        for name in zip.file_names() {
            let name = name.map_err(|error| failure(error, "its directory"))?;
            if let Some(folder) = name.strip_suffix("data.pkl")
                && (folder.is_empty() || folder.ends_with('/'))
            {
                folders.push(folder.to_owned());
            }
        }
        if folders.iter().any(|folder| zip.index_for_name(&format!("{folder}constants.pkl")).is_some()) {
            return Err(Failure::reason(super::TORCH_SCRIPT));
        }
        let folder = match <[String; 1]>::try_from(folders) {
            Ok([folder]) => folder,
            Err(folders) if folders.is_empty() => {
                return Err(Failure::reason("it is a zip archive without data.pkl, so torch did not write it"));
            }
            Err(_) => return Err(Failure::reason("it is a zip archive with more than one data.pkl")),
        };
        let mut archive = Self { zip, folder };
        archive.check_byte_order()?;
        let bytes = archive.small_entry("data.pkl", MAX_PICKLE_BYTES)?;
        let bytes = bytes.ok_or_else(|| Failure::reason("its data.pkl is missing"))?;
        let pickle = pickle::read(&mut bytes.as_slice(), 0)?;
        Ok((archive, pickle))
    }

    fn check_byte_order(&mut self) -> Outcome<()> {
        // Older files do not say; they are little-endian.
        match self.small_entry("byteorder", 16)?.as_deref() {
            None | Some(b"little") => Ok(()),
            Some(b"big") => Err(Failure::reason("it was written on a big-endian machine, which is not supported")),
            Some(_) => Err(Failure::reason("its entry byteorder says neither little nor big")),
        }
    }

    /// An entry of at most `limit` bytes, if there is one of this name.
    fn small_entry(&mut self, name: &str, limit: u64) -> Outcome<Option<Vec<u8>>> {
        let Some(index) = self.zip.index_for_name(&format!("{}{name}", self.folder)) else { return Ok(None) };
        let what = format!("its entry {name}");
        let mut entry = self.zip.by_index(index).map_err(|error| failure(error, &what))?;
        let size = entry.size();
        if size > limit {
            return Err(Failure::reason(format!(
                "{what} has {size} bytes, far more than the {limit} that one may have"
            )));
        }
        whole_entry(&mut entry, size, &what).map(Some)
    }
}

impl<R: Read + Seek> StorageSource for Archive<R> {
    fn read(&mut self, storage: &Storage<'_>) -> Outcome<Vec<u8>> {
        let what = format!("its storage {}", shown(storage.key));
        let Some(index) = self.zip.index_for_name(&format!("{}data/{}", self.folder, storage.key)) else {
            return Err(Failure::reason(format!("{what} is missing")));
        };
        let mut entry = self.zip.by_index(index).map_err(|error| failure(error, &what))?;
        // Before anything is inflated. What the storages declare together is already bounded by the file's size.
        if entry.size() != storage.bytes()? {
            return Err(Failure::reason(format!(
                "{what} should have {} bytes but has {}",
                storage.bytes()?,
                entry.size()
            )));
        }
        whole_entry(&mut entry, storage.bytes()?, &what)
    }
}

/// Reads an entry to its end, because its checksum is compared only there.
fn whole_entry(entry: &mut impl Read, size: u64, what: &str) -> Outcome<Vec<u8>> {
    let bytes = read_exactly(entry, size, what)?;
    if entry.read(&mut [0])? == 0 { Ok(bytes) } else { Err(Failure::reason(format!("{what} is too long"))) }
}

fn failure(error: ZipError, what: &str) -> Failure {
    match error {
        ZipError::Io(error) => error.into(),
        error => Failure::reason(format!("{what} cannot be read: {error}")),
    }
}
