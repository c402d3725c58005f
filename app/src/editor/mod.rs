//! The window. [`Editor`] holds the state; what it shows is in the submodules, one per part of the window; everything that
//! a user can do goes through [`Command`].

mod canvas;
pub mod commands;
mod dialogs;
mod edit_view;
mod engine_link;
mod export_box;
mod face_view;
mod gpu;
mod icons;
mod keymap;
mod language;
mod mask_files;
mod modals;
mod model_card;
mod motion;
pub mod notifications;
mod palette;
mod panels;
mod projects;
mod random_faces;
mod theme;
mod thumbnails;
pub mod view;
mod widgets;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use anyhow::Context as _;
use image::RgbImage;
use stylemap::engine::{Frame, WorkerOptions};

pub use canvas::CompareMode;
pub use commands::Command;
pub use engine_link::{EngineState, LoadEngine};

use crate::document::history::EditKey;
use crate::document::mask_ops::MASK_STEP_PX;
use crate::document::{
    Blend, CANVAS_SIZE_PX, Combine, Document, FaceRegion, LayerId, MaskImage, Photo, PhotoId, Placement, Timeline,
};
use crate::edited_face::{self, EditedFace};
use crate::export;
use crate::photo_loading::{Batch, LoadedPhoto, PhotoLoader, Purpose};
use crate::settings::{ExportSettings, Language, Settings};
use crate::tools::{ToolKind, Toolbox};
use canvas::Canvas;
use dialogs::{Answer, Dialogs, Question};
use edit_view::{EditView, PatchKey, Place};
use engine_link::{EngineLink, Report};
use face_view::FaceView;
use keymap::KeyMap;
use language::{tr, tr_with};
use mask_files::MaskFiles;
use modals::{KeysBox, Modal, PathBox};
use motion::Motion;
pub use motion::{MotionSettings, MotionTarget};
use notifications::{Kind, Notifications};
use palette::Palette;
use panels::Renaming;
pub use projects::UserFolders;
use projects::{Projects, is_project};
use random_faces::RandomFaces;
use thumbnails::Thumbnails;
use view::CanvasView;

/// What the editor starts with.
pub struct EditorOptions {
    /// Photos to open, the first as the source, the second as the reference; none for the demo portraits.
    pub photos: Vec<PathBuf>,
    /// Whether photos already are aligned square crops: nobody looks for faces in them.
    pub are_aligned: bool,
    /// Loads the model, on the engine's thread.
    pub load_engine: LoadEngine,
    /// What the status bar calls the model while it is loaded.
    pub model_label: String,
    /// What is written about the model, in Markdown, where it came with a card.
    pub model_card: Option<&'static str>,
    /// How the engine's thread runs.
    pub worker: WorkerOptions,
    /// Where settings, autosaves and recent files are kept; none keeps none.
    pub folders: Option<UserFolders>,
    /// Whether the system's file dialogs ask for files; else boxes of our own ask for paths.
    pub uses_dialogs: bool,
}

/// The window's inside at the first start, and at the least, in points.
const DEFAULT_SIZE: [f32; 2] = [1360.0, 860.0];
const MIN_SIZE: [f32; 2] = [960.0, 600.0];

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When there is no display or no graphics adapter.
pub fn run(options: EditorOptions) -> anyhow::Result<()> {
    // The editor reads them again, and says what is wrong with them.
    let settings = options.folders.as_ref().and_then(|folders| Settings::load(&folders.settings).ok());
    let size = settings.and_then(|settings| settings.sizes.window).unwrap_or(DEFAULT_SIZE);
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Stylebrush")
            .with_app_id("stylebrush")
            .with_inner_size([size[0].max(MIN_SIZE[0]), size[1].max(MIN_SIZE[1])])
            .with_min_inner_size(MIN_SIZE)
            .with_drag_and_drop(true)
            .with_icon(icon()),
        renderer: eframe::Renderer::Wgpu,
        centered: true,
        persist_window: false,
        // A brush that trails the pointer feels wrong: no frame waits in a queue.
        wgpu_options: eframe::egui_wgpu::WgpuConfiguration::default()
            .with_surface_config(eframe::egui_wgpu::SurfaceConfig::LOW_LATENCY),
        ..eframe::NativeOptions::default()
    };
    let result = eframe::run_native(
        "Stylebrush",
        native,
        Box::new(move |creation| {
            let editor = Editor::new(creation, options).map_err(|err| format!("{err:#}"))?;
            Ok(Box::new(editor))
        }),
    );
    result.map_err(|err| match err {
        eframe::Error::Winit(err) => anyhow::anyhow!("no display: {}", without_source_line(&err.to_string())),
        eframe::Error::WinitEventLoop(err) => anyhow::anyhow!("no display: {}", without_source_line(&err.to_string())),
        eframe::Error::Wgpu(err) => {
            log::error!("{err}");
            anyhow::anyhow!("no display: no graphics driver can draw the window, neither Vulkan nor OpenGL")
        }
        eframe::Error::AppCreation(err) => anyhow::anyhow!("the editor could not be started: {err}"),
    })
}

/// The window library puts its own source line before what the system said.
fn without_source_line(text: &str) -> &str {
    let reason = text.strip_prefix("os error at ").and_then(|rest| rest.split_once(": "));
    reason.map_or(text, |(_, reason)| reason)
}

/// A stroke's round end on a dark ground, drawn here as no file is needed for it.
fn icon() -> egui::IconData {
    const SIDE: u32 = 64;
    let rgba = (0..SIDE * SIDE).flat_map(|i| {
        let (x, y) = ((i % SIDE) as f32 + 0.5 - 32.0, (i / SIDE) as f32 + 0.5 - 32.0);
        // Signed distances to a rounded square and to two discs, antialiased over one pixel.
        let square = (x.abs() - 16.0).max(0.0).hypot((y.abs() - 16.0).max(0.0)) - 14.0;
        let cover = |distance: f32| (0.5 - distance).clamp(0.0, 1.0);
        let (left, right) = (cover((x + 7.0).hypot(y) - 15.0), cover((x - 9.0).hypot(y) - 13.0));
        let mut color = [34.0, 34.0, 38.0];
        for (paint, amount) in [([59.0, 125.0, 240.0], left), ([47.0, 209.0, 224.0], right * 0.85)] {
            for (channel, paint) in color.iter_mut().zip(paint) {
                *channel += (paint - *channel) * amount;
            }
        }
        [color[0] as u8, color[1] as u8, color[2] as u8, (cover(square) * 255.0) as u8]
    });
    egui::IconData { rgba: rgba.collect(), width: SIDE, height: SIDE }
}

