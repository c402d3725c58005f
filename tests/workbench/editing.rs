//! Edits: strokes, sliders, masks, layers, and what lies between two faces.

use stylebrush_app::document::history::EditKey;
use stylebrush_app::document::{Combine, LayerId, PhotoId, StyleMix};
use stylebrush_app::tools::ToolKind;
use stylemap::engine::SampleRequest;

use super::*;

fn active(session: &Session) -> LayerId {
    session.bench.document().active_layer().unwrap().id
}

fn photo(session: &Session, index: usize) -> PhotoId {
    session.bench.document().photos()[index].id
}

#[test]
fn a_stroke_changes_the_picture_and_undo_brings_it_back() {
    let mut session = Session::ready();
    let before = session.settle();
    session.paint((180.0, 230.0), (340.0, 230.0));
    let painted = session.settle();
    assert!(difference(&before, &painted) > 20);
    assert_eq!((session.mask_value(260, 230), session.mask_value(260, 330)), (255, 0));
    session.drag((220.0, 230.0), (300.0, 230.0), Button::Secondary);
    assert_eq!((session.mask_value(260, 230), session.mask_value(190, 230)), (0, 255));
    assert_eq!(session.steps(), ["Paint stroke", "Erase stroke"]);
    session.run(Action::Undo);
    assert_eq!(session.settle().rgba, painted.rgba);
    session.run(Action::Undo);
    assert_eq!(session.settle().rgba, before.rgba);
}

#[test]
fn a_gesture_ends_before_anything_else_is_done() {
    let mut session = Session::ready();
    let at = |x: f32| Point::new(x, 300.0);
    let (pressure, modifiers, button) = (1.0, Modifiers::default(), Button::Primary);
    session.point(&ToolEvent::PointerDown { pos_in_canvas: at(100.0), button, pressure, modifiers });
    session.point(&ToolEvent::PointerMove { pos_in_canvas: at(200.0), pressure, modifiers });
    // What does not touch the document leaves the stroke alone.
    session.run(Action::BrushLarger);
    session.run(Action::ToggleOverlay);
    assert!(session.bench.toolbox().busy().is_some());
    session.run(Action::InvertMask);
    assert!(session.bench.toolbox().busy().is_none());
    assert_eq!(session.steps(), ["Paint stroke", "Invert mask"]);
    assert_eq!((session.mask_value(150, 300), session.mask_value(150, 100)), (0, 255));
}

#[test]
fn what_a_slider_does_is_one_step_until_it_rests() {
    let mut session = Session::ready();
    let (layer, source) = (active(&session), photo(&session, 0));
    type Slider = fn(LayerId, PhotoId, f32) -> Action;
    let sliders: [(&str, Slider); 6] = [
        ("Change strength", |layer, _, value| Action::SetLayerStrength(layer, value)),
        ("Change feather", |layer, _, value| Action::SetLayerFeather(layer, 10.0 * value)),
        ("Match colours", |layer, _, value| Action::SetMatchColours(layer, value)),
        ("Move region", |layer, _, value| Action::SetLayerOffset(layer, ((100.0 * value) as i32, 3))),
        ("Change likeness", |_, source, value| Action::SetLikeness(source, value)),
        ("Change blend", |_, _, value| Action::SetBlendAmount(value)),
    ];
    for (name, slider) in sliders {
        for value in [0.2, 0.4, 0.6] {
            session.bench.apply(slider(layer, source, value));
        }
        // The window seals when the button is up.
        session.step();
        session.run(slider(layer, source, 0.8));
        let named = session.steps().iter().filter(|step| *step == name).count();
        assert_eq!(named, 2, "{name}");
    }
    let document = session.bench.document();
    let layer = document.layer(layer).unwrap();
    assert_eq!((layer.strength, layer.feather_px, layer.match_colours, layer.offset_px), (0.8, 8.0, 0.8, (80, 3)));
    assert_eq!((document.likeness(source), document.blend().unwrap().t), (0.8, 0.8));
    // Two sliders at once are two steps.
    assert_ne!(EditKey::LayerStrength(layer.id), EditKey::LayerFeather(layer.id));
}

