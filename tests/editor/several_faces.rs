//! Several faces of one photo in the window, and regions taken hold of by their handles.

use egui::{Key, Modifiers, PointerButton};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use stylebrush_app::editor::Editor;
use stylebrush_app::tools::ToolKind;
use stylebrush_app::workbench::Action;

use super::{Session, face_options, portrait, save_group};

/// A photo of three people, which shows, and a portrait to paint from.
fn session_with_group(folder: &tempfile::TempDir) -> Session {
    let [group, reference] = ["group.png", "reference.png"].map(|name| folder.path().join(name));
    save_group(&group);
    portrait("faker_f53.jpg").save(&reference).unwrap();
    let mut session = Session::new(face_options(vec![group, reference]));
    session.wait_until("every face is read", |editor| editor.is_idle() && editor.frame().is_some());
    assert_eq!(session.editor().asks_about(), None, "every face of it shows, and is a click away");
    session.settle();
    session.harness.run_steps(3);
    session
}

fn in_hand(editor: &Editor) -> Option<usize> {
    editor.workbench().faces_in_photo().iter().position(|face| face.is_in_hand)
}

#[test]
fn a_click_on_another_face_of_the_photo_works_on_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session_with_group(&folder);
    assert_eq!(in_hand(session.editor()), Some(1), "the middle one is the largest");
    // The face in hand has no frame: it is painted on.
    assert!(session.harness.query_by_label("Face 2 of 3").is_none());
    session.paint((210.0, 330.0), (300.0, 330.0));
    session.settle();

    // A press on another face is no stroke.
    let steps = session.steps().len();
    let other = session.harness.get_by_label("Face 3 of 3").rect().center();
    session.hover(other);
    session.button(other, PointerButton::Primary, true);
    assert!(session.editor().workbench().toolbox().busy().is_none());
    session.button(other, PointerButton::Primary, false);
    session.harness.remove_cursor();
    session.wait_until("the other face is in hand", |editor| in_hand(editor) == Some(2) && editor.is_idle());
    assert_eq!(session.steps().len(), steps + 1);
    assert_eq!(session.steps().last().unwrap(), "Edit another face");
    session.paint((180.0, 240.0), (330.0, 240.0));
    session.settle();
    session.harness.run_steps(3);
    assert!(!session.harness.get_by_label("Face 2 of 3, edited").accesskit_node().is_disabled());
    session.snapshot("several_faces");

    // By keys alone.
    session.key(Modifiers::ALT, Key::ArrowLeft);
    session.wait_until("the first edit is back", |editor| in_hand(editor) == Some(1) && editor.is_idle());
    assert_eq!(session.steps().len(), steps + 2, "to choose a face that is edited is no edit");
    assert!(session.mask_value(255, 330) > 0);
    session.key(Modifiers::COMMAND, Key::Z);
    session.wait_until("what is undone shows", |editor| in_hand(editor) == Some(2));
}

#[test]
fn a_region_is_scaled_by_a_corner_and_turned_by_the_knob() {
    let mut session = Session::ready();
    session.paint((220.0, 230.0), (300.0, 230.0));
    session.settle();
    session.run(Action::SelectTool(ToolKind::Move));
    let handles = |session: &Session| {
        let bench = session.editor().workbench();
        bench.toolbox().handles(bench.document()).unwrap()
    };
    let of = handles(&session);
    let (corner, middle) = (of.corners[2], of.middle);
    let to = middle + (corner - middle) + (corner - middle);
    session.drag((corner.x, corner.y), (to.x, to.y), PointerButton::Primary);
    let of = handles(&session);
    session.drag((of.knob.x, of.knob.y), (of.middle.x + 80.0, of.middle.y - 60.0), PointerButton::Primary);
    session.settle();
    let pose = session.editor().timeline().document().active_layer().unwrap().pose;
    assert!((pose.scale - 2.0).abs() < 0.1 && (0.6..1.3).contains(&pose.angle_radians), "{pose:?}");
    assert_eq!(session.steps(), ["Paint stroke", "Scale region", "Turn region"]);
    session.harness.run_steps(3);
    session.snapshot("region_handles");
    // By numbers, and back.
    session.harness.get_by_label("Mirror region").click();
    session.harness.run_steps(3);
    assert!(session.editor().timeline().document().active_layer().unwrap().pose.is_mirrored);
    session.key(Modifiers::NONE, Key::R);
    session.settle();
    assert!(session.editor().timeline().document().active_layer().unwrap().pose.is_identity());
}
