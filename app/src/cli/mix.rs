//! `mix`: style mixing.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use stylemap::engine::{Base, FaceId, Scene};

use super::CommonOptions;
use super::output::PictureFile;
use super::portrait::PortraitOpener;
use super::session::Session;

const EXAMPLES: &str = "\
Example:
  stylebrush mix a.jpg b.jpg --coarse-from a -o out.png      the shape of a with the colours and textures of b";

/// What `mix` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct MixArgs {
    /// The photo of one face
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The photo of the other face
    #[arg(value_name = "B")]
    b: PathBuf,
    /// Which of them gives the coarse style: the style codes at the stylemap's own resolution
    #[arg(long, value_name = "a|b")]
    coarse_from: Which,
    /// The picture to write: .png, .jpg or .webp
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    /// The first photo.
    A,
    /// The second photo.
    B,
}

/// Runs `mix`.
pub fn run(common: &CommonOptions, args: &MixArgs) -> anyhow::Result<()> {
    const A: FaceId = FaceId(0);
    const B: FaceId = FaceId(1);
    let MixArgs { a, b, coarse_from, output } = args;
    let output = PictureFile::new(output)?;
    let photos = PortraitOpener::new(common)?;
    let [a, b] = [photos.open(a)?.crop, photos.open(b)?.crop];
    let mut session = Session::open(common)?;
    session.engine.add_face(A, &a)?;
    session.engine.add_face(B, &b)?;
    let (coarse, fine) = match coarse_from {
        Which::A => (A, B),
        Which::B => (B, A),
    };
    let base = Base::StyleMix { coarse, fine };
    output.write(&session.draw(&Scene { base, directions: Vec::new(), layers: Vec::new() })?, None)
}
