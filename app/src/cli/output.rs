//! Files that the commands write: checked before any work, written whole or not at all, and never over what is read without being
//! asked to.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use stylebrush_app::export::folder::{PictureFolder, check_folder_of};
use stylebrush_app::export::{self, FileOptions, Format, MetadataChoice, Picture};
use stylemap::files::remove_abandoned_parts;
use stylemap::photo::PhotoFile;

use super::failure::warn;
use super::{CommonOptions, numbers, paths};

/// How a picture's file is written.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct OutputOptions {
    /// What becomes of what the photo's file says (camera, time, place, author, resolution), with --in-photo
    #[arg(long, value_enum, value_name = "WHAT", default_value = "keep", help_heading = "The file")]
    metadata: MetadataChoice,
    /// Quality of a .jpg, from 1 to 100 [default: with --in-photo as the photo has it, otherwise 95]
    #[arg(long, value_name = "PERCENT", value_parser = numbers::quality, help_heading = "The file")]
    quality: Option<u8>,
    /// Write colours of sixteen bits with eight
    #[arg(long, help_heading = "The file")]
    eight_bits: bool,
}

impl OutputOptions {
    /// For a picture in the numbers of this photo; none is sRGB.
    pub fn of_photo(self, photo: Option<&PhotoFile>) -> FileOptions<'_> {
        FileOptions {
            photo,
            metadata: self.metadata,
            jpeg_quality: self.quality,
            eight_bits: self.eight_bits,
            ..FileOptions::default()
        }
    }
}

/// A picture to be written.
#[derive(Debug)]
pub struct PictureFile {
    path: PathBuf,
    format: Format,
}

impl PictureFile {
    /// Checks that a picture can go there, made of these inputs. `-` is the standard output, which gets a PNG.
    ///
    /// # Errors
    /// When the name ends in no format that can be written, the folder does not exist, or an input lies there.
    pub fn new<'a>(
        path: &Path,
        inputs: impl IntoIterator<Item = &'a Path>,
        common: &CommonOptions,
    ) -> anyhow::Result<Self> {
        if paths::is_standard_stream(path) {
            return Ok(Self { path: path.to_owned(), format: Format::Png });
        }
        let format = Format::of(path)?;
        check_place(path)?;
        check_inputs(path, inputs, common)?;
        remove_abandoned_parts(path);
        Ok(Self { path: path.to_owned(), format })
    }

    /// Checks that a transparent picture can go there.
    ///
    /// # Errors
    /// When the format has no transparency.
    pub fn check_transparency(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.format.has_transparency(),
            "cannot write {}: a JPEG has no transparency, which --change-only needs; write a .png, .webp or .tif",
            self.path.display()
        );
        Ok(())
    }

    /// Whether it goes to the standard output, which then has room for nothing else.
    pub fn is_standard_output(&self) -> bool {
        paths::is_standard_stream(&self.path)
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
        if !self.is_standard_output() {
            return export::write(&self.path, picture, self.format, options);
        }
        let bytes = export::encode(picture, self.format, options)?;
        let mut out = std::io::stdout().lock();
        out.write_all(&bytes).and_then(|()| out.flush()).context("cannot write to the standard output")
    }
}

/// Numbered pictures in a folder.
#[derive(Debug)]
pub struct Frames {
    folder: PictureFolder,
    path: PathBuf,
    /// Those of an older run.
    older: Vec<PathBuf>,
}

impl Frames {
    /// Checks that frames can go there.
    ///
    /// # Errors
    /// When there is no place for the folder, or it holds frames of an older run and nobody said that they may go.
    pub fn new(path: &Path, common: &CommonOptions) -> anyhow::Result<Self> {
        let folder = PictureFolder::new(path)?;
        let older = numbered_in(path);
        if let ([first, ..], false) = (older.as_slice(), common.overwrite) {
            anyhow::bail!(
                "{} already holds numbered pictures such as {}: name another folder, or replace them with --overwrite",
                path.display(),
                first.file_name().unwrap_or_default().display()
            );
        }
        Ok(Self { folder, path: path.to_owned(), older })
    }

    /// Writes the next picture.
    pub fn add<'a>(
        &mut self,
        name: String,
        picture: impl Into<Picture<'a>>,
        options: &FileOptions<'_>,
    ) -> anyhow::Result<()> {
        let path = self.path.join(&name);
        self.older.retain(|older| *older != path);
        self.folder.add(name, picture, options)
    }

    /// Gives the pictures their place, and takes those of the older run away that were not replaced.
    pub fn finish(self) -> anyhow::Result<()> {
        let Self { folder, path: _, older } = self;
        folder.finish()?;
        for path in older {
            std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(())
    }
}

/// Files of a folder with names as `numbered_names` gives them, sorted.
fn numbered_in(folder: &Path) -> Vec<PathBuf> {
    let is_numbered = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let is_png = path.extension().is_some_and(|extension| extension == "png");
        is_png && stem.len() >= 4 && stem.bytes().all(|byte| byte.is_ascii_digit())
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut numbered: Vec<_> = entries.filter(is_numbered).collect();
    numbered.sort();
    numbered
}

/// Checks that none of the inputs would be written over.
///
/// # Errors
/// When one would, and nobody said that it may.
pub fn check_inputs<'a>(
    output: &Path,
    inputs: impl IntoIterator<Item = &'a Path>,
    common: &CommonOptions,
) -> anyhow::Result<()> {
    let Some(output_file) = output.canonicalize().ok().filter(|_| !common.overwrite) else { return Ok(()) };
    let inputs = inputs.into_iter().map(paths::of_argument).chain(common.model.clone());
    for input in inputs {
        let is_output = input.canonicalize().is_ok_and(|input| input == output_file);
        anyhow::ensure!(
            !is_output,
            "cannot write {}: it is read too; name another file, or replace it with --overwrite",
            output.display()
        );
    }
    Ok(())
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

/// Checks that a file can go there.
///
/// # Errors
/// When there is a folder in its place, or none for it.
pub fn check_place(path: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(!path.is_dir(), "cannot write {}: it is a folder", path.display());
    check_folder_of(path)
}
