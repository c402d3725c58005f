//! Crops as the reference made them: for the test `face` and the example `alignment_errors`.

use std::path::Path;

use image::RgbImage;
use stylemap::face::{CropQuad, Detection, FaceDetector, Landmarks, align, crop_quad};
use stylemap::{Error, photo};

/// A face as `alignment.json` has it.
#[derive(serde::Deserialize)]
struct Reference {
    photo: String,
    crop: String,
    eye_left: [f32; 2],
    eye_right: [f32; 2],
    mouth_left: [f32; 2],
    mouth_right: [f32; 2],
    crop_quad: [[f32; 2]; 4],
}

/// The farthest corner, as a share of the side.
pub fn corner_error(found: &CropQuad, reference: [[f32; 2]; 4]) -> f32 {
    let distances = found.corners_in_photo().into_iter().zip(reference).map(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]));
    let side = (reference[3][0] - reference[0][0]).hypot(reference[3][1] - reference[0][1]);
    distances.fold(0.0, f32::max) / side
}

fn psnr(a: &RgbImage, b: &RgbImage) -> f64 {
    let squares = a.iter().zip(b.iter()).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
    10.0 * (255.0f64.powi(2) / (squares.sum::<f64>() / a.len() as f64).max(1e-9)).log10()
}

pub fn largest(detector: &FaceDetector, photo: &RgbImage) -> Result<Detection, Error> {
    detector.detect(photo)?.into_iter().next().ok_or_else(|| Error::argument("no face was found"))
}

/// How far the crop of one face is from its reference.
pub struct CropError {
    /// The photo.
    pub name: String,
    /// The farthest corner of the crop from the reference's landmarks, in pixels.
    pub recipe_px: f32,
    /// That crop against the reference's.
    pub psnr_db: f64,
    /// The farthest corner of the crop from the detector's landmarks, as a share of the side.
    pub found_share: f32,
}

/// The faces of a folder with `alignment.json`: photos, their landmarks, and the crops that they must give.
pub fn crop_errors(folder: &Path) -> Result<Vec<CropError>, Box<dyn std::error::Error>> {
    let references: Vec<Reference> = serde_json::from_slice(&std::fs::read(folder.join("alignment.json"))?)?;
    let detector = FaceDetector::new()?;
    let of_face = |reference: Reference| -> Result<CropError, Box<dyn std::error::Error>> {
        let Reference { photo: name, crop, eye_left, eye_right, mouth_left, mouth_right, crop_quad: corners } =
            reference;
        let photo = photo::load(folder.join(&name))?;
        let quad = crop_quad(&Landmarks { eye_left, eye_right, nose: None, mouth_left, mouth_right })?;
        Ok(CropError {
            name,
            recipe_px: corner_error(&quad, corners) * quad.side_px(),
            psnr_db: psnr(&align(&photo, &quad, 256)?, &photo::load(folder.join(crop))?),
            found_share: corner_error(&crop_quad(&largest(&detector, &photo)?.landmarks)?, corners),
        })
    };
    references.into_iter().map(of_face).collect()
}
