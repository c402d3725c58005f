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
    tooltip: "Draw around a region to paint it. The right button removes paint",
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

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, NO_KEY};
    use crate::tools::{Button, ToolKind};

    /// Goes around these corners.
    fn lasso(bench: &mut Bench, corners: &[(f32, f32)]) {
        bench.down(corners[0], Button::Primary, NO_KEY);
        for corner in &corners[1..] {
            bench.move_to(*corner, NO_KEY);
        }
        bench.up();
    }

    #[test]
    fn the_lasso_fills_what_it_went_around_when_it_is_let_go() {
        let mut bench = Bench::new(ToolKind::Lasso);
        bench.down((100.0, 100.0), Button::Primary, NO_KEY);
        bench.move_to((300.0, 100.0), NO_KEY);
        bench.move_to((300.0, 300.0), NO_KEY);
        assert_eq!(bench.tools.outline_in_canvas().len(), 3);
        assert!(bench.mask().is_empty(), "nothing is painted before the button comes up");
        bench.up();
        assert!(bench.tools.outline_in_canvas().is_empty());
        assert_eq!((bench.value(280, 120), bench.value(120, 280)), (255, 0));
        // Right of the diagonal by half a pixel: half covered.
        let edge = bench.value(200, 200);
        assert!((120..136).contains(&edge), "the edge is antialiased: {edge}");
        assert_eq!(bench.steps(), ["Paint with lasso"]);

        // A loop within a loop the same way round is one region; a figure of eight has both halves.
        let mut bench = Bench::new(ToolKind::Lasso);
        lasso(&mut bench, &[(50.0, 50.0), (250.0, 50.0), (50.0, 250.0), (250.0, 250.0)]);
        assert_eq!((bench.value(150, 70), bench.value(150, 230), bench.value(70, 150)), (255, 255, 0));
        let square = [(300.0, 300.0), (400.0, 300.0), (400.0, 400.0), (300.0, 400.0), (300.0, 300.0)];
        let twice: Vec<(f32, f32)> = square.iter().chain(&square).copied().collect();
        lasso(&mut bench, &twice);
        assert_eq!((bench.value(350, 350), bench.value(299, 350), bench.value(399, 399)), (255, 0, 255));

        // What goes around nothing is no step.
        let steps = bench.steps().len();
        lasso(&mut bench, &[(10.0, 10.0)]);
        lasso(&mut bench, &[(10.0, 10.0), (40.0, 40.0)]);
        lasso(&mut bench, &[(600.0, 10.0), (700.0, 10.0), (650.0, 90.0)]);
        assert_eq!(bench.steps().len(), steps);
    }

    #[test]
    fn a_cancelled_lasso_leaves_nothing() {
        let mut bench = Bench::new(ToolKind::Lasso);
        bench.down((100.0, 100.0), Button::Primary, NO_KEY);
        bench.move_to((300.0, 100.0), NO_KEY);
        bench.move_to((300.0, 300.0), NO_KEY);
        bench.cancel();
        assert!(bench.mask().is_empty() && bench.steps().is_empty() && bench.tools.outline_in_canvas().is_empty());
        assert_eq!(bench.tools.busy(), None);
    }

    #[test]
    fn a_triangle_covers_its_area_whichever_way_it_is_drawn() {
        let corners = [(100.0, 100.0), (300.0, 140.0), (150.0, 320.0)];
        for corners in [corners, [corners[2], corners[1], corners[0]]] {
            let mut bench = Bench::new(ToolKind::Lasso);
            lasso(&mut bench, &corners);
            let area: f64 = bench.mask().to_values().iter().map(|&value| f64::from(value) / 255.0).sum();
            let expected = (200.0 * 220.0 - 50.0 * 40.0) / 2.0;
            assert!((area - expected).abs() < 0.001 * expected, "{area} {expected}");
        }
    }
}
