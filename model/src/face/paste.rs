//! The edited face in its picture, at the picture's own resolution: the photo that it came from, or its aligned crop.
//!
//! A model of a few hundred pixels draws light, colour and shape; what is finer comes from the photos. A face's fine structure is
//! what its crop has beyond the model's size, `D = crop - up(down(crop))`, and it goes where its face goes: the source's
//! outside of what is painted, a reference's inside, moved and brought to the source's colours as the reference is.
//!
//! `out = up(edit) + sum of shares of D`, and where nothing changes the photo itself, bit for bit. (Where the picture is one of the
//! photos but for the model's noise, it is that photo, too.)
//!
//! A face's share at a place is what it weighs there, times how far the picture still shows its structure
//! ([`agreement()`]): along borders, under directions, between two faces, and wherever a model draws a face
//! wrongly, fine structure of something else would be a double exposure.
//!
//! **Measured** by `examples/paste_methods.rs`, which draws the edits too (`assets/screenshots/paste_methods.png`): twelve settled edits of the
//! default model, in a photo each. "Seam" is how much steeper the change is where the painted region ends than the model's own change
//! there (levels per pixel, mean and worst), "kept" the share of the change that arrives inside (mean and least), "beyond" the largest
//! change farther out than the feather (levels); "new" and "old" how the fine structure inside correlates with the reference's and
//! with the source's, "left" the source's share in a fit of both:
//!
//! | blending | seam | worst | kept | least | beyond | new | old | left |
//! | --- | --- | --- | --- | --- | --- | --- | --- | --- |
//! | replaced, hard mask | 0.0 | 0.0 | 0.97 | 0.94 | 0 | 0.30 | 0.05 | 0.01 |
//! | replaced, feather of 5% | 1.2 | 2.6 | 0.98 | 0.95 | 0 | 0.33 | 0.06 | 0.01 |
//! | replaced, five bands | 0.1 | 0.9 | 0.81 | 0.71 | 2.2 | 0.13 | 0.94 | 0.89 |
//! | replaced, membrane | 0.0 | 0.0 | 0.93 | 0.85 | 0 | 0.13 | 0.93 | 0.88 |
//! | difference, hard mask | 0.0 | 0.1 | 0.97 | 0.94 | 0 | 0.13 | 0.94 | 0.89 |
//! | difference, feather of 8% | 1.2 | 2.6 | 0.97 | 0.94 | 0 | 0.13 | 0.94 | 0.89 |
//! | difference, five bands | 0.1 | 0.9 | 0.81 | 0.71 | 2.1 | 0.13 | 0.94 | 0.90 |
//! | difference, membrane | 0.0 | 0.0 | 0.93 | 0.85 | 0 | 0.13 | 0.93 | 0.88 |
//! | **composed, feather of 8%** | **1.4** | **3.6** | **0.99** | **0.97** | **0** | **0.96** | **0.05** | **0.01** |
//!
//! A difference that is added leaves the old face's fine structure under the new one: a double exposure. A picture that replaces
//! it is the model's, without any. (A hard mask ends as steeply as the settled edit itself, which is not a virtue.)
//!
//! Everything but the references' fine structure is computed on the model's pixels as one *field*; the photo's pixels only take
//! samples of it.

use std::borrow::Cow;
use std::sync::Arc;

use image::{DynamicImage, ImageBuffer, Primitive, Rgb, RgbImage};
use rayon::prelude::*;

use super::align::{align_linear, cubic_weights, gaussian_blurred};
use super::geometry::CropQuad;
use super::head::head_mask;
use crate::agreement::{agreement, gray, sameness};
use crate::colours::ColourMatch;
use crate::engine::{Base, FaceId, Layer, LayerStyle, Scene};
use crate::error::{Error, Result};
use crate::kernels::vectorised;
use crate::latent::residual_share;
use crate::mask::{Mask, Pooling, shift_at_level};
use crate::photo::{self, ColourAxis};

/// Pictures of the model are at most this large.
const MAX_SIZE_PX: u32 = 4096;
/// References' fine structure is carried at most at this size.
const MAX_DETAIL_PX: u32 = 1024;
/// Bicubic samples reach two pixels.
const MARGIN_PX: usize = 2;
/// How far the change of a photo reaches beyond what is painted, as a share of the crop's side.
pub const FEATHER_SHARE: f32 = 0.08;
/// From one face's fine structure to the other's, as a share of the crop's side, where the brush's own edge is no softer.
const DETAIL_FEATHER_SHARE: f32 = 8.0 / 512.0;
/// Over which distance from its border the crop fades out in a photo, as a share of its side.
const BORDER_SHARE: f32 = 0.06;
/// A weight from which on a place counts as painted.
const PAINTED: f32 = 0.04;

/// Which part of the picture is the edit's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Only what the edit changes: what is painted and a feather around it, and the head where the face below is another.
    Changes,
    /// All of the crop: the face as it is shown by itself.
    Whole,
}

/// A face whose fine structure shows.
#[derive(Clone)]
struct Part {
    /// None: the crop of the target itself.
    crop: Option<Arc<RgbImage>>,
    colours: Option<ColourMatch>,
    share: f32,
}

