//! The real window in a test harness: everything but the operating system's part.
//!
//! The engine runs on a small network with random weights: nothing here depends on the model that comes with the program.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Key, Modifiers, PointerButton, Pos2, pos2, vec2};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, SnapshotOptions};
use image::RgbImage;
use stylebrush_app::document::{Combine, DirectionAmounts, FaceRegion, Photo, Point, StyleMix};
use stylebrush_app::editor::notifications::Kind;
use stylebrush_app::editor::{Command, CompareMode, Editor, EditorOptions, EngineState, Look, MotionTarget};
use stylebrush_app::settings::{Language, Theme};
use stylebrush_app::workbench::{Action, MaskView, Question};
use stylemap::Error;
use stylemap::engine::{Frame, WorkerOptions};

mod accessibility;
#[path = "../common/mod.rs"]
mod common;
mod exports;
mod lesson;
mod likeness;
mod several_faces;
mod slow_frames;
mod walkthrough;

use common::*;

fn options(photos: Vec<PathBuf>, delay: Duration) -> EditorOptions {
    EditorOptions {
        photos,
        // The pictures made here show no faces.
        are_aligned: true,
        load_engine: model(),
        model_label: "test model".to_owned(),
        model_card: Some("# Test model\n\n- for **tests** only"),
        worker: WorkerOptions { artificial_delay: delay },
        folders: None,
        uses_dialogs: false,
    }
}

/// The same with a model that has directions.
fn directed(options: EditorOptions) -> EditorOptions {
    EditorOptions { load_engine: directed_model(), ..options }
}

/// Photos of people, in which faces are looked for.
fn face_options(photos: Vec<PathBuf>) -> EditorOptions {
    EditorOptions { are_aligned: false, ..options(photos, Duration::ZERO) }
}

/// The editor and a user at it.
struct Session {
    harness: Harness<'static, Editor>,
}

impl Session {
    fn new(options: EditorOptions) -> Self {
        // Korean is drawn in the fonts of the system, and a test has none.
        let builder = Harness::builder().with_size(vec2(1280.0, 800.0)).with_max_steps(4).wgpu();
        let builder = builder.allow_missing_glyphs();
        Self { harness: builder.build_eframe(|creation| Editor::new(creation, options).expect("it starts")) }
    }

    /// With the demo portraits, the first picture on the canvas.
    fn ready() -> Self {
        let mut session = Self::new(options(Vec::new(), Duration::ZERO));
        session.settle();
        session
    }

    fn editor(&self) -> &Editor {
        self.harness.state()
    }

    /// Lets frames of the window pass until something holds.
    fn wait_until(&mut self, what: &str, mut holds: impl FnMut(&Editor) -> bool) {
        let started = Instant::now();
        loop {
            self.harness.step();
            if holds(self.harness.state()) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "this did not happen within {PATIENCE:?}: {what}");
            std::thread::sleep(Duration::from_millis(4));
        }
    }

    /// Until the newest picture is there and every face is read.
    fn settle(&mut self) -> Arc<Frame> {
        self.harness.step();
        self.wait_until("the newest picture", |editor| !editor.is_rendering() && editor.frame().is_some());
        self.frame()
    }

    fn frame(&self) -> Arc<Frame> {
        Arc::clone(self.editor().frame().expect("there is a picture"))
    }

    /// Width and height of the source's crop, and so of the face by itself.
    fn source_crop_px(&self) -> u32 {
        let document = self.editor().timeline().document();
        document.photo(document.source().unwrap()).unwrap().crop.width()
    }

    fn run(&mut self, command: impl Into<Command>) {
        self.harness.state_mut().send(command);
        self.harness.step();
    }

    fn screen(&self, x: f32, y: f32) -> Pos2 {
        self.editor().view().screen_from_canvas(Point::new(x, y))
    }

    fn button(&mut self, pos: Pos2, button: PointerButton, pressed: bool) {
        let modifiers = Modifiers::NONE;
        self.harness.event(egui::Event::PointerButton { pos, button, pressed, modifiers });
        self.harness.step();
    }

    fn hover(&mut self, pos: Pos2) {
        self.harness.hover_at(pos);
        self.harness.step();
    }

    /// A drag over the canvas, in canvas pixels.
    fn drag(&mut self, from: (f32, f32), to: (f32, f32), button: PointerButton) {
        let (from, to) = (self.screen(from.0, from.1), self.screen(to.0, to.1));
        self.hover(from);
        self.button(from, button, true);
        for i in 1..=6 {
            self.hover(from + (to - from) * (i as f32 / 6.0));
        }
        self.button(to, button, false);
        self.harness.remove_cursor();
        self.harness.step();
    }

    /// A drag along these places of the canvas; the button stays down.
    fn drag_along(&mut self, places: &[(f32, f32)], button: PointerButton) {
        let first = self.screen(places[0].0, places[0].1);
        self.hover(first);
        self.button(first, button, true);
        for (x, y) in &places[1..] {
            let pos = self.screen(*x, *y);
            self.hover(pos);
        }
    }

    fn release(&mut self, (x, y): (f32, f32), button: PointerButton) {
        let pos = self.screen(x, y);
        self.button(pos, button, false);
        self.harness.remove_cursor();
        self.harness.step();
    }

    /// Opens a menu, then its submenus by pointing at them, and clicks the last one.
    fn choose(&mut self, labels: &[&str]) {
        for (index, label) in labels.iter().enumerate() {
            // A line of a menu is followed by its key.
            let with_key = format!("{label} ");
            // The panel has some of them too, behind the menu.
            let exact = self.harness.query_all_by_label(label).next();
            let node = exact.unwrap_or_else(|| self.harness.get_by_label_contains(&with_key));
            if index == 0 || index + 1 == labels.len() {
                node.click();
            } else {
                node.hover();
            }
            self.harness.run_steps(4);
        }
    }

    fn layer_names(&self) -> Vec<String> {
        self.editor().timeline().document().layers().iter().map(|layer| layer.name.clone()).collect()
    }

    /// The middle of a layer's row.
    fn layer_row(&self, name: &str) -> Pos2 {
        self.harness.get_by_label(&format!("Layer {name}")).rect().center()
    }

    fn paint(&mut self, from: (f32, f32), to: (f32, f32)) {
        self.drag(from, to, PointerButton::Primary);
    }

    fn key(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(4);
    }

    fn mask_value(&self, x: usize, y: usize) -> u8 {
        self.editor().timeline().document().active_layer().expect("there is an active layer").mask.value(x, y)
    }

    fn steps(&self) -> Vec<String> {
        self.editor().timeline().past_names().map(str::to_owned).collect()
    }

    fn messages(&self) -> Vec<(Kind, String)> {
        self.editor().notifications().shown().iter().map(|shown| (shown.kind, shown.text.clone())).collect()
    }

    /// The window as pixels.
    fn render(&mut self) -> image::RgbaImage {
        self.harness.render().expect("the window can be drawn")
    }

    /// Compares with the stored picture. What the machine's speed decides is covered.
    fn snapshot(&mut self, name: &str) {
        // What is under way shows in the status bar for as long as the machine takes.
        if !self.editor().is_playing() && matches!(self.editor().engine_state(), EngineState::Ready(_)) {
            self.wait_until("nothing is under way", Editor::is_idle);
        }
        self.harness.remove_cursor();
        self.harness.run_steps(3);
        self.harness.check_accessibility();
        let size = self.harness.ctx.content_rect().size();
        self.harness.mask(egui::Rect::from_min_max(pos2(size.x - 300.0, size.y - 25.0), size.to_pos2()));
        // Networks round differently on different processors; a part out of its place is thousands of pixels.
        let options = SnapshotOptions::new().output_path("../tests/snapshots").threshold(1.5).max_failed_pixels(200);
        self.harness.snapshot_options(name, &options);
    }
}

#[test]
fn it_starts_with_the_demo_faces_ready_to_paint() {
    let mut session = Session::ready();
    let document = session.editor().timeline().document();
    assert_eq!(document.photos().len(), 8);
    assert_eq!(document.source(), Some(document.photos()[0].id));
    assert_eq!(document.active_layer().unwrap().photo, document.photos()[1].id);
    assert!(session.steps().is_empty(), "the start is no step to undo");
    assert!(session.messages().is_empty(), "{:?}", session.messages());
    session.wait_until("every face is read", |editor| editor.is_idle());
    session.snapshot("start");
}

#[test]
fn a_stroke_changes_the_picture_and_undo_brings_it_back() {
    let mut session = Session::ready();
    session.wait_until("every face is read", |editor| editor.is_idle());
    let before = session.frame();
    session.paint((180.0, 230.0), (340.0, 230.0));
    let painted = session.settle();
    assert!(painted.order() > before.order());
    assert!(difference(&before, &painted) > 20, "{} pixels differ", difference(&before, &painted));
    assert_eq!((session.mask_value(260, 230), session.mask_value(260, 330)), (255, 0));
    assert_eq!(session.steps(), ["Paint stroke"]);
    session.snapshot("painted");

    session.key(Modifiers::COMMAND, Key::Z);
    let undone = session.settle();
    assert!(undone.order() > painted.order());
    assert_eq!(undone.rgba, before.rgba);
    session.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(session.settle().rgba, painted.rgba);
}

#[test]
fn the_right_button_erases_and_escape_cancels() {
    let mut session = Session::ready();
    session.paint((180.0, 230.0), (340.0, 230.0));
    session.drag((300.0, 230.0), (340.0, 230.0), PointerButton::Secondary);
    assert_eq!((session.mask_value(200, 230), session.mask_value(330, 230)), (255, 0));
    assert_eq!(session.steps(), ["Paint stroke", "Erase stroke"]);

    let (from, to) = (session.screen(100.0, 400.0), session.screen(200.0, 400.0));
    session.hover(from);
    session.button(from, PointerButton::Primary, true);
    session.hover(to);
    assert_eq!(session.mask_value(150, 400), 255);
    session.key(Modifiers::NONE, Key::Escape);
    assert_eq!(session.mask_value(150, 400), 0);
    session.button(to, PointerButton::Primary, false);
    assert_eq!(session.steps().len(), 2);
}

#[test]
fn the_slider_moves_between_two_faces_in_one_step() {
    let mut session = Session::ready();
    let before = session.frame();
    let slider = session.harness.get_by_role_and_label(egui::Role::Slider, "Blend").rect();
    session.hover(slider.left_center() + vec2(4.0, 0.0));
    session.button(slider.left_center() + vec2(4.0, 0.0), PointerButton::Primary, true);
    for i in 1..=4 {
        session.hover(slider.left_center() + vec2(4.0 + 20.0 * i as f32, 0.0));
    }
    session.button(slider.left_center() + vec2(84.0, 0.0), PointerButton::Primary, false);
    let blended = session.settle();
    let t = session.editor().timeline().document().blend().unwrap().t;
    assert!((0.5..1.0).contains(&t), "{t}");
    assert!(difference(&before, &blended) > 100);
    assert_eq!(session.steps(), ["Change blend"]);

    session.harness.get_by_role_and_label(egui::Role::Slider, "Blend").set_value_accesskit(100.0);
    session.harness.step();
    let document = session.editor().timeline().document();
    assert_eq!(document.blend().unwrap().t, 1.0);
    session.run(Action::SwapBlend);
    assert_eq!(session.settle().rgba, {
        session.run(Action::Undo);
        session.settle().rgba.clone()
    });
}

#[test]
fn a_bad_file_is_one_sentence_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.png");
    std::fs::write(&text, "no picture").unwrap();
    let missing = folder.path().join("missing.png");
    let mut session = Session::ready();
    session.run(Action::OpenPaths(vec![text, missing]));
    session.wait_until("both are reported", |editor| editor.notifications().shown().len() == 2);
    for (kind, message) in session.messages() {
        assert_eq!(kind, Kind::Error);
        assert!(message.ends_with('.') && !message.contains("os error"), "{message}");
    }
    assert!(session.messages().iter().any(|(_, message)| message.contains("notes.png")));
    assert!(session.steps().is_empty());
    session.harness.run_steps(3);
    let (_, first) = session.messages().swap_remove(0);
    assert!(session.harness.query_by_label(&first).is_some(), "a screen reader finds it");

    session.harness.get_all_by_label("Dismiss").next().unwrap().click();
    session.harness.run_steps(3);
    assert_eq!(session.messages().len(), 1);
}

