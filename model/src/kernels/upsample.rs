//! 3x3 upsampling convolutions (transposed convolution of stride 2, then the `[1,3,3,1]` blur with gain 4), with bias and activation.
//! Per axis the transposed convolution of x by (w0, w1, w2) has even outputs `e[m] = x[m] w0 + x[m-1] w2` and odd ones
//! `o[m] = x[m] w1`, and the blur gives output n of the sequence `e[0] o[0] e[1] o[1] …` as
//! `y[n-1]/4 + 3/4 (y[n] + y[n+1]) + y[n+2]/4`.
//!
//! Two forms, both exact:
//!
//! - small maps: ONE multiplication gives every tap's product, 9 C planes, and one pass scatters and blurs them;
//! - larger maps: two cells at a time, `e[m]` and `e[m+1]` from three products instead of four,
//!   `x[m] (w0 + w2)`, `(x[m-1] - x[m]) w2`, `(x[m+1] - x[m]) w0`: 25 products for two by two cells instead of 36, by sums and
//!   differences only. Every thread goes down a strip of the map and blurs what it has just made.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::fused::{Input, Reading, Sums, lrelu};
use super::matrix::{multiply, tiles_per_block};
use super::simd::{Shared, choice, load, store, vectorised, with_scratch, with_vectors};

/// Output channels that one task multiplies and scatters, by taps.
const CHANNELS_PER_TASK: usize = 8;
/// Maps from this side on go by pairs of cells: half a row is then at least one vector.
const PAIRS_MIN_SIDE: usize = 32;
/// Rows of a strip, at least: every strip computes two rows of its neighbours too.
const STRIP_MIN_ROWS: usize = 8;

