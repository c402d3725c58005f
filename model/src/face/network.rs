//! YuNet (Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023): the network
//! alone, from pixels to one score, box and five points per cell at strides 8, 16 and 32.
//!
//! Every layer but the first is one kind of unit, a 1x1 convolution and then a depthwise 3x3 one, and every width is a
//! multiple of sixteen (the heads' 1 + 4 + 1 + 10 outputs together as well). So maps are kept channels-last in blocks
//! of sixteen values, a unit runs over three rows of its first half at a time, which stay in the cache, and bands of
//! rows go to rayon's threads.

use rayon::prelude::*;

use super::onnx::{self, Convolution};
use crate::error::{Error, Result};

/// Sides of a picture must be multiples of this: the coarsest stride.
pub(super) const STRIDE_PX: usize = 32;
/// Strides of the three outputs.
pub(super) const STRIDES_PX: [usize; 3] = [8, 16, 32];

/// Channels side by side; the compiler turns loops over a block into vector instructions.
const BLOCK: usize = 16;
type Block = [f32; BLOCK];
/// Rows of a map that one task computes: few enough to share out, enough that the two extra rows of a band do not
/// matter.
const ROWS_PER_BAND: usize = 16;
/// Pixels whose products share the loaded weights.
const PIXELS_AT_ONCE: usize = 4;

/// A feature map, channels-last: `blocks` per pixel, row by row.
pub(super) struct Map {
    width: usize,
    height: usize,
    blocks: usize,
    values: Vec<Block>,
}

/// What one cell of an output says.
pub(super) struct Cell {
    /// Probability that the cell belongs to a face, before the square root of its product with `objectness`.
    pub class: f32,
    /// Probability that the box fits.
    pub objectness: f32,
    /// Offset of the box's centre from the cell's corner, and the logarithms of its width and height, in strides.
    pub frame: [f32; 4],
    /// Offsets of the five points from the cell's corner, in strides: right eye, left eye, nose, right and left corner
    /// of the mouth of the person, which is left before right in the picture.
    pub points: [[f32; 2]; 5],
}

/// The cells of one stride, row by row.
pub(super) struct Output {
    pub stride_px: usize,
    pub width: usize,
    map: Map,
}

