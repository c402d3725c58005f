//! Convolutions on the CPU (f32), over a well-kept matrix multiplication (`gemm`), with what follows a convolution in its last
//! pass. Three forms, chosen by shape:
//!
//! - 3x3 with padding 1 on maps of 32 px and more: Winograd F(4x4, 3x3) (Lavin and Gray, arXiv:1509.09308), a quarter of the
//!   multiplications, in blocks of tiles that stay in the cache, one block per thread at a time;
//! - 3x3 upsampling (transposed convolution and blur): ONE multiplication gives every tap's product, 9 C planes, and the
//!   scatter, the blur, the bias and the activation are one pass over them;
//! - everything else: patches as columns, one multiplication.
//!
//! The plain forms are `candle`'s convolutions; `tests` below hold these against them.

use std::cell::RefCell;
use std::sync::OnceLock;

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::cpu::{f32_slice, lrelu};

/// Maps from this side on are worth the transforms.
const WINOGRAD_MIN_SIDE: usize = 32;
/// Tiles per block: enough columns for the multiplication, few enough for the cache. Interleaved runs saw no difference to 64.
const TILES_PER_BLOCK: usize = 32;
/// Points of a transformed tile, 6 x 6.
const POINTS: usize = 36;
/// Output channels of an upsampling layer that one task multiplies and scatters.
const UP_CHANNELS_PER_TASK: usize = 8;

/// What follows a convolution, in the same pass.
#[derive(Clone, Copy)]
pub enum After<'a> {
    /// Nothing.
    Nothing,
    /// A bias per output channel.
    Bias(&'a Tensor),
    /// A bias per output channel, then lrelu.
    BiasActivation(&'a Tensor),
}

/// The same, with the bias read.
#[derive(Clone, Copy)]
enum Finish<'a> {
    Nothing,
    Bias(&'a [f32]),
    BiasActivation(&'a [f32]),
}

impl Finish<'_> {
    fn bias(&self, channel: usize) -> f32 {
        match self {
            Self::Nothing => 0.0,
            Self::Bias(bias) | Self::BiasActivation(bias) => bias[channel],
        }
    }

    /// Finishes one channel's values in place.
    #[inline(always)]
    fn finish(&self, channel: usize, values: &mut [f32]) {
        let bias = self.bias(channel);
        match self {
            Self::Nothing => {}
            Self::Bias(_) => values.iter_mut().for_each(|value| *value += bias),
            Self::BiasActivation(_) => values.iter_mut().for_each(|value| *value = lrelu(*value + bias)),
        }
    }
}

impl<'a> From<&'a Option<(Vec<f32>, bool)>> for Finish<'a> {
    fn from(bias: &'a Option<(Vec<f32>, bool)>) -> Self {
        match bias {
            None => Self::Nothing,
            Some((bias, false)) => Self::Bias(bias),
            Some((bias, true)) => Self::BiasActivation(bias),
        }
    }
}

/// Finishes every channel of (out, cells).
fn finish_all(out: &mut [f32], cells: usize, finish: Finish<'_>) {
    if matches!(finish, Finish::Nothing) || cells == 0 {
        return;
    }
    out.par_chunks_mut(cells).enumerate().for_each(|(channel, values)| {
        vectorised(
            #[inline(always)]
            || finish.finish(channel, values),
        );
    });
}

/// Runs `body` compiled for the best instruction set of this machine.
#[inline(always)]
pub(super) fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::default().dispatch(body)
}

