//! The workbench's end of the engine: photos and scenes go there, frames and reports come back. Nothing here waits.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use image::RgbImage;
use stylemap::directions::Direction;
use stylemap::engine::{
    AlongRequest, Engine, EngineHandle, Event, FaceId, Frame, FrameKind, Lesson, RefineProgress, SampleRequest, Scene,
    WorkerOptions,
};
use stylemap::latent::Latent;
use stylemap::learn::Learned;
use stylemap::model::ModelInfo;
use stylemap::photo::ColourAxis;

use super::beside::Beside;
use super::guests::{Answer, Guests};
use crate::document::posed_faces::WantedPose;
use crate::document::{Document, LayerId, MaskImage, Photo, PhotoId, SceneBuilder, Timeline};

/// Loads the engine, on its own thread.
pub type LoadEngine = Box<dyn FnOnce() -> stylemap::Result<Engine> + Send>;

/// How far the engine is.
#[derive(Debug)]
pub enum EngineState {
    /// The model is being read.
    Loading,
    /// It works.
    Ready(Box<ModelInfo>),
    /// There is no engine, for this reason.
    Failed(String),
}

/// What is heard of the engine beyond frames.
#[derive(Debug)]
pub enum Report {
    /// The model is loaded.
    Ready,
    /// There is no engine, for this reason.
    LoadFailed(String),
    /// A photo cannot be used.
    FaceFailed(PhotoId, String),
    /// A picture could not be made.
    FrameFailed(String),
    /// A face is no longer refined.
    Refined {
        /// Whose face.
        photo: PhotoId,
        /// As the engine draws it from now on; none where it stayed the same.
        latent: Option<Arc<Latent>>,
        /// Whether every step was taken.
        is_whole: bool,
    },
    /// A face could not be refined.
    RefineFailed(PhotoId, String),
    /// An example of a lesson is encoded: its stylemap, or why there is none.
    Example(u64, Result<Vec<f32>, String>),
    /// What came of a lesson.
    Learned(Result<Box<Learned>, String>),
    /// A face along what was learned.
    Along(u64, Result<Frame, String>),
    /// The base of a scene.
    Aside(u64, Option<Frame>),
    /// The engine refused a direction.
    DirectionRefused(String),
    /// The device failed and the CPU goes on.
    FellBackToCpu(String),
}

/// A random face, sampled from the model.
pub struct Sample {
    /// Which one.
    pub request: SampleRequest,
    /// Row by row.
    pub stylemap: Arc<[f32]>,
    /// Its picture.
    pub frame: Arc<Frame>,
}

/// What a picture was asked for with.
struct Request {
    number: u64,
    source: Option<PhotoId>,
    /// The layers' masks.
    masks: Vec<(LayerId, MaskImage)>,
    scene: Scene,
}

/// The way to the engine and what last came from it.
pub struct EngineLink {
    handle: Option<EngineHandle>,
    events: Receiver<Event>,
    state: EngineState,
    scenes: SceneBuilder,
    /// The faces that the engine has, each as the document knew it then.
    known_faces: BTreeMap<PhotoId, Option<Arc<Latent>>>,
    /// Those that it draws otherwise than it made of them.
    drawn_latents: BTreeMap<PhotoId, Arc<Latent>>,
    /// Those that it brings nearer to their photos.
    refining: BTreeMap<PhotoId, RefineProgress>,
    /// Whether a face changed since the newest picture was asked for.
    is_stale: bool,
    waiting_faces: BTreeSet<PhotoId>,
    /// The document's revision, and what moved in it.
    sent_state: Option<(u64, Option<[f32; 2]>)>,
    sent_scene: Option<Scene>,
    /// The newest request and when it was made.
    sent_number: u64,
    sent_at: Instant,
    /// The newest frame that came, or that cannot come.
    finished: (u64, FrameKind),
    /// Requests up to this one are of a document that is closed.
    dropped_number: u64,
    /// The requests whose pictures may still come.
    sent: VecDeque<Request>,
    /// The request that the newest picture shows.
    shown: Option<Request>,
    frame: Option<Arc<Frame>>,
    /// Posed faces that the engine is still to look at.
    waiting_posed: BTreeSet<FaceId>,
    /// The posed face that is to be cut out before anything else can be asked.
    wanted_pose: Option<WantedPose>,
    /// The pictures of the other faces in the photo.
    beside: Beside,
    /// The faces of a batch.
    guests: Guests,
    /// What the engine made of photos, for projects.
    latents: BTreeMap<PhotoId, Arc<Latent>>,
    samples: Vec<Sample>,
    sample_failure: Option<String>,
    frame_times: VecDeque<Instant>,
    /// Of a gray or toned source, what its pictures are kept on.
    axis: Option<ColourAxis>,
}

