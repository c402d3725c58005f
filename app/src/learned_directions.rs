//! Directions that the user taught a model: one file for each model, where every command and the window find it.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use stylemap::config::Config;
use stylemap::directions::Directions;

/// The file in the folder of such files, by the hash that projects know the model by, in hexadecimal.
pub fn file_in(folder: &Path, model_hash: &str) -> PathBuf {
    folder.join(format!("{model_hash}.directions.safetensors"))
}

/// What is in it; nothing where there is no such file.
///
/// # Errors
/// When the file is damaged, or another model's.
pub fn load(file: &Path, config: &Config) -> stylemap::Result<Directions> {
    if file.exists() { Directions::load(file, config) } else { Ok(Directions::default()) }
}

/// Writes it, and makes its folder.
///
/// # Errors
/// When it cannot be written.
pub fn save(directions: &Directions, file: &Path) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    }
    Ok(directions.save(file)?)
}
