//! The fine part of the main path, and the gradient of a loss on its picture with respect to the fine style codes, on our own kernels.
//!
//! What lies below the first code that moves is computed once. From there on every map that the way back needs is kept: of a
//! modulated convolution what it normalised, of an activation what it gave. Gradients of weights are not computed.

use candle_core::Tensor;

use crate::cancel::Cancel;
use crate::kernels::{Finish, Fused, Input, Normalized, Reading, Sums, skip_backward};
use crate::layers::Conv;

use super::maps::{Buffers, Map};
use super::on_cpu::{Run, incomplete, with_values};
use super::{Block, Body, Generator, ModulatedConv, Modulator};

/// The picture as a function of the style codes from one level on, of one face.
pub(crate) struct FinePath {
    /// The number of blocks below.
    blocks_below: usize,
    /// What the first modulated convolution normalises.
    below: Map,
    /// The skip path around it; none at the stylemap's level.
    skip: Option<Map>,
    /// Of the passes before: what a step needs is much, and about the same in every step.
    buffers: Buffers,
}

/// A level's map, as the way back needs it.
struct Level {
    /// With the skip path added.
    map: Map,
    /// Without, where there is one.
    activated: Option<Map>,
}

impl Level {
    /// A gradient with respect to the level's map, read as that with respect to its convolution's output.
    fn behind<'a>(&'a self, gradient: &'a Map) -> Input<'a> {
        let (activated, factor) = match &self.activated {
            Some(activated) => (activated, std::f32::consts::FRAC_1_SQRT_2),
            None => (&self.map, 1.0),
        };
        gradient.read(Reading::BehindActivation { activated: activated.values(), factor })
    }
}

/// What a picture was made of.
pub(crate) struct Tape {
    /// One per style code that moves.
    modulations: Vec<Map>,
    levels: Vec<Level>,
    /// Between the two convolutions of every block above the first level.
    inner: Vec<Map>,
    image: Map,
}

impl Tape {
    /// The picture: (3, size, size).
    pub(crate) fn image(&self) -> &[f32] {
        self.image.values()
    }
}

