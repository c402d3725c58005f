//! PNG, and the PNG of Apple's programs.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer};
use png::{BitDepth, ColorType, DecodeOptions, Decoder, Transformations};

use super::super::exif::Exif;
use super::bounds::{Need, zeros};
use super::{ENDS_TOO_EARLY, HOLDS_ERRORS, Kind, Stored, is_blank, too_damaged};

const SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n'];

pub(super) fn decode(bytes: &[u8]) -> Result<Stored, String> {
    match read(bytes, false) {
        Read::Whole(stored) => Ok(*stored),
        Read::Refused(reason) => Err(reason),
        Read::Partly(_) | Read::Nothing => repair(bytes),
    }
}

/// Of the header, which Apple's programs put second.
pub(super) fn size_px(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.get(SIGNATURE.len()..)?;
    loop {
        let (header, body) = rest.split_first_chunk::<8>()?;
        let [a, b, c, d, name @ ..] = *header;
        if &name == b"IHDR" {
            let number = |at: usize| body.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
            return Some((number(0)?, number(4)?));
        }
        rest = body.get((u32::from_be_bytes([a, b, c, d]) as usize).saturating_add(4)..)?;
    }
}

/// Reads what is there of a file that is not as it should be.
fn repair(bytes: &[u8]) -> Result<Stored, String> {
    let repaired = Repaired::new(bytes);
    let mut stored = match read(&repaired.bytes, true) {
        Read::Whole(stored) | Read::Partly(stored) => *stored,
        Read::Refused(reason) => return Err(reason),
        Read::Nothing => return Err(too_damaged(Kind::Png)),
    };
    if repaired.is_of_apple {
        from_apple(&mut stored.image);
        // Its checksums are right; only its pixels are not those of a PNG.
        stored.damage = (!repaired.has_end).then(|| ENDS_TOO_EARLY.to_owned());
    } else {
        stored.damage = Some(if repaired.has_end { HOLDS_ERRORS } else { ENDS_TOO_EARLY }.to_owned());
    }
    Ok(stored)
}

enum Read {
    Whole(Box<Stored>),
    Partly(Box<Stored>),
    Nothing,
    Refused(String),
}

fn read(bytes: &[u8], is_lenient: bool) -> Read {
    let mut options = DecodeOptions::default();
    options.set_ignore_checksums(is_lenient);
    options.set_skip_ancillary_crc_failures(true);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_transformations(Transformations::EXPAND);
    let Ok(mut reader) = decoder.read_info() else { return Read::Nothing };
    let (color, depth) = reader.output_color_type();
    let info = reader.info();
    let size_px = (info.width, info.height);
    let exif = info.exif_metadata.as_ref().and_then(|exif| Exif::new(exif));
    let orientation = exif.as_ref().and_then(|exif| exif.orientation()).and_then(Orientation::from_exif);
    let wide = if depth == BitDepth::Sixteen { 2 } else { 1 };
    let need = Need {
        size_px,
        bytes_per_pixel: color.samples() as u64 * wide,
        // Of sixteen bits there are two copies for a moment: as bytes and as numbers.
        working_bytes_per_pixel: if wide == 2 { color.samples() as u64 * wide } else { 0 },
        is_turned: orientation.is_some_and(|orientation| orientation != Orientation::NoTransforms),
        is_plain: color == ColorType::Rgb && wide == 1,
    };
    if let Err(reason) = need.check() {
        return Read::Refused(reason);
    }
    let Some(len) = reader.output_buffer_size() else { return Read::Nothing };
    let mut samples = match zeros::<u8>(len) {
        Ok(samples) => samples,
        Err(reason) => return Read::Refused(reason),
    };
    // What was decoded before an error stays in the samples.
    let is_decoded = reader.next_frame(&mut samples).is_ok();
    let is_whole = is_decoded && reader.finish().is_ok();
    if !is_decoded && is_blank(&samples) {
        return Read::Nothing;
    }
    let Some(image) = picture(size_px, color, depth, samples) else { return Read::Nothing };
    let mut stored = Stored { image, orientation, ..Stored::default() };
    let info = reader.info();
    let colours = &mut stored.colours;
    if let Some(cicp) = &info.coding_independent_code_points {
        let range = u8::from(cicp.is_video_full_range_image);
        colours.cicp = Some([cicp.color_primaries, cicp.transfer_function, cicp.matrix_coefficients, range]);
    }
    colours.icc_profile = info.icc_profile.as_ref().map(|profile| profile.to_vec());
    if colours.icc_profile.is_none() && info.srgb.is_none() {
        colours.gamma = info.gama_chunk.map(|gamma| gamma.into_scaled());
        colours.chromaticities = info.chrm_chunk.map(|chromaticities| {
            [chromaticities.white, chromaticities.red, chromaticities.green, chromaticities.blue]
                .map(|(x, y)| [x.into_scaled(), y.into_scaled()])
                .concat()
                .try_into()
                .unwrap_or_default()
        });
    }
    colours.is_adobe_rgb = info.srgb.is_none() && exif.as_ref().is_some_and(Exif::is_adobe_rgb);
    let xmp = info.utf8_text.iter().find(|text| text.keyword == "XML:com.adobe.xmp");
    stored.metadata.xmp = xmp.and_then(|text| text.get_text().ok()).map(String::into_bytes);
    stored.metadata.dots_per_inch = info.pixel_dims.filter(|dims| dims.unit == png::Unit::Meter).map(|dims| {
        const INCH: f32 = 0.0254;
        [dims.xppu, dims.yppu].map(|per_metre| per_metre as f32 * INCH)
    });
    stored.metadata.exif = exif;
    if is_whole { Read::Whole(Box::new(stored)) } else { Read::Partly(Box::new(stored)) }
}

