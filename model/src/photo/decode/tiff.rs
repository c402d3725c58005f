//! TIFF: the first picture, whatever its colours, numbers and compression.

use std::io::Cursor;

use image::DynamicImage;
use image::metadata::Orientation;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;
use tiff::{ColorType, TiffError};

use super::super::exif::Exif;
use super::super::metadata::iptc_of_photoshop;
use super::bounds::{Need, zeros};
use super::ycbcr::YCbCr;
use super::{ENDS_TOO_EARLY, HOLDS_ERRORS, IntoImage, Kind, Stored, jpeg, too_damaged};

const IMAGE_WIDTH: u16 = 256;
const IMAGE_LENGTH: u16 = 257;
const BITS_PER_SAMPLE: u16 = 258;
const COMPRESSION: u16 = 259;
const PHOTOMETRIC: u16 = 262;
const RGB: u16 = 2;
const PALETTE: u16 = 3;
const CIE_LAB: u16 = 8;
const ICC_LAB: u16 = 9;
const JPEG: u16 = 7;

pub(super) fn decode(bytes: &[u8]) -> Result<Stored, String> {
    let tags = Tags::new(bytes);
    let interpretation = tags.as_ref().and_then(|tags| tags.number(PHOTOMETRIC)).unwrap_or(RGB);
    // The decoder leaves palettes and Lab alone; their numbers are read as grays and as red, green and blue.
    let read_as = match interpretation {
        PALETTE => Some(1),
        CIE_LAB | ICC_LAB => Some(RGB),
        _ => None,
    };
    let patched = read_as.and_then(|value| tags.as_ref()?.with_number(PHOTOMETRIC, value));
    let bytes = patched.as_deref().unwrap_or(bytes);
    let damaged = || too_damaged(Kind::Tiff);
    let refused = |err: TiffError| match err {
        TiffError::UnsupportedError(_) => {
            let compression = tags.as_ref().and_then(|tags| tags.number(COMPRESSION)).unwrap_or(1);
            format!(
                "it is a TIFF of a kind that this program does not open ({}): save it as PNG, or as TIFF with LZW \
                 compression, with the program that made it",
                named(compression, interpretation)
            )
        }
        _ => damaged(),
    };
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(refused)?.with_limits(limits_of_tags(bytes));
    let size_px = decoder.dimensions().map_err(refused)?;
    let color = decoder.colortype().map_err(refused)?;
    let layout = decoder.image_buffer_layout().map_err(refused)?;
    let pixels = (u64::from(size_px.0) * u64::from(size_px.1)).max(1);
    let orientation = decoder.find_tag_unsigned::<u8>(Tag::Orientation).ok().flatten().and_then(Orientation::from_exif);
    let bytes_per_pixel = (layout.complete_len as u64).div_ceil(pixels);
    Need {
        size_px,
        bytes_per_pixel,
        working_bytes_per_pixel: bytes_per_pixel.max(6),
        is_turned: orientation.is_some_and(|orientation| orientation != Orientation::NoTransforms),
        is_plain: false,
    }
    .check()?;
    let mut stored = Stored { orientation, ..Stored::default() };
    let raw = |decoder: &mut Decoder<Cursor<&[u8]>>, tag: u16| {
        decoder.find_tag(Tag::from_u16_exhaustive(tag)).ok().flatten().and_then(|value| value.into_u8_vec().ok())
    };
    stored.colours.icc_profile = raw(&mut decoder, 34_675);
    stored.metadata.xmp = raw(&mut decoder, 700);
    stored.metadata.iptc = raw(&mut decoder, 33_723);
    let resources = raw(&mut decoder, 34_377);
    let file = Exif::new(bytes);
    let iptc = stored.metadata.iptc.take().or_else(|| file.as_ref()?.iptc());
    stored.metadata.iptc = iptc.or_else(|| iptc_of_photoshop(&resources?));
    stored.metadata.dots_per_inch = file.as_ref().and_then(Exif::dots_per_inch);
    stored.metadata.exif = file.as_ref().and_then(Exif::of_tiff);
    drop(file);
    let palette = match interpretation {
        PALETTE => decoder.find_tag_unsigned_vec::<u16>(Tag::ColorMap).ok().flatten(),
        _ => None,
    };
    let mut fractions = |tag: u16| {
        decoder.find_tag(Tag::from_u16_exhaustive(tag)).ok().flatten().and_then(|value| value.into_u32_vec().ok())
    };
    let ycbcr = YCbCr::of_tags(fractions(529).as_deref(), fractions(532).as_deref());
    let jpeg = if tags.as_ref().and_then(|tags| tags.number(COMPRESSION)) == Some(JPEG) {
        first_chunk(&mut decoder, bytes)
    } else {
        None
    };
    let mut samples = DecodingResult::U8(Vec::new());
    // Bounded above.
    let mut decoder = decoder.with_limits(limits_of_samples(bytes));
    if let Err(err) = decoder.read_image_to_buffer(&mut samples) {
        jpeg.map_or(Ok(()), jpeg::check)?;
        let is_short = matches!(err, TiffError::IoError(_) | TiffError::LimitsExceeded);
        // Of a file that was cut, what is there is read with nothing after it.
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len() + layout.complete_len, 0);
        let limits = limits_of_samples(&padded);
        if let Ok(padded) = Decoder::new(Cursor::new(padded.as_slice())) {
            let _ = padded.with_limits(limits).read_image_to_buffer(&mut samples);
        }
        if samples.as_buffer(0).as_bytes().iter().all(|byte| *byte == 0) {
            return Err(refused(err));
        }
        stored.damage = Some(if is_short { ENDS_TOO_EARLY } else { HOLDS_ERRORS }.to_owned());
    }
    let planes = layout.planes.max(1);
    let bits = tags.as_ref().and_then(|tags| tags.number(BITS_PER_SAMPLE)).unwrap_or(8);
    let is_lab = matches!(interpretation, CIE_LAB | ICC_LAB);
    if is_lab {
        // The profile, if there is one, is that of Lab.
        stored.colours.icc_profile = None;
    }
    let picture = Picture { size_px, color, planes, bits, ycbcr };
    stored.image = match palette {
        Some(palette) => picture.of_palette(samples, &palette),
        None if is_lab => picture.of_lab(samples, interpretation == CIE_LAB),
        None => picture.of_samples(samples),
    }
    .ok_or_else(|| refused(TiffError::UnsupportedError(tiff::TiffUnsupportedError::UnknownInterpretation)))?;
    Ok(stored)
}

