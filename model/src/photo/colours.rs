//! What the numbers of a file mean as colours: from them to sRGB, in which the models were trained and screens show, and back.

use std::sync::Arc;

use image::{ColorType, DynamicImage, ImageBuffer, Rgb, RgbImage};
use moxcms::{
    Chromaticity, CicpColorPrimaries, CicpProfile, ColorPrimaries, ColorProfile, DataColorSpace, Layout,
    MatrixCoefficients, ToneReprCurve, TransferCharacteristics, TransformExecutor, TransformOptions,
};
use rayon::prelude::*;

use super::bounds::zeros;
use crate::agreement::gray;

/// A picture in sRGB, finer than eight bits.
pub type Rgb16Image = ImageBuffer<Rgb<u16>, Vec<u16>>;

/// What a file says about its colours; where it says nothing they are sRGB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Colours {
    /// An ICC profile. One that does not describe the samples (of a CMYK file, which is decoded to RGB) is left out.
    pub icc_profile: Option<Vec<u8>>,
    /// Code points of ITU-T H.273: primaries, transfer function, matrix and range, as PNG has them.
    pub cicp: Option<[u8; 4]>,
    /// The exponent of a PNG's `gAMA`, times 100,000.
    pub gamma: Option<u32>,
    /// White, red, green and blue of a PNG's `cHRM`, each x and y times 100,000.
    pub chromaticities: Option<[u32; 8]>,
    /// Whether EXIF names Adobe RGB.
    pub is_adobe_rgb: bool,
}

impl Colours {
    /// An ICC profile that says the same of a picture in grays or in colours, for files that can say it in no other way; none is
    /// sRGB.
    pub fn to_icc_profile(&self, is_gray: bool) -> Option<Vec<u8>> {
        let describes = |profile: &&Vec<u8>| profile.get(super::ICC_COLOR_SPACE) != Some(b"GRAY") || is_gray;
        if let Some(profile) = self.icc_profile.as_ref().filter(describes).filter(|_| self.cicp.is_none()) {
            return Some(profile.clone());
        }
        let profile = self.profile(is_gray || self.icc_profile.is_some())?;
        if profile.color_space == DataColorSpace::Gray && !is_gray {
            // The same grays, of three equal colours.
            let mut in_colours = ColorProfile::new_srgb();
            in_colours.cicp = None;
            in_colours.red_trc = profile.gray_trc.clone();
            in_colours.green_trc = profile.gray_trc.clone();
            in_colours.blue_trc = profile.gray_trc;
            return in_colours.encode().ok();
        }
        profile.encode().ok()
    }

    /// None where the samples are sRGB, or nothing that can be understood.
    fn profile(&self, is_gray: bool) -> Option<ColorProfile> {
        if let Some(code_points) = self.cicp {
            return profile_of_code_points(code_points);
        }
        if let Some(bytes) = &self.icc_profile {
            return ColorProfile::new_from_slice(bytes).ok();
        }
        if self.is_adobe_rgb {
            return Some(ColorProfile::new_adobe_rgb());
        }
        // What most programs write for sRGB.
        const SRGB_GAMMA: u32 = 45_455;
        let exponent = match self.gamma {
            Some(gamma) if gamma > 0 && gamma.abs_diff(SRGB_GAMMA) > 500 => 100_000.0 / gamma as f32,
            _ if self.chromaticities.is_none() => return None,
            _ => 0.0,
        };
        let mut profile = ColorProfile::new_srgb();
        profile.cicp = None;
        if (0.1..=10.0).contains(&exponent) {
            let curve = ToneReprCurve::Parametric(vec![exponent]);
            if is_gray {
                let mut profile = ColorProfile::new_gray_with_gamma(exponent);
                profile.gray_trc = Some(curve);
                return Some(profile);
            }
            profile.red_trc = Some(curve.clone());
            profile.green_trc = Some(curve.clone());
            profile.blue_trc = Some(curve);
        }
        if let Some(chromaticities) = self.chromaticities.filter(|_| !is_gray) {
            let [white_x, white_y, red_x, red_y, green_x, green_y, blue_x, blue_y] =
                chromaticities.map(|value| value as f32 / 100_000.0);
            let triangle = (green_x - red_x) * (blue_y - red_y) - (blue_x - red_x) * (green_y - red_y);
            // Primaries on one line, or a black white, mean nothing.
            if triangle.abs() > 1e-3 && white_y > 1e-3 && [red_y, green_y, blue_y].iter().all(|y| *y > 1e-4) {
                profile.update_rgb_colorimetry(
                    Chromaticity::new(white_x, white_y).to_xyyb(),
                    ColorPrimaries {
                        red: Chromaticity::new(red_x, red_y),
                        green: Chromaticity::new(green_x, green_y),
                        blue: Chromaticity::new(blue_x, blue_y),
                    },
                );
            }
        }
        Some(profile)
    }
}

