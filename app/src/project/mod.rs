//! Project files, `.stylebrush`: everything that is needed to go on another day, in one file that needs no other.
//!
//! A ZIP archive, so that nobody is locked in:
//!
//! | entry | holds |
//! | --- | --- |
//! | `document.json` | the version of the format, photos, layers, sliders, the view, the model's name and hash, see [`mod@format`] |
//! | `thumbnail.png` | what the project shows, where the window gave a picture |
//! | `masks/N.png` | the mask of a layer, 512 x 512, 8 bit gray; none for a layer on which nothing is painted |
//! | `latents/N.safetensors` | a photo's face as the model knows it, so that opening need not look at the photo again, see `latents` |
//! | `photos/N.…` | the bytes of a photo's file as it was opened, once for all faces that come from it; or, for a portrait without a photo around it, its pixels |
//!
//! Masks are the truth of the document, so masks are stored and not the strokes that made them. The model's weights are
//! never stored: photos and masks do not depend on them, so a project opens with any model. Faces do: they are only used by
//! the model that they are from.
//!
//! Crops are not stored either, but cut out again where they were, to the same pixels. Photos are kept as they were when
//! they were opened: a project does not mind when a photo on disk is moved, changed or deleted.

mod archive;
pub mod background;
mod folders;
pub mod format;
pub(crate) mod latents;
mod opening;
pub mod recent;
pub mod recovery;
mod saving;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use image::RgbImage;
use serde::{Deserialize, Serialize};
use stylemap::latent::Latent;
use stylemap::model::ModelInfo;

use crate::document::{Document, Photo, PhotoId};
use crate::settings::ExportChoice;

pub use folders::{cache_folder, directions_folder, recent_file, recovery_folder, settings_file};
pub use opening::{Opened, Progress, open, thumbnail};
pub use saving::save;

/// How the names of projects end.
pub const EXTENSION: &str = "stylebrush";
/// The longest side of a thumbnail; larger ones are reduced when they are saved.
pub const THUMBNAIL_SIDE_PX: u32 = 256;
const DOCUMENT_ENTRY: &str = "document.json";
const THUMBNAIL_ENTRY: &str = "thumbnail.png";
/// How many faces a project may have, and how many photos.
pub const MAX_PHOTOS: usize = 1000;

/// What the window remembers of how it looks at the document: numbers by names, which mean something to the window only.
/// Numbers that are not finite are not kept.
pub type View = BTreeMap<String, f64>;

/// A project in memory. Cheap to copy, for saving on another thread.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Photos, layers and sliders.
    pub document: Document,
    /// Pan, zoom and the like.
    pub view: View,
    /// The model that the project was last seen with; none while no model is loaded.
    pub model: Option<ModelIdentity>,
    /// What that model made of the photos so far. Of photos that are not in it, what they know themselves is kept.
    pub latents: BTreeMap<PhotoId, Arc<Latent>>,
    /// What the project shows.
    pub thumbnail: Option<Arc<RgbImage>>,
    /// How its pictures are written, if that was chosen.
    pub export: Option<ExportChoice>,
}

impl Project {
    /// A photo's face as a model knows it, with that model's hash.
    fn known_face<'a>(&'a self, photo: &'a Photo) -> Option<(&'a Latent, &'a str)> {
        let made = self.latents.get(&photo.id).zip(self.model.as_ref());
        let made = made.map(|(latent, model)| (&**latent, model.hash.as_str()));
        let known = photo.latent.as_deref().zip(photo.latent_model.as_deref());
        // Where this model knew the face before, the photo has it as it was refined since.
        let is_newer = |(_, hash): &(&Latent, &str)| self.model.as_ref().is_some_and(|model| model.hash == **hash);
        known.filter(is_newer).or(made).or(known).filter(|_| !photo.is_sample)
    }
}

/// Which model a project was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelIdentity {
    /// What users call it.
    pub name: String,
    /// Of its weights, in hexadecimal: tells two models of the same name apart.
    pub hash: String,
}

impl From<&ModelInfo> for ModelIdentity {
    fn from(info: &ModelInfo) -> Self {
        Self { name: info.name.clone(), hash: info.hash.clone() }
    }
}

/// By what a file that somebody else has written is told from the one that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileStamp {
    modified: Option<SystemTime>,
    len: u64,
}

impl FileStamp {
    /// The file as it is now; none where there is none.
    pub fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self { modified: metadata.modified().ok(), len: metadata.len() })
    }
}

/// The path with `.stylebrush` behind it, where it does not have that.
pub fn with_extension(path: PathBuf) -> PathBuf {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION)) {
        return path;
    }
    // Not `with_extension`: "Anna 2.0" is a whole name.
    let mut name = path.into_os_string();
    name.push(format!(".{EXTENSION}"));
    name.into()
}
