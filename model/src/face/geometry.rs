//! Where a face lies: its landmarks, the crop that the model was trained on, and the transform between crop and photo.
//!
//! # Positions
//!
//! Positions are in pixels, x to the right and y down, and whole numbers are the *centres* of pixels, in photos and
//! crops alike: the top-left pixel's centre is (0, 0) and the picture's corner (-0.5, -0.5). The training set was made
//! that way.
//!
//! # The crop
//!
//! The public FFHQ recipe (Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks",
//! CVPR 2019; `recreate_aligned_images` in NVlabs/ffhq-dataset): with e the vector between the eyes and m that from the
//! middle between the eyes to the middle of the mouth, the crop's direction is that of e - rot90(m), half its side the
//! larger of 2 |e| and 1.8 |m|, and its centre a tenth of m below the eyes.

use crate::error::{Error, Result};

/// Nothing in a photo lies further out than this; keeps hostile numbers away from the arithmetic.
const FARTHEST_PX: f32 = 1e6;
/// Nor does a crop whose landmarks lie within it.
const FARTHEST_CROP_PX: f64 = 1e7;
/// A crop smaller than this holds no face.
const MIN_SIDE_PX: f64 = 2.0;

type Vector = [f64; 2];

fn add(a: Vector, b: Vector) -> Vector {
    [a[0] + b[0], a[1] + b[1]]
}

fn sub(a: Vector, b: Vector) -> Vector {
    [a[0] - b[0], a[1] - b[1]]
}

fn scaled(a: Vector, factor: f64) -> Vector {
    [a[0] * factor, a[1] * factor]
}

fn length(a: Vector) -> f64 {
    a[0].hypot(a[1])
}

/// A quarter turn that takes "right" to "down".
fn turned(a: Vector) -> Vector {
    [-a[1], a[0]]
}

fn middle(a: Vector, b: Vector) -> Vector {
    scaled(add(a, b), 0.5)
}

fn wide(position: [f32; 2]) -> Vector {
    position.map(f64::from)
}

fn narrow(position: Vector) -> [f32; 2] {
    position.map(|value| value as f32)
}

/// A face's landmarks in a photo, in pixels. Left and right are the picture's, not the person's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Landmarks {
    /// The centre of the eye on the left of the picture.
    pub eye_left: [f32; 2],
    /// The centre of the eye on the right of the picture.
    pub eye_right: [f32; 2],
    /// The tip of the nose, where it is known; the crop does not need it.
    pub nose: Option<[f32; 2]>,
    /// The corner of the mouth on the left of the picture.
    pub mouth_left: [f32; 2],
    /// The corner of the mouth on the right of the picture.
    pub mouth_right: [f32; 2],
}

impl Landmarks {
    /// From what a user places by hand: two eyes and the middle of the mouth. The corners of the mouth are guessed
    /// beside it, along the eye line, at three quarters of the eyes' distance, which is typical; the crop depends on
    /// their middle only.
    pub fn from_eyes_and_mouth(eye_left: [f32; 2], eye_right: [f32; 2], mouth: [f32; 2]) -> Self {
        let half_mouth = scaled(sub(wide(eye_right), wide(eye_left)), 0.375);
        Self {
            eye_left,
            eye_right,
            nose: None,
            mouth_left: narrow(sub(wide(mouth), half_mouth)),
            mouth_right: narrow(add(wide(mouth), half_mouth)),
        }
    }

    /// The middle of the mouth.
    pub fn mouth(&self) -> [f32; 2] {
        narrow(middle(wide(self.mouth_left), wide(self.mouth_right)))
    }

    /// Every point through `transform`.
    #[must_use]
    pub fn transformed(&self, transform: &Similarity) -> Self {
        let Self { eye_left, eye_right, nose, mouth_left, mouth_right } = *self;
        let apply = |point| transform.apply(point);
        Self {
            eye_left: apply(eye_left),
            eye_right: apply(eye_right),
            nose: nose.map(apply),
            mouth_left: apply(mouth_left),
            mouth_right: apply(mouth_right),
        }
    }
}

