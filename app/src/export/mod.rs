//! Writes pictures to files that every viewer opens, marked as sRGB and as edited.

pub mod animation;
pub mod folder;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _, RgbImage};
use stylemap::checkpoint::write_whole;
use stylemap::photo;

use crate::document::{CANVAS_SIZE_PX, MaskImage};

const SOFTWARE: &str = concat!("Stylebrush ", env!("CARGO_PKG_VERSION"));
/// Said in every picture: it shows a face that no camera saw.
const COMMENT: &str = "This picture was edited with Stylebrush.";
const JPEG_QUALITY: u8 = 95;
/// WebP has no room for a longer side.
const MAX_WEBP_SIDE_PX: u32 = 16_384;

/// The kinds of picture that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Lossless.
    Png,
    /// Small.
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
}

/// Writes a picture whole or not at all: a full disk or a crash never leaves a broken one, or takes one that was there.
/// Without an ICC profile the colours are sRGB.
///
/// # Errors
/// When the file cannot be written.
pub fn write(path: &Path, picture: &RgbImage, format: Format, icc_profile: Option<&[u8]>) -> anyhow::Result<()> {
    let bytes = encode(picture, format, icc_profile).with_context(|| format!("cannot write {}", path.display()))?;
    anyhow::ensure!(path.file_name().is_some(), "cannot write {}: it names no file", path.display());
    Ok(write_whole(path, &bytes)?)
}

/// Writes a frame (RGBA, its alpha is left out) as the file's name asks.
///
/// # Errors
/// When the name ends in no kind that is written, the file cannot be written, or `rgba` is not `size_px` x `size_px` pixels.
pub fn write_frame(path: &Path, size_px: usize, rgba: &[u8]) -> anyhow::Result<()> {
    write(path, &photo::rgb_from_rgba(rgba, size_px)?, Format::of(path)?, None)
}

/// Writes a mask as an 8 bit grayscale PNG of the canvas's size, white where it is painted.
///
/// # Errors
/// When the file cannot be written, or its name does not end in `.png`.
pub fn write_mask(path: &Path, mask: &MaskImage) -> anyhow::Result<()> {
    let is_png = Format::of(path).is_ok_and(|format| format == Format::Png);
    anyhow::ensure!(is_png, "cannot write {}: the name of a mask must end in .png", path.display());
    let bytes = encode_mask(mask).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(write_whole(path, &bytes)?)
}

fn encode_mask(mask: &MaskImage) -> anyhow::Result<Vec<u8>> {
    let side = u32::try_from(CANVAS_SIZE_PX)?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&mask.to_values())?;
    writer.finish()?;
    Ok(bytes)
}

/// The path with `.png` where it has no extension.
pub fn with_png_extension(path: PathBuf) -> PathBuf {
    if path.extension().is_none() { path.with_extension("png") } else { path }
}

/// A picture as the bytes of a file, with a text that says what made it. Without an ICC profile the colours are sRGB.
///
/// # Errors
/// When the picture is too large for the format.
pub fn encode(picture: &RgbImage, format: Format, icc_profile: Option<&[u8]>) -> anyhow::Result<Vec<u8>> {
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
            encoder.add_text_chunk("Software".to_owned(), SOFTWARE.to_owned())?;
            encoder.add_text_chunk("Comment".to_owned(), COMMENT.to_owned())?;
            let mut writer = encoder.write_header()?;
            writer.write_image_data(picture.as_raw())?;
            writer.finish()?;
        }
        Format::Jpeg => {
            let mut encoder = JpegEncoder::new_with_quality(Cursor::new(&mut bytes), JPEG_QUALITY);
            encoder.set_exif_metadata(exif()?)?;
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
            encoder.set_exif_metadata(exif()?)?;
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

    use super::*;

    fn picture() -> RgbImage {
        RgbImage::from_fn(8, 8, |x, y| Rgb([x as u8 * 30, y as u8 * 30, 77]))
    }

    #[test]
    fn every_format_decodes_and_says_what_made_it() {
        for format in [Format::Png, Format::Jpeg, Format::WebP] {
            let bytes = encode(&picture(), format, None).unwrap();
            let decoded = image::load_from_memory(&bytes).unwrap().to_rgb8();
            assert_eq!(decoded.dimensions(), (8, 8));
            assert!(format == Format::Jpeg || decoded == picture(), "{format:?} is not lossless");
            for text in [SOFTWARE, COMMENT] {
                assert!(bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{format:?}: {text}");
            }
        }
        let bytes = encode(&picture(), Format::Png, None).unwrap();
        let reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
        assert!(reader.info().srgb.is_some());
    }

    #[test]
    fn a_profile_comes_back_from_every_format() {
        let folder = tempfile::tempdir().unwrap();
        // Only the header's colour space is looked at.
        let mut profile: Vec<u8> = (0..200).collect();
        profile[16..20].copy_from_slice(b"RGB ");
        for (name, format) in [("a.png", Format::Png), ("a.jpg", Format::Jpeg), ("a.webp", Format::WebP)] {
            let path = folder.path().join(name);
            write(&path, &picture(), format, Some(&profile)).unwrap();
            assert_eq!(photo::open(&path).unwrap().icc_profile.as_ref(), Some(&profile), "{name}");
            write(&path, &picture(), format, None).unwrap();
            assert_eq!(photo::open(&path).unwrap().icc_profile, None, "{name}");
        }
        profile[16..20].copy_from_slice(b"GRAY");
        let path = folder.path().join("gray.png");
        write(&path, &picture(), Format::Png, Some(&profile)).unwrap();
        assert_eq!(photo::open(&path).unwrap().icc_profile, None, "the pixels are no longer gray");
    }

    #[test]
    fn a_picture_too_long_for_its_format_is_a_sentence() {
        let line = RgbImage::new(MAX_WEBP_SIDE_PX + 1, 1);
        let err = encode(&line, Format::WebP, None).unwrap_err().to_string();
        assert!(err.contains("16385 x 1") && err.contains(".png"), "{err}");
        for format in [Format::Png, Format::Jpeg] {
            encode(&line, format, None).unwrap();
        }
        encode(&RgbImage::new(1, MAX_WEBP_SIDE_PX), Format::WebP, None).unwrap();
    }

    #[test]
    fn a_failed_export_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no such folder").join("out.png");
        let err = write_frame(&missing, 1, &[0; 4]).unwrap_err();
        assert!(format!("{err:#}").starts_with("cannot write"), "{err:#}");
        // A folder in the picture's place: the rename fails after the bytes are written.
        let taken = folder.path().join("taken.png");
        std::fs::create_dir(&taken).unwrap();
        assert!(write_frame(&taken, 1, &[0; 4]).is_err());
        assert!(write_frame(&folder.path().join("short.png"), 2, &[0; 4]).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
