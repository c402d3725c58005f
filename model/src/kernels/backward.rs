//! Gradients on their way back through the main path, with respect to what goes in; those of weights are not needed. A
//! convolution's is a convolution with turned weights ([`turned_weight`]), by the same kernels; here is the rest: layer norm and modulation,
//! the upsampling convolution and the skip path.

use rayon::prelude::*;

use super::fused::{Input, Reading, Sums, lrelu_slope};
use super::matrix::multiply;
use super::simd::{Shared, vectorised, with_scratch};

const SQRT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
/// Cells that a task gathers: their patches stay in the cache.
const CELLS_AT_ONCE: usize = 128;
/// Values that are added up in f32, in so many lanes, before the sum goes on in f64.
const SUMMED_IN_F32: usize = 2048;
const LANES: usize = 16;
/// Values that a task of a pass over memory takes.
const VALUES_AT_ONCE: usize = 16 * 1024;

/// (out, in, k, k) to (in, out, k, k), every kernel turned by half a turn.
pub(super) fn turned_weight(weight: &[f32], (channels_in, channels_out): (usize, usize), kernel: usize) -> Vec<f32> {
    let taps = kernel * kernel;
    let mut out = Vec::with_capacity(weight.len());
    for channel_in in 0..channels_in {
        for channel_out in 0..channels_out {
            out.extend(weight[(channel_out * channels_in + channel_in) * taps..][..taps].iter().rev());
        }
    }
    out
}

/// (out, in, 3, 3) to (in, out * 9).
pub(super) fn gathering_weight(weight: &[f32], (channels_in, channels_out): (usize, usize)) -> Vec<f32> {
    let mut out = Vec::with_capacity(weight.len());
    for channel_in in 0..channels_in {
        for channel_out in 0..channels_out {
            out.extend_from_slice(&weight[(channel_out * channels_in + channel_in) * 9..][..9]);
        }
    }
    out
}

/// A map that was normalised and modulated, as a gradient with respect to the result needs it on its way back: y = (x - mean) *
/// scale * gamma + beta.
#[derive(Clone, Copy)]
pub(crate) struct Normalized<'a> {
    pub(crate) x: &'a [f32],
    pub(crate) mean: f32,
    pub(crate) scale: f32,
    /// As long as `x`.
    pub(crate) gamma: &'a [f32],
}

