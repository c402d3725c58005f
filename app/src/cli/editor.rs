//! Opens the editor.

use std::path::PathBuf;

use anyhow::Context as _;

use super::CommonOptions;

/// Opens the window with these photos.
pub fn run(common: &CommonOptions, photos: Vec<PathBuf>) -> anyhow::Result<()> {
    // Said here, where it was typed: a misspelt command is a photo that does not exist.
    for photo in &photos {
        let opened = std::fs::File::open(photo);
        opened.with_context(|| format!("cannot open the photo {} (and no command has this name)", photo.display()))?;
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
