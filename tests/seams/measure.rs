//! Edits in their photos, and the figures by which they are judged: for the test `seams` and the example `paste_methods`.
//!
//! Three photos, each edited with another's face in four regions by the default model, settled, in the reference's own colours; and
//! four pairs of unlike skin, whole faces with matched colours. "Asked for" is edited - reconstruction, "arrived" the photo after - the
//! photo before, both in levels on the model's pixels.
//!
//! - **seam**: how much steeper what arrived is than what was asked for, where the painted region ends. Steepness is
//!   the mean difference between neighbours, one of which lies at least 0.7 pixels farther out than the other; it is
//!   compared at each distance from the border and the worst counts. What the model does at the border anyway (it
//!   blends neighbouring cells) is no seam.
//! - **kept**: the share of what was asked for that arrived within the painted region (projected, so that what arrived
//!   beside it does not count).
//! - **beyond**: the largest change, in levels, farther out than the feather.
//! - **new, old**: how the fine structure inside what is painted (of the crop at four times the model's size, what the model's size
//!   leaves out) correlates with the reference's and with the source's own. Two faces' fine structures correlate a little by
//!   themselves: eyes lie on eyes. So **left** is the share of the source's in a least squares fit of both: a double exposure.

use std::path::Path;
use std::sync::Arc;

use image::RgbImage;
use stylemap::checkpoint::Checkpoint;
use stylemap::engine::{Engine, FaceId, Layer, Scene};
use stylemap::face::paste::FEATHER_SHARE;
use stylemap::face::{Composition, CropQuad, Extent, FaceDetector, align, crop_quad, paste};
use stylemap::model::{DeviceChoice, DtypeChoice};
use stylemap::{Mask, photo};

pub type Outcome = Result<(), Box<dyn std::error::Error>>;
/// Levels on the model's pixels, row by row.
pub type Levels = Vec<[f32; 3]>;

/// Photo, reference.
pub const PAIRS: [(&str, &str); 3] = [
    ("tests/fixtures/faces/faker_f17.jpg", "assets/demo/female_053.jpg"),
    ("assets/demo/female_053.jpg", "tests/fixtures/faces/faker_f17.jpg"),
    ("assets/demo/male_029.jpg", "assets/demo/female_053.jpg"),
];
/// Distances from the border up to which steepness is compared, in pixels.
const FARTHEST_PX: i32 = 12;
/// An ellipse in shares of the crop's side.
fn is_within([x, y]: [f32; 2], [center_x, center_y]: [f32; 2], [radius_x, radius_y]: [f32; 2]) -> bool {
    ((x - center_x) / radius_x).powi(2) + ((y - center_y) / radius_y).powi(2) < 1.0
}

fn is_face(at: [f32; 2]) -> bool {
    is_within(at, [0.5, 0.57], [0.26, 0.36])
}