/// Rotation, scale and translation: x' = a x - b y + tx, y' = b x + a y + ty.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    a: f64,
    b: f64,
    translation: Vector,
}

impl Similarity {
    /// Where a position goes.
    pub fn apply(&self, position: [f32; 2]) -> [f32; 2] {
        narrow(self.apply_wide(wide(position)))
    }

    pub(super) fn apply_wide(&self, [x, y]: Vector) -> Vector {
        let Self { a, b, translation } = *self;
        add([a * x - b * y, b * x + a * y], translation)
    }

    /// How far the result moves for one pixel to the right: the first column of the matrix.
    pub(super) fn step_x(&self) -> Vector {
        [self.a, self.b]
    }

    /// The way back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let Self { a, b, translation: [x, y] } = *self;
        let square = a * a + b * b;
        let (a, b) = (a / square, -b / square);
        Self { a, b, translation: [b * y - a * x, -b * x - a * y] }
    }

    /// By how much a direction turns, from right to down.
    pub fn angle_radians(&self) -> f64 {
        self.b.atan2(self.a)
    }

    /// How much longer a distance becomes.
    pub fn scale(&self) -> f64 {
        self.a.hypot(self.b)
    }
}

/// The square of a photo that becomes the model's picture; it may be rotated and may reach beyond the photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CropQuad {
    center_in_photo: Vector,
    /// From the centre to the middle of the right side.
    half_side_in_photo: Vector,
}

impl CropQuad {
    /// From corners as [`Self::corners_in_photo`] gives them; they may be off a square by rounding.
    ///
    /// # Errors
    /// When they are not the corners of a square, in that order.
    pub fn from_corners(corners_in_photo: [[f32; 2]; 4]) -> Result<Self> {
        check_positions(&corners_in_photo)?;
        let [top_left, bottom_left, bottom_right, top_right] = corners_in_photo.map(wide);
        let diagonals = [middle(top_left, bottom_right), middle(bottom_left, top_right)];
        let sides = [sub(top_right, top_left), sub(bottom_right, bottom_left)];
        let quad = Self {
            center_in_photo: middle(diagonals[0], diagonals[1]),
            half_side_in_photo: scaled(add(sides[0], sides[1]), 0.25),
        }
        .checked()?;
        let tolerance = 0.02 * length(quad.half_side_in_photo) + 0.1;
        let off = |(corner, exact): (&Vector, &Vector)| length(sub(*corner, *exact)) > tolerance;
        if [top_left, bottom_left, bottom_right, top_right].iter().zip(&quad.corners()).any(off) {
            return Err(Error::argument("the crop's corners do not form a square"));
        }
        Ok(quad)
    }

    /// From [`Self::center_and_half_side`], exactly.
    ///
    /// # Errors
    /// When they are not numbers, or the crop is smaller than two pixels or lies nowhere near a photo.
    pub fn from_center_and_half_side(center_in_photo: [f64; 2], half_side_in_photo: [f64; 2]) -> Result<Self> {
        // Not `>`: a NaN must fail.
        if !center_in_photo.iter().chain(&half_side_in_photo).all(|value| value.abs() <= FARTHEST_CROP_PX) {
            return Err(Error::argument("the crop lies nowhere near the photo"));
        }
        Self { center_in_photo, half_side_in_photo }.checked()
    }

    /// The middle of the crop and the way from there to the middle of its right side, in pixels: all there is to know of it,
    /// without rounding.
    pub fn center_and_half_side(&self) -> ([f64; 2], [f64; 2]) {
        (self.center_in_photo, self.half_side_in_photo)
    }

    /// The largest square around a photo's middle, for photos that already are crops.
    ///
    /// # Errors
    /// When nothing is left of it.
    pub fn centered(photo_width_px: u32, photo_height_px: u32) -> Result<Self> {
        let [width, height] = [photo_width_px, photo_height_px].map(f64::from);
        let half_side = width.min(height) / 2.0;
        // On whole pixels, as a crop of the pixels would be.
        let center = [width, height].map(|len| (len / 2.0 - half_side).floor() + half_side - 0.5);
        Self { center_in_photo: center, half_side_in_photo: [half_side, 0.0] }.checked()
    }

