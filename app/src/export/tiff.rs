//! TIFF, with 16 bits where the photo has them.

use std::io::Cursor;

use tiff::encoder::colortype::{self, ColorType};
use tiff::encoder::{Compression, DeflateLevel, ImageEncoder, Rational, TiffEncoder, TiffKind, TiffValue};
use tiff::tags::{ResolutionUnit, Tag};

use super::picture::Picture;
use super::words::Words;
use super::{COMMENT, FileOptions, SOFTWARE};

const XMP: u16 = 700;
const IPTC: u16 = 33_723;
const ICC_PROFILE: u16 = 34_675;
const EXTRA_SAMPLES: u16 = 338;
/// Colours are not multiplied with their transparency.
const UNASSOCIATED_ALPHA: u16 = 2;

pub(super) fn encode(picture: &Picture<'_>, options: &FileOptions<'_>) -> anyhow::Result<Vec<u8>> {
    let words = Words::new(picture, options, usize::MAX, false);
    let profile = options.photo.and_then(|photo| photo.colours.to_icc_profile(picture.is_gray()));
    let tags = Tags { words, profile, says_edited: options.says_edited, has_alpha: picture.has_alpha() };
    let mut bytes = Vec::new();
    let mut encoder = TiffEncoder::new(Cursor::new(&mut bytes))?
        .with_compression(Compression::Deflate(DeflateLevel::Balanced))
        .with_predictor(tiff::tags::Predictor::Horizontal);
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

struct Tags {
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
