//! `mix`: style mixing.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use stylemap::edit::COARSE_LEVELS;
use stylemap::engine::{Base, FaceId, Scene};

use super::CommonOptions;
use super::destination::{Destination, FaceSize};
use super::likeness::Likeness;
use super::numbers;
use super::output::{OutputOptions, PictureFile};
use super::portrait::{FaceOfEach, PortraitOpener};
use super::refine::Refine;
use super::session::Session;

const EXAMPLES: &str = "\
Examples:
  stylebrush mix a.jpg b.jpg --coarse-from a -o out.png      the shape of b in the colours and the light of a
  stylebrush mix a.jpg b.jpg --coarse-from a --levels 3 -o out.png      only the finest of b";

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
    /// Which of them gives the coarse style, the style codes at the stylemap's own resolution: colours and light. The shape is the other's
    #[arg(long, value_name = "a|b")]
    coarse_from: Which,
    /// How many of the model's levels, from the coarsest on, give colours and light; the others give the shape. With 0 the picture is
    /// the other face, with all of them the one that gives the coarse style [default: 1]
    #[arg(long, value_name = "N", value_parser = numbers::levels, default_value_t = COARSE_LEVELS, hide_default_value = true, allow_negative_numbers = true)]
    levels: usize,
    #[command(flatten)]
    face: FaceOfEach,
    #[command(flatten)]
    likeness: Likeness,
    #[command(flatten)]
    refine: Refine,
    #[command(flatten)]
    size: FaceSize,
    #[command(flatten)]
    file: OutputOptions,
    /// The picture to write: .png, .jpg, .webp or .tif; - writes a PNG to the standard output
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
    let MixArgs { a, b, coarse_from, levels, face, likeness, refine, size, file, output } = args;
    let output = PictureFile::new(output, [a.as_path(), b.as_path()], common)?;
    let photos = PortraitOpener::new(common);
    let [face_of_a, face_of_b] = face.which()?;
    let [a, b] = [photos.open_face(a, face_of_a)?, photos.open_face(b, face_of_b)?];
    let mut session = Session::open(common)?.refining(*refine);
    let (coarse, fine, portrait) = match coarse_from {
        Which::A => (A, B, &b),
        Which::B => (B, A, &a),
    };
    // Skin and hair are those of the face that gives the fine style: its fine structure shows.
    let mut destination = Destination::by_itself(fine, portrait, *size, &session)?;
    session.add_face(A, &a.crop)?;
    session.add_face(B, &b.crop)?;
    let base = Base::StyleMix { coarse, fine, coarse_levels: *levels };
    let likeness = likeness.of_faces(&session, [A, B]);
    let scene = Scene { base, directions: Vec::new(), layers: Vec::new(), likeness };
    let picture = session.draw(&scene)?;
    output.write(&destination.finish(&picture, &scene, &session)?, &file.of_photo(destination.file()))
}
