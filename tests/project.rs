//! Project files: what is saved comes back, whatever happens to the program, the disk or the file.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::{BufRead as _, BufReader, Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use candle_core::{DType, Device, Tensor};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use proptest::prelude::*;
use stylebrush_app::document::{
    Below, Blend, CANVAS_SIZE_PX, CoarseLevels, Document, MAX_LAYERS, MaskImage, Photo, PhotoId, PixelRect, Placement,
    StyleMix, Takes,
};
use stylebrush_app::export::{self, ExportSize, FileOptions, Format, NameTemplate};
use stylebrush_app::original::Original;
use stylebrush_app::photo_loading;
use stylebrush_app::project::background::{SaveTarget, SaveThread};
use stylebrush_app::project::recent::{MAX_RECENT, RecentFiles, RecentKind};
use stylebrush_app::project::recovery::{AutosaveSlot, leftovers};
use stylebrush_app::project::{self, ModelIdentity, Opened, Progress, Project};
use stylebrush_app::sentence::{on_screen, sentence_of};
use stylebrush_app::settings::{ExportChoice, ExportSettings};
use stylemap::config::Config;
use stylemap::face::{Detection, FaceDetector, FaceFrame, Landmarks};
use stylemap::latent::{Latent, Residuals};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// A picture that is not like another, and does not compress to nothing.
fn picture(width: u32, height: u32, seed: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let mixed =
            (x.wrapping_mul(0x9e37) ^ y.wrapping_mul(0x79b9) ^ seed.wrapping_mul(0x85eb)).wrapping_mul(0x2c1b_3c6d);
        Rgb([(x + seed) as u8, (y * 2) as u8, (mixed >> 24) as u8])
    })
}

