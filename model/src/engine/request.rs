//! What is asked of the engine: a declarative description of a picture, complete in itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::mask::Mask;

/// The number of a face that the engine knows (an encoded photo, or a stylemap from elsewhere). The caller chooses it.
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
    /// Bilinearly between four faces, per element of the stylemap. The edges are interpolations between two.
    Corners {
        /// Above left, above right, below left, below right. One may be in several.
        faces: [FaceId; 4],
        /// From the left to the right and from above to below, each in [0, 1].
        at: [f32; 2],
    },
    /// The style codes of the coarsest levels of one face, the rest of another (paper, style mixing; the two codes of Swapping Autoencoder,
    /// Park et al. 2020): with one coarse level the colours and the light of the first in the shape of the second.
    StyleMix {
        /// Gives the style codes of the coarsest levels, and with them colours and light.
        coarse: FaceId,
        /// Gives the others, and with them the shape.
        fine: FaceId,
        /// How many levels are coarse, usually [`crate::edit::COARSE_LEVELS`]; with none the picture is `fine`, with all of the model's
        /// `coarse`.
        coarse_levels: usize,
    },
}

/// What of a reference's style is painted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LayerStyle {
    /// All of it.
    #[default]
    Whole,
    /// The style codes of so many of the coarsest levels, and with them colours and light; the rest is that of the base, which lies moved as the
    /// layer is.
    Coarse(usize),
    /// The rest beyond so many of the coarsest levels, and with it the shape; those are the base's.
    Fine(usize),
}

impl Base {
    /// What each of four corners weighs at a place between them, above left, above right, below left, below right: not negative, in
    /// sum one.
    pub fn corner_shares(at: [f32; 2]) -> [f32; 4] {
        let [x, y] = at.map(|along| along.clamp(0.0, 1.0));
        [(1.0 - x) * (1.0 - y), x * (1.0 - y), (1.0 - x) * y, x * y]
    }
}

/// One reference face painted over what lies below it.
///
/// ```
/// use stylemap::{FaceId, Layer, Mask};
///
/// let half = Mask::new(2, vec![0.0, 1.0, 0.0, 1.0])?;
/// let layer = Layer::new(FaceId(2), half).with_strength(0.8).with_feather_px(1.5).with_match_colours(1.0);
/// # assert_eq!((layer.strength, layer.feather_px, layer.match_colours, layer.offset_px), (0.8, 1.5, 1.0, (0, 0)));
/// # stylemap::Result::Ok(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The face that is painted with.
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
    /// What of its style is taken.
    pub style: LayerStyle,
    /// Steps along semantic directions, applied to the reference: they show where it is taken and nowhere else.
    pub directions: Vec<DirectionStep>,
}

impl Layer {
    /// All of a reference where the mask is 1: not moved, not softened, in its own colours.
    pub fn new(face: FaceId, mask: impl Into<Arc<Mask>>) -> Self {
        Self {
            face,
            mask: mask.into(),
            offset_px: (0, 0),
            strength: 1.0,
            feather_px: 0.0,
            match_colours: 0.0,
            style: LayerStyle::Whole,
            directions: Vec::new(),
        }
    }

    /// Moves mask and reference together, see [`Layer::offset_px`].
    #[must_use]
    pub fn with_offset_px(self, x: i32, y: i32) -> Self {
        Self { offset_px: (x, y), ..self }
    }

    /// Takes only so much of the reference, see [`Layer::strength`].
    #[must_use]
    pub fn with_strength(self, strength: f32) -> Self {
        Self { strength, ..self }
    }

    /// Softens the mask, see [`Layer::feather_px`].
    #[must_use]
    pub fn with_feather_px(self, feather_px: f32) -> Self {
        Self { feather_px, ..self }
    }

    /// Brings the reference to the colours below it, see [`Layer::match_colours`].
    #[must_use]
    pub fn with_match_colours(self, amount: f32) -> Self {
        Self { match_colours: amount, ..self }
    }

    /// Takes only a part of its style, see [`Layer::style`].
    #[must_use]
    pub fn with_style(self, style: LayerStyle) -> Self {
        Self { style, ..self }
    }

    /// Moves the reference along a direction, after those that it is moved along already.
    #[must_use]
    pub fn with_direction(mut self, step: DirectionStep) -> Self {
        self.directions.push(step);
        self
    }
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

impl DirectionStep {
    /// A step everywhere. `index`: which of [`crate::model::ModelInfo::directions`], see [`crate::directions::index_of`]; `amount`: in
    /// standard deviations.
    pub fn new(index: usize, amount: f32) -> Self {
        Self { index, amount, mask: None }
    }
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
        Self::of(Base::Face(face))
    }

    /// A base with nothing painted.
    pub fn of(base: Base) -> Self {
        Self { base, directions: Vec::new(), layers: Vec::new(), likeness: BTreeMap::new() }
    }

    /// Paints a layer over what is there.
    #[must_use]
    pub fn with(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Moves the base along a direction, after those that it is moved along already.
    #[must_use]
    pub fn with_direction(mut self, step: DirectionStep) -> Self {
        self.directions.push(step);
        self
    }

    /// Shows only so much of a face's residuals, see [`Scene::likeness`].
    #[must_use]
    pub fn with_likeness(mut self, face: FaceId, likeness: f32) -> Self {
        self.likeness.insert(face, likeness);
        self
    }

    /// How much of a face's residuals is shown.
    pub fn likeness_of(&self, face: FaceId) -> f32 {
        self.likeness.get(&face).map_or(1.0, |likeness| likeness.clamp(0.0, 1.0))
    }

    /// The face to whose colours references are brought.
    pub fn colours_of(&self) -> FaceId {
        match self.base {
            Base::Face(face)
            | Base::Interpolation { from: face, .. }
            | Base::Corners { faces: [face, ..], .. }
            | Base::StyleMix { coarse: face, .. } => face,
        }
    }

    /// Every face that the scene needs.
    pub fn faces(&self) -> impl Iterator<Item = FaceId> + '_ {
        let (first, others) = match self.base {
            Base::Face(face) => (face, [None; 3]),
            Base::Interpolation { from, to, .. } => (from, [Some(to), None, None]),
            Base::Corners { faces: [first, a, b, c], .. } => (first, [Some(a), Some(b), Some(c)]),
            Base::StyleMix { coarse, fine, .. } => (coarse, [Some(fine), None, None]),
        };
        std::iter::once(first).chain(others.into_iter().flatten()).chain(self.layers.iter().map(|layer| layer.face))
    }
}
