//! Finding faces and five landmarks each: YuNet, run by rten.
//!
//! The published file (opencv_zoo, MIT, 230 kB, `weights/yunet`) is embedded as it is. Of the ONNX runtimes in Rust
//! rten costs the least: candle-onnx adds 8 crates but needs `protoc` to build and runs a depthwise convolution channel
//! by channel. Measured, one pass of the network on one thread (medians; an AMD EPYC server with other work on it):
//!
//! | | crates added | build, CPU time | program grows by | 640 px | 1280 px | 2048 px |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | tract-onnx 0.23 | 49 | 500 s | 23 MB | 36 ms | 207 ms | 712 ms |
//! | rten 0.27 | 10 | 94 s | 2.5 MB | 58 ms | 233 ms | 632 ms |
//!
//! An executor of our own for this one network was twice as fast, and 640 lines to keep. Whole searches, the two taking
//! turns in one run (medians, two threads):
//!
//! | | 640 x 480 | 1280 x 960 | 2048 x 1536 | 6000 x 4000 | ten faces, 1600 x 640 |
//! | --- | --- | --- | --- | --- | --- |
//! | our own | 39 ms | 93 ms | 354 ms | 493 ms | 393 ms |
//! | rten | 91 ms | 205 ms | 515 ms | 898 ms | 866 ms |
//!
//! A photo of 24 megapixels is thus open in 1.2 s: 90 ms to decode it, 890 ms to search it, 250 ms to cut out a face.
//!
//! A photo is searched in a copy of four megapixels and in smaller ones, so that small faces and faces that fill the
//! photo are found; each found face is then looked at upright in a small window, see `readout`. Of 32 demo faces 39 px
//! wide, all are found in 12 megapixels and 29 in 24; 44 px wide, all in 24 and 25 in 43.

use image::RgbImage;
use rayon::prelude::*;

use super::align::{align, cut_out};
use super::geometry::{CropQuad, Landmarks, crop_quad};
use super::network::Network;
use super::readout::{Readout, WINDOW_PX, crop_features};
use crate::error::{Error, Result};
use crate::photo::shrunk;

/// The published detector.
pub(super) const YUNET: &[u8] = include_bytes!("../../../weights/yunet/face_detection_yunet_2026may.onnx");
/// What brings its crops to where the training set's are, see `readout`.
const READOUT: &[u8] = include_bytes!("../../../weights/yunet/alignment.safetensors");

/// Pixels of the largest copy in which a photo is searched, and its longest side.
const SEARCH_PIXELS: f64 = 2048.0 * 2048.0;
const SEARCH_SIDE_PX: u32 = 4096;
/// Smaller copies follow, each this much smaller, down to the last side: for faces that fill the photo.
const SEARCH_STEP: f64 = 0.4;
const LAST_SEARCH_SIDE_PX: u32 = 128;
/// Least confidence of a found face, at the second look.
const MIN_CONFIDENCE: f32 = 0.7;
/// A smaller frame has too few pixels to be edited, and is mostly not a face.
const MIN_FRAME_PX: f32 = 16.0;
/// Frames that overlap more (intersection over union) show the same face.
const MAX_OVERLAP: f32 = 0.3;
/// What is not even half sure is not looked at a second time.
const MIN_FIRST_CONFIDENCE: f32 = 0.5;
/// More faces than this are not reported: the largest and surest are.
const MAX_FACES: usize = 100;

/// A box in a photo, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FaceFrame {
    /// The left side.
    pub left: f32,
    /// The upper side.
    pub top: f32,
    /// From left to right.
    pub width: f32,
    /// From top to bottom.
    pub height: f32,
}

impl FaceFrame {
    fn area(&self) -> f32 {
        self.width * self.height
    }

    fn center(&self) -> [f32; 2] {
        [self.left + self.width / 2.0, self.top + self.height / 2.0]
    }

    /// Intersection over union.
    fn overlap(&self, other: &Self) -> f32 {
        let width = (self.left + self.width).min(other.left + other.width) - self.left.max(other.left);
        let height = (self.top + self.height).min(other.top + other.height) - self.top.max(other.top);
        let shared = width.max(0.0) * height.max(0.0);
        shared / (self.area() + other.area() - shared).max(f32::MIN_POSITIVE)
    }
}

/// A found face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// The five points, in the photo.
    pub landmarks: Landmarks,
    /// The face from forehead to chin, in the photo.
    pub frame: FaceFrame,
    /// How sure the detector is, in [0, 1].
    pub confidence: f32,
}