#[derive(Clone)]
struct PaintedPart {
    part: Part,
    mask: Arc<Mask>,
    offset_px: (i32, i32),
    feather_px: f32,
}

/// Which faces a scene shows where: what their fine structure is taken by.
#[derive(Clone)]
pub struct Composition {
    base: Vec<Part>,
    /// The lowest first.
    layers: Vec<PaintedPart>,
    changes_base: bool,
}

impl Composition {
    /// The composition of a scene in the picture of `source`. `crop_of`: every other face's aligned crop, the larger the finer; one without gives no
    /// fine structure. `source_crop`: what references' colours are matched to, as the engine does.
    pub fn new(
        scene: &Scene,
        source: FaceId,
        source_crop: Option<&RgbImage>,
        crop_of: impl Fn(FaceId) -> Option<Arc<RgbImage>>,
    ) -> Self {
        // The source lies in its own picture, unless it is moved there.
        let part = |face: FaceId, share: f32, is_moved: bool| -> Option<Part> {
            let crop = if face == source && !is_moved { None } else { Some(crop_of(face)?) };
            Some(Part { crop, colours: None, share })
        };
        let base = match scene.base {
            Base::Face(face) => vec![part(face, 1.0, false)],
            Base::Interpolation { from, to, t } => {
                vec![part(from, residual_share(t), false), part(to, residual_share(1.0 - t), false)]
            }
            Base::Corners { faces, at } => {
                let shares = Base::corner_shares(at);
                let share_of =
                    |face| faces.iter().zip(shares).filter(|(it, _)| **it == face).map(|(_, share)| share).sum::<f32>();
                let firsts = faces.iter().enumerate().filter(|(index, face)| !faces[..*index].contains(face));
                firsts.map(|(_, face)| part(*face, residual_share(1.0 - share_of(*face)), false)).collect()
            }
            Base::StyleMix { fine, .. } => vec![part(fine, 1.0, false)],
        };
        let colours_of = scene.colours_of();
        let of_other = if colours_of == source { None } else { crop_of(colours_of) };
        let target = if colours_of == source { source_crop } else { of_other.as_deref() };
        // Colours and light alone leave the fine structure as it is.
        let brings_structure = |layer: &&Layer| !matches!(layer.style, LayerStyle::Coarse(_));
        let painted = scene.layers.iter().filter(|layer| layer.strength > 0.0 && !layer.mask.is_empty());
        let layers = painted.filter(brings_structure).map(|layer| {
            let found = part(layer.face, layer.strength.clamp(0.0, 1.0), layer.offset_px != (0, 0));
            let mut part = found.unwrap_or(Part { crop: Some(Arc::default()), colours: None, share: layer.strength });
            let amount = layer.match_colours.clamp(0.0, 1.0);
            if let (true, Some(crop), Some(target)) = (amount > 0.0 && layer.face != colours_of, &part.crop, target)
                && crop.width() > 0
            {
                part.colours = Some(ColourMatch::new(crop, target, amount));
            }
            PaintedPart {
                part,
                mask: Arc::clone(&layer.mask),
                offset_px: layer.offset_px,
                feather_px: layer.feather_px,
            }
        });
        let is_source = scene.base == Base::Face(source) && scene.directions.iter().all(|step| step.amount == 0.0);
        Self { base: base.into_iter().flatten().collect(), layers: layers.collect(), changes_base: !is_source }
    }

    /// The faces whose crops it takes.
    fn crops(&self) -> impl Iterator<Item = &Arc<RgbImage>> {
        let parts = self.base.iter().chain(self.layers.iter().map(|layer| &layer.part));
        parts.filter_map(|part| part.crop.as_ref()).filter(|crop| crop.width() > 0)
    }
}

/// What one pixel of the crop does to the photo.
#[derive(Clone, Copy, Default)]
struct Change {
    /// Added to the photo, in levels; the fourth is the share of the photo's own fine structure that goes.
    add_and_smoothing: [f32; 4],
    /// The photo at the model's resolution, the fourth unused; needed where that share is not zero.
    photo: [f32; 4],
}

/// A crop's fine structure.
struct Detail {
    crop: Arc<RgbImage>,
    /// In 64ths of a level, `side_px` x `side_px`.
    fine: Vec<[i16; 3]>,
    side_px: usize,
    /// The crop at the model's size.
    small: Vec<[f32; 3]>,
    model_px: usize,
}

const STEPS_PER_LEVEL: f32 = 64.0;

impl Detail {
    fn new(crop: &Arc<RgbImage>, side_px: usize, model_px: usize) -> Self {
        let small = levels(&photo::resized(crop, model_px as u32));
        let own = photo::resized(crop, side_px as u32);
        let mut fine = vec![[0i16; 3]; side_px * side_px];
        if side_px > model_px {
            let padded = Padded::new(&small, model_px);
            let per_pixel = model_px as f32 / side_px as f32;
            fine.par_chunks_exact_mut(side_px).enumerate().for_each(|(y, row)| {
                for (x, to) in row.iter_mut().enumerate() {
                    let at = [x, y].map(|at| (at as f32 + 0.5) * per_pixel - 0.5);
                    let smooth = padded.sample(at);
                    let pixel = own.get_pixel(x as u32, y as u32).0;
                    *to = std::array::from_fn(|c| ((f32::from(pixel[c]) - smooth[c]) * STEPS_PER_LEVEL).round() as i16);
                }
            });
        }
        Self { crop: Arc::clone(crop), fine, side_px, small, model_px }
    }
}