/// Along one axis, what is multiplied: `x[m-1] - x[m]`, `x[m]`, `x[m+1] - x[m]` and `x[m+1]` …
const POINTS: usize = 4;
/// … with these: w2, then w0 + w2 and w1, then w0, then w1.
const PRODUCTS: usize = 5;
const PRODUCTS_OF: [std::ops::Range<usize>; POINTS] = [0..1, 1..3, 3..4, 4..5];
/// The products' kernels as sums of taps.
const TAPS: [[f32; 3]; PRODUCTS] =
    [[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
const FAR: usize = 0;
const SUM: usize = 1;
const MIDDLE: usize = 2;
const NEAR: usize = 3;
const NEXT_MIDDLE: usize = 4;

/// (out, in, 3, 3) to (out * 9, in).
pub(super) fn tap_weight(weight: &[f32], channels_in: usize, channels_out: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(weight.len());
    for channel in 0..channels_out {
        for tap in 0..9 {
            out.extend((0..channels_in).map(|i| weight[(channel * channels_in + i) * 9 + tap]));
        }
    }
    out
}

/// (out, in, 3, 3) to the 25 products' matrices (out, in), ordered by points, then by products.
pub(super) fn pair_weight(weight: &[f32], channels_in: usize, channels_out: usize) -> Vec<f32> {
    let pairs = channels_in * channels_out;
    let mut out = Vec::with_capacity(PRODUCTS * PRODUCTS * pairs);
    for rows in PRODUCTS_OF {
        for columns in PRODUCTS_OF {
            for (row, column) in rows.clone().flat_map(|row| columns.clone().map(move |column| (row, column))) {
                out.extend(weight.chunks_exact(9).map(|kernel| {
                    let taps = (0..9).map(|tap| TAPS[row][tap / 3] * TAPS[column][tap % 3] * kernel[tap]);
                    taps.sum::<f32>()
                }));
            }
        }
    }
    out
}

/// Whether a map of this size goes by pairs of cells.
pub(super) fn takes_pairs((height, width): (usize, usize)) -> bool {
    height.min(width) >= PAIRS_MIN_SIDE && height.is_multiple_of(2) && width.is_multiple_of(2) && !choice().direct
}

/// What an upsampling convolution is made of.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    pub(super) channels_in: usize,
    pub(super) channels_out: usize,
    /// Weights as [`tap_weight`] or [`pair_weight`] gives them.
    pub(super) weight: &'a [f32],
    pub(super) bias: &'a [f32],
    /// Whether the output's sums are wanted.
    pub(super) sums: bool,
}

impl Layer<'_> {
    /// By taps. `out`: (out, 2 H, 2 W).
    pub(super) fn by_taps(&self, input: &Input<'_>, out: &mut [f32]) -> Sums {
        if !input.is_plain() {
            return with_scratch(input.len(), |values| {
                input.read_all(values);
                self.by_taps(&Input { values, reading: Reading::Plain, ..*input }, out)
            });
        }
        let Self { channels_in, channels_out, .. } = *self;
        let size @ (height, width) = (input.height, input.width);
        let cells = height * width;
        let group = CHANNELS_PER_TASK.min(channels_out.div_ceil(rayon::current_num_threads())).max(1);
        let parts = out.par_chunks_mut(group * 4 * cells).enumerate().map(|(task, out)| {
            let first = task * group;
            let channels = group.min(channels_out - first);
            with_scratch(channels * 9 * cells + 6 * (cells + 2 * width) + 2 * width, |scratch| {
                let (products, lines) = scratch.split_at_mut(channels * 9 * cells);
                let weight = &self.weight[first * 9 * channels_in..];
                let shape = (channels * 9, channels_in, cells);
                multiply(shape, products, cells, weight, channels_in, input.values, cells, false);
                vectorised(
                    #[inline(always)]
                    || {
                        let mut sums = Sums::default();
                        let channels = products.chunks_exact(9 * cells).zip(out.chunks_exact_mut(4 * cells));
                        for (channel, (taps, out)) in channels.enumerate() {
                            scatter_and_blur(taps, size, lines, self.bias[first + channel], out);
                            if self.sums {
                                sums = sums.and(Sums::of(out));
                            }
                        }
                        sums
                    },
                )
            })
        });
        Sums::total(parts.collect())
    }

    /// By pairs of cells. `out`: (out, 2 H, 2 W).
    pub(super) fn by_pairs(&self, input: &Input<'_>, out: &mut [f32]) -> Sums {
        let strips = rayon::current_num_threads().min(input.height / STRIP_MIN_ROWS).max(1);
        let rows = input.height.div_ceil(strips).next_multiple_of(2);
        let out = Shared::new(out);
        let strips = (0..input.height.div_ceil(rows)).into_par_iter().map(|strip| {
            let first = strip * rows;
            self.strip(input, first, (first + rows).min(input.height), &out)
        });
        Sums::total(strips.collect())
    }

    /// Rows `first..end` of the input, both even, to the output's rows.
    fn strip(&self, input: &Input<'_>, first: usize, end: usize, out: &Shared) -> Sums {
        let columns = input.width / 2;
        let pair_rows_at_once = (tiles_per_block(self.weight.len()) / columns).clamp(1, (end - first) / 2);
        let step = |row: usize, pair_rows: usize, points: [bool; POINTS]| Step {
            layer: self,
            input,
            row,
            pair_rows,
            points,
            emitted: first..end,
        };
        let largest = step(first, pair_rows_at_once, [true; POINTS]);
        let [transformed_len, products_len] = [largest.transformed_len(), largest.products_len()];
        let carry_len = self.channels_out * CARRIED * 2 * input.width;
        with_scratch(transformed_len + products_len + carry_len + largest.scratch_len(), |scratch| {
            let (transformed, rest) = scratch.split_at_mut(transformed_len);
            let (products, rest) = rest.split_at_mut(products_len);
            let (carry, scratch) = rest.split_at_mut(carry_len);
            carry.fill(0.0);
            let mut sums = Sums::default();
            let mut run = |step: Step<'_>| {
                with_vectors(TransformInput { step: &step, to: &mut *transformed, scratch: &mut *scratch });
                step.multiply(transformed, products);
                sums = sums.and(with_vectors(Blur {
                    step: &step,
                    products,
                    carry: &mut *carry,
                    out,
                    scratch: &mut *scratch,
                }));
            };
            // Of the row above only what its odd outputs need, of the row below only its first.
            if first > 0 {
                run(step(first - 2, 1, [false, false, false, true]));
            }
            let mut row = first;
            while row < end {
                let pair_rows = pair_rows_at_once.min((end - row) / 2);
                run(step(row, pair_rows, [true; POINTS]));
                row += 2 * pair_rows;
            }
            run(step(end, 1, [true, end < input.height, false, false]));
            sums
        })
    }
}

