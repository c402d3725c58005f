//! The engine's caches against the plain edits: the same pictures, whatever is painted, moved and mixed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use candle_core::{Device, Tensor};
use image::{Rgb, RgbImage};
use proptest::prelude::*;
use stylemap::checkpoint::Checkpoint;
use stylemap::directions::{Directions, LIST_KEY};
use stylemap::edit::{self, Reference};
use stylemap::engine::{
    Base, Cancel, DirectionStep, Engine, EngineHandle, Event, FaceId, Layer, PreviewMode, Scene, WorkerOptions,
};
use stylemap::mask::Pooling;
use stylemap::{Config, DeviceChoice, DtypeChoice, Mask, photo};

/// Small, with unlike widths everywhere, so that no two can be confused.
fn config() -> Config {
    Config {
        size: 32,
        style_dim: 6,
        base: 4,
        channels: BTreeMap::from([(4, 12), (8, 10), (16, 8), (32, 6)]),
        codes: BTreeMap::from([(4, 7), (8, 5), (16, 4), (32, 3)]),
        encoder_channels: BTreeMap::from([(4, 9), (8, 8), (16, 6), (32, 4)]),
        mapping_layers: 3,
        lr_mul: 0.01,
        norm: "LayerNorm".to_owned(),
    }
}

const FACES: [FaceId; 3] = [FaceId(1), FaceId(2), FaceId(3)];

fn picture(seed: u32) -> RgbImage {
    RgbImage::from_fn(32, 32, |x, y| {
        let value = |k: u32| (((x * (seed + k) + y * (2 * seed + 3 * k)) * 13) % 256) as u8;
        Rgb([value(1), value(2), value(5)])
    })
}

const DIRECTIONS: usize = 2;

/// A file of directions for the network.
fn directions() -> Vec<u8> {
    let Config { style_dim, base, .. } = config();
    let tensors: BTreeMap<String, Tensor> = (0..DIRECTIONS)
        .map(|index| {
            let values = (0..style_dim * base * base).map(|i| ((i * (7 + 4 * index) % 13) as f32 - 6.0) / 10.0);
            let tensor = Tensor::from_iter(values, &Device::Cpu).unwrap().reshape((style_dim, base, base)).unwrap();
            (format!("Direction {index}"), tensor)
        })
        .collect();
    let list: Vec<_> = tensors.keys().map(|name| format!(r#"{{"name": "{name}", "range": [-3, 3]}}"#)).collect();
    let metadata = HashMap::from([(LIST_KEY.to_owned(), format!("[{}]", list.join(", ")))]);
    safetensors::serialize(&tensors, Some(metadata)).unwrap()
}

fn engine(dtype: DtypeChoice) -> Engine {
    let mut checkpoint = Checkpoint::random(config(), 7).unwrap();
    checkpoint.directions = Some(Directions::from_bytes(&directions(), "directions", &config()).unwrap());
    let mut engine = Engine::new(checkpoint, DeviceChoice::Cpu, dtype).unwrap();
    for (seed, face) in FACES.into_iter().enumerate() {
        engine.add_face(face, &picture(seed as u32 + 1)).unwrap();
    }
    engine
}

/// The scene by the plain functions of `stylemap::edit`, nothing cached.
fn uncached(engine: &Engine, scene: &Scene) -> Vec<u8> {
    let generator = &engine.model().generator;
    let stylemap = |face| engine.stylemap(face).unwrap().clone();
    let codes = |stylemap: Tensor, steps: &[DirectionStep]| {
        let moved = steps.iter().fold(stylemap, |stylemap, step| {
            let direction = engine.model().direction(step.index).unwrap();
            edit::step(&stylemap, &direction, f64::from(step.amount), step.mask.as_deref()).unwrap()
        });
        generator.style_codes(&moved).unwrap()
    };
    let of_base = |stylemap| codes(stylemap, &scene.directions);
    let source = match scene.base {
        Base::Face(face) => of_base(stylemap(face)),
        Base::Interpolation { from, to, t } => {
            of_base(edit::interpolate(&stylemap(from), &stylemap(to), f64::from(t)).unwrap())
        }
        Base::StyleMix { coarse, fine } => edit::style_mix(&of_base(stylemap(coarse)), &of_base(stylemap(fine))),
    };
    let all: Vec<_> = scene
        .layers
        .iter()
        .map(|layer| (codes(stylemap(layer.face), &layer.directions), layer.mask.feathered(layer.feather_px)))
        .collect();
    let references: Vec<_> = scene
        .layers
        .iter()
        .zip(&all)
        .map(|(layer, (codes, mask))| Reference {
            codes,
            mask,
            pooling: Pooling::Soft,
            offset_px: layer.offset_px,
            strength: layer.strength,
        })
        .collect();
    let image = generator.decode_codes(&edit::mix_codes(&source, &references).unwrap()).unwrap();
    photo::to_rgba(&image).unwrap()
}

fn worst(a: &[u8], b: &[u8]) -> u8 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b)).max().unwrap()
}

