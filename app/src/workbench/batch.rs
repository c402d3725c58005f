//! A batch: what was done to the face in hand is done to photos that are in no document, and each is written to a file of its own.
//!
//! Photos are read and written as jobs; the document's engine draws them, when the canvas wants nothing of it: a second model would
//! take as much memory again, and two engines would share the same cores. One photo is in memory at a time.

use std::collections::{BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use stylemap::engine::Frame;
use stylemap::face::detect::MAX_FACES;
use stylemap::face::{FaceDetector, crop_quad};

use super::{EngineState, JobKind, NoticeKind, Workbench};
use crate::document::{Document, MAX_LAYERS, NewPhoto, Photo, PhotoId, Placement, Recipe, SceneBuilder};
use crate::edited_face::{EditedFace, EditedPhoto};
use crate::export::name::{NameParts, today};
use crate::export::{Format, write_edit};
use crate::language::tr_with;
use crate::original::Original;
use crate::photo_loading::{PHOTO_EXTENSIONS, files_ending_in};
use crate::sentence::sentence_of;
use crate::settings::ExportSettings;

/// No more photos than this are taken at once.
pub const MAX_BATCH: usize = 10_000;
/// A photo takes numbers for its faces, and for what lies posed over each.
const NUMBERS_PER_PHOTO: u64 = (MAX_FACES * (1 + MAX_LAYERS)) as u64;

/// What moves by itself waits for a picture of a batch that has waited as long.
const TURN_AFTER: Duration = Duration::from_millis(400);

/// What is done to which photos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchPlan {
    /// Photos, and folders of photos.
    pub photos: Vec<PathBuf>,
    /// Where the edited ones go.
    pub folder: Option<PathBuf>,
    /// Whether whole photos are written, rather than faces.
    pub in_photo: bool,
    /// Whether every face of a photo is edited, rather than the largest and surest; only in whole photos.
    pub all_faces: bool,
}

impl Default for BatchPlan {
    fn default() -> Self {
        Self { photos: Vec::new(), folder: None, in_photo: true, all_faces: false }
    }
}

/// What came of the newest batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchReport {
    /// How many photos there are.
    pub count: usize,
    /// The files that were written.
    pub written: Vec<PathBuf>,
    /// What failed, file by file.
    pub failures: Vec<(PathBuf, String)>,
    /// Whether the user ended it early.
    pub is_cancelled: bool,
}

impl BatchReport {
    /// How many photos are done.
    pub fn done(&self) -> usize {
        self.written.len() + self.failures.len()
    }
}

/// The batch that is chosen, runs, or has run.
#[derive(Default)]
pub struct Batch {
    /// What is chosen.
    pub(super) plan: BatchPlan,
    running: Option<Running>,
    report: BatchReport,
    next_number: u64,
}

/// What every photo of a batch needs.
struct Kit {
    recipe: Recipe,
    settings: ExportSettings,
    in_photo: bool,
    all_faces: bool,
    folder: PathBuf,
    /// None where photos already are aligned.
    detector: Option<FaceDetector>,
}

struct Running {
    number: u64,
    stage: Stage,
    /// None until it is prepared.
    kit: Option<Arc<Kit>>,
    photos: VecDeque<PathBuf>,
    scenes: SceneBuilder,
}

enum Stage {
    /// A job is under way.
    Working,
    /// The next photo is to be read.
    Next,
    Drawing(Drawing),
}

/// A photo whose faces the engine draws, one after the other.
struct Drawing {
    path: PathBuf,
    faces: VecDeque<(Document, PhotoId)>,
    drawn: Vec<EditedFace>,
    /// The faces that only this photo needs.
    own: BTreeSet<PhotoId>,
    /// When the face was asked for.
    asked_at: Instant,
}

impl Batch {
    /// What is chosen.
    pub fn plan(&self) -> &BatchPlan {
        &self.plan
    }

    /// Whether photos are being edited.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// How many photos are still to be written.
    pub fn remaining(&self) -> usize {
        if self.is_running() { self.report.count.saturating_sub(self.report.done()) } else { 0 }
    }

    /// Whether its picture has waited so long that what moves by itself lets it go first.
    pub(super) fn is_due(&self) -> bool {
        matches!(&self.running, Some(Running { stage: Stage::Drawing(drawing), .. }) if drawing.asked_at.elapsed() > TURN_AFTER)
    }

