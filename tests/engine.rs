//! The engine's caches against the plain edits: the same pictures, whatever is painted, moved and mixed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use candle_core::{Device, Tensor};
use image::{Rgb, RgbImage};
use proptest::prelude::*;
use stylemap::agreement::{gray, residuals_kept};
use stylemap::checkpoint::Checkpoint;
use stylemap::colours::ColourMatch;
use stylemap::config::{Config, FineEncoderConfig};
use stylemap::directions::{Directions, LIST_KEY};
use stylemap::edit::{self, COARSE_LEVELS, Reference};
use stylemap::engine::{
    AlongRequest, Base, Cancel, DirectionStep, Engine, EngineHandle, Event, FaceId, Frame, FrameKind, Layer,
    LayerStyle, PreviewMode, Scene, WorkerOptions,
};
use stylemap::latent::{Latent, Residuals, residual_share};
use stylemap::mask::{Pooling, shift_at_level};
use stylemap::model::{DeviceChoice, DtypeChoice};
use stylemap::refine::{RefineOptions, Refinement};
use stylemap::settle::{self, Shown};
use stylemap::{Mask, photo};

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
        fine_encoder: Some(FineEncoderConfig { top_width: 5, mid_width: 6, passes: 2 }),
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

/// A face's stylemap, its residuals, and how much of them it shows.
type Part = (Tensor, Option<Residuals>, f32);

/// The style codes of a face, or of what lies between two, by plain functions.
fn codes_of(engine: &Engine, parts: &[Part], stylemap: &Tensor, steps: &[DirectionStep]) -> Vec<Tensor> {
    let model = engine.model();
    let moved = steps.iter().fold(stylemap.clone(), |stylemap, step| {
        let direction = model.direction(step.index).unwrap();
        edit::step(&stylemap, &direction, f64::from(step.amount), step.mask.as_deref()).unwrap()
    });
    let mut codes = model.generator.style_codes(&moved).unwrap();
    let is_moved = steps.iter().any(|step| step.amount != 0.0);
    for (_, residuals, share) in parts {
        add_residuals(engine, &mut codes, residuals.as_ref(), *share, is_moved.then_some(stylemap));
    }
    codes
}

/// Adds so much of residuals, where the picture still shows the structure of the stylemap `before`, if one is given.
fn add_residuals(
    engine: &Engine,
    codes: &mut [Tensor],
    residuals: Option<&Residuals>,
    share: f32,
    before: Option<&Tensor>,
) {
    let model = engine.model();
    let Some(residuals) = residuals.filter(|_| share != 0.0) else { return };
    let gray_of = |picture: Tensor| {
        let values = picture.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let plane = values.len() / 3;
        (0..plane).map(|i| gray([0, 1, 2].map(|c| values[c * plane + i] * 127.5 + 127.5))).collect::<Vec<_>>()
    };
    let kept = before.map_or_else(
        || vec![1.0; 32 * 32],
        |before| {
            let before = gray_of(model.generator.decode(before).unwrap());
            residuals_kept(&before, &gray_of(model.generator.decode_codes(codes).unwrap()), 32)
        },
    );
    let kept = Tensor::from_vec(kept, (1, 1, 32, 32), &Device::Cpu).unwrap();
    let placed = model.place_residuals(residuals, f64::from(share)).unwrap();
    for (index, residual) in model.config.fine_codes().zip(placed) {
        let cell = 32 / residual.dim(3).unwrap();
        let kept = kept.avg_pool2d(cell).unwrap();
        codes[index] = (&codes[index] + residual.broadcast_mul(&kept).unwrap()).unwrap();
    }
}

/// The coarsest levels of these codes, and the rest of a stylemap's that is moved along these steps, with the residuals that it
/// showed where it still looks the same.
fn style_mixed(
    engine: &Engine,
    coarse: &[Tensor],
    parts: &[Part],
    stylemap: &Tensor,
    steps: &[DirectionStep],
    coarse_levels: usize,
) -> Vec<Tensor> {
    let model = engine.model();
    let count = model.config.code_count();
    if coarse_levels == 0 || 2 * coarse_levels >= count {
        return edit::style_mix(coarse, &codes_of(engine, parts, stylemap, steps), coarse_levels);
    }
    let mut mixed = edit::style_mix(coarse, &codes_of(engine, &[], stylemap, steps), coarse_levels);
    let given = mixed.clone();
    for (_, residuals, share) in parts {
        add_residuals(engine, &mut mixed, residuals.as_ref(), *share, Some(stylemap));
    }
    // Codes from elsewhere stay as they came.
    given.into_iter().take(2 * coarse_levels).chain(mixed.into_iter().skip(2 * coarse_levels)).collect()
}

