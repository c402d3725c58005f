//! The whole job as a user does it, once with the mouse alone and once with the keyboard alone: open two photos, swap the
//! mouth, move it, soften, compare, save, reopen, export.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Key, Modifiers, PointerButton, vec2};
use egui_kittest::kittest::Queryable as _;
use stylebrush_app::document::Point;
use stylebrush_app::editor::{Editor, EditorOptions};

use super::{Dropped, Session, differing, distance, face_options, folders_in, portrait};

const PHOTOS: [&str; 2] = ["faker_f53.jpg", "faker_m29.jpg"];

/// Two photos on the disk, and an editor that has opened neither.
struct Walk {
    folder: tempfile::TempDir,
    photos: Vec<PathBuf>,
    session: Session,
}

impl Walk {
    fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let photos = PHOTOS.map(|name| folder.path().join(name)).to_vec();
        for (name, path) in PHOTOS.iter().zip(&photos) {
            portrait(name).save(path).unwrap();
        }
        let folders = folders_in(&folder.path().join("settings"));
        let session = Session::new(EditorOptions { folders: Some(folders), ..face_options(Vec::new()) });
        let mut walk = Self { folder, photos, session };
        walk.session.harness.run_steps(2);
        walk.session.wait_until("the window is ready", |editor| editor.is_idle() && editor.frame().is_some());
        walk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn wait_for_photos(&mut self, count: usize) {
        self.session.wait_until("the photos are open", |editor| editor.timeline().document().photos().len() == count);
        self.session.wait_until("the faces are read", Editor::is_idle);
    }

    /// The mouth of the second photo lies there, softened and moved, and undo knows each step.
    fn check_edit(&self) {
        let layer = self.session.editor().timeline().document().active_layer().unwrap().clone();
        assert_eq!(layer.name, "faker_m29");
        assert!(layer.mask.value(256, 373) > 200 && layer.mask.value(256, 130) == 0, "the mouth is painted");
        let values = layer.mask.to_values();
        assert!(values.iter().any(|value| (1..255).contains(value)), "its edge is soft");
        assert_ne!(layer.offset_px, (0, 0));
    }

    /// What is saved, opened again and exported is what was drawn.
    fn check_files(&mut self, drawn: &[u8], project: &Path, picture: &Path) {
        assert_eq!(self.session.editor().projects().path(), Some(project));
        assert!(!self.session.editor().has_unsaved_changes());
        self.check_edit();
        let again = self.session.settle();
        assert!(again.rgba == drawn, "it draws the same when it is opened again");
        let exported = image::open(picture).unwrap().to_rgba8();
        assert!(distance(&exported, &again) < 3.0, "{}", distance(&exported, &again));
    }
}

#[test]
fn with_the_mouse_alone() {
    let mut walk = Walk::begin();
    walk.session.choose(&["File", "New project"]);
    for path in walk.photos.clone() {
        walk.session.harness.input_mut().dropped_files.push(Arc::new(Dropped(path)));
    }
    walk.session.harness.step();
    walk.wait_for_photos(2);
    walk.session.harness.get_by_label("faker_m29").click();
    walk.session.harness.run_steps(3);
    let session = &mut walk.session;
    session.choose(&["Layer", "Paint region", "Paint mouth"]);
    session.harness.get_by_label("Move region").click();
    session.harness.run_steps(2);
    session.drag((256.0, 373.0), (268.0, 366.0), PointerButton::Primary);
    session.harness.get_by_label("Soften mask by 4 px").click();
    session.harness.run_steps(3);
    walk.check_edit();

    // Compare, with the line dragged to one side and back.
    let session = &mut walk.session;
    let edit = session.settle();
    session.choose(&["View", "Compare across a line"]);
    let knob = session.harness.get_by_label("Split").rect().center();
    session.hover(knob);
    session.button(knob, PointerButton::Primary, true);
    session.hover(knob + vec2(80.0, 0.0));
    session.button(knob + vec2(80.0, 0.0), PointerButton::Primary, false);
    assert!(session.harness.get_by_label("Split").rect().center().x > knob.x + 40.0);
    session.choose(&["View", "Compare across a line"]);
    assert!(session.harness.query_by_label("Split").is_none());

    // The names that the boxes suggest will do.
    session.choose(&["File", "Save project to path…"]);
    session.harness.run_steps(8);
    session.harness.get_by_role_and_label(egui::Role::Button, "Save").click();
    session.wait_until("it is saved", |editor| !editor.has_unsaved_changes() && editor.projects().path().is_some());
    let project = session.editor().projects().path().unwrap().to_owned();
    assert_eq!(project.parent(), Some(walk.folder.path()), "it lies beside the photos");
    let session = &mut walk.session;
    session.choose(&["File", "New project"]);
    assert!(session.editor().timeline().document().is_empty());
    let name = project.file_stem().unwrap().to_string_lossy().into_owned();
    session.harness.get_by_label("File").click();
    session.harness.run_steps(3);
    session.harness.get_by_label_contains("Recent projects").hover();
    session.harness.run_steps(20);
    session.harness.get_by_label(&name).click();
    walk.wait_for_photos(2);
    let session = &mut walk.session;
    session.choose(&["File", "Export to path…"]);
    session.harness.run_steps(8);
    session.harness.get_by_role_and_label(egui::Role::Button, "Export").click();
    let picture = walk.path("faker_f53 edited.png");
    walk.session.wait_until("it is exported", |editor| editor.is_idle() && picture.exists());
    walk.check_files(&edit.rgba, &project, &picture);
}

