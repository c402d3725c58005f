//! A slider that is learned from two groups of faces, kept, used, exported and forgotten.

use image::{Rgb, RgbImage};
use stylebrush_app::document::PhotoId;
use stylebrush_app::workbench::EngineState;
use stylebrush_app::workbench::lesson::{ExampleGroup, LessonPlan, STRIP_PLACES};
use stylemap::engine::SampleRequest;

use super::*;

const WITHOUT: ExampleGroup = ExampleGroup::Without;
const WITH: ExampleGroup = ExampleGroup::With;

fn session_in(folder: &std::path::Path) -> Session {
    let options = WorkbenchOptions {
        load_engine: learning_model(),
        folders: Some(folders_in(folder)),
        ..options(Vec::new(), Duration::ZERO)
    };
    let mut session = Session::new(options);
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    session
}

/// Pictures that are dark above or below, each a little different.
fn save_pictures(folder: &std::path::Path, is_dark_below: bool, count: u8) -> Vec<PathBuf> {
    let name = if is_dark_below { "below" } else { "above" };
    std::fs::create_dir_all(folder.join(name)).unwrap();
    let picture = |index: u8| {
        let path = folder.join(name).join(format!("{index}.png"));
        let picture = RgbImage::from_fn(64, 64, |x, y| {
            let level = if (y >= 32) == is_dark_below { 30 } else { 200 };
            Rgb([level + 9 * index, level, (x as u8 / 4 * index).min(200)])
        });
        picture.save(&path).unwrap();
        path
    };
    (0..count).map(picture).collect()
}

fn names(session: &Session) -> Vec<String> {
    let EngineState::Ready(info) = session.bench.engine().state() else { panic!("the model is not loaded") };
    info.directions.iter().map(|direction| direction.name.clone()).collect()
}

fn plan(name: &str) -> Action {
    Action::SetLesson(LessonPlan { name: name.to_owned(), unchanged: ["Smile".to_owned()].into() })
}

/// Learns a slider from five pictures a side, one side being a folder, and keeps it.
fn learn(session: &mut Session, folder: &std::path::Path, name: &str) {
    let above = save_pictures(folder, false, 5);
    save_pictures(folder, true, 5);
    session.run(Action::AddExampleFiles(WITHOUT, above));
    session.run(Action::AddExampleFiles(WITH, vec![folder.join("below")]));
    session.wait_until_idle();
    session.run(plan(name));
    assert_eq!(session.bench.lesson_lacks(), None, "{:?}", session.bench.lessons().failures());
    session.run(Action::LearnSlider);
    session.wait_until_idle();
    let slider = session.bench.lessons().slider().expect("it was learned");
    assert!(slider.percent_told_right() >= 90, "{}", slider.percent_told_right());
    assert_eq!(slider.strip.len(), STRIP_PLACES * slider.faces.len());
    assert!(slider.strip.iter().all(Option::is_some) && !slider.faces.is_empty());
    let ends = [0, STRIP_PLACES - 1].map(|place| slider.strip[place].as_ref().unwrap().rgba.clone());
    assert_ne!(ends[0], ends[1], "the ends of the range look different");
    let middle = &slider.strip[STRIP_PLACES / 2].as_ref().unwrap().rgba;
    assert_eq!(*middle, session.bench.frame().unwrap().rgba, "in the middle the source is what it is");
    session.run(Action::KeepSlider);
    session.wait_until("the slider is there", |bench| {
        matches!(bench.engine().state(), EngineState::Ready(info) if info.directions.iter().any(|it| it.name == name))
    });
}