    /// What came of the newest batch so far.
    pub fn report(&self) -> &BatchReport {
        &self.report
    }
}

impl Workbench {
    /// The batch.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// Whether everything is chosen and there is something to do.
    pub(super) fn can_start_batch(&self) -> bool {
        let plan = self.batch.plan();
        let changes = || self.timeline.document().recipe().is_some_and(|recipe| recipe.changes_picture());
        !self.batch.is_running() && !plan.photos.is_empty() && plan.folder.is_some() && changes()
    }

    pub(super) fn add_batch_photos(&mut self, paths: Vec<PathBuf>) {
        let photos = &mut self.batch.plan.photos;
        for path in paths {
            if photos.len() < MAX_BATCH && !photos.contains(&path) {
                photos.push(path);
            }
        }
    }

    pub(super) fn start_batch(&mut self) {
        let BatchPlan { photos, folder, in_photo, all_faces } = self.batch.plan.clone();
        let (Some(folder), Some(recipe)) = (folder, self.timeline.document().recipe()) else { return };
        let directions = match self.engine.state() {
            EngineState::Ready(info) => info.directions.iter().map(|direction| direction.name.clone()).collect(),
            EngineState::Loading => Vec::new(),
            EngineState::Failed(_) => {
                return self.tell(NoticeKind::Error, "There is nothing to export: the model could not be loaded.");
            }
        };
        let mut next_photo_id = self.take_photo_ids(recipe.photos().len() as u64 + MAX_LAYERS as u64);
        let (settings, are_aligned) = (self.export_settings().clone(), self.are_aligned);
        let number = self.batch.next_number;
        self.batch.next_number += 1;
        self.batch.report = BatchReport::default();
        let started = self.jobs.start(JobKind::Batch, move |_| {
            let prepared = || -> anyhow::Result<(Kit, Vec<PathBuf>)> {
                let photos = photos_in(&photos)?;
                anyhow::ensure!(folder.is_dir(), "cannot write to {}: there is no such folder", folder.display());
                let detector = if are_aligned { None } else { Some(FaceDetector::new()?) };
                let recipe = recipe.with_own_photos(&mut next_photo_id);
                let all_faces = all_faces && in_photo;
                Ok((Kit { recipe, settings, in_photo, all_faces, folder, detector }, photos))
            };
            let prepared = prepared();
            Box::new(move |bench: &mut Self| match prepared {
                Ok((kit, photos)) => bench.begin_batch(number, kit, photos),
                Err(err) => {
                    bench.batch.running = None;
                    bench.tell_error(&err);
                }
            })
        });
        if let Err(err) = started {
            return self.tell_error(&err.context("the batch could not be started"));
        }
        let mut scenes = SceneBuilder::default();
        scenes.set_directions(directions);
        let photos = VecDeque::new();
        self.batch.running = Some(Running { number, stage: Stage::Working, kit: None, photos, scenes });
    }

    fn begin_batch(&mut self, number: u64, kit: Kit, photos: Vec<PathBuf>) {
        let Some(running) = self.batch.running.as_mut().filter(|running| running.number == number) else { return };
        self.batch.report.count = photos.len();
        for photo in kit.recipe.photos() {
            self.engine.add_guest(photo);
        }
        (running.kit, running.photos, running.stage) = (Some(Arc::new(kit)), photos.into(), Stage::Next);
    }

    /// Ends it early: what is written stays, and the file in hand is finished or not begun.
    pub(super) fn cancel_batch(&mut self) {
        if self.batch.running.take().is_some() {
            self.batch.report.is_cancelled = true;
            self.engine.remove_guests();
            let done = self.batch.report.written.len().to_string();
            self.tell(NoticeKind::Info, tr_with("Cancelled: {count} photos were written", &[("count", &done)]));
        }
    }

    /// Takes what came of the photo in hand, and begins what follows.
    pub(super) fn update_batch(&mut self) {
        self.engine.update_guests();
        let Some(running) = &mut self.batch.running else { return };
        match &mut running.stage {
            Stage::Working => {}
            Stage::Next => match (running.photos.pop_front(), running.kit.clone()) {
                (Some(path), Some(kit)) => {
                    running.stage = Stage::Working;
                    let number = running.number;
                    self.read_for_batch(number, path, kit);
                }
                _ => self.end_batch(),
            },
            Stage::Drawing(_) => {
                if let Some(answer) = self.engine.take_guests() {
                    self.take_for_batch(answer);
                }
            }
        }
        self.engine.update_guests();
    }

