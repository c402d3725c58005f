//! The document: photos, the face at the bottom, and the painted layers above it. Plain data, no window.
//!
//! A document is cheap to copy (photos, masks and their tiles are shared), so that [`history`] keeps whole documents and
//! undo is exact by construction.

mod blend;
mod face_edit;
pub mod face_region;
pub mod geometry;
pub mod history;
pub mod mask_image;
pub mod mask_ops;
mod new_photo;
mod photo_mask;
pub mod polygon;
mod pose;
pub mod posed_faces;
mod recipe;
pub mod scene;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use image::RgbImage;
use serde::{Deserialize, Serialize};
use stylemap::directions::MAX_AMOUNT;
use stylemap::edit::COARSE_LEVELS;
use stylemap::face::{CropQuad, Landmarks, PasteTarget, Similarity, crop_quad};
use stylemap::latent::{Latent, Residuals};
use stylemap::photo::ColourAxis;

use crate::original::Original;

pub use blend::{Below, Blend, MAX_PATH_LEN, PAST_CORNERS, place_on_path};
pub use face_edit::FaceEdit;
pub use face_region::FaceRegion;
pub use geometry::{PixelRect, Point};
pub use history::Timeline;
pub use mask_image::{CANVAS_SIZE_PX, MaskImage};
pub use mask_ops::Combine;
pub use new_photo::NewPhoto;
pub use photo_mask::TakenMask;
pub use pose::{Pose, SCALE_RANGE};
pub use recipe::Recipe;
pub use scene::SceneBuilder;

/// How many layers a picture may have.
pub const MAX_LAYERS: usize = 8;

/// One colour per layer, far from skin and from each other.
pub const LAYER_COLORS: [[u8; 3]; MAX_LAYERS] = [
    [0x2f, 0xd1, 0xe0],
    [0xff, 0x5c, 0xa8],
    [0xa6, 0xe2, 0x2e],
    [0xff, 0xc8, 0x3d],
    [0x9b, 0x7b, 0xff],
    [0x4d, 0x9d, 0xff],
    [0xff, 0x7a, 0x45],
    [0x3d, 0xe0, 0x9a],
];

/// Identifies a photo, in the document as in the engine. Never used twice while the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhotoId(pub u64);

/// Identifies a layer within its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayerId(pub u64);

/// An open photo, by the one face in it that is painted on or with.
#[derive(Clone, Debug)]
pub struct Photo {
    /// Its number.
    pub id: PhotoId,
    /// What the user reads.
    pub name: String,
    /// The square picture that the engine encodes.
    pub crop: Arc<RgbImage>,
    /// Where it came from, if from a file.
    pub path: Option<PathBuf>,
    /// The photo around the crop; none where the crop is all there is.
    pub placement: Option<Placement>,
    /// The face itself, where it is known before the engine looks at the crop: it came from the model and not from a photo, or
    /// from a project.
    pub latent: Option<Arc<Latent>>,
    /// The hash of the model that `latent` belongs to; none where every model may take it.
    pub latent_model: Option<String>,
    /// Whether the face came from the model: nobody's, and its crop is only a picture of it.
    pub is_sample: bool,
}

impl PartialEq for Photo {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id && self.name == other.name && self.path == other.path
            // Numbers are never used twice: equal numbers are the same pixels.
            && (Arc::ptr_eq(&self.crop, &other.crop) || self.crop == other.crop)
            && self.has_same_refinement(other)
    }
}

impl Photo {
    /// The face itself, where it is known before this model looks at the crop.
    pub fn latent_of(&self, model_hash: &str) -> Option<&Arc<Latent>> {
        let is_of_model = self.latent_model.as_ref().is_none_or(|hash| hash == model_hash);
        self.latent.as_ref().filter(|_| is_of_model)
    }

    /// The face itself, where it is nearer to the photo than a model finds it at once.
    fn refined_latent(&self) -> Option<&Arc<Latent>> {
        self.latent.as_ref().filter(|latent| latent.is_refined)
    }

