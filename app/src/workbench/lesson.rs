//! A slider that the user teaches the program: faces that lack something, faces that have it, what the engine learns from them, and the
//! file in which what was learned is kept beside the model's own directions.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use candle_core::Tensor;
use image::RgbImage;
use stylemap::directions::{Direction, DirectionInfo, Directions};
use stylemap::engine::{AlongRequest, Frame, Lesson, SampleRequest};
use stylemap::face::FaceDetector;
use stylemap::learn::{Learned, MIN_FACES};
use stylemap::photo::resized;

use super::photos::random_face_name;
use super::{EngineState, JobKind, NoticeKind, Workbench};
use crate::document::PhotoId;
use crate::language::tr_with;
use crate::learned_directions;
use crate::photo_loading::{PHOTO_EXTENSIONS, files_ending_in, load};
use crate::sentence::sentence_of;

/// So many examples a group takes: beyond some hundreds a slider hardly becomes better, and what is computed grows with their cube.
pub const MAX_EXAMPLES: usize = 500;
/// So many faces show what a slider does.
pub const STRIP_FACES: usize = 3;
/// And each at so many places between the ends of its range.
pub const STRIP_PLACES: usize = 5;
/// The side of an example's picture in the window.
const PICTURE_PX: u32 = 96;

/// The two sides of a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ExampleGroup {
    /// Faces that lack it.
    Without,
    /// Faces that have it.
    With,
}

impl ExampleGroup {
    /// Both, in the order in which a slider goes.
    pub const ALL: [Self; 2] = [Self::Without, Self::With];

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Without => Self::With,
            Self::With => Self::Without,
        }
    }
}

/// Where an example comes from; each is in one group once.
#[derive(Clone, Debug, PartialEq)]
pub enum ExampleOrigin {
    /// An open photo.
    Photo(PhotoId),
    /// A photo's file, of which the largest face counts.
    File(PathBuf),
    /// A random face.
    Random(SampleRequest),
}

/// A face that a slider is learned from.
#[derive(Clone, Debug)]
pub struct Example {
    /// By what it is known.
    pub number: u64,
    /// On which side.
    pub group: ExampleGroup,
    /// Where it comes from.
    pub origin: ExampleOrigin,
    /// What it is called.
    pub name: String,
    /// Its picture, small.
    pub picture: Arc<RgbImage>,
    /// As the model knows it, once it does.
    stylemap: Option<Arc<[f32]>>,
}

/// What is chosen of a lesson beside its examples.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LessonPlan {
    /// What the slider is to be called.
    pub name: String,
    /// The sliders along which faces shall not move.
    pub unchanged: BTreeSet<String>,
}

/// A slider that was learned and is not kept yet.
pub struct LearnedSlider {
    learned: Learned,
    /// The faces that show it.
    pub faces: Vec<PhotoId>,
    /// Their pictures, face by face from the low end of the range to the high one, as far as they came.
    pub strip: Vec<Option<Arc<Frame>>>,
    first_number: u64,
}

impl LearnedSlider {
    /// What is said of it.
    pub fn info(&self) -> &DirectionInfo {
        &self.learned.direction.info
    }

    /// How many faces of 100 that were left out are told right.
    pub fn percent_told_right(&self) -> u32 {
        (100.0 * self.learned.accuracy).round() as u32
    }
}

/// The amount at a place of the strip.
fn amount_at([low, high]: [f32; 2], place: usize) -> f32 {
    low + (high - low) * place as f32 / (STRIP_PLACES - 1) as f32
}

/// The lesson in hand, and what was learned before.
#[derive(Default)]
pub struct Lessons {
    plan: LessonPlan,
    examples: Vec<Example>,
    next_number: u64,
    /// Files that are still to be read.
    files: VecDeque<(ExampleGroup, PathBuf)>,
    is_reading: bool,
    detector: Option<Arc<FaceDetector>>,
    failures: Vec<String>,
    is_learning: bool,
    slider: Option<LearnedSlider>,
    /// What was learned for the model in hand.
    known: Directions,
    folder: Option<PathBuf>,
}

impl Lessons {
    pub(super) fn new(folder: Option<PathBuf>) -> Self {
        Self { folder, ..Self::default() }
    }