#[test]
fn masks_are_changed_and_copied() {
    let mut session = Session::ready();
    session.paint((200.0, 300.0), (300.0, 300.0));
    let painted = session.bench.document().active_layer().unwrap().mask.clone();
    let count = |session: &Session| {
        let values = session.bench.document().active_layer().unwrap().mask.to_values();
        values.iter().filter(|value| **value > 0).count()
    };
    let before = count(&session);
    session.run(Action::GrowMask);
    assert!(count(&session) > before);
    session.run(Action::ShrinkMask);
    session.run(Action::ShrinkMask);
    assert!(count(&session) < before);
    session.run(Action::GoToStep(1));
    session.run(Action::DuplicateLayer);
    session.run(Action::InvertMask);
    let copy = active(&session);
    let original = session.bench.document().layers().iter().find(|layer| layer.id != copy).unwrap().id;
    session.run(Action::CopyMaskTo(original, Combine::Add));
    let all = session.bench.document().layer(original).unwrap().mask.to_values();
    // At soft edges the stronger one counts.
    assert!(all.iter().all(|value| *value > 127), "a mask and its inverse are everything");
    session.run(Action::SelectLayer(original));
    session.run(Action::Undo);
    assert!(session.bench.document().layer(original).unwrap().mask == painted);
    session.run(Action::ClearMask);
    assert!(!session.bench.is_enabled(&Action::GrowMask), "there is nothing to grow");
}

#[test]
fn tools_refuse_with_a_sentence() {
    let mut session = Session::ready();
    let layer = active(&session);
    session.run(Action::ToggleLayer(layer));
    session.paint((200.0, 300.0), (300.0, 300.0));
    assert!(session.was_told(NoticeKind::Info, "hidden"), "{:?}", session.notices);
    session.run(Action::DeleteLayer);
    session.paint((200.0, 300.0), (300.0, 300.0));
    assert!(session.was_told(NoticeKind::Info, "Choose a photo"), "{:?}", session.notices);
    session.run(Action::SelectTool(ToolKind::Move));
    session.paint((200.0, 300.0), (300.0, 300.0));
    let source = photo(&session, 0);
    session.run(Action::UseAsReference(source));
    assert!(session.was_told(NoticeKind::Info, "This photo is the source"), "{:?}", session.notices);
    assert_eq!(session.steps(), ["Hide layer", "Delete layer"]);
}

#[test]
fn the_picture_moves_between_two_faces() {
    let mut session = Session::ready();
    let source = session.settle();
    session.run(Action::SetBlendAmount(0.5));
    let halfway = session.settle();
    session.run(Action::SetBlendAmount(1.0));
    let other = session.settle();
    assert!(difference(&source, &halfway) > 100 && difference(&halfway, &other) > 100);
    // Exchanged, the ends of the slider are exchanged, and the picture stays.
    session.run(Action::SwapBlend);
    assert_eq!(session.bench.document().blend().unwrap().t, 0.0);
    assert_eq!(session.settle().rgba, other.rgba);
    session.run(Action::MixStyles(Some(StyleMix::CoarseFromSource)));
    let mixed = session.settle();
    assert!(difference(&other, &mixed) > 50);
    session.run(Action::BlendWith(None));
    assert!(!session.bench.is_enabled(&Action::SwapBlend));
    session.run(Action::GoToStep(0));
    assert_eq!(session.settle().rgba, source.rgba);
}

#[test]
fn directions_move_the_face_or_what_a_layer_paints() {
    let mut session =
        Session::new(WorkbenchOptions { load_engine: directed_model(), ..options(Vec::new(), Duration::ZERO) });
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    let before = session.settle();
    session.run(Action::SetDirection("Smile".to_owned(), 2.0));
    let smiling = session.settle();
    assert!(difference(&before, &smiling) > 100);
    session.run(Action::ResetAdjustments);
    assert_eq!(session.settle().rgba, before.rgba);
    session.run(Action::AdjustInsideMask);
    session.run(Action::SetDirection("Smile".to_owned(), 2.0));
    assert_eq!(session.settle().rgba, before.rgba, "nothing is painted yet");
    session.paint((60.0, 60.0), (200.0, 60.0));
    assert!(difference(&before, &session.settle()) > 0);
    assert!(session.bench.document().directions(None).is_empty());
    assert_eq!(session.steps(), ["Adjust whole face", "Reset adjustments", "Adjust inside mask", "Paint stroke"]);
}

#[test]
fn without_a_layer_the_sliders_move_the_whole_face() {
    let mut session =
        Session::new(WorkbenchOptions { load_engine: directed_model(), ..options(Vec::new(), Duration::ZERO) });
    session.wait_until("every face is read", |bench| bench.is_idle() && bench.frame().is_some());
    session.run(Action::AdjustInsideMask);
    assert!(session.bench.adjusted_layer().is_some());
    session.run(Action::DeleteLayer);
    assert_eq!((session.bench.adjusted_layer(), session.bench.document().layers().len()), (None, 0));
    session.run(Action::SetDirection("Smile".to_owned(), 1.0));
    assert_eq!(session.bench.document().directions(None).get("Smile"), Some(&1.0));
}