impl Output {
    pub fn cells(&self) -> impl Iterator<Item = Cell> + '_ {
        self.map.values.iter().map(|&[class, dx, dy, width, height, objectness, ref points @ ..]| {
            let (points, _) = points.as_chunks::<2>();
            let mut cell = Cell {
                class: sigmoid(class),
                objectness: sigmoid(objectness),
                frame: [dx, dy, width, height],
                points: [[0.0; 2]; 5],
            };
            cell.points.iter_mut().zip(points).for_each(|(to, &from)| *to = from);
            cell
        })
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// A 1x1 convolution, then a depthwise 3x3 convolution with padding, then maybe relu.
struct Unit {
    inputs: usize,
    outputs: usize,
    /// (in, out / 16).
    pointwise: Vec<Block>,
    pointwise_bias: Vec<Block>,
    /// (9, out / 16).
    depthwise: Vec<Block>,
    depthwise_bias: Vec<Block>,
    has_relu: bool,
}

pub(super) struct Network {
    /// 3x3, stride 2, from 3 channels to 16, as (9 taps x 3 channels) rows.
    stem: Vec<Block>,
    stem_bias: Block,
    backbone: Vec<Unit>,
    /// From the coarsest to the finest.
    lateral: Vec<Unit>,
    /// From the finest to the coarsest.
    heads: Vec<Unit>,
}

/// Units of the backbone, and before which of them the map is halved, and kept for the neck as it was.
const BACKBONE_UNITS: usize = 11;
const HALVED_BEFORE: [usize; 4] = [1, 5, 7, 9];
const KEPT_BEFORE: [usize; 2] = [7, 9];

impl Network {
    /// From the published ONNX file.
    ///
    /// # Errors
    /// [`Error::Detector`] when it holds another network.
    pub fn from_onnx(bytes: &[u8]) -> Result<Self> {
        let mut convolutions = onnx::convolutions(bytes)?.into_iter();
        let mut next = || convolutions.next().ok_or_else(|| Error::Detector("a layer is missing".to_owned()));
        let stem = next()?;
        if stem.shape != [BLOCK, 3, 3, 3] {
            return Err(Error::Detector(format!("the first layer is {:?}", stem.shape)));
        }
        let mut backbone = Vec::new();
        // The first layer's second half belongs to the backbone's units.
        for _ in 0..BACKBONE_UNITS {
            backbone.push(Unit::new(&[(next()?, next()?)], true)?);
        }
        let lateral = (0..3).map(|_| Unit::new(&[(next()?, next()?)], true)).collect::<Result<Vec<_>>>()?;
        // The file has the heads by kind, then by stride; here each stride's kinds are one unit.
        let mut by_stride: [Vec<(Convolution, Convolution)>; 3] = Default::default();
        for _kind in ["class", "frame", "objectness", "points"] {
            for stride in &mut by_stride {
                stride.push((next()?, next()?));
            }
        }
        let heads = by_stride.iter().map(|kinds| Unit::new(kinds, false)).collect::<Result<Vec<_>>>()?;
        let mut channels = BLOCK;
        for unit in backbone.iter().chain(&lateral) {
            if unit.inputs != channels {
                return Err(Error::Detector("the layers do not fit together".to_owned()));
            }
            channels = unit.outputs;
        }
        if heads.iter().any(|unit| (unit.inputs, unit.outputs) != (channels, BLOCK)) {
            return Err(Error::Detector("the layers do not fit together".to_owned()));
        }
        // (out, in, 3, 3) to (tap, in) rows of outputs.
        let stem_rows = (0..9)
            .flat_map(|tap| (0..3).map(move |channel| (tap, channel)))
            .map(|(tap, channel)| std::array::from_fn(|out| stem.weight[(out * 3 + channel) * 9 + tap]))
            .collect();
        let stem_bias = std::array::from_fn(|out| stem.bias[out]);
        Ok(Self { stem: stem_rows, stem_bias, backbone, lateral, heads })
    }

    /// What the network sees at each stride, the finest first. `pixels` are BGR in 0 to 255, row by row; both sides are
    /// multiples of [`STRIDE_PX`].
    pub fn features(&self, pixels: &[[f32; 3]], width: usize, height: usize) -> Vec<Map> {
        debug_assert!(width.is_multiple_of(STRIDE_PX) && height.is_multiple_of(STRIDE_PX));
        debug_assert_eq!(pixels.len(), width * height);
        let mut map = self.stem(pixels, width, height);
        let mut kept = Vec::new();
        for (i, unit) in self.backbone.iter().enumerate() {
            if HALVED_BEFORE.contains(&i) {
                let halved = map.halved();
                let whole = std::mem::replace(&mut map, halved);
                if KEPT_BEFORE.contains(&i) {
                    kept.push(whole);
                }
            }
            map = unit.run(&map);
        }
        kept.push(map);
        // From the coarsest to the finest, each adding what the coarser ones saw.
        let mut features: Vec<Map> = Vec::new();
        for (unit, mut input) in self.lateral.iter().zip(kept.into_iter().rev()) {
            if let Some(coarser) = features.last() {
                input.add_doubled(coarser);
            }
            features.push(unit.run(&input));
        }
        features.reverse();
        features
    }

    /// What the heads make of [`Self::features`].
    pub fn outputs(&self, features: &[Map]) -> Vec<Output> {
        let heads = features.iter().zip(&self.heads).zip(STRIDES_PX);
        heads
            .map(|((map, head), stride_px)| {
                let map = head.run(map);
                Output { stride_px, width: map.width, map }
            })
            .collect()
    }

