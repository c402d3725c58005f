//! Every action of the program, once: menus, buttons, keys and tests all send a [`Command`].

use std::path::PathBuf;

use egui::{Key, KeyboardShortcut, Modifiers};

use super::canvas::CompareMode;
use super::dialogs::Question;
use super::language::tr;
use super::motion::MotionTarget;
use super::{icons, keymap};
use stylemap::engine::SampleRequest;
use stylemap::face::Landmarks;

use crate::document::{Combine, FaceRegion, LayerId, PhotoId, StyleMix};
use crate::settings::{Language, Theme};
use crate::tools::ToolKind;

/// An action.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Asks which photos to open.
    Open,
    /// Asks for a path to open, in a box of our own.
    OpenByPath,
    /// Opens these files.
    OpenPaths(Vec<PathBuf>),
    /// Begins with nothing.
    NewProject,
    /// Opens this project.
    OpenProject(PathBuf),
    /// Saves the project in its file, or asks for one.
    SaveProject,
    /// Asks for the project's file.
    SaveProjectAs,
    /// Asks for its path, in a box of our own.
    SaveProjectByPath,
    /// Saves the project in this file.
    SaveProjectTo(PathBuf),
    /// Empties the list of recent projects.
    ForgetRecent,
    /// Asks where the picture goes.
    Export,
    /// Asks for the path, in a box of our own.
    ExportByPath,
    /// Writes the picture to this file.
    ExportTo(PathBuf),
    /// Asks where the photo with the edited face in it goes.
    ExportInPhoto,
    /// Writes the photo with the edited face in it to this file.
    ExportInPhotoTo(PathBuf),
    /// Plays the motion between the two faces, or stops it.
    ToggleMotion,
    /// Asks what to write of the motion between the two faces.
    ExportMotion,
    /// Asks for a file or folder.
    AskFor(Question),
    /// Writes the motion there.
    ExportMotionTo(MotionTarget),
    /// Stops what is being drawn for a file.
    CancelExport,
    /// Opens no more of the photos that were asked for.
    CancelOpening,
    /// Closes the window.
    Quit,
    /// Puts the picture on the clipboard.
    CopyPicture,
    /// Takes the last edit back.
    Undo,
    /// Does it again.
    Redo,
    /// Shows faces that nobody has, to pick from.
    ShowRandomFaces,
    /// Puts one of them among the photos.
    AddRandomFace(SampleRequest),
    /// Mixes the styles of the source and the other face, or moves between them.
    MixStyles(Option<StyleMix>),
    /// The sliders of the model's directions move the whole face.
    AdjustWholeFace,
    /// They move only what the active layer paints.
    AdjustInsideMask,
    /// Takes what they moved back to where it was.
    ResetAdjustments,
    /// Goes back or forth until this many steps are done.
    GoToStep(usize),
    /// Shows every command, to be found by its name.
    ShowPalette,
    /// Draws the window in this theme.
    UseTheme(Theme),
    /// Writes the window's words in this language, or in that of the system.
    UseLanguage(Option<Language>),
    /// Takes a tool in hand.
    SelectTool(ToolKind),
    /// A larger brush.
    BrushLarger,
    /// A smaller brush.
    BrushSmaller,
    /// A crisper brush.
    BrushHarder,
    /// A softer brush.
    BrushSofter,
    /// Closer.
    ZoomIn,
    /// Farther.
    ZoomOut,
    /// The whole picture.
    ZoomToFit,
    /// One screen pixel for each pixel of the picture.
    ZoomToActualSize,
    /// Shows or hides the active layer's mask.
    ToggleOverlay,
    /// Shows the face alone, or in the photo that it comes from.
    ToggleInPhoto,
    /// Shows only what the active layer paints.
    ToggleIsolation,
    /// Shows the source beside the edit, or no longer.
    ToggleCompare(CompareMode),
    /// Shows the faces of this photo, or of the source, to choose another.
    ChooseFace(Option<PhotoId>),
    /// Lets the user place the face of this photo, or of the source.
    PlaceFace(Option<PhotoId>),
    /// Cuts the face with these landmarks out of the photo, in place of the one in use.
    UseFace(PhotoId, Landmarks),
    /// Paints from this photo: its layer becomes the active one, or a new one is made.
    UseAsReference(PhotoId),
    /// Makes another layer for this photo.
    AddLayer(PhotoId),
    /// Puts this photo at the bottom.
    MakeSource(PhotoId),
    /// Mixes this face into the source, or none.
    BlendWith(Option<PhotoId>),
    /// Exchanges the source and the face mixed into it.
    SwapBlend,
    /// Closes this photo.
    RemovePhoto(PhotoId),
    /// Makes this layer the active one.
    SelectLayer(LayerId),
    /// Shows or hides this layer.
    ToggleLayer(LayerId),
    /// Copies the active layer.
    DuplicateLayer,
    /// Deletes the active layer.
    DeleteLayer,
    /// Moves the active layer up.
    RaiseLayer,
    /// Moves the active layer down.
    LowerLayer,
    /// Moves this layer by so many places towards the top, or down where that is negative.
    ReorderLayer(LayerId, isize),
    /// Lets the user type another name for the active layer.
    RenameLayer,
    /// Unpaints the active layer.
    ClearMask,
    /// Paints what is not painted.
    InvertMask,
    /// Makes the painted region larger by [`MASK_STEP_PX`](crate::document::mask_ops::MASK_STEP_PX).
    GrowMask,
    /// Makes it smaller by as much.
    ShrinkMask,
    /// Blurs its edge by as much.
    SoftenMask,
    /// Paints a part of the face.
    PaintPreset(FaceRegion, Combine),
    /// Copies the active layer's mask to this layer.
    CopyMaskTo(LayerId, Combine),
    /// Asks for a picture file with a mask for the active layer.
    ImportMask,
    /// Asks for its path, in a box of our own.
    ImportMaskByPath,
    /// Takes the active layer's mask from this file.
    ImportMaskFrom(PathBuf),
    /// Asks where the active layer's mask goes.
    ExportMask,
    /// Asks for the path, in a box of our own.
    ExportMaskByPath,
    /// Writes the active layer's mask to this file.
    ExportMaskTo(PathBuf),
    /// Puts the active layer's region back in its place.
    ResetOffset,
    /// Moves the active layer's region by this many canvas pixels.
    NudgeRegion(i32, i32),
    /// Shows the keys.
    ShowKeys,
    /// Shows what this program is.
    ShowAbout,
    /// Shows what is written about the model.
    ShowModelCard,
}

