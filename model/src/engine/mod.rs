//! The engine: exact, and only what changed.
//!
//! Per face, once: encoder, stylemap, fine encoder, residuals (see `faces`); on first use in a picture the style codes and the modulations (gamma and beta of every
//! modulated convolution, linear in the codes). Per frame: the layers' weights at every level, the cached modulations
//! mixed where those changed since the frame before (exactly: see `weights`), and the main path to pixels; where that is slow, a
//! preview before it (see `previews`).

mod faces;
mod frame;
mod lessons;
mod mix;
mod previews;
mod refining;
mod request;
mod weights;
mod worker;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use candle_core::Tensor;
use image::RgbImage;

pub use crate::cancel::Cancel;
pub use frame::{Frame, FrameKind, Timings};
pub use lessons::{AlongRequest, Lesson};
pub use previews::PreviewMode;
pub use request::{Base, DirectionStep, FaceId, Layer, LayerStyle, Scene};
pub use worker::{EngineHandle, Event, RefineProgress, SampleRequest, WorkerOptions};

use crate::checkpoint::Checkpoint;
use crate::error::{Error, Result};
use crate::kernels;
use crate::latent::{Latent, stylemap_values};
use crate::mask::Mask;
use crate::memory;
use crate::model::{DeviceChoice, DtypeChoice, Model, ModelInfo};
use crate::photo;
use crate::settle::{self, Shown};

use faces::{Chain, Faces, Wanted};
use previews::Previews;
use weights::{LevelWeights, Pyramid, Work, level_index};

/// What the last frame left: the mixed modulations and what they were mixed from.
struct Mixed {
    base: Arc<Chain>,
    layers: Vec<Arc<Chain>>,
    weights: Vec<LevelWeights>,
    modulations: Vec<Tensor>,
    /// Whether those of the fine codes are settled, but for the cells that were mixed anew since.
    is_settled: bool,
}

/// A mask at every level, and what it was made of.
struct MaskLevels {
    mask: Arc<Mask>,
    feather_px: f32,
    pyramid: Arc<Pyramid>,
}

impl MaskLevels {
    fn is_of(&self, layer: &Layer) -> bool {
        Arc::ptr_eq(&self.mask, &layer.mask) && self.feather_px == layer.feather_px
    }
}

/// Model, faces and caches. Not shared between threads: [`EngineHandle`] gives it one of its own.
pub struct Engine {
    model: Model,
    /// Kept while the model runs on a device that can be lost.
    checkpoint: Option<Checkpoint>,
    faces: Faces,
    pyramids: Vec<MaskLevels>,
    mixed: Option<Mixed>,
    previews: Previews,
}

/// The environment variable with what faces' caches may weigh, in MiB.
pub const CACHE_VARIABLE: &str = "STYLEMAP_CACHE_MIB";

/// Three faces of the published 256 px network, dozens of the default model's.
const DEFAULT_CACHE_MIB: usize = 1152;

/// What drawing takes whatever the model, and for each number of its weights: with the default model about 27 bytes a number in all, and twice
/// the addresses, which `ulimit -v` counts.
const BYTES_TO_DRAW: u64 = 360 << 20;
const BYTES_PER_WEIGHT: u64 = 24;

fn default_cache_budget_bytes() -> usize {
    let asked = std::env::var(CACHE_VARIABLE).ok().and_then(|mib| mib.trim().parse().ok());
    asked.unwrap_or(DEFAULT_CACHE_MIB).saturating_mul(1 << 20)
}

impl Engine {
    /// Opens a model's file (`.safetensors`, or a published `.pt` checkpoint), with its named directions where a file of them lies
    /// beside it (see [`crate::directions`]), on a GPU where this build and this machine have one, else on the CPU.
    ///
    /// # Errors
    /// When the file cannot be read, is not a model, or its directions are damaged or those of another model.
    pub fn open(model: impl AsRef<Path>) -> Result<Self> {
        let checkpoint = Checkpoint::load_with_directions(model.as_ref())?;
        Self::new(checkpoint, DeviceChoice::default(), DtypeChoice::default())
    }

