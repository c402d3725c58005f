//! Projects: what is saved where, what is not yet, and what a crash left.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Action, Effect, EngineState, JobKind, NoticeKind, OverwriteReason, Overwriting, Question, Workbench};
use crate::document::Document;
use crate::language::{tr, tr_with};
use crate::project::background::{AutosaveTimer, ChangedOnDisk, SaveReport, SaveTarget, SaveThread};
use crate::project::recent::RecentKind;
use crate::project::recovery::{self, AutosaveSlot, Leftover};
use crate::project::{self, FileStamp, ModelIdentity, Opened, Project, View};
use crate::shelter::sheltered;

/// What directions say that a project has and the model does not.
pub const UNKNOWN_DIRECTIONS: &str = "This model does not have {names}: kept for one that does, and not in the picture";

/// Where the program keeps what it stores for its user.
#[derive(Clone, Debug)]
pub struct UserFolders {
    /// A folder for autosaves.
    pub recovery: PathBuf,
    /// A file for the list of recent files.
    pub recent: PathBuf,
    /// A file for the settings.
    pub settings: PathBuf,
    /// A folder for faces that were refined.
    pub refined_faces: PathBuf,
    /// A folder for directions that models were taught.
    pub directions: PathBuf,
}

impl UserFolders {
    /// Those of this system's user.
    ///
    /// # Errors
    /// When the user has no home.
    pub fn of_user() -> anyhow::Result<Self> {
        Ok(Self {
            recovery: project::recovery_folder()?,
            recent: project::recent_file()?,
            settings: project::settings_file()?,
            refined_faces: project::cache_folder()?.join("faces"),
            directions: project::directions_folder()?,
        })
    }
}

/// The project that is open, and what becomes of it.
pub struct Projects {
    /// The user's file, if there is one.
    path: Option<PathBuf>,
    /// That file as it was read or written here.
    stamp: Option<FileStamp>,
    /// The state of the document that is saved; none where there is something to recover.
    saved_revision: Option<u64>,
    /// None once the program ends.
    saver: Option<SaveThread>,
    has_autosaves: bool,
    timer: AutosaveTimer,
    /// The newest request to open a project: an older one that comes later is dropped.
    opening_number: u64,
    leftovers: Vec<Leftover>,
    /// What the user wanted when asked about unsaved changes, to be done once they are saved.
    after_saving: Option<Action>,
    /// Whether the program may end: nothing is unsaved, or the user said so.
    may_close: bool,
}

impl Projects {
    /// Starts the thread that saves, and finds what previous programs left to be recovered. What fails on the way is handed
    /// to `failed`, and the program goes on without.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        folders: Option<&UserFolders>,
        wake: impl Fn() + Send + 'static,
        failed: impl FnOnce(anyhow::Error),
    ) -> anyhow::Result<Self> {
        let leftovers = folders.map(|folders| recovery::leftovers(&folders.recovery)).unwrap_or_default();
        let slot = folders.map(|folders| AutosaveSlot::claim(&folders.recovery)).transpose();
        let slot = slot.unwrap_or_else(|err| {
            failed(err.context("nothing is saved by itself, so save often"));
            None
        });
        let has_autosaves = slot.is_some();
        Ok(Self {
            path: None,
            stamp: None,
            saved_revision: Some(0),
            saver: Some(SaveThread::spawn(slot, wake)?),
            has_autosaves,
            timer: AutosaveTimer::new(0),
            opening_number: 0,
            leftovers,
            after_saving: None,
            may_close: false,
        })
    }

    /// The user's file, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What the open project is called; none before it has a file.
    pub fn name(&self) -> Option<String> {
        self.path.as_deref().map(name_of)
    }

    /// The document became another one, and whoever saved the one before need not save again.
    pub(super) fn follow_revision(&mut self, before: u64, now: u64) {
        if self.saved_revision == Some(before) {
            self.saved_revision = Some(now);
        }
    }

    /// What a crash left and nobody took yet.
    pub fn leftovers(&self) -> &[Leftover] {
        &self.leftovers
    }
    /// Whether the program may end without another word.
    pub fn may_close(&self) -> bool {
        self.may_close
    }

    /// Whether a project is being saved.
    pub fn is_busy(&self) -> bool {
        self.saver.as_ref().is_some_and(SaveThread::is_busy)
    }

    /// The document is another one now, and as saved.
    fn begin(&mut self, path: Option<PathBuf>, revision: u64) {
        (self.path, self.stamp) = (path, None);
        self.saved_revision = Some(revision);
        self.timer = AutosaveTimer::new(revision);
    }
}

/// Whether a path names a project rather than a photo.
pub fn is_project(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(project::EXTENSION))
}

/// What a project's file is called.
pub fn name_of(path: &Path) -> String {
    path.file_stem().map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned())
}

impl Workbench {
    /// Whether there is something that is in no file of the user's.
    pub fn has_unsaved_changes(&self) -> bool {
        self.projects.saved_revision != Some(self.timeline.revision())
    }