    fn checked(self) -> Result<Self> {
        let side_px = length(self.half_side_in_photo) * 2.0;
        if side_px.is_nan() || side_px < MIN_SIDE_PX {
            return Err(Error::argument("the crop is smaller than two pixels"));
        }
        Ok(self)
    }

    fn corners(&self) -> [Vector; 4] {
        let (center, x) = (self.center_in_photo, self.half_side_in_photo);
        let y = turned(x);
        [sub(sub(center, x), y), add(sub(center, x), y), add(add(center, x), y), sub(add(center, x), y)]
    }

    /// Top-left, bottom-left, bottom-right, top-right.
    pub fn corners_in_photo(&self) -> [[f32; 2]; 4] {
        self.corners().map(narrow)
    }

    /// The middle of the crop.
    pub fn center_in_photo(&self) -> [f32; 2] {
        narrow(self.center_in_photo)
    }

    /// The length of the crop's side.
    pub fn side_px(&self) -> f32 {
        (2.0 * length(self.half_side_in_photo)) as f32
    }

    /// From positions in the crop, made at `size_px` x `size_px`, to positions in the photo. The outer edges of the
    /// crop's border pixels fall on the square's sides.
    pub fn photo_from_crop(&self, size_px: u32) -> Similarity {
        let size = f64::from(size_px.max(1));
        let [a, b] = scaled(self.half_side_in_photo, 2.0 / size);
        let [top_left, ..] = self.corners();
        // The crop's corner (-0.5, -0.5) comes to lie on the square's.
        let translation = add(top_left, [0.5 * (a - b), 0.5 * (a + b)]);
        Similarity { a, b, translation }
    }

    /// From positions in the photo to positions in the crop.
    pub fn crop_from_photo(&self, size_px: u32) -> Similarity {
        self.photo_from_crop(size_px).inverse()
    }

    /// The crop that lies at the same place of the photo resized by `factor`, for previews of large photos.
    ///
    /// # Errors
    /// When nothing is left of it.
    pub fn in_resized_photo(&self, factor: f64) -> Result<Self> {
        if !factor.is_finite() {
            return Err(Error::argument("a photo cannot be resized by that factor"));
        }
        let [x, y] = self.center_in_photo;
        Self {
            center_in_photo: [(x + 0.5) * factor - 0.5, (y + 0.5) * factor - 0.5],
            half_side_in_photo: scaled(self.half_side_in_photo, factor),
        }
        .checked()
    }

    /// The square that `self` becomes when it is moved, grown and turned by `correction`.
    ///
    /// # Errors
    /// When nothing is left of it.
    pub fn corrected(&self, correction: &Correction) -> Result<Self> {
        let Correction { shift, log_scale, angle } = *correction;
        let (center, x) = (self.center_in_photo, self.half_side_in_photo);
        let (sin, cos) = angle.sin_cos();
        let side = |share: Vector| add(scaled(x, 2.0 * share[0]), scaled(turned(x), 2.0 * share[1]));
        Self {
            center_in_photo: add(center, side(shift)),
            half_side_in_photo: scaled(add(scaled(x, cos), scaled(turned(x), sin)), log_scale.exp()),
        }
        .checked()
    }

    /// The correction that takes `self` to `other`.
    pub fn correction_to(&self, other: &Self) -> Correction {
        let (x, y) = (self.half_side_in_photo, turned(self.half_side_in_photo));
        let along = |a: Vector, b: Vector| (a[0] * b[0] + a[1] * b[1]) / (b[0] * b[0] + b[1] * b[1]);
        let shift = sub(other.center_in_photo, self.center_in_photo);
        let (cos, sin) = (along(other.half_side_in_photo, x), along(other.half_side_in_photo, y));
        Correction {
            shift: [along(shift, x) / 2.0, along(shift, y) / 2.0],
            log_scale: cos.hypot(sin).ln(),
            angle: sin.atan2(cos),
        }
    }

