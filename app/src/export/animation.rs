//! Moving pictures: GIF, and PNG where every colour counts.

use std::io::Cursor;
use std::path::Path;

use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, DynamicImage, Frame, RgbImage};

use super::{COMMENT, SOFTWARE};

/// The kinds of moving picture that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnimationFormat {
    /// 256 colours to a picture, moves everywhere.
    Gif,
    /// APNG: lossless; viewers that do not know it show the first picture.
    Png,
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
            _ => anyhow::bail!("cannot write {}: a moving picture's name must end in .gif or .png", path.display()),
        }
    }
}

/// The pictures and then those between the ends on the way back, so that the loop has no jump.
pub fn there_and_back<T: Clone>(frames: &[T]) -> Vec<T> {
    let back = frames.iter().rev().skip(1).take(frames.len().saturating_sub(2));
    frames.iter().chain(back).cloned().collect()
}

/// Pictures of one size as a file that repeats for ever, each shown for `frame_ms` milliseconds. A PNG has room to say that they
/// were edited and with what.
///
/// # Errors
/// When there are none, or they differ in size.
pub fn encode(
    frames: &[RgbImage],
    frame_ms: u16,
    format: AnimationFormat,
    says_edited: bool,
) -> anyhow::Result<Vec<u8>> {
    let Some(first) = frames.first() else { anyhow::bail!("there are no pictures to write") };
    let (width, height) = first.dimensions();
    anyhow::ensure!(frames.iter().all(|frame| frame.dimensions() == (width, height)), "the pictures differ in size");
    let mut bytes = Vec::new();
    match format {
        AnimationFormat::Gif => {
            // Ten looks at every tenth pixel for the palette: pictures of 512 px take a tenth of a second, not one.
            let mut encoder = GifEncoder::new_with_speed(&mut bytes, 10);
            encoder.set_repeat(Repeat::Infinite)?;
            for frame in frames {
                let rgba = DynamicImage::ImageRgb8(frame.clone()).into_rgba8();
                let delay = Delay::from_numer_denom_ms(u32::from(frame_ms), 1);
                encoder.encode_frame(Frame::from_parts(rgba, 0, 0, delay))?;
            }
        }
        AnimationFormat::Png => {
            let mut encoder = ::png::Encoder::new(Cursor::new(&mut bytes), width, height);
            encoder.set_color(::png::ColorType::Rgb);
            encoder.set_depth(::png::BitDepth::Eight);
            encoder.set_source_srgb(::png::SrgbRenderingIntent::Perceptual);
            encoder.set_animated(u32::try_from(frames.len())?, 0)?;
            encoder.set_frame_delay(frame_ms, 1000)?;
            if says_edited {
                encoder.add_text_chunk("Software".to_owned(), SOFTWARE.to_owned())?;
                encoder.add_text_chunk("Comment".to_owned(), COMMENT.to_owned())?;
            }
            let mut writer = encoder.write_header()?;
            for frame in frames {
                writer.write_image_data(frame.as_raw())?;
            }
            writer.finish()?;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use image::codecs::gif::GifDecoder;
    use image::codecs::png::PngDecoder;
    use image::{AnimationDecoder as _, Rgb};

    use super::*;

    fn frames() -> Vec<RgbImage> {
        (0..5).map(|i| RgbImage::from_pixel(6, 6, Rgb([i * 50, 255 - i * 50, 40]))).collect()
    }

    #[test]
    fn both_kinds_play_every_picture() {
        let frames = frames();
        let gif = encode(&frames, 70, AnimationFormat::Gif, true).unwrap();
        let png = encode(&frames, 70, AnimationFormat::Png, true).unwrap();
        let gif = GifDecoder::new(Cursor::new(gif)).unwrap().into_frames().collect_frames().unwrap();
        let png = PngDecoder::new(Cursor::new(png)).unwrap().apng().unwrap().into_frames().collect_frames().unwrap();
        for (decoded, tolerance) in [(gif, 6), (png, 0)] {
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
        for says_edited in [true, false] {
            let bytes = encode(&frames(), 70, AnimationFormat::Png, says_edited).unwrap();
            let is_said = bytes.windows(COMMENT.len()).any(|window| window == COMMENT.as_bytes());
            assert_eq!(is_said, says_edited);
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
        assert!(encode(&[], 10, AnimationFormat::Gif, true).is_err());
        let mut uneven = frames();
        uneven.push(RgbImage::new(2, 2));
        assert!(encode(&uneven, 10, AnimationFormat::Png, true).is_err());
        let err = AnimationFormat::of(Path::new("a.webm")).unwrap_err().to_string();
        assert!(err.contains("a.webm") && err.contains(".gif"), "{err}");
        assert_eq!(AnimationFormat::of(Path::new("A.GIF")).unwrap(), AnimationFormat::Gif);
    }
}
