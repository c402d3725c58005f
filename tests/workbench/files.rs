//! Photos, exports, masks, projects and settings: what comes from files and goes to them.

use std::path::Path;

use image::{Rgb, RgbImage};
use stylebrush_app::document::{Document, MaskImage};
use stylebrush_app::photo_loading::Purpose;
use stylebrush_app::project::recent::RecentKind;
use stylebrush_app::settings::Theme;
use stylebrush_app::workbench::clipboard::Clip;
use stylebrush_app::workbench::{EngineState, MotionSettings, MotionTarget, OverwriteReason, Overwriting, Question};
use stylemap::Error;

use super::*;

#[test]
fn photos_open_from_a_path_and_join_as_a_layer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("holiday.png");
    save_photo(&path, 90, 60);
    let mut session = Session::ready();
    session.paint((200.0, 200.0), (300.0, 200.0));
    session.run(Action::OpenPaths(vec![path]));
    session.wait_until("the photo is open", |bench| bench.document().photos().len() == 9);
    let document = session.bench.document();
    let photo = document.photos().last().unwrap();
    assert_eq!((photo.name.as_str(), photo.crop.dimensions()), ("holiday", (60, 60)));
    assert_eq!(document.active_layer().unwrap().photo, photo.id);
    assert_eq!(session.steps(), ["Paint stroke", "Open photo"]);
    let before = session.settle();
    session.paint((200.0, 300.0), (300.0, 300.0));
    assert!(difference(&before, &session.settle()) > 0);

    session.run(Action::Undo);
    session.run(Action::Undo);
    assert_eq!(session.bench.document().photos().len(), 8);
    session.run(Action::Redo);
    assert_eq!(session.bench.document().photos().len(), 9);
    session.settle();
}

#[test]
fn the_first_own_photos_take_the_place_of_a_demo_that_nobody_touched() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = ["me.png", "you.png"].iter().map(|name| folder.path().join(name)).collect();
    portrait("faker_f17.jpg").save(&paths[0]).unwrap();
    portrait("faker_m29.jpg").save(&paths[1]).unwrap();
    let mut session = Session::new(WorkbenchOptions { are_aligned: false, ..options(Vec::new(), Duration::ZERO) });
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    // Looking around is no work.
    session.run(Action::ToggleOverlay);
    session.run(Action::OpenPaths(vec![paths[0].clone()]));
    session.wait_until("the photo is open", |bench| bench.document().photos().len() == 1 && bench.is_idle());
    let document = session.bench.document();
    assert_eq!((document.source(), document.layers().len()), (Some(document.photos()[0].id), 0));
    assert!(session.bench.shown_photo().is_some(), "the first photo shows as a photo");
    // The second is what is painted with.
    session.run(Action::OpenPaths(vec![paths[1].clone()]));
    session.wait_until("the photo is open", |bench| bench.document().photos().len() == 2 && bench.is_idle());
    let document = session.bench.document();
    assert_eq!(document.active_layer().unwrap().photo, document.photos()[1].id);
    session.run(Action::Undo);
    session.run(Action::Undo);
    assert_eq!(session.bench.document().photos().len(), 8, "the demo comes back");
    // Two at once, of which the first is the source.
    session.run(Action::OpenPaths(paths));
    session.wait_until("the photos are open", |bench| bench.document().photos().len() == 2 && bench.is_idle());
    let document = session.bench.document();
    let names: Vec<&str> = document.photos().iter().map(|photo| photo.name.as_str()).collect();
    assert_eq!(names, ["me", "you"]);
    assert_eq!(document.active_layer().unwrap().name, "you");
}