/// Blobs, hard or soft, on a grid that need not be the model's.
fn any_mask() -> impl Strategy<Value = Arc<Mask>> {
    let blob = (0.0f32..1.0, 0.0f32..1.0, 0.02f32..0.6, 0.0f32..1.0);
    (prop::sample::select(vec![32usize, 64, 50]), prop::collection::vec(blob, 0..4), any::<bool>()).prop_map(
        |(size, blobs, soft)| {
            let weight = |x: f32, y: f32| {
                blobs
                    .iter()
                    .map(|(cx, cy, radius, value)| {
                        let distance = ((x - cx).powi(2) + (y - cy).powi(2)).sqrt() / radius;
                        if soft { (1.0 - distance).clamp(0.0, 1.0) * value } else { f32::from(distance < 1.0) }
                    })
                    .fold(0.0, f32::max)
            };
            let weights = (0..size * size)
                .map(|i| weight((i % size) as f32 / size as f32, (i / size) as f32 / size as f32))
                .collect();
            Arc::new(Mask::new(size, weights).unwrap())
        },
    )
}

fn any_layer() -> impl Strategy<Value = Layer> {
    let offset = prop_oneof![Just((0, 0)), (-40i32..40, -40i32..40)];
    let feather = prop_oneof![Just(0.0f32), 0.0f32..8.0];
    (prop::sample::select(FACES.to_vec()), any_mask(), offset, 0.0f32..=1.0, feather, any_directions()).prop_map(
        |(face, mask, offset_px, strength, feather_px, directions)| Layer {
            face,
            mask,
            offset_px,
            strength,
            feather_px,
            directions,
        },
    )
}

/// Mostly none, few of them, so that layers share what was computed.
fn any_directions() -> impl Strategy<Value = Vec<DirectionStep>> {
    let amount = prop::sample::select(vec![0.0f32, 1.5, -2.0]);
    let mask = prop_oneof![3 => Just(None), 1 => any_mask().prop_map(Some)];
    let step = (0..DIRECTIONS, amount, mask).prop_map(|(index, amount, mask)| DirectionStep { index, amount, mask });
    prop_oneof![2 => Just(Vec::new()), 1 => prop::collection::vec(step, 1..3)]
}

fn any_base() -> impl Strategy<Value = Base> {
    prop_oneof![
        Just(Base::Face(FACES[0])),
        (0.0f32..=1.0).prop_map(|t| Base::Interpolation { from: FACES[0], to: FACES[1], t }),
        Just(Base::StyleMix { coarse: FACES[1], fine: FACES[2] }),
    ]
}

fn any_scene() -> impl Strategy<Value = Scene> {
    (any_base(), any_directions(), prop::collection::vec(any_layer(), 0..4))
        .prop_map(|(base, directions, layers)| Scene { base, directions, layers })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Scenes one after the other on ONE engine, each with the top layer painted on or moved, so that what a frame leaves behind is
    /// put to use by the next.
    #[test]
    fn cached_frames_equal_uncached_ones(
        scenes in prop::collection::vec(any_scene(), 1..4),
        changes in prop::collection::vec((any_mask(), (-20i32..20, -20i32..20), any::<bool>()), 0..3),
    ) {
        let mut engine = engine(DtypeChoice::F32);
        for scene in scenes {
            let mut scene = scene;
            for change in std::iter::once(None).chain(changes.iter().map(Some)) {
                match (change, scene.layers.last_mut()) {
                    (Some((_, offset_px, true)), Some(layer)) => layer.offset_px = *offset_px,
                    (Some((mask, _, false)), Some(layer)) => layer.mask = Arc::clone(mask),
                    _ => {}
                }
                let frame = engine.render(&scene, &Cancel::default()).unwrap();
                prop_assert!(worst(&frame.rgba, &uncached(&engine, &scene)) <= 1);
            }
        }
    }
}