/// The face as a scene takes it: its stylemap, its residuals, and how much of them it shows.
fn face_of(engine: &Engine, scene: &Scene, face: FaceId, match_colours: f32) -> Part {
    let likeness = scene.likeness_of(face);
    if match_colours > 0.0 && face != scene.colours_of() {
        let of = |face: FaceId| picture(u32::try_from(face.0).unwrap());
        let (reference, target) = (of(face), of(scene.colours_of()));
        let amount = (match_colours * 1000.0).round() / 1000.0;
        let matched = ColourMatch::new(&reference, &target, amount).apply(&reference);
        let image = photo::to_tensor(&matched, 32).unwrap();
        let (stylemap, residuals) = engine.model().encode(&image, &Cancel::default()).unwrap();
        return (stylemap, residuals, likeness);
    }
    (engine.stylemap(face).unwrap().clone(), engine.latent(face).unwrap().residuals.clone(), likeness)
}

/// The scene by the plain functions of `stylemap`, nothing cached: as a moving brush shows it, and as it stays.
fn uncached(engine: &Engine, scene: &Scene) -> (Vec<u8>, Vec<u8>) {
    let model = engine.model();
    let generator = &model.generator;
    let of_face = |face: FaceId, match_colours: f32, steps: &[DirectionStep]| {
        let part = face_of(engine, scene, face, match_colours);
        codes_of(engine, std::slice::from_ref(&part), &part.0, steps)
    };
    // Where the base's chain starts, if it has a stylemap: the parts of its residuals.
    let mut base_start: Option<(Vec<Part>, Tensor)> = None;
    let (base, base_likeness) = match scene.base {
        Base::Face(face) => {
            let part = face_of(engine, scene, face, 0.0);
            base_start = Some((vec![part.clone()], part.0));
            (of_face(face, 0.0, &scene.directions), scene.likeness_of(face))
        }
        Base::Interpolation { from, to, t } => {
            let likeness = (1.0 - t) * scene.likeness_of(from) + t * scene.likeness_of(to);
            let [mut from, mut to] = [from, to].map(|face| face_of(engine, scene, face, 0.0));
            (from.2, to.2) = (from.2 * residual_share(t), to.2 * residual_share(1.0 - t));
            let between = edit::interpolate(&from.0, &to.0, f64::from(t)).unwrap();
            base_start = Some((vec![from.clone(), to.clone()], between.clone()));
            (codes_of(engine, &[from, to], &between, &scene.directions), likeness)
        }
        Base::Corners { faces, at } => {
            let shares = Base::corner_shares(at);
            let parts = faces.map(|face| face_of(engine, scene, face, 0.0));
            let stylemap = edit::mix(parts.iter().map(|part| &part.0).zip(shares.map(f64::from))).unwrap();
            let likeness = faces.iter().zip(shares).map(|(face, share)| share * scene.likeness_of(*face)).sum();
            // A face in two corners counts as one.
            let mut distinct: Vec<_> = faces.into_iter().zip(parts).zip(shares).collect();
            distinct.sort_by_key(|((face, _), _)| *face);
            let merged = distinct.chunk_by(|((a, _), _), ((b, _), _)| a == b).map(|same| {
                let share: f32 = same.iter().map(|(_, share)| share).sum();
                let mut part = same[0].0.1.clone();
                part.2 *= residual_share(1.0 - share);
                part
            });
            let merged: Vec<_> = merged.collect();
            base_start = Some((merged.clone(), stylemap.clone()));
            (codes_of(engine, &merged, &stylemap, &scene.directions), likeness)
        }
        Base::StyleMix { coarse, fine, coarse_levels } => {
            let coarse = of_face(coarse, 0.0, &scene.directions);
            let part = face_of(engine, scene, fine, 0.0);
            (
                style_mixed(engine, &coarse, std::slice::from_ref(&part), &part.0, &scene.directions, coarse_levels),
                part.2,
            )
        }
    };
    let layers: Vec<_> = scene.layers.iter().filter(|layer| layer.strength > 0.0 && !layer.mask.is_empty()).collect();
    let all: Vec<_> = layers
        .iter()
        .map(|layer| {
            let whole = || of_face(layer.face, layer.match_colours, &layer.directions);
            let codes = match layer.style {
                LayerStyle::Whole => whole(),
                LayerStyle::Fine(levels) => {
                    let part = face_of(engine, scene, layer.face, layer.match_colours);
                    style_mixed(engine, &base, std::slice::from_ref(&part), &part.0, &layer.directions, levels)
                }
                LayerStyle::Coarse(levels) => match &base_start {
                    Some((parts, stylemap)) => {
                        style_mixed(engine, &whole(), parts, stylemap, &scene.directions, levels)
                    }
                    None => edit::style_mix(&whole(), &base, levels),
                },
            };
            (codes, layer.mask.feathered(layer.feather_px))
        })
        .collect();
    let references: Vec<_> = layers
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
    let mixed = edit::mix_codes(&base, &references).unwrap();
    let image = generator.decode_codes(&mixed).unwrap();
    let moving = photo::to_rgba(&image).unwrap();
    // Of a mix of styles it is that of the face that gives the fine codes.
    let likeness_of = |layer: &&Layer| match layer.style {
        LayerStyle::Coarse(_) => base_likeness,
        LayerStyle::Whole | LayerStyle::Fine(_) => scene.likeness_of(layer.face),
    };
    let likenesses: Vec<_> = std::iter::once(base_likeness).chain(layers.iter().map(likeness_of)).collect();
    let (Some(fine_encoder), false) = (&model.fine_encoder, layers.is_empty() || likenesses.iter().all(|l| *l == 0.0))
    else {
        return (moving.clone(), moving);
    };
    let mut weights = vec![vec![1f32; 32 * 32]];
    let mut shifts = vec![(0, 0)];
    for reference in &references {
        let [dx, dy] = [reference.offset_px.0, reference.offset_px.1]
            .map(|offset_px| shift_at_level(offset_px, 32, reference.mask.size_px()));
        let mask = reference.mask.at_level(32, Pooling::Soft).shifted(dx, dy);
        let mask: Vec<f32> = mask.weights().iter().map(|weight| weight * reference.strength).collect();
        weights.iter_mut().for_each(|below| below.iter_mut().zip(&mask).for_each(|(below, mask)| *below *= 1.0 - mask));
        weights.push(mask);
        shifts.push((dx, dy));
    }
    let pictures: Vec<_> = std::iter::once(&base)
        .chain(all.iter().map(|(codes, _)| codes))
        .map(|codes| generator.decode_codes(codes).unwrap())
        .collect();
    let shown: Vec<_> = (0..pictures.len())
        .map(|i| Shown { picture: &pictures[i], weights: &weights[i], shift_px: shifts[i], likeness: likenesses[i] })
        .collect();
    let fine = model.config.fine_codes();
    let residuals = settle::residuals(fine_encoder, &mixed[fine.clone()], &image, &shown).unwrap();
    let mut settled = mixed;
    for (index, residual) in fine.zip(residuals) {
        settled[index] = (&settled[index] + residual).unwrap();
    }
    (moving, photo::to_rgba(&generator.decode_codes(&settled).unwrap()).unwrap())
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
    let match_colours = prop::sample::select(vec![0.0f32, 0.0, 0.5, 1.0]);
    let strength = prop_oneof![Just(1.0f32), 0.0f32..=1.0];
    let style = prop_oneof![
        3 => Just(LayerStyle::Whole),
        1 => (0usize..6).prop_map(LayerStyle::Coarse),
        1 => (0usize..6).prop_map(LayerStyle::Fine),
    ];
    let face = prop::sample::select(FACES.to_vec());
    let layer = (face, any_mask(), offset, strength, feather, any_directions(), (match_colours, style));
    layer.prop_map(|(face, mask, offset_px, strength, feather_px, directions, (match_colours, style))| Layer {
        face,
        mask,
        offset_px,
        strength,
        feather_px,
        match_colours,
        style,
        directions,
    })
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
        any_corners(),
        (0usize..6).prop_map(|coarse_levels| Base::StyleMix { coarse: FACES[1], fine: FACES[2], coarse_levels }),
    ]
}