#[test]
fn photos_from_the_command_line_take_the_place_of_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = ["a.png", "b.jpg"].iter().map(|name| folder.path().join(name)).collect();
    for path in &paths {
        save_photo(path, 64, 64);
    }
    let mut session = Session::new(options(paths.clone(), Duration::ZERO));
    session.wait_until("the photos are open", |bench| !bench.is_opening());
    session.settle();
    let document = session.bench.document();
    assert_eq!(document.photos().iter().map(|photo| photo.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(document.active_layer().unwrap().name, "b");

    let mut session = Session::new(options(paths[..1].to_vec(), Duration::ZERO));
    session.wait_until("the photo is open", |bench| !bench.document().is_empty());
    let document = session.bench.document();
    assert_eq!((document.photos().len(), document.photos()[0].name.as_str()), (9, "a"), "the demo faces lie ready");
}

/// Photos that take a while to open.
fn many_photos(folder: &Path, count: usize) -> Vec<PathBuf> {
    let paths: Vec<PathBuf> = (0..count).map(|i| folder.join(format!("photo {i}.png"))).collect();
    paths.iter().for_each(|path| save_photo(path, 700, 700));
    paths
}

#[test]
fn of_many_photos_each_shows_as_it_comes_and_all_are_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let paths = many_photos(folder.path(), 12);
    let mut session = Session::new(options(paths.clone(), Duration::ZERO));
    let mut counts = Vec::new();
    session.wait_until("all are open", |bench| {
        counts.push(bench.document().photos().len());
        !bench.is_opening()
    });
    assert!(counts.iter().any(|count| (1..12).contains(count)), "the first shows before the last: {counts:?}");
    let document = session.bench.document();
    let names: Vec<&str> = document.photos().iter().map(|photo| photo.name.as_str()).collect();
    assert_eq!((names.len(), names[0], names[11]), (12, "photo 0", "photo 11"));
    assert_eq!(document.source(), Some(document.photos()[0].id));
    assert_eq!(document.active_layer().unwrap().photo, document.photos()[1].id);
    assert!(session.steps().is_empty() && !session.bench.has_unsaved_changes(), "nobody did anything");

    session.run(Action::OpenPaths(paths[..5].to_vec()));
    session.wait_until("all are open", |bench| !bench.is_opening());
    assert_eq!(session.steps(), ["Open 5 photos"]);
    session.run(Action::Undo);
    assert_eq!(session.bench.document().photos().len(), 12);
    session.run(Action::Redo);
    assert_eq!(session.bench.document().photos().len(), 17);
}

#[test]
fn a_photo_that_comes_does_not_end_the_stroke_under_way() {
    let folder = tempfile::tempdir().unwrap();
    let paths = many_photos(folder.path(), 3);
    let mut session = Session::ready();
    session.run(Action::OpenPaths(paths));
    let (pressure, modifiers) = (1.0, Modifiers::default());
    let pos_in_canvas = Point::new(100.0, 300.0);
    session.point(&ToolEvent::PointerDown { pos_in_canvas, button: Button::Primary, pressure, modifiers });
    let begun = session.bench.document().photos().len();
    for x in 0..60 {
        let pos_in_canvas = Point::new(100.0 + x as f32, 300.0);
        session.point(&ToolEvent::PointerMove { pos_in_canvas, pressure, modifiers });
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(session.bench.document().photos().len(), begun);
    session.point(&ToolEvent::PointerUp);
    session.wait_until("all are open", |bench| !bench.is_opening());
    assert_eq!(session.bench.document().photos().len(), 11);
    let strokes = session.steps().iter().filter(|step| *step == "Paint stroke").count();
    assert_eq!(strokes, 1, "{:?}", session.steps());
}

#[test]
fn what_is_on_the_clipboard_is_opened_or_the_user_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a photo.png");
    save_photo(&path, 64, 64);
    let mut session = Session::ready();
    // Over a demo that nobody touched, photos would take its place.
    session.paint((200.0, 200.0), (300.0, 200.0));
    for nothing in [None, Some(Clip::Text("no path at all".to_owned())), Some(Clip::Files(Vec::new()))] {
        session.notices.clear();
        session.bench.paste(Purpose::Add, move || Ok(nothing));
        session.wait_until_idle();
        assert!(session.was_told(NoticeKind::Info, "no picture"), "{:?}", session.notices);
        assert_eq!(session.notices.len(), 1);
    }
    session.bench.paste(Purpose::Add, || anyhow::bail!("the clipboard cannot be read"));
    session.wait_until_idle();
    assert!(session.was_told(NoticeKind::Error, "clipboard cannot be read"), "{:?}", session.notices);
    assert_eq!(session.steps(), ["Paint stroke"]);

    let address = format!("file://{}\n", path.display().to_string().replace(' ', "%20"));
    session.bench.paste(Purpose::Add, move || Ok(Some(Clip::Text(address))));
    session.wait_until_idle();
    let document = session.bench.document();
    assert_eq!(document.photos()[8].name, "a photo");
    assert_eq!(document.active_layer().unwrap().photo, document.photos()[8].id, "it is painted from");

    let source = document.source();
    let picture = image::RgbaImage::from_fn(40, 40, |x, y| image::Rgba([x as u8, y as u8, 7, 255]));
    session.bench.paste(Purpose::Source, move || Ok(Some(Clip::Picture(picture))));
    session.wait_until_idle();
    let document = session.bench.document();
    let pasted = &document.photos()[9];
    assert_eq!(pasted.placement.as_ref().unwrap().original.pixels.get_pixel(12, 30).0, [12, 30, 7]);
    assert_eq!(document.source(), Some(pasted.id), "it is painted on");
    session.run(Action::Undo);
    assert_eq!(session.bench.document().source(), source);
    assert_eq!(session.bench.document().photos().len(), 9);
}

