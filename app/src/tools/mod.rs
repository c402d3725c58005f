//! The tools: small state machines that turn pointer events into edits. They know no window: positions arrive in canvas
//! pixels, and what a tool cannot do by itself (move the view, tell the user something) is its answer.

#[cfg(test)]
mod bench;
mod brush;
mod clone;
mod effect;
mod fill;
mod hand;
mod handles;
mod info;
mod lasso;
mod move_region;
mod pick_layer;
mod place_face;
mod shape;
mod stroke;

use crate::document::{Document, Layer, Point, Refusal, Timeline};

pub use effect::Effect;
pub use handles::{Grip, RegionHandles};
pub use info::{ToolCursor, ToolInfo, ToolOption};
pub use place_face::{FacePlacing, FacePoint};
pub use stroke::{BrushSettings, MAX_RADIUS_PX, MIN_RADIUS_PX};

/// Makes the tools known to the program: each by its kind and by what describes it.
macro_rules! tools {
    ($($kind:ident => $info:path,)+) => {
        /// Which tool is in hand.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ToolKind {
            $(
                #[doc = concat!("The one that `", stringify!($info), "` describes.")]
                $kind,
            )+
        }

        impl ToolKind {
            /// Every tool in the order of the tool strip.
            pub const ALL: [Self; [$(stringify!($kind)),+].len()] = [$(Self::$kind),+];

            /// What the program knows about it.
            pub const fn info(self) -> &'static ToolInfo {
                match self {
                    $(Self::$kind => &$info,)+
                }
            }
        }
    };
}

// Every tool in the order of the tool strip. The first one is in hand at the start.
tools! {
    Brush => brush::BRUSH,
    Eraser => brush::ERASER,
    Lasso => lasso::INFO,
    Rectangle => shape::RECTANGLE,
    Ellipse => shape::ELLIPSE,
    Fill => fill::INFO,
    Clone => clone::INFO,
    Move => move_region::INFO,
    PickLayer => pick_layer::INFO,
    Hand => hand::INFO,
}

/// A pointer's button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// Does what the tool is for.
    Primary,
    /// Does the opposite where there is one.
    Secondary,
}

/// Keys held at the start of a gesture, or during it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Control (Command on a Mac): the opposite of what the tool does.
    pub opposite: bool,
    /// Shift: a straight line from the last stroke's end, a move along one axis, or a shape with equal sides.
    pub straight: bool,
    /// Alt: a shape around the place where the gesture began, or the place that a clone is taken from.
    pub from_center: bool,
}

/// What the pointer does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ToolEvent {
    /// A button goes down and a gesture begins.
    PointerDown {
        /// Where the pointer is.
        pos_in_canvas: Point,
        /// Which button.
        button: Button,
        /// In (0, 1]; 1 for a mouse.
        pressure: f32,
        /// The keys held.
        modifiers: Modifiers,
    },
    /// The pointer moves with the button down.
    PointerMove {
        /// Where to.
        pos_in_canvas: Point,
        /// In (0, 1]; 1 for a mouse.
        pressure: f32,
        /// The keys held now.
        modifiers: Modifiers,
    },
    /// The button goes up: the gesture is done.
    PointerUp,
    /// The gesture is taken back.
    Cancel,
}

/// What a tool answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ToolResponse {
    /// Nothing to do.
    Nothing,
    /// The document changed.
    Changed,
    /// The view is to move so that what lies under the pointer moves by this distance.
    PanBy(Point),
    /// The tool cannot work, for this reason.
    Refused(ToolRefusal),
}

/// Why a tool cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolRefusal {
    /// There is no active layer.
    NoLayer,
    /// The active layer does not show.
    HiddenLayer,
    /// The document does not do what the tool wants of it.
    Document(Refusal),
    /// The tool's own reason, in a sentence.
    Because(&'static str),
}

impl From<Refusal> for ToolRefusal {
    fn from(refusal: Refusal) -> Self {
        Self::Document(refusal)
    }
}

impl std::fmt::Display for ToolRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sentence = match self {
            Self::NoLayer => "Choose a photo on the right first: the brush paints from it.",
            Self::HiddenLayer => "The active layer is hidden. Show it to work on it.",
            Self::Document(refusal) => return write!(f, "{refusal}"),
            Self::Because(reason) => reason,
        };
        f.write_str(sentence)
    }
}

/// What a tool works on, and the settings that it works with.
pub struct ToolContext<'a> {
    /// The document with its past.
    pub timeline: &'a mut Timeline,
    /// The brush's settings.
    pub brush: BrushSettings,
    /// In [0, 1]: how far values may lie from the one under the pointer to be filled with it.
    pub fill_tolerance: f32,
    /// How near a press must be to a handle to take it, in canvas pixels.
    pub reach_px: f32,
    /// Where the last stroke ended, whichever tool drew it.
    pub last_stroke_end_in_canvas: &'a mut Option<Point>,
}

