//! How near faces come to their photos, and references to the colours of the source.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use egui::{Key, Modifiers, PointerButton, Rect, Role, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use image::RgbImage;
use stylebrush_app::document::{Document, Photo, PhotoId};
use stylebrush_app::editor::{Editor, EditorOptions};
use stylebrush_app::project::{self, ModelIdentity, Project};
use stylebrush_app::settings::Language;
use stylebrush_app::workbench::Action;
use stylemap::checkpoint::Checkpoint;
use stylemap::config::{Config, FineEncoderConfig};
use stylemap::engine::{Engine, FaceId};
use stylemap::model::{DeviceChoice, DtypeChoice};

use super::{Session, config, difference, options, portrait};

fn engine() -> stylemap::Result<Engine> {
    let fine_encoder = Some(FineEncoderConfig { top_width: 6, mid_width: 8, passes: 2 });
    Engine::new(Checkpoint::random(Config { fine_encoder, ..config() }, 7)?, DeviceChoice::Cpu, DtypeChoice::F32)
}

/// With a model that has a fine encoder, when every face is read.
fn session() -> Session {
    let options = options(Vec::new(), Duration::ZERO);
    let mut session = Session::new(EditorOptions { load_engine: Box::new(engine), ..options });
    session.wait_until("every face is read", |editor| editor.is_idle() && editor.frame().is_some());
    session
}

fn likeness(session: &Session, photo: usize) -> f32 {
    let document = session.editor().timeline().document();
    document.likeness(document.photos()[photo].id)
}

fn match_colours(session: &Session) -> f32 {
    session.editor().timeline().document().active_layer().unwrap().match_colours
}

fn slider(session: &Session, label: &str) -> Rect {
    session.harness.get_by_role_and_label(Role::Slider, label).rect()
}

/// From the right end of a slider to a share of its width.
fn drag_to(session: &mut Session, label: &str, share: f32) {
    let rect = slider(session, label);
    let (from, to) = (rect.right_center() - vec2(5.0, 0.0), rect.left_center() + vec2(share * rect.width(), 0.0));
    session.hover(from);
    session.button(from, PointerButton::Primary, true);
    for i in 1..=4 {
        session.hover(from + (to - from) * (i as f32 / 4.0));
    }
    session.button(to, PointerButton::Primary, false);
}

#[test]
fn likeness_is_a_slider_of_every_face_in_hand() {
    let mut session = session();
    let before = session.frame();
    assert!(session.harness.query_by_role_and_label(Role::Slider, "Likeness of Portrait 2").is_some(), "the layer's");
    drag_to(&mut session, "Likeness of Portrait 1", 0.3);
    let softer = session.settle();
    assert!((0.2..0.4).contains(&likeness(&session, 0)), "{}", likeness(&session, 0));
    assert_eq!(likeness(&session, 1), 1.0);
    assert!(difference(&before, &softer) > 200, "{}", difference(&before, &softer));
    assert_eq!(session.steps(), ["Change likeness"], "one drag is one step");

    session.key(Modifiers::COMMAND, Key::Z);
    assert!(session.settle().rgba == before.rgba);
    session.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert!(session.settle().rgba == softer.rgba);

    // By the keys alone, and typed.
    session.harness.get_by_role_and_label(Role::Slider, "Likeness of Portrait 1").focus();
    session.harness.run_steps(2);
    let dragged = likeness(&session, 0);
    session.key(Modifiers::NONE, Key::ArrowRight);
    assert!(likeness(&session, 0) > dragged);
    session.harness.get_by_label("Likeness of Portrait 1 value").click();
    session.harness.run_steps(3);
    session.harness.event(egui::Event::Text("0".to_owned()));
    session.harness.run_steps(2);
    session.key(Modifiers::NONE, Key::Enter);
    assert_eq!(likeness(&session, 0), 0.0);

    // A double click brings all of it back.
    let middle = slider(&session, "Likeness of Portrait 1").center();
    session.hover(middle);
    // Within one frame: frames of the harness are farther apart than the two clicks may be.
    let click = [true, false, true, false].map(|pressed| {
        let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
        egui::Event::PointerButton { pos: middle, button, pressed, modifiers }
    });
    session.harness.input_mut().events.extend(click);
    session.harness.run_steps(2);
    assert_eq!(likeness(&session, 0), 1.0);
    assert!(session.settle().rgba == before.rgba);
}

