//! Our gradients against those of PyTorch, of candle and of small differences.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{Device, Tensor};
use proptest::prelude::*;

use super::descent::{Descent, Schedule};
use super::*;
use crate::checkpoint::Checkpoint;
use crate::config::Config;
use crate::engine::Cancel;
use crate::generator::{FinePath, PlainPath};
use crate::model::{DeviceChoice, DtypeChoice};
use crate::random::Random;

const NETWORKS: [&str; 2] = ["f2_small_s64_l8", "f3_full_s64_l4"];

fn fixture(name: &str) -> std::path::PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures")).join(name)
}

fn model_of(checkpoint: &Checkpoint) -> Model {
    Model::new(checkpoint, DeviceChoice::Cpu, DtypeChoice::F32).unwrap()
}

/// A network of the PyTorch reference with its codes and what is expected of them.
fn reference(network: &str) -> (Model, Vec<Tensor>, HashMap<String, Tensor>) {
    let model = model_of(&Checkpoint::load(&fixture(&format!("{network}.pt"))).unwrap());
    let tensors = candle_core::safetensors::load(fixture(&format!("{network}_gradients.safetensors")), &Device::Cpu);
    let tensors = tensors.unwrap();
    let codes = (0..).map_while(|index| tensors.get(&format!("in/codes.{index}")).cloned()).collect();
    (model, codes, tensors)
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The length of the difference, relative to that of what is expected.
fn relative_error(ours: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(ours.len(), expected.len());
    let length = |values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    let difference = length(&mut ours.iter().zip(expected).map(|(a, b)| a - b));
    difference / length(&mut expected.iter().copied()).max(1e-30)
}

const SCHEDULE: Schedule = Schedule { steps: 50, learning_rate: 0.03, prior: 0.0 };

#[test]
fn gradients_are_those_of_pytorch() {
    for network in NETWORKS {
        let (model, codes, expected) = reference(network);
        for by_candle in [false, true] {
            let (target, cancel) = (&expected["in/image"], Cancel::default());
            let descent = Descent::new(&model.generator, target, &codes, &codes, SCHEDULE, by_candle, &cancel);
            let mut descent = descent.unwrap();
            let loss = descent.step(&model.generator, &cancel).unwrap();
            let expected_loss = f64::from(values(&expected["f32/loss"])[0]);
            assert!((loss.value - expected_loss).abs() < 1e-4 * expected_loss, "{network}: {loss:?}, {expected_loss}");
            let errors = descent.gradients().iter().enumerate().map(|(index, gradient)| {
                relative_error(gradient, &values(&expected[&format!("f32/gradient.{index}")]))
            });
            let errors: Vec<f64> = errors.collect();
            // One of f2's activations lies so near to 0 that rounding decides which way its gradient goes.
            let beyond = errors.iter().filter(|error| **error >= 1e-3).count();
            let is_near = beyond <= usize::from(network == NETWORKS[0]) && errors.iter().all(|error| *error < 3e-3);
            assert!(is_near, "{network}, by candle: {by_candle}: {errors:.5?}");
        }
    }
}

#[test]
fn the_way_down_is_that_of_pytorch() {
    for network in NETWORKS {
        let (model, codes, expected) = reference(network);
        let (target, cancel) = (&expected["in/image"], Cancel::default());
        let mut descent = Descent::new(&model.generator, target, &codes, &codes, SCHEDULE, false, &cancel).unwrap();
        let expected = values(&expected["f32/losses"]);
        let losses: Vec<_> =
            expected.iter().map(|_| descent.step(&model.generator, &cancel).unwrap().value as f32).collect();
        let errors: Vec<_> = losses.iter().zip(&expected).map(|(ours, expected)| ours / expected - 1.0).collect();
        // Signs turn, and rounding grows from step to step: the direct kernels and Winograd's differ by as much in single steps.
        let mut smooth = errors.windows(5).map(|errors| errors.iter().sum::<f32>() / 5.0);
        let is_near = errors.iter().take(20).all(|error| error.abs() < 0.01)
            && errors.iter().all(|error| error.abs() < 0.05)
            && smooth.all(|error| error.abs() < 0.03);
        assert!(is_near, "{network}: {errors:.4?}");
    }
}

/// A network with widths of its own at every level.
fn network(base: usize, widths: &[(usize, usize)], seed: u64) -> Model {
    let levels: Vec<usize> = (0..widths.len()).map(|level| base << level).collect();
    let of = |width: &dyn Fn(&(usize, usize)) -> usize| -> BTreeMap<usize, usize> {
        levels.iter().copied().zip(widths.iter().map(width)).collect()
    };
    let config = Config {
        size: base << (widths.len() - 1),
        style_dim: 3,
        base,
        channels: of(&|(channels, _)| *channels),
        codes: of(&|(_, codes)| *codes),
        encoder_channels: of(&|_| 1),
        mapping_layers: 1,
        lr_mul: 0.01,
        norm: "LayerNorm".to_owned(),
        fine_encoder: None,
    };
    model_of(&Checkpoint::random(config, seed).unwrap())
}

/// Random style codes, and a random direction for the picture to go.
fn problem(model: &Model, seed: u64) -> (Vec<Tensor>, Vec<f32>) {
    let mut random = Random::new(seed);
    let codes = (0..model.generator.modulators().len()).map(|index| {
        let level = model.config.code_level(index);
        let shape = [1, model.config.code_width(level).unwrap(), level, level];
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| random.normal() as f32).collect();
        Tensor::from_vec(values, &shape, &Device::Cpu).unwrap()
    });
    let codes = codes.collect();
    let direction = (0..3 * model.config.size.pow(2)).map(|_| random.normal() as f32).collect();
    (codes, direction)
}

