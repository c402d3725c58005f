//! Pictures to tensors and back.

use std::io::{BufRead, Cursor, Read as _, Seek};
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use image::imageops::{self, FilterType};
use image::{ColorType, DynamicImage, ImageDecoder, ImageReader, Limits, RgbImage};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::kernels::vectorised;

/// The longest side that is opened; cameras end below 20,000.
const MAX_SIDE_PX: u32 = 40_000;
/// What decoding may allocate: 200 megapixels in RGBA, a decompression bomb's end.
const MAX_DECODED_BYTES: u64 = 800 * 1024 * 1024;

/// The largest file that is read; more than an uncompressed picture within the bounds above has.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// A photo as it was opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DecodedPhoto {
    /// Upright (EXIF orientation applied), 8 bit RGB in the colours of the profile; transparent parts lie over white.
    pub pixels: RgbImage,
    /// The ICC profile of these pixels, for whoever writes them again; none is sRGB. A profile that does not describe RGB
    /// (of a grayscale or CMYK file) is left out, as the pixels no longer are what it describes.
    pub icc_profile: Option<Vec<u8>>,
}

/// Opens a photo.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::Picture`] when it is not a picture of a known kind.
pub fn open(path: impl AsRef<Path>) -> Result<DecodedPhoto> {
    Ok(decoded_photo(decode_file(path.as_ref())?))
}

/// Opens a photo from memory; `label` stands for the path in errors.
///
/// # Errors
/// [`Error::Picture`] when the bytes are not a picture of a known kind.
pub fn open_bytes(bytes: &[u8], label: &Path) -> Result<DecodedPhoto> {
    let decoded = decode(Cursor::new(bytes));
    Ok(decoded_photo(decoded.map_err(|reason| Error::Picture { path: label.to_owned(), reason })?))
}

/// The bytes of a photo's file, for whoever keeps them.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::Picture`] when it is larger than [`MAX_FILE_BYTES`].
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let io = |source| Error::Io { action: "cannot open", path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    // One more, to know that there is more.
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let reason = format!("it has more than {} MiB, which no photo has", MAX_FILE_BYTES >> 20);
        return Err(Error::Picture { path: path.to_owned(), reason });
    }
    Ok(bytes)
}

fn decoded_photo(Decoded { image, icc_profile }: Decoded) -> DecodedPhoto {
    let is_rgb = |profile: &Vec<u8>| profile.get(ICC_COLOR_SPACE) == Some(b"RGB ".as_slice());
    DecodedPhoto { pixels: flatten(image), icc_profile: icc_profile.filter(is_rgb) }
}

/// The pixels of a photo alone, see [`DecodedPhoto::pixels`].
///
/// # Errors
/// As [`open`].
pub fn load(path: impl AsRef<Path>) -> Result<RgbImage> {
    Ok(flatten(decode_file(path.as_ref())?.image))
}

/// The pixels of a photo in memory; `label` stands for the path in errors.
///
/// # Errors
/// [`Error::Picture`] when the bytes are not a picture of a known kind.
pub fn load_bytes(bytes: &[u8], label: &str) -> Result<RgbImage> {
    let decoded = decode(Cursor::new(bytes)).map_err(|reason| Error::Picture { path: label.into(), reason });
    Ok(flatten(decoded?.image))
}

/// Where an ICC profile's header names the colour space of the device (ICC.1:2022, 7.2).
const ICC_COLOR_SPACE: std::ops::Range<usize> = 16..20;

/// An upright picture, whatever its kind of pixels.
pub(crate) struct Decoded {
    pub(crate) image: DynamicImage,
    icc_profile: Option<Vec<u8>>,
}

pub(crate) fn decode_file(path: &Path) -> Result<Decoded> {
    let file = std::fs::File::open(path).map_err(|source| Error::Io {
        action: "cannot open",
        path: path.to_owned(),
        source,
    })?;
    decode(std::io::BufReader::new(file)).map_err(|reason| Error::Picture { path: path.to_owned(), reason })
}

