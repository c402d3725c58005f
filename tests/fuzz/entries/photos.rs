//! Photos, and what stands in them beside the pixels.

use std::io::Write as _;
use std::path::Path;

use stylemap::face::CropQuad;
use stylemap::mask::MaskPicture;
use stylemap::photo::exif::{Exif, ExifChanges, SOFTWARE};
use stylemap::photo::{self, FileSamples};

/// Opens a file as the program does, for the screen and for an export; what is refused is refused with a sentence.
fn photo(bytes: &[u8]) {
    let opened = match photo::open_bytes(bytes, Path::new("photo")) {
        Ok(opened) => opened,
        Err(err) => {
            let _ = photo::size_px(bytes, Path::new("photo"));
            let said = err.to_string();
            assert!(said.starts_with("photo is not a picture") && !said.contains('\n'), "{said}");
            return;
        }
    };
    let size_px = opened.pixels.dimensions();
    assert!(size_px.0 > 0 && size_px.1 > 0);
    assert!(photo::size_px(bytes, Path::new("photo")).is_ok() || opened.file.damage.is_some());
    let _ = opened.file.jpeg.as_ref().map(photo::JpegEncoding::quality);
    let is_gray = !opened.file.color_type.has_color();
    let _ = opened.file.colours.to_icc_profile(is_gray);
    if let Some(exif) = opened.file.metadata.exif {
        change(exif, size_px);
    }
    // A file that is damaged or whose colours cannot be used is still the same file the second time.
    let mut samples = FileSamples::decode(bytes, Path::new("photo")).expect("it was opened before");
    let Ok(before) = samples.srgb() else { return };
    assert_eq!(before.dimensions(), size_px);
    let mut edited = before.clone();
    edited.pixels_mut().step_by(3).for_each(|pixel| pixel.0[1] ^= 0x4000);
    let _ = samples.change(&edited);
    assert_eq!((samples.into_image().width(), before.width()), (size_px.0, size_px.0));
}

/// A file of one kind, so that what a target learns stays in its corpus: others are left to their own targets.
fn of_kind(bytes: &[u8], start: &[u8]) {
    if bytes.starts_with(start) {
        photo(bytes);
    }
}

pub fn jpeg(bytes: &[u8]) {
    of_kind(bytes, b"\xff\xd8");
}

pub fn png(bytes: &[u8]) {
    of_kind(bytes, b"\x89PNG");
}

pub fn webp(bytes: &[u8]) {
    of_kind(bytes, b"RIFF");
}

pub fn tiff(bytes: &[u8]) {
    of_kind(bytes, b"II");
    of_kind(bytes, b"MM");
}

pub fn heic(bytes: &[u8]) {
    if bytes.get(4..8) == Some(b"ftyp") {
        photo(bytes);
    }
}

pub fn jxl(bytes: &[u8]) {
    of_kind(bytes, b"\xff\x0a");
    of_kind(bytes, b"\0\0\0\x0cJXL ");
}

/// Everything that is small: GIF, BMP, and what is told by its first bytes alone.
pub fn bmp_gif(bytes: &[u8]) {
    let others: [&[u8]; 5] = [b"\xff\xd8", b"\x89PNG", b"RIFF", b"II", b"MM"];
    if !others.iter().any(|start| bytes.starts_with(start)) && bytes.get(4..8) != Some(b"ftyp") {
        photo(bytes);
    }
}

/// Two by two pixels of gray and of colours, which get a profile.
const GRAY_JPEG: &[u8] = include_bytes!("gray.jpg");
const COLOUR_JPEG: &[u8] = include_bytes!("colour.jpg");

/// The first byte says what the others are: an ICC profile of colours or grays, or a PNG's `cICP`, `gAMA` and `cHRM`.
pub fn colours(bytes: &[u8]) {
    let Some((kind, data)) = bytes.split_first() else { return };
    match kind % 3 {
        kind @ 0..=1 => {
            let jpeg = if kind == 0 { COLOUR_JPEG } else { GRAY_JPEG };
            let data = &data[..data.len().min(65_000)];
            let mut file = jpeg[..2].to_vec();
            file.extend([0xff, 0xe2]);
            file.extend((data.len() as u16 + 16).to_be_bytes());
            file.extend(b"ICC_PROFILE\0\x01\x01");
            file.extend(data);
            file.extend(&jpeg[2..]);
            photo(&file);
        }
        _ => {
            let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
            let is_gray = data.first().is_some_and(|first| first % 2 == 1);
            let color = if is_gray { 0 } else { 2 };
            chunk(&mut file, b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, color, 0, 0, 0]);
            for (name, part) in [(b"gAMA", data.get(1..5)), (b"cHRM", data.get(5..37)), (b"cICP", data.get(37..41))] {
                if let Some(part) = part.filter(|part| part.iter().any(|byte| *byte != 0)) {
                    chunk(&mut file, name, part);
                }
            }
            // A stored block of one row.
            let row: &[u8] = if is_gray { &[0, 90] } else { &[0, 90, 120, 200] };
            let mut stream = vec![0x78, 0x01, 1, row.len() as u8, 0, !(row.len() as u8), 0xff];
            stream.extend(row);
            stream.extend(adler(row).to_be_bytes());
            chunk(&mut file, b"IDAT", &stream);
            chunk(&mut file, b"IEND", &[]);
            photo(&file);
        }
    }
}

fn chunk(file: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) {
    let named = [name.as_slice(), data].concat();
    let crc = !named.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    });
    file.extend((data.len() as u32).to_be_bytes());
    file.extend(named);
    file.extend(crc.to_be_bytes());
}

fn adler(bytes: &[u8]) -> u32 {
    let (low, high) =
        bytes.iter().fold((1u32, 0u32), |(low, high), byte| (low + u32::from(*byte), high + low + u32::from(*byte)));
    ((high % 65_521) << 16) | (low % 65_521)
}

fn change(exif: Exif, size_px: (u32, u32)) {
    let _ = (exif.orientation(), exif.is_adobe_rgb(), exif.dots_per_inch());
    let directories = exif.directories();
    assert_eq!(Exif::of_directories(&directories).directories(), directories);
    let iptc = exif.iptc();
    for without_location in [false, true] {
        let changes = ExifChanges {
            size_px,
            thumbnail: Some(&[0xff, 0xd8, 0xff, 0xd9]),
            texts: &[(SOFTWARE, "a program")],
            without_location,
            iptc: iptc.as_deref().filter(|_| !without_location),
            dots_per_inch: exif.dots_per_inch(),
        };
        let changed = Exif::new(&exif.clone().changed(&changes)).expect("what is written can be read");
        assert!(matches!(changed.orientation(), None | Some(1)));
    }
}

/// A block of EXIF.
pub fn exif(bytes: &[u8]) {
    if let Some(exif) = Exif::new(bytes) {
        change(exif, (640, 480));
    }
}

/// A picture of weights.
pub fn mask(bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let Ok(picture) = MaskPicture::open(file.path()) else { return };
    let (width, height) = picture.size_px();
    assert!(width > 0 && height > 0);
    let centre = [width as f64 / 2.0, height as f64 / 2.0];
    if let Ok(quad) = CropQuad::from_center_and_half_side(centre, [centre[0] + 1.0, 1.0]) {
        assert_eq!(picture.in_crop(&quad, 16).size_px(), 16);
    }
    if let Ok(mask) = picture.square() {
        assert!(mask.weights().iter().all(|weight| (0.0..=1.0).contains(weight)));
    }
}
