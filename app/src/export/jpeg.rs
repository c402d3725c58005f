//! JPEG, with the tables and the sampling of the photo that it was.

use anyhow::Context as _;
use jpeg_encoder::{
    ChromaSubsamplingMethod, ColorType, Encoder, PixelDensity, PixelDensityUnit, QuantizationTableType, SamplingFactor,
};
use stylemap::photo::IPTC_RESOURCE;

use super::picture::Picture;
use super::words::{Room, Words};
use super::{FileOptions, JPEG_QUALITY};

/// What a segment has room for, with its own length.
const MAX_SEGMENT_BYTES: usize = 65_533;
/// From this quality on, colours are stored at the picture's own size.
const FULL_COLOUR_QUALITY: u8 = 90;
const EXIF_HEADER_BYTES: usize = 6;
const XMP_HEADER: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";

const ROOM: Room = Room {
    exif_bytes: MAX_SEGMENT_BYTES - EXIF_HEADER_BYTES,
    has_texts: false,
    has_iptc: true,
    has_dots_per_inch: true,
};

pub(super) fn encode(picture: &Picture<'_>, options: &FileOptions<'_>) -> anyhow::Result<Vec<u8>> {
    let too_large = || {
        let (width, height) = (picture.width, picture.height);
        format!("a JPEG has at most 65535 pixels to a side, and this picture is {width} x {height}: write a .png")
    };
    let size = |len: u32| u16::try_from(len).with_context(too_large);
    let (width, height) = (size(picture.width)?, size(picture.height)?);
    let own = options.photo.and_then(|photo| photo.jpeg.as_ref()).filter(|_| options.jpeg_quality.is_none());
    let quality = options.jpeg_quality.unwrap_or(JPEG_QUALITY).clamp(1, 100);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_optimized_huffman_tables(true);
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    let usual = if quality >= FULL_COLOUR_QUALITY { SamplingFactor::R_4_4_4 } else { SamplingFactor::R_4_2_0 };
    encoder.set_sampling_factor(usual);
    if let Some(own) = own {
        let table = |table: &[u16; 64]| QuantizationTableType::Custom(Box::new(table.map(|value| value.clamp(1, 255))));
        encoder.set_quantization_tables(table(&own.luma_table), table(&own.chroma_table));
        let (horizontal, vertical) = own.sampling;
        encoder.set_sampling_factor(SamplingFactor::from_factors(horizontal, vertical).unwrap_or(usual));
    }
    let words = Words::new(picture, options, &ROOM);
    if let Some(dots) = words.dots_per_inch {
        let [x, y] = dots.map(|dots| dots.round().clamp(1.0, 65_535.0) as u16);
        encoder.set_density(PixelDensity { density: (x, y), unit: PixelDensityUnit::Inches });
    }
    if let Some(exif) = &words.exif {
        encoder.add_exif_metadata(exif)?;
    }
    if let Some(xmp) = words.xmp.filter(|xmp| xmp.len() + XMP_HEADER.len() <= MAX_SEGMENT_BYTES) {
        encoder.add_app_segment(1, [XMP_HEADER, xmp.as_bytes()].concat())?;
    }
    if let Some(profile) = options.photo.and_then(|photo| photo.colours.to_icc_profile(picture.is_gray())) {
        encoder.add_icc_profile(&profile)?;
    }
    if let Some(iptc) = words.iptc.filter(|iptc| iptc.len() < MAX_SEGMENT_BYTES - 64) {
        encoder.add_app_segment(13, photoshop_of_iptc(&iptc)?)?;
    }
    let color = if picture.is_gray() { ColorType::Luma } else { ColorType::Rgb };
    encoder.encode(&picture.opaque(), width, height, color)?;
    Ok(bytes)
}

/// IPTC records as the resource of Photoshop in which JPEG files have them.
fn photoshop_of_iptc(iptc: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut bytes = b"Photoshop 3.0\x008BIM".to_vec();
    bytes.extend(IPTC_RESOURCE.to_be_bytes());
    // No name.
    bytes.extend([0, 0]);
    bytes.extend(u32::try_from(iptc.len())?.to_be_bytes());
    bytes.extend(iptc);
    if iptc.len() % 2 == 1 {
        bytes.push(0);
    }
    Ok(bytes)
}
