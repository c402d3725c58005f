//! What is written of the motion between two faces, and where to.

use std::path::{Path, PathBuf};

use crate::export::animation::AnimationFormat;

/// What is written of the motion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MotionSettings {
    /// Pictures from the source to the other face, both included.
    pub count: usize,
    /// How long the way takes.
    pub seconds: f32,
    /// Whether a moving picture comes back.
    pub returns: bool,
    /// Whether the whole photo is written, in which the face moves, rather than the face alone.
    pub in_photo: bool,
    /// The face's side, or the photo's longer one, in pixels: one of [`MOTION_SIDES_PX`]. Neither gets larger than it is.
    pub side_px: u32,
    /// The kind of moving picture.
    pub format: AnimationFormat,
}

/// Moving pictures of a photo's own size would fill the memory, and no viewer plays them.
pub const MOTION_SIDES_PX: [u32; 3] = [512, 1024, 2048];

impl MotionSettings {
    /// With a size that there is.
    #[must_use]
    pub fn tidied(self) -> Self {
        let [smallest, .., largest] = MOTION_SIDES_PX;
        Self { side_px: self.side_px.clamp(smallest, largest), ..self }
    }
}

impl Default for MotionSettings {
    fn default() -> Self {
        Self { count: 24, seconds: 2.0, returns: true, in_photo: false, side_px: 512, format: AnimationFormat::Gif }
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
