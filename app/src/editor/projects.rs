//! Projects in the window: what is saved where, what is not yet, and the questions before anything is lost.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use egui::{Button, RichText, Ui, ViewportCommand, vec2};
use stylemap::photo;

use super::dialogs::Question;
use super::language::{tr, tr_with};
use super::modals::{self, Modal, Outcome};
use super::{Command, Editor, EngineState, Kind, theme};
use crate::document::Document;
use crate::project::background::{AutosaveTimer, Opening, SaveReport, SaveTarget, SaveThread};
use crate::project::recent::{RecentFile, RecentFiles, RecentKind};
use crate::project::recovery::{self, AutosaveSlot, Leftover};
use crate::project::{self, ModelIdentity, Opened, Project, View};

/// Where the program keeps what it stores for its user.
#[derive(Clone, Debug)]
pub struct UserFolders {
    /// A folder for autosaves.
    pub recovery: PathBuf,
    /// A file for the list of recent files.
    pub recent: PathBuf,
    /// A file for the settings.
    pub settings: PathBuf,
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
        })
    }
}

/// The project that is open, and what becomes of it.
pub struct Projects {
    /// The user's file, if there is one.
    path: Option<PathBuf>,
    /// The state of the document that is saved; none where there is something to recover.
    saved_revision: Option<u64>,
    /// None once the window closes.
    saver: Option<SaveThread>,
    has_autosaves: bool,
    timer: AutosaveTimer,
    opening: Option<(Opening, Option<PathBuf>, Option<Leftover>)>,
    recent: Option<RecentFiles>,
    recent_files: Vec<RecentFile>,
    /// What the user wanted when asked about unsaved changes, to be done once they are saved.
    after_saving: Option<Command>,
    shown_title: String,
    /// Whether the window may close: nothing is unsaved, or the user said so.
    may_close: bool,
}

impl Projects {
    /// Starts the thread that saves. What previous programs left to be recovered is returned too.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        folders: Option<&UserFolders>,
        wake: impl Fn() + Send + 'static,
    ) -> anyhow::Result<(Self, Vec<Leftover>, Option<anyhow::Error>)> {
        let leftovers = folders.map(|folders| recovery::leftovers(&folders.recovery)).unwrap_or_default();
        let slot = folders.map(|folders| AutosaveSlot::claim(&folders.recovery)).transpose();
        let (slot, failure) = match slot {
            Ok(slot) => (slot, None),
            Err(err) => (None, Some(err.context("nothing is saved by itself, so save often"))),
        };
        let has_autosaves = slot.is_some();
        let recent = folders.map(|folders| RecentFiles::load(folders.recent.clone()));
        let recent_files = recent.as_ref().map(|recent| recent.files(RecentKind::Project)).unwrap_or_default();
        let projects = Self {
            path: None,
            saved_revision: Some(0),
            saver: Some(SaveThread::spawn(slot, wake)?),
            has_autosaves,
            timer: AutosaveTimer::new(0),
            opening: None,
            recent,
            recent_files,
            after_saving: None,
            shown_title: String::new(),
            may_close: false,
        };
        Ok((projects, leftovers, failure))
    }

    /// The user's file, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Whether a file is being read or written.
    pub fn is_busy(&self) -> bool {
        self.opening.is_some() || self.saver.as_ref().is_some_and(SaveThread::is_busy)
    }

    /// The document is another one now, and as saved.
    fn begin(&mut self, path: Option<PathBuf>, revision: u64) {
        self.path = path;
        self.saved_revision = Some(revision);
        self.timer = AutosaveTimer::new(revision);
    }

    fn remember(&mut self, path: &Path) {
        if let Some(recent) = &mut self.recent {
            if let Err(err) = recent.add(RecentKind::Project, path) {
                log::error!("{err:#}");
            }
            self.recent_files = recent.files(RecentKind::Project);
        }
    }
}

/// Whether a path names a project rather than a photo.
pub fn is_project(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(project::EXTENSION))
}

impl Editor {
    /// The open project.
    pub fn projects(&self) -> &Projects {
        &self.projects
    }

    /// Whether there is something that is in no file of the user's.
    pub fn has_unsaved_changes(&self) -> bool {
        self.projects.saved_revision != Some(self.timeline.revision())
    }

    /// The document as it was just made is no work that could be lost.
    pub(super) fn begin_project(&mut self, path: Option<PathBuf>) {
        self.projects.begin(path, self.timeline.revision());
    }

