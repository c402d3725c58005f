//! Files that the commands write: checked before any work, written whole or not at all.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageEncoder as _, RgbImage};
use stylemap::checkpoint::write_whole;

const SOFTWARE: &str = concat!("Stylebrush ", env!("CARGO_PKG_VERSION"));
/// Said in every picture: it shows a face that no camera saw.
const COMMENT: &str = "This picture was edited with Stylebrush.";
const JPEG_QUALITY: u8 = 95;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Png,
    Jpeg,
    WebP,
}

/// A picture to be written.
#[derive(Debug)]
pub struct PictureFile {
    path: PathBuf,
    format: Format,
}

impl PictureFile {
    /// Checks that a picture can go there.
    ///
    /// # Errors
    /// When the name ends in no format that can be written, or the folder does not exist.
    pub fn new(path: &Path) -> anyhow::Result<Self> {
        let format = match extension(path).as_str() {
            "png" => Format::Png,
            "jpg" | "jpeg" => Format::Jpeg,
            "webp" => Format::WebP,
            _ => anyhow::bail!("cannot write {}: the name must end in .png, .jpg or .webp", path.display()),
        };
        check_place(path)?;
        Ok(Self { path: path.to_owned(), format })
    }

    /// Writes it.
    pub fn write(&self, picture: &RgbImage) -> anyhow::Result<()> {
        let bytes = encode(picture, self.format).with_context(|| format!("cannot write {}", self.path.display()))?;
        Ok(write_whole(&self.path, &bytes)?)
    }
}

/// Checks that a safetensors file can go there.
///
/// # Errors
/// When the name ends in something else, or the folder does not exist.
pub fn check_safetensors(path: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(
        extension(path) == "safetensors",
        "cannot write {}: the name must end in .safetensors",
        path.display()
    );
    check_place(path)
}

fn extension(path: &Path) -> String {
    path.extension().map(|extension| extension.to_string_lossy().to_lowercase()).unwrap_or_default()
}

fn check_place(path: &Path) -> anyhow::Result<()> {
    anyhow::ensure!(!path.is_dir(), "cannot write {}: it is a folder", path.display());
    check_folder_of(path)
}

fn check_folder_of(path: &Path) -> anyhow::Result<()> {
    let folder = folder_of(path);
    anyhow::ensure!(folder.is_dir(), "cannot write {}: there is no folder {}", path.display(), folder.display());
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A folder of numbered pictures. They are written to a folder of their own and moved when all are there: a failure leaves
/// none.
#[derive(Debug)]
pub struct PictureFolder {
    path: PathBuf,
    staging: PathBuf,
    digits: usize,
    names: Vec<String>,
}

impl PictureFolder {
    /// Checks that `count` pictures can go there; a folder that does not exist is made, inside one that does.
    ///
    /// # Errors
    /// When that folder does not exist either, or `path` is a file.
    pub fn new(path: &Path, count: usize) -> anyhow::Result<Self> {
        anyhow::ensure!(
            path.is_dir() || !path.exists(),
            "cannot write pictures to {}: it is a file, and must be a folder",
            path.display()
        );
        if !path.is_dir() {
            check_folder_of(path)?;
        }
        let parent = if path.is_dir() { path } else { folder_of(path) };
        let staging = parent.join(format!(".stylebrush-{}.part", std::process::id()));
        Ok(Self { path: path.to_owned(), staging, digits: count.to_string().len().max(4), names: Vec::new() })
    }

    /// Writes the next picture.
    pub fn add(&mut self, picture: &RgbImage) -> anyhow::Result<()> {
        let name = format!("{:0digits$}.png", self.names.len() + 1, digits = self.digits);
        let cannot = || format!("cannot write {name} to {}", self.path.display());
        let bytes = encode(picture, Format::Png).with_context(cannot)?;
        std::fs::create_dir_all(&self.staging).with_context(cannot)?;
        std::fs::write(self.staging.join(&name), bytes).with_context(cannot)?;
        self.names.push(name);
        Ok(())
    }

    /// Gives the pictures their place.
    pub fn finish(self) -> anyhow::Result<()> {
        let cannot = || format!("cannot write pictures to {}", self.path.display());
        std::fs::create_dir_all(&self.path).with_context(cannot)?;
        for name in &self.names {
            std::fs::rename(self.staging.join(name), self.path.join(name)).with_context(cannot)?;
        }
        Ok(())
    }
}

impl Drop for PictureFolder {
    fn drop(&mut self) {
        // It is not there if nothing was written.
        let _ = std::fs::remove_dir_all(&self.staging);
    }
}

fn encode(picture: &RgbImage, format: Format) -> anyhow::Result<Vec<u8>> {
    let (width, height) = picture.dimensions();
    let mut bytes = Vec::new();
    match format {
        Format::Png => {
            let mut encoder = png::Encoder::new(&mut bytes, width, height);
            encoder.set_color(png::ColorType::Rgb);
            encoder.set_depth(png::BitDepth::Eight);
            encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
            encoder.add_text_chunk("Software".to_owned(), SOFTWARE.to_owned())?;
            encoder.add_text_chunk("Comment".to_owned(), COMMENT.to_owned())?;
            let mut writer = encoder.write_header()?;
            writer.write_image_data(picture.as_raw())?;
            writer.finish()?;
        }
        Format::Jpeg => {
            let mut encoder = JpegEncoder::new_with_quality(Cursor::new(&mut bytes), JPEG_QUALITY);
            encoder.set_exif_metadata(exif()?)?;
            encoder.write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8)?;
        }
        Format::WebP => {
            let mut encoder = WebPEncoder::new_lossless(Cursor::new(&mut bytes));
            encoder.set_exif_metadata(exif()?)?;
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
            let bytes = encode(&picture(), format).unwrap();
            let decoded = image::load_from_memory(&bytes).unwrap().to_rgb8();
            assert_eq!(decoded.dimensions(), (8, 8));
            assert!(format == Format::Jpeg || decoded == picture(), "{format:?} is not lossless");
            for text in [SOFTWARE, COMMENT] {
                assert!(bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{format:?}: {text}");
            }
        }
        let bytes = encode(&picture(), Format::Png).unwrap();
        let reader = png::Decoder::new(Cursor::new(bytes)).read_info().unwrap();
        assert!(reader.info().srgb.is_some());
    }

    #[test]
    fn an_abandoned_folder_of_pictures_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frames");
        let mut frames = PictureFolder::new(&path, 2).unwrap();
        frames.add(&picture()).unwrap();
        drop(frames);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let mut frames = PictureFolder::new(&path, 20_000).unwrap();
        frames.add(&picture()).unwrap();
        frames.finish().unwrap();
        assert!(path.join("00001.png").is_file());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(PictureFolder::new(&folder.path().join("no/such"), 2).is_err());
    }
}
