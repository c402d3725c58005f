//! Every widget that does something has a name for the screen reader and is reached by Tab: in the panels, and in every box.

use std::collections::BTreeMap;

use egui::Role;
use egui::accesskit::Action as Request;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use stylebrush_app::workbench::lesson::ExampleGroup;

use super::*;

/// What it is called and where it lies, by its number.
type Widgets = BTreeMap<String, String>;

/// Everything that is shown and can be clicked, typed into or dragged.
fn widgets(session: &Session) -> Widgets {
    let does_something = |role| {
        matches!(
            role,
            Role::Button
                | Role::CheckBox
                | Role::RadioButton
                | Role::Slider
                | Role::SpinButton
                | Role::TextInput
                | Role::ComboBox
                | Role::Link
        )
    };
    let nodes = session.harness.root().query_all(egui_kittest::kittest::By::new().recursive(true));
    let mut found = Widgets::new();
    for node in nodes {
        let it = node.accesskit_node();
        let takes = it.data().supports_action(Request::Focus) || it.data().supports_action(Request::Click);
        if does_something(it.role()) && takes && !it.is_disabled() && !it.is_hidden() {
            let name = it.label().or_else(|| it.data().placeholder().map(str::to_owned)).unwrap_or_default();
            assert!(!name.trim().is_empty(), "{:?} at {:?} has no name", it.role(), node.rect());
            found.insert(format!("{:?}", it.id()), format!("{:?} {name:?} at {:?}", it.role(), node.rect()));
        }
    }
    found
}

fn focused(session: &Session) -> Option<String> {
    let nodes = session.harness.root().query_all(egui_kittest::kittest::By::new().recursive(true));
    nodes
        .into_iter()
        .find(|node| node.accesskit_node().is_focused())
        .map(|node| format!("{:?}", node.accesskit_node().id()))
}

/// Goes round by Tab, and demands that it comes by all of these.
fn check_tab(session: &mut Session, place: &str, mut missed: Widgets) {
    let presses = 2 * missed.len() + 20;
    for _ in 0..presses {
        session.harness.key_press(Key::Tab);
        session.harness.run_steps(2);
        if let Some(id) = focused(session) {
            missed.remove(&id);
        }
        if missed.is_empty() {
            return;
        }
    }
    panic!("Tab does not come by these of {place}: {missed:#?}");
}

/// With sliders, a stroke and two faces.
fn session_at_work() -> Session {
    let mut session = Session::new(directed(options(Vec::new(), Duration::ZERO)));
    session.settle();
    session.wait_until("every face is read", Editor::is_idle);
    session.paint((200.0, 200.0), (300.0, 200.0));
    let other = session.editor().timeline().document().photos()[1].id;
    session.run(Action::BlendWith(Some(other)));
    session
}

#[test]
fn every_widget_of_every_box_has_a_name_and_is_reached_by_tab() {
    let mut session = session_at_work();
    session.run(Action::SaveBrushPreset("soft".to_owned()));
    session.settle();
    let questions = [
        Question::OpenPhotos,
        Question::ExportTo,
        Question::ExportInPhotoTo,
        Question::SaveProjectTo,
        Question::MotionTo,
        Question::MotionFramesTo,
        Question::ImportMaskFrom,
        Question::ExportMaskTo,
        Question::BatchPhotos,
        Question::BatchPhotoFolder,
        Question::BatchFolder,
        Question::ExamplePhotos(ExampleGroup::With),
        Question::ExampleFolder(ExampleGroup::Without),
        Question::ImportSlidersFrom,
    ];
    let mut boxes: Vec<Command> = [
        Look::ShowPalette,
        Look::ShowKeys,
        Look::ShowPreferences,
        Look::ShowPresets,
        Look::ShowBatch,
        Look::ShowMotionExport,
        Look::ShowRandomFaces,
        Look::ShowLesson,
        Look::ShowExport { in_photo: false },
        Look::ShowExport { in_photo: true },
        Look::ShowAbout,
        Look::ShowModelCard,
    ]
    .map(Command::from)
    .into();
    boxes.extend(questions.map(|question| Command::from(Look::AskForPath(question))));
    // Before something would be lost.
    boxes.push(Action::NewProject.into());
    for command in boxes {
        let behind = widgets(&session);
        session.run(command.clone());
        session.harness.run_steps(8);
        let mut own: Widgets = widgets(&session).into_iter().filter(|(id, _)| !behind.contains_key(id)).collect();
        assert!(!own.is_empty(), "{command:?} opens no box");
        if command == Command::from(Look::ShowPalette) {
            // The keyboard stays in its field, and arrows go through what is found.
            own.retain(|_, what| what.starts_with("TextInput"));
        }
        check_tab(&mut session, &format!("{command:?}"), own);
        session.key(Modifiers::NONE, Key::Escape);
        session.key(Modifiers::NONE, Key::Escape);
        session.harness.run_steps(8);
    }
}

#[test]
fn every_widget_of_the_panels_has_a_name_and_is_reached_by_tab() {
    let mut session = session_at_work();
    session.settle();
    let all = widgets(&session);
    check_tab(&mut session, "the window with a stroke and two faces", all);
    // With four faces mixed, and in the photo.
    session.run(Action::BlendFour(true));
    session.run(Action::ToggleInPhoto);
    session.settle();
    let all = widgets(&session);
    check_tab(&mut session, "the window with four faces, in the photo", all);
}
