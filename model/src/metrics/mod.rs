//! How good a model is, measured on pictures that it was never trained on. `weights/train/evaluate.py` has the same definitions and
//! gives the same numbers.
//!
//! **Reconstruction** of each picture: the mean square error of `clamp(G(E(x)))` against x, with values from -1 to 1, and their
//! LPIPS distance.
//!
//! **Interpolation** of each pair: [`STEPS`] equal steps from one stylemap to the other, and the LPIPS distance of every frame to
//! the one before.
//!
//! **Local edits** of each pair, with each of [`MASKS`]: the second picture's region in the first one, by its style codes at every
//! level. Outside the mask the picture should be the first (`src`), inside the second (`ref`): against the photos, and against what
//! the model makes of them unedited (`change`).

pub mod lpips;
pub mod pillow;

use candle_core::{DType, Tensor};
use serde::Serialize;

use crate::edit::{self, Reference};
use crate::error::{Error, Result};
use crate::mask::{Mask, Pooling};
use crate::model::Model;

pub use lpips::Lpips;

/// At most so many pairs are looked at.
const MAX_PAIRS: usize = 12;
/// Steps of an interpolation.
pub const STEPS: usize = 8;

/// The regions that are edited: a name, and left, top, right and bottom in sixteenths of the picture.
pub const MASKS: [(&str, [usize; 4]); 5] = [
    ("half", [8, 0, 16, 16]),
    ("eyes", [3, 6, 13, 9]),
    ("nose", [6, 7, 10, 11]),
    ("mouth", [5, 10, 11, 13]),
    ("hair", [0, 0, 16, 5]),
];
const SIXTEENTHS: usize = 16;

/// How near the model comes to a picture, or to several on average.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Reconstruction {
    /// The mean square error, values from -1 to 1.
    pub mse: f64,
    /// The LPIPS distance; none without its network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lpips: Option<f64>,
}

/// How evenly pictures change from one face to another, for one pair or several on average.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interpolation {
    /// The mean LPIPS distance of a step.
    pub step_mean: f64,
    /// The mean LPIPS distance of a step over the square of its length: comparable with a perceptual path length of that length.
    pub path_length: f64,
    /// The greatest step over the mean one: 1 where every step changes as much as any other.
    pub unevenness: f64,
}

/// Mean square errors of local edits, values from -1 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct EditErrors {
    /// Outside the mask, against the first photo.
    pub mse_src: f64,
    /// Inside, against the second.
    pub mse_ref: f64,
    /// Outside, against what the model makes of the first: what the edit changed where nothing should change.
    pub change_src: f64,
    /// Inside, against what it makes of the second: how far the edit is from what was to be painted.
    pub change_ref: f64,
}

impl Reconstruction {
    /// The mean of several; LPIPS only where all have it.
    pub fn mean(all: &[Self]) -> Self {
        let lpips = all.iter().map(|one| one.lpips).collect::<Option<Vec<_>>>();
        Self {
            mse: mean(all.iter().map(|one| one.mse)),
            lpips: lpips.filter(|lpips| !lpips.is_empty()).map(|lpips| mean(lpips.into_iter())),
        }
    }
}

impl Interpolation {
    /// The mean of several; `None` of none.
    pub fn mean(all: &[Self]) -> Option<Self> {
        (!all.is_empty()).then(|| Self {
            step_mean: mean(all.iter().map(|one| one.step_mean)),
            path_length: mean(all.iter().map(|one| one.path_length)),
            unevenness: mean(all.iter().map(|one| one.unevenness)),
        })
    }
}

impl EditErrors {
    /// The mean of several.
    pub fn mean(all: &[Self]) -> Self {
        Self {
            mse_src: mean(all.iter().map(|one| one.mse_src)),
            mse_ref: mean(all.iter().map(|one| one.mse_ref)),
            change_src: mean(all.iter().map(|one| one.change_src)),
            change_ref: mean(all.iter().map(|one| one.change_ref)),
        }
    }
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len();
    values.sum::<f64>() / count.max(1) as f64
}

