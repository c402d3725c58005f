//! Document, history and tools without a window.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use image::RgbImage;
use proptest::prelude::*;
use stylebrush_app::document::history::{EditKey, MAX_BYTES};
use stylebrush_app::document::{
    Blend, CANVAS_SIZE_PX, Document, LayerId, MAX_LAYERS, MaskImage, Photo, PhotoId, PixelRect, Point, Refusal,
    SceneBuilder, StyleMix, Timeline,
};
use stylebrush_app::tools::{
    BrushSettings, Button, Modifiers, ToolEvent, ToolKind, ToolRefusal, ToolResponse, Toolbox,
};
use stylemap::engine::{Base, FaceId};

fn photo(id: u64) -> Photo {
    let crop = Arc::new(RgbImage::new(4, 4));
    Photo { id: PhotoId(id), name: format!("Photo {id}"), crop, path: None, placement: None, stylemap: None }
}

/// Photo 1 is the source, photo 2 has the active layer, photo 3 lies ready.
fn document() -> Document {
    let mut document = Document::default();
    for id in 1..=3 {
        document.add_photo(photo(id));
    }
    document.add_layer(PhotoId(2)).unwrap();
    document
}

/// A test that reads like what a user does.
struct Bench {
    timeline: Timeline,
    tools: Toolbox,
}

impl Bench {
    fn new() -> Self {
        let mut tools = Toolbox::default();
        tools.brush = BrushSettings { radius_px: 20.0, hardness: 1.0, strength: 1.0 };
        Self { timeline: Timeline::new(document()), tools }
    }

    fn down(&mut self, (x, y): (f32, f32), button: Button, modifiers: Modifiers) -> ToolResponse {
        let pos_in_canvas = Point::new(x, y);
        let event = ToolEvent::PointerDown { pos_in_canvas, button, pressure: 1.0, modifiers };
        self.tools.handle(&event, None, &mut self.timeline)
    }

    fn move_to(&mut self, (x, y): (f32, f32)) -> ToolResponse {
        let modifiers = Modifiers::default();
        let event = ToolEvent::PointerMove { pos_in_canvas: Point::new(x, y), pressure: 1.0, modifiers };
        self.tools.handle(&event, None, &mut self.timeline)
    }

    fn up(&mut self) {
        self.tools.handle(&ToolEvent::PointerUp, None, &mut self.timeline);
    }

    fn cancel(&mut self) {
        self.tools.handle(&ToolEvent::Cancel, None, &mut self.timeline);
    }

    fn drag(&mut self, from: (f32, f32), to: (f32, f32)) {
        self.drag_with(from, to, Button::Primary, Modifiers::default());
    }

    fn drag_with(&mut self, from: (f32, f32), to: (f32, f32), button: Button, modifiers: Modifiers) {
        self.down(from, button, modifiers);
        self.move_to(to);
        self.up();
    }

    fn mask(&self) -> &MaskImage {
        &self.timeline.document().active_layer().expect("there is an active layer").mask
    }

    fn value(&self, x: usize, y: usize) -> u8 {
        self.mask().value(x, y)
    }

    fn steps(&self) -> Vec<String> {
        self.timeline.past_names().map(str::to_owned).collect()
    }
}

#[test]
fn a_fast_drag_leaves_no_gap() {
    let mut bench = Bench::new();
    // One jump over the whole canvas, as from a pointer that reports rarely.
    bench.drag((40.0, 100.0), (480.0, 300.0));
    for i in 0..=100 {
        let t = i as f32 / 100.0;
        let (x, y) = (40.0 + 440.0 * t, 100.0 + 200.0 * t);
        assert_eq!(bench.value(x as usize, y as usize), 255, "a gap at {x}, {y}");
    }
    assert_eq!(bench.value(40, 300), 0);
    assert_eq!(bench.steps(), ["Paint stroke"]);
}

#[test]
fn a_dab_is_round_and_as_wide_as_the_brush() {
    let mut bench = Bench::new();
    bench.drag((256.0, 256.0), (256.0, 256.0));
    for y in 200..312 {
        for x in 200..312 {
            let distance_px = (x as f32 + 0.5 - 256.0).hypot(y as f32 + 0.5 - 256.0);
            let value = bench.value(x, y);
            if distance_px < 19.0 {
                assert_eq!(value, 255, "inside at {x}, {y}");
            } else if distance_px > 21.0 {
                assert_eq!(value, 0, "outside at {x}, {y}");
            }
        }
    }
}