/// Lines of the transposed convolution's output that the next step's blur still needs.
const CARRIED: usize = 3;

/// Some rows of pairs of a strip.
struct Step<'a> {
    layer: &'a Layer<'a>,
    input: &'a Input<'a>,
    /// The first input row.
    row: usize,
    /// Two input rows each.
    pair_rows: usize,
    /// Which points down the columns are needed; the products of the others are zero.
    points: [bool; POINTS],
    /// The input rows that belong to the strip.
    emitted: std::ops::Range<usize>,
}

impl Step<'_> {
    /// Tiles of a point: at the right border even outputs need one tile more per row, of the first point alone.
    fn tiles(&self, column_point: usize) -> usize {
        self.pair_rows * (self.input.width / 2 + usize::from(column_point == 0))
    }

    /// Tiles of all points along the columns.
    fn tiles_of_row_point(&self) -> usize {
        (0..POINTS).map(|point| self.tiles(point)).sum()
    }

    fn transformed_len(&self) -> usize {
        POINTS * self.tiles_of_row_point() * self.layer.channels_in
    }

    /// Where a point's tiles are: (in, tiles).
    fn transformed_at(&self, row_point: usize, column_point: usize) -> usize {
        let before: usize = (0..column_point).map(|point| self.tiles(point)).sum();
        (row_point * self.tiles_of_row_point() + before) * self.layer.channels_in
    }

    fn products_of_row(&self) -> usize {
        (0..POINTS).map(|point| PRODUCTS_OF[point].len() * self.tiles(point)).sum::<usize>() * self.layer.channels_out
    }

    fn products_len(&self) -> usize {
        PRODUCTS * self.products_of_row()
    }

    /// Where the products of a pair of points start: (row products, column products, out, tiles).
    fn products_at(&self, row_point: usize, column_point: usize) -> usize {
        let row_products = PRODUCTS_OF[row_point].len();
        let before: usize = (0..column_point).map(|point| PRODUCTS_OF[point].len() * self.tiles(point)).sum();
        PRODUCTS_OF[row_point].start * self.products_of_row() + row_products * before * self.layer.channels_out
    }

    fn scratch_len(&self) -> usize {
        let width = self.input.width;
        let input = (2 * self.pair_rows + 1) * width + POINTS * (width + 2);
        let output = PRODUCTS * (width / 2 + 1) + (width + 1) + (width + 2) + (CARRIED + 4) * 2 * width + 2 * width;
        input.max(output)
    }

    fn multiply(&self, transformed: &[f32], products: &mut [f32]) {
        let Layer { channels_in, channels_out, weight, .. } = *self.layer;
        let mut weights_before = 0;
        for (row_point, row_products) in PRODUCTS_OF.into_iter().enumerate() {
            for (column_point, column_products) in PRODUCTS_OF.into_iter().enumerate() {
                let rows = row_products.len() * column_products.len() * channels_out;
                if self.points[row_point] {
                    let tiles = self.tiles(column_point);
                    multiply(
                        (rows, channels_in, tiles),
                        &mut products[self.products_at(row_point, column_point)..],
                        tiles,
                        &weight[weights_before * channels_in..],
                        channels_in,
                        &transformed[self.transformed_at(row_point, column_point)..],
                        tiles,
                        false,
                    );
                }
                weights_before += rows;
            }
        }
    }
}

/// The four points of both axes of every tile.
struct TransformInput<'a> {
    step: &'a Step<'a>,
    to: &'a mut [f32],
    scratch: &'a mut [f32],
}

