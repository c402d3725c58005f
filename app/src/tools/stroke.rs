//! Strokes: what brush and eraser draw, for every tool that paints freehand. A stroke is a row of round dabs, spaced closer
//! than their size, so that it has no gaps however fast the pointer moves. Dabs of one stroke are joined by their maximum:
//! going over the same place twice within a stroke never exceeds the stroke's strength.

use serde::{Deserialize, Serialize};

use super::{Effect, ToolContext, ToolEvent, ToolResponse, end_gesture, offset_of};
use crate::document::{
    CANVAS_SIZE_PX, Layer, LayerId, MaskImage, PixelRect, Point, Timeline, mask_image::TILE_SIZE_PX,
};

/// The smallest brush.
pub const MIN_RADIUS_PX: f32 = 1.0;
/// The largest brush.
pub const MAX_RADIUS_PX: f32 = 200.0;
/// The distance of two dabs, in radii.
const DAB_SPACING: f32 = 0.15;

/// How the brush paints.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BrushSettings {
    /// Half the width, in canvas pixels.
    pub radius_px: f32,
    /// In [0, 1]: 1 has a crisp edge, 0 falls off from the middle.
    pub hardness: f32,
    /// In [0, 1]: the most that one stroke adds or takes.
    pub strength: f32,
}

impl Default for BrushSettings {
    fn default() -> Self {
        Self { radius_px: 28.0, hardness: 0.6, strength: 1.0 }
    }
}

impl BrushSettings {
    /// The settings with every number in its range.
    #[must_use]
    pub fn clamped(self) -> Self {
        let within = |value: f32, min: f32, max: f32| if value.is_finite() { value.clamp(min, max) } else { max };
        Self {
            radius_px: within(self.radius_px, MIN_RADIUS_PX, MAX_RADIUS_PX),
            hardness: within(self.hardness, 0.0, 1.0),
            strength: within(self.strength, 0.0, 1.0),
        }
    }

    /// Where a dab begins to fall off and where it ends.
    fn edge_px(&self) -> (f32, f32) {
        // Even the hardest brush has an edge of one pixel, so that it is not jagged.
        let inner_px = (self.hardness * self.radius_px).min(self.radius_px - 0.5).max(0.0);
        (inner_px, self.radius_px.max(inner_px + 1.0))
    }
}

/// A stroke under way. It changes the document within a gesture that the tool began.
pub(super) struct Stroke {
    layer: LayerId,
    /// Canvas to mask: the layer's move.
    offset: Point,
    effect: Effect,
    brush: BrushSettings,
    before: MaskImage,
    coverage: MaskImage,
    last_pos_in_canvas: Point,
    last_pressure: f32,
    /// How far the pointer came since the last dab.
    since_dab_px: f32,
}

impl Stroke {
    /// A stroke on this layer, with nothing painted yet.
    pub(super) fn new(layer: &Layer, effect: Effect, brush: BrushSettings) -> Self {
        Self {
            layer: layer.id,
            offset: offset_of(layer),
            effect,
            brush: brush.clamped(),
            before: layer.mask.clone(),
            coverage: MaskImage::default(),
            last_pos_in_canvas: Point::default(),
            last_pressure: 1.0,
            since_dab_px: 0.0,
        }
    }

    /// Paints where the pointer went down. A straight one first comes there from the last stroke's end, whichever tool drew
    /// that.
    pub(super) fn begin(
        &mut self,
        pos_in_canvas: Point,
        pressure: f32,
        is_straight: bool,
        context: &mut ToolContext<'_>,
    ) {
        let (pos_in_canvas, pressure) = (near_canvas(pos_in_canvas), sane_pressure(pressure));
        let start_in_canvas = context.last_stroke_end_in_canvas.filter(|_| is_straight).unwrap_or(pos_in_canvas);
        (self.last_pos_in_canvas, self.last_pressure) = (start_in_canvas, pressure);
        context.timeline.change(|document| {
            document.update_layer(self.layer, |layer| {
                self.dab(&mut layer.mask, start_in_canvas, pressure);
                self.line_to(&mut layer.mask, pos_in_canvas, pressure);
            });
        });
    }

    /// Paints on to where the pointer is now.
    pub(super) fn move_to(&mut self, pos_in_canvas: Point, pressure: f32, timeline: &mut Timeline) {
        let (pos_in_canvas, pressure) = (near_canvas(pos_in_canvas), sane_pressure(pressure));
        timeline.change(|document| {
            document.update_layer(self.layer, |layer| self.line_to(&mut layer.mask, pos_in_canvas, pressure));
        });
    }

    /// What follows the pointer's going down, the same for every tool that makes strokes.
    pub(super) fn go_on(
        under_way: &mut Option<Box<Self>>,
        event: &ToolEvent,
        context: &mut ToolContext<'_>,
    ) -> ToolResponse {
        match (under_way, *event) {
            (Some(stroke), ToolEvent::PointerMove { pos_in_canvas, pressure, .. }) if pos_in_canvas.is_finite() => {
                stroke.move_to(pos_in_canvas, pressure, context.timeline);
                ToolResponse::Changed
            }
            (under_way, ToolEvent::PointerUp | ToolEvent::Cancel) => match under_way.take() {
                Some(stroke) => stroke.end(event, context),
                None => ToolResponse::Nothing,
            },
            _ => ToolResponse::Nothing,
        }
    }

    /// Makes a step of the gesture, or takes it back.
    fn end(self, event: &ToolEvent, context: &mut ToolContext<'_>) -> ToolResponse {
        if *event == ToolEvent::PointerUp {
            *context.last_stroke_end_in_canvas = Some(self.last_pos_in_canvas);
        }
        end_gesture(event, context.timeline)
    }

