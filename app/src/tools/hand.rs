//! Moves the view: what was grabbed stays under the pointer.

use super::{Tool, ToolContext, ToolCursor, ToolEvent, ToolInfo, ToolResponse};
use crate::document::Point;

/// Moves the view.
pub(super) const INFO: ToolInfo = ToolInfo {
    id: "hand",
    name: "Hand",
    tooltip: "Drag the view. With any tool, hold Space",
    hint: Some("Drag to move the view. Scroll to zoom."),
    icon: '\u{e298}', // hand
    key: "H",
    options: &[],
    cursor: ToolCursor::Grab,
    new: || Box::new(HandTool::default()),
};

#[derive(Default)]
enum State {
    #[default]
    Ready,
    Dragging {
        grabbed_in_canvas: Point,
    },
}

/// Pans the view by what is dragged.
#[derive(Default)]
struct HandTool {
    state: State,
}

impl Tool for HandTool {
    fn handle(&mut self, event: &ToolEvent, _context: &mut ToolContext<'_>) -> ToolResponse {
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

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, NO_KEY};
    use super::*;
    use crate::tools::{Button, ToolKind};

    #[test]
    fn the_hand_moves_only_the_view() {
        let mut bench = Bench::new(ToolKind::Hand);
        let before = bench.timeline.revision();
        bench.down((100.0, 100.0), Button::Primary, NO_KEY);
        assert_eq!(bench.move_to((130.0, 90.0), NO_KEY), ToolResponse::PanBy(Point::new(30.0, -10.0)));
        bench.up();
        assert_eq!(bench.timeline.revision(), before);
    }
}
