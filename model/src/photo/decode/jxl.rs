//! JPEG XL, by `jxl-oxide`: pure Rust, MIT or Apache-2.0, and bounded by a budget of its own. Its boxes are read here, so that what is
//! compressed in them is bounded too.

use std::borrow::Cow;
use std::io::Read as _;

use jxl_oxide::{AllocTracker, FrameBufferSample, InitializeResult, JxlImage, PixelFormat, Render};

use super::super::exif::Exif;
use super::bounds::{Need, zeros};
use super::{ENDS_TOO_EARLY, IntoImage as _, Kind, Stored, is_blank, too_damaged};

/// The largest box of EXIF or XMP that is read.
const MAX_WORDS_BYTES: u64 = 16 << 20;
/// The decoder computes in numbers of four bytes, and holds a picture about so many times while it does.
const COPIES: u64 = 4;
/// It takes some memory whatever the picture's size.
const LEAST_BUDGET: u64 = 32 << 20;
const SRGB: [u8; 4] = [1, 13, 0, 1];

pub(super) fn decode(bytes: &[u8]) -> Result<Stored, String> {
    let damaged = || too_damaged(Kind::JpegXl);
    let Boxes { codestream, exif, xmp, is_cut } = Boxes::read(bytes);
    let size_px = size_of_codestream(&codestream).ok_or_else(damaged)?;
    let pixels = u64::from(size_px.0) * u64::from(size_px.1);
    let need = Need {
        size_px,
        bytes_per_pixel: 8,
        working_bytes_per_pixel: 4 * 4 * COPIES,
        is_turned: false,
        is_plain: false,
    };
    need.check()?;
    let budget =
        usize::try_from(pixels.saturating_mul(4 * 4 * COPIES).saturating_add(LEAST_BUDGET)).unwrap_or(usize::MAX);
    let (mut image, head_len) = open(&codestream, budget).ok_or_else(damaged)?;
    // What is wrong after the header ends the picture there, and what follows the picture does not matter.
    let _ = image.feed_bytes(codestream.get(head_len..).unwrap_or_default());
    let is_whole = image.is_loading_done() && !is_cut;
    let render = if image.num_loaded_keyframes() > 0 { image.render_frame(0) } else { image.render_loading_frame() };
    let render = render.map_err(|_| damaged())?;
    let (mut stored, format) = (Stored::default(), image.pixel_format());
    let channels = match format {
        PixelFormat::Gray => 1,
        PixelFormat::Graya => 2,
        PixelFormat::Rgb => 3,
        PixelFormat::Rgba => 4,
        PixelFormat::Cmyk | PixelFormat::Cmyka => {
            return Err(
                "it is a JPEG XL picture in the colours of ink, which this program does not open: save it as PNG or \
                        JPEG with the program that made it"
                    .to_owned(),
            );
        }
    };
    let is_wide = image.image_header().metadata.bit_depth.bits_per_sample() > 8;
    stored.image = if is_wide {
        let samples = samples::<u16>(&render, size_px, channels)?;
        u16::image(size_px, channels, samples)
    } else {
        let samples = samples::<u8>(&render, size_px, channels)?;
        u8::image(size_px, channels, samples)
    }
    .ok_or_else(damaged)?;
    if !is_whole {
        if is_blank(stored.image.as_bytes()) {
            return Err(damaged());
        }
        stored.damage = Some(ENDS_TOO_EARLY.to_owned());
    }
    // It is upright: the file says apart from EXIF how it is turned.
    match image.rendered_cicp() {
        Some(SRGB) => {}
        Some(code_points) => stored.colours.cicp = Some(code_points),
        None => stored.colours.icc_profile = Some(image.rendered_icc()).filter(|profile| !profile.is_empty()),
    }
    stored.metadata.dots_per_inch = exif.as_ref().and_then(Exif::dots_per_inch);
    stored.metadata.exif = exif;
    stored.metadata.xmp = xmp;
    Ok(stored)
}

/// Width and height, upright.
pub(super) fn size_px(bytes: &[u8]) -> Option<(u32, u32)> {
    size_of_codestream(&Boxes::read(bytes).codestream)
}

fn size_of_codestream(codestream: &[u8]) -> Option<(u32, u32)> {
    let (image, _) = open(codestream, LEAST_BUDGET as usize)?;
    Some((image.width(), image.height()))
}

