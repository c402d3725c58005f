//! `sample`: faces from noise.

use std::path::PathBuf;

use clap::Args;
use stylebrush_app::export::FileOptions;
use stylebrush_app::export::folder::numbered_names;
use stylemap::engine::{FaceId, Scene};
use stylemap::latent::{Latent, stylemap_values};

use super::destination::FaceSize;
use super::output::{Frames, PictureFile};
use super::progress::Progress;
use super::session::Session;
use super::{CommonOptions, numbers};

const EXAMPLES: &str = "\
The same seed gives the same faces; the first of many is the one that --count 1 draws.

Examples:
  stylebrush sample --seed 7 -o face.png
  stylebrush sample --count 20 --truncation 0.9 -o faces      faces/0001.png … faces/0020.png";

/// What `sample` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct SampleArgs {
    /// Which series of faces
    #[arg(long, value_name = "N", default_value = "0", value_parser = numbers::seed, allow_negative_numbers = true)]
    seed: u64,
    /// How many faces
    #[arg(long, value_name = "K", default_value = "1", value_parser = numbers::count, allow_negative_numbers = true)]
    count: usize,
    /// How far from the average face, from 0 (all alike) to 2 [default: 1, or 0.7 for a model with a trained mapping network]
    #[arg(long, value_name = "PSI", value_parser = numbers::truncation, allow_negative_numbers = true)]
    truncation: Option<f64>,
    #[command(flatten)]
    size: FaceSize,
    /// The picture to write (.png, .jpg, .webp or .tif; - writes a PNG to the standard output), or with --count above 1 the folder
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

/// Runs `sample`.
pub fn run(common: &CommonOptions, args: &SampleArgs) -> anyhow::Result<()> {
    let SampleArgs { seed, count, truncation, size, output } = args;
    let draw = |session: &mut Session, index: usize| {
        const FACE: FaceId = FaceId(0);
        let model = session.engine.model();
        let truncation = truncation.unwrap_or_else(|| f64::from(model.info().usual_truncation()));
        let stylemap = model.sample(*seed, index as u64, truncation)?;
        session.engine.add_latent(FACE, Latent::of_stylemap(stylemap_values(&stylemap)?), None)?;
        let picture = session.draw(&Scene::face(FACE))?;
        size.resized(picture, session)
    };
    if *count == 1 {
        let output = PictureFile::new(output, [], common)?;
        let mut session = Session::open(common)?;
        size.check(&session)?;
        return output.write(&draw(&mut session, 0)?, &FileOptions::default());
    }
    let mut folder = Frames::new(output, common)?;
    let mut session = Session::open(common)?;
    size.check(&session)?;
    let mut progress = Progress::new(*count, "faces");
    for (index, name) in numbered_names(*count).enumerate() {
        folder.add(name, &draw(&mut session, index)?, &FileOptions::default())?;
        progress.step();
    }
    folder.finish()
}
