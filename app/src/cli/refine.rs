//! `refine`, and `--refine`: faces brought nearer to their photos by optimisation.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use clap::Args;
use image::RgbImage;
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use stylemap::engine::{Cancel, FaceId};
use stylemap::refine::{Loss, RefineOptions, Refinement};

use super::failure::warn;
use super::output::{check_inputs, check_safetensors};
use super::portrait::{OneFace, PortraitOpener};
use super::progress::Progress;
use super::session::Session;
use super::stylemap_file;
use super::{CommonOptions, numbers, print_line};

const FACE: FaceId = FaceId(0);
/// What a process that the user ends says by its exit code.
const ENDED_BY_USER: i32 = 130;

const EXAMPLES: &str = "\
The finest style codes move, a step at a time, until the picture is the photo; what is coarser stays the encoder's. A step takes about as long as \
drawing the face once. The file is that of encode, for decode, and belongs to its model. Printed are the mean square error before \
and after, at the model's size with values from -1 to 1, and how many steps that took.

Ctrl+C stops and writes the best face so far; Ctrl+C once more ends the program at once.

Examples:
  stylebrush refine me.jpg -o me.safetensors && stylebrush decode me.safetensors -o me.png
  stylebrush --model published.pt refine me.jpg --steps 80 -o me.safetensors";

/// What `refine` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct RefineArgs {
    /// The photo; - reads it from the standard input
    #[arg(value_name = "PHOTO")]
    photo: PathBuf,
    /// How many steps
    #[arg(long, value_name = "STEPS", default_value = "50", value_parser = numbers::steps, allow_negative_numbers = true)]
    steps: usize,
    #[command(flatten)]
    face: OneFace,
    /// The stylemap file to write: .safetensors
    #[arg(short, long, value_name = "W")]
    output: PathBuf,
}

/// `--refine`.
#[derive(Args, Clone, Copy, Debug)]
pub struct Refine {
    /// Bring every face nearer to its photo first, in so many steps of optimisation, each about as long as drawing it: 50 are good
    /// for a model without a fine encoder
    #[arg(long, value_name = "STEPS", value_parser = numbers::steps, allow_negative_numbers = true)]
    refine: Option<usize>,
}

impl Refine {
    /// In how many steps faces are refined, if they are.
    pub fn steps(self) -> Option<usize> {
        self.refine
    }
}

/// What refining a face came to.
pub struct Refined {
    first: Loss,
    best: Loss,
    steps: usize,
}

/// Brings a face of the session, encoded from `crop`, nearer to it. Once `is_stopped` it takes no further step, and keeps the best face so
/// far.
pub fn refine_face(
    session: &mut Session,
    face: FaceId,
    crop: &Arc<RgbImage>,
    steps: usize,
    is_stopped: &AtomicBool,
) -> anyhow::Result<Refined> {
    let cancel = Cancel::default();
    let model = session.engine.model();
    let start = session.engine.latent(face)?;
    let options = RefineOptions::of(start).with_steps(steps);
    let mut refinement = Refinement::new(model, crop, start, options, &cancel)?;
    let mut progress = Progress::new(steps, "steps");
    // However soon it was stopped, there is a first step: what it starts from is known after it.
    let first = refinement.step(model, &cancel)?;
    while refinement.steps_done() < steps && !is_stopped.load(Ordering::Relaxed) {
        refinement.step(model, &cancel)?;
        progress.step();
    }
    drop(progress);
    refinement.look(model, &cancel)?;
    let best = refinement.loss().unwrap_or(first);
    let (latent, steps) = (refinement.best(model)?, refinement.steps_done());
    session.engine.add_latent(face, latent, Some(crop))?;
    Ok(Refined { first, best, steps })
}

/// Runs `refine`.
pub fn run(common: &CommonOptions, args: &RefineArgs) -> anyhow::Result<()> {
    let RefineArgs { photo, steps, face, output } = args;
    check_safetensors(output)?;
    check_inputs(output, [photo.as_path()], common)?;
    let crop = PortraitOpener::new(common).open_face(photo, face.which())?.crop;
    let mut session = Session::open(common)?;
    session.add_face(FACE, &crop)?;
    let is_stopped = stopped_by_ctrl_c()?;
    let Refined { first, best, steps: done } = refine_face(&mut session, FACE, &crop, *steps, &is_stopped)?;
    if done < *steps {
        warn(&format!("stopped after {done} of {steps} steps: the best face so far is written"));
    }
    stylemap_file::write(&session, FACE, 1.0, output)?;
    let [before, after] = [first, best].map(|loss| loss.mean_square_error);
    print_line(&format!("MSE {before:.6} before, {after:.6} after {done} steps"))
}

/// What becomes true at the first Ctrl+C; the next one ends the program.
fn stopped_by_ctrl_c() -> anyhow::Result<Arc<AtomicBool>> {
    let is_stopped = Arc::new(AtomicBool::new(false));
    let cannot = "Ctrl+C cannot be listened for";
    // In this order: the first one finds it false.
    flag::register_conditional_shutdown(SIGINT, ENDED_BY_USER, Arc::clone(&is_stopped)).context(cannot)?;
    flag::register(SIGINT, Arc::clone(&is_stopped)).context(cannot)?;
    Ok(is_stopped)
}
