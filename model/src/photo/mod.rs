//! Photos to pixels and tensors, and back: files as people have them, in sRGB, within bounds.

mod axis;
mod bounds;
mod colours;
mod decode;
pub mod exif;
mod jpeg_encoding;
mod kind;
mod metadata;

use std::io::Read as _;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, RgbImage};
use rayon::prelude::*;

pub use axis::ColourAxis;
pub use colours::{Colours, Rgb16Image};
pub use jpeg_encoding::JpegEncoding;
pub use kind::Kind;
pub use metadata::{IPTC_RESOURCE, Metadata};

use crate::error::{Error, Result};
use crate::kernels::vectorised;
use colours::Conversion;

/// The largest file that is read; more than an uncompressed picture within the bounds has.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// A photo as it was opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DecodedPhoto {
    /// Upright (EXIF orientation applied), 8 bit sRGB; transparent parts lie over white.
    pub pixels: RgbImage,
    /// What the file is, for whoever writes the photo again.
    pub file: PhotoFile,
}

/// What the file of a photo is beside its pixels.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PhotoFile {
    /// The format.
    pub kind: Kind,
    /// What its numbers mean.
    pub colours: Colours,
    /// The numbers themselves: gray or colours, with or without transparency, of 8 or 16 bits.
    pub color_type: ColorType,
    /// Of a gray or toned photo, the axis on which all its colours lie.
    pub axis: Option<ColourAxis>,
    /// Words about the photo.
    pub metadata: Metadata,
    /// Of a JPEG, how it was compressed.
    pub jpeg: Option<JpegEncoding>,
    /// What is wrong with the file, as a part of a sentence after its name; a part of the photo may be missing.
    pub damage: Option<String>,
}

impl PhotoFile {
    /// What a picture has that comes from no file.
    pub fn new(pixels: &RgbImage) -> Self {
        Self {
            kind: Kind::Png,
            colours: Colours::default(),
            color_type: ColorType::Rgb8,
            axis: ColourAxis::of(pixels),
            metadata: Metadata::default(),
            jpeg: None,
            damage: None,
        }
    }

    /// Whether the file's numbers are the photo's pixels: 8 bit sRGB without transparency.
    pub fn is_plain(&self) -> bool {
        colours::is_plain(self.color_type) && Conversion::new(&self.colours, false).is_none()
    }
}

/// Opens a photo.
///
/// # Errors
/// [`Error::Io`] when it cannot be read, [`Error::Picture`] when it is not a picture of a known kind or takes too much memory.
pub fn open(path: impl AsRef<Path>) -> Result<DecodedPhoto> {
    open_bytes(&read(path.as_ref())?, path.as_ref())
}

