//! How large pictures are written.

use image::imageops::FilterType;
use image::{ColorType, DynamicImage, imageops};
use serde::{Deserialize, Serialize};

use crate::document::Photo;
use crate::edited_face::full_size_px;

/// No face by itself is written larger: beyond it no model draws.
pub const MAX_FACE_PX: u32 = 4096;

/// How large a picture is written. A face by itself is never smaller than the model draws it, a photo never larger than it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportSize {
    /// A face at 512 or 1024 px, whichever holds all that its photo shows; a photo at its own size.
    #[default]
    Usual,
    /// A face as the model draws it.
    Model,
    /// A face 512 px wide, a photo with a longer side of 512 px.
    Px512,
    /// The same with 1024 px.
    Px1024,
    /// A face as large as it is in its photo, pixel for pixel; a photo at its own size.
    Photo,
}

impl ExportSize {
    /// What a face by itself can have.
    pub const OF_FACE: [Self; 5] = [Self::Usual, Self::Model, Self::Px512, Self::Px1024, Self::Photo];
    /// What a photo can have.
    pub const OF_PHOTO: [Self; 3] = [Self::Usual, Self::Px1024, Self::Px512];

    /// What the window calls it, in English.
    pub fn text(self) -> &'static str {
        match self {
            Self::Usual => "Usual size",
            Self::Model => "The model’s",
            Self::Px512 => "512 px",
            Self::Px1024 => "1024 px",
            Self::Photo => "As in the photo",
        }
    }

    /// Width and height of a face by itself; `model_px`: of the model's pictures.
    pub fn face_px(self, photo: &Photo, model_px: usize) -> u32 {
        let model_px = u32::try_from(model_px).unwrap_or(MAX_FACE_PX);
        let wanted = match self {
            Self::Usual => full_size_px(photo, model_px as usize),
            Self::Model => model_px,
            Self::Px512 => 512,
            Self::Px1024 => 1024,
            Self::Photo => {
                photo.placement.as_ref().map_or(photo.crop.width(), |placement| placement.quad.side_px().round() as u32)
            }
        };
        wanted.min(MAX_FACE_PX).max(model_px)
    }

    /// Width and height of a photo that has these.
    pub fn photo_px(self, (width, height): (u32, u32)) -> (u32, u32) {
        let longer = match self {
            Self::Usual | Self::Model | Self::Photo => return (width, height),
            Self::Px512 => 512,
            Self::Px1024 => 1024,
        };
        within(longer, (width, height))
    }
}

/// A picture's size once its longer side is no longer than this.
pub fn within(longer_px: u32, (width, height): (u32, u32)) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= longer_px {
        return (width, height);
    }
    let factor = f64::from(longer_px) / f64::from(longest);
    let reduced = |len: u32| ((f64::from(len) * factor).round() as u32).max(1);
    (reduced(width), reduced(height))
}

/// A picture at another size, in numbers of its own kind. Colours count by how opaque they are: what is transparent leaves no rim.
pub fn resized(picture: DynamicImage, (width, height): (u32, u32)) -> DynamicImage {
    if (picture.width(), picture.height()) == (width, height) {
        return picture;
    }
    let color = picture.color();
    if !color.has_alpha() {
        return picture.resize_exact(width, height, FilterType::CatmullRom);
    }
    let mut rgba = picture.into_rgba32f();
    for [red, green, blue, alpha] in rgba.pixels_mut().map(|pixel| &mut pixel.0) {
        [red, green, blue].into_iter().for_each(|value| *value *= *alpha);
    }
    let mut small = imageops::resize(&rgba, width, height, FilterType::CatmullRom);
    for [red, green, blue, alpha] in small.pixels_mut().map(|pixel| &mut pixel.0) {
        *alpha = alpha.clamp(0.0, 1.0);
        let value = |sum: f32| if *alpha > 0.0 { (sum / *alpha).clamp(0.0, 1.0) } else { 0.0 };
        (*red, *green, *blue) = (value(*red), value(*green), value(*blue));
    }
    let small = DynamicImage::ImageRgba32F(small);
    match color {
        ColorType::La8 => DynamicImage::ImageLumaA8(small.into_luma_alpha8()),
        ColorType::La16 => DynamicImage::ImageLumaA16(small.into_luma_alpha16()),
        ColorType::Rgba16 => DynamicImage::ImageRgba16(small.into_rgba16()),
        _ => DynamicImage::ImageRgba8(small.into_rgba8()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::{Luma, LumaA, Rgba, Rgba32FImage, RgbaImage};

    use super::*;

    #[test]
    fn a_photo_keeps_its_shape_and_never_grows() {
        assert_eq!(ExportSize::Px512.photo_px((3000, 2000)), (512, 341));
        assert_eq!(ExportSize::Px1024.photo_px((2000, 4000)), (512, 1024));
        assert_eq!(ExportSize::Px1024.photo_px((640, 480)), (640, 480));
        assert_eq!(ExportSize::Px512.photo_px((100_000, 1)), (512, 1));
        for size in [ExportSize::Usual, ExportSize::Model, ExportSize::Photo] {
            assert_eq!(size.photo_px((3000, 2000)), (3000, 2000));
        }
    }

    #[test]
    fn what_is_transparent_leaves_no_rim() {
        // White on the left; what is transparent on the right is black, as nobody sees.
        let half = RgbaImage::from_fn(64, 64, |x, _| if x < 33 { Rgba([255; 4]) } else { Rgba([0; 4]) });
        let small = resized(half.into(), (16, 16)).into_rgba8();
        assert!(small.pixels().filter(|pixel| pixel.0[3] > 0).all(|pixel| pixel.0[0] >= 254));
        assert!(small.pixels().any(|pixel| (1..255).contains(&pixel.0[3])), "the edge is soft");
    }

    #[test]
    fn every_kind_of_picture_stays_its_kind() {
        let pictures: [DynamicImage; 4] = [
            image::GrayImage::from_pixel(40, 20, Luma([90])).into(),
            image::GrayAlphaImage::from_pixel(40, 20, LumaA([90, 200])).into(),
            DynamicImage::from(Rgba32FImage::from_pixel(40, 20, Rgba([0.2, 0.4, 0.6, 0.5]))).into_rgba16().into(),
            image::RgbImage::from_pixel(40, 20, image::Rgb([1, 2, 3])).into(),
        ];
        for picture in pictures {
            let (color, first) = (picture.color(), picture.clone().into_rgba16().get_pixel(0, 0).0);
            let small = resized(picture, (10, 5));
            assert_eq!((small.color(), small.width(), small.height()), (color, 10, 5));
            let close = |(a, b): (&u16, u16)| a.abs_diff(b) < 258;
            assert!(small.into_rgba16().get_pixel(5, 2).0.iter().zip(first).all(close), "{color:?}");
        }
    }
}
