//! Files as people have them, kind by kind: turned photos, things that look like faces, masks of every form, checkpoints of other
//! networks. Each row of a table is a file and what must become of it.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};

use candle_core::Tensor;
use image::imageops::{self, FilterType, interpolate_bilinear};
use image::{GenericImage as _, GrayImage, ImageBuffer, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage};
use stylemap::checkpoint::Checkpoint;
use stylemap::face::{CropQuad, Detection, FaceDetector, crop_quad};
use stylemap::mask::MaskPicture;
use stylemap::photo;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

const PHOTOS: [&str; 9] = [
    "assets/demo/female_005.jpg",
    "assets/demo/female_029.jpg",
    "assets/demo/female_053.jpg",
    "assets/demo/female_077.jpg",
    "assets/demo/male_005.jpg",
    "assets/demo/male_029.jpg",
    "assets/demo/male_053.jpg",
    "assets/demo/male_077.jpg",
    "tests/fixtures/faces/faker_f17.jpg",
];

/// A photo with its longer side at 640 px.
fn open_photo(path: &str) -> RgbImage {
    let photo = photo::load(repository(path)).unwrap();
    let scale = 640.0 / f64::from(photo.width().max(photo.height()));
    let [width, height] = [photo.width(), photo.height()].map(|len| (f64::from(len) * scale).round() as u32);
    imageops::resize(&photo, width, height, FilterType::Triangle)
}

/// A photo turned clockwise on a gray ground that has room for it, and where a point of the photo goes.
fn turned(photo: &RgbImage, degrees: f64) -> (RgbImage, impl Fn([f32; 2]) -> [f32; 2]) {
    let (width, height) = (f64::from(photo.width()), f64::from(photo.height()));
    let (sin, cos) = degrees.to_radians().sin_cos();
    let size = [width * cos.abs() + height * sin.abs(), width * sin.abs() + height * cos.abs()].map(f64::round);
    let (from, to) = ([width, height].map(|len| (len - 1.0) / 2.0), size.map(|len| (len - 1.0) / 2.0));
    let mut out = RgbImage::from_pixel(size[0] as u32, size[1] as u32, Rgb([128; 3]));
    for (x, y, pixel) in out.enumerate_pixels_mut() {
        let (x, y) = (f64::from(x) - to[0], f64::from(y) - to[1]);
        let (x, y) = (cos * x + sin * y + from[0], cos * y - sin * x + from[1]);
        if let Some(found) = interpolate_bilinear(photo, x as f32, y as f32) {
            *pixel = found;
        }
    }
    let place = move |[x, y]: [f32; 2]| {
        let (x, y) = (f64::from(x) - from[0], f64::from(y) - from[1]);
        [(cos * x - sin * y + to[0]) as f32, (sin * x + cos * y + to[1]) as f32]
    };
    (out, place)
}

fn corner_error(face: &Detection, expected: [[f32; 2]; 4]) -> f32 {
    let Ok(quad) = crop_quad(&face.landmarks) else { return f32::INFINITY };
    let distances = quad.corners_in_photo().into_iter().zip(expected).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]));
    distances.fold(0.0, f32::max) / quad.side_px()
}

#[test]
fn photos_are_aligned_however_they_are_turned() {
    let detector = FaceDetector::new().unwrap();
    let (mut right, mut wrong) = (0, Vec::new());
    for path in PHOTOS {
        let photo = open_photo(path);
        let upright = *detector.detect(&photo).unwrap().first().unwrap();
        let expected = crop_quad(&upright.landmarks).unwrap().corners_in_photo();
        for degrees in (0..360).step_by(45) {
            let (turned, place) = turned(&photo, f64::from(degrees));
            let faces = detector.detect(&turned).unwrap();
            let error = faces.first().map_or(f32::INFINITY, |face| corner_error(face, expected.map(&place)));
            if error < 0.06 { right += 1 } else { wrong.push(format!("{path} at {degrees}: {error}")) }
        }
    }
    // 90 of 96.
    assert!(right * 96 >= 90 * 8 * PHOTOS.len(), "{right} are right, not {wrong:?}");
}

#[test]
fn a_photo_shows_as_many_faces_as_persons() {
    let detector = FaceDetector::new().unwrap();
    // Behind one of them are parked cars, whose wheels look like faces.
    for path in PHOTOS {
        let photo = photo::load(repository(path)).unwrap();
        assert_eq!(detector.detect(&photo).unwrap().len(), 1, "{path}");
    }
    let mut group = RgbImage::from_pixel(1500, 700, Rgb([92, 100, 110]));
    let places = [(PHOTOS[1], 10, 384), (PHOTOS[4], 505, 480), (PHOTOS[3], 1000, 336)];
    for (path, x, side) in places {
        let face = imageops::resize(&open_photo(path), side, side, FilterType::Triangle);
        group.copy_from(&face, x, 30).unwrap();
    }
    assert_eq!(detector.detect(&group).unwrap().len(), places.len());
}