    /// The transform of the photo that takes `self` to `other`.
    pub(super) fn transform_to(&self, other: &Self) -> Similarity {
        let (from, to) = (self.crop_from_photo(1), other.photo_from_crop(1));
        Similarity {
            a: to.a * from.a - to.b * from.b,
            b: to.b * from.a + to.a * from.b,
            translation: to.apply_wide(from.translation),
        }
    }

    /// The square around the same centre with a side `factor` times as long.
    pub(super) fn grown(&self, factor: f64) -> Self {
        Self { half_side_in_photo: scaled(self.half_side_in_photo, factor), ..*self }
    }

    /// This square in a photo whose top left corner lies elsewhere.
    pub(super) fn moved(&self, by_px: Vector) -> Self {
        Self { center_in_photo: add(self.center_in_photo, by_px), ..*self }
    }

    /// What share of the crop lies outside a photo of that size, in [0, 1].
    pub fn share_outside(&self, photo_width_px: u32, photo_height_px: u32) -> f32 {
        const SAMPLES: u32 = 64;
        let photo_from_samples = self.photo_from_crop(SAMPLES);
        let (right, bottom) = (f64::from(photo_width_px) - 0.5, f64::from(photo_height_px) - 0.5);
        let outside = (0..SAMPLES * SAMPLES).filter(|&i| {
            let [x, y] = photo_from_samples.apply_wide([f64::from(i % SAMPLES), f64::from(i / SAMPLES)]);
            x < -0.5 || y < -0.5 || x > right || y > bottom
        });
        outside.count() as f32 / (SAMPLES * SAMPLES) as f32
    }
}

/// How one crop differs from another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correction {
    /// How far the centre moves along the first crop's right and down, as a share of its side.
    pub shift: [f64; 2],
    /// The natural logarithm of the sides' ratio.
    pub log_scale: f64,
    /// In radians, from right to down.
    pub angle: f64,
}

fn check_positions(positions: &[[f32; 2]]) -> Result<()> {
    // Not `>`: a NaN must fail.
    if positions.iter().flatten().all(|value| value.abs() <= FARTHEST_PX) {
        return Ok(());
    }
    Err(Error::argument("a point of the face lies nowhere near the photo"))
}