/// Frames per second are counted over this long.
const RATE_WINDOW: Duration = Duration::from_secs(1);
/// From frames that lie closer together no rate is told.
const SHORTEST_RATE_SECS: f32 = 0.1;

impl EngineLink {
    /// Starts the engine's thread; `wake` is called on it whenever there is something to hear.
    pub fn spawn(load: LoadEngine, options: WorkerOptions, wake: impl Fn() + Send + 'static) -> Self {
        let (sender, events) = channel();
        let spawned = EngineHandle::spawn(load, options, move |event| {
            // The workbench may be gone already; then nobody wants to hear.
            let _ = sender.send(event);
            wake();
        });
        let (handle, state) = match spawned {
            Ok(handle) => (Some(handle), EngineState::Loading),
            Err(err) => (None, EngineState::Failed(err.to_string())),
        };
        Self {
            handle,
            events,
            state,
            scenes: SceneBuilder::default(),
            known_faces: BTreeMap::new(),
            drawn_latents: BTreeMap::new(),
            refining: BTreeMap::new(),
            is_stale: false,
            waiting_faces: BTreeSet::new(),
            sent_state: None,
            sent_scene: None,
            sent_number: 0,
            sent_at: Instant::now(),
            finished: (0, FrameKind::Final),
            dropped_number: 0,
            sent: VecDeque::new(),
            shown: None,
            frame: None,
            waiting_posed: BTreeSet::new(),
            wanted_pose: None,
            beside: Beside::default(),
            guests: Guests::default(),
            latents: BTreeMap::new(),
            samples: Vec::new(),
            sample_failure: None,
            frame_times: VecDeque::new(),
            axis: None,
        }
    }

    /// How far the engine is.
    pub fn state(&self) -> &EngineState {
        &self.state
    }

    /// The newest picture.
    pub fn frame(&self) -> Option<&Arc<Frame>> {
        self.frame.as_ref()
    }

    /// The newest picture, if it is the one that stays of this request, or of a newer one.
    pub fn final_frame(&self, request: u64) -> Option<&Arc<Frame>> {
        self.frame.as_ref().filter(|frame| frame.kind == FrameKind::Final && frame.request >= request)
    }

    /// Whether the picture of the newest request is still to come, be it that of a moving brush.
    pub fn is_busy(&self) -> bool {
        self.waits_for(FrameKind::Moving)
    }

    /// Whether the picture that stays is still to come.
    pub fn is_unsettled(&self) -> bool {
        self.waits_for(FrameKind::Final)
    }

    fn waits_for(&self, kind: FrameKind) -> bool {
        self.handle.is_some()
            && !matches!(self.state, EngineState::Failed(_))
            && self.finished < (self.sent_number, kind)
    }

    /// For how long the newest request has been waiting.
    pub fn busy_for(&self) -> Option<Duration> {
        self.is_busy().then(|| self.sent_at.elapsed())
    }

    /// The number of the newest request.
    pub fn newest_request(&self) -> u64 {
        self.sent_number
    }

