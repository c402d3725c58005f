//! Resizing exactly as Pillow's LANCZOS does, to the last bit of every pixel: measured models are compared across programs.
//!
//! Pillow (`Resample.c`) convolves rows, rounds to 8 bit, then convolves columns, with weights in fixed point.

use image::RgbImage;

/// Bits behind the point of a weight.
const PRECISION_BITS: u32 = 32 - 8 - 2;
const SUPPORT: f64 = 3.0;

/// Resamples to `size_px` x `size_px`; a picture of that size is returned as it is.
pub fn lanczos(picture: &RgbImage, size_px: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let rows = if width == size_px { picture.clone() } else { rows_resized(picture, size_px) };
    if height == size_px { rows } else { turned(&rows_resized(&turned(&rows), size_px)) }
}

/// For each of `to` pixels over `from`: the first pixel that it takes from, and the weight of each from there on.
fn weights(from: u32, to: u32) -> Vec<(usize, Vec<i32>)> {
    let scale = f64::from(from) / f64::from(to);
    let filter_scale = scale.max(1.0);
    let support = SUPPORT * filter_scale;
    let at = |index: u32| {
        let center = (f64::from(index) + 0.5) * scale;
        let first = (center - support + 0.5).max(0.0) as u32;
        let end = ((center + support + 0.5) as u32).min(from);
        let weights: Vec<f64> =
            (first..end).map(|pixel| kernel((f64::from(pixel) - center + 0.5) / filter_scale)).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: &f64| (weight / sum * f64::from(1u32 << PRECISION_BITS)).round() as i32;
        (first as usize, weights.iter().map(fixed).collect())
    };
    (0..to).map(at).collect()
}

fn kernel(x: f64) -> f64 {
    let sinc = |x: f64| {
        let x = x * std::f64::consts::PI;
        if x == 0.0 { 1.0 } else { x.sin() / x }
    };
    if (-SUPPORT..SUPPORT).contains(&x) { sinc(x) * sinc(x / SUPPORT) } else { 0.0 }
}

fn rows_resized(picture: &RgbImage, width: u32) -> RgbImage {
    let weights = weights(picture.width(), width);
    let mut out = RgbImage::new(width, picture.height());
    let row_len = picture.width() as usize * 3;
    for (to, from) in out.chunks_exact_mut(width as usize * 3).zip(picture.as_raw().chunks_exact(row_len.max(1))) {
        for (pixel, (first, weights)) in to.chunks_exact_mut(3).zip(&weights) {
            let mut sums = [1i32 << (PRECISION_BITS - 1); 3];
            for (from, weight) in from.chunks_exact(3).skip(*first).zip(weights) {
                sums.iter_mut().zip(from).for_each(|(sum, value)| *sum += i32::from(*value) * weight);
            }
            pixel.iter_mut().zip(sums).for_each(|(pixel, sum)| *pixel = (sum >> PRECISION_BITS).clamp(0, 255) as u8);
        }
    }
    out
}