#[test]
fn one_stroke_never_exceeds_its_strength_but_two_add_up() {
    let mut bench = Bench::new();
    bench.tools.brush.strength = 0.5;
    bench.down((200.0, 200.0), Button::Primary, Modifiers::default());
    for _ in 0..10 {
        bench.move_to((300.0, 200.0));
        bench.move_to((200.0, 200.0));
    }
    bench.up();
    assert_eq!(bench.value(250, 200), 128);
    bench.drag((200.0, 200.0), (300.0, 200.0));
    assert_eq!(bench.value(250, 200), 192);
}

#[test]
fn a_soft_brush_falls_off_towards_its_edge() {
    let mut bench = Bench::new();
    bench.tools.brush = BrushSettings { radius_px: 60.0, hardness: 0.0, strength: 1.0 };
    bench.drag((256.0, 256.0), (256.0, 256.0));
    let row: Vec<u8> = (256..320).map(|x| bench.value(x, 256)).collect();
    assert!(row.is_sorted_by(|a, b| a >= b), "{row:?}");
    assert!(row[0] > 250 && row[30] > 90 && row[30] < 160 && row[58] < 8, "{row:?}");
}

#[test]
fn the_other_button_and_the_modifier_do_the_opposite() {
    let opposite = Modifiers { opposite: true, straight: false };
    for (tool, button, modifiers, erases) in [
        (ToolKind::Brush, Button::Primary, Modifiers::default(), false),
        (ToolKind::Brush, Button::Secondary, Modifiers::default(), true),
        (ToolKind::Brush, Button::Primary, opposite, true),
        (ToolKind::Brush, Button::Secondary, opposite, false),
        (ToolKind::Eraser, Button::Primary, Modifiers::default(), true),
        (ToolKind::Eraser, Button::Secondary, Modifiers::default(), false),
    ] {
        let mut bench = Bench::new();
        bench.drag((100.0, 100.0), (200.0, 100.0));
        bench.tools.selected = tool;
        bench.drag_with((150.0, 100.0), (300.0, 100.0), button, modifiers);
        let expected = if erases { (0, 0) } else { (255, 255) };
        assert_eq!((bench.value(150, 100), bench.value(280, 100)), expected, "{tool:?} {button:?} {modifiers:?}");
        assert_eq!(bench.value(105, 100), 255);
    }
}

#[test]
fn shift_draws_a_straight_line_from_the_last_stroke() {
    let mut bench = Bench::new();
    bench.drag((60.0, 60.0), (60.0, 60.0));
    bench.drag_with((400.0, 60.0), (400.0, 60.0), Button::Primary, Modifiers { opposite: false, straight: true });
    assert_eq!(bench.value(230, 60), 255);
}

#[test]
fn escape_takes_the_gesture_back() {
    for tool in [ToolKind::Brush, ToolKind::Eraser, ToolKind::Move] {
        let mut bench = Bench::new();
        bench.drag((100.0, 100.0), (200.0, 100.0));
        let before = bench.timeline.document().clone();
        bench.tools.selected = tool;
        bench.down((150.0, 100.0), Button::Primary, Modifiers::default());
        bench.move_to((250.0, 180.0));
        assert_ne!(bench.timeline.document(), &before, "{tool:?} changes the document while it runs");
        bench.cancel();
        assert_eq!(bench.timeline.document(), &before, "{tool:?}");
        assert_eq!(bench.steps().len(), 1, "{tool:?} leaves no step");
        assert_eq!(bench.tools.busy(), None);
    }
}

#[test]
fn the_move_tool_moves_the_region_and_the_brush_follows_the_pointer() {
    let mut bench = Bench::new();
    bench.tools.selected = ToolKind::Move;
    let refused = bench.down((10.0, 10.0), Button::Primary, Modifiers::default());
    assert_eq!(refused, ToolResponse::Refused(ToolRefusal::NothingPainted));

    bench.tools.selected = ToolKind::Brush;
    bench.drag((100.0, 100.0), (100.0, 100.0));
    bench.tools.selected = ToolKind::Move;
    bench.drag((300.0, 300.0), (340.4, 289.6));
    assert_eq!(bench.timeline.document().active_layer().unwrap().offset_px, (40, -10));

    // A region that was moved is painted where the pointer is: in the mask that is as far back.
    bench.tools.selected = ToolKind::Brush;
    bench.drag((240.0, 190.0), (240.0, 190.0));
    assert_eq!((bench.value(200, 200), bench.value(240, 190)), (255, 0));
    assert_eq!(bench.steps(), ["Paint stroke", "Move region", "Paint stroke"]);

    bench.tools.selected = ToolKind::Move;
    bench.drag((0.0, 0.0), (1e9, -1e9));
    let limit = CANVAS_SIZE_PX as i32;
    assert_eq!(bench.timeline.document().active_layer().unwrap().offset_px, (limit, -limit));
}