pub(super) fn size_px(bytes: &[u8]) -> Option<(u32, u32)> {
    let of_tags = || {
        let tags = Tags::new(bytes)?;
        Some((tags.long(IMAGE_WIDTH)?, tags.long(IMAGE_LENGTH)?))
    };
    of_tags().or_else(|| Decoder::new(Cursor::new(bytes)).ok()?.dimensions().ok())
}

/// The first strip or tile as it is stored.
fn first_chunk<'a>(decoder: &mut Decoder<Cursor<&[u8]>>, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let mut offsets = |tag| decoder.find_tag_unsigned_vec::<u64>(tag).ok().flatten();
    let offsets = offsets(Tag::StripOffsets).or_else(|| offsets(Tag::TileOffsets))?;
    bytes.get(usize::try_from(*offsets.first()?).ok()?..)
}

/// No tag has more values than the file has bytes, whatever it says; and no profile is so large.
fn limits_of_tags(bytes: &[u8]) -> Limits {
    const MAX_VALUES: usize = 4 << 20;
    /// Of a value as the decoder keeps it.
    const BYTES_PER_VALUE: usize = 32;
    let mut limits = limits_of_samples(bytes);
    limits.decoding_buffer_size = bytes.len().min(MAX_VALUES) * BYTES_PER_VALUE;
    limits
}

/// No strip or tile has more bytes than the file, once it is padded.
fn limits_of_samples(bytes: &[u8]) -> Limits {
    let mut limits = Limits::unlimited();
    limits.intermediate_buffer_size = bytes.len();
    limits
}

/// What is unusual about it, for whoever has to save it otherwise.
fn named(compression: u16, interpretation: u16) -> String {
    let compression = match compression {
        1 | 5 | 7 | 8 | 32_773 | 32_946 | 50_001 => None,
        6 => Some("JPEG compression of the old kind".to_owned()),
        34_712 => Some("JPEG 2000 compression".to_owned()),
        34_925 => Some("LZMA compression".to_owned()),
        50_000 => Some("Zstandard compression".to_owned()),
        50_002 | 52_546 => Some("JPEG XL compression".to_owned()),
        other => Some(format!("compression {other}")),
    };
    compression.unwrap_or_else(|| match interpretation {
        4 => "a transparency mask".to_owned(),
        6 => "colours that are stored at half the size, without JPEG compression".to_owned(),
        10 => "ITU Lab colours".to_owned(),
        32_803 => "a raw photo of a camera".to_owned(),
        other => format!("colours of kind {other}"),
    })
}