/// How a tool works. Its state is its own, and stays when another tool is taken in hand.
pub trait Tool {
    /// Takes an event.
    fn handle(&mut self, event: &ToolEvent, context: &mut ToolContext<'_>) -> ToolResponse;

    /// Whether a gesture is under way.
    fn is_busy(&self) -> bool;

    /// A closed outline to show over the picture: what is being drawn, or a mark; empty where there is none.
    fn outline_in_canvas(&self) -> Vec<Point> {
        Vec::new()
    }

    /// What can be taken hold of; none where there is nothing.
    fn handles(&self, _document: &Document, _reach_px: f32) -> Option<RegionHandles> {
        None
    }
}

/// The active layer, where it can be painted on.
fn layer_to_paint(timeline: &Timeline) -> Result<&Layer, ToolRefusal> {
    let layer = timeline.document().active_layer().ok_or(ToolRefusal::NoLayer)?;
    if layer.visible { Ok(layer) } else { Err(ToolRefusal::HiddenLayer) }
}

/// Mask to canvas: the layer's move.
fn offset_of(layer: &Layer) -> Point {
    Point::new(layer.offset_px.0 as f32, layer.offset_px.1 as f32)
}

/// What the button's coming up makes a step of is taken back by a cancel.
fn end_gesture(event: &ToolEvent, timeline: &mut Timeline) -> ToolResponse {
    if *event == ToolEvent::Cancel {
        timeline.cancel_gesture();
    } else {
        timeline.commit();
    }
    ToolResponse::Changed
}

/// The fill tool's tolerance at first: what antialiasing leaves of an edge still belongs to it.
const DEFAULT_FILL_TOLERANCE: f32 = 0.15;

/// How near at first, at a zoom of one.
const DEFAULT_REACH_PX: f32 = 9.0;

/// The tools, which one is in hand, and their settings.
pub struct Toolbox {
    /// The tool in hand.
    pub selected: ToolKind,
    /// Size, hardness and strength of brush and eraser; every tool that paints has the strength.
    pub brush: BrushSettings,
    /// In [0, 1]: how far values may lie from the one under the pointer to be filled with it.
    pub fill_tolerance: f32,
    /// In the order of [`ToolKind::ALL`].
    tools: [Box<dyn Tool>; ToolKind::ALL.len()],
    /// The tool whose gesture runs: it gets every event until the gesture ends, whatever is selected meanwhile.
    busy: Option<ToolKind>,
    last_stroke_end_in_canvas: Option<Point>,
    /// How near a press must be to a handle to take it, in canvas pixels: the same on screen at every zoom.
    pub reach_px: f32,
}

impl Default for Toolbox {
    fn default() -> Self {
        Self {
            selected: ToolKind::ALL[0],
            brush: BrushSettings::default(),
            fill_tolerance: DEFAULT_FILL_TOLERANCE,
            tools: ToolKind::ALL.map(|kind| (kind.info().new)()),
            busy: None,
            reach_px: DEFAULT_REACH_PX,
            last_stroke_end_in_canvas: None,
        }
    }
}

impl Toolbox {
    /// Hands an event to the tool in hand, or to `temporary` (the hand while space is held), and to whichever tool is in
    /// the middle of a gesture.
    pub fn handle(&mut self, event: &ToolEvent, temporary: Option<ToolKind>, timeline: &mut Timeline) -> ToolResponse {
        let kind = self.busy.or(temporary).unwrap_or(self.selected);
        let Some(tool) = self.tools.get_mut(kind as usize) else { return ToolResponse::Nothing };
        let mut context = ToolContext {
            timeline,
            brush: self.brush,
            fill_tolerance: self.fill_tolerance,
            reach_px: self.reach_px,
            last_stroke_end_in_canvas: &mut self.last_stroke_end_in_canvas,
        };
        let response = tool.handle(event, &mut context);
        self.busy = tool.is_busy().then_some(kind);
        response
    }

    /// The closed outline to show over the picture, of the tool whose gesture runs or else of the tool in hand; empty where
    /// there is none.
    pub fn outline_in_canvas(&self) -> Vec<Point> {
        let shown = [self.busy, Some(self.selected)].into_iter().flatten();
        let mut outlines = shown.filter_map(|kind| self.tools.get(kind as usize)).map(|tool| tool.outline_in_canvas());
        outlines.find(|outline| !outline.is_empty()).unwrap_or_default()
    }

    /// What can be taken hold of with the tool in hand.
    pub fn handles(&self, document: &Document) -> Option<RegionHandles> {
        let kind = self.busy.unwrap_or(self.selected);
        self.tools.get(kind as usize)?.handles(document, self.reach_px)
    }

    /// The tool whose gesture runs.
    pub fn busy(&self) -> Option<ToolKind> {
        self.busy
    }

    /// Ends a gesture as it is, for example before an undo.
    pub fn finish_gesture(&mut self, timeline: &mut Timeline) {
        if self.busy.is_some() {
            self.handle(&ToolEvent::PointerUp, None, timeline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_told_apart() {
        let all = ToolKind::ALL.map(ToolKind::info);
        for (index, info) in all.iter().enumerate() {
            let is_key = info.key.len() == 1 && info.key.chars().all(|letter| letter.is_ascii_uppercase());
            assert!(is_key, "{}: {}", info.id, info.key);
            for other in &all[..index] {
                assert!(info.id != other.id && info.key != other.key && info.icon != other.icon, "{}", info.id);
            }
        }
    }

    #[test]
    fn settings_find_the_tools_that_they_know() {
        let known = ["brush", "eraser", "lasso", "rectangle", "ellipse", "fill", "move-region", "pick-layer", "hand"];
        for id in known {
            assert!(ToolKind::ALL.iter().any(|kind| kind.info().id == id), "{id}");
        }
    }
}
