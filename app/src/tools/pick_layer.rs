//! Makes the layer under the pointer the active one.

use super::{BrushSettings, Tool, ToolEvent, ToolRefusal, ToolResponse, offset_of};
use crate::document::{Layer, Point, Timeline};

/// Fainter paint is hardly seen, and not what a click means.
const MIN_VALUE: u8 = 26;

/// Picks layers by a click on what they painted.
#[derive(Default)]
pub struct PickLayerTool;

impl Tool for PickLayerTool {
    fn handle(&mut self, event: &ToolEvent, timeline: &mut Timeline, _brush: &BrushSettings) -> ToolResponse {
        let ToolEvent::PointerDown { pos_in_canvas, .. } = *event else { return ToolResponse::Nothing };
        let mut from_top = timeline.document().layers().iter().rev();
        let Some(layer) = from_top.find(|layer| is_painted_at(layer, pos_in_canvas)).map(|layer| layer.id) else {
            return ToolResponse::Refused(ToolRefusal::NoLayerHere);
        };
        timeline.select_layer(layer);
        ToolResponse::Changed
    }

    fn is_busy(&self) -> bool {
        false
    }
}

fn is_painted_at(layer: &Layer, pos_in_canvas: Point) -> bool {
    let value = (pos_in_canvas - offset_of(layer)).canvas_pixel().map_or(0, |(x, y)| layer.mask.value(x, y));
    layer.visible && value >= MIN_VALUE
}