/// Which of `count` pictures are looked at together, by their places: spread over the whole, each with one half of the way further.
pub fn pairs(count: usize) -> Vec<(usize, usize)> {
    let half = count / 2;
    let pairs = half.min(MAX_PAIRS);
    (0..pairs).map(|pair| pair * half / pairs).map(|first| (first, first + half)).collect()
}

/// Measures a model. Pictures are (1, 3, size, size) in [-1, 1], on any device.
pub struct Evaluator<'a> {
    /// The model that is measured.
    pub model: &'a Model,
    /// The network that says how different pictures look.
    pub lpips: Option<&'a Lpips>,
}

impl Evaluator<'_> {
    /// How near the model comes to one picture.
    ///
    /// # Errors
    /// When it is not of the model's size, or the device fails.
    pub fn reconstruction(&self, picture: &Tensor) -> Result<Reconstruction> {
        let drawn = self.decode(&self.encode(picture)?)?;
        let lpips = self.lpips.map(|lpips| lpips.distance(&lpips.features(&drawn)?, &lpips.features(picture)?));
        Ok(Reconstruction { mse: mean_square_error(&drawn, picture, |_| true)?, lpips: lpips.transpose()? })
    }

    /// The way from one picture to another; none without LPIPS.
    ///
    /// # Errors
    /// As [`Self::reconstruction`].
    pub fn interpolation(&self, first: &Tensor, second: &Tensor) -> Result<Option<Interpolation>> {
        let Some(lpips) = self.lpips else { return Ok(None) };
        let (first, second) = (self.encode(first)?, self.encode(second)?);
        let mut distances = Vec::with_capacity(STEPS);
        let mut before = None;
        for step in 0..=STEPS {
            let stylemap = edit::interpolate(&first, &second, step as f64 / STEPS as f64)?;
            let features = lpips.features(&self.decode(&stylemap)?)?;
            if let Some(before) = &before {
                distances.push(lpips.distance(&features, before)?);
            }
            before = Some(features);
        }
        let greatest = distances.iter().copied().fold(0.0, f64::max);
        let step_mean = mean(distances.into_iter());
        // Between equal pictures no step is greater than another.
        let unevenness = if step_mean > 0.0 { greatest / step_mean } else { 1.0 };
        Ok(Some(Interpolation { step_mean, path_length: step_mean * (STEPS * STEPS) as f64, unevenness }))
    }

    /// The regions of one picture in another, one result for each of [`MASKS`].
    ///
    /// # Errors
    /// As [`Self::reconstruction`].
    pub fn local_edits(&self, source: &Tensor, reference: &Tensor) -> Result<Vec<EditErrors>> {
        let generator = &self.model.generator;
        let source_codes = generator.style_codes(&self.encode(source)?)?;
        let reference_codes = generator.style_codes(&self.encode(reference)?)?;
        let draw = |codes: &[Tensor]| -> Result<Tensor> { on_host(&generator.decode_codes(codes)?) };
        let (source_drawn, reference_drawn) = (draw(&source_codes)?, draw(&reference_codes)?);
        let edit_with = |(_, rectangle): &(&str, [usize; 4])| {
            let mask = rectangle_mask(self.model.config.size, *rectangle)?;
            let edit = Reference {
                codes: &reference_codes,
                mask: &mask,
                pooling: Pooling::Soft,
                offset_px: (0, 0),
                strength: 1.0,
            };
            let edited = draw(&edit::mix_codes(&source_codes, &[edit])?)?;
            let is_inside = |cell: usize| mask.weights().get(cell).is_some_and(|weight| *weight > 0.5);
            let is_outside = |cell: usize| !is_inside(cell);
            Ok(EditErrors {
                mse_src: mean_square_error(&edited, source, is_outside)?,
                mse_ref: mean_square_error(&edited, reference, is_inside)?,
                change_src: mean_square_error(&edited, &source_drawn, is_outside)?,
                change_ref: mean_square_error(&edited, &reference_drawn, is_inside)?,
            })
        };
        MASKS.iter().map(edit_with).collect()
    }

    fn encode(&self, picture: &Tensor) -> Result<Tensor> {
        Ok(self.model.encoder.forward(&self.model.place(picture)?)?)
    }

    /// The picture of a stylemap, its values brought into their range and not rounded to 8 bit.
    fn decode(&self, stylemap: &Tensor) -> Result<Tensor> {
        on_host(&self.model.generator.decode(stylemap)?)
    }
}