fn decode(reader: impl BufRead + Seek) -> std::result::Result<Decoded, String> {
    let mut reader = ImageReader::new(reader).with_guessed_format().map_err(|err| err.to_string())?;
    if reader.format().is_none() {
        return Err("it is none of PNG, JPEG, WebP, GIF, BMP, TIFF".to_owned());
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE_PX);
    limits.max_image_height = Some(MAX_SIDE_PX);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|err| err.to_string())?;
    let orientation = decoder.orientation().map_err(|err| err.to_string())?;
    // A damaged profile is not a reason to refuse the picture.
    let icc_profile = decoder.icc_profile().ok().flatten();
    let mut image = DynamicImage::from_decoder(decoder).map_err(|err| err.to_string())?;
    image.apply_orientation(orientation);
    Ok(Decoded { image, icc_profile })
}

/// Drops an alpha channel over white, as a browser shows the picture.
fn flatten(image: DynamicImage) -> RgbImage {
    if !matches!(
        image.color(),
        ColorType::La8 | ColorType::La16 | ColorType::Rgba8 | ColorType::Rgba16 | ColorType::Rgba32F
    ) {
        return image.into_rgb8();
    }
    let rgba = image.into_rgba8();
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (to, from) in rgb.pixels_mut().zip(rgba.pixels()) {
        let [red, green, blue, alpha] = from.0.map(u32::from);
        to.0 = [red, green, blue].map(|value| ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8);
    }
    rgb
}

/// The largest square around the picture's centre.
pub fn centered_square(image: &RgbImage) -> RgbImage {
    let side = image.width().min(image.height());
    let (x, y) = ((image.width() - side) / 2, (image.height() - side) / 2);
    imageops::crop_imm(image, x, y, side, side).to_image()
}

/// Resamples to `size_px` x `size_px`; a picture of that size is returned as it is. The filter covers the source's pixels, so
/// that shrinking does not alias.
pub fn resized(image: &RgbImage, size_px: u32) -> RgbImage {
    if image.dimensions() == (size_px, size_px) {
        return image.clone();
    }
    imageops::resize(image, size_px, size_px, FilterType::CatmullRom)
}

/// A smaller picture, each pixel the average of the area that it covers: fast for large photos, on all cores.
pub fn shrunk(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    if picture.dimensions() == (width, height) {
        return picture.clone();
    }
    let columns = coverage(picture.width(), width);
    let rows = coverage(picture.height(), height);
    let from_len = picture.width() as usize * 3;
    let mut out = RgbImage::new(width, height);
    out.par_chunks_exact_mut(width as usize * 3).zip(&rows).for_each_init(
        || vec![0f32; from_len],
        |sums, (to, (first_row, weights))| {
            sums.fill(0.0);
            let first = first_row * from_len;
            vectorised(
                #[inline(always)]
                || {
                    for (row, &weight) in picture.as_raw()[first..].chunks_exact(from_len).zip(weights) {
                        sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f32::from(value) * weight);
                    }
                },
            );
            for (to, (first, weights)) in to.chunks_exact_mut(3).zip(&columns) {
                let mut pixel = [0.5f32; 3];
                for (sum, &weight) in sums.chunks_exact(3).skip(*first).zip(weights) {
                    pixel.iter_mut().zip(sum).for_each(|(to, &value)| *to += value * weight);
                }
                to.iter_mut().zip(pixel).for_each(|(to, value)| *to = value as u8);
            }
        },
    );
    out
}

/// For each of `to` cells over `from` pixels: the first pixel that it covers, and the share of each from there on.
fn coverage(from: u32, to: u32) -> Vec<(usize, Vec<f32>)> {
    let cell = f64::from(from) / f64::from(to);
    (0..to)
        .map(|i| {
            let (start, end) = (f64::from(i) * cell, (f64::from(i) + 1.0) * cell);
            let last = (end.ceil() as u32).clamp(1, from);
            let first = (start.floor() as u32).min(last - 1);
            let covered = |pixel: u32| (end.min(f64::from(pixel) + 1.0) - start.max(f64::from(pixel))).max(0.0);
            let total: f64 = (first..last).map(covered).sum();
            (first as usize, (first..last).map(|pixel| (covered(pixel) / total.max(1e-9)) as f32).collect())
        })
        .collect()
}

