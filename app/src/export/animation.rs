//! Moving pictures: GIF, and PNG and WebP where every colour counts.

use std::io::Cursor;
use std::path::Path;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, DynamicImage, Frame, RgbImage};

use super::{COMMENT, SOFTWARE, webp_animation};

/// The kinds of moving picture that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnimationFormat {
    /// 256 colours to a picture, moves everywhere.
    #[default]
    Gif,
    /// APNG: lossless; viewers that do not know it show the first picture.
    Png,
    /// Lossless, and smaller than a PNG; moves in every browser.
    WebP,
}

impl AnimationFormat {
    /// The kind that a file's name asks for.
    ///
    /// # Errors
    /// When the name ends in no kind that is written.
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("gif") => Ok(Self::Gif),
            Some("png" | "apng") => Ok(Self::Png),
            Some("webp") => Ok(Self::WebP),
            _ => anyhow::bail!(
                "cannot write {}: a moving picture's name must end in .gif, .png or .webp",
                path.display()
            ),
        }
    }

    /// How names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Gif => "gif",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }
}

/// The pictures and then those between the ends on the way back, so that the loop has no jump.
pub fn there_and_back<T: Clone>(frames: &[T]) -> Vec<T> {
    let back = frames.iter().rev().skip(1).take(frames.len().saturating_sub(2));
    frames.iter().chain(back).cloned().collect()
}

