//! Where faces are written to: into their photo, or each by itself, with the fine structure that the model's size leaves out.

use std::borrow::Cow;

use anyhow::Context as _;
use clap::Args;
use image::RgbImage;
use stylebrush_app::edited_face::crop_target;
use stylemap::engine::{FaceId, Scene};
use stylemap::face::{Extent, PasteTarget};
use stylemap::photo;

use super::numbers;
use super::portrait::Portrait;
use super::session::Session;

/// `--size`.
#[derive(Args, Clone, Copy, Debug)]
pub struct FaceSize {
    /// Width and height of the face in pixels, from those of the model's pictures to 4096 [default: enough for all that the
    /// photo shows of it, up to 1024; without a photo those of the model's pictures]
    #[arg(long, value_name = "PX", value_parser = numbers::picture_size_px, allow_negative_numbers = true)]
    size: Option<u32>,
}

impl FaceSize {
    /// What was asked for, else `usual_px`; no less than the model's.
    fn px(self, usual_px: u32, session: &Session) -> anyhow::Result<u32> {
        let least_px = u32::try_from(session.size_px())?;
        let size_px = self.size.unwrap_or(usual_px.max(least_px));
        anyhow::ensure!(
            size_px >= least_px,
            "--size {size_px} is smaller than the pictures of this model, which are {least_px} x {least_px} pixels"
        );
        Ok(size_px)
    }

    /// Checks it before the work begins.
    pub fn check(self, session: &Session) -> anyhow::Result<()> {
        self.px(0, session).map(drop)
    }

    /// A picture of a face that has no photo, at this size.
    pub fn resized(self, picture: RgbImage, session: &Session) -> anyhow::Result<RgbImage> {
        let size_px = self.px(picture.width(), session)?;
        Ok(if picture.width() == size_px { picture } else { photo::resized(&picture, size_px) })
    }
}

/// What pictures of the model are pasted into.
pub struct Destination<'a> {
    source: FaceId,
    target: PasteTarget<'a>,
    extent: Extent,
    icc_profile: Option<&'a [u8]>,
}

impl<'a> Destination<'a> {
    /// The whole photo of a face; only what the model changes is changed there.
    pub fn in_photo(source: FaceId, portrait: &'a Portrait) -> Self {
        let Portrait { placement, .. } = portrait;
        let icc_profile = placement.original.icc_profile.as_deref();
        Self { source, target: placement.paste_target(), extent: Extent::Changes, icc_profile }
    }

    /// A photo in which other faces were edited before.
    pub fn over(source: FaceId, portrait: &Portrait, photo: &'a RgbImage) -> Self {
        let target = PasteTarget::new(Cow::Borrowed(photo), portrait.placement.quad);
        Self { source, target, extent: Extent::Changes, icc_profile: None }
    }

    /// The face by itself.
    ///
    /// # Errors
    /// When the size is none for this model.
    pub fn by_itself(source: FaceId, portrait: &Portrait, size: FaceSize, session: &Session) -> anyhow::Result<Self> {
        let crop = &portrait.crop;
        let size_px = size.px(crop.width(), session)?;
        let target = crop_target(crop, size_px)?;
        Ok(Self { source, target, extent: Extent::Whole, icc_profile: None })
    }

    /// One of both.
    pub fn new(
        source: FaceId,
        portrait: &'a Portrait,
        in_photo: bool,
        size: FaceSize,
        session: &Session,
    ) -> anyhow::Result<Self> {
        if in_photo { Ok(Self::in_photo(source, portrait)) } else { Self::by_itself(source, portrait, size, session) }
    }

    /// The model's picture of a scene, finished.
    pub fn finish(&mut self, picture: &RgbImage, scene: &Scene, session: &Session) -> anyhow::Result<RgbImage> {
        if self.extent == Extent::Whole && picture.dimensions() == self.target.photo().dimensions() {
            // Nothing of the photos is finer than the picture.
            return Ok(picture.clone());
        }
        let composition = session.composition(scene, self.source);
        self.target.paste(picture, &composition, self.extent).context("the face could not be finished")
    }

    /// The colours of what is written; none is sRGB.
    pub fn icc_profile(&self) -> Option<&'a [u8]> {
        self.icc_profile
    }
}
