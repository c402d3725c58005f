//! Every command, one row each: what menus call it, what it does, its keys and its icon. A new command is a row here, and what
//! it does: an arm of [`Workbench::apply`](crate::workbench::Workbench::apply), or of the window for a [`Look`].

use std::sync::LazyLock;

use egui::{Key, KeyboardShortcut, Modifiers};

use super::command::{Command, CompareMode, Look};
use crate::document::{Combine, FaceRegion, LayerId, PhotoId, StyleMix};
use crate::editor::icons;
use crate::language::tr;
use crate::settings::{Language, Theme};
use crate::tools::{ToolInfo, ToolKind};
use crate::workbench::{Action, MaskView, Question};

/// A command as menus, tooltips, keys and settings know it. Its words are English, and translated where they are shown.
pub(super) struct Row {
    /// The command; where it is about a photo or a layer, about any.
    pub command: Command,
    /// What the settings call it, whatever it is called on screen. Never changes: users' keys are kept under it.
    pub id: &'static str,
    /// What menus call it.
    pub text: &'static str,
    /// What it does, in a sentence.
    pub tooltip: &'static str,
    /// The keys that send it unless the user chose others; the first one is shown.
    pub keys: Vec<KeyboardShortcut>,
    /// Its icon, where it has one.
    pub icon: Option<char>,
    /// Whether it can be sent by itself, by a key or from the palette.
    pub is_listed: bool,
}

impl Row {
    fn new(command: impl Into<Command>, id: &'static str, text: &'static str, tooltip: &'static str) -> Self {
        Self { command: command.into(), id, text, tooltip, keys: Vec::new(), icon: None, is_listed: true }
    }

    fn keys<const COUNT: usize>(self, keys: [KeyboardShortcut; COUNT]) -> Self {
        Self { keys: keys.into(), ..self }
    }

    fn icon(self, icon: char) -> Self {
        Self { icon: Some(icon), ..self }
    }

    fn of_tool(tool: ToolKind) -> Self {
        let ToolInfo { id, name, tooltip, icon, key, .. } = tool.info();
        let row = Self::new(Action::SelectTool(tool), id, name, tooltip).icon(*icon);
        Self { keys: Key::from_name(key).map(plain).into_iter().collect(), ..row }
    }

    /// For what needs a photo, a layer or something under way.
    fn unlisted(self) -> Self {
        Self { is_listed: false, ..self }
    }
}

/// Every row, in the order of the help.
pub(super) fn rows() -> &'static [Row] {
    static ROWS: LazyLock<Vec<Row>> = LazyLock::new(make_rows);
    &ROWS
}

fn plain(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::NONE, key)
}

fn command(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND, key)
}

fn command_shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), key)
}

fn command_alt(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::ALT), key)
}

fn alt(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::ALT, key)
}

fn shift(key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(Modifiers::SHIFT, key)
}

fn make_rows() -> Vec<Row> {
    let tools = ToolKind::ALL.map(Row::of_tool);
    rows_before_tools().into_iter().chain(tools).chain(rows_behind_tools()).collect()
}

