//! `bench`: how fast the model draws here, through the engine as the editor uses it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use serde::Serialize;
use stylebrush_app::demo;
use stylebrush_app::document::Placement;
use stylebrush_app::export::JPEG_QUALITY;
use stylebrush_app::original::Original;
use stylemap::checkpoint::Checkpoint;
use stylemap::config::Config;
use stylemap::engine::{Base, Cancel, Engine, FaceId, Layer, LayerStyle, PreviewMode, Scene};
use stylemap::face::FaceDetector;
use stylemap::{Mask, photo};

use super::progress::Activity;
use super::{CommonOptions, numbers, print_line};
use crate::model_source::with_advice;

const EXAMPLES: &str = "\
A stroke update is one frame under a moving brush: small dab, 4 % of the picture across; large dab, 30 %; half the face, a mask \
that changes sides with every frame. The settled picture is what follows once the brush rests. The fine encoder is measured with the \
pictures that it looks at, all its passes together. A photo that is opened is a JPEG of 24 megapixels: decoded, its face \
found, cut out and encoded. A slow measurement ends after 30 seconds, however many runs are left.

Examples:
  stylebrush bench
  stylebrush bench --random-weights published-256 --runs 10 --json
  stylebrush bench --only brush --brush 0.5 --layers 4 --photos 6";

/// What `bench` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct BenchArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// How often each thing is measured, at most
    #[arg(long, value_name = "N", default_value = "30", value_parser = numbers::count, allow_negative_numbers = true)]
    runs: usize,
    /// Measure random weights instead: of a published network's widths, or of the model's own
    #[arg(long, value_name = "WIDTHS")]
    random_weights: Option<Widths>,
    /// Measure only these, with commas between
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    only: Vec<What>,
    /// How wide the brush of `brush` is, of the picture
    #[arg(long, value_name = "WIDTH", default_value = "0.1", value_parser = numbers::unit, allow_negative_numbers = true)]
    brush: f32,
    /// Layers of a stroke: all but the one under the brush are half a face each
    #[arg(long, value_name = "N", default_value = "1", value_parser = numbers::count, allow_negative_numbers = true)]
    layers: usize,
    /// Photos that are open, each drawn once before
    #[arg(long, value_name = "N", default_value = "2", value_parser = numbers::count, allow_negative_numbers = true)]
    photos: usize,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// From a photo's file to the face that can be painted.
    Open,
    /// Aligned face to stylemap.
    Encoder,
    /// From there to what the fine encoder adds; only of a model that has one.
    FineEncoder,
    /// Stylemap to picture.
    Decode,
    /// A stroke's step, 4 % of the picture across.
    SmallDab,
    /// A stroke's step, 30 % of the picture across.
    LargeDab,
    /// The preview of a stroke's step, 4 % of the picture across.
    SmallPreview,
    /// The preview of a stroke's step, 30 % of the picture across.
    LargePreview,
    /// A mask that changes sides.
    Half,
    /// The picture that stays, after that of a stroke's step; only of a model with a fine encoder.
    Settled,
    /// A step between two faces.
    Interpolation,
    /// A stroke's step as wide as --brush says; only when it is asked for.
    Brush,
}

