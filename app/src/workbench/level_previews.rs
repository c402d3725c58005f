//! Pictures of a mix of styles, divided at each of the model's levels: what the slider of the levels leads to.

use std::sync::Arc;

use stylemap::engine::{Base, Frame, Scene};

use super::{EngineState, Workbench};

/// The pictures, as far as they came.
#[derive(Default)]
pub struct LevelPreviews {
    /// The newest scene that they are of, but for where it is divided.
    of: Option<Scene>,
    first_number: u64,
    pictures: Vec<Option<Arc<Frame>>>,
    /// How many are still to come.
    waiting: usize,
    next_number: u64,
}

impl LevelPreviews {
    /// From one coarse level to all but one.
    pub fn pictures(&self) -> &[Option<Arc<Frame>>] {
        &self.pictures
    }

    /// Whether none is still to come.
    pub fn are_complete(&self) -> bool {
        self.waiting == 0
    }
}

/// The same scene without layers, divided elsewhere; none where styles are not mixed.
fn divided(scene: &Scene, levels: usize) -> Option<Scene> {
    let Base::StyleMix { coarse, fine, .. } = scene.base else { return None };
    let base = Base::StyleMix { coarse, fine, coarse_levels: levels };
    let Scene { directions, likeness, .. } = scene;
    Some(Scene { base, directions: directions.clone(), layers: Vec::new(), likeness: likeness.clone() })
}

impl Workbench {
    /// The pictures of a mix of styles by where it is divided.
    pub fn level_previews(&self) -> &LevelPreviews {
        &self.level_previews
    }

    /// In how many places styles can be divided: one less than the model has levels.
    pub fn style_divisions(&self) -> u8 {
        match self.engine.state() {
            EngineState::Ready(info) => u8::try_from(info.config.all_levels().count().saturating_sub(1)).unwrap_or(1),
            EngineState::Loading | EngineState::Failed(_) => 1,
        }
    }

    /// The side of the first level that gives the shape, in pixels, where so many give the colours.
    pub fn level_px(&self, coarse_levels: usize) -> Option<usize> {
        let EngineState::Ready(info) = self.engine.state() else { return None };
        info.config.all_levels().nth(coarse_levels)
    }

    /// Asks for the pictures where the faces are others than those shown.
    pub(super) fn update_level_previews(&mut self) {
        let scene = self.engine.sent_scene().and_then(|scene| divided(scene, 0));
        if scene == self.level_previews.of {
            return;
        }
        let divisions = usize::from(self.style_divisions());
        let previews = &mut self.level_previews;
        previews.first_number = previews.next_number;
        previews.pictures.clear();
        previews.waiting = 0;
        if let Some(scene) = &scene {
            let scenes = (1..=divisions).filter_map(|levels| divided(scene, levels)).zip(previews.first_number..);
            let scenes: Vec<_> = scenes.map(|(scene, number)| (number, scene)).collect();
            previews.pictures.resize(scenes.len(), None);
            previews.waiting = scenes.len();
            previews.next_number += scenes.len() as u64;
            self.engine.draw_aside(scenes);
        }
        self.level_previews.of = scene;
    }

    /// Takes a picture; one that could not be made stays away.
    pub(super) fn take_level_preview(&mut self, number: u64, picture: Option<Frame>) {
        let previews = &mut self.level_previews;
        let place = number.checked_sub(previews.first_number).and_then(|place| usize::try_from(place).ok());
        if let Some(shown) = place.and_then(|place| previews.pictures.get_mut(place)) {
            previews.waiting = previews.waiting.saturating_sub(1);
            *shown = picture.map(Arc::new);
        }
    }
}
