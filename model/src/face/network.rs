//! YuNet (Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023): from a picture to one
//! score, box and five points per cell at strides 8, 16 and 32.
//!
//! Every layer but the first is one kind of unit, a 1x1 convolution and then a depthwise 3x3 one, and every width is a multiple of
//! sixteen (the heads' 1 + 4 + 1 + 10 outputs together as well). Maps are kept channels-last. A photo's maps are far larger than
//! the caches and the channels are few, so memory would be most of the time: the layers from the pixels to stride 8 run as one
//! chain over tiles, each layer handing the next a row when it asks for it and keeping three.

use image::RgbImage;
use rayon::prelude::*;

use super::onnx::{self, Convolution};
use crate::error::{Error, Result};
use crate::kernels::separable::{BLOCK, Depthwise, Pointwise};

/// Sides of the network's input are multiples of this: the coarsest stride.
const STRIDE_PX: usize = 32;
/// Strides of the three outputs.
const STRIDES_PX: [usize; 3] = [8, 16, 32];
/// Sides of the tiles of a chain's last map: small enough that the rows between the layers stay in the cache, large enough that
/// what neighbours compute twice does not matter.
const TILE_WIDTH: usize = 48;
const TILE_HEIGHT: usize = 64;
/// What the first layer reads for an output: three by three pixels of three channels.
const STEM_INPUTS: usize = 27;
/// Units of the backbone, and before which of them the map is halved; those at 7 and 9 begin a coarser stride.
const BACKBONE_UNITS: usize = 11;
const HALVED_BEFORE: [usize; 4] = [1, 5, 7, 9];
const STRIDE_8_UNITS: std::ops::Range<usize> = 0..7;
const STRIDE_16_UNITS: std::ops::Range<usize> = 7..9;
const STRIDE_32_UNITS: std::ops::Range<usize> = 9..11;

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
        let cells = self.map.values.as_chunks::<BLOCK>().0.iter();
        cells.map(|&[class, dx, dy, width, height, objectness, ref points @ ..]| {
            let mut cell = Cell {
                class: sigmoid(class),
                objectness: sigmoid(objectness),
                frame: [dx, dy, width, height],
                points: [[0.0; 2]; 5],
            };
            cell.points.iter_mut().zip(points.as_chunks().0).for_each(|(to, &from)| *to = from);
            cell
        })
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// A feature map: the channels of a pixel side by side, row by row.
pub(super) struct Map {
    width: usize,
    height: usize,
    channels: usize,
    values: Vec<f32>,
}

impl Map {
    fn new(width: usize, height: usize, channels: usize) -> Self {
        Self { width, height, channels, values: vec![0.0; width * height * channels] }
    }

    fn row_len(&self) -> usize {
        self.width * self.channels
    }

    /// The pixels of row `y` from `start` to before `end`.
    fn row(&self, y: usize, start: usize, end: usize) -> &[f32] {
        let first = y * self.row_len();
        &self.values[first + start * self.channels..first + end * self.channels]
    }

    /// The cells from `first` to before `end`, in both directions, row by row, with the channels of each side by side.
    pub fn window(&self, first: usize, end: usize) -> impl Iterator<Item = f32> + '_ {
        let end_x = end.min(self.width);
        let rows = (first..end.min(self.height)).map(move |y| self.row(y, first.min(end_x), end_x));
        rows.flatten().copied()
    }

    /// Adds a map of half the size, every pixel twice in each direction.
    fn add_doubled(&mut self, coarser: &Self) {
        let (channels, row_len) = (self.channels, self.row_len());
        self.values.par_chunks_exact_mut(row_len.max(1)).enumerate().for_each(|(y, row)| {
            for (pair, from) in
                row.chunks_mut(2 * channels).zip(coarser.row(y / 2, 0, coarser.width).chunks_exact(channels))
            {
                for to in pair.chunks_exact_mut(channels) {
                    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
                }
            }
        });
    }
}

/// A 1x1 convolution, then a depthwise 3x3 convolution with padding, then maybe relu.
struct Unit {
    pointwise: Pointwise,
    depthwise: Depthwise,
    has_relu: bool,
}