fn any_corners() -> impl Strategy<Value = Base> {
    let faces = prop::sample::select(vec![[0, 1, 2, 0], [2, 1, 0, 1], [1, 1, 2, 2]]);
    let along = prop::sample::select(vec![0.0f32, 0.2, 0.5, 0.85, 1.0]);
    (faces, along.clone(), along)
        .prop_map(|(faces, x, y)| Base::Corners { faces: faces.map(|index| FACES[index]), at: [x, y] })
}

fn any_scene() -> impl Strategy<Value = Scene> {
    let likeness = prop::sample::select(vec![1.0f32, 1.0, 0.6, 0.0]);
    let likeness = prop::collection::vec(likeness, FACES.len());
    (any_base(), any_directions(), prop::collection::vec(any_layer(), 0..4), likeness).prop_map(
        |(base, directions, layers, likeness)| {
            let likeness = FACES.into_iter().zip(likeness).filter(|(_, likeness)| *likeness < 1.0).collect();
            Scene { base, directions, layers, likeness }
        },
    )
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
            for (is_fresh, change) in std::iter::once((true, None)).chain(changes.iter().map(|change| (false, Some(change)))) {
                match (change, scene.layers.last_mut()) {
                    (Some((_, offset_px, true)), Some(layer)) => layer.offset_px = *offset_px,
                    (Some((mask, _, false)), Some(layer)) => layer.mask = Arc::clone(mask),
                    _ => {}
                }
                let (moving, settled) = uncached(&engine, &scene);
                if is_fresh {
                    let frame = engine.render_moving(&scene, &Cancel::default()).unwrap();
                    prop_assert!(worst(&frame.rgba, &moving) <= 1, "moving");
                    prop_assert!(frame.kind == FrameKind::Moving || moving == settled);
                }
                let frame = engine.render(&scene).unwrap();
                prop_assert!(worst(&frame.rgba, &settled) <= 1, "settled");
                prop_assert_eq!(frame.kind, FrameKind::Final);
            }
        }
    }
}

