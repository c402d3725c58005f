//! `edit --recipe` and what `edit` can write, by the program itself as a shell runs it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{DynamicImage, RgbImage};
use stylebrush_app::document::{Combine, Document, FaceRegion, Layer, PhotoId, Pose};
use stylebrush_app::photo_loading;
use stylebrush_app::project::{self, Project};
use stylemap::face::FaceDetector;
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name)
}

/// A folder with a photo, a reference, and a project in which the mouth of the one is painted over the other.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        for (fixture_name, name) in [("faces/faker_f53.jpg", "me.jpg"), ("faces/faker_m29.jpg", "friend.jpg")] {
            std::fs::copy(fixture(fixture_name), files.path(name)).unwrap();
        }
        let detector = FaceDetector::new().unwrap();
        let mut document = Document::default();
        for (number, name) in (1..).zip(["me.jpg", "friend.jpg"]) {
            let photo = photo_loading::load(&files.path(name), Some(&detector)).unwrap();
            document.add_photo(photo.numbered(PhotoId(number)));
        }
        let empty = Project { document: document.clone(), ..Project::default() };
        project::save(&files.path("empty.stylebrush"), &empty).unwrap();
        let layer = document.add_layer(PhotoId(2)).unwrap();
        let mouth = document.face_region(layer, FaceRegion::Mouth).unwrap();
        document.update_layer(layer, |layer| layer.mask.combine(&mouth, Combine::Add));
        project::save(&files.path("mouth.stylebrush"), &Project { document, ..Project::default() }).unwrap();
        let mask = image::GrayImage::from_raw(512, 512, mouth.to_values()).unwrap();
        mask.save(files.path("mouth.png")).unwrap();
        files
    }

    /// A project like `mouth.stylebrush` whose layer is changed.
    fn change_mouth(&self, name: &str, change: impl FnOnce(&mut Layer)) {
        let opened = project::open(&self.path("mouth.stylebrush"), &project::Progress::default()).unwrap();
        let mut document = opened.into_document(&mut 1);
        let layer = document.active_layer().unwrap().id;
        document.update_layer(layer, change);
        project::save(&self.path(name), &Project { document, ..Project::default() }).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn open(&self, name: &str) -> RgbImage {
        image::open(self.path(name)).unwrap().to_rgb8()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn run(&self, line: &str) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stylebrush"));
        command.current_dir(self.folder.path()).env_remove("RUST_BACKTRACE").args(line.split_whitespace());
        let Output { status, stdout, stderr } = command.output().unwrap();
        (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
    }

    fn ok(&self, line: &str) -> String {
        let (code, stdout, stderr) = self.run(line);
        assert!(code == Some(0) && stderr.is_empty(), "{line}: {stderr}");
        stdout
    }

    fn fails(&self, line: &str, code: i32, reason: &str) {
        let (found, _, stderr) = self.run(line);
        assert_eq!(found, Some(code), "{line}: {stderr}");
        assert!(stderr.contains(reason), "{line}: {stderr}");
    }
}

fn mean_difference(a: &RgbImage, b: &RgbImage) -> f64 {
    assert_eq!(a.dimensions(), b.dimensions());
    let sum: f64 = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| f64::from(a.abs_diff(*b))).sum();
    sum / a.as_raw().len() as f64
}

#[test]
fn a_recipe_is_the_edit_that_options_describe() {
    let files = Files::new();
    files.ok("edit me.jpg --recipe mouth.stylebrush --in-photo -o by_recipe.png");
    files.ok("edit me.jpg --reference friend.jpg --mask mouth.png --in-photo -o by_options.png");
    let [before, by_recipe, by_options] = ["me.jpg", "by_recipe.png", "by_options.png"].map(|name| files.open(name));
    let changed = mean_difference(&before, &by_options);
    assert!(changed > 0.05, "{changed}");
    assert!(mean_difference(&by_recipe, &by_options) < 0.02 * changed, "{}", mean_difference(&by_recipe, &by_options));
    // The face by itself, of another photo, and at the model's size.
    files.ok("edit friend.jpg --recipe mouth.stylebrush --size model -o face.png");
    assert_eq!(files.open("face.png").dimensions(), (128, 128));
}

#[test]
fn references_are_scaled_turned_and_mirrored_as_the_handles_do_it() {
    let files = Files::new();
    files.change_mouth("posed.stylebrush", |layer| {
        // As the sliders and the command of the window do it, one after the other.
        for (scale, angle_radians, is_mirrored) in
            [(1.0, 0.0, true), (1.3, 0.0, false), (1.0, 25.0_f32.to_radians(), false)]
        {
            layer.change_pose(&Pose::about(layer.middle_of_region(), scale, angle_radians, is_mirrored), false);
        }
        layer.offset_px = (0, -40);
    });
    files.ok("edit me.jpg --recipe posed.stylebrush --in-photo -o by_recipe.png");
    let options = "--reference friend.jpg --mask mouth.png --scale 1.3 --turn 25 --mirror --offset 0,-10";
    files.ok(&format!("edit me.jpg {options} --in-photo -o by_options.png"));
    files.ok("edit me.jpg --reference friend.jpg --mask mouth.png --in-photo -o plain.png");
    let [before, by_recipe, by_options] = ["me.jpg", "by_recipe.png", "by_options.png"].map(|name| files.open(name));
    let changed = mean_difference(&before, &by_options);
    let apart = mean_difference(&by_recipe, &by_options);
    assert!(changed > 0.05 && apart < 0.05 * changed, "{apart} of {changed}");
    assert!(mean_difference(&files.open("plain.png"), &by_options) > 0.5 * changed);
    // Of every face of a photo, and of a mask that lies elsewhere on each.
    files.ok(&format!("edit me.jpg --face all {options} --in-photo -o all.png"));
    assert!(mean_difference(&files.open("all.png"), &by_options) < 0.05 * changed);
}