/// The detector, ready to run; it may be shared between threads.
pub struct FaceDetector {
    network: Network,
    readout: Readout,
}

impl FaceDetector {
    /// The embedded detector.
    ///
    /// # Errors
    /// When the embedded file is damaged.
    pub fn new() -> Result<Self> {
        Ok(Self { network: Network::from_onnx(YUNET)?, readout: Readout::from_safetensors(READOUT)? })
    }

    /// The faces in a photo, the largest and surest first; finding none is not an error.
    ///
    /// # Errors
    /// When the photo has no pixels.
    pub fn detect(&self, photo: &RgbImage) -> Result<Vec<Detection>> {
        self.network.on_its_threads(|| self.search(photo))
    }

    /// The largest and surest face of a photo, cut out square and upright as the model was trained: at 512 px, or at 1024 px where
    /// the photo shows more.
    ///
    /// # Errors
    /// [`Error::NoFace`] when there is none, or when the photo has no pixels.
    pub fn cut_out(&self, photo: &RgbImage) -> Result<RgbImage> {
        let quad = self.detect(photo)?.iter().find_map(|face| crop_quad(&face.landmarks).ok()).ok_or(Error::NoFace)?;
        cut_out(photo, &quad)
    }

    /// What the detector's network sees in the middle of a nearly aligned crop, or of its mirror image: the 12,544 numbers from which
    /// the rest of the alignment is read. For `examples/fit_alignment.rs`, which fits what reads them.
    ///
    /// # Errors
    /// When the photo has no pixels.
    pub fn alignment_features(&self, photo: &RgbImage, quad: &CropQuad, is_mirrored: bool) -> Result<Vec<f32>> {
        crop_features(&self.network, photo, quad, is_mirrored)
    }

    fn search(&self, photo: &RgbImage) -> Result<Vec<Detection>> {
        let mut found = Vec::new();
        let copies = search_copies(photo)?;
        for copy in &copies {
            let (across, down) =
                (photo.width() as f32 / copy.width() as f32, photo.height() as f32 / copy.height() as f32);
            found.extend(self.detect_at_size(copy)?.into_iter().map(|face| face.stretched(across, down)));
        }
        let mut found = strongest_of_each(found);
        found.retain(|face| face.frame.width.max(face.frame.height) >= MIN_FRAME_PX);
        let importance = |face: &Detection| face.frame.area() * face.confidence;
        found.sort_by(|a, b| importance(b).total_cmp(&importance(a)));
        found.truncate(MAX_FACES);
        let seen_again = found.par_iter().filter_map(|face| self.second_look(photo, &copies, face).transpose());
        // Two guesses may have become one face.
        let mut found = strongest_of_each(seen_again.collect::<Result<_>>()?);
        found.sort_by(|a, b| importance(b).total_cmp(&importance(a)));
        Ok(found)
    }

    /// The face once more, upright and at the size at which the network is at its best. None where no face is seen
    /// there.
    fn second_look(&self, photo: &RgbImage, copies: &[RgbImage], face: &Detection) -> Result<Option<Detection>> {
        // Points that lie on each other are not a face.
        let Ok(quad) = crop_quad(&face.landmarks) else { return Ok(None) };
        // The smallest copy that has enough pixels: less to average.
        let scale = |copy: &RgbImage| f64::from(copy.width()) / f64::from(photo.width());
        let enough = |copy: &&RgbImage| f64::from(quad.side_px()) * scale(copy) >= 2.0 * f64::from(WINDOW_PX);
        let copy = copies.iter().rev().find(enough).unwrap_or(photo);
        let to_copy = [0, 1]
            .map(|axis| [copy.width(), copy.height()][axis] as f32 / [photo.width(), photo.height()][axis] as f32);
        let face = face.stretched(to_copy[0], to_copy[1]);
        let Ok(quad) = crop_quad(&face.landmarks) else { return Ok(None) };
        let window = align(copy, &quad, WINDOW_PX)?;
        let off_middle =
            |face: &Detection| face.frame.center().map(|at| (at - WINDOW_PX as f32 / 2.0).abs()).iter().sum::<f32>();
        let seen = self.detect_at_size(&window)?;
        let Some(seen) = seen.into_iter().min_by(|a, b| off_middle(a).total_cmp(&off_middle(b))) else {
            return Ok(None);
        };
        if seen.confidence < MIN_CONFIDENCE || off_middle(&seen) > 0.3 * WINDOW_PX as f32 {
            return Ok(None);
        }
        let landmarks = seen.landmarks.transformed(&quad.photo_from_crop(WINDOW_PX));
        let Ok(quad) = crop_quad(&landmarks) else { return Ok(None) };
        // The points move with their crop, so that the crop made from them is the corrected one.
        let landmarks = match self.readout.corrected(&self.network, copy, &quad)? {
            Some(corrected) => landmarks.transformed(&quad.transform_to(&corrected)),
            None => landmarks,
        };
        let seen = Detection { landmarks, frame: face.frame, confidence: seen.confidence };
        Ok(Some(seen.stretched(1.0 / to_copy[0], 1.0 / to_copy[1])))
    }