impl BenchArgs {
    fn measures(&self, what: What) -> bool {
        if self.only.is_empty() { what != What::Brush } else { self.only.contains(&what) }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Widths {
    /// The published 256 px network.
    #[value(name = "published-256")]
    Published256,
    /// The published 1024 px network, the one with narrow style codes.
    #[value(name = "published-1024")]
    Published1024,
    /// Those of the embedded model, or of --model.
    Default,
}

/// A slow network is measured less often, so that the whole ends within minutes.
const TIME_LIMIT: Duration = Duration::from_secs(30);
const MIN_RUNS: usize = 3;

const SOURCE: FaceId = FaceId(0);
const REFERENCE: FaceId = FaceId(1);

#[derive(Serialize)]
struct Report {
    model: String,
    device: String,
    dtype: String,
    kernels: String,
    threads: usize,
    size_px: usize,
    load_ms: f64,
    measurements: Vec<Measurement>,
    /// Where the system tells.
    resident_mib: Option<f64>,
    peak_resident_mib: Option<f64>,
}

#[derive(Serialize)]
struct Measurement {
    name: &'static str,
    runs: usize,
    median_ms: f64,
    p95_ms: f64,
    frames_per_second: f64,
}

/// Runs `bench`.
pub fn run(common: &CommonOptions, args: &BenchArgs) -> anyhow::Result<()> {
    let BenchArgs { json, random_weights, .. } = args;
    let start = Instant::now();
    let checkpoint = match random_weights {
        None => common.model_source()?.checkpoint()?,
        Some(widths) => Checkpoint::random(config(*widths, common)?, 0)?,
    };
    let mut engine = Engine::new(checkpoint, common.device, common.dtype)
        .map_err(|err| with_advice(err, common.model.as_deref()))?;
    let load_ms = milliseconds(start.elapsed());
    let measurements = measure_all(&mut engine, args)?;
    let info = engine.info();
    let report = Report {
        model: info.name,
        device: info.device,
        dtype: info.dtype,
        kernels: info.kernels,
        threads: info.threads,
        size_px: info.config.size,
        load_ms,
        measurements,
        resident_mib: status_mib("VmRSS:"),
        peak_resident_mib: status_mib("VmHWM:"),
    };
    if *json {
        return print_line(&serde_json::to_string_pretty(&report)?);
    }
    readable(&report).iter().try_for_each(|line| print_line(line))
}

fn config(widths: Widths, common: &CommonOptions) -> anyhow::Result<Config> {
    match widths {
        Widths::Default => Ok(common.model_source()?.checkpoint()?.config),
        _ if common.model.is_some() => {
            anyhow::bail!("--random-weights of a published network takes no --model")
        }
        Widths::Published256 => Ok(Config::published(256, 2, false)),
        Widths::Published1024 => Ok(Config::published(1024, 2, true)),
    }
}

fn measure_all(engine: &mut Engine, args: &BenchArgs) -> anyhow::Result<Vec<Measurement>> {
    let size_px = engine.model().config.size;
    let [source, reference] = [portrait(size_px, 1)?, portrait(size_px, 2)?];
    engine.add_face(SOURCE, &source)?;
    engine.add_face(REFERENCE, &reference)?;
    for other in 2..args.photos {
        let face = FaceId(other as u64);
        engine.add_face(face, &portrait(size_px, u32::try_from(other)? + 1)?)?;
        render(engine, &Scene::face(face))?;
    }
    let latent = engine.latent(SOURCE)?.clone();
    let image = engine.model().place(&photo::to_tensor(&source, size_px)?)?;
    let has_fine_encoder = engine.model().fine_encoder.is_some();
    let activity = Activity::new("measuring");
    let mut measurements = Vec::new();
    let mut measure = |what, name: &'static str, work: &mut dyn FnMut(usize) -> anyhow::Result<Duration>| {
        if args.measures(what) {
            activity.now(name);
            measurements.push(measurement(name, args.runs, work)?);
        }
        anyhow::Ok(())
    };
    if args.measures(What::Open) {
        let (jpeg, detector) = (large_photo()?, FaceDetector::new()?);
        measure(What::Open, "opening a photo", &mut |_| open(engine, &jpeg, &detector))?;
    }
    let model = engine.model();
    let encoder = || -> anyhow::Result<Duration> {
        let start = Instant::now();
        model.encoder.forward(&image)?.to_device(&candle_core::Device::Cpu)?;
        Ok(start.elapsed())
    };
    measure(What::Encoder, "encoder", &mut |_| encoder())?;
    if has_fine_encoder {
        measure(What::FineEncoder, "fine encoder", &mut |_| {
            let encoder = encoder()?;
            let start = Instant::now();
            model.encode(&image, &Cancel::default())?;
            Ok(start.elapsed().saturating_sub(encoder))
        })?;
    }
    measure(What::Decode, "full decode", &mut |_| {
        // A face that was just taken has no caches.
        engine.add_latent(SOURCE, latent.clone(), None)?;
        render(engine, &Scene::face(SOURCE))
    })?;
    let layer = |mask| Layer {
        face: REFERENCE,
        mask,
        offset_px: (0, 0),
        strength: 1.0,
        feather_px: 0.0,
        match_colours: 0.0,
        style: LayerStyle::Whole,
        directions: Vec::new(),
    };
    let half = halves(size_px)?.into_iter().next().context("there is nothing to paint")?;
    let below: Vec<_> = (1..args.layers).map(|_| Layer { strength: 0.5, ..layer(Arc::clone(&half)) }).collect();
    let scene = |masks: &[Arc<Mask>], run: usize| {
        let mask = masks.get(run % masks.len().max(1)).map(Arc::clone).context("there is nothing to paint")?;
        let layers = below.iter().cloned().chain(std::iter::once(layer(mask))).collect();
        anyhow::Ok(Scene { layers, ..Scene::face(SOURCE) })
    };
    for (what, name, masks) in [
        (What::SmallDab, "stroke, small dab", dabs(size_px, 0.04)?),
        (What::LargeDab, "stroke, large dab", dabs(size_px, 0.3)?),
        (What::Half, "stroke, half the face", halves(size_px)?),
        (What::Brush, "stroke, this brush", dabs(size_px, args.brush)?),
    ] {
        measure(what, name, &mut |run| render_moving(engine, &scene(&masks, run)?))?;
    }
    engine.set_previews(PreviewMode::Always);
    for (what, name, masks) in [
        (What::SmallPreview, "small dab, previewed", dabs(size_px, 0.04)?),
        (What::LargePreview, "large dab, previewed", dabs(size_px, 0.3)?),
    ] {
        measure(what, name, &mut |run| {
            let now = scene(&masks, run)?;
            if let Some(took) = preview(engine, &now)? {
                return Ok(took);
            }
            // The first, and after a row of previews: from an exact frame of the step before.
            render_moving(engine, &scene(&masks, run + masks.len() - 1)?)?;
            match preview(engine, &now)? {
                Some(took) => Ok(took),
                // Not worth one: the exact frame it is.
                None => render_moving(engine, &now),
            }
        })?;
    }
    engine.set_previews(PreviewMode::Auto);
    if has_fine_encoder {
        let masks = dabs(size_px, 0.3)?;
        measure(What::Settled, "settled picture", &mut |run| {
            let scene = scene(&masks, run)?;
            render_moving(engine, &scene)?;
            render(engine, &scene)
        })?;
    }
    measure(What::Interpolation, "interpolation step", &mut |run| {
        // Never the same place twice in a row: nothing can be taken from the frame before.
        let t = (run as f32 * 0.37 + 0.1).fract();
        let base = Base::Interpolation { from: SOURCE, to: REFERENCE, t };
        render(engine, &Scene::of(base))
    })?;
    Ok(measurements)
}

/// From a photo's file in memory to a face that can be painted. It takes the number of none that is painted here.
fn open(engine: &mut Engine, jpeg: &[u8], detector: &FaceDetector) -> anyhow::Result<Duration> {
    const OPENED: FaceId = FaceId(u64::MAX);
    let start = Instant::now();
    let mut original = Original::decode(jpeg.to_vec(), Vec::new(), Path::new("the photo"))?;
    original.faces = detector.detect(&original.pixels)?;
    let face = original.main_face().context("no face was found in the photo that is opened")?;
    let original = Arc::new(original);
    let (_, crop) = Placement::of_face(original, face)?;
    engine.add_face(OPENED, &crop)?;
    let took = start.elapsed();
    engine.remove_face(OPENED);
    Ok(took)
}

/// A demo photo enlarged to a JPEG file of 24 megapixels, with its left side again at its right.
fn large_photo() -> anyhow::Result<Vec<u8>> {
    const SIZE_PX: (u32, u32) = (6000, 4000);
    let photo = demo::photos()?.into_iter().next().context("there is no demo photo")?;
    let photo = photo.placement.map_or(photo.crop, |placement| placement.original.pixels.clone());
    let large = photo::resized(&photo, SIZE_PX.1);
    let mirrored = |x: u32| if x < SIZE_PX.1 { x } else { (2 * SIZE_PX.1).saturating_sub(x + 1) };
    let large = RgbImage::from_fn(SIZE_PX.0, SIZE_PX.1, |x, y| *large.get_pixel(mirrored(x), y));
    let mut jpeg = Vec::new();
    large.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY))?;
    Ok(jpeg)
}