/// The profile of code points; pictures for bright screens are brought to the range of an ordinary one.
fn profile_of_code_points([primaries, transfer, matrix, range]: [u8; 4]) -> Option<ColorProfile> {
    let code_points = CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(primaries).ok()?,
        transfer_characteristics: TransferCharacteristics::try_from(transfer).ok()?,
        matrix_coefficients: MatrixCoefficients::try_from(matrix).ok()?,
        full_range: range != 0,
    };
    let to_light: fn(f64) -> f64 = match code_points.transfer_characteristics {
        TransferCharacteristics::Smpte2084 => pq_to_light,
        TransferCharacteristics::Hlg => hlg_to_light,
        _ => {
            let mut profile = ColorProfile::new_from_cicp(code_points);
            profile.cicp = None;
            return profile.is_matrix_shaper().then_some(profile);
        }
    };
    let mut profile = ColorProfile::new_from_cicp(CicpProfile {
        transfer_characteristics: TransferCharacteristics::Srgb,
        ..code_points
    });
    const STEPS: usize = 4096;
    let white = shown(to_light(1.0));
    let values = (0..STEPS).map(|i| {
        let light = shown(to_light(i as f64 / (STEPS - 1) as f64)) / white;
        (light * 65535.0).round() as u16
    });
    let curve = ToneReprCurve::Lut(values.collect());
    profile.cicp = None;
    profile.red_trc = Some(curve.clone());
    profile.green_trc = Some(curve.clone());
    profile.blue_trc = Some(curve);
    profile.is_matrix_shaper().then_some(profile)
}

/// White paper of a picture for bright screens, in candelas per square metre (ITU-R BT.2408).
const PAPER_WHITE: f64 = 203.0;

/// Light from the perceptual quantiser (SMPTE ST 2084); paper white is one.
fn pq_to_light(value: f64) -> f64 {
    const M1: f64 = 2610.0 / 16384.0;
    const M2: f64 = 2523.0 / 4096.0 * 128.0;
    const C1: f64 = 3424.0 / 4096.0;
    const C2: f64 = 2413.0 / 4096.0 * 32.0;
    const C3: f64 = 2392.0 / 4096.0 * 32.0;
    let power = value.powf(1.0 / M2);
    let light = ((power - C1).max(0.0) / (C2 - C3 * power)).powf(1.0 / M1);
    light * 10_000.0 / PAPER_WHITE
}

/// Light from hybrid log-gamma (ITU-R BT.2100) on a screen of 1000 candelas per square metre; paper white is one.
fn hlg_to_light(value: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 0.284_668_92;
    const C: f64 = 0.559_910_73;
    let scene = if value <= 0.5 { value * value / 3.0 } else { (((value - C) / A).exp() + B) / 12.0 };
    scene.powf(1.2) * 1000.0 / PAPER_WHITE
}

/// Light as an ordinary screen shows it: as it is up to a knee, then ever less of it.
fn shown(light: f64) -> f64 {
    const KNEE: f64 = 0.7;
    if light <= KNEE {
        return light;
    }
    let (beyond, room) = (light - KNEE, 1.0 - KNEE);
    KNEE + room * beyond / (beyond + room)
}

/// From the numbers of a file to sRGB and back.
pub(super) enum Conversion {
    Rgb(Box<ColorProfile>),
    /// sRGB in [0, 1] by the sample, in 65,536 steps.
    Gray(Vec<f32>),
}