#[test]
fn cursor_and_overlay_follow_the_pointer_while_the_engine_is_slow() {
    // Six pictures of the window are drawn meanwhile, by software on a machine that may be busy.
    let mut session = Session::new(options(Vec::new(), Duration::from_millis(8000)));
    let first = session.settle();
    let (from, to) = (session.screen(150.0, 400.0), session.screen(350.0, 400.0));
    session.hover(from);
    session.button(from, PointerButton::Primary, true);
    let mut last = session.render();
    let started = Instant::now();
    for i in 1..=4 {
        let pos = from + (to - from) * (i as f32 / 4.0);
        session.hover(pos);
        let now = session.render();
        // The stroke shows at once, in the layer's colour, where no picture can have come yet.
        let (x, y) = (pos.x as u32 - 30, pos.y as u32 + 8);
        assert_ne!(now.get_pixel(x, y), last.get_pixel(x, y), "the overlay at step {i}");
        assert_ne!(now, last, "the cursor at step {i}");
        last = now;
    }
    assert_eq!(session.frame().order(), first.order(), "no picture came meanwhile, after {:?}", started.elapsed());
    session.button(to, PointerButton::Primary, false);
    assert!(session.settle().order() > first.order());
}

#[test]
fn keys_choose_tools_and_brush_sizes() {
    let mut session = Session::ready();
    for (key, hint) in [
        (Key::V, "the knob turns"),
        (Key::H, "move the view"),
        (Key::L, "Draw around a region"),
        (Key::U, "from the centre"),
        (Key::O, "from the centre"),
        (Key::G, "Click a gap"),
        (Key::K, "work on its layer"),
    ] {
        session.key(Modifiers::NONE, key);
        assert!(session.harness.query_by_label_contains(hint).is_some(), "{key:?}");
    }
    session.key(Modifiers::NONE, Key::E);
    let size = |session: &Session| {
        let slider = session.harness.get_by_role_and_label(egui::Role::Slider, "Size");
        slider.accesskit_node().numeric_value().expect("a slider has a value")
    };
    let before = size(&session);
    session.key(Modifiers::NONE, Key::CloseBracket);
    let larger = size(&session);
    session.key(Modifiers::NONE, Key::Minus);
    session.key(Modifiers::NONE, Key::OpenBracket);
    assert!(before < larger && size(&session) < before);
}

#[test]
fn a_lasso_shows_its_way_and_fills_it() {
    let mut session = Session::ready();
    session.key(Modifiers::NONE, Key::L);
    let before = session.render();
    let corners = [(150.0, 150.0), (350.0, 150.0), (350.0, 350.0), (150.0, 350.0)];
    session.drag_along(&corners, PointerButton::Primary);
    assert!(session.editor().timeline().document().active_layer().unwrap().mask.is_empty());
    let drawing = session.render();
    for (x, y) in [(250.0, 150.0), (350.0, 250.0), (150.0, 250.0)] {
        let pos = session.screen(x, y);
        let pixel = |picture: &image::RgbaImage| *picture.get_pixel(pos.x as u32, pos.y as u32);
        assert_ne!(pixel(&drawing), pixel(&before), "the outline at {x}, {y}, closing itself");
    }
    session.release(corners[3], PointerButton::Primary);
    assert_eq!((session.mask_value(250, 250), session.mask_value(100, 250)), (255, 0));
    session.drag_along(&corners[..3], PointerButton::Secondary);
    session.release(corners[2], PointerButton::Secondary);
    assert_eq!((session.mask_value(330, 180), session.mask_value(170, 330)), (0, 255));
    // Escape leaves no trace of what was begun.
    session.drag_along(&corners, PointerButton::Primary);
    session.key(Modifiers::NONE, Key::Escape);
    session.release(corners[3], PointerButton::Primary);
    assert_eq!(session.steps(), ["Paint with lasso", "Erase with lasso"]);
}

#[test]
fn shapes_show_in_the_picture_while_they_are_drawn() {
    for (key, paints, erases) in
        [(Key::U, "Paint rectangle", "Erase rectangle"), (Key::O, "Paint ellipse", "Erase ellipse")]
    {
        let mut session = Session::ready();
        let before = session.frame();
        session.key(Modifiers::NONE, key);
        session.drag_along(&[(150.0, 150.0), (350.0, 330.0)], PointerButton::Primary);
        assert_eq!(session.mask_value(250, 240), 255);
        let drawing = session.settle();
        assert!(difference(&before, &drawing) > 20, "the face is there before the button comes up");
        session.drag_along(&[(150.0, 150.0), (250.0, 230.0)], PointerButton::Primary);
        assert_eq!((session.mask_value(200, 190), session.mask_value(300, 280)), (255, 0), "a smaller one");
        // A key counts at once, and only while it is held.
        for (modifiers, value) in [(Modifiers::SHIFT, 255), (Modifiers::NONE, 0)] {
            session.harness.event(egui::Event::ModifiersChanged(modifiers));
            session.harness.step();
            assert_eq!(session.mask_value(200, 242), value, "as high as it is wide with Shift");
        }
        session.release((250.0, 230.0), PointerButton::Primary);
        session.drag((180.0, 180.0), (220.0, 210.0), PointerButton::Secondary);
        assert_eq!((session.mask_value(200, 195), session.mask_value(165, 190)), (0, 255));
        assert_eq!(session.steps(), [paints, erases]);
        session.drag_along(&[(10.0, 10.0), (80.0, 80.0)], PointerButton::Primary);
        session.key(Modifiers::NONE, Key::Escape);
        session.release((80.0, 80.0), PointerButton::Primary);
        assert_eq!((session.mask_value(40, 40), session.steps().len()), (0, 2));
    }
}

#[test]
fn a_click_fills_and_a_click_picks_the_layer() {
    let mut session = Session::ready();
    session.key(Modifiers::NONE, Key::U);
    session.paint((100.0, 100.0), (200.0, 200.0));
    session.key(Modifiers::NONE, Key::G);
    assert!(session.harness.query_by_label("Tolerance value").is_some());
    session.paint((400.0, 400.0), (400.0, 400.0));
    assert_eq!((session.mask_value(10, 500), session.mask_value(150, 150)), (255, 255));
    session.drag((150.0, 150.0), (150.0, 150.0), PointerButton::Secondary);
    assert!(session.editor().timeline().document().active_layer().unwrap().mask.is_empty());
    assert_eq!(session.steps(), ["Paint rectangle", "Fill region", "Empty region"]);

    session.run(Action::Undo);
    session.run(Action::Undo);
    session.harness.get_by_label("Portrait 5").click();
    session.harness.run_steps(3);
    session.key(Modifiers::NONE, Key::K);
    let active = |session: &Session| session.editor().timeline().document().active_layer().unwrap().name.clone();
    assert_eq!(active(&session), "Portrait 5");
    session.paint((150.0, 150.0), (150.0, 150.0));
    assert_eq!((active(&session).as_str(), session.messages().len()), ("Portrait 2", 0));
    session.paint((400.0, 400.0), (400.0, 400.0));
    assert_eq!((active(&session).as_str(), session.messages().len()), ("Portrait 2", 1));
    assert!(session.messages()[0].1.contains("No layer is painted there"), "{:?}", session.messages());
}

#[test]
fn parts_of_the_face_are_painted_from_the_menu() {
    let mut session = Session::ready();
    session.wait_until("every face is read", |editor| editor.is_idle());
    session.choose(&["Layer", "Paint region", "Paint mouth"]);
    session.choose(&["Layer", "Paint region", "Paint eyes"]);
    assert_eq!(
        (session.mask_value(256, 373), session.mask_value(192, 241), session.mask_value(256, 130)),
        (255, 255, 0)
    );
    session.settle();
    session.snapshot("preset");
    // From the panel this time.
    session.choose(&["More for the mask", "Paint only one region", "Paint only the nose"]);
    assert_eq!((session.mask_value(256, 300), session.mask_value(256, 373)), (255, 0));
    assert_eq!(session.steps(), ["Paint mouth", "Paint eyes", "Paint only the nose"]);
    session.key(Modifiers::COMMAND, Key::Z);
    assert_eq!((session.mask_value(256, 300), session.mask_value(256, 373)), (0, 255));
}

#[test]
fn the_mask_is_changed_from_the_menu_and_the_panel() {
    let mut session = Session::ready();
    let area = |session: &Session| {
        let document = session.editor().timeline().document();
        document.active_layer().unwrap().mask.to_values().iter().map(|&value| usize::from(value)).sum::<usize>() / 255
    };
    // Nothing is painted: only what makes sense is offered.
    session.choose(&["Layer"]);
    for (label, is_offered) in [("Grow mask by 4 px", false), ("Invert mask", true), ("Paint region", true)] {
        let labelled = session.harness.get_all_by_label(label);
        let is_disabled = labelled.map(|node| node.accesskit_node().is_disabled()).collect::<Vec<_>>();
        assert!(is_disabled.iter().all(|is_disabled| *is_disabled != is_offered), "{label}: {is_disabled:?}");
    }
    session.key(Modifiers::NONE, Key::Escape);

    session.key(Modifiers::NONE, Key::U);
    session.paint((200.0, 200.0), (300.0, 300.0));
    let start = area(&session);
    assert!((9_900..10_100).contains(&start), "{start}");
    // The panel has buttons for what the menu says; both are called the same.
    for (label, expected) in
        [("Grow mask by 4 px", 108 * 108), ("Shrink mask by 4 px", 100 * 100), ("Soften mask by 4 px", 100 * 100)]
    {
        session.harness.get_by_label(label).click();
        session.harness.run_steps(3);
        let area = area(&session);
        assert!(area.abs_diff(expected) < 120, "{label}: {area}, not {expected}");
    }
    assert!((1..255).contains(&session.mask_value(299, 250)) && (1..255).contains(&session.mask_value(301, 250)));
    session.key(Modifiers::COMMAND, Key::I);
    assert_eq!((session.mask_value(250, 250), session.mask_value(20, 20)), (0, 255));
    session.key(Modifiers::NONE, Key::Delete);
    assert_eq!(area(&session), 0);
    let steps = ["Paint rectangle", "Grow mask", "Shrink mask", "Soften mask", "Invert mask", "Clear mask"];
    assert_eq!(session.steps(), steps);
    for _ in 0..steps.len() - 1 {
        session.run(Action::Undo);
    }
    assert_eq!(area(&session), start);
}

#[test]
fn a_mask_is_copied_to_another_layer_from_the_menu() {
    let mut session = Session::ready();
    session.key(Modifiers::NONE, Key::U);
    session.paint((200.0, 200.0), (300.0, 300.0));
    session.harness.get_by_label("Portrait 5").click();
    session.harness.run_steps(3);
    session.paint((20.0, 20.0), (60.0, 60.0));
    let mask_of = |session: &Session, index: usize| {
        let mask = &session.editor().timeline().document().layers()[index].mask;
        (mask.value(40, 40), mask.value(250, 250))
    };
    session.choose(&["Layer", "Add mask to", "Add mask to Portrait 2"]);
    assert_eq!((mask_of(&session, 0), mask_of(&session, 1)), ((255, 255), (255, 0)));
    session.choose(&["Layer", "Copy mask to", "Copy mask to Portrait 2"]);
    assert_eq!((mask_of(&session, 0), mask_of(&session, 1)), ((255, 0), (255, 0)));
    assert_eq!(session.steps()[3..], ["Add mask", "Copy mask"]);
}

#[test]
fn a_mask_goes_to_a_file_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mouth.png");
    let mut session = Session::ready();
    session.choose(&["Layer", "Paint region", "Paint mouth"]);
    let mask = |session: &Session| session.editor().timeline().document().active_layer().unwrap().mask.clone();
    let painted = mask(&session);

    session.choose(&["Layer", "Mask file", "Export mask to path…"]);
    let suggested = session.harness.get_by_role(egui::Role::TextInput).value().unwrap_or_default();
    assert_eq!(Path::new(&suggested).file_name().unwrap(), "Portrait 2 mask.png");
    session.key(Modifiers::COMMAND, Key::A);
    session.harness.get_by_role(egui::Role::TextInput).type_text(path.to_str().unwrap());
    session.harness.run_steps(2);
    session.harness.get_by_role_and_label(egui::Role::Button, "Export").click();
    session.wait_until("the file is written", |editor| !editor.notifications().shown().is_empty());
    assert_eq!(session.messages()[0].0, Kind::Success, "{:?}", session.messages());

    session.run(Action::ClearMask);
    session.choose(&["Layer", "Mask file", "Import mask by path…"]);
    session.harness.get_by_role(egui::Role::TextInput).type_text(path.to_str().unwrap());
    session.harness.run_steps(2);
    session.harness.get_by_role_and_label(egui::Role::Button, "Import").click();
    session.wait_until("the mask is read", |editor| editor.timeline().undo_name() == Some("Import mask"));
    assert_eq!(mask(&session), painted);
    assert_eq!(session.steps(), ["Paint mouth", "Clear mask", "Import mask"]);

    // Bad files are one sentence each, and change nothing.
    let wide = folder.path().join("wide.png");
    save_photo(&wide, 90, 60);
    for (path, says) in [(wide, "square"), (folder.path().join("missing.png"), "missing.png")] {
        session.run(Action::ImportMaskFrom(path));
        session.wait_until("it is reported", |editor| {
            editor.notifications().shown().iter().any(|shown| shown.kind == Kind::Error && shown.text.contains(says))
        });
    }
    session.run(Action::ExportMaskTo(folder.path().join("mask.jpg")));
    session.wait_until("it is reported", |editor| {
        editor
            .notifications()
            .shown()
            .iter()
            .any(|shown| shown.text.contains(".png") && shown.text.contains("mask.jpg"))
    });
    assert_eq!(session.steps().len(), 3);
    session.wait_until("nothing is under way", Editor::is_idle);
}

