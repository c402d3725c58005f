//! `align`: the faces of photos, each cut out as the model was trained.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use stylebrush_app::export::FileOptions;
use stylebrush_app::export::folder::PictureFolder;
use stylebrush_app::original::{Original, damage_of};
use stylebrush_app::sentence::sentence_of;
use stylemap::face::{CropQuad, Detection, Landmarks, align, crop_quad};

use super::portrait::{PortraitOpener, photos_of, warn_of_a_crowd};
use super::progress::Progress;
use super::{CommonOptions, numbers, paths, print_line};

const EXAMPLES: &str = "\
A crop has the name of its photo, with a number where the photo shows several faces (the largest and surest first) or the name \
is taken: nothing in DIR is overwritten. It is a PNG in sRGB, and what --aligned takes. The model is not needed.

With --json every face is an object on a line of its own: photo, crop, eye_left, eye_right, mouth_left, mouth_right, crop_quad \
(the crop's corners: top left, bottom left, bottom right, top right) and confidence (from 0 to 1). Positions are [x, y] in \
pixels of the upright photo, whole numbers at the centres of pixels; left and right are the picture's. The first face of a photo is the one that other commands take, the second is their --face 2, and so on. A name that is not Unicode is printed as a file:// URL, which every command takes too.

A photo that cannot be read or shows no face is a warning, and the exit code is 1 when all others are done.

Examples:
  stylebrush align me.jpg friends.jpg -o crops          crops/me.png, crops/friends_1.png, crops/friends_2.png
  stylebrush align *.jpg --size 1024 -o crops --json > crops.jsonl";

/// What `align` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct AlignArgs {
    /// The photos; a folder stands for the pictures in it, and - for the standard input
    #[arg(value_name = "PHOTO", required = true)]
    photos: Vec<PathBuf>,
    /// The folder to write the crops to; it is made inside a folder that exists
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Width and height of the crops in pixels: 256 is enough for models whose pictures are no larger
    #[arg(long, value_name = "PX", default_value = "256", value_parser = numbers::picture_size_px, allow_negative_numbers = true)]
    size: u32,
    /// Print a JSON object for every face, each on a line of its own
    #[arg(long)]
    json: bool,
}

/// A face as `--json` prints it.
#[derive(Serialize)]
struct AlignedFace {
    photo: String,
    crop: String,
    eye_left: [f32; 2],
    eye_right: [f32; 2],
    mouth_left: [f32; 2],
    mouth_right: [f32; 2],
    crop_quad: [[f32; 2]; 4],
    confidence: f32,
}

/// Runs `align`.
pub fn run(common: &CommonOptions, args: &AlignArgs) -> anyhow::Result<()> {
    let AlignArgs { photos, output, size, json } = args;
    anyhow::ensure!(!common.aligned, "align looks for the faces itself, without --aligned");
    let mut folder = PictureFolder::new(output)?;
    let mut names = FreeNames::of_folder(output)?;
    let opener = PortraitOpener::new(common);
    let photos = &photos_of(photos)?;
    let mut lines = Vec::new();
    let mut failed = 0;
    let mut progress = Progress::new(photos.len(), "photos");
    for photo in photos {
        match open(photo, &opener) {
            Ok((original, faces)) => {
                if let Some(damage) = damage_of(&original, photo) {
                    progress.warn(&damage);
                }
                let is_input = paths::is_standard_stream(photo);
                let stem = photo.file_stem().filter(|_| !is_input).unwrap_or("photo".as_ref()).to_string_lossy();
                let mut crops = Vec::with_capacity(faces.len());
                for (_, quad) in &faces {
                    let name = names.take(&stem, faces.len() > 1);
                    crops.push(output.join(&name));
                    folder.add(name, &align(&original.pixels, quad, *size)?, &FileOptions::default())?;
                }
                if *json {
                    for ((face, quad), crop) in faces.iter().zip(&crops) {
                        lines.push(serde_json::to_string(&aligned_face(photo, crop, face, quad))?);
                    }
                } else {
                    lines.push(readable(photo, &crops));
                }
            }
            Err(err) => {
                progress.warn(&sentence_of(&err));
                failed += 1;
            }
        }
        progress.step();
    }
    drop(progress);
    folder.finish()?;
    // Only now are the crops where the lines say.
    lines.iter().try_for_each(|line| print_line(line))?;
    anyhow::ensure!(failed == 0, "{failed} of {} photos gave no crop", photos.len());
    Ok(())
}