/// Pictures of one size as a file that repeats for ever, each shown for `frame_ms` milliseconds. They are taken one after the
/// other, so that no more than one is in memory. A PNG and a WebP have room to say that they were edited and with what.
///
/// # Errors
/// When there are none, one fails or they differ in size.
pub fn encode(
    mut frames: impl ExactSizeIterator<Item = anyhow::Result<RgbImage>>,
    frame_ms: u16,
    format: AnimationFormat,
    says_edited: bool,
) -> anyhow::Result<Vec<u8>> {
    let count = u32::try_from(frames.len())?;
    let Some(first) = frames.next().transpose()? else { anyhow::bail!("there are no pictures to write") };
    let (width, height) = first.dimensions();
    let frames = std::iter::once(Ok(first)).chain(frames).map(|frame| {
        let frame = frame?;
        anyhow::ensure!(frame.dimensions() == (width, height), "the pictures differ in size");
        Ok(frame)
    });
    let mut bytes = Vec::new();
    match format {
        AnimationFormat::Gif => {
            // Ten looks at every tenth pixel for the palette: pictures of 512 px take a tenth of a second, not one.
            let mut encoder = GifEncoder::new_with_speed(&mut bytes, 10);
            encoder.set_repeat(Repeat::Infinite)?;
            for frame in frames {
                let rgba = DynamicImage::ImageRgb8(frame?).into_rgba8();
                let delay = Delay::from_numer_denom_ms(u32::from(frame_ms), 1);
                encoder.encode_frame(Frame::from_parts(rgba, 0, 0, delay))?;
            }
        }
        AnimationFormat::Png => {
            let mut encoder = ::png::Encoder::new(Cursor::new(&mut bytes), width, height);
            encoder.set_color(::png::ColorType::Rgb);
            encoder.set_depth(::png::BitDepth::Eight);
            encoder.set_source_srgb(::png::SrgbRenderingIntent::Perceptual);
            encoder.set_animated(count, 0)?;
            encoder.set_frame_delay(frame_ms, 1000)?;
            if says_edited {
                encoder.add_text_chunk("Software".to_owned(), SOFTWARE.to_owned())?;
                encoder.add_text_chunk("Comment".to_owned(), COMMENT.to_owned())?;
            }
            let mut writer = encoder.write_header()?;
            for frame in frames {
                writer.write_image_data(frame?.as_raw())?;
            }
            writer.finish()?;
        }
        AnimationFormat::WebP => bytes = webp_animation::encode(frames, (width, height), frame_ms, says_edited)?,
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::codecs::gif::GifDecoder;
    use image::codecs::png::PngDecoder;
    use image::codecs::webp::WebPDecoder;
    use image::{AnimationDecoder as _, Rgb};

    use super::*;

    fn encode_all(frames: &[RgbImage], format: AnimationFormat, says_edited: bool) -> anyhow::Result<Vec<u8>> {
        encode(frames.iter().cloned().map(Ok), 70, format, says_edited)
    }

    fn frames() -> Vec<RgbImage> {
        (0..5).map(|i| RgbImage::from_pixel(6, 6, Rgb([i * 50, 255 - i * 50, 40]))).collect()
    }

    #[test]
    fn every_kind_plays_every_picture() {
        let frames = frames();
        let gif = encode_all(&frames, AnimationFormat::Gif, true).unwrap();
        let png = encode_all(&frames, AnimationFormat::Png, true).unwrap();
        let webp = encode_all(&frames, AnimationFormat::WebP, true).unwrap();
        let gif = GifDecoder::new(Cursor::new(gif)).unwrap().into_frames().collect_frames().unwrap();
        let png = PngDecoder::new(Cursor::new(png)).unwrap().apng().unwrap().into_frames().collect_frames().unwrap();
        let webp = WebPDecoder::new(Cursor::new(webp)).unwrap();
        assert!(webp.has_animation());
        let webp = webp.into_frames().collect_frames().unwrap();
        for (decoded, tolerance) in [(gif, 6), (png, 0), (webp, 0)] {
            assert_eq!(decoded.len(), frames.len());
            for (decoded, frame) in decoded.iter().zip(&frames) {
                assert_eq!(decoded.delay().numer_denom_ms(), (70, 1));
                let (found, expected) = (decoded.buffer().get_pixel(3, 3).0, frame.get_pixel(3, 3).0);
                assert!(found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= tolerance), "{found:?} {expected:?}");
            }
        }
    }

    #[test]
    fn only_who_wants_it_says_that_pictures_were_edited() {
        for format in [AnimationFormat::Png, AnimationFormat::WebP] {
            for says_edited in [true, false] {
                let bytes = encode_all(&frames(), format, says_edited).unwrap();
                let is_said = bytes.windows(COMMENT.len()).any(|window| window == COMMENT.as_bytes());
                assert_eq!(is_said, says_edited, "{format:?}");
            }
        }
    }

    #[test]
    fn a_loop_shows_each_end_once() {
        assert_eq!(there_and_back(&[1, 2, 3, 4]), [1, 2, 3, 4, 3, 2]);
        assert_eq!(there_and_back(&[1, 2]), [1, 2]);
        assert_eq!(there_and_back(&[1]), [1]);
        assert!(there_and_back::<u8>(&[]).is_empty());
    }

    #[test]
    fn what_cannot_be_written_is_a_sentence() {
        assert!(encode_all(&[], AnimationFormat::Gif, true).is_err());
        let mut uneven = frames();
        uneven.push(RgbImage::new(2, 2));
        for format in [AnimationFormat::Gif, AnimationFormat::Png, AnimationFormat::WebP] {
            assert!(encode_all(&uneven, format, true).is_err());
            let failing = frames().into_iter().map(|_| Err(anyhow::anyhow!("no memory")));
            assert_eq!(encode(failing, 10, format, true).unwrap_err().to_string(), "no memory");
        }
        let err = AnimationFormat::of(Path::new("a.webm")).unwrap_err().to_string();
        assert!(err.contains("a.webm") && err.contains(".gif"), "{err}");
        assert_eq!(AnimationFormat::of(Path::new("A.GIF")).unwrap(), AnimationFormat::Gif);
        for format in [AnimationFormat::Gif, AnimationFormat::Png, AnimationFormat::WebP] {
            assert_eq!(AnimationFormat::of(&Path::new("a").with_extension(format.extension())).unwrap(), format);
        }
    }
}
