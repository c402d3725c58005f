//! `interpolate`: between two faces.

use std::path::PathBuf;

use clap::Args;
use stylemap::engine::{Base, FaceId, Scene};

use super::output::{PictureFile, PictureFolder};
use super::progress::Progress;
use super::session::{Session, load_photo};
use super::{CommonOptions, numbers};

const EXAMPLES: &str = "\
Examples:
  stylebrush interpolate a.jpg b.jpg --at 0.5 -o between.png
  stylebrush interpolate a.jpg b.jpg --frames 60 -o frames      frames/0001.png … frames/0060.png";

/// What `interpolate` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct InterpolateArgs {
    /// The photo of the face to begin with
    #[arg(value_name = "A")]
    from: PathBuf,
    /// The photo of the face to end with
    #[arg(value_name = "B")]
    to: PathBuf,
    #[command(flatten)]
    steps: Steps,
    /// The picture to write (.png, .jpg or .webp), or with --frames the folder
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Steps {
    /// One picture this far along the way: 0 is A, 1 is B
    #[arg(long, value_name = "T", value_parser = numbers::unit, allow_negative_numbers = true)]
    at: Option<f32>,
    /// This many numbered PNG files from A to B, both included
    #[arg(long, value_name = "N", value_parser = numbers::frames, allow_negative_numbers = true)]
    frames: Option<usize>,
}

const FROM: FaceId = FaceId(0);
const TO: FaceId = FaceId(1);

/// Runs `interpolate`.
pub fn run(common: &CommonOptions, args: &InterpolateArgs) -> anyhow::Result<()> {
    let InterpolateArgs { from, to, steps: Steps { at, frames }, output } = args;
    let scene =
        |t| Scene { base: Base::Interpolation { from: FROM, to: TO, t }, directions: Vec::new(), layers: Vec::new() };
    if let Some(count) = *frames {
        let mut folder = PictureFolder::new(output, count)?;
        let mut session = open(common, from, to)?;
        let mut progress = Progress::new(count, "frames");
        for frame in 0..count {
            folder.add(&session.draw(&scene(frame as f32 / (count - 1) as f32))?)?;
            progress.step();
        }
        return folder.finish();
    }
    let output = PictureFile::new(output)?;
    let mut session = open(common, from, to)?;
    output.write(&session.draw(&scene(at.unwrap_or_default()))?)
}

fn open(common: &CommonOptions, from: &std::path::Path, to: &std::path::Path) -> anyhow::Result<Session> {
    let (from, to) = (load_photo(from, common)?, load_photo(to, common)?);
    let mut session = Session::open(common)?;
    session.engine.add_face(FROM, &from)?;
    session.engine.add_face(TO, &to)?;
    Ok(session)
}
