//! The building blocks (network.md): equalised layers with their run-time scales folded into the weights at load time.
//!
//! An upsampling layer (transposed convolution, stride 2, then blur) has two forms, both exact, borders included. On a GPU it is
//! folded into ONE ordinary 3x3 convolution that gives the four output phases, followed by a pixel shuffle: four times the
//! multiplications, but one plain convolution. On the CPU the multiplications count: see [`kernels::conv`].

use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::VarBuilder;

use crate::kernels;
use crate::kernels::conv::After;

/// How weights are read: the source of tensors (f32), and where and as what they are kept.
#[derive(Clone)]
pub struct Loader<'a> {
    vars: VarBuilder<'a>,
    device: Device,
    /// What weights are rounded to.
    dtype: DType,
    /// What they are kept as.
    compute_dtype: DType,
}

/// What a device computes in when a model is wanted in `dtype`: the CPU has no half-precision convolution worth the name, so there
/// only the weights are rounded.
pub fn compute_dtype(device: &Device, dtype: DType) -> DType {
    if device.is_cpu() { DType::F32 } else { dtype }
}

impl<'a> Loader<'a> {
    /// A loader over `vars`, which must give f32 on the CPU; weights are rounded to `dtype` and go to `device`.
    pub fn new(vars: VarBuilder<'a>, device: &Device, dtype: DType) -> Self {
        Self { vars, device: device.clone(), dtype, compute_dtype: compute_dtype(device, dtype) }
    }

    /// This loader below a key's prefix.
    #[must_use]
    pub fn pp(&self, prefix: impl ToString) -> Self {
        Self { vars: self.vars.pp(prefix), ..self.clone() }
    }

    /// This loader with weights that stay in f32.
    #[must_use]
    pub fn in_f32(&self) -> Self {
        Self { dtype: DType::F32, compute_dtype: DType::F32, ..self.clone() }
    }

    /// A tensor of this shape, in f32 on the CPU.
    ///
    /// # Errors
    /// When it is missing or has another shape.
    pub fn get(&self, shape: impl Into<candle_core::Shape>, name: &str) -> Result<Tensor> {
        self.vars.get(shape.into(), name)
    }

    /// Moves a finished weight to the device, rounded to the dtype.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn keep(&self, weight: &Tensor) -> Result<Tensor> {
        weight.to_dtype(self.dtype)?.to_dtype(self.compute_dtype)?.to_device(&self.device)?.contiguous()
    }
}

/// An ordinary convolution on the device, scales already in the weight.
pub struct Conv(ConvForm);

enum ConvForm {
    /// Our kernels, in f32.
    Cpu(kernels::conv::Conv),
    Candle {
        weight: Tensor,
        padding: usize,
        stride: usize,
    },
}

impl Conv {
    /// A convolution by its `weight` (out, in, k, k), f32, with every scale in it.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn new(loader: &Loader<'_>, weight: &Tensor, padding: usize, stride: usize) -> Result<Self> {
        let weight = loader.keep(weight)?;
        Ok(Self(if kernels::are_used_on(weight.device()) {
            ConvForm::Cpu(kernels::conv::Conv::new(&weight, padding, stride)?)
        } else {
            ConvForm::Candle { weight, padding, stride }
        }))
    }

    /// Convolves (N, in, H, W) to (N, out, H', W').
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward(&self, x: &Tensor, after: After<'_>) -> Result<Tensor> {
        match &self.0 {
            ConvForm::Cpu(conv) => conv.forward(x, after),
            ConvForm::Candle { weight, padding, stride } => {
                let y = x.conv2d(weight, *padding, *stride, 1, 1)?;
                match after {
                    After::Nothing => Ok(y),
                    After::Bias(bias) => y.broadcast_add(&bias.reshape((1, (), 1, 1))?),
                    After::BiasActivation(bias) => kernels::bias_activation(y, bias),
                }
            }
        }
    }

    /// As [`Self::forward`], by candle's operations alone and in f32: what gradients go through on any device.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward_plain(&self, x: &Tensor) -> Result<Tensor> {
        match &self.0 {
            ConvForm::Cpu(conv) => x.conv2d(&conv.weight()?, conv.padding(), conv.stride(), 1, 1),
            ConvForm::Candle { weight, padding, stride } => {
                x.conv2d(&weight.to_dtype(DType::F32)?, *padding, *stride, 1, 1)
            }
        }
    }

    /// The kernel, where ours computes.
    pub(crate) fn on_cpu(&self) -> Option<&kernels::conv::Conv> {
        match &self.0 {
            ConvForm::Cpu(conv) => Some(conv),
            ConvForm::Candle { .. } => None,
        }
    }

    /// The convolution in single cells: their neighbourhoods as columns (in * k * k, cells) to (out, cells). With our own kernels.
    ///
    /// # Errors
    /// When the shapes do not fit, or candle computes.
    pub fn forward_cells(&self, neighbourhoods: &[f32], cells: usize, after: After<'_>) -> Result<Vec<f32>> {
        match &self.0 {
            ConvForm::Cpu(conv) => conv.forward_columns(neighbourhoods, cells, after),
            ConvForm::Candle { .. } => candle_core::bail!("single cells are convolved by our own kernels only"),
        }
    }
}

