//! GIF: the first picture.

use gif::{ColorOutput, DecodeOptions, MemoryLimit};
use image::{DynamicImage, RgbaImage, imageops};

use super::bounds::{Need, zeros};
use super::{ENDS_TOO_EARLY, Kind, Stored, is_blank, too_damaged};

pub(super) fn decode(bytes: &[u8]) -> Result<Stored, String> {
    let damaged = || too_damaged(Kind::Gif);
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::RGBA);
    // Bounded below, before anything is allocated.
    options.set_memory_limit(MemoryLimit::Unlimited);
    let mut decoder = options.read_info(bytes).map_err(|_| damaged())?;
    let size_px = (u32::from(decoder.width()), u32::from(decoder.height()));
    Need { size_px, bytes_per_pixel: 4, working_bytes_per_pixel: 4, ..Need::default() }.check()?;
    let mut stored = Stored::default();
    stored.colours.icc_profile = decoder.icc_profile().map(<[u8]>::to_vec);
    stored.metadata.xmp = decoder.xmp_metadata().map(<[u8]>::to_vec);
    let frame = decoder.next_frame_info().ok().flatten().ok_or_else(damaged)?;
    let (left, top) = (i64::from(frame.left), i64::from(frame.top));
    let frame_px = (u32::from(frame.width), u32::from(frame.height));
    // A picture may be larger than what it is drawn on.
    Need { size_px: frame_px, bytes_per_pixel: 4, working_bytes_per_pixel: 4, ..Need::default() }.check()?;
    let mut samples = zeros::<u8>(frame_px.0 as usize * frame_px.1 as usize * 4)?;
    if decoder.read_into_buffer(&mut samples).is_err() {
        if is_blank(&samples) {
            return Err(damaged());
        }
        stored.damage = Some(ENDS_TOO_EARLY.to_owned());
    }
    let picture = RgbaImage::from_raw(frame_px.0, frame_px.1, samples).ok_or_else(damaged)?;
    let canvas = if (left, top, frame_px) == (0, 0, size_px) {
        picture
    } else {
        let mut canvas = RgbaImage::new(size_px.0, size_px.1);
        imageops::replace(&mut canvas, &picture, left, top);
        canvas
    };
    let is_opaque = canvas.pixels().all(|pixel| pixel.0[3] == 255);
    let canvas = DynamicImage::ImageRgba8(canvas);
    stored.image = if is_opaque { DynamicImage::ImageRgb8(canvas.into_rgb8()) } else { canvas };
    Ok(stored)
}

pub(super) fn size_px(bytes: &[u8]) -> Option<(u32, u32)> {
    let decoder = DecodeOptions::new().read_info(bytes).ok()?;
    Some((decoder.width().into(), decoder.height().into()))
}
