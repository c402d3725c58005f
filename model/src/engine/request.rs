//! What the editor asks of the engine: a declarative description of the picture, complete in itself.

use std::sync::Arc;

use crate::mask::{Mask, Pooling};

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
}

impl Scene {
    /// A face with nothing painted.
    pub fn face(face: FaceId) -> Self {
        Self { base: Base::Face(face), directions: Vec::new(), layers: Vec::new() }
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

    /// Where the picture differs from `face` as it is: the union of the layers as they are mixed in, each with its move,
    /// feather and strength. Where the base is not that face alone the picture differs everywhere; then `of_base` takes part.
    pub fn painted_over(&self, face: FaceId, of_base: &Mask) -> Mask {
        let is_face = self.base == Base::Face(face) && self.directions.iter().all(|step| step.amount == 0.0);
        let mut painted = (!is_face).then(|| of_base.clone());
        for Layer { mask, offset_px: (dx, dy), strength, feather_px, .. } in &self.layers {
            let mask = mask.feathered(*feather_px).shifted(i64::from(*dx), i64::from(*dy));
            let size_px = painted.as_ref().map_or(mask.size_px(), Mask::size_px);
            let mask = mask.at_level(size_px, Pooling::Soft);
            let below = painted.iter().flat_map(|below| below.weights().iter().copied());
            let weights = mask.weights().iter().zip(below.chain(std::iter::repeat(0.0)));
            let weights = weights.map(|(weight, below)| 1.0 - (1.0 - below) * (1.0 - weight * strength));
            // Sizes and values are those of masks.
            painted = Mask::new(size_px, weights.collect()).ok().or(painted);
        }
        painted.unwrap_or_else(|| Mask::constant(1, 0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn painted_is_the_union_of_the_layers() {
        let dab = |x: usize| {
            Arc::new(Mask::from_u8(4, &std::array::from_fn::<u8, 16, _>(|i| 255 * u8::from(i % 4 == x))).unwrap())
        };
        let layer = |x, dx, strength| Layer {
            face: FaceId(1),
            mask: dab(x),
            offset_px: (dx, 0),
            strength,
            feather_px: 0.0,
            directions: Vec::new(),
        };
        let scene =
            Scene { layers: vec![layer(0, 0, 0.5), layer(0, 2, 1.0), layer(3, 1, 1.0)], ..Scene::face(FaceId(0)) };
        let everywhere = Mask::constant(4, 0.25);
        let of = |scene: &Scene, face| scene.painted_over(FaceId(face), &everywhere).weights().to_vec();
        assert_eq!(of(&scene, 0)[..4], [0.5, 0.0, 1.0, 0.0]);
        assert!(of(&Scene::face(FaceId(0)), 0).iter().all(|weight| *weight == 0.0));
        let with_base = [0.625, 0.25, 1.0, 0.25];
        assert_eq!(of(&scene, 2)[..4], with_base, "another face lies below");
        let base = Base::Interpolation { from: FaceId(0), to: FaceId(1), t: 0.1 };
        assert_eq!(of(&Scene { base, ..scene.clone() }, 0)[..4], with_base);
        let step = DirectionStep { index: 0, amount: 1.0, mask: None };
        assert_eq!(of(&Scene { directions: vec![step], ..scene }, 0)[..4], with_base);
    }
}

/// A finished picture.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The number that [`super::EngineHandle::render`] gave to its request; later requests have greater numbers. A preview, which
    /// the exact frame follows, has the number before: odd.
    pub number: u64,
    /// Width and height.
    pub size_px: usize,
    /// RGBA, 8 bit, row by row from the top left, alpha 255.
    pub rgba: Vec<u8>,
    /// What the frame cost.
    pub timings: Timings,
}

impl Frame {
    /// The number of the request that it answers, be it a preview or exact.
    pub fn request(&self) -> u64 {
        self.number.next_multiple_of(2)
    }

    /// Whether it is no preview.
    pub fn is_exact(&self) -> bool {
        self.number.is_multiple_of(2)
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