const GRAY_STEPS: usize = 1 << 16;

fn options() -> TransformOptions {
    TransformOptions { prefer_fixed_point: false, allow_extended_range_rgb_xyz: true, ..TransformOptions::default() }
}

impl Conversion {
    /// None where the numbers are sRGB.
    pub(super) fn new(colours: &Colours, is_gray: bool) -> Option<Self> {
        let profile = colours.profile(is_gray)?;
        let srgb = ColorProfile::new_srgb();
        match (profile.color_space, is_gray) {
            (DataColorSpace::Gray, true) => {
                let transform = profile.create_transform_f32(Layout::Gray, &srgb, Layout::Rgb, options()).ok()?;
                Self::of_gray(|steps, out| transform.transform(steps, out).is_ok())
            }
            (DataColorSpace::Rgb, true) => {
                let transform = profile.create_transform_f32(Layout::Rgb, &srgb, Layout::Rgb, options()).ok()?;
                let rgb = |steps: &[f32]| steps.iter().flat_map(|step| [*step; 3]).collect::<Vec<_>>();
                Self::of_gray(|steps, out| transform.transform(&rgb(steps), out).is_ok())
            }
            (DataColorSpace::Rgb, false) => {
                let transform = profile.create_transform_f32(Layout::Rgb, &srgb, Layout::Rgb, options()).ok()?;
                // Many profiles are sRGB by another name.
                let grid: Vec<f32> =
                    (0..9 * 9 * 9).flat_map(|i| [i / 81, i / 9 % 9, i % 9].map(|step| step as f32 / 8.0)).collect();
                let mut shown = vec![0f32; grid.len()];
                transform.transform(&grid, &mut shown).ok()?;
                let is_srgb = grid.iter().zip(&shown).all(|(a, b)| (a - b).abs() < 1.0 / 255.0);
                (!is_srgb).then(|| Self::Rgb(Box::new(profile)))
            }
            _ => None,
        }
    }

    fn of_gray(transform: impl Fn(&[f32], &mut [f32]) -> bool) -> Option<Self> {
        let steps: Vec<f32> = (0..GRAY_STEPS).map(|step| step as f32 / (GRAY_STEPS - 1) as f32).collect();
        let mut rgb = vec![0f32; 3 * GRAY_STEPS];
        if !transform(&steps, &mut rgb) {
            return None;
        }
        let mut shown: Vec<f32> = rgb.as_chunks::<3>().0.iter().map(|colour| colour[1].clamp(0.0, 1.0)).collect();
        if steps.iter().zip(&shown).all(|(a, b)| (a - b).abs() < 0.5 / 255.0) {
            return None;
        }
        // The way back wants it to rise.
        let mut most = 0f32;
        shown.iter_mut().for_each(|value| {
            most = most.max(*value);
            *value = most;
        });
        Some(Self::Gray(shown))
    }
}

fn failed(_: moxcms::CmsError) -> String {
    "its colour profile cannot be used".to_owned()
}

/// A picture in sRGB over white, eight bits. Without a conversion an ordinary picture is moved, not copied.
pub(super) fn to_srgb8(image: DynamicImage, conversion: Option<&Conversion>) -> Result<RgbImage, String> {
    match (image, conversion) {
        (DynamicImage::ImageRgb8(picture), None) => Ok(picture),
        (DynamicImage::ImageRgb8(mut picture), Some(Conversion::Rgb(profile))) => {
            let transform = profile
                .create_transform_8bit(Layout::Rgb, &ColorProfile::new_srgb(), Layout::Rgb, options())
                .map_err(failed)?;
            let row_len = picture.width() as usize * 3;
            picture.par_chunks_exact_mut(row_len.max(1)).try_for_each_init(
                || vec![0u8; row_len],
                |converted, row| {
                    transform.transform(row, converted).map_err(failed)?;
                    row.copy_from_slice(converted);
                    Ok::<(), String>(())
                },
            )?;
            Ok(picture)
        }
        (image, conversion) => {
            let (width, height) = (image.width(), image.height());
            let row_len = width as usize * 3;
            let mut out = zeros::<u8>(row_len * height as usize)?;
            let rows = ToSrgb::new(conversion)?;
            out.par_chunks_exact_mut(row_len.max(1)).enumerate().try_for_each_init(
                || vec![0u16; row_len],
                |row, (y, to)| {
                    rows.read(&image, y, row)?;
                    to.iter_mut().zip(&*row).for_each(|(to, value)| *to = to_8_bits(*value));
                    Ok::<(), String>(())
                },
            )?;
            RgbImage::from_raw(width, height, out).ok_or_else(|| "it has no pixels".to_owned())
        }
    }
}