/// The first directory of a file as far as it is needed here: numbers that stand in their entries.
struct Tags<'a> {
    bytes: &'a [u8],
    is_little_endian: bool,
    first_entry: usize,
    count: usize,
}

impl<'a> Tags<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        // Of the larger kind of TIFF, whose directories are others, nothing is read here.
        if !matches!(bytes, [b'I', b'I', 0x2a, 0, ..] | [b'M', b'M', 0, 0x2a, ..]) {
            return None;
        }
        let is_little_endian = bytes.starts_with(b"II");
        let long =
            |bytes: [u8; 4]| if is_little_endian { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
        let start = long(bytes.get(4..8)?.try_into().ok()?) as usize;
        let tags = Self { bytes, is_little_endian, first_entry: start.checked_add(2)?, count: 0 };
        let count = usize::from(tags.short(start)?);
        Some(Self { count, ..tags })
    }

    fn short(&self, at: usize) -> Option<u16> {
        let bytes = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.is_little_endian { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    }

    fn entry(&self, tag: u16) -> Option<usize> {
        (0..self.count).map(|i| self.first_entry + 12 * i).find(|at| self.short(*at) == Some(tag))
    }

    /// Of several the first, where they stand in the entry.
    fn number(&self, tag: u16) -> Option<u16> {
        let at = self.entry(tag)?;
        let count = self.short(at + if self.is_little_endian { 4 } else { 6 })?;
        if count > 2 {
            let high = if self.is_little_endian { 0 } else { 2 };
            let offset = usize::from(self.short(at + 8 + high)?) | usize::from(self.short(at + 10 - high)?) << 16;
            return self.short(offset);
        }
        self.short(at + 8)
    }

    /// One number of two or four bytes.
    fn long(&self, tag: u16) -> Option<u32> {
        const SHORT: u16 = 3;
        let at = self.entry(tag)?;
        let [first, second] = [self.short(at + 8)?, self.short(at + 10)?].map(u32::from);
        Some(match self.short(at + 2)? {
            SHORT => first,
            _ if self.is_little_endian => first | second << 16,
            _ => first << 16 | second,
        })
    }

    fn with_number(&self, tag: u16, value: u16) -> Option<Vec<u8>> {
        let at = self.entry(tag)? + 8;
        let mut bytes = self.bytes.to_vec();
        let value = if self.is_little_endian { value.to_le_bytes() } else { value.to_be_bytes() };
        bytes.get_mut(at..at + 2)?.copy_from_slice(&value);
        Some(bytes)
    }
}

struct Picture {
    size_px: (u32, u32),
    color: ColorType,
    planes: usize,
    bits: u16,
    ycbcr: YCbCr,
}

/// Samples of either size.
enum Samples {
    Narrow(Vec<u8>),
    Wide(Vec<u16>),
}

impl Picture {
    fn pixels(&self) -> usize {
        self.size_px.0 as usize * self.size_px.1 as usize
    }

    fn of_samples(&self, samples: DecodingResult) -> Option<DynamicImage> {
        let samples = self.normalised(samples)?;
        let channels = match self.color {
            ColorType::Multiband { num_samples, .. } => usize::from(num_samples),
            ColorType::Gray(_) => 1,
            ColorType::GrayA(_) => 2,
            ColorType::RGB(_) | ColorType::YCbCr(_) => 3,
            ColorType::RGBA(_) | ColorType::CMYK(_) => 4,
            ColorType::CMYKA(_) => 5,
            _ => return None,
        };
        let samples = match samples {
            Samples::Narrow(values) => Samples::Narrow(interleaved(values, self.planes, self.pixels())?),
            Samples::Wide(values) => Samples::Wide(interleaved(values, self.planes, self.pixels())?),
        };
        let is_cmyk = matches!(self.color, ColorType::CMYK(_) | ColorType::CMYKA(_));
        // Of more samples than are known, the first are the picture: gray, with alpha, or colours.
        let kept = match channels {
            _ if is_cmyk => channels,
            1..=4 => channels,
            _ => 3,
        };
        match samples {
            Samples::Narrow(values) if is_cmyk => {
                let values = values.chunks_exact(channels).flat_map(|ink| {
                    let (cyan, magenta, yellow, black) = (ink[0], ink[1], ink[2], ink[3]);
                    [cyan, magenta, yellow].map(|ink| ((255 - u32::from(ink)) * (255 - u32::from(black)) / 255) as u8)
                });
                buffer(self.size_px, 3, values.collect())
            }
            Samples::Wide(values) if is_cmyk => {
                let values = values.chunks_exact(channels).flat_map(|ink| {
                    let black = 65_535 - u64::from(ink[3]);
                    [ink[0], ink[1], ink[2]].map(|ink| ((65_535 - u64::from(ink)) * black / 65_535) as u16)
                });
                buffer(self.size_px, 3, values.collect())
            }
            Samples::Narrow(mut values) if matches!(self.color, ColorType::YCbCr(_)) => {
                for codes in values.as_chunks_mut::<3>().0 {
                    *codes = self.ycbcr.to_rgb(codes.map(f32::from)).map(|value| value.round() as u8);
                }
                buffer(self.size_px, 3, values)
            }
            Samples::Wide(mut values) if matches!(self.color, ColorType::YCbCr(_)) => {
                const WIDENED: f32 = 257.0;
                for codes in values.as_chunks_mut::<3>().0 {
                    let colour = self.ycbcr.to_rgb(codes.map(|code| f32::from(code) / WIDENED));
                    *codes = colour.map(|value| (value * WIDENED).round() as u16);
                }
                buffer(self.size_px, 3, values)
            }
            Samples::Narrow(values) => buffer(self.size_px, kept, only(values, channels, kept)),
            Samples::Wide(values) => buffer(self.size_px, kept, only(values, channels, kept)),
        }
    }

