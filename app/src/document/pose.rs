//! How a reference is laid over the picture before its region is moved: scaled, turned, mirrored.

use std::f32::consts::{PI, TAU};

use image::{RgbImage, imageops};
use serde::{Deserialize, Serialize};
use stylemap::face::{CropQuad, align};

use super::{CANVAS_SIZE_PX, MaskImage, Photo, Point};

/// The smallest and the largest scale.
pub const SCALE_RANGE: std::ops::RangeInclusive<f32> = 0.2..=5.0;

/// A similarity of the canvas, with a mirror: p becomes `scale` R(`angle_radians`) M p + `shift_px`, where M mirrors left and right
/// if `is_mirrored`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pose {
    /// How much larger, in [`SCALE_RANGE`].
    pub scale: f32,
    /// Clockwise as it shows, in (-π, π].
    pub angle_radians: f32,
    /// Whether left and right are exchanged before the turn.
    pub is_mirrored: bool,
    /// Added last, in canvas pixels.
    pub shift_px: [f32; 2],
}

impl Default for Pose {
    fn default() -> Self {
        Self { scale: 1.0, angle_radians: 0.0, is_mirrored: false, shift_px: [0.0; 2] }
    }
}

impl Pose {
    /// A change that leaves one place where it is.
    pub fn about(middle: Point, scale: f32, angle_radians: f32, is_mirrored: bool) -> Self {
        let around_origin = Self { scale, angle_radians, is_mirrored, shift_px: [0.0; 2] };
        let moved = middle - around_origin.apply(middle);
        Self { shift_px: [moved.x, moved.y], ..around_origin }
    }

    /// A move.
    pub fn by(shift: Point) -> Self {
        Self { shift_px: [shift.x, shift.y], ..Self::default() }
    }

    /// Whether it leaves everything as it is.
    pub fn is_identity(&self) -> bool {
        *self == Self::default()
    }

    /// Where a place goes.
    pub fn apply(&self, at: Point) -> Point {
        let (sin, cos) = self.angle_radians.sin_cos();
        let x = if self.is_mirrored { -at.x } else { at.x };
        let [shift_x, shift_y] = self.shift_px;
        Point::new(self.scale * (cos * x - sin * at.y) + shift_x, self.scale * (sin * x + cos * at.y) + shift_y)
    }

    /// `self`, then `next`.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let turned = if next.is_mirrored { -self.angle_radians } else { self.angle_radians };
        let shift = next.apply(Point::new(self.shift_px[0], self.shift_px[1]));
        Self {
            scale: self.scale * next.scale,
            angle_radians: next.angle_radians + turned,
            is_mirrored: self.is_mirrored != next.is_mirrored,
            shift_px: [shift.x, shift.y],
        }
    }

    /// The way back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let angle_radians = if self.is_mirrored { self.angle_radians } else { -self.angle_radians };
        let back = Self { scale: 1.0 / self.scale, angle_radians, is_mirrored: self.is_mirrored, shift_px: [0.0; 2] };
        let shift = back.apply(Point::new(-self.shift_px[0], -self.shift_px[1]));
        Self { shift_px: [shift.x, shift.y], ..back }
    }

    /// With numbers in range, and what rounding left of nothing taken away.
    #[must_use]
    pub fn tidied(self) -> Self {
        let Self { scale, angle_radians, is_mirrored, shift_px } = self;
        let limit = 4.0 * CANVAS_SIZE_PX as f32;
        if ![scale, angle_radians, shift_px[0], shift_px[1]].iter().all(|value| value.is_finite()) {
            return Self::default();
        }
        let angle_radians = PI - (PI - angle_radians).rem_euclid(TAU);
        let near = |value: f32, whole: f32, within: f32| if (value - whole).abs() < within { whole } else { value };
        Self {
            scale: near(scale, 1.0, 1e-4).clamp(*SCALE_RANGE.start(), *SCALE_RANGE.end()),
            angle_radians: near(angle_radians, 0.0, 1e-4),
            is_mirrored,
            shift_px: shift_px.map(|value| near(value, 0.0, 0.02).clamp(-limit, limit)),
        }
    }
}

impl MaskImage {
    /// The mask as it lies after a pose.
    #[must_use]
    pub fn posed(&self, pose: &Pose) -> Self {
        if pose.is_identity() {
            return self.clone();
        }
        let side = CANVAS_SIZE_PX as i64;
        let values = self.to_values();
        let value = |x: i64, y: i64| {
            let is_within = (0..side).contains(&x) && (0..side).contains(&y);
            if is_within { values.get((y * side + x) as usize).map_or(0.0, |value| f32::from(*value)) } else { 0.0 }
        };
        let back = pose.inverse();
        let at = |x: i64, y: i64| {
            let from = back.apply(Point::new(x as f32 + 0.5, y as f32 + 0.5)) - Point::new(0.5, 0.5);
            let (left, top) = (from.x.floor(), from.y.floor());
            let (t_x, t_y, left, top) = (from.x - left, from.y - top, left as i64, top as i64);
            let row = |y: i64| value(left, y) * (1.0 - t_x) + value(left + 1, y) * t_x;
            (row(top) * (1.0 - t_y) + row(top + 1) * t_y).round() as u8
        };
        let posed: Vec<u8> = (0..side * side).map(|i| at(i % side, i / side)).collect();
        Self::from_values(&posed).unwrap_or_default()
    }
}