/// What is settled stays under a brush that goes on elsewhere, and is settled anew from nothing but the scene.
#[test]
fn a_settled_picture_stays_while_the_brush_goes_on() {
    let never = Cancel::default();
    let mut engine = default_engine(PreviewMode::Never);
    let scenes = stroke(40.0, 6);
    let moving = engine.render_moving(&scenes[0], &never).unwrap();
    let settled = engine.render(&scenes[0]).unwrap();
    assert_eq!((moving.kind, settled.kind), (FrameKind::Moving, FrameKind::Final));
    let apart =
        |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64;
    let change = apart(&moving.rgba, &settled.rgba);
    assert!(change > 0.05, "nothing settled: {change}");
    assert!(engine.render_moving(&scenes[0], &never).unwrap().rgba == settled.rgba);
    // Far from the new dab the moving picture is the settled one, nearly: layer norm ties them.
    let next = engine.render_moving(&scenes[1], &never).unwrap();
    let unsettled = default_engine(PreviewMode::Never).render_moving(&scenes[1], &never).unwrap();
    let right = |frame: &[u8]| frame.chunks(128 * 4).flat_map(|row| row[90 * 4..].to_vec()).collect::<Vec<u8>>();
    let (kept, lost) =
        (apart(&right(&next.rgba), &right(&settled.rgba)), apart(&right(&unsettled.rgba), &right(&settled.rgba)));
    assert!(kept <= lost, "{kept} and {lost}");
    let expected = default_engine(PreviewMode::Never).render(&scenes[5]).unwrap();
    assert!(worst(&engine.render(&scenes[5]).unwrap().rgba, &expected.rgba) <= 1);
}

/// A face that comes back from a file is the same picture, to the last bit.
#[test]
fn a_latent_is_the_face() {
    let (mut first, mut second) = (engine(DtypeChoice::F32), engine(DtypeChoice::F32));
    let latent = first.latent(FACES[0]).unwrap().clone();
    assert!(latent.residuals.is_some());
    second.remove_face(FACES[0]);
    second.add_latent(FACES[0], latent, Some(&picture(1))).unwrap();
    let scene = one_layer(Mask::constant(8, 0.5));
    let scene = Scene { layers: vec![Layer { match_colours: 1.0, ..scene.layers[0].clone() }], ..scene };
    assert!(first.render(&scene).unwrap().rgba == second.render(&scene).unwrap().rgba);
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
    bounded.render(&Scene::face(ids[0])).unwrap();
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
            match_colours: 0.0,
            style: LayerStyle::Whole,
            directions: Vec::new(),
        }],
        likeness: BTreeMap::new(),
    };
    for i in 0..40usize {
        let [a, b, c] = [i % 20, (i * 7 + 1) % 20, (i * 3 + 2) % 20].map(|face| ids[face]);
        let base = match i % 4 {
            0 | 1 => Base::Face(a),
            2 => Base::Interpolation { from: a, to: c, t: 0.3 },
            _ => Base::StyleMix { coarse: a, fine: c, coarse_levels: COARSE_LEVELS },
        };
        let scene = painted(base, b, 4 + i % 25);
        let draw = |engine: &mut Engine| engine.render(&scene).unwrap().rgba;
        assert!(worst(&draw(&mut bounded), &draw(&mut unbounded)) <= 1, "picture {i}");
        let as_it_is = |engine: &mut Engine| engine.render(&Scene::face(c)).unwrap().rgba;
        assert_eq!(as_it_is(&mut bounded), as_it_is(&mut unbounded), "face {c:?}");
        assert!(bounded.cache_bytes() <= budget + bytes_of_one, "{} bytes after picture {i}", bounded.cache_bytes());
    }
    assert!(unbounded.cache_bytes() >= 20 * bytes_of_one);
    // Even a budget for nothing keeps what the picture in hand needs.
    bounded.set_cache_budget(0);
    let scene = painted(Base::Face(ids[3]), ids[4], 9);
    let draw = |engine: &mut Engine| engine.render(&scene).unwrap().rgba;
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
        let portrait = photo::load(repository.join("tests/fixtures/portraits").join(name)).unwrap();
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
        match_colours: 0.0,
        style: LayerStyle::Whole,
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
        previewing.render_moving(&scenes[0], &never).unwrap();
        let (mut drawn, mut most, mut mean) = (0, 0, 0f64);
        for scene in &scenes[1..] {
            let expected = exact.render_moving(scene, &never).unwrap().rgba;
            let Some(preview) = previewing.preview(scene, &never).unwrap() else {
                previewing.render_moving(scene, &never).unwrap();
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
        let (last, expected) = (scenes.last().unwrap(), exact.render_moving(scenes.last().unwrap(), &never).unwrap());
        assert!(worst(&previewing.render_moving(last, &never).unwrap().rgba, &expected.rgba) <= 1);
    }
}

