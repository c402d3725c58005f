//! Brush and eraser: the same strokes, with the opposite effect.

use super::stroke::Stroke;
use super::{
    Button, Effect, Modifiers, Tool, ToolContext, ToolCursor, ToolEvent, ToolInfo, ToolOption, ToolRefusal,
    ToolResponse, layer_to_paint,
};
use crate::document::Point;

/// Paints the active layer's mask.
pub(super) const BRUSH: ToolInfo = ToolInfo {
    id: "brush",
    name: "Brush",
    tooltip: "Paint the active layer's face into the picture",
    hint: None,
    icon: '\u{e6f0}', // paint-brush
    key: "B",
    options: &[ToolOption::Size, ToolOption::Hardness, ToolOption::StrokeStrength],
    cursor: ToolCursor::Brush(Effect::Paint),
    new: || Box::new(BrushTool::new(Effect::Paint)),
};

/// Takes paint off.
pub(super) const ERASER: ToolInfo = ToolInfo {
    id: "eraser",
    name: "Eraser",
    tooltip: "Take paint off. With the brush, the right button does the same",
    hint: None,
    icon: '\u{e21e}', // eraser
    key: "E",
    options: &[ToolOption::Size, ToolOption::Hardness, ToolOption::StrokeStrength],
    cursor: ToolCursor::Brush(Effect::Erase),
    new: || Box::new(BrushTool::new(Effect::Erase)),
};

/// Paints or erases the active layer's mask.
struct BrushTool {
    /// What the primary button does.
    effect: Effect,
    /// The one under way.
    stroke: Option<Box<Stroke>>,
}

impl BrushTool {
    fn new(effect: Effect) -> Self {
        Self { effect, stroke: None }
    }

    fn begin(
        &mut self,
        (pos_in_canvas, pressure): (Point, f32),
        button: Button,
        modifiers: Modifiers,
        context: &mut ToolContext<'_>,
    ) -> Result<(), ToolRefusal> {
        let layer = layer_to_paint(context.timeline)?;
        let effect = self.effect.of_gesture(button, modifiers);
        let mut stroke = Stroke::new(layer, effect, context.brush);
        context.timeline.begin_gesture(match effect {
            Effect::Paint => "Paint stroke",
            Effect::Erase => "Erase stroke",
        });
        stroke.begin(pos_in_canvas, pressure, modifiers.straight, context);
        self.stroke = Some(Box::new(stroke));
        Ok(())
    }
}

impl Tool for BrushTool {
    fn handle(&mut self, event: &ToolEvent, context: &mut ToolContext<'_>) -> ToolResponse {
        match (&mut self.stroke, *event) {
            (None, ToolEvent::PointerDown { pos_in_canvas, button, pressure, modifiers })
                if pos_in_canvas.is_finite() =>
            {
                let begun = self.begin((pos_in_canvas, pressure), button, modifiers, context);
                begun.map_or_else(ToolResponse::Refused, |()| ToolResponse::Changed)
            }
            (Some(stroke), ToolEvent::PointerMove { pos_in_canvas, pressure, .. }) if pos_in_canvas.is_finite() => {
                stroke.move_to(pos_in_canvas, pressure, context.timeline);
                ToolResponse::Changed
            }
            (stroke, ToolEvent::PointerUp | ToolEvent::Cancel) => match stroke.take() {
                Some(stroke) => stroke.end(event, context),
                None => ToolResponse::Nothing,
            },
            _ => ToolResponse::Nothing,
        }
    }

    fn is_busy(&self) -> bool {
        self.stroke.is_some()
    }
}
