//! Moves, scales and turns the active layer's region over the picture: mask and face together (transplantation), or the face alone
//! under its mask.

use super::handles::{Grip, RegionHandles};
use super::{
    Tool, ToolContext, ToolCursor, ToolEvent, ToolInfo, ToolRefusal, ToolResponse, end_gesture, layer_to_paint,
};
use crate::document::{Document, Layer, Point, Pose};

/// Moves the active layer's region.
pub(super) const INFO: ToolInfo = ToolInfo {
    id: "move-region",
    name: "Move region",
    tooltip: "Drag the painted region to another place, scale it by its corners, turn it by the knob",
    hint: Some("Drag to move, corners scale, the knob turns. Alt: the face alone."),
    icon: '\u{e0a4}', // arrows-out-cardinal
    key: "V",
    options: &[],
    cursor: ToolCursor::Move,
    new: || Box::new(MoveTool::default()),
};

const NOTHING_PAINTED: ToolRefusal = ToolRefusal::Because("Paint a region first, then move it.");
/// With Shift a region turns in steps.
const ANGLE_STEP_RADIANS: f32 = std::f32::consts::PI / 12.0;

/// A drag under way.
struct Drag {
    grip: Grip,
    start_in_canvas: Point,
    /// As the layer was.
    layer: Box<Layer>,
    /// What it is scaled and turned about, in the canvas.
    middle: Point,
    keeps_mask: bool,
}

/// Drags the active layer's region.
#[derive(Default)]
struct MoveTool {
    drag: Option<Drag>,
}

impl Drag {
    /// The layer as it is with the pointer there.
    fn moved(&self, pos_in_canvas: Point, is_straight: bool) -> Layer {
        let mut layer = (*self.layer).clone();
        let mut moved = pos_in_canvas - self.start_in_canvas;
        if is_straight && moved.x.abs() < moved.y.abs() {
            moved.x = 0.0;
        } else if is_straight {
            moved.y = 0.0;
        }
        let offset = super::offset_of(&layer);
        let [from, to] = [self.start_in_canvas, pos_in_canvas].map(|at| at - self.middle);
        match self.grip {
            Grip::Inside if self.keeps_mask => layer.change_pose(&Pose::by(moved), true),
            Grip::Inside => {
                let (x, y) = layer.offset_px;
                layer.offset_px = (x.saturating_add(moved.x.round() as i32), y.saturating_add(moved.y.round() as i32));
            }
            Grip::Corner => {
                let scale = to.length() / from.length().max(1.0);
                let pose = Pose::about(self.middle - offset, scale.max(0.01), 0.0, false);
                layer.change_pose(&pose, self.keeps_mask);
            }
            Grip::Knob => {
                let angle = to.y.atan2(to.x) - from.y.atan2(from.x);
                let angle = if is_straight {
                    // The face stands at a step, wherever it began.
                    let turned = layer.pose.angle_radians + angle;
                    (turned / ANGLE_STEP_RADIANS).round() * ANGLE_STEP_RADIANS - layer.pose.angle_radians
                } else {
                    angle
                };
                layer.change_pose(&Pose::about(self.middle - offset, 1.0, angle, false), self.keeps_mask);
            }
        }
        layer
    }
}