    fn stem(&self, pixels: &[[f32; 3]], width: usize, height: usize) -> Map {
        let mut out = Map::new(width / 2, height / 2, 1);
        let row_len = out.width;
        out.values.par_chunks_mut(row_len.max(1)).enumerate().for_each(|(y, row)| {
            vectorised(
                #[inline(always)]
                || {
                    for (x, to) in row.iter_mut().enumerate() {
                        let mut sum = self.stem_bias;
                        for (tap, weights) in self.stem.chunks_exact(3).enumerate() {
                            // Padding of one: taps above and left fall away; below and right there are none.
                            let (Some(from_y), Some(from_x)) =
                                ((2 * y + tap / 3).checked_sub(1), (2 * x + tap % 3).checked_sub(1))
                            else {
                                continue;
                            };
                            for (&value, weights) in pixels[from_y * width + from_x].iter().zip(weights) {
                                add_product(&mut sum, weights, value);
                            }
                        }
                        *to = sum.map(|value| value.max(0.0));
                    }
                },
            );
        });
        out
    }
}

/// Runs `body` compiled for the best instruction set of this machine.
#[inline(always)]
fn vectorised<R>(body: impl FnOnce() -> R) -> R {
    pulp::Arch::default().dispatch(body)
}

#[inline(always)]
fn add_product(sum: &mut Block, weights: &Block, value: f32) {
    sum.iter_mut().zip(weights).for_each(|(sum, &weight)| *sum += weight * value);
}

impl Map {
    fn new(width: usize, height: usize, blocks: usize) -> Self {
        Self { width, height, blocks, values: vec![[0.0; BLOCK]; width * height * blocks] }
    }

    /// The values of the pixels from `first` to before `end`, in both directions, row by row.
    pub fn window(&self, first: usize, end: usize) -> impl Iterator<Item = f32> + '_ {
        let rows = (first..end.min(self.height)).map(|y| self.row(y));
        rows.flat_map(move |row| row.iter().skip(first * self.blocks).take((end - first) * self.blocks))
            .flatten()
            .copied()
    }

    fn row(&self, y: usize) -> &[Block] {
        let len = self.width * self.blocks;
        &self.values[y * len..(y + 1) * len]
    }

    /// The maximum of every 2 x 2 pixels.
    fn halved(&self) -> Self {
        let mut out = Self::new(self.width / 2, self.height / 2, self.blocks);
        let blocks = self.blocks;
        out.values.par_chunks_mut((self.width / 2 * blocks).max(1)).enumerate().for_each(|(y, to)| {
            let rows = [self.row(2 * y), self.row(2 * y + 1)];
            for (x, to) in to.chunks_exact_mut(blocks).enumerate() {
                for (block, to) in to.iter_mut().enumerate() {
                    let at = 2 * x * blocks + block;
                    let corners = [&rows[0][at], &rows[0][at + blocks], &rows[1][at], &rows[1][at + blocks]];
                    *to = std::array::from_fn(|i| {
                        corners.iter().fold(f32::NEG_INFINITY, |most, corner| most.max(corner[i]))
                    });
                }
            }
        });
        out
    }

    /// Adds a map of half the size, every pixel twice in each direction.
    fn add_doubled(&mut self, coarser: &Self) {
        let (blocks, row_len) = (self.blocks, self.width * self.blocks);
        for (y, row) in self.values.chunks_exact_mut(row_len.max(1)).enumerate() {
            let from = coarser.row(y / 2);
            for (x, to) in row.chunks_exact_mut(blocks).enumerate() {
                let from = &from[x / 2 * blocks..][..blocks];
                to.iter_mut().zip(from).for_each(|(to, from)| add_product(to, from, 1.0));
            }
        }
    }
}

