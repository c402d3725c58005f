//! The readers for published checkpoints against files that torch wrote: the same networks in both formats, whole and
//! damaged.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use candle_core::DType;
use stylemap::Error;
use stylemap::checkpoint::torch::{TorchCheckpoint, TorchFormat, looks_like_torch, read};
use tempfile::NamedTempFile;

/// The same network as a zip archive and as a stream.
struct Pair {
    zip: &'static str,
    legacy: &'static str,
}

const F2: Pair = Pair {
    zip: concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/f2_small_s64_l8.pt"),
    legacy: concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/f2_small_s64_l8_legacy.pt"),
};
const F3: Pair = Pair {
    zip: concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/f3_full_s64_l4.pt"),
    legacy: concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/f3_full_s64_l4_legacy.pt"),
};

fn read_file(path: impl Into<PathBuf>) -> TorchCheckpoint {
    read(&path.into()).unwrap()
}

/// A copy that may be damaged.
fn copy_of(path: &str) -> NamedTempFile {
    let mut copy = NamedTempFile::new().unwrap();
    copy.write_all(&fs::read(path).unwrap()).unwrap();
    copy
}

/// Numbers that look random and are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next_below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[test]
fn both_formats_hold_the_same() {
    for Pair { zip, legacy } in [F2, F3] {
        let (zip, legacy) = (read_file(zip), read_file(legacy));
        assert_eq!(zip.format, TorchFormat::Zip);
        assert_eq!(legacy.format, TorchFormat::Legacy);
        assert!(zip.tensors == legacy.tensors);
        assert_eq!(zip.train_args, legacy.train_args);
    }
}

#[test]
fn tensors_have_the_published_names_and_shapes() {
    struct Case {
        pair: Pair,
        tensors: usize,
        shapes: &'static [(&'static str, &'static [usize])],
    }
    let cases = [
        Case {
            pair: F2,
            tensors: 118,
            shapes: &[
                ("e_ema.convs.0.skip.0.kernel", &[4, 4]),
                ("e_ema.from_rgb.0.weight", &[16, 3, 1, 1]),
                ("e_ema.from_rgb.1.bias", &[16]),
                ("g_ema.decoder.input.input", &[1, 32, 8, 8]),
                ("g_ema.decoder.to_rgb.conv.weight", &[1, 3, 16, 1, 1]),
                ("g_ema.mapping_z.8.weight", &[1024, 16]),
            ],
        },
        Case {
            pair: F3,
            tensors: 145,
            shapes: &[
                ("e_ema.from_rgb.0.weight", &[32, 3, 1, 1]),
                ("g_ema.decoder.convs_latent.0.0.weight", &[32, 16, 3, 3]),
                ("g_ema.decoder.input.input", &[1, 32, 4, 4]),
                ("g_ema.mapping_z.1.weight", &[16, 16]),
                ("g_ema.mapping_z.8.weight", &[256, 16]),
            ],
        },
    ];
    for Case { pair, tensors, shapes } in cases {
        let checkpoint = read_file(pair.zip);
        assert_eq!(checkpoint.tensors.len(), tensors);
        for (name, shape) in shapes {
            assert_eq!(checkpoint.tensors[*name].shape, *shape, "{name}");
        }
        for (name, tensor) in &checkpoint.tensors {
            assert!(name.starts_with("g_ema.") || name.starts_with("e_ema."), "{name}");
            assert_eq!(tensor.dtype, DType::F32, "{name}");
            assert_eq!(tensor.data.len(), 4 * tensor.shape.iter().product::<usize>(), "{name}");
            let (numbers, _) = tensor.data.as_chunks::<4>();
            assert!(numbers.iter().all(|number| f32::from_le_bytes(*number).is_finite()), "{name}");
        }
    }
}

#[test]
fn elements_are_those_of_the_blur() {
    // The only weights that are known beforehand: the outer product of [1, 3, 3, 1], divided by its sum of 64.
    let checkpoint = read_file(F2.legacy);
    let (numbers, _) = checkpoint.tensors["e_ema.convs.0.skip.0.kernel"].data.as_chunks::<4>();
    let kernel: Vec<f32> = numbers.iter().map(|number| 64.0 * f32::from_le_bytes(*number)).collect();
    assert_eq!(kernel, [1., 3., 3., 1., 3., 9., 9., 3., 3., 9., 9., 3., 1., 3., 3., 1.]);
}

