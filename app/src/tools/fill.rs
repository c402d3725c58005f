//! Fill: a click paints the connected part of the mask that looks the same there.

use super::{
    Effect, Tool, ToolContext, ToolCursor, ToolEvent, ToolInfo, ToolOption, ToolResponse, layer_to_paint, offset_of,
};
use crate::document::PixelRect;

/// Paints a connected part of the mask.
pub(super) const INFO: ToolInfo = ToolInfo {
    id: "fill",
    name: "Fill",
    tooltip: "Click to fill a gap or a region. The right button takes paint off",
    hint: Some("Click a gap to fill it."),
    icon: '\u{e392}', // paint-bucket
    key: "G",
    options: &[ToolOption::Tolerance, ToolOption::Strength],
    cursor: ToolCursor::Crosshair,
    new: || Box::new(FillTool),
};

/// Fills or empties connected regions.
struct FillTool;

impl Tool for FillTool {
    fn handle(&mut self, event: &ToolEvent, context: &mut ToolContext<'_>) -> ToolResponse {
        let ToolEvent::PointerDown { pos_in_canvas, button, modifiers, .. } = *event else {
            return ToolResponse::Nothing;
        };
        let layer = match layer_to_paint(context.timeline) {
            Ok(layer) => layer,
            Err(refusal) => return ToolResponse::Refused(refusal),
        };
        let Some(pixel) = (pos_in_canvas - offset_of(layer)).canvas_pixel() else { return ToolResponse::Nothing };
        let effect = Effect::Paint.of_gesture(button, modifiers);
        let region = layer.mask.connected_region(pixel, (context.fill_tolerance * 255.0) as u8, effect.target());
        let name = match effect {
            Effect::Paint => "Fill region",
            Effect::Erase => "Empty region",
        };
        let (id, strength) = (layer.id, context.brush.clamped().strength);
        context.timeline.edit(name, |document| {
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