#[rustfmt::skip] // A row is a line, however long.
fn rows_before_tools() -> Vec<Row> {
    vec![
        Row::new(Action::NewProject, "new-project", "New project", "Start a new project").keys([command(Key::N)]).icon(icons::FILE),
        Row::new(Look::AskFor(Question::OpenPhotos), "open", "Open…", "Open photos or a project. The faces in photos are found by themselves").keys([command(Key::O)]).icon(icons::FOLDER_OPEN),
        Row::new(Look::AskForPath(Question::OpenPhotos), "open-by-path", "Open by path…", "Type the path of a photo or project to open").keys([command_shift(Key::O)]).icon(icons::FOLDER_OPEN),
        Row::new(Action::SaveProject, "save-project", "Save project", "Save photos, layers and masks to continue later").keys([command(Key::S)]).icon(icons::SAVE),
        Row::new(Look::AskFor(Question::SaveProjectTo), "save-project-as", "Save project as…", "Save the project in another file").keys([command_shift(Key::S)]).icon(icons::SAVE),
        Row::new(Look::AskForPath(Question::SaveProjectTo), "save-project-to-path", "Save project to path…", "Type the path of the project's file").icon(icons::SAVE),
        Row::new(Look::ShowExport { in_photo: false }, "export", "Export…", "Save the face as a PNG, JPEG, WebP or TIFF file").keys([command(Key::E)]).icon(icons::EXPORT),
        Row::new(Look::AskForPath(Question::ExportTo), "export-to-path", "Export to path…", "Type the path of the file to write").keys([command_shift(Key::E)]).icon(icons::EXPORT),
        Row::new(Look::ShowExport { in_photo: true }, "export-in-the-photo", "Export in the photo…", "Save the whole photo at its own size, with the edited face in it").keys([command_alt(Key::E)]).icon(icons::EXPORT),
        Row::new(Action::ExportAgain, "export-again", "Export again", "Write the file of the last export again, as the picture is now").keys([plain(Key::F9)]).icon(icons::EXPORT),
        Row::new(Look::ShowMotionExport, "export-motion", "Export motion…", "Save the way from one face to the other as GIF, PNG, WebP or pictures").icon(icons::EXPORT),
        Row::new(Look::ShowBatch, "apply-this-edit-to-photos", "Apply this edit to photos…", "Do what is done to this face to other photos, or to a folder of photos").icon(icons::IMAGES),
        Row::new(Action::CopyEdit, "copy-edit", "Copy edit", "Copy what is done to this face: sliders, layers, masks and references").keys([command_alt(Key::C)]).icon(icons::COPY),
        Row::new(Action::PasteEdit, "paste-edit", "Paste edit", "Do to this face what was done to the one that was copied").keys([command_alt(Key::V)]).icon(icons::PASTE),
        Row::new(Look::ShowPresets, "presets", "Presets…", "Keep brushes and adjustments under a name, and take them again").icon(icons::SAVE),
        Row::new(Action::CopyPicture, "copy-picture", "Copy picture", "Copy the face to the clipboard").keys([command(Key::C)]),
        Row::new(Action::Paste, "paste", "Paste", "Open the picture or the copied photos on the clipboard, to paint with").keys([command(Key::V)]).icon(icons::PASTE),
        Row::new(Action::PasteAsSource, "paste-as-source", "Paste as source", "Open the picture or the copied photo on the clipboard as the face that is painted on").keys([command_shift(Key::V)]).icon(icons::PASTE),
        Row::new(Action::Quit, "quit", "Quit", "Close the program").keys([command(Key::Q)]),
        Row::new(Action::Undo, "undo", "Undo", "Undo the last edit").keys([command(Key::Z)]).icon(icons::UNDO),
        Row::new(Action::Redo, "redo", "Redo", "Redo the last undone edit").keys([command_shift(Key::Z), command(Key::Y)]).icon(icons::REDO),
    ]
}

