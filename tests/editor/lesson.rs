//! The box in which a slider is learned.

use stylebrush_app::workbench::EngineState;
use stylebrush_app::workbench::lesson::ExampleGroup;

use super::*;

#[test]
fn a_slider_is_learned_in_its_box() {
    let folder = tempfile::tempdir().unwrap();
    let options = EditorOptions {
        load_engine: learning_model(),
        folders: Some(folders_in(folder.path())),
        ..options(Vec::new(), Duration::ZERO)
    };
    let mut session = Session::new(options);
    session.settle();
    session.wait_until("every face is read", Editor::is_idle);
    session.run(Look::ShowLesson);
    session.harness.run_steps(3);
    // A face of the tray, which is the last, goes to a side by its menu. What lies behind the box has the same names.
    session.harness.get_all_by_label("Portrait 3").last().unwrap().click();
    session.harness.run_steps(3);
    session.harness.get_all_by_label("Faces with it").last().unwrap().click();
    session.harness.run_steps(3);
    let count = |session: &Session, group| session.editor().workbench().lessons().examples(group).count();
    assert_eq!(count(&session, ExampleGroup::With), 1);
    // An example goes to the other side, and out.
    let shown = session.harness.get_all_by_label("Portrait 3").count();
    session.harness.get_all_by_label("Portrait 3").nth(shown - 2).unwrap().click();
    session.harness.run_steps(3);
    session.harness.get_by_label("Move to the other side").click();
    session.harness.run_steps(3);
    assert_eq!((count(&session, ExampleGroup::Without), count(&session, ExampleGroup::With)), (1, 0));
    let photos: Vec<_> = session.editor().timeline().document().photos().iter().map(|photo| photo.id).collect();
    for (index, photo) in photos.into_iter().enumerate() {
        let group = if index % 2 == 0 { ExampleGroup::Without } else { ExampleGroup::With };
        session.run(Action::AddExamplePhoto(group, photo));
    }
    assert!(!session.editor().workbench().is_enabled(&Action::LearnSlider), "it has no name yet");
    session.harness.get_by_role_and_label(egui::Role::TextInput, "Name").click();
    session.harness.run_steps(2);
    session.harness.get_by_role_and_label(egui::Role::TextInput, "Name").type_text("Beard");
    session.harness.run_steps(2);
    session.harness.get_by_label("Learn").click();
    session.wait_until("it is learned and drawn", |editor| {
        editor.workbench().lessons().slider().is_some() && editor.is_idle()
    });
    session.harness.run_steps(8);
    session.snapshot("learn");
    session.harness.get_by_label("Keep slider").click();
    session.wait_until("it is one of the model's", |editor| {
        let state = editor.workbench().engine().state();
        matches!(state, EngineState::Ready(info) if info.directions.iter().any(|it| it.name == "Beard"))
    });
    session.harness.run_steps(8);
    assert!(session.harness.query_by_label("Learn").is_none(), "the box is closed");
    assert!(session.harness.query_all_by_label("Beard").next().is_some(), "the slider is in the panel");
}
