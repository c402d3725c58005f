//! The engine's thread: it owns the device, the networks and every cache, so that no other thread ever waits for them.
//!
//! Requests go through a mailbox that holds every face still to be encoded but only ONE scene (latest wins): a newer scene replaces
//! one that has not been started, so the picture under the brush is never behind a queue. A scene comes before waiting faces that it
//! does not need. Frames are ordered; whoever shows them ignores a frame older than the one on screen. A picture that a moving
//! brush's form was drawn of is settled when the brush has rested.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use image::RgbImage;

use super::refining::{Refining, RefiningFace};
use super::{AlongRequest, Engine, FaceId, Frame, FrameKind, Lesson, Scene};
use crate::cancel::Cancel;
use crate::directions::Direction;
use crate::error::{Error, Result};
use crate::latent::Latent;
use crate::learn::Learned;
use crate::mailbox::{Mailbox, Next};
use crate::model::ModelInfo;

/// What the engine's thread reports, in the order in which it happens.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The model is loaded; everything asked for so far is being worked on.
    Ready(Box<ModelInfo>),
    /// The model could not be loaded: nothing else will follow.
    LoadFailed(Error),
    /// A face is encoded and can be painted with; what files keep of it.
    FaceReady(FaceId, Arc<Latent>),
    /// A random face, asked for by [`EngineHandle::sample`]: its stylemap, row by row, and its picture, whose request
    /// is 0.
    Sampled(SampleRequest, Vec<f32>, Frame),
    /// A face asked for by [`EngineHandle::sample`] could not be drawn.
    SampleFailed(SampleRequest, Error),
    /// A face could not be encoded.
    FaceFailed(FaceId, Error),
    /// How far the refinement of a face is, and the face itself where the engine draws a better one from now on.
    Refining(FaceId, RefineProgress, Option<Arc<Latent>>),
    /// The refinement of a face ended, by itself or because it was stopped: the face as the engine draws it from now on; none where no step
    /// was taken.
    Refined(FaceId, Option<Arc<Latent>>),
    /// A face could not be refined further; it stays as near to its photo as it came.
    RefineFailed(FaceId, Error),
    /// The stylemap, row by row, of an example asked for by [`EngineHandle::encode_example`], or why there is none.
    Example(u64, Result<Vec<f32>>),
    /// What came of a lesson, see [`EngineHandle::learn`].
    Learned(Result<Box<Learned>>),
    /// A face along a direction, asked for by [`EngineHandle::draw_along`] with this number, or why there is none.
    Along(u64, Result<Frame>),
    /// The base of a scene, asked for by [`EngineHandle::draw_aside`] with this number, or why there is none.
    Aside(u64, Result<Frame>),
    /// The model has other directions from now on, or refused one. Scenes that were asked for before may name wrong ones.
    DirectionsChanged(Result<Box<ModelInfo>>),
    /// A picture of a request; see [`super::FrameKind`] for how many come.
    Frame(Frame),
    /// The picture with this number could not be made.
    FrameFailed(u64, Error),
    /// The device failed (lost, or out of memory) and the engine goes on with the CPU: what failed, and on what it runs now.
    FellBackToCpu(Error, Box<ModelInfo>),
}

/// Which random face to draw, see [`crate::model::Model::sample`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleRequest {
    /// The seed of a series of faces.
    pub seed: u64,
    /// Which face of the series.
    pub index: u64,
    /// How far from the average face: 0 is the average.
    pub truncation: f32,
}

/// How far the refinement of a face is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefineProgress {
    /// The steps that were taken.
    pub done: usize,
    /// How many there are to be.
    pub steps: usize,
}

/// How the thread runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct WorkerOptions {
    /// Sleep this long before every frame: a test hook that makes a slow machine out of any.
    pub artificial_delay: Duration,
}

enum FaceJob {
    Encode(FaceId, Arc<RgbImage>),
    Latent(FaceId, Arc<Latent>, Option<Arc<RgbImage>>),
    /// Another latent of a face that is there.
    Change(FaceId, Arc<Latent>),
    Remove(FaceId),
}

impl FaceJob {
    fn face(&self) -> FaceId {
        match self {
            Self::Encode(face, _) | Self::Latent(face, ..) | Self::Change(face, _) | Self::Remove(face) => *face,
        }
    }

    /// Whether a scene that shows the face must wait for it.
    fn is_needed_by(&self, scene: &Scene) -> bool {
        scene.faces().any(|face| face == self.face())
    }
}

