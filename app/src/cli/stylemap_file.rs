//! `encode` and `decode`: faces as files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use stylebrush_app::export::FileOptions;
use stylebrush_app::stylemap_file::{StylemapFile, save};
use stylemap::engine::{FaceId, Scene};
use stylemap::latent::{Latent, Residuals};
use stylemap::model::Model;

use super::CommonOptions;
use super::destination::FaceSize;
use super::failure;
use super::likeness::Likeness;
use super::output::{PictureFile, check_inputs, check_safetensors};
use super::portrait::{OneFace, PortraitOpener};
use super::refine::Refine;
use super::session::Session;

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
    let residuals = residuals.map(|residuals| shared(model, residuals, share)).transpose()?.flatten();
    save(output, stylemap, residuals.as_ref(), model.info())
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
    let file = StylemapFile::load(path)?;
    let mut session = Session::open(common)?;
    size.check(&session)?;
    let info = session.engine.info();
    let latent = file.latent(path, &info.config)?;
    if !file.has_residuals() {
        likeness.warn_that_nothing_changes(&format!("{} holds no residuals", path.display()));
    }
    session.engine.add_latent(FACE, latent, None)?;
    let scene = Scene { likeness: BTreeMap::from([(FACE, likeness.share())]), ..Scene::face(FACE) };
    output.write(&size.resized(session.draw(&scene)?, &session)?, &FileOptions::default())?;
    if let Some(hash) = file.model_hash.filter(|hash| *hash != info.hash) {
        failure::warn(&format!(
            "{} was encoded with another model ({} {hash}), so the picture may show another face",
            path.display(),
            file.model_name.unwrap_or_default(),
        ));
    }
    Ok(())
}
