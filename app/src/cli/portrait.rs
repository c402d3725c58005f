//! Photos as the commands take them: the faces in them, cut out.

use std::cell::{Cell, OnceCell};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use image::RgbImage;
use stylebrush_app::document::Placement;
use stylebrush_app::original::{Original, damage_of};
use stylemap::face::detect::MAX_FACES;
use stylemap::face::{Detection, FaceDetector, crop_quad};
use stylemap::photo::MAX_FILE_BYTES;

use super::failure::warn;
use super::{CommonOptions, numbers, paths};

/// A face to work on.
pub struct Portrait {
    /// Square, upright, as the encoder takes it.
    pub crop: Arc<RgbImage>,
    /// The photo around it.
    pub placement: Placement,
}

/// Which face of a photo, by the numbers of `align --json`: the largest and surest is 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WhichFace {
    /// One of them.
    Number(usize),
    /// Each of them.
    All,
}

/// The face that is meant where nobody chose.
pub const LARGEST: WhichFace = WhichFace::Number(1);

/// `--face` of commands that take one face of one photo.
#[derive(Args, Clone, Copy, Debug)]
pub struct OneFace {
    /// Which face of the photo, by the numbers of `align --json` [default: 1, the largest and surest]
    #[arg(long, value_name = "N", value_parser = numbers::face_number, allow_negative_numbers = true)]
    face: Option<usize>,
}

impl OneFace {
    pub fn which(self) -> WhichFace {
        self.face.map_or(LARGEST, WhichFace::Number)
    }
}

/// `--face` of commands that take a face of each of several photos.
#[derive(Args, Clone, Debug)]
pub struct FaceOfEach {
    /// Which face of photo A or, after commas, of the others, by the numbers of `align --json` [default: 1, the largest and surest]
    #[arg(long, value_name = "N[,M…]", value_parser = numbers::face_number, value_delimiter = ',', num_args = 1)]
    face: Vec<usize>,
}

impl FaceOfEach {
    /// Of each of so many photos.
    ///
    /// # Errors
    /// When there are more numbers than photos.
    pub fn which<const PHOTOS: usize>(&self) -> anyhow::Result<[WhichFace; PHOTOS]> {
        anyhow::ensure!(
            self.face.len() <= PHOTOS,
            "--face takes a number for each of the {PHOTOS} photos, and no more"
        );
        let number = |index: usize| self.face.get(index).copied().map_or(LARGEST, WhichFace::Number);
        Ok(std::array::from_fn(number))
    }
}

/// Opens photos as the window does, and wants a face in each.
pub struct PortraitOpener {
    are_aligned: bool,
    /// Made for the first photo.
    detector: OnceCell<FaceDetector>,
    has_read_input: Cell<bool>,
}

impl PortraitOpener {
    /// Ready to open.
    pub fn new(common: &CommonOptions) -> Self {
        Self { are_aligned: common.aligned, detector: OnceCell::new(), has_read_input: Cell::new(false) }
    }

    /// Opens a photo by one of its faces, or by all of it where photos are aligned.
    ///
    /// # Errors
    /// When it cannot be read, shows no face or none of this number, or should be square and is not.
    pub fn open_face(&self, path: &Path, which: WhichFace) -> anyhow::Result<Portrait> {
        let portrait = self.open_faces(path, which)?.into_iter().next();
        portrait.with_context(|| format!("no face was found in {}", path.display()))
    }

