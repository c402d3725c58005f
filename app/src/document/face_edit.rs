//! What is done to one face: what lies at the bottom, and the layers over it.

use super::{
    Blend, CoarseLevels, DirectionAmounts, Layer, LayerId, PAST_CORNERS, PhotoId, StyleMix, direction_bytes,
    place_on_path, tidy_directions,
};

/// The edit of one face. A document has one for every face that is edited, and works on one of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaceEdit {
    pub(super) source: Option<PhotoId>,
    pub(super) blend: Option<Blend>,
    pub(super) style_mix: Option<StyleMix>,
    pub(super) coarse_levels: CoarseLevels,
    pub(super) blend_path: Vec<[f32; 2]>,
    pub(super) directions: DirectionAmounts,
    pub(super) layers: Vec<Layer>,
    pub(super) active_layer: Option<LayerId>,
}

impl FaceEdit {
    /// An edit that changes nothing yet.
    pub(super) fn of(source: PhotoId) -> Self {
        Self { source: Some(source), ..Self::default() }
    }

    /// The face at the bottom; none only in a document without photos.
    pub fn source(&self) -> Option<PhotoId> {
        self.source
    }

    /// The faces mixed into the source.
    pub fn blend(&self) -> Option<Blend> {
        self.blend
    }

    /// How source and other face are mixed; none is in between, as the blend says. Without a blend it has no effect.
    pub fn style_mix(&self) -> Option<StyleMix> {
        self.style_mix
    }

    /// Where a mix of styles divides them.
    pub fn coarse_levels(&self) -> CoarseLevels {
        self.coarse_levels
    }

    /// The places that the motion between four faces goes through, in their order.
    pub fn blend_path(&self) -> &[[f32; 2]] {
        &self.blend_path
    }

    /// Where the motion between the faces is after this share of its way, each from the left to the right and from above to below: between
    /// two faces on the line between them, between four on the path, or past every corner where there is none.
    pub fn place_along(&self, share: f32) -> [f32; 2] {
        match self.blend.and_then(|blend| blend.below) {
            None => [share.clamp(0.0, 1.0), 0.0],
            Some(_) if self.blend_path.len() > 1 => place_on_path(&self.blend_path, share),
            Some(_) => place_on_path(&PAST_CORNERS, share),
        }
    }

    /// The steps of the whole face, or those of a layer alone. Of an unknown layer there are none.
    pub fn directions(&self, of_layer: Option<LayerId>) -> &DirectionAmounts {
        static NONE: DirectionAmounts = DirectionAmounts::new();
        match of_layer {
            None => &self.directions,
            Some(id) => self.layer(id).map_or(&NONE, |layer| &layer.directions),
        }
    }

    /// The layers, the lowest first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// A layer by its number.
    pub fn layer(&self, id: LayerId) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.id == id)
    }

    /// The layer that tools work on.
    pub fn active_layer(&self) -> Option<&Layer> {
        self.active_layer.and_then(|id| self.layer(id))
    }

    /// Whether the picture is another one than the source's own.
    pub fn changes_picture(&self) -> bool {
        let is_blended = self.blend.is_some_and(|blend| blend.at() != [0.0; 2] || self.style_mix.is_some());
        is_blended || !self.directions.is_empty() || self.layers.iter().any(Layer::shows)
    }

    /// Every photo that it needs.
    pub fn photos(&self) -> impl Iterator<Item = PhotoId> + '_ {
        let mixed = self.blend.into_iter().flat_map(|blend| blend.faces());
        self.source.into_iter().chain(mixed).chain(self.layers.iter().map(|layer| layer.photo))
    }

    /// Whether two edits differ in nothing but the active layer: choosing a layer is not an edit.
    pub(super) fn has_same_content(&self, other: &Self) -> bool {
        let Self { source, blend, style_mix, coarse_levels, blend_path, directions, layers, active_layer: _ } = self;
        *source == other.source
            && *blend == other.blend
            && *style_mix == other.style_mix
            && *coarse_levels == other.coarse_levels
            && *blend_path == other.blend_path
            && *directions == other.directions
            && *layers == other.layers
    }

    pub(super) fn update_directions(&mut self, change: impl FnOnce(&mut DirectionAmounts)) {
        change(&mut self.directions);
        tidy_directions(&mut self.directions);
    }

    /// Removes a layer; its neighbour becomes the active one.
    pub(super) fn remove_layer(&mut self, id: LayerId) {
        let Some(index) = self.layers.iter().position(|layer| layer.id == id) else { return };
        self.layers.remove(index);
        if self.active_layer == Some(id) {
            self.active_layer = self.layers.get(index.saturating_sub(1)).map(|layer| layer.id);
        }
    }

    /// Removes what is painted or mixed in from a photo.
    pub(super) fn forget_photo(&mut self, photo: PhotoId) {
        let gone: Vec<LayerId> = self.layers.iter().filter(|l| l.photo == photo).map(|layer| layer.id).collect();
        for layer in gone {
            self.remove_layer(layer);
        }
        self.blend = self.blend.filter(|blend| blend.with != photo);
        if let Some(blend) = &mut self.blend {
            blend.below = blend.below.filter(|below| !below.faces.contains(&photo));
        }
    }

    /// Takes another photo wherever this one is used.
    pub(super) fn replace_photo(&mut self, old: PhotoId, new: PhotoId) {
        let renumber = |used: &mut PhotoId| *used = if *used == old { new } else { *used };
        self.source.iter_mut().for_each(renumber);
        if let Some(blend) = &mut self.blend {
            renumber(&mut blend.with);
            blend.below.iter_mut().flat_map(|below| &mut below.faces).for_each(renumber);
        }
        self.layers.iter_mut().for_each(|layer| renumber(&mut layer.photo));
    }

    /// About how much memory it holds beside its masks.
    pub(super) fn bytes_without_masks(&self) -> usize {
        let of_layer = |layer: &Layer| size_of::<Layer>() + layer.name.len() + direction_bytes(&layer.directions);
        self.layers.iter().map(of_layer).sum::<usize>() + direction_bytes(&self.directions) + size_of::<Self>()
    }
}

impl Layer {
    /// Whether it changes the picture.
    pub fn shows(&self) -> bool {
        self.visible && self.strength > 0.0 && !self.mask.is_empty()
    }
}