/// Twenty faces under a budget that holds few of them: the pictures are the same, and the caches stay below it.
#[test]
fn evicted_faces_come_back_as_they_were() {
    let ids: Vec<FaceId> = (0..20).map(FaceId).collect();
    let mut bounded = engine(DtypeChoice::F32);
    let mut unbounded = engine(DtypeChoice::F32);
    unbounded.set_cache_budget(usize::MAX);
    for (seed, face) in ids.iter().enumerate() {
        for engine in [&mut bounded, &mut unbounded] {
            engine.add_face(*face, &picture(seed as u32 + 1)).unwrap();
        }
    }
    bounded.render(&Scene::face(ids[0]), &Cancel::default()).unwrap();
    let bytes_of_one = bounded.cache_bytes();
    let budget = 3 * bytes_of_one;
    bounded.set_cache_budget(budget);
    let mask = |x: usize| Arc::new(Mask::new(32, (0..32 * 32).map(|i| f32::from(i % 32 < x)).collect()).unwrap());
    let painted = |base: Base, face: FaceId, x: usize| Scene {
        base,
        directions: Vec::new(),
        layers: vec![Layer {
            face,
            mask: mask(x),
            offset_px: (0, 0),
            strength: 1.0,
            feather_px: 0.0,
            directions: Vec::new(),
        }],
    };
    for i in 0..40usize {
        let [a, b, c] = [i % 20, (i * 7 + 1) % 20, (i * 3 + 2) % 20].map(|face| ids[face]);
        let base = match i % 4 {
            0 | 1 => Base::Face(a),
            2 => Base::Interpolation { from: a, to: c, t: 0.3 },
            _ => Base::StyleMix { coarse: a, fine: c },
        };
        let scene = painted(base, b, 4 + i % 25);
        let draw = |engine: &mut Engine| engine.render(&scene, &Cancel::default()).unwrap().rgba;
        assert!(worst(&draw(&mut bounded), &draw(&mut unbounded)) <= 1, "picture {i}");
        let as_it_is = |engine: &mut Engine| engine.draw_face(c, &Cancel::default()).unwrap().rgba;
        assert_eq!(as_it_is(&mut bounded), as_it_is(&mut unbounded), "face {c:?}");
        assert!(bounded.cache_bytes() <= budget + bytes_of_one, "{} bytes after picture {i}", bounded.cache_bytes());
    }
    assert!(unbounded.cache_bytes() >= 20 * bytes_of_one);
    // Even a budget for nothing keeps what the picture in hand needs.
    bounded.set_cache_budget(0);
    let scene = painted(Base::Face(ids[3]), ids[4], 9);
    let draw = |engine: &mut Engine| engine.render(&scene, &Cancel::default()).unwrap().rgba;
    assert!(worst(&draw(&mut bounded), &draw(&mut unbounded)) <= 1);
    assert_eq!(bounded.cache_bytes(), 2 * bytes_of_one);
}

/// The model that we ship, with two portraits.
fn default_engine(previews: PreviewMode) -> Engine {
    let repository = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let checkpoint = Checkpoint::load(&repository.join("weights/default.safetensors")).unwrap();
    let mut engine = Engine::new(checkpoint, DeviceChoice::Cpu, DtypeChoice::F32).unwrap();
    engine.set_previews(previews);
    for (face, name) in FACES.into_iter().zip(["female_053.png", "male_077.png"]) {
        let portrait = photo::load(&repository.join("assets/demo").join(name)).unwrap();
        engine.add_face(face, &portrait).unwrap();
    }
    engine
}

fn one_layer(mask: Mask) -> Scene {
    let layer = Layer {
        face: FACES[1],
        mask: Arc::new(mask),
        offset_px: (0, 0),
        strength: 1.0,
        feather_px: 0.0,
        directions: Vec::new(),
    };
    Scene { layers: vec![layer], ..Scene::face(FACES[0]) }
}

/// Strokes over a face: soft dabs, each a third of its radius from the last, that stay.
fn stroke(radius_px: f32, steps: usize) -> Vec<Scene> {
    const SIDE: usize = 512;
    let mut weights = vec![0f32; SIDE * SIDE];
    let scenes = (0..steps).map(|step| {
        let along = step as f32 * radius_px / 3.0;
        let (center_x, center_y) = (150.0 + along, 230.0 + 0.5 * along);
        for (cell, weight) in weights.iter_mut().enumerate() {
            let (x, y) = ((cell % SIDE) as f32, (cell / SIDE) as f32);
            let distance = (x - center_x).hypot(y - center_y);
            *weight = weight.max(((radius_px - distance) / (0.3 * radius_px)).clamp(0.0, 1.0));
        }
        one_layer(Mask::new(SIDE, weights.clone()).unwrap())
    });
    scenes.collect()
}