fn encoded(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    DynamicImage::ImageRgb8(picture.clone()).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

fn original(bytes: Vec<u8>, faces: Vec<Detection>) -> Arc<Original> {
    Arc::new(Original::decode(bytes, faces, Path::new("photo")).unwrap())
}

/// An upright face about the middle of a photo of 200 pixels.
const FACE: Landmarks = Landmarks {
    eye_left: [85.3, 80.1],
    eye_right: [117.9, 81.7],
    nose: Some([101.2, 98.4]),
    mouth_left: [89.6, 117.7],
    mouth_right: [112.1, 118.3],
};

fn portrait(id: u64, crop: RgbImage) -> Photo {
    Photo {
        id: PhotoId(id),
        name: format!("Portrait {id}"),
        crop: Arc::new(crop),
        path: None,
        placement: None,
        latent: None,
        latent_model: None,
        is_sample: false,
    }
}

fn placed(id: u64, name: &str, (placement, crop): (Placement, RgbImage)) -> Photo {
    let path = Some(PathBuf::from("/somewhere/else.png"));
    Photo {
        id: PhotoId(id),
        name: name.to_owned(),
        crop: Arc::new(crop),
        path,
        placement: Some(placement),
        latent: None,
        latent_model: None,
        is_sample: false,
    }
}

fn fill(mask: &mut MaskImage, rect: PixelRect, value: u8) {
    mask.modify(rect, |span, tile| {
        for y in span.rows.clone() {
            for x in span.columns.clone() {
                tile[y * 64 + x] = value.wrapping_add((x ^ y) as u8);
            }
        }
    });
}

/// A face as a model of 16 pixels knows it; no two are alike.
fn latent(seed: u32) -> Arc<Latent> {
    let value = |i: usize| ((i as f32 + 1.0) * (seed as f32 + 0.7)).sin() * 2.5;
    let mut config = Config::published(16, 1, false);
    config.codes = [(8, 3), (16, 2)].into();
    let residual = |(width, size, from): (usize, usize, usize)| {
        let values = (0..width * size * size).map(|i| value(i + from)).collect();
        Tensor::from_vec(values, (1, width, size, size), &Device::Cpu).unwrap()
    };
    let residuals = [(3, 8, 100), (3, 8, 1000), (2, 16, 5000), (2, 16, 9000)].map(residual);
    let residuals = Residuals::new(&config, &residuals).unwrap();
    Arc::new(Latent { stylemap: (0..64 * 8 * 8).map(value).collect(), residuals: Some(residuals), is_refined: false })
}

/// What a project keeps of a face, bit for bit: the shape and the values of its stylemap, then of its residuals.
fn bits(latent: &Latent) -> Vec<(Vec<usize>, Vec<u32>)> {
    let stylemap = Tensor::from_slice(&latent.stylemap, latent.stylemap.len(), &Device::Cpu).unwrap();
    let residuals = latent.residuals.iter().flat_map(Residuals::tensors);
    let bits = |tensor: &Tensor| {
        let values = tensor.flatten_all().unwrap().to_dtype(DType::F32).unwrap().to_vec1::<f32>().unwrap();
        (tensor.dims().to_vec(), values.into_iter().map(f32::to_bits).collect())
    };
    [&stylemap].into_iter().chain(residuals).map(bits).collect()
}

/// A face of the model and not of a photo.
fn random_face(id: u64) -> Photo {
    let latent = Latent::of_stylemap(latent(77).stylemap.clone());
    Photo { latent: Some(Arc::new(latent)), is_sample: true, ..portrait(id, picture(16, 16, 6)) }
}

/// A document of every kind of thing: a portrait, and two faces and the middle of one photo; three layers, one without a mask.
fn sample() -> Project {
    let face = Detection {
        landmarks: FACE,
        frame: FaceFrame { left: 70.0, top: 60.5, width: 64.0, height: 80.0 },
        confidence: 0.93,
    };
    let photo = original(encoded(&picture(200, 160, 1), ImageFormat::Png), vec![face]);
    let mut document = Document::default();
    document.add_photo(portrait(3, picture(24, 24, 2)));
    document.add_photo(placed(5, "Both", Placement::of_face(Arc::clone(&photo), FACE).unwrap()));
    document.add_photo(placed(6, "Middle", Placement::of_middle(photo).unwrap()));
    document.add_photo(random_face(9));
    document.set_source(PhotoId(5)).unwrap();
    let below = Some(Below { faces: [PhotoId(6), PhotoId(5)], y: 0.7 });
    document.set_blend(Some(Blend { with: PhotoId(3), t: 0.3, below })).unwrap();
    document.set_blend_path(vec![[0.1, 0.2], [1.0, 0.6]]);
    document.set_style_mix(Some(StyleMix::CoarseFromOther));
    document.set_coarse_levels(None, CoarseLevels::new(3));
    document.set_likeness(PhotoId(5), 0.1 + 0.2);
    document.set_likeness(PhotoId(3), 0.0);
    for (index, photo) in [6, 3, 3].into_iter().enumerate() {
        let layer = document.add_layer(PhotoId(photo)).unwrap();
        document.update_layer(layer, |layer| {
            layer.name = format!("Layer “{index}”\n");
            layer.offset_px = (-7 * index as i32, 40);
            layer.strength = 0.1 + index as f32 / 7.0;
            layer.feather_px = 3.3 * index as f32;
            layer.match_colours = 1.0 - index as f32 / 3.0;
            layer.takes = Takes::ALL[index % 3];
            layer.coarse_levels = CoarseLevels::new(1 + index as u8);
            layer.visible = index != 1;
            if index != 2 {
                let at = 100 * index;
                fill(&mut layer.mask, PixelRect { min_x: at, min_y: 30, max_x: at + 90, max_y: 130 }, 100);
            }
        });
    }
    document.set_active_layer(document.layers()[1].id);
    let steps = [("Smile".to_owned(), 0.1 + 0.2), ("Feminine – masculine".to_owned(), -1.5)];
    document.update_directions(None, |amounts| amounts.extend(steps.clone()));
    document.update_directions(Some(document.layers()[0].id), |amounts| amounts.extend([("Age".to_owned(), 1e-3)]));
    Project {
        document,
        view: [("scale".to_owned(), 0.1 + 0.2), ("center_x".to_owned(), -1e-7)].into(),
        model: Some(ModelIdentity { name: "A model".to_owned(), hash: HASH.to_owned() }),
        // One photo is still to be looked at.
        latents: [(PhotoId(3), latent(1)), (PhotoId(5), latent(2))].into(),
        thumbnail: Some(Arc::new(picture(64, 64, 9))),
        export: None,
    }
}

/// Of the model that knows the faces of the sample.
const HASH: &str = "0123456789abcdef";

/// Where a face that a model knows comes back from.
fn kept_latent(project: &Project, photo: &Photo) -> Option<(Arc<Latent>, Option<String>)> {
    let made = project.latents.get(&photo.id).map(|latent| {
        let model = project.model.as_ref().map(|model| model.hash.clone());
        (Arc::clone(latent), model)
    });
    made.filter(|_| !photo.is_sample).or(photo.latent.clone().map(|latent| (latent, photo.latent_model.clone())))
}

fn open(path: &Path) -> anyhow::Result<Opened> {
    project::open(path, &Progress::default())
}

/// Opens what must be whole.
fn reopened(path: &Path) -> Project {
    let mut opened = open(path).unwrap_or_else(|err| panic!("{}", sentence_of(&err)));
    assert_eq!(opened.problems, Vec::<String>::new());
    let (view, model) = (std::mem::take(&mut opened.view), opened.model.take());
    let thumbnail = project::thumbnail(path).unwrap().map(Arc::new);
    Project { document: opened.into_document(&mut 1000), view, model, thumbnail, ..Project::default() }
}

/// The number of a photo or layer is its own, but its place is not.
fn place(document: &Document, id: PhotoId) -> Option<usize> {
    document.photos().iter().position(|photo| photo.id == id)
}

/// Bit for bit.
fn assert_same(a: &Project, b: &Project) {
    assert_eq!((&a.view, &a.model, &a.thumbnail), (&b.view, &b.model, &b.thumbnail));
    let kept =
        |project: &Project, photo: &Photo| kept_latent(project, photo).map(|(latent, model)| (bits(&latent), model));
    for (x, y) in a.document.photos().iter().zip(b.document.photos()) {
        assert!(kept(a, x) == kept(b, y), "what is known of {} differs", x.name);
    }
    let (a, b) = (&a.document, &b.document);
    assert_eq!(a.photos().len(), b.photos().len());
    for (x, y) in a.photos().iter().zip(b.photos()) {
        assert_eq!((&x.name, x.is_sample), (&y.name, y.is_sample));
        assert_eq!(a.likeness(x.id).to_bits(), b.likeness(y.id).to_bits());
        assert!(x.crop == y.crop, "the pixels of {} differ", x.name);
        match (&x.placement, &y.placement) {
            (None, None) => {}
            (Some(x), Some(y)) => {
                assert_eq!((x.quad, x.landmarks), (y.quad, y.landmarks));
                let (x, y) = (&x.original, &y.original);
                assert!(x.encoded == y.encoded && x.pixels == y.pixels);
                assert_eq!((&x.file.colours, &x.faces), (&y.file.colours, &y.faces));
            }
            _ => panic!("{} has a photo around it, or not any more", x.name),
        }
    }
    let is_shared = |document: &Document, i: usize, j: usize| {
        let original = |index: usize| document.photos()[index].placement.as_ref().map(|p| Arc::as_ptr(&p.original));
        original(i).is_some() && original(i) == original(j)
    };
    for i in 0..a.photos().len() {
        for j in 0..i {
            assert_eq!(is_shared(a, i, j), is_shared(b, i, j), "photos {i} and {j}");
        }
    }
    let source = |document: &Document| document.source().and_then(|id| place(document, id));
    assert_eq!(source(a), source(b));
    let blend = |document: &Document| document.blend().map(|blend| (place(document, blend.with), blend.t.to_bits()));
    assert_eq!(blend(a), blend(b));
    let active = |document: &Document| {
        let active = document.active_layer().map(|layer| layer.id);
        document.layers().iter().position(|layer| Some(layer.id) == active)
    };
    assert_eq!(active(a), active(b));
    assert_eq!(a.directions(None), b.directions(None));
    assert_eq!((a.style_mix(), a.coarse_levels()), (b.style_mix(), b.coarse_levels()));
    assert_eq!(a.layers().len(), b.layers().len());
    for (x, y) in a.layers().iter().zip(b.layers()) {
        assert_eq!((&x.name, place(a, x.photo), x.color), (&y.name, place(b, y.photo), y.color));
        assert_eq!((x.offset_px, x.visible, &x.directions), (y.offset_px, y.visible, &y.directions));
        assert_eq!((x.strength.to_bits(), x.feather_px.to_bits()), (y.strength.to_bits(), y.feather_px.to_bits()));
        assert_eq!(x.match_colours.to_bits(), y.match_colours.to_bits());
        assert_eq!((x.takes, x.coarse_levels), (y.takes, y.coarse_levels));
        assert!(x.mask == y.mask, "the mask of {}", x.name);
    }
}

#[test]
fn how_pictures_are_written_is_kept_and_never_makes_a_project_unreadable() {
    let settings = ExportSettings {
        format: Format::Tiff,
        size: ExportSize::Px512,
        change_only: true,
        name: NameTemplate::new("{date} {photo}").unwrap(),
        ..ExportSettings::default()
    };
    let choice = ExportChoice { in_photo: Some(true), settings };
    let saved = Saved::new(&Project { export: Some(choice.clone()), ..sample() });
    assert_eq!(open(&saved.path).unwrap().export, Some(choice));
    // Of a newer program, out of range, or no such thing at all.
    for (value, is_kept) in [
        (serde_json::json!({"in_photo": false, "settings": {"format": "avif"}}), false),
        (serde_json::json!({"in_photo": false, "settings": {"name": "../../{photo}"}, "perfume": 3}), true),
        (serde_json::json!("loud"), false),
        (serde_json::json!(null), false),
    ] {
        saved.with_json(|json| json["export"] = value.clone());
        let opened = open(&saved.path).unwrap();
        assert_eq!(opened.problems, Vec::<String>::new(), "{value}");
        assert_eq!(opened.export.is_some(), is_kept, "{value}");
        let name = opened.export.map(|export| export.settings.name).unwrap_or_default();
        assert_eq!(name, NameTemplate::default(), "{value}");
    }
    let plain = Saved::new(&sample());
    assert_eq!(open(&plain.path).unwrap().export, None);
}

/// What the user would read; one plain sentence.
fn sentence<T>(result: anyhow::Result<T>) -> String {
    let err = result.err().expect("this must fail");
    let sentence = on_screen(&sentence_of(&err));
    assert!(!sentence.contains('\n') && sentence.len() < 500, "{sentence}");
    sentence
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A project in a folder of its own.
struct Saved {
    folder: TempDir,
    path: PathBuf,
}

impl Saved {
    fn new(project: &Project) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.stylebrush");
        project::save(&path, project).unwrap();
        Self { folder, path }
    }

    /// Its entries, changed, in a new archive in its place.
    fn rewritten(&self, change: impl FnOnce(&mut Vec<(String, Vec<u8>)>)) {
        let mut entries = entries(&self.path);
        change(&mut entries);
        write_archive(&self.path, &entries, CompressionMethod::Stored);
    }

    /// With another `document.json`.
    fn with_json(&self, change: impl FnOnce(&mut serde_json::Value)) {
        self.rewritten(|entries| {
            let mut json: serde_json::Value = serde_json::from_slice(&entries[0].1).unwrap();
            change(&mut json);
            entries[0].1 = serde_json::to_vec(&json).unwrap();
        });
    }
}

fn entries(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut zip = ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    (0..zip.len())
        .map(|index| {
            let mut entry = zip.by_index(index).unwrap();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            (entry.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

fn write_archive(path: &Path, entries: &[(String, Vec<u8>)], method: CompressionMethod) {
    let mut zip = ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in entries {
        zip.start_file(name.as_str(), SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn what_is_saved_comes_back() {
    let project = sample();
    let saved = Saved::new(&project);
    assert_same(&project, &reopened(&saved.path));
    // Also saved again from what was opened, to the same bytes: nothing creeps in, and no clock is in the file.
    let again = saved.folder.path().join("b.stylebrush");
    project::save(&again, &reopened(&saved.path)).unwrap();
    assert!(std::fs::read(&saved.path).unwrap() == std::fs::read(&again).unwrap());
    assert_eq!(names(saved.folder.path()), ["a.stylebrush", "b.stylebrush"]);
}

#[test]
fn an_empty_project_is_one() {
    let saved = Saved::new(&Project::default());
    assert_same(&Project::default(), &reopened(&saved.path));
}

#[test]
fn a_project_is_an_archive_of_ordinary_files() {
    let saved = Saved::new(&sample());
    let entries = entries(&saved.path);
    let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    let pictures = ["thumbnail.png", "masks/1.png", "masks/2.png", "photos/1.png", "photos/2.png", "photos/3.png"];
    let latents = ["latents/1.safetensors", "latents/2.safetensors"];
    assert_eq!(names, [&["document.json"][..], &pictures, &latents].concat());
    let mask = image::load_from_memory(&entries[2].1).unwrap();
    assert_eq!((mask.color(), mask.width(), mask.height()), (image::ColorType::L8, 512, 512));
    // Once for both faces, byte for byte.
    assert!(entries[4].1 == encoded(&picture(200, 160, 1), ImageFormat::Png));
}

#[test]
fn photos_get_numbers_that_were_never_used() {
    let saved = Saved::new(&sample());
    let mut next_photo_id = 41;
    let first = open(&saved.path).unwrap().into_document(&mut next_photo_id);
    let second = open(&saved.path).unwrap().into_document(&mut next_photo_id);
    let numbers: Vec<u64> = first.photos().iter().chain(second.photos()).map(|photo| photo.id.0).collect();
    assert_eq!((numbers, next_photo_id), ((41..49).collect(), 49));
}

#[test]
fn a_real_photo_survives_the_loss_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let photo = folder.path().join("me.jpg");
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/faces/faker_f17.jpg");
    std::fs::copy(fixture, &photo).unwrap();
    let loaded = photo_loading::load(&photo, Some(&FaceDetector::new().unwrap())).unwrap();
    let mut document = Document::default();
    document.add_photo(loaded.numbered(PhotoId(1)));
    let placement = document.photos()[0].placement.as_ref().unwrap();
    assert!(placement.landmarks.is_some() && !placement.original.faces.is_empty());
    let project = Project { document, ..Project::default() };
    std::fs::write(&photo, "something else now").unwrap();
    let path = folder.path().join("me.stylebrush");
    project::save(&path, &project).unwrap();
    std::fs::remove_file(&photo).unwrap();
    assert_same(&project, &reopened(&path));
}

/// Sizes were asked of a library that knows neither HEIC nor Lab, and such photos came back as gray squares.
#[test]
fn a_photo_of_any_kind_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases");
    for name in [
        "portrait.heic",
        "portrait_turned.heic",
        "portrait.jxl",
        "small_16_bit.jxl",
        "small_tiled.tif",
        "small_big.tif",
    ] {
        let bytes = std::fs::read(cases.join(name)).unwrap();
        let mut document = Document::default();
        document.add_photo(placed(1, name, Placement::of_middle(original(bytes, Vec::new())).unwrap()));
        let project = Project { document, ..Project::default() };
        let path = folder.path().join("project.stylebrush");
        project::save(&path, &project).unwrap();
        assert_eq!(open(&path).unwrap().problems, [""; 0], "{name}");
        assert_same(&project, &reopened(&path));
    }
}

#[test]
fn a_large_thumbnail_is_reduced() {
    let saved = Saved::new(&Project { thumbnail: Some(Arc::new(picture(1024, 512, 3))), ..sample() });
    let thumbnail = project::thumbnail(&saved.path).unwrap().unwrap();
    assert_eq!(thumbnail.dimensions(), (project::THUMBNAIL_SIDE_PX, project::THUMBNAIL_SIDE_PX / 2));
}

#[test]
fn names_of_projects_end_as_they_should() {
    for (given, expected) in [
        ("a", "a.stylebrush"),
        ("a.stylebrush", "a.stylebrush"),
        ("a.StyleBrush", "a.StyleBrush"),
        ("Anna 2.0", "Anna 2.0.stylebrush"),
        ("a.png", "a.png.stylebrush"),
    ] {
        assert_eq!(project::with_extension(PathBuf::from(given)), Path::new(expected));
    }
}

/// Written by hand, as it was first described: this must open for ever, whatever the program writes by then.
const VERSION_1: &str = r##"{
    "format_version": 1,
    "written_by": "Stylebrush 0.1.0",
    "model": { "name": "Faces 128", "hash": "00ff00ff00ff00ff" },
    "originals": [{
        "file": "photos/1.png",
        "faces": [{
            "landmarks": {
                "eye_left": [85.3, 80.1], "eye_right": [117.9, 81.7], "nose": [101.2, 98.4],
                "mouth_left": [89.6, 117.7], "mouth_right": [112.1, 118.3]
            },
            "frame": [70.0, 60.5, 64.0, 80.0],
            "confidence": 0.93
        }]
    }],
    "photos": [
        { "name": "Anna", "pixels": { "crop": {
            "original": 0, "center": [101.5, 84.625], "half_side": [65.25, 2.5],
            "landmarks": {
                "eye_left": [85.3, 80.1], "eye_right": [117.9, 81.7], "nose": null,
                "mouth_left": [89.6, 117.7], "mouth_right": [112.1, 118.3]
            }
        } } },
        { "name": "Portrait 1", "pixels": { "file": "photos/2.png" } },
        { "name": "Middle", "pixels": { "crop": {
            "original": 0, "center": [99.5, 79.5], "half_side": [80.0, 0.0], "landmarks": null
        } } }
    ],
    "source": 1,
    "blend": { "with": 0, "t": 0.25 },
    "layers": [
        { "name": "Mouth", "photo": 0, "color": [47, 209, 224], "mask": "masks/1.png", "offset_px": [12, -30],
          "strength": 0.75, "feather_px": 4.5, "visible": true },
        { "name": "Nothing yet", "photo": 2, "color": [1, 2, 3], "mask": null, "offset_px": [0, 0],
          "strength": 1.0, "feather_px": 0.0, "visible": false }
    ],
    "active_layer": 0,
    "view": { "scale": 1.5 },
    "something that a later program added": [1, 2, 3]
}"##;

fn version_1(json: &str) -> Saved {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.stylebrush");
    let mut mask = image::GrayImage::new(512, 512);
    mask.put_pixel(300, 20, image::Luma([200]));
    let mut mask_png = Vec::new();
    mask.write_to(&mut Cursor::new(&mut mask_png), ImageFormat::Png).unwrap();
    let entries = [
        ("document.json", json.as_bytes().to_vec()),
        ("photos/1.png", encoded(&picture(200, 160, 1), ImageFormat::Png)),
        ("photos/2.png", encoded(&picture(24, 24, 2), ImageFormat::Png)),
        ("masks/1.png", mask_png),
    ];
    write_archive(&path, &entries.map(|(name, bytes)| (name.to_owned(), bytes)), CompressionMethod::Deflated);
    Saved { folder, path }
}

#[test]
fn version_1_opens() {
    let saved = version_1(VERSION_1);
    let Project { document, view, model, thumbnail, .. } = reopened(&saved.path);
    assert_eq!(model.unwrap(), ModelIdentity { name: "Faces 128".to_owned(), hash: "00ff00ff00ff00ff".to_owned() });
    assert_eq!((view, thumbnail), ([("scale".to_owned(), 1.5)].into(), None));
    let photos = document.photos();
    assert_eq!(photos.iter().map(|photo| photo.name.as_str()).collect::<Vec<_>>(), ["Anna", "Portrait 1", "Middle"]);
    let anna = photos[0].placement.as_ref().unwrap();
    assert_eq!(anna.quad.center_and_half_side(), ([101.5, 84.625], [65.25, 2.5]));
    assert_eq!(anna.landmarks, Some(Landmarks { nose: None, ..FACE }));
    assert_eq!(anna.original.faces[0].landmarks, FACE);
    assert_eq!(*photos[0].crop, anna.original.crop(&anna.quad).unwrap());
    assert_eq!(*photos[1].crop, picture(24, 24, 2));
    assert_eq!(*photos[2].crop, stylemap::photo::centered_square(&picture(200, 160, 1)));
    assert_eq!(document.source(), Some(photos[1].id));
    assert_eq!(document.blend(), Some(Blend::between(photos[0].id, 0.25)));
    let [mouth, nothing] = document.layers() else { panic!("there are two layers") };
    assert_eq!((mouth.name.as_str(), mouth.photo, mouth.color), ("Mouth", photos[0].id, [47, 209, 224]));
    assert_eq!((mouth.offset_px, mouth.strength, mouth.feather_px, mouth.visible), ((12, -30), 0.75, 4.5, true));
    assert_eq!((mouth.mask.value(300, 20), mouth.mask.value(20, 300)), (200, 0));
    assert!(nothing.mask.is_empty() && !nothing.visible && nothing.photo == photos[2].id);
    assert_eq!(document.active_layer().unwrap().id, mouth.id);
    assert!(document.directions(None).is_empty() && mouth.directions.is_empty(), "there were none then");
    assert_eq!((mouth.match_colours, nothing.match_colours), (0.0, 0.0), "it shows what was saved");
    assert!(photos.iter().all(|photo| document.likeness(photo.id) == 1.0 && photo.latent.is_none()));
}

#[test]
fn random_faces_of_older_projects_are_what_they_were() {
    let saved = version_1(VERSION_1);
    saved.with_json(|json| json["photos"][1]["stylemap"] = vec![0.5, -1.25].into());
    let document = reopened(&saved.path).document;
    let [anna, random, middle] = document.photos() else { panic!("there are three photos") };
    assert!(random.is_sample && !anna.is_sample && !middle.is_sample);
    let latent = random.latent_of("any model").unwrap();
    assert!(latent.stylemap == [0.5, -1.25] && latent.residuals.is_none());
}

/// A project that another program goes on with before its model is there must not lose what the model knew.
#[test]
fn what_a_model_knew_is_kept_until_another_looks() {
    let saved = Saved::new(&sample());
    let without_model = Project { model: None, ..reopened(&saved.path) };
    let again = saved.folder.path().join("again.stylebrush");
    project::save(&again, &without_model).unwrap();
    assert_same(&without_model, &reopened(&again));
    let photos = reopened(&again).document.photos().to_vec();
    assert_eq!(bits(photos[0].latent_of(HASH).unwrap()), bits(&latent(1)));
    assert!(photos[0].latent_of("another model").is_none(), "for that it is no face");
    assert!(photos[2].latent_of(HASH).is_none(), "nobody had looked at it");

    // What the running model made of the photo counts more.
    let mut project = reopened(&saved.path);
    project.model = Some(ModelIdentity { name: "B".to_owned(), hash: "b".to_owned() });
    project.latents = [(project.document.photos()[0].id, latent(5))].into();
    project::save(&again, &project).unwrap();
    let photos = reopened(&again).document.photos().to_vec();
    assert_eq!(bits(photos[0].latent_of("b").unwrap()), bits(&latent(5)));
    assert_eq!(bits(photos[1].latent_of(HASH).unwrap()), bits(&latent(2)));
}

/// What a model knew is only a saving of work: without it the photo is looked at again, and nobody need be told.
#[test]
fn a_lost_face_is_made_from_its_photo_again() {
    let plain = |shape: &[usize], dtype: DType| Tensor::ones(shape, dtype, &Device::Cpu).unwrap();
    let file = |tensors: Vec<(&str, Tensor)>, hash: Option<&str>| {
        let metadata = hash.map(|hash| [("stylemap.model_hash".to_owned(), hash.to_owned())].into());
        safetensors::serialize(tensors, metadata).unwrap()
    };
    let names = ["residuals.0", "residuals.1", "residuals.2", "residuals.3"];
    let with_residuals = |shapes: [&[usize]; 4], dtype: DType| {
        let residuals = names.into_iter().zip(shapes).map(|(name, shape)| (name, plain(shape, dtype)));
        file([("stylemap", plain(&[64], DType::F32))].into_iter().chain(residuals).collect(), Some(HASH))
    };
    let right: [&[usize]; 4] = [&[1, 3, 8, 8], &[1, 3, 8, 8], &[1, 2, 16, 16], &[1, 2, 16, 16]];
    let infinite = (plain(&[64], DType::F32) / 0.0).unwrap();
    let cases = [
        None,
        Some(Vec::new()),
        Some(b"junk".to_vec()),
        Some(vec![0xff; 1000]),
        Some(file(vec![("stylemap", plain(&[64], DType::F32))], None)),
        Some(file(vec![("stylemap", plain(&[64], DType::F16))], Some(HASH))),
        Some(file(vec![("stylemap", infinite)], Some(HASH))),
        Some(file(vec![("residuals.0", plain(right[0], DType::F16))], Some(HASH))),
        Some(with_residuals(right, DType::F32)),
        Some(with_residuals([right[0], right[1], right[2], &[1, 2, 8, 16]], DType::F16)),
        Some(with_residuals([right[2], right[3], right[0], right[1]], DType::F16)),
        Some(with_residuals([&[1, 3, 4, 4], &[1, 3, 4, 4], &[1, 2, 8, 8], &[1, 2, 8, 8]], DType::F16)),
        Some(with_residuals([&[0], &[0], &[0], &[0]], DType::F16)),
        Some(with_residuals([&[1, 0, 1 << 40, 1], right[1], right[2], &[1, 0, 1 << 40, 1 << 20]], DType::F16)),
        Some(file(vec![("stylemap", plain(&[64], DType::F32))], Some(&"h".repeat(10_000)))),
        Some(vec![0; 70 << 20]),
    ];
    for (index, bytes) in cases.into_iter().enumerate() {
        let saved = Saved::new(&sample());
        saved.rewritten(|entries| {
            let at = entries.iter().position(|(name, _)| name == "latents/1.safetensors").unwrap();
            match bytes {
                Some(bytes) => entries[at].1 = bytes,
                None => drop(entries.remove(at)),
            }
        });
        let document = reopened(&saved.path).document;
        assert!(document.photos()[0].latent.is_none(), "case {index}");
        assert_eq!(bits(document.photos()[1].latent_of(HASH).unwrap()), bits(&latent(2)), "only itself: case {index}");
    }
    // The same bytes without a fault are a face.
    let saved = Saved::new(&sample());
    saved.rewritten(|entries| {
        let entry = entries.iter_mut().find(|(name, _)| name == "latents/1.safetensors").unwrap();
        entry.1 = with_residuals(right, DType::F16);
    });
    assert!(reopened(&saved.path).document.photos()[0].latent_of(HASH).unwrap().residuals.is_some());
}

#[test]
fn what_cannot_be_opened_is_refused_with_a_sentence() {
    let json = |from: &str, to: &str| {
        assert!(VERSION_1.contains(from), "{from}");
        VERSION_1.replacen(from, to, 1)
    };
    let layer = r#"{"name": "L", "photo": 0, "color": [1, 2, 3], "strength": 1, "visible": true}"#;
    let many_layers = [layer; MAX_LAYERS].join(",");
    let many_faces = [r#"{"name": "P", "pixels": {"file": "photos/2.png"}}"#; project::MAX_PHOTOS].join(",");
    let cases = [
        (
            r#"{"format_version": 3, "written_by": "Stylebrush 7.0", "photos": "all different"}"#.to_owned(),
            "it was saved by Stylebrush 7.0 in version 3 of the format, and this program knows versions up to 2; update \
             Stylebrush to open it.",
        ),
        (r#"{"format_version": 4000000000}"#.to_owned(), "it was saved by a newer Stylebrush in version 4000000000"),
        (r#"{"format_version": 0, "photos": []}"#.to_owned(), "there is no version 0 of the format."),
        (r#"{"format_version": -1, "photos": []}"#.to_owned(), "its document.json is damaged"),
        (r#"{"photos": []}"#.to_owned(), "its document.json is damaged: missing field `format_version`"),
        (json(r#""photo": 0"#, r#""photo": 3"#), "a layer shows a face that is not there."),
        (json(r#""original": 0"#, r#""original": 1"#), "a face comes from a photo that is not there."),
        (json(r#""source": 1"#, r#""source": 9"#), "the source is not among the photos."),
        (json(r#""with": 0"#, r#""with": 18446744073709551615"#), "the face mixed in is not among the photos."),
        (json(r#""active_layer": 0"#, r#""active_layer": 2"#), "the layer in use is not among the layers."),
        (json(r#""layers": ["#, &format!(r#""layers": [{many_layers},"#)), "a project has room for 8 layers"),
        (json(r#""photos": ["#, &format!(r#""photos": [{many_faces},"#)), "a project has room for 1000 faces"),
        (json("[47, 209, 224]", "[47, 209, 2240]"), "its document.json is damaged"),
        (format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)), "its document.json is damaged"),
        (String::new(), "its document.json is damaged"),
    ];
    for (json, expected) in cases {
        let saved = version_1(&json);
        let sentence = sentence(open(&saved.path));
        let begin = format!("Cannot open the project {}: ", saved.path.display());
        assert!(sentence.starts_with(&begin) && sentence.contains(expected), "{sentence} is not … {expected}");
    }
}

#[test]
fn what_is_no_project_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("empty"), "").unwrap();
    std::fs::write(path("text"), "This is no project.".repeat(100)).unwrap();
    std::fs::write(path("picture"), encoded(&picture(9, 9, 9), ImageFormat::Png)).unwrap();
    write_archive(&path("archive"), &[("readme.txt".to_owned(), b"Hello".to_vec())], CompressionMethod::Stored);
    for (name, expected) in [
        ("empty", "it is damaged, or no project of Stylebrush."),
        ("text", "it is damaged, or no project of Stylebrush."),
        ("picture", "it is damaged, or no project of Stylebrush."),
        ("archive", "it is an archive, but no project of Stylebrush."),
        ("nowhere", "No such file or directory."),
        (".", "it is no file."),
    ] {
        if cfg!(unix) || name != "nowhere" {
            let said = sentence(open(&path(name)));
            assert!(said.ends_with(expected), "{name}: {said}");
            let thumbnail = project::thumbnail(&path(name));
            if name == "archive" {
                assert_eq!(thumbnail.unwrap(), None);
            } else {
                assert_eq!(sentence(thumbnail), said);
            }
        }
    }
}

/// What is left when one entry is lost: everything else.
#[test]
fn a_lost_part_is_reported_and_costs_only_itself() {
    let whole = sample();
    type Change = fn(&mut Vec<u8>);
    let cut: Change = |bytes| bytes.truncate(bytes.len() / 2);
    let junk: Change = |bytes| *bytes = b"junk".to_vec();
    let small: Change = |bytes| *bytes = encoded(&picture(16, 16, 1), ImageFormat::Png);
    let oblong: Change = |bytes| *bytes = encoded(&picture(16, 17, 1), ImageFormat::Png);
    for (entry, change, is_mask, problems) in [
        ("masks/1.png", None, true, &["the mask of the layer Layer “0”", "masks/1.png is missing"] as &[&str]),
        ("masks/1.png", Some(cut), true, &["masks/1.png is damaged"]),
        ("masks/1.png", Some(junk), true, &["masks/1.png is damaged"]),
        ("masks/1.png", Some(small), true, &["masks/1.png is not 512 x 512 pixels"]),
        ("photos/1.png", None, false, &["the photo Both", "photos/1.png is missing", "the photo Middle"]),
        ("photos/1.png", Some(cut), false, &["photos/1.png"]),
        ("photos/1.png", Some(junk), false, &["photos/1.png is not a picture"]),
        ("photos/2.png", None, false, &["the photo Portrait 3", "photos/2.png is missing"]),
        ("photos/2.png", Some(cut), false, &["photos/2.png is damaged"]),
        ("photos/2.png", Some(oblong), false, &["photos/2.png is not square"]),
    ] {
        let saved = Saved::new(&whole);
        saved.rewritten(|entries| {
            let index = entries.iter().position(|(name, _)| name == entry).unwrap();
            match change {
                Some(change) => change(&mut entries[index].1),
                None => drop(entries.remove(index)),
            }
        });
        let mut opened = open(&saved.path).unwrap();
        let said = std::mem::take(&mut opened.problems).join("; ");
        assert!(problems.iter().all(|part| said.contains(part)), "{entry}: {said}");
        let document = opened.into_document(&mut 1);
        let expected = &whole.document;
        assert_eq!(document.layers().len(), expected.layers().len());
        for (index, (a, b)) in document.layers().iter().zip(expected.layers()).enumerate() {
            assert_eq!((&a.name, a.strength, a.offset_px), (&b.name, b.strength, b.offset_px));
            assert_eq!(a.mask == b.mask, !(is_mask && index == 0), "{entry}: mask {index}");
        }
        for (a, b) in document.photos().iter().zip(expected.photos()) {
            assert_eq!(a.name, b.name);
            let is_lost = match &b.placement {
                Some(_) => entry == "photos/1.png",
                None => entry == "photos/2.png" && !b.is_sample,
            };
            assert_eq!(a.crop != b.crop, is_lost, "{entry}: {}", a.name);
            assert_eq!(a.crop.width(), a.crop.height());
        }
    }
}

#[test]
fn numbers_out_of_range_are_brought_into_it() {
    let saved = version_1(VERSION_1);
    saved.with_json(|json| {
        let layer = &mut json["layers"][0];
        (layer["strength"], layer["feather_px"]) = (7.5.into(), (-3).into());
        layer["match_colours"] = (-1e30).into();
        layer["coarse_levels"] = (-30).into();
        json["coarse_levels"] = 1000.into();
        let layer = &mut json["layers"][0];
        layer["offset_px"] = [100_000, -2_000_000_000].to_vec().into();
        layer["name"] = "M".repeat(1 << 20).into();
        json["blend"]["t"] = (-0.5).into();
        (json["photos"][0]["likeness"], json["photos"][1]["likeness"]) = (1e30.into(), (-7).into());
        json["directions"] =
            (0..2000).map(|i| (format!("{i:05}"), serde_json::Value::from(1e6 - 1e3 * f64::from(i)))).collect();
        json["directions"]["N".repeat(2000)] = 1.into();
        json["layers"][0]["directions"] = serde_json::json!({"Smile": -1e30, "Age": 0});
        json["originals"][0]["faces"][0]["confidence"] = 3.into();
        json["view"] = (0..10_000).map(|i| (format!("{i:05}"), serde_json::Value::from(i))).collect();
    });
    let Project { document, view, .. } = reopened(&saved.path);
    let layer = &document.layers()[0];
    let limit = CANVAS_SIZE_PX as i32;
    assert_eq!((layer.strength, layer.feather_px, layer.offset_px), (1.0, 0.0, (limit, -limit)));
    assert_eq!((layer.name.len(), view.len()), (1000, 64));
    assert_eq!(document.blend().unwrap().t, 0.0);
    assert_eq!(layer.match_colours, 0.0);
    assert_eq!((layer.coarse_levels, document.coarse_levels()), (CoarseLevels::new(1), CoarseLevels::new(8)));
    assert_eq!([0, 1, 2].map(|index: usize| document.likeness(document.photos()[index].id)), [1.0, 0.0, 1.0]);
    assert_eq!(document.directions(None).len(), 1000);
    assert!(document.directions(None).values().all(|amount| *amount == 100.0));
    assert_eq!(layer.directions, [("Smile".to_owned(), -100.0)].into());
    assert_eq!(document.photos()[0].placement.as_ref().unwrap().original.faces[0].confidence, 1.0);
}

#[test]
fn impossible_faces_are_no_crops() {
    for (field, value) in [
        ("center", serde_json::json!([1e9, 0.0])),
        ("half_side", serde_json::json!([0.0, 0.0])),
        ("half_side", serde_json::json!([1e300, 5.0])),
        (
            "landmarks",
            serde_json::json!({
                "eye_left": [1e9, 0.0], "eye_right": [1.0, 0.0], "mouth_left": [0.0, 1.0], "mouth_right": [1.0, 1.0]
            }),
        ),
    ] {
        let saved = version_1(VERSION_1);
        saved.with_json(|json| json["photos"][0]["pixels"]["crop"][field] = value);
        let opened = open(&saved.path).unwrap();
        assert_eq!((opened.problems.len(), opened.photo_count()), (1, 3), "{field}: {:?}", opened.problems);
        assert!(opened.problems[0].starts_with("the photo Anna cannot be read"), "{:?}", opened.problems);
    }
    // A face that the detector cannot have found is left out; the crop does not need it.
    let saved = version_1(VERSION_1);
    saved.with_json(|json| json["originals"][0]["faces"][0]["frame"] = [1.0, 1.0, -5.0, 1e9].to_vec().into());
    assert!(reopened(&saved.path).document.photos()[0].placement.as_ref().unwrap().original.faces.is_empty());
}

/// A PNG that says that it is as large as it likes.
fn vast_png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = encoded(&picture(1, 1, 0), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let mut crc = !0u32;
    for &byte in &bytes[12..29] {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    bytes[29..33].copy_from_slice(&(!crc).to_be_bytes());
    bytes
}

#[test]
fn bombs_do_not_go_off() {
    let replaced = |name: &str, bytes: Vec<u8>| {
        let saved = Saved::new(&sample());
        let mut entries = entries(&saved.path);
        entries.iter_mut().find(|(entry, _)| entry == name).unwrap().1 = bytes;
        write_archive(&saved.path, &entries, CompressionMethod::Deflated);
        saved
    };
    // Inflates to hundreds of times its size.
    let zeros = || vec![0; 100 << 20];
    let saved = replaced("document.json", zeros());
    assert!(saved.path.metadata().unwrap().len() < 1 << 20, "this is no bomb");
    assert!(sentence(open(&saved.path)).contains("document.json has more than the 67108864 bytes that it may have"));
    for name in ["masks/1.png", "photos/1.png", "photos/2.png"] {
        let opened = open(&replaced(name, zeros()).path).unwrap();
        assert!(opened.problems[0].contains("bytes that it may have"), "{:?}", opened.problems);
    }
    // Says that it is vast.
    for (name, bytes) in [
        ("masks/1.png", vast_png(40_000, 40_000)),
        ("photos/1.png", vast_png(100_000, 100_000)),
        ("photos/1.png", vast_png(40_000, 39_000)),
        ("photos/1.png", vast_png(u32::MAX >> 1, u32::MAX >> 1)),
        ("photos/2.png", vast_png(5000, 5000)),
    ] {
        let opened = open(&replaced(name, bytes).path).unwrap();
        assert!(!opened.problems.is_empty(), "{name}");
        assert_eq!(opened.into_document(&mut 1).layers().len(), 3);
    }
    // One entry, many times.
    let saved = Saved::new(&sample());
    saved.rewritten(|entries| entries.push(("vast.png".to_owned(), vast_png(8000, 8000))));
    saved.with_json(|json| {
        json["originals"] = vec![serde_json::json!({"file": "vast.png"}); 20].into();
        let face = |original| {
            serde_json::json!({"name": "F", "pixels": {"crop": {
                "original": original, "center": [0.0, 0.0], "half_side": [9.0, 0.0], "landmarks": null
            }}})
        };
        json["photos"] = (0..20).map(face).collect();
    });
    let opened = open(&saved.path).unwrap();
    let too_large = opened.problems.iter().filter(|problem| problem.ends_with("all its photos together are too large"));
    assert_eq!(too_large.count(), 16, "{:?}", opened.problems);
}

#[test]
fn entries_that_name_other_places_are_read_and_never_written() {
    let saved = Saved::new(&sample());
    let outside = saved.folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    let inside = outside.join("project.stylebrush");
    std::fs::rename(&saved.path, &inside).unwrap();
    let saved = Saved { folder: saved.folder, path: inside };
    saved.rewritten(|entries| {
        entries[4].0 = "../../evil.png".to_owned();
        entries.push(("../evil.txt".to_owned(), b"evil".to_vec()));
        entries.push(("/tmp/evil.txt".to_owned(), b"evil".to_vec()));
    });
    saved.with_json(|json| json["originals"][0]["file"] = "../../evil.png".into());
    assert_same(&sample(), &reopened(&saved.path));
    assert_eq!(
        (names(saved.folder.path()), names(&outside)),
        (vec!["outside".to_owned()], vec!["project.stylebrush".to_owned()])
    );
    // A file beside the project is not one of its entries.
    std::fs::write(outside.join("mine.png"), encoded(&picture(24, 24, 1), ImageFormat::Png)).unwrap();
    saved.with_json(|json| json["photos"][0]["pixels"]["file"] = "mine.png".into());
    assert!(open(&saved.path).unwrap().problems[0].contains("mine.png is missing"));
}

#[test]
fn cancelling_is_no_project() {
    let saved = Saved::new(&sample());
    let progress = Progress::default();
    assert_eq!(progress.share(), 0.0);
    progress.cancel();
    let err = project::open(&saved.path, &progress).unwrap_err();
    assert!(matches!(err.downcast_ref(), Some(stylemap::Error::Cancelled)), "{err:#}");
    let progress = Progress::default();
    project::open(&saved.path, &progress).unwrap();
    assert_eq!(progress.share(), 1.0);
}

#[derive(Clone, Debug)]
struct LayerPlan {
    photo: usize,
    rects: Vec<(usize, usize, usize, usize, u8)>,
    offset_px: (i32, i32),
    strength: f32,
    feather_px: f32,
    match_colours: f32,
    visible: bool,
    name: String,
    color: [u8; 3],
}

#[derive(Clone, Debug)]
enum PhotoPlan {
    Portrait(u32),
    /// Of one of two photos, the face moved and turned a little.
    Face(usize, [f32; 8], bool),
    Middle(usize),
}

fn photo_plan() -> impl Strategy<Value = PhotoPlan> {
    prop_oneof![
        (1u32..40).prop_map(PhotoPlan::Portrait),
        (0..2usize, prop::array::uniform8(-12f32..12.0), any::<bool>())
            .prop_map(|(original, moved, has_nose)| PhotoPlan::Face(original, moved, has_nose)),
        (0..2usize).prop_map(PhotoPlan::Middle),
    ]
}

fn layer_plan() -> impl Strategy<Value = LayerPlan> {
    (
        (0..6usize, prop::collection::vec((0..512usize, 0..512usize, 1..200usize, 1..200usize, any::<u8>()), 0..4)),
        (-600..600i32, -600..600i32),
        (0f32..1.0, 0f32..64.0, 0f32..=1.0, any::<bool>()),
        ("\\PC{0,20}", any::<[u8; 3]>()),
    )
        .prop_map(|((photo, rects), offset_px, (strength, feather_px, match_colours, visible), (name, color))| {
            LayerPlan { photo, rects, offset_px, strength, feather_px, match_colours, visible, name, color }
        })
}

fn planned(
    photos: &[PhotoPlan],
    layers: &[LayerPlan],
    source: usize,
    blend: Option<(usize, f32)>,
    active: usize,
) -> Document {
    let mut jpeg = Vec::new();
    JpegEncoder::new(&mut jpeg).encode_image(&picture(230, 190, 4)).unwrap();
    let face = Detection {
        landmarks: FACE,
        frame: FaceFrame { left: 0.1, top: 0.2, width: 64.3, height: 80.7 },
        confidence: 0.7,
    };
    let originals =
        [original(encoded(&picture(200, 210, 8), ImageFormat::Png), vec![face]), original(jpeg, Vec::new())];
    let mut document = Document::default();
    for (index, plan) in photos.iter().enumerate() {
        let id = 3 * index as u64 + 2;
        let photo = match *plan {
            PhotoPlan::Portrait(side) => portrait(id, picture(side, side, index as u32)),
            PhotoPlan::Middle(which) => {
                placed(id, "Middle", Placement::of_middle(Arc::clone(&originals[which])).unwrap())
            }
            PhotoPlan::Face(which, moved, has_nose) => {
                let [a, b, c, d, e, f, g, h] = moved;
                let by = |[x, y]: [f32; 2], dx: f32, dy: f32| [x + dx, y + dy];
                let landmarks = Landmarks {
                    eye_left: by(FACE.eye_left, a, b),
                    eye_right: by(FACE.eye_right, c, d),
                    nose: FACE.nose.filter(|_| has_nose),
                    mouth_left: by(FACE.mouth_left, e, f),
                    mouth_right: by(FACE.mouth_right, g, h),
                };
                placed(id, "Face", Placement::of_face(Arc::clone(&originals[which]), landmarks).unwrap())
            }
        };
        document.add_photo(photo);
    }
    let id = |document: &Document, index: usize| document.photos().get(index).map(|photo| photo.id);
    if let Some(id) = id(&document, source) {
        document.set_source(id).unwrap();
    }
    if let Some((with, t)) = blend
        && let Some(with) = id(&document, with)
    {
        document.set_blend(Some(Blend::between(with, t))).unwrap();
    }
    for plan in layers {
        let Some(photo) = id(&document, plan.photo) else { continue };
        let layer = document.add_layer(photo).unwrap();
        document.update_layer(layer, |layer| {
            for &(min_x, min_y, width, height, value) in &plan.rects {
                let rect =
                    PixelRect { min_x, min_y, max_x: (min_x + width).min(512), max_y: (min_y + height).min(512) };
                fill(&mut layer.mask, rect, value);
            }
            (layer.offset_px, layer.strength, layer.feather_px) = (plan.offset_px, plan.strength, plan.feather_px);
            (layer.match_colours, layer.visible, layer.color) = (plan.match_colours, plan.visible, plan.color);
            layer.name.clone_from(&plan.name);
        });
    }
    if let Some(layer) = document.layers().get(active) {
        document.set_active_layer(layer.id);
    }
    document
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Any document: saved and opened, it is the same bit for bit.
    #[test]
    fn any_document_comes_back(
        photos in prop::collection::vec(photo_plan(), 0..5),
        layers in prop::collection::vec(layer_plan(), 0..=MAX_LAYERS),
        source in 0..6usize,
        blend in prop::option::of((0..6usize, 0f32..=1.0)),
        active in 0..9usize,
        likeness in prop::collection::vec(prop::option::of(0f32..=1.0), 5),
        latents in prop::collection::vec(prop::option::of(any::<u16>()), 5),
        view in prop::collection::btree_map("[a-z_]{1,8}", any::<f64>().prop_filter("a number", |v| v.is_finite()), 0..8),
    ) {
        let mut document = planned(&photos, &layers, source, blend, active);
        let ids: Vec<PhotoId> = document.photos().iter().map(|photo| photo.id).collect();
        for (id, likeness) in ids.iter().zip(likeness) {
            document.set_likeness(*id, likeness.unwrap_or(1.0));
        }
        let latents = ids.iter().zip(latents).filter_map(|(id, seed)| Some((*id, latent(seed?.into())))).collect();
        let model = Some(ModelIdentity { name: "A model".to_owned(), hash: HASH.to_owned() });
        let project = Project { document, view, model, latents, ..Project::default() };
        assert_same(&project, &reopened(&Saved::new(&project).path));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Any damage to the file: a project, a report of what is lost, or a sentence.
    #[test]
    fn any_damage_is_a_sentence(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        len in prop::option::weighted(0.3, any::<prop::sample::Index>()),
        at_end in any::<bool>(),
    ) {
        let damaged = Saved { folder: tempfile::tempdir().unwrap(), path: PathBuf::new() };
        let path = damaged.folder.path().join("a.stylebrush");
        let mut bytes = sample_bytes().to_vec();
        for (index, value) in flips {
            // Most of the file is pixels; the directory at its end is what leads into it.
            let tail = if at_end { bytes.len().min(700) } else { bytes.len() };
            let index = bytes.len() - tail + index.index(tail);
            bytes[index] ^= value;
        }
        bytes.truncate(len.map_or(bytes.len(), |len| len.index(bytes.len())));
        std::fs::write(&path, &bytes).unwrap();
        check_hostile(&path);
    }

    /// Any damage to the words, under a checksum that is right.
    #[test]
    fn any_words_are_a_document_or_a_sentence(
        edits in prop::collection::vec((any::<prop::sample::Index>(), "[0-9\\[\\]{}\",:.eE+-]{0,3}"), 1..4),
    ) {
        let mut json = VERSION_1.as_bytes().to_vec();
        for (index, text) in edits {
            let at = index.index(json.len());
            let end = (at + text.len()).min(json.len());
            json.splice(at..end, text.bytes());
        }
        let saved = version_1(&String::from_utf8_lossy(&json));
        check_hostile(&saved.path);
    }
}

fn sample_bytes() -> &'static [u8] {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    BYTES.get_or_init(|| std::fs::read(Saved::new(&sample()).path).unwrap())
}

fn check_hostile(path: &Path) {
    match open(path) {
        Ok(opened) => {
            for problem in &opened.problems {
                assert!(!problem.contains('\n'), "{problem}");
            }
            let document = opened.into_document(&mut 1);
            assert_eq!(document.source().is_some(), !document.is_empty());
            assert!(document.layers().iter().all(|layer| document.photo(layer.photo).is_some()));
        }
        Err(err) => {
            let begin = format!("Cannot open the project {}: ", path.display());
            assert!(sentence(Err::<(), _>(err)).starts_with(&begin));
        }
    }
    let _ = project::thumbnail(path);
}

#[test]
fn a_save_that_fails_leaves_what_was_there() {
    let saved = Saved::new(&sample());
    let before = std::fs::read(&saved.path).unwrap();
    // A file where a folder should be, and a folder where a file should be.
    let folder = saved.folder.path();
    std::fs::create_dir(folder.join("taken.stylebrush")).unwrap();
    for path in
        [saved.path.join("b.stylebrush"), folder.join("none").join("b.stylebrush"), folder.join("taken.stylebrush")]
    {
        assert!(sentence(project::save(&path, &sample())).starts_with(&format!("Cannot write {}: ", path.display())));
    }
    let mut full = Document::default();
    for id in 0..=project::MAX_PHOTOS as u64 {
        full.add_photo(portrait(id, picture(1, 1, 1)));
    }
    let too_full = project::save(&saved.path, &Project { document: full, ..Project::default() });
    assert!(sentence(too_full).ends_with("a project has room for 1000 faces, and there are 1001."));
    assert!(std::fs::read(&saved.path).unwrap() == before);
    assert_eq!(names(folder), ["a.stylebrush", "taken.stylebrush"]);
}

/// Runs one of the tests below that are no tests, in a process of its own.
fn child(test: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(CHILD_FOLDER, folder);
    command
}

const CHILD_FOLDER: &str = "STYLEBRUSH_TEST_FOLDER";

/// None where it was not started by the test that it belongs to.
fn child_folder() -> Option<PathBuf> {
    std::env::var_os(CHILD_FOLDER).map(Into::into)
}

/// A disk that is full after a while, in the way that needs no rights: no file may grow beyond 8 KiB.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_what_was_there() {
    let saved = Saved::new(&sample());
    let before = std::fs::read(&saved.path).unwrap();
    assert!(before.len() > 64 << 10, "it must not fit");
    let test = child("child_saves_on_a_full_disk", saved.folder.path());
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""]).arg(test.get_program()).args(test.get_args());
    shell.env(CHILD_FOLDER, saved.folder.path());
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("Cannot write ") && said.contains(": File too large."), "{said}");
    assert!(std::fs::read(&saved.path).unwrap() == before);
    assert_eq!(names(saved.folder.path()), ["a.stylebrush"]);
}

#[test]
#[ignore = "the child of a_full_disk_leaves_what_was_there"]
fn child_saves_on_a_full_disk() {
    let Some(folder) = child_folder() else { return };
    println!("{}", sentence(project::save(&folder.join("a.stylebrush"), &sample())));
}

/// A project that is not like any other, and is known by its number. Its photo is the same in all, and large enough that
/// most of the time is spent in writing.
fn state(number: u32, photo: &Arc<Original>) -> Project {
    let mut document = Document::default();
    document.add_photo(placed(1, "Photo", Placement::of_middle(Arc::clone(photo)).unwrap()));
    document.add_photo(portrait(2, picture(32, 32, number)));
    for index in 0..1 + number % 3 {
        let layer = document.add_layer(PhotoId(1 + u64::from(index % 2))).unwrap();
        document.update_layer(layer, |layer| {
            layer.offset_px = (number as i32 % 500, index as i32);
            let at = (number as usize * 7 + 31 * index as usize) % 400;
            fill(&mut layer.mask, PixelRect { min_x: at, min_y: 0, max_x: at + 100, max_y: 200 }, number as u8);
        });
    }
    Project { document, view: [("number".to_owned(), f64::from(number))].into(), ..Project::default() }
}

fn state_photo() -> Arc<Original> {
    let noise = RgbImage::from_fn(400, 300, |x, y| {
        let mixed = (x * 400 + y).wrapping_mul(0x9e37_79b9);
        Rgb([(mixed >> 24) as u8, (mixed >> 16) as u8, (mixed >> 8) as u8])
    });
    original(encoded(&noise, ImageFormat::Png), Vec::new())
}

const KILLS: u32 = 100;

/// Saves, autosaves and exports without end, each from a thread of its own, until it is killed.
#[test]
#[ignore = "the child of whatever_the_moment_of_death_nothing_is_lost"]
fn child_saves_until_it_is_killed() {
    let Some(folder) = child_folder() else { return };
    let first: u32 = std::env::var("STYLEBRUSH_TEST_FIRST").unwrap().parse().unwrap();
    let photo = state_photo();
    let slot = AutosaveSlot::claim(&folder.join("recovery")).unwrap();
    let project_path = folder.join("a.stylebrush");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in first.. {
                project::save(&project_path, &state(number, &photo)).unwrap();
            }
        });
        scope.spawn(|| {
            for number in first.. {
                slot.save(&state(number, &photo), Some(&project_path)).unwrap();
            }
        });
        scope.spawn(|| {
            for number in first.. {
                let picture = picture(200, 200, number);
                export::write(&folder.join("a.png"), &picture, Format::Png, &FileOptions::default()).unwrap();
            }
        });
        println!("begun");
    });
}

#[test]
fn whatever_the_moment_of_death_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (project_path, picture_path) = (folder.path().join("a.stylebrush"), folder.path().join("a.png"));
    let recovery = folder.path().join("recovery");
    let photo = state_photo();
    let number = |project: &Project| project.view["number"] as u32;
    project::save(&project_path, &state(0, &photo)).unwrap();
    let (mut newest, mut changes, mut recovered, mut torn) = (0, 0, 0, 0);
    let (mut exports, mut last_export) = (0, Vec::new());
    for kill in 0..KILLS {
        let first = 1 + 1_000_000 * kill;
        let mut child: Child = child("child_saves_until_it_is_killed", folder.path())
            .env("STYLEBRUSH_TEST_FIRST", first.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("begun")), "the child never began");
        // Somewhere in the first saves, each time elsewhere.
        std::thread::sleep(Duration::from_micros(u64::from(kill.wrapping_mul(7919) % 40_000)));
        assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();

        let part = |name: &String| name.ends_with(".part");
        torn += usize::from(names(folder.path()).iter().chain(&names(&recovery)).any(part));
        // The file is always there, always whole, and never older than before.
        let found = reopened(&project_path);
        assert_same(&found, &state(number(&found), &photo));
        assert!(number(&found) >= newest, "{} after {newest}", number(&found));
        changes += usize::from(number(&found) > newest);
        newest = number(&found);
        // So is the exported picture, from the first one on.
        if picture_path.exists() {
            let exported = image::open(&picture_path).unwrap().into_rgb8();
            assert_eq!(exported.dimensions(), (200, 200));
            exports += usize::from(std::fs::read(&picture_path).unwrap() != last_export);
            last_export = std::fs::read(&picture_path).unwrap();
        } else {
            assert!(last_export.is_empty(), "an exported picture is gone");
        }
        // So is the autosave, if there was time for the first one, and it knows whose it is.
        let mut found = leftovers(&recovery);
        assert!(found.len() <= 1, "{found:?}");
        if let Some(leftover) = found.pop() {
            recovered += 1;
            let project = reopened(leftover.path());
            assert_same(&project, &state(number(&project), &photo));
            assert!(number(&project) >= first);
            assert_eq!((leftover.saved_as.as_ref(), leftover.name.as_deref()), (Some(&project_path), Some("a")));
            leftover.discard().unwrap();
        }
        assert_eq!(names(&recovery), Vec::<String>::new(), "nothing is left of the dead");
    }
    // Or it has shown nothing: there were saves, autosaves, and files that were not finished.
    assert!(changes > 0 && recovered > 0 && torn > 0, "{changes} saves, {recovered} autosaves, {torn} torn files");
    assert!(exports > 1, "{exports} exports");
    // What lies beside the project goes with the next save.
    project::save(&project_path, &state(1, &photo)).unwrap();
    let left = names(folder.path());
    assert!(!left.iter().any(|name| name.starts_with("a.stylebrush.")), "{left:?}");
}

#[test]
fn the_living_are_not_recovered_and_the_dead_are() {
    let folder = tempfile::tempdir().unwrap();
    let recovery = folder.path().join("some").join("recovery");
    assert!(leftovers(&recovery).is_empty());
    let (mine, other) = (AutosaveSlot::claim(&recovery).unwrap(), AutosaveSlot::claim(&recovery).unwrap());
    mine.save(&sample(), None).unwrap();
    other.save(&sample(), Some(Path::new("/home/anna/Holiday.stylebrush"))).unwrap();
    assert!(leftovers(&recovery).is_empty(), "both live");

    drop(other);
    let mut found = leftovers(&recovery);
    assert_eq!(found.len(), 1);
    assert!(leftovers(&recovery).is_empty(), "it is offered once");
    let leftover = found.pop().unwrap();
    assert_eq!(leftover.name.as_deref(), Some("Holiday"));
    assert_eq!(leftover.saved_as.as_deref(), Some(Path::new("/home/anna/Holiday.stylebrush")));
    assert_eq!(leftover.thumbnail.as_ref(), sample().thumbnail.as_deref());
    assert_same(&sample(), &reopened(leftover.path()));
    assert_eq!(open(leftover.path()).unwrap().autosave_of.as_deref(), leftover.saved_as.as_deref());

    // Not decided: it is offered again. Recovered: its place is taken over, and it is not.
    drop(leftover);
    let adopted = leftovers(&recovery).pop().unwrap().adopt();
    assert!(leftovers(&recovery).is_empty());
    adopted.close().unwrap();
    mine.clear().unwrap();
    mine.clear().unwrap();
    mine.close().unwrap();
    assert_eq!(names(&recovery), Vec::<String>::new());
}

#[test]
fn leftovers_come_newest_first_and_damaged_ones_too() {
    let recovery = tempfile::tempdir().unwrap();
    let slots: Vec<_> = (0..3).map(|_| AutosaveSlot::claim(recovery.path()).unwrap()).collect();
    for (age, slot) in slots.iter().enumerate() {
        slot.save(&sample(), Some(Path::new(&format!("/{age}.stylebrush")))).unwrap();
    }
    drop(slots);
    let mut autosaves: Vec<String> = names(recovery.path());
    autosaves.retain(|name| name.ends_with(".stylebrush"));
    let time = std::time::SystemTime::now();
    for (age, name) in autosaves.iter().enumerate() {
        let file = std::fs::OpenOptions::new().write(true).open(recovery.path().join(name)).unwrap();
        file.set_modified(time - Duration::from_secs(100 * age as u64)).unwrap();
    }
    // The second lost its lock, the third is damaged.
    std::fs::remove_file(recovery.path().join(&autosaves[1]).with_extension("lock")).unwrap();
    std::fs::write(recovery.path().join(&autosaves[2]), "damaged").unwrap();
    std::fs::OpenOptions::new()
        .write(true)
        .open(recovery.path().join(&autosaves[2]))
        .unwrap()
        .set_modified(time - Duration::from_secs(300))
        .unwrap();
    std::fs::write(recovery.path().join("99-99.lock"), "").unwrap();
    std::fs::write(recovery.path().join("not mine.txt"), "").unwrap();
    let found = leftovers(recovery.path());
    let listed: Vec<_> = found.iter().map(|leftover| leftover.name.as_deref()).collect();
    assert_eq!(listed, [Some("0"), Some("1"), None]);
    assert!(sentence(open(found[2].path())).contains("it is damaged"));
    for leftover in found {
        leftover.discard().unwrap();
    }
    assert_eq!(names(recovery.path()), ["not mine.txt"]);
}

/// Holds the saving thread after a report, so that what waits is known.
#[derive(Clone, Default)]
struct Gate(Arc<(AtomicBool, Mutex<()>)>);

#[test]
fn of_what_waits_to_be_saved_the_latest_counts() {
    let folder = tempfile::tempdir().unwrap();
    let recovery = folder.path().join("recovery");
    let path = |name: &str| folder.path().join(name);
    let gate = Gate::default();
    let of_thread = gate.clone();
    let (woken, wakes) = channel();
    let slot = AutosaveSlot::claim(&recovery).unwrap();
    let saver = SaveThread::spawn(Some(slot), move || {
        let _ = woken.send(());
        if of_thread.0.0.load(Ordering::SeqCst) {
            drop(of_thread.0.1.lock().unwrap());
        }
    })
    .unwrap();
    let wait = || wakes.recv_timeout(Duration::from_secs(60)).unwrap();
    let photo = state_photo();
    let state = |number| state(number, &photo);

    let guard = gate.0.1.lock().unwrap();
    gate.0.0.store(true, Ordering::SeqCst);
    saver.save(path("a.stylebrush"), state(1), 1);
    wait();
    for number in 2..8 {
        saver.autosave(state(number), None, u64::from(number));
        saver.save(path("a.stylebrush"), state(number), u64::from(number));
    }
    saver.save(path("b.stylebrush"), state(5), 5);
    saver.autosave(state(8), Some(path("b.stylebrush")), 8);
    assert!(saver.is_busy());
    gate.0.0.store(false, Ordering::SeqCst);
    drop(guard);
    (0..3).for_each(|_| wait());
    assert!(!saver.is_busy());

    let mut reports = Vec::new();
    while let Some(report) = saver.poll() {
        report.result.unwrap();
        reports.push((report.target, report.revision));
    }
    let project = |name: &str| SaveTarget::Project(path(name));
    assert_eq!(
        reports,
        [
            (project("a.stylebrush"), 1),
            (project("a.stylebrush"), 7),
            (project("b.stylebrush"), 5),
            (SaveTarget::Autosave, 8)
        ]
    );
    assert_same(&reopened(&path("a.stylebrush")), &state(7));
    assert_same(&reopened(&path("b.stylebrush")), &state(5));
    let autosave = |name: &&String| name.ends_with(".stylebrush");
    assert_eq!(names(&recovery).iter().filter(autosave).count(), 1);

    // A save of this state makes the autosave needless, also one that was asked for before.
    saver.autosave(state(9), None, 9);
    saver.save(path("a.stylebrush"), state(9), 9);
    (0..2).for_each(|_| wait());
    assert_eq!(names(&recovery).iter().filter(autosave).count(), 0);
    saver.autosave(state(10), None, 10);
    assert!(saver.close().iter().all(|report| report.result.is_ok()));
    assert_eq!(names(&recovery), Vec::<String>::new());
}

#[test]
fn what_cannot_be_saved_is_kept_for_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let recovery = folder.path().join("recovery");
    let nowhere = folder.path().join("none").join("a.stylebrush");
    let saver = SaveThread::spawn(Some(AutosaveSlot::claim(&recovery).unwrap()), || {}).unwrap();
    saver.save(nowhere.clone(), sample(), 4);
    let reports = saver.close();
    let [report] = reports.as_slice() else { panic!("{reports:?}") };
    assert!(report.result.is_err() && report.revision == 4 && report.target == SaveTarget::Project(nowhere.clone()));
    let mut found = leftovers(&recovery);
    let leftover = found.pop().unwrap();
    assert_eq!(leftover.saved_as, Some(nowhere));
    assert_same(&sample(), &reopened(leftover.path()));

    // The next program goes on in its place, until the user saves or does not want to.
    let saver = SaveThread::spawn(Some(AutosaveSlot::claim(&recovery).unwrap()), || {}).unwrap();
    saver.adopt(leftover);
    saver.save(folder.path().join("a.stylebrush"), sample(), 1);
    assert!(saver.close()[0].result.is_ok());
    assert_eq!(names(&recovery), Vec::<String>::new());
}

#[test]
fn a_program_that_falls_leaves_its_autosave() {
    let folder = tempfile::tempdir().unwrap();
    for (is_cleared, count) in [(false, 1), (true, 0)] {
        let saver = SaveThread::spawn(Some(AutosaveSlot::claim(folder.path()).unwrap()), || {}).unwrap();
        saver.autosave(sample(), None, 1);
        if is_cleared {
            saver.clear_autosave();
        }
        // As when the window's thread panics.
        drop(saver);
        let found = leftovers(folder.path());
        assert_eq!(found.len(), count);
        found.into_iter().for_each(|leftover| leftover.discard().unwrap());
    }
}

#[test]
fn recent_files_are_few_new_ones_first_and_survive_a_broken_list() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state").join("recent.json");
    let paths = |recent: &RecentFiles, kind| -> Vec<String> {
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        recent.files(kind).into_iter().map(|file| name(file.path)).collect()
    };
    let mut recent = RecentFiles::load(file.clone());
    assert!(recent.files(RecentKind::Photo).is_empty());
    for number in 0..MAX_RECENT + 3 {
        recent.add(RecentKind::Photo, &folder.path().join(format!("{number}.png"))).unwrap();
    }
    recent.add(RecentKind::Photo, &folder.path().join("7.png")).unwrap();
    recent.add(RecentKind::Project, Path::new("here.stylebrush")).unwrap();
    // Another program adds to it meanwhile.
    RecentFiles::load(file.clone()).add(RecentKind::Project, &folder.path().join("other.stylebrush")).unwrap();
    std::fs::write(folder.path().join("mine.stylebrush"), "").unwrap();
    recent.add(RecentKind::Project, &folder.path().join("mine.stylebrush")).unwrap();

    let mut recent = RecentFiles::load(file.clone());
    let photos = ["7.png", "12.png", "11.png", "10.png", "9.png", "8.png", "6.png", "5.png", "4.png", "3.png"];
    assert_eq!(paths(&recent, RecentKind::Photo), photos);
    assert_eq!(paths(&recent, RecentKind::Project), ["mine.stylebrush", "other.stylebrush", "here.stylebrush"]);
    let projects = recent.files(RecentKind::Project);
    assert_eq!(projects.iter().map(|file| file.is_missing).collect::<Vec<_>>(), [false, true, true]);
    assert!(projects.iter().all(|file| file.path.is_absolute()));
    recent.remove(RecentKind::Project, &projects[1].path).unwrap();
    assert_eq!(paths(&recent, RecentKind::Project), ["mine.stylebrush", "here.stylebrush"]);

    for broken in ["", "{", "[]", r#"{"projects": 5}"#, "\u{0}\u{0}"] {
        std::fs::write(&file, broken).unwrap();
        let mut recent = RecentFiles::load(file.clone());
        assert!(recent.files(RecentKind::Project).is_empty(), "{broken}");
        recent.add(RecentKind::Project, Path::new("again.stylebrush")).unwrap();
        assert_eq!(paths(&RecentFiles::load(file.clone()), RecentKind::Project), ["again.stylebrush"]);
    }
    recent.clear().unwrap();
    assert!(RecentFiles::load(file).files(RecentKind::Project).is_empty());
}

#[test]
fn the_users_folders_are_the_systems() {
    for path in [project::recovery_folder().unwrap(), project::recent_file().unwrap()] {
        assert!(path.is_absolute(), "{}", path.display());
        assert!(path.iter().any(|part| part.eq_ignore_ascii_case("stylebrush")), "{}", path.display());
    }
}
