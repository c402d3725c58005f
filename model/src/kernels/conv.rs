//! Convolutions on the CPU (f32), over a well-kept matrix multiplication (`gemm`), with what lies between two of them in the same
//! passes (`fused`). The form is chosen by shape:
//!
//! - 3x3 with padding 1 on maps of 16 or 32 px and more: `winograd`;
//! - 3x3 upsampling: `upsample`, by pairs of cells on maps of 32 px and more, else by taps;
//! - everything else: patches as columns, one multiplication.
//!
//! The plain forms are `candle`'s convolutions; `tests` below hold these against them.

use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::backward::{self, Normalized};
use super::custom_ops::f32_slice;
pub use super::fused::After;
use super::fused::{Finish, Input, Output, ReadBias, Reading, Sums, Wanted};
use super::matrix::multiply;
use super::simd::{Shared, choice, vectorised, with_scratch};
use super::{upsample, winograd};

/// 1x1 convolutions to at most this many channels need no matrix multiplication.
const FEW_CHANNELS: usize = 4;
/// Cells that a task of those takes.
const CELLS_AT_ONCE: usize = 1024;

/// What a convolution of the main path adds to its sums.
#[derive(Default)]
pub(crate) struct Fused<'a> {
    /// Bias and activation, if any.
    pub(crate) finish: Finish<'a>,
    /// As long as the output: where a copy goes before the skip path is added.
    pub(crate) activated: Option<&'a mut [f32]>,
    /// A map of half the size that is upsampled and added, see [`super::add_upsampled`].
    pub(crate) skip: Option<&'a [f32]>,
    /// Whether the output's sums are wanted.
    pub(crate) sums: bool,
}

/// An ordinary convolution.
pub struct Conv {
    channels_in: usize,
    channels_out: usize,
    kernel: usize,
    padding: usize,
    stride: usize,
    /// (out, in * kernel * kernel).
    weight: Vec<f32>,
    /// (36, out, in), made when the first large map comes.
    winograd: OnceLock<Vec<f32>>,
    /// What brings a gradient back, made when the first one comes.
    turned: OnceLock<Box<Self>>,
}

impl Conv {
    /// `weight`: (out, in, k, k), f32.
    ///
    /// # Errors
    /// When it has another shape or dtype.
    pub fn new(weight: &Tensor, padding: usize, stride: usize) -> Result<Self> {
        let (channels_out, channels_in, kernel, kernel_width) = weight.dims4()?;
        if kernel != kernel_width || kernel == 0 || stride == 0 {
            bail!("a convolution of {kernel} x {kernel_width} with stride {stride}");
        }
        let weight = weight.flatten_all()?.to_vec1()?;
        Ok(Self::of_values(weight, (channels_in, channels_out), kernel, padding, stride))
    }

    fn of_values(
        weight: Vec<f32>,
        (channels_in, channels_out): (usize, usize),
        kernel: usize,
        padding: usize,
        stride: usize,
    ) -> Self {
        let (winograd, turned) = (OnceLock::new(), OnceLock::new());
        Self { channels_in, channels_out, kernel, padding, stride, weight, winograd, turned }
    }

    /// The weight (out, in, k, k).
    ///
    /// # Errors
    /// None that can be thought of.
    pub fn weight(&self) -> Result<Tensor> {
        let shape = (self.channels_out, self.channels_in, self.kernel, self.kernel);
        Tensor::from_slice(&self.weight, shape, &candle_core::Device::Cpu)
    }

