//! Little memory and large photos: the program as a process with a limit, which ends well or with one sentence.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use image::{DynamicImage, ImageFormat, RgbImage, imageops};
use stylebrush_app::export::{self, FileOptions, Format};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// 24 megapixels with a face in them, in every format.
fn photos(folder: &Path) -> Vec<PathBuf> {
    let portrait = image::open(repository("tests/fixtures/portraits/female_053.png")).unwrap().into_rgb8();
    let portrait = imageops::resize(&portrait, 2000, 2000, imageops::FilterType::Triangle);
    let mut photo = RgbImage::from_fn(6000, 4000, |x, y| image::Rgb([(x / 40) as u8, (y / 40) as u8, 90]));
    imageops::replace(&mut photo, &portrait, 2000, 1000);
    let photo = DynamicImage::ImageRgb8(photo);
    let mut paths = Vec::new();
    for (name, format) in [("jpg", Format::Jpeg), ("tif", Format::Tiff)] {
        let path = folder.join("photo").with_extension(name);
        std::fs::write(&path, export::encode(&photo, format, &FileOptions::default()).unwrap()).unwrap();
        paths.push(path);
    }
    let small = photo.thumbnail(1200, 800);
    for (name, format) in [("png", ImageFormat::Png), ("webp", ImageFormat::WebP)] {
        let path = folder.join(name).with_extension(name);
        // Of even areas, which are written in no time.
        let picture =
            if name == "png" { photo.clone() } else { small.resize_exact(6000, 4000, imageops::FilterType::Nearest) };
        picture.save_with_format(&path, format).unwrap();
        paths.push(path);
    }
    let path = folder.join("transparent.png");
    DynamicImage::ImageRgba8(photo.into_rgba8()).save(&path).unwrap();
    paths.push(path);
    // The same face on an even ground, by libheif.
    paths.push(repository("tests/cases/photo_24_mp.heic"));
    paths
}

/// Runs the program under `ulimit -v`, in KiB, and says the most memory that it had.
fn run(limit_kib: Option<u32>, arguments: &[&Path]) -> (Output, u64) {
    let limit = limit_kib.map_or_else(String::new, |limit| format!("ulimit -v {limit}; "));
    let mut child = Command::new("bash")
        .arg("-c")
        .arg(format!("{limit}exec \"$@\""))
        .arg("bash")
        .arg(env!("CARGO_BIN_EXE_stylebrush"))
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most_kib = 0;
    while child.try_wait().unwrap().is_none() {
        let peak = std::fs::read_to_string(&status).unwrap_or_default();
        let peak = peak.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        most_kib = most_kib.max(peak.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    (child.wait_with_output().unwrap(), most_kib << 10)
}

#[test]
fn large_photos_take_little_memory_and_end_in_a_sentence_where_there_is_less() {
    let folder = tempfile::tempdir().unwrap();
    let mask = folder.path().join("mask.png");
    image::GrayImage::from_fn(128, 128, |_, y| image::Luma([if y > 70 { 255 } else { 0 }])).save(&mask).unwrap();
    let reference = repository("tests/fixtures/portraits/male_077.png");
    let output = folder.path().join("out.png");
    let (mut done, mut refused) = (0, 0);
    for photo in photos(folder.path()) {
        for limit_kib in [None, Some(1_200_000), Some(900_000), Some(600_000), Some(400_000)] {
            let words: [&Path; 9] = [
                "edit".as_ref(),
                &photo,
                "--reference".as_ref(),
                &reference,
                "--mask".as_ref(),
                &mask,
                "--in-photo".as_ref(),
                "-o".as_ref(),
                &output,
            ];
            let (ended, most) = run(limit_kib, &words);
            let said = String::from_utf8_lossy(&ended.stderr);
            let what = format!("{} with {limit_kib:?} KiB: {:?}, {said}", photo.display(), ended.status);
            assert!(most < 1_500_000_000, "{what}: {most} bytes");
            match ended.status.code() {
                Some(0) => done += 1,
                Some(1) => {
                    refused += 1;
                    assert!(limit_kib.is_some() && said.trim_end().lines().count() == 1, "{what}");
                    assert!(said.starts_with("error: ") && said.contains("not enough memory"), "{what}");
                }
                _ => panic!("{what}"),
            }
            println!("{what}: {} MiB", most >> 20);
        }
    }
    assert!(done >= 5 && refused >= 5, "{done} and {refused}");
}
