//! `reconstruct`: encoder, then generator.

use std::path::PathBuf;

use clap::Args;
use image::RgbImage;
use stylemap::engine::FaceId;
use stylemap::face::head_mask;
use stylemap::photo;

use super::output::PictureFile;
use super::portrait::{Portrait, PortraitOpener};
use super::session::Session;
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
    /// The photo
    #[arg(value_name = "PHOTO")]
    photo: PathBuf,
    /// Put the drawn face back into the photo, at the photo's own resolution
    #[arg(long)]
    in_photo: bool,
    /// The picture to write: .png, .jpg or .webp
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

/// Runs `reconstruct`.
pub fn run(common: &CommonOptions, args: &ReconstructArgs) -> anyhow::Result<()> {
    const FACE: FaceId = FaceId(0);
    let ReconstructArgs { photo, in_photo, output } = args;
    let output = PictureFile::new(output)?;
    let Portrait { crop, placement } = PortraitOpener::new(common)?.open(photo)?;
    let mut session = Session::open(common)?;
    session.engine.add_face(FACE, &crop)?;
    let picture = session.draw_face(FACE)?;
    let crop = photo::resized(&crop, u32::try_from(session.size_px())?);
    let mse = mean_square_error(&crop, &picture);
    if *in_photo {
        // The edit is all that the model draws otherwise.
        let pasted = placement.paste(&crop, &picture, head_mask(session.size_px()))?;
        output.write(&pasted, placement.original.icc_profile.as_deref())?;
    } else {
        output.write(&picture, None)?;
    }
    print_line(&format!("MSE {mse:.6}, PSNR {:.2} dB", psnr_db(mse)))
}

/// Of pictures of one size, with values from -1 to 1.
fn mean_square_error(a: &RgbImage, b: &RgbImage) -> f64 {
    let squares = a.as_raw().iter().zip(b.as_raw()).map(|(a, b)| (f64::from(a.abs_diff(*b)) / 127.5).powi(2));
    squares.sum::<f64>() / a.as_raw().len().max(1) as f64
}

/// The peak is 2: from -1 to 1.
fn psnr_db(mse: f64) -> f64 {
    10.0 * (4.0 / mse).log10()
}

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    #[test]
    fn the_error_is_of_values_from_minus_one_to_one() {
        let of = |value| RgbImage::from_pixel(4, 4, Rgb([value; 3]));
        assert_eq!(mean_square_error(&of(0), &of(255)), 4.0);
        assert_eq!(psnr_db(4.0), 0.0);
        assert_eq!(mean_square_error(&of(9), &of(9)), 0.0);
        assert!((psnr_db(0.04) - 20.0).abs() < 1e-9);
    }
}
