//! Which model: the one inside the program, or a file.

use std::path::{Path, PathBuf};

use stylebrush_app::{learned_directions as learned, project};
use stylemap::checkpoint::{Checkpoint, Identity};
use stylemap::config::Config;
use stylemap::directions::Directions;
use stylemap::engine::Engine;
use stylemap::model::{DeviceChoice, DtypeChoice};
use stylemap::{Error, Result};

#[cfg(feature = "embedded-model")]
const EMBEDDED: Option<&[u8]> = Some(include_bytes!("../../weights/default.safetensors"));
#[cfg(feature = "embedded-model")]
const EMBEDDED_DIRECTIONS: &[u8] = include_bytes!("../../weights/directions.safetensors");
#[cfg(not(feature = "embedded-model"))]
const EMBEDDED: Option<&[u8]> = None;
#[cfg(not(feature = "embedded-model"))]
const EMBEDDED_DIRECTIONS: &[u8] = &[];

/// What is written about it.
const CARD: &str = include_str!("../../weights/README.md");

/// Where the weights come from.
#[derive(Clone, Debug)]
pub enum ModelSource {
    /// The default model, inside the program.
    Embedded(&'static [u8]),
    /// Our safetensors or a published checkpoint.
    File(PathBuf),
}

impl ModelSource {
    /// The file if one is named, else the embedded model.
    ///
    /// # Errors
    /// When no file is named and this build has no embedded model.
    pub fn new(file: Option<PathBuf>) -> Result<Self> {
        match (file, EMBEDDED) {
            (Some(path), _) => Ok(Self::File(path)),
            (None, Some(bytes)) => Ok(Self::Embedded(bytes)),
            (None, None) => Err(Error::argument("this build has no model of its own: name one with --model FILE")),
        }
    }

    /// What to call it before it is loaded.
    pub fn label(&self) -> String {
        match self {
            Self::Embedded(_) => "default model".to_owned(),
            Self::File(path) => path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned(),
        }
    }

    /// What is written about it, in Markdown; none for a file.
    pub fn card(&self) -> Option<&'static str> {
        match self {
            Self::Embedded(_) => Some(CARD),
            Self::File(_) => None,
        }
    }

    /// Reads it, with its named directions: those inside the program, or those in a file beside the model's, where there is one.
    ///
    /// # Errors
    /// When it cannot be read, is no model, or its directions are damaged or those of another model.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        let mut checkpoint = self.checkpoint_alone()?;
        // What the user taught it: a damaged file of that is no reason to have no model.
        match learned_directions(checkpoint.hash, &checkpoint.config) {
            Ok(learned) if learned.iter().len() > 0 => {
                let own = checkpoint.directions.take().unwrap_or_default();
                checkpoint.directions = Some(own.joined(&learned));
            }
            Ok(_) => {}
            Err(err) => log::error!("{err}"),
        }
        Ok(checkpoint)
    }

    /// By what it is known, without its tensors where it can be.
    ///
    /// # Errors
    /// When it cannot be read or is no model.
    pub fn identity(&self) -> Result<Identity> {
        match self {
            Self::Embedded(bytes) => Identity::of_bytes(bytes, "the embedded model"),
            Self::File(path) => Identity::of_file(path),
        }
    }

    fn checkpoint_alone(&self) -> Result<Checkpoint> {
        match self {
            Self::Embedded(bytes) => {
                let mut checkpoint = Checkpoint::from_bytes(bytes, "the embedded model")?;
                let directions = Directions::from_bytes(EMBEDDED_DIRECTIONS, "the embedded model", &checkpoint.config)?;
                checkpoint.directions = Some(directions);
                Ok(checkpoint)
            }
            Self::File(path) => Checkpoint::load_with_directions(path),
        }
    }

    /// The file, where it is one.
    fn path(&self) -> Option<&Path> {
        match self {
            Self::Embedded(_) => None,
            Self::File(path) => Some(path),
        }
    }

    /// Reads it and puts it on a device.
    ///
    /// # Errors
    /// When it cannot be read, is no model, or the device cannot be used.
    pub fn engine(&self, device: DeviceChoice, dtype: DtypeChoice) -> Result<Engine> {
        Engine::new(self.checkpoint()?, device, dtype).map_err(|err| with_advice(err, self.path()))
    }
}

/// Where the directions lie that were learned for a model.
///
/// # Errors
/// When the user has no home.
pub fn learned_file(model_hash: u64) -> Result<PathBuf> {
    let folder = project::directions_folder().map_err(|err| Error::argument(format!("{err:#}")))?;
    Ok(learned::file_in(&folder, &format!("{model_hash:016x}")))
}

/// The directions that were learned for a model; none where there is no file of them.
///
/// # Errors
/// When the file is damaged.
pub fn learned_directions(model_hash: u64, config: &Config) -> Result<Directions> {
    match learned_file(model_hash) {
        Ok(file) => learned::load(&file, config),
        Err(_) => Ok(Directions::default()),
    }
}

/// An error of a model's, with the file that it was read from, and with what the user can do where the device is to blame.
pub fn with_advice(err: Error, file: Option<&Path>) -> Error {
    match (err, file) {
        (Error::ModelShape(reason), Some(path)) => Error::Checkpoint { path: path.to_owned(), reason },
        (err, _) => with_advice_on_device(err),
    }
}

fn with_advice_on_device(err: Error) -> Error {
    match err {
        Error::Device(reason) => Error::Device(format!("{reason}: use --device cpu")),
        err => err,
    }
}
