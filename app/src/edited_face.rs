//! An edited face: what the model drew, with the fine structure of the photos that it shows, by itself or back in its photo. The same
//! for the screen and for files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use image::{DynamicImage, RgbImage};
use stylemap::engine::{FaceId, Frame, Scene};
use stylemap::face::{Composition, CropQuad, Extent, PasteTarget, align};
use stylemap::photo::{self, ColourAxis};

use crate::document::{Document, Photo, Placement};
use crate::export::change_layer;

/// A picture of the model and all that is needed to finish it.
#[derive(Clone)]
pub struct EditedFace {
    /// The source, whose picture it is.
    pub photo: Arc<Photo>,
    /// The edit.
    pub frame: Arc<Frame>,
    /// What the edit shows.
    scene: Scene,
    /// The crops of the faces in it.
    crops: BTreeMap<FaceId, Arc<RgbImage>>,
}

impl EditedFace {
    /// A frame of the document, and the scene that it shows; `posed_crops`: of the faces in it that are no photo's own.
    pub fn new(
        document: &Document,
        photo: Arc<Photo>,
        frame: Arc<Frame>,
        scene: Scene,
        posed_crops: BTreeMap<FaceId, Arc<RgbImage>>,
    ) -> Self {
        let crop = |photo: &Arc<Photo>| (FaceId::from(photo.id), Arc::clone(&photo.crop));
        let own = document.photos().iter().map(crop).filter(|(id, _)| scene.faces().any(|face| face == *id));
        let crops = own.chain(posed_crops).collect();
        Self { photo, frame, scene, crops }
    }

    /// Where the source lies in its photo.
    ///
    /// # Errors
    /// When the source has no photo around it.
    pub fn placement(&self) -> anyhow::Result<&Placement> {
        self.photo.placement.as_ref().with_context(|| format!("{} has no photo around it", self.photo.name))
    }

    /// The face by itself.
    ///
    /// # Errors
    /// When the frame is no picture of a model.
    pub fn by_itself(&self, size_px: u32) -> anyhow::Result<RgbImage> {
        Ok(self.paste_into(&mut self.target(size_px)?, Extent::Whole)?)
    }

    /// What the edit changes of the face by itself, on transparent ground, see [`change_layer`].
    ///
    /// # Errors
    /// As [`Self::by_itself`].
    pub fn change_by_itself(&self, size_px: u32) -> anyhow::Result<DynamicImage> {
        let mut target = self.target(size_px)?;
        let after = self.paste_into(&mut target, Extent::Changes)?;
        change_layer(&target.photo().clone().into(), &after.into())
    }

    fn target(&self, size_px: u32) -> anyhow::Result<PasteTarget<'static>> {
        let Photo { crop, placement, .. } = &*self.photo;
        Ok(face_target(crop, placement.as_ref(), size_px)?)
    }

    /// The size of the face by itself that holds all that its photo has, in pixels.
    pub fn full_size_px(&self) -> u32 {
        full_size_px(&self.photo, self.frame.size_px)
    }

    /// A picture in which the crop lies, with the edit in it.
    ///
    /// # Errors
    /// When the frame is no picture of a model.
    pub fn paste_into(&self, target: &mut PasteTarget<'_>, extent: Extent) -> stylemap::Result<RgbImage> {
        target.paste(&self.frame.to_rgb(), &self.composition(), extent)
    }

    fn composition(&self) -> Composition {
        let crop_of = |face: FaceId| self.crops.get(&face).map(Arc::clone);
        Composition::new(&self.scene, self.photo.id.into(), Some(&self.photo.crop), crop_of)
    }
}

/// An edited face, and those that are edited beside it in its photo.
#[derive(Clone)]
pub struct EditedPhoto {
    /// The face in hand.
    pub face: EditedFace,
    /// The others, in the order in which they go into the photo, before the one in hand.
    pub beside: Vec<EditedFace>,
}

impl EditedPhoto {
    /// The whole photo at its own resolution with all edits in it.
    ///
    /// # Errors
    /// When the source has no photo around it, or a frame is no picture of a model.
    pub fn in_photo(&self) -> anyhow::Result<RgbImage> {
        let mut picture = DynamicImage::ImageRgb8(self.face.placement()?.original.pixels.clone());
        self.paste_onto(&mut picture)?;
        Ok(picture.into_rgb8())
    }

    /// The same in the numbers of the photo's own file, for files.
    ///
    /// # Errors
    /// As [`Self::in_photo`], or when there is no memory for it.
    pub fn in_own_file(&self) -> anyhow::Result<DynamicImage> {
        Ok(self.face.placement()?.original.edited(|onto| self.paste_onto(onto))?)
    }

    fn paste_onto(&self, onto: &mut DynamicImage) -> stylemap::Result<()> {
        for face in self.beside.iter().chain([&self.face]) {
            // Whoever has no photo around it is in no photo.
            if let Some(placement) = &face.photo.placement {
                let (picture, composition) = (face.frame.to_rgb(), face.composition());
                placement.paste_target().paste_onto(onto, &picture, &composition, Extent::Changes)?;
            }
        }
        Ok(())
    }

    /// The faces beside the one in hand, in a smaller picture of their photo. `quad_in_picture`: where a crop lies in it, if it does.
    ///
    /// # Errors
    /// When a face has no photo around it, or a frame is no picture of a model.
    pub fn paste_beside(
        &self,
        mut picture: RgbImage,
        quad_in_picture: impl Fn(&CropQuad) -> stylemap::Result<Option<CropQuad>>,
    ) -> anyhow::Result<RgbImage> {
        for face in &self.beside {
            let placement = face.placement()?;
            if let Some(quad) = quad_in_picture(&placement.quad)? {
                let mut target =
                    PasteTarget::new(Cow::Owned(picture), quad).on_axis(placement.original.file.axis.as_ref());
                picture = face.paste_into(&mut target, Extent::Changes)?;
            }
        }
        Ok(picture)
    }
}

/// The size of a face by itself that holds all that its photo has, in pixels; no smaller than the model's.
pub fn full_size_px(photo: &Photo, model_px: usize) -> u32 {
    photo.crop.width().max(model_px as u32)
}

/// A face's crop at this size, for edits to be pasted into; those of a gray or toned photo are kept on its axis.
///
/// # Errors
/// When the crop is a line of single pixels.
pub fn crop_target(crop: &RgbImage, size_px: u32, axis: Option<&ColourAxis>) -> stylemap::Result<PasteTarget<'static>> {
    Ok(PasteTarget::of_crop(Cow::Owned(photo::resized(crop, size_px)))?.on_axis(axis))
}

/// A face as its photo has it, at this size, for edits to be pasted into: cut out anew where its crop has fewer pixels than the photo.
///
/// # Errors
/// As [`crop_target`], or when nothing is left of the face.
pub fn face_target(
    crop: &RgbImage,
    placement: Option<&Placement>,
    size_px: u32,
) -> stylemap::Result<PasteTarget<'static>> {
    let crop_px = crop.width();
    let axis = placement.and_then(|placement| placement.original.file.axis.as_ref());
    let finer = placement.filter(|it| size_px > crop_px && it.quad.side_px() > crop_px as f32);
    match finer {
        Some(Placement { original, quad, .. }) => crop_target(&align(&original.pixels, quad, size_px)?, size_px, axis),
        None => crop_target(crop, size_px, axis),
    }
}
