//! What is not saved outlives the program: autosaves in a folder of the user's, offered by the next start after a crash.
//!
//! Every running program has a slot: an autosave and, beside it, a file that it holds a lock on. The system takes the
//! lock from a program that ends, however it ends, so a slot that can be locked belongs to nobody, and no program offers the
//! live work of another. Whoever looks at a slot holds its lock, so that two programs never offer the same one.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use image::RgbImage;
use stylemap::files::remove_abandoned_parts;

use super::archive::Archive;
use super::{EXTENSION, Project, opening, saving};

const LOCK_EXTENSION: &str = "lock";

/// The place for the autosave of one program. Dropped, it stays as it is, to be recovered: only [`AutosaveSlot::close`] says
/// that nothing is to be recovered.
#[derive(Debug)]
pub struct AutosaveSlot {
    autosave: PathBuf,
    lock_path: PathBuf,
    /// Locked as long as this lives.
    lock: File,
}

impl AutosaveSlot {
    /// A new one in this folder, which is made where it does not exist.
    ///
    /// # Errors
    /// When the folder cannot be written to, or its file system knows no locks.
    pub fn claim(folder: &Path) -> anyhow::Result<Self> {
        let claim = || -> io::Result<Self> {
            std::fs::create_dir_all(folder)?;
            let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
            let mut number = since_1970.as_millis();
            loop {
                let autosave = folder.join(format!("{number}-{}.{EXTENSION}", std::process::id()));
                let lock_path = autosave.with_extension(LOCK_EXTENSION);
                match OpenOptions::new().write(true).create_new(true).open(&lock_path) {
                    Ok(lock) => {
                        lock.lock()?;
                        // Somebody may have looked in between, and cleared away what belonged to nobody.
                        if lock_path.exists() {
                            return Ok(Self { autosave, lock_path, lock });
                        }
                    }
                    Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
                    Err(err) => return Err(err),
                }
                number += 1;
            }
        };
        claim().with_context(|| format!("there is no autosave, because {} takes no files", folder.display()))
    }

    /// Saves a project there, with a note of the file it was saved in before, if any.
    ///
    /// # Errors
    /// As [`super::save`].
    pub fn save(&self, project: &Project, saved_as: Option<&Path>) -> anyhow::Result<()> {
        let saved = saving::write(&self.autosave, project, saved_as);
        saved.context("the autosave failed")
    }

    /// Everything is saved where the user wants it: there is nothing to recover.
    ///
    /// # Errors
    /// When the autosave cannot be removed.
    pub fn clear(&self) -> anyhow::Result<()> {
        remove_if_there(&self.autosave)
            .with_context(|| format!("the autosave {} cannot be removed", self.autosave.display()))
    }

    /// Ends as after a good day: nothing is left.
    ///
    /// # Errors
    /// When the autosave cannot be removed.
    pub fn close(self) -> anyhow::Result<()> {
        self.clear()?;
        // Still locked, so that nobody finds it meanwhile. Where a file in use cannot be removed, the next start does it.
        let _ = std::fs::remove_file(&self.lock_path);
        Ok(())
    }
}

impl Drop for AutosaveSlot {
    fn drop(&mut self) {
        // Closing the file is not enough while a process that is just being started shares it.
        let _ = self.lock.unlock();
    }
}

fn remove_if_there(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
        _ => Ok(()),
    }
}

/// An autosave whose program ended without saying so. As long as this lives, no other program offers it; dropped, the next
/// start will.
#[derive(Debug)]
pub struct Leftover {
    /// When it was saved.
    pub saved_at: SystemTime,
    /// The project's file, where it had one: what the recovered project is to be saved as.
    pub saved_as: Option<PathBuf>,
    /// What to call it: the name of the project's file, else that of its first photo; none if it cannot be read.
    pub name: Option<String>,
    /// What it shows.
    pub thumbnail: Option<RgbImage>,
    slot: AutosaveSlot,
}

impl Leftover {
    /// The autosave, for [`super::open`].
    pub fn path(&self) -> &Path {
        &self.slot.autosave
    }

    /// Goes on in its place: the program that recovers it keeps its autosave there from now on, so that at no moment there is
    /// none.
    pub fn adopt(self) -> AutosaveSlot {
        self.slot
    }

    /// The user does not want it.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn discard(self) -> anyhow::Result<()> {
        self.slot.close()
    }
}

/// The autosaves in this folder that belong to no living program, the newest first. What else the dead left there is removed.
pub fn leftovers(folder: &Path) -> Vec<Leftover> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    // By autosave as by lock: either may be all that is left.
    let mut autosaves: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == EXTENSION || end == LOCK_EXTENSION))
        .map(|path| path.with_extension(EXTENSION))
        .collect();
    autosaves.sort();
    autosaves.dedup();
    let mut leftovers: Vec<Leftover> = autosaves.into_iter().filter_map(leftover).collect();
    leftovers.sort_by_key(|leftover| std::cmp::Reverse(leftover.saved_at));
    leftovers
}

/// How many programs live in this folder.
pub fn living(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let is_held = |path: &PathBuf| {
        let lock = OpenOptions::new().write(true).open(path);
        lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
    };
    let files = entries.flatten().map(|entry| entry.path());
    files.filter(|path| path.extension().is_some_and(|end| end == LOCK_EXTENSION)).filter(is_held).count()
}

fn leftover(autosave: PathBuf) -> Option<Leftover> {
    let lock_path = autosave.with_extension(LOCK_EXTENSION);
    let lock = OpenOptions::new().write(true).create(true).truncate(false).open(&lock_path).ok()?;
    match lock.try_lock() {
        Ok(()) => {}
        // Somebody lives there, or nobody can tell.
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return None,
    }
    remove_abandoned_parts(&autosave);
    let slot = AutosaveSlot { autosave, lock_path, lock };
    let Ok(saved_at) = slot.autosave.metadata().and_then(|metadata| metadata.modified()) else {
        // A lock without an autosave, unless the disk fails.
        if !slot.autosave.exists() {
            let _ = slot.close();
        }
        return None;
    };
    let record = Archive::open(&slot.autosave).and_then(|mut archive| opening::record(&mut archive)).ok();
    let saved_as = record.as_ref().and_then(|record| record.autosave_of.as_ref()).map(PathBuf::from);
    let name = saved_as.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    let first_photo = record.and_then(|record| record.photos.into_iter().next()).map(|photo| photo.name);
    Some(Leftover {
        saved_at,
        name: name.or(first_photo),
        thumbnail: super::thumbnail(&slot.autosave).ok().flatten(),
        saved_as,
        slot,
    })
}
