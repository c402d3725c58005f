//! `document.json`: what a project says beside its pictures. Photos and layers are known by their place in their list.
//!
//! Within a version, fields that are not known are passed over, so that a newer program may add what an older one can do
//! without. What an older one cannot do without is a new version, and refused. Everything is checked before it is used:
//! what points to nothing makes a project unreadable, numbers out of range are brought into it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use stylemap::face::{CropQuad, Detection, FaceFrame, Landmarks};

use super::{MAX_PHOTOS, ModelIdentity};
use crate::document::{CoarseLevels, DirectionAmounts, MAX_LAYERS, Pose, StyleMix, Takes};
use crate::settings::ExportChoice;

/// The newest version that is read, and what is written where several faces are edited, four are mixed, or a reference is scaled, turned or mirrored.
pub const FORMAT_VERSION: u32 = 2;
/// What is written where nothing of the kind is: older programs open that.
const PLAIN_VERSION: u32 = 1;
/// What writes it.
const PROGRAM: &str = concat!("Stylebrush ", env!("CARGO_PKG_VERSION"));
/// Names are cut after as many characters: no window shows more.
const MAX_NAME_LEN: usize = 1000;
/// No more numbers of the view than this are kept.
const MAX_VIEW_LEN: usize = 64;
/// And no more directions of a face.
const MAX_DIRECTIONS_LEN: usize = 1000;
/// No point of a face lies further out, in pixels.
const FARTHEST_PX: f32 = 1e6;

/// The whole of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProjectRecord {
    /// See [`FORMAT_VERSION`].
    pub format_version: u32,
    /// The program that saved it, with its version.
    #[serde(default)]
    pub written_by: String,
    /// The model that it was last seen with.
    pub model: Option<ModelIdentity>,
    /// The files that photos were cut from.
    #[serde(default)]
    pub originals: Vec<OriginalRecord>,
    /// The faces, in the order in which they were opened.
    pub photos: Vec<PhotoRecord>,
    /// The edit that is worked on.
    #[serde(flatten)]
    pub edit: FaceEditRecord,
    /// Those of other faces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_edits: Vec<FaceEditRecord>,
    /// See [`super::View`].
    #[serde(default)]
    pub view: BTreeMap<String, f64>,
    /// How its pictures are written, if that was chosen.
    #[serde(default, deserialize_with = "if_known", skip_serializing_if = "Option::is_none")]
    pub export: Option<ExportChoice>,
    /// In an autosave: the project that it is a later state of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autosave_of: Option<String>,
}

/// What is done to one face.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FaceEditRecord {
    /// The photo at the bottom.
    pub source: Option<usize>,
    /// The photo mixed into the source.
    pub blend: Option<BlendRecord>,
    /// How the styles of source and blend are mixed; none is in between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style_mix: Option<StyleMix>,
    /// Where it divides them.
    #[serde(default, skip_serializing_if = "CoarseLevels::is_usual")]
    pub coarse_levels: CoarseLevels,
    /// Steps of the whole face along the model's directions, by their names.
    #[serde(default, skip_serializing_if = "DirectionAmounts::is_empty")]
    pub directions: DirectionAmounts,
    /// The lowest first.
    #[serde(default)]
    pub layers: Vec<LayerRecord>,
    /// The layer that tools work on.
    pub active_layer: Option<usize>,
}

/// A photo's file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OriginalRecord {
    /// Its entry in the archive.
    pub file: String,
    /// The faces found in it.
    #[serde(default)]
    pub faces: Vec<FaceRecord>,
}

/// A face that the detector found. Positions as in [`stylemap::face`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FaceRecord {
    /// Its points.
    pub landmarks: LandmarksRecord,
    /// Left, top, width, height.
    pub frame: [f32; 4],
    /// In [0, 1].
    pub confidence: f32,
}

