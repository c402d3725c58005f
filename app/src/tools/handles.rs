//! The handles around a painted region: corners scale it, a knob above turns it, the rest moves it.

use crate::document::{Layer, Point};

/// How far the knob lies above the region, in reaches.
const KNOB_DISTANCE: f32 = 3.0;

/// Where a region can be taken hold of, in canvas pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegionHandles {
    /// The corners of the region's frame, clockwise from the upper left.
    pub corners: [Point; 4],
    /// What turns it.
    pub knob: Point,
    /// What it is scaled and turned about.
    pub middle: Point,
}

/// What was taken hold of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grip {
    /// The region itself.
    Inside,
    /// A corner.
    Corner,
    /// The knob.
    Knob,
}

impl RegionHandles {
    /// Those of a layer; none where nothing is painted.
    pub fn of(layer: &Layer, reach_px: f32) -> Option<Self> {
        let rect = layer.mask.painted_rect()?;
        let offset = super::offset_of(layer);
        let [min_x, max_x, min_y, max_y] = [rect.min_x, rect.max_x, rect.min_y, rect.max_y].map(|value| value as f32);
        let corners =
            [[min_x, min_y], [max_x, min_y], [max_x, max_y], [min_x, max_y]].map(|[x, y]| Point::new(x, y) + offset);
        let [first, _, opposite, _] = corners;
        let middle = first.lerp(opposite, 0.5);
        let knob = Point::new(middle.x, min_y + offset.y - KNOB_DISTANCE * reach_px);
        Some(Self { corners, knob, middle })
    }

    /// What a press takes hold of.
    pub fn grip(&self, at: Point, reach_px: f32) -> Grip {
        let is_near = |handle: Point| (at - handle).length() <= reach_px;
        if is_near(self.knob) {
            Grip::Knob
        } else if self.corners.into_iter().any(is_near) {
            Grip::Corner
        } else {
            Grip::Inside
        }
    }
}