/// 1 / sqrt(in * k * k), the equalised convolution's scale.
pub fn equalised_scale(channels_in: usize, kernel: usize) -> f64 {
    1.0 / ((channels_in * kernel * kernel) as f64).sqrt()
}

/// A "conv layer, plain" with its bias activation.
pub struct ConvLayer {
    conv: Conv,
    bias: Tensor,
}

impl ConvLayer {
    /// Reads `0.weight` (out, in, k, k) and `1.bias` (out).
    ///
    /// # Errors
    /// When a tensor is missing or has another shape.
    pub fn load(loader: &Loader<'_>, channels_in: usize, channels_out: usize, kernel: usize) -> Result<Self> {
        let weight = loader.get((channels_out, channels_in, kernel, kernel), "0.weight")?;
        let weight = (weight * equalised_scale(channels_in, kernel))?;
        let bias = loader.keep(&loader.get(channels_out, "1.bias")?)?;
        Ok(Self { conv: Conv::new(loader, &weight, kernel / 2, 1)?, bias })
    }

    /// Convolves and activates (N, in, H, W) to (N, out, H, W).
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        self.conv.forward(x, After::BiasActivation(&self.bias))
    }
}

/// A 3x3 upsampling convolution, its blur and the bias activation that follows: (N, in, H, W) to (N, out, 2 H, 2 W).
pub struct UpConv(UpForm);

enum UpForm {
    /// By taps or by pairs of cells, with blur, bias and activation.
    Cpu(kernels::conv::UpConv),
    /// Folded into one plain convolution to four phases, then a pixel shuffle.
    Folded { phases: Conv, bias: Tensor },
}

impl UpConv {
    /// A layer by its `weight` (out, in, 3, 3), as in the checkpoint but with its scale, and its `bias` (out).
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn new(loader: &Loader<'_>, weight: &Tensor, bias: &Tensor) -> Result<Self> {
        let bias = loader.keep(bias)?;
        Ok(Self(if kernels::are_used_on(bias.device()) {
            UpForm::Cpu(kernels::conv::UpConv::new(&loader.keep(weight)?, &bias)?)
        } else {
            UpForm::Folded { phases: Conv::new(loader, &fold_upsampling(weight)?, 1, 1)?, bias }
        }))
    }

    /// The kernel, where ours computes.
    pub(crate) fn on_cpu(&self) -> Option<&kernels::conv::UpConv> {
        match &self.0 {
            UpForm::Cpu(up) => Some(up),
            UpForm::Folded { .. } => None,
        }
    }

    /// As [`Self::forward`], by candle's operations alone and in f32: what gradients go through on any device.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward_plain(&self, x: &Tensor) -> Result<Tensor> {
        let (phases, bias) = match &self.0 {
            UpForm::Cpu(up) => (x.conv2d(&fold_upsampling(&up.weight()?)?, 1, 1, 1, 1)?, up.bias()?),
            UpForm::Folded { phases, bias } => (phases.forward_plain(x)?, bias.to_dtype(DType::F32)?),
        };
        kernels::reference::pixel_shuffle_bias_activation(&phases, &bias)
    }

    /// Reads a style code's upsampling layer: `0.weight` (out, in, 3, 3) and `2.bias` (out).
    ///
    /// # Errors
    /// When a tensor is missing or has another shape.
    pub fn load(loader: &Loader<'_>, channels_in: usize, channels_out: usize) -> Result<Self> {
        let weight = loader.get((channels_out, channels_in, 3, 3), "0.weight")?;
        Self::new(loader, &(weight * equalised_scale(channels_in, 3))?, &loader.get(channels_out, "2.bias")?)
    }

    /// Convolves and activates (N, in, H, W) to (N, out, 2 H, 2 W).
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match &self.0 {
            UpForm::Cpu(up) => up.forward(x),
            UpForm::Folded { phases, bias } => {
                kernels::reference::pixel_shuffle_bias_activation(&phases.forward(x, After::Nothing)?, bias)
            }
        }
    }
}