    /// What is chosen beside the examples.
    pub fn plan(&self) -> &LessonPlan {
        &self.plan
    }

    /// The faces of a group.
    pub fn examples(&self, group: ExampleGroup) -> impl Iterator<Item = &Example> {
        self.examples.iter().filter(move |example| example.group == group)
    }

    /// How many files are still to be read.
    pub fn files_to_read(&self) -> usize {
        self.files.len() + usize::from(self.is_reading)
    }

    /// What of the files could not be used, and why nothing was learned.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// Whether the engine is learning.
    pub fn is_learning(&self) -> bool {
        self.is_learning
    }

    /// What it learned.
    pub fn slider(&self) -> Option<&LearnedSlider> {
        self.slider.as_ref()
    }

    /// What was learned or imported for this model and is kept.
    pub fn known(&self) -> impl ExactSizeIterator<Item = &DirectionInfo> {
        self.known.iter().map(|direction| &direction.info)
    }

    /// Whether nothing of it is under way.
    pub fn is_idle(&self) -> bool {
        let is_drawn = |slider: &LearnedSlider| slider.strip.iter().all(Option::is_some) || !self.failures.is_empty();
        self.files_to_read() == 0
            && !self.is_learning
            && self.examples.iter().all(|example| example.stylemap.is_some())
            && self.slider.as_ref().is_none_or(is_drawn)
    }

    fn count(&self, group: ExampleGroup) -> usize {
        self.examples(group).count()
    }

    /// The examples are others: what was learned is no longer of them.
    fn change(&mut self) {
        self.slider = None;
    }

    fn forget_lesson(&mut self) {
        let known = std::mem::take(&mut self.known);
        *self = Self {
            folder: self.folder.take(),
            detector: self.detector.take(),
            known,
            next_number: self.next_number,
            ..Self::default()
        };
    }
}

impl Workbench {
    /// The lesson in hand.
    pub fn lessons(&self) -> &Lessons {
        &self.lessons
    }