/// The points of a face, x and y in the photo.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields of `Landmarks`")]
pub struct LandmarksRecord {
    pub eye_left: [f32; 2],
    pub eye_right: [f32; 2],
    pub nose: Option<[f32; 2]>,
    pub mouth_left: [f32; 2],
    pub mouth_right: [f32; 2],
}

/// A face of the document.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PhotoRecord {
    /// What the user reads.
    pub name: String,
    /// Where its pixels come from.
    pub pixels: PixelsRecord,
    /// The face itself, row by row, where it came from the model; nothing where it came from a photo.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stylemap: Vec<f32>,
    /// The entry with what a model made of the photo, if one did. It may be missing or damaged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latent: Option<String>,
    /// See [`crate::document::Document::likeness`].
    #[serde(default = "all", skip_serializing_if = "is_all")]
    pub likeness: f32,
}

/// Where the square picture of a face comes from.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PixelsRecord {
    /// An entry that holds it.
    File(String),
    /// A square of a photo.
    Crop {
        /// The photo, by its place in [`ProjectRecord::originals`].
        original: usize,
        /// See [`CropQuad::center_and_half_side`].
        center: [f64; 2],
        /// See there too.
        half_side: [f64; 2],
        /// The face; none where the square is the middle of the photo, pixel for pixel.
        landmarks: Option<LandmarksRecord>,
    },
}

/// The slider between two faces.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BlendRecord {
    /// The photo at `t` = 1.
    pub with: usize,
    /// In [0, 1].
    pub t: f32,
    /// Two more faces below, where there are four.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<BelowRecord>,
    /// The places that the motion between four faces goes through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<[f32; 2]>,
}

/// Two more faces mixed into the source, below it and the other one.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BelowRecord {
    /// The photos of the left one and the right one.
    pub faces: [usize; 2],
    /// In [0, 1], from above to below.
    pub y: f32,
}

/// A layer, its numbers as in [`crate::document::Layer`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields of `Layer`")]
pub struct LayerRecord {
    pub name: String,
    pub photo: usize,
    pub color: [u8; 3],
    /// The entry of its mask; none where nothing is painted.
    pub mask: Option<String>,
    #[serde(default)]
    pub offset_px: (i32, i32),
    #[serde(default, skip_serializing_if = "Pose::is_identity")]
    pub pose: Pose,
    pub strength: f32,
    #[serde(default)]
    pub feather_px: f32,
    /// Not at all in projects from before there was such a thing: they show what was saved.
    #[serde(default)]
    pub match_colours: f32,
    #[serde(default, skip_serializing_if = "is_everything")]
    pub takes: Takes,
    #[serde(default, skip_serializing_if = "CoarseLevels::is_usual")]
    pub coarse_levels: CoarseLevels,
    pub visible: bool,
    #[serde(default, skip_serializing_if = "DirectionAmounts::is_empty")]
    pub directions: DirectionAmounts,
}

impl ProjectRecord {
    /// An empty one of the version that is written.
    pub fn new() -> Self {
        Self {
            format_version: PLAIN_VERSION,
            written_by: PROGRAM.to_owned(),
            model: None,
            originals: Vec::new(),
            photos: Vec::new(),
            edit: FaceEditRecord::default(),
            other_edits: Vec::new(),
            view: BTreeMap::new(),
            export: None,
            autosave_of: None,
        }
    }