#[test]
fn layers_are_renamed_in_their_row() {
    let mut session = Session::ready();
    let row = session.layer_row("Portrait 2");
    let type_name = |session: &mut Session, name: &str| {
        session.harness.get_by_role(egui::Role::TextInput).type_text(name);
        session.harness.run_steps(2);
    };
    // Both clicks within a frame: frames of the harness are a quarter of a second long.
    session.hover(row);
    for pressed in [true, false, true, false] {
        let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
        let event = egui::Event::PointerButton { pos: row, button, pressed, modifiers };
        session.harness.input_mut().events.push(event);
    }
    session.harness.run_steps(3);
    type_name(&mut session, "Brother");
    assert_eq!(session.layer_names(), ["Portrait 2"], "not before it is confirmed");
    session.key(Modifiers::NONE, Key::Enter);
    assert_eq!(session.layer_names(), ["Brother"]);
    assert_eq!(session.steps(), ["Rename layer"], "the letters are no shortcuts");

    session.key(Modifiers::NONE, Key::F2);
    type_name(&mut session, "Nobody");
    session.key(Modifiers::NONE, Key::Escape);
    assert_eq!(session.layer_names(), ["Brother"]);
    session.key(Modifiers::NONE, Key::F2);
    type_name(&mut session, "  ");
    session.key(Modifiers::NONE, Key::Enter);
    assert_eq!((session.layer_names(), session.steps().len()), (vec!["Brother".to_owned()], 1), "no name is no name");

    // A stroke takes the name that was typed before it, in a step of its own.
    session.key(Modifiers::NONE, Key::F2);
    type_name(&mut session, "Sister");
    session.paint((180.0, 230.0), (340.0, 230.0));
    assert_eq!(session.layer_names(), ["Sister"]);
    assert_eq!(session.steps(), ["Rename layer", "Rename layer", "Paint stroke"]);
    assert_eq!(session.mask_value(330, 230), 255, "the stroke goes on to its end");
}

#[test]
fn layers_are_reordered_by_dragging_their_rows() {
    let mut session = Session::ready();
    for photo in ["Portrait 5", "Portrait 6"] {
        session.harness.get_by_label(photo).click();
        session.harness.run_steps(3);
    }
    assert_eq!(session.layer_names(), ["Portrait 2", "Portrait 5", "Portrait 6"]);
    let drag_row = |session: &mut Session, name: &str, to: Pos2| {
        let from = session.layer_row(name);
        session.hover(from);
        session.button(from, PointerButton::Primary, true);
        session.hover(from + vec2(0.0, 9.0));
        session.hover(to);
        session.button(to, PointerButton::Primary, false);
        session.harness.remove_cursor();
        session.harness.run_steps(2);
    };
    // To the top, above the row that is there.
    let top = session.layer_row("Portrait 6");
    drag_row(&mut session, "Portrait 2", top - vec2(0.0, 12.0));
    assert_eq!(session.layer_names(), ["Portrait 5", "Portrait 6", "Portrait 2"]);
    // To the bottom, and by one place.
    let bottom = session.layer_row("Portrait 5");
    drag_row(&mut session, "Portrait 2", bottom + vec2(0.0, 12.0));
    assert_eq!(session.layer_names(), ["Portrait 2", "Portrait 5", "Portrait 6"]);
    let middle = session.layer_row("Portrait 5");
    drag_row(&mut session, "Portrait 6", middle + vec2(0.0, 12.0));
    assert_eq!(session.layer_names(), ["Portrait 2", "Portrait 6", "Portrait 5"]);
    // Where it was, and elsewhere: nothing.
    let own = session.layer_row("Portrait 6");
    drag_row(&mut session, "Portrait 6", own + vec2(0.0, 12.0));
    let canvas = session.screen(256.0, 256.0);
    drag_row(&mut session, "Portrait 6", canvas);
    assert_eq!(session.layer_names(), ["Portrait 2", "Portrait 6", "Portrait 5"]);
    let steps = session.steps();
    assert_eq!(steps[2..], ["Reorder layers", "Reorder layers", "Reorder layers"]);
    session.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(session.layer_names(), ["Portrait 2", "Portrait 5", "Portrait 6"]);
}

#[test]
fn a_row_has_the_commands_of_its_layer() {
    let mut session = Session::ready();
    session.harness.get_by_label("Portrait 5").click();
    session.harness.run_steps(3);
    session.harness.get_by_label("Layer Portrait 2").click_secondary();
    session.harness.run_steps(4);
    session.harness.check_accessibility();
    session.harness.get_by_label("Paint region").hover();
    session.harness.run_steps(4);
    session.harness.check_accessibility();
    session.choose(&["Paint chin"]);
    let document = session.editor().timeline().document();
    assert_eq!(document.active_layer().unwrap().name, "Portrait 2", "the menu speaks of the row");
    assert_eq!(document.layers()[0].mask.value(256, 440), 255);
    assert!(document.layers()[1].mask.is_empty());
    session.harness.get_by_label("Layer Portrait 2").click_secondary();
    session.harness.run_steps(4);
    session.choose(&["Rename layer… F2"]);
    session.harness.get_by_role(egui::Role::TextInput).type_text("Below");
    session.key(Modifiers::NONE, Key::Enter);
    assert_eq!(session.layer_names(), ["Below", "Portrait 5"]);
}

/// A file that a file manager drops.
#[derive(Debug)]
struct Dropped(PathBuf);
impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|err| err.to_string())
    }
}

#[test]
fn files_can_be_dropped_on_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = ["a.png", "b.png"].iter().map(|name| folder.path().join(name)).collect();
    let mut session = Session::ready();
    session.harness.input_mut().hovered_files.push(egui::HoveredFile::default());
    session.harness.step();
    for path in &paths {
        save_photo(path, 40, 50);
        session.harness.input_mut().dropped_files.push(Arc::new(Dropped(path.clone())));
    }
    session.harness.step();
    // Nobody touched the demo, so they take its place.
    session.wait_until("the photos are open", |editor| editor.timeline().document().photos().len() == 2);
    assert_eq!(session.steps(), ["Open 2 photos"]);
}

#[test]
fn a_photo_can_be_dragged_to_a_face_and_to_the_picture() {
    let mut session = Session::ready();
    let photo = session.harness.get_by_label("Portrait 6").rect().center();
    let other_face = session.harness.get_by_label("Other face, Portrait 3").rect().center();
    let canvas = session.screen(256.0, 256.0);
    for target in [other_face, canvas] {
        session.hover(photo);
        session.button(photo, PointerButton::Primary, true);
        session.hover(photo + vec2(20.0, 30.0));
        session.hover(target);
        session.button(target, PointerButton::Primary, false);
        session.harness.run_steps(2);
    }
    let document = session.editor().timeline().document();
    let dragged = document.photos().iter().find(|photo| photo.name == "Portrait 6").unwrap().id;
    assert_eq!(document.blend().unwrap().with, dragged);
    assert_eq!(document.source(), Some(dragged));
    assert_eq!(session.steps(), ["Change blend", "Change source"]);
    assert_eq!(document.layers().len(), 1, "a drag is no click");
}

#[test]
fn a_path_can_be_typed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("typed.png");
    save_photo(&path, 40, 40);
    let mut session = Session::ready();
    session.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::O);
    session.harness.get_by_role(egui::Role::TextInput).type_text(path.to_str().unwrap());
    session.harness.run_steps(2);
    assert_eq!(session.steps().len(), 0, "letters typed there are no shortcuts");
    session.harness.get_by_role_and_label(egui::Role::Button, "Open").click();
    session.wait_until("the photo is open", |editor| editor.timeline().document().photos().len() == 1);
}

#[test]
fn four_faces_are_mixed_in_a_square() {
    let mut session = Session::ready();
    let two = session.settle();
    session.harness.get_by_label("Mix four faces").click();
    session.harness.run_steps(3);
    session.harness.check_accessibility();
    assert_eq!(session.steps(), ["Mix four faces"]);
    let square = session.harness.get_by_label_contains("Place between four faces").rect();
    let pos = square.min + square.size() * vec2(0.75, 0.5);
    session.hover(square.center());
    session.button(square.center(), PointerButton::Primary, true);
    session.hover(pos);
    session.button(pos, PointerButton::Primary, false);
    session.harness.remove_cursor();
    let mixed = session.settle();
    assert_ne!(mixed.rgba, two.rgba);
    let blend = session.editor().timeline().document().blend().unwrap();
    assert!((blend.at()[0] - 0.77).abs() < 0.04 && (blend.at()[1] - 0.5).abs() < 0.02, "{:?}", blend.at());
    assert_eq!(session.steps(), ["Mix four faces", "Change blend"], "a drag is one step");
    session.snapshot("four_faces");

    // By the keyboard, and back to two.
    session.harness.get_by_label_contains("Place between four faces").focus();
    session.harness.run_steps(2);
    session.key(Modifiers::SHIFT, Key::ArrowLeft);
    session.key(Modifiers::NONE, Key::ArrowDown);
    let moved = session.editor().timeline().document().blend().unwrap();
    assert!((moved.at()[0] - blend.at()[0] + 0.1).abs() < 1e-4 && moved.at()[1] > blend.at()[1], "{moved:?}");
    session.harness.get_by_label("Add place to path").click();
    session.harness.run_steps(2);
    assert_eq!(session.editor().timeline().document().edit().blend_path(), [moved.at()]);
    session.harness.get_by_label("Between").click();
    session.harness.run_steps(2);
    assert!(session.editor().timeline().document().blend().unwrap().below.is_none());
    session.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(session.editor().timeline().document().blend(), Some(moved));
}

#[test]
fn clicking_a_photo_paints_from_it() {
    let mut session = Session::ready();
    session.harness.get_by_label("Portrait 5").click();
    session.harness.run_steps(3);
    let document = session.editor().timeline().document();
    assert_eq!(document.active_layer().unwrap().name, "Portrait 5");
    assert_eq!(document.layers().len(), 2);
    // The source is no reference; its click says so.
    session.harness.get_by_label("Portrait 1").click();
    session.harness.run_steps(3);
    assert_eq!(session.messages().len(), 1);
    assert_eq!(session.editor().timeline().document().layers().len(), 2);

    session.harness.get_by_label("Hide layer Portrait 5").click();
    session.harness.run_steps(3);
    let (x, y) = (200.0, 200.0);
    session.paint((x, y), (x, y));
    assert!(
        session.editor().timeline().document().active_layer().unwrap().mask.is_empty(),
        "nothing hidden is painted"
    );
    session.key(Modifiers::SHIFT, Key::Delete);
    assert_eq!(session.editor().timeline().document().layers().len(), 1);
    assert_eq!(session.steps(), ["Add layer", "Hide layer", "Delete layer"]);
}

#[test]
fn the_wheel_zooms_at_the_pointer_and_space_pans() {
    let mut session = Session::ready();
    let pos = session.screen(100.0, 100.0);
    let before = session.editor().view().scale();
    session.hover(pos);
    session.harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: vec2(0.0, 4.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers: Modifiers::NONE,
    });
    session.harness.run_steps(30);
    assert!(session.editor().view().scale() > before * 1.2);
    assert!((session.editor().view().canvas_from_screen(pos) - Point::new(100.0, 100.0)).length() < 0.5);

    session.harness.key_down(Key::Space);
    session.harness.step();
    session.button(pos, PointerButton::Primary, true);
    session.hover(pos + vec2(40.0, 10.0));
    session.button(pos + vec2(40.0, 10.0), PointerButton::Primary, false);
    session.harness.key_up(Key::Space);
    session.harness.step();
    let now = session.editor().view().canvas_from_screen(pos + vec2(40.0, 10.0));
    assert!((now - Point::new(100.0, 100.0)).length() < 0.5, "{now:?}");
    assert!(session.steps().is_empty());

    session.key(Modifiers::COMMAND, Key::Num0);
    assert_eq!(session.editor().view().scale(), before);
}

