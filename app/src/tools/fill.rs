//! Fill: a click paints the connected part of the mask that looks the same there.

use super::{BrushSettings, Effect, Tool, ToolEvent, ToolResponse, layer_to_paint, offset_of};
use crate::document::{PixelRect, Timeline};

/// Fills or empties connected regions.
#[derive(Default)]
pub struct FillTool {
    /// In [0, 1]: how far values may lie from the one under the pointer.
    pub tolerance: f32,
}

impl Tool for FillTool {
    fn handle(&mut self, event: &ToolEvent, timeline: &mut Timeline, brush: &BrushSettings) -> ToolResponse {
        let ToolEvent::PointerDown { pos_in_canvas, button, modifiers, .. } = *event else {
            return ToolResponse::Nothing;
        };
        let layer = match layer_to_paint(timeline) {
            Ok(layer) => layer,
            Err(refusal) => return ToolResponse::Refused(refusal),
        };
        let Some(pixel) = (pos_in_canvas - offset_of(layer)).canvas_pixel() else { return ToolResponse::Nothing };
        let effect = Effect::Paint.of_gesture(button, modifiers);
        let region = layer.mask.connected_region(pixel, (self.tolerance * 255.0) as u8, effect.target());
        let name = match effect {
            Effect::Paint => "Fill region",
            Effect::Erase => "Empty region",
        };
        let (id, strength) = (layer.id, brush.clamped().strength);
        timeline.edit(name, |document| {
            document.update_layer(id, |layer| {
                let before = layer.mask.clone();
                let rect = region.painted_rect().unwrap_or(PixelRect::CANVAS);
                effect.paint(&mut layer.mask, &before, &region, rect, strength);
            });
        });
        ToolResponse::Changed
    }

    fn is_busy(&self) -> bool {
        false
    }
}
