//! How an edit goes back into its photo: the figures in the documentation of `stylemap::face::paste`, and what else was
//! tried. By hand:
//!
//! `cargo test --release -p stylemap --test seams -- --ignored --nocapture`
//!
//! prints the table, and with `STYLEBRUSH_SHEET=FILE.png` draws a row of results for each kind of edit: the photo, then
//! the methods in the table's order. `assets/screenshots/paste_methods.png` is that, reduced to 256 colours.
//!
//! Three photos, each edited with another's face in four regions by the default model. Everything is measured on the
//! model's pixels: "asked for" is edited - reconstruction, "arrived" the photo after - the photo before, both in levels.
//!
//! - **seam**: how much steeper what arrived is than what was asked for, where the painted region ends. Steepness is
//!   the mean difference between neighbours, one of which lies at least 0.7 pixels farther out than the other; it is
//!   compared at each distance from the border and the worst counts. What the model does at the border anyway (it
//!   blends neighbouring cells) is no seam.
//! - **kept**: the share of what was asked for that arrived within the painted region (projected, so that what arrived
//!   beside it does not count).
//! - **beyond**: the largest change, in levels, farther out than 8% of the side.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};

use image::{RgbImage, imageops};
use stylemap::checkpoint::Checkpoint;
use stylemap::edit::{self, Reference};
use stylemap::face::{CropQuad, FaceDetector, PasteOptions, align, crop_quad, paste};
use stylemap::mask::Pooling;
use stylemap::{DeviceChoice, DtypeChoice, Mask, Model, photo};

type Outcome = Result<(), Box<dyn std::error::Error>>;
/// Levels on the model's pixels, row by row.
type Levels = Vec<[f32; 3]>;

/// Photo, reference.
const PAIRS: [(&str, &str); 3] =
    [("faker_f17.jpg", "faker_f53.jpg"), ("faker_f53.jpg", "faker_f17.jpg"), ("faker_m29.jpg", "faker_f53.jpg")];
/// Of these, the one that the sheet shows for each region.
const SHOWN: [usize; REGIONS.len()] = [2, 1, 0, 1];
/// Distances from the border up to which steepness is compared, in pixels.
const FARTHEST_PX: i32 = 12;
/// A face on the sheet.
const TILE_PX: u32 = 160;

/// An ellipse in shares of the crop's side.
fn is_within([x, y]: [f32; 2], [center_x, center_y]: [f32; 2], [radius_x, radius_y]: [f32; 2]) -> bool {
    ((x - center_x) / radius_x).powi(2) + ((y - center_y) / radius_y).powi(2) < 1.0
}

fn is_face(at: [f32; 2]) -> bool {
    is_within(at, [0.5, 0.57], [0.26, 0.36])
}

