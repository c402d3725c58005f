//! The program itself, as a shell runs it: every command on real files, and every way to use it wrongly.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use candle_core::{Device, Tensor};
use image::{GrayImage, Luma, RgbImage};
use stylemap::checkpoint::{Checkpoint, save_tensors};
use stylemap::{DeviceChoice, DtypeChoice, Model};
use tempfile::TempDir;

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn demo(name: &str) -> PathBuf {
    repository("assets/demo").join(name)
}

/// Two demo faces, and a small network with random weights for what does not depend on how good the pictures are.
struct Files {
    folder: TempDir,
    a: PathBuf,
    b: PathBuf,
    small: PathBuf,
}

impl Files {
    fn new() -> Self {
        let (a, b) = (demo("female_053.png"), demo("male_077.png"));
        Self { folder: tempfile::tempdir().unwrap(), a, b, small: repository("tests/fixtures/f2_small_s64_l8.pt") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn mask(&self, name: &str, side: u32, weight: impl Fn(u32, u32) -> u8) -> PathBuf {
        self.picture(name, GrayImage::from_fn(side, side, |x, y| Luma([weight(x, y)])))
    }

    fn picture(&self, name: &str, picture: impl Into<image::DynamicImage>) -> PathBuf {
        picture.into().save(self.path(name)).unwrap();
        self.path(name)
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Everything in the folder, with sizes.
    fn listing(&self) -> BTreeMap<PathBuf, u64> {
        let mut listing = BTreeMap::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                listing.insert(entry.path(), entry.metadata().unwrap().len());
                if entry.path().is_dir() {
                    folders.push(entry.path());
                }
            }
        }
        listing
    }

    /// Runs in the folder; words are split at spaces, `{a}`, `{b}` and `{small}` stand for the files.
    fn run(&self, line: &str) -> Output {
        self.run_with(line, &[])
    }

    fn run_with(&self, line: &str, variables: &[(&str, &str)]) -> Output {
        let words = line.split_whitespace().map(|word| match word {
            "{a}" => self.a.as_os_str(),
            "{b}" => self.b.as_os_str(),
            "{small}" => self.small.as_os_str(),
            word => OsStr::new(word),
        });
        let mut command = Command::new(env!("CARGO_BIN_EXE_stylebrush"));
        command.current_dir(self.folder.path()).env_remove("RUST_BACKTRACE").envs(variables.iter().copied());
        command.args(words).output().unwrap()
    }

    /// Runs what must succeed, in silence on the standard error; its standard output.
    fn ok(&self, line: &str) -> String {
        let Output { status, stdout, stderr } = self.run(line);
        let stderr = String::from_utf8(stderr).unwrap();
        assert!(status.success() && stderr.is_empty(), "{line}: {status}, {stderr}");
        String::from_utf8(stdout).unwrap()
    }

    /// Runs what must fail: with this exit code, one line on the standard error that contains `reason`, and nothing written.
    fn fails(&self, line: &str, code: i32, reason: &str) {
        let before = self.listing();
        let Output { status, stderr, .. } = self.run(line);
        let stderr = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(code), "{line}: {stderr}");
        assert!(stderr.starts_with("error: ") && stderr.trim_end().lines().count() == 1, "{line}: {stderr}");
        assert!(stderr.contains(reason), "{line}: {stderr}");
        assert_eq!(before, self.listing(), "{line} left something behind");
    }
}

fn open(path: &Path) -> RgbImage {
    image::open(path).unwrap().to_rgb8()
}

fn mean_difference(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let sum: f64 = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / a.as_raw().len() as f64
}

/// Width and height of the default model's pictures: it may be replaced by one of another size.
fn size_px(files: &Files) -> u32 {
    let info: serde_json::Value = serde_json::from_str(&files.ok("info --json")).unwrap();
    u32::try_from(info["config"]["size"].as_u64().unwrap()).unwrap()
}

