//! Files that the commands write: checked before any work, written whole or not at all.

use std::path::{Path, PathBuf};

use image::RgbImage;
use stylebrush_app::export::folder::check_folder_of;
use stylebrush_app::export::{self, FileOptions, Format};

/// A picture to be written.
#[derive(Debug)]
pub struct PictureFile {
    path: PathBuf,
    format: Format,
}

impl PictureFile {
    /// Checks that a picture can go there.
    ///
    /// # Errors
    /// When the name ends in no format that can be written, or the folder does not exist.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        let format = Format::of(path)?;
        check_place(path)?;
        Ok(Self { path: path.to_owned(), format })
    }

    /// Writes it; without an ICC profile its colours are sRGB.
    pub fn write(&self, picture: &RgbImage, icc_profile: Option<&[u8]>) -> anyhow::Result<()> {
        export::write(&self.path, picture, self.format, &FileOptions::with_profile(icc_profile))
    }
}

/// Checks that a safetensors file can go there.
///
/// # Errors
/// When the name ends in something else, or the folder does not exist.
pub fn check_safetensors(path: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors")),
        "cannot write {}: the name must end in .safetensors",
        path.display()
    );
    check_place(path)
}

fn check_place(path: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(!path.is_dir(), "cannot write {}: it is a folder", path.display());
    check_folder_of(path)
}
