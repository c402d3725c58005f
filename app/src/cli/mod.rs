//! The command line: what it takes, and one file per command or small group.

mod align;
mod bench;
mod convert;
mod destination;
mod directions;
mod edit;
mod editor;
mod evaluate;
mod failure;
mod info;
mod interpolate;
mod likeness;
mod mix;
mod numbers;
mod output;
mod paths;
mod portrait;
mod posed;
mod progress;
mod recipe;
mod reconstruct;
mod references;
mod refine;
mod sample;
mod session;
mod shown;
mod stylemap_file;
mod verify;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use stylemap::model::{DeviceChoice, DtypeChoice};

use crate::model_source::ModelSource;

/// So many threads are started for whoever asks, however few the cores.
const MIN_THREADS_ALLOWED: usize = 8;

const EXAMPLES: &str = "\
Examples:
  stylebrush                                    open the editor with the demo photos
  stylebrush me.jpg friend.jpg                  open the editor with these photos
  stylebrush edit me.jpg --reference friend.jpg --mask mouth.png -o out.png
  stylebrush interpolate me.jpg friend.jpg --frames 60 -o frames
  stylebrush edit holiday/ --recipe me.stylebrush --in-photo -o edited/
  stylebrush --model MODEL.safetensors info

Exit codes: 0 on success, 2 on wrong usage, 1 with one sentence on the standard error otherwise.";

/// A real-time desktop editor for faces
///
/// Without a command the editor opens; the commands do the same work without a window.
#[derive(Parser)]
#[command(name = "stylebrush", version, after_help = EXAMPLES, max_term_width = 110)]
struct Cli {
    /// Photos to open in the editor; with none, the demo photos are ready to paint on
    #[arg(value_name = "PHOTO")]
    photos: Vec<PathBuf>,
    #[command(flatten)]
    common: CommonOptions,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options of every command, taken before and after its name.
#[derive(Args, Clone, Debug)]
struct CommonOptions {
    /// The model: a .safetensors of Stylebrush or a published .pt checkpoint [default: the embedded model]
    #[arg(long, value_name = "FILE", global = true, help_heading = "Common options")]
    model: Option<PathBuf>,
    /// Where to compute: auto, cpu, cuda, cuda:N or metal
    #[arg(long, value_name = "DEVICE", global = true, default_value = "auto", help_heading = "Common options")]
    device: DeviceChoice,
    /// The numbers to compute in: auto, f32, f16 or bf16
    #[arg(long, value_name = "DTYPE", global = true, default_value = "auto", help_heading = "Common options")]
    dtype: DtypeChoice,
    /// Threads of the CPU [default: one per core; more than eight only where there are as many cores]
    #[arg(long, value_name = "N", global = true, value_parser = numbers::threads, help_heading = "Common options")]
    threads: Option<usize>,
    /// The photos already are aligned square face crops: take them as they are instead of looking for faces, and refuse any
    /// that is not square
    #[arg(long, global = true, help_heading = "Common options")]
    aligned: bool,
    /// Write over a file that is read too, and in place of numbered pictures of an earlier run
    #[arg(long, global = true, help_heading = "Common options")]
    overwrite: bool,
}

impl CommonOptions {
    fn model_source(&self) -> stylemap::Result<ModelSource> {
        ModelSource::new(self.model.clone())
    }
}

#[derive(Subcommand)]
enum Command {
    /// Take regions of reference faces into a source face
    Edit(edit::EditArgs),
    /// Draw a face between two faces, or the whole way from one to the other
    Interpolate(interpolate::InterpolateArgs),
    /// Encode a photo and draw it again; prints how far the picture is from the photo
    Reconstruct(reconstruct::ReconstructArgs),
    /// Mix two faces: coarse style (pose, shape) from one, the rest from the other
    Mix(mix::MixArgs),
    /// Draw random faces
    Sample(sample::SampleArgs),
    /// Find the faces in photos and cut each out as the model needs it
    Align(align::AlignArgs),
    /// Encode a photo to a stylemap file
    Encode(stylemap_file::EncodeArgs),
    /// Bring a face nearer to its photo by optimisation, to a stylemap file
    Refine(refine::RefineArgs),
    /// Draw a stylemap file
    Decode(stylemap_file::DecodeArgs),
    /// Turn a published checkpoint into a model file of Stylebrush
    Convert(convert::ConvertArgs),
    /// Learn sliders from groups of photos, and keep them for the model
    Directions(directions::DirectionsArgs),
    /// Say what the model is and how it runs here
    Info(info::InfoArgs),
    /// Recompute the numbers of a fixture of the PyTorch reference and compare
    Verify(verify::VerifyArgs),
    /// Measure how good the model is, on pictures that it was not trained on
    Evaluate(evaluate::EvaluateArgs),
    /// Measure how fast the model draws here
    Bench(bench::BenchArgs),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let result = match Cli::try_parse() {
        Ok(cli) => run(cli),
        Err(err) => return failure::usage(&err),
    };
    result.map_or_else(|err| failure::report(&err), |()| ExitCode::SUCCESS)
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let Cli { photos, common, command } = cli;
    start_threads(common.threads)?;
    let Some(command) = command else { return editor::run(&common, photos) };
    match command {
        Command::Edit(args) => edit::run(&common, &args),
        Command::Interpolate(args) => interpolate::run(&common, &args),
        Command::Reconstruct(args) => reconstruct::run(&common, &args),
        Command::Mix(args) => mix::run(&common, &args),
        Command::Sample(args) => sample::run(&common, &args),
        Command::Align(args) => align::run(&common, &args),
        Command::Encode(args) => stylemap_file::encode(&common, &args),
        Command::Refine(args) => refine::run(&common, &args),
        Command::Decode(args) => stylemap_file::decode(&common, &args),
        Command::Convert(args) => convert::run(&common, &args),
        Command::Directions(args) => directions::run(&common, &args),
        Command::Info(args) => info::run(&common, &args),
        Command::Verify(args) => verify::run(&common, &args),
        Command::Evaluate(args) => evaluate::run(&common, &args),
        Command::Bench(args) => bench::run(&common, &args),
    }
}

/// Starts the threads that the networks compute on, as many as the system gives: whoever asks for none here gets them later, and a panic where there
/// is no memory for their stacks.
fn start_threads(asked: Option<usize>) -> anyhow::Result<()> {
    let wanted = asked.map_or_else(usual_threads, |asked| asked.min(most_threads()));
    let threads = threads_to_be_had(wanted);
    anyhow::ensure!(
        threads > 0,
        "there is not enough memory for a thread to compute on, or the system allows no more of them, so close other programs or \
         allow this one more"
    );
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().with_context(|| {
        format!("there is not enough memory for {threads} threads, so close other programs or allow this one more")
    })
}

/// As rayon chooses by itself.
fn usual_threads() -> usize {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|count| count.trim().parse().ok());
    asked.filter(|count| *count > 0).map_or_else(cores, |count: usize| count.min(most_threads()))
}

