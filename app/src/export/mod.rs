//! Writes pictures to files that every viewer opens, marked as sRGB and as edited.

pub mod animation;
pub mod folder;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use crate::document::{CANVAS_SIZE_PX, MaskImage};
use anyhow::Context as _;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _, RgbImage};
use serde::{Deserialize, Serialize};
use stylemap::files::write_whole;

const SOFTWARE: &str = concat!("Stylebrush ", env!("CARGO_PKG_VERSION"));
/// Said in every picture: it shows a face that no camera saw.
const COMMENT: &str = "This picture was edited with Stylebrush.";
/// JPEG files are written with this much of the picture unless told otherwise, in percent.
pub const JPEG_QUALITY: u8 = 95;
/// WebP has no room for a longer side.
const MAX_WEBP_SIDE_PX: u32 = 16_384;

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
            _ => anyhow::bail!("cannot write {}: the name must end in .png, .jpg or .webp", path.display()),
        }
    }

    /// How names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::WebP => "webp",
        }
    }
}

/// What a picture's file holds beside its pixels, and how it holds them.
#[derive(Clone, Copy, Debug)]
pub struct FileOptions<'a> {
    /// What the colours mean; none is sRGB.
    pub icc_profile: Option<&'a [u8]>,
    /// In percent, for JPEG alone.
    pub jpeg_quality: u8,
    /// Whether the file says that the picture was edited and with what.
    pub says_edited: bool,
}

impl Default for FileOptions<'_> {
    fn default() -> Self {
        Self { icc_profile: None, jpeg_quality: JPEG_QUALITY, says_edited: true }
    }
}

impl<'a> FileOptions<'a> {
    /// As ever, for a picture with these colours.
    pub fn with_profile(icc_profile: Option<&'a [u8]>) -> Self {
        Self { icc_profile, ..Self::default() }
    }
}

/// Writes a picture whole or not at all: a full disk or a crash never leaves a broken one, or takes one that was there.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, picture: &RgbImage, format: Format, options: &FileOptions<'_>) -> anyhow::Result<()> {
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
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
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
pub fn encode(picture: &RgbImage, format: Format, options: &FileOptions<'_>) -> anyhow::Result<Vec<u8>> {
    let FileOptions { icc_profile, jpeg_quality, says_edited } = *options;
    let (width, height) = picture.dimensions();
    let mut bytes = Vec::new();
    match format {
        Format::Png => {
            let mut info = png::Info::with_size(width, height);
            info.color_type = png::ColorType::Rgb;
            info.bit_depth = png::BitDepth::Eight;
            info.icc_profile = icc_profile.map(Into::into);
            let mut encoder = png::Encoder::with_info(&mut bytes, info)?;
            // A file says what its colours are once.
            if icc_profile.is_none() {
                encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
            }
            if says_edited {
                encoder.add_text_chunk("Software".to_owned(), SOFTWARE.to_owned())?;
                encoder.add_text_chunk("Comment".to_owned(), COMMENT.to_owned())?;
            }
            let mut writer = encoder.write_header()?;
            writer.write_image_data(picture.as_raw())?;
            writer.finish()?;
        }
        Format::Jpeg => {
            let mut encoder = JpegEncoder::new_with_quality(Cursor::new(&mut bytes), jpeg_quality.clamp(1, 100));
            if says_edited {
                encoder.set_exif_metadata(exif()?)?;
            }
            if let Some(profile) = icc_profile {
                encoder.set_icc_profile(profile.to_vec())?;
            }
            encoder.write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8)?;
        }
        Format::WebP => {
            anyhow::ensure!(
                width.max(height) <= MAX_WEBP_SIDE_PX,
                "a WebP file has at most {MAX_WEBP_SIDE_PX} pixels to a side, and this picture is {width} x {height}: \
                 write a .png or .jpg"
            );
            let mut encoder = WebPEncoder::new_lossless(Cursor::new(&mut bytes));
            if says_edited {
                encoder.set_exif_metadata(exif()?)?;
            }
            if let Some(profile) = icc_profile {
                encoder.set_icc_profile(profile.to_vec())?;
            }
            encoder.write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8)?;
        }
    }
    Ok(bytes)
}