#[test]
fn holding_the_key_compares_with_the_source() {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    let before = session.render();
    session.harness.key_down(Key::C);
    session.harness.run_steps(2);
    let comparing = session.render();
    assert_ne!(before, comparing);
    session.harness.key_up(Key::C);
    session.harness.run_steps(2);
    let middle = session.screen(256.0, 256.0);
    let pixel = |picture: &image::RgbaImage| *picture.get_pixel(middle.x as u32, middle.y as u32);
    assert_eq!(pixel(&session.render()), pixel(&before));
}

#[test]
fn without_a_model_the_window_says_so_and_lives_on() {
    let mut session = Session::new(EditorOptions {
        load_engine: Box::new(|| Err(Error::argument("the file is not a model"))),
        ..options(Vec::new(), Duration::ZERO)
    });
    session.wait_until("the failure is known", |editor| matches!(editor.engine_state(), EngineState::Failed(_)));
    session.wait_until("the demo faces are there", |editor| !editor.timeline().document().is_empty());
    session.harness.run_steps(2);
    assert!(session.harness.query_by_label("The model could not be loaded").is_some());
    assert!(session.harness.query_by_label("The file is not a model.").is_some());
    let folder = tempfile::tempdir().unwrap();
    session.run(Action::ExportTo(folder.path().join("picture.png")));
    session.run(Action::MakeSource(session.editor().timeline().document().photos()[3].id));
    assert_eq!(session.steps(), ["Change source"]);
    session.harness.check_accessibility();
}

#[test]
fn every_menu_and_box_opens_and_every_widget_has_a_name() {
    let mut session = Session::ready();
    for menu in ["File", "Edit", "View", "Layer", "Help"] {
        session.harness.get_by_label(menu).click();
        session.harness.run_steps(3);
        session.harness.check_accessibility();
        session.key(Modifiers::NONE, Key::Escape);
    }
    let boxes = [
        Look::ShowKeys,
        Look::ShowAbout,
        Look::ShowModelCard,
        Look::AskForPath(Question::OpenPhotos),
        Look::ShowExport { in_photo: false },
    ];
    for command in boxes {
        session.run(command);
        session.harness.run_steps(3);
        session.harness.check_accessibility();
        session.key(Modifiers::NONE, Key::Escape);
    }
    session.run(Look::ShowAbout);
    session.harness.run_steps(8);
    assert!(session.harness.query_by_label_contains("Version").is_some());
    session.harness.get_by_label("Model card").click();
    session.harness.run_steps(3);
    assert!(session.harness.query_by_label("for tests only").is_some(), "the card is shown without its marks");
}

#[test]
fn closing_every_photo_leaves_an_empty_canvas_that_says_what_to_do() {
    let mut session = Session::ready();
    while let Some(photo) = session.editor().timeline().document().photos().first().map(|photo| photo.id) {
        session.run(Action::RemovePhoto(photo));
    }
    session.harness.run_steps(3);
    assert!(session.editor().frame().is_none());
    assert!(session.harness.query_by_label("Drop photos here").is_some());
    session.snapshot("empty");
    for _ in 0..8 {
        session.run(Action::Undo);
    }
    session.settle();
    assert_eq!(session.editor().timeline().document().photos().len(), 8);
}

#[test]
fn another_face_of_a_photo_takes_the_place_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("family.png");
    save_group(&path);
    let mut session = Session::new(face_options(vec![path]));
    session.wait_until("every face is read", |editor| editor.is_idle() && editor.frame().is_some());
    assert_eq!(session.editor().asks_about(), None, "they all show");
    session.run(Look::ChooseFace(None));
    session.harness.run_steps(3);
    let source = |session: &Session| {
        let document = session.editor().timeline().document();
        Arc::clone(document.photo(document.source().unwrap()).unwrap())
    };
    let largest = source(&session);
    let middle_of = |photo: &Photo| photo.placement.as_ref().unwrap().quad.center_in_photo()[0];
    assert!((500.0..1050.0).contains(&middle_of(&largest)), "the largest face is taken until the user says another");
    let faces: Vec<_> = session.harness.get_all_by_role(egui::Role::Button).collect();
    let faces =
        faces.iter().filter_map(|node| node.accesskit_node().label()).filter(|label| label.starts_with("Face "));
    assert_eq!(faces.count(), 3);
    session.snapshot("choose_face");

    // Nothing is painted meanwhile.
    session.key(Modifiers::NONE, Key::ArrowLeft);
    assert!(session.steps().is_empty());
    let left = session.harness.get_all_by_role(egui::Role::Button).find(|node| {
        node.accesskit_node().label().is_some_and(|label| label.starts_with("Face ")) && node.rect().center().x < 450.0
    });
    left.unwrap().click();
    session.wait_until("the face is cut out", |editor| editor.timeline().undo_name() == Some("Choose face"));
    assert_eq!(session.editor().asks_about(), None);
    let chosen = source(&session);
    assert!(middle_of(&chosen) < 480.0 && chosen.id != largest.id && chosen.crop != largest.crop);
    let frame = session.settle();
    session.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(source(&session).id, largest.id);
    assert_ne!(session.settle().rgba, frame.rgba);
    session.key(Modifiers::COMMAND, Key::Y);
    assert_eq!(session.settle().rgba, frame.rgba);

    // It can be asked for again, and left with everything as it was.
    session.run(Look::ChooseFace(None));
    session.harness.run_steps(2);
    assert_eq!(session.editor().asks_about(), Some(chosen.id));
    session.key(Modifiers::NONE, Key::Escape);
    assert_eq!((session.editor().asks_about(), source(&session).id), (None, chosen.id));
}

#[test]
fn a_face_that_was_not_found_is_placed_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("statue.png");
    save_photo(&path, 900, 600);
    let mut session = Session::new(face_options(Vec::new()));
    session.settle();
    session.run(Action::OpenPaths(vec![path]));
    session.wait_until("the user is asked", |editor| editor.asks_about().is_some());
    session.harness.run_steps(2);
    let document = session.editor().timeline().document();
    let opened = Arc::clone(document.photos().last().unwrap());
    assert_eq!((opened.crop.dimensions(), opened.placement.as_ref().unwrap().landmarks), ((600, 600), None));
    for (x, y) in [(400.0, 250.0), (480.0, 254.0), (438.0, 340.0)] {
        assert!(session.harness.get_by_label("Use this face").accesskit_node().is_disabled());
        let pos = session.screen(x, y);
        session.hover(pos);
        session.button(pos, PointerButton::Primary, true);
        session.button(pos, PointerButton::Primary, false);
    }
    // The mouth lay too far to the left.
    let mouth = session.screen(438.0, 340.0);
    let to = mouth + vec2(12.0, 4.0) * session.editor().view().scale();
    session.hover(mouth);
    session.button(mouth, PointerButton::Primary, true);
    session.hover(mouth + (to - mouth) * 0.5);
    session.hover(to);
    session.button(to, PointerButton::Primary, false);
    session.harness.remove_cursor();
    session.harness.run_steps(2);
    session.snapshot("place_face");
    session.harness.get_by_label("Use this face").click();
    session.wait_until("the face is cut out", |editor| editor.timeline().undo_name() == Some("Choose face"));
    let document = session.editor().timeline().document();
    let photo = document.photos().last().unwrap();
    let landmarks = photo.placement.as_ref().unwrap().landmarks.unwrap();
    let expected = [
        (landmarks.eye_left, [399.5, 249.5]),
        (landmarks.eye_right, [479.5, 253.5]),
        (landmarks.mouth(), [449.5, 343.5]),
    ];
    for (found, expected) in expected {
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1.5), "{found:?} is not {expected:?}");
    }
    // The photo is painted on by this face now.
    assert_eq!(document.source(), Some(photo.id));
    assert!(document.photo(opened.id).is_none());
}

#[test]
fn a_face_can_be_placed_with_the_keyboard_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("statue.png");
    save_photo(&path, 900, 600);
    let mut session = Session::new(face_options(vec![path]));
    session.wait_until("the user is asked", |editor| editor.asks_about().is_some());
    session.harness.run_steps(2);
    session.harness.get_by_label("Photo").focus();
    session.harness.run_steps(2);
    for _ in 0..3 {
        session.key(Modifiers::NONE, Key::Space);
    }
    session.harness.get_by_label("Mouth").focus();
    session.harness.run_steps(2);
    for _ in 0..3 {
        session.key(Modifiers::SHIFT, Key::ArrowDown);
    }
    session.key(Modifiers::NONE, Key::Enter);
    session.wait_until("the face is cut out", |editor| {
        let document = editor.timeline().document();
        document.photos()[0].placement.as_ref().is_some_and(|placement| placement.landmarks.is_some())
    });
    let document = session.editor().timeline().document();
    let landmarks = document.photos()[0].placement.as_ref().unwrap().landmarks.unwrap();
    let [left, right, mouth] = [landmarks.eye_left, landmarks.eye_right, landmarks.mouth()];
    let scale = session.editor().view().scale();
    assert!(scale > 0.0 && left[0] < right[0] && (left[1] - right[1]).abs() < 1.0);
    // Sixty-five points below the eyes at first, then thirty photo pixels farther.
    assert!(mouth[1] - left[1] > 30.0, "{left:?} {mouth:?}");
}

#[test]
fn leaving_the_question_uses_the_middle_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = ["a.png", "b.png", "c.png"].iter().map(|name| folder.path().join(name)).collect();
    paths.iter().for_each(|path| save_photo(path, 90, 60));
    let mut session = Session::new(face_options(paths));
    session.wait_until("the user is asked", |editor| editor.asks_about().is_some() && !editor.is_opening());
    session.harness.run_steps(2);
    let first = session.editor().asks_about();
    session.key(Modifiers::NONE, Key::Escape);
    assert!(session.editor().asks_about().is_some() && session.editor().asks_about() != first, "the next one");
    session.harness.get_by_label("Skip all").click();
    session.harness.run_steps(3);
    assert_eq!(session.editor().asks_about(), None);
    let says = |text: &str| text.contains("The middle of a is used") || text.contains("nothing is painted from it");
    assert!(session.messages().iter().all(|(kind, text)| *kind == Kind::Info && says(text)));
    assert!(session.editor().timeline().document().photos().iter().all(|photo| photo.crop.dimensions() == (60, 60)));

    // A photo that goes takes its question with it.
    let id = session.editor().timeline().document().photos()[0].id;
    session.run(Look::PlaceFace(Some(id)));
    session.harness.run_steps(2);
    assert_eq!(session.editor().asks_about(), Some(id));
    session.run(Action::RemovePhoto(id));
    session.harness.run_steps(2);
    assert_eq!(session.editor().asks_about(), None);
}

