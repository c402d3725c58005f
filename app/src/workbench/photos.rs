//! Photos on their way into the document: opened from files, pasted, cut out again, or sampled from the model.

use std::path::PathBuf;
use std::sync::Arc;

use stylemap::engine::SampleRequest;
use stylemap::face::Landmarks;
use stylemap::latent::Latent;

use super::projects::is_project;
use super::{Action, JobKind, NoticeKind, Workbench};
use crate::document::{Blend, Document, LayerId, NewPhoto, Photo, PhotoId};
use crate::language::tr_with;
use crate::photo_loading::{Batch, Purpose};

/// Photos that were asked for together, of which some are in the document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    /// See [`Batch::job`].
    job: u64,
    /// The document's after the last of them.
    revision: u64,
    /// How many of them its step brought.
    count: usize,
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
        if photos.is_empty() {
            return;
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
        photos.into_iter().for_each(|photo| document.add_photo(photo));
        let ids: Vec<PhotoId> = document.photos().iter().map(|photo| photo.id).collect();
        if let Some(&reference) = ids.get(1).filter(|_| document.layers().is_empty()) {
            // A new document has room for a layer, and the photo is in it.
            let _ = document.add_layer(reference);
        }
        if let Some(&with) = ids.get(2).or(ids.get(1)) {
            let _ = document.set_blend(Some(Blend { with, t: 0.0 }));
        }
        self.timeline.restart(document);
        self.begin_project(None);
        self.opening = Some(Opening { job, revision: self.timeline.revision(), count: ids.len() });
    }

    /// Photos join the document. Those that were asked for together are one step, unless something was done between them.
    fn add_photos(&mut self, job: u64, before: Option<Opening>, photos: Vec<NewPhoto>, as_source: bool) {
        let photos = self.number(photos);
        let first = photos.first().map(|photo| photo.id).filter(|_| before.is_none());
        let new = photos.len();
        let add = |document: &mut Document| {
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
        let revision = self.timeline.revision();
        let is_joined = before.is_some_and(|before| before.revision == revision);
        let count = before.filter(|_| is_joined).map_or(0, |before| before.count) + new;
        let name = match count {
            1 => "Open photo".to_owned(),
            count => tr_with("Open {count} photos", &[("count", &count.to_string())]),
        };
        if is_joined {
            self.timeline.edit_since(revision, name, add);
        } else {
            self.timeline.edit(name, add);
        }
        self.opening = Some(Opening { job, revision: self.timeline.revision(), count });
    }

    /// Gives photos their numbers, and asks about them where that is needed.
    fn number(&mut self, photos: Vec<NewPhoto>) -> Vec<Photo> {
        let numbered: Vec<Photo> = photos.into_iter().map(|photo| photo.numbered(self.take_photo_id())).collect();
        self.ask_about_unclear(&numbered);
        numbered
    }

    fn take_photo_id(&mut self) -> PhotoId {
        let id = PhotoId(self.next_photo_id);
        self.next_photo_id += 1;
        id
    }

    /// Asks which face, wherever that is not plain: where there are several, or none was found.
    fn ask_about_unclear(&mut self, photos: &[Photo]) {
        if self.are_aligned {
            return;
        }
        let is_unclear =
            |photo: &&Photo| photo.placement.as_ref().is_some_and(|placement| placement.original.faces.len() != 1);
        self.unclear_faces.extend(photos.iter().filter(is_unclear).map(|photo| photo.id));
    }

    /// Puts a random face among the photos, ready to paint with.
    pub(super) fn add_random_face(&mut self, request: SampleRequest) {
        let Some(sample) = self.engine.samples().iter().find(|sample| sample.request == request) else { return };
        let picture = sample.frame.to_rgb();
        let latent = Some(Arc::new(Latent::of_stylemap(sample.stylemap.to_vec())));
        let id = self.take_photo_id();
        let name = tr_with(
            "Face {series}-{number}",
            &[("series", &request.seed.to_string()), ("number", &(request.index + 1).to_string())],
        );
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