/// A square picture to a tensor (1, 3, size, size) in [-1, 1], f32 on the CPU, resampled where it has another size.
///
/// # Errors
/// When `size_px` is beyond what a picture can have.
pub fn to_tensor(image: &RgbImage, size_px: usize) -> Result<Tensor> {
    let image = resized(image, u32::try_from(size_px).map_err(|_| Error::argument("the picture is too large"))?);
    let plane = size_px * size_px;
    let mut values = vec![0f32; 3 * plane];
    for (i, pixel) in image.pixels().enumerate() {
        for (channel, &value) in pixel.0.iter().enumerate() {
            values[channel * plane + i] = f32::from(value) / 127.5 - 1.0;
        }
    }
    Ok(Tensor::from_vec(values, (1, 3, size_px, size_px), &Device::Cpu)?)
}

/// An image (1, 3, H, W) in [-1, 1] (clamped) to 8 bit RGBA, rounded to the nearest.
///
/// # Errors
/// When the tensor is not such an image or the device fails.
pub fn to_rgba(image: &Tensor) -> Result<Vec<u8>> {
    let (_, _, height, width) = image.dims4()?;
    // One read-back; the rest is cheap on the host.
    let values = image.get(0)?.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    let plane = height * width;
    let [Some(red), Some(green), Some(blue)] =
        [0, 1, 2].map(|channel| values.get(channel * plane..(channel + 1) * plane))
    else {
        return Err(Error::argument("the picture has too few channels"));
    };
    // A NaN becomes 0 by the cast; f32 to u8 saturates.
    let byte = |value: f32| (value * 127.5 + 127.5).round() as u8;
    Ok(red
        .iter()
        .zip(green)
        .zip(blue)
        .flat_map(|((&red, &green), &blue)| [byte(red), byte(green), byte(blue), 255])
        .collect())
}

/// An image (1, 3, size, size) in [-1, 1] (clamped) to an 8 bit picture, rounded to the nearest.
///
/// # Errors
/// When the tensor is not such an image or the device fails.
pub fn to_rgb(image: &Tensor) -> Result<RgbImage> {
    rgb_from_rgba(&to_rgba(image)?, image.dim(3)?)
}

/// RGBA pixels as a picture without alpha.
///
/// # Errors
/// When there are not `size_px` x `size_px` pixels.
pub fn rgb_from_rgba(rgba: &[u8], size_px: usize) -> Result<RgbImage> {
    let rgb: Vec<u8> = rgba.chunks_exact(4).flat_map(|pixel| pixel[..3].iter().copied()).collect();
    u32::try_from(size_px)
        .ok()
        .and_then(|size| RgbImage::from_raw(size, size, rgb))
        .ok_or_else(|| Error::argument(format!("these are not {size_px} x {size_px} pixels")))
}

#[cfg(test)]
mod tests {
    use image::Rgb;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shrinking_averages() {
        // Two and a half pixels to one: by hand, (10 + 20 + 30 / 2) / 2.5 and (30 / 2 + 40 + 50) / 2.5.
        let line = RgbImage::from_fn(5, 2, |x, _| Rgb([(x as u8 + 1) * 10; 3]));
        let shrunk = shrunk(&line, 2, 1);
        assert_eq!([0, 1].map(|x| shrunk.get_pixel(x, 0).0), [[18; 3], [42; 3]]);
    }

    proptest! {
        #[test]
        fn every_pixel_is_covered_once(from in 1u32..500, to in 1u32..500) {
            let to = to.min(from);
            let mut covered = vec![0f32; from as usize];
            for (first, weights) in coverage(from, to) {
                prop_assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-4);
                covered[first..].iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight);
            }
            let share = to as f32 / from as f32;
            prop_assert!(covered.iter().all(|sum| (sum - share).abs() < 1e-3 * share.max(0.1)));
        }
    }
}