/// Every step of a stroke by previews alone, from one exact frame on: how far they go from the exact pictures, and that what
/// follows them is exact.
#[test]
fn previews_differ_from_exact_frames_by_what_nobody_sees() {
    let never = Cancel::default();
    for (radius_px, steps) in [(12.0, 24), (40.0, 12), (90.0, 6)] {
        let (mut previewing, mut exact) = (default_engine(PreviewMode::Always), default_engine(PreviewMode::Never));
        let scenes = stroke(radius_px, steps);
        assert!(previewing.preview(&scenes[0], &never).unwrap().is_none(), "there is nothing to go on from");
        previewing.render(&scenes[0], &never).unwrap();
        let (mut drawn, mut most, mut mean) = (0, 0, 0f64);
        for scene in &scenes[1..] {
            let expected = exact.render(scene, &never).unwrap().rgba;
            let Some(preview) = previewing.preview(scene, &never).unwrap() else {
                previewing.render(scene, &never).unwrap();
                continue;
            };
            drawn += 1;
            most = most.max(worst(&preview.rgba, &expected));
            let apart = preview.rgba.iter().zip(&expected).map(|(a, b)| f64::from(a.abs_diff(*b)));
            mean = mean.max(apart.sum::<f64>() / expected.len() as f64);
        }
        println!(
            "radius {radius_px}: {drawn} previews of {steps} steps, at most {most} of 255 apart, {mean:.3} on average"
        );
        assert!(drawn > 0 && most <= 6 && mean < 0.5, "radius {radius_px}: {drawn} previews, {most}, {mean}");
        let (last, expected) = (scenes.last().unwrap(), exact.render(scenes.last().unwrap(), &never).unwrap());
        assert!(worst(&previewing.render(last, &never).unwrap().rgba, &expected.rgba) <= 1);
    }
}

/// What a preview cannot know of, or what is not worth one, is left to the exact frame.
#[test]
fn previews_are_drawn_of_strokes_only() {
    let never = Cancel::default();
    let mut engine = default_engine(PreviewMode::Always);
    let scenes = stroke(40.0, 4);
    engine.render(&Scene::face(FACES[0]), &never).unwrap();
    assert!(engine.preview(&scenes[0], &never).unwrap().is_none(), "the first layer brings another face");
    engine.render(&scenes[0], &never).unwrap();
    assert!(engine.preview(&scenes[1], &never).unwrap().is_some());
    // The fine codes alone change: nothing below the fine levels tells of it.
    let mix = Scene { base: Base::StyleMix { coarse: FACES[0], fine: FACES[1] }, ..scenes[1].clone() };
    assert!(engine.preview(&mix, &never).unwrap().is_none());
    engine.render(&mix, &never).unwrap();
    assert!(engine.preview(&one_layer(Mask::constant(512, 1.0)), &never).unwrap().is_none(), "all of it changes");
    engine.remove_face(FACES[2]);
    assert!(engine.preview(&scenes[2], &never).unwrap().is_none(), "the caches are gone");
    // Where frames are fast there are none.
    engine.set_previews(PreviewMode::Never);
    engine.render(&scenes[2], &never).unwrap();
    assert!(engine.preview(&scenes[3], &never).unwrap().is_none());
}

/// An exact frame that a newer request stopped has mixed already what the next preview must still draw.
#[test]
fn a_frame_that_was_stopped_leaves_nothing_out() {
    let never = Cancel::default();
    let (mut engine, mut exact) = (default_engine(PreviewMode::Always), default_engine(PreviewMode::Never));
    let scenes = stroke(40.0, 4);
    engine.render(&scenes[0], &never).unwrap();
    let stopped = Cancel::default();
    std::thread::scope(|scope| {
        // At whatever point of the frame it comes.
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(8));
            stopped.cancel();
        });
        let _ = engine.render(&scenes[2], &stopped);
    });
    let preview = engine.preview(&scenes[2], &never).unwrap();
    let expected = exact.render(&scenes[2], &never).unwrap();
    if let Some(preview) = preview {
        let apart = worst(&preview.rgba, &expected.rgba);
        assert!(apart <= 6, "{apart}");
    }
}

