//! A picture that the engine drew, and what it cost.

use image::RgbImage;

/// How near a frame is to the final picture of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrameKind {
    /// Fast and nearly exact: only the part around what changed was drawn anew.
    Preview,
    /// Exact, but where layers are painted not settled yet: what a moving brush shows.
    Moving,
    /// The picture of its request: where layers are painted, settled (see [`crate::settle`]).
    Final,
}

/// A picture that the engine drew.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Frame {
    /// The number that [`super::EngineHandle::render`] gave to its request, 0 where there was none; later requests have greater
    /// numbers.
    pub request: u64,
    /// A request's frames come in the order of their kinds, and end with the final one.
    pub kind: FrameKind,
    /// Width and height.
    pub size_px: usize,
    /// RGBA, 8 bit, row by row from the top left, alpha 255.
    pub rgba: Vec<u8>,
    /// What the frame cost.
    pub timings: Timings,
}

impl Frame {
    /// The picture without alpha, for files and for whoever goes on with it.
    pub fn to_rgb(&self) -> RgbImage {
        let size_px = u32::try_from(self.size_px).unwrap_or_default();
        let mut picture = RgbImage::new(size_px, size_px);
        for (to, [red, green, blue, _]) in picture.pixels_mut().zip(self.rgba.as_chunks::<4>().0) {
            to.0 = [*red, *green, *blue];
        }
        picture
    }

    /// Orders frames: the greater is the newer one.
    pub fn order(&self) -> (u64, FrameKind) {
        (self.request, self.kind)
    }
}

/// Where a frame's time went.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Timings {
    /// From the request being taken up to the pixels.
    pub total_ms: f32,
    /// Bringing masks to the levels and mixing the cached modulations.
    pub mix_ms: f32,
    /// The main path, with the read-back of the pixels.
    pub main_path_ms: f32,
}