#[rustfmt::skip]
fn rows_behind_tools() -> Vec<Row> {
    vec![
        Row::new(Action::BrushLarger, "larger-brush", "Larger brush", "Make the brush larger").keys([plain(Key::CloseBracket), plain(Key::Equals), plain(Key::Plus)]),
        Row::new(Action::BrushSmaller, "smaller-brush", "Smaller brush", "Make the brush smaller").keys([plain(Key::OpenBracket), plain(Key::Minus)]),
        Row::new(Action::BrushHarder, "harder-brush", "Harder brush", "Give the brush a crisper edge").keys([shift(Key::CloseBracket), plain(Key::Period)]),
        Row::new(Action::BrushSofter, "softer-brush", "Softer brush", "Give the brush a softer edge").keys([shift(Key::OpenBracket), plain(Key::Comma)]),
        Row::new(Look::ZoomIn, "zoom-in", "Zoom in", "Zoom in").keys([command(Key::Plus), command(Key::Equals)]).icon(icons::ZOOM_IN),
        Row::new(Look::ZoomOut, "zoom-out", "Zoom out", "Zoom out").keys([command(Key::Minus)]).icon(icons::ZOOM_OUT),
        Row::new(Look::ZoomToFit, "fit-in-window", "Fit in window", "Show the whole picture").keys([command(Key::Num0), plain(Key::F)]).icon(icons::FIT),
        Row::new(Look::ZoomToFill, "fill-window", "Fill window", "Show the picture as large as it fills the window").keys([command(Key::Num2)]).icon(icons::FILL),
        Row::new(Look::ZoomToPainted, "zoom-to-painted-region", "Zoom to painted region", "Show what the active layer paints as large as it fits").keys([command(Key::Num3), shift(Key::F)]).icon(icons::FRAME),
        Row::new(Look::ZoomToActualSize, "actual-size", "Actual size", "One screen pixel for each pixel of the picture").keys([command(Key::Num1)]),
        Row::new(Action::ToggleOverlay, "show-mask", "Show mask", "Show where the active layer is painted").keys([plain(Key::M)]).icon(icons::OVERLAY),
        Row::new(Action::ShowMaskAs(MaskView::Outline), "mask-as-outline", "Mask as outline", "Show a line around what the active layer paints"),
        Row::new(Action::ShowMaskAs(MaskView::Rubylith), "mask-in-red", "Mask in red", "Rubylith: show what the active layer paints in red, with its softness, feather and strength"),
        Row::new(Action::ShowMaskAs(MaskView::Alone), "mask-alone", "Mask alone", "Show the active layer's mask in place of the picture: white is painted, black is not"),
        Row::new(Action::ShowMaskAs(MaskView::AllLayers), "masks-of-all-layers", "Masks of all layers", "Show what every layer paints, in the layers' colours"),
        Row::new(Action::NextMaskView, "next-mask-view", "Next mask view", "Outline, red, alone, all layers").keys([shift(Key::M)]).icon(icons::OVERLAY),
        Row::new(Action::ToggleInPhoto, "show-in-the-photo", "Show in the photo", "Show the edited face in the photo that it comes from").keys([plain(Key::P)]).icon(icons::IMAGE),
        Row::new(Action::ToggleIsolation, "show-only-what-is-painted", "Show only what is painted", "Show only what the active layer paints").keys([plain(Key::I)]),
        Row::new(Look::ToggleCompare(CompareMode::Split), "compare-across-a-line", "Compare across a line", "Show the source left of a line that can be dragged").keys([plain(Key::Y)]),
        Row::new(Look::ToggleCompare(CompareMode::SideBySide), "compare-side-by-side", "Compare side by side", "Show source and edit side by side").keys([shift(Key::Y)]),
        Row::new(Look::ChooseFace(None), "choose-face", "Choose face…", "Choose another face of the photo").icon(icons::USER_FOCUS),
        Row::new(Action::EditNextFace, "edit-next-face", "Edit next face", "Edit the next face of the photo too, with layers of its own").keys([alt(Key::ArrowRight)]).icon(icons::USER_FOCUS),
        Row::new(Action::EditPreviousFace, "edit-previous-face", "Edit previous face", "Edit the face to the left in the photo too, with layers of its own").keys([alt(Key::ArrowLeft)]).icon(icons::USER_FOCUS),
        Row::new(Look::PlaceFace(None), "place-face-by-hand", "Place face by hand…", "Place the eyes and the mouth yourself").icon(icons::CROSSHAIR),
        Row::new(Look::ShowRandomFaces, "random-faces", "Random faces…", "Pick from random faces").keys([command(Key::R)]).icon(icons::DICE),
        Row::new(Look::ShowLesson, "learn-slider", "Learn a slider…", "Teach the program a slider: faces without something, and faces with it").icon(icons::STUDENT),
        Row::new(Action::ImproveLikeness(None), "improve-likeness", "Improve likeness", "Bring the faces in hand nearer to their photos, beside your work").icon(icons::SPARKLE),
        Row::new(Action::StopImprovingLikeness(None), "stop-improving-likeness", "Stop improving likeness", "Leave the faces as near to their photos as they are now").icon(icons::STOP),
        Row::new(Action::ToggleMotion, "play-between-the-faces", "Play between the faces", "Move from one face to the other and back").keys([command(Key::Space)]).icon(icons::PLAY),
        Row::new(Action::MixStyles(None), "between-the-faces", "Between the faces", "Show what lies between the two faces, as the slider says"),
        Row::new(Action::MixStyles(Some(StyleMix::CoarseFromOther)), "shape-of-the-source", "Shape of the source", "The source's shape with the other face's colours"),
        Row::new(Action::MixStyles(Some(StyleMix::CoarseFromSource)), "shape-of-the-other-face", "Shape of the other face", "The other face's shape with the source's colours"),
        Row::new(Action::BlendFour(true), "mix-four-faces", "Mix four faces", "Mix four faces, one in each corner of a square").icon(icons::SQUARES_FOUR),
        Row::new(Action::BlendFour(false), "mix-two-faces", "Mix two faces", "Go back to what lies between two faces").icon(icons::SQUARES_FOUR),
        Row::new(Action::AddToBlendPath, "add-place-to-path", "Add place to path", "Let the motion between four faces go on to this place").icon(icons::PLUS),
        Row::new(Action::ClearBlendPath, "clear-path", "Clear path", "Let the motion between four faces go past every corner again").icon(icons::CLEAR),
        Row::new(Action::SwapBlend, "swap-the-two-faces", "Swap the two faces", "Swap the source and the face that is mixed into it").keys([plain(Key::X)]).icon(icons::SWAP),
        Row::new(Action::AdjustWholeFace, "adjust-whole-face", "Adjust whole face", "Let the sliders move the whole face").icon(icons::SLIDERS),
        Row::new(Action::AdjustInsideMask, "adjust-inside-mask", "Adjust inside mask", "Let the sliders move only what the active layer paints").icon(icons::SLIDERS),
        Row::new(Action::ResetAdjustments, "reset-adjustments", "Reset adjustments", "Set the sliders of this part back to zero").icon(icons::RESET),
        Row::new(Action::DuplicateLayer, "duplicate-layer", "Duplicate layer", "Copy the active layer").keys([command(Key::J)]).icon(icons::COPY),
        Row::new(Action::DeleteLayer, "delete-layer", "Delete layer", "Delete the active layer").keys([shift(Key::Delete), shift(Key::Backspace)]).icon(icons::TRASH),
        Row::new(Action::RaiseLayer, "move-layer-up", "Move layer up", "Move the active layer above the next one").keys([plain(Key::PageUp)]).icon(icons::ARROW_UP),
        Row::new(Action::LowerLayer, "move-layer-down", "Move layer down", "Move the active layer below the next one").keys([plain(Key::PageDown)]).icon(icons::ARROW_DOWN),
        Row::new(Look::RenameLayer, "rename-layer", "Rename layer…", "Give the active layer another name").keys([plain(Key::F2)]).icon(icons::PENCIL),
        Row::new(Action::ClearMask, "clear-mask", "Clear mask", "Remove all paint from the active layer").keys([plain(Key::Delete), plain(Key::Backspace)]).icon(icons::CLEAR),
        Row::new(Action::InvertMask, "invert-mask", "Invert mask", "Paint what is not painted, and the reverse").keys([command(Key::I)]).icon(icons::INVERT),
        Row::new(Action::GrowMask, "grow-mask-by-4-px", "Grow mask by 4 px", "Make the painted region larger on every side").icon(icons::GROW),
        Row::new(Action::ShrinkMask, "shrink-mask-by-4-px", "Shrink mask by 4 px", "Make the painted region smaller on every side").icon(icons::SHRINK),
        Row::new(Action::SoftenMask, "soften-mask-by-4-px", "Soften mask by 4 px", "Blur the edge of the painted region").icon(icons::SOFTEN),
        Row::new(Look::AskFor(Question::ImportMaskFrom), "import-mask", "Import mask…", "Take the active layer's mask from a picture as large as the photo, or from a square one over the face: white is painted, black is not").icon(icons::IMPORT),
        Row::new(Look::AskForPath(Question::ImportMaskFrom), "import-mask-by-path", "Import mask by path…", "Type the path of a picture with a mask").icon(icons::IMPORT),
        Row::new(Look::AskFor(Question::ExportMaskTo), "export-mask", "Export mask…", "Save the active layer's mask as a grayscale PNG file, as large as the photo while the photo shows").icon(icons::EXPORT),
        Row::new(Look::AskForPath(Question::ExportMaskTo), "export-mask-to-path", "Export mask to path…", "Type the path of the mask file to write").icon(icons::EXPORT),
        Row::new(Action::ResetOffset, "reset-position", "Reset position", "Put the region back where it was painted").keys([plain(Key::R)]).icon(icons::RESET),
        Row::new(Action::MirrorRegion, "mirror-region", "Mirror region", "Mirror the region, face and mask, about its middle").keys([shift(Key::H)]).icon(icons::MIRROR),
        Row::new(Action::PaintPreset(FaceRegion::Eyes, Combine::Add), "paint-eyes", "Paint eyes", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Brows, Combine::Add), "paint-brows", "Paint brows", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Nose, Combine::Add), "paint-nose", "Paint nose", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Mouth, Combine::Add), "paint-mouth", "Paint mouth", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Chin, Combine::Add), "paint-chin", "Paint chin", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::LeftEye, Combine::Add), "paint-left-eye", "Paint left eye", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::RightEye, Combine::Add), "paint-right-eye", "Paint right eye", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::LeftBrow, Combine::Add), "paint-left-brow", "Paint left brow", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::RightBrow, Combine::Add), "paint-right-brow", "Paint right brow", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Cheeks, Combine::Add), "paint-cheeks", "Paint cheeks", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Forehead, Combine::Add), "paint-forehead", "Paint forehead", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Ears, Combine::Add), "paint-ears", "Paint ears", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Neck, Combine::Add), "paint-neck", "Paint neck", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Hair, Combine::Add), "paint-hair", "Paint hair", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Face, Combine::Add), "paint-whole-face", "Paint whole face", "Paint this part of the face, and keep what is painted").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Eyes, Combine::Replace), "paint-only-the-eyes", "Paint only the eyes", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Brows, Combine::Replace), "paint-only-the-brows", "Paint only the brows", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Nose, Combine::Replace), "paint-only-the-nose", "Paint only the nose", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Mouth, Combine::Replace), "paint-only-the-mouth", "Paint only the mouth", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Chin, Combine::Replace), "paint-only-the-chin", "Paint only the chin", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::LeftEye, Combine::Replace), "paint-only-the-left-eye", "Paint only the left eye", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::RightEye, Combine::Replace), "paint-only-the-right-eye", "Paint only the right eye", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::LeftBrow, Combine::Replace), "paint-only-the-left-brow", "Paint only the left brow", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::RightBrow, Combine::Replace), "paint-only-the-right-brow", "Paint only the right brow", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Cheeks, Combine::Replace), "paint-only-the-cheeks", "Paint only the cheeks", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Forehead, Combine::Replace), "paint-only-the-forehead", "Paint only the forehead", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Ears, Combine::Replace), "paint-only-the-ears", "Paint only the ears", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Neck, Combine::Replace), "paint-only-the-neck", "Paint only the neck", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Hair, Combine::Replace), "paint-only-the-hair", "Paint only the hair", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::PaintPreset(FaceRegion::Face, Combine::Replace), "paint-only-the-whole-face", "Paint only the whole face", "Paint this part of the face and nothing else").icon(icons::SMILEY),
        Row::new(Action::NudgeRegion(-1, 0), "nudge--1-0", "Move region left", "Move the active layer's region").keys([plain(Key::ArrowLeft)]),
        Row::new(Action::NudgeRegion(1, 0), "nudge-1-0", "Move region right", "Move the active layer's region").keys([plain(Key::ArrowRight)]),
        Row::new(Action::NudgeRegion(0, -1), "nudge-0--1", "Move region up", "Move the active layer's region").keys([plain(Key::ArrowUp)]),
        Row::new(Action::NudgeRegion(0, 1), "nudge-0-1", "Move region down", "Move the active layer's region").keys([plain(Key::ArrowDown)]),
        Row::new(Action::NudgeRegion(-10, 0), "nudge--10-0", "Move region far left", "Move the active layer's region").keys([shift(Key::ArrowLeft)]),
        Row::new(Action::NudgeRegion(10, 0), "nudge-10-0", "Move region far right", "Move the active layer's region").keys([shift(Key::ArrowRight)]),
        Row::new(Action::NudgeRegion(0, -10), "nudge-0--10", "Move region far up", "Move the active layer's region").keys([shift(Key::ArrowUp)]),
        Row::new(Action::NudgeRegion(0, 10), "nudge-0-10", "Move region far down", "Move the active layer's region").keys([shift(Key::ArrowDown)]),
        Row::new(Action::UseTheme(Theme::System), "theme-of-the-system", "Theme of the system", "Change the window's colours").icon(icons::MOON),
        Row::new(Action::UseTheme(Theme::Dark), "dark-theme", "Dark theme", "Change the window's colours").icon(icons::MOON),
        Row::new(Action::UseTheme(Theme::Light), "light-theme", "Light theme", "Change the window's colours").icon(icons::MOON),
        Row::new(Action::UseLanguage(None), "language-of-the-system", "Language of the system", "Change the language of the window's words"),
        Row::new(Action::UseLanguage(Some(Language::English)), "english", "English", "Change the language of the window's words"),
        Row::new(Action::UseLanguage(Some(Language::Korean)), "한국어", "한국어", "Change the language of the window's words"),
        Row::new(Look::ShowPalette, "find-a-command", "Find a command…", "Find any command by its name or by what it does").keys([command_shift(Key::P)]).icon(icons::COMMAND),
        Row::new(Look::ShowKeys, "keyboard-shortcuts", "Keyboard shortcuts", "Show every key").keys([plain(Key::F1), plain(Key::Questionmark)]).icon(icons::KEYBOARD),
        Row::new(Look::ShowPreferences, "preferences", "Preferences…", "Language, theme, exported files, likeness, device, memory and keys").keys([command(Key::Comma)]).icon(icons::GEAR),
        Row::new(Look::ShowModelCard, "model-card", "Model card", "What the model was trained on, how well it does, and for whom").icon(icons::INFO),
        Row::new(Look::ShowAbout, "about-stylebrush", "About Stylebrush", "Show version and model").icon(icons::INFO),
        Row::new(Action::UseAsReference(PhotoId(0)), "paint-from-this-photo", "Paint from this photo", "Paint from this photo").icon(icons::BRUSH).unlisted(),
        Row::new(Action::AddLayer(PhotoId(0)), "add-another-layer", "Add another layer", "Make another layer from this photo").icon(icons::PLUS).unlisted(),
        Row::new(Action::EditFace(PhotoId(0)), "edit-this-face-too", "Edit this face too", "Edit this face with layers of its own, and keep what was done to others").icon(icons::USER_FOCUS).unlisted(),
        Row::new(Action::MakeSource(PhotoId(0)), "use-as-source", "Use as source", "Make this the face that is painted on").icon(icons::USER).unlisted(),
        Row::new(Action::BlendWith(Some(PhotoId(0))), "blend-with-source", "Blend with source", "Mix this face into the source with the slider").icon(icons::STACK).unlisted(),
        Row::new(Action::BlendWith(None), "no-blend", "No blend", "Show the source alone").icon(icons::STACK).unlisted(),
        Row::new(Action::RemovePhoto(PhotoId(0)), "close-photo", "Close photo", "Close this photo and the layers that use it").icon(icons::X).unlisted(),
        Row::new(Action::ToggleLayer(LayerId(0)), "show-or-hide-layer", "Show or hide layer", "Show or hide this layer").unlisted(),
        Row::new(Action::CopyMaskTo(LayerId(0), Combine::Replace), "copy-mask", "Copy mask", "Replace this layer's mask by that of the active layer").icon(icons::COPY).unlisted(),
        Row::new(Action::CopyMaskTo(LayerId(0), Combine::Add), "add-mask", "Add mask", "Add the active layer's mask to that of this layer").icon(icons::COPY).unlisted(),
        Row::new(Action::ForgetRecent, "forget-recent-files", "Forget recent files", "Empty the lists of recent projects and photos").unlisted(),
        Row::new(Action::CancelExport, "cancel-export", "Cancel export", "Stop drawing pictures for the file").unlisted(),
        Row::new(Action::PasteEditTo(PhotoId(0)), "paste-edit-here", "Paste edit here", "Do to the face of this photo what was done to the one that was copied").icon(icons::PASTE).unlisted(),
        Row::new(Action::CancelBatch, "cancel-batch", "Cancel", "Edit no more photos").unlisted(),
        Row::new(Action::CancelOpening, "cancel-opening", "Cancel opening", "Stop opening photos").unlisted(),
    ]
}