    /// Frames in the last second; `None` when fewer than two came.
    pub fn frames_per_second(&self) -> Option<f32> {
        let recent = self.frame_times.iter().filter(|at| at.elapsed() < RATE_WINDOW);
        let (mut first, mut last, mut count) = (None, None, 0u16);
        for at in recent {
            first = first.or(Some(*at));
            last = Some(*at);
            count += 1;
        }
        let elapsed_secs = last?.duration_since(first?).as_secs_f32();
        // Two that came at once say nothing about a rate.
        (count > 1 && elapsed_secs > SHORTEST_RATE_SECS).then(|| f32::from(count - 1) / elapsed_secs)
    }

    /// A layer's mask as the newest picture shows it: what is painted beyond it is still to come.
    pub fn shown_mask(&self, layer: LayerId) -> Option<&MaskImage> {
        self.shown.as_ref()?.masks.iter().find(|(id, _)| *id == layer).map(|(_, mask)| mask)
    }

    /// The scene that the newest picture shows, if `source` is the source in it.
    pub fn shown_scene(&self, source: PhotoId) -> Option<&Scene> {
        self.shown.as_ref().filter(|shown| shown.source == Some(source)).map(|shown| &shown.scene)
    }

    /// The pictures of the other faces that are edited in the source's photo, as far as they came, each with the scene that it
    /// shows, in the order of their photos.
    pub fn pictures_beside(&self) -> &[(PhotoId, Arc<Frame>, Scene)] {
        self.beside.shown()
    }

    /// By what those pictures are known together; 0 where there are none.
    pub fn key_beside(&self) -> u64 {
        self.beside.key()
    }

    /// Whether one of those pictures is still to come.
    pub fn waits_beside(&self) -> bool {
        self.handle.is_some() && !matches!(self.state, EngineState::Failed(_)) && !self.beside.is_complete()
    }

    /// Looks which pictures of other faces in the photo are wanted, and asks for one that is missing where nothing else is to come.
    pub fn update_beside(&mut self, document: &Document) {
        let mut edits: Vec<_> = document.edits_beside().collect();
        edits.sort_by_key(|edit| document.photos().iter().position(|photo| Some(photo.id) == edit.source()));
        let mut wanted = None;
        let scenes = edits
            .into_iter()
            .filter_map(|edit| {
                let scene = self.scenes.scene_of(document, edit, None)?;
                wanted = wanted.take().or_else(|| self.scenes.posed().wanted().cloned());
                Some((edit.source()?, scene))
            })
            .collect();
        let missing = self.beside.show(scenes);
        self.wanted_pose = self.wanted_pose.take().or(wanted);
        if self.is_unsettled() || self.beside.is_asked() || self.wanted_pose.is_some() {
            return;
        }
        if let (Some((source, scene)), Some(handle)) = (missing, &self.handle) {
            let number = handle.render(scene.clone());
            self.beside.ask(number, source, scene);
            self.guests.forget_asked();
        }
    }

    /// Gives the engine a face that is in no document.
    pub fn add_guest(&mut self, photo: &Photo) {
        let EngineState::Ready(info) = &self.state else { return };
        let Some(handle) = self.handle.as_ref().filter(|_| self.guests.add(photo.id.into())) else { return };
        match photo.latent_of(&info.hash) {
            Some(latent) => handle.add_latent(photo.id.into(), Arc::clone(latent), Some(Arc::clone(&photo.crop))),
            None => handle.add_face(photo.id.into(), Arc::clone(&photo.crop)),
        }
    }

    /// Lets the engine forget such a face.
    pub fn remove_guest(&mut self, photo: PhotoId) {
        if let Some(handle) = self.handle.as_ref().filter(|_| self.guests.remove(photo.into())) {
            handle.remove_face(photo.into());
        }
    }

    /// And all of them.
    pub fn remove_guests(&mut self) {
        for face in self.guests.remove_all() {
            self.handle.iter().for_each(|handle| handle.remove_face(face));
        }
    }

    /// Wants the picture of a scene of such faces: it comes when the engine has nothing else to do.
    pub fn draw_guests(&mut self, scene: Scene) {
        self.guests.want(scene);
    }

    /// That picture, or why there is none.
    pub fn take_guests(&mut self) -> Option<Answer> {
        if let EngineState::Failed(reason) = &self.state {
            return Some(Err(reason.clone()));
        }
        self.guests.take_answer()
    }

