//! The decoder: a stylemap to a picture (paper, section 3.1), in the three stages that the engine caches and repeats
//! separately: the chain of style codes, the modulations (linear in the codes), and the main path.

mod gradient;
mod kept;
mod maps;
mod on_cpu;
mod plain;
mod preview;

use candle_core::{DType, Device, Result, Tensor};

use crate::cancel::Cancel;
use crate::config::{Config, FINE_CODES};
use crate::kernels;
use crate::kernels::conv::After;
use crate::layers::{Conv, ConvLayer, Loader, UpConv, equalised_scale};

pub(crate) use gradient::FinePath;
pub use kept::{FINE_LEVEL, Kept};
use maps::Buffers;
pub(crate) use plain::PlainPath;
pub use preview::Part;

enum CodeLayer {
    Plain(ConvLayer),
    Up(UpConv),
}

/// Gamma and beta of one modulated convolution, as one 3x3 convolution of the style code: linear, with bias.
pub struct Modulator {
    conv: Conv,
    /// Bias of gamma, then of beta: (2 C).
    bias: Tensor,
    /// The bias on the host.
    bias_values: Vec<f32>,
}

impl Modulator {
    fn load(loader: &Loader<'_>, code_width: usize, channels: usize) -> Result<Self> {
        let scale = equalised_scale(code_width, 3);
        let weight = |name: &str| loader.get((channels, code_width, 3, 3), name);
        let weight = (Tensor::cat(&[weight("gamma.weight")?, weight("beta.weight")?], 0)? * scale)?;
        let bias = Tensor::cat(&[loader.get(channels, "gamma.bias")?, loader.get(channels, "beta.bias")?], 0)?;
        let bias = loader.keep(&bias)?;
        let bias_values = bias.to_dtype(DType::F32)?.to_vec1()?;
        Ok(Self { conv: Conv::new(loader, &weight, 1, 1)?, bias, bias_values })
    }

    /// A style code (N, K, r, r) to its modulation (N, 2 C, r, r), gamma before beta.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward(&self, code: &Tensor) -> Result<Tensor> {
        self.conv.forward(code, After::Bias(&self.bias))
    }

    /// The modulation of single cells: their codes' 3x3 neighbourhoods as columns (K * 9, cells) to (2 C, cells). With our own
    /// kernels.
    ///
    /// # Errors
    /// When the shapes do not fit, or candle computes.
    pub fn forward_cells(&self, neighbourhoods: &[f32], cells: usize) -> Result<Vec<f32>> {
        self.conv.forward_cells(neighbourhoods, cells, After::Bias(&self.bias))
    }
}

/// What a modulated convolution does after the modulation.
enum Body {
    Plain { conv: Conv, bias: Tensor },
    Up(UpConv),
}

struct ModulatedConv {
    body: Body,
    /// The bias on the host.
    bias_values: Vec<f32>,
}

impl ModulatedConv {
    fn load(loader: &Loader<'_>, channels_in: usize, channels_out: usize, kernel: usize, up: bool) -> Result<Self> {
        let weight = loader.get((1, channels_out, channels_in, kernel, kernel), "conv.weight")?.squeeze(0)?;
        let weight = (weight * equalised_scale(channels_in, kernel))?;
        let bias = loader.get(channels_out, "activate.bias")?;
        let kept_bias = loader.keep(&bias)?;
        let bias_values = kept_bias.to_dtype(DType::F32)?.to_vec1()?;
        let body = if up {
            Body::Up(UpConv::new(loader, &weight, &bias)?)
        } else {
            Body::Plain { conv: Conv::new(loader, &weight, kernel / 2, 1)?, bias: kept_bias }
        };
        Ok(Self { body, bias_values })
    }

    fn forward(&self, x: &Tensor, modulation: &Tensor) -> Result<Tensor> {
        let x = kernels::normalize_modulate(x, modulation)?;
        match &self.body {
            Body::Plain { conv, bias } => conv.forward(&x, After::BiasActivation(bias)),
            Body::Up(up) => up.forward(&x),
        }
    }
}

