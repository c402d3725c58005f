//! Faces as a model knows them, on their way into a project and back: safetensors, to the bit.
//!
//! They only save work. A face that cannot be read, or that another model knew, is made from its photo again.

use std::collections::HashMap;

use anyhow::Context as _;
use candle_core::{DType, Device, Tensor};
use safetensors::{Dtype, SafeTensors};
use stylemap::latent::{Latent, Residuals};

/// The largest entry: more than twice the faces of a published model of 256 pixels.
pub(crate) const MAX_LATENT_BYTES: u64 = 64 << 20;
const STYLEMAP: &str = "stylemap";
/// There where the residuals were found by optimisation.
const REFINED: &str = "refined";
/// In the order of the style codes.
const RESIDUALS: [&str; 4] = ["residuals.0", "residuals.1", "residuals.2", "residuals.3"];
const MODEL_HASH_KEY: &str = "stylemap.model_hash";
/// No hash is longer.
const MAX_HASH_LEN: usize = 200;

/// A face, with the hash of the model that knows it so.
pub(crate) type KnownFace = (Latent, String);

/// A face as an entry.
///
/// # Errors
/// When it has more than [`MAX_LATENT_BYTES`].
pub(crate) fn to_bytes(latent: &Latent, model_hash: &str) -> anyhow::Result<Vec<u8>> {
    let Latent { stylemap, residuals, is_refined } = latent;
    let stylemap = Tensor::from_slice(stylemap, stylemap.len(), &Device::Cpu)?;
    let residuals = residuals.as_ref().map_or(&[][..], Residuals::tensors);
    let refined = is_refined.then(|| Tensor::new(&[1u8], &Device::Cpu)).transpose()?;
    let refined = refined.as_ref().map(|refined| (REFINED, refined));
    let tensors = [(STYLEMAP, &stylemap)].into_iter().chain(RESIDUALS.into_iter().zip(residuals)).chain(refined);
    // One key alone: with several their order, and so the file, would be another one each time.
    let metadata = HashMap::from([(MODEL_HASH_KEY.to_owned(), model_hash.to_owned())]);
    let bytes = safetensors::serialize(tensors, Some(metadata))?;
    anyhow::ensure!(bytes.len() as u64 <= MAX_LATENT_BYTES, "the face has {} bytes", bytes.len());
    Ok(bytes)
}

/// The way back.
///
/// # Errors
/// When the bytes are no face. Whether it is one of the model's is for the model to say.
pub(crate) fn from_bytes(bytes: &[u8]) -> anyhow::Result<KnownFace> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    let metadata = header.metadata().as_ref().context("it names no model")?;
    let model_hash = metadata.get(MODEL_HASH_KEY).filter(|hash| hash.len() <= MAX_HASH_LEN);
    let model_hash = model_hash.context("it names no model")?.clone();
    let tensors = SafeTensors::deserialize(bytes)?;
    let stylemap = tensor(&tensors, STYLEMAP, Dtype::F32, DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    anyhow::ensure!(stylemap.iter().all(|value| value.is_finite()), "its stylemap holds values that are no numbers");
    let has_residuals = tensors.names().iter().any(|name| RESIDUALS.contains(name));
    let residuals = has_residuals.then(|| residuals(&tensors)).transpose()?;
    let is_refined = residuals.is_some() && tensors.names().contains(&REFINED);
    Ok((Latent { stylemap, residuals, is_refined }, model_hash))
}

fn residuals(tensors: &SafeTensors<'_>) -> anyhow::Result<Residuals> {
    let read = |name| tensor(tensors, name, Dtype::F16, DType::F16);
    let residuals = RESIDUALS.into_iter().map(read).collect::<anyhow::Result<Vec<Tensor>>>()?;
    Ok(Residuals::from_tensors(&residuals)?)
}

fn tensor(tensors: &SafeTensors<'_>, name: &str, dtype: Dtype, as_dtype: DType) -> anyhow::Result<Tensor> {
    let view = tensors.tensor(name)?;
    anyhow::ensure!(view.dtype() == dtype, "{name} has values of another kind");
    Ok(Tensor::from_raw_buffer(view.data(), as_dtype, view.shape(), &Device::Cpu)?)
}
