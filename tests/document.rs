//! Document, history and tools without a window.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use image::RgbImage;
use proptest::prelude::*;
use stylebrush_app::document::face_region::FacePoints;
use stylebrush_app::document::history::{EditKey, MAX_BYTES};
use stylebrush_app::document::mask_image::TILE_BYTES;
use stylebrush_app::document::{
    Below, Blend, CANVAS_SIZE_PX, CoarseLevels, Combine, DirectionAmounts, Document, FaceRegion, LayerId, MAX_LAYERS,
    MaskImage, Photo, PhotoId, PixelRect, Placement, Point, Refusal, SceneBuilder, StyleMix, Takes, Timeline, polygon,
};
use stylebrush_app::export::write_mask;
use stylebrush_app::original::Original;
use stylebrush_app::tools::{
    BrushSettings, Button, Modifiers, ToolEvent, ToolKind, ToolRefusal, ToolResponse, Toolbox,
};
use stylemap::engine::{Base, DirectionStep, FaceId};
use stylemap::face::Landmarks;
use stylemap::latent::Latent;

fn photo(id: u64) -> Photo {
    let crop = Arc::new(RgbImage::new(4, 4));
    let name = format!("Photo {id}");
    Photo {
        id: PhotoId(id),
        name,
        crop,
        path: None,
        placement: None,
        latent: None,
        latent_model: None,
        is_sample: false,
    }
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

const OPPOSITE: Modifiers = Modifiers { opposite: true, straight: false, from_center: false };
const ALT: Modifiers = Modifiers { opposite: false, straight: false, from_center: true };
const SHIFT_ALT: Modifiers = Modifiers { opposite: false, straight: true, from_center: true };

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

    fn move_to(&mut self, pos: (f32, f32)) -> ToolResponse {
        self.move_with(pos, Modifiers::default())
    }

    fn move_with(&mut self, (x, y): (f32, f32), modifiers: Modifiers) -> ToolResponse {
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
        self.move_with(to, modifiers);
        self.up();
    }

    fn click(&mut self, pos: (f32, f32), button: Button, modifiers: Modifiers) -> ToolResponse {
        let response = self.down(pos, button, modifiers);
        self.up();
        response
    }

    fn edit_mask(&mut self, name: &str, change: impl FnOnce(&mut MaskImage)) {
        let id = self.timeline.document().active_layer().expect("there is an active layer").id;
        self.timeline.edit(name, |document| document.update_layer(id, |layer| change(&mut layer.mask)));
    }

    /// Moves the active layer's region.
    fn offset(&mut self, offset_px: (i32, i32)) {
        let id = self.timeline.document().active_layer().expect("there is an active layer").id;
        self.timeline.edit("Move region", |document| {
            document.update_layer(id, |layer| layer.offset_px = offset_px);
        });
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
fn escape_takes_the_gesture_back() {
    for tool in [ToolKind::Brush, ToolKind::Eraser, ToolKind::Move, ToolKind::Rectangle, ToolKind::Ellipse] {
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
fn every_tool_that_paints_also_takes_off_and_knows_its_strength() {
    let around = [(150.0, 150.0), (250.0, 150.0), (250.0, 250.0), (150.0, 250.0)];
    for tool in [ToolKind::Lasso, ToolKind::Rectangle, ToolKind::Ellipse, ToolKind::Fill] {
        for (button, modifiers, erases) in [
            (Button::Primary, Modifiers::default(), false),
            (Button::Secondary, Modifiers::default(), true),
            (Button::Primary, OPPOSITE, true),
            (Button::Secondary, OPPOSITE, false),
        ] {
            let mut bench = Bench::new();
            bench.edit_mask("Half", |mask| assert!(mask.set_values(&[128; CANVAS_SIZE_PX * CANVAS_SIZE_PX])));
            bench.tools.selected = tool;
            bench.tools.brush.strength = 0.5;
            if tool == ToolKind::Fill {
                bench.click((200.0, 200.0), button, modifiers);
            } else {
                bench.down(around[0], button, modifiers);
                for corner in &around[1..] {
                    bench.move_to(*corner);
                }
                // The far corner is what counts for a shape.
                if tool != ToolKind::Lasso {
                    bench.move_to(around[2]);
                }
                bench.up();
            }
            let expected = if erases { 64 } else { 192 };
            assert_eq!(bench.value(200, 200), expected, "{tool:?} {button:?} {modifiers:?}");
            let outside = if tool == ToolKind::Fill { expected } else { 128 };
            assert_eq!(bench.value(20, 20), outside, "{tool:?} {button:?} {modifiers:?}");
            assert_eq!(bench.steps().len(), 2);
        }
    }
}

#[test]
fn tools_paint_where_the_pointer_is_however_the_region_is_moved() {
    for tool in [ToolKind::Lasso, ToolKind::Rectangle, ToolKind::Ellipse, ToolKind::Fill] {
        let mut bench = Bench::new();
        bench.offset((60, -30));
        bench.tools.selected = tool;
        if tool == ToolKind::Fill {
            bench.edit_mask("Frame", |mask| {
                let mut frame = MaskImage::default();
                frame.modify(PixelRect { min_x: 100, min_y: 100, max_x: 200, max_y: 200 }, |span, tile| {
                    for (y, x) in span.rows.clone().flat_map(|y| span.columns.clone().map(move |x| (y, x))) {
                        let (x_px, y_px) = (span.origin_px.0 + x, span.origin_px.1 + y);
                        let is_border = [x_px, y_px].iter().any(|at| *at == 100 || *at == 199);
                        tile[y * 64 + x] = if is_border { 255 } else { 0 };
                    }
                });
                *mask = frame;
            });
            bench.click((210.0, 120.0), Button::Primary, Modifiers::default());
        } else {
            bench.down((160.0, 70.0), Button::Primary, Modifiers::default());
            for corner in [(260.0, 70.0), (260.0, 170.0)] {
                bench.move_to(corner);
            }
            if tool == ToolKind::Lasso {
                bench.move_to((160.0, 170.0));
            }
            bench.up();
        }
        let expected = PixelRect { min_x: 100, min_y: 100, max_x: 200, max_y: 200 };
        assert_eq!(bench.mask().painted_rect(), Some(expected), "{tool:?}");
        assert_eq!((bench.value(150, 150), bench.value(210, 120)), (255, 0), "{tool:?}");
    }
}

/// A mask with a disc, antialiased.
fn disc((x, y): (f32, f32), radius_px: f32) -> MaskImage {
    polygon::coverage(&polygon::ellipse(Point::new(x, y), radius_px, radius_px)).expect("it lies on the canvas").1
}

fn area_px(mask: &MaskImage) -> f64 {
    mask.to_values().iter().map(|&value| f64::from(value) / 255.0).sum()
}

fn changed(mask: &MaskImage, change: impl FnOnce(&mut MaskImage)) -> MaskImage {
    let mut mask = mask.clone();
    change(&mut mask);
    mask
}

/// How many tiles hold something else than in the other mask's memory.
fn own_tiles(mask: &MaskImage, other: &MaskImage) -> usize {
    mask.bytes_not_shared_with(other) / TILE_BYTES
}

#[test]
fn growing_and_shrinking_move_a_round_edge_by_as_much() {
    let before = disc((250.3, 240.8), 60.0);
    for radius_px in [1, 2, 3, 4, 7, 12, 25] {
        let grown = changed(&before, |mask| mask.grow(radius_px));
        let shrunk = changed(&before, |mask| mask.shrink(radius_px));
        for (mask, sign) in [(grown, 1.0), (shrunk, -1.0)] {
            let expected = std::f64::consts::PI * (60.0 + sign * radius_px as f64).powi(2);
            let radius = (area_px(&mask) / std::f64::consts::PI).sqrt();
            assert!((radius - expected.sqrt() / std::f64::consts::PI.sqrt()).abs() < 0.4, "{radius_px}: {radius}");
            // In every direction, not only on average.
            for i in 0..64 {
                let (sin, cos) = (i as f32 / 64.0 * std::f32::consts::TAU).sin_cos();
                let value = |off_px: f32| {
                    let radius_px = 60.0 + sign as f32 * radius_px as f32 + off_px;
                    mask.value((250.3 + cos * radius_px) as usize, (240.8 + sin * radius_px) as usize)
                };
                assert_eq!((value(-2.0), value(2.0)), (255, 0), "{radius_px} px, direction {i}");
            }
        }
    }
}

#[test]
fn a_grown_pixel_is_a_disc_and_keeps_its_value() {
    let mut values = vec![0; CANVAS_SIZE_PX * CANVAS_SIZE_PX];
    values[200 * CANVAS_SIZE_PX + 300] = 77;
    values[CANVAS_SIZE_PX - 1] = 200;
    let mut mask = MaskImage::from_values(&values).unwrap();
    mask.grow(9);
    for y in 0..CANVAS_SIZE_PX {
        for x in 0..CANVAS_SIZE_PX {
            let distance_px = |to: (f32, f32)| (x as f32 - to.0).hypot(y as f32 - to.1);
            let expected = match (distance_px((300.0, 200.0)), distance_px((511.0, 0.0))) {
                (near, _) if near <= 9.0 => 77,
                (_, near) if near <= 9.0 => 200,
                (far, also_far) if far > 9.5 && also_far > 9.5 => 0,
                _ => continue,
            };
            assert_eq!(mask.value(x, y), expected, "{x}, {y}");
        }
    }
    // Nothing wraps around, and a radius beyond the canvas reaches all of it.
    mask.grow(100_000);
    assert!(mask.to_values().iter().all(|&value| value == 200));
    mask.shrink(100_000);
    assert!(mask.to_values().iter().all(|&value| value == 200), "the canvas's border is no edge");
}

#[test]
fn softening_blurs_the_edge_and_nothing_else() {
    let before = disc((256.0, 256.0), 100.0);
    let soft = changed(&before, |mask| mask.soften(8.0));
    assert!((area_px(&soft) - area_px(&before)).abs() < 0.003 * area_px(&before), "paint is neither made nor lost");
    let row: Vec<u8> = (256..400).map(|x| soft.value(x, 256)).collect();
    assert!(row.is_sorted_by(|a, b| a >= b) && row[80] == 255 && row[120] == 0, "{row:?}");
    assert!(row[94] < 255 && row[106] > 0 && (100..156).contains(&row[100]), "{row:?}");
    assert_eq!(changed(&before, |mask| mask.soften(0.0)), before);
    // The middle and the corners are the same tiles as before.
    assert!(own_tiles(&soft, &before) <= 32, "{} tiles", own_tiles(&soft, &before));
}

#[test]
fn a_mask_is_copied_to_the_same_place_of_the_canvas() {
    let mut document = document();
    let from = LayerId(1);
    let to = document.add_layer(PhotoId(3)).unwrap();
    let (painted, there) = (disc((200.0, 220.0), 30.0), disc((400.0, 100.0), 20.0));
    document.update_layer(from, |layer| (layer.mask, layer.offset_px) = (painted.clone(), (50, -20)));
    document.update_layer(to, |layer| (layer.mask, layer.offset_px) = (there.clone(), (-30, 10)));
    let expected = disc((280.0, 190.0), 30.0);
    let mut added = document.clone();
    added.copy_mask(from, to, Combine::Add);
    document.copy_mask(from, to, Combine::Replace);
    assert_eq!(document.layer(to).unwrap().mask, expected);
    assert_eq!(added.layer(to).unwrap().mask, changed(&there, |mask| mask.combine(&expected, Combine::Add)));
    assert_eq!(
        (added.layer(to).unwrap().mask.value(280, 190), added.layer(to).unwrap().mask.value(400, 100)),
        (255, 255)
    );
    assert_eq!(document.layer(from).unwrap().mask, painted, "the layer that it comes from is left alone");
    let before = document.clone();
    document.copy_mask(LayerId(99), to, Combine::Replace);
    document.copy_mask(from, LayerId(99), Combine::Replace);
    assert_eq!(document, before);
}

#[test]
fn a_mask_file_is_the_mask() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mask.png");
    let mask = changed(&disc((180.0, 300.0), 90.0), |mask| mask.soften(20.0));
    write_mask(&path, &mask).unwrap();
    let picture = image::open(&path).unwrap();
    assert_eq!((picture.color(), picture.width(), picture.height()), (image::ColorType::L8, 512, 512));
    assert_eq!(MaskImage::load(&path).unwrap(), mask);

    // Another size, colours, and alpha, which hides.
    let small = image::RgbaImage::from_fn(64, 64, |x, y| {
        image::Rgba([255, 255, 255, if y < 32 { 255 } else { 0 }].map(|value| if x < 32 { value } else { 0 }))
    });
    small.save(&path).unwrap();
    let mask = MaskImage::load(&path).unwrap();
    assert_eq!(mask.painted_rect(), Some(PixelRect { min_x: 0, min_y: 0, max_x: 256, max_y: 256 }));
    assert_eq!(mask.value(255, 255), 255);

    image::GrayImage::new(40, 30).save(&path).unwrap();
    let err = MaskImage::load(&path).unwrap_err().to_string();
    assert!(err.contains("40 x 30") && err.contains("square"), "{err}");
    std::fs::write(&path, "no picture").unwrap();
    assert!(MaskImage::load(&path).is_err() && MaskImage::load(&folder.path().join("missing.png")).is_err());
    let err = write_mask(&folder.path().join("mask.jpg"), &mask).unwrap_err().to_string();
    assert!(err.contains(".png") && !folder.path().join("mask.jpg").exists(), "{err}");
}

/// A photo of 800 x 600 pixels whose face has its eyes and mouth here.
fn photo_with_face(id: u64, eye_left: [f32; 2], eye_right: [f32; 2], mouth: [f32; 2]) -> Photo {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.png");
    RgbImage::new(800, 600).save(&path).unwrap();
    let original = Arc::new(Original::open(&path, None).unwrap());
    let landmarks = Landmarks::from_eyes_and_mouth(eye_left, eye_right, mouth);
    let (placement, crop) = Placement::of_face(original, landmarks).unwrap();
    Photo { crop: Arc::new(crop), placement: Some(placement), ..photo(id) }
}

#[test]
fn parts_of_the_face_lie_on_the_face_and_apart_from_each_other() {
    let places = [
        (FaceRegion::Eyes, vec![(192, 241), (320, 241)]),
        (FaceRegion::Brows, vec![(184, 200), (328, 200)]),
        (FaceRegion::Nose, vec![(256, 250), (256, 310)]),
        (FaceRegion::Mouth, vec![(256, 373), (215, 373), (297, 373)]),
        (FaceRegion::Chin, vec![(256, 440)]),
        (FaceRegion::Hair, vec![(256, 40), (100, 200), (412, 200)]),
    ];
    let mask = |region: FaceRegion| region.mask(&[FacePoints::STANDARD]);
    for (region, own) in &places {
        let mask = mask(*region);
        for (of, place) in places.iter().flat_map(|(of, places)| places.iter().map(move |place| (of, place))) {
            let expected = if of == region { 255 } else { 0 };
            assert_eq!(mask.value(place.0, place.1), expected, "{region:?} at {of:?} {place:?}, its own {own:?}");
        }
        let soft = mask.to_values().iter().filter(|value| (1..255).contains(*value)).count();
        assert!(soft > 500, "{region:?} has a soft edge");
        let mirrored = (0..CANVAS_SIZE_PX).all(|y| {
            (0..CANVAS_SIZE_PX / 2).all(|x| mask.value(x, y).abs_diff(mask.value(CANVAS_SIZE_PX - 1 - x, y)) <= 1)
        });
        assert!(mirrored, "{region:?} is the same on both sides");
    }
    let face = mask(FaceRegion::Face);
    for (region, places) in &places {
        let expected = if *region == FaceRegion::Hair { 0 } else { 255 };
        assert!(places.iter().all(|(x, y)| face.value(*x, *y) == expected), "{region:?}");
    }
}

#[test]
fn parts_of_the_face_fit_the_landmarks() {
    // A face turned by some degrees with a mouth close to the eyes: on the canvas, well above where it usually is.
    let photo = photo_with_face(7, [300.0, 200.0], [420.0, 216.0], [349.0, 290.0]);
    let placement = photo.placement.clone().unwrap();
    let on_canvas = |x: f32, y: f32| placement.canvas_from_photo(Point::new(x + 0.5, y + 0.5));
    let face = FacePoints::of_photo(&photo);
    assert!((face.mouth - on_canvas(349.0, 290.0)).length() < 1e-3);
    assert!((face.mouth - FacePoints::STANDARD.mouth).length() > 20.0, "{face:?}");
    let mut document = document();
    document.add_photo(photo);
    let layer = document.add_layer(PhotoId(7)).unwrap();
    document.set_source(PhotoId(7)).unwrap();
    for (region, places) in [
        (FaceRegion::Eyes, vec![on_canvas(300.0, 200.0), on_canvas(420.0, 216.0)]),
        (FaceRegion::Mouth, vec![on_canvas(349.0, 290.0)]),
    ] {
        let mask = document.face_region(layer, region).unwrap();
        for place in &places {
            let (x, y) = place.canvas_pixel().unwrap();
            assert_eq!(mask.value(x, y), 255, "{region:?} at {place:?}");
        }
        // The region's middle is the middle of its landmarks.
        let values = mask.to_values();
        let total: f32 = values.iter().map(|&value| f32::from(value)).sum();
        let mean = |of: fn(usize) -> usize| {
            values.iter().enumerate().map(|(i, &value)| of(i) as f32 * f32::from(value)).sum::<f32>() / total + 0.5
        };
        let middle = Point::new(mean(|i| i % CANVAS_SIZE_PX), mean(|i| i / CANVAS_SIZE_PX));
        let expected = places[0].lerp(*places.last().unwrap(), 0.5);
        assert!((middle - expected).length() < 4.0, "{region:?}: {middle:?} {expected:?}");
    }

    // Over another face the mouth of both is covered, unless the layer was moved away from it.
    document.set_source(PhotoId(1)).unwrap();
    let (x, y) = on_canvas(349.0, 290.0).canvas_pixel().unwrap();
    let below = (x, 405);
    let mouth = document.face_region(layer, FaceRegion::Mouth).unwrap();
    assert_eq!((mouth.value(x, y), mouth.value(below.0, below.1) > 100), (255, true));
    document.update_layer(layer, |layer| layer.offset_px = (40, 0));
    let mouth = document.face_region(layer, FaceRegion::Mouth).unwrap();
    assert_eq!((mouth.value(x, y), mouth.value(below.0, below.1)), (255, 0));
    assert!(document.face_region(LayerId(99), FaceRegion::Mouth).is_none());
}

#[test]
fn landmarks_that_are_no_upright_face_give_the_usual_places() {
    // In profile: the eyes nearly meet.
    let profile = photo_with_face(8, [400.0, 200.0], [412.0, 200.0], [380.0, 330.0]);
    assert_eq!(FacePoints::of_photo(&profile), FacePoints::STANDARD);
    assert_eq!(FacePoints::of_photo(&photo(9)), FacePoints::STANDARD);
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
    // The others work on no layer, or on one that they make.
    let works_on_layer = |tool: &ToolKind| !matches!(tool, ToolKind::Hand | ToolKind::PickLayer | ToolKind::Clone);
    for tool in ToolKind::ALL.into_iter().filter(works_on_layer) {
        let mut bench = Bench::new();
        bench.tools.selected = tool;
        let layer = bench.timeline.document().active_layer().unwrap().id;
        bench.timeline.edit("Hide layer", |document| document.update_layer(layer, |layer| layer.visible = false));
        let refused = bench.down((10.0, 10.0), Button::Primary, Modifiers::default());
        assert_eq!(refused, ToolResponse::Refused(ToolRefusal::HiddenLayer), "{tool:?}");
        bench.timeline.edit("Delete layer", |document| document.remove_layer(layer));
        let refused = bench.down((10.0, 10.0), Button::Primary, Modifiers::default());
        assert_eq!(refused, ToolResponse::Refused(ToolRefusal::NoLayer), "{tool:?}");
        assert_eq!(bench.tools.busy(), None);
    }
}

#[test]
fn nonsense_positions_do_no_harm() {
    let mut bench = Bench::new();
    for tool in ToolKind::ALL {
        bench.tools.selected = tool;
        for (x, y) in [(f32::NAN, 0.0), (f32::INFINITY, 5.0), (1e30, -1e30), (-5000.0, 200.0)] {
            bench.drag((x, y), (200.0, 200.0));
            bench.drag_with((200.0, 200.0), (x, y), Button::Secondary, SHIFT_ALT);
            assert_eq!(bench.tools.busy(), None, "{tool:?}");
        }
    }
    bench.tools.selected = ToolKind::Brush;
    bench.tools.brush = BrushSettings { radius_px: f32::NAN, hardness: -4.0, strength: f32::INFINITY };
    bench.drag((100.0, 100.0), (110.0, 100.0));
}

#[test]
fn dragging_a_slider_is_one_step() {
    let mut timeline = Timeline::new(document());
    let set = |timeline: &mut Timeline, t: f32| {
        timeline.edit_continuously("Change blend", EditKey::BlendAmount, |document| {
            document.set_blend(Some(Blend::between(PhotoId(3), t))).unwrap();
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
    document.set_blend(Some(Blend::between(PhotoId(3), 0.5))).unwrap();
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

fn amounts_of(amounts: &[(&str, f32)]) -> DirectionAmounts {
    amounts.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect()
}

#[test]
fn directions_are_kept_in_range_and_go_with_their_layer() {
    let mut bench = Bench::new();
    bench.timeline.edit("Adjust", |document| {
        let wild = amounts_of(&[("A", 0.0), ("B", f32::NAN), ("C", 1e9), ("D", f32::NEG_INFINITY), ("E", -2.5)]);
        document.update_directions(None, |amounts| *amounts = wild.clone());
        document.update_directions(Some(LayerId(1)), |amounts| *amounts = wild);
        document.update_directions(Some(LayerId(99)), |amounts| *amounts = amounts_of(&[("A", 1.0)]));
    });
    let kept = amounts_of(&[("C", 100.0), ("E", -2.5)]);
    let document = bench.timeline.document();
    assert_eq!((document.directions(None), document.directions(Some(LayerId(1)))), (&kept, &kept));
    assert!(document.directions(Some(LayerId(99))).is_empty());
    let copy = bench.timeline.edit("Duplicate layer", |document| document.duplicate_layer(LayerId(1))).unwrap();
    assert_eq!(bench.timeline.document().directions(Some(copy)), &kept);
    assert_eq!(bench.steps(), ["Adjust", "Duplicate layer"]);
    // One drag of a slider is one step, and another slider's another.
    for (part, amount) in [(None, 1.0), (None, 2.0), (Some(copy), 3.0), (Some(copy), 4.0)] {
        bench.timeline.edit_continuously("Adjust", EditKey::Direction(part), |document| {
            document.update_directions(part, |amounts| {
                amounts.insert("E".to_owned(), amount);
            });
        });
    }
    assert_eq!(bench.steps().len(), 4);
    bench.timeline.undo();
    bench.timeline.undo();
    assert_eq!(bench.timeline.document().directions(None), &kept);
}

#[test]
fn likeness_is_kept_in_range_and_goes_with_its_photo() {
    let mut bench = Bench::new();
    let likeness = |bench: &Bench, id| bench.timeline.document().likeness(PhotoId(id));
    let drag = |bench: &mut Bench, id, value| {
        bench.timeline.edit_continuously("Change likeness", EditKey::Likeness(PhotoId(id)), |document| {
            document.set_likeness(PhotoId(id), value);
        });
    };
    assert_eq!(likeness(&bench, 1), 1.0);
    for (given, kept) in [(0.25, 0.25), (-3.0, 0.0), (7.0, 1.0), (f32::NAN, 1.0), (0.5, 0.5)] {
        drag(&mut bench, 2, given);
        assert_eq!((likeness(&bench, 2), likeness(&bench, 1)), (kept, 1.0));
    }
    drag(&mut bench, 99, 0.5);
    assert_eq!(likeness(&bench, 99), 1.0, "of no photo there is none");
    assert_eq!(bench.steps(), ["Change likeness"], "one drag is one step, and a change of nothing is none");
    drag(&mut bench, 3, 0.75);
    assert_eq!(bench.steps().len(), 2);

    // Another face of the photo takes its place.
    bench.timeline.edit("Choose face", |document| document.replace_photo(PhotoId(2), photo(4))).unwrap();
    assert_eq!((likeness(&bench, 2), likeness(&bench, 4)), (1.0, 0.5));
    bench.timeline.edit("Close photo", |document| document.remove_photo(PhotoId(4)));
    assert_eq!(likeness(&bench, 4), 1.0);
    bench.timeline.undo();
    assert_eq!(likeness(&bench, 4), 0.5);
    bench.timeline.undo();
    assert_eq!(likeness(&bench, 2), 0.5);
    bench.timeline.undo();
    bench.timeline.undo();
    assert!(bench.timeline.document().has_same_content(&document()));
}

#[test]
fn a_layer_matches_colours_as_far_as_it_is_told() {
    let mut bench = Bench::new();
    let colours = |bench: &Bench| bench.timeline.document().layer(LayerId(1)).unwrap().match_colours;
    assert_eq!(colours(&bench), 1.0, "of itself");
    for (given, kept) in [(0.5, 0.5), (-1.0, 0.0), (2.0, 1.0), (f32::INFINITY, 0.0)] {
        bench.timeline.edit_continuously("Match colours", EditKey::LayerMatchColours(LayerId(1)), |document| {
            document.update_layer(LayerId(1), |layer| layer.match_colours = given);
        });
        assert_eq!(colours(&bench), kept);
    }
    assert_eq!(bench.steps(), ["Match colours"]);
    bench.timeline.undo();
    assert_eq!(colours(&bench), 1.0);
}

#[test]
fn what_is_known_of_a_face_is_of_one_model_and_counted() {
    let latent = Some(Arc::new(Latent::of_stylemap(vec![0.5; 4096])));
    let of = |latent_model: Option<&str>| {
        let latent_model = latent_model.map(str::to_owned);
        Photo { latent: latent.clone(), latent_model, ..photo(9) }
    };
    assert!(of(Some("a")).latent_of("a").is_some() && of(Some("a")).latent_of("b").is_none());
    assert!(of(None).latent_of("b").is_some() && photo(9).latent_of("b").is_none());
    let bytes = |photo: Photo| {
        let mut with_photo = document();
        with_photo.add_photo(photo);
        with_photo.bytes_not_shared_with(&document())
    };
    assert_eq!(bytes(of(None)), bytes(photo(9)) + 4 * 4096);
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
        document.set_blend(Some(Blend::between(PhotoId(3), 0.25))).unwrap();
    });
    let second = scenes.scene(bench.timeline.document(), None).unwrap();
    assert!(Arc::ptr_eq(&first.layers[0].mask, &second.layers[0].mask), "an unchanged mask is not converted again");
    assert_eq!((second.layers[0].feather_px, second.layers[0].strength), (8.0, 0.25));
    assert_eq!(second.base, Base::Interpolation { from: FaceId(1), to: FaceId(3), t: 0.25 });

    bench.timeline.edit("Mix four faces", |document| {
        let below = Some(Below { faces: [PhotoId(2), PhotoId(3)], y: 1.5 });
        document.set_blend(Some(Blend { with: PhotoId(3), t: 0.25, below })).unwrap();
    });
    let four = scenes.scene(bench.timeline.document(), None).unwrap();
    assert_eq!(four.base, Base::Corners { faces: [1, 3, 2, 3].map(FaceId), at: [0.25, 1.0] });
    // What moves by itself goes past every corner, or along the path.
    let edit = bench.timeline.document().edit().clone();
    assert_eq!(
        [0.0, 0.25, 0.5, 1.0].map(|share| edit.place_along(share)),
        [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
    );
    let moving = scenes.scene(bench.timeline.document(), Some([0.5, 0.5])).unwrap();
    assert_eq!(moving.base, Base::Corners { faces: [1, 3, 2, 3].map(FaceId), at: [0.5, 0.5] });
    bench.timeline.edit("Add place to path", |document| document.set_blend_path(vec![[0.0, 0.0], [2.0, 0.5]]));
    assert_eq!(bench.timeline.document().edit().place_along(1.0), [1.0, 0.5]);
    let document = bench.timeline.document().clone();
    bench.timeline.edit("Close photo", |document| document.remove_photo(PhotoId(2)));
    assert_eq!(bench.timeline.document().blend(), Some(Blend::between(PhotoId(3), 0.25)), "three are not four");
    bench.timeline.undo();
    assert!(*bench.timeline.document() == document);
    for _ in 0..2 {
        bench.timeline.undo();
    }

    assert!(second.directions.is_empty() && second.layers[0].directions.is_empty());
    scenes.set_directions(["Light", "Smile"].map(str::to_owned));
    bench.timeline.edit("Adjust", |document| {
        document.update_directions(None, |amounts| amounts.extend(amounts_of(&[("Smile", 1.5), ("Hat", 2.0)])));
        document.update_directions(Some(LayerId(1)), |amounts| {
            amounts.extend(amounts_of(&[("Smile", -0.5), ("Light", 1.0)]));
        });
    });
    let third = scenes.scene(bench.timeline.document(), None).unwrap();
    let step = |index, amount| DirectionStep { index, amount, mask: None };
    assert_eq!(third.directions, [step(1, 1.5)], "the model has no hat");
    assert_eq!(third.layers[0].directions, [step(0, 1.0), step(1, 1.0)], "its own on top of the whole face's");

    assert!(third.likeness.is_empty() && third.layers[0].match_colours == 1.0);
    bench.timeline.edit("Change likeness", |document| {
        (1..=3).for_each(|id| document.set_likeness(PhotoId(id), id as f32 / 4.0));
        document.set_blend(None).unwrap();
        document.update_layer(LayerId(1), |layer| layer.match_colours = 0.5);
    });
    let fourth = scenes.scene(bench.timeline.document(), None).unwrap();
    assert_eq!(fourth.layers[0].match_colours, 0.5);
    assert_eq!(fourth.likeness, [(FaceId(1), 0.25), (FaceId(2), 0.5)].into(), "the third face is not shown");

    bench.timeline.edit("Hide layer", |document| document.update_layer(LayerId(1), |layer| layer.visible = false));
    let hidden = scenes.scene(bench.timeline.document(), None).unwrap();
    assert!(hidden.layers.is_empty());
    assert_eq!(hidden.likeness, [(FaceId(1), 0.25)].into());
    assert!(scenes.scene(&Document::default(), None).is_none());
}

/// What the property tests do to the active layer's mask.
#[derive(Clone, Debug)]
enum MaskAct {
    Clear,
    Invert,
    Grow(usize),
    Shrink(usize),
    Soften(f32),
    Preset(FaceRegion, Combine),
    Copy(usize, Combine),
}

fn mask_act() -> impl Strategy<Value = MaskAct> {
    let how = || prop_oneof![Just(Combine::Add), Just(Combine::Replace)];
    prop_oneof![
        Just(MaskAct::Clear),
        Just(MaskAct::Invert),
        (0..9usize).prop_map(MaskAct::Grow),
        (0..9usize).prop_map(MaskAct::Shrink),
        (0.0..9.0f32).prop_map(MaskAct::Soften),
        (prop::sample::select(FaceRegion::ALL.to_vec()), how()).prop_map(|(region, how)| MaskAct::Preset(region, how)),
        (0..9usize, how()).prop_map(|(layer, how)| MaskAct::Copy(layer, how)),
    ]
}

/// The tools that are dragged, and those that are clicked.
const DRAGGED: [ToolKind; 7] = [
    ToolKind::Brush,
    ToolKind::Eraser,
    ToolKind::Move,
    ToolKind::Lasso,
    ToolKind::Rectangle,
    ToolKind::Ellipse,
    ToolKind::Clone,
];
const CLICKED: [ToolKind; 2] = [ToolKind::Fill, ToolKind::PickLayer];

/// What the property tests do to a document.
#[derive(Clone, Debug)]
enum Act {
    Stroke { tool: usize, from: (f32, f32), to: (f32, f32), radius_px: f32, strength: f32, cancel: bool },
    Click { tool: usize, at: (f32, f32), strength: f32, tolerance: f32, erases: bool },
    CloneFrom((f32, f32)),
    Mask(MaskAct),
    AddPhoto,
    RemovePhoto(usize),
    SetSource(usize),
    SetBlend(usize, f32),
    MixStyles(Option<StyleMix>),
    Adjust(bool, f32),
    AddLayer(usize),
    SelectLayer(usize),
    DuplicateLayer,
    RemoveLayer(usize),
    Rename(usize, String),
    Reorder(usize, isize),
    Change(usize, f32, f32, bool),
    MatchColours(usize, f32),
    Takes(usize, usize, u8),
    SetLikeness(usize, f32),
    Undo,
    Redo,
    Seal,
}

fn act() -> impl Strategy<Value = Act> {
    let pos = || (-40.0..560.0f32, -40.0..560.0f32);
    prop_oneof![
        8 => (0..DRAGGED.len(), pos(), pos(), 1.0..80.0f32, 0.0..1.0f32, any::<bool>()).prop_map(
            |(tool, from, to, radius_px, strength, cancel)| Act::Stroke { tool, from, to, radius_px, strength, cancel }
        ),
        3 => (0..CLICKED.len(), pos(), 0.0..1.0f32, 0.0..1.0f32, any::<bool>()).prop_map(
            |(tool, at, strength, tolerance, erases)| Act::Click { tool, at, strength, tolerance, erases }
        ),
        2 => pos().prop_map(Act::CloneFrom),
        4 => mask_act().prop_map(Act::Mask),
        1 => Just(Act::AddPhoto),
        1 => (0..6usize).prop_map(Act::RemovePhoto),
        1 => (0..6usize).prop_map(Act::SetSource),
        2 => (0..6usize, 0.0..1.0f32).prop_map(|(photo, t)| Act::SetBlend(photo, t)),
        1 => prop::option::of(prop_oneof![Just(StyleMix::CoarseFromSource), Just(StyleMix::CoarseFromOther)])
            .prop_map(Act::MixStyles),
        2 => (any::<bool>(), -3.0..3.0f32).prop_map(|(of_layer, amount)| Act::Adjust(of_layer, amount)),
        2 => (0..6usize).prop_map(Act::AddLayer),
        2 => (0..9usize).prop_map(Act::SelectLayer),
        1 => Just(Act::DuplicateLayer),
        1 => (0..9usize).prop_map(Act::RemoveLayer),
        1 => (0..9usize, "[a-c ]{0,3}").prop_map(|(layer, name)| Act::Rename(layer, name)),
        1 => (0..9usize, -3..3isize).prop_map(|(layer, steps)| Act::Reorder(layer, steps)),
        2 => (0..9usize, -0.5..1.5f32, -9.0..99.0f32, any::<bool>())
            .prop_map(|(layer, strength, feather, visible)| Act::Change(layer, strength, feather, visible)),
        1 => (0..9usize, -0.5..1.5f32).prop_map(|(layer, share)| Act::MatchColours(layer, share)),
        1 => (0..9usize, 0..3usize, 0..12u8).prop_map(|(layer, takes, levels)| Act::Takes(layer, takes, levels)),
        2 => (0..6usize, -0.5..1.5f32).prop_map(|(photo, share)| Act::SetLikeness(photo, share)),
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
                bench.tools.selected = DRAGGED[tool];
                bench.tools.brush = BrushSettings { radius_px, hardness: 0.5, strength };
                bench.down(from, Button::Primary, Modifiers::default());
                bench.move_to((from.0, to.1));
                bench.move_to(to);
                if cancel { bench.cancel() } else { bench.up() }
            }
            Self::Click { tool, at, strength, tolerance, erases } => {
                bench.tools.selected = CLICKED[tool];
                bench.tools.brush.strength = strength;
                bench.tools.fill_tolerance = tolerance;
                bench.click(at, if erases { Button::Secondary } else { Button::Primary }, Modifiers::default());
            }
            Self::CloneFrom(pos) => {
                bench.tools.selected = ToolKind::Clone;
                bench.click(pos, Button::Primary, ALT);
            }
            Self::Mask(ref act) => {
                let Some(id) = document.active_layer().map(|layer| layer.id) else { return };
                let region = match *act {
                    MaskAct::Preset(region, _) => document.face_region(id, region).unwrap(),
                    _ => MaskImage::default(),
                };
                match *act {
                    MaskAct::Clear => bench.edit_mask("Clear mask", |mask| *mask = MaskImage::default()),
                    MaskAct::Invert => bench.edit_mask("Invert mask", MaskImage::invert),
                    MaskAct::Grow(radius_px) => bench.edit_mask("Grow mask", |mask| mask.grow(radius_px)),
                    MaskAct::Shrink(radius_px) => bench.edit_mask("Shrink mask", |mask| mask.shrink(radius_px)),
                    MaskAct::Soften(radius_px) => bench.edit_mask("Soften mask", |mask| mask.soften(radius_px)),
                    MaskAct::Preset(_, how) => bench.edit_mask("Paint region", |mask| mask.combine(&region, how)),
                    MaskAct::Copy(index, how) => {
                        if let Some(to) = layer(index) {
                            bench.timeline.edit("Copy mask", |document| document.copy_mask(id, to, how));
                        }
                    }
                }
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
                let below = photo(index + 1).filter(|_| t > 0.5).map(|face| Below { faces: [face, face], y: t / 2.0 });
                let blend = photo(index).map(|with| Blend { with, t, below });
                bench.timeline.edit_continuously("Change blend", EditKey::BlendAmount, |document| {
                    document.set_blend(blend).unwrap();
                });
            }
            Self::MixStyles(mix) => bench.timeline.edit("Mix styles", |document| document.set_style_mix(mix)),
            Self::Adjust(of_layer, amount) => {
                let part = document.active_layer().map(|layer| layer.id).filter(|_| of_layer);
                bench.timeline.edit_continuously("Adjust", EditKey::Direction(part), |document| {
                    document.update_directions(part, |amounts| {
                        amounts.insert("Smile".to_owned(), amount);
                    });
                });
            }
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
            Self::Rename(index, ref name) => {
                if let Some(id) = layer(index) {
                    bench.timeline.edit("Rename layer", |document| {
                        document.update_layer(id, |layer| layer.name.clone_from(name));
                    });
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
            Self::MatchColours(index, share) => {
                if let Some(id) = layer(index) {
                    bench.timeline.edit_continuously("Match colours", EditKey::LayerMatchColours(id), |document| {
                        document.update_layer(id, |layer| layer.match_colours = share);
                    });
                }
            }
            Self::Takes(index, takes, levels) => {
                let (levels, id) = (CoarseLevels::new(levels), layer(index));
                if let Some(id) = id {
                    bench.timeline.edit("Change what is painted", |document| {
                        document.update_layer(id, |layer| layer.takes = Takes::ALL[takes]);
                    });
                }
                bench.timeline.edit_continuously("Divide styles", EditKey::CoarseLevels(id), |document| {
                    document.set_coarse_levels(id, levels);
                });
            }
            Self::SetLikeness(index, share) => {
                if let Some(id) = photo(index) {
                    bench.timeline.edit_continuously("Change likeness", EditKey::Likeness(id), |document| {
                        document.set_likeness(id, share);
                    });
                }
            }
            Self::Undo => drop(bench.timeline.undo()),
            Self::Redo => drop(bench.timeline.redo()),
            Self::Seal => bench.timeline.seal(),
        }
    }
}

/// Rectangles and discs of any value.
fn painted_mask() -> impl Strategy<Value = MaskImage> {
    let piece = (0.0..512.0f32, 0.0..512.0f32, 1.0..90.0f32, any::<u8>(), any::<bool>());
    prop::collection::vec(piece, 1..5).prop_map(|pieces| {
        let mut mask = MaskImage::default();
        for (x, y, radius_px, value, is_round) in pieces {
            let (center, radius) = (Point::new(x, y), Point::new(radius_px, radius_px));
            let corners = [center - radius, Point::new(x + radius_px, y - radius_px), center + radius];
            let outline = if is_round { polygon::ellipse(center, radius_px, radius_px) } else { corners.to_vec() };
            let Some((_, covered)) = polygon::coverage(&outline) else { continue };
            let values: Vec<u8> = covered
                .to_values()
                .iter()
                .map(|&covered| (u16::from(covered) * u16::from(value) / 255) as u8)
                .collect();
            mask.combine(&MaskImage::from_values(&values).expect("as many as there are"), Combine::Add);
        }
        mask
    })
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
        assert!((0.0..=1.0).contains(&layer.match_colours));
    }
    assert!(document.layers().is_empty() || document.active_layer().is_some());
    assert!(document.photos().iter().all(|photo| (0.0..=1.0).contains(&document.likeness(photo.id))));
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

    /// Growing and shrinking belong together, whatever is painted: what is closed contains the mask, what is opened lies in
    /// it, and once is as good as twice.
    #[test]
    fn growing_and_shrinking_are_a_pair(mask in painted_mask(), radius_px in 0..14usize) {
        let contains = |outer: &MaskImage, inner: &MaskImage| {
            outer.to_values().iter().zip(inner.to_values()).all(|(outer, inner)| *outer >= inner)
        };
        let grown = changed(&mask, |mask| mask.grow(radius_px));
        let shrunk = changed(&mask, |mask| mask.shrink(radius_px));
        prop_assert!(contains(&grown, &mask) && contains(&mask, &shrunk));
        let closed = changed(&grown, |mask| mask.shrink(radius_px));
        let opened = changed(&shrunk, |mask| mask.grow(radius_px));
        prop_assert!(contains(&closed, &mask) && contains(&mask, &opened));
        prop_assert_eq!(&changed(&closed, |mask| { mask.grow(radius_px); mask.shrink(radius_px); }), &closed);
        prop_assert_eq!(&changed(&opened, |mask| { mask.shrink(radius_px); mask.grow(radius_px); }), &opened);
        let through_inverse = changed(&mask, |mask| { mask.invert(); mask.grow(radius_px); mask.invert(); });
        prop_assert_eq!(&through_inverse, &shrunk);
        let widened = |rect: PixelRect| PixelRect {
            min_x: rect.min_x.saturating_sub(radius_px),
            min_y: rect.min_y.saturating_sub(radius_px),
            max_x: (rect.max_x + radius_px).min(CANVAS_SIZE_PX),
            max_y: (rect.max_y + radius_px).min(CANVAS_SIZE_PX),
        };
        prop_assert_eq!(grown.painted_rect(), mask.painted_rect().map(widened));
        if radius_px == 0 {
            prop_assert_eq!(&grown, &mask);
        }
    }

    /// Operations keep what they do not change: in value and in memory.
    #[test]
    fn what_stays_the_same_stays_shared(mask in painted_mask(), other in painted_mask(), dx in -90..90i32, dy in -90..90i32) {
        let twice = changed(&mask, |mask| { mask.invert(); mask.invert(); });
        prop_assert_eq!(&twice, &mask);
        for same in [
            changed(&mask, |mask| mask.grow(0)),
            changed(&mask, |mask| mask.soften(0.0)),
            changed(&mask, |itself| itself.combine(&mask, Combine::Add)),
            changed(&mask, |itself| itself.take_off(&MaskImage::default())),
            changed(&mask, |mask| { let values = mask.to_values(); mask.set_values(&values); }),
        ] {
            prop_assert_eq!((&same, own_tiles(&same, &mask)), (&mask, 0));
        }
        let added = changed(&mask, |mask| mask.combine(&other, Combine::Add));
        prop_assert_eq!(&added, &changed(&other, |other| other.combine(&mask, Combine::Add)));
        prop_assert_eq!(&changed(&mask, |mask| mask.combine(&other, Combine::Replace)), &other);
        let without = changed(&added, |mask| mask.take_off(&other));
        let moved = mask.moved((dx, dy));
        for (x, y) in (0..512).step_by(7).flat_map(|x| (0..512).step_by(5).map(move |y| (x, y))) {
            prop_assert_eq!(added.value(x, y), mask.value(x, y).max(other.value(x, y)));
            prop_assert!(without.value(x, y) <= 255 - other.value(x, y));
            let from = (x as i32 - dx, y as i32 - dy);
            let from = usize::try_from(from.0).ok().zip(usize::try_from(from.1).ok());
            prop_assert_eq!(moved.value(x, y), from.map_or(0, |(x, y)| mask.value(x, y)));
        }
    }

    /// The exact coverage of an outline against sixty-four samples in each pixel.
    #[test]
    fn coverage_is_the_area_inside(corners in prop::collection::vec((-30.0..70.0f32, -30.0..70.0f32), 3..8)) {
        let outline: Vec<Point> = corners.iter().map(|(x, y)| Point::new(*x, *y)).collect();
        let mask = polygon::coverage(&outline).map(|(_, mask)| mask).unwrap_or_default();
        let winding = |x: f32, y: f32| {
            let ends = outline.iter().skip(1).chain(outline.first());
            let crossings = outline.iter().zip(ends).map(|(a, b)| {
                let goes_down = a.y <= y && b.y > y;
                let is_crossed = goes_down || b.y <= y && a.y > y;
                let is_left = a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y) < x;
                if is_crossed && is_left { if goes_down { 1 } else { -1 } } else { 0 }
            });
            crossings.sum::<i32>()
        };
        let (mut errors, mut borders) = (0.0, 0);
        for (x, y) in (0..72).flat_map(|x| (0..72).map(move |y| (x, y))) {
            // Sixty-four columns and sixty-four rows, each with one sample.
            let at = |major: usize, minor: usize| (major as f32 + (minor as f32 + 0.5) / 8.0) / 8.0;
            let samples: Vec<i32> =
                (0..64).map(|i| winding(x as f32 + at(i % 8, i / 8), y as f32 + at(i / 8, i % 8))).collect();
            let sum: i32 = samples.iter().sum();
            let is_plain = [0..=1, -1..=0].iter().any(|range| samples.iter().all(|w| range.contains(w)));
            // Where several edges of different turns meet in one pixel, its area is not what counts.
            if is_plain {
                let expected = sum.abs() as f32 / 64.0 * 255.0;
                let error = (f32::from(mask.value(x, y)) - expected).abs();
                // What several edges can hide between the samples.
                prop_assert!(error < 48.0, "{}, {}: {} {}", x, y, mask.value(x, y), expected);
                if expected > 0.0 && expected < 255.0 {
                    (errors, borders) = (errors + error, borders + 1);
                }
            }
            if samples.iter().all(|&w| w == samples[0]) && samples[0].abs() > 1 {
                prop_assert!(mask.value(x, y) > 200);
            }
        }
        prop_assert!(errors <= 12.0 * borders as f32 + 48.0, "{} in {}", errors, borders);
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
