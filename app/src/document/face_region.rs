//! The parts of a face, as masks: every crop has its face in nearly the same place, and where the landmarks are known the
//! masks fit them.

use super::{Document, LayerId, MaskImage, Photo, Point, polygon};

/// A part of the face that can be painted at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaceRegion {
    /// The eye on the left of the picture, with its lids.
    LeftEye,
    /// The eye on the right of the picture.
    RightEye,
    /// Both eyes with their lids.
    Eyes,
    /// The eyebrow on the left of the picture.
    LeftBrow,
    /// The eyebrow on the right of the picture.
    RightBrow,
    /// Both eyebrows.
    Brows,
    /// From the bridge to the nostrils.
    Nose,
    /// The lips and what surrounds them closely.
    Mouth,
    /// Below the lips.
    Chin,
    /// Both cheeks, beside nose and mouth.
    Cheeks,
    /// Between the brows and the hair.
    Forehead,
    /// Both ears, as far as they show.
    Ears,
    /// Below the jaw.
    Neck,
    /// Around the face, above and beside it.
    Hair,
    /// From the forehead to the chin.
    Face,
}

/// Where the eyes and the mouth lie on the canvas; they carry everything else.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FacePoints {
    /// The eye on the left of the picture.
    pub eye_left: Point,
    /// The eye on the right of the picture.
    pub eye_right: Point,
    /// The middle of the mouth.
    pub mouth: Point,
}

/// Landmarks farther than this from the usual places are a face in profile or none: the usual places do better.
const MAX_DEVIATION_PX: f32 = 40.0;

impl FacePoints {
    /// The usual places: those of the training set's crops.
    pub const STANDARD: Self = Self {
        eye_left: Point::new(192.0, 243.0),
        eye_right: Point::new(320.0, 243.0),
        mouth: Point::new(256.0, 373.0),
    };

    /// Those of a photo's face; the usual ones where its landmarks are not known.
    pub fn of_photo(photo: &Photo) -> Self {
        let Some((placement, landmarks)) = photo.placement.as_ref().and_then(|it| Some((it, it.landmarks?))) else {
            return Self::STANDARD;
        };
        // Landmarks count from the middle of the first pixel.
        let on_canvas = |at| placement.canvas_from_photo(Point::from_pixel_middles(at));
        let points = Self {
            eye_left: on_canvas(landmarks.eye_left),
            eye_right: on_canvas(landmarks.eye_right),
            mouth: on_canvas(landmarks.mouth()),
        };
        let near = |a: Point, b: Point| (a - b).length() <= MAX_DEVIATION_PX;
        let Self { eye_left, eye_right, mouth } = Self::STANDARD;
        let is_usual =
            near(points.eye_left, eye_left) && near(points.eye_right, eye_right) && near(points.mouth, mouth);
        if is_usual { points } else { Self::STANDARD }
    }

    /// Where a place of the usual face lies in this one: the affine map that takes the three points there.
    fn place_of(&self, pos: Point) -> Point {
        let middle_of = |face: &Self| face.eye_left.lerp(face.eye_right, 0.5);
        let (middle, standard) = (middle_of(self), middle_of(&Self::STANDARD));
        let across = (pos.x - standard.x) / (Self::STANDARD.eye_right.x - Self::STANDARD.eye_left.x);
        let down = (pos.y - standard.y) / (Self::STANDARD.mouth.y - standard.y);
        let (eyes, to_mouth) = (self.eye_right - self.eye_left, self.mouth - middle);
        middle + Point::new(eyes.x * across + to_mouth.x * down, eyes.y * across + to_mouth.y * down)
    }
}

type Outline = Vec<Point>;

/// A face is the same on both sides of this line.
const MIDDLE_X: f32 = 256.0;

fn mirrored(outline: &[Point]) -> Outline {
    outline.iter().map(|point| Point::new(2.0 * MIDDLE_X - point.x, point.y)).collect()
}

fn outline(points: &[(f32, f32)]) -> Outline {
    points.iter().map(|(x, y)| Point::new(*x, *y)).collect()
}

/// An outline of which the half on the right of the picture is given, from top to bottom.
fn symmetric(right_half: &[(f32, f32)]) -> Outline {
    let right_half = outline(right_half);
    let left_half = mirrored(&right_half).into_iter().rev();
    right_half.iter().copied().chain(left_half).collect()
}

fn on_both_sides(right: Outline) -> Vec<Outline> {
    vec![mirrored(&right), right]
}

impl FaceRegion {
    /// Every part, in the order of menus.
    pub const ALL: [Self; 15] = [
        Self::LeftEye,
        Self::RightEye,
        Self::Eyes,
        Self::LeftBrow,
        Self::RightBrow,
        Self::Brows,
        Self::Nose,
        Self::Mouth,
        Self::Chin,
        Self::Cheeks,
        Self::Forehead,
        Self::Ears,
        Self::Neck,
        Self::Hair,
        Self::Face,
    ];