#[test]
fn the_hand_moves_only_the_view() {
    let mut bench = Bench::new();
    bench.tools.selected = ToolKind::Hand;
    let before = bench.timeline.revision();
    bench.down((100.0, 100.0), Button::Primary, Modifiers::default());
    assert_eq!(bench.move_to((130.0, 90.0)), ToolResponse::PanBy(Point::new(30.0, -10.0)));
    bench.up();
    assert_eq!(bench.timeline.revision(), before);
}

#[test]
fn a_gesture_keeps_its_tool() {
    let mut bench = Bench::new();
    let down = ToolEvent::PointerDown {
        pos_in_canvas: Point::new(50.0, 50.0),
        button: Button::Primary,
        pressure: 1.0,
        modifiers: Modifiers::default(),
    };
    // Space is held at first only, then another tool is chosen.
    bench.tools.handle(&down, Some(ToolKind::Hand), &mut bench.timeline);
    bench.tools.selected = ToolKind::Eraser;
    assert_eq!(bench.move_to((60.0, 50.0)), ToolResponse::PanBy(Point::new(10.0, 0.0)));
    bench.up();
    assert!(bench.mask().is_empty());
}

#[test]
fn tools_say_why_they_cannot_work() {
    let mut bench = Bench::new();
    let layer = bench.timeline.document().active_layer().unwrap().id;
    bench.timeline.edit("Hide layer", |document| document.update_layer(layer, |layer| layer.visible = false));
    let refused = bench.down((10.0, 10.0), Button::Primary, Modifiers::default());
    assert_eq!(refused, ToolResponse::Refused(ToolRefusal::HiddenLayer));
    bench.timeline.edit("Delete layer", |document| document.remove_layer(layer));
    let refused = bench.down((10.0, 10.0), Button::Primary, Modifiers::default());
    assert_eq!(refused, ToolResponse::Refused(ToolRefusal::NoLayer));
    assert_eq!(bench.tools.busy(), None);
}

#[test]
fn nonsense_positions_do_no_harm() {
    let mut bench = Bench::new();
    for (x, y) in [(f32::NAN, 0.0), (f32::INFINITY, 5.0), (1e30, -1e30), (-5000.0, 200.0)] {
        bench.drag((x, y), (200.0, 200.0));
        bench.drag((200.0, 200.0), (x, y));
    }
    bench.tools.brush = BrushSettings { radius_px: f32::NAN, hardness: -4.0, strength: f32::INFINITY };
    bench.drag((100.0, 100.0), (110.0, 100.0));
}

#[test]
fn dragging_a_slider_is_one_step() {
    let mut timeline = Timeline::new(document());
    let set = |timeline: &mut Timeline, t: f32| {
        timeline.edit_continuously("Change blend", EditKey::BlendAmount, |document| {
            document.set_blend(Some(Blend { with: PhotoId(3), t })).unwrap();
        });
    };
    for i in 0..20 {
        set(&mut timeline, i as f32 / 20.0);
    }
    timeline.seal();
    set(&mut timeline, 0.1);
    set(&mut timeline, 0.2);
    assert_eq!(timeline.past_names().len(), 2);
    timeline.undo();
    assert_eq!(timeline.document().blend().unwrap().t, 0.95);
    timeline.undo();
    assert_eq!(timeline.document(), &document());
}

#[test]
fn an_edit_that_changes_nothing_is_no_step_and_keeps_redo() {
    let mut timeline = Timeline::new(document());
    timeline.edit("Change source", |document| document.set_source(PhotoId(2)).unwrap());
    timeline.undo();
    timeline.edit("Change source", |document| document.set_source(PhotoId(1)).unwrap());
    timeline.select_layer(LayerId(1));
    assert_eq!(timeline.redo_name(), Some("Change source"));
    assert_eq!(timeline.undo_name(), None);
}

