//! Files of weights: our safetensors, and published PyTorch checkpoints in both of torch's formats.

mod foreign;
mod identity;
mod random;
pub mod torch;

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::{Metadata, TensorView};

use crate::config::Config;
use crate::directions::Directions;
use crate::error::{Error, Result};
use crate::files::write_whole;

pub use identity::Identity;

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
        let unusable = |reason| Error::Checkpoint { path: path.to_owned(), reason };
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
            let checkpoint = Self::from_torch(torch::read(path)?).map_err(|err| err.to_string());
            return checkpoint.and_then(Self::checked).map_err(unusable);
        }
        let mut bytes = first[..len].to_vec();
        file.read_to_end(&mut bytes).map_err(io)?;
        Self::from_safetensors(&bytes).and_then(Self::checked).map_err(unusable)
    }

    /// Refuses weights that are not numbers: with them every picture would be gray, and no message say why.
    fn checked(self) -> std::result::Result<Self, String> {
        let mut names: Vec<_> = self.tensors.keys().collect();
        names.sort();
        let mut broken = Vec::new();
        for name in names {
            let Some(tensor) = self.tensors.get(name).filter(|tensor| tensor.dtype().is_float()) else { continue };
            // A sum of magnitudes in f32 is finite exactly if all of them are: no weights are anywhere near its end.
            let sum = tensor.to_dtype(DType::F32).and_then(|tensor| tensor.abs()?.sum_all()?.to_scalar::<f32>());
            if !sum.map_err(|err| err.to_string())?.is_finite() {
                broken.push(name.as_str());
            }
        }
        match broken.as_slice() {
            [] => Ok(self),
            [name] => Err(format!("its tensor {name} has values that are not numbers")),
            [name, more @ ..] => {
                Err(format!("its tensor {name} and {} more have values that are not numbers", more.len()))
            }
        }
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
        let config = config_of(&header)?;
        let metadata = header.metadata().clone().unwrap_or_default();
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

/// The widths of the networks, from a file's header.
fn config_of(header: &Metadata) -> std::result::Result<Config, String> {
    let Some(config) = header.metadata().as_ref().and_then(|metadata| metadata.get(CONFIG_KEY)) else {
        if let Some(kind) = foreign::kind_of(header.tensors().keys().map(String::as_str)) {
            return Err(format!("it is {kind}, not a StyleMapGAN"));
        }
        return Err(format!("its metadata has no `{CONFIG_KEY}`, so it is not a model of this format"));
    };
    Config::from_json(config).map_err(|err| err.to_string())
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
