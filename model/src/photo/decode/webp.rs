//! WebP: the first picture.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage, RgbaImage};
use image_webp::WebPDecoder;

use super::super::exif::Exif;
use super::bounds::{Need, zeros};
use super::{ENDS_TOO_EARLY, Kind, Stored, is_blank, too_damaged};

pub(super) fn decode(bytes: &[u8]) -> Result<Stored, String> {
    let damaged = || too_damaged(Kind::WebP);
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(|_| damaged())?;
    let mut stored = Stored::default();
    let exif = decoder.exif_metadata().ok().flatten().and_then(|exif| Exif::new(&exif));
    stored.orientation = exif.as_ref().and_then(|exif| exif.orientation()).and_then(Orientation::from_exif);
    stored.colours.icc_profile = decoder.icc_profile().ok().flatten();
    stored.colours.is_adobe_rgb = exif.as_ref().is_some_and(Exif::is_adobe_rgb);
    stored.metadata.xmp = decoder.xmp_metadata().ok().flatten();
    stored.metadata.dots_per_inch = exif.as_ref().and_then(Exif::dots_per_inch);
    stored.metadata.exif = exif;
    let size_px = decoder.dimensions();
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    Need {
        size_px,
        bytes_per_pixel: channels,
        working_bytes_per_pixel: 4,
        is_turned: stored.orientation.is_some(),
        is_plain: channels == 3,
    }
    .check()?;
    let mut samples = zeros::<u8>(decoder.output_buffer_size().ok_or_else(damaged)?)?;
    if decoder.read_image(&mut samples).is_err() {
        if is_blank(&samples) {
            return Err(damaged());
        }
        stored.damage = Some(ENDS_TOO_EARLY.to_owned());
    }
    let (width, height) = size_px;
    stored.image = if channels == 4 {
        RgbaImage::from_raw(width, height, samples).map(DynamicImage::ImageRgba8)
    } else {
        RgbImage::from_raw(width, height, samples).map(DynamicImage::ImageRgb8)
    }
    .ok_or_else(damaged)?;
    Ok(stored)
}

pub(super) fn size_px(bytes: &[u8]) -> Option<(u32, u32)> {
    Some(WebPDecoder::new(Cursor::new(bytes)).ok()?.dimensions())
}
