//! Files of weights: our safetensors, and published PyTorch checkpoints in both of torch's formats.

pub mod torch;

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use crate::config::Config;
use crate::directions::Directions;
use crate::error::{Error, Result};
use crate::files::write_whole;
use crate::fine_encoder;
use crate::random::Random;

/// The metadata key of the configuration.
pub const CONFIG_KEY: &str = "stylemap.config";

/// A model's file in memory: configuration, tensors (on the CPU, as stored) and what it says of itself.
pub struct Checkpoint {
    /// The widths of the networks.
    pub config: Config,
    /// Tensors under the published key names, `g_ema.` and `e_ema.` in front, and ours (`fine.…`, `mean_stylemap`, `pca.…`).
    pub tensors: HashMap<String, Tensor>,
    /// The metadata: `name`, `license`, `trained_on`, `mapping`…
    pub metadata: HashMap<String, String>,
    /// Named directions, where a file of them was read too (see [`Directions::load`]); without one, a model goes along its
    /// principal components.
    pub directions: Option<Directions>,
    /// A hash of the file's contents or, for a published checkpoint, of its tensors: projects name their model by it.
    pub hash: u64,
}

impl Checkpoint {
    /// Reads a model: ours (`.safetensors`) or a published checkpoint (`.pt`); the contents decide, not the name.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Checkpoint`].
    pub fn load(path: &Path) -> Result<Self> {
        let io = |source| Error::Io { action: "cannot read", path: path.to_owned(), source };
        let mut file = std::fs::File::open(path).map_err(io)?;
        let mut first = [0; 64];
        let mut len = 0;
        while len < first.len() {
            match file.read(&mut first[len..]).map_err(io)? {
                0 => break,
                read => len += read,
            }
        }
        if torch::looks_like_torch(&first[..len]) {
            return Self::from_torch(torch::read(path)?)
                .map_err(|err| Error::Checkpoint { path: path.to_owned(), reason: err.to_string() });
        }
        let mut bytes = first[..len].to_vec();
        file.read_to_end(&mut bytes).map_err(io)?;
        Self::from_safetensors(&bytes).map_err(|reason| Error::Checkpoint { path: path.to_owned(), reason })
    }

    /// Reads a model as [`Self::load`] does and, where a file of named directions lies beside it (see [`Directions::path_beside`]),
    /// those too.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Checkpoint`] or [`Error::Directions`].
    pub fn load_with_directions(path: &Path) -> Result<Self> {
        let mut checkpoint = Self::load(path)?;
        let beside = Directions::path_beside(path);
        if beside.exists() {
            checkpoint.directions = Some(Directions::load(&beside, &checkpoint.config)?);
        }
        Ok(checkpoint)
    }

    /// Reads a model from bytes in memory, for one that is embedded in the program.
    ///
    /// # Errors
    /// [`Error::Checkpoint`], with `label` as its path.
    pub fn from_bytes(bytes: &[u8], label: &str) -> Result<Self> {
        Self::from_safetensors(bytes).map_err(|reason| Error::Checkpoint { path: label.into(), reason })
    }