/// dst (m, n) = lhs (m, k) * rhs (k, n), all row by row with their own distances between rows. On this thread only, or on all.
#[expect(
    clippy::too_many_arguments,
    reason = "three matrices have nine numbers; naming them here keeps every call in one line"
)]
fn multiply(
    (m, k, n): (usize, usize, usize),
    dst: &mut [f32],
    dst_stride: usize,
    lhs: &[f32],
    lhs_stride: usize,
    rhs: &[f32],
    rhs_stride: usize,
    on_all_threads: bool,
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    assert!(dst_stride >= n && lhs_stride >= k && rhs_stride >= n, "rows overlap");
    assert!(dst.len() >= (m - 1) * dst_stride + n, "the product does not fit");
    assert!(lhs.len() >= (m - 1) * lhs_stride + k, "the left matrix is too short");
    assert!(rhs.len() >= (k - 1) * rhs_stride + n, "the right matrix is too short");
    let parallelism =
        if on_all_threads { gemm::Parallelism::Rayon(rayon::current_num_threads()) } else { gemm::Parallelism::None };
    // SAFETY: the assertions above bound every element that the multiplication reads or writes by its matrix, `dst` is borrowed
    // mutably, and rows do not overlap.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            dst.as_mut_ptr(),
            1,
            dst_stride as isize,
            false,
            lhs.as_ptr(),
            1,
            lhs_stride as isize,
            rhs.as_ptr(),
            1,
            rhs_stride as isize,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

thread_local! {
    /// Buffers that every call on this thread uses again: fresh pages would cost more than the work on them.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Runs `body` with `len` values of this thread's buffer, whatever they hold.
fn with_scratch<R>(len: usize, body: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut scratch = SCRATCH.take();
    if scratch.len() < len {
        scratch.resize(len, 0.0);
    }
    let result = body(&mut scratch[..len]);
    // While `body` ran, another task of this thread may have put a buffer of its own here; the larger one stays.
    SCRATCH.with_borrow_mut(|kept| {
        if kept.len() < scratch.len() {
            *kept = scratch;
        }
    });
    result
}

/// The output of a kernel whose tasks write interleaved parts of it.
struct Shared(*mut f32, usize);

// SAFETY: only `slice` gives access, and its callers write disjoint ranges.
unsafe impl Sync for Shared {}

impl Shared {
    /// # Safety
    /// No other live slice of this output overlaps `start..start + len`.
    #[expect(clippy::mut_from_ref, reason = "the point of the type: disjoint parts for several threads")]
    unsafe fn slice(&self, start: usize, len: usize) -> &mut [f32] {
        assert!(start + len <= self.1, "a part beyond the output");
        // SAFETY: within the output by the assertion, and unaliased by this function's contract.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(start), len) }
    }
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
        Ok(Self { channels_in, channels_out, kernel, padding, stride, weight, winograd: OnceLock::new() })
    }

    /// (N, in, H, W) to (N, out, H', W'), f32 on the CPU.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward(&self, x: &Tensor, after: After<'_>) -> Result<Tensor> {
        x.contiguous()?.apply_op1_no_bwd(&ConvOp { conv: self, bias: read_bias(after, self.channels_out)? })
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
        let bias = read_bias(after, self.channels_out)?;
        let mut out = vec![0.0; self.channels_out * cells];
        multiply((self.channels_out, depth, cells), &mut out, cells, &self.weight, depth, columns, cells, true);
        finish_all(&mut out, cells, Finish::from(&bias));
        Ok(out)
    }

    fn sample(&self, x: &[f32], out: &mut [f32], (height, width): (usize, usize), finish: Finish<'_>) {
        if self.kernel == 3
            && self.padding == 1
            && self.stride == 1
            && width.min(height) >= WINOGRAD_MIN_SIDE
            && width.is_multiple_of(4)
            && height.is_multiple_of(4)
        {
            return self.winograd(x, out, (height, width), finish);
        }
        let (out_height, out_width) = self.out_size(height, width);
        let cells = out_height * out_width;
        let depth = self.channels_in * self.kernel * self.kernel;
        let shape = (self.channels_out, depth, cells);
        if self.kernel == 1 && self.stride == 1 && self.padding == 0 {
            multiply(shape, out, cells, &self.weight, depth, x, cells, true);
        } else {
            with_scratch(depth * cells, |patches| {
                self.patches(x, patches, (height, width));
                multiply(shape, out, cells, &self.weight, depth, patches, cells, true);
            });
        }
        finish_all(out, cells, finish);
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

    fn winograd(&self, x: &[f32], out: &mut [f32], (height, width): (usize, usize), finish: Finish<'_>) {
        let (channels_in, channels_out) = (self.channels_in, self.channels_out);
        let weight = self.winograd.get_or_init(|| transform_weight(&self.weight, channels_in, channels_out));
        let (tile_rows, tile_columns) = (height / 4, width / 4);
        let rows_per_thread = tile_rows.div_ceil(rayon::current_num_threads());
        let rows_per_block = (TILES_PER_BLOCK / tile_columns).clamp(1, rows_per_thread);
        let plane = height * width;
        let shared = Shared(out.as_mut_ptr(), out.len());
        (0..tile_rows.div_ceil(rows_per_block)).into_par_iter().for_each(|block| {
            let first_row = block * rows_per_block;
            let rows = rows_per_block.min(tile_rows - first_row);
            let tiles = rows * tile_columns;
            let line = 6 * (width + 4);
            with_scratch(POINTS * tiles * (channels_in + channels_out) + line.max(24 * tile_columns), |scratch| {
                let (transformed, rest) = scratch.split_at_mut(POINTS * tiles * channels_in);
                let (products, line) = rest.split_at_mut(POINTS * tiles * channels_out);
                // (36, in, tiles)
                vectorised(
                    #[inline(always)]
                    || {
                        for channel in 0..channels_in {
                            let x = &x[channel * plane..][..plane];
                            for row in 0..rows {
                                let at = channel * tiles + row * tile_columns;
                                let to = &mut transformed[at..];
                                transform_input(x, (height, width), first_row + row, line, to, channels_in * tiles);
                            }
                        }
                    },
                );
                for point in 0..POINTS {
                    multiply(
                        (channels_out, channels_in, tiles),
                        &mut products[point * channels_out * tiles..],
                        tiles,
                        &weight[point * channels_out * channels_in..],
                        channels_in,
                        &transformed[point * channels_in * tiles..],
                        tiles,
                        false,
                    );
                }
                vectorised(
                    #[inline(always)]
                    || {
                        for channel in 0..channels_out {
                            for row in 0..rows {
                                let start = channel * plane + (first_row + row) * 4 * width;
                                // SAFETY: every block has its own rows of every channel.
                                let out = unsafe { shared.slice(start, 4 * width) };
                                let from = &products[channel * tiles + row * tile_columns..];
                                transform_output(from, channels_out * tiles, tile_columns, line, out);
                                finish.finish(channel, out);
                            }
                        }
                    },
                );
            });
        });
    }
}

/// G g G^T of every kernel: (out, in, 3, 3) to (36, out, in).
fn transform_weight(weight: &[f32], channels_in: usize, channels_out: usize) -> Vec<f32> {
    const G: [[f32; 3]; 6] = [
        [0.25, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];
    let pairs = channels_in * channels_out;
    let mut out = vec![0.0; POINTS * pairs];
    for (pair, kernel) in weight.chunks_exact(9).enumerate() {
        for (i, left) in G.iter().enumerate() {
            for (j, right) in G.iter().enumerate() {
                let mut sum = 0.0;
                for (a, left) in left.iter().enumerate() {
                    for (b, right) in right.iter().enumerate() {
                        sum += left * right * kernel[3 * a + b];
                    }
                }
                out[(6 * i + j) * pairs + pair] = sum;
            }
        }
    }
    out
}

/// One pass of B^T over six values.
#[inline(always)]
fn input_points(d: [f32; 6]) -> [f32; 6] {
    let [d0, d1, d2, d3, d4, d5] = d;
    let (even, odd) = (d4 - 4.0 * d2, d3 - 4.0 * d1);
    let (even_half, odd_half) = (d4 - d2, 2.0 * (d3 - d1));
    [
        4.0 * d0 - 5.0 * d2 + d4,
        even + odd,
        even - odd,
        even_half + odd_half,
        even_half - odd_half,
        4.0 * d1 - 5.0 * d3 + d5,
    ]
}

/// One pass of A^T over six values.
#[inline(always)]
fn output_points(m: [f32; 6]) -> [f32; 4] {
    let [m0, m1, m2, m3, m4, m5] = m;
    let (sum, difference) = (m1 + m2, m1 - m2);
    let (far_sum, far_difference) = (m3 + m4, m3 - m4);
    [m0 + sum + far_sum, difference + 2.0 * far_difference, sum + 4.0 * far_sum, difference + 8.0 * far_difference + m5]
}

/// B^T d B of one row of tiles of one channel: point p of tile t goes to `to[p * stride + t]`.
#[inline(always)]
fn transform_input(
    x: &[f32],
    (height, width): (usize, usize),
    tile_row: usize,
    line: &mut [f32],
    to: &mut [f32],
    stride: usize,
) {
    let tiles = width / 4;
    // Down the columns first, into six lines with a zero before and three behind (of which the transform reads one).
    let padded = width + 4;
    let line = &mut line[..6 * padded];
    for line in line.chunks_exact_mut(padded) {
        line[0] = 0.0;
        line[width + 1..].fill(0.0);
    }
    let row =
        |i: usize| (4 * tile_row + i).checked_sub(1).filter(|row| *row < height).map(|row| &x[row * width..][..width]);
    if let [Some(r0), Some(r1), Some(r2), Some(r3), Some(r4), Some(r5)] = [0, 1, 2, 3, 4, 5].map(row) {
        columns_of([r0, r1, r2, r3, r4, r5], width, padded, line);
    } else {
        // At the picture's border. Maps are at most 2048 px wide.
        let zeros = [0.0; 2048];
        columns_of([0, 1, 2, 3, 4, 5].map(|i| row(i).unwrap_or(&zeros[..width])), width, padded, line);
    }
    for (i, line) in line.chunks_exact(padded).enumerate() {
        let mut points = to[6 * i * stride..].chunks_mut(stride);
        let (Some(p0), Some(p1), Some(p2), Some(p3), Some(p4), Some(p5)) =
            (points.next(), points.next(), points.next(), points.next(), points.next(), points.next())
        else {
            return;
        };
        let (p0, p1, p2) = (&mut p0[..tiles], &mut p1[..tiles], &mut p2[..tiles]);
        let (p3, p4, p5) = (&mut p3[..tiles], &mut p4[..tiles], &mut p5[..tiles]);
        for t in 0..tiles {
            let d = &line[4 * t..4 * t + 6];
            [p0[t], p1[t], p2[t], p3[t], p4[t], p5[t]] = input_points([d[0], d[1], d[2], d[3], d[4], d[5]]);
        }
    }
}

#[inline(always)]
fn columns_of(rows: [&[f32]; 6], width: usize, padded: usize, line: &mut [f32]) {
    let [r0, r1, r2, r3, r4, r5] = rows.map(|row| &row[..width]);
    let mut lines = line.chunks_exact_mut(padded);
    let (Some(l0), Some(l1), Some(l2), Some(l3), Some(l4), Some(l5)) =
        (lines.next(), lines.next(), lines.next(), lines.next(), lines.next(), lines.next())
    else {
        return;
    };
    let inside = 1..width + 1;
    let (l0, l1, l2) = (&mut l0[inside.clone()], &mut l1[inside.clone()], &mut l2[inside.clone()]);
    let (l3, l4, l5) = (&mut l3[inside.clone()], &mut l4[inside.clone()], &mut l5[inside]);
    for i in 0..width {
        [l0[i], l1[i], l2[i], l3[i], l4[i], l5[i]] = input_points([r0[i], r1[i], r2[i], r3[i], r4[i], r5[i]]);
    }
}

/// A^T m A of one row of tiles of one channel, from point p of tile t at `from[p * stride + t]` to four rows of the output.
#[inline(always)]
fn transform_output(from: &[f32], stride: usize, tiles: usize, line: &mut [f32], out: &mut [f32]) {
    // Along the columns of points first: (6 columns of points) x (4 rows), each a line of tiles.
    let line = &mut line[..24 * tiles];
    for j in 0..6 {
        let point = |i: usize| &from[(6 * i + j) * stride..][..tiles];
        let [m0, m1, m2, m3, m4, m5] = [0, 1, 2, 3, 4, 5].map(point);
        let mut rows = line[4 * j * tiles..4 * (j + 1) * tiles].chunks_exact_mut(tiles);
        let (Some(s0), Some(s1), Some(s2), Some(s3)) = (rows.next(), rows.next(), rows.next(), rows.next()) else {
            return;
        };
        for t in 0..tiles {
            [s0[t], s1[t], s2[t], s3[t]] = output_points([m0[t], m1[t], m2[t], m3[t], m4[t], m5[t]]);
        }
    }
    for (i, out) in out.chunks_exact_mut(4 * tiles).enumerate() {
        let column = |j: usize| &line[(4 * j + i) * tiles..][..tiles];
        let [s0, s1, s2, s3, s4, s5] = [0, 1, 2, 3, 4, 5].map(column);
        for (t, out) in out.chunks_exact_mut(4).enumerate() {
            out.copy_from_slice(&output_points([s0[t], s1[t], s2[t], s3[t], s4[t], s5[t]]));
        }
    }
}

struct ConvOp<'a> {
    conv: &'a Conv,
    bias: Option<(Vec<f32>, bool)>,
}

fn read_bias(after: After<'_>, channels: usize) -> Result<Option<(Vec<f32>, bool)>> {
    let (bias, activation) = match after {
        After::Nothing => return Ok(None),
        After::Bias(bias) => (bias, false),
        After::BiasActivation(bias) => (bias, true),
    };
    let bias: Vec<f32> = bias.flatten_all()?.to_dtype(candle_core::DType::F32)?.to_vec1()?;
    if bias.len() != channels {
        bail!("a bias of {} values for {channels} channels", bias.len());
    }
    Ok(Some((bias, activation)))
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
        let finish = Finish::from(&self.bias);
        for (x, out) in x
            .chunks_exact(channels * height * width)
            .zip(out.chunks_exact_mut(conv.channels_out * out_height * out_width))
        {
            conv.sample(x, out, (height, width), finish);
        }
        Ok((CpuStorage::F32(out), (batch, conv.channels_out, out_height, out_width).into()))
    }
}