/// What a preview cannot know of, or what is not worth one, is left to the exact frame.
#[test]
fn previews_are_drawn_of_strokes_only() {
    let never = Cancel::default();
    let mut engine = default_engine(PreviewMode::Always);
    let scenes = stroke(40.0, 4);
    engine.render_moving(&Scene::face(FACES[0]), &never).unwrap();
    assert!(engine.preview(&scenes[0], &never).unwrap().is_none(), "the first layer brings another face");
    engine.render_moving(&scenes[0], &never).unwrap();
    assert!(engine.preview(&scenes[1], &never).unwrap().is_some());
    // The fine codes alone change: nothing below the fine levels tells of it.
    let mix = Scene {
        base: Base::StyleMix { coarse: FACES[0], fine: FACES[1], coarse_levels: COARSE_LEVELS },
        ..scenes[1].clone()
    };
    assert!(engine.preview(&mix, &never).unwrap().is_none());
    engine.render_moving(&mix, &never).unwrap();
    assert!(engine.preview(&one_layer(Mask::constant(512, 1.0)), &never).unwrap().is_none(), "all of it changes");
    engine.remove_face(FACES[2]);
    assert!(engine.preview(&scenes[2], &never).unwrap().is_none(), "the caches are gone");
    // Where frames are fast there are none.
    engine.set_previews(PreviewMode::Never);
    engine.render_moving(&scenes[2], &never).unwrap();
    assert!(engine.preview(&scenes[3], &never).unwrap().is_none());
}

/// An exact frame that a newer request stopped has mixed already what the next preview must still draw.
#[test]
fn a_frame_that_was_stopped_leaves_nothing_out() {
    let never = Cancel::default();
    let (mut engine, mut exact) = (default_engine(PreviewMode::Always), default_engine(PreviewMode::Never));
    let scenes = stroke(40.0, 4);
    engine.render_moving(&scenes[0], &never).unwrap();
    let stopped = Cancel::default();
    std::thread::scope(|scope| {
        // At whatever point of the frame it comes.
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(8));
            stopped.cancel();
        });
        let _ = engine.render_moving(&scenes[2], &stopped);
    });
    let preview = engine.preview(&scenes[2], &never).unwrap();
    let expected = exact.render_moving(&scenes[2], &never).unwrap();
    if let Some(preview) = preview {
        let apart = worst(&preview.rgba, &expected.rgba);
        assert!(apart <= 6, "{apart}");
    }
}

#[test]
fn half_precision_draws_nearly_the_same_picture() {
    let mask = Arc::new(Mask::constant(32, 0.5));
    let layer = Layer { mask, offset_px: (3, 0), ..one_layer(Mask::constant(1, 1.0)).layers[0].clone() };
    let scene = Scene { layers: vec![layer], ..Scene::face(FACES[0]) };
    let exact = engine(DtypeChoice::F32).render(&scene).unwrap();
    for dtype in [DtypeChoice::F16, DtypeChoice::BF16] {
        let mut engine = engine(dtype);
        let frame = engine.render(&scene).unwrap();
        let mean = frame.rgba.iter().zip(&exact.rgba).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>()
            / frame.rgba.len() as f64;
        assert!(mean < 4.0, "{dtype:?} differs by {mean} on average");
        assert!(worst(&frame.rgba, &uncached(&engine, &scene).1) <= 8, "{dtype:?} differs from its own uncached form");
    }
}

