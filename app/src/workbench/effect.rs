//! What the workbench wants of whoever shows it: tell the user something, ask for a file, show another part of the work.

use std::path::PathBuf;

use image::RgbImage;

use super::action::Action;
use super::lesson::ExampleGroup;
use super::motion_settings::MotionTarget;
use crate::sentence;

/// Something that the workbench cannot do by itself, in the order in which it came up.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Tell the user.
    Tell(Notice),
    /// Ask the user for a file or folder.
    Ask(Question),
    /// Ask the user whether to save before this is done: [`Action::SaveFirst`], [`Action::DiscardChanges`] or neither.
    AskToSaveBefore(Action),
    /// Ask the user whether to write over what is there.
    AskToOverwrite(Overwriting),
    /// Ask the user whether to stop the batch that is under way and quit, [`Action::StopBatchAndQuit`], or to go on.
    AskToStopBatch,
    /// Another document is on the table: show the whole of it.
    ChangedDocument,
    /// Show what is chosen of a batch: something of it was asked for and answered.
    ShowBatch,
    /// Show the lesson: something of it was asked for and answered.
    ShowLesson,
    /// Put this picture on the clipboard.
    Copy(RgbImage),
    /// Close: nothing is left to be saved.
    Quit,
}

/// A file, or a folder of pictures, that is there and would be written over.
#[derive(Clone, Debug, PartialEq)]
pub struct Overwriting {
    /// What is there.
    pub path: PathBuf,
    /// Why the user is asked.
    pub reason: OverwriteReason,
    /// Writes over it.
    pub action: Box<Action>,
    /// Asks for another path.
    pub question: Question,
}

/// Why the user is asked before something is written over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OverwriteReason {
    /// It is there.
    IsThere,
    /// Pictures of the same names are in the folder.
    HoldsPictures,
    /// Another program or window has changed it since it was opened or written here.
    HasChanged,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Something happened as asked.
    Success,
    /// Something to know.
    Info,
    /// Something failed.
    Error,
}

/// A sentence for the user, in the user's language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub kind: NoticeKind,
    /// One sentence.
    pub text: String,
}

impl Notice {
    /// An error with its causes, as one sentence.
    pub fn of_error(err: &anyhow::Error) -> Self {
        Self { kind: NoticeKind::Error, text: sentence::sentence_of(err) }
    }
}

/// A question for files or folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Which photos, or which project, to open.
    OpenPhotos,
    /// Where the face goes.
    ExportTo,
    /// Where the photo with the edited face in it goes.
    ExportInPhotoTo,
    /// Where the moving picture goes.
    MotionTo,
    /// Which folder the pictures of a motion go to.
    MotionFramesTo,
    /// Where the project goes.
    SaveProjectTo,
    /// Which picture holds the mask.
    ImportMaskFrom,
    /// Where the mask goes.
    ExportMaskTo,
    /// Which photos the edit is applied to.
    BatchPhotos,
    /// Which folder of photos it is applied to.
    BatchPhotoFolder,
    /// Which folder the edited photos go to.
    BatchFolder,
    /// Which photos a slider is learned from.
    ExamplePhotos(ExampleGroup),
    /// Which folder of photos.
    ExampleFolder(ExampleGroup),
    /// Which file holds sliders that were learned.
    ImportSlidersFrom,
    /// Where such a slider goes, by its place among them.
    ExportSliderTo(usize),
}

impl Question {
    /// Whether it asks for files that are there; else for one to be written.
    pub fn is_about_opening(self) -> bool {
        matches!(
            self,
            Self::OpenPhotos
                | Self::ImportMaskFrom
                | Self::BatchPhotos
                | Self::BatchPhotoFolder
                | Self::BatchFolder
                | Self::ExamplePhotos(_)
                | Self::ExampleFolder(_)
                | Self::ImportSlidersFrom
        )
    }

    /// Whether it asks for a folder.
    pub fn is_about_folder(self) -> bool {
        matches!(self, Self::MotionFramesTo | Self::BatchPhotoFolder | Self::BatchFolder | Self::ExampleFolder(_))
    }

    /// What is done with the answer.
    pub fn answered(self, paths: Vec<PathBuf>) -> Vec<Action> {
        let each = |action: fn(PathBuf) -> Action| paths.iter().cloned().map(action).collect();
        match self {
            Self::OpenPhotos => vec![Action::OpenPaths(paths)],
            Self::ExportTo => each(Action::ExportTo),
            Self::ExportInPhotoTo => each(Action::ExportInPhotoTo),
            Self::MotionTo => each(|path| Action::ExportMotionTo(MotionTarget::File(path))),
            Self::MotionFramesTo => each(|path| Action::ExportMotionTo(MotionTarget::Folder(path))),
            Self::SaveProjectTo => each(Action::SaveProjectTo),
            Self::ImportMaskFrom => each(Action::ImportMaskFrom),
            Self::ExportMaskTo => each(Action::ExportMaskTo),
            Self::BatchPhotos | Self::BatchPhotoFolder => vec![Action::AddBatchPhotos(paths)],
            Self::BatchFolder => each(Action::SetBatchFolder),
            Self::ExamplePhotos(group) | Self::ExampleFolder(group) => vec![Action::AddExampleFiles(group, paths)],
            Self::ImportSlidersFrom => each(Action::ImportSlidersFrom),
            Self::ExportSliderTo(index) => {
                paths.iter().cloned().map(|path| Action::ExportSliderTo(index, path)).collect()
            }
        }
    }
}
