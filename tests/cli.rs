//! The program itself, as a shell runs it: every command on real files, and every way to use it wrongly.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use candle_core::{Device, Tensor};
use image::codecs::jpeg::JpegEncoder;
use image::{GenericImage as _, GrayImage, ImageDecoder as _, ImageEncoder as _, Luma, Rgb, RgbImage, imageops};
use stylebrush_app::document::{Document, FaceRegion, PhotoId};
use stylebrush_app::export::{self, FileOptions, Format};
use stylebrush_app::photo_loading;
use stylebrush_app::project::{self, Project};
use stylemap::checkpoint::{Checkpoint, save_tensors};
use stylemap::face::paste::FEATHER_SHARE;
use stylemap::face::{CropQuad, FaceDetector, Landmarks, align, crop_quad};
use stylemap::model::{DeviceChoice, DtypeChoice, Model};
use stylemap::photo::{self, PhotoFile};
use tempfile::TempDir;

/// A file of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// An aligned face of 256 px.
fn portrait(name: &str) -> PathBuf {
    repository("tests/fixtures/portraits").join(name)
}

/// Photos with something around the face; `alignment.json` beside them has the crops that they must give.
const PHOTOS: [&str; 3] = ["faker_f17.jpg", "faker_f53.jpg", "faker_m29.jpg"];

fn fixture(name: &str) -> PathBuf {
    repository("tests/fixtures/faces").join(name)
}

/// Two aligned faces, and a small network with random weights for what does not depend on how good the pictures are.
struct Files {
    folder: TempDir,
    a: PathBuf,
    b: PathBuf,
    small: PathBuf,
}

impl Files {
    fn new() -> Self {
        let (a, b) = (portrait("female_053.png"), portrait("male_077.png"));
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

    /// Puts a photo of [`PHOTOS`] into the folder.
    fn photo(&self, fixture_name: &str, name: &str) -> RgbImage {
        std::fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        std::fs::copy(fixture(fixture_name), self.path(name)).unwrap();
        open(&self.path(name))
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

    /// The model that comes with the program keeps to the tolerance with 16 bit weights.
    fn verify_in_16_bit(&self, variables: &[(&str, &str)]) {
        let [fixture, model] =
            ["tests/fixtures/default_128.safetensors", "weights/default.safetensors"].map(repository);
        for dtype in ["f16", "bf16"] {
            let line = format!("verify {} --model {} --dtype {dtype}", fixture.display(), model.display());
            let said = String::from_utf8(self.run_with(&line, variables).stdout).unwrap();
            assert_eq!(said.lines().last(), Some("8 passed, 0 failed"), "{variables:?}, {dtype}: {said}");
        }
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

    /// Runs what must succeed, be it with a word about masks that select nothing.
    fn ok_whatever_is_painted(&self, line: &str) {
        let Output { status, stderr, .. } = self.run(line);
        let stderr = String::from_utf8(stderr).unwrap();
        let is_expected = |line: &str| line.contains("selects next to nothing");
        assert!(status.success() && stderr.lines().all(is_expected), "{line}: {status}, {stderr}");
    }

    /// The faces that `align` finds, one crop each in the folder `crops`.
    fn aligned(&self, photos: &str) -> Vec<serde_json::Value> {
        let said = self.ok(&format!("align {photos} -o crops --json"));
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How near `reconstruct` says that the encoder alone comes to the photo: it knows faces as they lie in aligned crops, and
    /// nothing else.
    fn psnr_db(&self, photo: &str) -> f64 {
        psnr_db(&self.ok(&format!("reconstruct {photo} --likeness 0 -o reconstruction.png")))
    }

    /// Runs what must succeed and say this on the standard error, in one line.
    fn warns(&self, line: &str, warning: &str) {
        let Output { status, stderr, .. } = self.run(line);
        let stderr = String::from_utf8(stderr).unwrap();
        assert!(status.success(), "{line}: {stderr}");
        assert!(stderr.starts_with("warning: ") && stderr.trim_end().lines().count() == 1, "{line}: {stderr}");
        assert!(stderr.contains(warning), "{line}: {stderr}");
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

fn psnr_db(said: &str) -> f64 {
    let number = said.split("PSNR ").nth(1).and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("no PSNR in {said}"))
}

fn point(value: &serde_json::Value) -> [f32; 2] {
    [0, 1].map(|axis| value[axis].as_f64().unwrap() as f32)
}

/// A face's crop as `align` or `alignment.json` has it.
fn quad(face: &serde_json::Value) -> CropQuad {
    CropQuad::from_corners([0, 1, 2, 3].map(|corner| point(&face["crop_quad"][corner]))).unwrap()
}

/// The farthest corner, as a share of the side.
fn corner_error(found: &CropQuad, expected: &CropQuad) -> f32 {
    let corners = found.corners_in_photo().into_iter().zip(expected.corners_in_photo());
    corners.map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1])).fold(0.0, f32::max) / expected.side_px()
}

/// A face upright on a plain ground, `side` pixels wide at (x, y), and where its crop must be.
fn place(picture: &mut RgbImage, face: &str, [x, y]: [u32; 2], side: u32) -> CropQuad {
    let face = imageops::resize(&open(&portrait(face)), side, side, imageops::FilterType::CatmullRom);
    picture.copy_from(&face, x, y).unwrap();
    let (left, top, side) = (x as f32 - 0.5, y as f32 - 0.5, side as f32);
    CropQuad::from_corners([[left, top], [left, top + side], [left + side, top + side], [left + side, top]]).unwrap()
}

fn plain(width: u32, height: u32) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb([120, 128, 136]))
}

#[test]
fn reconstruct_draws_the_photo() {
    let files = Files::new();
    let said = files.ok("reconstruct {a} -o a.png");
    assert!(said.starts_with("MSE 0.") && psnr_db(&said) > 30.0, "{said}");
    assert_eq!(open(&files.path("a.png")).dimensions(), (512, 512));

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
        files.ok(&format!("--model {{small}} reconstruct {{a}} --size 64 -o {name}"));
    }
    let drawn = open(&files.path("a.png"));
    assert_eq!(drawn.dimensions(), (64, 64));
    assert!(open(&files.path("a.webp")) == drawn);
    for name in ["a.jpg", "a.JPEG"] {
        assert!(files.bytes(name).starts_with(&[0xff, 0xd8]));
        assert_eq!(open(&files.path(name)).dimensions(), (64, 64));
    }
}

#[test]
fn photos_are_aligned() {
    let files = Files::new();
    for name in PHOTOS {
        files.photo(name, name);
        let (found, as_it_is) = (files.psnr_db(name), files.psnr_db(&format!("--aligned {name}")));
        assert!(found > as_it_is, "{name}: {found} dB, and {as_it_is} dB of the whole photo");
    }
    // The same face beside the middle of a wide photo.
    let mut wide = plain(900, 420);
    place(&mut wide, "female_053.png", [500, 100], 256);
    files.picture("wide.png", wide);
    let (found, expected) = (files.psnr_db("wide.png"), files.psnr_db("--aligned {a}"));
    assert!((found - expected).abs() < 1.5, "{found} dB, not {expected}");
    // Of two faces the larger one.
    let mut two = plain(900, 420);
    place(&mut two, "male_077.png", [40, 60], 160);
    place(&mut two, "female_053.png", [500, 100], 256);
    files.picture("two.png", two);
    let size = size_px(&files);
    files.ok(&format!("reconstruct wide.png --size {size} -o of_wide.png"));
    files.ok(&format!("reconstruct two.png --size {size} -o of_two.png"));
    assert!(mean_difference(&open(&files.path("of_wide.png")), &open(&files.path("of_two.png"))) < 2.0);
}

#[test]
fn aligned_photos_are_taken_as_they_are() {
    let files = Files::new();
    let photo = files.photo("faker_f17.jpg", "photo.jpg");
    files.ok("--model {small} reconstruct --aligned photo.jpg --size 64 -o out.png");
    let model = Model::new(&Checkpoint::load(&files.small).unwrap(), DeviceChoice::Cpu, DtypeChoice::F32).unwrap();
    let stylemap = model.encoder.forward(&photo::to_tensor(&photo, 64).unwrap()).unwrap();
    let rgba = photo::to_rgba(&model.generator.decode(&stylemap).unwrap()).unwrap();
    let expected = photo::rgb_from_rgba(&rgba, 64).unwrap();
    assert!(mean_difference(&open(&files.path("out.png")), &expected) < 0.01);
    // Nobody looks for a face.
    files.picture("flat.png", plain(80, 80));
    files.picture("wide.png", plain(80, 60));
    files.mask("mask.png", 64, |_, _| 255);
    files.ok("--model {small} reconstruct --aligned flat.png -o flat_out.png");
    let commands = [
        "reconstruct PHOTO -o out.png",
        "reconstruct PHOTO --in-photo -o out.png",
        "encode PHOTO -o out.safetensors",
        "mix {a} PHOTO --coarse-from a -o out.png",
        "interpolate PHOTO {a} --frames 2 -o frames",
        "interpolate {a} PHOTO --at 0.5 -o out.png",
        "edit PHOTO --reference {a} --mask mask.png --in-photo -o out.png",
        "edit {a} --reference PHOTO --mask mask.png -o out.png",
    ];
    std::fs::remove_file(files.path("out.png")).unwrap();
    for command in commands {
        let line = format!("--model {{small}} {command}");
        files.fails(&line.replace("PHOTO", "wide.png --aligned"), 1, "wide.png is 80 x 60 pixels");
        files.fails(&line.replace("PHOTO", "flat.png"), 1, "no face was found in flat.png: use --aligned if");
    }
}

#[test]
fn align_cuts_out_the_faces() {
    let files = Files::new();
    let references = std::fs::read(fixture("alignment.json")).unwrap();
    let references: Vec<serde_json::Value> = serde_json::from_slice(&references).unwrap();
    assert_eq!(references.len(), PHOTOS.len());
    let photos = PHOTOS.map(|name| files.photo(name, name));
    let faces = files.aligned(&PHOTOS.join(" "));
    assert_eq!(faces.len(), PHOTOS.len());
    for ((name, photo), face) in PHOTOS.iter().zip(&photos).zip(&faces) {
        let mut fields: Vec<_> = face.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        let expected =
            ["confidence", "crop", "crop_quad", "eye_left", "eye_right", "mouth_left", "mouth_right", "photo"];
        assert_eq!(fields, expected);
        assert_eq!(face["photo"], *name);
        assert_eq!(face["crop"], Path::new("crops").join(name).with_extension("png").to_str().unwrap());
        let confidence = face["confidence"].as_f64().unwrap();
        assert!((0.5..=1.0).contains(&confidence), "{name}: {confidence}");

        let reference = references.iter().find(|reference| reference["photo"] == *name).unwrap();
        let found = quad(face);
        let error = corner_error(&found, &quad(reference));
        assert!(error < 0.04, "{name}: {error}");
        let [eye_left, eye_right, mouth_left, mouth_right] =
            ["eye_left", "eye_right", "mouth_left", "mouth_right"].map(|key| point(&face[key]));
        let landmarks = Landmarks { eye_left, eye_right, nose: None, mouth_left, mouth_right };
        assert!(corner_error(&crop_quad(&landmarks).unwrap(), &found) < 1e-4, "{name}");
        let crop = open(&files.path(face["crop"].as_str().unwrap()));
        assert!(mean_difference(&crop, &align(photo, &found, 256).unwrap()) < 0.1, "{name}");
    }
    // A crop is what --aligned takes.
    let (unaligned, aligned) = (files.psnr_db("faker_f17.jpg"), files.psnr_db("--aligned crops/faker_f17.png"));
    assert!((unaligned - aligned).abs() < 0.3, "{unaligned} dB and {aligned} dB");

    let said = files.ok("align faker_f17.jpg faker_f53.jpg --size 64 -o small");
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with("faker_f17.jpg: ") && lines[0].ends_with("faker_f17.png"), "{said}");
    assert_eq!(lines.len(), 2);
    assert_eq!(open(&files.path("small/faker_f53.png")).dimensions(), (64, 64));
}