    /// Asks about unsaved changes first, then does it.
    pub(super) fn once_saved(&mut self, command: Command) -> Option<Command> {
        if !self.has_unsaved_changes() {
            return Some(command);
        }
        self.modal = Some(Modal::Unsaved(Box::new(command)));
        None
    }

    /// The user did not save after all: what was to come after it does not come.
    pub(super) fn forget_what_follows_saving(&mut self) {
        self.projects.after_saving = None;
    }

    pub(super) fn new_project(&mut self) {
        self.forget_autosave();
        self.timeline.restart(Document::default());
        self.begin_project(None);
    }

    fn forget_autosave(&self) {
        if let Some(saver) = &self.projects.saver {
            saver.clear_autosave();
        }
    }

    pub(super) fn open_project(&mut self, path: PathBuf, ctx: &egui::Context) {
        self.begin_opening(path.clone(), Some(path), None, ctx);
    }

    fn begin_opening(&mut self, file: PathBuf, path: Option<PathBuf>, leftover: Option<Leftover>, ctx: &egui::Context) {
        let wake = ctx.clone();
        match Opening::begin(file, move || wake.request_repaint()) {
            Ok(opening) => self.projects.opening = Some((opening, path, leftover)),
            Err(err) => self.notifications.error(&err),
        }
    }

    fn recover(&mut self, leftover: Leftover, ctx: &egui::Context) {
        let (file, path) = (leftover.path().to_owned(), leftover.saved_as.clone());
        self.begin_opening(file, path, Some(leftover), ctx);
    }

