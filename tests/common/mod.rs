//! What the tests of the workbench and of the window share: small models with random weights, photos, folders, dice.

#![allow(clippy::unwrap_used, dead_code)]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use candle_core::{Device, Tensor};
use image::{Rgb, RgbImage};
use stylebrush_app::workbench::{LoadEngine, UserFolders};
use stylemap::checkpoint::Checkpoint;
use stylemap::config::Config;
use stylemap::directions::{Directions, LIST_KEY};
use stylemap::engine::{Engine, Frame};
use stylemap::model::{DeviceChoice, DtypeChoice};

/// A picture, a decoded photo or a written file comes within this long, or the test fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub fn config() -> Config {
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
        fine_encoder: None,
    }
}

/// Loads a model with random weights.
pub fn model() -> LoadEngine {
    Box::new(|| Engine::new(Checkpoint::random(config(), 7)?, DeviceChoice::Cpu, DtypeChoice::F32))
}

/// Loads the same with directions.
pub fn directed_model() -> LoadEngine {
    Box::new(|| {
        let mut checkpoint = Checkpoint::random(config(), 7)?;
        checkpoint.directions = Some(directions());
        Engine::new(checkpoint, DeviceChoice::Cpu, DtypeChoice::F32)
    })
}

/// Loads a model that can learn directions: its components are single values of the stylemap.
pub fn learning_model() -> LoadEngine {
    Box::new(|| {
        let mut checkpoint = Checkpoint::random(config(), 7)?;
        checkpoint.directions = Some(directions());
        let Config { style_dim, base, .. } = config();
        let count = style_dim * base * base;
        let identity = Tensor::eye(count, candle_core::DType::F32, &Device::Cpu)?;
        checkpoint.tensors.insert("pca.components".to_owned(), identity.reshape((count, style_dim, base, base))?);
        checkpoint.tensors.insert("pca.std".to_owned(), Tensor::ones(count, candle_core::DType::F32, &Device::Cpu)?);
        Engine::new(checkpoint, DeviceChoice::Cpu, DtypeChoice::F32)
    })
}

/// Three that every window knows by name, and one of the model's own.
pub fn directions() -> Directions {
    let names = ["Smile", "Age", "Light", "Freckles"];
    let Config { style_dim, base, .. } = config();
    let direction = |(index, name): (usize, &str)| {
        let values = (0..style_dim * base * base).map(|i| ((i * (7 + 4 * index) % 13) as f32 - 6.0) / 6.0);
        let tensor = Tensor::from_iter(values, &Device::Cpu).unwrap().reshape((style_dim, base, base)).unwrap();
        (name.to_owned(), tensor)
    };
    let tensors: BTreeMap<String, Tensor> = names.into_iter().enumerate().map(direction).collect();
    let list = names.map(|name| format!(r#"{{"name": "{name}", "source": "test", "range": [-3, 3]}}"#)).join(", ");
    let metadata = HashMap::from([(LIST_KEY.to_owned(), format!("[{list}]"))]);
    let bytes = safetensors::serialize(&tensors, Some(metadata)).unwrap();
    Directions::from_bytes(&bytes, "test directions", &config()).unwrap()
}

pub fn folders_in(folder: &Path) -> UserFolders {
    UserFolders {
        recovery: folder.join("recovery"),
        recent: folder.join("recent.json"),
        settings: folder.join("settings").join("settings.json"),
        refined_faces: folder.join("refined faces"),
        directions: folder.join("directions"),
    }
}

/// A portrait of the tests, 1024 px.
pub fn portrait(name: &str) -> RgbImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/faces").join(name);
    image::open(path).unwrap().to_rgb8()
}

/// Three people side by side, the middle one the largest.
pub fn save_group(path: &Path) {
    let mut group = RgbImage::from_pixel(1500, 600, Rgb([110, 120, 130]));
    for (name, x, y, side) in
        [("faker_f17.jpg", 20, 80, 440), ("faker_m29.jpg", 480, 20, 560), ("faker_f53.jpg", 1060, 100, 420)]
    {
        let face = image::imageops::resize(&portrait(name), side, side, image::imageops::FilterType::CatmullRom);
        image::imageops::replace(&mut group, &face, x, y);
    }
    group.save(path).unwrap();
}

pub fn save_photo(path: &Path, width: u32, height: u32) {
    let photo = RgbImage::from_fn(width, height, |x, y| Rgb([(x * 7) as u8, (y * 5) as u8, (x * y) as u8]));
    photo.save(path).unwrap();
}

/// How many pixels of a picture differ from another's.
pub fn difference(a: &Frame, b: &Frame) -> usize {
    assert_eq!(a.rgba.len(), b.rgba.len());
    a.rgba.chunks_exact(4).zip(b.rgba.chunks_exact(4)).filter(|(a, b)| a != b).count()
}

/// How far a finished picture is from the frame that it shows, in levels on average over the frame's pixels.
pub fn distance(finished: &image::RgbaImage, frame: &Frame) -> f64 {
    let small = shrunk(finished, frame.size_px as u32);
    let apart = small.as_raw().iter().zip(&frame.rgba).map(|(a, b)| f64::from(a.abs_diff(*b)));
    apart.sum::<f64>() / frame.rgba.len() as f64
}

/// A small generator, so that a failure can be repeated: SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) % sides as u64) as usize
    }

    pub fn place(&mut self) -> (f32, f32) {
        (self.roll(560) as f32 - 24.0, self.roll(560) as f32 - 24.0)
    }
}

/// A finished picture at the model's size.
pub fn shrunk(finished: &image::RgbaImage, side: u32) -> image::RgbaImage {
    image::imageops::resize(finished, side, side, image::imageops::FilterType::CatmullRom)
}