    fn has_same_refinement(&self, other: &Self) -> bool {
        match (self.refined_latent(), other.refined_latent()) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (None, None) => true,
            _ => false,
        }
    }

    /// The axis on which the colours of a gray or toned photo lie.
    pub fn axis(&self) -> Option<&ColourAxis> {
        self.placement.as_ref()?.original.file.axis.as_ref()
    }

    /// Whether both faces are of one photo.
    pub fn shares_photo_with(&self, other: &Self) -> bool {
        let [own, other] = [self, other].map(|photo| photo.placement.as_ref().map(|placement| &placement.original));
        own.zip(other).is_some_and(|(own, other)| Arc::ptr_eq(own, other))
    }

    fn latent_bytes(&self) -> usize {
        let bytes = |latent: &Arc<Latent>| {
            let residuals = latent.residuals.as_ref().map_or(0, Residuals::bytes);
            size_of_val(latent.stylemap.as_slice()) + residuals
        };
        self.latent.as_ref().map_or(0, bytes)
    }
}

/// Where a crop lies in the photo that it was cut from, and so where its edits go back to.
#[derive(Clone, Debug)]
pub struct Placement {
    /// The photo, shared by all faces that come from it.
    pub original: Arc<Original>,
    /// The crop.
    pub quad: CropQuad,
    /// What the crop was made from; none where it is the middle of the photo, for want of a face.
    pub landmarks: Option<Landmarks>,
}

impl Placement {
    /// A face by its landmarks, with its crop.
    ///
    /// # Errors
    /// When the landmarks are no face, or the photo has no pixels.
    pub fn of_face(original: Arc<Original>, landmarks: Landmarks) -> stylemap::Result<(Self, RgbImage)> {
        let quad = crop_quad(&landmarks)?;
        let crop = original.crop(&quad)?;
        Ok((Self { original, quad, landmarks: Some(landmarks) }, crop))
    }

    /// The middle of the photo as it is, with its pixels.
    ///
    /// # Errors
    /// When the photo is a line of single pixels.
    pub fn of_middle(original: Arc<Original>) -> stylemap::Result<(Self, RgbImage)> {
        let (quad, crop) = original.middle()?;
        Ok((Self { original, quad, landmarks: None }, crop))
    }

    /// Which of the faces that were found in the photo it is, the largest and surest being 1; none of one placed by hand.
    pub fn face_number(&self) -> Option<usize> {
        let mut found = self.original.faces.iter().filter(|face| crop_quad(&face.landmarks).is_ok());
        found.position(|face| Some(face.landmarks) == self.landmarks).map(|index| index + 1)
    }

    /// The whole photo, for edits to be pasted into.
    pub fn paste_target(&self) -> PasteTarget<'_> {
        PasteTarget::new(Cow::Borrowed(&self.original.pixels), self.quad).on_axis(self.original.file.axis.as_ref())
    }

    /// Where a place of the canvas lies in the photo; both are counted from the picture's corner.
    pub fn photo_from_canvas(&self, pos_in_canvas: Point) -> Point {
        from_corner(&self.quad.photo_from_crop(CANVAS_SIZE_PX as u32), pos_in_canvas)
    }

    /// The way back.
    pub fn canvas_from_photo(&self, pos_in_photo: Point) -> Point {
        from_corner(&self.quad.crop_from_photo(CANVAS_SIZE_PX as u32), pos_in_photo)
    }
}

/// Crops count from the middle of their first pixel.
fn from_corner(transform: &Similarity, pos: Point) -> Point {
    Point::from_pixel_middles(transform.apply(pos.to_pixel_middles()))
}

/// How the two faces of a blend come together where they are not simply in between: coarse style (pose, shape) from one of
/// them, the rest from the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StyleMix {
    /// The coarse style codes of the source, and so its colours and its light, in the shape of the other face.
    CoarseFromSource,
    /// The shape of the source in the colours and the light of the other face.
    CoarseFromOther,
}

/// What of a layer's photo is painted: everything, or one part of its style over the other part of what lies below, divided at
/// [`Layer::coarse_levels`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// All of it.
    #[default]
    Everything,
    /// Its colours and its light, in the shape of what lies below.
    Colours,
    /// Its shape, in the colours and the light of what lies below.
    Shape,
}

impl Takes {
    /// Every kind, in the order of menus.
    pub const ALL: [Self; 3] = [Self::Everything, Self::Colours, Self::Shape];

    /// What menus call it, in English.
    pub fn name(self) -> &'static str {
        match self {
            Self::Everything => "Everything",
            Self::Colours => "Colours and light",
            Self::Shape => "Shape",
        }
    }
}