#[test]
fn painting_in_the_photo_and_exporting_it_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (source, reference) = (folder.path().join("me.png"), folder.path().join("friend.png"));
    // A face turned by some degrees, so that the canvas lies aslant in its photo.
    let upright = portrait("faker_f53.jpg");
    let photo = image::imageops::resize(&upright, 1300, 1300, image::imageops::FilterType::CatmullRom);
    let (sin, cos) = 0.15f32.sin_cos();
    let photo = RgbImage::from_fn(1200, 1000, |x, y| {
        let (x, y) = (x as f32 - 600.0, y as f32 - 450.0);
        let at = |value: f32| (value + 650.0).clamp(0.0, 1299.0) as u32;
        *photo.get_pixel(at(cos * x + sin * y), at(-sin * x + cos * y))
    });
    photo.save(&source).unwrap();
    portrait("faker_m29.jpg").save(&reference).unwrap();
    let mut session = Session::new(face_options(vec![source, reference]));
    session.wait_until("both faces are read", |editor| editor.is_idle() && editor.frame().is_some());
    assert_eq!(session.editor().asks_about(), None, "one face each");
    let before = session.frame();
    session.key(Modifiers::NONE, Key::P);
    session.wait_until("the photo shows the face", Editor::is_idle);
    let quad = {
        let document = session.editor().timeline().document();
        let photo = document.photo(document.source().unwrap()).unwrap();
        photo.placement.as_ref().unwrap().quad
    };
    // The photo is upright on screen, and the canvas turned in it.
    let (left, right) = (session.screen(0.0, 256.0), session.screen(512.0, 256.0));
    let turned = (right - left).angle();
    assert!(turned > 0.03 && (turned - quad.photo_from_crop(512).angle_radians() as f32).abs() < 1e-3, "{turned}");
    // Beyond the square nothing comes of paint, and that is said.
    let hint = "Only what is painted inside the square counts";
    session.hover(session.screen(256.0, 256.0));
    session.button(session.screen(256.0, 256.0), PointerButton::Primary, true);
    assert!(session.harness.query_by_value(hint).is_none());
    session.hover(session.screen(256.0, -20.0));
    session.harness.step();
    assert!(session.harness.query_by_value(hint).is_some());
    session.button(session.screen(256.0, -20.0), PointerButton::Primary, false);
    session.harness.step();
    assert!(session.harness.query_by_value(hint).is_none());
    session.run(Action::Undo);
    session.settle();
    session.paint((200.0, 370.0), (312.0, 370.0));
    let painted = session.settle();
    assert!(difference(&before, &painted) > 20);
    assert_eq!((session.mask_value(256, 370), session.mask_value(256, 300)), (255, 0));
    session.wait_until("the photo shows the stroke", Editor::is_idle);
    session.snapshot("in_photo");

    let path = folder.path().join("me edited.png");
    session.run(Action::ExportInPhotoTo(path.clone()));
    session.wait_until("the export is reported", |editor| !editor.notifications().shown().is_empty());
    assert_eq!(session.messages()[0].0, Kind::Success, "{:?}", session.messages());
    let exported = image::open(&path).unwrap().to_rgb8();
    assert_eq!(exported.dimensions(), photo.dimensions());
    let crop_from_photo = quad.crop_from_photo(512);
    let (mut inside, mut changed) = (0, 0);
    for ((x, y, before), after) in photo.enumerate_pixels().zip(exported.pixels()) {
        let [crop_x, crop_y] = crop_from_photo.apply([x as f32, y as f32]);
        let distance = (crop_x - crop_x.clamp(200.0, 312.0)).hypot(crop_y - 370.0);
        // The brush's radius, and the feather of 8 % of the crop.
        if distance > 28.0 + 0.08 * 512.0 + 4.0 {
            assert_eq!(before, after, "({x}, {y}) lies {distance} from the stroke");
        } else if distance < 20.0 {
            inside += 1;
            changed += usize::from(before != after);
        }
    }
    assert!(inside > 1000 && changed > inside / 2, "{changed} of {inside}");

    // The portraits that come with the program have no photo around them.
    let mut session = Session::ready();
    session.key(Modifiers::NONE, Key::P);
    session.run(Action::ExportInPhotoTo(folder.path().join("no.png")));
    session.harness.run_steps(2);
    assert!(!folder.path().join("no.png").exists());
}

#[test]
fn opening_a_large_photo_leaves_the_window_alive() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.jpg");
    // 24 megapixels.
    let photo = image::imageops::resize(&portrait("faker_f17.jpg"), 4900, 4900, image::imageops::FilterType::Triangle);
    photo.save(&path).unwrap();
    let mut session = Session::new(face_options(Vec::new()));
    session.settle();
    session.wait_until("every face is read", Editor::is_idle);
    session.run(Action::OpenPaths(vec![path]));
    let started = Instant::now();
    let (mut frames, mut longest) = (0, Duration::ZERO);
    while session.editor().is_opening() || !session.editor().is_idle() {
        let frame_started = Instant::now();
        session.harness.step();
        longest = longest.max(frame_started.elapsed());
        frames += 1;
        assert!(started.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(4));
    }
    println!("24 megapixels to an editable face: {:?}, {frames} frames, the longest {longest:?}", started.elapsed());
    let document = session.editor().timeline().document();
    assert_eq!(document.photos().last().unwrap().crop.dimensions(), (1024, 1024));
    assert_eq!(document.source(), document.photos().last().map(|photo| photo.id));
    assert!(frames > 5, "the window drew {frames} frames meanwhile");
}

/// How many pixels of a part of the window differ between two pictures of it.
fn differing(a: &image::RgbaImage, b: &image::RgbaImage, part: egui::Rect) -> usize {
    let pixels = a.enumerate_pixels().zip(b.pixels());
    pixels.filter(|((x, y, a), b)| part.contains(pos2(*x as f32, *y as f32)) && a != b).count()
}

#[test]
fn source_and_edit_can_be_compared_across_a_line_and_side_by_side() {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    session.paint((120.0, 230.0), (400.0, 230.0));
    session.settle();
    session.key(Modifiers::NONE, Key::M);
    let edit = session.render();
    let area = session.editor().view().area();
    let (left, right) = area.split_left_right_at_x(area.center().x);
    let (left, right) = (left.shrink(30.0), right.shrink(30.0));

    session.key(Modifiers::NONE, Key::Y);
    let split = session.render();
    assert!(differing(&edit, &split, left) > 10_000, "the source shows on the left");
    assert_eq!(differing(&edit, &split, right), 0, "the edit shows on the right");
    session.snapshot("split");
    let knob = session.harness.get_by_label("Split").rect().center();
    session.hover(knob);
    session.button(knob, PointerButton::Primary, true);
    session.hover(knob - vec2(150.0, 0.0));
    session.button(knob - vec2(150.0, 0.0), PointerButton::Primary, false);
    session.harness.remove_cursor();
    session.harness.run_steps(3);
    let moved = session.render();
    let between = egui::Rect::from_min_max(pos2(knob.x - 120.0, left.top()), pos2(knob.x - 20.0, left.bottom() - 80.0));
    assert_eq!(differing(&edit, &moved, between), 0, "the edit shows from the line on");
    assert_eq!(session.steps(), ["Paint stroke"], "the line is no brush");

    session.key(Modifiers::SHIFT, Key::Y);
    session.snapshot("side_by_side");
    // Painting works in both halves: the same place of the face.
    let (edit_half, before) = (session.editor().view().area(), session.frame());
    let there = session.screen(256.0, 400.0) - vec2(edit_half.width(), 0.0);
    session.hover(there);
    session.button(there, PointerButton::Primary, true);
    session.hover(there + vec2(20.0, 0.0));
    session.button(there + vec2(20.0, 0.0), PointerButton::Primary, false);
    assert_eq!(session.mask_value(256, 400), 255);
    assert!(difference(&before, &session.settle()) > 0);
    session.harness.remove_cursor();
    session.key(Modifiers::SHIFT, Key::Y);

    // Only what is painted, on a chequered ground.
    let all = session.render();
    session.key(Modifiers::NONE, Key::I);
    let isolated = session.render();
    assert!(differing(&all, &isolated, area) > 50_000);
    let painted = egui::Rect::from_center_size(session.screen(260.0, 230.0), vec2(40.0, 4.0));
    assert_eq!(differing(&all, &isolated, painted), 0);
    session.key(Modifiers::NONE, Key::I);
    assert_eq!(differing(&all, &session.render(), area), 0);
}

#[test]
fn pixels_show_as_squares_between_lines_when_near() {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    session.key(Modifiers::COMMAND, Key::Num1);
    for _ in 0..14 {
        session.key(Modifiers::COMMAND, Key::Plus);
    }
    let picture = session.render();
    // Along a row through the middle of a pixel there are few colours: squares and the lines between them.
    let area = session.editor().view().area();
    let canvas_px = 512.0 / session.source_crop_px() as f32;
    let scale = session.editor().view().scale() * canvas_px;
    assert!(scale > 8.0, "{scale} points for a pixel");
    let y = session.screen(0.0, 256.0 + canvas_px / 2.0).y as u32;
    let row: Vec<_> = (area.left() as u32 + 1..area.right() as u32 - 1).map(|x| *picture.get_pixel(x, y)).collect();
    let changes = row.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let squares = (area.width() / scale) as usize;
    assert!(changes > squares && changes < 6 * squares, "{changes} changes over {squares} pixels");
    session.snapshot("pixels");
}

#[test]
fn every_command_is_found_by_its_name() {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    session.paint((180.0, 230.0), (340.0, 230.0));
    session.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    session.harness.event(egui::Event::Text("clear ma".to_owned()));
    session.harness.run_steps(3);
    assert!(session.harness.query_all_by_label("Clear mask").count() > 1, "in the panel and in the box");
    // The ground darkens over some frames.
    session.harness.run_steps(12);
    session.snapshot("palette");
    session.key(Modifiers::NONE, Key::Enter);
    assert_eq!(session.steps(), ["Paint stroke", "Clear mask"]);
    // Letters went to the field, and the box is gone: keys mean what they meant.
    session.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(session.mask_value(260, 230), 255);

    // The box has its size as soon as it is seen: nobody draws further frames for it.
    session.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    session.harness.run_steps(2);
    let early = session.render();
    session.harness.run_steps(20);
    let rows = egui::Rect::from_center_size(pos2(640.0, 500.0), vec2(300.0, 60.0));
    assert_eq!(differing(&early, &session.render(), rows), 0);
    session.key(Modifiers::NONE, Key::Escape);

    // Arrows choose, a disabled command does nothing, Escape leaves.
    session.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    session.harness.event(egui::Event::Text("mask".to_owned()));
    session.key(Modifiers::NONE, Key::ArrowDown);
    session.key(Modifiers::NONE, Key::ArrowUp);
    session.key(Modifiers::NONE, Key::ArrowUp);
    session.key(Modifiers::NONE, Key::Escape);
    assert!(session.harness.query_by_label("Command").is_none());
    session.key(Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    session.harness.event(egui::Event::Text("reset position".to_owned()));
    session.key(Modifiers::NONE, Key::Enter);
    assert!(session.harness.query_by_label("Command").is_some(), "nothing is moved, so there is nothing to reset");
    assert_eq!(session.steps(), ["Paint stroke"]);
}

#[test]
fn the_history_goes_to_any_step() {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    // Room for the list.
    for section in ["Between two faces", "Photos", "Adjust"] {
        session.harness.get_by_role_and_label(egui::Role::Button, section).click();
        session.harness.run_steps(3);
    }
    session.harness.get_by_label("History").click();
    session.harness.run_steps(3);
    for x in [150.0, 250.0, 350.0] {
        session.paint((x, 230.0), (x + 20.0, 230.0));
    }
    let last = session.settle();
    session.harness.get_by_label("Start").click();
    session.harness.run_steps(3);
    assert!(session.steps().is_empty() && session.editor().timeline().future_names().len() == 3);
    session.settle();
    session.snapshot("history");
    session.run(Action::GoToStep(2));
    assert_eq!((session.mask_value(260, 230), session.mask_value(360, 230)), (255, 0));
    session.run(Action::GoToStep(99));
    assert_eq!(session.settle().rgba, last.rgba);

    // Sections close and open.
    session.harness.get_by_label("Layers").click();
    session.harness.run_steps(3);
    assert!(session.harness.query_by_label("Layer Portrait 2").is_none());
    session.harness.get_by_label("Layers").click();
    session.harness.run_steps(3);
    assert!(session.harness.query_by_label("Layer Portrait 2").is_some());
}

#[test]
fn the_motion_between_two_faces_plays_and_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    let still = session.frame();
    session.harness.get_by_label("Play between the faces").click();
    session.harness.step();
    let mut seen = std::collections::BTreeSet::new();
    session.wait_until("it moves", |editor| {
        seen.extend(editor.frame().map(|frame| frame.order()));
        seen.len() > 8
    });
    assert!(difference(&still, &session.frame()) > 0);
    assert!(session.steps().is_empty(), "what is played is no edit");
    session.harness.get_by_label("Pause").click();
    session.harness.run_steps(2);
    assert_eq!(session.steps(), ["Change blend"], "the slider stays where it was stopped");
    let t = session.editor().timeline().document().blend().unwrap().t;
    assert!(t > 0.0 && t < 1.0, "{t}");
    session.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(session.settle().rgba, still.rgba);

    // Twenty-four pictures there, and those between the ends back.
    let path = folder.path().join("faces.gif");
    session.run(Look::ShowMotionExport);
    session.harness.run_steps(12);
    session.snapshot("motion");
    session.key(Modifiers::NONE, Key::Escape);
    session.run(Action::ExportMotionTo(MotionTarget::File(path.clone())));
    session.wait_until("it is written", |editor| !editor.notifications().shown().is_empty());
    assert_eq!(session.messages()[0].0, Kind::Success, "{:?}", session.messages());
    let file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
    let decoder = image::codecs::gif::GifDecoder::new(file).unwrap();
    let frames = image::AnimationDecoder::into_frames(decoder).collect_frames().unwrap();
    assert_eq!(frames.len(), 24 + 22);
    assert_eq!(session.steps(), Vec::<String>::new());
    assert_eq!(session.settle().rgba, still.rgba, "the document shows again");

    let pictures = folder.path().join("frames");
    session.run(Action::ExportMotionTo(MotionTarget::Folder(pictures.clone())));
    session.wait_until("they are written", Editor::is_idle);
    let opened = |number: usize| image::open(pictures.join(format!("{number:04}.png"))).unwrap().to_rgba8();
    assert!(distance(&opened(1), &still) < 3.0, "{}", distance(&opened(1), &still));
    session.run(Action::SwapBlend);
    session.wait_until("the other face is drawn", Editor::is_idle);
    session.run(Action::Undo);
    session.harness.get_by_role_and_label(egui::Role::Slider, "Blend").set_value_accesskit(100.0);
    session.harness.step();
    let other = session.settle();
    assert!(distance(&opened(24), &other) < 3.0, "{}", distance(&opened(24), &other));

    session.run(Action::ExportMotionTo(MotionTarget::File(folder.path().join("faces.mov"))));
    session.harness.run_steps(2);
    assert!(session.messages().iter().any(|(kind, text)| *kind == Kind::Error && text.contains(".gif")));
}

