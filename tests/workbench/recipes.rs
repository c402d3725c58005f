//! An edit that is used again: copied to another face, applied to a batch of photos, kept under a name.

use std::path::Path;

use image::RgbImage;
use stylebrush_app::document::{Layer, PhotoId};
use stylebrush_app::tools::BrushSettings;
use stylebrush_app::workbench::batch::BatchPlan;

use super::*;

/// With a stroke from the reference, one from the source itself, and a region that is turned.
fn edited() -> Session {
    let mut session = Session::ready();
    session.paint((200.0, 370.0), (312.0, 370.0));
    let source = session.bench.document().source().unwrap();
    session.run(Action::AddLayer(source));
    session.paint((150.0, 200.0), (250.0, 200.0));
    session.run(Action::NudgeRegion(40, 0));
    let reference = session.bench.document().photos()[2].id;
    session.run(Action::AddLayer(reference));
    session.paint((330.0, 130.0), (380.0, 160.0));
    session.run(Action::SetRegionAngle(0.4));
    session.run(Action::MirrorRegion);
    session.settle();
    session
}

fn batch(session: &mut Session, photos: &[PathBuf], folder: &Path) {
    session.run(Action::AddBatchPhotos(photos.to_vec()));
    session.run(Action::SetBatchFolder(folder.to_owned()));
    assert!(session.bench.is_enabled(&Action::StartBatch));
    session.run(Action::StartBatch);
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn export(session: &mut Session, path: &Path) -> RgbImage {
    session.run(Action::ExportInPhotoTo(path.to_owned()));
    session.wait_until_idle();
    image::open(path).unwrap().to_rgb8()
}

/// What a layer is beside its number and its photo.
fn shape(layer: &Layer) -> impl PartialEq + std::fmt::Debug {
    let numbers = [layer.strength, layer.feather_px, layer.match_colours];
    (layer.name.clone(), layer.color, layer.offset_px, numbers, layer.visible, layer.mask.to_values())
}

#[test]
fn an_edit_is_copied_to_the_face_of_another_photo_and_undone() {
    let mut session = edited();
    let source = session.bench.document().source().unwrap();
    let other = session.bench.document().photos()[4].id;
    assert!(!session.bench.is_enabled(&Action::PasteEdit), "nothing is copied yet");
    session.run(Action::CopyEdit);
    let before = session.bench.document().clone();
    session.run(Action::PasteEditTo(other));
    let document = session.bench.document();
    assert_eq!((document.source(), document.other_edits().len()), (Some(other), 1), "the first face keeps its own");
    let (copied, pasted) = (before.layers(), document.layers());
    assert_eq!(copied.iter().map(shape).collect::<Vec<_>>(), pasted.iter().map(shape).collect::<Vec<_>>());
    let photos = |layers: &[Layer]| layers.iter().map(|layer| layer.photo).collect::<Vec<PhotoId>>();
    let moved: Vec<PhotoId> =
        photos(copied).into_iter().map(|photo| if photo == source { other } else { photo }).collect();
    assert_eq!(photos(pasted), moved, "what shows the source itself shows the new one");
    assert!(
        copied.iter().all(|layer| pasted.iter().all(|other| other.id != layer.id)),
        "layers have numbers of their own"
    );
    session.settle();
    session.run(Action::Undo);
    assert!(session.bench.document().has_same_content(&before));
    session.run(Action::Redo);

    // What was there is replaced, in one step.
    let steps = session.steps().len();
    session.paint((100.0, 100.0), (120.0, 100.0));
    session.run(Action::PasteEdit);
    assert_eq!(session.bench.document().layers().len(), 3);
    assert_eq!(session.steps()[steps..], ["Paint stroke", "Paste edit"]);
    // Into another document it brings its photos along.
    session.run(Action::DiscardChanges(Box::new(Action::NewProject)));
    session.wait_until("it is new", |bench| bench.document().is_empty());
    assert!(!session.bench.is_enabled(&Action::PasteEdit));
    let folder = tempfile::tempdir().unwrap();
    save_photo(&folder.path().join("me.png"), 64, 64);
    session.run(Action::OpenPaths(vec![folder.path().join("me.png")]));
    session.wait_until("it is open", |bench| !bench.document().is_empty() && bench.is_idle());
    let plain = session.settle();
    session.run(Action::PasteEdit);
    assert_eq!(session.bench.document().photos().len(), 3);
    assert!(difference(&plain, &session.settle()) > 0);
    assert_eq!(session.errors(), [] as [&str; 0]);
}

#[test]
fn a_batch_does_what_the_window_does_and_writes_over_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    save_photo(&photos.join("a.png"), 300, 200);
    save_photo(&photos.join("b.png"), 96, 96);
    std::fs::write(photos.join("c.png"), "no picture").unwrap();
    std::fs::write(photos.join("notes.txt"), "no photo").unwrap();
    std::fs::write(photos.join("a edited.png"), "somebody's own").unwrap();
    let before: Vec<Vec<u8>> = names(&photos).iter().map(|name| std::fs::read(photos.join(name)).unwrap()).collect();
    let mut session = edited();
    assert!(!session.bench.is_enabled(&Action::StartBatch), "nothing is chosen yet");
    // To the folder where they are.
    batch(&mut session, std::slice::from_ref(&photos), &photos);
    session.wait_until("it is done", |bench| !bench.batch().is_running());
    let report = session.bench.batch().report().clone();
    // The file of somebody else that is no picture fails too.
    assert_eq!((report.count, report.written.len(), report.failures.len()), (4, 2, 2), "{report:?}");
    let failed: Vec<_> = report.failures.iter().map(|(path, _)| path.file_name().unwrap().to_owned()).collect();
    assert_eq!(failed, ["a edited.png", "c.png"]);
    assert!(
        report.failures.iter().all(|(path, reason)| reason.contains(&path.file_name().unwrap().display().to_string()))
    );
    assert_eq!(report.written, ["a edited 2.png", "b edited.png"].map(|name| photos.join(name)));
    let after: Vec<Vec<u8>> = ["a edited.png", "a.png", "b.png", "c.png", "notes.txt"]
        .iter()
        .map(|name| std::fs::read(photos.join(name)).unwrap())
        .collect();
    assert!(after == before, "an input was written over");
    assert!(session.was_told(NoticeKind::Error, "2 of 4"), "{:?}", session.notices);

    // The same photo, opened and given the same edit by hand.
    session.run(Action::CopyEdit);
    for (name, written) in [("a.png", &report.written[0]), ("b.png", &report.written[1])] {
        session.run(Action::OpenPaths(vec![photos.join(name)]));
        session.wait_until("it is open", |bench| bench.is_idle());
        let opened = session.bench.document().photos().last().unwrap().id;
        session.run(Action::PasteEditTo(opened));
        session.settle();
        let by_hand = export(&mut session, &folder.path().join("by hand.png"));
        assert!(image::open(photos.join(name)).unwrap().to_rgb8() != by_hand, "nothing was done to {name}");
        assert!(image::open(written).unwrap().to_rgb8() == by_hand, "{name} is another picture");
    }
}

