//! The window. It draws the [`Workbench`], turns input into commands, and does what only a window can: ask for
//! files, show messages and boxes, and lay the canvas on the screen.

mod asking;
mod boxes;
mod canvas;
pub mod commands;
mod context;
mod dialogs;
mod driver_errors;
mod icons;
mod input;
pub mod notifications;
mod panels;
mod start;
mod theme;
mod thumbnails;
mod widgets;

use std::sync::Arc;

use anyhow::Context as _;
use egui::ViewportCommand;
use stylemap::engine::Frame;

pub use crate::workbench::{EngineState, LoadEngine, MotionSettings, MotionTarget, UserFolders};
pub use canvas::view;
pub use commands::{Command, CompareMode, Look};
pub use start::{EditorOptions, run};

use crate::document::{PhotoId, Timeline};
use crate::language::{self, tr_with};
use crate::settings::Language;
use crate::workbench::{Action, Effect, Projects, Workbench, WorkbenchOptions};
use boxes::{ExportBox, Modal};
use canvas::{BUSY_AFTER, Canvas, FaceChooser};
use commands::keymap::{self, KeyMap};
use context::{Context, ModelText};
use dialogs::Dialogs;
use driver_errors::DriverErrors;
use notifications::{Kind, Notifications};
use panels::{Menu, Renaming};
use thumbnails::Thumbnails;

/// The window.
pub struct Editor {
    bench: Workbench,
    canvas: Canvas,
    /// The box that is open.
    modal: Option<Modal>,
    renaming: Option<Renaming>,
    notifications: Notifications,
    thumbnails: Thumbnails,
    /// None where paths are typed instead.
    dialogs: Option<Dialogs>,
    /// Commands sent in this frame; they run after everything is drawn.
    sent: Vec<Command>,
    /// What happened after the user pasted into a text field: it waits for the text.
    behind_paste: Vec<egui::Event>,
    /// For how many frames more.
    paste_frames_left: u8,
    /// The menu whose key was pressed.
    opened_menu: Option<Menu>,
    model: ModelText,
    system_language: Language,
    shown_title: String,
    driver_errors: DriverErrors,
}

impl Editor {
    /// The editor in a window or a test harness.
    ///
    /// # Errors
    /// When a thread cannot be started, or the window has no wgpu.
    pub fn new(creation: &eframe::CreationContext<'_>, options: EditorOptions) -> anyhow::Result<Self> {
        let ctx = &creation.egui_ctx;
        let render_state = creation.wgpu_render_state.as_ref().context("the window is not drawn by wgpu")?;
        let EditorOptions { photos, are_aligned, load_engine, model_label, model_card, worker, folders, uses_dialogs } =
            options;
        let wake = {
            let ctx = ctx.clone();
            Arc::new(move || ctx.request_repaint())
        };
        let bench = Workbench::new(WorkbenchOptions { photos, are_aligned, load_engine, worker, folders }, wake)?;
        // Without this an error of the driver ends the program.
        let driver_errors = DriverErrors::default();
        let of_driver = driver_errors.clone();
        render_state.device.on_uncaptured_error(Arc::new(move |err: wgpu::Error| of_driver.take(&err)));
        theme::install(ctx);
        keymap::install(ctx, KeyMap::from_settings(&bench.settings().keys));
        Ok(Self {
            canvas: Canvas::new(render_state.target_format),
            modal: (!bench.projects().leftovers().is_empty()).then_some(Modal::Recover),
            renaming: None,
            notifications: Notifications::default(),
            thumbnails: Thumbnails::default(),
            dialogs: uses_dialogs.then(Dialogs::default),
            sent: Vec::new(),
            behind_paste: Vec::new(),
            paste_frames_left: 0,
            opened_menu: None,
            model: ModelText { label: model_label, card: model_card },
            system_language: language::of_system(),
            shown_title: String::new(),
            driver_errors,
            bench,
        })
    }