    /// Asks for what is wanted where nothing else is to come.
    pub fn update_guests(&mut self) {
        if self.is_unsettled() || self.is_behind() || self.waits_beside() || self.beside.is_asked() {
            return;
        }
        if let (Some(scene), Some(handle)) = (self.guests.missing(), &self.handle) {
            let number = handle.render(scene.clone());
            self.guests.ask(number);
        }
    }

    /// The posed face that is to be cut out next: one at a time, so that whatever is dragged is never far behind.
    pub fn wanted_pose(&self) -> Option<&WantedPose> {
        self.wanted_pose.as_ref().filter(|_| self.waiting_posed.is_empty())
    }

    /// Whether what the document shows is still to be asked for, for want of a posed face.
    pub fn is_behind(&self) -> bool {
        self.wanted_pose.is_some()
    }

    /// Takes a posed face that was cut out.
    pub fn take_posed(&mut self, wanted: &WantedPose, crop: Arc<RgbImage>) {
        self.wanted_pose = None;
        if let Some(handle) = &self.handle
            && self.scenes.posed_mut().take(wanted, Arc::clone(&crop))
        {
            self.waiting_posed.insert(wanted.face);
            handle.add_face(wanted.face, crop);
        }
    }

    /// The crops of the posed faces in a scene.
    pub fn posed_crops(&self, scene: &Scene) -> BTreeMap<FaceId, Arc<RgbImage>> {
        self.scenes.posed().crops_in(scene)
    }

    /// Asks for random faces, in place of those that were asked for.
    pub fn ask_for_samples(&mut self, requests: Vec<SampleRequest>) {
        self.sample_failure = None;
        self.samples.retain(|sample| requests.contains(&sample.request));
        let missing = requests.into_iter().filter(|wanted| self.samples.iter().all(|known| known.request != *wanted));
        if let Some(handle) = &self.handle {
            handle.sample(missing.collect());
        }
    }

    /// Those that came.
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// Why none come.
    pub fn sample_failure(&self) -> Option<&str> {
        self.sample_failure.as_deref()
    }

    /// Asks for the stylemap of a face that is in no document.
    pub fn encode_example(&self, number: u64, crop: Arc<RgbImage>) {
        self.handle.iter().for_each(|handle| handle.encode_example(number, Arc::clone(&crop)));
    }

    /// Has it learn a direction.
    pub fn learn(&self, lesson: Lesson) {
        if let Some(handle) = &self.handle {
            handle.learn(lesson);
        }
    }

    /// Asks for pictures of faces along what was learned.
    pub fn draw_along(&self, requests: Vec<AlongRequest>) {
        if let Some(handle) = &self.handle {
            handle.draw_along(requests);
        }
    }

    /// Asks for pictures of the bases of scenes, in place of those that were asked for.
    pub fn draw_aside(&self, scenes: Vec<(u64, Scene)>) {
        if let Some(handle) = &self.handle {
            handle.draw_aside(scenes);
        }
    }

    /// The newest scene that was asked for.
    pub fn sent_scene(&self) -> Option<&Scene> {
        self.sent_scene.as_ref()
    }

    /// Asks for nothing more of a lesson.
    pub fn end_lesson(&self) {
        self.handle.iter().for_each(EngineHandle::end_lesson);
    }

    /// Gives the model one more direction, or another one in the place of that of its name.
    pub fn add_direction(&self, direction: Direction) {
        if let Some(handle) = &self.handle {
            handle.add_direction(direction);
        }
    }

    /// Takes a direction from the model.
    pub fn remove_direction(&self, name: String) {
        if let Some(handle) = &self.handle {
            handle.remove_direction(name);
        }
    }

    /// What the engine made of the photos so far.
    pub fn latents(&self) -> &BTreeMap<PhotoId, Arc<Latent>> {
        &self.latents
    }

    /// Whether this photo is still being encoded.
    pub fn is_encoding(&self, photo: PhotoId) -> bool {
        self.waiting_faces.contains(&photo)
    }

