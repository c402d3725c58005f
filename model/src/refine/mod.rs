//! Refined projection: a face's residuals found by optimisation (Image2StyleGAN, Abdal et al., arXiv:1904.03189), from where the encoder
//! begins and pulled towards it (In-Domain GAN inversion, Zhu et al., arXiv:2004.00049).
//!
//! The style codes of the finest two levels move until the picture is the photo; the coarse ones stay the encoder's, because
//! meaning lives there. So what comes out is a [`Latent`] like those of a fine encoder: painting, mixing and directions need to know nothing of
//! it. It works for models without a fine encoder, and takes what a fine encoder leaves.
//!
//! ```
//! use stylemap::refine::{RefineOptions, Refinement};
//! use stylemap::engine::Cancel;
//! use stylemap::{Engine, FaceDetector, FaceId, photo};
//!
//! # std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))?;
//! let mut engine = Engine::open("weights/default.safetensors")?;
//! let crop = FaceDetector::new()?.cut_out(&photo::load("tests/fixtures/portraits/female_053.png")?)?;
//! let face = FaceId(1);
//! engine.add_face(face, &crop)?;
//!
//! let (model, cancel) = (engine.model(), Cancel::default());
//! let start = engine.latent(face)?;
//! let options = RefineOptions::of(start).with_steps(4);
//! let mut refinement = Refinement::new(model, &crop, start, options, &cancel)?;
//! let first = refinement.step(model, &cancel)?;
//! let latent = refinement.finish(model, &cancel)?;
//! assert!(refinement.loss().unwrap().value <= first.value);
//! engine.add_latent(face, latent, Some(&crop))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod descent;
mod loss;
#[cfg(test)]
mod tests;

use image::RgbImage;

use crate::cancel::Cancel;
use crate::error::{Error, Result};
use crate::latent::{Latent, Residuals};
use crate::model::Model;
use crate::photo;

use descent::{Descent, Schedule};
pub use loss::Loss;

/// From the encoder alone.
const RATE: f64 = 0.03;
/// From residuals that are nearly right.
const RATE_FROM_RESIDUALS: f64 = 0.003;

/// How a face is refined.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RefineOptions {
    /// How many steps there will be: the last ones are small.
    pub steps: usize,
    /// How far a value of a style code moves in a step.
    pub learning_rate: f64,
    /// What the mean distance of the codes from the encoder's weighs beside the picture's from the photo.
    pub prior: f64,
}

impl Default for RefineOptions {
    fn default() -> Self {
        Self { steps: 50, learning_rate: RATE, prior: 0.005 }
    }
}

impl RefineOptions {
    /// The most steps that make sense, and many times those that are needed.
    pub const MAX_STEPS: usize = 10_000;

    /// What suits a face that begins at `start`: shorter steps where a fine encoder has found its residuals, since long ones would
    /// lead away from them first.
    pub fn of(start: &Latent) -> Self {
        let learning_rate = if start.residuals.is_some() { RATE_FROM_RESIDUALS } else { RATE };
        Self { learning_rate, ..Self::default() }
    }

    /// With so many steps.
    #[must_use]
    pub fn with_steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }
}

/// A face on its way to its photo, a step at a time.
pub struct Refinement {
    options: RefineOptions,
    model_hash: String,
    stylemap: Vec<f32>,
    descent: Descent,
}

impl Refinement {
    /// Begins at `start`, the face of `crop` as the model knows it: an aligned, square face of any size. What lies below the finest two levels is
    /// computed here, once.
    ///
    /// # Errors
    /// When an option is out of bounds, the face is not this model's, the device fails, or on [`Cancel::cancel`].
    pub fn new(
        model: &Model,
        crop: &RgbImage,
        start: &Latent,
        options: RefineOptions,
        cancel: &Cancel,
    ) -> Result<Self> {
        let RefineOptions { steps, learning_rate, prior } = options;
        if !(1..=RefineOptions::MAX_STEPS).contains(&steps) {
            let most = RefineOptions::MAX_STEPS;
            return Err(Error::argument(format!("a face is refined in 1 to {most} steps, not in {steps}")));
        }
        if !(learning_rate.is_finite() && learning_rate > 0.0 && prior.is_finite() && prior >= 0.0) {
            return Err(Error::argument("a learning rate is a positive number, and a prior is one or 0"));
        }
        let target = model.place(&photo::to_tensor(crop, model.config.size)?)?;
        let stylemap = model.stylemap_from_values(start.stylemap.clone())?;
        let encoded = model.generator.style_codes(&stylemap)?;
        let residuals = start.residuals.as_ref().map(|residuals| {
            // Refused where they are another model's.
            model.place_residuals(&Residuals::new(&model.config, residuals.tensors())?, 1.0)
        });
        let start_codes = model.generator.with_residuals(&encoded, residuals.transpose()?.as_deref())?;
        let schedule = Schedule { steps, learning_rate, prior };
        let descent = Descent::new(&model.generator, &target, &encoded, &start_codes, schedule, false, cancel)?;
        let model_hash = model.info().hash.clone();
        Ok(Self { options, model_hash, stylemap: start.stylemap.clone(), descent })
    }

    /// Takes a step, and says how far the picture was from the photo before it. After [`Error::Cancelled`], which comes within a
    /// level, nothing has changed: the step can be taken again.
    ///
    /// # Errors
    /// When `model` is another one than the face's, the device fails, or on [`Cancel::cancel`].
    pub fn step(&mut self, model: &Model, cancel: &Cancel) -> Result<Loss> {
        self.check(model)?;
        self.descent.step(&model.generator, cancel)
    }

    /// How many steps were taken.
    pub fn steps_done(&self) -> usize {
        self.descent.steps_done()
    }

    /// How many steps there are to be.
    pub fn steps(&self) -> usize {
        self.options.steps
    }

    /// Takes all steps that are left, looks at what the last one made, and gives the best face.
    ///
    /// # Errors
    /// As [`Self::step`]; what was found until then is in [`Self::best`].
    pub fn finish(&mut self, model: &Model, cancel: &Cancel) -> Result<Latent> {
        while self.steps_done() < self.steps() {
            self.step(model, cancel)?;
        }
        self.look(model, cancel)?;
        self.best(model)
    }

    /// Draws the face as it is after the last step, so that it counts too.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn look(&mut self, model: &Model, cancel: &Cancel) -> Result<Loss> {
        self.check(model)?;
        self.descent.look(&model.generator, cancel)
    }

    /// How far the picture of [`Self::best`] is from the photo; none before the first step.
    pub fn loss(&self) -> Option<Loss> {
        self.descent.best_loss()
    }

    /// The face whose picture was nearest to the photo so far.
    ///
    /// # Errors
    /// When a residual is larger than 16 bit hold.
    pub fn best(&self, model: &Model) -> Result<Latent> {
        self.check(model)?;
        let residuals = Residuals::new(&model.config, &self.descent.residuals()?)?;
        Ok(Latent { stylemap: self.stylemap.clone(), residuals: Some(residuals), is_refined: true })
    }

    fn check(&self, model: &Model) -> Result<()> {
        if model.info().hash == self.model_hash {
            Ok(())
        } else {
            Err(Error::argument("a face is refined by the model that it was begun with"))
        }
    }
}
