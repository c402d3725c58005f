//! What a model's file is known by, without its tensors in memory.

use std::io::Read;
use std::path::Path;

use safetensors::tensor::Metadata;

use super::{Checkpoint, FNV_OFFSET, config_of, fnv1a, fnv1a_from, torch};
use crate::config::Config;
use crate::error::{Error, Result};

/// No header is longer, by the format.
const MAX_HEADER_BYTES: u64 = 100_000_000;
/// So much of a file is in memory at a time: whole words of the hash.
const BLOCK_BYTES: usize = 1 << 20;

/// A model by its configuration and the hash of its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// The widths of the networks.
    pub config: Config,
    /// See [`Checkpoint::hash`].
    pub hash: u64,
}

impl Identity {
    /// Of a model's file: the same as of [`Checkpoint::load`], without its tensors. A published checkpoint says its widths only by its
    /// tensors, so those are read; whether weights are numbers is not looked at.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Checkpoint`].
    pub fn of_file(path: &Path) -> Result<Self> {
        let io = |source| Error::Io { action: "cannot read", path: path.to_owned(), source };
        let unusable = |reason| Error::Checkpoint { path: path.to_owned(), reason };
        let mut file = std::fs::File::open(path).map_err(io)?;
        let mut start = Vec::new();
        (&mut file).take(64).read_to_end(&mut start).map_err(io)?;
        if torch::looks_like_torch(&start) {
            let Checkpoint { config, hash, .. } = Checkpoint::load(path)?;
            return Ok(Self { config, hash });
        }
        let len = header_len(&start).map_err(unusable)?;
        (&mut file).take((8 + len).saturating_sub(start.len() as u64)).read_to_end(&mut start).map_err(io)?;
        let config = of_header(&start, len).map_err(unusable)?;
        // From here on in blocks; the header is brought to the end of a block first.
        let rest = start.len().next_multiple_of(BLOCK_BYTES) - start.len();
        (&mut file).take(rest as u64).read_to_end(&mut start).map_err(io)?;
        let mut hash = FNV_OFFSET;
        let mut block = start;
        while !block.is_empty() {
            hash = fnv1a_from(hash, &block);
            block.clear();
            (&mut file).take(BLOCK_BYTES as u64).read_to_end(&mut block).map_err(io)?;
        }
        Ok(Self { config, hash })
    }

    /// Of bytes in memory, for a model that is embedded in the program.
    ///
    /// # Errors
    /// [`Error::Checkpoint`], with `label` as its path.
    pub fn of_bytes(bytes: &[u8], label: &str) -> Result<Self> {
        let config = header_len(bytes).and_then(|len| of_header(bytes, len));
        let config = config.map_err(|reason| Error::Checkpoint { path: label.into(), reason })?;
        Ok(Self { config, hash: fnv1a(bytes) })
    }
}

fn header_len(start: &[u8]) -> std::result::Result<u64, String> {
    let len = start.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)).filter(|len| *len <= MAX_HEADER_BYTES);
    len.ok_or_else(|| "it is neither a safetensors file nor a torch checkpoint".to_owned())
}

fn of_header(start: &[u8], len: u64) -> std::result::Result<Config, String> {
    let end = usize::try_from(8 + len).unwrap_or(usize::MAX);
    let header = start.get(8..end).ok_or("it is damaged: its header is cut off")?;
    let header: Metadata = serde_json::from_slice(header)
        .map_err(|err| format!("it is neither a safetensors file nor a torch checkpoint ({err})"))?;
    config_of(&header)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::PathBuf;

    use super::*;

    fn repository(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
    }

    #[test]
    fn it_is_that_of_the_whole_file() {
        for path in [
            "weights/default.safetensors",
            "tests/fixtures/f2_small_s64_l8.pt",
            "tests/fixtures/f2_small_s64_l8_legacy.pt",
        ] {
            let path = repository(path);
            let Checkpoint { config, hash, .. } = Checkpoint::load(&path).unwrap();
            assert_eq!(Identity::of_file(&path).unwrap(), Identity { config, hash }, "{}", path.display());
        }
        // Of files that end within a block, within a word and within the first bytes that are looked at.
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.safetensors");
        Checkpoint::load(&repository("tests/fixtures/f2_small_s64_l8.pt")).unwrap().save(&path, None).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let Checkpoint { config, hash, .. } = Checkpoint::load(&path).unwrap();
        let whole = Identity { config, hash };
        assert_eq!(Identity::of_file(&path).unwrap(), whole);
        assert_eq!(Identity::of_bytes(&bytes, "memory").unwrap(), whole);
        std::fs::write(&path, [bytes.as_slice(), &[1, 2, 3]].concat()).unwrap();
        assert_eq!(Identity::of_file(&path).unwrap().hash, fnv1a(&[bytes.as_slice(), &[1, 2, 3]].concat()));
    }

    #[test]
    fn what_is_no_model_is_a_sentence_with_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.safetensors");
        let whole = std::fs::read(repository("weights/default.safetensors")).unwrap();
        let no_config: &[u8] = b"\x02\0\0\0\0\0\0\0{}";
        let long = [u64::MAX.to_le_bytes().as_slice(), &[b' '; 100]].concat();
        for (bytes, says) in [
            (&whole[..100], "cut off"),
            (&whole[..4], "neither"),
            (&[], "neither"),
            (no_config, "not a model of this format"),
            (&long, "neither"),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let said = Identity::of_file(&path).unwrap_err().to_string();
            assert!(said.contains(says) && said.contains("mine.safetensors"), "{said}");
            assert!(Identity::of_bytes(bytes, "memory").is_err());
        }
        let said = Identity::of_file(&repository("tests/cases/checkpoints/lora.safetensors")).unwrap_err().to_string();
        assert!(said.contains("a LoRA"), "{said}");
        assert!(Identity::of_file(&folder.path().join("none.safetensors")).is_err());
    }
}