#[test]
fn history_is_deep_and_bounded() {
    let mut timeline = Timeline::new(document());
    // Every edit rewrites the whole mask: the costliest step there is.
    for i in 0..2 * MAX_BYTES / (CANVAS_SIZE_PX * CANVAS_SIZE_PX) {
        let all = PixelRect { min_x: 0, min_y: 0, max_x: CANVAS_SIZE_PX, max_y: CANVAS_SIZE_PX };
        timeline.edit("Fill", |document| {
            document.update_layer(LayerId(1), |layer| {
                layer.mask.modify(all, |span, tile| tile.fill((i + span.index) as u8 | 1));
            });
        });
    }
    assert!(timeline.bytes() <= MAX_BYTES, "{} bytes", timeline.bytes());
    assert!(timeline.past_names().len() >= 100, "{} steps", timeline.past_names().len());
}

#[test]
fn a_stroke_stores_only_the_tiles_that_it_touched() {
    let mut bench = Bench::new();
    bench.drag((32.0, 32.0), (32.0, 32.0));
    bench.drag((400.0, 400.0), (400.0, 400.0));
    assert!(bench.timeline.bytes() < 16 << 10, "{} bytes for two small strokes", bench.timeline.bytes());
}

#[test]
fn closing_a_photo_takes_what_needs_it() {
    let mut document = document();
    document.set_blend(Some(Blend { with: PhotoId(3), t: 0.5 })).unwrap();
    document.remove_photo(PhotoId(2));
    assert!(document.layers().is_empty() && document.active_layer().is_none());
    document.remove_photo(PhotoId(1));
    assert_eq!(document.source(), Some(PhotoId(3)));
    document.remove_photo(PhotoId(3));
    assert_eq!((document.source(), document.blend()), (None, None));
}

#[test]
fn layers_have_colours_of_their_own_and_a_limit() {
    let mut document = document();
    while document.layers().len() < MAX_LAYERS {
        document.add_layer(PhotoId(3)).unwrap();
    }
    assert_eq!(document.add_layer(PhotoId(3)), Err(Refusal::TooManyLayers));
    assert_eq!(document.duplicate_layer(LayerId(1)), Err(Refusal::TooManyLayers));
    let mut colors: Vec<_> = document.layers().iter().map(|layer| layer.color).collect();
    colors.sort_unstable();
    colors.dedup();
    assert_eq!(colors.len(), MAX_LAYERS);
    document.remove_layer(LayerId(2));
    document.duplicate_layer(LayerId(1)).unwrap();
    assert_eq!(document.layers()[1].photo, PhotoId(2), "a copy lies right above its original");
}

#[test]
fn the_scene_says_what_the_document_shows() {
    let mut bench = Bench::new();
    let mut scenes = SceneBuilder::default();
    let scene = scenes.scene(bench.timeline.document(), None).unwrap();
    assert_eq!(scene.base, Base::Face(FaceId(1)));
    assert!(scene.layers.is_empty(), "an empty mask changes nothing");

    bench.drag((100.0, 50.0), (100.0, 50.0));
    let first = scenes.scene(bench.timeline.document(), None).unwrap();
    assert_eq!(first.layers[0].face, FaceId(2));
    assert_eq!(first.layers[0].mask.size_px(), CANVAS_SIZE_PX);
    assert_eq!(first.layers[0].mask.weights()[50 * CANVAS_SIZE_PX + 100], 1.0);

    bench.timeline.edit("Change feather", |document| {
        document.update_layer(LayerId(1), |layer| (layer.feather_px, layer.strength) = (8.0, 0.25));
        document.set_blend(Some(Blend { with: PhotoId(3), t: 0.25 })).unwrap();
    });
    let second = scenes.scene(bench.timeline.document(), None).unwrap();
    assert!(Arc::ptr_eq(&first.layers[0].mask, &second.layers[0].mask), "an unchanged mask is not converted again");
    assert_eq!((second.layers[0].feather_px, second.layers[0].strength), (8.0, 0.25));
    assert_eq!(second.base, Base::Interpolation { from: FaceId(1), to: FaceId(3), t: 0.25 });

    bench.timeline.edit("Hide layer", |document| document.update_layer(LayerId(1), |layer| layer.visible = false));
    assert!(scenes.scene(bench.timeline.document(), None).unwrap().layers.is_empty());
    assert!(scenes.scene(&Document::default(), None).is_none());
}

