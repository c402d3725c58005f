//! Photos as the commands take them: the face in them, cut out.

use std::path::Path;
use std::sync::Arc;

use image::RgbImage;
use stylebrush_app::document::Placement;
use stylebrush_app::original::Original;
use stylemap::face::FaceDetector;

use super::CommonOptions;

/// A face to work on.
pub struct Portrait {
    /// Square, upright, as the encoder takes it.
    pub crop: Arc<RgbImage>,
    /// The photo around it.
    pub placement: Placement,
}

/// Opens photos and looks for the faces in them.
pub struct PortraitOpener {
    /// None where the photos already are crops.
    detector: Option<FaceDetector>,
}

impl PortraitOpener {
    /// Makes the detector, unless the photos are aligned.
    pub fn new(common: &CommonOptions) -> anyhow::Result<Self> {
        let detector = (!common.aligned).then(FaceDetector::new).transpose()?;
        Ok(Self { detector })
    }

    /// Opens a photo and cuts out its largest and surest face, or takes all of it where photos are aligned.
    ///
    /// # Errors
    /// When it cannot be read, shows no face, or should be square and is not.
    pub fn open(&self, path: &Path) -> anyhow::Result<Portrait> {
        let original = Arc::new(Original::open(path, self.detector.as_ref())?);
        let (placement, crop) = match (&self.detector, original.main_face()) {
            (None, _) => {
                let (width, height) = original.pixels.dimensions();
                anyhow::ensure!(
                    width == height,
                    "{} is {width} x {height} pixels, and an aligned photo must be square",
                    path.display()
                );
                Placement::of_middle(original)?
            }
            (Some(_), Some(landmarks)) => Placement::of_face(original, landmarks)?,
            (Some(_), None) => anyhow::bail!(
                "no face was found in {}: use --aligned if it already is a square crop of a face",
                path.display()
            ),
        };
        Ok(Portrait { crop: Arc::new(crop), placement })
    }
}
