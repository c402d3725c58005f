//! Finding faces and five landmarks each: YuNet.
//!
//! The published file (opencv_zoo, MIT, 230 kB, `weights/yunet`) is embedded as it is; `onnx` reads its weights and `network` runs
//! them. A runtime would do too, and rten (10 crates, 2.5 MB of program) did; but opening a large photo was mostly that. One photo of
//! 24 megapixels with two faces, decoded and searched, takes 0.95 s of processor time, and took 2.05 s (medians of three, AVX2);
//! `cargo bench --workspace --bench ratios -- faces` holds one against the other.
//!
//! A photo is searched in a copy of four megapixels and in smaller ones, so that small faces and faces that fill the photo are found;
//! each found face is then looked at upright in a small window, see `readout`, and where it is not certain also lying and upside
//! down. Where no sure face is found so, a small copy is searched in all eight turns of 45 degrees: most photos are upright, and
//! cost nothing more.
//!
//! Measured. Turned photos: of 12 photos in eight angles, 94 of 96 are cut out within 6% of the crop's side of where the upright one
//! is (48 before the turns). Recall: of 72 held-out faces in crops 32, 48 and 160 px wide on a gray ground 67, 72 and 72 are found, and
//! of 25 of them overexposed, in a surgical mask, in sunglasses or blurred 25 each, dim 24, half hidden 23, in heavy noise 14: all as
//! before. False finds: none where two wheels of parked cars were, and 2 where there were 3 beside the hidden halves. In 256 pieces of
//! photos beside their faces, as they are, upside down, turned and as negatives, and 40 textures, `MIN_CONFIDENCE` as it is leaves
//! none, and 0.7 left 4; of the faces above it costs none (`docs/reliability.md`).

use image::imageops::{interpolate_bilinear, rotate90, rotate180, rotate270};
use image::{Rgb, RgbImage};
use rayon::prelude::*;

