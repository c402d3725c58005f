//! Where the canvas lies on screen.

use egui::{Pos2, Rect, Vec2, vec2};

use crate::document::{CANVAS_SIZE_PX, Point};

const CANVAS_SIZE: f32 = CANVAS_SIZE_PX as f32;
/// Room around the picture when it fits the window, in points.
const FIT_MARGIN: f32 = 28.0;
/// Screen points per canvas pixel.
const MIN_SCALE: f32 = 0.05;
/// Screen points per canvas pixel.
const MAX_SCALE: f32 = 40.0;

/// Pan and zoom.
#[derive(Clone, Copy, Debug)]
pub struct CanvasView {
    /// Screen points per canvas pixel.
    scale: f32,
    /// The canvas position in the middle of the area.
    center_in_canvas: Point,
    /// Whether the picture keeps fitting the area.
    fits: bool,
    /// The part of the window that shows the canvas.
    area: Rect,
}

impl Default for CanvasView {
    fn default() -> Self {
        Self { scale: 1.0, center_in_canvas: MIDDLE, fits: true, area: Rect::ZERO }
    }
}

const MIDDLE: Point = Point::new(CANVAS_SIZE / 2.0, CANVAS_SIZE / 2.0);

impl CanvasView {
    /// Takes the area that the window has for the canvas in this frame.
    pub fn set_area(&mut self, area: Rect) {
        self.area = area;
        if self.fits {
            let room = (area.size() - Vec2::splat(2.0 * FIT_MARGIN)).min_elem();
            self.scale = (room / CANVAS_SIZE).clamp(MIN_SCALE, MAX_SCALE);
            self.center_in_canvas = MIDDLE;
        }
    }

    /// The area of the last frame.
    pub fn area(&self) -> Rect {
        self.area
    }

    /// Screen points per canvas pixel.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// Keeps the whole picture in view.
    pub fn fit(&mut self) {
        self.fits = true;
        self.set_area(self.area);
    }

    /// Zooms so that one canvas pixel takes `scale` points, around the middle of the area.
    pub fn set_scale(&mut self, scale: f32) {
        self.zoom_at(self.area.center(), scale / self.scale);
    }

    /// Zooms by a factor; what lies under `pos_on_screen` stays there.
    pub fn zoom_at(&mut self, pos_on_screen: Pos2, factor: f32) {
        if !factor.is_finite() || factor <= 0.0 {
            return;
        }
        let fixed_in_canvas = self.canvas_from_screen(pos_on_screen);
        self.scale = (self.scale * factor).clamp(MIN_SCALE, MAX_SCALE);
        self.fits = false;
        let moved = self.canvas_from_screen(pos_on_screen) - fixed_in_canvas;
        self.pan_by_canvas(moved);
    }

    /// Moves the picture on screen by a distance in canvas pixels.
    pub fn pan_by_canvas(&mut self, moved: Point) {
        self.fits = false;
        let keep = |value: f32| if value.is_finite() { value.clamp(0.0, CANVAS_SIZE) } else { CANVAS_SIZE / 2.0 };
        let center = self.center_in_canvas - moved;
        self.center_in_canvas = Point::new(keep(center.x), keep(center.y));
    }

    /// Moves the picture on screen by a distance in points.
    pub fn pan_by_screen(&mut self, moved: Vec2) {
        self.pan_by_canvas(Point::new(moved.x / self.scale, moved.y / self.scale));
    }

    /// Screen to canvas.
    pub fn canvas_from_screen(&self, pos_on_screen: Pos2) -> Point {
        let from_middle = (pos_on_screen - self.area.center()) / self.scale;
        self.center_in_canvas + Point::new(from_middle.x, from_middle.y)
    }

    /// Canvas to screen.
    pub fn screen_from_canvas(&self, pos_in_canvas: Point) -> Pos2 {
        let from_middle = pos_in_canvas - self.center_in_canvas;
        self.area.center() + vec2(from_middle.x, from_middle.y) * self.scale
    }

    /// Where the whole canvas lies on screen.
    pub fn picture_rect(&self) -> Rect {
        Rect::from_min_max(
            self.screen_from_canvas(Point::new(0.0, 0.0)),
            self.screen_from_canvas(Point::new(CANVAS_SIZE, CANVAS_SIZE)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> CanvasView {
        let mut view = CanvasView::default();
        view.set_area(Rect::from_min_size(egui::pos2(40.0, 20.0), vec2(900.0, 700.0)));
        view
    }

    #[test]
    fn screen_and_canvas_are_inverse() {
        let mut view = view();
        view.zoom_at(egui::pos2(300.0, 200.0), 2.7);
        for (x, y) in [(0.0, 0.0), (17.5, 400.25), (512.0, 1.0)] {
            let there = view.canvas_from_screen(view.screen_from_canvas(Point::new(x, y)));
            assert!((there - Point::new(x, y)).length() < 1e-2, "{there:?}");
        }
    }

    #[test]
    fn zooming_keeps_what_is_under_the_pointer() {
        let mut view = view();
        let pointer = egui::pos2(400.0, 333.0);
        let before = view.canvas_from_screen(pointer);
        view.zoom_at(pointer, 1.9);
        assert!((view.canvas_from_screen(pointer) - before).length() < 1e-2);
    }

    #[test]
    fn fit_shows_all_and_survives_a_resize() {
        let mut view = view();
        view.zoom_at(egui::pos2(400.0, 333.0), 5.0);
        view.fit();
        assert!(view.area().contains_rect(view.picture_rect()));
        view.set_area(Rect::from_min_size(egui::pos2(0.0, 0.0), vec2(300.0, 900.0)));
        assert!(view.area().contains_rect(view.picture_rect()));
    }

    #[test]
    fn nonsense_changes_nothing() {
        let mut view = view();
        let before = view.picture_rect();
        for factor in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            view.zoom_at(egui::pos2(1.0, 1.0), factor);
        }
        assert_eq!(view.picture_rect(), before);
    }
}
