//! The tools: small state machines that turn pointer events into edits. They know no window: positions arrive in canvas
//! pixels, and what a tool cannot do by itself (move the view, tell the user something) is its answer.

mod brush;
mod effect;
mod fill;
mod hand;
mod lasso;
mod move_region;
mod pick_layer;
mod place_face;
mod shape;

use crate::document::{Layer, Point, Timeline};

pub use brush::{BrushSettings, BrushTool, MAX_RADIUS_PX, MIN_RADIUS_PX};
pub use effect::Effect;
pub use fill::FillTool;
pub use hand::HandTool;
pub use lasso::LassoTool;
pub use move_region::MoveTool;
pub use pick_layer::PickLayerTool;
pub use place_face::{FacePlacing, FacePoint};
pub use shape::{Shape, ShapeTool};

/// Which tool is in hand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ToolKind {
    /// Paints the active layer's mask.
    #[default]
    Brush,
    /// Takes paint off.
    Eraser,
    /// Paints what a freehand outline goes around.
    Lasso,
    /// Paints a rectangle.
    Rectangle,
    /// Paints an ellipse.
    Ellipse,
    /// Paints a connected part of the mask.
    Fill,
    /// Moves the active layer's region.
    Move,
    /// Makes the layer under the pointer the active one.
    PickLayer,
    /// Moves the view.
    Hand,
}

impl ToolKind {
    /// Every tool in the order of the tool strip.
    pub const ALL: [Self; 9] = [
        Self::Brush,
        Self::Eraser,
        Self::Lasso,
        Self::Rectangle,
        Self::Ellipse,
        Self::Fill,
        Self::Move,
        Self::PickLayer,
        Self::Hand,
    ];

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

/// Keys held at the start of a gesture, or during it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Control (Command on a Mac): the opposite of what the tool does.
    pub opposite: bool,
    /// Shift: a straight line from the last stroke's end, a move along one axis, or a shape with equal sides.
    pub straight: bool,
    /// Alt: a shape around the place where the gesture began.
    pub from_center: bool,
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
    /// No layer is painted under the pointer.
    NoLayerHere,
}

impl std::fmt::Display for ToolRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::NoLayer => "Choose a photo on the right first: the brush paints from it.",
            Self::HiddenLayer => "The active layer is hidden. Show it to work on it.",
            Self::NothingPainted => "Paint a region first, then move it.",
            Self::NoLayerHere => "No layer is painted there. Click a painted region.",
        })
    }
}

/// A tool.
pub trait Tool {
    /// Takes an event.
    fn handle(&mut self, event: &ToolEvent, timeline: &mut Timeline, brush: &BrushSettings) -> ToolResponse;

    /// Whether a gesture is under way.
    fn is_busy(&self) -> bool;

    /// The closed outline that is being drawn, to show it; empty where there is none.
    fn outline_in_canvas(&self) -> Vec<Point> {
        Vec::new()
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

/// The tools, which one is in hand, and their settings.
pub struct Toolbox {
    /// The tool in hand.
    pub selected: ToolKind,
    /// Size, hardness and strength of brush and eraser; every tool that paints has the strength.
    pub brush: BrushSettings,
    /// In [0, 1]: how far values may lie from the one under the pointer to be filled with it.
    pub fill_tolerance: f32,
    paint: BrushTool,
    lasso: LassoTool,
    shape: ShapeTool,
    fill: FillTool,
    move_region: MoveTool,
    pick_layer: PickLayerTool,
    hand: HandTool,
    /// The tool whose gesture runs: it gets every event until the gesture ends, whatever is selected meanwhile.
    busy: Option<ToolKind>,
}

impl Default for Toolbox {
    fn default() -> Self {
        Self {
            selected: ToolKind::default(),
            brush: BrushSettings::default(),
            fill_tolerance: DEFAULT_FILL_TOLERANCE,
            paint: BrushTool::default(),
            lasso: LassoTool::default(),
            shape: ShapeTool::default(),
            fill: FillTool::default(),
            move_region: MoveTool::default(),
            pick_layer: PickLayerTool,
            hand: HandTool::default(),
            busy: None,
        }
    }
}

impl Toolbox {
    /// Hands an event to the tool in hand, or to `temporary` (the hand while space is held), and to whichever tool is in
    /// the middle of a gesture.
    pub fn handle(&mut self, event: &ToolEvent, temporary: Option<ToolKind>, timeline: &mut Timeline) -> ToolResponse {
        let kind = self.busy.unwrap_or_else(|| temporary.unwrap_or(self.selected));
        let brush = self.brush;
        self.paint.effect = if kind == ToolKind::Eraser { Effect::Erase } else { Effect::Paint };
        self.shape.shape = if kind == ToolKind::Ellipse { Shape::Ellipse } else { Shape::Rectangle };
        self.fill.tolerance = self.fill_tolerance;
        let tool: &mut dyn Tool = match kind {
            ToolKind::Brush | ToolKind::Eraser => &mut self.paint,
            ToolKind::Lasso => &mut self.lasso,
            ToolKind::Rectangle | ToolKind::Ellipse => &mut self.shape,
            ToolKind::Fill => &mut self.fill,
            ToolKind::Move => &mut self.move_region,
            ToolKind::PickLayer => &mut self.pick_layer,
            ToolKind::Hand => &mut self.hand,
        };
        let response = tool.handle(event, timeline, &brush);
        self.busy = tool.is_busy().then_some(kind);
        response
    }

    /// The closed outline that is being drawn, to show it; empty where there is none.
    pub fn outline_in_canvas(&self) -> Vec<Point> {
        let tools: [&dyn Tool; 2] = [&self.lasso, &self.shape];
        tools.into_iter().map(Tool::outline_in_canvas).find(|outline| !outline.is_empty()).unwrap_or_default()
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