/// How many of a model's levels, from the coarsest on, give colours and light; the others give the shape. Models have as many as they have: of
/// more than that all count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "i64", into = "u8")]
pub struct CoarseLevels(u8);

impl CoarseLevels {
    /// One at least, and so many at most.
    pub const RANGE: std::ops::RangeInclusive<u8> = 1..=8;

    /// So many, brought into the range.
    pub fn new(count: u8) -> Self {
        Self(count.clamp(*Self::RANGE.start(), *Self::RANGE.end()))
    }

    /// How many.
    pub fn count(self) -> usize {
        self.0.into()
    }

    /// Whether nobody chose.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for CoarseLevels {
    fn default() -> Self {
        Self(COARSE_LEVELS as u8)
    }
}

impl From<i64> for CoarseLevels {
    fn from(count: i64) -> Self {
        Self::new(u8::try_from(count.max(0)).unwrap_or(u8::MAX))
    }
}

impl From<CoarseLevels> for u8 {
    fn from(levels: CoarseLevels) -> Self {
        levels.0
    }
}

/// Steps along the model's directions by their names, in standard deviations of the training faces. Directions that a face is not
/// moved along are not in it; a direction that the model does not have is kept for one that does.
pub type DirectionAmounts = BTreeMap<String, f32>;

/// A reference photo painted over what lies below it.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Its number.
    pub id: LayerId,
    /// What the user reads.
    pub name: String,
    /// The reference.
    pub photo: PhotoId,
    /// The colour of its mask on the canvas.
    pub color: [u8; 3],
    /// Where the reference is taken, before the move.
    pub mask: MaskImage,
    /// The move of mask and face together, in canvas pixels.
    pub offset_px: (i32, i32),
    /// How the reference is scaled, turned and mirrored before that; the mask is already as it lies then.
    pub pose: Pose,
    /// Where the mask comes from, as long as it is not painted on after its pose changed.
    posed_from: Option<PosedFrom>,
    /// In [0, 1].
    pub strength: f32,
    /// How far the mask's edge is softened, in canvas pixels.
    pub feather_px: f32,
    /// How far the reference is brought to the colours of the face that it is painted over, in [0, 1].
    pub match_colours: f32,
    /// What of the reference is painted.
    pub takes: Takes,
    /// Where colours and light end and the shape begins, where only one of them is painted.
    pub coarse_levels: CoarseLevels,
    /// Whether it takes part in the picture.
    pub visible: bool,
    /// Steps of the reference alone, on top of those of the whole face: they show where the layer is painted.
    pub directions: DirectionAmounts,
}

/// A mask before its layer's pose changed: many small changes of a pose are one change of this, so that its edge stays crisp.
#[derive(Clone, Debug, PartialEq)]
struct PosedFrom {
    mask: MaskImage,
    pose: Pose,
    /// What came of it.
    posed: MaskImage,
}

impl Layer {
    /// Scales, turns or mirrors the reference, in the canvas before the layer's move; its mask comes along unless `keeps_mask`.
    pub fn change_pose(&mut self, change: &Pose, keeps_mask: bool) {
        let target = self.pose.then(change).tidied();
        if keeps_mask {
            (self.pose, self.posed_from) = (target, None);
            return;
        }
        let known = self.posed_from.take().filter(|from| from.posed.is_same_copy(&self.mask));
        let (mask, pose) = known.map_or_else(|| (self.mask.clone(), self.pose), |from| (from.mask, from.pose));
        let posed = mask.posed(&pose.inverse().then(&target).tidied());
        (self.mask, self.pose) = (posed.clone(), target);
        self.posed_from = Some(PosedFrom { mask, pose, posed });
    }

    /// The middle of what is painted, in the canvas before the layer's move; that of the canvas where nothing is.
    pub fn middle_of_region(&self) -> Point {
        self.mask.painted_rect().unwrap_or(PixelRect::CANVAS).middle()
    }
}

/// Why the document refuses an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// [`MAX_LAYERS`] are there already.
    TooManyLayers,
    /// The photo is not in the document.
    NoSuchPhoto,
    /// The layer is not in the document.
    NoSuchLayer,
    /// The photo is the source of an edit of its own.
    HasOwnEdit,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooManyLayers => write!(f, "A picture has room for {MAX_LAYERS} layers. Delete one first."),
            Self::NoSuchPhoto => f.write_str("That photo is no longer open."),
            Self::NoSuchLayer => f.write_str("That layer no longer exists."),
            Self::HasOwnEdit => f.write_str("That face is edited by itself: choose it in its photo instead."),
        }
    }
}