#[test]
fn a_slider_is_learned_kept_used_and_there_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session_in(folder.path());
    let before = names(&session);
    learn(&mut session, folder.path(), "Dark below");
    assert_eq!(session.bench.lessons().examples(WITH).count(), 0, "the next lesson begins anew");
    assert_eq!(names(&session), [before.as_slice(), &["Dark below".to_owned()]].concat());
    let plain = session.settle();
    session.run(Action::SetDirection("Dark below".to_owned(), 1.5));
    let moved = session.settle();
    assert!(difference(&plain, &moved) > 0, "it moves the face");

    // The file is there for the next start.
    drop(session);
    let mut session = session_in(folder.path());
    session.wait_until("what was learned is read", |bench| bench.lessons().known().len() == 1 && bench.is_idle());
    session.wait_until(
        "the engine has it",
        |bench| matches!(bench.engine().state(), EngineState::Ready(info) if info.directions.len() == before.len() + 1),
    );
    session.run(Action::SetDirection("Dark below".to_owned(), 1.5));
    session.settle();
    session.wait_until("the same picture", |bench| bench.frame().is_some_and(|frame| frame.rgba == moved.rgba));

    // It goes out, is forgotten and comes back.
    let file = folder.path().join("dark.directions.safetensors");
    session.run(Action::ExportSliderTo(0, file.clone()));
    session.wait_until_idle();
    session.run(Action::ForgetSlider("Dark below".to_owned()));
    session.wait_until("it is gone", |bench| bench.lessons().known().len() == 0);
    session.wait_until("the face is what it was", |bench| {
        !bench.is_rendering() && bench.frame().is_some_and(|frame| frame.rgba == plain.rgba)
    });
    assert_eq!(session.bench.unknown_directions(), ["Dark below"], "the edit keeps it by name");
    session.run(Action::ImportSlidersFrom(file));
    session.wait_until("it is back", |bench| {
        !bench.is_rendering() && bench.frame().is_some_and(|frame| frame.rgba == moved.rgba)
    });
    assert!(session.notices.iter().all(|(kind, _)| *kind != NoticeKind::Error), "{:?}", session.notices);
}

#[test]
fn what_a_lesson_lacks_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session_in(folder.path());
    let lacks = |session: &Session| session.bench.lesson_lacks();
    assert_eq!(lacks(&session), Some("Each side needs three faces at least"));
    let above = save_pictures(folder.path(), false, 3);
    let below = save_pictures(folder.path(), true, 3);
    session.run(Action::AddExampleFiles(WITHOUT, above));
    session.run(Action::AddExampleFiles(WITH, below));
    session.wait_until_idle();
    assert_eq!(lacks(&session), Some("The slider needs a name"));
    session.run(plan("Smile"));
    assert_eq!(lacks(&session), Some("The model has a slider of this name already"));
    assert!(!session.bench.is_enabled(&Action::LearnSlider));
    session.run(plan("Hat"));
    assert_eq!(lacks(&session), None);
    let broken = folder.path().join("broken.png");
    std::fs::write(&broken, b"no picture").unwrap();
    session.run(Action::AddExampleFiles(WITH, vec![broken]));
    session.wait_until_idle();
    let failures = session.bench.lessons().failures();
    assert!(failures.len() == 1 && failures[0].contains("broken.png"), "{failures:?}");
    assert_eq!(session.bench.lessons().examples(WITH).count(), 3);
    // A file that is no file of sliders changes nothing.
    session.run(Action::ImportSlidersFrom(folder.path().join("broken.png")));
    session.wait_until_idle();
    let (kind, text) = session.notices.last().unwrap();
    assert!(*kind == NoticeKind::Error && text.contains("broken.png"), "{text}");
}

#[test]
fn a_face_is_on_one_side_once_wherever_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session_in(folder.path());
    let photo: PhotoId = session.bench.document().photos()[0].id;
    let request = SampleRequest { seed: 3, index: 1, truncation: 0.7 };
    session.run(Action::SampleFaces(vec![request]));
    session.wait_until("it is drawn", |bench| bench.engine().samples().len() == 1);
    for group in [WITHOUT, WITHOUT, WITH] {
        session.run(Action::AddExamplePhoto(group, photo));
        session.run(Action::AddExampleRandom(group, request));
    }
    let count = |session: &Session, group| session.bench.lessons().examples(group).count();
    assert_eq!((count(&session, WITHOUT), count(&session, WITH)), (0, 2));
    assert!(session.bench.lessons().is_idle(), "both are known already: nothing is encoded for them");
    let number = session.bench.lessons().examples(WITH).next().unwrap().number;
    session.run(Action::MoveExample(number));
    assert_eq!((count(&session, WITHOUT), count(&session, WITH)), (1, 1));
    session.run(Action::RemoveExample(number));
    session.run(Action::ClearExamples(WITH));
    assert_eq!((count(&session, WITHOUT), count(&session, WITH)), (0, 0));
    assert!(session.bench.timeline().undo_name().is_none(), "a lesson is no edit");
}