/// A picture on its way to a file: it waits for the frame of the document as it was asked for.
struct PendingExport {
    path: PathBuf,
    request: u64,
    /// The source, where the whole photo is to be written.
    in_photo: Option<PhotoId>,
}

/// What an export writes, ready for its thread.
enum Picture {
    Face(Box<EditedFace>),
    InPhoto(Box<EditedFace>),
}

impl Picture {
    fn write(&self, path: &Path, settings: ExportSettings) -> anyhow::Result<()> {
        // Known before the work begins.
        let format = export::Format::of(path)?;
        match self {
            Self::Face(edit) => {
                let picture = edit.by_itself(edit.full_size_px())?;
                export::write(path, &picture, format, &settings.file_options(None))
            }
            Self::InPhoto(edit) => {
                let icc_profile = edit.placement()?.original.icc_profile.as_deref();
                export::write(path, &edit.in_photo()?, format, &settings.file_options(icc_profile))
            }
        }
    }
}

/// The editor: all state of the window.
pub struct Editor {
    timeline: Timeline,
    toolbox: Toolbox,
    view: CanvasView,
    canvas: Canvas,
    engine: EngineLink,
    model_label: String,
    model_card: Option<&'static str>,
    loader: PhotoLoader,
    projects: Projects,
    /// None where paths are typed instead.
    dialogs: Option<Dialogs>,
    exports_done: (Sender<anyhow::Result<PathBuf>>, Receiver<anyhow::Result<PathBuf>>),
    pending_exports: Vec<PendingExport>,
    /// Exports whose threads are at work.
    running_exports: usize,
    mask_files: MaskFiles,
    edit_view: EditView,
    /// The photo that the user is asked about, and those that come after it.
    face_view: Option<FaceView>,
    waiting_for_face: VecDeque<PhotoId>,
    notifications: Notifications,
    thumbnails: Thumbnails,
    modal: Option<Modal>,
    renaming: Option<Renaming>,
    /// Commands sent by widgets in this frame; they run after the widgets are drawn.
    sent: Vec<Command>,
    next_photo_id: u64,
    are_aligned: bool,
    shows_overlay: bool,
    shows_in_photo: bool,
    /// Whether only what the active layer paints shows.
    isolates_layer: bool,
    /// Whether the sliders of the model's directions move only what the active layer paints.
    adjusts_layer: bool,
    settings: Settings,
    /// As they are on the disk.
    kept_settings: Settings,
    system_language: Language,
    settings_file: Option<PathBuf>,
    compare_mode: CompareMode,
    motion: Motion,
    /// Where the line between source and edit lies, from the left of the canvas to its right.
    split_share: f32,
    /// Whether the key that shows the source is held.
    is_comparing: bool,
    target_format: wgpu::TextureFormat,
    wants_quit: bool,
}

impl Editor {
    /// The editor in a window or a test harness.
    ///
    /// # Errors
    /// When a thread cannot be started, or the window has no wgpu.
    pub fn new(creation: &eframe::CreationContext<'_>, options: EditorOptions) -> anyhow::Result<Self> {
        let ctx = &creation.egui_ctx;
        let render_state = creation.wgpu_render_state.as_ref().context("the window is not drawn by wgpu")?;
        let target_format = render_state.target_format;
        let EditorOptions { photos, are_aligned, load_engine, model_label, model_card, worker, folders, uses_dialogs } =
            options;
        let mut notifications = Notifications::default();
        let settings_file = folders.as_ref().map(|folders| folders.settings.clone());
        let settings = settings_file.as_deref().map(Settings::load).transpose().unwrap_or_else(|err| {
            notifications.error(&err);
            None
        });
        let settings = settings.unwrap_or_default();
        theme::install(ctx);
        keymap::install(ctx, KeyMap::from_settings(&settings.keys));
        let wake = {
            let ctx = ctx.clone();
            move || ctx.request_repaint()
        };
        let (projects, leftovers, failure) = Projects::start(folders.as_ref(), wake.clone())?;
        if let Some(failure) = failure {
            notifications.error(&failure);
        }
        let loader = PhotoLoader::spawn(are_aligned, wake.clone())?;
        let mut editor = Self {
            timeline: Timeline::default(),
            toolbox: Toolbox::default(),
            view: CanvasView::default(),
            canvas: Canvas::default(),
            edit_view: EditView::spawn(wake.clone())?,
            engine: EngineLink::spawn(load_engine, worker, wake),
            model_label,
            model_card,
            loader,
            projects,
            dialogs: uses_dialogs.then(Dialogs::default),
            exports_done: channel(),
            pending_exports: Vec::new(),
            running_exports: 0,
            mask_files: MaskFiles::default(),
            face_view: None,
            waiting_for_face: VecDeque::new(),
            notifications,
            thumbnails: Thumbnails::default(),
            modal: (!leftovers.is_empty()).then_some(Modal::Recover(leftovers)),
            renaming: None,
            sent: Vec::new(),
            next_photo_id: 1,
            are_aligned,
            shows_overlay: true,
            shows_in_photo: false,
            isolates_layer: false,
            adjusts_layer: false,
            kept_settings: settings.clone(),
            settings,
            settings_file,
            system_language: language::of_system(),
            compare_mode: CompareMode::default(),
            motion: Motion::default(),
            split_share: 0.5,
            is_comparing: false,
            target_format,
            wants_quit: false,
        };
        // A project named on the command line is the document.
        let purpose = if photos.iter().any(|path| is_project(path)) { Purpose::Add } else { Purpose::Start };
        editor.open_paths(purpose, photos);
        Ok(editor)
    }

    /// The document and its history.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The newest picture.
    pub fn frame(&self) -> Option<&Arc<Frame>> {
        self.engine.frame()
    }

    /// Whether the picture that stays is still to come.
    pub fn is_rendering(&self) -> bool {
        let is_finished = |key: PatchKey| self.edit_view.shown(key.photo, key.place).is_some_and(|it| it.key == key);
        self.engine.is_unsettled() || !self.wanted_patch().is_none_or(is_finished)
    }

