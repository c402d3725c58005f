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
    tooltip: "Remove paint. With the brush, the right button does the same",
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
            (stroke, _) => Stroke::go_on(stroke, event, context),
        }
    }

    fn is_busy(&self) -> bool {
        self.stroke.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, NO_KEY, OPPOSITE, SHIFT};
    use super::*;
    use crate::tools::ToolKind;

    #[test]
    fn the_other_button_and_the_modifier_do_the_opposite() {
        for (tool, button, modifiers, erases) in [
            (ToolKind::Brush, Button::Primary, NO_KEY, false),
            (ToolKind::Brush, Button::Secondary, NO_KEY, true),
            (ToolKind::Brush, Button::Primary, OPPOSITE, true),
            (ToolKind::Brush, Button::Secondary, OPPOSITE, false),
            (ToolKind::Eraser, Button::Primary, NO_KEY, true),
            (ToolKind::Eraser, Button::Secondary, NO_KEY, false),
        ] {
            let mut bench = Bench::new(ToolKind::Brush);
            bench.drag((100.0, 100.0), (200.0, 100.0), NO_KEY);
            bench.tools.selected = tool;
            bench.drag_with((150.0, 100.0), (300.0, 100.0), button, modifiers);
            let expected = if erases { (0, 0) } else { (255, 255) };
            assert_eq!((bench.value(150, 100), bench.value(280, 100)), expected, "{tool:?} {button:?} {modifiers:?}");
            assert_eq!(bench.value(105, 100), 255);
        }
    }

    #[test]
    fn shift_draws_a_straight_line_from_the_last_stroke() {
        let mut bench = Bench::new(ToolKind::Brush);
        bench.drag((60.0, 60.0), (60.0, 60.0), NO_KEY);
        bench.drag((400.0, 60.0), (400.0, 60.0), SHIFT);
        assert_eq!(bench.value(230, 60), 255);
    }

    #[test]
    fn the_line_goes_on_from_a_stroke_of_another_tool() {
        let mut bench = Bench::new(ToolKind::Brush);
        bench.drag((60.0, 60.0), (400.0, 60.0), NO_KEY);
        bench.tools.selected = ToolKind::Eraser;
        bench.drag((60.0, 60.0), (60.0, 60.0), SHIFT);
        assert_eq!([60, 230, 400].map(|x| bench.value(x, 60)), [0, 0, 0]);
    }
}
