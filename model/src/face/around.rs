//! The part of a photo around a face, small enough to be drawn again with every stroke.

use image::{RgbImage, imageops};

use super::geometry::CropQuad;
use crate::error::Result;
use crate::photo::shrunk;

/// A rectangle of a photo in which a whole crop lies, as far as the photo reaches.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The rectangle's pixels, reduced where there are too many.
    pub pixels: RgbImage,
    /// The crop in these pixels.
    pub quad: CropQuad,
    /// Column and row of the rectangle's first pixel in the photo.
    pub origin_in_photo: [u32; 2],
    /// Width and height of the rectangle in the photo's own pixels.
    pub size_in_photo: [u32; 2],
    /// How many of these pixels lie along one of the photo's.
    factor: f64,
}

impl Surroundings {
    /// The surroundings of this crop, with sides of at most `max_side_px`; `None` where the crop lies outside the photo.
    ///
    /// # Errors
    /// When nothing is left of the crop at that size.
    pub fn new(photo: &RgbImage, quad: &CropQuad, max_side_px: u32) -> Result<Option<Self>> {
        let corners = quad.corners_in_photo();
        let range = |axis: usize, len: u32| {
            let values = corners.map(|corner| corner[axis]);
            let first = values.iter().copied().fold(f32::INFINITY, f32::min).floor().clamp(0.0, len as f32);
            let last = values.iter().copied().fold(f32::NEG_INFINITY, f32::max).ceil().clamp(-1.0, len as f32 - 1.0);
            (first as u32, (last + 1.0) as u32)
        };
        let ((left, right), (top, bottom)) = (range(0, photo.width()), range(1, photo.height()));
        if left >= right || top >= bottom {
            return Ok(None);
        }
        let (width, height) = (right - left, bottom - top);
        let part = imageops::crop_imm(photo, left, top, width, height).to_image();
        let factor = (f64::from(max_side_px.max(1)) / f64::from(width.max(height))).min(1.0);
        let reduced = |len: u32| ((f64::from(len) * factor).round() as u32).max(1);
        Ok(Some(Self {
            pixels: shrunk(&part, reduced(width), reduced(height)),
            quad: quad.moved([-f64::from(left), -f64::from(top)]).in_resized_photo(factor)?,
            origin_in_photo: [left, top],
            size_in_photo: [width, height],
            factor,
        }))
    }

    /// Another crop of the photo, in these pixels; `None` where the two have nothing in common.
    ///
    /// # Errors
    /// When nothing is left of it at that size.
    pub fn quad_of(&self, other: &CropQuad) -> Result<Option<CropQuad>> {
        let [left, top] = self.origin_in_photo.map(f64::from);
        let quad = other.moved([-left, -top]).in_resized_photo(self.factor)?;
        let corners = quad.corners_in_photo();
        let is_within = |axis: usize, len: u32| {
            let values = corners.map(|corner| corner[axis]);
            values.iter().any(|value| *value > -0.5) && values.iter().any(|value| *value < len as f32 - 0.5)
        };
        Ok((is_within(0, self.pixels.width()) && is_within(1, self.pixels.height())).then_some(quad))
    }
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;
    use crate::face::align;

    #[test]
    fn the_crop_shows_the_same_there() -> Result<()> {
        let photo = RgbImage::from_fn(900, 700, |x, y| Rgb([(x / 4) as u8, (y / 4) as u8, ((x + y) / 8) as u8]));
        for (left, top, side, max_side_px) in
            [(200.0, 100.0, 400.0, 1000), (200.0, 100.0, 400.0, 200), (-80.0, 400.0, 420.0, 150)]
        {
            let (right, bottom) = (left + side, top + side);
            let quad = CropQuad::from_corners([[left, top], [left, bottom], [right, bottom], [right, top]])?;
            let around = Surroundings::new(&photo, &quad, max_side_px)?.ok_or(crate::Error::Cancelled)?;
            assert!(around.pixels.width().max(around.pixels.height()) <= max_side_px);
            let [expected, found] = [align(&photo, &quad, 64)?, align(&around.pixels, &around.quad, 64)?];
            // Where the crop leaves the photo, the mirror image is that of the part.
            let inside = |x: u32| left + (x as f32 + 0.5) / 64.0 * side > 4.0;
            for (x, y, pixel) in expected.enumerate_pixels().filter(|(x, y, _)| inside(*x) && *y < 40) {
                for (a, b) in pixel.0.iter().zip(found.get_pixel(x, y).0) {
                    assert!(a.abs_diff(b) <= 2, "at ({x}, {y}) of {left}, {max_side_px}: {a} and {b}");
                }
            }
        }
        Ok(())
    }

    #[test]
    fn another_crop_shows_the_same_there() -> Result<()> {
        let photo = RgbImage::from_fn(900, 700, |x, y| Rgb([(x / 4) as u8, (y / 4) as u8, ((x + y) / 8) as u8]));
        let square = |left: f32, top: f32, side: f32| {
            let (right, bottom) = (left + side, top + side);
            CropQuad::from_corners([[left, top], [left, bottom], [right, bottom], [right, top]])
        };
        let around = Surroundings::new(&photo, &square(200.0, 100.0, 400.0)?, 300)?.ok_or(crate::Error::Cancelled)?;
        let other = square(420.0, 220.0, 150.0)?;
        let quad = around.quad_of(&other)?.ok_or(crate::Error::Cancelled)?;
        let [expected, found] = [align(&photo, &other, 48)?, align(&around.pixels, &quad, 48)?];
        for (a, b) in expected.as_raw().iter().zip(found.as_raw()) {
            assert!(a.abs_diff(*b) <= 2, "{a} and {b}");
        }
        assert!(around.quad_of(&square(650.0, 100.0, 100.0)?)?.is_none());
        Ok(())
    }

    #[test]
    fn a_crop_outside_has_none() -> Result<()> {
        let photo = RgbImage::new(100, 80);
        let quad = CropQuad::from_corners([[200.0, 10.0], [200.0, 60.0], [250.0, 60.0], [250.0, 10.0]])?;
        assert!(Surroundings::new(&photo, &quad, 100)?.is_none());
        Ok(())
    }
}
