//! What is written of the motion between two faces, and where to.

use std::path::{Path, PathBuf};

/// What is written of the motion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotionSettings {
    /// Pictures from the source to the other face, both included.
    pub count: usize,
    /// How long the way takes.
    pub seconds: f32,
    /// Whether a moving picture comes back.
    pub returns: bool,
}

impl Default for MotionSettings {
    fn default() -> Self {
        Self { count: 24, seconds: 2.0, returns: true }
    }
}

/// Where the pictures go.
#[derive(Clone, Debug, PartialEq)]
pub enum MotionTarget {
    /// One file that moves.
    File(PathBuf),
    /// A folder of numbered files.
    Folder(PathBuf),
}

impl MotionTarget {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::Folder(path) => path,
        }
    }
}
