//! The engine: exact, and only what changed.
//!
//! Per face, once: encoder, stylemap; on first use in a picture the style codes and the modulations (gamma and beta of every
//! modulated convolution, linear in the codes). Per frame: the layers' weights at every level, the cached modulations
//! mixed where those changed since the frame before (exactly: see `weights`), and the main path to pixels; where that is slow, a
//! preview before it (see `previews`).

mod mix;
mod previews;
mod request;
mod weights;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_core::{DType, Tensor};
use image::RgbImage;

pub use previews::PreviewMode;
pub use request::{Base, DirectionStep, FaceId, Frame, Layer, Scene, Timings};
pub use worker::{Cancel, EngineHandle, Event, SampleRequest, WorkerOptions};

use crate::checkpoint::Checkpoint;
use crate::edit;
use crate::error::{Error, Result};
use crate::kernels;
use crate::mask::Mask;
use crate::model::{DeviceChoice, DtypeChoice, Model, ModelInfo};
use crate::photo;

use previews::Previews;
use weights::{LevelWeights, Pyramid, Work, level_index};

/// A stylemap's style codes and modulations.
struct Chain {
    codes: Vec<Tensor>,
    modulations: Vec<Tensor>,
}

impl Chain {
    fn new(model: &Model, stylemap: &Tensor, cancel: &Cancel) -> Result<Self> {
        cancel.check()?;
        let codes = model.generator.style_codes(stylemap)?;
        cancel.check()?;
        let modulations = model.generator.modulations(&codes)?;
        Ok(Self { codes, modulations })
    }

    fn bytes(&self) -> usize {
        let bytes = |tensor: &Tensor| tensor.elem_count() * tensor.dtype().size_in_bytes();
        self.codes.iter().chain(&self.modulations).map(bytes).sum()
    }
}

struct Face {
    /// On the host, so that a lost device loses no face.
    values: Vec<f32>,
    stylemap: Tensor,
    chain: Option<Arc<Chain>>,
    /// When the chain was last of use, in pictures drawn.
    last_use: u64,
}

/// What the last frame left: the mixed modulations and what they were mixed from.
struct Mixed {
    base: Arc<Chain>,
    layers: Vec<Arc<Chain>>,
    weights: Vec<LevelWeights>,
    modulations: Vec<Tensor>,
}

/// A base, and the steps that it is moved by.
type Moved = (Base, Vec<DirectionStep>);

/// What was computed from which faces and directions, and its chain.
type Derived = (Moved, Arc<Chain>);

/// In the order of the model's directions: steps in another order are the same picture, to the last bit.
fn moved(base: Base, directions: &[DirectionStep]) -> Moved {
    let mut directions: Vec<_> = directions.iter().filter(|step| step.amount != 0.0).cloned().collect();
    directions.sort_by_key(|step| step.index);
    (base, directions)
}

/// Model, faces and caches. Not shared between threads: [`EngineHandle`] gives it one of its own.
pub struct Engine {
    model: Model,
    /// Kept while the model runs on a device that can be lost.
    checkpoint: Option<Checkpoint>,
    faces: HashMap<FaceId, Face>,
    derived: Vec<Derived>,
    pyramids: Vec<(Arc<Mask>, f32, Arc<Pyramid>)>,
    mixed: Option<Mixed>,
    previews: Previews,
    /// What the chains may weigh, beside those of the picture in hand.
    cache_budget_bytes: usize,
    pictures_drawn: u64,
}

/// The environment variable with what faces' caches may weigh, in MiB.
pub const CACHE_VARIABLE: &str = "STYLEMAP_CACHE_MIB";

/// Three faces of the published 256 px network, dozens of the default model's.
const DEFAULT_CACHE_MIB: usize = 1152;

fn default_cache_budget_bytes() -> usize {
    let asked = std::env::var(CACHE_VARIABLE).ok().and_then(|mib| mib.trim().parse().ok());
    asked.unwrap_or(DEFAULT_CACHE_MIB).saturating_mul(1 << 20)
}