    /// The work that the window shows.
    pub fn workbench(&self) -> &Workbench {
        &self.bench
    }

    /// The document and its history.
    pub fn timeline(&self) -> &Timeline {
        self.bench.timeline()
    }

    /// The newest picture.
    pub fn frame(&self) -> Option<&Arc<Frame>> {
        self.bench.frame()
    }

    /// Whether the picture that stays is still to come.
    pub fn is_rendering(&self) -> bool {
        self.bench.is_rendering()
    }

    /// Whether nothing is under way: no photo is opened or read, no picture or file is still to come.
    pub fn is_idle(&self) -> bool {
        self.bench.is_idle()
    }

    /// Whether the motion between two faces plays.
    pub fn is_playing(&self) -> bool {
        self.bench.motion().is_playing()
    }

    /// How far the engine is.
    pub fn engine_state(&self) -> &EngineState {
        self.bench.engine().state()
    }

    /// Where the canvas lies on screen.
    pub fn view(&self) -> &view::CanvasView {
        &self.canvas.view
    }

    /// What of the source shows beside the edit.
    pub fn compare_mode(&self) -> CompareMode {
        self.canvas.compare_mode
    }

    /// The messages on screen.
    pub fn notifications(&self) -> &Notifications {
        &self.notifications
    }

    /// Whether photos are being opened.
    pub fn is_opening(&self) -> bool {
        self.bench.is_opening()
    }

    /// The open project.
    pub fn projects(&self) -> &Projects {
        self.bench.projects()
    }

    /// Whether there is something that is in no file of the user's.
    pub fn has_unsaved_changes(&self) -> bool {
        self.bench.has_unsaved_changes()
    }

    /// The photo that the user is asked about: which of its faces, or where it is.
    pub fn asks_about(&self) -> Option<PhotoId> {
        self.canvas.face_chooser.as_ref().map(|face_chooser| face_chooser.photo)
    }

    /// Sends a command: it runs before the frame ends.
    pub fn send(&mut self, command: impl Into<Command>) {
        self.sent.push(command.into());
    }

    /// One frame of the window.
    pub fn ui(&mut self, ui: &mut egui::Ui) {
        let ctx = ui.ctx().clone();
        let settings = self.bench.settings();
        ctx.set_theme(theme::preference(settings.theme));
        language::set(settings.language.unwrap_or(self.system_language));
        self.bench.poll();
        self.take_answers();
        self.perform_effects(&ctx);
        self.handle_keys(&ctx);
        self.draw(ui);
        self.keep_window_size(&ctx);
        self.tell_driver_errors();
        self.run_sent(&ctx);
        let is_at_rest = !ctx.input(|input| input.pointer.any_down());
        // A slider's drag ends with the button: the next one is a new step.
        if is_at_rest && !input::is_nudging(&ctx) {
            self.bench.seal();
        }
        self.bench.update(is_at_rest);
        self.perform_effects(&ctx);
        self.show_title(&ctx);
        if let Some(after) = self.bench.wakes_in() {
            ctx.request_repaint_after(after);
        }
    }

    fn draw(&mut self, ui: &mut egui::Ui) {
        let ctx = ui.ctx().clone();
        self.thumbnails.retain(self.bench.document());
        let mut context = Context {
            bench: &self.bench,
            canvas: self.canvas.state(&self.bench, &ctx),
            thumbnails: &mut self.thumbnails,
            model: &self.model,
            sent: &mut self.sent,
        };
        context.top_bar_ui(ui, self.opened_menu.take());
        context.status_bar_ui(ui);
        context.side_panel_ui(ui, &mut self.renaming);
        context.tool_strip_ui(ui);
        self.canvas.is_comparing |= context.tool_options_ui(ui, &mut self.canvas.face_chooser);
        // What the panels did comes before what the pointer does on the canvas: a name that a press ends, then the stroke.
        self.run_sent(&ctx);
        let is_blocked = self.modal.is_some();
        if let Some(Modal::Learn(learn_box)) = &mut self.modal {
            // Files that are dropped on it are examples, and no photos to open.
            learn_box.dropped = ctx.input_mut(|input| std::mem::take(&mut input.raw.dropped_files));
        }
        self.canvas.ui(&mut self.bench, ui, is_blocked, &mut self.thumbnails, &mut self.sent);
        let mut context = Context {
            bench: &self.bench,
            canvas: self.canvas.state(&self.bench, &ctx),
            thumbnails: &mut self.thumbnails,
            model: &self.model,
            sent: &mut self.sent,
        };
        context.modal_ui(&ctx, &mut self.modal);
        self.notifications.ui(&ctx, self.canvas.view.area());
    }