/// The box that finds commands, with a command's name typed into it.
fn find(session: &mut Session, name: &str) {
    session.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    session.harness.event(egui::Event::Text(name.to_owned()));
    session.harness.run_steps(3);
    session.key(Modifiers::NONE, Key::Enter);
}

/// A path typed over what a box suggests.
fn type_path(session: &mut Session, path: &Path) {
    session.harness.run_steps(3);
    session.key(Modifiers::COMMAND, Key::A);
    session.harness.event(egui::Event::Text(path.display().to_string()));
    session.harness.run_steps(2);
    session.key(Modifiers::NONE, Key::Enter);
}

#[test]
fn with_the_keyboard_alone() {
    let mut walk = Walk::begin();
    find(&mut walk.session, "new project");
    assert!(walk.session.editor().timeline().document().is_empty());
    for (index, path) in walk.photos.clone().into_iter().enumerate() {
        walk.session.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::O);
        type_path(&mut walk.session, &path);
        walk.wait_for_photos(index + 1);
    }
    let session = &mut walk.session;
    find(session, "paint mouth");
    for _ in 0..3 {
        session.key(Modifiers::SHIFT, Key::ArrowRight);
    }
    session.key(Modifiers::NONE, Key::ArrowUp);
    find(session, "soften mask");
    walk.check_edit();
    let session = &mut walk.session;
    let layer = session.editor().timeline().document().active_layer().unwrap().clone();
    assert_eq!(layer.offset_px, (30, -1));
    let edit = session.settle();

    // Compare for as long as the key is held. What the machine's speed decides lies outside the canvas.
    let area = session.editor().view().area();
    let drawn = session.render();
    session.harness.key_down(Key::C);
    session.harness.run_steps(3);
    assert!(differing(&session.render(), &drawn, area) > 10_000);
    session.harness.key_up(Key::C);
    session.harness.run_steps(3);
    assert_eq!(differing(&session.render(), &drawn, area), 0);

    let (project, picture) = (walk.path("mouth.stylebrush"), walk.path("mouth.png"));
    let session = &mut walk.session;
    find(session, "save project to path");
    type_path(session, &project);
    session.wait_until("it is saved", |editor| !editor.has_unsaved_changes() && editor.projects().path().is_some());
    find(session, "new project");
    session.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::O);
    type_path(session, &project);
    walk.wait_for_photos(2);
    find(&mut walk.session, "export to path");
    type_path(&mut walk.session, &picture);
    walk.session.wait_until("it is exported", |editor| editor.is_idle() && picture.exists());
    walk.check_files(&edit.rgba, &project, &picture);
    // The canvas lies where it lay: nothing was clicked.
    assert_eq!(walk.session.editor().view().canvas_from_screen(walk.session.screen(7.0, 9.0)), Point::new(7.0, 9.0));
}
