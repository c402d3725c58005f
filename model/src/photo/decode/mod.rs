//! Files to samples, a file for each format. One rule for damaged ones: what is there is opened, and that it is damaged is said.

mod bmp;
mod gif;
mod heic;
mod jpeg;
mod jxl;
mod png;
mod tiff;
mod webp;
mod ycbcr;

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer};

use super::colours::Colours;
use super::kind::Kind;
use super::metadata::Metadata;
use super::{JpegEncoding, bounds};

/// What a file holds, as it is stored.
#[derive(Default)]
pub(super) struct Stored {
    pub image: DynamicImage,
    /// How it is to be turned; none is upright.
    pub orientation: Option<Orientation>,
    pub colours: Colours,
    pub metadata: Metadata,
    pub jpeg: Option<JpegEncoding>,
    /// What is wrong with it, where something is.
    pub damage: Option<String>,
}

/// Decodes a file of this kind.
///
/// # Errors
/// Why it cannot be opened, after "… is not a picture that can be read".
pub(super) fn decode(kind: Kind, bytes: &[u8]) -> Result<Stored, String> {
    // Decoders are fed with whatever lies on people's disks: a mistake in one must not end the program.
    let decoded = catch_unwind(AssertUnwindSafe(|| match kind {
        Kind::Png => png::decode(bytes),
        Kind::Jpeg => jpeg::decode(bytes),
        Kind::WebP => webp::decode(bytes),
        Kind::Gif => gif::decode(bytes),
        Kind::Bmp => bmp::decode(bytes),
        Kind::Tiff => tiff::decode(bytes),
        Kind::Heic => heic::decode(bytes),
        Kind::JpegXl => jxl::decode(bytes),
    }));
    let mut stored = decoded.unwrap_or_else(|_| Err(too_damaged(kind)))?;
    // Formats without a place for IPTC records have them in their EXIF.
    let metadata = &mut stored.metadata;
    metadata.iptc = metadata.iptc.take().or_else(|| metadata.exif.as_ref()?.iptc());
    Ok(stored)
}

/// Width and height of the picture in a file of this kind as its header says them, upright or not; none where it has no header.
pub(super) fn size_px(kind: Kind, bytes: &[u8]) -> Option<(u32, u32)> {
    let size = || match kind {
        Kind::Png => png::size_px(bytes),
        Kind::Jpeg => jpeg::size_px(bytes),
        Kind::WebP => webp::size_px(bytes),
        Kind::Gif => gif::size_px(bytes),
        Kind::Bmp => bmp::size_px(bytes),
        Kind::Tiff => tiff::size_px(bytes),
        Kind::Heic => heic::size_px(bytes),
        Kind::JpegXl => jxl::size_px(bytes),
    };
    catch_unwind(AssertUnwindSafe(size)).unwrap_or_default()
}

/// Samples that pictures are made of.
trait IntoImage: Sized {
    /// A picture of one to four channels; none where the samples are not as many.
    fn image(size_px: (u32, u32), channels: usize, values: Vec<Self>) -> Option<DynamicImage>;
}

impl IntoImage for u8 {
    fn image((width, height): (u32, u32), channels: usize, values: Vec<Self>) -> Option<DynamicImage> {
        match channels {
            1 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageLuma8),
            2 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageLumaA8),
            3 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageRgb8),
            _ => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageRgba8),
        }
    }
}

impl IntoImage for u16 {
    fn image((width, height): (u32, u32), channels: usize, values: Vec<Self>) -> Option<DynamicImage> {
        match channels {
            1 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageLuma16),
            2 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageLumaA16),
            3 => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageRgb16),
            _ => ImageBuffer::from_raw(width, height, values).map(DynamicImage::ImageRgba16),
        }
    }
}

/// Said of a file of which nothing can be shown.
pub(super) fn too_damaged(kind: Kind) -> String {
    format!(
        "it is a {} file that is too damaged to be opened: take it from the camera or a backup once more",
        kind.name()
    )
}

/// Said of a file that ends before its picture does.
const ENDS_TOO_EARLY: &str = "it ends too early, and a part of the picture may be missing";
/// Said of a file that holds something wrong.
const HOLDS_ERRORS: &str = "it holds errors, and a part of the picture may be wrong";

/// Whether anything was decoded.
fn is_blank(samples: &[u8]) -> bool {
    samples.iter().all(|sample| *sample == 0)
}
