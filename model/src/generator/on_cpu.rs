//! The main path with our own kernels: layer norm, modulation, bias, activation and skip path go along with the convolutions, and
//! feature maps lie in buffers that are used again, so that a frame allocates nothing that is large.

use std::sync::{Mutex, PoisonError};

use candle_core::{Result, Tensor, bail};

use crate::engine::Cancel;
use crate::kernels::{Fused, Input, Modulation, Sums, cpu_values};
use crate::layers::{Conv, UpConv};

use super::{Body, Generator, ModulatedConv};

/// Memory of the frames before.
#[derive(Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<f32>>>);

impl Buffers {
    /// `len` values, whatever they hold.
    fn take(&self, len: usize) -> Vec<f32> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fitting = (0..free.len()).filter(|index| free[*index].len() >= len).min_by_key(|index| free[*index].len());
        match fitting {
            Some(index) => free.swap_remove(index),
            None => vec![0.0; len],
        }
    }

    fn give(&self, buffer: Vec<f32>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(buffer);
    }
}

/// A feature map (C, side, side).
struct Map {
    /// As long as the map or longer.
    buffer: Vec<f32>,
    len: usize,
    side: usize,
    sums: Sums,
}

impl Map {
    fn values(&self) -> &[f32] {
        &self.buffer[..self.len]
    }

    fn modulated<'a>(&'a self, modulation: &'a [f32]) -> Result<Input<'a>> {
        let (mean, scale) = self.sums.statistics();
        let Some((gamma, beta)) = modulation.split_at_checked(self.len).filter(|(_, beta)| beta.len() == self.len)
        else {
            bail!("{} values of modulation for a map of {}", modulation.len(), self.len);
        };
        Ok(self.input(Some(Modulation { mean, scale, gamma, beta })))
    }

    fn input<'a>(&'a self, modulation: Option<Modulation<'a>>) -> Input<'a> {
        Input { values: self.values(), height: self.side, width: self.side, modulation }
    }
}

/// What one sample's main path runs with.
struct Run<'a> {
    buffers: &'a Buffers,
}

impl Run<'_> {
    fn plain(&self, conv: &Conv, input: &Input<'_>, fused: Fused<'_>) -> Result<Map> {
        let Some(conv) = conv.on_cpu() else { bail!("candle computes") };
        let len = conv.channels_out() * input.height * input.width;
        let mut buffer = self.buffers.take(len);
        let sums = conv.run(input, &mut buffer[..len], fused)?;
        Ok(Map { buffer, len, side: input.width, sums })
    }

    fn up(&self, conv: &UpConv, input: &Input<'_>) -> Result<Map> {
        let Some(conv) = conv.on_cpu() else { bail!("candle computes") };
        let len = conv.channels_out() * 4 * input.height * input.width;
        let mut buffer = self.buffers.take(len);
        let sums = conv.run(input, &mut buffer[..len])?;
        Ok(Map { buffer, len, side: 2 * input.width, sums })
    }

    fn modulated(
        &self,
        conv: &ModulatedConv,
        x: &Map,
        modulation: &[f32],
        skip: Option<&Map>,
        sums: bool,
    ) -> Result<Map> {
        let input = x.modulated(modulation)?;
        match &conv.body {
            Body::Up(up) => self.up(up, &input),
            Body::Plain { conv: plain, .. } => {
                let fused = Fused { bias: Some(&conv.bias_values), skip: skip.map(Map::values), sums };
                self.plain(plain, &input, fused)
            }
        }
    }
}

impl Generator {
    /// The main path of a batch whose modulations our kernels take: (N or 1, 2 C, r, r) each.
    pub(super) fn main_path_on_cpu(&self, modulations: &[Tensor], cancel: &Cancel) -> crate::Result<Tensor> {
        let batch = modulations.iter().map(|modulation| modulation.dim(0)).collect::<Result<Vec<_>>>()?;
        let batch = batch.into_iter().max().unwrap_or(1);
        let mut images = Vec::new();
        for sample in 0..batch {
            let of_sample =
                |modulation: &Tensor| modulation.get(if modulation.dim(0)? == 1 { 0 } else { sample })?.contiguous();
            let of_sample = modulations.iter().map(of_sample).collect::<Result<Vec<_>>>()?;
            images.extend(self.sample_on_cpu(&of_sample, cancel)?);
        }
        let side = self.constant.dim(3)? << self.blocks.len();
        Ok(Tensor::from_vec(images, (batch, 3, side, side), self.constant.device())?)
    }

    /// One sample, modulations (2 C, r, r).
    fn sample_on_cpu(&self, modulations: &[Tensor], cancel: &Cancel) -> crate::Result<Vec<f32>> {
        let guards: Vec<_> = modulations.iter().map(cpu_values).collect();
        let modulations = guards.iter().map(|guard| guard.slice()).collect::<Result<Vec<_>>>()?;
        let [first, blocks @ .., last] = modulations.as_slice() else {
            return Err(crate::Error::argument("the main path needs a modulation per style code"));
        };
        let buffers = &self.buffers;
        let run = Run { buffers };
        let constant = cpu_values(&self.constant);
        let constant = constant.slice()?;
        let mut buffer = buffers.take(constant.len());
        buffer[..constant.len()].copy_from_slice(constant);
        let sums = constant.chunks(1024).map(Sums::of).fold(Sums::default(), Sums::and);
        let constant = Map { buffer, len: constant.len(), side: self.constant.dim(3)?, sums };
        let mut x = run.modulated(&self.first, &constant, first, None, true)?;
        buffers.give(constant.buffer);
        for (block, modulations) in self.blocks.iter().zip(blocks.chunks_exact(2)) {
            cancel.check()?;
            let skip = run.plain(&block.skip, &x.input(None), Fused { bias: None, skip: None, sums: false })?;
            let inner = run.modulated(&block.conv1, &x, modulations[0], None, true)?;
            buffers.give(x.buffer);
            x = run.modulated(&block.conv2, &inner, modulations[1], Some(&skip), true)?;
            buffers.give(inner.buffer);
            buffers.give(skip.buffer);
        }
        cancel.check()?;
        let image = run.modulated(&self.to_rgb, &x, last, None, false)?;
        buffers.give(x.buffer);
        let values = image.values().to_vec();
        buffers.give(image.buffer);
        Ok(values)
    }
}