#[test]
fn keys_can_be_chosen_and_settings_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folders = folders_in(folder.path());
    let file = folders.settings.clone();
    let with_settings = || EditorOptions { folders: Some(folders.clone()), ..options(Vec::new(), Duration::ZERO) };
    let mut session = Session::new(with_settings());
    session.settle();
    session.run(Action::UseTheme(Theme::Light));
    // Room for the list.
    session.harness.get_by_role_and_label(egui::Role::Button, "Between two faces").click();
    session.harness.run_steps(3);
    session.harness.get_by_label("History").click_accesskit();
    session.harness.run_steps(2);
    session.key(Modifiers::NONE, Key::F1);
    // The box finds its size over some frames.
    session.harness.run_steps(8);
    session.harness.get_by_label("Key of Invert mask").click();
    session.harness.run_steps(2);
    session.key(Modifiers::COMMAND, Key::Z);
    assert!(session.harness.query_by_label_contains("was the key of “Undo”").is_some());
    session.key(Modifiers::NONE, Key::Escape);
    session.paint((180.0, 230.0), (340.0, 230.0));
    session.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(session.steps(), ["Paint stroke", "Invert mask"]);
    session.wait_until("the settings are written", |_| {
        std::fs::read_to_string(&file).is_ok_and(|text| text.contains("invert-mask"))
    });
    drop(session);

    let mut session = Session::new(with_settings());
    session.settle();
    // What the window before left unsaved is offered, and left for later.
    session.key(Modifiers::NONE, Key::Escape);
    assert_eq!(session.harness.ctx.theme(), egui::Theme::Light);
    assert!(session.editor().workbench().settings().open_sections.history, "the history is open");
    session.key(Modifiers::COMMAND, Key::Z);
    assert_eq!(session.steps(), ["Invert mask"]);
    session.key(Modifiers::NONE, Key::F1);
    session.harness.run_steps(8);
    session.harness.get_by_label("Reset all keys").click();
    session.harness.run_steps(2);
    session.key(Modifiers::NONE, Key::Escape);
    session.key(Modifiers::COMMAND, Key::Z);
    assert!(session.steps().is_empty(), "undo has its key again");
    drop(session);

    // A broken file is said, passed over, and no reason not to start.
    std::fs::write(&file, "not json").unwrap();
    let mut session = Session::new(with_settings());
    session.settle();
    assert!(session.messages().iter().any(|(kind, text)| *kind == Kind::Error && text.contains("settings.json")));
}

#[test]
fn random_faces_are_picked_and_painted_with() {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    let before = session.frame();
    session.key(Modifiers::COMMAND, Key::R);
    let started = Instant::now();
    while session.harness.query_by_label("Random face 12").is_none() {
        session.harness.step();
        assert!(started.elapsed() < PATIENCE);
    }
    session.harness.run_steps(12);
    session.snapshot("random_faces");
    session.harness.get_by_label("Random face 5").click();
    session.harness.run_steps(3);
    session.key(Modifiers::NONE, Key::Escape);
    let document = session.editor().timeline().document();
    let face = Arc::clone(document.photos().last().unwrap());
    assert_eq!((document.photos().len(), face.name.as_str(), face.crop.dimensions()), (9, "Face 1-5", (32, 32)));
    assert_eq!(document.active_layer().unwrap().photo, face.id);
    assert_eq!(session.steps(), ["Add random face"]);
    // Alone on the canvas it is what was picked: no encoder stood between.
    session.run(Action::MakeSource(face.id));
    let drawn = session.settle();
    let picked: Vec<u8> = drawn.rgba.chunks_exact(4).flat_map(|pixel| pixel[..3].to_vec()).collect();
    assert_eq!(&picked, face.crop.as_raw());
    session.run(Action::Undo);
    session.paint((200.0, 300.0), (300.0, 300.0));
    assert!(difference(&before, &session.settle()) > 0);
}

#[test]
fn styles_of_two_faces_are_mixed() {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    let source = session.settle();
    session.harness.get_by_label("Shape of source").click();
    session.harness.run_steps(3);
    let shape_of_source = session.settle();
    session.harness.get_by_label("Shape of other").click();
    session.harness.run_steps(3);
    let shape_of_other = session.settle();
    assert!(difference(&source, &shape_of_source) > 50 && difference(&shape_of_source, &shape_of_other) > 50);
    // Exchanging the faces exchanges what is mixed.
    session.run(Action::SwapBlend);
    session.run(Action::MixStyles(Some(StyleMix::CoarseFromOther)));
    assert_eq!(session.settle().rgba, shape_of_other.rgba);
    assert_eq!(session.steps(), ["Mix styles", "Mix styles", "Swap faces", "Mix styles"]);
    for _ in 0..4 {
        session.run(Action::Undo);
    }
    assert_eq!(session.settle().rgba, source.rgba);
}

/// The amounts of the whole face, or of the active layer alone.
fn amounts(editor: &Editor, of_layer: bool) -> DirectionAmounts {
    let document = editor.timeline().document();
    document.directions(document.active_layer().map(|layer| layer.id).filter(|_| of_layer)).clone()
}

#[test]
fn sliders_move_the_face_along_directions() {
    let mut session = Session::new(directed(options(Vec::new(), Duration::ZERO)));
    session.settle();
    session.wait_until("every face is read", Editor::is_idle);
    let before = session.frame();
    // Room for the panel.
    for section in ["Photos", "Between two faces", "Layers"] {
        session.harness.get_by_role_and_label(egui::Role::Button, section).click();
        session.harness.run_steps(2);
    }
    let slider = session.harness.get_by_role_and_label(egui::Role::Slider, "Smile").rect();
    session.hover(slider.center());
    session.button(slider.center(), PointerButton::Primary, true);
    for i in 1..=4 {
        session.hover(slider.center() + vec2(8.0 * i as f32, 0.0));
    }
    session.button(slider.center() + vec2(32.0, 0.0), PointerButton::Primary, false);
    let smiling = session.settle();
    let smile = amounts(session.editor(), false)["Smile"];
    assert!((0.3..3.0).contains(&smile), "{smile}");
    assert!(difference(&before, &smiling) > 500);
    assert_eq!(session.steps(), ["Adjust whole face"]);

    // A value can be typed.
    session.harness.get_by_label("Freckles value").click();
    session.harness.run_steps(3);
    session.harness.event(egui::Event::Text("-1.25".to_owned()));
    session.harness.run_steps(2);
    session.key(Modifiers::NONE, Key::Enter);
    assert_eq!(amounts(session.editor(), false)["Freckles"], -1.25);
    let freckled = session.settle();
    assert!(difference(&smiling, &freckled) > 500);
    session.snapshot("adjust");
    session.run(Action::UseTheme(Theme::Light));
    session.harness.run_steps(3);
    session.snapshot("light_adjust");
    session.run(Action::UseTheme(Theme::Dark));

    session.harness.get_by_label("Reset Freckles").click();
    session.harness.run_steps(3);
    assert_eq!(session.settle().rgba, smiling.rgba);
    session.run(Action::ResetAdjustments);
    assert_eq!(session.settle().rgba, before.rgba);
    assert!(!session.editor().workbench().is_enabled(&Action::ResetAdjustments));
    assert_eq!(session.steps().len(), 4);
    for _ in 0..2 {
        session.key(Modifiers::COMMAND, Key::Z);
    }
    assert_eq!(session.settle().rgba, freckled.rgba);
    for _ in 0..2 {
        session.key(Modifiers::COMMAND, Key::Z);
    }
    assert_eq!(session.settle().rgba, before.rgba);
    assert!(amounts(session.editor(), false).is_empty());

    session.run(Action::UseLanguage(Some(Language::Korean)));
    session.harness.run_steps(3);
    for label in ["조정", "미소", "Freckles"] {
        assert!(session.harness.query_all_by_label(label).next().is_some(), "{label}");
    }
}

#[test]
fn sliders_move_only_what_a_layer_paints() {
    let mut session = Session::new(directed(options(Vec::new(), Duration::ZERO)));
    session.settle();
    session.wait_until("every face is read", Editor::is_idle);
    for section in ["Photos", "Between two faces"] {
        session.harness.get_by_role_and_label(egui::Role::Button, section).click();
        session.harness.run_steps(3);
    }
    session.harness.get_by_label("Only inside the mask").click();
    session.harness.run_steps(3);
    // A layer from the source itself: what shows there is the source, and only the sliders make a difference.
    session.harness.get_by_label("Add a layer from the source").click();
    session.harness.run_steps(3);
    assert!(session.harness.query_by_label("Paint over the part that is to be adjusted.").is_some());
    session.paint((60.0, 60.0), (200.0, 60.0));
    let painted = session.settle();
    session.harness.get_by_role_and_label(egui::Role::Slider, "Light").set_value_accesskit(2.5);
    session.harness.run_steps(3);
    let lit = session.settle();
    assert_eq!(amounts(session.editor(), true), [("Light".to_owned(), 2.5)].into());
    assert!(amounts(session.editor(), false).is_empty());
    let change = |rows: std::ops::Range<usize>| {
        let row = 32 * 4;
        let part = rows.start * row..rows.end * row;
        let (a, b) = (&painted.rgba[part.clone()], &lit.rgba[part]);
        a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
    };
    let (inside, outside) = (change(2..6), change(18..32));
    assert!(inside > 3.0 && outside < inside / 2.0, "{inside} inside, {outside} outside");
    assert_eq!(session.steps(), ["Add layer", "Paint stroke", "Adjust inside mask"]);
    // With the layer goes what was adjusted in it.
    session.run(Action::DeleteLayer);
    session.run(Action::Undo);
    assert_eq!(session.settle().rgba, lit.rgba);
    session.run(Action::AdjustWholeFace);
    assert!(!session.editor().workbench().is_enabled(&Action::ResetAdjustments));
}

#[test]
fn directions_of_another_model_are_kept_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work.stylebrush");
    let mut session = Session::new(directed(options(Vec::new(), Duration::ZERO)));
    session.settle();
    session.wait_until("every face is read", Editor::is_idle);
    session.harness.get_by_role_and_label(egui::Role::Slider, "Smile").set_value_accesskit(1.5);
    session.harness.run_steps(3);
    let smiling = session.settle();
    session.run(Action::SaveProjectTo(path.clone()));
    session.wait_until("it is saved", |editor| !editor.has_unsaved_changes());
    drop(session);

    // This one has no directions.
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    session.run(Action::OpenProject(path.clone()));
    session.wait_until("it is open", |editor| editor.projects().path() == Some(path.as_path()));
    let drawn = session.settle();
    assert_eq!(amounts(session.editor(), false), [("Smile".to_owned(), 1.5)].into());
    assert!(difference(&smiling, &drawn) > 100);
    let said = "This model does not have Smile: kept for one that does, and not in the picture";
    assert!(session.messages().iter().any(|(_, text)| text.starts_with(said)), "{:?}", session.messages());
    assert!(session.harness.query_all_by_label(said).next().is_some());
    session.paint((60.0, 60.0), (200.0, 60.0));
    session.run(Action::SaveProject);
    session.wait_until("it is saved", |editor| !editor.has_unsaved_changes());
    drop(session);

    let mut session = Session::new(directed(options(vec![path.clone()], Duration::ZERO)));
    session.wait_until("it is open", |editor| editor.projects().path() == Some(path.as_path()));
    session.wait_until("nothing is under way", |editor| editor.is_idle() && editor.frame().is_some());
    session.run(Action::ClearMask);
    assert_eq!(session.settle().rgba, smiling.rgba, "back with its model, the face smiles");
}

