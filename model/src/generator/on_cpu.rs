//! The main path with our own kernels: layer norm, modulation, bias, activation and skip path go along with the convolutions, and
//! feature maps lie in buffers that are used again, so that a frame allocates nothing that is large.

use candle_core::{Result, Tensor, bail};

use crate::cancel::Cancel;
use crate::kernels::{Finish, Fused, Input, Reading, Sums, cpu_values};
use crate::layers::{Conv, UpConv};

use super::kept::{FINE_LEVEL, Kept};
use super::maps::{Buffers, Map};
use super::{Block, Body, Generator, ModulatedConv};

/// What one sample's main path runs with.
pub(super) struct Run<'a> {
    generator: &'a Generator,
    buffers: &'a Buffers,
    cancel: &'a Cancel,
}

impl<'a> Run<'a> {
    pub(super) fn new(generator: &'a Generator, cancel: &'a Cancel) -> Self {
        Self { generator, buffers: &generator.buffers, cancel }
    }

    /// With memory of its own.
    pub(super) fn over(generator: &'a Generator, buffers: &'a Buffers, cancel: &'a Cancel) -> Self {
        Self { generator, buffers, cancel }
    }

    /// A map that is to be written.
    pub(super) fn map(&self, len: usize, (height, width): (usize, usize), sums: Sums) -> Map {
        Map::new(self.buffers, len, (height, width), sums)
    }

    pub(super) fn plain(&self, conv: &Conv, input: &Input<'_>, fused: Fused<'_>) -> Result<Map> {
        let Some(conv) = conv.on_cpu() else { bail!("candle computes") };
        let len = conv.channels_out() * input.height * input.width;
        let mut map = self.map(len, (input.height, input.width), Sums::default());
        map.sums = conv.run(input, map.values_mut(), fused)?;
        Ok(map)
    }

    fn up(&self, conv: &UpConv, input: &Input<'_>, sums: bool) -> Result<Map> {
        let Some(conv) = conv.on_cpu() else { bail!("candle computes") };
        let len = conv.channels_out() * 4 * input.height * input.width;
        let mut map = self.map(len, (2 * input.height, 2 * input.width), Sums::default());
        map.sums = conv.run(input, map.values_mut(), sums)?;
        Ok(map)
    }

    pub(super) fn modulated(
        &self,
        conv: &ModulatedConv,
        x: &Map,
        modulation: &[f32],
        skip: Option<&Map>,
        sums: bool,
    ) -> Result<Map> {
        let input = x.modulated(modulation)?;
        match &conv.body {
            Body::Up(up) => self.up(up, &input, sums),
            Body::Plain { conv: plain, .. } => {
                let finish = Finish::BiasActivation(&conv.bias_values);
                let fused = Fused { finish, activated: None, skip: skip.map(Map::values), sums };
                self.plain(plain, &input, fused)
            }
        }
    }

    /// The level of the stylemap, from the constant.
    fn first(&self, modulation: &[f32]) -> Result<Map> {
        self.modulated(&self.generator.first, &self.constant()?, modulation, None, true)
    }

    /// The constant that everything begins with.
    pub(super) fn constant(&self) -> Result<Map> {
        let constant = cpu_values(&self.generator.constant);
        let constant = constant.slice()?;
        let sums = constant.chunks(1024).map(Sums::of).fold(Sums::default(), Sums::and);
        let side = self.generator.constant.dim(3)?;
        let mut map = self.map(constant.len(), (side, side), sums);
        map.values_mut().copy_from_slice(constant);
        Ok(map)
    }

    /// One level up: the new map, and the sums between its two convolutions. Where those are given (the map is a part of a larger
    /// one), no sums are made.
    pub(super) fn block(
        &self,
        block: &Block,
        x: &Map,
        modulations: [&[f32]; 2],
        inner_sums: Option<Sums>,
    ) -> crate::Result<(Map, Sums)> {
        self.cancel.check()?;
        let skip = self.plain(&block.skip, &x.read(Reading::Plain), Fused::default())?;
        let mut inner = self.modulated(&block.conv1, x, modulations[0], None, inner_sums.is_none())?;
        inner.sums = inner_sums.unwrap_or(inner.sums);
        self.cancel.check()?;
        let out = self.modulated(&block.conv2, &inner, modulations[1], Some(&skip), inner_sums.is_none())?;
        Ok((out, inner.sums))
    }