    /// How far a project is on its way in, in [0, 1].
    pub fn opening_share(&self) -> Option<f32> {
        self.jobs.share(JobKind::OpenProject)
    }

    /// The document as it was just made is no work that could be lost.
    pub(super) fn begin_project(&mut self, path: Option<PathBuf>) {
        self.opening = None;
        self.projects.begin(path, self.timeline.revision());
        self.exports.begin_document(None);
    }

    /// Asks about unsaved changes first, then does it.
    pub(super) fn once_saved(&mut self, action: Action) {
        if self.has_unsaved_changes() {
            self.effects.push(Effect::AskToSaveBefore(action));
        } else {
            self.proceed(action);
        }
    }

    pub(super) fn save_first(&mut self, next: Action) {
        self.projects.after_saving = Some(next);
        self.save_project();
    }

    pub(super) fn discard_changes(&mut self, next: Action) {
        self.projects.saved_revision = Some(self.timeline.revision());
        self.proceed(next);
    }

    /// The user did not save after all: what was to come after it does not come.
    pub(super) fn forget_what_follows_saving(&mut self) {
        self.projects.after_saving = None;
    }

    pub(super) fn new_project(&mut self) {
        self.forget_autosave();
        self.begins_with_demo = false;
        self.timeline.restart(Document::default());
        self.begin_project(None);
    }

    fn forget_autosave(&self) {
        if let Some(saver) = &self.projects.saver {
            saver.clear_autosave();
        }
    }

    pub(super) fn open_project(&mut self, path: PathBuf) {
        self.begin_opening(path.clone(), Some(path), None);
    }

    pub(super) fn recover(&mut self, index: usize) {
        if index < self.projects.leftovers.len() {
            let leftover = self.projects.leftovers.remove(index);
            let (file, path) = (leftover.path().to_owned(), leftover.saved_as.clone());
            self.begin_opening(file, path, Some(leftover));
        }
    }

    pub(super) fn discard_leftover(&mut self, index: usize) {
        if index < self.projects.leftovers.len()
            && let Err(err) = self.projects.leftovers.remove(index).discard()
        {
            self.tell_error(&err);
        }
    }

    fn begin_opening(&mut self, file: PathBuf, path: Option<PathBuf>, leftover: Option<Leftover>) {
        self.jobs.cancel(JobKind::OpenProject);
        self.projects.opening_number += 1;
        let number = self.projects.opening_number;
        let started = self.jobs.start(JobKind::OpenProject, move |progress| {
            let stamp = FileStamp::of(&file);
            let opened = sheltered(|| project::open(&file, progress));
            Box::new(move |bench| match opened {
                _ if bench.projects.opening_number != number => {}
                Ok(opened) => {
                    let is_leftover = leftover.is_some();
                    bench.take_opened(opened, path, leftover);
                    bench.projects.stamp = stamp.filter(|_| !is_leftover);
                }
                // The user knows.
                Err(err) if matches!(err.root_cause().downcast_ref(), Some(stylemap::Error::Cancelled)) => {}
                Err(err) => bench.tell_error(&err),
            })
        });
        if let Err(err) = started {
            self.tell_error(&err.context("the project could not be opened"));
        }
    }

    fn take_opened(&mut self, opened: Opened, path: Option<PathBuf>, leftover: Option<Leftover>) {
        for problem in &opened.problems {
            self.tell(NoticeKind::Error, problem.clone());
        }
        let is_damaged = !opened.problems.is_empty();
        if let (Some(made_with), EngineState::Ready(info)) = (&opened.model, self.engine.state())
            && made_with.hash != info.hash
        {
            let text = tr_with(
                "This project was made with the model {name}. Faces look different with another model; nothing is lost",
                &[("name", &made_with.name)],
            );
            self.tell(NoticeKind::Info, text);
        }
        self.view.shows_in_photo = opened.view.get("in_photo").is_some_and(|value| *value > 0.5);
        self.view.shows_overlay = opened.view.get("overlay").is_none_or(|value| *value > 0.5);
        if leftover.is_none() {
            self.forget_autosave();
        }
        let export = opened.export.clone();
        let document = opened.into_document(&mut self.next_photo_id);
        self.toolbox.finish_gesture(&mut self.timeline);
        self.unclear_faces.clear();
        self.begins_with_demo = false;
        self.timeline.restart(document);
        self.effects.push(Effect::ChangedDocument);
        let unknown = self.unknown_directions();
        if !unknown.is_empty() {
            self.tell(NoticeKind::Info, tr_with(UNKNOWN_DIRECTIONS, &[("names", &unknown.join(", "))]));
        }
        match leftover {
            Some(leftover) => {
                self.begin_project(path);
                // What was recovered is in no file of the user's yet.
                self.projects.saved_revision = None;
                if let Some(saver) = &self.projects.saver {
                    saver.adopt(leftover);
                }
            }
            // Saving over a damaged file would make the loss final: it wants a new name.
            None if is_damaged => {
                self.begin_project(None);
                self.projects.saved_revision = None;
            }
            None => {
                if let Some(path) = &path {
                    self.remember(RecentKind::Project, path);
                }
                self.begin_project(path);
            }
        }
        self.exports.begin_document(export);
    }

