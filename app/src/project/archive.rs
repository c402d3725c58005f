//! The ZIP archive around a project: written whole or not at all, read within bounds.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek, SeekFrom, Write};
use std::path::Path;

use stylemap::files::{remove_abandoned_parts, write_whole_with};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// The entries of an archive have together at most as many times its bytes: photos hardly get smaller, so whatever does more
/// than this was made to fill the memory.
const MAX_INFLATION: u64 = 16;
/// An archive this small may have any entries.
const HARMLESS_BYTES: u64 = 64 << 20;

/// Something to be written.
pub(super) struct Entry<'a> {
    pub name: String,
    pub bytes: Cow<'a, [u8]>,
    /// Pictures are compressed already.
    pub is_compressed: bool,
}

/// Writes an archive. Equal entries are equal files: no time is in them.
pub(super) fn write(path: &Path, entries: &[Entry<'_>]) -> stylemap::Result<()> {
    remove_abandoned_parts(path);
    write_whole_with(path, |file| {
        let mut latch = Latch::new(BufWriter::new(file));
        let mut zip = ZipWriter::new(&mut latch);
        for Entry { name, bytes, is_compressed } in entries {
            let method = if *is_compressed { CompressionMethod::Stored } else { CompressionMethod::Deflated };
            zip.start_file(name.as_str(), SimpleFileOptions::default().compression_method(method)).map_err(into_io)?;
            zip.write_all(bytes)?;
        }
        zip.finish().map_err(into_io)?;
        latch.finish()
    })
}

fn into_io(err: ZipError) -> io::Error {
    match err {
        ZipError::Io(err) => err,
        err => io::Error::other(err),
    }
}

/// Hands bytes on until that fails, and then passes over the rest: the ZIP writer, dropped after a failure, would try again
/// and complain on the standard error.
struct Latch<W> {
    writer: W,
    position: u64,
    /// How much would have been written.
    len: u64,
    failure: Option<io::Error>,
}

impl<W: Write + Seek> Latch<W> {
    fn new(writer: W) -> Self {
        Self { writer, position: 0, len: 0, failure: None }
    }

    fn attempt(&mut self, action: impl FnOnce(&mut W) -> io::Result<()>) {
        if self.failure.is_none() {
            self.failure = action(&mut self.writer).err();
        }
    }

    fn finish(mut self) -> io::Result<()> {
        self.attempt(W::flush);
        self.failure.map_or(Ok(()), Err)
    }
}

impl<W: Write + Seek> Write for Latch<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(|writer| writer.write_all(bytes));
        self.position += bytes.len() as u64;
        self.len = self.len.max(self.position);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(W::flush);
        Ok(())
    }
}

impl<W: Write + Seek> Seek for Latch<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
        };
        let position = position.ok_or(io::ErrorKind::InvalidInput)?;
        // Asking where one is must not empty the buffer.
        if position != self.position {
            self.attempt(|writer| writer.seek(SeekFrom::Start(position)).map(|_| ()));
            self.position = position;
        }
        Ok(position)
    }
}

/// An archive that may come from anywhere.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<File>>,
    len: u64,
    /// What may still be read.
    bytes_left: u64,
}

impl Archive {
    /// Reads its directory.
    ///
    /// # Errors
    /// When the file cannot be read or is no archive.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        anyhow::ensure!(metadata.is_file(), "it is no file");
        let file = File::open(path)?;
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|err| match err {
            ZipError::Io(err) if err.kind() != io::ErrorKind::UnexpectedEof => anyhow::Error::from(err),
            _ => anyhow::anyhow!("it is damaged, or no project of Stylebrush"),
        })?;
        let len = metadata.len();
        Ok(Self { zip, len, bytes_left: len.saturating_mul(MAX_INFLATION).max(HARMLESS_BYTES) })
    }

    /// Of the whole file, in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is an entry of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// An entry of at most `max_bytes`. Nothing is ever written to a place that an entry names.
    ///
    /// # Errors
    /// When it is missing, damaged or too large.
    pub(super) fn read(&mut self, name: &str, max_bytes: u64) -> anyhow::Result<Vec<u8>> {
        let Some(index) = self.zip.index_for_name(name) else { anyhow::bail!("{name} is missing") };
        let damaged = |err: &dyn std::fmt::Display| anyhow::anyhow!("{name} is damaged ({err})");
        let entry = self.zip.by_index(index).map_err(|err| damaged(&err))?;
        let limit = max_bytes.min(self.bytes_left);
        let mut bytes = Vec::new();
        // What it says of its size is not believed. One more, to know that there is more, and because its checksum is compared at its end.
        entry.take(limit + 1).read_to_end(&mut bytes).map_err(|err| damaged(&err))?;
        let len = bytes.len() as u64;
        anyhow::ensure!(len <= limit, "{name} has more than the {limit} bytes that it may have");
        self.bytes_left -= len;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes some bytes, then fails once; afterwards it would take more.
    struct FullDisk {
        room: usize,
        failures: usize,
    }

    impl Write for FullDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if bytes.len() > self.room && self.failures == 0 {
                self.failures = 1;
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room = self.room.saturating_sub(bytes.len());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for FullDisk {
        fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
            Ok(0)
        }
    }

    #[test]
    fn a_failure_is_reported_at_the_end_and_nothing_follows_it() {
        let mut latch = Latch::new(FullDisk { room: 10, failures: 0 });
        for _ in 0..3 {
            latch.write_all(&[0; 8]).unwrap();
        }
        assert_eq!(latch.writer.room, 2, "what came after the failure was passed over");
        assert_eq!(latch.stream_position().unwrap(), 24);
        assert_eq!(latch.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