    /// Reads and checks it.
    ///
    /// # Errors
    /// When it is of a newer version, is no such record, or points to photos or layers that it does not have.
    pub fn from_json(json: &[u8]) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            format_version: u32,
            #[serde(default)]
            written_by: String,
        }
        // Alone at first: a newer version may look different in everything else.
        let version: Version = serde_json::from_slice(json).context("its document.json is damaged")?;
        if version.format_version > FORMAT_VERSION {
            let by = if version.written_by.is_empty() { "a newer Stylebrush" } else { &short(&version.written_by) };
            anyhow::bail!(
                "it was saved by {by} in version {} of the format, and this program knows versions up to {FORMAT_VERSION}; \
                 update Stylebrush to open it",
                version.format_version
            );
        }
        anyhow::ensure!(
            version.format_version > 0,
            "its document.json is damaged: there is no version 0 of the format"
        );
        let mut record: Self = serde_json::from_slice(json).context("its document.json is damaged")?;
        record.check().context("its document.json is damaged")?;
        record.tidy();
        Ok(record)
    }

    /// The edits, the one that is worked on first.
    pub fn edits(&self) -> impl Iterator<Item = &FaceEditRecord> {
        std::iter::once(&self.edit).chain(&self.other_edits)
    }

    /// The layers of all edits, in whose order their masks are counted.
    pub fn layers(&self) -> impl Iterator<Item = &LayerRecord> {
        self.edits().flat_map(|edit| &edit.layers)
    }

    /// Says by its version what an older program cannot do without.
    pub fn versioned(mut self) -> Self {
        let has_two_faces = |edit: &FaceEditRecord| edit.blend.as_ref().is_none_or(|blend| blend.below.is_none());
        let is_plain = self.other_edits.is_empty()
            && has_two_faces(&self.edit)
            && self.layers().all(|layer| layer.pose.is_identity());
        self.format_version = if is_plain { PLAIN_VERSION } else { FORMAT_VERSION };
        self
    }

    /// As the bytes of its entry.
    ///
    /// # Errors
    /// When there are more photos or layers than a project has room for.
    pub fn to_json(&self) -> anyhow::Result<Vec<u8>> {
        self.check()?;
        Ok(serde_json::to_vec_pretty(self)?)
    }

    fn check(&self) -> anyhow::Result<()> {
        for (count, limit, what) in [
            (self.photos.len(), MAX_PHOTOS, "faces"),
            (self.originals.len(), MAX_PHOTOS, "photos"),
            (self.edits().count(), MAX_PHOTOS, "edited faces"),
            (self.edits().map(|edit| edit.layers.len()).max().unwrap_or_default(), MAX_LAYERS, "layers"),
        ] {
            anyhow::ensure!(count <= limit, "a project has room for {limit} {what}, and there are {count}");
        }
        let has_photo = |index: usize| index < self.photos.len();
        for PhotoRecord { pixels, .. } in &self.photos {
            if let PixelsRecord::Crop { original, .. } = pixels {
                anyhow::ensure!(*original < self.originals.len(), "a face comes from a photo that is not there");
            }
        }
        self.edits().try_for_each(|edit| edit.check(has_photo))?;
        let mut sources: Vec<Option<usize>> = self.edits().map(|edit| edit.source).collect();
        sources.sort_unstable();
        anyhow::ensure!(sources.windows(2).all(|pair| pair.first() != pair.last()), "a face is edited twice");
        anyhow::ensure!(self.other_edits.iter().all(|edit| edit.source.is_some()), "an edit has no face");
        Ok(())
    }

    /// What is too long is cut.
    fn tidy(&mut self) {
        let photos = self.photos.iter_mut().map(|photo| &mut photo.name);
        let edits = std::iter::once(&mut self.edit).chain(&mut self.other_edits);
        let layers = edits.flat_map(|edit| &mut edit.layers).map(|layer| &mut layer.name);
        let model = self.model.iter_mut().flat_map(|model| [&mut model.name, &mut model.hash]);
        photos.chain(layers).chain(model).for_each(|name| *name = short(name));
        while self.view.len() > MAX_VIEW_LEN {
            self.view.pop_last();
        }
        for edit in std::iter::once(&mut self.edit).chain(&mut self.other_edits) {
            let of_layers = edit.layers.iter_mut().map(|layer| &mut layer.directions);
            for directions in of_layers.chain([&mut edit.directions]) {
                directions.retain(|name, _| name.len() <= MAX_NAME_LEN);
                while directions.len() > MAX_DIRECTIONS_LEN {
                    directions.pop_last();
                }
            }
        }
    }
}

