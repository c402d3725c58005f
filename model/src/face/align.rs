//! Making the crop: the photo resampled upright, as the model's training set was.
//!
//! The sampling was found by trying variants against reference crops until the difference was at the level of JPEG
//! decoding (50 to 57 dB on smooth photos, 40 dB on the busiest): bilinear samples, two or more to the output pixel in
//! each direction, averaged; what lies outside the photo is its mirror image without repeating the border pixel, fading
//! into a Gaussian blur of 2% of the crop's side over the first 10% of the side. (NVIDIA's script also blurs inside the
//! photo and fades to the median; the training set here does not.)

use image::RgbImage;
use rayon::prelude::*;

use super::geometry::{CropQuad, Similarity};
use crate::error::{Error, Result};
use crate::kernels::vectorised;

/// Faces are cut out at one of these sizes; the larger one is that of the largest published model.
const SMALL_CROP_PX: u32 = 512;
const LARGE_CROP_PX: u32 = 1024;
/// Crops are at most this large.
const MAX_SIZE_PX: u32 = 4096;
/// From this many photo pixels per output pixel on, the photo's part is first averaged down by whole pixels.
const AVERAGE_FROM: f64 = 6.0;
/// The blur outside the photo, and the distance over which it sets in, as shares of the crop's side.
const BLUR_SHARE: f64 = 0.02;
const BLUR_ONSET_SHARE: f64 = 0.1;

/// The crop at `size_px` x `size_px`.
///
/// # Errors
/// When the size is nothing or beyond 4096, or the photo has no pixels.
pub fn align(photo: &RgbImage, quad: &CropQuad, size_px: u32) -> Result<RgbImage> {
    if size_px == 0 || size_px > MAX_SIZE_PX {
        return Err(Error::argument(format!("a face can be cut out at 1 to {MAX_SIZE_PX} pixels, not at {size_px}")));
    }
    let planes = align_linear(photo, quad, size_px)?;
    let mut out = RgbImage::new(size_px, size_px);
    let row_len = 3 * size_px as usize;
    out.par_chunks_exact_mut(row_len).zip(planes.par_chunks_exact(size_px as usize)).for_each(|(to, from)| {
        // No `round`, which is a call on processors of before 2008, for which everything is compiled.
        to.iter_mut().zip(from.as_flattened()).for_each(|(to, value)| *to = (value + 0.5) as u8);
    });
    Ok(out)
}

/// The crop at the size that it is worth: 512 px, or 1024 px where the photo shows more.
///
/// # Errors
/// When the photo has no pixels.
pub fn cut_out(photo: &RgbImage, quad: &CropQuad) -> Result<RgbImage> {
    align(photo, quad, if quad.side_px() > SMALL_CROP_PX as f32 { LARGE_CROP_PX } else { SMALL_CROP_PX })
}

/// The crop in 0 to 255 before rounding, row by row.
pub(super) fn align_linear(photo: &RgbImage, quad: &CropQuad, size_px: u32) -> Result<Vec<[f32; 3]>> {
    let shrink = f64::from(quad.side_px()) / f64::from(size_px);
    if shrink >= AVERAGE_FROM {
        let factor = (shrink / 2.0).floor() as u32;
        if let Some((part, quad)) = averaged_part(photo, quad, factor)? {
            return sample_crop(&part, &quad, size_px);
        }
    }
    sample_crop(photo, quad, size_px)
}