    /// Whether nothing is under way: no photo is opened or read, no picture or file is still to come.
    pub fn is_idle(&self) -> bool {
        let photos = self.timeline.document().photos();
        self.loader.remaining() == 0
            && matches!(self.engine.state(), EngineState::Ready(_))
            && !self.is_rendering()
            && self.pending_exports.is_empty()
            && self.running_exports == 0
            && self.motion.progress().is_none()
            && !self.projects.is_busy()
            && !self.mask_files.is_busy()
            && photos.iter().all(|photo| !self.engine.is_encoding(photo.id))
    }

    /// Whether the motion between two faces plays.
    pub fn is_playing(&self) -> bool {
        self.motion.is_playing()
    }

    /// How far the engine is.
    pub fn engine_state(&self) -> &EngineState {
        self.engine.state()
    }

    /// Where the canvas lies on screen.
    pub fn view(&self) -> &CanvasView {
        &self.view
    }

    /// The messages on screen.
    pub fn notifications(&self) -> &Notifications {
        &self.notifications
    }

    /// Whether photos are being opened.
    pub fn is_opening(&self) -> bool {
        self.loader.remaining() > 0
    }

    /// The photo that the user is asked about: which of its faces, or where it is.
    pub fn asks_about(&self) -> Option<PhotoId> {
        self.face_view.as_ref().map(|face_view| face_view.photo)
    }

    /// The source and where it lies in its photo; none where its crop is all there is.
    fn source_in_photo(&self) -> Option<(Arc<Photo>, Placement)> {
        let document = self.timeline.document();
        let photo = document.photo(document.source()?)?;
        Some((Arc::clone(photo), photo.placement.clone()?))
    }

    /// The same while the canvas shows the whole photo.
    fn shown_photo(&self) -> Option<(Arc<Photo>, Placement)> {
        self.source_in_photo().filter(|_| self.shows_in_photo)
    }

    /// The newest picture, ready to be finished with the photos' fine structure.
    fn edited_face(&self) -> Option<EditedFace> {
        let document = self.timeline.document();
        let photo = document.photo(document.source()?)?;
        // The picture may still be that of another source.
        let (frame, scene) = (Arc::clone(self.engine.frame()?), self.engine.shown_scene(photo.id)?.clone());
        Some(EditedFace::new(document, Arc::clone(photo), frame, scene))
    }

    /// The finished picture that the canvas should show.
    fn wanted_patch(&self) -> Option<PatchKey> {
        let source = self.timeline.document().source()?;
        let frame = self.engine.frame()?.order();
        self.engine.shown_scene(source)?;
        let place = if self.shown_photo().is_some() { Place::Photo } else { Place::Face };
        Some(PatchKey { photo: source, place, frame })
    }

    /// Begins the document: the first photo is its source, the second its reference.
    fn start_with(&mut self, photos: Vec<LoadedPhoto>) {
        let mut document = Document::default();
        let photos: Vec<Photo> = photos.into_iter().map(|photo| photo.numbered(self.take_photo_id())).collect();
        let ids: Vec<PhotoId> = photos.iter().map(|photo| photo.id).collect();
        self.ask_about(&photos);
        photos.into_iter().for_each(|photo| document.add_photo(photo));
        if let Some(&reference) = ids.get(1) {
            // A new document has room for a layer, and the photo is in it.
            let _ = document.add_layer(reference);
        }
        if let Some(&with) = ids.get(2).or(ids.get(1)) {
            let _ = document.set_blend(Some(Blend { with, t: 0.0 }));
        }
        self.timeline.restart(document);
        self.begin_project(None);
    }

    fn take_photo_id(&mut self) -> PhotoId {
        let id = PhotoId(self.next_photo_id);
        self.next_photo_id += 1;
        id
    }

    /// Asks which face, wherever that is not plain.
    fn ask_about(&mut self, photos: &[Photo]) {
        if !self.are_aligned {
            self.waiting_for_face
                .extend(photos.iter().filter(|photo| FaceView::is_needed_for(photo)).map(|photo| photo.id));
        }
    }

    /// Sends a command: it runs before the frame ends.
    pub fn send(&mut self, command: Command) {
        self.sent.push(command);
    }

    /// Whether a command has something to do now.
    pub fn is_enabled(&self, command: &Command) -> bool {
        let document = self.timeline.document();
        let active = document.active_layer();
        let has_paint = active.is_some_and(|layer| !layer.mask.is_empty());
        match command {
            Command::CopyPicture => self.engine.frame().is_some(),
            Command::Undo => self.timeline.undo_name().is_some(),
            Command::Redo => self.timeline.redo_name().is_some(),
            Command::Export | Command::ExportByPath => !document.is_empty(),
            Command::ToggleInPhoto | Command::ExportInPhoto => self.source_in_photo().is_some(),
            Command::ChooseFace(photo) => {
                self.placement_of(*photo).is_some_and(|(_, it)| !it.original.faces.is_empty())
            }
            Command::PlaceFace(photo) => self.placement_of(*photo).is_some(),
            Command::CancelOpening => self.is_opening() || self.opening_share().is_some(),
            Command::DuplicateLayer | Command::DeleteLayer | Command::RenameLayer => active.is_some(),
            Command::InvertMask | Command::PaintPreset(..) => active.is_some(),
            Command::ImportMask | Command::ImportMaskByPath | Command::ImportMaskFrom(_) => active.is_some(),
            Command::GrowMask | Command::ShrinkMask | Command::SoftenMask => has_paint,
            Command::ExportMask | Command::ExportMaskByPath | Command::ExportMaskTo(_) => has_paint,
            Command::CopyMaskTo(target, _) => has_paint && active.is_some_and(|layer| layer.id != *target),
            Command::RaiseLayer => document.layers().last().map(|layer| layer.id) != active.map(|layer| layer.id),
            Command::LowerLayer => document.layers().first().map(|layer| layer.id) != active.map(|layer| layer.id),
            Command::ClearMask | Command::NudgeRegion(..) => has_paint,
            Command::ResetOffset => active.is_some_and(|layer| layer.offset_px != (0, 0)),
            Command::SwapBlend | Command::ToggleMotion | Command::ExportMotion => document.blend().is_some(),
            Command::MixStyles(_) => document.blend().is_some(),
            Command::AdjustInsideMask => active.is_some(),
            Command::ResetAdjustments => !document.directions(self.adjusted_layer()).is_empty(),
            Command::CancelExport => self.motion.progress().is_some(),
            _ => true,
        }
    }