#[test]
fn a_project_is_saved_and_opened_with_everything_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let folders = folders_in(folder.path());
    let start = || EditorOptions { folders: Some(folders.clone()), ..face_options(Vec::new()) };
    let mut session = Session::new(start());
    session.settle();
    assert!(!session.editor().has_unsaved_changes());
    let photo = folder.path().join("me.jpg");
    portrait("faker_f53.jpg").save(&photo).unwrap();
    session.paint((100.0, 200.0), (140.0, 200.0));
    session.run(Action::OpenPaths(vec![photo.clone()]));
    session.wait_until("the photo is open", |editor| editor.timeline().document().photos().len() == 9);
    session.run(Action::MixStyles(Some(StyleMix::CoarseFromOther)));
    session.paint((200.0, 300.0), (300.0, 300.0));
    let drawn = session.settle();
    assert!(session.editor().has_unsaved_changes());
    let path = folder.path().join("holiday");
    session.run(Action::SaveProjectTo(path.clone()));
    session.wait_until("it is saved", |editor| !editor.has_unsaved_changes());
    let path = path.with_extension("stylebrush");
    assert_eq!(session.editor().projects().path(), Some(path.as_path()));
    session.wait_until("nothing is under way", Editor::is_idle);
    let saved = session.editor().timeline().document().clone();

    // Changes since then are asked about before anything else opens; with the file gone, the photo is in the project.
    std::fs::remove_file(&photo).unwrap();
    session.key(Modifiers::NONE, Key::R);
    session.paint((100.0, 100.0), (140.0, 100.0));
    session.harness.get_all_by_label("Dismiss").next().unwrap().click();
    session.wait_until("nothing is under way", Editor::is_idle);
    session.run(Action::NewProject);
    session.harness.run_steps(12);
    session.snapshot("unsaved");
    session.harness.get_by_label("Cancel").click();
    session.harness.run_steps(3);
    assert!(!session.editor().timeline().document().is_empty());
    session.run(Action::NewProject);
    session.harness.run_steps(8);
    session.harness.get_by_label("Don’t save").click();
    session.harness.run_steps(4);
    assert!(session.editor().timeline().document().is_empty() && !session.editor().has_unsaved_changes());
    session.run(Action::OpenPaths(vec![path.clone()]));
    session.wait_until("it is open", |editor| editor.timeline().document().photos().len() == 9);
    session.wait_until("nothing is under way", |editor| editor.is_idle() && editor.frame().is_some());
    let document = session.editor().timeline().document();
    assert_eq!(document.style_mix(), Some(StyleMix::CoarseFromOther));
    assert_eq!(document.layers().len(), saved.layers().len());
    for (a, b) in document.layers().iter().zip(saved.layers()) {
        assert!(a.mask == b.mask && a.name == b.name && a.color == b.color);
    }
    for (a, b) in document.photos().iter().zip(saved.photos()) {
        assert!(a.crop == b.crop && a.name == b.name);
    }
    assert_eq!(session.settle().rgba, drawn.rgba, "it draws the same, bit for bit");
    assert!(!session.editor().has_unsaved_changes() && session.steps().is_empty());
    drop(session);

    // The next start knows it.
    let mut session = Session::new(start());
    session.settle();
    session.run(Action::OpenProject(folder.path().join("gone.stylebrush")));
    session.wait_until("the failure is reported", |editor| !editor.notifications().shown().is_empty());
    assert!(session.messages()[0].1.contains("gone.stylebrush"), "{:?}", session.messages());
    session.harness.get_by_label("File").click();
    session.harness.run_steps(3);
    session.harness.get_by_label_contains("Recent projects").hover();
    session.harness.run_steps(20);
    session.harness.get_by_label("holiday").click();
    session.wait_until("it is open", |editor| editor.projects().path() == Some(path.as_path()));
}

#[test]
fn saving_that_is_given_up_gives_up_what_was_to_follow() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = Session::ready();
    session.paint((200.0, 300.0), (300.0, 300.0));
    let file = folder.path().join("a.stylebrush");
    session.run(Action::NewProject);
    session.harness.run_steps(8);
    session.harness.get_by_label("Save").click();
    session.harness.run_steps(10);
    // Which file? The user thinks better of it.
    assert!(session.harness.query_by_label("Save project to path").is_some());
    session.harness.get_by_label("Cancel").click();
    session.harness.run_steps(3);
    session.run(Action::SaveProjectTo(file.clone()));
    session.wait_until("it is saved", |editor| !editor.has_unsaved_changes());
    session.harness.run_steps(3);
    assert!(!session.editor().timeline().document().is_empty(), "no new project was asked for any more");

    // With a path given, what was asked for follows.
    session.paint((200.0, 200.0), (300.0, 200.0));
    session.run(Action::NewProject);
    session.harness.run_steps(8);
    session.harness.get_by_label("Save").click();
    session.wait_until("the project is new", |editor| editor.timeline().document().is_empty());
}

#[test]
fn the_export_box_says_what_is_written_and_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let folders = folders_in(folder.path());
    let start = || EditorOptions { folders: Some(folders.clone()), ..options(Vec::new(), Duration::ZERO) };
    let mut session = Session::new(start());
    session.settle();
    session.wait_until("every face is read", Editor::is_idle);
    session.key(Modifiers::COMMAND, Key::E);
    session.harness.run_steps(12);
    let side_px = session.source_crop_px();
    assert!(session.harness.query_by_label(&format!("{side_px} × {side_px} pixels")).is_some(), "as its photo has it");
    session.harness.get_by_label("JPEG").click();
    session.harness.run_steps(3);
    session.harness.get_by_label("Say in the file that it was edited").click();
    session.harness.run_steps(3);
    session.snapshot("export");
    session.key(Modifiers::NONE, Key::Escape);
    session.run(Action::ExportTo(folder.path().join("quiet.png")));
    session.wait_until("it is exported", Editor::is_idle);
    let says = |name: &str| {
        let bytes = std::fs::read(folder.path().join(name)).unwrap();
        bytes.windows(10).any(|window| window == b"Stylebrush")
    };
    assert!(!says("quiet.png"));
    session.run(Look::ShowExport { in_photo: false });
    session.harness.run_steps(8);
    session.harness.get_by_label("Say in the file that it was edited").click();
    session.harness.run_steps(3);
    session.key(Modifiers::NONE, Key::Escape);
    session.run(Action::ExportTo(folder.path().join("said.png")));
    session.wait_until("it is exported", Editor::is_idle);
    assert!(says("said.png"));
}

#[test]
fn the_side_panels_width_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folders = folders_in(folder.path());
    let start = || EditorOptions { folders: Some(folders.clone()), ..options(Vec::new(), Duration::ZERO) };
    let mut session = Session::new(start());
    session.settle();
    let edge = |session: &Session| session.editor().view().area().right();
    let before = edge(&session);
    let grip = session.harness.get_by_label("Resize panel").rect().center() + vec2(2.0, 0.0);
    session.hover(grip);
    session.button(grip, PointerButton::Primary, true);
    session.hover(grip - vec2(30.0, 0.0));
    session.hover(grip - vec2(60.0, 0.0));
    session.button(grip - vec2(60.0, 0.0), PointerButton::Primary, false);
    session.harness.run_steps(3);
    let after = edge(&session);
    assert!((before - after - 60.0).abs() < 4.0, "{before} {after}");
    assert!(session.steps().is_empty(), "nothing was painted");
    session.wait_until("it is kept", |_| {
        std::fs::read_to_string(&folders.settings).is_ok_and(|text| text.contains("side_panel"))
    });
    drop(session);
    let mut session = Session::new(start());
    session.settle();
    assert!((edge(&session) - after).abs() < 2.0, "{} {after}", edge(&session));
}

#[test]
fn what_a_crash_left_is_offered_and_recovered() {
    let folder = tempfile::tempdir().unwrap();
    let folders = folders_in(folder.path());
    let start = || EditorOptions { folders: Some(folders.clone()), ..options(Vec::new(), Duration::ZERO) };
    let mut session = Session::new(start());
    session.settle();
    session.paint((200.0, 300.0), (300.0, 300.0));
    let drawn = session.settle();
    session.wait_until("it is saved by itself", |editor| editor.is_idle());
    let autosaves = || {
        std::fs::read_dir(&folders.recovery).map_or(0, |entries| {
            entries.flatten().filter(|entry| entry.path().extension().is_some_and(|end| end == "stylebrush")).count()
        })
    };
    session.wait_until("it is saved by itself", |_| autosaves() == 1);
    session.wait_until("nothing is under way", Editor::is_idle);
    // Gone without closing.
    drop(session);

    let mut session = Session::new(start());
    session.settle();
    session.harness.run_steps(12);
    assert!(session.harness.query_by_label("Recover unsaved work?").is_some());
    session.wait_until("every face is read", Editor::is_idle);
    session.snapshot("recover");
    session.harness.get_by_label("Recover").click();
    session.wait_until("it is recovered", |editor| {
        editor.timeline().document().active_layer().is_some_and(|layer| !layer.mask.is_empty())
    });
    session.wait_until("it is drawn", |editor| editor.is_idle() && editor.frame().is_some());
    assert_eq!(session.settle().rgba, drawn.rgba);
    assert!(session.editor().has_unsaved_changes(), "it is in no file of the user's yet");
    let path = folder.path().join("rescued.stylebrush");
    session.run(Action::SaveProjectTo(path.clone()));
    session.wait_until("it is saved", |editor| !editor.has_unsaved_changes());
    session.wait_until("nothing is left to recover", |_| path.exists() && autosaves() == 0);
}

#[test]
fn the_picture_is_copied_and_paths_are_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a photo.png");
    save_photo(&path, 64, 64);
    let mut session = Session::ready();
    let frame = session.settle();
    session.harness.event(egui::Event::Copy);
    let started = Instant::now();
    let copied = loop {
        session.harness.step();
        let commands = &session.harness.output().platform_output.commands;
        let copied = commands.iter().find_map(|command| match command {
            egui::OutputCommand::CopyImage(picture) => Some(picture.clone()),
            _ => None,
        });
        if let Some(copied) = copied {
            break copied;
        }
        assert!(started.elapsed() < PATIENCE, "a picture comes on the clipboard");
    };
    let pixels: Vec<u8> = copied.pixels.iter().flat_map(|pixel| pixel.to_array()).collect();
    let [width, height] = copied.size.map(|len| len as u32);
    assert_eq!((width, height), (session.source_crop_px(), session.source_crop_px()));
    let copied = image::RgbaImage::from_raw(width, height, pixels).unwrap();
    assert!(distance(&copied, &frame) < 3.0, "{}", distance(&copied, &frame));

    session.harness.event(egui::Event::Paste("no path at all".to_owned()));
    session.wait_until("the user is told", |editor| {
        editor.notifications().shown().iter().any(|it| it.kind == Kind::Info && it.text.contains("no path"))
    });
    session.harness.event(egui::Event::Paste(format!("file://{}\n", path.display())));
    session.wait_until("the photo is open", |editor| editor.timeline().document().photos().len() == 1);

    // A picture without a file, pixel for pixel; a project keeps it.
    let pixels = |i: usize| egui::Color32::from_rgb((i % 50) as u8 * 5, (i / 50) as u8 * 6, 9);
    let picture = egui::ColorImage::new([50, 40], (0..2000).map(pixels).collect());
    session.harness.event(egui::Event::PasteImage(Arc::new(picture)));
    session.wait_until("the picture is open", |editor| editor.timeline().document().photos().len() == 2);
    let project = folder.path().join("pasted.stylebrush");
    session.run(Action::SaveProjectTo(project.clone()));
    session.wait_until("it is saved", |editor| !editor.has_unsaved_changes());
    session.run(Action::OpenProject(project));
    session
        .wait_until("it is open", |editor| editor.timeline().past_names().len() == 0 && !editor.projects().is_busy());
    let pasted = session.editor().timeline().document().photos()[1].clone();
    assert_eq!((pasted.name.as_str(), &pasted.path), ("Pasted picture", &None));
    let original = &pasted.placement.as_ref().unwrap().original;
    assert_eq!(original.pixels.dimensions(), (50, 40));
    assert_eq!(original.pixels.get_pixel(12, 30).0, [60, 180, 9]);
}

#[test]
fn alt_with_a_letter_opens_a_menu_and_does_nothing_else() {
    let mut session = Session::ready();
    session.run(Look::ZoomIn);
    let scale = session.editor().view().scale();
    for (key, item) in [(Key::F, "New project"), (Key::E, "Paste as source"), (Key::V, "Zoom to painted region")] {
        session.key(Modifiers::ALT, key);
        assert!(session.harness.query_all_by_label_contains(item).next().is_some(), "{item}");
        session.key(Modifiers::NONE, Key::Escape);
        session.harness.run_steps(2);
        assert!(session.harness.query_all_by_label_contains(item).next().is_none(), "{item}");
    }
    assert_eq!(session.editor().view().scale(), scale, "F alone fits the picture into the window");
    // From there on by the keyboard.
    session.key(Modifiers::ALT, Key::H);
    session.key(Modifiers::NONE, Key::Enter);
    session.harness.run_steps(4);
    assert!(session.harness.query_by_label("Command").is_some(), "the palette is open");
}

