//! What is done to a whole mask at once. What an operation leaves as it was stays shared with other copies.

use std::path::Path;

use stylemap::Mask;
use stylemap::mask::Pooling;

use super::mask_image::{CANVAS_SIZE_PX, MaskImage};
use super::{Document, LayerId, PixelRect};

/// By how much one command grows, shrinks or softens a mask.
pub const MASK_STEP_PX: usize = 4;

/// How a mask joins another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// What is painted in either stays painted.
    Add,
    /// It takes the other's place.
    Replace,
}

impl MaskImage {
    /// Reads a mask from a picture file: white is painted, black is not, alpha hides. Any square size is taken and resampled
    /// to the canvas.
    ///
    /// # Errors
    /// When the file cannot be read, is no picture, or is not square.
    pub fn load(path: &Path) -> stylemap::Result<Self> {
        let mut mask = Self::default();
        mask.set_values(&values_of(&Mask::open(path)?.at_level(CANVAS_SIZE_PX, Pooling::Soft)));
        Ok(mask)
    }

    /// Paints what is not painted, and the other way round.
    pub fn invert(&mut self) {
        self.modify(PixelRect::CANVAS, |_, tile| tile.iter_mut().for_each(|value| *value = 255 - *value));
    }

    /// Makes the painted region larger by this much on every side: each pixel takes the largest value in a disc around it.
    pub fn grow(&mut self, radius_px: usize) {
        self.set_values(&dilated(&self.to_values(), radius_px));
    }

    /// Makes the painted region smaller by this much on every side: each pixel takes the smallest value in a disc around it.
    /// The canvas's own border is no edge of the region.
    pub fn shrink(&mut self, radius_px: usize) {
        let inverted: Vec<u8> = self.to_values().iter().map(|value| 255 - value).collect();
        let shrunk: Vec<u8> = dilated(&inverted, radius_px).iter().map(|value| 255 - value).collect();
        self.set_values(&shrunk);
    }

    /// Blurs the edges over about this distance, as a layer's feather does.
    pub fn soften(&mut self, radius_px: f32) {
        // Only a wrong length is refused, and this one is right by construction.
        if let Ok(mask) = Mask::from_u8(CANVAS_SIZE_PX, &self.to_values()) {
            self.set_values(&values_of(&mask.feathered(radius_px)));
        }
    }

    /// Joins another mask to this one.
    pub fn combine(&mut self, other: &Self, how: Combine) {
        if how == Combine::Replace {
            self.clone_from(other);
            return;
        }
        self.modify(PixelRect::CANVAS, |span, tile| {
            tile.iter_mut().zip(other.tile(span.index)).for_each(|(value, other)| *value = (*value).max(*other));
        });
    }

    /// Takes off what another mask covers.
    pub fn take_off(&mut self, other: &Self) {
        self.modify(PixelRect::CANVAS, |span, tile| {
            tile.iter_mut().zip(other.tile(span.index)).for_each(|(value, other)| *value = (*value).min(255 - *other));
        });
    }

    /// The mask moved by whole pixels; what leaves the canvas is dropped, what enters is not painted.
    #[must_use]
    pub fn moved(&self, (dx, dy): (i32, i32)) -> Self {
        if (dx, dy) == (0, 0) {
            return self.clone();
        }
        let from = self.to_values();
        let mut to = vec![0; from.len()];
        let (source_x, target_x) = (to_usize(-dx), to_usize(dx));
        let (source_y, target_y) = (to_usize(-dy), to_usize(dy));
        let rows = from.chunks_exact(CANVAS_SIZE_PX).skip(source_y);
        for (from, to) in rows.zip(to.chunks_exact_mut(CANVAS_SIZE_PX).skip(target_y)) {
            to.iter_mut().skip(target_x).zip(from.iter().skip(source_x)).for_each(|(to, from)| *to = *from);
        }
        let mut moved = Self::default();
        moved.set_values(&to);
        moved
    }

