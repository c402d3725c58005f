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
