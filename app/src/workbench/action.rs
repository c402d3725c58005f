//! Everything that a user can do to the work, once: buttons, keys, sliders, scripts and tests all send an [`Action`].

use std::collections::BTreeMap;
use std::path::PathBuf;

use stylemap::engine::SampleRequest;
use stylemap::face::Landmarks;

use super::batch::BatchPlan;
use super::lesson::{ExampleGroup, LessonPlan};
use super::motion_settings::{MotionSettings, MotionTarget};
use super::{MaskView, Question};
use crate::document::{CoarseLevels, Combine, FaceRegion, LayerId, PhotoId, StyleMix, Takes};
use crate::settings::{Autosave, EngineSettings, ExportSettings, Language, OpenSections, RefinementSettings, Theme};
use crate::tools::{BrushSettings, ToolKind};

/// Something that a user does. What a slider does comes again and again while it is dragged, and flows into one step of the
/// history, see [`EditKey`](crate::document::history::EditKey).
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    // Files.
    /// Does what was asked for with these paths; asks before something is written over of which nobody was asked.
    Answer {
        /// What was asked for.
        question: Question,
        /// What was chosen or typed.
        paths: Vec<PathBuf>,
        /// Whether the system's dialog chose them, which asks by itself before it returns a file that is there.
        by_dialog: bool,
    },
    /// Opens these photos, which join the document; of projects the last one is opened in its place.
    OpenPaths(Vec<PathBuf>),
    /// Opens no more of what is being opened.
    CancelOpening,
    /// Starts a new project.
    NewProject,
    /// Opens this project.
    OpenProject(PathBuf),
    /// Saves the project in its file, or asks for one.
    SaveProject,
    /// Saves the project in this file.
    SaveProjectTo(PathBuf),
    /// Saves the project, and then does this.
    SaveFirst(Box<Action>),
    /// Does this, whatever becomes of unsaved changes.
    DiscardChanges(Box<Action>),
    /// Does not do what was to follow once the project is saved.
    ForgetWhatFollowsSaving,
    /// Opens what a crash left, by its place in [`Projects::leftovers`](super::projects::Projects::leftovers).
    Recover(usize),
    /// Deletes what a crash left.
    DiscardLeftover(usize),
    /// Empties the list of recent projects.
    ForgetRecent,
    /// Writes the face to this file.
    ExportTo(PathBuf),
    /// Writes the photo with the edited face in it to this file.
    ExportInPhotoTo(PathBuf),
    /// Writes the file of the newest export again, as the picture is now.
    ExportAgain,
    /// Writes the motion between the two faces.
    ExportMotionTo(MotionTarget),
    /// Cancels the export of a motion.
    CancelExport,
    /// Remembers what is done to the face in hand, to be pasted.
    CopyEdit,
    /// Does it to the face in hand, in place of what was done to that.
    PasteEdit,
    /// Does it to the face of this photo, with an edit of its own.
    PasteEditTo(PhotoId),
    /// Chooses what is done to which photos with the edit of the face in hand.
    SetBatch(BatchPlan),
    /// Adds photos, and folders of photos, to those.
    AddBatchPhotos(Vec<PathBuf>),
    /// Chooses the folder that the edited photos go to.
    SetBatchFolder(PathBuf),
    /// Begins it.
    StartBatch,
    /// Edits no more photos.
    CancelBatch,
    /// Keeps the brush under a name.
    SaveBrushPreset(String),
    /// Takes the brush of this name in hand.
    UseBrushPreset(String),
    /// Forgets it.
    DeleteBrushPreset(String),
    /// Keeps the sliders of the adjusted part under a name.
    SaveAdjustmentPreset(String),
    /// Sets them as they are kept under this name.
    UseAdjustmentPreset(String),
    /// Forgets them.
    DeleteAdjustmentPreset(String),
    /// Puts the picture on the clipboard.
    CopyPicture,
    /// Opens the picture or the copied photos on the clipboard.
    Paste,
    /// Opens them, and makes the first the source.
    PasteAsSource,
    /// Closes the program; asks first where something would be lost.
    Quit,
    /// Closes the program though a batch is under way: what is written stays.
    StopBatchAndQuit,
    // History.
    /// Takes the last edit back.
    Undo,
    /// Does the undone edit again.
    Redo,
    /// Goes back or forth until this many steps are done.
    GoToStep(usize),
    // Photos.
    /// Cuts the face with these landmarks out of the photo, in place of the one in use.
    UseFace(PhotoId, Landmarks),
    /// Works on the face with these landmarks in the source's photo, beside those that are edited in it already.
    EditFaceAt(Landmarks),
    /// Works on the face of this photo, with an edit of its own.
    EditFace(PhotoId),
    /// Works on the next face to the right in the source's photo.
    EditNextFace,
    /// Works on the next face to the left in the source's photo.
    EditPreviousFace,
    /// Leaves the face of this photo as it is: where none was found, the middle is used and the user told so.
    KeepFace(PhotoId),
    /// Asks about no more of the photos in which it is not plain which face is meant.
    SkipUnclearFaces,
    /// Asks the engine for random faces, in place of those that were asked for.
    SampleFaces(Vec<SampleRequest>),
    /// Puts one of them among the photos.
    AddRandomFace(SampleRequest),
    /// Paints from this photo: its layer becomes the active one, or a new one is made.
    UseAsReference(PhotoId),
    /// Makes this photo the source.
    MakeSource(PhotoId),
    /// Sets how much of a photo's likeness is shown, in [0, 1].
    SetLikeness(PhotoId, f32),
    /// Brings the face of this photo, or those of the source and the active layer, nearer to their photos by optimisation, beside the work.
    ImproveLikeness(Option<PhotoId>),
    /// Brings it, or all, no nearer: they stay as they are by then.
    StopImprovingLikeness(Option<PhotoId>),
    /// Closes this photo, and the layers that use it.
    RemovePhoto(PhotoId),
    // Between two faces.
    /// Mixes this face into the source, or none.
    BlendWith(Option<PhotoId>),
    /// Sets how far the picture is from the source to the other face, in [0, 1].
    SetBlendAmount(f32),
    /// Mixes two more faces into the source, or no longer.
    BlendFour(bool),
    /// Chooses the face in a corner below: 0 is the one below the source, 1 the one below the other face.
    BlendBelow(usize, PhotoId),
    /// Moves the place between four faces, from the left to the right and from above to below, each in [0, 1].
    SetBlendPlace([f32; 2]),
    /// Lets the motion between four faces go on to the place that shows.
    AddToBlendPath,
    /// Lets the motion between four faces go past every corner.
    ClearBlendPath,
    /// Exchanges the source and the face mixed into it.
    SwapBlend,
    /// Mixes the styles of the source and the other face, or moves between them.
    MixStyles(Option<StyleMix>),
    /// Divides the mixed styles here, or those of which this layer paints one.
    SetCoarseLevels(Option<LayerId>, CoarseLevels),
    /// Plays the motion between the two faces, or stops it.
    ToggleMotion,
    /// Sets what is written of the motion.
    SetMotion(MotionSettings),
    // Directions.
    /// Lets the sliders of the model's directions move the whole face.
    AdjustWholeFace,
    /// Lets them move only what the active layer paints.
    AdjustInsideMask,
    /// Sets how far the adjusted part goes along this direction, in standard deviations.
    SetDirection(String, f32),
    /// Takes the adjusted part back to zero along every direction.
    ResetAdjustments,
    // A slider of one's own.
    /// Chooses how the slider that is to be learned is called, and what it leaves alone.
    SetLesson(LessonPlan),
    /// Adds these photos, and those in these folders, to a side of the lesson.
    AddExampleFiles(ExampleGroup, Vec<PathBuf>),
    /// Adds the face of an open photo.
    AddExamplePhoto(ExampleGroup, PhotoId),
    /// Adds a random face that was drawn.
    AddExampleRandom(ExampleGroup, SampleRequest),
    /// Brings the example of this number to the other side.
    MoveExample(u64),
    /// Takes it out.
    RemoveExample(u64),
    /// Takes every example of a side out.
    ClearExamples(ExampleGroup),
    /// Learns the slider.
    LearnSlider,
    /// Keeps what was learned as one of the model's sliders.
    KeepSlider,
    /// Takes every example out, and forgets what was learned and not kept.
    EndLesson,
    /// Forgets a slider that was learned and kept.
    ForgetSlider(String),
    /// Adds the sliders of this file to those that were learned.
    ImportSlidersFrom(PathBuf),
    /// Writes a slider that was learned, by its place among them, to this file.
    ExportSliderTo(usize, PathBuf),
    // Layers.
    /// Makes another layer for this photo.
    AddLayer(PhotoId),
    /// Makes this layer the active one.
    SelectLayer(LayerId),
    /// Shows or hides this layer.
    ToggleLayer(LayerId),
    /// Gives this layer another name.
    SetLayerName(LayerId, String),
    /// Copies the active layer.
    DuplicateLayer,
    /// Deletes the active layer.
    DeleteLayer,
    /// Moves the active layer up by one.
    RaiseLayer,
    /// Moves the active layer down by one.
    LowerLayer,
    /// Moves this layer by so many places towards the top, or down where that is negative.
    ReorderLayer(LayerId, isize),
    /// Sets how much of the photo a layer takes where it is painted, in [0, 1].
    SetLayerStrength(LayerId, f32),
    /// Sets how far a layer's edge is softened, in canvas pixels.
    SetLayerFeather(LayerId, f32),
    /// Brings a layer's photo to the source's colours, or no longer.
    ToggleMatchColours(LayerId),
    /// Sets how far it is brought there, in [0, 1].
    SetMatchColours(LayerId, f32),
    /// Paints everything of a layer's photo, or a part of its style alone.
    SetLayerTakes(LayerId, Takes),
    /// Sets how far a layer's region is moved from where it was painted, in canvas pixels.
    SetLayerOffset(LayerId, (i32, i32)),
    /// Scales the active layer's region about its middle, reference and mask, to this scale of the reference.
    SetRegionScale(f32),
    /// Turns the active layer's region about its middle, reference and mask, to this angle of the reference, clockwise.
    SetRegionAngle(f32),
    /// Mirrors the active layer's region about its middle, reference and mask.
    MirrorRegion,
    /// Puts the active layer's region back in its place, as large and as upright as it was.
    ResetOffset,
    /// Moves the active layer's region by this many canvas pixels.
    NudgeRegion(i32, i32),
    // Masks, of the active layer.
    /// Unpaints everything.
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
    /// Copies the mask to this layer.
    CopyMaskTo(LayerId, Combine),
    /// Takes the mask from this file.
    ImportMaskFrom(PathBuf),
    /// Writes the mask to this file.
    ExportMaskTo(PathBuf),
    // Tools.
    /// Takes a tool in hand.
    SelectTool(ToolKind),
    /// Sets size, hardness and strength.
    SetBrush(BrushSettings),
    /// Makes the brush larger.
    BrushLarger,
    /// Makes the brush smaller.
    BrushSmaller,
    /// Makes the brush crisper.
    BrushHarder,
    /// Makes the brush softer.
    BrushSofter,
    /// Sets how far values may differ from the one that is clicked and still be filled, in [0, 1].
    SetFillTolerance(f32),
    // What shows.
    /// Shows or hides the active layer's mask.
    ToggleOverlay,
    /// Shows masks in this way.
    ShowMaskAs(MaskView),
    /// Shows masks in the next way.
    NextMaskView,
    /// Shows the face alone, or in the photo that it comes from.
    ToggleInPhoto,
    /// Shows only what the active layer paints, or all.
    ToggleIsolation,
    // Settings.
    /// Draws the window in this theme.
    UseTheme(Theme),
    /// Writes the window's words in this language, or in that of the system.
    UseLanguage(Option<Language>),
    /// Sets how pictures are written.
    SetExport(ExportSettings),
    /// Sets how the model computes from the next start on.
    SetEngine(EngineSettings),
    /// Changes how often the work is saved by itself.
    SetAutosave(Autosave),
    /// Sets how far faces are brought nearer to their photos, and whether all are.
    SetRefinement(RefinementSettings),
    /// Sets the keys that the user chose, by the command's id.
    SetKeys(BTreeMap<String, Vec<String>>),
    /// Sets which parts of the side panel are open.
    SetOpenSections(OpenSections),
    /// Sets the width of the side panel, in points of the screen.
    SetSidePanelWidth(f32),
    /// Sets the size of the window's inside, in points of the screen.
    SetWindowSize([f32; 2]),
}