    /// A photo, or the source, and where its face lies in it.
    fn placement_of(&self, photo: Option<PhotoId>) -> Option<(Arc<Photo>, Placement)> {
        let Some(id) = photo else { return self.source_in_photo() };
        let photo = self.timeline.document().photo(id)?;
        Some((Arc::clone(photo), photo.placement.clone()?))
    }

    /// What a menu calls a command: undo and redo name the edit.
    pub fn text_of(&self, command: &Command) -> String {
        let edit = match command {
            Command::Undo => self.timeline.undo_name(),
            Command::Redo => self.timeline.redo_name(),
            _ => None,
        };
        match edit.map(tr) {
            Some(edit) => {
                let mut letters = edit.chars();
                let lower: String =
                    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default();
                format!("{} {lower}", command.text())
            }
            None => command.text().to_owned(),
        }
    }

    /// Does what a command says.
    pub fn run(&mut self, command: Command, ctx: &egui::Context) {
        if !self.is_enabled(&command) {
            return;
        }
        if self.toolbox.busy().is_some() && changes_document(&command) {
            self.toolbox.finish_gesture(&mut self.timeline);
        }
        let active = self.timeline.document().active_layer().map(|layer| layer.id);
        match command {
            Command::Open => self.ask(Question::OpenPhotos, ctx),
            Command::OpenByPath => self.ask_for_path(Question::OpenPhotos),
            Command::OpenPaths(paths) => self.open_paths(Purpose::Add, paths),
            Command::NewProject => {
                if self.once_saved(Command::NewProject).is_some() {
                    self.new_project();
                }
            }
            Command::OpenProject(path) => {
                if let Some(Command::OpenProject(path)) = self.once_saved(Command::OpenProject(path)) {
                    self.open_project(path, ctx);
                }
            }
            Command::SaveProject => self.save_project(ctx),
            Command::SaveProjectAs => self.ask(Question::SaveProjectTo, ctx),
            Command::SaveProjectByPath => self.ask_for_path(Question::SaveProjectTo),
            Command::SaveProjectTo(path) => self.save_project_to(path),
            Command::ForgetRecent => self.forget_recent(),
            Command::Export => self.modal = Some(Modal::Export(self.export_box(false))),
            Command::ExportByPath => self.ask_for_path(Question::ExportTo),
            Command::ExportTo(path) => self.export_to(path, None),
            Command::ExportInPhoto => self.modal = Some(Modal::Export(self.export_box(true))),
            Command::ExportInPhotoTo(path) => {
                if let Some((photo, _)) = self.source_in_photo() {
                    self.export_to(path, Some(photo.id));
                }
            }
            Command::ToggleMotion => self.toggle_motion(),
            Command::ExportMotion => self.modal = Some(Modal::Motion),
            Command::AskFor(question) => self.ask(question, ctx),
            Command::ExportMotionTo(target) => self.record_motion(target),
            Command::CancelExport => self.cancel_recording(),
            Command::CancelOpening => {
                self.loader.cancel();
                self.cancel_opening_project();
            }
            Command::Quit => {
                if self.once_saved(Command::Quit).is_some() {
                    self.quit();
                }
            }
            Command::CopyPicture => self.copy_picture(ctx),
            Command::Undo => {
                self.timeline.undo();
            }
            Command::Redo => {
                self.timeline.redo();
            }
            Command::GoToStep(done) => self.timeline.go_to_step(done),
            Command::ShowRandomFaces => self.modal = Some(Modal::RandomFaces(RandomFaces::default())),
            Command::AddRandomFace(request) => self.add_random_face(request),
            Command::MixStyles(mix) => self.timeline.edit("Mix styles", |document| document.set_style_mix(mix)),
            Command::AdjustWholeFace => self.adjusts_layer = false,
            Command::AdjustInsideMask => self.adjusts_layer = true,
            Command::ResetAdjustments => self.reset_adjustments(),
            Command::ShowPalette => self.modal = Some(Modal::Palette(Palette::default())),
            Command::UseTheme(theme) => self.settings.theme = theme,
            Command::UseLanguage(language) => self.settings.language = language,
            Command::SelectTool(tool) => self.toolbox.selected = tool,
            Command::BrushLarger => self.resize_brush(1.15),
            Command::BrushSmaller => self.resize_brush(1.0 / 1.15),
            Command::BrushHarder => self.harden_brush(0.1),
            Command::BrushSofter => self.harden_brush(-0.1),
            Command::ZoomIn => self.view.zoom_at(self.view.area().center(), 1.25),
            Command::ZoomOut => self.view.zoom_at(self.view.area().center(), 0.8),
            Command::ZoomToFit => self.view.fit(),
            Command::ZoomToActualSize => {
                let scale = self.actual_size_scale(ctx);
                self.view.set_scale(scale);
            }
            Command::ToggleOverlay => self.shows_overlay = !self.shows_overlay,
            Command::ToggleInPhoto => self.shows_in_photo = !self.shows_in_photo,
            Command::ToggleIsolation => self.isolates_layer = !self.isolates_layer,
            Command::ToggleCompare(mode) => {
                self.compare_mode = if self.compare_mode == mode { CompareMode::Off } else { mode };
            }
            Command::ChooseFace(photo) => {
                self.face_view = self.placement_of(photo).map(|(photo, _)| FaceView::new(&photo));
            }
            Command::PlaceFace(photo) => {
                self.face_view = self.placement_of(photo).map(|(photo, _)| FaceView::placing(&photo));
            }
            Command::UseFace(id, landmarks) => {
                self.face_view = None;
                let known = self.placement_of(Some(id));
                if let Some((photo, _)) = known.filter(|(_, placement)| placement.landmarks != Some(landmarks)) {
                    self.loader.cut_out(photo, landmarks);
                }
            }
            Command::UseAsReference(photo) => self.use_as_reference(photo),
            Command::AddLayer(photo) => self.edit("Add layer", |document| document.add_layer(photo).map(|_| ())),
            Command::MakeSource(photo) => self.edit("Change source", |document| document.set_source(photo)),
            Command::BlendWith(photo) => self.edit("Change blend", |document| {
                let t = document.blend().map_or(0.5, |blend| blend.t);
                document.set_blend(photo.map(|with| Blend { with, t }))
            }),
            Command::SwapBlend => self.edit("Swap faces", |document| {
                let (Some(source), Some(blend)) = (document.source(), document.blend()) else { return Ok(()) };
                document.set_source(blend.with)?;
                document.set_blend(Some(Blend { with: source, t: 1.0 - blend.t }))
            }),
            Command::RemovePhoto(photo) => self.edit("Close photo", |document| {
                document.remove_photo(photo);
                Ok(())
            }),
            Command::SelectLayer(layer) => self.timeline.select_layer(layer),
            Command::ToggleLayer(id) => {
                let visible = self.timeline.document().layer(id).is_some_and(|layer| layer.visible);
                let name = if visible { "Hide layer" } else { "Show layer" };
                self.timeline.edit(name, |document| document.update_layer(id, |layer| layer.visible = !visible));
            }
            Command::DuplicateLayer => {
                if let Some(id) = active {
                    self.edit("Duplicate layer", |document| document.duplicate_layer(id).map(|_| ()));
                }
            }
            Command::DeleteLayer => {
                if let Some(id) = active {
                    self.timeline.edit("Delete layer", |document| document.remove_layer(id));
                }
            }
            Command::RaiseLayer => self.reorder(active, 1),
            Command::LowerLayer => self.reorder(active, -1),
            Command::ClearMask => self.edit_active("Clear mask", active, |mask| *mask = MaskImage::default()),
            Command::InvertMask => self.edit_active("Invert mask", active, MaskImage::invert),
            Command::GrowMask => self.edit_active("Grow mask", active, |mask| mask.grow(MASK_STEP_PX)),
            Command::ShrinkMask => self.edit_active("Shrink mask", active, |mask| mask.shrink(MASK_STEP_PX)),
            Command::SoftenMask => self.edit_active("Soften mask", active, |mask| mask.soften(MASK_STEP_PX as f32)),
            Command::PaintPreset(region, how) => self.paint_preset(region, how),
            Command::CopyMaskTo(target, how) => {
                if let Some(id) = active {
                    self.timeline.edit(command.text(), |document| document.copy_mask(id, target, how));
                }
            }
            Command::ImportMask => self.ask(Question::ImportMaskFrom, ctx),
            Command::ImportMaskByPath => self.ask_for_path(Question::ImportMaskFrom),
            Command::ImportMaskFrom(path) => self.import_mask(path, ctx),
            Command::ExportMask => self.ask(Question::ExportMaskTo, ctx),
            Command::ExportMaskByPath => self.ask_for_path(Question::ExportMaskTo),
            Command::ExportMaskTo(path) => self.export_mask(path, ctx),
            Command::RenameLayer => self.begin_renaming(),
            Command::ReorderLayer(layer, steps) => self.reorder(Some(layer), steps),
            Command::ResetOffset => {
                if let Some(id) = active {
                    self.timeline.edit("Reset position", |document| {
                        document.update_layer(id, |layer| layer.offset_px = (0, 0));
                    });
                }
            }
            Command::NudgeRegion(dx, dy) => {
                if let Some(id) = active {
                    self.timeline.edit_continuously("Move region", EditKey::LayerOffset(id), |document| {
                        document.update_layer(id, |layer| {
                            layer.offset_px.0 += dx;
                            layer.offset_px.1 += dy;
                        });
                    });
                }
            }
            Command::ShowKeys => self.modal = Some(Modal::Keys(KeysBox::default())),
            Command::ShowAbout => self.modal = Some(Modal::About),
            Command::ShowModelCard => self.modal = Some(Modal::ModelCard),
        }
        ctx.request_repaint();
    }