    fn end_batch(&mut self) {
        self.batch.running = None;
        self.engine.remove_guests();
        let BatchReport { count, written, failures, .. } = &self.batch.report;
        let numbers = [("written", written.len().to_string()), ("count", count.to_string())];
        let numbers = numbers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let kind = if failures.is_empty() { NoticeKind::Success } else { NoticeKind::Error };
        self.tell(kind, tr_with("The edit was applied to {written} of {count} photos", &numbers));
    }

    fn read_for_batch(&mut self, number: u64, path: PathBuf, kit: Arc<Kit>) {
        let mut next_photo_id = self.take_photo_ids(NUMBERS_PER_PHOTO);
        let started = self.jobs.start(JobKind::Batch, {
            let path = path.clone();
            move |_| {
                let faces = read(&path, &kit, &mut next_photo_id);
                Box::new(move |bench: &mut Self| bench.draw_for_batch(number, path, faces))
            }
        });
        if let Err(err) = started {
            self.fail_in_batch(number, path, &err);
        }
    }

    fn draw_for_batch(&mut self, number: u64, path: PathBuf, faces: anyhow::Result<Vec<(Document, PhotoId)>>) {
        let faces = match faces {
            Ok(faces) => faces,
            Err(err) => return self.fail_in_batch(number, path, &err),
        };
        let Some(running) = self.batch.running.as_mut().filter(|running| running.number == number) else { return };
        let of_kit = |id: &PhotoId| {
            running.kit.as_ref().is_some_and(|kit| kit.recipe.photos().iter().any(|photo| photo.id == *id))
        };
        let photos = faces.iter().flat_map(|(document, _)| document.photos());
        let own = photos.map(|photo| photo.id).filter(|id| !of_kit(id)).collect();
        running.stage =
            Stage::Drawing(Drawing { path, faces: faces.into(), drawn: Vec::new(), own, asked_at: Instant::now() });
        self.ask_for_batch();
    }

    /// Asks for the first face that is still to be drawn, or writes the photo where there is none.
    fn ask_for_batch(&mut self) {
        let Some(running) = &mut self.batch.running else { return };
        let Stage::Drawing(drawing) = &mut running.stage else { return };
        if let Some((document, _)) = drawing.faces.front() {
            drawing.asked_at = Instant::now();
            document.photos().iter().for_each(|photo| self.engine.add_guest(photo));
            match running.scenes.scene(document, None) {
                Some(scene) => self.engine.draw_guests(scene),
                // A face is its own source.
                None => drawing.faces.clear(),
            }
            return;
        }
        let stage = std::mem::replace(&mut running.stage, Stage::Working);
        let (Stage::Drawing(Drawing { path, mut drawn, own, .. }), Some(kit)) = (stage, running.kit.clone()) else {
            return;
        };
        let (number, place) = (running.number, self.batch.report.done() + 1);
        own.into_iter().for_each(|photo| self.engine.remove_guest(photo));
        let Some(face) = drawn.pop() else {
            return self.fail_in_batch(number, path, &anyhow::anyhow!("no face was drawn"));
        };
        let edit = EditedPhoto { face, beside: drawn };
        let started = self.jobs.start(JobKind::Batch, {
            let path = path.clone();
            move |_| {
                let written = write(&edit, &path, &kit, place);
                Box::new(move |bench: &mut Self| bench.take_written(number, path, written))
            }
        });
        if let Err(err) = started {
            self.fail_in_batch(number, path, &err);
        }
    }

    fn take_for_batch(&mut self, answer: Result<Frame, String>) {
        let Some(running) = &mut self.batch.running else { return };
        let Stage::Drawing(drawing) = &mut running.stage else { return };
        let Some((document, source)) = drawing.faces.pop_front() else { return };
        let scene = running.scenes.scene(&document, None);
        let drawn = match (answer, document.photo(source), scene) {
            (Ok(frame), Some(photo), Some(scene)) => {
                let crops = std::collections::BTreeMap::new();
                Ok(EditedFace::new(&document, Arc::clone(photo), Arc::new(frame), scene, crops))
            }
            (Err(reason), ..) => Err(reason),
            _ => Err("there is nothing to draw".to_owned()),
        };
        match drawn {
            Ok(face) => {
                drawing.drawn.push(face);
                self.ask_for_batch();
            }
            Err(reason) => {
                let (number, path) = (running.number, drawing.path.clone());
                for photo in std::mem::take(&mut drawing.own) {
                    self.engine.remove_guest(photo);
                }
                self.fail_in_batch(number, path, &anyhow::anyhow!(reason));
            }
        }
    }

