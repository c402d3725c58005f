//! The fine encoder: what the encoder left out of a photo's finest style codes, in one pass or two. From the photo, the picture that
//! is drawn of the codes so far, their difference and those codes it finds what is to be added to the codes of the finest
//! two levels. The coarse codes stay the encoder's: meaning lives there. (The idea is pSp's and ReStyle's, Richardson et al. 2021
//! and Alaluf et al. 2021: encoding into W+, and again from what the first pass left over; here into codes that have a place.)
//!
//! A U of three levels, plain 3x3 convolutions with bias and leaky ReLU 0.2; widths in [`FineEncoderConfig`]. It computes in f32
//! whatever the dtype of the generator.

use candle_core::{DType, Result, Tensor};

use crate::config::{Config, FineEncoderConfig};
use crate::kernels;
use crate::kernels::conv::After;
use crate::layers::{Conv, Loader};

/// The channels of photo, picture and difference.
const PICTURE_CHANNELS: usize = 9;

/// A convolution with its bias; activated unless it gives residuals.
struct Layer {
    conv: Conv,
    bias: Tensor,
    is_activated: bool,
}

impl Layer {
    fn load(loader: &Loader<'_>, key: &str, [channels_out, channels_in]: [usize; 2]) -> Result<Self> {
        let is_activated = !key.contains("delta");
        let stride = if key.contains("down") { 2 } else { 1 };
        // The kernels' activation is sqrt(2) times leaky ReLU, which is homogeneous.
        let scale = if is_activated { std::f64::consts::FRAC_1_SQRT_2 } else { 1.0 };
        let loader = loader.pp(key);
        let weight = (loader.get((channels_out, channels_in, 3, 3), "weight")? * scale)?;
        let bias = loader.keep(&(loader.get(channels_out, "bias")? * scale)?)?;
        Ok(Self { conv: Conv::new(&loader, &weight, 1, stride)?, bias, is_activated })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let after = if self.is_activated { After::BiasActivation(&self.bias) } else { After::Bias(&self.bias) };
        self.conv.forward(x, after)
    }
}

/// The fine encoder, network `fine`.
pub struct FineEncoder {
    passes: usize,
    top: [Layer; 2],
    down_mid: Layer,
    mid: [Layer; 2],
    down_low: Layer,
    low: [Layer; 2],
    up_mid: Layer,
    delta_mid: Layer,
    up_top: Layer,
    delta_top: Layer,
}

/// The key of every convolution.
const KEYS: [&str; 12] = [
    "fine.top.0",
    "fine.top.1",
    "fine.down_mid",
    "fine.mid.0",
    "fine.mid.1",
    "fine.down_low",
    "fine.low.0",
    "fine.low.1",
    "fine.up_mid",
    "fine.up_top",
    "fine.delta_mid",
    "fine.delta_top",
];

/// Every convolution's key, and its channels out and in.
///
/// # Errors
/// When the configuration has no such levels.
pub(crate) fn shapes(config: &Config) -> crate::Result<Vec<(&'static str, [usize; 2])>> {
    let Some(FineEncoderConfig { top_width: top, mid_width: mid, .. }) = config.fine_encoder else {
        return Ok(Vec::new());
    };
    let codes_top = 2 * config.code_width(config.size)?;
    let codes_mid = 2 * config.code_width(config.size / 2)?;
    let channels = [
        [top, PICTURE_CHANNELS + codes_top],
        [top, top],
        [mid, top],
        [mid, mid + codes_mid],
        [mid, mid],
        [mid, mid],
        [mid, mid],
        [mid, mid],
        [mid, 2 * mid],
        [top, top + mid],
        [codes_mid, mid],
        [codes_top, top],
    ];
    Ok(KEYS.into_iter().zip(channels).collect())
}

impl FineEncoder {
    /// Reads the tensors below `fine`; `None` where the configuration has no fine encoder.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape than the configuration says.
    pub fn load(loader: &Loader<'_>, config: &Config) -> crate::Result<Option<Self>> {
        let Some(FineEncoderConfig { passes, .. }) = config.fine_encoder else { return Ok(None) };
        let loader = loader.in_f32();
        let mut layers = Vec::new();
        for (key, channels) in shapes(config)? {
            layers.push(Layer::load(&loader, key, channels)?);
        }
        let layers: [Layer; KEYS.len()] =
            layers.try_into().map_err(|_| crate::Error::ModelShape("its fine encoder is incomplete".to_owned()))?;
        let [top_0, top_1, down_mid, mid_0, mid_1, down_low, low_0, low_1, up_mid, up_top, delta_mid, delta_top] =
            layers;
        Ok(Some(Self {
            passes,
            top: [top_0, top_1],
            down_mid,
            mid: [mid_0, mid_1],
            down_low,
            low: [low_0, low_1],
            up_mid,
            delta_mid,
            up_top,
            delta_top,
        }))
    }

    /// How often it is applied to a photo.
    pub fn passes(&self) -> usize {
        self.passes
    }

    /// What is to be added to the finest four style codes. `target`, `picture`: what should be seen and what is, (N, 3, size, size) in
    /// [-1, 1]; `codes`: two (N, K, size / 2, size / 2), then two (N, K, size, size), whose shapes the residuals have.
    ///
    /// # Errors
    /// When the shapes do not fit or the device fails.
    pub fn forward(&self, target: &Tensor, picture: &Tensor, codes: &[Tensor]) -> Result<Vec<Tensor>> {
        let [mid_a, mid_b, top_a, top_b] = codes else {
            candle_core::bail!("a fine encoder takes four style codes, not {}", codes.len());
        };
        let in_f32 = |x: &Tensor| x.to_dtype(DType::F32);
        let (target, picture) = (in_f32(target)?, in_f32(picture)?);
        let difference = (&target - &picture)?;
        let top = kernels::join(&[&target, &picture, &difference, &in_f32(top_a)?, &in_f32(top_b)?])?;
        let top = self.top[1].forward(&self.top[0].forward(&top)?)?;
        let mid = kernels::join(&[&self.down_mid.forward(&top)?, &in_f32(mid_a)?, &in_f32(mid_b)?])?;
        let mid = self.mid[1].forward(&self.mid[0].forward(&mid)?)?;
        let low = self.low[0].forward(&self.down_low.forward(&mid)?)?;
        let low = self.low[1].forward(&low)?;
        let mid = self.up_mid.forward(&kernels::join_doubled(&mid, &low)?)?;
        let delta_mid = self.delta_mid.forward(&mid)?.chunk(2, 1)?;
        let top = self.up_top.forward(&kernels::join_doubled(&top, &mid)?)?;
        let delta_top = self.delta_top.forward(&top)?.chunk(2, 1)?;
        delta_mid
            .iter()
            .chain(&delta_top)
            .zip(codes)
            .map(|(delta, code)| delta.to_dtype(code.dtype())?.contiguous())
            .collect()
    }
}
