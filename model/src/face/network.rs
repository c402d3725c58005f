//! YuNet (Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023), run by rten:
//! from a picture to one score, box and five points per cell at strides 8, 16 and 32.

use std::sync::Arc;

use image::RgbImage;
use rayon::prelude::*;
use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, op_registry};

use crate::error::{Error, Result};

/// Sides of the network's input are multiples of this: the coarsest stride.
const STRIDE_PX: usize = 32;
/// Strides of the three outputs.
const STRIDES_PX: [usize; 3] = [8, 16, 32];
/// What the heads say, in this order for each stride; the graph's names end in the stride.
const HEADS: [&str; 4] = ["cls", "obj", "bbox", "kps"];
/// The graph's name for what the heads of stride 16 see: the neck's output there, after its relu.
const FEATURES: &str = "246";

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
    classes: Vec<f32>,
    objectness: Vec<f32>,
    frames: Vec<f32>,
    points: Vec<f32>,
}

impl Output {
    pub fn cells(&self) -> impl Iterator<Item = Cell> + '_ {
        let scores = self.classes.iter().zip(&self.objectness);
        let frames = self.frames.as_chunks().0;
        let points = self.points.as_chunks().0.as_chunks().0;
        scores.zip(frames).zip(points).map(|(((&class, &objectness), &frame), &points)| Cell {
            class,
            objectness,
            frame,
            points,
        })
    }
}

/// What the network sees at stride 16, one plane per channel.
pub(super) struct Features {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Features {
    /// The cells from `first` to before `end`, in both directions, row by row, with the channels of each side by side.
    pub fn window(&self, first: usize, end: usize) -> impl Iterator<Item = f32> + '_ {
        let (columns, rows) = (first..end.min(self.width), first..end.min(self.height));
        let cells = rows.flat_map(move |y| columns.clone().map(move |x| y * self.width + x));
        cells.flat_map(|cell| self.values.iter().skip(cell).step_by(self.width * self.height)).copied()
    }
}

pub(super) struct Network {
    model: Model,
    threads: Arc<ThreadPool>,
    input: NodeId,
    outputs: Vec<NodeId>,
    features: NodeId,
}

impl Network {
    /// From the published ONNX file.
    ///
    /// # Errors
    /// [`Error::Detector`] when it holds another network.
    pub fn from_onnx(bytes: &'static [u8]) -> Result<Self> {
        let operators = op_registry!(Add, Conv, MaxPool, Relu, Reshape, Resize, Sigmoid, Transpose);
        let model = ModelOptions::with_ops(operators).load_static_slice(bytes).map_err(damaged)?;
        let node = |name: &str| model.node_id(name).map_err(damaged);
        let names = STRIDES_PX.iter().flat_map(|stride_px| HEADS.map(|head| format!("{head}_{stride_px}")));
        let outputs = names.map(|name| node(&name)).collect::<Result<Vec<_>>>()?;
        let (input, features) = (node("input")?, node(FEATURES)?);
        // A graph runs on a pool of rten's; as many threads as everything else may use.
        let threads = Arc::new(ThreadPool::with_num_threads(rayon::current_num_threads()));
        Ok(Self { model, threads, input, outputs, features })
    }

    /// Runs `work` on the threads that the network runs on, so that several pictures at once take no more of them.
    pub fn on_its_threads<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.threads.run(work)
    }

    /// What the heads say about a picture, the finest stride first.
    ///
    /// # Errors
    /// [`Error::Detector`] when the file holds another network than it says.
    pub fn outputs(&self, picture: &RgbImage) -> Result<Vec<Output>> {
        let mut values = self.run(picture, false, &self.outputs)?.into_iter().map(|value| -> Result<Vec<f32>> {
            let (_, values) = value.into_shape_vec::<f32, 3>().map_err(damaged)?;
            Ok(values)
        });
        let mut next = || values.next().unwrap_or_else(|| Err(Error::Detector("a head is missing".to_owned())));
        let padded_width = (picture.width() as usize).next_multiple_of(STRIDE_PX);
        STRIDES_PX
            .into_iter()
            .map(|stride_px| {
                Ok(Output {
                    stride_px,
                    width: padded_width / stride_px,
                    classes: next()?,
                    objectness: next()?,
                    frames: next()?,
                    points: next()?,
                })
            })
            .collect()
    }

    /// What the network sees in a picture, or in its mirror image.
    ///
    /// # Errors
    /// [`Error::Detector`] when the file holds another network than it says.
    pub fn features(&self, picture: &RgbImage, is_mirrored: bool) -> Result<Features> {
        let value = self.run(picture, is_mirrored, &[self.features])?.pop();
        let value = value.ok_or_else(|| Error::Detector("the features are missing".to_owned()))?;
        let ([_, _, height, width], values) = value.into_shape_vec::<f32, 4>().map_err(damaged)?;
        Ok(Features { width, height, values })
    }

    fn run(&self, picture: &RgbImage, is_mirrored: bool, outputs: &[NodeId]) -> Result<Vec<Value>> {
        let input = vec![(self.input, input(picture, is_mirrored)?.into())];
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.threads)));
        self.model.run(input, outputs, Some(options)).map_err(damaged)
    }
}

/// (1, 3, height, width), BGR in 0 to 255, both sides brought to multiples of [`STRIDE_PX`] with black below and to the
/// right, as OpenCV does it.
fn input(picture: &RgbImage, is_mirrored: bool) -> Result<Value> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (padded_width, padded_height) = (width.next_multiple_of(STRIDE_PX), height.next_multiple_of(STRIDE_PX));
    let mut values = vec![0f32; 3 * padded_height * padded_width];
    values.par_chunks_exact_mut(padded_width.max(1)).enumerate().for_each(|(i, to)| {
        let (channel, y) = (2 - i / padded_height, i % padded_height);
        let from = picture.as_raw().chunks_exact((3 * width).max(1)).nth(y).unwrap_or_default();
        let from = from.iter().skip(channel).step_by(3).map(|&value| f32::from(value));
        if is_mirrored {
            to.iter_mut().zip(from.rev()).for_each(|(to, from)| *to = from);
        } else {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = from);
        }
    });
    Value::from_shape([1, 3, padded_height, padded_width], values).map_err(damaged)
}

fn damaged(err: impl std::fmt::Display) -> Error {
    Error::Detector(err.to_string())
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
        let outputs = network.outputs(&portrait)?;
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
            let found: Vec<f32> = network.features(&portrait, is_mirrored)?.window(1, 15).collect();
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