    /// All numbers as 8 or 16 bits.
    fn normalised(&self, samples: DecodingResult) -> Option<Samples> {
        let unit = |value: f32| (value.clamp(0.0, 1.0) * 65_535.0).round() as u16;
        Some(match samples {
            DecodingResult::U8(values) if self.bits < 8 => Samples::Narrow(self.unpacked(&values, true)),
            DecodingResult::U8(values) => Samples::Narrow(values),
            DecodingResult::U16(values) => {
                // Ten, twelve or fourteen bits.
                let most = (1u32 << self.bits.clamp(1, 16)) - 1;
                let widened = |value: u16| (u32::from(value).min(most) * 65_535 / most) as u16;
                Samples::Wide(if most == 65_535 { values } else { values.into_iter().map(widened).collect() })
            }
            DecodingResult::U32(values) => {
                Samples::Wide(values.into_iter().map(|value| (value >> 16) as u16).collect())
            }
            DecodingResult::U64(values) => {
                Samples::Wide(values.into_iter().map(|value| (value >> 48) as u16).collect())
            }
            DecodingResult::F16(values) => {
                Samples::Wide(values.into_iter().map(|value| unit(value.to_f32())).collect())
            }
            DecodingResult::F32(values) => Samples::Wide(values.into_iter().map(unit).collect()),
            DecodingResult::F64(values) => Samples::Wide(values.into_iter().map(|value| unit(value as f32)).collect()),
            DecodingResult::I8(values) => {
                Samples::Narrow(values.into_iter().map(|value| (i16::from(value) + 128) as u8).collect())
            }
            DecodingResult::I16(values) => {
                Samples::Wide(values.into_iter().map(|value| (i32::from(value) + 32_768) as u16).collect())
            }
            _ => return None,
        })
    }

    /// One sample to a byte; rows begin with a byte of their own.
    fn unpacked(&self, values: &[u8], is_scaled: bool) -> Vec<u8> {
        let bits = usize::from(self.bits.clamp(1, 8));
        let (width, height) = (self.size_px.0 as usize, self.size_px.1 as usize);
        let per_pixel = self.color.num_samples().max(1) as usize / self.planes.max(1);
        let row_samples = width * per_pixel.max(1);
        let row_len = (row_samples * bits).div_ceil(8).max(1);
        if values.len() >= row_samples * height * self.planes && bits != 8 {
            // The decoder unpacked them already.
            return values.to_vec();
        }
        let most = (1u32 << bits) - 1;
        let mut samples = Vec::with_capacity(row_samples * height);
        for row in values.chunks(row_len) {
            for i in 0..row_samples {
                let value = (0..bits).fold(0u32, |value, bit| {
                    let at = i * bits + bit;
                    let byte = row.get(at / 8).copied().unwrap_or(0);
                    value << 1 | u32::from(byte >> (7 - at % 8) & 1)
                });
                samples.push(if is_scaled { (value * 255 / most) as u8 } else { value as u8 });
            }
        }
        samples
    }

