//! Clone: a part of the source painted once more, in another place. Alt+click sets where it is taken from; the stroke that
//! follows adds a layer of the source, moved so that this place lies where the stroke begins.

use super::stroke::Stroke;
use super::{
    Button, Effect, Modifiers, Tool, ToolContext, ToolCursor, ToolEvent, ToolInfo, ToolOption, ToolRefusal,
    ToolResponse, layer_to_paint,
};
use crate::document::{Document, Layer, PhotoId, Point, Refusal};

/// Paints a part of the source in another place.
pub(super) const INFO: ToolInfo = ToolInfo {
    id: "clone",
    name: "Clone",
    tooltip: "Paint a part of the source in another place. Alt+click sets where it is taken from",
    hint: Some("Alt+click where to take from, then paint."),
    icon: '\u{ea48}', // stamp
    key: "S",
    options: &[ToolOption::Size, ToolOption::Hardness, ToolOption::StrokeStrength],
    cursor: ToolCursor::Brush(Effect::Paint),
    new: || Box::new(CloneTool::default()),
};

const NO_AIM: ToolRefusal =
    ToolRefusal::Because("Alt+click in the picture where to take from, then paint in another place of it.");

/// Half the width of the cross that marks where it is taken from.
const MARK_PX: f32 = 6.0;

/// Paints from the source with a move.
#[derive(Default)]
struct CloneTool {
    /// Where it is taken from.
    sample_in_canvas: Option<Point>,
    /// The move from there to where it is painted: set by the first stroke after the Alt+click, kept by those that go on
    /// with its layer.
    offset_px: Option<(i32, i32)>,
    /// The one under way.
    stroke: Option<Box<Stroke>>,
}

impl CloneTool {
    fn begin(
        &mut self,
        (pos_in_canvas, pressure): (Point, f32),
        button: Button,
        modifiers: Modifiers,
        context: &mut ToolContext<'_>,
    ) -> Result<(), ToolRefusal> {
        let effect = Effect::Paint.of_gesture(button, modifiers);
        let mut document = context.timeline.document().clone();
        let source = document.source().ok_or(ToolRefusal::NoLayer)?;
        let is_of_aim = |layer: &Layer| layer.photo == source && self.offset_px == Some(layer.offset_px);
        if effect == Effect::Paint && !document.active_layer().is_some_and(is_of_aim) {
            let sample = self.sample_in_canvas.filter(|_| pos_in_canvas.canvas_pixel().is_some()).ok_or(NO_AIM)?;
            self.offset_px = Some(add_layer(&mut document, source, pos_in_canvas - sample)?);
        } else {
            layer_to_paint(context.timeline)?;
        }
        let layer = document.active_layer().ok_or(ToolRefusal::NoLayer)?;
        let mut stroke = Stroke::new(layer, effect, context.brush);
        // Layer and stroke are one step.
        context.timeline.begin_gesture(match effect {
            Effect::Paint => "Clone stroke",
            Effect::Erase => "Erase stroke",
        });
        context.timeline.change(|before| *before = document);
        stroke.begin(pos_in_canvas, pressure, modifiers.straight, context);
        self.stroke = Some(Box::new(stroke));
        Ok(())
    }
}

/// A layer of the source with this move, as far as layers can be moved. It is the active one.
fn add_layer(document: &mut Document, source: PhotoId, moved: Point) -> Result<(i32, i32), Refusal> {
    let id = document.add_layer(source)?;
    document.update_layer(id, |layer| layer.offset_px = (moved.x.round() as i32, moved.y.round() as i32));
    document.layer(id).map(|layer| layer.offset_px).ok_or(Refusal::NoSuchLayer)
}

