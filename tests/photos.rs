//! Photos as people have them, in and out: a table of odd files, each with what is expected of it, made here from one portrait.

#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, missing_docs)]

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use image::codecs::gif::GifEncoder;
use image::{ColorType, DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, RgbaImage};
use moxcms::{ColorProfile, Layout, TransformOptions};
use stylebrush_app::export::{self, FileOptions, Format, MetadataChoice};
use stylebrush_app::original::Original;
use stylemap::engine::{Engine, FaceId, Scene};
use stylemap::photo::exif::{Exif, ExifChanges};
use stylemap::photo::{self, ColourAxis, DecodedPhoto, Kind};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A face of 256 px.
fn portrait() -> RgbImage {
    static PORTRAIT: OnceLock<RgbImage> = OnceLock::new();
    PORTRAIT.get_or_init(|| photo::load(repository("tests/fixtures/portraits/female_053.png")).unwrap()).clone()
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn png_of(picture: &RgbImage) -> Vec<u8> {
    encoded(&DynamicImage::ImageRgb8(picture.clone()), ImageFormat::Png)
}

fn jpeg_of(picture: &RgbImage, sampling: jpeg_encoder::SamplingFactor, quality: u8, is_progressive: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(sampling);
    encoder.set_progressive(is_progressive);
    let (width, height) = (picture.width() as u16, picture.height() as u16);
    encoder.encode(picture.as_raw(), width, height, jpeg_encoder::ColorType::Rgb).unwrap();
    bytes
}

fn jpeg() -> Vec<u8> {
    jpeg_of(&portrait(), jpeg_encoder::SamplingFactor::F_2_2, 92, false)
}

fn open(bytes: &[u8]) -> Result<DecodedPhoto, String> {
    photo::open_bytes(bytes, Path::new("photo")).map_err(|err| err.to_string())
}

/// Mean and largest difference, in levels.
fn difference(a: &RgbImage, b: &RgbImage) -> (f64, u8) {
    assert_eq!(a.dimensions(), b.dimensions());
    let differences = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| a.abs_diff(*b));
    let (sum, most) = differences.fold((0u64, 0), |(sum, most), value| (sum + u64::from(value), most.max(value)));
    (sum as f64 / a.as_raw().len() as f64, most)
}

/// What is expected of a file.
enum Expected {
    /// The portrait, on average as near as this, in levels.
    Portrait(f64),
    /// The portrait as a gray picture.
    Gray(f64),
    /// A picture, and a word about its damage.
    Damaged(&'static str),
    /// Any picture.
    Picture,
    /// A sentence with this in it.
    Refused(&'static str),
}

use Expected::{Damaged, Gray, Picture, Portrait, Refused};

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [name.as_slice(), data].concat();
    [&(data.len() as u32).to_be_bytes(), named.as_slice(), &crc(&named).to_be_bytes()].concat()
}

/// A PNG with a chunk after its header.
fn with_chunk(mut png: Vec<u8>, name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    png.splice(33..33, chunk(name, data));
    png
}

fn without_chunk(png: &[u8], name: &[u8; 4]) -> Vec<u8> {
    let mut out = png[..8].to_vec();
    let mut rest = &png[8..];
    while rest.len() >= 12 {
        let len = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize + 12;
        if &rest[4..8] != name {
            out.extend(&rest[..len]);
        }
        rest = &rest[len..];
    }
    out
}

/// As Apple's programs write for telephones: blue first, and without the compression's header and checksum.
fn cgbi() -> Vec<u8> {
    let mut blue_first = portrait();
    blue_first.pixels_mut().for_each(|pixel| pixel.0.reverse());
    let png = png_of(&blue_first);
    let mut out = png[..8].to_vec();
    out.extend(chunk(b"CgBI", &[0x50, 0, 0x20, 6]));
    let (mut rest, mut data): (&[u8], Vec<u8>) = (&png[8..], Vec::new());
    let mut others: Vec<u8> = Vec::new();
    while rest.len() >= 12 {
        let len = u32::from_be_bytes(rest[..4].try_into().unwrap()) as usize;
        match &rest[4..8] {
            b"IDAT" => data.extend(&rest[8..8 + len]),
            b"IEND" => {}
            _ => others.extend(&rest[..len + 12]),
        }
        rest = &rest[len + 12..];
    }
    out.extend(others);
    out.extend(chunk(b"IDAT", &data[2..data.len() - 4]));
    out.extend(chunk(b"IEND", &[]));
    out
}

/// An uncompressed TIFF of one strip.
struct TiffFile<'a> {
    photometric: u16,
    bits: u16,
    channels: u16,
    format: u16,
    is_planar: bool,
    samples: &'a [u8],
    palette: &'a [u16],
    compression: u16,
    orientation: u16,
}

impl Default for TiffFile<'_> {
    fn default() -> Self {
        Self {
            photometric: 2,
            bits: 8,
            channels: 3,
            format: 1,
            is_planar: false,
            samples: &[],
            palette: &[],
            compression: 1,
            orientation: 1,
        }
    }
}

