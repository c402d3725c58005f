//! Moves the active layer's region over the picture: mask and face together (transplantation).

use super::{
    Tool, ToolContext, ToolCursor, ToolEvent, ToolInfo, ToolRefusal, ToolResponse, end_gesture, layer_to_paint,
};
use crate::document::{LayerId, Point};

/// Moves the active layer's region.
pub(super) const INFO: ToolInfo = ToolInfo {
    id: "move-region",
    name: "Move region",
    tooltip: "Drag the painted region to another place",
    hint: Some("Drag to move the region. Shift keeps to one axis, arrow keys move by a pixel."),
    icon: '\u{e0a4}', // arrows-out-cardinal
    key: "V",
    options: &[],
    cursor: ToolCursor::Move,
    new: || Box::new(MoveTool::default()),
};

const NOTHING_PAINTED: ToolRefusal = ToolRefusal::Because("Paint a region first, then move it.");

#[derive(Default)]
enum State {
    #[default]
    Ready,
    Dragging {
        layer: LayerId,
        start_in_canvas: Point,
        start_offset_px: (i32, i32),
    },
}

/// Drags the active layer's offset. Shift keeps to one axis.
#[derive(Default)]
struct MoveTool {
    state: State,
}

impl Tool for MoveTool {
    fn handle(&mut self, event: &ToolEvent, context: &mut ToolContext<'_>) -> ToolResponse {
        match (&self.state, *event) {
            (State::Ready, ToolEvent::PointerDown { pos_in_canvas, .. }) => {
                let layer = match layer_to_paint(context.timeline) {
                    Ok(layer) => layer,
                    Err(refusal) => return ToolResponse::Refused(refusal),
                };
                if layer.mask.is_empty() {
                    return ToolResponse::Refused(NOTHING_PAINTED);
                }
                self.state = State::Dragging {
                    layer: layer.id,
                    start_in_canvas: pos_in_canvas,
                    start_offset_px: layer.offset_px,
                };
                context.timeline.begin_gesture("Move region");
                ToolResponse::Nothing
            }
            (
                State::Dragging { layer, start_in_canvas, start_offset_px },
                ToolEvent::PointerMove { pos_in_canvas, modifiers, .. },
            ) if pos_in_canvas.is_finite() => {
                let mut moved = pos_in_canvas - *start_in_canvas;
                if modifiers.straight {
                    if moved.x.abs() < moved.y.abs() {
                        moved.x = 0.0;
                    } else {
                        moved.y = 0.0;
                    }
                }
                let offset_px = (
                    start_offset_px.0.saturating_add(moved.x.round() as i32),
                    start_offset_px.1.saturating_add(moved.y.round() as i32),
                );
                context.timeline.change(|document| document.update_layer(*layer, |layer| layer.offset_px = offset_px));
                ToolResponse::Changed
            }
            (State::Dragging { .. }, ToolEvent::PointerUp | ToolEvent::Cancel) => {
                self.state = State::Ready;
                end_gesture(event, context.timeline)
            }
            _ => ToolResponse::Nothing,
        }
    }

    fn is_busy(&self) -> bool {
        matches!(self.state, State::Dragging { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, NO_KEY};
    use super::*;
    use crate::document::CANVAS_SIZE_PX;
    use crate::tools::{Button, ToolKind};

    #[test]
    fn the_move_tool_moves_the_region_and_the_brush_follows_the_pointer() {
        let mut bench = Bench::new(ToolKind::Move);
        let refused = bench.down((10.0, 10.0), Button::Primary, NO_KEY);
        assert_eq!(refused, ToolResponse::Refused(NOTHING_PAINTED));

        bench.tools.selected = ToolKind::Brush;
        bench.drag((100.0, 100.0), (100.0, 100.0), NO_KEY);
        bench.tools.selected = ToolKind::Move;
        bench.drag((300.0, 300.0), (340.4, 289.6), NO_KEY);
        assert_eq!(bench.layer().offset_px, (40, -10));

        // A region that was moved is painted where the pointer is: in the mask that is as far back.
        bench.tools.selected = ToolKind::Brush;
        bench.drag((240.0, 190.0), (240.0, 190.0), NO_KEY);
        assert_eq!((bench.value(200, 200), bench.value(240, 190)), (255, 0));
        assert_eq!(bench.steps(), ["Paint stroke", "Move region", "Paint stroke"]);

        bench.tools.selected = ToolKind::Move;
        bench.drag((0.0, 0.0), (1e9, -1e9), NO_KEY);
        let limit = CANVAS_SIZE_PX as i32;
        assert_eq!(bench.layer().offset_px, (limit, -limit));
    }
}