/// The same with sixteen bits.
pub(super) fn to_srgb16(image: &DynamicImage, conversion: Option<&Conversion>) -> Result<Rgb16Image, String> {
    let (width, height) = (image.width(), image.height());
    let row_len = width as usize * 3;
    let mut out = zeros::<u16>(row_len * height as usize)?;
    let rows = ToSrgb::new(conversion)?;
    out.par_chunks_exact_mut(row_len.max(1)).enumerate().try_for_each(|(y, row)| rows.read(image, y, row))?;
    Rgb16Image::from_raw(width, height, out).ok_or_else(|| "it has no pixels".to_owned())
}

fn to_8_bits(value: u16) -> u8 {
    ((u32::from(value) * 255 + 32_767) / 65_535) as u8
}

/// From rows of a file's numbers to sRGB over white.
struct ToSrgb<'a> {
    transform: Option<Arc<dyn TransformExecutor<u16> + Send + Sync>>,
    gray: Option<&'a [f32]>,
}

impl<'a> ToSrgb<'a> {
    fn new(conversion: Option<&'a Conversion>) -> Result<Self, String> {
        let (transform, gray) = match conversion {
            None => (None, None),
            Some(Conversion::Gray(shown)) => (None, Some(shown.as_slice())),
            Some(Conversion::Rgb(profile)) => {
                let srgb = ColorProfile::new_srgb();
                let transform = profile.create_transform_16bit(Layout::Rgb, &srgb, Layout::Rgb, options());
                (Some(transform.map_err(failed)?), None)
            }
        };
        Ok(Self { transform, gray })
    }

    /// Row `y` of a picture.
    fn read(&self, image: &DynamicImage, y: usize, row: &mut [u16]) -> Result<(), String> {
        match image {
            DynamicImage::ImageLuma8(image) => self.convert(row_of(image.as_raw(), 1, y, row), 1, row),
            DynamicImage::ImageLumaA8(image) => self.convert(row_of(image.as_raw(), 2, y, row), 2, row),
            DynamicImage::ImageRgb8(image) => self.convert(row_of(image.as_raw(), 3, y, row), 3, row),
            DynamicImage::ImageRgba8(image) => self.convert(row_of(image.as_raw(), 4, y, row), 4, row),
            DynamicImage::ImageLuma16(image) => self.convert(row_of(image.as_raw(), 1, y, row), 1, row),
            DynamicImage::ImageLumaA16(image) => self.convert(row_of(image.as_raw(), 2, y, row), 2, row),
            DynamicImage::ImageRgb16(image) => self.convert(row_of(image.as_raw(), 3, y, row), 3, row),
            DynamicImage::ImageRgba16(image) => self.convert(row_of(image.as_raw(), 4, y, row), 4, row),
            _ => Err("its kind of numbers is not known".to_owned()),
        }
    }

    fn convert<S: Sample>(&self, own: &[S], channels: usize, row: &mut [u16]) -> Result<(), String> {
        for (to, pixel) in row.as_chunks_mut::<3>().0.iter_mut().zip(own.chunks_exact(channels)) {
            *to = match *pixel {
                [red, green, blue] | [red, green, blue, _] => [red, green, blue].map(Sample::to_16_bits),
                [gray] | [gray, _] => [gray.to_16_bits(); 3],
                _ => [0; 3],
            };
        }
        if let Some(transform) = &self.transform {
            let mut converted = vec![0u16; row.len()];
            transform.transform(row, &mut converted).map_err(failed)?;
            row.copy_from_slice(&converted);
        }
        if let Some(shown) = self.gray {
            row.iter_mut().for_each(|value| {
                *value = shown.get(usize::from(*value)).map_or(*value, |shown| (shown * 65_535.0).round() as u16);
            });
        }
        if channels == 2 || channels == 4 {
            for (to, pixel) in row.as_chunks_mut::<3>().0.iter_mut().zip(own.chunks_exact(channels)) {
                let alpha = u64::from(pixel[channels - 1].to_16_bits());
                *to = to.map(|value| ((u64::from(value) * alpha + 65_535 * (65_535 - alpha) + 32_767) / 65_535) as u16);
            }
        }
        Ok(())
    }
}

