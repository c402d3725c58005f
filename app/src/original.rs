//! A photo as it is on disk, with the faces found in it: where crops come from, and where edits go back to.

use std::io::Cursor;
use std::path::Path;
use std::sync::OnceLock;

use image::{DynamicImage, ImageFormat, RgbImage};
use stylemap::face::{CropQuad, Detection, FaceDetector, Landmarks, align, crop_quad};
use stylemap::memory;
use stylemap::photo::{self, FileSamples, PhotoFile};

/// Crops of small faces are made at this size, which is the canvas's.
const CROP_SIZE_PX: u32 = 512;
/// Crops are no larger than this: the resolution of the largest model, and bounded however large the photo is.
pub const MAX_CROP_SIZE_PX: u32 = 1024;
/// A photo on screen has sides of at most this: well within what every graphics driver takes.
pub const PREVIEW_SIDE_PX: u32 = 2048;

/// What is to be said of a photo whose file is damaged and of which a part may be missing: a part of a sentence.
pub fn damage_of(original: &Original, path: &Path) -> Option<String> {
    let damage = original.file.damage.as_ref()?;
    Some(format!("{} is damaged: {damage}", path.display()))
}

/// A photo and the faces in it.
#[derive(Debug)]
pub struct Original {
    /// Upright, at its own resolution, in sRGB.
    pub pixels: RgbImage,
    /// What its file is beside them.
    pub file: PhotoFile,
    /// The largest and surest first; none where nobody looked.
    pub faces: Vec<Detection>,
    /// The file as it was: projects keep it, whatever becomes of the one on disk.
    pub encoded: Vec<u8>,
    preview: OnceLock<RgbImage>,
}

impl Original {
    /// Opens a photo and, with a detector, finds the faces in it.
    ///
    /// # Errors
    /// When the file cannot be read or is no picture.
    pub fn open(path: &Path, detector: Option<&FaceDetector>) -> stylemap::Result<Self> {
        let mut original = Self::decode(photo::read(path)?, Vec::new(), path)?;
        if let Some(detector) = detector {
            original.faces = detector.detect(&original.pixels)?;
        }
        Ok(original)
    }

    /// A picture that is in no file, for example from the clipboard; projects keep it as PNG.
    ///
    /// # Errors
    /// When it cannot be encoded, or the detector fails.
    pub fn of_pixels(pixels: RgbImage, detector: Option<&FaceDetector>) -> anyhow::Result<Self> {
        let mut encoded = Vec::new();
        pixels.write_to(&mut Cursor::new(&mut encoded), ImageFormat::Png)?;
        let faces = detector.map(|detector| detector.detect(&pixels)).transpose()?.unwrap_or_default();
        let file = PhotoFile::new(&pixels);
        Ok(Self { pixels, file, faces, encoded, preview: OnceLock::new() })
    }

    /// A photo from its file's bytes, with the faces that were found in it before; `label` stands for the path in errors.
    ///
    /// # Errors
    /// When the bytes are no picture.
    pub fn decode(encoded: Vec<u8>, faces: Vec<Detection>, label: &Path) -> stylemap::Result<Self> {
        let photo::DecodedPhoto { pixels, file, .. } = photo::open_bytes(&encoded, label)?;
        Ok(Self { pixels, file, faces, encoded, preview: OnceLock::new() })
    }

    /// The photo in its file's own numbers with an edit in them: `paste` puts it into the photo in sRGB, which is RGB of 8 or 16
    /// bits. What it leaves alone stays bit for bit.
    ///
    /// # Errors
    /// When `paste` fails, or there is no memory for it.
    pub fn edited(
        &self,
        paste: impl FnOnce(&mut DynamicImage) -> stylemap::Result<()>,
    ) -> stylemap::Result<DynamicImage> {
        let (width, height) = self.pixels.dimensions();
        // The photo once more, and the file as it is written.
        let bytes = 2 * self.pixels.as_raw().len() as u64;
        memory::check(bytes, &format!("writing a photo of {width} x {height} pixels"))
            .map_err(stylemap::Error::Argument)?;
        if self.file.is_plain() {
            let mut picture = DynamicImage::ImageRgb8(self.pixels.clone());
            paste(&mut picture)?;
            return Ok(picture);
        }
        let mut samples = FileSamples::decode(&self.encoded, Path::new("the photo"))?;
        let mut picture = DynamicImage::ImageRgb16(samples.srgb()?);
        paste(&mut picture)?;
        let DynamicImage::ImageRgb16(edited) = picture else {
            return Err(stylemap::Error::argument("an edit leaves a picture the kind that it was"));
        };
        samples.change(&edited)?;
        Ok(samples.into_image())
    }

    /// The face that is meant where nobody chose: the largest and surest that can be cut out.
    pub fn main_face(&self) -> Option<Landmarks> {
        self.faces.iter().map(|face| face.landmarks).find(|landmarks| crop_quad(landmarks).is_ok())
    }

    /// The face in this square, upright, as the encoder takes it.
    ///
    /// # Errors
    /// When the photo has no pixels.
    pub fn crop(&self, quad: &CropQuad) -> stylemap::Result<RgbImage> {
        let size_px = if quad.side_px() > CROP_SIZE_PX as f32 { MAX_CROP_SIZE_PX } else { CROP_SIZE_PX };
        align(&self.pixels, quad, size_px)
    }

    /// The square in the middle, pixel for pixel: for photos that already are aligned crops, or in which no face was found.
    ///
    /// # Errors
    /// When the photo is a line of single pixels.
    pub fn middle(&self) -> stylemap::Result<(CropQuad, RgbImage)> {
        let quad = CropQuad::centered(self.pixels.width(), self.pixels.height())?;
        let square = photo::centered_square(&self.pixels);
        let crop = if square.width() > MAX_CROP_SIZE_PX { photo::resized(&square, MAX_CROP_SIZE_PX) } else { square };
        Ok((quad, crop))
    }

    /// The photo for the screen, reduced where it is large; made on first use.
    pub fn preview(&self) -> &RgbImage {
        let (width, height) = self.pixels.dimensions();
        let longest = width.max(height);
        if longest <= PREVIEW_SIDE_PX {
            return &self.pixels;
        }
        self.preview.get_or_init(|| {
            let factor = f64::from(PREVIEW_SIDE_PX) / f64::from(longest);
            let reduced = |len: u32| ((f64::from(len) * factor).round() as u32).max(1);
            photo::shrunk(&self.pixels, reduced(width), reduced(height))
        })
    }

    /// About how much memory it holds.
    pub fn bytes(&self) -> usize {
        self.encoded.len() + self.pixels.as_raw().len() + self.preview.get().map_or(0, |preview| preview.as_raw().len())
    }
}
