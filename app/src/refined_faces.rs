//! Refined faces on the disk, so that a photo is refined once: by the pixels of its face, the model and the number of steps. Beyond a bound
//! those that were not used for the longest time go.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context as _;
use image::RgbImage;
use stylemap::latent::Latent;

use crate::project::latents::{self, MAX_LATENT_BYTES};

/// More than a hundred faces of the default model.
const MAX_BYTES: u64 = 512 << 20;
const ENDING: &str = "face.safetensors";

/// A folder of refined faces. It need not exist.
#[derive(Clone, Debug)]
pub struct RefinedFaces {
    folder: PathBuf,
    max_bytes: u64,
}

impl RefinedFaces {
    /// Those that are kept in this folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), max_bytes: MAX_BYTES }
    }

    /// The face of this crop as this model refines it in so many steps, where it is known. What cannot be read is as if it were not there.
    pub fn find(&self, crop: &RgbImage, model_hash: &str, steps: usize) -> Option<Latent> {
        let path = self.path(crop, model_hash, steps);
        if fs::metadata(&path).ok()?.len() > MAX_LATENT_BYTES {
            return None;
        }
        let (latent, of_model) = latents::from_bytes(&fs::read(&path).ok()?).ok()?;
        // It is of use again. Where that cannot be noted it only goes sooner.
        let _ = fs::File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(latent).filter(|latent| latent.is_refined && of_model == model_hash)
    }

    /// Keeps a face.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&self, crop: &RgbImage, model_hash: &str, steps: usize, latent: &Latent) -> anyhow::Result<()> {
        let cannot = || format!("the refined face cannot be kept in {}", self.folder.display());
        fs::create_dir_all(&self.folder).with_context(cannot)?;
        let bytes = latents::to_bytes(latent, model_hash).with_context(cannot)?;
        stylemap::files::write_whole(&self.path(crop, model_hash, steps), &bytes).with_context(cannot)?;
        self.remove_oldest().with_context(cannot)
    }

    /// By what a face is known. The hash may be another one in a program that another compiler made: then the face is refined anew.
    fn path(&self, crop: &RgbImage, model_hash: &str, steps: usize) -> PathBuf {
        let mut hasher = DefaultHasher::new();
        (crop.dimensions(), crop.as_raw(), model_hash, steps).hash(&mut hasher);
        self.folder.join(format!("{:016x}.{ENDING}", hasher.finish()))
    }

    fn remove_oldest(&self) -> std::io::Result<()> {
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let path = entry.path();
            if let Ok(about) = entry.metadata()
                && is_face(&path)
            {
                files.push((about.modified()?, about.len(), path));
            }
        }
        files.sort();
        let mut bytes: u64 = files.iter().map(|(_, len, _)| len).sum();
        for (_, len, path) in files {
            if bytes <= self.max_bytes {
                break;
            }
            // Another program may have removed it.
            if fs::remove_file(path).is_ok() {
                bytes -= len;
            }
        }
        Ok(())
    }
}

fn is_face(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(ENDING))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Duration;

    use candle_core::{DType, Device, Tensor};
    use stylemap::latent::Residuals;

    use super::*;

    const STEPS: usize = 50;

    fn face(value: f32) -> Latent {
        let map = |channels: usize, side: usize| {
            Tensor::full(value, (1, channels, side, side), &Device::Cpu).unwrap().to_dtype(DType::F16).unwrap()
        };
        let residuals = Residuals::from_tensors(&[map(2, 8), map(2, 8), map(2, 16), map(2, 16)]).unwrap();
        Latent { stylemap: vec![value; 4], residuals: Some(residuals), is_refined: true }
    }

    fn crop(value: u8) -> RgbImage {
        RgbImage::from_pixel(16, 16, image::Rgb([value; 3]))
    }

    #[test]
    fn a_face_is_found_by_its_pixels_model_and_steps_alone() {
        let folder = tempfile::tempdir().unwrap();
        let faces = RefinedFaces::in_folder(folder.path().join("faces"));
        assert!(faces.find(&crop(1), "model", STEPS).is_none());
        faces.keep(&crop(1), "model", STEPS, &face(0.5)).unwrap();
        let found = faces.find(&crop(1), "model", STEPS).unwrap();
        assert_eq!(found.stylemap, face(0.5).stylemap);
        let values = found.residuals.unwrap().tensors()[3].to_dtype(DType::F32).unwrap().flatten_all().unwrap();
        assert!(values.to_vec1::<f32>().unwrap().iter().all(|value| *value == 0.5));
        assert!(faces.find(&crop(2), "model", STEPS).is_none());
        assert!(faces.find(&crop(1), "other model", STEPS).is_none());
        assert!(faces.find(&crop(1), "model", STEPS + 1).is_none());
    }

    #[test]
    fn a_damaged_file_is_as_if_it_were_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let faces = RefinedFaces::in_folder(folder.path());
        faces.keep(&crop(1), "model", STEPS, &face(0.5)).unwrap();
        let path = faces.path(&crop(1), "model", STEPS);
        let whole = fs::read(&path).unwrap();
        for len in [0, 7, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..len]).unwrap();
            assert!(faces.find(&crop(1), "model", STEPS).is_none(), "{len} bytes");
        }
        let encoded = Latent { is_refined: false, ..face(0.5) };
        faces.keep(&crop(1), "model", STEPS, &encoded).unwrap();
        assert!(faces.find(&crop(1), "model", STEPS).is_none(), "it was not refined");
    }

    #[test]
    fn what_was_not_used_for_the_longest_time_goes_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut faces = RefinedFaces::in_folder(folder.path());
        let not_ours = folder.path().join("letter.txt");
        fs::write(&not_ours, vec![0; 4096]).unwrap();
        for value in 0..3 {
            faces.keep(&crop(value), "model", STEPS, &face(0.5)).unwrap();
            let long_ago = SystemTime::now() - Duration::from_secs(1000 - u64::from(value));
            let path = faces.path(&crop(value), "model", STEPS);
            fs::File::options().append(true).open(path).unwrap().set_modified(long_ago).unwrap();
        }
        assert!(faces.find(&crop(0), "model", STEPS).is_some());
        let len = fs::metadata(faces.path(&crop(0), "model", STEPS)).unwrap().len();
        faces.max_bytes = 3 * len;
        faces.keep(&crop(3), "model", STEPS, &face(0.5)).unwrap();
        let kept = [0, 1, 2, 3].map(|value| faces.find(&crop(value), "model", STEPS).is_some());
        assert_eq!(kept, [true, false, true, true]);
        assert!(not_ours.exists());
    }
}