/// What the property tests do to a document.
#[derive(Clone, Debug)]
enum Act {
    Stroke { tool: usize, from: (f32, f32), to: (f32, f32), radius_px: f32, strength: f32, cancel: bool },
    AddPhoto,
    RemovePhoto(usize),
    SetSource(usize),
    SetBlend(usize, f32),
    MixStyles(Option<StyleMix>),
    AddLayer(usize),
    SelectLayer(usize),
    DuplicateLayer,
    RemoveLayer(usize),
    Reorder(usize, isize),
    Change(usize, f32, f32, bool),
    Undo,
    Redo,
    Seal,
}

fn act() -> impl Strategy<Value = Act> {
    let pos = || (-40.0..560.0f32, -40.0..560.0f32);
    prop_oneof![
        6 => (0..3usize, pos(), pos(), 1.0..80.0f32, 0.0..1.0f32, any::<bool>()).prop_map(
            |(tool, from, to, radius_px, strength, cancel)| Act::Stroke { tool, from, to, radius_px, strength, cancel }
        ),
        1 => Just(Act::AddPhoto),
        1 => (0..6usize).prop_map(Act::RemovePhoto),
        1 => (0..6usize).prop_map(Act::SetSource),
        2 => (0..6usize, 0.0..1.0f32).prop_map(|(photo, t)| Act::SetBlend(photo, t)),
        1 => prop::option::of(prop_oneof![Just(StyleMix::CoarseFromSource), Just(StyleMix::CoarseFromOther)])
            .prop_map(Act::MixStyles),
        2 => (0..6usize).prop_map(Act::AddLayer),
        2 => (0..9usize).prop_map(Act::SelectLayer),
        1 => Just(Act::DuplicateLayer),
        1 => (0..9usize).prop_map(Act::RemoveLayer),
        1 => (0..9usize, -3..3isize).prop_map(|(layer, steps)| Act::Reorder(layer, steps)),
        2 => (0..9usize, -0.5..1.5f32, -9.0..99.0f32, any::<bool>())
            .prop_map(|(layer, strength, feather, visible)| Act::Change(layer, strength, feather, visible)),
        3 => Just(Act::Undo),
        2 => Just(Act::Redo),
        1 => Just(Act::Seal),
    ]
}

impl Act {
    fn apply(&self, bench: &mut Bench, next_photo: &mut u64) {
        let document = bench.timeline.document();
        let photo = |index: usize| document.photos().get(index).map(|photo| photo.id);
        let layer = |index: usize| document.layers().get(index).map(|layer| layer.id);
        match *self {
            Self::Stroke { tool, from, to, radius_px, strength, cancel } => {
                bench.tools.selected = [ToolKind::Brush, ToolKind::Eraser, ToolKind::Move][tool];
                bench.tools.brush = BrushSettings { radius_px, hardness: 0.5, strength };
                bench.down(from, Button::Primary, Modifiers::default());
                bench.move_to(to);
                if cancel { bench.cancel() } else { bench.up() }
            }
            Self::AddPhoto => {
                *next_photo += 1;
                let added = photo_of(*next_photo);
                bench.timeline.edit("Open photo", |document| document.add_photo(added));
            }
            Self::RemovePhoto(index) => {
                if let Some(id) = photo(index) {
                    bench.timeline.edit("Close photo", |document| document.remove_photo(id));
                }
            }
            Self::SetSource(index) => {
                if let Some(id) = photo(index) {
                    bench.timeline.edit("Change source", |document| document.set_source(id)).unwrap();
                }
            }
            Self::SetBlend(index, t) => {
                let blend = photo(index).map(|with| Blend { with, t });
                bench.timeline.edit_continuously("Change blend", EditKey::BlendAmount, |document| {
                    document.set_blend(blend).unwrap();
                });
            }
            Self::MixStyles(mix) => bench.timeline.edit("Mix styles", |document| document.set_style_mix(mix)),
            Self::AddLayer(index) => {
                if let Some(id) = photo(index) {
                    let _ = bench.timeline.edit("Add layer", |document| document.add_layer(id));
                }
            }
            Self::SelectLayer(index) => {
                if let Some(id) = layer(index) {
                    bench.timeline.select_layer(id);
                }
            }
            Self::DuplicateLayer => {
                if let Some(id) = document.active_layer().map(|layer| layer.id) {
                    let _ = bench.timeline.edit("Duplicate layer", |document| document.duplicate_layer(id));
                }
            }
            Self::RemoveLayer(index) => {
                if let Some(id) = layer(index) {
                    bench.timeline.edit("Delete layer", |document| document.remove_layer(id));
                }
            }
            Self::Reorder(index, steps) => {
                if let Some(id) = layer(index) {
                    bench.timeline.edit("Reorder layers", |document| document.reorder_layer(id, steps));
                }
            }
            Self::Change(index, strength, feather_px, visible) => {
                if let Some(id) = layer(index) {
                    bench.timeline.edit_continuously("Change strength", EditKey::LayerStrength(id), |document| {
                        document.update_layer(id, |layer| {
                            (layer.strength, layer.feather_px, layer.visible) = (strength, feather_px, visible);
                        });
                    });
                }
            }
            Self::Undo => drop(bench.timeline.undo()),
            Self::Redo => drop(bench.timeline.redo()),
            Self::Seal => bench.timeline.seal(),
        }
    }
}

