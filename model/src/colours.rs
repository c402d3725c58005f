//! A reference brought to the colours of another face, so that skin painted onto skin does not look pasted.
//!
//! Mean and deviation of three opponent channels inside the faces' ovals (after Reinhard et al. 2001, Color Transfer between
//! Images, in a simpler space): `(R + G + B) / 3`, `(R - B) / 2`, `G / 2 - (R + B) / 4`. It is an affine map of colours, so that a
//! face's fine structure goes along by its linear part.

use image::RgbImage;

use crate::photo;

/// The oval of a face in every aligned crop, as shares of its side: skin, eyes and mouth, and little hair.
const MIDDLE: [f32; 2] = [0.5, 0.57];
const RADII: [f32; 2] = [0.26, 0.34];
/// Statistics are taken at this size, or the crop's where that is smaller.
const SIZE_PX: u32 = 128;
/// Contrasts change at most by this much: a flat face must not be blown up to one in hard light.
const RATIOS: std::ops::RangeInclusive<f32> = 0.75..=1.35;
/// In levels: a channel without any variation has no ratio.
const LEAST_DEVIATION: f32 = 0.5;

const OPPONENT_FROM_RGB: [[f32; 3]; 3] = [[1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0], [0.5, 0.0, -0.5], [-0.25, 0.5, -0.25]];
const RGB_FROM_OPPONENT: [[f32; 3]; 3] = [[1.0, 1.0, -2.0 / 3.0], [1.0, 0.0, 4.0 / 3.0], [1.0, -1.0, -2.0 / 3.0]];

/// An affine map of colours, in levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ColourMatch {
    matrix: [[f32; 3]; 3],
    offset: [f32; 3],
}

fn times(matrix: &[[f32; 3]; 3], colour: [f32; 3]) -> [f32; 3] {
    matrix.map(|row| row[0] * colour[0] + row[1] * colour[1] + row[2] * colour[2])
}

/// Mean and deviation of the opponent channels inside the oval.
fn statistics(crop: &RgbImage) -> [[f32; 2]; 3] {
    let crop = photo::shrunk(crop, SIZE_PX.min(crop.width()), SIZE_PX.min(crop.height()));
    let size = crop.width().max(crop.height()).max(1) as f32;
    let from_middle = |at: u32, axis: usize| ((at as f32 + 0.5) / size - MIDDLE[axis]) / RADII[axis];
    let inside = crop.enumerate_pixels().filter(|(x, y, _)| from_middle(*x, 0).hypot(from_middle(*y, 1)) < 1.0);
    let mut sums = [[0f64; 2]; 3];
    let mut count = f64::EPSILON;
    for (_, _, pixel) in inside {
        count += 1.0;
        for (sums, value) in sums.iter_mut().zip(times(&OPPONENT_FROM_RGB, pixel.0.map(f32::from))) {
            sums[0] += f64::from(value);
            sums[1] += f64::from(value) * f64::from(value);
        }
    }
    sums.map(|[sum, squares]| {
        let mean = sum / count;
        [mean as f32, ((squares / count - mean * mean).max(0.0) as f32).sqrt()]
    })
}

impl ColourMatch {
    /// Brings an aligned `reference` to the colours of an aligned `target`, `amount` of the way (0 changes nothing).
    pub fn new(reference: &RgbImage, target: &RgbImage, amount: f32) -> Self {
        let (from, to) = (statistics(reference), statistics(target));
        let ratio = |i: usize| {
            let ratio = to[i][1].max(LEAST_DEVIATION) / from[i][1].max(LEAST_DEVIATION);
            1.0 + amount * (ratio.clamp(*RATIOS.start(), *RATIOS.end()) - 1.0)
        };
        let ratios = [ratio(0), ratio(1), ratio(2)];
        let mean = |i: usize| from[i][0] + amount * (to[i][0] - from[i][0]);
        let offset: [f32; 3] = std::array::from_fn(|i| mean(i) - ratios[i] * from[i][0]);
        // Columns of the map: what it does to each colour alone.
        let column = |channel: usize| {
            let mut unit = [0.0; 3];
            unit[channel] = 1.0;
            let opponent = times(&OPPONENT_FROM_RGB, unit);
            times(&RGB_FROM_OPPONENT, std::array::from_fn(|i| ratios[i] * opponent[i]))
        };
        let columns = [column(0), column(1), column(2)];
        let matrix = std::array::from_fn(|row| std::array::from_fn(|channel| columns[channel][row]));
        Self { matrix, offset: times(&RGB_FROM_OPPONENT, offset) }
    }

    /// A picture in the new colours.
    pub fn apply(&self, picture: &RgbImage) -> RgbImage {
        let mut picture = picture.clone();
        for pixel in picture.pixels_mut() {
            // Saturates.
            pixel.0 = self.apply_to_colour(pixel.0.map(f32::from)).map(|value| value.round() as u8);
        }
        picture
    }

    /// A colour in the new ones, in levels.
    pub fn apply_to_colour(&self, colour: [f32; 3]) -> [f32; 3] {
        let [red, green, blue] = times(&self.matrix, colour);
        [red + self.offset[0], green + self.offset[1], blue + self.offset[2]]
    }

    /// A difference of colours in the new ones.
    pub fn apply_to_difference(&self, difference: [f32; 3]) -> [f32; 3] {
        times(&self.matrix, difference)
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn face(tint: [f32; 3], contrast: f32) -> RgbImage {
        RgbImage::from_fn(256, 256, |x, y| {
            let wave = contrast * ((x as f32 * 0.3).sin() + (y as f32 * 0.17).cos());
            Rgb(std::array::from_fn(|i| (tint[i] + wave * (1.0 + 0.2 * i as f32)).round() as u8))
        })
    }

    #[test]
    fn the_reference_gets_the_targets_mean_and_contrast() {
        let (reference, target) = (face([200.0, 150.0, 130.0], 12.0), face([110.0, 85.0, 70.0], 16.0));
        let matched = ColourMatch::new(&reference, &target, 1.0).apply(&reference);
        for (found, wanted) in statistics(&matched).iter().zip(statistics(&target)) {
            assert!((found[0] - wanted[0]).abs() < 1.0 && (found[1] - wanted[1]).abs() < 1.0, "{found:?} {wanted:?}");
        }
        assert_eq!(ColourMatch::new(&reference, &target, 0.0).apply(&reference), reference);
        let half = statistics(&ColourMatch::new(&reference, &target, 0.5).apply(&reference));
        assert!((half[0][0] - 0.5 * (statistics(&reference)[0][0] + statistics(&target)[0][0])).abs() < 1.0);
    }

    #[test]
    fn contrast_is_bounded_and_differences_go_along() {
        let (flat, hard) = (face([128.0; 3], 4.0), face([128.0; 3], 40.0));
        let map = ColourMatch::new(&flat, &hard, 1.0);
        let [low, high] = [100.0, 110.0].map(|level| {
            let picture = RgbImage::from_pixel(1, 1, Rgb([level as u8; 3]));
            map.apply(&picture).get_pixel(0, 0).0.map(f32::from)
        });
        let gone_along = map.apply_to_difference([10.0; 3]);
        for channel in 0..3 {
            assert!((high[channel] - low[channel] - gone_along[channel]).abs() <= 1.0);
            assert!(gone_along[channel] < 10.0 * 1.4);
        }
    }
}