    /// (N, in, H, W) to (N, out, H', W'), f32 on the CPU.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward(&self, x: &Tensor, after: After<'_>) -> Result<Tensor> {
        x.contiguous()?.apply_op1_no_bwd(&ConvOp { conv: self, bias: ReadBias::new(after, self.channels_out)? })
    }

    /// The convolution in single cells: their neighbourhoods as columns (in * k * k, cells) to (out, cells).
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward_columns(&self, columns: &[f32], cells: usize, after: After<'_>) -> Result<Vec<f32>> {
        let depth = self.channels_in * self.kernel * self.kernel;
        if columns.len() != depth * cells {
            bail!("{} values are not {cells} columns of {depth}", columns.len());
        }
        let bias = ReadBias::new(after, self.channels_out)?;
        let mut out = vec![0.0; self.channels_out * cells];
        multiply((self.channels_out, depth, cells), &mut out, cells, &self.weight, depth, columns, cells, true);
        if cells > 0 {
            output_of(bias.finish(), (1, cells)).finish_all(&mut out);
        }
        Ok(out)
    }

    pub(crate) fn channels_out(&self) -> usize {
        self.channels_out
    }

    pub(crate) fn padding(&self) -> usize {
        self.padding
    }

    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// One sample, without memory of its own: `out` is (out, H', W'). Gives the output's sums.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub(crate) fn run(&self, input: &Input<'_>, out: &mut [f32], fused: Fused<'_>) -> Result<Sums> {
        let (height, width) = self.out_size(input.height, input.width);
        let Fused { finish, activated, skip, sums } = fused;
        let fits = self.takes(input, out)
            && finish.fits(self.channels_out)
            && activated.as_ref().is_none_or(|activated| activated.len() == out.len())
            && skip.is_none_or(|skip| 4 * skip.len() == out.len() && height % 2 == 0 && width % 2 == 0);
        if !fits {
            bail!("a convolution of {} channels got {} values", self.channels_in, input.len());
        }
        let activated = activated.map(Shared::new);
        let sums = if sums { Wanted::OfValues } else { Wanted::Nothing };
        let output = Output { activated: activated.as_ref(), skip, sums, ..output_of(finish, (height, width)) };
        Ok(self.sample(input, out, &output))
    }

    /// One sample's way back: a gradient with respect to the output, `gradient`, to that with respect to the input, `out`. Gives
    /// the sums that layer norm's way back takes, where the input was `normalized`. For stride 1 and maps that keep their size.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub(crate) fn run_backward(
        &self,
        gradient: &Input<'_>,
        out: &mut [f32],
        normalized: Option<Normalized<'_>>,
    ) -> Result<Sums> {
        let size = (gradient.height, gradient.width);
        if self.stride != 1 || 2 * self.padding + 1 != self.kernel {
            bail!("no gradient comes back through a convolution of {} x {0} here", self.kernel);
        }
        let turned = self.turned.get_or_init(|| {
            let weight = backward::turned_weight(&self.weight, (self.channels_in, self.channels_out), self.kernel);
            let channels = (self.channels_out, self.channels_in);
            Box::new(Self::of_values(weight, channels, self.kernel, self.padding, self.stride))
        });
        let fits = turned.takes(gradient, out) && normalized.is_none_or(|normalized| normalized.fits(out.len()));
        if !fits {
            bail!("the gradient of {} channels has {} values", self.channels_out, gradient.len());
        }
        let sums = normalized.map_or(Wanted::Nothing, Wanted::OfGradient);
        Ok(turned.sample(gradient, out, &Output { sums, ..output_of(Finish::Nothing, size) }))
    }

    fn takes(&self, input: &Input<'_>, out: &[f32]) -> bool {
        let (height, width) = self.out_size(input.height, input.width);
        let cells = height * width;
        let is_as_long = input.len() == self.channels_in * input.height * input.width;
        is_as_long && input.is_complete() && out.len() == self.channels_out * cells && cells > 0
    }

    fn sample(&self, input: &Input<'_>, out: &mut [f32], output: &Output<'_>) -> Sums {
        let size @ (height, width) = (input.height, input.width);
        let plain = self.kernel == 3 && self.padding == 1 && self.stride == 1;
        if plain && winograd::takes(size, self.channels_in, self.channels_out) && !choice().direct {
            let channels = (self.channels_in, self.channels_out);
            let weight = self
                .winograd
                .get_or_init(|| winograd::transform_weight(&self.weight, self.channels_in, self.channels_out));
            return winograd::convolve(weight, channels, input, out, output);
        }
        let cells = output.height * output.width;
        let depth = self.channels_in * self.kernel * self.kernel;
        let is_product = self.kernel == 1 && self.stride == 1 && self.padding == 0;
        if is_product && !input.is_plain() && self.channels_out <= FEW_CHANNELS {
            self.few_channels(input, out);
            return output.finish_all(out);
        }
        let read_len = if input.is_plain() { 0 } else { input.len() };
        let patches_len = if is_product { 0 } else { depth * cells };
        with_scratch(read_len + patches_len, |scratch| {
            let (read, patches) = scratch.split_at_mut(read_len);
            let x = if read_len > 0 {
                input.read_all(read);
                &*read
            } else {
                input.values
            };
            let columns = if is_product {
                x
            } else {
                self.patches(x, patches, (height, width));
                &*patches
            };
            multiply((self.channels_out, depth, cells), out, cells, &self.weight, depth, columns, cells, true);
        });
        output.finish_all(out)
    }

    /// A 1x1 convolution to so few channels that their sums stay in the nearest cache while the input passes once.
    fn few_channels(&self, input: &Input<'_>, out: &mut [f32]) {
        let cells = input.height * input.width;
        let out = Shared::new(out);
        (0..cells.div_ceil(CELLS_AT_ONCE)).into_par_iter().for_each(|part| {
            let first = part * CELLS_AT_ONCE;
            let len = CELLS_AT_ONCE.min(cells - first);
            let mut row = [0.0; CELLS_AT_ONCE];
            let row = &mut row[..len];
            vectorised(
                #[inline(always)]
                || {
                    for channel in 0..self.channels_in {
                        input.read(channel * cells + first, row);
                        for channel_out in 0..self.channels_out {
                            let weight = self.weight[channel_out * self.channels_in + channel];
                            // SAFETY: every task has its own cells of every channel.
                            let out = unsafe { out.slice(channel_out * cells + first, len) };
                            if channel == 0 {
                                out.fill(0.0);
                            }
                            out.iter_mut().zip(row.iter()).for_each(|(out, value)| *out += weight * value);
                        }
                    }
                },
            );
        });
    }

    fn out_size(&self, height: usize, width: usize) -> (usize, usize) {
        let side = |len: usize| (len + 2 * self.padding).saturating_sub(self.kernel) / self.stride + 1;
        (side(height), side(width))
    }

    /// Every output cell's neighbourhood as a column: (in * k * k, cells).
    fn patches(&self, x: &[f32], patches: &mut [f32], (height, width): (usize, usize)) {
        let (out_height, out_width) = self.out_size(height, width);
        let (kernel, padding, stride) = (self.kernel, self.padding, self.stride);
        patches.par_chunks_mut(kernel * kernel * out_height * out_width).zip(x.par_chunks(height * width)).for_each(
            |(patches, x)| {
                for (tap, plane) in patches.chunks_exact_mut(out_height * out_width).enumerate() {
                    let (dy, dx) = (tap / kernel, tap % kernel);
                    for (y, row) in plane.chunks_exact_mut(out_width).enumerate() {
                        let Some(from) = (y * stride + dy).checked_sub(padding).filter(|from| *from < height) else {
                            row.fill(0.0);
                            continue;
                        };
                        let from = &x[from * width..][..width];
                        for (i, value) in row.iter_mut().enumerate() {
                            let at = (i * stride + dx).wrapping_sub(padding);
                            *value = from.get(at).copied().unwrap_or(0.0);
                        }
                    }
                }
            },
        );
    }
}