impl Command {
    /// Every command that a key or a menu can send by itself, in the order of the help.
    pub fn all() -> impl Iterator<Item = Self> {
        rows().iter().filter(|row| row.is_listed).map(|row| row.command.clone())
    }

    /// Its row: the very command's, or that of its kind, where it is about a photo or a layer.
    fn row(&self) -> Option<&'static Row> {
        let kind = |command: &Self| match command {
            Self::Do(action) => (Some(std::mem::discriminant(action)), None),
            Self::Look(look) => (None, Some(std::mem::discriminant(look))),
        };
        let rows = rows();
        rows.iter()
            .find(|row| row.command == *self)
            .or_else(|| rows.iter().find(|row| kind(&row.command) == kind(self)))
    }

    /// What menus call it, in the user's language; nothing for what is in no menu.
    pub fn text(&self) -> &'static str {
        self.row().map_or("", |row| tr(row.text))
    }

    /// What it does, in a sentence, in the user's language.
    pub fn tooltip(&self) -> &'static str {
        self.row().map_or("", |row| tr(row.tooltip))
    }

    /// What the settings call it, in every language the same.
    pub fn id(&self) -> &'static str {
        self.row().map_or("", |row| row.id)
    }

    /// Its icon, where it has one.
    pub fn icon(&self) -> Option<char> {
        self.row().and_then(|row| row.icon)
    }

    /// The keys that send it unless the user chose others; the first one is shown.
    pub fn default_shortcuts(&self) -> &'static [KeyboardShortcut] {
        self.row().map_or(&[], |row| &row.keys)
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
            for &shortcut in command.default_shortcuts() {
                let other = seen.iter().find(|(known, _)| *known == shortcut).map(|(_, other)| other);
                assert_eq!(other, None, "{shortcut:?} is also {command:?}");
                seen.push((shortcut, command.clone()));
            }
        }
    }

    #[test]
    fn every_command_of_a_menu_has_its_own_row_and_id() {
        let mut ids: Vec<&str> = rows().iter().map(|row| row.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), rows().len(), "an id stands twice");
        // Settings of older programs know these.
        for (command, id) in [
            (Command::from(Action::ToggleOverlay), "show-mask"),
            (Action::UseLanguage(None).into(), "language-of-the-system"),
            (Action::NudgeRegion(-1, 0).into(), "nudge--1-0"),
            (Look::AskFor(Question::OpenPhotos).into(), "open"),
        ] {
            assert_eq!(command.id(), id);
        }
        // A photo or a layer makes no other command.
        assert_eq!(Command::from(Action::RemovePhoto(PhotoId(7))).text(), "Close photo");
        assert_eq!(Command::from(Look::PlaceFace(Some(PhotoId(7)))).id(), "place-face-by-hand");
    }

    #[test]
    fn every_command_has_its_words_in_korean() {
        let words = rows().iter().flat_map(|row| [row.text, row.tooltip]);
        let missing: Vec<_> = words.filter(|text| !crate::language::is_known(text)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn steps_say_how_far_they_go() {
        let step = format!("by {MASK_STEP_PX} px");
        for command in [Action::GrowMask, Action::ShrinkMask, Action::SoftenMask].map(Command::from) {
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