/// A name, and whether a place of the crop, whose sides have length one, belongs to it.
type Region = (&'static str, fn([f32; 2]) -> bool);

/// What is painted, by position in shares of the crop's side: an aligned face has its eyes at 38% and 62% of the width
/// and 46% of the height, its mouth at 72%.
const REGIONS: [Region; 4] = [
    ("mouth", |at| is_within(at, [0.5, 0.73], [0.15, 0.08])),
    ("eyes", |at| is_within(at, [0.38, 0.465], [0.095, 0.06]) || is_within(at, [0.62, 0.465], [0.095, 0.06])),
    ("hair", |at| is_within(at, [0.5, 0.45], [0.42, 0.4]) && !is_face(at) && at[1] < 0.55),
    ("whole face", is_face),
];

/// One edit of one photo.
struct Edit {
    photo: RgbImage,
    quad: CropQuad,
    size: usize,
    crop: Levels,
    reconstruction: RgbImage,
    edited: RgbImage,
    is_painted: Vec<bool>,
    /// From the border of what is painted, in pixels; inside is negative.
    distance: Vec<f32>,
}

fn levels(picture: &RgbImage) -> Levels {
    picture.pixels().map(|pixel| pixel.0.map(f32::from)).collect()
}

/// The crop without the rounding of its own pixels: averaged from a larger one.
fn crop_levels(photo: &RgbImage, quad: &CropQuad, size: usize) -> Result<Levels, stylemap::Error> {
    const FINER: usize = 4;
    let fine = levels(&align(photo, quad, (FINER * size) as u32)?);
    let average = |i: usize| {
        let (x, y) = (i % size * FINER, i / size * FINER);
        let square = (0..FINER * FINER).map(|j| fine[(y + j / FINER) * FINER * size + x + j % FINER]);
        square.fold([0.0; 3], |sum, pixel| std::array::from_fn(|c| sum[c] + pixel[c] / (FINER * FINER) as f32))
    };
    Ok((0..size * size).map(average).collect())
}

fn minus(a: &Levels, b: &Levels) -> Levels {
    a.iter().zip(b).map(|(a, b)| std::array::from_fn(|c| a[c] - b[c])).collect()
}

/// From the nearest pixel that is (not) painted.
fn distance_to(is_painted: &[bool], wanted: bool, size: usize) -> Vec<f32> {
    let places: Vec<_> = (0..size * size).filter(|&i| is_painted[i] == wanted).collect();
    let square = |i: usize, j: usize| (i % size).abs_diff(j % size).pow(2) + (i / size).abs_diff(j / size).pow(2);
    (0..size * size)
        .map(|i| places.iter().map(|&j| square(i, j)).min().map_or(f32::MAX, |s| (s as f32).sqrt()))
        .collect()
}

/// All edits, pair by pair.
fn edits() -> Result<Vec<Edit>, Box<dyn std::error::Error>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let checkpoint = Checkpoint::load(&repository.join("weights/default.safetensors"))?;
    let model = Model::new(&checkpoint, DeviceChoice::Cpu, DtypeChoice::F32)?;
    let size = model.info().config.size;
    let size_px = size as u32;
    let detector = FaceDetector::new()?;
    let opened = |name: &str| -> Result<(RgbImage, CropQuad), Box<dyn std::error::Error>> {
        let photo = photo::load(&repository.join("tests/fixtures/faces").join(name))?;
        let face = detector.detect(&photo)?.into_iter().next().ok_or("no face was found")?;
        Ok((photo, crop_quad(&face.landmarks)?))
    };
    let picture = |codes: &[_]| -> Result<RgbImage, stylemap::Error> {
        photo::rgb_from_rgba(&photo::to_rgba(&model.generator.decode_codes(codes)?)?, size)
    };
    let mut edits = Vec::new();
    for (photo, reference) in PAIRS {
        let codes = |crop: &RgbImage| {
            let stylemap = model.encoder.forward(&photo::to_tensor(crop, size)?)?;
            Ok::<_, stylemap::Error>(model.generator.style_codes(&stylemap)?)
        };
        let (photo, quad) = opened(photo)?;
        let (reference, reference_quad) = opened(reference)?;
        let source = codes(&align(&photo, &quad, size_px)?)?;
        let reference = codes(&align(&reference, &reference_quad, size_px)?)?;
        for (_, region) in REGIONS {
            let at = |i: usize| [(i % size) as f32 + 0.5, (i / size) as f32 + 0.5].map(|at| at / size as f32);
            let is_painted: Vec<bool> = (0..size * size).map(|i| region(at(i))).collect();
            let mask = Mask::new(size, is_painted.iter().map(|&is_painted| f32::from(is_painted)).collect())?;
            let layer =
                Reference { codes: &reference, mask: &mask, pooling: Pooling::Soft, offset_px: (0, 0), strength: 1.0 };
            let [to_inside, to_outside] = [true, false].map(|wanted| distance_to(&is_painted, wanted, size));
            edits.push(Edit {
                photo: photo.clone(),
                quad,
                size,
                crop: crop_levels(&photo, &quad, size)?,
                reconstruction: picture(&source)?,
                edited: picture(&edit::mix_codes(&source, &[layer])?)?,
                // The border lies half a pixel from either side's pixels.
                distance: to_inside
                    .iter()
                    .zip(&to_outside)
                    .map(|(outside, inside)| outside - inside + 0.5 * (inside.signum() - outside.signum()))
                    .collect(),
                is_painted,
            });
        }
    }
    Ok(edits)
}