impl Unit {
    /// The parts' outputs lie one after the other. Each part: 1x1 (out, in, 1, 1) and depthwise (out, 1, 3, 3).
    fn new(parts: &[(Convolution, Convolution)], has_relu: bool) -> Result<Self> {
        let inputs = parts.first().map_or(0, |(pointwise, _)| pointwise.shape[1]);
        let outputs: usize = parts.iter().map(|(pointwise, _)| pointwise.shape[0]).sum();
        let fits = parts.iter().all(|(pointwise, depthwise)| {
            pointwise.shape == [pointwise.shape[0], inputs, 1, 1] && depthwise.shape == [pointwise.shape[0], 1, 3, 3]
        });
        if !fits || inputs == 0 || !inputs.is_multiple_of(BLOCK) || !outputs.is_multiple_of(BLOCK) {
            return Err(Error::Detector("a layer has another shape".to_owned()));
        }
        let in_one = |values: fn(&(Convolution, Convolution)) -> &Vec<f32>| -> Vec<f32> {
            parts.iter().flat_map(values).copied().collect()
        };
        let pointwise = in_one(|(pointwise, _)| &pointwise.weight);
        let depthwise = in_one(|(_, depthwise)| &depthwise.weight);
        let in_blocks = |values: Vec<f32>| values.as_chunks::<BLOCK>().0.to_vec();
        // Both come with the outputs first; here they lie innermost.
        let turned = |values: &[f32], len: usize| {
            in_blocks((0..len * outputs).map(|i| values[(i % outputs) * len + i / outputs]).collect())
        };
        Ok(Self {
            inputs,
            outputs,
            pointwise: turned(&pointwise, inputs),
            pointwise_bias: in_blocks(in_one(|(pointwise, _)| &pointwise.bias)),
            depthwise: turned(&depthwise, 9),
            depthwise_bias: in_blocks(in_one(|(_, depthwise)| &depthwise.bias)),
            has_relu,
        })
    }

    fn run(&self, from: &Map) -> Map {
        let blocks = self.outputs / BLOCK;
        let mut out = Map::new(from.width, from.height, blocks);
        let row_len = from.width * blocks;
        out.values.par_chunks_mut((ROWS_PER_BAND * row_len).max(1)).enumerate().for_each(|(band, rows)| {
            vectorised(
                #[inline(always)]
                || self.run_band(from, band * ROWS_PER_BAND, rows),
            );
        });
        out
    }

    #[inline(always)]
    fn run_band(&self, from: &Map, first_row: usize, out: &mut [Block]) {
        let blocks = self.outputs / BLOCK;
        // Three rows after the 1x1 convolution: above, here, below; a pixel at each end is padding and stays zero.
        let padded_len = (from.width + 2) * blocks;
        let mut near: [Vec<Block>; 3] = std::array::from_fn(|_| vec![[0.0; BLOCK]; padded_len]);
        self.fill_padded_row(from, first_row.checked_sub(1), &mut near[1]);
        self.fill_padded_row(from, Some(first_row), &mut near[2]);
        for (i, out) in out.chunks_exact_mut(from.width * blocks).enumerate() {
            near.rotate_left(1);
            self.fill_padded_row(from, Some(first_row + i + 1), &mut near[2]);
            self.depthwise_row([&near[0], &near[1], &near[2]], out);
        }
    }

    /// One row after the 1x1 convolution; rows beyond the map are padding.
    #[inline(always)]
    fn fill_padded_row(&self, from: &Map, y: Option<usize>, to: &mut [Block]) {
        let blocks = self.outputs / BLOCK;
        let inner = blocks..to.len() - blocks;
        match y.filter(|&y| y < from.height) {
            Some(y) => self.pointwise_row(from.row(y), &mut to[inner]),
            None => to.fill([0.0; BLOCK]),
        }
    }

    #[inline(always)]
    fn pointwise_row(&self, from: &[Block], to: &mut [Block]) {
        let (from_blocks, to_blocks) = (self.inputs / BLOCK, self.outputs / BLOCK);
        let mut from = from.chunks_exact(PIXELS_AT_ONCE * from_blocks);
        let mut to = to.chunks_exact_mut(PIXELS_AT_ONCE * to_blocks);
        for (from, to) in (&mut from).zip(&mut to) {
            self.pointwise_pixels::<PIXELS_AT_ONCE>(from, to);
        }
        let rest = from.remainder().chunks_exact(from_blocks).zip(to.into_remainder().chunks_exact_mut(to_blocks));
        for (from, to) in rest {
            self.pointwise_pixels::<1>(from, to);
        }
    }

