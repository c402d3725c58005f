//! Faces as files. Safetensors with the tensor `stylemap` (style_dim, base, base) in f32 and, of a model with a fine encoder, the
//! residuals of the finest style codes, `residuals.0` to `residuals.3` (K, r, r) in 16 bit.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use stylemap::checkpoint::save_tensors;
use stylemap::config::Config;
use stylemap::latent::{Latent, Residuals, stylemap_values};
use stylemap::model::ModelInfo;

const TENSOR: &str = "stylemap";
const MODEL_HASH_KEY: &str = "stylemap.model_hash";
const MODEL_NAME_KEY: &str = "stylemap.model_name";
/// More than the residuals of a published 1024 px model would be.
const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

/// A face, and the model that it is from, where the file says so.
#[derive(Debug)]
pub struct StylemapFile {
    stylemap: Tensor,
    /// As [`Residuals`] takes them; files of models without a fine encoder, and older ones, have none.
    residuals: Vec<Tensor>,
    /// Of the weights that it was encoded with.
    pub model_hash: Option<String>,
    /// What users call that model.
    pub model_name: Option<String>,
}

impl StylemapFile {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or is no stylemap file.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let cannot = || format!("cannot read {}", path.display());
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).with_context(cannot)?;
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).with_context(cannot)?;
        let not_one = |reason: &str| anyhow::anyhow!("{} is not a stylemap file: {reason}", path.display());
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(not_one("it is too large"));
        }
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|_| not_one("it is not a safetensors file"))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        let mut tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
            .map_err(|_| not_one("it is a damaged safetensors file"))?;
        let stylemap = tensors.remove(TENSOR).ok_or_else(|| not_one("it has no tensor `stylemap`"))?;
        let residuals = (0..).map_while(|index| tensors.remove(&residual_name(index)));
        let residuals = residuals.map(|residual| residual.unsqueeze(0)).collect::<candle_core::Result<_>>()?;
        let known = |key: &str| metadata.get(key).cloned();
        Ok(Self { stylemap, residuals, model_hash: known(MODEL_HASH_KEY), model_name: known(MODEL_NAME_KEY) })
    }

    /// Whether it holds what a fine encoder adds.
    pub fn has_residuals(&self) -> bool {
        !self.residuals.is_empty()
    }

    /// The face, for a model of these widths.
    ///
    /// # Errors
    /// When the file, called `path`, is of a model of other widths.
    pub fn latent(&self, path: &Path, config: &Config) -> anyhow::Result<Latent> {
        let shape = [config.style_dim, config.base, config.base];
        let of_one = self.stylemap.dims().strip_prefix(&[1]).filter(|rest| rest.len() == 3);
        anyhow::ensure!(
            of_one.unwrap_or(self.stylemap.dims()) == shape,
            "the stylemap in {} has the shape {:?}, and this model takes {shape:?}",
            path.display(),
            self.stylemap.dims()
        );
        let residuals = self.has_residuals().then(|| Residuals::new(config, &self.residuals)).transpose();
        let residuals = residuals.with_context(|| format!("{} is not for this model", path.display()))?;
        Ok(Latent { residuals, ..Latent::of_stylemap(stylemap_values(&self.stylemap)?) })
    }
}

/// Writes a face of this model.
///
/// # Errors
/// When the file cannot be written.
pub fn save(path: &Path, stylemap: Vec<f32>, residuals: Option<&Residuals>, info: &ModelInfo) -> anyhow::Result<()> {
    let shape = (info.config.style_dim, info.config.base, info.config.base);
    let mut tensors = BTreeMap::from([(TENSOR.to_owned(), Tensor::from_vec(stylemap, shape, &Device::Cpu)?)]);
    for (index, residual) in residuals.iter().flat_map(|residuals| residuals.tensors()).enumerate() {
        tensors.insert(residual_name(index), residual.squeeze(0)?);
    }
    let metadata = HashMap::from([
        ("format".to_owned(), "stylemap".to_owned()),
        (MODEL_HASH_KEY.to_owned(), info.hash.clone()),
        (MODEL_NAME_KEY.to_owned(), info.name.clone()),
    ]);
    Ok(save_tensors(path, &tensors, metadata)?)
}

fn residual_name(index: usize) -> String {
    format!("residuals.{index}")
}
