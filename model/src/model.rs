//! A model: the three networks of one checkpoint on one device, and what the file knows beside them.

use std::fmt;
use std::str::FromStr;

use candle_core::{D, DType, Device, Tensor};
use candle_nn::VarBuilder;
use serde::Serialize;

use crate::cancel::Cancel;
use crate::checkpoint::Checkpoint;
use crate::config::Config;
use crate::directions::{Direction, DirectionInfo, Directions};
use crate::edit;
use crate::encoder::Encoder;
use crate::error::{Error, Result, first_line};
use crate::fine_encoder::FineEncoder;
use crate::generator::{Generator, Kept};
use crate::kernels;
use crate::latent::Residuals;
use crate::layers::{Loader, compute_dtype};
use crate::learn::{FaceSpace, Learned};
use crate::mapping::Mapping;
use crate::random::Random;

/// Which device computes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceChoice {
    /// A GPU where this build has support for one and the machine has one, else the CPU.
    #[default]
    Auto,
    /// The CPU, by the kernels of this crate.
    Cpu,
    /// An NVIDIA GPU, by number.
    Cuda(usize),
    /// Apple's GPU, through Metal.
    Metal,
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "metal" => Ok(Self::Metal),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| format!("there is no device `{text}`: use auto, cpu, cuda, cuda:N or metal")),
        }
    }
}

impl DeviceChoice {
    /// Opens the device.
    ///
    /// # Errors
    /// [`Error::Device`] when this build or this machine does not have it.
    pub fn open(self) -> Result<Device> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Auto => Ok([Self::Cuda(0), Self::Metal]
                .into_iter()
                .find_map(|choice| choice.open().ok())
                .unwrap_or(Device::Cpu)),
            Self::Cuda(_) if !candle_core::utils::cuda_is_available() => {
                Err(Error::Device("this build has no CUDA support (cargo feature `cuda`)".to_owned()))
            }
            Self::Cuda(number) => Device::new_cuda(number)
                .map_err(|err| Error::Device(format!("the CUDA device {number} cannot be used ({err})"))),
            Self::Metal if !candle_core::utils::metal_is_available() => {
                Err(Error::Device("this build has no Metal support (cargo feature `metal`)".to_owned()))
            }
            Self::Metal => {
                Device::new_metal(0).map_err(|err| Error::Device(format!("the Metal device cannot be used ({err})")))
            }
        }
    }
}

/// The number format in which the generator computes; on the CPU, the one to which its weights are rounded. What runs once a face (encoder,
/// mapping network, style codes) stays in f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DtypeChoice {
    /// What suits the device: f32.
    #[default]
    Auto,
    /// 32 bit floats.
    F32,
    /// 16 bit floats; layer norm's statistics stay in f32.
    F16,
    /// bfloat16; layer norm's statistics stay in f32.
    BF16,
}

impl FromStr for DtypeChoice {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::F32),
            "f16" => Ok(Self::F16),
            "bf16" => Ok(Self::BF16),
            _ => Err(format!("there is no dtype `{text}`: use auto, f32, f16 or bf16")),
        }
    }
}

impl DtypeChoice {
    fn dtype(self) -> DType {
        match self {
            Self::Auto | Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::BF16 => DType::BF16,
        }
    }
}

/// What a model says of itself.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ModelInfo {
    /// The model's name, or a sentence part that says that it has none.
    pub name: String,
    /// The licence of the weights, where the file names it.
    pub license: Option<String>,
    /// What it was trained on, where the file names it.
    pub trained_on: Option<String>,
    /// The widths of the networks.
    pub config: Config,
    /// Parameters of the generator, mapping network included.
    pub generator_parameters: usize,
    /// Parameters of the encoder.
    pub encoder_parameters: usize,
    /// Parameters of the fine encoder, 0 where there is none.
    pub fine_encoder_parameters: usize,
    /// Whether the mapping network was trained (else `sample` draws from the components).
    pub mapping_is_trained: bool,
    /// How many principal components of the training faces the file holds.
    pub component_count: usize,
    /// The directions that faces can be moved along: those of a file of them, else the first principal components.
    pub directions: Vec<DirectionInfo>,
    /// The hash that projects know the model by, in hexadecimal.
    pub hash: String,
    /// `cpu`, `cuda:0`, `metal`.
    pub device: String,
    /// `f32`, `f16`, `bf16`.
    pub dtype: String,
    /// The kernels in use.
    pub kernels: String,
    /// Threads of the CPU kernels.
    pub threads: usize,
}

