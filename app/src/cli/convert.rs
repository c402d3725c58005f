//! `convert`: a published checkpoint becomes ours.

use std::path::PathBuf;

use candle_core::{DType, Device};
use clap::Args;
use stylemap::checkpoint::Checkpoint;
use stylemap::model::{DtypeChoice, Model};

use super::output::{check_inputs, check_safetensors};
use super::progress::Activity;
use super::{CommonOptions, print_line};
use crate::model_source::with_advice;

const EXAMPLES: &str = "\
--dtype says how the weights are stored: f32, f16 (half the size) or bf16, and auto leaves them as they are.

Example:
  stylebrush convert celeba_hq_256_8x8.pt -o celeba.safetensors --dtype f16
  stylebrush --model celeba.safetensors me.jpg friend.jpg";

/// What `convert` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ConvertArgs {
    /// The published checkpoint (.pt), or a model to store with another --dtype
    #[arg(value_name = "CHECKPOINT")]
    checkpoint: PathBuf,
    /// The model to write: .safetensors
    #[arg(short, long, value_name = "MODEL")]
    output: PathBuf,
}

const MEAN_STYLEMAP: &str = "mean_stylemap";

/// Runs `convert`.
pub fn run(common: &CommonOptions, args: &ConvertArgs) -> anyhow::Result<()> {
    let ConvertArgs { checkpoint: path, output } = args;
    check_safetensors(output)?;
    check_inputs(output, [path.as_path()], common)?;
    anyhow::ensure!(common.model.is_none(), "convert takes the checkpoint by itself, without --model");
    let stored_as = match common.dtype {
        DtypeChoice::Auto => None,
        DtypeChoice::F32 => Some(DType::F32),
        DtypeChoice::F16 => Some(DType::F16),
        DtypeChoice::BF16 => Some(DType::BF16),
    };
    let activity = Activity::new("reading the checkpoint");
    let mut checkpoint = Checkpoint::load(path)?;
    if let Some(stem) = path.file_stem() {
        checkpoint.metadata.entry("name".to_owned()).or_insert_with(|| stem.to_string_lossy().into_owned());
    }
    activity.now("computing the average face");
    // Also finds out whether the tensors are those of a model, before anything is written.
    let model = Model::new(&checkpoint, common.device, DtypeChoice::F32).map_err(|err| with_advice(err, Some(path)))?;
    let info = model.info();
    if info.mapping_is_trained && !checkpoint.tensors.contains_key(MEAN_STYLEMAP) {
        let mean = model.mean_stylemap()?.squeeze(0)?.to_device(&Device::Cpu)?.to_dtype(DType::F32)?;
        checkpoint.tensors.insert(MEAN_STYLEMAP.to_owned(), mean);
    }
    activity.now("writing the model");
    checkpoint.save(output, stored_as)?;
    drop(activity);
    let size = info.config.size;
    print_line(&format!("wrote {}: {}, {size} x {size} px", output.display(), info.name))
}
