//! What a file says beside its pixels: what the photo's own file said and is still true, and that it was edited.

use jpeg_encoder::{ColorType, Encoder};
use serde::{Deserialize, Serialize};
use stylemap::photo::Metadata;
use stylemap::photo::exif::{Exif, ExifChanges, IMAGE_DESCRIPTION, SOFTWARE};

use super::picture::Picture;
use super::{COMMENT, FileOptions, SOFTWARE as PROGRAM, xmp};

/// What becomes of what the photo's file says: camera, time, place, author, resolution.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum MetadataChoice {
    /// It is kept.
    #[default]
    Keep,
    /// It is kept, but for where the photo was taken.
    LocationOff,
    /// It is left out.
    Strip,
}

impl MetadataChoice {
    /// Every choice, the usual one first.
    pub const ALL: [Self; 3] = [Self::Keep, Self::LocationOff, Self::Strip];

    /// What the window calls it, in English.
    pub fn text(self) -> &'static str {
        match self {
            Self::Keep => "Keep",
            Self::LocationOff => "Without the place",
            Self::Strip => "Leave out",
        }
    }
}

/// The longest side of the small picture in EXIF.
const THUMBNAIL_PX: u32 = 160;

/// What is written.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub exif: Option<Vec<u8>>,
    pub xmp: Option<String>,
    pub iptc: Option<Vec<u8>>,
    pub dots_per_inch: Option<[f32; 2]>,
}

/// What a format has room for.
pub(super) struct Room {
    /// The longest block of EXIF.
    pub exif_bytes: usize,
    /// Whether what we say of the picture has a place beside EXIF,
    pub has_texts: bool,
    /// and so have IPTC records,
    pub has_iptc: bool,
    /// and the resolution.
    pub has_dots_per_inch: bool,
}

impl Words {
    pub(super) fn new(picture: &Picture<'_>, options: &FileOptions<'_>, room: &Room) -> Self {
        let nothing = Metadata::default();
        let metadata = options.photo.map_or(&nothing, |photo| &photo.metadata);
        let metadata = if options.metadata == MetadataChoice::Strip { &nothing } else { metadata };
        let without_location = options.metadata == MetadataChoice::LocationOff;
        let size_px = (picture.width, picture.height);
        let texts: &[(u16, &str)] =
            if options.says_edited { &[(IMAGE_DESCRIPTION, COMMENT), (SOFTWARE, PROGRAM)] } else { &[] };
        let thumbnail = metadata.exif.as_ref().and_then(|_| thumbnail(picture));
        let iptc = metadata.iptc.as_deref();
        let iptc = iptc.map(|iptc| if without_location { without_place(iptc) } else { iptc.to_vec() });
        let dots_per_inch = metadata.dots_per_inch;
        let changes = ExifChanges {
            size_px,
            thumbnail: thumbnail.as_deref(),
            texts,
            without_location,
            iptc: iptc.as_deref().filter(|_| !room.has_iptc),
            dots_per_inch: dots_per_inch.filter(|_| !room.has_dots_per_inch),
        };
        let is_said_there =
            options.says_edited && !room.has_texts || changes.iptc.is_some() || changes.dots_per_inch.is_some();
        let wanted = metadata.exif.is_some() || is_said_there;
        let exif = wanted.then(|| {
            let own = || metadata.exif.clone().unwrap_or_else(Exif::empty);
            let smaller = ExifChanges { thumbnail: None, ..changes.clone() };
            let all = [(own(), &changes), (own(), &smaller), (Exif::empty(), &smaller)];
            all.into_iter().map(|(exif, changes)| exif.changed(changes)).find(|bytes| bytes.len() <= room.exif_bytes)
        });
        let xmp = metadata.xmp.as_deref().and_then(|packet| std::str::from_utf8(packet).ok());
        Self {
            exif: exif.flatten(),
            xmp: xmp.and_then(|packet| xmp::changed(packet, size_px, without_location)),
            iptc,
            dots_per_inch,
        }
    }
}

fn thumbnail(picture: &Picture<'_>) -> Option<Vec<u8>> {
    let small = picture.reduced(THUMBNAIL_PX);
    let mut bytes = Vec::new();
    let (width, height) = (u16::try_from(small.width()).ok()?, u16::try_from(small.height()).ok()?);
    Encoder::new(&mut bytes, 75).encode(small.as_raw(), width, height, ColorType::Rgb).ok()?;
    Some(bytes)
}