    fn take_written(&mut self, number: u64, path: PathBuf, written: anyhow::Result<PathBuf>) {
        match written {
            // Of one that was cancelled meanwhile it counts too: the file is there.
            Ok(file) if self.batch.next_number == number + 1 => {
                self.batch.report.written.push(file);
                self.go_on_with_batch(number);
            }
            Ok(_) => {}
            Err(err) => self.fail_in_batch(number, path, &err),
        }
    }

    fn fail_in_batch(&mut self, number: u64, path: PathBuf, err: &anyhow::Error) {
        if self.batch.running.as_ref().is_some_and(|running| running.number == number) {
            self.batch.report.failures.push((path, sentence_of(err)));
            self.go_on_with_batch(number);
        }
    }

    fn go_on_with_batch(&mut self, number: u64) {
        if let Some(running) = self.batch.running.as_mut().filter(|running| running.number == number) {
            running.stage = Stage::Next;
        }
    }
}

/// The photos that are meant: a folder stands for the pictures in it, by name.
fn photos_in(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut photos = Vec::new();
    for path in paths {
        if !path.is_dir() {
            photos.push(path.clone());
            continue;
        }
        photos.extend(files_ending_in(path, &PHOTO_EXTENSIONS)?);
    }
    anyhow::ensure!(!photos.is_empty(), "there are no photos in what was chosen");
    anyhow::ensure!(photos.len() <= MAX_BATCH, "{} photos are chosen, and at most {MAX_BATCH} can be", photos.len());
    Ok(photos)
}

/// The faces of a photo, each in a document in which the edit is done to it.
fn read(path: &Path, kit: &Kit, next_photo_id: &mut u64) -> anyhow::Result<Vec<(Document, PhotoId)>> {
    let original = Arc::new(Original::open(path, kit.detector.as_ref())?);
    let placed = if kit.detector.is_none() {
        vec![Placement::of_middle(Arc::clone(&original))?]
    } else {
        let found = original.faces.iter().map(|face| face.landmarks).filter(|it| crop_quad(it).is_ok());
        let taken = found.take(if kit.all_faces { MAX_FACES } else { 1 });
        taken.map(|face| Placement::of_face(Arc::clone(&original), face)).collect::<stylemap::Result<Vec<_>>>()?
    };
    anyhow::ensure!(!placed.is_empty(), "no face was found in {}", path.display());
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let documents = placed.into_iter().map(|face| {
        let id = PhotoId(*next_photo_id);
        *next_photo_id += 1;
        let photo: Photo = NewPhoto::of_face(name.clone(), Some(path.to_owned()), face).numbered(id);
        (kit.recipe.document_for(photo, next_photo_id), id)
    });
    Ok(documents.collect())
}

/// Writes an edited photo to a file of its own, and returns that.
fn write(edit: &EditedPhoto, path: &Path, kit: &Kit, number: usize) -> anyhow::Result<PathBuf> {
    let Kit { settings, in_photo, folder, .. } = kit;
    // A photo goes back as the kind of file that it came from, unless that has no room for a layer.
    let has_room = |format: &Format| !settings.writes_change_only() || format.has_transparency();
    let own = Format::of(path).ok().filter(|_| *in_photo);
    let format = own.into_iter().chain([settings.format]).find(has_room).unwrap_or_default();
    let photo = &edit.face.photo;
    let size_px = match &photo.placement {
        Some(placement) if *in_photo => settings.size.photo_px(placement.original.pixels.dimensions()),
        _ => [settings.size.face_px(photo, edit.face.frame.size_px); 2].into(),
    };
    let face = photo.placement.as_ref().and_then(Placement::face_number).unwrap_or(1);
    let parts = NameParts { photo: &photo.name, face, size_px, number, date: today() };
    // Never a file that is there: neither the photo itself nor another one.
    let target = settings.name.free_path(folder, &parts, format.extension());
    write_edit(edit, *in_photo, &target, settings)?;
    Ok(target)
}