/// The picture, and the gradient of its product with `direction`, on our kernels.
fn ours(model: &Model, codes: &[Tensor], first: usize, direction: &[f32]) -> (Vec<f32>, Vec<Vec<f32>>) {
    let cancel = Cancel::default();
    let path = FinePath::new(&model.generator, codes, first, &cancel).unwrap();
    let moving: Vec<_> = codes[first..].iter().map(values).collect();
    let mut gradients: Vec<_> = moving.iter().map(|code| vec![f32::NAN; code.len()]).collect();
    let tape = path.forward(&model.generator, &moving, &cancel).unwrap();
    path.backward(&model.generator, &tape, direction, &mut gradients, &cancel).unwrap();
    (tape.image().to_vec(), gradients)
}

/// The same by candle.
fn by_candle(model: &Model, codes: &[Tensor], first: usize, direction: &[f32]) -> (Vec<f32>, Vec<Vec<f32>>) {
    let cancel = Cancel::default();
    let path = PlainPath::new(&model.generator, codes, first, &cancel).unwrap();
    let vars: Vec<_> = codes[first..].iter().map(|code| candle_core::Var::from_tensor(code).unwrap()).collect();
    let moving: Vec<_> = vars.iter().map(|var| var.as_tensor().clone()).collect();
    let image = path.forward(&model.generator, &moving, &cancel).unwrap();
    let direction = Tensor::from_slice(direction, image.shape(), &Device::Cpu).unwrap();
    let gradients = (&image * direction).unwrap().sum_all().unwrap().backward().unwrap();
    (values(&image), vars.iter().map(|var| values(gradients.get(var).unwrap())).collect())
}