impl Action {
    /// Whether a gesture must end before this is done, because it changes the document or shows another one.
    pub(super) fn ends_gesture(&self) -> bool {
        !matches!(
            self,
            Self::CancelOpening
                | Self::Paste
                | Self::PasteAsSource
                | Self::ForgetWhatFollowsSaving
                | Self::DiscardLeftover(_)
                | Self::ForgetRecent
                | Self::CancelExport
                | Self::SetMotion(_)
                | Self::SetBatch(_)
                | Self::AddBatchPhotos(_)
                | Self::SetBatchFolder(_)
                | Self::CancelBatch
                | Self::SaveBrushPreset(_)
                | Self::UseBrushPreset(_)
                | Self::DeleteBrushPreset(_)
                | Self::SaveAdjustmentPreset(_)
                | Self::DeleteAdjustmentPreset(_)
                | Self::SampleFaces(_)
                | Self::SetLesson(_)
                | Self::AddExampleFiles(..)
                | Self::AddExamplePhoto(..)
                | Self::AddExampleRandom(..)
                | Self::MoveExample(_)
                | Self::RemoveExample(_)
                | Self::ClearExamples(_)
                | Self::LearnSlider
                | Self::KeepSlider
                | Self::EndLesson
                | Self::ForgetSlider(_)
                | Self::ImportSlidersFrom(_)
                | Self::ExportSliderTo(..)
                | Self::KeepFace(_)
                | Self::SkipUnclearFaces
                | Self::AdjustWholeFace
                | Self::AdjustInsideMask
                | Self::SetBrush(_)
                | Self::BrushLarger
                | Self::BrushSmaller
                | Self::BrushHarder
                | Self::BrushSofter
                | Self::SetFillTolerance(_)
                | Self::ToggleOverlay
                | Self::ShowMaskAs(_)
                | Self::NextMaskView
                | Self::ToggleInPhoto
                | Self::ToggleIsolation
                | Self::UseTheme(_)
                | Self::UseLanguage(_)
                | Self::SetExport(_)
                | Self::SetEngine(_)
                | Self::SetAutosave(_)
                | Self::SetRefinement(_)
                | Self::ImproveLikeness(_)
                | Self::StopImprovingLikeness(_)
                | Self::SetKeys(_)
                | Self::SetOpenSections(_)
                | Self::SetSidePanelWidth(_)
                | Self::SetWindowSize(_)
        )
    }
}