impl TiffFile<'_> {
    fn bytes(&self) -> Vec<u8> {
        let (width, height) = portrait().dimensions();
        let planes = if self.is_planar { u32::from(self.channels) } else { 1 };
        let has_alpha = self.channels == 4 && self.photometric == 2;
        // The directory first, so that a file that is cut has it.
        let count = 12 + usize::from(!self.palette.is_empty()) + usize::from(has_alpha);
        let start = 8 + 2 + 12 * count as u32 + 4;
        let mut data: Vec<u8> = Vec::new();
        // What does not fit into an entry: where it stands.
        fn put(data: &mut Vec<u8>, start: u32, bytes: &[u8]) -> u32 {
            let at = start + data.len() as u32;
            data.extend(bytes);
            data.resize(data.len().next_multiple_of(2), 0);
            at
        }
        let shorts = |values: &[u16]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        let longs = |values: &[u32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
        let plane_len = self.samples.len() as u32 / planes;
        let per_channel = |value: u16, data: &mut Vec<u8>| match self.channels {
            1 => u32::from(value),
            2 => u32::from(value) | u32::from(value) << 16,
            channels => put(data, start, &shorts(&vec![value; usize::from(channels)])),
        };
        let (bits, format) = (per_channel(self.bits, &mut data), per_channel(self.format, &mut data));
        let palette = if self.palette.is_empty() { 0 } else { put(&mut data, start, &shorts(self.palette)) };
        let lens =
            if planes > 1 { put(&mut data, start, &longs(&vec![plane_len; planes as usize])) } else { plane_len };
        let strips = if planes > 1 {
            let first = start + data.len() as u32 + 4 * planes;
            let starts: Vec<u32> = (0..planes).map(|plane| first + plane * plane_len).collect();
            put(&mut data, start, &longs(&starts))
        } else {
            start + data.len() as u32
        };
        let mut entries: Vec<(u16, u16, u32, u32)> = vec![
            (256, 4, 1, width),
            (257, 4, 1, height),
            (258, 3, self.channels.into(), bits),
            (259, 3, 1, self.compression.into()),
            (262, 3, 1, self.photometric.into()),
            (273, 4, planes, strips),
            (274, 3, 1, self.orientation.into()),
            (277, 3, 1, self.channels.into()),
            (278, 4, 1, height),
            (279, 4, planes, lens),
            (284, 3, 1, if self.is_planar { 2 } else { 1 }),
        ];
        if !self.palette.is_empty() {
            entries.push((320, 3, self.palette.len() as u32, palette));
        }
        if has_alpha {
            entries.push((338, 3, 1, 2));
        }
        entries.push((339, 3, self.channels.into(), format));
        let mut bytes = b"II\x2a\0".to_vec();
        bytes.extend(8u32.to_le_bytes());
        assert_eq!(entries.len(), count);
        bytes.extend((entries.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend([0; 4]);
        bytes.extend(data);
        bytes.extend(self.samples);
        bytes
    }
}

fn gray_portrait() -> GrayImage {
    DynamicImage::ImageRgb8(portrait()).into_luma8()
}

/// Three bits of each colour and two of blue: 256 colours.
fn palette_picture() -> (Vec<u8>, Vec<u16>) {
    let index = |pixel: &Rgb<u8>| {
        let [red, green, blue] = pixel.0;
        red >> 5 << 5 | green >> 5 << 2 | blue >> 6
    };
    let wide = |value: usize, most: usize| (value * 65_535 / most) as u16;
    let reds = (0..256).map(|i| wide(i >> 5, 7));
    let greens = (0..256).map(|i| wide(i >> 2 & 7, 7));
    let blues = (0..256).map(|i| wide(i & 3, 3));
    (portrait().pixels().map(index).collect(), reds.chain(greens).chain(blues).collect())
}

/// CIE Lab of the portrait, by the definitions of sRGB and of Lab under D50.
fn lab_samples(is_signed: bool) -> Vec<u8> {
    let lab = |pixel: &Rgb<u8>| {
        let linear = pixel.0.map(|value| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        let rows = [[0.436_07, 0.385_15, 0.143_08], [0.222_49, 0.716_87, 0.060_61], [0.013_93, 0.097_10, 0.714_19]];
        let white = [0.9642, 1.0, 0.8251];
        let [x, y, z]: [f64; 3] = std::array::from_fn(|i| {
            let value: f64 = rows[i].iter().zip(linear).map(|(a, b)| a * b).sum::<f64>() / white[i];
            if value > 216.0 / 24389.0 { value.cbrt() } else { value * 841.0 / 108.0 + 4.0 / 29.0 }
        });
        let (l, a, b) = (116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z));
        let chroma = |value: f64| if is_signed { value.round() as i8 as u8 } else { (value + 128.0).round() as u8 };
        [(l * 2.55).round() as u8, chroma(a), chroma(b)]
    };
    portrait().pixels().flat_map(lab).collect()
}

fn bmp_cut() -> Vec<u8> {
    let bytes = encoded(&DynamicImage::ImageRgb8(portrait()), ImageFormat::Bmp);
    bytes[..bytes.len() * 2 / 3].to_vec()
}

fn gif() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut bytes, 1);
    encoder.encode_frame(image::Frame::new(DynamicImage::ImageRgb8(portrait()).into_rgba8())).unwrap();
    drop(encoder);
    bytes
}

/// A GIF that says it is so large, in 35 bytes.
fn gif_bomb(side: u16, frame_side: u16) -> Vec<u8> {
    let [low, high] = side.to_le_bytes();
    let [frame_low, frame_high] = frame_side.to_le_bytes();
    let mut bytes = b"GIF89a".to_vec();
    bytes.extend([low, high, low, high, 0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
    bytes.extend([0x2c, 0, 0, 0, 0, frame_low, frame_high, frame_low, frame_high, 0]);
    bytes.extend([2, 2, 0x4c, 1, 0, 0x3b]);
    bytes
}

fn png_bomb(width: u32, height: u32, depth: u8, color: u8) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, color, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend(chunk(b"IHDR", &header));
    // An empty stream.
    bytes.extend(chunk(b"IDAT", &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]));
    bytes.extend(chunk(b"IEND", &[]));
    bytes
}

/// A JPEG whose header says something else.
fn jpeg_with_frame(change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = jpeg();
    let at = bytes.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    change(&mut bytes[at..at + 19]);
    bytes
}

fn bmp_bomb() -> Vec<u8> {
    let mut bytes = encoded(&DynamicImage::ImageRgb8(RgbImage::new(2, 2)), ImageFormat::Bmp);
    bytes[18..26].copy_from_slice(&[0x30, 0x75, 0, 0, 0x30, 0x75, 0, 0]);
    bytes
}

fn heif(major: &[u8; 4], others: &[&[u8; 4]]) -> Vec<u8> {
    let brands: Vec<u8> = others.iter().flat_map(|brand| **brand).collect();
    [&(16 + brands.len() as u32).to_be_bytes(), b"ftyp".as_slice(), major, &[0; 4], &brands, &[0; 64]].concat()
}

fn see_through() -> RgbaImage {
    let mut picture = DynamicImage::ImageRgb8(portrait()).into_rgba8();
    for (x, _, pixel) in picture.enumerate_pixels_mut() {
        pixel.0[3] = if x < 40 { 0 } else { (x as u8).saturating_mul(3) };
    }
    picture
}