#[test]
fn a_direction_moves_the_base_or_only_what_a_layer_shows() {
    let mut engine = engine(DtypeChoice::F32);
    // A network of random weights settles a picture that needs nothing, too.
    let mut draw = |scene: &Scene| engine.render_moving(scene, &Cancel::default()).unwrap().rgba;
    let step = |amount| vec![DirectionStep { index: 1, amount, mask: None }];
    let top = Mask::new(4, (0..16).map(|cell| f32::from(cell < 4)).collect()).unwrap();
    // The layer's face is the base itself: only its steps show.
    let layer = |directions| Layer {
        face: FACES[0],
        mask: Arc::new(top.clone()),
        offset_px: (0, 0),
        strength: 1.0,
        feather_px: 0.0,
        style: LayerStyle::Whole,
        match_colours: 0.0,
        directions,
    };
    let face = Scene::face(FACES[0]);
    let plain = draw(&face);
    let moved = draw(&Scene { directions: step(3.0), ..face.clone() });
    let inside = draw(&Scene { layers: vec![layer(step(3.0))], ..face.clone() });
    assert!(draw(&Scene { layers: vec![layer(step(0.0))], ..face.clone() }) == plain);
    let apart = |a: &[u8], b: &[u8], rows: std::ops::Range<usize>| {
        let row = 32 * 4;
        let (a, b) = (&a[rows.start * row..rows.end * row], &b[rows.start * row..rows.end * row]);
        a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
    };
    let (above, below) = (apart(&inside, &plain, 0..8), apart(&inside, &plain, 20..32));
    assert!(apart(&moved, &plain, 20..32) > 4.0, "the base did not move");
    // Layer norm ties every pixel to the whole picture: below it is little, not nothing.
    assert!(above > 4.0 && below < above / 2.0, "{above} inside, {below} outside");
    let err = engine.render(&face.with_direction(DirectionStep::new(9, 1.0)));
    assert!(err.unwrap_err().to_string().contains("no direction 9"));
}

/// What the engine draws beside a scene says the same as a scene, and what changes among its directions leaves nothing stale.
#[test]
fn directions_come_and_go_and_faces_are_drawn_along_new_ones() {
    let never = Cancel::default();
    let mut engine = engine(DtypeChoice::F32);
    let count = engine.info().directions.len();
    let mut other = engine.model().directions().get(0).unwrap().clone();
    other.info.name = "Other".to_owned();
    other.step = (other.step * -2.0).unwrap();
    let along = |amount| AlongRequest { number: 0, face: FACES[0], direction: other.clone(), amount };
    let scene = |index| Scene::face(FACES[0]).with_direction(DirectionStep::new(index, 1.5));
    let first = engine.render(&scene(0)).unwrap().rgba;
    let drawn = engine.draw_along(&along(1.5), &never).unwrap().rgba;
    assert_eq!(engine.info().directions.len(), count, "it is not one of the model's");
    assert_eq!(
        engine.draw_along(&along(0.0), &never).unwrap().rgba,
        engine.render(&Scene::face(FACES[0])).unwrap().rgba
    );
    // Once it is, the same picture comes of it.
    assert_eq!(engine.add_direction(other.clone()).unwrap().directions.len(), count + 1);
    assert_eq!(engine.render(&scene(count)).unwrap().rgba, drawn);
    // Another one in its place: nothing of the one before is shown.
    let mut again = other.clone();
    again.step = engine.model().directions().get(0).unwrap().step.clone();
    assert_eq!(engine.add_direction(again).unwrap().directions.len(), count + 1);
    assert_eq!(engine.render(&scene(count)).unwrap().rgba, first);
    assert_eq!(engine.remove_direction("Other").directions.len(), count);
    assert!(engine.render(&scene(count)).is_err());
    assert_eq!(engine.render(&scene(0)).unwrap().rgba, first);
    let mut wrong = other;
    wrong.step = Tensor::zeros((1, 2, 2, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
    assert!(engine.add_direction(wrong).unwrap_err().to_string().contains("another model"));
    // The base of a scene beside it.
    let painted = Scene::of(Base::StyleMix { coarse: FACES[1], fine: FACES[0], coarse_levels: 2 })
        .with(Layer::new(FACES[2], Mask::constant(32, 1.0)));
    let bare = Scene { layers: Vec::new(), ..painted.clone() };
    let aside = engine.draw_aside(&painted, &never).unwrap().rgba;
    assert_eq!(aside, engine.render(&bare).unwrap().rgba);
}

#[test]
fn a_scene_with_an_unknown_face_is_an_error() {
    let err = engine(DtypeChoice::F32).render(&Scene::face(FaceId(99))).unwrap_err();
    assert!(err.to_string().contains("not open"), "{err}");
}

#[test]
fn cancelled_work_ends_as_cancelled() {
    let cancel = Cancel::default();
    cancel.cancel();
    let err = engine(DtypeChoice::F32).render_cancellable(&Scene::face(FACES[0]), &cancel).unwrap_err();
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
        last = handle.render(Scene { base, ..Scene::face(FACES[0]) });
    }
    let mut frames = Vec::new();
    while frames.last() != Some(&last) {
        match events.recv_timeout(Duration::from_secs(60)).expect("a frame within a minute") {
            Event::Frame(frame) => frames.push(frame.request),
            Event::Ready(_) | Event::FaceReady(..) => {}
            event => panic!("unexpected {event:?}"),
        }
    }
    assert!(frames.is_sorted());
    assert!(frames.len() <= 3, "requests queued up: {frames:?}");
}

/// A preview comes first, then what the codes mixed give, and when nothing more is asked for the settled picture; while one is asked for
/// after the other, mostly previews.
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
    assert_eq!(next().order(), (first, FrameKind::Moving), "nothing to go on from: no preview");
    assert_eq!(next().order(), (first, FrameKind::Final));
    let second = handle.render(scenes[1].clone());
    let (preview, moving, settled) = (next(), next(), next());
    assert_eq!(preview.order(), (second, FrameKind::Preview));
    assert_eq!(moving.order(), (second, FrameKind::Moving));
    assert_eq!(settled.order(), (second, FrameKind::Final));
    assert!(worst(&preview.rgba, &moving.rgba) <= 6);
    let mut last = 0;
    for scene in &scenes[2..] {
        std::thread::sleep(Duration::from_millis(2));
        last = handle.render(scene.clone());
    }
    let mut frames = vec![next().order()];
    while frames.last() != Some(&(last, FrameKind::Final)) {
        frames.push(next().order());
    }
    assert!(frames.is_sorted(), "{frames:?}");
    assert!(frames.iter().any(|(_, kind)| *kind == FrameKind::Preview), "no preview among {frames:?}");
    let settled = frames.iter().filter(|(_, kind)| *kind == FrameKind::Final).count();
    assert_eq!(settled, 1, "settled under the brush: {frames:?}");
}