/// Nothing but this behind a convolution to a map of this size.
fn output_of(finish: Finish<'_>, (height, width): (usize, usize)) -> Output<'_> {
    Output { finish, activated: None, skip: None, sums: Wanted::Nothing, height, width }
}

struct ConvOp<'a> {
    conv: &'a Conv,
    bias: ReadBias,
}

impl CustomOp1 for ConvOp<'_> {
    fn name(&self) -> &'static str {
        "conv"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let conv = self.conv;
        if channels != conv.channels_in || height.min(width) + 2 * conv.padding < conv.kernel {
            bail!("a convolution of {} channels got {:?}", conv.channels_in, layout.shape());
        }
        let x = f32_slice(x, layout)?;
        let (out_height, out_width) = conv.out_size(height, width);
        let mut out = vec![0.0; batch * conv.channels_out * out_height * out_width];
        let output = output_of(self.bias.finish(), (out_height, out_width));
        for (values, out) in x
            .chunks_exact(channels * height * width)
            .zip(out.chunks_exact_mut(conv.channels_out * out_height * out_width))
        {
            conv.sample(&Input { values, height, width, reading: Reading::Plain }, out, &output);
        }
        Ok((CpuStorage::F32(out), (batch, conv.channels_out, out_height, out_width).into()))
    }
}

/// A 3x3 upsampling convolution with its blur, bias and activation.
pub struct UpConv {
    channels_in: usize,
    channels_out: usize,
    /// (out, in, 3, 3).
    weight: Vec<f32>,
    bias: Vec<f32>,
    /// Made when the first small map comes.
    taps: OnceLock<Vec<f32>>,
    /// Made when the first large map comes.
    pairs: OnceLock<Vec<f32>>,
    /// What brings a gradient back, made when the first one comes.
    gathering: OnceLock<Vec<f32>>,
}