    /// One pass of the network over a picture as it is, in its own pixels.
    fn detect_at_size(&self, picture: &RgbImage) -> Result<Vec<Detection>> {
        let mut found = Vec::new();
        for output in self.network.outputs(picture)? {
            let stride = output.stride_px as f32;
            for (i, cell) in output.cells().enumerate() {
                let confidence = (cell.class * cell.objectness).sqrt();
                if confidence.is_nan() || confidence < MIN_FIRST_CONFIDENCE {
                    continue;
                }
                let (column, row) = ((i % output.width) as f32, (i / output.width) as f32);
                let in_px = |[x, y]: [f32; 2]| [(column + x) * stride, (row + y) * stride];
                let [dx, dy, log_width, log_height] = cell.frame;
                let [x, y] = in_px([dx, dy]);
                let (width, height) = (log_width.exp() * stride, log_height.exp() * stride);
                let [eye_left, eye_right, nose, mouth_left, mouth_right] = cell.points.map(in_px);
                found.push(Detection {
                    landmarks: Landmarks { eye_left, eye_right, nose: Some(nose), mouth_left, mouth_right },
                    frame: FaceFrame { left: x - width / 2.0, top: y - height / 2.0, width, height },
                    confidence,
                });
            }
        }
        Ok(strongest_of_each(found))
    }
}

impl Detection {
    /// This face in the picture resized by these factors.
    fn stretched(self, across: f32, down: f32) -> Self {
        let point = |[x, y]: [f32; 2]| [(x + 0.5) * across - 0.5, (y + 0.5) * down - 0.5];
        let Landmarks { eye_left, eye_right, nose, mouth_left, mouth_right } = self.landmarks;
        let FaceFrame { left, top, width, height } = self.frame;
        let [left, top] = point([left, top]);
        Self {
            landmarks: Landmarks {
                eye_left: point(eye_left),
                eye_right: point(eye_right),
                nose: nose.map(point),
                mouth_left: point(mouth_left),
                mouth_right: point(mouth_right),
            },
            frame: FaceFrame { left, top, width: width * across, height: height * down },
            confidence: self.confidence,
        }
    }
}

/// Keeps the surest of frames that overlap.
fn strongest_of_each(mut found: Vec<Detection>) -> Vec<Detection> {
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut kept: Vec<Detection> = Vec::new();
    for face in found {
        if kept.iter().all(|other| other.frame.overlap(&face.frame) <= MAX_OVERLAP) {
            kept.push(face);
        }
    }
    kept
}

/// The copies of the photo that are searched, the largest first.
fn search_copies(photo: &RgbImage) -> Result<Vec<RgbImage>> {
    let longest = photo.width().max(photo.height());
    if photo.width() == 0 || photo.height() == 0 {
        return Err(Error::argument("the photo has no pixels"));
    }
    let mut copies: Vec<RgbImage> = Vec::new();
    let reduced = (SEARCH_PIXELS / (f64::from(photo.width()) * f64::from(photo.height()))).sqrt().min(1.0);
    let mut side = (f64::from(longest) * reduced).min(f64::from(SEARCH_SIDE_PX));
    loop {
        let factor = side / f64::from(longest);
        let size = |len: u32| ((f64::from(len) * factor).round() as u32).max(1);
        let from = copies.last().unwrap_or(photo);
        copies.push(shrunk(from, size(photo.width()), size(photo.height())));
        side *= SEARCH_STEP;
        if side < f64::from(LAST_SEARCH_SIDE_PX) {
            return Ok(copies);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlap_of_frames() {
        let frame = |left, width| FaceFrame { left, top: 0.0, width, height: 10.0 };
        let cases = [(0.0, 10.0, 1.0), (5.0, 10.0, 1.0 / 3.0), (10.0, 10.0, 0.0), (20.0, 10.0, 0.0), (0.0, 0.0, 0.0)];
        for (left, width, expected) in cases {
            assert!((frame(0.0, 10.0).overlap(&frame(left, width)) - expected).abs() < 1e-6, "{left}, {width}");
        }
    }
}