    /// An edit that the document may refuse, with a sentence.
    fn edit(&mut self, name: &str, change: impl FnOnce(&mut Document) -> Result<(), crate::document::Refusal>) {
        if let Err(refusal) = self.timeline.edit(name, change) {
            self.notifications.push(Kind::Info, refusal.to_string());
        }
    }

    fn edit_active(&mut self, name: &str, layer: Option<LayerId>, change: impl FnOnce(&mut MaskImage)) {
        if let Some(id) = layer {
            self.timeline.edit(name, |document| document.update_layer(id, |layer| change(&mut layer.mask)));
        }
    }

    fn paint_preset(&mut self, region: FaceRegion, how: Combine) {
        let document = self.timeline.document();
        let Some(id) = document.active_layer().map(|layer| layer.id) else { return };
        let Some(region_mask) = document.face_region(id, region) else { return };
        let name = Command::PaintPreset(region, how).text();
        self.edit_active(name, Some(id), |mask| mask.combine(&region_mask, how));
    }

    fn reorder(&mut self, layer: Option<LayerId>, steps: isize) {
        if let Some(id) = layer {
            self.timeline.edit("Reorder layers", |document| document.reorder_layer(id, steps));
        }
    }

    fn use_as_reference(&mut self, photo: PhotoId) {
        let document = self.timeline.document();
        if let Some(layer) = document.layers().iter().rev().find(|layer| layer.photo == photo) {
            let id = layer.id;
            return self.timeline.select_layer(id);
        }
        if document.source() == Some(photo) && document.blend().is_none_or(|blend| blend.t == 0.0) {
            return self
                .notifications
                .push(Kind::Info, "This photo is the source. Paint from another one, or make another one the source.");
        }
        self.edit("Add layer", |document| document.add_layer(photo).map(|_| ()));
    }

    fn resize_brush(&mut self, factor: f32) {
        self.toolbox.brush.radius_px *= factor;
        self.toolbox.brush = self.toolbox.brush.clamped();
    }

    fn harden_brush(&mut self, by: f32) {
        self.toolbox.brush.hardness += by;
        self.toolbox.brush = self.toolbox.brush.clamped();
    }

    /// The scale at which one pixel of the picture is one pixel of the screen.
    fn actual_size_scale(&self, ctx: &egui::Context) -> f32 {
        self.picture_px_per_canvas_px() / ctx.pixels_per_point()
    }