fn picture((width, height): (u32, u32), color: ColorType, depth: BitDepth, samples: Vec<u8>) -> Option<DynamicImage> {
    if depth == BitDepth::Sixteen {
        let samples = samples.as_chunks::<2>().0.iter().map(|bytes| u16::from_be_bytes(*bytes)).collect();
        return match color {
            ColorType::Grayscale => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma16),
            ColorType::GrayscaleAlpha => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLumaA16),
            ColorType::Rgb | ColorType::Indexed => {
                ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb16)
            }
            ColorType::Rgba => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgba16),
        };
    }
    match color {
        ColorType::Grayscale => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLuma8),
        ColorType::GrayscaleAlpha => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageLumaA8),
        ColorType::Rgb | ColorType::Indexed => {
            ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgb8)
        }
        ColorType::Rgba => ImageBuffer::from_raw(width, height, samples).map(DynamicImage::ImageRgba8),
    }
}

/// A file with what a decoder stumbles over left out.
struct Repaired {
    bytes: Vec<u8>,
    has_end: bool,
    is_of_apple: bool,
}

impl Repaired {
    fn new(bytes: &[u8]) -> Self {
        let mut repaired = Self { bytes: SIGNATURE.to_vec(), has_end: false, is_of_apple: false };
        let mut rest = bytes.get(SIGNATURE.len()..).unwrap_or_default();
        let mut has_pixels = false;
        while let Some((header, body)) = rest.split_first_chunk::<8>() {
            let [a, b, c, d, name @ ..] = *header;
            let len = u32::from_be_bytes([a, b, c, d]) as usize;
            // A file that was cut ends in the middle of a chunk: what there is of it is taken.
            let data = body.get(..len.min(body.len())).unwrap_or_default();
            match &name {
                b"CgBI" => repaired.is_of_apple = true,
                b"IEND" => repaired.has_end = true,
                b"IDAT" => {
                    // Apple's pixels lack the header of their compression.
                    let header: &[u8] = if repaired.is_of_apple && !has_pixels { &[0x78, 0x01] } else { &[] };
                    repaired.push(name, header, data);
                    has_pixels = true;
                }
                b"IHDR" | b"PLTE" | b"tRNS" | b"cICP" | b"iCCP" | b"sRGB" | b"gAMA" | b"cHRM" | b"pHYs" | b"eXIf"
                | b"iTXt"
                    if data.len() == len =>
                {
                    repaired.push(name, &[], data);
                }
                // What a decoder must know or leave the file alone says nothing to it; other parts are not needed.
                _ => {}
            }
            rest = body.get(len.saturating_add(4)..).unwrap_or_default();
        }
        repaired.push(*b"IEND", &[], &[]);
        repaired
    }

    fn push(&mut self, name: [u8; 4], header: &[u8], data: &[u8]) {
        self.bytes.extend(((header.len() + data.len()) as u32).to_be_bytes());
        self.bytes.extend(name);
        self.bytes.extend(header);
        self.bytes.extend(data);
        // Nobody looks at the checksum.
        self.bytes.extend([0; 4]);
    }
}

/// Apple's programs store blue first, and colours multiplied with their transparency.
fn from_apple(image: &mut DynamicImage) {
    match image {
        DynamicImage::ImageRgb8(image) => image.pixels_mut().for_each(|pixel| pixel.0.reverse()),
        DynamicImage::ImageRgba8(image) => image.pixels_mut().for_each(|pixel| {
            let [blue, green, red, alpha] = pixel.0;
            let whole = |value: u8| (u32::from(value) * 255).checked_div(alpha.into()).unwrap_or(0).min(255) as u8;
            pixel.0 = [whole(red), whole(green), whole(blue), alpha];
        }),
        _ => {}
    }
}