/// A 3x3 upsampling convolution with its blur, bias and activation.
pub struct UpConv {
    channels_in: usize,
    channels_out: usize,
    /// (out * 9, in).
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl UpConv {
    /// `weight`: (out, in, 3, 3) as in the checkpoint, with its scale; `bias`: (out).
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn new(weight: &Tensor, bias: &Tensor) -> Result<Self> {
        let (channels_out, channels_in, 3, 3) = weight.dims4()? else { bail!("an upsampling kernel that is not 3x3") };
        let weight = weight.flatten_from(2)?.transpose(1, 2)?.flatten_all()?.to_vec1()?;
        let bias: Vec<f32> = bias.to_vec1()?;
        if bias.len() != channels_out {
            bail!("a bias of {} values for {channels_out} channels", bias.len());
        }
        Ok(Self { channels_in, channels_out, weight, bias })
    }

    /// (N, in, H, W) to (N, out, 2 H, 2 W), f32 on the CPU.
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        x.contiguous()?.apply_op1_no_bwd(&UpConvOp(self))
    }

    fn sample(&self, x: &[f32], out: &mut [f32], (height, width): (usize, usize)) {
        let cells = height * width;
        let group = UP_CHANNELS_PER_TASK.min(self.channels_out.div_ceil(rayon::current_num_threads())).max(1);
        out.par_chunks_mut(group * 4 * cells).enumerate().for_each(|(task, out)| {
            let first = task * group;
            let channels = group.min(self.channels_out - first);
            with_scratch(channels * 9 * cells + 6 * (cells + 2 * width), |scratch| {
                let (products, lines) = scratch.split_at_mut(channels * 9 * cells);
                let weight = &self.weight[first * 9 * self.channels_in..];
                let shape = (channels * 9, self.channels_in, cells);
                multiply(shape, products, cells, weight, self.channels_in, x, cells, false);
                vectorised(
                    #[inline(always)]
                    || {
                        let channels = products.chunks_exact(9 * cells).zip(out.chunks_exact_mut(4 * cells));
                        for (channel, (taps, out)) in channels.enumerate() {
                            scatter_and_blur(taps, (height, width), lines, self.bias[first + channel], out);
                        }
                    },
                );
            });
        });
    }
}