    fn run_sent(&mut self, ctx: &egui::Context) {
        for command in std::mem::take(&mut self.sent) {
            self.run(command, ctx);
        }
    }

    /// Does what a command says, unless it has nothing to do.
    fn run(&mut self, command: Command, ctx: &egui::Context) {
        if command.is_enabled(&self.bench) {
            match command {
                Command::Do(action) => self.bench.apply(action),
                Command::Look(look) => {
                    let had_box = self.modal.is_some();
                    self.look(look, ctx);
                    if self.modal.is_some() && !had_box {
                        // The key that chose it in a menu is no answer to the box.
                        ctx.input_mut(|input| input.consume_key(egui::Modifiers::NONE, egui::Key::Enter));
                    }
                }
            }
            ctx.request_repaint();
        }
    }

    fn look(&mut self, look: Look, ctx: &egui::Context) {
        let Some(look) = self.canvas.look(look, &self.bench, ctx) else { return };
        match look {
            Look::AskFor(question) => self.ask(question, ctx),
            Look::AskForPath(question) => self.ask_for_path(self.bench.as_it_shows(question)),
            Look::ShowExport { in_photo } => {
                let in_photo = in_photo || self.bench.shown_photo().is_some();
                self.modal = Some(Modal::Export(ExportBox::new(&self.bench, in_photo)));
            }
            Look::ShowMotionExport => self.modal = Some(Modal::Motion),
            Look::ShowRandomFaces => {
                if let EngineState::Ready(info) = self.bench.engine().state() {
                    self.modal = Some(Modal::random_faces(info.usual_truncation()));
                }
            }
            Look::ShowLesson => self.show_lesson(),
            Look::ShowBatch => self.modal = Some(Modal::Batch),
            Look::ShowPresets => self.modal = Some(Modal::presets()),
            Look::ShowPalette => self.modal = Some(Modal::palette()),
            Look::ShowKeys => self.modal = Some(Modal::keys()),
            Look::ShowPreferences => self.modal = Some(Modal::Preferences),
            Look::ShowAbout => self.modal = Some(Modal::About),
            Look::ShowModelCard => self.modal = Some(Modal::ModelCard),
            Look::ChooseFace(photo) => self.ask_about(photo, FaceChooser::new),
            Look::PlaceFace(photo) => self.ask_about(photo, FaceChooser::placing),
            Look::RenameLayer => self.renaming = self.bench.document().active_layer().map(Renaming::begin),
            // Done by the canvas.
            Look::ZoomIn
            | Look::ZoomOut
            | Look::ZoomToFit
            | Look::ZoomToFill
            | Look::ZoomToPainted
            | Look::ZoomToActualSize
            | Look::ToggleCompare(_) => {}
        }
    }

    /// Shows the lesson, unless it shows already.
    fn show_lesson(&mut self) {
        if let (EngineState::Ready(info), false) =
            (self.bench.engine().state(), matches!(self.modal, Some(Modal::Learn(_))))
        {
            self.modal = Some(Modal::learn(info.usual_truncation()));
        }
    }

