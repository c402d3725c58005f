//! Every format in every form: tiny, gray, transparent, turned, cut, with wrong bytes, with more behind it, of several pictures; files
//! of encoders that are not under this program lie in `tests/cases`.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::gif::GifEncoder;
use image::imageops::{flip_horizontal, flip_vertical, rotate90, rotate180, rotate270};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use stylemap::photo::exif::Exif;
use stylemap::photo::{self, DecodedPhoto, Kind};

fn case(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases").join(name)).unwrap()
}

fn open(bytes: &[u8]) -> Result<DecodedPhoto, String> {
    photo::open_bytes(bytes, Path::new("photo")).map_err(|err| err.to_string())
}

/// The mean difference, in levels.
fn difference(a: &RgbImage, b: &RgbImage) -> f64 {
    if a.dimensions() != b.dimensions() {
        return f64::INFINITY;
    }
    let sum: u64 = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f64 / a.as_raw().len() as f64
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

const FORMATS: [(ImageFormat, Kind, f64); 6] = [
    (ImageFormat::Png, Kind::Png, 0.0),
    (ImageFormat::Jpeg, Kind::Jpeg, 6.0),
    (ImageFormat::WebP, Kind::WebP, 0.0),
    (ImageFormat::Gif, Kind::Gif, 12.0),
    (ImageFormat::Bmp, Kind::Bmp, 0.0),
    (ImageFormat::Tiff, Kind::Tiff, 0.0),
];

fn small() -> RgbImage {
    image::load_from_memory(&case("small.png")).unwrap().into_rgb8()
}

#[test]
fn files_of_other_encoders_show_their_picture() {
    let portrait =
        photo::load(Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/portraits/female_053.png"));
    let (portrait, small) = (portrait.unwrap(), small());
    let gray = DynamicImage::ImageLuma8(DynamicImage::ImageRgb8(portrait.clone()).into_luma8()).into_rgb8();
    let cases = [
        ("portrait.jxl", &portrait, 3.0),
        ("portrait_gray.jxl", &gray, 10.0),
        ("portrait_of_jpeg.jxl", &portrait, 3.0),
        ("small_lossless.jxl", &small, 0.0),
        ("small_words.jxl", &small, 4.0),
        ("small_tiled.tif", &small, 0.0),
        ("small_big.tif", &small, 0.0),
        ("small_big_endian.tif", &small, 0.0),
        ("small_predictor.tif", &small, 0.0),
        // Of several pictures the first.
        ("small_animated.webp", &small, 0.0),
        ("small_animated.png", &small, 0.0),
        ("small_mpo.jpg", &small, 5.0),
        ("small_cmyk.jpg", &small, 6.0),
        ("small_palette.bmp", &small, 10.0),
    ];
    let mut wrong = Vec::new();
    for (name, expected, most) in cases {
        match open(&case(name)) {
            Ok(opened) => {
                let off = difference(&opened.pixels, expected);
                if off > most || opened.file.damage.is_some() {
                    wrong.push(format!("{name} is off by {off}, {:?}", opened.file.damage));
                }
                let size_px = photo::size_px(&case(name), Path::new(name)).unwrap();
                assert_eq!(size_px, opened.pixels.dimensions(), "{name}");
            }
            Err(sentence) => wrong.push(sentence),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let transparent = open(&case("portrait_transparent.jxl")).unwrap();
    assert!(transparent.file.color_type.has_alpha());
    assert_eq!(open(&case("small_16_bit.jxl")).unwrap().file.color_type, image::ColorType::Rgb16);
    assert_eq!(open(&case("portrait_gray.jxl")).unwrap().file.color_type, image::ColorType::L8);
    let words = open(&case("small_words.jxl")).unwrap().file.metadata.exif.unwrap();
    assert!(words.as_bytes().windows(11).any(|part| part == b"Best Camera"));
    assert!(open(&case("small_444.avif")).unwrap_err().contains("AVIF"));
}

/// The slope of colours that lies in `jpeg_….tif`.
fn slope() -> RgbImage {
    RgbImage::from_fn(52, 40, |x, y| Rgb([40 + 4 * x, 220 - 4 * y, 60 + 2 * x + 2 * y].map(|value| value as u8)))
}

#[test]
fn jpeg_in_a_tiff_shows_its_colours() {
    let colours = slope();
    // As JPEG weighs the colours.
    let gray = RgbImage::from_fn(52, 40, |x, y| {
        let [red, green, blue] = colours.get_pixel(x, y).0.map(u32::from);
        Rgb([((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8; 3])
    });
    let mut wrong = Vec::new();
    for (name, expected) in [
        ("rgb_strips", &colours),
        ("rgb_tiles", &colours),
        ("rgb_big", &colours),
        ("rgb_big_endian", &colours),
        ("ycbcr_444", &colours),
        ("ycbcr_420", &colours),
        ("ycbcr_422_tiles", &colours),
        ("cmyk", &colours),
        ("gray_tiles", &gray),
        ("gray_white", &gray),
        ("libtiff_rgb_strips", &colours),
        ("libtiff_cmyk", &colours),
        ("libtiff_ycbcr", &colours),
        ("libtiff_gray", &gray),
    ] {
        match open(&case(&format!("jpeg_{name}.tif"))) {
            Ok(opened) => {
                let off = difference(&opened.pixels, expected);
                if off > 2.0 || opened.file.damage.is_some() {
                    wrong.push(format!("{name} is off by {off}, {:?}", opened.file.damage));
                }
            }
            Err(sentence) => wrong.push(format!("{name}: {sentence}")),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let sentence = open(&case("jpeg_rgb_12_bit.tif")).unwrap_err();
    assert!(sentence.contains("12 bit"), "{sentence}");
}

#[test]
fn pictures_of_any_size_and_kind_come_in_every_format() {
    let mut wrong = Vec::new();
    for (format, kind, most) in FORMATS {
        for (width, height) in [(1, 1), (1, 9), (9, 1), (2, 3), (17, 5), (64, 64)] {
            let picture = RgbImage::from_fn(width, height, |x, y| Rgb([(x * 3) as u8 + 60, (y * 3) as u8 + 60, 90]));
            let opened = open(&encoded(&DynamicImage::ImageRgb8(picture.clone()), format)).unwrap();
            assert_eq!((opened.file.kind, opened.file.damage.clone()), (kind, None), "{width} x {height}");
            let off = difference(&opened.pixels, &picture);
            if off > most {
                wrong.push(format!("{kind:?} of {width} x {height}: {off}"));
            }
        }
        // Grays stay grays.
        let gray = DynamicImage::ImageRgb8(small()).into_luma8();
        let gray = if matches!(kind, Kind::WebP | Kind::Gif) {
            DynamicImage::ImageRgb8(DynamicImage::ImageLuma8(gray).into_rgb8())
        } else {
            DynamicImage::ImageLuma8(gray)
        };
        let opened = open(&encoded(&gray, format)).unwrap();
        let off = difference(&opened.pixels, &gray.to_rgb8());
        if off > most.min(4.0) || opened.file.axis.is_none() {
            wrong.push(format!("gray {kind:?}: {off}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn transparency_is_seen_in_every_format_that_has_it() {
    let picture =
        RgbaImage::from_fn(40, 30, |x, _| if x < 20 { Rgba([200, 30, 10, 0]) } else { Rgba([10, 90, 200, 255]) });
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Bmp, ImageFormat::Tiff] {
        let opened = open(&encoded(&DynamicImage::ImageRgba8(picture.clone()), format)).unwrap();
        assert!(opened.file.color_type.has_alpha(), "{format:?}");
        assert_eq!(opened.pixels.get_pixel(3, 3).0, [255; 3], "{format:?}: white shows through");
        let colour = opened.pixels.get_pixel(33, 3).0;
        assert!(colour.iter().zip([10u8, 90, 200]).all(|(a, b)| a.abs_diff(b) < 8), "{format:?}: {colour:?}");
    }
}

/// EXIF that says nothing but how the picture is turned.
fn turned_by(orientation: u8) -> Vec<u8> {
    let mut exif = b"II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(Exif::new(&exif).unwrap().orientation(), Some(orientation));
    exif
}

fn stored(upright: &RgbImage, orientation: u8) -> RgbImage {
    match orientation {
        2 => flip_horizontal(upright),
        3 => rotate180(upright),
        4 => flip_vertical(upright),
        5 => rotate270(&flip_horizontal(upright)),
        6 => rotate270(upright),
        7 => rotate90(&flip_horizontal(upright)),
        8 => rotate90(upright),
        _ => upright.clone(),
    }
}

#[test]
fn photos_are_turned_as_their_exif_says_in_every_format() {
    // Not square, so that a quarter too many shows.
    let upright = image::imageops::crop_imm(&small(), 0, 0, 96, 64).to_image();
    for orientation in 1..=8 {
        let (picture, exif) = (stored(&upright, orientation), turned_by(orientation));
        let (width, height) = picture.dimensions();
        let mut jpeg = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, 95);
        encoder.add_exif_metadata(&exif).unwrap();
        encoder.encode(picture.as_raw(), width as u16, height as u16, jpeg_encoder::ColorType::Rgb).unwrap();
        let mut webp = Vec::new();
        let mut encoder = image_webp::WebPEncoder::new(&mut webp);
        encoder.set_exif_metadata(exif.clone());
        encoder.encode(picture.as_raw(), width, height, image_webp::ColorType::Rgb8).unwrap();
        let mut png = Vec::new();
        let mut info = png::Info::with_size(width, height);
        info.color_type = png::ColorType::Rgb;
        info.bit_depth = png::BitDepth::Eight;
        info.exif_metadata = Some(exif.into());
        let mut writer = png::Encoder::with_info(&mut png, info).unwrap().write_header().unwrap();
        writer.write_image_data(picture.as_raw()).unwrap();
        writer.finish().unwrap();
        for (bytes, most) in [(jpeg, 4.0), (webp, 0.0), (png, 0.0)] {
            let opened = open(&bytes).unwrap();
            let off = difference(&opened.pixels, &upright);
            assert!(off <= most, "{:?} turned by {orientation}: {off}", opened.file.kind);
        }
    }
}

/// A file of every format, by encoders of this program and others.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    let picture = DynamicImage::ImageRgb8(small());
    let mut files: Vec<(&str, Vec<u8>)> =
        FORMATS.iter().map(|(format, kind, _)| (kind.name(), encoded(&picture, *format))).collect();
    files.push(("lossy WebP", case("small_animated.webp")));
    files.push(("CMYK JPEG", case("small_cmyk.jpg")));
    files.push(("tiled TIFF", case("small_tiled.tif")));
    files.push(("large TIFF", case("small_big.tif")));
    files.push(("JPEG XL", case("portrait.jxl")));
    files.push(("lossless JPEG XL", case("small_lossless.jxl")));
    files.push(("HEIC", case("portrait.heic")));
    let mut animated = Vec::new();
    let mut encoder = GifEncoder::new(&mut animated);
    for turn in [small(), rotate90(&small())] {
        encoder.encode_frame(image::Frame::new(DynamicImage::ImageRgb8(turn).into_rgba8())).unwrap();
    }
    drop(encoder);
    files.push(("animated GIF", animated));
    files
}

#[test]
fn what_stands_behind_a_picture_does_not_matter() {
    for (name, bytes) in files() {
        let whole = open(&bytes).unwrap();
        for tail in [&[0; 7][..], &[0xff; 999], b"another file", &bytes] {
            let opened = open(&[bytes.as_slice(), tail].concat()).unwrap();
            assert_eq!(opened.file.damage, None, "{name} and {} bytes more", tail.len());
            assert_eq!(opened.pixels, whole.pixels, "{name} and {} bytes more", tail.len());
        }
    }
}

#[test]
fn damaged_files_are_pictures_with_a_word_or_sentences() {
    let mut opened_count = 0;
    for (name, bytes) in files() {
        let whole = open(&bytes).unwrap();
        for percent in [1, 5, 20, 40, 60, 80, 95, 99] {
            let cut = &bytes[..bytes.len() * percent / 100];
            match open(cut) {
                // What is said does not depend on what is missing alone: of several pictures the first may be there whole.
                Ok(opened) => {
                    opened_count += 1;
                    assert_eq!(opened.pixels.dimensions(), whole.pixels.dimensions(), "{percent} % of {name}");
                    assert!(
                        opened.file.damage.is_some() || opened.pixels == whole.pixels,
                        "{percent} % of {name} is another picture, and nothing is said"
                    );
                }
                Err(sentence) => {
                    assert!(sentence.starts_with("photo is not a picture that can be read: "), "{name}: {sentence}");
                    assert!(!sentence.contains("Error") && !sentence.contains("::"), "{name}: {sentence}");
                }
            }
        }
        for at in (0..bytes.len()).step_by((bytes.len() / 23).max(1)) {
            let mut broken = bytes.clone();
            let end = (at + 9).min(broken.len());
            broken[at..end].fill(0x5a);
            if let Err(sentence) = open(&broken) {
                assert!(sentence.starts_with("photo is not a picture that can be read: "), "{name}: {sentence}");
            }
        }
    }
    assert!(opened_count > 40, "{opened_count}");
}

/// A tag that says it has gigabytes made the decoder ask for them. Found by fuzzing.
#[test]
fn a_tag_of_a_tiff_has_no_more_values_than_the_file_has_bytes() {
    for (name, position) in [("small_tiled.tif", 4), ("small_big_endian.tif", 4)] {
        let bytes = case(name);
        let is_little_endian = bytes.starts_with(b"II");
        for (tag, kind) in [(34_675u16, 7u16), (700, 1), (33_723, 7), (320, 3), (282, 5)] {
            let mut damaged = bytes.clone();
            let short = |value: u16| if is_little_endian { value.to_le_bytes() } else { value.to_be_bytes() };
            let directory: [u8; 4] = damaged[position..position + 4].try_into().unwrap();
            let directory =
                if is_little_endian { u32::from_le_bytes(directory) } else { u32::from_be_bytes(directory) };
            // The last entry becomes the tag, and it has four billion values.
            let count = [damaged[directory as usize], damaged[directory as usize + 1]];
            let count = if is_little_endian { u16::from_le_bytes(count) } else { u16::from_be_bytes(count) };
            let at = directory as usize + 2 + 12 * (usize::from(count) - 1);
            damaged[at..at + 2].copy_from_slice(&short(tag));
            damaged[at + 2..at + 4].copy_from_slice(&short(kind));
            damaged[at + 4..at + 8].fill(0xff);
            if let Err(sentence) = open(&damaged) {
                assert!(sentence.contains("TIFF"), "{name}, {tag}: {sentence}");
            }
        }
    }
}

#[test]
fn a_jpeg_that_hardly_any_program_opens_says_what_to_do() {
    // The colours stored at a third of the width.
    let mut bytes = Vec::new();
    let picture = small();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_1);
    encoder.encode(picture.as_raw(), 96, 96, jpeg_encoder::ColorType::Rgb).unwrap();
    let frame = bytes.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
    bytes[frame + 11] = 0x31;
    let sentence = open(&bytes).unwrap_err();
    assert!(sentence.contains("save it as an ordinary JPEG"), "{sentence}");
}

#[test]
fn names_do_not_matter_and_folders_are_no_photos() {
    let folder = tempfile::tempdir().unwrap();
    let names: [PathBuf; 4] = ["a.txt", "b.jpg", "c", "d.heic.png"].map(|name| folder.path().join(name));
    for path in names {
        std::fs::write(&path, case("small_palette.bmp")).unwrap();
        assert_eq!(photo::open(&path).unwrap().file.kind, Kind::Bmp, "{}", path.display());
    }
    assert!(photo::open(folder.path()).is_err());
    assert!(photo::open(folder.path().join("nowhere.png")).is_err());
}
