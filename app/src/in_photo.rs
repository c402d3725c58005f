//! An edited face on its way back into its photo, for the screen and for files.

use std::sync::Arc;

use anyhow::Context as _;
use image::RgbImage;
use stylemap::engine::{Frame, Scene};
use stylemap::face::{PasteOptions, PasteTarget, head_mask};
use stylemap::photo;

use crate::document::{CANVAS_SIZE_PX, Photo, Placement};

/// A picture of the model and all that is needed to put it where its face came from.
#[derive(Clone)]
pub struct InPhoto {
    /// The source, whose photo it goes into.
    pub photo: Arc<Photo>,
    /// The source as the model draws it: only what differs from this goes back.
    pub face_as_it_is: Arc<Frame>,
    /// The edit.
    pub frame: Arc<Frame>,
    /// What the edit shows: nothing changes beyond what is painted in it.
    pub scene: Scene,
}

impl InPhoto {
    /// Where the source lies in its photo.
    ///
    /// # Errors
    /// When the source has no photo around it.
    pub fn placement(&self) -> anyhow::Result<&Placement> {
        self.photo.placement.as_ref().with_context(|| format!("{} has no photo around it", self.photo.name))
    }

    /// The whole photo at its own resolution with the edit in it.
    ///
    /// # Errors
    /// When the source has no photo around it.
    pub fn whole(&self) -> anyhow::Result<RgbImage> {
        let placement = self.placement()?;
        Ok(self.paste_into(&mut placement.paste_target())?)
    }

    /// A picture in which the crop lies, with the edit in it.
    ///
    /// # Errors
    /// When the frames are not pictures of one model.
    pub fn paste_into(&self, target: &mut PasteTarget<'_>) -> stylemap::Result<RgbImage> {
        let picture = |frame: &Frame| photo::rgb_from_rgba(&frame.rgba, frame.size_px);
        let painted = self.scene.painted_over(self.photo.id.into(), &head_mask(CANVAS_SIZE_PX));
        target.paste(&picture(&self.face_as_it_is)?, &picture(&self.frame)?, &PasteOptions::of_painted(painted))
    }
}