#[test]
fn reconstruct_draws_the_photo() {
    let files = Files::new();
    let said = files.ok("reconstruct {a} -o a.png");
    let psnr = said.split("PSNR ").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
    assert!(said.starts_with("MSE 0.") && psnr.parse::<f64>().unwrap() > 15.0, "{said}");
    let size = size_px(&files);
    assert_eq!(open(&files.path("a.png")).dimensions(), (size, size));

    let reader = png::Decoder::new(std::io::Cursor::new(files.bytes("a.png"))).read_info().unwrap();
    let info = reader.info();
    assert!(info.srgb.is_some());
    let text = |keyword: &str| {
        let chunk = info.uncompressed_latin1_text.iter().find(|chunk| chunk.keyword == keyword);
        chunk.map(|chunk| chunk.text.clone()).unwrap_or_default()
    };
    assert_eq!(text("Software"), concat!("Stylebrush ", env!("CARGO_PKG_VERSION")));
    assert!(text("Comment").contains("edited"));
}

#[test]
fn the_name_of_the_output_decides_its_format() {
    let files = Files::new();
    for name in ["a.png", "a.jpg", "a.JPEG", "a.webp"] {
        files.ok(&format!("--model {{small}} reconstruct {{a}} -o {name}"));
    }
    let drawn = open(&files.path("a.png"));
    assert_eq!(drawn.dimensions(), (64, 64));
    assert_eq!(open(&files.path("a.webp")), drawn);
    for name in ["a.jpg", "a.JPEG"] {
        assert!(files.bytes(name).starts_with(&[0xff, 0xd8]));
        assert_eq!(open(&files.path(name)).dimensions(), (64, 64));
    }
}

#[test]
fn photos_that_are_not_square_are_cropped_to_their_middle() {
    let files = Files::new();
    let photo = open(&files.a);
    files.picture("wide.png", image::imageops::crop_imm(&photo, 0, 40, 256, 160).to_image());
    files.picture("middle.png", image::imageops::crop_imm(&photo, 48, 40, 160, 160).to_image());
    files.ok("--model {small} reconstruct wide.png -o from_wide.png");
    files.ok("--model {small} reconstruct middle.png --aligned -o from_middle.png");
    assert_eq!(files.bytes("from_wide.png"), files.bytes("from_middle.png"));
    files.fails("--model {small} reconstruct wide.png --aligned -o out.png", 1, "must be square");
}

#[test]
fn edit_takes_what_the_masks_say() {
    let files = Files::new();
    let size = size_px(&files);
    files.ok("reconstruct {a} -o a.png");
    files.ok("reconstruct {b} -o b.png");
    let [a, b] = ["a.png", "b.png"].map(|name| open(&files.path(name)));

    files.mask("nothing.png", 64, |_, _| 0);
    files.ok("edit {a} --reference {b} --mask nothing.png -o out.png");
    assert_eq!(files.bytes("out.png"), files.bytes("a.png"));

    files.mask("all.png", size, |_, _| 255);
    files.ok("edit {a} --reference {b} --mask all.png -o out.png");
    assert!(mean_difference(&open(&files.path("out.png")), &b) < 1.0);
    // Strength and feather belong to the reference before them: the second one, of strength 0, changes nothing.
    files.ok(
        "edit {a} --reference {b} --mask all.png --feather 3 --reference {a} --strength 0 --mask all.png -o out.png",
    );
    assert!(mean_difference(&open(&files.path("out.png")), &b) < 1.0);
    // Moved out of the picture, a reference is gone.
    files.ok(&format!("edit {{a}} --reference {{b}} --mask all.png --offset -{size},0 -o out.png"));
    assert!(mean_difference(&open(&files.path("out.png")), &a) < 1.0);

    files.mask("right.png", size, |x, _| if x < size / 2 { 0 } else { 255 });
    files.ok("edit {a} --reference {b} --mask right.png -o out.png");
    let edited = open(&files.path("out.png"));
    let half = |picture: &RgbImage, x| image::imageops::crop_imm(picture, x, 0, size / 4, size).to_image();
    let difference = |x, other| mean_difference(&half(&edited, x), &half(other, x));
    assert!(difference(0, &a) < difference(0, &b), "the left is not the source's");
    assert!(difference(size * 3 / 4, &b) < difference(size * 3 / 4, &a), "the right is not the reference's");
}