#[test]
fn align_finds_every_face() {
    let files = Files::new();
    let mut friends = plain(1000, 500);
    let places =
        [("male_077.png", [40, 60], 200), ("female_053.png", [560, 80], 360), ("male_005.png", [290, 200], 240)];
    let mut expected = places.map(|(face, at, side)| (side, place(&mut friends, face, at, side)));
    files.picture("friends.png", friends);
    expected.sort_by_key(|(side, _)| std::cmp::Reverse(*side));
    let faces = files.aligned("friends.png");
    assert_eq!(faces.len(), 3);
    for (number, (face, (_, expected))) in (1..).zip(faces.iter().zip(&expected)) {
        assert_eq!(face["photo"], "friends.png");
        assert!(face["crop"].as_str().unwrap().ends_with(&format!("friends_{number}.png")), "{face}");
        let error = corner_error(&quad(face), expected);
        assert!(error < 0.06, "face {number}: {error}");
    }
    assert_eq!(std::fs::read_dir(files.path("crops")).unwrap().count(), 3);
    let said = files.ok("align friends.png -o again");
    assert!(said.starts_with("friends.png: 3 faces, ") && said.trim_end().ends_with("friends_3.png"), "{said}");
}

#[test]
fn align_overwrites_nothing() {
    let files = Files::new();
    for (photo, name) in PHOTOS.iter().zip(["one/me.jpg", "two/me.jpg"]) {
        files.photo(photo, name);
    }
    std::fs::create_dir(files.path("crops")).unwrap();
    std::fs::write(files.path("crops/me.png"), "mine").unwrap();
    let faces = files.aligned("one/me.jpg two/me.jpg");
    let crops: Vec<_> = faces.iter().map(|face| Path::new(face["crop"].as_str().unwrap())).collect();
    assert_eq!(crops, [Path::new("crops/me_2.png"), Path::new("crops/me_3.png")]);
    assert!(files.bytes("crops/me_2.png") != files.bytes("crops/me_3.png"));
    assert_eq!(files.bytes("crops/me.png"), b"mine");
    // Not even the photo itself, in the folder that it is in.
    std::fs::copy(&files.a, files.path("a.png")).unwrap();
    files.ok("align a.png -o .");
    assert!(files.bytes("a.png") == std::fs::read(&files.a).unwrap());
    assert_eq!(open(&files.path("a_2.png")).dimensions(), (256, 256));
}

#[test]
fn align_goes_on_after_a_photo_that_fails() {
    let files = Files::new();
    files.photo("faker_m29.jpg", "good.jpg");
    files.picture("flat.png", plain(300, 200));
    std::fs::write(files.path("text.png"), "this is no picture").unwrap();
    let run = |line: &str| {
        let Output { status, stdout, stderr } = files.run(line);
        let [stdout, stderr] = [stdout, stderr].map(|text| String::from_utf8(text).unwrap());
        assert_eq!(status.code(), Some(1), "{line}: {stderr}");
        (stdout, stderr.lines().map(str::to_owned).collect::<Vec<_>>())
    };
    let before = files.listing();
    let (stdout, stderr) = run("align flat.png -o crops");
    assert_eq!(stdout, "");
    assert_eq!(stderr, ["warning: no face was found in flat.png", "error: 1 of 1 photos gave no crop"]);
    assert_eq!(before, files.listing(), "a folder without crops was left");

    let (stdout, stderr) = run("align flat.png text.png good.jpg missing.jpg -o crops --json");
    assert_eq!(stdout.lines().count(), 1);
    let face: serde_json::Value = serde_json::from_str(stdout.trim_end()).unwrap();
    assert_eq!(face["photo"], "good.jpg");
    assert_eq!(open(&files.path("crops/good.png")).dimensions(), (256, 256));
    assert_eq!(std::fs::read_dir(files.path("crops")).unwrap().count(), 1);
    for (line, reason) in stderr.iter().zip(["flat.png", "text.png is not a picture", "cannot open missing.jpg"]) {
        assert!(line.starts_with("warning: ") && line.contains(reason), "{line}");
    }
    assert_eq!((stderr.len(), stderr[3].as_str()), (4, "error: 3 of 4 photos gave no crop"));
}

/// How far a position of the crop lies from a rectangle of it.
fn distance_to([left, top, right, bottom]: [f32; 4], [x, y]: [f32; 2]) -> f32 {
    (left - x).max(x - right).max(0.0).hypot((top - y).max(y - bottom).max(0.0))
}

#[test]
fn an_edit_in_the_photo_stays_where_it_was_painted() {
    let files = Files::new();
    let photo = files.photo("faker_f17.jpg", "photo.jpg");
    let size = size_px(&files);
    let quad = quad(&files.aligned("photo.jpg")[0]);
    files.mask("nothing.png", 64, |_, _| 0);
    files.ok_whatever_is_painted("edit photo.jpg --reference {b} --mask nothing.png --in-photo -o same.png");
    assert!(open(&files.path("same.png")) == photo, "nothing was painted, and something changed");

    // A mouth, and with an offset an eye.
    let painted = [3 * size / 8, 5 * size / 8, 5 * size / 8, 13 * size / 16];
    let [left, top, right, bottom] = painted;
    files.mask("mouth.png", size, |x, y| 255 * u8::from((left..right).contains(&x) && (top..bottom).contains(&y)));
    let up_px = size / 4;
    for (options, moved_px) in [(String::new(), 0), (format!("--offset 0,-{up_px}"), up_px)] {
        files.ok(&format!("edit photo.jpg --reference {{b}} --mask mouth.png {options} --in-photo -o out.png"));
        let edited = open(&files.path("out.png"));
        assert_eq!(edited.dimensions(), photo.dimensions());
        let crop_from_photo = quad.crop_from_photo(size);
        // To the outer pixels' centres.
        let painted = [left, top - moved_px, right - 1, bottom - 1 - moved_px].map(|at| at as f32);
        let reach_px = FEATHER_SHARE * size as f32 + 2.0;
        let (mut inside, mut changed) = (0, 0);
        for ((x, y, before), after) in photo.enumerate_pixels().zip(edited.pixels()) {
            let distance = distance_to(painted, crop_from_photo.apply([x as f32, y as f32]));
            if distance > reach_px {
                assert_eq!(before, after, "{options}: at ({x}, {y}), {distance} from what was painted");
            } else if distance == 0.0 {
                inside += 1;
                changed += usize::from(before != after);
            }
        }
        assert!(changed * 10 > inside * 9 && inside > 1000, "{options}: {changed} of {inside} pixels changed");
    }
}

#[test]
fn a_face_between_two_in_the_photo_of_the_first() {
    let files = Files::new();
    let photo = files.photo("faker_f53.jpg", "a.jpg");
    files.photo("faker_m29.jpg", "b.jpg");
    let crop_from_photo = quad(&files.aligned("a.jpg")[0]).crop_from_photo(256);
    files.ok("interpolate a.jpg b.jpg --frames 3 --in-photo -o frames");
    files.ok("interpolate a.jpg b.jpg --at 1 --in-photo -o at_1.png");
    assert_eq!(std::fs::read_dir(files.path("frames")).unwrap().count(), 3);
    let frames = ["frames/0001.png", "frames/0002.png", "frames/0003.png"].map(|name| open(&files.path(name)));
    assert!(frames[0] == photo && frames[2] == open(&files.path("at_1.png")));
    let [_, middle, last] = frames.each_ref().map(|frame| mean_difference(frame, &photo));
    assert!(0.0 < middle && middle < last, "{middle}, {last}");
    for ((x, y, before), after) in photo.enumerate_pixels().zip(frames[2].pixels()) {
        let inside = crop_from_photo.apply([x as f32, y as f32]).iter().all(|at| (-0.6..=255.6).contains(at));
        assert!(inside || before == after, "at ({x}, {y})");
    }
}

#[test]
fn reconstruct_in_the_photo_shows_what_the_model_draws() {
    let files = Files::new();
    let photo = files.photo("faker_m29.jpg", "photo.jpg");
    let size = size_px(&files);
    let found = quad(&files.aligned("photo.jpg")[0]);
    // The encoder alone draws a face that one can tell from the photo's.
    let said = files.ok(&format!("reconstruct photo.jpg --likeness 0 --size {size} -o face.png"));
    assert_eq!(files.ok("reconstruct photo.jpg --likeness 0 --in-photo -o out.png"), said);
    let (face, result) = (open(&files.path("face.png")), open(&files.path("out.png")));
    // What is behind the head stays the photo's; in the middle of the crop the photo's own face is gone.
    let middle = |crop: &RgbImage| imageops::crop_imm(crop, size / 4, size / 4, size / 2, size / 2).to_image();
    let from_face =
        |picture: &RgbImage| mean_difference(&middle(&align(picture, &found, size).unwrap()), &middle(&face));
    let (before, after) = (from_face(&photo), from_face(&result));
    assert!(after < before / 2.0, "{before} became {after}");
    files.ok("reconstruct photo.jpg --in-photo -o alike.png");
    let alike = open(&files.path("alike.png"));
    let [far, near] = [&result, &alike].map(|picture| mean_difference(picture, &photo));
    assert!(alike != photo && near < far / 2.0, "{near} of {far}");
    let crop_from_photo = found.crop_from_photo(size);
    let beyond = size as f32 - 0.4;
    for ((x, y, before), after) in photo.enumerate_pixels().zip(result.pixels()) {
        let inside = crop_from_photo.apply([x as f32, y as f32]).iter().all(|at| (-0.6..=beyond).contains(at));
        assert!(inside || before == after, "at ({x}, {y})");
    }

    // An aligned photo is its own crop.
    let large = imageops::resize(&open(&files.a), 600, 600, imageops::FilterType::CatmullRom);
    files.picture("large.png", large.clone());
    files.ok("reconstruct --aligned large.png --likeness 0 --in-photo -o large_out.png");
    files.ok(&format!("reconstruct --aligned large.png --likeness 0 --size {size} -o face.png"));
    let (face, result) = (open(&files.path("face.png")), open(&files.path("large_out.png")));
    let from_face = |picture: &RgbImage| mean_difference(&middle(&photo::resized(picture, size)), &middle(&face));
    assert_eq!(result.dimensions(), large.dimensions());
    let (before, after) = (from_face(&large), from_face(&result));
    assert!(after < before / 2.0, "{before} became {after}");
}