/// Opens a photo from memory; `label` stands for the path in errors.
///
/// # Errors
/// [`Error::Picture`] when the bytes are not a picture of a known kind or take too much memory.
pub fn open_bytes(bytes: &[u8], label: &Path) -> Result<DecodedPhoto> {
    decoded_photo(bytes).map_err(|reason| Error::Picture { path: label.to_owned(), reason })
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

/// Width and height of a photo in memory as its header says them, without decoding it; for whoever opens several within bounds.
/// `label` stands for the path in errors.
///
/// # Errors
/// [`Error::Picture`] when the bytes are not a picture of a known kind.
pub fn size_px(bytes: &[u8], label: &Path) -> Result<(u32, u32)> {
    let refused = |reason| Error::Picture { path: label.to_owned(), reason };
    let kind = Kind::of(bytes).map_err(refused)?;
    decode::size_px(kind, bytes).ok_or_else(|| refused(decode::too_damaged(kind)))
}

fn decoded_photo(bytes: &[u8]) -> std::result::Result<DecodedPhoto, String> {
    let Decoded { image, kind, stored } = decode_bytes(bytes)?;
    let color_type = image.color();
    let conversion = Conversion::new(&stored.colours, !color_type.has_color());
    let pixels = colours::to_srgb8(image, conversion.as_ref())?;
    let axis = if color_type.has_color() { ColourAxis::of(&pixels) } else { Some(ColourAxis::gray()) };
    let decode::Stored { colours, metadata, jpeg, damage, .. } = stored;
    Ok(DecodedPhoto { pixels, file: PhotoFile { kind, colours, color_type, axis, metadata, jpeg, damage } })
}

/// The pixels of a photo alone, see [`DecodedPhoto::pixels`].
///
/// # Errors
/// As [`open`].
pub fn load(path: impl AsRef<Path>) -> Result<RgbImage> {
    Ok(open(path)?.pixels)
}

/// The pixels of a photo in memory; `label` stands for the path in errors.
///
/// # Errors
/// As [`open_bytes`].
pub fn load_bytes(bytes: &[u8], label: &str) -> Result<RgbImage> {
    Ok(open_bytes(bytes, label.as_ref())?.pixels)
}

/// The numbers of a photo's file, upright: what an edit is brought into, so that what it does not touch stays as it is.
pub struct FileSamples {
    image: DynamicImage,
    conversion: Option<Conversion>,
}

impl FileSamples {
    /// From the bytes of the file; `label` stands for the path in errors.
    ///
    /// # Errors
    /// As [`open_bytes`].
    pub fn decode(bytes: &[u8], label: &Path) -> Result<Self> {
        let decoded = decode_bytes(bytes).map_err(|reason| Error::Picture { path: label.to_owned(), reason })?;
        let Decoded { image, stored, .. } = decoded;
        let conversion = Conversion::new(&stored.colours, !image.color().has_color());
        Ok(Self { image, conversion })
    }

    /// The photo in sRGB over white.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn srgb(&self) -> Result<Rgb16Image> {
        colours::to_srgb16(&self.image, self.conversion.as_ref()).map_err(Error::Argument)
    }

    /// Brings an edit into the numbers: `edited` is what [`Self::srgb`] gave, with an edit in it. Where both are alike, the numbers stay.
    ///
    /// # Errors
    /// When the picture is not of the photo's size.
    pub fn change(&mut self, edited: &Rgb16Image) -> Result<()> {
        if edited.dimensions() != (self.image.width(), self.image.height()) {
            return Err(Error::argument("an edited photo has the size of the photo"));
        }
        colours::change(&mut self.image, self.conversion.as_ref(), edited).map_err(Error::Argument)
    }

    /// The picture for a file in the photo's own encoding.
    pub fn into_image(self) -> DynamicImage {
        self.image
    }
}

/// An upright picture, whatever its kind of pixels.
pub(crate) struct Decoded {
    pub(crate) image: DynamicImage,
    kind: Kind,
    stored: decode::Stored,
}

pub(crate) fn decode_file(path: &Path) -> Result<Decoded> {
    decode_bytes(&read(path)?).map_err(|reason| Error::Picture { path: path.to_owned(), reason })
}

fn decode_bytes(bytes: &[u8]) -> std::result::Result<Decoded, String> {
    let kind = Kind::of(bytes)?;
    let mut stored = decode::decode(kind, bytes)?;
    let mut image = std::mem::take(&mut stored.image);
    image.apply_orientation(stored.orientation.unwrap_or(Orientation::NoTransforms));
    // A profile of something else (ink, or a gray that is none) does not describe what was decoded.
    let describes = |profile: &Vec<u8>| match profile.get(ICC_COLOR_SPACE) {
        Some(b"RGB ") => true,
        Some(b"GRAY") => !image.color().has_color(),
        _ => false,
    };
    stored.colours.icc_profile = stored.colours.icc_profile.filter(describes);
    if matches!(stored.orientation, Some(turn) if is_quarter(turn)) {
        stored.metadata.dots_per_inch = stored.metadata.dots_per_inch.map(|[x, y]| [y, x]);
    }
    Ok(Decoded { image, kind, stored })
}

fn is_quarter(turn: Orientation) -> bool {
    matches!(
        turn,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    )
}

/// Where an ICC profile's header names the colour space of the device (ICC.1:2022, 7.2).
const ICC_COLOR_SPACE: std::ops::Range<usize> = 16..20;

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
