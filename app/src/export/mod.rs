//! Writes pictures to files that every viewer opens: with the colours, the depth and the words of the photo that they were, and
//! marked as edited.

pub mod animation;
mod change;
mod edited;
pub mod folder;
mod jpeg;
pub mod name;
mod picture;
mod png;
pub mod size;
mod tiff;
mod webp;
mod webp_animation;
mod words;
mod xmp;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use stylemap::files::write_whole;
use stylemap::photo::PhotoFile;

use crate::document::{CANVAS_SIZE_PX, MaskImage};

pub use change::change_layer;
pub use edited::{picture_of, write_edit};
pub use name::NameTemplate;
pub use picture::Picture;
pub use size::ExportSize;
pub use words::MetadataChoice;

const SOFTWARE: &str = concat!("Stylebrush ", env!("CARGO_PKG_VERSION"));
/// Said in every picture: it shows a face that no camera saw.
const COMMENT: &str = "This picture was edited with Stylebrush.";
/// JPEG files of pictures that were none are written with this quality unless told otherwise, in percent.
pub const JPEG_QUALITY: u8 = 95;

/// The kinds of picture that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Without loss, and read everywhere.
    #[default]
    Png,
    /// Small files, with a little loss.
    Jpeg,
    /// Lossless and small.
    WebP,
    /// Without loss, for other editors.
    Tiff,
}

impl Format {
    /// The kind that a file's name asks for.
    ///
    /// # Errors
    /// When the name ends in no kind that is written.
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("png") => Ok(Self::Png),
            Some("jpg" | "jpeg") => Ok(Self::Jpeg),
            Some("webp") => Ok(Self::WebP),
            Some("tif" | "tiff") => Ok(Self::Tiff),
            _ => anyhow::bail!("cannot write {}: the name must end in .png, .jpg, .webp or .tif", path.display()),
        }
    }

    /// How names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
            Self::Tiff => "tif",
        }
    }

    /// Whether such files can have sixteen bits per colour.
    pub fn has_16_bits(self) -> bool {
        matches!(self, Self::Png | Self::Tiff)
    }

    /// Whether such files can be transparent.
    pub fn has_transparency(self) -> bool {
        self != Self::Jpeg
    }
}

/// What a picture's file holds beside its pixels, and how it holds them.
#[derive(Clone, Copy, Debug)]
pub struct FileOptions<'a> {
    /// The file of the photo whose numbers these are: its colours, its words and its compression go into the new one. None: a
    /// picture in sRGB.
    pub photo: Option<&'a PhotoFile>,
    /// What of the photo's words is kept.
    pub metadata: MetadataChoice,
    /// In percent, for JPEG alone; none as the photo had it, else [`JPEG_QUALITY`].
    pub jpeg_quality: Option<u8>,
    /// Whether the file says that the picture was edited and with what.
    pub says_edited: bool,
    /// Whether colours of sixteen bits are written with eight.
    pub eight_bits: bool,
}

impl Default for FileOptions<'_> {
    fn default() -> Self {
        Self { photo: None, metadata: MetadataChoice::Keep, jpeg_quality: None, says_edited: true, eight_bits: false }
    }
}

impl<'a> FileOptions<'a> {
    /// As ever, for a picture in the numbers of this photo.
    pub fn of_photo(photo: Option<&'a PhotoFile>) -> Self {
        Self { photo, ..Self::default() }
    }
}

/// Writes a picture whole or not at all: a full disk or a crash never leaves a broken one, or takes one that was there.
///
/// # Errors
/// When the file cannot be written.
pub fn write<'a>(
    path: &Path,
    picture: impl Into<Picture<'a>>,
    format: Format,
    options: &FileOptions<'_>,
) -> anyhow::Result<()> {
    let bytes = encode(picture, format, options).with_context(|| format!("cannot write {}", path.display()))?;
    anyhow::ensure!(path.file_name().is_some(), "cannot write {}: it names no file", path.display());
    Ok(write_whole(path, &bytes)?)
}