#[test]
fn interpolate_leads_from_one_face_to_the_other() {
    let files = Files::new();
    files.ok("reconstruct {a} -o a.png");
    files.ok("reconstruct {b} -o b.png");
    files.ok("interpolate {a} {b} --at 0 -o at_0.png");
    files.ok("interpolate {a} {b} --at 1 -o at_1.png");
    files.ok("interpolate {a} {b} --frames 3 -o frames");
    assert_eq!(std::fs::read_dir(files.path("frames")).unwrap().count(), 3);
    for (first, second) in
        [("at_0.png", "a.png"), ("at_1.png", "b.png"), ("frames/0001.png", "a.png"), ("frames/0003.png", "b.png")]
    {
        assert_eq!(open(&files.path(first)), open(&files.path(second)), "{first} is not {second}");
    }
    let [a, b, middle] = ["a.png", "b.png", "frames/0002.png"].map(|name| open(&files.path(name)));
    let whole = mean_difference(&a, &b);
    assert!(mean_difference(&a, &middle) < whole && mean_difference(&b, &middle) < whole);
    // A folder that is there is written to, and what else is in it stays.
    std::fs::write(files.path("frames/notes.txt"), "mine").unwrap();
    files.ok("--model {small} interpolate {a} {b} --frames 2 -o frames");
    assert_eq!(std::fs::read_dir(files.path("frames")).unwrap().count(), 4);
    assert_eq!(open(&files.path("frames/0002.png")).dimensions(), (64, 64));
}

#[test]
fn mix_takes_the_coarse_style_from_the_one_that_is_named() {
    let files = Files::new();
    files.ok("--model {small} reconstruct {a} -o a.png");
    files.ok("--model {small} mix {a} {a} --coarse-from b -o same.png");
    assert_eq!(files.bytes("same.png"), files.bytes("a.png"));
    files.ok("--model {small} mix {a} {b} --coarse-from a -o coarse_a.png");
    files.ok("--model {small} mix {a} {b} --coarse-from b -o coarse_b.png");
    files.ok("--model {small} mix {b} {a} --coarse-from a -o turned.png");
    assert_ne!(files.bytes("coarse_a.png"), files.bytes("coarse_b.png"));
    assert_eq!(files.bytes("turned.png"), files.bytes("coarse_b.png"));
}

#[test]
fn sample_is_the_same_for_a_seed() {
    let files = Files::new();
    for (seed, name) in [("7", "once.png"), ("7", "again.png"), ("8", "other.png")] {
        files.ok(&format!("sample --seed {seed} -o {name}"));
    }
    assert_eq!(files.bytes("once.png"), files.bytes("again.png"));
    assert_ne!(files.bytes("once.png"), files.bytes("other.png"));
    files.ok("sample --seed 7 --count 2 -o faces");
    assert_eq!(files.bytes("faces/0001.png"), files.bytes("once.png"));
    assert_ne!(files.bytes("faces/0002.png"), files.bytes("once.png"));
    // Without any variation, whatever the seed, it is the average face.
    files.ok("sample --truncation 0 --seed 1 -o average.png");
    files.ok("sample --truncation 0 --seed 2 -o also_average.png");
    assert_eq!(files.bytes("average.png"), files.bytes("also_average.png"));
    // With a trained mapping network.
    files.ok("--model {small} sample --seed 7 -o mapped.png");
    assert_eq!(open(&files.path("mapped.png")).dimensions(), (64, 64));
}

#[test]
fn encode_then_decode_is_reconstruct() {
    let files = Files::new();
    files.ok("reconstruct {a} -o a.png");
    files.ok("encode {a} -o w.safetensors");
    files.ok("decode w.safetensors -o decoded.png");
    assert_eq!(files.bytes("decoded.png"), files.bytes("a.png"));

    let tensors = candle_core::safetensors::load(files.path("w.safetensors"), &Device::Cpu).unwrap();
    let stylemap = &tensors["stylemap"];
    assert_eq!((tensors.len(), stylemap.rank(), stylemap.dtype()), (1, 3, candle_core::DType::F32));
    let file = files.bytes("w.safetensors");
    let (_, header) = safetensors::SafeTensors::read_metadata(&file).unwrap();
    let info: serde_json::Value = serde_json::from_str(&files.ok("info --json")).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["stylemap.model_hash"], info["hash"].as_str().unwrap());
}

