//! Moves the view: what was grabbed stays under the pointer.

use super::{BrushSettings, Tool, ToolEvent, ToolResponse};
use crate::document::{Point, Timeline};

#[derive(Default)]
enum State {
    #[default]
    Ready,
    Dragging {
        grabbed_in_canvas: Point,
    },
}

/// Pans.
#[derive(Default)]
pub struct HandTool {
    state: State,
}

impl Tool for HandTool {
    fn handle(&mut self, event: &ToolEvent, _timeline: &mut Timeline, _brush: &BrushSettings) -> ToolResponse {
        match (&self.state, *event) {
            (State::Ready, ToolEvent::PointerDown { pos_in_canvas, .. }) => {
                self.state = State::Dragging { grabbed_in_canvas: pos_in_canvas };
                ToolResponse::Nothing
            }
            (State::Dragging { grabbed_in_canvas }, ToolEvent::PointerMove { pos_in_canvas, .. }) => {
                ToolResponse::PanBy(pos_in_canvas - *grabbed_in_canvas)
            }
            (State::Dragging { .. }, ToolEvent::PointerUp | ToolEvent::Cancel) => {
                self.state = State::Ready;
                ToolResponse::Nothing
            }
            _ => ToolResponse::Nothing,
        }
    }

    fn is_busy(&self) -> bool {
        matches!(self.state, State::Dragging { .. })
    }
}
