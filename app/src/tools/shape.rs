//! Rectangle and ellipse, from corner to corner. The region shows in the picture while it is drawn.

use super::stroke::near_canvas;
use super::{
    Effect, Modifiers, Tool, ToolContext, ToolCursor, ToolEvent, ToolInfo, ToolOption, ToolResponse, end_gesture,
    layer_to_paint, offset_of,
};
use crate::document::{LayerId, MaskImage, Point, polygon};

const HINT: &str = "Shift makes the sides equal, Alt draws from the centre.";

/// Paints a rectangle.
pub(super) const RECTANGLE: ToolInfo = ToolInfo {
    id: "rectangle",
    name: "Rectangle",
    tooltip: "Drag from corner to corner to paint a rectangle",
    hint: Some(HINT),
    icon: '\u{e3f0}', // rectangle
    key: "U",
    options: &[ToolOption::Strength],
    cursor: ToolCursor::Crosshair,
    new: || Box::new(ShapeTool::new(Shape::Rectangle)),
};

/// Paints an ellipse.
pub(super) const ELLIPSE: ToolInfo = ToolInfo {
    id: "ellipse",
    name: "Ellipse",
    tooltip: "Drag from corner to corner to paint an ellipse",
    hint: Some(HINT),
    icon: '\u{e18a}', // circle
    key: "O",
    options: &[ToolOption::Strength],
    cursor: ToolCursor::Crosshair,
    new: || Box::new(ShapeTool::new(Shape::Ellipse)),
};

/// What is drawn.
#[derive(Clone, Copy)]
enum Shape {
    /// With upright sides.
    Rectangle,
    /// Within such a rectangle.
    Ellipse,
}

impl Shape {
    /// The outline between two corners. Shift makes the sides equal, Alt makes the first corner the middle.
    fn outline(self, start: Point, end: Point, modifiers: Modifiers) -> Vec<Point> {
        let mut diagonal = end - start;
        if modifiers.straight {
            let side = diagonal.x.abs().max(diagonal.y.abs());
            diagonal = Point::new(side.copysign(diagonal.x), side.copysign(diagonal.y));
        }
        let opposite = start + diagonal;
        let start = if modifiers.from_center { start - diagonal } else { start };
        match self {
            Self::Rectangle => {
                vec![start, Point::new(opposite.x, start.y), opposite, Point::new(start.x, opposite.y)]
            }
            Self::Ellipse => {
                let half = Point::new((opposite.x - start.x).abs() / 2.0, (opposite.y - start.y).abs() / 2.0);
                polygon::ellipse(start.lerp(opposite, 0.5), half.x, half.y)
            }
        }
    }

    fn step_name(self, effect: Effect) -> &'static str {
        match (self, effect) {
            (Self::Rectangle, Effect::Paint) => "Paint rectangle",
            (Self::Rectangle, Effect::Erase) => "Erase rectangle",
            (Self::Ellipse, Effect::Paint) => "Paint ellipse",
            (Self::Ellipse, Effect::Erase) => "Erase ellipse",
        }
    }
}

/// A shape under way.
struct Drawing {
    layer: LayerId,
    effect: Effect,
    strength: f32,
    /// Canvas to mask: the layer's move.
    offset: Point,
    before: MaskImage,
    start_in_canvas: Point,
    outline_in_canvas: Vec<Point>,
}

impl Drawing {
    /// The mask of before with the shape on it.
    fn painted(&self) -> MaskImage {
        let mut mask = self.before.clone();
        let outline: Vec<Point> = self.outline_in_canvas.iter().map(|point| *point - self.offset).collect();
        if let Some((rect, coverage)) = polygon::coverage(&outline) {
            self.effect.paint(&mut mask, &self.before, &coverage, rect, self.strength);
        }
        mask
    }
}

enum State {
    Ready,
    Drawing(Box<Drawing>),
}

/// Paints or unpaints a shape.
struct ShapeTool {
    shape: Shape,
    state: State,
}

impl ShapeTool {
    fn new(shape: Shape) -> Self {
        Self { shape, state: State::Ready }
    }
}