#[test]
fn a_photo_without_a_face_is_not_painted_from_unless_its_face_is_placed() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = ["wall.png", "floor.png"].iter().map(|name| folder.path().join(name)).collect();
    paths.iter().for_each(|path| save_photo(path, 500, 400));
    let looking = || WorkbenchOptions { are_aligned: false, ..options(Vec::new(), Duration::ZERO) };
    for skips in [false, true] {
        let mut session = Session::new(looking());
        session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
        session.paint((200.0, 200.0), (300.0, 200.0));
        let before = session.bench.document().clone();
        session.run(Action::OpenPaths(paths.clone()));
        session.wait_until("they are open", |bench| !bench.is_opening());
        let first = session.bench.take_unclear_face().unwrap();
        // Cancelled: the first, and then the others one by one or at once.
        session.run(Action::KeepFace(first));
        if skips {
            session.run(Action::SkipUnclearFaces);
        } else {
            let second = session.bench.take_unclear_face().unwrap();
            session.run(Action::KeepFace(second));
        }
        assert!(session.was_told(NoticeKind::Info, "nothing is painted from it"), "{:?}", session.notices);
        let document = session.bench.document();
        assert_eq!(document.photos().len(), 10, "they lie ready");
        let layers = |document: &Document| document.layers().iter().map(|layer| layer.photo).collect::<Vec<_>>();
        assert_eq!(layers(document), layers(&before), "and none is a reference");
        assert_eq!(session.steps(), ["Paint stroke", "Open 2 photos"]);
        session.run(Action::Undo);
        assert_eq!(session.bench.document().photos().len(), 8);
        assert!(session.bench.take_unclear_face().is_none());
    }
}

#[test]
fn masks_go_to_files_and_back_over_the_whole_photo() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.png");
    let mut session = Session::ready();
    session.paint((180.0, 230.0), (340.0, 330.0));
    let mask = session.bench.document().active_layer().unwrap().mask.clone();
    session.run(Action::ToggleInPhoto);
    let (_, placement) = session.bench.shown_photo().unwrap();
    let photo_px = placement.original.pixels.dimensions();
    session.run(Action::ExportMaskTo(path.clone()));
    session.wait_until_idle();
    let written = image::open(&path).unwrap().into_luma8();
    assert_eq!(written.dimensions(), photo_px);
    session.run(Action::ClearMask);
    session.run(Action::ImportMaskFrom(path.clone()));
    session.wait_until_idle();
    assert!(session.errors().is_empty(), "{:?}", session.errors());
    let back = session.bench.document().active_layer().unwrap().mask.clone();
    let inside = |mask: &MaskImage| mask.to_values().iter().filter(|value| **value > 127).count() as f32;
    assert!((inside(&back) / inside(&mask) - 1.0).abs() < 0.05, "{} {}", inside(&back), inside(&mask));
    assert_eq!((back.value(260, 280), back.value(60, 60)), (255, 0));

    // Neither the photo's size nor square.
    let odd = folder.path().join("odd.png");
    save_photo(&odd, photo_px.0 + 3, photo_px.1 + 20);
    session.run(Action::ImportMaskFrom(odd));
    session.wait_until_idle();
    assert!(session.was_told(NoticeKind::Error, "must be square, or"), "{:?}", session.notices);
    // By itself, the face's own square.
    session.run(Action::ToggleInPhoto);
    session.run(Action::ExportMaskTo(path.clone()));
    session.wait_until_idle();
    assert_eq!(image::open(&path).unwrap().into_luma8().dimensions(), (512, 512));
}

#[test]
fn opening_can_be_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = (0..40).map(|i| folder.path().join(format!("{i}.png"))).collect();
    paths.iter().for_each(|path| save_photo(path, 600, 600));
    let mut session = Session::ready();
    session.run(Action::OpenPaths(paths));
    session.run(Action::CancelOpening);
    session.wait_until("nothing is opened any more", |bench| !bench.is_opening());
    let photos = session.bench.document().photos().len();
    assert!(photos < 48, "{photos} photos are open");
}

#[test]
fn opening_a_project_can_be_cancelled_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work.stylebrush");
    let mut session = Session::ready();
    session.run(Action::SaveProjectTo(path.clone()));
    session.wait_until_idle();
    session.notices.clear();
    session.bench.apply(Action::OpenProject(path.clone()));
    assert!(session.bench.opening_share().is_some());
    session.bench.apply(Action::CancelOpening);
    session.wait_until_idle();
    assert!(session.errors().is_empty(), "{:?}", session.errors());
    // The newest one asked for counts.
    session.bench.apply(Action::OpenProject(folder.path().join("gone.stylebrush")));
    session.bench.apply(Action::OpenProject(path.clone()));
    session.wait_until("it is open", |bench| bench.projects().path() == Some(path.as_path()) && bench.is_idle());
    assert!(session.errors().is_empty(), "{:?}", session.errors());
}