impl Edit {
    fn asked_for(&self) -> Levels {
        minus(&levels(&self.edited), &levels(&self.reconstruction))
    }

    /// What is missing from the crop to the edited picture, light and errors of the reconstruction included.
    fn replacement(&self) -> Levels {
        minus(&levels(&self.edited), &self.crop)
    }

    /// 1 where it is painted, falling smoothly to 0 over a share of the side around it.
    fn weights(&self, feather: f32) -> Vec<f32> {
        let reach_px = feather * self.size as f32;
        let weight = |(&distance, &is_painted): (&f32, &bool)| {
            let share = if is_painted { 1.0 } else { (1.0 - (distance + 0.5) / reach_px.max(0.5)).clamp(0.0, 1.0) };
            share * share * (3.0 - 2.0 * share)
        };
        self.distance.iter().zip(&self.is_painted).map(weight).collect()
    }

    /// The edited picture itself over the photo.
    fn replaced(&self, feather: f32) -> RgbImage {
        let weights: Vec<_> = self.weights(feather).iter().map(|&weight| [weight]).collect();
        let edited = levels(&self.edited);
        self.with_photo_pixels(|own, at| {
            let [weight] = sample(&weights, self.size, at);
            let new = sample(&edited, self.size, at);
            std::array::from_fn(|c| own[c] + weight * (new[c] - own[c]))
        })
    }

    fn pasted(&self, feather: f32, detail: f32) -> RgbImage {
        let weights = self.is_painted.iter().map(|&is_painted| f32::from(is_painted)).collect();
        let painted = Some(Mask::new(self.size, weights).unwrap());
        let options = PasteOptions { painted, feather, detail, ..PasteOptions::default() };
        paste(&self.photo, &self.quad, &self.reconstruction, &self.edited, &options).unwrap()
    }

    /// Each band of the change with a mask as smooth as the band (Burt and Adelson 1983, without leaving out pixels).
    fn five_bands(&self, change: &Levels) -> RgbImage {
        let mut mask: Vec<_> = self.is_painted.iter().map(|&is_painted| [f32::from(is_painted)]).collect();
        let mut smooth = change.clone();
        let mut field = vec![[0.0; 3]; change.len()];
        let mut sigma = 0.0f32;
        for next in [1.0, 2.0, 4.0, 8.0, f32::INFINITY] {
            let step = (next.powi(2) - sigma.powi(2)).sqrt();
            let smoother =
                if next.is_finite() { blurred(&smooth, self.size, step) } else { vec![[0.0; 3]; smooth.len()] };
            for ((field, band), [weight]) in field.iter_mut().zip(minus(&smooth, &smoother)).zip(&mask) {
                *field = std::array::from_fn(|c| field[c] + weight * band[c]);
            }
            if next.is_finite() {
                (smooth, mask) = (smoother, blurred(&mask, self.size, step));
            }
            sigma = next;
        }
        self.added(&field)
    }

    /// The change's gradients within what is painted, nothing around it (Pérez et al. 2003): Gauss-Seidel with
    /// over-relaxation.
    fn membrane(&self, change: &Levels) -> RgbImage {
        let size = self.size;
        let inner: Vec<_> = (0..size * size)
            .filter(|&i| {
                self.is_painted[i] && (1..size - 1).contains(&(i % size)) && (1..size - 1).contains(&(i / size))
            })
            .collect();
        let mut field = vec![[0.0f32; 3]; size * size];
        for _ in 0..1500 {
            for &i in &inner {
                let near = [i - 1, i + 1, i - size, i + size];
                for c in 0..3 {
                    let wanted = near.iter().map(|&j| field[j][c] - change[j][c]).sum::<f32>() / 4.0 + change[i][c];
                    field[i][c] += 1.9 * (wanted - field[i][c]);
                }
            }
        }
        self.added(&field)
    }

