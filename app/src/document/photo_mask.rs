//! Masks over a whole photo: the canvas lies in it as the face does, turned and at another size.

use image::GrayImage;

use super::{CANVAS_SIZE_PX, MaskImage, Placement, Point};

/// For each pixel of the canvas the mask of a large photo is looked at in this many places along each side at most.
const MAX_SAMPLES_PER_SIDE: usize = 8;

/// A mask that was painted over a whole photo, as the canvas takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct TakenMask {
    /// What of it lies on the canvas.
    pub mask: MaskImage,
    /// Whether something is painted that lies beside the canvas.
    pub leaves_out: bool,
}

impl MaskImage {
    /// The mask as large as the whole photo; what lies beside the canvas is not painted.
    #[must_use]
    pub fn over_photo(&self, placement: &Placement) -> GrayImage {
        let values = self.to_values();
        let (width, height) = placement.original.pixels.dimensions();
        let value = |x: usize, y: usize| f32::from(values.get(y * CANVAS_SIZE_PX + x).copied().unwrap_or(0));
        GrayImage::from_fn(width, height, |x, y| {
            let at = placement.canvas_from_photo(Point::new(x as f32 + 0.5, y as f32 + 0.5));
            if at.canvas_pixel().is_none() {
                return image::Luma([0]);
            }
            let last = CANVAS_SIZE_PX - 1;
            let [x, y] = at.to_pixel_middles().map(|value| value.clamp(0.0, last as f32));
            let (left, top) = (x as usize, y as usize);
            let (right, bottom) = ((left + 1).min(last), (top + 1).min(last));
            let (across, down) = (x - left as f32, y - top as f32);
            let upper = value(left, top) * (1.0 - across) + value(right, top) * across;
            let lower = value(left, bottom) * (1.0 - across) + value(right, bottom) * across;
            image::Luma([(upper * (1.0 - down) + lower * down).round() as u8])
        })
    }

    /// What of a mask over the whole photo lies on the canvas; where the photo is finer, each pixel has the middle of what it
    /// covers.
    #[must_use]
    pub fn of_photo_mask(picture: &GrayImage, placement: &Placement) -> TakenMask {
        let (width, height) = (picture.width() as f32, picture.height() as f32);
        let samples = (placement.quad.side_px() / CANVAS_SIZE_PX as f32).ceil() as usize;
        let samples = samples.clamp(1, MAX_SAMPLES_PER_SIDE);
        let value = |at: Point| {
            let is_within = (0.0..width).contains(&at.x) && (0.0..height).contains(&at.y);
            if is_within { f32::from(picture.get_pixel(at.x as u32, at.y as u32).0[0]) } else { 0.0 }
        };
        let mut values = Vec::with_capacity(CANVAS_SIZE_PX * CANVAS_SIZE_PX);
        for y in 0..CANVAS_SIZE_PX {
            for x in 0..CANVAS_SIZE_PX {
                let mut sum = 0.0;
                for i in 0..samples * samples {
                    let share = |i: usize| (i as f32 + 0.5) / samples as f32;
                    let at = Point::new(x as f32 + share(i % samples), y as f32 + share(i / samples));
                    sum += value(placement.photo_from_canvas(at));
                }
                values.push((sum / (samples * samples) as f32).round() as u8);
            }
        }
        let mut mask = Self::default();
        mask.set_values(&values);
        let is_beside = |(x, y, pixel): (u32, u32, &image::Luma<u8>)| {
            let at = Point::new(x as f32 + 0.5, y as f32 + 0.5);
            pixel.0[0] > 127 && placement.canvas_from_photo(at).canvas_pixel().is_none()
        };
        TakenMask { mask, leaves_out: picture.enumerate_pixels().any(is_beside) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use image::{Rgb, RgbImage};
    use stylemap::face::Landmarks;

    use super::*;
    use crate::original::Original;

    /// A face that lies turned in a photo twice as large as it.
    fn placement() -> Placement {
        let photo = RgbImage::from_pixel(900, 700, Rgb([90, 80, 70]));
        let original = Arc::new(Original::of_pixels(photo, None).unwrap());
        let landmarks = Landmarks {
            eye_left: [380.0, 300.0],
            eye_right: [480.0, 330.0],
            nose: None,
            mouth_left: [370.0, 400.0],
            mouth_right: [450.0, 424.0],
        };
        Placement::of_face(original, landmarks).unwrap().0
    }

    #[test]
    fn a_mask_comes_back_from_the_whole_photo() {
        let placement = placement();
        let mut mask = MaskImage::default();
        let values: Vec<u8> = (0..CANVAS_SIZE_PX * CANVAS_SIZE_PX)
            .map(|i| {
                let (x, y) = ((i % CANVAS_SIZE_PX) as f32, (i / CANVAS_SIZE_PX) as f32);
                ((140.0 - (x - 240.0).hypot(y - 270.0)) * 4.0).clamp(0.0, 255.0) as u8
            })
            .collect();
        mask.set_values(&values);
        let over_photo = mask.over_photo(&placement);
        assert_eq!(over_photo.dimensions(), (900, 700));
        // The middle of what is painted lies where the canvas has it in the photo.
        let middle = placement.photo_from_canvas(Point::new(240.5, 270.5));
        assert_eq!(over_photo.get_pixel(middle.x as u32, middle.y as u32).0, [255]);
        assert_eq!(over_photo.get_pixel(2, 2).0, [0]);
        let TakenMask { mask: back, leaves_out } = MaskImage::of_photo_mask(&over_photo, &placement);
        assert!(!leaves_out);
        let worst = back.to_values().iter().zip(&values).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        // A pixel of the photo is about a pixel of the canvas, and the ramp has 4 values for one.
        assert!(worst <= 12, "{worst}");
    }

    #[test]
    fn what_is_painted_beside_the_canvas_is_said() {
        let placement = placement();
        let white = GrayImage::from_pixel(900, 700, image::Luma([255]));
        let TakenMask { mask, leaves_out } = MaskImage::of_photo_mask(&white, &placement);
        assert!(leaves_out);
        assert_eq!(mask.value(256, 256), 255);
    }
}