impl Normalized<'_> {
    /// A gradient with respect to the result, read as that with respect to gamma and beta.
    pub(crate) fn modulations_gradient(&self) -> Reading<'_> {
        Reading::OfModulation { x: self.x, mean: self.mean, scale: self.scale }
    }

    pub(super) fn fits(&self, len: usize) -> bool {
        self.x.len() == len && self.gamma.len() == len
    }

    /// Sums of the gradient with respect to what layer norm gave, and of its products with that, over values from `start` on.
    #[inline(always)]
    pub(super) fn sums(&self, start: usize, gradient: &[f32]) -> Sums {
        let mut sums = Sums { count: gradient.len(), ..Sums::default() };
        let x = self.x[start..].chunks(SUMMED_IN_F32);
        let gamma = self.gamma[start..].chunks(SUMMED_IN_F32);
        for ((gradient, x), gamma) in gradient.chunks(SUMMED_IN_F32).zip(x).zip(gamma) {
            let len = gradient.len();
            let [sum, products] = self.lanes_sums(gradient, &x[..len], &gamma[..len]);
            sums.sum += sum;
            sums.squares += products;
        }
        sums
    }

    #[inline(always)]
    fn lanes_sums(&self, gradient: &[f32], x: &[f32], gamma: &[f32]) -> [f64; 2] {
        let mut lanes = [[0f32; LANES]; 2];
        let rows = gradient.chunks(LANES).zip(x.chunks(LANES)).zip(gamma.chunks(LANES));
        for ((gradient, x), gamma) in rows {
            // Whole rows by themselves: their length is known.
            let whole = <&[f32; LANES]>::try_from(gradient)
                .and_then(|gradient| Ok((gradient, <&[f32; LANES]>::try_from(x)?, <&[f32; LANES]>::try_from(gamma)?)));
            if let Ok((gradient, x, gamma)) = whole {
                for i in 0..LANES {
                    let product = gradient[i] * gamma[i];
                    lanes[0][i] += product;
                    lanes[1][i] += product * ((x[i] - self.mean) * self.scale);
                }
            } else {
                for ((gradient, x), gamma) in gradient.iter().zip(x).zip(gamma) {
                    lanes[0][0] += gradient * gamma;
                    lanes[1][0] += gradient * gamma * ((x - self.mean) * self.scale);
                }
            }
        }
        lanes.map(|lanes| lanes.iter().map(|lane| f64::from(*lane)).sum())
    }

    /// A gradient with respect to what was modulated becomes, in place, that with respect to `x`. `sums`: those of [`Self::sums`] over the
    /// whole map; `plus`: another gradient with respect to `x`, added; `is_activated`: `x` comes from lrelu, and the
    /// gradient goes on to what that got.
    pub(crate) fn backward(&self, gradient: &mut [f32], sums: &Sums, plus: Option<&[f32]>, is_activated: bool) {
        let count = sums.count.max(1) as f64;
        let (mean, product_mean) = ((sums.sum / count) as f32, (sums.squares / count) as f32);
        gradient.par_chunks_mut(VALUES_AT_ONCE).enumerate().for_each(|(index, gradient)| {
            let (start, len) = (index * VALUES_AT_ONCE, gradient.len());
            let (x, gamma) = (&self.x[start..][..len], &self.gamma[start..][..len]);
            let back = |gradient: f32, x: f32, gamma: f32| {
                self.scale * (gradient * gamma - mean - (x - self.mean) * self.scale * product_mean)
            };
            vectorised(
                #[inline(always)]
                || {
                    let values = gradient.iter_mut().zip(x).zip(gamma);
                    match plus {
                        Some(plus) => {
                            for (((gradient, x), gamma), plus) in values.zip(&plus[start..][..len]) {
                                *gradient = back(*gradient, *x, *gamma) + plus;
                            }
                        }
                        None if is_activated => {
                            for ((gradient, x), gamma) in values {
                                *gradient = back(*gradient, *x, *gamma) * lrelu_slope(*x);
                            }
                        }
                        None => {
                            for ((gradient, x), gamma) in values {
                                *gradient = back(*gradient, *x, *gamma);
                            }
                        }
                    }
                },
            );
        });
    }
}

/// A gradient with respect to (x + upsample(skip)) / sqrt(2), see [`super::add_upsampled`], to that with respect to the skip path:
/// (C, 2 H, 2 W) to (C, H, W).
pub(crate) fn skip_backward(gradient: &[f32], (height, width): (usize, usize), out: &mut [f32]) {
    let fine = 2 * width;
    out.par_chunks_mut(height * width).zip(gradient.par_chunks(4 * height * width)).for_each(|(out, gradient)| {
        with_scratch(fine + 2, |line| {
            vectorised(
                #[inline(always)]
                || {
                    // Between a zero before and one behind.
                    (line[0], line[fine + 1]) = (0.0, 0.0);
                    for (y, out) in out.chunks_exact_mut(width).enumerate() {
                        let row = |y: usize| &gradient[y * fine..][..fine];
                        let inside = &mut line[1..=fine];
                        for ((inside, a), b) in inside.iter_mut().zip(row(2 * y)).zip(row(2 * y + 1)) {
                            *inside = 0.75 * SQRT_HALF * (a + b);
                        }
                        let far = [(2 * y).checked_sub(1), Some(2 * y + 2).filter(|row| *row < 2 * height)];
                        for far in far.into_iter().flatten() {
                            inside.iter_mut().zip(row(far)).for_each(|(inside, far)| *inside += 0.25 * SQRT_HALF * far);
                        }
                        for (x, out) in out.iter_mut().enumerate() {
                            let [before, a, b, behind] = [0, 1, 2, 3].map(|i| line[2 * x + i]);
                            *out = 0.75 * (a + b) + 0.25 * (before + behind);
                        }
                    }
                },
            );
        });
    });
}

