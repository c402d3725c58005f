//! What a command is: an action of the work, or a look of the window.

use std::path::PathBuf;

use crate::document::PhotoId;
use crate::workbench::{Action, EngineState, Question, Workbench};

/// Something that the user wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Of the work.
    Do(Action),
    /// Of the window.
    Look(Look),
}

/// Something that concerns the window alone: how the canvas lies in it, and which box is open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Look {
    /// Asks for files or a folder.
    AskFor(Question),
    /// Asks for a path, in a box of our own.
    AskForPath(Question),
    /// Asks how the picture is to be written.
    ShowExport {
        /// The whole photo with the edited face in it, rather than the face alone.
        in_photo: bool,
    },
    /// Asks what to write of the motion between the two faces.
    ShowMotionExport,
    /// Asks which photos the edit is applied to, and shows how far that is.
    ShowBatch,
    /// Shows what is kept under a name: brushes and adjustments.
    ShowPresets,
    /// Shows random faces, to pick from.
    ShowRandomFaces,
    /// Shows the faces that a slider is learned from.
    ShowLesson,
    /// Shows every command, to be found by its name.
    ShowPalette,
    /// Shows the keys.
    ShowKeys,
    /// Shows what this program is.
    ShowAbout,
    /// Shows everything that can be set.
    ShowPreferences,
    /// Shows what is written about the model.
    ShowModelCard,
    /// Zooms in.
    ZoomIn,
    /// Zooms out.
    ZoomOut,
    /// Shows the whole picture.
    ZoomToFit,
    /// Shows as much as fills the window.
    ZoomToFill,
    /// Shows what the active layer paints.
    ZoomToPainted,
    /// Shows one screen pixel for each pixel of the picture.
    ZoomToActualSize,
    /// Shows the source beside the edit, or no longer.
    ToggleCompare(CompareMode),
    /// Shows the faces of this photo, or of the source, to choose another.
    ChooseFace(Option<PhotoId>),
    /// Lets the user place the face of this photo, or of the source.
    PlaceFace(Option<PhotoId>),
    /// Lets the user type another name for the active layer.
    RenameLayer,
}

/// What of the source the canvas keeps showing beside the edit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CompareMode {
    /// Nothing: the edit has the canvas for itself.
    #[default]
    Off,
    /// The source left of a line that can be dragged.
    Split,
    /// Both, side by side.
    SideBySide,
}

impl From<Action> for Command {
    fn from(action: Action) -> Self {
        Self::Do(action)
    }
}

impl From<Look> for Command {
    fn from(look: Look) -> Self {
        Self::Look(look)
    }
}

impl Command {
    /// Whether it has something to do now.
    pub fn is_enabled(&self, bench: &Workbench) -> bool {
        let has = |photo: Option<PhotoId>| {
            photo.map_or_else(|| bench.source_in_photo(), |photo| bench.placement_of(photo)).map(|(_, it)| it)
        };
        match self {
            Self::Do(action) => bench.is_enabled(action),
            Self::Look(Look::AskFor(question) | Look::AskForPath(question)) => {
                question.answered(vec![PathBuf::new()]).iter().all(|action| bench.is_enabled(action))
            }
            Self::Look(Look::ShowExport { in_photo: false }) => !bench.document().is_empty(),
            Self::Look(Look::ShowExport { in_photo: true }) => bench.source_in_photo().is_some(),
            Self::Look(Look::ShowMotionExport) => bench.document().blend().is_some(),
            Self::Look(Look::ChooseFace(photo)) => has(*photo).is_some_and(|it| !it.original.faces.is_empty()),
            Self::Look(Look::PlaceFace(photo)) => has(*photo).is_some(),
            Self::Look(Look::ZoomToPainted) => {
                bench.document().active_layer().is_some_and(|layer| !layer.mask.is_empty())
            }
            Self::Look(Look::ShowRandomFaces | Look::ShowLesson) => {
                matches!(bench.engine().state(), EngineState::Ready(_))
            }
            Self::Look(Look::RenameLayer) => bench.document().active_layer().is_some(),
            Self::Look(_) => true,
        }
    }
}