#[test]
fn every_photo_has_its_likeness_in_its_menu() {
    let mut session = session();
    assert!(session.harness.query_by_role_and_label(Role::Slider, "Likeness of Portrait 5").is_none());
    session.harness.get_by_label("Portrait 5").click_secondary();
    session.harness.run_steps(4);
    drag_to(&mut session, "Likeness of Portrait 5", 0.5);
    session.harness.run_steps(2);
    assert!((0.4..0.6).contains(&likeness(&session, 4)), "{}", likeness(&session, 4));
    drag_to(&mut session, "Likeness of Portrait 5", 0.2);
    assert!((0.1..0.3).contains(&likeness(&session, 4)), "the menu is still open");
    session.harness.get_by_label_contains("Paint from this photo").click();
    session.harness.run_steps(4);
    assert!(session.harness.query_by_label_contains("Paint from this photo").is_none(), "what is chosen closes it");
    let shown = session.harness.query_by_role_and_label(Role::Slider, "Likeness of Portrait 5").is_some();
    assert!(shown, "it is in hand now");
}

#[test]
fn a_model_without_a_fine_encoder_has_no_likeness_to_change() {
    let mut session = Session::ready();
    let slider = session.harness.get_by_role_and_label(Role::Slider, "Likeness of Portrait 1");
    assert!(slider.accesskit_node().is_disabled());
    drag_to(&mut session, "Likeness of Portrait 1", 0.3);
    assert_eq!(likeness(&session, 0), 1.0);
    assert!(session.steps().is_empty());
}

#[test]
fn a_layer_matches_colours_as_far_as_the_user_wants() {
    let mut session = session();
    session.paint((180.0, 230.0), (340.0, 230.0));
    let matched = session.settle();
    assert_eq!(match_colours(&session), 1.0);
    session.harness.get_by_role_and_label(Role::CheckBox, "Match colours").click();
    session.harness.run_steps(2);
    let own = session.settle();
    assert_eq!(match_colours(&session), 0.0);
    assert!(difference(&matched, &own) > 20, "{}", difference(&matched, &own));
    session.harness.get_by_role_and_label(Role::CheckBox, "Match colours").click();
    session.harness.run_steps(2);
    assert!(session.settle().rgba == matched.rgba);
    drag_to(&mut session, "Match colours", 0.6);
    assert!((0.5..0.7).contains(&match_colours(&session)), "{}", match_colours(&session));
    assert_eq!(session.steps(), ["Paint stroke", "Match colours", "Match colours", "Match colours"]);
    session.run(Action::Undo);
    assert!(session.settle().rgba == matched.rgba);

    session.run(Action::UseLanguage(Some(Language::Korean)));
    session.harness.run_steps(3);
    for label in ["색 맞추기", "Portrait 1의 닮음"] {
        assert!(session.harness.query_all_by_label(label).next().is_some(), "{label}");
    }
}

fn photo_of(crop: RgbImage) -> Photo {
    Photo {
        id: PhotoId(1),
        name: "A".to_owned(),
        crop: Arc::new(crop),
        path: None,
        placement: None,
        latent: None,
        latent_model: None,
        is_sample: false,
    }
}

/// What a model made of a photo counts in a project, for that model: here it is another face's, which nobody could draw from the photo.
#[test]
fn a_project_is_drawn_from_the_faces_that_it_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let crops = ["faker_f17.jpg", "faker_m29.jpg"].map(portrait);
    let mut engine_of_faces = engine().unwrap();
    engine_of_faces.add_face(FaceId(9), &crops[1]).unwrap();
    let latent = Arc::new(engine_of_faces.latent(FaceId(9)).unwrap().clone());
    assert!(latent.residuals.is_some());
    let hash = engine_of_faces.info().hash;

    let save = |path: &Path, crop: &RgbImage, kept_for: Option<&str>| {
        let mut document = Document::default();
        document.add_photo(photo_of(crop.clone()));
        let model = kept_for.map(|hash| ModelIdentity { name: "test model".to_owned(), hash: hash.to_owned() });
        let latents = kept_for.map(|_| (PhotoId(1), Arc::clone(&latent))).into_iter().collect();
        project::save(path, &Project { document, model, latents, ..Project::default() }).unwrap();
    };
    let path = folder.path().join("a.stylebrush");
    let drawn = |crop: &RgbImage, kept_for: Option<&str>| {
        save(&path, crop, kept_for);
        // Named on the command line, so that the project is there before the model.
        let options = options(vec![path.clone()], Duration::ZERO);
        let mut session = Session::new(EditorOptions { load_engine: Box::new(engine), ..options });
        session.wait_until("the project is drawn", |editor| editor.is_idle() && editor.frame().is_some());
        let first = session.frame();
        // And again, with the model there.
        session.run(Action::OpenProject(path.clone()));
        session.wait_until("it is open again", Editor::is_idle);
        assert!(session.settle().rgba == first.rgba);
        first
    };
    let [own, other] = [drawn(&crops[0], None), drawn(&crops[1], None)];
    assert!(difference(&own, &other) > 500);
    assert!(drawn(&crops[0], Some(&hash)).rgba == other.rgba);
    assert!(drawn(&crops[0], Some("another model")).rgba == own.rgba);
}
