//! The edited face back into its photo, at the photo's own resolution.
//!
//! Only what the edit *changed* comes back: the difference between the edited picture and the reconstruction, brought
//! to the photo by a smooth upsampling and added. Where nothing changed the photo stays bit for bit, with detail and
//! grain that no model of a few hundred pixels has; what the reconstruction got wrong about light and colour cancels
//! out.
//!
//! Where the change is strong (another mouth, other hair), the photo's own detail belongs to what is gone and would
//! shine through. There the photo's fine part is taken out: the residual photo - reconstruction is split by a Gaussian;
//! its smooth part (light, colour) always stays, so colours match at the seam; of its fine part the share
//! [`PasteOptions::detail`] stays. Detail finer than the crop's pixels loses only what exceeds grain.
//!
//! **Why a feathered difference.** Twelve edits of the default model (a mouth, eyes, hair and a whole face in each of
//! three photos, 128 px crops), measured by `tests/seams.rs`, which draws them too
//! (`assets/screenshots/paste_methods.png`). "Seam" is how much steeper the change is where the painted region ends
//! than the model's own change there (levels per pixel, mean and worst of the edits), "kept" the share of the change
//! that arrives inside (mean and least), "beyond" the largest change farther out than 8% of the side (levels):
//!
//! | blending | seam | worst | kept | least | beyond |
//! | --- | --- | --- | --- | --- | --- |
//! | replaced, hard mask | 14.1 | 23.2 | 0.92 | 0.57 | 0 |
//! | replaced, feather of 5% | 6.1 | 9.9 | 0.93 | 0.57 | 0 |
//! | replaced, five bands (Laplacian pyramid) | 0.9 | 3.3 | 0.72 | 0.38 | 3.8 |
//! | replaced, membrane (Poisson) | 1.6 | 5.1 | 0.68 | 0.10 | 0 |
//! | difference, hard mask | 9.0 | 19.8 | 0.98 | 0.94 | 0 |
//! | difference, feather of 5% outwards | 1.2 | 2.6 | 0.98 | 0.95 | 0 |
//! | difference, feather of 8% outwards | 0.3 | 1.1 | 0.98 | 0.95 | 0 |
//! | difference, five bands | 0.0 | 0.0 | 0.79 | 0.65 | 3.2 |
//! | difference, membrane | 0.0 | 0.0 | 0.74 | 0.38 | 0 |
//! | **feather of 8%, half of the detail** | **1.6** | **4.0** | **0.96** | **0.85** | **0** |
//! | feather of 8%, none of the detail | 4.2 | 9.9 | 0.93 | 0.72 | 0 |
//!
//! The rows of "difference" are the bare blending, with all of the photo's detail. Bands and membrane make the better
//! seam by giving up what was asked for: a membrane keeps as little as two fifths of it. The bands also reach beyond
//! the painted region. How much detail stays is a compromise for the eye: with all of it two faces lie over each
//! other, with none the model's blur ends in a seam.
//!
//! Everything is computed on the crop's pixels as one *field*, weighted by a feathered mask; the photo's pixels only
//! take samples of it.

use std::borrow::Cow;

use image::RgbImage;
use rayon::prelude::*;

use super::align::{align_linear, cubic_weights, gaussian_blurred, vectorised};
use super::geometry::CropQuad;
use crate::error::{Error, Result};
use crate::mask::Mask;

/// Pictures of the model are at most this large.
const MAX_SIZE_PX: u32 = 4096;
/// A change of this many levels (of 255) on average of the neighbourhood leaves the photo's detail alone; from the
/// second on it is replaced as [`PasteOptions::detail`] says.
const WEAK_CHANGE: f32 = 4.0;
const STRONG_CHANGE: f32 = 24.0;
/// Over which distance changes are averaged, and where the residual is cut into smooth and fine, as shares of the
/// crop's side.
const CHANGE_BLUR_SHARE: f32 = 0.015;
const RESIDUAL_BLUR_SHARE: f32 = 0.03;
/// What is finer than the crop's pixels counts as grain up to this many levels.
const GRAIN: f32 = 6.0;
/// Bicubic samples reach two pixels.
const MARGIN_PX: usize = 2;

