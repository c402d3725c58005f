//! PNG.

use png::{BitDepth, ColorType, Compression, Encoder, Info, PixelDimensions, ScaledFloat, SourceChromaticities, Unit};

use super::picture::Picture;
use super::words::{Room, Words};
use super::{COMMENT, FileOptions, SOFTWARE};

const XMP_KEYWORD: &str = "XML:com.adobe.xmp";

const ROOM: Room = Room { exif_bytes: usize::MAX, has_texts: true, has_iptc: false, has_dots_per_inch: true };

pub(super) fn encode(picture: &Picture<'_>, options: &FileOptions<'_>) -> anyhow::Result<Vec<u8>> {
    let words = Words::new(picture, options, &ROOM);
    let colours = options.photo.map(|photo| photo.colours.clone()).unwrap_or_default();
    let mut bytes = Vec::new();
    let mut info = Info::with_size(picture.width, picture.height);
    info.color_type = match (picture.is_gray(), picture.has_alpha()) {
        (true, false) => ColorType::Grayscale,
        (true, true) => ColorType::GrayscaleAlpha,
        (false, false) => ColorType::Rgb,
        (false, true) => ColorType::Rgba,
    };
    info.bit_depth = if picture.is_16_bit() { BitDepth::Sixteen } else { BitDepth::Eight };
    // A file says what its colours are once; code points alone are not understood everywhere, and a profile of a format that
    // has none was not there.
    info.icc_profile = match colours.is_adobe_rgb {
        true => colours.to_icc_profile(picture.is_gray()).map(Into::into),
        false => colours.icc_profile.clone().map(Into::into),
    };
    let has_profile = info.icc_profile.is_some();
    info.exif_metadata = words.exif.map(Into::into);
    let mut encoder = Encoder::with_info(&mut bytes, info)?;
    encoder.set_compression(Compression::Balanced);
    match (colours.gamma, colours.chromaticities) {
        (None, None) if !has_profile && colours.cicp.is_none() => {
            encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
        }
        (gamma, chromaticities) if !has_profile => {
            if let Some(gamma) = gamma {
                encoder.set_source_gamma(ScaledFloat::from_scaled(gamma));
            }
            if let Some(values) = chromaticities {
                let [white_x, white_y, red_x, red_y, green_x, green_y, blue_x, blue_y] =
                    values.map(ScaledFloat::from_scaled);
                encoder.set_source_chromaticities(SourceChromaticities {
                    white: (white_x, white_y),
                    red: (red_x, red_y),
                    green: (green_x, green_y),
                    blue: (blue_x, blue_y),
                });
            }
        }
        _ => {}
    }
    if let Some(dots) = words.dots_per_inch {
        let [xppu, yppu] = dots.map(|dots| (dots / 0.0254).round() as u32);
        encoder.set_pixel_dims(Some(PixelDimensions { xppu, yppu, unit: Unit::Meter }));
    }
    if options.says_edited {
        encoder.add_text_chunk("Software".to_owned(), SOFTWARE.to_owned())?;
        encoder.add_text_chunk("Comment".to_owned(), COMMENT.to_owned())?;
    }
    if let Some(xmp) = words.xmp {
        encoder.add_itxt_chunk(XMP_KEYWORD.to_owned(), xmp)?;
    }
    let mut writer = encoder.write_header()?;
    if let Some(code_points) = colours.cicp {
        writer.write_chunk(png::chunk::cICP, &code_points)?;
    }
    if picture.is_16_bit() {
        let big_endian: Vec<u8> = picture.wide().iter().flat_map(|value| value.to_be_bytes()).collect();
        writer.write_image_data(&big_endian)?;
    } else {
        writer.write_image_data(picture.samples)?;
    }
    writer.finish()?;
    Ok(bytes)
}