    /// Asks for a face that is nearer to its photo, in so many steps.
    pub fn refine(&mut self, photo: &Photo, steps: usize) {
        if let Some(handle) = self.handle.as_ref().filter(|_| self.known_faces.contains_key(&photo.id)) {
            handle.refine(photo.id.into(), Arc::clone(&photo.crop), steps);
            self.refining.insert(photo.id, RefineProgress { done: 0, steps });
        }
    }

    /// Asks for no nearer one.
    pub fn stop_refining(&mut self, photo: PhotoId) {
        if let Some(handle) = &self.handle {
            handle.stop_refining(photo.into());
        }
    }

    /// How far that is; none where it is not under way.
    pub fn refining(&self, photo: PhotoId) -> Option<RefineProgress> {
        self.refining.get(&photo).copied()
    }

    /// Lets the engine draw a photo's face as this, unless it does already; a refinement under way ends.
    pub fn draw_as(&mut self, photo: PhotoId, latent: &Arc<Latent>) {
        let is_drawn = self.drawn_latents.get(&photo).is_some_and(|drawn| Arc::ptr_eq(drawn, latent));
        if let Some(handle) = self.handle.as_ref().filter(|_| !is_drawn && self.known_faces.contains_key(&photo)) {
            handle.change_latent(photo.into(), Arc::clone(latent));
            self.refining.remove(&photo);
            self.face_changed(photo, Arc::clone(latent));
        }
    }

    /// The engine draws a face as this from now on: pictures of it are asked for again.
    fn face_changed(&mut self, photo: PhotoId, latent: Arc<Latent>) {
        let face = FaceId::from(photo);
        self.drawn_latents.insert(photo, latent);
        self.beside.forget_pictures_of(face);
        if self.sent_scene.as_ref().is_some_and(|scene| scene.faces().any(|shown| shown == face)) {
            self.is_stale = true;
            self.sent_state = None;
        }
    }