#[test]
fn a_photo_that_lies_on_its_side_comes_out_upright() {
    let files = Files::new();
    let upright = imageops::crop_imm(&open(&fixture("faker_m29.jpg")), 0, 0, 1024, 900).to_image();
    files.picture("upright.png", upright.clone());
    let stored = imageops::rotate270(&upright);
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, 95);
    // One entry: orientation 6, as a camera that was held upright writes it.
    encoder.set_exif_metadata(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec()).unwrap();
    encoder.write_image(&stored, 900, 1024, image::ExtendedColorType::Rgb8).unwrap();
    std::fs::write(files.path("turned.jpg"), jpeg).unwrap();
    let quads = ["upright.png", "turned.jpg"].map(|name| quad(&files.aligned(name)[0]));
    assert!(corner_error(&quads[1], &quads[0]) < 0.02);
    for name in ["out.png", "out.jpg", "out.webp"] {
        files.ok(&format!("reconstruct turned.jpg --in-photo -o {name}"));
        let mut decoder = image::ImageReader::open(files.path(name)).unwrap().into_decoder().unwrap();
        assert_eq!(decoder.orientation().unwrap(), image::metadata::Orientation::NoTransforms, "{name}");
        let result = image::DynamicImage::from_decoder(decoder).unwrap().to_rgb8();
        // Below the face nothing but JPEG's losses.
        let below = |picture: &RgbImage| imageops::crop_imm(picture, 0, 700, 1024, 200).to_image();
        assert!(mean_difference(&below(&result), &below(&upright)) < 3.0, "{name}");
    }
}

#[test]
fn the_colours_of_the_photo_are_kept() {
    let files = Files::new();
    // Only the header's colour space is looked at.
    let mut profile: Vec<u8> = (0..200).collect();
    profile[16..20].copy_from_slice(b"RGB ");
    let photo = open(&fixture("faker_f53.jpg"));
    let mut file = PhotoFile::new(&photo);
    file.colours.icc_profile = Some(profile.clone());
    export::write(&files.path("photo.jpg"), &photo, Format::Jpeg, &FileOptions::of_photo(Some(&file))).unwrap();
    files.mask("mask.png", 64, |x, _| if x < 32 { 0 } else { 255 });
    let lines = [
        ("edit photo.jpg --reference {b} --mask mask.png --in-photo -o OUT", "edit.png"),
        ("edit photo.jpg --reference {b} --mask mask.png --in-photo -o OUT", "edit.jpg"),
        ("edit photo.jpg --reference {b} --mask mask.png --in-photo -o OUT", "edit.webp"),
        ("reconstruct photo.jpg --in-photo -o OUT", "reconstruct.jpg"),
        ("interpolate photo.jpg {b} --at 0.5 --in-photo -o OUT", "between.webp"),
    ];
    for (line, name) in lines {
        files.ok(&format!("--model {{small}} {}", line.replace("OUT", name)));
        let written = photo::open(files.path(name)).unwrap();
        assert_eq!(written.pixels.dimensions(), photo.dimensions(), "{name}");
        assert_eq!(written.file.colours.icc_profile.as_ref(), Some(&profile), "{name}");
    }
    files.ok("--model {small} interpolate photo.jpg {b} --frames 2 --in-photo -o frames");
    files.ok("align photo.jpg -o crops");
    let profile_of = |name: &str| photo::open(files.path(name)).unwrap().file.colours.icc_profile;
    assert_eq!(profile_of("frames/0002.png"), Some(profile));
    // Faces by themselves are in the colours of screens.
    assert_eq!(profile_of("crops/photo.png"), None);
    // The reference's colours are not the photo's.
    files.ok("--model {small} edit {b} --reference photo.jpg --mask mask.png --in-photo -o plain.png");
    assert_eq!(profile_of("plain.png"), None);
}

#[test]
fn edit_takes_what_the_masks_say() {
    let files = Files::new();
    let size = size_px(&files);
    files.ok(&format!("reconstruct {{a}} --size {size} -o a.png"));
    files.ok(&format!("reconstruct {{b}} --size {size} -o b.png"));
    let edit = format!("edit {{a}} --size {size} --match-colours off");
    let [a, b] = ["a.png", "b.png"].map(|name| open(&files.path(name)));

    files.mask("nothing.png", 64, |_, _| 0);
    files.warns(&format!("{edit} --reference {{b}} --mask nothing.png -o out.png"), "selects next to nothing");
    assert!(files.bytes("out.png") == files.bytes("a.png"));

    files.mask("all.png", size, |_, _| 255);
    files.ok(&format!("{edit} --reference {{b}} --mask all.png -o out.png"));
    assert!(mean_difference(&open(&files.path("out.png")), &b) < 1.0);
    // Strength and feather belong to the reference before them: the second one, of strength 0, changes nothing.
    let second = "--reference {a} --strength 0 --mask all.png";
    files.ok(&format!("{edit} --reference {{b}} --mask all.png --feather 3 {second} -o out.png"));
    assert!(mean_difference(&open(&files.path("out.png")), &b) < 1.0);
    // A part of its style alone, painted everywhere, is a mix of styles.
    for (take, coarse_from) in [("colours", "b"), ("shape", "a"), ("shape:2", "a --levels 2")] {
        files.ok(&format!("mix {{a}} {{b}} --size {size} --coarse-from {coarse_from} -o mixed.png"));
        files.ok(&format!("{edit} --reference {{b}} --mask all.png --take {take} -o out.png"));
        let [mixed, taken] = ["mixed.png", "out.png"].map(|name| open(&files.path(name)));
        let apart = mean_difference(&taken, &mixed);
        assert!(apart < 3.0 && apart < 0.3 * mean_difference(&taken, &a), "{take}: {apart}");
    }
    // Moved out of the picture, a reference is gone.
    files.ok(&format!("{edit} --reference {{b}} --mask all.png --offset -{size},0 -o out.png"));
    assert!(mean_difference(&open(&files.path("out.png")), &a) < 1.0);

    files.mask("right.png", size, |x, _| if x < size / 2 { 0 } else { 255 });
    files.ok(&format!("{edit} --reference {{b}} --mask right.png -o out.png"));
    let edited = open(&files.path("out.png"));
    let half = |picture: &RgbImage, x| imageops::crop_imm(picture, x, 0, size / 4, size).to_image();
    let difference = |x, other| mean_difference(&half(&edited, x), &half(other, x));
    assert!(difference(0, &a) < difference(0, &b), "the left is not the source's");
    assert!(difference(size * 3 / 4, &b) < difference(size * 3 / 4, &a), "the right is not the reference's");
}

#[test]
fn between_four_faces_the_edges_are_interpolations_and_the_corners_faces() {
    let files = Files::new();
    let four = "--model {small} interpolate {a} {b} {b} {a} --size 64";
    for (name, at) in [("left", "0,0"), ("right", "1,0"), ("below", "0,1"), ("edge", "0.3,0"), ("middle", "0.5,0.5")] {
        files.ok(&format!("{four} --at {at} -o {name}.png"));
    }
    files.ok("--model {small} interpolate {a} {b} --size 64 --at 0.3 -o between.png");
    files.ok("--model {small} interpolate {a} {b} --size 64 --at 0.5 -o half.png");
    let picture = |name: &str| open(&files.path(&format!("{name}.png")));
    assert!(picture("right") == picture("below") && picture("left") != picture("right"));
    assert!(mean_difference(&picture("edge"), &picture("between")) < 0.5, "an edge is a slider");
    // Two of each, in opposite corners: halfway between the two.
    assert!(mean_difference(&picture("middle"), &picture("half")) < 0.5);

    files.ok(&format!("{four} --frames 5 -o round"));
    files.ok(&format!("{four} --frames 3 --path 0,0 1,0 -o along"));
    let [first, second, last] =
        ["round/0001.png", "round/0002.png", "round/0005.png"].map(|name| open(&files.path(name)));
    assert!(first == picture("left") && second == picture("right") && last == first, "past every corner and back");
    let along = open(&files.path("along/0002.png"));
    assert!(mean_difference(&along, &picture("half")) < 0.5);
    for (wrong, code, says) in [
        (format!("{four} --at 0.5 -o wrong.png"), 1, "two numbers"),
        ("--model {small} interpolate {a} {b} --at 0.5,0.5 -o wrong.png".to_owned(), 1, "one number"),
        ("--model {small} interpolate {a} {b} --frames 3 --path 0,0 1,0 -o wrong".to_owned(), 1, "four faces"),
        (format!("{four} --at 0.5,1.5 -o wrong.png"), 2, "from 0 to 1"),
        ("--model {small} interpolate {a} {b} {a} --at 0.5,0.5 -o wrong.png".to_owned(), 2, "values"),
    ] {
        files.fails(&wrong, code, says);
    }
}

#[test]
fn interpolate_leads_from_one_face_to_the_other() {
    let files = Files::new();
    let size = format!("--size {}", size_px(&files));
    files.ok(&format!("reconstruct {{a}} {size} -o a.png"));
    files.ok(&format!("reconstruct {{b}} {size} -o b.png"));
    files.ok(&format!("interpolate {{a}} {{b}} {size} --at 0 -o at_0.png"));
    files.ok(&format!("interpolate {{a}} {{b}} {size} --at 1 -o at_1.png"));
    files.ok(&format!("interpolate {{a}} {{b}} {size} --frames 3 -o frames"));
    assert_eq!(std::fs::read_dir(files.path("frames")).unwrap().count(), 3);
    for (first, second) in
        [("at_0.png", "a.png"), ("at_1.png", "b.png"), ("frames/0001.png", "a.png"), ("frames/0003.png", "b.png")]
    {
        assert!(open(&files.path(first)) == open(&files.path(second)), "{first} is not {second}");
    }
    let [a, b, middle] = ["a.png", "b.png", "frames/0002.png"].map(|name| open(&files.path(name)));
    let whole = mean_difference(&a, &b);
    assert!(mean_difference(&a, &middle) < whole && mean_difference(&b, &middle) < whole);
    // A folder that is there is written to; what else is in it stays, and frames of an older run go where that was said.
    std::fs::write(files.path("frames/notes.txt"), "mine").unwrap();
    files.ok("--model {small} interpolate {a} {b} --size 64 --frames 2 --overwrite -o frames");
    assert_eq!(std::fs::read_dir(files.path("frames")).unwrap().count(), 3);
    assert_eq!(open(&files.path("frames/0002.png")).dimensions(), (64, 64));
}

#[test]
fn mix_takes_the_coarse_style_from_the_one_that_is_named() {
    let files = Files::new();
    files.ok("--model {small} reconstruct {a} -o a.png");
    files.ok("--model {small} mix {a} {a} --coarse-from b -o same.png");
    assert!(files.bytes("same.png") == files.bytes("a.png"));
    files.ok("--model {small} mix {a} {b} --coarse-from a -o coarse_a.png");
    files.ok("--model {small} mix {a} {b} --coarse-from b -o coarse_b.png");
    files.ok("--model {small} mix {b} {a} --coarse-from a -o turned.png");
    assert!(files.bytes("coarse_a.png") != files.bytes("coarse_b.png"));
    assert!(files.bytes("turned.png") == files.bytes("coarse_b.png"));
    // Where the styles are divided is chosen: at the ends there is one face alone.
    files.ok("--model {small} mix {a} {b} --coarse-from b --levels 0 -o all_a.png");
    files.ok("--model {small} mix {b} {a} --coarse-from b --levels 8 -o all_of_a.png");
    assert!(files.bytes("all_a.png") == files.bytes("a.png"));
    // With the fine structure of the face that gives none of the style.
    files.ok("--model {small} reconstruct {b} -o b.png");
    let [all, a, b] = ["all_of_a.png", "a.png", "b.png"].map(|name| open(&files.path(name)));
    assert!(mean_difference(&all, &a) < 0.5 * mean_difference(&all, &b));
    files.ok("--model {small} mix {a} {b} --coarse-from b --levels 2 -o two.png");
    assert!(files.bytes("two.png") != files.bytes("coarse_b.png"));
}