impl FinePath {
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
        let buffers = Buffers::default();
        let below = codes.get(..first_code).filter(|_| first_code.is_multiple_of(2)).ok_or_else(incomplete)?;
        let modulations = generator.modulations(below)?;
        let run = Run::over(generator, &buffers, cancel);
        let (below, skip) = with_values(&modulations, 0, |modulations| {
            let Some((last, modulations)) = modulations.split_last() else { return Ok((run.constant()?, None)) };
            let blocks_whole = modulations.len() / 2;
            let mut x = run.lower(modulations, blocks_whole)?;
            let block = generator.blocks.get(blocks_whole).ok_or_else(incomplete)?;
            cancel.check()?;
            let skip = run.plain(&block.skip, &x.read(Reading::Plain), Fused::default())?;
            x = run.modulated(&block.conv1, &x, last, None, true)?;
            Ok((x, Some(skip)))
        })?;
        Ok(Self { blocks_below: first_code / 2, below, skip, buffers })
    }

    /// The blocks whose both convolutions are modulated by codes that move.
    fn blocks<'a>(&self, generator: &'a Generator) -> &'a [Block] {
        generator.blocks.get(self.blocks_below..).unwrap_or_default()
    }

    /// The convolution that takes the first code that moves.
    fn start<'a>(&self, generator: &'a Generator) -> Option<&'a ModulatedConv> {
        match self.blocks_below.checked_sub(1) {
            None => Some(&generator.first),
            Some(below) => generator.blocks.get(below).map(|block| &block.conv2),
        }
    }

    /// Draws the picture of these codes (K, r, r): all from the first that moves.
    ///
    /// # Errors
    /// When the codes are not the generator's, or on [`Cancel::cancel`].
    pub(crate) fn forward(&self, generator: &Generator, codes: &[Vec<f32>], cancel: &Cancel) -> crate::Result<Tape> {
        let run = Run::over(generator, &self.buffers, cancel);
        let (start, blocks) = (self.start(generator).ok_or_else(incomplete)?, self.blocks(generator));
        let (first, of_blocks, last) = self.ends(generator, codes)?;
        let mut modulations = vec![first.modulation(&run, &self.below)?];
        let mut levels = vec![level(&run, start, &self.below, &modulations[0], self.skip.as_ref())?];
        let mut inner = Vec::new();
        for (block, [coarse, fine]) in blocks.iter().zip(of_blocks.as_chunks::<2>().0) {
            let Some(Level { map: x, .. }) = levels.last() else { return Err(incomplete()) };
            let coarse = coarse.modulation(&run, x)?;
            cancel.check()?;
            let skip = run.plain(&block.skip, &x.read(Reading::Plain), Fused::default())?;
            let between = run.modulated(&block.conv1, x, coarse.values(), None, true)?;
            let fine = fine.modulation(&run, &between)?;
            cancel.check()?;
            levels.push(level(&run, &block.conv2, &between, &fine, Some(&skip))?);
            inner.push(between);
            modulations.extend([coarse, fine]);
        }
        let Some(Level { map: x, .. }) = levels.last() else { return Err(incomplete()) };
        let last = last.modulation(&run, x)?;
        let image = run.to_rgb(x, last.values())?;
        modulations.push(last);
        Ok(Tape { modulations, levels, inner, image })
    }

    /// Every code with its modulator: the first, those of the blocks, the last.
    fn ends<'a>(
        &self,
        generator: &'a Generator,
        codes: &'a [Vec<f32>],
    ) -> crate::Result<(Modulated<'a>, Vec<Modulated<'a>>, Modulated<'a>)> {
        let modulators = generator.modulators.get(2 * self.blocks_below..).unwrap_or_default();
        if modulators.len() != codes.len() {
            return Err(incomplete());
        }
        let mut all = modulators.iter().zip(codes).map(|(modulator, code)| Modulated { modulator, code });
        let (Some(first), Some(last)) = (all.next(), all.next_back()) else { return Err(incomplete()) };
        Ok((first, all.collect(), last))
    }

    /// Brings a gradient with respect to a picture's values back to the codes that it was drawn of. `gradients`: one per code, (K, r, r).
    ///
    /// # Errors
    /// When the gradients are not as long as what they are of, or on [`Cancel::cancel`].
    pub(crate) fn backward(
        &self,
        generator: &Generator,
        tape: &Tape,
        image_gradient: &[f32],
        gradients: &mut [Vec<f32>],
        cancel: &Cancel,
    ) -> crate::Result<()> {
        let run = Run::over(generator, &self.buffers, cancel);
        let back =
            Back { run: &run, modulators: generator.modulators.get(2 * self.blocks_below..).unwrap_or_default() };
        let (start, blocks) = (self.start(generator).ok_or_else(incomplete)?, self.blocks(generator));
        let (Some(last), Some(modulation)) = (tape.levels.last(), tape.modulations.last()) else {
            return Err(incomplete());
        };
        let normalized = last.map.normalized(modulation.values());
        let image = &tape.image;
        let reading = Reading::BehindActivation { activated: image.values(), factor: 1.0 };
        let input = Input { values: image_gradient, height: image.height, width: image.width, reading };
        let (mut gradient, sums) = back.convolution(plain_conv(&generator.to_rgb)?, &input, &last.map, normalized)?;
        back.to_code(tape.modulations.len() - 1, &gradient, normalized, gradients)?;
        normalized.backward(gradient.values_mut(), &sums, None, false);
        for (index, level) in tape.levels.iter().enumerate().rev() {
            let modulation = |index: usize| tape.modulations.get(index).map(Map::values).ok_or_else(incomplete);
            let above = index.checked_sub(1);
            let (conv, inner) = match above {
                None => (start, &self.below),
                Some(above) => {
                    let (Some(block), Some(inner)) = (blocks.get(above), tape.inner.get(above)) else {
                        return Err(incomplete());
                    };
                    (&block.conv2, inner)
                }
            };
            let normalized = inner.normalized(modulation(2 * index)?);
            let (mut of_inner, sums) =
                back.convolution(plain_conv(conv)?, &level.behind(&gradient), inner, normalized)?;
            back.to_code(2 * index, &of_inner, normalized, gradients)?;
            // What lies below the first level does not move.
            let Some(above) = above else { break };
            let (Some(block), Some(Level { map: x, .. })) = (blocks.get(above), tape.levels.get(above)) else {
                return Err(incomplete());
            };
            normalized.backward(of_inner.values_mut(), &sums, None, true);
            let normalized = x.normalized(modulation(2 * index - 1)?);
            let (mut of_x, sums) = back.upsampling(&block.conv1, &of_inner, x, normalized)?;
            back.to_code(2 * index - 1, &of_x, normalized, gradients)?;
            let plus = back.skip_path(&block.skip, &gradient, x)?;
            normalized.backward(of_x.values_mut(), &sums, Some(plus.values()), false);
            gradient = of_x;
        }
        Ok(())
    }
}

