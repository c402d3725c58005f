//! 3x3 convolutions by Winograd's F(4x4, 3x3) (Lavin and Gray, arXiv:1509.09308): a quarter of the multiplications.
//!
//! Tiles are transformed in blocks that stay in the cache, one block per thread at a time; a map of few tiles is one block, its
//! channels and points shared out instead. Along a row every fourth value belongs to the same place of its tile, so vectors
//! are taken apart and put together again; the order of the tiles within a vector is then another one, which matters to
//! nobody in between, as every tile is a column of its own.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use super::fused::{Input, Output, Sums};
use super::matrix::{multiply, tiles_per_block};
use super::simd::{Shared, load, store, with_scratch, with_vectors};

/// Points of a transformed tile, 6 x 6.
pub(super) const POINTS: usize = 36;
/// Maps from this side on are worth the transforms …
const MIN_SIDE: usize = 32;
/// … and from this one on where transformed weights of at most so many bytes must be read for few tiles.
const MIN_SIDE_OF_LIGHT_WEIGHTS: usize = 16;
const LIGHT_WEIGHT_BYTES: usize = 10_000_000;
/// Up to this many tiles a map is one block.
const SINGLE_BLOCK_TILES: usize = 64;
/// Zeros before and behind a line.
const MARGIN: usize = 4;

/// Whether a map of this size is worth it.
pub(super) fn takes((height, width): (usize, usize), channels_in: usize, channels_out: usize) -> bool {
    let is_light = POINTS * channels_in * channels_out * size_of::<f32>() <= LIGHT_WEIGHT_BYTES;
    let min_side = if is_light { MIN_SIDE_OF_LIGHT_WEIGHTS } else { MIN_SIDE };
    width.min(height) >= min_side && width.is_multiple_of(4) && height.is_multiple_of(4)
}

/// G g G^T of every kernel: (out, in, 3, 3) to (36, out, in).
pub(super) fn transform_weight(weight: &[f32], channels_in: usize, channels_out: usize) -> Vec<f32> {
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
    out.par_chunks_mut(pairs.max(1)).enumerate().for_each(|(point, out)| {
        let (left, right) = (G[point / 6], G[point % 6]);
        for (out, kernel) in out.iter_mut().zip(weight.chunks_exact(9)) {
            for (a, left) in left.iter().enumerate() {
                for (b, right) in right.iter().enumerate() {
                    *out += left * right * kernel[3 * a + b];
                }
            }
        }
    });
    out
}

/// The convolution of one sample. `weight`: (36, out, in); `out`: (out, H, W).
pub(super) fn convolve(
    weight: &[f32],
    (channels_in, channels_out): (usize, usize),
    input: &Input<'_>,
    out: &mut [f32],
    output: &Output<'_>,
) -> Sums {
    let (tile_rows, tile_columns) = (input.height / 4, input.width / 4);
    let out = Shared::new(out);
    let block = |first_row: usize, rows: usize| Block { input, output, first_row, rows, channels_in, channels_out };
    if tile_rows * tile_columns <= SINGLE_BLOCK_TILES {
        return block(0, tile_rows).on_all_threads(weight, &out);
    }
    let rows_per_thread = tile_rows.div_ceil(rayon::current_num_threads());
    let rows_per_block = (tiles_per_block(weight.len()) / tile_columns).clamp(1, rows_per_thread);
    let parts = (0..tile_rows.div_ceil(rows_per_block)).into_par_iter().map(|index| {
        let first_row = index * rows_per_block;
        block(first_row, rows_per_block.min(tile_rows - first_row)).on_this_thread(weight, &out)
    });
    Sums::total(parts.collect())
}

/// Some rows of tiles of a map.
#[derive(Clone, Copy)]
struct Block<'a> {
    input: &'a Input<'a>,
    output: &'a Output<'a>,
    first_row: usize,
    rows: usize,
    channels_in: usize,
    channels_out: usize,
}