    /// Sends what changed since the last call: new and removed photos, and a scene if the picture is another one. While the
    /// blend moves by itself, `moving_at` is where it stands. Whether the newest request is of this state.
    pub fn update(&mut self, timeline: &Timeline, moving_at: Option<[f32; 2]>) -> bool {
        let Some(handle) = &self.handle else { return false };
        if self.sent_state == Some((timeline.revision(), moving_at)) {
            return true;
        }
        // What moves by itself waits for its picture: the engine sets the pace.
        if moving_at.is_some() && self.is_busy() {
            return false;
        }
        let document = timeline.document();
        // Whether a project's faces are this model's is known once the model is.
        let model_hash = match &self.state {
            EngineState::Ready(info) => info.hash.as_str(),
            _ if document.photos().iter().any(|photo| photo.latent_model.is_some()) => return false,
            _ => "",
        };
        let scene = self.scenes.scene(document, moving_at);
        self.wanted_pose = self.scenes.posed().wanted().cloned();
        if scene.as_ref().is_some_and(|scene| !self.scenes.posed().has_all_of(scene)) {
            return false;
        }
        let source = document.source().and_then(|source| document.photo(source));
        self.axis = source.and_then(|source| source.axis()).cloned();
        let mut changed = Vec::new();
        for photo in document.photos() {
            let latent = photo.latent_of(model_hash);
            match self.known_faces.insert(photo.id, latent.map(Arc::clone)) {
                None => {
                    self.waiting_faces.insert(photo.id);
                    let id = photo.id.into();
                    let crop = Arc::clone(&photo.crop);
                    match latent {
                        Some(latent) => handle.add_latent(id, Arc::clone(latent), Some(crop)),
                        None => handle.add_face(id, crop),
                    }
                }
                Some(before) if before.as_ref().map(Arc::as_ptr) == latent.map(Arc::as_ptr) => {}
                // It was refined, or that was taken back.
                Some(_) => changed.extend(latent.or(self.latents.get(&photo.id)).map(|it| (photo.id, Arc::clone(it)))),
            }
        }
        let gone: Vec<PhotoId> = self.known_faces.keys().copied().filter(|id| document.photo(*id).is_none()).collect();
        for photo in gone {
            self.known_faces.remove(&photo);
            self.waiting_faces.remove(&photo);
            self.drawn_latents.remove(&photo);
            self.refining.remove(&photo);
            self.latents.remove(&photo);
            self.beside.forget(photo);
            handle.remove_face(photo.into());
        }
        changed.iter().for_each(|(photo, latent)| self.draw_as(*photo, latent));
        let Some(handle) = &self.handle else { return false };
        self.sent_state = self.wanted_pose.is_none().then_some((timeline.revision(), moving_at));
        let is_stale = std::mem::take(&mut self.is_stale);
        if is_stale || scene != self.sent_scene {
            match &scene {
                Some(scene) => {
                    // A face that is another one's neighbour from now on has its picture already.
                    if let (Some(frame), Some(shown)) = (&self.frame, &self.shown)
                        && let Some(source) = shown.source.filter(|_| frame.kind == FrameKind::Final)
                        && frame.request == shown.number
                    {
                        self.beside.keep(source, shown.scene.clone(), Arc::clone(frame));
                    }
                    // The new scene takes the place of what was asked for and has not begun.
                    self.beside.forget_asked();
                    self.guests.forget_asked();
                    self.sent_number = handle.render(scene.clone());
                    self.sent_at = Instant::now();
                    let masks = document.layers().iter().map(|layer| (layer.id, layer.mask.clone())).collect();
                    self.sent.push_back(Request {
                        number: self.sent_number,
                        source: document.source(),
                        masks,
                        scene: scene.clone(),
                    });
                }
                None => {
                    self.frame = None;
                    (self.finished, self.dropped_number) = ((self.sent_number, FrameKind::Final), self.sent_number);
                }
            }
            self.sent_scene = scene;
        }
        let sent = &self.sent_scene;
        let is_used = |face| sent.iter().flat_map(Scene::faces).any(|used| used == face);
        for face in self.scenes.posed_mut().forget_unused(is_used) {
            self.waiting_posed.remove(&face);
            handle.remove_face(face);
        }
        self.wanted_pose.is_none()
    }