    /// Puts a checkpoint's model on a device.
    ///
    /// # Errors
    /// See [`Model::new`].
    pub fn new(checkpoint: Checkpoint, device: DeviceChoice, dtype: DtypeChoice) -> Result<Self> {
        let weights: usize = checkpoint.tensors.values().map(Tensor::elem_count).sum();
        let bytes = (weights as u64).saturating_mul(BYTES_PER_WEIGHT).saturating_add(BYTES_TO_DRAW);
        memory::check(bytes, "drawing with this model").map_err(Error::Argument)?;
        let model = Model::new(&checkpoint, device, dtype)?;
        let checkpoint = (!model.device().is_cpu()).then_some(checkpoint);
        Ok(Self {
            model,
            checkpoint,
            faces: Faces::new(default_cache_budget_bytes()),
            pyramids: Vec::new(),
            mixed: None,
            previews: Previews::default(),
        })
    }

    /// Bounds what the faces' cached style codes and modulations weigh (at the start [`CACHE_VARIABLE`] or its default). Beyond it
    /// the least recently used are dropped and computed again when they are needed; those of the picture in hand stay in any case.
    pub fn set_cache_budget(&mut self, bytes: usize) {
        self.faces.set_budget(bytes);
    }

    /// What the faces' cached style codes and modulations weigh now.
    pub fn cache_bytes(&self) -> usize {
        self.faces.cache_bytes()
    }

    /// What the model says of itself.
    pub fn info(&self) -> ModelInfo {
        self.model.info().clone()
    }

