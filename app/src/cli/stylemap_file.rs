//! `encode` and `decode`: faces as files. Safetensors with the tensor `stylemap` (style_dim, base, base) in f32 and, of a model with a
//! fine encoder, the residuals of the finest style codes, `residuals.0` to `residuals.3` (K, r, r) in 16 bit.

use std::collections::{BTreeMap, HashMap};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candle_core::{Device, Tensor};
use clap::Args;
use safetensors::SafeTensors;
use stylemap::checkpoint::save_tensors;
use stylemap::engine::{FaceId, Scene};
use stylemap::latent::{Latent, Residuals, stylemap_values};
use stylemap::model::Model;

use super::CommonOptions;
use super::destination::FaceSize;
use super::failure;
use super::likeness::Likeness;
use stylebrush_app::export::FileOptions;

use super::output::{PictureFile, check_inputs, check_safetensors};
use super::portrait::{OneFace, PortraitOpener};
use super::refine::Refine;
use super::session::Session;

const TENSOR: &str = "stylemap";
const MODEL_HASH_KEY: &str = "stylemap.model_hash";
const MODEL_NAME_KEY: &str = "stylemap.model_name";
/// More than the residuals of a published 1024 px model would be.
const MAX_FILE_BYTES: u64 = 512 * 1024 * 1024;

const FACE: FaceId = FaceId(0);

const ENCODE_EXAMPLES: &str = "\
The file holds the stylemap and what the fine encoder and --refine add to the finest style codes (in 16 bit), where there is either: \
the stylemap alone is what the encoder alone makes of the photo. It belongs to its model.

Example:
  stylebrush encode me.jpg -o me.safetensors && stylebrush decode me.safetensors -o me.png";

/// What `encode` takes.
#[derive(Args, Debug)]
#[command(after_help = ENCODE_EXAMPLES)]
pub struct EncodeArgs {
    /// The photo; - reads it from the standard input
    #[arg(value_name = "PHOTO")]
    photo: PathBuf,
    #[command(flatten)]
    face: OneFace,
    #[command(flatten)]
    likeness: Likeness,
    #[command(flatten)]
    refine: Refine,
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
    #[command(flatten)]
    likeness: Likeness,
    #[command(flatten)]
    size: FaceSize,
    /// The picture to write: .png, .jpg, .webp or .tif; - writes a PNG to the standard output
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

/// Runs `encode`.
pub fn encode(common: &CommonOptions, args: &EncodeArgs) -> anyhow::Result<()> {
    let EncodeArgs { photo, face, likeness, refine, output } = args;
    check_safetensors(output)?;
    check_inputs(output, [photo.as_path()], common)?;
    let crop = PortraitOpener::new(common).open_face(photo, face.which())?.crop;
    let mut session = Session::open(common)?.refining(*refine);
    session.add_face(FACE, &crop)?;
    let share = likeness.of_faces(&session, [FACE]).get(&FACE).copied().unwrap_or(1.0);
    write(&session, FACE, share, output)
}

/// Writes a face with so much of its residuals.
pub fn write(session: &Session, face: FaceId, share: f32, output: &Path) -> anyhow::Result<()> {
    let model = session.engine.model();
    let Latent { stylemap, residuals, .. } = session.engine.latent(face)?.clone();
    let shape = (model.config.style_dim, model.config.base, model.config.base);
    let mut tensors = BTreeMap::from([(TENSOR.to_owned(), Tensor::from_vec(stylemap, shape, &Device::Cpu)?)]);
    if let Some(residuals) = residuals.map(|residuals| shared(model, residuals, share)).transpose()?.flatten() {
        for (index, residual) in residuals.tensors().iter().enumerate() {
            tensors.insert(residual_name(index), residual.squeeze(0)?);
        }
    }
    let info = model.info();
    let metadata = HashMap::from([
        ("format".to_owned(), "stylemap".to_owned()),
        (MODEL_HASH_KEY.to_owned(), info.hash.clone()),
        (MODEL_NAME_KEY.to_owned(), info.name.clone()),
    ]);
    Ok(save_tensors(output, &tensors, metadata)?)
}

/// So much of residuals; none of nothing.
fn shared(model: &Model, residuals: Residuals, share: f32) -> stylemap::Result<Option<Residuals>> {
    match share {
        0.0 => Ok(None),
        1.0 => Ok(Some(residuals)),
        _ => Residuals::new(&model.config, &model.place_residuals(&residuals, f64::from(share))?).map(Some),
    }
}

/// Runs `decode`.
pub fn decode(common: &CommonOptions, args: &DecodeArgs) -> anyhow::Result<()> {
    let DecodeArgs { stylemap: path, likeness, size, output } = args;
    let output = PictureFile::new(output, [path.as_path()], common)?;
    let StylemapFile { stylemap, residuals, model_hash, model_name } = StylemapFile::load(path)?;
    let mut session = Session::open(common)?;
    size.check(&session)?;
    let info = session.engine.info();
    let shape = [info.config.style_dim, info.config.base, info.config.base];
    let of_one = stylemap.dims().strip_prefix(&[1]).filter(|rest| rest.len() == 3);
    anyhow::ensure!(
        of_one.unwrap_or(stylemap.dims()) == shape,
        "the stylemap in {} has the shape {:?}, and this model takes {shape:?}",
        path.display(),
        stylemap.dims()
    );
    let residuals = match residuals.as_slice() {
        [] => {
            likeness.warn_that_nothing_changes(&format!("{} holds no residuals", path.display()));
            None
        }
        residuals => {
            let residuals = Residuals::new(&info.config, residuals);
            Some(residuals.with_context(|| format!("{} is not for this model", path.display()))?)
        }
    };
    session.engine.add_latent(FACE, Latent { residuals, ..Latent::of_stylemap(stylemap_values(&stylemap)?) }, None)?;
    let scene = Scene { likeness: BTreeMap::from([(FACE, likeness.share())]), ..Scene::face(FACE) };
    output.write(&size.resized(session.draw(&scene)?, &session)?, &FileOptions::default())?;
    if let Some(hash) = model_hash.filter(|hash| *hash != info.hash) {
        failure::warn(&format!(
            "{} was encoded with another model ({} {hash}), so the picture may show another face",
            path.display(),
            model_name.unwrap_or_default(),
        ));
    }
    Ok(())
}

fn residual_name(index: usize) -> String {
    format!("residuals.{index}")
}

/// A face, and the model that it is from, where the file says so.
struct StylemapFile {
    stylemap: Tensor,
    /// As [`Residuals`] takes them; files of models without a fine encoder, and older ones, have none.
    residuals: Vec<Tensor>,
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
        let residuals = (0..).map_while(|index| tensors.remove(&residual_name(index)));
        let residuals = residuals.map(|residual| residual.unsqueeze(0)).collect::<candle_core::Result<_>>()?;
        let known = |key: &str| metadata.get(key).cloned();
        Ok(Self { stylemap, residuals, model_hash: known(MODEL_HASH_KEY), model_name: known(MODEL_NAME_KEY) })
    }
}