fn photo_of(id: u64) -> Photo {
    photo(id)
}

fn assert_sound(document: &Document) {
    assert_eq!(document.source().is_some(), !document.is_empty());
    assert!(document.source().is_none_or(|id| document.photo(id).is_some()));
    assert!(
        document.blend().is_none_or(|blend| document.photo(blend.with).is_some() && (0.0..=1.0).contains(&blend.t))
    );
    assert!(document.layers().len() <= MAX_LAYERS);
    for layer in document.layers() {
        assert!(document.photo(layer.photo).is_some());
        assert!((0.0..=1.0).contains(&layer.strength) && layer.feather_px >= 0.0);
    }
    assert!(document.layers().is_empty() || document.active_layer().is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Any acts: undo to the start gives the first document bit for bit, redo to the end the last one.
    #[test]
    fn undo_and_redo_are_exact(acts in prop::collection::vec(act(), 1..60)) {
        let mut bench = Bench::new();
        let mut next_photo = 3;
        for act in &acts {
            act.apply(&mut bench, &mut next_photo);
            assert_sound(bench.timeline.document());
        }
        while bench.timeline.redo().is_some() {}
        let last = bench.timeline.document().clone();
        let mut seen = vec![last.clone()];
        while bench.timeline.undo().is_some() {
            assert_sound(bench.timeline.document());
            seen.push(bench.timeline.document().clone());
        }
        prop_assert!(bench.timeline.document().has_same_content(&document()));
        for expected in seen.iter().rev().skip(1) {
            bench.timeline.redo();
            prop_assert!(bench.timeline.document().has_same_content(expected));
        }
        prop_assert!(bench.timeline.document().has_same_content(&last));
    }

    /// A mask is its values, however they got there.
    #[test]
    fn a_mask_keeps_its_values(edits in prop::collection::vec((0..512usize, 0..512usize, 1..200usize, 1..200usize, any::<u8>()), 1..12)) {
        let mut mask = MaskImage::default();
        let mut plain = vec![0u8; CANVAS_SIZE_PX * CANVAS_SIZE_PX];
        for &(min_x, min_y, width, height, value) in &edits {
            let rect = PixelRect { min_x, min_y, max_x: (min_x + width).min(512), max_y: (min_y + height).min(512) };
            let before = mask.clone();
            mask.modify(rect, |span, tile| {
                for y in span.rows.clone() {
                    for x in span.columns.clone() {
                        tile[y * 64 + x] = value;
                    }
                }
            });
            for y in rect.min_y..rect.max_y {
                plain[y * 512 + rect.min_x..y * 512 + rect.max_x].fill(value);
            }
            prop_assert_eq!(before == mask, before.to_values() == plain);
        }
        prop_assert_eq!(&mask.to_values(), &plain);
        prop_assert_eq!(mask.is_empty(), plain.iter().all(|&v| v == 0));
        let again = MaskImage::from_values(&plain).unwrap();
        prop_assert_eq!(&again, &mask);
        let painted = (0..512 * 512).filter(|i| plain[*i] > 0);
        let rect = painted.map(|i| PixelRect { min_x: i % 512, min_y: i / 512, max_x: i % 512 + 1, max_y: i / 512 + 1 })
            .reduce(PixelRect::union);
        prop_assert_eq!(mask.painted_rect(), rect);
    }
}