/// Pixels with their border pixels repeated around them, for bicubic samples.
struct Padded {
    pixels: Vec<[f32; 4]>,
    side: usize,
}

impl Padded {
    fn new(pixels: &[[f32; 3]], size: usize) -> Self {
        let side = size + 2 * MARGIN_PX;
        let inside = |at: usize| at.saturating_sub(MARGIN_PX).min(size - 1);
        let pixels = (0..side * side).map(|i| {
            let [red, green, blue] = pixels[inside(i / side) * size + inside(i % side)];
            [red, green, blue, 0.0]
        });
        Self { pixels: pixels.collect(), side }
    }

    /// `at` from -0.5 on.
    #[inline(always)]
    fn sample(&self, [x, y]: [f32; 2]) -> [f32; 3] {
        let (left, top) = (x.floor(), y.floor());
        let first = ((top + 1.0) as usize) * self.side + (left + 1.0) as usize;
        let [red, green, blue, _] =
            cubic_sample(&self.pixels[first..], self.side, cubic_weights(x - left), cubic_weights(y - top), |pixel| {
                pixel
            });
        [red, green, blue]
    }
}

/// The weighted sum of four times four, the first of which is the first of `values`.
#[inline(always)]
fn cubic_sample<T>(
    values: &[T],
    side: usize,
    weights_x: [f32; 4],
    weights_y: [f32; 4],
    value: impl Fn(&T) -> &[f32; 4],
) -> [f32; 4] {
    let mut sum = [0f32; 4];
    for (row, weight_y) in values.chunks(side).zip(weights_y) {
        for (item, weight_x) in row.iter().zip(weights_x) {
            let weight = weight_x * weight_y;
            sum.iter_mut().zip(value(item)).for_each(|(sum, &value)| *sum += value * weight);
        }
    }
    sum
}

/// A photo, or a part of one, and a crop in it: what edits are pasted into. What does not depend on the edit is computed
/// once, so that a brush can be followed.
pub struct PasteTarget<'a> {
    photo: Cow<'a, RgbImage>,
    quad: CropQuad,
    /// The photo's pixels as a crop of this side, once an edit needed them.
    cropped: Option<(u32, Arc<Vec<[f32; 3]>>)>,
    /// Fine structure of the last edit's references.
    details: Vec<Arc<Detail>>,
    /// Of a gray or toned photo, what edits are kept on.
    axis: Option<ColourAxis>,
}

impl<'a> PasteTarget<'a> {
    /// A photo in which the crop lies there.
    pub fn new(photo: Cow<'a, RgbImage>, quad: CropQuad) -> Self {
        Self { photo, quad, cropped: None, details: Vec::new(), axis: None }
    }

    /// An aligned crop by itself.
    ///
    /// # Errors
    /// When the crop is a line of single pixels.
    pub fn of_crop(crop: Cow<'a, RgbImage>) -> Result<Self> {
        let quad = CropQuad::centered(crop.width(), crop.height())?;
        Ok(Self::new(crop, quad))
    }

    /// Keeps edits of a gray or toned photo on its own axis of colours.
    pub fn on_axis(self, axis: Option<&ColourAxis>) -> Self {
        Self { axis: axis.cloned(), ..self }
    }

    /// Whether edits are kept on an axis of colours.
    pub fn has_axis(&self) -> bool {
        self.axis.is_some()
    }

    /// The photo as it is.
    pub fn photo(&self) -> &RgbImage {
        &self.photo
    }

    /// The photo with the edited face in it. `edited`: the model's picture, square.
    ///
    /// # Errors
    /// When the picture is not one of a model's.
    pub fn paste(&mut self, edited: &RgbImage, composition: &Composition, extent: Extent) -> Result<RgbImage> {
        let field = self.field(edited, composition, extent)?;
        let mut out = self.photo.clone().into_owned();
        if let Some(field) = field {
            field.add_to(&mut out, &self.quad, self.axis.as_ref());
        }
        Ok(out)
    }

    /// Puts the edited face into a picture of the photo that may be finer than the photo's eight bits, or hold other edits
    /// already: `onto` is RGB of 8 or 16 bits.
    ///
    /// # Errors
    /// As [`Self::paste`], and when `onto` is no such picture.
    pub fn paste_onto(
        &mut self,
        onto: &mut DynamicImage,
        edited: &RgbImage,
        composition: &Composition,
        extent: Extent,
    ) -> Result<()> {
        if (onto.width(), onto.height()) != self.photo.dimensions() {
            return Err(Error::argument("an edited face goes into a picture of its photo's size"));
        }
        let Some(field) = self.field(edited, composition, extent)? else { return Ok(()) };
        match onto {
            DynamicImage::ImageRgb8(onto) => field.add_to(onto, &self.quad, self.axis.as_ref()),
            DynamicImage::ImageRgb16(onto) => field.add_to(onto, &self.quad, self.axis.as_ref()),
            _ => return Err(Error::argument("an edited face goes into RGB pixels of 8 or 16 bits")),
        }
        Ok(())
    }