/// The way back of an upsampling convolution: the blur, which is its own way back but for the borders, and a convolution of stride 2
/// over patches. `weight`: as [`gathering_weight`] gives it; `gradient`: (out, 2 H, 2 W); `out`: (in, H, W).
pub(super) fn gather_upsampled(
    weight: &[f32],
    channels @ (channels_in, channels_out): (usize, usize),
    gradient: &Input<'_>,
    out: &mut [f32],
    normalized: Option<Normalized<'_>>,
) -> Sums {
    let (height, width) = (gradient.height / 2, gradient.width / 2);
    let rows_per_thread = height.div_ceil(rayon::current_num_threads());
    let rows_at_once = (CELLS_AT_ONCE / width).clamp(1, rows_per_thread);
    let depth = channels_out * 9;
    let out = Shared::new(out);
    let parts = (0..height.div_ceil(rows_at_once)).into_par_iter().map(|part| {
        let first = part * rows_at_once;
        let rows = rows_at_once.min(height - first);
        let cells = rows * width;
        let lines_len = Lines::scratch_len(rows, width);
        with_scratch((depth + channels_in) * cells + lines_len, |scratch| {
            let (patches, rest) = scratch.split_at_mut(depth * cells);
            let (products, lines) = rest.split_at_mut(channels_in * cells);
            vectorised(
                #[inline(always)]
                || {
                    for (channel, patches) in patches.chunks_exact_mut(9 * cells).enumerate() {
                        Lines { gradient, channel, first, rows }.patches(lines, patches);
                    }
                },
            );
            multiply((channels.0, depth, cells), products, cells, weight, depth, patches, cells, false);
            vectorised(
                #[inline(always)]
                || {
                    let mut sums = Sums::default();
                    for (channel, products) in products.chunks_exact(cells).enumerate() {
                        let start = (channel * height + first) * width;
                        // SAFETY: every part has its own rows of every channel.
                        unsafe { out.slice(start, cells) }.copy_from_slice(products);
                        if let Some(normalized) = &normalized {
                            sums = sums.and(normalized.sums(start, products));
                        }
                    }
                    sums
                },
            )
        })
    });
    Sums::total(parts.collect())
}

/// Rows of one channel's gradient that some rows of cells gather from.
struct Lines<'a> {
    gradient: &'a Input<'a>,
    channel: usize,
    first: usize,
    rows: usize,
}

impl Lines<'_> {
    /// The gradient's rows from two above the cells' to two below, and three lines of half a row, each with one place more.
    fn scratch_len(rows: usize, width: usize) -> usize {
        (2 * rows + 4) * 2 * width + 2 * width + 4 * (width + 2)
    }

    /// What tap (a, b) reads for every cell: (9, rows, width). The transposed convolution's output j, which is blurred on the way
    /// forward, gets `(d[j+1] + d[j-2]) / 4 + 3 / 4 (d[j] + d[j-1])` of the gradient; cell m reads outputs 2 m, 2 m + 1 and 2 m + 2.
    #[inline(always)]
    fn patches(&self, scratch: &mut [f32], patches: &mut [f32]) {
        let width = self.gradient.width / 2;
        let (fine, cells) = (2 * width, self.rows * width);
        let (rows, rest) = scratch.split_at_mut((2 * self.rows + 4) * fine);
        let (blurred, rest) = rest.split_at_mut(fine);
        // A zero before even and odd values, and one behind.
        let (even, odd) = rest.split_at_mut(width + 2);
        let odd = &mut odd[..width + 2];
        (even[0], even[width + 1], odd[0], odd[width + 1]) = (0.0, 0.0, 0.0, 0.0);
        for (i, row) in rows.chunks_exact_mut(fine).enumerate() {
            self.gradient.read_row(self.channel, 2 * self.first + i, 2, row);
        }
        for j in 0..=2 * self.rows {
            let row = |i: usize| &rows[(j + i) * fine..][..fine];
            let (before, here) = (row(1), row(2));
            let (far, behind) = (row(0), row(3));
            for i in 0..fine {
                blurred[i] = 0.25 * (far[i] + behind[i]) + 0.75 * (before[i] + here[i]);
            }
            for ((pair, even), odd) in blurred.chunks_exact(2).zip(&mut even[1..=width]).zip(&mut odd[1..=width]) {
                (*even, *odd) = (pair[0], pair[1]);
            }
            let taps: [Option<(usize, usize)>; 2] = if j % 2 == 0 {
                [Some((0, j / 2)).filter(|_| j / 2 < self.rows), (j / 2).checked_sub(1).map(|m| (2, m))]
            } else {
                [Some((1, j / 2)), None]
            };
            let mut taps = taps.into_iter().flatten();
            let Some((a, m)) = taps.next() else { continue };
            let at = |a: usize, b: usize, m: usize| (3 * a + b) * cells + m * width;
            let (e0, e1, e2) = (&even[..width], &even[1..=width], &even[2..]);
            let (o0, o1, o2) = (&odd[..width], &odd[1..=width], &odd[2..]);
            let [to0, to1, to2] = rows_of_taps(patches, [0, 1, 2].map(|b| at(a, b, m)), width);
            for i in 0..width {
                to0[i] = 0.25 * (o1[i] + e0[i]) + 0.75 * (e1[i] + o0[i]);
                to1[i] = 0.25 * (e2[i] + o0[i]) + 0.75 * (o1[i] + e1[i]);
                to2[i] = 0.25 * (o2[i] + e1[i]) + 0.75 * (e2[i] + o1[i]);
            }
            for (again, m_again) in taps {
                for b in 0..3 {
                    patches.copy_within(at(a, b, m)..at(a, b, m) + width, at(again, b, m_again));
                }
            }
        }
    }
}