/// What menus and the history call the painting of a part of the face, in English.
pub fn region_step(region: FaceRegion, how: Combine) -> &'static str {
    match (region, how) {
        (FaceRegion::Eyes, Combine::Add) => "Paint eyes",
        (FaceRegion::Brows, Combine::Add) => "Paint brows",
        (FaceRegion::Nose, Combine::Add) => "Paint nose",
        (FaceRegion::Mouth, Combine::Add) => "Paint mouth",
        (FaceRegion::Chin, Combine::Add) => "Paint chin",
        (FaceRegion::LeftEye, Combine::Add) => "Paint left eye",
        (FaceRegion::RightEye, Combine::Add) => "Paint right eye",
        (FaceRegion::LeftBrow, Combine::Add) => "Paint left brow",
        (FaceRegion::RightBrow, Combine::Add) => "Paint right brow",
        (FaceRegion::Cheeks, Combine::Add) => "Paint cheeks",
        (FaceRegion::Forehead, Combine::Add) => "Paint forehead",
        (FaceRegion::Ears, Combine::Add) => "Paint ears",
        (FaceRegion::Neck, Combine::Add) => "Paint neck",
        (FaceRegion::Hair, Combine::Add) => "Paint hair",
        (FaceRegion::Face, Combine::Add) => "Paint whole face",
        (FaceRegion::Eyes, Combine::Replace) => "Paint only the eyes",
        (FaceRegion::Brows, Combine::Replace) => "Paint only the brows",
        (FaceRegion::Nose, Combine::Replace) => "Paint only the nose",
        (FaceRegion::Mouth, Combine::Replace) => "Paint only the mouth",
        (FaceRegion::Chin, Combine::Replace) => "Paint only the chin",
        (FaceRegion::LeftEye, Combine::Replace) => "Paint only the left eye",
        (FaceRegion::RightEye, Combine::Replace) => "Paint only the right eye",
        (FaceRegion::LeftBrow, Combine::Replace) => "Paint only the left brow",
        (FaceRegion::RightBrow, Combine::Replace) => "Paint only the right brow",
        (FaceRegion::Cheeks, Combine::Replace) => "Paint only the cheeks",
        (FaceRegion::Forehead, Combine::Replace) => "Paint only the forehead",
        (FaceRegion::Ears, Combine::Replace) => "Paint only the ears",
        (FaceRegion::Neck, Combine::Replace) => "Paint only the neck",
        (FaceRegion::Hair, Combine::Replace) => "Paint only the hair",
        (FaceRegion::Face, Combine::Replace) => "Paint only the whole face",
    }
}