/// How alike the fine structure of two pictures is: the correlation of their grays less what is smooth.
fn structure_correlation(a: &RgbImage, b: &RgbImage) -> f64 {
    let fine = |picture: &RgbImage| -> Vec<f64> {
        let gray = imageops::grayscale(picture);
        let smooth = imageops::fast_blur(&gray, 4.0);
        gray.pixels().zip(smooth.pixels()).map(|(a, b)| f64::from(a.0[0]) - f64::from(b.0[0])).collect()
    };
    let (a, b) = (fine(a), fine(b));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

/// How far the mean colours of two pictures are apart.
fn colour_distance(a: &RgbImage, b: &RgbImage) -> f64 {
    let mean = |picture: &RgbImage, channel: usize| {
        picture.pixels().map(|pixel| f64::from(pixel.0[channel])).sum::<f64>() / f64::from(picture.width().pow(2))
    };
    (0..3).map(|channel| (mean(a, channel) - mean(b, channel)).abs()).sum()
}

#[test]
fn a_mix_has_the_colours_of_the_coarse_face_and_the_shape_of_the_other() {
    let files = Files::new();
    // One reddened, so that it is plain whose colours are seen.
    let mut red = open(&files.b);
    red.pixels_mut().for_each(|pixel| (pixel.0[1], pixel.0[2]) = (pixel.0[1] / 2, pixel.0[2] / 2));
    files.picture("red.png", red);
    files.ok("reconstruct --aligned {a} --size 128 -o again_a.png");
    files.ok("reconstruct --aligned red.png --size 128 -o again_b.png");
    let [a, b] = ["again_a.png", "again_b.png"].map(|name| open(&files.path(name)));
    for (coarse, colours, shape) in [("a", &a, &b), ("b", &b, &a)] {
        files.ok(&format!("mix --aligned {{a}} red.png --coarse-from {coarse} --size 128 -o mixed.png"));
        let mixed = open(&files.path("mixed.png"));
        assert!(
            structure_correlation(&mixed, shape) > 2.0 * structure_correlation(&mixed, colours).abs(),
            "coarse from {coarse}: {} like the shape's, {} like the colours'",
            structure_correlation(&mixed, shape),
            structure_correlation(&mixed, colours)
        );
        assert!(colour_distance(&mixed, colours) < colour_distance(&mixed, shape), "coarse from {coarse}");
    }
}

#[test]
fn sample_is_the_same_for_a_seed() {
    let files = Files::new();
    for (seed, name) in [("7", "once.png"), ("7", "again.png"), ("8", "other.png")] {
        files.ok(&format!("sample --seed {seed} -o {name}"));
    }
    assert!(files.bytes("once.png") == files.bytes("again.png"));
    assert!(files.bytes("once.png") != files.bytes("other.png"));
    files.ok("sample --seed 7 --count 2 -o faces");
    assert!(files.bytes("faces/0001.png") == files.bytes("once.png"));
    assert!(files.bytes("faces/0002.png") != files.bytes("once.png"));
    // Without any variation, whatever the seed, it is the average face.
    files.ok("sample --truncation 0 --seed 1 -o average.png");
    files.ok("sample --truncation 0 --seed 2 -o also_average.png");
    assert!(files.bytes("average.png") == files.bytes("also_average.png"));
    // With a trained mapping network.
    files.ok("--model {small} sample --seed 7 -o mapped.png");
    assert_eq!(open(&files.path("mapped.png")).dimensions(), (64, 64));
}

/// A face that the encoder does not know again is none that it could have given: what it does not know is a grid over the picture.
#[test]
fn random_faces_are_faces_that_the_encoder_gives() {
    let files = Files::new();
    let size = size_px(&files);
    files.ok(&format!("sample --seed 7 --count 6 --size {size} -o faces"));
    let distances = (1..=6).map(|number| {
        files.ok(&format!(
            "reconstruct --aligned faces/{number:04}.png --likeness 0 --size {size} -o again{number}.png"
        ));
        let [face, again] =
            [format!("faces/{number:04}.png"), format!("again{number}.png")].map(|name| open(&files.path(&name)));
        let squares = face.as_raw().iter().zip(again.as_raw()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
        squares.sum::<f64>() / face.as_raw().len() as f64 / 127.5f64.powi(2)
    });
    let mean = distances.sum::<f64>() / 6.0;
    // Without the round trips it is about 0.002.
    assert!(mean < 0.0012, "{mean}");
}

#[test]
fn encode_then_decode_is_reconstruct() {
    let files = Files::new();
    let size = size_px(&files);
    for likeness in ["", "--likeness 0", "--likeness 0.5"] {
        files.ok(&format!("reconstruct {{a}} {likeness} --size {size} -o a.png"));
        files.ok(&format!("encode {{a}} {likeness} -o w.safetensors"));
        files.ok("decode w.safetensors -o decoded.png");
        let [drawn, decoded] = ["a.png", "decoded.png"].map(|name| open(&files.path(name)));
        // A part of the residuals is rounded once more.
        let bound = if likeness == "--likeness 0.5" { 0.1 } else { 0.0 };
        assert!(mean_difference(&drawn, &decoded) <= bound, "{likeness}");
    }
    files.ok("encode {a} -o w.safetensors");
    files.ok("decode w.safetensors --likeness 0.5 -o decoded.png");
    assert!(files.bytes("decoded.png") == files.bytes("a.png"));

    let load = |name: &str| candle_core::safetensors::load(files.path(name), &Device::Cpu).unwrap();
    let tensors = load("w.safetensors");
    let stylemap = &tensors["stylemap"];
    assert_eq!((tensors.len(), stylemap.rank(), stylemap.dtype()), (5, 3, candle_core::DType::F32));
    let side = size as usize;
    for (index, side) in [side / 2, side / 2, side, side].into_iter().enumerate() {
        let residual = &tensors[&format!("residuals.{index}")];
        assert_eq!((residual.dtype(), &residual.dims()[1..]), (candle_core::DType::F16, [side, side].as_slice()));
    }
    let file = files.bytes("w.safetensors");
    let (_, header) = safetensors::SafeTensors::read_metadata(&file).unwrap();
    let info: serde_json::Value = serde_json::from_str(&files.ok("info --json")).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["stylemap.model_hash"], info["hash"].as_str().unwrap());

    // The stylemap alone, as files had it before there were residuals.
    let old = BTreeMap::from([("stylemap".to_owned(), stylemap.clone())]);
    save_tensors(&files.path("old.safetensors"), &old, HashMap::new()).unwrap();
    files.ok("decode old.safetensors -o old.png");
    files.ok(&format!("reconstruct {{a}} --likeness 0 --size {size} -o a.png"));
    assert!(files.bytes("old.png") == files.bytes("a.png"));
    files.warns("decode old.safetensors --likeness 1 -o old.png", "old.safetensors holds no residuals");

    // Larger than the model draws it.
    files.ok("decode old.safetensors --size 300 -o large.png");
    let large = open(&files.path("large.png"));
    assert_eq!(large.dimensions(), (300, 300));
    assert!(mean_difference(&photo::resized(&large, size), &open(&files.path("old.png"))) < 2.0);
}

#[test]
fn residuals_that_fit_no_model_are_one_sentence() {
    let files = Files::new();
    files.ok("encode {a} -o w.safetensors");
    let whole = candle_core::safetensors::load(files.path("w.safetensors"), &Device::Cpu).unwrap();
    let damaged = |change: &dyn Fn(&mut BTreeMap<String, Tensor>)| {
        let mut tensors: BTreeMap<_, _> = whole.clone().into_iter().collect();
        change(&mut tensors);
        save_tensors(&files.path("damaged.safetensors"), &tensors, HashMap::new()).unwrap();
        files.fails(
            "decode damaged.safetensors -o out.png",
            1,
            "damaged.safetensors is not for this model: the residuals",
        );
    };
    damaged(&|tensors| drop(tensors.remove("residuals.3")));
    damaged(&|tensors| {
        let narrow = tensors["residuals.2"].narrow(1, 0, 8).unwrap().contiguous().unwrap();
        tensors.insert("residuals.2".to_owned(), narrow);
    });
    damaged(&|tensors| {
        let infinite = (tensors["residuals.0"].to_dtype(candle_core::DType::F32).unwrap() * f64::INFINITY).unwrap();
        tensors.insert("residuals.0".to_owned(), infinite);
    });
    damaged(&|tensors| drop(tensors.insert("residuals.1".to_owned(), Tensor::new(1f32, &Device::Cpu).unwrap())));
}

#[test]
fn likeness_leads_from_the_encoder_to_the_photo() {
    let files = Files::new();
    let size = size_px(&files);
    let reconstruct = |options: &str| {
        let said = files.ok(&format!("reconstruct --aligned {{a}} {options} --size {size} -o out.png"));
        (psnr_db(&said), open(&files.path("out.png")))
    };
    let (alone_db, alone) = reconstruct("--likeness 0");
    let (half_db, _) = reconstruct("--likeness 0.5");
    let (alike_db, alike) = reconstruct("--likeness 1");
    assert!(alone_db + 1.0 < half_db && half_db + 3.0 < alike_db, "{alone_db}, {half_db}, {alike_db} dB");
    assert!(reconstruct("").1 == alike);
    let checkpoint = Checkpoint::load(&repository("weights/default.safetensors")).unwrap();
    let model = Model::new(&checkpoint, DeviceChoice::Cpu, DtypeChoice::F32).unwrap();
    let stylemap = model.encoder.forward(&photo::to_tensor(&open(&files.a), size as usize).unwrap()).unwrap();
    let rgba = photo::to_rgba(&model.generator.decode(&stylemap).unwrap()).unwrap();
    let expected = photo::rgb_from_rgba(&rgba, size as usize).unwrap();
    assert!(mean_difference(&alone, &expected) < 0.01);

    // Edits and mixes of such faces are theirs too, and where nothing is painted it is the same face.
    files.mask("nothing.png", 64, |_, _| 0);
    for (line, other) in [
        (format!("edit --aligned {{a}} --reference {{b}} --mask nothing.png --size {size}"), "{a}"),
        (format!("mix --aligned {{a}} {{a}} --coarse-from a --size {size}"), "{a}"),
        (format!("interpolate --aligned {{b}} {{a}} --at 1 --size {size}"), "{a}"),
    ] {
        for (likeness, expected) in [("--likeness 0", &alone), ("", &alike)] {
            files.ok_whatever_is_painted(&format!("{line} {likeness} -o out.png"));
            assert!(mean_difference(&open(&files.path("out.png")), expected) < 0.01, "{line} {likeness}, {other}");
        }
    }
}

#[test]
fn refined_faces_are_nearer_to_their_photos() {
    let files = Files::new();
    files.mask("mask.png", 64, |_, _| 255);
    let mse = |said: &str, word: &str| -> f64 {
        let after = said.split_once(word).unwrap().1;
        after.split_whitespace().next().unwrap().trim_end_matches(',').parse().unwrap()
    };
    let said = files.ok("--model {small} refine --aligned {a} --steps 25 -o w.safetensors");
    let (before, after) = (mse(&said, "MSE "), mse(&said, "before, "));
    assert!(after < 0.5 * before && said.contains("after 25 steps"), "{said}");
    // The file holds the face, and other commands refine alike.
    files.ok("--model {small} decode w.safetensors -o decoded.png");
    let drawn = open(&files.path("decoded.png"));
    let plain = mse(&files.ok("--model {small} reconstruct --aligned {a} --size 64 -o plain.png"), "MSE ");
    let line = "--model {small} reconstruct --aligned {a} --size 64 --refine 25";
    let refined = mse(&files.ok(&format!("{line} -o out.png")), "MSE ");
    assert!(refined < 0.5 * plain, "{plain} {refined}");
    assert!(mean_difference(&drawn, &open(&files.path("out.png"))) < 0.01);
    // Without a fine encoder there is likeness to choose now.
    files.ok(&format!("{line} --likeness 0 -o out.png"));
    assert!(files.bytes("out.png") == files.bytes("plain.png"));
    files.ok("--model {small} encode --aligned {a} --refine 25 -o again.safetensors");
    files.ok("--model {small} decode again.safetensors -o again.png");
    assert!(mean_difference(&drawn, &open(&files.path("again.png"))) < 0.01);
    for line in [
        "edit --aligned {b} --reference {a} --mask mask.png --match-colours off",
        "interpolate --aligned {b} {a} --at 1",
        "mix --aligned {a} {a} --coarse-from a",
    ] {
        files.ok(&format!("--model {{small}} {line} --size 64 --refine 25 -o out.png"));
        let difference = mean_difference(&open(&files.path("out.png")), &drawn);
        assert!(difference < 0.5, "{line}: {difference}");
    }
}

#[test]
fn refining_begins_where_the_fine_encoder_ends() {
    let files = Files::new();
    let size = size_px(&files);
    let plain = psnr_db(&files.ok(&format!("reconstruct --aligned {{a}} --size {size} -o out.png")));
    let refined = psnr_db(&files.ok(&format!("reconstruct --aligned {{a}} --size {size} --refine 10 -o out.png")));
    assert!(refined > plain + 0.5, "{plain} dB, {refined} dB");
}

#[cfg(unix)]
#[test]
fn what_was_refined_until_ctrl_c_is_kept() {
    let files = Files::new();
    // Only a process that listens already can be asked to stop, and how long that takes is the machine's affair.
    let stopped = [1, 2, 4, 8, 16, 32].into_iter().find_map(|seconds| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stylebrush"));
        command.current_dir(files.folder.path()).arg("--model").arg(&files.small).arg("refine").arg(&files.a);
        command.args("--aligned --steps 10000 -o w.safetensors".split(' '));
        let child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_secs(seconds));
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        Some(child.wait_with_output().unwrap()).filter(|output| output.status.success())
    });
    let Output { stdout, stderr, .. } = stopped.expect("it stops and keeps what it has");
    let (said, warned) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
    assert!(said.starts_with("MSE ") && warned.contains("of 10000 steps: the best face so far"), "{said} {warned}");
    files.ok("--model {small} decode w.safetensors -o out.png");
}