/// Three rows of this width, in their order.
#[inline(always)]
fn rows_of_taps(patches: &mut [f32], [at0, at1, at2]: [usize; 3], width: usize) -> [&mut [f32]; 3] {
    let (first, rest) = patches.split_at_mut(at1);
    let (second, third) = rest.split_at_mut(at2 - at1);
    [&mut first[at0..][..width], &mut second[..width], &mut third[..width]]
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Result, Tensor, Var};
    use proptest::prelude::*;

    use super::super::conv::{Conv, UpConv};
    use super::super::{cpu_values, reference};
    use super::*;
    use crate::random::Random;

    fn random(shape: &[usize], seed: u64) -> Tensor {
        let mut random = Random::new(seed ^ shape.iter().fold(7, |seed, len| seed * 31 + *len as u64));
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| (0.1 + random.normal()) as f32).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn values(tensor: &Tensor) -> Vec<f32> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// The gradient of the product of `of(x)` and a fixed map, with respect to x, by candle; and that map.
    fn by_candle(x: &Tensor, seed: u64, of: impl Fn(&Tensor) -> Result<Tensor>) -> (Vec<f32>, Tensor) {
        let x = Var::from_tensor(x).unwrap();
        let y = of(x.as_tensor()).unwrap();
        let direction = random(y.dims(), seed);
        let gradients = (y * &direction).unwrap().sum_all().unwrap().backward().unwrap();
        (values(gradients.get(&x).unwrap()), direction)
    }

    #[track_caller]
    fn assert_near(ours: &[f32], expected: &[f32]) {
        assert_eq!(ours.len(), expected.len());
        let length = expected.iter().map(|value| value * value).sum::<f32>().sqrt();
        let error = ours.iter().zip(expected).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt();
        assert!(error <= 1e-4 * length, "{error} of {length}");
    }

    fn plain(values: &[f32], height: usize, width: usize) -> Input<'_> {
        Input { values, height, width, reading: Reading::Plain }
    }

    fn assert_convolutions(channels_in: usize, channels_out: usize, (height, width): (usize, usize), seed: u64) {
        let x = random(&[1, channels_in, height, width], seed);
        for kernel in [1, 3] {
            let weight = random(&[channels_out, channels_in, kernel, kernel], seed);
            let (expected, direction) = by_candle(&x, seed, |x| x.conv2d(&weight, kernel / 2, 1, 1, 1));
            let mut ours = vec![f32::NAN; expected.len()];
            let conv = Conv::new(&weight, kernel / 2, 1).unwrap();
            conv.run_backward(&plain(&values(&direction), height, width), &mut ours, None).unwrap();
            assert_near(&ours, &expected);
        }
        let weight = random(&[channels_out, channels_in, 3, 3], seed);
        let transposed = weight.transpose(0, 1).unwrap().contiguous().unwrap();
        let (expected, direction) =
            by_candle(&x, seed, |x| reference::blur(&x.conv_transpose2d(&transposed, 0, 0, 2, 1)?, 1, 1)? * 4.0);
        let mut ours = vec![f32::NAN; expected.len()];
        let up = UpConv::new(&weight, &random(&[channels_out], seed)).unwrap();
        up.run_backward(&plain(&values(&direction), 2 * height, 2 * width), &mut ours, None).unwrap();
        assert_near(&ours, &expected);
    }

    fn assert_passes(channels: usize, (height, width): (usize, usize), seed: u64) {
        let skip = random(&[1, channels, height, width], seed);
        let zeros = Tensor::zeros((1, channels, 2 * height, 2 * width), candle_core::DType::F32, &Device::Cpu).unwrap();
        let (expected, direction) = by_candle(&skip, seed, |skip| reference::add_upsampled(&zeros, skip));
        let mut ours = vec![f32::NAN; expected.len()];
        skip_backward(&values(&direction), (height, width), &mut ours);
        assert_near(&ours, &expected);

        let (x, modulation) = (&skip, random(&[1, 2 * channels, height, width], seed));
        let (of_x, direction) = by_candle(x, seed, |x| reference::normalize_modulate(x, &modulation));
        let (of_modulation, _) =
            by_candle(&modulation, seed, |modulation| reference::normalize_modulate(x, modulation));
        let (x, modulation, mut gradient) = (values(x), values(&modulation), values(&direction));
        let (mean, scale) = Sums::of(&x).statistics();
        let normalized = Normalized { x: &x, mean, scale, gamma: &modulation[..x.len()] };
        let mut ours = vec![f32::NAN; 2 * x.len()];
        let reading = normalized.modulations_gradient();
        Input { values: &gradient, height, width, reading }.read_all(&mut ours);
        assert_near(&ours, &of_modulation);
        let plus = vec![0.5; x.len()];
        let sums = normalized.sums(0, &gradient);
        normalized.backward(&mut gradient, &sums, Some(&plus), false);
        gradient.iter_mut().for_each(|value| *value -= 0.5);
        assert_near(&gradient, &of_x);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn gradients_are_those_of_candle(
            channels in (1usize..20, 1usize..20),
            size in (1usize..40, 1usize..40),
            seed in 0u64..1000,
        ) {
            assert_convolutions(channels.0, channels.1, size, seed);
            assert_passes(channels.0, size, seed);
        }
    }

    #[test]
    fn gradients_of_many_channels_and_large_maps_are_those_of_candle() {
        for (channels_in, channels_out, size) in
            [(512, 1, (4, 4)), (1, 512, (7, 3)), (65, 33, (32, 32)), (3, 2, (96, 64)), (512, 96, (16, 16))]
        {
            assert_convolutions(channels_in, channels_out, size, 1);
            // Layer norm knows no width, but one cell alone is its own mean.
            assert_passes(channels_in, size, 2);
        }
    }

    #[test]
    fn behind_an_activation_a_gradient_has_its_slope() {
        let x = random(&[1, 2, 5, 3], 1);
        let bias = random(&[2], 2);
        let (expected, direction) = by_candle(&x, 3, |x| reference::bias_activation(x, &bias));
        let activated = values(&reference::bias_activation(&x, &bias).unwrap());
        let reading = Reading::BehindActivation { activated: &activated, factor: 1.0 };
        let direction = cpu_values(&direction).slice().map(<[f32]>::to_vec).unwrap();
        let mut ours = vec![f32::NAN; expected.len()];
        Input { values: &direction, height: 5, width: 3, reading }.read_all(&mut ours);
        assert_near(&ours, &expected);
    }

    #[test]
    fn gradients_of_other_shapes_are_refused() {
        let conv = Conv::new(&random(&[2, 3, 3, 3], 1), 1, 1).unwrap();
        let up = UpConv::new(&random(&[2, 3, 3, 3], 1), &random(&[2], 1)).unwrap();
        let gradient = vec![0.0; 2 * 16];
        assert!(conv.run_backward(&plain(&gradient, 4, 4), &mut [0.0; 3 * 16], None).is_ok());
        assert!(conv.run_backward(&plain(&gradient, 4, 4), &mut [0.0; 16], None).is_err());
        assert!(conv.run_backward(&plain(&gradient, 4, 2), &mut [0.0; 3 * 8], None).is_err());
        let normalized = Normalized { x: &gradient, mean: 0.0, scale: 1.0, gamma: &gradient };
        assert!(conv.run_backward(&plain(&gradient, 4, 4), &mut [0.0; 3 * 16], Some(normalized)).is_err());
        let halving = Conv::new(&random(&[2, 3, 3, 3], 1), 1, 2).unwrap();
        assert!(halving.run_backward(&plain(&gradient, 4, 4), &mut [0.0; 3 * 64], None).is_err());
        assert!(up.run_backward(&plain(&gradient, 4, 4), &mut [0.0; 3 * 4], None).is_ok());
        assert!(up.run_backward(&plain(&gradient, 4, 4), &mut [0.0; 3 * 16], None).is_err());
    }
}
