//! Files that the commands write: checked before any work, written whole or not at all.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use image::RgbImage;
use stylebrush_app::export::{self, Format};

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
    pub fn write(&self, picture: &RgbImage) -> anyhow::Result<()> {
        export::write(&self.path, picture, self.format, None)
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

fn check_folder_of(path: &Path) -> anyhow::Result<()> {
    let folder = folder_of(path);
    anyhow::ensure!(folder.is_dir(), "cannot write {}: there is no folder {}", path.display(), folder.display());
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A folder of numbered pictures. They are written to a folder of their own and moved when all are there: a failure leaves
/// none.
#[derive(Debug)]
pub struct PictureFolder {
    path: PathBuf,
    staging: PathBuf,
    digits: usize,
    names: Vec<String>,
}

impl PictureFolder {
    /// Checks that `count` pictures can go there; a folder that does not exist is made, inside one that does.
    ///
    /// # Errors
    /// When that folder does not exist either, or `path` is a file.
    pub fn new(path: &Path, count: usize) -> anyhow::Result<Self> {
        anyhow::ensure!(
            path.is_dir() || !path.exists(),
            "cannot write pictures to {}: it is a file, and must be a folder",
            path.display()
        );
        if !path.is_dir() {
            check_folder_of(path)?;
        }
        let parent = if path.is_dir() { path } else { folder_of(path) };
        let staging = parent.join(format!(".stylebrush-{}.part", std::process::id()));
        Ok(Self { path: path.to_owned(), staging, digits: count.to_string().len().max(4), names: Vec::new() })
    }

    /// Writes the next picture.
    pub fn add(&mut self, picture: &RgbImage) -> anyhow::Result<()> {
        let name = format!("{:0digits$}.png", self.names.len() + 1, digits = self.digits);
        let cannot = || format!("cannot write {name} to {}", self.path.display());
        let bytes = export::encode(picture, Format::Png, None).with_context(cannot)?;
        std::fs::create_dir_all(&self.staging).with_context(cannot)?;
        std::fs::write(self.staging.join(&name), bytes).with_context(cannot)?;
        self.names.push(name);
        Ok(())
    }

    /// Gives the pictures their place.
    pub fn finish(self) -> anyhow::Result<()> {
        let cannot = || format!("cannot write pictures to {}", self.path.display());
        std::fs::create_dir_all(&self.path).with_context(cannot)?;
        for name in &self.names {
            std::fs::rename(self.staging.join(name), self.path.join(name)).with_context(cannot)?;
        }
        Ok(())
    }
}

impl Drop for PictureFolder {
    fn drop(&mut self) {
        // It is not there if nothing was written.
        let _ = std::fs::remove_dir_all(&self.staging);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::Rgb;

    use super::*;

    fn picture() -> RgbImage {
        RgbImage::from_fn(8, 8, |x, y| Rgb([x as u8 * 30, y as u8 * 30, 77]))
    }

    #[test]
    fn an_abandoned_folder_of_pictures_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frames");
        let mut frames = PictureFolder::new(&path, 2).unwrap();
        frames.add(&picture()).unwrap();
        drop(frames);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut frames = PictureFolder::new(&path, 20_000).unwrap();
        frames.add(&picture()).unwrap();
        frames.finish().unwrap();
        assert!(path.join("00001.png").is_file());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(PictureFolder::new(&folder.path().join("no/such"), 2).is_err());
    }
}