    /// Why nothing can be learned yet, in English; none where it can.
    pub fn lesson_lacks(&self) -> Option<&'static str> {
        let lessons = &self.lessons;
        let EngineState::Ready(info) = self.engine.state() else { return Some("The model is not loaded") };
        if info.component_count == 0 {
            return Some("This model's file has no principal components, and without them no slider is learned");
        }
        if ExampleGroup::ALL.iter().any(|group| lessons.count(*group) < MIN_FACES) {
            return Some("Each side needs three faces at least");
        }
        if lessons.files_to_read() > 0 || lessons.examples.iter().any(|example| example.stylemap.is_none()) {
            return Some("The faces are still being read");
        }
        let name = lessons.plan.name.trim();
        if name.is_empty() {
            return Some("The slider needs a name");
        }
        let is_learned = lessons.known().any(|known| known.name == name);
        if !is_learned && info.directions.iter().any(|direction| direction.name == name) {
            return Some("The model has a slider of this name already");
        }
        lessons.is_learning.then_some("The slider is being learned")
    }

    pub(super) fn can_keep_slider(&self) -> bool {
        self.lessons.slider.is_some() && self.lessons.folder.is_some()
    }

    pub(super) fn set_lesson(&mut self, plan: LessonPlan) {
        if plan != self.lessons.plan {
            self.lessons.plan = plan;
            self.lessons.change();
        }
    }

    /// Adds these photos, and those of these folders, to a group.
    pub(super) fn add_example_files(&mut self, group: ExampleGroup, paths: Vec<PathBuf>) {
        self.lessons.failures.clear();
        self.lessons.files.extend(paths.into_iter().map(|path| (group, path)));
        self.lessons.files.truncate(2 * MAX_EXAMPLES);
        self.read_next_example();
    }

    /// Adds the face of an open photo.
    pub(super) fn add_example_photo(&mut self, group: ExampleGroup, id: PhotoId) {
        let Some(photo) = self.timeline.document().photo(id).map(Arc::clone) else { return };
        let known = self.engine.latents().get(&id).map(|latent| latent.stylemap.as_slice().into());
        self.add_example(group, ExampleOrigin::Photo(id), photo.name.clone(), &photo.crop, known);
    }

    /// Adds a random face that was drawn.
    pub(super) fn add_example_random(&mut self, group: ExampleGroup, request: SampleRequest) {
        let Some(sample) = self.engine.samples().iter().find(|sample| sample.request == request) else { return };
        let (picture, known) = (Arc::new(sample.frame.to_rgb()), Some(Arc::clone(&sample.stylemap)));
        self.add_example(group, ExampleOrigin::Random(request), random_face_name(request), &picture, known);
    }

    fn add_example(
        &mut self,
        group: ExampleGroup,
        origin: ExampleOrigin,
        name: String,
        crop: &Arc<RgbImage>,
        stylemap: Option<Arc<[f32]>>,
    ) {
        let lessons = &mut self.lessons;
        if let Some(known) = lessons.examples.iter_mut().find(|example| example.origin == origin) {
            if known.group != group {
                known.group = group;
                lessons.change();
            }
            return;
        }
        if lessons.count(group) >= MAX_EXAMPLES {
            let text = "A side takes {count} faces at most: more were left out";
            let text = tr_with(text, &[("count", &MAX_EXAMPLES.to_string())]);
            if !lessons.failures.contains(&text) {
                lessons.failures.push(text);
            }
            return;
        }
        let number = lessons.next_number;
        lessons.next_number += 1;
        if stylemap.is_none() {
            self.engine.encode_example(number, Arc::clone(crop));
        }
        let picture = Arc::new(resized(crop, PICTURE_PX));
        lessons.examples.push(Example { number, group, origin, name, picture, stylemap });
        lessons.change();
    }

    pub(super) fn move_example(&mut self, number: u64) {
        if let Some(example) = self.lessons.examples.iter_mut().find(|example| example.number == number) {
            example.group = example.group.other();
            self.lessons.change();
        }
    }

    pub(super) fn remove_example(&mut self, number: u64) {
        self.lessons.examples.retain(|example| example.number != number);
        self.lessons.change();
    }

    pub(super) fn clear_examples(&mut self, group: ExampleGroup) {
        self.lessons.examples.retain(|example| example.group != group);
        self.lessons.files.retain(|(of, _)| *of != group);
        self.lessons.failures.clear();
        self.lessons.change();
    }

    /// Reads one file after the other, so that a stop is soon heard and little memory is taken.
    fn read_next_example(&mut self) {
        if self.lessons.is_reading {
            return;
        }
        let Some((group, path)) = self.lessons.files.pop_front() else { return };
        let (are_aligned, detector) = (self.are_aligned, self.lessons.detector.clone());
        let started = self.jobs.start(JobKind::ReadExample, {
            let path = path.clone();
            move |_| {
                let read = read_example(&path, are_aligned, detector);
                Box::new(move |bench: &mut Self| bench.take_example(group, path, read))
            }
        });
        match started {
            Ok(()) => self.lessons.is_reading = true,
            Err(err) => {
                self.lessons.files.clear();
                self.tell_error(&err);
            }
        }
    }

    fn take_example(&mut self, group: ExampleGroup, path: PathBuf, read: anyhow::Result<ReadExample>) {
        self.lessons.is_reading = false;
        match read {
            // What it holds comes in its place.
            Ok(ReadExample::Folder(files)) => {
                files.into_iter().rev().for_each(|file| self.lessons.files.push_front((group, file)));
                self.lessons.files.truncate(2 * MAX_EXAMPLES);
            }
            Ok(ReadExample::Face { name, crop, detector }) => {
                self.lessons.detector = detector;
                self.add_example(group, ExampleOrigin::File(path), name, &Arc::new(crop), None);
            }
            Err(err) => self.lessons.failures.push(sentence_of(&err)),
        }
        self.read_next_example();
    }

    pub(super) fn take_encoded_example(&mut self, number: u64, encoded: Result<Vec<f32>, String>) {
        match encoded {
            Ok(stylemap) => {
                if let Some(example) = self.lessons.examples.iter_mut().find(|example| example.number == number) {
                    example.stylemap = Some(stylemap.into());
                }
            }
            Err(reason) => {
                self.lessons.examples.retain(|example| example.number != number);
                self.lessons.failures.push(reason);
            }
        }
    }

    /// Has the engine learn from the groups as they are.
    pub(super) fn learn_slider(&mut self) {
        let stylemaps = |group| self.lessons.examples(group).filter_map(|example| example.stylemap.clone()).collect();
        let LessonPlan { name, unchanged } = self.lessons.plan.clone();
        let lesson = Lesson {
            name: name.trim().to_owned(),
            without: stylemaps(ExampleGroup::Without),
            with: stylemaps(ExampleGroup::With),
            unchanged: unchanged.into_iter().collect(),
        };
        self.lessons.failures.clear();
        self.lessons.change();
        self.lessons.is_learning = true;
        self.engine.learn(lesson);
    }

    pub(super) fn take_learned(&mut self, learned: Result<Learned, String>) {
        if !std::mem::take(&mut self.lessons.is_learning) {
            return;
        }
        let learned = match learned {
            Ok(learned) => learned,
            Err(reason) => return self.lessons.failures.push(reason),
        };
        let document = self.timeline.document();
        let source = document.source();
        let others = document.photos().iter().map(|photo| photo.id).filter(|photo| Some(*photo) != source);
        let faces: Vec<PhotoId> = source.into_iter().chain(others).take(STRIP_FACES).collect();
        let first_number = self.lessons.next_number;
        let places = faces.len() * STRIP_PLACES;
        self.lessons.next_number += places as u64;
        let range = learned.direction.info.range;
        let requests = (0..places).zip(first_number..).filter_map(|(place, number)| {
            let face = (*faces.get(place / STRIP_PLACES)?).into();
            let (direction, amount) = (learned.direction.clone(), amount_at(range, place % STRIP_PLACES));
            Some(AlongRequest { number, face, direction, amount })
        });
        self.engine.draw_along(requests.collect());
        self.lessons.slider = Some(LearnedSlider { learned, faces, strip: vec![None; places], first_number });
    }

    pub(super) fn take_along(&mut self, number: u64, picture: Result<Frame, String>) {
        let Some(slider) = &mut self.lessons.slider else { return };
        let place = number.checked_sub(slider.first_number).and_then(|place| usize::try_from(place).ok());
        let Some(shown) = place.and_then(|place| slider.strip.get_mut(place)) else { return };
        match picture {
            Ok(frame) => *shown = Some(Arc::new(frame)),
            Err(reason) if self.lessons.failures.contains(&reason) => {}
            Err(reason) => self.lessons.failures.push(reason),
        }
    }

    /// Begins anew: no faces, no name.
    pub(super) fn end_lesson(&mut self) {
        self.engine.end_lesson();
        self.lessons.forget_lesson();
    }

    /// Keeps what was learned, as one of the model's sliders.
    pub(super) fn keep_slider(&mut self) {
        let Some(slider) = &self.lessons.slider else { return };
        let direction = slider.learned.direction.clone();
        let name = direction.info.name.clone();
        let text = tr_with("The slider “{name}” is under Adjust", &[("name", &name)]);
        self.change_known(move |known| Ok(known.with(direction)), text);
        self.end_lesson();
    }

    pub(super) fn forget_slider(&mut self, name: String) {
        let text = tr_with("The slider “{name}” is forgotten", &[("name", &name)]);
        let without = move |known: &Directions| {
            let index = known.iter().position(|direction| direction.info.name == name);
            Ok(index.map_or_else(|| known.clone(), |index| known.without(index)))
        };
        self.change_known(without, text);
    }

    /// Adds the sliders of a file.
    pub(super) fn import_sliders(&mut self, path: PathBuf) {
        let EngineState::Ready(info) = self.engine.state() else { return };
        let config = info.config.clone();
        let own: Vec<String> = self.own_directions().map(|direction| direction.name.clone()).collect();
        let text = tr_with("The sliders of {path} are under Adjust", &[("path", &path.display().to_string())]);
        let joined = move |known: &Directions| {
            let new = Directions::load(&path, &config)?;
            let taken = new.iter().find(|direction| own.contains(&direction.info.name));
            if let Some(taken) = taken {
                anyhow::bail!("the model has a slider “{}” of its own: nothing was imported", taken.info.name);
            }
            Ok(new.joined(known))
        };
        self.change_known(joined, text);
    }

    /// Writes a slider to a file, to be imported elsewhere.
    pub(super) fn export_slider(&mut self, index: usize, path: PathBuf) {
        let Some(direction) = self.lessons.known.get(index).cloned() else { return };
        self.start_export(path, move |path| Ok(Directions::default().with(direction).save(path)?));
    }

    /// The model's directions but for those that were learned.
    fn own_directions(&self) -> impl Iterator<Item = &DirectionInfo> {
        let directions = match self.engine.state() {
            EngineState::Ready(info) => info.directions.as_slice(),
            EngineState::Loading | EngineState::Failed(_) => &[],
        };
        directions.iter().filter(|direction| self.lessons.known().all(|known| known.name != direction.name))
    }

    /// Changes the file of what was learned, as it is on the disk by now, and then what the engine has.
    fn change_known(
        &mut self,
        change: impl FnOnce(&Directions) -> anyhow::Result<Directions> + Send + 'static,
        told: String,
    ) {
        let (EngineState::Ready(info), Some(folder)) = (self.engine.state(), self.lessons.folder.clone()) else {
            return;
        };
        let (config, file) = (info.config.clone(), learned_directions::file_in(&folder, &info.hash));
        let started = self.jobs.start(JobKind::KeepDirections, move |_| {
            let changed = || -> anyhow::Result<Directions> {
                let changed = change(&learned_directions::load(&file, &config)?)?;
                learned_directions::save(&changed, &file)?;
                Ok(changed)
            };
            let changed = changed();
            Box::new(move |bench: &mut Self| match changed {
                Ok(changed) => {
                    bench.take_known(changed);
                    bench.tell(NoticeKind::Success, told);
                }
                Err(err) => bench.tell_error(&err),
            })
        });
        if let Err(err) = started {
            self.tell_error(&err);
        }
    }

    /// Reads what was learned for the model, once that is loaded.
    pub(super) fn find_known(&mut self) {
        let (EngineState::Ready(info), Some(folder)) = (self.engine.state(), self.lessons.folder.clone()) else {
            return;
        };
        let (config, file) = (info.config.clone(), learned_directions::file_in(&folder, &info.hash));
        let started = self.jobs.start(JobKind::KeepDirections, move |_| {
            let known = learned_directions::load(&file, &config);
            Box::new(move |bench: &mut Self| match known {
                Ok(known) => bench.take_known(known),
                Err(err) => bench.tell_error(&err.into()),
            })
        });
        if let Err(err) = started {
            self.tell_error(&err);
        }
    }

    /// Brings the engine's directions to what is known from now on.
    fn take_known(&mut self, known: Directions) {
        let values = |step: &Tensor| step.flatten_all().and_then(|step| step.to_vec1::<f32>()).ok();
        let is_same = |a: &Direction, b: &Direction| a.info == b.info && values(&a.step) == values(&b.step);
        for direction in self.lessons.known.iter() {
            if known.iter().all(|now| now.info.name != direction.info.name) {
                self.engine.remove_direction(direction.info.name.clone());
            }
        }
        let own: Vec<String> = self.own_directions().map(|direction| direction.name.clone()).collect();
        for direction in known.iter().filter(|direction| !own.contains(&direction.info.name)) {
            if self.lessons.known.iter().all(|before| !is_same(before, direction)) {
                self.engine.add_direction(direction.clone());
            }
        }
        self.lessons.known = known;
    }
}

/// What lay at a path.
enum ReadExample {
    /// A folder, with these photos in it.
    Folder(Vec<PathBuf>),
    /// A face in a file.
    Face {
        name: String,
        crop: RgbImage,
        /// To be used again.
        detector: Option<Arc<FaceDetector>>,
    },
}

fn read_example(path: &Path, are_aligned: bool, detector: Option<Arc<FaceDetector>>) -> anyhow::Result<ReadExample> {
    if path.is_dir() {
        return Ok(ReadExample::Folder(files_ending_in(path, &PHOTO_EXTENSIONS)?));
    }
    let detector = match detector {
        None if !are_aligned => Some(Arc::new(FaceDetector::new()?)),
        detector => detector,
    };
    let photo = load(path, detector.as_deref()).with_context(|| path.display().to_string())?;
    let has_face = are_aligned || photo.placement.is_some_and(|placement| placement.landmarks.is_some());
    ensure!(has_face, "no face was found in {}", path.display());
    Ok(ReadExample::Face { name: photo.name, crop: photo.crop, detector })
}
