//! Pictures as files take them: of any kind of numbers, borrowed.

use std::borrow::Cow;

use image::{ColorType, DynamicImage, RgbImage};

/// A picture on its way to a file: gray or RGB, with or without transparency, of 8 or 16 bits.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) color: ColorType,
    /// Row by row; numbers of sixteen bits in the machine's own order.
    pub(super) samples: &'a [u8],
}

impl<'a> From<&'a RgbImage> for Picture<'a> {
    fn from(picture: &'a RgbImage) -> Self {
        let (width, height) = picture.dimensions();
        Self { width, height, color: ColorType::Rgb8, samples: picture.as_raw() }
    }
}

impl<'a> From<&'a DynamicImage> for Picture<'a> {
    fn from(picture: &'a DynamicImage) -> Self {
        let (width, height) = (picture.width(), picture.height());
        Self { width, height, color: picture.color(), samples: picture.as_bytes() }
    }
}

impl<'a> Picture<'a> {
    pub(super) fn channels(&self) -> usize {
        usize::from(self.color.channel_count())
    }

    pub(super) fn is_16_bit(&self) -> bool {
        usize::from(self.color.bytes_per_pixel()) == 2 * self.channels()
    }

    pub(super) fn is_gray(&self) -> bool {
        !self.color.has_color()
    }

    /// Whether it is transparent somewhere.
    pub fn has_alpha(&self) -> bool {
        self.color.has_alpha()
    }

    /// The same picture in these numbers of eight bits.
    pub(super) fn with_8_bits(self, samples: &'a [u8]) -> Self {
        let color = match self.color {
            ColorType::L16 => ColorType::L8,
            ColorType::La16 => ColorType::La8,
            ColorType::Rgb16 => ColorType::Rgb8,
            ColorType::Rgba16 => ColorType::Rgba8,
            other => other,
        };
        Self { color, samples, ..self }
    }

    /// Numbers of sixteen bits.
    pub(super) fn wide(&self) -> Vec<u16> {
        self.samples.as_chunks::<2>().0.iter().map(|bytes| u16::from_ne_bytes(*bytes)).collect()
    }

    /// Numbers of eight bits, rounded to the nearest.
    pub(super) fn narrow(&self) -> Cow<'a, [u8]> {
        if !self.is_16_bit() {
            return Cow::Borrowed(self.samples);
        }
        let value = |bytes: &[u8; 2]| ((u32::from(u16::from_ne_bytes(*bytes)) * 255 + 32_767) / 65_535) as u8;
        Cow::Owned(self.samples.as_chunks::<2>().0.iter().map(value).collect())
    }

    /// Eight bits without transparency, for formats that have none: over white.
    pub(super) fn opaque(&self) -> Cow<'a, [u8]> {
        if !self.has_alpha() {
            return self.narrow();
        }
        let channels = self.channels();
        let over_white = |pixel: &[u8]| {
            let (alpha, colours) =
                pixel.split_last().map_or((255, pixel), |(alpha, colours)| (u32::from(*alpha), colours));
            let value = move |value: &u8| ((u32::from(*value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
            colours.iter().map(value).collect::<Vec<_>>()
        };
        Cow::Owned(self.narrow().chunks_exact(channels).flat_map(over_white).collect())
    }

    /// A small picture of it in 8 bit RGB, no side longer than this.
    pub(super) fn reduced(&self, side_px: u32) -> RgbImage {
        let longest = self.width.max(self.height).max(1);
        let reduced = |len: u32| (u64::from(len) * u64::from(side_px.min(longest)) / u64::from(longest)).max(1) as u32;
        let (width, height) = (reduced(self.width), reduced(self.height));
        let (channels, bytes) = (self.channels(), usize::from(self.color.bytes_per_pixel()));
        // Many photos are of many megapixels: a pixel of the middle of each cell is enough to recognise them.
        RgbImage::from_fn(width, height, |x, y| {
            let at = |at: u32, from: u32, to: u32| (u64::from(at) * 2 + 1) * u64::from(from) / (2 * u64::from(to));
            let place = (at(y, self.height, height) * u64::from(self.width) + at(x, self.width, width)) as usize;
            let pixel = self.samples.get(place * bytes..(place + 1) * bytes).unwrap_or_default();
            let value = |channel: usize| {
                let step = bytes / channels.max(1);
                let high = if step == 2 && cfg!(target_endian = "little") { channel * 2 + 1 } else { channel * step };
                pixel.get(high).copied().unwrap_or(0)
            };
            image::Rgb(if self.is_gray() { [value(0); 3] } else { [value(0), value(1), value(2)] })
        })
    }
}