#[test]
fn half_precision_draws_nearly_the_same_picture() {
    let mask = Arc::new(Mask::constant(32, 0.5));
    let layer =
        Layer { face: FACES[1], mask, offset_px: (3, 0), strength: 1.0, feather_px: 0.0, directions: Vec::new() };
    let scene = Scene { layers: vec![layer], ..Scene::face(FACES[0]) };
    let exact = engine(DtypeChoice::F32).render(&scene, &Cancel::default()).unwrap();
    for dtype in [DtypeChoice::F16, DtypeChoice::BF16] {
        let mut engine = engine(dtype);
        let frame = engine.render(&scene, &Cancel::default()).unwrap();
        let mean = frame.rgba.iter().zip(&exact.rgba).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>()
            / frame.rgba.len() as f64;
        assert!(mean < 4.0, "{dtype:?} differs by {mean} on average");
        assert!(worst(&frame.rgba, &uncached(&engine, &scene)) <= 8, "{dtype:?} differs from its own uncached form");
    }
}

#[test]
fn a_direction_moves_the_base_or_only_what_a_layer_shows() {
    let mut engine = engine(DtypeChoice::F32);
    let mut draw = |scene: &Scene| engine.render(scene, &Cancel::default()).unwrap().rgba;
    let step = |amount| vec![DirectionStep { index: 1, amount, mask: None }];
    let top = Mask::new(4, (0..16).map(|cell| f32::from(cell < 4)).collect()).unwrap();
    // The layer's face is the base itself: only its steps show.
    let layer = |directions| Layer {
        face: FACES[0],
        mask: Arc::new(top.clone()),
        offset_px: (0, 0),
        strength: 1.0,
        feather_px: 0.0,
        directions,
    };
    let face = Scene::face(FACES[0]);
    let plain = draw(&face);
    let moved = draw(&Scene { directions: step(3.0), ..face.clone() });
    let inside = draw(&Scene { layers: vec![layer(step(3.0))], ..face.clone() });
    assert_eq!(draw(&Scene { layers: vec![layer(step(0.0))], ..face.clone() }), plain);
    let apart = |a: &[u8], b: &[u8], rows: std::ops::Range<usize>| {
        let row = 32 * 4;
        let (a, b) = (&a[rows.start * row..rows.end * row], &b[rows.start * row..rows.end * row]);
        a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
    };
    let (above, below) = (apart(&inside, &plain, 0..8), apart(&inside, &plain, 20..32));
    assert!(apart(&moved, &plain, 20..32) > 4.0, "the base did not move");
    // Layer norm ties every pixel to the whole picture: below it is little, not nothing.
    assert!(above > 4.0 && below < above / 2.0, "{above} inside, {below} outside");
    let err = engine.render(
        &Scene { directions: vec![DirectionStep { index: 9, amount: 1.0, mask: None }], ..face },
        &Cancel::default(),
    );
    assert!(err.unwrap_err().to_string().contains("no direction 9"));
}

#[test]
fn a_scene_with_an_unknown_face_is_an_error() {
    let err = engine(DtypeChoice::F32).render(&Scene::face(FaceId(99)), &Cancel::default()).unwrap_err();
    assert!(err.to_string().contains("not open"), "{err}");
}

#[test]
fn cancelled_work_ends_as_cancelled() {
    let cancel = Cancel::default();
    cancel.cancel();
    let err = engine(DtypeChoice::F32).render(&Scene::face(FACES[0]), &cancel).unwrap_err();
    assert!(matches!(err, stylemap::Error::Cancelled), "{err}");
}

fn spawn(delay: Duration) -> (EngineHandle, mpsc::Receiver<Event>) {
    let (sender, events) = mpsc::channel();
    let options = WorkerOptions { artificial_delay: delay };
    let load = || Engine::new(Checkpoint::random(config(), 7)?, DeviceChoice::Cpu, DtypeChoice::F32);
    let handle = EngineHandle::spawn(load, options, move |event| {
        let _ = sender.send(event);
    });
    (handle.unwrap(), events)
}

