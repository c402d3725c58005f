//! An engine with faces, as every drawing command needs one.

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

    /// Draws one face as it is, beside the scene that is being drawn.
    pub fn draw_face(&mut self, face: FaceId) -> anyhow::Result<RgbImage> {
        let Frame { rgba, size_px, .. } = self.engine.draw_face(face, &Cancel::default())?;
        Ok(photo::rgb_from_rgba(&rgba, size_px)?)
    }
}