/// Rows for columns.
fn turned(picture: &RgbImage) -> RgbImage {
    RgbImage::from_fn(picture.height(), picture.width(), |x, y| *picture.get_pixel(y, x))
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    /// `PIL.Image.fromarray(pixels).resize((size, size), Image.Resampling.LANCZOS)` of the picture below, channel by channel.
    #[test]
    fn pixels_are_those_of_pillow() {
        let picture = RgbImage::from_fn(9, 7, |x, y| {
            let value = |k: u32| ((x * x * 13 * k + y * 57 + x * y * 31) % 256) as u8;
            Rgb([value(1), value(2), if (x + y) % 2 == 0 { 255 } else { 0 }])
        });
        for (size_px, expected) in [PILLOW_4, PILLOW_12] {
            assert_eq!(lanczos(&picture, size_px).into_raw(), expected, "{size_px} px");
        }
        assert_eq!(lanczos(&RgbImage::from_pixel(5, 5, Rgb([7, 8, 255])), 3).into_raw(), [7, 8, 255].repeat(9));
    }

    const PILLOW_4: (u32, &[u8]) = (
        4,
        &[
            49, 66, 131, 98, 155, 127, 131, 133, 127, 126, 158, 131, 122, 142, 127, 102, 98, 128, 173, 62, 128, 178,
            98, 127, 121, 145, 127, 118, 129, 128, 185, 134, 128, 136, 65, 127, 112, 92, 131, 151, 140, 127, 92, 131,
            127, 157, 114, 131,
        ],
    );
    const PILLOW_12: (u32, &[u8]) = (
        12,
        &[
            0, 0, 255, 1, 7, 51, 9, 31, 67, 42, 107, 255, 117, 235, 0, 214, 209, 191, 161, 143, 191, 86, 140, 0, 201,
            156, 255, 180, 255, 67, 85, 227, 51, 58, 110, 255, 14, 14, 151, 15, 22, 117, 64, 82, 119, 99, 168, 149, 64,
            214, 106, 170, 175, 137, 138, 126, 137, 43, 130, 106, 192, 159, 149, 185, 180, 119, 95, 159, 117, 74, 133,
            151, 52, 52, 1, 65, 71, 187, 145, 164, 174, 156, 222, 11, 17, 150, 244, 98, 99, 78, 101, 83, 78, 29, 107,
            244, 183, 162, 11, 186, 51, 174, 118, 65, 187, 109, 186, 1, 82, 82, 147, 157, 157, 118, 164, 204, 120, 85,
            128, 146, 100, 45, 109, 65, 4, 135, 78, 23, 135, 155, 91, 109, 192, 157, 146, 173, 14, 120, 141, 70, 118,
            135, 255, 147, 113, 113, 245, 171, 169, 72, 121, 168, 84, 41, 77, 236, 152, 37, 19, 93, 26, 173, 127, 19,
            173, 255, 52, 19, 198, 142, 236, 160, 57, 84, 167, 92, 72, 176, 222, 245, 155, 155, 50, 88, 92, 164, 81,
            106, 156, 128, 187, 56, 74, 147, 199, 141, 163, 97, 224, 78, 97, 218, 0, 199, 182, 121, 56, 162, 89, 156,
            196, 42, 164, 228, 75, 50, 221, 221, 50, 78, 82, 164, 33, 57, 156, 130, 187, 56, 81, 154, 199, 194, 199,
            97, 241, 151, 97, 164, 57, 199, 165, 119, 56, 183, 95, 156, 176, 23, 164, 160, 2, 50, 247, 247, 245, 159,
            159, 72, 26, 71, 84, 42, 72, 236, 181, 66, 19, 206, 103, 173, 163, 173, 173, 151, 196, 19, 154, 129, 236,
            210, 76, 84, 129, 57, 72, 19, 56, 245, 132, 133, 147, 186, 183, 118, 124, 175, 120, 38, 116, 146, 148, 135,
            109, 153, 51, 135, 120, 111, 135, 133, 235, 109, 145, 130, 146, 220, 70, 120, 124, 81, 118, 0, 97, 147, 13,
            13, 1, 129, 136, 187, 203, 220, 174, 133, 189, 11, 103, 226, 244, 87, 92, 78, 88, 74, 78, 106, 175, 244,
            135, 115, 11, 219, 78, 174, 159, 99, 187, 44, 123, 1, 52, 48, 151, 57, 82, 117, 144, 104, 119, 224, 109,
            149, 198, 151, 106, 80, 165, 137, 26, 155, 137, 81, 132, 106, 124, 97, 149, 222, 84, 119, 182, 122, 117,
            81, 158, 151, 111, 105, 255, 17, 53, 51, 81, 8, 67, 255, 35, 255, 255, 76, 0, 93, 210, 191, 0, 223, 191,
            69, 112, 0, 119, 89, 255, 223, 87, 67, 192, 133, 51, 94, 174, 255,
        ],
    );
}
