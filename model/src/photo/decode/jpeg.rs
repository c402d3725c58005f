//! JPEG.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::super::exif::Exif;
use super::super::metadata::iptc_of_photoshop;
use super::bounds::{Need, zeros};
use super::{ENDS_TOO_EARLY, HOLDS_ERRORS, JpegEncoding, Kind, Stored, is_blank, too_damaged};

pub(super) fn decode(bytes: &[u8]) -> Result<Stored, String> {
    let headers = Headers::read(bytes);
    let frame = headers.frame.as_ref().ok_or_else(|| too_damaged(Kind::Jpeg))?;
    frame.check()?;
    let is_gray = frame.components.len() == 1;
    let (width, height) = frame.size_px;
    let orientation = headers.exif.as_ref().and_then(|exif| exif.orientation()).and_then(Orientation::from_exif);
    let channels = if is_gray { 1 } else { 3 };
    Need {
        size_px: (width, height),
        bytes_per_pixel: channels,
        // The coefficients of a progressive picture are all kept, in sixteen bits.
        working_bytes_per_pixel: if frame.is_progressive { frame.samples_per_pixel() * 2 } else { 0 },
        is_turned: orientation.is_some_and(|orientation| orientation != Orientation::NoTransforms),
        is_plain: !is_gray,
    }
    .check()?;
    let mut samples = zeros::<u8>((u64::from(width) * u64::from(height) * channels) as usize)?;
    let icc_profile;
    let mut damage = None;
    match decode_into(bytes, is_gray, true, &mut samples) {
        Ok(profile) => icc_profile = profile,
        Err(_) => {
            // What is not as it should be is passed over: a part of the picture is better than none.
            samples.fill(0);
            icc_profile = decode_into(bytes, is_gray, false, &mut samples).unwrap_or_default();
            if is_blank(&samples) {
                return Err(frame.unsupported_sampling().unwrap_or_else(|| too_damaged(Kind::Jpeg)));
            }
            let has_end = bytes.windows(2).rev().take(1 << 16).any(|marker| marker == [0xff, 0xd9]);
            damage = Some(if has_end { HOLDS_ERRORS } else { ENDS_TOO_EARLY }.to_owned());
        }
    }
    let image = if is_gray {
        GrayImage::from_raw(width, height, samples).map(DynamicImage::ImageLuma8)
    } else {
        RgbImage::from_raw(width, height, samples).map(DynamicImage::ImageRgb8)
    };
    let mut stored = Stored {
        image: image.ok_or_else(|| too_damaged(Kind::Jpeg))?,
        orientation,
        jpeg: headers.encoding(),
        damage,
        ..Stored::default()
    };
    stored.colours.icc_profile = icc_profile.filter(|_| frame.components.len() != 4);
    stored.colours.is_adobe_rgb = headers.exif.as_ref().is_some_and(Exif::is_adobe_rgb);
    let of_exif = headers.exif.as_ref().and_then(Exif::dots_per_inch);
    stored.metadata.dots_per_inch = headers.dots_per_inch.or(of_exif);
    stored.metadata.exif = headers.exif;
    stored.metadata.xmp = headers.xmp;
    stored.metadata.iptc = headers.iptc;
    Ok(stored)
}

pub(super) fn size_px(bytes: &[u8]) -> Option<(u32, u32)> {
    Some(Headers::read(bytes).frame?.size_px)
}

/// Refuses a JPEG within another file of a kind that the decoder does not know, by its name.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    Headers::read(bytes).frame.map_or(Ok(()), |frame| frame.check())
}

/// The ICC profile, once the samples are decoded.
fn decode_into(bytes: &[u8], is_gray: bool, is_strict: bool, samples: &mut [u8]) -> Result<Option<Vec<u8>>, String> {
    let options = DecoderOptions::default()
        .set_strict_mode(is_strict)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(if is_gray { ColorSpace::Luma } else { ColorSpace::RGB });
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|err| err.to_string())?;
    if decoder.output_buffer_size() != Some(samples.len()) {
        return Err("of another size".to_owned());
    }
    decoder.decode_into(samples).map_err(|err| err.to_string())?;
    Ok(decoder.icc_profile())
}

/// What stands before the pixels.
#[derive(Default)]
struct Headers {
    frame: Option<FrameHeader>,
    /// In zigzag order.
    tables: [Option<[u16; 64]>; 4],
    exif: Option<Exif>,
    xmp: Option<Vec<u8>>,
    iptc: Option<Vec<u8>>,
    dots_per_inch: Option<[f32; 2]>,
}

struct FrameHeader {
    marker: u8,
    precision: u8,
    size_px: (u32, u32),
    components: Vec<Component>,
    is_progressive: bool,
}

struct Component {
    sampling: (u8, u8),
    table: usize,
}