#[test]
fn decode_says_whose_stylemap_it_is() {
    let files = Files::new();
    files.ok("--model {small} encode {a} -o small.safetensors");
    files.fails("decode small.safetensors -o out.png", 1, "this model takes");
    files.fails("decode {a} -o out.png", 1, "not a stylemap file");
    // The same weights in other numbers are another model, and yet may draw it.
    files.ok("convert {small} -o half.safetensors --dtype f16");
    let Output { status, stderr, .. } = files.run("--model half.safetensors decode small.safetensors -o out.png");
    assert!(status.success() && String::from_utf8(stderr).unwrap().starts_with("warning: "));
    assert!(files.path("out.png").is_file());
    let values = Tensor::full(f32::NAN, (16, 8, 8), &Device::Cpu).unwrap();
    let tensors = BTreeMap::from([("stylemap".to_owned(), values)]);
    save_tensors(&files.path("nan.safetensors"), &tensors, HashMap::new()).unwrap();
    files.fails("--model {small} decode nan.safetensors -o nan.png", 1, "not finite");
}

#[test]
fn info_speaks_to_people_and_programs() {
    let files = Files::new();
    let info: serde_json::Value =
        serde_json::from_str(&files.ok("--threads 1 --device cpu info --json --dtype bf16")).unwrap();
    assert_eq!((info["device"].as_str(), info["dtype"].as_str()), (Some("cpu"), Some("bf16")));
    assert_eq!(info["threads"].as_u64(), Some(1));
    let readable = files.ok("info");
    for known in [&info["name"], &info["hash"], &info["license"]] {
        assert!(readable.contains(known.as_str().unwrap()), "{readable}");
    }
    let small: serde_json::Value = serde_json::from_str(&files.ok("info --model {small} --json")).unwrap();
    assert_eq!((small["config"]["size"].as_u64(), small["config"]["style_dim"].as_u64()), (Some(64), Some(16)));
}

/// What runs on a GPU runs here too, if slowly: candle's operations, folded upsampling, modulations of the whole mixed code.
#[test]
fn plain_candle_kernels_give_the_same_numbers_and_pictures() {
    let files = Files::new();
    let candle = [(stylemap::kernels::KERNELS_VARIABLE, "candle")];
    let fixture = repository("tests/fixtures/f3_full_s64_l4.safetensors");
    let checkpoint = repository("tests/fixtures/f3_full_s64_l4.pt");
    let line = format!("verify {} --model {}", fixture.display(), checkpoint.display());
    let said = String::from_utf8(files.run_with(&line, &candle).stdout).unwrap();
    assert_eq!(said.lines().last(), Some("19 passed, 0 failed"), "{said}");
    let info = String::from_utf8(files.run_with("info --json", &candle).stdout).unwrap();
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info["kernels"], "candle");

    GrayImage::from_fn(64, 64, |x, y| Luma([(x * y / 16).min(255) as u8])).save(files.path("m.png")).unwrap();
    let edit = "edit {a} --model {small} --reference {b} --mask m.png --offset 9,-5 -o";
    files.ok(&format!("{edit} ours.png"));
    assert!(files.run_with(&format!("{edit} candle.png"), &candle).status.success());
    let [ours, theirs] = ["ours.png", "candle.png"].map(|name| image::open(files.path(name)).unwrap().into_rgb8());
    let worst = ours.as_raw().iter().zip(theirs.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(worst <= Some(1), "they differ by {worst:?}");
}