#[test]
fn bad_files_are_one_sentence_each_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (text, missing) = (folder.path().join("notes.png"), folder.path().join("missing.png"));
    std::fs::write(&text, "no picture").unwrap();
    let wide = folder.path().join("wide.png");
    save_photo(&wide, 90, 60);
    let mut session = Session::ready();
    session.run(Action::OpenPaths(vec![text, missing.clone()]));
    session.run(Action::ImportMaskFrom(wide));
    session.run(Action::ImportMaskFrom(missing));
    session.run(Action::OpenProject(folder.path().join("gone.stylebrush")));
    session.run(Action::ExportTo(folder.path().join("no such folder").join("picture.png")));
    session.run(Action::ExportMotionTo(MotionTarget::File(folder.path().join("faces.mov"))));
    session.wait_until_idle();
    let errors = session.errors();
    assert_eq!(errors.len(), 7, "{errors:?}");
    for part in ["notes.png", "missing.png", "square", "gone.stylebrush", "no such folder", ".gif"] {
        assert!(errors.iter().any(|error| error.contains(part)), "{part} is not in {errors:?}");
    }
    assert!(session.steps().is_empty());
}

#[test]
fn export_writes_the_picture_of_the_document_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.png");
    // A slow engine: the picture of the stroke is still to come when it is exported.
    let mut session = Session::new(options(Vec::new(), Duration::from_millis(150)));
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    let before = session.settle();
    session.paint((180.0, 230.0), (340.0, 230.0));
    assert!(session.bench.is_rendering());
    session.run(Action::ExportTo(path.with_extension("")));
    session.wait_until("it is exported", |bench| !bench.is_exporting());
    assert!(session.was_told(NoticeKind::Success, "picture.png"), "{:?}", session.notices);
    let exported = image::open(&path).expect("a valid PNG").to_rgba8();
    let document = session.bench.document();
    let source = document.photo(document.source().unwrap()).unwrap();
    assert_eq!(exported.width(), source.crop.width(), "all that the photo has");
    let after = session.settle();
    assert!(distance(&exported, &after) < 3.0, "{}", distance(&exported, &after));
    // Asked for again when nothing is under way it is the same, and without the stroke another.
    let again = folder.path().join("again.png");
    session.run(Action::ExportTo(again.clone()));
    session.wait_until_idle();
    assert!(image::open(&again).expect("a valid PNG").to_rgba8() == exported);
    session.run(Action::Undo);
    assert!(session.settle().rgba == before.rgba);
}

#[test]
fn what_is_exported_and_copied_is_what_shows() {
    let folder = tempfile::tempdir().unwrap();
    let (photo, path) = (folder.path().join("me.jpg"), folder.path().join("out.png"));
    let mut wide = RgbImage::from_pixel(1300, 1100, Rgb([110, 120, 130]));
    image::imageops::replace(&mut wide, &portrait("faker_f53.jpg"), 200, 40);
    wide.save(&photo).unwrap();
    let mut session = Session::new(WorkbenchOptions { are_aligned: false, ..options(vec![photo], Duration::ZERO) });
    session.wait_until("the photo is open", |bench| bench.is_idle() && bench.frame().is_some());
    let whole = wide.dimensions();
    let face = (session.bench.exported_face_px(), session.bench.exported_face_px());
    assert_ne!(whole, face);
    assert!(!session.bench.is_enabled(&Action::ExportAgain), "nothing was exported yet");
    for (shows, size) in [("face", face), ("photo", whole)] {
        session.run(Action::CopyPicture);
        let question = session.bench.as_it_shows(Question::ExportTo);
        question.answered(vec![path.clone()]).into_iter().for_each(|action| session.run(action));
        session.wait_until_idle();
        let copied = session.effects.iter().rev().find_map(|effect| match effect {
            Effect::Copy(picture) => Some(picture.dimensions()),
            _ => None,
        });
        assert_eq!((copied, image::open(&path).unwrap().to_rgb8().dimensions()), (Some(size), size), "{shows}");
        session.run(Action::ToggleInPhoto);
    }
    // Back at the face, the last export is written again as it was asked for: the whole photo, with what is new in it.
    let before = std::fs::read(&path).unwrap();
    session.paint((180.0, 230.0), (340.0, 230.0));
    session.run(Action::ExportAgain);
    session.wait_until_idle();
    assert!(std::fs::read(&path).unwrap() != before);
    assert_eq!(image::open(&path).unwrap().to_rgb8().dimensions(), whole);
    assert_eq!(session.bench.suggested_path(Question::ExportTo).parent(), path.parent());
}

