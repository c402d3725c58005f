//! From a face that is nearly aligned to the crop that the training set's tools would have made.
//!
//! YuNet's five points are good for finding a face and too coarse for cutting it out: the crop made from them alone
//! misses the reference crops by 4 to 6% of the side (the eyes' distance by 4%, the roll by 1 to 2 degrees), however
//! the points are averaged over scales and mirror images, and no linear correction of the points helps, as the errors
//! do not depend on them. What the network sees is finer than what its heads say: a linear readout of its stride-16
//! features around the middle of a nearly aligned crop gives the remaining shift, scale and roll.
//!
//! The readout (`weights/yunet/alignment.safetensors`: 12,544 features by four numbers, and an offset) is a ridge
//! regression on 425 aligned faces, each moved, relit and reduced at random, by `examples/fit_alignment.rs`. With each
//! source of faces held out in turn, the farthest corner of the crop is off by 1.2 to 2.1% of the side in the median
//! and by 2.1 to 3.6% for nine faces of ten. None of the reference photos that the tests use, and no other picture of a
//! person on them, takes part.

use image::RgbImage;
use image::imageops::flip_horizontal;
use safetensors::SafeTensors;

use super::align::align;
use super::geometry::{Correction, CropQuad};
use super::network::Network;
use crate::error::{Error, Result};

/// The crop is looked at in this size.
pub(super) const WINDOW_PX: u32 = 256;
/// The share of the crop's side that the window shows.
const WINDOW_SHARE: f64 = 0.75;
/// Cells of the stride-16 map that are read, in both directions: eyes, nose and mouth with some room.
const FIRST_CELL: usize = 1;
const END_CELL: usize = 15;
const CHANNELS: usize = 64;
/// Values that are read.
const FEATURES: usize = (END_CELL - FIRST_CELL).pow(2) * CHANNELS;
/// Shift right and down (shares of the side), logarithm of the scale, angle.
const OUTPUTS: usize = 4;
/// Corrections that are made one after the other.
const ROUNDS: usize = 3;
/// The readout was fitted for corrections well below this; more is not a correction but another place.
const MOST: f64 = 0.3;

/// The fitted numbers.
pub(super) struct Readout {
    weights: Vec<[f32; OUTPUTS]>,
    offsets: [f32; OUTPUTS],
}

impl Readout {
    /// From the safetensors file.
    ///
    /// # Errors
    /// [`Error::Detector`] when the file is another one.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self> {
        let damaged = |err: safetensors::SafeTensorError| Error::Detector(err.to_string());
        let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let rows = |name: &str| -> Result<Vec<[f32; OUTPUTS]>> {
            let tensor = file.tensor(name).map_err(damaged)?;
            let values: Vec<f32> = tensor.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            Ok(values.as_chunks().0.to_vec())
        };
        match (rows("weights")?, rows("offsets")?.as_slice()) {
            (weights, &[offsets]) if weights.len() == FEATURES => Ok(Self { weights, offsets }),
            _ => Err(Error::Detector("the alignment has another size".to_owned())),
        }
    }

    /// The crop, corrected. None where it does not settle near where it was.
    ///
    /// # Errors
    /// When the network cannot be run, or the photo has no pixels.
    pub fn corrected(&self, network: &Network, photo: &RgbImage, quad: &CropQuad) -> Result<Option<CropQuad>> {
        let mut corrected = *quad;
        for _ in 0..ROUNDS {
            let window = align(photo, &corrected.grown(WINDOW_SHARE), WINDOW_PX)?;
            // The picture and its mirror image say the same, each with its own error.
            let (read, mirrored) =
                rayon::join(|| features(network, &window, false), || features(network, &window, true));
            let [x, y, log_scale, angle] = self.read(&read?);
            let [mirrored_x, mirrored_y, mirrored_log_scale, mirrored_angle] = self.read(&mirrored?);
            let correction = Correction {
                shift: [(x - mirrored_x) / 2.0, (y + mirrored_y) / 2.0],
                log_scale: (log_scale + mirrored_log_scale) / 2.0,
                angle: (angle - mirrored_angle) / 2.0,
            };
            let Ok(next) = corrected.corrected(&correction) else { return Ok(None) };
            corrected = next;
            let Correction { shift: [x, y], log_scale, angle } = quad.correction_to(&corrected);
            if [x, y, log_scale, angle].iter().any(|value| value.abs() > MOST) {
                return Ok(None);
            }
        }
        Ok(Some(corrected))
    }

    fn read(&self, features: &[f32]) -> [f64; OUTPUTS] {
        let mut sums = self.offsets;
        for (weights, &feature) in self.weights.iter().zip(features) {
            sums.iter_mut().zip(weights).for_each(|(sum, &weight)| *sum += weight * feature);
        }
        sums.map(f64::from)
    }
}

/// What the network sees in the middle of a nearly aligned crop, or of its mirror image.
///
/// # Errors
/// When the network cannot be run, or the photo has no pixels.
pub(super) fn crop_features(
    network: &Network,
    photo: &RgbImage,
    quad: &CropQuad,
    is_mirrored: bool,
) -> Result<Vec<f32>> {
    features(network, &align(photo, &quad.grown(WINDOW_SHARE), WINDOW_PX)?, is_mirrored)
}

/// What the network sees in the middle of a window of [`WINDOW_PX`], or of its mirror image.
fn features(network: &Network, window: &RgbImage, is_mirrored: bool) -> Result<Vec<f32>> {
    let seen =
        if is_mirrored { network.features_at_16(&flip_horizontal(window))? } else { network.features_at_16(window)? };
    Ok(seen.window(FIRST_CELL, END_CELL).collect())
}