    fn take_opened(&mut self, opened: Opened, path: Option<PathBuf>, leftover: Option<Leftover>) {
        for problem in &opened.problems {
            self.notifications.push(Kind::Error, problem.clone());
        }
        let is_damaged = !opened.problems.is_empty();
        if let (Some(made_with), EngineState::Ready(info)) = (&opened.model, self.engine.state())
            && made_with.hash != info.hash
        {
            let text = tr_with(
                "This project was made with the model {name}. Faces look otherwise with another one; nothing is lost",
                &[("name", &made_with.name)],
            );
            self.notifications.push(Kind::Info, text);
        }
        self.shows_in_photo = opened.view.get("in_photo").is_some_and(|value| *value > 0.5);
        self.shows_overlay = opened.view.get("overlay").is_none_or(|value| *value > 0.5);
        if leftover.is_none() {
            self.forget_autosave();
        }
        let document = opened.into_document(&mut self.next_photo_id);
        self.toolbox.finish_gesture(&mut self.timeline);
        (self.face_view, self.waiting_for_face) = (None, std::collections::VecDeque::new());
        self.timeline.restart(document);
        self.say_unknown_directions();
        self.view.fit();
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
                    self.projects.remember(path);
                }
                self.begin_project(path);
            }
        }
    }

    /// Everything as it is, for a file.
    fn snapshot(&self) -> Project {
        let model = match self.engine.state() {
            EngineState::Ready(info) => Some(ModelIdentity::from(&**info)),
            _ => None,
        };
        let thumbnail = self.engine.frame().and_then(|frame| photo::rgb_from_rgba(&frame.rgba, frame.size_px).ok());
        let is_on = |is_on: bool| if is_on { 1.0 } else { 0.0 };
        let view: View = [("in_photo", is_on(self.shows_in_photo)), ("overlay", is_on(self.shows_overlay))]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Project {
            document: self.timeline.document().clone(),
            view,
            model,
            latents: self.engine.latents().clone(),
            thumbnail: thumbnail.map(Arc::new),
        }
    }

    pub(super) fn save_project(&mut self, ctx: &egui::Context) {
        match self.projects.path.clone() {
            Some(path) => self.save_project_to(path),
            None => self.ask(Question::SaveProjectTo, ctx),
        }
    }

    pub(super) fn save_project_to(&mut self, path: PathBuf) {
        self.toolbox.finish_gesture(&mut self.timeline);
        let (path, revision) = (project::with_extension(path), self.timeline.revision());
        let snapshot = self.snapshot();
        if let Some(saver) = &self.projects.saver {
            saver.save(path, snapshot, revision);
        }
    }

    pub(super) fn forget_recent(&mut self) {
        if let Some(recent) = &mut self.projects.recent {
            if let Err(err) = recent.clear() {
                self.notifications.error(&err);
            }
            self.projects.recent_files.clear();
        }
    }

    /// Takes what came from the threads that save and open, and saves by itself when it is time.
    pub(super) fn update_projects(&mut self, ctx: &egui::Context) {
        while let Some(report) = self.projects.saver.as_ref().and_then(SaveThread::poll) {
            self.take_report(report);
        }
        if let Some(result) = self.projects.opening.as_ref().and_then(|(opening, ..)| opening.poll())
            && let Some((_, path, leftover)) = self.projects.opening.take()
        {
            match result {
                Ok(opened) => self.take_opened(opened, path, leftover),
                Err(err) => self.notifications.error(&err),
            }
        }
        self.autosave(ctx);
        self.show_title(ctx);
        if ctx.input(|input| input.viewport().close_requested())
            && !self.projects.may_close
            && self.has_unsaved_changes()
        {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.send(Command::Quit);
        }
    }

    fn take_report(&mut self, report: SaveReport) {
        match &report.target {
            SaveTarget::Autosave => {
                self.projects.timer.finish(&report, Instant::now());
                if let Err(err) = report.result {
                    self.notifications.error(&err.context("the work could not be saved by itself"));
                }
            }
            SaveTarget::Project(path) => match report.result {
                Ok(()) => {
                    self.projects.saved_revision = Some(report.revision);
                    self.projects.timer.keep(report.revision);
                    self.projects.path = Some(path.clone());
                    self.projects.remember(path);
                    self.notifications.push(Kind::Success, tr_with("Saved {name}", &[("name", &name_of(path))]));
                    if let Some(command) = self.projects.after_saving.take() {
                        self.send(command);
                    }
                }
                Err(err) => {
                    self.projects.after_saving = None;
                    self.notifications.error(&err);
                }
            },
        }
    }

    fn autosave(&mut self, ctx: &egui::Context) {
        let revision = self.timeline.revision();
        if !self.projects.has_autosaves || !self.has_unsaved_changes() || self.toolbox.busy().is_some() {
            return;
        }
        match self.projects.timer.due_in(revision, Instant::now()) {
            Some(due_in) if due_in.is_zero() => {
                let snapshot = self.snapshot();
                if let Some(saver) = &self.projects.saver {
                    saver.autosave(snapshot, self.projects.path.clone(), revision);
                    self.projects.timer.begin(revision);
                }
            }
            Some(due_in) => ctx.request_repaint_after(due_in),
            None => {}
        }
    }

    fn show_title(&mut self, ctx: &egui::Context) {
        let name = self.projects.path.as_deref().map(name_of);
        let mark = if self.has_unsaved_changes() { "• " } else { "" };
        let title = match name {
            Some(name) => format!("{mark}{name} – Stylebrush"),
            None => format!("{mark}Stylebrush"),
        };
        if title != self.projects.shown_title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.projects.shown_title = title;
        }
    }

    /// The window closes: what waits to be saved is saved, and nothing is left to recover.
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
        self.wants_quit = true;
    }

    /// The box that asks about unsaved changes before `next` is done.
    pub(super) fn unsaved_ui(&mut self, ui: &mut Ui, next: &Command) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(400.0);
        ui.heading(tr("Save the changes?"));
        ui.add_space(theme::space::TIGHT);
        let name = self.projects.path.as_deref().map_or_else(|| tr("This project").to_owned(), name_of);
        let text = tr_with("{name} has changes that are in no file yet.", &[("name", &name)]);
        ui.label(RichText::new(text).color(palette.text_weak));
        ui.add_space(theme::space::WIDE);
        let mut outcome = Outcome::Stay;
        modals::button_row_ui(ui, |ui| {
            let text = RichText::new(tr("Save")).color(palette.text_on_accent);
            if ui.add(Button::new(text).fill(palette.accent)).clicked() {
                self.projects.after_saving = Some(next.clone());
                outcome = Outcome::Send(Command::SaveProject);
            }
            if ui.button(tr("Don’t save")).clicked() {
                self.projects.saved_revision = Some(self.timeline.revision());
                outcome = Outcome::Send(next.clone());
            }
            if ui.button(tr("Cancel")).clicked() {
                outcome = Outcome::Close;
            }
        });
        outcome
    }

    /// The box that offers what a crash left.
    pub(super) fn recover_ui(&mut self, ui: &mut Ui, leftovers: &mut Vec<Leftover>) -> Outcome {
        let palette = theme::palette(ui.ctx());
        ui.set_width(440.0);
        ui.heading(tr("Recover unsaved work?"));
        ui.add_space(theme::space::TIGHT);
        let text = tr("Stylebrush ended without closing. This is what was saved by itself:");
        ui.label(RichText::new(text).color(palette.text_weak));
        ui.add_space(theme::space::NORMAL);
        let (mut recovered, mut discarded) = (None, None);
        for (index, leftover) in leftovers.iter().enumerate() {
            ui.horizontal(|ui| {
                if let Some(thumbnail) = &leftover.thumbnail {
                    let id = egui::Id::unique(("leftover", leftover.path()));
                    let size = [thumbnail.width() as usize, thumbnail.height() as usize];
                    let known = ui.ctx().data(|data| data.get_temp::<egui::TextureHandle>(id));
                    let texture = known.unwrap_or_else(|| {
                        let picture = egui::ColorImage::from_rgb(size, thumbnail.as_raw());
                        let texture = ui.ctx().load_texture("leftover", picture, egui::TextureOptions::LINEAR);
                        ui.ctx().data_mut(|data| data.insert_temp(id, texture.clone()));
                        texture
                    });
                    ui.add(egui::Image::from_texture(&texture).fit_to_exact_size(vec2(48.0, 48.0)));
                }
                ui.vertical(|ui| {
                    ui.label(leftover.name.as_deref().unwrap_or(tr("Untitled")));
                    ui.label(RichText::new(ago(leftover.saved_at)).small().color(palette.text_weak));
                });
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if ui.button(tr("Discard")).clicked() {
                        discarded = Some(index);
                    }
                    let text = RichText::new(tr("Recover")).color(palette.text_on_accent);
                    if ui.add(Button::new(text).fill(palette.accent)).clicked() {
                        recovered = Some(index);
                    }
                });
            });
        }
        if let Some(index) = recovered.filter(|index| *index < leftovers.len()) {
            let leftover = leftovers.remove(index);
            self.recover(leftover, &ui.ctx().clone());
            return Outcome::Close;
        }
        if let Some(index) = discarded.filter(|index| *index < leftovers.len())
            && let Err(err) = leftovers.remove(index).discard()
        {
            self.notifications.error(&err);
        }
        ui.add_space(theme::space::NORMAL);
        let mut outcome = if leftovers.is_empty() { Outcome::Close } else { Outcome::Stay };
        modals::button_row_ui(ui, |ui| {
            if ui.button(tr("Later")).on_hover_text(tr("The next start asks again")).clicked() {
                outcome = Outcome::Close;
            }
        });
        outcome
    }

    /// The projects that were open lately, in the menu.
    pub(super) fn recent_menu_ui(&mut self, ui: &mut Ui) {
        if self.projects.recent_files.is_empty() {
            return;
        }
        ui.menu_button(tr("Recent projects"), |ui| {
            ui.set_min_width(240.0);
            let files = self.projects.recent_files.clone();
            for RecentFile { path, is_missing } in files {
                let button = ui.add_enabled(!is_missing, Button::new(name_of(&path)));
                if button.on_hover_text(path.display().to_string()).clicked() {
                    self.send(Command::OpenProject(path));
                    ui.close();
                }
            }
            ui.separator();
            self.menu_item_ui(ui, &Command::ForgetRecent);
        });
    }

    /// How far a project is on its way into the window.
    pub(super) fn opening_share(&self) -> Option<f32> {
        self.projects.opening.as_ref().map(|(opening, ..)| opening.progress().share())
    }

    pub(super) fn cancel_opening_project(&mut self) {
        if let Some((opening, ..)) = &self.projects.opening {
            opening.progress().cancel();
        }
    }
}

fn name_of(path: &Path) -> String {
    path.file_stem().map_or_else(|| path.display().to_string(), |stem| stem.to_string_lossy().into_owned())
}

fn ago(time: SystemTime) -> String {
    let minutes = time.elapsed().map_or(0, |elapsed| elapsed.as_secs() / 60);
    match minutes {
        0 => tr("Just now").to_owned(),
        1..=119 => tr_with("{count} minutes ago", &[("count", &minutes.to_string())]),
        120..=2879 => tr_with("{count} hours ago", &[("count", &(minutes / 60).to_string())]),
        _ => tr_with("{count} days ago", &[("count", &(minutes / 1440).to_string())]),
    }
}
