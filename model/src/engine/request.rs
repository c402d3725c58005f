//! What the editor asks of the engine: a declarative description of the picture, complete in itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::mask::Mask;

/// A face known to the engine (an encoded photo or a stylemap from elsewhere). The caller chooses the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FaceId(pub u64);

/// The stylemap under the layers.
#[derive(Clone, Debug, PartialEq)]
pub enum Base {
    /// One face as it is.
    Face(FaceId),
    /// (1 - t) from + t to, per element of the stylemap.
    Interpolation {
        /// The face at t = 0.
        from: FaceId,
        /// The face at t = 1.
        to: FaceId,
        /// In [0, 1].
        t: f32,
    },
    /// Style codes 0 and 1 of one face, the rest of another.
    StyleMix {
        /// Gives the first two style codes.
        coarse: FaceId,
        /// Gives the others.
        fine: FaceId,
    },
}

/// One reference face painted over what lies below it.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The reference.
    pub face: FaceId,
    /// Where it is taken, in the reference's own frame: a non-zero offset moves mask and face together.
    pub mask: Arc<Mask>,
    /// The move (x to the right, y down) in pixels of the mask.
    pub offset_px: (i32, i32),
    /// How much of the reference is taken where the mask is 1, in [0, 1].
    pub strength: f32,
    /// Softens the mask by about this many of its pixels; 0 leaves it as painted.
    pub feather_px: f32,
    /// How far the reference is brought to the colours of the face below before it is encoded, in [0, 1]; 0 leaves it as it is.
    pub match_colours: f32,
    /// Steps along semantic directions, applied to the reference: they show where it is taken and nowhere else.
    pub directions: Vec<DirectionStep>,
}

/// A step along one of the model's semantic directions.
#[derive(Clone, Debug, PartialEq)]
pub struct DirectionStep {
    /// Which of the model's directions.
    pub index: usize,
    /// How far, in standard deviations of the training faces.
    pub amount: f32,
    /// Only inside this mask (in the face's own frame, brought to the stylemap's grid), or everywhere.
    pub mask: Option<Arc<Mask>>,
}

/// A whole picture: the base, moved along directions, under the layers in order (the first is the lowest).
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// The stylemap under the layers.
    pub base: Base,
    /// Steps along semantic directions, applied to the base.
    pub directions: Vec<DirectionStep>,
    /// The painted references.
    pub layers: Vec<Layer>,
    /// How much of a face's residuals is shown, in [0, 1]; of faces that are not named here all. At 0 a face is what the encoder alone
    /// makes of its photo.
    pub likeness: BTreeMap<FaceId, f32>,
}

impl Scene {
    /// A face with nothing painted.
    pub fn face(face: FaceId) -> Self {
        Self { base: Base::Face(face), directions: Vec::new(), layers: Vec::new(), likeness: BTreeMap::new() }
    }

    /// How much of a face's residuals is shown.
    pub fn likeness_of(&self, face: FaceId) -> f32 {
        self.likeness.get(&face).map_or(1.0, |likeness| likeness.clamp(0.0, 1.0))
    }

    /// The face to whose colours references are brought.
    pub fn colours_of(&self) -> FaceId {
        match self.base {
            Base::Face(face) | Base::Interpolation { from: face, .. } | Base::StyleMix { fine: face, .. } => face,
        }
    }

    /// Every face that the scene needs.
    pub fn faces(&self) -> impl Iterator<Item = FaceId> + '_ {
        let (first, second) = match self.base {
            Base::Face(face) => (face, None),
            Base::Interpolation { from, to, .. } => (from, Some(to)),
            Base::StyleMix { coarse, fine } => (coarse, Some(fine)),
        };
        std::iter::once(first).chain(second).chain(self.layers.iter().map(|layer| layer.face))
    }
}

/// How near a frame is to the picture that stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrameKind {
    /// Nearly what the faces' style codes mixed give; only a part was drawn anew.
    Preview,
    /// What the faces' style codes mixed give, or near it: what a moving brush shows.
    Moving,
    /// The picture of its request: where layers are painted, settled (see [`crate::settle`]).
    Final,
}

/// A finished picture.
#[derive(Clone, Debug)]
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
    /// Orders frames: the greater is the newer one.
    pub fn order(&self) -> (u64, FrameKind) {
        (self.request, self.kind)
    }
}

/// Where a frame's time went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Timings {
    /// From the request being taken up to the pixels.
    pub total_ms: f32,
    /// Bringing masks to the levels and mixing the cached modulations.
    pub mix_ms: f32,
    /// The main path, with the read-back of the pixels.
    pub main_path_ms: f32,
}