impl Unit {
    /// The parts' outputs lie one after the other. Each part: 1x1 (out, in, 1, 1) and depthwise (out, 1, 3, 3).
    fn new(parts: &[(Convolution, Convolution)], has_relu: bool) -> Result<Self> {
        let inputs = parts.first().map_or(0, |(pointwise, _)| pointwise.shape[1]);
        let fits = parts.iter().all(|(pointwise, depthwise)| {
            pointwise.shape == [pointwise.shape[0], inputs, 1, 1] && depthwise.shape == [pointwise.shape[0], 1, 3, 3]
        });
        let in_one = |values: fn(&(Convolution, Convolution)) -> &Vec<f32>| -> Vec<f32> {
            parts.iter().flat_map(values).copied().collect()
        };
        let pointwise = in_one(|(pointwise, _)| &pointwise.weight);
        let pointwise = Pointwise::new(&pointwise, in_one(|(pointwise, _)| &pointwise.bias), inputs);
        let depthwise = in_one(|(_, depthwise)| &depthwise.weight);
        let depthwise = Depthwise::new(&depthwise, in_one(|(_, depthwise)| &depthwise.bias));
        match (fits, pointwise, depthwise) {
            (true, Some(pointwise), Some(depthwise)) => Ok(Self { pointwise, depthwise, has_relu }),
            _ => Err(Error::Detector("a layer has another shape".to_owned())),
        }
    }

    fn channels(&self) -> usize {
        self.pointwise.outputs()
    }
}

pub(super) struct Network {
    /// 3x3 with stride 2, from 3 channels, as a product over the pixels under it: row by row, red before green before blue.
    stem: Pointwise,
    backbone: Vec<Unit>,
    /// From the coarsest to the finest.
    lateral: Vec<Unit>,
    /// From the finest to the coarsest.
    heads: Vec<Unit>,
}

impl Network {
    /// From the published ONNX file.
    ///
    /// # Errors
    /// [`Error::Detector`] when it holds another network.
    pub fn from_onnx(bytes: &[u8]) -> Result<Self> {
        let mut convolutions = onnx::convolutions(bytes)?.into_iter();
        let mut next = || convolutions.next().ok_or_else(|| Error::Detector("a layer is missing".to_owned()));
        let unfit = || Error::Detector("the layers do not fit together".to_owned());
        let Convolution { shape, weight, bias } = next()?;
        if shape != [BLOCK, 3, 3, 3] {
            return Err(Error::Detector(format!("the first layer is {shape:?}")));
        }
        // (out, BGR, tap) to (out, tap, RGB).
        let turned = (0..weight.len()).map(|i| {
            let (out, tap, channel) = (i / STEM_INPUTS, i % STEM_INPUTS / 3, i % 3);
            weight.get(out * STEM_INPUTS + (2 - channel) * 9 + tap).copied()
        });
        let turned = turned.collect::<Option<Vec<_>>>().ok_or_else(unfit)?;
        let stem = Pointwise::new(&turned, bias, STEM_INPUTS).ok_or_else(unfit)?;
        // The first layer's second half belongs to the backbone's units.
        let mut unit = |has_relu| Unit::new(&[(next()?, next()?)], has_relu);
        let backbone = (0..BACKBONE_UNITS).map(|_| unit(true)).collect::<Result<Vec<_>>>()?;
        let lateral = (0..STRIDES_PX.len()).map(|_| unit(true)).collect::<Result<Vec<_>>>()?;
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
            if unit.pointwise.inputs() != channels {
                return Err(unfit());
            }
            channels = unit.channels();
        }
        let fits = |head: &Unit| (head.pointwise.inputs(), head.channels()) == (channels, BLOCK);
        // What a coarser stride saw is added to a finer one's map.
        let kept = backbone.get(STRIDE_8_UNITS.end - 1).map(Unit::channels);
        if !heads.iter().all(fits) || kept != Some(channels) {
            return Err(unfit());
        }
        Ok(Self { stem, backbone, lateral, heads })
    }

    /// What the heads say about a picture, the finest stride first.
    pub fn outputs(&self, picture: &RgbImage) -> Vec<Output> {
        let heads = self.features(picture).into_iter().zip(&self.heads).zip(STRIDES_PX);
        heads
            .map(|((map, head), stride_px)| {
                let map = run(&Source::Map(&map), &[Step { unit: head, halves: false }]);
                Output { stride_px, width: map.width, map }
            })
            .collect()
    }

    /// What the network sees in a picture at stride 16.
    pub fn features_at_16(&self, picture: &RgbImage) -> Result<Map> {
        let missing = || Error::Detector("the features are missing".to_owned());
        self.features(picture).into_iter().nth(1).ok_or_else(missing)
    }

    /// What the network sees at each stride, the finest first.
    fn features(&self, picture: &RgbImage) -> Vec<Map> {
        let steps = |units: std::ops::Range<usize>| -> Vec<Step<'_>> {
            let halves = units.clone().map(|i| HALVED_BEFORE.contains(&i));
            self.backbone.iter().skip(units.start).zip(halves).map(|(unit, halves)| Step { unit, halves }).collect()
        };
        let at_8 = run(&Source::Picture(&self.stem, picture), &steps(STRIDE_8_UNITS));
        let at_16 = run(&Source::Map(&at_8), &steps(STRIDE_16_UNITS));
        let at_32 = run(&Source::Map(&at_16), &steps(STRIDE_32_UNITS));
        // From the coarsest to the finest, each adding what the coarser ones saw.
        let mut features: Vec<Map> = Vec::new();
        for (unit, mut input) in self.lateral.iter().zip([at_32, at_16, at_8]) {
            if let Some(coarser) = features.last() {
                input.add_doubled(coarser);
            }
            features.push(run(&Source::Map(&input), &[Step { unit, halves: false }]));
        }
        features.reverse();
        features
    }
}