/// The numbers of row `y`, where `row` has the same pixels in sRGB.
fn row_of<'a, S>(samples: &'a [S], channels: usize, y: usize, row: &[u16]) -> &'a [S] {
    let len = row.len() / 3 * channels;
    samples.get(y * len..(y + 1) * len).unwrap_or_default()
}

/// A number of a file.
trait Sample: Copy + Send + Sync {
    fn to_16_bits(self) -> u16;
    fn to_unit(self) -> f32;
    /// Rounded to the nearest.
    fn from_unit(value: f32) -> Self;
}

impl Sample for u8 {
    fn to_16_bits(self) -> u16 {
        u16::from(self) * 257
    }

    fn to_unit(self) -> f32 {
        f32::from(self) / 255.0
    }

    fn from_unit(value: f32) -> Self {
        (value * 255.0 + 0.5) as Self
    }
}

impl Sample for u16 {
    fn to_16_bits(self) -> u16 {
        self
    }

    fn to_unit(self) -> f32 {
        f32::from(self) / 65_535.0
    }

    fn from_unit(value: f32) -> Self {
        (value * 65_535.0 + 0.5) as Self
    }
}

/// Brings an edit of a picture in sRGB into its file's own numbers. Where nothing changed they stay.
pub(super) fn change(
    image: &mut DynamicImage,
    conversion: Option<&Conversion>,
    edited: &Rgb16Image,
) -> Result<(), String> {
    let ways = (ToSrgb::new(conversion)?, Back::new(conversion)?);
    match image {
        DynamicImage::ImageLuma8(image) => change_samples(image, 1, &ways, edited),
        DynamicImage::ImageLumaA8(image) => change_samples(image, 2, &ways, edited),
        DynamicImage::ImageRgb8(image) => change_samples(image, 3, &ways, edited),
        DynamicImage::ImageRgba8(image) => change_samples(image, 4, &ways, edited),
        DynamicImage::ImageLuma16(image) => change_samples(image, 1, &ways, edited),
        DynamicImage::ImageLumaA16(image) => change_samples(image, 2, &ways, edited),
        DynamicImage::ImageRgb16(image) => change_samples(image, 3, &ways, edited),
        DynamicImage::ImageRgba16(image) => change_samples(image, 4, &ways, edited),
        _ => Err("its kind of numbers is not known".to_owned()),
    }
}