    fn field(&mut self, edited: &RgbImage, composition: &Composition, extent: Extent) -> Result<Option<Field>> {
        let size_px = edited.width();
        if edited.dimensions() != (size_px, size_px) || size_px == 0 || size_px > MAX_SIZE_PX {
            return Err(Error::argument(format!("an edited face is square and 1 to {MAX_SIZE_PX} pixels wide")));
        }
        Field::new(self, edited, composition, extent)
    }

    fn cropped(&mut self, size_px: u32) -> Result<Arc<Vec<[f32; 3]>>> {
        let known = self.cropped.take().filter(|(of_size_px, _)| *of_size_px == size_px);
        let cropped = match known {
            Some(cropped) => cropped,
            None => (size_px, Arc::new(align_linear(&self.photo, &self.quad, size_px)?)),
        };
        Ok(Arc::clone(&self.cropped.insert(cropped).1))
    }

    /// The fine structure of a composition's crops; of others nothing is kept.
    fn prepare_details(&mut self, composition: &Composition, model_px: usize) {
        // No finer than the photo, whose pixels take it; as fine as the crop.
        let most = (self.quad.side_px().ceil().max(1.0) as u32).min(MAX_DETAIL_PX);
        let known = std::mem::take(&mut self.details);
        for crop in composition.crops() {
            let side_px = most.min(crop.width()).max(model_px as u32) as usize;
            let fits = |detail: &&Arc<Detail>| {
                Arc::ptr_eq(&detail.crop, crop) && detail.side_px == side_px && detail.model_px == model_px
            };
            if self.details.iter().any(|detail| fits(&detail)) {
                continue;
            }
            let detail = known.iter().find(fits).map(Arc::clone);
            self.details.push(detail.unwrap_or_else(|| Arc::new(Detail::new(crop, side_px, model_px))));
        }
    }
}

/// One edit into a photo, see [`PasteTarget::paste`].
///
/// # Errors
/// As [`PasteTarget::paste`].
pub fn paste(
    photo: &RgbImage,
    quad: &CropQuad,
    edited: &RgbImage,
    composition: &Composition,
    extent: Extent,
) -> Result<RgbImage> {
    PasteTarget::new(Cow::Borrowed(photo), *quad).paste(edited, composition, extent)
}

/// The changes on the crop, with a margin of nothing on each side.
struct Field {
    size: usize,
    changes: Vec<Change>,
    /// The pixels that do something: first and last column, first and last row.
    columns: (usize, usize),
    rows: (usize, usize),
    /// The references' fine structure, already weighted.
    brought: Option<Brought>,
}

/// Fine structure that an edit brings along, on a grid that is finer than the field's.
struct Brought {
    /// Side of the whole crop on this grid.
    side_px: usize,
    /// The first column and row, and how many there are, without the margin.
    origin: [usize; 2],
    size: [usize; 2],
    /// With a margin on each side.
    values: Vec<[f32; 4]>,
}

/// What one reference brings: its fine structure where it weighs something.
struct Bringing<'a> {
    detail: &'a Detail,
    colours: Option<ColourMatch>,
    /// On the model's pixels.
    weights: Vec<f32>,
    shift_cells: (i64, i64),
}