/// What waits for the engine's thread.
#[derive(Default)]
struct Waiting {
    face_jobs: VecDeque<FaceJob>,
    samples: VecDeque<SampleRequest>,
    scene: Option<(u64, Scene)>,
    refine_jobs: VecDeque<RefineJob>,
    lesson_jobs: VecDeque<LessonJob>,
    /// The newest wishes of their kind.
    asides: VecDeque<(u64, Scene)>,
}

impl Waiting {
    /// The next thing to do: faces that the waiting scene needs, then the scene, then other faces.
    fn take(&mut self) -> Option<Job> {
        let needed =
            self.scene.as_ref().and_then(|(_, scene)| self.face_jobs.iter().position(|job| job.is_needed_by(scene)));
        if let Some(job) = needed.and_then(|index| self.face_jobs.remove(index)) {
            return Some(Job::Face(job));
        }
        if let Some((number, scene)) = self.scene.take() {
            return Some(Job::Scene(number, scene));
        }
        if let Some(job) = self.face_jobs.pop_front() {
            return Some(Job::Face(job));
        }
        if let Some(job) = self.refine_jobs.pop_front() {
            return Some(Job::Refine(job));
        }
        if let Some(job) = self.lesson_jobs.pop_front() {
            return Some(Job::Lesson(job));
        }
        if let Some((number, scene)) = self.asides.pop_front() {
            return Some(Job::Aside(number, scene));
        }
        self.samples.pop_front().map(Job::Sample)
    }
}

/// A handle to the engine's thread. Every call returns at once. Dropping the handle ends the thread after the work in hand.
pub struct EngineHandle {
    mailbox: Arc<Mailbox<Waiting>>,
    cancel: Cancel,
    newest_number: Arc<AtomicU64>,
    /// Counts everything that was sent.
    sent: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl EngineHandle {
    /// Starts the thread. `load` runs on it (so that a window can be on screen before the model is read), and `on_event` is
    /// called on it: it must not block.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn spawn(
        load: impl FnOnce() -> Result<Engine> + Send + 'static,
        options: WorkerOptions,
        on_event: impl FnMut(Event) + Send + 'static,
    ) -> Result<Self> {
        let mailbox = Arc::<Mailbox<Waiting>>::default();
        let cancel = Cancel::default();
        let newest_number = Arc::<AtomicU64>::default();
        let sent = Arc::<AtomicU64>::default();
        let worker = Worker {
            mailbox: Arc::clone(&mailbox),
            cancel: cancel.clone(),
            newest_number: Arc::clone(&newest_number),
            sent: Arc::clone(&sent),
            refining: Refining::default(),
            options,
            on_event,
        };
        let thread = std::thread::Builder::new()
            .name("stylemap engine".to_owned())
            .spawn(move || worker.run(load))
            .map_err(|err| Error::Device(format!("the engine's thread could not be started: {err}")))?;
        Ok(Self { mailbox, cancel, newest_number, sent, thread: Some(thread) })
    }