    /// The model that draws.
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
        let directions = self.model.directions().clone();
        self.model = Model::new(&checkpoint, DeviceChoice::Cpu, DtypeChoice::Auto)?;
        // Some may have been learned since.
        self.model.set_directions(directions);
        self.mixed = None;
        self.faces.move_to(&self.model)
    }

    /// Encodes an aligned square crop ([`crate::FaceDetector::cut_out`] makes them), resampled to the model's size; a face of that
    /// number is replaced.
    ///
    /// # Errors
    /// When the device fails.
    pub fn add_face(&mut self, face: FaceId, crop: &RgbImage) -> Result<()> {
        self.add_face_cancellable(face, crop, &Cancel::default())
    }

    /// Encodes a face as [`Self::add_face`] does, and stops early when it is cancelled.
    ///
    /// # Errors
    /// When the device fails, or on [`Cancel::cancel`].
    pub fn add_face_cancellable(&mut self, face: FaceId, crop: &RgbImage, cancel: &Cancel) -> Result<()> {
        self.faces.encode(&self.model, face, crop, cancel)?;
        self.mixed = None;
        Ok(())
    }

    /// Takes a face that is known already, with the crop that it was encoded from, if it was; a face of that number is replaced.
    ///
    /// # Errors
    /// When the model takes another number of values, or one is not a number.
    pub fn add_latent(&mut self, face: FaceId, latent: Latent, crop: Option<&RgbImage>) -> Result<()> {
        self.faces.add(&self.model, face, latent, crop)?;
        self.mixed = None;
        Ok(())
    }

    /// Takes another latent of a face that is there already, of the same photo: its residuals were found by [`crate::refine`], or are
    /// taken back. What was made of the face before is made anew.
    ///
    /// # Errors
    /// When there is no such face, the model takes another number of values, or one is not a number.
    pub fn change_latent(&mut self, face: FaceId, latent: Latent) -> Result<()> {
        self.faces.change_latent(&self.model, face, latent)?;
        self.mixed = None;
        Ok(())
    }

    /// A face as files keep it.
    ///
    /// # Errors
    /// When there is no such face.
    pub fn latent(&self, face: FaceId) -> Result<&Latent> {
        self.faces.latent(face)
    }

    /// A face's stylemap (1, style_dim, base, base).
    ///
    /// # Errors
    /// When there is no such face.
    pub fn stylemap(&self, face: FaceId) -> Result<&Tensor> {
        self.faces.stylemap(face)
    }

    /// Forgets a face and what was made of it.
    pub fn remove_face(&mut self, face: FaceId) {
        self.faces.remove(face);
        // Holds nothing that cannot be made again.
        self.mixed = None;
    }

    /// Draws the final picture of a scene. The frame's request is 0: [`EngineHandle`] gives it its own.
    ///
    /// # Errors
    /// When the scene names a face or a direction that is not there, or the device fails.
    pub fn render(&mut self, scene: &Scene) -> Result<Frame> {
        self.render_cancellable(scene, &Cancel::default())
    }

    /// Draws a scene as [`Self::render`] does, and stops early when it is cancelled.
    ///
    /// # Errors
    /// As [`Self::render`], and on [`Cancel::cancel`].
    pub fn render_cancellable(&mut self, scene: &Scene, cancel: &Cancel) -> Result<Frame> {
        let start = Instant::now();
        let modulations = self.modulations_of(scene, cancel)?;
        let modulations = self.settled(cancel)?.unwrap_or(modulations);
        self.exact_frame(&modulations, FrameKind::Final, start, cancel)
    }

    /// Draws a scene as a moving brush shows it: without settling what changed. Where nothing is to be settled it is the final
    /// picture.
    ///
    /// # Errors
    /// As [`Self::render_cancellable`].
    pub fn render_moving(&mut self, scene: &Scene, cancel: &Cancel) -> Result<Frame> {
        let start = Instant::now();
        let modulations = self.modulations_of(scene, cancel)?;
        let kind = if self.settles() { FrameKind::Moving } else { FrameKind::Final };
        self.exact_frame(&modulations, kind, start, cancel)
    }

    /// A picture whose modulations were begun at `start`.
    fn exact_frame(
        &mut self,
        modulations: &[Tensor],
        kind: FrameKind,
        start: Instant,
        cancel: &Cancel,
    ) -> Result<Frame> {
        let mixed = start.elapsed();
        let generator = &self.model.generator;
        // Previews go on from a mix: without layers there is none.
        let keeps = self.previews.are_wanted() && self.mixed.is_some() && kernels::are_used_on(self.model.device());
        let (image, kept) = if keeps {
            let (image, kept) = generator.main_path_kept(modulations, cancel)?;
            (image, Some(kept))
        } else {
            (generator.main_path(modulations, cancel)?, None)
        };
        let frame = self.frame(&image, kind, start, mixed)?;
        self.previews.exact_frame(start.elapsed() - mixed, kept);
        Ok(frame)
    }

    /// Draws a scene fast and nearly as [`Self::render_moving`] does, where that was measured to take long (see [`PreviewMode`]) and
    /// only a part of the picture changed; else `None`.
    ///
    /// # Errors
    /// As [`Self::render_cancellable`].
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
        image.map(|image| self.frame(&image, FrameKind::Preview, start, mixed)).transpose()
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
        let base = Wanted::of_base(scene);
        let layers: Vec<_> = visible.iter().map(|layer| Wanted::of_layer(scene, layer)).collect();
        let (base_chain, chains) = self.faces.chains(&self.model, &base, &layers, cancel)?;
        let modulations = self.mixed_modulations(&base_chain, &visible, chains, cancel)?;
        let used: Vec<_> = std::iter::once(&base).chain(&layers).flat_map(Wanted::variants).collect();
        // What the last frame left is made of these, so it holds nothing that goes.
        self.faces.evict(&used);
        Ok(modulations)
    }

    /// Whether the picture in hand has more to it than the mix of its faces' style codes.
    fn settles(&self) -> bool {
        let is_alike =
            |mixed: &Mixed| std::iter::once(&mixed.base).chain(&mixed.layers).any(|chain| chain.likeness > 0.0);
        self.model.fine_encoder.is_some() && self.mixed.as_ref().is_some_and(is_alike)
    }

    /// The modulations of the mix in hand, settled (see [`settle`]); `None` where nothing is to be settled. They stay for the next
    /// frame, in every cell that is not mixed anew.
    fn settled(&mut self, cancel: &Cancel) -> Result<Option<Vec<Tensor>>> {
        if !self.settles() {
            return Ok(None);
        }
        let (model, Some(fine_encoder), Some(mixed)) = (&self.model, &self.model.fine_encoder, &mut self.mixed) else {
            return Ok(None);
        };
        let Some(finest) = mixed.weights.last() else { return Ok(None) };
        let chains: Vec<_> = std::iter::once(&mixed.base).chain(&mixed.layers).collect();
        let code = |index: usize| -> Result<Tensor> {
            let weights = mixed.weights.get(level_index(index)).ok_or_else(incomplete)?;
            let codes = chains.iter().map(|chain| chain.codes.get(index).ok_or_else(incomplete));
            Ok(mix::code(codes.collect::<Result<Vec<_>>>()?.into_iter(), weights)?)
        };
        let mut codes = model.config.fine_codes().map(code).collect::<Result<Vec<_>>>()?;
        let mut modulations = mixed.modulations.clone();
        if mixed.is_settled {
            model.generator.update_fine_modulations(&mut modulations, &codes)?;
        }
        cancel.check()?;
        let picture = model.generator.main_path(&modulations, cancel)?;
        let mut faces = Vec::with_capacity(chains.len());
        for ((chain, weights), shift_px) in chains.iter().zip(&finest.weights).zip(&finest.shifts) {
            let picture = chain.picture(model, cancel)?;
            faces.push(Shown { picture, weights, shift_px: *shift_px, likeness: chain.likeness });
        }
        let residuals = settle::residuals(fine_encoder, &codes, &picture, &faces)?;
        cancel.check()?;
        model.generator.add_residuals(&mut codes, &residuals)?;
        model.generator.update_fine_modulations(&mut modulations, &codes)?;
        mixed.modulations.clone_from(&modulations);
        mixed.is_settled = true;
        Ok(Some(modulations))
    }

    /// Draws a random face: its stylemap, row by row, and its picture. It is not a face of the engine's until it is added as
    /// one, and the caches of the scene that is being worked on stay.
    ///
    /// # Errors
    /// When the model cannot sample, or the device fails.
    pub fn sample(&self, request: &SampleRequest, cancel: &Cancel) -> Result<(Vec<f32>, Frame)> {
        let start = Instant::now();
        let SampleRequest { seed, index, truncation } = *request;
        let stylemap = self.model.sample(seed, index, f64::from(truncation))?;
        let chain = Chain::of_stylemap(&self.model, &stylemap, cancel)?;
        let mixed = start.elapsed();
        let image = self.model.generator.main_path(&chain.modulations, cancel)?;
        Ok((stylemap_values(&stylemap)?, self.frame(&image, FrameKind::Final, start, mixed)?))
    }

    /// An image that was begun at `start` and had its modulations after `mixed`.
    fn frame(&self, image: &Tensor, kind: FrameKind, start: Instant, mixed: Duration) -> Result<Frame> {
        let rgba = photo::to_rgba(image)?;
        let [total_ms, mix_ms] = [start.elapsed(), mixed].map(|elapsed| elapsed.as_secs_f32() * 1e3);
        let timings = Timings { total_ms, mix_ms, main_path_ms: total_ms - mix_ms };
        Ok(Frame { request: 0, kind, size_px: self.model.config.size, rgba, timings })
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
        let is_settled = before.as_ref().is_some_and(|before| before.is_settled);
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
                    return Err(incomplete());
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
        let base = Arc::clone(base);
        self.mixed = Some(Mixed { base, layers: chains, weights, modulations: modulations.clone(), is_settled });
        Ok(modulations)
    }

    /// The masks at every level; those of the last frame are kept, since a stroke changes one layer only.
    fn pyramids_of(&mut self, layers: &[&Layer]) -> Vec<Arc<Pyramid>> {
        let config = &self.model.config;
        let known = std::mem::take(&mut self.pyramids);
        for layer in layers {
            let pyramid = known
                .iter()
                .find(|known| known.is_of(layer))
                .map(|known| Arc::clone(&known.pyramid))
                .unwrap_or_else(|| Arc::new(Pyramid::new(&layer.mask, layer.feather_px, config.all_levels())));
            self.pyramids.push(MaskLevels { mask: Arc::clone(&layer.mask), feather_px: layer.feather_px, pyramid });
        }
        self.pyramids.iter().map(|known| Arc::clone(&known.pyramid)).collect()
    }
}

fn incomplete() -> Error {
    Error::argument("a face's style codes are incomplete")
}
