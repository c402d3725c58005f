//! Photos on their way into the document: opened from files, pasted, cut out again, or sampled from the model.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use stylemap::engine::SampleRequest;
use stylemap::face::detect::MAX_FACES;
use stylemap::face::{Detection, FaceFrame, Landmarks, crop_quad};
use stylemap::latent::Latent;

use super::projects::is_project;
use super::{Action, Effect, JobKind, NoticeKind, Workbench};
use crate::document::{Blend, Document, FaceEdit, LayerId, NewPhoto, Photo, PhotoId, Placement, Refusal};
use crate::language::tr_with;
use crate::photo_loading::{Batch, Purpose};
use crate::project::recent::RecentKind;

/// A face that was found in the source's photo.
#[derive(Clone, Debug)]
pub struct FaceInPhoto {
    /// Its points.
    pub landmarks: Landmarks,
    /// Where it lies in the photo.
    pub frame: FaceFrame,
    /// It among the open photos, if it is.
    pub photo: Option<PhotoId>,
    /// Whether it is the one that is worked on.
    pub is_in_hand: bool,
    /// Whether its edit changes the picture.
    pub is_changed: bool,
}

/// Works on a face that has no edit yet, with the faces at hand that the edit before it has.
fn begin_edit(document: &mut Document, source: PhotoId) -> Result<(), Refusal> {
    let reference = document.active_layer().map(|layer| layer.photo);
    let with = document.blend().map(|blend| blend.with).filter(|with| *with != source);
    document.edit_face(source)?;
    document.set_blend(with.map(|with| Blend::between(with, 0.0)))?;
    reference.map_or(Ok(()), |reference| document.add_layer(reference).map(|_| ()))
}

/// What a document begins with: the first photo is its source, the second its reference.
fn lay_out(document: &mut Document) {
    let ids: Vec<PhotoId> = document.photos().iter().map(|photo| photo.id).collect();
    if let Some(&reference) = ids.get(1).filter(|_| document.layers().is_empty()) {
        // A new document has room for a layer, and the photo is in it.
        let _ = document.add_layer(reference);
    }
    if let Some(&with) = ids.get(2).or(ids.get(1)) {
        let _ = document.set_blend(Some(Blend::between(with, 0.0)));
    }
}

/// Photos that were asked for together, of which some are in the document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    /// See [`Batch::job`].
    job: u64,
    /// The document's after the last of them.
    revision: u64,
    /// How many of them its step brought.
    count: usize,
    /// Whether they are what the document begins with.
    begins: bool,
}

impl Opening {
    /// The document became another one without a step.
    pub(super) fn follow_revision(&mut self, before: u64, now: u64) {
        if self.revision == before {
            self.revision = now;
        }
    }
}

