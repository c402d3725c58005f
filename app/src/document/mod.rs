//! The document: photos, the face at the bottom, and the painted layers above it. Plain data, no window.
//!
//! A document is cheap to copy (photos, masks and their tiles are shared), so that [`history`] keeps whole documents and
//! undo is exact by construction.

pub mod face_region;
pub mod geometry;
pub mod history;
pub mod mask_image;
pub mod mask_ops;
mod new_photo;
mod photo_mask;
pub mod polygon;
pub mod scene;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use image::RgbImage;
use serde::{Deserialize, Serialize};
use stylemap::directions::MAX_AMOUNT;
use stylemap::face::{CropQuad, Landmarks, PasteTarget, Similarity, crop_quad};
use stylemap::latent::{Latent, Residuals};

use crate::original::Original;

pub use face_region::FaceRegion;
pub use geometry::{PixelRect, Point};
pub use history::Timeline;
pub use mask_image::{CANVAS_SIZE_PX, MaskImage};
pub use mask_ops::Combine;
pub use new_photo::NewPhoto;
pub use photo_mask::TakenMask;
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
    }
}

impl Photo {
    /// The face itself, where it is known before this model looks at the crop.
    pub fn latent_of(&self, model_hash: &str) -> Option<&Arc<Latent>> {
        let is_of_model = self.latent_model.as_ref().is_none_or(|hash| hash == model_hash);
        self.latent.as_ref().filter(|_| is_of_model)
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

    /// The whole photo, for edits to be pasted into.
    pub fn paste_target(&self) -> PasteTarget<'_> {
        PasteTarget::new(Cow::Borrowed(&self.original.pixels), self.quad)
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

/// A second face mixed into the source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Blend {
    /// The face at `t` = 1.
    pub with: PhotoId,
    /// In [0, 1]; 0 is the source alone.
    pub t: f32,
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
    /// In [0, 1].
    pub strength: f32,
    /// How far the mask's edge is softened, in canvas pixels.
    pub feather_px: f32,
    /// How far the reference is brought to the colours of the face that it is painted over, in [0, 1].
    pub match_colours: f32,
    /// Whether it takes part in the picture.
    pub visible: bool,
    /// Steps of the reference alone, on top of those of the whole face: they show where the layer is painted.
    pub directions: DirectionAmounts,
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
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooManyLayers => write!(f, "A picture has room for {MAX_LAYERS} layers. Delete one first."),
            Self::NoSuchPhoto => f.write_str("That photo is no longer open."),
            Self::NoSuchLayer => f.write_str("That layer no longer exists."),
        }
    }
}