    pub(super) fn to_rgb(&self, x: &Map, modulation: &[f32]) -> crate::Result<Map> {
        self.cancel.check()?;
        Ok(self.modulated(&self.generator.to_rgb, x, modulation, None, false)?)
    }

    /// The map above the stylemap's level and so many blocks.
    pub(super) fn lower(&self, modulations: &[&[f32]], blocks: usize) -> crate::Result<Map> {
        let [first, of_blocks @ ..] = modulations else { return Err(incomplete()) };
        let mut x = self.first(first)?;
        for (block, modulations) in self.generator.blocks.iter().zip(of_blocks.as_chunks::<2>().0).take(blocks) {
            x = self.block(block, &x, *modulations, None)?.0;
        }
        Ok(x)
    }

    /// Fails on [`Cancel::cancel`].
    pub(super) fn check(&self) -> crate::Result<()> {
        self.cancel.check()
    }

    /// Up to the level where the fine ones begin, and how many blocks that took.
    pub(super) fn coarse(&self, modulations: &[&[f32]]) -> crate::Result<(Map, usize)> {
        let side = self.generator.constant.dim(3)?;
        let done = (0..self.generator.blocks.len()).take_while(|block| side << block < FINE_LEVEL).count();
        let modulations = modulations.get(..=2 * done).ok_or_else(incomplete)?;
        Ok((self.lower(modulations, done)?, done))
    }
}

pub(super) fn incomplete() -> crate::Error {
    crate::Error::argument("the main path needs a modulation per style code")
}

/// Runs `body` with the values of one sample's modulations, (N or 1, 2 C, r, r) each.
pub(super) fn with_values<R>(
    modulations: &[Tensor],
    sample: usize,
    body: impl FnOnce(&[&[f32]]) -> crate::Result<R>,
) -> crate::Result<R> {
    let of_sample =
        |modulation: &Tensor| modulation.get(if modulation.dim(0)? == 1 { 0 } else { sample })?.contiguous();
    let of_sample = modulations.iter().map(of_sample).collect::<Result<Vec<_>>>()?;
    let guards: Vec<_> = of_sample.iter().map(cpu_values).collect();
    let values = guards.iter().map(|guard| guard.slice()).collect::<Result<Vec<_>>>()?;
    body(&values)
}

impl Generator {
    /// The main path of a batch whose modulations our kernels take.
    pub(super) fn main_path_on_cpu(&self, modulations: &[Tensor], cancel: &Cancel) -> crate::Result<Tensor> {
        let batch = modulations.iter().map(|modulation| modulation.dim(0)).collect::<Result<Vec<_>>>()?;
        let batch = batch.into_iter().max().unwrap_or(1);
        let run = Run::new(self, cancel);
        let mut images = Vec::new();
        for sample in 0..batch {
            let image = with_values(modulations, sample, |modulations| self.sample_on_cpu(&run, modulations, None))?;
            images.extend_from_slice(image.values());
        }
        Ok(Tensor::from_vec(images, (batch, 3, self.side()?, self.side()?), self.constant.device())?)
    }

    /// Width and height of the picture.
    pub(super) fn side(&self) -> Result<usize> {
        Ok(self.constant.dim(3)? << self.blocks.len())
    }

    /// One sample, modulations (2 C, r, r). What a preview goes on from is left in `kept`.
    pub(super) fn sample_on_cpu(
        &self,
        run: &Run<'_>,
        modulations: &[&[f32]],
        mut kept: Option<&mut Kept>,
    ) -> crate::Result<Map> {
        let (mut x, done) = run.coarse(modulations)?;
        let [_, blocks @ .., last] = modulations else { return Err(incomplete()) };
        for (block, modulations) in self.blocks.iter().zip(blocks.as_chunks::<2>().0).skip(done) {
            let (above, inner) = run.block(block, &x, *modulations, None)?;
            let below = std::mem::replace(&mut x, above);
            if let Some(kept) = &mut kept {
                kept.push(below, inner);
            }
        }
        let image = run.to_rgb(&x, last)?;
        if let Some(kept) = kept {
            kept.finish(x, &image);
        }
        Ok(image)
    }
}