#[test]
fn every_face_of_a_photo_is_edited_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let group = folder.path().join("group.png");
    save_group(&group);
    let start = WorkbenchOptions { are_aligned: false, ..options(Vec::new(), Duration::ZERO) };
    let mut session = Session::new(start);
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    session.paint((200.0, 370.0), (312.0, 370.0));
    let before = image::open(&group).unwrap().to_rgb8();
    for (all_faces, expected) in [(false, 1), (true, 3)] {
        let plan = BatchPlan {
            photos: vec![group.clone()],
            folder: Some(folder.path().to_owned()),
            in_photo: true,
            all_faces,
        };
        session.run(Action::SetBatch(plan));
        session.run(Action::StartBatch);
        session.wait_until("it is done", |bench| !bench.batch().is_running());
        let report = session.bench.batch().report();
        assert!(report.failures.is_empty(), "{report:?}");
        let after = image::open(&report.written[0]).unwrap().to_rgb8();
        let changed = |left: u32, right: u32| {
            (left..right).any(|x| (0..600).any(|y| before.get_pixel(x, y) != after.get_pixel(x, y)))
        };
        let people =
            [(0, 470), (480, 1050), (1060, 1500)].iter().filter(|(left, right)| changed(*left, *right)).count();
        assert_eq!(people, expected, "all faces: {all_faces}");
    }
}

/// So many photos, and a folder for what is made of them.
fn photos_and_folder(folder: &Path, count: usize) -> (Vec<PathBuf>, PathBuf) {
    let out = folder.join("out");
    std::fs::create_dir(&out).unwrap();
    let photos: Vec<PathBuf> = (0..count).map(|i| folder.join(format!("photo {i}.png"))).collect();
    photos.iter().for_each(|path| save_photo(path, 120, 90));
    (photos, out)
}

#[test]
fn the_canvas_goes_first_and_a_cancelled_batch_leaves_whole_files() {
    let folder = tempfile::tempdir().unwrap();
    let (photos, out) = photos_and_folder(folder.path(), 12);
    let mut session = Session::new(options(Vec::new(), Duration::from_millis(40)));
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    session.paint((200.0, 370.0), (312.0, 370.0));
    session.settle();
    batch(&mut session, &photos, &out);
    session.wait_until("the first is written", |bench| !bench.batch().report().written.is_empty());
    // The document goes on, and the batch does what was asked for when it began.
    let before = session.settle();
    session.paint((100.0, 100.0), (400.0, 100.0));
    assert!(difference(&before, &session.settle()) > 0);
    assert!(session.bench.batch().is_running(), "a stroke shows before the batch is done");
    session.run(Action::DiscardChanges(Box::new(Action::NewProject)));
    session.wait_until("two more are written", |bench| bench.batch().report().written.len() >= 3);
    session.run(Action::CancelBatch);
    assert!(!session.bench.batch().is_running() && session.bench.batch().report().is_cancelled);
    session.wait_until("the last file is finished", |bench| bench.jobs().is_idle());
    let report = session.bench.batch().report().clone();
    assert!(report.written.len() < photos.len() && report.failures.is_empty(), "{report:?}");
    assert_eq!(names(&out).len(), report.written.len());
    let opened: Vec<RgbImage> = report.written.iter().map(|path| image::open(path).unwrap().to_rgb8()).collect();
    assert!(opened.iter().all(|picture| *picture == opened[0]), "one photo and one edit are one picture");
    assert_eq!(session.errors(), [] as [&str; 0]);
}

