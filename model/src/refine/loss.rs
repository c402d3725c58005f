//! How far a picture is from a photo: absolute differences at several sizes. Small sizes see shapes and colours that are off as a
//! whole, the full one sees lines. A perceptual network in their place made the same steps worth less, by its own measure too.

use rayon::prelude::*;

use crate::kernels::vectorised;

/// Sizes that are compared, at most: full, 1/2, 1/4 and 1/8.
const SIZES: u32 = 4;

/// How far a picture is from a photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// What is minimised: twice the mean over full, 1/2, 1/4 and 1/8 size of the mean absolute difference.
    pub value: f64,
    /// The mean square error, of values from -1 to 1.
    pub mean_square_error: f64,
}

/// The loss of `picture` against `target`, both (3, side, side), and its gradient with respect to the picture.
pub(super) fn loss(picture: &[f32], target: &[f32], side: usize, gradient: &mut [f32]) -> Loss {
    let sizes = side.trailing_zeros().min(SIZES - 1) + 1;
    // A cell of the smallest size is whole in a band.
    let band_len = side << (sizes - 1);
    let share = 2.0 / f64::from(sizes) / picture.len().max(1) as f64;
    let bands = gradient.par_chunks_mut(band_len).zip(picture.par_chunks(band_len).zip(target.par_chunks(band_len)));
    let sums: Vec<[f64; 2]> = bands
        .map(|(gradient, (picture, target))| {
            vectorised(
                #[inline(always)]
                || of_band(picture, target, side, sizes, share as f32, gradient),
            )
        })
        .collect();
    // In their order, so that threads cannot change the result.
    let [absolute, squares] = sums.iter().fold([0.0; 2], |all, band| [all[0] + band[0], all[1] + band[1]]);
    Loss { value: share * absolute, mean_square_error: squares / picture.len().max(1) as f64 }
}

/// Sums over a band of rows: of the absolute differences at every size, each counted once per pixel, and of the squares.
#[inline(always)]
fn of_band(picture: &[f32], target: &[f32], side: usize, sizes: u32, share: f32, gradient: &mut [f32]) -> [f64; 2] {
    let mut differences: Vec<f32> = picture.iter().zip(target).map(|(picture, target)| picture - target).collect();
    let mut absolute = 0f64;
    let mut squares = 0f64;
    for (row, gradient) in differences.chunks_exact(side).zip(gradient.chunks_exact_mut(side)) {
        let (mut row_absolute, mut row_squares) = (0f32, 0f32);
        for (difference, gradient) in row.iter().zip(gradient) {
            row_absolute += difference.abs();
            row_squares += difference * difference;
            *gradient = share * sign(*difference);
        }
        absolute += f64::from(row_absolute);
        squares += f64::from(row_squares);
    }
    for size in 1..sizes {
        let (width, cell) = (side >> size, 1usize << size);
        differences = halved(&differences, 2 * width);
        let mut sum = 0f32;
        for (y, row) in differences.chunks_exact(width).enumerate() {
            for gradient in gradient[y * cell * side..][..cell * side].chunks_exact_mut(side) {
                for (gradient, difference) in gradient.chunks_exact_mut(cell).zip(row) {
                    let own = share * sign(*difference);
                    gradient.iter_mut().for_each(|gradient| *gradient += own);
                }
            }
            sum += row.iter().map(|difference| difference.abs()).sum::<f32>();
        }
        absolute += f64::from(sum) * (cell * cell) as f64;
    }
    [absolute, squares]
}

/// Means of two by two.
#[inline(always)]
fn halved(values: &[f32], width: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len() / 4);
    for rows in values.chunks_exact(2 * width) {
        let (upper, lower) = rows.split_at(width);
        out.extend(upper.chunks_exact(2).zip(lower.chunks_exact(2)).map(|(a, b)| 0.25 * (a[0] + a[1] + b[0] + b[1])));
    }
    out
}

/// -1, 0 or 1.
#[inline(always)]
fn sign(value: f32) -> f32 {
    f32::from(u8::from(value > 0.0)) - f32::from(u8::from(value < 0.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::random::Random;

    fn random(len: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed);
        (0..len).map(|_| random.normal() as f32).collect()
    }

    #[test]
    fn a_shift_of_all_values_is_seen_at_every_size() {
        let target = random(3 * 16 * 16, 1);
        let picture: Vec<f32> = target.iter().map(|value| value + 0.25).collect();
        let mut gradient = vec![f32::NAN; target.len()];
        let Loss { value, mean_square_error } = loss(&picture, &target, 16, &mut gradient);
        assert!((value - 0.5).abs() < 1e-6 && (mean_square_error - 0.0625).abs() < 1e-6, "{value}");
        // Sum of the gradient: how the loss changes with one more shift.
        assert!((gradient.iter().sum::<f32>() - 2.0).abs() < 1e-4);
        assert_eq!(loss(&target, &target, 16, &mut gradient).value, 0.0);
        assert!(gradient.iter().all(|gradient| *gradient == 0.0));
    }

    #[test]
    fn the_gradient_is_the_slope_whatever_the_side() {
        for side in [1, 2, 4, 6, 7, 8, 12, 24] {
            let (picture, target) = (random(3 * side * side, 2), random(3 * side * side, 3));
            let mut gradient = vec![f32::NAN; picture.len()];
            let before = loss(&picture, &target, side, &mut gradient).value;
            let direction = random(picture.len(), 4);
            let step = 1e-4;
            let moved: Vec<f32> = picture.iter().zip(&direction).map(|(value, by)| value + step * by).collect();
            let after = loss(&moved, &target, side, &mut vec![0.0; picture.len()]).value;
            let slope: f64 = gradient.iter().zip(&direction).map(|(a, b)| f64::from(a * b)).sum();
            let difference = (after - before) / f64::from(step);
            assert!((slope - difference).abs() < 0.02 * (1.0 + slope.abs()), "{side}: {slope}, {difference}");
        }
    }
}