/// Everything that an edit changes and that undo brings back: photos, and the edits of one face or several.
///
/// Always true: the sources, the blends' faces, every layer's photo and those with a likeness of their own are among the photos; the active layer is
/// among the layers; there is a source as soon as there is a photo; no two edits have one source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    photos: Vec<Arc<Photo>>,
    /// The edit that is worked on.
    edit: FaceEdit,
    /// Those of other faces, which all have a source.
    other_edits: Vec<FaceEdit>,
    /// Of the photos that do not show all of it.
    likeness: BTreeMap<PhotoId, f32>,
    next_layer_id: u64,
}

impl Document {
    /// The photos in the order in which they were opened.
    pub fn photos(&self) -> &[Arc<Photo>] {
        &self.photos
    }

    /// A photo by its number.
    pub fn photo(&self, id: PhotoId) -> Option<&Arc<Photo>> {
        self.photos.iter().find(|photo| photo.id == id)
    }

    /// The edit that is worked on. What follows without a word of which edit is about this one.
    pub fn edit(&self) -> &FaceEdit {
        &self.edit
    }

    /// The edits of other faces.
    pub fn other_edits(&self) -> &[FaceEdit] {
        &self.other_edits
    }

    /// Whether this photo is the source of an edit, be it one that is not worked on.
    pub fn is_edited(&self, source: PhotoId) -> bool {
        self.edits().any(|edit| edit.source == Some(source))
    }

    /// The edits of other faces in the photo of the source, if they change it.
    pub fn edits_beside(&self) -> impl Iterator<Item = &FaceEdit> {
        let source_of = |edit: &FaceEdit| self.photo(edit.source?);
        let in_hand = source_of(&self.edit);
        let is_beside = move |edit: &&FaceEdit| {
            in_hand.zip(source_of(edit)).is_some_and(|(in_hand, other)| in_hand.shares_photo_with(other))
        };
        self.other_edits.iter().filter(is_beside).filter(|edit| edit.changes_picture())
    }

    /// Works on the face of this photo: on its edit, where it has one, else on a new one. What was done to other faces stays.
    ///
    /// # Errors
    /// When the photo is not in the document.
    pub fn edit_face(&mut self, source: PhotoId) -> Result<(), Refusal> {
        self.photo(source).ok_or(Refusal::NoSuchPhoto)?;
        if self.edit.source == Some(source) {
            return Ok(());
        }
        let known = self.other_edits.iter().position(|edit| edit.source == Some(source));
        let next = known.map_or_else(|| FaceEdit::of(source), |index| self.other_edits.remove(index));
        self.other_edits.push(std::mem::replace(&mut self.edit, next));
        Ok(())
    }

    /// Works on the edit that is another one than in `other`, unless the one in hand is: whoever undoes sees what is undone.
    pub(super) fn show_difference(&mut self, other: &Self) {
        let is_same = |edit: &FaceEdit| {
            other.edits().find(|it| it.source == edit.source).is_some_and(|it| it.has_same_content(edit))
        };
        if !is_same(&self.edit) {
            return;
        }
        if let Some(source) = self.other_edits.iter().find(|edit| !is_same(edit)).and_then(FaceEdit::source) {
            // It is in the document.
            let _ = self.edit_face(source);
        }
    }

    fn edits(&self) -> impl Iterator<Item = &FaceEdit> {
        std::iter::once(&self.edit).chain(&self.other_edits)
    }

    fn edits_mut(&mut self) -> impl Iterator<Item = &mut FaceEdit> {
        std::iter::once(&mut self.edit).chain(&mut self.other_edits)
    }

    /// The face at the bottom.
    pub fn source(&self) -> Option<PhotoId> {
        self.edit.source
    }

    /// The face mixed into the source.
    pub fn blend(&self) -> Option<Blend> {
        self.edit.blend
    }

    /// How source and other face are mixed; none is in between, as the blend says. Without a blend it has no effect.
    pub fn style_mix(&self) -> Option<StyleMix> {
        self.edit.style_mix
    }

    /// Mixes the styles of source and other face, or goes back to what is in between.
    pub fn set_style_mix(&mut self, mix: Option<StyleMix>) {
        self.edit.style_mix = mix;
    }

