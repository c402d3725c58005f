//! How good faces are as they are shown: the definitions of [`stylemap::metrics`], on the pictures that the engine draws. Those have
//! their residuals and are settled where references are painted, which the networks alone do not tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use image::RgbImage;
use stylemap::engine::{Base, FaceId, Layer, LayerStyle, Scene};
use stylemap::metrics::lpips::Features;
use stylemap::metrics::{EditErrors, Evaluator, Interpolation, Lpips, MASKS, Reconstruction, STEPS};
use stylemap::{Mask, photo};

use super::session::Session;

const FIRST: FaceId = FaceId(0);
const SECOND: FaceId = FaceId(1);

/// Measures a model.
pub struct Judge<'a> {
    pub session: Session,
    pub lpips: Option<&'a Lpips>,
    /// How much of the residuals is shown. At 0 the networks are measured, whose pictures are not rounded to 8 bit.
    pub likeness: f32,
}

impl Judge<'_> {
    /// What the encoder alone makes of a picture.
    pub fn reconstruction_by_encoder(&self, picture: &RgbImage) -> anyhow::Result<Reconstruction> {
        Ok(self.networks().reconstruction(&photo::to_tensor(picture, self.session.size_px())?)?)
    }

    /// One picture.
    pub fn reconstruction(&mut self, picture: &RgbImage) -> anyhow::Result<Reconstruction> {
        if self.likeness == 0.0 {
            return self.reconstruction_by_encoder(picture);
        }
        self.session.add_face(FIRST, &Arc::new(picture.clone()))?;
        let drawn = self.draw(Base::Face(FIRST), None)?;
        let distance = |lpips: &Lpips| -> anyhow::Result<f64> {
            Ok(lpips.distance(&self.features(lpips, &drawn)?, &self.features(lpips, picture)?)?)
        };
        let lpips = self.lpips.map(distance).transpose()?;
        Ok(Reconstruction { mse: mean_square_error(&drawn, picture, |_| true), lpips })
    }

    /// The way from one picture to another; none without LPIPS.
    pub fn interpolation(&mut self, first: &RgbImage, second: &RgbImage) -> anyhow::Result<Option<Interpolation>> {
        let Some(lpips) = self.lpips else { return Ok(None) };
        if self.likeness == 0.0 {
            let [first, second] = self.tensors(first, second)?;
            return Ok(self.networks().interpolation(&first, &second)?);
        }
        self.add_pair(first, second)?;
        let picture = self.draw_way(0.0)?;
        let mut before = self.features(lpips, &picture)?;
        let mut distances = Vec::with_capacity(STEPS);
        for step in 1..=STEPS {
            let picture = self.draw_way(step as f32 / STEPS as f32)?;
            let now = self.features(lpips, &picture)?;
            distances.push(lpips.distance(&now, &before)?);
            before = now;
        }
        let greatest = distances.iter().copied().fold(0.0, f64::max);
        let step_mean = distances.iter().sum::<f64>() / STEPS as f64;
        // Between equal pictures no step is greater than another.
        let unevenness = if step_mean > 0.0 { greatest / step_mean } else { 1.0 };
        Ok(Some(Interpolation { step_mean, path_length: step_mean * (STEPS * STEPS) as f64, unevenness }))
    }

    /// The regions of one picture in another, one result for each of [`MASKS`].
    pub fn local_edits(&mut self, source: &RgbImage, reference: &RgbImage) -> anyhow::Result<Vec<EditErrors>> {
        if self.likeness == 0.0 {
            let [source, reference] = self.tensors(source, reference)?;
            return Ok(self.networks().local_edits(&source, &reference)?);
        }
        self.add_pair(source, reference)?;
        let source_drawn = self.draw(Base::Face(FIRST), None)?;
        let reference_drawn = self.draw(Base::Face(SECOND), None)?;
        let mut errors = Vec::with_capacity(MASKS.len());
        for (_, rectangle) in &MASKS {
            let mask = rectangle_mask(self.session.size_px(), *rectangle)?;
            let is_inside = |pixel: usize| mask.weights().get(pixel).is_some_and(|weight| *weight > 0.5);
            let is_outside = |pixel: usize| !is_inside(pixel);
            let layer = Layer {
                face: SECOND,
                mask: Arc::new(mask.clone()),
                offset_px: (0, 0),
                strength: 1.0,
                feather_px: 0.0,
                match_colours: 0.0,
                style: LayerStyle::Whole,
                directions: Vec::new(),
            };
            let edited = self.draw(Base::Face(FIRST), Some(layer))?;
            errors.push(EditErrors {
                mse_src: mean_square_error(&edited, source, is_outside),
                mse_ref: mean_square_error(&edited, reference, is_inside),
                change_src: mean_square_error(&edited, &source_drawn, is_outside),
                change_ref: mean_square_error(&edited, &reference_drawn, is_inside),
            });
        }
        Ok(errors)
    }

    fn networks(&self) -> Evaluator<'_> {
        Evaluator { model: self.session.engine.model(), lpips: self.lpips }
    }

    fn tensors(&self, first: &RgbImage, second: &RgbImage) -> anyhow::Result<[candle_core::Tensor; 2]> {
        let size_px = self.session.size_px();
        Ok([photo::to_tensor(first, size_px)?, photo::to_tensor(second, size_px)?])
    }

    fn add_pair(&mut self, first: &RgbImage, second: &RgbImage) -> anyhow::Result<()> {
        self.session.add_face(FIRST, &Arc::new(first.clone()))?;
        self.session.add_face(SECOND, &Arc::new(second.clone()))
    }

    fn draw(&mut self, base: Base, layer: Option<Layer>) -> anyhow::Result<RgbImage> {
        let likeness = BTreeMap::from([FIRST, SECOND].map(|face| (face, self.likeness)));
        self.session.draw(&Scene { base, directions: Vec::new(), layers: layer.into_iter().collect(), likeness })
    }

    fn draw_way(&mut self, t: f32) -> anyhow::Result<RgbImage> {
        self.draw(Base::Interpolation { from: FIRST, to: SECOND, t }, None)
    }

    fn features(&self, lpips: &Lpips, picture: &RgbImage) -> anyhow::Result<Features> {
        Ok(lpips.features(&photo::to_tensor(picture, self.session.size_px())?)?)
    }
}