struct Block {
    conv1: ModulatedConv,
    conv2: ModulatedConv,
    skip: Conv,
}

/// The decoder, network `g_ema.decoder`.
pub struct Generator {
    chain: Vec<CodeLayer>,
    modulators: Vec<Modulator>,
    constant: Tensor,
    first: ModulatedConv,
    blocks: Vec<Block>,
    to_rgb: ModulatedConv,
    buffers: Buffers,
}

impl Generator {
    /// Reads the tensors below `g_ema.decoder`.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape than the configuration says.
    pub fn load(loader: &Loader<'_>, config: &Config) -> crate::Result<Self> {
        let (main, code) = (|level| config.main_width(level), |level| config.code_width(level));
        let base = config.base;
        let latent = loader.pp("convs_latent").in_f32();
        let mut chain = vec![
            CodeLayer::Plain(ConvLayer::load(&latent.pp(0), config.style_dim, code(base)?, 3)?),
            CodeLayer::Plain(ConvLayer::load(&latent.pp(1), code(base)?, code(base)?, 3)?),
        ];
        let first = loader.pp("conv1");
        let mut modulators = vec![Modulator::load(&first.pp("conv"), code(base)?, main(base)?)?];
        let mut blocks = Vec::new();
        for (i, level) in config.levels().enumerate() {
            let (code_in, code_out) = (code(level / 2)?, code(level)?);
            chain.push(CodeLayer::Up(UpConv::load(&latent.pp(2 * i + 2), code_in, code_out)?));
            chain.push(CodeLayer::Plain(ConvLayer::load(&latent.pp(2 * i + 3), code_out, code_out, 3)?));
            let (main_in, main_out) = (main(level / 2)?, main(level)?);
            let block = loader.pp("convs").pp(i);
            let (conv1, conv2) = (block.pp("conv1"), block.pp("conv2"));
            modulators.push(Modulator::load(&conv1.pp("conv"), code_in, main_in)?);
            modulators.push(Modulator::load(&conv2.pp("conv"), code_out, main_out)?);
            let skip = (block.get((main_out, main_in, 1, 1), "skip.0.weight")? * equalised_scale(main_in, 1))?;
            blocks.push(Block {
                conv1: ModulatedConv::load(&conv1, main_in, main_out, 3, true)?,
                conv2: ModulatedConv::load(&conv2, main_out, main_out, 3, false)?,
                skip: Conv::new(&block, &skip, 0, 1)?,
            });
        }
        let to_rgb = loader.pp("to_rgb");
        modulators.push(Modulator::load(&to_rgb.pp("conv"), code(config.size)?, main(config.size)?)?);
        Ok(Self {
            chain,
            modulators,
            constant: loader.keep(&loader.get((1, main(base)?, base, base), "input.input")?)?,
            first: ModulatedConv::load(&first, main(base)?, main(base)?, 3, false)?,
            blocks,
            to_rgb: ModulatedConv::load(&to_rgb, main(config.size)?, 3, 1, false)?,
            buffers: Buffers::default(),
        })
    }

    /// Turns stylemaps (N, style_dim, base, base) into the chain of style codes, two per level from the stylemap's up, of the same dtype. Like
    /// the encoder it runs once a face, and computes in f32.
    ///
    /// # Errors
    /// When the shape does not fit or the device fails.
    pub fn style_codes(&self, stylemaps: &Tensor) -> Result<Vec<Tensor>> {
        let mut code = stylemaps.to_dtype(DType::F32)?;
        let codes = self.chain.iter().map(|layer| {
            code = match layer {
                CodeLayer::Plain(layer) => layer.forward(&code)?,
                CodeLayer::Up(layer) => layer.forward(&code)?,
            };
            code.to_dtype(stylemaps.dtype())
        });
        codes.collect()
    }

    /// Where it computes.
    pub(crate) fn device(&self) -> &Device {
        self.constant.device()
    }

    /// The modulators; number i takes style code i.
    pub fn modulators(&self) -> &[Modulator] {
        &self.modulators
    }