#[test]
fn zoom_and_pan_are_kept_for_the_face_and_for_its_photo() {
    let mut session = Session::ready();
    session.run(Look::ZoomIn);
    let face = session.editor().view().content_rect();
    session.run(Action::ToggleInPhoto);
    session.harness.run_steps(2);
    session.run(Look::ZoomToFill);
    session.run(Look::ZoomIn);
    let photo = session.editor().view().content_rect();
    for _ in 0..2 {
        session.run(Action::ToggleInPhoto);
        session.harness.run_steps(2);
        assert_eq!(session.editor().view().content_rect(), face);
        session.run(Action::ToggleInPhoto);
        session.harness.run_steps(2);
        assert_eq!(session.editor().view().content_rect(), photo);
    }
    // And the painted region, wherever it lies.
    session.run(Action::PaintPreset(FaceRegion::RightEye, Combine::Add));
    session.run(Look::ZoomToPainted);
    let view = session.editor().view();
    let eye = view.screen_from_canvas(Point::new(320.0, 241.0));
    assert!((eye - view.area().center()).length() < 80.0, "{eye:?} {:?}", view.area());
}

#[test]
fn parts_of_the_face_lie_in_the_panel() {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    session.harness.get_by_label("Paint left eye").click();
    session.harness.run_steps(3);
    assert_eq!((session.mask_value(192, 241), session.mask_value(320, 241)), (255, 0));
    // It may lie below the window's edge.
    session.harness.get_by_label("Paint mouth").click_accesskit();
    session.harness.run_steps(3);
    assert_eq!((session.mask_value(192, 241), session.mask_value(256, 373)), (255, 255));
    assert_eq!(session.steps(), ["Paint left eye", "Paint mouth"]);
}

#[test]
fn masks_can_be_seen() {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    session.run(Action::PaintPreset(FaceRegion::Hair, Combine::Add));
    let layer = session.editor().timeline().document().active_layer().unwrap().id;
    session.run(Action::SetLayerFeather(layer, 24.0));
    session.settle();
    session.wait_until("it is drawn", Editor::is_idle);
    session.key(Modifiers::SHIFT, Key::M);
    assert_eq!(session.editor().workbench().view().mask_view, MaskView::Rubylith);
    session.snapshot("mask_in_red");
    session.key(Modifiers::SHIFT, Key::M);
    assert_eq!(session.editor().workbench().view().mask_view, MaskView::Alone);
    session.snapshot("mask_alone");
}

#[test]
fn sizes_are_in_the_pixels_that_show() {
    let mut session = Session::ready();
    let size = |session: &Session| {
        let values = session.harness.get_all_by_label("Size value");
        values.filter_map(|node| node.accesskit_node().numeric_value()).next().unwrap()
    };
    let by_itself = size(&session);
    let radius_px = session.editor().workbench().toolbox().brush.radius_px;
    assert!((by_itself - f64::from(2.0 * radius_px)).abs() < 0.6, "{by_itself}");
    session.run(Action::ToggleInPhoto);
    session.harness.run_steps(3);
    let (_, placement) = session.editor().workbench().shown_photo().unwrap();
    let in_photo = size(&session);
    let expected = by_itself * f64::from(placement.quad.side_px()) / 512.0;
    assert!((in_photo - expected).abs() < 1.0, "{in_photo} is not {expected}");
}

#[test]
fn the_bars_fit_windows_of_any_width() {
    for language in [Language::English, Language::Korean] {
        let mut session = Session::ready();
        session.run(Action::UseLanguage(Some(language)));
        for width in [1280.0, 960.0, 800.0, 640.0, 560.0, 480.0, 360.0, 280.0] {
            session.harness.set_size(vec2(width, 500.0));
            session.harness.run_steps(4);
            let buttons: Vec<(String, egui::Rect)> = session
                .harness
                .query_all_by_role(egui::Role::Button)
                .filter(|node| node.rect().top() < 34.0)
                .map(|node| (node.accesskit_node().label().unwrap_or_default(), node.rect()))
                .collect();
            assert!(buttons.len() >= 2, "{width}: {buttons:?}");
            for (i, (a, rect)) in buttons.iter().enumerate() {
                assert!(rect.left() >= 0.0 && rect.right() <= width, "{width}: {a} at {rect:?}");
                for (b, other) in &buttons[i + 1..] {
                    assert!(!rect.shrink(1.0).intersects(other.shrink(1.0)), "{width}: {a} lies on {b}");
                }
            }
        }
    }
}

/// Whether a command needs nothing but the window: no dialog of the system, no box to type in, and the window stays, in a
/// language that the test reads.
fn is_for_everyone(command: &Command) -> bool {
    match command {
        // And none reads the clipboard of the machine.
        Command::Do(Action::Paste | Action::PasteAsSource) => false,
        Command::Do(Action::NewProject | Action::SaveProject | Action::Quit | Action::UseLanguage(_)) => false,
        Command::Do(_) => true,
        Command::Look(look) => matches!(
            look,
            Look::ZoomIn
                | Look::ZoomOut
                | Look::ZoomToFit
                | Look::ZoomToFill
                | Look::ZoomToPainted
                | Look::ZoomToActualSize
                | Look::ToggleCompare(_)
                | Look::ChooseFace(_)
                | Look::PlaceFace(_)
        ),
    }
}

/// How much memory this process holds, where the system says so.
fn resident_bytes() -> Option<usize> {
    let pages: usize = std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// The past may hold this much, and the system's allocator as much again that it does not give back.
const MAX_GROWTH_BYTES: usize = 2 * stylebrush_app::document::history::MAX_BYTES;

/// `STYLEBRUSH_STEPS` sets how long it goes on, and then it tells how it goes: 30,000 are an hour of eight edits a
/// second.
#[test]
fn random_editing_loses_nothing() {
    let long: Option<usize> = std::env::var("STYLEBRUSH_STEPS").ok().and_then(|steps| steps.parse().ok());
    let (steps, started) = (long.unwrap_or(400), Instant::now());
    let mut settled_bytes = None;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("work.stylebrush");
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    let mut first = session.editor().timeline().document().clone();
    let mut saved = None;
    let commands: Vec<Command> = Command::all().filter(is_for_everyone).collect();
    let mut dice = Dice(20_261_124);
    for step in 0..steps {
        if step % 100 == 0 {
            // Until it draws, the harness keeps every texture that it was ever given.
            session.render();
        }
        if step > 0 && step % 2000 == 0 {
            let bytes = resident_bytes();
            println!("{step} steps, {:.0} s, {} MiB", started.elapsed().as_secs_f32(), bytes.unwrap_or(0) >> 20);
            let settled_bytes = *settled_bytes.get_or_insert(bytes);
            let is_bounded = bytes.zip(settled_bytes).is_none_or(|(now, before)| now < before + MAX_GROWTH_BYTES);
            assert!(is_bounded, "{bytes:?} after {step} steps, {settled_bytes:?} at first");
        }
        let photos: Vec<_> = session.editor().timeline().document().photos().iter().map(|photo| photo.id).collect();
        let layers: Vec<_> = session.editor().timeline().document().layers().iter().map(|layer| layer.id).collect();
        let is_narrow = session.editor().view().area().width() < 300.0;
        match dice.roll(20) {
            0..8 if !is_narrow => {
                let button = [PointerButton::Primary, PointerButton::Primary, PointerButton::Secondary][dice.roll(3)];
                session.drag(dice.place(), dice.place(), button);
            }
            8 if !photos.is_empty() => session.run(Action::UseAsReference(photos[dice.roll(photos.len())])),
            9 if !photos.is_empty() => session.run(Action::MakeSource(photos[dice.roll(photos.len())])),
            10 if !photos.is_empty() => session.run(Action::BlendWith(Some(photos[dice.roll(photos.len())]))),
            11 if photos.len() > 3 => session.run(Action::RemovePhoto(photos[dice.roll(photos.len())])),
            12 if !layers.is_empty() => session.run(Action::ToggleLayer(layers[dice.roll(layers.len())])),
            13 => session.run(Action::GoToStep(dice.roll(60))),
            14 if step % 3 == 0 => {
                session.run(Action::SaveProjectTo(file.clone()));
                session.wait_until("it is saved", |editor| !editor.has_unsaved_changes());
                saved = Some(session.editor().timeline().document().clone());
            }
            15 if step % 3 == 0 && saved.is_some() => {
                session.run(Action::OpenProject(file.clone()));
                // The box that asks finds its place over some frames.
                session.harness.run_steps(12);
                if let Some(button) = session.harness.query_by_label("Don’t save") {
                    button.click();
                }
                session.harness.run_steps(4);
                session.wait_until("it is open", |editor| {
                    !editor.projects().is_busy() && editor.timeline().past_names().len() == 0
                });
                first = session.editor().timeline().document().clone();
                let saved: &stylebrush_app::document::Document = saved.as_ref().unwrap();
                assert_eq!(first.layers().len(), saved.layers().len(), "step {step}");
                assert!(first.layers().iter().zip(saved.layers()).all(|(a, b)| a.mask == b.mask), "step {step}");
                assert!(session.steps().is_empty());
            }
            _ => session.run(commands[dice.roll(commands.len())].clone()),
        }
        let timeline = session.editor().timeline();
        let document = timeline.document();
        assert!(timeline.bytes() <= stylebrush_app::document::history::MAX_BYTES, "step {step}");
        assert_eq!(document.source().is_some(), !document.is_empty(), "step {step}");
        assert!(document.layers().iter().all(|layer| document.photo(layer.photo).is_some()), "step {step}");
        assert!(
            session.messages().iter().all(|(kind, _)| *kind != Kind::Error),
            "step {step}: {:?}",
            session.messages()
        );
    }
    session.run(Action::GoToStep(0));
    assert!(session.editor().timeline().document().has_same_content(&first));
    if session.editor().is_playing() {
        session.run(Action::ToggleMotion);
    }
    session.wait_until("everything is done", |editor| editor.is_idle());
}

#[test]
fn the_window_speaks_korean() {
    let mut session = Session::ready();
    session.run(Action::UseLanguage(Some(Language::Korean)));
    session.paint((180.0, 230.0), (340.0, 230.0));
    session.harness.run_steps(3);
    for label in ["파일", "사진", "레이어", "두 얼굴 사이", "강도"] {
        assert!(session.harness.query_all_by_label(label).next().is_some(), "{label}");
    }
    session.run(Look::ShowPalette);
    session.harness.run_steps(3);
    session.harness.event(egui::Event::Text("반전".to_owned()));
    session.harness.run_steps(3);
    session.key(Modifiers::NONE, Key::Enter);
    assert_eq!(session.steps(), ["Paint stroke", "Invert mask"]);
    session.run(Action::UseLanguage(Some(Language::English)));
    session.harness.run_steps(2);
    assert!(session.harness.query_by_label("File").is_some());
}

#[test]
fn the_light_theme() {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    session.run(Action::UseTheme(Theme::Light));
    session.paint((180.0, 230.0), (340.0, 230.0));
    session.settle();
    session.snapshot("light");
    session.key(Modifiers::NONE, Key::F1);
    session.harness.run_steps(12);
    session.snapshot("light_keys");
}

/// The boxes and the parts of the side panel that the pictures in the dark theme show too.
#[test]
fn boxes_and_panels_in_the_light_theme() {
    let mut session = Session::ready();
    session.wait_until("every face is read", Editor::is_idle);
    session.run(Action::UseTheme(Theme::Light));
    session.harness.get_by_label("History").click();
    session.harness.run_steps(3);
    session.paint((180.0, 230.0), (340.0, 230.0));
    session.run(Look::ToggleCompare(CompareMode::Split));
    session.wait_until("it is drawn", Editor::is_idle);
    session.snapshot("light_history_split");
    for (command, name) in [
        (Command::from(Look::ShowExport { in_photo: false }), "light_export"),
        (Command::from(Look::ShowMotionExport), "light_motion"),
        (Command::from(Look::ShowPalette), "light_palette"),
        (Command::from(Action::NewProject), "light_unsaved"),
        (Command::from(Look::ShowModelCard), "light_model_card"),
        (Command::from(Look::AskForPath(Question::ExportTo)), "light_path"),
    ] {
        session.run(command);
        session.harness.run_steps(14);
        session.snapshot(name);
        session.key(Modifiers::NONE, Key::Escape);
        session.harness.run_steps(3);
    }
}