    /// How many pixels of what the canvas shows lie along one canvas pixel.
    fn picture_px_per_canvas_px(&self) -> f32 {
        match self.shown_photo() {
            // While the user is asked about a photo the canvas has its pixels.
            _ if self.face_view.is_some() => 1.0,
            Some((_, placement)) => placement.quad.side_px() / CANVAS_SIZE_PX as f32,
            None => self.face_size_px() as f32 / CANVAS_SIZE_PX as f32,
        }
    }

    /// The size of the face by itself, as it is shown.
    fn face_size_px(&self) -> u32 {
        let source = self.timeline.document().source();
        let finished = source.and_then(|source| self.edit_view.shown(source, Place::Face));
        match (finished, self.engine.frame(), self.engine.state()) {
            (Some(patch), ..) => patch.size_px[0],
            (None, Some(frame), _) => frame.size_px as u32,
            (None, None, EngineState::Ready(info)) => info.config.size as u32,
            (None, None, _) => 256,
        }
    }

    /// The size of the face by itself in a file.
    fn exported_face_px(&self) -> u32 {
        let document = self.timeline.document();
        let source = document.source().and_then(|source| document.photo(source));
        let model_px = match (self.engine.frame(), self.engine.state()) {
            (Some(frame), _) => frame.size_px,
            (None, EngineState::Ready(info)) => info.config.size,
            (None, _) => 256,
        };
        source.map_or(model_px as u32, |photo| edited_face::full_size_px(photo, model_px))
    }

    fn ask(&mut self, question: Question, ctx: &egui::Context) {
        let ctx = ctx.clone();
        let suggestion = self.suggested_name(question);
        let Some(dialogs) = &mut self.dialogs else { return self.ask_for_path(question) };
        let asked = dialogs.ask(question, &suggestion, move || ctx.request_repaint());
        if let Err(err) = asked.context("the file dialog could not be opened") {
            self.notifications.error(&err);
            self.modal = Some(Modal::Path(PathBox::in_place_of_dialog(question, self.suggested_path(question))));
        }
    }

    fn ask_for_path(&mut self, question: Question) {
        self.modal = Some(Modal::Path(PathBox::new(question, self.suggested_path(question))));
    }

    /// A name in a folder where the user will find it again: that of the project, of the source, or the user's own.
    fn suggested_path(&self, question: Question) -> String {
        let document = self.timeline.document();
        let of_source = document.source().and_then(|id| document.photo(id)).and_then(|photo| photo.path.as_deref());
        let own = [self.projects.path(), of_source].into_iter().flatten().find_map(Path::parent);
        let folder = own.map(Path::to_owned).or_else(std::env::home_dir).unwrap_or_default();
        folder.join(self.suggested_name(question)).display().to_string()
    }

    /// The name of a file to write: that of the source.
    fn suggested_name(&self, question: Question) -> String {
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

    fn export_to(&mut self, path: PathBuf, in_photo: Option<PhotoId>) {
        self.stop_motion();
        self.engine.update(&self.timeline, None);
        if let EngineState::Failed(_) = self.engine.state() {
            return self
                .notifications
                .push(Kind::Error, "There is no picture to export: the model could not be loaded.");
        }
        let (path, request) = (export::with_png_extension(path), self.engine.newest_request());
        self.pending_exports.push(PendingExport { path, request, in_photo });
    }

    /// Writes the pictures that are complete, each on a thread of its own.
    fn write_exports(&mut self, ctx: &egui::Context) {
        for export in std::mem::take(&mut self.pending_exports) {
            let frame = self.engine.final_frame(export.request);
            let edit = frame.and_then(|_| self.edited_face()).map(Box::new);
            let picture = match export.in_photo {
                None => edit.map(Picture::Face),
                Some(source) => edit.filter(|edit| edit.photo.id == source).map(Picture::InPhoto),
            };
            let Some(picture) = picture else {
                self.pending_exports.push(export);
                continue;
            };
            let settings = self.settings.export;
            self.spawn_export(export.path, ctx, move |path| picture.write(path, settings));
        }
    }

    /// Writes files on a thread of its own; where they went is reported.
    fn spawn_export(
        &mut self,
        path: PathBuf,
        ctx: &egui::Context,
        write: impl FnOnce(&Path) -> anyhow::Result<()> + Send + 'static,
    ) {
        let (done, ctx) = (self.exports_done.0.clone(), ctx.clone());
        let spawned = std::thread::Builder::new().name("export".to_owned()).spawn(move || {
            let written = write(&path).map(|()| path);
            // The window may be gone already; the file is written all the same.
            let _ = done.send(written);
            ctx.request_repaint();
        });
        match spawned {
            Ok(_) => self.running_exports += 1,
            Err(err) => self.notifications.error(&anyhow::Error::from(err).context("the export could not be started")),
        }
    }

    /// Takes what came from the other threads.
    fn poll(&mut self, ctx: &egui::Context) {
        for report in self.engine.poll() {
            self.hear(report);
        }
        while let Some(batch) = self.loader.poll() {
            self.take_photos(batch);
        }
        while let Some(answer) = self.dialogs.as_mut().and_then(Dialogs::poll) {
            if !matches!(answer, Answer::Paths(Question::SaveProjectTo, _) | Answer::NoDialog(Question::SaveProjectTo))
            {
                self.forget_what_follows_saving();
            }
            match answer {
                Answer::Paths(Question::OpenPhotos, paths) => self.send(Command::OpenPaths(paths)),
                Answer::Paths(Question::SaveProjectTo, paths) => {
                    paths.into_iter().for_each(|path| self.send(Command::SaveProjectTo(path)));
                }
                Answer::Paths(Question::ExportTo, paths) => {
                    paths.into_iter().for_each(|path| self.send(Command::ExportTo(path)));
                }
                Answer::Paths(Question::ExportInPhotoTo, paths) => {
                    paths.into_iter().for_each(|path| self.send(Command::ExportInPhotoTo(path)));
                }
                Answer::Paths(Question::MotionTo, paths) => {
                    paths.into_iter().for_each(|path| self.send(Command::ExportMotionTo(MotionTarget::File(path))));
                }
                Answer::Paths(Question::MotionFramesTo, paths) => {
                    paths.into_iter().for_each(|path| self.send(Command::ExportMotionTo(MotionTarget::Folder(path))));
                }
                Answer::Paths(Question::ImportMaskFrom, paths) => {
                    paths.into_iter().for_each(|path| self.send(Command::ImportMaskFrom(path)));
                }
                Answer::Paths(Question::ExportMaskTo, paths) => {
                    paths.into_iter().for_each(|path| self.send(Command::ExportMaskTo(path)));
                }
                Answer::NoDialog(question) => {
                    let suggestion = self.suggested_path(question);
                    self.modal = Some(Modal::Path(PathBox::in_place_of_dialog(question, suggestion)));
                }
                Answer::Cancelled => {}
            }
        }
        self.take_masks();
        for failure in self.edit_view.poll() {
            self.notifications.error(&failure.context("the picture could not be finished"));
        }
        while let Ok(written) = self.exports_done.1.try_recv() {
            self.running_exports = self.running_exports.saturating_sub(1);
            match written {
                Ok(path) => self
                    .notifications
                    .push(Kind::Success, tr_with("Exported to {path}", &[("path", &path.display().to_string())])),
                Err(err) => self.notifications.error(&err),
            }
        }
        self.write_exports(ctx);
        self.update_projects(ctx);
    }

    /// Photos join the document; of projects the last one is opened in its place.
    fn open_paths(&mut self, purpose: Purpose, paths: Vec<PathBuf>) {
        let (mut projects, photos): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| is_project(path));
        self.loader.open(purpose, photos);
        if let Some(project) = projects.pop() {
            self.send(Command::OpenProject(project));
        }
    }

