//! Separable convolutions over maps whose channels lie side by side: a 1x1 convolution, and a 3x3 one of each channel by itself, a row
//! at a time, so that whoever runs several layers after one another can keep the rows between them in the cache.
//!
//! For the face detector, whose maps are large and whose channels are few: there the time goes into memory unless layers are joined.

use pulp::{Simd, WithSimd};

use super::simd::{load, store, with_vectors};

/// Outputs that are computed together: channels come in multiples of it.
pub(crate) const BLOCK: usize = 16;
/// Pixels of a row over which a depthwise convolution keeps the weights of one vector of channels.
const DEPTHWISE_PIXELS: usize = 16;

/// A 1x1 convolution, `bias[o] + sum over i of weight[o, i] * x[i]`.
pub(crate) struct Pointwise {
    inputs: usize,
    outputs: usize,
    /// (out / [`BLOCK`], in, [`BLOCK`]).
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Pointwise {
    /// `weight`: (out, in) with a bias per output. None where the outputs are no multiple of [`BLOCK`], or the lengths do not fit.
    pub(crate) fn new(weight: &[f32], bias: Vec<f32>, inputs: usize) -> Option<Self> {
        let outputs = bias.len();
        if inputs == 0 || outputs == 0 || !outputs.is_multiple_of(BLOCK) || weight.len() != inputs * outputs {
            return None;
        }
        let place = |i: usize| (i / (inputs * BLOCK) * BLOCK + i % BLOCK) * inputs + i / BLOCK % inputs;
        let weights = (0..weight.len()).map(|i| weight.get(place(i)).copied()).collect::<Option<_>>()?;
        Some(Self { inputs, outputs, weights, bias })
    }

    pub(crate) fn inputs(&self) -> usize {
        self.inputs
    }

    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    /// A row: `from` has `inputs` values per pixel and `to` `outputs`.
    pub(crate) fn row(&self, from: &[f32], to: &mut [f32], has_relu: bool) {
        with_vectors(PointwiseRow { layer: self, from, to, has_relu });
    }
}

struct PointwiseRow<'a> {
    layer: &'a Pointwise,
    from: &'a [f32],
    to: &'a mut [f32],
    has_relu: bool,
}

impl WithSimd for PointwiseRow<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        // As many sums as the registers hold, beside a row of weights and an input.
        match S::F32_LANES {
            16 => self.run::<S, 12, 1>(simd),
            8 => self.run::<S, 6, 2>(simd),
            4 => self.run::<S, 4, 4>(simd),
            _ => self.run_plain(),
        }
    }
}

impl PointwiseRow<'_> {
    #[inline(always)]
    fn run<S: Simd, const PIXELS: usize, const VECTORS: usize>(self, simd: S) {
        let Self { layer, from, to, has_relu } = self;
        let (inputs, outputs) = (layer.inputs, layer.outputs);
        let mut from = from.chunks_exact(PIXELS * inputs);
        let mut to = to.chunks_exact_mut(PIXELS * outputs);
        for (from, to) in (&mut from).zip(&mut to) {
            layer.pixels::<S, PIXELS, VECTORS>(simd, from, to, has_relu);
        }
        for (from, to) in from.remainder().chunks_exact(inputs).zip(to.into_remainder().chunks_exact_mut(outputs)) {
            layer.pixels::<S, 1, VECTORS>(simd, from, to, has_relu);
        }
    }

    #[inline(always)]
    fn run_plain(self) {
        let Self { layer, from, to, has_relu } = self;
        for (from, to) in from.chunks_exact(layer.inputs).zip(to.chunks_exact_mut(layer.outputs)) {
            let blocks = layer.weights.chunks_exact(layer.inputs * BLOCK).zip(layer.bias.chunks_exact(BLOCK));
            for ((weights, bias), to) in blocks.zip(to.chunks_exact_mut(BLOCK)) {
                to.copy_from_slice(bias);
                for (&value, weights) in from.iter().zip(weights.chunks_exact(BLOCK)) {
                    to.iter_mut().zip(weights).for_each(|(to, &weight)| *to += value * weight);
                }
                if has_relu {
                    to.iter_mut().for_each(|to| *to = to.max(0.0));
                }
            }
        }
    }
}

impl Pointwise {
    #[inline(always)]
    fn pixels<S: Simd, const PIXELS: usize, const VECTORS: usize>(
        &self,
        simd: S,
        from: &[f32],
        to: &mut [f32],
        has_relu: bool,
    ) {
        assert!(from.len() == PIXELS * self.inputs && to.len() == PIXELS * self.outputs, "a row of another size");
        let blocks = self.weights.chunks_exact(self.inputs * BLOCK).zip(self.bias.chunks_exact(BLOCK));
        for (block, (weights, bias)) in blocks.enumerate() {
            let mut sums = [load::<S, VECTORS>(bias); PIXELS];
            for (i, weights) in weights.chunks_exact(BLOCK).enumerate() {
                let weights = load::<S, VECTORS>(weights);
                for (pixel, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: `i` is less than the inputs, and `from` has those of all pixels by the assertion above.
                    let value = simd.splat_f32s(unsafe { *from.get_unchecked(pixel * self.inputs + i) });
                    for (sum, &weight) in sums.iter_mut().zip(&weights) {
                        *sum = simd.mul_add_e_f32s(value, weight, *sum);
                    }
                }
            }
            for (pixel, mut sums) in sums.into_iter().enumerate() {
                if has_relu {
                    sums = sums.map(|sum| simd.max_f32s(sum, simd.splat_f32s(0.0)));
                }
                store::<S, VECTORS>(&mut to[pixel * self.outputs + block * BLOCK..], sums);
            }
        }
    }
}