impl Engine {
    /// Puts a checkpoint's model on a device.
    ///
    /// # Errors
    /// See [`Model::new`].
    pub fn new(checkpoint: Checkpoint, device: DeviceChoice, dtype: DtypeChoice) -> Result<Self> {
        let model = Model::new(&checkpoint, device, dtype)?;
        let checkpoint = (!model.device().is_cpu()).then_some(checkpoint);
        Ok(Self {
            model,
            checkpoint,
            faces: HashMap::new(),
            derived: Vec::new(),
            pyramids: Vec::new(),
            mixed: None,
            previews: Previews::default(),
            cache_budget_bytes: default_cache_budget_bytes(),
            pictures_drawn: 0,
        })
    }

    /// Bounds what the faces' cached style codes and modulations weigh (at the start [`CACHE_VARIABLE`] or its default). Beyond it
    /// the ones that were of no use for longest are dropped and computed again when they are needed; those of the picture in
    /// hand stay in any case.
    pub fn set_cache_budget(&mut self, bytes: usize) {
        self.cache_budget_bytes = bytes;
    }

    /// What the faces' cached style codes and modulations weigh now.
    pub fn cache_bytes(&self) -> usize {
        let chains = self.faces.values().filter_map(|face| face.chain.as_ref());
        chains.chain(self.derived.iter().map(|(_, chain)| chain)).map(|chain| chain.bytes()).sum()
    }

    /// Drops what was of no use for longest until the rest is within the budget. `of_picture`: the faces of the one just drawn.
    fn evict(&mut self, of_picture: impl Iterator<Item = FaceId>) {
        self.pictures_drawn += 1;
        for id in of_picture {
            if let Some(face) = self.faces.get_mut(&id) {
                face.last_use = self.pictures_drawn;
            }
        }
        while self.cache_bytes() > self.cache_budget_bytes {
            let idle = |face: &&mut Face| face.chain.is_some() && face.last_use < self.pictures_drawn;
            let Some(face) = self.faces.values_mut().filter(idle).min_by_key(|face| face.last_use) else { return };
            let chain = face.chain.take();
            // What the last frame left would hold it too.
            let is_it = |other: &Arc<Chain>| chain.as_ref().is_some_and(|chain| Arc::ptr_eq(chain, other));
            let is_mixed = |mixed: &Mixed| is_it(&mixed.base) || mixed.layers.iter().any(is_it);
            self.mixed = self.mixed.take().filter(|mixed| !is_mixed(mixed));
        }
    }