/// The part of the photo that the crop needs, averaged over squares of `factor` pixels, and the crop in it. None for a
/// photo that would vanish.
fn averaged_part(photo: &RgbImage, quad: &CropQuad, factor: u32) -> Result<Option<(RgbImage, CropQuad)>> {
    let (width, height) = (photo.width() / factor, photo.height() / factor);
    if width < 2 || height < 2 {
        return Ok(None);
    }
    // The blur's margin, and a pixel on each side for the samples.
    let corners = quad.grown(1.0 + 8.0 * BLUR_SHARE).in_resized_photo(1.0 / f64::from(factor))?.corners_in_photo();
    let range = |axis: usize, len: u32| {
        let values = corners.map(|corner| corner[axis]);
        let from = values.iter().copied().fold(f32::INFINITY, f32::min) - 2.0;
        let to = values.iter().copied().fold(f32::NEG_INFINITY, f32::max) + 3.0;
        // Near the photo's edge everything that a mirror may show is kept.
        let mirrored = (-from).max(to - len as f32).max(0.0);
        let from = (from.min(len as f32 - 1.0 - mirrored)).clamp(0.0, len as f32 - 1.0) as u32;
        let to = (to.max(mirrored + 2.0)).clamp(from as f32 + 1.0, len as f32) as u32;
        (from, to)
    };
    let ((left, right), (top, bottom)) = (range(0, width), range(1, height));
    let mut part = RgbImage::new(right - left, bottom - top);
    let (row_len, from_len) = (part.width() as usize * 3, photo.width() as usize * 3);
    let area = factor * factor;
    let samples = photo.as_raw();
    part.par_chunks_exact_mut(row_len).enumerate().for_each(|(y, row)| {
        let mut sums = vec![0u32; row_len];
        for from_y in 0..factor as usize {
            let start =
                ((top as usize + y) * factor as usize + from_y) * from_len + left as usize * factor as usize * 3;
            let from = &samples[start..start + row_len * factor as usize];
            for (sums, square) in sums.chunks_exact_mut(3).zip(from.chunks_exact(3 * factor as usize)) {
                for pixel in square.chunks_exact(3) {
                    sums.iter_mut().zip(pixel).for_each(|(sum, &value)| *sum += u32::from(value));
                }
            }
        }
        row.iter_mut().zip(&sums).for_each(|(to, &sum)| *to = ((sum + area / 2) / area) as u8);
    });
    let quad = quad.in_resized_photo(1.0 / f64::from(factor))?.moved([-f64::from(left), -f64::from(top)]);
    Ok(Some((part, quad)))
}

fn sample_crop(photo: &RgbImage, quad: &CropQuad, size_px: u32) -> Result<Vec<[f32; 3]>> {
    if photo.width() == 0 || photo.height() == 0 {
        return Err(Error::argument("the photo has no pixels"));
    }
    let side_px = f64::from(quad.side_px());
    let photo_from_crop = quad.photo_from_crop(size_px);
    let sampler = Sampler::new(photo, &photo_from_crop);
    let size = size_px as usize;
    if !leaves_photo(photo, quad) {
        return Ok(sampler.rows(size, 0));
    }
    // Where the crop leaves the photo: a margin, so that the blur finds its neighbours.
    let sigma = BLUR_SHARE * f64::from(size_px);
    let margin = (3.0 * sigma).ceil() as usize;
    let padded = size + 2 * margin;
    let sharp = sampler.rows(size, margin);
    let blurred = gaussian_blurred(&sharp, padded, sigma as f32);
    let (right, bottom) = (f64::from(photo.width()) - 1.0, f64::from(photo.height()) - 1.0);
    let mut out = Vec::with_capacity(size * size);
    for y in 0..size {
        for x in 0..size {
            let [photo_x, photo_y] = photo_from_crop.apply_wide([x as f64, y as f64]);
            let beyond_px = (-photo_x).max(photo_x - right).max(-photo_y).max(photo_y - bottom);
            let weight = (beyond_px / (BLUR_ONSET_SHARE * side_px)).clamp(0.0, 1.0) as f32;
            let at = (y + margin) * padded + x + margin;
            let (sharp, blurred) = (sharp[at], blurred[at]);
            out.push(std::array::from_fn(|channel| sharp[channel] + (blurred[channel] - sharp[channel]) * weight));
        }
    }
    Ok(out)
}

fn leaves_photo(photo: &RgbImage, quad: &CropQuad) -> bool {
    let (right, bottom) = (photo.width() as f32 - 1.0, photo.height() as f32 - 1.0);
    quad.corners_in_photo().iter().any(|&[x, y]| x < 0.0 || y < 0.0 || x > right || y > bottom)
}

