//! Masks: where a reference is taken, as weights in [0, 1] on a square grid, and how they reach each level's resolution.
//!
//! Paper, section 3.4 (local editing): the mask is brought to the resolution of every style code. The reference
//! implementations use hard masks; painting uses [`Pooling::Soft`], for which the same formulas hold.

use std::path::Path;

use image::{DynamicImage, RgbaImage};

use crate::error::{Error, Result};
use crate::face::geometry::CropQuad;
use crate::photo;

/// How a mask is brought to a coarser grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pooling {
    /// The average of each cell: soft masks stay soft.
    Soft,
    /// The average of each cell, then strictly greater than one half (the reference demo).
    HardAverage,
    /// The maximum of each cell, then strictly greater than the threshold (the reference's `w_plus` script).
    HardMax {
        /// The threshold; -1 in the published script, whose masks lie in [-1, 1].
        threshold: f32,
    },
}

/// A square grid of weights, row by row from the top left; 1 takes the reference, 0 keeps what lies below.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    size_px: usize,
    weights: Vec<f32>,
}

/// A picture of weights of any shape: a mask over an aligned face where it is square, or over the photo that the face is in.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskPicture {
    width_px: usize,
    height_px: usize,
    /// Row by row, in [0, 1].
    weights: Vec<f32>,
}

impl MaskPicture {
    /// Opens a mask: white takes the reference, black keeps what lies below; alpha, where there is any, hides. Of a picture that is
    /// of one colour alpha alone counts, whatever the colour, and a label map of zeros and ones is taken as black and white.
    ///
    /// # Errors
    /// When it cannot be read or is not a picture.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let picture = photo::decode_file(path.as_ref())?.image;
        let is_of_labels = are_labels(&picture);
        let is_of_one_colour = picture.color().has_alpha() && is_of_one_colour(&picture.to_rgba8());
        let picture = picture.into_luma_alpha8();
        let weight = |pixel: &image::LumaA<u8>| {
            let [luma, alpha] = pixel.0.map(|value| f32::from(value) / 255.0);
            if is_of_one_colour { alpha } else { luma * alpha }
        };
        let weights = if let Some(labels) = is_of_labels { labels } else { picture.pixels().map(weight).collect() };
        let (width_px, height_px) = (picture.width() as usize, picture.height() as usize);
        Ok(Self { width_px, height_px, weights })
    }

    /// Width and height.
    pub fn size_px(&self) -> (usize, usize) {
        (self.width_px, self.height_px)
    }

    /// The mask over the aligned face.
    ///
    /// # Errors
    /// The size, when it is not square.
    pub fn square(self) -> std::result::Result<Mask, (usize, usize)> {
        let Self { width_px, height_px, weights } = self;
        if width_px == height_px { Ok(Mask { size_px: width_px, weights }) } else { Err((width_px, height_px)) }
    }

    /// What of a mask over the photo lies over the aligned face in it, at `size_px` x `size_px`. Beyond the photo nothing is taken.
    pub fn in_crop(&self, quad: &CropQuad, size_px: usize) -> Mask {
        // Enough samples that none of the picture's own pixels falls between them, within reason.
        let per_pixel = (f64::from(quad.side_px()) / size_px.max(1) as f64).ceil().clamp(1.0, MAX_SAMPLES) as usize;
        let fine = size_px.max(1) * per_pixel;
        let photo_from_fine = quad.photo_from_crop(u32::try_from(fine).unwrap_or(u32::MAX));
        let at = |x: usize, y: usize| {
            let place = photo_from_fine.apply([x as f32, y as f32]).map(f32::round);
            let is_inside = place[0] >= 0.0 && place[1] >= 0.0 && (place[0] as usize) < self.width_px;
            let index =
                (place[1].max(0.0) as usize).checked_mul(self.width_px)?.checked_add(place[0].max(0.0) as usize)?;
            self.weights.get(index).copied().filter(|_| is_inside)
        };
        let weights = (0..fine * fine).map(|i| at(i % fine, i / fine).unwrap_or(0.0)).collect();
        Mask { size_px: fine, weights }.at_level(size_px.max(1), Pooling::Soft)
    }
}

/// Most samples per pixel of a mask and direction that are taken from one over a photo.
const MAX_SAMPLES: f64 = 4.0;

/// The weights of a picture of zeros and ones, as programs write that cut pictures into regions; none of any other.
fn are_labels(picture: &DynamicImage) -> Option<Vec<f32>> {
    fn of<T: Copy + Into<u16>>(values: &[T]) -> Option<Vec<f32>> {
        let are_labels = values.iter().all(|&value| value.into() <= 1) && values.iter().any(|&value| value.into() == 1);
        are_labels.then(|| values.iter().map(|&value| f32::from(value.into())).collect())
    }
    match picture {
        DynamicImage::ImageLuma8(picture) => of(picture.as_raw()),
        DynamicImage::ImageLuma16(picture) => of(picture.as_raw()),
        // Gray as three equal channels.
        DynamicImage::ImageRgb8(picture) => {
            let is_gray = picture.pixels().all(|pixel| pixel.0[0] == pixel.0[1] && pixel.0[0] == pixel.0[2]);
            is_gray.then(|| of(&picture.pixels().map(|pixel| pixel.0[0]).collect::<Vec<_>>())).flatten()
        }
        _ => None,
    }
}

