//! Fits what corrects the detector's landmarks to the crops of the training set (`weights/yunet/alignment.safetensors`, see
//! `model/src/face/readout.rs`).
//!
//! `cargo run --release -p stylemap --example fit_alignment -- FACES OUT [PART …]`: FACES holds folders of aligned faces (one per
//! source, so that sources can be held out), as 256 px pictures that fill their crop; OUT is the file to write. Files whose path
//! contains a PART are left out.

use std::path::{Path, PathBuf};

use image::RgbImage;
use image::imageops::FilterType;
use rayon::prelude::*;
use safetensors::tensor::TensorView;
use stylemap::face::{Correction, CropQuad};
use stylemap::{FaceDetector, Result, photo};

/// What the network sees of a crop, see [`FaceDetector::alignment_features`].
const FEATURES: usize = 12_544;
/// Shift right and down (shares of the side), logarithm of the scale, angle.
const OUTPUTS: usize = 4;
/// Random placements of each face: near, as after a first round, and farther, as the detector's points lie.
const PLACEMENTS: usize = 14;
/// Weight of the penalty, where features have the mean square 1 / FEATURES.
const RIDGE: f32 = 1.0;

struct Sample {
    features: Vec<f32>,
    target: [f32; OUTPUTS],
    is_near: bool,
    source: usize,
}

/// A small generator of its own, so that the fit is the same everywhere: SplitMix64, and sums of uniforms for a
/// normal.
struct Dice(u64);

