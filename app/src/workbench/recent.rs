//! The photos and projects that were in use lately. Their list is read, written and looked through by jobs: a disk may be slow,
//! and a file on it far away.

use std::path::{Path, PathBuf};

use super::{JobKind, Workbench};
use crate::project::recent::{RecentFile, RecentFiles, RecentKind};

/// What is to become of the list.
enum Change {
    Add(RecentKind, PathBuf),
    Forget,
}

/// The list, as the window sees it.
#[derive(Default)]
pub struct Recent {
    /// None while a job has it, or where none is kept.
    list: Option<RecentFiles>,
    waiting: Vec<Change>,
    /// Whether what is known of the files is as old as the program.
    is_new: bool,
    projects: Vec<RecentFile>,
    photos: Vec<RecentFile>,
}

impl Recent {
    /// A list that is kept in this file; none keeps none.
    pub(super) fn start(file: Option<PathBuf>) -> Self {
        Self { is_new: file.is_some(), list: file.map(RecentFiles::new), ..Self::default() }
    }

    /// The files of a kind, the latest first, as they were when they were last looked for.
    pub fn files(&self, kind: RecentKind) -> &[RecentFile] {
        match kind {
            RecentKind::Project => &self.projects,
            RecentKind::Photo => &self.photos,
        }
    }

    /// Whether everything is on the disk, and what is known of the files is not too old.
    pub(super) fn is_kept(&self) -> bool {
        !self.is_new && self.waiting.is_empty()
    }

    /// Writes what is not yet on the disk, at the end of the program.
    pub(super) fn close(&mut self) {
        if let Some(mut list) = self.list.take()
            && let Err(err) = apply(&mut list, std::mem::take(&mut self.waiting))
        {
            log::error!("{err:#}");
        }
    }
}

fn apply(list: &mut RecentFiles, changes: Vec<Change>) -> anyhow::Result<()> {
    let mut changes = changes.into_iter();
    changes.try_for_each(|change| match change {
        Change::Add(kind, path) => list.add(kind, &path),
        Change::Forget => list.clear(),
    })
}

impl Workbench {
    /// The photos and projects that were in use lately.
    pub fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Puts a file at the top of its list.
    pub(super) fn remember(&mut self, kind: RecentKind, path: &Path) {
        self.recent.waiting.push(Change::Add(kind, path.to_owned()));
    }

    pub(super) fn forget_recent(&mut self) {
        self.recent.projects.clear();
        self.recent.photos.clear();
        self.recent.waiting.push(Change::Forget);
    }

    /// Brings the list to the disk, and looks which of its files are there.
    pub(super) fn keep_recent(&mut self) {
        if self.recent.is_kept() {
            return;
        }
        let Some(list) = self.recent.list.take() else {
            // Another job has it, or nobody keeps any.
            if self.jobs.count(JobKind::KeepRecent) == 0 {
                self.recent.waiting.clear();
            }
            return;
        };
        self.recent.is_new = false;
        let changes = std::mem::take(&mut self.recent.waiting);
        let mut of_job = list.clone();
        let started = self.jobs.start(JobKind::KeepRecent, move |_| {
            let kept = apply(&mut of_job, changes);
            of_job.reload();
            let [projects, photos] = [RecentKind::Project, RecentKind::Photo].map(|kind| of_job.files(kind));
            Box::new(move |bench: &mut Self| {
                if let Err(err) = kept {
                    bench.tell_error(&err.context("the list of recent files could not be kept"));
                }
                let recent = &mut bench.recent;
                (recent.projects, recent.photos, recent.list) = (projects, photos, Some(of_job));
            })
        });
        if let Err(err) = started {
            self.recent.list = Some(list);
            log::error!("the list of recent files could not be kept: {err:#}");
        }
    }
}