    fn send(&self, change: impl FnOnce(&mut Waiting)) {
        self.mailbox.send(change);
        // What is refined meanwhile makes way.
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    /// Encodes an aligned, square face crop (any size; it is resampled to the model's).
    pub fn add_face(&self, face: FaceId, crop: Arc<RgbImage>) {
        self.send(|waiting| waiting.face_jobs.push_back(FaceJob::Encode(face, crop)));
    }

    /// Takes a face that is known already, with the crop that it was encoded from, if it was.
    pub fn add_latent(&self, face: FaceId, latent: Arc<Latent>, crop: Option<Arc<RgbImage>>) {
        self.send(|waiting| waiting.face_jobs.push_back(FaceJob::Latent(face, latent, crop)));
    }

    /// Takes another latent of a face that was added before: its photo stays the same. A refinement of it ends without a word.
    pub fn change_latent(&self, face: FaceId, latent: Arc<Latent>) {
        self.send(|waiting| waiting.face_jobs.push_back(FaceJob::Change(face, latent)));
    }

    /// Brings a face that was added before nearer to the crop that it was encoded from, see [`crate::refine`]: when nothing
    /// else is asked for and some time after that, one step at a time; any request stops a step within a level. Several faces
    /// follow one another.
    pub fn refine(&self, face: FaceId, crop: Arc<RgbImage>, steps: usize) {
        self.send(|waiting| waiting.refine_jobs.push_back(RefineJob::Begin(face, crop, steps)));
    }

    /// Ends the refinement of a face: it stays as near to its photo as it came.
    pub fn stop_refining(&self, face: FaceId) {
        self.send(|waiting| waiting.refine_jobs.push_back(RefineJob::Stop(face)));
    }

    /// Asks for these random faces, in place of any that were asked for and have not been started. They come one by one,
    /// when nothing else waits.
    pub fn sample(&self, requests: Vec<SampleRequest>) {
        self.send(|waiting| waiting.samples = requests.into());
    }

    /// Draws the bases of scenes, their layers left out, one by one when nothing else waits; in place of any that were asked for and have
    /// not been started. The numbers are the caller's.
    pub fn draw_aside(&self, scenes: Vec<(u64, Scene)>) {
        self.send(|waiting| waiting.asides = scenes.into());
    }

    /// Encodes an aligned, square face crop that becomes no face of the engine's, when nothing else waits. The number is the caller's.
    pub fn encode_example(&self, number: u64, crop: Arc<RgbImage>) {
        self.send(|waiting| waiting.lesson_jobs.push_back(LessonJob::Encode(number, crop)));
    }

    /// Encodes no more examples, and draws nothing along a direction, that has not been begun.
    pub fn end_lesson(&self) {
        self.send(|waiting| waiting.lesson_jobs.retain(|job| matches!(job, LessonJob::Add(_) | LessonJob::Remove(_))));
    }

    /// Learns a direction after the examples that wait. The model does not have it until it is added.
    pub fn learn(&self, lesson: Lesson) {
        self.send(|waiting| waiting.lesson_jobs.push_back(LessonJob::Learn(lesson)));
    }

    /// Draws faces along a direction that the model does not have, one by one, when nothing else waits.
    pub fn draw_along(&self, requests: Vec<AlongRequest>) {
        self.send(|waiting| waiting.lesson_jobs.extend(requests.into_iter().map(LessonJob::Draw)));
    }

    /// Takes one more direction, or another one in the place of that of its name.
    pub fn add_direction(&self, direction: Direction) {
        self.send(|waiting| waiting.lesson_jobs.push_back(LessonJob::Add(direction)));
    }

    /// Forgets the direction of this name.
    pub fn remove_direction(&self, name: String) {
        self.send(|waiting| waiting.lesson_jobs.push_back(LessonJob::Remove(name)));
    }

    /// Forgets a face and its caches.
    pub fn remove_face(&self, face: FaceId) {
        self.send(|waiting| waiting.face_jobs.push_back(FaceJob::Remove(face)));
    }

    /// Asks for a picture. The latest request wins: it replaces any that has not been started, and what is still to come of one that
    /// has.
    /// Returns the request's number. Faces that were added before and still wait are encoded first where the scene
    /// needs them.
    pub fn render(&self, scene: Scene) -> u64 {
        let mut number = 0;
        self.send(|waiting| {
            // In one step, so that what waits is always what has the newest number.
            number = self.newest_number.fetch_add(1, Ordering::Relaxed) + 1;
            waiting.scene = Some((number, scene));
        });
        number
    }
}

impl Drop for EngineHandle {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.mailbox.close();
        if let Some(thread) = self.thread.take() {
            // A panic on that thread was reported there; there is nothing left to hand on.
            let _ = thread.join();
        }
    }
}

enum RefineJob {
    Begin(FaceId, Arc<RgbImage>, usize),
    Stop(FaceId),
}

/// What a direction that is learned takes.
enum LessonJob {
    Encode(u64, Arc<RgbImage>),
    Learn(Lesson),
    Draw(AlongRequest),
    Add(Direction),
    Remove(String),
}

enum Job {
    Face(FaceJob),
    Refine(RefineJob),
    Lesson(LessonJob),
    Aside(u64, Scene),
    Sample(SampleRequest),
    Scene(u64, Scene),
}

/// A brush that has rested for so long waits for the picture that stays. Shorter than a hand pauses on purpose, longer than
/// the time between two movements of the slowest mouse.
const REST: Duration = Duration::from_millis(60);

/// Faces are refined once nothing was drawn for so long: not between two strokes of somebody who is painting.
const REFINE_REST: Duration = Duration::from_millis(400);

/// A picture of which only a moving brush's form was drawn.
struct Unsettled {
    number: u64,
    scene: Scene,
    settle_at: Instant,
}

struct Worker<F> {
    mailbox: Arc<Mailbox<Waiting>>,
    cancel: Cancel,
    newest_number: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
    refining: Refining,
    options: WorkerOptions,
    on_event: F,
}