    /// What the model says of itself.
    pub fn info(&self) -> ModelInfo {
        self.model.info().clone()
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Whether there is nothing to fall back to.
    pub fn is_on_cpu(&self) -> bool {
        self.model.device().is_cpu()
    }

    /// Goes on with the CPU after a device failed; every face is kept.
    ///
    /// # Errors
    /// When the CPU cannot hold the model either.
    pub fn fall_back_to_cpu(&mut self) -> Result<()> {
        let Some(checkpoint) = self.checkpoint.take() else { return Ok(()) };
        self.model = Model::new(&checkpoint, DeviceChoice::Cpu, DtypeChoice::Auto)?;
        (self.derived, self.mixed) = (Vec::new(), None);
        for face in self.faces.values_mut() {
            face.chain = None;
            face.stylemap = self.model.stylemap_from_values(face.values.clone())?;
        }
        Ok(())
    }

    /// Encodes an aligned square crop, resampled to the model's size; a face of that number is replaced.
    ///
    /// # Errors
    /// When the device fails.
    pub fn add_face(&mut self, face: FaceId, crop: &RgbImage) -> Result<()> {
        let image = self.model.place(&photo::to_tensor(crop, self.model.config.size)?)?;
        let stylemap = self.model.encoder.forward(&image)?;
        self.insert(face, stylemap)
    }

    /// Takes a face that already is a stylemap: (style_dim, base, base), row by row; a face of that number is replaced.
    ///
    /// # Errors
    /// When the model takes another number of values, or one is not a number.
    pub fn add_stylemap(&mut self, face: FaceId, values: &[f32]) -> Result<()> {
        let stylemap = self.model.stylemap_from_values(values.to_vec())?;
        self.insert(face, stylemap)
    }

    fn insert(&mut self, face: FaceId, stylemap: Tensor) -> Result<()> {
        let values = values_of(&stylemap)?;
        self.remove_face(face);
        self.faces.insert(face, Face { values, stylemap, chain: None, last_use: 0 });
        Ok(())
    }

    /// A face's stylemap (1, style_dim, base, base).
    ///
    /// # Errors
    /// When there is no such face.
    pub fn stylemap(&self, face: FaceId) -> Result<&Tensor> {
        self.faces.get(&face).map(|face| &face.stylemap).ok_or_else(unknown_face)
    }

    /// Forgets a face and what was made of it.
    pub fn remove_face(&mut self, face: FaceId) {
        self.faces.remove(&face);
        // Both hold nothing that cannot be made again.
        (self.derived, self.mixed) = (Vec::new(), None);
    }

    /// Draws a scene. The frame's number is 0: [`EngineHandle`] gives it its own.
    ///
    /// # Errors
    /// When the scene names a face or a direction that is not there, the device fails, or on [`Cancel::cancel`].
    pub fn render(&mut self, scene: &Scene, cancel: &Cancel) -> Result<Frame> {
        let start = Instant::now();
        let modulations = self.modulations_of(scene, cancel)?;
        let mixed = start.elapsed();
        let generator = &self.model.generator;
        // Previews go on from a mix: without layers there is none.
        let keeps = self.previews.are_wanted() && self.mixed.is_some() && kernels::are_used_on(self.model.device());
        let (image, kept) = if keeps {
            let (image, kept) = generator.main_path_kept(&modulations, cancel)?;
            (image, Some(kept))
        } else {
            (generator.main_path(&modulations, cancel)?, None)
        };
        let frame = self.frame(&image, start, mixed)?;
        self.previews.exact_frame(start.elapsed() - mixed, kept);
        Ok(frame)
    }

    /// Draws a scene fast and nearly as [`Self::render`] does, where that was measured to take long (see [`PreviewMode`]) and only
    /// a part of the picture changed; else `None`.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn preview(&mut self, scene: &Scene, cancel: &Cancel) -> Result<Option<Frame>> {
        if !self.previews.are_ready() {
            return Ok(None);
        }
        let start = Instant::now();
        let modulations = self.modulations_of(scene, cancel)?;
        let mixed = start.elapsed();
        let Some((mut kept, changed)) = self.previews.take() else { return Ok(None) };
        let image = self.model.generator.preview(&modulations, &mut kept, &changed, cancel)?;
        self.previews.put_back(kept, image.is_some());
        image.map(|image| self.frame(&image, start, mixed)).transpose()
    }

    /// Whether [`Self::preview`] draws anything. At the start [`PreviewMode::Auto`].
    pub fn set_previews(&mut self, mode: PreviewMode) {
        self.previews = Previews::new(mode);
    }

    /// The modulations of a whole scene.
    fn modulations_of(&mut self, scene: &Scene, cancel: &Cancel) -> Result<Vec<Tensor>> {
        let visible: Vec<&Layer> =
            scene.layers.iter().filter(|layer| layer.strength > 0.0 && !layer.mask.is_empty()).collect();
        if visible.is_empty() {
            // The memory of a mix that nobody goes on from first: what is new fits into it.
            self.mixed = None;
            self.previews.forget();
        }
        let (base, chains) = self.chains_of(scene, &visible, cancel)?;
        let modulations = self.mixed_modulations(&base, &visible, chains, cancel)?;
        // Faces that are only interpolated between give their stylemaps.
        let of_base = scene.faces().take(if matches!(scene.base, Base::Interpolation { .. }) { 0 } else { 2 });
        self.evict(of_base.chain(scene.layers.iter().map(|layer| layer.face)));
        Ok(modulations)
    }

    /// Draws one face as it is, and leaves the caches of the scene that is being worked on.
    ///
    /// # Errors
    /// As [`Self::render`].
    pub fn draw_face(&mut self, face: FaceId, cancel: &Cancel) -> Result<Frame> {
        let start = Instant::now();
        let chain = self.chain(face, cancel)?;
        self.evict(std::iter::once(face));
        let mixed = start.elapsed();
        self.frame(&self.model.generator.main_path(&chain.modulations, cancel)?, start, mixed)
    }

    /// A face that nobody has: its stylemap, row by row, and its picture. It is no face of the engine's until it is added as
    /// one, and the caches of the scene that is being worked on stay.
    ///
    /// # Errors
    /// When the model cannot sample, or the device fails.
    pub fn sample(&self, request: &SampleRequest, cancel: &Cancel) -> Result<(Vec<f32>, Frame)> {
        let start = Instant::now();
        let SampleRequest { seed, index, truncation } = *request;
        let stylemap = self.model.sample(seed, index, f64::from(truncation))?;
        let chain = Chain::new(&self.model, &stylemap, cancel)?;
        let mixed = start.elapsed();
        let frame = self.frame(&self.model.generator.main_path(&chain.modulations, cancel)?, start, mixed)?;
        Ok((values_of(&stylemap)?, frame))
    }