fn change_samples<S: Sample>(
    samples: &mut [S],
    channels: usize,
    (to_srgb, back): &(ToSrgb<'_>, Back<'_>),
    edited: &Rgb16Image,
) -> Result<(), String> {
    let width = edited.width() as usize;
    let rows = edited.as_raw().par_chunks_exact((width * 3).max(1));
    let own_rows = samples.par_chunks_exact_mut((width * channels).max(1));
    own_rows.zip(rows).try_for_each_init(
        || vec![0u16; width * 3],
        |before, (own, after)| {
            to_srgb.convert(own, channels, before)?;
            let before = before.as_slice();
            if before == after {
                return Ok(());
            }
            // Of the pixels that change: where they are, what they are, and what they become, without their transparency.
            let (mut places, mut from, mut to) = (Vec::new(), Vec::new(), Vec::new());
            let pairs = before.as_chunks::<3>().0.iter().zip(after.as_chunks::<3>().0);
            for ((x, pixel), (before, after)) in own.chunks_exact(channels).enumerate().zip(pairs) {
                let alpha = if channels.is_multiple_of(2) { pixel[channels - 1].to_unit() } else { 1.0 };
                if before == after || alpha == 0.0 {
                    continue;
                }
                places.push(x);
                for (before, after) in before.map(Sample::to_unit).into_iter().zip(after.map(Sample::to_unit)) {
                    let colour = ((before + alpha - 1.0) / alpha).clamp(0.0, 1.0);
                    from.push(colour);
                    to.push((colour + (after - before) / alpha).clamp(0.0, 1.0));
                }
            }
            let mut own_colours = Vec::with_capacity(from.len());
            for x in &places {
                let pixel = &own[x * channels..][..channels];
                own_colours.extend(match pixel {
                    [red, green, blue] | [red, green, blue, _] => [red, green, blue].map(|value| value.to_unit()),
                    _ => [pixel[0].to_unit(); 3],
                });
            }
            back.apply(&mut own_colours, &from, &to)?;
            for (x, colour) in places.iter().zip(own_colours.as_chunks::<3>().0) {
                let pixel = &mut own[x * channels..][..channels];
                match pixel {
                    [red, green, blue] | [red, green, blue, _] => {
                        [*red, *green, *blue] = colour.map(S::from_unit);
                    }
                    _ => pixel[0] = S::from_unit(gray(*colour)),
                }
            }
            Ok(())
        },
    )
}

/// From sRGB to the numbers of a file.
enum Back<'a> {
    Same,
    Gray(&'a [f32]),
    Transform(Arc<dyn TransformExecutor<f32> + Send + Sync>),
    /// Profiles of scanners and cameras tell one way alone: the other is searched.
    Search(Arc<dyn TransformExecutor<f32> + Send + Sync>),
}

impl<'a> Back<'a> {
    fn new(conversion: Option<&'a Conversion>) -> Result<Self, String> {
        Ok(match conversion {
            None => Self::Same,
            Some(Conversion::Gray(shown)) => Self::Gray(shown),
            Some(Conversion::Rgb(profile)) => {
                let srgb = ColorProfile::new_srgb();
                match srgb.create_transform_f32(Layout::Rgb, profile, Layout::Rgb, options()) {
                    Ok(transform) => Self::Transform(transform),
                    Err(_) => Self::Search(
                        profile.create_transform_f32(Layout::Rgb, &srgb, Layout::Rgb, options()).map_err(failed)?,
                    ),
                }
            }
        })
    }

    /// Adds to numbers of the file what leads from one colour to another.
    fn apply(&self, own: &mut [f32], from: &[f32], to: &[f32]) -> Result<(), String> {
        let add = |own: &mut [f32], from: &[f32], to: &[f32]| {
            for ((own, from), to) in own.iter_mut().zip(from).zip(to) {
                *own = (*own + to - from).clamp(0.0, 1.0);
            }
        };
        match self {
            Self::Same => add(own, from, to),
            Self::Gray(shown) => {
                let number = |value: f32| {
                    let above = shown.partition_point(|shown| *shown < value).clamp(1, shown.len() - 1);
                    let (low, high) = (shown[above - 1], shown[above]);
                    let share = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
                    ((above - 1) as f32 + share) / (shown.len() - 1) as f32
                };
                let numbers = |values: &[f32]| values.iter().map(|value| number(*value)).collect::<Vec<_>>();
                add(own, &numbers(from), &numbers(to));
            }
            Self::Transform(transform) => {
                let numbers = |colours: &[f32]| {
                    let mut numbers = vec![0f32; colours.len()];
                    transform.transform(colours, &mut numbers).map_err(failed).map(|()| numbers)
                };
                add(own, &numbers(from)?, &numbers(to)?);
            }
            Self::Search(transform) => {
                const STEPS: usize = 12;
                let mut shown = vec![0f32; own.len()];
                for _ in 0..STEPS {
                    transform.transform(own, &mut shown).map_err(failed)?;
                    add(own, &shown, to);
                }
            }
        }
        Ok(())
    }
}

/// Whether a picture's samples are 8 bit RGB without transparency.
pub(super) fn is_plain(color: ColorType) -> bool {
    color == ColorType::Rgb8
}
