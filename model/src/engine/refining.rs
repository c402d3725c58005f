//! Faces that are refined beside the work, one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use image::RgbImage;

use super::{Engine, FaceId, RefineProgress};
use crate::cancel::Cancel;
use crate::error::Result;
use crate::latent::Latent;
use crate::refine::{RefineOptions, Refinement};

/// The canvas is drawn anew after so many steps.
const STEPS_BETWEEN_PICTURES: usize = 10;

impl RefineProgress {
    /// Whether the picture has become better since it was last shown, as far as one sees: early steps go far.
    pub(super) fn is_worth_showing(self) -> bool {
        self.done == STEPS_BETWEEN_PICTURES / 2 || self.done.is_multiple_of(STEPS_BETWEEN_PICTURES)
    }
}

/// A face on its way to its photo. What it begins at is looked at with the first step.
pub(super) struct RefiningFace {
    face: FaceId,
    crop: Arc<RgbImage>,
    steps: usize,
    refinement: Option<Refinement>,
}

impl RefiningFace {
    pub(super) fn new(face: FaceId, crop: Arc<RgbImage>, steps: usize) -> Self {
        Self { face, crop, steps, refinement: None }
    }

    pub(super) fn face(&self) -> FaceId {
        self.face
    }

    /// Takes a step; the last one is followed by a look at what it made. After [`crate::Error::Cancelled`] it can be tried again.
    pub(super) fn step(&mut self, engine: &Engine, cancel: &Cancel) -> Result<RefineProgress> {
        let model = engine.model();
        let refinement = match &mut self.refinement {
            Some(refinement) => refinement,
            refinement => {
                let start = engine.latent(self.face)?;
                let options = RefineOptions::of(start).with_steps(self.steps);
                refinement.insert(Refinement::new(model, &self.crop, start, options, cancel)?)
            }
        };
        if refinement.steps_done() < refinement.steps() {
            refinement.step(model, cancel)?;
        }
        if refinement.steps_done() == refinement.steps() {
            refinement.look(model, cancel)?;
        }
        Ok(RefineProgress { done: refinement.steps_done(), steps: refinement.steps() })
    }

    /// The best that was found so far, if a step was taken.
    pub(super) fn best(&self, engine: &Engine) -> Option<Latent> {
        let refinement = self.refinement.as_ref().filter(|refinement| refinement.loss().is_some())?;
        refinement.best(engine.model()).ok()
    }
}

/// Those that wait, the first being the one in hand.
#[derive(Default)]
pub(super) struct Refining(VecDeque<RefiningFace>);

impl Refining {
    pub(super) fn push(&mut self, face: RefiningFace) {
        self.remove(face.face);
        self.0.push_back(face);
    }

    pub(super) fn first(&self) -> Option<&RefiningFace> {
        self.0.front()
    }

    pub(super) fn first_mut(&mut self) -> Option<&mut RefiningFace> {
        self.0.front_mut()
    }

    pub(super) fn get(&self, face: FaceId) -> Option<&RefiningFace> {
        self.0.iter().find(|it| it.face == face)
    }

    pub(super) fn remove(&mut self, face: FaceId) -> Option<RefiningFace> {
        let index = self.0.iter().position(|it| it.face == face)?;
        self.0.remove(index)
    }
}
