//! TIFF, with 16 bits where the photo has them.

use std::io::Cursor;

use stylemap::photo::exif::{Directories, Exif, Field};
use tiff::Directory;
use tiff::encoder::colortype::{self, ColorType};
use tiff::encoder::{
    Compression, DeflateLevel, DirectoryEncoder, ImageEncoder, Rational, TiffEncoder, TiffKind, TiffValue,
};
use tiff::tags::{ResolutionUnit, Tag, Type};

use super::picture::Picture;
use super::words::{Room, Words};
use super::{COMMENT, FileOptions, SOFTWARE};

const XMP: u16 = 700;
const IPTC: u16 = 33_723;
const ICC_PROFILE: u16 = 34_675;
const EXIF_DIRECTORY: u16 = 34_665;
const GPS_DIRECTORY: u16 = 34_853;
const INTEROP_DIRECTORY: u16 = 40_965;
const EXTRA_SAMPLES: u16 = 338;
/// Colours are not multiplied with their transparency.
const UNASSOCIATED_ALPHA: u16 = 2;

const ROOM: Room = Room { exif_bytes: usize::MAX, has_texts: true, has_iptc: true, has_dots_per_inch: true };

pub(super) fn encode(picture: &Picture<'_>, options: &FileOptions<'_>) -> anyhow::Result<Vec<u8>> {
    let words = Words::new(picture, options, &ROOM);
    let profile = options.photo.and_then(|photo| photo.colours.to_icc_profile(picture.is_gray()));
    let mut bytes = Vec::new();
    let mut encoder = TiffEncoder::new(Cursor::new(&mut bytes))?
        .with_compression(Compression::Deflate(DeflateLevel::Balanced))
        .with_predictor(tiff::tags::Predictor::Horizontal);
    let tags = Tags {
        exif: OwnDirectories::write(&mut encoder, words.exif.as_deref())?,
        words,
        profile,
        says_edited: options.says_edited,
        has_alpha: picture.has_alpha(),
    };
    // A gray with transparency has no kind of its own there.
    let with_colours;
    let (wide, narrow) =
        if picture.is_16_bit() { (picture.wide(), None) } else { (Vec::new(), Some(picture.narrow())) };
    match (picture.is_gray(), picture.has_alpha(), &narrow) {
        (true, false, Some(narrow)) => tags.write::<colortype::Gray8, _>(&mut encoder, picture, narrow)?,
        (true, false, None) => tags.write::<colortype::Gray16, _>(&mut encoder, picture, &wide)?,
        (false, false, Some(narrow)) => tags.write::<colortype::RGB8, _>(&mut encoder, picture, narrow)?,
        (false, false, None) => tags.write::<colortype::RGB16, _>(&mut encoder, picture, &wide)?,
        (false, true, Some(narrow)) => tags.write::<colortype::RGBA8, _>(&mut encoder, picture, narrow)?,
        (false, true, None) => tags.write::<colortype::RGBA16, _>(&mut encoder, picture, &wide)?,
        (true, true, Some(narrow)) => {
            with_colours = coloured(narrow);
            tags.write::<colortype::RGBA8, _>(&mut encoder, picture, &with_colours)?;
        }
        (true, true, None) => tags.write::<colortype::RGBA16, _>(&mut encoder, picture, &coloured(&wide))?,
    }
    Ok(bytes)
}

fn coloured<T: Copy>(gray_and_alpha: &[T]) -> Vec<T> {
    gray_and_alpha.as_chunks::<2>().0.iter().flat_map(|[gray, alpha]| [*gray, *gray, *gray, *alpha]).collect()
}

/// What the photo's EXIF says, as the directories of a TIFF file.
#[derive(Default)]
struct OwnDirectories {
    root: Vec<Field>,
    /// Where the others are, by the tags that point to them.
    places: Vec<(u16, u32)>,
}