fn on_host(picture: &Tensor) -> Result<Tensor> {
    Ok(picture.to_dtype(DType::F32)?.to_device(&candle_core::Device::Cpu)?.clamp(-1f32, 1f32)?)
}

/// White inside the rectangle, given in sixteenths of the picture.
fn rectangle_mask(size_px: usize, [left, top, right, bottom]: [usize; 4]) -> Result<Mask> {
    let is_within =
        |place: usize, from: usize, to: usize| (from * size_px..to * size_px).contains(&(place * SIXTEENTHS));
    let weight = |cell: usize| {
        let (x, y) = (cell % size_px, cell / size_px);
        if is_within(x, left, right) && is_within(y, top, bottom) { 1.0 } else { 0.0 }
    };
    Mask::new(size_px, (0..size_px * size_px).map(weight).collect())
}

/// Over the channels of the pixels that count, by their place in a row after the other.
fn mean_square_error(a: &Tensor, b: &Tensor, counts: impl Fn(usize) -> bool) -> Result<f64> {
    if a.dims() != b.dims() {
        return Err(Error::argument(format!("pictures of {:?} and {:?} cannot be compared", a.dims(), b.dims())));
    }
    let (_, _, height, width) = a.dims4()?;
    let [a, b] = [a, b].map(|picture| picture.flatten_all().and_then(|values| values.to_vec1::<f32>()));
    let (a, b) = (a?, b?);
    let squares = a.iter().zip(&b).enumerate().filter(|(index, _)| counts(index % (height * width)));
    let (sum, count) = squares
        .fold((0.0, 0usize), |(sum, count), (_, (a, b))| (sum + (f64::from(*a) - f64::from(*b)).powi(2), count + 1));
    Ok(sum / count.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_spread_and_at_most_twelve() {
        assert_eq!(pairs(0), []);
        assert_eq!(pairs(1), []);
        assert_eq!(pairs(5), [(0, 2), (1, 3)]);
        let of_eval = pairs(72);
        assert_eq!((of_eval.len(), of_eval[0], of_eval[1], of_eval[11]), (12, (0, 36), (3, 39), (33, 69)));
    }

    #[test]
    fn masks_are_rectangles_in_sixteenths() {
        for (name, [left, top, right, bottom]) in MASKS {
            let mask = rectangle_mask(32, [left, top, right, bottom]).unwrap();
            let area: f32 = mask.weights().iter().sum();
            assert_eq!(area as usize, 4 * (right - left) * (bottom - top), "{name}");
            assert_eq!(mask.weights()[2 * top * 32 + 2 * left], 1.0, "{name}");
        }
    }

    #[test]
    fn means_are_over_pictures_and_lpips_needs_all() {
        let one = |mse, lpips| Reconstruction { mse, lpips };
        assert_eq!(Reconstruction::mean(&[one(1.0, Some(0.5)), one(2.0, Some(0.25))]), one(1.5, Some(0.375)));
        assert_eq!(Reconstruction::mean(&[one(1.0, Some(0.5)), one(2.0, None)]), one(1.5, None));
        assert_eq!((Reconstruction::mean(&[]), Interpolation::mean(&[])), (one(0.0, None), None));
    }
}