/// What tap (a, b) gave in every cell, (9, H, W), to the blurred, activated picture (2 H, 2 W). Per axis, output 2 m + p takes
/// the taps a at m + d with the weights of the blur; see the fold in `layers`.
#[inline(always)]
fn scatter_and_blur(taps: &[f32], (height, width): (usize, usize), lines: &mut [f32], bias: f32, out: &mut [f32]) {
    let cells = height * width;
    // Along the rows: for each a and each phase, a map with one row of zeros before and behind.
    let map = cells + 2 * width;
    for a in 0..3 {
        let [g0, g1, g2] = [0, 1, 2].map(|b| &taps[(3 * a + b) * cells..][..cells]);
        let (even, odd) = lines[2 * a * map..2 * (a + 1) * map].split_at_mut(map);
        for lines in [&mut *even, &mut *odd] {
            lines[..width].fill(0.0);
            lines[width + cells..].fill(0.0);
        }
        for y in 0..height {
            let [r0, r1, r2] = [g0, g1, g2].map(|g| &g[y * width..][..width]);
            let even = &mut even[(y + 1) * width..][..width];
            let odd = &mut odd[(y + 1) * width..][..width];
            for i in 0..width {
                even[i] = 0.75 * (r0[i] + r1[i]) + 0.25 * r2[i];
                odd[i] = 0.25 * r0[i] + 0.75 * (r1[i] + r2[i]);
            }
            for i in 1..width {
                even[i] += 0.25 * r1[i - 1] + 0.75 * r2[i - 1];
                odd[i] += 0.25 * r2[i - 1];
            }
            for i in 0..width - 1 {
                even[i] += 0.25 * r0[i + 1];
                odd[i] += 0.75 * r0[i + 1] + 0.25 * r1[i + 1];
            }
        }
    }
    // Down the columns, the same weights, and both phases of a row side by side.
    for (y, rows) in out.chunks_exact_mut(4 * width).enumerate() {
        let (upper, lower) = rows.split_at_mut(2 * width);
        let line = |a: usize, phase: usize, row: usize| &lines[(2 * a + phase) * map + row * width..][..width];
        // Row y of a map is line y + 1.
        let [e0, e1, e2] = [0, 1, 2].map(|a| line(a, 0, y + 1));
        let [o0, o1, o2] = [0, 1, 2].map(|a| line(a, 1, y + 1));
        let (e1_up, e2_up, o1_up, o2_up) = (line(1, 0, y), line(2, 0, y), line(1, 1, y), line(2, 1, y));
        let (e0_down, e1_down) = (line(0, 0, y + 2), line(1, 0, y + 2));
        let (o0_down, o1_down) = (line(0, 1, y + 2), line(1, 1, y + 2));
        for (i, pair) in upper.chunks_exact_mut(2).enumerate() {
            let even = 0.75 * (e0[i] + e1[i] + e2_up[i]) + 0.25 * (e2[i] + e1_up[i] + e0_down[i]);
            let odd = 0.75 * (o0[i] + o1[i] + o2_up[i]) + 0.25 * (o2[i] + o1_up[i] + o0_down[i]);
            pair[0] = lrelu(even + bias);
            pair[1] = lrelu(odd + bias);
        }
        for (i, pair) in lower.chunks_exact_mut(2).enumerate() {
            let even = 0.75 * (e1[i] + e2[i] + e0_down[i]) + 0.25 * (e0[i] + e2_up[i] + e1_down[i]);
            let odd = 0.75 * (o1[i] + o2[i] + o0_down[i]) + 0.25 * (o0[i] + o2_up[i] + o1_down[i]);
            pair[0] = lrelu(even + bias);
            pair[1] = lrelu(odd + bias);
        }
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
        for (x, out) in x.chunks_exact(channels * height * width).zip(out.chunks_exact_mut(out_len)) {
            up.sample(x, out, (height, width));
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
        // The same numbers in every run: a tolerance is no matter of luck.
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
        for (n, c, o, h, w) in [(1, 3, 2, 4, 4), (2, 1, 1, 1, 1), (1, 2, 5, 3, 8), (1, 20, 19, 16, 16)] {
            let (x, weight, bias) = (random(&[n, c, h, w]), random(&[o, c, 3, 3]), random(&[o]));
            let wide = x.conv_transpose2d(&weight.transpose(0, 1).unwrap().contiguous().unwrap(), 0, 0, 2, 1).unwrap();
            let blurred = (reference::blur(&wide, 1, 1).unwrap() * 4.0).unwrap();
            let expected = reference::bias_activation(&blurred, &bias).unwrap();
            let ours = UpConv::new(&weight, &bias).unwrap().forward(&x).unwrap();
            assert!(worst(&ours, &expected) < 2e-4, "{:?}", (n, c, o, h, w));
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