impl Field {
    /// None where nothing changes.
    fn new(
        target: &mut PasteTarget<'_>,
        edited: &RgbImage,
        composition: &Composition,
        extent: Extent,
    ) -> Result<Option<Self>> {
        let size_px = edited.width();
        let size = size_px as usize;
        let reach = reach(composition, extent, size);
        if reach.iter().all(|reach| *reach == 0.0) {
            return Ok(None);
        }
        let cropped = target.cropped(size_px)?;
        let edited = levels(edited);
        let own_difference: Vec<[f32; 3]> =
            edited.iter().zip(cropped.iter()).map(|(a, b)| std::array::from_fn(|c| a[c] - b[c])).collect();
        let mut difference = own_difference.clone();
        target.prepare_details(composition, size);
        let shown: Vec<f32> = edited.iter().copied().map(gray).collect();
        let own_gray: Vec<f32> = cropped.iter().copied().map(gray).collect();
        let mut own_share = vec![0f32; size * size];
        let mut bringing = Vec::new();
        let mut add = |part: &Part, weights: &[f32], shift_cells: (i64, i64)| {
            let times = |agreement: &[f32]| -> Vec<f32> {
                weights.iter().zip(agreement).map(|(weight, agreement)| weight * agreement).collect()
            };
            let is_own = part.crop.is_none() && shift_cells == (0, 0);
            if is_own {
                for (share, weight) in own_share.iter_mut().zip(times(&agreement(&own_gray, &shown, size))) {
                    *share += weight;
                }
            } else if let Some(crop) = &part.crop
                && let Some(detail) = target.details.iter().find(|detail| Arc::ptr_eq(&detail.crop, crop))
                && detail.side_px > size
            {
                let mut face = shifted(&detail.small, size, shift_cells);
                let face_gray: Vec<f32> = face.iter().copied().map(gray).collect();
                let mut weights = times(&agreement(&face_gray, &shown, size));
                if let Some(colours) = part.colours {
                    face.iter_mut().for_each(|colour| *colour = colours.apply_to_colour(*colour));
                }
                let noise: Vec<[f32; 3]> =
                    edited.iter().zip(&face).map(|(a, b)| std::array::from_fn(|c| a[c] - b[c])).collect();
                let same = sameness(&noise, size);
                for (((difference, noise), same), weight) in difference.iter_mut().zip(&noise).zip(same).zip(&weights) {
                    *difference = std::array::from_fn(|c| difference[c] - same * weight * noise[c]);
                }
                weights.iter_mut().zip(&reach).for_each(|(weight, reach)| *weight *= reach);
                bringing.push(Bringing { detail, colours: part.colours, weights, shift_cells });
            }
        };
        // From the top down: what a layer leaves is for those below.
        let mut left = vec![1f32; size * size];
        for PaintedPart { part, mask, offset_px, feather_px } in composition.layers.iter().rev() {
            let per_canvas_px = size as f32 / mask.size_px() as f32;
            let feather_px = (feather_px * per_canvas_px).max(DETAIL_FEATHER_SHARE * size as f32);
            let shift_cells = cells_moved(*offset_px, size, mask.size_px());
            let mask = mask.at_level(size, Pooling::Soft).feathered(feather_px).shifted(shift_cells.0, shift_cells.1);
            let weights: Vec<f32> =
                left.iter().zip(mask.weights()).map(|(left, mask)| left * mask * part.share).collect();
            left.iter_mut().zip(&weights).for_each(|(left, weight)| *left -= weight);
            add(part, &weights, shift_cells);
        }
        for part in composition.base.iter().filter(|part| part.share > 0.0) {
            let weights: Vec<f32> = left.iter().map(|left| left * part.share).collect();
            add(part, &weights, (0, 0));
        }
        let same = sameness(&own_difference, size);
        for (((difference, noise), same), own) in difference.iter_mut().zip(&own_difference).zip(same).zip(&own_share) {
            *difference = std::array::from_fn(|c| difference[c] - same * own * noise[c]);
        }
        // A photo in which the crop is smaller than the model's picture: nothing finer than its pixels may come.
        let shrink = size as f32 / target.quad.side_px();
        if shrink > 1.0 {
            // A photo pixel covers several of the crop's; the wanted blur is that of a box of its size.
            difference = gaussian_blurred(&difference, size, 0.4 * shrink);
            own_share.fill(1.0);
            bringing.clear();
        }
        let padded = size + 2 * MARGIN_PX;
        let mut field = Self {
            size,
            changes: vec![Change::default(); padded * padded],
            columns: (size, 0),
            rows: (size, 0),
            brought: Brought::new(&bringing, size),
        };
        // Beyond the border the border goes on: the crop by itself ends there.
        for row in 0..padded {
            for column in 0..padded {
                let inside = |at: usize| at.saturating_sub(MARGIN_PX).min(size - 1);
                let (x, y) = (inside(column), inside(row));
                let i = y * size + x;
                let [red, green, blue] = difference[i];
                let add_and_smoothing = [red, green, blue, 1.0 - own_share[i]].map(|value| value * reach[i]);
                let [red, green, blue] = cropped[i];
                field.changes[row * padded + column] = Change { add_and_smoothing, photo: [red, green, blue, 0.0] };
                if reach[i] != 0.0 {
                    field.columns = (field.columns.0.min(x), field.columns.1.max(x));
                    field.rows = (field.rows.0.min(y), field.rows.1.max(y));
                }
            }
        }
        Ok((field.rows.0 <= field.rows.1).then_some(field))
    }

    /// Changes the photo's pixels, and only those within the crop that the field reaches.
    fn add_to<L: Level>(&self, photo: &mut ImageBuffer<Rgb<L>, Vec<L>>, quad: &CropQuad, axis: Option<&ColourAxis>)
    where
        Rgb<L>: image::Pixel<Subpixel = L>,
    {
        let size_px = self.size as u32;
        let (photo_from_crop, crop_from_photo) = (quad.photo_from_crop(size_px), quad.crop_from_photo(size_px));
        // Samples reach this far beyond the pixels that do something, but never beyond the crop.
        let reach = MARGIN_PX as f64;
        let limits = |(first, last): (usize, usize)| {
            ((first as f64 - reach).max(-0.5), (last as f64 + reach).min(self.size as f64 - 0.5))
        };
        let ((left, right), (top, bottom)) = (limits(self.columns), limits(self.rows));
        let corners =
            [[left, top], [left, bottom], [right, bottom], [right, top]].map(|at| photo_from_crop.apply_wide(at));
        let range = |axis: usize, len: u32| {
            let values = corners.map(|corner| corner[axis]);
            let first = values.iter().copied().fold(f64::INFINITY, f64::min).floor().clamp(0.0, f64::from(len));
            let end =
                (values.iter().copied().fold(f64::NEG_INFINITY, f64::max).ceil() + 1.0).clamp(first, f64::from(len));
            (first as usize, end as usize)
        };
        let ((first_x, end_x), (first_y, end_y)) = (range(0, photo.width()), range(1, photo.height()));
        let row_len = photo.width() as usize * 3;
        let step = crop_from_photo.step_x();
        let rows = photo.par_chunks_exact_mut(row_len.max(1)).enumerate().skip(first_y).take(end_y - first_y);
        rows.for_each(|(y, row)| {
            let start = crop_from_photo.apply_wide([0.0, y as f64]);
            vectorised(
                #[inline(always)]
                || {
                    for (x, pixel) in row.as_chunks_mut::<3>().0.iter_mut().enumerate().take(end_x).skip(first_x) {
                        let at = [start[0] + step[0] * x as f64, start[1] + step[1] * x as f64];
                        if at[0] >= left && at[0] <= right && at[1] >= top && at[1] <= bottom {
                            self.change(pixel, at, axis);
                        }
                    }
                },
            );
        });
    }