/// IPTC records without those that name a place.
fn without_place(mut iptc: &[u8]) -> Vec<u8> {
    const PLACES: [u8; 7] = [26, 27, 90, 92, 95, 100, 101];
    let mut kept = Vec::new();
    while let [0x1c, record, number, high, low, rest @ ..] = iptc {
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        // Longer records than this are no words.
        if len > usize::from(i16::MAX as u16) || rest.len() < len {
            break;
        }
        if !(*record == 2 && PLACES.contains(number)) {
            kept.extend(&iptc[..5 + len]);
        }
        iptc = &rest[len..];
    }
    kept
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use image::{Rgb, RgbImage};
    use stylemap::photo::exif::{Directories, Field};
    use stylemap::photo::{PhotoFile, open_bytes};

    use super::super::{Format, encode};
    use super::*;

    const XMP: &str = r#"<x:xmpmeta><rdf:Description dc:title="A face" exif:GPSLatitude="48,1N"/></x:xmpmeta>"#;

    fn has(bytes: &[u8], text: &str) -> bool {
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// A photo that says everything, with places in everything.
    fn photo(picture: &RgbImage) -> PhotoFile {
        let field = |tag, kind, bytes: &[u8]| Field { tag, kind, bytes: bytes.to_vec() };
        let exif = Exif::of_directories(&Directories {
            root: vec![field(0x010f, 2, b"Best Camera\0")],
            exif: vec![field(0x8827, 3, &400u16.to_ne_bytes()), field(0x927c, 7, b"the maker's notes")],
            gps: vec![field(0x0001, 2, b"N\0"), field(0x001d, 2, b"2026:01:02\0")],
            interop: vec![field(0x0001, 2, b"R98\0")],
        });
        let record = |number: u8, text: &str| [&[0x1c, 2, number, 0, text.len() as u8], text.as_bytes()].concat();
        let mut file = PhotoFile::new(picture);
        let mut profile: Vec<u8> = (0..200).collect();
        // Only the header's colour space is looked at.
        profile[16..20].copy_from_slice(b"RGB ");
        file.colours.icc_profile = Some(profile);
        file.metadata = Metadata {
            exif: Some(exif),
            xmp: Some(XMP.as_bytes().to_vec()),
            iptc: Some([record(5, "a title"), record(90, "a village")].concat()),
            dots_per_inch: Some([300.0, 150.0]),
        };
        file
    }

    /// What of the photo's words is in a file, one line for each; and whether every place is gone.
    fn found(bytes: &[u8]) -> (Vec<String>, bool) {
        let file = open_bytes(bytes, Path::new("picture")).unwrap().file;
        let Metadata { exif, xmp, iptc, dots_per_inch } = file.metadata;
        let directories = exif.as_ref().map(Exif::directories).unwrap_or_default();
        let mut lines = Vec::new();
        let texts = |fields: &[Field], text: &str| fields.iter().any(|field| has(&field.bytes, text));
        let mut note = |is_there: bool, name: &str| is_there.then(|| lines.push(name.to_owned()));
        note(texts(&directories.root, "Best Camera"), "EXIF: maker");
        note(directories.exif.iter().any(|field| field.bytes == 400u16.to_ne_bytes()), "EXIF: sensitivity");
        note(texts(&directories.exif, "the maker's notes"), "EXIF: notes");
        note(texts(&directories.interop, "R98"), "EXIF: interoperability");
        note(texts(&directories.gps, "2026:01:02"), "EXIF: place");
        note(xmp.as_ref().is_some_and(|xmp| has(xmp, "A face")), "XMP: title");
        note(xmp.as_ref().is_some_and(|xmp| has(xmp, "48,1N")), "XMP: place");
        note(iptc.as_ref().is_some_and(|iptc| has(iptc, "a title")), "IPTC: title");
        note(iptc.as_ref().is_some_and(|iptc| has(iptc, "a village")), "IPTC: place");
        note(dots_per_inch.is_some_and(|[x, y]| (x - 300.0).abs() < 0.1 && (y - 150.0).abs() < 0.1), "dots per inch");
        note(file.colours.icc_profile.is_some(), "profile");
        let has_no_place = !["a village", "48,1N", "2026:01:02"].iter().any(|place| has(bytes, place));
        (lines, has_no_place)
    }

    #[test]
    fn every_format_keeps_every_word_unless_told_otherwise() {
        const ALL: [&str; 11] = [
            "EXIF: maker",
            "EXIF: sensitivity",
            "EXIF: notes",
            "EXIF: interoperability",
            "EXIF: place",
            "XMP: title",
            "XMP: place",
            "IPTC: title",
            "IPTC: place",
            "dots per inch",
            "profile",
        ];
        let picture = RgbImage::from_fn(9, 7, |x, y| Rgb([x as u8 * 25, y as u8 * 30, 77]));
        let file = photo(&picture);
        for format in [Format::Png, Format::Jpeg, Format::WebP, Format::Tiff] {
            for metadata in MetadataChoice::ALL {
                for says_edited in [true, false] {
                    let options = FileOptions { metadata, says_edited, ..FileOptions::of_photo(Some(&file)) };
                    let bytes = encode(&picture, format, &options).unwrap();
                    let is_kept = |line: &&&str| match metadata {
                        MetadataChoice::Keep => true,
                        MetadataChoice::LocationOff => !line.ends_with("place"),
                        MetadataChoice::Strip => **line == "profile",
                    };
                    let (lines, has_no_place) = found(&bytes);
                    let kept: Vec<&str> = ALL.iter().filter(is_kept).copied().collect();
                    assert_eq!(lines, kept, "{format:?}, {metadata:?}");
                    assert!(has_no_place || metadata == MetadataChoice::Keep, "{format:?}, {metadata:?}");
                    assert_eq!(has(&bytes, PROGRAM), says_edited, "{format:?}");
                }
            }
        }
        // What is said nowhere else finds its place in a WebP's EXIF.
        let mut bare = photo(&picture);
        (bare.metadata.exif, bare.metadata.xmp) = (None, None);
        let options = FileOptions { says_edited: false, ..FileOptions::of_photo(Some(&bare)) };
        let (lines, _) = found(&encode(&picture, Format::WebP, &options).unwrap());
        assert_eq!(lines, ["IPTC: title", "IPTC: place", "dots per inch", "profile"]);
    }

    #[test]
    fn places_are_left_out_of_iptc() {
        let record = |number: u8, text: &str| [&[0x1c, 2, number, 0, text.len() as u8], text.as_bytes()].concat();
        let all = [record(5, "a title"), record(90, "a village"), record(80, "an author")].concat();
        assert_eq!(without_place(&all), [record(5, "a title"), record(80, "an author")].concat());
        for end in 0..all.len() {
            without_place(&all[..end]);
        }
    }
}