/// How [`paste()`] blends.
#[derive(Clone, Debug, PartialEq)]
pub struct PasteOptions {
    /// Where the edit was painted, on the crop; nothing changes beyond its feather. None: everything that differs.
    pub painted: Option<Mask>,
    /// How far the blending reaches beyond what was painted, as a share of the crop's side.
    pub feather: f32,
    /// Over which distance from its border the crop fades out, as a share of its side.
    pub border_feather: f32,
    /// How much of the photo's own fine structure stays where the edit puts something else, in [0, 1]: 1 only adds the
    /// difference, 0 shows the edited picture with the photo's light and grain.
    pub detail: f32,
}

impl Default for PasteOptions {
    fn default() -> Self {
        Self { painted: None, feather: 0.08, border_feather: 0.06, detail: 0.5 }
    }
}

impl PasteOptions {
    /// For an edit that was painted there.
    pub fn of_painted(painted: Mask) -> Self {
        Self { painted: Some(painted), ..Self::default() }
    }
}

/// What one pixel of the crop does to the photo.
#[derive(Clone, Copy, Default)]
struct Change {
    /// Added to the photo, in levels; the fourth is the share of the photo's finest structure that goes.
    add_and_smoothing: [f32; 4],
    /// The photo at the crop's resolution, the fourth unused; needed where that share is not zero.
    photo: [f32; 4],
}

/// A photo, or a part of one, and a crop in it: what edits are pasted into. What does not depend on the edit is computed
/// once, so that a brush can be followed.
pub struct PasteTarget<'a> {
    photo: Cow<'a, RgbImage>,
    quad: CropQuad,
    /// The photo's pixels as a crop of this side, once an edit needed them.
    cropped: Option<(u32, Vec<[f32; 3]>)>,
}

impl<'a> PasteTarget<'a> {
    /// A photo in which the crop lies there.
    pub fn new(photo: Cow<'a, RgbImage>, quad: CropQuad) -> Self {
        Self { photo, quad, cropped: None }
    }

    /// The photo as it is.
    pub fn photo(&self) -> &RgbImage {
        &self.photo
    }

    /// The photo with the edited face in it. `reconstruction` and `edited` are the model's pictures without and with the
    /// edit, square and of one size.
    ///
    /// # Errors
    /// When the pictures do not fit together, or an option is out of its range.
    pub fn paste(&mut self, reconstruction: &RgbImage, edited: &RgbImage, options: &PasteOptions) -> Result<RgbImage> {
        let size_px = edited.width();
        if edited.dimensions() != (size_px, size_px) || size_px == 0 || size_px > MAX_SIZE_PX {
            return Err(Error::argument(format!("an edited face is square and 1 to {MAX_SIZE_PX} pixels wide")));
        }
        if reconstruction.dimensions() != edited.dimensions() {
            return Err(Error::argument("the edited face and its reconstruction differ in size"));
        }
        let shares = [options.feather, options.border_feather, options.detail];
        if !shares.iter().all(|share| (0.0..=1.0).contains(share)) {
            return Err(Error::argument("feather and detail lie between 0 and 1"));
        }
        let field = Field::new(self, reconstruction, edited, options)?;
        let mut out = self.photo.clone().into_owned();
        if let Some(field) = field {
            field.add_to(&mut out, &self.quad);
        }
        Ok(out)
    }

    fn cropped(&mut self, size_px: u32) -> Result<&[[f32; 3]]> {
        let known = self.cropped.take().filter(|(of_size_px, _)| *of_size_px == size_px);
        let cropped = match known {
            Some(cropped) => cropped,
            None => (size_px, align_linear(&self.photo, &self.quad, size_px)?),
        };
        Ok(&self.cropped.insert(cropped).1)
    }
}