/// Whether all that shows has one colour, to the eye, and not everything shows alike.
fn is_of_one_colour(picture: &RgbaImage) -> bool {
    let mut range = [[u8::MAX, 0]; 4];
    for pixel in picture.pixels() {
        let [_, _, _, alpha] = pixel.0;
        for (channel, ([low, high], &value)) in range.iter_mut().zip(&pixel.0).enumerate() {
            // The colour of what hardly shows is rounding, or nothing.
            if channel == 3 || alpha >= LEAST_ALPHA {
                (*low, *high) = ((*low).min(value), (*high).max(value));
            }
        }
    }
    let [colours @ .., alpha] = range;
    alpha[0] < alpha[1] && colours.iter().all(|[low, high]| high.saturating_sub(*low) <= COLOUR_TOLERANCE)
}

/// Where less shows, editors keep no colour worth the name.
const LEAST_ALPHA: u8 = 32;
/// How far the values of one colour lie apart in a picture that was compressed.
const COLOUR_TOLERANCE: u8 = 8;

impl Mask {
    /// A mask of `size_px` x `size_px` weights.
    ///
    /// # Errors
    /// When `weights` has another length or a weight is not a number.
    pub fn new(size_px: usize, weights: Vec<f32>) -> Result<Self> {
        if size_px == 0 || weights.len() != size_px * size_px {
            return Err(Error::argument(format!(
                "a mask of {size_px} x {size_px} pixels needs {} weights, not {}",
                size_px * size_px,
                weights.len()
            )));
        }
        if weights.iter().any(|w| !w.is_finite()) {
            return Err(Error::argument("a mask's weights must be finite numbers"));
        }
        Ok(Self { size_px, weights })
    }