#[test]
fn likeness_without_a_fine_encoder_is_said_to_change_nothing() {
    let files = Files::new();
    files.mask("mask.png", 64, |_, _| 255);
    let commands = [
        "reconstruct {a}",
        "edit {a} --reference {b} --mask mask.png",
        "interpolate {a} {b} --at 0.5",
        "mix {a} {b} --coarse-from a",
    ];
    for command in commands {
        let line = format!("--model {{small}} {command} --size 64 -o out.png");
        files.ok(&line);
        let without = files.bytes("out.png");
        files.warns(&format!("{line} --likeness 0.5"), "--likeness changes nothing: this model has no fine encoder");
        assert!(files.bytes("out.png") == without, "{line}");
    }
    let encode = "--model {small} encode {a} --likeness 0 -o w.safetensors";
    files.warns(encode, "--likeness changes nothing: this model has no fine encoder");
    files.ok("--model {small} decode w.safetensors -o decoded.png");
    files.ok("--model {small} reconstruct {a} --size 64 -o out.png");
    assert!(files.bytes("decoded.png") == files.bytes("out.png"));
}

#[test]
fn a_face_by_itself_is_as_large_and_sharp_as_its_photo() {
    let files = Files::new();
    let photo = files.photo("faker_f53.jpg", "photo.jpg");
    let size = size_px(&files);
    let found = quad(&files.aligned("photo.jpg")[0]);
    // A face of more than 512 pixels.
    let said = files.ok("reconstruct photo.jpg -o face.png");
    assert_eq!(open(&files.path("face.png")).dimensions(), (1024, 1024));
    // The number is of the model's picture, whatever is written.
    assert_eq!(files.ok("reconstruct photo.jpg --size 512 -o face.png"), said);
    let (face, crop) = (open(&files.path("face.png")), align(&photo, &found, 512).unwrap());
    files.ok(&format!("reconstruct photo.jpg --size {size} -o small.png"));
    let blurred = photo::resized(&open(&files.path("small.png")), 512);
    let [sharp, blurred] = [&face, &blurred].map(|picture| mean_difference(picture, &crop));
    assert!(sharp < blurred / 2.0, "{sharp}, and {blurred} without the photo's fine structure");

    files.mask("mask.png", 64, |x, _| if x < 32 { 0 } else { 255 });
    for line in [
        "edit photo.jpg --reference {b} --mask mask.png --size 700 -o out.png",
        "mix photo.jpg {b} --coarse-from b --size 700 -o out.png",
        "interpolate photo.jpg {b} --at 0.5 --size 700 -o out.png",
        "sample --size 700 -o out.png",
    ] {
        files.ok(line);
        assert_eq!(open(&files.path("out.png")).dimensions(), (700, 700), "{line}");
        let _ = std::fs::remove_file(files.path("out.png"));
        files.fails(
            &line.replace("--size 700", "--size 100"),
            1,
            "--size 100 is smaller than the pictures of this model",
        );
    }
}

#[test]
fn references_are_brought_to_the_colours_of_the_source() {
    let files = Files::new();
    let size = size_px(&files);
    // The reference in another light.
    let mut tinted = open(&files.b);
    tinted.pixels_mut().for_each(|pixel| pixel.0 = [pixel.0[0] / 3, pixel.0[1] / 2, pixel.0[2]]);
    files.picture("tinted.png", tinted);
    let inside = size * 3 / 8..size * 5 / 8;
    files.mask("face.png", size, |x, y| 255 * u8::from(inside.contains(&x) && inside.contains(&y)));
    files.mask("nothing.png", size, |_, _| 0);
    let draw = |options: &str| {
        files.ok_whatever_is_painted(&format!("edit --aligned {{a}} --size {size} {options} -o out.png"));
        open(&files.path("out.png"))
    };
    let source = draw("--reference tinted.png --mask nothing.png");
    assert!(draw("--match-colours off --reference tinted.png --mask nothing.png") == source);
    let [matched, half, unmatched] =
        ["on", "0.5", "off"].map(|how| draw(&format!("--reference tinted.png --mask face.png --match-colours {how}")));
    assert!(draw("--reference tinted.png --mask face.png") == matched);
    assert!(draw("--match-colours off --reference tinted.png --mask face.png") == unmatched);
    let painted = |picture: &RgbImage| {
        let side = inside.end - inside.start;
        imageops::crop_imm(picture, inside.start, inside.start, side, side).to_image()
    };
    let blueness = |picture: &RgbImage| {
        let pixels = painted(picture);
        pixels.pixels().map(|pixel| f64::from(pixel.0[2]) - f64::from(pixel.0[0])).sum::<f64>()
            / pixels.pixels().len() as f64
    };
    let [of_source, matched, half, unmatched] = [&source, &matched, &half, &unmatched].map(blueness);
    assert!((matched - of_source).abs() < (unmatched - of_source).abs() / 3.0, "{of_source}: {matched}, {unmatched}");
    assert!(matched < half && half < unmatched, "{matched}, {half}, {unmatched}");
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
    files.verify_in_16_bit(&candle);
    let info = String::from_utf8(files.run_with("info --json", &candle).stdout).unwrap();
    let info: serde_json::Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info["kernels"], "candle");

    GrayImage::from_fn(64, 64, |x, y| Luma([(x * y / 16).min(255) as u8])).save(files.path("m.png")).unwrap();
    let edit = "edit {a} --model {small} --reference {b} --mask m.png --offset 9,-5 --size 64 -o";
    files.ok(&format!("{edit} ours.png"));
    assert!(files.run_with(&format!("{edit} candle.png"), &candle).status.success());
    let [ours, theirs] = ["ours.png", "candle.png"].map(|name| image::open(files.path(name)).unwrap().into_rgb8());
    let worst = ours.as_raw().iter().zip(theirs.as_raw()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(worst <= Some(1), "they differ by {worst:?}");
}

/// Every form of convolution with every kind of instructions that this machine has gives PyTorch's numbers.
#[test]
fn every_kernel_path_gives_the_numbers_of_the_reference() {
    let files = Files::new();
    let instructions: &[(&str, &str)] = if cfg!(target_arch = "x86_64") {
        &[("scalar", "scalar code"), ("avx2", "AVX2"), ("avx512", "AVX-512")]
    } else {
        &[("scalar", "scalar code"), ("neon", "NEON")]
    };
    for (word, name) in instructions {
        for (form, in_words) in [("", "Winograd"), ("direct,", "direct")] {
            let kernels = [(stylemap::kernels::KERNELS_VARIABLE, &*format!("{form}{word}"))];
            let Output { status, stdout, stderr } = files.run_with("info --json", &kernels);
            if !status.success() && String::from_utf8(stderr).unwrap().contains("none on this machine") {
                continue;
            }
            let info: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
            let said = info["kernels"].as_str().unwrap();
            assert!(said.contains(name) && said.contains(in_words), "{said}");
            for network in ["f2_small_s64_l8", "f3_full_s64_l4"] {
                let [fixture, checkpoint] =
                    ["safetensors", "pt"].map(|kind| repository(&format!("tests/fixtures/{network}.{kind}")));
                let line = format!("verify {} --model {}", fixture.display(), checkpoint.display());
                let said = String::from_utf8(files.run_with(&line, &kernels).stdout).unwrap();
                assert_eq!(said.lines().last(), Some("19 passed, 0 failed"), "{kernels:?}: {said}");
            }
            files.verify_in_16_bit(&kernels);
        }
    }
    let nonsense = [(stylemap::kernels::KERNELS_VARIABLE, "abacus")];
    let Output { status, stderr, .. } = files.run_with("info", &nonsense);
    assert_eq!(status.code(), Some(1));
    assert!(String::from_utf8(stderr).unwrap().contains("`abacus`"));
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
    assert_eq!(measurements.len(), 9);
    for measurement in measurements {
        assert_eq!(measurement["runs"].as_u64(), Some(2));
        let number = |key: &str| measurement[key].as_f64().unwrap();
        assert!(number("median_ms") > 0.0 && number("p95_ms") >= number("median_ms"), "{measurement}");
        assert!(number("frames_per_second") > 0.0, "{measurement}");
    }
    let readable = files.ok("--model {small} bench --random-weights default --runs 1");
    assert!(readable.contains("random weights") && readable.contains("stroke, small dab"), "{readable}");
    files.fails("--model {small} bench --random-weights published-256", 1, "--model");
    // Only of a model that has a fine encoder.
    let said = files.ok("bench --only fine-encoder,settled --runs 1");
    assert!(said.contains("fine encoder") && said.contains("settled picture"), "{said}");
}

