//! Faces that are brought nearer to their photos, because the user asked for it or wants it of every photo: looked for on the disk, else refined by
//! the engine beside the work. What was found is an edit like any other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stylemap::engine::RefineProgress;
use stylemap::latent::Latent;

use super::{EngineState, JobKind, NoticeKind, Workbench};
use crate::document::{Photo, PhotoId};
use crate::language::tr_with;
use crate::refined_faces::RefinedFaces;

/// What is known of the faces that are refined.
pub struct Refinements {
    /// Where refined faces are kept; none keeps none.
    kept: Option<RefinedFaces>,
    /// Those that are looked for or refined, and in how many steps.
    wanted: BTreeMap<PhotoId, Wanted>,
    /// Those that the engine draws, and the document is to know of.
    found: Vec<(PhotoId, Arc<Latent>)>,
    /// Photos that were refined because every photo is: each once.
    tried: BTreeSet<PhotoId>,
}

#[derive(Clone, Copy)]
struct Wanted {
    steps: usize,
    /// Whether nobody asked for this one.
    is_by_itself: bool,
    is_looked_for: bool,
}

impl Refinements {
    pub(super) fn new(kept: Option<RefinedFaces>) -> Self {
        Self { kept, wanted: BTreeMap::new(), found: Vec::new(), tried: BTreeSet::new() }
    }
}

impl Workbench {
    /// How far a photo's face is on its way to the photo; none where it is not under way.
    pub fn refinement(&self, photo: PhotoId) -> Option<RefineProgress> {
        let wanted = self.refinements.wanted.get(&photo)?;
        Some(self.engine.refining(photo).unwrap_or(RefineProgress { done: 0, steps: wanted.steps }))
    }

    /// How far the face is that the engine works on; none where it works on none.
    pub fn refinement_in_hand(&self) -> Option<RefineProgress> {
        let progress = self.refinements.wanted.keys().filter_map(|photo| self.refinement(*photo));
        progress.max_by_key(|progress| progress.done)
    }

    /// Whether a face is under way.
    pub fn is_refining(&self) -> bool {
        !self.refinements.wanted.is_empty() || !self.refinements.found.is_empty()
    }

    /// Whether a photo's face is nearer to it than the model found at once.
    pub fn is_refined(&self, photo: PhotoId) -> bool {
        let EngineState::Ready(info) = self.engine.state() else { return false };
        let photo = self.timeline.document().photo(photo);
        photo.and_then(|photo| photo.latent_of(&info.hash)).is_some_and(|latent| latent.is_refined)
    }

    /// The photos whose faces are worked on: the source and that of the active layer. Not those that never were photos.
    pub fn photos_in_hand(&self) -> Vec<Arc<Photo>> {
        let document = self.timeline.document();
        let source = document.source();
        let active = document.active_layer().map(|layer| layer.photo).filter(|photo| source != Some(*photo));
        let photos = [source, active].into_iter().flatten().filter_map(|id| document.photo(id));
        photos.filter(|photo| !photo.is_sample).map(Arc::clone).collect()
    }

    /// Whether this photo's face, or one of those in hand, can be brought nearer to it.
    pub(super) fn can_refine(&self, photo: Option<PhotoId>) -> bool {
        match photo {
            Some(photo) => self.can_refine_photo(photo),
            None => self.photos_in_hand().iter().any(|photo| self.can_refine_photo(photo.id)),
        }
    }

    pub(super) fn is_refining_any_of(&self, photo: Option<PhotoId>) -> bool {
        photo.map_or(!self.refinements.wanted.is_empty(), |photo| self.refinements.wanted.contains_key(&photo))
    }

    fn can_refine_photo(&self, id: PhotoId) -> bool {
        let photo = self.timeline.document().photo(id);
        matches!(self.engine.state(), EngineState::Ready(_))
            && photo.is_some_and(|photo| !photo.is_sample)
            && !self.engine.is_encoding(id)
            && !self.refinements.wanted.contains_key(&id)
    }

    /// Brings this photo's face, or those in hand, nearer to their photos.
    pub(super) fn refine(&mut self, photo: Option<PhotoId>) {
        let in_hand = self.photos_in_hand().iter().map(|photo| photo.id).collect();
        let photos = photo.map_or(in_hand, |photo| vec![photo]);
        for photo in photos {
            if self.can_refine_photo(photo) {
                self.begin_refinement(photo, false);
            }
        }
    }

    fn begin_refinement(&mut self, id: PhotoId, is_by_itself: bool) {
        let steps = self.settings.refinement.steps();
        let Some(photo) = self.timeline.document().photo(id).map(Arc::clone) else { return };
        let EngineState::Ready(info) = self.engine.state() else { return };
        // Once more from a refined face is something else than the first time.
        let kept = self.refinements.kept.clone().filter(|_| !self.is_refined(id));
        let wanted = Wanted { steps, is_by_itself, is_looked_for: kept.is_some() };
        self.refinements.wanted.insert(id, wanted);
        let Some(kept) = kept else { return self.engine.refine(&photo, steps) };
        let model_hash = info.hash.clone();
        let started = self.jobs.start(JobKind::FindRefined, move |_| {
            let found = kept.find(&photo.crop, &model_hash, steps);
            Box::new(move |bench: &mut Self| {
                let Some(wanted) = bench.refinements.wanted.get_mut(&id) else { return };
                wanted.is_looked_for = false;
                match found {
                    Some(latent) => {
                        let latent = Arc::new(latent);
                        bench.engine.draw_as(id, &latent);
                        bench.refinements.found.push((id, latent));
                    }
                    None => bench.engine.refine(&photo, steps),
                }
            })
        });
        if let Err(err) = started {
            self.refinements.wanted.remove(&id);
            self.tell_error(&err.context("the face could not be refined"));
        }
    }