    fn of_palette(&self, samples: DecodingResult, palette: &[u16]) -> Option<DynamicImage> {
        let DecodingResult::U8(values) = samples else { return None };
        let values = if self.bits < 8 { self.unpacked(&values, false) } else { values };
        let count = palette.len() / 3;
        // Some programs write a palette of eight bits.
        let is_narrow = palette.iter().all(|value| *value < 256);
        let colour = |index: u8| {
            [0, 1, 2].map(|channel| {
                let value = palette.get(channel * count + usize::from(index).min(count.saturating_sub(1)));
                let value = value.copied().unwrap_or(0);
                if is_narrow { value as u8 } else { (value >> 8) as u8 }
            })
        };
        buffer(self.size_px, 3, values.into_iter().flat_map(colour).collect())
    }

    /// CIE Lab under D50 to sRGB. `is_signed`: a and b of the older kind.
    fn of_lab(&self, samples: DecodingResult, is_signed: bool) -> Option<DynamicImage> {
        let samples = match samples {
            DecodingResult::U8(values) => Samples::Narrow(interleaved(values, self.planes, self.pixels())?),
            DecodingResult::U16(values) => Samples::Wide(interleaved(values, self.planes, self.pixels())?),
            _ => return None,
        };
        let to_srgb = |l: f32, a: f32, b: f32| srgb_of_lab([l * 100.0, a, b]);
        Some(match samples {
            Samples::Narrow(values) => {
                let chroma = |value: u8| if is_signed { f32::from(value as i8) } else { f32::from(value) - 128.0 };
                let colours = values.chunks_exact(3).flat_map(|lab| {
                    to_srgb(f32::from(lab[0]) / 255.0, chroma(lab[1]), chroma(lab[2]))
                        .map(|value| (value * 255.0).round() as u8)
                });
                buffer(self.size_px, 3, colours.collect())?
            }
            Samples::Wide(values) => {
                let chroma = |value: u16| {
                    if is_signed { f32::from(value as i16) / 256.0 } else { f32::from(value) / 256.0 - 128.0 }
                };
                let colours = values.chunks_exact(3).flat_map(|lab| {
                    to_srgb(f32::from(lab[0]) / 65_535.0, chroma(lab[1]), chroma(lab[2]))
                        .map(|value| (value * 65_535.0).round() as u16)
                });
                buffer(self.size_px, 3, colours.collect())?
            }
        })
    }
}

/// CIE Lab under D50 (CIE 15) to sRGB.
fn srgb_of_lab([l, a, b]: [f32; 3]) -> [f32; 3] {
    const D50: [f32; 3] = [0.9642, 1.0, 0.8251];
    // To the primaries of sRGB, adapted by Bradford (ICC.1 and IEC 61966-2-1).
    const MATRIX: [[f32; 3]; 3] =
        [[3.133_856, -1.616_867, -0.490_615], [-0.978_768, 1.916_142, 0.033_454], [0.071_945, -0.228_991, 1.405_243]];
    let y = (l + 16.0) / 116.0;
    let shares = [y + a / 500.0, y, y - b / 200.0];
    let value = |share: f32| if share > 6.0 / 29.0 { share.powi(3) } else { (share - 4.0 / 29.0) * 108.0 / 841.0 };
    let xyz: [f32; 3] = std::array::from_fn(|i| D50[i] * value(shares[i]));
    MATRIX.map(|row| {
        let linear: f32 = row.iter().zip(xyz).map(|(weight, value)| weight * value).sum();
        let linear = linear.clamp(0.0, 1.0);
        if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 }
    })
}

/// Planes one after the other to pixels one after the other.
fn interleaved<T: Copy + Default>(values: Vec<T>, planes: usize, pixels: usize) -> Option<Vec<T>> {
    if planes <= 1 {
        return Some(values);
    }
    let mut out = zeros::<T>(pixels * planes).ok()?;
    for (plane, values) in values.chunks(pixels.max(1)).take(planes).enumerate() {
        for (to, value) in out.iter_mut().skip(plane).step_by(planes).zip(values) {
            *to = *value;
        }
    }
    Some(out)
}

/// The first samples of each pixel.
fn only<T: Copy>(values: Vec<T>, channels: usize, kept: usize) -> Vec<T> {
    if channels == kept {
        return values;
    }
    values.chunks_exact(channels).flat_map(|pixel| pixel.iter().copied().take(kept)).collect()
}

/// A picture of so many channels.
fn buffer<T: IntoImage>(size_px: (u32, u32), channels: usize, mut values: Vec<T>) -> Option<DynamicImage> {
    values.truncate(size_px.0 as usize * size_px.1 as usize * channels);
    T::image(size_px, channels, values)
}