#[test]
fn convert_keeps_the_network() {
    let files = Files::new();
    let legacy = repository("tests/fixtures/f2_small_s64_l8_legacy.pt");
    let fixture = repository("tests/fixtures/f2_small_s64_l8.safetensors");
    files.ok("convert {small} -o zip.safetensors");
    files.ok(&format!("convert {} -o legacy.safetensors", legacy.display()));
    files.ok("convert {small} --dtype f16 -o half.safetensors");
    for model in ["zip.safetensors", "legacy.safetensors"] {
        let said = files.ok(&format!("verify {} --model {model}", fixture.display()));
        let last = said.lines().last().unwrap();
        assert!(last.ends_with(" passed, 0 failed") && !last.starts_with("0 "), "{said}");
    }
    let [whole, half] = ["zip.safetensors", "half.safetensors"].map(|name| files.bytes(name).len());
    assert!(half < whole * 6 / 10, "{half} bytes of {whole}");
    let converted = Checkpoint::load(&files.path("half.safetensors")).unwrap();
    assert_eq!(converted.config, Checkpoint::load(&files.small).unwrap().config);
    assert_eq!(converted.tensors["mean_stylemap"].dims(), [16, 8, 8]);
    assert_eq!(converted.metadata["name"], "f2_small_s64_l8");
    files.ok("--model half.safetensors sample -o face.png");
    files.fails("convert {small} -o model.pt", 1, ".safetensors");
    files.fails("convert {a} -o model.safetensors", 1, "not a usable checkpoint");
}

#[test]
fn verify_tells_right_from_wrong() {
    let files = Files::new();
    let model = Model::new(&Checkpoint::load(&files.small).unwrap(), DeviceChoice::Cpu, DtypeChoice::F32).unwrap();
    let values = (0..2 * 3 * 64 * 64).map(|i| (i as f32 * 0.01).sin()).collect();
    let images = Tensor::from_vec(values, (2, 3, 64, 64), &Device::Cpu).unwrap();
    let stylemap = model.encoder.forward(&images).unwrap();
    let picture = model.generator.decode(&stylemap).unwrap();
    let write = |name: &str, stylemap: &Tensor, picture_name: &str| {
        let tensors = [("in/images", &images), ("f32/stylemap_enc", stylemap), (picture_name, &picture)];
        let tensors = tensors.map(|(key, tensor)| (key.to_owned(), tensor.clone())).into();
        save_tensors(&files.path(name), &tensors, HashMap::new()).unwrap();
    };
    let verify = |name: &str, options: &str| {
        let Output { status, stdout, stderr } = files.run(&format!("verify {name} --model {{small}} {options}"));
        (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    };

    write("right.safetensors", &stylemap, "f32/image_recon");
    let (code, said, error) = verify("right.safetensors", "");
    assert_eq!((code, said.lines().last(), error.as_str()), (0, Some("2 passed, 0 failed"), ""));
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with("image_recon max_abs=") && lines[0].contains(" rms="), "{said}");
    assert!(lines[1].starts_with("stylemap_enc max_abs="), "{said}");

    let off = (&stylemap + 0.01).unwrap();
    write("wrong.safetensors", &off, "f32/image_recon");
    let (code, said, error) = verify("wrong.safetensors", "");
    assert_eq!((code, said.lines().last()), (1, Some("1 passed, 1 failed")));
    assert!(said.contains("FAILED") && error.starts_with("error: ") && error.lines().count() == 1, "{said}{error}");
    assert_eq!(verify("wrong.safetensors", "--tolerance 0.1").0, 0);

    let not_numbers = (&stylemap * f64::NAN).unwrap();
    write("nan.safetensors", &not_numbers, "f32/image_recon");
    assert_eq!(verify("nan.safetensors", "--tolerance 1e9").0, 1);

    write("unknown.safetensors", &stylemap, "f32/image_of_the_future");
    let (code, said, _) = verify("unknown.safetensors", "");
    assert_eq!((code, said.lines().last()), (0, Some("1 passed, 0 failed")));
    assert!(said.contains("image_of_the_future skipped"), "{said}");

    let nothing = BTreeMap::from([("f32/image_of_the_future".to_owned(), picture.clone())]);
    save_tensors(&files.path("nothing.safetensors"), &nothing, HashMap::new()).unwrap();
    let (code, said, error) = verify("nothing.safetensors", "");
    assert!(code == 1 && !said.contains(" passed, ") && error.contains("no output"), "{said}{error}");
    // A fixture of another network.
    files.fails("verify right.safetensors", 1, "error: ");
}

