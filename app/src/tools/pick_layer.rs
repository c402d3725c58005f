//! Makes the layer under the pointer the active one.

use super::{Tool, ToolContext, ToolCursor, ToolEvent, ToolInfo, ToolRefusal, ToolResponse, offset_of};
use crate::document::{Layer, Point};

/// Makes the layer under the pointer the active one.
pub(super) const INFO: ToolInfo = ToolInfo {
    id: "pick-layer",
    name: "Pick layer",
    tooltip: "Click a painted region to work on its layer",
    hint: Some("Click a painted region to work on its layer."),
    icon: '\u{e568}', // eyedropper
    key: "K",
    options: &[],
    cursor: ToolCursor::PointingHand,
    new: || Box::new(PickLayerTool),
};

const NO_LAYER_HERE: ToolRefusal = ToolRefusal::Because("No layer is painted there. Click a painted region.");

/// Fainter paint is hardly seen, and not what a click means.
const MIN_VALUE: u8 = 26;

/// Picks layers by a click on what they painted.
struct PickLayerTool;

impl Tool for PickLayerTool {
    fn handle(&mut self, event: &ToolEvent, context: &mut ToolContext<'_>) -> ToolResponse {
        let ToolEvent::PointerDown { pos_in_canvas, .. } = *event else { return ToolResponse::Nothing };
        let mut from_top = context.timeline.document().layers().iter().rev();
        let Some(layer) = from_top.find(|layer| is_painted_at(layer, pos_in_canvas)).map(|layer| layer.id) else {
            return ToolResponse::Refused(NO_LAYER_HERE);
        };
        context.timeline.select_layer(layer);
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