    #[inline(always)]
    fn change<L: Level>(&self, pixel: &mut [L; 3], at @ [x, y]: [f64; 2], axis: Option<&ColourAxis>) {
        let (left, top) = (x.floor(), y.floor());
        let (weights_x, weights_y) = (cubic_weights((x - left) as f32), cubic_weights((y - top) as f32));
        let padded = self.size + 2 * MARGIN_PX;
        // The first of four, in the padded field; x and y are at least -0.5.
        let first = ((top + 1.0) as usize) * padded + (left + 1.0) as usize;
        let sample =
            |value: fn(&Change) -> &[f32; 4]| cubic_sample(&self.changes[first..], padded, weights_x, weights_y, value);
        let [red, green, blue, smoothing] = sample(|change| &change.add_and_smoothing);
        let mut add = [red, green, blue];
        let own = pixel.map(Level::to_levels);
        if smoothing != 0.0 {
            let coarse = sample(|change| &change.photo);
            for ((add, own), coarse) in add.iter_mut().zip(own).zip(coarse) {
                *add -= smoothing * (own - coarse);
            }
        }
        if let Some(brought) = &self.brought {
            brought.add_to(&mut add, at.map(|at| (at + 0.5) / self.size as f64));
        }
        if add == [0.0; 3] {
            return;
        }
        if let Some(axis) = axis {
            add = axis.along(own, add);
        }
        *pixel = std::array::from_fn(|channel| L::from_levels(own[channel] + add[channel]));
    }
}

/// A channel of a pixel, counted in the 256 levels of eight bits.
trait Level: Primitive + Send + Sync {
    fn to_levels(self) -> f32;
    /// Rounded to the nearest, and saturated.
    fn from_levels(levels: f32) -> Self;
}

impl Level for u8 {
    #[inline(always)]
    fn to_levels(self) -> f32 {
        f32::from(self)
    }

    #[inline(always)]
    fn from_levels(levels: f32) -> Self {
        (levels + 0.5) as Self
    }
}

impl Level for u16 {
    #[inline(always)]
    fn to_levels(self) -> f32 {
        f32::from(self) / 257.0
    }

    #[inline(always)]
    fn from_levels(levels: f32) -> Self {
        (levels * 257.0 + 0.5) as Self
    }
}

impl Brought {
    /// None where no reference weighs anything.
    fn new(bringing: &[Bringing<'_>], size: usize) -> Option<Self> {
        let side_px = bringing.iter().map(|bringing| bringing.detail.side_px).max()?;
        let weighs = |i: usize| bringing.iter().any(|bringing| bringing.weights[i] > 1e-3);
        let cells = (0..size * size).filter(|&i| weighs(i));
        let bounds = cells.fold(None, |bounds: Option<[usize; 4]>, i| {
            let (x, y) = (i % size, i / size);
            let [left, right, top, bottom] = bounds.unwrap_or([x, x, y, y]);
            Some([left.min(x), right.max(x), top.min(y), bottom.max(y)])
        });
        let [left, right, top, bottom] = bounds?;
        // Weights are interpolated between the model's pixels: one more on each side.
        let first = |at: usize| at.saturating_sub(1) * side_px / size;
        let end = |at: usize| (((at + 2) * side_px).div_ceil(size)).min(side_px);
        let origin = [first(left), first(top)];
        let [width, height] = [end(right) - origin[0], end(bottom) - origin[1]];
        let padded = width + 2 * MARGIN_PX;
        let mut values = vec![[0f32; 4]; padded * (height + 2 * MARGIN_PX)];
        values.par_chunks_exact_mut(padded).enumerate().skip(MARGIN_PX).take(height).for_each(|(row, values)| {
            let y = row - MARGIN_PX + origin[1];
            for bringing in bringing {
                bringing.add_row(&mut values[MARGIN_PX..][..width], [origin[0], y], side_px, size);
            }
        });
        Some(Self { side_px, origin, size: [width, height], values })
    }

    #[inline(always)]
    fn add_to(&self, add: &mut [f32; 3], at: [f64; 2]) {
        let [x, y] = at.map(|at| at * self.side_px as f64 - 0.5);
        let [x, y] = [x - self.origin[0] as f64, y - self.origin[1] as f64];
        let [width, height] = self.size.map(|len| len as f64);
        if x < -1.0 || y < -1.0 || x >= width || y >= height {
            return;
        }
        let (left, top) = (x.floor(), y.floor());
        let side = self.size[0] + 2 * MARGIN_PX;
        let first = ((top + 1.0) as usize) * side + (left + 1.0) as usize;
        let (weights_x, weights_y) = (cubic_weights((x - left) as f32), cubic_weights((y - top) as f32));
        let sum = cubic_sample(&self.values[first..], side, weights_x, weights_y, |value| value);
        add.iter_mut().zip(sum).for_each(|(add, value)| *add += value);
    }
}

impl Bringing<'_> {
    /// Adds a part of a row that begins at `origin` of a crop of `side_px`.
    fn add_row(&self, row: &mut [[f32; 4]], [first_x, y]: [usize; 2], side_px: usize, size: usize) {
        let own_px = self.detail.side_px;
        let moved_px = |cells: i64| cells as f32 * own_px as f32 / size as f32;
        // Where a place of the crop lies in this face's own fine structure, which may be of another size.
        let scale = own_px as f32 / side_px as f32;
        let own = |at: usize, cells: i64| ((at as f32 + 0.5) * scale - moved_px(cells)).floor();
        let own_y = own(y, self.shift_cells.1);
        if own_y < 0.0 || own_y >= own_px as f32 {
            return;
        }
        let fine = &self.detail.fine[own_y as usize * own_px..][..own_px];
        // Between the model's pixels weights are interpolated.
        let between = |at: usize| {
            let at = ((at as f32 + 0.5) * size as f32 / side_px as f32 - 0.5).clamp(0.0, (size - 1) as f32);
            let first = at as usize;
            (first, (first + 1).min(size - 1), at - first as f32)
        };
        let (above, below, down) = between(y);
        let (above, below) = (&self.weights[above * size..][..size], &self.weights[below * size..][..size]);
        for (x, to) in (first_x..).zip(row) {
            let (left, right, across) = between(x);
            let upper = above[left] + across * (above[right] - above[left]);
            let lower = below[left] + across * (below[right] - below[left]);
            let weight = (upper + down * (lower - upper)) / STEPS_PER_LEVEL;
            let own_x = own(x, self.shift_cells.0);
            if weight == 0.0 || own_x < 0.0 || own_x >= own_px as f32 {
                continue;
            }
            let mut value = fine[own_x as usize].map(f32::from);
            if let Some(colours) = &self.colours {
                value = colours.apply_to_difference(value);
            }
            to.iter_mut().zip(value).for_each(|(to, value)| *to += weight * value);
        }
    }
}

