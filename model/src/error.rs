//! What can go wrong, each as one sentence that says what is wrong and, where there is something to do, what to do.

use std::path::PathBuf;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Everything that the library reports. Every message is one plain sentence, ready to be shown to a user.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be read or written.
    #[error("{action} {path}: {source}", path = path.display())]
    Io {
        /// What was attempted, as the beginning of a sentence: "cannot read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not a checkpoint that can be read, or a damaged one.
    #[error("{path} is not a usable checkpoint: {reason}", path = path.display())]
    Checkpoint {
        /// The file that was read.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is not one of named directions, is damaged, or belongs to another model.
    #[error("{path} has no usable directions: {reason}", path = path.display())]
    Directions {
        /// The file that was read.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is not the network that says how different pictures look.
    #[error("{path} is not the LPIPS network: {reason}", path = path.display())]
    Lpips {
        /// The file that was read.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The checkpoint can be read but its tensors are not those of a StyleMapGAN of its own configuration.
    #[error("the model does not fit its configuration: {0}")]
    ModelShape(String),
    /// The file is not a picture that can be read.
    #[error("{path} is not a picture that can be read: {reason}", path = path.display())]
    Picture {
        /// The file that was read.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// No face was found in a photo.
    #[error("no face was found in the photo")]
    NoFace,
    /// The embedded face detector cannot be read or run: a damaged build.
    #[error("the face detector is damaged: {0}")]
    Detector(String),
    /// A number, size or option is outside what the operation takes.
    #[error("{0}")]
    Argument(String),
    /// The device cannot be used in this build or on this machine.
    #[error("{0}")]
    Device(String),
    /// A mistake in this crate, caught before it could take the program down.
    #[error("the engine made a mistake ({0}): please report it with what you did")]
    Internal(String),
    /// The work was cancelled by the caller.
    #[error("cancelled")]
    Cancelled,
    /// A tensor operation failed: out of memory, a lost device, or a mistake in this crate.
    #[error("the computation failed: {}", first_line(.0))]
    Compute(#[from] candle_core::Error),
}

impl Error {
    /// An [`Error::Argument`] from anything that reads as a sentence.
    pub fn argument(message: impl Into<String>) -> Self {
        Self::Argument(message.into())
    }
}

/// Candle appends a backtrace to its messages where one was captured.
pub(crate) fn first_line(err: &candle_core::Error) -> String {
    err.to_string().lines().next().unwrap_or_default().to_owned()
}