impl Dice {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// Other light: darker or lighter, with another contrast, warmer or colder.
fn relit(photo: &mut RgbImage, dice: &mut Dice) {
    let gamma = (0.3 * dice.normal()).exp();
    let gains: [f64; 3] = std::array::from_fn(|_| (0.1 * dice.normal()).exp());
    let gain = (0.15 * dice.normal()).exp();
    for pixel in photo.pixels_mut() {
        for (value, channel_gain) in pixel.0.iter_mut().zip(gains) {
            *value = (255.0 * gain * channel_gain * (f64::from(*value) / 255.0).powf(gamma)).round() as u8;
        }
    }
}

fn samples_of(detector: &FaceDetector, face: &RgbImage, source: usize, seed: u64) -> Result<Vec<Sample>> {
    let mut dice = Dice(seed);
    (0..PLACEMENTS)
        .map(|i| {
            let is_near = i % 2 == 0;
            // Every third from a small photo, as small faces come.
            let side = if i % 3 == 2 { 64 + (dice.uniform() * 128.0) as u32 } else { face.width() };
            let mut photo = image::imageops::resize(face, side, side, FilterType::Triangle);
            relit(&mut photo, &mut dice);
            let (low, high) = (-0.5, side as f32 - 0.5);
            let truth = CropQuad::from_corners([[low, low], [low, high], [high, high], [high, low]])?;
            let spread = if is_near { 0.4 } else { 1.0 };
            let moved = truth.corrected(&Correction {
                shift: [0.02 * spread * dice.normal(), 0.02 * spread * dice.normal()],
                log_scale: 0.05 * spread * dice.normal(),
                angle: 0.06 * spread * dice.normal(),
            })?;
            let Correction { shift: [x, y], log_scale, angle } = moved.correction_to(&truth);
            let is_mirrored = i % 4 >= 2;
            let target = if is_mirrored { [-x, y, log_scale, -angle] } else { [x, y, log_scale, angle] };
            let features = detector.alignment_features(&photo, &moved, is_mirrored)?;
            Ok(Sample { features, target: target.map(|value| value as f32), is_near, source })
        })
        .collect()
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Sixteen sums side by side, or the compiler must add one after the other.
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut sums = [0f32; 16];
    for (a, b) in a.iter().zip(b) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// Solves (K + RIDGE) x = y by conjugate gradients, where K is the samples' Gram matrix.
fn solve(gram: &[Vec<f32>], target: &[f32]) -> Vec<f32> {
    let times =
        |x: &[f32]| -> Vec<f32> { gram.par_iter().zip(x).map(|(row, x_i)| dot(row, x) + RIDGE * x_i).collect() };
    let mut solution = vec![0.0; target.len()];
    let mut residual = target.to_vec();
    let mut direction = residual.clone();
    let mut square = dot(&residual, &residual);
    let enough = square * 1e-8;
    for _ in 0..500 {
        let image = times(&direction);
        let step = square / dot(&direction, &image);
        solution.iter_mut().zip(&direction).for_each(|(x, d)| *x += step * d);
        residual.iter_mut().zip(&image).for_each(|(r, i)| *r -= step * i);
        let next = dot(&residual, &residual);
        if next < enough {
            break;
        }
        direction.iter_mut().zip(&residual).for_each(|(d, r)| *d = r + next / square * *d);
        square = next;
    }
    solution
}

/// The fitted numbers.
struct Readout {
    weights: Vec<[f32; OUTPUTS]>,
    offsets: [f32; OUTPUTS],
}

impl Readout {
    fn read(&self, features: &[f32]) -> [f64; OUTPUTS] {
        let mut sums = self.offsets;
        for (weights, &feature) in self.weights.iter().zip(features) {
            sums.iter_mut().zip(weights).for_each(|(sum, &weight)| *sum += weight * feature);
        }
        sums.map(f64::from)
    }

    fn save(&self, file: &Path) -> std::result::Result<(), Box<dyn std::error::Error>> {
        let bytes = |rows: &[[f32; OUTPUTS]]| -> Vec<u8> {
            rows.iter().flatten().flat_map(|value| value.to_le_bytes()).collect()
        };
        let (weights, offsets) = (bytes(&self.weights), bytes(&[self.offsets]));
        let f32_type = safetensors::Dtype::F32;
        let tensors = [
            ("offsets", TensorView::new(f32_type, vec![OUTPUTS], &offsets)?),
            ("weights", TensorView::new(f32_type, vec![FEATURES, OUTPUTS], &weights)?),
        ];
        Ok(std::fs::write(file, safetensors::serialize(tensors, None)?)?)
    }
}

/// All samples, centred, and their Gram matrix with a mean diagonal of 1.
struct Rows {
    means: Vec<f32>,
    rows: Vec<Vec<f32>>,
    mean_square: f32,
    gram: Vec<Vec<f32>>,
}

impl Rows {
    fn new(samples: &[Sample]) -> Self {
        let count = samples.len() as f32;
        let mut means = vec![0f32; FEATURES];
        for sample in samples {
            means.iter_mut().zip(&sample.features).for_each(|(mean, value)| *mean += value / count);
        }
        let centred = |sample: &Sample| sample.features.iter().zip(&means).map(|(value, mean)| value - mean).collect();
        let rows: Vec<Vec<f32>> = samples.par_iter().map(centred).collect();
        let mean_square = rows.iter().map(|row| dot(row, row)).sum::<f32>() / count;
        let gram_row = |row: &Vec<f32>| rows.iter().map(|other| dot(row, other) / mean_square).collect();
        let gram = rows.par_iter().map(gram_row).collect();
        Self { means, rows, mean_square, gram }
    }

    /// The ridge regression on the samples that `takes` lets through.
    fn fitted(&self, samples: &[Sample], takes: impl Fn(&Sample) -> bool) -> Readout {
        let taken: Vec<usize> = (0..samples.len()).filter(|&i| takes(&samples[i])).collect();
        let gram: Vec<Vec<f32>> = taken.iter().map(|&i| taken.iter().map(|&j| self.gram[i][j]).collect()).collect();
        let mut weights = vec![[0f32; OUTPUTS]; FEATURES];
        let mut offsets = [0f32; OUTPUTS];
        for output in 0..OUTPUTS {
            let mean = taken.iter().map(|&i| samples[i].target[output]).sum::<f32>() / taken.len() as f32;
            let target: Vec<f32> = taken.iter().map(|&i| samples[i].target[output] - mean).collect();
            for (&i, coefficient) in taken.iter().zip(solve(&gram, &target)) {
                let row = &self.rows[i];
                weights
                    .iter_mut()
                    .zip(row)
                    .for_each(|(to, value)| to[output] += coefficient * value / self.mean_square);
            }
            let at_mean: f32 = weights.iter().zip(&self.means).map(|(weight, mean)| weight[output] * mean).sum();
            offsets[output] = mean - at_mean;
        }
        Readout { weights, offsets }
    }
}

/// The farthest corner, as a share of the side, for samples near the truth.
fn errors<'a>(readout: &Readout, samples: impl Iterator<Item = &'a Sample>) -> Vec<f64> {
    let mut errors: Vec<f64> = samples
        .filter(|sample| sample.is_near)
        .map(|sample| {
            let found = readout.read(&sample.features);
            let [x, y, log_scale, angle]: [f64; OUTPUTS] =
                std::array::from_fn(|i| found[i] - f64::from(sample.target[i]));
            let corners = [[-0.5, -0.5], [-0.5, 0.5], [0.5, 0.5], [0.5, -0.5]];
            corners.iter().fold(0.0, |most: f64, [right, down]| {
                most.max((x + right * log_scale - down * angle).hypot(y + down * log_scale + right * angle))
            })
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    errors
}

/// What a folder holds, by name.
fn sorted(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn report(name: &str, errors: &[f64]) {
    let at = |share: f64| errors.get((errors.len() as f64 * share) as usize).copied().unwrap_or_default() * 100.0;
    let beyond = errors.iter().filter(|&&error| error > 0.04).count() as f64 / errors.len() as f64 * 100.0;
    println!(
        "{name}: farthest corner, median {:.2}%, 90% {:.2}% of the side; beyond 4%: {beyond:.1}%",
        at(0.5),
        at(0.9)
    );
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [faces, out, except @ ..] = arguments.as_slice() else {
        return Err("a folder of folders of aligned faces, and a file to write, are needed".into());
    };
    let is_excepted =
        |path: &Path| except.iter().any(|part| path.display().to_string().contains(&part.display().to_string()));
    let detector = FaceDetector::new()?;
    let sources = sorted(faces)?;
    let mut samples: Vec<Sample> = Vec::new();
    for (i, source) in sources.iter().enumerate() {
        let mut faces = sorted(source)?;
        faces.retain(|path| !is_excepted(path));
        let of_faces =
            faces.par_iter().enumerate().map(|(seed, path)| samples_of(&detector, &photo::load(path)?, i, seed as u64));
        samples.extend(of_faces.collect::<Result<Vec<_>>>()?.into_iter().flatten());
    }
    let rows = Rows::new(&samples);
    for (i, held_out) in sources.iter().enumerate() {
        let readout = rows.fitted(&samples, |sample| sample.source != i);
        report(&held_out.display().to_string(), &errors(&readout, samples.iter().filter(|sample| sample.source == i)));
    }
    let readout = rows.fitted(&samples, |_| true);
    report("all, not held out", &errors(&readout, samples.iter()));
    readout.save(out)
}