    /// Where a mix of styles divides them.
    pub fn coarse_levels(&self) -> CoarseLevels {
        self.edit.coarse_levels
    }

    /// Divides the mix of styles elsewhere, or that which a layer paints.
    pub fn set_coarse_levels(&mut self, of_layer: Option<LayerId>, levels: CoarseLevels) {
        match of_layer {
            None => self.edit.coarse_levels = levels,
            Some(id) => self.update_layer(id, |layer| layer.coarse_levels = levels),
        }
    }

    /// The steps of the whole face, or those of a layer alone. Of an unknown layer there are none.
    pub fn directions(&self, of_layer: Option<LayerId>) -> &DirectionAmounts {
        self.edit.directions(of_layer)
    }

    /// Changes the steps of the whole face, or those of a layer alone, and keeps their numbers in range.
    pub fn update_directions(&mut self, of_layer: Option<LayerId>, change: impl FnOnce(&mut DirectionAmounts)) {
        match of_layer {
            None => self.edit.update_directions(change),
            Some(id) => self.update_layer(id, |layer| change(&mut layer.directions)),
        }
    }

    /// How much of what the fine encoder found in a photo is shown, in [0, 1]: at 1 the person in it, at 0 what the encoder alone
    /// makes of it.
    pub fn likeness(&self, id: PhotoId) -> f32 {
        self.likeness.get(&id).copied().unwrap_or(1.0)
    }

    /// Changes it, and keeps it in range; of an unknown photo it changes nothing.
    pub fn set_likeness(&mut self, id: PhotoId, likeness: f32) {
        let likeness = if likeness.is_finite() { unit(likeness) } else { 1.0 };
        if likeness < 1.0 && self.photo(id).is_some() {
            self.likeness.insert(id, likeness);
        } else {
            self.likeness.remove(&id);
        }
    }

    /// The layers, the lowest first.
    pub fn layers(&self) -> &[Layer] {
        self.edit.layers()
    }

    /// A layer by its number.
    pub fn layer(&self, id: LayerId) -> Option<&Layer> {
        self.edit.layer(id)
    }

    /// A layer by its number, be it of an edit that is not worked on.
    pub fn layer_of_any_edit(&self, id: LayerId) -> Option<&Layer> {
        self.edits().find_map(|edit| edit.layer(id))
    }

    /// The layer that tools work on.
    pub fn active_layer(&self) -> Option<&Layer> {
        self.edit.active_layer()
    }

    /// Whether nothing is open.
    pub fn is_empty(&self) -> bool {
        self.photos.is_empty()
    }

    /// Adds a photo. The first one becomes the source.
    pub fn add_photo(&mut self, photo: Photo) {
        if self.photo(photo.id).is_some() {
            return;
        }
        self.edit.source.get_or_insert(photo.id);
        self.photos.push(Arc::new(photo));
    }

    /// Removes a photo with everything that needs it, an edit of its own included. Where it was the source, the next photo becomes that,
    /// with its own edit or with what is left of this one.
    pub fn remove_photo(&mut self, id: PhotoId) {
        self.photos.retain(|photo| photo.id != id);
        self.likeness.remove(&id);
        self.other_edits.retain(|edit| edit.source != Some(id));
        self.edits_mut().for_each(|edit| edit.forget_photo(id));
        if self.edit.source == Some(id) {
            self.edit.source = self.photos.first().map(|photo| photo.id);
            let own = self.other_edits.iter().position(|edit| edit.source == self.edit.source);
            if let Some(own) = own {
                self.edit = self.other_edits.remove(own);
            }
        }
    }

    /// Puts another face in the place of a photo, wherever that is used: the masks painted with it and its likeness stay.
    ///
    /// # Errors
    /// When the photo is not in the document.
    pub fn replace_photo(&mut self, id: PhotoId, photo: Photo) -> Result<(), Refusal> {
        let new_id = photo.id;
        let place = self.photos.iter_mut().find(|photo| photo.id == id).ok_or(Refusal::NoSuchPhoto)?;
        *place = Arc::new(photo);
        self.edits_mut().for_each(|edit| edit.replace_photo(id, new_id));
        if let Some(likeness) = self.likeness.remove(&id) {
            self.likeness.insert(new_id, likeness);
        }
        Ok(())
    }

