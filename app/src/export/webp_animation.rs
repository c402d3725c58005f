//! Moving WebP files: pictures that [`image_webp`] encodes without loss, in the container for several of them
//! (<https://developers.google.com/speed/webp/docs/riff_container>), which that encoder does not write.

use anyhow::Context as _;
use image::RgbImage;
use image_webp::{ColorType, WebPEncoder};

use super::FileOptions;
use super::picture::Picture;
use super::webp::MAX_SIDE_PX;
use super::words::Words;

/// Of a file and of a chunk: a name and a length before what they hold.
const HEADER_BYTES: usize = 8;
const HAS_EXIF: u8 = 1 << 3;
const HAS_ANIMATION: u8 = 1 << 1;
/// A frame takes the place of the one before, whatever that was.
const DO_NOT_BLEND: u8 = 1 << 1;

/// Pictures of this size, each shown for `frame_ms` milliseconds, for ever.
pub(super) fn encode(
    frames: impl Iterator<Item = anyhow::Result<RgbImage>>,
    (width, height): (u32, u32),
    frame_ms: u16,
    says_edited: bool,
) -> anyhow::Result<Vec<u8>> {
    anyhow::ensure!(
        width.max(height) <= MAX_SIDE_PX,
        "a WebP file has at most {MAX_SIDE_PX} pixels to a side, and these pictures are {width} x {height}"
    );
    let size = [three_bytes(width - 1), three_bytes(height - 1)].concat();
    let mut exif = None;
    let mut animation = Vec::new();
    // No background, no end.
    push_chunk(&mut animation, b"ANIM", &[0; 6])?;
    for frame in frames {
        let frame = frame?;
        if says_edited && exif.is_none() {
            exif = Words::new(&Picture::from(&frame), &FileOptions::default(), &super::webp::ROOM).exif;
        }
        let mut place = [&[0; 6], size.as_slice(), &three_bytes(u32::from(frame_ms))].concat();
        place.push(DO_NOT_BLEND);
        place.extend(bitstream(&frame)?);
        push_chunk(&mut animation, b"ANMF", &place)?;
    }
    let mut file = b"WEBP".to_vec();
    let flags = HAS_ANIMATION | if exif.is_some() { HAS_EXIF } else { 0 };
    push_chunk(&mut file, b"VP8X", &[&[flags, 0, 0, 0], size.as_slice()].concat())?;
    file.extend(animation);
    if let Some(exif) = exif {
        push_chunk(&mut file, b"EXIF", &exif)?;
    }
    let mut bytes = Vec::with_capacity(HEADER_BYTES + file.len());
    push_chunk(&mut bytes, b"RIFF", &file)?;
    Ok(bytes)
}

/// A picture as the chunk that a file of one alone has.
fn bitstream(frame: &RgbImage) -> anyhow::Result<Vec<u8>> {
    let mut file = Vec::new();
    WebPEncoder::new(&mut file).encode(frame.as_raw(), frame.width(), frame.height(), ColorType::Rgb8)?;
    // Without anything else a file is its own header and this chunk.
    let chunk = file.get(HEADER_BYTES + 4..).filter(|chunk| chunk.starts_with(b"VP8L"));
    Ok(chunk.context("a picture could not be encoded as WebP")?.to_vec())
}

fn push_chunk(bytes: &mut Vec<u8>, name: &[u8; 4], content: &[u8]) -> anyhow::Result<()> {
    let len = u32::try_from(content.len()).context("a WebP file has at most 4 GiB")?;
    bytes.extend(name);
    bytes.extend(len.to_le_bytes());
    bytes.extend(content);
    if len % 2 == 1 {
        bytes.push(0);
    }
    Ok(())
}

fn three_bytes(number: u32) -> [u8; 3] {
    let [low, middle, high, _] = number.to_le_bytes();
    [low, middle, high]
}