/// Everything that an edit changes and that undo brings back.
///
/// Always true: the source, the blend's face, every layer's photo and those with a likeness of their own are among the photos; the active layer is among the
/// layers; there is a source as soon as there is a photo.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    photos: Vec<Arc<Photo>>,
    source: Option<PhotoId>,
    blend: Option<Blend>,
    style_mix: Option<StyleMix>,
    directions: DirectionAmounts,
    /// Of the photos that do not show all of it.
    likeness: BTreeMap<PhotoId, f32>,
    layers: Vec<Layer>,
    active_layer: Option<LayerId>,
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

    /// The face at the bottom.
    pub fn source(&self) -> Option<PhotoId> {
        self.source
    }

    /// The face mixed into the source.
    pub fn blend(&self) -> Option<Blend> {
        self.blend
    }

    /// How source and other face are mixed; none is in between, as the blend says. Without a blend it has no effect.
    pub fn style_mix(&self) -> Option<StyleMix> {
        self.style_mix
    }

    /// Mixes the styles of source and other face, or goes back to what is in between.
    pub fn set_style_mix(&mut self, mix: Option<StyleMix>) {
        self.style_mix = mix;
    }

    /// The steps of the whole face, or those of a layer alone. Of an unknown layer there are none.
    pub fn directions(&self, of_layer: Option<LayerId>) -> &DirectionAmounts {
        static NONE: DirectionAmounts = DirectionAmounts::new();
        match of_layer {
            None => &self.directions,
            Some(id) => self.layer(id).map_or(&NONE, |layer| &layer.directions),
        }
    }

    /// Changes the steps of the whole face, or those of a layer alone, and keeps their numbers in range.
    pub fn update_directions(&mut self, of_layer: Option<LayerId>, change: impl FnOnce(&mut DirectionAmounts)) {
        match of_layer {
            None => {
                change(&mut self.directions);
                tidy_directions(&mut self.directions);
            }
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
        &self.layers
    }

    /// A layer by its number.
    pub fn layer(&self, id: LayerId) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.id == id)
    }

    /// The layer that tools work on.
    pub fn active_layer(&self) -> Option<&Layer> {
        self.active_layer.and_then(|id| self.layer(id))
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
        self.source.get_or_insert(photo.id);
        self.photos.push(Arc::new(photo));
    }

    /// Removes a photo with everything that needs it. The next photo becomes the source where it was that.
    pub fn remove_photo(&mut self, id: PhotoId) {
        self.photos.retain(|photo| photo.id != id);
        self.likeness.remove(&id);
        let gone: Vec<LayerId> = self.layers.iter().filter(|l| l.photo == id).map(|layer| layer.id).collect();
        for layer in gone {
            self.remove_layer(layer);
        }
        if self.source == Some(id) {
            self.source = self.photos.first().map(|photo| photo.id);
        }
        self.blend = self.blend.filter(|blend| blend.with != id);
    }

    /// Puts another face in the place of a photo, wherever that is used: the masks painted with it and its likeness stay.
    ///
    /// # Errors
    /// When the photo is not in the document.
    pub fn replace_photo(&mut self, id: PhotoId, photo: Photo) -> Result<(), Refusal> {
        let new_id = photo.id;
        let place = self.photos.iter_mut().find(|photo| photo.id == id).ok_or(Refusal::NoSuchPhoto)?;
        *place = Arc::new(photo);
        let renumber = |used: &mut PhotoId| *used = if *used == id { new_id } else { *used };
        self.source.iter_mut().for_each(renumber);
        self.blend.iter_mut().for_each(|blend| renumber(&mut blend.with));
        self.layers.iter_mut().for_each(|layer| renumber(&mut layer.photo));
        if let Some(likeness) = self.likeness.remove(&id) {
            self.likeness.insert(new_id, likeness);
        }
        Ok(())
    }

    /// Puts a photo at the bottom.
    ///
    /// # Errors
    /// When it is not in the document.
    pub fn set_source(&mut self, id: PhotoId) -> Result<(), Refusal> {
        self.photo(id).ok_or(Refusal::NoSuchPhoto)?;
        self.source = Some(id);
        Ok(())
    }

    /// Mixes another face into the source, or stops doing so.
    ///
    /// # Errors
    /// When its photo is not in the document.
    pub fn set_blend(&mut self, blend: Option<Blend>) -> Result<(), Refusal> {
        if let Some(blend) = blend {
            self.photo(blend.with).ok_or(Refusal::NoSuchPhoto)?;
        }
        self.blend = blend.map(|blend| Blend { t: unit(blend.t), ..blend });
        Ok(())
    }

    /// Adds an empty layer for a photo on top of the others and makes it the active one.
    ///
    /// # Errors
    /// When there is no such photo or no room.
    pub fn add_layer(&mut self, photo: PhotoId) -> Result<LayerId, Refusal> {
        let name = self.photo(photo).ok_or(Refusal::NoSuchPhoto)?.name.clone();
        let color = self.next_color()?;
        let id = self.take_layer_id();
        self.layers.push(Layer {
            id,
            name,
            photo,
            color,
            mask: MaskImage::default(),
            offset_px: (0, 0),
            strength: 1.0,
            feather_px: 0.0,
            match_colours: 1.0,
            visible: true,
            directions: DirectionAmounts::new(),
        });
        self.active_layer = Some(id);
        Ok(id)
    }

    /// Copies a layer above itself and makes the copy the active one.
    ///
    /// # Errors
    /// When there is no such layer or no room.
    pub fn duplicate_layer(&mut self, id: LayerId) -> Result<LayerId, Refusal> {
        let index = self.layers.iter().position(|layer| layer.id == id).ok_or(Refusal::NoSuchLayer)?;
        let layer = self.layers.get(index).ok_or(Refusal::NoSuchLayer)?.clone();
        let color = self.next_color()?;
        let copy = self.take_layer_id();
        self.layers.insert(index + 1, Layer { id: copy, color, ..layer });
        self.active_layer = Some(copy);
        Ok(copy)
    }

    /// Removes a layer; its neighbour becomes the active one.
    pub fn remove_layer(&mut self, id: LayerId) {
        let Some(index) = self.layers.iter().position(|layer| layer.id == id) else { return };
        self.layers.remove(index);
        if self.active_layer == Some(id) {
            self.active_layer = self.layers.get(index.saturating_sub(1)).map(|layer| layer.id);
        }
    }

    /// Moves a layer up (towards the top of the picture) or down by `steps` places, as far as there are any.
    pub fn reorder_layer(&mut self, id: LayerId, steps: isize) {
        let Some(index) = self.layers.iter().position(|layer| layer.id == id) else { return };
        let layer = self.layers.remove(index);
        self.layers.insert(index.saturating_add_signed(steps).min(self.layers.len()), layer);
    }

    /// Makes a layer the active one; an unknown one changes nothing.
    pub fn set_active_layer(&mut self, id: LayerId) {
        if self.layer(id).is_some() {
            self.active_layer = Some(id);
        }
    }

    /// Changes a layer, and keeps its numbers in range. The change must leave `id` and `photo` alone.
    pub fn update_layer(&mut self, id: LayerId, change: impl FnOnce(&mut Layer)) {
        let Some(layer) = self.layers.iter_mut().find(|layer| layer.id == id) else { return };
        let photo = layer.photo;
        change(layer);
        (layer.id, layer.photo) = (id, photo);
        layer.strength = unit(layer.strength);
        layer.feather_px = if layer.feather_px.is_finite() { layer.feather_px.clamp(0.0, MAX_FEATHER_PX) } else { 0.0 };
        layer.match_colours = unit(layer.match_colours);
        tidy_directions(&mut layer.directions);
        let limit = CANVAS_SIZE_PX as i32;
        layer.offset_px = (layer.offset_px.0.clamp(-limit, limit), layer.offset_px.1.clamp(-limit, limit));
    }

    /// Whether two documents differ in nothing but the active layer: choosing a layer is not an edit.
    pub fn has_same_content(&self, other: &Self) -> bool {
        let Self { photos, source, blend, style_mix, directions, likeness, layers, active_layer: _, next_layer_id } =
            self;
        *source == other.source
            && *style_mix == other.style_mix
            && *directions == other.directions
            && *likeness == other.likeness
            && *blend == other.blend
            && *next_layer_id == other.next_layer_id
            && *layers == other.layers
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
        let photo_bytes: usize = photos.map(bytes).sum();
        let empty = MaskImage::default();
        let mask_bytes = |layer: &Layer| {
            layer.mask.bytes_not_shared_with(other.layer(layer.id).map_or(&empty, |other| &other.mask))
                + size_of::<Layer>()
                + layer.name.len()
                + direction_bytes(&layer.directions)
        };
        let layer_bytes: usize = self.layers.iter().map(mask_bytes).sum();
        let likeness_bytes = self.likeness.len() * size_of::<(PhotoId, f32)>();
        photo_bytes + layer_bytes + direction_bytes(&self.directions) + likeness_bytes + size_of::<Self>()
    }

    fn next_color(&self) -> Result<[u8; 3], Refusal> {
        if self.layers.len() >= MAX_LAYERS {
            return Err(Refusal::TooManyLayers);
        }
        let free = LAYER_COLORS.iter().find(|&color| self.layers.iter().all(|layer| layer.color != *color));
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
