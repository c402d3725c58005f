//! The encoder: an aligned face photo to a stylemap in one pass (paper, section 3.2). It runs once a photo, and everything that is
//! drawn starts from what it gives: it computes in f32 whatever the dtype of the generator. (Of the error that bfloat16 weights
//! bring to a reconstruction it made nearly all: 0.029 of 0.030 with the model that we ship; the chain of style codes came next.)

use candle_core::{DType, Result, Tensor};

use crate::config::Config;
use crate::kernels;
use crate::kernels::conv::After;
use crate::layers::{Conv, ConvLayer, Loader, equalised_scale};

struct ResidualBlock {
    conv1: ConvLayer,
    conv2: Conv,
    conv2_bias: Tensor,
    skip: Conv,
}

impl ResidualBlock {
    fn load(loader: &Loader<'_>, channels_in: usize, channels_out: usize) -> Result<Self> {
        let weight = |name: &str, kernel: usize| -> Result<Tensor> {
            loader.get((channels_out, channels_in, kernel, kernel), name)? * equalised_scale(channels_in, kernel)
        };
        Ok(Self {
            conv1: ConvLayer::load(&loader.pp("conv1"), channels_in, channels_in, 3)?,
            conv2: Conv::new(loader, &weight("conv2.1.weight", 3)?, 0, 2)?,
            conv2_bias: loader.keep(&loader.get(channels_out, "conv2.2.bias")?)?,
            skip: Conv::new(loader, &weight("skip.1.weight", 1)?, 0, 1)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let inner = kernels::blur(&self.conv1.forward(x)?, 2, 1)?;
        let inner = self.conv2.forward(&inner, After::BiasActivation(&self.conv2_bias))?;
        // A 1x1 convolution of stride 2 reads every second blurred sample only.
        let skip = self.skip.forward(&kernels::blur(x, 1, 2)?, After::Nothing)?;
        (inner + skip)? * std::f64::consts::FRAC_1_SQRT_2
    }
}

/// The encoder, network `e_ema`.
pub struct Encoder {
    from_rgb: ConvLayer,
    blocks: Vec<ResidualBlock>,
    last: ConvLayer,
}

impl Encoder {
    /// Reads the tensors below `e_ema`.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape than the configuration says.
    pub fn load(loader: &Loader<'_>, config: &Config) -> crate::Result<Self> {
        let loader = loader.in_f32();
        let width = |level| config.encoder_width(level);
        let mut blocks = Vec::new();
        for (i, level) in config.levels().rev().enumerate() {
            blocks.push(ResidualBlock::load(&loader.pp("convs").pp(i), width(level)?, width(level / 2)?)?);
        }
        Ok(Self {
            from_rgb: ConvLayer::load(&loader.pp("from_rgb"), 3, width(config.size)?, 1)?,
            blocks,
            last: ConvLayer::load(&loader.pp("final_conv"), width(config.base)?, config.style_dim, 3)?,
        })
    }

    /// Encodes images (N, 3, size, size) in [-1, 1] to stylemaps (N, style_dim, base, base), of the same dtype.
    ///
    /// # Errors
    /// When the shape does not fit or the device fails.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let mut x = self.from_rgb.forward(&images.to_dtype(DType::F32)?)?;
        for block in &self.blocks {
            x = block.forward(&x)?;
        }
        self.last.forward(&x)?.to_dtype(images.dtype())
    }
}