    #[inline(always)]
    fn pointwise_pixels<const PIXELS: usize>(&self, from: &[Block], to: &mut [Block]) {
        let (from_blocks, to_blocks) = (self.inputs / BLOCK, self.outputs / BLOCK);
        for (to_block, bias) in self.pointwise_bias.iter().enumerate() {
            let mut sums = [*bias; PIXELS];
            for from_block in 0..from_blocks {
                let values: [&Block; PIXELS] = std::array::from_fn(|pixel| &from[pixel * from_blocks + from_block]);
                for i in 0..BLOCK {
                    let weights = &self.pointwise[(from_block * BLOCK + i) * to_blocks + to_block];
                    for (sum, value) in sums.iter_mut().zip(values) {
                        add_product(sum, weights, value[i]);
                    }
                }
            }
            for (pixel, sum) in sums.into_iter().enumerate() {
                to[pixel * to_blocks + to_block] = sum;
            }
        }
    }

    #[inline(always)]
    fn depthwise_row(&self, near: [&[Block]; 3], out: &mut [Block]) {
        let blocks = self.outputs / BLOCK;
        for (x, out) in out.chunks_exact_mut(blocks).enumerate() {
            for (block, out) in out.iter_mut().enumerate() {
                let mut sum = self.depthwise_bias[block];
                for (dy, row) in near.iter().enumerate() {
                    for dx in 0..3 {
                        let weights = &self.depthwise[(dy * 3 + dx) * blocks + block];
                        let values = &row[(x + dx) * blocks + block];
                        for i in 0..BLOCK {
                            sum[i] += weights[i] * values[i];
                        }
                    }
                }
                *out = if self.has_relu { sum.map(|value| value.max(0.0)) } else { sum };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The surest cell of the coarsest output, and sums over all cells, as onnxruntime 1.23 gives them for a demo
    /// portrait.
    #[test]
    fn agrees_with_onnxruntime() -> Result<()> {
        let network = Network::from_onnx(include_bytes!("../../../weights/yunet/face_detection_yunet_2026may.onnx"))?;
        let portrait = include_bytes!("../../../assets/demo/female_005.png");
        let portrait = crate::photo::load_bytes(portrait, "female_005.png")?;
        let pixels: Vec<[f32; 3]> = portrait.pixels().map(|pixel| [2, 1, 0].map(|i| f32::from(pixel.0[i]))).collect();
        let outputs = network.outputs(&network.features(&pixels, 256, 256));
        let class_sums = [610.6829f32, 117.708176, 47.540115];
        let frame_sums = [4091.0583f32, 358.10083, 297.9399];
        let point_sums = [10597.489f32, 1351.3997, 742.1471];
        for (i, output) in outputs.iter().enumerate() {
            let sums = output.cells().fold([0.0; 3], |[class, frame, points], cell| {
                [
                    class + cell.class,
                    frame + cell.frame.iter().map(|value| value.abs()).sum::<f32>(),
                    points + cell.points.iter().flatten().map(|value| value.abs()).sum::<f32>(),
                ]
            });
            for (sum, expected) in sums.into_iter().zip([class_sums[i], frame_sums[i], point_sums[i]]) {
                assert!((sum - expected).abs() < 1e-4 * expected, "stride {}: {sum}, not {expected}", output.stride_px);
            }
        }
        let face = outputs[2].cells().nth(36).ok_or(Error::Cancelled)?;
        assert!((face.class - 0.8852409).abs() < 1e-4 && (face.objectness - 0.9998114).abs() < 1e-4);
        let points = [-1.0280291, -0.43925974, 0.84579295, -0.39736116, -0.22844976, 0.70950586, -0.9328401, 1.5331323];
        let frame = [0.060100347, 0.20639399, 1.4047499, 1.7334623];
        let found = face.frame.iter().chain(face.points.iter().flatten());
        for (found, expected) in found.zip(frame.iter().chain(&points)) {
            assert!((found - expected).abs() < 1e-4, "{found} is not {expected}");
        }
        Ok(())
    }

    #[test]
    fn another_network_is_refused() {
        assert!(Network::from_onnx(b"").is_err());
        assert!(Network::from_onnx(&[7 << 3 | 2, 0]).is_err());
    }
}
