//! The file of the presets, beside that of the settings: read at the start, written when they change.

use std::path::PathBuf;

use super::{JobKind, UserFolders, Workbench};
use crate::presets::Presets;

const NAME: &str = "presets.json";

/// Where the presets are kept, and as what.
pub struct PresetsFile {
    /// None keeps none: nobody wants it, or what is there cannot be understood and is left as it is.
    path: Option<PathBuf>,
    /// As they are on the disk.
    kept: Presets,
}

impl PresetsFile {
    /// Reads the presets; where that fails there are none.
    pub fn load(folders: Option<&UserFolders>, failed: impl FnOnce(anyhow::Error)) -> (Presets, Self) {
        let path = folders.map(|folders| folders.settings.with_file_name(NAME));
        match path.as_deref().map(Presets::load).transpose() {
            Ok(presets) => {
                let presets = presets.unwrap_or_default();
                (presets.clone(), Self { path, kept: presets })
            }
            Err(err) => {
                failed(err);
                (Presets::default(), Self { path: None, kept: Presets::default() })
            }
        }
    }

    /// Writes what is not yet on the disk, at the end of the program.
    pub fn close(&self, presets: &Presets) {
        if let Some(path) = self.path.as_ref().filter(|_| *presets != self.kept)
            && let Err(err) = presets.save(path)
        {
            log::error!("{err:#}");
        }
    }
}

impl Workbench {
    /// Writes presets that changed, as a job.
    pub(super) fn keep_presets(&mut self) {
        // One after the other: an older state must not come last.
        if self.presets == self.presets_file.kept || self.jobs.count(JobKind::KeepSettings) > 0 {
            return;
        }
        self.presets_file.kept = self.presets.clone();
        let Some(path) = self.presets_file.path.clone() else { return };
        let presets = self.presets.clone();
        let started = self.jobs.start(JobKind::KeepSettings, move |_| {
            let saved = presets.save(&path);
            Box::new(move |bench: &mut Self| {
                if let Err(err) = saved {
                    bench.tell_error(&err);
                }
            })
        });
        if let Err(err) = started {
            self.tell_error(&err.context("the presets could not be kept"));
        }
    }
}
