//! Several faces of one photo, edited in one document.

use std::path::Path;

use image::{Rgb, RgbImage};
use stylebrush_app::workbench::FaceInPhoto;
use stylemap::face::FaceFrame;

use super::*;

const PEOPLE: [&str; 5] = [
    "tests/fixtures/faces/faker_f17.jpg",
    "tests/fixtures/faces/faker_m29.jpg",
    "tests/fixtures/faces/faker_f53.jpg",
    "assets/demo/female_005.jpg",
    "assets/demo/male_005.jpg",
];

/// Five people in two rows.
fn save_five(path: &Path) {
    let mut group = RgbImage::from_pixel(1500, 1040, Rgb([110, 120, 130]));
    for (index, name) in PEOPLE.into_iter().enumerate() {
        let side = 460 + 10 * index as u32;
        let person = image::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)).unwrap().to_rgb8();
        let face = image::imageops::resize(&person, side, side, image::imageops::FilterType::Triangle);
        let (column, row) = (index as i64 % 3, index as i64 / 3);
        image::imageops::replace(&mut group, &face, column * 500, row * 520);
    }
    group.save(path).unwrap();
}

/// The group, and a portrait to paint from.
fn session_with_group(folder: &Path) -> (Session, PathBuf) {
    let [group, reference] = ["group.png", "reference.png"].map(|name| folder.join(name));
    save_five(&group);
    portrait("faker_m29.jpg").save(&reference).unwrap();
    let mut session = Session::new(WorkbenchOptions {
        are_aligned: false,
        folders: Some(folders_in(&folder.join("settings"))),
        ..options(vec![group.clone(), reference], Duration::ZERO)
    });
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    (session, group)
}

/// Works on a face of the photo, counted from the left.
fn choose(session: &mut Session, number: usize) -> FaceInPhoto {
    let face = session.bench.faces_in_photo()[number].clone();
    session.run(Action::EditFaceAt(face.landmarks));
    let is_in_hand = |bench: &Workbench| {
        let faces = bench.faces_in_photo();
        faces.iter().any(|other| other.landmarks == face.landmarks && other.is_in_hand)
    };
    session.wait_until("the face is in hand", |bench| is_in_hand(bench) && bench.is_idle());
    face
}

/// How many pixels of a face's inner part differ between two photos.
fn changes_in(frame: FaceFrame, a: &RgbImage, b: &RgbImage) -> usize {
    let range = |from: f32, len: f32| (from + 0.2 * len) as u32..(from + 0.8 * len) as u32;
    let rows = range(frame.top, frame.height);
    rows.flat_map(|y| range(frame.left, frame.width).map(move |x| (x, y)))
        .filter(|&(x, y)| a.get_pixel(x, y) != b.get_pixel(x, y))
        .count()
}

fn export(session: &mut Session, path: &Path) -> RgbImage {
    session.run(Action::ExportInPhotoTo(path.to_owned()));
    session.wait_until_idle();
    assert_eq!(session.errors(), [] as [&str; 0]);
    image::open(path).unwrap().to_rgb8()
}

