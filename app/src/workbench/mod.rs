//! The workbench: everything that a user can do, without a window. It owns the document with its history, the tools, the way to
//! the engine, photos that are being opened, exports, the motion between two faces, projects and settings.
//!
//! What the user does comes in as [`Action`]s and pointer events; what only a window can do goes out as [`Effect`]s. Between
//! them [`Workbench::poll`] takes what other threads made, and [`Workbench::update`] hands them what changed. No call waits for
//! the network, a disk or a decoder.

pub mod action;
mod answers;
mod apply;
pub mod batch;
mod beside;
pub mod clipboard;
mod effect;
mod engine_link;
mod exports;
mod guests;
mod jobs;
pub mod lesson;
mod level_previews;
pub mod live_photo;
mod masks;
mod motion;
mod motion_settings;
mod photos;
mod presets_file;
pub mod projects;
mod recent;
mod refinements;
mod settings_file;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use stylemap::engine::{Frame, WorkerOptions};

pub use action::Action;
pub use effect::{Effect, Notice, NoticeKind, OverwriteReason, Overwriting, Question};
pub use engine_link::{EngineLink, EngineState, LoadEngine, Report, Sample};
pub use jobs::{JobKind, Jobs, Wake};
pub use motion::Motion;
pub use motion_settings::{MOTION_SIDES_PX, MotionSettings, MotionTarget};
pub use photos::FaceInPhoto;
pub use projects::{Projects, UserFolders};
pub use recent::Recent;

use crate::document::{Document, LayerId, Photo, PhotoId, Placement, Recipe, Timeline};
use crate::edited_face::{EditedFace, EditedPhoto};
use crate::language::{tr, tr_with};
use crate::photo_loading::{PhotoLoader, Purpose};
use crate::presets::Presets;
use crate::refined_faces::RefinedFaces;
use crate::settings::Settings;
use crate::tools::{ToolEvent, ToolKind, ToolResponse, Toolbox};
use batch::Batch;
use exports::Exports;
use lesson::Lessons;
use level_previews::LevelPreviews;
use live_photo::{LivePhoto, Patch, PatchKey, Place};
use photos::Opening;
use presets_file::PresetsFile;
use refinements::Refinements;
use settings_file::SettingsFile;

/// What a workbench starts with.
pub struct WorkbenchOptions {
    /// Photos to open, the first as the source, the second as the reference; none for the demo portraits.
    pub photos: Vec<PathBuf>,
    /// Whether photos already are aligned square crops: nobody looks for faces in them.
    pub are_aligned: bool,
    /// Loads the model, on the engine's thread.
    pub load_engine: LoadEngine,
    /// How the engine's thread runs.
    pub worker: WorkerOptions,
    /// Where settings, autosaves and recent files are kept; none keeps none.
    pub folders: Option<UserFolders>,
}

/// How masks show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaskView {
    /// A line around what the active layer paints.
    #[default]
    Outline,
    /// What the active layer paints in red, the stronger the more of it counts.
    Rubylith,
    /// The active layer's mask in place of the picture: white is painted.
    Alone,
    /// What every layer paints, in the layers' colours.
    AllLayers,
}

impl MaskView {
    /// Every way, in the order of menus.
    pub const ALL: [Self; 4] = [Self::Outline, Self::Rubylith, Self::Alone, Self::AllLayers];
}

/// What of the work shows, and what the sliders of the directions move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewState {
    /// Whether the active layer's mask shows.
    pub shows_overlay: bool,
    /// How.
    pub mask_view: MaskView,
    /// Whether the face shows in the photo that it comes from, where there is one.
    pub shows_in_photo: bool,
    /// Whether only what the active layer paints shows.
    pub isolates_layer: bool,
    /// Whether the sliders of the model's directions move only what the active layer paints.
    pub adjusts_layer: bool,
}