/// A shortcut as people write it: brackets and signs as they are on the key.
pub(super) fn format_shortcut(ctx: &egui::Context, shortcut: &KeyboardShortcut) -> String {
    let text = ctx.format_shortcut(shortcut);
    let key = shortcut.logical_key;
    let sign = match key {
        Key::OpenBracket => "[",
        Key::CloseBracket => "]",
        Key::Minus => "-",
        Key::Equals => "=",
        Key::Plus => "+",
        Key::Period => ".",
        Key::Comma => ",",
        Key::Questionmark => "?",
        Key::PageUp => "Page up",
        Key::PageDown => "Page down",
        _ => return text,
    };
    // egui writes the key's name, or on a Mac its symbol.
    let modifiers = text.strip_suffix(key.name()).or_else(|| text.strip_suffix(key.symbol_or_name()));
    format!("{}{sign}", modifiers.unwrap_or_default())
}

const fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

const fn command(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

const fn command_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

const fn command_alt(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::ALT), key)
}

const fn shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::SHIFT, key)
}

impl Command {
    /// Every command that a key or a menu can send by itself, in the order of the help.
    pub fn all() -> Vec<Self> {
        let tools = ToolKind::ALL.map(Self::SelectTool);
        let nudges = [(-1, 0), (1, 0), (0, -1), (0, 1), (-10, 0), (10, 0), (0, -10), (0, 10)];
        [
            Self::NewProject,
            Self::Open,
            Self::OpenByPath,
            Self::SaveProject,
            Self::SaveProjectAs,
            Self::SaveProjectByPath,
            Self::Export,
            Self::ExportByPath,
            Self::ExportInPhoto,
            Self::ExportMotion,
            Self::CopyPicture,
            Self::Quit,
            Self::Undo,
            Self::Redo,
        ]
        .into_iter()
        .chain(tools)
        .chain([
            Self::BrushLarger,
            Self::BrushSmaller,
            Self::BrushHarder,
            Self::BrushSofter,
            Self::ZoomIn,
            Self::ZoomOut,
            Self::ZoomToFit,
            Self::ZoomToActualSize,
            Self::ToggleOverlay,
            Self::ToggleInPhoto,
            Self::ToggleIsolation,
            Self::ToggleCompare(CompareMode::Split),
            Self::ToggleCompare(CompareMode::SideBySide),
            Self::ChooseFace(None),
            Self::PlaceFace(None),
            Self::ShowRandomFaces,
            Self::ToggleMotion,
            Self::MixStyles(None),
            Self::MixStyles(Some(StyleMix::CoarseFromSource)),
            Self::MixStyles(Some(StyleMix::CoarseFromOther)),
            Self::SwapBlend,
            Self::AdjustWholeFace,
            Self::AdjustInsideMask,
            Self::ResetAdjustments,
            Self::DuplicateLayer,
            Self::DeleteLayer,
            Self::RaiseLayer,
            Self::LowerLayer,
            Self::RenameLayer,
            Self::ClearMask,
            Self::InvertMask,
            Self::GrowMask,
            Self::ShrinkMask,
            Self::SoftenMask,
            Self::ImportMask,
            Self::ImportMaskByPath,
            Self::ExportMask,
            Self::ExportMaskByPath,
            Self::ResetOffset,
        ])
        .chain(FaceRegion::ALL.map(|region| Self::PaintPreset(region, Combine::Add)))
        .chain(FaceRegion::ALL.map(|region| Self::PaintPreset(region, Combine::Replace)))
        .chain(nudges.map(|(x, y)| Self::NudgeRegion(x, y)))
        .chain([Theme::System, Theme::Dark, Theme::Light].map(Self::UseTheme))
        .chain([None, Some(Language::English), Some(Language::Korean)].map(Self::UseLanguage))
        .chain([Self::ShowPalette, Self::ShowKeys, Self::ShowModelCard, Self::ShowAbout])
        .collect()
    }

