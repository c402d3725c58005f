//! The fine part of the main path by candle's operations, which know their own gradients: for other devices, and what
//! [`FinePath`](super::FinePath) is held against.

use candle_core::{DType, Result, Tensor};

use crate::cancel::Cancel;
use crate::kernels::reference;

use super::on_cpu::incomplete;
use super::{Body, Generator, ModulatedConv, Modulator};

impl Modulator {
    fn forward_plain(&self, code: &Tensor) -> Result<Tensor> {
        let bias = self.bias.to_dtype(DType::F32)?.reshape((1, (), 1, 1))?;
        self.conv.forward_plain(code)?.broadcast_add(&bias)
    }
}

impl ModulatedConv {
    fn forward_plain(&self, x: &Tensor, modulation: &Tensor) -> Result<Tensor> {
        let x = reference::normalize_modulate(x, modulation)?;
        match &self.body {
            Body::Plain { conv, bias } => {
                reference::bias_activation(&conv.forward_plain(&x)?, &bias.to_dtype(DType::F32)?)
            }
            Body::Up(up) => up.forward_plain(&x),
        }
    }
}

/// The picture as a function of the style codes from one level on, of one face, in f32.
pub(crate) struct PlainPath {
    blocks_below: usize,
    below: Tensor,
    skip: Option<Tensor>,
}

impl PlainPath {
    /// Computes what lies below style code `first_code`, the first of its level. `codes`: all of one face, (1, K, r, r).
    ///
    /// # Errors
    /// When there are too few codes, they are not the generator's, or on [`Cancel::cancel`].
    pub(crate) fn new(
        generator: &Generator,
        codes: &[Tensor],
        first_code: usize,
        cancel: &Cancel,
    ) -> crate::Result<Self> {
        let codes = codes.get(..first_code).filter(|_| first_code.is_multiple_of(2)).ok_or_else(incomplete)?;
        let modulations = generator.modulators.iter().zip(codes);
        let modulations = modulations.map(|(modulator, code)| modulator.forward_plain(&code.to_dtype(DType::F32)?));
        let modulations = modulations.collect::<Result<Vec<_>>>()?;
        let blocks_below = first_code / 2;
        let constant = generator.constant.to_dtype(DType::F32)?;
        let [first, of_blocks @ .., last] = modulations.as_slice() else {
            return Ok(Self { blocks_below, below: constant, skip: None });
        };
        let mut x = generator.first.forward_plain(&constant, first)?;
        for (block, modulations) in generator.blocks.iter().zip(of_blocks.as_chunks::<2>().0) {
            cancel.check()?;
            let inner = block.conv1.forward_plain(&x, &modulations[0])?;
            let inner = block.conv2.forward_plain(&inner, &modulations[1])?;
            x = reference::add_upsampled(&inner, &block.skip.forward_plain(&x)?)?;
        }
        let block = generator.blocks.get(blocks_below - 1).ok_or_else(incomplete)?;
        let skip = block.skip.forward_plain(&x)?;
        Ok(Self { blocks_below, below: block.conv1.forward_plain(&x, last)?, skip: Some(skip) })
    }

    /// Draws the picture (1, 3, size, size) of these codes (1, K, r, r): all from the first that moves.
    ///
    /// # Errors
    /// When the codes are not the generator's, or on [`Cancel::cancel`].
    pub(crate) fn forward(&self, generator: &Generator, codes: &[Tensor], cancel: &Cancel) -> crate::Result<Tensor> {
        let modulators = generator.modulators.get(2 * self.blocks_below..).unwrap_or_default();
        let modulations = modulators.iter().zip(codes);
        let modulations = modulations.map(|(modulator, code)| modulator.forward_plain(code));
        let modulations = modulations.collect::<Result<Vec<_>>>()?;
        let [first, of_blocks @ .., last] = modulations.as_slice() else { return Err(incomplete()) };
        let mut x = match &self.skip {
            None => generator.first.forward_plain(&self.below, first)?,
            Some(skip) => {
                let block = generator.blocks.get(self.blocks_below - 1).ok_or_else(incomplete)?;
                reference::add_upsampled(&block.conv2.forward_plain(&self.below, first)?, skip)?
            }
        };
        let blocks = generator.blocks.get(self.blocks_below..).unwrap_or_default();
        for (block, modulations) in blocks.iter().zip(of_blocks.as_chunks::<2>().0) {
            cancel.check()?;
            let inner = block.conv1.forward_plain(&x, &modulations[0])?;
            let inner = block.conv2.forward_plain(&inner, &modulations[1])?;
            x = reference::add_upsampled(&inner, &block.skip.forward_plain(&x)?)?;
        }
        Ok(generator.to_rgb.forward_plain(&x, last)?)
    }
}