impl OwnDirectories {
    fn write(encoder: &mut TiffEncoder<Cursor<&mut Vec<u8>>>, exif: Option<&[u8]>) -> anyhow::Result<Self> {
        let Some(exif) = exif.and_then(Exif::new) else { return Ok(Self::default()) };
        let Directories { root, exif, gps, interop } = exif.directories();
        let mut write = |fields: &[Field], more: Option<(u16, u32)>| -> anyhow::Result<Option<u32>> {
            if fields.is_empty() && more.is_none() {
                return Ok(None);
            }
            let mut directory = encoder.extra_directory()?;
            add_fields(&mut directory, fields)?;
            if let Some((tag, place)) = more {
                directory.write_tag(Tag::from_u16_exhaustive(tag), place)?;
            }
            Ok(Some(directory.finish_with_offsets()?.offset))
        };
        let interop = write(&interop, None)?.map(|place| (INTEROP_DIRECTORY, place));
        let exif = write(&exif, interop)?.map(|place| (EXIF_DIRECTORY, place));
        let gps = write(&gps, None)?.map(|place| (GPS_DIRECTORY, place));
        Ok(Self { root, places: exif.into_iter().chain(gps).collect() })
    }
}

fn add_fields<K: TiffKind>(
    directory: &mut DirectoryEncoder<'_, Cursor<&mut Vec<u8>>, K>,
    fields: &[Field],
) -> anyhow::Result<()> {
    let mut added = Directory::empty();
    for Field { tag, kind, bytes } in fields {
        let Some(kind) = Type::from_u16(*kind) else { continue };
        let entry = directory.write_entry_bytes(kind, bytes)?;
        added.extend([(Tag::from_u16_exhaustive(*tag), entry)]);
    }
    directory.extend_from(&added);
    Ok(())
}

struct Tags {
    exif: OwnDirectories,
    words: Words,
    profile: Option<Vec<u8>>,
    says_edited: bool,
    has_alpha: bool,
}

impl Tags {
    fn write<C: ColorType<Inner = T>, T>(
        &self,
        encoder: &mut TiffEncoder<Cursor<&mut Vec<u8>>>,
        picture: &Picture<'_>,
        samples: &[T],
    ) -> anyhow::Result<()>
    where
        [T]: TiffValue,
    {
        let mut image: ImageEncoder<'_, _, C, _> = encoder.new_image::<C>(picture.width, picture.height)?;
        self.add_to(&mut image)?;
        image.write_data(samples)?;
        Ok(())
    }

    fn add_to<C: ColorType, K: TiffKind>(
        &self,
        image: &mut ImageEncoder<'_, Cursor<&mut Vec<u8>>, C, K>,
    ) -> anyhow::Result<()> {
        if let Some([x, y]) = self.words.dots_per_inch {
            let ratio = |dots: f32| Rational { n: (dots * 100.0).round() as u32, d: 100 };
            image.resolution_unit(ResolutionUnit::Inch);
            image.x_resolution(ratio(x));
            image.y_resolution(ratio(y));
        }
        let directory = image.encoder();
        add_fields(directory, &self.exif.root)?;
        for (tag, place) in &self.exif.places {
            directory.write_tag(Tag::from_u16_exhaustive(*tag), *place)?;
        }
        if self.has_alpha {
            directory.write_tag(Tag::from_u16_exhaustive(EXTRA_SAMPLES), UNASSOCIATED_ALPHA)?;
        }
        for (tag, bytes) in [
            (ICC_PROFILE, self.profile.as_deref()),
            (XMP, self.words.xmp.as_deref().map(str::as_bytes)),
            (IPTC, self.words.iptc.as_deref()),
        ] {
            if let Some(bytes) = bytes {
                directory.write_tag(Tag::from_u16_exhaustive(tag), bytes)?;
            }
        }
        if self.says_edited {
            directory.write_tag(Tag::Software, SOFTWARE)?;
            directory.write_tag(Tag::ImageDescription, COMMENT)?;
        }
        Ok(())
    }
}
