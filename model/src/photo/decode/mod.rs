//! Files to samples, a file for each format. One rule for damaged ones: what is there is opened, and that it is damaged is said.

mod bmp;
mod gif;
mod heic;
mod jpeg;
mod png;
mod tiff;
mod webp;

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::DynamicImage;
use image::metadata::Orientation;

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
        Kind::JpegXl => Err(format!(
            "it is a {} picture, which this program does not open: save it as PNG or JPEG with the program that made it",
            kind.name()
        )),
    }));
    decoded.unwrap_or_else(|_| Err(too_damaged(kind)))
}

/// Said of a file of which nothing can be shown.
fn too_damaged(kind: Kind) -> String {
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