    /// An image that was begun at `start` and had its modulations after `mixed`.
    fn frame(&self, image: &Tensor, start: Instant, mixed: Duration) -> Result<Frame> {
        let rgba = photo::to_rgba(image)?;
        let [total_ms, mix_ms] = [start.elapsed(), mixed].map(|elapsed| elapsed.as_secs_f32() * 1e3);
        let timings = Timings { total_ms, mix_ms, main_path_ms: total_ms - mix_ms };
        Ok(Frame { number: 0, size_px: self.model.config.size, rgba, timings })
    }

    fn chain(&mut self, face: FaceId, cancel: &Cancel) -> Result<Arc<Chain>> {
        let Self { model, faces, .. } = self;
        let face = faces.get_mut(&face).ok_or_else(unknown_face)?;
        if let Some(chain) = &face.chain {
            return Ok(Arc::clone(chain));
        }
        let chain = Arc::new(Chain::new(model, &face.stylemap, cancel)?);
        face.chain = Some(Arc::clone(&chain));
        Ok(chain)
    }

    /// The chains of a scene's base and of these layers. Of those that are no face's own, the ones in use are kept for the next
    /// frame.
    fn chains_of(
        &mut self,
        scene: &Scene,
        layers: &[&Layer],
        cancel: &Cancel,
    ) -> Result<(Arc<Chain>, Vec<Arc<Chain>>)> {
        let of_base = moved(scene.base.clone(), &scene.directions);
        let of_layers: Vec<Moved> =
            layers.iter().map(|layer| moved(Base::Face(layer.face), &layer.directions)).collect();
        let parts = match scene.base {
            Base::StyleMix { coarse, fine } => [coarse, fine].map(Base::Face).to_vec(),
            Base::Face(_) | Base::Interpolation { .. } => Vec::new(),
        };
        let parts: Vec<Moved> = parts.into_iter().map(|part| moved(part, &scene.directions)).collect();
        let mut known = std::mem::take(&mut self.derived);
        // The memory of what is of no use any more first: what is new fits into it.
        known.retain(|(key, _)| *key == of_base || of_layers.contains(key) || parts.contains(key));
        let base = self.moved_chain(of_base, &mut known, cancel)?;
        let mut chain_of = |layer| self.moved_chain(layer, &mut known, cancel);
        let layers = of_layers.into_iter().map(&mut chain_of).collect::<Result<_>>()?;
        Ok((base, layers))
    }

    /// The chain of a base moved along directions: computed, or that of the last frame from `known`.
    fn moved_chain(&mut self, key: Moved, known: &mut Vec<Derived>, cancel: &Cancel) -> Result<Arc<Chain>> {
        if let (Base::Face(face), []) = (&key.0, key.1.as_slice()) {
            return self.chain(*face, cancel);
        }
        if let Some((_, chain)) = self.derived.iter().find(|(derived, _)| *derived == key) {
            return Ok(Arc::clone(chain));
        }
        let chain = match known.iter().position(|(derived, _)| *derived == key) {
            Some(index) => known.swap_remove(index).1,
            None => Arc::new(match key.0 {
                Base::Face(face) => self.stepped_chain(self.stylemap(face)?.clone(), &key.1, cancel)?,
                Base::Interpolation { from, to, t } => {
                    let stylemap = edit::interpolate(self.stylemap(from)?, self.stylemap(to)?, f64::from(t))?;
                    self.stepped_chain(stylemap, &key.1, cancel)?
                }
                Base::StyleMix { coarse, fine } => {
                    // Every code keeps its own modulation: nothing is computed for the mix itself.
                    let [coarse, fine] = [coarse, fine].map(|face| moved(Base::Face(face), &key.1));
                    let coarse = self.moved_chain(coarse, known, cancel)?;
                    let fine = self.moved_chain(fine, known, cancel)?;
                    Chain {
                        codes: edit::style_mix(&coarse.codes, &fine.codes),
                        modulations: edit::style_mix(&coarse.modulations, &fine.modulations),
                    }
                }
            }),
        };
        self.derived.push((key, Arc::clone(&chain)));
        Ok(chain)
    }