/// How far from the average face faces are drawn unless somebody chooses, where a mapping network was trained for it.
const MAPPING_TRUNCATION: f32 = 0.7;
/// And where they are drawn from principal components: as far as the training faces are.
const COMPONENTS_TRUNCATION: f32 = 1.0;
/// How often a face that was drawn from principal components goes through generator and encoder.
const ROUND_TRIPS: usize = 2;

impl ModelInfo {
    /// How far from the average face random faces lie unless somebody chooses, from 0 (all alike).
    pub fn usual_truncation(&self) -> f32 {
        if self.mapping_is_trained { MAPPING_TRUNCATION } else { COMPONENTS_TRUNCATION }
    }
}

/// The principal components of the encoder's stylemaps over the training faces.
struct Components {
    /// (K, style_dim, base, base), f32 on the CPU.
    directions: Tensor,
    /// One standard deviation per component.
    deviations: Vec<f32>,
}

/// Encoder, mapping network and decoder on one device.
pub struct Model {
    /// The widths of the networks.
    pub config: Config,
    /// Photo to stylemap.
    pub encoder: Encoder,
    /// Photo and picture to residuals of the finest style codes.
    pub fine_encoder: Option<FineEncoder>,
    /// Noise to stylemap.
    pub mapping: Mapping,
    /// Stylemap to picture.
    pub generator: Generator,
    device: Device,
    dtype: DType,
    /// (1, style_dim, base, base), f32 on the CPU.
    mean_stylemap: Option<Tensor>,
    components: Option<Components>,
    directions: Directions,
    mapping_is_trained: bool,
    info: ModelInfo,
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Model {
    /// Puts a checkpoint's networks on a device.
    ///
    /// # Errors
    /// When the device cannot be used or the tensors are not those of the configuration.
    pub fn new(checkpoint: &Checkpoint, device: DeviceChoice, dtype: DtypeChoice) -> Result<Self> {
        Self::on_device(checkpoint, &device.open()?, dtype.dtype())
    }

    fn on_device(checkpoint: &Checkpoint, device: &Device, dtype: DType) -> Result<Self> {
        let config = checkpoint.config.clone();
        config.validate()?;
        kernels::check()?;
        let vars = VarBuilder::from_tensors(checkpoint.tensors.clone(), DType::F32, &Device::Cpu);
        let loader = Loader::new(vars, device, dtype);
        let shape = |err: candle_core::Error| Error::ModelShape(first_line(&err));
        let generator = loader.pp("g_ema");
        let mapping = Mapping::load(&generator.pp("mapping_z"), &config).map_err(shape)?;
        let as_shape = |err| match err {
            Error::Compute(err) => shape(err),
            err => err,
        };
        let encoder = Encoder::load(&loader.pp("e_ema"), &config).map_err(as_shape)?;
        let generator = Generator::load(&generator.pp("decoder"), &config).map_err(as_shape)?;
        let fine_encoder = FineEncoder::load(&loader, &config).map_err(as_shape)?;
        let known = |key: &str| checkpoint.tensors.get(key).map(|tensor| tensor.to_dtype(DType::F32)).transpose();
        let grid = [config.style_dim, config.base, config.base];
        let mean_stylemap = known("mean_stylemap")?
            .map(|mean| mean.reshape((1, grid[0], grid[1], grid[2])))
            .transpose()
            .map_err(shape)?;
        let components = match (known("pca.components")?, known("pca.std")?) {
            (Some(directions), Some(deviations)) => {
                let deviations = deviations.flatten_all()?.to_vec1()?;
                if directions.dims() != [deviations.len(), grid[0], grid[1], grid[2]] {
                    return Err(Error::ModelShape("`pca.components` and `pca.std` do not fit".to_owned()));
                }
                Some(Components { directions, deviations })
            }
            _ => None,
        };
        let directions = match (&checkpoint.directions, &components) {
            (Some(directions), _) => directions.clone(),
            (None, Some(Components { directions, deviations })) => Directions::from_components(directions, deviations)?,
            (None, None) => Directions::default(),
        };
        let metadata = |key: &str| checkpoint.metadata.get(key).cloned();
        let mapping_is_trained = metadata("mapping").is_none_or(|mapping| mapping != "untrained");
        let parameters = |prefix: &str| {
            let of_prefix = checkpoint.tensors.iter().filter(|(key, _)| key.starts_with(prefix));
            of_prefix.map(|(_, tensor)| tensor.elem_count()).sum()
        };
        let info = ModelInfo {
            name: metadata("name").unwrap_or_else(|| format!("unnamed {} px model", config.size)),
            license: metadata("license"),
            trained_on: metadata("trained_on"),
            config: config.clone(),
            generator_parameters: parameters("g_ema."),
            encoder_parameters: parameters("e_ema."),
            fine_encoder_parameters: parameters("fine."),
            mapping_is_trained,
            component_count: components.as_ref().map_or(0, |components| components.deviations.len()),
            directions: directions.iter().map(|direction| direction.info.clone()).collect(),
            hash: format!("{:016x}", checkpoint.hash),
            device: device_label(device),
            dtype: dtype.as_str().to_owned(),
            kernels: kernels::description(device),
            threads: rayon::current_num_threads(),
        };
        Ok(Self {
            config,
            encoder,
            fine_encoder,
            mapping,
            generator,
            device: device.clone(),
            dtype,
            mean_stylemap,
            components,
            directions,
            mapping_is_trained,
            info,
        })
    }

    /// What the model says of itself.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// The device of the networks.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The numbers that the weights are rounded to. A GPU computes in them, the CPU in f32.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Brings a tensor to the networks' device and to the numbers that it computes in.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn place(&self, tensor: &Tensor) -> Result<Tensor> {
        Ok(tensor.to_device(&self.device)?.to_dtype(compute_dtype(&self.device, self.dtype))?)
    }