#[test]
fn help_is_there_for_every_command() {
    let files = Files::new();
    let all = files.ok("--help");
    let commands = "edit interpolate reconstruct mix sample align encode refine decode convert directions info verify evaluate bench";
    for command in commands.split(' ') {
        assert!(all.contains(command), "{command}");
        let help = files.ok(&format!("{command} --help"));
        assert!(help.contains("Usage:") && help.contains("--device") && help.contains("Example"), "{help}");
        let encodes =
            "edit interpolate reconstruct mix encode decode evaluate".split(' ').any(|other| other == command);
        assert_eq!(help.contains("--likeness"), encodes, "{command}");
        assert_eq!(help.contains("--refine <STEPS>"), encodes && command != "decode", "{command}");
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

    // What is there of a damaged one is opened.
    files.warns("reconstruct --aligned truncated.png -o out.png", "truncated.png is damaged: it ends too early");
    std::fs::remove_file(files.path("out.png")).unwrap();

    let cases = [
        ("reconstruct missing.png -o out.png", "cannot open missing.png"),
        ("reconstruct text.png -o out.png", "not a picture"),
        ("reconstruct empty.png -o out.png", "not a picture"),
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
        ("reconstruct {a} --in-photo -o out.gif", "the name must end in"),
        ("align {a} -o nowhere/crops", "there is no folder nowhere"),
        ("align {a} -o mask.png", "it is a file"),
        ("align {a} --aligned -o crops", "without --aligned"),
        ("interpolate {a} {b} --frames 2 --in-photo -o mask.png", "it is a file"),
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
        ("mix {a} {b} --coarse-from a --in-photo -o out.png", "--in-photo"),
        ("encode {a} --in-photo -o w.safetensors", "--in-photo"),
        ("interpolate {a} {b} --in-photo -o out.png", "--at"),
        ("align -o crops", "<PHOTO>"),
        ("align {a}", "--output"),
        ("align {a} --size 15 -o crops", "from 16 to 4096"),
        ("align {a} --size -256 -o crops", "from 16 to 4096"),
        ("align {a} --size large -o crops", "whole number"),
        ("align {a} --in-photo -o crops", "--in-photo"),
        ("mix {a} {b} --coarse-from c -o out.png", "a, b"),
        ("reconstruct {a} --likeness 1.1 -o out.png", "from 0 to 1"),
        ("decode {a} --likeness -1 -o out.png", "from 0 to 1"),
        ("encode {a} --likeness all -o out.safetensors", "from 0 to 1"),
        ("evaluate faces --likeness NaN", "from 0 to 1"),
        ("reconstruct {a} --size 15 -o out.png", "from 16 to 4096"),
        ("sample --size 4097 -o out.png", "from 16 to 4096"),
        ("mix {a} {b} --coarse-from a --size -512 -o out.png", "from 16 to 4096"),
        ("reconstruct {a} --in-photo --size 512 -o out.png", "--size"),
        ("interpolate {a} {b} --at 0.5 --in-photo --size 512 -o out.png", "--size"),
        ("encode {a} --size 512 -o out.safetensors", "--size"),
        ("sample --likeness 1 -o out.png", "--likeness"),
        ("refine {a} --steps 0 -o w.safetensors", "from 1 to 10000"),
        ("refine {a} --steps -5 -o w.safetensors", "from 1 to 10000"),
        ("refine {a} --steps 10001 -o w.safetensors", "from 1 to 10000"),
        ("refine {a}", "--output"),
        ("reconstruct {a} --refine many -o out.png", "whole number"),
        ("encode {a} --refine 0 -o w.safetensors", "from 1"),
        ("decode {a} --refine 5 -o out.png", "--refine"),
        ("sample --refine 5 -o out.png", "--refine"),
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
        (&format!("{edit} --in-photo --size 512"), "--size"),
        (&format!("{edit} --match-colours maybe"), "on, off or a number from 0 to 1"),
        (&format!("{edit} --match-colours 1.5"), "on, off or a number from 0 to 1"),
        (&format!("{edit} --match-colours on --match-colours off"), "twice"),
        ("edit {a} --direction Age=1 --match-colours off -o out.png", "--reference"),
        (&nine, "at most 8"),
    ];
    for (line, reason) in cases {
        files.fails(line, 2, reason);
    }
}

/// Demo faces in two folders, and one beside them.
fn faces_to_measure(files: &Files) {
    for entry in std::fs::read_dir(repository("tests/fixtures/portraits")).unwrap() {
        let path = entry.unwrap().path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".png")) else {
            continue;
        };
        let place = match name {
            "male_077.png" => files.path("faces/alone.png"),
            _ => files.path("faces").join(name.split('_').next().unwrap()).join(name),
        };
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::copy(&path, place).unwrap();
    }
}

fn assert_near(ours: &serde_json::Value, reference: &serde_json::Value, at: &str) {
    match (ours, reference) {
        (serde_json::Value::Object(ours), serde_json::Value::Object(reference)) => {
            for (key, reference) in reference {
                assert_near(
                    ours.get(key).unwrap_or_else(|| panic!("no {at}/{key}")),
                    reference,
                    &format!("{at}/{key}"),
                );
            }
        }
        (ours, reference) => {
            let (ours, reference) = (ours.as_f64().unwrap(), reference.as_f64().unwrap());
            assert!((ours - reference).abs() <= 1e-4 * reference.abs(), "{at}: {ours}, and PyTorch has {reference}");
        }
    }
}

/// `tests/fixtures/evaluate.py` wrote the numbers.
#[test]
fn evaluate_gives_the_numbers_of_pytorch() {
    let files = Files::new();
    faces_to_measure(&files);
    let network = repository("tests/fixtures/small_lpips.safetensors");
    let line = format!("--model {{small}} evaluate faces --lpips {} --json", network.display());
    let ours: serde_json::Value = serde_json::from_str(&files.ok(&line)).unwrap();
    let reference = std::fs::read(repository("tests/fixtures/evaluate.json")).unwrap();
    let reference: serde_json::Value = serde_json::from_slice(&reference).unwrap();
    assert_near(&ours, &reference, "");
    assert_eq!(ours["unreadable"], serde_json::json!([]));
    // Without LPIPS the other numbers stay.
    let without: serde_json::Value = serde_json::from_str(&files.ok("--model {small} evaluate faces --json")).unwrap();
    assert_eq!(without["local_edits"], ours["local_edits"]);
    assert_eq!(without["reconstruction"]["all"]["mse"], ours["reconstruction"]["all"]["mse"]);
    assert!(without.get("interpolation").is_none() && without["reconstruction"]["all"].get("lpips").is_none());
    let worst = &without["reconstruction"]["all"]["worst"];
    assert!(worst["mse"].as_f64() > without["reconstruction"]["all"]["mse"].as_f64(), "{worst}");
    assert!(files.path("faces").join(worst["picture"].as_str().unwrap()).is_file(), "{worst}");
    assert!(without.get("reconstruction_by_encoder_alone").is_none());
    let said = files.ok("--model {small} evaluate faces");
    for word in ["8 pictures at 64 x 64 px, the encoder alone", "female", "all", "mouth", "MSE src"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    files.warns("--model {small} evaluate faces --likeness 1", "--likeness changes nothing");
}

#[test]
fn evaluate_measures_with_the_fine_encoder_and_without() {
    let files = Files::new();
    faces_to_measure(&files);
    let evaluate = |options: &str| -> serde_json::Value {
        serde_json::from_str(&files.ok(&format!("evaluate faces --json {options}"))).unwrap()
    };
    let (alike, alone) = (evaluate(""), evaluate("--likeness 0"));
    assert_eq!((alike["likeness"].as_f64(), alone["likeness"].as_f64()), (Some(1.0), Some(0.0)));
    assert_eq!(alike["reconstruction_by_encoder_alone"], alone["reconstruction"]);
    assert!(alone.get("reconstruction_by_encoder_alone").is_none());
    let number = |value: &serde_json::Value, path: &str| value.pointer(path).and_then(|value| value.as_f64()).unwrap();
    for path in ["/reconstruction/all/mse", "/local_edits/all/mse_src", "/local_edits/all/mse_ref"] {
        let [alike, alone] = [&alike, &alone].map(|measured| number(measured, path));
        assert!(alike < alone / 2.0, "{path}: {alike}, and {alone} by the encoder alone");
    }
    let said = files.ok("evaluate faces --likeness 0.5");
    assert!(said.contains("likeness 0.5") && said.contains("encoder alone"), "{said}");
}

#[test]
fn evaluate_names_what_it_cannot_measure() {
    let files = Files::new();
    std::fs::create_dir_all(files.path("faces/none")).unwrap();
    files.fails("--model {small} evaluate gone", 1, "cannot read the folder gone");
    files.fails("--model {small} evaluate faces", 1, "there is no picture in faces");
    std::fs::write(files.path("faces/none/broken.png"), "no picture").unwrap();
    std::fs::copy(&files.a, files.path("faces/a.png")).unwrap();
    let Output { status, stderr, .. } = files.run("--model {small} evaluate faces");
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(
        stderr.contains("broken.png") && stderr.contains("error: 1 of 2 pictures in faces can be read"),
        "{stderr}"
    );
    std::fs::copy(&files.b, files.path("faces/b.png")).unwrap();
    RgbImage::new(40, 30).save(files.path("faces/wide.png")).unwrap();
    let Output { status, stdout, stderr } = files.run("--model {small} evaluate faces --json");
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("warning: ") && stderr.contains("wide.png is 40 x 30 pixels"), "{stderr}");
    assert!(stderr.ends_with("error: 2 of 4 pictures cannot be read and are in no number\n"), "{stderr}");
    let measured: serde_json::Value = serde_json::from_slice(&stdout).unwrap();
    assert_eq!(
        (&measured["images"], &measured["unreadable"]),
        (&2.into(), &serde_json::json!(["none/broken.png", "wide.png"]))
    );
    for (network, reason) in
        [("{a}", "is not the LPIPS network"), ("{small}", "is not the LPIPS network"), ("gone", "cannot read gone")]
    {
        files.fails(&format!("--model {{small}} evaluate faces --lpips {network}"), 1, reason);
    }
    files.ok("convert {small} -o other.safetensors");
    files.fails("--model {small} evaluate faces --lpips other.safetensors", 1, "no tensor `features.0.weight`");
}

