//! Where faces are written to: into their photo, or each by itself, with the fine structure that the model's size leaves out.

use anyhow::Context as _;
use clap::Args;
use image::{DynamicImage, RgbImage};
use stylebrush_app::edited_face::face_target;
use stylebrush_app::export::size::MAX_FACE_PX;
use stylebrush_app::original::Original;
use stylemap::engine::{FaceId, Scene};
use stylemap::face::{Extent, PasteTarget};
use stylemap::photo::{self, PhotoFile};

use super::numbers;
use super::portrait::Portrait;
use super::session::Session;

/// `--size`.
#[derive(Args, Clone, Copy, Debug)]
pub struct FaceSize {
    /// Width and height of the face in pixels, from those of the model's pictures to 4096; `model` for those, `photo` for as many
    /// as the photo has of it [default: enough for all that the photo shows of it, up to 1024; without a photo those of the model's
    /// pictures]
    #[arg(long, value_name = "PX", value_parser = numbers::face_size, allow_negative_numbers = true)]
    size: Option<WantedSize>,
}

/// What `--size` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedSize {
    /// So many pixels.
    Px(u32),
    /// As many as the model's pictures have.
    Model,
    /// As many as the photo has of the face.
    Photo,
}

impl FaceSize {
    /// What was asked for, else `usual_px`; no less than the model's. `photo_px`: what the photo has.
    fn px(self, usual_px: u32, photo_px: u32, session: &Session) -> anyhow::Result<u32> {
        let least_px = u32::try_from(session.size_px())?;
        let size_px = match self.size {
            Some(WantedSize::Px(size_px)) => size_px,
            Some(WantedSize::Model) => least_px,
            Some(WantedSize::Photo) => photo_px.min(MAX_FACE_PX).max(least_px),
            None => usual_px.max(least_px),
        };
        anyhow::ensure!(
            size_px >= least_px,
            "--size {size_px} is smaller than the pictures of this model, which are {least_px} x {least_px} pixels"
        );
        Ok(size_px)
    }

    /// Checks it before the work begins.
    pub fn check(self, session: &Session) -> anyhow::Result<()> {
        self.px(0, 0, session).map(drop)
    }

    /// A picture of a face that has no photo, at this size.
    pub fn resized(self, picture: RgbImage, session: &Session) -> anyhow::Result<RgbImage> {
        let size_px = self.px(picture.width(), picture.width(), session)?;
        Ok(if picture.width() == size_px { picture } else { photo::resized(&picture, size_px) })
    }
}

/// What pictures of the model are pasted into.
pub struct Destination<'a> {
    source: FaceId,
    target: PasteTarget<'a>,
    extent: Extent,
    /// The photo, where it is written whole.
    original: Option<&'a Original>,
}

impl<'a> Destination<'a> {
    /// The whole photo of a face; only what the model changes is changed there.
    pub fn in_photo(source: FaceId, portrait: &'a Portrait) -> Self {
        let Portrait { placement, .. } = portrait;
        let original = Some(&*placement.original);
        Self { source, target: placement.paste_target(), extent: Extent::Changes, original }
    }

    /// The face by itself.
    ///
    /// # Errors
    /// When the size is none for this model.
    pub fn by_itself(source: FaceId, portrait: &Portrait, size: FaceSize, session: &Session) -> anyhow::Result<Self> {
        let Portrait { crop, placement } = portrait;
        let photo_px = placement.quad.side_px().round() as u32;
        let size_px = size.px(crop.width(), photo_px, session)?;
        let target = face_target(crop, Some(placement), size_px)?;
        Ok(Self { source, target, extent: Extent::Whole, original: None })
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
    pub fn finish(&mut self, picture: &RgbImage, scene: &Scene, session: &Session) -> anyhow::Result<DynamicImage> {
        if self.extent == Extent::Whole
            && picture.dimensions() == self.target.photo().dimensions()
            && !self.target.has_axis()
        {
            // Nothing of the photos is finer than the picture.
            return Ok(DynamicImage::ImageRgb8(picture.clone()));
        }
        let composition = session.composition(scene, self.source);
        let (target, extent) = (&mut self.target, self.extent);
        let finished = match self.original {
            Some(original) => original.edited(|onto| target.paste_onto(onto, picture, &composition, extent)),
            None => target.paste(picture, &composition, extent).map(DynamicImage::ImageRgb8),
        };
        finished.context("the face could not be finished")
    }

    /// The file whose numbers the pictures have; none is sRGB.
    pub fn file(&self) -> Option<&'a PhotoFile> {
        self.original.map(|original| &original.file)
    }
}