impl BlendRecord {
    fn photos(&self) -> impl Iterator<Item = usize> + '_ {
        std::iter::once(self.with).chain(self.below.iter().flat_map(|below| below.faces))
    }
}

impl FaceEditRecord {
    fn check(&self, has_photo: impl Fn(usize) -> bool) -> anyhow::Result<()> {
        anyhow::ensure!(self.source.is_none_or(&has_photo), "the source is not among the photos");
        anyhow::ensure!(
            self.blend.as_ref().is_none_or(|blend| blend.photos().all(&has_photo)),
            "the face mixed in is not among the photos"
        );
        anyhow::ensure!(
            self.layers.iter().all(|layer| has_photo(layer.photo)),
            "a layer shows a face that is not there"
        );
        anyhow::ensure!(
            self.active_layer.is_none_or(|index| index < self.layers.len()),
            "the layer in use is not among the layers"
        );
        Ok(())
    }
}

impl Default for ProjectRecord {
    fn default() -> Self {
        Self::new()
    }
}

/// What a newer program writes otherwise is passed over: nothing of the picture depends on it.
fn if_known<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<ExportChoice>, D::Error> {
    Ok(serde_json::from_value(serde_json::Value::deserialize(deserializer)?).ok())
}

fn all() -> f32 {
    1.0
}

fn is_all(share: &f32) -> bool {
    *share == all()
}

fn is_everything(takes: &Takes) -> bool {
    *takes == Takes::Everything
}

fn short(name: &str) -> String {
    name.chars().take(MAX_NAME_LEN).collect()
}

impl From<&Landmarks> for LandmarksRecord {
    fn from(landmarks: &Landmarks) -> Self {
        let Landmarks { eye_left, eye_right, nose, mouth_left, mouth_right } = *landmarks;
        Self { eye_left, eye_right, nose, mouth_left, mouth_right }
    }
}

impl LandmarksRecord {
    /// The points; none if one lies nowhere near a photo.
    pub fn landmarks(&self) -> Option<Landmarks> {
        let Self { eye_left, eye_right, nose, mouth_left, mouth_right } = *self;
        let points = [eye_left, eye_right, mouth_left, mouth_right];
        are_near(points.as_flattened()).then_some(())?;
        nose.is_none_or(|nose| are_near(&nose)).then_some(())?;
        Some(Landmarks { eye_left, eye_right, nose, mouth_left, mouth_right })
    }
}

impl From<&Detection> for FaceRecord {
    fn from(face: &Detection) -> Self {
        let FaceFrame { left, top, width, height } = face.frame;
        Self { landmarks: (&face.landmarks).into(), frame: [left, top, width, height], confidence: face.confidence }
    }
}

impl FaceRecord {
    /// The face; none if its numbers are none of a face.
    pub fn detection(&self) -> Option<Detection> {
        let [left, top, width, height] = self.frame;
        let is_frame = are_near(&self.frame) && width >= 0.0 && height >= 0.0 && self.confidence.is_finite();
        let frame = is_frame.then_some(FaceFrame { left, top, width, height })?;
        Some(Detection { landmarks: self.landmarks.landmarks()?, frame, confidence: self.confidence.clamp(0.0, 1.0) })
    }
}

impl PixelsRecord {
    /// A square of the photo with this number.
    pub fn crop(original: usize, quad: &CropQuad, landmarks: Option<&Landmarks>) -> Self {
        let (center, half_side) = quad.center_and_half_side();
        Self::Crop { original, center, half_side, landmarks: landmarks.map(LandmarksRecord::from) }
    }
}

fn are_near(values: &[f32]) -> bool {
    // A NaN is nowhere.
    values.iter().all(|value| value.abs() <= FARTHEST_PX)
}