/// Writes a mask as an 8 bit grayscale PNG of the canvas's size, white where it is painted.
///
/// # Errors
/// When the file cannot be written, or its name does not end in `.png`.
pub fn write_mask(path: &Path, mask: &MaskImage) -> anyhow::Result<()> {
    ensure_mask_name(path)?;
    let side = u32::try_from(CANVAS_SIZE_PX)?;
    let bytes =
        encode_gray(side, side, &mask.to_values()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(write_whole(path, &bytes)?)
}

/// Writes a mask over a whole photo as a grayscale PNG file.
///
/// # Errors
/// As [`write_mask`].
pub fn write_photo_mask(path: &Path, mask: &image::GrayImage) -> anyhow::Result<()> {
    ensure_mask_name(path)?;
    let bytes = encode_gray(mask.width(), mask.height(), mask.as_raw());
    Ok(write_whole(path, &bytes.with_context(|| format!("cannot write {}", path.display()))?)?)
}

fn ensure_mask_name(path: &Path) -> anyhow::Result<()> {
    let is_png = Format::of(path).is_ok_and(|format| format == Format::Png);
    anyhow::ensure!(is_png, "cannot write {}: the name of a mask must end in .png", path.display());
    Ok(())
}

fn encode_gray(width: u32, height: u32, values: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(::png::ColorType::Grayscale);
    encoder.set_depth(::png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(values)?;
    writer.finish()?;
    Ok(bytes)
}

/// The path with `.png` where it has no extension.
pub fn with_png_extension(path: PathBuf) -> PathBuf {
    if path.extension().is_none() { path.with_extension("png") } else { path }
}

/// A picture as the bytes of a file.
///
/// # Errors
/// When the picture is too large for the format.
pub fn encode<'a>(
    picture: impl Into<Picture<'a>>,
    format: Format,
    options: &FileOptions<'_>,
) -> anyhow::Result<Vec<u8>> {
    let mut picture = picture.into();
    let narrow;
    if options.eight_bits && picture.is_16_bit() {
        narrow = picture.narrow().into_owned();
        picture = picture.with_8_bits(&narrow);
    }
    match format {
        Format::Png => png::encode(&picture, options),
        Format::Jpeg => jpeg::encode(&picture, options),
        Format::WebP => webp::encode(&picture, options),
        Format::Tiff => tiff::encode(&picture, options),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Cursor;

    use image::{Rgb, RgbImage};
    use stylemap::photo;

    use super::*;

    fn picture() -> RgbImage {
        RgbImage::from_fn(8, 8, |x, y| Rgb([x as u8 * 30, y as u8 * 30, 77]))
    }

    #[test]
    fn every_format_decodes_and_says_what_made_it() {
        for format in [Format::Png, Format::Jpeg, Format::WebP, Format::Tiff] {
            for says_edited in [true, false] {
                let options = FileOptions { says_edited, ..FileOptions::default() };
                let bytes = encode(&picture(), format, &options).unwrap();
                let decoded = image::load_from_memory(&bytes).unwrap().to_rgb8();
                assert_eq!(decoded.dimensions(), (8, 8));
                assert!(format == Format::Jpeg || decoded == picture(), "{format:?} is not lossless");
                for text in [SOFTWARE, COMMENT] {
                    let is_said = bytes.windows(text.len()).any(|window| window == text.as_bytes());
                    assert_eq!(is_said, says_edited, "{format:?}: {text}");
                }
            }
        }
        let bytes = encode(&picture(), Format::Png, &FileOptions::default()).unwrap();
        let reader = ::png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
        assert!(reader.info().srgb.is_some());
    }

    #[test]
    fn sixteen_bits_stay_unless_eight_are_wanted() {
        let deep = image::DynamicImage::ImageRgb16(image::ImageBuffer::from_fn(8, 8, |x, y| {
            Rgb([x as u16 * 8_000, y as u16 * 8_001, 300])
        }));
        for format in [Format::Png, Format::Tiff] {
            for eight_bits in [false, true] {
                let bytes = encode(&deep, format, &FileOptions { eight_bits, ..FileOptions::default() }).unwrap();
                let decoded = image::load_from_memory(&bytes).unwrap();
                let wanted = if eight_bits { deep.to_rgb8().into() } else { deep.clone() };
                assert_eq!(decoded, wanted, "{format:?}");
            }
        }
    }

    #[test]
    fn a_jpeg_of_less_quality_is_smaller() {
        let of = |jpeg_quality| {
            let options = FileOptions { jpeg_quality: Some(jpeg_quality), ..FileOptions::default() };
            encode(&picture(), Format::Jpeg, &options).unwrap().len()
        };
        assert!(of(20) < of(95) && of(0) <= of(1) && of(255) == of(100), "numbers out of range are brought into it");
    }

    #[test]
    fn a_profile_comes_back_from_every_format() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = PhotoFile::new(&picture());
        // Only the header's colour space is looked at.
        let mut profile: Vec<u8> = (0..200).collect();
        profile[16..20].copy_from_slice(b"RGB ");
        file.colours.icc_profile = Some(profile.clone());
        let profile_of = |path: &Path| photo::open(path).unwrap().file.colours.icc_profile;
        for (name, format) in
            [("a.png", Format::Png), ("a.jpg", Format::Jpeg), ("a.webp", Format::WebP), ("a.tif", Format::Tiff)]
        {
            let path = folder.path().join(name);
            write(&path, &picture(), format, &FileOptions::of_photo(Some(&file))).unwrap();
            assert_eq!(profile_of(&path).as_ref(), Some(&profile), "{name}");
            write(&path, &picture(), format, &FileOptions::default()).unwrap();
            assert_eq!(profile_of(&path), None, "{name}");
        }
        profile[16..20].copy_from_slice(b"GRAY");
        file.colours.icc_profile = Some(profile);
        let path = folder.path().join("gray.png");
        write(&path, &picture(), Format::Png, &FileOptions::of_photo(Some(&file))).unwrap();
        assert_eq!(profile_of(&path), None, "the pixels are no gray");
    }

    #[test]
    fn a_picture_too_long_for_its_format_is_a_sentence() {
        let line = RgbImage::new(webp::MAX_SIDE_PX + 1, 1);
        let err = encode(&line, Format::WebP, &FileOptions::default()).unwrap_err().to_string();
        assert!(err.contains("16385 x 1") && err.contains(".png"), "{err}");
        for format in [Format::Png, Format::Jpeg] {
            encode(&line, format, &FileOptions::default()).unwrap();
        }
        encode(&RgbImage::new(1, webp::MAX_SIDE_PX), Format::WebP, &FileOptions::default()).unwrap();
    }

    #[test]
    fn a_failed_export_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no such folder").join("out.png");
        let write = |path: &Path| write(path, &picture(), Format::Png, &FileOptions::default());
        let err = write(&missing).unwrap_err();
        assert!(format!("{err:#}").starts_with("cannot write"), "{err:#}");
        // A folder in the picture's place: the rename fails after the bytes are written.
        let taken = folder.path().join("taken.png");
        std::fs::create_dir(&taken).unwrap();
        assert!(write(&taken).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
