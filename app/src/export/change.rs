//! What an edit changes, as a layer for other programs.

use anyhow::Context as _;
use image::{DynamicImage, ImageBuffer, Primitive};

/// What is another colour in `after` than in `before`, on transparent ground: laid over `before` it gives `after`. Both are of one
/// size and kind. Where `before` is transparent itself, so is the layer.
///
/// # Errors
/// When they are not, or of a kind that no photo is.
pub fn change_layer(before: &DynamicImage, after: &DynamicImage) -> anyhow::Result<DynamicImage> {
    use DynamicImage as Any;
    let size = (before.width(), before.height());
    anyhow::ensure!(size == (after.width(), after.height()), "the edited picture has another size");
    let lost = "the change has another size";
    let layer = match (before, after) {
        (Any::ImageLuma8(b), Any::ImageLuma8(a)) => {
            Any::ImageLumaA8(buffer(size, layer::<1, 2, _>(b, a)).context(lost)?)
        }
        (Any::ImageLumaA8(b), Any::ImageLumaA8(a)) => {
            Any::ImageLumaA8(buffer(size, layer::<2, 2, _>(b, a)).context(lost)?)
        }
        (Any::ImageRgb8(b), Any::ImageRgb8(a)) => Any::ImageRgba8(buffer(size, layer::<3, 4, _>(b, a)).context(lost)?),
        (Any::ImageRgba8(b), Any::ImageRgba8(a)) => {
            Any::ImageRgba8(buffer(size, layer::<4, 4, _>(b, a)).context(lost)?)
        }
        (Any::ImageLuma16(b), Any::ImageLuma16(a)) => {
            Any::ImageLumaA16(buffer(size, layer::<1, 2, _>(b, a)).context(lost)?)
        }
        (Any::ImageLumaA16(b), Any::ImageLumaA16(a)) => {
            Any::ImageLumaA16(buffer(size, layer::<2, 2, _>(b, a)).context(lost)?)
        }
        (Any::ImageRgb16(b), Any::ImageRgb16(a)) => {
            Any::ImageRgba16(buffer(size, layer::<3, 4, _>(b, a)).context(lost)?)
        }
        (Any::ImageRgba16(b), Any::ImageRgba16(a)) => {
            Any::ImageRgba16(buffer(size, layer::<4, 4, _>(b, a)).context(lost)?)
        }
        _ => anyhow::bail!("the photo's pixels are of a kind that no layer is made of"),
    };
    Ok(layer)
}

fn buffer<P: image::Pixel>(
    (width, height): (u32, u32),
    values: Vec<P::Subpixel>,
) -> Option<ImageBuffer<P, Vec<P::Subpixel>>> {
    ImageBuffer::from_raw(width, height, values)
}

/// Pixels of `IN` numbers as such of `OUT`, of which the last is how opaque they are.
fn layer<const IN: usize, const OUT: usize, T: Primitive>(before: &[T], after: &[T]) -> Vec<T> {
    let mut values = Vec::with_capacity(before.len() / IN * OUT);
    for (before, after) in before.as_chunks::<IN>().0.iter().zip(after.as_chunks::<IN>().0) {
        let is_changed = before != after;
        let colours = after.iter().map(|value| if is_changed { *value } else { T::DEFAULT_MIN_VALUE });
        values.extend(colours);
        if OUT > IN {
            values.push(if is_changed { T::DEFAULT_MAX_VALUE } else { T::DEFAULT_MIN_VALUE });
        }
    }
    values
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::{ImageBuffer, Luma, Rgb, RgbImage, Rgba};

    use super::*;

    #[test]
    fn a_layer_over_the_photo_is_the_edited_photo() {
        let before = RgbImage::from_fn(20, 10, |x, y| Rgb([x as u8, y as u8, 9]));
        let mut after = before.clone();
        (3..9).for_each(|x| after.put_pixel(x, 4, Rgb([200, x as u8, 0])));
        let layer = change_layer(&before.clone().into(), &after.clone().into()).unwrap().into_rgba8();
        assert_eq!(layer.pixels().filter(|pixel| pixel.0[3] == 255).count(), 6);
        assert!(layer.pixels().all(|pixel| pixel.0[3] == 255 || pixel.0 == [0; 4]));
        let mut over = DynamicImage::from(before);
        image::imageops::overlay(&mut over, &DynamicImage::from(layer), 0, 0);
        assert_eq!(over.into_rgb8(), after);
    }

    #[test]
    fn depth_and_transparency_stay() {
        let gray = |value| DynamicImage::ImageLuma16(ImageBuffer::from_pixel(2, 2, Luma([value])));
        let layer = change_layer(&gray(7), &gray(65_000)).unwrap();
        assert_eq!(layer.as_luma_alpha16().unwrap().get_pixel(1, 1).0, [65_000, u16::MAX]);
        let glass = |value| DynamicImage::ImageRgba8(ImageBuffer::from_pixel(2, 2, Rgba([value, 0, 0, 90])));
        assert_eq!(change_layer(&glass(7), &glass(8)).unwrap().into_rgba8().get_pixel(0, 0).0, [8, 0, 0, 90]);
        assert_eq!(change_layer(&glass(7), &glass(7)).unwrap().into_rgba8().get_pixel(0, 0).0, [0; 4]);
        assert!(change_layer(&gray(7), &glass(7)).is_err());
    }
}