    /// The pixels connected with this one, side by side, whose values lie within `tolerance` of its own; and from there the
    /// soft edge around them as long as it comes nearer to `target`, so that no seam is left when they take that value.
    /// 255 where a pixel belongs to it, 0 elsewhere; empty for a pixel outside the canvas.
    #[must_use]
    pub fn connected_region(&self, (x, y): (usize, usize), tolerance: u8, target: u8) -> Self {
        const SIDE: usize = CANVAS_SIZE_PX;
        let mut region = Self::default();
        if x >= SIDE || y >= SIDE {
            return region;
        }
        let values = self.to_values();
        let first = self.value(x, y);
        let mut belongs = vec![0u8; values.len()];
        let mut open = vec![y * SIDE + x];
        belongs[y * SIDE + x] = 255;
        while let Some(at) = open.pop() {
            let value = values[at];
            let is_alike = |value: u8| value.abs_diff(first) <= tolerance;
            let column = at % SIDE;
            let neighbours = [
                (column > 0).then(|| at - 1),
                (column + 1 < SIDE).then_some(at + 1),
                at.checked_sub(SIDE),
                (at + SIDE < values.len()).then_some(at + SIDE),
            ];
            for next in neighbours.into_iter().flatten() {
                let next_value = values[next];
                let joins =
                    is_alike(value) && is_alike(next_value) || next_value.abs_diff(target) < value.abs_diff(target);
                if joins && belongs[next] == 0 {
                    belongs[next] = 255;
                    open.push(next);
                }
            }
        }
        region.set_values(&belongs);
        region
    }
}

impl Document {
    /// Copies a layer's mask to another layer, to the same place of the canvas however either is moved.
    pub fn copy_mask(&mut self, from: LayerId, to: LayerId, how: Combine) {
        let (Some(from), Some(target)) = (self.layer(from), self.layer(to)) else { return };
        let (offset, target_offset) = (from.offset_px, target.offset_px);
        let mask = from.mask.moved((offset.0 - target_offset.0, offset.1 - target_offset.1));
        self.update_layer(to, |layer| layer.mask.combine(&mask, how));
    }
}

fn to_usize(value: i32) -> usize {
    usize::try_from(value).unwrap_or(0)
}

fn values_of(mask: &Mask) -> Vec<u8> {
    mask.weights().iter().map(|weight| (weight * 255.0).round() as u8).collect()
}

/// The largest value in a disc around each pixel of the canvas. Row by row: a row is widened step by step, and reaches the
/// rows above and below it with as much width as the disc has there.
fn dilated(values: &[u8], radius_px: usize) -> Vec<u8> {
    let radius_px = radius_px.min(2 * CANVAS_SIZE_PX);
    // A third of a pixel more makes the disc of whole pixels about as large as the round one, in every direction.
    let round_px = radius_px as f32 + 1.0 / 3.0;
    let half_width_px = |dy: usize| (round_px * round_px - (dy * dy) as f32).max(0.0).sqrt() as usize;
    let mut out = values.to_vec();
    let mut widened = vec![0; CANVAS_SIZE_PX];
    for (y, row) in values.chunks_exact(CANVAS_SIZE_PX).enumerate() {
        if row.iter().all(|value| *value == 0) {
            continue;
        }
        widened.copy_from_slice(row);
        let mut width_px = 0;
        for dy in (0..=radius_px).rev() {
            while width_px < half_width_px(dy) {
                width_px += 1;
                let shifted = width_px.min(CANVAS_SIZE_PX);
                raise(&mut widened[shifted..], row);
                raise(&mut widened, &row[shifted..]);
            }
            for row in [y.checked_sub(dy), Some(y + dy)].into_iter().flatten() {
                if let Some(out) = out.get_mut(row * CANVAS_SIZE_PX..(row + 1) * CANVAS_SIZE_PX) {
                    raise(out, &widened);
                }
            }
        }
    }
    out
}

fn raise(values: &mut [u8], others: &[u8]) {
    values.iter_mut().zip(others).for_each(|(value, other)| *value = (*value).max(*other));
}
