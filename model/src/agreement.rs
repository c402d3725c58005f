//! Where two pictures show the same structure: edges and textures in the same places, whatever the light.
//!
//! A face's fine structure (residuals of style codes, and what the model's size leaves out of its photo) belongs where the picture
//! still shows that face. In every window the picture is explained by the face as well as a scale and a shift of its gray
//! values can; what is left over is structure that came or went. The scale is bounded, so that a face is not explained by a blank.

/// Half the side of a window, as a share of the picture's side: for fine structure, which may end where a brush did, and for
/// residuals, which reach farther.
const RADIUS_SHARE: f32 = 0.016;
const RESIDUAL_RADIUS_SHARE: f32 = 0.03;
/// Left over structure of this many levels (of 255, root mean square) is two different pictures: the agreement falls to 1/e.
const DIFFERENT: f32 = 12.0;
/// What is left over of one face drawn twice, in levels squared.
const NOISE: f32 = 9.0;
/// A difference of this many levels (root mean square) is one: the sameness falls to 1/e.
const VISIBLE: f32 = 10.0;
/// By how much light may scale contrasts.
const SCALES: std::ops::RangeInclusive<f32> = 0.5..=2.0;
/// Grain, in levels squared: a window of one colour is not structure.
const GRAIN: f32 = 1.0;

/// How far `shown` shows the structure of `face` around each pixel, in [0, 1]. Both: gray, 0 to 255, `size` x `size`, row by row.
pub fn agreement(face: &[f32], shown: &[f32], size: usize) -> Vec<f32> {
    agreement_within(face, shown, size, radius(size, RADIUS_SHARE))
}

/// How much of a face's residuals stays around each pixel where the picture `before` became that `after`, in [0, 1]: both as for
/// [`agreement`]. What is left of residuals where a mouth closed is worse than none.
pub fn residuals_kept(before: &[f32], after: &[f32], size: usize) -> Vec<f32> {
    let agreement = agreement_within(before, after, size, radius(size, RESIDUAL_RADIUS_SHARE));
    agreement.into_iter().map(|agreement| agreement * agreement).collect()
}

fn agreement_within(face: &[f32], shown: &[f32], size: usize, radius: usize) -> Vec<f32> {
    let means = |of: &dyn Fn(f32, f32) -> f32| {
        let products: Vec<f32> = face.iter().zip(shown).map(|(a, b)| of(*a, *b)).collect();
        window_means(&products, size, radius)
    };
    let (face_mean, shown_mean) = (means(&|a, _| a), means(&|_, b| b));
    let (face_square, shown_square, product) = (means(&|a, _| a * a), means(&|_, b| b * b), means(&|a, b| a * b));
    (0..face_mean.len())
        .map(|i| {
            let (a, b) = (face_mean[i], shown_mean[i]);
            let of_face = (face_square[i] - a * a).max(0.0);
            let of_shown = (shown_square[i] - b * b).max(0.0);
            let of_both = product[i] - a * b;
            let scale = ((of_both + GRAIN) / (of_face + GRAIN)).clamp(*SCALES.start(), *SCALES.end());
            let left_over = (of_shown - 2.0 * scale * of_both + scale * scale * of_face).max(0.0);
            (-(left_over - NOISE).max(0.0) / (DIFFERENT * DIFFERENT)).exp()
        })
        .collect()
}

/// How far two pictures are one around each pixel, but for what a model leaves of noise, in [0, 1]. `difference`: of the two, in levels,
/// `size` x `size`, row by row.
pub fn sameness(difference: &[[f32; 3]], size: usize) -> Vec<f32> {
    let squares: Vec<f32> =
        difference.iter().map(|value| value.iter().map(|value| value * value).sum::<f32>() / 3.0).collect();
    // As narrow as can be: what is painted must not tell of what lies beside it.
    let squares = window_means(&squares, size, 1);
    squares.into_iter().map(|square| (-(square - NOISE).max(0.0) / (VISIBLE * VISIBLE)).exp()).collect()
}

/// The gray of a pixel as [`agreement`] takes it.
pub fn gray([red, green, blue]: [f32; 3]) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// Half the side of a window, in pixels.
fn radius(size: usize, share: f32) -> usize {
    ((share * size as f32).round() as usize).max(1)
}

/// The mean of every pixel's window, as far as that lies in the picture.
fn window_means(values: &[f32], size: usize, radius: usize) -> Vec<f32> {
    let mut half = vec![0.0; values.len()];
    let mut out = vec![0.0; values.len()];
    row_means_transposed(values, &mut half, size, radius);
    row_means_transposed(&half, &mut out, size, radius);
    out
}

fn row_means_transposed(from: &[f32], to: &mut [f32], size: usize, radius: usize) {
    for (y, row) in from.chunks_exact(size.max(1)).enumerate() {
        let mut sums = Vec::with_capacity(size + 1);
        let mut sum = 0f64;
        sums.push(sum);
        sums.extend(row.iter().map(|value| {
            sum += f64::from(*value);
            sum
        }));
        for x in 0..size {
            let (first, end) = (x.saturating_sub(radius), (x + radius + 1).min(size));
            to[x * size + y] = ((sums[end] - sums[first]) / (end - first) as f64) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 128;

    fn picture(value: impl Fn(f32, f32) -> f32) -> Vec<f32> {
        (0..SIZE * SIZE).map(|i| value((i % SIZE) as f32, (i / SIZE) as f32)).collect()
    }

    fn mean(values: &[f32]) -> f32 {
        values.iter().sum::<f32>() / values.len() as f32
    }

    #[test]
    fn light_changes_nothing_and_other_structure_does() {
        let stripes = picture(|x, _| 128.0 + 50.0 * (x * 0.8).sin());
        let of = |shown: &[f32]| mean(&agreement(&stripes, shown, SIZE));
        assert!(of(&stripes) > 0.999);
        let lit: Vec<f32> = stripes.iter().enumerate().map(|(i, v)| 0.7 * v + (i % SIZE) as f32 * 0.5).collect();
        assert!(of(&lit) > 0.9, "a shadow and a gradient: {}", of(&lit));
        let across = picture(|_, y| 128.0 + 50.0 * (y * 0.8).sin());
        assert!(of(&across) < 0.05, "other stripes: {}", of(&across));
        let blank = picture(|_, _| 128.0);
        assert!(of(&blank) < 0.3, "nothing where there was structure: {}", of(&blank));
        assert!(mean(&agreement(&blank, &stripes, SIZE)) < 0.05, "structure where there was none");
        assert!(mean(&agreement(&blank, &blank, SIZE)) > 0.999);
    }

    #[test]
    fn it_is_local() {
        let face = picture(|x, y| 100.0 + 40.0 * (x * 0.9 + y * 0.3).sin());
        let mut shown = face.clone();
        for y in 20..40 {
            for x in 20..40 {
                shown[y * SIZE + x] = 200.0 - x as f32 * (y % 3) as f32;
            }
        }
        let found = agreement(&face, &shown, SIZE);
        assert!(found[30 * SIZE + 30] < 0.1);
        assert!(found[5 * SIZE + 5] > 0.999 && found[100 * SIZE + 90] > 0.999);
    }
}
