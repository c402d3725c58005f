//! Photos on their way into a document.

use std::path::PathBuf;
use std::sync::Arc;

use image::RgbImage;
use stylemap::latent::Latent;

use super::{Photo, PhotoId, Placement};

/// A photo that is ready for a document and has no number yet.
#[derive(Clone, Debug)]
pub struct NewPhoto {
    /// From the file's name.
    pub name: String,
    /// Square, upright.
    pub crop: RgbImage,
    /// The file.
    pub path: Option<PathBuf>,
    /// The photo around the crop.
    pub placement: Option<Placement>,
    /// See [`Photo::latent`].
    pub latent: Option<Arc<Latent>>,
    /// See [`Photo::latent_model`].
    pub latent_model: Option<String>,
    /// See [`Photo::is_sample`].
    pub is_sample: bool,
}

impl NewPhoto {
    /// The photo under a number.
    pub fn numbered(self, id: PhotoId) -> Photo {
        let Self { name, crop, path, placement, latent, latent_model, is_sample } = self;
        Photo { id, name, crop: Arc::new(crop), path, placement, latent, latent_model, is_sample }
    }

    /// A face that the engine is still to look at.
    pub fn of_face(name: String, path: Option<PathBuf>, (placement, crop): (Placement, RgbImage)) -> Self {
        Self { name, crop, path, placement: Some(placement), latent: None, latent_model: None, is_sample: false }
    }
}
