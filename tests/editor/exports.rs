//! The boxes for exports, batches and presets, by their names and by keys.

use stylebrush_app::workbench::batch::BatchPlan;

use super::*;

/// Types into the field in which the keyboard is, in place of what stands there.
fn type_over(session: &mut Session, text: &str) {
    session.key(Modifiers::COMMAND, Key::A);
    session.harness.event(egui::Event::Text(text.to_owned()));
    session.harness.run_steps(4);
}

fn click(session: &mut Session, label: &str) {
    session.harness.get_by_label(label).click();
    session.harness.run_steps(4);
}

#[test]
fn the_export_box_says_size_and_name_before() {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    session.key(Modifiers::COMMAND, Key::E);
    session.harness.run_steps(12);
    for (choice, px) in [("512 px", 512), ("1024 px", 1024), ("The model’s", 32)] {
        click(&mut session, choice);
        let size = format!("{px} × {px} pixels");
        assert!(session.harness.query_by_label(&size).is_some(), "{choice}: {size}");
    }
    click(&mut session, "The whole photo");
    assert!(
        session.harness.query_by_label("The model’s").is_none()
            && session.harness.query_by_label("Its own size").is_some()
    );
    click(&mut session, "Only what changed, on transparent ground");
    assert!(session.editor().workbench().export_settings().change_only);
    // What a JPEG cannot do is said, and the wish is there again for a kind of file that can.
    click(&mut session, "JPEG");
    let choice = "Only what changed, on transparent ground";
    assert!(session.harness.get_by_label(choice).accesskit_node().is_disabled());
    assert!(session.harness.query_by_label_contains("choose PNG, WebP or TIFF").is_some());
    click(&mut session, "TIFF");
    let toggled = session.harness.get_by_label(choice).accesskit_node().toggled();
    assert_eq!(toggled, Some(egui::accesskit::Toggled::True));

    // A name is shown as it will be, and what is none cannot be chosen.
    session.harness.get_by_role(egui::Role::TextInput).focus();
    session.harness.run_steps(4);
    type_over(&mut session, "layer {photo} {size}");
    let (width, height) = session.editor().workbench().export_size_px(true, Default::default());
    let name = format!("{width}x{height}.tif");
    assert!(session.harness.query_by_label_contains(&name).is_some(), "{name}");
    type_over(&mut session, "a/b");
    assert!(session.harness.query_by_label_contains("{photo}, {face}").is_some());
    assert!(session.harness.get_by_label("Choose a file…").accesskit_node().is_disabled());
    assert_eq!(session.editor().workbench().export_settings().name.text(), "layer {photo} {size}");
}

#[test]
fn an_edit_is_applied_to_a_folder_by_the_box() {
    let folder = tempfile::tempdir().unwrap();
    let [photos, out] = ["photos", "out"].map(|name| folder.path().join(name));
    [&photos, &out].iter().for_each(|path| std::fs::create_dir(path).unwrap());
    save_photo(&photos.join("a.png"), 90, 60);
    std::fs::write(photos.join("b.png"), "no picture").unwrap();
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    session.paint((200.0, 200.0), (300.0, 200.0));
    session.run(Look::ShowBatch);
    session.harness.run_steps(12);
    assert!(session.harness.get_by_label("Apply").accesskit_node().is_disabled(), "nothing is chosen yet");
    for (button, path) in [("Choose a folder of photos…", &photos), ("Choose where to write…", &out)] {
        click(&mut session, button);
        session.harness.run_steps(8);
        type_over(&mut session, &path.display().to_string());
        session.key(Modifiers::NONE, Key::Enter);
        session.harness.run_steps(12);
    }
    assert!(session.harness.query_by_label("photos").is_some(), "the folder is named");
    assert!(session.harness.query_by_label(&out.display().to_string()).is_some(), "and where it goes");
    click(&mut session, "Apply");
    session.wait_until("the batch is done", |editor| !editor.workbench().batch().is_running());
    session.harness.run_steps(12);
    assert!(out.join("a edited.png").is_file());
    assert!(session.harness.query_by_label("1 photos were written").is_some());
    let failure = session.harness.query_by_label_contains("b.png: ");
    assert!(failure.is_some(), "what failed is told file by file");
    click(&mut session, "Close");
}