    fn spacing_px(&self) -> f32 {
        (self.brush.radius_px * DAB_SPACING).max(0.5)
    }

    /// Dabs from the last position to this one.
    fn line_to(&mut self, mask: &mut MaskImage, pos_in_canvas: Point, pressure: f32) {
        let from = self.last_pos_in_canvas;
        let length_px = (pos_in_canvas - from).length();
        let spacing_px = self.spacing_px();
        let mut at_px = spacing_px - self.since_dab_px;
        while at_px <= length_px {
            let t = at_px / length_px;
            let pressure = self.last_pressure + (pressure - self.last_pressure) * t;
            self.dab(mask, from.lerp(pos_in_canvas, t), pressure);
            at_px += spacing_px;
        }
        self.since_dab_px = length_px - (at_px - spacing_px);
        self.last_pos_in_canvas = pos_in_canvas;
        self.last_pressure = pressure;
    }

    fn dab(&mut self, mask: &mut MaskImage, pos_in_canvas: Point, pressure: f32) {
        let center = pos_in_canvas - self.offset;
        let brush = self.brush;
        let Some(rect) = PixelRect::around_circle(center, brush.radius_px + 1.0, CANVAS_SIZE_PX) else { return };
        let (inner_px, outer_px) = brush.edge_px();
        self.coverage.modify(rect, |span, tile| {
            for y in span.rows.clone() {
                let dy = (span.origin_px.1 + y) as f32 + 0.5 - center.y;
                for x in span.columns.clone() {
                    let dx = (span.origin_px.0 + x) as f32 + 0.5 - center.x;
                    let distance_squared = dx * dx + dy * dy;
                    if distance_squared >= outer_px * outer_px {
                        continue;
                    }
                    let covered = if distance_squared <= inner_px * inner_px {
                        1.0
                    } else {
                        let x = (outer_px - distance_squared.sqrt()) / (outer_px - inner_px);
                        x * x * (3.0 - 2.0 * x)
                    };
                    let covered = (covered * pressure * 255.0).round() as u8;
                    let value = &mut tile[y * TILE_SIZE_PX + x];
                    *value = covered.max(*value);
                }
            }
        });
        self.effect.paint(mask, &self.before, &self.coverage, rect, brush.strength);
    }
}

/// A pointer far outside would make an endless row of dabs that touch nothing.
pub(super) fn near_canvas(pos_in_canvas: Point) -> Point {
    let limit = 2.0 * CANVAS_SIZE_PX as f32;
    Point::new(pos_in_canvas.x.clamp(-limit, 2.0 * limit), pos_in_canvas.y.clamp(-limit, 2.0 * limit))
}

fn sane_pressure(pressure: f32) -> f32 {
    if pressure.is_finite() && pressure > 0.0 { pressure.min(1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{Bench, NO_KEY};
    use super::*;
    use crate::tools::{Button, ToolKind};

    #[test]
    fn a_fast_drag_leaves_no_gap() {
        let mut bench = Bench::new(ToolKind::Brush);
        // One jump over the whole canvas, as from a pointer that reports rarely.
        bench.drag((40.0, 100.0), (480.0, 300.0), NO_KEY);
        for i in 0..=100 {
            let t = i as f32 / 100.0;
            let (x, y) = (40.0 + 440.0 * t, 100.0 + 200.0 * t);
            assert_eq!(bench.value(x as usize, y as usize), 255, "a gap at {x}, {y}");
        }
        assert_eq!(bench.value(40, 300), 0);
        assert_eq!(bench.steps(), ["Paint stroke"]);
    }

    #[test]
    fn a_dab_is_round_and_as_wide_as_the_brush() {
        let mut bench = Bench::new(ToolKind::Brush);
        bench.drag((256.0, 256.0), (256.0, 256.0), NO_KEY);
        for y in 200..312 {
            for x in 200..312 {
                let distance_px = (x as f32 + 0.5 - 256.0).hypot(y as f32 + 0.5 - 256.0);
                let value = bench.value(x, y);
                if distance_px < 19.0 {
                    assert_eq!(value, 255, "inside at {x}, {y}");
                } else if distance_px > 21.0 {
                    assert_eq!(value, 0, "outside at {x}, {y}");
                }
            }
        }
    }

    #[test]
    fn one_stroke_never_exceeds_its_strength_but_two_add_up() {
        let mut bench = Bench::new(ToolKind::Brush);
        bench.tools.brush.strength = 0.5;
        bench.down((200.0, 200.0), Button::Primary, NO_KEY);
        for _ in 0..10 {
            bench.move_to((300.0, 200.0), NO_KEY);
            bench.move_to((200.0, 200.0), NO_KEY);
        }
        bench.up();
        assert_eq!(bench.value(250, 200), 128);
        bench.drag((200.0, 200.0), (300.0, 200.0), NO_KEY);
        assert_eq!(bench.value(250, 200), 192);
    }

    #[test]
    fn a_soft_brush_falls_off_towards_its_edge() {
        let mut bench = Bench::new(ToolKind::Brush);
        bench.tools.brush = BrushSettings { radius_px: 60.0, hardness: 0.0, strength: 1.0 };
        bench.drag((256.0, 256.0), (256.0, 256.0), NO_KEY);
        let row: Vec<u8> = (256..320).map(|x| bench.value(x, 256)).collect();
        assert!(row.is_sorted_by(|a, b| a >= b), "{row:?}");
        assert!(row[0] > 250 && row[30] > 90 && row[30] < 160 && row[58] < 8, "{row:?}");
    }
}