/// Folds a transposed 3x3 convolution of stride 2 and the `[1,3,3,1]` blur with gain 4 and padding (1, 1) into one 3x3 convolution
/// with padding 1 whose output channel 4 o + 2 p + q is phase (p, q) of channel o.
///
/// Per axis: the transposed convolution puts `x[i] w[a]` at 2 i + a, the blur gathers `z[n] = sum_t k[t] y[n + t - 1]`; so output
/// n = 2 m + p takes `x[m + d]` with d = (p + t - 1 - a) / 2 where that is whole.
fn fold_upsampling(weight: &Tensor) -> Result<Tensor> {
    const BLUR: [f32; 4] = [0.25, 0.75, 0.75, 0.25];
    let tap = |p: usize, d: usize, a: usize| -> f32 {
        // The t with (p + t - 1 - a) / 2 = d - 1: d counts from 0 here.
        let t = (2 * d + a).checked_sub(p + 1);
        t.and_then(|t| BLUR.get(t)).copied().unwrap_or(0.0)
    };
    let (channels_out, channels_in, _, _) = weight.dims4()?;
    // Both axes at once, as a 9x9 matrix per phase, over the flattened kernels.
    let mut matrix = Vec::with_capacity(9 * 36);
    for a in 0..3 {
        for b in 0..3 {
            for (p, q) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                for d in 0..3 {
                    for e in 0..3 {
                        matrix.push(tap(p, d, a) * tap(q, e, b));
                    }
                }
            }
        }
    }
    let matrix = Tensor::from_vec(matrix, (9, 36), weight.device())?;
    let folded = weight.reshape((channels_out * channels_in, 9))?.matmul(&matrix)?;
    folded.reshape((channels_out, channels_in, 4, 3, 3))?.transpose(1, 2)?.contiguous()?.reshape((
        channels_out * 4,
        channels_in,
        3,
        3,
    ))
}

/// An equalised linear layer with activation.
pub struct LinearLayer {
    weight_transposed: Tensor,
    bias: Tensor,
}

impl LinearLayer {
    /// Reads `weight` (out, in) and `bias` (out); see network.md for `lr_mul`.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape.
    pub fn load(loader: &Loader<'_>, features_in: usize, features_out: usize, lr_mul: f64) -> Result<Self> {
        let weight = (loader.get((features_out, features_in), "weight")? * (lr_mul / (features_in as f64).sqrt()))?;
        let bias = (loader.get(features_out, "bias")? * lr_mul)?;
        Ok(Self { weight_transposed: loader.keep(&weight.t()?)?, bias: loader.keep(&bias)? })
    }

    /// Maps (N, in) to (N, out).
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = x.matmul(&self.weight_transposed)?;
        let y = y.unsqueeze(D::Minus1)?.unsqueeze(D::Minus1)?;
        kernels::bias_activation(y, &self.bias)?.flatten_from(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_upsampling_equals_the_literal_form_borders_included() {
        let device = Device::Cpu;
        for (n, c, o, h, w) in [(1, 3, 2, 4, 4), (2, 1, 1, 1, 1), (1, 2, 5, 3, 8)] {
            let x = Tensor::randn(0f32, 1.0, (n, c, h, w), &device).unwrap();
            let weight = Tensor::randn(0f32, 1.0, (o, c, 3, 3), &device).unwrap();
            let phases = x.conv2d(&fold_upsampling(&weight).unwrap(), 1, 1, 1, 1).unwrap();
            let folded = candle_nn::ops::pixel_shuffle(&phases, 2).unwrap();
            // The literal form: transposed convolution, zero padding, blur with gain 4.
            let wide = x.conv_transpose2d(&weight.transpose(0, 1).unwrap().contiguous().unwrap(), 0, 0, 2, 1).unwrap();
            let literal = (kernels::reference::blur(&wide, 1, 1).unwrap() * 4.0).unwrap();
            let difference = (folded - literal).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
            assert!(difference < 1e-5, "differs by {difference}");
        }
    }
}