#[test]
fn a_typed_path_of_a_file_that_is_there_is_asked_about() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.png");
    std::fs::write(&path, "mine").unwrap();
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    let type_path = |session: &mut Session| {
        session.run(Look::AskForPath(Question::ExportTo));
        session.harness.run_steps(12);
        type_over(session, &folder.path().join("mine").display().to_string());
        session.key(Modifiers::NONE, Key::Enter);
        session.harness.run_steps(12);
    };
    type_path(&mut session);
    let text = "mine.png is there already. Overwriting loses what is in it.";
    assert!(session.harness.query_by_label(text).is_some());
    click(&mut session, "Cancel");
    session.wait_until("nothing is under way", Editor::is_idle);
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    type_path(&mut session);
    click(&mut session, "Overwrite");
    session.wait_until("it is written", Editor::is_idle);
    assert!(image::open(&path).is_ok());
}

#[test]
fn closing_the_window_during_a_batch_asks() {
    let folder = tempfile::tempdir().unwrap();
    let photos: Vec<_> = (0..40).map(|i| folder.path().join(format!("photo {i}.png"))).collect();
    photos.iter().for_each(|path| save_photo(path, 90, 60));
    let mut session = Session::new(options(Vec::new(), Duration::from_millis(20)));
    session.wait_until("every face is read", Editor::is_idle);
    session.paint((200.0, 200.0), (300.0, 200.0));
    let plan = BatchPlan { photos, folder: Some(folder.path().to_owned()), ..BatchPlan::default() };
    session.run(Action::SetBatch(plan));
    session.run(Action::StartBatch);
    session.run(Action::Quit);
    session.harness.run_steps(12);
    assert!(session.harness.query_by_label_contains("Photos that are not written yet").is_some());
    click(&mut session, "Go on");
    assert!(session.editor().workbench().batch().is_running());
    session.run(Action::Quit);
    session.harness.run_steps(12);
    click(&mut session, "Stop and quit");
    assert!(!session.editor().workbench().batch().is_running());
    // The stroke is in no file yet.
    assert!(session.harness.query_by_label("Save the changes?").is_some());
}

#[test]
fn presets_are_kept_taken_and_deleted_in_their_box() {
    let mut session = Session::new(directed(options(Vec::new(), Duration::ZERO)));
    session.settle();
    session.wait_until("every face is read", Editor::is_idle);
    session.run(Action::BrushLarger);
    let brush = session.editor().workbench().toolbox().brush;
    session.run(Action::SetDirection("Smile".to_owned(), 1.0));
    session.run(Look::ShowPresets);
    session.harness.run_steps(12);
    for (field, name) in [("Name of the brush", "broad"), ("Name of the adjustment", "happy")] {
        session.harness.get_by_label(field).focus();
        session.harness.run_steps(4);
        type_over(&mut session, name);
        session.key(Modifiers::NONE, Key::Enter);
        assert!(session.harness.query_by_label(name).is_some(), "{name} is in its list");
    }
    session.snapshot("presets");
    session.run(Action::BrushSmaller);
    click(&mut session, "broad");
    assert_eq!(session.editor().workbench().toolbox().brush, brush);
    session.run(Action::ResetAdjustments);
    click(&mut session, "happy");
    assert_eq!(session.editor().timeline().document().directions(None).get("Smile"), Some(&1.0));
    click(&mut session, "Delete the preset broad");
    assert!(session.editor().workbench().presets().brushes.is_empty());
}

#[test]
fn an_edit_is_copied_and_pasted_by_keys() {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    session.paint((200.0, 200.0), (300.0, 200.0));
    session.key(Modifiers::COMMAND | Modifiers::ALT, Key::C);
    let other = session.editor().timeline().document().photos()[3].id;
    session.run(Action::EditFace(other));
    assert!(session.editor().timeline().document().layers().iter().all(|layer| layer.mask.is_empty()));
    session.key(Modifiers::COMMAND | Modifiers::ALT, Key::V);
    assert_eq!(session.mask_value(250, 200), 255);
    assert_eq!(session.steps().last().map(String::as_str), Some("Paste edit"));
}
