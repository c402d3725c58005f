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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::bench::{Bench, NO_KEY};
    use super::*;
    use crate::document::{LayerId, PhotoId};
    use crate::tools::{Button, ToolKind};

    #[test]
    fn picking_chooses_the_topmost_layer_that_is_painted_there() {
        let mut bench = Bench::new(ToolKind::Rectangle);
        let paint = |bench: &mut Bench, x: f32| {
            bench.tools.selected = ToolKind::Rectangle;
            bench.drag((x, 100.0), (x + 100.0, 200.0), NO_KEY);
        };
        paint(&mut bench, 100.0);
        let lower = LayerId(1);
        let upper = bench.timeline.edit("Add layer", |document| document.add_layer(PhotoId(3))).unwrap();
        paint(&mut bench, 150.0);
        bench.tools.selected = ToolKind::PickLayer;
        let steps = bench.steps().len();
        let active = |bench: &Bench| bench.layer().id;
        for (x, expected) in [(120.0, lower), (180.0, upper), (101.0, lower), (240.0, upper)] {
            assert_eq!(bench.click((x, 150.0), Button::Primary, NO_KEY), ToolResponse::Changed);
            assert_eq!(active(&bench), expected, "at {x}");
        }
        // The upper layer moves away, and comes back hidden.
        bench.edit_layer("Move region", |layer| layer.offset_px = (0, 200));
        bench.click((180.0, 150.0), Button::Primary, NO_KEY);
        assert_eq!(active(&bench), lower);
        bench.click((180.0, 350.0), Button::Primary, NO_KEY);
        assert_eq!(active(&bench), upper);
        bench.edit_layer("Hide layer", |layer| layer.visible = false);
        for pos in [(180.0, 350.0), (20.0, 20.0), (-1.0, 150.0), (f32::NAN, 150.0)] {
            let refused = bench.click(pos, Button::Primary, NO_KEY);
            assert_eq!(refused, ToolResponse::Refused(NO_LAYER_HERE), "{pos:?}");
            assert_eq!(active(&bench), upper);
        }
        assert_eq!(bench.steps().len(), steps + 2, "choosing a layer is no edit");
    }
}