    /// Turns every style code into its modulation.
    ///
    /// # Errors
    /// When the shapes do not fit or the device fails.
    pub fn modulations(&self, codes: &[Tensor]) -> Result<Vec<Tensor>> {
        self.modulators.iter().zip(codes).map(|(modulator, code)| modulator.forward(code)).collect()
    }

    /// The finest four style codes of `codes`, with these residuals added to them.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn with_residuals(&self, codes: &[Tensor], residuals: Option<&[Tensor]>) -> Result<Vec<Tensor>> {
        let fine = codes.get(codes.len().saturating_sub(FINE_CODES)..).unwrap_or_default();
        match residuals {
            None => Ok(fine.to_vec()),
            Some(residuals) => fine.iter().zip(residuals).map(|(code, residual)| code + residual).collect(),
        }
    }

    /// Adds residuals to the finest four of all style codes.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn add_residuals(&self, codes: &mut [Tensor], residuals: &[Tensor]) -> Result<()> {
        let fine = self.with_residuals(codes, Some(residuals))?;
        put_last(codes, fine);
        Ok(())
    }

    /// Computes the finest four of all modulations anew, from these four style codes.
    ///
    /// # Errors
    /// When the shapes do not fit or the device fails.
    pub fn update_fine_modulations(&self, modulations: &mut [Tensor], fine_codes: &[Tensor]) -> Result<()> {
        let fine = self.modulators.get(self.modulators.len().saturating_sub(FINE_CODES)..).unwrap_or_default();
        let fine = fine.iter().zip(fine_codes).map(|(modulator, code)| modulator.forward(code));
        put_last(modulations, fine.collect::<Result<Vec<_>>>()?);
        Ok(())
    }

    /// Draws images (N, 3, size, size), not clamped, of modulations. `cancel` is looked at between the levels.
    ///
    /// # Errors
    /// When the shapes do not fit, the device fails, or on [`Cancel::cancel`].
    pub fn main_path(&self, modulations: &[Tensor], cancel: &Cancel) -> crate::Result<Tensor> {
        let [first, blocks @ .., last] = modulations else {
            return Err(crate::Error::argument("the main path needs a modulation per style code"));
        };
        if blocks.len() != 2 * self.blocks.len() {
            return Err(crate::Error::argument("the main path needs a modulation per style code"));
        }
        if kernels::are_used_on(first.device()) {
            return self.main_path_on_cpu(modulations, cancel);
        }
        let batch = first.dim(0)?;
        let constant = if batch == 1 { self.constant.clone() } else { self.constant.repeat((batch, 1, 1, 1))? };
        let mut x = self.first.forward(&constant, first)?;
        for (block, modulations) in self.blocks.iter().zip(blocks.chunks_exact(2)) {
            cancel.check()?;
            let inner = block.conv1.forward(&x, &modulations[0])?;
            let inner = block.conv2.forward(&inner, &modulations[1])?;
            x = kernels::add_upsampled(inner, &block.skip.forward(&x, After::Nothing)?)?;
        }
        cancel.check()?;
        Ok(self.to_rgb.forward(&x, last)?)
    }

    /// Draws images (N, 3, size, size), not clamped, of style codes.
    ///
    /// # Errors
    /// When the shapes do not fit or the device fails.
    pub fn decode_codes(&self, codes: &[Tensor]) -> crate::Result<Tensor> {
        self.main_path(&self.modulations(codes)?, &Cancel::default())
    }

    /// Draws images (N, 3, size, size), not clamped, of stylemaps (N, style_dim, base, base).
    ///
    /// # Errors
    /// When the shapes do not fit or the device fails.
    pub fn decode(&self, stylemaps: &Tensor) -> crate::Result<Tensor> {
        self.decode_codes(&self.style_codes(stylemaps)?)
    }
}

/// Puts tensors in the place of the last of `all`.
fn put_last(all: &mut [Tensor], last: Vec<Tensor>) {
    let first = all.len().saturating_sub(last.len());
    all.iter_mut().skip(first).zip(last).for_each(|(all, last)| *all = last);
}