    fn added(&self, field: &Levels) -> RgbImage {
        self.with_photo_pixels(|own, at| {
            let change = sample(field, self.size, at);
            std::array::from_fn(|c| own[c] + change[c])
        })
    }

    fn with_photo_pixels(&self, change: impl Fn([f32; 3], [f32; 2]) -> [f32; 3]) -> RgbImage {
        let crop_from_photo = self.quad.crop_from_photo(self.size as u32);
        let mut out = self.photo.clone();
        for (x, y, pixel) in out.enumerate_pixels_mut() {
            let at = crop_from_photo.apply([x as f32, y as f32]);
            if at.iter().all(|at| (-0.5..self.size as f32 - 0.5).contains(at)) {
                pixel.0 = change(pixel.0.map(f32::from), at).map(|value| value.round() as u8);
            }
        }
        out
    }

    /// How steep a change is at a distance from the border of what is painted, in levels per pixel.
    fn steepness(&self, change: &Levels, distance_px: f32) -> f32 {
        let size = self.size;
        let neighbours = (0..size * size).flat_map(|i| {
            let right = (i % size + 1 < size).then_some((i, i + 1));
            let below = (i / size + 1 < size).then_some((i, i + size));
            [right, below].into_iter().flatten()
        });
        let crossing = neighbours.filter(|&(i, j)| {
            let [a, b] = [self.distance[i], self.distance[j]];
            (a - b).abs() >= 0.7 && ((a + b) / 2.0 - distance_px).abs() <= 0.5
        });
        let steps: Vec<f32> =
            crossing.map(|(i, j)| (0..3).map(|c| (change[i][c] - change[j][c]).abs()).sum::<f32>() / 3.0).collect();
        steps.iter().sum::<f32>() / steps.len().max(1) as f32
    }

    /// Seam, kept, beyond.
    fn figures(&self, result: &RgbImage) -> [f32; 3] {
        let arrived = minus(&crop_levels(result, &self.quad, self.size).unwrap(), &self.crop);
        let asked_for = self.asked_for();
        let steeper = |distance_px: i32| {
            let [arrived, asked_for] = [&arrived, &asked_for].map(|change| self.steepness(change, distance_px as f32));
            arrived - asked_for
        };
        let seam = (0..=FARTHEST_PX).map(steeper).fold(0.0, f32::max);
        let product = |a: &Levels, b: &Levels| -> f32 {
            let inside = a.iter().zip(b).zip(&self.is_painted).filter(|(_, is_painted)| **is_painted);
            inside.map(|((a, b), _)| (0..3).map(|c| a[c] * b[c]).sum::<f32>()).sum()
        };
        let kept = product(&arrived, &asked_for) / product(&asked_for, &asked_for);
        // A pixel covers half of one more.
        let reach_px = PasteOptions::default().feather * self.size as f32 + 0.5;
        let far = arrived.iter().zip(&self.distance).filter(|(_, distance)| **distance > reach_px);
        let beyond = far.flat_map(|(change, _)| change).fold(0.0, |most: f32, value| most.max(value.abs()));
        [seam, kept, beyond]
    }
}

/// A bicubic sample (Catmull-Rom); beyond the border the border pixel goes on.
fn sample<const CHANNELS: usize>(picture: &[[f32; CHANNELS]], size: usize, at: [f32; 2]) -> [f32; CHANNELS] {
    let weights = at.map(|at| {
        let t = at - at.floor();
        let outer = |t: f32| -0.5 * t + t * t - 0.5 * t * t * t;
        let inner = |t: f32| 1.0 - 2.5 * t * t + 1.5 * t * t * t;
        [outer(t), inner(t), inner(1.0 - t), outer(1.0 - t)]
    });
    let index = |axis: usize, i: usize| (at[axis].floor() as i64 + i as i64 - 1).clamp(0, size as i64 - 1) as usize;
    let mut sum = [0.0; CHANNELS];
    for y in 0..4 {
        for x in 0..4 {
            let pixel = picture[index(1, y) * size + index(0, x)];
            sum.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value * weights[0][x] * weights[1][y]);
        }
    }
    sum
}

