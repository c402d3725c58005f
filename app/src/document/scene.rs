//! From the document to what the engine draws.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use stylemap::Mask;
use stylemap::engine::{Base, DirectionStep, FaceId, Layer as SceneLayer, LayerStyle, Scene};

use super::posed_faces::PosedFaces;
use super::{
    Blend, CANVAS_SIZE_PX, DirectionAmounts, Document, FaceEdit, LayerId, MaskImage, PhotoId, StyleMix, Takes,
};

impl From<PhotoId> for FaceId {
    fn from(id: PhotoId) -> Self {
        Self(id.0)
    }
}

/// Makes scenes, and keeps every layer's mask in the engine's form until it is painted on again.
#[derive(Default)]
pub struct SceneBuilder {
    masks: HashMap<LayerId, (MaskImage, Arc<Mask>)>,
    /// The names of the model's directions.
    directions: Vec<String>,
    posed: PosedFaces,
}

impl SceneBuilder {
    /// The model's directions by their names, in its order. The document's steps along others change nothing.
    pub fn set_directions(&mut self, names: impl IntoIterator<Item = String>) {
        self.directions = names.into_iter().collect();
    }

    /// The references that are scaled, turned or mirrored, by their numbers in scenes.
    pub fn posed(&self) -> &PosedFaces {
        &self.posed
    }

    /// To bring their crops there, and to forget those that nobody needs.
    pub fn posed_mut(&mut self) -> &mut PosedFaces {
        &mut self.posed
    }

    /// What the engine draws for this document; `None` while there is no source. Layers that change nothing are left out.
    /// `moving_at` takes the place of the blend's own while it moves by itself.
    pub fn scene(&mut self, document: &Document, moving_at: Option<[f32; 2]>) -> Option<Scene> {
        self.scene_of(document, document.edit(), moving_at)
    }

    /// What the engine draws for one of the document's edits.
    pub fn scene_of(&mut self, document: &Document, edit: &FaceEdit, moving_at: Option<[f32; 2]>) -> Option<Scene> {
        let source = edit.source()?;
        let blend = edit.blend().map(|blend| blend.moved_to(moving_at.unwrap_or(blend.at())));
        let mix = edit.style_mix().filter(|_| moving_at.is_none());
        let coarse_levels = edit.coarse_levels().count();
        let base = match (blend, mix) {
            (Some(Blend { with, .. }), Some(StyleMix::CoarseFromSource)) => {
                Base::StyleMix { coarse: source.into(), fine: with.into(), coarse_levels }
            }
            (Some(Blend { with, .. }), Some(StyleMix::CoarseFromOther)) => {
                Base::StyleMix { coarse: with.into(), fine: source.into(), coarse_levels }
            }
            (Some(blend @ Blend { with, below: Some(below), .. }), None) if blend.at() != [0.0; 2] => {
                let [left, right] = below.faces;
                Base::Corners { faces: [source, with, left, right].map(FaceId::from), at: blend.at() }
            }
            (Some(Blend { with, t, .. }), None) if t > 0.0 => {
                Base::Interpolation { from: source.into(), to: with.into(), t }
            }
            _ => Base::Face(source.into()),
        };
        self.posed.begin_scene();
        self.masks.retain(|id, _| document.layer_of_any_edit(*id).is_some());
        let painted = edit.layers().iter().filter(|layer| layer.shows());
        let layers = painted.map(|layer| SceneLayer {
            face: self.posed.face_of(layer),
            mask: mask_of(&mut self.masks, layer.id, &layer.mask),
            offset_px: layer.offset_px,
            strength: layer.strength,
            feather_px: layer.feather_px,
            match_colours: layer.match_colours,
            style: match layer.takes {
                Takes::Everything => LayerStyle::Whole,
                Takes::Colours => LayerStyle::Coarse(layer.coarse_levels.count()),
                Takes::Shape => LayerStyle::Fine(layer.coarse_levels.count()),
            },
            // The whole face is also what layers bring in.
            directions: steps(&self.directions, &[edit.directions(None), &layer.directions]),
        });
        let layers = layers.collect();
        let directions = steps(&self.directions, &[edit.directions(None)]);
        let mut scene = Scene { base, directions, layers, likeness: BTreeMap::new() };
        let likeness = scene.faces().map(|face| (face, document.likeness(self.posed.photo_of(face))));
        // A face that is not named shows all of it.
        scene.likeness = likeness.filter(|(_, likeness)| *likeness < 1.0).collect();
        Some(scene)
    }
}

fn mask_of(masks: &mut HashMap<LayerId, (MaskImage, Arc<Mask>)>, id: LayerId, mask: &MaskImage) -> Arc<Mask> {
    if let Some((converted_from, converted)) = masks.get(&id)
        && converted_from.is_same_copy(mask)
    {
        return Arc::clone(converted);
    }
    // Only a wrong length is refused, and this one is right by construction.
    let converted = Mask::from_u8(CANVAS_SIZE_PX, &mask.to_values());
    let converted = Arc::new(converted.unwrap_or_else(|_| Mask::constant(CANVAS_SIZE_PX, 0.0)));
    masks.insert(id, (mask.clone(), Arc::clone(&converted)));
    converted
}

/// The sum of these amounts as steps along the model's directions.
fn steps(names: &[String], amounts: &[&DirectionAmounts]) -> Vec<DirectionStep> {
    let step = |(index, name): (usize, &String)| {
        let amount: f32 = amounts.iter().filter_map(|amounts| amounts.get(name)).sum();
        (amount != 0.0).then_some(DirectionStep { index, amount, mask: None })
    };
    names.iter().enumerate().filter_map(step).collect()
}