impl Photo {
    /// The face's crop as it lies after a pose: of the photo around it where there is one, so that what a smaller face leaves free is
    /// the photo too.
    ///
    /// # Errors
    /// When nothing is left of the face at that scale.
    pub fn posed_crop(&self, pose: &Pose) -> stylemap::Result<RgbImage> {
        let side = CANVAS_SIZE_PX as f32;
        let back = pose.inverse();
        let corners = [[0.0, 0.0], [0.0, side], [side, side], [side, 0.0]].map(|[x, y]| {
            // Cut out as a mirror shows it, and mirrored then: a crop's corners go round one way.
            let x = if pose.is_mirrored { side - x } else { x };
            let in_canvas = back.apply(Point::new(x, y));
            let in_photo = match &self.placement {
                Some(placement) => placement.photo_from_canvas(in_canvas),
                None => {
                    let px_per_canvas_px = self.crop.width() as f32 / side;
                    Point::new(in_canvas.x * px_per_canvas_px, in_canvas.y * px_per_canvas_px)
                }
            };
            in_photo.to_pixel_middles()
        });
        let quad = CropQuad::from_corners(corners)?;
        let mut crop = match &self.placement {
            Some(placement) => placement.original.crop(&quad)?,
            None => align(&self.crop, &quad, self.crop.width())?,
        };
        if pose.is_mirrored {
            imageops::flip_horizontal_in_place(&mut crop);
        }
        Ok(crop)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::PixelRect;

    fn poses() -> impl Strategy<Value = Pose> {
        let shift = prop::array::uniform2(-200.0_f32..200.0);
        (0.3_f32..3.0, -3.1_f32..3.1, any::<bool>(), shift).prop_map(|(scale, angle_radians, is_mirrored, shift_px)| {
            Pose { scale, angle_radians, is_mirrored, shift_px }
        })
    }

    fn near(a: Point, b: Point) -> bool {
        (a - b).length() < 0.05
    }

    proptest! {
        #[test]
        fn one_pose_after_the_other_is_a_pose(first in poses(), next in poses(), x in 0.0_f32..512.0, y in 0.0_f32..512.0) {
            let at = Point::new(x, y);
            prop_assert!(near(first.then(&next).apply(at), next.apply(first.apply(at))));
            prop_assert!(near(first.inverse().apply(first.apply(at)), at));
            prop_assert!(first.then(&first.inverse()).tidied().is_identity());
        }

        #[test]
        fn tidied_poses_are_in_range(pose in poses(), turns in -3_i8..3) {
            let turned = Pose { angle_radians: pose.angle_radians + f32::from(turns) * TAU, ..pose };
            let tidied = turned.tidied();
            prop_assert!(tidied.angle_radians > -PI - 1e-5 && tidied.angle_radians <= PI + 1e-5);
            prop_assert!(near(tidied.apply(Point::new(100.0, 50.0)), pose.apply(Point::new(100.0, 50.0))));
        }
    }

    #[test]
    fn a_mask_lies_where_its_pose_takes_it() {
        let mut mask = MaskImage::default();
        mask.modify(PixelRect { min_x: 100, min_y: 200, max_x: 140, max_y: 220 }, |span, tile| {
            for y in span.rows.clone() {
                span.columns.clone().for_each(|x| tile[y * 64 + x] = 255);
            }
        });
        let middle = Point::new(120.0, 210.0);
        let larger = mask.posed(&Pose::about(middle, 2.0, 0.0, false));
        assert_eq!(larger.painted_rect().map(|rect| (rect.min_x, rect.max_x)), Some((79, 161)));
        assert_eq!([larger.value(82, 210), larger.value(158, 228)], [255, 255]);
        let upright = mask.posed(&Pose::about(middle, 1.0, PI / 2.0, false));
        assert_eq!([upright.value(120, 192), upright.value(104, 210)], [255, 0]);
        let there = Pose::about(middle, 1.5, 0.4, true);
        let back = mask.posed(&there).posed(&there.inverse());
        assert_eq!([back.value(120, 210), back.value(103, 203), back.value(96, 210)], [255, 255, 0]);
    }

    #[test]
    fn a_posed_crop_shows_the_face_where_its_pose_takes_it() -> anyhow::Result<()> {
        // A bright dot left of the middle.
        let dot = |at: [f32; 2]| {
            RgbImage::from_fn(256, 256, |x, y| {
                let is_near = (x as f32 + 0.5 - at[0] / 2.0).hypot(y as f32 + 0.5 - at[1] / 2.0) < 6.0;
                image::Rgb([if is_near { 250 } else { 10 }; 3])
            })
        };
        let photo = Photo {
            id: crate::document::PhotoId(1),
            name: String::new(),
            crop: std::sync::Arc::new(dot([150.0, 200.0])),
            path: None,
            placement: None,
            latent: None,
            latent_model: None,
            is_sample: false,
        };
        for pose in [
            Pose::about(Point::new(256.0, 256.0), 1.0, 0.0, true),
            Pose::about(Point::new(256.0, 256.0), 0.7, 0.5, false),
            Pose::about(Point::new(200.0, 300.0), 1.2, -0.8, true),
        ] {
            let crop = photo.posed_crop(&pose)?;
            let at = pose.apply(Point::new(150.0, 200.0));
            let pixel = crop.get_pixel((at.x / 2.0) as u32, (at.y / 2.0) as u32);
            assert!(pixel.0[0] > 200, "{pose:?}: {pixel:?}");
        }
        Ok(())
    }
}
