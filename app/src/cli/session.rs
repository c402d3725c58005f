//! An engine with faces, as every drawing command needs one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use image::RgbImage;
use stylebrush_app::document::Photo;
use stylemap::checkpoint::Checkpoint;
use stylemap::engine::{Engine, FaceId, Scene};
use stylemap::face::Composition;

use super::CommonOptions;
use super::refine::{Refine, refine_face};
use crate::model_source::with_advice;

/// The engine that the editor draws with, on this thread.
pub struct Session {
    pub engine: Engine,
    /// Of the faces that are photos.
    crops: BTreeMap<FaceId, Arc<RgbImage>>,
    /// In how many steps faces are refined once they are encoded, if they are.
    refine_steps: Option<usize>,
}

impl Session {
    /// Loads the model.
    pub fn open(common: &CommonOptions) -> anyhow::Result<Self> {
        Self::with_checkpoint(common, common.model_source()?.checkpoint()?)
    }

    /// Takes a model that is loaded.
    pub fn with_checkpoint(common: &CommonOptions, checkpoint: Checkpoint) -> anyhow::Result<Self> {
        let engine = Engine::new(checkpoint, common.device, common.dtype)
            .map_err(|err| with_advice(err, common.model.as_deref()))?;
        Ok(Self { engine, crops: BTreeMap::new(), refine_steps: None })
    }

    /// From here on faces are refined as well as encoded, where that is asked for.
    #[must_use]
    pub fn refining(self, refine: Refine) -> Self {
        Self { refine_steps: refine.steps(), ..self }
    }

    /// Whether faces have residuals.
    pub fn has_residuals(&self) -> bool {
        self.refine_steps.is_some() || self.engine.model().fine_encoder.is_some()
    }

    /// Width and height of the model's pictures.
    pub fn size_px(&self) -> usize {
        self.engine.model().config.size
    }

    /// Encodes a photo's face.
    pub fn add_face(&mut self, face: FaceId, crop: &Arc<RgbImage>) -> anyhow::Result<()> {
        self.engine.add_face(face, crop)?;
        if let Some(steps) = self.refine_steps {
            refine_face(self, face, crop, steps, &AtomicBool::new(false))?;
        }
        self.crops.insert(face, Arc::clone(crop));
        Ok(())
    }

    /// Takes a photo's face: as this model knew it before, else encoded.
    pub fn add_photo(&mut self, photo: &Photo, model_hash: &str) -> anyhow::Result<()> {
        let Some(latent) = photo.latent_of(model_hash) else { return self.add_face(photo.id.into(), &photo.crop) };
        self.engine.add_latent(photo.id.into(), (**latent).clone(), Some(&photo.crop))?;
        self.crops.insert(photo.id.into(), Arc::clone(&photo.crop));
        Ok(())
    }

    /// Forgets a face.
    pub fn remove_face(&mut self, face: FaceId) {
        self.engine.remove_face(face);
        self.crops.remove(&face);
    }

    /// Draws a scene, at the model's size.
    pub fn draw(&mut self, scene: &Scene) -> anyhow::Result<RgbImage> {
        Ok(self.engine.render(scene)?.to_rgb())
    }

    /// Whose fine structure a scene shows where, in the picture of `source`.
    pub fn composition(&self, scene: &Scene, source: FaceId) -> Composition {
        let source_crop = self.crops.get(&source).map(Arc::as_ref);
        Composition::new(scene, source, source_crop, |face| self.crops.get(&face).map(Arc::clone))
    }
}