/// Takes samples of a photo through a transform.
struct Sampler<'a> {
    photo: &'a RgbImage,
    photo_from_crop: &'a Similarity,
    /// Samples per output pixel in each direction.
    per_pixel: usize,
}

impl<'a> Sampler<'a> {
    fn new(photo: &'a RgbImage, photo_from_crop: &'a Similarity) -> Self {
        let shrink = photo_from_crop.scale();
        // What shrinks more was averaged, or is a few pixels in the middle of nowhere, where more samples show nothing.
        let per_pixel = if shrink < 1.0 + 1e-6 { 1 } else { (shrink.ceil() as usize).clamp(2, AVERAGE_FROM as usize) };
        Self { photo, photo_from_crop, per_pixel }
    }

    /// `size` + 2 `margin` rows of as many pixels.
    fn rows(&self, size: usize, margin: usize) -> Vec<[f32; 3]> {
        let padded = size + 2 * margin;
        let mut out = vec![[0.0; 3]; padded * padded];
        let per_pixel = self.per_pixel;
        let share = 1.0 / (per_pixel * per_pixel) as f32;
        // Bicubic where the crop magnifies; where it shrinks, averaging is the better filter.
        let is_magnified = per_pixel == 1;
        let step = self.photo_from_crop.step_x().map(|value| value / per_pixel as f64);
        let last = padded * per_pixel - 1;
        let within = |sub: usize| (sub as f64 + 0.5) / per_pixel as f64 - 0.5;
        out.par_chunks_exact_mut(padded).enumerate().for_each(|(y, row)| {
            for sub_y in 0..per_pixel {
                let crop_y = y as f64 - margin as f64 + within(sub_y);
                let start = self.photo_from_crop.apply_wide([within(0) - margin as f64, crop_y]);
                let end = [start[0] + step[0] * last as f64, start[1] + step[1] * last as f64];
                // Samples of a row lie on a line: where its ends are inside the photo, all are.
                let is_inside = !is_magnified && [start, end].into_iter().all(|at| self.is_inside(at));
                vectorised(
                    #[inline(always)]
                    || {
                        for (x, to) in row.iter_mut().enumerate() {
                            for sub_x in 0..per_pixel {
                                let steps = (x * per_pixel + sub_x) as f64;
                                let at = [start[0] + step[0] * steps, start[1] + step[1] * steps];
                                let sample = match (is_inside, is_magnified) {
                                    (true, _) => self.bilinear_inside(at),
                                    (false, true) => self.bicubic(at),
                                    (false, false) => self.bilinear(at),
                                };
                                to.iter_mut().zip(sample).for_each(|(to, value)| *to += value * share);
                            }
                        }
                    },
                );
            }
        });
        out
    }

    fn pixel(&self, x: i64, y: i64) -> [f32; 3] {
        let x = mirrored(x, self.photo.width());
        let y = mirrored(y, self.photo.height());
        self.photo.get_pixel(x, y).0.map(f32::from)
    }

    /// A pixel and the one on its right.
    #[inline(always)]
    fn two_pixels(&self, x: i64, y: i64) -> [[f32; 3]; 2] {
        let (width, height) = (i64::from(self.photo.width()), i64::from(self.photo.height()));
        if x >= 0 && y >= 0 && x + 1 < width && y < height {
            // Side by side in memory: no mirror, and one check for both.
            let samples = self.photo.as_raw().get(3 * (y * width + x) as usize..);
            if let Some(&[a, b, c, d, e, f, ..]) = samples {
                return [[f32::from(a), f32::from(b), f32::from(c)], [f32::from(d), f32::from(e), f32::from(f)]];
            }
        }
        [self.pixel(x, y), self.pixel(x + 1, y)]
    }

    #[inline(always)]
    fn bilinear(&self, [x, y]: [f64; 2]) -> [f32; 3] {
        let (left, top) = (x.floor(), y.floor());
        let (across, down) = ((x - left) as f32, (y - top) as f32);
        let (left, top) = (left as i64, top as i64);
        let [[a, b], [c, d]] = [self.two_pixels(left, top), self.two_pixels(left, top + 1)];
        std::array::from_fn(|channel| {
            let above = a[channel] + (b[channel] - a[channel]) * across;
            let below = c[channel] + (d[channel] - c[channel]) * across;
            above + (below - above) * down
        })
    }