impl<F: FnMut(Event)> Worker<F> {
    fn run(mut self, load: impl FnOnce() -> Result<Engine>) {
        let mut engine = match load() {
            Ok(engine) => engine,
            Err(err) => return (self.on_event)(Event::LoadFailed(err)),
        };
        (self.on_event)(Event::Ready(Box::new(engine.info())));
        let mut unsettled: Option<Unsettled> = None;
        let mut refine_at = Instant::now();
        loop {
            let settle_at = unsettled.as_ref().map(|unsettled| unsettled.settle_at);
            let refine_at_if_any = self.refining.first().map(|_| refine_at);
            // Whatever is sent from here on, and is not taken in this turn, stops a step.
            let sent = self.sent.load(Ordering::Relaxed);
            match self.mailbox.next_before(settle_at.or(refine_at_if_any), Waiting::take) {
                Next::Closed => return,
                Next::DeadlinePassed => {
                    if let Some(Unsettled { number, scene, .. }) = unsettled.take() {
                        let cancel = self.cancel.or_newer_than(number, &self.newest_number);
                        self.picture(&mut engine, number, &cancel, &mut |engine, cancel| {
                            engine.render_cancellable(&scene, cancel)
                        });
                        refine_at = Instant::now() + REFINE_REST;
                    } else {
                        let cancel = self.cancel.or_newer_than(sent, &self.sent);
                        self.refine_on(&mut engine, &cancel);
                    }
                }
                Next::Taken(Job::Face(job)) => self.face(&mut engine, job),
                Next::Taken(Job::Refine(RefineJob::Begin(face, crop, steps))) => {
                    self.refining.push(RefiningFace::new(face, crop, steps));
                }
                Next::Taken(Job::Refine(RefineJob::Stop(face))) => self.end_refinement(&mut engine, face),
                Next::Taken(Job::Lesson(job)) => self.lesson(&mut engine, &job),
                Next::Taken(Job::Aside(number, scene)) => {
                    let cancel = self.cancel.clone();
                    let drawn = self.with_fallback(&mut engine, &mut |engine| engine.draw_aside(&scene, &cancel));
                    (self.on_event)(Event::Aside(number, drawn));
                }
                Next::Taken(Job::Sample(request)) => self.sample(&mut engine, request),
                Next::Taken(Job::Scene(number, scene)) => {
                    unsettled = self.scene(&mut engine, number, scene);
                    refine_at = Instant::now() + REFINE_REST;
                }
            }
        }
    }

    /// Takes the next step of the first face that is being refined.
    fn refine_on(&mut self, engine: &mut Engine, cancel: &Cancel) {
        let Some(first) = self.refining.first_mut() else { return };
        let face = first.face();
        match guarded(|| first.step(engine, cancel)) {
            Ok(progress) => {
                let is_done = progress.done >= progress.steps;
                let better =
                    if progress.is_worth_showing() && !is_done { self.show_refined(engine, face) } else { None };
                (self.on_event)(Event::Refining(face, progress, better));
                if is_done {
                    self.end_refinement(engine, face);
                }
            }
            Err(Error::Cancelled) => {}
            Err(err) => {
                self.refining.remove(face);
                (self.on_event)(Event::RefineFailed(face, err));
            }
        }
    }

    /// Lets the engine draw the best that was found of a face so far.
    fn show_refined(&mut self, engine: &mut Engine, face: FaceId) -> Option<Arc<Latent>> {
        let best = self.refining.get(face)?.best(engine)?;
        guarded(|| engine.change_latent(face, best.clone())).ok().map(|()| Arc::new(best))
    }

    /// Ends the refinement of a face with what was found.
    fn end_refinement(&mut self, engine: &mut Engine, face: FaceId) {
        let found = self.show_refined(engine, face);
        if self.refining.remove(face).is_some() {
            (self.on_event)(Event::Refined(face, found));
        }
    }

    fn face(&mut self, engine: &mut Engine, job: FaceJob) {
        let face = job.face();
        let cancel = self.cancel.clone();
        let mut attempt = |engine: &mut Engine| match &job {
            FaceJob::Encode(_, crop) => {
                engine.add_face_cancellable(face, crop, &cancel)?;
                Ok(Some(Event::FaceReady(face, Arc::new(engine.latent(face)?.clone()))))
            }
            FaceJob::Latent(_, latent, crop) => {
                engine.add_latent(face, Latent::clone(latent), crop.as_deref())?;
                Ok(Some(Event::FaceReady(face, Arc::clone(latent))))
            }
            FaceJob::Change(_, latent) => {
                engine.change_latent(face, Latent::clone(latent))?;
                Ok(None)
            }
            FaceJob::Remove(_) => {
                engine.remove_face(face);
                Ok(None)
            }
        };
        // It began at what the face was.
        self.refining.remove(face);
        match self.with_fallback(engine, &mut attempt) {
            Ok(Some(event)) => (self.on_event)(event),
            Ok(None) | Err(Error::Cancelled) => {}
            Err(err) => (self.on_event)(Event::FaceFailed(face, err)),
        }
    }