    /// Takes everything that came. The newest frame stays in [`EngineLink::frame`]; an older one than that is dropped.
    pub fn poll(&mut self) -> Vec<Report> {
        let mut reports = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            match event {
                Event::Ready(info) => {
                    self.take_info(info);
                    reports.push(Report::Ready);
                }
                Event::Example(number, encoded) => {
                    reports.push(Report::Example(number, encoded.map_err(|err| err.to_string())));
                }
                Event::Learned(learned) => reports.push(Report::Learned(learned.map_err(|err| err.to_string()))),
                Event::Along(number, picture) => {
                    reports.push(Report::Along(number, picture.map_err(|err| err.to_string())));
                }
                // What cannot be drawn now fails again where it is asked for as a picture.
                Event::Aside(number, picture) => reports.push(Report::Aside(number, picture.ok())),
                Event::DirectionsChanged(Ok(info)) => {
                    self.take_info(info);
                    // What is under way may name directions by places that are others' now.
                    self.dropped_number = self.sent_number;
                    self.is_stale = true;
                    self.beside.forget_pictures();
                    self.guests.forget_asked();
                }
                Event::DirectionsChanged(Err(err)) => reports.push(Report::DirectionRefused(err.to_string())),
                Event::LoadFailed(err) => {
                    self.state = EngineState::Failed(err.to_string());
                    reports.push(Report::LoadFailed(err.to_string()));
                }
                Event::FaceReady(face, _) if self.waiting_posed.remove(&face) => {}
                Event::FaceReady(face, latent) => {
                    let photo = PhotoId(face.0);
                    self.waiting_faces.remove(&photo);
                    if self.known_faces.contains_key(&photo) {
                        self.latents.insert(photo, latent);
                    }
                }
                Event::Refining(face, progress, better) => {
                    let photo = PhotoId(face.0);
                    if let Some(known) = self.refining.get_mut(&photo) {
                        *known = progress;
                        better.into_iter().for_each(|latent| self.face_changed(photo, latent));
                    }
                }
                Event::Refined(face, latent) => {
                    let photo = PhotoId(face.0);
                    if let Some(RefineProgress { done, steps }) = self.refining.remove(&photo) {
                        latent.iter().for_each(|latent| self.face_changed(photo, Arc::clone(latent)));
                        reports.push(Report::Refined { photo, latent, is_whole: done >= steps });
                    }
                }
                Event::RefineFailed(face, err) => {
                    let photo = PhotoId(face.0);
                    if self.refining.remove(&photo).is_some() {
                        // What was drawn of it on the way stays.
                        let latent = self.drawn_latents.get(&photo).map(Arc::clone);
                        reports.push(Report::Refined { photo, latent, is_whole: false });
                        reports.push(Report::RefineFailed(photo, err.to_string()));
                    }
                }
                Event::Sampled(request, stylemap, frame) => {
                    self.samples.push(Sample { request, stylemap: stylemap.into(), frame: Arc::new(frame) });
                }
                Event::SampleFailed(_, err) => self.sample_failure = Some(err.to_string()),
                Event::FaceFailed(face, err) if self.guests.fail_face(face, &err.to_string()) => {}
                Event::FaceFailed(face, err) => {
                    self.waiting_posed.remove(&face);
                    self.waiting_faces.remove(&PhotoId(face.0));
                    reports.push(Report::FaceFailed(self.scenes.posed().photo_of(face), err.to_string()));
                }
                Event::Frame(frame) => self.take_frame(frame),
                Event::FrameFailed(number, err) if self.beside.fail(number) => {
                    reports.push(Report::FrameFailed(err.to_string()));
                }
                Event::FrameFailed(number, err) if self.guests.is_of(number) => {
                    self.guests.fail(number, err.to_string());
                }
                // What was beside and is not wanted any more.
                Event::FrameFailed(number, _) if self.beside.is_of(number) => {}
                Event::FrameFailed(number, err) => {
                    self.finished = self.finished.max((number, FrameKind::Final));
                    // A picture that nobody wants any more may fail, for example for want of a face that was closed since.
                    if number == self.sent_number && number > self.dropped_number && self.sent_scene.is_some() {
                        reports.push(Report::FrameFailed(err.to_string()));
                    }
                }
                Event::FellBackToCpu(err, info) => {
                    self.state = EngineState::Ready(info);
                    reports.push(Report::FellBackToCpu(err.to_string()));
                }
                _ => {}
            }
        }
        reports
    }

    /// The model is this from now on.
    fn take_info(&mut self, info: Box<ModelInfo>) {
        self.scenes.set_directions(info.directions.iter().map(|direction| direction.name.clone()));
        // What was asked for before did not know its directions.
        self.sent_state = None;
        self.state = EngineState::Ready(info);
    }

    fn take_frame(&mut self, mut frame: Frame) {
        if self.beside.is_of(frame.request) {
            return self.beside.take(frame);
        }
        if self.guests.is_of(frame.request) {
            return self.guests.take(frame);
        }
        self.finished = self.finished.max(frame.order());
        while self.sent.front().is_some_and(|request| request.number <= frame.request) {
            self.shown = self.sent.pop_front();
        }
        let is_dropped = self.sent_scene.is_none() || frame.request <= self.dropped_number;
        if is_dropped || self.frame.as_ref().is_some_and(|shown| shown.order() >= frame.order()) {
            return;
        }
        if let Some(axis) = &self.axis {
            for [red, green, blue, _] in frame.rgba.as_chunks_mut::<4>().0 {
                [*red, *green, *blue] = axis.nearest([*red, *green, *blue]);
            }
        }
        self.frame = Some(Arc::new(frame));
        let now = Instant::now();
        self.frame_times.push_back(now);
        while self.frame_times.front().is_some_and(|at| now.duration_since(*at) > RATE_WINDOW) {
            self.frame_times.pop_front();
        }
    }
}