    /// Takes a face as a model knows it from now on; of an unknown photo nothing changes.
    pub fn set_latent(&mut self, id: PhotoId, latent: Arc<Latent>, model_hash: String) {
        if let Some(place) = self.photos.iter_mut().find(|photo| photo.id == id) {
            let photo = Photo::clone(place);
            *place = Arc::new(Photo { latent: Some(latent), latent_model: Some(model_hash), ..photo });
        }
    }

    /// Puts a photo at the bottom, under the layers that are there.
    ///
    /// # Errors
    /// When it is not in the document, or the source of another edit.
    pub fn set_source(&mut self, id: PhotoId) -> Result<(), Refusal> {
        self.photo(id).ok_or(Refusal::NoSuchPhoto)?;
        if self.other_edits.iter().any(|edit| edit.source == Some(id)) {
            return Err(Refusal::HasOwnEdit);
        }
        self.edit.source = Some(id);
        Ok(())
    }

    /// Mixes other faces into the source, or stops doing so.
    ///
    /// # Errors
    /// When a photo of theirs is not in the document.
    pub fn set_blend(&mut self, blend: Option<Blend>) -> Result<(), Refusal> {
        if let Some(blend) = blend
            && blend.faces().any(|face| self.photo(face).is_none())
        {
            return Err(Refusal::NoSuchPhoto);
        }
        self.edit.blend = blend.map(|blend| blend.moved_to(blend.at()));
        Ok(())
    }

    /// The places that the motion between four faces goes through, in their order.
    pub fn set_blend_path(&mut self, path: Vec<[f32; 2]>) {
        self.edit.blend_path = path.into_iter().take(MAX_PATH_LEN).map(|at| at.map(unit)).collect();
    }

    /// Adds an empty layer for a photo on top of the others and makes it the active one.
    ///
    /// # Errors
    /// When there is no such photo or no room.
    pub fn add_layer(&mut self, photo: PhotoId) -> Result<LayerId, Refusal> {
        let name = self.photo(photo).ok_or(Refusal::NoSuchPhoto)?.name.clone();
        let color = self.next_color()?;
        let id = self.take_layer_id();
        self.edit.layers.push(Layer {
            id,
            name,
            photo,
            color,
            mask: MaskImage::default(),
            offset_px: (0, 0),
            pose: Pose::default(),
            posed_from: None,
            strength: 1.0,
            feather_px: 0.0,
            match_colours: 1.0,
            takes: Takes::Everything,
            coarse_levels: CoarseLevels::default(),
            visible: true,
            directions: DirectionAmounts::new(),
        });
        self.edit.active_layer = Some(id);
        Ok(id)
    }

    /// Copies a layer above itself and makes the copy the active one.
    ///
    /// # Errors
    /// When there is no such layer or no room.
    pub fn duplicate_layer(&mut self, id: LayerId) -> Result<LayerId, Refusal> {
        let index = self.edit.layers.iter().position(|layer| layer.id == id).ok_or(Refusal::NoSuchLayer)?;
        let layer = self.edit.layers.get(index).ok_or(Refusal::NoSuchLayer)?.clone();
        let color = self.next_color()?;
        let copy = self.take_layer_id();
        self.edit.layers.insert(index + 1, Layer { id: copy, color, ..layer });
        self.edit.active_layer = Some(copy);
        Ok(copy)
    }

    /// Removes a layer; its neighbour becomes the active one.
    pub fn remove_layer(&mut self, id: LayerId) {
        self.edit.remove_layer(id);
    }

    /// Moves a layer up (towards the top of the picture) or down by `steps` places, as far as there are any.
    pub fn reorder_layer(&mut self, id: LayerId, steps: isize) {
        let Some(index) = self.edit.layers.iter().position(|layer| layer.id == id) else { return };
        let layer = self.edit.layers.remove(index);
        self.edit.layers.insert(index.saturating_add_signed(steps).min(self.edit.layers.len()), layer);
    }

    /// Makes a layer the active one; an unknown one changes nothing.
    pub fn set_active_layer(&mut self, id: LayerId) {
        if self.layer(id).is_some() {
            self.edit.active_layer = Some(id);
        }
    }

