//! HEIF with HEVC inside: the photos of telephones.

use heifer::heifer_isobmff::HeifFile;
use heifer::heifer_isobmff::boxes::{ColorInfo, Property};
use heifer::{Error, Options};
use image::{DynamicImage, ImageBuffer};

use super::super::exif::Exif;
use super::bounds::Need;
use super::{Kind, Stored, too_damaged};

pub(super) fn decode(bytes: &[u8]) -> Result<Stored, String> {
    let bytes = boxes(bytes);
    let damaged = || too_damaged(Kind::Heic);
    let refused = |err: Error| match err {
        Error::Unsupported(_) => {
            "it is a HEIC picture of a kind that this program does not open: save it as PNG or JPEG \
                                  with the program that made it"
                .to_owned()
        }
        _ => damaged(),
    };
    let file = HeifFile::parse(bytes).map_err(|_| damaged())?;
    let size_px = file.image_size(file.primary_id).ok().flatten().ok_or_else(damaged)?;
    let mut bits = 8;
    let mut code_points = None;
    for property in file.item_properties(file.primary_id).map_err(|_| damaged())? {
        match property {
            Property::PixelInfo(channels) => bits = channels.iter().copied().max().unwrap_or(8),
            Property::Color(ColorInfo::Nclx { primaries, transfer, .. }) => code_points = Some((*primaries, *transfer)),
            _ => {}
        }
    }
    let bytes_per_sample = if bits > 8 { 2 } else { 1 };
    // Red, green, blue and alpha, and the brightness and colours that they come from.
    Need {
        size_px,
        bytes_per_pixel: 4 * bytes_per_sample,
        working_bytes_per_pixel: 6,
        is_turned: true,
        is_plain: false,
    }
    .check()?;
    let options = Options { max_pixels: u64::from(size_px.0) * u64::from(size_px.1), ..Options::default() };
    let (width, height, image);
    if bits > 8 {
        let decoded = heifer::decode_with_options(bytes, &options).map_err(refused)?;
        (width, height) = (decoded.width, decoded.height);
        let most = u32::from(decoded.max_value()).max(1);
        let wide = |value: &u16| (u32::from(*value).min(most) * 65_535 / most) as u16;
        image = if decoded.has_alpha {
            let samples = decoded.data.iter().map(wide).collect();
            ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgba16)
        } else {
            let colours = decoded.data.as_chunks::<4>().0.iter().flat_map(|pixel| &pixel[..3]);
            ImageBuffer::from_raw(width, height, colours.map(wide).collect()).map(DynamicImage::ImageRgb16)
        };
    } else {
        let decoded = heifer::decode_rgba8(bytes, &options).map_err(refused)?;
        (width, height) = (decoded.width, decoded.height);
        image = if decoded.has_alpha {
            ImageBuffer::from_raw(width, height, decoded.data).map(DynamicImage::ImageRgba8)
        } else {
            ImageBuffer::from_raw(width, height, decoded.into_rgb8()).map(DynamicImage::ImageRgb8)
        };
    }
    // It is upright: the file says apart from EXIF how it is turned.
    let mut stored = Stored { image: image.ok_or_else(damaged)?, ..Stored::default() };
    let metadata = heifer::read_metadata(bytes).unwrap_or_default();
    stored.colours.icc_profile = metadata.icc_profile;
    if let (None, Some((primaries, transfer))) = (&stored.colours.icc_profile, code_points) {
        // Of the same colours as red, green and blue, all of the range.
        let point = |value: u16| u8::try_from(value).unwrap_or(2);
        stored.colours.cicp = Some([point(primaries), point(transfer), 0, 1]);
    }
    let exif = metadata.exif.as_deref().and_then(Exif::new);
    stored.metadata.dots_per_inch = exif.as_ref().and_then(Exif::dots_per_inch);
    stored.metadata.exif = exif;
    stored.metadata.xmp = metadata.xmp;
    Ok(stored)
}

/// Boxes that a file is made of: one that is not whole is a file that was cut.
const KNOWN: [&[u8]; 5] = [b"ftyp", b"meta", b"mdat", b"moov", b"idat"];

/// The file without what stands behind its last box, over which the reader stumbles.
fn boxes(bytes: &[u8]) -> &[u8] {
    let mut end = 0usize;
    while let Some([a, b, c, d, kind @ ..]) = bytes.get(end..).and_then(|rest| rest.first_chunk::<8>()) {
        let len = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let next = end.saturating_add(len);
        if next > bytes.len() && kind.is_ascii() && len >= 8 && end > 0 && KNOWN.contains(&kind.as_slice()) {
            return bytes;
        }
        if len < 8 || next > bytes.len() || !kind.iter().all(|byte| byte.is_ascii_alphanumeric()) {
            // Of a box with a longer length, or one to the end of the file, the rest is taken as it is.
            return if len < 2 && end > 0 && kind == b"mdat" { bytes } else { bytes.get(..end).unwrap_or(bytes) };
        }
        end = next;
    }
    bytes.get(..end).unwrap_or(bytes)
}

pub(super) fn size_px(bytes: &[u8]) -> Option<(u32, u32)> {
    let file = HeifFile::parse(boxes(bytes)).ok()?;
    file.image_size(file.primary_id).ok().flatten()
}