#[test]
fn random_faces_join_the_photos() {
    let mut session = Session::ready();
    let request = SampleRequest { seed: 3, index: 2, truncation: 0.7 };
    session.run(Action::SampleFaces(vec![request]));
    session.wait_until("the face is there", |bench| bench.engine().samples().len() == 1);
    session.run(Action::AddRandomFace(request));
    let document = session.bench.document();
    let face = Arc::clone(document.photos().last().unwrap());
    assert_eq!((face.name.as_str(), face.is_sample), ("Face 3-3", true));
    assert_eq!(document.active_layer().unwrap().photo, face.id);
    session.run(Action::MakeSource(face.id));
    let drawn = session.settle();
    let picked: Vec<u8> = drawn.rgba.chunks_exact(4).flat_map(|pixel| pixel[..3].to_vec()).collect();
    assert_eq!(&picked, face.crop.as_raw(), "no encoder stood between");
}

#[test]
fn a_region_is_scaled_turned_and_mirrored_and_comes_back() {
    let mut session = Session::ready();
    session.paint((200.0, 230.0), (310.0, 230.0));
    let painted = session.settle();
    let mask = session.bench.document().active_layer().unwrap().mask.clone();
    for action in [Action::MirrorRegion, Action::SetRegionScale(1.4), Action::SetRegionAngle(0.5)] {
        let before = session.settle();
        session.run(action.clone());
        let posed = session.settle();
        assert!(difference(&before, &posed) > 10, "{action:?} changes nothing");
        assert!(!session.bench.is_rendering());
    }
    let pose = session.bench.document().active_layer().unwrap().pose;
    assert!((pose.scale - 1.4).abs() < 1e-4 && (pose.angle_radians - 0.5).abs() < 1e-4 && pose.is_mirrored, "{pose:?}");
    assert_eq!(session.steps(), ["Paint stroke", "Mirror region", "Transform region", "Transform region"]);
    let drawn = session.settle();

    // It is exported and saved as it shows.
    let folder = tempfile::tempdir().unwrap();
    let (project, picture) = (folder.path().join("work.stylebrush"), folder.path().join("face.png"));
    session.run(Action::SaveProjectTo(project.clone()));
    session.wait_until("it is saved", |bench| !bench.has_unsaved_changes());
    session.run(Action::ExportTo(picture.clone()));
    session.wait_until_idle();
    assert!(distance(&image::open(&picture).unwrap().to_rgba8(), &drawn) < 3.0);
    session.run(Action::ResetOffset);
    assert_eq!(session.settle().rgba, painted.rgba, "back where it was painted it is what it was");
    assert!(session.bench.document().active_layer().unwrap().mask == mask);
    session.run(Action::DiscardChanges(Box::new(Action::OpenProject(project))));
    session.wait_until("it is opened", |bench| bench.timeline().undo_name().is_none() && bench.is_idle());
    assert_eq!(session.settle().rgba, drawn.rgba);
    assert_eq!(session.bench.document().active_layer().unwrap().pose, pose);
}

#[test]
fn an_export_waits_for_a_region_that_was_just_scaled() {
    let mut session = Session::ready();
    session.paint((200.0, 230.0), (310.0, 230.0));
    session.settle();
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("face.png");
    session.bench.apply(Action::SetRegionScale(1.5));
    session.bench.apply(Action::ExportTo(picture.clone()));
    session.wait_until_idle();
    let drawn = session.settle();
    assert!(distance(&image::open(&picture).unwrap().to_rgba8(), &drawn) < 3.0);
}

#[test]
fn the_picture_follows_a_region_that_is_being_scaled() {
    let mut session = Session::ready();
    session.paint((200.0, 230.0), (310.0, 230.0));
    session.settle();
    // Never the same scale for two frames: the picture moves on all the same.
    let mut pictures = std::collections::BTreeSet::new();
    let started = Instant::now();
    let mut step = 0;
    while pictures.len() < 4 {
        assert!(started.elapsed() < PATIENCE, "{pictures:?}");
        session.run(Action::SetRegionScale(1.0 + 0.001 * (step % 900) as f32));
        pictures.extend(session.bench.frame().map(|frame| frame.request));
        step += 1;
        std::thread::sleep(Duration::from_millis(2));
    }
    session.settle();
}