impl Tool for ShapeTool {
    fn handle(&mut self, event: &ToolEvent, context: &mut ToolContext<'_>) -> ToolResponse {
        match (&mut self.state, *event) {
            (State::Ready, ToolEvent::PointerDown { pos_in_canvas, button, modifiers, .. })
                if pos_in_canvas.is_finite() =>
            {
                let layer = match layer_to_paint(context.timeline) {
                    Ok(layer) => layer,
                    Err(refusal) => return ToolResponse::Refused(refusal),
                };
                let effect = Effect::Paint.of_gesture(button, modifiers);
                self.state = State::Drawing(Box::new(Drawing {
                    layer: layer.id,
                    effect,
                    strength: context.brush.clamped().strength,
                    offset: offset_of(layer),
                    before: layer.mask.clone(),
                    start_in_canvas: near_canvas(pos_in_canvas),
                    outline_in_canvas: Vec::new(),
                }));
                context.timeline.begin_gesture(self.shape.step_name(effect));
                ToolResponse::Nothing
            }
            (State::Drawing(drawing), ToolEvent::PointerMove { pos_in_canvas, modifiers, .. })
                if pos_in_canvas.is_finite() =>
            {
                let end_in_canvas = near_canvas(pos_in_canvas);
                drawing.outline_in_canvas = self.shape.outline(drawing.start_in_canvas, end_in_canvas, modifiers);
                let mask = drawing.painted();
                context.timeline.change(|document| document.update_layer(drawing.layer, |layer| layer.mask = mask));
                ToolResponse::Changed
            }
            (State::Drawing(_), ToolEvent::PointerUp | ToolEvent::Cancel) => {
                self.state = State::Ready;
                end_gesture(event, context.timeline)
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
            State::Drawing(drawing) => drawing.outline_in_canvas.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ALT, Bench, NO_KEY, SHIFT, SHIFT_ALT};
    use crate::document::PixelRect;
    use crate::tools::ToolKind;

    #[test]
    fn a_shape_is_drawn_from_corner_to_corner() {
        // From (200, 200) to (300, 240): what the keys make of it, as left, top, right, bottom.
        for (modifiers, rect) in [
            (NO_KEY, (200, 200, 300, 240)),
            (SHIFT, (200, 200, 300, 300)),
            (ALT, (100, 160, 300, 240)),
            (SHIFT_ALT, (100, 100, 300, 300)),
        ] {
            for tool in [ToolKind::Rectangle, ToolKind::Ellipse] {
                let mut bench = Bench::new(tool);
                bench.drag((200.0, 200.0), (300.0, 240.0), modifiers);
                let (min_x, min_y, max_x, max_y) = rect;
                let expected = PixelRect { min_x, min_y, max_x, max_y };
                assert_eq!(bench.mask().painted_rect(), Some(expected), "{tool:?} {modifiers:?}");
                let (middle_x, middle_y) = ((min_x + max_x) as f32 / 2.0, (min_y + max_y) as f32 / 2.0);
                for (x, y) in (min_x..max_x).flat_map(|x| (min_y..max_y).map(move |y| (x, y))) {
                    let across = (x as f32 + 0.5 - middle_x) / ((max_x - min_x) as f32 / 2.0);
                    let down = (y as f32 + 0.5 - middle_y) / ((max_y - min_y) as f32 / 2.0);
                    let radius = across.hypot(down);
                    let value = bench.value(x, y);
                    if tool == ToolKind::Rectangle || radius < 0.95 {
                        assert_eq!(value, 255, "{tool:?} {modifiers:?} inside at {x}, {y}");
                    } else if radius > 1.05 {
                        assert_eq!(value, 0, "{tool:?} {modifiers:?} outside at {x}, {y}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_shape_covers_its_area_whichever_way_it_is_drawn() {
        let area = |bench: &Bench| bench.mask().to_values().iter().map(|&value| f64::from(value) / 255.0).sum::<f64>();
        let corners = [(120.25, 80.5), (341.75, 301.125)];
        let (width, height): (f64, f64) = (341.75 - 120.25, 301.125 - 80.5);
        let expected =
            [(ToolKind::Rectangle, width * height), (ToolKind::Ellipse, std::f64::consts::FRAC_PI_4 * width * height)];
        for (tool, expected) in expected {
            for (from, to) in [(0, 1), (1, 0)] {
                let mut bench = Bench::new(tool);
                bench.drag(corners[from], corners[to], NO_KEY);
                // Rounding to 8 bit along the border, and the ellipse's corners.
                assert!((area(&bench) - expected).abs() < 0.001 * expected, "{tool:?}: {} {expected}", area(&bench));
            }
        }
    }
}