    /// Opens a square mask picture, see [`MaskPicture::open`].
    ///
    /// # Errors
    /// When it cannot be read, is not a picture, or is not square.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        MaskPicture::open(path)?.square().map_err(|(width, height)| {
            let path = path.display();
            Error::argument(format!("the mask {path} is {width} x {height} pixels; it must be square"))
        })
    }

    /// A mask by its shape: `weight` gets the middle of each pixel, x and y in shares of the side from the top left, in (0, 1). What
    /// is not a finite number becomes 0.
    ///
    /// ```
    /// // Eyes and mouth lie at the same places of every aligned face: the mouth in the middle, at 73 % of the height.
    /// let mouth = stylemap::Mask::from_fn(512, |x, y| {
    ///     let (across, down) = ((x - 0.5) / 0.15, (y - 0.73) / 0.08);
    ///     if across.hypot(down) < 1.0 { 1.0 } else { 0.0 }
    /// });
    /// # assert_eq!((mouth.weights()[373 * 512 + 256], mouth.weights()[0]), (1.0, 0.0));
    /// ```
    pub fn from_fn(size_px: usize, weight: impl Fn(f32, f32) -> f32) -> Self {
        let size_px = size_px.max(1);
        let share = |at: usize| (at as f32 + 0.5) / size_px as f32;
        let weights = (0..size_px * size_px).map(|pixel| {
            let weight = weight(share(pixel % size_px), share(pixel / size_px));
            if weight.is_finite() { weight } else { 0.0 }
        });
        Self { size_px, weights: weights.collect() }
    }

    /// A mask with the same weight everywhere.
    pub fn constant(size_px: usize, weight: f32) -> Self {
        Self { size_px: size_px.max(1), weights: vec![weight; size_px.max(1).pow(2)] }
    }

    /// A mask from 8 bit values, 255 = 1.
    ///
    /// # Errors
    /// When `values` is not `size_px` x `size_px` long.
    pub fn from_u8(size_px: usize, values: &[u8]) -> Result<Self> {
        Self::new(size_px, values.iter().map(|&v| f32::from(v) / 255.0).collect())
    }

    /// The side of the grid.
    pub fn size_px(&self) -> usize {
        self.size_px
    }

    /// The weights, row by row.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// What share of the face is taken, in [0, 1]: the mean weight.
    pub fn share(&self) -> f32 {
        self.weights.iter().sum::<f32>() / self.weights.len().max(1) as f32
    }

    /// Whether nothing is painted.
    pub fn is_empty(&self) -> bool {
        self.weights.iter().all(|&w| w == 0.0)
    }

    /// The mask blurred with a radius of about `feather_px` of its own pixels: three box blurs, close to a Gaussian with
    /// that standard deviation times one half. Zero returns the mask itself. What lies outside repeats the border.
    #[must_use]
    pub fn feathered(&self, feather_px: f32) -> Self {
        // Three boxes of radius r have the variance r(r+1); choose r so that the whole reaches about feather_px.
        let radius = (feather_px * 0.5).round().max(0.0) as usize;
        if radius == 0 {
            return self.clone();
        }
        let size = self.size_px;
        let mut weights = self.weights.clone();
        let mut turned = vec![0.0; weights.len()];
        for _ in 0..3 {
            box_blur_rows_transposed(&weights, &mut turned, size, radius);
            box_blur_rows_transposed(&turned, &mut weights, size, radius);
        }
        Self { size_px: size, weights }
    }

    /// The mask at `level` x `level` cells, each cell covering `size / level` pixels (area-weighted where that is no
    /// whole number; a finer level repeats pixels).
    #[must_use]
    pub fn at_level(&self, level: usize, pooling: Pooling) -> Self {
        let weights = match pooling {
            Pooling::Soft => self.area_average(level),
            Pooling::HardAverage => self.area_average(level).iter().map(|&w| f32::from(w > 0.5)).collect(),
            Pooling::HardMax { threshold } => self.cell_max(level).iter().map(|&w| f32::from(w > threshold)).collect(),
        };
        Self { size_px: level, weights }
    }

    /// The mask moved by whole cells; what leaves the grid is dropped, what enters is zero.
    #[must_use]
    pub fn shifted(&self, dx: i64, dy: i64) -> Self {
        let size = self.size_px as i64;
        let mut weights = vec![0.0; self.weights.len()];
        for y in 0..size {
            let from_y = y - dy;
            if !(0..size).contains(&from_y) {
                continue;
            }
            for x in 0..size {
                let from_x = x - dx;
                if (0..size).contains(&from_x) {
                    weights[(y * size + x) as usize] = self.weights[(from_y * size + from_x) as usize];
                }
            }
        }
        Self { size_px: self.size_px, weights }
    }

    fn area_average(&self, level: usize) -> Vec<f32> {
        if level == self.size_px {
            return self.weights.clone();
        }
        let mut half = Vec::with_capacity(self.size_px * level);
        // Rows first, then columns: the kernel is separable.
        for row in self.weights.chunks_exact(self.size_px) {
            average_line(row, level, 1, &mut half);
        }
        let mut out = vec![0.0; level * level];
        let mut column = Vec::with_capacity(level);
        for x in 0..level {
            column.clear();
            average_line(&half[x..], level, level, &mut column);
            for (y, &value) in column.iter().enumerate() {
                out[y * level + x] = value;
            }
        }
        out
    }

    fn cell_max(&self, level: usize) -> Vec<f32> {
        let cell = |i: usize| {
            let start = i * self.size_px / level;
            start..((i + 1) * self.size_px).div_ceil(level).max(start + 1)
        };
        let mut out = Vec::with_capacity(level * level);
        for y in 0..level {
            for x in 0..level {
                let rows = cell(y).map(|row| &self.weights[row * self.size_px..][cell(x)]);
                out.push(rows.flatten().copied().fold(f32::NEG_INFINITY, f32::max));
            }
        }
        out
    }
}

/// How far a move of `offset_px` (in pixels of a grid of `size_px`) shifts a level of `level` cells: truncated towards zero,
/// as the reference demo does.
pub fn shift_at_level(offset_px: i32, level: usize, size_px: usize) -> i64 {
    i64::from(offset_px) * level as i64 / size_px.max(1) as i64
}

/// Averages a line (every `stride`-th value of `line`) into `level` cells, appended to `out`.
fn average_line(line: &[f32], level: usize, stride: usize, out: &mut Vec<f32>) {
    let len = line.len().div_ceil(stride);
    if len.is_multiple_of(level) {
        let cell = len / level;
        for i in 0..level {
            let sum: f32 = (0..cell).map(|j| line[(i * cell + j) * stride]).sum();
            out.push(sum / cell as f32);
        }
        return;
    }
    let cell = len as f64 / level as f64;
    for i in 0..level {
        let (start, end) = (i as f64 * cell, (i + 1) as f64 * cell);
        let (mut sum, mut total) = (0.0, 0.0);
        for j in start.floor() as usize..(end.ceil() as usize).min(len) {
            let covered = (end.min(j as f64 + 1.0) - start.max(j as f64)).max(0.0);
            sum += covered * f64::from(line[j * stride]);
            total += covered;
        }
        out.push((sum / total) as f32);
    }
}

fn box_blur_rows_transposed(from: &[f32], to: &mut [f32], size: usize, radius: usize) {
    let width = (2 * radius + 1) as f32;
    for (y, row) in from.chunks_exact(size).enumerate() {
        let at = |x: isize| row[x.clamp(0, size as isize - 1) as usize];
        let mut sum: f64 = (-(radius as isize)..=radius as isize).map(|x| f64::from(at(x))).sum();
        for x in 0..size {
            to[x * size + y] = (sum / f64::from(width)) as f32;
            let x = x as isize;
            sum += f64::from(at(x + radius as isize + 1)) - f64::from(at(x - radius as isize));
        }
    }
}