/// The crop of the FFHQ recipe for these landmarks.
///
/// # Errors
/// When the points are not a face: not numbers, far outside, on one spot, or with the mouth where it cannot be.
pub fn crop_quad(landmarks: &Landmarks) -> Result<CropQuad> {
    let Landmarks { eye_left, eye_right, nose: _, mouth_left, mouth_right } = *landmarks;
    check_positions(&[eye_left, eye_right, mouth_left, mouth_right])?;
    let [eye_left, eye_right, mouth_left, mouth_right] = [eye_left, eye_right, mouth_left, mouth_right].map(wide);
    let eyes = middle(eye_left, eye_right);
    let between_eyes = sub(eye_right, eye_left);
    let eyes_to_mouth = sub(middle(mouth_left, mouth_right), eyes);
    // The recipe's rot90 takes "down" to "left", so for an upright face both terms point to the right.
    let direction = sub(between_eyes, turned(eyes_to_mouth));
    let extent = length(between_eyes).max(length(eyes_to_mouth));
    // Where the terms cancel each other (eyes swapped, or the mouth above the eyes), the direction would be chance.
    if length(between_eyes) < 1e-3 * extent.max(1.0) || length(direction) < 0.5 * extent {
        return Err(Error::argument("these points do not form a face: two eyes side by side and a mouth below them"));
    }
    let half_side = (2.0 * length(between_eyes)).max(1.8 * length(eyes_to_mouth));
    CropQuad {
        center_in_photo: add(eyes, scaled(eyes_to_mouth, 0.1)),
        half_side_in_photo: scaled(direction, half_side / length(direction)),
    }
    .checked()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn landmarks(points: [[f32; 2]; 4]) -> Landmarks {
        let [eye_left, eye_right, mouth_left, mouth_right] = points;
        Landmarks { eye_left, eye_right, nose: None, mouth_left, mouth_right }
    }

    const UPRIGHT: [[f32; 2]; 4] = [[100.0, 100.0], [160.0, 100.0], [108.0, 168.0], [152.0, 168.0]];

    #[test]
    fn upright_face() -> Result<()> {
        // By hand: e = (60, 0), m = (0, 68), half side = max(120, 122.4), centre = (130, 106.8).
        let quad = crop_quad(&landmarks(UPRIGHT))?;
        let (left, right, top, bottom) = (130.0 - 122.4, 130.0 + 122.4, 106.8 - 122.4, 106.8 + 122.4);
        let expected = [[left, top], [left, bottom], [right, bottom], [right, top]];
        for (corner, expected) in quad.corners_in_photo().iter().flatten().zip(expected.iter().flatten()) {
            assert!((corner - expected).abs() < 1e-3, "{corner} is not {expected}");
        }
        // The crop's own corners: half a pixel outside the border pixels' centres.
        let photo_from_crop = quad.photo_from_crop(256);
        let [x, y] = photo_from_crop.apply([255.5, -0.5]);
        assert!((x - right).abs() < 1e-3 && (y - top).abs() < 1e-3);
        Ok(())
    }

    #[test]
    fn corners_there_and_back() -> Result<()> {
        let quad = crop_quad(&landmarks(UPRIGHT.map(|[x, y]| [x + 0.3 * y, y - 0.3 * x])))?;
        let again = CropQuad::from_corners(quad.corners_in_photo())?;
        assert!(length(sub(quad.center_in_photo, again.center_in_photo)) < 1e-3);
        assert!(length(sub(quad.half_side_in_photo, again.half_side_in_photo)) < 1e-3);
        let [a, b, c, d] = quad.corners_in_photo();
        for wrong in [[b, a, d, c], [a, b, c, [0.0, 0.0]], [a; 4], [a, b, c, [f32::NAN, 0.0]]] {
            assert!(CropQuad::from_corners(wrong).is_err(), "{wrong:?} passed");
        }
        let (center, half_side) = quad.center_and_half_side();
        assert_eq!(CropQuad::from_center_and_half_side(center, half_side)?, quad);
        for wrong in [[0.5, 0.0], [f64::NAN, 9.0], [f64::INFINITY, 9.0], [1e8, 0.0]] {
            assert!(CropQuad::from_center_and_half_side(center, wrong).is_err(), "{wrong:?} passed");
        }
        Ok(())
    }

    #[test]
    fn degenerate_landmarks_are_errors() {
        let [a, b, c, d] = UPRIGHT;
        let cases = [
            ("one spot", [a; 4]),
            ("eyes on one spot", [a, a, c, d]),
            ("eyes swapped", [b, a, d, c]),
            ("mouth above", [a, b, [108.0, 30.0], [152.0, 30.0]]),
            ("not a number", [[f32::NAN, 1.0], b, c, d]),
            ("infinite", [a, b, c, [f32::INFINITY, 1.0]]),
            ("far away", [a, b, c, [3e8, 1.0]]),
            ("zero", [[0.0; 2]; 4]),
            ("smaller than a pixel", UPRIGHT.map(|point| point.map(|value| value * 1e-3))),
        ];
        for (name, points) in cases {
            assert!(crop_quad(&landmarks(points)).is_err(), "{name} passed");
        }
    }

    #[test]
    fn hand_placement_gives_the_same_crop() -> Result<()> {
        let by_hand = Landmarks::from_eyes_and_mouth(UPRIGHT[0], UPRIGHT[1], [130.0, 168.0]);
        assert_eq!(crop_quad(&by_hand)?, crop_quad(&landmarks(UPRIGHT))?);
        Ok(())
    }

    #[test]
    fn resized_photo_keeps_the_crop() -> Result<()> {
        let quad = crop_quad(&landmarks(UPRIGHT))?;
        let half = quad.in_resized_photo(0.5)?;
        // The same crop pixel is the same place: positions scale about the photo's corner at (-0.5, -0.5).
        let [x, y] = quad.photo_from_crop(64).apply([10.0, 50.0]);
        let [half_x, half_y] = half.photo_from_crop(64).apply([10.0, 50.0]);
        assert!(((x + 0.5) * 0.5 - 0.5 - half_x).abs() < 1e-3 && ((y + 0.5) * 0.5 - 0.5 - half_y).abs() < 1e-3);
        assert!(quad.in_resized_photo(f64::NAN).is_err() && quad.in_resized_photo(1e-9).is_err());
        Ok(())
    }

    fn face() -> impl Strategy<Value = Landmarks> {
        // An upright face, each point moved a little.
        prop::array::uniform4(prop::array::uniform2(-8f32..8.0)).prop_map(|moved| {
            let mut points = UPRIGHT;
            points.iter_mut().flatten().zip(moved.iter().flatten()).for_each(|(value, by)| *value += by);
            landmarks(points)
        })
    }

    fn placement() -> impl Strategy<Value = Similarity> {
        (0f64..std::f64::consts::TAU, 0.3f64..20.0, -3000f64..3000.0, -3000f64..3000.0).prop_map(
            |(angle, scale, x, y)| Similarity { a: scale * angle.cos(), b: scale * angle.sin(), translation: [x, y] },
        )
    }

    proptest! {
        #[test]
        fn inverse_undoes(transform in placement(), x in -1e4f64..1e4, y in -1e4f64..1e4) {
            let back = transform.inverse().apply_wide(transform.apply_wide([x, y]));
            prop_assert!((back[0] - x).abs() < 1e-6 && (back[1] - y).abs() < 1e-6);
            prop_assert!((transform.scale() * transform.inverse().scale() - 1.0).abs() < 1e-9);
        }

        #[test]
        fn the_crop_follows_the_face(face in face(), placement in placement()) {
            let moved = crop_quad(&face.transformed(&placement)).map_err(|err| TestCaseError::fail(err.to_string()))?;
            let quad = crop_quad(&face).map_err(|err| TestCaseError::fail(err.to_string()))?;
            // Landmarks are f32 in pixels, thousands of them.
            let tolerance = 2e-3 * placement.scale().max(1.0);
            for (moved, corner) in moved.corners().iter().zip(quad.corners()) {
                prop_assert!(length(sub(*moved, placement.apply_wide(corner))) < tolerance);
            }
        }

        #[test]
        fn corrections_lead_there(face in face(), other in face(), placement in placement()) {
            let fail = |err: Error| TestCaseError::fail(err.to_string());
            let (quad, other) = (crop_quad(&face).map_err(fail)?, crop_quad(&other.transformed(&placement)).map_err(fail)?);
            let there = quad.corrected(&quad.correction_to(&other)).map_err(fail)?;
            let transform = quad.transform_to(&other);
            for ((there, from), expected) in there.corners().iter().zip(quad.corners()).zip(other.corners()) {
                prop_assert!(length(sub(*there, expected)) < 1e-6);
                prop_assert!(length(sub(transform.apply_wide(from), expected)) < 1e-6);
            }
        }

        #[test]
        fn crop_and_photo_agree(face in face(), size_px in 1u32..2000, x in -50f32..2050.0, y in -50f32..2050.0) {
            let quad = crop_quad(&face).map_err(|err| TestCaseError::fail(err.to_string()))?;
            let [back_x, back_y] = quad.crop_from_photo(size_px).apply(quad.photo_from_crop(size_px).apply([x, y]));
            // f32 in between, in photo pixels.
            let tolerance = 1e-3 * size_px as f32 / quad.side_px() + 1e-3 + 1e-6 * x.abs().max(y.abs());
            prop_assert!((back_x - x).abs() < tolerance.max(0.02) && (back_y - y).abs() < tolerance.max(0.02));
        }

        #[test]
        fn any_numbers_are_a_crop_or_an_error(points in prop::array::uniform4(prop::array::uniform2(any::<f32>()))) {
            if let Ok(quad) = crop_quad(&landmarks(points)) {
                prop_assert!(quad.side_px().is_finite() && quad.side_px() >= 1.9);
                prop_assert!(quad.corners_in_photo().iter().flatten().all(|value| value.is_finite()));
            }
        }
    }
}