/// A photo and the faces in it that can be cut out, at least one.
fn open(path: &Path, opener: &PortraitOpener) -> anyhow::Result<(Original, Vec<(Detection, CropQuad)>)> {
    let original = opener.original(path)?;
    warn_of_a_crowd(path, &original);
    let with_quad = |face: &Detection| Some((*face, crop_quad(&face.landmarks).ok()?));
    let faces: Vec<_> = original.faces.iter().filter_map(with_quad).collect();
    anyhow::ensure!(!faces.is_empty(), "no face was found in {}", path.display());
    Ok((original, faces))
}

fn aligned_face(photo: &Path, crop: &Path, face: &Detection, quad: &CropQuad) -> AlignedFace {
    let Landmarks { eye_left, eye_right, nose: _, mouth_left, mouth_right } = face.landmarks;
    AlignedFace {
        photo: paths::for_json(photo),
        crop: paths::for_json(crop),
        eye_left,
        eye_right,
        mouth_left,
        mouth_right,
        crop_quad: quad.corners_in_photo(),
        confidence: face.confidence,
    }
}

fn readable(photo: &Path, crops: &[PathBuf]) -> String {
    let photo = photo.display();
    match crops {
        [first, .., last] => format!("{photo}: {} faces, {} … {}", crops.len(), first.display(), last.display()),
        [crop] => format!("{photo}: {}", crop.display()),
        [] => format!("{photo}: no face"),
    }
}

/// Names of pictures that are not taken in a folder.
struct FreeNames {
    /// In small letters: on many systems `A.png` is `a.png`.
    taken: HashSet<String>,
}

impl FreeNames {
    fn of_folder(path: &Path) -> anyhow::Result<Self> {
        let mut taken = HashSet::new();
        if path.is_dir() {
            let cannot = || format!("cannot read the folder {}", path.display());
            for entry in std::fs::read_dir(path).with_context(cannot)? {
                taken.insert(entry.with_context(cannot)?.file_name().to_string_lossy().to_lowercase());
            }
        }
        Ok(Self { taken })
    }

    /// A name that begins with `stem`, and takes it. The first one goes without a number, unless `is_numbered`.
    fn take(&mut self, stem: &str, is_numbered: bool) -> String {
        let mut number = 1;
        loop {
            let name = if number == 1 && !is_numbered { format!("{stem}.png") } else { format!("{stem}_{number}.png") };
            if self.taken.insert(name.to_lowercase()) {
                return name;
            }
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_the_photos_while_they_are_free() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("B.PNG"), "a file of the user's").unwrap();
        let mut names = FreeNames::of_folder(folder.path()).unwrap();
        let cases = [
            ("a", false, "a.png"),
            ("a", false, "a_2.png"),
            ("A", false, "A_3.png"),
            ("a", true, "a_1.png"),
            ("a", true, "a_4.png"),
            ("b", false, "b_2.png"),
            ("a_2", false, "a_2_2.png"),
        ];
        for (stem, is_numbered, expected) in cases {
            assert_eq!(names.take(stem, is_numbered), expected);
        }
        assert!(FreeNames::of_folder(&folder.path().join("none")).unwrap().taken.is_empty());
    }

    proptest! {
        #[test]
        fn no_name_is_given_twice(stems in prop::collection::vec(("[aA_12.]{0,3}", any::<bool>()), 0..40)) {
            let mut names = FreeNames { taken: HashSet::new() };
            let given: HashSet<_> =
                stems.iter().map(|(stem, is_numbered)| names.take(stem, *is_numbered).to_lowercase()).collect();
            prop_assert_eq!(given.len(), stems.len());
        }
    }
}