fn levels(picture: &RgbImage) -> Vec<[f32; 3]> {
    picture.pixels().map(|pixel| pixel.0.map(f32::from)).collect()
}

/// How many of the model's pixels a layer is moved by, as the finest style codes are.
fn cells_moved((dx, dy): (i32, i32), size: usize, mask_px: usize) -> (i64, i64) {
    (shift_at_level(dx, size, mask_px), shift_at_level(dy, size, mask_px))
}

/// Values moved by whole pixels; what enters repeats what was there.
fn shifted<T: Copy>(values: &[T], size: usize, (dx, dy): (i64, i64)) -> Vec<T> {
    let from = |at: usize, by: i64| (at as i64 - by).clamp(0, size as i64 - 1) as usize;
    (0..size * size).map(|i| values[from(i / size, dy) * size + from(i % size, dx)]).collect()
}

fn smoothstep(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// How much each of the model's pixels is the edit's.
fn reach(composition: &Composition, extent: Extent, size: usize) -> Vec<f32> {
    if extent == Extent::Whole {
        return vec![1.0; size * size];
    }
    let mut reach = if composition.changes_base { head_mask(size).weights().to_vec() } else { vec![0.0; size * size] };
    let mut painted: Option<Vec<f32>> = None;
    for PaintedPart { mask, offset_px, feather_px, .. } in &composition.layers {
        let (dx, dy) = cells_moved(*offset_px, size, mask.size_px());
        let feather_px = feather_px * size as f32 / mask.size_px() as f32;
        let mask = mask.at_level(size, Pooling::Soft).feathered(feather_px).shifted(dx, dy);
        let all = painted.get_or_insert_with(|| vec![0.0; size * size]);
        all.iter_mut().zip(mask.weights()).for_each(|(all, weight)| *all = all.max(*weight));
    }
    if let Some(painted) = painted {
        let weights = painted.into_iter().map(|weight| f32::from(weight > PAINTED)).collect();
        // As many finite weights as pixels.
        if let Ok(mask) = Mask::new(size, weights) {
            let feathered = feathered_outwards(&mask, size, FEATHER_SHARE * size as f32);
            reach.iter_mut().zip(feathered).for_each(|(reach, weight)| *reach = reach.max(weight));
        }
    }
    let border_px = (BORDER_SHARE * size as f32).max(1.0);
    let from_border = |at: usize| smoothstep((at.min(size - 1 - at) as f32 + 0.5) / border_px);
    for (i, reach) in reach.iter_mut().enumerate() {
        *reach *= from_border(i % size) * from_border(i / size);
    }
    reach
}

/// The mask at the crop's size, with a smooth slope of about `feather_px` around what is painted; what is painted keeps
/// its weight. Two pixels of the reach are left to the sampling.
fn feathered_outwards(mask: &Mask, size: usize, feather_px: f32) -> Vec<f32> {
    let mask = mask.at_level(size, Pooling::Soft);
    let reach = (feather_px - MARGIN_PX as f32).max(0.0);
    let mut weights = mask.weights().iter().map(|weight| weight.clamp(0.0, 1.0)).collect::<Vec<_>>();
    if reach < 1.0 {
        return weights;
    }
    // The distance to what is at least half painted: along rows first, then the best of each column.
    let far = size as f32 * 2.0;
    let mut along_rows = vec![far; size * size];
    for (distances, weights) in along_rows.chunks_exact_mut(size).zip(weights.chunks_exact(size)) {
        let mut pass = |indices: &mut dyn Iterator<Item = usize>| {
            let mut distance = far;
            for x in indices {
                distance = if weights[x] >= 0.5 { 0.0 } else { distance + 1.0 };
                distances[x] = distances[x].min(distance);
            }
        };
        pass(&mut (0..size));
        pass(&mut (0..size).rev());
    }
    let radius = reach.ceil() as usize;
    weights.par_chunks_exact_mut(size).enumerate().for_each_init(
        || vec![0f32; size],
        |squares, (y, weights)| {
            squares.fill(f32::INFINITY);
            for row in y.saturating_sub(radius)..(y + radius + 1).min(size) {
                let down = (row.abs_diff(y) as f32).powi(2);
                let along_row = &along_rows[row * size..(row + 1) * size];
                squares.iter_mut().zip(along_row).for_each(|(best, across)| *best = best.min(across * across + down));
            }
            for (weight, square) in weights.iter_mut().zip(squares) {
                *weight = weight.max(smoothstep(1.0 - square.sqrt() / reach));
            }
        },
    );
    weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feather_lies_outside() -> Result<()> {
        let mut painted = vec![0.0; 64 * 64];
        painted[32 * 64 + 32] = 1.0;
        painted[10 * 64 + 10] = 0.25;
        let weights = feathered_outwards(&Mask::new(64, painted)?, 64, 12.0);
        let at = |x: usize, y: usize| weights[y * 64 + x];
        assert_eq!((at(32, 32), at(10, 10), at(50, 50)), (1.0, 0.25, 0.0));
        // Ten pixels of slope, the middle of it a half.
        assert!((at(37, 32) - 0.5).abs() < 1e-5 && (at(32, 27) - 0.5).abs() < 1e-5);
        assert!(at(41, 32) > 0.0 && at(42, 32) == 0.0);
        assert!((at(35, 36) - 0.5).abs() < 1e-5, "three across and four down are five");
        Ok(())
    }

    fn of_base(changes_base: bool) -> Composition {
        let base = vec![Part { crop: None, colours: None, share: 1.0 }];
        Composition { base, layers: Vec::new(), changes_base }
    }

    #[test]
    fn in_a_photo_the_border_fades_and_nothing_changes_where_nothing_did() {
        let changed = reach(&of_base(true), Extent::Changes, 100);
        assert!(changed[0] == 0.0 && changed[50] == 0.0 && changed[50 * 100 + 50] == 1.0);
        assert!(reach(&of_base(false), Extent::Changes, 100).iter().all(|reach| *reach == 0.0));
        assert!(reach(&of_base(false), Extent::Whole, 100).iter().all(|reach| *reach == 1.0));
    }

    #[test]
    fn the_reach_is_that_of_all_layers_where_they_were_moved() {
        let dab = |x: usize| {
            let weights = (0..64 * 64).map(|i| f32::from(i % 64 == x && i / 64 == 32));
            Arc::new(Mask::new(64, weights.collect()).unwrap_or_else(|_| Mask::constant(64, 0.0)))
        };
        let layer = |x, dx, share| PaintedPart {
            part: Part { crop: None, colours: None, share },
            mask: dab(x),
            offset_px: (dx, 0),
            feather_px: 0.0,
        };
        let composition = Composition { layers: vec![layer(20, 0, 0.5), layer(20, 20, 1.0)], ..of_base(false) };
        let reach = reach(&composition, Extent::Changes, 64);
        // A share is the picture's own affair: what is painted at all is the edit's.
        for (x, expected) in [(20, 1.0), (40, 1.0), (30, 0.0), (50, 0.0)] {
            assert_eq!(reach[32 * 64 + x], expected, "column {x}");
        }
    }

    #[test]
    fn fine_structure_is_what_the_models_size_leaves_out() {
        let smooth = |x: u32, y: u32| 100.0 + 40.0 * (x as f32 / 40.0).sin() + 20.0 * (y as f32 / 50.0).cos();
        let crop = RgbImage::from_fn(256, 256, |x, y| {
            let fine = if (x / 2 + y / 2) % 2 == 0 { 12.0 } else { -12.0 };
            Rgb([(smooth(x, y) + fine).round() as u8; 3])
        });
        let detail = Detail::new(&Arc::new(crop), 256, 32);
        for (x, y) in [(40u32, 60u32), (128, 128), (200, 90)] {
            let found = f32::from(detail.fine[(y * 256 + x) as usize][0]) / STEPS_PER_LEVEL;
            let wanted = if (x / 2 + y / 2) % 2 == 0 { 12.0 } else { -12.0 };
            assert!((found - wanted).abs() < 2.0, "at ({x}, {y}): {found} for {wanted}");
        }
    }
}
