//! A face as the model knows it: its stylemap, and the residuals of its fine style codes.
//!
//! `code_i = chain_i(w) + residual_i` for the style codes of the finest two levels. Everything after the codes is as without
//! residuals: modulations are linear in the codes.

use candle_core::{DType, Device, Tensor};

use crate::config::{Config, MAX_SIZE};
use crate::error::{Error, Result};

/// Residuals of a picture with shorter sides are not a face's.
const MIN_SIDE_PX: usize = 16;

/// What is added to a face's finest four style codes, in 16 bit on the host: two (1, K, size / 2, size / 2), then two (1, K, size, size).
#[derive(Clone, Debug)]
pub struct Residuals(Vec<Tensor>);

impl Residuals {
    /// Rounds residuals to 16 bit.
    ///
    /// # Errors
    /// When the shapes are not those of the model's finest style codes, or a value is not a finite number in 16 bit.
    pub fn new(config: &Config, residuals: &[Tensor]) -> Result<Self> {
        let expected = shapes(config)?;
        if residuals.len() != expected.len() || residuals.iter().zip(&expected).any(|(r, shape)| r.dims() != shape) {
            return Err(Error::argument("the residuals are not those of this model's style codes"));
        }
        Self::rounded(residuals)
    }

    /// Rounds residuals to 16 bit whose model is not at hand, as a file holds them. Whether they are a certain model's shows when
    /// its engine takes them.
    ///
    /// # Errors
    /// When no model has residuals of these shapes, or a value is not a finite number in 16 bit.
    pub fn from_tensors(residuals: &[Tensor]) -> Result<Self> {
        let no_models = || Error::argument("these maps are not the residuals of a face");
        let [half_a, half_b, full_a, full_b] = residuals else { return Err(no_models()) };
        let (half_shape, full_shape) = (half_a.dims(), full_a.dims());
        let (&[1, half_channels, half_height, half_width], &[1, channels, height, width]) = (half_shape, full_shape)
        else {
            return Err(no_models());
        };
        let are_a_models = half_b.dims() == half_shape
            && full_b.dims() == full_shape
            && half_channels.min(channels) > 0
            && height == width
            && (MIN_SIDE_PX..=MAX_SIZE).contains(&width)
            && half_height == half_width
            && 2 * half_width == width;
        if are_a_models { Self::rounded(residuals) } else { Err(no_models()) }
    }

    fn rounded(residuals: &[Tensor]) -> Result<Self> {
        let rounded = residuals.iter().map(|residual| -> Result<Tensor> {
            let rounded = residual.to_device(&Device::Cpu)?.to_dtype(DType::F16)?.contiguous()?;
            // A sum of what is not a number, or of what 16 bit cannot hold, is not finite.
            if rounded.to_dtype(DType::F32)?.abs()?.sum_all()?.to_scalar::<f32>()?.is_finite() {
                Ok(rounded)
            } else {
                Err(Error::argument("the residuals hold values that are not finite numbers"))
            }
        });
        Ok(Self(rounded.collect::<Result<_>>()?))
    }

    /// The tensors, in the order of the style codes.
    pub fn tensors(&self) -> &[Tensor] {
        &self.0
    }

    /// `self + to - from`: what was found for one picture of a face, carried over to another.
    ///
    /// # Errors
    /// When they are not of one model, or a sum is larger than 16 bit hold.
    pub(crate) fn carried(&self, from: Option<&Self>, to: Option<&Self>) -> Result<Self> {
        let sums = self.0.iter().enumerate().map(|(index, residual)| -> Result<Tensor> {
            let of = |residuals: &Self| residuals.0.get(index).map(|it| it.to_dtype(DType::F32)).transpose();
            let mut sum = residual.to_dtype(DType::F32)?;
            if let Some(to) = to.map(of).transpose()?.flatten() {
                sum = (sum + to)?;
            }
            if let Some(from) = from.map(of).transpose()?.flatten() {
                sum = (sum - from)?;
            }
            Ok(sum)
        });
        Self::rounded(&sums.collect::<Result<Vec<_>>>()?)
    }

    /// How much memory they hold.
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|tensor| tensor.elem_count() * tensor.dtype().size_in_bytes()).sum()
    }
}

/// The shape of every residual.
fn shapes(config: &Config) -> Result<Vec<[usize; 4]>> {
    config
        .fine_codes()
        .map(|index| {
            let level = config.code_level(index);
            Ok([1, config.code_width(level)?, level, level])
        })
        .collect()
}

/// A stylemap's values, row by row; [`crate::model::Model::stylemap_from_values`] is the way back.
///
/// # Errors
/// When the device fails.
pub fn stylemap_values(stylemap: &Tensor) -> Result<Vec<f32>> {
    Ok(stylemap.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?)
}

/// A face on the host: what files and projects keep of it.
#[derive(Clone, Debug)]
pub struct Latent {
    /// (style_dim, base, base), row by row.
    pub stylemap: Vec<f32>,
    /// None where the model has no fine encoder, or the face never was a photo.
    pub residuals: Option<Residuals>,
    /// Whether the residuals are nearer to the photo than the fine encoder's, see [`crate::refine`].
    pub is_refined: bool,
}

impl Latent {
    /// A stylemap alone.
    pub fn of_stylemap(stylemap: Vec<f32>) -> Self {
        Self { stylemap, residuals: None, is_refined: false }
    }
}

/// How much of a face's residuals a picture shows that is `t` of the way from that face to another: all at 0, none from halfway on.
/// Two faces' fine structures over each other are a double exposure; around the middle the model's own face shows.
pub fn residual_share(t: f32) -> f32 {
    let x = (1.0 - 2.0 * t).clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_fall_without_a_jump_and_never_overlap() {
        assert_eq!([0.0, 0.25, 0.5, 0.75, 1.0].map(residual_share), [1.0, 0.5, 0.0, 0.0, 0.0]);
        let mut before = 1.0;
        for step in 0..=1000 {
            let t = step as f32 / 1000.0;
            let share = residual_share(t);
            assert!(share <= before && before - share < 0.004, "a jump at {t}");
            assert!(share == 0.0 || residual_share(1.0 - t) == 0.0);
            before = share;
        }
    }

    #[test]
    fn residuals_of_another_model_or_without_a_value_are_refused() {
        let config = Config::published(256, 1, false);
        let right: Vec<Tensor> = shapes(&config)
            .unwrap()
            .iter()
            .map(|shape| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap())
            .collect();
        assert!(Residuals::new(&config, &right).is_ok());
        assert!(Residuals::new(&config, &right[1..]).is_err());
        for bad in [f32::NAN, f32::INFINITY, 1e6] {
            let mut wrong = right.clone();
            let len = wrong[2].elem_count();
            let mut values = vec![0f32; len];
            values[len / 2] = bad;
            wrong[2] = Tensor::from_vec(values, right[2].shape(), &Device::Cpu).unwrap();
            assert!(Residuals::new(&config, &wrong).is_err(), "{bad}");
            assert!(Residuals::from_tensors(&wrong).is_err(), "{bad}");
        }
        assert!(Residuals::from_tensors(&right).is_ok());
        assert!(Residuals::from_tensors(&right[1..]).is_err());
        for order in [[2, 3, 0, 1], [0, 2, 1, 3], [0, 0, 0, 0]] {
            assert!(Residuals::from_tensors(&order.map(|index| right[index].clone())).is_err(), "{order:?}");
        }
    }
}