#[test]
fn of_two_exports_to_one_file_the_later_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("face.png");
    let mut session = Session::ready();
    for step in 0..6 {
        // The first takes the longest: everything is still to be made for it.
        session.paint((100.0, 100.0 + 60.0 * step as f32), (400.0, 100.0 + 60.0 * step as f32));
        session.settle();
        session.bench.apply(Action::ExportTo(path.clone()));
        session.bench.update(true);
    }
    let last = session.settle();
    session.wait_until_idle();
    let written = image::open(&path).unwrap().to_rgba8();
    assert!(distance(&written, &last) < 3.0, "{}", distance(&written, &last));
}

#[test]
fn an_export_whose_photo_is_no_longer_the_source_ends_with_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.png");
    let mut session = Session::new(options(Vec::new(), Duration::from_millis(150)));
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    let other = session.bench.document().photos()[3].id;
    session.paint((180.0, 230.0), (340.0, 230.0));
    session.bench.apply(Action::ExportInPhotoTo(path.clone()));
    session.bench.apply(Action::MakeSource(other));
    session.wait_until_idle();
    assert!(session.was_told(NoticeKind::Info, "no longer the source") && !path.exists(), "{:?}", session.notices);
    // With every photo closed there is no picture to wait for.
    session.paint((180.0, 330.0), (340.0, 330.0));
    session.bench.apply(Action::ExportTo(path.clone()));
    session.bench.apply(Action::DiscardChanges(Box::new(Action::NewProject)));
    session.wait_until("nothing is exported any more", |bench| !bench.is_exporting());
    assert!(!path.exists());
}

#[test]
fn the_motion_is_played_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::ready();
    let still = session.settle();
    session.run(Action::ToggleMotion);
    let mut seen = std::collections::BTreeSet::new();
    session.wait_until("it moves", |bench| {
        seen.extend(bench.frame().map(|frame| frame.order()));
        seen.len() > 8
    });
    assert!(session.steps().is_empty(), "what is played is no edit");
    session.run(Action::ToggleMotion);
    assert_eq!(session.steps(), ["Change blend"], "the slider stays where it was stopped");
    session.run(Action::Undo);
    assert_eq!(session.settle().rgba, still.rgba);

    session.run(Action::SetMotion(MotionSettings {
        count: 5,
        seconds: 1.0,
        returns: false,
        ..MotionSettings::default()
    }));
    let pictures = folder.path().join("frames");
    session.run(Action::ExportMotionTo(MotionTarget::Folder(pictures.clone())));
    session.wait_until_idle();
    assert_eq!(std::fs::read_dir(&pictures).unwrap().count(), 5);
    let opened = |number: usize| image::open(pictures.join(format!("{number:04}.png"))).unwrap().to_rgba8();
    assert!(distance(&opened(1), &still) < 3.0, "{}", distance(&opened(1), &still));
    assert!(session.steps().is_empty());
    // Cancelled, nothing is written.
    let path = folder.path().join("faces.gif");
    session.run(Action::ExportMotionTo(MotionTarget::File(path.clone())));
    session.run(Action::CancelExport);
    session.wait_until_idle();
    assert!(!path.exists());
}

#[test]
fn a_mask_goes_to_a_file_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.png");
    let mut session = Session::ready();
    session.paint((200.0, 300.0), (300.0, 300.0));
    let painted = session.bench.document().active_layer().unwrap().mask.clone();
    let suggested = session.bench.suggested_path(Question::ExportMaskTo);
    assert_eq!(suggested.file_name().unwrap(), "Portrait 2 mask.png");
    session.run(Action::ExportMaskTo(path.clone()));
    session.wait_until_idle();
    session.run(Action::ClearMask);
    session.run(Action::ImportMaskFrom(path.clone()));
    session.wait_until_idle();
    assert!(session.bench.document().active_layer().unwrap().mask == painted);
    // Deleted meanwhile, the layer takes no mask, and the user knows why.
    session.bench.apply(Action::ImportMaskFrom(path));
    session.bench.apply(Action::DeleteLayer);
    session.wait_until_idle();
    assert_eq!(session.steps(), ["Paint stroke", "Clear mask", "Import mask", "Delete layer"]);
    assert_eq!(session.notices.last().unwrap().0, NoticeKind::Info);
}