    fn hear(&mut self, report: Report) {
        match report {
            Report::Ready => {}
            // The canvas says so for as long as it is so.
            Report::LoadFailed(reason) => {
                self.pending_exports.clear();
                log::error!("the model could not be loaded: {reason}");
            }
            Report::FaceFailed(photo, reason) => {
                self.pending_exports.retain(|export| export.in_photo != Some(photo));
                let name = self.timeline.document().photo(photo).map_or(tr("A photo"), |photo| photo.name.as_str());
                self.notifications.push(
                    Kind::Error,
                    tr_with("{name} cannot be used: {reason}", &[("name", name), ("reason", &reason)]),
                );
            }
            Report::FrameFailed(reason) => {
                if !self.pending_exports.is_empty() {
                    self.pending_exports.clear();
                    self.notifications.push(Kind::Error, "Nothing was exported, as the picture could not be made.");
                }
                self.notifications
                    .push(Kind::Error, tr_with("The picture could not be made: {reason}", &[("reason", &reason)]));
            }
            Report::FellBackToCpu(reason) => {
                self.notifications.push(
                    Kind::Info,
                    tr_with("The device failed and the CPU goes on: {reason}", &[("reason", &reason)]),
                );
            }
        }
    }

    fn take_photos(&mut self, batch: Batch) {
        let Batch { purpose, photos, failures } = batch;
        for failure in &failures {
            self.notifications.error(failure);
        }
        match purpose {
            // A project may have been opened meanwhile.
            Purpose::Start if !self.timeline.document().is_empty() => {}
            Purpose::Start => self.start_with(photos),
            Purpose::Replace(old) => {
                for photo in photos {
                    let photo = photo.numbered(self.take_photo_id());
                    self.toolbox.finish_gesture(&mut self.timeline);
                    self.edit("Choose face", |document| document.replace_photo(old, photo));
                }
            }
            Purpose::Add if photos.is_empty() => {}
            Purpose::Add => {
                let name = match photos.len() {
                    1 => "Open photo".to_owned(),
                    count => tr_with("Open {count} photos", &[("count", &count.to_string())]),
                };
                let numbered: Vec<Photo> =
                    photos.into_iter().map(|photo| photo.numbered(self.take_photo_id())).collect();
                self.ask_about(&numbered);
                self.toolbox.finish_gesture(&mut self.timeline);
                self.timeline.edit(name, |document| {
                    let first = numbered.first().map(|photo| photo.id);
                    let had_photos = !document.is_empty();
                    for photo in numbered {
                        document.add_photo(photo);
                    }
                    // What was opened last is what the user wants to paint with; with no room it just lies ready.
                    if let Some(first) = first.filter(|_| had_photos) {
                        let _ = document.add_layer(first);
                    }
                });
            }
        }
    }