    /// Opens a photo by one of its faces or by each, at least one.
    ///
    /// # Errors
    /// As [`Self::open_face`].
    pub fn open_faces(&self, path: &Path, which: WhichFace) -> anyhow::Result<Vec<Portrait>> {
        let file = paths::of_argument(path);
        let original = Arc::new(self.original(&file)?);
        if let Some(damage) = damage_of(&original, &file) {
            warn(&damage);
        }
        let named = |err: anyhow::Error| match err.to_string() {
            said if said.contains(&file.display().to_string()) => err,
            said => anyhow::anyhow!("{} cannot be used: {said}", file.display()),
        };
        if self.are_aligned {
            anyhow::ensure!(
                matches!(which, WhichFace::Number(1) | WhichFace::All),
                "{} is an aligned photo, which has one face",
                file.display()
            );
            let (width, height) = original.pixels.dimensions();
            anyhow::ensure!(
                width == height,
                "{} is {width} x {height} pixels, and an aligned photo must be square",
                file.display()
            );
            let (placement, crop) = Placement::of_middle(original).map_err(|err| named(err.into()))?;
            return Ok(vec![Portrait { crop: Arc::new(crop), placement }]);
        }
        let faces = faces_that_can_be_cut_out(&original);
        anyhow::ensure!(
            !faces.is_empty(),
            "no face was found in {}: use --aligned if it already is a square crop of a face",
            file.display()
        );
        if which == WhichFace::All {
            warn_of_a_crowd(&file, &original);
        }
        let chosen = match which {
            WhichFace::All => faces,
            WhichFace::Number(number) => {
                let face = number.checked_sub(1).and_then(|index| faces.get(index)).copied();
                let are = if faces.len() == 1 { "1 face".to_owned() } else { format!("{} faces", faces.len()) };
                vec![face.with_context(|| format!("{} shows {are}, and no face {number}", file.display()))?]
            }
        };
        let cut_out = |face: Detection| -> anyhow::Result<Portrait> {
            let (placement, crop) = Placement::of_face(Arc::clone(&original), face.landmarks)?;
            Ok(Portrait { crop: Arc::new(crop), placement })
        };
        chosen.into_iter().map(|face| cut_out(face).map_err(named)).collect()
    }

    /// A photo and, where photos are not aligned, the faces in it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn original(&self, file: &Path) -> anyhow::Result<Original> {
        let detector = if self.are_aligned { None } else { Some(self.detector()?) };
        if !paths::is_standard_stream(file) {
            return Ok(Original::open(file, detector)?);
        }
        anyhow::ensure!(!self.has_read_input.replace(true), "only one photo can come from the standard input");
        let cannot = "cannot read the photo from the standard input";
        let mut bytes = Vec::new();
        std::io::stdin().lock().take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).context(cannot)?;
        anyhow::ensure!(bytes.len() as u64 <= MAX_FILE_BYTES, "{cannot}: it is longer than any photo");
        let mut original = Original::decode(bytes, Vec::new(), Path::new("the standard input"))?;
        if let Some(detector) = detector {
            original.faces = detector.detect(&original.pixels)?;
        }
        Ok(original)
    }

    fn detector(&self) -> anyhow::Result<&FaceDetector> {
        if self.detector.get().is_none() {
            let _ = self.detector.set(FaceDetector::new()?);
        }
        self.detector.get().context("there is no face detector")
    }
}

/// The faces in a photo that a crop can be made of, in their order: what `--face` counts.
pub fn faces_that_can_be_cut_out(original: &Original) -> Vec<Detection> {
    original.faces.iter().filter(|face| crop_quad(&face.landmarks).is_ok()).copied().collect()
}

/// Says where a photo may show more faces than are looked at.
pub fn warn_of_a_crowd(path: &Path, original: &Original) {
    if original.faces.len() >= MAX_FACES {
        let path = path.display();
        warn(&format!("{path} shows {MAX_FACES} faces or more: only the {MAX_FACES} largest and surest are taken"));
    }
}

/// The photos that these arguments mean: a folder stands for the pictures in it, by name.
///
/// # Errors
/// When a folder cannot be read or has no pictures.
pub fn photos_of(arguments: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut photos = Vec::new();
    for path in arguments.iter().map(|path| paths::of_argument(path)) {
        if path.is_dir() { photos.extend(paths::pictures_in(&path)?) } else { photos.push(path) }
    }
    Ok(photos)
}
