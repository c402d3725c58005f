//! Answers to questions for files: what is there already is not written over before the user has said so.

use std::path::{Path, PathBuf};

use super::Workbench;
use super::effect::{Effect, OverwriteReason, Overwriting, Question};
use crate::export::folder::numbered_names;
use crate::{export, project};

impl Workbench {
    /// Does what was asked for with these paths. The system's dialogs ask by themselves before they return a file that is there;
    /// of what nobody was asked, the user is asked here.
    pub(super) fn answer(&mut self, question: Question, paths: Vec<PathBuf>, by_dialog: bool) {
        let is_new = |path: &PathBuf| !by_dialog || question.target(path.clone()) != *path;
        let in_the_way = match paths.as_slice() {
            // Only what is asked of folders is asked by no dialog.
            [path] if question.is_about_folder() || is_new(path) => self.in_the_way(question, path),
            _ => None,
        };
        if question == Question::SaveProjectTo
            && let [path] = paths.as_slice()
            && Some(question.target(path.clone()).as_path()) == self.projects.path()
        {
            return self.save_project();
        }
        let actions = question.answered(paths);
        match (in_the_way, actions.as_slice()) {
            (Some((path, reason)), [action]) => {
                let action = Box::new(action.clone());
                self.effects.push(Effect::AskToOverwrite(Overwriting { path, action, question, reason }));
            }
            _ => actions.into_iter().for_each(|action| self.apply(action)),
        }
    }

    /// What an answer would be written over.
    fn in_the_way(&self, question: Question, path: &Path) -> Option<(PathBuf, OverwriteReason)> {
        if question.is_about_opening() {
            return None;
        }
        let target = question.target(path.to_owned());
        if question == Question::MotionFramesTo {
            let mut names = numbered_names(self.motion.settings.count);
            let has_one = names.any(|name| target.join(name).symlink_metadata().is_ok());
            return has_one.then_some((target, OverwriteReason::HoldsPictures));
        }
        target.is_file().then_some((target, OverwriteReason::IsThere))
    }
}

impl Question {
    /// The file that is written where this path is the answer: with the usual ending, if it has none.
    fn target(self, path: PathBuf) -> PathBuf {
        match self {
            Self::ExportTo | Self::ExportInPhotoTo | Self::ExportMaskTo => export::with_png_extension(path),
            Self::SaveProjectTo => project::with_extension(path),
            _ => path,
        }
    }
}