/// A picture of which the header is read, and how many bytes of the file were taken for that.
fn open(codestream: &[u8], budget: usize) -> Option<(JxlImage, usize)> {
    let mut head_len = 64;
    loop {
        let head = codestream.get(..head_len).unwrap_or(codestream);
        let mut image = JxlImage::builder().alloc_tracker(AllocTracker::with_limit(budget)).build_uninit();
        image.feed_bytes(head).ok()?;
        // A profile may stand in the header, which is long then.
        match image.try_init().ok()? {
            InitializeResult::Initialized(image) => return Some((image, head.len())),
            InitializeResult::NeedMoreData(_) if head.len() == codestream.len() => return None,
            InitializeResult::NeedMoreData(_) => head_len *= 2,
        }
    }
}

fn samples<S: FrameBufferSample + Clone + Default>(
    render: &Render,
    (width, height): (u32, u32),
    channels: usize,
) -> Result<Vec<S>, String> {
    let mut stream = render.stream();
    if (stream.width(), stream.height(), stream.channels() as usize) != (width, height, channels) {
        return Err(too_damaged(Kind::JpegXl));
    }
    let mut samples = zeros::<S>(width as usize * height as usize * channels)?;
    stream.write_to_buffer(&mut samples);
    Ok(samples)
}

/// What a file holds; one without boxes is all picture.
#[derive(Default)]
struct Boxes<'a> {
    codestream: Cow<'a, [u8]>,
    exif: Option<Exif>,
    xmp: Option<Vec<u8>>,
    /// Whether the file ends within a box.
    is_cut: bool,
}

impl<'a> Boxes<'a> {
    fn read(bytes: &'a [u8]) -> Self {
        if bytes.starts_with(&[0xff, 0x0a]) {
            return Self { codestream: Cow::Borrowed(bytes), ..Self::default() };
        }
        let mut boxes = Self::default();
        let mut rest = bytes;
        while let Some((header, body)) = rest.split_first_chunk::<8>() {
            let [a, b, c, d, kind @ ..] = *header;
            let (len, body) = match u32::from_be_bytes([a, b, c, d]) {
                // To the end of the file.
                0 => (body.len() as u64, body),
                1 => match body.split_first_chunk::<8>() {
                    Some((len, body)) => (u64::from_be_bytes(*len).saturating_sub(16), body),
                    None => break,
                },
                len => (u64::from(len).saturating_sub(8), body),
            };
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            boxes.is_cut |= len > body.len();
            let (data, after) = body.split_at(len.min(body.len()));
            boxes.take(&kind, data);
            rest = after;
        }
        boxes
    }

    fn take(&mut self, kind: &[u8; 4], data: &'a [u8]) {
        match kind {
            b"jxlc" if self.codestream.is_empty() => self.codestream = Cow::Borrowed(data),
            // Parts have their numbers in front, and stand in their order.
            b"jxlp" => self.codestream.to_mut().extend(data.get(4..).unwrap_or_default()),
            // Where the block begins is said in front of it, but by some encoders, which begin with the block.
            b"Exif" => {
                let block =
                    data.split_first_chunk::<4>().and_then(|(at, data)| data.get(u32::from_be_bytes(*at) as usize..));
                self.exif = self.exif.take().or_else(|| Exif::new(block?)).or_else(|| Exif::new(data));
            }
            b"xml " => self.xmp = self.xmp.take().or_else(|| Some(data.to_vec())),
            b"brob" => {
                if let Some((kind @ (b"Exif" | b"xml "), data)) = data.split_first_chunk::<4>() {
                    let mut words = Vec::new();
                    let brotli = brotli_decompressor::Decompressor::new(data, 4096);
                    if brotli
                        .take(MAX_WORDS_BYTES + 1)
                        .read_to_end(&mut words)
                        .is_ok_and(|len| len as u64 <= MAX_WORDS_BYTES)
                    {
                        let mut inner = Boxes::default();
                        inner.take(kind, &words);
                        self.exif = self.exif.take().or(inner.exif);
                        self.xmp = self.xmp.take().or(inner.xmp);
                    }
                }
            }
            _ => {}
        }
    }
}