    /// Whether a sample has all four neighbours in the photo, with room for rounding.
    fn is_inside(&self, [x, y]: [f64; 2]) -> bool {
        let end = |len: u32| f64::from(len) - 1.001;
        x >= 0.0 && y >= 0.0 && x <= end(self.photo.width()) && y <= end(self.photo.height())
    }

    /// A bilinear sample as [`Self::bilinear`] gives it, without looking where the photo ends.
    #[inline(always)]
    fn bilinear_inside(&self, [x, y]: [f64; 2]) -> [f32; 3] {
        let (left, top) = (x as i32, y as i32);
        let (across, down) = ((x - f64::from(left)) as f32, (y - f64::from(top)) as f32);
        let row_len = 3 * self.photo.width() as usize;
        let first = top as usize * row_len + 3 * left as usize;
        let samples = self.photo.as_raw();
        let two = |at: usize| samples.get(at..).and_then(|rest| rest.first_chunk::<6>());
        let (Some(above), Some(below)) = (two(first), two(first + row_len)) else { return self.bilinear([x, y]) };
        std::array::from_fn(|channel| {
            let mixed = |pair: &[u8; 6]| {
                let (a, b) = (f32::from(pair[channel]), f32::from(pair[channel + 3]));
                a + (b - a) * across
            };
            let (above, below) = (mixed(above), mixed(below));
            above + (below - above) * down
        })
    }

    #[inline(always)]
    fn bicubic(&self, [x, y]: [f64; 2]) -> [f32; 3] {
        let (left, top) = (x.floor(), y.floor());
        let (weights_x, weights_y) = (cubic_weights((x - left) as f32), cubic_weights((y - top) as f32));
        let (left, top) = (left as i64 - 1, top as i64 - 1);
        let mut sum = [0.0; 3];
        for (dy, weight_y) in (0..).zip(weights_y) {
            for (dx, weight_x) in (0..).zip(weights_x) {
                let pixel = self.pixel(left + dx, top + dy);
                sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value * (weight_x * weight_y));
            }
        }
        sum.map(|value| value.clamp(0.0, 255.0))
    }
}

/// Index `at` of a line of `len` pixels that goes on as its mirror image, the border pixel once.
fn mirrored(at: i64, len: u32) -> u32 {
    if (0..i64::from(len)).contains(&at) {
        return at as u32;
    }
    let last = i64::from(len) - 1;
    if last == 0 {
        return 0;
    }
    let within_period = at.rem_euclid(2 * last);
    within_period.min(2 * last - within_period) as u32
}

/// Catmull-Rom weights of the four neighbours, for a position `at` in [0, 1) past the second.
#[inline(always)]
pub(super) fn cubic_weights(at: f32) -> [f32; 4] {
    let (square, cube) = (at * at, at * at * at);
    [
        -0.5 * at + square - 0.5 * cube,
        1.0 - 2.5 * square + 1.5 * cube,
        0.5 * at + 2.0 * square - 1.5 * cube,
        -0.5 * square + 0.5 * cube,
    ]
}

