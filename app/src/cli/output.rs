//! Files that the commands write: checked before any work, written whole or not at all.

use std::path::{Path, PathBuf};

use clap::Args;
use stylebrush_app::export::folder::check_folder_of;
use stylebrush_app::export::{self, FileOptions, Format, MetadataChoice, Picture};
use stylemap::photo::PhotoFile;

use super::failure::warn;
use super::numbers;

/// How a picture's file is written.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct OutputOptions {
    /// What becomes of what the photo's file says (camera, time, place, author, resolution), with --in-photo
    #[arg(long, value_enum, value_name = "WHAT", default_value = "keep", help_heading = "The file")]
    metadata: MetadataChoice,
    /// Quality of a .jpg, from 1 to 100 [default: with --in-photo as the photo has it, otherwise 95]
    #[arg(long, value_name = "PERCENT", value_parser = numbers::quality, help_heading = "The file")]
    quality: Option<u8>,
}

impl OutputOptions {
    /// For a picture in the numbers of this photo; none is sRGB.
    pub fn of_photo(self, photo: Option<&PhotoFile>) -> FileOptions<'_> {
        FileOptions { photo, metadata: self.metadata, jpeg_quality: self.quality, says_edited: true }
    }
}

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

    /// Writes it.
    pub fn write<'a>(&self, picture: impl Into<Picture<'a>>, options: &FileOptions<'_>) -> anyhow::Result<()> {
        let picture = picture.into();
        if picture.has_alpha() && !self.format.has_transparency() {
            let name = self.path.display();
            warn(&format!(
                "{name}: a JPEG has no transparency, so what was transparent is white there: write a .png to keep it"
            ));
        }
        export::write(&self.path, picture, self.format, options)
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
