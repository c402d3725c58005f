//! WebP without loss.

use image_webp::{ColorType, WebPEncoder};

use super::FileOptions;
use super::picture::Picture;
use super::words::{Room, Words};

/// WebP has no room for a longer side.
pub(super) const MAX_SIDE_PX: u32 = 16_384;

pub(super) const ROOM: Room =
    Room { exif_bytes: usize::MAX, has_texts: false, has_iptc: false, has_dots_per_inch: false };

pub(super) fn encode(picture: &Picture<'_>, options: &FileOptions<'_>) -> anyhow::Result<Vec<u8>> {
    let (width, height) = (picture.width, picture.height);
    anyhow::ensure!(
        width.max(height) <= MAX_SIDE_PX,
        "a WebP file has at most {MAX_SIDE_PX} pixels to a side, and this picture is {width} x {height}: write a .png or \
         .jpg"
    );
    let words = Words::new(picture, options, &ROOM);
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new(&mut bytes);
    if let Some(exif) = words.exif {
        encoder.set_exif_metadata(exif);
    }
    if let Some(xmp) = words.xmp {
        encoder.set_xmp_metadata(xmp.into_bytes());
    }
    // Grays become colours in a WebP, and so does their profile.
    if let Some(profile) = options.photo.and_then(|photo| photo.colours.to_icc_profile(false)) {
        encoder.set_icc_profile(profile);
    }
    let color = match (picture.is_gray(), picture.has_alpha()) {
        (true, false) => ColorType::L8,
        (true, true) => ColorType::La8,
        (false, false) => ColorType::Rgb8,
        (false, true) => ColorType::Rgba8,
    };
    encoder.encode(&picture.narrow(), width, height, color)?;
    Ok(bytes)
}