    fn stepped_chain(&self, mut stylemap: Tensor, directions: &[DirectionStep], cancel: &Cancel) -> Result<Chain> {
        for step in directions {
            let direction = self.model.direction(step.index)?;
            stylemap = edit::step(&stylemap, &direction, f64::from(step.amount), step.mask.as_deref())?;
        }
        Chain::new(&self.model, &stylemap, cancel)
    }

    /// The modulations of the base under the layers, `chains` being those of `visible`. Mixes in place into what the last
    /// frame left, where that came from the same chains.
    fn mixed_modulations(
        &mut self,
        base: &Arc<Chain>,
        visible: &[&Layer],
        chains: Vec<Arc<Chain>>,
        cancel: &Cancel,
    ) -> Result<Vec<Tensor>> {
        if visible.is_empty() {
            return Ok(base.modulations.clone());
        }
        let pyramids = self.pyramids_of(visible);
        cancel.check()?;
        let with_pyramids: Vec<_> = visible.iter().copied().zip(pyramids.iter().map(Arc::as_ref)).collect();
        let levels = self.model.config.all_levels().enumerate();
        let weights: Vec<_> = levels.map(|(index, level)| LevelWeights::new(index, level, &with_pyramids)).collect();
        let before = self.mixed.take().filter(|mixed| {
            Arc::ptr_eq(&mixed.base, base)
                && mixed.layers.len() == chains.len()
                && mixed.layers.iter().zip(&chains).all(|(before, now)| Arc::ptr_eq(before, now))
        });
        if before.is_none() {
            self.previews.forget();
        }
        let (before_weights, mut before_modulations) = match before {
            Some(mixed) => (mixed.weights, mixed.modulations.into_iter().map(Some).collect()),
            None => (Vec::new(), Vec::new()),
        };
        let works: Vec<_> = weights
            .iter()
            .enumerate()
            .map(|(index, weights)| Work::plan(weights, &weights.changed_since(before_weights.get(index))))
            .collect();
        self.previews.mixed(&weights, &works);
        let mut modulations = Vec::with_capacity(self.model.generator.modulators().len());
        for (index, modulator) in self.model.generator.modulators().iter().enumerate() {
            let parts = std::iter::once(base).chain(&chains).map(|chain| {
                let (Some(code), Some(modulation)) = (chain.codes.get(index), chain.modulations.get(index)) else {
                    return Err(Error::argument("a face's style codes are incomplete"));
                };
                Ok(mix::Part { code, modulation })
            });
            let parts = parts.collect::<Result<Vec<_>>>()?;
            let (Some(weights), Some(work)) = (weights.get(level_index(index)), works.get(level_index(index))) else {
                return Err(Error::argument("the network has more style codes than levels"));
            };
            let before = before_modulations.get_mut(index).and_then(Option::take);
            modulations.push(mix::modulation(modulator, &parts, weights, work, before)?);
        }
        self.mixed = Some(Mixed { base: Arc::clone(base), layers: chains, weights, modulations: modulations.clone() });
        Ok(modulations)
    }

    /// The masks at every level; those of the last frame are kept, since a stroke changes one layer only.
    fn pyramids_of(&mut self, layers: &[&Layer]) -> Vec<Arc<Pyramid>> {
        let config = &self.model.config;
        let known = std::mem::take(&mut self.pyramids);
        for layer in layers {
            let same = known
                .iter()
                .find(|(mask, feather_px, _)| Arc::ptr_eq(mask, &layer.mask) && *feather_px == layer.feather_px);
            let pyramid = same
                .map(|(_, _, pyramid)| Arc::clone(pyramid))
                .unwrap_or_else(|| Arc::new(Pyramid::new(&layer.mask, layer.feather_px, config.all_levels())));
            self.pyramids.push((Arc::clone(&layer.mask), layer.feather_px, pyramid));
        }
        self.pyramids.iter().map(|(_, _, pyramid)| Arc::clone(pyramid)).collect()
    }
}

fn values_of(stylemap: &Tensor) -> Result<Vec<f32>> {
    Ok(stylemap.flatten_all()?.to_dtype(DType::F32)?.to_vec1()?)
}

fn unknown_face() -> Error {
    Error::argument("the picture needs a face that is not open")
}