/// A square picture blurred; beyond its border the border pixel goes on.
pub(super) fn gaussian_blurred<const CHANNELS: usize>(
    picture: &[[f32; CHANNELS]],
    size: usize,
    sigma: f32,
) -> Vec<[f32; CHANNELS]> {
    let radius = (3.0 * sigma).ceil() as usize;
    if radius == 0 {
        return picture.to_vec();
    }
    let weight = |distance: usize| (-0.5 * (distance as f32 / sigma).powi(2)).exp();
    let total = weight(0) + 2.0 * (1..=radius).map(weight).sum::<f32>();
    let weights: Vec<f32> = (0..=2 * radius).map(|i| weight(i.abs_diff(radius)) / total).collect();
    let row_len = size * CHANNELS;
    let beside = radius * CHANNELS;
    let mut along_rows = vec![[0.0; CHANNELS]; size * size];
    along_rows.par_chunks_exact_mut(size).zip(picture.par_chunks_exact(size)).for_each_init(
        || vec![0.0; row_len + 2 * beside],
        |padded, (to, from)| {
            let (Some(first), Some(last)) = (from.first(), from.last()) else { return };
            let (left, rest) = padded.split_at_mut(beside);
            let (middle, right) = rest.split_at_mut(row_len);
            left.chunks_exact_mut(CHANNELS).for_each(|pixel| pixel.copy_from_slice(first));
            middle.copy_from_slice(from.as_flattened());
            right.chunks_exact_mut(CHANNELS).for_each(|pixel| pixel.copy_from_slice(last));
            add_weighted(to.as_flattened_mut(), &weights, |i| &padded[i * CHANNELS..][..row_len]);
        },
    );
    let mut out = vec![[0.0; CHANNELS]; size * size];
    out.par_chunks_exact_mut(size).enumerate().for_each(|(y, to)| {
        let row = |i: usize| (y + i).saturating_sub(radius).min(size - 1);
        add_weighted(to.as_flattened_mut(), &weights, |i| along_rows[row(i) * size..][..size].as_flattened());
    });
    out
}