#[test]
fn what_is_not_saved_is_asked_about_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work");
    let mut session = Session::ready();
    // As it was just made there is nothing to lose.
    session.run(Action::NewProject);
    assert!(session.effects.is_empty() && session.bench.document().is_empty());

    let mut session = Session::ready();
    session.paint((200.0, 300.0), (300.0, 300.0));
    for next in [Action::NewProject, Action::Quit, Action::OpenProject(path.clone())] {
        session.run(next.clone());
        assert_eq!(session.effects.pop(), Some(Effect::AskToSaveBefore(next)));
        assert!(!session.bench.document().is_empty());
    }
    // Which file? The user thinks better of it, and what was to follow does not follow later.
    session.run(Action::SaveFirst(Box::new(Action::NewProject)));
    assert_eq!(session.effects.pop(), Some(Effect::Ask(Question::SaveProjectTo)));
    session.run(Action::ForgetWhatFollowsSaving);
    session.run(Action::SaveProjectTo(path.clone()));
    session.wait_until("it is saved", |bench| !bench.has_unsaved_changes());
    session.wait_until_idle();
    assert!(!session.bench.document().is_empty());
    // With a file it follows at once.
    session.paint((200.0, 200.0), (300.0, 200.0));
    session.run(Action::SaveFirst(Box::new(Action::Quit)));
    session.wait_until("it is saved", |bench| !bench.has_unsaved_changes());
    session.step();
    assert!(session.effects.contains(&Effect::Quit) && session.bench.projects().may_close());
    // Or without saving, where the user says so.
    session.paint((100.0, 200.0), (200.0, 200.0));
    session.run(Action::DiscardChanges(Box::new(Action::OpenProject(path.with_extension("stylebrush")))));
    session.wait_until("it is open", |bench| bench.timeline().past_names().len() == 0 && bench.is_idle());
    assert!(session.effects.contains(&Effect::ChangedDocument));
    assert_eq!((session.mask_value(250, 300), session.mask_value(150, 200)), (255, 0));
}

#[test]
fn what_another_window_saved_is_not_overwritten_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work.stylebrush");
    let mut first = Session::ready();
    first.run(Action::SaveProjectTo(path.clone()));
    first.wait_until_idle();
    let mut second = Session::ready();
    second.run(Action::OpenProject(path.clone()));
    second.wait_until("it is open", |bench| bench.projects().path() == Some(path.as_path()) && bench.is_idle());
    // One window saves as often as it likes.
    for x in [100.0, 200.0] {
        first.paint((x, 300.0), (x + 50.0, 300.0));
        first.run(Action::SaveProject);
        first.wait_until("it is saved", |bench| !bench.has_unsaved_changes());
    }
    assert!(first.effects.is_empty());
    let of_first = std::fs::read(&path).unwrap();
    // The other one asks, and what was to follow waits for the answer.
    second.paint((300.0, 100.0), (350.0, 100.0));
    second.run(Action::SaveFirst(Box::new(Action::NewProject)));
    second.wait_until("it asks", |bench| !bench.projects().is_busy());
    let asks = Effect::AskToOverwrite(Overwriting {
        path: path.clone(),
        reason: OverwriteReason::HasChanged,
        action: Box::new(Action::SaveProjectTo(path.clone())),
        question: Question::SaveProjectTo,
    });
    assert_eq!(second.effects.pop().as_ref(), Some(&asks));
    assert!(std::fs::read(&path).unwrap() == of_first && second.bench.has_unsaved_changes());
    second.run(Action::SaveProjectTo(path.clone()));
    second.wait_until("it is written, and the project is new", |bench| bench.document().is_empty());
    assert!(std::fs::read(&path).unwrap() != of_first);
    // Now it is the first one's turn to ask; a file that is gone is simply written.
    first.paint((300.0, 300.0), (350.0, 300.0));
    first.run(Action::SaveProject);
    first.wait_until("it asks", |bench| !bench.projects().is_busy());
    assert_eq!(first.effects.pop(), Some(asks));
    std::fs::remove_file(&path).unwrap();
    first.run(Action::SaveProject);
    first.wait_until("it is saved", |bench| !bench.has_unsaved_changes());
    assert!(path.exists() && first.errors().is_empty(), "{:?}", first.errors());
}