/// The picture that stays.
fn render(engine: &mut Engine, scene: &Scene) -> anyhow::Result<Duration> {
    let start = Instant::now();
    engine.render(scene)?;
    Ok(start.elapsed())
}

/// The picture under a moving brush.
fn render_moving(engine: &mut Engine, scene: &Scene) -> anyhow::Result<Duration> {
    let start = Instant::now();
    engine.render_moving(scene, &Cancel::default())?;
    Ok(start.elapsed())
}

fn preview(engine: &mut Engine, scene: &Scene) -> anyhow::Result<Option<Duration>> {
    let start = Instant::now();
    Ok(engine.preview(scene, &Cancel::default())?.map(|_| start.elapsed()))
}

fn measurement(
    name: &'static str,
    runs: usize,
    work: &mut dyn FnMut(usize) -> anyhow::Result<Duration>,
) -> anyhow::Result<Measurement> {
    let start = Instant::now();
    // The first fills caches and memory.
    work(0)?;
    let mut durations_ms = Vec::with_capacity(runs);
    while durations_ms.len() < runs && (durations_ms.len() < MIN_RUNS || start.elapsed() < TIME_LIMIT) {
        durations_ms.push(milliseconds(work(durations_ms.len() + 1)?));
    }
    durations_ms.sort_unstable_by(f64::total_cmp);
    let [median_ms, p95_ms] = [0.5, 0.95].map(|part| quantile(&durations_ms, part));
    Ok(Measurement { name, runs: durations_ms.len(), median_ms, p95_ms, frames_per_second: 1e3 / median_ms })
}

