//! Lasso: paints what the pointer goes around, when the button comes up.

use super::stroke::near_canvas;
use super::{
    Effect, Tool, ToolContext, ToolCursor, ToolEvent, ToolInfo, ToolOption, ToolResponse, layer_to_paint, offset_of,
};
use crate::document::{LayerId, Point, Timeline, polygon};

/// Paints what a freehand outline goes around.
pub(super) const INFO: ToolInfo = ToolInfo {
    id: "lasso",
    name: "Lasso",
    tooltip: "Draw around a region to paint it. The right button takes paint off",
    hint: Some("Draw around a region to paint it."),
    icon: '\u{edc6}', // lasso
    key: "L",
    options: &[ToolOption::Strength],
    cursor: ToolCursor::Crosshair,
    new: || Box::new(LassoTool::default()),
};

/// The pointer's way is kept in steps of at least this.
const MIN_STEP_PX: f32 = 0.5;

struct Outline {
    layer: LayerId,
    effect: Effect,
    strength: f32,
    points_in_canvas: Vec<Point>,
}

#[derive(Default)]
enum State {
    #[default]
    Ready,
    Drawing(Outline),
}

/// Paints or unpaints what a freehand outline goes around; the outline closes itself.
#[derive(Default)]
struct LassoTool {
    state: State,
}

impl Outline {
    fn line_to(&mut self, pos_in_canvas: Point) {
        let is_apart = |last: &Point| (pos_in_canvas - *last).length() >= MIN_STEP_PX;
        if self.points_in_canvas.last().is_none_or(is_apart) {
            self.points_in_canvas.push(pos_in_canvas);
        }
    }

    fn fill(self, timeline: &mut Timeline) {
        let Self { layer, effect, strength, points_in_canvas } = self;
        let Some(offset) = timeline.document().layer(layer).map(offset_of) else { return };
        let outline: Vec<Point> = points_in_canvas.into_iter().map(|point| point - offset).collect();
        let Some((rect, coverage)) = polygon::coverage(&outline) else { return };
        let name = match effect {
            Effect::Paint => "Paint with lasso",
            Effect::Erase => "Erase with lasso",
        };
        timeline.edit(name, |document| {
            document.update_layer(layer, |layer| {
                let before = layer.mask.clone();
                effect.paint(&mut layer.mask, &before, &coverage, rect, strength);
            });
        });
    }
}

impl Tool for LassoTool {
    fn handle(&mut self, event: &ToolEvent, context: &mut ToolContext<'_>) -> ToolResponse {
        match (&mut self.state, *event) {
            (State::Ready, ToolEvent::PointerDown { pos_in_canvas, button, modifiers, .. })
                if pos_in_canvas.is_finite() =>
            {
                let layer = match layer_to_paint(context.timeline) {
                    Ok(layer) => layer.id,
                    Err(refusal) => return ToolResponse::Refused(refusal),
                };
                self.state = State::Drawing(Outline {
                    layer,
                    effect: Effect::Paint.of_gesture(button, modifiers),
                    strength: context.brush.clamped().strength,
                    points_in_canvas: vec![near_canvas(pos_in_canvas)],
                });
                ToolResponse::Nothing
            }
            (State::Drawing(outline), ToolEvent::PointerMove { pos_in_canvas, .. }) if pos_in_canvas.is_finite() => {
                outline.line_to(near_canvas(pos_in_canvas));
                ToolResponse::Nothing
            }
            (State::Drawing(_), ToolEvent::PointerUp) => {
                if let State::Drawing(outline) = std::mem::take(&mut self.state) {
                    outline.fill(context.timeline);
                }
                ToolResponse::Changed
            }
            (State::Drawing(_), ToolEvent::Cancel) => {
                self.state = State::Ready;
                ToolResponse::Nothing
            }
            _ => ToolResponse::Nothing,
        }
    }

    fn is_busy(&self) -> bool {
        matches!(self.state, State::Drawing(_))
    }

    fn outline_in_canvas(&self) -> Vec<Point> {
        match &self.state {
            State::Ready => Vec::new(),
            State::Drawing(outline) => outline.points_in_canvas.clone(),
        }
    }
}
