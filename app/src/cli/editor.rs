//! Opens the editor.

use std::path::PathBuf;

use anyhow::Context as _;
use stylebrush_app::editor::{self, EditorOptions, UserFolders};
use stylebrush_app::settings::{Device, Settings};
use stylemap::engine::WorkerOptions;
use stylemap::model::DeviceChoice;

use super::CommonOptions;
use super::failure::warn;
use super::portrait::photos_of;

/// Opens the window with these photos.
pub fn run(common: &CommonOptions, photos: Vec<PathBuf>) -> anyhow::Result<()> {
    // Without photos the demo photos are opened.
    let photos = photos_of(&photos)?;
    // Said here, where it was typed, and not only in the window.
    for photo in &photos {
        // A misspelt command is taken for a photo.
        let hint = if photo.extension().is_none() { ", and there is no command of this name" } else { "" };
        let opened = std::fs::File::open(photo);
        opened.with_context(|| format!("cannot open the photo {}{hint}", photo.display()))?;
    }
    let source = common.model_source()?;
    let (model_label, model_card) = (source.label(), source.card());
    // Without a home the editor works, and forgets.
    let folders = UserFolders::of_user().map_err(|err| warn(&format!("{err:#}"))).ok();
    // What is typed counts more than what is kept. The editor says what is wrong with the settings.
    let kept = folders.as_ref().and_then(|folders| Settings::load(&folders.settings).ok()).unwrap_or_default().engine;
    let device = match (common.device, kept.device) {
        (DeviceChoice::Auto, Device::Cpu) => DeviceChoice::Cpu,
        (device, _) => device,
    };
    let dtype = common.dtype;
    editor::run(EditorOptions {
        photos,
        are_aligned: common.aligned,
        load_engine: Box::new(move || {
            let mut engine = source.engine(device, dtype)?;
            if let Some(mib) = kept.cache_mib {
                engine.set_cache_budget((mib as usize) << 20);
            }
            Ok(engine)
        }),
        model_label,
        model_card,
        worker: WorkerOptions::default(),
        folders,
        uses_dialogs: true,
    })
}
