//! Directions that are learned beside the work: examples are encoded, a classifier is fitted, faces are drawn along what came of it.

use std::sync::Arc;
use std::time::Instant;

use image::RgbImage;

use super::faces::Wanted;
use super::{Base, DirectionStep, Engine, FaceId, Frame, FrameKind, Scene};
use crate::cancel::Cancel;
use crate::directions::{Direction, index_of};
use crate::error::Result;
use crate::latent::stylemap_values;
use crate::learn::Learned;
use crate::model::ModelInfo;
use crate::photo;

/// What a direction is learned from, see [`crate::learn`].
#[derive(Clone, Debug, Default)]
pub struct Lesson {
    /// What the direction is to be called.
    pub name: String,
    /// Stylemaps, row by row, of faces that lack it.
    pub without: Vec<Arc<[f32]>>,
    /// And of faces that have it.
    pub with: Vec<Arc<[f32]>>,
    /// The names of directions that it shall not move along.
    pub unchanged: Vec<String>,
}

/// A face drawn along a direction that the model does not have (yet).
#[derive(Clone, Debug)]
pub struct AlongRequest {
    /// The caller's number.
    pub number: u64,
    /// Whose face: one that was added.
    pub face: FaceId,
    /// The direction.
    pub direction: Direction,
    /// How far, in standard deviations.
    pub amount: f32,
}

impl Engine {
    /// The stylemap, row by row, of an aligned, square face crop that is no face of the engine's.
    ///
    /// # Errors
    /// When the device fails.
    pub fn encode_example(&self, crop: &RgbImage) -> Result<Vec<f32>> {
        let image = self.model.place(&photo::to_tensor(crop, self.model.config.size)?)?;
        stylemap_values(&self.model.encoder.forward(&image)?)
    }

    /// Learns a direction. The model does not have it until it is added.
    ///
    /// # Errors
    /// As [`crate::model::Model::learn_direction`]; when a stylemap is not the model's, or a direction is unknown.
    pub fn learn(&self, lesson: &Lesson) -> Result<Learned> {
        let stylemaps = |faces: &[Arc<[f32]>]| -> Result<Vec<_>> {
            faces.iter().map(|values| self.model.stylemap_from_values(values.to_vec())).collect()
        };
        let known = &self.model.info().directions;
        let unchanged = lesson.unchanged.iter().map(|name| index_of(known, name)).collect::<Result<Vec<_>>>()?;
        let (without, with) = (stylemaps(&lesson.without)?, stylemaps(&lesson.with)?);
        self.model.learn_direction(&lesson.name, &without, &with, &unchanged)
    }

    /// Takes one more direction, or another one in the place of that of its name.
    ///
    /// # Errors
    /// When it is another model's.
    pub fn add_direction(&mut self, direction: Direction) -> Result<ModelInfo> {
        self.model.add_direction(direction)?;
        Ok(self.directions_changed())
    }

    /// Forgets a direction; those behind it move up.
    pub fn remove_direction(&mut self, name: &str) -> ModelInfo {
        self.model.remove_direction(name);
        self.directions_changed()
    }

    fn directions_changed(&mut self) -> ModelInfo {
        // What was made along the directions before names them by their places.
        self.faces.forget_moved();
        self.mixed = None;
        self.info()
    }

    /// Draws the base of a scene, its layers left out; the caches of the scene that is being worked on stay.
    ///
    /// # Errors
    /// As [`Self::render_cancellable`].
    pub fn draw_aside(&mut self, scene: &Scene, cancel: &Cancel) -> Result<Frame> {
        let start = Instant::now();
        let chain = self.faces.chain_aside(&self.model, &Wanted::of_base(scene), cancel)?;
        let mixed = start.elapsed();
        let image = self.model.generator.main_path(&chain.modulations, cancel)?;
        self.frame(&image, FrameKind::Final, start, mixed)
    }

    /// Draws a face along a direction that the model does not have; the caches of the scene that is being worked on stay.
    ///
    /// # Errors
    /// When there is no such face, the direction is another model's, or the device fails, and on [`Cancel::cancel`].
    pub fn draw_along(&mut self, request: &AlongRequest, cancel: &Cancel) -> Result<Frame> {
        let start = Instant::now();
        let own = self.model.directions().clone();
        let mut candidate = request.direction.clone();
        // Behind the model's own, whatever it is called.
        candidate.info.name = "\0".to_owned();
        let step = DirectionStep::new(own.iter().len(), request.amount);
        self.model.add_direction(candidate)?;
        let scene = Scene::of(Base::Face(request.face)).with_direction(step);
        let chain = self.faces.made_chain(&self.model, &Wanted::of_base(&scene), cancel);
        self.model.set_directions(own);
        let chain = chain?;
        let mixed = start.elapsed();
        let image = self.model.generator.main_path(&chain.modulations, cancel)?;
        self.frame(&image, FrameKind::Final, start, mixed)
    }
}