    fn lesson(&mut self, engine: &mut Engine, job: &LessonJob) {
        let cancel = self.cancel.clone();
        let event = match job {
            LessonJob::Encode(number, crop) => {
                Event::Example(*number, self.with_fallback(engine, &mut |engine| engine.encode_example(crop)))
            }
            LessonJob::Learn(lesson) => {
                Event::Learned(self.with_fallback(engine, &mut |engine| engine.learn(lesson).map(Box::new)))
            }
            LessonJob::Draw(request) => {
                let number = request.number;
                Event::Along(number, self.with_fallback(engine, &mut |engine| engine.draw_along(request, &cancel)))
            }
            LessonJob::Add(direction) => {
                Event::DirectionsChanged(guarded(|| engine.add_direction(direction.clone()).map(Box::new)))
            }
            LessonJob::Remove(name) => {
                Event::DirectionsChanged(guarded(|| Ok(Box::new(engine.remove_direction(name)))))
            }
        };
        (self.on_event)(event);
    }

    fn sample(&mut self, engine: &mut Engine, request: SampleRequest) {
        let cancel = self.cancel.clone();
        match self.with_fallback(engine, &mut |engine| engine.sample(&request, &cancel)) {
            Ok((stylemap, frame)) => (self.on_event)(Event::Sampled(request, stylemap, frame)),
            Err(Error::Cancelled) => {}
            Err(err) => (self.on_event)(Event::SampleFailed(request, err)),
        }
    }

    /// Draws a scene as a moving brush shows it; gives what is to be settled once the brush rests.
    fn scene(&mut self, engine: &mut Engine, number: u64, scene: Scene) -> Option<Unsettled> {
        if !self.options.artificial_delay.is_zero() {
            std::thread::sleep(self.options.artificial_delay);
        }
        let mut cancel = self.cancel.clone();
        // What fails here and matters fails again below.
        if let Ok(Some(picture)) = self.with_fallback(engine, &mut |engine| engine.preview(&scene, &cancel)) {
            (self.on_event)(Event::Frame(Frame { request: number, ..picture }));
            // From here on something newer is worth more than exactness.
            cancel = cancel.or_newer_than(number, &self.newest_number);
        }
        let kind = self.picture(engine, number, &cancel, &mut |engine, cancel| engine.render_moving(&scene, cancel));
        let settle_at = Instant::now() + REST;
        (kind == Some(FrameKind::Moving)).then_some(Unsettled { number, scene, settle_at })
    }

    /// Draws and reports a request's picture, and says of which kind it is; none where there is none.
    fn picture(
        &mut self,
        engine: &mut Engine,
        number: u64,
        cancel: &Cancel,
        draw: &mut dyn FnMut(&mut Engine, &Cancel) -> Result<Frame>,
    ) -> Option<FrameKind> {
        match self.with_fallback(engine, &mut |engine| draw(engine, cancel)) {
            Ok(picture) => {
                let kind = picture.kind;
                (self.on_event)(Event::Frame(Frame { request: number, ..picture }));
                Some(kind)
            }
            Err(Error::Cancelled) => None,
            Err(err) => {
                (self.on_event)(Event::FrameFailed(number, err));
                None
            }
        }
    }

    /// Runs `attempt`; if the computation fails on a device other than the CPU, moves the engine to the CPU and tries again.
    fn with_fallback<T>(
        &mut self,
        engine: &mut Engine,
        attempt: &mut dyn FnMut(&mut Engine) -> Result<T>,
    ) -> Result<T> {
        match guarded(|| attempt(engine)) {
            Err(Error::Compute(err)) if !engine.is_on_cpu() => {
                engine.fall_back_to_cpu()?;
                (self.on_event)(Event::FellBackToCpu(Error::Compute(err), Box::new(engine.info())));
                guarded(|| attempt(engine))
            }
            result => result,
        }
    }
}

/// A mistake in a kernel must cost a frame, not the document: without its thread the window would wait for ever. The engine's
/// caches hold nothing half made, since each is put back only when it is complete.
fn guarded<T>(attempt: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Err(Error::Internal(text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_on_the_engines_thread_is_an_error() {
        let err = guarded(|| -> Result<()> { panic!("index {} out of bounds", 7) }).unwrap_err();
        assert!(err.to_string().contains("index 7 out of bounds"), "{err}");
        assert_eq!(guarded(|| Ok(1)).unwrap(), 1);
    }
}