#[test]
fn of_a_crowd_a_hundred_faces_are_taken() {
    let detector = FaceDetector::new().unwrap();
    let faces = PHOTOS[..8].iter().map(|path| imageops::resize(&open_photo(path), 160, 160, FilterType::Triangle));
    let faces: Vec<RgbImage> = faces.collect();
    const MOST: usize = stylemap::face::detect::MAX_FACES;
    // Of fewer than a hundred all are found, and perhaps one where two photos meet, and nobody takes them for a crowd.
    for (rows, expected) in [(11, MOST..=MOST), (5, 50..=MOST / 2 + 5)] {
        let mut crowd = RgbImage::from_pixel(10 * 160, rows * 160, Rgb([92, 100, 110]));
        for i in 0..10 * rows {
            crowd.copy_from(&faces[i as usize % faces.len()], i % 10 * 160, i / 10 * 160).unwrap();
        }
        let found = detector.detect(&crowd).unwrap().len();
        assert!(expected.contains(&found), "{found} of {}", 10 * rows);
    }
}

#[test]
fn faces_are_found_where_little_of_them_shows() {
    type Spoil = fn(f32, f32, [u8; 3]) -> [u8; 3];
    let spoilt: [(&str, Spoil); 5] = [
        ("dim", |_, _, pixel| pixel.map(|value| (f32::from(value) * 0.12) as u8)),
        ("overexposed", |_, _, pixel| pixel.map(|value| (f32::from(value) * 2.2).min(255.0) as u8)),
        ("gray", |_, _, [_, green, _]| [green; 3]),
        (
            "surgical mask",
            |x, y, pixel| {
                if y > 0.55 && y < 0.88 && (x - 0.5).abs() < 0.23 { [150, 190, 220] } else { pixel }
            },
        ),
        ("sunglasses", |x, y, pixel| if y > 0.41 && y < 0.53 && (x - 0.5).abs() < 0.23 { [20, 20, 22] } else { pixel }),
    ];
    let detector = FaceDetector::new().unwrap();
    let mut missed = Vec::new();
    for name in ["female_005", "female_029", "female_053", "female_077", "male_005", "male_029", "male_053", "male_077"]
    {
        let face = photo::load(repository(&format!("tests/fixtures/portraits/{name}.png"))).unwrap();
        for (how, spoil) in spoilt {
            let mut face = imageops::resize(&face, 160, 160, FilterType::Triangle);
            for (x, y, pixel) in face.enumerate_pixels_mut() {
                pixel.0 = spoil(x as f32 / 160.0, y as f32 / 160.0, pixel.0);
            }
            let mut picture = RgbImage::from_pixel(640, 480, Rgb([120, 128, 136]));
            picture.copy_from(&face, 200, 150).unwrap();
            let expected = [[199.5, 149.5], [199.5, 309.5], [359.5, 309.5], [359.5, 149.5]];
            if !detector.detect(&picture).unwrap().iter().any(|face| corner_error(face, expected) < 0.25) {
                missed.push(format!("{name}, {how}"));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
}

/// What a mask must be: the share of the face that it takes, in percent.
fn share_percent(path: &Path) -> f32 {
    MaskPicture::open(path).unwrap().square().unwrap().share() * 100.0
}

#[test]
fn masks_of_every_form_say_the_same() {
    let expected = share_percent(&repository("tests/cases/masks/gray.png"));
    assert!(expected > 1.0);
    let files = [
        "palette.png",
        "sixteen.png",
        "onebit.png",
        "onebit.tif",
        "labels_0_1.png",
        "black_on_transparent.png",
        "red_on_transparent.png",
        "white_on_transparent.png",
        "tiny.png",
    ];
    for file in files {
        let share = share_percent(&repository("tests/cases/masks").join(file));
        // The 37 px of the tiny one are coarse.
        assert!((share / expected - 1.0).abs() < 0.25, "{file}: {share} %, not {expected} %");
    }
    assert_eq!(share_percent(&repository("tests/cases/masks/empty_black.png")), 0.0);
}

#[test]
fn masks_made_here_take_what_they_show() {
    let folder = tempfile::tempdir().unwrap();
    let is_in = |x: u32, y: u32| (16..48).contains(&x) && (16..32).contains(&y);
    let of = |colour: [u8; 3]| {
        RgbaImage::from_fn(64, 64, |x, y| {
            if is_in(x, y) { Rgba([colour[0], colour[1], colour[2], 255]) } else { Rgba([0; 4]) }
        })
    };
    let save = |name: &str, picture: image::DynamicImage| {
        let path = folder.path().join(name);
        picture.save(&path).unwrap();
        path
    };
    let quarter = 100.0 * 32.0 * 16.0 / 4096.0;
    let labels = GrayImage::from_fn(64, 64, |x, y| Luma([u8::from(is_in(x, y))]));
    let labels_16 = ImageBuffer::from_fn(64, 64, |x, y| Luma([u16::from(is_in(x, y))]));
    let labels_rgb = RgbImage::from_fn(64, 64, |x, y| Rgb([u8::from(is_in(x, y)); 3]));
    let half =
        RgbaImage::from_fn(64, 64, |x, y| if is_in(x, y) { Rgba([9, 90, 30, 128]) } else { Rgba([9, 90, 30, 0]) });
    let gray_alpha = ImageBuffer::from_fn(64, 64, |x, y| LumaA([40u8, if is_in(x, y) { 255 } else { 0 }]));
    // Two colours: then the light one is taken.
    let two = RgbaImage::from_fn(64, 64, |x, y| match (is_in(x, y), y < 24) {
        (true, true) => Rgba([255; 4]),
        (true, false) => Rgba([0, 0, 0, 255]),
        (false, _) => Rgba([0; 4]),
    });
    // Of one colour and opaque: brightness counts.
    let opaque = RgbaImage::from_pixel(64, 64, Rgba([255; 4]));
    let cases = [
        ("blue.png", of([0, 0, 255]).into(), quarter),
        ("green.png", of([0, 255, 0]).into(), quarter),
        ("black.png", of([0; 3]).into(), quarter),
        ("black.webp", of([0; 3]).into(), quarter),
        ("half.png", half.into(), quarter * 128.0 / 255.0),
        ("gray_alpha.png", gray_alpha.into(), quarter),
        ("labels.png", labels.into(), quarter),
        ("labels_16.png", labels_16.into(), quarter),
        ("labels_rgb.bmp", labels_rgb.into(), quarter),
        ("two.png", two.into(), quarter / 2.0),
        ("opaque.png", opaque.into(), 100.0),
        ("white.png", GrayImage::from_pixel(8, 8, Luma([255])).into(), 100.0),
        ("dark.png", GrayImage::from_pixel(8, 8, Luma([2])).into(), 100.0 * 2.0 / 255.0),
    ];
    for (name, picture, expected) in cases {
        let share = share_percent(&save(name, picture));
        assert!((share - expected).abs() < 0.01, "{name}: {share} %, not {expected} %");
    }
}

#[test]
fn a_mask_over_the_photo_lies_over_the_face_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.png");
    // The left half of a wide photo.
    GrayImage::from_fn(120, 80, |x, _| Luma([if x < 60 { 255 } else { 0 }])).save(&path).unwrap();
    let picture = MaskPicture::open(&path).unwrap();
    assert_eq!(picture.size_px(), (120, 80));
    let cases = [
        // Around the border between the halves, all in the left one, all in the right one, half beyond the photo's left side.
        ([59.5, 39.5], [20.0, 0.0], 0.5),
        ([30.0, 40.0], [20.0, 0.0], 1.0),
        ([95.0, 40.0], [20.0, 0.0], 0.0),
        ([-0.5, 39.5], [20.0, 0.0], 0.5),
        // Upside down, and lying: half of it all the same.
        ([59.5, 39.5], [-20.0, 0.0], 0.5),
        ([59.5, 39.5], [0.0, 20.0], 0.5),
    ];
    for (center, half_side, expected) in cases {
        let quad = CropQuad::from_center_and_half_side(center, half_side).unwrap();
        let mask = picture.in_crop(&quad, 64);
        assert_eq!(mask.size_px(), 64);
        assert!((mask.share() - expected).abs() < 0.02, "{center:?}, {half_side:?}: {}", mask.share());
    }
    let upside_down = CropQuad::from_center_and_half_side([59.5, 39.5], [-20.0, 0.0]).unwrap();
    let mask = picture.in_crop(&upside_down, 64);
    assert_eq!((mask.weights()[2], mask.weights()[61]), (0.0, 1.0));
}

#[test]
fn what_is_no_stylemapgan_is_said_to_be_what_it_is() {
    let folder = repository("tests/cases/checkpoints");
    let cases = [
        ("just_tensor.pt", "a single tensor"),
        ("lora.safetensors", "a LoRA"),
        ("torchscript.pt", "a TorchScript program"),
        ("stylegan2.pt", "a StyleGAN2"),
    ];
    for (name, expected) in cases {
        let path = folder.join(name);
        let Err(err) = Checkpoint::load(&path) else { panic!("{name} is a model") };
        let said = err.to_string();
        assert!(said.contains(expected) && said.contains(&path.display().to_string()), "{said}");
    }
}

#[test]
fn weights_that_are_not_numbers_are_refused() {
    let path = repository("tests/fixtures/f2_small_s64_l8.pt");
    let folder = tempfile::tempdir().unwrap();
    for (value, is_taken) in [(f32::NAN, false), (f32::INFINITY, false), (f32::NEG_INFINITY, false), (1e6, true)] {
        let mut checkpoint = Checkpoint::load(&path).unwrap();
        let (name, tensor) = checkpoint.tensors.iter_mut().min_by(|a, b| a.0.cmp(b.0)).unwrap();
        let mut values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
        *values.last_mut().unwrap() = value;
        *tensor = Tensor::from_vec(values, tensor.shape(), tensor.device()).unwrap();
        let (name, broken) = (name.clone(), folder.path().join("broken.safetensors"));
        checkpoint.save(&broken, None).unwrap();
        match Checkpoint::load(&broken) {
            Ok(_) => assert!(is_taken, "{value} passed"),
            Err(err) => {
                let said = err.to_string();
                assert!(!is_taken && said.contains(&name) && said.contains("broken.safetensors"), "{value}: {said}");
            }
        }
    }
}
