//! The mapping network: noise to a stylemap (paper, section 3.1). It computes in f32 whatever the dtype of the others: it costs
//! nothing, and in 16 bit its eight layers lose more than all that follows (StyleGAN2-ADA keeps it in f32 for the same reason).

use candle_core::{D, DType, Result, Tensor};

use crate::config::Config;
use crate::layers::{LinearLayer, Loader};

/// The mapping network, `g_ema.mapping_z`.
pub struct Mapping {
    layers: Vec<LinearLayer>,
    style_dim: usize,
    base: usize,
}

impl Mapping {
    /// Reads the tensors below `g_ema.mapping_z`; layer 0 there is the normalisation, which has none.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape than the configuration says.
    pub fn load(loader: &Loader<'_>, config: &Config) -> Result<Self> {
        let loader = loader.in_f32();
        let layers = (1..=config.mapping_layers)
            .map(|i| {
                let out = if i == config.mapping_layers { config.stylemap_len() } else { config.style_dim };
                LinearLayer::load(&loader.pp(i), config.style_dim, out, config.lr_mul)
            })
            .collect::<Result<_>>()?;
        Ok(Self { layers, style_dim: config.style_dim, base: config.base })
    }

    /// Maps noise (N, style_dim) to stylemaps (N, style_dim, base, base), of the same dtype.
    ///
    /// # Errors
    /// When the shape does not fit or the device fails.
    pub fn forward(&self, z: &Tensor) -> Result<Tensor> {
        let dtype = z.dtype();
        let z = z.to_dtype(DType::F32)?;
        let power = (z.sqr()?.mean_keepdim(D::Minus1)? + 1e-8)?;
        let mut x = z.broadcast_div(&power.sqrt()?)?;
        for layer in &self.layers {
            x = layer.forward(&x)?;
        }
        x.reshape((x.dim(0)?, self.style_dim, self.base, self.base))?.to_dtype(dtype)
    }
}
