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

impl Words {
    /// `exif_limit`: what the format has room for. `only_exif_says`: whether the format has no other place for what we say.
    pub(super) fn new(
        picture: &Picture<'_>,
        options: &FileOptions<'_>,
        exif_limit: usize,
        only_exif_says: bool,
    ) -> Self {
        let nothing = Metadata::default();
        let metadata = options.photo.map_or(&nothing, |photo| &photo.metadata);
        let metadata = if options.metadata == MetadataChoice::Strip { &nothing } else { metadata };
        let without_location = options.metadata == MetadataChoice::LocationOff;
        let size_px = (picture.width, picture.height);
        let texts: &[(u16, &str)] =
            if options.says_edited { &[(IMAGE_DESCRIPTION, COMMENT), (SOFTWARE, PROGRAM)] } else { &[] };
        let thumbnail = metadata.exif.as_ref().and_then(|_| thumbnail(picture));
        let changes = ExifChanges { size_px, thumbnail: thumbnail.as_deref(), texts, without_location };
        let wanted = metadata.exif.is_some() || options.says_edited && only_exif_says;
        let exif = wanted.then(|| {
            let own = || metadata.exif.clone().unwrap_or_else(Exif::empty);
            let smaller = ExifChanges { thumbnail: None, ..changes.clone() };
            let all = [(own(), &changes), (own(), &smaller), (Exif::empty(), &smaller)];
            all.into_iter().map(|(exif, changes)| exif.changed(changes)).find(|bytes| bytes.len() <= exif_limit)
        });
        let xmp = metadata.xmp.as_deref().and_then(|packet| std::str::from_utf8(packet).ok());
        Self {
            exif: exif.flatten(),
            xmp: xmp.and_then(|packet| xmp::changed(packet, size_px, without_location)),
            iptc: metadata
                .iptc
                .as_deref()
                .map(|iptc| if without_location { without_place(iptc) } else { iptc.to_vec() }),
            dots_per_inch: metadata.dots_per_inch,
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
    use super::*;

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
