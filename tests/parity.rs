//! Every number of the PyTorch reference, from both checkpoint formats.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};

use stylemap::checkpoint::Checkpoint;
use stylemap::model::{DeviceChoice, DtypeChoice, Model};
use stylemap::verify::Fixture;

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures")).join(name)
}

const NETWORKS: [&str; 2] = ["f2_small_s64_l8", "f3_full_s64_l4"];
const OUTPUTS: usize = 19;

fn assert_parity(checkpoint: &Checkpoint, fixture: &Fixture, outputs: usize) {
    let model = Model::new(checkpoint, DeviceChoice::Cpu, DtypeChoice::F32).unwrap();
    let names = fixture.names();
    assert_eq!(names.len(), outputs);
    for name in names {
        let comparison = fixture.compare(&model, name, None).unwrap().expect("every name is known");
        assert!(comparison.passed(), "{comparison:?}");
    }
}

#[test]
fn every_output_from_both_formats() {
    for network in NETWORKS {
        let expected = Fixture::load(&fixture(&format!("{network}.safetensors"))).unwrap();
        for file in [format!("{network}.pt"), format!("{network}_legacy.pt")] {
            assert_parity(&Checkpoint::load(&fixture(&file)).unwrap(), &expected, OUTPUTS);
        }
    }
}

#[test]
fn a_converted_checkpoint_is_the_same_network() {
    let network = NETWORKS[0];
    let expected = Fixture::load(&fixture(&format!("{network}.safetensors"))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let converted = folder.path().join("model.safetensors");
    let published = Checkpoint::load(&fixture(&format!("{network}_legacy.pt"))).unwrap();
    published.save(&converted, None).unwrap();
    let ours = Checkpoint::load(&converted).unwrap();
    assert_eq!(ours.config, published.config);
    assert_parity(&ours, &expected, OUTPUTS);
}

/// The model that comes with the program, as PyTorch computes it (`weights/train/fixture.py`).
#[test]
fn the_default_model_draws_what_pytorch_draws() {
    let weights = fixture("../../weights/default.safetensors");
    let expected = Fixture::load(&fixture("default_128.safetensors")).unwrap();
    assert_parity(&Checkpoint::load(&weights).unwrap(), &expected, 8);
}

/// The same within 2e-2 with weights rounded to 16 bit.
#[test]
fn the_default_model_draws_it_in_16_bit_too() {
    let checkpoint = Checkpoint::load(&fixture("../../weights/default.safetensors")).unwrap();
    let expected = Fixture::load(&fixture("default_128.safetensors")).unwrap();
    for dtype in [DtypeChoice::F16, DtypeChoice::BF16] {
        let model = Model::new(&checkpoint, DeviceChoice::Cpu, dtype).unwrap();
        for name in expected.names() {
            let comparison = expected.compare(&model, name, None).unwrap().expect("every name is known");
            assert!(comparison.passed() && comparison.tolerance == 2e-2, "{dtype:?}: {comparison:?}");
        }
    }
}

#[test]
fn another_network_does_not_pass() {
    let expected = Fixture::load(&fixture("f2_small_s64_l8.safetensors")).unwrap();
    let other = Checkpoint::load(&fixture("f3_full_s64_l4.pt")).unwrap();
    let other = Model::new(&other, DeviceChoice::Cpu, DtypeChoice::F32).unwrap();
    let err = expected.compare(&other, "stylemap_enc", None).unwrap_err();
    assert!(err.to_string().contains("different networks"), "{err}");
    let wrong_weights = Checkpoint::load(&fixture("f2_small_s64_l8.pt")).unwrap();
    let wrong_weights = Checkpoint::random(wrong_weights.config, 1).unwrap();
    let wrong_weights = Model::new(&wrong_weights, DeviceChoice::Cpu, DtypeChoice::F32).unwrap();
    assert!(!expected.compare(&wrong_weights, "image_recon", None).unwrap().unwrap().passed());
}

/// The bytes that the reference's own scripts write: ours round as `save_image` does.
#[test]
fn pixels_round_as_the_reference_saves_them() {
    use candle_core::{Device, Tensor};
    let path = fixture("f3_full_s64_l4.safetensors");
    let tensors = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
    let image = tensors["f32/image_recon"].narrow(0, 0, 1).unwrap();
    let expected: Vec<u8> =
        tensors["u8_save_image/image_recon"].get(0).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let rgba = stylemap::photo::to_rgba(&image).unwrap();
    let rgba = Tensor::from_vec(rgba, (64, 64, 4), &Device::Cpu).unwrap();
    let planes =
        rgba.narrow(2, 0, 3).unwrap().permute((2, 0, 1)).unwrap().flatten_all().unwrap().to_vec1::<u8>().unwrap();
    assert_eq!(planes, expected);
}