fn cases() -> Vec<(&'static str, Vec<u8>, Expected)> {
    use jpeg_encoder::SamplingFactor::{F_1_1, F_1_2, F_2_1, F_2_2, F_4_1};
    let rgb = || DynamicImage::ImageRgb8(portrait());
    let (jpeg, png) = (jpeg(), png_of(&portrait()));
    let progressive = jpeg_of(&portrait(), F_2_2, 92, true);
    let cut = |bytes: &[u8], percent: usize| bytes[..bytes.len() * percent / 100].to_vec();
    let mut bad_crc = png.clone();
    let at = bad_crc.windows(4).position(|name| name == b"IDAT").unwrap();
    let len = u32::from_be_bytes(bad_crc[at - 4..at].try_into().unwrap()) as usize;
    bad_crc[at + 4 + len] ^= 0x55;
    let mut broken_jpeg = jpeg.clone();
    let middle = broken_jpeg.len() / 2;
    broken_jpeg[middle..middle + 40].fill(0xff);
    let mut ringing = png.clone();
    let deep = ringing.len() / 2;
    ringing[deep..deep + 8].copy_from_slice(&[0x55; 8]);
    let (indices, palette) = palette_picture();
    let narrow: Vec<u16> = palette.iter().map(|value| value >> 8).collect();
    let gray = gray_portrait();
    let planar: Vec<u8> =
        (0..3).flat_map(|c| portrait().pixels().map(|pixel| pixel.0[c]).collect::<Vec<_>>()).collect();
    let wide: Vec<u8> = portrait().as_raw().iter().flat_map(|value| (u16::from(*value) * 257).to_le_bytes()).collect();
    let floats: Vec<u8> =
        portrait().as_raw().iter().flat_map(|value| (f32::from(*value) / 255.0).to_le_bytes()).collect();
    let one_bit: Vec<u8> = gray
        .as_raw()
        .chunks(8)
        .map(|pixels| pixels.iter().fold(0, |byte, value| byte << 1 | u8::from(*value > 127)))
        .collect();
    let inverted: Vec<u8> = gray.as_raw().iter().map(|value| 255 - value).collect();
    let cmyk: Vec<u8> = portrait()
        .pixels()
        .flat_map(|pixel| {
            let [red, green, blue] = pixel.0;
            [255 - red, 255 - green, 255 - blue, 0]
        })
        .collect();
    let four: Vec<u8> = DynamicImage::ImageRgb8(portrait()).into_rgba8().into_raw();
    let tiff = |file: TiffFile<'_>| file.bytes();
    let webp = encoded(&rgb(), ImageFormat::WebP);
    let mut cases = vec![
        // Ordinary ones.
        ("png", png.clone(), Portrait(0.0)),
        ("jpeg", jpeg.clone(), Portrait(3.0)),
        ("jpeg 4:4:4", jpeg_of(&portrait(), F_1_1, 95, false), Portrait(2.0)),
        ("jpeg 4:2:2", jpeg_of(&portrait(), F_2_1, 95, false), Portrait(3.0)),
        ("jpeg 4:4:0", jpeg_of(&portrait(), F_1_2, 95, false), Portrait(3.0)),
        ("jpeg 4:1:1", jpeg_of(&portrait(), F_4_1, 95, false), Portrait(3.0)),
        ("progressive jpeg", progressive.clone(), Portrait(3.0)),
        ("gray jpeg", encoded(&DynamicImage::ImageLuma8(gray.clone()), ImageFormat::Jpeg), Gray(3.0)),
        ("webp", webp.clone(), Portrait(0.0)),
        ("gif", gif(), Portrait(8.0)),
        ("bmp", encoded(&rgb(), ImageFormat::Bmp), Portrait(0.0)),
        ("tiff", encoded(&rgb(), ImageFormat::Tiff), Portrait(0.0)),
        ("gray png", encoded(&DynamicImage::ImageLuma8(gray.clone()), ImageFormat::Png), Gray(0.0)),
        ("16 bit png", encoded(&DynamicImage::ImageRgb16(rgb().into_rgb16()), ImageFormat::Png), Portrait(0.0)),
        ("16 bit gray png", encoded(&DynamicImage::ImageLuma16(rgb().into_luma16()), ImageFormat::Png), Gray(1.0)),
        ("transparent png", encoded(&DynamicImage::ImageRgba8(see_through()), ImageFormat::Png), Picture),
        ("transparent webp", encoded(&DynamicImage::ImageRgba8(see_through()), ImageFormat::WebP), Picture),
        // Bytes after the end are nobody's business.
        ("jpeg with a tail", [jpeg.as_slice(), &[7; 999]].concat(), Portrait(3.0)),
        ("png with a tail", [png.as_slice(), &[7; 999]].concat(), Portrait(0.0)),
        ("webp with a tail", [webp.as_slice(), &[0; 99]].concat(), Portrait(0.0)),
        // PNG.
        ("png with linear gamma", with_chunk(png.clone(), b"gAMA", &100_000u32.to_be_bytes()), Picture),
        ("png with the usual gamma", with_chunk(png.clone(), b"gAMA", &45_455u32.to_be_bytes()), Portrait(0.0)),
        ("png with no gamma", with_chunk(png.clone(), b"gAMA", &0u32.to_be_bytes()), Portrait(0.0)),
        ("png with impossible primaries", with_chunk(png.clone(), b"cHRM", &[0; 32]), Portrait(0.5)),
        ("png with an unknown part that matters", with_chunk(png.clone(), b"ABCD", b"?"), Damaged("errors")),
        ("png with an unknown part", with_chunk(png.clone(), b"abCd", b"?"), Portrait(0.0)),
        ("png with a broken profile", with_chunk(png.clone(), b"iCCP", b"x\0\0not compressed"), Portrait(0.0)),
        ("png for bright screens", with_chunk(png.clone(), b"cICP", &[9, 16, 0, 1]), Picture),
        ("png for broadcast", with_chunk(png.clone(), b"cICP", &[9, 18, 0, 1]), Picture),
        ("png that says it is sRGB", with_chunk(png.clone(), b"cICP", &[1, 13, 0, 1]), Portrait(0.0)),
        ("png with odd code points", with_chunk(png.clone(), b"cICP", &[200, 200, 0, 1]), Portrait(0.0)),
        ("png of Apple", cgbi(), Portrait(0.0)),
        // Damaged ones.
        ("png without end", without_chunk(&png, b"IEND"), Damaged("ends too early")),
        ("png with a wrong checksum", bad_crc, Damaged("errors")),
        ("png with wrong bytes", ringing, Damaged("errors")),
        ("png, half of it", cut(&png, 50), Damaged("ends too early")),
        ("png, a quarter of it", cut(&png, 25), Damaged("ends too early")),
        ("jpeg, half of it", cut(&jpeg, 50), Damaged("ends too early")),
        ("jpeg, nine tenths of it", cut(&jpeg, 90), Damaged("ends too early")),
        ("jpeg with wrong bytes", broken_jpeg, Damaged("errors")),
        ("progressive jpeg, half of it", cut(&progressive, 50), Damaged("ends too early")),
        ("gif, half of it", cut(&gif(), 50), Damaged("ends too early")),
        ("bmp, two thirds of it", bmp_cut(), Damaged("ends too early")),
        (
            "tiff, half of it",
            cut(&tiff(TiffFile { samples: portrait().as_raw(), ..TiffFile::default() }), 50),
            Damaged("ends too early"),
        ),
        ("the head of a jpeg", jpeg[..200].to_vec(), Refused("too damaged")),
        ("the head of a png", png[..40].to_vec(), Refused("too damaged")),
        ("the head of a webp", webp[..30].to_vec(), Refused("too damaged")),
        ("the head of a gif", gif()[..13].to_vec(), Refused("too damaged")),
        ("the head of a tiff", b"II\x2a\0\x08\0\0\0".to_vec(), Refused("too damaged")),
        ("the head of a bmp", encoded(&rgb(), ImageFormat::Bmp)[..30].to_vec(), Refused("too damaged")),
        // TIFF.
        (
            "palette tiff",
            tiff(TiffFile { photometric: 3, channels: 1, samples: &indices, palette: &palette, ..TiffFile::default() }),
            Portrait(20.0),
        ),
        (
            "palette tiff of 8 bits",
            tiff(TiffFile { photometric: 3, channels: 1, samples: &indices, palette: &narrow, ..TiffFile::default() }),
            Portrait(20.0),
        ),
        (
            "lab tiff",
            tiff(TiffFile { photometric: 8, samples: &lab_samples(true), ..TiffFile::default() }),
            Portrait(2.0),
        ),
        (
            "icc lab tiff",
            tiff(TiffFile { photometric: 9, samples: &lab_samples(false), ..TiffFile::default() }),
            Portrait(2.0),
        ),
        ("planar tiff", tiff(TiffFile { is_planar: true, samples: &planar, ..TiffFile::default() }), Portrait(0.0)),
        ("16 bit tiff", tiff(TiffFile { bits: 16, samples: &wide, ..TiffFile::default() }), Portrait(0.0)),
        ("float tiff", tiff(TiffFile { bits: 32, format: 3, samples: &floats, ..TiffFile::default() }), Portrait(0.0)),
        (
            "gray tiff",
            tiff(TiffFile { photometric: 1, channels: 1, samples: gray.as_raw(), ..TiffFile::default() }),
            Gray(0.0),
        ),
        (
            "inverted tiff",
            tiff(TiffFile { photometric: 0, channels: 1, samples: &inverted, ..TiffFile::default() }),
            Gray(0.0),
        ),
        (
            "1 bit tiff",
            tiff(TiffFile { photometric: 1, channels: 1, bits: 1, samples: &one_bit, ..TiffFile::default() }),
            Picture,
        ),
        (
            "cmyk tiff",
            tiff(TiffFile { photometric: 5, channels: 4, samples: &cmyk, ..TiffFile::default() }),
            Portrait(1.0),
        ),
        ("transparent tiff", tiff(TiffFile { channels: 4, samples: &four, ..TiffFile::default() }), Portrait(0.0)),
        (
            "tiff of an unknown compression",
            tiff(TiffFile { compression: 50_000, samples: &planar, ..TiffFile::default() }),
            Refused("Zstandard"),
        ),
        (
            "tiff of a mask",
            tiff(TiffFile { photometric: 4, channels: 1, bits: 1, samples: &one_bit, ..TiffFile::default() }),
            Refused("mask"),
        ),
        (
            "raw tiff",
            tiff(TiffFile { photometric: 32_803, channels: 1, samples: gray.as_raw(), ..TiffFile::default() }),
            Refused("TIFF"),
        ),
        // JPEG that hardly anything reads.
        ("arithmetic jpeg", jpeg_with_frame(|frame| frame[1] = 0xc9), Refused("arithmetic coding")),
        ("arithmetic progressive jpeg", jpeg_with_frame(|frame| frame[1] = 0xca), Refused("arithmetic coding")),
        ("lossless jpeg", jpeg_with_frame(|frame| frame[1] = 0xc3), Refused("without loss")),
        ("hierarchical jpeg", jpeg_with_frame(|frame| frame[1] = 0xc5), Refused("hierarchical")),
        ("12 bit jpeg", jpeg_with_frame(|frame| frame[4] = 12), Refused("12 bits")),
        ("jpeg with no lines", jpeg_with_frame(|frame| frame[5..7].fill(0)), Refused("no pixels")),
        // What takes too much.
        ("gif of 20,000 px", gif_bomb(20_000, 20_000), Refused("20000 x 20000")),
        ("gif of 40,000 px", gif_bomb(40_000, 40_000), Refused("40000 x 40000")),
        ("gif of 65,535 px", gif_bomb(65_535, 1), Refused("65535 x 65535")),
        ("gif with a picture beyond it", gif_bomb(2, 65_535), Refused("65535 x 65535")),
        ("png of 30,000 px", png_bomb(30_000, 30_000, 1, 0), Refused("30000 x 30000")),
        ("png of 16 bits", png_bomb(15_000, 15_000, 16, 6), Refused("15000 x 15000")),
        ("png of 2 billion px", png_bomb(0x7fff_ffff, 0x7fff_ffff, 8, 2), Refused("PNG")),
        ("a long png", png_bomb(1, 50_000, 8, 2), Refused("50000")),
        (
            "jpeg of 65,000 px",
            jpeg_with_frame(|frame| frame[5..9].copy_from_slice(&[0xfd, 0xe8, 0xfd, 0xe8])),
            Refused("65000 x 65000"),
        ),
        ("bmp of 30,000 px", bmp_bomb(), Refused("30000 x 30000")),
        // Something else.
        ("nothing", Vec::new(), Refused("the file is empty")),
        ("zeros", vec![0; 5000], Refused("nothing but zeros")),
        (
            "noise",
            (0..4000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8 | 0x80).collect(),
            Refused("no picture of a kind"),
        ),
        ("text", b"Dear diary".to_vec(), Refused("text")),
        ("a web page", b"<!DOCTYPE html><html><body>404</body></html>".to_vec(), Refused("a web page")),
        ("svg", b"<?xml version=\"1.0\"?><svg xmlns=\"x\"/>".to_vec(), Refused("SVG")),
        ("heic of an unknown kind", heif(b"mif1", &[b"miaf"]), Refused("HEIF")),
        ("avif", heif(b"avif", &[b"mif1"]), Refused("AVIF")),
        ("avif by its second name", heif(b"mif1", &[b"avif"]), Refused("AVIF")),
        ("canon raw", heif(b"crx ", &[]), Refused("Canon")),
        ("a film", heif(b"isom", &[b"mp41"]), Refused("film")),
        ("a film of Apple", heif(b"qt  ", &[]), Refused("film")),
    ];
    for (name, file, most) in [
        ("heic", "portrait.heic", 1.5),
        ("heic of 10 bits", "portrait_10_bit.heic", 1.5),
        ("turned heic", "portrait_turned.heic", 1.5),
        ("transparent heic", "portrait_transparent.heic", f64::INFINITY),
    ] {
        let bytes = std::fs::read(repository("tests/cases").join(file)).unwrap();
        cases.push(("half a heic", bytes[..bytes.len() / 2].to_vec(), Refused("too damaged")));
        cases.push((name, bytes, Portrait(most)));
    }
    // Made gray by other weights of the colours.
    cases.push(("gray heic", std::fs::read(repository("tests/cases/portrait_gray.heic")).unwrap(), Gray(10.0)));
    for orientation in 1..=8u16 {
        use image::imageops::{flip_horizontal, flip_vertical, rotate90, rotate180, rotate270};
        let upright = portrait();
        let stored = match orientation {
            2 => flip_horizontal(&upright),
            3 => rotate180(&upright),
            4 => flip_vertical(&upright),
            5 => rotate270(&flip_horizontal(&upright)),
            6 => rotate270(&upright),
            7 => rotate90(&flip_horizontal(&upright)),
            8 => rotate90(&upright),
            _ => upright,
        };
        let file = TiffFile { samples: stored.as_raw(), orientation, ..TiffFile::default() };
        cases.push(("turned tiff", file.bytes(), Portrait(0.0)));
    }
    for (name, start, expected) in [
        ("photoshop", b"8BPS\0\x01".as_slice(), "Photoshop document"),
        ("gimp", b"gimp xcf v011", "GIMP"),
        ("jpeg 2000", b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        ("jpeg 2000 stream", b"\xff\x4f\xff\x51\0", "JPEG 2000"),
        ("jpeg xr", b"II\xbc\x01", "JPEG XR"),
        ("jpeg ls", b"\xff\xd8\xff\xf7\0", "JPEG-LS"),
        ("fuji", b"FUJIFILMCCD-RAW 0201", "Fujifilm"),
        ("olympus", b"IIRO\x08\0", "Olympus"),
        ("panasonic", b"IIU\0\x18\0", "Panasonic"),
        ("canon", b"II\x2a\0\x10\0\0\0CR\x02\0", "Canon"),
        ("sigma", b"FOVb\0\0", "Sigma"),
        ("exr", b"v/1\x01\x02\0", "OpenEXR"),
        ("hdr", b"#?RADIANCE\n", "Radiance"),
        ("pdf", b"%PDF-1.7", "PDF"),
        ("zip", b"PK\x03\x04\x14\0", "zip"),
        ("icon", b"\0\0\x01\0\x01\0", "an icon"),
        ("pnm", b"P6\n2 2\n255\n", "PNM"),
        ("qoi", b"qoif\0\0", "QOI"),
        ("wave", b"RIFF\0\0\0\0WAVEfmt ", "sound or a film"),
        ("matroska", b"\x1aE\xdf\xa3\0", "film"),
        ("gzip", b"\x1f\x8b\x08", "gzip"),
        ("program", b"\x7fELF\x02", "a program"),
    ] {
        cases.push((name, [start, &[0; 32]].concat(), Refused(expected)));
    }
    cases
}

#[test]
fn odd_files_are_pictures_or_sentences() {
    let (upright, gray) = (portrait(), DynamicImage::ImageLuma8(gray_portrait()).into_rgb8());
    let cases = cases();
    let mut wrong = Vec::new();
    for (name, bytes, expected) in &cases {
        let opened = open(bytes);
        if let Err(sentence) = &opened
            && (!sentence.starts_with("photo is not a picture")
                || sentence.contains('\n')
                || sentence.contains("Error"))
        {
            wrong.push(format!("{name}: {sentence}"));
        }
        let near = |picture: &RgbImage, other: &RgbImage, most: f64| {
            picture.dimensions() == other.dimensions() && difference(picture, other).0 <= most
        };
        let is_right = match (expected, &opened) {
            (Portrait(most), Ok(photo)) => photo.file.damage.is_none() && near(&photo.pixels, &upright, *most),
            (Gray(most), Ok(photo)) => {
                let is_gray = photo.file.axis.as_ref().is_some_and(ColourAxis::is_gray);
                photo.file.damage.is_none() && is_gray && near(&photo.pixels, &gray, *most)
            }
            (Picture, Ok(photo)) => photo.file.damage.is_none() && photo.pixels.dimensions() == upright.dimensions(),
            (Damaged(word), Ok(photo)) => {
                // The upper lines are those of the portrait.
                let top = |picture: &RgbImage| image::imageops::crop_imm(picture, 0, 0, 256, 8).to_image();
                let said = photo.file.damage.as_deref().unwrap_or_default();
                said.contains(word)
                    && photo.pixels.dimensions() == upright.dimensions()
                    && (near(&top(&photo.pixels), &top(&upright), 12.0) || name.starts_with("bmp"))
            }
            (Refused(words), Err(sentence)) => sentence.to_lowercase().contains(&words.to_lowercase()),
            _ => false,
        };
        if !is_right {
            let found = match &opened {
                Ok(photo) if photo.pixels.dimensions() == upright.dimensions() => {
                    format!("{:?}, {:?}", difference(&photo.pixels, &upright), photo.file.damage)
                }
                Ok(photo) => format!("{:?}, {:?}", photo.pixels.dimensions(), photo.file.damage),
                Err(sentence) => sentence.clone(),
            };
            wrong.push(format!("{name}: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= 120);
}

#[test]
fn a_file_cut_anywhere_does_no_harm() {
    for (name, bytes, _) in cases().iter().filter(|(_, bytes, _)| bytes.len() > 1000) {
        for end in (0..bytes.len()).step_by((bytes.len() / 23).max(1)) {
            if let Err(sentence) = open(&bytes[..end]) {
                assert!(!sentence.contains('\n'), "{name}: {sentence}");
            }
        }
    }
}

/// The portrait in the numbers of a profile, 16 bits.
fn in_profile(profile: &ColorProfile) -> image::ImageBuffer<Rgb<u16>, Vec<u16>> {
    let wide = DynamicImage::ImageRgb8(portrait()).into_rgb16();
    let options = TransformOptions { prefer_fixed_point: false, ..TransformOptions::default() };
    let transform =
        ColorProfile::new_srgb().create_transform_16bit(Layout::Rgb, profile, Layout::Rgb, options).unwrap();
    let mut samples = vec![0u16; wide.as_raw().len()];
    transform.transform(wide.as_raw(), &mut samples).unwrap();
    image::ImageBuffer::from_raw(wide.width(), wide.height(), samples).unwrap()
}

/// Red takes the place of green, green that of blue, blue that of red.
fn swapped() -> ColorProfile {
    let mut profile = ColorProfile::new_srgb();
    profile.cicp = None;
    let (red, green, blue) = (profile.red_colorant, profile.green_colorant, profile.blue_colorant);
    (profile.red_colorant, profile.green_colorant, profile.blue_colorant) = (blue, red, green);
    profile
}

fn encodings() -> Vec<(&'static str, Vec<u8>)> {
    let of = |profile: ColorProfile| {
        let mut file = photo::open_bytes(&png_of(&portrait()), Path::new("photo")).unwrap().file;
        file.colours.icc_profile = Some(profile.encode().unwrap());
        let picture = DynamicImage::ImageRgb16(in_profile(&profile));
        export::encode(&picture, Format::Png, &FileOptions::of_photo(Some(&file))).unwrap()
    };
    vec![
        ("sRGB", png_of(&portrait())),
        ("Display P3", of(ColorProfile::new_display_p3())),
        ("Adobe RGB", of(ColorProfile::new_adobe_rgb())),
        ("ProPhoto", of(ColorProfile::new_pro_photo_rgb())),
        ("swapped primaries", of(swapped())),
    ]
}

/// An edit: a spot that is lighter and redder.
fn spot(x: u32, y: u32) -> [f32; 3] {
    let distance = (x as f32 - 128.0).hypot(y as f32 - 160.0);
    let weight = (1.0 - distance / 40.0).clamp(0.0, 1.0);
    [24.0 * weight, 10.0 * weight, -12.0 * weight]
}

fn with_spot(onto: &mut DynamicImage) -> stylemap::Result<()> {
    match onto {
        DynamicImage::ImageRgb8(picture) => {
            for (x, y, pixel) in picture.enumerate_pixels_mut() {
                let add = spot(x, y);
                pixel.0 = std::array::from_fn(|c| (f32::from(pixel.0[c]) + add[c] + 0.5) as u8);
            }
        }
        DynamicImage::ImageRgb16(picture) => {
            for (x, y, pixel) in picture.enumerate_pixels_mut() {
                let add = spot(x, y).map(|value| value * 257.0);
                pixel.0 = std::array::from_fn(|c| (f32::from(pixel.0[c]) + add[c] + 0.5) as u16);
            }
        }
        _ => panic!("another kind of picture"),
    }
    Ok(())
}

fn is_touched(x: u32, y: u32) -> bool {
    spot(x, y) != [0.0, 0.0, 0.0]
}

#[test]
fn one_photo_in_five_encodings_is_one_photo() {
    let mut engine = Engine::open(repository("weights/default.safetensors")).unwrap();
    let edited_srgb = {
        let mut picture = DynamicImage::ImageRgb8(portrait());
        with_spot(&mut picture).unwrap();
        picture.into_rgb8()
    };
    let mut first: Option<RgbImage> = None;
    for (name, bytes) in encodings() {
        let original = Original::decode(bytes.clone(), Vec::new(), Path::new(name)).unwrap();
        let (mean, most) = difference(&original.pixels, &portrait());
        assert!(mean < 0.3 && most <= 2, "{name}: {mean} {most}");
        engine.add_face(FaceId(1), &original.pixels).unwrap();
        let drawn = engine.render(&Scene::face(FaceId(1))).unwrap().to_rgb();
        let (mean, most) = first.as_ref().map_or((0.0, 0), |first| difference(first, &drawn));
        println!("{name}: reconstruction differs by {mean:.3} levels, at most {most}");
        assert!(most <= 2, "{name}: {mean} {most}");
        first.get_or_insert(drawn);

        let edited = original.edited(with_spot).unwrap();
        let written = export::encode(&edited, Format::Png, &FileOptions::of_photo(Some(&original.file))).unwrap();
        let own = image::load_from_memory(&bytes).unwrap();
        let again = image::load_from_memory(&written).unwrap();
        assert_eq!(again.color(), own.color(), "{name}");
        let (own, again) = (own.into_rgb16(), again.into_rgb16());
        for (x, y, pixel) in own.enumerate_pixels().filter(|(x, y, _)| !is_touched(*x, *y)) {
            assert_eq!(again.get_pixel(x, y), pixel, "{name} at ({x}, {y})");
        }
        let reopened = open(&written).unwrap();
        assert_eq!(reopened.file.colours, original.file.colours, "{name}");
        let (mean, most) = difference(&reopened.pixels, &edited_srgb);
        assert!(mean < 0.4 && most <= 3, "{name}: the edit is off by {mean} {most}");
    }
}

#[test]
fn adobe_rgb_by_exif_alone_is_adobe_rgb() {
    // ColorSpace: none of the known; interoperability index: R03.
    let mut exif = b"II\x2a\0\x08\0\0\0".to_vec();
    let entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value].concat()
    };
    exif.extend([1, 0]);
    exif.extend(entry(0x8769, 4, 1, 26u32.to_le_bytes()));
    exif.extend([0; 4]);
    exif.extend([2, 0]);
    exif.extend(entry(0xa001, 3, 1, [0xff, 0xff, 0, 0]));
    exif.extend(entry(0xa005, 4, 1, 56u32.to_le_bytes()));
    exif.extend([0; 4]);
    exif.extend([1, 0]);
    exif.extend(entry(1, 2, 4, *b"R03\0"));
    exif.extend([0; 4]);
    let narrow = DynamicImage::ImageRgb16(in_profile(&ColorProfile::new_adobe_rgb())).into_rgb8();
    let png = with_chunk(png_of(&narrow), b"eXIf", &exif);
    let opened = open(&png).unwrap();
    assert!(opened.file.colours.is_adobe_rgb);
    let (mean, _) = difference(&opened.pixels, &portrait());
    assert!(mean < 0.8, "{mean}");
    // Other formats say it by a profile.
    let options = FileOptions { metadata: MetadataChoice::Strip, ..FileOptions::of_photo(Some(&opened.file)) };
    for format in [Format::Png, Format::Jpeg, Format::WebP, Format::Tiff] {
        let again = open(&export::encode(&narrow, format, &options).unwrap()).unwrap();
        let (mean, _) = difference(&again.pixels, &portrait());
        assert!(mean < 1.5, "{format:?}: {mean}");
    }
}

#[test]
fn a_png_keeps_what_says_what_its_colours_are() {
    let chunks: [(&[u8; 4], Vec<u8>); 2] = [(b"gAMA", 100_000u32.to_be_bytes().to_vec()), (b"cICP", vec![9, 16, 0, 1])];
    for (name, data) in chunks {
        let png = with_chunk(png_of(&portrait()), name, &data);
        let original = Original::decode(png, Vec::new(), Path::new("photo")).unwrap();
        let (mean, _) = difference(&original.pixels, &portrait());
        assert!(mean > 10.0, "the numbers mean something else");
        let edited = original.edited(with_spot).unwrap().into_rgb8();
        for (x, y, pixel) in portrait().enumerate_pixels().filter(|(x, y, _)| !is_touched(*x, *y)) {
            assert_eq!(edited.get_pixel(x, y), pixel);
        }
        let options = FileOptions::of_photo(Some(&original.file));
        let written = export::encode(&edited, Format::Png, &options).unwrap();
        assert_eq!(open(&written).unwrap().file.colours, original.file.colours);
        // As a JPEG it looks the same.
        let jpeg = open(&export::encode(&edited, Format::Jpeg, &options).unwrap()).unwrap();
        let (mean, _) = difference(&jpeg.pixels, &open(&written).unwrap().pixels);
        assert!(mean < 3.0, "{mean}");
    }
}

#[test]
fn transparency_goes_back_out() {
    let picture = see_through();
    let png = encoded(&DynamicImage::ImageRgba8(picture.clone()), ImageFormat::Png);
    let original = Original::decode(png, Vec::new(), Path::new("photo")).unwrap();
    assert_eq!(original.pixels.get_pixel(3, 3), &Rgb([255; 3]));
    let edited = original.edited(with_spot).unwrap();
    assert_eq!(edited.color(), ColorType::Rgba8);
    let options = FileOptions::of_photo(Some(&original.file));
    for format in [Format::Png, Format::WebP, Format::Tiff] {
        let written = export::encode(&edited, format, &options).unwrap();
        let again = image::load_from_memory(&written).unwrap().into_rgba8();
        let pairs = picture.enumerate_pixels().map(|(x, y, pixel)| (x, y, pixel, again.get_pixel(x, y)));
        for (x, y, before, after) in pairs {
            assert_eq!(before.0[3], after.0[3], "{format:?}");
            assert!(before == after || is_touched(x, y) && before.0[3] > 0, "{format:?} at ({x}, {y})");
        }
        assert_ne!(again.get_pixel(128, 160), picture.get_pixel(128, 160));
    }
    let jpeg = open(&export::encode(&edited, Format::Jpeg, &options).unwrap()).unwrap();
    assert!(jpeg.pixels.get_pixel(3, 3).0.iter().all(|value| *value > 250), "transparent is white in a JPEG");
}

#[test]
fn sixteen_bits_stay_sixteen_bits() {
    // A slope that eight bits do not have.
    let slope =
        image::ImageBuffer::from_fn(256, 256, |x, y| Rgb([x as u16 * 101 + 7, y as u16 * 77, 30_000 + x as u16]));
    let png = encoded(&DynamicImage::ImageRgb16(slope.clone()), ImageFormat::Png);
    let original = Original::decode(png, Vec::new(), Path::new("photo")).unwrap();
    let edited = original.edited(with_spot).unwrap();
    for format in [Format::Png, Format::Tiff] {
        let written = export::encode(&edited, format, &FileOptions::of_photo(Some(&original.file))).unwrap();
        let again = image::load_from_memory(&written).unwrap();
        assert_eq!(again.color(), ColorType::Rgb16, "{format:?}");
        let again = again.into_rgb16();
        for (x, y, pixel) in slope.enumerate_pixels() {
            let wanted: [u16; 3] = std::array::from_fn(|c| {
                (f32::from(pixel.0[c]) + spot(x, y)[c] * 257.0 + 0.5).clamp(0.0, 65_535.0) as u16
            });
            let off = again.get_pixel(x, y).0.iter().zip(wanted).map(|(a, b)| a.abs_diff(b)).max().unwrap();
            assert!(off <= u16::from(is_touched(x, y)), "{format:?} at ({x}, {y}): {off}");
        }
    }
}

#[test]
fn a_gray_photo_is_written_gray() {
    let gray = gray_portrait();
    for bytes in [
        encoded(&DynamicImage::ImageLuma8(gray.clone()), ImageFormat::Png),
        encoded(&DynamicImage::ImageLuma8(gray.clone()), ImageFormat::Jpeg),
    ] {
        let original = Original::decode(bytes, Vec::new(), Path::new("photo")).unwrap();
        assert_eq!(original.file.axis, Some(ColourAxis::gray()));
        let edited = original.edited(with_spot).unwrap();
        assert_eq!(edited.color(), ColorType::L8);
        let Luma([own]) = *gray.get_pixel(128, 160);
        let DynamicImage::ImageLuma8(picture) = &edited else { panic!("gray") };
        let change = i16::from(picture.get_pixel(128, 160).0[0]) - i16::from(own);
        assert!((8..=16).contains(&change), "0.299 * 24 + 0.587 * 10 - 0.114 * 12 is 11.7: {change}");
        let options = FileOptions::of_photo(Some(&original.file));
        for format in [Format::Png, Format::Jpeg, Format::Tiff] {
            let again = image::load_from_memory(&export::encode(&edited, format, &options).unwrap()).unwrap();
            assert_eq!(again.color(), ColorType::L8, "{format:?}");
        }
    }
}

/// A camera's EXIF: turned by 90°, 300 dots to the inch, a maker's name, a place.
fn camera() -> Vec<u8> {
    let entry = |tag: u16, kind: u16, count: u32, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let mut exif = b"II\x2a\0\x08\0\0\0".to_vec();
    let data_at = 8 + 2 + 5 * 12 + 4;
    exif.extend([5, 0]);
    exif.extend(entry(0x010f, 2, 12, data_at));
    exif.extend(entry(0x0112, 3, 1, 6));
    exif.extend(entry(0x011a, 5, 1, data_at + 12));
    exif.extend(entry(0x011b, 5, 1, data_at + 12));
    exif.extend(entry(0x8825, 4, 1, data_at + 20));
    exif.extend([0; 4]);
    exif.extend(b"Best Camera\0");
    exif.extend([300u32.to_le_bytes(), 1u32.to_le_bytes()].concat());
    exif.extend([1, 0]);
    exif.extend(entry(0x001d, 2, 11, data_at + 20 + 18));
    exif.extend([0; 4]);
    exif.extend(b"1999:12:31\0");
    exif
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn what_the_camera_said_is_kept_unless_it_shall_not() {
    let mut jpeg = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, 83);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_1);
    encoder.add_exif_metadata(&camera()).unwrap();
    let xmp = br#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description dc:creator="An author" exif:GPSLatitude="1,2N"/></x:xmpmeta>"#;
    encoder.add_app_segment(1, [b"http://ns.adobe.com/xap/1.0/\0".as_slice(), xmp].concat()).unwrap();
    let iptc = [&[0x1c, 2, 5, 0, 7], b"A title".as_slice(), &[0x1c, 2, 90, 0, 9], b"A village"].concat();
    let resource = [b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0".as_slice(), &[iptc.len() as u8], &iptc].concat();
    encoder.add_app_segment(13, resource).unwrap();
    let wide = image::imageops::resize(&portrait(), 256, 128, image::imageops::FilterType::Triangle);
    encoder.encode(wide.as_raw(), 256, 128, jpeg_encoder::ColorType::Rgb).unwrap();

    let original = Original::decode(jpeg, Vec::new(), Path::new("photo")).unwrap();
    assert_eq!(original.pixels.dimensions(), (128, 256), "it is turned upright");
    assert_eq!(original.file.metadata.dots_per_inch, Some([300.0, 300.0]));
    let own = original.file.jpeg.clone().unwrap();
    assert_eq!(own.sampling, (2, 1));
    assert!(own.quality().abs_diff(83) <= 1, "{}", own.quality());
    let picture = DynamicImage::ImageRgb8(original.pixels.clone());
    for format in [Format::Jpeg, Format::Png, Format::WebP, Format::Tiff] {
        let encode = |metadata| {
            let options = FileOptions { metadata, ..FileOptions::of_photo(Some(&original.file)) };
            export::encode(&picture, format, &options).unwrap()
        };
        let kept = encode(MetadataChoice::Keep);
        let file = open(&kept).unwrap().file;
        assert!(contains(&kept, "An author") && contains(&kept, "1,2N"), "{format:?}");
        assert!(contains(&kept, "edited with Stylebrush"), "{format:?}");
        if format != Format::Tiff {
            let exif = file.metadata.exif.clone().unwrap();
            assert_eq!(exif.orientation(), Some(1), "{format:?}");
            assert!(contains(exif.as_bytes(), "Best Camera") && contains(exif.as_bytes(), "1999:12:31"), "{format:?}");
        }
        assert_eq!(open(&kept).unwrap().pixels.dimensions(), (128, 256), "{format:?}: turned once, not twice");
        let dots = file.metadata.dots_per_inch.unwrap();
        assert!(dots.iter().all(|dots| (dots - 300.0).abs() < 0.1), "{format:?}: {dots:?}");
        let elsewhere = encode(MetadataChoice::LocationOff);
        assert!(contains(&elsewhere, "An author"), "{format:?}");
        for place in ["1,2N", "1999:12:31", "A village"] {
            assert!(!contains(&elsewhere, place), "{format:?}: {place}");
        }
        let stripped = encode(MetadataChoice::Strip);
        for word in ["An author", "Best Camera", "A title", "1999:12:31"] {
            assert!(!contains(&stripped, word), "{format:?}: {word}");
        }
        assert!(contains(&stripped, "edited with Stylebrush"), "{format:?}");
        if matches!(format, Format::Jpeg | Format::Tiff) {
            assert!(contains(&kept, "A title") && contains(&kept, "A village"), "{format:?}");
            assert!(contains(&elsewhere, "A title"), "{format:?}");
        }
    }
    // Tables and sampling are the photo's own, unless others are chosen.
    let encode = |jpeg_quality| {
        let options = FileOptions { jpeg_quality, ..FileOptions::of_photo(Some(&original.file)) };
        open(&export::encode(&picture, Format::Jpeg, &options).unwrap()).unwrap().file.jpeg.unwrap()
    };
    assert_eq!(encode(None), own);
    assert!(encode(Some(50)).quality().abs_diff(50) <= 1);
}

#[test]
fn exif_of_nothing_can_be_written() {
    let changes =
        ExifChanges { size_px: (3, 4), texts: &[(photo::exif::SOFTWARE, "a program")], ..ExifChanges::default() };
    let bytes = Exif::empty().changed(&changes);
    assert!(contains(&bytes, "a program") && Exif::new(&bytes).is_some());
}

#[test]
fn every_format_that_is_written_is_read() {
    let pictures: [DynamicImage; 6] = [
        DynamicImage::ImageRgb8(portrait()),
        DynamicImage::ImageRgba8(see_through()),
        DynamicImage::ImageLuma8(gray_portrait()),
        DynamicImage::ImageLumaA8(DynamicImage::ImageRgba8(see_through()).into_luma_alpha8()),
        DynamicImage::ImageRgb16(DynamicImage::ImageRgb8(portrait()).into_rgb16()),
        DynamicImage::ImageLuma16(DynamicImage::ImageLuma8(gray_portrait()).into_luma16()),
    ];
    for picture in &pictures {
        for (format, kind) in [
            (Format::Png, Kind::Png),
            (Format::Jpeg, Kind::Jpeg),
            (Format::WebP, Kind::WebP),
            (Format::Tiff, Kind::Tiff),
        ] {
            let opened = open(&export::encode(picture, format, &FileOptions::default()).unwrap()).unwrap();
            assert_eq!(opened.file.kind, kind);
            let wanted = open(&encoded(picture, ImageFormat::Png)).unwrap().pixels;
            let (mean, _) = difference(&opened.pixels, &wanted);
            let most = if format == Format::Jpeg { 3.0 } else { 0.0 };
            assert!(mean <= most, "{:?} as {format:?}: {mean}", picture.color());
        }
    }
}
