//! `encode` and `decode`: stylemaps as files (safetensors, one tensor `stylemap` (style_dim, base, base) in f32).

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candle_core::{Device, Tensor};
use clap::Args;
use safetensors::SafeTensors;
use stylemap::checkpoint::save_tensors;
use stylemap::engine::{FaceId, Scene};

use super::CommonOptions;
use super::failure;
use super::output::{PictureFile, check_safetensors};
use super::portrait::PortraitOpener;
use super::sample::values;
use super::session::Session;

const TENSOR: &str = "stylemap";
const MODEL_HASH_KEY: &str = "stylemap.model_hash";
const MODEL_NAME_KEY: &str = "stylemap.model_name";
/// A hundred times the largest stylemap of a published model.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

const FACE: FaceId = FaceId(0);

const ENCODE_EXAMPLES: &str = "\
Example:
  stylebrush encode me.jpg -o me.safetensors && stylebrush decode me.safetensors -o me.png";

/// What `encode` takes.
#[derive(Args, Debug)]
#[command(after_help = ENCODE_EXAMPLES)]
pub struct EncodeArgs {
    /// The photo
    #[arg(value_name = "PHOTO")]
    photo: PathBuf,
    /// The stylemap file to write: .safetensors
    #[arg(short, long, value_name = "W")]
    output: PathBuf,
}

/// What `decode` takes.
#[derive(Args, Debug)]
#[command(after_help = ENCODE_EXAMPLES)]
pub struct DecodeArgs {
    /// The stylemap file
    #[arg(value_name = "W")]
    stylemap: PathBuf,
    /// The picture to write: .png, .jpg or .webp
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

/// Runs `encode`.
pub fn encode(common: &CommonOptions, args: &EncodeArgs) -> anyhow::Result<()> {
    let EncodeArgs { photo, output } = args;
    check_safetensors(output)?;
    let crop = PortraitOpener::new(common)?.open(photo)?.crop;
    let mut session = Session::open(common)?;
    session.engine.add_face(FACE, &crop)?;
    let info = session.engine.info();
    let shape = (info.config.style_dim, info.config.base, info.config.base);
    let stylemap = Tensor::from_vec(values(session.engine.stylemap(FACE)?)?, shape, &Device::Cpu)?;
    let metadata = HashMap::from([
        ("format".to_owned(), "stylemap".to_owned()),
        (MODEL_HASH_KEY.to_owned(), info.hash),
        (MODEL_NAME_KEY.to_owned(), info.name),
    ]);
    Ok(save_tensors(output, &BTreeMap::from([(TENSOR.to_owned(), stylemap)]), metadata)?)
}

/// Runs `decode`.
pub fn decode(common: &CommonOptions, args: &DecodeArgs) -> anyhow::Result<()> {
    let DecodeArgs { stylemap: path, output } = args;
    let output = PictureFile::new(output)?;
    let StylemapFile { stylemap, model_hash, model_name } = StylemapFile::load(path)?;
    let mut session = Session::open(common)?;
    let info = session.engine.info();
    let shape = [info.config.style_dim, info.config.base, info.config.base];
    let of_one = stylemap.dims().strip_prefix(&[1]).filter(|rest| rest.len() == 3);
    anyhow::ensure!(
        of_one.unwrap_or(stylemap.dims()) == shape,
        "the stylemap in {} has the shape {:?}, and this model takes {shape:?}",
        path.display(),
        stylemap.dims()
    );
    session.engine.add_stylemap(FACE, &values(&stylemap)?)?;
    output.write(&session.draw(&Scene::face(FACE))?, None)?;
    if let Some(hash) = model_hash.filter(|hash| *hash != info.hash) {
        failure::warn(&format!(
            "{} was encoded with another model ({} {hash}), so the picture may show another face",
            path.display(),
            model_name.unwrap_or_default(),
        ));
    }
    Ok(())
}

/// A stylemap and the model that it is from, where the file says so.
struct StylemapFile {
    stylemap: Tensor,
    model_hash: Option<String>,
    model_name: Option<String>,
}

impl StylemapFile {
    fn load(path: &Path) -> anyhow::Result<Self> {
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
        let known = |key: &str| metadata.get(key).cloned();
        Ok(Self { stylemap, model_hash: known(MODEL_HASH_KEY), model_name: known(MODEL_NAME_KEY) })
    }
}
