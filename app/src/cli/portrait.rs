//! Photos as the commands take them: the face in them, cut out.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use image::RgbImage;
use stylebrush_app::document::Placement;
use stylebrush_app::original::damage_of;
use stylebrush_app::photo_loading::PhotoOpener;

use super::CommonOptions;
use super::failure::warn;

/// A face to work on.
pub struct Portrait {
    /// Square, upright, as the encoder takes it.
    pub crop: Arc<RgbImage>,
    /// The photo around it.
    pub placement: Placement,
}

/// Opens photos as the window does, and wants a face in each.
pub struct PortraitOpener(RefCell<PhotoOpener>);

impl PortraitOpener {
    /// Ready to open.
    pub fn new(common: &CommonOptions) -> Self {
        Self(RefCell::new(PhotoOpener::new(common.aligned)))
    }

    /// Opens a photo by its largest and surest face, or by all of it where photos are aligned.
    ///
    /// # Errors
    /// When it cannot be read, shows no face, or should be square and is not.
    pub fn open(&self, path: &Path) -> anyhow::Result<Portrait> {
        let (placement, crop) = self.0.borrow_mut().open_face(path).map_err(|err| match err.downcast_ref() {
            Some(stylemap::Error::NoFace) => anyhow::anyhow!(
                "no face was found in {}: use --aligned if it already is a square crop of a face",
                path.display()
            ),
            _ => err,
        })?;
        if let Some(damage) = damage_of(&placement.original, path) {
            warn(&damage);
        }
        Ok(Portrait { crop: Arc::new(crop), placement })
    }
}