/// White inside the rectangle, given in sixteenths of the picture.
fn rectangle_mask(size_px: usize, [left, top, right, bottom]: [usize; 4]) -> anyhow::Result<Mask> {
    let is_within = |at: usize, from: usize, to: usize| (from * size_px..to * size_px).contains(&(at * 16));
    let is_inside = |cell: usize| is_within(cell % size_px, left, right) && is_within(cell / size_px, top, bottom);
    Ok(Mask::new(size_px, (0..size_px * size_px).map(|cell| f32::from(is_inside(cell))).collect())?)
}

/// Of pictures of one size, with values from -1 to 1, over the pixels that count, by their place in a row after the other.
pub fn mean_square_error(a: &RgbImage, b: &RgbImage, counts: impl Fn(usize) -> bool) -> f64 {
    let pixels = a.pixels().zip(b.pixels()).enumerate().filter(|(pixel, _)| counts(*pixel));
    let values = pixels.flat_map(|(_, (a, b))| std::iter::zip(a.0, b.0));
    let (sum, count) = values
        .fold((0.0, 0usize), |(sum, count), (a, b)| (sum + (f64::from(a.abs_diff(b)) / 127.5).powi(2), count + 1));
    sum / count.max(1) as f64
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn the_error_is_of_values_from_minus_one_to_one() {
        let of = |value| RgbImage::from_pixel(4, 4, Rgb([value; 3]));
        assert_eq!(mean_square_error(&of(0), &of(255), |_| true), 4.0);
        assert_eq!(mean_square_error(&of(9), &of(9), |_| true), 0.0);
        let mut half = of(0);
        half.put_pixel(1, 2, Rgb([255; 3]));
        assert_eq!(mean_square_error(&half, &of(0), |pixel| pixel == 9), 4.0);
        assert_eq!(mean_square_error(&half, &of(0), |pixel| pixel != 9), 0.0);
    }
}