/// A 3x3 convolution of each channel by itself.
pub(crate) struct Depthwise {
    channels: usize,
    /// (9, channels).
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Depthwise {
    /// `weight`: (channels, 9) with a bias per channel. None where the channels are no multiple of [`BLOCK`], or the lengths do not fit.
    pub(crate) fn new(weight: &[f32], bias: Vec<f32>) -> Option<Self> {
        let channels = bias.len();
        if channels == 0 || !channels.is_multiple_of(BLOCK) || weight.len() != 9 * channels {
            return None;
        }
        let weights = (0..9 * channels).map(|i| weight.get(i % channels * 9 + i / channels).copied());
        Some(Self { channels, weights: weights.collect::<Option<_>>()?, bias })
    }

    /// A row, from the rows above, at and below it, which have one pixel more on each side.
    pub(crate) fn row(&self, near: [&[f32]; 3], to: &mut [f32], has_relu: bool) {
        with_vectors(DepthwiseRow { layer: self, near, to, has_relu });
    }
}

struct DepthwiseRow<'a> {
    layer: &'a Depthwise,
    near: [&'a [f32]; 3],
    to: &'a mut [f32],
    has_relu: bool,
}

impl WithSimd for DepthwiseRow<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { layer: Depthwise { channels, weights, bias }, near, to, has_relu } = self;
        let channels = *channels;
        let lanes = S::F32_LANES;
        assert!(near.iter().all(|row| row.len() == to.len() + 2 * channels), "a row of another size");
        let zero = simd.splat_f32s(0.0);
        for (part, to) in to.chunks_mut(DEPTHWISE_PIXELS * channels).enumerate() {
            let start = part * DEPTHWISE_PIXELS * channels;
            let near = near.map(|row| &row[start..start + to.len() + 2 * channels]);
            for channel in (0..channels).step_by(lanes) {
                let taps: [S::f32s; 9] =
                    std::array::from_fn(|tap| load::<S, 1>(&weights[tap * channels + channel..])[0]);
                let [bias] = load::<S, 1>(&bias[channel..]);
                for (x, to) in to.chunks_exact_mut(channels).enumerate() {
                    let mut sum = bias;
                    for (dy, row) in near.iter().enumerate() {
                        let row = &row[x * channels..(x + 3) * channels];
                        for dx in 0..3 {
                            let [value] = load::<S, 1>(&row[dx * channels + channel..]);
                            sum = simd.mul_add_e_f32s(value, taps[3 * dy + dx], sum);
                        }
                    }
                    if has_relu {
                        sum = simd.max_f32s(sum, zero);
                    }
                    store::<S, 1>(&mut to[channel..], [sum]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same each time.
    fn values(len: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as f32 / 32768.0 - 1.0
        };
        (0..len).map(next).collect()
    }

    #[test]
    fn rows_are_the_sums_that_they_stand_for() {
        for (inputs, outputs, width) in [(27, 16, 13), (16, 64, 1), (64, 64, 40), (3, 32, 7)] {
            let (weight, bias, from) = (values(inputs * outputs, 1), values(outputs, 2), values(width * inputs, 3));
            for has_relu in [false, true] {
                let mut to = vec![0.0; width * outputs];
                Pointwise::new(&weight, bias.clone(), inputs).unwrap().row(&from, &mut to, has_relu);
                for (i, &found) in to.iter().enumerate() {
                    let (pixel, out) = (i / outputs, i % outputs);
                    let products = (0..inputs).map(|i| weight[out * inputs + i] * from[pixel * inputs + i]);
                    let sum = bias[out] + products.sum::<f32>();
                    let expected = if has_relu { sum.max(0.0) } else { sum };
                    assert!((found - expected).abs() < 1e-4, "{inputs} to {outputs}, {i}: {found}, not {expected}");
                }
            }
        }
        for (channels, width) in [(16, 1), (64, 40), (32, 17)] {
            let (weight, bias) = (values(channels * 9, 4), values(channels, 5));
            let rows = [6, 7, 8].map(|seed| values((width + 2) * channels, seed));
            let mut to = vec![0.0; width * channels];
            Depthwise::new(&weight, bias.clone()).unwrap().row(rows.each_ref().map(Vec::as_slice), &mut to, false);
            for (i, &found) in to.iter().enumerate() {
                let channel = i % channels;
                let products = (0..9).map(|tap| weight[channel * 9 + tap] * rows[tap / 3][i + tap % 3 * channels]);
                let expected = bias[channel] + products.sum::<f32>();
                assert!((found - expected).abs() < 1e-4, "{channels} channels, {i}: {found}, not {expected}");
            }
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        assert!(Pointwise::new(&[0.0; 15], vec![0.0; 15], 1).is_none());
        assert!(Pointwise::new(&[0.0; 17], vec![0.0; 16], 1).is_none());
        assert!(Pointwise::new(&[], vec![0.0; 16], 0).is_none());
        assert!(Depthwise::new(&[0.0; 9 * 16 + 1], vec![0.0; 16]).is_none());
        assert!(Depthwise::new(&[], Vec::new()).is_none());
    }
}
