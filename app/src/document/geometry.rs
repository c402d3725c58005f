//! Points and rectangles on the canvas: a fixed square of [`super::CANVAS_SIZE_PX`] pixels, y down.

use std::ops::{Add, Sub};

use super::CANVAS_SIZE_PX;

/// A position or a distance in canvas pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// How far to the right.
    pub x: f32,
    /// How far down.
    pub y: f32,
}

impl Point {
    /// A point.
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// From the library's positions, which count from the middle of the first pixel; ours count from its corner.
    pub fn from_pixel_middles([x, y]: [f32; 2]) -> Self {
        Self::new(x + 0.5, y + 0.5)
    }

    /// Such a position.
    pub fn to_pixel_middles(self) -> [f32; 2] {
        [self.x - 0.5, self.y - 0.5]
    }

    /// The distance from the origin.
    pub fn length(self) -> f32 {
        self.x.hypot(self.y)
    }

    /// From `self` at t = 0 to `other` at t = 1.
    #[must_use]
    pub fn lerp(self, other: Self, t: f32) -> Self {
        Self::new(self.x + (other.x - self.x) * t, self.y + (other.y - self.y) * t)
    }

    /// Whether both coordinates are ordinary numbers.
    pub fn is_finite(self) -> bool {
        self.x.is_finite() && self.y.is_finite()
    }

    /// The pixel of the canvas in which it lies; `None` outside.
    pub fn canvas_pixel(self) -> Option<(usize, usize)> {
        let within = |value: f32| (0.0..CANVAS_SIZE_PX as f32).contains(&value).then_some(value as usize);
        Some((within(self.x)?, within(self.y)?))
    }
}

impl Add for Point {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self::new(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self::new(self.x - other.x, self.y - other.y)
    }
}

/// Whole pixels from `min` up to but without `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelRect {
    /// Left column.
    pub min_x: usize,
    /// Upper row.
    pub min_y: usize,
    /// The column after the last.
    pub max_x: usize,
    /// The row after the last.
    pub max_y: usize,
}

impl PixelRect {
    /// Every pixel of the canvas.
    pub const CANVAS: Self = Self { min_x: 0, min_y: 0, max_x: CANVAS_SIZE_PX, max_y: CANVAS_SIZE_PX };

    /// The place in its middle.
    pub fn middle(&self) -> Point {
        Point::new((self.min_x + self.max_x) as f32 / 2.0, (self.min_y + self.max_y) as f32 / 2.0)
    }

    /// The pixels of a square of `size_px` that a circle may touch; `None` if it lies outside.
    pub fn around_circle(center: Point, radius_px: f32, size_px: usize) -> Option<Self> {
        if !center.is_finite() || !radius_px.is_finite() {
            return None;
        }
        let clamp = |value: f32| value.clamp(0.0, size_px as f32) as usize;
        let rect = Self {
            min_x: clamp((center.x - radius_px).floor()),
            min_y: clamp((center.y - radius_px).floor()),
            max_x: clamp((center.x + radius_px).ceil()),
            max_y: clamp((center.y + radius_px).ceil()),
        };
        (rect.min_x < rect.max_x && rect.min_y < rect.max_y).then_some(rect)
    }

    /// The smallest rectangle that holds both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            min_x: self.min_x.min(other.min_x),
            min_y: self.min_y.min(other.min_y),
            max_x: self.max_x.max(other.max_x),
            max_y: self.max_y.max(other.max_y),
        }
    }
}
