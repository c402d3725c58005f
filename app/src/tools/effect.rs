//! What painting does to a mask.

use super::{Button, Modifiers};
use crate::document::{MaskImage, PixelRect, mask_image::TILE_SIZE_PX};

/// What a gesture does to the mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// Towards white: more of the reference.
    #[default]
    Paint,
    /// Towards black: less of it.
    Erase,
}

impl Effect {
    /// What a gesture does that begins with this button and these keys.
    pub(super) fn of_gesture(self, button: Button, modifiers: Modifiers) -> Self {
        let opposite = (button == Button::Secondary) != modifiers.opposite;
        if opposite { self.opposite() } else { self }
    }

    fn opposite(self) -> Self {
        match self {
            Self::Paint => Self::Erase,
            Self::Erase => Self::Paint,
        }
    }

    /// The value that it leads to.
    pub(super) fn target(self) -> u8 {
        match self {
            Self::Paint => 255,
            Self::Erase => 0,
        }
    }

    fn apply(self, before: u8, coverage: u8, strength: f32) -> u8 {
        let alpha = f32::from(coverage) / 255.0 * strength;
        let before = f32::from(before);
        // Rounds to the nearest, as nothing here is negative; much faster than `round`.
        (before + (f32::from(self.target()) - before) * alpha + 0.5) as u8
    }

    /// Gives the covered pixels of `rect` the values that they had `before`, with the effect on them; others are left alone.
    pub(super) fn paint(
        self,
        mask: &mut MaskImage,
        before: &MaskImage,
        coverage: &MaskImage,
        rect: PixelRect,
        strength: f32,
    ) {
        mask.modify(rect, |span, tile| {
            let (before, coverage) = (before.tile(span.index), coverage.tile(span.index));
            for y in span.rows.clone() {
                for x in span.columns.clone() {
                    let at = y * TILE_SIZE_PX + x;
                    if coverage[at] == 0 {
                        continue;
                    }
                    tile[at] = self.apply(before[at], coverage[at], strength);
                }
            }
        });
    }
}