impl Default for ViewState {
    fn default() -> Self {
        Self {
            shows_overlay: true,
            mask_view: MaskView::Outline,
            shows_in_photo: false,
            isolates_layer: false,
            adjusts_layer: false,
        }
    }
}

/// Everything that is worked on.
pub struct Workbench {
    timeline: Timeline,
    toolbox: Toolbox,
    engine: EngineLink,
    live_photo: LivePhoto,
    loader: PhotoLoader,
    jobs: Jobs<Self>,
    exports: Exports,
    motion: Motion,
    projects: Projects,
    recent: Recent,
    view: ViewState,
    settings: Settings,
    settings_file: SettingsFile,
    presets: Presets,
    presets_file: PresetsFile,
    batch: Batch,
    refinements: Refinements,
    lessons: Lessons,
    level_previews: LevelPreviews,
    /// What was done to the face that was copied from.
    copied_edit: Option<Recipe>,
    /// Photos of which the user is to be asked which face is meant.
    unclear_faces: VecDeque<PhotoId>,
    /// The photo that the user was last asked about because it is not plain which face is meant.
    asked_face: Option<PhotoId>,
    /// What is being opened, once something of it is in the document.
    opening: Option<Opening>,
    next_photo_id: u64,
    /// Whether the document began as the demo that comes with the program.
    begins_with_demo: bool,
    are_aligned: bool,
    effects: Vec<Effect>,
}