/// Of sorted values, linear between neighbours.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * sorted.len().saturating_sub(1) as f64;
    let at = |place: f64| sorted.get(place as usize).copied().unwrap_or(f64::NAN);
    at(place.floor()) + (at(place.ceil()) - at(place.floor())) * place.fract()
}

/// Something smooth in the place of a face: the time does not depend on what the picture shows.
fn portrait(size_px: usize, seed: u32) -> anyhow::Result<RgbImage> {
    let side = u32::try_from(size_px)?;
    let wave = |x: u32, y: u32, k: u32| {
        let phase = (x * (k + seed) + y * (2 * k + 1)) as f32 / side as f32;
        (127.5 + 100.0 * phase.sin()) as u8
    };
    Ok(RgbImage::from_fn(side, side, |x, y| Rgb([wave(x, y, 1), wave(x, y, 3), wave(x, y, 5)])))
}

/// A soft-edged dab at the places of a stroke around the middle, each a quarter of its width from the last; `width` of the
/// picture across.
fn dabs(size_px: usize, width: f32) -> anyhow::Result<Vec<Arc<Mask>>> {
    const PLACES: usize = 24;
    const PATH_RADIUS: f32 = 0.25;
    let radius = width / 2.0;
    let dab = |place: usize| {
        let angle = place as f32 * (width / 4.0) / PATH_RADIUS;
        let (center_x, center_y) = (0.5 + PATH_RADIUS * angle.cos(), 0.5 + PATH_RADIUS * angle.sin());
        mask(size_px, |x, y| ((radius - (x - center_x).hypot(y - center_y)) / (0.2 * radius)).clamp(0.0, 1.0))
    };
    (0..PLACES).map(dab).collect()
}

/// The left and the right half of the face.
fn halves(size_px: usize) -> anyhow::Result<Vec<Arc<Mask>>> {
    Ok(vec![mask(size_px, |x, _| f32::from(x < 0.5))?, mask(size_px, |x, _| f32::from(x >= 0.5))?])
}

/// A mask from its weights at pixel centres, coordinates from 0 to 1.
fn mask(size_px: usize, weight: impl Fn(f32, f32) -> f32) -> anyhow::Result<Arc<Mask>> {
    let center = |i: usize| (i as f32 + 0.5) / size_px as f32;
    let weights = (0..size_px * size_px).map(|i| weight(center(i % size_px), center(i / size_px)));
    Ok(Arc::new(Mask::new(size_px, weights.collect())?))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// A line of this process's memory, on systems that have `/proc`.
fn status_mib(key: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib: f64 = status.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}

fn readable(report: &Report) -> Vec<String> {
    let Report {
        model,
        device,
        dtype,
        kernels,
        threads,
        size_px,
        load_ms,
        measurements,
        resident_mib,
        peak_resident_mib,
    } = report;
    let mut lines = vec![
        format!("{model}, {size_px} x {size_px} px, on {device} in {dtype} with {threads} CPU threads"),
        format!("kernels: {kernels}"),
        String::new(),
        format!("{:<24}{:>12}{:>12}{:>12}{:>7}", "", "median ms", "p95 ms", "per second", "runs"),
    ];
    lines.extend(measurements.iter().map(|measurement| {
        let Measurement { name, runs, median_ms, p95_ms, frames_per_second } = measurement;
        format!("{name:<24}{median_ms:>12.2}{p95_ms:>12.2}{frames_per_second:>12.1}{runs:>7}")
    }));
    lines.push(String::new());
    lines.push(format!("loading the model: {load_ms:.0} ms"));
    if let (Some(resident), Some(peak)) = (resident_mib, peak_resident_mib) {
        lines.push(format!("resident memory: {resident:.0} MiB, at most {peak:.0} MiB"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_few_and_many_runs() {
        assert_eq!(quantile(&[3.0], 0.95), 3.0);
        assert_eq!(quantile(&[1.0, 2.0], 0.5), 1.5);
        let many: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!((quantile(&many, 0.5), quantile(&many, 0.95)), (50.0, 95.0));
    }
}
