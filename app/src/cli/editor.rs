//! Opens the editor.

use std::path::PathBuf;

use anyhow::Context as _;

use super::CommonOptions;

/// Opens the window with these photos.
pub fn run(common: &CommonOptions, photos: Vec<PathBuf>) -> anyhow::Result<()> {
    // Said here, where it was typed, and not only in the window.
    for photo in &photos {
        // A misspelt command is taken for a photo.
        let hint = if photo.extension().is_none() { ", and there is no command of this name" } else { "" };
        let opened = std::fs::File::open(photo);
        opened.with_context(|| format!("cannot open the photo {}{hint}", photo.display()))?;
    }
    let source = common.model_source()?;
    let (device, dtype) = (common.device, common.dtype);
    let model_label = source.label();
    open_window(photos, Box::new(move || source.engine(device, dtype)), model_label)
}

// PLACEHOLDER: to be replaced by `stylebrush_app::editor::run(EditorOptions { photos, load_engine, model_label, … })`.
fn open_window(
    _photos: Vec<PathBuf>,
    _load_engine: Box<dyn FnOnce() -> stylemap::Result<stylemap::engine::Engine> + Send>,
    _model_label: String,
) -> anyhow::Result<()> {
    anyhow::bail!("this build has no editor yet")
}