/// What a chain of units begins with.
enum Source<'a> {
    /// The first layer over a picture, whose sides are brought to multiples of [`STRIDE_PX`] with black below and to the right, as
    /// OpenCV does it.
    Picture(&'a Pointwise, &'a RgbImage),
    Map(&'a Map),
}

impl Source<'_> {
    /// Width and height of its map.
    fn size(&self) -> (usize, usize) {
        match self {
            Self::Picture(_, picture) => {
                let [width, height] =
                    [picture.width(), picture.height()].map(|len| (len as usize).next_multiple_of(STRIDE_PX) / 2);
                (width, height)
            }
            Self::Map(map) => (map.width, map.height),
        }
    }

    /// The pixels of row `y` from `start` to before `end`.
    fn row(&self, y: usize, start: usize, end: usize, to: &mut Vec<f32>) {
        match self {
            Self::Map(map) => {
                to.clear();
                to.extend_from_slice(map.row(y, start, end));
            }
            Self::Picture(stem, picture) => {
                let mut under = vec![0.0; (end - start) * STEM_INPUTS];
                let row_len = 3 * picture.width() as usize;
                let samples = picture.as_raw();
                for dy in 0..3 {
                    let Some(from) =
                        (2 * y + dy).checked_sub(1).and_then(|y| samples.get(y * row_len..(y + 1) * row_len))
                    else {
                        continue;
                    };
                    for (to, x) in under.chunks_exact_mut(STEM_INPUTS).zip(start..) {
                        // The first pixel's left neighbour is black, and so is all beyond the right.
                        let (first, skipped) = if x == 0 { (0, 3) } else { (6 * x - 3, 0) };
                        let pixels = from.get(first..).unwrap_or_default();
                        let to = to[9 * dy + skipped..9 * dy + 9].iter_mut();
                        to.zip(pixels).for_each(|(to, &value)| *to = f32::from(value));
                    }
                }
                to.resize((end - start) * stem.outputs(), 0.0);
                stem.row(&under, to, true);
            }
        }
    }
}

/// A unit in a chain, and whether the map before it is halved: the maximum of every 2 x 2 pixels.
struct Step<'a> {
    unit: &'a Unit,
    halves: bool,
}