#[test]
fn options_of_the_training_are_plain_values() {
    let options = read_file(F2.legacy).train_args;
    for (name, expected) in [
        ("size", "64"),
        ("latent_channel_size", "16"),
        ("latent_spatial_size", "8"),
        ("channel_multiplier", "1"),
        ("mapping_layer_num", "8"),
        ("lr_mul", "0.01"),
        ("small_generator", "true"),
        ("normalize_mode", "\"LayerNorm\""),
        ("ckpt", "null"),
    ] {
        assert_eq!(options[name].to_string(), expected, "{name}");
    }
}

#[test]
fn tells_the_formats_by_their_first_bytes() {
    for path in [F2.zip, F2.legacy, F3.zip, F3.legacy] {
        let mut first_bytes = [0; 32];
        File::open(path).unwrap().read_exact(&mut first_bytes).unwrap();
        assert!(looks_like_torch(&first_bytes), "{path}");
    }
    for other in [&b""[..], b"PK", b"\x89PNG\r\n\x1a\n", b"\x80\x02N.", b"\x10\0\0\0\0\0\0\0{\"__metadata__\":"] {
        assert!(!looks_like_torch(other));
    }
}

#[test]
fn errors_name_the_file() {
    let missing = PathBuf::from("there is no such checkpoint.pt");
    assert!(matches!(read(&missing), Err(Error::Io { path, .. }) if path == missing));
    let mut other = NamedTempFile::new().unwrap();
    other.write_all(b"not a checkpoint").unwrap();
    let error = read(other.path()).unwrap_err();
    assert!(matches!(&error, Error::Checkpoint { path, .. } if path == other.path()));
    assert!(error.to_string().contains("begins like neither of the formats"), "{error}");
}

#[test]
fn truncated_files_are_refused() {
    for path in [F2.zip, F2.legacy] {
        let copy = copy_of(path);
        let full = copy.as_file().metadata().unwrap().len();
        let spread = (1..=200).map(|step| full - step * (full / 201)).chain([full - 1]);
        let mut lengths: Vec<u64> = spread.chain(0..2048).collect();
        lengths.sort_unstable();
        for length in lengths.into_iter().rev() {
            copy.as_file().set_len(length).unwrap();
            assert!(matches!(read(copy.path()), Err(Error::Checkpoint { .. })), "{path} of {length} bytes");
        }
    }
}

#[test]
fn flipped_bits_never_do_harm() {
    const EACH: usize = 300;
    for path in [F2.zip, F2.legacy] {
        let copy = copy_of(path);
        let good = fs::read(path).unwrap();
        let length = good.len() as u64;
        let mut numbers = Numbers(20_210_619);
        // Anywhere; in the pickle, which lies at the beginning; in an archive's directory, which lies at the end.
        let anywhere: Vec<_> = (0..EACH).map(|_| numbers.next_below(length)).collect();
        let beginning: Vec<_> = (0..EACH).map(|_| numbers.next_below(64_000)).collect();
        let end: Vec<_> = (0..EACH).map(|_| length - 1 - numbers.next_below(30_000)).collect();
        for at in [anywhere, beginning, end].concat() {
            let write = |byte: u8| {
                let mut file = OpenOptions::new().write(true).open(copy.path()).unwrap();
                file.seek(SeekFrom::Start(at)).unwrap();
                file.write_all(&[byte]).unwrap();
            };
            let byte = good[at as usize];
            write(byte ^ (1 << numbers.next_below(8)));
            let start = Instant::now();
            match read(copy.path()) {
                Ok(checkpoint) => {
                    let total: usize = checkpoint.tensors.values().map(|tensor| tensor.data.len()).sum();
                    assert!(total as u64 <= 4 * length, "{path}, byte {at}");
                }
                Err(error) => assert!(matches!(error, Error::Checkpoint { .. }), "{path}, byte {at}: {error}"),
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{path}, byte {at}");
            write(byte);
        }
        assert!(read_file(copy.path()).tensors == read_file(path).tensors);
    }
}