use super::align::{align, cut_out};
use super::geometry::{CropQuad, Landmarks, Similarity, crop_quad};
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
const MIN_CONFIDENCE: f32 = 0.77;
/// Less sure faces are looked at lying on each side and standing on their head too: what was taken for a face upside down looks more
/// like one the right way up. And a wheel looks nearly as much like a face from the side: what is doubtful must lead by so much.
const CERTAIN: f32 = 0.92;
const DOUBTFUL: f32 = 0.89;
const MIN_LEAD_OVER_SIDES: f32 = 0.025;
/// Where no face is at least this sure, the photo may be turned.
const SURE: f32 = 0.85;
/// The ways in which a photo is turned then, in a copy whose longer side has this many pixels.
const TURNS: u32 = 8;
const TURNED_SIDE_PX: u32 = 640;
/// A smaller frame has too few pixels to be edited, and is mostly not a face.
const MIN_FRAME_PX: f32 = 16.0;
/// Frames that overlap more (intersection over union) show the same face.
const MAX_OVERLAP: f32 = 0.3;
/// What is not even half sure is not looked at a second time.
const MIN_FIRST_CONFIDENCE: f32 = 0.5;
/// More faces than this are not reported: the largest and surest are. A photo with as many may show more.
pub const MAX_FACES: usize = 100;
/// What is taken for a face is looked at a second time in groups of [`MAX_FACES`], until as many are faces. Of more groups than this
/// nearly nothing is one.
const MAX_GROUPS: usize = 10;

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
        Self::from_onnx(YUNET)
    }

    /// The same network with the numbers of another file.
    ///
    /// # Errors
    /// When the bytes are no ONNX file of such a network.
    #[doc(hidden)]
    pub fn from_onnx(onnx: &[u8]) -> Result<Self> {
        Ok(Self { network: Network::from_onnx(onnx)?, readout: Readout::from_safetensors(READOUT)? })
    }

    /// The faces in a photo, the largest and surest first; finding none is not an error.
    ///
    /// # Errors
    /// When the photo has no pixels.
    pub fn detect(&self, photo: &RgbImage) -> Result<Vec<Detection>> {
        self.search(photo)
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
        let copies = search_copies(photo)?;
        let mut found = Vec::new();
        for copy in &copies {
            let scale = scale_of(photo, copy);
            found.extend(self.detect_at_size(copy)?.into_iter().map(|face| face.stretched(scale[0], scale[1])));
        }
        let mut seen = self.seen_again(photo, &copies, found)?;
        if !seen.iter().any(|face| face.confidence >= SURE) {
            // The photo may lie on its side or stand on its head.
            let turned = self.search_turned(photo, &copies)?;
            seen.extend(self.seen_again(photo, &copies, turned)?);
            seen = most_important_first(strongest_of_each(seen));
            seen.truncate(MAX_FACES);
        }
        Ok(seen)
    }

    /// What of these is still a face at a second look, the largest and surest first.
    fn seen_again(&self, photo: &RgbImage, copies: &[RgbImage], found: Vec<Detection>) -> Result<Vec<Detection>> {
        let mut found = strongest_of_each(found);
        found.retain(|face| face.frame.width.max(face.frame.height) >= MIN_FRAME_PX);
        enough_of(&most_important_first(found), |face| self.second_look(photo, copies, face))
    }

    /// Faces in a small copy that is turned every way but upright.
    fn search_turned(&self, photo: &RgbImage, copies: &[RgbImage]) -> Result<Vec<Detection>> {
        let is_enough = |copy: &&RgbImage| copy.width().max(copy.height()) >= TURNED_SIDE_PX;
        let larger = copies.iter().rev().find(is_enough).or(copies.first()).unwrap_or(photo);
        let shrink = (f64::from(TURNED_SIDE_PX) / f64::from(larger.width().max(larger.height()))).min(1.0);
        let [width, height] =
            [larger.width(), larger.height()].map(|len| ((f64::from(len) * shrink).round() as u32).max(1));
        let copy = &shrunk(larger, width, height);
        let scale = scale_of(photo, copy);
        let (width, height) = (f64::from(copy.width()), f64::from(copy.height()));
        let center = [(width - 1.0) / 2.0, (height - 1.0) / 2.0];
        let in_turn = |turn: u32| -> Result<Vec<Detection>> {
            let (sin, cos) = (f64::from(turn) * std::f64::consts::TAU / f64::from(TURNS)).sin_cos();
            // The square around all of the turned copy.
            let half_side = (width * cos.abs() + height * sin.abs()).max(width * sin.abs() + height * cos.abs()) / 2.0;
            let Ok(quad) = CropQuad::from_center_and_half_side(center, [half_side * cos, half_side * sin]) else {
                return Ok(Vec::new());
            };
            let size_px = (2.0 * half_side).ceil() as u32;
            let copy_from_turned = quad.photo_from_crop(size_px);
            let found = self.detect_at_size(&turned(copy, &copy_from_turned, size_px))?.into_iter();
            Ok(found.map(|face| face.transformed(&copy_from_turned).stretched(scale[0], scale[1])).collect())
        };
        let found: Vec<_> = (1..TURNS).into_par_iter().map(in_turn).collect::<Result<_>>()?;
        Ok(found.into_iter().flatten().collect())
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
        let Some(seen) = self.in_the_middle(&window)? else { return Ok(None) };
        if seen.confidence < MIN_CONFIDENCE || off_middle(&seen) > 0.3 * WINDOW_PX as f32 {
            return Ok(None);
        }
        if seen.confidence < CERTAIN {
            let confidence = |turned: RgbImage| -> Result<f32> {
                Ok(self.in_the_middle(&turned)?.map_or(0.0, |face| face.confidence))
            };
            let lead = if seen.confidence < DOUBTFUL { MIN_LEAD_OVER_SIDES } else { 0.0 };
            let sides = confidence(rotate90(&window))?.max(confidence(rotate270(&window))?);
            if sides > seen.confidence - lead || confidence(rotate180(&window))? > seen.confidence {
                return Ok(None);
            }
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

    /// What is seen nearest to the middle of a window.
    fn in_the_middle(&self, window: &RgbImage) -> Result<Option<Detection>> {
        let seen = self.detect_at_size(window)?.into_iter();
        Ok(seen.min_by(|a, b| off_middle(a).total_cmp(&off_middle(b))))
    }

    /// One pass of the network over a picture as it is, in its own pixels.
    fn detect_at_size(&self, picture: &RgbImage) -> Result<Vec<Detection>> {
        let mut found = Vec::new();
        for output in self.network.outputs(picture) {
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
    /// This face where `transform` takes it.
    fn transformed(self, transform: &Similarity) -> Self {
        let FaceFrame { width, height, .. } = self.frame;
        let scale = transform.scale() as f32;
        let ([x, y], width, height) = (transform.apply(self.frame.center()), width * scale, height * scale);
        Self {
            landmarks: self.landmarks.transformed(transform),
            frame: FaceFrame { left: x - width / 2.0, top: y - height / 2.0, width, height },
            ..self
        }
    }

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

/// A square picture of a photo through a transform, gray where there is no photo: good enough to find faces in, and quick.
fn turned(photo: &RgbImage, photo_from_turned: &Similarity, size_px: u32) -> RgbImage {
    let mut out = RgbImage::from_pixel(size_px, size_px, Rgb([128; 3]));
    out.par_chunks_exact_mut((3 * size_px as usize).max(1)).enumerate().for_each(|(y, row)| {
        for (to, x) in row.as_chunks_mut().0.iter_mut().zip(0u32..) {
            let [from_x, from_y] = photo_from_turned.apply([x as f32, y as f32]);
            if let Some(Rgb(pixel)) = interpolate_bilinear(photo, from_x, from_y) {
                *to = pixel;
            }
        }
    });
    out
}

/// How far from the middle of its window a face was seen, in pixels across and down.
fn off_middle(face: &Detection) -> f32 {
    face.frame.center().map(|at| (at - WINDOW_PX as f32 / 2.0).abs()).iter().sum()
}

/// How much larger the photo is than its copy, across and down.
fn scale_of(photo: &RgbImage, copy: &RgbImage) -> [f32; 2] {
    [photo.width() as f32 / copy.width() as f32, photo.height() as f32 / copy.height() as f32]
}

/// What passes the second look, [`MAX_FACES`] at most: the list is not cut before, or what is no face would take the place of one.
fn enough_of(
    found: &[Detection],
    second_look: impl Fn(&Detection) -> Result<Option<Detection>> + Sync,
) -> Result<Vec<Detection>> {
    let mut seen = Vec::new();
    for group in found.chunks(MAX_FACES).take(MAX_GROUPS) {
        let again = group.par_iter().filter_map(|face| second_look(face).transpose());
        seen.extend(again.collect::<Result<Vec<_>>>()?);
        // Two guesses may have become one face.
        seen = strongest_of_each(seen);
        if seen.len() >= MAX_FACES {
            break;
        }
    }
    seen = most_important_first(seen);
    seen.truncate(MAX_FACES);
    Ok(seen)
}

fn most_important_first(mut found: Vec<Detection>) -> Vec<Detection> {
    let importance = |face: &Detection| face.frame.area() * face.confidence;
    found.sort_by(|a, b| importance(b).total_cmp(&importance(a)));
    found
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
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_no_face_takes_the_place_of_none() {
        // Side by side, so that each is another.
        let guess = |i: u16| Detection {
            landmarks: Landmarks {
                eye_left: [0.0; 2],
                eye_right: [0.0; 2],
                nose: None,
                mouth_left: [0.0; 2],
                mouth_right: [0.0; 2],
            },
            frame: FaceFrame { left: f32::from(i) * 20.0, top: 0.0, width: 20.0, height: 20.0 },
            confidence: 0.9,
        };
        let guesses: Vec<_> = (0..240).map(guess).collect();
        // Every guess, every other or one of eight is a face.
        for (step, expected) in [(1, MAX_FACES), (2, MAX_FACES), (8, 30)] {
            let look = |face: &Detection| Ok(((face.frame.left as usize / 20).is_multiple_of(step)).then_some(*face));
            assert_eq!(enough_of(&guesses, look).unwrap().len(), expected, "one of {step}");
        }
        assert!(enough_of(&guesses, |_| Err(Error::Cancelled)).is_err());
    }

    #[test]
    fn overlap_of_frames() {
        let frame = |left, width| FaceFrame { left, top: 0.0, width, height: 10.0 };
        let cases = [(0.0, 10.0, 1.0), (5.0, 10.0, 1.0 / 3.0), (10.0, 10.0, 0.0), (20.0, 10.0, 0.0), (0.0, 0.0, 0.0)];
        for (left, width, expected) in cases {
            assert!((frame(0.0, 10.0).overlap(&frame(left, width)) - expected).abs() < 1e-6, "{left}, {width}");
        }
    }
}
