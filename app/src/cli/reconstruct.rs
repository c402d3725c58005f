//! `reconstruct`: encoder, then generator.

use std::path::PathBuf;

use clap::Args;
use image::RgbImage;
use stylemap::photo;

use super::output::PictureFile;
use super::session::{Session, load_photo};
use super::{CommonOptions, print_line};

const EXAMPLES: &str = "\
Prints the mean square error of the picture against the photo at the model's size (values from -1 to 1), and the peak \
signal-to-noise ratio in decibels.

Example:
  stylebrush reconstruct me.jpg -o out.png";

/// What `reconstruct` takes.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ReconstructArgs {
    /// The photo
    #[arg(value_name = "PHOTO")]
    photo: PathBuf,
    /// The picture to write: .png, .jpg or .webp
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

/// Runs `reconstruct`.
pub fn run(common: &CommonOptions, args: &ReconstructArgs) -> anyhow::Result<()> {
    let ReconstructArgs { photo, output } = args;
    let output = PictureFile::new(output)?;
    let photo = load_photo(photo, common)?;
    let mut session = Session::open(common)?;
    let picture = session.reconstruct(&photo)?;
    let photo = photo::resized(&photo, u32::try_from(session.size_px())?);
    let mse = mean_square_error(&photo, &picture);
    output.write(&picture)?;
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