/// Adds rows, each with its weight.
fn add_weighted<'a>(to: &mut [f32], weights: &[f32], row: impl Fn(usize) -> &'a [f32]) {
    vectorised(
        #[inline(always)]
        || {
            for (i, &weight) in weights.iter().enumerate() {
                to.iter_mut().zip(row(i)).for_each(|(sum, &value)| *sum += value * weight);
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use image::Rgb;
    use proptest::prelude::*;

    use super::*;

    fn picture(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| Rgb([(x * 7 % 256) as u8, (y * 5 % 256) as u8, ((x ^ y) % 256) as u8]))
    }

    fn square(left: f32, top: f32, side: f32) -> Result<CropQuad> {
        let (left, top) = (left - 0.5, top - 0.5);
        let (right, bottom) = (left + side, top + side);
        CropQuad::from_corners([[left, top], [left, bottom], [right, bottom], [right, top]])
    }

    #[test]
    fn twice_as_large_and_twice_as_small() -> Result<()> {
        // Eight photo pixels to one: exactly their mean.
        let photo = picture(80, 80);
        let small = align(&photo, &square(8.0, 8.0, 64.0)?, 8)?;
        let mean = |x: u32, y: u32, channel: usize| {
            let values = (0..64).map(|i| u32::from(photo.get_pixel(8 + 8 * x + i % 8, 8 + 8 * y + i / 8).0[channel]));
            values.sum::<u32>() as f32 / 64.0
        };
        for (x, y, pixel) in small.enumerate_pixels() {
            for (channel, &value) in pixel.0.iter().enumerate() {
                let expected = mean(x, y, channel);
                assert!((f32::from(value) - expected).abs() < 3.0, "({x}, {y}): {value}, not {expected}");
            }
        }
        // A ramp stays a ramp under bicubic enlargement.
        let ramp = RgbImage::from_fn(40, 40, |x, _| Rgb([x as u8 * 6; 3]));
        let large = align(&ramp, &square(10.0, 10.0, 20.0)?, 40)?;
        for (x, _, pixel) in large.enumerate_pixels() {
            let expected = (10.0 - 0.25 + 0.5 * x as f32) * 6.0;
            assert!((f32::from(pixel.0[0]) - expected).abs() <= 0.51, "{x}: {} is not {expected}", pixel.0[0]);
        }
        Ok(())
    }

    #[test]
    fn averaging_first_changes_little() -> Result<()> {
        // Just below and above the switch, and with a part of the crop outside the photo.
        let photo = image::imageops::resize(&picture(60, 60), 900, 900, image::imageops::FilterType::CatmullRom);
        for corner in [100.0, -60.0, 400.0] {
            let quad = square(corner, corner, 600.0)?;
            let direct = sample_crop(&photo, &quad, 64)?;
            let (part, in_part) = averaged_part(&photo, &quad, 4)?.ok_or(Error::Cancelled)?;
            let averaged = sample_crop(&part, &in_part, 64)?;
            let differences = direct.iter().flatten().zip(averaged.iter().flatten()).map(|(a, b)| (a - b).abs());
            let mean = differences.sum::<f32>() / (3 * direct.len()) as f32;
            assert!(mean < 2.0, "at {corner}: {mean}");
        }
        Ok(())
    }

    #[test]
    fn mirror_without_repeating_the_border() {
        let expected = [2, 1, 0, 1, 2, 3, 2, 1, 0, 1];
        assert_eq!(std::array::from_fn(|i| mirrored(i as i64 - 2, 4)), expected);
        assert_eq!(mirrored(-7, 1), 0);
    }

    #[test]
    fn blurring_keeps_the_mean() {
        let mut picture = vec![[0.0]; 81];
        picture[40] = [1.0];
        let blurred = gaussian_blurred(&picture, 9, 1.0);
        assert!((blurred.iter().map(|value| value[0]).sum::<f32>() - 1.0).abs() < 1e-3);
        // Twice the one-dimensional weight 0.3991.
        assert!((blurred[40][0] - 0.1592).abs() < 2e-3);
        assert!((blurred[40 + 9][0] - blurred[41][0]).abs() < 1e-6);
    }

    proptest! {
        /// Whatever is done for speed, it is the sum over the neighbours, in their order.
        #[test]
        fn blurring_is_a_sum_over_neighbours(size in 1usize..24, sigma in 0.1f32..6.0, seed in any::<u32>()) {
            let value = |i: usize| (i as u32).wrapping_mul(0x9e37_79b9).wrapping_add(seed).wrapping_mul(0x85eb_ca6b) as f32;
            let picture: Vec<[f32; 2]> = (0..size * size).map(|i| [value(2 * i), value(2 * i + 1)]).collect();
            let radius = (3.0 * sigma).ceil() as usize;
            let weight = |distance: usize| (-0.5 * (distance as f32 / sigma).powi(2)).exp();
            let total = weight(0) + 2.0 * (1..=radius).map(weight).sum::<f32>();
            let blur = |from: &[[f32; 2]], step: usize| -> Vec<[f32; 2]> {
                let sum = |at: usize, channel: usize| {
                    let place = at / step % size;
                    (0..=2 * radius).fold(0.0, |sum, i| {
                        let neighbour = (place + i).saturating_sub(radius).min(size - 1);
                        sum + from[at - place * step + neighbour * step][channel] * (weight(i.abs_diff(radius)) / total)
                    })
                };
                (0..size * size).map(|at| [sum(at, 0), sum(at, 1)]).collect()
            };
            prop_assert_eq!(gaussian_blurred(&picture, size, sigma), blur(&blur(&picture, 1), size));
        }

        /// Whatever is done for speed, samples inside are those that the careful way gives.
        #[test]
        fn samples_inside_are_the_careful_ones(x in 0.0f64..38.9, y in 0.0f64..28.9) {
            let photo = picture(40, 30);
            let quad = square(2.0, 2.0, 20.0).map_err(|err| TestCaseError::fail(err.to_string()))?;
            let transform = quad.photo_from_crop(8);
            let sampler = Sampler::new(&photo, &transform);
            prop_assert!(sampler.is_inside([x, y]));
            prop_assert_eq!(sampler.bilinear_inside([x, y]), sampler.bilinear([x, y]));
        }

        /// Crops come from files too: no photo and no square, however far off, is more than bounded work.
        #[test]
        fn any_square_of_any_photo_has_a_crop(
            (width, height) in (1u32..40, 1u32..40),
            center in prop::array::uniform2(prop_oneof![-60f64..100.0, -1e7f64..1e7]),
            half_side in prop::array::uniform2(prop_oneof![-40f64..40.0, -1e7f64..1e7]),
            size_px in 1u32..12,
        ) {
            if let Ok(quad) = CropQuad::from_center_and_half_side(center, half_side) {
                let crop = align(&picture(width, height), &quad, size_px);
                prop_assert_eq!(crop.map_err(|err| err.to_string()).map(|crop| crop.dimensions()), Ok((size_px, size_px)));
            }
        }
    }
}
