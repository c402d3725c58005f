//! Exports: pictures of the document on their way to files, and what they are called.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::{Effect, EngineState, JobKind, NoticeKind, OverwriteReason, Overwriting, Question, Workbench};
use crate::document::{Photo, PhotoId};
use crate::export::name::{self, NameParts};
use crate::export::{self, ExportSize, write_edit};
use crate::language::tr_with;
use crate::project::FileStamp;
use crate::settings::{ExportChoice, ExportSettings};

/// A picture on its way to a file: it waits for the frame of the document as it was asked for.
struct PendingExport {
    path: PathBuf,
    request: u64,
    /// The source, where the whole photo is to be written.
    in_photo: Option<PhotoId>,
    settings: ExportSettings,
}

/// The newest export of a picture.
struct LastExport {
    path: PathBuf,
    /// Whether it was of the whole photo.
    is_of_photo: bool,
    /// The file as it was written; none before it is.
    stamp: Option<FileStamp>,
}

/// What writes a file.
type Write = Box<dyn FnOnce(&Path) -> anyhow::Result<()> + Send>;

/// The exports that wait: for their pictures, or for those before them.
#[derive(Default)]
pub struct Exports {
    pending: Vec<PendingExport>,
    /// Written one after the other, so that of two to one file the later one stays.
    ready: VecDeque<(PathBuf, Write)>,
    last: Option<LastExport>,
    /// What was chosen for this document; none leaves it to the settings.
    choice: Option<ExportChoice>,
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

    /// Another document is on the table, for which this was chosen.
    pub fn begin_document(&mut self, choice: Option<ExportChoice>) {
        (self.last, self.choice) = (None, choice);
    }

    /// Drops those of a photo that cannot be used.
    pub fn forget_photo(&mut self, photo: PhotoId) {
        self.pending.retain(|export| export.in_photo != Some(photo));
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
        self.exports.last.as_ref().map(|last| last.path.as_path())
    }

    /// How pictures of this document are written: as was chosen for it, else as for the last one.
    pub fn export_settings(&self) -> &ExportSettings {
        self.exports.choice.as_ref().map_or(&self.settings.export, |choice| &choice.settings)
    }

    /// What was chosen for this document's exports, if anything was.
    pub fn export_choice(&self) -> Option<&ExportChoice> {
        self.exports.choice.as_ref()
    }

    pub(super) fn set_export(&mut self, settings: ExportSettings) {
        // A layer of the change is for one document, and a surprise in the next.
        self.settings.export = ExportSettings { change_only: false, ..settings.clone() };
        self.exports.choice.get_or_insert_default().settings = settings;
    }

    /// The size of the model's pictures.
    pub fn model_px(&self) -> usize {
        match (self.engine.frame(), self.engine.state()) {
            (Some(frame), _) => frame.size_px,
            (None, EngineState::Ready(info)) => info.config.size,
            (None, _) => 256,
        }
    }

    /// The usual size of the face by itself in a file, in pixels.
    pub fn exported_face_px(&self) -> u32 {
        self.export_size_px(false, ExportSize::Usual).0
    }

    /// Width and height of a picture in a file, of the face or of its whole photo.
    pub fn export_size_px(&self, in_photo: bool, size: ExportSize) -> (u32, u32) {
        if let Some((_, placement)) = self.source_in_photo().filter(|_| in_photo) {
            return size.photo_px(placement.original.pixels.dimensions());
        }
        let model_px = self.model_px();
        let side = self.source_photo().map_or(model_px as u32, |photo| size.face_px(photo, model_px));
        (side, side)
    }

    fn source_photo(&self) -> Option<&Photo> {
        let document = self.timeline.document();
        document.source().and_then(|source| document.photo(source)).map(|photo| &**photo)
    }

