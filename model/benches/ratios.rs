//! Everything on the path from photo and brush to pixel, against a reference in the same run:
//! `cargo bench --workspace --bench ratios`, or with `-- fine` one group of rows (kernels, faces, parts, fine, refine, beside, frames).
//!
//! The two sides of a row run interleaved and their medians are compared, because machines are noisy and a time alone says little.
//! Kernels are held against candle's own operations, the face detector against rten; frames against the picture drawn with nothing cached; the fine
//! encoder, a step of the refined projection and what settles a picture against a full decode, from stylemap to picture.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use image::{Rgb, RgbImage};
use stylemap::checkpoint::Checkpoint;
use stylemap::config::Config;
use stylemap::edit::{self, Reference};
use stylemap::engine::{Base, Cancel, Engine, EngineHandle, Event, FaceId, Layer, Scene, WorkerOptions};
use stylemap::face::CropQuad;
use stylemap::kernels::conv::{After, Conv, UpConv};
use stylemap::kernels::{self, reference};
use stylemap::latent::{Latent, stylemap_values};
use stylemap::mask::Pooling;
use stylemap::model::{DeviceChoice, DtypeChoice};
use stylemap::refine::{RefineOptions, Refinement};
use stylemap::{FaceDetector, Mask, photo};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn median_ms(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

fn milliseconds(body: impl FnOnce()) -> f64 {
    let start = Instant::now();
    body();
    start.elapsed().as_secs_f64() * 1e3
}

fn row(what: &str, runs: usize, mut ours: impl FnMut(), mut reference: impl FnMut()) {
    timed_row(what, runs, || milliseconds(&mut ours), || milliseconds(&mut reference));
}

/// Of bodies that say themselves how long they took, in milliseconds.
fn timed_row(what: &str, runs: usize, mut ours: impl FnMut() -> f64, mut reference: impl FnMut() -> f64) {
    // Caches and buffers are warm in the editor too.
    ours();
    reference();
    let (ours, reference): (Vec<_>, Vec<_>) = (0..runs).map(|_| (ours(), reference())).unzip();
    let (ours, reference) = (median_ms(ours), median_ms(reference));
    println!("{what:<46} {ours:>9.2} ms {reference:>10.2} ms {:>8.3}", ours / reference);
}

fn random(shape: &[usize]) -> Tensor {
    Tensor::randn(0f32, 1.0, shape, &Device::Cpu).unwrap()
}

fn kernel_rows() {
    println!("{:<46} {:>12} {:>13} {:>8}", "kernel, against candle's operations", "ours", "reference", "ratio");
    for (channels, side) in [(256, 16), (256, 32), (128, 64), (64, 128), (32, 256)] {
        let (x, weight) = (random(&[1, channels, side, side]), random(&[channels, channels, 3, 3]));
        let bias = random(&[channels]);
        let conv = Conv::new(&weight, 1, 1).unwrap();
        row(
            &format!("3x3 convolution, {channels} channels, {side} px"),
            9,
            || drop(black_box(conv.forward(&x, After::BiasActivation(&bias)).unwrap())),
            || drop(black_box(reference::bias_activation(&x.conv2d(&weight, 1, 1, 1, 1).unwrap(), &bias).unwrap())),
        );
    }
    for (channels, side) in [(256, 16), (256, 32), (128, 64), (64, 128)] {
        let (x, weight) = (random(&[1, channels, side, side]), random(&[channels / 2, channels, 3, 3]));
        let bias = random(&[channels / 2]);
        let up = UpConv::new(&weight, &bias).unwrap();
        let phases = random(&[2 * channels, channels, 3, 3]);
        row(
            &format!("upsampling convolution, {channels} channels, {side} px"),
            9,
            || drop(black_box(up.forward(&x).unwrap())),
            || {
                let phases = x.conv2d(&phases, 1, 1, 1, 1).unwrap();
                drop(black_box(reference::pixel_shuffle_bias_activation(&phases, &bias).unwrap()));
            },
        );
    }
    let (x, modulation) = (random(&[1, 64, 128, 128]), random(&[1, 128, 128, 128]));
    row(
        "normalise and modulate, 64 channels, 128 px",
        15,
        || drop(black_box(kernels::normalize_modulate(&x, &modulation).unwrap())),
        || drop(black_box(reference::normalize_modulate(&x, &modulation).unwrap())),
    );
    let skip = random(&[1, 64, 64, 64]);
    let mut sum = Some(x.copy().unwrap());
    row(
        "skip path upsampled and added, 64 channels, 128 px",
        15,
        || sum = Some(kernels::add_upsampled(sum.take().unwrap(), &skip).unwrap()),
        || drop(black_box(reference::add_upsampled(&x, &skip).unwrap())),
    );
    row(
        "blur before the encoder halves, 64 channels, 128 px",
        15,
        || drop(black_box(kernels::blur(&x, 2, 1).unwrap())),
        || drop(black_box(reference::blur(&x, 2, 1).unwrap())),
    );
    for (channels, out, side) in [(128, 64, 64), (64, 3, 128)] {
        let (x, weight) = (random(&[1, channels, side, side]), random(&[out, channels, 1, 1]));
        let (conv, bias) = (Conv::new(&weight, 0, 1).unwrap(), random(&[out]));
        row(
            &format!("1x1 convolution, {channels} to {out} channels, {side} px"),
            15,
            || drop(black_box(conv.forward(&x, After::BiasActivation(&bias)).unwrap())),
            || drop(black_box(reference::bias_activation(&x.conv2d(&weight, 0, 1, 1, 1).unwrap(), &bias).unwrap())),
        );
    }
}

/// The masks' way to the levels, and the whole main path.
fn path_rows(checkpoint: &Checkpoint) {
    println!("\n{:<46} {:>12} {:>13} {:>8}", "part of a frame, default model", "ours", "candle", "ratio");
    let model = stylemap::model::Model::new(checkpoint, DeviceChoice::Cpu, DtypeChoice::F32).unwrap();
    let stylemap = model.sample(1, 0, 0.7).unwrap();
    let codes = model.generator.style_codes(&stylemap).unwrap();
    let modulations = model.generator.modulations(&codes).unwrap();
    // What candle would do with one of the frame's convolutions, as the measure of the others.
    let (x, weight) = (random(&[1, 64, 128, 128]), random(&[64, 64, 3, 3]));
    let candle = || drop(black_box(x.conv2d(&weight, 1, 1, 1, 1).unwrap()));
    println!("(reference here: ONE 3x3 convolution by candle, 64 channels, 128 px)");
    row("style codes", 15, || drop(black_box(model.generator.style_codes(&stylemap).unwrap())), candle);
    row("modulations", 15, || drop(black_box(model.generator.modulations(&codes).unwrap())), candle);
    row(
        "main path",
        15,
        || drop(black_box(model.generator.main_path(&modulations, &Cancel::default()).unwrap())),
        candle,
    );
    let mask = half();
    let levels = || model.config.all_levels().for_each(|level| drop(black_box(mask.at_level(level, Pooling::Soft))));
    row("a mask to every level", 15, levels, candle);
    let image = model.generator.decode_codes(&codes).unwrap();
    row("picture to bytes", 15, || drop(black_box(photo::to_rgba(&image).unwrap())), candle);
}

/// What opening a face adds to the encoder, against a full decode.
fn fine_rows(checkpoint: &Checkpoint) {
    println!("\n{:<46} {:>12} {:>13} {:>8}", "fine encoder, default model", "ours", "full decode", "ratio");
    let model = stylemap::model::Model::new(checkpoint, DeviceChoice::Cpu, DtypeChoice::F32).unwrap();
    let Some(fine_encoder) = &model.fine_encoder else {
        println!("(this model has none)");
        return;
    };
    let image = model.place(&photo::to_tensor(&picture(1), model.config.size).unwrap()).unwrap();
    let stylemap = model.encoder.forward(&image).unwrap();
    let drawn = model.generator.decode(&stylemap).unwrap();
    let codes = model.generator.style_codes(&stylemap).unwrap();
    let fine_codes = &codes[model.config.fine_codes()];
    let decode = || drop(black_box(model.generator.decode(&stylemap).unwrap()));
    row("encoder", 15, || drop(black_box(model.encoder.forward(&image).unwrap())), decode);
    row("one pass", 15, || drop(black_box(fine_encoder.forward(&image, &drawn, fine_codes).unwrap())), decode);
    timed_row(
        &format!("{} passes, with the pictures that they look at", fine_encoder.passes()),
        15,
        || {
            let encoder = milliseconds(|| drop(black_box(model.encoder.forward(&image).unwrap())));
            milliseconds(|| drop(black_box(model.encode(&image, &Cancel::default()).unwrap()))) - encoder
        },
        || milliseconds(decode),
    );
}

/// A step of the refined projection, picture and gradients, against a full decode.
fn refine_rows(name: &str, checkpoint: &Checkpoint, runs: usize) {
    println!("\n{:<46} {:>12} {:>13} {:>8}", format!("refined projection, {name}"), "ours", "full decode", "ratio");
    let model = stylemap::model::Model::new(checkpoint, DeviceChoice::Cpu, DtypeChoice::F32).unwrap();
    let (crop, cancel) = (picture(1), Cancel::default());
    let image = model.place(&photo::to_tensor(&crop, model.config.size).unwrap()).unwrap();
    let stylemap = model.encoder.forward(&image).unwrap();
    let start = Latent::of_stylemap(stylemap_values(&stylemap).unwrap());
    let options = RefineOptions::default().with_steps(1000);
    let begin = || Refinement::new(&model, &crop, &start, options, &cancel).unwrap();
    let decode = || drop(black_box(model.generator.decode(&stylemap).unwrap()));
    let mut refinement = begin();
    row("step", runs, || _ = black_box(refinement.step(&model, &cancel).unwrap()), decode);
    row("look at what the last step made", runs, || _ = black_box(refinement.look(&model, &cancel).unwrap()), decode);
    row("begin", runs, || drop(black_box(begin())), decode);
}

/// How long a painter waits for pictures under the brush, with a face that is refined beside the work and without one. Between strokes the hand
/// rests for as long as the refinement needs to go on, so that every stroke begins in the middle of a step.
fn beside_rows(name: &str, checkpoint: Checkpoint, strokes: usize) {
    const DABS: usize = 12;
    const HAND_RESTS: Duration = Duration::from_millis(900);
    println!("\n{:<46} {:>12} {:>13} {:>8}", format!("stroke beside a refinement, {name}"), "beside", "alone", "ratio");
    let (sender, events) = channel();
    let load = || Engine::new(checkpoint, DeviceChoice::Cpu, DtypeChoice::F32);
    let handle = EngineHandle::spawn(load, WorkerOptions::default(), move |event| _ = sender.send(event)).unwrap();
    let crops = [1, 2, 3].map(|seed| Arc::new(picture(seed)));
    for (face, crop) in (1..).map(FaceId).zip(&crops) {
        handle.add_face(face, Arc::clone(crop));
    }
    let wait_for_picture = |number: u64| loop {
        match events.recv().unwrap() {
            Event::Frame(frame) if frame.request == number => break,
            Event::FrameFailed(_, err) | Event::RefineFailed(_, err) => panic!("{err}"),
            _ => {}
        }
    };
    let scenes: Vec<_> = (0..DABS).map(|i| Scene::face(FaceId(1)).with(Layer::new(FaceId(2), dab(i, 24.0)))).collect();
    let stroke = || -> Vec<f64> {
        std::thread::sleep(HAND_RESTS);
        let dab = |scene: &Scene| milliseconds(|| wait_for_picture(handle.render(scene.clone())));
        scenes.iter().map(dab).collect()
    };
    stroke();
    let (mut beside, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..strokes {
        alone.extend(stroke());
        handle.refine(FaceId(3), Arc::clone(&crops[2]), RefineOptions::MAX_STEPS);
        beside.extend(stroke());
        handle.stop_refining(FaceId(3));
    }
    for (what, share) in [("median", 0.5), ("95 of 100 are faster", 0.95)] {
        let [beside, alone] = [&mut beside, &mut alone].map(|samples| {
            samples.sort_by(f64::total_cmp);
            samples[(samples.len() as f64 * share) as usize]
        });
        println!("{what:<46} {beside:>9.2} ms {alone:>10.2} ms {:>8.3}", beside / alone);
    }
}

fn picture(seed: u32) -> RgbImage {
    RgbImage::from_fn(256, 256, |x, y| {
        let value = |k: u32| (((x / 8 * (seed + k) + y / 8 * (2 * seed + 3 * k)) * 13) % 256) as u8;
        Rgb([value(1), value(2), value(5)])
    })
}

/// A soft dab of this radius at step `i` of a stroke, on the editor's canvas.
fn dab(i: usize, radius_px: f32) -> Arc<Mask> {
    let centre = 128.0 + (i % 40) as f32 * 6.0;
    let weight = |cell: usize| {
        let (x, y) = ((cell % 512) as f32 - centre, (cell / 512) as f32 - 256.0);
        ((radius_px - x.hypot(y)) / (0.3 * radius_px)).clamp(0.0, 1.0)
    };
    Arc::new(Mask::new(512, (0..512 * 512).map(weight).collect()).unwrap())
}

fn half() -> Mask {
    Mask::new(512, (0..512 * 512).map(|cell| f32::from(cell % 512 < 256)).collect()).unwrap()
}

/// The scene's one layer with nothing cached but the stylemaps and residuals.
fn uncached(engine: &Engine, layer: &Layer) {
    let model = engine.model();
    let generator = &model.generator;
    let codes = |face| {
        let mut codes = generator.style_codes(engine.stylemap(face).unwrap()).unwrap();
        if let Some(residuals) = &engine.latent(face).unwrap().residuals {
            let residuals = model.place_residuals(residuals, 1.0).unwrap();
            generator.add_residuals(&mut codes, &residuals).unwrap();
        }
        codes
    };
    let (source, codes) = (codes(FaceId(1)), codes(FaceId(2)));
    let reference =
        Reference { codes: &codes, mask: &layer.mask, pooling: Pooling::Soft, offset_px: (0, 0), strength: 1.0 };
    let image = generator.decode_codes(&edit::mix_codes(&source, &[reference]).unwrap()).unwrap();
    black_box(photo::to_rgba(&image).unwrap());
}

fn frame_rows(name: &str, checkpoint: Checkpoint, runs: usize) {
    println!("\n{:<46} {:>12} {:>13} {:>8}", format!("frame, {name}"), "engine", "uncached", "ratio");
    let mut engine = Engine::new(checkpoint, DeviceChoice::Cpu, DtypeChoice::F32).unwrap();
    engine.add_face(FaceId(1), &picture(1)).unwrap();
    engine.add_face(FaceId(2), &picture(2)).unwrap();
    let scene = |mask: Arc<Mask>| Scene {
        layers: vec![Layer {
            face: FaceId(2),
            mask,
            offset_px: (0, 0),
            strength: 1.0,
            feather_px: 0.0,
            match_colours: 0.0,
            style: stylemap::engine::LayerStyle::Whole,
            directions: Vec::new(),
        }],
        ..Scene::face(FaceId(1))
    };
    let engine = std::cell::RefCell::new(engine);
    for (what, radius_px) in [("stroke, small dab", 24.0), ("stroke, large dab", 96.0)] {
        let scenes: Vec<_> = (0..40).map(|i| scene(dab(i, radius_px))).collect();
        let mut step = 0;
        row(
            what,
            runs,
            || {
                step += 1;
                drop(black_box(engine.borrow_mut().render_moving(&scenes[step % 40], &Cancel::default()).unwrap()));
            },
            || uncached(&engine.borrow(), &scenes[0].layers[0]),
        );
    }
    let halves = [scene(Arc::new(half())), scene(Arc::new(half().feathered(8.0)))];
    let mut step = 0;
    row(
        "half of the face, hard and soft in turn",
        runs,
        || {
            step += 1;
            drop(black_box(engine.borrow_mut().render_moving(&halves[step % 2], &Cancel::default()).unwrap()));
        },
        || uncached(&engine.borrow(), &halves[0].layers[0]),
    );
    let mut t = 0.0;
    row(
        "interpolation step",
        runs,
        || {
            t = (t + 0.01) % 1.0;
            let base = Base::Interpolation { from: FaceId(1), to: FaceId(2), t };
            let scene = Scene { base, directions: Vec::new(), layers: Vec::new(), likeness: BTreeMap::new() };
            drop(black_box(engine.borrow_mut().render(&scene).unwrap()));
        },
        || uncached(&engine.borrow(), &halves[0].layers[0]),
    );
    if engine.borrow().model().fine_encoder.is_none() {
        return;
    }
    // What follows once the brush rests.
    let scenes: Vec<_> = (0..40).map(|i| scene(dab(i, 96.0))).collect();
    let mut step = 0;
    timed_row(
        "settled, large dab (here: a full decode)",
        runs,
        || {
            step += 1;
            let scene = &scenes[step % 40];
            engine.borrow_mut().render_moving(scene, &Cancel::default()).unwrap();
            milliseconds(|| drop(black_box(engine.borrow_mut().render(scene).unwrap())))
        },
        || {
            let engine = engine.borrow();
            let stylemap = engine.stylemap(FaceId(1)).unwrap();
            milliseconds(|| drop(black_box(engine.model().generator.decode(stylemap).unwrap())))
        },
    );
}

/// The detector held against rten with the same file: the passes over a window of 256 px, and over all copies of a photo and the
/// windows of the one face in it.
fn face_rows() {
    println!("{:<46} {:>12} {:>13} {:>8}", "faces, against the passes in rten", "ours", "reference", "ratio");
    let detector = FaceDetector::new().unwrap();
    let file = include_bytes!("../../weights/yunet/face_detection_yunet_2026may.onnx");
    let operators = rten::op_registry!(Add, Conv, MaxPool, Relu, Reshape, Resize, Sigmoid, Transpose);
    let model = rten::ModelOptions::with_ops(operators).load_static_slice(file).unwrap();
    let node = |name: &str| model.node_id(name).unwrap();
    let heads: Vec<_> = [8, 16, 32]
        .iter()
        .flat_map(|stride| ["cls", "obj", "bbox", "kps"].map(|head| node(&format!("{head}_{stride}"))))
        .collect();
    let pass = |width: usize, height: usize, outputs: &[rten::NodeId]| {
        let sides = [height, width].map(|len| len.next_multiple_of(32));
        let values = vec![100.0; 3 * sides[0] * sides[1]];
        let input = rten::Value::from_shape([1, 3, sides[0], sides[1]], values).unwrap();
        drop(black_box(model.run(vec![(node("input"), input.into())], outputs, None).unwrap()));
    };
    let portrait =
        photo::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/portraits/male_005.png")).unwrap();
    let whole = CropQuad::centered(256, 256).unwrap();
    row(
        "one window of 256 px",
        25,
        || drop(black_box(detector.alignment_features(&portrait, &whole, false).unwrap())),
        || pass(256, 256, &[node("246")]),
    );
    for (width, height) in [(640u32, 480u32), (1280, 960), (2508, 1672), (6000, 4000)] {
        let mut picture = RgbImage::from_pixel(width, height, Rgb([120, 128, 136]));
        let face = photo::resized(&portrait, height / 2);
        image::GenericImage::copy_from(&mut picture, &face, width / 4, height / 4).unwrap();
        let reduced = (2048.0f64.powi(2) / f64::from(width * height)).sqrt().min(1.0);
        let copies: Vec<_> = [1.0, 0.4, 0.16, 0.064]
            .map(|scale| [width, height].map(|len| (f64::from(len) * reduced * scale) as usize))
            .into_iter()
            .filter(|size| size[0] >= 128)
            .collect();
        row(
            &format!("a photo of {width} x {height} px with one face"),
            7,
            || assert_eq!(black_box(detector.detect(&picture).unwrap()).len(), 1),
            || {
                copies.iter().for_each(|&[width, height]| pass(width, height, &heads));
                pass(256, 256, &heads);
                (0..6).for_each(|_| pass(256, 256, &[node("246")]));
            },
        );
    }
}

fn main() {
    // Cargo passes options of its own.
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let is_wanted = |group: &str| group.contains(&filter);
    let default = || Checkpoint::load(concat!(env!("CARGO_MANIFEST_DIR"), "/../weights/default.safetensors").as_ref());
    if is_wanted("kernels") {
        kernel_rows();
    }
    if is_wanted("faces") {
        face_rows();
    }
    if is_wanted("parts") {
        path_rows(&default().unwrap());
    }
    if is_wanted("fine") {
        fine_rows(&default().unwrap());
    }
    let published = || Checkpoint::random(Config::published(256, 2, false), 1).unwrap();
    if is_wanted("refine") {
        refine_rows("default model", &default().unwrap(), 15);
        refine_rows("published 256 px widths, random weights", &published(), 5);
    }
    if is_wanted("beside") {
        beside_rows("default model", default().unwrap(), 25);
    }
    if is_wanted("frames") {
        frame_rows("default model", default().unwrap(), 15);
        frame_rows("published 256 px widths, random weights", published(), 5);
    }
}
