//! The whole job as a user does it: open two photos, paint, adjust, move, undo, export, save, open again.

use stylebrush_app::document::{Combine, FaceRegion};
use stylebrush_app::workbench::{Action, NoticeKind, WorkbenchOptions};
use stylebrush_app::{export::Format, settings::ExportSettings};

use super::*;

#[test]
fn two_photos_are_opened_edited_exported_saved_and_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let photos: Vec<PathBuf> = ["faker_f53.jpg", "faker_m29.jpg"]
        .iter()
        .map(|name| {
            let path = folder.path().join(name);
            portrait(name).save(&path).unwrap();
            path
        })
        .collect();
    let folders = folders_in(&folder.path().join("settings"));
    let options = |photos: Vec<PathBuf>| WorkbenchOptions {
        photos,
        are_aligned: false,
        load_engine: directed_model(),
        worker: WorkerOptions::default(),
        folders: Some(folders.clone()),
    };
    let mut session = Session::new(options(photos));
    session.wait_until("the photos are open", |bench| bench.is_idle() && bench.frame().is_some());
    let document = session.bench.document();
    assert_eq!(
        document.photos().iter().map(|photo| photo.name.as_str()).collect::<Vec<_>>(),
        ["faker_f53", "faker_m29"]
    );
    assert!(document.photos().iter().all(|photo| photo.placement.as_ref().unwrap().landmarks.is_some()));
    let layer = document.active_layer().unwrap().id;
    let untouched = session.settle();

    // Paint: a part of the face, and a stroke that is taken back.
    session.run(Action::PaintPreset(FaceRegion::Mouth, Combine::Add));
    assert!(session.mask_value(256, 373) > 200 && session.mask_value(256, 130) == 0, "the mouth is painted");
    session.paint((100.0, 130.0), (400.0, 130.0));
    assert_eq!(session.mask_value(256, 130), 255);
    session.run(Action::Undo);
    assert_eq!(session.mask_value(256, 130), 0);

    // Adjust: sliders, each a step however often it moves.
    for strength in [0.95, 0.9, 0.85] {
        session.bench.apply(Action::SetLayerStrength(layer, strength));
    }
    session.step();
    session.run(Action::SetLayerFeather(layer, 6.0));
    session.run(Action::SetDirection("Smile".to_owned(), 1.5));
    // Move, by numbers and by keys.
    session.run(Action::SetLayerOffset(layer, (12, -8)));
    session.run(Action::NudgeRegion(0, -1));
    assert_eq!(session.bench.document().active_layer().unwrap().offset_px, (12, -9));
    let drawn = session.settle();
    assert!(difference(&untouched, &drawn) > 20);
    assert_eq!(
        session.steps(),
        ["Paint mouth", "Change strength", "Change feather", "Adjust whole face", "Move region", "Move region"]
    );

    // Undo goes all the way, redo comes all the way back.
    while session.bench.is_enabled(&Action::Undo) {
        session.run(Action::Undo);
    }
    assert_eq!(session.settle().rgba, untouched.rgba);
    while session.bench.is_enabled(&Action::Redo) {
        session.run(Action::Redo);
    }
    assert_eq!(session.settle().rgba, drawn.rgba);

    // Export: the face as PNG, and the whole photo as JPEG.
    let (face, photo) = (folder.path().join("face.png"), folder.path().join("photo.jpg"));
    session.run(Action::ExportTo(face.clone()));
    session.run(Action::SetExport(ExportSettings {
        format: Format::Jpeg,
        jpeg_quality: Some(90),
        ..ExportSettings::default()
    }));
    session.run(Action::ExportInPhotoTo(photo.clone()));
    session.wait_until_idle();
    assert_eq!(session.notices.iter().filter(|(kind, _)| *kind == NoticeKind::Success).count(), 2);
    let exported = image::open(&face).unwrap().to_rgba8();
    assert!(distance(&exported, &drawn) < 3.0, "{}", distance(&exported, &drawn));
    assert_eq!(image::open(&photo).unwrap().into_rgb8().dimensions(), portrait("faker_f53.jpg").dimensions());

    // Save, and open it in another program that starts later.
    let project = folder.path().join("job.stylebrush");
    session.run(Action::SaveProjectTo(project.clone()));
    session.wait_until("it is saved", |bench| !bench.has_unsaved_changes());
    let saved = session.bench.document().clone();
    session.wait_until_idle();
    session.bench.close();
    drop(session);

    let mut session = Session::new(options(vec![project.clone()]));
    session.wait_until("it is open", |bench| bench.projects().path() == Some(project.as_path()));
    session.wait_until("it is drawn", |bench| bench.is_idle() && bench.frame().is_some());
    assert_eq!(session.settle().rgba, drawn.rgba, "it draws the same when it is opened again");
    let document = session.bench.document();
    let (before, after) = (saved.active_layer().unwrap(), document.active_layer().unwrap());
    assert!(before.mask == after.mask && before.offset_px == after.offset_px && before.strength == after.strength);
    assert_eq!(document.directions(None), saved.directions(None));
    assert!(!session.bench.has_unsaved_changes() && session.steps().is_empty());
    assert_eq!(session.bench.settings().export.format, Format::Jpeg, "settings are kept");
    assert!(session.errors().is_empty(), "{:?}", session.errors());
}