impl Block<'_> {
    fn tile_columns(&self) -> usize {
        self.input.width / 4
    }

    fn tiles(&self) -> usize {
        self.rows * self.tile_columns()
    }

    fn scratch_len(&self) -> usize {
        let (tiles, width) = (self.tiles(), self.input.width);
        let input = (4 * self.rows + 2) * width + 6 * (4 * tiles + 2 * MARGIN) + 6 * tiles;
        input.max(24 * tiles + 4 * tiles + self.output.scratch_len())
    }

    fn on_this_thread(&self, weight: &[f32], out: &Shared) -> Sums {
        let (to_len, from_len) = (POINTS * self.tiles() * self.channels_in, POINTS * self.tiles() * self.channels_out);
        with_scratch(to_len + from_len + self.scratch_len(), |scratch| {
            let (transformed, rest) = scratch.split_at_mut(to_len);
            let (products, scratch) = rest.split_at_mut(from_len);
            let to = Shared::new(transformed);
            with_vectors(TransformInput {
                block: *self,
                channels: 0..self.channels_in,
                to: &to,
                scratch: &mut *scratch,
            });
            for point in 0..POINTS {
                self.multiply_point(point, weight, transformed, products);
            }
            with_vectors(TransformOutput { block: *self, channels: 0..self.channels_out, from: products, out, scratch })
        })
    }

    fn on_all_threads(&self, weight: &[f32], out: &Shared) -> Sums {
        let (to_len, from_len) = (POINTS * self.tiles() * self.channels_in, POINTS * self.tiles() * self.channels_out);
        with_scratch(to_len + from_len, |scratch| {
            let (transformed, products) = scratch.split_at_mut(to_len);
            let to = Shared::new(transformed);
            each_part(self.channels_in, |channels| {
                with_scratch(self.scratch_len(), |scratch| {
                    with_vectors(TransformInput { block: *self, channels, to: &to, scratch });
                });
            });
            let products_of_point = self.tiles() * self.channels_out;
            products.par_chunks_mut(products_of_point.max(1)).enumerate().for_each(|(point, products)| {
                let weight = &weight[point * self.channels_in * self.channels_out..];
                let transformed = &transformed[point * self.channels_in * self.tiles()..];
                self.multiply_point(0, weight, transformed, products);
            });
            let parts = parts_of(self.channels_out).into_par_iter().map(|channels| {
                with_scratch(self.scratch_len(), |scratch| {
                    with_vectors(TransformOutput { block: *self, channels, from: products, out, scratch })
                })
            });
            Sums::total(parts.collect())
        })
    }

    fn multiply_point(&self, point: usize, weight: &[f32], transformed: &[f32], products: &mut [f32]) {
        let (tiles, channels_in, channels_out) = (self.tiles(), self.channels_in, self.channels_out);
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
}

/// Channels in two parts per thread.
fn parts_of(channels: usize) -> Vec<Range<usize>> {
    let len = channels.div_ceil(2 * rayon::current_num_threads()).max(1);
    (0..channels.div_ceil(len)).map(|part| part * len..((part + 1) * len).min(channels)).collect()
}

fn each_part(channels: usize, body: impl Fn(Range<usize>) + Sync + Send) {
    parts_of(channels).into_par_iter().for_each(body);
}

/// B^T d B of every tile of a block: point p of tile t of channel c goes to `to[(p * in + c) * tiles + t]`.
struct TransformInput<'a> {
    block: Block<'a>,
    channels: Range<usize>,
    to: &'a Shared,
    scratch: &'a mut [f32],
}

impl WithSimd for TransformInput<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { block, channels, to, scratch } = self;
        let (width, columns, tiles) = (block.input.width, block.tile_columns(), block.tiles());
        let line_len = 4 * tiles + 2 * MARGIN;
        let (rows, rest) = scratch.split_at_mut((4 * block.rows + 2) * width);
        let (lines, masks) = rest.split_at_mut(6 * line_len);
        for line in lines.chunks_exact_mut(line_len) {
            line[..MARGIN].fill(0.0);
            line[line_len - MARGIN..].fill(0.0);
        }
        // Which tiles have a neighbour before and behind them in their row: all bits or none, in the vectors' order.
        let lanes = S::F32_LANES;
        let (before, rest) = masks.split_at_mut(tiles);
        let (behind, expanded) = rest.split_at_mut(tiles);
        for (mask, edge) in [(&mut *before, 0), (&mut *behind, columns - 1)] {
            for (tile, four) in expanded.chunks_exact_mut(4).take(tiles).enumerate() {
                four.fill(if tile % columns == edge { 0.0 } else { f32::from_bits(u32::MAX) });
            }
            for group in 0..tiles / lanes {
                let [mask_of_group, ..] = simd.deinterleave_shfl_f32s(load::<S, 4>(&expanded[4 * lanes * group..]));
                store::<S, 1>(&mut mask[lanes * group..], [mask_of_group]);
            }
        }
        for channel in channels {
            for (i, row) in rows.chunks_exact_mut(width).enumerate() {
                block.input.read_row(channel, 4 * block.first_row + i, 1, row);
            }
            for row in 0..block.rows {
                columns_of(&rows[4 * row * width..], width, lines, line_len, MARGIN + row * width);
            }
            for (i, line) in lines.chunks_exact(line_len).enumerate() {
                // SAFETY: every channel and point has its own part, and this task alone has this channel.
                let point = |j: usize| unsafe { to.slice(((6 * i + j) * block.channels_in + channel) * tiles, tiles) };
                let points = [point(0), point(1), point(2), point(3), point(4), point(5)];
                rows_of(simd, line, columns, before, behind, points);
            }
        }
    }
}