#[test]
fn bench_measures_everything() {
    let files = Files::new();
    let said = files.ok("--model {small} bench --json --runs 2");
    let report: serde_json::Value = serde_json::from_str(&said).unwrap();
    let measurements = report["measurements"].as_array().unwrap();
    assert_eq!(measurements.len(), 6);
    for measurement in measurements {
        assert_eq!(measurement["runs"].as_u64(), Some(2));
        let number = |key: &str| measurement[key].as_f64().unwrap();
        assert!(number("median_ms") > 0.0 && number("p95_ms") >= number("median_ms"), "{measurement}");
        assert!(number("frames_per_second") > 0.0, "{measurement}");
    }
    let readable = files.ok("--model {small} bench --random-weights default --runs 1");
    assert!(readable.contains("random weights") && readable.contains("stroke, small dab"), "{readable}");
    files.fails("--model {small} bench --random-weights published-256", 1, "--model");
}

#[test]
fn help_is_there_for_every_command() {
    let files = Files::new();
    let all = files.ok("--help");
    let commands = "edit interpolate reconstruct mix sample encode decode convert info verify bench";
    for command in commands.split(' ') {
        assert!(all.contains(command), "{command}");
        let help = files.ok(&format!("{command} --help"));
        assert!(help.contains("Usage:") && help.contains("--device") && help.contains("Example"), "{help}");
    }
    assert_eq!(files.ok("--version").trim(), concat!("stylebrush ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn files_that_cannot_be_used_are_one_sentence() {
    let files = Files::new();
    let photo = std::fs::read(&files.a).unwrap();
    std::fs::write(files.path("truncated.png"), &photo[..photo.len() / 2]).unwrap();
    std::fs::write(files.path("text.png"), "this is no picture").unwrap();
    std::fs::write(files.path("empty.png"), "").unwrap();
    let model = std::fs::read(&files.small).unwrap();
    std::fs::write(files.path("truncated.pt"), &model[..model.len() / 2]).unwrap();
    std::fs::write(files.path("text.pt"), "this is no model").unwrap();
    std::fs::write(files.path("empty.pt"), "").unwrap();
    let tensors = BTreeMap::from([("x".to_owned(), Tensor::zeros(3, candle_core::DType::F32, &Device::Cpu).unwrap())]);
    save_tensors(&files.path("other.safetensors"), &tensors, HashMap::new()).unwrap();
    files.mask("mask.png", 64, |_, _| 255);
    files.picture("wide.png", GrayImage::new(64, 48));
    std::fs::create_dir(files.path("folder")).unwrap();

    let cases = [
        ("reconstruct missing.png -o out.png", "cannot open missing.png"),
        ("reconstruct text.png -o out.png", "not a picture"),
        ("reconstruct empty.png -o out.png", "not a picture"),
        ("reconstruct truncated.png -o out.png", "not a picture"),
        ("reconstruct folder -o out.png", "folder"),
        ("interpolate {a} missing.png --frames 2 -o frames", "missing.png"),
        ("mix missing.png {a} --coarse-from a -o out.png", "missing.png"),
        ("encode missing.png -o w.safetensors", "missing.png"),
        ("decode missing.safetensors -o out.png", "missing.safetensors"),
        ("decode other.safetensors -o out.png", "no tensor `stylemap`"),
        ("edit {a} --reference missing.png --mask mask.png -o out.png", "missing.png"),
        ("edit {a} --reference {b} --mask missing.png -o out.png", "missing.png"),
        ("edit {a} --reference {b} --mask wide.png -o out.png", "must be square"),
        ("edit {a} --reference {b} --mask text.png -o out.png", "not a picture"),
        ("info --model missing.pt", "missing.pt"),
        ("info --model text.pt", "not a usable checkpoint"),
        ("info --model empty.pt", "not a usable checkpoint"),
        ("info --model truncated.pt", "not a usable checkpoint"),
        ("info --model other.safetensors", "not a usable checkpoint"),
        ("info --model folder", "folder"),
        ("convert truncated.pt -o model.safetensors", "not a usable checkpoint"),
        ("verify missing.safetensors --model {small}", "missing.safetensors"),
        ("verify text.png --model {small}", "not a fixture"),
        ("reconstruct {a} -o nowhere/out.png", "there is no folder nowhere"),
        ("reconstruct {a} -o folder", "the name must end in"),
        ("reconstruct {a} -o out.gif", "the name must end in"),
        ("encode {a} -o nowhere/w.safetensors", "there is no folder nowhere"),
        ("encode {a} -o w.png", "must end in .safetensors"),
        ("convert {small} -o nowhere/model.safetensors", "there is no folder nowhere"),
        ("interpolate {a} {b} --frames 2 -o nowhere/frames", "there is no folder nowhere"),
        ("interpolate {a} {b} --frames 2 -o mask.png", "it is a file"),
        ("sample --count 2 -o nowhere/faces", "there is no folder nowhere"),
        ("missing.png", "cannot open the photo missing.png"),
        ("reconstrct", "no command"),
    ];
    for (line, reason) in cases {
        files.fails(line, 1, reason);
    }
}

#[test]
fn a_device_that_is_not_there_is_one_sentence() {
    let files = Files::new();
    for (device, feature) in
        [("cuda", cfg!(feature = "cuda")), ("cuda:7", cfg!(feature = "cuda")), ("metal", cfg!(feature = "metal"))]
    {
        if !feature {
            files.fails(&format!("--device {device} reconstruct {{a}} -o out.png"), 1, "use --device cpu");
        }
    }
}

#[test]
fn wrong_usage_is_one_sentence() {
    let files = Files::new();
    files.mask("mask.png", 64, |_, _| 255);
    let edit = "edit {a} --reference {b} --mask mask.png -o out.png";
    let nine = format!("{edit} {}", "--reference {b} --mask mask.png ".repeat(8));
    let cases = [
        ("--device tpu info", "no device `tpu`"),
        ("info --device cuda:x", "no device `cuda:x`"),
        ("info --dtype f8", "no dtype `f8`"),
        ("info --threads 0", "whole number"),
        ("info --threads many", "whole number"),
        ("info --devce cpu", "--device"),
        ("info extra", "extra"),
        ("reconstruct", "--output"),
        ("reconstruct {a}", "--output"),
        ("interpolate {a} {b} -o out.png", "--at"),
        ("interpolate {a} {b} --at 0.5 --frames 2 -o out.png", "--frames"),
        ("interpolate {a} {b} --at 1.5 -o out.png", "from 0 to 1"),
        ("interpolate {a} {b} --at -0.5 -o out.png", "from 0 to 1"),
        ("interpolate {a} {b} --at NaN -o out.png", "from 0 to 1"),
        ("interpolate {a} {b} --at half -o out.png", "from 0 to 1"),
        ("interpolate {a} {b} --frames 1 -o frames", "from 2"),
        ("interpolate {a} {b} --frames -3 -o frames", "from 2"),
        ("mix {a} {b} -o out.png", "--coarse-from"),
        ("mix {a} {b} --coarse-from c -o out.png", "a, b"),
        ("sample --count 0 -o faces", "from 1"),
        ("sample --seed -1 -o out.png", "whole number"),
        ("sample --truncation NaN -o out.png", "from 0 to 2"),
        ("sample --truncation -1 -o out.png", "from 0 to 2"),
        ("verify f.safetensors --tolerance -1", "not negative"),
        ("verify f.safetensors --tolerance NaN", "not negative"),
        ("bench --runs 0", "from 1"),
        ("bench --random-weights huge", "published-256"),
        ("edit {a} -o out.png", "--reference"),
        ("edit {a} --reference {b} -o out.png", "--mask"),
        ("edit {a} --mask mask.png --reference {b} -o out.png", "must follow"),
        (&format!("{edit} --strength 1.1"), "from 0 to 1"),
        (&format!("{edit} --strength NaN"), "from 0 to 1"),
        (&format!("{edit} --feather -1"), "from 0 to 2048"),
        (&format!("{edit} --feather inf"), "from 0 to 2048"),
        (&format!("{edit} --offset 5"), "two whole numbers"),
        (&format!("{edit} --offset 1,99999999999"), "two whole numbers"),
        (&format!("{edit} --mask mask.png"), "twice"),
        (&nine, "at most 8"),
    ];
    for (line, reason) in cases {
        files.fails(line, 2, reason);
    }
}