    /// A path in a folder where the user will find the file again: that of the last export, of the project, of the source, or the
    /// user's own. Of exports it is none where a file lies.
    pub fn suggested_path(&self, question: Question) -> PathBuf {
        let of_source = self.source_photo().and_then(|photo| photo.path.as_deref());
        let is_export = matches!(question, Question::ExportTo | Question::ExportInPhotoTo);
        let last = self.last_export().filter(|_| is_export);
        let own = [last, self.projects.path(), of_source].into_iter().flatten().find_map(Path::parent);
        let folder = own.map(Path::to_owned).or_else(std::env::home_dir).unwrap_or_default();
        let photo_name = self.source_photo().map_or("Stylebrush", photo_name);
        match question {
            Question::ExportTo | Question::ExportInPhotoTo => {
                let settings = self.export_settings();
                let parts = self.name_parts(question == Question::ExportInPhotoTo, settings.size);
                settings.name.free_path(&folder, &parts, settings.format.extension())
            }
            Question::MotionTo => {
                let extension = self.motion.settings.format.extension();
                name::free_path(&folder, &format!("{photo_name} in motion"), extension)
            }
            Question::MotionFramesTo => name::free_path(&folder, &format!("{photo_name} in motion"), ""),
            Question::ExportMaskTo => match self.timeline.document().active_layer() {
                Some(layer) => name::free_path(&folder, &format!("{} mask", layer.name), "png"),
                None => folder,
            },
            Question::SaveProjectTo => {
                let own_name = self.projects.path().and_then(Path::file_name);
                let new_name = || name::free_path(&folder, photo_name, crate::project::EXTENSION);
                own_name.map_or_else(new_name, |name| folder.join(name))
            }
            // A dialog opens in the folder of what is suggested.
            Question::BatchFolder => self.batch.plan().folder.clone().unwrap_or(folder).join(photo_name),
            Question::ExportSliderTo(index) => {
                let name = self.lessons.known().nth(index).map_or("slider", |info| info.name.as_str());
                name::free_path(&folder, name, "directions.safetensors")
            }
            Question::OpenPhotos
            | Question::ImportMaskFrom
            | Question::BatchPhotos
            | Question::BatchPhotoFolder
            | Question::ExamplePhotos(_)
            | Question::ExampleFolder(_)
            | Question::ImportSlidersFrom => folder.join(photo_name),
        }
    }

    /// What the words in an exported file's name stand for.
    pub fn name_parts(&self, in_photo: bool, size: ExportSize) -> NameParts<'_> {
        let photo = self.source_photo();
        let face = photo.and_then(|photo| photo.placement.as_ref()?.face_number()).unwrap_or(1);
        let size_px = self.export_size_px(in_photo, size);
        NameParts { photo: photo.map_or("Stylebrush", photo_name), face, size_px, number: 1, date: name::today() }
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
        self.exports.last = Some(LastExport { path: path.clone(), is_of_photo: in_photo.is_some(), stamp: None });
        let settings = self.export_settings().clone();
        self.exports.choice = Some(ExportChoice { in_photo: Some(in_photo.is_some()), settings: settings.clone() });
        self.exports.pending.push(PendingExport { path, request, in_photo, settings });
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
            let PendingExport { path, in_photo, settings, .. } = export;
            self.start_export(path, move |path| write_edit(&edit, in_photo.is_some(), path, &settings));
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
            let written = write(&path).map(|()| FileStamp::of(&path));
            Box::new(move |bench: &mut Self| match written {
                Ok(stamp) => {
                    if let Some(last) = bench.exports.last.as_mut().filter(|last| last.path == path) {
                        last.stamp = stamp;
                    }
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

    /// Whether there is an export to be repeated: of this run of the program, or one that the project remembers.
    pub(super) fn can_export_again(&self) -> bool {
        self.last_export().is_some() || self.export_choice().is_some_and(|choice| choice.in_photo.is_some())
    }

    /// Writes the file of the newest export again, and asks before that where another program has changed it. A project knows how it
    /// was written, and asks where to: its own folders may be another machine's.
    pub(super) fn export_again(&mut self) {
        let remembered = self.export_choice().and_then(|choice| choice.in_photo);
        let last = self.exports.last.as_ref().map(|LastExport { path, is_of_photo, stamp }| {
            let now = stamp.and_then(|_| FileStamp::of(path));
            (path.clone(), *is_of_photo, now.is_some() && now != *stamp)
        });
        match (last, remembered) {
            (Some((path, is_of_photo, has_changed)), _) => {
                let question = if is_of_photo { Question::ExportInPhotoTo } else { Question::ExportTo };
                let actions = question.answered(vec![path.clone()]);
                if has_changed && let [action] = actions.as_slice() {
                    let (reason, action) = (OverwriteReason::HasChanged, Box::new(action.clone()));
                    let overwriting = Overwriting { path, reason, action, question };
                    return self.effects.push(Effect::AskToOverwrite(overwriting));
                }
                actions.into_iter().for_each(|action| self.apply(action));
            }
            (None, Some(true)) if self.source_in_photo().is_some() => self.ask(Question::ExportInPhotoTo),
            (None, Some(_)) => self.ask(Question::ExportTo),
            (None, None) => {}
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

/// What a photo's file is called, without extension; what the photo is called where it has none.
fn photo_name(photo: &Photo) -> &str {
    photo.path.as_deref().and_then(Path::file_stem).and_then(|stem| stem.to_str()).unwrap_or(&photo.name)
}