/// B^T of six values.
#[inline(always)]
fn transform([d0, d1, d2, d3, d4, d5]: [f32; 6]) -> [f32; 6] {
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

/// B^T down the columns of six rows, into six lines.
#[inline(always)]
fn columns_of(rows: &[f32], width: usize, lines: &mut [f32], line_len: usize, at: usize) {
    let (r0, rest) = rows.split_at(width);
    let (r1, rest) = rest.split_at(width);
    let (r2, rest) = rest.split_at(width);
    let (r3, rest) = rest.split_at(width);
    let (r4, rest) = rest.split_at(width);
    let r5 = &rest[..width];
    let (l0, rest) = lines.split_at_mut(line_len);
    let (l1, rest) = rest.split_at_mut(line_len);
    let (l2, rest) = rest.split_at_mut(line_len);
    let (l3, rest) = rest.split_at_mut(line_len);
    let (l4, l5) = rest.split_at_mut(line_len);
    let (l0, l1, l2) = (&mut l0[at..][..width], &mut l1[at..][..width], &mut l2[at..][..width]);
    let (l3, l4, l5) = (&mut l3[at..][..width], &mut l4[at..][..width], &mut l5[at..][..width]);
    for i in 0..width {
        [l0[i], l1[i], l2[i], l3[i], l4[i], l5[i]] = transform([r0[i], r1[i], r2[i], r3[i], r4[i], r5[i]]);
    }
}

/// B^T along the rows: from one line to six points of every tile.
#[inline(always)]
fn rows_of<S: Simd>(simd: S, line: &[f32], columns: usize, before: &[f32], behind: &[f32], points: [&mut [f32]; 6]) {
    let lanes = S::F32_LANES;
    let [p0, p1, p2, p3, p4, p5] = points;
    let tiles = p0.len();
    let (four, five, two) = (simd.splat_f32s(4.0), simd.splat_f32s(5.0), simd.splat_f32s(2.0));
    for group in 0..tiles / lanes {
        let (first, at) = (lanes * group, MARGIN + 4 * lanes * group);
        let [d1, d2, d3, d4] = simd.deinterleave_shfl_f32s(load::<S, 4>(&line[at..]));
        let [.., d0] = simd.deinterleave_shfl_f32s(load::<S, 4>(&line[at - 4..]));
        let [d5, ..] = simd.deinterleave_shfl_f32s(load::<S, 4>(&line[at + 4..]));
        let ([before], [behind]) = (load::<S, 1>(&before[first..]), load::<S, 1>(&behind[first..]));
        let (d0, d5) = (simd.and_f32s(d0, before), simd.and_f32s(d5, behind));
        let even = simd.sub_f32s(d4, simd.mul_f32s(four, d2));
        let odd = simd.sub_f32s(d3, simd.mul_f32s(four, d1));
        let even_half = simd.sub_f32s(d4, d2);
        let odd_half = simd.mul_f32s(two, simd.sub_f32s(d3, d1));
        let q0 = simd.mul_add_e_f32s(four, d0, simd.sub_f32s(d4, simd.mul_f32s(five, d2)));
        let q5 = simd.mul_add_e_f32s(four, d1, simd.sub_f32s(d5, simd.mul_f32s(five, d3)));
        store::<S, 1>(&mut p0[first..], [q0]);
        store::<S, 1>(&mut p1[first..], [simd.add_f32s(even, odd)]);
        store::<S, 1>(&mut p2[first..], [simd.sub_f32s(even, odd)]);
        store::<S, 1>(&mut p3[first..], [simd.add_f32s(even_half, odd_half)]);
        store::<S, 1>(&mut p4[first..], [simd.sub_f32s(even_half, odd_half)]);
        store::<S, 1>(&mut p5[first..], [q5]);
    }
    for tile in tiles / lanes * lanes..tiles {
        let at = MARGIN + 4 * tile;
        let d0 = if tile % columns == 0 { 0.0 } else { line[at - 1] };
        let d5 = if tile % columns == columns - 1 { 0.0 } else { line[at + 4] };
        let (d1, d2, d3, d4) = (line[at], line[at + 1], line[at + 2], line[at + 3]);
        [p0[tile], p1[tile], p2[tile], p3[tile], p4[tile], p5[tile]] = transform([d0, d1, d2, d3, d4, d5]);
    }
}

/// A^T m A of every tile of a block, from `from[(p * out + c) * tiles + t]` to the output's rows, and what follows.
struct TransformOutput<'a> {
    block: Block<'a>,
    channels: Range<usize>,
    from: &'a [f32],
    out: &'a Shared,
    scratch: &'a mut [f32],
}

