//! Writes pictures to files that every viewer opens.

use std::path::{Path, PathBuf};

use stylemap::checkpoint::write_whole;

/// Said in every exported picture: it shows a face that no camera saw.
const COMMENT: &str = "This picture was edited with Stylebrush.";

/// Writes RGBA pixels (their alpha is left out) as a PNG marked as sRGB, with a text chunk that says what made it. A full
/// disk or a crash never leaves a broken picture, or takes one that was there before.
///
/// # Errors
/// When the file cannot be written, or `rgba` is not `size_px` x `size_px` pixels.
pub fn write_png(path: &Path, size_px: usize, rgba: &[u8]) -> anyhow::Result<()> {
    let png = encode_png(size_px, rgba)?;
    anyhow::ensure!(path.file_name().is_some(), "cannot export to {}: it names no file", path.display());
    write_whole(path, &png)?;
    Ok(())
}

fn encode_png(size_px: usize, rgba: &[u8]) -> anyhow::Result<Vec<u8>> {
    anyhow::ensure!(
        size_px > 0 && rgba.len() == size_px * size_px * 4,
        "the picture to export has {} bytes, which is not a square of {size_px} pixels",
        rgba.len()
    );
    let side = u32::try_from(size_px)?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    encoder.add_text_chunk("Software".to_owned(), format!("Stylebrush {}", env!("CARGO_PKG_VERSION")))?;
    encoder.add_text_chunk("Comment".to_owned(), COMMENT.to_owned())?;
    let mut writer = encoder.write_header()?;
    let rgb: Vec<u8> = rgba.chunks_exact(4).flat_map(|pixel| pixel.iter().take(3).copied()).collect();
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(bytes)
}

/// The path with `.png` where it has no extension.
pub fn with_png_extension(path: PathBuf) -> PathBuf {
    if path.extension().is_none() { path.with_extension("png") } else { path }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::File;

    use super::*;

    #[test]
    fn an_exported_png_is_valid_and_says_what_made_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.png");
        let rgba: Vec<u8> = (0..8 * 8).flat_map(|i| [i as u8 * 3, 255 - i as u8, 7, 255]).collect();
        write_png(&path, 8, &rgba).unwrap();

        let reader = png::Decoder::new(std::io::BufReader::new(File::open(&path).unwrap())).read_info().unwrap();
        let info = reader.info();
        assert_eq!((info.width, info.height, info.color_type), (8, 8, png::ColorType::Rgb));
        assert!(info.srgb.is_some());
        assert!(info.uncompressed_latin1_text.iter().any(|chunk| chunk.text.contains("Stylebrush")));
        let pixels = image::open(&path).unwrap().to_rgba8();
        assert_eq!(pixels.as_raw(), &rgba);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the temporary file is gone");
    }

    #[test]
    fn a_failed_export_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("no such folder").join("out.png");
        let err = write_png(&missing, 1, &[0; 4]).unwrap_err();
        assert!(format!("{err:#}").starts_with("cannot write"), "{err:#}");
        // A folder in the picture's place: the rename fails after the bytes are written.
        let taken = folder.path().join("taken.png");
        std::fs::create_dir(&taken).unwrap();
        assert!(write_png(&taken, 1, &[0; 4]).is_err());
        assert!(write_png(&folder.path().join("short.png"), 2, &[0; 4]).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