/// The map at the end of a chain of units.
fn run(source: &Source<'_>, steps: &[Step<'_>]) -> Map {
    let (width, height) =
        steps.iter().fold(
            source.size(),
            |(width, height), step| {
                if step.halves { (width / 2, height / 2) } else { (width, height) }
            },
        );
    let channels = steps.last().map_or(0, |step| step.unit.channels());
    let mut out = Map::new(width, height, channels);
    let tiles: Vec<_> =
        (0..height).step_by(TILE_HEIGHT).flat_map(|y| (0..width).step_by(TILE_WIDTH).map(move |x| (x, y))).collect();
    let tile = |&(x, y): &(usize, usize)| {
        let (end_x, end_y) = ((x + TILE_WIDTH).min(width), (y + TILE_HEIGHT).min(height));
        let mut chain = Chain::new(source, steps, (x, end_x));
        let row_len = (end_x - x) * channels;
        let mut values = vec![0.0; (end_y - y) * row_len];
        for (y, to) in (y..).zip(values.chunks_exact_mut(row_len.max(1))) {
            chain.row(steps.len(), y, to);
        }
        values
    };
    let values: Vec<_> = tiles.par_iter().map(tile).collect();
    for (&(x, y), values) in tiles.iter().zip(&values) {
        let (row_len, tile_len) = (out.row_len(), (TILE_WIDTH.min(width - x)) * channels);
        let rows = out.values.chunks_exact_mut(row_len).skip(y).zip(values.chunks_exact(tile_len));
        rows.for_each(|(to, from)| to[x * channels..][..tile_len].copy_from_slice(from));
    }
    out
}

/// A chain of units over some columns of its last map, from its top down.
struct Chain<'a> {
    source: &'a Source<'a>,
    links: Vec<Link<'a>>,
}

/// A unit at work.
struct Link<'a> {
    step: &'a Step<'a>,
    /// Columns of the unit's map that are computed, and size of the whole map.
    columns: (usize, usize),
    width: usize,
    height: usize,
    /// Three rows behind the 1x1 convolution, with a pixel more on each side; row y is at y % 3.
    near: [Vec<f32>; 3],
    /// The next of those rows; none before the first.
    next: Option<usize>,
    zeros: Vec<f32>,
    input: Vec<f32>,
    halved: [Vec<f32>; 2],
}

impl Link<'_> {
    /// The columns that the depthwise convolution reads.
    fn read(&self) -> (usize, usize) {
        (self.columns.0.saturating_sub(1), (self.columns.1 + 1).min(self.width))
    }
}

