//! Many pictures at once: a folder of numbered files.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{FileOptions, Format, Picture, encode};

/// Names of folders that pictures wait in until all are there, around a number; and of the file in them that is locked.
const STAGING_PREFIX: &str = ".stylebrush-";
const STAGING_SUFFIX: &str = ".part";
const LOCK_NAME: &str = ".lock";

/// Checks that there is a folder for a file of this name.
///
/// # Errors
/// When there is none.
pub fn check_folder_of(path: &Path) -> anyhow::Result<()> {
    let folder = folder_of(path);
    anyhow::ensure!(folder.is_dir(), "cannot write {}: there is no folder {}", path.display(), folder.display());
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The names of `count` pictures in a row, so that sorting by name keeps their order.
pub fn numbered_names(count: usize) -> impl Iterator<Item = String> {
    let digits = count.to_string().len().max(4);
    (1..=count).map(move |number| format!("{number:0digits$}.png"))
}

/// A folder of PNG files. They are written to a folder of their own and moved when all are there: a failure leaves none.
#[derive(Debug)]
pub struct PictureFolder {
    path: PathBuf,
    staging: PathBuf,
    /// Held while this program lives, see [`remove_abandoned_staging`].
    lock: Option<File>,
    names: Vec<String>,
}

impl PictureFolder {
    /// Checks that pictures can go there; a folder that does not exist is made, inside one that does.
    ///
    /// # Errors
    /// When that folder does not exist either, or `path` is a file.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(
            path.is_dir() || !path.exists(),
            "cannot write pictures to {}: it is a file, and must be a folder",
            path.display()
        );
        if !path.is_dir() {
            check_folder_of(path)?;
        }
        let parent = if path.is_dir() { path } else { folder_of(path) };
        remove_abandoned_staging(parent);
        let staging = parent.join(format!("{STAGING_PREFIX}{}{STAGING_SUFFIX}", std::process::id()));
        Ok(Self { path: path.to_owned(), staging, lock: None, names: Vec::new() })
    }

    /// Writes the next picture.
    pub fn add<'a>(
        &mut self,
        name: String,
        picture: impl Into<Picture<'a>>,
        options: &FileOptions<'_>,
    ) -> anyhow::Result<()> {
        let cannot = || format!("cannot write {name} to {}", self.path.display());
        let bytes = encode(picture, Format::Png, options).with_context(cannot)?;
        std::fs::create_dir_all(&self.staging).with_context(cannot)?;
        if self.lock.is_none() {
            let lock = File::create(self.staging.join(LOCK_NAME)).with_context(cannot)?;
            // Some file systems cannot.
            let _ = lock.try_lock();
            self.lock = Some(lock);
        }
        std::fs::write(self.staging.join(&name), bytes).with_context(cannot)?;
        self.names.push(name);
        Ok(())
    }

    /// Gives the pictures their place. Where there are none, no folder is made.
    pub fn finish(self) -> anyhow::Result<()> {
        if self.names.is_empty() {
            return Ok(());
        }
        let cannot = || format!("cannot write pictures to {}", self.path.display());
        std::fs::create_dir_all(&self.path).with_context(cannot)?;
        for name in &self.names {
            std::fs::rename(self.staging.join(name), self.path.join(name)).with_context(cannot)?;
        }
        Ok(())
    }
}

/// Removes what programs left in a folder that died while they wrote pictures. A living one holds its lock, and the system takes the
/// lock from the dead.
fn remove_abandoned_staging(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(STAGING_PREFIX)?.strip_suffix(STAGING_SUFFIX));
        if number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())) {
            let lock = File::options().write(true).open(entry.path().join(LOCK_NAME));
            if lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    }
}

impl Drop for PictureFolder {
    fn drop(&mut self) {
        // Some systems remove no file that is open.
        self.lock = None;
        // It is not there if nothing was written.
        let _ = std::fs::remove_dir_all(&self.staging);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::{Rgb, RgbImage};

    use super::*;

    fn picture() -> RgbImage {
        RgbImage::from_fn(8, 8, |x, y| Rgb([x as u8 * 30, y as u8 * 30, 77]))
    }

    #[test]
    fn an_abandoned_folder_of_pictures_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frames");
        let mut frames = PictureFolder::new(&path).unwrap();
        frames.add("1.png".to_owned(), &picture(), &FileOptions::default()).unwrap();
        drop(frames);
        PictureFolder::new(&path).unwrap().finish().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut frames = PictureFolder::new(&path).unwrap();
        frames.add("1.png".to_owned(), &picture(), &FileOptions::default()).unwrap();
        frames.finish().unwrap();
        assert!(path.join("1.png").is_file());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(PictureFolder::new(&folder.path().join("no/such")).is_err());
    }

    #[test]
    fn what_the_dead_left_is_removed_and_what_the_living_write_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (dead, foreign) = (folder.path().join(".stylebrush-1.part"), folder.path().join(".stylebrush-notes.part"));
        for path in [&dead, &foreign] {
            std::fs::create_dir(path).unwrap();
            std::fs::write(path.join(LOCK_NAME), "").unwrap();
        }
        let mut frames = PictureFolder::new(folder.path()).unwrap();
        assert!(!dead.exists() && foreign.exists());
        frames.add("1.png".to_owned(), &picture(), &FileOptions::default()).unwrap();
        let mut others = PictureFolder::new(folder.path()).unwrap();
        others.staging = folder.path().join(".stylebrush-2.part");
        frames.finish().unwrap();
        assert!(folder.path().join("1.png").is_file());
    }

    #[test]
    fn numbers_have_as_many_digits_as_the_last() {
        assert_eq!(numbered_names(2).collect::<Vec<_>>(), ["0001.png", "0002.png"]);
        assert_eq!(numbered_names(20_000).next(), Some("00001.png".to_owned()));
    }
}