impl WithSimd for TransformOutput<'_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Sums {
        let Self { block, channels, from, out, scratch } = self;
        let (width, height, tiles) = (block.input.width, block.input.height, block.tiles());
        let (lines, rest) = scratch.split_at_mut(24 * tiles);
        let (row, scratch) = rest.split_at_mut(4 * tiles);
        let mut sums = Sums::default();
        for channel in channels {
            // Along the columns of points first: (6 columns of points) x (4 rows), each a line of tiles.
            for (j, lines) in lines.chunks_exact_mut(4 * tiles).enumerate() {
                let point = |i: usize| &from[((6 * i + j) * block.channels_out + channel) * tiles..][..tiles];
                columns_to_rows([point(0), point(1), point(2), point(3), point(4), point(5)], lines);
            }
            for i in 0..4 {
                rows_to_pixels(simd, lines, i, tiles, row);
                for (tile_row, row) in row.chunks_exact(width).enumerate() {
                    let y = 4 * (block.first_row + tile_row) + i;
                    // SAFETY: every block has its own rows of every channel, and this task alone has this channel.
                    let out = unsafe { out.slice((channel * height + y) * width, width) };
                    out.copy_from_slice(row);
                    sums = sums.and(block.output.finish_row(channel, y, out, scratch));
                }
            }
        }
        sums
    }
}

#[inline(always)]
fn columns_to_rows([m0, m1, m2, m3, m4, m5]: [&[f32]; 6], lines: &mut [f32]) {
    let tiles = m0.len();
    let (s0, rest) = lines.split_at_mut(tiles);
    let (s1, rest) = rest.split_at_mut(tiles);
    let (s2, rest) = rest.split_at_mut(tiles);
    let s3 = &mut rest[..tiles];
    let (m1, m2, m3) = (&m1[..tiles], &m2[..tiles], &m3[..tiles]);
    let (m4, m5) = (&m4[..tiles], &m5[..tiles]);
    for t in 0..tiles {
        let (sum, difference) = (m1[t] + m2[t], m1[t] - m2[t]);
        let (far_sum, far_difference) = (m3[t] + m4[t], m3[t] - m4[t]);
        s0[t] = m0[t] + sum + far_sum;
        s1[t] = difference + 2.0 * far_difference;
        s2[t] = sum + 4.0 * far_sum;
        s3[t] = difference + 8.0 * far_difference + m5[t];
    }
}

/// A^T along row `i` of every tile, to four pixels per tile.
#[inline(always)]
fn rows_to_pixels<S: Simd>(simd: S, lines: &[f32], i: usize, tiles: usize, row: &mut [f32]) {
    let lanes = S::F32_LANES;
    let column = |j: usize| &lines[(4 * j + i) * tiles..][..tiles];
    let (s0, s1, s2) = (column(0), column(1), column(2));
    let (s3, s4, s5) = (column(3), column(4), column(5));
    let (two, four, eight) = (simd.splat_f32s(2.0), simd.splat_f32s(4.0), simd.splat_f32s(8.0));
    for group in 0..tiles / lanes {
        let at = lanes * group;
        let vector = |s: &[f32]| load::<S, 1>(&s[at..])[0];
        let (m1, m2, m3, m4) = (vector(s1), vector(s2), vector(s3), vector(s4));
        let (sum, difference) = (simd.add_f32s(m1, m2), simd.sub_f32s(m1, m2));
        let (far_sum, far_difference) = (simd.add_f32s(m3, m4), simd.sub_f32s(m3, m4));
        let pixels = [
            simd.add_f32s(vector(s0), simd.add_f32s(sum, far_sum)),
            simd.mul_add_e_f32s(two, far_difference, difference),
            simd.mul_add_e_f32s(four, far_sum, sum),
            simd.mul_add_e_f32s(eight, far_difference, simd.add_f32s(difference, vector(s5))),
        ];
        store::<S, 4>(&mut row[4 * at..], simd.interleave_shfl_f32s(pixels));
    }
    for t in tiles / lanes * lanes..tiles {
        let (sum, difference) = (s1[t] + s2[t], s1[t] - s2[t]);
        let (far_sum, far_difference) = (s3[t] + s4[t], s3[t] - s4[t]);
        row[4 * t] = s0[t] + sum + far_sum;
        row[4 * t + 1] = difference + 2.0 * far_difference;
        row[4 * t + 2] = sum + 4.0 * far_sum;
        row[4 * t + 3] = difference + 8.0 * far_difference + s5[t];
    }
}
