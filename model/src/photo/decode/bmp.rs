//! Windows bitmaps.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{DynamicImage, ImageDecoder as _};

use super::bounds::Need;
use super::{ENDS_TOO_EARLY, HOLDS_ERRORS, Kind, Stored, is_blank, too_damaged};

pub(super) fn decode(bytes: &[u8]) -> Result<Stored, String> {
    let open = |bytes: &[u8]| -> Result<Option<DynamicImage>, String> {
        let Ok(decoder) = BmpDecoder::new(Cursor::new(bytes)) else { return Ok(None) };
        let bytes_per_pixel = u64::from(decoder.color_type().bytes_per_pixel());
        Need {
            size_px: decoder.dimensions(),
            bytes_per_pixel,
            is_plain: decoder.color_type() == image::ColorType::Rgb8,
            ..Need::default()
        }
        .check()?;
        Ok(DynamicImage::from_decoder(decoder).ok())
    };
    if let Some(image) = open(bytes)? {
        return Ok(Stored { image, ..Stored::default() });
    }
    // The pixels stand there as they are: of a file that was cut, those at the end are missing.
    let size = |at: usize| bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, i32::from_le_bytes);
    let (width, height) = (u64::from(size(18).unsigned_abs()), u64::from(size(22).unsigned_abs()));
    let whole = width.saturating_mul(4).saturating_add(4).saturating_mul(height).saturating_add(4096);
    Need { size_px: (width as u32, height as u32), bytes_per_pixel: 4, working_bytes_per_pixel: 4, ..Need::default() }
        .check()
        .map_err(|_| too_damaged(Kind::Bmp))?;
    let mut padded = bytes.to_vec();
    let is_short = whole > padded.len() as u64;
    padded.resize(padded.len().max(whole as usize), 0);
    match open(&padded)? {
        Some(image) if !is_blank(image.as_bytes()) => {
            let damage = Some(if is_short { ENDS_TOO_EARLY } else { HOLDS_ERRORS }.to_owned());
            Ok(Stored { image, damage, ..Stored::default() })
        }
        _ => Err(too_damaged(Kind::Bmp)),
    }
}

pub(super) fn size_px(bytes: &[u8]) -> Option<(u32, u32)> {
    Some(BmpDecoder::new(Cursor::new(bytes)).ok()?.dimensions())
}