#[test]
fn the_latest_request_wins_and_no_frame_goes_back() {
    let (handle, events) = spawn(Duration::from_millis(30));
    handle.add_face(FACES[0], Arc::new(picture(1)));
    handle.add_face(FACES[1], Arc::new(picture(2)));
    let mut last = 0;
    for i in 0..50 {
        let t = i as f32 / 50.0;
        let base = Base::Interpolation { from: FACES[0], to: FACES[1], t };
        last = handle.render(Scene { base, directions: Vec::new(), layers: Vec::new() });
    }
    let mut frames = Vec::new();
    while frames.last() != Some(&last) {
        match events.recv_timeout(Duration::from_secs(60)).expect("a frame within a minute") {
            Event::Frame(frame) => frames.push(frame.number),
            Event::Ready(_) | Event::FaceReady(_) => {}
            event => panic!("unexpected {event:?}"),
        }
    }
    assert!(frames.is_sorted());
    assert!(frames.len() <= 3, "requests queued up: {frames:?}");
}

/// A preview comes first, under an odd number, and the exact frame after it; while one is asked for after the other, only previews.
#[test]
fn the_exact_frame_follows_its_preview_unless_something_newer_is_asked_for() {
    let (sender, events) = mpsc::channel();
    let load = || Ok(default_engine(PreviewMode::Always));
    let handle = EngineHandle::spawn(load, WorkerOptions::default(), move |event| {
        let _ = sender.send(event);
    })
    .unwrap();
    let next = || loop {
        match events.recv_timeout(Duration::from_secs(60)).expect("a frame within a minute") {
            Event::Frame(frame) => break frame,
            Event::Ready(_) => {}
            event => panic!("unexpected {event:?}"),
        }
    };
    let scenes = stroke(20.0, 12);
    let first = handle.render(scenes[0].clone());
    assert_eq!(next().number, first, "nothing to go on from: exact at once");
    let second = handle.render(scenes[1].clone());
    let (preview, exact) = (next(), next());
    assert_eq!((preview.number, exact.number), (second - 1, second));
    assert_eq!(preview.request(), exact.request());
    assert!(exact.is_exact() && !preview.is_exact());
    assert!(worst(&preview.rgba, &exact.rgba) <= 6);
    let mut last = 0;
    for scene in &scenes[2..] {
        std::thread::sleep(Duration::from_millis(2));
        last = handle.render(scene.clone());
    }
    let mut numbers = vec![next().number];
    while numbers.last() != Some(&last) {
        numbers.push(next().number);
    }
    assert!(numbers.is_sorted(), "{numbers:?}");
    let exact = numbers.iter().filter(|number| number.is_multiple_of(2)).count();
    assert!(exact < numbers.len(), "no preview among {numbers:?}");
}

#[test]
fn asking_never_waits_for_the_network() {
    let (handle, events) = spawn(Duration::from_millis(400));
    handle.add_face(FACES[0], Arc::new(picture(1)));
    handle.render(Scene::face(FACES[0]));
    while !matches!(events.recv_timeout(Duration::from_secs(60)).unwrap(), Event::FaceReady(_)) {}
    // The engine now sleeps in the hook. Hundreds of requests return before one frame does.
    let numbers: Vec<_> = (0..500).map(|_| handle.render(Scene::face(FACES[0]))).collect();
    assert!(events.try_recv().is_err(), "a frame came while asking: the hook does not delay");
    assert!(numbers.is_sorted());
}

#[test]
fn failures_are_events_and_the_engine_goes_on() {
    let (handle, events) = spawn(Duration::ZERO);
    handle.render(Scene::face(FaceId(5)));
    handle.add_stylemap(FACES[0], vec![0.0; 3]);
    handle.add_face(FACES[1], Arc::new(picture(1)));
    let (mut frame_failed, mut face_failed, mut ready) = (false, false, false);
    while !(frame_failed && face_failed && ready) {
        match events.recv_timeout(Duration::from_secs(60)).expect("an event within a minute") {
            Event::FrameFailed(..) => frame_failed = true,
            Event::FaceFailed(face, _) => face_failed = face == FACES[0],
            Event::FaceReady(face) => ready = face == FACES[1],
            _ => {}
        }
    }
}

#[test]
fn a_model_that_does_not_load_is_one_event() {
    let (sender, events) = mpsc::channel();
    let load = || Err(stylemap::Error::argument("no model"));
    let _handle = EngineHandle::spawn(load, WorkerOptions::default(), move |event| {
        let _ = sender.send(event);
    });
    assert!(matches!(events.recv_timeout(Duration::from_secs(60)), Ok(Event::LoadFailed(_))));
}