#[test]
fn what_is_there_is_not_written_over_without_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::ready();
    session.paint((200.0, 300.0), (300.0, 300.0));
    let other = session.bench.document().photos()[1].id;
    session.run(Action::BlendWith(Some(other)));
    session.run(Action::SetMotion(MotionSettings { count: 2, ..MotionSettings::default() }));
    let typed = |question, path: &Path| Action::Answer { question, paths: vec![path.to_owned()], by_dialog: false };
    // Every way to write to a path; what has no ending gets one, and that file counts.
    for (question, name, file) in [
        (Question::ExportTo, "face", "face.png"),
        (Question::ExportInPhotoTo, "photo.jpg", "photo.jpg"),
        (Question::ExportMaskTo, "mask", "mask.png"),
        (Question::MotionTo, "motion.gif", "motion.gif"),
        (Question::MotionFramesTo, "frames", "frames/0002.png"),
        (Question::SaveProjectTo, "work", "work.stylebrush"),
    ] {
        let (path, file) = (folder.path().join(name), folder.path().join(file));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "somebody else's").unwrap();
        let wait = |session: &mut Session| session.wait_until("nothing is under way", Workbench::is_idle);
        session.run(typed(question, &path));
        wait(&mut session);
        assert_eq!(std::fs::read(&file).unwrap(), b"somebody else's", "{question:?}");
        let Some(Effect::AskToOverwrite(overwriting)) = session.effects.pop() else {
            panic!("{question:?} does not ask")
        };
        assert_eq!(overwriting.question, question);
        assert!(file.starts_with(&overwriting.path), "{overwriting:?}");
        // A dialog has asked for what it returns, and not for what becomes of that; of folders none asks.
        let by_dialog = Action::Answer { question, paths: vec![path.clone()], by_dialog: true };
        session.run(by_dialog);
        wait(&mut session);
        let asks = matches!(session.effects.pop(), Some(Effect::AskToOverwrite(_)));
        assert_eq!(asks, path != file, "{question:?}");
        // Once the user has said so it is written.
        session.run(*overwriting.action);
        wait(&mut session);
        assert!(std::fs::read(&file).unwrap() != b"somebody else's", "{question:?}");
        // Where nothing is, nobody is asked.
        if path.is_dir() {
            std::fs::remove_dir_all(&path).unwrap();
        } else {
            std::fs::remove_file(&file).unwrap();
        }
        session.run(typed(question, &path));
        wait(&mut session);
        assert!(file.is_file() && session.effects.is_empty(), "{question:?}: {:?}", session.effects);
    }
    assert_eq!(session.errors(), [] as [&str; 0]);
    // Its own file is the project's to write, and the last export is written again without a word.
    let last = folder.path().join("photo.jpg");
    session.run(typed(Question::SaveProjectTo, &folder.path().join("work")));
    for _ in 0..2 {
        session.run(Action::ExportAgain);
        session.wait_until_idle();
    }
    assert!(session.effects.is_empty() && !session.bench.has_unsaved_changes(), "{:?}", session.effects);
    // Unless somebody else has changed that file meanwhile.
    std::fs::write(&last, "retouched elsewhere").unwrap();
    session.run(Action::ExportAgain);
    session.wait_until_idle();
    let Some(Effect::AskToOverwrite(Overwriting { reason, action, .. })) = session.effects.pop() else {
        panic!("it does not ask")
    };
    assert_eq!(reason, OverwriteReason::HasChanged);
    assert_eq!(std::fs::read(&last).unwrap(), b"retouched elsewhere");
    session.run(*action);
    session.wait_until_idle();
    assert!(image::open(&last).is_ok());
}

#[test]
fn what_a_crash_left_is_recovered_or_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let folders = folders_in(folder.path());
    let start =
        || Session::new(WorkbenchOptions { folders: Some(folders.clone()), ..options(Vec::new(), Duration::ZERO) });
    let autosaves = || {
        std::fs::read_dir(&folders.recovery).map_or(0, |entries| {
            entries.flatten().filter(|entry| entry.path().extension().is_some_and(|end| end == "stylebrush")).count()
        })
    };
    let mut session = start();
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    session.paint((200.0, 300.0), (300.0, 300.0));
    let drawn = session.settle();
    session.wait_until("it is saved by itself", |bench| bench.is_idle() && autosaves() == 1);
    // Gone without closing.
    drop(session);

    let mut session = start();
    assert_eq!(session.bench.projects().leftovers().len(), 1);
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    session.run(Action::Recover(0));
    session.wait_until("it is recovered", |bench| {
        bench.is_idle() && bench.document().active_layer().is_some_and(|layer| !layer.mask.is_empty())
    });
    assert_eq!(session.settle().rgba, drawn.rgba);
    assert!(session.bench.has_unsaved_changes(), "it is in no file of the user's yet");
    drop(session);

    let mut session = start();
    session.run(Action::DiscardLeftover(0));
    session.run(Action::DiscardLeftover(7));
    assert!(session.bench.projects().leftovers().is_empty() && autosaves() == 0);
}

