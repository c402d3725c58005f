//! Opens the editor.

use std::path::PathBuf;

use anyhow::Context as _;
use stylebrush_app::editor::{self, EditorOptions, UserFolders};
use stylemap::engine::WorkerOptions;

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
    let (device, dtype) = (common.device, common.dtype);
    let (model_label, model_card) = (source.label(), source.card());
    // Without a home the editor works, and forgets.
    let folders = UserFolders::of_user().map_err(|err| warn(&format!("{err:#}"))).ok();
    editor::run(EditorOptions {
        photos,
        are_aligned: common.aligned,
        load_engine: Box::new(move || source.engine(device, dtype)),
        model_label,
        model_card,
        worker: WorkerOptions::default(),
        folders,
        uses_dialogs: true,
    })
}