/// A code and what makes its modulation.
struct Modulated<'a> {
    modulator: &'a Modulator,
    code: &'a [f32],
}

impl Modulated<'_> {
    /// Of this map.
    fn modulation(&self, run: &Run<'_>, of: &Map) -> crate::Result<Map> {
        run.check()?;
        let Self { modulator, code } = self;
        let input = Input { values: code, height: of.height, width: of.width, reading: Reading::Plain };
        let finish = Finish::Bias(&modulator.bias_values);
        Ok(run.plain(&modulator.conv, &input, Fused { finish, ..Fused::default() })?)
    }
}

/// A modulated convolution at the end of a level.
fn level(
    run: &Run<'_>,
    conv: &ModulatedConv,
    input: &Map,
    modulation: &Map,
    skip: Option<&Map>,
) -> crate::Result<Level> {
    let Body::Plain { conv: plain, .. } = &conv.body else { return Err(incomplete()) };
    let Some(channels) = plain.on_cpu().map(crate::kernels::conv::Conv::channels_out) else { return Err(incomplete()) };
    let input = input.modulated(modulation.values())?;
    let size = (input.height, input.width);
    let mut activated = skip.map(|_| run.map(channels * size.0 * size.1, size, Sums::default()));
    let fused = Fused {
        finish: Finish::BiasActivation(&conv.bias_values),
        activated: activated.as_mut().map(Map::values_mut),
        skip: skip.map(Map::values),
        sums: true,
    };
    Ok(Level { map: run.plain(plain, &input, fused)?, activated })
}

fn plain_conv(conv: &ModulatedConv) -> crate::Result<&Conv> {
    match &conv.body {
        Body::Plain { conv, .. } => Ok(conv),
        Body::Up(_) => Err(incomplete()),
    }
}

/// What a gradient goes back with.
struct Back<'a> {
    run: &'a Run<'a>,
    modulators: &'a [Modulator],
}

impl Back<'_> {
    /// Through a convolution to what was `normalized`, which is as large as `of`.
    fn convolution(
        &self,
        conv: &Conv,
        gradient: &Input<'_>,
        of: &Map,
        normalized: Normalized<'_>,
    ) -> crate::Result<(Map, Sums)> {
        self.run.check()?;
        let Some(conv) = conv.on_cpu() else { return Err(incomplete()) };
        let mut out = self.run.map(of.values().len(), (of.height, of.width), Sums::default());
        let sums = conv.run_backward(gradient, out.values_mut(), Some(normalized))?;
        Ok((out, sums))
    }

    /// Through an upsampling convolution.
    fn upsampling(
        &self,
        conv: &ModulatedConv,
        gradient: &Map,
        of: &Map,
        normalized: Normalized<'_>,
    ) -> crate::Result<(Map, Sums)> {
        self.run.check()?;
        let Body::Up(conv) = &conv.body else { return Err(incomplete()) };
        let Some(conv) = conv.on_cpu() else { return Err(incomplete()) };
        let mut out = self.run.map(of.values().len(), (of.height, of.width), Sums::default());
        let sums = conv.run_backward(&gradient.read(Reading::Plain), out.values_mut(), Some(normalized))?;
        Ok((out, sums))
    }

    /// From what was modulated to the code of its modulation.
    fn to_code(
        &self,
        index: usize,
        gradient: &Map,
        normalized: Normalized<'_>,
        gradients: &mut [Vec<f32>],
    ) -> crate::Result<()> {
        self.run.check()?;
        let (Some(modulator), Some(out)) = (self.modulators.get(index), gradients.get_mut(index)) else {
            return Err(incomplete());
        };
        let Some(conv) = modulator.conv.on_cpu() else { return Err(incomplete()) };
        conv.run_backward(&gradient.read(normalized.modulations_gradient()), out, None)?;
        Ok(())
    }

    /// Around a block, from its map to the one below.
    fn skip_path(&self, skip: &Conv, gradient: &Map, of: &Map) -> crate::Result<Map> {
        self.run.check()?;
        let Some(conv) = skip.on_cpu() else { return Err(incomplete()) };
        let size = (of.height, of.width);
        let mut halved = self.run.map(conv.channels_out() * size.0 * size.1, size, Sums::default());
        skip_backward(gradient.values(), size, halved.values_mut());
        let mut out = self.run.map(of.values().len(), size, Sums::default());
        conv.run_backward(&halved.read(Reading::Plain), out.values_mut(), None)?;
        Ok(out)
    }
}