#[test]
fn asking_never_waits_for_the_network() {
    let (handle, events) = spawn(Duration::from_millis(400));
    handle.add_face(FACES[0], Arc::new(picture(1)));
    handle.render(Scene::face(FACES[0]));
    while !matches!(events.recv_timeout(Duration::from_secs(60)).unwrap(), Event::FaceReady(..)) {}
    // The engine now sleeps in the hook. Hundreds of requests return before one frame does.
    let numbers: Vec<_> = (0..500).map(|_| handle.render(Scene::face(FACES[0]))).collect();
    assert!(events.try_recv().is_err(), "a frame came while asking: the hook does not delay");
    assert!(numbers.is_sorted());
}

#[test]
fn failures_are_events_and_the_engine_goes_on() {
    let (handle, events) = spawn(Duration::ZERO);
    handle.render(Scene::face(FaceId(5)));
    handle.add_latent(FACES[0], Arc::new(Latent::of_stylemap(vec![0.0; 3])), None);
    handle.add_face(FACES[1], Arc::new(picture(1)));
    let (mut frame_failed, mut face_failed, mut ready) = (false, false, false);
    while !(frame_failed && face_failed && ready) {
        match events.recv_timeout(Duration::from_secs(60)).expect("an event within a minute") {
            Event::FrameFailed(..) => frame_failed = true,
            Event::FaceFailed(face, _) => face_failed = face == FACES[0],
            Event::FaceReady(face, _) => ready = face == FACES[1],
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

/// Until this event, with a minute's patience.
fn until<T>(events: &mpsc::Receiver<Event>, mut found: impl FnMut(Event) -> Option<T>) -> T {
    loop {
        let event = events.recv_timeout(Duration::from_secs(60)).expect("an event within a minute");
        if let Some(found) = found(event) {
            return found;
        }
    }
}

#[test]
fn a_face_is_refined_beside_the_work_and_drawn_so_from_then_on() {
    let (handle, events) = spawn(Duration::ZERO);
    let crop = Arc::new(picture(1));
    handle.add_face(FACES[0], Arc::clone(&crop));
    handle.add_face(FACES[1], Arc::new(picture(2)));
    let steps = 12;
    handle.refine(FACES[0], Arc::clone(&crop), steps);
    // What is asked for meanwhile comes, however long the refinement takes.
    let number = handle.render(Scene::face(FACES[1]));
    until(&events, |event| matches!(event, Event::Frame(frame) if frame.request == number).then_some(()));
    let mut done = Vec::new();
    let refined = until(&events, |event| match event {
        Event::Refining(face, progress, _) => {
            assert_eq!((face, progress.steps), (FACES[0], steps));
            done.push(progress.done);
            None
        }
        Event::Refined(face, latent) => {
            assert_eq!(face, FACES[0]);
            Some(latent.expect("steps were taken"))
        }
        // Of the other face.
        Event::FaceReady(..) | Event::Frame(_) => None,
        event => panic!("unexpected {event:?}"),
    });
    assert_eq!(done, (1..=steps).collect::<Vec<_>>());
    assert!(refined.is_refined);
    let number = handle.render(Scene::face(FACES[0]));
    let frame = until(&events, |event| match event {
        Event::Frame(frame) if frame.request == number => Some(frame),
        _ => None,
    });
    let mut direct = engine(DtypeChoice::F32);
    let encoded = direct.render(&Scene::face(FACES[0])).unwrap();
    direct.add_latent(FACES[0], Latent::clone(&refined), Some(&*crop)).unwrap();
    assert_eq!(frame.rgba, direct.render(&Scene::face(FACES[0])).unwrap().rgba);
    assert!(worst(&frame.rgba, &encoded.rgba) > 8, "nothing was refined");
    // Taken back it is what it was.
    handle.change_latent(FACES[0], Arc::new(engine(DtypeChoice::F32).latent(FACES[0]).unwrap().clone()));
    let number = handle.render(Scene::face(FACES[0]));
    let frame = until(&events, |event| match event {
        Event::Frame(frame) if frame.request == number => Some(frame),
        _ => None,
    });
    assert_eq!(frame.rgba, encoded.rgba);
}

#[test]
fn a_refinement_ends_when_it_is_stopped_or_its_face_goes() {
    let (handle, events) = spawn(Duration::ZERO);
    for (face, seed) in [(FACES[0], 1), (FACES[1], 2)] {
        handle.add_face(face, Arc::new(picture(seed)));
        handle.refine(face, Arc::new(picture(seed)), RefineOptions::MAX_STEPS);
    }
    until(&events, |event| matches!(event, Event::Refining(face, ..) if face == FACES[0]).then_some(()));
    handle.stop_refining(FACES[0]);
    let found = until(&events, |event| match event {
        Event::Refined(face, found) => Some((face, found.is_some())),
        _ => None,
    });
    assert_eq!(found, (FACES[0], true));
    until(&events, |event| matches!(event, Event::Refining(face, ..) if face == FACES[1]).then_some(()));
    handle.remove_face(FACES[1]);
    handle.add_face(FACES[1], Arc::new(picture(3)));
    until(&events, |event| matches!(event, Event::FaceReady(..)).then_some(()));
    handle.refine(FaceId(77), Arc::new(picture(1)), 3);
    let failed = until(&events, |event| match event {
        Event::Refining(face, ..) => panic!("{face:?} went on"),
        Event::RefineFailed(face, _) => Some(face),
        _ => None,
    });
    assert_eq!(failed, FaceId(77));
}

#[test]
fn a_refined_reference_stays_nearer_to_its_photo_in_other_colours() {
    let mut engine = engine(DtypeChoice::F32);
    let model_crop = picture(2);
    let start = engine.latent(FACES[1]).unwrap().clone();
    let options = RefineOptions::of(&start).with_steps(30);
    let (model, cancel) = (engine.model(), Cancel::default());
    let mut refinement = Refinement::new(model, &model_crop, &start, options, &cancel).unwrap();
    let refined = refinement.finish(model, &cancel).unwrap();
    let whole = Mask::new(2, vec![1.0; 4]).unwrap();
    let scene = Scene::face(FACES[0]).with(Layer::new(FACES[1], whole).with_match_colours(0.02));
    let error = |frame: &Frame| -> f64 {
        let crop = photo::resized(&model_crop, frame.size_px as u32);
        let squares = crop.as_raw().iter().zip(frame.to_rgb().into_raw()).map(|(a, b)| f64::from(*a) - f64::from(b));
        squares.map(|difference| difference * difference).sum()
    };
    let before = error(&engine.render(&scene).unwrap());
    engine.change_latent(FACES[1], refined).unwrap();
    let after = error(&engine.render(&scene).unwrap());
    // Encoded anew in other colours it would be as far as before.
    assert!(after < 0.95 * before, "{after} after, {before} before");
}