    /// One frame of the window.
    pub fn ui(&mut self, ui: &mut egui::Ui) {
        let ctx = ui.ctx().clone();
        ctx.set_theme(theme::preference(self.settings.theme));
        language::set(self.settings.language.unwrap_or(self.system_language));
        self.poll(&ctx);
        self.handle_keys(&ctx);

        self.top_bar_ui(ui);
        self.status_bar_ui(ui);
        self.side_panel_ui(ui);
        self.tool_strip_ui(ui);
        self.tool_options_ui(ui);
        self.canvas_ui(ui);
        self.modals_ui(&ctx);
        self.notifications.ui(&ctx, self.view.area());

        // A slider's drag ends with the button: the next one is a new step.
        if !ctx.input(|input| input.pointer.any_down()) && !self.is_nudging(&ctx) {
            self.timeline.seal();
        }
        for command in std::mem::take(&mut self.sent) {
            self.run(command, &ctx);
        }
        let is_asked = self.engine.update(&self.timeline, self.motion.t());
        self.update_motion(is_asked, &ctx);
        if let Some(key) = self.wanted_patch().filter(|key| !self.edit_view.is_asked_for(*key))
            && let Some(edit) = self.edited_face()
        {
            self.edit_view.ask_for(key, edit);
        }
        self.write_exports(&ctx);
        self.keep_settings(&ctx);
        if self.wants_quit {
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
    }

    /// Writes settings that changed, on a thread of its own: a disk may be slow. The window's size alone waits for the end.
    fn keep_settings(&mut self, ctx: &egui::Context) {
        let (size, is_usual) = ctx.input(|input| {
            let viewport = input.viewport();
            let is_usual = viewport.maximized != Some(true) && viewport.fullscreen != Some(true);
            (viewport.inner_rect.map(|rect| rect.size()), is_usual)
        });
        if let Some(size) = size.filter(|_| is_usual) {
            self.settings.sizes.window = Some(size.round().into());
        }
        let window = std::mem::replace(&mut self.kept_settings.sizes.window, self.settings.sizes.window);
        let is_kept = self.settings == self.kept_settings;
        self.kept_settings.sizes.window = window;
        if is_kept || ctx.input(|input| input.pointer.any_down()) {
            return;
        }
        self.kept_settings = self.settings.clone();
        let Some(path) = self.settings_file.clone() else { return };
        let settings = self.settings.clone();
        let spawned = std::thread::Builder::new().name("settings".to_owned()).spawn(move || {
            if let Err(err) = settings.save(&path) {
                log::error!("{err:#}");
            }
        });
        if let Err(err) = spawned {
            log::error!("the settings could not be kept: {err}");
        }
    }

    fn is_nudging(&self, ctx: &egui::Context) -> bool {
        use egui::Key::{ArrowDown, ArrowLeft, ArrowRight, ArrowUp};
        ctx.input(|input| [ArrowDown, ArrowLeft, ArrowRight, ArrowUp].iter().any(|key| input.key_down(*key)))
    }

    fn copy_picture(&mut self, ctx: &egui::Context) {
        let Some(edit) = self.edited_face() else { return };
        match edit.by_itself(edit.full_size_px()) {
            Ok(picture) => {
                let size = [picture.width() as usize, picture.height() as usize];
                ctx.copy_image(egui::ColorImage::from_rgb(size, picture.as_raw()));
                self.notifications.push(Kind::Success, tr("The picture is on the clipboard"));
            }
            Err(err) => self.notifications.error(&err),
        }
    }

    /// What other programs put on the clipboard: a picture, or paths of photos, one in each line.
    fn take_clipboard(&mut self, ctx: &egui::Context) {
        let (copies, pasted, picture) = ctx.input(|input| {
            let copies = input.events.iter().any(|event| matches!(event, egui::Event::Copy));
            let pasted = input.events.iter().find_map(|event| match event {
                egui::Event::Paste(text) => Some(text.clone()),
                _ => None,
            });
            let picture = input.events.iter().find_map(|event| match event {
                egui::Event::PasteImage(picture) => Some(Arc::clone(picture)),
                _ => None,
            });
            (copies, pasted, picture)
        });
        if copies {
            self.send(Command::CopyPicture);
        }
        if let Some(picture) = picture {
            let [width, height] = picture.size.map(|len| u32::try_from(len).unwrap_or_default());
            self.loader.take_picture(tr("Pasted picture").to_owned(), move || {
                let rgb = picture.pixels.iter().flat_map(|pixel| {
                    let [red, green, blue, _] = pixel.to_srgba_unmultiplied();
                    [red, green, blue]
                });
                RgbImage::from_raw(width, height, rgb.collect())
            });
        }
        let Some(pasted) = pasted else { return };
        let lines = pasted.lines().map(str::trim).filter(|line| !line.is_empty());
        let paths: Vec<PathBuf> = lines.map(modals::path_of).filter(|path| path.is_file()).collect();
        if paths.is_empty() {
            self.notifications.push(Kind::Info, tr("There is no picture and no path of a photo on the clipboard"));
        } else {
            self.send(Command::OpenPaths(paths));
        }
    }

    fn handle_keys(&mut self, ctx: &egui::Context) {
        if self.modal.is_some() {
            return;
        }
        let typing = ctx.text_edit_focused();
        if !typing {
            self.take_clipboard(ctx);
        }
        // Arrow keys belong to a focused slider.
        let has_focus = ctx.egui_wants_keyboard_input();
        for command in Command::pressed(ctx, typing, has_focus) {
            // Nobody sees what these do while the user is asked about a photo.
            if self.face_view.is_none() || !changes_layers(&command) {
                self.send(command);
            }
        }
        // The key is held, not pressed: the photo as it was shows for as long.
        self.is_comparing = !typing && ctx.input(|input| input.key_down(egui::Key::C) && !input.modifiers.any());
    }
}

/// Whether a gesture must end before this command runs.
fn changes_document(command: &Command) -> bool {
    use Command::{
        AdjustInsideMask, AdjustWholeFace, BrushHarder, BrushLarger, BrushSmaller, BrushSofter, ForgetRecent,
    };
    use Command::{AskFor, CancelExport, ExportMotion, ToggleCompare, ToggleInPhoto, ToggleIsolation, ToggleOverlay};
    use Command::{
        ShowAbout, ShowKeys, ShowModelCard, ShowPalette, UseLanguage, UseTheme, ZoomIn, ZoomOut, ZoomToActualSize,
        ZoomToFit,
    };
    !matches!(
        command,
        AdjustInsideMask
            | AdjustWholeFace
            | BrushLarger
            | BrushSmaller
            | BrushHarder
            | BrushSofter
            | ToggleOverlay
            | ToggleInPhoto
            | ToggleIsolation
            | AskFor(_)
            | ForgetRecent
            | CancelExport
            | ExportMotion
            | ToggleCompare(_)
            | ZoomIn
            | ZoomOut
            | ZoomToFit
            | ZoomToActualSize
            | ShowKeys
            | ShowPalette
            | UseTheme(_)
            | UseLanguage(_)
            | ShowAbout
            | ShowModelCard
    )
}

fn changes_layers(command: &Command) -> bool {
    use Command::{ClearMask, DeleteLayer, DuplicateLayer, InvertMask, LowerLayer};
    use Command::{NudgeRegion, RaiseLayer, RenameLayer, ResetOffset};
    matches!(
        command,
        ClearMask
            | DeleteLayer
            | DuplicateLayer
            | InvertMask
            | LowerLayer
            | NudgeRegion(..)
            | RaiseLayer
            | RenameLayer
            | ResetOffset
    )
}

impl eframe::App for Editor {
    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        Self::ui(self, ui);
    }

    fn on_exit(&mut self) {
        self.close_projects();
        if let Some(path) = self.settings_file.as_ref().filter(|_| self.settings != self.kept_settings)
            && let Err(err) = self.settings.save(path)
        {
            log::error!("{err:#}");
        }
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        let theme = if visuals.dark_mode { egui::Theme::Dark } else { egui::Theme::Light };
        theme::of_theme(theme).canvas.to_normalized_gamma_f32()
    }
}

impl ToolKind {
    fn command(self) -> Command {
        Command::SelectTool(self)
    }
}
