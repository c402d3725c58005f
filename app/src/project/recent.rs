//! The files that were in use lately.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use stylemap::files::write_whole;

/// No longer list than this is kept, of projects as of photos.
pub const MAX_RECENT: usize = 10;
/// A longer file is not one of ours.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What a file in the list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecentKind {
    /// A project.
    Project,
    /// A photo.
    Photo,
}

/// The lists as they are kept on disk, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Lists {
    #[serde(default)]
    projects: Vec<String>,
    #[serde(default)]
    photos: Vec<String>,
}

/// The files that were in use lately, kept in a file of their own. Nothing here is worth stopping for: a list that is missing
/// or damaged is empty.
#[derive(Clone, Debug)]
pub struct RecentFiles {
    file: PathBuf,
    lists: Lists,
}

/// A file in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentFile {
    /// Where it was.
    pub path: PathBuf,
    /// It is no longer there, or not at the moment: a drive may come back.
    pub is_missing: bool,
}

impl RecentFiles {
    /// The lists in this file, not yet read.
    pub fn new(file: PathBuf) -> Self {
        Self { file, lists: Lists::default() }
    }

    /// The lists in this file.
    pub fn load(file: PathBuf) -> Self {
        let mut recent = Self::new(file);
        recent.reload();
        recent
    }

    /// Reads the file again.
    pub fn reload(&mut self) {
        self.lists = read(&self.file);
    }

    /// The list of a kind, the latest first. Looks at every file, which may take a while on a network.
    pub fn files(&self, kind: RecentKind) -> Vec<RecentFile> {
        let paths = self.lists.of(kind).iter().map(PathBuf::from);
        paths.map(|path| RecentFile { is_missing: !path.exists(), path }).collect()
    }

    /// Puts a file at the top of its list. A path that is no text cannot be kept, and is passed over.
    ///
    /// # Errors
    /// When the list cannot be written.
    pub fn add(&mut self, kind: RecentKind, path: &Path) -> anyhow::Result<()> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let Some(path) = path.to_str() else { return Ok(()) };
        self.change(|lists| {
            let list = lists.of_mut(kind);
            list.retain(|known| known != path);
            list.insert(0, path.to_owned());
        })
    }

    /// Takes a file out of its list.
    ///
    /// # Errors
    /// When the list cannot be written.
    pub fn remove(&mut self, kind: RecentKind, path: &Path) -> anyhow::Result<()> {
        self.change(|lists| lists.of_mut(kind).retain(|known| Path::new(known) != path))
    }

    /// Empties both lists.
    ///
    /// # Errors
    /// When the list cannot be written.
    pub fn clear(&mut self) -> anyhow::Result<()> {
        self.change(|lists| *lists = Lists::default())
    }

    fn change(&mut self, change: impl FnOnce(&mut Lists)) -> anyhow::Result<()> {
        // Another running program may have added to it.
        self.reload();
        change(&mut self.lists);
        self.lists.shorten();
        if let Some(folder) = self.file.parent() {
            let made = std::fs::create_dir_all(folder);
            made.with_context(|| format!("the folder {} cannot be made", folder.display()))?;
        }
        Ok(write_whole(&self.file, &serde_json::to_vec_pretty(&self.lists)?)?)
    }
}

impl Lists {
    fn of(&self, kind: RecentKind) -> &Vec<String> {
        match kind {
            RecentKind::Project => &self.projects,
            RecentKind::Photo => &self.photos,
        }
    }

    fn of_mut(&mut self, kind: RecentKind) -> &mut Vec<String> {
        match kind {
            RecentKind::Project => &mut self.projects,
            RecentKind::Photo => &mut self.photos,
        }
    }

    fn shorten(&mut self) {
        self.projects.truncate(MAX_RECENT);
        self.photos.truncate(MAX_RECENT);
    }
}

fn read(file: &Path) -> Lists {
    let is_ours = file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_FILE_BYTES);
    let json = is_ours.then(|| std::fs::read(file).ok()).flatten().unwrap_or_default();
    let mut lists: Lists = serde_json::from_slice(&json).unwrap_or_default();
    lists.shorten();
    lists
}
