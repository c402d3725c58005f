//! Exports: pictures of the document on their way to files, and what they are called.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::{Action, Effect, EngineState, JobKind, NoticeKind, Question, Workbench};
use crate::document::PhotoId;
use crate::edited_face::{self, EditedPhoto};
use crate::export::{self, Format};
use crate::language::tr_with;
use crate::settings::ExportSettings;

/// A picture on its way to a file: it waits for the frame of the document as it was asked for.
struct PendingExport {
    path: PathBuf,
    request: u64,
    /// The source, where the whole photo is to be written.
    in_photo: Option<PhotoId>,
}

/// What writes a file.
type Write = Box<dyn FnOnce(&Path) -> anyhow::Result<()> + Send>;

/// The exports that wait: for their pictures, or for those before them.
#[derive(Default)]
pub struct Exports {
    pending: Vec<PendingExport>,
    /// Written one after the other, so that of two to one file the later one stays.
    ready: VecDeque<(PathBuf, Write)>,
    /// The file of the newest export of a picture, and whether that was of the whole photo.
    last: Option<(PathBuf, bool)>,
}

impl Exports {
    /// Whether an export waits.
    pub fn is_waiting(&self) -> bool {
        !self.pending.is_empty() || !self.ready.is_empty()
    }

    /// Drops those that wait, as their pictures never come; whether there were any.
    pub fn forget(&mut self) -> bool {
        !std::mem::take(&mut self.pending).is_empty()
    }

    /// Drops those of a photo that cannot be used.
    pub fn forget_photo(&mut self, photo: PhotoId) {
        self.pending.retain(|export| export.in_photo != Some(photo));
    }
}

/// Writes an edited face by itself, or its photo with everything that is edited in it.
///
/// # Errors
/// When the file's name says no kind of picture, or it cannot be written.
pub fn write_edit(edit: &EditedPhoto, in_photo: bool, path: &Path, settings: ExportSettings) -> anyhow::Result<()> {
    // Known before the work begins.
    let format = Format::of(path)?;
    if in_photo {
        let photo = &edit.face.placement()?.original.file;
        export::write(path, &edit.in_own_file()?, format, &settings.file_options(Some(photo)))
    } else {
        let picture = edit.face.by_itself(edit.face.full_size_px())?;
        export::write(path, &picture, format, &settings.file_options(None))
    }
}

impl Workbench {
    /// The question for the picture that shows: while the photo does, for the whole photo.
    pub fn as_it_shows(&self, question: Question) -> Question {
        match question {
            Question::ExportTo if self.shown_photo().is_some() => Question::ExportInPhotoTo,
            question => question,
        }
    }

    /// The file of the newest export of a picture.
    pub fn last_export(&self) -> Option<&Path> {
        self.exports.last.as_ref().map(|(path, _)| path.as_path())
    }

    /// The size of the face by itself in a file, in pixels.
    pub fn exported_face_px(&self) -> u32 {
        let document = self.timeline.document();
        let source = document.source().and_then(|source| document.photo(source));
        let model_px = match (self.engine.frame(), self.engine.state()) {
            (Some(frame), _) => frame.size_px,
            (None, EngineState::Ready(info)) => info.config.size,
            (None, _) => 256,
        };
        source.map_or(model_px as u32, |photo| edited_face::full_size_px(photo, model_px))
    }

    /// A path in a folder where the user will find the file again: that of the project, of the source, or the user's own.
    pub fn suggested_path(&self, question: Question) -> PathBuf {
        let document = self.timeline.document();
        let of_source = document.source().and_then(|id| document.photo(id)).and_then(|photo| photo.path.as_deref());
        let is_export = matches!(question, Question::ExportTo | Question::ExportInPhotoTo);
        let last = self.last_export().filter(|_| is_export);
        let own = [last, self.projects.path(), of_source].into_iter().flatten().find_map(Path::parent);
        let folder = own.map(Path::to_owned).or_else(std::env::home_dir).unwrap_or_default();
        folder.join(self.suggested_name(question))
    }