#[test]
fn a_folder_of_photos_is_edited_and_nothing_written_over() {
    let files = Files::new();
    std::fs::create_dir(files.path("photos")).unwrap();
    for name in ["me.jpg", "friend.jpg"] {
        std::fs::copy(files.path(name), files.path("photos").join(name)).unwrap();
    }
    std::fs::write(files.path("photos/broken.png"), "no picture").unwrap();
    let before = std::fs::read(files.path("photos/me.jpg")).unwrap();
    let line = "edit photos --recipe mouth.stylebrush --face all --in-photo -o edited";
    let (code, stdout, stderr) = files.run(line);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("broken.png was not edited") && stderr.contains("1 of 3 photos"), "{stderr}");
    assert_eq!(stdout.lines().count(), 2, "{stdout}");
    assert_eq!(files.names("edited"), ["friend edited.jpg", "me edited.jpg"]);
    assert!(files.open("edited/me edited.jpg") != files.open("photos/me.jpg"));
    assert_eq!(std::fs::read(files.path("photos/me.jpg")).unwrap(), before);

    std::fs::remove_file(files.path("photos/broken.png")).unwrap();
    files.fails(line, 1, "it is there already");
    files.ok(&format!("{line} --overwrite"));
    files.ok(
        "edit me.jpg friend.jpg --recipe mouth.stylebrush --size 512 --name {number}_{photo}_{size}.webp -o edited",
    );
    assert_eq!(files.names("edited")[..2], ["1_me_512x512.webp", "2_friend_512x512.webp"]);
    // A photo's own name in its own folder is the photo.
    files.fails("edit photos --recipe mouth.stylebrush --in-photo --name {photo} -o photos", 1, "it is there already");
    assert_eq!(std::fs::read(files.path("photos/me.jpg")).unwrap(), before);
}

#[test]
fn a_layer_of_the_change_gives_the_edited_photo() {
    let files = Files::new();
    for how in ["--recipe mouth.stylebrush", "--reference friend.jpg --mask mouth.png"] {
        files.ok(&format!("edit me.jpg {how} --in-photo -o whole.png"));
        files.ok(&format!("edit me.jpg {how} --in-photo --change-only -o layer.png"));
        let layer = image::open(files.path("layer.png")).unwrap();
        assert!(layer.color().has_alpha());
        let layer = layer.into_rgba8();
        let opaque = layer.pixels().filter(|pixel| pixel.0[3] > 0).count();
        assert!(opaque > 500 && opaque < layer.len() / 8, "{opaque} pixels changed");
        let mut over = DynamicImage::from(files.open("me.jpg"));
        image::imageops::overlay(&mut over, &layer, 0, 0);
        assert!(over.into_rgb8() == files.open("whole.png"), "{how}");
    }
}

#[test]
fn the_way_between_faces_is_a_moving_picture() {
    use image::AnimationDecoder as _;
    let files = Files::new();
    files.ok("interpolate me.jpg friend.jpg --frames 3 --seconds 0.5 --and-back --size model -o way.webp");
    let file = std::io::BufReader::new(std::fs::File::open(files.path("way.webp")).unwrap());
    let frames = image::codecs::webp::WebPDecoder::new(file).unwrap().into_frames().collect_frames().unwrap();
    assert_eq!(frames.len(), 4);
    assert!(frames.iter().all(|frame| frame.delay().numer_denom_ms() == (250, 1)));
    assert!(frames[1].buffer() == frames[3].buffer() && frames[0].buffer() != frames[2].buffer());
    files.fails("interpolate me.jpg friend.jpg --at 0.5 --and-back -o between.webp", 1, "need --frames");
    files.fails("interpolate me.jpg friend.jpg --frames 3 -o none/way.gif", 1, "no folder");
}

#[test]
fn what_cannot_be_done_is_a_sentence() {
    let files = Files::new();
    std::fs::write(files.path("damaged.stylebrush"), "no project").unwrap();
    for (line, code, reason) in [
        ("edit me.jpg --recipe empty.stylebrush -o out.png", 1, "nothing is painted or adjusted"),
        ("edit me.jpg --recipe damaged.stylebrush -o out.png", 1, "damaged.stylebrush"),
        ("edit me.jpg --recipe none.stylebrush -o out.png", 1, "none.stylebrush"),
        ("edit me.jpg --recipe mouth.stylebrush --reference friend.jpg --mask mouth.png -o out.png", 2, "--reference"),
        ("edit me.jpg friend.jpg --reference friend.jpg --mask mouth.png -o out.png", 1, "only --recipe"),
        ("edit me.jpg friend.jpg --recipe mouth.stylebrush -o mouth.png", 1, "needs a folder"),
        ("edit me.jpg --recipe mouth.stylebrush --face all -o out.png", 1, "--in-photo"),
        ("edit me.jpg --recipe mouth.stylebrush --in-photo --change-only -o out.jpg", 1, "no transparency"),
        ("edit me.jpg --recipe mouth.stylebrush --change-only -o out.png", 2, "--in-photo"),
        ("edit me.jpg --recipe mouth.stylebrush -o me.jpg", 1, "it is read too"),
        ("edit me.jpg friend.jpg --recipe mouth.stylebrush --name {camera} -o out", 1, "{photo}, {face}"),
        ("edit me.jpg --recipe mouth.stylebrush --size huge -o out.png", 2, "model or photo"),
    ] {
        files.fails(line, code, reason);
        assert!(!files.path("out.png").exists() && !files.path("out").exists(), "{line} left something behind");
    }
}