    /// Everything as it is, for a file.
    fn snapshot(&self) -> Project {
        let model = match self.engine.state() {
            EngineState::Ready(info) => Some(ModelIdentity::from(&**info)),
            _ => None,
        };
        let thumbnail = self.engine.frame().map(|frame| frame.to_rgb());
        let is_on = |is_on: bool| if is_on { 1.0 } else { 0.0 };
        let view: View = [("in_photo", is_on(self.view.shows_in_photo)), ("overlay", is_on(self.view.shows_overlay))]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Project {
            document: self.timeline.document().clone(),
            view,
            model,
            latents: self.engine.latents().clone(),
            thumbnail: thumbnail.map(Arc::new),
            export: self.export_choice().cloned(),
        }
    }

    pub(super) fn save_project(&mut self) {
        match self.projects.path.clone() {
            Some(path) => {
                let known = self.projects.stamp;
                self.save_to(path, known);
            }
            None => self.ask(Question::SaveProjectTo),
        }
    }

    pub(super) fn save_project_to(&mut self, path: PathBuf) {
        self.save_to(path, None);
    }

    /// Saves in this file, if it still is what is known of it.
    fn save_to(&mut self, path: PathBuf, known: Option<FileStamp>) {
        self.toolbox.finish_gesture(&mut self.timeline);
        let (path, revision) = (project::with_extension(path), self.timeline.revision());
        let snapshot = self.snapshot();
        match (&self.projects.saver, known) {
            (Some(saver), None) => saver.save(path, snapshot, revision),
            (Some(saver), Some(known)) => saver.save_unless_changed(path, snapshot, revision, known),
            (None, _) => {}
        }
    }

    /// Takes what came from the thread that saves, and saves by itself when it is time.
    pub(super) fn update_projects(&mut self) {
        while let Some(report) = self.projects.saver.as_ref().and_then(SaveThread::poll) {
            self.take_report(report);
        }
        if self.autosave_in() == Some(Duration::ZERO) {
            let (snapshot, revision) = (self.snapshot(), self.timeline.revision());
            if let Some(saver) = &self.projects.saver {
                saver.autosave(snapshot, self.projects.path.clone(), revision);
                self.projects.timer.begin(revision);
            }
        }
    }

    fn take_report(&mut self, report: SaveReport) {
        match &report.target {
            SaveTarget::Autosave => {
                self.projects.timer.finish(&report, Instant::now());
                if let Err(err) = report.result {
                    self.tell_error(&err.context("the work could not be saved by itself"));
                }
            }
            SaveTarget::Project(path) => match report.result {
                Ok(()) => {
                    self.projects.saved_revision = Some(report.revision);
                    self.projects.timer.keep(report.revision);
                    (self.projects.path, self.projects.stamp) = (Some(path.clone()), report.stamp);
                    self.remember(RecentKind::Project, path);
                    self.tell(NoticeKind::Success, tr_with("Saved {name}", &[("name", &name_of(path))]));
                    if let Some(next) = self.projects.after_saving.take() {
                        self.apply(next);
                    }
                }
                // What was to follow still follows, once the user has said what becomes of the file.
                Err(err) if err.is::<ChangedOnDisk>() => self.effects.push(Effect::AskToOverwrite(Overwriting {
                    path: path.clone(),
                    reason: OverwriteReason::HasChanged,
                    action: Box::new(Action::SaveProjectTo(path.clone())),
                    question: Question::SaveProjectTo,
                })),
                Err(err) => {
                    self.projects.after_saving = None;
                    self.tell_error(&err);
                }
            },
        }
    }

    /// How long until the work is saved by itself; none where there is nothing to save, or a gesture is under way.
    pub(super) fn autosave_in(&self) -> Option<Duration> {
        if !self.projects.has_autosaves || !self.has_unsaved_changes() || self.toolbox.busy().is_some() {
            return None;
        }
        let pause = self.settings.autosave.pause()?;
        self.projects.timer.due_in(self.timeline.revision(), pause, Instant::now())
    }

    /// What waits to be saved is saved, and nothing is left to recover.
    pub(super) fn close_projects(&mut self) {
        if let Some(saver) = self.projects.saver.take() {
            for SaveReport { result, .. } in saver.close() {
                if let Err(err) = result {
                    log::error!("{err:#}");
                }
            }
        }
    }

    pub(super) fn quit(&mut self) {
        self.projects.may_close = true;
        self.effects.push(Effect::Quit);
    }

    /// What the open project is called on screen.
    pub fn project_name(&self) -> String {
        self.projects.name().unwrap_or_else(|| tr("This project").to_owned())
    }
}