impl<'a> Chain<'a> {
    fn new(source: &'a Source<'a>, steps: &'a [Step<'a>], columns: (usize, usize)) -> Self {
        let (mut width, mut height) = source.size();
        let mut links: Vec<_> = steps
            .iter()
            .map(|step| {
                if step.halves {
                    (width, height) = (width / 2, height / 2);
                }
                Link {
                    step,
                    columns,
                    width,
                    height,
                    near: Default::default(),
                    next: None,
                    zeros: Vec::new(),
                    input: Vec::new(),
                    halved: Default::default(),
                }
            })
            .collect();
        // From the last to the first: each needs what the next one reads.
        let mut columns = columns;
        for link in links.iter_mut().rev() {
            link.columns = columns;
            let len = (columns.1 - columns.0 + 2) * link.step.unit.channels();
            link.near = std::array::from_fn(|_| vec![0.0; len]);
            link.zeros = vec![0.0; len];
            let (start, end) = link.read();
            columns = if link.step.halves { (2 * start, 2 * end) } else { (start, end) };
        }
        Self { source, links }
    }

    /// Row `y` of what comes out of the first `count` units. Rows are asked for from the top down.
    fn row(&mut self, count: usize, y: usize, to: &mut [f32]) {
        let Some(last) = count.checked_sub(1) else { return };
        let height = self.links[last].height;
        let mut next = self.links[last].next.unwrap_or(y.saturating_sub(1));
        while next <= (y + 1).min(height - 1) {
            self.read_row(last, next);
            next += 1;
        }
        let link = &mut self.links[last];
        link.next = Some(next);
        let above = if y == 0 { &link.zeros } else { &link.near[(y - 1) % 3] };
        let below = if y + 1 == height { &link.zeros } else { &link.near[(y + 1) % 3] };
        let unit = link.step.unit;
        unit.depthwise.row([above, &link.near[y % 3], below], to, unit.has_relu);
    }

    /// Brings row `y` behind the 1x1 convolution of unit `at` to where it is kept.
    fn read_row(&mut self, at: usize, y: usize) {
        let link = &mut self.links[at];
        let (start, end) = link.read();
        let unit = link.step.unit;
        let (inputs, halves) = (unit.pointwise.inputs(), link.step.halves);
        let mut input = std::mem::take(&mut link.input);
        if halves {
            let mut rows = std::mem::take(&mut link.halved);
            for (row, y) in rows.iter_mut().zip([2 * y, 2 * y + 1]) {
                self.row_before(at, y, (2 * start, 2 * end), inputs, row);
            }
            input.resize((end - start) * inputs, 0.0);
            let [upper, lower] = &rows;
            let pairs = upper.chunks_exact(2 * inputs).zip(lower.chunks_exact(2 * inputs));
            for (to, (upper, lower)) in input.chunks_exact_mut(inputs).zip(pairs) {
                let (upper, lower) = (upper.split_at(inputs), lower.split_at(inputs));
                let corners = upper.0.iter().zip(upper.1).zip(lower.0.iter().zip(lower.1));
                for (to, ((a, b), (c, d))) in to.iter_mut().zip(corners) {
                    *to = a.max(*b).max(c.max(*d));
                }
            }
            self.links[at].halved = rows;
        } else {
            self.row_before(at, y, (start, end), inputs, &mut input);
        }
        let link = &mut self.links[at];
        // What lies beside the map stays zero.
        let first = start + 1 - link.columns.0;
        let channels = unit.channels();
        let to = &mut link.near[y % 3][first * channels..(first + end - start) * channels];
        unit.pointwise.row(&input, to, false);
        link.input = input;
    }

    /// Row `y` of what goes into unit `at`, before it is halved.
    fn row_before(&mut self, at: usize, y: usize, (start, end): (usize, usize), channels: usize, to: &mut Vec<f32>) {
        if at == 0 {
            self.source.row(y, start, end, to);
        } else {
            to.resize((end - start) * channels, 0.0);
            self.row(at, y, to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::detect::YUNET;
    use super::*;

    /// The surest cell of the coarsest output, and sums over all cells, as onnxruntime 1.23 gives them for one
    /// portrait.
    #[test]
    fn agrees_with_onnxruntime() -> Result<()> {
        let network = Network::from_onnx(YUNET)?;
        let portrait = include_bytes!("../../../tests/fixtures/portraits/female_005.png");
        let portrait = crate::photo::load_bytes(portrait, "female_005.png")?;
        let outputs = network.outputs(&portrait);
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

    /// The readout was fitted on these very numbers: sums, the second weighted by place, and single values, as
    /// onnxruntime 1.32 gives them.
    #[test]
    fn features_agree_with_onnxruntime() -> Result<()> {
        let network = Network::from_onnx(YUNET)?;
        let portrait = include_bytes!("../../../tests/fixtures/portraits/female_005.png");
        let portrait = crate::photo::load_bytes(portrait, "female_005.png")?;
        let places = [0, 6000, 6001, 6002, 12543];
        let cases = [
            (false, 3916.9036, 1944.8586, [0.083132684, 0.4421426, 0.7179546, 0.0, 0.27446327]),
            (true, 4104.387, 2059.6492, [0.07657939, 0.0, 1.2163548, 0.0, 0.23236287]),
        ];
        for (is_mirrored, sum, weighted_sum, values) in cases {
            let found: Vec<f32> = {
                let mirror = image::imageops::flip_horizontal(&portrait);
                network.features_at_16(if is_mirrored { &mirror } else { &portrait })?.window(1, 15).collect()
            };
            assert_eq!(found.len(), 14 * 14 * 64);
            for (place, expected) in places.into_iter().zip(values) {
                let value: f32 = found[place];
                assert!((value - expected).abs() < 1e-4, "{is_mirrored}, {place}: {value} is not {expected}");
            }
            let weighted = (0u16..).zip(&found).map(|(i, &value)| f64::from(value) * f64::from(i % 997) / 1e3);
            let sums = [found.iter().map(|&value| f64::from(value)).sum(), weighted.sum::<f64>()];
            for (found, expected) in sums.into_iter().zip([sum, weighted_sum]) {
                assert!((found - expected).abs() < 1e-4 * expected, "{is_mirrored}: {found} is not {expected}");
            }
        }
        Ok(())
    }

    #[test]
    fn another_network_is_refused() {
        assert!(Network::from_onnx(b"").is_err());
        assert!(Network::from_onnx(&[7 << 3 | 2, 0]).is_err());
        // A version and a graph without nodes.
        assert!(Network::from_onnx(&[1 << 3, 6, 7 << 3 | 2, 0]).is_err());
    }
}