impl UpConv {
    /// `weight`: (out, in, 3, 3) as in the checkpoint, with its scale; `bias`: (out).
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn new(weight: &Tensor, bias: &Tensor) -> Result<Self> {
        let (channels_out, channels_in, 3, 3) = weight.dims4()? else { bail!("an upsampling kernel that is not 3x3") };
        let bias: Vec<f32> = bias.to_vec1()?;
        if bias.len() != channels_out {
            bail!("a bias of {} values for {channels_out} channels", bias.len());
        }
        let weight = weight.flatten_all()?.to_vec1()?;
        let (taps, pairs, gathering) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Ok(Self { channels_in, channels_out, weight, bias, taps, pairs, gathering })
    }

    /// The weight (out, in, 3, 3).
    ///
    /// # Errors
    /// None that can be thought of.
    pub fn weight(&self) -> Result<Tensor> {
        Tensor::from_slice(&self.weight, (self.channels_out, self.channels_in, 3, 3), &candle_core::Device::Cpu)
    }

    /// (N, in, H, W) to (N, out, 2 H, 2 W), f32 on the CPU.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op1_no_bwd(&UpConvOp(self))
    }

    /// The bias (out).
    ///
    /// # Errors
    /// None that can be thought of.
    pub fn bias(&self) -> Result<Tensor> {
        Tensor::from_slice(&self.bias, self.channels_out, &candle_core::Device::Cpu)
    }

    pub(crate) fn channels_out(&self) -> usize {
        self.channels_out
    }

    /// One sample, without memory of its own: `out` is (out, 2 H, 2 W). Gives the output's sums where they are wanted.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub(crate) fn run(&self, input: &Input<'_>, out: &mut [f32], sums: bool) -> Result<Sums> {
        let cells = input.height * input.width;
        let fits = input.values.len() == self.channels_in * cells && out.len() == self.channels_out * 4 * cells;
        if !fits || cells == 0 {
            bail!("an upsampling convolution of {} channels got {} values", self.channels_in, input.values.len());
        }
        Ok(self.sample(input, out, sums))
    }

    /// One sample's way back: a gradient with respect to what was blurred, (out, 2 H, 2 W), to that with respect to the input, (in, H,
    /// W). Gives the sums that layer norm's way back takes, where the input was `normalized`.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub(crate) fn run_backward(
        &self,
        gradient: &Input<'_>,
        out: &mut [f32],
        normalized: Option<Normalized<'_>>,
    ) -> Result<Sums> {
        let (height, width) = (gradient.height / 2, gradient.width / 2);
        let fits = gradient.len() == self.channels_out * 4 * height * width
            && gradient.is_complete()
            && out.len() == self.channels_in * height * width
            && height * width > 0
            && normalized.is_none_or(|normalized| normalized.fits(out.len()));
        if !fits {
            bail!("the gradient of {} upsampled channels has {} values", self.channels_out, gradient.len());
        }
        let channels = (self.channels_in, self.channels_out);
        let weight = self.gathering.get_or_init(|| backward::gathering_weight(&self.weight, channels));
        Ok(backward::gather_upsampled(weight, channels, gradient, out, normalized))
    }

    fn sample(&self, input: &Input<'_>, out: &mut [f32], sums: bool) -> Sums {
        let Self { channels_in, channels_out, weight, bias, taps, pairs, .. } = self;
        let (channels_in, channels_out) = (*channels_in, *channels_out);
        let by_pairs = upsample::takes_pairs((input.height, input.width));
        let weight = if by_pairs {
            pairs.get_or_init(|| upsample::pair_weight(weight, channels_in, channels_out))
        } else {
            taps.get_or_init(|| upsample::tap_weight(weight, channels_in, channels_out))
        };
        let layer = upsample::Layer { channels_in, channels_out, weight, bias, sums };
        if by_pairs { layer.by_pairs(input, out) } else { layer.by_taps(input, out) }
    }
}

struct UpConvOp<'a>(&'a UpConv);