/// One edit into a photo, see [`PasteTarget::paste`].
///
/// # Errors
/// The same.
pub fn paste(
    photo: &RgbImage,
    quad: &CropQuad,
    reconstruction: &RgbImage,
    edited: &RgbImage,
    options: &PasteOptions,
) -> Result<RgbImage> {
    PasteTarget::new(Cow::Borrowed(photo), *quad).paste(reconstruction, edited, options)
}

/// The changes on the crop, with a margin of nothing on each side.
struct Field {
    size: usize,
    changes: Vec<Change>,
    /// The pixels that do something: first and last column, first and last row.
    columns: (usize, usize),
    rows: (usize, usize),
}

impl Field {
    /// None where nothing changes.
    fn new(
        target: &mut PasteTarget<'_>,
        reconstruction: &RgbImage,
        edited: &RgbImage,
        options: &PasteOptions,
    ) -> Result<Option<Self>> {
        let size_px = edited.width();
        let size = size_px as usize;
        let levels =
            |picture: &RgbImage| -> Vec<[f32; 3]> { picture.pixels().map(|pixel| pixel.0.map(f32::from)).collect() };
        let (reconstruction, edited) = (levels(reconstruction), levels(edited));
        let mut difference: Vec<[f32; 3]> = edited.iter().zip(&reconstruction).map(|(&a, &b)| minus(a, b)).collect();
        let weights = weights(size, options);
        if !difference.iter().zip(&weights).any(|(difference, &weight)| weight > 0.0 && *difference != [0.0; 3]) {
            return Ok(None);
        }
        let share_px = |share: f32| share * size as f32;
        // How strong the change is around each pixel, and so how much of the photo's own structure goes.
        let strength: Vec<[f32; 1]> = difference
            .iter()
            .map(|difference| [difference.iter().map(|value| value.abs()).fold(0.0, f32::max)])
            .collect();
        let strength = gaussian_blurred(&strength, size, share_px(CHANGE_BLUR_SHARE));
        let mut smoothing: Vec<f32> = strength
            .iter()
            .map(|[strength]| {
                (1.0 - options.detail) * smoothstep((strength - WEAK_CHANGE) / (STRONG_CHANGE - WEAK_CHANGE))
            })
            .collect();
        // A photo in which the crop is smaller than the model's picture: nothing finer than its pixels may come.
        let shrink = size as f32 / target.quad.side_px();
        let mut cropped: &[[f32; 3]] = &[];
        if smoothing.iter().any(|&share| share > 0.0) {
            cropped = target.cropped(size_px)?;
            let residual: Vec<[f32; 3]> = cropped.iter().zip(&reconstruction).map(|(&a, &b)| minus(a, b)).collect();
            let smooth = gaussian_blurred(&residual, size, share_px(RESIDUAL_BLUR_SHARE));
            for ((difference, &share), (&residual, &smooth)) in
                difference.iter_mut().zip(&smoothing).zip(residual.iter().zip(&smooth))
            {
                *difference = minus(*difference, minus(residual, smooth).map(|value| value * share));
            }
        }
        if shrink > 1.0 {
            // A photo pixel covers several of the crop's; the wanted blur is that of a box of its size.
            let sigma = 0.4 * shrink;
            difference = gaussian_blurred(&difference, size, sigma);
            smoothing.fill(0.0);
        }
        let padded = size + 2 * MARGIN_PX;
        let mut field =
            Self { size, changes: vec![Change::default(); padded * padded], columns: (size, 0), rows: (size, 0) };
        for (i, (&[red, green, blue], &weight)) in difference.iter().zip(&weights).enumerate() {
            let (x, y) = (i % size, i / size);
            let add_and_smoothing = [red, green, blue, smoothing[i]].map(|value| value * weight);
            let [red, green, blue] = cropped.get(i).copied().unwrap_or_default();
            field.changes[(y + MARGIN_PX) * padded + x + MARGIN_PX] =
                Change { add_and_smoothing, photo: [red, green, blue, 0.0] };
            if add_and_smoothing != [0.0; 4] {
                field.columns = (field.columns.0.min(x), field.columns.1.max(x));
                field.rows = (field.rows.0.min(y), field.rows.1.max(y));
            }
        }
        Ok((field.rows.0 <= field.rows.1).then_some(field))
    }

