//! References of `edit` that are scaled, turned or mirrored about the middle of their masks, as the window's handles do it.

use std::sync::Arc;

use anyhow::Context as _;
use image::RgbImage;
use stylebrush_app::document::{CANVAS_SIZE_PX, MaskImage, NewPhoto, PhotoId, PixelRect, Pose};
use stylemap::Mask;
use stylemap::mask::Pooling;

use super::portrait::Portrait;

/// `--scale`, `--turn` and `--mirror` of one reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Posing {
    pub scale: f32,
    /// Clockwise as it shows.
    pub turn_degrees: f32,
    /// Whether left and right are exchanged before the turn.
    pub is_mirrored: bool,
}

impl Default for Posing {
    fn default() -> Self {
        Self { scale: 1.0, turn_degrees: 0.0, is_mirrored: false }
    }
}

impl Posing {
    /// Whether the reference stays as it lies by itself.
    pub fn is_nothing(self) -> bool {
        self == Self::default()
    }

    /// A mask over the canvas as it lies then, at a size of pictures, and where that takes the reference.
    pub fn of_mask(self, mask: &Mask, size_px: usize) -> anyhow::Result<(Mask, Pose)> {
        let values: Vec<u8> = mask.weights().iter().map(|weight| (weight * 255.0).round() as u8).collect();
        let painted = MaskImage::from_values(&values).context("a mask has the size of the canvas")?;
        let middle = painted.painted_rect().unwrap_or(PixelRect::CANVAS).middle();
        let pose = Pose::about(middle, self.scale, self.turn_degrees.to_radians(), self.is_mirrored).tidied();
        let posed = Mask::from_u8(CANVAS_SIZE_PX, &painted.posed(&pose).to_values())?;
        Ok((posed.at_level(size_px, Pooling::Soft), pose))
    }
}

/// The reference's face as it lies in a pose, with the photo around it in what that leaves free.
pub fn posed_crop(portrait: &Portrait, pose: &Pose) -> anyhow::Result<Arc<RgbImage>> {
    let face = (portrait.placement.clone(), (*portrait.crop).clone());
    let photo = NewPhoto::of_face(String::new(), None, face).numbered(PhotoId(0));
    Ok(Arc::new(photo.posed_crop(pose)?))
}