impl Workbench {
    /// Photos join the document; of projects the last one is opened in its place.
    pub(super) fn open_paths(&mut self, purpose: Purpose, paths: Vec<PathBuf>) {
        let (mut projects, photos): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| is_project(path));
        self.loader.open(purpose, photos);
        if let Some(project) = projects.pop() {
            self.apply(Action::OpenProject(project));
        }
    }

    pub(super) fn cancel_opening(&mut self) {
        self.loader.cancel();
        self.jobs.cancel(JobKind::OpenProject);
    }

    pub(super) fn use_face(&mut self, id: PhotoId, landmarks: Landmarks) {
        let known = self.placement_of(id);
        if let Some((photo, _)) = known.filter(|(_, placement)| placement.landmarks != Some(landmarks)) {
            self.loader.cut_out(photo, landmarks);
        }
    }

    /// The faces that were found in the source's photo, from left to right.
    pub fn faces_in_photo(&self) -> Vec<FaceInPhoto> {
        let document = self.timeline.document();
        let Some((source, placement)) = self.source_in_photo() else { return Vec::new() };
        let faces = placement.original.faces.iter().filter(|face| crop_quad(&face.landmarks).is_ok());
        let mut faces: Vec<FaceInPhoto> = faces
            .map(|&Detection { landmarks, frame, .. }| {
                let is_this = |photo: &&Arc<Photo>| {
                    let of_photo = photo.placement.as_ref().and_then(|placement| placement.landmarks);
                    of_photo == Some(landmarks) && source.shares_photo_with(photo)
                };
                let open: Vec<PhotoId> = document.photos().iter().filter(is_this).map(|photo| photo.id).collect();
                let is_of = |edit: &FaceEdit| edit.source().is_some_and(|source| open.contains(&source));
                let is_in_hand = is_of(document.edit());
                let edited = open.iter().find(|id| document.is_edited(**id));
                FaceInPhoto {
                    landmarks,
                    frame,
                    photo: edited.or(open.first()).copied(),
                    is_in_hand,
                    is_changed: is_in_hand && document.edit().changes_picture() || document.edits_beside().any(is_of),
                }
            })
            .collect();
        faces.sort_by(|a, b| a.frame.left.total_cmp(&b.frame.left));
        faces
    }

    /// Works on the face with these landmarks in the source's photo.
    pub(super) fn edit_face_at(&mut self, landmarks: Landmarks) {
        let face = self.faces_in_photo().into_iter().find(|face| face.landmarks == landmarks);
        match face {
            Some(FaceInPhoto { is_in_hand: true, .. }) | None => {}
            Some(FaceInPhoto { photo: Some(photo), .. }) => self.edit_face(photo),
            Some(FaceInPhoto { photo: None, .. }) => {
                if let Some((photo, _)) = self.source_in_photo() {
                    self.loader.cut_out_beside(photo, landmarks);
                }
            }
        }
    }

    /// Works on the next face of the source's photo to the right, or to the left; from the last on the first follows.
    pub(super) fn edit_next_face(&mut self, is_forward: bool) {
        let faces = self.faces_in_photo();
        let in_hand = faces.iter().position(|face| face.is_in_hand);
        let next = match (in_hand, is_forward) {
            (Some(index), true) => (index + 1) % faces.len().max(1),
            (Some(index), false) => index.checked_sub(1).unwrap_or(faces.len().saturating_sub(1)),
            (None, _) => 0,
        };
        if let Some(face) = faces.get(next) {
            self.edit_face_at(face.landmarks);
        }
    }

    /// Works on the face of this photo: on its own edit, or on a new one that paints from where the one in hand does.
    pub(super) fn edit_face(&mut self, photo: PhotoId) {
        self.toolbox.finish_gesture(&mut self.timeline);
        if self.timeline.document().is_edited(photo) {
            return self.timeline.select_face(photo);
        }
        self.edit("Edit another face", |document| begin_edit(document, photo));
    }

    /// Cuts out the reference that was scaled, turned or mirrored last, as a job.
    pub(super) fn cut_out_posed(&mut self) {
        if self.jobs.count(JobKind::CutOut) > 0 {
            return;
        }
        let Some(wanted) = self.engine.wanted_pose().cloned() else { return };
        let Some(photo) = self.timeline.document().photo(wanted.photo).map(Arc::clone) else { return };
        let started = self.jobs.start(JobKind::CutOut, move |_| {
            let crop = photo.posed_crop(&wanted.pose);
            Box::new(move |bench: &mut Self| match crop {
                Ok(crop) => bench.engine.take_posed(&wanted, Arc::new(crop)),
                // It shows as it lies by itself.
                Err(err) => {
                    bench.engine.take_posed(&wanted, Arc::clone(&photo.crop));
                    bench.tell_error(&err.into());
                }
            })
        });
        if let Err(err) = started {
            self.tell_error(&err.context("the reference could not be cut out"));
        }
    }

    fn add_face_beside(&mut self, known: PhotoId, photo: NewPhoto) {
        let id = self.take_photo_id();
        let mut photo = photo.numbered(id);
        let document = self.timeline.document();
        // It may have been closed meanwhile.
        let Some((of_photo, _)) = self.placement_of(known) else { return };
        let count = document.photos().iter().filter(|other| of_photo.shares_photo_with(other)).count();
        let name = of_photo.path.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        let name = name.unwrap_or_else(|| of_photo.name.clone());
        let number = (count + 1).to_string();
        photo.name = tr_with("{name}, face {number}", &[("name", &name), ("number", &number)]);
        self.toolbox.finish_gesture(&mut self.timeline);
        self.edit("Edit another face", |document| {
            document.add_photo(photo);
            begin_edit(document, id)
        });
    }

    /// The user was asked which face is meant and did not say. Of a photo that was just opened and shows none, nothing is
    /// painted: it lies ready until its face is placed.
    pub(super) fn keep_face(&mut self, id: PhotoId) {
        let is_new = self.asked_face.take() == Some(id);
        let Some((photo, _)) = self.placement_of(id).filter(|(_, placement)| placement.landmarks.is_none()) else {
            return;
        };
        let text = if is_new && self.timeline.document().source() != Some(id) {
            self.leave_out(id);
            "No face was found in {name}, and nothing is painted from it. Right-click the photo to place the face by hand"
        } else {
            "The middle of {name} is used as it is. Right-click the photo to place the face by hand"
        };
        self.tell(NoticeKind::Info, tr_with(text, &[("name", &photo.name)]));
    }

    /// Asks about no more of the photos that wait, as if each had been asked about.
    pub(super) fn skip_unclear_faces(&mut self) {
        for id in std::mem::take(&mut self.unclear_faces) {
            let is_faceless = self.placement_of(id).is_some_and(|(_, placement)| placement.landmarks.is_none());
            if is_faceless && self.timeline.document().source() != Some(id) {
                self.leave_out(id);
            }
        }
    }

    /// Takes what the opening of a photo made of it away: its layers with nothing painted, and its place as the other face.
    fn leave_out(&mut self, id: PhotoId) {
        let revision = self.opening.map_or(self.timeline.revision(), |opening| opening.revision);
        let opened = self.timeline.undo_name().filter(|_| self.timeline.revision() == revision);
        let name = opened.unwrap_or("Delete layer").to_owned();
        self.timeline.edit_since(revision, name, |document| {
            let layers: Vec<LayerId> = document
                .layers()
                .iter()
                .filter(|layer| layer.photo == id && layer.mask.is_empty())
                .map(|layer| layer.id)
                .collect();
            layers.into_iter().for_each(|layer| document.remove_layer(layer));
            if document.blend().is_some_and(|blend| blend.with == id) {
                // Without another face nothing is refused.
                let _ = document.set_blend(None);
            }
        });
        if let Some(opening) = self.opening.as_mut().filter(|opening| opening.revision == revision) {
            opening.revision = self.timeline.revision();
        }
    }

    /// Takes what was opened.
    pub(super) fn take_photos(&mut self, batch: Batch) {
        let Batch { purpose, job, photos, failures } = batch;
        for failure in &failures {
            self.tell_error(failure);
        }
        for photo in &photos {
            let is_damaged = |placement: &Placement| placement.original.file.damage.is_some();
            if photo.placement.as_ref().is_some_and(is_damaged) {
                let text = "{name} is damaged, and a part of it may be missing or wrong";
                self.tell(NoticeKind::Info, tr_with(text, &[("name", &photo.name)]));
            }
            let is_crowd = |placement: &Placement| placement.original.faces.len() >= MAX_FACES;
            let is_opened = !matches!(purpose, Purpose::Replace(_) | Purpose::EditBeside(_));
            if is_opened && photo.placement.as_ref().is_some_and(is_crowd) {
                let text = "{name} shows {count} faces or more: the largest and surest are taken";
                let count = MAX_FACES.to_string();
                self.tell(NoticeKind::Info, tr_with(text, &[("name", &photo.name), ("count", &count)]));
            }
        }
        if photos.is_empty() {
            return;
        }
        if matches!(purpose, Purpose::Start | Purpose::Add | Purpose::Source) {
            for path in photos.iter().filter_map(|photo| photo.path.as_ref()) {
                self.remember(RecentKind::Photo, path);
            }
        }
        let before = self.opening.filter(|opening| opening.job == job);
        match purpose {
            Purpose::Start => self.start_with(job, before, photos),
            Purpose::Replace(old) => {
                for photo in photos {
                    let photo = photo.numbered(self.take_photo_id());
                    self.edit("Choose face", |document| document.replace_photo(old, photo));
                }
            }
            Purpose::EditBeside(known) => photos.into_iter().for_each(|photo| self.add_face_beside(known, photo)),
            Purpose::Add | Purpose::Source => self.add_photos(job, before, photos, purpose == Purpose::Source),
        }
    }

    /// Begins the document, or goes on with its beginning: the first photo is its source, the second its reference.
    fn start_with(&mut self, job: u64, before: Option<Opening>, photos: Vec<NewPhoto>) {
        let is_untouched = before.is_some_and(|before| before.revision == self.timeline.revision());
        match before {
            // A project may have been opened meanwhile.
            None if !self.timeline.document().is_empty() => return,
            Some(_) if !is_untouched => return self.add_photos(job, before, photos, false),
            _ => {}
        }
        let mut document = self.timeline.document().clone();
        let photos = self.number(photos);
        let new: Vec<PhotoId> = photos.iter().map(|photo| photo.id).collect();
        photos.into_iter().for_each(|photo| document.add_photo(photo));
        lay_out(&mut document);
        self.begins_with_demo = document.photos().iter().all(|photo| photo.path.is_none());
        let count = document.photos().len();
        self.timeline.restart(document);
        self.begin_project(None);
        self.opening = Some(Opening { job, revision: self.timeline.revision(), count, begins: true });
        self.ask_about_unclear(&new);
    }

    /// Photos join the document. Those that were asked for together are one step, unless something was done between them.
    fn add_photos(&mut self, job: u64, before: Option<Opening>, photos: Vec<NewPhoto>, as_source: bool) {
        let photos = self.number(photos);
        let new: Vec<PhotoId> = photos.iter().map(|photo| photo.id).collect();
        let first = new.first().copied().filter(|_| before.is_none());
        // The first photos of somebody who has only looked so far take the place of the demo, and the first shows as a photo.
        let replaces_demo = before.is_none() && self.begins_with_demo && self.timeline.undo_name().is_none();
        let revision = self.timeline.revision();
        let is_joined = before.is_some_and(|before| before.revision == revision);
        let begins = replaces_demo || is_joined && before.is_some_and(|before| before.begins);
        if replaces_demo {
            let shows_face = |photo: &Photo| photo.placement.as_ref().is_some_and(|it| it.landmarks.is_some());
            self.view.shows_in_photo |= photos.first().is_some_and(shows_face);
            self.effects.push(Effect::ChangedDocument);
        }
        let add = |document: &mut Document| {
            if replaces_demo {
                *document = Document::default();
            }
            if begins {
                photos.into_iter().for_each(|photo| document.add_photo(photo));
                return lay_out(document);
            }
            let had_photos = !document.is_empty();
            for photo in photos {
                document.add_photo(photo);
            }
            match first.filter(|_| had_photos) {
                Some(first) if as_source => {
                    // It is among the photos.
                    let _ = document.set_source(first);
                }
                // What was opened last is what the user wants to paint with; with no room it just lies ready.
                Some(first) => {
                    let _ = document.add_layer(first);
                }
                None => {}
            }
        };
        let count = before.filter(|_| is_joined).map_or(0, |before| before.count) + new.len();
        let name = match count {
            1 => "Open photo".to_owned(),
            count => tr_with("Open {count} photos", &[("count", &count.to_string())]),
        };
        if is_joined {
            self.timeline.edit_since(revision, name, add);
        } else {
            self.timeline.edit(name, add);
        }
        self.opening = Some(Opening { job, revision: self.timeline.revision(), count, begins });
        self.ask_about_unclear(&new);
    }

    fn number(&mut self, photos: Vec<NewPhoto>) -> Vec<Photo> {
        photos.into_iter().map(|photo| photo.numbered(self.take_photo_id())).collect()
    }

    fn take_photo_id(&mut self) -> PhotoId {
        let id = PhotoId(self.next_photo_id);
        self.next_photo_id += 1;
        id
    }

    /// So many numbers in a row, for photos that are numbered on another thread; the first.
    pub(super) fn take_photo_ids(&mut self, count: u64) -> u64 {
        let first = self.next_photo_id;
        self.next_photo_id += count;
        first
    }

    /// Asks which face of these new photos is meant, wherever that is not plain: where there are several, or none was found. Of
    /// several faces of the source nobody asks: it shows in its photo, where a click works on any other.
    fn ask_about_unclear(&mut self, new: &[PhotoId]) {
        if self.are_aligned {
            return;
        }
        let source = self.timeline.document().source();
        for id in new {
            let Some((_, placement)) = self.placement_of(*id) else { continue };
            match placement.original.faces.len() {
                1 => {}
                count if count > 1 && source == Some(*id) => self.view.shows_in_photo = true,
                _ => self.unclear_faces.push_back(*id),
            }
        }
    }

    /// Puts a random face among the photos, ready to paint with.
    pub(super) fn add_random_face(&mut self, request: SampleRequest) {
        let Some(sample) = self.engine.samples().iter().find(|sample| sample.request == request) else { return };
        let picture = sample.frame.to_rgb();
        let latent = Some(Arc::new(Latent::of_stylemap(sample.stylemap.to_vec())));
        let id = self.take_photo_id();
        let name = random_face_name(request);
        self.tell(NoticeKind::Success, tr_with("{name} is among the photos", &[("name", &name)]));
        let photo = Photo {
            id,
            name,
            crop: Arc::new(picture),
            path: None,
            placement: None,
            latent,
            latent_model: None,
            is_sample: true,
        };
        self.timeline.edit("Add random face", |document| {
            let had_photos = !document.is_empty();
            document.add_photo(photo);
            if had_photos {
                // With no room it just lies ready.
                let _ = document.add_layer(id);
            }
        });
    }
}

/// What a random face is called among the photos, and among examples.
pub(super) fn random_face_name(request: SampleRequest) -> String {
    let (series, number) = (request.seed.to_string(), (request.index + 1).to_string());
    tr_with("Face {series}-{number}", &[("series", &series), ("number", &number)])
}