impl Workbench {
    /// Starts with the photos of the options, or with the demo portraits.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn new(options: WorkbenchOptions, wake: Wake) -> anyhow::Result<Self> {
        let WorkbenchOptions { photos, are_aligned, load_engine, worker, folders } = options;
        let mut effects = Vec::new();
        let mut failed = |err: anyhow::Error| effects.push(Effect::Tell(Notice::of_error(&err)));
        let (settings, settings_file) = SettingsFile::load(folders.as_ref(), &mut failed);
        let (presets, presets_file) = PresetsFile::load(folders.as_ref(), &mut failed);
        let lessons = Lessons::new(folders.as_ref().map(|folders| folders.directions.clone()));
        let refined_faces = folders.as_ref().map(|folders| RefinedFaces::in_folder(&folders.refined_faces));
        let projects = Projects::start(folders.as_ref(), waking(&wake), &mut failed)?;
        let mut bench = Self {
            timeline: Timeline::default(),
            toolbox: Toolbox::default(),
            engine: EngineLink::spawn(load_engine, worker, waking(&wake)),
            live_photo: LivePhoto::spawn(waking(&wake))?,
            loader: PhotoLoader::spawn(are_aligned, waking(&wake))?,
            jobs: Jobs::new(wake, |bench: &mut Self, err| bench.tell_error(&err)),
            exports: Exports::default(),
            motion: Motion::default(),
            projects,
            recent: Recent::start(folders.map(|folders| folders.recent)),
            view: ViewState::default(),
            settings,
            settings_file,
            presets,
            presets_file,
            batch: Batch::default(),
            refinements: Refinements::new(refined_faces),
            lessons,
            level_previews: LevelPreviews::default(),
            copied_edit: None,
            unclear_faces: VecDeque::new(),
            asked_face: None,
            opening: None,
            next_photo_id: 1,
            begins_with_demo: false,
            are_aligned,
            effects,
        };
        // A project named on the command line is the document.
        let purpose = if photos.iter().any(|path| projects::is_project(path)) { Purpose::Add } else { Purpose::Start };
        bench.open_paths(purpose, photos);
        Ok(bench)
    }

    /// The document and its history.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The document as it is now.
    pub fn document(&self) -> &Document {
        self.timeline.document()
    }

    /// The tools and their settings.
    pub fn toolbox(&self) -> &Toolbox {
        &self.toolbox
    }

    /// The engine and what last came from it.
    pub fn engine(&self) -> &EngineLink {
        &self.engine
    }

    /// The picture that is finished with the photos' fine structure.
    pub fn live_photo(&self) -> &LivePhoto {
        &self.live_photo
    }

    /// The jobs in the background.
    pub fn jobs(&self) -> &Jobs<Self> {
        &self.jobs
    }

    /// The motion between two faces.
    pub fn motion(&self) -> &Motion {
        &self.motion
    }

    /// The open project.
    pub fn projects(&self) -> &Projects {
        &self.projects
    }

    /// What of the work shows.
    pub fn view(&self) -> ViewState {
        self.view
    }

    /// What the program remembers of its user.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What the user keeps under a name.
    pub fn presets(&self) -> &Presets {
        &self.presets
    }

    /// The newest picture of the model.
    pub fn frame(&self) -> Option<&Arc<Frame>> {
        self.engine.frame()
    }

    /// How many photos are still to be opened.
    pub fn photos_to_open(&self) -> usize {
        self.loader.remaining()
    }

    /// Whether photos are being opened.
    pub fn is_opening(&self) -> bool {
        self.loader.remaining() > 0
    }

    /// Whether the picture that stays is still to come.
    pub fn is_rendering(&self) -> bool {
        let is_finished = |key: PatchKey| self.live_photo.shown(key.photo, key.place).is_some_and(|it| it.key == key);
        self.engine.is_unsettled()
            || self.engine.is_behind()
            || self.engine.waits_beside()
            || !self.wanted_patch().is_none_or(is_finished)
    }

    /// Whether an export is under way.
    pub fn is_exporting(&self) -> bool {
        self.exports.is_waiting() || self.jobs.count(JobKind::Export) > 0
    }

    /// Whether nothing is under way: no photo is opened or read, no picture or file is still to come.
    pub fn is_idle(&self) -> bool {
        let photos = self.timeline.document().photos();
        self.loader.remaining() == 0
            && matches!(self.engine.state(), EngineState::Ready(_))
            && !self.is_rendering()
            && !self.exports.is_waiting()
            && self.jobs.is_idle()
            && self.recent.is_kept()
            && self.motion.progress().is_none()
            && !self.batch.is_running()
            && !self.is_refining()
            && self.lessons.is_idle()
            && self.level_previews.are_complete()
            && !self.projects.is_busy()
            && photos.iter().all(|photo| !self.engine.is_encoding(photo.id))
    }

    /// The source and where it lies in its photo; none where its crop is all there is.
    pub fn source_in_photo(&self) -> Option<(Arc<Photo>, Placement)> {
        self.placement_of(self.timeline.document().source()?)
    }

    /// The source and where it lies in its photo, while the photo shows.
    pub fn shown_photo(&self) -> Option<(Arc<Photo>, Placement)> {
        self.source_in_photo().filter(|_| self.view.shows_in_photo)
    }

    /// The newest finished picture of the source in its photo. Where another face of that photo was in hand when it was made, it still
    /// shows until the next one is there.
    pub fn patch_in_photo(&self) -> Option<&Arc<Patch>> {
        let patch = self.live_photo.newest().filter(|patch| patch.key.place == Place::Photo)?;
        let (shown, _) = self.shown_photo()?;
        let of_patch = self.timeline.document().photo(patch.key.photo)?;
        shown.shares_photo_with(of_patch).then_some(patch)
    }

    /// A photo and where its face lies in it; none where its crop is all there is.
    pub fn placement_of(&self, photo: PhotoId) -> Option<(Arc<Photo>, Placement)> {
        let photo = self.timeline.document().photo(photo)?;
        Some((Arc::clone(photo), photo.placement.clone()?))
    }

    /// The layer that the sliders of the directions adjust; none is the whole face.
    pub fn adjusted_layer(&self) -> Option<LayerId> {
        self.timeline.document().active_layer().filter(|_| self.view.adjusts_layer).map(|layer| layer.id)
    }

    /// The directions that the document moves faces along and the model does not have, by name.
    pub fn unknown_directions(&self) -> Vec<String> {
        let EngineState::Ready(info) = self.engine.state() else { return Vec::new() };
        let document = self.timeline.document();
        let of_layers = document.layers().iter().flat_map(|layer| layer.directions.keys());
        let names = document.directions(None).keys().chain(of_layers);
        let unknown = names.filter(|name| info.directions.iter().all(|direction| direction.name != **name));
        let mut unknown: Vec<String> = unknown.cloned().collect();
        unknown.sort();
        unknown.dedup();
        unknown
    }

    /// A photo of which the user is to be asked which face is meant; each comes once.
    pub fn take_unclear_face(&mut self) -> Option<PhotoId> {
        let is_open = |id: &PhotoId| self.timeline.document().photo(*id).is_some();
        self.asked_face = std::iter::from_fn(|| self.unclear_faces.pop_front()).find(is_open);
        self.asked_face
    }

    /// How many more of those wait.
    pub fn unclear_faces(&self) -> usize {
        self.unclear_faces.len()
    }

    /// Says how near a press must be to a handle to take it, in canvas pixels.
    pub fn set_reach_px(&mut self, reach_px: f32) {
        self.toolbox.reach_px = reach_px;
    }

    /// Hands a pointer event to the tool in hand, or to `temporary`. A refusal is told the user too.
    pub fn point(&mut self, event: &ToolEvent, temporary: Option<ToolKind>) -> ToolResponse {
        let response = self.toolbox.handle(event, temporary, &mut self.timeline);
        if let ToolResponse::Refused(reason) = response {
            self.tell(NoticeKind::Info, reason.to_string());
        }
        response
    }

    /// Ends what a slider or the arrow keys began: the next edit is a new step.
    pub fn seal(&mut self) {
        self.timeline.seal();
    }

    /// Takes what came from other threads.
    pub fn poll(&mut self) {
        for report in self.engine.poll() {
            self.hear(report);
        }
        self.engine.update_beside(self.timeline.document());
        // A photo that is there does not end the stroke under way.
        while self.toolbox.busy().is_none()
            && let Some(batch) = self.loader.poll()
        {
            self.take_photos(batch);
        }
        for failure in self.live_photo.poll() {
            self.tell_error(&failure.context("the picture could not be finished"));
        }
        while let Some(finish) = self.jobs.poll() {
            finish(self);
        }
        self.update_refinements();
        self.write_exports();
        self.update_batch();
        self.update_projects();
    }

    /// Hands other threads what changed. `is_at_rest` says that no button is held: settings that still move are not kept.
    pub fn update(&mut self, is_at_rest: bool) {
        let moving_at = self.moving_at();
        // What moves by itself always wants the next picture: without a turn a batch would wait for its end.
        let gives_way = moving_at.is_some() && self.batch.is_due();
        let is_asked = !gives_way && self.engine.update(&self.timeline, moving_at);
        self.engine.update_beside(self.timeline.document());
        self.update_level_previews();
        self.cut_out_posed();
        self.update_motion(is_asked);
        if let Some(key) = self.wanted_patch().filter(|key| !self.live_photo.is_asked_for(*key))
            && let Some(edit) = self.edited_photo()
        {
            self.live_photo.ask_for(key, edit);
        }
        self.write_exports();
        self.update_batch();
        if is_at_rest {
            self.keep_settings();
            self.keep_presets();
        }
        self.keep_recent();
    }

    /// When [`Self::poll`] is to be called next though no thread woke anybody; none where there is nothing to wait for.
    pub fn wakes_in(&self) -> Option<Duration> {
        // Whatever moves by itself wants every frame.
        let motion = (self.motion.is_playing() || self.motion.wants_to_ask()).then_some(Duration::ZERO);
        [motion, self.autosave_in()].into_iter().flatten().min()
    }

    /// What only a window can do, in the order in which it came up; each comes once.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Ends as the user wants it: what waits to be saved is saved, and nothing is left to recover.
    pub fn close(&mut self) {
        self.close_projects();
        self.recent.close();
        self.settings_file.close(&self.settings);
        self.presets_file.close(&self.presets);
    }

    pub(super) fn tell(&mut self, kind: NoticeKind, text: impl Into<String>) {
        self.effects.push(Effect::Tell(Notice { kind, text: text.into() }));
    }

    pub(super) fn tell_error(&mut self, err: &anyhow::Error) {
        self.effects.push(Effect::Tell(Notice::of_error(err)));
    }

    /// The newest picture, and those of the faces beside it, ready to be finished with the photos' fine structure.
    fn edited_photo(&self) -> Option<EditedPhoto> {
        let document = self.timeline.document();
        let photo = document.photo(document.source()?)?;
        // The picture may still be that of another source.
        let (frame, scene) = (Arc::clone(self.engine.frame()?), self.engine.shown_scene(photo.id)?.clone());
        let beside = self.engine.pictures_beside().iter().filter_map(|(source, frame, scene)| {
            let photo = Arc::clone(document.photo(*source)?);
            let crops = self.engine.posed_crops(scene);
            Some(EditedFace::new(document, photo, Arc::clone(frame), scene.clone(), crops))
        });
        let beside = beside.collect();
        let crops = self.engine.posed_crops(&scene);
        Some(EditedPhoto { face: EditedFace::new(document, Arc::clone(photo), frame, scene, crops), beside })
    }

    /// The finished picture that should show.
    fn wanted_patch(&self) -> Option<PatchKey> {
        let source = self.timeline.document().source()?;
        let frame = self.engine.frame()?.order();
        self.engine.shown_scene(source)?;
        let place = if self.shown_photo().is_some() { Place::Photo } else { Place::Face };
        let beside = if place == Place::Photo { self.engine.key_beside() } else { 0 };
        Some(PatchKey { photo: source, place, frame, beside })
    }

    fn hear(&mut self, report: Report) {
        match report {
            Report::Ready => self.find_known(),
            // The canvas says so for as long as it is so.
            Report::LoadFailed(reason) => {
                self.exports.forget();
                log::error!("the model could not be loaded: {reason}");
            }
            Report::FaceFailed(photo, reason) => {
                self.exports.forget_photo(photo);
                let name = self.timeline.document().photo(photo).map_or(tr("A photo"), |photo| photo.name.as_str());
                let text = tr_with("{name} cannot be used: {reason}", &[("name", name), ("reason", &reason)]);
                self.tell(NoticeKind::Error, text);
            }
            Report::FrameFailed(reason) => {
                if self.exports.forget() {
                    self.tell(NoticeKind::Error, "Nothing was exported, as the picture could not be made.");
                }
                let text = tr_with("The picture could not be made: {reason}", &[("reason", &reason)]);
                self.tell(NoticeKind::Error, text);
            }
            Report::Refined { photo, latent, is_whole } => self.take_refined(photo, latent, is_whole),
            Report::RefineFailed(photo, reason) => self.fail_refinement(photo, &reason),
            Report::Example(number, encoded) => self.take_encoded_example(number, encoded),
            Report::Learned(learned) => self.take_learned(learned.map(|learned| *learned)),
            Report::Along(number, picture) => self.take_along(number, picture),
            Report::Aside(number, picture) => self.take_level_preview(number, picture),
            Report::DirectionRefused(reason) => self.tell(NoticeKind::Error, reason),
            Report::FellBackToCpu(reason) => {
                let text = tr_with("The device failed and the CPU goes on: {reason}", &[("reason", &reason)]);
                self.tell(NoticeKind::Info, text);
            }
        }
    }
}

/// The way to wake, for one thread.
fn waking(wake: &Wake) -> impl Fn() + Send + 'static + use<> {
    let wake = Arc::clone(wake);
    move || wake()
}