#[test]
fn three_of_five_faces_are_edited_saved_opened_and_exported_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, group) = session_with_group(folder.path());
    assert_eq!(session.bench.faces_in_photo().len(), 5);
    let strokes =
        [((200.0, 330.0), (310.0, 330.0)), ((170.0, 240.0), (340.0, 240.0)), ((256.0, 200.0), (256.0, 330.0))];
    let mut edited = Vec::new();
    for (number, (from, to)) in [0, 2, 4].into_iter().zip(strokes) {
        edited.push(choose(&mut session, number));
        session.paint(from, to);
        session.settle();
    }
    let document = session.bench.document().clone();
    assert_eq!(document.other_edits().iter().filter(|edit| edit.changes_picture()).count(), 2);
    let faces = session.bench.faces_in_photo();
    assert_eq!(faces.iter().map(|face| face.is_changed).collect::<Vec<_>>(), [true, false, true, false, true]);

    // All at once in one file, and the others as they were.
    let opened = image::open(&group).unwrap().to_rgb8();
    let exported = export(&mut session, &folder.path().join("edited.png"));
    for face in &faces {
        let changed = changes_in(face.frame, &opened, &exported);
        assert_eq!(changed > 200, face.is_changed, "{changed} pixels of {face:?}");
        assert!(face.is_changed || changed == 0, "{changed} pixels of {face:?}");
    }
    // The same shows: the photo around the face in hand has the edits of the others.
    let shown = session.bench.patch_in_photo().expect("the photo shows");
    let backdrop = shown.backdrop.as_ref().expect("other faces are edited");
    for face in edited.iter().take(2) {
        assert!(changes_in(face.frame, &opened, &backdrop.pixels) > 200);
        assert_eq!(changes_in(face.frame, &exported, &backdrop.pixels), 0);
    }

    // A project holds them all, and opens to the same pixels.
    let project = folder.path().join("group.stylebrush");
    session.run(Action::SaveProjectTo(project.clone()));
    session.wait_until("it is saved", |bench| !bench.has_unsaved_changes());
    session.run(Action::NewProject);
    session.wait_until("it is closed", |bench| bench.document().is_empty());
    session.run(Action::OpenProject(project));
    session.wait_until("it is opened", |bench| !bench.document().is_empty() && bench.is_idle());
    assert_eq!(session.bench.document().other_edits().len(), document.other_edits().len());
    assert_eq!(session.bench.document().layers().len(), document.layers().len());
    assert!(export(&mut session, &folder.path().join("again.png")) == exported, "the project shows another photo");
}

#[test]
fn undo_goes_over_all_faces_and_shows_what_it_undoes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, _) = session_with_group(folder.path());
    let in_hand = |session: &Session| session.bench.faces_in_photo().iter().position(|face| face.is_in_hand);
    choose(&mut session, 1);
    session.paint((200.0, 330.0), (310.0, 330.0));
    let first = session.settle();
    choose(&mut session, 3);
    session.paint((170.0, 240.0), (340.0, 240.0));
    session.settle();
    choose(&mut session, 1);
    let again = session.settle();
    assert_eq!(again.rgba, first.rgba, "a face comes back as it was left");
    session.paint((256.0, 200.0), (256.0, 330.0));
    choose(&mut session, 3);
    assert_eq!(session.steps().last().unwrap(), "Paint stroke");

    // The newest step is one of the first face, and that shows.
    session.run(Action::Undo);
    assert_eq!(in_hand(&session), Some(1));
    assert_eq!(session.settle().rgba, first.rgba);
    session.run(Action::Undo);
    assert_eq!(in_hand(&session), Some(3));
    assert!(session.bench.document().layers().iter().all(|layer| layer.mask.is_empty()));
    session.run(Action::Redo);
    assert_eq!(in_hand(&session), Some(3));
    session.run(Action::Redo);
    assert_eq!(in_hand(&session), Some(1));
    assert_ne!(session.settle().rgba, first.rgba);
}

#[test]
fn the_next_face_is_the_one_to_the_right() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, _) = session_with_group(folder.path());
    choose(&mut session, 0);
    for (action, wanted) in [(Action::EditNextFace, 1), (Action::EditPreviousFace, 0), (Action::EditPreviousFace, 4)] {
        session.run(action);
        session.wait_until("another face is in hand", |bench| {
            bench.faces_in_photo().iter().position(|face| face.is_in_hand) == Some(wanted) && bench.is_idle()
        });
    }
    // Each has a name of its own, and a layer to paint with.
    let names: std::collections::BTreeSet<_> =
        session.bench.document().photos().iter().map(|photo| photo.name.clone()).collect();
    assert_eq!(names.len(), session.bench.document().photos().len());
    assert!(session.bench.document().active_layer().is_some());
}

#[test]
fn a_closed_face_takes_its_edit_along_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (mut session, group) = session_with_group(folder.path());
    choose(&mut session, 0);
    session.paint((200.0, 330.0), (310.0, 330.0));
    let kept = choose(&mut session, 2);
    session.paint((170.0, 240.0), (340.0, 240.0));
    let first = session.bench.faces_in_photo()[0].photo.unwrap();
    session.run(Action::RemovePhoto(first));
    session.settle();
    let opened = image::open(&group).unwrap().to_rgb8();
    let faces = session.bench.faces_in_photo();
    let exported = export(&mut session, &folder.path().join("edited.png"));
    assert_eq!(changes_in(faces[0].frame, &opened, &exported), 0);
    assert!(changes_in(kept.frame, &opened, &exported) > 200);
}