    /// The name of a file to write: that of the source.
    pub fn suggested_name(&self, question: Question) -> String {
        let document = self.timeline.document();
        if question == Question::ExportMaskTo
            && let Some(layer) = document.active_layer()
        {
            return format!("{} mask.png", layer.name.replace(['/', '\\', ':'], "-"));
        }
        let name = document.source().and_then(|id| document.photo(id)).map_or("Stylebrush", |photo| &photo.name);
        match question {
            Question::SaveProjectTo => {
                let own_name = self.projects.path().and_then(|path| path.file_name());
                own_name.map_or_else(
                    || format!("{name}.{}", crate::project::EXTENSION),
                    |name| name.to_string_lossy().into_owned(),
                )
            }
            Question::MotionTo => format!("{name} in motion.gif"),
            Question::MotionFramesTo => format!("{name} in motion"),
            _ => format!("{name} edited.{}", self.settings.export.format.extension()),
        }
    }

    pub(super) fn export_to(&mut self, path: PathBuf, in_photo: Option<PhotoId>) {
        self.stop_motion();
        let is_asked = self.engine.update(&self.timeline, None);
        self.engine.update_beside(self.timeline.document());
        if let EngineState::Failed(_) = self.engine.state() {
            return self.tell(NoticeKind::Error, "There is no picture to export: the model could not be loaded.");
        }
        // What cannot be asked for yet gets a later number.
        let request = self.engine.newest_request() + u64::from(!is_asked);
        let path = export::with_png_extension(path);
        self.exports.last = Some((path.clone(), in_photo.is_some()));
        self.exports.pending.push(PendingExport { path, request, in_photo });
    }

    /// Writes the pictures that are complete, each as a job of its own. Those whose source is gone never will be.
    pub(super) fn write_exports(&mut self) {
        for export in std::mem::take(&mut self.exports.pending) {
            let source = self.timeline.document().source();
            if source.is_none() || export.in_photo.is_some() && export.in_photo != source {
                let name = export.path.display().to_string();
                let text = "{path} was not written: its photo is no longer the source";
                self.tell(NoticeKind::Info, tr_with(text, &[("path", &name)]));
                continue;
            }
            let waits_beside = export.in_photo.is_some() && self.engine.waits_beside();
            let frame = self.engine.final_frame(export.request).filter(|_| !waits_beside);
            let edit = frame.and_then(|_| self.edited_photo());
            let Some(edit) = edit.filter(|edit| Some(edit.face.photo.id) == source) else {
                self.exports.pending.push(export);
                continue;
            };
            let settings = self.settings.export;
            let in_photo = export.in_photo.is_some();
            self.start_export(export.path, move |path| write_edit(&edit, in_photo, path, settings));
        }
        self.start_next_export();
    }

    /// Writes a file as a job, once those before it are written; where it went is told.
    pub(super) fn start_export(
        &mut self,
        path: PathBuf,
        write: impl FnOnce(&Path) -> anyhow::Result<()> + Send + 'static,
    ) {
        self.exports.ready.push_back((path, Box::new(write)));
        self.start_next_export();
    }

    fn start_next_export(&mut self) {
        if self.jobs.count(JobKind::Export) > 0 {
            return;
        }
        let Some((path, write)) = self.exports.ready.pop_front() else { return };
        let started = self.jobs.start(JobKind::Export, move |_| {
            let written = write(&path);
            Box::new(move |bench: &mut Self| match written {
                Ok(()) => {
                    let text = tr_with("Exported to {path}", &[("path", &path.display().to_string())]);
                    bench.tell(NoticeKind::Success, text);
                }
                Err(err) => bench.tell_error(&err),
            })
        });
        if let Err(err) = started {
            self.tell_error(&err.context("the export could not be started"));
        }
    }

    /// Writes the file of the newest export again.
    pub(super) fn export_again(&mut self) {
        if let Some((path, in_photo)) = self.exports.last.clone() {
            self.apply(if in_photo { Action::ExportInPhotoTo(path) } else { Action::ExportTo(path) });
        }
    }

    /// The picture that shows, for the clipboard, with all that its photo has: finished as a job.
    pub(super) fn copy_picture(&mut self) {
        let Some(edit) = self.edited_photo() else { return };
        let in_photo = self.shown_photo().is_some();
        let started = self.jobs.start(JobKind::Copy, move |_| {
            let picture = if in_photo { edit.in_photo() } else { edit.face.by_itself(edit.face.full_size_px()) };
            Box::new(move |bench: &mut Self| match picture {
                Ok(picture) => bench.effects.push(Effect::Copy(picture)),
                Err(err) => bench.tell_error(&err),
            })
        });
        if let Err(err) = started {
            self.tell_error(&err.context("the picture could not be copied"));
        }
    }
}