fn blurred<const CHANNELS: usize>(picture: &[[f32; CHANNELS]], size: usize, sigma: f32) -> Vec<[f32; CHANNELS]> {
    let radius = (3.0 * sigma).ceil() as i64;
    let weight = |at: i64| (-0.5 * (at as f32 / sigma).powi(2)).exp();
    let total: f32 = (-radius..=radius).map(weight).sum();
    let pass = |from: &[[f32; CHANNELS]], is_down: bool| -> Vec<[f32; CHANNELS]> {
        let pixel = |i: usize| {
            let mut sum = [0.0; CHANNELS];
            for by in -radius..=radius {
                let moved = |at: usize| (at as i64 + by).clamp(0, size as i64 - 1) as usize;
                let near = if is_down { moved(i / size) * size + i % size } else { i / size * size + moved(i % size) };
                sum.iter_mut().zip(from[near]).for_each(|(sum, value)| *sum += value * weight(by) / total);
            }
            sum
        };
        (0..size * size).map(pixel).collect()
    };
    pass(&pass(picture, false), true)
}

/// A name, and how it puts an edit back.
type Method = (&'static str, fn(&Edit) -> RgbImage);

const METHODS: [Method; 11] = [
    ("replaced, hard mask", |edit| edit.replaced(0.0)),
    ("replaced, feather of 5%", |edit| edit.replaced(0.05)),
    ("replaced, five bands", |edit| edit.five_bands(&edit.replacement())),
    ("replaced, membrane", |edit| edit.membrane(&edit.replacement())),
    ("difference, hard mask", |edit| edit.pasted(0.0, 1.0)),
    ("difference, feather of 5%", |edit| edit.pasted(0.05, 1.0)),
    ("difference, feather of 8%", |edit| edit.pasted(0.08, 1.0)),
    ("difference, five bands", |edit| edit.five_bands(&edit.asked_for())),
    ("difference, membrane", |edit| edit.membrane(&edit.asked_for())),
    ("feather of 8%, half of the detail", |edit| edit.pasted(0.08, 0.5)),
    ("feather of 8%, no detail", |edit| edit.pasted(0.08, 0.0)),
];

#[test]
#[ignore = "a measurement, by hand"]
fn seams() -> Outcome {
    let edits = edits()?;
    let results: Vec<Vec<RgbImage>> = METHODS.iter().map(|(_, method)| edits.iter().map(method).collect()).collect();
    println!("| blending | seam, mean | worst | kept, mean | least | beyond |");
    for ((name, _), results) in METHODS.iter().zip(&results) {
        let figures: Vec<_> = edits.iter().zip(results).map(|(edit, result)| edit.figures(result)).collect();
        let [seams, kept, beyond] = [0, 1, 2].map(|i| figures.iter().map(|figures| figures[i]).collect::<Vec<f32>>());
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        let most = |values: &[f32]| values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let least = |values: &[f32]| values.iter().copied().fold(f32::INFINITY, f32::min);
        println!(
            "| {name} | {:.1} | {:.1} | {:.2} | {:.2} | {:.1} |",
            mean(&seams),
            most(&seams),
            mean(&kept),
            least(&kept),
            most(&beyond)
        );
    }
    if let Some(file) = std::env::var_os("STYLEBRUSH_SHEET").map(PathBuf::from) {
        let mut sheet = RgbImage::new(TILE_PX * (1 + METHODS.len() as u32), TILE_PX * REGIONS.len() as u32);
        for ((region, pair), row) in SHOWN.into_iter().enumerate().zip(0..) {
            let i = pair * REGIONS.len() + region;
            let edit = &edits[i];
            let pictures = [&edit.photo].into_iter().chain(results.iter().map(|results| &results[i]));
            for (picture, column) in pictures.zip(0..) {
                let tile = align(picture, &edit.quad, TILE_PX)?;
                imageops::replace(&mut sheet, &tile, i64::from(column * TILE_PX), i64::from(row * TILE_PX));
            }
        }
        sheet.save(file)?;
    }
    Ok(())
}