fn assert_as_candle(model: &Model, seed: u64) {
    let (codes, direction) = problem(model, seed);
    for first in (0..codes.len()).step_by(2) {
        let (image, gradients) = ours(model, &codes, first, &direction);
        let (expected_image, expected) = by_candle(model, &codes, first, &direction);
        let error = relative_error(&image, &expected_image);
        assert!(error < 1e-4, "{:?}: the picture differs by {error}", model.config);
        for (index, (gradient, expected)) in gradients.iter().zip(&expected).enumerate() {
            let error = relative_error(gradient, expected);
            // Where rounding decides which way an activation goes, all coarser codes see it. Without such, the kernels are held
            // to 1e-4, each by itself.
            assert!(error < 3e-2, "{:?}, code {} from {first}: {error}", model.config, first + index);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gradients_are_those_of_candle(
        base in (0u32..4).prop_map(|power| 1usize << power),
        widths in prop::collection::vec((1usize..24, 1usize..9), 2..4),
        seed in 0u64..1000,
    ) {
        assert_as_candle(&network(base, &widths, seed), seed);
    }
}

/// Every form of the kernels: by tiles of one block and of several, by pairs of cells, with weights that are light and heavy.
#[test]
fn gradients_are_those_of_candle_at_every_size() {
    let cases: [(usize, &[(usize, usize)]); 6] = [
        (8, &[(5, 3), (7, 2), (3, 4), (2, 1)]),
        (16, &[(4, 3), (6, 5), (1, 1)]),
        (4, &[(512, 7), (3, 512)]),
        (16, &[(1, 512), (512, 1)]),
        (32, &[(9, 2), (17, 3)]),
        (2, &[(3, 5), (5, 3), (2, 2), (3, 2), (9, 4)]),
    ];
    for (seed, (base, widths)) in cases.into_iter().enumerate() {
        assert_as_candle(&network(base, widths, seed as u64), seed as u64);
    }
}

#[test]
fn gradients_are_the_slope() {
    for (base, widths) in [(2, vec![(4, 3), (5, 2)]), (8, vec![(6, 4), (5, 3), (4, 2)])] {
        let model = network(base, &widths, 5);
        let (codes, direction) = problem(&model, 6);
        let (_, gradients) = ours(&model, &codes, 0, &direction);
        let mut random = Random::new(7);
        for (index, gradient) in gradients.iter().enumerate() {
            let along: Vec<f32> = gradient.iter().map(|_| random.normal() as f32).collect();
            let step = 1e-3;
            let product = |sign: f64| -> f64 {
                let along = Tensor::from_slice(&along, codes[index].shape(), &Device::Cpu).unwrap();
                let mut codes = codes.clone();
                codes[index] = (&codes[index] + (along * (sign * step)).unwrap()).unwrap();
                let (image, _) = ours(&model, &codes, 0, &direction);
                image.iter().zip(&direction).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
            };
            let slope = (product(1.0) - product(-1.0)) / (2.0 * step);
            let expected: f64 = gradient.iter().zip(&along).map(|(a, b)| f64::from(a * b)).sum();
            let length = gradient.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
            assert!((slope - expected).abs() < 0.05 * length, "code {index}: {slope}, {expected}, of {length}");
        }
    }
}

#[test]
fn cancelled_steps_change_nothing_and_can_be_taken_again() {
    let model = network(8, &[(6, 4), (5, 3), (4, 2)], 1);
    let (codes, direction) = problem(&model, 2);
    let target = Tensor::from_vec(direction, (1, 3, 32, 32), &Device::Cpu).unwrap();
    let go = Cancel::default();
    let begin = || Descent::new(&model.generator, &target, &codes, &codes[2..], SCHEDULE, false, &go).unwrap();
    let (mut whole, mut interrupted) = (begin(), begin());
    for _ in 0..3 {
        let stop = Cancel::default();
        stop.cancel();
        assert!(matches!(interrupted.step(&model.generator, &stop), Err(Error::Cancelled)));
        let loss = whole.step(&model.generator, &go).unwrap();
        assert_eq!(interrupted.step(&model.generator, &go).unwrap(), loss);
    }
    assert_eq!(interrupted.steps_done(), 3);
}

#[test]
fn the_best_face_is_kept_and_the_prior_holds_it_near_the_encoders() {
    let model = network(8, &[(6, 4), (5, 3), (4, 2)], 1);
    let size = u32::try_from(model.config.size).unwrap();
    let crop = RgbImage::from_fn(size, size, |x, y| image::Rgb([(x * 8) as u8, (y * 8) as u8, 90]));
    let cancel = Cancel::default();
    let image = model.place(&photo::to_tensor(&crop, model.config.size).unwrap()).unwrap();
    let (stylemap, _) = model.encode(&image, &cancel).unwrap();
    let start = Latent::of_stylemap(crate::latent::stylemap_values(&stylemap).unwrap());
    let refined = |options: RefineOptions| {
        let mut refinement = Refinement::new(&model, &crop, &start, options, &cancel).unwrap();
        let first = refinement.step(&model, &cancel).unwrap();
        let latent = refinement.finish(&model, &cancel).unwrap();
        let residuals = model.place_residuals(latent.residuals.as_ref().unwrap(), 1.0).unwrap();
        let away: f32 = residuals.iter().flat_map(values).map(f32::abs).sum();
        // What comes out draws the picture whose loss was told.
        let mut codes = model.generator.style_codes(&stylemap).unwrap();
        model.generator.add_residuals(&mut codes, &residuals).unwrap();
        let picture = values(&model.generator.decode_codes(&codes).unwrap());
        let mut gradient = vec![0.0; picture.len()];
        let shown = loss::loss(&picture, &values(&image), model.config.size, &mut gradient);
        let told = refinement.loss().unwrap();
        assert!((shown.value - told.value).abs() < 1e-3 * told.value, "{shown:?}, {told:?}");
        (first, told, away)
    };
    let free = RefineOptions { prior: 0.0, ..RefineOptions::default().with_steps(30) };
    let (first, last, away) = refined(free);
    assert!(last.value < 0.7 * first.value, "{first:?} {last:?}");
    let (_, held, near) = refined(RefineOptions { prior: 1.0, ..free });
    assert!(near < 0.5 * away && held.value > last.value, "{near} {away}");
    // Steps that are far too long never make it worse.
    let (first, last, _) = refined(RefineOptions { learning_rate: 30.0, ..free.with_steps(5) });
    assert!(last.value <= first.value, "{first:?} {last:?}");
}

#[test]
fn what_cannot_be_refined_is_refused() {
    let model = network(8, &[(6, 4), (5, 3), (4, 2)], 1);
    let crop = RgbImage::new(40, 40);
    let cancel = Cancel::default();
    let start = Latent::of_stylemap(vec![0.0; 3 * 8 * 8]);
    let new = |start: &Latent, options| Refinement::new(&model, &crop, start, options, &cancel).map(|_| ());
    let options = RefineOptions::default();
    assert!(new(&start, options).is_ok());
    assert!(new(&Latent::of_stylemap(vec![0.0; 3]), options).is_err());
    for wrong in [
        options.with_steps(0),
        options.with_steps(RefineOptions::MAX_STEPS + 1),
        RefineOptions { learning_rate: 0.0, ..options },
        RefineOptions { learning_rate: f64::NAN, ..options },
        RefineOptions { prior: -1.0, ..options },
    ] {
        assert!(matches!(new(&start, wrong), Err(Error::Argument(_))), "{wrong:?}");
    }
    let mut begun = Refinement::new(&model, &crop, &start, options, &cancel).unwrap();
    let other = network(8, &[(6, 4), (5, 3), (4, 2)], 2);
    assert!(matches!(begun.step(&other, &cancel), Err(Error::Argument(_))));
}