    fn from_safetensors(bytes: &[u8]) -> std::result::Result<Self, String> {
        let (_, header) = SafeTensors::read_metadata(bytes)
            .map_err(|err| format!("it is neither a safetensors file nor a torch checkpoint ({err})"))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let Some(config) = metadata.get(CONFIG_KEY) else {
            return Err(format!("its metadata has no `{CONFIG_KEY}`, so it is not a model of this format"));
        };
        let config = Config::from_json(config).map_err(|err| err.to_string())?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|err| format!("it is damaged ({err})"))?;
        let tensors = tensors
            .tensors()
            .into_iter()
            .map(|(name, view)| Ok((name, to_tensor(&view)?)))
            .collect::<candle_core::Result<_>>()
            .map_err(|err| format!("it has a tensor that cannot be read ({err})"))?;
        Ok(Self { config, tensors, metadata, directions: None, hash: fnv1a(bytes) })
    }

    fn from_torch(torch: torch::TorchCheckpoint) -> Result<Self> {
        let torch::TorchCheckpoint { tensors, train_args, .. } = torch;
        let shapes: BTreeMap<_, _> = tensors.iter().map(|(key, tensor)| (key.clone(), tensor.shape.clone())).collect();
        let lr_mul = train_args.get("lr_mul").and_then(serde_json::Value::as_f64).unwrap_or(0.01);
        let norm = train_args.get("normalize_mode").and_then(|value| value.as_str()).unwrap_or("LayerNorm");
        let config = Config::from_shapes(&shapes, lr_mul, norm)?;
        let mut hash = FNV_OFFSET;
        let mut converted = HashMap::with_capacity(tensors.len());
        for (key, tensor) in tensors {
            // The blur kernels are constants of the architecture.
            if key.ends_with(".kernel") {
                continue;
            }
            hash = fnv1a_from(fnv1a_from(hash, key.as_bytes()), &tensor.data);
            converted.insert(key, Tensor::from_raw_buffer(&tensor.data, tensor.dtype, &tensor.shape, &Device::Cpu)?);
        }
        let metadata = [("format", "stylemap"), ("mapping", "trained")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        Ok(Self { config, tensors: converted, metadata, directions: None, hash })
    }

    /// A network of these widths with random weights, for benchmarks and tests: normal weights and biases that are not
    /// trivial, gamma around one.
    ///
    /// # Errors
    /// When the configuration is impossible.
    pub fn random(config: Config, seed: u64) -> Result<Self> {
        config.validate()?;
        let mut random = Random::new(seed);
        let mut tensors = HashMap::new();
        let mut add = |key: String, shape: &[usize], deviation: f64, mean: f64| -> Result<()> {
            let values: Vec<f32> =
                (0..shape.iter().product()).map(|_| (mean + deviation * random.normal()) as f32).collect();
            tensors.insert(key, Tensor::from_vec(values, shape, &Device::Cpu)?);
            Ok(())
        };
        for layer in 1..=config.mapping_layers {
            let out = if layer == config.mapping_layers { config.stylemap_len() } else { config.style_dim };
            add(format!("g_ema.mapping_z.{layer}.weight"), &[out, config.style_dim], 1.0 / config.lr_mul, 0.0)?;
            add(format!("g_ema.mapping_z.{layer}.bias"), &[out], 0.1 / config.lr_mul, 0.0)?;
        }
        let base = config.base;
        let (code_base, main_base) = (config.code_width(base)?, config.main_width(base)?);
        let mut modulated = |key: String, out: usize, channels: usize, code: usize, kernel: usize| -> Result<()> {
            add(format!("{key}.conv.weight"), &[1, out, channels, kernel, kernel], 1.0, 0.0)?;
            add(format!("{key}.activate.bias"), &[out], 0.1, 0.0)?;
            for (part, mean) in [("gamma", 1.0), ("beta", 0.0)] {
                add(format!("{key}.conv.{part}.weight"), &[channels, code, 3, 3], 0.5, 0.0)?;
                add(format!("{key}.conv.{part}.bias"), &[channels], 0.1, mean)?;
            }
            Ok(())
        };
        modulated("g_ema.decoder.conv1".to_owned(), main_base, main_base, code_base, 3)?;
        for (i, level) in config.levels().enumerate() {
            let (main_in, main_out) = (config.main_width(level / 2)?, config.main_width(level)?);
            let block = format!("g_ema.decoder.convs.{i}");
            modulated(format!("{block}.conv1"), main_out, main_in, config.code_width(level / 2)?, 3)?;
            modulated(format!("{block}.conv2"), main_out, main_out, config.code_width(level)?, 3)?;
        }
        let (main_last, code_last) = (config.main_width(config.size)?, config.code_width(config.size)?);
        modulated("g_ema.decoder.to_rgb".to_owned(), 3, main_last, code_last, 1)?;
        add("g_ema.decoder.input.input".to_owned(), &[1, main_base, base, base], 1.0, 0.0)?;
        let mut conv = |key: String, index: usize, shape: &[usize], bias: Option<usize>| -> Result<()> {
            add(format!("{key}.{index}.weight"), shape, 1.0, 0.0)?;
            bias.map_or(Ok(()), |bias| add(format!("{key}.{bias}.bias"), &shape[..1], 0.1, 0.0))
        };
        let latent = |i: usize| format!("g_ema.decoder.convs_latent.{i}");
        conv(latent(0), 0, &[code_base, config.style_dim, 3, 3], Some(1))?;
        conv(latent(1), 0, &[code_base, code_base, 3, 3], Some(1))?;
        for (i, level) in config.levels().enumerate() {
            let (code_in, code_out) = (config.code_width(level / 2)?, config.code_width(level)?);
            let (main_in, main_out) = (config.main_width(level / 2)?, config.main_width(level)?);
            conv(latent(2 * i + 2), 0, &[code_out, code_in, 3, 3], Some(2))?;
            conv(latent(2 * i + 3), 0, &[code_out, code_out, 3, 3], Some(1))?;
            conv(format!("g_ema.decoder.convs.{i}.skip"), 0, &[main_out, main_in, 1, 1], None)?;
        }
        let encoder = |level| config.encoder_width(level);
        conv("e_ema.from_rgb".to_owned(), 0, &[encoder(config.size)?, 3, 1, 1], Some(1))?;
        for (i, level) in config.levels().rev().enumerate() {
            let (wide, narrow) = (encoder(level)?, encoder(level / 2)?);
            let block = format!("e_ema.convs.{i}");
            conv(format!("{block}.conv1"), 0, &[wide, wide, 3, 3], Some(1))?;
            conv(format!("{block}.conv2"), 1, &[narrow, wide, 3, 3], Some(2))?;
            conv(format!("{block}.skip"), 1, &[narrow, wide, 1, 1], None)?;
        }
        conv("e_ema.final_conv".to_owned(), 0, &[config.style_dim, encoder(base)?, 3, 3], Some(1))?;
        if config.fine_encoder.is_some() {
            for (key, [channels_out, channels_in]) in fine_encoder::shapes(&config)? {
                // Small enough that two passes do not run away.
                let deviation = 0.5 / ((9 * channels_in) as f64).sqrt();
                add(format!("{key}.weight"), &[channels_out, channels_in, 3, 3], deviation, 0.0)?;
                add(format!("{key}.bias"), &[channels_out], 0.05, 0.0)?;
            }
        }
        let metadata = [("format", "stylemap"), ("name", "random weights"), ("mapping", "trained")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        Ok(Self { config, tensors, metadata, directions: None, hash: fnv1a(&seed.to_le_bytes()) })
    }

    /// Writes our safetensors: floating-point tensors as `dtype`, or as they are.
    ///
    /// # Errors
    /// When a tensor cannot be converted or the file cannot be written; a file of that name is then left as it was.
    pub fn save(&self, path: &Path, dtype: Option<DType>) -> Result<()> {
        let mut metadata = self.metadata.clone();
        let config = serde_json::to_string(&self.config)
            .map_err(|err| Error::argument(format!("the configuration cannot be written: {err}")))?;
        metadata.insert(CONFIG_KEY.to_owned(), config);
        let mut tensors = BTreeMap::new();
        for (key, tensor) in &self.tensors {
            // Standard deviations are few and precise.
            let dtype = if key == "pca.std" { DType::F32 } else { dtype.unwrap_or(tensor.dtype()) };
            tensors.insert(key.clone(), tensor.to_dtype(dtype)?);
        }
        save_tensors(path, &tensors, metadata)
    }
}

fn to_tensor(view: &TensorView<'_>) -> candle_core::Result<Tensor> {
    candle_core::safetensors::Load::load(view, &Device::Cpu)
}

/// Writes tensors with metadata to a temporary file beside `path`, then renames it: a full disk never leaves half a file.
///
/// # Errors
/// When the file cannot be written; a file of that name is then left as it was.
pub fn save_tensors(path: &Path, tensors: &BTreeMap<String, Tensor>, metadata: HashMap<String, String>) -> Result<()> {
    let bytes = safetensors::serialize(tensors, Some(metadata))
        .map_err(|err| Error::argument(format!("the tensors cannot be written: {err}")))?;
    write_whole(path, &bytes)
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv1a(bytes: &[u8]) -> u64 {
    fnv1a_from(FNV_OFFSET, bytes)
}

/// FNV-1a over 8 byte words (its byte form would cost a tenth of a second of start-up): a name, not a signature.
fn fnv1a_from(hash: u64, bytes: &[u8]) -> u64 {
    let mut words = bytes.chunks_exact(8);
    let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(29);
    let hash = (&mut words).fold(hash, |hash, word| {
        let mut raw = [0; 8];
        raw.copy_from_slice(word);
        step(hash, u64::from_le_bytes(raw))
    });
    words.remainder().iter().fold(hash, |hash, byte| step(hash, u64::from(*byte)))
}
