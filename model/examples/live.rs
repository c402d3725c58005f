//! What a program with a window does: the engine on a thread of its own, a scene for every movement of the brush, and on the screen
//! whatever came last. Three scenes are sent at once; those that are overtaken before they are started are never drawn.
//!
//! `cargo run --release -p stylemap --example live`: writes the last picture to the folder for temporary files.

use std::path::Path;
use std::sync::{Arc, mpsc};

use stylemap::engine::{FrameKind, WorkerOptions};
use stylemap::{Engine, EngineHandle, Event, FaceDetector, FaceId, Layer, Mask, Scene, photo};

const SOURCE: FaceId = FaceId(1);
const REFERENCE: FaceId = FaceId(2);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (sender, events) = mpsc::channel();
    // The model is read on the engine's thread: a window can be on screen before.
    let model = repository.join("weights/default.safetensors");
    let load = move || Engine::open(model);
    let engine = EngineHandle::spawn(load, WorkerOptions::default(), move |event| {
        // Nobody listens any more once `main` is over.
        let _ = sender.send(event);
    })?;

    // Faces and scenes may be sent at once: the engine encodes first what a scene needs.
    let detector = FaceDetector::new()?;
    for (face, name) in [(SOURCE, "female_053.jpg"), (REFERENCE, "male_029.jpg")] {
        let photo = photo::load(repository.join("assets/demo").join(name))?;
        engine.add_face(face, Arc::new(detector.cut_out(&photo)?));
    }
    let mut newest = 0;
    for brush_radius in [0.06f32, 0.1, 0.14] {
        let dab = Mask::from_fn(512, |x, y| if (x - 0.5).hypot(y - 0.73) < brush_radius { 1.0 } else { 0.0 });
        newest = engine.render(Scene::face(SOURCE).with(Layer::new(REFERENCE, dab).with_match_colours(1.0)));
        println!("sent request {newest}");
    }

    for event in events {
        match event {
            Event::Ready(model) => println!("{} on {}", model.name, model.device),
            Event::FaceReady(face, _) => println!("face {} is encoded", face.0),
            Event::Frame(frame) => {
                println!(
                    "{:?} picture of request {} after {:.0} ms",
                    frame.kind, frame.request, frame.timings.total_ms
                );
                // What is painted appears at once, and settles as soon as the brush rests.
                if frame.request == newest && frame.kind == FrameKind::Final {
                    let file = std::env::temp_dir().join("live.png");
                    frame.to_rgb().save(&file)?;
                    println!("{}", file.display());
                    return Ok(());
                }
            }
            Event::LoadFailed(err) | Event::FaceFailed(_, err) | Event::FrameFailed(_, err) => return Err(err.into()),
            _ => {}
        }
    }
    Err("the engine's thread ended early".into())
}