impl Tool for CloneTool {
    fn handle(&mut self, event: &ToolEvent, context: &mut ToolContext<'_>) -> ToolResponse {
        match (&mut self.stroke, *event) {
            // Alt.
            (None, ToolEvent::PointerDown { pos_in_canvas, modifiers: Modifiers { from_center: true, .. }, .. }) => {
                if pos_in_canvas.canvas_pixel().is_none() {
                    return ToolResponse::Refused(NO_AIM);
                }
                (self.sample_in_canvas, self.offset_px) = (Some(pos_in_canvas), None);
                ToolResponse::Nothing
            }
            (None, ToolEvent::PointerDown { pos_in_canvas, button, pressure, modifiers })
                if pos_in_canvas.is_finite() =>
            {
                let begun = self.begin((pos_in_canvas, pressure), button, modifiers, context);
                begun.map_or_else(ToolResponse::Refused, |()| ToolResponse::Changed)
            }
            (stroke, _) => Stroke::go_on(stroke, event, context),
        }
    }

    fn is_busy(&self) -> bool {
        self.stroke.is_some()
    }

    /// A cross where it is taken from.
    fn outline_in_canvas(&self) -> Vec<Point> {
        let Some(middle) = self.sample_in_canvas else { return Vec::new() };
        let at = |x: f32, y: f32| middle + Point::new(x * MARK_PX, y * MARK_PX);
        // There and back along each arm, so that the closed outline is the cross alone.
        vec![at(-1.0, 0.0), at(1.0, 0.0), middle, at(0.0, -1.0), at(0.0, 1.0), middle]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::bench::{ALT, Bench, NO_KEY};
    use super::*;
    use crate::document::{MAX_LAYERS, Timeline};
    use crate::tools::ToolKind;

    const SAMPLE: (f32, f32) = (100.0, 120.0);

    /// Where a stroke of 40 pixels begins and ends, and where that lies in the mask of a layer taken from `SAMPLE`.
    const STROKE: [(f32, f32); 2] = [(300.0, 200.0), (340.0, 200.0)];
    const STROKE_IN_MASK: [(usize, usize); 2] = [(100, 120), (140, 120)];

    /// With the place set from which it is taken.
    fn aimed() -> Bench {
        let mut bench = Bench::new(ToolKind::Clone);
        assert_eq!(bench.click(SAMPLE, Button::Primary, ALT), ToolResponse::Nothing);
        bench
    }

    #[test]
    fn a_stroke_adds_a_layer_of_the_source_moved_from_the_sample_to_the_pointer() {
        let mut bench = aimed();
        let before = bench.timeline.document().clone();
        assert_eq!(bench.drag(STROKE[0], STROKE[1], NO_KEY), ToolResponse::Changed);
        let layer = bench.layer();
        assert_eq!((layer.photo, layer.offset_px), (PhotoId(1), (200, 80)));
        assert_eq!(STROKE_IN_MASK.map(|(x, y)| bench.value(x, y)), [255, 255]);
        assert_eq!((bench.value(300, 200), bench.value(100, 160)), (0, 0));
        assert_eq!(bench.steps(), ["Clone stroke"], "layer and stroke are one step");
        bench.timeline.undo();
        assert_eq!(bench.timeline.document(), &before);
    }

    #[test]
    fn strokes_go_on_with_the_layer_until_the_aim_changes() {
        let mut bench = aimed();
        let count = |bench: &Bench| bench.timeline.document().layers().len();
        bench.drag(STROKE[0], STROKE[1], NO_KEY);
        bench.drag((300.0, 300.0), (300.0, 300.0), NO_KEY);
        assert_eq!((count(&bench), bench.layer().offset_px, bench.value(100, 220)), (2, (200, 80), 255));

        // From the same place to another one, after a look at another layer.
        let other = bench.timeline.document().layers().first().unwrap().id;
        bench.timeline.select_layer(other);
        bench.drag((60.0, 60.0), (60.0, 60.0), NO_KEY);
        assert_eq!((count(&bench), bench.layer().offset_px), (3, (-40, -60)));

        bench.click((200.0, 200.0), Button::Primary, ALT);
        bench.drag((210.0, 200.0), (210.0, 200.0), NO_KEY);
        assert_eq!((count(&bench), bench.layer().offset_px), (4, (10, 0)));

        // A layer that was undone is not gone on with, whatever has its number now.
        bench.timeline.undo();
        bench.timeline.edit("Add layer", |document| document.add_layer(PhotoId(3))).unwrap();
        bench.drag((210.0, 200.0), (210.0, 200.0), NO_KEY);
        assert_eq!((count(&bench), bench.layer().photo), (5, PhotoId(1)));
    }

    #[test]
    fn a_cancelled_stroke_takes_its_layer_with_it() {
        let mut bench = aimed();
        let before = bench.timeline.document().clone();
        bench.down(STROKE[0], Button::Primary, NO_KEY);
        bench.move_to(STROKE[1], NO_KEY);
        assert_eq!(bench.timeline.document().layers().len(), 2);
        bench.cancel();
        assert_eq!((bench.timeline.document(), bench.steps().len()), (&before, 0));
        assert_eq!(bench.tools.busy(), None);
    }

    #[test]
    fn the_right_button_erases_from_the_active_layer() {
        let mut bench = aimed();
        bench.drag(STROKE[0], STROKE[1], NO_KEY);
        bench.drag_with(STROKE[0], STROKE[0], Button::Secondary, NO_KEY);
        assert_eq!(STROKE_IN_MASK.map(|(x, y)| bench.value(x, y)), [0, 255]);
        assert_eq!(bench.steps(), ["Clone stroke", "Erase stroke"]);

        // Of any layer, and from no place.
        let mut bench = Bench::new(ToolKind::Brush);
        bench.drag((60.0, 60.0), (60.0, 60.0), NO_KEY);
        bench.tools.selected = ToolKind::Clone;
        bench.drag_with((60.0, 60.0), (60.0, 60.0), Button::Secondary, NO_KEY);
        assert_eq!((bench.value(60, 60), bench.timeline.document().layers().len()), (0, 1));
    }

    #[test]
    fn a_stroke_that_cannot_be_is_refused_and_changes_nothing() {
        let refuses = |bench: &mut Bench, pos, modifiers, expected| {
            let before = (bench.timeline.revision(), bench.steps());
            assert_eq!(bench.drag(pos, pos, modifiers), ToolResponse::Refused(expected));
            assert_eq!((bench.timeline.revision(), bench.steps()), before);
            assert_eq!(bench.tools.busy(), None);
        };
        let mut bench = Bench::new(ToolKind::Clone);
        refuses(&mut bench, STROKE[0], NO_KEY, NO_AIM);
        refuses(&mut bench, (-1.0, 100.0), ALT, NO_AIM);
        refuses(&mut bench, STROKE[0], NO_KEY, NO_AIM);

        let mut bench = aimed();
        refuses(&mut bench, (-20.0, 100.0), NO_KEY, NO_AIM);
        bench.drag(STROKE[0], STROKE[1], NO_KEY);
        bench.edit_layer("Hide layer", |layer| layer.visible = false);
        refuses(&mut bench, STROKE[0], NO_KEY, ToolRefusal::HiddenLayer);

        let mut bench = aimed();
        for _ in 1..MAX_LAYERS {
            bench.timeline.edit("Add layer", |document| document.add_layer(PhotoId(2))).unwrap();
        }
        refuses(&mut bench, STROKE[0], NO_KEY, ToolRefusal::Document(Refusal::TooManyLayers));

        let mut bench = aimed();
        bench.timeline = Timeline::default();
        refuses(&mut bench, STROKE[0], NO_KEY, ToolRefusal::NoLayer);
    }

    #[test]
    fn a_cross_marks_where_it_is_taken_from_while_the_tool_is_in_hand() {
        let mut bench = Bench::new(ToolKind::Clone);
        assert!(bench.tools.outline_in_canvas().is_empty());
        bench.click(SAMPLE, Button::Primary, ALT);
        let mark = bench.tools.outline_in_canvas();
        let center = Point::new(SAMPLE.0, SAMPLE.1);
        assert!(mark.contains(&center) && mark.iter().all(|point| (*point - center).length() <= MARK_PX), "{mark:?}");
        bench.tools.selected = ToolKind::Brush;
        assert!(bench.tools.outline_in_canvas().is_empty());
    }
}
