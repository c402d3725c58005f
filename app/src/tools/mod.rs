//! The tools: small state machines that turn pointer events into edits. They know no window: positions arrive in canvas
//! pixels, and what a tool cannot do by itself (move the view, tell the user something) is its answer.

mod brush;
mod hand;
mod move_region;
mod place_face;

use crate::document::{Point, Timeline};

pub use brush::{BrushSettings, BrushTool, Effect, MAX_RADIUS_PX, MIN_RADIUS_PX};
pub use hand::HandTool;
pub use move_region::MoveTool;
pub use place_face::{FacePlacing, FacePoint};

/// Which tool is in hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ToolKind {
    /// Paints the active layer's mask.
    #[default]
    Brush,
    /// Takes paint off.
    Eraser,
    /// Moves the active layer's region.
    Move,
    /// Moves the view.
    Hand,
}

impl ToolKind {
    /// Every tool in the order of the tool strip.
    pub const ALL: [Self; 4] = [Self::Brush, Self::Eraser, Self::Move, Self::Hand];

    /// Whether it works with the brush's size, hardness and strength.
    pub fn has_brush(self) -> bool {
        matches!(self, Self::Brush | Self::Eraser)
    }
}

/// A pointer's button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    /// Does what the tool is for.
    Primary,
    /// Does the opposite where there is one.
    Secondary,
}

/// Keys held at the start of a gesture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Control (Command on a Mac): the opposite of what the tool does.
    pub opposite: bool,
    /// Shift: a straight line from the last stroke's end, or a move along one axis.
    pub straight: bool,
}

/// What the pointer does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ToolEvent {
    /// A button goes down and a gesture begins.
    PointerDown {
        /// Where.
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
    /// There is nothing painted to move.
    NothingPainted,
}

impl std::fmt::Display for ToolRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoLayer => "Choose a photo on the right first: the brush paints from it.",
            Self::HiddenLayer => "The active layer is hidden. Show it to work on it.",
            Self::NothingPainted => "Paint a region first, then move it.",
        })
    }
}

/// A tool.
pub trait Tool {
    /// Takes an event.
    fn handle(&mut self, event: &ToolEvent, timeline: &mut Timeline, brush: &BrushSettings) -> ToolResponse;

    /// Whether a gesture is under way.
    fn is_busy(&self) -> bool;
}

/// The tools, which one is in hand, and their settings.
#[derive(Default)]
pub struct Toolbox {
    /// The tool in hand.
    pub selected: ToolKind,
    /// Size, hardness and strength of brush and eraser.
    pub brush: BrushSettings,
    paint: BrushTool,
    move_region: MoveTool,
    hand: HandTool,
    /// The tool whose gesture runs: it gets every event until the gesture ends, whatever is selected meanwhile.
    busy: Option<ToolKind>,
}

impl Toolbox {
    /// Hands an event to the tool in hand, or to `temporary` (the hand while space is held), and to whichever tool is in
    /// the middle of a gesture.
    pub fn handle(&mut self, event: &ToolEvent, temporary: Option<ToolKind>, timeline: &mut Timeline) -> ToolResponse {
        let kind = self.busy.unwrap_or_else(|| temporary.unwrap_or(self.selected));
        let brush = self.brush;
        self.paint.effect = if kind == ToolKind::Eraser { Effect::Erase } else { Effect::Paint };
        let tool: &mut dyn Tool = match kind {
            ToolKind::Brush | ToolKind::Eraser => &mut self.paint,
            ToolKind::Move => &mut self.move_region,
            ToolKind::Hand => &mut self.hand,
        };
        let response = tool.handle(event, timeline, &brush);
        self.busy = tool.is_busy().then_some(kind);
        response
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