impl WithSimd for TransformInput<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { step, to, scratch } = self;
        let (width, columns) = (step.input.width, step.input.width / 2);
        let (rows, rest) = scratch.split_at_mut((2 * step.pair_rows + 1) * width);
        // Two zeros before, so that the vector before the first can be read.
        let (lines, _) = rest.split_at_mut(POINTS * (width + 2));
        for line in lines.chunks_exact_mut(width + 2) {
            line[..2].fill(0.0);
        }
        for channel in 0..step.layer.channels_in {
            for (i, row) in rows.chunks_exact_mut(width).enumerate() {
                step.input.read_row(channel, step.row + i, 1, row);
            }
            for pair_row in 0..step.pair_rows {
                let (before, rest) = rows[2 * pair_row * width..].split_at(width);
                let (here, rest) = rest.split_at(width);
                let behind = &rest[..width];
                let (l0, rest) = lines.split_at_mut(width + 2);
                let (l1, rest) = rest.split_at_mut(width + 2);
                let (l2, l3) = rest.split_at_mut(width + 2);
                let (l0, l1, l2, l3) =
                    (&mut l0[2..][..width], &mut l1[2..][..width], &mut l2[2..][..width], &mut l3[2..][..width]);
                for i in 0..width {
                    l0[i] = before[i] - here[i];
                    l1[i] = here[i];
                    l2[i] = behind[i] - here[i];
                    l3[i] = behind[i];
                }
                for (row_point, line) in lines.chunks_exact(width + 2).enumerate() {
                    if !step.points[row_point] {
                        continue;
                    }
                    let starts = [0, 1, 2, 3].map(|column_point| {
                        step.transformed_at(row_point, column_point)
                            + channel * step.tiles(column_point)
                            + pair_row * columns
                    });
                    pairs_of(simd, line, starts, columns, to);
                    let border = step.transformed_at(row_point, 0) + channel * step.tiles(0) + step.pair_rows * columns;
                    to[border + pair_row] = line[width + 1];
                }
            }
        }
    }
}

/// The four points along a row, to the tiles from `starts` on. `line`: two zeros, then the row.
#[inline(always)]
fn pairs_of<S: Simd>(simd: S, line: &[f32], starts: [usize; POINTS], columns: usize, to: &mut [f32]) {
    let lanes = S::F32_LANES;
    for group in 0..columns / lanes {
        let (first, at) = (group * lanes, 2 + 2 * group * lanes);
        let [here, behind] = simd.deinterleave_shfl_f32s(load::<S, 2>(&line[at..]));
        let [_, before] = simd.deinterleave_shfl_f32s(load::<S, 2>(&line[at - 2..]));
        let points = [simd.sub_f32s(before, here), here, simd.sub_f32s(behind, here), behind];
        for (start, point) in starts.into_iter().zip(points) {
            store::<S, 1>(&mut to[start + first..], [point]);
        }
    }
    for tile in columns / lanes * lanes..columns {
        let at = 2 + 2 * tile;
        let (before, here, behind) = (line[at - 1], line[at], line[at + 1]);
        for (start, point) in starts.into_iter().zip([before - here, here, behind - here, behind]) {
            to[start + tile] = point;
        }
    }
}

/// From products to blurred, activated rows.
struct Blur<'a> {
    step: &'a Step<'a>,
    products: &'a [f32],
    /// Per channel the last lines of the step before.
    carry: &'a mut [f32],
    out: &'a Shared,
    scratch: &'a mut [f32],
}

