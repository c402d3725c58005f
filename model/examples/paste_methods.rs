//! How an edit goes back into its photo: the figures in the documentation of `stylemap::face::paste`, and what else was tried.
//!
//! `cargo run --release -p stylemap --example paste_methods -- [SHEET.png]` prints the table, and draws a row of results for each kind
//! of edit: the photo, then the methods in the table's order. `assets/screenshots/paste_methods.png` is that, reduced to 256 colours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "../../tests/seams/measure.rs"]
mod measure;

use std::path::Path;

use image::{RgbImage, imageops};
use measure::{Edit, Levels, Outcome, PAIRS, REGIONS, column, edits, least, levels, mean, minus, most, sample};
use stylemap::face::align;

/// Of the pairs, the one that the sheet shows for each region.
const SHOWN: [usize; REGIONS.len()] = [2, 1, 0, 1];
/// A face on the sheet.
const TILE_PX: u32 = 160;

impl Edit {
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

    /// The difference to the reconstruction alone, with all of the photo's own fine structure.
    fn difference(&self, feather: f32) -> RgbImage {
        let weights = self.weights(feather);
        let change = self.asked_for();
        let field = change.iter().zip(weights).map(|(change, weight)| change.map(|value| value * weight));
        self.added(&field.collect())
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

const METHODS: [Method; 9] = [
    ("replaced, hard mask", |edit| edit.replaced(0.0)),
    ("replaced, feather of 5%", |edit| edit.replaced(0.05)),
    ("replaced, five bands", |edit| edit.five_bands(&edit.replacement())),
    ("replaced, membrane", |edit| edit.membrane(&edit.replacement())),
    ("difference, hard mask", |edit| edit.difference(0.0)),
    ("difference, feather of 8%", |edit| edit.difference(0.08)),
    ("difference, five bands", |edit| edit.five_bands(&edit.asked_for())),
    ("difference, membrane", |edit| edit.membrane(&edit.asked_for())),
    ("composed, feather of 8%", Edit::composed),
];

fn main() -> Outcome {
    let edits = edits(&PAIRS, &REGIONS, 0.0)?;
    let results: Vec<Vec<RgbImage>> = METHODS.iter().map(|(_, method)| edits.iter().map(method).collect()).collect();
    println!("| blending | seam, mean | worst | kept, mean | least | beyond | new | old | left |");
    for ((name, _), results) in METHODS.iter().zip(&results) {
        let figures: Vec<_> = edits.iter().zip(results).map(|(edit, result)| edit.figures(result)).collect();
        let fine: Vec<_> = edits.iter().zip(results).map(|(edit, result)| edit.fine_figures(result)).collect();
        let [seams, kept, beyond] = [0, 1, 2].map(|index| column(&figures, index));
        let [new, old, left] = [0, 1, 2].map(|index| mean(&column(&fine, index)));
        println!(
            "| {name} | {:.1} | {:.1} | {:.2} | {:.2} | {:.1} | {new:.2} | {old:.2} | {left:.2} |",
            mean(&seams),
            most(&seams),
            mean(&kept),
            least(&kept),
            most(&beyond)
        );
    }
    if let Some(file) = std::env::args_os().nth(1) {
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
        sheet.save(Path::new(&file))?;
    }
    Ok(())
}