    /// Encodes an image (1, 3, size, size): its stylemap and, with a fine encoder, the residuals of its fine style codes. `cancel` is
    /// looked at between the passes.
    ///
    /// # Errors
    /// When the shape does not fit, the device fails, or on [`Cancel::cancel`].
    pub fn encode(&self, image: &Tensor, cancel: &Cancel) -> Result<(Tensor, Option<Residuals>)> {
        let stylemap = self.encoder.forward(image)?;
        let Some(fine_encoder) = &self.fine_encoder else { return Ok((stylemap, None)) };
        let codes = self.generator.style_codes(&stylemap)?;
        let residuals = self.residuals(fine_encoder, image, &codes, fine_encoder.passes(), cancel)?;
        Ok((stylemap, Some(Residuals::new(&self.config, &residuals)?)))
    }

    /// The residuals after so many passes of the fine encoder, not rounded. Images (N, 3, size, size), and their style codes.
    pub(crate) fn residuals(
        &self,
        fine_encoder: &FineEncoder,
        images: &Tensor,
        codes: &[Tensor],
        passes: usize,
        cancel: &Cancel,
    ) -> Result<Vec<Tensor>> {
        let generator = &self.generator;
        let mut modulations = generator.modulations(codes)?;
        let mut residuals: Option<Vec<Tensor>> = None;
        // From pass to pass only the finest levels change.
        let keeps = images.dim(0)? == 1 && kernels::are_used_on(&self.device);
        let mut kept: Option<Kept> = None;
        for _ in 0..passes {
            let so_far = generator.with_residuals(codes, residuals.as_deref())?;
            if residuals.is_some() {
                generator.update_fine_modulations(&mut modulations, &so_far)?;
            }
            cancel.check()?;
            let resumed = kept.as_ref().map(|kept| generator.main_path_resumed(&modulations, kept, cancel));
            let pictures = match resumed.transpose()?.flatten() {
                Some(pictures) => pictures,
                None if keeps => {
                    let (pictures, now) = generator.main_path_kept(&modulations, cancel)?;
                    kept = Some(now);
                    pictures
                }
                None => generator.main_path(&modulations, cancel)?,
            };
            cancel.check()?;
            let found = fine_encoder.forward(images, &pictures, &so_far)?;
            let sum = |residuals: Vec<Tensor>| residuals.iter().zip(&found).map(|(a, b)| a + b).collect();
            residuals = Some(residuals.map_or_else(|| Ok(found.clone()), sum)?);
        }
        residuals.ok_or_else(|| Error::argument("a fine encoder takes one pass or more"))
    }