impl Headers {
    fn read(bytes: &[u8]) -> Self {
        let mut headers = Self::default();
        let mut at = 2;
        while let Some((marker, data, next)) = segment(bytes, at) {
            at = next;
            match marker {
                0xc4 | 0xc8 | 0xcc => {}
                0xc0..=0xcf => headers.frame = headers.frame.or_else(|| FrameHeader::read(marker, data)),
                0xdb => headers.read_tables(data),
                0xda => break,
                0xe0 => {
                    if let [b'J', b'F', b'I', b'F', 0, _, _, unit @ 1..=2, x_high, x_low, y_high, y_low, ..] = data {
                        let inch = if *unit == 1 { 1.0 } else { 2.54 };
                        let density = [[*x_high, *x_low], [*y_high, *y_low]];
                        let density = density.map(|bytes| f32::from(u16::from_be_bytes(bytes)) * inch);
                        headers.dots_per_inch = Some(density).filter(|density| density.iter().all(|dots| *dots > 0.0));
                    }
                }
                0xe1 => {
                    if data.starts_with(b"Exif\0\0") {
                        headers.exif = headers.exif.or_else(|| Exif::new(data));
                    } else if let Some(xmp) = data.strip_prefix(b"http://ns.adobe.com/xap/1.0/\0") {
                        headers.xmp = Some(xmp.to_vec());
                    }
                }
                0xed => {
                    if let Some(resources) = data.strip_prefix(b"Photoshop 3.0\0") {
                        headers.iptc = headers.iptc.or_else(|| iptc_of_photoshop(resources));
                    }
                }
                _ => {}
            }
        }
        headers
    }

    fn read_tables(&mut self, mut data: &[u8]) {
        while let [kind, rest @ ..] = data {
            let (is_wide, number) = (kind >> 4 != 0, usize::from(kind & 15));
            let len = if is_wide { 128 } else { 64 };
            let (Some(values), Some(table)) = (rest.get(..len), self.tables.get_mut(number)) else { return };
            let value = |i: usize| {
                if is_wide { u16::from_be_bytes([values[2 * i], values[2 * i + 1]]) } else { u16::from(values[i]) }
            };
            *table = Some(std::array::from_fn(value));
            data = rest.get(len..).unwrap_or_default();
        }
    }

    fn encoding(&self) -> Option<JpegEncoding> {
        let components = &self.frame.as_ref()?.components;
        let table = |component: usize| self.tables.get(components.get(component)?.table).copied().flatten();
        let luma = table(0)?;
        let chroma = table(1).unwrap_or(luma);
        let horizontal_and_vertical = |component: &Component| component.sampling;
        let first = components.first().map(horizontal_and_vertical)?;
        let second = components.get(1).map_or((1, 1), horizontal_and_vertical);
        let ratio = |of: u8, to: u8| (of / to.max(1)).max(1);
        let sampling = (ratio(first.0, second.0), ratio(first.1, second.1));
        Some(JpegEncoding::new(luma, chroma, sampling))
    }
}

/// The marker, its data and where the next segment begins.
fn segment(bytes: &[u8], mut at: usize) -> Option<(u8, &[u8], usize)> {
    loop {
        // What stands between segments and after fill bytes is passed over.
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
        at += bytes.get(at..)?.iter().position(|byte| *byte != 0xff)?;
        let marker = *bytes.get(at)?;
        at += 1;
        match marker {
            0 | 0x01 | 0xd0..=0xd8 => {}
            0xd9 => return None,
            _ => {
                let len = usize::from(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
                let end = (at + len.max(2)).min(bytes.len());
                return Some((marker, bytes.get(at + 2..end).unwrap_or_default(), end));
            }
        }
    }
}

impl FrameHeader {
    fn read(marker: u8, data: &[u8]) -> Option<Self> {
        let [precision, height_high, height_low, width_high, width_low, count, components @ ..] = data else {
            return None;
        };
        let components = components.chunks_exact(3).take(usize::from(*count)).map(|component| Component {
            sampling: (component[1] >> 4, component[1] & 15),
            table: usize::from(component[2]),
        });
        let size_px = (u16::from_be_bytes([*width_high, *width_low]), u16::from_be_bytes([*height_high, *height_low]));
        Some(Self {
            marker,
            precision: *precision,
            size_px: (size_px.0.into(), size_px.1.into()),
            components: components.collect(),
            is_progressive: marker == 0xc2,
        })
    }

    /// Refuses what the decoder does not know, by its name.
    fn check(&self) -> Result<(), String> {
        let kind = match self.marker {
            0xc3 => "a JPEG without loss",
            0xc5..=0xc7 => "a hierarchical JPEG",
            0xc9..=0xcf => "a JPEG with arithmetic coding",
            _ if self.precision == 12 => "a JPEG of 12 bits",
            _ => return Ok(()),
        };
        Err(format!(
            "it is {kind}, which hardly any program opens: save it as an ordinary JPEG or as PNG with the program that made it"
        ))
    }

    fn samples_per_pixel(&self) -> u64 {
        let area = |component: &Component| u64::from(component.sampling.0) * u64::from(component.sampling.1);
        let most = self.components.iter().map(area).max().unwrap_or(1).max(1);
        self.components.iter().map(area).sum::<u64>().div_ceil(most).max(1)
    }

    fn unsupported_sampling(&self) -> Option<String> {
        let (horizontal, vertical) = self.components.first()?.sampling;
        let is_usual = [horizontal, vertical].iter().all(|factor| matches!(factor, 1 | 2 | 4));
        let are_others = self.components.iter().skip(1).any(|component| component.sampling != (1, 1));
        (!is_usual || are_others).then(|| {
            "it is a JPEG whose colours are stored at a size that hardly any program opens: save it as an ordinary JPEG or \
             as PNG with the program that made it"
                .to_owned()
        })
    }
}