    /// Refines this face, or any, no further: they stay as near to their photos as they came.
    pub(super) fn stop_refining(&mut self, photo: Option<PhotoId>) {
        let all = self.refinements.wanted.keys().copied().collect();
        photo.map_or(all, |photo| vec![photo]).into_iter().for_each(|photo| self.stop_refining_photo(photo));
    }

    fn stop_refining_photo(&mut self, photo: PhotoId) {
        match self.refinements.wanted.get(&photo) {
            Some(wanted) if wanted.is_looked_for => {
                self.refinements.wanted.remove(&photo);
            }
            _ => self.engine.stop_refining(photo),
        }
    }

    /// The engine has ended a refinement.
    pub(super) fn take_refined(&mut self, photo: PhotoId, latent: Option<Arc<Latent>>, is_whole: bool) {
        match latent {
            Some(latent) => {
                if is_whole {
                    self.keep_refined(photo, Arc::clone(&latent));
                }
                self.refinements.found.push((photo, latent));
            }
            None => {
                self.refinements.wanted.remove(&photo);
            }
        }
    }

    /// The engine could not go on with a refinement.
    pub(super) fn fail_refinement(&mut self, photo: PhotoId, reason: &str) {
        self.refinements.wanted.remove(&photo);
        if let Some(photo) = self.timeline.document().photo(photo) {
            let text = "The likeness of {name} could not be improved: {reason}";
            let text = tr_with(text, &[("name", &photo.name), ("reason", reason)]);
            self.tell(NoticeKind::Error, text);
        }
    }

    fn keep_refined(&mut self, id: PhotoId, latent: Arc<Latent>) {
        let (Some(kept), Some(wanted)) = (self.refinements.kept.clone(), self.refinements.wanted.get(&id)) else {
            return;
        };
        let (Some(photo), EngineState::Ready(info)) = (self.timeline.document().photo(id), self.engine.state()) else {
            return;
        };
        if self.is_refined(id) {
            return;
        }
        let (crop, model_hash, steps) = (Arc::clone(&photo.crop), info.hash.clone(), wanted.steps);
        let started = self.jobs.start(JobKind::KeepRefined, move |_| {
            let kept = kept.keep(&crop, &model_hash, steps, &latent);
            // It is there all the same: only the next time takes as long again.
            if let Err(err) = kept {
                log::warn!("{err:#}");
            }
            Box::new(|_: &mut Self| {})
        });
        if let Err(err) = started {
            log::warn!("a refined face is not kept: {err:#}");
        }
    }

    /// Brings the document up to what was found, and refines what is to be refined by itself.
    pub(super) fn update_refinements(&mut self) {
        let document = self.timeline.document();
        self.refinements.wanted.retain(|photo, _| document.photo(*photo).is_some());
        self.refinements.tried.retain(|photo| document.photo(*photo).is_some());
        let is_ended = |bench: &Self, photo: &PhotoId, wanted: &Wanted| {
            !wanted.is_looked_for
                && bench.engine.refining(*photo).is_none()
                && bench.refinements.found.iter().all(|(found, _)| found != photo)
        };
        // The face became another one meanwhile, by undo.
        let ended: Vec<PhotoId> = self
            .refinements
            .wanted
            .iter()
            .filter(|(id, wanted)| is_ended(self, id, wanted))
            .map(|(id, _)| *id)
            .collect();
        self.refinements.wanted.retain(|photo, _| !ended.contains(photo));
        // What was found does not end the stroke under way.
        if self.toolbox.busy().is_none() {
            for (photo, latent) in std::mem::take(&mut self.refinements.found) {
                let wanted = self.refinements.wanted.remove(&photo);
                self.put_refined(photo, latent, wanted.is_some_and(|wanted| wanted.is_by_itself));
            }
        }
        if self.settings.refinement.is_of_every_photo {
            let photos = self.timeline.document().photos();
            let next = photos
                .iter()
                .map(|photo| photo.id)
                .find(|id| self.can_refine_photo(*id) && !self.is_refined(*id) && !self.refinements.tried.contains(id));
            if let Some(next) = next {
                self.refinements.tried.insert(next);
                self.begin_refinement(next, true);
            }
        }
    }

    fn put_refined(&mut self, photo: PhotoId, latent: Arc<Latent>, is_by_itself: bool) {
        let EngineState::Ready(info) = self.engine.state() else { return };
        let hash = info.hash.clone();
        if !is_by_itself {
            return self.timeline.edit("Improve likeness", |document| document.set_latent(photo, latent, hash));
        }
        // As if it had been so from the beginning: there is nothing that the user would take back.
        let before = self.timeline.revision();
        self.timeline.rewrite(|document| document.set_latent(photo, Arc::clone(&latent), hash.clone()));
        let now = self.timeline.revision();
        self.projects.follow_revision(before, now);
        if let Some(opening) = self.opening.as_mut() {
            opening.follow_revision(before, now);
        }
    }
}