impl Tool for MoveTool {
    fn handle(&mut self, event: &ToolEvent, context: &mut ToolContext<'_>) -> ToolResponse {
        match (&self.drag, *event) {
            (None, ToolEvent::PointerDown { pos_in_canvas, modifiers, .. }) => {
                let layer = match layer_to_paint(context.timeline) {
                    Ok(layer) => layer,
                    Err(refusal) => return ToolResponse::Refused(refusal),
                };
                let Some(handles) = RegionHandles::of(layer, context.reach_px) else {
                    return ToolResponse::Refused(NOTHING_PAINTED);
                };
                let grip = handles.grip(pos_in_canvas, context.reach_px);
                self.drag = Some(Drag {
                    grip,
                    start_in_canvas: pos_in_canvas,
                    layer: Box::new(layer.clone()),
                    middle: handles.middle,
                    keeps_mask: modifiers.from_center,
                });
                context.timeline.begin_gesture(match grip {
                    Grip::Inside => "Move region",
                    Grip::Corner => "Scale region",
                    Grip::Knob => "Turn region",
                });
                ToolResponse::Nothing
            }
            (Some(drag), ToolEvent::PointerMove { pos_in_canvas, modifiers, .. }) if pos_in_canvas.is_finite() => {
                let moved = drag.moved(pos_in_canvas, modifiers.straight);
                context.timeline.change(|document| document.update_layer(moved.id, |layer| *layer = moved.clone()));
                ToolResponse::Changed
            }
            (Some(_), ToolEvent::PointerUp | ToolEvent::Cancel) => {
                self.drag = None;
                end_gesture(event, context.timeline)
            }
            _ => ToolResponse::Nothing,
        }
    }

    fn is_busy(&self) -> bool {
        self.drag.is_some()
    }

    fn handles(&self, document: &Document, reach_px: f32) -> Option<RegionHandles> {
        let layer = document.active_layer().filter(|layer| layer.visible)?;
        RegionHandles::of(layer, reach_px)
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

    #[test]
    fn corners_scale_and_the_knob_turns_about_the_middle() {
        let mut bench = Bench::new(ToolKind::Brush);
        bench.drag((180.0, 200.0), (220.0, 200.0), NO_KEY);
        bench.tools.selected = ToolKind::Move;
        let before = bench.layer().mask.clone();
        let handles = |bench: &Bench| bench.tools.handles(bench.timeline.document()).unwrap();
        let of = handles(&bench);
        let (corner, middle) = (of.corners[2], of.middle);
        let twice = middle + (corner - middle) + (corner - middle);
        bench.drag((corner.x, corner.y), (twice.x, twice.y), NO_KEY);
        let layer = bench.layer().clone();
        assert!((layer.pose.scale - 2.0).abs() < 1e-3 && layer.pose.angle_radians == 0.0, "{:?}", layer.pose);
        let rect = layer.mask.painted_rect().unwrap();
        assert!((rect.max_x - rect.min_x) as f32 > 1.9 * (of.corners[1].x - of.corners[0].x));
        assert!((handles(&bench).middle - middle).length() < 1.5);

        // A quarter turn: the knob goes from above to the right; with Shift exactly.
        let of = handles(&bench);
        let right = of.middle + Point::new((of.middle - of.knob).length(), 3.0);
        bench.drag((of.knob.x, of.knob.y), (right.x, right.y), crate::tools::Modifiers { straight: true, ..NO_KEY });
        let quarter = bench.layer().pose.angle_radians;
        assert!((quarter - std::f32::consts::FRAC_PI_2).abs() < 1e-5, "{quarter}");
        assert_eq!(bench.steps(), ["Paint stroke", "Scale region", "Turn region"]);

        // Back again, and the mask is what was painted: it is not resampled from one pose to the next.
        bench.timeline.edit("Back", |document| {
            let id = document.active_layer().unwrap().id;
            document.update_layer(id, |layer| layer.change_pose(&layer.pose.inverse(), false));
        });
        assert!(bench.layer().mask == before && bench.layer().pose.is_identity());
    }

    #[test]
    fn with_alt_the_face_moves_under_its_mask() {
        let mut bench = Bench::new(ToolKind::Brush);
        bench.drag((200.0, 200.0), (200.0, 200.0), NO_KEY);
        let before = bench.layer().mask.clone();
        bench.tools.selected = ToolKind::Move;
        bench.drag((200.0, 200.0), (212.0, 195.0), crate::tools::Modifiers { from_center: true, ..NO_KEY });
        assert_eq!((bench.layer().pose.shift_px, bench.layer().offset_px), ([12.0, -5.0], (0, 0)));
        assert!(bench.layer().mask == before);
    }
}
