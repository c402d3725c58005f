//! `reconstruct`: encoder, then generator.

use std::path::PathBuf;

use clap::Args;
use stylemap::edit::COARSE_LEVELS;
use stylemap::engine::{Base, FaceId, Scene};
use stylemap::photo;

use super::destination::{Destination, FaceSize};
use super::likeness::Likeness;
use super::output::{OutputOptions, PictureFile};
use super::portrait::{OneFace, PortraitOpener};
use super::refine::Refine;
use super::session::Session;
use super::shown::mean_square_error;
use super::{CommonOptions, print_line};

const EXAMPLES: &str = "\
Prints the mean square error of the picture against the face in the photo at the model's size (values from -1 to 1), and the peak \
signal-to-noise ratio in decibels.

Examples:
  stylebrush reconstruct me.jpg -o out.png
  stylebrush reconstruct me.jpg --in-photo -o me_again.jpg";

/// What `reconstruct` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ReconstructArgs {
    /// The photo; - reads it from the standard input
    #[arg(value_name = "PHOTO")]
    photo: PathBuf,
    /// Put the drawn face back into the photo, at the photo's own resolution
    #[arg(long, conflicts_with = "size")]
    in_photo: bool,
    #[command(flatten)]
    face: OneFace,
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

/// Runs `reconstruct`.
pub fn run(common: &CommonOptions, args: &ReconstructArgs) -> anyhow::Result<()> {
    const FACE: FaceId = FaceId(0);
    let ReconstructArgs { photo, in_photo, face, likeness, refine, size, file, output } = args;
    let output = PictureFile::new(output, [photo.as_path()], common)?;
    let portrait = PortraitOpener::new(common).open_face(photo, face.which())?;
    let mut session = Session::open(common)?.refining(*refine);
    let mut destination = Destination::new(FACE, &portrait, *in_photo, *size, &session)?;
    session.add_face(FACE, &portrait.crop)?;
    let likeness = likeness.of_faces(&session, [FACE]);
    let scene = Scene { likeness, ..Scene::face(FACE) };
    let picture = session.draw(&scene)?;
    let crop = photo::resized(&portrait.crop, picture.width());
    let mse = mean_square_error(&crop, &picture, |_| true);
    // A face that nothing was done to would leave its photo as it is. Mixed with itself it is the same face, drawn.
    let drawn = Scene { base: Base::StyleMix { coarse: FACE, fine: FACE, coarse_levels: COARSE_LEVELS }, ..scene };
    output.write(&destination.finish(&picture, &drawn, &session)?, &file.of_photo(destination.file()))?;
    if output.is_standard_output() {
        return Ok(());
    }
    print_line(&format!("MSE {mse:.6}, PSNR {:.2} dB", psnr_db(mse)))
}

/// The peak is 2: from -1 to 1.
fn psnr_db(mse: f64) -> f64 {
    10.0 * (4.0 / mse).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_in_decibels_below_the_peak() {
        assert_eq!(psnr_db(4.0), 0.0);
        assert!((psnr_db(0.04) - 20.0).abs() < 1e-9);
    }
}
