//! `directions`: sliders of one's own, learned from examples.

use std::path::PathBuf;

use anyhow::Context as _;
use candle_core::Tensor;
use clap::{Args, Subcommand};
use stylebrush_app::learned_directions as learned;
use stylemap::checkpoint::Identity;
use stylemap::directions::{Directions, index_of};
use stylemap::learn::MAX_FACES;
use stylemap::photo;

use super::failure::warn;
use super::portrait::{LARGEST, PortraitOpener, photos_of};
use super::progress::Progress;
use super::session::Session;
use super::{CommonOptions, print_line};
use crate::model_source::{learned_directions, learned_file};

const EXAMPLES: &str = "\
Examples:
  stylebrush directions learn --from plain --to bearded --name Beard
  stylebrush edit me.jpg --direction Beard=1.5 -o bearded.png
  stylebrush directions learn --from young --to old --name Years --without-changing Masculinity -o years.directions.safetensors
  stylebrush directions import years.directions.safetensors
  stylebrush directions forget Beard";

/// What `directions` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct DirectionsArgs {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand, Debug)]
enum Task {
    /// Learn what one group of photos has and another has not, as a slider
    Learn(LearnArgs),
    /// Add the directions of a file to those of the model
    Import {
        /// A file that `directions learn -o` wrote
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Forget a direction that was learned or imported
    Forget {
        /// What it is called
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Args, Debug)]
struct LearnArgs {
    /// Photos without it, or folders of them; at least three
    #[arg(long, value_name = "PHOTO", num_args = 1.., required = true)]
    from: Vec<PathBuf>,
    /// Photos with it, or folders of them; at least three
    #[arg(long, value_name = "PHOTO", num_args = 1.., required = true)]
    to: Vec<PathBuf>,
    /// What to call it
    #[arg(long, value_name = "NAME")]
    name: String,
    /// A direction of the model along which faces shall not move; may be repeated
    #[arg(long, value_name = "DIRECTION")]
    without_changing: Vec<String>,
    /// The file to write [default: with the model's own, where every command and the editor find it]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs `directions`.
pub fn run(common: &CommonOptions, args: &DirectionsArgs) -> anyhow::Result<()> {
    match &args.task {
        Task::Learn(args) => learn(common, args),
        Task::Import { file } => {
            let Identity { config, hash } = common.model_source()?.identity()?;
            let new = Directions::load(file, &config)?;
            let known = learned_directions(hash, &config)?;
            keep(&new.joined(&known), hash)?;
            let names: Vec<_> = new.iter().map(|direction| direction.info.name.as_str()).collect();
            print_line(&format!("imported {}", names.join(", ")))
        }
        Task::Forget { name } => {
            let Identity { config, hash } = common.model_source()?.identity()?;
            let known = learned_directions(hash, &config)?;
            let infos: Vec<_> = known.iter().map(|direction| direction.info.clone()).collect();
            let index = index_of(&infos, name).context("nothing was forgotten, as nothing of this name was learned")?;
            keep(&known.without(index), hash)
        }
    }
}

fn learn(common: &CommonOptions, args: &LearnArgs) -> anyhow::Result<()> {
    let LearnArgs { from, to, name, without_changing, output } = args;
    let [from, to] = [photos_of(from)?, photos_of(to)?];
    anyhow::ensure!(from.len().max(to.len()) <= MAX_FACES, "at most {MAX_FACES} photos are read of each group");
    let checkpoint = common.model_source()?.checkpoint()?;
    let (hash, config) = (checkpoint.hash, checkpoint.config.clone());
    let known = learned_directions(hash, &config)?;
    let session = Session::with_checkpoint(common, checkpoint)?;
    let model = session.engine.model();
    let is_learned = |name: &str| known.iter().any(|direction| direction.info.name == name);
    anyhow::ensure!(
        is_learned(name.trim()) || model.info().directions.iter().all(|direction| direction.name != name.trim()),
        "the model has a direction `{}` of its own: choose another name",
        name.trim()
    );
    let unchanged = without_changing.iter().map(|name| index_of(&model.info().directions, name));
    let unchanged = unchanged.collect::<stylemap::Result<Vec<_>>>()?;
    let opener = PortraitOpener::new(common);
    let mut progress = Progress::new(from.len() + to.len(), "photos");
    let mut encode = |photos: &[PathBuf]| -> anyhow::Result<Vec<Tensor>> {
        let mut stylemaps = Vec::with_capacity(photos.len());
        for path in photos {
            match opener.open_face(path, LARGEST) {
                Ok(portrait) => {
                    let image = photo::to_tensor(&portrait.crop, model.config.size)?.to_device(model.device())?;
                    stylemaps.push(model.encoder.forward(&image)?);
                }
                Err(err) => progress.warn(&stylebrush_app::sentence::sentence_of(&err)),
            }
            progress.step();
        }
        Ok(stylemaps)
    };
    let (without, with) = (encode(&from)?, encode(&to)?);
    drop(progress);
    let learned = model.learn_direction(name, &without, &with, &unchanged)?;
    let percent = (100.0 * learned.accuracy).round();
    if learned.accuracy < 0.7 {
        warn(&format!(
            "faces that were left out are told right in {percent} of 100 cases only (a coin has 50): more photos, or groups that differ in \
             one thing alone, make a better slider"
        ));
    }
    let info = learned.direction.info.clone();
    match output {
        Some(path) => Directions::default().with(learned.direction).save(path)?,
        None => keep(&known.with(learned.direction), hash)?,
    }
    let [low, high] = info.range;
    print_line(&format!(
        "{}: from {low} to {high}, {percent} of 100 left-out faces told right, {}",
        info.name, info.source
    ))
}

/// Keeps what was learned for a model, where every command and the editor find it.
fn keep(directions: &Directions, hash: u64) -> anyhow::Result<()> {
    learned::save(directions, &learned_file(hash)?)
}