    /// What menus call it, in the user's language.
    pub fn text(&self) -> &'static str {
        tr(self.english_text())
    }

    fn english_text(&self) -> &'static str {
        match self {
            Self::Open => "Open…",
            Self::OpenByPath => "Open by path…",
            Self::OpenPaths(_) => "Open photos",
            Self::NewProject => "New project",
            Self::OpenProject(_) => "Open project",
            Self::SaveProject | Self::SaveProjectTo(_) => "Save project",
            Self::SaveProjectAs => "Save project as…",
            Self::SaveProjectByPath => "Save project to path…",
            Self::ForgetRecent => "Forget recent files",
            Self::Export => "Export…",
            Self::ExportByPath => "Export to path…",
            Self::ExportTo(_) => "Export",
            Self::ExportInPhoto => "Export in the photo…",
            Self::ExportInPhotoTo(_) => "Export in the photo",
            Self::ToggleMotion => "Play between the faces",
            Self::ExportMotion => "Export motion…",
            Self::AskFor(_) => "Choose a file…",
            Self::ExportMotionTo(_) => "Export motion",
            Self::CancelExport => "Cancel export",
            Self::CancelOpening => "Cancel opening",
            Self::Quit => "Quit",
            Self::CopyPicture => "Copy picture",
            Self::Undo => "Undo",
            Self::Redo => "Redo",
            Self::ShowRandomFaces => "Random faces…",
            Self::AddRandomFace(_) => "Add random face",
            Self::MixStyles(None) => "Between the faces",
            Self::MixStyles(Some(StyleMix::CoarseFromSource)) => "Shape of the source",
            Self::MixStyles(Some(StyleMix::CoarseFromOther)) => "Shape of the other face",
            Self::AdjustWholeFace => "Adjust whole face",
            Self::AdjustInsideMask => "Adjust inside mask",
            Self::ResetAdjustments => "Reset adjustments",
            Self::GoToStep(_) => "Go to step",
            Self::ShowPalette => "Find a command…",
            Self::UseLanguage(None) => "Language of the system",
            Self::UseLanguage(Some(Language::English)) => "English",
            Self::UseLanguage(Some(Language::Korean)) => "한국어",
            Self::UseTheme(Theme::System) => "Theme of the system",
            Self::UseTheme(Theme::Dark) => "Dark theme",
            Self::UseTheme(Theme::Light) => "Light theme",
            Self::SelectTool(tool) => tool.info().name,
            Self::BrushLarger => "Larger brush",
            Self::BrushSmaller => "Smaller brush",
            Self::BrushHarder => "Harder brush",
            Self::BrushSofter => "Softer brush",
            Self::ZoomIn => "Zoom in",
            Self::ZoomOut => "Zoom out",
            Self::ZoomToFit => "Fit in window",
            Self::ZoomToActualSize => "Actual size",
            Self::ToggleOverlay => "Show mask",
            Self::ToggleInPhoto => "Show in the photo",
            Self::ToggleIsolation => "Show only what is painted",
            Self::ToggleCompare(CompareMode::Off) => "Compare with nothing",
            Self::ToggleCompare(CompareMode::Split) => "Compare across a line",
            Self::ToggleCompare(CompareMode::SideBySide) => "Compare side by side",
            Self::ChooseFace(_) => "Choose face…",
            Self::PlaceFace(_) => "Place face by hand…",
            Self::UseFace(..) => "Use this face",
            Self::UseAsReference(_) => "Paint from this photo",
            Self::AddLayer(_) => "Add another layer",
            Self::MakeSource(_) => "Use as source",
            Self::BlendWith(Some(_)) => "Blend with source",
            Self::BlendWith(None) => "No blend",
            Self::SwapBlend => "Swap the two faces",
            Self::RemovePhoto(_) => "Close photo",
            Self::SelectLayer(_) => "Select layer",
            Self::ToggleLayer(_) => "Show or hide layer",
            Self::DuplicateLayer => "Duplicate layer",
            Self::DeleteLayer => "Delete layer",
            Self::RaiseLayer => "Move layer up",
            Self::LowerLayer => "Move layer down",
            Self::ReorderLayer(..) => "Reorder layers",
            Self::RenameLayer => "Rename layer…",
            Self::ClearMask => "Clear mask",
            Self::InvertMask => "Invert mask",
            Self::GrowMask => "Grow mask by 4 px",
            Self::ShrinkMask => "Shrink mask by 4 px",
            Self::SoftenMask => "Soften mask by 4 px",
            Self::PaintPreset(region, Combine::Add) => match region {
                FaceRegion::Eyes => "Paint eyes",
                FaceRegion::Brows => "Paint brows",
                FaceRegion::Nose => "Paint nose",
                FaceRegion::Mouth => "Paint mouth",
                FaceRegion::Chin => "Paint chin",
                FaceRegion::Hair => "Paint hair",
                FaceRegion::Face => "Paint whole face",
            },
            Self::PaintPreset(region, Combine::Replace) => match region {
                FaceRegion::Eyes => "Paint only the eyes",
                FaceRegion::Brows => "Paint only the brows",
                FaceRegion::Nose => "Paint only the nose",
                FaceRegion::Mouth => "Paint only the mouth",
                FaceRegion::Chin => "Paint only the chin",
                FaceRegion::Hair => "Paint only the hair",
                FaceRegion::Face => "Paint only the whole face",
            },
            Self::CopyMaskTo(_, Combine::Replace) => "Copy mask",
            Self::CopyMaskTo(_, Combine::Add) => "Add mask",
            Self::ImportMask => "Import mask…",
            Self::ImportMaskByPath => "Import mask by path…",
            Self::ImportMaskFrom(_) => "Import mask",
            Self::ExportMask => "Export mask…",
            Self::ExportMaskByPath => "Export mask to path…",
            Self::ExportMaskTo(_) => "Export mask",
            Self::ResetOffset => "Reset position",
            Self::NudgeRegion(-1, 0) => "Move region left",
            Self::NudgeRegion(1, 0) => "Move region right",
            Self::NudgeRegion(0, -1) => "Move region up",
            Self::NudgeRegion(0, 1) => "Move region down",
            Self::NudgeRegion(..) => "Move region by 10 pixels",
            Self::ShowKeys => "Keyboard shortcuts",
            Self::ShowModelCard => "Model card",
            Self::ShowAbout => "About Stylebrush",
        }
    }

    /// What it does, in a sentence, in the user's language.
    pub fn tooltip(&self) -> &'static str {
        tr(self.english_tooltip())
    }

    fn english_tooltip(&self) -> &'static str {
        match self {
            Self::Open | Self::OpenPaths(_) => "Open photos or a project. The faces in photos are found by themselves",
            Self::NewProject => "Close everything and begin anew",
            Self::OpenProject(_) => "Open this project",
            Self::SaveProject | Self::SaveProjectTo(_) => "Save photos, layers and masks, to go on another day",
            Self::SaveProjectAs => "Save the project in another file",
            Self::SaveProjectByPath => "Type the path of the project's file",
            Self::ForgetRecent => "Empty the list of recent projects",
            Self::OpenByPath => "Type the path of a photo or project to open",
            Self::Export | Self::ExportTo(_) => "Save the face as a PNG, JPEG or WebP file",
            Self::ExportInPhoto | Self::ExportInPhotoTo(_) => {
                "Save the whole photo at its own size, with the edited face in it"
            }
            Self::ToggleMotion => "Move from one face to the other and back",
            Self::ExportMotion | Self::ExportMotionTo(_) => {
                "Save the way from one face to the other as GIF, PNG or pictures"
            }
            Self::AskFor(_) => "Choose where it goes",
            Self::CancelExport => "Draw no more pictures for the file",
            Self::CancelOpening => "Open no more photos",
            Self::ExportByPath => "Type the path of the file to write",
            Self::Quit => "Close the program",
            Self::CopyPicture => "Put the face as it is drawn on the clipboard",
            Self::Undo => "Take the last edit back",
            Self::Redo => "Do the undone edit again",
            Self::ShowRandomFaces => "Pick from faces that nobody has",
            Self::AddRandomFace(_) => "Put this face among the photos",
            Self::MixStyles(None) => "Show what lies between the two faces, as the slider says",
            Self::MixStyles(Some(StyleMix::CoarseFromSource)) => "The source's shape with the other face's colours",
            Self::MixStyles(Some(StyleMix::CoarseFromOther)) => "The other face's shape with the source's colours",
            Self::AdjustWholeFace => "Let the sliders move the whole face",
            Self::AdjustInsideMask => "Let the sliders move only what the active layer paints",
            Self::ResetAdjustments => "Take the sliders of this part back to zero",
            Self::GoToStep(_) => "Go back or forth to this step",
            Self::ShowPalette => "Find any command by its name",
            Self::UseTheme(_) => "Change the window's colours",
            Self::UseLanguage(_) => "Change the language of the window's words",
            Self::SelectTool(tool) => tool.info().tooltip,
            Self::BrushLarger => "Make the brush larger",
            Self::BrushSmaller => "Make the brush smaller",
            Self::BrushHarder => "Give the brush a crisper edge",
            Self::BrushSofter => "Give the brush a softer edge",
            Self::ZoomIn => "Look closer",
            Self::ZoomOut => "Step back",
            Self::ZoomToFit => "Show the whole picture",
            Self::ZoomToActualSize => "One screen pixel for each pixel of the picture",
            Self::ToggleOverlay => "Show where the active layer is painted",
            Self::ToggleInPhoto => "Show the edited face in the photo that it comes from",
            Self::ToggleIsolation => "Show only what the active layer paints",
            Self::ToggleCompare(CompareMode::Off) => "Show the edit alone",
            Self::ToggleCompare(CompareMode::Split) => "Show the source left of a line that can be dragged",
            Self::ToggleCompare(CompareMode::SideBySide) => "Show source and edit side by side",
            Self::ChooseFace(_) => "Choose another face of the photo",
            Self::PlaceFace(_) => "Place the eyes and the mouth yourself",
            Self::UseFace(..) => "Cut out this face",
            Self::UseAsReference(_) => "Paint from this photo",
            Self::AddLayer(_) => "Make another layer from this photo",
            Self::MakeSource(_) => "Make this the face that is painted on",
            Self::BlendWith(Some(_)) => "Mix this face into the source with the slider",
            Self::BlendWith(None) => "Show the source alone",
            Self::SwapBlend => "Exchange the source and the face that is mixed into it",
            Self::RemovePhoto(_) => "Close this photo and the layers that use it",
            Self::SelectLayer(_) => "Work on this layer",
            Self::ToggleLayer(_) => "Show or hide this layer",
            Self::DuplicateLayer => "Copy the active layer",
            Self::DeleteLayer => "Delete the active layer",
            Self::RaiseLayer => "Move the active layer above the next one",
            Self::LowerLayer => "Move the active layer below the next one",
            Self::ClearMask => "Take all paint off the active layer",
            Self::ReorderLayer(..) => "Move this layer above or below others",
            Self::RenameLayer => "Give the active layer another name",
            Self::InvertMask => "Paint what is not painted, and the other way round",
            Self::GrowMask => "Make the painted region larger on every side",
            Self::ShrinkMask => "Make the painted region smaller on every side",
            Self::SoftenMask => "Blur the edge of the painted region",
            Self::PaintPreset(_, Combine::Add) => "Paint this part of the face, and keep what is painted",
            Self::PaintPreset(_, Combine::Replace) => "Paint this part of the face and nothing else",
            Self::CopyMaskTo(_, Combine::Replace) => "Replace this layer's mask by that of the active layer",
            Self::CopyMaskTo(_, Combine::Add) => "Add the active layer's mask to that of this layer",
            Self::ImportMask | Self::ImportMaskFrom(_) => {
                "Take the active layer's mask from a picture: white is painted, black is not"
            }
            Self::ImportMaskByPath => "Type the path of a picture with a mask",
            Self::ExportMask | Self::ExportMaskTo(_) => "Save the active layer's mask as a grayscale PNG file",
            Self::ExportMaskByPath => "Type the path of the mask file to write",
            Self::ResetOffset => "Put the region back where it was painted",
            Self::NudgeRegion(..) => "Move the active layer's region",
            Self::ShowKeys => "Show every key",
            Self::ShowModelCard => "What the model was trained on, how well it does, and for whom",
            Self::ShowAbout => "Show version and model",
        }
    }

    /// A name that stays the same in every language, for settings: "show-mask".
    pub fn name(&self) -> String {
        let words = match self {
            Self::SelectTool(tool) => return tool.info().id.to_owned(),
            Self::NudgeRegion(x, y) => format!("nudge {x} {y}"),
            _ => self.english_text().to_lowercase(),
        };
        let parts =
            words.split(|letter: char| !letter.is_alphanumeric() && letter != '-').filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("-")
    }

    /// The keys that send it unless the user chose others; the first one is shown.
    pub fn default_shortcuts(&self) -> Vec<KeyboardShortcut> {
        match self {
            Self::Open => vec![command(Key::O)],
            Self::OpenByPath => vec![command_shift(Key::O)],
            Self::NewProject => vec![command(Key::N)],
            Self::SaveProject => vec![command(Key::S)],
            Self::SaveProjectAs => vec![command_shift(Key::S)],
            Self::Export => vec![command(Key::E)],
            Self::ExportByPath => vec![command_shift(Key::E)],
            Self::Quit => vec![command(Key::Q)],
            Self::Undo => vec![command(Key::Z)],
            Self::Redo => vec![command_shift(Key::Z), command(Key::Y)],
            Self::ShowPalette => vec![command_shift(Key::P)],
            Self::ShowRandomFaces => vec![command(Key::R)],
            Self::SelectTool(tool) => Key::from_name(tool.info().key).map(plain).into_iter().collect(),
            // Brackets are hard to reach on many layouts; plus and minus are on all of them.
            Self::BrushLarger => vec![plain(Key::CloseBracket), plain(Key::Equals), plain(Key::Plus)],
            Self::BrushSmaller => vec![plain(Key::OpenBracket), plain(Key::Minus)],
            Self::BrushHarder => vec![shift(Key::CloseBracket), plain(Key::Period)],
            Self::BrushSofter => vec![shift(Key::OpenBracket), plain(Key::Comma)],
            Self::ZoomIn => vec![command(Key::Plus), command(Key::Equals)],
            Self::ZoomOut => vec![command(Key::Minus)],
            Self::ZoomToFit => vec![command(Key::Num0), plain(Key::F)],
            Self::ZoomToActualSize => vec![command(Key::Num1)],
            Self::ToggleOverlay => vec![plain(Key::M)],
            Self::ToggleInPhoto => vec![plain(Key::P)],
            Self::ToggleIsolation => vec![plain(Key::I)],
            Self::ToggleCompare(CompareMode::Split) => vec![plain(Key::Y)],
            Self::ToggleCompare(CompareMode::SideBySide) => vec![shift(Key::Y)],
            Self::ExportInPhoto => vec![command_alt(Key::E)],
            Self::SwapBlend => vec![plain(Key::X)],
            Self::ToggleMotion => vec![command(Key::Space)],
            Self::DuplicateLayer => vec![command(Key::J)],
            Self::DeleteLayer => vec![shift(Key::Delete), shift(Key::Backspace)],
            Self::RaiseLayer => vec![plain(Key::PageUp)],
            Self::LowerLayer => vec![plain(Key::PageDown)],
            Self::RenameLayer => vec![plain(Key::F2)],
            Self::ClearMask => vec![plain(Key::Delete), plain(Key::Backspace)],
            Self::InvertMask => vec![command(Key::I)],
            Self::ResetOffset => vec![plain(Key::R)],
            Self::NudgeRegion(-1, 0) => vec![plain(Key::ArrowLeft)],
            Self::NudgeRegion(1, 0) => vec![plain(Key::ArrowRight)],
            Self::NudgeRegion(0, -1) => vec![plain(Key::ArrowUp)],
            Self::NudgeRegion(0, 1) => vec![plain(Key::ArrowDown)],
            Self::NudgeRegion(-10, 0) => vec![shift(Key::ArrowLeft)],
            Self::NudgeRegion(10, 0) => vec![shift(Key::ArrowRight)],
            Self::NudgeRegion(0, -10) => vec![shift(Key::ArrowUp)],
            Self::NudgeRegion(0, 10) => vec![shift(Key::ArrowDown)],
            Self::ShowKeys => vec![plain(Key::F1), plain(Key::Questionmark)],
            _ => Vec::new(),
        }
    }

    /// Its icon, where it has one.
    pub fn icon(&self) -> Option<char> {
        Some(match self {
            Self::Open | Self::OpenByPath | Self::OpenPaths(_) => icons::FOLDER_OPEN,
            Self::Export | Self::ExportByPath | Self::ExportTo(_) => icons::EXPORT,
            Self::ExportInPhoto | Self::ExportInPhotoTo(_) => icons::EXPORT,
            Self::ToggleInPhoto => icons::IMAGE,
            Self::ChooseFace(_) => icons::USER_FOCUS,
            Self::PlaceFace(_) => icons::CROSSHAIR,
            Self::SaveProject | Self::SaveProjectAs | Self::SaveProjectByPath | Self::SaveProjectTo(_) => icons::SAVE,
            Self::NewProject | Self::OpenProject(_) => icons::FILE,
            Self::Undo => icons::UNDO,
            Self::Redo => icons::REDO,
            Self::SelectTool(tool) => tool.info().icon,
            Self::ZoomIn => icons::ZOOM_IN,
            Self::ZoomOut => icons::ZOOM_OUT,
            Self::ZoomToFit => icons::FIT,
            Self::ToggleOverlay => icons::OVERLAY,
            Self::UseAsReference(_) => icons::BRUSH,
            Self::AddLayer(_) => icons::PLUS,
            Self::MakeSource(_) => icons::USER,
            Self::BlendWith(_) => icons::STACK,
            Self::SwapBlend => icons::SWAP,
            Self::ToggleMotion => icons::PLAY,
            Self::ExportMotion | Self::ExportMotionTo(_) => icons::EXPORT,
            Self::RemovePhoto(_) => icons::X,
            Self::DuplicateLayer => icons::COPY,
            Self::DeleteLayer => icons::TRASH,
            Self::RaiseLayer => icons::ARROW_UP,
            Self::LowerLayer => icons::ARROW_DOWN,
            Self::RenameLayer => icons::PENCIL,
            Self::ClearMask => icons::CLEAR,
            Self::InvertMask => icons::INVERT,
            Self::GrowMask => icons::GROW,
            Self::ShrinkMask => icons::SHRINK,
            Self::SoftenMask => icons::SOFTEN,
            Self::PaintPreset(..) => icons::SMILEY,
            Self::CopyMaskTo(..) => icons::COPY,
            Self::ImportMask | Self::ImportMaskByPath | Self::ImportMaskFrom(_) => icons::IMPORT,
            Self::ExportMask | Self::ExportMaskByPath | Self::ExportMaskTo(_) => icons::EXPORT,
            Self::ResetOffset => icons::RESET,
            Self::ShowRandomFaces | Self::AddRandomFace(_) => icons::DICE,
            Self::ShowPalette => icons::COMMAND,
            Self::UseTheme(_) => icons::MOON,
            Self::AdjustWholeFace | Self::AdjustInsideMask => icons::SLIDERS,
            Self::ResetAdjustments => icons::RESET,
            Self::GoToStep(_) => icons::HISTORY,
            Self::ShowKeys => icons::KEYBOARD,
            Self::ShowModelCard | Self::ShowAbout => icons::INFO,
            _ => return None,
        })
    }

    /// The first shortcut as text, empty where there is none.
    pub fn shortcut_text(&self, ctx: &egui::Context) -> String {
        keymap::of(ctx).shortcuts(self).first().map(|shortcut| format_shortcut(ctx, shortcut)).unwrap_or_default()
    }

    /// Tooltip and shortcut.
    pub fn hint(&self, ctx: &egui::Context) -> String {
        match self.shortcut_text(ctx) {
            shortcut if shortcut.is_empty() => self.tooltip().to_owned(),
            shortcut => format!("{}  ({shortcut})", self.tooltip()),
        }
    }

    /// The commands whose keys were pressed since the last frame. Those with more modifiers come first, as egui lets a
    /// shortcut without Shift match while Shift is held. `typing` leaves alone what a text field needs, `has_focus` what
    /// any focused widget needs.
    pub(super) fn pressed(ctx: &egui::Context, typing: bool, has_focus: bool) -> Vec<Self> {
        let keys = keymap::of(ctx);
        let mut shortcuts: Vec<(KeyboardShortcut, Self)> = Self::all()
            .into_iter()
            .flat_map(|command| keys.shortcuts(&command).into_iter().map(move |shortcut| (shortcut, command.clone())))
            .collect();
        shortcuts.sort_by_key(|(KeyboardShortcut { modifiers, .. }, _)| {
            std::cmp::Reverse(u8::from(modifiers.command) + u8::from(modifiers.shift) + u8::from(modifiers.alt))
        });
        ctx.input_mut(|input| {
            let pressed = shortcuts.into_iter().filter(|(shortcut, command)| {
                let is_plain = !shortcut.modifiers.command;
                let is_taken = typing && (is_plain || shortcut.conflicts_with_text_editing())
                    || has_focus && matches!(command, Self::NudgeRegion(..));
                !is_taken && input.consume_shortcut(shortcut)
            });
            pressed.map(|(_, command)| command).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::mask_ops::MASK_STEP_PX;

    #[test]
    fn no_key_has_two_meanings() {
        let mut seen: Vec<(KeyboardShortcut, Command)> = Vec::new();
        for command in Command::all() {
            for shortcut in command.default_shortcuts() {
                let other = seen.iter().find(|(known, _)| *known == shortcut).map(|(_, other)| other);
                assert_eq!(other, None, "{shortcut:?} is also {command:?}");
                seen.push((shortcut, command.clone()));
            }
        }
    }

    #[test]
    fn steps_say_how_far_they_go() {
        let step = format!("by {MASK_STEP_PX} px");
        for command in [Command::GrowMask, Command::ShrinkMask, Command::SoftenMask] {
            assert!(command.text().ends_with(&step), "{}", command.text());
        }
    }

    #[test]
    fn texts_follow_the_house_style() {
        for command in Command::all() {
            let text = command.text();
            // Not is_uppercase: the languages are named in their own letters, and not all have two cases.
            assert!(text.chars().next().is_some_and(|letter| !letter.is_lowercase()), "{text}");
            assert!(!text.ends_with(':') && !text.ends_with('.'), "{text}");
            assert!(!command.tooltip().ends_with('.'), "{}", command.tooltip());
        }
    }
}