/// What the text chunks of a PNG say, as EXIF: a little-endian TIFF header and one directory of two texts.
fn exif() -> anyhow::Result<Vec<u8>> {
    const IMAGE_DESCRIPTION: u16 = 0x010e;
    const SOFTWARE_TAG: u16 = 0x0131;
    const ASCII: u16 = 2;
    let entries = [(IMAGE_DESCRIPTION, COMMENT), (SOFTWARE_TAG, SOFTWARE)];
    let header_len = 8;
    let mut bytes = b"II\x2a\0\x08\0\0\0".to_vec();
    let directory_len = 2 + 12 * entries.len() + 4;
    let mut texts = Vec::new();
    bytes.extend(u16::try_from(entries.len())?.to_le_bytes());
    for (tag, text) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(ASCII.to_le_bytes());
        bytes.extend(u32::try_from(text.len() + 1)?.to_le_bytes());
        bytes.extend(u32::try_from(header_len + directory_len + texts.len())?.to_le_bytes());
        texts.extend(text.bytes().chain([0]));
    }
    bytes.extend([0; 4]);
    bytes.extend(texts);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::Rgb;
    use stylemap::photo;

    use super::*;

    fn picture() -> RgbImage {
        RgbImage::from_fn(8, 8, |x, y| Rgb([x as u8 * 30, y as u8 * 30, 77]))
    }

    #[test]
    fn every_format_decodes_and_says_what_made_it() {
        for format in [Format::Png, Format::Jpeg, Format::WebP] {
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
        let reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
        assert!(reader.info().srgb.is_some());
    }

    #[test]
    fn a_jpeg_of_less_quality_is_smaller() {
        let of = |jpeg_quality| {
            let options = FileOptions { jpeg_quality, ..FileOptions::default() };
            encode(&picture(), Format::Jpeg, &options).unwrap().len()
        };
        assert!(of(20) < of(95) && of(0) <= of(1) && of(255) == of(100), "numbers out of range are brought into it");
    }

    #[test]
    fn a_profile_comes_back_from_every_format() {
        let folder = tempfile::tempdir().unwrap();
        // Only the header's colour space is looked at.
        let mut profile: Vec<u8> = (0..200).collect();
        profile[16..20].copy_from_slice(b"RGB ");
        for (name, format) in [("a.png", Format::Png), ("a.jpg", Format::Jpeg), ("a.webp", Format::WebP)] {
            let path = folder.path().join(name);
            write(&path, &picture(), format, &FileOptions::with_profile(Some(&profile))).unwrap();
            assert_eq!(photo::open(&path).unwrap().icc_profile.as_ref(), Some(&profile), "{name}");
            write(&path, &picture(), format, &FileOptions::default()).unwrap();
            assert_eq!(photo::open(&path).unwrap().icc_profile, None, "{name}");
        }
        profile[16..20].copy_from_slice(b"GRAY");
        let path = folder.path().join("gray.png");
        write(&path, &picture(), Format::Png, &FileOptions::with_profile(Some(&profile))).unwrap();
        assert_eq!(photo::open(&path).unwrap().icc_profile, None, "the pixels are no longer gray");
    }

    #[test]
    fn a_picture_too_long_for_its_format_is_a_sentence() {
        let line = RgbImage::new(MAX_WEBP_SIDE_PX + 1, 1);
        let err = encode(&line, Format::WebP, &FileOptions::default()).unwrap_err().to_string();
        assert!(err.contains("16385 x 1") && err.contains(".png"), "{err}");
        for format in [Format::Png, Format::Jpeg] {
            encode(&line, format, &FileOptions::default()).unwrap();
        }
        encode(&RgbImage::new(1, MAX_WEBP_SIDE_PX), Format::WebP, &FileOptions::default()).unwrap();
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