    /// Asks about the face in this photo, or in the source.
    fn ask_about(&mut self, photo: Option<PhotoId>, view: fn(&crate::document::Photo) -> FaceChooser) {
        let photo = photo.map_or_else(|| self.bench.source_in_photo(), |photo| self.bench.placement_of(photo));
        self.canvas.face_chooser = photo.map(|(photo, _)| view(&photo));
    }

    fn perform_effects(&mut self, ctx: &egui::Context) {
        for effect in self.bench.take_effects() {
            match effect {
                Effect::Tell(notice) => self.notifications.tell(notice),
                Effect::Ask(question) => self.ask(question, ctx),
                Effect::AskToSaveBefore(next) => self.modal = Some(Modal::Unsaved(next)),
                Effect::AskToStopBatch => self.modal = Some(Modal::StopBatch),
                Effect::ShowBatch => self.modal = Some(Modal::Batch),
                Effect::ShowLesson => self.show_lesson(),
                Effect::AskToOverwrite(overwriting) => self.modal = Some(Modal::Overwrite(overwriting)),
                Effect::ChangedDocument => {
                    self.canvas.face_chooser = None;
                    self.canvas.view.forget();
                }
                Effect::Copy(picture) => {
                    let size = [picture.width() as usize, picture.height() as usize];
                    ctx.copy_image(egui::ColorImage::from_rgb(size, picture.as_raw()));
                    let size = size.map(|len| len.to_string());
                    let text = "The picture is on the clipboard: {width} × {height} pixels";
                    let text = tr_with(text, &[("width", &size[0]), ("height", &size[1])]);
                    self.notifications.push(Kind::Success, text);
                }
                Effect::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            }
            ctx.request_repaint();
        }
        let closes = ctx.input(|input| input.viewport().close_requested());
        let would_lose = self.bench.has_unsaved_changes() || self.bench.batch().is_running();
        if closes && !self.bench.projects().may_close() && would_lose {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
            self.send(Action::Quit);
        }
    }

    /// Remembers how large the window is, unless it fills the screen.
    fn keep_window_size(&mut self, ctx: &egui::Context) {
        let size = ctx.input(|input| {
            let viewport = input.viewport();
            let is_usual = viewport.maximized != Some(true) && viewport.fullscreen != Some(true);
            viewport.inner_rect.map(|rect| rect.size()).filter(|_| is_usual)
        });
        let size: Option<[f32; 2]> = size.map(|size| size.round().into());
        if let Some(size) = size.filter(|size| self.bench.settings().sizes.window != Some(*size)) {
            self.bench.apply(Action::SetWindowSize(size));
        }
    }

    /// Says what the graphics driver refused, once.
    fn tell_driver_errors(&mut self) {
        if let Some(reason) = self.driver_errors.first() {
            let text = "The graphics driver could not draw everything: {reason}";
            self.notifications.push(Kind::Error, tr_with(text, &[("reason", &reason)]));
        }
    }

    fn show_title(&mut self, ctx: &egui::Context) {
        let mark = if self.bench.has_unsaved_changes() { "• " } else { "" };
        let title = match self.bench.projects().name() {
            Some(name) => format!("{mark}{name} – Stylebrush"),
            None => format!("{mark}Stylebrush"),
        };
        if title != self.shown_title {
            ctx.send_viewport_cmd(ViewportCommand::Title(title.clone()));
            self.shown_title = title;
        }
    }
}

impl eframe::App for Editor {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        Self::ui(self, ui);
    }

    fn raw_input_hook(&mut self, ctx: &egui::Context, raw_input: &mut egui::RawInput) {
        self.translate_clipboard_keys(ctx, &mut raw_input.events);
    }

    fn on_exit(&mut self) {
        self.bench.close();
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        let theme = if visuals.dark_mode { egui::Theme::Dark } else { egui::Theme::Light };
        theme::of_theme(theme).canvas.to_normalized_gamma_f32()
    }
}