impl CustomOp1 for UpConvOp<'_> {
    fn name(&self) -> &'static str {
        "up-conv"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (batch, channels, height, width) = layout.shape().dims4()?;
        let up = self.0;
        if channels != up.channels_in || height == 0 || width == 0 {
            bail!("an upsampling convolution of {} channels got {:?}", up.channels_in, layout.shape());
        }
        let x = f32_slice(x, layout)?;
        let out_len = up.channels_out * 4 * height * width;
        let mut out = vec![0.0; batch * out_len];
        for (values, out) in x.chunks_exact(channels * height * width).zip(out.chunks_exact_mut(out_len)) {
            up.sample(&Input { values, height, width, reading: Reading::Plain }, out, false);
        }
        Ok((CpuStorage::F32(out), (batch, up.channels_out, 2 * height, 2 * width).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference;
    use super::*;
    use candle_core::Device;

    fn random(shape: &[usize]) -> Tensor {
        // The same numbers in every run: a tolerance is not a matter of luck.
        let seed = shape.iter().fold(7, |seed, len| seed * 31 + *len as u64);
        let mut random = crate::random::Random::new(seed);
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| (0.1 + 1.0 * random.normal()) as f32).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    fn worst(a: &Tensor, b: &Tensor) -> f32 {
        assert_eq!(a.shape(), b.shape());
        (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn convolutions_equal_candles() {
        struct Case {
            shape: [usize; 4],
            out: usize,
            kernel: usize,
            padding: usize,
            stride: usize,
        }
        let case = |shape, out, kernel, padding, stride| Case { shape, out, kernel, padding, stride };
        let cases = [
            case([1, 3, 32, 32], 5, 3, 1, 1),
            case([2, 7, 36, 64], 3, 3, 1, 1),
            case([1, 16, 128, 128], 8, 3, 1, 1),
            case([1, 1, 40, 32], 1, 3, 1, 1),
            case([1, 4, 34, 34], 4, 3, 1, 1),
            case([2, 6, 8, 8], 9, 3, 1, 1),
            case([2, 6, 16, 16], 9, 3, 1, 1),
            case([1, 5, 20, 28], 3, 3, 1, 1),
            case([1, 3, 32, 64], 4, 3, 1, 1),
            case([1, 2, 16, 96], 70, 3, 1, 1),
            case([1, 5, 33, 33], 6, 3, 0, 2),
            case([3, 5, 16, 16], 6, 1, 0, 1),
            case([1, 2, 5, 7], 3, 3, 0, 1),
        ];
        for Case { shape, out, kernel, padding, stride } in cases {
            let (x, weight) = (random(&shape), random(&[out, shape[1], kernel, kernel]));
            let (weight, bias) = ((weight / (kernel * shape[1]) as f64).unwrap(), random(&[out]));
            let plain = x.conv2d(&weight, padding, stride, 1, 1).unwrap();
            let conv = Conv::new(&weight, padding, stride).unwrap();
            assert!(worst(&conv.forward(&x, After::Nothing).unwrap(), &plain) < 2e-5, "{shape:?}");
            let biased = plain.broadcast_add(&bias.reshape((1, (), 1, 1)).unwrap()).unwrap();
            assert!(worst(&conv.forward(&x, After::Bias(&bias)).unwrap(), &biased) < 2e-5, "{shape:?}");
            let activated = reference::bias_activation(&plain, &bias).unwrap();
            assert!(worst(&conv.forward(&x, After::BiasActivation(&bias)).unwrap(), &activated) < 2e-5, "{shape:?}");
        }
    }

    #[test]
    fn single_cells_equal_the_whole_map() {
        let (x, weight, bias) = (random(&[1, 3, 5, 5]), random(&[4, 3, 3, 3]), random(&[4]));
        let conv = Conv::new(&weight, 0, 1).unwrap();
        let whole = conv.forward(&x, After::Bias(&bias)).unwrap();
        // The neighbourhood of the middle cell.
        let column: Vec<f32> =
            x.narrow(2, 1, 3).unwrap().narrow(3, 1, 3).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let cell = conv.forward_columns(&column, 1, After::Bias(&bias)).unwrap();
        let expected: Vec<f32> =
            whole.narrow(2, 1, 1).unwrap().narrow(3, 1, 1).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        assert!(cell.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "{cell:?} {expected:?}");
        assert!(conv.forward_columns(&column, 2, After::Nothing).is_err());
    }

    #[test]
    fn upsampling_equals_transposed_convolution_and_blur() {
        for (n, c, o, h, w) in [
            (1, 3, 2, 4, 4),
            (2, 1, 1, 1, 1),
            (1, 2, 5, 3, 8),
            (1, 20, 19, 16, 16),
            (2, 5, 3, 32, 32),
            (1, 7, 9, 64, 64),
            (1, 3, 2, 46, 96),
            (1, 2, 3, 34, 50),
        ] {
            let (x, weight, bias) = (random(&[n, c, h, w]), random(&[o, c, 3, 3]), random(&[o]));
            let wide = x.conv_transpose2d(&weight.transpose(0, 1).unwrap().contiguous().unwrap(), 0, 0, 2, 1).unwrap();
            let blurred = (reference::blur(&wide, 1, 1).unwrap() * 4.0).unwrap();
            let expected = reference::bias_activation(&blurred, &bias).unwrap();
            let ours = UpConv::new(&weight, &bias).unwrap().forward(&x).unwrap();
            assert!(worst(&ours, &expected) < 2e-4, "{:?}", (n, c, o, h, w));
        }
    }

    #[test]
    fn what_is_fused_equals_one_step_after_the_other() {
        // Patches, one Winograd block for all threads, many blocks.
        for (channels, out, side) in [(5, 6, 8), (9, 4, 16), (6, 8, 32), (3, 4, 64)] {
            let (x, weight) = (random(&[1, channels, side, side]), random(&[out, channels, 3, 3]));
            let weight = (weight / channels as f64).unwrap();
            let (bias, skip) = (random(&[out]), random(&[1, out, side / 2, side / 2]));
            let modulation = random(&[1, 2 * channels, side, side]);
            let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let modulated = reference::normalize_modulate(&x, &modulation).unwrap();
            let expected = reference::bias_activation(&modulated.conv2d(&weight, 1, 1, 1, 1).unwrap(), &bias).unwrap();
            let expected = reference::add_upsampled(&expected, &skip).unwrap();
            let (x, modulation) = (values(&x), values(&modulation));
            let (mean, scale) = x.chunks(77).map(Sums::of).fold(Sums::default(), Sums::and).statistics();
            let (gamma, beta) = modulation.split_at(channels * side * side);
            let reading = Reading::Modulated(super::super::fused::Modulation { mean, scale, gamma, beta });
            let input = Input { values: &x, height: side, width: side, reading };
            let mut ours = vec![f32::NAN; out * side * side];
            let (bias_values, skip_values) = (values(&bias), values(&skip));
            let finish = Finish::BiasActivation(&bias_values);
            let fused = Fused { finish, activated: None, skip: Some(&skip_values), sums: true };
            let sums = Conv::new(&weight, 1, 1).unwrap().run(&input, &mut ours, fused).unwrap();
            let expected_sums = values(&expected).chunks(50).map(Sums::of).fold(Sums::default(), Sums::and);
            let ours = Tensor::from_vec(ours, (1, out, side, side), &Device::Cpu).unwrap();
            assert!(worst(&ours, &expected) < 1e-4, "{side} px differ by {}", worst(&ours, &expected));
            let ((mean, scale), (expected_mean, expected_scale)) = (sums.statistics(), expected_sums.statistics());
            assert!((mean - expected_mean).abs() < 1e-4 && (scale - expected_scale).abs() < 1e-4, "{side} px");

            let up = UpConv::new(&weight, &bias).unwrap();
            let mut ours = vec![f32::NAN; out * 4 * side * side];
            let sums = up.run(&input, &mut ours, true).unwrap();
            let expected = up.forward(&modulated).unwrap();
            let expected_sums = values(&expected).chunks(50).map(Sums::of).fold(Sums::default(), Sums::and);
            let ours = Tensor::from_vec(ours, (1, out, 2 * side, 2 * side), &Device::Cpu).unwrap();
            assert!(worst(&ours, &expected) < 1e-4, "{side} px differ by {}", worst(&ours, &expected));
            let ((mean, scale), (expected_mean, expected_scale)) = (sums.statistics(), expected_sums.statistics());
            assert!((mean - expected_mean).abs() < 1e-4 && (scale - expected_scale).abs() < 1e-4, "{side} px");
        }
    }

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        let conv = Conv::new(&random(&[2, 3, 3, 3]), 0, 1).unwrap();
        assert!(conv.forward(&random(&[1, 4, 8, 8]), After::Nothing).is_err());
        assert!(conv.forward(&random(&[1, 3, 2, 2]), After::Nothing).is_err());
        assert!(conv.forward(&random(&[1, 3, 8, 8]), After::Bias(&random(&[3]))).is_err());
        assert!(UpConv::new(&random(&[2, 3, 3, 3]), &random(&[3])).is_err());
        assert!(UpConv::new(&random(&[2, 3, 1, 1]), &random(&[2])).is_err());
    }
}
