//! Closed outlines and what they cover, pixel by pixel.

use super::geometry::{PixelRect, Point};
use super::mask_image::{CANVAS_SIZE_PX, MaskImage, TILE_SIZE_PX};

/// An ellipse as an outline; its corners lie closer than a pixel's diagonal.
pub fn ellipse(center: Point, radius_x_px: f32, radius_y_px: f32) -> Vec<Point> {
    const CORNERS: usize = 128;
    let corner = |i: usize| {
        let (sin, cos) = (i as f32 / CORNERS as f32 * std::f32::consts::TAU).sin_cos();
        center + Point::new(radius_x_px * cos, radius_y_px * sin)
    };
    (0..CORNERS).map(corner).collect()
}

/// What an outline covers of each pixel, and where it covers anything. The outline closes itself and may cross itself:
/// whatever it goes around is inside. `None` where that is nothing.
pub fn coverage(outline: &[Point]) -> Option<(PixelRect, MaskImage)> {
    let rect = bounds(outline)?;
    let mut area = SignedArea::new(rect);
    let ends = outline.iter().skip(1).chain(outline.first());
    for (from, to) in outline.iter().zip(ends) {
        area.add_edge(*from, *to);
    }
    let rows = area.into_coverage();
    let mut mask = MaskImage::default();
    let width = rect.max_x - rect.min_x;
    mask.modify(rect, |span, tile| {
        for y in span.rows.clone() {
            let from = (span.origin_px.1 + y - rect.min_y) * width + span.origin_px.0 + span.columns.start - rect.min_x;
            let to = &mut tile[y * TILE_SIZE_PX..][span.columns.clone()];
            to.copy_from_slice(&rows[from..][..to.len()]);
        }
    });
    (!mask.is_empty()).then_some((rect, mask))
}

/// The pixels of the canvas that an outline may touch.
fn bounds(outline: &[Point]) -> Option<PixelRect> {
    if !outline.iter().all(|point| point.is_finite()) {
        return None;
    }
    let within = |value: f32| value.clamp(0.0, CANVAS_SIZE_PX as f32) as usize;
    let first = *outline.first()?;
    let (min, max) = outline.iter().fold((first, first), |(min, max), point| {
        (Point::new(min.x.min(point.x), min.y.min(point.y)), Point::new(max.x.max(point.x), max.y.max(point.y)))
    });
    let rect = PixelRect {
        min_x: within(min.x.floor()),
        min_y: within(min.y.floor()),
        max_x: within(max.x.ceil()),
        max_y: within(max.y.ceil()),
    };
    (rect.min_x < rect.max_x && rect.min_y < rect.max_y).then_some(rect)
}

/// How much of each pixel lies to the right of the edges, counted up for an edge that goes down and down for one that goes
/// up. Summed along a row that is how often the outline goes around a pixel, in parts of a pixel where an edge crosses it:
/// exact antialiasing in one pass over the edges (as in `font-rs`).
struct SignedArea {
    rect: PixelRect,
    /// A row has two cells more than pixels: an edge in the last pixel also writes to the right of it.
    row_len: usize,
    cells: Vec<f32>,
}

impl SignedArea {
    fn new(rect: PixelRect) -> Self {
        let row_len = rect.max_x - rect.min_x + 2;
        Self { rect, row_len, cells: vec![0.0; row_len * (rect.max_y - rect.min_y)] }
    }

    fn add_edge(&mut self, from: Point, to: Point) {
        let origin = Point::new(self.rect.min_x as f32, self.rect.min_y as f32);
        let (from, to) = (from - origin, to - origin);
        if from.y == to.y {
            return;
        }
        let (upper, lower, direction) = if from.y < to.y { (from, to, 1.0) } else { (to, from, -1.0) };
        let height = (self.rect.max_y - self.rect.min_y) as f32;
        let (first_y, last_y) = (upper.y.max(0.0), lower.y.min(height));
        if first_y >= last_y {
            return;
        }
        let slope = (lower.x - upper.x) / (lower.y - upper.y);
        let x_at = |y: f32| upper.x + slope * (y - upper.y);
        for row in first_y as usize..last_y.ceil() as usize {
            let (top, bottom) = (first_y.max(row as f32), last_y.min(row as f32 + 1.0));
            self.add_to_row(row, x_at(top), x_at(bottom), direction * (bottom - top));
        }
    }

    /// The part of an edge within one row, from x to x; `height` has the edge's sign. Left of the row an edge counts as at its
    /// start, right of it as at its end.
    fn add_to_row(&mut self, row: usize, x_from: f32, x_to: f32, height: f32) {
        let Some(cells) = self.cells.get_mut(row * self.row_len..(row + 1) * self.row_len) else { return };
        let mut add = |x: usize, value: f32| {
            if let Some(cell) = cells.get_mut(x) {
                *cell += value;
            }
        };
        let width = (self.row_len - 2) as f32;
        let (left, right) = (x_from.min(x_to), x_from.max(x_to));
        let (inner_left, inner_right) = (left.clamp(0.0, width), right.clamp(0.0, width));
        let inner_height = if right > left {
            add(0, height * (right.min(0.0) - left.min(0.0)) / (right - left));
            height * (inner_right - inner_left) / (right - left)
        } else {
            height
        };
        let (first, last) = (inner_left as usize, inner_right.ceil() as usize);
        // Of each pixel's part of the edge, what lies right of the part's middle counts there, the rest from the next on.
        if last <= first + 1 {
            let left_of_it = (inner_left + inner_right) / 2.0 - first as f32;
            add(first, inner_height * (1.0 - left_of_it));
            add(first + 1, inner_height * left_of_it);
            return;
        }
        for x in first..last {
            let (enters, leaves) = (inner_left.max(x as f32), inner_right.min(x as f32 + 1.0));
            let part = inner_height * (leaves - enters) / (inner_right - inner_left);
            let left_of_it = (enters + leaves) / 2.0 - x as f32;
            add(x, part * (1.0 - left_of_it));
            add(x + 1, part * left_of_it);
        }
    }

    fn into_coverage(self) -> Vec<u8> {
        let row_of = |cells: &[f32]| {
            let mut sum = 0.0;
            let pixels = &cells[..self.row_len - 2];
            let covered = pixels.iter().map(move |cell| {
                sum += cell;
                (f32::abs(sum).min(1.0) * 255.0 + 0.5) as u8
            });
            covered.collect::<Vec<_>>()
        };
        self.cells.chunks_exact(self.row_len).flat_map(row_of).collect()
    }
}
