//! Faces that are brought nearer to their photos beside the work.

use stylebrush_app::document::PhotoId;
use stylebrush_app::settings::{RefinementSettings, Refining};

use super::*;

const IMPROVE: &str = "Improve likeness";

fn first_photo(session: &Session) -> PhotoId {
    session.bench.document().photos()[0].id
}

fn with_steps(session: &mut Session, refining: Refining) {
    session.run(Action::SetRefinement(RefinementSettings { refining, is_of_every_photo: false }));
}

/// Improves the source's likeness, and gives the picture before and after.
fn improve(session: &mut Session) -> (Arc<Frame>, Arc<Frame>) {
    let before = session.settle();
    let photo = first_photo(session);
    session.run(Action::ImproveLikeness(Some(photo)));
    assert!(session.bench.refinement(photo).is_some() && !session.bench.is_idle());
    session.wait_until_idle();
    assert!(session.bench.is_refined(photo));
    (before, session.settle())
}

/// The mean square error of the picture to the source's crop, in levels.
fn error(session: &Session, frame: &Frame) -> f64 {
    let crop = &session.bench.document().photos()[0].crop;
    let crop = stylemap::photo::resized(crop, frame.size_px as u32);
    let picture = frame.to_rgb();
    let squares = crop.as_raw().iter().zip(picture.as_raw()).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
    squares.sum::<f64>() / crop.as_raw().len() as f64
}

#[test]
fn an_improved_face_is_nearer_to_its_photo_and_is_a_step() {
    let mut session = Session::ready();
    with_steps(&mut session, Refining::Usual);
    let (before, after) = improve(&mut session);
    assert!(error(&session, &after) < 0.8 * error(&session, &before));
    assert_eq!(session.steps(), [IMPROVE]);
    session.run(Action::Undo);
    assert_eq!(session.settle().rgba, before.rgba, "undone, the face is what it was");
    assert!(!session.bench.is_refined(first_photo(&session)));
    session.run(Action::Redo);
    assert_eq!(session.settle().rgba, after.rgba, "done again");
    // Once more goes on from there.
    let (_, further) = improve(&mut session);
    assert!(error(&session, &further) <= error(&session, &after) * 1.01);
}

#[test]
fn an_improved_face_stays_so_in_its_project_and_under_likeness() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("face.stylebrush");
    let mut session = Session::ready();
    with_steps(&mut session, Refining::Short);
    let (before, after) = improve(&mut session);
    session.run(Action::SaveProjectTo(path.clone()));
    session.wait_until_idle();
    let mut second = Session::ready();
    second.run(Action::OpenProject(path));
    second.wait_until("the project is open", |bench| bench.projects().path().is_some() && bench.is_idle());
    assert_eq!(second.settle().rgba, after.rgba);
    let photo = first_photo(&second);
    assert!(second.bench.is_refined(photo) && second.bench.refinement(photo).is_none());
    second.run(Action::SetLikeness(photo, 0.0));
    assert_eq!(second.settle().rgba, before.rgba, "without its likeness it is the encoder's again");
}

#[test]
fn a_face_that_was_improved_once_is_there_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let folders = Some(folders_in(folder.path()));
        let mut session = Session::new(WorkbenchOptions { folders, ..options(Vec::new(), Duration::ZERO) });
        session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
        session
    };
    let mut first = start();
    with_steps(&mut first, Refining::Short);
    let (_, after) = improve(&mut first);
    first.bench.close();
    let mut second = start();
    let photo = first_photo(&second);
    assert!(!second.bench.is_refined(photo), "what nobody asks for is not done");
    let mut was_refined_anew = false;
    second.run(Action::ImproveLikeness(Some(photo)));
    second.wait_until("it is there", |bench| {
        was_refined_anew |= bench.refinement(photo).is_some_and(|progress| progress.done > 0);
        bench.is_idle()
    });
    assert!(!was_refined_anew);
    assert_eq!(second.settle().rgba, after.rgba);
    assert_eq!(second.steps(), [IMPROVE]);
}

#[test]
fn improving_can_be_stopped_and_what_was_found_stays() {
    let mut session = Session::ready();
    with_steps(&mut session, Refining::Long);
    let before = session.settle();
    let photo = first_photo(&session);
    session.run(Action::ImproveLikeness(Some(photo)));
    session.wait_until("some steps were taken", |bench| bench.refinement(photo).is_none_or(|it| it.done >= 3));
    session.run(Action::StopImprovingLikeness(Some(photo)));
    session.wait_until_idle();
    let after = session.settle();
    assert!(error(&session, &after) < error(&session, &before));
    assert_eq!(session.steps(), [IMPROVE]);
    assert_eq!(session.errors(), [] as [&str; 0]);
}

#[test]
fn the_stroke_under_way_goes_on_while_a_face_is_improved() {
    let mut session = Session::ready();
    with_steps(&mut session, Refining::Short);
    let photo = first_photo(&session);
    let at = |x: f32| Point::new(x, 256.0);
    let (pressure, modifiers) = (1.0, Modifiers::default());
    session.run(Action::ImproveLikeness(Some(photo)));
    session.point(&ToolEvent::PointerDown { pos_in_canvas: at(150.0), button: Button::Primary, pressure, modifiers });
    // The engine is done with it while the button is held.
    session.wait_until("it is found", |bench| bench.engine().refining(photo).is_none());
    assert_eq!(session.steps(), [] as [&str; 0]);
    assert!(session.bench.is_refining());
    session.point(&ToolEvent::PointerMove { pos_in_canvas: at(300.0), pressure, modifiers });
    session.point(&ToolEvent::PointerUp);
    session.wait_until_idle();
    assert_eq!(session.steps(), ["Paint stroke", IMPROVE]);
    assert!(session.mask_value(225, 256) > 0);
    session.run(Action::Undo);
    assert!(!session.bench.is_refined(photo) && session.mask_value(225, 256) > 0);
}

#[test]
fn a_photo_that_is_closed_is_improved_no_further() {
    let mut session = Session::ready();
    with_steps(&mut session, Refining::Long);
    let photo = first_photo(&session);
    session.run(Action::ImproveLikeness(Some(photo)));
    session.wait_until("it has begun", |bench| bench.refinement(photo).is_none_or(|it| it.done >= 1));
    session.run(Action::RemovePhoto(photo));
    session.wait_until_idle();
    assert_eq!(session.bench.refinement(photo), None);
    session.run(Action::Undo);
    session.wait_until_idle();
    assert!(!session.bench.is_refined(photo), "it comes back as it was");
    assert_eq!(session.errors(), [] as [&str; 0]);
}

#[test]
fn every_photo_is_improved_by_itself_where_that_is_wanted() {
    let mut session = Session::ready();
    let refinement = RefinementSettings { is_of_every_photo: true, refining: Refining::Short };
    session.run(Action::SetRefinement(refinement));
    let is_done = |bench: &Workbench| bench.document().photos().iter().all(|photo| bench.is_refined(photo.id));
    session.wait_until("every face is improved", |bench| is_done(bench) && bench.is_idle());
    assert_eq!(session.steps(), [] as [&str; 0], "there is nothing to undo");
    session.run(Action::Quit);
    assert!(session.effects.contains(&Effect::Quit), "and nothing to save: {:?}", session.effects);
}