    /// Changes the photo's pixels, and only those within the crop that the field reaches.
    fn add_to(&self, photo: &mut RgbImage, quad: &CropQuad) {
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
                            self.change(pixel, at);
                        }
                    }
                },
            );
        });
    }

    #[inline(always)]
    fn change(&self, pixel: &mut [u8; 3], [x, y]: [f64; 2]) {
        let (left, top) = (x.floor(), y.floor());
        let (weights_x, weights_y) = (cubic_weights((x - left) as f32), cubic_weights((y - top) as f32));
        let padded = self.size + 2 * MARGIN_PX;
        // The first of four, in the padded field; x and y are at least -0.5.
        let first = ((top + 1.0) as usize) * padded + (left + 1.0) as usize;
        let sample = |value: fn(&Change) -> &[f32; 4]| {
            let mut sum = [0f32; 4];
            for (row, weight_y) in self.changes[first..].chunks(padded).zip(weights_y) {
                for (change, weight_x) in row.iter().zip(weights_x) {
                    let weight = weight_x * weight_y;
                    sum.iter_mut().zip(value(change)).for_each(|(sum, &value)| *sum += value * weight);
                }
            }
            sum
        };
        let [red, green, blue, smoothing] = sample(|change| &change.add_and_smoothing);
        let mut add = [red, green, blue];
        let own = pixel.map(f32::from);
        if smoothing > 0.0 {
            let coarse = sample(|change| &change.photo);
            for ((add, own), coarse) in add.iter_mut().zip(own).zip(coarse) {
                let fine = own - coarse;
                *add -= smoothing * (fine - fine.clamp(-GRAIN, GRAIN));
            }
        }
        // Rounds to the nearest, and saturates; nothing added changes nothing.
        *pixel = std::array::from_fn(|channel| (own[channel] + add[channel] + 0.5) as u8);
    }
}

fn minus(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    std::array::from_fn(|channel| a[channel] - b[channel])
}

fn smoothstep(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// How much of the change each pixel of the crop lets through.
fn weights(size: usize, options: &PasteOptions) -> Vec<f32> {
    let border_px = (options.border_feather * size as f32).max(1.0);
    let from_border = |at: usize| (at.min(size - 1 - at) as f32 + 0.5) / border_px;
    let painted = options.painted.as_ref().map(|mask| feathered_outwards(mask, size, options.feather * size as f32));
    (0..size * size)
        .map(|i| {
            let border = smoothstep(from_border(i % size)) * smoothstep(from_border(i / size));
            border * painted.as_ref().map_or(1.0, |painted| painted[i])
        })
        .collect()
}

/// The mask at the crop's size, with a smooth slope of about `feather_px` around what is painted; what is painted keeps
/// its weight. Two pixels of the reach are left to the sampling.
fn feathered_outwards(mask: &Mask, size: usize, feather_px: f32) -> Vec<f32> {
    let mask = mask.at_level(size, crate::mask::Pooling::Soft);
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

    #[test]
    fn the_border_fades() {
        let weights = weights(100, &PasteOptions { border_feather: 0.1, ..PasteOptions::default() });
        assert!(
            weights[0] < 1e-4 && weights[50] < 0.01 && weights[50 * 100 + 50] == 1.0 && weights[10 * 100 + 50] == 1.0
        );
    }
}