#[test]
fn settings_are_kept_and_the_clipboard_gets_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let folders = folders_in(folder.path());
    let start =
        || Session::new(WorkbenchOptions { folders: Some(folders.clone()), ..options(Vec::new(), Duration::ZERO) });
    let mut session = start();
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    session.run(Action::UseTheme(Theme::Light));
    session.run(Action::SetKeys([("undo".to_owned(), vec!["Command+U".to_owned()])].into()));
    session.wait_until_idle();
    assert!(std::fs::read_to_string(&folders.settings).unwrap().contains("Command+U"));
    // The window's size alone waits for the end.
    session.run(Action::SetWindowSize([1000.0, 700.0]));
    session.wait_until_idle();
    assert!(!std::fs::read_to_string(&folders.settings).unwrap().contains("1000"));
    session.run(Action::CopyPicture);
    session.wait_until_idle();
    let Some(Effect::Copy(picture)) = session.effects.pop() else { panic!("no picture") };
    let drawn = session.settle();
    let copied = image::DynamicImage::from(picture).into_rgba8();
    assert!(distance(&copied, &drawn) < 3.0);
    session.bench.close();

    let session = start();
    let settings = session.bench.settings();
    assert_eq!((settings.theme, settings.sizes.window), (Theme::Light, Some([1000.0, 700.0])));
}

#[test]
fn without_a_model_everything_but_pictures_goes_on() {
    let load_engine = Box::new(|| Err(Error::argument("the file is not a model")));
    let mut session = Session::new(WorkbenchOptions { load_engine, ..options(Vec::new(), Duration::ZERO) });
    session.wait_until("the failure is known", |bench| matches!(bench.engine().state(), EngineState::Failed(_)));
    session.wait_until("the demo faces are there", |bench| !bench.document().is_empty());
    let other = session.bench.document().photos()[3].id;
    session.run(Action::MakeSource(other));
    session.run(Action::ExportTo("picture.png".into()));
    assert!(session.was_told(NoticeKind::Error, "no picture to export"), "{:?}", session.notices);
    assert_eq!(session.steps(), ["Change source"]);
}

#[test]
fn photos_in_which_the_face_is_unclear_are_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let (group, nobody) = (folder.path().join("group.png"), folder.path().join("nobody.png"));
    save_group(&group);
    save_photo(&nobody, 200, 160);
    let looking =
        WorkbenchOptions { are_aligned: false, ..options(vec![group.clone(), group, nobody], Duration::ZERO) };
    let mut session = Session::new(looking);
    session.wait_until("the photos are open", |bench| bench.is_idle() && bench.frame().is_some());
    // Every face of the source shows in its photo, and is a click away.
    assert_eq!((session.bench.unclear_faces(), session.bench.view().shows_in_photo), (2, true));
    let id = session.bench.take_unclear_face().unwrap();
    let (photo, placement) = session.bench.placement_of(id).unwrap();
    assert_eq!((photo.name.as_str(), placement.original.faces.len()), ("group", 3));
    // Another face takes its place in one step; the one in use is left alone.
    session.run(Action::UseFace(id, placement.landmarks.unwrap()));
    session.wait_until_idle();
    assert!(session.steps().is_empty());
    session.run(Action::UseFace(id, placement.original.faces[1].landmarks));
    session.wait_until_idle();
    assert_eq!(session.steps(), ["Choose face"]);
    let id = session.bench.take_unclear_face().unwrap();
    session.run(Action::KeepFace(id));
    assert!(
        session.was_told(NoticeKind::Info, "No face was found in nobody, and nothing is painted from it"),
        "{:?}",
        session.notices
    );
    assert_eq!(session.bench.take_unclear_face(), None);
}

#[test]
fn photos_that_were_open_lately_are_offered_again() {
    let folder = tempfile::tempdir().unwrap();
    let folders = folders_in(&folder.path().join("settings"));
    let paths: Vec<PathBuf> = ["a.png", "b.png", "c.png"].iter().map(|name| folder.path().join(name)).collect();
    paths.iter().for_each(|path| save_photo(path, 60, 60));
    let start = |photos: &[PathBuf]| {
        let folders = Some(folders.clone());
        let mut session = Session::new(WorkbenchOptions { folders, ..options(photos.to_vec(), Duration::ZERO) });
        session.wait_until_idle();
        session
    };
    let recent = |session: &Session| -> Vec<(PathBuf, bool)> {
        let files = session.bench.recent().files(RecentKind::Photo).iter();
        files.map(|file| (file.path.clone(), file.is_missing)).collect()
    };
    let mut session = start(&paths[..2]);
    session.run(Action::OpenPaths(paths[2..].to_vec()));
    session.wait_until_idle();
    let [a, b, c] = [0, 1, 2].map(|index| (paths[index].clone(), false));
    assert_eq!(recent(&session), [c.clone(), b, a.clone()], "the demo's portraits are in no file");
    assert!(session.bench.recent().files(RecentKind::Project).is_empty());
    session.bench.close();

    std::fs::remove_file(&paths[1]).unwrap();
    let mut session = start(&[]);
    assert_eq!(recent(&session), [c, (paths[1].clone(), true), a]);
    session.run(Action::ForgetRecent);
    session.wait_until_idle();
    assert!(recent(&session).is_empty());
    session.bench.close();
    assert!(recent(&start(&[])).is_empty());
}