/// A name, and whether a place of the crop, whose sides have length one, belongs to it.
pub type Region = (&'static str, fn([f32; 2]) -> bool);

/// What is painted, by position in shares of the crop's side: an aligned face has its eyes at 38% and 62% of the width
/// and 46% of the height, its mouth at 72%.
pub const REGIONS: [Region; 4] = [
    ("mouth", |at| is_within(at, [0.5, 0.73], [0.15, 0.08])),
    ("eyes", |at| is_within(at, [0.38, 0.465], [0.095, 0.06]) || is_within(at, [0.62, 0.465], [0.095, 0.06])),
    ("hair", |at| is_within(at, [0.5, 0.45], [0.42, 0.4]) && !is_face(at) && at[1] < 0.55),
    ("whole face", is_face),
];

/// One edit of one photo.
pub struct Edit {
    pub photo: RgbImage,
    pub quad: CropQuad,
    pub size: usize,
    pub crop: Levels,
    pub reconstruction: RgbImage,
    pub edited: RgbImage,
    pub scene: Scene,
    pub reference: Arc<RgbImage>,
    pub reference_fine: Levels,
    pub is_painted: Vec<bool>,
    /// From the border of what is painted, in pixels; inside is negative.
    pub distance: Vec<f32>,
}

const SOURCE: FaceId = FaceId(0);
const REFERENCE: FaceId = FaceId(1);
/// Fine structure is measured on crops of so many times the model's size.
pub const FINER: usize = 4;

pub fn levels(picture: &RgbImage) -> Levels {
    picture.pixels().map(|pixel| pixel.0.map(f32::from)).collect()
}

/// The crop without the rounding of its own pixels: averaged from a larger one.
fn crop_levels(photo: &RgbImage, quad: &CropQuad, size: usize) -> Result<Levels, stylemap::Error> {
    Ok(averaged(&levels(&align(photo, quad, (FINER * size) as u32)?), size))
}

/// Squares of pixels as one.
fn averaged(fine: &Levels, size: usize) -> Levels {
    let average = |i: usize| {
        let (x, y) = (i % size * FINER, i / size * FINER);
        let square = (0..FINER * FINER).map(|j| fine[(y + j / FINER) * FINER * size + x + j % FINER]);
        square.fold([0.0; 3], |sum, pixel| std::array::from_fn(|c| sum[c] + pixel[c] / (FINER * FINER) as f32))
    };
    (0..size * size).map(average).collect()
}

/// What the model's size leaves out of a crop of [`FINER`] times that.
fn fine_structure(crop: &RgbImage, size: usize) -> Levels {
    let fine = levels(crop);
    let coarse = averaged(&fine, size);
    let side = FINER * size;
    let at = |i: usize| (i as f32 + 0.5) / FINER as f32 - 0.5;
    (0..side * side)
        .map(|i| {
            let smooth: [f32; 3] = sample(&coarse, size, [at(i % side), at(i / side)]);
            std::array::from_fn(|c| fine[i][c] - smooth[c])
        })
        .collect()
}

pub fn minus(a: &Levels, b: &Levels) -> Levels {
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

/// All edits of these pairs in these regions, pair by pair.
pub fn edits(
    pairs: &[(&str, &str)],
    regions: &[Region],
    match_colours: f32,
) -> Result<Vec<Edit>, Box<dyn std::error::Error>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let checkpoint = Checkpoint::load(&repository.join("weights/default.safetensors"))?;
    let mut engine = Engine::new(checkpoint, DeviceChoice::Cpu, DtypeChoice::F32)?;
    let size = engine.info().config.size;
    let detector = FaceDetector::new()?;
    let opened = |name: &str| -> Result<(RgbImage, CropQuad), Box<dyn std::error::Error>> {
        let photo = photo::load(repository.join(name))?;
        let face = detector.detect(&photo)?.into_iter().next().ok_or("no face was found")?;
        Ok((photo, crop_quad(&face.landmarks)?))
    };
    let mut edits = Vec::new();
    for (photo, reference) in pairs {
        let (photo, quad) = opened(photo)?;
        let (reference, reference_quad) = opened(reference)?;
        let crop_px = (FINER * size) as u32;
        let reference_fine = fine_structure(&align(&reference, &reference_quad, crop_px)?, size);
        // As the program makes them.
        let reference_px = if reference_quad.side_px() > crop_px as f32 { 2 * crop_px } else { crop_px };
        let reference = Arc::new(align(&reference, &reference_quad, reference_px)?);
        engine.add_face(SOURCE, &align(&photo, &quad, crop_px)?)?;
        engine.add_face(REFERENCE, &reference)?;
        let mut picture = |scene: &Scene| -> Result<RgbImage, stylemap::Error> { Ok(engine.render(scene)?.to_rgb()) };
        let reconstruction = picture(&Scene::face(SOURCE))?;
        for (_, region) in regions {
            let at = |i: usize| [(i % size) as f32 + 0.5, (i / size) as f32 + 0.5].map(|at| at / size as f32);
            let is_painted: Vec<bool> = (0..size * size).map(|i| region(at(i))).collect();
            let mask = Mask::new(size, is_painted.iter().map(|&is_painted| f32::from(is_painted)).collect())?;
            let scene = Scene::face(SOURCE).with(Layer::new(REFERENCE, mask).with_match_colours(match_colours));
            let [to_inside, to_outside] = [true, false].map(|wanted| distance_to(&is_painted, wanted, size));
            edits.push(Edit {
                photo: photo.clone(),
                quad,
                size,
                crop: crop_levels(&photo, &quad, size)?,
                reconstruction: reconstruction.clone(),
                edited: picture(&scene)?,
                scene,
                reference: Arc::clone(&reference),
                reference_fine: reference_fine.clone(),
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
    pub fn asked_for(&self) -> Levels {
        minus(&levels(&self.edited), &levels(&self.reconstruction))
    }

    /// As the program does it.
    pub fn composed(&self) -> RgbImage {
        let crop_of = |face| (face == REFERENCE).then(|| Arc::clone(&self.reference));
        let source_crop = align(&self.photo, &self.quad, self.reference.width()).unwrap();
        let composition = Composition::new(&self.scene, SOURCE, Some(&source_crop), crop_of);
        paste(&self.photo, &self.quad, &self.edited, &composition, Extent::Changes).unwrap()
    }

    /// How the fine structure inside what is painted correlates with the reference's and with the source's, and how much of the
    /// source's is left in a fit of both.
    pub fn fine_figures(&self, result: &RgbImage) -> [f32; 3] {
        let side = FINER * self.size;
        let [result, source] = [result, &self.photo]
            .map(|photo| fine_structure(&align(photo, &self.quad, side as u32).unwrap(), self.size));
        let reference = &self.reference_fine;
        let inside = |i: usize| {
            // Not on the very border.
            self.distance[i / side / FINER * self.size + i % side / FINER] < -1.0
        };
        let product = |a: &Levels, b: &Levels| -> f64 {
            let pixels = (0..side * side).filter(|&i| inside(i));
            pixels.map(|i| (0..3).map(|c| f64::from(a[i][c]) * f64::from(b[i][c])).sum::<f64>()).sum()
        };
        let correlation = |a: &Levels, b: &Levels| product(a, b) / (product(a, a) * product(b, b)).sqrt();
        let (to_reference, to_source) = (product(&result, reference), product(&result, &source));
        let (references, sources) = (product(reference, reference), product(&source, &source));
        let both = product(reference, &source);
        let left = (to_source * references - to_reference * both) / (sources * references - both * both);
        [correlation(&result, reference), correlation(&result, &source), left].map(|value| value as f32)
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
    pub fn figures(&self, result: &RgbImage) -> [f32; 3] {
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
        let reach_px = FEATHER_SHARE * self.size as f32 + 0.5;
        let far = arrived.iter().zip(&self.distance).filter(|(_, distance)| **distance > reach_px);
        let beyond = far.flat_map(|(change, _)| change).fold(0.0, |most: f32, value| most.max(value.abs()));
        [seam, kept, beyond]
    }
}

/// A bicubic sample (Catmull-Rom); beyond the border the border pixel goes on.
pub fn sample<const CHANNELS: usize>(picture: &[[f32; CHANNELS]], size: usize, at: [f32; 2]) -> [f32; CHANNELS] {
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

pub fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

pub fn most(values: &[f32]) -> f32 {
    values.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

pub fn least(values: &[f32]) -> f32 {
    values.iter().copied().fold(f32::INFINITY, f32::min)
}

/// One figure of every edit.
pub fn column<const FIGURES: usize>(figures: &[[f32; FIGURES]], index: usize) -> Vec<f32> {
    figures.iter().map(|figures| figures[index]).collect()
}
