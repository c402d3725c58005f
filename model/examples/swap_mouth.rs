//! The mouth of one photo in another, at the model's size and back in the photo.
//!
//! `cargo run --release -p stylemap --example swap_mouth -- [SOURCE REFERENCE FACE PHOTO]`: two photos to read and two pictures to
//! write; without them, two portraits of the repository, and pictures in the folder for temporary files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stylemap::face::{Composition, Extent, crop_quad, paste};
use stylemap::{Engine, Error, FaceDetector, FaceId, Layer, Mask, Scene, photo};

const SOURCE: FaceId = FaceId(1);
const REFERENCE: FaceId = FaceId(2);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [source, reference, face, in_photo] = match arguments.as_slice() {
        [] => [
            repository.join("assets/demo/female_053.jpg"),
            repository.join("assets/demo/male_029.jpg"),
            std::env::temp_dir().join("swapped_mouth.png"),
            std::env::temp_dir().join("swapped_mouth_in_photo.png"),
        ],
        [source, reference, face, in_photo] => [source, reference, face, in_photo].map(PathBuf::clone),
        _ => return Err("two photos and two pictures to write are needed, or nothing".into()),
    };

    let mut engine = Engine::open(repository.join("weights/default.safetensors"))?;
    let detector = FaceDetector::new()?;
    let photo = photo::load(&source)?;
    let source_crop = detector.cut_out(&photo)?;
    let reference_crop = Arc::new(detector.cut_out(&photo::load(&reference)?)?);
    engine.add_face(SOURCE, &source_crop)?;
    engine.add_face(REFERENCE, &reference_crop)?;

    let mouth = Mask::from_fn(512, |x, y| if ((x - 0.5) / 0.15).hypot((y - 0.73) / 0.08) < 1.0 { 1.0 } else { 0.0 });
    let scene = Scene::face(SOURCE).with(Layer::new(REFERENCE, mouth).with_feather_px(8.0).with_match_colours(1.0));
    let edited = engine.render(&scene)?.to_rgb();
    edited.save(&face)?;
    println!("{}: the face, {} px", face.display(), edited.width());

    // Back in the photo, with the reference's own fine structure: where nothing was painted it stays as it was, bit for bit.
    let found = detector.detect(&photo)?;
    let quad = found.iter().find_map(|face| crop_quad(&face.landmarks).ok()).ok_or(Error::NoFace)?;
    let crop_of = |face| (face == REFERENCE).then(|| Arc::clone(&reference_crop));
    let composition = Composition::new(&scene, SOURCE, Some(&source_crop), crop_of);
    let result = paste(&photo, &quad, &edited, &composition, Extent::Changes)?;
    result.save(&in_photo)?;
    println!("{}: the photo, {} x {} px", in_photo.display(), result.width(), result.height());
    Ok(())
}
