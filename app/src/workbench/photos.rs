//! Photos on their way into the document: opened from files, pasted, cut out again, or sampled from the model.

use std::path::PathBuf;
use std::sync::Arc;

use image::RgbImage;
use stylemap::engine::SampleRequest;
use stylemap::face::Landmarks;
use stylemap::latent::Latent;

use super::projects::is_project;
use super::{Action, JobKind, NoticeKind, Workbench};
use crate::document::{Blend, Document, NewPhoto, Photo, PhotoId, Placement};
use crate::language::tr_with;
use crate::photo_loading::{Batch, Purpose};

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

    /// Takes a picture that is in no file; its pixels are made on another thread. Returns at once.
    pub fn take_picture(&mut self, name: String, make: impl FnOnce() -> Option<RgbImage> + Send + 'static) {
        self.loader.take_picture(name, make);
    }

    pub(super) fn use_face(&mut self, id: PhotoId, landmarks: Landmarks) {
        let known = self.placement_of(id);
        if let Some((photo, _)) = known.filter(|(_, placement)| placement.landmarks != Some(landmarks)) {
            self.loader.cut_out(photo, landmarks);
        }
    }

    /// The user was asked which face is meant and did not say.
    pub(super) fn keep_face(&mut self, id: PhotoId) {
        if let Some((photo, _)) = self.placement_of(id).filter(|(_, placement)| placement.landmarks.is_none()) {
            let text = tr_with(
                "The middle of {name} is used as it is. Right-click the photo to place the face by hand",
                &[("name", &photo.name)],
            );
            self.tell(NoticeKind::Info, text);
        }
    }

    /// Takes what was opened.
    pub(super) fn take_photos(&mut self, batch: Batch) {
        let Batch { purpose, photos, failures } = batch;
        for failure in &failures {
            self.tell_error(failure);
        }
        for photo in &photos {
            let is_damaged = |placement: &Placement| placement.original.file.damage.is_some();
            if photo.placement.as_ref().is_some_and(is_damaged) {
                let text = "{name} is damaged, and a part of it may be missing or wrong";
                self.tell(NoticeKind::Info, tr_with(text, &[("name", &photo.name)]));
            }
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
            Purpose::Add => self.add_photos(photos),
        }
    }

    /// Begins the document: the first photo is its source, the second its reference.
    fn start_with(&mut self, photos: Vec<NewPhoto>) {
        let mut document = Document::default();
        let photos: Vec<Photo> = photos.into_iter().map(|photo| photo.numbered(self.take_photo_id())).collect();
        let ids: Vec<PhotoId> = photos.iter().map(|photo| photo.id).collect();
        self.ask_about_unclear(&photos);
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

    fn add_photos(&mut self, photos: Vec<NewPhoto>) {
        let name = match photos.len() {
            1 => "Open photo".to_owned(),
            count => tr_with("Open {count} photos", &[("count", &count.to_string())]),
        };
        let numbered: Vec<Photo> = photos.into_iter().map(|photo| photo.numbered(self.take_photo_id())).collect();
        self.ask_about_unclear(&numbered);
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