/// Writes directions for the small model, each pointing elsewhere.
fn write_directions(files: &Files, name: &str, base: usize) {
    let names = ["Smile", "Age"];
    let direction = |(index, name): (usize, &str)| {
        let values = (0..16 * base * base).map(|i| ((i * (7 + 4 * index) % 13) as f32 - 6.0) / 6.0);
        (name.to_owned(), Tensor::from_iter(values, &Device::Cpu).unwrap().reshape((16, base, base)).unwrap())
    };
    let tensors: BTreeMap<String, Tensor> = names.into_iter().enumerate().map(direction).collect();
    let list = names.map(|name| format!(r#"{{"name": "{name}", "source": "test", "range": [-3, 3]}}"#)).join(", ");
    save_tensors(&files.path(name), &tensors, HashMap::from([("directions".to_owned(), format!("[{list}]"))])).unwrap();
}

#[test]
fn edit_moves_faces_along_directions() {
    let files = Files::new();
    files.ok("convert {small} -o model.safetensors");
    let list = |line: &str| serde_json::from_str::<serde_json::Value>(&files.ok(line)).unwrap()["directions"].clone();
    assert_eq!(list("--model model.safetensors info --json"), serde_json::json!([]));
    files.fails("--model model.safetensors edit {a} --direction Smile=1 -o out.png", 1, "it has none at all");
    // A file beside the model is found by its name.
    write_directions(&files, "model.directions.safetensors", 8);
    assert_eq!(list("--model model.safetensors info --json")[0]["name"], "Smile");
    let run = |options: &str| {
        files.ok(&format!("--model model.safetensors edit {{a}} {options} --size 64 -o out.png"));
        open(&files.path("out.png"))
    };
    let plain = run("--direction Smile=0");
    let smiling = run("--direction smile=2");
    let older = run("--direction Smile=2 --direction Age=-1.5");
    assert!(mean_difference(&plain, &smiling) > 1.0 && mean_difference(&smiling, &older) > 1.0);
    assert!(run("--direction Age=-1.5 --direction Smile=2") == older);

    // After a reference only what that brings in moves; before it, everything does.
    files.mask("left.png", 64, |x, _| if x < 32 { 255 } else { 0 });
    let both = run("--reference {b} --mask left.png");
    let inside = run("--reference {b} --mask left.png --direction Smile=2");
    let everywhere = run("--direction Smile=2 --reference {b} --mask left.png");
    let right = |picture: &RgbImage| imageops::crop_imm(picture, 44, 0, 20, 64).to_image();
    let left = |picture: &RgbImage| imageops::crop_imm(picture, 0, 0, 20, 64).to_image();
    let moved = mean_difference(&left(&both), &left(&inside));
    assert!(moved > 1.0 && mean_difference(&right(&both), &right(&inside)) < moved / 2.0);
    assert!(mean_difference(&right(&both), &right(&everywhere)) > moved / 4.0);
    assert!(mean_difference(&left(&both), &left(&everywhere)) > moved / 2.0);

    // Another file in its place, and what is wrong with one.
    write_directions(&files, "other.safetensors", 8);
    std::fs::remove_file(files.path("model.directions.safetensors")).unwrap();
    assert!(run("--directions other.safetensors --direction smile=2") == smiling);
    write_directions(&files, "model.directions.safetensors", 4);
    files.fails("--model model.safetensors edit {a} --direction Smile=1 -o out2.png", 1, "it belongs to another model");
    files.fails("edit {a} --directions other.safetensors --direction Hat=1 -o out2.png", 1, "has no usable directions");
    files.fails("edit {a} --directions {b} --direction Hat=1 -o out2.png", 1, "not a safetensors file");
    files.fails("edit {a} --direction Hat=1 -o out2.png", 1, "this model has no direction `Hat`; it has ");
}

#[test]
fn a_slider_is_learned_from_two_groups_of_photos() {
    let files = Files::new();
    for (folder, letter) in [("women", 'f'), ("men", 'm')] {
        std::fs::create_dir(files.path(folder)).unwrap();
        for entry in std::fs::read_dir(repository("tests/fixtures/portraits")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.starts_with(letter) {
                std::fs::copy(portrait(&name), files.path(folder).join(&name)).unwrap();
            }
        }
    }
    let home = files.path("data");
    let variables = [("XDG_DATA_HOME", home.to_str().unwrap())];
    let run = |line: &str| {
        let Output { status, stdout, stderr } = files.run_with(line, &variables);
        assert!(status.success(), "{line}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap()
    };
    let learn = "--aligned directions learn --from women --to men";
    let said = run(&format!("{learn} --name Man"));
    assert!(said.starts_with("Man: from -") && said.contains("learned from"), "{said}");
    // Every command knows it from now on.
    let names = |list: &str| {
        let json: serde_json::Value = serde_json::from_str(list).unwrap();
        let names = json["directions"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<String>>()
    };
    assert_eq!(names(&run("info --json")).last().map(String::as_str), Some("Man"));
    let [plain, man] = [("--direction Man=0", "plain"), ("--direction Man=2", "man")].map(|(options, name)| {
        run(&format!("edit {{a}} {options} --likeness 0 --size 128 -o {name}.png"));
        open(&files.path(&format!("{name}.png")))
    });
    assert!(mean_difference(&plain, &man) > 3.0);

    // Into a file, imported under another home, forgotten.
    run(&format!("{learn} --name Man --without-changing Smile -o man.directions.safetensors"));
    let elsewhere = files.path("elsewhere");
    let other = [("XDG_DATA_HOME", elsewhere.to_str().unwrap())];
    assert!(
        !names(&String::from_utf8(files.run_with("info --json", &other).stdout).unwrap()).contains(&"Man".to_owned())
    );
    let imported = files.run_with("directions import man.directions.safetensors", &other);
    assert_eq!(String::from_utf8(imported.stdout).unwrap(), "imported Man\n");
    assert!(
        names(&String::from_utf8(files.run_with("info --json", &other).stdout).unwrap()).contains(&"Man".to_owned())
    );
    run("directions forget man");
    assert!(!names(&run("info --json")).contains(&"Man".to_owned()));
    for (line, reason) in [
        ("directions forget Man", "nothing of this name was learned"),
        ("--aligned directions learn --from women --to men --name Smile", "of its own: choose another name"),
        ("--aligned directions learn --from women --to {a} {b} --name Man", "at least 3 faces on each side"),
        ("--aligned directions learn --from women --to nowhere --name Man", "nowhere"),
        ("--aligned directions learn --from women --to men --name Man --without-changing Hat", "no direction `Hat`"),
        ("directions import {a}", "not a safetensors file"),
    ] {
        let Output { status, stderr, .. } = files.run_with(line, &variables);
        let stderr = String::from_utf8(stderr).unwrap();
        assert!(status.code() == Some(1) && stderr.contains(reason), "{line}: {stderr}");
    }
}

#[test]
fn the_default_model_has_directions() {
    let files = Files::new();
    let info: serde_json::Value = serde_json::from_str(&files.ok("info --json")).unwrap();
    let directions = info["directions"].as_array().unwrap();
    assert!(!directions.is_empty());
    let [first, low] = [&directions[0]["name"], &directions[0]["range"][0]].map(|value| value.to_string());
    assert!(low.parse::<f64>().unwrap() < 0.0, "{low}");
    let name = first.trim_matches('"').to_owned();
    let draw = |amount: f32| {
        let step = format!("--direction={name}={amount}");
        let words = ["edit", files.a.to_str().unwrap(), "--aligned", &step, "-o", "out.png"];
        let output =
            Command::new(env!("CARGO_BIN_EXE_stylebrush")).current_dir(files.folder.path()).args(words).output();
        assert!(output.unwrap().status.success());
        open(&files.path("out.png"))
    };
    assert!(mean_difference(&draw(0.0), &draw(2.0)) > 1.0);
}

/// A photo of three faces, the largest first; their crops in it.
fn group(files: &Files, name: &str) -> [CropQuad; 3] {
    let mut picture = plain(1000, 500);
    let places =
        [("female_053.png", [560, 80], 360), ("male_005.png", [290, 200], 240), ("male_077.png", [40, 60], 200)];
    let quads = places.map(|(face, at, side)| place(&mut picture, face, at, side));
    files.picture(name, picture);
    quads
}

/// The mean difference of two photos inside of a face's crop.
fn difference_in(a: &RgbImage, b: &RgbImage, quad: &CropQuad) -> f64 {
    mean_difference(&align(a, quad, 64).unwrap(), &align(b, quad, 64).unwrap())
}

#[test]
fn faces_are_chosen_by_their_numbers() {
    let files = Files::new();
    let quads = group(&files, "group.png");
    files.mask("mask.png", 64, |_, _| 255);
    let before = open(&files.path("group.png"));
    let edit = "--model {small} edit group.png --reference {b} --mask mask.png --in-photo -o out.png";
    for (face, changed) in
        [("", [true, false, false]), ("1", [true, false, false]), ("3", [false, false, true]), ("all", [true; 3])]
    {
        files.ok(&if face.is_empty() {
            edit.to_owned()
        } else {
            edit.replace(" --reference", &format!(" --face {face} --reference"))
        });
        let after = open(&files.path("out.png"));
        for (quad, is_changed) in quads.iter().zip(changed) {
            let difference = difference_in(&before, &after, quad);
            assert!((difference > 2.0) == is_changed, "--face {face}: {difference}");
        }
    }
    // A reference's face, and the faces of the other commands: the crop of face 3 is what `align` calls _3.
    files.aligned("group.png");
    let size = "--size 64";
    let of_crop = |command: &str| files.ok(&format!("--model {{small}} {command}"));
    of_crop(&format!("reconstruct group.png --face 3 {size} -o by_number.png"));
    of_crop(&format!("reconstruct group.png {size} -o largest.png"));
    let by_number = open(&files.path("by_number.png"));
    assert!(mean_difference(&by_number, &open(&files.path("largest.png"))) > 1.0);
    of_crop(&format!("interpolate group.png group.png --face 1,3 --at 1 {size} -o b.png"));
    assert!(mean_difference(&by_number, &open(&files.path("b.png"))) < 0.1);
    of_crop(&format!("mix group.png group.png --face 3,3 --coarse-from a {size} -o mix.png"));
    assert!(mean_difference(&by_number, &open(&files.path("mix.png"))) < 0.1);
    of_crop("encode group.png --face 3 -o w.safetensors");
    of_crop(&format!("decode w.safetensors {size} -o decoded.png"));
    assert!(mean_difference(&by_number, &open(&files.path("decoded.png"))) < 0.1);
    let small = "--model {small}";
    let cases = [
        ("reconstruct group.png --face 4 -o x.png", 1, "group.png shows 3 faces, and no face 4"),
        ("encode group.png --face 9 -o x.safetensors", 1, "no face 9"),
        ("reconstruct group.png --face 0 -o x.png", 2, "number of a face"),
        ("reconstruct group.png --face all -o x.png", 2, "number of a face"),
        ("mix group.png group.png --face 1,2,3 --coarse-from a -o x.png", 1, "each of the 2 photos, and no more"),
        ("edit group.png --face all --reference {a} --mask mask.png -o x.png", 1, "--in-photo"),
        ("reconstruct --aligned {a} --face 2 -o x.png", 1, "has one face"),
    ];
    for (line, code, reason) in cases {
        files.fails(&format!("{small} {line}"), code, reason);
    }
}

#[test]
fn a_mask_over_the_photo_edits_what_lies_under_it() {
    let files = Files::new();
    let [first, second, _] = group(&files, "group.png");
    let before = open(&files.path("group.png"));
    // Over the first face only.
    let [left, top] = first.corners_in_photo()[0];
    let mask = GrayImage::from_fn(1000, 500, |x, y| Luma([if x as f32 > left && y as f32 > top { 255 } else { 0 }]));
    files.picture("mask.png", mask);
    files.ok("--model {small} edit group.png --face all --reference {b} --mask mask.png --in-photo -o out.png");
    let after = open(&files.path("out.png"));
    assert!(difference_in(&before, &after, &first) > 2.0 && difference_in(&before, &after, &second) < 0.5);
    // The same without --in-photo is the face with all of it painted.
    files.ok("--model {small} edit group.png --reference {b} --mask mask.png --size 64 -o face.png");
    files.mask("all.png", 64, |_, _| 255);
    files.ok("--model {small} edit group.png --reference {b} --mask all.png --size 64 -o whole.png");
    assert!(mean_difference(&open(&files.path("face.png")), &open(&files.path("whole.png"))) < 8.0);
    files.picture("other.png", GrayImage::new(999, 500));
    files.fails(
        "--model {small} edit group.png --reference {b} --mask other.png -o x.png",
        1,
        "must be square, over the aligned face, or of the size of the photo, 1000 x 500",
    );
    files.mask("empty.png", 64, |_, _| 0);
    files.warns(
        "--model {small} edit {a} --reference {b} --mask empty.png -o empty_out.png",
        "the mask empty.png selects next to nothing",
    );
}

#[test]
fn what_is_read_is_not_written_over_unasked() {
    let files = Files::new();
    std::fs::copy(&files.a, files.path("me.png")).unwrap();
    std::fs::copy(&files.small, files.path("model.safetensors")).unwrap();
    let me = files.bytes("me.png");
    files.mask("mask.png", 64, |_, _| 255);
    let cases = [
        "reconstruct me.png -o me.png",
        "reconstruct me.png -o ./me.png",
        "edit {a} --reference me.png --mask mask.png -o me.png",
        "edit me.png --reference {b} --mask mask.png -o mask.png",
        "interpolate {a} me.png --at 0.5 -o me.png",
        "mix me.png {a} --coarse-from a -o me.png",
    ];
    for line in cases {
        files.fails(&format!("--model {{small}} {line}"), 1, "it is read too");
    }
    files.fails("convert model.safetensors -o model.safetensors", 1, "it is read too");
    assert_eq!(files.bytes("me.png"), me);
    files.ok("--model {small} reconstruct me.png --overwrite -o me.png");
    assert!(files.bytes("me.png") != me);
    // Frames of an older run, among files of the user's.
    files.ok("--model {small} interpolate {a} {b} --frames 5 --size 64 -o frames");
    for name in ["notes.txt", "1.png", "0009_mine.png"] {
        std::fs::write(files.path("frames").join(name), "mine").unwrap();
    }
    let again = "--model {small} interpolate {a} {b} --frames 3 --size 64 -o frames";
    files.fails(again, 1, "already holds numbered pictures such as 0001.png");
    files.fails("--model {small} sample --count 2 -o frames", 1, "--overwrite");
    files.ok(&format!("{again} --overwrite"));
    let mut names: Vec<_> =
        std::fs::read_dir(files.path("frames")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["0001.png", "0002.png", "0003.png", "0009_mine.png", "1.png", "notes.txt"]);
}

#[test]
fn photos_come_and_go_through_the_standard_streams() {
    use std::io::Write as _;
    let files = Files::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stylebrush"));
    command.args(["--model".as_ref(), files.small.as_os_str()]).args(["reconstruct", "-", "--size", "64", "-o", "-"]);
    let piped = || std::process::Stdio::piped();
    let mut child = command.stdin(piped()).stdout(piped()).stderr(piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&std::fs::read(&files.a).unwrap()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    assert!(status.success() && stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    files.ok("--model {small} reconstruct {a} --size 64 -o file.png");
    let piped = image::load_from_memory(&stdout).unwrap().to_rgb8();
    assert!(piped == open(&files.path("file.png")));
    // What is no photo is named.
    files.fails("--model {small} reconstruct - -o x.png", 1, "the standard input");
    files.fails("--model {small} interpolate - - --at 0.5 -o x.png", 1, "standard input");
}

#[test]
fn a_folder_stands_for_its_pictures() {
    let files = Files::new();
    files.photo("faker_m29.jpg", "photos/b.jpg");
    files.photo("faker_f17.jpg", "photos/A.jpeg");
    std::fs::write(files.path("photos/notes.txt"), "mine").unwrap();
    let faces = files.aligned("photos");
    let photos: Vec<_> = faces.iter().map(|face| Path::new(face["photo"].as_str().unwrap())).collect();
    assert_eq!(photos, [Path::new("photos/A.jpeg"), Path::new("photos/b.jpg")]);
    std::fs::create_dir(files.path("none")).unwrap();
    files.fails("align none -o out", 1, "there are no pictures in the folder none");
    files.fails("none", 1, "there are no pictures in the folder none");
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_unicode_come_back_from_json() {
    use std::os::unix::ffi::OsStrExt as _;
    let files = Files::new();
    std::fs::create_dir(files.path("odd")).unwrap();
    std::fs::copy(fixture(PHOTOS[0]), files.path("odd").join(OsStr::from_bytes(b"caf\xe9 1.jpg"))).unwrap();
    let faces = files.aligned("odd");
    let photo = faces[0]["photo"].as_str().unwrap();
    assert!(photo.starts_with("file:///") && photo.ends_with("/caf%E9%201.jpg"), "{photo}");
    files.ok(&format!("--model {{small}} reconstruct {photo} -o out.png"));
}

#[test]
fn names_may_be_as_long_as_the_file_system_takes() {
    let files = Files::new();
    for len in [244, 255] {
        let name = format!("{}.png", "n".repeat(len - 4));
        files.ok(&format!("--model {{small}} reconstruct {{a}} --size 64 -o {name}"));
        assert_eq!(open(&files.path(&name)).dimensions(), (64, 64));
    }
}

#[test]
fn a_thousand_threads_are_no_more_than_the_machine_can_use() {
    let files = Files::new();
    files.ok("--threads 1000 --model {small} reconstruct {a} --size 64 -o out.png");
}

#[test]
fn checkpoints_that_are_no_models_are_named_by_every_command() {
    let files = Files::new();
    let mut checkpoint = Checkpoint::load(&files.small).unwrap();
    let whole = checkpoint.tensors.clone();
    let name = whole.keys().min().unwrap().clone();
    let broken = whole[&name].affine(f64::NAN, 0.0).unwrap();
    checkpoint.tensors.insert(name.clone(), broken);
    checkpoint.save(&files.path("nan.safetensors"), None).unwrap();
    checkpoint.tensors = whole;
    checkpoint.tensors.remove(&name);
    checkpoint.save(&files.path("missing.safetensors"), None).unwrap();
    files.mask("mask.png", 64, |_, _| 255);
    let commands = [
        "info",
        "reconstruct {a} -o out.png",
        "edit {a} --reference {b} --mask mask.png -o out.png",
        "interpolate {a} {b} --at 0.5 -o out.png",
        "mix {a} {b} --coarse-from a -o out.png",
        "sample -o out.png",
        "encode {a} -o out.safetensors",
        "bench --runs 1",
    ];
    for model in ["nan.safetensors", "missing.safetensors"] {
        for command in commands {
            files.fails(&format!("{command} --model {model}"), 1, &format!("{model} is not a usable checkpoint"));
        }
        files.fails(&format!("convert {model} -o out.safetensors"), 1, &format!("{model} is not a usable checkpoint"));
    }
    files.fails("info --model nan.safetensors", 1, "not numbers");
}

/// The examples in the help of the commands, each as a line for a shell.
#[cfg(unix)]
fn examples() -> Vec<String> {
    let mut examples = Vec::new();
    for entry in std::fs::read_dir(repository("app/src/cli")).unwrap() {
        let source = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let mut lines = source.lines();
        while let Some(line) = lines.next() {
            let Some(rest) = line.strip_prefix("  stylebrush ") else { continue };
            let mut example = format!("stylebrush {}", rest.trim_end_matches("\";"));
            // A backslash at the end, as the source has it.
            while let Some(begun) = example.strip_suffix("\\\\") {
                example = format!("{begun}{}", lines.next().unwrap().trim().trim_end_matches("\";"));
            }
            // What it gives stands behind three spaces.
            examples.push(example.split("   ").next().unwrap().to_owned());
        }
    }
    examples
}

#[cfg(unix)]
#[test]
fn every_example_of_the_help_does_what_it_says() {
    let files = Files::new();
    for (name, demo) in [("me", "female_053"), ("friend", "male_077"), ("a", "female_005"), ("b", "male_005")] {
        std::fs::copy(repository(&format!("assets/demo/{demo}.jpg")), files.path(&format!("{name}.jpg"))).unwrap();
    }
    for (name, demo) in [("c", "female_029"), ("d", "male_029")] {
        std::fs::copy(repository(&format!("assets/demo/{demo}.jpg")), files.path(&format!("{name}.jpg"))).unwrap();
    }
    // An edit to apply, and photos to apply it to.
    let mut document = Document::default();
    for (number, name) in (1..).zip(["me.jpg", "friend.jpg"]) {
        let photo = photo_loading::load(&files.path(name), Some(&FaceDetector::new().unwrap())).unwrap();
        document.add_photo(photo.numbered(PhotoId(number)));
    }
    let layer = document.add_layer(PhotoId(2)).unwrap();
    let mouth = document.face_region(layer, FaceRegion::Mouth).unwrap();
    document.update_layer(layer, |layer| layer.mask = mouth);
    project::save(&files.path("me.stylebrush"), &Project { document, ..Project::default() }).unwrap();
    std::fs::create_dir(files.path("holiday")).unwrap();
    std::fs::copy(files.path("friend.jpg"), files.path("holiday/friend.jpg")).unwrap();
    // Groups to learn from.
    for (folder, sex) in [("plain", "female"), ("bearded", "male"), ("young", "female"), ("old", "male")] {
        std::fs::create_dir(files.path(folder)).unwrap();
        for number in ["005", "029", "053"] {
            let name = format!("{sex}_{number}.jpg");
            std::fs::copy(repository(&format!("assets/demo/{name}")), files.path(folder).join(name)).unwrap();
        }
    }
    for name in ["group.jpg", "friends.jpg"] {
        group(&files, name);
    }
    for name in ["mouth.png", "eyes.png", "nose.png", "lips.png"] {
        files.mask(name, 64, |_, y| if y > 32 { 255 } else { 0 });
    }
    let copies = [
        ("tests/fixtures/f2_small_s64_l8.pt", "celeba_hq_256_8x8.pt"),
        ("tests/fixtures/f2_small_s64_l8.pt", "f1_full_s64_l8.pt"),
        ("tests/fixtures/f2_small_s64_l8.safetensors", "f1_full_s64_l8.safetensors"),
        ("tests/fixtures/small_lpips.safetensors", "lpips_vgg16.safetensors"),
    ];
    for (from, to) in copies {
        std::fs::copy(repository(from), files.path(to)).unwrap();
    }
    for model in ["MODEL.safetensors", "celeba.safetensors", "mine.safetensors"] {
        files.ok(&format!("convert {{small}} -o {model}"));
    }
    std::fs::create_dir_all(files.path("faces/eval")).unwrap();
    for name in ["female_053.png", "male_077.png", "male_005.png"] {
        std::fs::copy(portrait(name), files.path("faces/eval").join(name)).unwrap();
    }
    let commands: Vec<_> =
        "edit interpolate reconstruct mix sample align encode decode convert directions info verify evaluate bench"
            .split(' ')
            .collect();
    let mut all = examples();
    // Before other examples write photos, of faces that a small network draws.
    all.sort_by_key(|example| !example.contains(" align "));
    assert!(all.len() >= 25, "{all:?}");
    let mut tried = Vec::new();
    for example in &all {
        let mut words = example.split_whitespace();
        // Without a command the window opens.
        let Some(command) = words.find(|word| commands.contains(word)) else { continue };
        tried.push(command);
        // What follows, where one command leads to another.
        tried.extend(words.filter(|word| commands.contains(word)));
        // The small model does for all but directions, which have names in the default one; numbers of runs are a matter of time.
        let has_model = ["--model", "--direction", "--random-weights"].iter().any(|option| example.contains(option))
            || ["convert", "directions"].contains(&command);
        let mut line = example.replace(" --runs 10", "");
        if command == "bench" {
            line.push_str(if line.contains("--only") { " --runs 1" } else { " --runs 1 --only brush" });
        }
        if !has_model {
            let model = format!("stylebrush --model {} ", files.small.display());
            // At the beginning of each command: a project's name ends so too.
            line = line.replace("&& stylebrush ", &format!("&& {model}")).replacen("stylebrush ", &model, 1);
        }
        // Two examples write to the same folder.
        for folder in ["frames", "edited"] {
            let _ = std::fs::remove_dir_all(files.path(folder));
        }
        let program = env!("CARGO_BIN_EXE_stylebrush");
        let shell = format!("stylebrush() {{ {program} \"$@\"; }}; {line}");
        let mut shell_command = Command::new("sh");
        shell_command.env("XDG_DATA_HOME", files.path("data"));
        let run = shell_command.args(["-c", &shell]).current_dir(files.folder.path()).output().unwrap();
        assert!(run.status.success(), "{line}: {}", String::from_utf8_lossy(&run.stderr));
    }
    for command in commands {
        assert!(tried.contains(&command), "{command} has no example");
    }
}
