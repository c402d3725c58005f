//! Where the canvas lies on screen.

use egui::{Pos2, Rect, Vec2, vec2};

use crate::document::{CANVAS_SIZE_PX, Point};

const CANVAS_SIZE: f32 = CANVAS_SIZE_PX as f32;
/// Room around the picture when it fits the window, in points.
const FIT_MARGIN: f32 = 28.0;
/// Screen points per canvas pixel; a large photo around a small face goes below.
const MIN_SCALE: f32 = 0.05;
/// Screen points per canvas pixel.
const MAX_SCALE: f32 = 40.0;

/// What the view shows: a rectangle in canvas pixels that is upright on screen. The canvas itself, or a whole photo, in which
/// the canvas lies turned as the face does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Content {
    /// The middle of the rectangle.
    pub middle_in_canvas: Point,
    /// Its width and height, in canvas pixels.
    pub size_px: Vec2,
    /// By how much the canvas is turned on screen, clockwise.
    pub angle_radians: f32,
}

impl Default for Content {
    fn default() -> Self {
        Self {
            middle_in_canvas: Point::new(CANVAS_SIZE / 2.0, CANVAS_SIZE / 2.0),
            size_px: Vec2::splat(CANVAS_SIZE),
            angle_radians: 0.0,
        }
    }
}

/// How a content lies in the area.
#[derive(Clone, Copy, Debug)]
struct Lie {
    scale: f32,
    center_in_canvas: Point,
    fits: bool,
}

/// How many contents are remembered: the face and its photo, and those of some other sources.
const MAX_REMEMBERED: usize = 16;

/// Pan and zoom.
#[derive(Clone, Debug)]
pub struct CanvasView {
    content: Content,
    /// Screen points per canvas pixel.
    scale: f32,
    /// The canvas position in the middle of the area.
    center_in_canvas: Point,
    /// Whether the picture keeps fitting the area.
    fits: bool,
    /// The part of the window that shows the canvas.
    area: Rect,
    /// How what was shown before lay, the newest last.
    remembered: Vec<(Content, Lie)>,
}

impl Default for CanvasView {
    fn default() -> Self {
        Self::of(Content::default())
    }
}

impl CanvasView {
    /// A view of the whole content.
    pub fn of(content: Content) -> Self {
        Self {
            content,
            scale: 1.0,
            center_in_canvas: content.middle_in_canvas,
            fits: true,
            area: Rect::ZERO,
            remembered: Vec::new(),
        }
    }

    /// Takes the area that the window has for the canvas in this frame.
    pub fn set_area(&mut self, area: Rect) {
        self.area = area;
        if self.fits {
            self.scale = self.fitting_scale().clamp(self.min_scale(), MAX_SCALE);
            self.center_in_canvas = self.content.middle_in_canvas;
        }
    }

    /// Shows something else: the whole of it at first, and later as it lay before. What is shown already stays as it is.
    pub fn show(&mut self, content: Content) {
        if self.content == content {
            return;
        }
        let Self { scale, center_in_canvas, fits, .. } = *self;
        self.remembered.retain(|(known, _)| *known != self.content);
        self.remembered.push((self.content, Lie { scale, center_in_canvas, fits }));
        let excess = self.remembered.len().saturating_sub(MAX_REMEMBERED);
        self.remembered.drain(..excess);
        self.content = content;
        match self.remembered.iter().find(|(known, _)| *known == content).map(|(_, lie)| *lie) {
            Some(Lie { scale, center_in_canvas, fits: false }) => {
                (self.scale, self.center_in_canvas, self.fits) = (scale, center_in_canvas, false);
            }
            _ => self.fit(),
        }
    }

