//! `verify`: numbers of the PyTorch reference recomputed.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use stylemap::verify::{Comparison, Fixture};

use super::progress::Progress;
use super::session::Session;
use super::{CommonOptions, numbers, print_line};

const EXAMPLES: &str = "\
Prints one line for every output of the fixture, then how many passed and failed; exit code 1 if any failed. The tolerance is \
1e-3 on images and 1e-4 on stylemaps in f32, 2e-2 in 16 bit.

Example:
  stylebrush verify f1_full_s64_l8.safetensors --model f1_full_s64_l8.pt";

/// What `verify` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct VerifyArgs {
    /// The fixture: inputs `in/…` and expected outputs `f32/…`
    #[arg(value_name = "FIXTURE")]
    fixture: PathBuf,
    /// What the greatest absolute difference may be, for every output alike
    #[arg(long, value_name = "T", value_parser = numbers::tolerance, allow_negative_numbers = true)]
    tolerance: Option<f32>,
}

/// Runs `verify`.
pub fn run(common: &CommonOptions, args: &VerifyArgs) -> anyhow::Result<()> {
    let VerifyArgs { fixture: path, tolerance } = args;
    let fixture = Fixture::load(path)?;
    let session = Session::open(common)?;
    let names = fixture.names();
    let (mut passed, mut failed) = (0, 0);
    let mut progress = Progress::new(names.len(), "outputs");
    for name in names {
        match fixture
            .compare(session.engine.model(), name, *tolerance)
            .with_context(|| format!("`{name}` cannot be recomputed with this model"))?
        {
            None => progress.print_line(&format!("{name} skipped: this version does not know it"))?,
            Some(comparison) => {
                let is_passed = comparison.passed();
                *(if is_passed { &mut passed } else { &mut failed }) += 1;
                let Comparison { name, max_abs, rms, tolerance } = comparison;
                let mark = if is_passed { String::new() } else { format!(" FAILED (tolerance {tolerance:e})") };
                progress.print_line(&format!("{name} max_abs={max_abs:.3e} rms={rms:.3e}{mark}"))?;
            }
        }
        progress.step();
    }
    drop(progress);
    anyhow::ensure!(passed + failed > 0, "{} holds no output that this version knows", path.display());
    print_line(&format!("{passed} passed, {failed} failed"))?;
    anyhow::ensure!(failed == 0, "{failed} of {} outputs differ by more than the tolerance", passed + failed);
    Ok(())
}