impl WithSimd for Blur<'_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Sums {
        let Self { step, products, carry, out, scratch } = self;
        let (width, columns) = (step.input.width, step.input.width / 2);
        let (parts, rest) = scratch.split_at_mut(PRODUCTS * (columns + 1));
        let (even, rest) = rest.split_at_mut(width + 1);
        let (odd, rest) = rest.split_at_mut(width + 2);
        let (lines, rest) = rest.split_at_mut((CARRIED + 4) * 2 * width);
        let (blurred, _) = rest.split_at_mut(2 * width);
        (odd[0], odd[width + 1]) = (0.0, 0.0);
        let mut sums = Sums::default();
        for channel in 0..step.layer.channels_out {
            let carry = &mut carry[channel * CARRIED * 2 * width..][..CARRIED * 2 * width];
            lines[..CARRIED * 2 * width].copy_from_slice(carry);
            for pair_row in 0..step.pair_rows {
                // The transposed convolution's rows e[m], o[m], e[m+1], o[m+1], blurred along themselves.
                let rows: [&[usize]; 4] = [&[SUM, FAR], &[MIDDLE], &[SUM, NEAR], &[NEXT_MIDDLE]];
                for (summands, line) in rows.into_iter().zip(lines[CARRIED * 2 * width..].chunks_exact_mut(2 * width)) {
                    sum_products(step, products, channel, pair_row, summands, parts);
                    pixels_of(simd, parts, columns, even, odd);
                    let (blurred_even, blurred_odd) = line.split_at_mut(width);
                    let (even_after, odd) = (&even[1..width + 1], &odd[..width + 2]);
                    let (even, odd_before, odd_here, odd_after) =
                        (&even[..width], &odd[..width], &odd[1..width + 1], &odd[2..width + 2]);
                    let blurred_odd = &mut blurred_odd[..width];
                    for i in 0..width {
                        blurred_even[i] = 0.75 * (even[i] + odd_here[i]) + 0.25 * (odd_before[i] + even_after[i]);
                        blurred_odd[i] = 0.75 * (odd_here[i] + even_after[i]) + 0.25 * (even[i] + odd_after[i]);
                    }
                }
                // Down the columns: of the row before both outputs are complete now, and of this one.
                let row = step.row + 2 * pair_row;
                for (n, lines) in lines.windows(4 * 2 * width).step_by(2 * width).take(4).enumerate() {
                    let Some(m) = (row + n / 2).checked_sub(1).filter(|m| step.emitted.contains(m)) else { continue };
                    let y = 2 * m + n % 2;
                    let start = (channel * 2 * step.input.height + y) * 2 * width;
                    // SAFETY: every strip has its own rows of every channel.
                    let out = unsafe { out.slice(start, 2 * width) };
                    finish_row(lines, blurred, step.layer.bias[channel], out);
                    if step.layer.sums {
                        sums = sums.and(Sums::of(out));
                    }
                }
                lines.copy_within(4 * 2 * width.., 0);
            }
            carry.copy_from_slice(&lines[..CARRIED * 2 * width]);
        }
        sums
    }
}

/// For every product along the columns, the sum over these products down the rows: (5, columns, and one of the border).
#[inline(always)]
fn sum_products(
    step: &Step<'_>,
    products: &[f32],
    channel: usize,
    pair_row: usize,
    summands: &[usize],
    parts: &mut [f32],
) {
    let columns = step.input.width / 2;
    for (column_point, column_products) in PRODUCTS_OF.into_iter().enumerate() {
        let tiles = step.tiles(column_point);
        for (i, column_product) in column_products.clone().enumerate() {
            let part = &mut parts[column_product * (columns + 1)..][..columns + 1];
            let mut is_first = true;
            for &row_product in summands {
                // Products 0, 1 and 2, 3, 4 are of points 0, 1, 1, 2, 3.
                let row_point = row_product - usize::from(row_product > SUM);
                if !step.points[row_point] {
                    continue;
                }
                let row_index = row_product - PRODUCTS_OF[row_point].start;
                let index = (row_index * column_products.len() + i) * step.layer.channels_out + channel;
                let plane = &products[step.products_at(row_point, column_point) + index * tiles..][..tiles];
                let row = &plane[pair_row * columns..][..columns];
                let border = if column_point == 0 { plane[step.pair_rows * columns + pair_row] } else { 0.0 };
                if is_first {
                    part[..columns].copy_from_slice(row);
                    part[columns] = border;
                } else {
                    part.iter_mut().zip(row).for_each(|(part, product)| *part += product);
                    part[columns] += border;
                }
                is_first = false;
            }
            if is_first {
                part.fill(0.0);
            }
        }
    }
}

