//! Where the program keeps what it stores for its user.

use std::path::PathBuf;

use etcetera::{BaseStrategy as _, HomeDirError};

/// On Linux in lower case, as is the custom in these folders.
const NAME: &str = if cfg!(any(target_os = "windows", target_os = "macos")) { "Stylebrush" } else { "stylebrush" };

/// Autosaves: in `$XDG_DATA_HOME` (`~/.local/share`), `%APPDATA%` or `~/Library/Application Support`. The folder need not
/// exist.
///
/// # Errors
/// When the user has no home.
pub fn recovery_folder() -> anyhow::Result<PathBuf> {
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(no_home)?;
    Ok(strategy.data_dir().join(NAME).join("recovery"))
}

/// The list of recent files: in `$XDG_STATE_HOME` (`~/.local/state`), or beside the autosaves where there is no such folder.
/// The file need not exist.
///
/// # Errors
/// When the user has no home.
pub fn recent_file() -> anyhow::Result<PathBuf> {
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(no_home)?;
    Ok(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join(NAME).join("recent.json"))
}

/// A folder for directions that models were taught, see [`crate::learned_directions`]: beside the autosaves. The folder need not exist.
///
/// # Errors
/// When the user has no home.
pub fn directions_folder() -> anyhow::Result<PathBuf> {
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(no_home)?;
    Ok(strategy.data_dir().join(NAME).join("directions"))
}

/// A folder for what can be made again: in `$XDG_CACHE_HOME` (`~/.cache`), `%LOCALAPPDATA%` or `~/Library/Caches`. The folder need not exist.
///
/// # Errors
/// When the user has no home.
pub fn cache_folder() -> anyhow::Result<PathBuf> {
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(no_home)?;
    Ok(strategy.cache_dir().join(NAME))
}

/// The settings: in `$XDG_CONFIG_HOME` (`~/.config`), or where the autosaves are. The file need not exist.
///
/// # Errors
/// When the user has no home.
pub fn settings_file() -> anyhow::Result<PathBuf> {
    let strategy = etcetera::base_strategy::choose_native_strategy().map_err(no_home)?;
    Ok(strategy.config_dir().join(NAME).join("settings.json"))
}

fn no_home(_: HomeDirError) -> anyhow::Error {
    anyhow::anyhow!("your home folder is not known to the system, so nothing can be kept there")
}
