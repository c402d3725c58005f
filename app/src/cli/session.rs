//! An engine with faces, as every drawing command needs one.

use std::path::Path;

use image::RgbImage;
use stylemap::engine::{Cancel, Engine, FaceId, Frame, Scene};
use stylemap::photo;

use super::CommonOptions;

/// The engine that the editor draws with, on this thread.
pub struct Session {
    pub engine: Engine,
}

impl Session {
    /// Loads the model.
    pub fn open(common: &CommonOptions) -> anyhow::Result<Self> {
        Ok(Self { engine: common.model_source()?.engine(common.device, common.dtype)? })
    }

    /// Width and height of the model's pictures.
    pub fn size_px(&self) -> usize {
        self.engine.model().config.size
    }

    /// Draws a scene.
    pub fn draw(&mut self, scene: &Scene) -> anyhow::Result<RgbImage> {
        let Frame { rgba, size_px, .. } = self.engine.render(scene, &Cancel::default())?;
        Ok(photo::rgb_from_rgba(&rgba, size_px)?)
    }

    /// Draws one photo's face as it is.
    pub fn reconstruct(&mut self, photo: &RgbImage) -> anyhow::Result<RgbImage> {
        const FACE: FaceId = FaceId(0);
        self.engine.add_face(FACE, photo)?;
        self.draw(&Scene::face(FACE))
    }
}

/// Opens a photo as the encoder takes it: square, the middle of one that is not.
pub fn load_photo(path: &Path, common: &CommonOptions) -> anyhow::Result<RgbImage> {
    let photo = photo::load(path)?;
    let (width, height) = photo.dimensions();
    if width == height {
        return Ok(photo);
    }
    anyhow::ensure!(
        !common.aligned,
        "{} is {width} x {height} pixels, and an aligned photo must be square",
        path.display()
    );
    Ok(photo::centered_square(&photo))
}