/// Even and odd outputs along a row; `odd` has one more place before.
#[inline(always)]
fn pixels_of<S: Simd>(simd: S, parts: &[f32], columns: usize, even: &mut [f32], odd: &mut [f32]) {
    let lanes = S::F32_LANES;
    let part = |product: usize| &parts[product * (columns + 1)..][..columns + 1];
    let (far, sum, middle, near, next_middle) = (part(FAR), part(SUM), part(MIDDLE), part(NEAR), part(NEXT_MIDDLE));
    for group in 0..columns / lanes {
        let at = group * lanes;
        let [sum] = load::<S, 1>(&sum[at..]);
        let ([far], [near]) = (load::<S, 1>(&far[at..]), load::<S, 1>(&near[at..]));
        let pair = [simd.add_f32s(sum, far), simd.add_f32s(sum, near)];
        store::<S, 2>(&mut even[2 * at..], simd.interleave_shfl_f32s(pair));
        let ([middle], [next]) = (load::<S, 1>(&middle[at..]), load::<S, 1>(&next_middle[at..]));
        store::<S, 2>(&mut odd[1 + 2 * at..], simd.interleave_shfl_f32s([middle, next]));
    }
    for at in columns / lanes * lanes..columns {
        (even[2 * at], even[2 * at + 1]) = (sum[at] + far[at], sum[at] + near[at]);
        (odd[1 + 2 * at], odd[2 + 2 * at]) = (middle[at], next_middle[at]);
    }
    even[2 * columns] = far[columns];
}

/// The blur down the columns of four lines (even outputs, then odd ones), bias and activation.
#[inline(always)]
fn finish_row(lines: &[f32], blurred: &mut [f32], bias: f32, out: &mut [f32]) {
    let len = blurred.len();
    let (y0, rest) = lines.split_at(len);
    let (y1, rest) = rest.split_at(len);
    let (y2, rest) = rest.split_at(len);
    let y3 = &rest[..len];
    for i in 0..len {
        blurred[i] = lrelu(0.75 * (y1[i] + y2[i]) + 0.25 * (y0[i] + y3[i]) + bias);
    }
    let (even, odd) = blurred.split_at(len / 2);
    for ((pair, even), odd) in out.chunks_exact_mut(2).zip(even).zip(odd) {
        pair[0] = *even;
        pair[1] = *odd;
    }
}

/// What tap (a, b) gave in every cell, (9, H, W), to the blurred, activated picture (2 H, 2 W). Per axis, output 2 m + p takes
/// the taps a at m + d with the weights of the blur; see the fold in `layers`.
#[inline(always)]
fn scatter_and_blur(taps: &[f32], (height, width): (usize, usize), lines: &mut [f32], bias: f32, out: &mut [f32]) {
    let cells = height * width;
    // Along the rows: for each a and each phase, a map with one row of zeros before and behind.
    let map = cells + 2 * width;
    let (lines, blurred) = lines.split_at_mut(6 * map);
    let blurred = &mut blurred[..2 * width];
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
        for (phase_row, rows) in [upper, lower].into_iter().enumerate() {
            let (even, odd) = blurred.split_at_mut(width);
            if phase_row == 0 {
                for i in 0..width {
                    even[i] = 0.75 * (e0[i] + e1[i] + e2_up[i]) + 0.25 * (e2[i] + e1_up[i] + e0_down[i]);
                    odd[i] = 0.75 * (o0[i] + o1[i] + o2_up[i]) + 0.25 * (o2[i] + o1_up[i] + o0_down[i]);
                }
            } else {
                for i in 0..width {
                    even[i] = 0.75 * (e1[i] + e2[i] + e0_down[i]) + 0.25 * (e0[i] + e2_up[i] + e1_down[i]);
                    odd[i] = 0.75 * (o1[i] + o2[i] + o0_down[i]) + 0.25 * (o0[i] + o2_up[i] + o1_down[i]);
                }
            }
            for ((pair, even), odd) in rows.chunks_exact_mut(2).zip(even.iter()).zip(odd.iter()) {
                pair[0] = lrelu(even + bias);
                pair[1] = lrelu(odd + bias);
            }
        }
    }
}