    /// Shows the whole of this content, and of every other that comes.
    pub fn forget(&mut self) {
        self.remembered.clear();
        self.fit();
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

    /// Fills the area with the middle of the picture.
    pub fn fill(&mut self) {
        let scale = (self.area.size().max(Vec2::splat(1.0)) / self.content.size_px).max_elem();
        self.center_at(self.content.middle_in_canvas, scale);
    }

    /// Shows these places of the canvas as large as they fit, with room around them.
    pub fn show_places(&mut self, places: impl Iterator<Item = Point> + Clone) {
        let angle_radians = self.content.angle_radians;
        let upright = places.map(|place| turned(place, angle_radians));
        let min = upright.clone().reduce(|a, b| Point::new(a.x.min(b.x), a.y.min(b.y)));
        let max = upright.reduce(|a, b| Point::new(a.x.max(b.x), a.y.max(b.y)));
        let (Some(min), Some(max)) = (min, max) else { return };
        let size = vec2(max.x - min.x, max.y - min.y).max(Vec2::splat(1.0));
        let room = (self.area.size() - Vec2::splat(4.0 * FIT_MARGIN)).max(Vec2::splat(1.0));
        self.center_at(turned(min.lerp(max, 0.5), -angle_radians), (room / size).min_elem());
    }

    fn center_at(&mut self, center_in_canvas: Point, scale: f32) {
        self.scale = scale.clamp(self.min_scale(), MAX_SCALE);
        self.center_in_canvas = center_in_canvas;
        // Keeps the middle of the area on the content.
        self.pan_by_canvas(Point::default());
    }

    fn fitting_scale(&self) -> f32 {
        let room = self.area.size() - Vec2::splat(2.0 * FIT_MARGIN);
        (room.max(Vec2::splat(1.0)) / self.content.size_px).min_elem()
    }

    fn min_scale(&self) -> f32 {
        MIN_SCALE.min(self.fitting_scale() / 2.0)
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
        self.scale = (self.scale * factor).clamp(self.min_scale(), MAX_SCALE);
        self.fits = false;
        let moved = self.canvas_from_screen(pos_on_screen) - fixed_in_canvas;
        self.pan_by_canvas(moved);
    }

    /// Moves the picture on screen by a distance in canvas pixels.
    pub fn pan_by_canvas(&mut self, moved: Point) {
        self.fits = false;
        let Content { middle_in_canvas, size_px, angle_radians } = self.content;
        // The middle of the area stays on the content, along the content's own sides.
        let from_middle = turned(self.center_in_canvas - moved - middle_in_canvas, angle_radians);
        let keep = |value: f32, half: f32| if value.is_finite() { value.clamp(-half, half) } else { 0.0 };
        let kept = Point::new(keep(from_middle.x, size_px.x / 2.0), keep(from_middle.y, size_px.y / 2.0));
        self.center_in_canvas = middle_in_canvas + turned(kept, -angle_radians);
    }

    /// Moves the picture on screen by a distance in points.
    pub fn pan_by_screen(&mut self, moved: Vec2) {
        let moved = Point::new(moved.x / self.scale, moved.y / self.scale);
        self.pan_by_canvas(turned(moved, -self.content.angle_radians));
    }

    /// Screen to canvas.
    pub fn canvas_from_screen(&self, pos_on_screen: Pos2) -> Point {
        let from_middle = (pos_on_screen - self.area.center()) / self.scale;
        self.center_in_canvas + turned(Point::new(from_middle.x, from_middle.y), -self.content.angle_radians)
    }

    /// Canvas to screen.
    pub fn screen_from_canvas(&self, pos_in_canvas: Point) -> Pos2 {
        let from_middle = turned(pos_in_canvas - self.center_in_canvas, self.content.angle_radians);
        self.area.center() + vec2(from_middle.x, from_middle.y) * self.scale
    }

    /// Where the whole content lies on screen.
    pub fn content_rect(&self) -> Rect {
        let middle = self.screen_from_canvas(self.content.middle_in_canvas);
        Rect::from_center_size(middle, self.content.size_px * self.scale)
    }
}

/// A vector turned clockwise, as y points down.
fn turned(vector: Point, angle_radians: f32) -> Point {
    let (sin, cos) = angle_radians.sin_cos();
    Point::new(cos * vector.x - sin * vector.y, sin * vector.x + cos * vector.y)
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
    fn a_turned_canvas_lies_in_an_upright_photo() {
        // A photo of 1000 x 600 canvas pixels with the canvas in its middle, turned by a quarter: right goes down.
        let content =
            Content { size_px: vec2(1000.0, 600.0), angle_radians: std::f32::consts::FRAC_PI_2, ..Content::default() };
        let mut view = view();
        view.show(content);
        assert!(view.area().contains_rect(view.content_rect()));
        assert!((view.content_rect().aspect_ratio() - 1000.0 / 600.0).abs() < 1e-3);
        let [middle, right] = [256.0, 356.0].map(|x| view.screen_from_canvas(Point::new(x, 256.0)));
        assert!((right - middle - vec2(0.0, 100.0 * view.scale())).length() < 1e-2);
        assert!((view.canvas_from_screen(right) - Point::new(356.0, 256.0)).length() < 1e-2);
        // Panning follows the pointer, and ends at the photo's sides.
        view.zoom_at(view.area().center(), 3.0);
        let before = view.screen_from_canvas(Point::new(256.0, 256.0));
        view.pan_by_screen(vec2(30.0, 10.0));
        assert!((view.screen_from_canvas(Point::new(256.0, 256.0)) - before - vec2(30.0, 10.0)).length() < 1e-2);
        view.pan_by_screen(vec2(1e6, 0.0));
        assert!((view.content_rect().left() - view.area().center().x).abs() < 1e-1);
        let in_photo = view.content_rect();
        view.show(Content::default());
        assert!(view.area().contains_rect(view.content_rect()), "something else is shown whole");
        view.zoom_at(egui::pos2(300.0, 200.0), 4.0);
        let by_itself = view.content_rect();
        view.show(content);
        assert_eq!(view.content_rect(), in_photo, "the photo lies as it lay");
        view.show(Content::default());
        assert_eq!(view.content_rect(), by_itself, "and so does the face");
        view.forget();
        view.show(content);
        assert!(view.area().contains_rect(view.content_rect()), "another document begins anew");
    }

    #[test]
    fn fill_leaves_no_ground_and_a_region_is_shown_whole() {
        for angle_radians in [0.0, 0.7] {
            let mut view = view();
            view.show(Content { size_px: vec2(1000.0, 600.0), angle_radians, ..Content::default() });
            view.fill();
            assert!(view.content_rect().expand(0.1).contains_rect(view.area()), "{:?}", view.content_rect());
            let corners = [(300.0, 200.0), (360.0, 200.0), (360.0, 230.0), (300.0, 230.0)];
            let corners = corners.map(|(x, y)| Point::new(x, y));
            view.show_places(corners.into_iter());
            let on_screen = corners.map(|corner| view.screen_from_canvas(corner));
            let rect = Rect::from_points(&on_screen);
            assert!(view.area().contains_rect(rect), "{rect:?}");
            assert!((rect.center() - view.area().center()).length() < 0.1, "{rect:?}");
            assert!(rect.width() > view.area().width() / 2.0 || rect.height() > view.area().height() / 2.0);
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
        assert!(view.area().contains_rect(view.content_rect()));
        view.set_area(Rect::from_min_size(egui::pos2(0.0, 0.0), vec2(300.0, 900.0)));
        assert!(view.area().contains_rect(view.content_rect()));
    }

    #[test]
    fn nonsense_changes_nothing() {
        let mut view = view();
        let before = view.content_rect();
        for factor in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            view.zoom_at(egui::pos2(1.0, 1.0), factor);
        }
        assert_eq!(view.content_rect(), before);
    }
}