    /// Changes a layer, and keeps its numbers in range. The change must leave `id` and `photo` alone.
    pub fn update_layer(&mut self, id: LayerId, change: impl FnOnce(&mut Layer)) {
        let Some(layer) = self.edit.layers.iter_mut().find(|layer| layer.id == id) else { return };
        let photo = layer.photo;
        change(layer);
        (layer.id, layer.photo) = (id, photo);
        layer.strength = unit(layer.strength);
        layer.feather_px = if layer.feather_px.is_finite() { layer.feather_px.clamp(0.0, MAX_FEATHER_PX) } else { 0.0 };
        layer.match_colours = unit(layer.match_colours);
        layer.pose = layer.pose.tidied();
        tidy_directions(&mut layer.directions);
        let limit = CANVAS_SIZE_PX as i32;
        layer.offset_px = (layer.offset_px.0.clamp(-limit, limit), layer.offset_px.1.clamp(-limit, limit));
    }

    /// Whether two documents differ in nothing but what is worked on: choosing a face or a layer is not an edit.
    pub fn has_same_content(&self, other: &Self) -> bool {
        let Self { photos, edit: _, other_edits, likeness, next_layer_id } = self;
        let is_in_other = |edit: &FaceEdit| {
            other.edits().find(|it| it.source == edit.source).is_some_and(|it| it.has_same_content(edit))
        };
        *next_layer_id == other.next_layer_id
            && *likeness == other.likeness
            && other_edits.len() == other.other_edits.len()
            && self.edits().all(is_in_other)
            && *photos == other.photos
    }

    /// About how many bytes `self` holds that `other` does not.
    pub fn bytes_not_shared_with(&self, other: &Self) -> usize {
        let photos = self.photos.iter().filter(|photo| other.photo(photo.id).is_none());
        let holds = |original: &Arc<Original>| {
            let placements = other.photos.iter().filter_map(|photo| photo.placement.as_ref());
            placements.into_iter().any(|placement| Arc::ptr_eq(&placement.original, original))
        };
        let original_bytes = |photo: &Photo| match &photo.placement {
            Some(Placement { original, .. }) if !holds(original) => original.bytes(),
            _ => 0,
        };
        let bytes = |photo: &Arc<Photo>| photo.crop.as_raw().len() + photo.latent_bytes() + original_bytes(photo);
        let is_refined_in_other =
            |photo: &&Arc<Photo>| other.photo(photo.id).is_some_and(|other| !photo.has_same_refinement(other));
        let refined_bytes: usize =
            self.photos.iter().filter(is_refined_in_other).map(|photo| photo.latent_bytes()).sum();
        let photo_bytes: usize = photos.map(bytes).sum::<usize>() + refined_bytes;
        let empty = MaskImage::default();
        let mask_bytes = |layer: &Layer| {
            let known = other.layer_of_any_edit(layer.id).map_or(&empty, |other| &other.mask);
            layer.mask.bytes_not_shared_with(known)
        };
        let mask_bytes: usize = self.edits().flat_map(|edit| &edit.layers).map(mask_bytes).sum();
        let edit_bytes: usize = self.edits().map(FaceEdit::bytes_without_masks).sum();
        let likeness_bytes = self.likeness.len() * size_of::<(PhotoId, f32)>();
        photo_bytes + mask_bytes + edit_bytes + likeness_bytes + size_of::<Self>()
    }

    fn next_color(&self) -> Result<[u8; 3], Refusal> {
        if self.edit.layers.len() >= MAX_LAYERS {
            return Err(Refusal::TooManyLayers);
        }
        let free = LAYER_COLORS.iter().find(|&color| self.edit.layers.iter().all(|layer| layer.color != *color));
        free.copied().ok_or(Refusal::TooManyLayers)
    }

    fn take_layer_id(&mut self) -> LayerId {
        self.next_layer_id += 1;
        LayerId(self.next_layer_id)
    }
}

/// The softest edge of a layer.
pub const MAX_FEATHER_PX: f32 = 64.0;

fn tidy_directions(directions: &mut DirectionAmounts) {
    directions.retain(|_, amount| *amount != 0.0 && amount.is_finite());
    directions.values_mut().for_each(|amount| *amount = amount.clamp(-MAX_AMOUNT, MAX_AMOUNT));
}

fn direction_bytes(directions: &DirectionAmounts) -> usize {
    directions.keys().map(|name| name.len() + size_of::<(String, f32)>()).sum()
}

fn unit(value: f32) -> f32 {
    if value.is_finite() { value.clamp(0.0, 1.0) } else { 0.0 }
}