#[test]
fn a_batch_gets_its_turn_while_the_motion_plays() {
    let folder = tempfile::tempdir().unwrap();
    let (photos, out) = photos_and_folder(folder.path(), 3);
    let mut session = Session::ready();
    session.paint((200.0, 370.0), (312.0, 370.0));
    let other = session.bench.document().photos()[1].id;
    session.run(Action::BlendWith(Some(other)));
    session.settle();
    session.run(Action::ToggleMotion);
    let first = session.bench.frame().unwrap().request;
    batch(&mut session, &photos, &out);
    session.wait_until("it is done", |bench| !bench.batch().is_running());
    assert_eq!(session.bench.batch().report().written.len(), 3, "{:?}", session.bench.batch().report());
    // The motion went on between them, and still does.
    assert!(session.bench.motion().is_playing() && session.bench.frame().unwrap().request > first + 9);
    let now = session.bench.frame().unwrap().request;
    session.wait_until("it plays on", |bench| bench.frame().unwrap().request > now + 3);
}

#[test]
fn quitting_during_a_batch_asks() {
    let folder = tempfile::tempdir().unwrap();
    let (photos, out) = photos_and_folder(folder.path(), 8);
    let mut session = Session::new(options(Vec::new(), Duration::from_millis(40)));
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    session.paint((200.0, 370.0), (312.0, 370.0));
    session.run(Action::SaveProjectTo(folder.path().join("work.stylebrush")));
    session.wait_until("it is saved", |bench| !bench.has_unsaved_changes());
    batch(&mut session, &photos, &out);
    session.wait_until("the first is written", |bench| !bench.batch().report().written.is_empty());
    session.run(Action::Quit);
    assert_eq!(session.effects.pop(), Some(Effect::AskToStopBatch));
    assert!(session.bench.batch().is_running() && !session.bench.projects().may_close());
    assert!((1..8).contains(&session.bench.batch().remaining()));
    session.run(Action::StopBatchAndQuit);
    assert_eq!(session.effects.pop(), Some(Effect::Quit));
    assert!(session.bench.batch().report().is_cancelled && session.bench.batch().remaining() == 0);
    // What is unsaved is asked about as ever.
    session.paint((100.0, 100.0), (200.0, 100.0));
    batch(&mut session, &photos, &out);
    session.run(Action::StopBatchAndQuit);
    assert_eq!(session.effects.pop(), Some(Effect::AskToSaveBefore(Action::Quit)));
}

#[test]
fn brushes_and_adjustments_are_kept_under_names() {
    let folder = tempfile::tempdir().unwrap();
    let start = || WorkbenchOptions {
        load_engine: directed_model(),
        folders: Some(folders_in(folder.path())),
        ..options(Vec::new(), Duration::ZERO)
    };
    let mut session = Session::new(start());
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    let soft = BrushSettings { radius_px: 60.0, hardness: 0.1, strength: 0.4 };
    session.run(Action::SetBrush(soft));
    assert!(!session.bench.is_enabled(&Action::SaveBrushPreset("  ".to_owned())));
    session.run(Action::SaveBrushPreset(" soft one ".to_owned()));
    assert!(!session.bench.is_enabled(&Action::SaveAdjustmentPreset("happy".to_owned())), "no slider is moved");
    session.run(Action::SetDirection("Smile".to_owned(), 1.5));
    session.run(Action::SetDirection("Age".to_owned(), -0.5));
    let wanted = session.bench.document().directions(None).clone();
    session.run(Action::SaveAdjustmentPreset("happy".to_owned()));
    session.wait_until_idle();
    session.bench.close();
    drop(session);

    let mut session = Session::new(start());
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    session.run(Action::UseBrushPreset("soft one".to_owned()));
    assert_eq!(session.bench.toolbox().brush, soft);
    session.run(Action::UseAdjustmentPreset("happy".to_owned()));
    assert_eq!(*session.bench.document().directions(None), wanted);
    assert_eq!(session.steps(), ["Use preset"]);
    session.run(Action::Undo);
    assert!(session.bench.document().directions(None).is_empty());
    // Only inside the mask, where the sliders are set so.
    session.run(Action::AdjustInsideMask);
    session.run(Action::UseAdjustmentPreset("happy".to_owned()));
    assert!(session.bench.document().directions(None).is_empty());
    assert_eq!(session.bench.document().active_layer().unwrap().directions, wanted);
    session.run(Action::DeleteBrushPreset("soft one".to_owned()));
    assert!(!session.bench.is_enabled(&Action::UseBrushPreset("soft one".to_owned())));
    session.wait_until_idle();
    session.bench.close();
    drop(session);
    let session = Session::new(start());
    assert_eq!((session.bench.presets().brushes.len(), session.bench.presets().adjustments.len()), (0, 1));
}
