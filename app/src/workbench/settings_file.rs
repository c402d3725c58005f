//! The file of the settings: read at the start, written when they change.

use std::path::PathBuf;

use super::{JobKind, UserFolders, Workbench};
use crate::settings::Settings;

/// Where the settings are kept, and as what.
pub struct SettingsFile {
    /// None keeps none.
    path: Option<PathBuf>,
    /// As they are on the disk.
    kept: Settings,
}

impl SettingsFile {
    /// Reads the settings; where that fails they are those that come with the program.
    pub fn load(folders: Option<&UserFolders>, failed: impl FnOnce(anyhow::Error)) -> (Settings, Self) {
        let path = folders.map(|folders| folders.settings.clone());
        let settings = path.as_deref().map(Settings::load).transpose().unwrap_or_else(|err| {
            failed(err);
            None
        });
        let settings = settings.unwrap_or_default();
        (settings.clone(), Self { path, kept: settings })
    }

    /// Writes what is not yet on the disk, at the end of the program.
    pub fn close(&self, settings: &Settings) {
        if let Some(path) = self.path.as_ref().filter(|_| *settings != self.kept)
            && let Err(err) = settings.save(path)
        {
            log::error!("{err:#}");
        }
    }
}

impl Workbench {
    /// Writes settings that changed, as a job: a disk may be slow. The window's size alone waits for the end.
    pub(super) fn keep_settings(&mut self) {
        // One after the other: an older state must not come last.
        if self.jobs.count(JobKind::KeepSettings) > 0 {
            return;
        }
        let kept = &mut self.settings_file.kept;
        let window = std::mem::replace(&mut kept.sizes.window, self.settings.sizes.window);
        let is_kept = self.settings == *kept;
        kept.sizes.window = window;
        if is_kept {
            return;
        }
        *kept = self.settings.clone();
        let Some(path) = self.settings_file.path.clone() else { return };
        let settings = self.settings.clone();
        let started = self.jobs.start(JobKind::KeepSettings, move |_| {
            if let Err(err) = settings.save(&path) {
                log::error!("{err:#}");
            }
            Box::new(|_| {})
        });
        if let Err(err) = started {
            log::error!("the settings could not be kept: {err:#}");
        }
    }
}