    /// What panels call it, in English.
    pub fn name(self) -> &'static str {
        match self {
            Self::LeftEye => "Left eye",
            Self::RightEye => "Right eye",
            Self::Eyes => "Eyes",
            Self::LeftBrow => "Left brow",
            Self::RightBrow => "Right brow",
            Self::Brows => "Brows",
            Self::Nose => "Nose",
            Self::Mouth => "Mouth",
            Self::Chin => "Chin",
            Self::Cheeks => "Cheeks",
            Self::Forehead => "Forehead",
            Self::Ears => "Ears",
            Self::Neck => "Neck",
            Self::Hair => "Hair",
            Self::Face => "Face",
        }
    }

    /// Its outlines on the usual face.
    fn outlines(self) -> Vec<Outline> {
        match self {
            Self::LeftEye => vec![mirrored(&right_eye())],
            Self::RightEye => vec![right_eye()],
            Self::Eyes => on_both_sides(right_eye()),
            Self::LeftBrow => vec![mirrored(&right_brow())],
            Self::RightBrow => vec![right_brow()],
            Self::Brows => on_both_sides(right_brow()),
            Self::Cheeks => on_both_sides(outline(&[
                (318.0, 280.0),
                (352.0, 272.0),
                (378.0, 266.0),
                (374.0, 322.0),
                (358.0, 380.0),
                (338.0, 408.0),
                (338.0, 372.0),
                (320.0, 336.0),
            ])),
            Self::Forehead => vec![symmetric(&[
                (256.0, 98.0),
                (312.0, 104.0),
                (352.0, 134.0),
                (372.0, 178.0),
                (364.0, 190.0),
                (328.0, 179.0),
                (286.0, 187.0),
                (256.0, 198.0),
            ])],
            Self::Ears => on_both_sides(outline(&[
                (384.0, 228.0),
                (398.0, 212.0),
                (412.0, 220.0),
                (414.0, 262.0),
                (404.0, 306.0),
                (390.0, 324.0),
                (380.0, 312.0),
                (384.0, 270.0),
            ])),
            Self::Neck => vec![symmetric(&[
                (256.0, 478.0),
                (296.0, 469.0),
                (332.0, 438.0),
                (350.0, 410.0),
                (356.0, 470.0),
                (372.0, 540.0),
                (256.0, 540.0),
            ])],
            Self::Nose => vec![symmetric(&[
                (256.0, 212.0),
                (270.0, 216.0),
                (276.0, 260.0),
                (308.0, 290.0),
                (308.0, 318.0),
                (280.0, 332.0),
                (256.0, 336.0),
            ])],
            Self::Mouth => vec![polygon::ellipse(Point::new(256.0, 372.0), 76.0, 40.0)],
            Self::Chin => vec![symmetric(&[
                (256.0, 400.0),
                (300.0, 400.0),
                (340.0, 402.0),
                (330.0, 440.0),
                (300.0, 472.0),
                (256.0, 484.0),
            ])],
            Self::Hair => vec![symmetric(&[
                (256.0, -20.0),
                (340.0, -20.0),
                (404.0, 24.0),
                (450.0, 110.0),
                (466.0, 220.0),
                (462.0, 340.0),
                (446.0, 430.0),
                (384.0, 430.0),
                (366.0, 380.0),
            ])],
            Self::Face => vec![face_outline()],
        }
    }

    /// What is left free within the outlines.
    fn holes(self) -> Vec<Outline> {
        if self == Self::Hair { vec![face_outline()] } else { Vec::new() }
    }

    /// How far its edge is softened: small parts have crisper edges.
    fn softness_px(self) -> f32 {
        match self {
            Self::LeftEye
            | Self::RightEye
            | Self::Eyes
            | Self::LeftBrow
            | Self::RightBrow
            | Self::Brows
            | Self::Ears => 8.0,
            Self::Nose | Self::Mouth => 10.0,
            Self::Chin | Self::Cheeks | Self::Forehead | Self::Neck => 12.0,
            Self::Hair | Self::Face => 16.0,
        }
    }

    /// The region's mask that covers it in all of these faces.
    #[must_use]
    pub fn mask(self, faces: &[FacePoints]) -> MaskImage {
        let cover = |mask: &mut MaskImage, outlines: &[Outline]| {
            for (outline, face) in outlines.iter().flat_map(|outline| faces.iter().map(move |face| (outline, face))) {
                let outline: Outline = outline.iter().map(|point| face.place_of(*point)).collect();
                if let Some((_, covered)) = polygon::coverage(&outline) {
                    mask.combine(&covered, super::Combine::Add);
                }
            }
        };
        let (mut mask, mut holes) = (MaskImage::default(), MaskImage::default());
        cover(&mut mask, &self.outlines());
        cover(&mut holes, &self.holes());
        mask.take_off(&holes);
        mask.soften(self.softness_px());
        mask
    }
}

fn right_eye() -> Outline {
    polygon::ellipse(Point::new(320.0, 241.0), 46.0, 25.0)
}

fn right_brow() -> Outline {
    outline(&[
        (382.0, 222.0),
        (364.0, 194.0),
        (328.0, 184.0),
        (286.0, 193.0),
        (282.0, 219.0),
        (322.0, 214.0),
        (364.0, 228.0),
    ])
}

fn face_outline() -> Outline {
    symmetric(&[
        (256.0, 94.0),
        (312.0, 100.0),
        (354.0, 130.0),
        (376.0, 182.0),
        (382.0, 250.0),
        (376.0, 320.0),
        (360.0, 380.0),
        (332.0, 432.0),
        (296.0, 464.0),
        (256.0, 473.0),
    ])
}

impl Document {
    /// A part of the face for a layer's mask: as large as it is in the layer's photo and, while the layer is not moved away
    /// from it, in the source below. `None` when there is no such layer.
    pub fn face_region(&self, layer: LayerId, region: FaceRegion) -> Option<MaskImage> {
        let layer = self.layer(layer)?;
        let is_in_place = layer.offset_px == (0, 0) && layer.pose.is_identity();
        let below = self.source().filter(|_| is_in_place);
        let mut faces: Vec<FacePoints> = Vec::new();
        for photo in [Some(layer.photo), below].into_iter().flatten().filter_map(|id| self.photo(id)) {
            let face = FacePoints::of_photo(photo);
            if !faces.contains(&face) {
                faces.push(face);
            }
        }
        Some(region.mask(&faces).posed(&layer.pose))
    }
}
