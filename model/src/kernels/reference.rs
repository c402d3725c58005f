//! Plain candle forms of the operations in the parent module, for every device and dtype.

use candle_core::{D, DType, Result, Tensor};

const SQRT_HALF: f64 = std::f64::consts::FRAC_1_SQRT_2;
const EPSILON: f64 = 1e-5;

/// leaky_relu(x, 0.2) * sqrt(2): with slope 0.2 that is 0.6 x + 0.4 |x|, scaled.
fn lrelu(x: &Tensor) -> Result<Tensor> {
    (x.affine(0.6, 0.0)? + x.abs()?.affine(0.4, 0.0)?)? * std::f64::consts::SQRT_2
}

/// Plain form of [`super::bias_activation`].
///
/// # Errors
/// When the shapes do not fit.
pub fn bias_activation(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    lrelu(&x.broadcast_add(&bias.reshape((1, (), 1, 1))?)?)
}

/// Plain form of [`super::normalize_modulate`]. The statistics are computed in f32 whatever the dtype: sums over a whole feature map
/// overflow f16.
///
/// # Errors
/// When the shapes do not fit.
pub fn normalize_modulate(x: &Tensor, modulation: &Tensor) -> Result<Tensor> {
    let channels = x.dim(1)?;
    let flat = x.to_dtype(DType::F32)?.flatten_from(1)?;
    let centered = flat.broadcast_sub(&flat.mean_keepdim(D::Minus1)?)?;
    let variance = centered.sqr()?.mean_keepdim(D::Minus1)?;
    let normalized = centered.broadcast_div(&(variance + EPSILON)?.sqrt()?)?.reshape(x.shape())?.to_dtype(x.dtype())?;
    let gamma = modulation.narrow(1, 0, channels)?;
    let beta = modulation.narrow(1, channels, channels)?;
    normalized.broadcast_mul(&gamma)?.broadcast_add(&beta)
}

/// Pixel shuffle by two, then [`bias_activation`]: the end of a folded upsampling convolution. `x`: (N, 4 C, H, W), phases
/// innermost; `bias`: (C). Gives (N, C, 2 H, 2 W).
///
/// # Errors
/// When the shapes do not fit.
pub fn pixel_shuffle_bias_activation(x: &Tensor, bias: &Tensor) -> Result<Tensor> {
    bias_activation(&candle_nn::ops::pixel_shuffle(x, 2)?, bias)
}

/// Plain form of [`super::add_upsampled`].
///
/// # Errors
/// When the shapes do not fit.
pub fn add_upsampled(x: &Tensor, skip: &Tensor) -> Result<Tensor> {
    (x + upsample_axis(&upsample_axis(skip, 2)?, 3)?)? * SQRT_HALF
}

fn upsample_axis(x: &Tensor, axis: usize) -> Result<Tensor> {
    let len = x.dim(axis)?;
    let padded = x.pad_with_zeros(axis, 1, 1)?;
    let before = padded.narrow(axis, 0, len)?.affine(0.25, 0.0)?;
    let after = padded.narrow(axis, 2, len)?.affine(0.25, 0.0)?;
    let here = x.affine(0.75, 0.0)?;
    let pairs = Tensor::stack(&[(&here + before)?, (&here + after)?], axis + 1)?;
    let mut shape = x.dims().to_vec();
    shape[axis] = 2 * len;
    pairs.reshape(shape)
}

/// Plain form of [`super::join_doubled`].
///
/// # Errors
/// When the shapes do not fit.
pub fn join_doubled(x: &Tensor, coarse: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = coarse.dims4()?;
    Tensor::cat(&[x, &coarse.upsample_nearest2d(2 * height, 2 * width)?], 1)
}

/// Plain form of [`super::blur`].
///
/// # Errors
/// When the picture is smaller than the kernel.
pub fn blur(x: &Tensor, padding: usize, stride: usize) -> Result<Tensor> {
    blur_axis(&blur_axis(x, 2, padding, stride)?, 3, padding, stride)
}

fn blur_axis(x: &Tensor, axis: usize, padding: usize, stride: usize) -> Result<Tensor> {
    let padded = x.pad_with_zeros(axis, padding, padding)?;
    let len = (padded.dim(axis)?).saturating_sub(3);
    let tap = |offset: usize, weight: f64| padded.narrow(axis, offset, len)?.affine(weight, 0.0);
    let blurred = (((tap(0, 0.125)? + tap(1, 0.375)?)? + tap(2, 0.375)?)? + tap(3, 0.125)?)?;
    if stride == 1 {
        return Ok(blurred);
    }
    let kept: Vec<u32> = (0..len as u32).step_by(stride).collect();
    blurred.index_select(&Tensor::new(kept, x.device())?, axis)
}