    /// Residuals on the networks' device, times `share`.
    ///
    /// # Errors
    /// When the device has no room.
    pub fn place_residuals(&self, residuals: &Residuals, share: f64) -> Result<Vec<Tensor>> {
        let placed = residuals.tensors().iter().map(|residual| {
            let residual = residual.to_dtype(DType::F32)?;
            self.place(&if share == 1.0 { residual } else { (residual * share)? })
        });
        placed.collect()
    }

    /// A stylemap (1, style_dim, base, base) from its values, row by row.
    ///
    /// # Errors
    /// When there are too few or too many values, or one is not a number.
    pub fn stylemap_from_values(&self, values: Vec<f32>) -> Result<Tensor> {
        let Config { style_dim, base, .. } = self.config;
        if values.len() != self.config.stylemap_len() {
            return Err(Error::argument(format!(
                "this stylemap has {} values, and the model takes {style_dim} x {base} x {base}",
                values.len()
            )));
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Error::argument("this stylemap holds values that are not finite numbers"));
        }
        self.place(&Tensor::from_vec(values, (1, style_dim, base, base), &Device::Cpu)?)
    }

    /// One of [`ModelInfo::directions`] (1, style_dim, base, base), as long as one standard deviation of the training faces.
    ///
    /// # Errors
    /// When the model has no such direction.
    pub fn direction(&self, index: usize) -> Result<Tensor> {
        let direction = self.directions.get(index);
        let direction = direction.ok_or_else(|| Error::argument(format!("this model has no direction {index}")))?;
        self.place(&direction.step)
    }

    /// The average stylemap (1, style_dim, base, base): the file's, or the mean over 4,096 samples of the mapping network.
    ///
    /// # Errors
    /// When the device fails.
    pub fn mean_stylemap(&self) -> Result<Tensor> {
        if let Some(mean) = &self.mean_stylemap {
            return self.place(mean);
        }
        let mut random = Random::new(0);
        let z = random.normal_tensor((4096, self.config.style_dim))?;
        Ok(self.mapping.forward(&self.place(&z)?)?.mean_keepdim(0)?)
    }

    /// Samples a random face: stylemap number `index` of the series `seed`, drawn by the mapping network, or from the
    /// principal components where the mapping network is untrained. `psi` pulls towards the average face, see
    /// [`ModelInfo::usual_truncation`].
    ///
    /// What independent components make is not quite a face's stylemap: its picture shows a grid. It goes twice through generator and encoder, after
    /// which it is one that the encoder gives.
    ///
    /// # Errors
    /// When the model can draw from neither, or the device fails.
    pub fn sample(&self, seed: u64, index: u64, psi: f64) -> Result<Tensor> {
        let mut random = Random::new(seed ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        if self.mapping_is_trained {
            let z = random.normal_tensor((1, self.config.style_dim))?;
            let stylemap = self.mapping.forward(&self.place(&z)?)?;
            return Ok(edit::truncate(&stylemap, &self.mean_stylemap()?, psi)?);
        }
        let Some(Components { directions, deviations }) = &self.components else {
            return Err(Error::argument(
                "this model cannot sample: its mapping network is untrained and the file has no principal components",
            ));
        };
        let weights: Vec<f32> = deviations.iter().map(|deviation| (psi * random.normal()) as f32 * deviation).collect();
        let weights = Tensor::from_vec(weights, (1, deviations.len()), &Device::Cpu)?;
        let step = weights.matmul(&directions.flatten_from(1)?)?.reshape(directions.narrow(0, 0, 1)?.shape())?;
        let drawn = self.place(&step)?.broadcast_add(&self.mean_stylemap()?)?;
        (0..ROUND_TRIPS).try_fold(drawn, |stylemap, _| self.round_trip(&stylemap))
    }

    /// Learns a direction from stylemaps (1, style_dim, base, base) of faces without something and with it, see [`crate::learn`].
    /// `unchanged`: which of [`ModelInfo::directions`] it shall not move along.
    ///
    /// # Errors
    /// When there are too few faces, nothing is left beside what shall not change, or the file has no principal components.
    pub fn learn_direction(
        &self,
        name: &str,
        without: &[Tensor],
        with: &[Tensor],
        unchanged: &[usize],
    ) -> Result<Learned> {
        let Some(Components { directions, deviations }) = &self.components else {
            return Err(Error::argument(
                "this model's file has no principal components, and without them no direction is learned",
            ));
        };
        let steps = unchanged.iter().filter_map(|index| self.directions.get(*index)).map(|direction| &direction.step);
        let space = FaceSpace { components: directions, deviations, mean: self.mean_stylemap()? };
        space.learn(name, without, with, &steps.collect::<Vec<_>>())
    }

    /// Takes one more direction, in place of one of the same name. Nothing is remembered of it beyond this model.
    ///
    /// # Errors
    /// When its step is not as large as the model's stylemaps.
    pub fn add_direction(&mut self, direction: Direction) -> Result<()> {
        let Config { style_dim, base, .. } = self.config;
        if direction.step.dims() != [1, style_dim, base, base] {
            return Err(Error::argument(format!("`{}` belongs to another model", direction.info.name)));
        }
        self.set_directions(self.directions.with(direction));
        Ok(())
    }

    /// Forgets a direction; those behind it move up. Without one of this name nothing is done.
    pub fn remove_direction(&mut self, name: &str) {
        let index = self.directions.iter().position(|direction| direction.info.name == name);
        if let Some(index) = index {
            self.set_directions(self.directions.without(index));
        }
    }

    /// The directions, in the order of [`ModelInfo::directions`].
    pub fn directions(&self) -> &Directions {
        &self.directions
    }

    /// Puts these directions in place of its own.
    pub(crate) fn set_directions(&mut self, directions: Directions) {
        self.info.directions = directions.iter().map(|direction| direction.info.clone()).collect();
        self.directions = directions;
    }

    /// The stylemap of a stylemap's own picture.
    fn round_trip(&self, stylemap: &Tensor) -> Result<Tensor> {
        let picture = self.generator.decode(stylemap)?.to_dtype(DType::F32)?.clamp(-1f32, 1f32)?;
        Ok(self.encoder.forward(&picture)?)
    }
}

/// `cpu`, `cuda:0`, `metal`.
fn device_label(device: &Device) -> String {
    match device.location() {
        candle_core::DeviceLocation::Cpu => "cpu".to_owned(),
        candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
        candle_core::DeviceLocation::Metal { .. } => "metal".to_owned(),
    }
}

/// Root of the mean square and greatest absolute difference of two tensors, in f32.
///
/// # Errors
/// When the shapes differ.
pub fn difference(a: &Tensor, b: &Tensor) -> Result<(f32, f32)> {
    let difference = (a.to_dtype(DType::F32)? - b.to_dtype(DType::F32)?)?.flatten_all()?;
    let rms = difference.sqr()?.mean(D::Minus1)?.to_scalar::<f32>()?.sqrt();
    Ok((rms, difference.abs()?.max(D::Minus1)?.to_scalar::<f32>()?))
}