/// How many of so many threads can run at the same time.
fn threads_to_be_had(wanted: usize) -> usize {
    let are_counted = Arc::new(AtomicBool::new(false));
    let probes: Vec<_> = (0..wanted)
        .map_while(|_| {
            let are_counted = Arc::clone(&are_counted);
            let wait = move || {
                while !are_counted.load(Ordering::Relaxed) {
                    std::thread::park();
                }
            };
            std::thread::Builder::new().spawn(wait).ok()
        })
        .collect();
    are_counted.store(true, Ordering::Relaxed);
    let count = probes.len();
    for probe in probes {
        probe.thread().unpark();
        // It only waited.
        let _ = probe.join();
    }
    count
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// More threads than cores wait for each other, and hundreds more wait for ever.
fn most_threads() -> usize {
    cores().max(MIN_THREADS_ALLOWED)
}

/// Prints to the standard output. If whoever read there has gone (`… | head -1`), the work goes on unheard.
fn print_line(line: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Err(err) if err.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(err).context("cannot write to the standard output")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn common_options_are_taken_on_both_sides_of_the_command() {
        for line in [
            "stylebrush --device cuda:1 --dtype f16 --threads 3 --aligned --model m reconstruct a.png -o b.png",
            "stylebrush reconstruct a.png -o b.png --device cuda:1 --dtype f16 --threads 3 --aligned --model m",
            "stylebrush --device cuda:1 --threads 3 reconstruct --aligned a.png --dtype f16 -o b.png --model m",
        ] {
            let Cli { common, photos, command } = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!((common.device, common.dtype), (DeviceChoice::Cuda(1), DtypeChoice::F16), "{line}");
            assert_eq!((common.threads, common.aligned, common.model), (Some(3), true, Some("m".into())), "{line}");
            assert!(photos.is_empty() && matches!(command, Some(Command::Reconstruct(_))), "{line}");
        }
    }

    #[test]
    fn photos_without_a_command_are_for_the_editor() {
        let cli = Cli::try_parse_from(["stylebrush", "a.png", "--threads", "1", "b.png"]).unwrap();
        assert_eq!(cli.photos, ["a.png", "b.png"].map(PathBuf::from));
        assert!(cli.command.is_none());
    }
}
